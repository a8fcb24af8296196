//! Checking the journal: every edit, exchange, cut and insertion shows, and is named by its place.
//!
//! | what somebody did | seen by |
//! |---|---|
//! | changed a byte | the line's own hash |
//! | changed a line and its hash | `previous` of the next line; of the last line: the head |
//! | took out, doubled, exchanged, renumbered lines | numbers and `previous` |
//! | put bytes between lines | no line tells of them |
//! | took away, renamed or exchanged a file | numbers, `previous`, the name |
//! | took away the oldest file | no `removed` line tells of it |
//! | cut the end at a line's border, or wrote the whole chain anew | the head alone; once it was |
//! | | opened with the head that the state knew, its own `opened` line |
//!
//! A crash leaves bytes that are no line before an `opened` line that tells their number and hash,
//! or at the very end. Read by `cli::journal`.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;

use super::FILE_NAME;
use super::chain::{JournalHead, Sealed};
use super::entry::{End, Entry};
use super::files::{Gap, Met, Volume, Walk, volumes};
use super::read::ReadError;
use super::recover::looks_edited;
use crate::defence::stands;
use crate::model::Digest;

/// Problems that are kept; more are counted.
const PROBLEMS_MAX: usize = 50;

/// A head that somebody kept outside the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownHead {
    /// Number and hash, as the state keeps them.
    Exact(JournalHead),
    /// The hash, or its first digits, as a person copies them from a log.
    Digits(String),
}

impl KnownHead {
    /// Reads `NUMBER:HASH`, a hash, or the first digits of one, at least 12.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(head) = JournalHead::parse(text) {
            return Some(Self::Exact(head));
        }
        let digits = (Digest::DIGITS_MIN..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| Self::Digits(text.to_owned()))
    }

    fn is(&self, head: &JournalHead) -> bool {
        match self {
            Self::Exact(known) => known == head,
            Self::Digits(digits) => head.hash.answers_to(digits),
        }
    }
}

impl fmt::Display for KnownHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(head) => head.fmt(f),
            Self::Digits(digits) => digits.fmt(f),
        }
    }
}

/// Something that was done to the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which file.
    pub file: String,
    /// At which byte of it.
    pub offset: u64,
    /// The number of the line, where there is one.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: byte {}", self.file, self.offset)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What checking found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is wrong, in order; at most 50.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problems_total: u64,
    /// How many of them are losses that a line of the journal itself tells.
    pub losses: u64,
    /// How many files were read.
    pub files: usize,
    /// How many lines are in the chain.
    pub lines: u64,
    /// The first line that is kept, and when it was written.
    pub first: Option<(u64, Timestamp)>,
    /// The last line.
    pub head: Option<JournalHead>,
    /// Lines of versions without a chain, before its first line.
    pub lines_before: u64,
    /// What crashes tore, as `file: byte N: M bytes`; no harm.
    pub torn: Vec<String>,
    /// The end is no whole line: a crash tore it and the daemon has not started since, or it is
    /// being written now.
    pub torn_end: Option<String>,
    /// Whether a head was given: without one a cut at a line's border cannot be seen.
    pub head_known: bool,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.problems_total == 0
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.problems_total {
            0 => "whole".to_owned(),
            1 => "NOT WHOLE, 1 problem".to_owned(),
            many => format!("NOT WHOLE, {many} problems"),
        };
        writeln!(f, "the journal is {verdict}: {} lines in {} files", self.lines, self.files)?;
        for problem in &self.problems {
            writeln!(f, "! {problem}")?;
        }
        let shown = u64::try_from(self.problems.len()).unwrap_or(u64::MAX);
        if shown < self.problems_total {
            writeln!(f, "! and {} more", self.problems_total - shown)?;
        }
        if self.losses > 0 && self.losses == self.problems_total {
            writeln!(f, "nothing else is wrong: the lines that are there are whole")?;
        }
        if self.lines_before > 0 {
            let count = self.lines_before;
            writeln!(f, "{count} lines of an earlier version stand before the chain begins")?;
        }
        if let Some((line, at)) = self.first {
            let why =
                if line > 1 { "; older lines were removed after their retention" } else { "" };
            writeln!(f, "the chain begins with line {line} at {at}{why}")?;
        }
        for torn in &self.torn {
            writeln!(f, "torn by a crash and told by the line after it: {torn}")?;
        }
        if let Some(torn) = &self.torn_end {
            writeln!(f, "the end is no whole line (a crash tears it so): {torn}")?;
        }
        if let Some(head) = self.head {
            writeln!(f, "head {head}")?;
        }
        if !self.head_known {
            writeln!(
                f,
                "no head was given: lines that were cut off at the end cannot be noticed; give one \
                 from the log or the metric with --head"
            )?;
        }
        Ok(())
    }
}

