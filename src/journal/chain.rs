//! The chain: how a line is sealed, and how a seal is checked.
//!
//! A line is one JSON object. Its first members are `line` (the line's number, from 1, without a
//! gap over all files) and `previous` (the hash of the line before); its last member is `hash`.
//! The hash is the SHA-256 of the line's bytes before `,"hash":`, as 64 lower-case hexadecimal
//! digits: the last 75 bytes of a line, its line feed not counted, are `,"hash":"…"}`. Since
//! `previous` is among the hashed bytes, the hash of the last line speaks for all of them.
//!
//! `previous` of line 1 is the SHA-256 of the bytes that stand before it in its file: of nothing
//! in a new journal, of all old lines in one that was begun by a version without a chain.
//!
//! An outsider checks line N of a file with
//! `sed -n Np journal.jsonl | sed 's/,"hash":"[0-9a-f]*"}$//' | tr -d '\n' | sha256sum`
//! and its link with `jq -r '.line, .previous, .hash'`.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{Body, End, Torn};
use crate::model::Digest;

/// The end of the journal: kept in the state, told by metric and log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalHead {
    /// The number of the last line; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: Digest,
}

impl fmt::Display for JournalHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl JournalHead {
    /// The head of a journal without a line.
    pub fn before_the_first() -> Self {
        Self { sequence: 0, hash: Digest::of(b"") }
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (sequence, hash) = text.split_once(':')?;
        Some(Self { sequence: sequence.parse().ok()?, hash: Digest::parse(hash)? })
    }
}

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const AFTER_HASH: &[u8] = b"\"}";
const HASH_DIGITS: usize = 64;

#[derive(Serialize)]
struct Written<'a> {
    line: u64,
    previous: Digest,
    at: Timestamp,
    #[serde(flatten)]
    body: &'a Body,
}

/// The line that follows `head`, without its line feed, and the head after it.
pub(super) fn seal(head: &JournalHead, at: Timestamp, body: &Body) -> (String, JournalHead) {
    let written = Written { line: head.sequence + 1, previous: head.hash, at, body };
    let mut text = serde_json::to_string(&written).expect("maps with text keys become JSON");
    text.pop();
    let hash = Digest::of(text.as_bytes());
    let _ = write!(text, ",\"hash\":\"{hash}\"}}");
    (text, JournalHead { sequence: written.line, hash })
}

/// What the chain, the numbers of operations and the retention need of a line.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Link {
    pub line: u64,
    pub previous: Digest,
    pub at: Timestamp,
    pub kind: String,
    /// The operation's number, of an intent or outcome.
    pub sequence: Option<u64>,
    pub found: Option<End>,
    pub torn: Option<Torn>,
    /// The first line that is kept.
    pub from: Option<u64>,
    /// The line that opening missed.
    pub lost: Option<JournalHead>,
}

/// A line whose own hash is right.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub link: Link,
    pub hash: Digest,
}

impl Sealed {
    pub(super) fn head(&self) -> JournalHead {
        JournalHead { sequence: self.link.line, hash: self.hash }
    }

    /// What this line says was lost before it, for people.
    pub(super) fn loss(&self) -> Option<String> {
        let Link { line, at, lost, .. } = &self.link;
        let known = lost.as_ref()?.sequence;
        let (lost, when) = match *line {
            1 => (format!("everything up to line {known} is lost"), "the journal was gone"),
            line if line < known => (format!("lines {line} to {known} are lost"), "it ended there"),
            line if line == known => (format!("line {known} is lost"), "it ended there"),
            _ => {
                let other = "the lines up to here are not those that were written";
                (format!("line {known} is lost, and {other}"), "it had another line there")
            }
        };
        Some(format!("{lost}: {when} when it was opened at {at}"))
    }
}

/// Reads a line without its line feed; `None` unless its own hash is right to the letter.
pub(super) fn unseal(text: &[u8]) -> Option<Sealed> {
    let rest = text.strip_suffix(AFTER_HASH)?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(HASH_DIGITS)?)?;
    let hashed = rest.strip_suffix(BEFORE_HASH)?;
    let hash = Digest::of(hashed);
    if hash.to_string().as_bytes() != digits {
        return None;
    }
    Some(Sealed { link: serde_json::from_slice(text).ok()?, hash })
}
