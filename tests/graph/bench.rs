//! A simulated tenant, the files a newcomer would write for it, and clients made from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;
use writeback::graph::{Credential, Flags, Patience, Request, Tenant, TenantOptions};
use writeback::model::cloud::{CloudListing, MemberKind, Unread};
use writeback::model::{CloudMember, Complete, ObjectId, TenantId};
use writeback::retry::RetryRule;
use writeback::sim::tenant::{self, Options};
use writeback::sim::world::World;

/// The right to read members of groups of hidden membership.
pub(crate) const HIDDEN_RIGHT: &str = "Member.Read.Hidden";

/// Retries as often as in production, without the long waits between them.
pub(crate) const QUICK: RetryRule =
    RetryRule { tries_max: 5, first: Duration::from_millis(1), longest: Duration::from_millis(5) };

/// What a read of members gives.
pub(crate) type Members = BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>>;

/// A tenant with the files that belong to it.
pub(crate) struct Bench {
    pub(crate) tenant: tenant::Tenant,
    folder: TempDir,
    sent: Arc<Mutex<Vec<Request>>>,
}

impl Bench {
    /// A tenant that holds this world, and whose application may read hidden members too.
    pub(crate) async fn new(world: &World) -> Self {
        Self::with(world, Options::default()).await
    }

    pub(crate) async fn with(world: &World, options: Options) -> Self {
        let tenant = tenant::Tenant::start_with(world, options).await.unwrap();
        let mut roles = tenant.roles();
        roles.push(HIDDEN_RIGHT.to_owned());
        tenant.set_roles(roles);
        let bench = Self { tenant, folder: tempfile::tempdir().unwrap(), sent: Arc::default() };
        bench.write("ca.pem", &bench.tenant.ca_pem());
        bench.write("secret", bench.tenant.client_secret());
        bench.write("key.pem", bench.tenant.private_key_pem());
        bench.write("certificate.pem", bench.tenant.certificate_pem());
        bench
    }

    /// The path of a file of this tenant.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of this tenant.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What a right configuration says.
    pub(crate) fn options(&self) -> TenantOptions {
        let sent = Arc::clone(&self.sent);
        TenantOptions {
            login_url: Url::parse(&self.tenant.login_url()).unwrap(),
            graph_url: Url::parse(&self.tenant.graph_url()).unwrap(),
            scope: self.tenant.scope(),
            tenant: TenantId(self.tenant.tenant_id()),
            client_id: self.tenant.client_id(),
            credential: Credential::Secret { file: self.file("secret") },
            ca_file: Some(self.file("ca.pem")),
            read_secret: read,
            now,
            patience: Patience { retry: QUICK, ..Patience::default() },
            observer: Arc::new(move |request| sent.lock().unwrap().push(request)),
            waiter: Arc::new(|| {}),
        }
    }

    /// A client of the right configuration.
    pub(crate) fn client(&self) -> Tenant {
        Tenant::open(self.options()).unwrap()
    }

    /// A client whose credential is this certificate.
    pub(crate) fn client_with_certificate(&self, pem: &str) -> Tenant {
        let credential = Credential::Certificate {
            certificate_file: self.write("certificate.pem", pem),
            private_key_file: self.file("key.pem"),
        };
        Tenant::open(TenantOptions { credential, ..self.options() }).unwrap()
    }

    /// What the observer was told since the start.
    pub(crate) fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }

    /// How many requests the tenant saw whose path ends like this.
    pub(crate) fn asked(&self, ending: &str) -> usize {
        self.tenant.requests().iter().filter(|seen| seen.path.ends_with(ending)).count()
    }
}

/// Tokens and assertions live by the simulated tenant's clock, which is the machine's.
#[expect(clippy::disallowed_methods, reason = "a test is the edge of its own world")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

fn read(path: &Path) -> Result<SecretString, String> {
    std::fs::read_to_string(path).map(SecretString::from).map_err(|error| error.to_string())
}

pub(crate) fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(crate) fn id(id: Uuid) -> ObjectId {
    ObjectId(id)
}

pub(crate) async fn listing(client: &Tenant) -> CloudListing {
    client.listing(Flags::Read, at()).await.unwrap()
}

/// The members of every group of the world.
pub(crate) async fn all_members(client: &Tenant, world: &World) -> Members {
    let ids: BTreeSet<ObjectId> = world.groups.iter().map(|group| id(group.id)).collect();
    let hidden = world
        .groups
        .iter()
        .filter(|group| group.visibility.as_deref() == Some("HiddenMembership"))
        .map(|group| id(group.id))
        .collect();
    client.members(&ids, &hidden, at(), &|_, _| {}).await
}

/// What can be compared of a listing.
pub(crate) fn summary(listing: &CloudListing) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        listing.tenant,
        listing.groups.value().clone(),
        listing.deleted.value().clone(),
        listing.flags.as_ref().map(|flags| flags.value().clone()).map_err(Clone::clone),
    )
}

/// What can be compared of members.
pub(crate) fn plain(members: &Members) -> BTreeMap<ObjectId, Result<Vec<CloudMember>, Unread>> {
    members
        .iter()
        .map(|(id, read)| {
            (*id, read.as_ref().map(|read| read.value().clone()).map_err(Clone::clone))
        })
        .collect()
}

pub(crate) fn is_unreadable(member: &CloudMember) -> bool {
    matches!(member.kind, MemberKind::Unreadable(_))
}
