//! Why a group leaves its policy.
//!
//! The words that `decide::claim` answers with; `decide::depart` acts on them, `decide::nest` asks
//! what they mean for the groups around, memory keeps them until the grace is over.

use serde::{Deserialize, Serialize};

/// Why a group leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Leave {
    /// Gone for good, and the policy keeps such groups.
    HardDeleted,
    /// In the tenant's deleted items.
    SoftDeleted,
    /// Its writeback flag is off.
    FlagOff,
    /// No entry of its policy selects it any more.
    OutOfScope,
    /// It became a kind of group that cannot be written back.
    Ineligible,
    /// Another policy selects it, but its record names this one.
    Elsewhere,
    /// Its policy is not there any more.
    Orphaned,
}

impl Leave {
    /// A plain phrase for plans.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::HardDeleted => "the cloud group is deleted for good",
            Self::SoftDeleted => "the cloud group is soft-deleted",
            Self::FlagOff => "its writeback flag is off",
            Self::OutOfScope => "its policy does not select it any more",
            Self::Ineligible => "it cannot be written back any more",
            Self::Elsewhere => "only another policy than the one in its record selects it",
            Self::Orphaned => "its policy is not there any more",
        }
    }

    /// Whether a group that leaves for this reason is dropped from the groups it is nested in. The
    /// others may come back without anybody asking for it: their nesting stays as it is.
    pub fn ends_nesting(self) -> bool {
        match self {
            Self::HardDeleted | Self::SoftDeleted | Self::FlagOff | Self::OutOfScope => true,
            Self::Ineligible | Self::Elsewhere | Self::Orphaned => false,
        }
    }
}
