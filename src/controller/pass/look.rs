//! The looking half of a pass: both worlds are read, a plan is decided and guarded.
//!
//! Between deciding and guarding the edges are asked what the plan itself brings up: who of those
//! that would be taken out has left the tenant, and how many people are inside a nested group.

mod errand;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Blind, Engine, Look, signed};
use crate::controller::questions::Questions;
use crate::controller::{connect_directory, connect_to_read, now};
use crate::decide::conditions;
use crate::decide::guard::approve::{granted, places, useless};
use crate::decide::guard::{Answers, Guarded, Scale, guard};
use crate::decide::{Decision, Inputs, begin, claim, decide, holdings, members, upward};
use crate::directory::DirectoryError;
use crate::graph::{GraphError, Tenant};
use crate::model::cloud::{Presence, Unread};
use crate::model::policy::PolicySet;
use crate::model::{
    Approval, ApprovalRequest, CloudListing, CloudMember, CloudMembers, Complete, Digest,
    DirectorySnapshot, FindingCode, Memory, ObjectId, PolicyName,
};
use crate::report::events::{Event, Side, Sight};
use crate::report::progress::Progress;
use crate::settings::Settings;

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

/// What a pass decided on what it saw.
struct Judged {
    decision: Decision,
    /// Of the policies whose changes are made.
    guarded: Guarded,
    /// Of all policies, where the changes of one alone are made.
    whole: Option<Guarded>,
    granted: BTreeMap<Digest, Approval>,
    places: BTreeMap<Digest, String>,
    members: CloudMembers,
    presence: BTreeMap<ObjectId, Presence>,
}

/// Both worlds as a pass saw them, for whoever explains what it decided.
#[derive(Debug)]
pub struct Sighting {
    /// The domain.
    pub directory: DirectorySnapshot,
    /// The tenant's listings.
    pub cloud: CloudListing,
    /// The members that were read.
    pub members: CloudMembers,
    /// What direct reads of missing ids answered.
    pub presence: BTreeMap<ObjectId, Presence>,
}

