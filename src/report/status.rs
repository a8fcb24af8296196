//! The status of the daemon: what is in step, held, failed, and why. A value behind a lock,
//! brought up to date by events and served as JSON.

mod passes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::Serialize;

use crate::decide::guard::Hold;
use crate::decide::guard::approve::Used;
use crate::decide::upward::Parents;
use crate::model::condition::Condition;
use crate::model::policy::{self, Mode, PolicySet};
use crate::model::{Digest, Finding, Inventory, Item, Memory, ObjectId, Pauses, PolicyName};
use crate::report::Report;
use crate::report::events::{Event, Side};
use crate::retry::Fault;
use passes::{PassStatus, Passes};

/// Findings shown in one status; the count of all is beside them. A line has some 300 bytes, so
/// that the answer stays under 1 MiB.
pub const FINDINGS_SHOWN_MAX: usize = 1_000;

/// What `/api/v1/status` answers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    api_version: &'static str,
    kind: &'static str,
    /// The version of the program.
    version: &'static str,
    /// The owner name.
    owner: String,
    /// The configuration file.
    configuration: String,
    started_at: Timestamp,
    policies: BTreeMap<PolicyName, PolicyStatus>,
    folder: FolderStatus,
    pauses: Pauses,
    last_pass: Option<PassStatus>,
    /// The newest first.
    last_passes: Passes,
    last_success_at: Option<Timestamp>,
    consecutive_failures: u64,
    next_pass_at: Option<Timestamp>,
    fault: Option<FaultStatus>,
    plan: PlanStatus,
    memory: Standing,
    /// A daemon runs: false in what is left after it.
    running: bool,
    stopping: bool,
}

/// What memory stands on after a pass, as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Finished passes behind it.
    passes: u64,
    /// Until when every removal waits, because nobody knows what was removed lately.
    closed_until: Option<Timestamp>,
    /// What is held, by the digests that a person may approve.
    held_sets: Vec<HeldSet>,
    /// Approvals that still let something through.
    approvals: Vec<ApprovalStatus>,
    /// The last line of the journal: its number and its hash.
    journal_head: Option<String>,
    /// Why it could not be put on disk; null where it is.
    fault: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldSet {
    digest: Digest,
    /// Since when the oldest of it is held.
    since: Option<Timestamp>,
    /// Until when an approval of it is refused, because an equal set was let through.
    refused_until: Option<Timestamp>,
    kinds: BTreeMap<&'static str, usize>,
}

/// An approval, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalStatus {
    /// What was approved.
    pub digest: Digest,
    /// By whom.
    pub approved_by: String,
    /// When it was taken.
    pub at: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// What it still lets through.
    pub kinds: BTreeMap<&'static str, usize>,
}

impl ApprovalStatus {
    /// The approvals in force at a time, by digest.
    pub fn in_force(memory: &Memory) -> Vec<Self> {
        let approvals = memory.approvals.iter().map(|(digest, approval)| Self {
            digest: *digest,
            approved_by: approval.approved_by.clone(),
            at: approval.at,
            not_after: approval.not_after,
            kinds: kinds(&approval.items),
        });
        approvals.collect()
    }
}

impl Standing {
    /// What `memory` stands on at a time, with the head of the journal.
    pub fn of(memory: &Memory, journal_head: Option<String>, now: Timestamp) -> Self {
        let refused = |set: &Digest| Used::find(memory, |digest| digest == set, now);
        let held_sets = memory.held.iter().map(|(digest, items)| HeldSet {
            digest: *digest,
            since: items.iter().filter_map(|item| memory.held_since.get(item)).min().copied(),
            refused_until: refused(digest).map(|used| used.until),
            kinds: kinds(items),
        });
        Self {
            passes: memory.passes,
            closed_until: memory.closed_until,
            held_sets: held_sets.collect(),
            approvals: ApprovalStatus::in_force(memory),
            journal_head,
            fault: None,
        }
    }
}

/// How much of each kind a set holds.
fn kinds(items: &BTreeSet<Item>) -> BTreeMap<&'static str, usize> {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for item in items {
        *kinds.entry(item.kind.word()).or_default() += 1;
    }
    kinds
}

