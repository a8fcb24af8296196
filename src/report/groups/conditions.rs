//! The conditions of a group: what is true of it, why, and since when, in the form of those of a
//! policy.
//!
//! Comes from a sheet and what has come of its changes. Goes to `/api/v1/groups/ID`, the page of
//! the group, `explain` and `reconcile`. What holds follows from the state of the group and its
//! lines of the plan, so that the word and the conditions say the same:
//!
//! | condition | holds for a group that |
//! |---|---|
//! | `Ready` | is in step, or gone as its policy says |
//! | `Reconciling` | has changes that wait, are held, or need a second look |
//! | `Stalled` | is frozen, foreign, idle or not written by the plan: nothing of it is written |
//! | `Held` | has changes that a guard keeps back |
//! | `Drifted` | has changes that repair what somebody else changed, until they are made |
//!
//! A policy stalls the groups of which it writes nothing, and no others: a group that a last good
//! version goes on with is not stalled, though its policy is. A group that no policy in force has
//! is without conditions: there is no text that they could speak of. A pass that could not look
//! judges no group, and leaves them as the sheet before says.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::View;
use super::sheet::{Group, Line, Part};
use super::state::State;
use crate::decide::{Decision, conditions};
use crate::model::condition::{Condition, ConditionKind, Reason};
use crate::model::policy::PolicySet;
use crate::model::{Digest, PolicyName};
use crate::report::text::safe;

/// A policy in force, as the conditions of its groups speak of it.
#[derive(Debug)]
pub(super) struct InForce {
    generation: Digest,
    stalled: Option<(Reason, String)>,
}

impl InForce {
    /// Every policy in force, by name.
    pub(super) fn each(policies: &PolicySet, decision: &Decision) -> BTreeMap<PolicyName, Self> {
        let each = policies.policies.iter().map(|standing| {
            let stalled = conditions::stalled(standing, decision);
            let stalled = stalled.map(|(reason, message)| (reason, safe(&message)));
            (standing.policy.name.clone(), Self { generation: standing.policy.generation, stalled })
        });
        each.collect()
    }
}

/// When each condition of a group became what it is by the plan, as numbers of moments: 20 bytes
/// for each group, 2 MB for 100,000. Reasons and messages are made when somebody asks.
#[derive(Debug)]
pub(super) struct Turned([u32; 5]);

impl Turned {
    pub(super) fn new(number: impl FnMut(ConditionKind) -> u32) -> Self {
        Self(ConditionKind::ALL.map(number))
    }

    fn of(&self, kind: ConditionKind) -> u32 {
        let Self([ready, reconciling, stalled, held, drifted]) = *self;
        match kind {
            ConditionKind::Ready => ready,
            ConditionKind::Reconciling => reconciling,
            ConditionKind::Stalled => stalled,
            ConditionKind::Held => held,
            ConditionKind::Drifted => drifted,
        }
    }
}

/// The moments at which conditions turned, each kept once: those of the passes that turned
/// something which is so still.
#[derive(Debug, Default)]
pub(super) struct Moments {
    all: Vec<Timestamp>,
    numbers: BTreeMap<Timestamp, u32>,
}

impl Moments {
    /// The number of a moment.
    pub(super) fn number(&mut self, at: Timestamp) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(at).or_insert_with(|| {
            self.all.push(at);
            next
        })
    }

    fn at(&self, number: u32) -> Option<Timestamp> {
        self.all.get(number as usize).copied()
    }
}

/// What the conditions of a group rest on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    state: State,
    /// Nothing of it is written.
    stalled: bool,
    /// Changes that wait, are held, or need a second look.
    open: usize,
    held: bool,
    drifts: bool,
}

