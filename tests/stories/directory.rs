//! The directory of a story: objects, their names, values and members, and what it refuses, as
//! Active Directory refuses it. Plain values; nothing of the product decides in here.
//!
//! The codes are those of MS-ADTS 3.1.1.1.9 and MS-ERREF 2.2 that the product reads.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use writeback::model::change::AttributeChange;
use writeback::model::{AttributeName, Dn, ObjectGuid, Operation, Sid, Target};

use crate::names::{ELSEWHERE, GROUPS, PEOPLE, QUARANTINE, dn, sid};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    User,
    Group,
    Container,
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) guid: ObjectGuid,
    pub(crate) sid: Option<Sid>,
    pub(crate) class: Class,
    pub(crate) dn: Dn,
    /// By attribute name as the schema spells it.
    pub(crate) values: BTreeMap<String, Vec<String>>,
    pub(crate) members: BTreeSet<ObjectGuid>,
}

impl Object {
    pub(crate) fn values(&self, name: &str) -> &[String] {
        let known = self.values.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or(&[], |(_, values)| values.as_slice())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).first().map(String::as_str)
    }

    pub(crate) fn is_privileged(&self) -> bool {
        self.value("adminCount") == Some("1")
    }
}

/// A deleted object, whole, and the groups it was in.
#[derive(Clone, Debug)]
pub(crate) struct Grave {
    pub(crate) object: Object,
    pub(crate) holders: BTreeSet<ObjectGuid>,
}

/// The directory as it stands. Cheap to copy: objects are shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) objects: BTreeMap<ObjectGuid, Rc<Object>>,
    pub(crate) graves: BTreeMap<ObjectGuid, Rc<Grave>>,
    made: u64,
}

