//! The directory itself: objects by GUID, with indices by place, SID and account name.
//!
//! Links are kept as GUIDs on both ends, so they follow renames and moves by themselves
//! (MS-ADTS 3.1.1.1.6). Input: the verbs of the other rooms. Output: objects and their values.

mod history;
mod index;
mod values;

pub(super) use history::History;
pub(super) use values::{Extended, time};

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::access::Access;
use super::dn::{BadName, Dn, Rdn, Reference, fold};
use super::identity;
use super::refusal::Refusal;
use super::schema::{Class, Schema};

/// One object of the directory.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) guid: Uuid,
    /// `None` for the head of a naming context.
    pub(super) parent: Option<Uuid>,
    pub(super) rdn: Rdn,
    pub(super) class: &'static Class,
    pub(super) sid: Option<Vec<u8>>,
    /// Values by schema name; naming, link and computed attributes are not among them.
    pub(super) attributes: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// Targets by forward link attribute.
    pub(super) forward: BTreeMap<&'static str, BTreeSet<Uuid>>,
    /// Sources by forward link attribute.
    pub(super) backward: BTreeMap<&'static str, BTreeSet<Uuid>>,
    pub(super) created: u64,
    pub(super) changed: u64,
    pub(super) deleted: bool,
    /// Where the object stood when it was deleted, also after it was restored. The security
    /// descriptor that a deleted object keeps was inherited there.
    pub(super) last_parent: Option<Uuid>,
    pub(super) history: History,
}

impl Object {
    /// Whether deletion took the attributes away: a tombstone or recycled-object. Windows Server
    /// 2008 R2 and later mark it so even where the Recycle Bin is off.
    pub(super) fn is_stripped(&self) -> bool {
        self.deleted && self.text("isRecycled") == Some("TRUE")
    }

    /// The first value of a stored attribute as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let value = self.attributes.get(name)?.first()?;
        std::str::from_utf8(value).ok()
    }

    /// A stored integer.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Targets of a forward link.
    pub(super) fn targets(&self, name: &str) -> impl Iterator<Item = Uuid> + '_ {
        self.forward.get(name).into_iter().flatten().copied()
    }

    /// Sources of the forward link whose target this object is.
    pub(super) fn sources(&self, name: &str) -> impl Iterator<Item = Uuid> + '_ {
        self.backward.get(name).into_iter().flatten().copied()
    }

    /// Last part of the SID.
    pub(super) fn relative_identifier(&self) -> Option<u32> {
        self.sid.as_deref().and_then(identity::relative_identifier)
    }
}

/// The directory of one domain, as its administrator holds it in `Domain::edit`.
#[derive(Debug)]
pub struct Tree {
    pub(super) schema: Schema,
    pub(super) access: Access,
    pub(super) base: Dn,
    pub(super) netbios: String,
    pub(super) domain_sid: String,
    /// Head of each naming context, the longest name first.
    pub(super) heads: Vec<(Dn, Uuid)>,
    pub(super) deleted_objects: Uuid,
    pub(super) foreign_principals: Uuid,
    pub(super) usn: u64,
    pub(super) next_rid: u32,
    /// Whether the Recycle Bin optional feature is on.
    pub(super) recycle_bin: bool,
    /// Links from or to deleted-objects: source, attribute, target.
    pub(super) dormant: BTreeSet<(Uuid, &'static str, Uuid)>,
    pub(super) random: fastrand::Rng,
    objects: BTreeMap<Uuid, Object>,
    children: BTreeMap<Uuid, BTreeMap<String, Uuid>>,
    by_sid: BTreeMap<Vec<u8>, Uuid>,
    by_account_name: BTreeMap<String, Uuid>,
    by_primary_group: BTreeMap<u32, BTreeSet<Uuid>>,
    /// Living and deleted objects by the folded values of indexed attributes.
    by_value: BTreeMap<&'static str, BTreeMap<Vec<u8>, BTreeSet<Uuid>>>,
}

impl Tree {
    /// A directory without any object.
    pub(super) fn empty(
        schema: Schema,
        base: Dn,
        netbios: &str,
        mut random: fastrand::Rng,
    ) -> Self {
        let parts: Vec<String> = (0..3).map(|_| random.u32(1 << 28..).to_string()).collect();
        Self {
            schema,
            access: Access::default(),
            base,
            netbios: netbios.to_owned(),
            domain_sid: format!("S-1-5-21-{}", parts.join("-")),
            heads: Vec::new(),
            deleted_objects: Uuid::nil(),
            foreign_principals: Uuid::nil(),
            // A fresh DC has written a few thousand objects of the schema before the first user.
            usn: 12_288,
            // Relative identifiers below 1000 are Microsoft's; a first DC takes 1000 to 1103.
            next_rid: 1104,
            recycle_bin: false,
            dormant: BTreeSet::new(),
            random,
            objects: BTreeMap::new(),
            children: BTreeMap::new(),
            by_sid: BTreeMap::new(),
            by_account_name: BTreeMap::new(),
            by_primary_group: BTreeMap::new(),
            by_value: BTreeMap::new(),
        }
    }

