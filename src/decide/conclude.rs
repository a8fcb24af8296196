//! What a pass leaves behind for the next one.
//!
//! Pure again: decision and outcomes in, memory out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::guard::HeldPlan;
use crate::decide::{Decision, form};
use crate::model::change::{Change, Kind};
use crate::model::{Memory, ObjectGuid, ObjectId, Outcome};

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

/// Carries memory over a finished pass. `results` is empty after a pass that only looked; `begun`
/// is when the pass, and with it its listing of groups, was begun.
///
/// Nothing is forgotten here but what the pass itself settled: an object it deleted, a group that
/// is listed again. What a group is meant to be is remembered only once the directory is so: else
/// a change that was never made would pass for one that somebody undid.
pub fn remember(
    memory: &mut Memory,
    decision: Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
    begun: Timestamp,
) {
    let unsettled = unsettled(&decision, held, results);
    let lessons = decision.lessons;
    memory.inventory.extend(lessons.inventory);
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
    for result in results {
        settle(memory, result);
    }
    memory.passes += 1;
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
    open.chain(held.changes.iter().map(|change| change.group)).collect()
}

fn is_whole(result: &ChangeResult) -> bool {
    result.outcome.achieved() && result.refused_members.is_empty()
}

fn settle(memory: &mut Memory, result: &ChangeResult) {
    let id = result.change.group;
    if let (Kind::Restore, Outcome::Refused { message }) =
        (result.change.effect.kind(), &result.outcome)
    {
        memory.unrestorable.insert(id, message.clone());
    }
    let (Outcome::Done { object } | Outcome::AlreadySo { object }) = &result.outcome else {
        return refuse(memory, result);
    };
    if let Some(object) = object.or(result.change.target.object()) {
        memory.written.extend(form::written(object, &result.change));
    }
    match (result.change.effect.kind(), object) {
        (Kind::Create | Kind::Restore, Some(guid)) => {
            memory.inventory.insert(id, *guid);
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
