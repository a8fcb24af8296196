//! The journal's files: their names, their order, and their lines as they stand on disk.
//!
//! `journal.jsonl` grows; a full one is put aside as `journal-<its first line>.jsonl`. Read by
//! everybody in this room who reads.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::FILE_NAME;
use super::chain::{Link, Sealed, unseal};
use crate::model::Digest;

/// The longest line is that of a deleted group with 250,000 members (SEMANTICS 3), 39 bytes each:
/// below 10 MB. What is longer is no line.
const LINE_BYTES_MAX: u64 = 32 << 20;
/// How much of what is no line is kept to be compared: more than a crash can tear, which is one
/// line, and more than a journal of the versions without a chain.
const GAP_BYTES_MAX: usize = 256 << 20;
/// A file that is put aside while the list is read makes one more try; nobody puts two aside in
/// that time.
const TRIES: usize = 3;
/// Most last lines are shorter; the rest takes a second read.
const TAIL_BYTES: u64 = 64 << 10;

/// One file of the journal, open for reading.
#[derive(Debug)]
pub(super) struct Volume {
    pub path: PathBuf,
    /// The first line by its name; `None` for the file that grows.
    pub first: Option<u64>,
    pub file: File,
}

impl Volume {
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its last line, when that is whole.
    pub(super) fn last(&self) -> io::Result<Option<Sealed>> {
        let length = self.file.metadata()?.len();
        for window in [TAIL_BYTES, LINE_BYTES_MAX] {
            let start = length.saturating_sub(window);
            let mut bytes = Vec::new();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(start))?;
            file.take(window).read_to_end(&mut bytes)?;
            let Some(text) = bytes.strip_suffix(b"\n") else { return Ok(None) };
            let line = match text.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => text.get(end + 1..).unwrap_or_default(),
                None if start == 0 => text,
                None => continue,
            };
            return Ok(unseal(line));
        }
        Ok(None)
    }
}

/// The name of a file that was put aside, by its first line.
pub(super) fn aside_name(first: u64) -> String {
    format!("journal-{first:020}.jsonl")
}

fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("journal-")?.strip_suffix(".jsonl")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The files that were put aside, oldest first.
pub(super) fn aside(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for item in fs::read_dir(directory)? {
        let item = item?;
        if let Some(first) = item.file_name().to_str().and_then(first_of) {
            found.push((first, item.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// All files, oldest first, as they are at one moment: a file that is put aside or removed
/// meanwhile is neither read twice nor missed.
pub(super) fn volumes(directory: &Path) -> io::Result<Vec<Volume>> {
    let mut tries = 1;
    loop {
        match volumes_once(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
            answer => return answer,
        }
    }
}

fn volumes_once(directory: &Path) -> io::Result<Vec<Volume>> {
    let path = directory.join(FILE_NAME);
    let growing = match File::open(&path) {
        Ok(file) => Some(Volume { path, first: None, file }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let own = growing.as_ref().map(|volume| volume.file.metadata()).transpose()?;
    let mut volumes = Vec::new();
    for (first, path) in aside(directory)? {
        let file = File::open(&path)?;
        let twin = own.as_ref().map(|own| (own.dev(), own.ino()));
        let metadata = file.metadata()?;
        if twin != Some((metadata.dev(), metadata.ino())) {
            volumes.push(Volume { path, first: Some(first), file });
        }
    }
    volumes.extend(growing);
    Ok(volumes)
}

/// Bytes that are no line.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap {
    /// Where they begin.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// The bytes; fewer than `length` where they are too many to be kept.
    pub bytes: Vec<u8>,
}

impl Gap {
    fn push(&mut self, offset: u64, bytes: &[u8]) {
        if self.length == 0 {
            self.offset = offset;
        }
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.bytes.len().saturating_add(bytes.len()) <= GAP_BYTES_MAX {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes before and after a place; `None` where they are not all known.
    pub(super) fn split(&self, end: u64) -> Option<(&[u8], &[u8])> {
        let all = usize::try_from(self.length).ok() == Some(self.bytes.len());
        all.then(|| self.bytes.split_at_checked(usize::try_from(end).ok()?)).flatten()
    }

    /// Whether this is, to the byte, what a line says a crash tore before it.
    pub(super) fn is_told(&self, by: &Link) -> bool {
        match (&by.torn, self.split(0)) {
            (None, _) => self.is_empty(),
            (Some(torn), Some((_, bytes))) => {
                torn.bytes == self.length && torn.hash == Digest::of(bytes)
            }
            (Some(_), None) => false,
        }
    }
}

/// What a walk over the files meets.
#[derive(Debug)]
pub(super) enum Met {
    /// A line whose own hash is right.
    Line {
        /// It.
        sealed: Box<Sealed>,
        /// Its bytes, without the line feed.
        text: Vec<u8>,
        /// Where it begins in its file.
        offset: u64,
        /// Whether its line feed is there: missing only at the end of a file.
        ended: bool,
        /// What stands between the line before and this one.
        gap: Gap,
    },
    /// The end of a file.
    End {
        /// What stands between the last line and the end.
        gap: Gap,
    },
}

/// A walk over one file.
pub(super) struct Walk {
    reader: BufReader<File>,
    offset: u64,
    gap: Gap,
    ended: bool,
}

impl Walk {
    pub(super) fn over(file: File) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, file);
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self { reader, offset: 0, gap: Gap::default(), ended: false })
    }

    /// From the first line on that begins at this place or after it.
    pub(super) fn from(file: File, start: u64) -> io::Result<Self> {
        let mut walk = Self::over(file)?;
        let Some(before) = start.checked_sub(1) else { return Ok(walk) };
        walk.reader.seek(SeekFrom::Start(before))?;
        let mut cut = Vec::new();
        (&mut walk.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut cut)?;
        walk.offset = before.saturating_add(u64::try_from(cut.len()).unwrap_or(u64::MAX));
        Ok(walk)
    }

    /// The next line or the end; `None` after the end.
    pub(super) fn step(&mut self) -> io::Result<Option<Met>> {
        while !self.ended {
            let mut text = Vec::new();
            (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
            if text.is_empty() {
                self.ended = true;
                return Ok(Some(Met::End { gap: std::mem::take(&mut self.gap) }));
            }
            let offset = self.offset;
            self.offset += u64::try_from(text.len()).unwrap_or(u64::MAX);
            let ended = text.last() == Some(&b'\n');
            let line = text.strip_suffix(b"\n").unwrap_or(&text);
            if let Some(sealed) = unseal(line).map(Box::new) {
                let gap = std::mem::take(&mut self.gap);
                if ended {
                    text.pop();
                }
                return Ok(Some(Met::Line { sealed, text, offset, ended, gap }));
            }
            self.gap.push(offset, &text);
        }
        Ok(None)
    }
}
