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

/// Carries memory over a finished pass. `results` is empty after a pass that only looked.
///
/// Nothing is forgotten here but what the pass itself settled: an object it deleted, a group that
/// is listed again.
pub fn remember(
    memory: &mut Memory,
    decision: Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
    begun: Timestamp,
) {
    let lessons = decision.lessons;
    memory.inventory.extend(lessons.inventory);
    memory.counterparts.extend(lessons.counterparts);
    memory.linkless = lessons.linkless;
    memory.absent_since.retain(|id, _| lessons.absent.contains(id));
    for id in lessons.absent {
        memory.absent_since.entry(id).or_insert(begun);
    }
    let mut unsettled: BTreeSet<ObjectId> = held.changes.iter().map(|c| c.group).collect();
    for result in results {
        let id = result.change.group;
        if !result.outcome.achieved() {
            unsettled.insert(id);
        }
        settle(memory, result);
    }
    let settled = lessons.intents.into_iter().filter(|(id, _)| !unsettled.contains(id));
    memory.intents.extend(settled);
    memory.passes += 1;
}

fn settle(memory: &mut Memory, result: &ChangeResult) {
    let id = result.change.group;
    match (result.change.effect.kind(), &result.outcome) {
        (
            Kind::Create,
            Outcome::Done { object: Some(guid) } | Outcome::AlreadySo { object: Some(guid) },
        ) => {
            memory.inventory.insert(id, *guid);
        }
        (Kind::Delete, Outcome::Done { .. } | Outcome::AlreadySo { .. }) => {
            memory.inventory.remove(&id);
            memory.intents.remove(&id);
            memory.absent_since.remove(&id);
        }
        _ => {}
    }
    let object = result.change.target.object().or_else(|| memory.inventory.get(&id).copied());
    if let Some(object) = object.filter(|_| !result.refused_members.is_empty()) {
        let refused = memory.refused_members.entry(object).or_default();
        refused.extend(result.refused_members.iter().cloned());
    }
}

/// The conditions of every policy after a pass.
///
/// `previous` gives the transition times that still hold. `failed` counts operations of the pass
/// that did not achieve their change, by policy; `invalid` are the policies whose file cannot be
/// parsed now, with the first mistake.
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
    let ready = stalled.is_none() && holds.is_empty() && open == 0 && !decision.incomplete;
    let (reason, message) = match &stalled {
        Some((reason, message)) => (*reason, message.clone()),
        None if failed > 0 => {
            (Reason::OperationsFailed, format!("{failed} changes failed or were refused"))
        }
        None if !holds.is_empty() => {
            (Reason::GuardTripped, format!("{} limits are passed", holds.len()))
        }
        None if decision.incomplete => {
            (Reason::ReadIncomplete, "some reads were not whole".to_owned())
        }
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
        let message = format!("{} cannot be parsed; its last good version stays in force", policy.place.file);
        return Some((Reason::PolicyInvalid, message));
    }
    if policy.suspend {
        return Some((Reason::Suspended, "the policy is suspended and writes nothing".to_owned()));
    }
    (policy.mode == Mode::Observe)
        .then(|| (Reason::Observing, "the policy only observes and writes nothing".to_owned()))
}
