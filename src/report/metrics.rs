//! Prometheus metrics. Labels are bounded words, never a name; every series starts at zero.

use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter,
    IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::decide::Decision;
use crate::decide::guard::{Guarded, Row};
use crate::model::Outcome;
use crate::model::change::Kind;
use crate::model::policy::PolicySet;
use crate::report::events::{Event, PassEnd, PassResult, Side};

/// Bounds of request times: a fast answer, a slow one, one that met its limit.
const REQUEST_SECONDS: [f64; 9] = [0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
/// Bounds of pass times: a small estate to an hour.
const PASS_SECONDS: [f64; 9] = [0.1, 0.5, 2.0, 10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0];

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconcile_total: IntCounterVec,
    reconcile_seconds: Histogram,
    reconcile_errors: IntCounterVec,
    consecutive_failures: IntGauge,
    last_reconcile: Gauge,
    last_success: Gauge,
    plan_operations: IntGaugeVec,
    operations_total: IntCounterVec,
    groups: IntGaugeVec,
    findings: IntGauge,
    held_changes: IntGaugeVec,
    guard_blocked: IntGaugeVec,
    guard_trips: IntCounterVec,
    read_incomplete: IntCounterVec,
    policy_load_success: IntGauge,
    policy_load_errors: IntCounter,
    policy_last_load: Gauge,
    policy_objects: IntGauge,
    graph_requests: IntCounterVec,
    graph_seconds: HistogramVec,
    graph_throttled: IntCounter,
    ldap_operations: IntCounterVec,
    ldap_seconds: HistogramVec,
    ldap_up: IntGauge,
    journal_errors: IntCounter,
}

struct Maker<'r>(&'r Registry);

