//! What is on disk when the journal is opened: where the chain goes on, what a crash tore, and
//! which files have grown too old.
//!
//! Reads only; `journal` writes what follows from it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::chain::{JournalHead, Link};
use super::entry::{End, Entry, Torn};
use super::files::{Gap, Met, Volume, Walk, aside, volumes};
use crate::model::Digest;

/// What opening has to know.
#[derive(Debug)]
pub(super) struct Survey {
    /// The last whole line.
    pub head: JournalHead,
    /// The first line of the file that grows.
    pub first: u64,
    /// The highest number of an operation; 0 before the first.
    pub highest_operation: u64,
    /// Intents without an outcome.
    pub open_intents: u64,
    /// How the journal ends.
    pub end: End,
    /// What stands after the last whole line, the line feed that opening adds included.
    pub torn: Option<Torn>,
    /// The last byte is no line feed.
    pub unended: bool,
}

/// What one file tells.
#[derive(Debug, Default)]
struct Seen {
    head: Option<JournalHead>,
    first: Option<u64>,
    numbers: Numbers,
    tail: Gap,
    /// The last whole line lacks its line feed.
    unended: bool,
}

/// Operations and what became of them.
#[derive(Debug, Default)]
struct Numbers {
    highest: Option<u64>,
    open: BTreeSet<u64>,
    /// A run began after the open intents.
    reopened: bool,
}

impl Numbers {
    fn take(&mut self, kind: &str, sequence: Option<u64>) {
        match (kind, sequence) {
            ("opened", _) => self.reopened = true,
            ("intent", Some(sequence)) => {
                if std::mem::take(&mut self.reopened) {
                    // A later run has written since: it read the directory first.
                    self.open.clear();
                }
                self.highest = self.highest.max(Some(sequence));
                self.open.insert(sequence);
            }
            ("outcome", Some(sequence)) => {
                self.open.remove(&sequence);
            }
            _ => {}
        }
    }
}

/// Looks at the files from the newest back until the head and the numbers are known.
pub(super) fn survey(directory: &Path) -> io::Result<Survey> {
    let mut volumes = volumes(directory)?;
    let growing = match volumes.last() {
        Some(last) if last.first.is_none() => volumes.pop().map(look).transpose()?,
        Some(_) | None => None,
    };
    let exists = growing.is_some() || !volumes.is_empty();
    let begun = growing.as_ref().is_some_and(|seen| seen.head.is_some()) || !volumes.is_empty();
    let Seen { mut head, first, mut numbers, tail, unended } = growing.unwrap_or_default();
    while (head.is_none() || numbers.highest.is_none())
        && let Some(older) = volumes.pop()
    {
        let older = look(older)?;
        head = head.or(older.head);
        if numbers.highest.is_none() {
            let reopened = numbers.reopened || older.numbers.reopened;
            numbers = Numbers { reopened, ..older.numbers };
        }
    }
    let old = if begun { 0 } else { old_length(&tail, &mut numbers) };
    let (old, rest) = tail.split(old).ok_or_else(|| {
        io::Error::other("its end is no journal: too many bytes that are no line")
    })?;
    let torn = torn(rest);
    let end = match (&torn, exists) {
        (Some(_), _) if looks_edited(rest) => End::Altered,
        (Some(_), _) => End::Torn,
        (None, true) => End::Whole,
        (None, false) => End::New,
    };
    let head = head.unwrap_or_else(|| JournalHead { sequence: 0, hash: Digest::of(&ended(old)) });
    Ok(Survey {
        head,
        first: first.unwrap_or(head.sequence + 1),
        highest_operation: numbers.highest.unwrap_or(0),
        open_intents: u64::try_from(numbers.open.len()).unwrap_or(u64::MAX),
        end,
        torn,
        unended: if tail.is_empty() { unended } else { !tail.bytes.ends_with(b"\n") },
    })
}

fn look(volume: Volume) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut walk = Walk::over(volume.file)?;
    while let Some(met) = walk.step()? {
        match met {
            Met::Line { sealed, ended, gap, .. } => {
                let Link { line, kind, sequence, .. } = &sealed.link;
                if *line == 1 {
                    old_length(&gap, &mut seen.numbers);
                }
                seen.first = seen.first.or(Some(*line));
                seen.numbers.take(kind, *sequence);
                seen.head = Some(sealed.head());
                seen.unended = !ended;
            }
            Met::End { gap } => seen.tail = gap,
        }
    }
    Ok(seen)
}

/// How many bytes at the beginning are lines of versions without a chain; takes their numbers.
fn old_length(tail: &Gap, numbers: &mut Numbers) -> u64 {
    let (mut length, mut end) = (0, 0);
    for piece in tail.bytes.split_inclusive(|byte| *byte == b'\n') {
        end += piece.len();
        let Some(entry) = Entry::before_the_chain(piece) else { continue };
        length = end;
        numbers.take(entry.body.kind(), entry.body.operation());
    }
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The bytes with the line feed that opening adds where one is missing.
fn ended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes
}

fn torn(rest: &[u8]) -> Option<Torn> {
    let rest = ended(rest);
    (!rest.is_empty()).then(|| Torn {
        bytes: u64::try_from(rest.len()).unwrap_or(u64::MAX),
        hash: Digest::of(&rest),
    })
}

/// Whether what stands after the last whole line was there as a whole line before: a crash leaves
/// a cut line or a block of something else, and neither reads as an ended JSON object.
pub(super) fn looks_edited(rest: &[u8]) -> bool {
    let mut lines = rest.split_inclusive(|byte| *byte == b'\n');
    lines.any(|line| {
        let whole = line.strip_suffix(b"\n").map(serde_json::from_slice::<serde_json::Value>);
        matches!(whole, Some(Ok(serde_json::Value::Object(_))))
    })
}

/// Files that have grown too old, and the first line that is kept.
pub(super) struct Expired {
    pub paths: Vec<PathBuf>,
    pub from: u64,
}

/// The files put aside, from the oldest on, whose last line is older than `retention`. The newest
/// of them stays in any case: the state may not have seen its last line yet.
pub(super) fn expired(
    directory: &Path,
    retention: SignedDuration,
    at: Timestamp,
) -> io::Result<Option<Expired>> {
    let Ok(oldest) = at.checked_sub(retention) else { return Ok(None) };
    let mut aside = aside(directory)?.into_iter().peekable();
    let mut expired = None;
    while let Some((first, path)) = aside.next()
        && let Some((from, _)) = aside.peek()
    {
        let file = std::fs::File::open(&path)?;
        let last = Volume { path: path.clone(), first: Some(first), file }.last()?;
        if last.is_none_or(|last| last.link.at >= oldest) {
            break;
        }
        let found = expired.get_or_insert(Expired { paths: Vec::new(), from: *from });
        found.paths.push(path);
        found.from = *from;
    }
    Ok(expired)
}
