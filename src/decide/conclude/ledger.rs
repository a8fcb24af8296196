//! What the guard counts and what people approved, carried over a pass: the window, the base of the
//! percentages, held sets, approvals, reversals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{ChangeResult, Course, is_contested};
use crate::decide::guard::approve::USED_KEPT;
use crate::decide::{Decision, contest, plan};
use crate::model::change::{Cause, Change, Effect, Kind};
use crate::model::window::WINDOW;
use crate::model::{Inventory, Item, Memory, ObjectId, PolicyName};

pub(super) fn remember(memory: &mut Memory, decision: &Decision, course: &Course<'_>) {
    let begun = course.begun;
    let is_recent = |at: &Timestamp| begun.duration_since(*at) < WINDOW;
    memory.spent.extend(course.spent.iter().cloned());
    memory.spent.retain(|spent| is_recent(&spent.at));
    memory.spent.sort();
    memory.added.extend(course.added.iter().map(|spot| (*spot, begun)));
    memory.added.retain(|_, at| is_recent(at));
    memory.closed_until = memory.closed_until.filter(|until| *until > begun);
    memory.committed = if course.cut {
        base(decision, &memory.committed)
    } else {
        committed(decision, course.results)
    };
    hold(memory, course);
    approve(memory, decision, course);
    reverse(memory, course);
    redo(memory, course);
    if !decision.incomplete && !course.partial {
        settle(memory, decision);
    }
}

/// What every policy held when a pass last finished, or, where none did, when this one began.
fn base(
    decision: &Decision,
    before: &BTreeMap<PolicyName, Inventory>,
) -> BTreeMap<PolicyName, Inventory> {
    let held = |(name, began): (&PolicyName, &Inventory)| {
        (name.clone(), *before.get(name).unwrap_or(began))
    };
    decision.inventory.iter().map(held).collect()
}

/// What every policy holds now. Whether a new member was in another group before is seen by the
/// next pass: until then there are no more principals than before.
fn committed(decision: &Decision, results: &[ChangeResult]) -> BTreeMap<PolicyName, Inventory> {
    let mut committed = decision.inventory.clone();
    for result in results.iter().filter(|result| result.outcome.achieved()) {
        let change = &result.change;
        let holding = committed.entry(change.policy.clone()).or_default();
        match &change.effect {
            Effect::Create { .. } | Effect::Restore { .. } | Effect::Adopt { .. } => {
                holding.groups += 1;
            }
            Effect::Delete { last } => {
                holding.groups = holding.groups.saturating_sub(1);
                holding.memberships = holding.memberships.saturating_sub(last.members.len());
            }
            Effect::Release { .. } => holding.groups = holding.groups.saturating_sub(1),
            Effect::Handover { from, .. } => {
                let intent = decision.lessons.intents.get(&change.group);
                let members = intent.map_or(0, |intent| intent.members.len());
                holding.groups += 1;
                holding.memberships += members;
                let former = committed.entry(from.clone()).or_default();
                former.groups = former.groups.saturating_sub(1);
                former.memberships = former.memberships.saturating_sub(members);
            }
            Effect::AddMembers { members, .. } => holding.memberships += members.len(),
            Effect::RemoveMembers { members, .. } => {
                holding.memberships = holding.memberships.saturating_sub(members.len());
            }
            Effect::Rename { .. }
            | Effect::Move { .. }
            | Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Disable { .. }
            | Effect::Quarantine { .. }
            | Effect::Freeze => {}
        }
    }
    committed
}

/// What is held, for whoever approves it, and since when.
fn hold(memory: &mut Memory, course: &Course<'_>) {
    let sets = course.held.sets();
    let held: BTreeSet<&Item> = sets.values().flatten().collect();
    if !course.partial {
        memory.held.clear();
        memory.held_since.retain(|item, _| held.contains(item));
    }
    for item in held {
        memory.held_since.entry(item.clone()).or_insert(course.begun);
    }
    memory.held.extend(sets);
}

