//! Both sides: requests, how long they take, and reads that were not whole.

use prometheus::{HistogramVec, IntCounter, IntCounterVec, IntGauge};

use crate::directory::LdapRequest;
use crate::graph::{Endpoint, RequestOutcome};
use crate::report::events::{Side, Sight};
use crate::report::metrics::make::Maker;

/// Those of the statuses on learn.microsoft.com/graph/errors that reads meet, for series that start
/// at zero. Any other one begins when it is met: the set is not ours.
const STATUSES: [&str; 10] = ["200", "400", "401", "403", "404", "429", "500", "502", "503", "504"];

/// Both sides.
#[derive(Debug)]
pub(super) struct Edges {
    incomplete: IntCounterVec,
    graph_requests: IntCounterVec,
    graph_seconds: HistogramVec,
    graph_throttled: IntCounter,
    ldap_operations: IntCounterVec,
    ldap_seconds: HistogramVec,
    ldap_up: IntGauge,
}

impl Edges {
    pub(super) fn new(make: &Maker<'_>) -> Self {
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
        for side in Side::READ {
            edges.incomplete.with_label_values(&[side.word()]);
        }
        for endpoint in Endpoint::ALL.map(Endpoint::word) {
            for code in STATUSES.into_iter().chain(RequestOutcome::FAILURES) {
                edges.graph_requests.with_label_values(&[endpoint, code]);
            }
            edges.graph_seconds.with_label_values(&[endpoint]);
        }
        for operation in LdapRequest::OPERATIONS {
            for result in LdapRequest::RESULTS {
                edges.ldap_operations.with_label_values(&[operation, result]);
            }
            edges.ldap_seconds.with_label_values(&[operation]);
        }
        edges
    }

    /// A pass has looked; `whole` unless a read that it depends on was not. What was not is the
    /// domain's where the domain did not show something of a group, and the tenant's where the
    /// tenant did not, or where nothing else explains it.
    pub(super) fn looked(&self, whole: bool, sight: &Sight<'_>) {
        self.ldap_up.set(1);
        if whole {
            return;
        }
        let of_domain = sight.directory.hides_any();
        let of_tenant = !of_domain || sight.members.of.values().any(Result::is_err);
        for (side, is_it) in [(Side::Domain, of_domain), (Side::Tenant, of_tenant)] {
            self.incomplete.with_label_values(&[side.word()]).inc_by(u64::from(is_it));
        }
    }

    /// A pass could not look. One that cannot be written down says nothing of what it reads.
    pub(super) fn failed(&self, side: Side) {
        if Side::READ.contains(&side) {
            self.incomplete.with_label_values(&[side.word()]).inc();
        }
        if side == Side::Domain {
            self.ldap_up.set(0);
        }
    }

    pub(super) fn tenant_answered(&self, endpoint: &str, code: &str, seconds: f64, slower: bool) {
        self.graph_requests.with_label_values(&[endpoint, code]).inc();
        self.graph_seconds.with_label_values(&[endpoint]).observe(seconds);
        self.graph_throttled.inc_by(u64::from(slower));
    }

    pub(super) fn domain_answered(&self, operation: &str, result: &str, seconds: f64) {
        self.ldap_operations.with_label_values(&[operation, result]).inc();
        self.ldap_seconds.with_label_values(&[operation]).observe(seconds);
    }
}
