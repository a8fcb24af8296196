//! What stands below the database engine: the file, seen so that a start cut short is a fresh one,
//! and so that whoever only reads changes nothing.
//!
//! Built by `state`; the engine reads and writes through it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use redb::{BackendError, StorageBackend};

/// How the file of a database begins (redb `docs/design.md`, "Database header"). The engine writes
/// it last of all when it makes one.
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// What the engine writes before that: the header, and nothing else.
const HEADER_BYTES: u64 = 320;
/// How much of a file is looked at in one read.
const CHUNK_BYTES: usize = 64 * 1024;

/// A backend whose making may have been cut short. The engine takes a file that was lengthened and
/// has no beginning yet for something foreign; nothing was ever saved in it.
#[derive(Debug)]
pub(super) struct Begun<B> {
    inner: B,
    /// The engine asks for the length first, under its lock.
    asked: AtomicBool,
}

impl<B: StorageBackend> Begun<B> {
    pub(super) fn new(inner: B) -> Self {
        Self { inner, asked: AtomicBool::new(false) }
    }

    /// Whether nothing but a part of the header was ever written.
    fn is_cut_short(&self, bytes: u64) -> io::Result<bool> {
        let mut begin = [0; MAGIC.len()];
        if bytes < begin.len() as u64 {
            return Ok(false);
        }
        self.inner.read(0, &mut begin)?;
        if begin != [0; MAGIC.len()] {
            return Ok(false);
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = HEADER_BYTES.min(bytes);
        while at < bytes {
            let rest = usize::try_from(bytes - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            chunk.truncate(rest);
            self.inner.read(at, &mut chunk)?;
            if chunk.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += rest as u64;
        }
        Ok(true)
    }
}

impl<B: StorageBackend> StorageBackend for Begun<B> {
    fn len(&self) -> io::Result<u64> {
        let bytes = self.inner.len()?;
        let is_first = !self.asked.swap(true, Ordering::Relaxed);
        if is_first && self.is_cut_short(bytes)? {
            self.inner.set_len(0)?;
            return Ok(0);
        }
        Ok(bytes)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}

/// How much of the file one block of [`Beside`] covers: a page of the engine.
const BLOCK_BYTES: u64 = 4096;

/// A backend that is read while all writes go beside it, into memory: a file that a crash left
/// open is mended for the reader alone.
#[derive(Debug)]
pub(super) struct Beside<B> {
    inner: B,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    bytes: u64,
    /// Blocks as they stand now, by number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl<B: StorageBackend> Beside<B> {
    pub(super) fn new(inner: B) -> io::Result<Self> {
        let bytes = inner.len()?;
        Ok(Self { inner, written: Mutex::new(Written { bytes, blocks: BTreeMap::new() }) })
    }

    /// A block as it stands below, zeros after the end of the file.
    fn below(&self, number: u64) -> io::Result<Vec<u8>> {
        let start = number * BLOCK_BYTES;
        let there = self.inner.len()?.saturating_sub(start).min(BLOCK_BYTES);
        let mut block = vec![0; usize::try_from(there).unwrap_or(0)];
        self.inner.read(start, &mut block)?;
        block.resize(usize::try_from(BLOCK_BYTES).unwrap_or(0), 0);
        Ok(block)
    }
}

/// The blocks that `bytes` bytes from `offset` on lie in: number, and where in block and bytes.
fn pieces(offset: u64, bytes: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done >= bytes {
            return None;
        }
        let at = offset + done as u64;
        let inside = usize::try_from(at % BLOCK_BYTES).ok()?;
        let room = usize::try_from(BLOCK_BYTES).ok()? - inside;
        let piece = done..bytes.min(done + room);
        done = piece.end;
        Some((at / BLOCK_BYTES, inside, piece))
    })
}

impl<B: StorageBackend> StorageBackend for Beside<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().unwrap_or_else(PoisonError::into_inner).bytes)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if offset.saturating_add(out.len() as u64) > written.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (number, inside, piece) in pieces(offset, out.len()) {
            let below;
            let block = if let Some(block) = written.blocks.get(&number) {
                block
            } else {
                below = self.below(number)?;
                &below
            };
            let from = block.get(inside..inside + piece.len());
            if let (Some(to), Some(from)) = (out.get_mut(piece), from) {
                to.copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies behind a cut must read as zeros when the file grows again.
        let first = len / BLOCK_BYTES;
        let last = written.bytes.div_ceil(BLOCK_BYTES);
        for number in first..last {
            let mut block = match written.blocks.remove(&number) {
                Some(block) => block,
                None if number == first => self.below(number)?,
                None => Vec::new(),
            };
            if number == first {
                block.truncate(usize::try_from(len % BLOCK_BYTES).unwrap_or(0));
            } else {
                block.clear();
            }
            block.resize(usize::try_from(BLOCK_BYTES).unwrap_or(0), 0);
            written.blocks.insert(number, block);
        }
        written.bytes = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, inside, piece) in pieces(offset, data.len()) {
            let mut block = match written.blocks.remove(&number) {
                Some(block) => block,
                None => self.below(number)?,
            };
            let to = block.get_mut(inside..inside + piece.len());
            if let (Some(to), Some(from)) = (to, data.get(piece)) {
                to.copy_from_slice(from);
            }
            written.blocks.insert(number, block);
        }
        written.bytes = written.bytes.max(offset + data.len() as u64);
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    // Readers stand beside each other, and never beside a writer: what the engine would hold alone
    // is held with the others.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