/// What of each approval is still open: what was done is not, nor what nobody wants any more. A
/// policy that writes nothing now has not said what it wants: what was let through of its groups
/// waits for it, as long as the approval holds.
fn approve(memory: &mut Memory, decision: &Decision, course: &Course<'_>) {
    let done: BTreeSet<Item> = course.results.iter().flat_map(achieved).collect();
    let writes = decision.plan.writes().chain(&decision.plan.gone);
    let lost = decision.shrunk.values().flat_map(|shrunk| &shrunk.lost);
    let wanted: BTreeSet<Item> = writes.chain(lost).flat_map(plan::items).collect();
    let drops = !decision.incomplete && !course.partial;
    let idle = &decision.lessons.idle;
    let waits = |item: &Item| wanted.contains(item) || idle.contains(&item.object);
    for approval in memory.approvals.values_mut() {
        approval.items.retain(|item| !done.contains(item) && (!drops || waits(item)));
    }
    let begun = course.begun;
    let (open, used): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut memory.approvals)
        .into_iter()
        .partition(|(_, approval)| !approval.items.is_empty());
    // One that has ended with something open is over, and a person may give another.
    memory.approvals = open.into_iter().filter(|(_, a)| a.not_after > begun).collect();
    memory.used_approvals.extend(used.into_keys().map(|digest| (digest, begun)));
    memory.used_approvals.retain(|_, at| begun.duration_since(*at) < USED_KEPT);
}

fn achieved(result: &ChangeResult) -> Vec<Item> {
    if !result.outcome.achieved() {
        return Vec::new();
    }
    plan::items(&result.change)
}

/// Counts what was repaired: a value of ours that somebody else had put back.
fn reverse(memory: &mut Memory, course: &Course<'_>) {
    let begun = course.begun;
    memory.reversals.retain(|_, reversals| begun.duration_since(reversals.last) < WINDOW);
    let repaired = course.results.iter().filter(|result| result.outcome.achieved());
    for spot in repaired.flat_map(|result| contest::repaired(&result.change)) {
        let known = memory.reversals.entry(spot);
        let reversals = known.or_insert(crate::model::memory::Reversals { count: 0, last: begun });
        reversals.count = reversals.count.saturating_add(1);
        reversals.last = begun;
    }
}

/// Forgets the reversals that a person let be done again: the row `Undone` holds everything else,
/// and what follows, such as the members of a group that was brought back, needs no second word.
fn redo(memory: &mut Memory, course: &Course<'_>) {
    let again = course.results.iter().filter(|result| {
        result.outcome.achieved() && !matches!(result.change.cause, Cause::Person(_))
    });
    for result in again {
        memory.undone.remove(&result.change.group);
    }
}

/// Forgets what nothing waits for any more. A group of which this pass had nothing to say, because
/// its policy is suspended or another writer contests it, waits all the same.
fn settle(memory: &mut Memory, decision: &Decision) {
    let plan = &decision.plan;
    let waits = |id: ObjectId, is: &dyn Fn(&Change) -> bool| {
        let mut changes = plan.writes().chain(&plan.gone).chain(&plan.unconfirmed);
        changes.any(|change| change.group == id && is(change))
    };
    let contested = plan.changes.iter().filter(|change| is_contested(decision, change));
    let contested: BTreeSet<ObjectId> = contested.map(|change| change.group).collect();
    let lessons = &decision.lessons;
    let silent = |id: &ObjectId| {
        let judged = lessons.intents.contains_key(id) || lessons.left.contains_key(id);
        contested.contains(id) || lessons.inventory.contains_key(id) && !judged
    };
    let is_removal = |change: &Change| change.effect.kind() == Kind::RemoveMembers;
    memory.adopting.retain(|id| silent(id) || waits(*id, &is_removal));
    memory.undone.retain(|id, _| silent(id) || waits(*id, &|_| true));
}