impl Engine {
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
        self.look_around(only, begun).await.map(|(look, _)| look)
    }

    /// The same for a person, whose own approval, `own`, holds for this look and no other.
    pub async fn look_with(
        &mut self,
        only: Option<&PolicyName>,
        own: Option<ApprovalRequest>,
    ) -> Result<(Look, Sighting), Blind> {
        self.see(only, own.as_slice(), now()).await
    }

    /// What a pass saw, as its decision takes it.
    pub fn inputs<'i>(&'i self, look: &'i Look, seen: &'i Sighting) -> Inputs<'i> {
        let Sighting { directory, cloud, presence, .. } = seen;
        let (settings, policies) = (&self.settings, &look.policies);
        Seen { settings, policies, directory, cloud, presence }.inputs(&self.memory)
    }

    /// Reads the direct members of further groups.
    pub async fn further_members(
        &self,
        asked: &BTreeSet<ObjectId>,
        look: &Look,
        seen: &Sighting,
    ) -> BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>> {
        self.read_members_of(asked, &seen.cloud, look.begun).await
    }

    /// The same, with what was seen.
    pub async fn look_around(
        &mut self,
        only: Option<&PolicyName>,
        begun: Timestamp,
    ) -> Result<(Look, Sighting), Blind> {
        self.see(only, &[], begun).await
    }

    /// Memory stays where it is while the edges are asked, and approvals are taken up after the
    /// last answer: whoever does not wait for the end leaves nothing half done.
    async fn see(
        &mut self,
        only: Option<&PolicyName>,
        own: &[ApprovalRequest],
        begun: Timestamp,
    ) -> Result<(Look, Sighting), Blind> {
        self.number += 1;
        self.report.emit(&Event::PassBegun { number: self.number, at: begun });
        self.forget_refusals(begun);
        let policies = self.policies_now();
        let questions = Questions::of(&policies);
        let (directory, cloud) = self.read_both(&questions, begun).await?;
        let forgotten = self.begin(&policies, (&directory, &cloud), begun);
        let looked = self.judge(&policies, (&directory, &cloud), (only, own), begun).await;
        let Judged { mut decision, guarded, whole, granted, places, members, presence } = looked;
        let taken = self.take_up(&granted);
        if only.is_none() {
            self.drop_requests(begun);
        }
        // Whose changes are made says nothing of the others: everything was looked at, and what
        // waits or is held of the others goes on to be told.
        let told = whole.as_ref().unwrap_or(&guarded);
        self.report.emit(&Event::Planned {
            policies: &policies,
            decision: &decision,
            guarded: told,
            sight: Sight {
                at: begun,
                cloud: &cloud,
                members: &members,
                directory: &directory,
                memory: &self.memory,
            },
        });
        let others = only.map(|only| {
            let (before, held) = (&self.conditions, &told.held);
            let mut all = conditions::after_pass(&policies, &decision, held, &[], before, now());
            all.remove(only);
            keep_only(&mut decision, only);
            all
        });
        let remembers = self.remembers;
        let (partial, errand) = (only.is_some(), false);
        let others = others.unwrap_or_default();
        let look = Look {
            begun,
            policies,
            decision,
            guarded,
            granted,
            places,
            taken,
            partial,
            others,
            remembers,
            errand,
            forgotten,
        };
        Ok((look, Sighting { directory, cloud, members, presence }))
    }

    /// Closes the window where memory does not know what the directory holds. Answers why, where it
    /// knows nothing at all.
    fn begin(
        &mut self,
        policies: &PolicySet,
        (directory, cloud): (&DirectorySnapshot, &CloudListing),
        begun: Timestamp,
    ) -> Option<String> {
        if !self.remembers {
            return None;
        }
        let (settings, nothing) = (&self.settings, BTreeMap::new());
        let seen = Seen { settings, policies, directory, cloud, presence: &nothing };
        let owned = holdings::holdings(&seen.inputs(&self.memory)).owned;
        let is_ours = |owned: &holdings::Owned<'_>| owned.adoption.is_none();
        let owned = owned.into_iter().filter(|(_, owned)| is_ours(owned));
        let owned: BTreeSet<ObjectId> = owned.map(|(id, _)| id).collect();
        let groups = begin::begin(&owned, &mut self.memory, begun)?;
        let why = format!(
            "nothing is remembered, and the directory holds groups of this owner ({groups}): state \
             and journal are lost, or stand in another place. What was removed, approved or paused \
             lately is not known, and all removals wait 24 hours or for an approval"
        );
        tracing::warn!("{why}");
        Some(why)
    }

    /// Decides and guards; once more where a person let something through.
    async fn judge(
        &self,
        policies: &PolicySet,
        (directory, cloud): (&DirectorySnapshot, &CloudListing),
        (only, own): (Option<&PolicyName>, &[ApprovalRequest]),
        begun: Timestamp,
    ) -> Judged {
        let (settings, memory, nothing) = (&self.settings, &self.memory, BTreeMap::new());
        let seen = Seen { settings, policies, directory, cloud, presence: &nothing };
        let mut presence = BTreeMap::new();
        let first = seen.inputs(memory);
        for id in claim::absent_ids(&first, &holdings::holdings(&first)) {
            presence.insert(id, self.tenant.presence(id).await);
        }
        let seen = Seen { presence: &presence, ..seen };
        let members = self.read_members(&seen.inputs(memory), begun).await;
        let mut decision = decide(&seen.inputs(memory), &members);
        let answers = self.ask(&decision).await;
        let weigh = |decision: &Decision, memory: &Memory, only| {
            let scale = Scale::of(policies, memory, decision, &answers, begun).only(only);
            guard(&decision.plan, &scale)
        };
        let mut guarded = weigh(&decision, memory, only);
        let requests = [&self.requests, policies.approvals.as_slice(), own].concat();
        let now = now();
        let granted = granted(&requests, &guarded.held, memory, now);
        let places = places(&requests, &guarded.held, memory, now);
        let mut after = Cow::Borrowed(memory);
        if !granted.is_empty() {
            after.to_mut().approvals.extend(granted.clone());
            decision = decide(&seen.inputs(&after), &members);
            guarded = weigh(&decision, &after, only);
        }
        let whole = only.is_some().then(|| weigh(&decision, &after, None));
        self.explain_contests(&mut decision).await;
        decision.findings.extend(useless(&policies.approvals, &guarded.held));
        decision.findings.sort();
        Judged { decision, guarded, whole, granted, places, members, presence }
    }

    /// Asks what the guard has to know of the values that would be taken out.
    async fn ask(&self, decision: &Decision) -> Answers {
        let asked = &decision.asked;
        let mut answers = Answers::default();
        let principals: BTreeSet<ObjectId> = asked.principals.values().copied().collect();
        if !principals.is_empty() {
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
            for finding in own {
                finding.message.push_str("; ");
                finding.message.push_str(&writer);
            }
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
            Some(domain) => Ok(domain),
            None if self.only_reads => {
                let containers = self.settings.directory.containers.clone();
                connect_to_read(&self.settings, containers, &self.report, &self.watcher).await
            }
            None => connect_directory(&self.settings, &self.report, &self.watcher).await,
        };
        let domain = domain.map_err(|error| domain_blind(&error))?;
        let domain = self.directory.insert(domain);
        let (directory, cloud) = tokio::join!(
            domain.observe(begun, &remembered, &questions.named, &questions.extras, &read),
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

fn domain_blind(error: &DirectoryError) -> Blind {
    Blind { side: Side::Domain, fault: error.fault() }
}
