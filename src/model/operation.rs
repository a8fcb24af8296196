//! One request to the directory, as a value: what the journal announces and the client executes.
//!
//! Split from changes by `directory::apply`; recorded by `journal`; sent by `directory::client`.

use serde::{Deserialize, Serialize};

use crate::model::change::{AttributeChange, LastSight};
use crate::model::{AttributeName, ObjectGuid, Target};

/// One LDAP write. Every target lies inside the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds a group with these single-valued attributes (`objectClass` is implied).
    Add {
        /// The new object.
        target: Target,
        /// Attribute and value, sorted.
        attributes: Vec<(AttributeName, String)>,
    },
    /// Deletes the old and adds the new value of each attribute in one atomic modify
    /// (RFC 4511 4.6): it fails when somebody changed one of them meanwhile.
    Modify {
        /// The object.
        target: Target,
        /// Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// Adds values of `member`.
    AddMembers {
        /// The group.
        target: Target,
        /// Sorted, at most `directory::apply::BATCH_VALUES_MAX`.
        members: Vec<ObjectGuid>,
    },
    /// Removes values of `member`.
    RemoveMembers {
        /// The group.
        target: Target,
        /// Sorted, at most `directory::apply::BATCH_VALUES_MAX`.
        members: Vec<ObjectGuid>,
    },
    /// Renames, moves, or both.
    ModifyDn {
        /// Where it is.
        target: Target,
        /// Where it goes.
        to: Target,
    },
    /// Brings a deleted object back under the target's name, with these attribute changes, in one
    /// modify (MS-ADTS 3.1.1.5.3.7).
    Restore {
        /// The object and where it goes.
        target: Target,
        /// Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// Deletes the object.
    Delete {
        /// The object.
        target: Target,
        /// As it stood: for the journal alone.
        last: LastSight,
    },
}

impl Operation {
    /// The object this is aimed at.
    pub fn target(&self) -> &Target {
        match self {
            Self::Add { target, .. }
            | Self::Modify { target, .. }
            | Self::AddMembers { target, .. }
            | Self::RemoveMembers { target, .. }
            | Self::ModifyDn { target, .. }
            | Self::Restore { target, .. }
            | Self::Delete { target, .. } => target,
        }
    }

    /// A bounded word for metrics and the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Modify { .. } => "modify",
            Self::AddMembers { .. } => "add_members",
            Self::RemoveMembers { .. } => "remove_members",
            Self::ModifyDn { .. } => "modify_dn",
            Self::Restore { .. } => "restore",
            Self::Delete { .. } => "delete",
        }
    }

    /// All words of [`Operation::word`], for series that start at zero.
    pub const WORDS: [&'static str; 7] =
        ["add", "modify", "add_members", "remove_members", "modify_dn", "restore", "delete"];
}

/// What one operation, or one whole change, led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "PascalCase")]
pub enum Outcome {
    /// It was done.
    Done {
        /// The object it was done to, where the directory told.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<ObjectGuid>,
    },
    /// Reading showed that it was so already.
    AlreadySo {
        /// The object.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<ObjectGuid>,
    },
    /// The directory said no, and would again.
    Refused {
        /// Plain text with the directory's code: what to do about it.
        message: String,
    },
    /// It could not be done this time.
    Failed {
        /// Plain text.
        message: String,
    },
    /// Nobody knows: the answer was lost and reading did not settle it.
    Unknown {
        /// Plain text.
        message: String,
    },
}

impl Outcome {
    /// Whether the directory is now as the change wanted it.
    pub fn achieved(&self) -> bool {
        match self {
            Self::Done { .. } | Self::AlreadySo { .. } => true,
            Self::Refused { .. } | Self::Failed { .. } | Self::Unknown { .. } => false,
        }
    }

    /// A bounded word for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::AlreadySo { .. } => "already_so",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// All words of [`Outcome::word`], for series that start at zero.
    pub const WORDS: [&'static str; 5] = ["done", "already_so", "refused", "failed", "unknown"];
}
