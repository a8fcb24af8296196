//! Which cloud members count as a group's own: the direct ones, or those of its nested groups too.
//!
//! From the members that were read and the rules of a policy to a [`Roster`]; and, before that, to
//! the nested groups whose members are still to be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::members::tally::{Tally, name};
use crate::model::cloud::{MemberKind, Unread};
use crate::model::policy::{Devices, HiddenMembership, Nested, Policy, PolicySet};
use crate::model::{CloudListing, CloudMember, CloudMembers, Complete, FindingCode, ObjectId};

/// The members that a group's policy asks for.
#[derive(Debug, Default)]
pub struct Roster<'a> {
    /// Sorted by id.
    pub(super) members: Vec<&'a CloudMember>,
    /// What the policy or the tenant leaves out.
    pub(super) left_out: Tally,
}

impl Roster<'_> {
    /// The same with this one member alone, for whoever explains it; `None` where it is not in it.
    pub fn only(self, id: ObjectId) -> Option<Self> {
        let members: Vec<_> = self.members.into_iter().filter(|member| member.id == id).collect();
        (!members.is_empty()).then(|| Self { members, left_out: Tally::default() })
    }

    /// Whether it has this member.
    pub fn holds(&self, id: ObjectId) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    /// How many members there are: what `maximum` counts. One that pages show twice is one.
    pub fn count(&self) -> usize {
        let others = self.members.iter().skip(1);
        let changes = self.members.iter().zip(others).filter(|(a, b)| a.id != b.id).count();
        changes + usize::from(!self.members.is_empty())
    }
}

/// The groups whose policy writes the members of nested groups instead of those groups. `needed`
/// is what [`Claims::members_needed`](crate::decide::claim::Claims::members_needed) answers.
pub fn flatten_roots(
    policies: &PolicySet,
    needed: &BTreeMap<ObjectId, usize>,
) -> BTreeSet<ObjectId> {
    let flattens = |index: &usize| {
        let standing = policies.policies.get(*index);
        standing.is_some_and(|standing| standing.policy.members.nested == Nested::Flatten)
    };
    needed.iter().filter(|(_, index)| flattens(index)).map(|(id, _)| *id).collect()
}

/// The groups below `roots`, and the roots themselves, whose members nobody has read yet.
///
/// Read them and ask again until the answer is empty: every answer holds only ids that `of` does
/// not, so there are at most as many rounds as the deepest nesting has levels. A group that could
/// not be read is not asked for again.
pub fn flatten_needs(
    of: &BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>>,
    roots: &BTreeSet<ObjectId>,
) -> BTreeSet<ObjectId> {
    let mut seen = roots.clone();
    let mut waiting: Vec<ObjectId> = roots.iter().copied().collect();
    let mut needs = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        match of.get(&id) {
            None => {
                needs.insert(id);
            }
            Some(Err(_)) => {}
            Some(Ok(members)) => {
                let nested = members.value().iter().filter(|member| is_group(member));
                waiting.extend(nested.map(|member| member.id).filter(|id| seen.insert(*id)));
            }
        }
    }
    needs
}

fn is_group(member: &CloudMember) -> bool {
    match &member.kind {
        MemberKind::Group | MemberKind::DirectoryGroup(_) => true,
        MemberKind::User(_)
        | MemberKind::Device { .. }
        | MemberKind::Other(_)
        | MemberKind::Unreadable(_) => false,
    }
}

/// The roster of one group. `Err`: the members of a nested group are not known, for this reason.
pub(super) fn roster<'a>(
    listing: &CloudListing,
    cloud: &'a CloudMembers,
    policy: &Policy,
    group: ObjectId,
    direct: &'a [CloudMember],
) -> Result<Roster<'a>, String> {
    let mut roster = Roster::default();
    let mut members: Vec<&CloudMember> = direct.iter().collect();
    if policy.members.nested == Nested::Flatten {
        members = transitive(listing, cloud, policy, group, direct, &mut roster.left_out)?;
    }
    // Pages that shift while they are read can show a member twice, in any order.
    members.sort_by_key(|member| member.id);
    members.dedup();
    for member in members {
        match skipped(policy, member) {
            Some(fate) => {
                roster.left_out.add(FindingCode::MemberTypeSkipped, fate, name(member));
            }
            None => roster.members.push(member),
        }
    }
    Ok(roster)
}

