//! Prometheus metrics. Labels are bounded words, never a group or member; every series starts at
//! zero.

mod make;

use std::collections::BTreeSet;

use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::decide::Decision;
use crate::decide::guard::{Guarded, Row};
use crate::model::Outcome;
use crate::model::change::Kind;
use crate::model::policy::PolicySet;
use crate::report::events::{Event, PassEnd, PassResult, Side};
use crate::report::metrics::make::Maker;

/// Values of the label `state`.
const GROUP_STATES: [&str; 4] = ["owned", "frozen", "pending", "unknown"];

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Passes,
    plans: Plans,
    policies: Policies,
    edges: Edges,
}

/// The loop.
#[derive(Debug)]
struct Passes {
    total: IntCounterVec,
    seconds: Histogram,
    errors: IntCounterVec,
    consecutive_failures: IntGauge,
    last: Gauge,
    last_success: Gauge,
    journal_errors: IntCounter,
    journal_head: IntGaugeVec,
}

/// What was decided and done.
#[derive(Debug)]
struct Plans {
    operations: IntGaugeVec,
    operations_total: IntCounterVec,
    groups: IntGaugeVec,
    findings: IntGauge,
    held: IntGaugeVec,
    guard_blocked: IntGaugeVec,
    guard_trips: IntCounterVec,
}

/// The policy folder.
#[derive(Debug)]
struct Policies {
    load_success: IntGauge,
    load_errors: IntCounter,
    objects: IntGauge,
}

/// Both sides.
#[derive(Debug)]
struct Edges {
    incomplete: IntCounterVec,
    graph_requests: IntCounterVec,
    graph_seconds: HistogramVec,
    graph_throttled: IntCounter,
    ldap_operations: IntCounterVec,
    ldap_seconds: HistogramVec,
    ldap_up: IntGauge,
}

impl Passes {
    fn new(make: &Maker<'_>) -> Self {
        let passes = Self {
            total: make.counters("reconcile_total", "Passes, by result.", &["result"]),
            seconds: make.seconds("reconcile_duration_seconds", "How long passes take."),
            errors: make.counters(
                "reconcile_errors_total",
                "Passes that ended early, by the side that failed.",
                &["side"],
            ),
            consecutive_failures: make
                .gauge("consecutive_failures", "Passes without success since the last success."),
            last: make.moment("last_reconcile_timestamp_seconds", "When the last pass ended."),
            last_success: make
                .moment("last_success_timestamp_seconds", "When the last successful pass ended."),
            journal_errors: make.counter(
                "journal_write_errors_total",
                "Journal records that could not be put on disk.",
            ),
            journal_head: make.gauges(
                "journal_head",
                "The number of the journal's last line, by its hash: one series, for whoever \
                 checks later that nothing was cut off.",
                "hash",
            ),
        };
        for result in PassResult::ALL {
            passes.total.with_label_values(&[result.word()]);
        }
        for side in Side::ALL {
            passes.errors.with_label_values(&[side.word()]);
        }
        passes
    }

    fn journal_at(&self, sequence: u64, hash: &str) {
        self.journal_head.reset();
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        self.journal_head.with_label_values(&[hash]).set(sequence);
    }

    fn ended(&self, pass: &PassEnd) {
        self.total.with_label_values(&[pass.result.word()]).inc();
        self.seconds.observe(pass.seconds);
        self.last.set(seconds(pass.at));
        if pass.result.is_success() {
            self.last_success.set(seconds(pass.at));
            self.consecutive_failures.set(0);
        } else {
            self.consecutive_failures.inc();
        }
    }
}

impl Plans {
    fn new(make: &Maker<'_>) -> Self {
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
            groups: make.gauges("groups", "Directory groups, by state.", "state"),
            findings: make.gauge("findings", "Findings of the last plan."),
            held: make.gauges("held_changes", "Changes that a guard holds, by policy.", "policy"),
            guard_blocked: make.gauges(
                "guard_blocked",
                "Whether a guard's limit is passed now.",
                "guard",
            ),
            guard_trips: make.counters(
                "guard_trips_total",
                "Plans in which a guard's limit was passed.",
                &["guard"],
            ),
        };
        for kind in Kind::ALL {
            plans.operations.with_label_values(&[kind.word()]);
            for outcome in Outcome::WORDS {
                plans.operations_total.with_label_values(&[kind.word(), outcome]);
            }
        }
        for row in Row::ALL {
            plans.guard_blocked.with_label_values(&[row.word()]);
            plans.guard_trips.with_label_values(&[row.word()]);
        }
        for state in GROUP_STATES {
            plans.groups.with_label_values(&[state]);
        }
        plans
    }

    fn take(&self, decision: &Decision, guarded: &Guarded) {
        for kind in Kind::ALL {
            let of_kind = decision.plan.changes.iter().filter(|c| c.effect.kind() == kind);
            self.operations.with_label_values(&[kind.word()]).set(count(of_kind.count()));
        }
        for row in Row::ALL {
            let tripped = guarded.held.holds.iter().any(|hold| hold.row == row);
            self.guard_blocked.with_label_values(&[row.word()]).set(i64::from(tripped));
            self.guard_trips.with_label_values(&[row.word()]).inc_by(u64::from(tripped));
        }
        self.findings.set(count(decision.findings.len()));
        let pending: BTreeSet<_> = decision.plan.writes().map(|change| change.group).collect();
        for (state, value) in [
            ("owned", decision.inventory.values().map(|held| held.groups).sum()),
            ("frozen", decision.plan.changes.len() - decision.plan.writes().count()),
            ("pending", pending.len()),
            ("unknown", decision.unknown.len()),
        ] {
            self.groups.with_label_values(&[state]).set(count(value));
        }
    }

    /// Held changes of every policy in force; policies that are gone leave no series behind. Their
    /// number is bounded by the policy folder.
    fn hold(&self, policies: &PolicySet, guarded: Option<&Guarded>) {
        if guarded.is_some() {
            self.held.reset();
        }
        for standing in &policies.policies {
            let name = &standing.policy.name;
            let series = self.held.with_label_values(&[name.as_str()]);
            if let Some(guarded) = guarded {
                let held = guarded.held.changes.iter().filter(|change| change.policy == *name);
                series.set(count(held.count()));
            }
        }
    }
}

