//! The whole directory as plain values, for test oracles and for the demonstration.
//!
//! Input: the tree. Output: entries that share nothing with it any more.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::identity::sid_text;
use super::schema::{Attribute, Origin, Syntax};
use super::tree::{Object, Tree};

/// One value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Strings, numbers and names; names of linked objects are their current ones.
    Text(String),
    /// Octet strings and SIDs.
    Binary(Vec<u8>),
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Current name; of a tombstone, the one in CN=Deleted Objects.
    pub dn: String,
    /// objectGUID.
    pub guid: Uuid,
    /// objectSid as `S-1-…`, of security principals.
    pub sid: Option<String>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// All values by attribute, in the spelling of the schema; constructed attributes left out.
    pub attributes: BTreeMap<String, Vec<Value>>,
}

impl Entry {
    /// The first textual value of an attribute, named as the schema spells it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).into_iter().next()
    }

    /// All textual values of an attribute.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let values = self.attributes.get(name).into_iter().flatten();
        values
            .filter_map(|value| match value {
                Value::Text(text) => Some(text.as_str()),
                Value::Binary(_) => None,
            })
            .collect()
    }

    /// The most specific class.
    pub fn class(&self) -> Option<&str> {
        self.texts("objectClass").pop()
    }
}

/// The objects a link attribute leads to, in either direction; `None` for another attribute.
pub(super) fn ends(object: &Object, attribute: &Attribute) -> Option<BTreeSet<Uuid>> {
    match attribute.origin {
        Origin::Link => Some(object.targets(attribute.name).collect()),
        Origin::BackLink(forward) => Some(object.sources(forward).collect()),
        Origin::Stored | Origin::System | Origin::Naming | Origin::Constructed => None,
    }
}

impl Tree {
    /// Every object, tombstones included, in the order of the tree; the schema is left out.
    pub(super) fn dump(&self) -> Vec<Entry> {
        let schema =
            self.heads.iter().find(|(dn, _)| dn.0.first().is_some_and(|rdn| rdn.value == "Schema"));
        self.heads
            .iter()
            .filter(|head| Some(*head) != schema)
            .flat_map(|(_, head)| self.subtree(*head))
            .filter_map(|guid| self.object(guid))
            .map(|object| self.dumped(object))
            .collect()
    }

    fn dumped(&self, object: &Object) -> Entry {
        let mut attributes = BTreeMap::new();
        for attribute in self.schema.attributes() {
            let values = self.dumped_values(object, attribute);
            if !values.is_empty() {
                attributes.insert(attribute.name.to_owned(), values);
            }
        }
        Entry {
            dn: self.name(object.guid),
            guid: object.guid,
            sid: object.sid.as_deref().and_then(sid_text),
            deleted: object.deleted,
            attributes,
        }
    }

    fn dumped_values(&self, object: &Object, attribute: &Attribute) -> Vec<Value> {
        if attribute.origin == Origin::Constructed {
            return Vec::new();
        }
        if let Some(ends) = ends(object, attribute) {
            let mut names: Vec<Value> =
                ends.iter().map(|end| Value::Text(self.name(*end))).collect();
            names.sort();
            return names;
        }
        let value = |octets: &[u8]| match attribute.syntax {
            Syntax::Octets | Syntax::Sid => Value::Binary(octets.to_vec()),
            Syntax::Text | Syntax::Integer | Syntax::Boolean | Syntax::Time | Syntax::Name => {
                Value::Text(String::from_utf8_lossy(octets).into_owned())
            }
        };
        self.stored(object, attribute).iter().map(|octets| value(octets)).collect()
    }
}
