//! The stamp: an empty file beside the state that every save makes anew, and whose identity the
//! state keeps. Files that are put back from a backup, or moved to another machine, are other
//! files: the identity that the state then names stands nowhere any more.
//!
//! `state` renews it with each save and compares it when it opens. The identity is made of what no
//! copy takes along, however it is made: the number of the inode and the time of its birth. The
//! file of the state itself would not do: `cp` over a file that is there keeps both.
//!
//! What is not seen so is a snapshot of the whole disk or machine, which takes inodes along.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The stamp's file inside `state.path`.
pub const FILE_NAME: &str = "state.stamp";
/// The next one, until the state knows it.
const NEXT_NAME: &str = "state.stamp-next";

/// Which file it is, as the file system tells files apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    inode: u64,
    /// When it was made, where the file system tells it (`stx_btime` of statx(2)).
    born: Option<Timestamp>,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let born = metadata.created().ok().and_then(|born| Timestamp::try_from(born).ok());
        Self { inode: metadata.ino(), born }
    }

    /// Whether both are of one file. A time that only one of them has says nothing: another kernel
    /// may tell what this one does not.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let born_together = match (self.born, other.born) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        self.inode == other.inode && born_together
    }
}

/// Where the stamp of a state stands.
#[derive(Debug)]
pub(super) struct Stamp {
    directory: PathBuf,
}

impl Stamp {
    /// That of the state in `directory`.
    pub(super) fn beside(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Its file.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }

    /// The one that stands; `None` where there is none.
    pub(super) fn standing(&self) -> io::Result<Option<Identity>> {
        match fs::symlink_metadata(self.path()) {
            Ok(metadata) => Ok(Some(Identity::of(&metadata))),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether the one that stands is one of these.
    pub(super) fn is_among(&self, known: &[Identity]) -> io::Result<bool> {
        let standing = self.standing()?;
        Ok(standing.is_some_and(|standing| known.iter().any(|one| one.is_of(&standing))))
    }

    /// Makes the next one and gives those of which one stands from now on, however this is cut
    /// off: the one that stands, and the next, which takes its place in [`Stamp::turn`]. The state
    /// names them before that.
    pub(super) fn renew(&self) -> io::Result<Vec<Identity>> {
        let standing = self.standing()?;
        let name = if standing.is_some() { NEXT_NAME } else { FILE_NAME };
        let next = make(&self.directory.join(name))?;
        if standing.is_none() {
            // Where none stood, the state names no other that could.
            self.sync_directory()?;
        }
        Ok(standing.into_iter().chain([next]).collect())
    }

    /// Lets the next one take its place. When this returns it is on disk, so that of three in a
    /// row the first cannot come back.
    pub(super) fn turn(&self) -> io::Result<()> {
        match fs::rename(self.directory.join(NEXT_NAME), self.path()) {
            // It was made in its place.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(fault) => Err(fault),
            Ok(()) => self.sync_directory(),
        }
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

/// Makes an empty file that was not there before.
fn make(path: &Path) -> io::Result<Identity> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        // What a save that was cut off left.
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.sync_all()?;
    Ok(Identity::of(&file.metadata()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_renewal_that_is_cut_off_anywhere_one_that_the_state_names_stands() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp::beside(folder.path());
        assert_eq!(stamp.standing().unwrap(), None);
        let mut named = Vec::new();
        for round in 0..4 {
            // Cut off before the state names the next: what it named still stands.
            let next = stamp.renew().unwrap();
            assert!(round == 0 || stamp.is_among(&named).unwrap(), "round {round}");
            let next = if round % 2 == 0 { next } else { stamp.renew().unwrap() };
            assert!(stamp.is_among(&next).unwrap(), "cut off before the turn in round {round}");
            stamp.turn().unwrap();
            assert!(stamp.is_among(&next).unwrap(), "round {round}");
            named = next;
        }
        let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(files.collect::<Vec<_>>(), [FILE_NAME]);
    }

    #[test]
    fn a_time_of_birth_that_only_one_side_tells_says_nothing() {
        let at = |second| Timestamp::from_second(second).ok();
        let identity = |inode, born| Identity { inode, born };
        for (one, other, same) in [
            (identity(1, at(1)), identity(1, at(1)), true),
            (identity(1, at(1)), identity(1, at(2)), false),
            (identity(1, at(1)), identity(2, at(1)), false),
            (identity(1, None), identity(1, at(1)), true),
            (identity(1, at(1)), identity(1, None), true),
            (identity(1, None), identity(2, None), false),
        ] {
            assert_eq!(one.is_of(&other), same, "{one:?} {other:?}");
        }
    }
}
