//! What a pass leaves behind for the next one.
//!
//! Pure again: decision and outcomes in, memory out. `ledger` keeps what the guard counts and what
//! people approved.

mod ledger;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::guard::HeldPlan;
use crate::decide::{Decision, form};
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::{Memory, ObjectGuid, ObjectId, Outcome, Spending};

/// What one admitted change led to.
#[derive(Clone, Debug)]
pub struct ChangeResult {
    /// The change.
    pub change: Change,
    /// What it led to.
    pub outcome: Outcome,
    /// Members that the directory refused one by one, with its reason.
    pub refused_members: Vec<(ObjectGuid, String)>,
    /// Members left out because their own group was not created, with the reason.
    pub left_out: Vec<String>,
}

/// How a pass went.
#[derive(Debug)]
pub struct Course<'a> {
    /// When it, and with it its listing of groups, was begun.
    pub begun: Timestamp,
    /// What was kept back.
    pub held: &'a HeldPlan,
    /// What came of the changes; empty after a pass that only looked.
    pub results: &'a [ChangeResult],
    /// What was taken away.
    pub spent: &'a [Spending],
    /// Values of `member` that were added, by group and member.
    pub added: &'a [(ObjectGuid, ObjectGuid)],
    /// The changes of one policy alone were made.
    pub partial: bool,
    /// It was cut short before its last change. What stands then is no base for percentages: what
    /// is left of a first writeback would be more than a share of what there is of it.
    pub cut: bool,
}

/// Carries memory over a finished pass.
///
/// Nothing is forgotten here but what the pass itself settled: an object it deleted, a group that
/// is listed again. What a group is meant to be is remembered only once the directory is so: else
/// a change that was never made would pass for one that somebody undid.
pub fn remember(memory: &mut Memory, decision: Decision, course: &Course<'_>) {
    let begun = course.begun;
    let unsettled = unsettled(&decision, course.held, course.results);
    ledger::remember(memory, &decision, course);
    let lessons = decision.lessons;
    memory.inventory.extend(lessons.inventory);
    memory.kept = lessons.kept;
    memory.counterparts.extend(lessons.counterparts);
    let counterparts = &memory.counterparts;
    memory.linkless = lessons.linkless;
    memory.linkless.retain(|id| !counterparts.contains_key(id));
    memory.absent_since.retain(|id, _| lessons.absent.contains(id));
    for id in lessons.absent {
        memory.absent_since.entry(id).or_insert(begun);
    }
    memory.left.retain(|id, (leave, _)| lessons.left.get(id) == Some(leave));
    for (id, leave) in lessons.left {
        memory.left.entry(id).or_insert((leave, begun));
    }
    memory.forms.extend(lessons.forms);
    memory.written.clear();
    let settled = lessons.intents.into_iter().filter(|(id, _)| !unsettled.contains(id));
    memory.intents.extend(settled);
    for result in course.results {
        if unsettled.contains(&result.change.group) {
            mean(memory, result);
        }
        settle(memory, result);
    }
    memory.begun.get_or_insert(begun);
    memory.passes += 1;
}

/// The same after an errand, which says nothing of what policies mean: what was done is taken over,
/// and what the guard counts.
pub fn remember_errand(memory: &mut Memory, decision: &Decision, course: &Course<'_>) {
    ledger::remember(memory, decision, course);
    for result in course.results {
        memory.intents.remove(&result.change.group);
        settle(memory, result);
    }
}

/// The groups that are not yet what this pass meant them to be.
fn unsettled(decision: &Decision, held: &HeldPlan, results: &[ChangeResult]) -> BTreeSet<ObjectId> {
    let mut open: BTreeMap<ObjectId, usize> = BTreeMap::new();
    for change in decision.plan.writes() {
        *open.entry(change.group).or_default() += 1;
    }
    for result in results.iter().filter(|result| is_whole(result)) {
        if let Some(open) = open.get_mut(&result.change.group) {
            *open = open.saturating_sub(1);
        }
    }
    let open = open.into_iter().filter(|(_, count)| *count > 0).map(|(id, _)| id);
    // What another writer contests was not made either.
    let contested = decision.plan.changes.iter().filter(|change| is_contested(decision, change));
    let waiting = held.changes.iter().chain(contested);
    open.chain(waiting.map(|change| change.group)).collect()
}

