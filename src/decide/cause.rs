//! Why a change is made: the policy, the cloud, or somebody's hand in the directory.
//!
//! Memory tells them apart: what an earlier pass already meant has been changed by others.

use crate::decide::Inputs;
use crate::decide::wanted::Wanted;
use crate::model::Memory;
use crate::model::change::{AttributeChange, Cause, MemberReference};

/// What the tenant says of a group, whatever its policy.
const OF_THE_CLOUD: [&str; 6] =
    ["displayName", "description", "groupType", "mail", "mailNickname", "proxyAddresses"];

/// Why attributes, names or the type of a group change.
///
/// | memory of the group | cause |
/// |---|---|
/// | the group comes back from disabled or quarantined | the cloud |
/// | means the same values | drift |
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
    let Some(intent) = inputs.memory.intents.get(&group.cloud.id) else {
        let only = |some: &[&str]| changes.iter().all(|change| some.contains(&&*change.name));
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
    } else if intent.generation != group.policy.generation {
        policy()
    } else {
        cloud()
    }
}

/// Why members are added: drift when an earlier pass meant every one of them.
pub fn of_additions(memory: &Memory, group: &Wanted<'_>, members: &[MemberReference]) -> Cause {
    if members.iter().all(|member| was_meant(memory, group, member)) {
        Cause::Drift("members were taken out".to_owned())
    } else {
        membership(memory, group)
    }
}

/// Why members are removed: drift when an earlier pass meant none of them.
pub fn of_removals(memory: &Memory, group: &Wanted<'_>, members: &[MemberReference]) -> Cause {
    let known = memory.intents.contains_key(&group.cloud.id);
    if known && !members.iter().any(|member| was_meant(memory, group, member)) {
        Cause::Drift("members were put in".to_owned())
    } else {
        membership(memory, group)
    }
}

/// The policy where its text is another than the one an earlier pass followed, else the cloud.
fn membership(memory: &Memory, group: &Wanted<'_>) -> Cause {
    let intent = memory.intents.get(&group.cloud.id);
    if intent.is_some_and(|intent| intent.generation != group.policy.generation) {
        Cause::Policy(group.policy.members_place.clone())
    } else {
        Cause::Cloud(format!("members of {:?}", group.cloud.display_name))
    }
}

fn was_meant(memory: &Memory, group: &Wanted<'_>, member: &MemberReference) -> bool {
    match member {
        MemberReference::Existing { guid, .. } => memory
            .intents
            .get(&group.cloud.id)
            .is_some_and(|intent| intent.members.binary_search(guid).is_ok()),
        MemberReference::Created { .. } => false,
    }
}
