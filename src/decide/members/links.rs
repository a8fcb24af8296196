//! Where the links of cloud principals lead.
//!
//! From the principals of the domain to indices, and from a link to the one object it names,
//! to none, or to a contradiction. Nothing is ever found by name.

use std::collections::BTreeMap;

use crate::defence::stands;
use crate::model::cloud::{Link, MemberKind};
use crate::model::directory::PrincipalClass;
use crate::model::{DeviceId, ObjectGuid, Principal, Sid};

/// Objects by a key that several of them may carry. Sorted pairs: a fraction of the memory of a
/// tree of lists, which matters at hundreds of thousands of principals.
#[derive(Debug)]
pub(super) struct Index<K> {
    pairs: Vec<(K, ObjectGuid)>,
}

impl<K: Ord> Index<K> {
    pub(super) fn new(pairs: impl Iterator<Item = (K, ObjectGuid)>) -> Self {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self { pairs }
    }

    /// The objects with this key, sorted.
    pub(super) fn of<'i>(&'i self, key: &'i K) -> impl Iterator<Item = ObjectGuid> + 'i {
        let start = self.pairs.partition_point(|(other, _)| other < key);
        let found = self.pairs.iter().skip(start).take_while(move |(other, _)| other == key);
        found.map(|(_, guid)| *guid)
    }
}

/// Where a link leads.
pub(super) enum Counterpart {
    /// To this object.
    Found(ObjectGuid),
    /// Nowhere, for this reason.
    Missing(String),
    /// To several objects, or to one that cannot be meant.
    Ambiguous(String),
}

/// The principals of the domain by what links carry.
#[derive(Debug)]
pub(super) struct LinkIndex<'a> {
    principals: &'a BTreeMap<ObjectGuid, Principal>,
    by_sid: Index<&'a Sid>,
    by_consistency: Index<ObjectGuid>,
    by_device: Index<DeviceId>,
}

impl<'a> LinkIndex<'a> {
    pub(super) fn new(principals: &'a BTreeMap<ObjectGuid, Principal>) -> Self {
        let all = || principals.values();
        Self {
            principals,
            by_sid: Index::new(all().filter_map(|p| Some((p.sid.as_ref()?, p.guid)))),
            by_consistency: Index::new(all().filter_map(|p| Some((p.consistency_guid?, p.guid)))),
            by_device: Index::new(
                all()
                    .filter(|principal| principal.class == PrincipalClass::Device)
                    .filter_map(|p| Some((p.device_id?, p.guid))),
            ),
        }
    }

    /// The objects with a SID; more than one only in a damaged domain.
    pub(super) fn with_sid(&self, sid: &'a Sid) -> Vec<ObjectGuid> {
        self.by_sid.of(&sid).collect()
    }

    /// Follows what a member carries; `None` for a member that carries nothing to follow.
    pub(super) fn follow(&self, kind: &'a MemberKind) -> Option<Counterpart> {
        match kind {
            MemberKind::User(link) | MemberKind::DirectoryGroup(link) if link.is_empty() => None,
            MemberKind::User(link) => Some(self.user(link)),
            MemberKind::DirectoryGroup(link) => Some(self.group(link)),
            MemberKind::Device { device_id, link } => Some(self.device(*device_id, link)),
            MemberKind::Group | MemberKind::Other(_) | MemberKind::Unreadable(_) => None,
        }
    }

