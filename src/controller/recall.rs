//! What a process that opens the books remembers: the state as it was saved, and what the journal
//! tells since.
//!
//! `cli` asks before it makes an engine. Where nobody knows any more what was removed lately, every
//! removal waits for a day.

use std::path::Path;

use jiff::Timestamp;

use crate::controller::recover::{is_older, journal_head, recover};
use crate::defence::stands;
use crate::journal::JournalHead;
use crate::journal::entry::Body;
use crate::journal::read::{HeadFound, ReadError, Tail, entries, tail};
use crate::model::Memory;
use crate::model::window::WINDOW;
use crate::state::{Found, Opened};

/// What is remembered.
#[derive(Debug)]
pub struct Recalled {
    /// Memory as it stands after the last line of the journal.
    pub memory: Memory,
    /// The state does not hold it yet: the journal told something, or nothing was ever saved. It is
    /// saved before anything is written, else a first pass that is cut off would look like a lost
    /// state.
    pub is_news: bool,
    /// Why removals wait, where they do: a whole sentence.
    pub warning: Option<String>,
    /// The line that the state knows as the last of the journal, where the journal is without it
    /// and does not say so yet: whoever opens the journal writes it there.
    pub lost: Option<JournalHead>,
}

/// Puts state and journal together.
///
/// | state | journal | memory | removals |
/// |---|---|---|---|
/// | none | none | empty | as the guard says |
/// | lost or damaged | there | what the journal tells | wait a day |
/// | saved | ends at its head | the state | as the guard says |
/// | saved | goes on with one pass | both: the pass was cut off | as the guard says |
/// | saved | goes on with several passes, or begins later | both | wait a day: an older copy |
/// | saved | ends before its head, has another line there, or is gone | the state | wait a day |
/// | a copy | any: it may be one of the same moment | both | wait a day |
pub fn recall(directory: &Path, opened: Opened, now: Timestamp) -> Result<Recalled, ReadError> {
    let Opened { mut memory, status, is_copy, journal_head: head, .. } = opened;
    let head = head.as_ref().and_then(journal_head);
    let tail = match &head {
        Some(head) => tail(directory, head)?,
        // The state was never saved: the journal is all there is.
        None => all(directory)?,
    };
    let was_saved = status == Found::Known;
    let copy = "the state is not the one that was last saved in this place: it was put back from a \
                backup, or moved here. What was removed since it was copied is not known, and all \
                removals wait 24 hours or for an approval, also where it was moved on purpose";
    let warning = match status {
        Found::Damaged { set_aside, why } => Some(format!(
            "the state was damaged ({why}) and is set aside as {}: all removals wait 24 hours or \
             for an approval",
            set_aside.display()
        )),
        // The state is saved before the first write of all: a journal that tells of writes without
        // it had one.
        Found::Fresh { lost: true } if tells_of_writes(&tail) => Some(
            "the state is gone and a journal stands beside it: what was remembered is lost, and \
             all removals wait 24 hours or for an approval"
                .to_owned(),
        ),
        Found::Fresh { .. } => None,
        Found::Known if is_older(&tail) => Some(apart(&tail, head.as_ref())),
        Found::Known => is_copy.then(|| copy.to_owned()),
    };
    if stands("H64") {
        recover(&mut memory, &tail.entries);
    }
    if warning.is_some() && stands("H61") {
        memory.closed_until = now.checked_add(WINDOW).ok();
    }
    let is_news = !was_saved || !tail.entries.is_empty() || warning.is_some();
    let lost = match tail.head {
        HeadFound::Beyond { .. } | HeadFound::Differs => head,
        HeadFound::Yes | HeadFound::Removed | HeadFound::Told => None,
    };
    Ok(Recalled { memory, is_news, warning, lost })
}

/// In what the state and the journal do not go together.
fn apart(tail: &Tail, head: Option<&JournalHead>) -> String {
    let known = head.map_or(0, |head| head.sequence);
    let what = match (tail.head, &tail.broken) {
        (HeadFound::Beyond { last: 0 }, _) => {
            format!("the journal is gone, and the state knows line {known} of it")
        }
        (HeadFound::Beyond { last }, _) => {
            format!("the journal ends at line {last}, the state knows line {known}: lines are lost")
        }
        (HeadFound::Differs, _) => format!(
            "the journal has another line {known} than the state knows: it was exchanged, or \
             written anew"
        ),
        (HeadFound::Told, _) => {
            format!("the journal is without line {known}, which the state knows, and says so")
        }
        (HeadFound::Yes, Some(why)) => format!(
            "the journal is not whole after line {known}, the last that the state knows: {why}"
        ),
        (HeadFound::Yes, None) | (HeadFound::Removed, _) => {
            "the state is an older copy than the journal beside it".to_owned()
        }
    };
    format!(
        "{what}. What was removed lately is not known for certain, and all removals wait 24 hours \
         or for an approval; `writeback journal verify` looks at the whole journal"
    )
}

fn tells_of_writes(tail: &Tail) -> bool {
    tail.entries.iter().any(|entry| matches!(entry.body, Body::Intent(_)))
}

fn all(directory: &Path) -> Result<Tail, ReadError> {
    let whole = tail(directory, &JournalHead::before_the_first())?;
    if whole.head == HeadFound::Yes {
        return Ok(whole);
    }
    // Lines from before the chain, or older ones that are removed: what can be read counts.
    let entries = entries(directory)?.filter_map(Result::ok).collect();
    Ok(Tail { head: HeadFound::Yes, entries, broken: None })
}
