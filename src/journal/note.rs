//! What is told besides operations: the word of people, and what waits for it.
//!
//! Made by the controller where somebody approves, pauses, resumes or undoes; `journal` puts it in
//! a line of its own.

use jiff::Timestamp;

use super::entry::Body;
use crate::model::{Digest, PolicyName};

/// What is told besides operations.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Somebody let a held set through.
    Approval {
        /// The digest of the held set.
        digest: Digest,
        /// Who.
        approved_by: String,
        /// When it ends.
        not_after: Timestamp,
        /// How many things the set holds.
        items: usize,
        /// File and line, where a document says so.
        place: Option<String>,
    },
    /// An approval is used up.
    ApprovalUsed {
        /// The digest of the held set.
        digest: Digest,
    },
    /// A held set is seen for the first time.
    Held {
        /// Its digest.
        digest: Digest,
        /// The messages of its holds.
        holds: Vec<String>,
    },
    /// What follows undoes a change set.
    Undo {
        /// The digest of the plan that is undone.
        changeset: Digest,
    },
    /// Somebody paused one policy, or everything.
    Paused {
        /// Which policy; `None` for everything.
        policy: Option<PolicyName>,
        /// Who.
        by: String,
    },
    /// Somebody ended a pause.
    Resumed {
        /// Which policy; `None` for everything.
        policy: Option<PolicyName>,
        /// Who.
        by: String,
    },
}

impl From<Note> for Body {
    fn from(note: Note) -> Self {
        match note {
            Note::Approval { digest, approved_by, not_after, items, place } => {
                Self::Approval { digest, approved_by, not_after, items, place }
            }
            Note::ApprovalUsed { digest } => Self::ApprovalUsed { digest },
            Note::Held { digest, holds } => Self::Held { digest, holds },
            Note::Undo { changeset } => Self::Undo { changeset },
            Note::Paused { policy, by } => Self::Paused { policy, by },
            Note::Resumed { policy, by } => Self::Resumed { policy, by },
        }
    }
}
