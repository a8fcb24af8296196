//! What a round stands on: a tenant, a directory with accounts and an empty container, and the
//! product configured for both.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tokio::runtime::Runtime;
use uuid::Uuid;
use writeback::sim::domain::{DeletedRight, Domain, DomainOptions, SeenOperation};
use writeback::sim::tenant::{Cloud, Tenant};
use writeback::sim::world::{Link, World};
use writeback::state::{Binding, Opened, State};

use crate::lab::Lab;
use crate::oracle::{self, CloudSide, Expected, Flag, Found, Policy, Preset, Type};
use crate::product::{DirectoryAccess, Product};

/// The owner in the records, and the policy.
const NAME: &str = "kills";
/// The default limits are those of a large company, where a fifth of the groups does not end, nor
/// a tenth of the members go, in an hour.
const GUARD: &str = "{ groupsRemoved: { percent: 100, most: 1000000, atLeast: 1000000 }, \
                     membershipsRemoved: { percent: 100, most: 1000000, atLeast: 1000000 }, \
                     oneGroup: { percent: 100, atLeast: 1000000 }, toEmpty: { from: 1000000 }, \
                     creations: { percent: 100 }, selection: { percent: 100 } }";

/// A kind of directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A simulated domain of its own.
    Simulated,
    /// The Samba domain controller of this run of the tests.
    Samba,
}

impl Side {
    /// Its word in a command.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Samba => "samba",
        }
    }
}

enum Directory {
    Simulated(Domain),
    Samba(Lab),
}

/// Both sides and the product between them.
pub(crate) struct Ground {
    pub(crate) tenant: Tenant,
    pub(crate) product: Product,
    pub(crate) policy: Policy,
    /// objectGUID and DN of the directory's users.
    pub(crate) accounts: BTreeMap<Uuid, String>,
    directory: Directory,
    /// The servers live in it: it goes last.
    _runtime: Runtime,
}

impl Ground {
    /// A tenant of this world, whose people get the directory's accounts, and nothing written yet.
    pub(crate) fn new(side: Side, mut world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (directory, access, accounts) = match side {
            Side::Simulated => simulated(&runtime, &mut world),
            Side::Samba => samba(&mut world),
        };
        let tenant = runtime.block_on(Tenant::start(&world)).unwrap();
        let product = Product::new(&tenant, &access);
        product.reconfigure("metadata: { name: corp }", &format!("metadata: {{ name: {NAME} }}"));
        let policy = Policy {
            owner: NAME.to_owned(),
            name: NAME.to_owned(),
            container: access.containers[0].clone(),
            flag: Flag::Honour,
            microsoft365: Type::FromCloud,
            common_name: Preset::DisplayNameAndId,
            account_name: Preset::DisplayNameAndId,
            external_id: true,
            foreign: std::collections::BTreeSet::new(),
        };
        product.policy(NAME, &spec(&policy.container));
        Self { tenant, product, policy, accounts, directory, _runtime: runtime }
    }

    /// Changes the cloud.
    pub(crate) fn cloud<R>(&self, edit: impl FnOnce(&mut Cloud) -> R) -> R {
        self.tenant.edit(edit)
    }

    /// What the cloud asks for; groups whose flag is off are not in it.
    pub(crate) fn expected(&self) -> Expected {
        let cloud = self.tenant.cloud();
        let side = CloudSide::of_cloud(self.tenant.tenant_id(), &cloud);
        Expected::new(&side, &self.policy, &self.accounts)
    }

    /// The groups of the container.
    pub(crate) fn found(&self) -> Vec<Found> {
        match &self.directory {
            Directory::Simulated(domain) => Found::in_dump(&domain.dump(), &self.policy.container),
            Directory::Samba(lab) => {
                let groups = lab.groups(&self.policy.container);
                let found = groups.iter().map(|entry| Found {
                    dn: entry.dn.clone(),
                    guid: entry.guid(),
                    sid: format!("{:?}", entry.sid()),
                    attributes: entry.texts(),
                });
                found.collect()
            }
        }
    }

    /// The simulated domain, where it is one.
    pub(crate) fn domain(&self) -> Option<&Domain> {
        match &self.directory {
            Directory::Simulated(domain) => Some(domain),
            Directory::Samba(_) => None,
        }
    }

