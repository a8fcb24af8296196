//! What was decided and done: operations, groups by state, what is held, how much may still be
//! done.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus::{Gauge, Histogram, IntCounterVec, IntGauge, IntGaugeVec};

use crate::decide::Decision;
use crate::decide::conclude::ChangeResult;
use crate::decide::guard::{Answers, Budget, Guarded, Row, Scale, budgets};
use crate::model::Outcome;
use crate::model::change::Kind;
use crate::model::policy::PolicySet;
use crate::report::events::Sight;
use crate::report::metrics::figures::{
    DRIFT, Estate, FOREIGN, FROZEN, Held, UNRESOLVED, foreign, unresolved,
};
use crate::report::metrics::folder::names;
use crate::report::metrics::make::{Changing, Maker};
use crate::report::metrics::trace::{Standing, Trace};
use crate::report::metrics::{between, count};

/// Values of the label `state`. They overlap: a group counts in every state it is in.
const GROUP_STATES: [&str; 11] = [
    "owned",
    "in_step",
    "pending",
    "held",
    "drifted",
    "failed",
    "frozen",
    "unknown",
    "suspended",
    "disabled",
    "quarantined",
];
/// Values of the label `kind` of held removals.
const REMOVALS: [&str; 2] = ["groups", "memberships"];

/// What was decided and done.
#[derive(Debug)]
pub(super) struct Plans {
    operations: IntGaugeVec,
    operations_total: IntCounterVec,
    propagation: Histogram,
    groups: IntGaugeVec,
    frozen: IntGaugeVec,
    drift: IntGaugeVec,
    oldest_drift: Gauge,
    unresolved: IntGaugeVec,
    findings: IntGauge,
    holds: Holds,
    foreign: IntGaugeVec,
    privileged: IntGauge,
    course: Mutex<Course>,
}

/// What guards keep back.
#[derive(Debug)]
struct Holds {
    changes: Changing,
    removals: IntGaugeVec,
    people: IntGauge,
    oldest: Gauge,
    blocked: IntGaugeVec,
    trips: IntCounterVec,
    budget: Changing,
}

/// What is remembered from one event to the next.
#[derive(Debug, Default)]
struct Course {
    trace: Trace,
    owned: usize,
    oldest_held: Option<Timestamp>,
    oldest_drift: Option<Timestamp>,
}

impl Holds {
    fn new(make: &Maker<'_>) -> Self {
        Self {
            changes: make.changing(
                "held_changes",
                "Changes that a guard holds, by policy.",
                &["policy"],
            ),
            removals: make.gauges(
                "held_removals",
                "Groups and memberships whose removal a guard holds.",
                "kind",
            ),
            people: make.gauge(
                "held_people",
                "People, computers and the like that still hold access through a hold.",
            ),
            oldest: make
                .moment("oldest_held_age_seconds", "How long the oldest held thing is held."),
            blocked: make.gauges(
                "guard_blocked",
                "Whether a guard's limit is passed now.",
                "guard",
            ),
            trips: make.counters(
                "guard_trips_total",
                "Plans in which a guard's limit was passed.",
                &["guard"],
            ),
            budget: make.changing(
                "budget_remaining_ratio",
                "How much of a limit is left, of 1, by policy and row.",
                &["policy", "row"],
            ),
        }
    }
}

