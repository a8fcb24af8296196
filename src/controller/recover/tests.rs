//! Each line of the table, and when a copy is an older one.

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::decide::guard::approve::USED_KEPT;
use crate::journal::entry::{End, Opened, OutcomeEntry};
use crate::model::approval::Item;
use crate::model::change::{Kind, LastSight};
use crate::model::memory::{Intent, Memory};
use crate::model::{ObjectId, PolicyName, Spend};

const RECORD: &str = "writeback/v1;owner=corp;tenant=11111111-2222-3333-4444-555555555555;\
                      policy=finance;id=01234567-89ab-cdef-0123-456789abcdef;state=Active";

fn id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

fn guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0xf000 + number))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn plan(number: u8) -> Digest {
    Digest::of(&[number])
}

fn policy() -> PolicyName {
    PolicyName::parse("finance").unwrap()
}

/// An operation on the group with its own number, in plan 1, which removes that group's member 9.
fn intent(number: u64, content: Content) -> Entry {
    let group = id(u128::from(number));
    let is_new = matches!(content, Content::Created(_));
    let intent = IntentEntry {
        sequence: number,
        plan: plan(1),
        policy: policy(),
        generation: None,
        file: None,
        revision: None,
        group,
        cause: "cloud: x".to_owned(),
        operation: "x".to_owned(),
        dn: "CN=x".to_owned(),
        object: (!is_new).then(|| guid(u128::from(number))),
        content,
        spends: vec![Spend::Membership { group, member: guid(9), principals: 1 }],
    };
    Entry { line: Some(2 * number), at: at(0), body: Body::Intent(Box::new(intent)) }
}

fn of_plan(mut entry: Entry, number: u8) -> Entry {
    if let Body::Intent(intent) = &mut entry.body {
        intent.plan = plan(number);
    }
    entry
}

fn outcome(number: u64, result: Outcome) -> Entry {
    let body = Body::Outcome(OutcomeEntry { sequence: number, result });
    Entry { line: Some(2 * number + 1), at: at(1), body }
}

fn done(number: u64) -> Entry {
    outcome(number, Outcome::Done { object: Some(guid(u128::from(number))) })
}

fn said(body: Body) -> Entry {
    Entry { line: Some(1), at: at(5), body }
}

fn ends() -> [(Option<Outcome>, bool); 6] {
    let message = || "x".to_owned();
    [
        (Some(Outcome::Done { object: None }), true),
        (Some(Outcome::AlreadySo { object: None }), true),
        (Some(Outcome::Unknown { message: message() }), true),
        (None, true),
        (Some(Outcome::Refused { message: message() }), false),
        (Some(Outcome::Failed { message: message() }), false),
    ]
}

/// Replays the lines twice: the second time must change nothing.
fn replayed(mut memory: Memory, tail: &[Entry]) -> Memory {
    recover(&mut memory, tail);
    let once = memory.clone();
    recover(&mut memory, tail);
    assert_eq!(memory, once);
    memory
}

fn change(name: &'static str, before: Option<&str>, after: Option<&str>) -> AttributeChange {
    let text = |value: Option<&str>| value.map(str::to_owned);
    AttributeChange { name: name.into(), before: text(before), after: text(after) }
}

#[test]
fn what_may_have_been_removed_is_spent_and_what_was_refused_is_not() {
    for (outcome_is, counts) in ends() {
        let mut tail = vec![intent(1, Content::MembersRemoved(vec![guid(9)]))];
        tail.extend(outcome_is.map(|result| outcome(1, result)));
        let memory = replayed(Memory::default(), &tail);
        let spend = Spend::Membership { group: id(1), member: guid(9), principals: 1 };
        let expected = Spending { at: at(0), policy: policy(), spend };
        assert_eq!(memory.spent, if counts { vec![expected] } else { vec![] }, "{tail:?}");
    }
}

#[test]
fn a_group_that_was_made_or_restored_is_in_the_inventory_and_one_in_doubt_is_no_stranger() {
    for content in [Content::Created(vec![]), Content::Restored(vec![])] {
        let mut memory = Memory::default();
        memory.deleted.insert(id(1), guid(1));
        let known = replayed(memory.clone(), &[intent(1, content.clone()), done(1)]);
        assert_eq!(known.inventory.get(&id(1)), Some(&guid(1)));
        assert_eq!(known.kept.get(&id(1)), Some(&policy()));
        assert!(known.deleted.is_empty() && known.strangers.is_empty());
        let doubted = replayed(memory, &[intent(1, content)]);
        assert!(doubted.inventory.is_empty() && doubted.deleted.len() == 1);
        assert!(doubted.strangers.contains(&id(1)));
    }
}