/// Checks the whole journal; with a head that was kept elsewhere, its end too. Cost: one read.
pub fn verify(directory: &Path, known: Option<&KnownHead>) -> Result<Verification, ReadError> {
    let volumes = volumes(directory)
        .map_err(|source| ReadError::File { path: directory.join(FILE_NAME), source })?;
    let mut check = Check::new(known);
    check.result.files = volumes.len();
    for volume in volumes {
        let path = volume.path.clone();
        check.volume(volume).map_err(|source| ReadError::File { path, source })?;
    }
    Ok(check.end())
}

struct Check<'k> {
    known: Option<&'k KnownHead>,
    result: Verification,
    last: Option<JournalHead>,
    found: bool,
    /// The first line that a `removed` line says is kept.
    kept_from: u64,
    /// The file that is read, and whether it is the one that grows.
    file: String,
    grows: bool,
}

impl<'k> Check<'k> {
    fn new(known: Option<&'k KnownHead>) -> Self {
        let result = Verification { head_known: known.is_some(), ..Verification::default() };
        let file = FILE_NAME.to_owned();
        Self { known, result, last: None, found: false, kept_from: 1, file, grows: true }
    }

    fn problem(&mut self, offset: u64, line: Option<u64>, what: String) {
        self.result.problems_total += 1;
        if self.result.problems.len() < PROBLEMS_MAX {
            let file = self.file.clone();
            self.result.problems.push(Problem { file, offset, line, what });
        }
    }

    fn volume(&mut self, volume: Volume) -> std::io::Result<()> {
        self.file = volume.name();
        self.grows = volume.first.is_none();
        let mut named = volume.first;
        let mut walk = Walk::over(volume.file)?;
        while let Some(met) = walk.step()? {
            match met {
                Met::Line { sealed, text, offset, ended, gap } => {
                    let line = sealed.link.line;
                    if let Some(first) = named.take()
                        && first != line
                    {
                        self.problem(
                            offset,
                            Some(line),
                            format!(
                                "the file is named after line {first} and begins with line {line}"
                            ),
                        );
                    }
                    if !ended {
                        self.tail(offset, text.len(), false);
                        continue;
                    }
                    self.line(&sealed, offset, &gap);
                }
                Met::End { gap } if gap.is_empty() => {}
                Met::End { gap } if self.last.is_none() && is_old(&gap) => {
                    self.result.lines_before = count_lines(&gap.bytes);
                }
                Met::End { gap } => {
                    let length = usize::try_from(gap.length).unwrap_or(usize::MAX);
                    self.tail(gap.offset, length, looks_edited(&gap.bytes));
                }
            }
        }
        if let Some(first) = named {
            self.problem(0, None, format!("the file is named after line {first} and has no line"));
        }
        Ok(())
    }

    fn line(&mut self, sealed: &Sealed, offset: u64, gap: &Gap) {
        let here = sealed.head();
        let line = here.sequence;
        match self.last {
            None => self.first_line(sealed, offset, gap),
            Some(last) => {
                self.gap(sealed, offset, gap);
                let next = last.sequence + 1;
                if line != next {
                    let what = match line {
                        later if later > next => {
                            format!("lines {next} to {} are missing", line - 1)
                        }
                        _ => format!("line {line} comes after line {}", last.sequence),
                    };
                    self.problem(offset, Some(line), what);
                } else if sealed.link.previous != last.hash && stands("H62") {
                    let what = "it does not follow the line before it: one of the two was changed";
                    self.problem(offset, Some(line), what.to_owned());
                }
            }
        }
        if let Some(from) = sealed.link.from.filter(|_| sealed.link.kind == "removed") {
            self.kept_from = self.kept_from.max(from);
        }
        if let Some(loss) = sealed.loss() {
            self.result.losses += 1;
            self.problem(offset, Some(line), loss);
        }
        self.found |= self.known.is_some_and(|known| known.is(&here));
        self.result.lines += 1;
        self.result.head = Some(here);
        self.last = Some(here);
    }

