//! Digests: what people quote, compare and approve.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Serialize, Serializer};

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
