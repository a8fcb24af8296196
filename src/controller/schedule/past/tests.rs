//! Every kind of change is known again from its operation: kind, text, cause, outcome.

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::directory::apply::BATCH_VALUES_DEFAULT;
use crate::journal::{Context, Journal, Options};
use crate::model::change::{Kind, LastSight};
use crate::model::record::{RecordState, adopted_mark};
use crate::model::{Digest, ObjectId, Operation, Outcome, PolicyName, TenantId};
use crate::report::text;

const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";

fn group() -> ObjectId {
    ObjectId(Uuid::from_u128(7))
}

fn object() -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0x70))
}

fn member(number: u128) -> MemberReference {
    let guid = ObjectGuid(Uuid::from_u128(number));
    MemberReference::Existing { guid, label: String::new() }
}

fn policy(name: &str) -> PolicyName {
    PolicyName::parse(name).unwrap()
}

fn record(name: &str, state: RecordState) -> String {
    let tenant = TenantId(Uuid::from_u128(1));
    let record = OwnershipRecord {
        owner: "corp".to_owned(),
        tenant,
        policy: policy(name),
        id: group(),
        state,
    };
    record.to_string()
}

fn changed(name: &'static str, before: Option<&str>, after: Option<&str>) -> AttributeChange {
    let own = |value: Option<&str>| value.map(str::to_owned);
    AttributeChange { name: name.into(), before: own(before), after: own(after) }
}

fn recorded(before: &str, after: &str) -> AttributeChange {
    changed("extensionName", Some(before), Some(after))
}

fn place(name: &str) -> Target {
    let text = format!("CN={name},{CONTAINER}");
    target(Some(object()), &text).unwrap()
}

/// Each kind as a pass plans it, with the cause it has.
fn kinds() -> Vec<(Effect, Cause)> {
    use RecordState::{Active, Disabled, Filling};
    let cloud = || Cause::Cloud("displayName as the tenant has it".to_owned());
    let left = |leave: Leave| Cause::Cloud(leave.phrase().to_owned());
    let undone = || Cause::Person("undo of change set 1".to_owned());
    let elsewhere =
        target(Some(object()), "CN=Finance,OU=Quarantine,OU=Cloud Groups,DC=corp,DC=example");
    let elsewhere = || elsewhere.clone().unwrap();
    let type_and_record = vec![
        recorded(&record("finance", Active), &record("finance", Disabled)),
        changed("groupType", Some("-2147483640"), Some("8")),
    ];
    let adopted = vec![
        changed("adminDescription", None, Some("Group_7")),
        changed("extensionName", None, Some(&adopted_mark(group()))),
        changed("extensionName", None, Some(&record("finance", Active))),
    ];
    let released = adopted.iter().map(|change| AttributeChange {
        before: change.after.clone(),
        after: change.before.clone(),
        ..change.clone()
    });
    let last = LastSight {
        attributes: vec![("sAMAccountName".into(), "Finance".to_owned())],
        members: vec![object()],
    };
    let created = vec![("groupType".into(), "8".to_owned())];
    let handed = recorded(&record("old", Active), &record("finance", Active));
    let again = recorded(&record("finance", Filling), &record("finance", Active));
    vec![
        (Effect::Create { attributes: created }, cloud()),
        (Effect::Rename { to: place("Money") }, cloud()),
        (Effect::Move { to: elsewhere() }, cloud()),
        (Effect::Move { to: elsewhere() }, undone()),
        (Effect::Quarantine { to: elsewhere() }, left(Leave::SoftDeleted)),
        (
            Effect::Update { attributes: vec![changed("displayName", None, Some("a\u{1b}b"))] },
            cloud(),
        ),
        (Effect::Update { attributes: vec![again] }, cloud()),
        (Effect::Convert { from: -2_147_483_640, to: 8 }, cloud()),
        (Effect::Restore { attributes: vec![handed.clone()] }, cloud()),
        (Effect::Handover { from: policy("old"), record: handed }, cloud()),
        (Effect::Disable { members: 0, attributes: type_and_record }, left(Leave::FlagOff)),
        (
            Effect::Disable {
                members: 0,
                attributes: vec![changed("groupType", Some("-2147483640"), Some("8"))],
            },
            left(Leave::OutOfScope),
        ),
        (
            Effect::Disable { members: 0, attributes: vec![changed("mail", Some("a@b"), None)] },
            left(Leave::HardDeleted),
        ),
        (Effect::Adopt { attributes: adopted.clone() }, cloud()),
        (Effect::Release { attributes: released.collect() }, undone()),
        (Effect::AddMembers { members: vec![member(1), member(2)], of: None }, cloud()),
        (Effect::RemoveMembers { members: vec![member(1)], of: 0 }, cloud()),
        (Effect::Delete { last }, left(Leave::HardDeleted)),
    ]
}

