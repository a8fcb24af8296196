//! Journals with lost answers and crashes in them, and what a way back is planned from.

use jiff::SignedDuration;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::journal::{Context, Journal, Options};
use crate::model::change::LastSight;
use crate::model::{AttributeChange, Cause, Containers, Dn, Operation, PolicyName, Target};

const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";

fn id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

fn guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0xf000 + number))
}

/// The group of this number: its own object, or a new one.
fn target(number: u128, is_new: bool) -> Target {
    let container = Dn::parse(CONTAINER).unwrap();
    let (containers, place) =
        (Containers::new(vec![container.clone()]), container.child(&format!("Group {number}")));
    if is_new { containers.admit_new(place) } else { containers.admit(guid(number), place) }
        .unwrap()
}

fn create(number: u128) -> Operation {
    let attributes = vec![("cn".into(), format!("Group {number}"))];
    Operation::Add { target: target(number, true), attributes }
}

fn add(number: u128, member: u128) -> Operation {
    Operation::AddMembers { target: target(number, false), members: vec![guid(member)] }
}

fn describe(number: u128) -> Operation {
    let (name, after) = ("description".into(), Some("new".to_owned()));
    let attributes = vec![AttributeChange { name, before: None, after }];
    Operation::Modify { target: target(number, false), attributes }
}

fn delete(number: u128) -> Operation {
    let last = LastSight { attributes: Vec::new(), members: vec![guid(9)] };
    Operation::Delete { target: target(number, false), last }
}

fn restore(number: u128) -> Operation {
    Operation::Restore { target: target(number, false), attributes: Vec::new() }
}

fn done() -> Outcome {
    Outcome::Done { object: None }
}

fn lost() -> Outcome {
    Outcome::Unknown { message: "the answer was lost".to_owned() }
}

fn refused() -> Outcome {
    Outcome::Refused { message: "00002035".to_owned() }
}

/// A journal with these operations, each for the group of its number: change set, group,
/// operation, and what came of it unless a crash came before.
fn journal(lines: Vec<(&str, u128, Operation, Option<Outcome>)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut now = Timestamp::UNIX_EPOCH;
    let mut journal = Journal::open(folder.path(), Options::default(), now).unwrap();
    for (set, group, operation, outcome) in lines {
        now += SignedDuration::from_secs(1);
        let context = Context {
            policy: PolicyName::parse("finance").unwrap(),
            group: id(group),
            cause: Cause::Cloud("x".to_owned()),
            plan: Digest::of(set.as_bytes()),
            generation: None,
            file: None,
            revision: None,
            spends: Vec::new(),
        };
        let recorded = journal.intend(operation, &context, now).unwrap();
        if let Some(outcome) = outcome {
            journal.conclude(&recorded, &outcome, now).unwrap();
        }
    }
    folder
}

fn set(folder: &TempDir, name: &str) -> ChangeSet {
    read(folder.path(), &Digest::of(name.as_bytes()).short()).unwrap()
}

/// What may have been done to each group: object, kind of deed, whether its end was heard.
fn deeds(set: &ChangeSet) -> Vec<(ObjectId, Option<ObjectGuid>, &'static str, bool)> {
    let word = |deed: &Deed| match deed {
        Deed::Added { .. } => "made",
        Deed::Modified { .. } => "changed",
        Deed::MembersAdded(_) => "members in",
        Deed::MembersRemoved(_) => "members out",
        Deed::Moved { .. } => "moved",
        Deed::Restored => "restored",
        Deed::Deleted(_) => "deleted",
    };
    set.past.iter().map(|past| (past.group, past.object, word(&past.deed), past.heard)).collect()
}

#[test]
fn a_lost_answer_and_a_crash_count_like_what_was_done() {
    let folder = journal(vec![
        ("a", 1, add(1, 9), Some(done())),
        ("a", 2, add(2, 9), Some(lost())),
        ("a", 3, describe(3), Some(refused())),
        ("a", 4, create(4), Some(lost())),
        ("a", 5, delete(5), None),
    ]);
    let set = set(&folder, "a");
    assert_eq!(
        deeds(&set),
        [
            (id(1), Some(guid(1)), "members in", true),
            (id(2), Some(guid(2)), "members in", false),
            (id(4), None, "made", false),
            (id(5), Some(guid(5)), "deleted", false),
        ]
    );
    assert_eq!((set.unheard, set.undone), (3, 1));
}

#[test]
fn what_was_sent_again_is_done_once_as_the_best_answer_says() {
    let folder = journal(vec![
        ("a", 1, add(1, 9), Some(lost())),
        ("a", 1, add(1, 9), Some(done())),
        ("a", 2, create(2), Some(lost())),
        ("a", 2, create(2), Some(refused())),
        ("a", 3, describe(3), Some(Outcome::Failed { message: "busy".to_owned() })),
        ("a", 3, describe(3), Some(done())),
    ]);
    let set = set(&folder, "a");
    assert_eq!(
        deeds(&set),
        [
            (id(1), Some(guid(1)), "members in", true),
            (id(2), None, "made", false),
            (id(3), Some(guid(3)), "changed", true),
        ]
    );
    assert_eq!((set.unheard, set.undone), (1, 0));
}

#[test]
fn what_was_made_is_known_by_what_was_done_to_it_afterwards() {
    let folder = journal(vec![
        ("a", 1, create(1), Some(lost())),
        ("a", 1, add(1, 9), Some(done())),
        ("b", 2, create(2), Some(done())),
        ("b", 3, create(3), Some(done())),
        ("c", 3, create(3), Some(done())),
        ("c", 2, add(2, 9), Some(done())),
    ]);
    assert_eq!(deeds(&set(&folder, "a"))[0], (id(1), Some(guid(1)), "made", false));
    // That of 3 is not there any more, or there would be no second one.
    assert_eq!(deeds(&set(&folder, "b")), [(id(2), None, "made", true)]);
}

#[test]
fn what_was_restored_since_had_been_deleted_and_was_not_restored_before() {
    let folder = journal(vec![
        ("a", 1, restore(1), None),
        ("b", 1, delete(1), None),
        ("b", 2, delete(2), None),
        ("c", 1, restore(1), None),
    ]);
    assert_eq!(deeds(&set(&folder, "a")), []);
    let deleted = |number, heard| (id(number), Some(guid(number)), "deleted", heard);
    assert_eq!(deeds(&set(&folder, "b")), [deleted(1, true), deleted(2, false)]);
    assert_eq!(deeds(&set(&folder, "c")), [(id(1), Some(guid(1)), "restored", false)]);
}