impl Ground {
    /// By the plan alone.
    pub(super) fn planned<'l>(state: State, lines: impl IntoIterator<Item = &'l Line>) -> Self {
        let mut ground =
            Self { state, stalled: is_stalled(state), open: 0, held: false, drifts: false };
        for line in lines {
            let (is_open, is_written) = match line.part {
                Part::Held | Part::Waiting => (true, true),
                Part::Unconfirmed => (true, false),
                Part::Observed | Part::Frozen => (false, false),
            };
            ground.open += usize::from(is_open);
            ground.held |= line.part == Part::Held;
            ground.drifts |= is_written && line.repairs;
        }
        ground
    }

    pub(super) fn holds(&self, kind: ConditionKind) -> bool {
        match kind {
            ConditionKind::Ready => is_ready(self.state),
            ConditionKind::Reconciling => self.open > 0,
            ConditionKind::Stalled => self.stalled,
            ConditionKind::Held => self.held,
            ConditionKind::Drifted => self.drifts,
        }
    }
}

fn is_ready(state: State) -> bool {
    matches!(state, State::InStep | State::Gone)
}

fn is_stalled(planned: State) -> bool {
    match planned {
        State::Frozen | State::Foreign | State::Idle | State::NotWritten => true,
        State::Failed
        | State::Held
        | State::Unknown
        | State::Drifted
        | State::Pending
        | State::InStep
        | State::Gone => false,
    }
}

/// Which conditions of a group hold, and since when.
pub(super) struct Stand<'v> {
    planned: Ground,
    now: Ground,
    turned: &'v Turned,
    moments: &'v Moments,
    at: Timestamp,
}

impl Stand<'_> {
    pub(super) fn holds(&self, kind: ConditionKind) -> bool {
        self.now.holds(kind)
    }

    /// Since when it is so, as far as this process saw.
    pub(super) fn since(&self, kind: ConditionKind) -> Timestamp {
        let is_as_planned = self.planned.holds(kind) == self.holds(kind);
        let moment = is_as_planned.then(|| self.moments.at(self.turned.of(kind))).flatten();
        moment.unwrap_or(self.at)
    }
}

impl View {
    /// The five conditions of a group; none where no policy in force has it.
    pub fn conditions(&self, group: &Group) -> Vec<Condition> {
        let named = group.policy.as_ref();
        let Some(policy) = named.and_then(|name| self.sheet.in_force.get(name)) else {
            return Vec::new();
        };
        let stand = self.stand(group);
        let of = |kind| {
            let (reason, message) = self.why(kind, &stand.now, group, policy);
            Condition {
                kind,
                status: stand.holds(kind),
                reason,
                message,
                last_transition_time: stand.since(kind),
                observed_generation: policy.generation,
            }
        };
        ConditionKind::ALL.map(of).into()
    }

    /// Which conditions of a group hold, and since when. Cost: its lines of the plan.
    pub(super) fn stand<'v>(&'v self, group: &'v Group) -> Stand<'v> {
        let planned = Ground::planned(group.state, self.sheet.lines_of(group));
        Stand {
            planned,
            now: self.now(group, planned),
            turned: &group.turned,
            moments: &self.sheet.moments,
            at: self.sheet.at.unwrap_or_default(),
        }
    }

    /// What is left of the plan once its changes were tried.
    fn now(&self, group: &Group, planned: Ground) -> Ground {
        let state = self.state(group);
        if is_ready(state) {
            return Ground { state, open: 0, drifts: false, ..planned };
        }
        let done = self.deeds(group.id).iter().filter(|deed| deed.achieved).count();
        let lines = self.sheet.lines_of(group);
        let mut repairs = lines.into_iter().filter(|line| line.repairs);
        let is_left = repairs.any(|line| !self.is_made(line, line.kind));
        Ground {
            state,
            open: planned.open.saturating_sub(done),
            drifts: planned.drifts && (is_left || state == State::Drifted),
            ..planned
        }
    }

