//! What a pass leaves behind: memory for the next one, and conditions for people.
//!
//! Pure again: decision and outcomes in, memory and conditions out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::Decision;
use crate::decide::guard::HeldPlan;
use crate::model::change::{Cause, Change, Kind};
use crate::model::condition::{Condition, ConditionKind, Reason};
use crate::model::policy::{Mode, PolicySet, Standing};
use crate::model::{Memory, ObjectGuid, ObjectId, Outcome, PolicyName};

/// What one admitted change led to.
#[derive(Clone, Debug)]
pub struct ChangeResult {
    /// The change.
    pub change: Change,
    /// What it led to.
    pub outcome: Outcome,
    /// Members that the directory refused one by one, with its reason.
    pub refused_members: Vec<(ObjectGuid, String)>,
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
    let (Outcome::Done { object } | Outcome::AlreadySo { object }) = &result.outcome else {
        return refuse(memory, result);
    };
    match (result.change.effect.kind(), object) {
        (Kind::Create, Some(guid)) => {
            memory.inventory.insert(id, *guid);
        }
        (Kind::Delete, _) => {
            memory.inventory.remove(&id);
            memory.intents.remove(&id);
            memory.absent_since.remove(&id);
        }
        (Kind::Create, None)
        | (
            Kind::Rename
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

/// The conditions of every policy after a pass.
///
/// `previous` gives the transition times that still hold.
pub fn conditions(
    policies: &PolicySet,
    decision: &Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
    previous: &BTreeMap<PolicyName, Vec<Condition>>,
    now: Timestamp,
) -> BTreeMap<PolicyName, Vec<Condition>> {
    policies
        .policies
        .iter()
        .map(|standing| {
            let name = standing.policy.name.clone();
            let mut fresh = of_policy(standing, decision, held, results, now);
            for condition in &mut fresh {
                let before = previous
                    .get(&name)
                    .and_then(|all| all.iter().find(|old| old.kind == condition.kind))
                    .filter(|old| old.status == condition.status);
                if let Some(old) = before {
                    condition.last_transition_time = old.last_transition_time;
                }
            }
            (name, fresh)
        })
        .collect()
}

fn of_policy(
    standing: &Standing,
    decision: &Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
    now: Timestamp,
) -> Vec<Condition> {
    let policy = &standing.policy;
    let name = &policy.name;
    let condition = |kind, status, reason, message: String| Condition {
        kind,
        status,
        reason,
        message,
        last_transition_time: now,
        observed_generation: policy.generation,
    };
    let stalled = stalled(standing, decision);
    let holds: Vec<_> = held.holds.iter().filter(|hold| hold.policy == *name).collect();
    let waiting = decision.plan.writes().filter(|change| change.policy == *name).count();
    let achieved =
        results.iter().filter(|r| r.change.policy == *name && r.outcome.achieved()).count();
    let failed =
        results.iter().filter(|r| r.change.policy == *name && !r.outcome.achieved()).count();
    let drifted = decision
        .plan
        .writes()
        .filter(|change| change.policy == *name && matches!(change.cause, Cause::Drift(_)))
        .count();
    let open = waiting.saturating_sub(achieved);
    let blind = decision.blind.contains(name);
    let ready = stalled.is_none() && holds.is_empty() && open == 0 && !blind;
    let (reason, message) = match &stalled {
        Some((reason, message)) => (*reason, message.clone()),
        None if failed > 0 => {
            (Reason::OperationsFailed, format!("{failed} changes failed or were refused"))
        }
        None if !holds.is_empty() => {
            (Reason::GuardTripped, format!("{} limits are passed", holds.len()))
        }
        None if blind => (Reason::ReadIncomplete, "some reads were not whole".to_owned()),
        None if open > 0 => (Reason::ChangesWaiting, format!("{open} changes wait")),
        None => (Reason::InStep, "the directory is as the policy says".to_owned()),
    };
    let held_message = holds.iter().map(|hold| hold.message.clone()).collect::<Vec<_>>();
    let (stalled_status, stalled_reason, stalled_message) = match stalled {
        Some((reason, message)) => (true, reason, message),
        None => (false, Reason::InStep, String::new()),
    };
    vec![
        condition(ConditionKind::Ready, ready, reason, message),
        condition(
            ConditionKind::Reconciling,
            open > 0 && !stalled_status,
            Reason::ChangesWaiting,
            format!("{open} changes wait"),
        ),
        condition(ConditionKind::Stalled, stalled_status, stalled_reason, stalled_message),
        condition(
            ConditionKind::Held,
            !holds.is_empty(),
            Reason::GuardTripped,
            held_message.join("; "),
        ),
        condition(
            ConditionKind::Drifted,
            drifted > 0,
            Reason::ChangedByOthers,
            format!("{drifted} changes repair what somebody else changed"),
        ),
    ]
}

fn stalled(standing: &Standing, decision: &Decision) -> Option<(Reason, String)> {
    let policy = &standing.policy;
    if let Some((reason, message)) = decision.stalled.get(&policy.name) {
        return Some((*reason, message.clone()));
    }
    if standing.last_good {
        let file = &policy.place.file;
        let message = format!("{file} cannot be parsed; its last good version stays in force");
        return Some((Reason::PolicyInvalid, message));
    }
    if policy.suspend {
        return Some((Reason::Suspended, "the policy is suspended and writes nothing".to_owned()));
    }
    (policy.mode == Mode::Observe)
        .then(|| (Reason::Observing, "the policy only observes and writes nothing".to_owned()))
}
