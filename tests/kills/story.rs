//! A tenant that goes on changing, the same for the same seed, and what it asks for.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, Person, World, WorldGroup, random_id};

use crate::ground::Ground;
use crate::oracle::{DISTRIBUTION, Expected, Wanted};

const PEOPLE: usize = 36;
const TEAMS: usize = 22;
/// Security groups that other security groups go into.
const NESTS: usize = 2;
/// New groups of one stir.
const NEWCOMERS: usize = 2;

/// What happened in the tenant so far.
pub(crate) struct Story {
    rng: Rng,
    people: Vec<Uuid>,
    nests: Vec<Uuid>,
    /// Groups whose flag is off, as they stay in the directory.
    ended: BTreeMap<Uuid, Wanted>,
    /// Groups that ended, or began again, since the directory was last in step: what stays of them
    /// is known because nothing else happens to them.
    fates: BTreeSet<Uuid>,
    /// Groups that are deleted for good.
    pub(crate) deleted: BTreeSet<Uuid>,
    serial: usize,
}

/// The tenant at the start of the story of a seed. `salt`: ids that a directory has not seen yet.
pub(crate) fn world(seed: u64, salt: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let mut ids = Rng::with_seed(seed ^ salt);
    let mut world = World::empty(seed ^ salt, "Contoso");
    world.people = (0..PEOPLE).map(|number| person(&mut ids, number)).collect();
    let people: Vec<Uuid> = world.people.iter().map(|person| person.id).collect();
    for number in 0..TEAMS {
        let security = number < NESTS || number % 2 == 0;
        let group = group(random_id(&mut ids), number, security, some(&mut rng, &people, 3..9));
        world.groups.push(group);
    }
    let child = world.groups[NESTS].id;
    world.groups[0].members.push(child);
    world
}

fn person(ids: &mut Rng, number: usize) -> Person {
    let account = format!("k{number:04}");
    Person {
        id: random_id(ids),
        display_name: format!("Person {number}"),
        user_principal_name: format!("{account}@corp.example"),
        sam_account_name: account,
        account_enabled: true,
        guest: false,
        // Somebody without an account in the directory.
        cloud_only: number % 18 == 17,
        link: None,
    }
}

fn group(id: Uuid, number: usize, security: bool, members: Vec<Uuid>) -> WorldGroup {
    let kind = if security { GroupKind::Security } else { GroupKind::Microsoft365 };
    WorldGroup {
        description: Some(format!("Team of {number}")),
        writeback_enabled: security.then_some(true),
        members,
        ..WorldGroup::new(id, &format!("Team {number}"), &format!("team{number}"), kind)
    }
}

fn some(rng: &mut Rng, of: &[Uuid], count: std::ops::Range<usize>) -> Vec<Uuid> {
    let count = rng.usize(count).min(of.len());
    let mut chosen = of.to_vec();
    rng.shuffle(&mut chosen);
    chosen.truncate(count);
    chosen
}

impl Story {
    pub(crate) fn new(seed: u64, world: &World) -> Self {
        Self {
            rng: Rng::with_seed(seed ^ 0x57_0e1e),
            people: world.people.iter().map(|person| person.id).collect(),
            nests: world.groups.iter().take(NESTS).map(|group| group.id).collect(),
            ended: BTreeMap::new(),
            fates: BTreeSet::new(),
            deleted: BTreeSet::new(),
            serial: TEAMS,
        }
    }

    /// What should be in the directory.
    pub(crate) fn expected(&self, ground: &Ground) -> Expected {
        let mut expected = ground.expected();
        expected.groups.extend(self.ended.iter().map(|(id, wanted)| (*id, wanted.clone())));
        expected
    }

    /// The directory is in step: what happens to a group from now on is the next thing.
    pub(crate) fn settled(&mut self) {
        self.fates.clear();
    }

    /// A little work: names, descriptions, members, newcomers.
    pub(crate) fn stir(&mut self, ground: &Ground, share: usize) {
        let mut ids: Vec<Uuid> = ground.expected().groups.into_keys().collect();
        ids.retain(|id| !self.fates.contains(id));
        self.rng.shuffle(&mut ids);
        let mut ids = ids.into_iter();
        for id in ids.by_ref().take(share) {
            self.serial += 1;
            let name = format!("Team {}, renamed", self.serial);
            ground.cloud(|cloud| cloud.rename_group(id, &name)).unwrap();
        }
        for id in ids.by_ref().take(share) {
            self.serial += 1;
            let text = self.rng.bool().then(|| format!("Description {}", self.serial));
            ground.cloud(|cloud| cloud.change(id, |group| group.description = text)).unwrap();
        }
        for id in ids.by_ref().take(2 * share) {
            self.exchange(ground, id);
        }
        for _ in 0..self.rng.usize(0..=NEWCOMERS) {
            let members = some(&mut self.rng, &self.people, 2..8);
            let id = random_id(&mut self.rng);
            self.serial += 1;
            let newcomer = group(id, self.serial, self.rng.bool(), members);
            ground.cloud(|cloud| cloud.create_group(newcomer));
        }
    }

