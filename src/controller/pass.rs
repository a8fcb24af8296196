//! One round: observe, decide, guard; then, for those who may, apply and conclude.
//!
//! `look` is its first half, `controller::act` the second; `requests` are approvals that wait for a
//! look. A preview is a pass that stops before `act`; nothing below knows which of the two it is
//! in.

mod look;
mod requests;

pub use look::Sighting;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::controller::credentials::Credentials;
use crate::controller::{now, open_tenant};
use crate::decide::Decision;
use crate::decide::conclude::{self, ChangeResult, Course};
use crate::decide::conditions::{self, Conditions};
use crate::decide::guard::Guarded;
use crate::directory::Directory;
use crate::graph::Tenant;
use crate::journal::{JournalError, JournalHead};
use crate::model::condition::Reason;
use crate::model::policy::{Adoption, PolicySet};
use crate::model::{
    Approval, ApprovalRequest, Digest, Memory, ObjectGuid, Pause, Pauses, PolicyName, Spending,
};
use crate::policy::{LoadReport, PolicyStore};
use crate::report::Report;
use crate::report::events::{Event, PassEnd, PassResult, Side, Via};
use crate::report::progress::Watcher;
use crate::report::text::safe;
use crate::retry::Fault;
use crate::settings::Settings;

/// What runs passes: the open edges, the policies in force, and memory.
pub struct Engine {
    pub(super) settings: Settings,
    tenant: Tenant,
    credentials: Credentials,
    /// Nothing is written by it: its account needs no right to.
    only_reads: bool,
    /// Connected by the first pass that reaches the domain controller.
    pub(super) directory: Option<Directory>,
    store: PolicyStore,
    /// Why the policy folder told nothing when it was last read: a folder that comes back as it
    /// was is news, one that is still gone is none.
    folder_lost: Option<String>,
    /// The Git revision of the folder when it was last read.
    revision: Option<String>,
    memory: Memory,
    /// Whether it was given any.
    remembers: bool,
    pub(super) report: Arc<Report>,
    pub(super) watcher: Watcher,
    conditions: Conditions,
    number: u64,
    /// When refused members were last forgotten.
    resynced: Timestamp,
    /// Approvals that people asked for and that no look has taken up yet.
    requests: Vec<ApprovalRequest>,
    /// Adoptions that the command line adds to those of the policies.
    adoptions: Vec<(PolicyName, Adoption)>,
}

/// What a pass saw and decided, before anything is written.
#[derive(Debug)]
pub struct Look {
    /// When it began.
    pub begun: Timestamp,
    /// The policies it was decided under.
    pub policies: PolicySet,
    /// What was decided.
    pub decision: Decision,
    /// What the guard says.
    pub guarded: Guarded,
    /// Approvals that this look took up.
    pub granted: BTreeMap<Digest, Approval>,
    /// File and line of the documents that some of them come from.
    pub places: BTreeMap<Digest, String>,
    /// The requests among them that waited for a look. What a policy file approves, and what was
    /// asked for with this look alone, is not among them.
    pub taken: Vec<ApprovalRequest>,
    /// The changes of one policy alone are made.
    pub partial: bool,
    /// How the others stand then; empty where the changes of all are made.
    pub others: Conditions,
    /// Whether memory stood behind it: without, the guards over time could not be computed.
    pub remembers: bool,
    /// A person asks for it, not a policy.
    pub errand: bool,
    /// Why removals wait from this look on, where nothing is remembered at all: a whole sentence.
    pub forgotten: Option<String>,
}

/// A side that could not be read, or a state that could not be kept: the pass ends.
#[derive(Debug)]
pub struct Blind {
    /// Which side.
    pub side: Side,
    /// What happened.
    pub fault: Fault,
}

/// What writing led to.
#[derive(Debug, Default)]
pub struct Acted {
    /// One result for each change that was tried.
    pub results: Vec<ChangeResult>,
    /// What was taken away.
    pub spent: Vec<Spending>,
    /// Values of `member` that were added, by group and member.
    pub added: Vec<(ObjectGuid, ObjectGuid)>,
    /// Where the journal ends after it, where it wrote any line.
    pub head: Option<JournalHead>,
    /// Why it ended early.
    pub journal: Option<JournalError>,
    /// It ended early because somebody asked.
    pub stopped: bool,
    /// It ended early because the domain controller was lost.
    pub lost: bool,
    /// How many changes were not begun then: they wait.
    pub waiting: usize,
}

