//! What has to be kept back because something else is.
//!
//! From the changes that the guard's limits keep back to those that build on them.

use std::collections::BTreeSet;

use crate::decide::content::weakens;
use crate::defence::stands;
use crate::model::change::{AttributeChange, Change, Effect, Kind, MemberReference};
use crate::model::distinguished_name::DnKey;
use crate::model::record::RecordState;
use crate::model::{ObjectGuid, ObjectId, OwnershipRecord, Target};

/// Keeps back what builds on changes that are kept back:
///
/// | kept back | and with it |
/// |---|---|
/// | a creation, restoration or adoption | every change of the group |
/// | a rename or move | whatever takes the name it would have freed, every step of its group, and its handover |
/// | additions to a group | the removals from it: who changes places in it would be without both; not where it lies on a privileged path, from which removals go on |
/// | the addition of a member to another group | its removal: who changes between two groups inside a third would be without all of them; not where a privileged path keeps it back |
/// | removals from a group | security for it, and the end of the groups that would be taken out |
/// | one half of a quarantine | the other half |
/// | anything of a group that comes back | the record that says it is in use again |
///
/// `watched`: additions that are kept back because of a privileged path.
pub(super) fn dependents(
    changes: &[Change],
    back: &mut BTreeSet<usize>,
    watched: &BTreeSet<usize>,
) {
    loop {
        let kept = Kept::new(changes, back, watched);
        let before = back.len();
        let depends = changes.iter().enumerate().filter(|(_, change)| kept.holds(change));
        back.extend(depends.map(|(index, _)| index));
        if back.len() == before {
            return;
        }
    }
}

/// What is known of the changes kept back so far.
struct Kept {
    /// Groups that do not come to be.
    uncreated: BTreeSet<ObjectId>,
    /// Names that stay taken. The second step of a group that swaps names starts from where the
    /// first one ends, so they hold the two together.
    names: BTreeSet<DnKey>,
    /// Groups that are not renamed or moved.
    unmoved: BTreeSet<ObjectId>,
    /// Groups that do not get all their additions.
    starved: BTreeSet<ObjectId>,
    /// Objects that do not become members of a group.
    awaited: BTreeSet<ObjectGuid>,
    /// Groups from which nobody is removed.
    unpurged: BTreeSet<ObjectId>,
    /// Objects that stay members.
    staying: BTreeSet<ObjectGuid>,
    /// Groups that do not end.
    unended: BTreeSet<ObjectId>,
    /// Groups of which anything is kept back.
    touched: BTreeSet<ObjectId>,
}

impl Kept {
    fn new(changes: &[Change], back: &BTreeSet<usize>, watched: &BTreeSet<usize>) -> Self {
        let uncreated = uncreated(changes, back);
        let indexed = || changes.iter().enumerate();
        let kept = || indexed().filter(|(index, _)| back.contains(index)).map(|(_, change)| change);
        let groups = |is: &dyn Fn(&Change) -> bool| -> BTreeSet<ObjectId> {
            kept().filter(|change| is(change)).map(|change| change.group).collect()
        };
        let is =
            |kinds: &'static [Kind]| move |change: &Change| kinds.contains(&change.effect.kind());
        let moved = kept().filter(|change| change.target.object().is_some());
        let moved = moved.filter(|change| new_place(change).is_some());
        let starved = indexed().filter(|(index, change)| {
            change.effect.kind() == Kind::AddMembers
                && !watched.contains(index)
                && (back.contains(index) || part(change, &uncreated).1.is_some())
        });
        let removed = kept().filter_map(|change| {
            let Effect::RemoveMembers { members, .. } = &change.effect else { return None };
            Some(members)
        });
        let awaited =
            indexed().filter(|(index, _)| back.contains(index) && !watched.contains(index));
        let awaited = awaited.filter_map(|(_, change)| {
            let Effect::AddMembers { members, .. } = &change.effect else { return None };
            Some(members)
        });
        Self {
            names: moved.map(|change| change.target.dn().key()).collect(),
            unmoved: groups(&is(&[Kind::Rename, Kind::Move])),
            starved: starved.map(|(_, change)| change.group).collect(),
            unpurged: groups(&is(&[Kind::RemoveMembers])),
            awaited: awaited.flatten().filter_map(MemberReference::guid).collect(),
            staying: removed.flatten().filter_map(MemberReference::guid).collect(),
            unended: groups(&is(&[Kind::Disable, Kind::Quarantine])),
            touched: kept().map(|change| change.group).collect(),
            uncreated,
        }
    }

    /// Whether the change builds on one of them.
    fn holds(&self, change: &Change) -> bool {
        let place = new_place(change);
        if self.uncreated.contains(&change.group)
            || place.is_some_and(|place| self.names.contains(&place.dn().key()))
        {
            return true;
        }
        let is_member = change.target.object().is_some_and(|guid| self.staying.contains(&guid));
        match &change.effect {
            Effect::Handover { .. } => self.unmoved.contains(&change.group),
            Effect::RemoveMembers { members, .. } => {
                let mut guids = members.iter().filter_map(MemberReference::guid);
                self.starved.contains(&change.group)
                    || guids.any(|guid| self.awaited.contains(&guid)) && stands("H26")
            }
            Effect::Convert { from, to } => {
                weakens(*to, *from) && self.unpurged.contains(&change.group)
            }
            Effect::Update { attributes } => {
                attributes.iter().any(ends_absence) && self.touched.contains(&change.group)
            }
            Effect::Disable { .. } | Effect::Quarantine { .. } => {
                is_member || self.unended.contains(&change.group)
            }
            Effect::Delete { .. } => is_member,
            Effect::Create { .. }
            | Effect::Rename { .. }
            | Effect::Move { .. }
            | Effect::Restore { .. }
            | Effect::AddMembers { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. }
            | Effect::Freeze => false,
        }
    }
}

/// Whether a record changes from disabled or quarantined.
fn ends_absence(attribute: &AttributeChange) -> bool {
    let record = attribute.before.as_deref().filter(|_| attribute.name == "extensionName");
    let record = record.and_then(OwnershipRecord::parse);
    record.is_some_and(|record| match record.state {
        RecordState::Disabled | RecordState::Quarantined => true,
        RecordState::Filling | RecordState::Active => false,
    })
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
    matches!(change.effect.kind(), Kind::Create | Kind::Restore | Kind::Adopt)
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
        | Effect::Adopt { .. }
        | Effect::Release { .. }
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
