//! What the tenant holds: groups, users, deleted items, and what tests do to them.
//!
//! Input: a [`World`], then edits. Output: looked at by the answers, whole or as it was some
//! edits ago. Copies are cheap: every object is shared between the states that hold it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::sim::world::{GroupKind, Link, OtherObject, Person, World, WorldGroup};

/// An edit names an object that the tenant does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find object {0} in the simulated tenant")]
pub struct NoSuchObject(pub Uuid);

/// One state of the tenant.
#[derive(Clone)]
pub struct Cloud {
    pub(super) tenant_id: Uuid,
    pub(super) tenant_name: String,
    groups: BTreeMap<Uuid, Arc<WorldGroup>>,
    deleted_groups: BTreeMap<Uuid, Arc<WorldGroup>>,
    people: BTreeMap<Uuid, Arc<Person>>,
    deleted_people: BTreeMap<Uuid, Arc<Person>>,
    others: BTreeMap<Uuid, Arc<OtherObject>>,
    /// When each soft-deleted object was deleted.
    deleted_at: BTreeMap<Uuid, Timestamp>,
    /// Values told instead of the true ones, by object and property.
    said: BTreeMap<Uuid, BTreeMap<String, Value>>,
    now: Timestamp,
}

/// An object that may be a member.
#[derive(Clone, Copy)]
pub(super) enum Object<'a> {
    Group(&'a WorldGroup),
    Person(&'a Person),
    Other(&'a OtherObject),
}

impl Object<'_> {
    pub(super) fn id(self) -> Uuid {
        match self {
            Object::Group(group) => group.id,
            Object::Person(person) => person.id,
            Object::Other(other) => other.id,
        }
    }
}

/// Edits. A group is looked for among the living, then among the deleted.
impl Cloud {
    /// The state a world starts with.
    pub(super) fn new(world: &World, now: Timestamp) -> Self {
        let mut cloud = Self {
            tenant_id: world.tenant_id,
            tenant_name: world.tenant_name.clone(),
            groups: BTreeMap::new(),
            deleted_groups: BTreeMap::new(),
            people: world.people.iter().map(|person| (person.id, person.clone().into())).collect(),
            deleted_people: BTreeMap::new(),
            others: world.others.iter().map(|other| (other.id, other.clone().into())).collect(),
            deleted_at: BTreeMap::new(),
            said: BTreeMap::new(),
            now,
        };
        for group in &world.groups {
            cloud.create_group(group.clone());
        }
        cloud
    }

    /// Adds a group, or puts this one in the place of the group of its id.
    pub fn create_group(&mut self, mut group: WorldGroup) {
        group.members.sort_unstable();
        group.members.dedup();
        self.groups.insert(group.id, Arc::new(group));
    }

    /// Changes anything of a group except its id.
    pub fn change<R>(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut WorldGroup) -> R,
    ) -> Result<R, NoSuchObject> {
        let group = match self.groups.get_mut(&id) {
            Some(group) => group,
            None => self.deleted_groups.get_mut(&id).ok_or(NoSuchObject(id))?,
        };
        let group = Arc::make_mut(group);
        let answer = edit(group);
        // Pages are cut by id: members stay sorted and each once whatever the edit did.
        group.id = id;
        group.members.sort_unstable();
        group.members.dedup();
        Ok(answer)
    }

    /// Gives a group another display name.
    pub fn rename_group(&mut self, id: Uuid, display_name: &str) -> Result<(), NoSuchObject> {
        self.change(id, |group| display_name.clone_into(&mut group.display_name))
    }

    /// Makes it a group of another kind.
    pub fn set_kind(&mut self, id: Uuid, kind: GroupKind) -> Result<(), NoSuchObject> {
        self.change(id, |group| group.kind = kind)
    }

    /// Sets both parts of the writeback flag.
    pub fn set_flag(
        &mut self,
        id: Uuid,
        enabled: Option<bool>,
        directory_type: Option<&str>,
    ) -> Result<(), NoSuchObject> {
        self.change(id, |group| {
            group.writeback_enabled = enabled;
            group.writeback_type = directory_type.map(str::to_owned);
        })
    }

    /// Adds a direct member; twice is once.
    pub fn add_member(&mut self, group: Uuid, member: Uuid) -> Result<(), NoSuchObject> {
        self.change(group, |group| group.members.push(member))
    }

    /// Removes a direct member; one who is none stays none.
    pub fn remove_member(&mut self, group: Uuid, member: Uuid) -> Result<(), NoSuchObject> {
        self.change(group, |group| group.members.retain(|id| *id != member))
    }

    /// Deletes a group as its owner would. Microsoft 365 and security groups can be restored for
    /// 30 days, the other kinds are gone at once (Message Center MC1183299; msgraph-sdk 1.65.0,
    /// DELETE /groups/{id}).
    pub fn soft_delete_group(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let group = self.groups.get(&id).ok_or(NoSuchObject(id))?.clone();
        match group.kind {
            GroupKind::Microsoft365 | GroupKind::Security => {
                self.groups.remove(&id);
                self.deleted_groups.insert(id, group);
                self.deleted_at.insert(id, self.now);
                Ok(())
            }
            GroupKind::MailEnabledSecurity
            | GroupKind::DistributionList
            | GroupKind::Unusual { .. } => self.hard_delete_group(id),
        }
    }

    /// Brings a soft-deleted group back with its properties and members (MC1183299).
    pub fn restore_group(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let group = self.deleted_groups.remove(&id).ok_or(NoSuchObject(id))?;
        self.deleted_at.remove(&id);
        self.groups.insert(id, group);
        Ok(())
    }

    /// Deletes a group for good, whether it was soft-deleted before or not.
    pub fn hard_delete_group(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let living = self.groups.remove(&id);
        let deleted = self.deleted_groups.remove(&id);
        self.deleted_at.remove(&id);
        living.or(deleted).ok_or(NoSuchObject(id))?;
        self.forget_member(id);
        Ok(())
    }

    /// Adds a user, or puts this one in the place of the user of its id.
    pub fn create_person(&mut self, person: Person) {
        self.people.insert(person.id, Arc::new(person));
    }

    /// Adds an object of another type, or puts this one in the place of the object of its id.
    pub fn create_other(&mut self, other: OtherObject) {
        self.others.insert(other.id, Arc::new(other));
    }

    /// Changes anything of a living user except the id.
    pub fn change_person<R>(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut Person) -> R,
    ) -> Result<R, NoSuchObject> {
        let person = Arc::make_mut(self.people.get_mut(&id).ok_or(NoSuchObject(id))?);
        let answer = edit(person);
        person.id = id;
        Ok(answer)
    }

    /// Lets a user sign in, or not.
    pub fn set_account_enabled(&mut self, id: Uuid, enabled: bool) -> Result<(), NoSuchObject> {
        self.change_person(id, |person| person.account_enabled = enabled)
    }

    /// Gives a user another directory account, or none.
    pub fn set_link(&mut self, id: Uuid, link: Option<Link>) -> Result<(), NoSuchObject> {
        self.change_person(id, |person| person.link = link)
    }

    /// Soft-deletes a user: no listing shows them, their memberships are kept
    /// (learn.microsoft.com/graph/delta-query-groups).
    pub fn soft_delete_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let person = self.people.remove(&id).ok_or(NoSuchObject(id))?;
        self.deleted_people.insert(id, person);
        self.deleted_at.insert(id, self.now);
        Ok(())
    }

    /// Brings a soft-deleted user back.
    pub fn restore_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let person = self.deleted_people.remove(&id).ok_or(NoSuchObject(id))?;
        self.deleted_at.remove(&id);
        self.people.insert(id, person);
        Ok(())
    }

    /// Deletes a user for good, with all memberships.
    pub fn hard_delete_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let living = self.people.remove(&id);
        let deleted = self.deleted_people.remove(&id);
        self.deleted_at.remove(&id);
        living.or(deleted).ok_or(NoSuchObject(id))?;
        self.forget_member(id);
        Ok(())
    }

    /// Lets the tenant tell this value of a property instead of the true one, for states no
    /// edit leads to: a SID without an immutable id, two users of one SID, a null.
    pub fn say(&mut self, id: Uuid, property: &str, value: Value) {
        self.said.entry(id).or_default().insert(property.to_owned(), value);
    }

    /// Takes back everything said of an object.
    pub fn unsay(&mut self, id: Uuid) {
        self.said.remove(&id);
    }

    fn forget_member(&mut self, id: Uuid) {
        for group in self.groups.values_mut().chain(self.deleted_groups.values_mut()) {
            if let Ok(place) = group.members.binary_search(&id) {
                Arc::make_mut(group).members.remove(place);
            }
        }
    }
}

