//! A plan: the changes of one pass, in the order they are made, with a digest people can quote.
//!
//! Made by `decide::plan`; guarded, printed, compared and journalled.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Serialize, Serializer};

use crate::model::change::{Change, Kind};

/// A SHA-256 digest, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut raw = [0; 32];
        raw.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(raw)
    }

    /// Whether `text` is this digest or the start of it, at least 12 digits long.
    pub fn answers_to(&self, text: &str) -> bool {
        text.len() >= Self::DIGITS_MIN && self.to_string().starts_with(&text.to_lowercase())
    }

    /// The fewest digits a person may quote: 48 bits, far beyond a chance hit among plans.
    pub const DIGITS_MIN: usize = 12;

    /// The first digits, for messages.
    pub fn short(&self) -> String {
        self.to_string().chars().take(Self::DIGITS_MIN).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

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
