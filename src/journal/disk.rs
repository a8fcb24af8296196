//! The file that grows, on its way to the disk: whole lines or nothing, and room kept back for the
//! outcome of the operation in flight.
//!
//! `journal` hands in sealed lines; the caller learns that a line is on disk, that there is no room
//! for it, or that nothing can be written any more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::files::aside_name;
use super::{FILE_NAME, JournalError};
use crate::defence::stands;

/// Room kept back so that an outcome can be written on a full disk.
const RESERVE_NAME: &str = "journal.reserve";
/// More than two of the longest outcome lines: 4,096 characters of message at 6 bytes each
/// (`\u001b`), and 300 bytes around them; a multiple of the usual block sizes.
pub(super) const RESERVE_BYTES: usize = 64 << 10;
/// The new file before it takes its place.
const NEXT_NAME: &str = "journal.next";

/// Whether a line may use the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The caller does without: nothing has happened yet.
    Refusable,
    /// It tells what has happened already.
    Owed,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    /// How long it is with all lines that are on disk.
    length: u64,
    /// The last byte is no line feed: one comes before the next line.
    unended: bool,
    reserve: bool,
    broken: bool,
}

impl Disk {
    /// Opens or makes the file. `unended` says that its last byte is no line feed.
    pub(super) fn open(directory: &Path, unended: bool) -> io::Result<Self> {
        let path = directory.join(FILE_NAME);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let length = file.metadata()?.len();
        File::open(directory)?.sync_all()?;
        let directory = directory.to_owned();
        Ok(Self { directory, path, file, length, unended, reserve: false, broken: false })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Puts a line and its line feed on disk. When there is no room for it, what was written of it
    /// is taken back, so that the chain stays whole.
    pub(super) fn append(&mut self, line: &str, need: Need) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken { path: self.path.clone() });
        }
        let text = format!("{}{line}\n", if self.unended { "\n" } else { "" });
        let mut written = self.write(&text);
        if need == Need::Owed && written.as_ref().is_err_and(is_full) && self.give_up_reserve() {
            written = self.write(&text);
        }
        match written {
            Ok(()) => {}
            Err(source) if is_full(&source) && !self.broken => {
                return Err(JournalError::Full { path: self.path.clone(), source });
            }
            Err(source) => return Err(self.fail(source)),
        }
        if let Err(source) = self.file.sync_data() {
            return Err(self.fail(source));
        }
        self.length += u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.unended = false;
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes()).inspect_err(|_| {
            if self.file.set_len(self.length).is_err() {
                self.broken = true;
            }
        })
    }

    /// After a failed write or fsync the page cache no longer says what is on disk: a second try
    /// would lie (ATC'20, "Can applications recover from fsync failures?").
    fn fail(&mut self, source: io::Error) -> JournalError {
        if stands("H66") {
            self.broken = true;
        }
        JournalError::Write { path: self.path.clone(), source }
    }

    /// Sees to it that there is room for the outcome of what is announced next.
    pub(super) fn keep_reserve(&mut self) -> Result<(), JournalError> {
        if self.reserve {
            return Ok(());
        }
        self.make_reserve().map_err(|source| {
            let path = self.directory.join(RESERVE_NAME);
            if is_full(&source) {
                // What was taken of the little room is given back.
                let _gone = fs::remove_file(&path);
                JournalError::Full { path, source }
            } else {
                JournalError::Write { path, source }
            }
        })
    }

    fn make_reserve(&mut self) -> io::Result<()> {
        let path = self.directory.join(RESERVE_NAME);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        // Bytes that cannot be compressed: the room has to be taken for real.
        let mut bytes = vec![0; RESERVE_BYTES];
        fastrand::Rng::with_seed(1).fill(&mut bytes);
        file.write_all(&bytes)?;
        file.sync_all()?;
        self.reserve = true;
        Ok(())
    }

    fn give_up_reserve(&mut self) -> bool {
        let path = self.directory.join(RESERVE_NAME);
        let was = std::mem::replace(&mut self.reserve, false);
        let freed = OpenOptions::new().write(true).open(path).and_then(|file| {
            // Some file systems give room back only when the change is on disk.
            file.set_len(0).and_then(|()| file.sync_all())
        });
        was && freed.is_ok()
    }

    /// Puts the file aside under the number of its first line and begins a new one. `Ok(false)`
    /// when that cannot be done now: the file goes on growing, and the next line tries again.
    ///
    /// A stop between the two renames leaves no file that grows; opening makes one, and the chain
    /// goes on from the file put aside.
    pub(super) fn put_aside(&mut self, first: u64) -> Result<bool, JournalError> {
        let next = self.directory.join(NEXT_NAME);
        let aside = self.directory.join(aside_name(first));
        let made =
            new_file(&next).or_else(|_| fs::remove_file(&next).and_then(|()| new_file(&next)));
        let Ok(file) = made else { return Ok(false) };
        if aside.exists() || fs::rename(&self.path, &aside).is_err() {
            return Ok(false);
        }
        if let Err(source) = fs::rename(&next, &self.path) {
            return match fs::rename(&aside, &self.path) {
                Ok(()) => Ok(false),
                Err(_) => Err(self.fail(source)),
            };
        }
        self.file = file;
        self.length = 0;
        match self.sync_directory() {
            Ok(()) => Ok(true),
            Err(source) => Err(self.fail(source)),
        }
    }

    pub(super) fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    [StorageFull, QuotaExceeded, FileTooLarge].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failed_fsync_nothing_is_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(folder.path(), false).unwrap();
        // A pipe takes the bytes and refuses the fsync (fsync(2), EINVAL).
        let (_reader, writer) = io::pipe().unwrap();
        disk.file = File::from(std::os::fd::OwnedFd::from(writer));
        let first = disk.append("{}", Need::Refusable).unwrap_err();
        assert!(matches!(first, JournalError::Write { .. }), "{first:?}");
        for need in [Need::Refusable, Need::Owed] {
            let second = disk.append("{}", need).unwrap_err();
            assert!(matches!(second, JournalError::Broken { .. }), "{second:?}");
        }
    }

    #[test]
    fn what_an_interrupted_rotation_left_does_not_stop_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(folder.path(), false).unwrap();
        disk.append("{}", Need::Refusable).unwrap();
        fs::write(folder.path().join(NEXT_NAME), "left").unwrap();
        assert!(disk.put_aside(1).unwrap());
        assert_eq!(fs::read_to_string(folder.path().join(aside_name(1))).unwrap(), "{}\n");
        disk.append("[]", Need::Refusable).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(FILE_NAME)).unwrap(), "[]\n");
        assert!(!disk.put_aside(1).unwrap(), "a file put aside is never replaced");
    }
}
