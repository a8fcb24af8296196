//! A stage for whole stories: a simulated tenant and a simulated domain that know the same people,
//! and a folder from which the shipped binary runs between them.
//!
//! What the directory should hold is worked out here from the tenant's own state, for the small
//! world only: every group of it is of a kind that is written under a policy without selection.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use uuid::Uuid;
use writeback::sim::domain::{Domain, DomainOptions, Entry, OperationKind, SeenOperation, Verb};
use writeback::sim::tenant::{self, Cloud, Tenant};
use writeback::sim::world::{GroupKind, Link, World};

use crate::product::{DirectoryAccess, Product};

/// Where groups are written.
pub const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";
/// Where people are.
pub const PEOPLE: &str = "OU=People,DC=corp,DC=example";
/// A policy that takes everything, names groups after people's words and puts names right.
pub const EVERYTHING: &str = "  mode: Sync
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example', mode: Always }
    commonName: { preset: DisplayNameAndId }
    samAccountName: { preset: DisplayNameAndId, mode: Always }";
/// Longer than anything waited for in a test, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(5);

/// The two servers and the product between them.
pub struct Stage {
    /// The cloud side.
    pub tenant: Tenant,
    /// The directory side.
    pub domain: Domain,
    /// The folder of the product.
    pub product: Product,
    /// Both servers live in it: it goes last.
    pub runtime: Runtime,
}

/// What a group shows to everybody.
pub type Portrait = BTreeMap<&'static str, BTreeSet<String>>;

/// A written group: display name and members, people by account name, groups by anchor.
pub type Written = (String, BTreeSet<String>);

impl Stage {
    /// The small world, nothing written yet, and the policy `everything`.
    pub fn small() -> Self {
        let stage = Self::of(World::small(7));
        stage.product.policy("everything", EVERYTHING);
        stage
    }

    /// The small world, written.
    pub fn written() -> Self {
        let stage = Self::small();
        stage.product.run(&["apply"]).expect(0);
        assert_eq!(stage.held(), stage.wanted());
        stage
    }

    /// This world, and no policy.
    pub fn of(world: World) -> Self {
        Self::with(world, tenant::Options::default(), DomainOptions::default())
    }

    /// This world behind servers of these options, and no policy.
    pub fn with(mut world: World, cloud: tenant::Options, options: DomainOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let domain = runtime.block_on(Domain::start(options)).unwrap();
        furnish(&domain, &mut world);
        let tenant = runtime.block_on(Tenant::start_with(&world, cloud)).unwrap();
        let product = Product::new(&tenant, &DirectoryAccess::simulated(&domain, &[CONTAINER]));
        Self { tenant, domain, product, runtime }
    }

    /// A second folder for the same servers.
    pub fn another_product(&self) -> Product {
        Product::new(&self.tenant, &DirectoryAccess::simulated(&self.domain, &[CONTAINER]))
    }

    /// The id of a living cloud group.
    #[track_caller]
    pub fn id(&self, display_name: &str) -> Uuid {
        self.tenant.cloud().group_named(display_name).unwrap().id
    }

    /// The id of a living person.
    #[track_caller]
    pub fn person(&self, display_name: &str) -> Uuid {
        let cloud = self.tenant.cloud();
        let found = cloud.people().find(|person| person.display_name == display_name);
        found.unwrap().id
    }

    /// Changes the cloud; every edit names something that exists.
    pub fn cloud<R, E: std::fmt::Debug>(&self, edit: impl FnOnce(&mut Cloud) -> Result<R, E>) -> R {
        self.tenant.edit(edit).unwrap()
    }

    /// Takes these people out of a cloud group, all at once.
    pub fn take_out(&self, group: &str, people: &[&str]) {
        let id = self.id(group);
        let people: Vec<Uuid> = people.iter().map(|name| self.person(name)).collect();
        self.cloud(|cloud| people.iter().try_for_each(|person| cloud.remove_member(id, *person)));
    }

    /// Puts these people into a cloud group, all at once.
    pub fn put_in(&self, group: &str, people: &[&str]) {
        let id = self.id(group);
        let people: Vec<Uuid> = people.iter().map(|name| self.person(name)).collect();
        self.cloud(|cloud| people.iter().try_for_each(|person| cloud.add_member(id, *person)));
    }

