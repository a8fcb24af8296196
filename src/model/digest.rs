//! Digests: what people quote, compare and approve.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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

    /// Reads the 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes().chunks_exact(2).map(|pair| {
            let digits = std::str::from_utf8(pair).ok()?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
        });
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        (text.len() == 64).then(|| <[u8; 32]>::try_from(bytes).ok()).flatten().map(Self)
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

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}