impl Maker<'_> {
    fn keep<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        made: prometheus::Result<C>,
    ) -> C {
        let made = made.expect("names and labels of metrics are constants and valid");
        self.0.register(Box::new(made.clone())).expect("every metric has its own name");
        made
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), &[label]))
    }

    fn moment(&self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::new(name, help))
    }

    fn seconds(&self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
    }

    fn seconds_by(&self, name: &str, help: &str, label: &str) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(REQUEST_SECONDS.to_vec());
        self.keep(HistogramVec::new(options, &[label]))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, registered and at zero.
    #[rustfmt::skip]
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        let build: GaugeVec = make.keep(GaugeVec::new(
            Opts::new("writeback_build_info", "The version that runs."), &["version"]));
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        let metrics = Self {
            reconcile_total: make.counters("writeback_reconcile_total", "Passes, by result.", &["result"]),
            reconcile_seconds: make.seconds("writeback_reconcile_duration_seconds", "How long passes take.", &PASS_SECONDS),
            reconcile_errors: make.counters("writeback_reconcile_errors_total", "Passes that ended early, by the side that failed.", &["side"]),
            consecutive_failures: make.gauge("writeback_consecutive_failures", "Passes without success since the last success."),
            last_reconcile: make.moment("writeback_last_reconcile_timestamp_seconds", "When the last pass ended."),
            last_success: make.moment("writeback_last_success_timestamp_seconds", "When the last successful pass ended."),
            plan_operations: make.gauges("writeback_plan_operations", "Changes of the last plan, by kind, held ones included.", "op"),
            operations_total: make.counters("writeback_operations_total", "Changes tried, by kind and result.", &["op", "result"]),
            groups: make.gauges("writeback_groups", "Directory groups, by state.", "state"),
            findings: make.gauge("writeback_findings", "Findings of the last plan."),
            held_changes: make.gauges("writeback_held_changes", "Changes that a guard holds, by policy.", "policy"),
            guard_blocked: make.gauges("writeback_guard_blocked", "Whether a guard's limit is passed now.", "guard"),
            guard_trips: make.counters("writeback_guard_trips_total", "Plans in which a guard's limit was passed.", &["guard"]),
            read_incomplete: make.counters("writeback_read_incomplete_total", "Reads that were not whole, by side.", &["source"]),
            policy_load_success: make.gauge("writeback_policy_load_success", "Whether every policy file of the last load is valid."),
            policy_load_errors: make.counter("writeback_policy_load_errors_total", "Mistakes found in policy files."),
            policy_last_load: make.moment("writeback_policy_last_load_timestamp_seconds", "When the policy folder was last read anew."),
            policy_objects: make.gauge("writeback_policy_objects", "Policies in force."),
            graph_requests: make.counters("writeback_graph_requests_total", "Requests to the tenant, by endpoint and status.", &["endpoint", "code"]),
            graph_seconds: make.seconds_by("writeback_graph_request_duration_seconds", "How long requests to the tenant take.", "endpoint"),
            graph_throttled: make.counter("writeback_graph_throttled_total", "Answers of the tenant that asked for a slower pace."),
            ldap_operations: make.counters("writeback_ldap_operations_total", "Operations on the domain, by operation and result.", &["op", "result"]),
            ldap_seconds: make.seconds_by("writeback_ldap_operation_duration_seconds", "How long operations on the domain take.", "op"),
            ldap_up: make.gauge("writeback_ldap_up", "Whether the domain controller could be read in the last pass."),
            journal_errors: make.counter("writeback_journal_write_errors_total", "Journal records that could not be put on disk."),
            registry,
        };
        metrics.start_at_zero();
        metrics
    }

    /// Makes every bounded series visible before its first event, so that `rate()` sees it born.
    fn start_at_zero(&self) {
        for result in PassResult::ALL {
            self.reconcile_total.with_label_values(&[result.word()]);
        }
        for kind in Kind::ALL {
            self.plan_operations.with_label_values(&[kind.word()]);
            for outcome in Outcome::WORDS {
                self.operations_total.with_label_values(&[kind.word(), outcome]);
            }
        }
        for row in Row::ALL {
            self.guard_blocked.with_label_values(&[row.word()]);
            self.guard_trips.with_label_values(&[row.word()]);
        }
        for side in Side::ALL {
            self.reconcile_errors.with_label_values(&[side.word()]);
            self.read_incomplete.with_label_values(&[side.word()]);
        }
        for state in GROUP_STATES {
            self.groups.with_label_values(&[state]);
        }
        for endpoint in crate::graph::Endpoint::ALL.map(crate::graph::Endpoint::word) {
            self.graph_requests.with_label_values(&[endpoint, "200"]);
            self.graph_seconds.with_label_values(&[endpoint]);
        }
        for operation in crate::directory::LdapRequest::OPERATIONS {
            self.ldap_operations.with_label_values(&[operation, "ok"]);
            self.ldap_seconds.with_label_values(&[operation]);
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
        match event {
            Event::Planned { policies, decision, guarded } => {
                self.planned(decision, guarded);
                self.hold(policies, Some(guarded));
            }
            Event::ChangeMade(result) => {
                let labels = [result.change.effect.kind().word(), result.outcome.word()];
                self.operations_total.with_label_values(&labels).inc();
            }
            Event::PassEnded(pass) => self.ended(pass),
            Event::GraphAnswered { endpoint, code, seconds, throttled } => {
                self.graph_requests.with_label_values(&[*endpoint, code.as_str()]).inc();
                self.graph_seconds.with_label_values(&[endpoint]).observe(*seconds);
                self.graph_throttled.inc_by(u64::from(*throttled));
            }
            Event::DirectoryAnswered { operation, result, seconds } => {
                self.ldap_operations.with_label_values(&[*operation, *result]).inc();
                self.ldap_seconds.with_label_values(&[operation]).observe(*seconds);
            }
            Event::PoliciesLoaded { policies, mistakes, .. } => {
                self.policy_load_success.set(i64::from(mistakes.is_empty()));
                self.policy_load_errors.inc_by(u64::try_from(mistakes.len()).unwrap_or(u64::MAX));
                self.policy_objects.set(count(policies.policies.len()));
                self.hold(policies, None);
            }
            Event::FaultMet { side, .. } => {
                self.reconcile_errors.with_label_values(&[side.word()]).inc();
                self.read_incomplete.with_label_values(&[side.word()]).inc();
                if *side == Side::Domain {
                    self.ldap_up.set(0);
                }
            }
            Event::JournalFailed { .. } => self.journal_errors.inc(),
            Event::PassBegun { at, .. } => {
                if self.policy_last_load.get() == 0.0 {
                    self.policy_last_load.set(seconds(*at));
                }
            }
            Event::Next { .. } | Event::Stopping => {}
        }
    }

    /// Held changes of every policy in force; policies that are gone leave no series behind. Their
    /// number is bounded by the policy folder.
    fn hold(&self, policies: &PolicySet, guarded: Option<&Guarded>) {
        if guarded.is_some() {
            self.held_changes.reset();
        }
        for standing in &policies.policies {
            let name = &standing.policy.name;
            let series = self.held_changes.with_label_values(&[name.as_str()]);
            if let Some(guarded) = guarded {
                let held = guarded.held.changes.iter().filter(|change| change.policy == *name);
                series.set(count(held.count()));
            }
        }
    }

    fn planned(&self, decision: &Decision, guarded: &Guarded) {
        self.ldap_up.set(1);
        for kind in Kind::ALL {
            let of_kind = decision.plan.changes.iter().filter(|c| c.effect.kind() == kind);
            self.plan_operations.with_label_values(&[kind.word()]).set(count(of_kind.count()));
        }
        for row in Row::ALL {
            let tripped = guarded.held.holds.iter().any(|hold| hold.row == row);
            self.guard_blocked.with_label_values(&[row.word()]).set(i64::from(tripped));
            self.guard_trips.with_label_values(&[row.word()]).inc_by(u64::from(tripped));
        }
        self.findings.set(count(decision.findings.len()));
        if decision.incomplete {
            self.read_incomplete.with_label_values(&[Side::Tenant.word()]).inc();
        }
        let owned: usize = decision.inventory.values().map(|held| held.groups).sum();
        let frozen = decision.plan.changes.len() - decision.plan.writes().count();
        let pending = decision
            .plan
            .writes()
            .map(|change| change.group)
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        for (state, value) in [
            ("owned", owned),
            ("frozen", frozen),
            ("pending", pending),
            ("unknown", decision.unknown.len()),
        ] {
            self.groups.with_label_values(&[state]).set(count(value));
        }
    }

    fn ended(&self, pass: &PassEnd) {
        self.reconcile_total.with_label_values(&[pass.result.word()]).inc();
        self.reconcile_seconds.observe(pass.seconds);
        self.last_reconcile.set(seconds(pass.at));
        if pass.result.is_success() {
            self.last_success.set(seconds(pass.at));
            self.consecutive_failures.set(0);
        } else {
            self.consecutive_failures.inc();
        }
    }
}

/// Values of the label `state`.
const GROUP_STATES: [&str; 4] = ["owned", "frozen", "pending", "unknown"];

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
