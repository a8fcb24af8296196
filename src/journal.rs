//! The journal: what is about to be written, on disk before it is written, and what came of it.
//!
//! Append-only JSON lines in `state.path`, mode 0600, each bound to the line before by its hash
//! (`journal::chain` says how, and how an outsider checks it). Only this file mints `Recorded`,
//! and the LDAP client takes nothing else: no operation without its intent on disk.
//!
//! | file | holds |
//! |---|---|
//! | `journal.jsonl` | the file that grows |
//! | `journal-<first line>.jsonl` | a full file, put aside; removed when its last line is older than the retention |
//! | `journal.reserve` | room for the outcome of the operation in flight on a full disk |
//!
//! Written by `controller::act` and whoever tells of approvals; read by [`read`], checked by
//! [`verify`], shown by [`history`]; [`changes`] puts together what a group's history shows.

mod chain;
pub mod changes;
mod disk;
pub mod entry;
mod files;
pub mod history;
mod note;
pub mod read;
mod recover;
pub mod verify;

use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::defence::stands;
use crate::model::{Cause, Digest, ObjectId, Operation, Outcome, PolicyName, Spend};
pub use chain::JournalHead;
use disk::{Disk, Need};
use entry::{Body, Content, IntentEntry, Opened, OutcomeEntry};
pub use note::Note;

/// The file inside `state.path` that grows.
pub const FILE_NAME: &str = "journal.jsonl";
/// How large a file grows before it is put aside: it opens in an editor, and about 100,000
/// operations fit in.
pub const ROTATE_BYTES_DEFAULT: u64 = 64 << 20;
/// How long lines are kept: a year and the month in which somebody asks about it.
pub const RETENTION_DEFAULT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// The longest message of an outcome; see `disk::RESERVE_BYTES`, which it has to fit in.
const MESSAGE_CHARACTERS_MAX: usize = 4096;

/// Why the journal cannot be written: writes to the directory stop.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file cannot be opened, read or created.
    #[error("open the journal {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no room. Nothing is lost, and the next line tries again.
    #[error(
        "write the journal {path}: the disk is full; nothing more is written to the directory \
         before there is room"
    )]
    Full {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A record could not be put on disk; the file is not used again before it is reopened.
    #[error("write the journal {path}: nothing more is written to the directory")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An earlier record could not be put on disk.
    #[error("go on with the journal {path} after a failed write")]
    Broken {
        /// Which file.
        path: PathBuf,
    },
}

/// An operation whose intent is on disk.
#[derive(Debug)]
pub struct Recorded {
    sequence: u64,
    operation: Operation,
}

impl Recorded {
    /// What may be executed.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The number of its intent in the journal.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// What an operation belongs to.
#[derive(Clone, Debug)]
pub struct Context {
    /// The policy it is made under.
    pub policy: PolicyName,
    /// The cloud group.
    pub group: ObjectId,
    /// Why it is made.
    pub cause: Cause,
    /// The digest of the plan it is part of: the change set's name.
    pub plan: Digest,
    /// The digest of the policy's document.
    pub generation: Option<Digest>,
    /// The policy's file.
    pub file: Option<String>,
    /// The Git revision at which that file was read.
    pub revision: Option<String>,
    /// What the operation takes away, as the guard counts it.
    pub spends: Vec<Spend>,
}

/// How the journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A file that has grown to this many bytes is put aside before the next intent or note.
    pub rotate_bytes: u64,
    /// A file that was put aside is removed when its last line is older; the newest of them stays.
    pub retention: SignedDuration,
}

impl Default for Options {
    fn default() -> Self {
        Self { rotate_bytes: ROTATE_BYTES_DEFAULT, retention: RETENTION_DEFAULT }
    }
}

/// The open journal of one daemon: the only writer, which the lock on `state.path` sees to.
///
/// # Guarantees
///
/// What `intend`, `conclude` and `note` answer `Ok` to is on disk, and the lines before it too.
/// A line is written whole or not at all, except by a crash, which tears at most the line that was
/// not acknowledged. An outcome that finds no room is kept and written before anything else.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    disk: Disk,
    options: Options,
    head: JournalHead,
    /// The first line of the file that grows.
    first: u64,
    /// The number of the next operation.
    next: u64,
    open_intents: u64,
    /// Lines that found no room.
    owed: Vec<(Timestamp, Body)>,
}

impl Journal {
    /// Opens or creates the journal in `directory`. A line of its own says so: at once where the
    /// end has to be put right, else before the first line of this run. What a crash tore is ended,
    /// kept, and told in that line; numbers go on after the highest ones found. Cost: one read of
    /// the file that grows.
    ///
    /// A full disk is no error yet: the line is owed, and the first operation is refused.
    pub fn open(directory: &Path, options: Options, at: Timestamp) -> Result<Self, JournalError> {
        Self::open_without(None, directory, options, at)
    }

    /// The same, where the journal is without `lost`: the line that the state knows as the last.
    /// The line of this run keeps it, and is written at once: `verify` tells of it from then on.
    pub fn open_without(
        lost: Option<JournalHead>,
        directory: &Path,
        options: Options,
        at: Timestamp,
    ) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Open { path: directory.join(FILE_NAME), source };
        let found = recover::survey(directory).map_err(failed)?;
        let disk = Disk::open(directory, found.unended).map_err(failed)?;
        let mut journal = Self {
            directory: directory.to_owned(),
            disk,
            options,
            head: found.head,
            first: found.first,
            next: found.highest_operation + 1,
            open_intents: found.open_intents,
            owed: Vec::new(),
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let opened = Opened { version, found: found.end, torn: found.torn, lost };
        journal.owed.push((at, Body::Opened(opened)));
        let chained = journal.head.sequence > 0 || journal.disk.length() == 0;
        let whole = found.torn.is_none() && !found.unended && chained && lost.is_none();
        match if whole { Ok(()) } else { journal.pay() }.and_then(|()| journal.expire(at)) {
            Ok(()) | Err(JournalError::Full { .. }) => Ok(journal),
            Err(error) => Err(error),
        }
    }

