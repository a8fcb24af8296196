//! Who was in a group at a time, and by which change; what was done, by filter.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use writeback::journal::history::{
    Filter, GroupAt, GroupQuestion, Membership, group_at, groups, told,
};
use writeback::journal::{Journal, Options};
use writeback::model::change::LastSight;
use writeback::model::{Digest, Dn, ObjectGuid, Operation, Outcome};

use super::bench::{all, at, context, done, guid, id, target};

fn opened(directory: &Path) -> Journal {
    Journal::open(directory, Options::default(), at(0)).unwrap()
}

fn make(
    journal: &mut Journal,
    operation: Operation,
    plan: &str,
    step: i64,
    outcome: Option<Outcome>,
) {
    let recorded = journal.intend(operation, &context(id(1), plan), at(step)).unwrap();
    if let Some(outcome) = outcome {
        journal.conclude(&recorded, &outcome, at(step)).unwrap();
    }
}

fn add(members: &[u128]) -> Operation {
    let members = members.iter().map(|member| guid(*member)).collect();
    Operation::AddMembers { target: target("Sales", Some(guid(50))), members }
}

fn remove(members: &[u128]) -> Operation {
    let members = members.iter().map(|member| guid(*member)).collect();
    Operation::RemoveMembers { target: target("Sales", Some(guid(50))), members }
}

fn create() -> Operation {
    Operation::Add {
        target: target("Sales", None),
        attributes: vec![("cn".into(), "Sales".to_owned())],
    }
}

fn delete(members: &[u128]) -> Operation {
    let members = members.iter().map(|member| guid(*member)).collect();
    let last = LastSight { attributes: Vec::new(), members };
    Operation::Delete { target: target("Sales", Some(guid(50))), last }
}

fn unknown() -> Outcome {
    Outcome::Unknown { message: "lost".to_owned() }
}

fn ask(directory: &Path, step: i64) -> GroupAt {
    group_at(all(directory).into_iter(), id(1), at(step)).unwrap()
}

/// Members with the change set that put them there; `?` where that is not sure, `-` where no
/// change of the journal did.
fn members(found: &GroupAt) -> Vec<(ObjectGuid, String)> {
    let word = |membership: &Membership| match membership {
        Membership::Since(origin) => origin.changeset.short(),
        Membership::NotByUs(_) => "-".to_owned(),
        Membership::PerhapsSince(_) => "?in".to_owned(),
        Membership::PerhapsUntil(_) => "?out".to_owned(),
    };
    found.members.iter().map(|(member, membership)| (*member, word(membership))).collect()
}

fn by(plan: &str) -> String {
    Digest::of(plan.as_bytes()).short()
}

#[test]
fn each_member_stands_with_the_change_that_put_them_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path());
    make(&mut journal, create(), "one", 10, Some(done()));
    make(&mut journal, add(&[1, 2, 3]), "one", 11, Some(done()));
    make(&mut journal, remove(&[2]), "two", 20, Some(done()));
    make(&mut journal, add(&[2, 4]), "three", 30, Some(done()));
    make(&mut journal, add(&[5]), "three", 31, Some(Outcome::Refused { message: "no".to_owned() }));
    let found = ask(folder.path(), 15);
    assert_eq!(members(&found), [(guid(1), by("one")), (guid(2), by("one")), (guid(3), by("one"))]);
    assert_eq!(found.created.as_ref().unwrap().changeset, Digest::of(b"one"));
    let found = ask(folder.path(), 25);
    assert_eq!(members(&found), [(guid(1), by("one")), (guid(3), by("one"))]);
    let found = ask(folder.path(), 31);
    let expected =
        [(1, "one"), (2, "three"), (3, "one"), (4, "three")].map(|(n, plan)| (guid(n), by(plan)));
    assert_eq!(members(&found), expected);
    assert_eq!(ask(folder.path(), 5).members.len(), 0);
    let Membership::Since(origin) = &found.members[&guid(2)] else { panic!("{found:?}") };
    assert_eq!((origin.at, origin.policy.as_str()), (at(30), "finance"));
    assert_eq!(origin.cause, "cloud: its members changed");
}