fn operation(change: &Change) -> Operation {
    let target = change.target.clone();
    let guids = |members: &[MemberReference]| {
        members.iter().filter_map(MemberReference::guid).take(BATCH_VALUES_DEFAULT).collect()
    };
    match &change.effect {
        Effect::Create { attributes } => Operation::Add { target, attributes: attributes.clone() },
        Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
            Operation::ModifyDn { target, to: to.clone() }
        }
        Effect::Update { attributes }
        | Effect::Disable { attributes, .. }
        | Effect::Adopt { attributes }
        | Effect::Release { attributes } => {
            Operation::Modify { target, attributes: attributes.clone() }
        }
        Effect::Handover { record, .. } => {
            Operation::Modify { target, attributes: vec![record.clone()] }
        }
        Effect::Convert { from, to } => {
            let (from, to) = (from.to_string(), to.to_string());
            let attributes = vec![changed("groupType", Some(&from), Some(&to))];
            Operation::Modify { target, attributes }
        }
        Effect::Restore { attributes } => {
            Operation::Restore { target, attributes: attributes.clone() }
        }
        Effect::AddMembers { members, .. } => {
            Operation::AddMembers { target, members: guids(members) }
        }
        Effect::RemoveMembers { members, .. } => {
            Operation::RemoveMembers { target, members: guids(members) }
        }
        Effect::Delete { last } => Operation::Delete { target, last: last.clone() },
        Effect::Freeze => panic!("a freeze is no operation"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A change under the policy `finance`, in a plan of its own.
fn change((effect, cause): (Effect, Cause)) -> Change {
    let target = if effect.kind() == Kind::Create {
        target(None, &format!("CN=Finance,{CONTAINER}")).unwrap()
    } else {
        place("Finance")
    };
    let label = "Finance".to_owned();
    Change { policy: policy("finance"), group: group(), label, target, effect, cause }
}

#[test]
fn every_kind_of_change_is_known_again_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default(), at(0)).unwrap();
    let changes: Vec<Change> = kinds().into_iter().map(change).collect();
    let outcome = Outcome::Refused { message: "no".to_owned() };
    let mut second = 0;
    for change in &changes {
        second += 60;
        let context = Context {
            policy: change.policy.clone(),
            group: change.group,
            cause: change.cause.clone(),
            plan: Digest::of(second.to_string().as_bytes()),
            generation: None,
            file: None,
            revision: None,
            spends: Vec::new(),
        };
        let recorded = journal.intend(operation(change), &context, at(second)).unwrap();
        journal.conclude(&recorded, &outcome, at(second + 1)).unwrap();
    }
    let Read { mut deeds, strange, first } =
        read(folder.path(), journal.head().sequence, &Stop::default()).unwrap();
    assert!(strange == 0 && first.is_none());
    deeds.reverse();
    assert_eq!(deeds.len(), changes.len());
    for (number, (deed, change)) in deeds.iter().zip(&changes).enumerate() {
        assert_eq!(deed.change.effect, change.effect);
        assert_eq!(deed.change.effect.kind(), change.effect.kind());
        assert_eq!(text::line(&deed.change), text::line(change));
        assert_eq!(deed.cause, change.cause.to_string());
        assert_eq!((&deed.outcome, deed.set_aside), (&outcome, 0));
        assert_eq!(deed.at, at(60 * (i64::try_from(number).unwrap() + 1)));
    }
}

#[test]
fn what_this_run_writes_is_not_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default(), at(0)).unwrap();
    let change = change(kinds().remove(1));
    let context = |plan: &str| Context {
        policy: change.policy.clone(),
        group: change.group,
        cause: change.cause.clone(),
        plan: Digest::of(plan.as_bytes()),
        generation: None,
        file: None,
        revision: None,
        spends: Vec::new(),
    };
    let _open = journal.intend(operation(&change), &context("a"), at(1)).unwrap();
    let head = journal.head().sequence;
    let _open = journal.intend(operation(&change), &context("b"), at(2)).unwrap();
    let count = |last| read(folder.path(), last, &Stop::default()).unwrap().deeds.len();
    assert_eq!((count(head), count(head + 1)), (1, 2));
}