    /// The object of this GUID, deleted ones included.
    pub(super) fn object(&self, guid: Uuid) -> Option<&Object> {
        self.objects.get(&guid)
    }

    /// Objects directly below, by name.
    pub(super) fn children_of(&self, parent: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        self.children.get(&parent).into_iter().flatten().map(|(_, &guid)| guid)
    }

    /// The child with this relative name.
    pub(super) fn child(&self, parent: Uuid, rdn: &Rdn) -> Option<Uuid> {
        self.children.get(&parent)?.get(&rdn.key()).copied()
    }

    /// The living principal with this account name; letter case does not count.
    pub(super) fn by_account_name(&self, name: &str) -> Option<Uuid> {
        self.by_account_name.get(&fold(name)).copied()
    }

    /// The living principal with this SID.
    pub(super) fn by_sid(&self, sid: &[u8]) -> Option<Uuid> {
        self.by_sid.get(sid).copied()
    }

    /// The principal of this domain with this relative identifier.
    pub(super) fn by_relative_identifier(&self, rid: u32) -> Option<Uuid> {
        let sid = identity::sid_octets(&format!("{}-{rid}", self.domain_sid))?;
        self.by_sid(&sid)
    }

    /// The head of the naming context that an object stands in.
    pub(super) fn head_of(&self, guid: Uuid) -> Uuid {
        let mut here = guid;
        while let Some(parent) = self.objects.get(&here).and_then(|object| object.parent) {
            here = parent;
        }
        here
    }

    /// Accounts whose primary group has this relative identifier.
    pub(super) fn primary_members(&self, rid: u32) -> impl Iterator<Item = Uuid> + '_ {
        self.by_primary_group.get(&rid).into_iter().flatten().copied()
    }

    /// The name of an object, from its own relative name up to the domain.
    pub(super) fn name(&self, guid: Uuid) -> String {
        let mut text = String::new();
        let mut next = self.objects.get(&guid);
        while let Some(object) = next {
            if !text.is_empty() {
                text.push(',');
            }
            let Some(parent) = object.parent else {
                let head = self.heads.iter().find(|(_, head)| *head == object.guid);
                text.push_str(&head.map(|(dn, _)| dn.text()).unwrap_or_default());
                break;
            };
            text.push_str(&object.rdn.text());
            next = self.objects.get(&parent);
        }
        text
    }

    /// Whether `guid` is `ancestor` or stands below it.
    pub(super) fn is_within(&self, guid: Uuid, ancestor: Uuid) -> bool {
        let mut next = Some(guid);
        while let Some(here) = next {
            if here == ancestor {
                return true;
            }
            next = self.objects.get(&here).and_then(|object| object.parent);
        }
        false
    }

    /// Finds the object a name leads to; a refusal as the DC words it.
    pub(super) fn locate(&self, dn: &Dn) -> Result<Uuid, Refusal> {
        let found =
            self.heads.iter().find_map(|(head, guid)| dn.above(head).map(|above| (above, *guid)));
        let Some((above, mut here)) = found else {
            if dn.0.is_empty() {
                return Err(Refusal::no_object(""));
            }
            return Err(Refusal::referral(&dn.domain_name(), &dn.text()));
        };
        for rdn in above.iter().rev() {
            here = self.child(here, rdn).ok_or_else(|| Refusal::no_object(&self.name(here)))?;
        }
        Ok(here)
    }

    /// The containers that keep their GUID whatever their name (MS-ADTS 6.1.1.4).
    fn well_known(&self, kind: &str, head: &Dn) -> Result<Uuid, Refusal> {
        let head = self.locate(head)?;
        let name = match kind {
            "18E2EA80684F11D2B9AA00C04F79F805" => "CN=Deleted Objects",
            "A9D1CA15768811D1ADED00C04FD8D5CD" => "CN=Users",
            "AA312825768811D1ADED00C04FD8D5CD" => "CN=Computers",
            "22B70C67D56E4EFB91E9300FCA3DC1AA" => "CN=ForeignSecurityPrincipals",
            _ => return Err(Refusal::no_object("")),
        };
        let rdn = Rdn::parse(name).map_err(|BadName| Refusal::bad_name())?;
        self.child(head, &rdn).ok_or_else(|| Refusal::no_object(""))
    }