#[test]
fn who_was_removed_later_was_in_before_the_journal_began() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path());
    make(&mut journal, add(&[1]), "one", 10, Some(done()));
    make(&mut journal, remove(&[1, 2]), "two", 20, Some(done()));
    make(&mut journal, add(&[2, 3]), "three", 30, Some(done()));
    make(&mut journal, delete(&[2, 3, 4]), "four", 40, Some(done()));
    assert_eq!(
        members(&ask(folder.path(), 5)),
        [(guid(1), "-"), (guid(2), "-"), (guid(4), "-")]
            .map(|(member, word)| (member, word.to_owned()))
            .into_iter()
            .filter(|(member, _)| *member != guid(1))
            .collect::<Vec<_>>()
    );
    let expected = vec![(guid(1), by("one")), (guid(2), "-".to_owned()), (guid(4), "-".to_owned())];
    assert_eq!(members(&ask(folder.path(), 15)), expected);
    let found = ask(folder.path(), 41);
    assert_eq!(found.deleted.unwrap().changeset, Digest::of(b"four"));
}

#[test]
fn what_nobody_knows_is_said_to_be_unsure() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path());
    make(&mut journal, add(&[1, 2]), "one", 10, Some(done()));
    make(&mut journal, add(&[3]), "two", 20, Some(unknown()));
    make(&mut journal, remove(&[1]), "three", 30, None);
    let expected =
        [(guid(1), "?out".to_owned()), (guid(2), by("one")), (guid(3), "?in".to_owned())];
    assert_eq!(members(&ask(folder.path(), 30)), expected);
    make(&mut journal, add(&[3]), "four", 40, Some(Outcome::AlreadySo { object: None }));
    make(&mut journal, remove(&[1]), "four", 41, Some(done()));
    assert_eq!(members(&ask(folder.path(), 50))[0], (guid(2), by("one")));
}

#[test]
fn a_group_is_found_by_id_by_object_by_any_name_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path());
    make(&mut journal, create(), "one", 10, Some(done()));
    let to = target("Sales, West", Some(guid(50)));
    let operation = Operation::ModifyDn { target: target("Sales", Some(guid(50))), to };
    make(&mut journal, operation, "two", 20, Some(done()));
    for asked in [
        id(1).to_string(),
        guid(50).to_string().to_uppercase(),
        "sales".to_owned(),
        "Sales, West".to_owned(),
        "cn=sales\\2C west, ou=cloud groups, dc=corp, dc=example".to_owned(),
    ] {
        let found = groups(all(folder.path()).into_iter(), &GroupQuestion::new(&asked));
        assert_eq!(found, BTreeSet::from([id(1)]), "{asked}");
    }
    let none = groups(all(folder.path()).into_iter(), &GroupQuestion::new("Sal"));
    assert_eq!(none, BTreeSet::new());
    let name = |step| Dn::parse(&ask(folder.path(), step).dn).unwrap().leaf().to_owned();
    assert_eq!((name(15), name(30)), ("Sales".to_owned(), "Sales, West".to_owned()));
}

#[test]
fn the_listing_pairs_outcomes_and_answers_filters() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = opened(folder.path());
    make(&mut journal, create(), "one", 10, Some(done()));
    make(&mut journal, add(&[1, 2]), "one", 11, Some(done()));
    make(&mut journal, remove(&[2]), "two", 20, None);
    let list = |filter: Filter| told(all(folder.path()).into_iter(), &filter);
    let everything = list(Filter::default());
    assert_eq!(everything.len(), 4, "opened, and three operations with their outcomes");
    assert_eq!(everything[2].result, Some(done()));
    assert_eq!(everything[3].result, None);
    let of_one = Filter { changeset: Some(by("one")), ..Filter::default() };
    assert_eq!(list(of_one).len(), 2);
    let of_member = Filter { members: Some(BTreeSet::from([guid(2)])), ..Filter::default() };
    assert_eq!(list(of_member).len(), 2);
    let early = Filter { until: Some(at(11)), ..Filter::default() };
    assert_eq!(list(early).len(), 3);
    let elsewhere = Filter { groups: Some(BTreeSet::from([id(9)])), ..Filter::default() };
    assert_eq!(list(elsewhere), []);
    let text = serde_json::to_value(&everything[2]).unwrap();
    assert_eq!(text["content"]["membersAdded"][1], guid(2).to_string());
    assert_eq!(text["result"]["outcome"], "Done");
    assert!(at(11) > Timestamp::UNIX_EPOCH);
}