    /// Takes everybody but one person out of a cloud group, all at once.
    pub fn empty_nearly(&self, group: &str) {
        let id = self.id(group);
        let members = self.tenant.cloud().group(id).unwrap().members.clone();
        self.cloud(|cloud| {
            let mut leaving = members.into_iter().skip(1);
            leaving.try_for_each(|member| cloud.remove_member(id, member))
        });
    }

    /// The living directory groups that carry a record of ours.
    pub fn owned(&self) -> Vec<Entry> {
        self.domain.dump().into_iter().filter(is_owned).collect()
    }

    /// The directory name of the owned group of this display name.
    #[track_caller]
    pub fn dn(&self, display_name: &str) -> String {
        let owned = self.owned();
        let named = |entry: &&Entry| entry.text("displayName") == Some(display_name);
        owned.iter().find(named).unwrap_or_else(|| panic!("{display_name} is not there")).dn.clone()
    }

    /// The name of a person's account.
    pub fn account_dn(&self, display_name: &str) -> String {
        self.domain.edit(|tree| tree.child_dn(display_name, PEOPLE)).unwrap()
    }

    /// Every owned group by its anchor. No cloud group may have two.
    #[track_caller]
    pub fn held(&self) -> BTreeMap<String, Written> {
        let dump = self.domain.dump();
        let by_dn: BTreeMap<&str, &Entry> =
            dump.iter().map(|entry| (entry.dn.as_str(), entry)).collect();
        let word = |dn: &&str| {
            let entry = by_dn[dn];
            let key =
                if entry.class() == Some("group") { "adminDescription" } else { "sAMAccountName" };
            entry.text(key).unwrap_or(&entry.dn).to_owned()
        };
        let mut held = BTreeMap::new();
        for entry in dump.iter().filter(|entry| is_owned(entry)) {
            let anchor = entry.text("adminDescription").unwrap_or_default().to_owned();
            let display_name = entry.text("displayName").unwrap_or_default().to_owned();
            let members = entry.texts("member").iter().map(word).collect();
            let before = held.insert(anchor.clone(), (display_name, members));
            assert!(before.is_none(), "{anchor} exists twice");
        }
        held
    }

    /// What should be written of the cloud as it stands.
    pub fn wanted(&self) -> BTreeMap<String, Written> {
        let cloud = self.tenant.cloud();
        let is_written = |id: Uuid| {
            cloud.group(id).is_some_and(|group| match group.kind {
                GroupKind::Microsoft365 => group.writeback_enabled != Some(false),
                GroupKind::Security => group.writeback_enabled == Some(true),
                GroupKind::MailEnabledSecurity
                | GroupKind::DistributionList
                | GroupKind::Unusual { .. } => false,
            })
        };
        let anchor = |id: Uuid| format!("Group_{id}");
        let word = |id: &Uuid| match cloud.person(*id) {
            Some(person) => person.link.is_some().then(|| person.sam_account_name.clone()),
            None => is_written(*id).then(|| anchor(*id)),
        };
        cloud
            .groups()
            .filter(|group| is_written(group.id))
            .map(|group| {
                let members = group.members.iter().filter_map(word).collect();
                (anchor(group.id), (group.display_name.clone(), members))
            })
            .collect()
    }

    /// Every group of the domain, whoever made it, as everybody sees it; by name.
    pub fn portraits(&self) -> BTreeMap<String, Portrait> {
        const SHOWN: [&str; 10] = [
            "cn",
            "sAMAccountName",
            "displayName",
            "description",
            "groupType",
            "adminDescription",
            "extensionName",
            "msDS-ExternalDirectoryObjectId",
            "mail",
            "member",
        ];
        let dump = self.domain.dump();
        let groups = dump.iter().filter(|entry| !entry.deleted && entry.class() == Some("group"));
        groups
            .map(|entry| {
                let values = |name| entry.texts(name).into_iter().map(str::to_owned).collect();
                (entry.dn.clone(), SHOWN.into_iter().map(|name| (name, values(name))).collect())
            })
            .collect()
    }