impl Policies {
    fn new(make: &Maker<'_>) -> Self {
        Self {
            load_success: make.gauge(
                "policy_load_success",
                "Whether every policy file of the last load is valid.",
            ),
            load_errors: make
                .counter("policy_load_errors_total", "Mistakes found in policy files."),
            objects: make.gauge("policy_objects", "Policies in force."),
        }
    }
}

impl Edges {
    fn new(make: &Maker<'_>) -> Self {
        let edges = Self {
            incomplete: make.counters(
                "read_incomplete_total",
                "Reads that were not whole, by side.",
                &["source"],
            ),
            graph_requests: make.counters(
                "graph_requests_total",
                "Requests to the tenant, by endpoint and status.",
                &["endpoint", "code"],
            ),
            graph_seconds: make.seconds_by(
                "graph_request_duration_seconds",
                "How long requests to the tenant take.",
                "endpoint",
            ),
            graph_throttled: make.counter(
                "graph_throttled_total",
                "Answers of the tenant that asked for a slower pace.",
            ),
            ldap_operations: make.counters(
                "ldap_operations_total",
                "Operations on the domain, by operation and result.",
                &["op", "result"],
            ),
            ldap_seconds: make.seconds_by(
                "ldap_operation_duration_seconds",
                "How long operations on the domain take.",
                "op",
            ),
            ldap_up: make
                .gauge("ldap_up", "Whether the domain controller could be read in the last pass."),
        };
        for side in Side::ALL {
            edges.incomplete.with_label_values(&[side.word()]);
        }
        for endpoint in crate::graph::Endpoint::ALL.map(crate::graph::Endpoint::word) {
            edges.graph_requests.with_label_values(&[endpoint, "200"]);
            edges.graph_seconds.with_label_values(&[endpoint]);
        }
        for operation in crate::directory::LdapRequest::OPERATIONS {
            edges.ldap_operations.with_label_values(&[operation, "ok"]);
            edges.ldap_seconds.with_label_values(&[operation]);
        }
        edges
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, registered and at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        let options = Opts::new("writeback_build_info", "The version that runs.");
        let build = make.keep(GaugeVec::new(options, &["version"]));
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        Self {
            passes: Passes::new(&make),
            plans: Plans::new(&make),
            policies: Policies::new(&make),
            edges: Edges::new(&make),
            registry,
        }
    }

    /// The exposition text (Prometheus text format 0.0.4).
    pub fn text(&self) -> String {
        let mut buffer = Vec::new();
        // Writing to a vector cannot fail; a family that cannot be encoded is left out.
        let _written = TextEncoder::new().encode(&self.registry.gather(), &mut buffer);
        String::from_utf8_lossy(&buffer).into_owned()
    }

    /// Takes what an event changes.
    pub fn take(&self, event: &Event<'_>) {
        let Self { passes, plans, policies: folder, edges, .. } = self;
        match event {
            Event::Planned { policies, decision, guarded, .. } => {
                edges.ldap_up.set(1);
                let missed = u64::from(decision.incomplete);
                edges.incomplete.with_label_values(&[Side::Tenant.word()]).inc_by(missed);
                plans.take(decision, guarded);
                plans.hold(policies, Some(guarded));
            }
            Event::ChangeMade(result) => {
                let labels = [result.change.effect.kind().word(), result.outcome.word()];
                plans.operations_total.with_label_values(&labels).inc();
            }
            Event::PassEnded(pass) => passes.ended(pass),
            Event::GraphAnswered { endpoint, code, seconds, throttled } => {
                edges.graph_requests.with_label_values(&[*endpoint, code.as_str()]).inc();
                edges.graph_seconds.with_label_values(&[endpoint]).observe(*seconds);
                edges.graph_throttled.inc_by(u64::from(*throttled));
            }
            Event::DirectoryAnswered { operation, result, seconds } => {
                edges.ldap_operations.with_label_values(&[*operation, *result]).inc();
                edges.ldap_seconds.with_label_values(&[operation]).observe(*seconds);
            }
            Event::PoliciesLoaded { policies, mistakes, .. } => {
                folder.load_success.set(i64::from(mistakes.is_empty()));
                folder.load_errors.inc_by(u64::try_from(mistakes.len()).unwrap_or(u64::MAX));
                folder.objects.set(count(policies.policies.len()));
                plans.hold(policies, None);
            }
            Event::FaultMet { side, .. } => {
                passes.errors.with_label_values(&[side.word()]).inc();
                edges.incomplete.with_label_values(&[side.word()]).inc();
                if *side == Side::Domain {
                    edges.ldap_up.set(0);
                }
            }
            Event::JournalAt { sequence, hash } => passes.journal_at(*sequence, hash),
            Event::JournalFailed { .. } => passes.journal_errors.inc(),
            Event::PassBegun { .. }
            | Event::Next { .. }
            | Event::Reloaded { .. }
            | Event::CredentialSeen { .. }
            | Event::Paused(_)
            | Event::Stopping => {}
        }
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
