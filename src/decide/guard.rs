//! The guard: looks at the whole plan before the first write and keeps back what is too much.
//!
//! Only this file makes an `AdmittedPlan`, and `directory::apply` takes nothing else. The limits
//! are those of SEMANTICS "Ownership and guards", per policy, over one pass.

mod dependents;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decide::content::weakens;
use crate::decide::guard::dependents::{dependents, part, uncreated};
use crate::decide::{Inventory, plan};
use crate::model::change::{Change, Effect, Kind};
use crate::model::{Digest, ObjectId, Plan, PolicyName};

/// What a guard counts. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Row {
    /// Groups deleted, disabled, quarantined, or turned from security to distribution.
    GroupsRemoved,
    /// Values taken out of `member`, over all groups of a policy.
    MembershipsRemoved,
    /// Values taken out of one group.
    OneGroup,
    /// A group of three members or more that would lose them all.
    ToEmpty,
    /// Renames and moves.
    Renames,
    /// New groups, and groups brought back.
    Creations,
    /// Values added to one group that was filled before.
    Additions,
    /// A group this process wrote that is nowhere in the domain.
    DirectoryGroupGone,
}

impl Row {
    /// All rows, for series that start at zero.
    pub const ALL: [Self; 8] = [
        Self::GroupsRemoved,
        Self::MembershipsRemoved,
        Self::OneGroup,
        Self::ToEmpty,
        Self::Renames,
        Self::Creations,
        Self::Additions,
        Self::DirectoryGroupGone,
    ];

    /// A bounded word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::GroupsRemoved => "groups_removed",
            Self::MembershipsRemoved => "memberships_removed",
            Self::OneGroup => "one_group",
            Self::ToEmpty => "to_empty",
            Self::Renames => "renames",
            Self::Creations => "creations",
            Self::Additions => "additions",
            Self::DirectoryGroupGone => "directory_group_gone",
        }
    }

    /// Whether it counts what is taken away from a policy as a whole.
    fn removes(self) -> bool {
        match self {
            Self::GroupsRemoved | Self::MembershipsRemoved => true,
            Self::OneGroup
            | Self::ToEmpty
            | Self::Renames
            | Self::Creations
            | Self::Additions
            | Self::DirectoryGroupGone => false,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::GroupsRemoved => "groups would be removed",
            Self::MembershipsRemoved => "memberships would be removed",
            Self::OneGroup => "members of one group would be removed",
            Self::ToEmpty => "members would be removed, leaving the group empty",
            Self::Renames => "groups would be renamed or moved",
            Self::Creations => "groups would be created",
            Self::Additions => "members would be added to one group",
            Self::DirectoryGroupGone => "groups are nowhere in the domain and would get a new SID",
        }
    }
}

/// One limit that was passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What was counted.
    pub row: Row,
    /// Under which policy.
    pub policy: PolicyName,
    /// In which group, where the row is about one.
    pub group: Option<ObjectId>,
    /// How many.
    pub measured: usize,
    /// How many may pass.
    pub limit: usize,
    /// A plain sentence with value, limit and where it is set.
    pub message: String,
}

/// Changes that may be executed. Made by [`guard`] alone.
#[derive(Debug)]
pub struct AdmittedPlan {
    changes: Vec<Change>,
    digest: Digest,
}

