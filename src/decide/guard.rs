//! The guard: looks at the whole plan before the first write and keeps back what is too much.
//!
//! Only this file makes an `AdmittedPlan`, and `directory::apply` takes nothing else. The limits
//! are those of SEMANTICS "Ownership and guards", per policy, over one pass and the rolling window.
//! `piece` cuts the plan into what counts differently, `row` and `tally` count it, `dependents`
//! adds what builds on what is kept back, `approve` is a person's word.

pub mod approve;
mod budget;
mod dependents;
mod piece;
mod row;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::guard::approve::Used;
use crate::decide::guard::dependents::{dependents, part, uncreated};
use crate::decide::guard::piece::{Class, Piece, pieces};
use crate::decide::guard::tally::trips;
use crate::decide::{Decision, Shrunk, plan};
use crate::defence::stands;
use crate::model::change::{Change, Kind, MemberReference};
use crate::model::policy::{GuardRules, OnTrip, PolicySet};
use crate::model::{
    Digest, Inventory, Item, Memory, ObjectGuid, ObjectId, Operation, Plan, PolicyName, Spend,
};
pub use budget::{Budget, budgets};
pub use row::{Hold, Row};

/// What the edges answered to the questions of a plan. What is not answered counts as much as it
/// can.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Objects whose cloud principals left the tenant or were disabled there.
    pub leavers: BTreeSet<ObjectGuid>,
    /// How many principals are inside a nested group, at any depth.
    pub inside: BTreeMap<ObjectGuid, usize>,
}

/// What a plan is measured against.
#[derive(Clone, Debug)]
pub struct Scale<'a> {
    /// The policies, with their limits.
    pub policies: &'a PolicySet,
    /// What earlier passes remember: window, approvals, what stood when the last one finished.
    pub memory: &'a Memory,
    /// What each policy held when the last pass finished.
    pub inventory: BTreeMap<PolicyName, Inventory>,
    /// What the edges answered.
    pub answers: &'a Answers,
    /// Members that are groups, among those that would be removed.
    pub nested: &'a BTreeSet<ObjectGuid>,
    /// Groups that are protected, or lie in a protected group, with the path.
    pub privileged: &'a BTreeMap<ObjectId, String>,
    /// Groups that selections would lose.
    pub shrunk: &'a BTreeMap<PolicyName, Shrunk>,
    /// When the pass began.
    pub begun: Timestamp,
    /// The changes of this policy alone are made.
    pub only: Option<&'a PolicyName>,
}

impl<'a> Scale<'a> {
    /// The scale of a decision.
    pub fn of(
        policies: &'a PolicySet,
        memory: &'a Memory,
        decision: &'a Decision,
        answers: &'a Answers,
        begun: Timestamp,
    ) -> Self {
        let mut inventory = decision.inventory.clone();
        if stands("H22") {
            inventory.extend(memory.committed.iter().map(|(name, held)| (name.clone(), *held)));
        }
        Self {
            policies,
            memory,
            inventory,
            answers,
            nested: &decision.asked.nested,
            privileged: &decision.privileged,
            shrunk: &decision.shrunk,
            begun,
            only: None,
        }
    }

    /// The same for the changes of one policy: those of the others are not made, which keeps back
    /// whatever builds on them, and are not told.
    #[must_use]
    pub fn only(self, only: Option<&'a PolicyName>) -> Self {
        Self { only, ..self }
    }

    fn asks(&self, policy: &PolicyName) -> bool {
        self.only.is_none_or(|only| policy == only)
    }

    fn rules(&self, name: &PolicyName) -> GuardRules {
        let found = self.policies.policies.iter().find(|s| s.policy.name == *name);
        found.map(|standing| standing.policy.guard.clone()).unwrap_or_default()
    }

    /// Whether nobody knows what was removed lately.
    fn is_closed(&self) -> bool {
        self.memory.closed_until.is_some_and(|until| until > self.begun) && stands("H61")
    }
}

/// Changes that may be executed. Made by [`guard`] alone.
#[derive(Debug)]
pub struct AdmittedPlan {
    changes: Vec<Change>,
    spends: BTreeMap<(ObjectId, ObjectGuid), Spend>,
    /// Groups that a person lets end.
    approved: BTreeSet<ObjectId>,
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

    /// What an operation of a change takes out of the window. What a person let through does not
    /// count: else one approval would hold the ordinary day after it.
    pub fn spends(&self, change: &Change, operation: &Operation) -> Vec<Spend> {
        if let Operation::RemoveMembers { members, .. } = operation {
            let spend = |member: &ObjectGuid| self.spends.get(&(change.group, *member)).copied();
            return members.iter().filter_map(spend).collect();
        }
        let ends = row::ends_group(&change.effect) && !self.approved.contains(&change.group);
        ends.then_some(Spend::Group(change.group)).into_iter().collect()
    }
}

