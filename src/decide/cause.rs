//! Why a change is made: the policy, the cloud, or somebody's hand in the directory.
//!
//! Memory tells them apart: what an earlier pass already meant has been changed by others.

use std::collections::BTreeMap;

use crate::decide::Inputs;
use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::decide::wanted::Wanted;
use crate::model::change::{AttributeChange, Cause, MemberReference};
use crate::model::policy::{MemberBasis, Place, PolicySet};
use crate::model::{Leave, Memory, ObjectGuid, ObjectId};

/// What the tenant says of a group, whatever its policy.
const OF_THE_CLOUD: [&str; 6] =
    ["displayName", "description", "groupType", "mail", "mailNickname", "proxyAddresses"];
/// What no policy has a say in.
const TEXTS: [&str; 2] = ["displayName", "description"];

/// Why attributes, names or the type of a group change.
///
/// | memory of the group | cause |
/// |---|---|
/// | the group comes back from disabled or quarantined | the cloud |
/// | means the same values | drift |
/// | means other values, of texts that no policy has a say in | the cloud |
/// | was made under another text of the policy | the policy |
/// | means other values | the cloud |
/// | none | drift for anchors, the cloud for texts and type, the policy for names |
pub fn of_attributes(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    changes: &[AttributeChange],
) -> Cause {
    let names: Vec<&str> = changes.iter().map(|change| &*change.name).collect();
    let names = names.join(", ");
    let drift = || Cause::Drift(format!("{names} changed in the directory"));
    let cloud = || Cause::Cloud(format!("{names} as the tenant has it"));
    let policy = || Cause::Policy(group.policy.group_place.clone());
    if group.returns() {
        return cloud();
    }
    let only = |some: &[&str]| changes.iter().all(|change| some.contains(&&*change.name));
    let Some(intent) = inputs.memory.intents.get(&group.cloud.id) else {
        return if only(&["adminDescription", "msDS-ExternalDirectoryObjectId"]) {
            drift()
        } else if only(&OF_THE_CLOUD) {
            cloud()
        } else {
            policy()
        };
    };
    if changes.iter().all(|c| intent.attributes.get(&c.name) == c.after.as_ref()) {
        drift()
    } else if only(&TEXTS) || intent.generation == group.policy.generation {
        cloud()
    } else {
        policy()
    }
}

/// Who tells why members come and go.
///
/// An edit of a policy is why a member comes or goes only where it is the edit that makes it so:
/// else whoever joins a group while somebody proposes another name for it would change what was
/// reviewed.
///
/// | memory of the group | cause |
/// |---|---|
/// | none | the cloud |
/// | meant all of those that come, or none of those that go | drift |
/// | another text of the policy, with other rules about members | the policy |
/// | another text, and no pass kept the group meanwhile: it is selected again | the policy |
/// | another text, and a group that it does not select any more is taken out | the policy |
/// | a nested group comes that is newly selected, or selected again by another text | its policy |
/// | anything else | the cloud |
#[derive(Debug)]
pub struct Causes<'a> {
    memory: &'a Memory,
    policies: &'a PolicySet,
    claims: &'a Claims,
    /// The cloud groups of the objects that are ours.
    ours: BTreeMap<ObjectGuid, ObjectId>,
}

impl<'a> Causes<'a> {
    /// Cost: one pass over the owned groups.
    pub fn new(inputs: &Inputs<'a>, claims: &'a Claims, holdings: &Holdings<'_>) -> Self {
        let owned = holdings.owned.iter();
        Self {
            memory: inputs.memory,
            policies: inputs.policies,
            claims,
            ours: owned.map(|(id, owned)| (owned.group.guid, *id)).collect(),
        }
    }