impl Engine {
    /// Makes ready, with what earlier passes remember; sends nothing yet. Without memory the guards
    /// that need it are not computed.
    pub fn open(
        settings: Settings,
        report: Arc<Report>,
        watcher: Watcher,
        memory: Option<Memory>,
    ) -> Result<Self, Blind> {
        let tenant = open_tenant(&settings, &report, &watcher)
            .map_err(|error| Blind { side: Side::Tenant, fault: error.fault() })?;
        let store = PolicyStore::new(settings.directory.containers.clone());
        if let Some(memory) = &memory {
            report.emit(&Event::Paused(&memory.pauses));
        }
        Ok(Self {
            settings,
            tenant,
            credentials: Credentials::default(),
            only_reads: false,
            directory: None,
            store,
            folder_lost: None,
            revision: None,
            remembers: memory.is_some(),
            memory: memory.unwrap_or_default(),
            report,
            watcher,
            conditions: BTreeMap::new(),
            number: 0,
            resynced: now(),
            requests: Vec::new(),
            adoptions: Vec::new(),
        })
    }

    /// The same for whoever writes nothing: an account that can only read is enough.
    #[must_use]
    pub fn only_reading(self) -> Self {
        Self { only_reads: true, ..self }
    }

    /// What the account of the directory lacks for writing, as a sentence; `None` where it lacks
    /// nothing, and before the first pass.
    pub async fn lacks(&self) -> Option<String> {
        let refused = self.directory.as_ref()?.check_rights().await.err()?;
        Some(safe(&refused.fault().message))
    }

    /// Reads the policy folder and tells when something changed.
    pub fn load_policies(&mut self) -> LoadReport {
        self.load_policies_by(Via::Pass)
    }

    /// The same, on the word of `via`. A folder that is lost, or is there again, has changed too.
    pub fn load_policies_by(&mut self, via: Via) -> LoadReport {
        let mut load = self.store.load(&self.settings.policies);
        // A folder that is lost has no revision; the last one that was read is still told.
        let moved = load.folder_error.is_none() && load.revision != self.revision;
        if moved {
            self.revision.clone_from(&load.revision);
        }
        let mistakes: Vec<String> = load.mistakes.iter().map(ToString::to_string).collect();
        let lost = load.folder_error.as_ref().map(ToString::to_string);
        load.changed |= lost != self.folder_lost;
        self.report.emit(&Event::Reloaded { via, changed: load.changed });
        if load.changed || moved {
            self.folder_lost = lost;
            self.report.emit(&Event::PoliciesLoaded {
                generation: load.generation.filter(|_| load.folder_error.is_none()),
                policies: self.store.in_force(),
                mistakes: &mistakes,
                revision: self.revision.as_deref(),
                committed: &self.memory.committed,
                at: now(),
            });
        }
        load
    }

    /// Who is told.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// What passes remember.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Changes what passes remember: for whoever undoes a change set.
    pub fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Adds an adoption to those of a policy.
    pub fn adopt(&mut self, policy: PolicyName, adoption: Adoption) {
        self.adoptions.push((policy, adoption));
    }

    /// The Git revision of the folder when it was last read.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The conditions of the policies after the last pass.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The naming context of the domain, once it was reached.
    pub fn domain(&self) -> Option<String> {
        self.directory.as_ref().map(|directory| directory.facts().naming_context.to_string())
    }

    /// The policies in force, with what the command line adds to them.
    fn policies_now(&self) -> PolicySet {
        let mut policies = self.store.in_force().clone();
        for standing in &mut policies.policies {
            standing.policy.suspend |= self.memory.pauses.cover(&standing.policy.name);
            let own = self.adoptions.iter().filter(|(name, _)| *name == standing.policy.name);
            standing.policy.adoption.extend(own.map(|(_, adoption)| adoption.clone()));
        }
        policies
    }

    /// The policies in force.
    pub fn policies(&self) -> &PolicySet {
        self.store.in_force()
    }

    /// Refused members are tried again once every resync.
    fn forget_refusals(&mut self, at: Timestamp) {
        if at.duration_since(self.resynced) >= signed(self.settings.schedule.resync) {
            self.memory.refused_members.clear();
            self.memory.unrestorable.clear();
            self.resynced = at;
        }
    }

