//! One round: observe, decide, guard; then, for those who may, apply and conclude.
//!
//! A preview is a pass that stops before `act`; nothing below knows which of the two it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::controller::questions::Questions;
use crate::controller::{connect_directory, now, open_tenant};
use crate::decide::conclude::{self, ChangeResult};
use crate::decide::conditions::{self, Conditions};
use crate::decide::guard::{Guarded, guard_only};
use crate::decide::{Decision, Inputs, claim, decide, holdings, members, upward};
use crate::directory::{Directory, DirectoryError};
use crate::graph::{GraphError, Tenant};
use crate::journal::JournalError;
use crate::model::cloud::Unread;
use crate::model::condition::Reason;
use crate::model::policy::PolicySet;
use crate::model::{
    CloudListing, CloudMember, CloudMembers, Complete, Digest, DirectorySnapshot, Memory, ObjectId,
    PolicyName,
};
use crate::policy::{LoadReport, PolicyStore};
use crate::report::Report;
use crate::report::events::{Event, PassEnd, PassResult, Side};
use crate::report::progress::{Progress, Watcher};
use crate::retry::Fault;
use crate::settings::{Settings, read_secret};

/// What runs passes: the open edges, the policies in force, and memory.
pub struct Engine {
    pub(super) settings: Settings,
    tenant: Tenant,
    /// Connected by the first pass that reaches the domain controller.
    pub(super) directory: Option<Directory>,
    store: PolicyStore,
    /// Why the policy folder told nothing when it was last read: a folder that comes back as it
    /// was is news, one that is still gone is none.
    folder_lost: Option<String>,
    memory: Memory,
    pub(super) report: Arc<Report>,
    pub(super) watcher: Watcher,
    conditions: Conditions,
    number: u64,
    /// When refused members were last forgotten.
    resynced: Timestamp,
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
}

/// A side that could not be read: the pass ends.
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
    /// Why it ended early.
    pub journal: Option<JournalError>,
    /// It ended early because somebody asked.
    pub stopped: bool,
}

impl Engine {
    /// Makes ready; sends nothing yet.
    pub fn open(settings: Settings, report: Arc<Report>, watcher: Watcher) -> Result<Self, Blind> {
        let tenant = open_tenant(&settings, &report)
            .map_err(|error| Blind { side: Side::Tenant, fault: error.fault() })?;
        let store = PolicyStore::new(settings.directory.containers.clone());
        Ok(Self {
            settings,
            tenant,
            directory: None,
            store,
            folder_lost: None,
            memory: Memory::default(),
            report,
            watcher,
            conditions: BTreeMap::new(),
            number: 0,
            resynced: now(),
        })
    }

    /// Reads the policy folder and tells when something changed.
    pub fn load_policies(&mut self) -> LoadReport {
        let load = self.store.load(&self.settings.policies);
        let mistakes: Vec<String> = load.mistakes.iter().map(ToString::to_string).collect();
        let lost = load.folder_error.as_ref().map(ToString::to_string);
        if load.changed || lost != self.folder_lost {
            self.folder_lost = lost;
            self.report.emit(&Event::PoliciesLoaded {
                generation: load.generation.filter(|_| load.folder_error.is_none()),
                policies: self.store.in_force(),
                mistakes: &mistakes,
            });
        }
        load
    }

    /// The policies in force.
    pub fn policies(&self) -> &PolicySet {
        self.store.in_force()
    }

    /// Looks at both worlds and decides. With `only`, the plan is that of one policy.
    pub async fn look(&mut self, only: Option<&PolicyName>) -> Result<Look, Blind> {
        self.look_at(only, now()).await
    }

    /// The same, as a pass that begins at the time `begun`.
    pub async fn look_at(
        &mut self,
        only: Option<&PolicyName>,
        begun: Timestamp,
    ) -> Result<Look, Blind> {
        self.number += 1;
        self.report.emit(&Event::PassBegun { number: self.number, at: begun });
        self.forget_refusals(begun);
        let policies = self.store.in_force().clone();
        let questions = Questions::of(&policies);
        let (directory, cloud) = self.read_both(&questions, begun).await?;
        let mut inputs = Inputs {
            owner: &self.settings.owner,
            containers: &self.settings.directory.containers,
            policies: &policies,
            cloud: &cloud,
            presence: &BTreeMap::new(),
            directory: &directory,
            memory: &self.memory,
            confirm_after: signed(self.settings.schedule.confirm_after),
        };
        let mut presence = BTreeMap::new();
        for id in claim::absent_ids(&inputs, &holdings::holdings(&inputs)) {
            presence.insert(id, self.tenant.presence(id).await);
        }
        inputs.presence = &presence;
        let members = self.read_members(&inputs, begun).await;
        let mut decision = decide(&inputs, &members);
        let guarded = guard_only(&decision.plan, &decision.inventory, only);
        if let Some(only) = only {
            keep_only(&mut decision, only);
        }
        self.report.emit(&Event::Planned {
            policies: &policies,
            decision: &decision,
            guarded: &guarded,
        });
        Ok(Look { begun, policies, decision, guarded })
    }