    /// Finds the object that a name, `<GUID=…>`, `<SID=…>` or `<WKGUID=…>` leads to.
    pub(super) fn resolve(&self, text: &str) -> Result<Uuid, Refusal> {
        match Reference::parse(text) {
            Ok(Reference::Name(dn)) => self.locate(&dn),
            Ok(Reference::Guid(guid)) if self.objects.contains_key(&guid) => Ok(guid),
            Ok(Reference::Sid(sid)) => self.by_sid(&sid).ok_or_else(|| Refusal::no_object("")),
            Ok(Reference::WellKnown(kind, dn)) => self.well_known(&kind, &dn),
            Ok(Reference::Guid(_)) => Err(Refusal::no_object("")),
            Err(BadName) => Err(Refusal::bad_name()),
        }
    }

    /// The next update sequence number.
    pub(super) fn next_usn(&mut self) -> u64 {
        self.usn += 1;
        self.usn
    }

    /// Marks an object as changed now.
    pub(super) fn touch(&mut self, guid: Uuid) {
        let usn = self.next_usn();
        if let Some(object) = self.objects.get_mut(&guid) {
            object.changed = usn;
        }
    }

    /// A SID of this domain that was never used; identifiers are not used twice (MS-ADTS
    /// 3.1.1.1.9, learn.microsoft.com AD DS maximum limits).
    pub(super) fn next_sid(&mut self) -> Vec<u8> {
        loop {
            let text = format!("{}-{}", self.domain_sid, self.next_rid);
            self.next_rid += 1;
            let sid = identity::sid_octets(&text).expect("the domain's SID is well formed");
            if !self.by_sid.contains_key(&sid) {
                return sid;
            }
        }
    }

    /// A GUID that no object has.
    pub(super) fn next_guid(&mut self) -> Uuid {
        loop {
            let guid = uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes());
            let guid = guid.into_uuid();
            if !self.objects.contains_key(&guid) {
                return guid;
            }
        }
    }

    /// Puts an object into its place and into every index. The caller has checked uniqueness.
    pub(super) fn plant(&mut self, object: Object) {
        let guid = object.guid;
        if let Some(parent) = object.parent {
            self.children.entry(parent).or_default().insert(object.rdn.key(), guid);
        }
        self.objects.insert(guid, object);
        self.index(guid);
    }

    /// Changes an object itself; the indices follow, place and links are not changed here.
    pub(super) fn rewrite(&mut self, guid: Uuid, change: impl FnOnce(&mut Object)) {
        self.forget(guid);
        let usn = self.usn + 1;
        if let Some(object) = self.objects.get_mut(&guid) {
            let before = object.attributes.clone();
            change(object);
            object.history.compare(&before, &object.attributes, usn);
        }
        self.index(guid);
        self.touch(guid);
    }

    /// Gives an object another name or another place. The caller has checked that it is free.
    pub(super) fn place(&mut self, guid: Uuid, parent: Uuid, rdn: &Rdn) {
        let Some(object) = self.objects.get_mut(&guid) else { return };
        let old = std::mem::replace(&mut object.rdn, rdn.clone());
        let from = object.parent.replace(parent);
        object.history.write("name", self.usn + 1);
        if let Some(siblings) = from.and_then(|from| self.children.get_mut(&from)) {
            siblings.remove(&old.key());
        }
        self.children.entry(parent).or_default().insert(rdn.key(), guid);
        self.touch(guid);
    }

    /// Takes an object without children out of the tree and out of every index.
    pub(super) fn uproot(&mut self, guid: Uuid) {
        self.forget(guid);
        let Some(object) = self.objects.remove(&guid) else { return };
        if let Some(siblings) = object.parent.and_then(|parent| self.children.get_mut(&parent)) {
            siblings.remove(&object.rdn.key());
        }
    }

    /// Adds one link value on both ends.
    pub(super) fn link(&mut self, source: Uuid, name: &'static str, target: Uuid) {
        if let Some(object) = self.objects.get_mut(&source) {
            object.forward.entry(name).or_default().insert(target);
            object.history.link(name, target, self.usn);
        }
        if let Some(object) = self.objects.get_mut(&target) {
            object.backward.entry(name).or_default().insert(source);
        }
    }

    /// Takes one link value off both ends.
    pub(super) fn unlink(&mut self, source: Uuid, name: &str, target: Uuid) {
        if let Some(object) = self.objects.get_mut(&source)
            && object.forward.get_mut(name).is_some_and(|targets| targets.remove(&target))
        {
            object.history.unlink(name, target, self.usn);
        }
        if let Some(sources) = self.objects.get_mut(&target).and_then(|o| o.backward.get_mut(name))
        {
            sources.remove(&source);
        }
    }
}