impl Report {
    /// Tells what memory stands on. Why it could not be saved is true until it was.
    pub fn stand(&self, standing: Standing) {
        let memory = &mut self.status.lock().unwrap_or_else(PoisonError::into_inner).memory;
        *memory = Standing { fault: memory.fault.take(), ..standing };
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyStatus {
    file: String,
    mode: Mode,
    suspend: bool,
    generation: Digest,
    /// The Git revision of the version in force.
    revision: Option<String>,
    groups: usize,
    memberships: usize,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FolderStatus {
    generation: Option<Digest>,
    /// The Git revision that was last read.
    revision: Option<String>,
    /// When something new was last read.
    loaded_at: Option<Timestamp>,
    mistakes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultStatus {
    side: Side,
    reason: &'static str,
    message: String,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanStatus {
    digest: Option<Digest>,
    waiting: BTreeMap<&'static str, usize>,
    held: Vec<Hold>,
    held_changes: usize,
    held_digest: Option<Digest>,
    unknown: BTreeMap<ObjectId, String>,
    findings_total: usize,
    findings: Vec<Finding>,
    /// Groups of the directory that hold written-back groups, by cloud group.
    parents: Parents,
}

impl Status {
    /// The status of a daemon that has just started.
    pub fn new(owner: &str, configuration: &str, started_at: Timestamp) -> Self {
        Self {
            api_version: "writeback/v1alpha1",
            kind: "Status",
            version: env!("CARGO_PKG_VERSION"),
            owner: owner.to_owned(),
            configuration: configuration.to_owned(),
            started_at,
            policies: BTreeMap::new(),
            folder: FolderStatus::default(),
            pauses: Pauses::default(),
            last_pass: None,
            last_passes: Passes::default(),
            last_success_at: None,
            consecutive_failures: 0,
            next_pass_at: None,
            fault: None,
            plan: PlanStatus::default(),
            memory: Standing::default(),
            running: true,
            stopping: false,
        }
    }

    /// Whether the daemon could act: every policy file is valid and nobody asked it to stop.
    pub fn is_ready(&self) -> bool {
        self.folder.mistakes.is_empty() && self.folder.generation.is_some() && !self.stopping
    }

    /// The whole of it in one line, for whoever started the daemon.
    pub fn headline(&self) -> String {
        let mut parts = Vec::new();
        match &self.last_pass {
            None => parts.push("no pass has ended yet".to_owned()),
            Some(pass) => parts.push(pass.sentence()),
        }
        if let Some(fault) = &self.fault {
            parts.push(format!("{}: {}", fault.side.word(), fault.message));
        }
        if let Some(fault) = &self.memory.fault {
            parts.push(format!("nothing is written: failed to {fault}"));
        }
        match self.folder.mistakes.len() {
            0 => {}
            count => parts.push(format!("{count} mistakes in the policies")),
        }
        if self.pauses.all.is_some() {
            parts.push("everything is paused".to_owned());
        } else if !self.pauses.is_empty() {
            parts.push(format!("{} policies are paused", self.pauses.policies.len()));
        }
        if let Some(at) = self.next_pass_at {
            parts.push(format!("next pass at {at}"));
        }
        parts.join("; ")
    }

    /// The status as a state keeps it: where it can be read, it was saved.
    #[must_use]
    pub fn saved(mut self) -> Self {
        self.memory.fault = None;
        self
    }

    /// The policy files that are wrong, one line each.
    pub fn mistakes(&self) -> &[String] {
        &self.folder.mistakes
    }

    /// Takes up the passes of an earlier process.
    fn recall_passes(&mut self, passes: Passes) {
        self.last_passes = passes;
    }

    /// Takes what an event changes.
    pub fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { policies, decision, guarded, .. } => {
                let held = |name: &_| counts(decision.inventory.get(name));
                self.policies = self.of_policies(policies, held);
                let mut waiting: BTreeMap<&'static str, usize> = BTreeMap::new();
                for change in guarded.admitted.changes() {
                    *waiting.entry(change.effect.kind().word()).or_default() += 1;
                }
                self.plan = PlanStatus {
                    digest: Some(guarded.digest),
                    waiting,
                    held: guarded.held.holds.clone(),
                    held_changes: guarded.held.changes.len(),
                    held_digest: guarded.held.digest(),
                    unknown: decision.unknown.clone(),
                    findings_total: decision.findings.len(),
                    findings: decision.findings.iter().take(FINDINGS_SHOWN_MAX).cloned().collect(),
                    parents: decision.parents.clone(),
                };
                self.fault = None;
            }
            Event::PassEnded(pass) => {
                let ended = PassStatus::of(pass);
                self.last_pass = Some(ended.clone());
                self.last_passes.push(ended);
                if pass.result.is_success() {
                    self.last_success_at = Some(pass.at);
                    self.consecutive_failures = 0;
                } else {
                    self.consecutive_failures += 1;
                }
                for (name, conditions) in &pass.conditions {
                    if let Some(policy) = self.policies.get_mut(name) {
                        policy.conditions.clone_from(conditions);
                    }
                }
            }
            Event::PoliciesLoaded { generation, policies, mistakes, revision, committed, at } => {
                // A pass that cannot look plans nothing, and says why of each of them.
                let held = |name: &_| match self.policies.get(name) {
                    Some(before) => (before.groups, before.memberships),
                    None => counts(committed.get(name)),
                };
                self.policies = self.of_policies(policies, held);
                self.folder = FolderStatus {
                    generation: *generation,
                    revision: revision.map(str::to_owned),
                    loaded_at: Some(*at),
                    mistakes: mistakes.to_vec(),
                };
            }
            Event::Paused(pauses) => self.pauses.clone_from(pauses),
            Event::FaultMet { side, fault } => self.meet(*side, fault),
            Event::StateFailed { message } => self.memory.fault = Some(message.clone()),
            Event::StateSaved => self.memory.fault = None,
            Event::Next { at } => self.next_pass_at = Some(*at),
            Event::Stopping => self.stopping = true,
            Event::PassBegun { .. }
            | Event::ChangeMade(_)
            | Event::GraphAnswered { .. }
            | Event::DirectoryAnswered { .. }
            | Event::JournalAt { .. }
            | Event::Reloaded { .. }
            | Event::CredentialSeen { .. }
            | Event::JournalFailed { .. } => {}
        }
    }

    /// What `memory.fault` tells already, with what is not done meanwhile, is not told twice.
    fn meet(&mut self, side: Side, fault: &Fault) {
        if side != Side::State {
            let (reason, message) = (fault.reason, fault.message.clone());
            self.fault = Some(FaultStatus { side, reason, message });
        }
    }

    /// The policies in force, by name, each with how many groups and memberships it has; one that
    /// was there before keeps its conditions.
    fn of_policies(
        &self,
        policies: &PolicySet,
        held: impl Fn(&PolicyName) -> (usize, usize),
    ) -> BTreeMap<PolicyName, PolicyStatus> {
        let of = |standing: &policy::Standing| {
            let policy = &standing.policy;
            let (groups, memberships) = held(&policy.name);
            let before = self.policies.get(&policy.name);
            let status = PolicyStatus {
                file: policy.place.file.clone(),
                mode: policy.mode,
                suspend: policy.suspend || self.pauses.cover(&policy.name),
                generation: policy.generation,
                revision: standing.revision.clone(),
                groups,
                memberships,
                conditions: before.map(|before| before.conditions.clone()).unwrap_or_default(),
            };
            (policy.name.clone(), status)
        };
        policies.policies.iter().map(of).collect()
    }
}

/// Groups and memberships.
fn counts(held: Option<&Inventory>) -> (usize, usize) {
    held.map_or((0, 0), |held| (held.groups, held.memberships))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[test]
    fn why_a_state_cannot_be_kept_is_told_until_it_is_and_is_not_kept_with_it() {
        let report = Report::new(Status::new("corp", "writeback.yaml", Timestamp::UNIX_EPOCH));
        report.emit(&Event::StateFailed { message: "the disk is full".to_owned() });
        // It is tried again.
        report.stand(Standing::of(&Memory::default(), Some("7".to_owned()), Timestamp::UNIX_EPOCH));
        let told = report.status();
        assert_eq!(told.memory.fault.as_deref(), Some("the disk is full"));
        assert_eq!(told.memory.journal_head.as_deref(), Some("7"));
        assert_eq!(told.saved().memory.fault, None);
        report.emit(&Event::StateSaved);
        assert_eq!(report.status().memory.fault, None);
    }
}
