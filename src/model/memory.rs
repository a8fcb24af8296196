//! What passes remember from one to the next. Losing any part of it may only add holds.
//!
//! Goes into `decide`, comes out of `decide::conclude`; the daemon keeps it in the process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{AttributeName, Digest, Leave, ObjectGuid, ObjectId};

/// Memory of one daemon.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The object each owned cloud group was seen as or written to, by this process.
    pub inventory: BTreeMap<ObjectId, ObjectGuid>,
    /// When a group was first missing from a complete listing, from the deleted items and from
    /// a direct read.
    pub absent_since: BTreeMap<ObjectId, Timestamp>,
    /// Which event took a group out of its policy, and when it was first seen.
    pub left: BTreeMap<ObjectId, (Leave, Timestamp)>,
    /// The objects of groups that this process deleted.
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
    /// Whether a finished pass of this process stands behind it.
    pub passes: u64,
}

/// A value in the directory's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// As it was written.
    pub written: String,
    /// As it stands there.
    pub stands: String,
}

/// What a group was meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The generation of the policy it followed.
    pub generation: Digest,
    /// Attribute values, `distinguishedName` and `sAMAccountName` among them.
    pub attributes: BTreeMap<AttributeName, String>,
    /// Its members, sorted.
    pub members: Box<[ObjectGuid]>,
}