    /// Intents of the last run that wrote any, without an outcome: what they announced may or may
    /// not have happened. The next pass reads the directory and so settles them.
    pub fn open_intents(&self) -> u64 {
        self.open_intents
    }

    /// The last line that is on disk.
    pub fn head(&self) -> JournalHead {
        self.head
    }

    /// The line that whoever keeps one outside the journal has to find in it: the last. As long as
    /// there is no room to tell of one that is lost it is that one, for the next start to miss.
    pub fn head_to_keep(&self) -> JournalHead {
        let lost = self.owed.iter().find_map(|(_, body)| match body {
            Body::Opened(opened) => opened.lost,
            Body::Intent(_)
            | Body::Outcome(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => None,
        });
        lost.unwrap_or(self.head)
    }

    /// Puts the intent on disk and only then gives the operation free. Room for its outcome is
    /// there before: an operation that is given free can be concluded on a full disk.
    pub fn intend(
        &mut self,
        operation: Operation,
        context: &Context,
        at: Timestamp,
    ) -> Result<Recorded, JournalError> {
        self.make_ready(at)?;
        let sequence = self.next;
        let intent = IntentEntry {
            sequence,
            plan: context.plan,
            policy: context.policy.clone(),
            generation: context.generation,
            file: context.file.clone(),
            revision: context.revision.clone(),
            group: context.group,
            cause: context.cause.to_string(),
            operation: operation.word().to_owned(),
            dn: operation.target().to_string(),
            object: operation.target().object(),
            content: Content::of(&operation),
            spends: context.spends.clone(),
        };
        if stands("H64") {
            self.write(at, &Body::Intent(Box::new(intent)), Need::Refusable)?;
        }
        self.next += 1;
        Ok(Recorded { sequence, operation })
    }

    /// Puts on disk what came of a recorded operation. Where even the reserve does not give room,
    /// the outcome is owed: it is written before the next operation is given free.
    pub fn conclude(
        &mut self,
        recorded: &Recorded,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let outcome = OutcomeEntry { sequence: recorded.sequence, result: bounded(outcome) };
        self.settle(at, Body::Outcome(outcome))
    }

    /// Puts on disk what is no operation. On a full disk it is refused, and the caller has to act
    /// as if it had not happened.
    pub fn note(&mut self, note: Note, at: Timestamp) -> Result<(), JournalError> {
        self.make_ready(at)?;
        self.write(at, &note.into(), Need::Refusable)
    }

    /// What comes before any line that may be refused.
    fn make_ready(&mut self, at: Timestamp) -> Result<(), JournalError> {
        self.pay()?;
        if self.disk.length() >= self.options.rotate_bytes && self.first <= self.head.sequence {
            let next = self.head.sequence + 1;
            if self.disk.put_aside(self.first)? {
                self.first = next;
                self.expire(at)?;
            }
        }
        self.disk.keep_reserve()
    }

    /// Removes files that were put aside and whose last line is older than the retention, from the
    /// oldest on. The chain says so first: lines that are missing without such a line were taken
    /// away by somebody. What cannot be removed now is looked at again at the next opening.
    fn expire(&mut self, at: Timestamp) -> Result<(), JournalError> {
        let Ok(Some(expired)) = recover::expired(&self.directory, self.options.retention, at)
        else {
            return Ok(());
        };
        let told = self
            .pay()
            .and_then(|()| self.write(at, &Body::Removed { from: expired.from }, Need::Refusable));
        match told {
            Ok(()) => {}
            Err(JournalError::Full { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        for path in expired.paths {
            if std::fs::remove_file(path).is_err() {
                break;
            }
        }
        // A removal that a crash undoes is made again.
        let _again = self.disk.sync_directory();
        Ok(())
    }

    /// Writes a line about what has happened, after those that are owed.
    fn settle(&mut self, at: Timestamp, body: Body) -> Result<(), JournalError> {
        self.owed.push((at, body));
        self.pay()
    }

    fn pay(&mut self) -> Result<(), JournalError> {
        while let Some((at, body)) = self.owed.first().cloned() {
            self.write(at, &body, Need::Owed)?;
            self.owed.remove(0);
        }
        Ok(())
    }

    fn write(&mut self, at: Timestamp, body: &Body, need: Need) -> Result<(), JournalError> {
        let (line, head) = chain::seal(&self.head, at, body);
        self.disk.append(&line, need)?;
        self.head = head;
        Ok(())
    }
}

/// The outcome with a message that fits into the reserve.
fn bounded(outcome: &Outcome) -> Outcome {
    let cut = |message: &String| message.chars().take(MESSAGE_CHARACTERS_MAX).collect();
    match outcome {
        Outcome::Done { .. } | Outcome::AlreadySo { .. } => outcome.clone(),
        Outcome::Refused { message } => Outcome::Refused { message: cut(message) },
        Outcome::Failed { message } => Outcome::Failed { message: cut(message) },
        Outcome::Unknown { message } => Outcome::Unknown { message: cut(message) },
    }
}