/// A refusal: result code and what stands before the first colon of the message.
pub(crate) type No = (u32, &'static str);

/// The attributes that hold several values.
const SHARED: [&str; 2] = ["extensionName", "proxyAddresses"];

impl Directory {
    /// Containers and nothing in them.
    pub(crate) fn begin() -> Self {
        let mut directory = Self::default();
        for container in [GROUPS, QUARANTINE, PEOPLE, ELSEWHERE] {
            directory.place(Class::Container, dn(container), &[]);
        }
        directory
    }

    /// An object that is simply there.
    pub(crate) fn place(&mut self, class: Class, dn: Dn, values: &[(&str, &str)]) -> ObjectGuid {
        let mut own: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in values {
            own.entry((*name).to_owned()).or_default().push((*value).to_owned());
        }
        let guid = self.number();
        let sid = (class != Class::Container).then(|| sid(1_000 + self.made));
        let members = BTreeSet::new();
        self.put(Object { guid, sid, class, dn, values: own, members });
        guid
    }

    fn number(&mut self) -> ObjectGuid {
        self.made += 1;
        ObjectGuid(uuid::Uuid::from_u64_pair(0x0bec_0000_0000_0000 | self.made, self.made))
    }

    fn put(&mut self, object: Object) {
        self.objects.insert(object.guid, Rc::new(object));
    }

    pub(crate) fn get(&self, guid: ObjectGuid) -> Option<&Object> {
        self.objects.get(&guid).map(Rc::as_ref)
    }

    /// Changes an object by somebody's hand.
    pub(crate) fn edit(&mut self, guid: ObjectGuid, change: impl FnOnce(&mut Object)) {
        if let Some(object) = self.objects.get_mut(&guid) {
            change(Rc::make_mut(object));
        }
    }

    pub(crate) fn named(&self, dn: &Dn) -> Option<&Object> {
        let key = dn.key();
        let leaf = dn.leaf();
        let mut all = self.objects.values().map(Rc::as_ref);
        // The leaf first: a key is dear.
        all.find(|one| one.dn.leaf().eq_ignore_ascii_case(leaf) && one.dn.key() == key)
    }

    /// The object with that pre-Windows 2000 name.
    fn holds_account(&self, name: &str) -> Option<ObjectGuid> {
        let mut all = self.objects.values();
        let found = all.find(|one| {
            one.value("sAMAccountName").is_some_and(|own| own.eq_ignore_ascii_case(name))
        });
        found.map(|one| one.guid)
    }

    /// The groups that an object is a direct member of.
    pub(crate) fn parents(&self, guid: ObjectGuid) -> impl Iterator<Item = &Object> {
        self.objects.values().map(Rc::as_ref).filter(move |one| one.members.contains(&guid))
    }

    /// Everybody in a group, at any depth.
    pub(crate) fn inside(&self, group: ObjectGuid) -> BTreeSet<ObjectGuid> {
        let (mut open, mut seen, mut inside) = (vec![group], BTreeSet::new(), BTreeSet::new());
        while let Some(guid) = open.pop() {
            if !seen.insert(guid) {
                continue;
            }
            for member in self.get(guid).into_iter().flat_map(|one| &one.members) {
                match self.get(*member).map(|one| one.class) {
                    Some(Class::Group) => open.push(*member),
                    Some(Class::User) => drop(inside.insert(*member)),
                    Some(Class::Container) | None => {}
                }
            }
        }
        inside
    }

    /// Does one operation, or nothing of it.
    pub(crate) fn operate(&mut self, operation: &Operation) -> Result<(), No> {
        match operation {
            Operation::Add { target, attributes } => self.add(target, attributes),
            Operation::Modify { target, attributes } => {
                let object = self.aimed_at(target)?.clone();
                let changed = self.changed(object, attributes)?;
                self.put(changed);
                Ok(())
            }
            Operation::AddMembers { target, members } => {
                let mut object = self.aimed_at(target)?.clone();
                for member in members {
                    if self.get(*member).is_none() {
                        return Err((32, "0000208D: "));
                    }
                    if !object.members.insert(*member) {
                        return Err((68, "00000562: "));
                    }
                }
                self.put(object);
                Ok(())
            }
            Operation::RemoveMembers { target, members } => {
                let mut object = self.aimed_at(target)?.clone();
                if !members.iter().all(|member| object.members.remove(member)) {
                    return Err((53, "00000561: "));
                }
                self.put(object);
                Ok(())
            }
            Operation::ModifyDn { target, to } => {
                let mut object = self.named(target.dn()).ok_or((32, "0000208D: "))?.clone();
                self.free(object.guid, to.dn())?;
                object.dn = to.dn().clone();
                self.put(object);
                Ok(())
            }
            Operation::Restore { target, attributes } => self.restore(target, attributes),
            Operation::Delete { target, .. } => {
                let guid = self.aimed_at(target)?.guid;
                self.bury(guid);
                Ok(())
            }
        }
    }

    fn aimed_at(&self, target: &Target) -> Result<&Object, No> {
        let guid = target.object().expect("what is there is named by its GUID");
        self.get(guid).ok_or((32, "0000208D: "))
    }

    fn add(&mut self, target: &Target, attributes: &[(AttributeName, String)]) -> Result<(), No> {
        let nobody = ObjectGuid(uuid::Uuid::nil());
        self.free(nobody, target.dn())?;
        let values: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        let sam = values.iter().find(|(name, _)| *name == "sAMAccountName");
        if sam.is_some_and(|(_, name)| self.holds_account(name).is_some()) {
            return Err((68, "00000524: "));
        }
        self.place(Class::Group, target.dn().clone(), &values);
        Ok(())
    }

    fn free(&self, guid: ObjectGuid, place: &Dn) -> Result<(), No> {
        if self.named(place).is_some_and(|holder| holder.guid != guid) {
            return Err((68, "00002071: "));
        }
        let parent = place.parent().expect("it stands in a container");
        self.named(&parent).map(drop).ok_or((32, "00002089: "))
    }

    /// The object with other values: deleted and added by value, all or nothing.
    fn changed(&self, mut object: Object, changes: &[AttributeChange]) -> Result<Object, No> {
        let names: BTreeSet<&str> = changes.iter().map(|change| &*change.name).collect();
        for name in names {
            let own = || changes.iter().filter(|change| &*change.name == name);
            let values = object.values.entry(name.to_owned()).or_default();
            for going in own().filter_map(|change| change.before.as_ref()) {
                let place = values.iter().position(|value| value.eq_ignore_ascii_case(going));
                values.remove(place.ok_or((16, "00002085: "))?);
            }
            for coming in own().filter_map(|change| change.after.as_ref()) {
                let there = values.iter().any(|value| value.eq_ignore_ascii_case(coming));
                if there || (!values.is_empty() && !SHARED.contains(&name)) {
                    return Err((20, "00002083: "));
                }
                values.push(coming.clone());
            }
            if values.is_empty() {
                object.values.remove(name);
            }
        }
        let account = object.value("sAMAccountName").and_then(|name| self.holds_account(name));
        if account.is_some_and(|holder| holder != object.guid) {
            return Err((68, "00000524: "));
        }
        Ok(object)
    }

    fn restore(&mut self, target: &Target, changes: &[AttributeChange]) -> Result<(), No> {
        let guid = target.object().expect("a deleted object is named by its GUID");
        let grave = self.graves.get(&guid).ok_or((32, ""))?.clone();
        self.free(guid, target.dn())?;
        let mut object = self.changed(grave.object.clone(), changes)?;
        object.dn = target.dn().clone();
        object.members.retain(|member| self.objects.contains_key(member));
        self.graves.remove(&guid);
        self.put(object);
        for holder in &grave.holders {
            self.edit(*holder, |holder| {
                holder.members.insert(guid);
            });
        }
        Ok(())
    }

    /// Deletes an object; the recycle bin keeps all of it.
    pub(crate) fn bury(&mut self, guid: ObjectGuid) {
        let object = self.objects.remove(&guid).expect("it is there");
        let holders: BTreeSet<_> = self.parents(guid).map(|holder| holder.guid).collect();
        for holder in &holders {
            self.edit(*holder, |holder| {
                holder.members.remove(&guid);
            });
        }
        let object = Rc::unwrap_or_clone(object);
        self.graves.insert(guid, Rc::new(Grave { object, holders }));
    }
}