    /// The writes that reached the domain, done or not.
    pub fn writes(&self) -> Vec<SeenOperation> {
        let mut operations = self.domain.operations();
        operations.retain(|operation| operation.kind.is_write());
        operations
    }

    /// How many values were taken out of `member` by requests, and how many groups deleted.
    pub fn removals(&self) -> (usize, usize) {
        let writes = self.writes();
        let is_removal = |change: &&writeback::sim::domain::SeenChange| {
            change.verb == Verb::Delete && change.attribute.eq_ignore_ascii_case("member")
        };
        let done = || writes.iter().filter(|write| write.changed());
        let members = done().flat_map(|write| &write.changes).filter(is_removal);
        let groups = done().filter(|write| write.kind == OperationKind::Delete);
        (members.map(|change| change.values).sum(), groups.count())
    }

    /// Holds that every write the domain ever saw was announced in the journal before: the writes
    /// are the journal's intents in their order, some of which were never sent.
    #[track_caller]
    pub fn journal_announces_every_write(&self) {
        let mut intents =
            self.product.journal().into_iter().filter(|line| line["kind"] == "intent");
        for write in self.writes() {
            let announced = intents.any(|intent| {
                let kind = match intent["operation"].as_str().unwrap() {
                    "add" => OperationKind::Add,
                    "modify" | "add_members" | "remove_members" => OperationKind::Modify,
                    "modify_dn" => OperationKind::ModifyDn,
                    "delete" => OperationKind::Delete,
                    other => panic!("the journal knows the operation {other}"),
                };
                let named = |name: &serde_json::Value| {
                    let text = name.as_str().unwrap_or("nothing").to_lowercase();
                    write.dn.to_lowercase().contains(&text)
                };
                kind == write.kind && (named(&intent["dn"]) || named(&intent["object"]))
            });
            assert!(announced, "no intent stands before {write:?}\n{:#?}", self.product.journal());
        }
    }

    /// What no output may hold.
    pub fn secrets(&self) -> [String; 3] {
        let password = self.domain.service_account().password.clone();
        // Every JSON web token starts so: `{"` in base64.
        [self.tenant.client_secret().to_owned(), password, "eyJ".to_owned()]
    }

    /// Holds that a text has no secret in it.
    #[track_caller]
    pub fn keeps_secrets(&self, text: &str) {
        for secret in self.secrets() {
            assert!(!text.contains(&secret), "a secret is in: {text}");
        }
    }
}

/// Whether this is a living group that carries a record of ours.
fn is_owned(entry: &Entry) -> bool {
    let records = entry.texts("extensionName");
    !entry.deleted && records.iter().any(|text| text.starts_with("writeback/v1;owner=corp;"))
}

/// Asks again and again until the answer is yes.
#[track_caller]
pub fn until(what: &str, mut ask: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !ask() {
        assert!(Instant::now() < end, "waited in vain for: {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// What the directory holds before anything is written: people, containers, a stranger, and a
/// group that is none of our business. The directory gives out the SIDs and GUIDs of its accounts;
/// the world learns them.
fn furnish(domain: &Domain, world: &mut World) {
    let base = domain.base_dn();
    // Display names are not unique in a world of any size.
    let readable = world.people.len() <= 12;
    let made = domain.edit(|tree| {
        tree.add_ou("Cloud Groups", &base)?;
        tree.add_ou("People", &base)?;
        for person in world.people.iter_mut().filter(|person| !person.cloud_only) {
            let name = &person.sam_account_name;
            let cn = if readable { &person.display_name } else { name };
            let dn = tree.add_user(cn, PEOPLE, name, None, None)?;
            let (guid, sid) = (tree.guid_of(&dn).unwrap(), tree.sid_of(&dn).unwrap());
            person.link = Some(Link { sid, guid });
        }
        tree.add_user("Mallory", PEOPLE, "mallory", None, None)?;
        let group = tree.add_group("Printer Users", CONTAINER, "printer-users", -2_147_483_646)?;
        let member = tree.child_dn("Mallory", PEOPLE)?;
        tree.add_member(&group, &member)
    });
    made.unwrap();
    domain.delegate(CONTAINER).unwrap();
}
