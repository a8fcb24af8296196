//! One round: observe, decide, guard; then, for those who may, apply and conclude.
//!
//! A preview is a pass that stops before `act`; nothing below knows which of the two it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use crate::controller::questions::Questions;
use crate::controller::{connect_directory, now, open_tenant};
use crate::decide::conclude::{self, ChangeResult, Course};
use crate::decide::conditions::{self, Conditions};
use crate::decide::guard::approve::granted;
use crate::decide::guard::{Answers, Guarded, Scale, guard};
use crate::decide::{Decision, Inputs, begin, claim, decide, holdings, members, upward};
use crate::defence::stands;
use crate::directory::{Directory, DirectoryError};
use crate::graph::{GraphError, Tenant};
use crate::journal::JournalError;
use crate::model::cloud::{Presence, Unread};
use crate::model::condition::Reason;
use crate::model::policy::{Adoption, PolicySet};
use crate::model::{
    Approval, ApprovalRequest, CloudListing, CloudMember, CloudMembers, Complete, Digest,
    DirectorySnapshot, FindingCode, Memory, ObjectGuid, ObjectId, PolicyName, Spending,
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
    /// The changes of one policy alone are made.
    pub partial: bool,
    /// Whether memory stood behind it: without, the guards over time could not be computed.
    pub remembers: bool,
}

/// What a pass saw, for whoever decides on it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    settings: &'a Settings,
    policies: &'a PolicySet,
    directory: &'a DirectorySnapshot,
    cloud: &'a CloudListing,
    presence: &'a BTreeMap<ObjectId, Presence>,
}

