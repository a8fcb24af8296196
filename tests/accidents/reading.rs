//! What an administrator reads of a container, and what two such readings differ in.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::lab::{Entry, Lab};

/// What no two readings have in common, and says nothing of a group.
const OF_THE_MOMENT: [&str; 3] = ["uSNChanged", "whenChanged", "memberOf"];

/// The groups of a container by objectGUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading(pub(crate) BTreeMap<Uuid, Entry>);

/// A value of `member`: the group and the member's DN.
pub(crate) type Value = (Uuid, String);

impl Reading {
    pub(crate) fn of(lab: &Lab, container: &str) -> Self {
        let groups = lab.groups(container).into_iter();
        Self(groups.map(|group| (group.guid(), group)).collect())
    }

    /// Every value of `member`.
    pub(crate) fn values(&self) -> BTreeSet<Value> {
        let groups = self.0.iter();
        groups.flat_map(|(guid, entry)| members(entry).into_iter().map(|dn| (*guid, dn))).collect()
    }

    /// What this reading has no more of an earlier one. The names of nested groups may change;
    /// tests that rename them compare something else.
    pub(crate) fn lost_since(&self, before: &Self) -> BTreeSet<Value> {
        before.values().difference(&self.values()).cloned().collect()
    }

    /// Groups of an earlier reading that are not there any more.
    pub(crate) fn gone_since(&self, before: &Self) -> BTreeSet<Uuid> {
        before.0.keys().filter(|guid| !self.0.contains_key(*guid)).copied().collect()
    }

    /// The `groupType` of each group.
    pub(crate) fn kinds(&self) -> BTreeMap<Uuid, String> {
        self.0.iter().map(|(guid, entry)| (*guid, entry.text("groupType").unwrap())).collect()
    }

    /// The group with the anchor of a cloud group; none may have two.
    #[track_caller]
    pub(crate) fn anchored(&self, id: Uuid) -> Option<&Entry> {
        let anchor = format!("Group_{id}");
        let mut its =
            self.0.values().filter(|e| e.text("adminDescription") == Some(anchor.clone()));
        let first = its.next();
        assert_eq!(its.next(), None, "a second group of {id}");
        first
    }

    /// Everything of every group but what changes with each write, for a comparison whole.
    pub(crate) fn lasting(&self, without: &[&str]) -> BTreeMap<Uuid, Entry> {
        let lasting = |entry: &Entry| {
            let mut entry = entry.clone();
            let of_the_moment = |name: &str| OF_THE_MOMENT.contains(&name);
            entry.attributes.retain(|name, values| {
                values.sort();
                !of_the_moment(name) && !without.contains(&name.as_str())
            });
            entry
        };
        self.0.iter().map(|(guid, entry)| (*guid, lasting(entry))).collect()
    }
}

/// The DNs in `member`.
pub(crate) fn members(entry: &Entry) -> BTreeSet<String> {
    entry.texts().remove("member").unwrap_or_default().into_iter().collect()
}

/// Holds that two entries are the same, attribute by attribute.
#[track_caller]
pub(crate) fn assert_same(before: &BTreeMap<Uuid, Entry>, after: &BTreeMap<Uuid, Entry>) {
    for (guid, was) in before {
        let is = after.get(guid).unwrap_or_else(|| panic!("{} is gone", was.dn));
        assert_eq!(is.dn, was.dn);
        let names: BTreeSet<_> = was.attributes.keys().chain(is.attributes.keys()).collect();
        for name in names {
            let text = |entry: &Entry| {
                let values = entry.attributes.get(name).cloned().unwrap_or_default();
                let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
                values.iter().map(text).collect::<Vec<_>>()
            };
            assert_eq!(text(is), text(was), "{name} of {}", was.dn);
        }
    }
    let new: Vec<_> = after.iter().filter(|(guid, _)| !before.contains_key(*guid)).collect();
    assert!(new.is_empty(), "{new:?}");
}