    /// By SID, else by immutable id; the two must not contradict each other.
    fn user(&self, link: &'a Link) -> Counterpart {
        let by_id = link.immutable_id.map(|id| self.by_immutable_id(id)).unwrap_or_default();
        let Some(sid) = &link.sid else {
            return match by_id.as_slice() {
                [guid] => self.of_class(*guid, PrincipalClass::User, "user"),
                [] if link.malformed => undecodable(),
                [] => Counterpart::Missing("no object has its immutable id".to_owned()),
                several => {
                    let count = several.len();
                    Counterpart::Ambiguous(format!("{count} objects have its immutable id"))
                }
            };
        };
        match self.one_by_sid(sid) {
            Counterpart::Found(guid) if by_id.iter().all(|other| *other == guid) => {
                self.of_class(guid, PrincipalClass::User, "user")
            }
            Counterpart::Found(guid) => Counterpart::Ambiguous(format!(
                "its SID leads to {guid}, its immutable id elsewhere"
            )),
            other @ (Counterpart::Missing(_) | Counterpart::Ambiguous(_)) => other,
        }
    }

    fn group(&self, link: &'a Link) -> Counterpart {
        let Some(sid) = &link.sid else { return undecodable() };
        match self.one_by_sid(sid) {
            Counterpart::Found(guid) => self.of_class(guid, PrincipalClass::Group, "group"),
            other @ (Counterpart::Missing(_) | Counterpart::Ambiguous(_)) => other,
        }
    }

    /// By SID, else the computer whose objectGUID is the device id (hybrid-joined), else the
    /// `msDS-Device` that device writeback made for it.
    fn device(&self, id: Option<DeviceId>, link: &'a Link) -> Counterpart {
        let namesake = id.and_then(|DeviceId(id)| self.principals.get(&ObjectGuid(id)));
        let namesake = namesake.filter(|object| object.class != PrincipalClass::Device);
        if let Some(sid) = &link.sid {
            match self.one_by_sid(sid) {
                Counterpart::Found(guid) if namesake.is_some_and(|other| other.guid != guid) => {
                    return Counterpart::Ambiguous(format!(
                        "its SID leads to {guid}, its device id elsewhere"
                    ));
                }
                Counterpart::Found(guid) => {
                    return self.of_class(guid, PrincipalClass::Computer, "computer");
                }
                ambiguous @ Counterpart::Ambiguous(_) => return ambiguous,
                // A computer that went to another domain and back has a new SID, but is the same.
                Counterpart::Missing(_) => {}
            }
        }
        if let Some(object) = namesake {
            return self.of_class(object.guid, PrincipalClass::Computer, "computer");
        }
        let devices: Vec<_> = id.iter().flat_map(|id| self.by_device.of(id)).collect();
        match devices.as_slice() {
            [guid] => Counterpart::Found(*guid),
            [] => Counterpart::Missing("no computer and no msDS-Device has its id".to_owned()),
            several => Counterpart::Ambiguous(format!(
                "{} msDS-Device objects have its device id",
                several.len()
            )),
        }
    }

    fn one_by_sid(&self, sid: &'a Sid) -> Counterpart {
        match self.with_sid(sid).as_slice() {
            [guid] => Counterpart::Found(*guid),
            [] => Counterpart::Missing(format!("no object has the SID {sid}")),
            several => {
                Counterpart::Ambiguous(format!("{} objects have the SID {sid}", several.len()))
            }
        }
    }

    fn by_immutable_id(&self, id: ObjectGuid) -> Vec<ObjectGuid> {
        let mut found: Vec<_> = self.by_consistency.of(&id).collect();
        // An object whose consistency GUID says otherwise is not meant by its objectGUID.
        let own = self.principals.get(&id).filter(|p| p.consistency_guid.is_none());
        found.extend(own.map(|principal| principal.guid));
        found
    }

    fn of_class(&self, guid: ObjectGuid, class: PrincipalClass, noun: &str) -> Counterpart {
        let is_of_class = |principal: &Principal| principal.class == class;
        if self.principals.get(&guid).is_some_and(is_of_class) || !stands("H53") {
            Counterpart::Found(guid)
        } else {
            Counterpart::Ambiguous(format!("its link leads to {guid}, which is no {noun}"))
        }
    }
}

fn undecodable() -> Counterpart {
    Counterpart::Missing("its link cannot be decoded".to_owned())
}