#[test]
fn a_group_that_was_deleted_is_remembered_as_deleted_only_when_it_was() {
    let mut memory = Memory::default();
    memory.inventory.insert(id(1), guid(1));
    let meant = Intent {
        generation: plan(7),
        member_basis: None,
        attributes: BTreeMap::new(),
        members: Box::new([]),
    };
    memory.intents.insert(id(1), meant);
    for (outcome_is, _) in ends() {
        let mut tail = vec![intent(1, Content::Deleted(LastSight::default()))];
        let is_gone = outcome_is.as_ref().is_some_and(Outcome::achieved);
        tail.extend(outcome_is.map(|result| outcome(1, result)));
        let after = replayed(memory.clone(), &tail);
        assert_eq!(after.deleted.get(&id(1)), is_gone.then_some(&guid(1)), "{tail:?}");
        assert_eq!(after.inventory.is_empty(), is_gone);
        assert_eq!(after.intents.is_empty(), is_gone);
    }
}

#[test]
fn members_and_values_that_were_written_are_known_as_ours() {
    let made = Content::Created(vec![("info".into(), "a".to_owned())]);
    let tail = [
        intent(1, made),
        done(1),
        intent(2, Content::Changed(vec![change("info", Some("a"), Some("b"))])),
        done(2),
        intent(3, Content::Changed(vec![change("info", Some("a"), None)])),
        done(3),
        intent(4, Content::MembersAdded(vec![guid(7), guid(8)])),
        outcome(4, Outcome::Done { object: None }),
        intent(5, Content::MembersAdded(vec![guid(7)])),
        outcome(5, Outcome::AlreadySo { object: None }),
        intent(6, Content::MembersAdded(vec![guid(7)])),
    ];
    let memory = replayed(Memory::default(), &tail);
    let info = |number| (guid(number), "info".into());
    let written = BTreeMap::from([(info(1), "a".to_owned()), (info(2), "b".to_owned())]);
    assert_eq!(memory.written, written);
    let added = [7, 8].map(|member| ((guid(4), guid(member)), at(0)));
    assert_eq!(memory.added, BTreeMap::from(added));
}

#[test]
fn what_was_done_before_the_crash_is_what_the_group_is_meant_to_be() {
    let text = |value: &str| value.to_owned();
    let attributes = BTreeMap::from([
        ("distinguishedName".into(), text("CN=a")),
        ("description".into(), text("old")),
        ("info".into(), text("kept")),
    ]);
    let members = Box::new([guid(1), guid(2)]);
    let mut memory = Memory::default();
    memory
        .intents
        .insert(id(1), Intent { generation: plan(7), member_basis: None, attributes, members });
    let on_the_one = |number: u64, content: Content| {
        let mut entry = intent(number, content);
        if let Body::Intent(intent) = &mut entry.body {
            intent.group = id(1);
        }
        entry
    };
    let changes = vec![
        change("description", Some("old"), Some("new")),
        change("extensionName", Some("x"), Some(RECORD)),
    ];
    let tail = [
        on_the_one(1, Content::Changed(changes)),
        done(1),
        on_the_one(2, Content::MembersAdded(vec![guid(3)])),
        done(2),
        on_the_one(3, Content::MembersRemoved(vec![guid(1)])),
        outcome(3, Outcome::AlreadySo { object: None }),
        on_the_one(4, Content::Moved { from: text("CN=a"), to: text("CN=b") }),
        done(4),
        // Nobody knows whether it was done.
        on_the_one(5, Content::MembersAdded(vec![guid(8)])),
    ];
    let after = replayed(memory, &tail);
    let meant = after.intents.get(&id(1)).unwrap();
    assert_eq!(*meant.members, [guid(2), guid(3)]);
    let told: Vec<_> = meant.attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
    let wanted = [("description", "new"), ("distinguishedName", "CN=b"), ("info", "kept")];
    assert_eq!(told, wanted);
}

#[test]
fn an_adopted_group_is_ours_with_its_removals_held_and_a_released_one_is_not() {
    let adopted = Content::Changed(vec![
        change("extensionName", None, Some("writeback-adopted/v1;id=x")),
        change("extensionName", None, Some(RECORD)),
    ]);
    let memory = replayed(Memory::default(), &[intent(1, adopted), done(1)]);
    assert_eq!(memory.inventory.get(&id(1)), Some(&guid(1)));
    assert!(memory.adopting.contains(&id(1)));
    let released = Content::Changed(vec![change("extensionName", Some(RECORD), None)]);
    let memory = replayed(memory, &[intent(1, released), done(1)]);
    assert_eq!((memory.inventory.len(), memory.kept.len(), memory.adopting.len()), (0, 0, 0));
}