impl AdmittedPlan {
    /// The changes, in the order they are made.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The digest of the plan these are part of: the name of the change set.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Changes that were kept back, and why.
#[derive(Clone, Debug, Default)]
pub struct HeldPlan {
    /// Sorted by policy, row, group.
    pub holds: Vec<Hold>,
    /// The changes kept back.
    pub changes: Vec<Change>,
}

impl HeldPlan {
    /// The digest of the held set, for approvals; `None` when nothing is held.
    pub fn digest(&self) -> Option<Digest> {
        (!self.holds.is_empty()).then(|| plan::digest(self.changes.iter()))
    }
}

/// A plan after the guard.
#[derive(Debug)]
pub struct Guarded {
    /// What may go on.
    pub admitted: AdmittedPlan,
    /// What is kept back.
    pub held: HeldPlan,
    /// The digest of everything that waits, admitted or held.
    pub digest: Digest,
    /// The digest of what needs a person's eyes.
    pub reviewed: Digest,
}

/// Judges the whole plan. Every change that a passed limit counts is kept back, not only the
/// excess; changes that no passed limit counts go on, but for those that build on one that is kept
/// back: see `dependents`.
pub fn guard(plan: &Plan, inventory: &BTreeMap<PolicyName, Inventory>) -> Guarded {
    guard_only(plan, inventory, None)
}

/// The same for the changes of one policy alone: those of the others are not made, which keeps back
/// whatever builds on them, and are not told.
pub fn guard_only(
    plan: &Plan,
    inventory: &BTreeMap<PolicyName, Inventory>,
    only: Option<&PolicyName>,
) -> Guarded {
    let is_asked = |change: &&Change| only.is_none_or(|only| change.policy == *only);
    let asked = || plan.writes().filter(is_asked);
    let digest = plan::digest(asked());
    let reviewed = plan::digest(asked().filter(|change| plan::is_reviewed(change)));
    let mut holds = Vec::new();
    let others = plan.changes.iter().enumerate().filter(|(_, change)| !is_asked(change));
    let mut back: BTreeSet<usize> = others.map(|(index, _)| index).collect();
    for ((policy, row, group), indices) in counted(plan) {
        let changes: Vec<_> = indices.iter().filter_map(|index| plan.changes.get(*index)).collect();
        let holding = inventory.get(&policy).copied().unwrap_or_default();
        let (measured, limit) = (measured(row, &changes), limit(row, &changes, holding));
        if measured > limit {
            back.extend(indices);
            holds.push(hold(row, policy, group, measured, limit));
        }
    }
    dependents(&plan.changes, &mut back);
    let uncreated = uncreated(&plan.changes, &back);
    let (mut admitted, mut held) = (Vec::new(), Vec::new());
    for (index, change) in plan.changes.iter().enumerate() {
        if change.effect.kind() == Kind::Freeze {
            continue;
        }
        if back.contains(&index) {
            held.push(change.clone());
        } else {
            let (now, later) = part(change, &uncreated);
            admitted.extend(now);
            held.extend(later);
        }
    }
    holds.extend(gone(plan));
    held.extend(plan.gone.iter().cloned());
    held.retain(|change| is_asked(&change));
    holds.retain(|hold| only.is_none_or(|only| hold.policy == *only));
    holds.sort_by_key(|hold| (hold.policy.clone(), hold.row, hold.group));
    let admitted = AdmittedPlan { changes: admitted, digest };
    Guarded { admitted, held: HeldPlan { holds, changes: held }, digest, reviewed }
}

type Count = (PolicyName, Row, Option<ObjectId>);

/// Which changes each row counts, by their place in the plan.
fn counted(plan: &Plan) -> BTreeMap<Count, Vec<usize>> {
    let filled: BTreeSet<ObjectId> = plan
        .changes
        .iter()
        .filter(|change| change.effect.kind() == Kind::AddMembers)
        .map(|change| change.group)
        .collect();
    let mut counted: BTreeMap<Count, Vec<usize>> = BTreeMap::new();
    // What is taken from a group that goes over to another policy counts for both.
    let former: BTreeMap<ObjectId, &PolicyName> = plan
        .changes
        .iter()
        .filter_map(|change| {
            let Effect::Handover { from, .. } = &change.effect else { return None };
            Some((change.group, from))
        })
        .collect();
    for (index, change) in plan.changes.iter().enumerate() {
        for (row, group) in rows(change, &filled) {
            let former = former.get(&change.group).copied().filter(|_| row.removes());
            for policy in former.into_iter().chain([&change.policy]) {
                counted.entry((policy.clone(), row, group)).or_default().push(index);
            }
        }
    }
    counted
}

/// The rows that count a change. A row about one group names it. A group that gets new members in
/// the same pass, `filled`, does not become empty.
fn rows(change: &Change, filled: &BTreeSet<ObjectId>) -> Vec<(Row, Option<ObjectId>)> {
    let group = Some(change.group);
    match &change.effect {
        Effect::Delete { .. } | Effect::Disable { .. } | Effect::Quarantine { .. } => {
            vec![(Row::GroupsRemoved, None)]
        }
        Effect::Convert { from, to } if weakens(*from, *to) => vec![(Row::GroupsRemoved, None)],
        Effect::RemoveMembers { members, of } => {
            let mut rows = vec![(Row::MembershipsRemoved, None), (Row::OneGroup, group)];
            let empties = members.len() >= *of && *of >= EMPTIED_MIN;
            if empties && !filled.contains(&change.group) {
                rows.push((Row::ToEmpty, group));
            }
            rows
        }
        Effect::Rename { .. } | Effect::Move { .. } => vec![(Row::Renames, None)],
        Effect::Create { .. } | Effect::Restore { .. } => vec![(Row::Creations, None)],
        Effect::AddMembers { of: Some(_), .. } => vec![(Row::Additions, group)],
        Effect::AddMembers { .. }
        | Effect::Convert { .. }
        | Effect::Update { .. }
        | Effect::Handover { .. }
        | Effect::Freeze => Vec::new(),
    }
}

/// Groups of fewer members may be emptied.
const EMPTIED_MIN: usize = 3;

/// How much of what a row counts the changes come to.
fn measured(row: Row, changes: &[&Change]) -> usize {
    let values = || changes.iter().map(|change| values(&change.effect)).sum();
    let groups = || changes.iter().map(|change| change.group).collect::<BTreeSet<_>>().len();
    match row {
        Row::MembershipsRemoved | Row::OneGroup | Row::ToEmpty | Row::Additions => values(),
        Row::GroupsRemoved | Row::Renames | Row::Creations | Row::DirectoryGroupGone => groups(),
    }
}

fn values(effect: &Effect) -> usize {
    match effect {
        Effect::RemoveMembers { members, .. } | Effect::AddMembers { members, .. } => members.len(),
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
        | Effect::Freeze => 0,
    }
}

/// How much may pass. Percentages round down, which for whole numbers is the same limit.
fn limit(row: Row, changes: &[&Change], holding: Inventory) -> usize {
    let size = || {
        let first = changes.first().map(|change| &change.effect);
        match first {
            Some(Effect::RemoveMembers { of, .. } | Effect::AddMembers { of: Some(of), .. }) => *of,
            _ => 0,
        }
    };
    match row {
        Row::GroupsRemoved => of_all(holding.groups, 10).max(1),
        Row::MembershipsRemoved => of_all(holding.memberships, 200).max(5),
        Row::OneGroup => (size() / 4).max(3),
        Row::ToEmpty => size().saturating_sub(1),
        Row::Renames => (holding.groups / 10).max(50),
        Row::Creations if holding.groups >= 50 => (holding.groups / 5).min(500),
        Row::Creations => 500,
        Row::Additions => size().saturating_mul(10).max(ADDITIONS_MIN),
        Row::DirectoryGroupGone => 0,
    }
}

/// Members that may always be added to a group at once; Microsoft's own ceiling for the values of
/// one directory transaction.
const ADDITIONS_MIN: usize = 5_000;

/// min(5 % N, max(`least`, 0.5 % N))
fn of_all(count: usize, least: usize) -> usize {
    (count / 20).min(least.max(count / 200))
}

fn hold(
    row: Row,
    policy: PolicyName,
    group: Option<ObjectId>,
    measured: usize,
    limit: usize,
) -> Hold {
    let of_group = group.map(|id| format!(" (cloud group {id})")).unwrap_or_default();
    let message = format!(
        "{measured} {}{of_group}; the limit is {limit}, the built-in default of the guard",
        row.noun()
    );
    Hold { row, policy, group, measured, limit, message }
}

fn gone(plan: &Plan) -> Vec<Hold> {
    let mut by_policy: BTreeMap<&PolicyName, BTreeSet<ObjectId>> = BTreeMap::new();
    for change in &plan.gone {
        by_policy.entry(&change.policy).or_default().insert(change.group);
    }
    by_policy
        .into_iter()
        .map(|(policy, groups)| {
            hold(Row::DirectoryGroupGone, policy.clone(), None, groups.len(), 0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(row: Row, groups: usize, memberships: usize) -> usize {
        limit(row, &[], Inventory { groups, memberships })
    }

    #[test]
    fn the_limits_are_those_of_the_table() {
        for (count, removed, created) in [
            (0, 1, 500),
            (1, 1, 500),
            (19, 1, 500),
            (20, 1, 500),
            (39, 1, 500),
            (40, 2, 500),
            (49, 2, 500),
            (50, 2, 10),
            (54, 2, 10),
            (55, 2, 11),
            (199, 9, 39),
            (200, 10, 40),
            (2_000, 10, 400),
            (2_199, 10, 439),
            (2_200, 11, 440),
            (2_500, 12, 500),
            (10_000, 50, 500),
        ] {
            assert_eq!(limits(Row::GroupsRemoved, count, 0), removed, "groups of {count}");
            assert_eq!(limits(Row::Creations, count, 0), created, "creations of {count}");
        }
        for (count, removed) in
            [(0, 5), (100, 5), (119, 5), (120, 6), (4_000, 200), (40_000, 200), (40_200, 201)]
        {
            assert_eq!(limits(Row::MembershipsRemoved, 0, count), removed, "values of {count}");
        }
        for (count, renamed) in [(0, 50), (509, 50), (510, 51), (1_000, 100)] {
            assert_eq!(limits(Row::Renames, count, 0), renamed, "renames of {count}");
        }
        assert_eq!(limits(Row::Additions, 1_000, 1_000), 5_000);
        assert_eq!(limits(Row::DirectoryGroupGone, 1_000, 1_000), 0);
    }

    #[test]
    fn limits_agree_with_the_fractions_they_stand_for() {
        // Held when more than the fraction: in integers, in twentieths and two-hundredths.
        for count in 0..=1_000_usize {
            for removed in 0..=count.min(120) {
                let beyond = |least: usize| {
                    let five_percent = removed * 20 > count;
                    let floor = removed > least && removed * 200 > count;
                    five_percent || floor
                };
                let groups = removed > limits(Row::GroupsRemoved, count, 0);
                assert_eq!(groups, removed > 1 && beyond(10), "{removed} of {count} groups");
                let values = removed > limits(Row::MembershipsRemoved, 0, count);
                assert_eq!(values, removed > 5 && beyond(200), "{removed} of {count} values");
            }
        }
    }

    #[test]
    fn a_row_has_one_word() {
        let words: BTreeSet<_> = Row::ALL.into_iter().map(Row::word).collect();
        assert_eq!(words.len(), Row::ALL.len());
    }
}