/// Questions.
impl Cloud {
    /// A living group.
    pub fn group(&self, id: Uuid) -> Option<&WorldGroup> {
        self.groups.get(&id).map(Arc::as_ref)
    }

    /// The first living group of this display name.
    pub fn group_named(&self, display_name: &str) -> Option<&WorldGroup> {
        self.groups().find(|group| group.display_name == display_name)
    }

    /// The living groups by id.
    pub fn groups(&self) -> impl Iterator<Item = &WorldGroup> {
        self.groups.values().map(Arc::as_ref)
    }

    /// The soft-deleted groups by id.
    pub fn deleted_groups(&self) -> impl Iterator<Item = &WorldGroup> {
        self.deleted_groups.values().map(Arc::as_ref)
    }

    /// A living user.
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.people.get(&id).map(Arc::as_ref)
    }

    /// The living users by id.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(Arc::as_ref)
    }

    /// The direct members of a living group that are not deleted, by id.
    pub(super) fn members(&self, group: &WorldGroup) -> Vec<Object<'_>> {
        group.members.iter().filter_map(|id| self.object(*id)).collect()
    }

    /// All members at any depth, by id. A group in a cycle is a member of itself.
    pub(super) fn transitive_members(&self, group: &WorldGroup) -> Vec<Object<'_>> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<Uuid> = group.members.clone();
        while let Some(id) = open.pop() {
            let Some(object) = self.object(id) else {
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            match object {
                Object::Group(inner) => open.extend(&inner.members),
                Object::Person(_) | Object::Other(_) => {}
            }
        }
        seen.into_iter().filter_map(|id| self.object(id)).collect()
    }

    /// A soft-deleted group or user.
    pub(super) fn deleted(&self, id: Uuid) -> Option<Object<'_>> {
        let group = self.deleted_groups.get(&id).map(|group| Object::Group(group));
        group.or_else(|| self.deleted_people.get(&id).map(|person| Object::Person(person)))
    }

    pub(super) fn deleted_at(&self, id: Uuid) -> Option<Timestamp> {
        self.deleted_at.get(&id).copied()
    }

    pub(super) fn said(&self, id: Uuid, property: &str) -> Option<&Value> {
        self.said.get(&id)?.get(property)
    }

    /// Whether any user comes from a directory.
    pub(super) fn syncs(&self) -> bool {
        self.people.values().any(|person| person.link.is_some())
    }

    /// When this state was made.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn object(&self, id: Uuid) -> Option<Object<'_>> {
        let person = self.people.get(&id).map(|person| Object::Person(person));
        person
            .or_else(|| self.groups.get(&id).map(|group| Object::Group(group)))
            .or_else(|| self.others.get(&id).map(|other| Object::Other(other)))
    }
}
