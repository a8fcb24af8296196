//! The state: memory on disk, in one file under `state.path`, held by one process.
//!
//! `controller` opens it, hands the memory to the passes and saves what they leave. What comes back
//! from here is a hint: it was true once. A state that is damaged, lost or an older copy only adds
//! holds; one that belongs to somebody else, or to a newer version, is refused and left alone.
//!
//! Whoever opens to write holds `controller::lock` on the directory. The engine is redb: pages that
//! are never overwritten in place, checksums, a header that turns last. Beside the file stands
//! its stamp (`state::stamp`), by which a copy of all of it is told.

mod about;
mod backend;
mod error;
pub mod image;
mod key;
pub mod stamp;
mod store;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};
use serde::{Deserialize, Serialize};

use crate::defence;
use crate::model::{Memory, TenantId};
use crate::state::about::{ABOUT, About, STAMPS};
use crate::state::backend::Beside;
pub use crate::state::error::StateError;
use crate::state::image::Image;
use crate::state::stamp::Stamp;
use crate::state::store::Edits;

/// The state's file inside `state.path`.
pub const FILE_NAME: &str = "state.redb";

/// The format of the rows. Every version keeps the table `about` as text by text, with the format
/// in it under `version`, so that each can tell the files of the others.
pub const VERSION: u64 = 1;

/// Damaged files that are kept. More than a handful in the life of a host is a failing disk, and
/// each is evidence: none is removed here.
pub const SET_ASIDE_MAX: usize = 100;

/// The last pass's status, as one row.
const STATUS: &str = "status";
/// Its key.
const LAST: &str = "last";

/// Whose state this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The tenant.
    pub tenant: TenantId,
    /// The owner name in ownership records.
    pub owner: String,
}

/// The last line of the journal that the state knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// Its number.
    pub sequence: u64,
    /// Its hash, as the journal writes it.
    pub hash: String,
}

/// What opening found.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What was remembered; nothing where the state is fresh.
    pub memory: Memory,
    /// How it was found.
    pub status: Found,
    /// It is not what was last saved in this place: it was put back from a backup, or moved here. A
    /// reader is not told.
    pub is_copy: bool,
    /// How far the journal was when this was saved.
    pub journal_head: Option<JournalHead>,
    /// The status after the last pass, as JSON.
    pub status_document: Option<String>,
    /// The naming context of the domain.
    pub domain: Option<String>,
}

/// How a state was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing was saved yet.
    Fresh {
        /// A journal with lines in it stands beside: there was a state, and it is gone.
        lost: bool,
    },
    /// As a save left it.
    Known,
    /// It could not be read: a fresh one took its place.
    Damaged {
        /// Where the damaged file is now.
        set_aside: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

/// What a save did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Everything stood there already.
    Unchanged,
    /// Rows were written or taken out.
    Written {
        /// How many.
        rows: usize,
    },
}

/// The open state of one daemon.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    database: Database,
    about: About,
    /// `None` where it stands in no file.
    stamp: Option<Stamp>,
    broken: bool,
}

impl State {
    /// Opens the state in `directory`, or begins one (mode 0600). A file that cannot be read is set
    /// aside under another name and a fresh one takes its place. Cost: one read of the whole file.
    pub fn open(directory: &Path, binding: Binding) -> Result<(Self, Opened), StateError> {
        let path = directory.join(FILE_NAME);
        let opened = Self::open_file(&path, binding.clone());
        let (mut state, mut opened) = match opened {
            Err(StateError::Damaged { why, .. }) => {
                let set_aside = set_aside(&path)?;
                let (state, mut fresh) = Self::open_file(&path, binding)?;
                fresh.status = Found::Damaged { set_aside, why };
                (state, fresh)
            }
            other => other?,
        };
        if let Found::Fresh { lost } = &mut opened.status {
            *lost = has_journal(directory).map_err(|fault| StateError::of_file(&path, fault))?;
        }
        let stamp = Stamp::beside(directory);
        let known = &state.about.stamps;
        let stands_here =
            stamp.is_among(known).map_err(|fault| StateError::of_file(&stamp.path(), fault))?;
        opened.is_copy = !known.is_empty() && !stands_here && defence::stands("H61");
        state.stamp = Some(stamp);
        Ok((state, opened))
    }

