//! What a test stands on: an organizational unit of the lab, a tenant whose people are the lab's
//! users, the product configured for both, and the oracle for what it should write.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use writeback::sim::tenant::{Cloud, Tenant};
use writeback::sim::world::{Link, World};

use crate::lab::{Entry, Lab};
use crate::oracle::{CloudSide, Expected, Flag, Found, Policy, Preset, Type};
use crate::product::{Daemon, DirectoryAccess, Product, Ran};

/// Who keeps names and places once they are set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upkeep {
    /// `mode: Always` for both names and the container.
    Always,
    /// `mode: CreateOnly` for both names and the container.
    CreateOnly,
}

/// One test's part of the lab.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) tenant: Tenant,
    pub(crate) product: Product,
    pub(crate) policy: Policy,
    /// DN of the container that may be written.
    pub(crate) container: String,
    /// DN of a container that may not.
    pub(crate) outside: String,
    /// objectGUID and DN of the lab's users.
    pub(crate) accounts: BTreeMap<Uuid, String>,
    /// DNs of groups in the container that are none of the product's business.
    pub(crate) bystanders: Vec<String>,
}

impl Stage {
    /// A stage whose people are linked to the lab's users in order, with one policy that writes
    /// everything eligible. `name` is that of the organizational unit, the owner and the policy.
    pub(crate) async fn new(name: &str, world: &mut World, upkeep: Upkeep) -> Self {
        let lab = Lab::here();
        link(&lab, world);
        let (container, outside) = lab.empty_ous(name);
        let tenant = Tenant::start(world).await.unwrap();
        let access = DirectoryAccess::lab(&lab, &[&container]);
        let product = Product::new(&tenant, &access);
        product.reconfigure("metadata: { name: corp }", &format!("metadata: {{ name: {name} }}"));
        let policy = policy(name, &container);
        let accounts = lab.users.iter().map(|user| (user.guid, user.dn.clone())).collect();
        let bystanders = Vec::new();
        let stage = Self { lab, tenant, product, policy, container, outside, accounts, bystanders };
        stage.product.policy(name, &spec(&stage.policy, upkeep));
        stage
    }

    /// The id of a living cloud group.
    #[track_caller]
    pub(crate) fn id(&self, display_name: &str) -> Uuid {
        self.tenant.cloud().group_named(display_name).unwrap().id
    }

    /// Changes the cloud.
    pub(crate) fn cloud<R>(&self, edit: impl FnOnce(&mut Cloud) -> R) -> R {
        self.tenant.edit(edit)
    }

    /// Runs a command; see [`Ran::expect`].
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.product.run(arguments)
    }

    /// What should be there.
    pub(crate) fn expected(&self) -> Expected {
        let cloud = self.tenant.cloud();
        let side = CloudSide::of_cloud(self.tenant.tenant_id(), &cloud);
        Expected::new(&side, &self.policy, &self.accounts)
    }

    /// The groups of the container without bystanders.
    pub(crate) fn found(&self) -> Vec<Found> {
        let mut groups = self.lab.groups(&self.container);
        groups.retain(|group| !self.bystanders.contains(&group.dn));
        groups.iter().map(found).collect()
    }

    /// The directory group of a cloud group.
    #[track_caller]
    pub(crate) fn group(&self, id: Uuid) -> Found {
        let found = self.found();
        let mut its = found.into_iter().filter(|group| group.anchor() == Some(id));
        let first = its.next().unwrap_or_else(|| panic!("{id} is not in {}", self.container));
        assert_eq!(its.next(), None, "a second group of {id}");
        first
    }

    /// The directory is what the oracle expects.
    #[track_caller]
    pub(crate) fn assert_in_step(&self) {
        self.assert_is(&self.expected());
    }

    /// The directory is this.
    #[track_caller]
    pub(crate) fn assert_is(&self, expected: &Expected) {
        let differences = expected.differences(&self.found(), &self.accounts);
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    }

    /// The journal's intents.
    pub(crate) fn intents(&self) -> Vec<serde_json::Value> {
        let lines = self.product.journal();
        lines.into_iter().filter(|line| line["kind"] == "intent").collect()
    }

    /// Runs the daemon until its first pass has ended, then asks it to stop.
    pub(crate) fn one_pass_of_run(&self) {
        let mut daemon = self.product.daemon();
        first_pass(&mut daemon);
        daemon.signal("TERM");
        assert_eq!(daemon.wait(), Some(0));
    }
}