/// Whether the group is left alone because another writer contests it.
fn is_contested(decision: &Decision, change: &Change) -> bool {
    let object = change.target.object();
    object.is_some_and(|object| decision.contested.contains_key(&object))
}

fn is_whole(result: &ChangeResult) -> bool {
    result.outcome.achieved() && result.refused_members.is_empty()
}

/// What was made of a group that is not yet as it is meant to be: taken back by the tenant, it is
/// not somebody's hand in the directory.
fn mean(memory: &mut Memory, result: &ChangeResult) {
    let Some(intent) = memory.intents.get_mut(&result.change.group) else { return };
    if !is_whole(result) {
        return;
    }
    let guids = |members: &[MemberReference]| -> Vec<ObjectGuid> {
        members.iter().filter_map(MemberReference::guid).collect()
    };
    match &result.change.effect {
        Effect::Update { attributes } => intent.follow(attributes),
        Effect::Convert { to, .. } => {
            intent.attributes.insert("groupType".into(), to.to_string());
        }
        Effect::Rename { to } | Effect::Move { to } => intent.follow_to(&to.to_string()),
        Effect::AddMembers { members, .. } => intent.follow_members(&guids(members), &[]),
        Effect::RemoveMembers { members, .. } => intent.follow_members(&[], &guids(members)),
        Effect::Create { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => {}
    }
}

fn settle(memory: &mut Memory, result: &ChangeResult) {
    let id = result.change.group;
    if let (Kind::Restore, Outcome::Refused { message }) =
        (result.change.effect.kind(), &result.outcome)
    {
        memory.unrestorable.insert(id, message.clone());
    }
    let (Outcome::Done { object } | Outcome::AlreadySo { object }) = &result.outcome else {
        if matches!(result.change.effect.kind(), Kind::Create | Kind::Restore | Kind::Adopt) {
            memory.strangers.insert(id);
        }
        return refuse(memory, result);
    };
    if let Some(object) = object.or(result.change.target.object()) {
        memory.written.extend(form::written(object, &result.change));
    }
    match (result.change.effect.kind(), object) {
        (Kind::Create | Kind::Restore, Some(guid)) => {
            memory.inventory.insert(id, *guid);
            memory.kept.insert(id, result.change.policy.clone());
            memory.deleted.remove(&id);
            memory.unrestorable.remove(&id);
        }
        (Kind::Delete, _) => {
            let object = memory.inventory.remove(&id).or(*object);
            memory.deleted.extend(object.map(|object| (id, object)));
            memory.intents.remove(&id);
            memory.absent_since.remove(&id);
        }
        // What it is now was nobody's intent for a group in use: its return is no drift.
        (Kind::Disable | Kind::Quarantine, _) => {
            memory.intents.remove(&id);
        }
        (Kind::Adopt, object) => {
            memory.inventory.extend(object.or(result.change.target.object()).map(|o| (id, o)));
            memory.adopting.insert(id);
            memory.deleted.remove(&id);
            memory.unrestorable.remove(&id);
        }
        // It is nobody's now: whoever takes it up again begins anew.
        (Kind::Release, _) => {
            memory.inventory.remove(&id);
            memory.kept.remove(&id);
            memory.intents.remove(&id);
            memory.adopting.remove(&id);
        }
        (Kind::Create | Kind::Restore, None)
        | (
            Kind::Handover
            | Kind::Rename
            | Kind::Move
            | Kind::Update
            | Kind::Convert
            | Kind::AddMembers
            | Kind::RemoveMembers
            | Kind::Freeze,
            _,
        ) => {}
    }
    refuse(memory, result);
}

/// Remembers the members that the directory refused for a group.
fn refuse(memory: &mut Memory, result: &ChangeResult) {
    if result.refused_members.is_empty() || result.change.effect.kind() != Kind::AddMembers {
        return;
    }
    let known = memory.inventory.get(&result.change.group).copied();
    if let Some(object) = result.change.target.object().or(known) {
        let refused = memory.refused_members.entry(object).or_default();
        refused.extend(result.refused_members.iter().cloned());
    }
}