    fn open_file(path: &Path, binding: Binding) -> Result<(Self, Opened), StateError> {
        let unusable = |fault| StateError::of_file(path, fault);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(unusable)?;
        if let Some(parent) = path.parent() {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(unusable)?;
        }
        let backend = FileBackend::new(file);
        let backend = backend.map_err(|fault| StateError::at_opening(path, fault.into()))?;
        Self::open_backend(backend, path, binding)
    }

    /// The same over any storage; `path` is its name in messages. Nothing is set aside: what cannot
    /// be read is [`StateError::Damaged`].
    pub fn open_backend(
        backend: impl StorageBackend,
        path: &Path,
        binding: Binding,
    ) -> Result<(Self, Opened), StateError> {
        let (database, image) = guarded(path, || {
            let failed = |fault| StateError::at_opening(path, fault);
            let database = store::open(backend).map_err(failed)?;
            let image = store::read(&database).map_err(failed)?;
            Ok((database, image))
        })?;
        let (about, opened) = recall(path, image, binding)?;
        Ok((Self { path: path.to_owned(), database, about, stamp: None, broken: false }, opened))
    }

    /// What stands in the state of `directory`, without changing anything there. `None`: nothing
    /// was saved yet. While a daemon has it open, this is refused as [`StateError::Held`].
    pub fn read(directory: &Path, binding: &Binding) -> Result<Option<Opened>, StateError> {
        let path = directory.join(FILE_NAME);
        let unusable = |fault| StateError::of_file(&path, fault);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(unusable(fault)),
        };
        let backend = FileBackend::new(file);
        let backend = backend.map_err(|fault| StateError::at_opening(&path, fault.into()))?;
        let beside = Beside::new(backend).map_err(unusable)?;
        let (_, opened) = Self::open_backend(beside, &path, binding.clone())?;
        Ok(match opened.status {
            Found::Known => Some(opened),
            Found::Fresh { .. } | Found::Damaged { .. } => None,
        })
    }

    /// Binds the state to the domain with this naming context; kept by the next save. A state of
    /// another domain is refused.
    pub fn bind_domain(&mut self, naming_context: &str) -> Result<(), StateError> {
        match &self.about.domain {
            Some(bound)
                if !bound.eq_ignore_ascii_case(naming_context) && defence::stands("H61") =>
            {
                Err(StateError::OtherDomain {
                    path: self.path.clone(),
                    bound: bound.clone(),
                    asked: naming_context.to_owned(),
                })
            }
            Some(_) => Ok(()),
            None => {
                self.about.domain = Some(naming_context.to_owned());
                Ok(())
            }
        }
    }

    /// Puts memory on disk, with the head of the journal it stands on and the status of the last
    /// pass (`None`: those stay as they are). All of it or nothing; when this returns it is on
    /// disk. After an error the state is not used again before it is reopened.
    pub fn save(
        &mut self,
        memory: &Memory,
        head: Option<&JournalHead>,
        status: Option<&str>,
    ) -> Result<Saved, StateError> {
        if self.broken && defence::stands("H66") {
            return Err(StateError::Broken { path: self.path.clone() });
        }
        if let Some(head) = head {
            self.about.head = Some(head.clone());
        }
        let mut tables = image::rows(memory);
        tables.insert(ABOUT, self.about.rows());
        if let Some(status) = status {
            tables.insert(STATUS, Box::new([(LAST.to_owned(), status.to_owned())].into_iter()));
        }
        let path = self.path.clone();
        let written = guarded(&path, || {
            let failed = |fault| StateError::of_write(&path, fault);
            let edits = store::differences(&self.database, tables).map_err(failed)?;
            self.write(edits)
        });
        // After a failed write nobody knows what is on disk: only reading it again tells (ATC'20,
        // "Can applications recover from fsync failures?").
        self.broken = written.is_err();
        Ok(match written? {
            0 => Saved::Unchanged,
            rows => Saved::Written { rows },
        })
    }

    /// Writes what differs, under a new stamp; gives the number of its rows.
    fn write(&mut self, mut edits: Edits) -> Result<usize, StateError> {
        let rows = edits.iter().map(|(_, edits)| edits.len()).sum();
        let Self { path, database, about, stamp, .. } = self;
        let failed = |fault| StateError::of_write(path, fault);
        let Some(stamp) = stamp else {
            if rows > 0 {
                store::write(database, edits).map_err(failed)?;
            }
            return Ok(rows);
        };
        let unstamped = |fault: io::Error| StateError::of_write(&stamp.path(), fault.into());
        if rows == 0 && stamp.is_among(&about.stamps).map_err(unstamped)? {
            return Ok(0);
        }
        about.stamps = stamp.renew().map_err(unstamped)?;
        edits.push((ABOUT, vec![(STAMPS.to_owned(), Some(image::json(&about.stamps)))]));
        store::write(database, edits).map_err(failed)?;
        stamp.turn().map_err(unstamped)?;
        Ok(rows)
    }
}