    /// Reads the domain, and beside it the listings of the tenant.
    async fn read_both(
        &mut self,
        questions: &Questions,
        begun: Timestamp,
    ) -> Result<(DirectorySnapshot, CloudListing), Blind> {
        let watcher = Arc::clone(&self.watcher);
        let read = move |count: usize| watcher(Progress::Directory(count));
        let known = self.memory.inventory.values().chain(self.memory.deleted.values());
        let remembered: BTreeSet<_> = known.copied().collect();
        let domain = match self.directory.take() {
            Some(domain) => domain,
            None => connect_directory(&self.settings, &self.report)
                .await
                .map_err(|error| domain_blind(&error))?,
        };
        let domain = self.directory.insert(domain);
        let (directory, cloud) = tokio::join!(
            domain.observe(begun, &remembered, &questions.extras, &read),
            list_tenant(&self.tenant, questions, begun),
        );
        let directory = directory.map_err(|error| domain_blind(&error))?;
        let cloud = cloud.map_err(|error| Blind { side: Side::Tenant, fault: error.fault() })?;
        Ok((directory, cloud))
    }

    /// Reads the members of every group that is written, of those nested in groups that are
    /// flattened, and of those that tell whether a nesting shows in the tenant.
    async fn read_members(&self, inputs: &Inputs<'_>, begun: Timestamp) -> CloudMembers {
        let holdings = holdings::holdings(inputs);
        let needed = claim::claims(inputs, &holdings).members_needed();
        let flat = members::flatten_roots(inputs.policies, &needed);
        let mut asked: BTreeSet<_> = needed.into_keys().collect();
        asked.extend(upward::questions(inputs, &holdings));
        let mut of = BTreeMap::new();
        // Each round goes one level down and asks nothing twice: it ends with the tenant's groups.
        while !asked.is_empty() {
            of.extend(self.read_members_of(&asked, inputs.cloud, begun).await);
            asked = members::flatten_needs(&of, &flat);
        }
        let links = self.tenant.links(&of).await;
        CloudMembers { of, links }
    }

    async fn read_members_of(
        &self,
        asked: &BTreeSet<ObjectId>,
        cloud: &CloudListing,
        begun: Timestamp,
    ) -> BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>> {
        let groups = cloud.groups.value();
        let is_hidden = |id: &ObjectId| groups.get(id).is_some_and(|g| g.hidden_membership);
        let hidden = asked.iter().copied().filter(is_hidden).collect();
        let watcher = Arc::clone(&self.watcher);
        let progress = move |done, total| watcher(Progress::Members(done, total));
        self.tenant.members(asked, &hidden, begun, &progress).await
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
        let Look { begun, policies, decision, guarded } = look;
        self.conditions = conditions::after_pass(
            &policies,
            &decision,
            &guarded.held,
            &acted.results,
            &self.conditions,
            at,
        );
        let done = acted.results.iter().filter(|result| result.outcome.achieved()).count();
        let end = PassEnd {
            number: self.number,
            at,
            seconds: at.duration_since(begun).as_secs_f64(),
            result: result_of(&decision, &guarded, acted),
            changes_done: done,
            changes_failed: acted.results.len() - done,
            held_changes: guarded.held.changes.len(),
            conditions: self.conditions.clone(),
        };
        conclude::remember(&mut self.memory, decision, &guarded.held, &acted.results, begun);
        self.report.emit(&Event::PassEnded(end.clone()));
        end
    }

    /// A digest of all secret files, to see that somebody renewed one.
    pub fn secrets(&self) -> Digest {
        let contents = self.settings.secret_files().into_iter().map(|file| {
            // A file that cannot be read is a state of its own, and so is its return.
            read_secret(file).map_or(Digest::of(b""), |s| Digest::of(s.expose_secret().as_bytes()))
        });
        let contents: Vec<String> = contents.map(|digest| digest.to_string()).collect();
        Digest::of(contents.concat().as_bytes())
    }

    /// Ends a pass that could not look.
    pub fn give_up(&mut self, blind: &Blind, begun: Timestamp) -> PassEnd {
        let at = now();
        self.report.emit(&Event::FaultMet { side: blind.side, fault: &blind.fault });
        let reason = match blind.side {
            Side::Tenant => Reason::TenantUnavailable,
            Side::Domain => Reason::DomainUnavailable,
            Side::Policies => Reason::PoliciesUnavailable,
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
            conditions: self.conditions.clone(),
        };
        self.report.emit(&Event::PassEnded(end.clone()));
        end
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

fn domain_blind(error: &DirectoryError) -> Blind {
    Blind { side: Side::Domain, fault: error.fault() }
}

/// Leaves the changes and remarks of one policy. Memory learns from all of them all the same.
fn keep_only(decision: &mut Decision, only: &PolicyName) {
    let plan = &mut decision.plan;
    // What the others mean is not done: it is no intent yet.
    for change in plan.changes.iter().filter(|change| change.policy != *only) {
        decision.lessons.intents.remove(&change.group);
    }
    for list in [&mut plan.changes, &mut plan.observed, &mut plan.gone, &mut plan.unconfirmed] {
        list.retain(|change| change.policy == *only);
    }
    decision.findings.retain(|finding| finding.policy.as_ref().is_none_or(|name| name == only));
    decision.stalled.retain(|name, _| name == only);
}

/// The listings of the tenant, with what the policies ask besides.
async fn list_tenant(
    tenant: &Tenant,
    questions: &Questions,
    begun: Timestamp,
) -> Result<CloudListing, GraphError> {
    let mut listing = tenant.listing(questions.flags, begun).await?;
    if questions.new_groups {
        listing.new_groups = tenant.new_groups(begun).await;
    }
    listing.controls = tenant.controls(&questions.controls, listing.groups.value(), begun).await;
    Ok(listing)
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
