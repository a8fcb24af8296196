//! Reads the policy folder as one generation, however it is swapped meanwhile.
//!
//! Input: the path of the folder. Output: every policy file with its text, or why the folder
//! tells nothing: a folder that is missing, empty or unreadable is unknown, never "nothing".
//!
//! Folders of policies are swapped under the reader: Kubernetes renames `..data` to a new
//! folder that the files link into, git-sync replaces the folder itself by a link, `git pull`
//! rewrites files in place. The folder is therefore resolved once and read through the resolved
//! names until two readings in a row agree in names, resolved paths, content and Git revision.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::model::Digest;
use crate::yaml::{BYTES_MAX, ConfigMistake, escaped};

use super::revision::revision;

/// The most policy files: a folder of more is a mistaken path.
pub const FILES_MAX: usize = 1_000;
/// The most text of all files together; it is held in memory twice while it is compared.
pub const TOTAL_BYTES_MAX: usize = 32 << 20;
/// How often a folder that keeps changing is read: each swap costs one reading, and a writer
/// that swaps faster than this never rests.
const READINGS_MAX: usize = 6;

/// A folder of policies, read whole.
#[derive(Debug)]
pub struct Folder {
    /// Digest over names and content: equal exactly when no policy changed.
    pub generation: Digest,
    /// The Git revision of these files; `None` outside Git.
    pub revision: Option<String>,
    /// The files, sorted by name.
    pub files: Vec<LoadedFile>,
}

/// One policy file.
#[derive(Debug)]
pub struct LoadedFile {
    /// The file as messages and causes name it: the folder as the user named it, and its name,
    /// control characters escaped.
    pub shown: String,
    /// Its bytes, or why it cannot be read.
    pub text: Result<Vec<u8>, ConfigMistake>,
}

/// Why the folder tells nothing. What was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is missing, is no folder, or may not be listed.
    #[error("read the policy folder {path}")]
    Unreadable {
        /// Which folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No file in it is a policy: there is none, or there are approvals alone.
    #[error("find a policy in the folder {path}: no *.yaml or *.yml file in it is one")]
    Empty {
        /// Which folder.
        path: PathBuf,
    },
    /// It holds more than a policy folder can.
    #[error("read the policy folder {path}: it has more than 1000 files or 32 MiB of policies")]
    TooLarge {
        /// Which folder.
        path: PathBuf,
    },
    /// It kept changing while it was read.
    #[error("read the policy folder {path}: it changes faster than it can be read")]
    Restless {
        /// Which folder.
        path: PathBuf,
    },
}

impl FolderError {
    /// The error as a mistake at the folder, for lists that show both.
    pub fn as_mistake(&self, path: &Path) -> ConfigMistake {
        let (message, remedy) = match self {
            Self::Unreadable { source, .. } => (
                format!("the policy folder cannot be read: {source}"),
                "create it, or mend `policies.path` or the right to read it",
            ),
            Self::Empty { .. } => (
                "no *.yaml or *.yml file in the policy folder is a policy".to_owned(),
                "put a policy directly into it; sub-folders are not read",
            ),
            Self::TooLarge { .. } => (
                format!("the policy folder has more than {FILES_MAX} files or 32 MiB of policies"),
                "name the folder that holds policies and nothing else",
            ),
            Self::Restless { .. } => (
                "the policy folder changes faster than it can be read".to_owned(),
                "let the writer rest; it is read again at the next look",
            ),
        };
        ConfigMistake::of_file(&path.display().to_string(), message, remedy)
    }
}

/// Reads every `*.yaml` and `*.yml` directly in the folder; names that start with a dot and
/// sub-folders are passed over, links are followed.
pub fn read(path: &Path) -> Result<Folder, FolderError> {
    let mut last = take_reading(path)?;
    for _ in 1..READINGS_MAX {
        let next = take_reading(path)?;
        if next == last {
            return conclude(path, next);
        }
        last = next;
    }
    Err(FolderError::Restless { path: path.to_owned() })
}

/// Reads one file that was named by itself.
pub(super) fn read_one(path: &Path) -> LoadedFile {
    let shown = escaped(&path.display().to_string());
    let text = read_regular(path).map_err(|fault| fault.as_mistake(&shown));
    LoadedFile { shown, text }
}