    /// Why members are added.
    pub fn of_additions(&self, group: &Wanted<'_>, members: &[MemberReference]) -> Cause {
        if members.iter().all(|member| self.was_meant(group, member)) {
            return Cause::Drift("members were taken out".to_owned());
        }
        let nested = members.iter().find_map(|member| self.newly_selected(member));
        let place = self.edited(group, |one, other| one.additions == other.additions);
        place.or(nested).map_or_else(|| by_the_tenant(group), |place| Cause::Policy(place.clone()))
    }

    /// Why members are removed.
    pub fn of_removals(&self, group: &Wanted<'_>, members: &[MemberReference]) -> Cause {
        let intent = self.memory.intents.get(&group.cloud.id);
        if intent.is_some() && !members.iter().any(|member| self.was_meant(group, member)) {
            return Cause::Drift("members were put in".to_owned());
        }
        let has_another_text =
            intent.is_some_and(|intent| intent.generation != group.policy.generation);
        let dropped = has_another_text && members.iter().any(|member| self.is_out_of_scope(member));
        let dropped = dropped.then_some(&group.policy.selection_place);
        let place = self.edited(group, |one, other| one.removals == other.removals);
        place.or(dropped).map_or_else(|| by_the_tenant(group), |place| Cause::Policy(place.clone()))
    }

    /// The place of the edit that can be why any member of the group comes or goes. `same`: whether
    /// two texts say the same of them.
    fn edited<'w>(
        &self,
        group: &Wanted<'w>,
        same: fn(&MemberBasis, &MemberBasis) -> bool,
    ) -> Option<&'w Place> {
        let (id, policy) = (group.cloud.id, group.policy);
        let intent = self.memory.intents.get(&id)?;
        if intent.generation == policy.generation {
            return None;
        }
        // Where an earlier version kept no basis, any edit may be one of these rules.
        let basis = MemberBasis::of(policy);
        if !intent.member_basis.is_some_and(|known| same(&known, &basis)) {
            return Some(&policy.members_place);
        }
        (!self.memory.kept.contains_key(&id)).then_some(&policy.selection_place)
    }

    /// The place that selects a nested group which no policy kept when the last pass finished. That
    /// its flag is on again, or that it was brought back, is the tenant's doing.
    fn newly_selected(&self, member: &MemberReference) -> Option<&'a Place> {
        let id = self.group_of(member)?;
        if self.memory.kept.contains_key(&id) || self.memory.deleted.contains_key(&id) {
            return None;
        }
        let Claim::Keep(index) = self.claims.groups.get(&id)? else { return None };
        let policy = &self.policies.policies.get(*index)?.policy;
        let intent = self.memory.intents.get(&id);
        let has_another_text = intent.is_none_or(|known| known.generation != policy.generation);
        has_another_text.then_some(&policy.selection_place)
    }

    /// Whether the member is a group of ours that its policy does not select any more.
    fn is_out_of_scope(&self, member: &MemberReference) -> bool {
        let claim = self.group_of(member).and_then(|id| self.claims.groups.get(&id));
        let leave = match claim {
            Some(Claim::Leaving(_, leave)) => *leave,
            Some(Claim::Departing(departing)) => departing.leave,
            Some(Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_)) | None => return false,
        };
        leave == Leave::OutOfScope
    }

    /// The cloud group that a member is, where it is one of ours.
    fn group_of(&self, member: &MemberReference) -> Option<ObjectId> {
        match member {
            MemberReference::Existing { guid, .. } => self.ours.get(guid).copied(),
            MemberReference::Created { group, .. } => Some(*group),
        }
    }

    fn was_meant(&self, group: &Wanted<'_>, member: &MemberReference) -> bool {
        match member {
            MemberReference::Existing { guid, .. } => self
                .memory
                .intents
                .get(&group.cloud.id)
                .is_some_and(|intent| intent.members.binary_search(guid).is_ok()),
            MemberReference::Created { .. } => false,
        }
    }
}

fn by_the_tenant(group: &Wanted<'_>) -> Cause {
    Cause::Cloud(format!("members of {:?}", group.cloud.display_name))
}
