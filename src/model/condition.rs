//! Conditions in the Kubernetes manner: what is true of a policy or a group, why, and since when.
//!
//! Made by `decide::conditions` for policies and by `report::groups` for groups; shown by
//! `report::status`, `report::page` and `report::groups`.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::Digest;

/// What a condition speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ConditionKind {
    /// The directory is as the policy says.
    Ready,
    /// Changes wait or are being made.
    Reconciling,
    /// The policy cannot be acted on, or nothing of the group is written.
    Stalled,
    /// A guard keeps changes back.
    Held,
    /// Somebody else changed what the policy keeps.
    Drifted,
}

impl ConditionKind {
    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::Ready, Self::Reconciling, Self::Stalled, Self::Held, Self::Drifted];
}

/// Why a condition is as it is. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// Nothing waits.
    InStep,
    /// Changes wait for the next pass.
    ChangesWaiting,
    /// A guard's limit was passed.
    GuardTripped,
    /// The file cannot be parsed; the last good version stays in force.
    PolicyInvalid,
    /// The policy is suspended.
    Suspended,
    /// The policy only observes.
    Observing,
    /// The writeback flags cannot be read.
    WritebackFlagUnreadable,
    /// The selection would lose too many of its groups at once.
    SelectionShrank,
    /// A control group of the selection is missing or cannot be read.
    SelectionUnreadable,
    /// The links of users cannot be read.
    LinksUnreadable,
    /// Members of some groups could not be read.
    ReadIncomplete,
    /// The tenant could not be read.
    TenantUnavailable,
    /// The domain could not be read.
    DomainUnavailable,
    /// The policy folder could not be read.
    PoliciesUnavailable,
    /// The state cannot be put on disk, or is another domain's.
    StateUnavailable,
    /// Some operations failed or were refused.
    OperationsFailed,
    /// Values were changed by somebody else.
    ChangedByOthers,
    /// The directory group stays as it is.
    Frozen,
    /// The directory group belongs to somebody else.
    Foreign,
    /// Something stands in the way of the group.
    NotWritten,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it speaks of.
    #[serde(rename = "type")]
    pub kind: ConditionKind,
    /// Whether it holds.
    pub status: bool,
    /// Why.
    pub reason: Reason,
    /// A plain sentence.
    pub message: String,
    /// Since when `status` is what it is.
    pub last_transition_time: Timestamp,
    /// The generation of the policy this speaks of.
    pub observed_generation: Digest,
}
