//! Objects that are never taken out: `members.keep` of each policy, and accounts that have a group
//! as their primary group.
//!
//! From the policies in force and the principals of the domain to what `decide::members` and
//! `decide::diff` ask.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::decide::members::links::{Index, LinkIndex};
use crate::decide::members::tally::names;
use crate::model::distinguished_name::DnKey;
use crate::model::policy::{Keep, KeepReference};
use crate::model::{DirectoryGroup, Finding, FindingCode, ObjectGuid, PolicyName, Principal, Sid};

/// What the policies keep.
#[derive(Debug, Default)]
pub(super) struct Keeps {
    of: BTreeMap<PolicyName, Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeSet<ObjectGuid>,
    missing: Option<String>,
}

impl Keeps {
    pub(super) fn new<'a>(inputs: &Inputs<'a>, links: &LinkIndex<'a>) -> Self {
        let policies = || inputs.policies.policies.iter().map(|standing| &standing.policy);
        let places = places(
            inputs.directory.principals.value(),
            policies().flat_map(|policy| &policy.members.keep),
        );
        let mut keeps = Self::default();
        for policy in policies().filter(|policy| !policy.members.keep.is_empty()) {
            let mut kept = Kept::default();
            let mut missing = Vec::new();
            for entry in &policy.members.keep {
                let found = match &entry.object {
                    KeepReference::Sid(sid) => links.with_sid(sid),
                    KeepReference::Guid(guid) => {
                        let is_there = inputs.directory.principals.value().contains_key(guid);
                        is_there.then_some(*guid).into_iter().collect()
                    }
                    KeepReference::Dn(dn) => places.get(&dn.key()).copied().into_iter().collect(),
                };
                if found.is_empty() {
                    missing.push(format!("{} ({})", phrase(&entry.object), entry.place));
                }
                kept.objects.extend(found);
            }
            if !missing.is_empty() {
                kept.missing = Some(format!(
                    "`members.keep` names what the domain does not have: {}",
                    names(&missing, missing.len())
                ));
            }
            keeps.of.insert(policy.name.clone(), kept);
        }
        keeps
    }

    /// What the policy never takes out.
    pub(super) fn objects(&self, policy: &PolicyName) -> impl Iterator<Item = ObjectGuid> + '_ {
        self.of.get(policy).into_iter().flat_map(|kept| &kept.objects).copied()
    }

    /// Why the policy removes nothing: an entry that no object answers to may be meant for any.
    pub(super) fn missing(&self, policy: &PolicyName) -> Option<&str> {
        self.of.get(policy)?.missing.as_deref()
    }

    /// One finding for each policy with such an entry.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.of.iter().filter_map(|(policy, kept)| {
            let missing = kept.missing.as_deref()?;
            let message = format!(
                "{missing}; until the entry is mended or taken out the policy removes no member \
                 and no group"
            );
            let (policy, code) = (Some(policy.clone()), FindingCode::KeepNotFound);
            Some(Finding { policy, group: None, code, message })
        })
    }
}

fn phrase(object: &KeepReference) -> String {
    match object {
        KeepReference::Sid(sid) => format!("sid:{sid}"),
        KeepReference::Guid(guid) => format!("guid:{guid}"),
        KeepReference::Dn(dn) => dn.to_string(),
    }
}

/// The objects at the DNs that entries name. Only objects of the same leaf are compared whole.
fn places<'k>(
    principals: &BTreeMap<ObjectGuid, Principal>,
    entries: impl Iterator<Item = &'k Keep>,
) -> BTreeMap<DnKey, ObjectGuid> {
    let leaves: BTreeSet<String> = entries
        .filter_map(|entry| match &entry.object {
            KeepReference::Dn(dn) => Some(dn.leaf().to_lowercase()),
            KeepReference::Sid(_) | KeepReference::Guid(_) => None,
        })
        .collect();
    if leaves.is_empty() {
        return BTreeMap::new();
    }
    let meant = |principal: &&Principal| leaves.contains(&principal.dn.leaf().to_lowercase());
    principals.values().filter(meant).map(|found| (found.dn.key(), found.guid)).collect()
}

/// Accounts by the marked groups that are their primary group. The directory counts them as
/// members without a value of `member`, refuses to add one and has none to remove
/// (MS-SAMR 3.1.1.8.9).
#[derive(Debug)]
pub(super) struct PrimaryGroups {
    by_rid: Index<u32>,
}

impl PrimaryGroups {
    pub(super) fn new(inputs: &Inputs<'_>) -> Self {
        let rid = |group: &DirectoryGroup| group.sid.as_ref().and_then(Sid::rid);
        let groups: BTreeSet<u32> =
            inputs.directory.groups.value().values().filter_map(rid).collect();
        let principals = inputs.directory.principals.value().values();
        Self {
            by_rid: Index::new(
                principals
                    .filter_map(|account| Some((account.primary_group?, account.guid)))
                    .filter(|(rid, _)| groups.contains(rid)),
            ),
        }
    }

    pub(super) fn of(&self, group: &DirectoryGroup) -> BTreeSet<ObjectGuid> {
        let rid = group.sid.as_ref().and_then(Sid::rid);
        rid.iter().flat_map(|rid| self.by_rid.of(rid)).collect()
    }
}
