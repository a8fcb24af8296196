//! The rolling window: what was removed in the last 24 hours.
//!
//! Counted by `decide::guard`, written into the journal with each intent, kept by `Memory`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{ObjectGuid, ObjectId, PolicyName};

/// How far back the guard counts.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Something that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Spend {
    /// A group that was deleted, disabled, quarantined, or lost its security.
    Group(ObjectId),
    /// A value taken out of a group.
    #[serde(rename_all = "camelCase")]
    Membership {
        /// The cloud group.
        group: ObjectId,
        /// Who was taken out.
        member: ObjectGuid,
        /// How many principals lost the group by it: 1, or those inside a nested group.
        principals: usize,
    },
    /// A value taken out of a group because its principal left the tenant or was disabled there.
    Leaver {
        /// The cloud group.
        group: ObjectId,
        /// Who left.
        member: ObjectGuid,
    },
}

/// What was taken away, when, under which policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spending {
    /// When it was announced.
    pub at: Timestamp,
    /// Under which policy.
    pub policy: PolicyName,
    /// What.
    pub spend: Spend,
}