/// How the policy leaves a member out by its type. A member of a type that is left out anyway
/// need not be readable.
fn skipped(policy: &Policy, member: &CloudMember) -> Option<&'static str> {
    let (nested, devices) = (policy.members.nested, policy.members.devices);
    match &member.kind {
        MemberKind::Group if nested == Nested::Skip => {
            Some("left out as nested cloud groups (`members.nested: Skip`)")
        }
        MemberKind::DirectoryGroup(_) if nested == Nested::Skip => {
            Some("left out as nested on-premises groups (`members.nested: Skip`)")
        }
        MemberKind::Unreadable("securityEnabled") if nested == Nested::Skip => {
            Some("left out as nested groups (`members.nested: Skip`)")
        }
        MemberKind::Device { .. } | MemberKind::Unreadable("deviceId")
            if devices == Devices::Skip =>
        {
            Some("left out as devices (`members.devices: Skip`)")
        }
        MemberKind::User(_)
        | MemberKind::Group
        | MemberKind::DirectoryGroup(_)
        | MemberKind::Device { .. }
        | MemberKind::Other(_)
        | MemberKind::Unreadable(_) => None,
    }
}

/// Everybody in the group and in its nested groups, at any depth, without those groups.
fn transitive<'a>(
    listing: &CloudListing,
    cloud: &'a CloudMembers,
    policy: &Policy,
    group: ObjectId,
    direct: &'a [CloudMember],
    left_out: &mut Tally,
) -> Result<Vec<&'a CloudMember>, String> {
    let mut nested: BTreeMap<ObjectId, &CloudMember> = BTreeMap::new();
    let mut waiting = vec![direct];
    let mut members = Vec::new();
    // By id, so that what is told does not depend on the order in which groups are met.
    let mut unread: BTreeMap<ObjectId, String> = BTreeMap::new();
    while let Some(all) = waiting.pop() {
        for member in all {
            if !is_group(member) {
                members.push(member);
                continue;
            }
            if member.id == group || nested.insert(member.id, member).is_some() {
                continue;
            }
            if fate_of_nested(listing, policy, member.id).is_some() {
                continue;
            }
            match cloud.of.get(&member.id) {
                Some(Ok(more)) => waiting.push(more.value()),
                Some(Err(why)) => {
                    unread.insert(member.id, why.reason.clone());
                }
                None => {
                    unread.insert(member.id, "they were not asked for".to_owned());
                }
            }
        }
    }
    if let Some((id, why)) = unread.pop_first() {
        return Err(format!("the members of the nested group {id} could not be read: {why}"));
    }
    for (id, member) in nested {
        if let Some((code, fate)) = fate_of_nested(listing, policy, id) {
            left_out.add(code, fate, name(member));
        }
    }
    Ok(members)
}

/// Why the members of a nested group are not written in its stead.
fn fate_of_nested(
    listing: &CloudListing,
    policy: &Policy,
    id: ObjectId,
) -> Option<(FindingCode, &'static str)> {
    if listing.deleted.value().contains(&id) {
        let fate = "not flattened, being soft-deleted groups";
        return Some((FindingCode::ChildNotWrittenBack, fate));
    }
    let hidden = listing.groups.value().get(&id).is_some_and(|group| group.hidden_membership);
    (hidden && policy.selection.hidden_membership == HiddenMembership::Skip).then_some((
        FindingCode::HiddenMembership,
        "not flattened, being groups of hidden membership, which the directory would show to all",
    ))
}