impl Plans {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let plans = Self {
            operations: make.gauges(
                "plan_operations",
                "Changes of the last plan, by kind, held ones included.",
                "op",
            ),
            operations_total: make.counters(
                "operations_total",
                "Changes tried, by kind and result.",
                &["op", "result"],
            ),
            propagation: make.propagation(
                "propagation_seconds",
                "From the start of the pass that first showed a change of the tenant to the end \
                 of the pass that made it; what a guard held is counted from its release.",
            ),
            groups: make.gauges("groups", "Directory groups, by state.", "state"),
            frozen: make.gauges(
                "frozen_groups",
                "Groups that stay as they are, by reason.",
                "reason",
            ),
            drift: make.gauges(
                "drift_objects",
                "Groups that somebody else changed and that are not put right, by what was done.",
                "cause",
            ),
            oldest_drift: make
                .moment("oldest_drift_age_seconds", "How long the oldest of them is known."),
            unresolved: make.gauges(
                "members_unresolved",
                "Users in written groups for whom no account is found, by reason.",
                "reason",
            ),
            findings: make.gauge("findings", "Findings of the last plan."),
            holds: Holds::new(make),
            foreign: make.gauges(
                "foreign_owner_objects",
                "Groups with a mark that are somebody else's, by whose they are.",
                "kind",
            ),
            privileged: make.gauge(
                "privileged_groups",
                "Written groups that are protected, or lie in a protected group.",
            ),
            course: Mutex::default(),
        };
        plans.begin();
        plans
    }

    /// Every series that can be known before the first event.
    fn begin(&self) {
        for kind in Kind::ALL {
            self.operations.with_label_values(&[kind.word()]);
            for outcome in Outcome::WORDS {
                self.operations_total.with_label_values(&[kind.word(), outcome]);
            }
        }
        for row in Row::ALL {
            self.holds.blocked.with_label_values(&[row.word()]);
            self.holds.trips.with_label_values(&[row.word()]);
        }
        let words: [(&IntGaugeVec, &[&str]); 5] = [
            (&self.groups, &GROUP_STATES),
            (&self.frozen, &FROZEN),
            (&self.unresolved, &UNRESOLVED),
            (&self.holds.removals, &REMOVALS),
            (&self.foreign, &FOREIGN),
        ];
        for (gauges, words) in words {
            for word in words {
                gauges.with_label_values(&[word]);
            }
        }
        for (_, word) in DRIFT {
            self.drift.with_label_values(&[word]);
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn planned(
        &self,
        policies: &PolicySet,
        decision: &Decision,
        guarded: &Guarded,
        sight: &Sight<'_>,
    ) {
        for kind in Kind::ALL {
            let of_kind = decision.plan.changes.iter().filter(|c| c.effect.kind() == kind);
            self.operations.with_label_values(&[kind.word()]).set(count(of_kind.count()));
        }
        for row in Row::ALL {
            let tripped = guarded.held.holds.iter().any(|hold| hold.row == row);
            self.holds.blocked.with_label_values(&[row.word()]).set(i64::from(tripped));
            self.holds.trips.with_label_values(&[row.word()]).inc_by(u64::from(tripped));
        }
        self.findings.set(count(decision.findings.len()));
        self.privileged.set(count(decision.privileged.len()));
        self.hold(policies, guarded, sight);
        self.budgets(policies, decision, guarded, sight);
        for (kind, groups) in foreign(decision, sight) {
            self.foreign.with_label_values(&[kind]).set(count(groups));
        }
        let unresolved = unresolved(decision, sight);
        for reason in UNRESOLVED {
            let members = unresolved.get(reason).copied().unwrap_or_default();
            self.unresolved.with_label_values(&[reason]).set(count(members));
        }
        let estate = Estate::of(policies, decision, sight);
        self.show_estate(&estate, decision);
        let mut course = self.course();
        course.owned = estate.owned;
        let standing = course.trace.planned(decision, guarded, &estate.active, sight.at);
        self.show(&standing, &mut course);
    }

    pub(super) fn made(&self, result: &ChangeResult) {
        let labels = [result.change.effect.kind().word(), result.outcome.word()];
        self.operations_total.with_label_values(&labels).inc();
        self.course().trace.made(result);
    }

    pub(super) fn ended(&self, at: Timestamp) {
        let mut course = self.course();
        if let Some(standing) = course.trace.ended(at) {
            for seconds in &standing.took {
                self.propagation.observe(*seconds);
            }
            self.show(&standing, &mut course);
        }
    }

    /// Policies that are new begin at nothing held and everything left; those that are gone leave
    /// no series behind. Their number is bounded by the policy folder.
    pub(super) fn loaded(&self, policies: &PolicySet) {
        self.holds.changes.keep_all(names(policies), 0.0);
        let rows = |name: Vec<String>| {
            Budget::ROWS.map(|row| [name.clone(), vec![row.word().to_owned()]].concat())
        };
        self.holds.budget.keep_all(names(policies).into_iter().flat_map(rows).collect(), 1.0);
    }

    /// Brings what grows with time up to `now`.
    pub(super) fn look_at(&self, now: Timestamp) {
        let course = self.course();
        let age = |since: Option<Timestamp>| since.map_or(0.0, |since| between(since, now));
        self.holds.oldest.set(age(course.oldest_held));
        self.oldest_drift.set(age(course.oldest_drift));
    }

    fn hold(&self, policies: &PolicySet, guarded: &Guarded, sight: &Sight<'_>) {
        let mut by_policy: BTreeMap<&str, usize> = BTreeMap::new();
        for change in &guarded.held.changes {
            *by_policy.entry(change.policy.as_str()).or_default() += 1;
        }
        let all = names(policies).into_iter().map(|name| {
            let held = name.first().and_then(|name| by_policy.get(name.as_str()));
            let held = f64::from(u32::try_from(held.copied().unwrap_or(0)).unwrap_or(u32::MAX));
            (name, held)
        });
        self.holds.changes.become_all(all.collect());
        let held = Held::of(&guarded.held, sight);
        let [groups, memberships] = REMOVALS;
        self.holds.removals.with_label_values(&[groups]).set(count(held.groups));
        self.holds.removals.with_label_values(&[memberships]).set(count(held.memberships));
        self.holds.people.set(count(held.people));
        self.course().oldest_held = held.oldest;
    }

    fn budgets(
        &self,
        policies: &PolicySet,
        decision: &Decision,
        guarded: &Guarded,
        sight: &Sight<'_>,
    ) {
        // What the edges answered has gone into what is admitted.
        let answers = Answers::default();
        let scale = Scale::of(policies, sight.memory, decision, &answers, sight.at);
        let series = budgets(guarded, &scale).into_iter().map(|budget| {
            let ratio = budget.remaining_ratio();
            (vec![budget.policy.as_str().to_owned(), budget.row.word().to_owned()], ratio)
        });
        self.holds.budget.become_all(series.collect());
    }

    fn show_estate(&self, estate: &Estate, decision: &Decision) {
        let set = |state: &str, value| self.groups.with_label_values(&[state]).set(count(value));
        set("frozen", estate.frozen.len());
        set("unknown", decision.unknown.len());
        set("suspended", estate.suspended);
        set("disabled", estate.disabled);
        set("quarantined", estate.quarantined);
        for reason in FROZEN {
            let groups = estate.frozen.values().filter(|word| **word == reason);
            self.frozen.with_label_values(&[reason]).set(count(groups.count()));
        }
    }

    fn show(&self, standing: &Standing, course: &mut Course) {
        let set = |state: &str, value| self.groups.with_label_values(&[state]).set(count(value));
        set("owned", (course.owned + standing.come).saturating_sub(standing.gone));
        set("in_step", standing.in_step);
        set("pending", standing.pending);
        set("held", standing.held);
        set("drifted", standing.drifted);
        set("failed", standing.failed);
        for (kind, cause) in DRIFT {
            let groups = standing.drift.get(&kind).copied().unwrap_or_default();
            self.drift.with_label_values(&[cause]).set(count(groups));
        }
        course.oldest_drift = standing.oldest_drift;
    }
}
