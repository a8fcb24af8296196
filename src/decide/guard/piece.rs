//! A plan cut into the pieces that a guard judges: what is approved, what does not count, what
//! leavers lose, and the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::guard::Scale;
use crate::decide::plan;
use crate::defence::stands;
use crate::model::change::{Change, Effect, MemberReference};
use crate::model::window::{Spend, WINDOW};
use crate::model::{Item, ObjectGuid, ObjectId};

/// What a piece counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A person let it through.
    Approved,
    /// Values that this daemon added less than a day ago.
    Ours,
    /// Values of principals that left the tenant or were disabled there.
    Leavers,
    /// Everything else.
    Counted,
}

/// A part of a change, or all of it.
#[derive(Debug)]
pub(super) struct Piece {
    /// The change with the part's members alone.
    pub change: Change,
    /// The change it is a part of, by its place in the plan.
    pub origin: usize,
    /// What it counts as.
    pub class: Class,
    /// How many members the whole change takes out.
    pub whole: usize,
}

/// Cuts the changes; those that write nothing are left out.
pub(super) fn pieces(changes: &[Change], scale: &Scale<'_>) -> Vec<Piece> {
    let approved = scale.approved_items();
    let writes = changes.iter().enumerate();
    let writes = writes.filter(|(_, change)| change.effect != Effect::Freeze);
    writes.flat_map(|(origin, change)| cut(origin, change, &approved, scale)).collect()
}

fn cut(
    origin: usize,
    change: &Change,
    approved: &BTreeSet<&Item>,
    scale: &Scale<'_>,
) -> Vec<Piece> {
    let items = plan::items(change);
    let passes = |item: &Item| approved.contains(item);
    let (members, whole) = match &change.effect {
        Effect::AddMembers { members, .. } => (members, 0),
        Effect::RemoveMembers { members, .. } => (members, members.len()),
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => {
            let all = items.iter().all(passes);
            let class = if all { Class::Approved } else { Class::Counted };
            return vec![Piece { change: change.clone(), origin, class, whole: 0 }];
        }
    };
    let mut classes: BTreeMap<Class, Vec<MemberReference>> = BTreeMap::new();
    for (member, item) in members.iter().zip(&items) {
        let class = if passes(item) {
            Class::Approved
        } else if whole == 0 {
            Class::Counted
        } else {
            scale.class(change, member)
        };
        classes.entry(class).or_default().push(member.clone());
    }
    let piece = |(class, members)| {
        let change = with_members(change, members);
        Piece { change, origin, class, whole }
    };
    classes.into_iter().map(piece).collect()
}

/// The same change for other members.
pub(super) fn with_members(change: &Change, members: Vec<MemberReference>) -> Change {
    let effect = match &change.effect {
        Effect::AddMembers { of, .. } => Effect::AddMembers { members, of: *of },
        Effect::RemoveMembers { of, .. } => Effect::RemoveMembers { members, of: *of },
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => return change.clone(),
    };
    Change { effect, ..change.clone() }
}

/// Puts pieces of the same change together again, in the order of the plan.
pub(super) fn join<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Vec<Change> {
    let mut by_origin: BTreeMap<usize, Change> = BTreeMap::new();
    for piece in pieces {
        let Some(known) = by_origin.get_mut(&piece.origin) else {
            by_origin.insert(piece.origin, piece.change.clone());
            continue;
        };
        let mut all: Vec<MemberReference> = members(known).to_vec();
        all.extend(members(&piece.change).iter().cloned());
        all.sort();
        *known = with_members(known, all);
    }
    by_origin.into_values().collect()
}

/// The members a change adds or takes out; none for any other.
pub(super) fn members(change: &Change) -> &[MemberReference] {
    match &change.effect {
        Effect::RemoveMembers { members, .. } | Effect::AddMembers { members, .. } => members,
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => &[],
    }
}

/// What inside a nested group counts where nobody could tell: the most that a group may hold.
const INSIDE_UNKNOWN: usize = 250_000;

impl Scale<'_> {
    /// What an approval that is in force lets through.
    fn approved_items(&self) -> BTreeSet<&Item> {
        let in_force = self
            .memory
            .approvals
            .values()
            .filter(|approval| approval.not_after > self.begun || !stands("H23"));
        in_force.flat_map(|approval| &approval.items).collect()
    }

    fn class(&self, change: &Change, member: &MemberReference) -> Class {
        let Some(guid) = member.guid() else { return Class::Counted };
        let added = change.target.object().and_then(|object| {
            let added = self.memory.added.get(&(object, guid))?;
            Some(self.begun.duration_since(*added) < WINDOW)
        });
        if added == Some(true) {
            Class::Ours
        } else if self.answers.leavers.contains(&guid) {
            Class::Leavers
        } else {
            Class::Counted
        }
    }

    /// What taking a member out of a group spends; `None` where it does not count.
    pub(super) fn spend(&self, change: &Change, member: &MemberReference) -> Option<Spend> {
        let (group, guid) = (change.group, member.guid()?);
        match self.class(change, member) {
            Class::Approved | Class::Ours => None,
            Class::Leavers => Some(Spend::Leaver { group, member: guid }),
            Class::Counted => {
                let principals = self.principals(guid);
                Some(Spend::Membership { group, member: guid, principals })
            }
        }
    }

    /// How many principals lose a group when this one is taken out of it.
    fn principals(&self, member: ObjectGuid) -> usize {
        if !self.nested.contains(&member) || !stands("H19") {
            return 1;
        }
        self.answers.inside.get(&member).copied().unwrap_or(INSIDE_UNKNOWN).max(1)
    }

    /// Values taken out of groups in the window, by group and member, under one policy.
    pub(super) fn spent_memberships(
        &self,
        policy: &crate::model::PolicyName,
    ) -> BTreeMap<(ObjectId, ObjectGuid), usize> {
        let spent = self.window(policy).filter_map(|spend| match spend {
            Spend::Membership { group, member, principals } => Some(((group, member), principals)),
            Spend::Group(_) | Spend::Leaver { .. } => None,
        });
        spent.collect()
    }

    /// What was spent in the window under one policy.
    pub(super) fn window<'s>(
        &'s self,
        policy: &'s crate::model::PolicyName,
    ) -> impl Iterator<Item = Spend> + 's {
        let inside = |at| self.begun.duration_since(at) < WINDOW && stands("H21");
        let spent = self.memory.spent.iter();
        spent.filter(move |spent| spent.policy == *policy && inside(spent.at)).map(|s| s.spend)
    }
}