    /// Members of a group go and come.
    fn exchange(&mut self, ground: &Ground, id: Uuid) {
        let members = ground.tenant.cloud().group(id).unwrap().members.clone();
        let (inside, outside): (Vec<Uuid>, Vec<Uuid>) =
            self.people.iter().partition(|person| members.contains(person));
        let most = inside.len().saturating_sub(1).min(3);
        let leaving = some(&mut self.rng, &inside, 0..most + 1);
        let coming = some(&mut self.rng, &outside, 0..4);
        ground.cloud(|cloud| {
            for person in leaving {
                cloud.remove_member(id, person).unwrap();
            }
            for person in coming {
                cloud.add_member(id, person).unwrap();
            }
        });
    }

    /// Groups end, come back, are deleted, change their type, go into other groups. The directory
    /// is in step.
    pub(crate) fn turn(&mut self, ground: &Ground) {
        let written = ground.expected().groups;
        let back: Vec<Uuid> = self.ended.keys().copied().collect();
        let mut lonely = self.lonely(ground);
        self.rng.shuffle(&mut lonely);
        let mut lonely = lonely.into_iter();
        for id in back.into_iter().take(2) {
            self.ended.remove(&id);
            self.fates.insert(id);
            ground.cloud(|cloud| flag(cloud, id, true));
        }
        for id in lonely.by_ref().filter(|id| written.contains_key(id)).take(2) {
            let mut stays = written[&id].clone();
            stays.attributes.insert("groupType", Some(DISTRIBUTION.to_string()));
            stays.record = stays.record.replace("state=Active", "state=Disabled");
            self.ended.insert(id, stays);
            self.fates.insert(id);
            ground.cloud(|cloud| flag(cloud, id, false));
        }
        for id in lonely.by_ref().take(1) {
            self.deleted.insert(id);
            ground.cloud(|cloud| cloud.hard_delete_group(id)).unwrap();
        }
        for id in lonely.by_ref().take(2) {
            convert(ground, id);
        }
        let kind = |id: &Uuid| ground.tenant.cloud().group(*id).unwrap().kind.clone();
        let child = lonely.find(|id| kind(id) == GroupKind::Security);
        let nest = self.nests[self.rng.usize(..self.nests.len())];
        let children: Vec<Uuid> = ground.tenant.cloud().group(nest).unwrap().members.clone();
        ground.cloud(|cloud| {
            let was = children.iter().copied().find(|id| cloud.group(*id).is_some());
            if let Some(id) = was {
                cloud.remove_member(nest, id).unwrap();
            }
            if let Some(id) = child {
                cloud.add_member(nest, id).unwrap();
            }
        });
    }

    /// Written groups that hold no group and are in none, and had no fate yet.
    fn lonely(&self, ground: &Ground) -> Vec<Uuid> {
        let cloud = ground.tenant.cloud();
        let nested: BTreeSet<Uuid> = cloud.groups().flat_map(|g| g.members.clone()).collect();
        let written = ground.expected().groups.into_keys();
        written
            .filter(|id| !nested.contains(id) && !self.nests.contains(id))
            .filter(|id| !self.fates.contains(id))
            .collect()
    }
}

/// A Microsoft 365 group becomes what it is not.
fn convert(ground: &Ground, id: Uuid) {
    ground.cloud(|cloud| {
        let group = cloud.group(id).unwrap();
        if group.kind == GroupKind::Microsoft365 {
            const SECURITY: &str = "universalSecurityGroup";
            let is_security = group.writeback_type.as_deref() == Some(SECURITY);
            let word = if is_security { "universalDistributionGroup" } else { SECURITY };
            cloud.set_flag(id, Some(true), Some(word)).unwrap();
        }
    });
}

/// Switches writeback of a group on or off; its type stays.
fn flag(cloud: &mut writeback::sim::tenant::Cloud, id: Uuid, on: bool) {
    let kind = cloud.group(id).unwrap().writeback_type.clone();
    cloud.set_flag(id, Some(on), kind.as_deref()).unwrap();
}
