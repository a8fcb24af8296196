//! The step machine against a directory that fits on one page: every order of lost answers, bad
//! members, moved objects.
//!
//! Here are the words in which the cases speak of changes; `world` is the directory.

mod adoption;
mod batches;
mod dependence;
mod restoration;
mod strangers;
mod trouble;
mod whole;
mod world;

use uuid::Uuid;

use super::*;
use crate::model::change::LastSight;
use crate::model::{Cause, PolicyName, record as model_record};

const CONTAINER: &str = "OU=Groups,DC=corp,DC=example";
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

fn guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(number))
}

fn id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

/// The record of a group in use.
fn record(number: u128) -> String {
    let id = id(number);
    format!("writeback/v1;owner=corp;tenant={TENANT};policy=finance;id={id};state=Active")
}

fn dn(cn: &str) -> Dn {
    Dn::parse(CONTAINER).unwrap().child(cn)
}

fn containers() -> Containers {
    Containers::new(vec![Dn::parse(CONTAINER).unwrap()])
}

fn target(number: u128, cn: &str) -> Target {
    containers().admit(guid(number), dn(cn)).unwrap()
}

fn new_target(cn: &str) -> Target {
    containers().admit_new(dn(cn)).unwrap()
}

fn change(number: u128, target: Target, effect: Effect) -> Change {
    Change {
        policy: PolicyName::parse("finance").unwrap(),
        group: id(number),
        label: target.dn().leaf().to_owned(),
        target,
        effect,
        cause: Cause::Cloud("a case".to_owned()),
    }
}

fn create(number: u128, cn: &str) -> Change {
    let attributes = [
        ("adminDescription", id(number).anchor()),
        ("extensionName", record(number)),
        ("groupType", "8".to_owned()),
        ("sAMAccountName", cn.to_owned()),
    ]
    .map(|(name, value)| (name.into(), value))
    .to_vec();
    change(number, new_target(cn), Effect::Create { attributes })
}

fn existing(numbers: impl IntoIterator<Item = u128>) -> Vec<MemberReference> {
    let member = |n| MemberReference::Existing { guid: guid(n), label: n.to_string() };
    numbers.into_iter().map(member).collect()
}

fn add(numbers: impl IntoIterator<Item = u128>) -> Effect {
    Effect::AddMembers { members: existing(numbers), of: Some(0) }
}

fn remove(numbers: impl IntoIterator<Item = u128>) -> Effect {
    Effect::RemoveMembers { members: existing(numbers), of: 0 }
}

fn update(name: &'static str, before: Option<&str>, after: Option<&str>) -> Effect {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let change = AttributeChange { name: name.into(), before: own(before), after: own(after) };
    Effect::Update { attributes: vec![change] }
}

/// What a deleted group without its marks gets when it comes back.
fn restore(number: u128) -> Effect {
    let own = |text: &str| Some(text.to_owned());
    let attributes = vec![
        AttributeChange {
            name: "adminDescription".into(),
            before: None,
            after: Some(id(number).anchor()),
        },
        AttributeChange { name: "extensionName".into(), before: None, after: Some(record(number)) },
        AttributeChange { name: "sAMAccountName".into(), before: own("s"), after: own("s") },
    ];
    Effect::Restore { attributes }
}

fn handover(number: u128) -> Effect {
    let after = record(number).replace("finance", "other");
    let record = AttributeChange {
        name: "extensionName".into(),
        before: Some(record(number)),
        after: Some(after),
    };
    Effect::Handover { from: PolicyName::parse("finance").unwrap(), record }
}

fn deletion() -> Effect {
    Effect::Delete { last: LastSight::default() }
}

/// Record, mark and anchor on a group of somebody else's.
fn adoption(number: u128) -> Effect {
    let added = |name: &'static str, value: String| AttributeChange {
        name: name.into(),
        before: None,
        after: Some(value),
    };
    let attributes = vec![
        added("adminDescription", id(number).anchor()),
        added("extensionName", record(number)),
        added("extensionName", model_record::adopted_mark(id(number))),
    ];
    Effect::Adopt { attributes }
}

fn release(number: u128) -> Effect {
    let record =
        AttributeChange { name: "extensionName".into(), before: Some(record(number)), after: None };
    Effect::Release { attributes: vec![record] }
}

/// Three attributes at once, one of them with several values that differ in case.
fn disable(number: u128) -> Effect {
    let own = |text: &str| Some(text.to_owned());
    let change =
        |name: &'static str, before, after| AttributeChange { name: name.into(), before, after };
    let after = record(number).replace("Active", "Disabled");
    let attributes = vec![
        change("extensionName", Some(record(number)), Some(after)),
        change("groupType", own("8"), own("2")),
        change("proxyAddresses", None, own("SMTP:8@x")),
        change("proxyAddresses", own("SMTP:eight@x"), own("smtp:eight@x")),
        change("proxyAddresses", own("smtp:8@x"), None),
    ];
    Effect::Disable { members: 1, attributes }
}

fn words(results: &[ChangeResult]) -> Vec<&'static str> {
    results.iter().map(|result| result.outcome.word()).collect()
}

fn of_one(effects: impl IntoIterator<Item = Effect>) -> Vec<Change> {
    effects.into_iter().map(|effect| change(1, target(1, "a"), effect)).collect()
}

fn message(results: &[ChangeResult], index: usize) -> &str {
    match &results.get(index).unwrap().outcome {
        Outcome::Failed { message }
        | Outcome::Unknown { message }
        | Outcome::Refused { message } => message,
        Outcome::Done { .. } | Outcome::AlreadySo { .. } => panic!("{results:?}"),
    }
}
