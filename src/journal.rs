//! The journal: what is about to be written, on disk before it is written, and what came of it.
//!
//! Append-only JSON lines, one per intent and one per outcome, mode 0600. Only this file mints
//! `Recorded`, and the LDAP client takes nothing else: no operation without its intent on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Cause, Digest, ObjectId, Operation, Outcome, PolicyName};

/// The journal's file inside `state.path`.
pub const FILE_NAME: &str = "journal.jsonl";

/// Why the journal cannot be written: writes to the directory stop.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened or created.
    #[error("open the journal {path}")]
    Open {
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
}

/// The open journal of one daemon.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    next: u64,
    broken: bool,
    /// What opening found: an intent without an outcome was cut off by a crash.
    open_intents: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IntentLine<'a> {
    kind: &'static str,
    sequence: u64,
    at: Timestamp,
    plan: Digest,
    policy: &'a PolicyName,
    group: ObjectId,
    cause: String,
    operation: &'static str,
    dn: String,
    object: Option<String>,
    content: Value,
}

impl Journal {
    /// Opens or creates the journal in `directory`. A last line that a crash tore is ended and
    /// kept; numbers go on after the highest one found. Cost: one read of the file.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join(FILE_NAME);
        Self::open_file(&path).map_err(|source| JournalError::Open { path, source })
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut text)?;
        if text.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n")?;
            file.sync_data()?;
        }
        let (mut highest, mut intents, mut outcomes) = (0, 0, 0);
        for line in text.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Value>(line) else { continue };
            highest = highest.max(line.get("sequence").and_then(Value::as_u64).unwrap_or(0));
            match line.get("kind").and_then(Value::as_str) {
                Some("intent") => intents += 1,
                Some("outcome") => outcomes += 1,
                _ => {}
            }
        }
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            next: highest + 1,
            broken: false,
            open_intents: u64::saturating_sub(intents, outcomes),
        })
    }

    /// Intents of earlier runs that have no outcome: what they announced may or may not have
    /// happened. The next pass reads the directory and so settles them.
    pub fn open_intents(&self) -> u64 {
        self.open_intents
    }

    /// Puts the intent on disk and only then gives the operation free.
    pub fn intend(
        &mut self,
        operation: Operation,
        context: &Context,
        at: Timestamp,
    ) -> Result<Recorded, JournalError> {
        let sequence = self.next;
        let line = IntentLine {
            kind: "intent",
            sequence,
            at,
            plan: context.plan,
            policy: &context.policy,
            group: context.group,
            cause: context.cause.to_string(),
            operation: operation.word(),
            dn: operation.target().to_string(),
            object: operation.target().object().map(|guid| guid.to_string()),
            content: content(&operation),
        };
        self.append(&json!(line))?;
        self.next += 1;
        Ok(Recorded { sequence, operation })
    }

    /// Puts on disk what came of a recorded operation.
    pub fn conclude(
        &mut self,
        recorded: &Recorded,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let sequence = recorded.sequence;
        self.append(&json!({
            "kind": "outcome", "sequence": sequence, "at": at, "result": outcome
        }))
    }

    fn append(&mut self, line: &Value) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken { path: self.path.clone() });
        }
        let mut text = line.to_string();
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| {
            // After a failed fsync the page cache no longer says what is on disk: a second try
            // would lie (ATC'20, "Can applications recover from fsync failures?").
            self.broken = true;
            JournalError::Write { path: self.path.clone(), source }
        })
    }
}

fn content(operation: &Operation) -> Value {
    match operation {
        Operation::Add { attributes, .. } => json!({ "attributes": attributes }),
        Operation::Modify { attributes, .. } | Operation::Restore { attributes, .. } => {
            json!({ "attributes": attributes })
        }
        Operation::AddMembers { members, .. } | Operation::RemoveMembers { members, .. } => {
            json!({ "members": members })
        }
        Operation::ModifyDn { to, .. } => json!({ "to": to.to_string() }),
        Operation::Delete { .. } => Value::Null,
    }
}