    /// Why a condition is as it is. The sentence of the state stands with the condition that it
    /// speaks of; `Ready` says then what that comes to.
    fn why(
        &self,
        kind: ConditionKind,
        now: &Ground,
        group: &Group,
        policy: &InForce,
    ) -> (Reason, String) {
        let planned = |state: State| {
            let is_told = group.state == state && !group.reason.is_empty();
            if is_told { &*group.reason } else { state.meaning() }
        };
        let (reason, message) = match (kind, now.holds(kind)) {
            (ConditionKind::Ready, _) => return self.why_ready(now, group, policy),
            (ConditionKind::Reconciling, _) => {
                let waits = match now.open {
                    1 => "1 change waits".to_owned(),
                    open => format!("{open} changes wait"),
                };
                return (Reason::ChangesWaiting, waits);
            }
            (ConditionKind::Stalled, true) => return stalled(group, policy),
            (ConditionKind::Stalled, false) => (Reason::InStep, ""),
            (ConditionKind::Held, true) => (Reason::GuardTripped, planned(State::Held)),
            (ConditionKind::Held, false) => (Reason::GuardTripped, ""),
            (ConditionKind::Drifted, true) => (Reason::ChangedByOthers, planned(State::Drifted)),
            (ConditionKind::Drifted, false) => (Reason::ChangedByOthers, ""),
        };
        (reason, message.to_owned())
    }

    fn why_ready(&self, now: &Ground, group: &Group, policy: &InForce) -> (Reason, String) {
        let meaning = now.state.meaning();
        let told = Some(self.reason(group)).filter(|told| !told.is_empty()).unwrap_or(meaning);
        let (reason, message) = match now.state {
            State::Failed => (Reason::OperationsFailed, told),
            State::Held => (Reason::GuardTripped, meaning),
            State::Unknown => (Reason::ReadIncomplete, told),
            State::Drifted => (Reason::ChangedByOthers, meaning),
            State::Pending => (Reason::ChangesWaiting, told),
            State::Frozen | State::Foreign | State::Idle | State::NotWritten => {
                (stalled(group, policy).0, meaning)
            }
            State::InStep => (Reason::InStep, "the directory is as the policy says"),
            State::Gone => (Reason::InStep, meaning),
        };
        (reason, message.to_owned())
    }
}

/// Why nothing of a group is written: what stands in its own way, else in that of its policy.
fn stalled(group: &Group, policy: &InForce) -> (Reason, String) {
    let of_policy = policy.stalled.as_ref();
    let (reason, told) = match group.state {
        State::Frozen => (Reason::Frozen, None),
        State::Foreign => (Reason::Foreign, None),
        State::NotWritten if !group.reason.is_empty() => (Reason::NotWritten, None),
        State::Failed
        | State::Held
        | State::Unknown
        | State::Drifted
        | State::Pending
        | State::Idle
        | State::NotWritten
        | State::InStep
        | State::Gone => {
            let reason = of_policy.map_or(Reason::NotWritten, |(reason, _)| *reason);
            (reason, of_policy.map(|(_, message)| message.as_str()))
        }
    };
    let own = Some(&*group.reason).filter(|own| !own.is_empty());
    (reason, own.or(told).unwrap_or(group.state.meaning()).to_owned())
}

/// Conditions for people, a line each: whether it is ready, and whatever else holds.
pub fn told(conditions: &[Condition]) -> impl Iterator<Item = String> {
    let is_told = |told: &&Condition| told.status || told.kind == ConditionKind::Ready;
    conditions.iter().filter(is_told).map(|Condition { kind, status, reason, message, .. }| {
        let not = if *status { "" } else { "not " };
        format!("{not}{kind:?} ({reason:?}) {}", safe(message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_group_take_twenty_bytes() {
        assert_eq!(size_of::<Turned>(), 20);
    }

    #[test]
    fn a_moment_has_one_number() {
        let mut moments = Moments::default();
        let [first, second] = [1, 2].map(|at| Timestamp::from_second(at).unwrap());
        let numbers = [first, second, first, second].map(|at| moments.number(at));
        assert_eq!(numbers, [0, 1, 0, 1]);
        assert_eq!(
            numbers.map(|number| moments.at(number).unwrap()),
            [first, second, first, second]
        );
        assert_eq!(moments.at(2), None);
    }
}
