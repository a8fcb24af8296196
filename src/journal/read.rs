//! Reading the journal: every entry in order, or those after a head that somebody kept.
//!
//! Streams over the files from the oldest to the one that grows. `verify` says whether what is read
//! can be believed; here a line counts when its own hash is right.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::FILE_NAME;
use super::chain::{JournalHead, Sealed};
use super::entry::Entry;
use super::files::{Gap, Met, Volume, Walk, volumes};
use super::recover::looks_edited;

/// Why something of the journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("read the journal {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something in it is no line of a journal. Reading may go on after it.
    #[error("read {file} at byte {offset}: {what}")]
    Line {
        /// Which file.
        file: String,
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

/// All entries, the oldest first. What a crash tore is passed over: where the next line tells of
/// it, and at the very end. All else that is no line comes as [`ReadError::Line`] in its place.
pub fn entries(directory: &Path) -> Result<Entries, ReadError> {
    let volumes = volumes(directory)
        .map_err(|source| ReadError::File { path: directory.join(FILE_NAME), source })?;
    Ok(Entries::over(volumes))
}

/// The last entries, the oldest first: at most the lines in the last `bytes_max` bytes, over all
/// files. A file that cannot be read costs its own lines alone.
pub fn newest(
    directory: &Path,
    bytes_max: u64,
) -> Result<impl Iterator<Item = Result<Entry, ReadError>>, ReadError> {
    let failed = |path: PathBuf| move |source| ReadError::File { path, source };
    let mut volumes = volumes(directory).map_err(failed(directory.join(FILE_NAME)))?;
    let (mut left, mut streams) = (bytes_max, VecDeque::new());
    while left > 0
        && let Some(volume) = volumes.pop()
    {
        let bytes = volume.file.metadata().map_err(failed(volume.path.clone()))?.len();
        let start = bytes.saturating_sub(left);
        left = left.saturating_sub(bytes);
        streams.push_front(Entries {
            // Lines without a chain stand before all others.
            begun: !volumes.is_empty(),
            start,
            ..Entries::over(vec![volume])
        });
    }
    Ok(streams.into_iter().flatten())
}

/// A stream of entries; see [`entries`].
pub struct Entries {
    volumes: VecDeque<Volume>,
    /// Where the first file is begun to be read.
    start: u64,
    walk: Option<Place>,
    /// What is to be given before the walk goes on.
    ready: VecDeque<Result<Entry, ReadError>>,
    /// A line of the chain was met.
    begun: bool,
}

/// Where a stream of entries is.
struct Place {
    path: PathBuf,
    name: String,
    /// The file is the one that grows.
    grows: bool,
    walk: Walk,
}

impl Entries {
    fn over(volumes: Vec<Volume>) -> Self {
        let volumes = volumes.into();
        Self { volumes, start: 0, walk: None, ready: VecDeque::new(), begun: false }
    }

    fn step(&mut self) -> Result<bool, ReadError> {
        if self.walk.is_none() {
            let Some(volume) = self.volumes.pop_front() else { return Ok(false) };
            let (name, grows) = (volume.name(), volume.first.is_none());
            let path = volume.path;
            let walk = Walk::from(volume.file, std::mem::take(&mut self.start))
                .map_err(|source| ReadError::File { path: path.clone(), source })?;
            self.walk = Some(Place { path, name, grows, walk });
        }
        let Some(Place { path, name, grows, walk }) = &mut self.walk else { return Ok(false) };
        let met = walk.step().map_err(|source| ReadError::File { path: path.clone(), source })?;
        let (name, grows) = (name.clone(), *grows);
        match met {
            Some(Met::Line { sealed, text, offset, gap, .. }) => {
                let torn = sealed.link.torn.map(|torn| torn.bytes).unwrap_or_default();
                self.pass_over(&name, &gap, torn);
                let entry = Entry::parse(sealed.link.line, sealed.link.at, &text)
                    .map_err(|what| ReadError::Line { file: name, offset, what });
                self.ready.push_back(entry);
                self.begun = true;
            }
            Some(Met::End { gap }) if self.begun && grows && !looks_edited(&gap.bytes) => {}
            Some(Met::End { gap }) => self.pass_over(&name, &gap, 0),
            None => self.walk = None,
        }
        Ok(true)
    }

    /// What stands before a line: old lines, what the line says a crash tore, or neither.
    fn pass_over(&mut self, name: &str, gap: &Gap, torn: u64) {
        let Some((before, _)) = gap.split(gap.length.saturating_sub(torn)) else { return };
        let strange = |offset| ReadError::Line {
            file: name.to_owned(),
            offset,
            what: "this is no line of a journal".to_owned(),
        };
        if self.begun {
            self.ready.extend((!before.is_empty()).then(|| Err(strange(gap.offset))));
            return;
        }
        let mut offset = gap.offset;
        for piece in before.split_inclusive(|byte| *byte == b'\n') {
            self.ready.push_back(Entry::before_the_chain(piece).ok_or_else(|| strange(offset)));
            offset += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // A file that fails in the middle is not read on.
                    self.walk = None;
                    self.volumes.clear();
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front()
    }
}

/// What came after a head.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    /// Whether the head is there.
    pub head: HeadFound,
    /// The entries after it, the oldest first; none unless the head was found.
    pub entries: Vec<Entry>,
    /// Where the chain after the head is not whole: what follows there was not written by us, and
    /// is not among the entries.
    pub broken: Option<String>,
}

/// Whether a head that somebody kept is the journal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFound {
    /// The line is there with this hash.
    Yes,
    /// The journal ends before that line: it was cut, is gone, or is an older copy.
    Beyond {
        /// Its last line; 0 where it has none.
        last: u64,
    },
    /// The line has another hash: it is another journal, or it was edited.
    Differs,
    /// The journal begins after that line: older lines were removed.
    Removed,
    /// The line is not there, and the journal says so itself.
    Told,
}

