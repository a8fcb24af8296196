//! Storage that remembers what was done to it, or fails when it is told to.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// One thing done to a storage.
#[derive(Clone, Debug)]
pub enum Deed {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    SetLen(usize),
    /// Everything before is on disk.
    Synced,
    /// The save with this number was acknowledged.
    Acknowledged(usize),
}

impl Deed {
    /// Does it to `bytes`. What lies behind the end of a file whose lengthening was lost is lost
    /// with it: a file system keeps the order of what it notes about a file.
    pub fn make(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = (offset + bytes.len()).min(file.len());
                if *offset < end {
                    file[*offset..end].copy_from_slice(&bytes[..end - offset]);
                }
            }
            Self::SetLen(length) => file.resize(*length, 0),
            Self::Synced | Self::Acknowledged(_) => {}
        }
    }
}

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Vec<u8>,
    trace: Vec<Deed>,
    calls: usize,
    /// The call from which on everything that writes fails, with this error of the system.
    fails: Option<(usize, i32)>,
}

impl Disk {
    pub fn of(file: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.inner.lock().unwrap().file = file;
        disk
    }

    pub fn trace(&self) -> Vec<Deed> {
        self.inner.lock().unwrap().trace.clone()
    }

    pub fn note(&self, deed: Deed) {
        self.inner.lock().unwrap().trace.push(deed);
    }

    /// How many calls that write were made.
    pub fn calls(&self) -> usize {
        self.inner.lock().unwrap().calls
    }

    /// Every call from number `call` on fails with `error` of the system; `None` mends the disk.
    pub fn fail(&self, fails: Option<(usize, i32)>) {
        self.inner.lock().unwrap().fails = fails;
    }

    fn change(&self, deed: Deed) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap();
        let call = inner.calls;
        inner.calls += 1;
        if let Some((_, error)) = inner.fails.filter(|(from, _)| call >= *from) {
            return Err(io::Error::from_raw_os_error(error));
        }
        if let Deed::Write { offset, bytes } = &deed {
            let end = offset + bytes.len();
            if inner.file.len() < end {
                inner.file.resize(end, 0);
            }
        }
        deed.make(&mut inner.file);
        inner.trace.push(deed);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner.lock().unwrap().file.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.inner.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let bytes = inner.file.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Deed::SetLen(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Deed::Synced)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.change(Deed::Write { offset, bytes: data.to_vec() })
    }
}
