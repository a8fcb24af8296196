//! What the outcome of one change forbids to later changes of the same group.

use crate::model::change::Kind;
use crate::model::{Change, Outcome};

/// What an earlier change of the same group forbids to later ones.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// Nothing more is done to it in this pass.
    Everything(String),
    /// It is neither renamed nor moved in this pass: later names build on the one refused.
    Names(String),
}

/// A refusal concerns one change; a failure may concern all of a group's.
pub(super) fn trouble(change: &Change, outcome: &Outcome) -> Option<Trouble> {
    let kind = change.effect.kind();
    match outcome {
        Outcome::Done { .. } | Outcome::AlreadySo { .. } => None,
        Outcome::Failed { message } | Outcome::Unknown { message } => {
            Some(Trouble::Everything(message.clone()))
        }
        Outcome::Refused { message } if matches!(kind, Kind::Create | Kind::Restore) => {
            Some(Trouble::Everything(message.clone()))
        }
        Outcome::Refused { message } => {
            let naming = matches!(kind, Kind::Rename | Kind::Move | Kind::Quarantine);
            naming.then(|| Trouble::Names(message.clone()))
        }
    }
}