#[test]
fn an_approval_is_taken_up_where_its_set_is_known_and_a_used_one_is_used() {
    let item = Item { object: "x".to_owned(), kind: Kind::Delete, value: String::new() };
    let held = BTreeSet::from([item]);
    let mut memory = Memory::default();
    memory.held.insert(plan(1), held.clone());
    let approved = |number| {
        let approved_by = "ada".to_owned();
        said(Body::Approval {
            digest: plan(number),
            approved_by,
            not_after: at(60),
            items: 1,
            place: None,
        })
    };
    let approval =
        Approval { items: held, approved_by: "ada".to_owned(), at: at(5), not_after: at(60) };
    let after = replayed(memory.clone(), &[approved(1), approved(2)]);
    assert_eq!(after.approvals, BTreeMap::from([(plan(1), approval)]));
    let used = || said(Body::ApprovalUsed { digest: plan(1) });
    let after = replayed(memory.clone(), &[approved(1), used()]);
    assert!(after.approvals.is_empty());
    assert_eq!(after.used_approvals, BTreeMap::from([(plan(1), at(5))]));
    // One of an equal set, so long ago that it counts no more.
    memory.used_approvals.insert(plan(1), at(5) - USED_KEPT);
    let again = replayed(memory.clone(), &[approved(1)]);
    assert_eq!(again.approvals.keys().collect::<Vec<_>>(), [&plan(1)]);
    let after = replayed(memory, &[approved(1), used()]);
    assert!(after.approvals.is_empty());
    assert_eq!(after.used_approvals, BTreeMap::from([(plan(1), at(5))]));
}

#[test]
fn the_groups_of_an_undo_stay_undone() {
    let changed = || Content::Changed(vec![]);
    let tail = [
        of_plan(intent(1, changed()), 1),
        said(Body::Undo { changeset: plan(1) }),
        of_plan(intent(2, changed()), 2),
        of_plan(intent(3, changed()), 2),
        of_plan(intent(4, changed()), 3),
        of_plan(intent(5, changed()), 2),
    ];
    let memory = replayed(Memory::default(), &tail);
    assert_eq!(memory.undone, BTreeMap::from([(id(2), plan(1)), (id(3), plan(1))]));
}

#[test]
fn a_state_is_an_older_copy_when_the_journal_tells_of_more_than_one_pass() {
    let opened = Opened { version: "1".to_owned(), found: End::Whole, torn: None, lost: None };
    let changed = || Content::Changed(vec![]);
    let tail = |head, entries| Tail { head, entries, broken: None };
    let one = vec![said(Body::Opened(opened)), intent(1, changed()), intent(2, changed())];
    let two = vec![intent(1, changed()), of_plan(intent(2, changed()), 2)];
    assert!(!is_older(&tail(HeadFound::Yes, vec![])));
    assert!(!is_older(&tail(HeadFound::Yes, one.clone())));
    assert!(is_older(&tail(HeadFound::Yes, two)));
    let beyond = HeadFound::Beyond { last: 3 };
    for head in [beyond, HeadFound::Differs, HeadFound::Removed, HeadFound::Told] {
        assert!(is_older(&tail(head, vec![])));
    }
    assert!(is_older(&Tail { broken: Some("x".to_owned()), ..tail(HeadFound::Yes, one) }));
}

#[test]
fn a_head_reads_back_only_with_a_whole_hash() {
    let kept = |hash: String| state::JournalHead { sequence: 7, hash };
    let head = journal_head(&kept(plan(1).to_string()));
    assert_eq!(head, Some(JournalHead { sequence: 7, hash: plan(1) }));
    assert_eq!(journal_head(&kept("short".to_owned())), None);
}

#[test]
fn what_was_paused_and_not_resumed_since_stays_paused() {
    let paused =
        |policy: Option<PolicyName>, by: &str| said(Body::Paused { policy, by: by.to_owned() });
    let resumed = |policy: Option<PolicyName>| said(Body::Resumed { policy, by: "cy".to_owned() });
    let other = PolicyName::parse("other");
    let tail = [
        paused(None, "ada"),
        paused(Some(policy()), "bob"),
        paused(other.clone(), "bob"),
        paused(Some(policy()), "cy"),
        resumed(None),
        resumed(other),
    ];
    let memory = replayed(Memory::default(), &tail);
    let pause = Pause { by: "bob".to_owned(), at: at(5) };
    assert_eq!(memory.pauses.policies, BTreeMap::from([(policy(), pause)]));
    assert_eq!(memory.pauses.all, None);
    // What the state kept is ended by the journal, too.
    let memory = replayed(memory, &[resumed(Some(policy()))]);
    assert!(memory.pauses.is_empty());
}
