//! How work on one change ends, and what it asks for before.
//!
//! Shared by `single` and `members`, read by the stepper.

use std::time::Duration;

use super::step::Question;
use crate::model::{Dn, ObjectGuid, Operation, Outcome};

/// What the work on one change wants next.
#[derive(Debug)]
pub(super) enum Next {
    Execute(Operation),
    Ask(Question),
    Wait(Duration),
    End(Ending),
}

/// How it went.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    /// Members the directory refuses, each with the reason.
    pub(super) refused: Vec<(ObjectGuid, String)>,
    /// Members that could not be named.
    pub(super) left_out: Vec<String>,
    /// Where the object is now, when the work changed or learnt it.
    pub(super) place: Option<(ObjectGuid, Dn)>,
    /// It ended because the domain controller did not answer, whatever was tried.
    pub(super) unheard: bool,
    /// It was not tried, because of how an earlier change of its group ended.
    pub(super) forbidden: bool,
}

impl Ending {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            refused: Vec::new(),
            left_out: Vec::new(),
            place: None,
            unheard: false,
            forbidden: false,
        }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::of(Outcome::Failed { message: message.into() })
    }

    pub(super) fn forbidden(message: String) -> Self {
        Self { forbidden: true, ..Self::failed(message) }
    }

    pub(super) fn unheard(outcome: Outcome) -> Self {
        Self { unheard: true, ..Self::of(outcome) }
    }
}

/// The caller answered something that was not asked. Whatever it was, nothing is claimed.
pub(super) fn lost_sync() -> Ending {
    let message = "the answer does not belong to what was asked".to_owned();
    Ending::of(Outcome::Unknown { message })
}
