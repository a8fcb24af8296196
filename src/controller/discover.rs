//! One look at both sides for `discover`: reads everything, writes nothing, keeps no memory.
//!
//! Unlike a pass it goes on where one side or one container is missing: what is there is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::controller::pass::Blind;
use crate::controller::questions::Questions;
use crate::controller::{connect_to_read, now, open_tenant};
use crate::decide::members::flatten_needs;
use crate::directory::DirectoryError;
use crate::discover::{
    Approach, CredentialEnd, Discovery, DomainSide, Estate, Needed, TenantSide, absent,
    containers_named, discover, needed,
};
use crate::graph::{Flags, GraphError, Tenant};
use crate::model::cloud::{Links, Presence, Unread};
use crate::model::policy::PolicySet;
use crate::model::readiness::{ContainerState, DomainReadiness, TenantReadiness};
use crate::model::{CloudListing, CloudMembers, Containers, DirectorySnapshot, ObjectId};
use crate::report::Report;
use crate::report::events::Side;
use crate::report::progress::{Progress, Watcher};
use crate::settings::Settings;

/// What one look needs.
pub struct Survey<'a> {
    /// The daemon configuration.
    pub settings: &'a Settings,
    /// The policies in force; empty where there is none yet.
    pub policies: &'a PolicySet,
    /// The two ready policies, parsed for the configured containers.
    pub ready: &'a BTreeMap<Approach, PolicySet>,
    /// Told of every request.
    pub report: Arc<Report>,
    /// Told how far it is.
    pub watcher: Watcher,
}

/// What was found, and every side that a pass could not do without and that could not be read.
#[derive(Debug)]
pub struct Surveyed {
    /// What was found.
    pub discovery: Discovery,
    /// What ends a pass.
    pub blind: Vec<Blind>,
}

/// What was read of the tenant.
struct CloudSeen {
    tenant: Tenant,
    readiness: TenantReadiness,
    listing: Result<CloudListing, GraphError>,
}

/// What was read of the domain.
struct DomainSeen {
    readiness: DomainReadiness,
    snapshot: Result<DirectorySnapshot, DirectoryError>,
}