/// What one look at the folder saw.
#[derive(PartialEq, Eq)]
struct Reading {
    resolved: PathBuf,
    revision: Option<String>,
    files: BTreeMap<String, Seen>,
}

#[derive(PartialEq, Eq)]
struct Seen {
    resolved: Option<PathBuf>,
    text: Result<Vec<u8>, FileFault>,
}

#[derive(PartialEq, Eq)]
enum FileFault {
    Unreadable(String),
    NotAFile,
    TooLarge,
    NameNotText,
}

fn take_reading(path: &Path) -> Result<Reading, FolderError> {
    let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
    let resolved = fs::canonicalize(path).map_err(unreadable)?;
    let mut files = BTreeMap::new();
    let mut bytes = 0_usize;
    for entry in fs::read_dir(&resolved).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if !is_policy_name(&name) {
            continue;
        }
        let Some(seen) = look_at(&resolved.join(&name), &name) else { continue };
        bytes += seen.text.as_ref().map_or(0, Vec::len);
        files.insert(name.to_string_lossy().into_owned(), seen);
        if files.len() > FILES_MAX || bytes > TOTAL_BYTES_MAX {
            return Err(FolderError::TooLarge { path: path.to_owned() });
        }
    }
    // Of the very folder that was read: the link to it may lead elsewhere by now.
    let revision = revision(&resolved);
    Ok(Reading { resolved, revision, files })
}

fn is_policy_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.starts_with(b".") && (bytes.ends_with(b".yaml") || bytes.ends_with(b".yml"))
}

/// `None` for a sub-folder, whatever its name.
fn look_at(path: &Path, name: &OsStr) -> Option<Seen> {
    if path.is_dir() {
        return None;
    }
    if name.to_str().is_none() {
        return Some(Seen { resolved: None, text: Err(FileFault::NameNotText) });
    }
    match fs::canonicalize(path) {
        Ok(resolved) => {
            let text = read_regular(&resolved);
            Some(Seen { resolved: Some(resolved), text })
        }
        Err(fault) => {
            let text = Err(FileFault::Unreadable(fault.to_string()));
            Some(Seen { resolved: None, text })
        }
    }
}

/// Only regular files: opening a pipe would wait for a writer without end.
fn read_regular(path: &Path) -> Result<Vec<u8>, FileFault> {
    let unreadable = |fault: io::Error| FileFault::Unreadable(fault.to_string());
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() > BYTES_MAX { Err(FileFault::TooLarge) } else { Ok(bytes) }
}

impl FileFault {
    fn as_mistake(&self, shown: &str) -> ConfigMistake {
        let (message, remedy) = match self {
            Self::Unreadable(why) => {
                (format!("the file cannot be read: {why}"), "mend the file or the right to read it")
            }
            Self::NotAFile => ("this is not a regular file".to_owned(), "put a file here"),
            Self::TooLarge => ("the file is larger than 1 MiB".to_owned(), "split it into several"),
            Self::NameNotText => {
                ("the name of the file is not UTF-8".to_owned(), "give it another name")
            }
        };
        ConfigMistake::of_file(shown, message, remedy)
    }
}

fn conclude(path: &Path, reading: Reading) -> Result<Folder, FolderError> {
    if reading.files.is_empty() {
        return Err(FolderError::Empty { path: path.to_owned() });
    }
    let generation = digest_of(&reading.files);
    let revision = reading.revision;
    let files = reading.files.into_iter().map(|(name, seen)| {
        let shown = escaped(&path.join(&name).display().to_string());
        let text = seen.text.map_err(|fault| fault.as_mistake(&shown));
        LoadedFile { shown, text }
    });
    Ok(Folder { generation, revision, files: files.collect() })
}

/// Digest of digests: names and contents of any length cannot run into each other.
fn digest_of(files: &BTreeMap<String, Seen>) -> Digest {
    let mut summary = String::new();
    for (name, seen) in files {
        let content = match &seen.text {
            Ok(text) => Digest::of(text).to_string(),
            Err(_) => "unreadable".to_owned(),
        };
        summary.extend([Digest::of(name.as_bytes()).to_string(), content, "\n".to_owned()]);
    }
    Digest::of(summary.as_bytes())
}