/// Changes that were kept back, and why.
#[derive(Clone, Debug, Default)]
pub struct HeldPlan {
    /// Sorted by policy, row, group.
    pub holds: Vec<Hold>,
    /// The changes kept back.
    pub changes: Vec<Change>,
    /// Which of its sets no approval lets through now, because an equal one was let through lately.
    pub used: BTreeMap<Digest, Used>,
}

impl HeldPlan {
    /// The digest of the held set, for approvals; `None` when nothing is held.
    pub fn digest(&self) -> Option<Digest> {
        (!self.holds.is_empty()).then(|| plan::items_digest(&self.items(None)))
    }

    /// What is held, of one policy or of all.
    fn items(&self, of: Option<&PolicyName>) -> BTreeSet<Item> {
        let changes = self.changes.iter();
        let own = changes.filter(|change| of.is_none_or(|name| change.policy == *name));
        own.flat_map(plan::items).collect()
    }

    /// The sets that a person may approve, by digest: everything, and what each policy holds.
    pub fn sets(&self) -> BTreeMap<Digest, BTreeSet<Item>> {
        let policies: BTreeSet<_> = self.holds.iter().map(|hold| &hold.policy).collect();
        let wholes = policies.into_iter().map(Some).chain([None]);
        let sets = wholes.map(|policy| self.items(policy)).filter(|items| !items.is_empty());
        sets.map(|items| (plan::items_digest(&items), items)).collect()
    }

