//! What the tenant holds: groups, users, deleted items, and what tests do to them.
//!
//! Input: a [`World`], then edits. Output: looked at by the answers, whole or as it was some
//! edits ago. Copies are cheap: every object is shared between the states that hold it, and so
//! are the two largest of its shelves.

mod questions;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::sim::world::{GroupKind, Link, OtherObject, Person, TenantFacts, World, WorldGroup};

use self::questions::Walks;
pub(super) use self::questions::{Depth, Reached, is_hidden};

/// How long a deleted object can be restored
/// (learn.microsoft.com/graph/api/resources/directory, deleted items).
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

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
    people: Arc<BTreeMap<Uuid, Arc<Person>>>,
    deleted_people: BTreeMap<Uuid, Arc<Person>>,
    others: Arc<BTreeMap<Uuid, Arc<OtherObject>>>,
    facts: TenantFacts,
    /// When each soft-deleted object was deleted.
    deleted_at: BTreeMap<Uuid, Timestamp>,
    /// Values told instead of the true ones, by object and property.
    said: BTreeMap<Uuid, BTreeMap<String, Value>>,
    now: Timestamp,
    /// The transitive members asked for since the last edit: pages of a large group come by the
    /// hundred.
    reached: Arc<Mutex<Walks>>,
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
            people: Arc::new(
                world.people.iter().map(|person| (person.id, person.clone().into())).collect(),
            ),
            deleted_people: BTreeMap::new(),
            others: Arc::new(
                world.others.iter().map(|other| (other.id, other.clone().into())).collect(),
            ),
            facts: world.facts.clone(),
            deleted_at: BTreeMap::new(),
            said: BTreeMap::new(),
            now,
            reached: Arc::default(),
        };
        for group in &world.groups {
            cloud.put_group(group.clone());
        }
        cloud
    }

    /// Adds a group, made now if it does not say when, or puts this one in the place of the group
    /// of its id. Whether the tenant gives a new Microsoft 365 group a flag of its own by
    /// `NewUnifiedGroupWritebackDefault` is not documented: the group says what its flag is.
    pub fn create_group(&mut self, mut group: WorldGroup) {
        if !self.groups.contains_key(&group.id) {
            group.created.get_or_insert(self.now);
        }
        self.put_group(group);
    }

    fn put_group(&mut self, mut group: WorldGroup) {
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
    /// 30 days, the other kinds and those mastered on-premises are gone at once (Message Center
    /// MC1183299; msgraph-sdk 1.65.0, DELETE /groups/{id}). So are security groups in a tenant
    /// whose facts say that they cannot be restored.
    pub fn soft_delete_group(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let group = self.groups.get(&id).ok_or(NoSuchObject(id))?.clone();
        let of_a_kind = match &group.kind {
            GroupKind::Microsoft365 => true,
            GroupKind::Security => self.facts.security_groups_restorable,
            GroupKind::Unusual { group_types, .. } => {
                group_types.iter().any(|one| one == "Unified")
            }
            GroupKind::MailEnabledSecurity | GroupKind::DistributionList => false,
        };
        if !of_a_kind || group.on_premises_sync_enabled == Some(true) {
            return self.hard_delete_group(id);
        }
        self.groups.remove(&id);
        self.deleted_groups.insert(id, group);
        self.deleted_at.insert(id, self.now);
        Ok(())
    }

    /// Ends the 30 days of everything deleted before `now` less 30 days, as the service does by
    /// itself (learn.microsoft.com/graph/api/resources/directory, deleted items). The tenant's
    /// clock can be shifted.
    pub fn purge(&mut self) {
        let over = |at: &Timestamp| self.now.duration_since(*at) >= RETENTION;
        let gone: Vec<Uuid> =
            self.deleted_at.iter().filter(|(_, at)| over(at)).map(|(id, _)| *id).collect();
        for id in gone {
            let _gone = self.hard_delete_group(id).or_else(|_| self.hard_delete_person(id));
        }
    }

    /// Changes what the tenant says of itself.
    pub fn change_facts<R>(&mut self, edit: impl FnOnce(&mut TenantFacts) -> R) -> R {
        edit(&mut self.facts)
    }

    /// Converts a group mastered on-premises to the cloud; its SID stays
    /// (learn.microsoft.com/entra/identity/hybrid/how-to-group-source-of-authority-configure).
    /// What `onPremisesSyncEnabled` shows then, false or null, is not documented: `sync_enabled`.
    pub fn convert_group(
        &mut self,
        id: Uuid,
        sync_enabled: Option<bool>,
    ) -> Result<(), NoSuchObject> {
        self.change(id, |group| {
            group.on_premises_sync_enabled = sync_enabled.filter(|enabled| !enabled);
        })
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
        Arc::make_mut(&mut self.people).insert(person.id, Arc::new(person));
    }

    /// Adds an object of another type, or puts this one in the place of the object of its id.
    pub fn create_other(&mut self, other: OtherObject) {
        Arc::make_mut(&mut self.others).insert(other.id, Arc::new(other));
    }

    /// Changes anything of a living device, contact or other object except the id.
    pub fn change_other<R>(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut OtherObject) -> R,
    ) -> Result<R, NoSuchObject> {
        let others = Arc::make_mut(&mut self.others);
        let other = Arc::make_mut(others.get_mut(&id).ok_or(NoSuchObject(id))?);
        let answer = edit(other);
        other.id = id;
        Ok(answer)
    }

    /// Deletes a device, contact or other object for good, with all memberships: none of them
    /// has a second life (learn.microsoft.com/graph/api/resources/directory; identities of
    /// applications have one, but nobody here asks for it).
    pub fn hard_delete_other(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        Arc::make_mut(&mut self.others).remove(&id).ok_or(NoSuchObject(id))?;
        self.forget_member(id);
        Ok(())
    }

    /// Changes anything of a living user except the id.
    pub fn change_person<R>(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut Person) -> R,
    ) -> Result<R, NoSuchObject> {
        let person =
            Arc::make_mut(Arc::make_mut(&mut self.people).get_mut(&id).ok_or(NoSuchObject(id))?);
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

    /// Lets these users show no link any more, whoever asks, though they are still synchronised:
    /// [`Cloud::unsay`] brings it back. A user who is no longer synchronised is one without a
    /// link ([`Cloud::set_link`]).
    pub fn lose_links(&mut self, people: impl IntoIterator<Item = Uuid>) {
        for id in people {
            self.say(id, "onPremisesSecurityIdentifier", Value::Null);
            self.say(id, "onPremisesImmutableId", Value::Null);
        }
    }

    /// Soft-deletes a user: no listing shows them, their memberships are kept
    /// (learn.microsoft.com/graph/delta-query-groups).
    pub fn soft_delete_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let person = Arc::make_mut(&mut self.people).remove(&id).ok_or(NoSuchObject(id))?;
        self.deleted_people.insert(id, person);
        self.deleted_at.insert(id, self.now);
        Ok(())
    }

    /// Brings a soft-deleted user back.
    pub fn restore_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let person = self.deleted_people.remove(&id).ok_or(NoSuchObject(id))?;
        self.deleted_at.remove(&id);
        Arc::make_mut(&mut self.people).insert(id, person);
        Ok(())
    }

    /// Deletes a user for good, with all memberships.
    pub fn hard_delete_person(&mut self, id: Uuid) -> Result<(), NoSuchObject> {
        let living = Arc::make_mut(&mut self.people).remove(&id);
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
