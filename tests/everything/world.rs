//! A world with one of everything that the plan for group writeback and SEMANTICS 4 to 7 name.
//!
//! The directory is made first and gives out objectGUIDs and SIDs; the tenant repeats them, and so
//! does the [`Truth`] by which an oracle judges.

#[path = "world/groups.rs"]
mod groups;
#[path = "world/people.rs"]
mod people;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;
use writeback::sim::tenant::Tenant;
use writeback::sim::world::World;

use crate::course::Truth;
use crate::directory::Object;
use crate::ground::Ground;

/// People with accounts and nothing else to them: `p01` and so on.
const PEOPLE: usize = 24;
/// Groups of each kind beside those with a story, `team 01` and so on: the guards of a policy with
/// few groups let one change at a time pass.
const TEAMS: usize = 24;

/// The world, and who is who in it.
pub struct Cast {
    /// The cloud side.
    pub world: World,
    /// What stands behind it.
    pub truth: Truth,
    /// Objects of the container that are none of the product's business.
    pub bystanders: BTreeSet<Uuid>,
    tag: String,
    ids: BTreeMap<String, Uuid>,
    objects: BTreeMap<String, Object>,
    said: Vec<(Uuid, &'static str, Value)>,
}

impl Cast {
    /// Makes the directory's part and gathers the tenant's. `tag` stands in front of names that are
    /// unique in a domain.
    pub async fn assemble(ground: &mut Ground, tag: &str) -> Self {
        // Tombstones of earlier runs carry the ids of theirs.
        let world = World::empty(fastrand::u64(..), "Contoso");
        let truth = Truth { exchange: true, ..Truth::default() };
        let mut cast = Self {
            world,
            truth,
            bystanders: BTreeSet::new(),
            tag: tag.to_owned(),
            ids: BTreeMap::new(),
            objects: BTreeMap::new(),
            said: Vec::new(),
        };
        cast.people(ground).await;
        cast.devices(ground).await;
        cast.directory_groups(ground).await;
        cast.things();
        cast.microsoft365_groups();
        cast.security_groups();
        cast.other_groups();
        cast.actors();
        cast.teams();
        cast.is_whole();
        cast
    }

    /// Starts the tenant.
    pub async fn tenant(&self) -> Tenant {
        let tenant = Tenant::start(&self.world).await.unwrap();
        tenant.edit(|cloud| {
            for (id, property, value) in &self.said {
                cloud.say(*id, property, value.clone());
            }
        });
        tenant
    }

    /// The id of something in the cloud.
    pub fn id(&self, name: &str) -> Uuid {
        *self.ids.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// objectGUID of something that was in the directory before us.
    pub fn guid(&self, name: &str) -> Uuid {
        self.objects[name].guid
    }

    /// A name that is unique in the domain, fit for an account and an address.
    fn tagged(&self, name: &str) -> String {
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("{}-{}", self.tag, words.join("-").to_lowercase())
    }

    fn id_for(&mut self, name: &str) -> Uuid {
        *self.ids.entry(name.to_owned()).or_insert_with(Uuid::new_v4)
    }

    /// Every name that something is a member by belongs to something.
    fn is_whole(&self) {
        let world = &self.world;
        let made: BTreeSet<Uuid> = (world.people.iter().map(|one| one.id))
            .chain(world.groups.iter().map(|one| one.id))
            .chain(world.others.iter().map(|one| one.id))
            .collect();
        for (name, id) in &self.ids {
            assert!(made.contains(id), "{name} is a member of something and was never made");
        }
    }
}
