//! The indices of the tree: who has this SID, this account name, this primary group, this value.
//!
//! Input: objects before and after a change. Output: the few objects worth looking at, so that a
//! directory of a quarter of a million accounts answers in the time of an indexed search.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::dn::fold;
use super::super::schema::{Attribute, Syntax};
use super::{Object, Tree};

/// The form under which equal values meet.
fn key(attribute: &Attribute, value: &[u8]) -> Vec<u8> {
    match (attribute.syntax, std::str::from_utf8(value)) {
        (Syntax::Text, Ok(text)) => fold(text).into_bytes(),
        _ => value.to_vec(),
    }
}

impl Tree {
    /// Objects, deleted ones included, with a value equal to this one; `None` where the attribute
    /// has no index.
    pub(in super::super) fn by_value(
        &self,
        attribute: &Attribute,
        value: &[u8],
    ) -> Option<BTreeSet<Uuid>> {
        let kept = attribute.is_indexed() && !COMPUTED.contains(&attribute.name);
        let values = self.by_value.get(attribute.name);
        let found = values.and_then(|values| values.get(&key(attribute, value)));
        kept.then(|| found.cloned().unwrap_or_default())
    }

    /// Enters an object.
    pub(super) fn index(&mut self, guid: Uuid) {
        for (name, keys) in self.keys(guid) {
            let values = self.by_value.entry(name).or_default();
            for key in keys {
                values.entry(key).or_default().insert(guid);
            }
        }
        let Some(object) = self.objects.get(&guid).filter(|object| !object.deleted) else { return };
        if let Some(sid) = &object.sid {
            self.by_sid.insert(sid.clone(), guid);
        }
        if let Some(name) = object.text("sAMAccountName") {
            self.by_account_name.insert(fold(name), guid);
        }
        if let Some(rid) = primary_group(object) {
            self.by_primary_group.entry(rid).or_default().insert(guid);
        }
    }

    /// The opposite of `index`.
    pub(super) fn forget(&mut self, guid: Uuid) {
        for (name, keys) in self.keys(guid) {
            let Some(values) = self.by_value.get_mut(name) else { continue };
            for key in keys {
                let Some(holders) = values.get_mut(&key) else { continue };
                holders.remove(&guid);
                if holders.is_empty() {
                    values.remove(&key);
                }
            }
        }
        let Some(object) = self.objects.get(&guid).filter(|object| !object.deleted) else { return };
        if let Some(sid) = &object.sid {
            self.by_sid.remove(sid);
        }
        if let Some(name) = object.text("sAMAccountName") {
            self.by_account_name.remove(&fold(name));
        }
        if let Some(rid) = primary_group(object)
            && let Some(members) = self.by_primary_group.get_mut(&rid)
        {
            members.remove(&guid);
        }
    }

    fn keys(&self, guid: Uuid) -> Vec<(&'static str, Vec<Vec<u8>>)> {
        let object = self.objects.get(&guid);
        let stored = object.into_iter().flat_map(|object| &object.attributes);
        stored
            .filter_map(|(name, values)| {
                let attribute = self.schema.attribute(name)?;
                let keys = values.iter().map(|value| key(attribute, value)).collect();
                attribute.is_indexed().then_some((*name, keys))
            })
            .collect()
    }
}

/// Indexed attributes whose values are not stored but made.
const COMPUTED: [&str; 5] = ["cn", "ou", "name", "objectGUID", "objectClass"];

fn primary_group(object: &Object) -> Option<u32> {
    object.number("primaryGroupID").and_then(|rid| u32::try_from(rid).ok())
}