impl Survey<'_> {
    /// Looks at both sides at once, then at the members that the policies would write.
    pub async fn look(&self) -> Surveyed {
        let begun = now();
        let ends = self.credentials(begun);
        let policies = self.asked();
        let (cloud, domain) =
            tokio::join!(self.cloud(&policies, begun), self.domain(&policies, begun));
        let mut blind = Vec::new();
        let cloud = tenant_told(cloud, &mut blind);
        let domain = domain_told(domain, &mut blind);
        let nobody = BTreeMap::new();
        let missing = absent(&self.estate(&cloud, &domain, &nobody, (&ends, begun)));
        let presence = match &cloud {
            Ok((seen, _)) => ask_for(&seen.tenant, &missing).await,
            Err(_) => BTreeMap::new(),
        };
        let estate = self.estate(&cloud, &domain, &presence, (&ends, begun));
        let members = match &cloud {
            Ok((CloudSeen { tenant, listing: Ok(listing), .. }, _)) => {
                self.members(tenant, &needed(&estate), listing, begun).await
            }
            Ok(_) | Err(_) => CloudMembers { of: BTreeMap::new(), links: Links::Readable },
        };
        Surveyed { discovery: discover(&estate, &members), blind }
    }

    /// The policies whose questions are asked: those in force, else both ready ones.
    fn asked(&self) -> PolicySet {
        if !self.policies.policies.is_empty() {
            return self.policies.clone();
        }
        let policies = self.ready.values().flat_map(|set| set.policies.clone()).collect();
        PolicySet { policies, unparsed: Vec::new(), approvals: Vec::new() }
    }

    async fn cloud(&self, policies: &PolicySet, begun: Timestamp) -> Result<CloudSeen, GraphError> {
        let tenant = open_tenant(self.settings, &self.report, &self.watcher)?;
        let readiness = tenant.readiness(begun).await?;
        let questions = Questions::of(policies);
        let listing = match tenant.listing(Flags::Read, begun).await {
            Ok(mut listing) => {
                listing.new_groups = readiness.new_groups.clone();
                let groups = listing.groups.value();
                listing.controls = tenant.controls(&questions.controls, groups, begun).await;
                Ok(listing)
            }
            Err(error) => Err(error),
        };
        Ok(CloudSeen { tenant, readiness, listing })
    }

    async fn domain(
        &self,
        policies: &PolicySet,
        begun: Timestamp,
    ) -> Result<DomainSeen, DirectoryError> {
        let settings = self.settings;
        let named = containers_named(&settings.directory.containers, policies);
        // Asked without containers first: one that is missing must not hide everything else.
        let open =
            connect_to_read(settings, Containers::new(Vec::new()), &self.report, &self.watcher)
                .await?;
        let readiness = open.readiness(&named).await?;
        let is_there = |state: &ContainerState| match state {
            ContainerState::There(_) => true,
            ContainerState::Outside | ContainerState::Missing | ContainerState::Unread(_) => false,
        };
        let there = readiness.containers.iter().filter(|one| is_there(&one.state));
        let there = Containers::new(there.map(|one| one.dn.clone()).collect());
        let watcher = Arc::clone(&self.watcher);
        let told = move |count: usize| watcher(Progress::Directory(count));
        let extras = Questions::of(policies).extras;
        let snapshot = match connect_to_read(settings, there, &self.report, &self.watcher).await {
            Ok(directory) => {
                let nothing = BTreeSet::new();
                directory.observe(begun, &nothing, &nothing, &extras, &told).await
            }
            Err(error) => Err(error),
        };
        Ok(DomainSeen { readiness, snapshot })
    }

    /// Reads members as a pass does, for every policy that would write them.
    async fn members(
        &self,
        tenant: &Tenant,
        needed: &Needed,
        cloud: &CloudListing,
        begun: Timestamp,
    ) -> CloudMembers {
        let groups = cloud.groups.value();
        let is_hidden = |id: &ObjectId| groups.get(id).is_some_and(|g| g.hidden_membership);
        let mut of = BTreeMap::new();
        let mut asked = needed.groups.clone();
        // Each round goes one level down and asks nothing twice: it ends with the tenant's groups.
        while !asked.is_empty() {
            let hidden = asked.iter().copied().filter(is_hidden).collect();
            let watcher = Arc::clone(&self.watcher);
            let told = move |done, total| watcher(Progress::Members(done, total));
            of.extend(tenant.members(&asked, &hidden, begun, &told).await);
            asked = flatten_needs(&of, &needed.flat);
        }
        let links = tenant.links(&of).await;
        CloudMembers { of, links }
    }

    fn estate<'s>(
        &'s self,
        cloud: &'s Told<CloudSeen>,
        domain: &'s Told<DomainSeen>,
        presence: &'s BTreeMap<ObjectId, Presence>,
        (credentials, now): (&'s [CredentialEnd], Timestamp),
    ) -> Estate<'s> {
        let confirm_after = self.settings.schedule.confirm_after;
        Estate {
            owner: &self.settings.owner,
            tenant_id: self.settings.tenant.id,
            containers: &self.settings.directory.containers,
            policies: self.policies,
            ready: self.ready,
            tenant: cloud.as_ref().map(|(seen, unread)| TenantSide {
                readiness: &seen.readiness,
                listing: seen.listing.as_ref().map_err(|_| unread),
            }),
            domain: domain.as_ref().map(|(seen, unread)| DomainSide {
                readiness: &seen.readiness,
                snapshot: seen.snapshot.as_ref().map_err(|_| unread),
            }),
            presence,
            confirm_after: SignedDuration::try_from(confirm_after).unwrap_or(SignedDuration::MAX),
            credentials,
            now,
        }
    }

    fn credentials(&self, begun: Timestamp) -> Vec<CredentialEnd> {
        let seen = self.settings.read_credentials(begun).into_iter();
        let ends = seen.map(|state| CredentialEnd {
            word: state.credential.word,
            file: state.credential.file.map(|file| file.display().to_string()),
            expires: state.expires,
        });
        ends.collect()
    }
}

/// A side with the reason why its listing is unread (empty where it is read), or why nothing is.
type Told<T> = Result<(T, Unread), Unread>;

fn tenant_told(seen: Result<CloudSeen, GraphError>, blind: &mut Vec<Blind>) -> Told<CloudSeen> {
    let mut note = |error: &GraphError| {
        let fault = error.fault();
        let reason = fault.message.clone();
        blind.push(Blind { side: Side::Tenant, fault });
        Unread { reason }
    };
    let seen = seen.map_err(|error| note(&error))?;
    let unread = seen.listing.as_ref().err().map(note);
    Ok((seen, unread.unwrap_or(Unread { reason: String::new() })))
}

fn domain_told(
    seen: Result<DomainSeen, DirectoryError>,
    blind: &mut Vec<Blind>,
) -> Told<DomainSeen> {
    let mut note = |error: &DirectoryError| {
        let fault = error.fault();
        let reason = fault.message.clone();
        blind.push(Blind { side: Side::Domain, fault });
        Unread { reason }
    };
    let seen = seen.map_err(|error| note(&error))?;
    let unread = seen.snapshot.as_ref().err().map(note);
    Ok((seen, unread.unwrap_or(Unread { reason: String::new() })))
}

async fn ask_for(tenant: &Tenant, ids: &BTreeSet<ObjectId>) -> BTreeMap<ObjectId, Presence> {
    let mut presence = BTreeMap::new();
    for id in ids {
        presence.insert(*id, tenant.presence(*id).await);
    }
    presence
}
