//! What is asked of a state of the tenant.
//!
//! Input: a [`Cloud`]. Output: its objects, in the order of their ids, from any place on: a page
//! far into a list costs no more than the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Cloud, Object};
use crate::sim::world::{OtherObject, Person, TenantFacts, WorldGroup};

/// Whether a walk through nested groups enters those of hidden membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim::tenant) enum Depth {
    /// It does.
    Everything,
    /// It stops at them.
    NotHidden,
}

/// Walks by where they began and what they entered.
pub(super) type Walks = BTreeMap<(Uuid, Depth), Arc<Reached>>;

/// What a walk through nested groups found.
pub(in crate::sim::tenant) struct Reached {
    /// Members at any depth, sorted.
    pub(in crate::sim::tenant) ids: Vec<Uuid>,
    /// Whether it stopped at a group of hidden membership.
    pub(in crate::sim::tenant) met_hidden: bool,
}

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

    /// What the tenant says of itself.
    pub fn facts(&self) -> &TenantFacts {
        &self.facts
    }

    /// A living device, contact or other object.
    pub fn other(&self, id: Uuid) -> Option<&OtherObject> {
        self.others.get(&id).map(Arc::as_ref)
    }

    /// A living user.
    pub fn person(&self, id: Uuid) -> Option<&Person> {
        self.people.get(&id).map(Arc::as_ref)
    }

    /// The living users by id.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(Arc::as_ref)
    }

    /// The living objects of these ids, which are sorted, from after one of them on. A member
    /// that is soft-deleted is not shown, and is back when it is restored.
    pub(in crate::sim::tenant) fn living_after<'a>(
        &'a self,
        ids: &'a [Uuid],
        after: Option<Uuid>,
    ) -> impl Iterator<Item = Object<'a>> {
        let start = after.map_or(0, |after| ids.partition_point(|id| *id <= after));
        ids.get(start..).unwrap_or_default().iter().filter_map(|id| self.living(*id))
    }

    /// The living groups by id, from after one of them on.
    pub(in crate::sim::tenant) fn groups_after(
        &self,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = Object<'_>> {
        following(&self.groups, after).map(Object::Group)
    }

    /// The soft-deleted groups by id, from after one of them on.
    pub(in crate::sim::tenant) fn deleted_groups_after(
        &self,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = Object<'_>> {
        following(&self.deleted_groups, after).map(Object::Group)
    }

    /// The living users by id, from after one of them on.
    pub(in crate::sim::tenant) fn people_after(
        &self,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = &Person> {
        following(&self.people, after)
    }

    /// All members at any depth. A group in a cycle is a member of itself.
    pub(in crate::sim::tenant) fn transitive(
        &self,
        group: &WorldGroup,
        depth: Depth,
    ) -> Arc<Reached> {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let known = reached.entry((group.id, depth));
        Arc::clone(known.or_insert_with(|| Arc::new(self.walk(group, depth))))
    }

    fn walk(&self, group: &WorldGroup, depth: Depth) -> Reached {
        let mut seen = BTreeSet::new();
        let mut met_hidden = false;
        let mut open: Vec<Uuid> = group.members.clone();
        while let Some(id) = open.pop() {
            let Some(object) = self.living(id) else {
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            match object {
                Object::Group(inner) if depth == Depth::NotHidden && is_hidden(inner) => {
                    met_hidden = true;
                }
                Object::Group(inner) => open.extend(&inner.members),
                Object::Person(_) | Object::Other(_) => {}
            }
        }
        Reached { ids: seen.into_iter().collect(), met_hidden }
    }

    /// A soft-deleted group or user.
    pub(in crate::sim::tenant) fn deleted(&self, id: Uuid) -> Option<Object<'_>> {
        let group = self.deleted_groups.get(&id).map(|group| Object::Group(group));
        group.or_else(|| self.deleted_people.get(&id).map(|person| Object::Person(person)))
    }

    pub(in crate::sim::tenant) fn deleted_at(&self, id: Uuid) -> Option<Timestamp> {
        self.deleted_at.get(&id).copied()
    }

    pub(in crate::sim::tenant) fn said(&self, id: Uuid, property: &str) -> Option<&Value> {
        self.said.get(&id)?.get(property)
    }

    /// Whether any user comes from a directory.
    pub(in crate::sim::tenant) fn syncs(&self) -> bool {
        self.people.values().any(|person| person.link.is_some())
    }

    /// When this state was made.
    pub(in crate::sim::tenant) fn now(&self) -> Timestamp {
        self.now
    }

    /// Begins a new state, which nothing was asked of.
    pub(in crate::sim::tenant) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        self.reached = Arc::default();
    }

    /// A living object of any type.
    pub(in crate::sim::tenant) fn living(&self, id: Uuid) -> Option<Object<'_>> {
        let person = self.people.get(&id).map(|person| Object::Person(person));
        person
            .or_else(|| self.groups.get(&id).map(|group| Object::Group(group)))
            .or_else(|| self.others.get(&id).map(|other| Object::Other(other)))
    }
}

/// Whether the members of a group are shown to those alone who have the right to see them.
pub(in crate::sim::tenant) fn is_hidden(group: &WorldGroup) -> bool {
    group.visibility.as_deref() == Some("HiddenMembership")
}

fn following<T>(shelf: &BTreeMap<Uuid, Arc<T>>, after: Option<Uuid>) -> impl Iterator<Item = &T> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    shelf.range((from, Bound::Unbounded)).map(|(_, object)| object.as_ref())
}