    /// The lab, where it is one.
    pub(crate) fn lab(&self) -> Option<&Lab> {
        match &self.directory {
            Directory::Simulated(_) => None,
            Directory::Samba(lab) => Some(lab),
        }
    }

    /// How many requests the domain has seen; none where nobody counts them.
    pub(crate) fn requests(&self) -> usize {
        self.domain().map_or(0, |domain| {
            let counters = domain.counters();
            counters.binds + counters.searches + counters.writes
        })
    }

    /// The writes that a simulated domain ever saw, in their order.
    pub(crate) fn writes(&self) -> Vec<SeenOperation> {
        let mut seen = self.domain().map(Domain::operations).unwrap_or_default();
        seen.retain(|operation| operation.kind.is_write());
        seen
    }

    /// The state's folder.
    pub(crate) fn state_folder(&self) -> PathBuf {
        self.product.path().join("state")
    }

    fn binding(&self) -> Binding {
        let tenant = self.tenant.tenant_id().to_string();
        Binding {
            tenant: writeback::model::TenantId::parse(&tenant).unwrap(),
            owner: NAME.to_owned(),
        }
    }

    /// What stands in the state; a damaged one fails. `None`: nothing was saved yet.
    #[track_caller]
    pub(crate) fn state(&self) -> Option<Opened> {
        if !self.state_folder().join(writeback::state::FILE_NAME).exists() {
            return None;
        }
        State::read(&self.state_folder(), &self.binding())
            .unwrap_or_else(|error| panic!("the state does not open: {error}: {error:?}"))
    }

    /// Everything that was added long ago: taking it out counts.
    pub(crate) fn a_day_later(&self) {
        let (mut state, opened) = State::open(&self.state_folder(), self.binding()).unwrap();
        let mut memory = opened.memory;
        memory.added.clear();
        state.save(&memory, None, None).unwrap();
    }

    /// The journal as text.
    pub(crate) fn journal_text(&self) -> String {
        let path = self.state_folder().join(writeback::journal::FILE_NAME);
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }
}

fn spec(container: &str) -> String {
    format!(
        "  mode: Sync
  group:
    container: {{ value: '{container}', mode: Always }}
    commonName: {{ preset: DisplayNameAndId, mode: Always }}
    samAccountName: {{ preset: DisplayNameAndId, mode: Always }}
    mail: Never
  deletion: {{ onDisabled: Disable }}
  guard: {GUARD}"
    )
}

type Prepared = (Directory, DirectoryAccess, BTreeMap<Uuid, String>);

fn simulated(runtime: &Runtime, world: &mut World) -> Prepared {
    let domain = runtime.block_on(Domain::start(DomainOptions::default())).unwrap();
    let base = domain.base_dn();
    let container = format!("OU=Cloud Groups,{base}");
    domain
        .edit(|tree| {
            tree.add_ou("Cloud Groups", &base)?;
            let people = tree.add_ou("People", &base)?;
            for person in world.people.iter_mut().filter(|person| !person.cloud_only) {
                let name = &person.sam_account_name;
                let dn = tree.add_user(name, &people, name, None, None)?;
                let (guid, sid) = (tree.guid_of(&dn).unwrap(), tree.sid_of(&dn).unwrap());
                person.link = Some(Link { sid, guid });
            }
            Ok::<_, writeback::sim::domain::Refusal>(())
        })
        .unwrap();
    domain.delegate(&container).unwrap();
    let service = domain.service_account().dn.clone();
    for right in [DeletedRight::Read, DeletedRight::Reanimate] {
        domain.grant_deleted(&service, right).unwrap();
    }
    let access = DirectoryAccess::simulated(&domain, &[&container]);
    let accounts = oracle::accounts_in_dump(&domain.dump());
    (Directory::Simulated(domain), access, accounts)
}

fn samba(world: &mut World) -> Prepared {
    let lab = Lab::prepared();
    let (container, _outside) = lab.empty_ous(NAME);
    let people = world.people.iter_mut().filter(|person| !person.cloud_only);
    for (number, person) in people.enumerate() {
        let user = &lab.users[number];
        person.link = Some(Link { sid: user.sid.clone(), guid: user.guid });
    }
    let access = DirectoryAccess::lab(&lab, &[&container]);
    let accounts = lab.users.iter().map(|user| (user.guid, user.dn.clone())).collect();
    (Directory::Samba(lab), access, accounts)
}
