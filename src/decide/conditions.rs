//! The conditions of every policy after a pass: what is true, why, and since when.
//!
//! Pure: decision and outcomes in, conditions for people out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decide::Decision;
use crate::decide::conclude::ChangeResult;
use crate::decide::guard::HeldPlan;
use crate::model::PolicyName;
use crate::model::change::{Cause, Change};
use crate::model::condition::{Condition, ConditionKind, Reason};
use crate::model::policy::{Mode, Policy, PolicySet, Standing};

/// Conditions by policy.
pub type Conditions = BTreeMap<PolicyName, Vec<Condition>>;

/// What is true or false of one policy, with reason and message.
type Statement = (ConditionKind, bool, Reason, String);

/// The conditions after a pass that looked.
///
/// `previous` gives the transition times that still hold.
pub fn after_pass(
    policies: &PolicySet,
    decision: &Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
    previous: &Conditions,
    now: Timestamp,
) -> Conditions {
    each(policies, previous, now, |standing| of_policy(standing, decision, held, results))
}

/// The conditions after a pass that could not look: nothing is known to be in step.
pub fn after_blind_pass(
    policies: &PolicySet,
    reason: Reason,
    message: &str,
    previous: &Conditions,
    now: Timestamp,
) -> Conditions {
    each(policies, previous, now, |_| {
        vec![
            (ConditionKind::Ready, false, reason, message.to_owned()),
            (ConditionKind::Stalled, true, reason, message.to_owned()),
        ]
    })
}

fn each(
    policies: &PolicySet,
    previous: &Conditions,
    now: Timestamp,
    statements: impl Fn(&Standing) -> Vec<Statement>,
) -> Conditions {
    let of = |standing: &Standing| {
        let policy = &standing.policy;
        let before = previous.get(&policy.name).map(Vec::as_slice).unwrap_or_default();
        let fresh = statements(standing);
        (policy.name.clone(), fresh.into_iter().map(|s| stamp(s, policy, before, now)).collect())
    };
    policies.policies.iter().map(of).collect()
}

fn stamp(
    (kind, status, reason, message): Statement,
    policy: &Policy,
    before: &[Condition],
    now: Timestamp,
) -> Condition {
    let same = before.iter().find(|old| old.kind == kind && old.status == status);
    Condition {
        kind,
        status,
        reason,
        message,
        last_transition_time: same.map_or(now, |old| old.last_transition_time),
        observed_generation: policy.generation,
    }
}

fn of_policy(
    standing: &Standing,
    decision: &Decision,
    held: &HeldPlan,
    results: &[ChangeResult],
) -> Vec<Statement> {
    let name = &standing.policy.name;
    let stalled = stalled(standing, decision);
    let holds: Vec<_> = held.holds.iter().filter(|hold| hold.policy == *name).collect();
    let held_message: Vec<_> = holds.iter().map(|hold| hold.message.clone()).collect();
    let own = |change: &&Change| change.policy == *name;
    let waiting = decision.plan.writes().filter(own).count();
    let (done, failed): (Vec<_>, Vec<_>) = results
        .iter()
        .filter(|result| own(&&result.change))
        .partition(|result| result.outcome.achieved());
    let is_drift = |change: &&Change| matches!(change.cause, Cause::Drift(_));
    let drifted = decision.plan.writes().filter(own).filter(is_drift).count();
    let open = waiting.saturating_sub(done.len());
    let (ready, reason, message) = match &stalled {
        Some((reason, message)) => (false, *reason, message.clone()),
        None if !failed.is_empty() => {
            let message = format!("{} changes failed or were refused", failed.len());
            (false, Reason::OperationsFailed, message)
        }
        None if !holds.is_empty() => {
            (false, Reason::GuardTripped, format!("{} limits are passed", holds.len()))
        }
        None if decision.blind.contains(name) => {
            (false, Reason::ReadIncomplete, "some reads were not whole".to_owned())
        }
        None if open > 0 => (false, Reason::ChangesWaiting, format!("{open} changes wait")),
        None => (true, Reason::InStep, "the directory is as the policy says".to_owned()),
    };
    let moving = open > 0 && stalled.is_none();
    let (is_stalled, why, what) = match stalled {
        Some((reason, message)) => (true, reason, message),
        None => (false, Reason::InStep, String::new()),
    };
    let repaired = format!("{drifted} changes repair what somebody else changed");
    let waits = format!("{open} changes wait");
    vec![
        (ConditionKind::Ready, ready, reason, message),
        (ConditionKind::Reconciling, moving, Reason::ChangesWaiting, waits),
        (ConditionKind::Stalled, is_stalled, why, what),
        (ConditionKind::Held, !holds.is_empty(), Reason::GuardTripped, held_message.join("; ")),
        (ConditionKind::Drifted, drifted > 0, Reason::ChangedByOthers, repaired),
    ]
}

/// Why a policy cannot be acted on as it is written, if so: a word and a sentence.
pub fn stalled(standing: &Standing, decision: &Decision) -> Option<(Reason, String)> {
    let policy = &standing.policy;
    if let Some((reason, message)) = decision.stalled.get(&policy.name) {
        return Some((*reason, message.clone()));
    }
    if standing.last_good {
        let file = &policy.place.file;
        let message =
            format!("{file} cannot be read or parsed; its last good version stays in force");
        return Some((Reason::PolicyInvalid, message));
    }
    if policy.suspend {
        return Some((Reason::Suspended, "the policy is suspended and writes nothing".to_owned()));
    }
    (policy.mode == Mode::Observe)
        .then(|| (Reason::Observing, "the policy only observes and writes nothing".to_owned()))
}