/// A policy that writes everything eligible, of the same name as its owner.
pub(crate) fn policy(name: &str, container: &str) -> Policy {
    Policy {
        owner: name.to_owned(),
        name: name.to_owned(),
        container: container.to_owned(),
        flag: Flag::Honour,
        microsoft365: Type::FromCloud,
        common_name: Preset::DisplayNameAndId,
        account_name: Preset::DisplayNameAndId,
        external_id: true,
        foreign: BTreeSet::new(),
    }
}

/// The policy as its file says it.
pub(crate) fn spec(policy: &Policy, upkeep: Upkeep) -> String {
    let flag = match policy.flag {
        Flag::Honour => "Honour",
        Flag::RequireTrue => "RequireTrue",
        Flag::Ignore => "Ignore",
    };
    let kind = match policy.microsoft365 {
        Type::FromCloud => "FromCloud",
        Type::UniversalDistribution => "UniversalDistribution",
        Type::UniversalSecurity => "UniversalSecurity",
    };
    let preset = |preset: Preset| match preset {
        Preset::GroupId => "GroupId",
        Preset::DisplayNameAndId => "DisplayNameAndId",
    };
    let mode = match upkeep {
        Upkeep::Always => "Always",
        Upkeep::CreateOnly => "CreateOnly",
    };
    format!(
        "  mode: Sync
  selection: {{ writebackFlag: {flag} }}
  group:
    type: {kind}
    container: {{ value: '{container}', mode: {mode} }}
    commonName: {{ preset: {common_name}, mode: {mode} }}
    samAccountName: {{ preset: {account_name}, mode: {mode} }}",
        container = policy.container,
        common_name = preset(policy.common_name),
        account_name = preset(policy.account_name),
    )
}

/// Waits until the daemon's first pass has ended.
pub(crate) fn first_pass(daemon: &mut Daemon) {
    let address = daemon.status.clone();
    daemon.until("the first pass to end", || {
        let (_, body) = crate::product::get(&address, "/api/v1/status");
        let status: serde_json::Value = serde_json::from_str(&body).ok()?;
        status["lastPass"]["number"].as_u64()
    });
}

/// Gives everybody who has an account one of the lab's, in order. The lab's last user stays a
/// stranger to every cloud.
fn link(lab: &Lab, world: &mut World) {
    let (_, users) = lab.users.split_last().unwrap();
    let linked = world.people.iter().filter(|person| !person.cloud_only).count();
    assert!(linked <= users.len(), "the lab has {} users, {linked} are needed", users.len());
    let people = world.people.iter_mut().filter(|person| !person.cloud_only);
    for (person, user) in people.zip(users) {
        person.link = Some(Link { sid: user.sid.clone(), guid: user.guid });
    }
}

/// A group as the oracle takes it.
pub(crate) fn found(entry: &Entry) -> Found {
    Found {
        dn: entry.dn.clone(),
        guid: entry.guid(),
        sid: format!("{:?}", entry.sid()),
        attributes: entry.texts(),
    }
}

/// objectGUID and objectSid of every group, by cloud group.
pub(crate) fn identities(found: &[Found]) -> BTreeMap<Uuid, (Uuid, String)> {
    let anchored = found.iter().filter_map(|group| Some((group.anchor()?, group)));
    anchored.map(|(id, group)| (id, (group.guid, group.sid.clone()))).collect()
}
