//! Delete (MS-ADTS 3.1.1.5.5): the object becomes a tombstone in CN=Deleted Objects.
//!
//! Input: a target without children. Output: a tombstone that keeps GUID, SID, account name and
//! the attributes with searchFlags 8, and loses its links (no Recycle Bin in this forest).

use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::Rdn;
use super::super::refusal::Refusal;
use super::super::tree::Tree;

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
        let forward: Vec<(&'static str, Uuid)> = object
            .forward
            .iter()
            .flat_map(|(name, ends)| ends.iter().map(|end| (*name, *end)))
            .collect();
        let backward: Vec<(&'static str, Uuid)> = object
            .backward
            .iter()
            .flat_map(|(name, ends)| ends.iter().map(|end| (*name, *end)))
            .collect();
        let name: String = object.rdn.value.chars().take(NAME_LIMIT).collect();
        let last_name = object.rdn.value.clone();
        let last_parent = object.parent.map(|parent| self.name(parent)).unwrap_or_default();
        for (name, end) in forward {
            self.unlink(guid, name, end);
        }
        // The groups it was in do not change by this: their uSNChanged stays (MS-ADTS 3.1.1.5.5).
        for (name, source) in backward {
            self.unlink(source, name, guid);
        }
        let kept: Vec<&str> =
            self.schema.attributes().filter(|one| one.kept).map(|one| one.name).collect();
        self.rewrite(guid, |object| {
            object.deleted = true;
            object.attributes.retain(|name, _| kept.contains(name));
            object.attributes.insert("lastKnownParent", vec![last_parent.into_bytes()]);
            object.attributes.insert("msDS-LastKnownRDN", vec![last_name.into_bytes()]);
        });
        self.place(guid, self.deleted_objects, &Rdn::new("CN", &format!("{name}\nDEL:{guid}")));
        self.access.hidden.remove(&guid);
    }
}
