//! What a crash leaves: the state's storage, of which only what was synced is sure, and the folder
//! of the journal, whose last line may be torn.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use redb::StorageBackend;

/// A storage in memory that knows what is on disk and what is only on its way there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Platter(Arc<Mutex<Sectors>>);

#[derive(Debug, Default)]
struct Sectors {
    /// As the process sees it.
    bytes: Vec<u8>,
    /// As it is on disk for sure.
    synced: Vec<u8>,
    /// What came since, in order.
    pending: Vec<Edit>,
    /// After so many more writes every one fails.
    room: Option<usize>,
    /// Whoever still writes is dead.
    dead: bool,
}

#[derive(Clone, Debug)]
enum Edit {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Bytes(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl Platter {
    fn with<T>(&self, work: impl FnOnce(&mut Sectors) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn edit(&self, edit: Edit) -> io::Result<()> {
        self.with(|sectors| {
            if sectors.dead {
                return Ok(());
            }
            match &mut sectors.room {
                Some(0) => return Err(io::Error::from(io::ErrorKind::StorageFull)),
                Some(room) => *room -= 1,
                None => {}
            }
            edit.apply(&mut sectors.bytes);
            sectors.pending.push(edit);
            Ok(())
        })
    }

    /// From now on only so many writes go well.
    pub(crate) fn limit(&self, room: Option<usize>) {
        self.with(|sectors| sectors.room = room);
    }

    /// A disk with the same on it. Everything was synced.
    pub(crate) fn fork(&self) -> Self {
        self.with(|sectors| {
            let (bytes, synced) = (sectors.synced.clone(), sectors.synced.clone());
            Self(Arc::new(Mutex::new(Sectors { bytes, synced, ..Sectors::default() })))
        })
    }

    /// The process is dead: what it still wants to write goes nowhere. What comes up again is what
    /// was synced, and `share` in 256 of what came since.
    pub(crate) fn crash(&self, share: u8) -> Self {
        self.with(|sectors| {
            sectors.dead = true;
            let mut bytes = std::mem::take(&mut sectors.synced);
            let kept = sectors.pending.len() * usize::from(share) / 256;
            for edit in sectors.pending.drain(..).take(kept) {
                edit.apply(&mut bytes);
            }
            let synced = bytes.clone();
            Self(Arc::new(Mutex::new(Sectors { bytes, synced, ..Sectors::default() })))
        })
    }
}

impl StorageBackend for Platter {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|sectors| sectors.bytes.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.with(|sectors| {
            let found = sectors.bytes.get(offset..offset + out.len());
            out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.edit(Edit::Length(usize::try_from(length).map_err(io::Error::other)?))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|sectors| {
            if sectors.dead {
                return Ok(());
            }
            if sectors.room == Some(0) {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            let Sectors { synced, pending, .. } = sectors;
            pending.drain(..).for_each(|edit| edit.apply(synced));
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.edit(Edit::Bytes(offset, data.to_vec()))
    }
}

fn named() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("writeback-stories-");
    builder
}

/// A folder of its own for a journal, in memory where the system has such a place.
#[derive(Debug)]
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let made = if memory.is_dir() {
            named().tempdir_in(memory).or_else(|_| named().tempdir())
        } else {
            named().tempdir()
        };
        Self(made.expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn journal(&self) -> PathBuf {
        self.path().join(writeback::journal::FILE_NAME)
    }

    /// A folder of its own with the same journal.
    pub(crate) fn copy(&self) -> Self {
        let other = Self::new();
        if self.journal().exists() {
            fs::copy(self.journal(), other.journal()).expect("a journal can be copied");
        }
        other
    }

    /// How long the journal is.
    pub(crate) fn length(&self) -> u64 {
        fs::metadata(self.journal()).map_or(0, |metadata| metadata.len())
    }

    /// Takes back the end of what was written after `length`: between one byte and all of it.
    pub(crate) fn tear(&self, length: u64, random: &mut fastrand::Rng) {
        let written = self.length();
        if written > length {
            let kept = random.u64(length..written);
            let file = OpenOptions::new().write(true).open(self.journal());
            file.and_then(|file| file.set_len(kept)).expect("the journal can be cut");
        }
    }

    /// Whether the journal says that this set was let through.
    pub(crate) fn tells_of_approval(&self, digest: &writeback::model::Digest) -> bool {
        let text = fs::read_to_string(self.journal()).unwrap_or_default();
        let digest = digest.to_string();
        let mut lines = text.lines().filter(|line| line.contains(&digest));
        lines.any(|line| line.contains("\"kind\":\"approval\""))
    }

    /// The last two lines of the journal, as far as they fit into `bytes`.
    pub(crate) fn last_lines(&self, bytes: u64) -> Vec<serde_json::Value> {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut text = Vec::new();
        let mut file = fs::File::open(self.journal()).expect("the journal is there");
        let from = self.length().saturating_sub(bytes);
        file.seek(SeekFrom::Start(from)).expect("it is that long");
        file.read_to_end(&mut text).expect("it can be read");
        let lines = text.rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.take(2).filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}
