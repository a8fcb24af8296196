//! How much of each limit is left: for whoever wants to know before a guard holds.
//!
//! From the guarded plan and the rolling window, policy by policy; `report::metrics` shows it.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::guard::row::ends_group;
use crate::decide::guard::{Guarded, Row, Scale};
use crate::model::change::{Change, Kind};
use crate::model::policy::Policy;
use crate::model::{Inventory, ObjectGuid, ObjectId, PolicyName, Spend};

/// One limit of one policy, and what is used up once the admitted changes are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The policy.
    pub policy: PolicyName,
    /// What is counted.
    pub row: Row,
    /// How much is used.
    pub used: usize,
    /// How much may be.
    pub limit: usize,
}

impl Budget {
    /// The rows that count a policy as a whole: the others count single groups.
    ///
    /// | row | counted over |
    /// |---|---|
    /// | groups removed, memberships removed, leavers | the pass and the 24 hours before it |
    /// | renames, creations | the pass |
    pub const ROWS: [Row; 5] =
        [Row::GroupsRemoved, Row::MembershipsRemoved, Row::Leavers, Row::Renames, Row::Creations];

    /// What is left: 1 when nothing is used, 0 when nothing may be.
    pub fn remaining_ratio(&self) -> f64 {
        let left = self.limit.saturating_sub(self.used);
        if self.limit == 0 { 0.0 } else { exact(left) / exact(self.limit) }
    }
}

/// What is used and left of every limit that counts a policy as a whole, sorted by policy and row.
/// What is held is not used; what a person let through does not count.
pub fn budgets(guarded: &Guarded, scale: &Scale<'_>) -> Vec<Budget> {
    let policies = scale.policies.policies.iter().map(|standing| &standing.policy);
    let mut budgets: Vec<Budget> = policies.flat_map(|policy| of(policy, guarded, scale)).collect();
    budgets.sort_by_key(|budget| (budget.policy.clone(), budget.row));
    budgets
}

fn of(policy: &Policy, guarded: &Guarded, scale: &Scale<'_>) -> Vec<Budget> {
    let (name, rules) = (&policy.name, &policy.guard);
    let holding: Inventory = scale.inventory.get(name).copied().unwrap_or_default();
    let spent = Spent::of(name, guarded, scale);
    let admitted = || guarded.admitted.changes().iter().filter(|change| change.policy == *name);
    let groups = |kinds: [Kind; 2]| {
        let own = admitted().filter(|change| kinds.contains(&change.effect.kind()));
        own.map(|change| change.group).collect::<BTreeSet<_>>().len()
    };
    let budget = |row: Row, used: usize, limit: usize| {
        // Nobody knows what was removed lately: nothing more may be.
        let limit = if row.removes() && scale.is_closed() { 0 } else { limit };
        Budget { policy: name.clone(), row, used, limit }
    };
    vec![
        budget(Row::GroupsRemoved, spent.groups.len(), rules.groups_removed.of(holding.groups)),
        budget(
            Row::MembershipsRemoved,
            spent.memberships.values().sum(),
            rules.memberships_removed.of(holding.memberships),
        ),
        budget(Row::Leavers, spent.leavers.len(), rules.leavers.of(holding.principals)),
        budget(Row::Renames, groups([Kind::Rename, Kind::Move]), rules.renames.of(holding.groups)),
        budget(
            Row::Creations,
            groups([Kind::Create, Kind::Restore]),
            rules.creations.of(holding.groups),
        ),
    ]
}

/// What one policy takes out of the window.
#[derive(Default)]
struct Spent {
    groups: BTreeSet<ObjectId>,
    memberships: BTreeMap<(ObjectId, ObjectGuid), usize>,
    leavers: BTreeSet<ObjectGuid>,
}

impl Spent {
    fn of(policy: &PolicyName, guarded: &Guarded, scale: &Scale<'_>) -> Self {
        let mut spent = Self::default();
        let own = guarded.admitted.changes.iter().filter(|change| change.policy == *policy);
        let changed: BTreeSet<ObjectId> = own.clone().map(|change| change.group).collect();
        let values = guarded.admitted.spends.iter();
        let values = values.filter(|((group, _), _)| changed.contains(group));
        let ended = own.filter(|change| {
            ends_group(&change.effect) && !guarded.admitted.approved.contains(&change.group)
        });
        let ended = ended.map(|change: &Change| Spend::Group(change.group));
        for spend in scale.window(policy).chain(values.map(|(_, spend)| *spend)).chain(ended) {
            spent.take(spend);
        }
        spent
    }

    fn take(&mut self, spend: Spend) {
        match spend {
            Spend::Group(group) => {
                self.groups.insert(group);
            }
            Spend::Membership { group, member, principals } => {
                self.memberships.insert((group, member), principals);
            }
            Spend::Leaver { member, .. } => {
                self.leavers.insert(member);
            }
        }
    }
}

/// A count as a number with a fraction: exact below 2^53, which no directory reaches.
#[expect(clippy::cast_precision_loss, reason = "counts of a directory are far below 2^53")]
fn exact(count: usize) -> f64 {
    count as f64
}