    /// Ends a pass that looked, and perhaps acted: memory, conditions, and how it went.
    pub fn conclude(&mut self, look: Look, acted: &Acted) -> PassEnd {
        let at = now();
        let Look { begun, policies, decision, guarded, partial, others, errand, .. } = look;
        if !errand {
            self.conditions = conditions::after_pass(
                &policies,
                &decision,
                &guarded.held,
                &acted.results,
                &self.conditions,
                at,
            );
            // What is left of the plan has nothing to say of them.
            self.conditions.extend(others);
            say_who_paused(&mut self.conditions, &self.memory.pauses, self.store.in_force());
        }
        let done = acted.results.iter().filter(|result| result.outcome.achieved()).count();
        let end = PassEnd {
            number: self.number,
            at,
            seconds: at.duration_since(begun).as_secs_f64(),
            result: result_of(&decision, &guarded, acted),
            changes_done: done,
            changes_failed: acted.results.len() - done,
            held_changes: guarded.held.changes.len(),
            journal: acted.head.map(|head| head.to_string()),
            conditions: self.conditions.clone(),
        };
        let course = Course {
            begun,
            held: &guarded.held,
            results: &acted.results,
            spent: &acted.spent,
            added: &acted.added,
            partial,
            cut: acted.stopped || acted.lost || acted.journal.is_some(),
        };
        if errand {
            conclude::remember_errand(&mut self.memory, &decision, &course);
        } else {
            conclude::remember(&mut self.memory, decision, &course);
        }
        self.report.emit(&Event::PassEnded(end.clone()));
        end
    }

    /// A digest of all secret files, to see that somebody renewed one. Tells what is new of them.
    pub fn secrets(&self) -> Digest {
        self.credentials.look(&self.settings, &self.report)
    }

    /// Ends a pass that could not look, or whose end could not be written down.
    pub fn give_up(&mut self, blind: &Blind, begun: Timestamp) -> PassEnd {
        let at = now();
        self.report.emit(&Event::FaultMet { side: blind.side, fault: &blind.fault });
        let reason = match blind.side {
            Side::Tenant => Reason::TenantUnavailable,
            Side::Domain => Reason::DomainUnavailable,
            Side::Policies => Reason::PoliciesUnavailable,
            Side::State => Reason::StateUnavailable,
        };
        let (policies, message) = (self.store.in_force(), &blind.fault.message);
        self.conditions =
            conditions::after_blind_pass(policies, reason, message, &self.conditions, at);
        let end = PassEnd {
            number: self.number,
            at,
            seconds: at.duration_since(begun).as_secs_f64(),
            result: PassResult::Failed,
            changes_done: 0,
            changes_failed: 0,
            held_changes: 0,
            journal: None,
            conditions: self.conditions.clone(),
        };
        self.report.emit(&Event::PassEnded(end.clone()));
        end
    }
}

/// Tells a policy that a person paused from one that says itself that it is suspended.
fn say_who_paused(conditions: &mut Conditions, pauses: &Pauses, policies: &PolicySet) {
    let written: Vec<_> = policies.policies.iter().map(|standing| &standing.policy).collect();
    for (name, conditions) in conditions {
        let Some(Pause { by, at }) = pauses.of(name) else { continue };
        let of_one = if pauses.policies.contains_key(name) {
            format!(" --policy {name}")
        } else {
            String::new()
        };
        let suspends = written.iter().any(|policy| policy.name == *name && policy.suspend);
        let too = if suspends { "; its file suspends it, too" } else { "" };
        let suspended = conditions.iter_mut().filter(|told| told.reason == Reason::Suspended);
        for told in suspended {
            told.message = format!(
                "paused by {by} since {at} and writes nothing; `writeback resume{of_one}` ends \
                 it{too}"
            );
        }
    }
}

fn result_of(decision: &Decision, guarded: &Guarded, acted: &Acted) -> PassResult {
    let failed = acted.results.iter().any(|result| !result.outcome.achieved());
    if acted.journal.is_some() {
        PassResult::Failed
    } else if failed || acted.stopped {
        PassResult::ChangesFailed
    } else if decision.incomplete {
        PassResult::Incomplete
    } else if !guarded.held.holds.is_empty() {
        PassResult::Held
    } else if acted.results.is_empty() {
        PassResult::InStep
    } else {
        PassResult::Applied
    }
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
