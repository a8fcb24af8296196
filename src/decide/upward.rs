//! The groups of the directory that hold written-back groups: never touched, only told.
//!
//! From memberships in the directory and the tenant's own groups to one line for each parent: who
//! it is, and whether the tenant, which reads it from the directory, shows the nesting as well.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decide::Inputs;
use crate::decide::holdings::Holdings;
use crate::model::cloud::Origin;
use crate::model::distinguished_name::DnKey;
use crate::model::{CloudMembers, Complete, ObjectId, Principal, Sid};

/// A group of the directory that holds a written-back group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// Where it is.
    pub dn: String,
    /// The tenant's group that is read from it; `None` where it is not synchronised.
    pub cloud_group: Option<ObjectId>,
    /// Whether the tenant shows the nesting; `None` where that is not known.
    pub nested_in_cloud: Option<bool>,
}

/// Parents by the cloud group that is nested.
pub type Parents = BTreeMap<ObjectId, Vec<Parent>>;

/// The tenant's groups whose members tell whether a nesting shows there.
pub fn questions(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> BTreeSet<ObjectId> {
    let found = Upward::new(inputs, holdings);
    found.nested.values().flatten().filter_map(|dn| found.synchronised(dn)).collect()
}

/// Every parent of every written-back group.
pub fn parents(inputs: &Inputs<'_>, holdings: &Holdings<'_>, cloud: &CloudMembers) -> Parents {
    let found = Upward::new(inputs, holdings);
    let parent = |child: ObjectId, dn: &DnKey| {
        let principal = found.groups.get(dn)?;
        let cloud_group = found.synchronised(dn);
        let members = cloud_group.and_then(|id| cloud.of.get(&id)?.as_ref().ok());
        let shows = |members: &Complete<Vec<_>>| {
            members.value().iter().any(|member: &crate::model::CloudMember| member.id == child)
        };
        let nested_in_cloud = members.map(shows);
        Some(Parent { dn: principal.dn.to_string(), cloud_group, nested_in_cloud })
    };
    let all = found.nested.iter().map(|(child, parents)| {
        (*child, parents.iter().filter_map(|dn| parent(*child, dn)).collect())
    });
    all.collect()
}

struct Upward<'a> {
    /// Groups of the directory by name.
    groups: BTreeMap<DnKey, &'a Principal>,
    /// The tenant's groups that the directory masters, by SID.
    mastered: BTreeMap<&'a Sid, ObjectId>,
    /// Parents by the cloud group that is nested; those we write ourselves are left out.
    nested: BTreeMap<ObjectId, BTreeSet<DnKey>>,
}

impl<'a> Upward<'a> {
    fn new(inputs: &Inputs<'a>, holdings: &Holdings<'a>) -> Self {
        let ours: BTreeSet<DnKey> =
            holdings.owned.values().map(|owned| owned.group.dn.key()).collect();
        let mut nested: BTreeMap<ObjectId, BTreeSet<DnKey>> = BTreeMap::new();
        for (id, owned) in &holdings.owned {
            let parents = owned.group.parents.iter().map(crate::model::Dn::key);
            let strangers: BTreeSet<_> = parents.filter(|dn| !ours.contains(dn)).collect();
            if !strangers.is_empty() {
                nested.insert(*id, strangers);
            }
        }
        let wanted: BTreeSet<&DnKey> = nested.values().flatten().collect();
        let principals = inputs.directory.principals.value().values();
        let keyed = principals.map(|principal| (principal.dn.key(), principal));
        let groups = keyed.filter(|(dn, _)| wanted.contains(dn)).collect();
        let mastered =
            inputs.cloud.groups.value().values().filter_map(|group| match &group.origin {
                Origin::OnPremises(sid) => Some((sid.as_ref()?, group.id)),
                Origin::Cloud | Origin::Converted(_) | Origin::ConvertedUnreadable => None,
            });
        Self { groups, mastered: mastered.collect(), nested }
    }

    fn synchronised(&self, dn: &DnKey) -> Option<ObjectId> {
        let sid = self.groups.get(dn)?.sid.as_ref()?;
        self.mastered.get(sid).copied()
    }
}
