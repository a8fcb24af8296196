//! A plan: the changes of one pass, in the order they are made, with a digest people can quote.
//!
//! Made by `decide::plan`; guarded, printed, compared and journalled.

use crate::model::change::{Change, Kind};

/// The changes of one pass, in the order they are made.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Waiting changes, sorted as they are executed; freezes stand last.
    pub changes: Vec<Change>,
    /// What policies in mode Observe would do; never executed.
    pub observed: Vec<Change>,
    /// Groups that this process wrote and that are nowhere in the domain: creating them anew gives
    /// a new SID, so a person decides. Always held.
    pub gone: Vec<Change>,
    /// Deletions that need a second look before they may be planned.
    pub unconfirmed: Vec<Change>,
}

impl Plan {
    /// The changes that write: everything but freezes.
    pub fn writes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.effect.kind() != Kind::Freeze)
    }
}
