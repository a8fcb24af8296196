//! What has to be kept back because something else is.
//!
//! From the changes that the guard's limits keep back to those that build on them.

use std::collections::BTreeSet;

use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::{ObjectId, Target};

/// Keeps back what builds on changes that are kept back:
///
/// | kept back | and with it |
/// |---|---|
/// | a creation | every change of the new group |
/// | a rename or move | whatever takes the name it would have freed, and every step of its group |
/// | additions to a group | the removals from it: who changes places in it would be without both |
pub(super) fn dependents(changes: &[Change], back: &mut BTreeSet<usize>) {
    loop {
        let uncreated = uncreated(changes, back);
        // The second step of a group that swaps names starts from where the first one ends, so
        // the names that stay taken hold the two together.
        let names: BTreeSet<_> = changes
            .iter()
            .enumerate()
            .filter(|(index, change)| back.contains(index) && change.target.object().is_some())
            .filter(|(_, change)| new_place(change).is_some())
            .map(|(_, change)| change.target.dn().key())
            .collect();
        let starved: BTreeSet<ObjectId> = changes
            .iter()
            .enumerate()
            .filter(|(index, change)| {
                change.effect.kind() == Kind::AddMembers
                    && (back.contains(index) || part(change, &uncreated).1.is_some())
            })
            .map(|(_, change)| change.group)
            .collect();
        let before = back.len();
        back.extend(changes.iter().enumerate().filter_map(|(index, change)| {
            let place = new_place(change);
            let depends = uncreated.contains(&change.group)
                || place.is_some_and(|place| names.contains(&place.dn().key()))
                || (change.effect.kind() == Kind::RemoveMembers && starved.contains(&change.group));
            depends.then_some(index)
        }));
        if back.len() == before {
            return;
        }
    }
}

/// The groups whose creation is kept back.
pub(super) fn uncreated(changes: &[Change], back: &BTreeSet<usize>) -> BTreeSet<ObjectId> {
    let creations = changes
        .iter()
        .enumerate()
        .filter(|(index, change)| back.contains(index) && comes_to_be(change));
    creations.map(|(_, change)| change.group).collect()
}

/// Whether other changes of its group, and nestings of it, need this one first.
fn comes_to_be(change: &Change) -> bool {
    matches!(change.effect.kind(), Kind::Create | Kind::Restore)
}

/// The name that a change takes.
fn new_place(change: &Change) -> Option<&Target> {
    match &change.effect {
        Effect::Create { .. } | Effect::Restore { .. } => Some(&change.target),
        Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => Some(to),
        Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Delete { .. }
        | Effect::Freeze => None,
    }
}

/// Splits a change into what may be done now and what has to wait until nested groups are created.
pub(super) fn part(
    change: &Change,
    uncreated: &BTreeSet<ObjectId>,
) -> (Option<Change>, Option<Change>) {
    let Effect::AddMembers { members, of } = &change.effect else {
        return (Some(change.clone()), None);
    };
    let waits = |member: &MemberReference| match member {
        MemberReference::Existing { .. } => false,
        MemberReference::Created { group, .. } => uncreated.contains(group),
    };
    let (later, now): (Vec<_>, Vec<_>) = members.iter().cloned().partition(waits);
    let with = |members: Vec<MemberReference>| {
        let effect = Effect::AddMembers { members, of: *of };
        Change { effect, ..change.clone() }
    };
    let with = |members: Vec<_>| (!members.is_empty()).then(|| with(members));
    (with(now), with(later))
}
