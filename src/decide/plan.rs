//! The order of a plan and its digests: what people review, approve and compare.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::decide::content::weakens;
use crate::decide::convert::is_universal;
use crate::model::change::{Cause, Change, Effect, Kind, MemberReference};
use crate::model::{Digest, Item, ObjectId, Plan};

/// Puts the changes in the order in which they are made.
///
/// Renames, moves and new pre-Windows 2000 names keep the order they come in: it frees names
/// before they are taken. Everything else is sorted, so that the order of the inputs is of no
/// consequence.
pub fn arrange(plan: &mut Plan) {
    for list in [&mut plan.changes, &mut plan.observed, &mut plan.unconfirmed, &mut plan.gone] {
        let strengthened = strengthened(list);
        list.sort_by_cached_key(|change| {
            let phase = phase(change, &strengthened);
            (phase, sort_key(change, phase))
        });
    }
}

/// The groups that become security groups.
fn strengthened(changes: &[Change]) -> BTreeSet<ObjectId> {
    let converted = changes.iter().filter(
        |change| matches!(change.effect, Effect::Convert { from, to } if weakens(to, from)),
    );
    converted.map(|change| change.group).collect()
}

/// When a change is made, relative to the others of a pass. Nobody loses access before what gives
/// it to him otherwise is there: additions first, then security for the groups that get it, and
/// only then what takes access. A group gives access again only when those who lost it are out of
/// it; as it gave none before, nobody misses it meanwhile.
fn phase(change: &Change, strengthened: &BTreeSet<ObjectId>) -> u8 {
    let only = |name: &str, attributes: &[crate::model::AttributeChange]| {
        attributes.iter().all(|attribute| attribute.name == name)
    };
    match &change.effect {
        Effect::Rename { .. } | Effect::Move { .. } => 0,
        Effect::Update { attributes } if only("sAMAccountName", attributes) => 1,
        Effect::Adopt { .. } | Effect::Release { .. } | Effect::Handover { .. } => 2,
        // A universal group can be a member of universal groups only: the scope comes before the
        // members.
        Effect::Convert { from, to } if widens(*from, *to) => 3,
        // The record is written last, when what it says is true.
        Effect::Update { attributes } if only("extensionName", attributes) => 11,
        Effect::Update { .. } => 3,
        Effect::Restore { .. } => 4,
        Effect::Create { .. } => 5,
        Effect::AddMembers { .. } => 6,
        Effect::RemoveMembers { .. } if strengthened.contains(&change.group) => 7,
        Effect::Convert { from, to } if !weakens(*from, *to) => 8,
        Effect::Convert { .. } => 9,
        Effect::RemoveMembers { .. } => 10,
        Effect::Disable { .. } => 12,
        Effect::Quarantine { .. } => 13,
        Effect::Delete { .. } => 14,
        Effect::Freeze => 15,
    }
}

/// Whether a group becomes universal and keeps its security, or the lack of it.
fn widens(from: i32, to: i32) -> bool {
    !is_universal(from) && is_universal(to) && !weakens(from, to) && !weakens(to, from)
}

/// Empty for the changes whose order of arrival counts.
fn sort_key(change: &Change, phase: u8) -> String {
    if phase <= 1 {
        return String::new();
    }
    format!("{}\0{}\0{}", change.policy, change.label, change.group)
}

/// The digest of all changes that write, in the order of their canonical lines.
pub fn digest<'a>(changes: impl Iterator<Item = &'a Change>) -> Digest {
    let mut lines: Vec<_> = changes.map(|change| canonical(change).to_string()).collect();
    lines.sort();
    Digest::of(lines.join("\n").as_bytes())
}

/// Whether a change needs a person's eyes: its cause is a policy file, or it removes, renames,
/// moves or converts.
pub fn is_reviewed(change: &Change) -> bool {
    let by_policy = matches!(change.cause, Cause::Policy(_));
    let by_kind = match change.effect.kind() {
        Kind::Adopt
        | Kind::Release
        | Kind::Rename
        | Kind::Move
        | Kind::Convert
        | Kind::RemoveMembers
        | Kind::Disable
        | Kind::Quarantine
        | Kind::Delete => true,
        Kind::Handover
        | Kind::Update
        | Kind::Restore
        | Kind::Create
        | Kind::AddMembers
        | Kind::Freeze => false,
    };
    by_policy || by_kind
}

/// What a change is made of, for approvals: one item for each member, one for any other change.
pub fn items(change: &Change) -> Vec<Item> {
    let object = || {
        let object = change.target.object();
        object.map_or_else(|| change.group.anchor(), |guid| guid.to_string())
    };
    let kind = change.effect.kind();
    let item = |value: String| Item { object: object(), kind, value };
    match &change.effect {
        Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
            members.iter().map(|reference| item(member(reference))).collect()
        }
        Effect::Create { .. } => vec![item(change.target.dn().to_string())],
        Effect::Delete { .. } | Effect::Freeze => vec![item(String::new())],
        Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. } => vec![item(content(change).to_string())],
    }
}

/// The digest of a set of items: what an approval names.
pub fn items_digest<'a>(items: impl IntoIterator<Item = &'a Item>) -> Digest {
    let lines = items.into_iter().map(|item| json!(item).to_string());
    Digest::of(lines.collect::<Vec<_>>().join("\n").as_bytes())
}

/// A change without its cause and without names for people: what a digest is made of.
pub fn canonical(change: &Change) -> Value {
    json!({
        "policy": change.policy,
        "group": change.group,
        "object": change.target.object(),
        "dn": change.target.dn().to_string(),
        "kind": change.effect.kind().word(),
        "content": content(change),
    })
}

fn content(change: &Change) -> Value {
    match &change.effect {
        Effect::Create { attributes } => json!(attributes),
        Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
            json!(to.to_string())
        }
        Effect::Update { attributes }
        | Effect::Restore { attributes }
        | Effect::Adopt { attributes }
        | Effect::Release { attributes }
        | Effect::Disable { attributes, .. } => json!(attributes),
        Effect::Handover { record, .. } => json!(record),
        Effect::Convert { from, to } => json!([from, to]),
        Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
            json!(members.iter().map(member).collect::<Vec<_>>())
        }
        Effect::Delete { .. } | Effect::Freeze => Value::Null,
    }
}

fn member(reference: &MemberReference) -> String {
    match reference {
        MemberReference::Existing { guid, .. } => guid.to_string(),
        MemberReference::Created { group, .. } => group.anchor(),
    }
}
