//! A gate between the product and its directory: it lets requests through until the product has
//! announced so many operations, and holds back what comes then. What is done to a process in the
//! middle of its work cannot come too late so, however slow whoever does it is.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::product::Product;

/// The gate before a product's directory.
pub(crate) struct Gate {
    /// So many operations are announced when it shuts.
    until: Arc<AtomicUsize>,
    journal: PathBuf,
}

impl Gate {
    /// Puts a gate before the directory of this address (`ldaps://…`), which shuts when the journal
    /// of the product has so many intents.
    pub(crate) fn new(product: &Product, url: &str, until: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // A name that is in the certificate of every directory of the tests.
        product.reconfigure(&format!("'{url}'"), &format!("'ldaps://localhost:{port}'"));
        let behind = url.strip_prefix("ldaps://").unwrap().to_owned();
        let journal = product.path().join("state").join(writeback::journal::FILE_NAME);
        let gate = Self { until: Arc::new(AtomicUsize::new(until)), journal };
        let (until, journal) = (Arc::clone(&gate.until), gate.journal.clone());
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let far = TcpStream::connect(&behind).unwrap();
                let (back, front) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                let (until, journal) = (Arc::clone(&until), journal.clone());
                std::thread::spawn(move || {
                    carry(near, far, |near| {
                        let mut waited = false;
                        while intents(&journal) >= until.load(Ordering::SeqCst) {
                            waited = true;
                            std::thread::park_timeout(Duration::from_millis(5));
                        }
                        !waited || is_there(near)
                    });
                });
                std::thread::spawn(move || carry(back, front, |_| true));
            }
        });
        gate
    }

    /// How many operations are announced.
    pub(crate) fn intents(&self) -> usize {
        intents(&self.journal)
    }

    /// Whether it has shut.
    pub(crate) fn is_shut(&self) -> bool {
        self.intents() >= self.until.load(Ordering::SeqCst)
    }

    /// Lets so many operations more be announced before it shuts again.
    pub(crate) fn open_for(&self, more: usize) {
        self.until.fetch_add(more, Ordering::SeqCst);
    }

    /// It shuts no more.
    pub(crate) fn open(&self) {
        self.until.store(usize::MAX, Ordering::SeqCst);
    }
}

/// How many operations a journal announces; none before there is one.
fn intents(journal: &Path) -> usize {
    let text = fs::read(journal).unwrap_or_default();
    let word = b"\"kind\":\"intent\"";
    text.windows(word.len()).filter(|window| window == word).count()
}

/// Whether whoever sent something still waits for the answer: what a killed process asked for in
/// front of a shut gate is not done when it opens.
fn is_there(near: &TcpStream) -> bool {
    near.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let there = match near.peek(&mut [0]) {
        Ok(count) => count > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    near.set_read_timeout(None).unwrap();
    there
}

/// Carries what comes, as long as it may, until one of the ends is gone.
fn carry(mut from: TcpStream, mut to: TcpStream, may: impl Fn(&TcpStream) -> bool) {
    to.set_nodelay(true).unwrap();
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !may(&from) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    let _gone = to.shutdown(Shutdown::Both);
}
