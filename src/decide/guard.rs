//! The guard: looks at the whole plan before the first write and keeps back what is too much.
//!
//! Only this file makes an `AdmittedPlan`, and `directory::apply` takes nothing else. The limits
//! are those of SEMANTICS "Ownership and guards", per policy, over one pass.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decide::naming::weakens;
use crate::decide::{Inventory, plan};
use crate::model::change::{Change, Effect, Kind};
use crate::model::{Digest, ObjectId, Plan, PolicyName};

/// What a guard counts. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Row {
    /// Groups deleted, or turned from security to distribution.
    GroupsRemoved,
    /// Values taken out of `member`, over all groups of a policy.
    MembershipsRemoved,
    /// Values taken out of one group.
    OneGroup,
    /// A group that would lose its last members.
    ToEmpty,
    /// Renames and moves.
    Renames,
    /// New groups.
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
/// excess; changes that no passed limit counts go on. A group whose creation is kept back keeps
/// its other changes back too.
pub fn guard(plan: &Plan, inventory: &BTreeMap<PolicyName, Inventory>) -> Guarded {
    let digest = plan::digest(plan.writes());
    let reviewed = plan::digest(plan.writes().filter(|change| plan::is_reviewed(change)));
    let mut counted: BTreeMap<(PolicyName, Row, Option<ObjectId>), Vec<usize>> = BTreeMap::new();
    for (index, change) in plan.changes.iter().enumerate() {
        for (row, group) in rows(change) {
            counted.entry((change.policy.clone(), row, group)).or_default().push(index);
        }
    }
    let mut holds = Vec::new();
    let mut kept_back: BTreeSet<usize> = BTreeSet::new();
    for ((policy, row, group), indices) in counted {
        let changes: Vec<_> = indices.iter().filter_map(|index| plan.changes.get(*index)).collect();
        let holding = inventory.get(&policy).copied().unwrap_or_default();
        let Some((measured, limit)) = passed(row, &changes, holding) else { continue };
        kept_back.extend(indices);
        holds.push(hold(row, policy, group, measured, limit));
    }
    let uncreated: BTreeSet<ObjectId> = kept_back
        .iter()
        .filter_map(|index| plan.changes.get(*index))
        .filter(|change| change.effect.kind() == Kind::Create)
        .map(|change| change.group)
        .collect();
    let (mut admitted, mut held) = (Vec::new(), Vec::new());
    for (index, change) in plan.changes.iter().enumerate() {
        if change.effect.kind() == Kind::Freeze {
            continue;
        }
        let back = kept_back.contains(&index) || uncreated.contains(&change.group);
        if back { &mut held } else { &mut admitted }.push(change.clone());
    }
    holds.extend(gone(plan));
    held.extend(plan.gone.iter().cloned());
    holds.sort_by_key(|hold| (hold.policy.clone(), hold.row, hold.group));
    let admitted = AdmittedPlan { changes: admitted, digest };
    Guarded { admitted, held: HeldPlan { holds, changes: held }, digest, reviewed }
}

/// The rows that count a change. A row about one group names it.
fn rows(change: &Change) -> Vec<(Row, Option<ObjectId>)> {
    let group = Some(change.group);
    match &change.effect {
        Effect::Delete { .. } => vec![(Row::GroupsRemoved, None)],
        Effect::Convert { from, to } if weakens(*from, *to) => vec![(Row::GroupsRemoved, None)],
        Effect::RemoveMembers { .. } => vec![
            (Row::MembershipsRemoved, None),
            (Row::OneGroup, group),
            (Row::ToEmpty, group),
        ],
        Effect::Rename { .. } | Effect::Move { .. } => vec![(Row::Renames, None)],
        Effect::Create { .. } => vec![(Row::Creations, None)],
        Effect::AddMembers { first_fill: false, .. } => vec![(Row::Additions, group)],
        Effect::AddMembers { .. }
        | Effect::Convert { .. }
        | Effect::Update { .. }
        | Effect::Freeze => Vec::new(),
    }
}

/// What was measured and the limit, when the limit is passed. Percentages round down.
fn passed(row: Row, changes: &[&Change], holding: Inventory) -> Option<(usize, usize)> {
    let values: usize = changes
        .iter()
        .map(|change| match &change.effect {
            Effect::RemoveMembers { members, .. } | Effect::AddMembers { members, .. } => {
                members.len()
            }
            Effect::Create { .. }
            | Effect::Rename { .. }
            | Effect::Move { .. }
            | Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Delete { .. }
            | Effect::Freeze => 1,
        })
        .sum();
    let size = changes.first().map_or(0, |change| match &change.effect {
        Effect::RemoveMembers { of, .. } => *of,
        _ => 0,
    });
    let limit = match row {
        Row::GroupsRemoved => of_all(holding.groups, 10).max(1),
        Row::MembershipsRemoved => of_all(holding.memberships, 200).max(5),
        Row::OneGroup => (size / 4).max(3),
        Row::ToEmpty => match size {
            0..=2 => return None,
            _ => size - 1,
        },
        Row::Renames => (holding.groups / 10).max(50),
        Row::Creations if holding.groups >= 50 => (holding.groups / 5).min(500),
        Row::Creations => 500,
        Row::Additions => ADDITIONS_MIN,
        Row::DirectoryGroupGone => 0,
    };
    (values > limit).then_some((values, limit))
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
