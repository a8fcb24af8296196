//! One writer per state directory: `apply` and `run` hold the same lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, lchown};
use std::path::{Path, PathBuf};

/// The lock's file inside `state.path`.
pub const FILE_NAME: &str = "lock";
/// The account of root.
const ROOT: u32 = 0;

/// The lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
    directory: PathBuf,
}

/// Why the state directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("lock {path}: another writeback holds it{holder}; one writer at a time")]
    Held {
        /// Which file.
        path: PathBuf,
        /// ` (process N)`, when the file says so.
        holder: String,
    },
    /// It cannot be made or opened.
    #[error("use the state directory {path} (state.path): {source}")]
    Unusable {
        /// Which directory or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StateLock {
    /// Makes the directory (mode 0700) when it is missing, and takes the lock without waiting.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let unusable = |path: &Path, source| LockError::Unusable { path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| unusable(directory, source))?;
        let path = directory.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| unusable(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder =
                    if known { format!(" (process {})", holder.trim()) } else { String::new() };
                return Err(LockError::Held { path, holder });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(&path, source)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|source| unusable(&path, source))?;
        Ok(Self { _file: file, directory: directory.to_owned() })
    }

    /// Gives what root made here to whom the directory belongs to. A command that root runs beside
    /// a stopped service would else leave files that the service, under its own account, cannot
    /// open; systemd changes owners only where the directory's own differs.
    fn settle_owners(&self) -> io::Result<()> {
        let owner = fs::metadata(&self.directory)?;
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() && metadata.uid() == ROOT && owner.uid() != ROOT {
                lchown(entry.path(), Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        Ok(())
    }

    /// The directory that is held.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A question for probes: whether the directory takes a write now.
    pub fn probe(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let path = self.directory.join("probe");
        move || {
            let written = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut file| file.write_all(b"writable\n").and_then(|()| file.sync_data()));
            written.is_ok()
        }
    }
}

impl Drop for StateLock {
    fn drop(&mut self) {
        // Without the right to do it there is nothing that root made.
        let _ = self.settle_owners();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_root_makes_in_the_directory_of_another_account_is_left_to_that_account() {
        const SERVICE: u32 = 64_998;
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("foreign");
        fs::write(&foreign, "").unwrap();
        lchown(&foreign, Some(SERVICE + 1), Some(SERVICE + 1)).unwrap();
        lchown(folder.path(), Some(SERVICE), Some(SERVICE)).unwrap();
        let lock = StateLock::take(folder.path()).unwrap();
        fs::write(folder.path().join("journal.jsonl"), "a line\n").unwrap();
        drop(lock);
        let owners = fs::read_dir(folder.path()).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().uid())
        });
        let expected = [("foreign", SERVICE + 1), ("journal.jsonl", SERVICE), (FILE_NAME, SERVICE)];
        let expected = expected.map(|(name, owner)| (name.to_owned(), owner));
        assert_eq!(owners.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
    }

    #[test]
    fn the_second_writer_is_refused_by_name_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateLock::take(folder.path()).unwrap();
        let refusal = StateLock::take(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains("another writeback"), "{refusal}");
        drop(first);
        assert!(StateLock::take(folder.path()).is_ok());
    }
}
