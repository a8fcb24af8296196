//! What an earlier change set did, operation by operation, as the journal tells it.
//!
//! Made by `controller::undo` from journal entries; turned round by `decide::undo`.

use jiff::Timestamp;

use crate::model::change::LastSight;
use crate::model::{AttributeChange, AttributeName, ObjectGuid, ObjectId, PolicyName};

/// One operation that was done, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it was announced.
    pub at: Timestamp,
    /// Under which policy.
    pub policy: PolicyName,
    /// For which cloud group.
    pub group: ObjectId,
    /// To which object; `None` for one that was made while nobody heard which the directory made:
    /// what stands there as that cloud group is it.
    pub object: Option<ObjectGuid>,
    /// Where the object was.
    pub dn: String,
    /// What.
    pub deed: Deed,
    /// Whether its end was heard; what was not heard of was done or was not.
    pub heard: bool,
}

/// What an operation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Made the group.
    Added {
        /// With these attributes.
        attributes: Vec<(AttributeName, String)>,
    },
    /// Changed attributes.
    Modified {
        /// From what to what.
        attributes: Vec<AttributeChange>,
    },
    /// Put members in.
    MembersAdded(Vec<ObjectGuid>),
    /// Took members out.
    MembersRemoved(Vec<ObjectGuid>),
    /// Renamed or moved it.
    Moved {
        /// The new DN.
        to: String,
    },
    /// Brought it back from the deleted objects.
    Restored,
    /// Deleted it.
    Deleted(LastSight),
}