impl<'a> Seen<'a> {
    fn inputs<'i>(&self, memory: &'i Memory) -> Inputs<'i>
    where
        'a: 'i,
    {
        Inputs {
            owner: &self.settings.owner,
            containers: &self.settings.directory.containers,
            policies: self.policies,
            cloud: self.cloud,
            presence: self.presence,
            directory: self.directory,
            memory,
            confirm_after: signed(self.settings.schedule.confirm_after),
        }
    }
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
    /// What was taken away.
    pub spent: Vec<Spending>,
    /// Values of `member` that were added, by group and member.
    pub added: Vec<(ObjectGuid, ObjectGuid)>,
    /// Why it ended early.
    pub journal: Option<JournalError>,
    /// It ended early because somebody asked.
    pub stopped: bool,
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
        let tenant = open_tenant(&settings, &report)
            .map_err(|error| Blind { side: Side::Tenant, fault: error.fault() })?;
        let store = PolicyStore::new(settings.directory.containers.clone());
        Ok(Self {
            settings,
            tenant,
            directory: None,
            store,
            folder_lost: None,
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

    /// What passes remember.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Changes what passes remember: for whoever undoes a change set.
    pub fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Takes a person's word for a held set: the next look takes it up, or drops it.
    pub fn request(&mut self, request: ApprovalRequest) {
        self.requests.push(request);
    }

    /// Adds an adoption to those of a policy.
    pub fn adopt(&mut self, policy: PolicyName, adoption: Adoption) {
        self.adoptions.push((policy, adoption));
    }

    /// The naming context of the domain, once it was reached.
    pub fn domain(&self) -> Option<String> {
        self.directory.as_ref().map(|directory| directory.facts().naming_context.to_string())
    }

    /// The policies in force, with what the command line adds to them.
    fn policies_now(&self) -> PolicySet {
        let mut policies = self.store.in_force().clone();
        for standing in &mut policies.policies {
            let own = self.adoptions.iter().filter(|(name, _)| *name == standing.policy.name);
            standing.policy.adoption.extend(own.map(|(_, adoption)| adoption.clone()));
        }
        policies
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
        let policies = self.policies_now();
        let questions = Questions::of(&policies);
        let (directory, cloud) = self.read_both(&questions, begun).await?;
        let mut memory = std::mem::take(&mut self.memory);
        let looked = self.judge(&policies, (&directory, &cloud), &mut memory, only, begun).await;
        self.memory = memory;
        let (mut decision, guarded, granted) = looked;
        if let Some(only) = only {
            keep_only(&mut decision, only);
        }
        self.report.emit(&Event::Planned {
            policies: &policies,
            decision: &decision,
            guarded: &guarded,
        });
        let partial = only.is_some();
        let remembers = self.remembers;
        Ok(Look { begun, policies, decision, guarded, granted, partial, remembers })
    }

    /// Decides and guards; once more where a person let something through.
    async fn judge(
        &mut self,
        policies: &PolicySet,
        (directory, cloud): (&DirectorySnapshot, &CloudListing),
        memory: &mut Memory,
        only: Option<&PolicyName>,
        begun: Timestamp,
    ) -> (Decision, Guarded, BTreeMap<Digest, Approval>) {
        let settings = self.settings.clone();
        let nothing = BTreeMap::new();
        let seen = Seen { settings: &settings, policies, directory, cloud, presence: &nothing };
        if self.remembers {
            let owned = holdings::holdings(&seen.inputs(memory)).owned;
            let is_ours = |owned: &holdings::Owned<'_>| owned.adoption.is_none();
            let owned = owned.into_iter().filter(|(_, owned)| is_ours(owned));
            let owned: BTreeSet<ObjectId> = owned.map(|(id, _)| id).collect();
            begin::begin(&owned, memory, begun);
        }
        let mut presence = BTreeMap::new();
        let first = seen.inputs(memory);
        for id in claim::absent_ids(&first, &holdings::holdings(&first)) {
            presence.insert(id, self.tenant.presence(id).await);
        }
        let seen = Seen { presence: &presence, ..seen };
        let members = self.read_members(&seen.inputs(memory), begun).await;
        let mut decision = decide(&seen.inputs(memory), &members);
        let answers = self.ask(&decision).await;
        let weigh = |decision: &Decision, memory: &Memory| {
            let scale = Scale::of(policies, memory, decision, &answers, begun).only(only);
            guard(&decision.plan, &scale)
        };
        let mut guarded = weigh(&decision, memory);
        let mut requests = std::mem::take(&mut self.requests);
        requests.extend(policies.approvals.iter().cloned());
        let granted = granted(&requests, &guarded.held, memory, now());
        if !granted.is_empty() {
            memory.approvals.extend(granted.clone());
            decision = decide(&seen.inputs(memory), &members);
            guarded = weigh(&decision, memory);
        }
        self.explain_contests(&mut decision).await;
        (decision, guarded, granted)
    }

    /// Asks what the guard has to know of the values that would be taken out.
    async fn ask(&self, decision: &Decision) -> Answers {
        let asked = &decision.asked;
        let mut answers = Answers::default();
        let principals: BTreeSet<ObjectId> = asked.principals.values().copied().collect();
        if !principals.is_empty() && stands("H53") {
            let departed = self.tenant.departed(&principals).await;
            let left = asked.principals.iter().filter(|(_, id)| departed.contains(id));
            answers.leavers = left.map(|(guid, _)| *guid).collect();
        }
        if let (Some(directory), false) = (&self.directory, asked.nested.is_empty()) {
            answers.inside = directory.inside(&asked.nested).await;
        }
        answers
    }

    /// Says of every contested value what the directory knows of the other writer.
    async fn explain_contests(&self, decision: &mut Decision) {
        let Some(directory) = &self.directory else { return };
        let contested = std::mem::take(&mut decision.contested);
        for (object, spot) in &contested {
            let attribute = spot.split(' ').next().unwrap_or(spot);
            let Some(writer) = directory.last_writer(*object, attribute).await else { continue };
            let told = decision.plan.changes.iter().find(|c| c.target.object() == Some(*object));
            let group = told.map(|change| change.group);
            let own = decision
                .findings
                .iter_mut()
                .filter(|finding| finding.code == FindingCode::Contested && finding.group == group);
            own.for_each(|finding| finding.message.push_str(&format!("; {writer}")));
        }
        decision.contested = contested;
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
        let named = BTreeSet::new();
        let (directory, cloud) = tokio::join!(
            domain.observe(begun, &remembered, &named, &questions.extras, &read),
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
        let Look { begun, policies, decision, guarded, partial, .. } = look;
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
        let course = Course {
            begun,
            held: &guarded.held,
            results: &acted.results,
            spent: &acted.spent,
            added: &acted.added,
            partial,
        };
        conclude::remember(&mut self.memory, decision, &course);
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
