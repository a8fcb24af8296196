//! Why the state cannot be used, and which faults mean that its file is damaged.
//!
//! Made by `state`; the controller stops, waits or says so.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::TenantId;
use crate::state::VERSION;

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file or its directory cannot be used: a missing right, a full or failing disk.
    #[error("use the state {path}")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another process has it open.
    #[error("open the state {path}: another writeback holds it")]
    Held {
        /// Which file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error(
        "open the state {path}: made by a newer writeback (format {found}, this one reads \
         {VERSION}); start that version again, or move the file away: then all removals wait 24 \
         hours"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// It belongs to another tenant.
    #[error(
        "open the state {path}: it belongs to the tenant {bound}, not to {asked} (tenant.id); use \
         another state.path for each tenant"
    )]
    OtherTenant {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        bound: TenantId,
        /// Who asks.
        asked: TenantId,
    },
    /// It belongs to a daemon with another owner name.
    #[error(
        "open the state {path}: it belongs to the owner {bound:?}, not to {asked:?} \
         (metadata.name); use another state.path for each owner"
    )]
    OtherOwner {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        bound: String,
        /// Who asks.
        asked: String,
    },
    /// It belongs to another domain.
    #[error(
        "use the state {path}: it belongs to the domain {bound}, not to {asked} \
         (directory.servers); use another state.path for each domain"
    )]
    OtherDomain {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        bound: String,
        /// Who asks.
        asked: String,
    },
    /// What is in the file cannot be read.
    #[error("read the state {path}: it is damaged: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// So many damaged files stand beside it that the disk cannot be trusted.
    #[error(
        "set the damaged state {path} aside: {kept} damaged ones are there already; see to the \
         disk, then remove them"
    )]
    DamagedTooOften {
        /// Which file.
        path: PathBuf,
        /// How many are there.
        kept: usize,
    },
    /// It could not be put on disk; the state is not used again before it is reopened.
    #[error("write the state {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// An earlier save failed.
    #[error("go on with the state {path} after a failed write")]
    Broken {
        /// Which file.
        path: PathBuf,
    },
}

impl StateError {
    /// What a fault of the engine at opening means.
    pub(super) fn at_opening(path: &Path, source: redb::Error) -> Self {
        let path = path.to_owned();
        if matches!(source, redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch) {
            return Self::Held { path };
        }
        if is_damage(&source) {
            return Self::Damaged { path, why: source.to_string() };
        }
        Self::Unusable { path, source: Box::new(source) }
    }

    /// The same for the file system.
    pub(super) fn of_file(path: &Path, source: io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), source: Box::new(redb::Error::Io(source)) }
    }

    /// A fault while rows are put into a file.
    pub(super) fn of_write(path: &Path, source: redb::Error) -> Self {
        Self::Write { path: path.to_owned(), source: Box::new(source) }
    }
}

/// Whether the file is wrong, and not the disk below it or the memory above: only then it is set
/// aside. A disk that fails may hold a good file.
fn is_damage(fault: &redb::Error) -> bool {
    if let redb::Error::Io(fault) = fault {
        // The engine's words for "not a database" and for a file shorter than it says it is.
        return matches!(fault.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof);
    }
    !matches!(
        fault,
        redb::Error::Backend(_)
            | redb::Error::Unsupported
            | redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::LockPoisoned(_)
    )
}
