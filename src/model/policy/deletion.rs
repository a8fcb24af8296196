//! `spec.deletion`: how a written group ends.
//!
//! Made by `policy::document`; read by `decide::claim`.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Dn;

/// What happens to the directory group of a cloud group that leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// When its writeback flag is off.
    pub on_disabled: Departure,
    /// When no policy selects it any more.
    pub on_out_of_scope: Departure,
    /// When it is in the tenant's deleted items.
    pub on_soft_deleted: Departure,
    /// When it is gone for good.
    pub on_hard_deleted: Departure,
    /// How long the event has to last before anything but `Retain` is done.
    pub grace: SignedDuration,
    /// Where quarantined groups go; there with every `Quarantine`.
    pub quarantine_container: Option<Dn>,
}

impl Default for Deletion {
    fn default() -> Self {
        Self {
            on_disabled: Departure::Retain,
            on_out_of_scope: Departure::Retain,
            on_soft_deleted: Departure::Retain,
            on_hard_deleted: Departure::Delete,
            grace: SignedDuration::ZERO,
            quarantine_container: None,
        }
    }
}

/// What is done with a directory group whose cloud group leaves.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
pub enum Departure {
    /// It stays as it is, frozen.
    Retain,
    /// It gives no access and receives no mail any more; members and SID stay.
    Disable,
    /// The same, and it is moved to the quarantine container.
    Quarantine,
    /// It is deleted.
    Delete,
}

impl Departure {
    /// A word that reads after "it is".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Retain => "kept",
            Self::Disable => "disabled",
            Self::Quarantine => "quarantined",
            Self::Delete => "deleted",
        }
    }
}