/// The entries after a head, along the chain. Cost: one read of the files from the one with the
/// head on.
pub fn tail(directory: &Path, after: &JournalHead) -> Result<Tail, ReadError> {
    let failed = |path: PathBuf| move |source| ReadError::File { path, source };
    let mut volumes = volumes(directory).map_err(failed(directory.join(FILE_NAME)))?;
    let begin = volumes
        .iter()
        .rposition(|volume| volume.first.is_some_and(|first| first <= after.sequence.max(1)));
    volumes.drain(..begin.unwrap_or(0));
    let mut search = Search {
        after: *after,
        last: None,
        told: false,
        tail: Tail { head: HeadFound::Beyond { last: 0 }, entries: Vec::new(), broken: None },
    };
    for volume in volumes {
        let path = volume.path.clone();
        let mut walk = Walk::over(volume.file).map_err(failed(path.clone()))?;
        while let Some(met) = walk.step().map_err(failed(path.clone()))? {
            // What stands at an end is told by the line after it, or is what a crash tore.
            let Met::Line { sealed, text, gap, .. } = met else { continue };
            if !search.take(&sealed, &text, &gap) {
                return Ok(search.tail);
            }
        }
    }
    if search.last.is_none() && *after == JournalHead::before_the_first() {
        search.tail.head = HeadFound::Yes;
    } else if search.told && search.tail.head != HeadFound::Yes {
        search.tail.head = HeadFound::Told;
    }
    Ok(search.tail)
}

struct Search {
    after: JournalHead,
    /// The line before, whether the head was found or not.
    last: Option<JournalHead>,
    /// A line says that the head was missed already.
    told: bool,
    tail: Tail,
}

impl Search {
    /// Takes the next line; `false` ends the search.
    fn take(&mut self, sealed: &Sealed, text: &[u8], gap: &Gap) -> bool {
        let here = sealed.head();
        let before = self.last.replace(here);
        if self.tail.head != HeadFound::Yes {
            self.told |= sealed.link.lost == Some(self.after);
            if self.tail.head == HeadFound::Differs {
                return true;
            }
            self.tail.head = match here.sequence.cmp(&self.after.sequence) {
                Ordering::Less => HeadFound::Beyond { last: here.sequence },
                Ordering::Equal if here == self.after => HeadFound::Yes,
                // The head of a journal before its first line.
                Ordering::Greater if self.begins(sealed) => HeadFound::Yes,
                Ordering::Greater if before.is_none() => HeadFound::Removed,
                Ordering::Equal | Ordering::Greater => HeadFound::Differs,
            };
            if self.tail.head != HeadFound::Yes || here == self.after {
                return self.tail.head != HeadFound::Removed;
            }
        } else if sealed.link.previous != before.unwrap_or(self.after).hash {
            return self.end(format!("line {} does not follow the line before it", here.sequence));
        } else if !gap.is_told(&sealed.link) {
            let line = here.sequence;
            return self.end(format!("what stands before line {line} is no line of a journal"));
        }
        match Entry::parse(here.sequence, sealed.link.at, text) {
            Ok(entry) => self.tail.entries.push(entry),
            Err(why) => return self.end(format!("line {}: {why}", here.sequence)),
        }
        true
    }

    fn begins(&self, sealed: &Sealed) -> bool {
        self.after.sequence == 0 && sealed.link.line == 1 && sealed.link.previous == self.after.hash
    }

    fn end(&mut self, why: String) -> bool {
        self.tail.broken = Some(why);
        false
    }
}