    /// The first line that is there: line 1 speaks for what stands before it.
    fn first_line(&mut self, sealed: &Sealed, offset: u64, gap: &Gap) {
        self.result.first = Some((sealed.link.line, sealed.link.at));
        if sealed.link.line > 1 {
            self.gap(sealed, offset, gap);
            return;
        }
        let torn = sealed.link.torn.map_or(0, |torn| torn.bytes);
        let parts = gap.length.checked_sub(torn).and_then(|old| gap.split(old));
        let Some((old, rest)) = parts else {
            let what = "what a crash tore before it is not there any more";
            self.problem(offset, Some(1), what.to_owned());
            return;
        };
        let before = JournalHead { sequence: 0, hash: sealed.link.previous };
        self.found |= self.known.is_some_and(|known| *known == KnownHead::Exact(before));
        if Digest::of(old) != sealed.link.previous {
            let what = "the lines before the chain begins were changed";
            self.problem(gap.offset, None, what.to_owned());
        }
        self.result.lines_before = count_lines(old);
        let offset_of_rest = offset.saturating_sub(torn);
        let bytes = rest.to_vec();
        self.gap(sealed, offset, &Gap { offset: offset_of_rest, length: torn, bytes });
    }

    /// What stands between two lines has to be what the second one tells of.
    fn gap(&mut self, sealed: &Sealed, offset: u64, gap: &Gap) {
        let told = gap.is_told(&sealed.link);
        if gap.is_empty() && !told {
            let what = "what a crash tore before it is not there any more";
            self.problem(offset, Some(sealed.link.line), what.to_owned());
        } else if !told {
            let what = format!("{} bytes are no line of a journal: they were changed", gap.length);
            self.problem(gap.offset, None, what);
        } else if !gap.is_empty() && sealed.link.found != Some(End::Torn) {
            let what = format!(
                "{} bytes were no line of a journal already when it was opened at {}, and no crash \
                 leaves them so",
                gap.length, sealed.link.at
            );
            self.problem(gap.offset, None, what);
        } else if !gap.is_empty() {
            let torn = format!("{}: byte {}: {} bytes", self.file, gap.offset, gap.length);
            self.result.torn.push(torn);
        }
    }

    /// A file ends in something that is no whole line.
    fn tail(&mut self, offset: u64, length: usize, edited: bool) {
        if self.grows && !edited {
            self.result.torn_end = Some(format!("{}: byte {offset}: {length} bytes", self.file));
        } else {
            let what = format!("{length} bytes are no line of a journal: they were changed");
            self.problem(offset, None, what);
        }
    }

    fn end(mut self) -> Verification {
        if let Some((first, _)) = self.result.first.filter(|(first, _)| *first > self.kept_from) {
            let what = format!(
                "lines {} to {} are missing, and no line says that their retention was over",
                self.kept_from,
                first - 1
            );
            self.problem(0, Some(first), what);
        }
        if self.last.is_none() {
            let none = KnownHead::Exact(JournalHead::before_the_first());
            self.found = self.known.is_some_and(|known| *known == none);
        }
        if let Some(known) = self.known.filter(|_| !self.found) {
            let what = match self.last {
                Some(last) => format!(
                    "the head {known} is not in the journal, which ends with {last}: lines were \
                     cut off, or the chain was written anew"
                ),
                None => format!("the head {known} is not in the journal, which has no line"),
            };
            self.problem(0, None, what);
        }
        self.result
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.split_inclusive(|byte| *byte == b'\n').count()).unwrap_or(u64::MAX)
}

/// Whether this is a journal of a version without a chain, which nobody has opened since.
fn is_old(gap: &Gap) -> bool {
    let mut lines = gap.bytes.split_inclusive(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| Entry::before_the_chain(line).is_some())
}