/// Turns rows into what was remembered, if they are ours.
fn recall(path: &Path, mut image: Image, asked: Binding) -> Result<(About, Opened), StateError> {
    let damaged = |why: String| StateError::Damaged { path: path.to_owned(), why };
    if image.is_empty() {
        let about = About { binding: asked, domain: None, head: None, stamps: Vec::new() };
        let opened = Opened {
            memory: Memory::default(),
            status: Found::Fresh { lost: false },
            is_copy: false,
            journal_head: None,
            status_document: None,
            domain: None,
        };
        return Ok((about, opened));
    }
    let rows = image.remove(ABOUT).unwrap_or_default();
    let version = rows.get("version").and_then(|text| text.parse::<u64>().ok());
    match version {
        Some(found) if found > VERSION && defence::stands("H77") => {
            return Err(StateError::Newer { path: path.to_owned(), found });
        }
        Some(1..) => {}
        Some(0) | None => return Err(damaged("it does not say its format".to_owned())),
    }
    let mut about = About::read(&rows).map_err(damaged)?;
    if about.binding.tenant != asked.tenant && defence::stands("H61") {
        let (bound, asked) = (about.binding.tenant, asked.tenant);
        return Err(StateError::OtherTenant { path: path.to_owned(), bound, asked });
    }
    if about.binding.owner != asked.owner && defence::stands("H61") {
        let (bound, asked) = (about.binding.owner, asked.owner);
        return Err(StateError::OtherOwner { path: path.to_owned(), bound, asked });
    }
    about.binding = asked;
    let status = image.remove(STATUS).and_then(|mut rows| rows.remove(LAST));
    let opened = Opened {
        memory: image::memory(&image).map_err(|error| damaged(error.to_string()))?,
        status: Found::Known,
        is_copy: false,
        journal_head: about.head.clone(),
        status_document: status,
        domain: about.domain.clone(),
    };
    Ok((about, opened))
}

/// Runs the engine over a file that may hold anything. It checks much of what it reads and stops
/// dead at some of it: what stops there is damage, and no reason to end the daemon.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|stop| {
        let text = stop.downcast_ref::<String>().map(String::as_str);
        let text = text.or(stop.downcast_ref::<&str>().copied());
        let why = format!("the database engine gave up: {}", text.unwrap_or("no reason told"));
        Err(StateError::Damaged { path: path.to_owned(), why })
    })
}

/// Gives the file the first free name of a damaged one.
fn set_aside(path: &Path) -> Result<PathBuf, StateError> {
    let unusable = |fault| StateError::of_file(path, fault);
    let free = (1..=SET_ASIDE_MAX)
        .map(|number| path.with_file_name(format!("{FILE_NAME}.damaged-{number}")))
        .find(|name| !name.exists());
    let Some(free) = free else {
        return Err(StateError::DamagedTooOften { path: path.to_owned(), kept: SET_ASIDE_MAX });
    };
    fs::rename(path, &free).map_err(unusable)?;
    Ok(free)
}

/// Whether a journal with lines in it stands in the directory.
fn has_journal(directory: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_journal = entry.file_name().to_string_lossy().starts_with("journal");
        let metadata = entry.metadata()?;
        if is_journal && metadata.is_file() && metadata.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
