//! One look at both sides for `discover`: reads everything, writes nothing, keeps no memory.
//!
//! Unlike a pass it goes on where one side or one container is missing: what is there is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::controller::questions::Questions;
use crate::controller::{connect_to_read, now, open_tenant};
use crate::decide::members::flatten_needs;
use crate::discover::{
    Approach, Discovery, DomainSide, Estate, Needed, TenantSide, absent, containers_named,
    discover, needed,
};
use crate::graph::{Flags, Tenant};
use crate::model::cloud::{Links, Presence, Unread};
use crate::model::policy::PolicySet;
use crate::model::readiness::{ContainerState, DomainReadiness, TenantReadiness};
use crate::model::{
    CloudListing, CloudMembers, Containers, DirectorySnapshot, ObjectId, PolicyName,
};
use crate::report::Report;
use crate::report::events::Side;
use crate::report::progress::{Progress, Watcher};
use crate::retry::Fault;
use crate::settings::Settings;

use super::pass::Blind;

/// What one look needs.
pub struct Look<'a> {
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

/// What was read of the tenant.
struct CloudSeen {
    tenant: Tenant,
    readiness: TenantReadiness,
    listing: Result<CloudListing, Unread>,
}

/// What was read of the domain.
struct DomainSeen {
    readiness: DomainReadiness,
    snapshot: Result<DirectorySnapshot, Unread>,
}

impl Look<'_> {
    /// Looks at both sides. Beside the discovery: every side, or part of one, that a pass could
    /// not do without and that could not be read.
    pub async fn look(&self) -> (Discovery, Vec<Blind>) {
        let begun = now();
        let policies = self.considered();
        let mut blind = Vec::new();
        let (cloud, domain) =
            tokio::join!(self.cloud(&policies, begun), self.domain(&policies, begun));
        let cloud = settle(cloud, Side::Tenant, &mut blind);
        let domain = settle(domain, Side::Domain, &mut blind);
        let mut presence = BTreeMap::new();
        let mut estate = self.estate(&cloud, &domain, &presence);
        let missing = absent(&estate);
        let mut members =
            CloudMembers { of: BTreeMap::new(), links: Links::Readable };
        if let Ok(cloud) = &cloud {
            presence = ask_for(&cloud.tenant, missing).await;
            estate = self.estate_with(estate, &presence);
            if let Ok(listing) = &cloud.listing {
                members = self.members(&cloud.tenant, needed(&estate), listing, begun).await;
            }
        }
        (discover(&estate, &members), blind)
    }
}