    /// The command that lets one of its sets through, and whether it does so now.
    pub fn how_to_pass(&self, digest: &Digest) -> String {
        let command = format!("`writeback approve {}`", digest.short());
        match self.used.get(digest) {
            None => format!("{command} passes it once"),
            Some(Used { at, until, .. }) => format!(
                "{command} is refused until {until}, because an equal set was approved and used \
                 up at {at}"
            ),
        }
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
pub fn guard(plan: &Plan, scale: &Scale<'_>) -> Guarded {
    let asked = || plan.writes().filter(|change| scale.asks(&change.policy));
    let digest = plan::digest(asked());
    let reviewed = plan::digest(asked().filter(|change| plan::is_reviewed(change)));
    let pieces = pieces(&plan.changes, scale);
    let (mut holds, back) = judge(&pieces, scale);
    let (admitted, mut held) = separate(&pieces, &back);
    let spends = spends(&pieces, &back, scale);
    let (lost, losses) = lost(scale);
    held.extend(lost);
    held.extend(plan.gone.iter().cloned());
    held.retain(|change| scale.asks(&change.policy));
    holds.extend(losses);
    holds.extend(gone(plan, scale));
    holds.retain(|hold| scale.asks(&hold.policy));
    holds.sort_by_key(|hold| (hold.policy.clone(), hold.row, hold.group));
    let mut held = HeldPlan { holds, changes: held, used: BTreeMap::new() };
    let used = |set: &Digest| Used::find(scale.memory, |digest| digest == set, scale.begun);
    held.used = held.sets().keys().filter_map(|set| Some((*set, used(set)?))).collect();
    if let Some(digest) = held.digest() {
        let (how, is_used) = (held.how_to_pass(&digest), held.used.contains_key(&digest));
        held.holds.iter_mut().for_each(|hold| hold.say_how_to_pass(&how, is_used));
    }
    let approved = pieces.iter().filter(|piece| piece.class == Class::Approved);
    let approved = approved.filter(|piece| row::ends_group(&piece.change.effect));
    let approved = approved.map(|piece| piece.change.group).collect();
    let admitted = AdmittedPlan { changes: admitted, spends, approved, digest };
    Guarded { admitted, held, digest, reviewed }
}

/// The limits that are passed, and the pieces that are kept back, by their place.
fn judge(pieces: &[Piece], scale: &Scale<'_>) -> (Vec<Hold>, BTreeSet<usize>) {
    let indexed = || pieces.iter().enumerate();
    let others = indexed().filter(|(_, piece)| !scale.asks(&piece.change.policy));
    let mut back: BTreeSet<usize> = others.map(|(index, _)| index).collect();
    let (mut holds, mut watched) = (Vec::new(), BTreeSet::new());
    let trips = if stands("H18") { trips(pieces, scale) } else { Vec::new() };
    for trip in trips {
        let policy = &trip.hold.policy;
        // What is always held says nothing of the policy as a whole.
        let is_limit = trip.hold.row.setting().is_some();
        if is_limit && scale.rules(policy).on_trip == OnTrip::HoldPolicy {
            let own = indexed().filter(|(_, piece)| piece.change.policy == *policy);
            back.extend(own.filter(|(_, p)| p.class != Class::Approved).map(|(index, _)| index));
        }
        if trip.hold.row == Row::PrivilegedPath {
            watched.extend(trip.pieces.iter().copied());
        }
        back.extend(trip.pieces);
        holds.push(trip.hold);
    }
    let changes: Vec<Change> = pieces.iter().map(|piece| piece.change.clone()).collect();
    dependents(&changes, &mut back, &watched);
    (holds, back)
}

/// Puts the pieces together again: what may go on, and what may not.
fn separate(pieces: &[Piece], back: &BTreeSet<usize>) -> (Vec<Change>, Vec<Change>) {
    let changes: Vec<Change> = pieces.iter().map(|piece| piece.change.clone()).collect();
    let uncreated = uncreated(&changes, back);
    let (kept, goes): (Vec<_>, Vec<_>) =
        pieces.iter().enumerate().partition(|(index, _)| back.contains(index));
    let mut held = piece::join(kept.into_iter().map(|(_, piece)| piece));
    let mut admitted = Vec::new();
    for change in piece::join(goes.into_iter().map(|(_, piece)| piece)) {
        let (now, later) = part(&change, &uncreated);
        admitted.extend(now);
        held.extend(later);
    }
    (admitted, held)
}

/// What the pieces that may go on take out of the window, value by value.
fn spends(
    pieces: &[Piece],
    back: &BTreeSet<usize>,
    scale: &Scale<'_>,
) -> BTreeMap<(ObjectId, ObjectGuid), Spend> {
    let goes = pieces.iter().enumerate().filter(|(index, piece)| {
        let removes = piece.change.effect.kind() == Kind::RemoveMembers;
        removes && piece.class != Class::Approved && !back.contains(index)
    });
    let spend = |change: &Change, member: &MemberReference| {
        Some(((change.group, member.guid()?), scale.spend(change, member)?))
    };
    let each = goes.flat_map(|(_, piece)| {
        let members = piece::members(&piece.change).iter();
        members.filter_map(move |member| spend(&piece.change, member))
    });
    each.collect()
}

/// Groups that selections would lose: they go on as before until a person lets them go.
fn lost(scale: &Scale<'_>) -> (Vec<Change>, Vec<Hold>) {
    let (mut changes, mut holds) = (Vec::new(), Vec::new());
    for (policy, shrunk) in scale.shrunk {
        let of = if shrunk.lost.len() == shrunk.of { ", all of this policy" } else { "" };
        let counts = (shrunk.lost.len(), shrunk.limit);
        let count = (policy.clone(), Row::SelectionShrank, None);
        holds.push(Hold::new(count, counts, of, &scale.rules(policy)));
        changes.extend(shrunk.lost.iter().cloned());
    }
    (changes, holds)
}

fn gone(plan: &Plan, scale: &Scale<'_>) -> Vec<Hold> {
    let mut by_policy: BTreeMap<&PolicyName, BTreeSet<ObjectId>> = BTreeMap::new();
    for change in &plan.gone {
        by_policy.entry(&change.policy).or_default().insert(change.group);
    }
    let hold = |(policy, groups): (&PolicyName, BTreeSet<ObjectId>)| {
        let count = (policy.clone(), Row::DirectoryGroupGone, None);
        Hold::new(count, (groups.len(), 0), "", &scale.rules(policy))
    };
    by_policy.into_iter().map(hold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_the_table() {
        let rules = GuardRules::default();
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
            assert_eq!(rules.groups_removed.of(count), removed, "groups of {count}");
            assert_eq!(rules.creations.of(count), created, "creations of {count}");
        }
        for (count, removed) in
            [(0, 5), (100, 5), (119, 5), (120, 6), (4_000, 200), (40_000, 200), (40_200, 201)]
        {
            assert_eq!(rules.memberships_removed.of(count), removed, "values of {count}");
        }
        for (count, renamed) in [(0, 50), (509, 50), (510, 51), (1_000, 100)] {
            assert_eq!(rules.renames.of(count), renamed, "renames of {count}");
        }
        for (count, leaving) in [(0, 10), (549, 10), (550, 11), (2_000, 40)] {
            assert_eq!(rules.leavers.of(count), leaving, "leavers of {count}");
        }
        for (size, removed) in [(1, 3), (12, 3), (15, 3), (16, 4), (1_000, 250)] {
            assert_eq!(rules.one_group.of(size), removed, "members of {size}");
        }
        assert_eq!(rules.additions.of(100), 5_000);
        assert_eq!(rules.additions.of(501), 5_010);
    }

    #[test]
    fn limits_agree_with_the_fractions_they_stand_for() {
        // Held when more than the fraction: in integers, in twentieths and two-hundredths.
        let rules = GuardRules::default();
        for count in 0..=1_000_usize {
            for removed in 0..=count.min(120) {
                let beyond = |least: usize| {
                    let five_percent = removed * 20 > count;
                    let floor = removed > least && removed * 200 > count;
                    five_percent || floor
                };
                let groups = removed > rules.groups_removed.of(count);
                assert_eq!(groups, removed > 1 && beyond(10), "{removed} of {count} groups");
                let values = removed > rules.memberships_removed.of(count);
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
