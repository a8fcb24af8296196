//! What people gave: policies, their Git revision, credentials, pauses, approvals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::model::policy::PolicySet;
use crate::model::{Approval, Digest, Pauses};
use crate::report::events::Via;
use crate::report::metrics::make::{Changing, Maker};
use crate::report::metrics::{count, moment};

/// The label of a folder that stands in no Git work tree.
const NO_REVISION: &str = "none";
/// Values of the label `scope`.
const SCOPES: [&str; 2] = ["all", "policies"];

/// The policy folder and what stands beside it.
#[derive(Debug)]
pub(super) struct Folder {
    load_success: IntGauge,
    load_errors: IntCounter,
    last_load: Gauge,
    objects: IntGauge,
    revisions: Changing,
    triggers: IntCounterVec,
    missed: IntCounter,
    expiry: GaugeVec,
    paused: IntGaugeVec,
    overrides: IntGauge,
}

impl Folder {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let folder = Self {
            load_success: make.gauge(
                "policy_load_success",
                "Whether every policy file of the last load is valid.",
            ),
            load_errors: make
                .counter("policy_load_errors_total", "Mistakes found in policy files."),
            last_load: make.moment(
                "policy_last_load_timestamp_seconds",
                "When the policies were last read anew.",
            ),
            objects: make.gauge("policy_objects", "Policies in force."),
            revisions: make.changing(
                "policy_info",
                "The Git revisions at which the policies in force were read: one series for each.",
                &["revision"],
            ),
            triggers: make.counters(
                "reload_trigger_total",
                "Looks at the policy folder, by what made the daemon look.",
                &["via"],
            ),
            missed: make.counter(
                "reload_missed_total",
                "Changes of the policy folder that no file event told and the poll found.",
            ),
            expiry: make.moments(
                "credential_expiry_timestamp_seconds",
                "When a credential ends; 0 where it does not say.",
                "credential",
            ),
            paused: make.gauges(
                "paused",
                "Whether a person paused everything; how many policies a person paused.",
                "scope",
            ),
            overrides: make
                .gauge("overrides_active", "Approvals that still let something through."),
        };
        for via in Via::ALL {
            folder.triggers.with_label_values(&[via.word()]);
        }
        for scope in SCOPES {
            folder.paused.with_label_values(&[scope]);
        }
        folder
    }

    pub(super) fn loaded(&self, policies: &PolicySet, mistakes: usize, at: Timestamp) {
        self.load_success.set(i64::from(mistakes == 0));
        self.load_errors.inc_by(u64::try_from(mistakes).unwrap_or(u64::MAX));
        self.last_load.set(moment(at));
        self.objects.set(count(policies.policies.len()));
        let revisions = policies.policies.iter().map(|standing| {
            let revision = standing.revision.as_deref().unwrap_or(NO_REVISION);
            (vec![revision.to_owned()], 1.0)
        });
        self.revisions.become_all(revisions.collect());
    }

    pub(super) fn looked(&self, via: Via, changed: bool) {
        self.triggers.with_label_values(&[via.word()]).inc();
        self.missed.inc_by(u64::from(changed && via == Via::Poll));
    }

    pub(super) fn credential(&self, credential: &str, expires: Option<Timestamp>) {
        self.expiry.with_label_values(&[credential]).set(expires.map_or(0.0, moment));
    }

    pub(super) fn paused(&self, pauses: &Pauses) {
        let [all, policies] = SCOPES;
        self.paused.with_label_values(&[all]).set(i64::from(pauses.all.is_some()));
        self.paused.with_label_values(&[policies]).set(count(pauses.policies.len()));
    }

    pub(super) fn approvals(&self, approvals: &BTreeMap<Digest, Approval>, now: Timestamp) {
        let lasting = approvals.values().filter(|approval| approval.not_after > now);
        self.overrides.set(count(lasting.count()));
    }
}

/// The policies in force, as label values.
pub(super) fn names(policies: &PolicySet) -> BTreeSet<Vec<String>> {
    let names = policies.policies.iter().map(|standing| standing.policy.name.as_str().to_owned());
    names.map(|name| vec![name]).collect()
}
