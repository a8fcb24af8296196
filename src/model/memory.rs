//! What passes remember from one to the next. Losing any part of it may only add holds.
//!
//! Goes into `decide`, comes out of `decide::conclude`; `state` keeps it on disk. What comes back
//! from there is a hint: nothing of it is acted on before the world was read again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::approval::{Approval, Item};
use crate::model::policy::MemberBasis;
use crate::model::window::Spending;
use crate::model::{
    AttributeChange, AttributeName, Digest, Leave, ObjectGuid, ObjectId, Pauses, PolicyName,
};

/// Memory of one daemon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The object each owned cloud group was seen as or written to.
    pub inventory: BTreeMap<ObjectId, ObjectGuid>,
    /// When a group was first missing from a complete listing, from the deleted items and from
    /// a direct read.
    pub absent_since: BTreeMap<ObjectId, Timestamp>,
    /// Which event took a group out of its policy, and when it was first seen.
    pub left: BTreeMap<ObjectId, (Leave, Timestamp)>,
    /// The policy that kept each group when the last pass finished: what a selection may lose.
    pub kept: BTreeMap<ObjectId, PolicyName>,
    /// The objects of groups that this daemon deleted.
    pub deleted: BTreeMap<ObjectId, ObjectGuid>,
    /// The object each cloud principal led to.
    pub counterparts: BTreeMap<ObjectId, ObjectGuid>,
    /// Users that a complete pass saw without any link.
    pub linkless: BTreeSet<ObjectId>,
    /// Members that the directory refused for one group, until the next resync.
    pub refused_members: BTreeMap<ObjectGuid, BTreeMap<ObjectGuid, String>>,
    /// Groups that the directory refused to restore, until the next resync, with its reason.
    pub unrestorable: BTreeMap<ObjectId, String>,
    /// What each group was meant to be when a pass last finished with it: tells drift from intent.
    pub intents: BTreeMap<ObjectId, Intent>,
    /// What the last pass wrote into the attributes of each object.
    pub written: BTreeMap<(ObjectGuid, AttributeName), String>,
    /// Values that the directory keeps in a form of its own.
    pub forms: BTreeMap<(ObjectGuid, AttributeName), Form>,
    /// What each policy held when the last pass finished: the base of the guard's percentages.
    pub committed: BTreeMap<PolicyName, Inventory>,
    /// What was removed in the last 24 hours, oldest first.
    pub spent: Vec<Spending>,
    /// Until when every removal waits: the state is fresh, was lost or is an older copy, and
    /// nobody knows what was removed already.
    pub closed_until: Option<Timestamp>,
    /// Groups of ours in the domain that the inventory does not have: seen so, or created without
    /// an answer.
    pub strangers: BTreeSet<ObjectId>,
    /// Members that this daemon added in the last 24 hours, by group and member.
    pub added: BTreeMap<(ObjectGuid, ObjectGuid), Timestamp>,
    /// What the last pass held, by the digests that a person may approve: of everything, and of
    /// each policy.
    pub held: BTreeMap<Digest, BTreeSet<Item>>,
    /// Since when each thing is held.
    pub held_since: BTreeMap<Item, Timestamp>,
    /// Approvals that still let something through.
    pub approvals: BTreeMap<Digest, Approval>,
    /// Approvals that are used up, and when they began.
    pub used_approvals: BTreeMap<Digest, Timestamp>,
    /// Values of ours that somebody else put back.
    pub reversals: BTreeMap<(ObjectGuid, AttributeName), Reversals>,
    /// Adopted groups whose first removals nobody has let through yet.
    pub adopting: BTreeSet<ObjectId>,
    /// Groups that an undo put back, with the change set that was undone: what would do it again
    /// is held.
    pub undone: BTreeMap<ObjectId, Digest>,
    /// When the first pass that this memory stands on began.
    pub begun: Option<Timestamp>,
    /// How many finished passes stand behind it.
    pub passes: u64,
    /// What people paused.
    pub pauses: Pauses,
}

/// How much a policy holds: the base of the guard's percentages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Groups with our record of this policy.
    pub groups: usize,
    /// Their values of `member`.
    pub memberships: usize,
    /// Different principals among those values.
    pub principals: usize,
}

/// How often a value of ours was put back by somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversals {
    /// How often.
    pub count: u32,
    /// When it was last seen.
    pub last: Timestamp,
}

/// A value in the directory's own form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// As it was written.
    pub written: String,
    /// As it stands there.
    pub stands: String,
}

/// What a group was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The generation of the policy it followed.
    pub generation: Digest,
    /// What of that policy decided its members; nothing where an earlier version kept this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_basis: Option<MemberBasis>,
    /// Attribute values, `distinguishedName` and `sAMAccountName` among them.
    pub attributes: BTreeMap<AttributeName, String>,
    /// Its members, sorted.
    pub members: Box<[ObjectGuid]>,
}

impl Intent {
    /// Values that were written to the group. The ownership record is no value of the policy.
    pub fn follow(&mut self, changes: &[AttributeChange]) {
        for change in changes.iter().filter(|change| change.name != "extensionName") {
            match &change.after {
                Some(value) => self.attributes.insert(change.name.clone(), value.clone()),
                None => self.attributes.remove(&change.name),
            };
        }
    }

    /// The place at which the group was put. A place that was left to others stays theirs.
    pub fn follow_to(&mut self, dn: &str) {
        if let Some(place) = self.attributes.get_mut("distinguishedName") {
            dn.clone_into(place);
        }
    }

    /// Members that came and members that went.
    pub fn follow_members(&mut self, added: &[ObjectGuid], removed: &[ObjectGuid]) {
        let mut members: BTreeSet<ObjectGuid> = self.members.iter().copied().collect();
        members.extend(added);
        members.retain(|member| !removed.contains(member));
        self.members = members.into_iter().collect();
    }
}
