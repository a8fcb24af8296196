//! Who wrote what when: the stamps by which domain controllers settle replication (MS-DRSR 5.11,
//! AttributeStamp and LinkValueStamp), and the two constructed attributes that tell them in XML
//! (msDS-ReplAttributeMetaData, msDS-ReplValueMetaData).
//!
//! Input: every change of the tree. Output: fragments as a domain controller prints them. There is
//! one domain controller here, so every write is its own.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::values::moment;
use super::{Object, Tree};

/// The values of an attribute, by its name.
type Values = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// The time of a value that was never taken away (MS-DRSR 5.87: no time).
const NEVER: &str = "1601-01-01T00:00:00Z";
/// What the directory wrote when it made the object.
const OF_EVERY_OBJECT: [&str; 5] =
    ["instanceType", "name", "objectCategory", "objectClass", "whenCreated"];

/// How often a value was written, and when last.
#[derive(Clone, Copy, Debug, Default)]
struct Stamp {
    version: u32,
    usn: u64,
}

/// The same for one value of a link.
#[derive(Clone, Copy, Debug)]
struct LinkStamp {
    created: u64,
    removed: Option<u64>,
    stamp: Stamp,
}

/// What was written to an object since it was made.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct History {
    attributes: BTreeMap<&'static str, Stamp>,
    links: BTreeMap<&'static str, BTreeMap<Uuid, LinkStamp>>,
}

impl History {
    /// Enters a write of an attribute that had a value when the object was made, or has had one.
    pub(super) fn write(&mut self, name: &'static str, usn: u64) {
        let stamp = self.attributes.entry(name).or_insert(Stamp { version: 1, usn });
        *stamp = Stamp { version: stamp.version + 1, usn };
    }

    /// Enters every difference between two states of an object.
    pub(super) fn compare(&mut self, before: &Values, after: &Values, usn: u64) {
        let names: BTreeSet<&'static str> = before.keys().chain(after.keys()).copied().collect();
        for name in names.into_iter().filter(|name| before.get(name) != after.get(name)) {
            if before.contains_key(name) || self.attributes.contains_key(name) {
                self.write(name, usn);
            } else {
                self.attributes.insert(name, Stamp { version: 1, usn });
            }
        }
    }

    /// Enters a new value of a link.
    pub(super) fn link(&mut self, name: &'static str, target: Uuid, usn: u64) {
        let fresh = LinkStamp { created: usn, removed: None, stamp: Stamp::default() };
        let link = self.links.entry(name).or_default().entry(target).or_insert(fresh);
        link.removed = None;
        link.stamp = Stamp { version: link.stamp.version + 1, usn };
    }

    /// Enters that a value of a link was taken away.
    pub(super) fn unlink(&mut self, name: &str, target: Uuid, usn: u64) {
        let ends = self.links.iter_mut().find(|(own, _)| **own == name).map(|(_, ends)| ends);
        if let Some(link) = ends.and_then(|ends| ends.get_mut(&target)) {
            link.removed = Some(usn);
            link.stamp = Stamp { version: link.stamp.version + 1, usn };
        }
    }
}

fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("\t<{name}>{text}</{name}>\n")
}

impl Tree {
    /// msDS-ReplAttributeMetaData.
    pub(in super::super) fn attribute_stamps(&self, object: &Object) -> Vec<Vec<u8>> {
        let written = &object.history.attributes;
        let known = object.attributes.keys().chain(written.keys()).copied();
        let names: BTreeSet<&'static str> = known.chain(OF_EVERY_OBJECT).collect();
        let first = Stamp { version: 1, usn: object.created };
        let fragment = |name: &'static str| {
            let stamp = written.get(name).copied().unwrap_or(first);
            let head = element("pszAttributeName", name);
            self.fragment("DS_REPL_ATTR_META_DATA", &head, stamp)
        };
        names.into_iter().map(fragment).collect()
    }

    /// msDS-ReplValueMetaData: values that were taken away stand there too, as long as their
    /// objects do.
    pub(in super::super) fn value_stamps(&self, object: &Object) -> Vec<Vec<u8>> {
        let links = object.history.links.iter();
        let all = links.flat_map(|(name, ends)| ends.iter().map(|(end, link)| (*name, *end, link)));
        let living = all.filter(|(_, end, _)| self.object(*end).is_some());
        let fragment = |(name, target, link): (&'static str, Uuid, &LinkStamp)| {
            let removed = link.removed.map_or_else(|| NEVER.to_owned(), moment);
            let head = [
                element("pszAttributeName", name),
                element("pszObjectDn", &self.name(target)),
                element("cbData", "0"),
                element("pbData", ""),
                element("ftimeDeleted", &removed),
                element("ftimeCreated", &moment(link.created)),
            ];
            self.fragment("DS_REPL_VALUE_META_DATA", &head.concat(), link.stamp)
        };
        living.map(fragment).collect()
    }

    /// A fragment; a zero octet ends it, as on the wire.
    fn fragment(&self, kind: &str, head: &str, stamp: Stamp) -> Vec<u8> {
        let Stamp { version, usn } = stamp;
        let (dsa, invocation) = self.own_settings();
        let body = [
            element("dwVersion", &version.to_string()),
            element("ftimeLastOriginatingChange", &moment(usn)),
            element("uuidLastOriginatingDsaInvocationID", &invocation),
            element("usnOriginatingChange", &usn.to_string()),
            element("usnLocalChange", &usn.to_string()),
            element("pszLastOriginatingDsaDN", &dsa),
        ];
        format!("<{kind}>\n{head}{}</{kind}>\n\0", body.concat()).into_bytes()
    }

    /// The NTDS settings object of this domain controller: its name and its invocationId.
    fn own_settings(&self) -> (String, String) {
        let dsa = format!(
            "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,\
             CN=Configuration,{}",
            self.base.text()
        );
        let found = self.resolve(&dsa).ok().and_then(|guid| self.object(guid));
        let octets = found.and_then(|object| object.attributes.get("invocationId")?.first());
        let id = octets.and_then(|octets| Uuid::from_slice_le(octets).ok()).unwrap_or_default();
        (dsa, id.to_string())
    }
}
