//! A person's word for one held set, and what such a set is made of.
//!
//! Items come from `decide::plan`; approvals from the command line, the admin socket and policy
//! documents; both are kept by `Memory`.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::Digest;
use crate::model::change::Kind;
use crate::model::policy::Place;

/// The longest time for which an approval holds.
pub const APPROVAL_MAX: SignedDuration = SignedDuration::from_hours(24);

/// One thing that a guard keeps back: the unit that an approval names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// The objectGUID, or the anchor of a group that is not there yet.
    pub object: String,
    /// What is done to it.
    pub kind: Kind,
    /// The value: a member, a place, attribute values; empty where the kind says it all.
    pub value: String,
}

/// Lets one held set through, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// What of the set is still open.
    pub items: BTreeSet<Item>,
    /// Who said so.
    pub approved_by: String,
    /// When the daemon took it.
    pub at: Timestamp,
    /// When it ends, whatever is open then.
    pub not_after: Timestamp,
}

/// Somebody's wish that a held set be let through: it counts only if a set with this digest is
/// held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// The digest, or its first digits.
    pub digest: String,
    /// Who asks.
    pub approved_by: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// Where a document says so.
    pub place: Option<Place>,
}

impl ApprovalRequest {
    /// Whether this asks for the set with that digest.
    pub fn names(&self, digest: &Digest) -> bool {
        digest.answers_to(&self.digest)
    }
}
