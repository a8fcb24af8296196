//! The story that `writeback demo` tells: what happens to the small world, scene by scene.
//!
//! Each scene edits the simulated tenant or domain as people would; what the product makes of it
//! is not known here.

use std::io;

use super::domain::{Domain, DomainOptions, Refusal};
use super::tenant::Tenant;
use super::world::World;

/// The seed of the demonstration: any would do, a fixed one makes every run tell the same story.
const SEED: u64 = 7;
/// The container that the story's policies write to.
pub const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";
const PEOPLE: &str = "OU=People,DC=corp,DC=example";

/// The stage: a tenant and a domain that know the same people.
pub struct Stage {
    /// The cloud side.
    pub tenant: Tenant,
    /// The directory side.
    pub domain: Domain,
}

/// One scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Nothing is in the directory yet.
    FirstWriteback,
    /// A group gets another display name in the cloud.
    Rename,
    /// A group becomes a member of another group in the cloud.
    NestedGroup,
    /// An administrator edits the written groups by hand.
    EditedByHand,
    /// Somebody removes nearly everybody from a group in the cloud.
    MassRemoval,
    /// The cloud is put right again.
    PutRight,
}

impl Scene {
    /// All scenes in order.
    pub const ALL: [Self; 6] = [
        Self::FirstWriteback,
        Self::Rename,
        Self::NestedGroup,
        Self::EditedByHand,
        Self::MassRemoval,
        Self::PutRight,
    ];

    /// How long after the beginning of the story it happens: what was written less than a day ago
    /// may be taken back without a guard.
    pub fn hours_later(self) -> i64 {
        match self {
            Self::FirstWriteback | Self::Rename | Self::NestedGroup | Self::EditedByHand => 0,
            Self::MassRemoval | Self::PutRight => 25,
        }
    }

    /// What happens, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::FirstWriteback => "Eight groups live in the cloud, none in the directory.",
            Self::Rename => "In the cloud, Finance is renamed to Finance & Controlling.",
            Self::NestedGroup => "In the cloud, APP-Payroll-Admins becomes a member of VPN Users.",
            Self::EditedByHand => {
                "In the directory, somebody adds a stranger to Engineering, removes Ada from \
                 Finance & Controlling, and renames Board."
            }
            Self::MassRemoval => {
                "A day later, in the cloud, 11 of 12 people are removed from All Employees."
            }
            Self::PutRight => "In the cloud, All Employees is put right again.",
        }
    }
}

impl Stage {
    /// Builds the stage before the first scene.
    pub async fn build() -> io::Result<Self> {
        let domain = Domain::start(DomainOptions::default()).await?;
        let mut world = World::small(SEED);
        world.link_all(&domain.domain_sid());
        furnish(&domain, &world).map_err(stage_fault)?;
        let tenant = Tenant::start(&world).await?;
        Ok(Self { tenant, domain })
    }

    /// Lets a scene happen.
    pub fn play(&self, scene: Scene) -> io::Result<()> {
        match scene {
            Scene::FirstWriteback => Ok(()),
            Scene::Rename => self.cloud(|cloud| {
                let id = named(cloud, "Finance")?;
                cloud.rename_group(id, "Finance & Controlling").map_err(stage_fault)
            }),
            Scene::NestedGroup => self.cloud(|cloud| {
                let (parent, child) =
                    (named(cloud, "VPN Users")?, named(cloud, "APP-Payroll-Admins")?);
                cloud.add_member(parent, child).map_err(stage_fault)
            }),
            Scene::EditedByHand => self.edit_by_hand(),
            Scene::MassRemoval => self.cloud(|cloud| {
                let id = named(cloud, "All Employees")?;
                let leaving: Vec<_> = cloud.people().skip(1).map(|person| person.id).collect();
                leaving
                    .into_iter()
                    .try_for_each(|person| cloud.remove_member(id, person).map_err(stage_fault))
            }),
            Scene::PutRight => self.cloud(|cloud| {
                let id = named(cloud, "All Employees")?;
                let returning: Vec<_> = cloud.people().skip(1).map(|person| person.id).collect();
                returning
                    .into_iter()
                    .try_for_each(|person| cloud.add_member(id, person).map_err(stage_fault))
            }),
        }
    }

    fn cloud(
        &self,
        edit: impl FnOnce(&mut super::tenant::Cloud) -> io::Result<()>,
    ) -> io::Result<()> {
        self.tenant.edit(edit)
    }

    fn edit_by_hand(&self) -> io::Result<()> {
        let groups: Vec<_> = self
            .domain
            .dump()
            .into_iter()
            .filter(|entry| entry.class() == Some("group") && entry.dn.ends_with(CONTAINER))
            .collect();
        let dn = |display_name: &str| {
            groups
                .iter()
                .find(|entry| entry.text("displayName") == Some(display_name))
                .map(|entry| entry.dn.clone())
                .ok_or_else(|| stage_fault(format!("{display_name} is not in the directory")))
        };
        let (engineering, finance) = (dn("Engineering")?, dn("Finance & Controlling")?);
        let board = dn("Board")?;
        self.domain
            .edit(|tree| {
                let stranger = tree.child_dn("Mallory", PEOPLE)?;
                let ada = tree.child_dn("Ada Lovelace", PEOPLE)?;
                tree.add_member(&engineering, &stranger)?;
                tree.remove_member(&finance, &ada)?;
                tree.rename_to(&board, "The Board").map(|_| ())
            })
            .map_err(stage_fault)
    }
}

/// What the directory holds before the first scene: people, containers, a stranger, and groups
/// that are none of our business.
fn furnish(domain: &Domain, world: &World) -> Result<(), Refusal> {
    let base = domain.base_dn();
    domain.edit(|tree| {
        tree.add_ou("Cloud Groups", &base)?;
        tree.add_ou("People", &base)?;
        for person in &world.people {
            let link = person.link.as_ref();
            let (guid, sid) = (link.map(|link| link.guid), link.map(|link| link.sid.as_str()));
            tree.add_user(&person.display_name, PEOPLE, &person.sam_account_name, guid, sid)?;
        }
        tree.add_user("Mallory", PEOPLE, "mallory", None, None)?;
        tree.add_group("Printer Users", CONTAINER, "printer-users", -2_147_483_646)?;
        Ok(())
    })?;
    domain.delegate(CONTAINER)
}

fn named(cloud: &super::tenant::Cloud, display_name: &str) -> io::Result<uuid::Uuid> {
    let group = cloud.group_named(display_name);
    group
        .map(|group| group.id)
        .ok_or_else(|| stage_fault(format!("{display_name} is not in the tenant")))
}

fn stage_fault(why: impl std::fmt::Debug) -> io::Error {
    io::Error::other(format!("the stage is not as the story needs it: {why:?}"))
}
