//! Delete (MS-ADTS 3.1.1.5.5): the object goes to CN=Deleted Objects.
//!
//! Input: a target without children. Output: a tombstone that keeps GUID, SID, account name and
//! the attributes of MS-ADTS 3.1.1.5.5.6.1, and loses its links; with the Recycle Bin a
//! deleted-object that keeps all of them (adminDescription and extensionName among them, which a
//! tombstone loses: searchFlags 0).

use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::Rdn;
use super::super::refusal::Refusal;
use super::super::tree::{Object, Tree};

/// A longer name is cut before the mark of deletion is put behind it (adsecurity.org/?p=81).
const NAME_LIMIT: usize = 75;

impl Tree {
    /// Deletes a leaf for an account; the GUID of the tombstone is given back.
    pub(in super::super) fn delete(&mut self, actor: Actor, dn: &str) -> Result<Uuid, Refusal> {
        let guid = self.resolve(dn)?;
        let object = self.object(guid).filter(|object| !object.deleted);
        let Some(object) = object.filter(|_| self.may_see(actor, guid)) else {
            return Err(Refusal::no_object(""));
        };
        if !self.may_delete(actor, guid) {
            return Err(Refusal::no_right());
        }
        if object.text("isCriticalSystemObject") == Some("TRUE") {
            return Err(Refusal::unwilling("000020CE"));
        }
        if self.children_of(guid).next().is_some() {
            return Err(Refusal::non_leaf());
        }
        let primary = object.class.name == "group"
            && object
                .relative_identifier()
                .is_some_and(|rid| self.primary_members(rid).next().is_some());
        if primary {
            // Samba's sam.py, modelled on Windows: 68 for a group that is a primary group.
            return Err(Refusal::exists("00002149"));
        }
        self.bury(guid);
        Ok(guid)
    }

    fn bury(&mut self, guid: Uuid) {
        let Some(object) = self.object(guid) else { return };
        let name: String = object.rdn.value.chars().take(NAME_LIMIT).collect();
        let last_name = object.rdn.value.clone();
        let last_parent = object.parent;
        // The groups it was in do not change by this: their uSNChanged stays (MS-ADTS 3.1.1.5.5).
        for (source, attribute, target) in self.links_of(guid) {
            self.unlink(source, attribute, target);
            if self.recycle_bin {
                self.dormant.insert((source, attribute, target));
            }
        }
        let strip = !self.recycle_bin;
        let kept: Vec<&str> =
            self.schema.attributes().filter(|one| one.is_kept()).map(|one| one.name).collect();
        self.rewrite(guid, |object| {
            object.deleted = true;
            object.last_parent = last_parent;
            if strip {
                object.attributes.retain(|name, _| kept.contains(name));
                object.attributes.insert("isRecycled", vec![b"TRUE".to_vec()]);
            } else {
                object.attributes.insert("msDS-LastKnownRDN", vec![last_name.into_bytes()]);
            }
        });
        self.place(guid, self.deleted_objects, &Rdn::new("CN", &format!("{name}\nDEL:{guid}")));
        self.access.hidden.remove(&guid);
    }

    /// Links from and to an object: source, attribute, target.
    fn links_of(&self, guid: Uuid) -> Vec<(Uuid, &'static str, Uuid)> {
        let Some(object) = self.object(guid) else { return Vec::new() };
        let forward = object.forward.iter().flat_map(|(name, ends)| {
            ends.iter().map(move |end| (guid, *name, *end)).collect::<Vec<_>>()
        });
        let backward = object.backward.iter().flat_map(|(name, ends)| {
            ends.iter().map(move |end| (*end, *name, guid)).collect::<Vec<_>>()
        });
        forward.chain(backward).collect()
    }

    /// Whether the object can no longer be restored: it was stripped, and not as a tombstone of a
    /// forest without the Recycle Bin (MS-ADTS 3.1.1.5.5.1.3; tombstones become recycled-objects
    /// when the feature is turned on).
    pub(in super::super) fn is_recycled(&self, object: &Object) -> bool {
        self.recycle_bin && object.is_stripped()
    }

    /// Takes a deleted object out of the database, as garbage collection does at the end of the
    /// tombstone lifetime (MS-ADTS 3.1.1.5.5.5).
    pub(in super::super) fn collect_garbage(&mut self, guid: Uuid) -> Result<(), Refusal> {
        if !self.object(guid).is_some_and(|object| object.deleted) {
            return Err(Refusal::no_object(""));
        }
        self.dormant.retain(|(source, _, target)| *source != guid && *target != guid);
        self.uproot(guid);
        Ok(())
    }
}
