//! Watches the files of credentials: tells when each of them ends, and when one was renewed.
//!
//! Input: the settings. Output: `Event::CredentialSeen` for every credential when it is first read
//! and when it has changed, and a digest of all files for the loop that waits for renewed ones.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::controller::now;
use crate::model::Digest;
use crate::report::Report;
use crate::report::events::Event;
use crate::settings::{Settings, read_secret};

/// What was told of credentials so far.
#[derive(Debug, Default)]
pub struct Credentials {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    files: Option<Digest>,
    ends: BTreeMap<&'static str, Option<Timestamp>>,
}

impl Credentials {
    /// Looks at the files, tells what is new of them, and gives a digest of all of them.
    pub fn look(&self, settings: &Settings, report: &Report) -> Digest {
        let files = digest(settings);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.files == Some(files) {
            return files;
        }
        told.files = Some(files);
        for seen in settings.read_credentials(now()) {
            let (credential, expires) = (seen.credential.word, seen.expires);
            if told.ends.insert(credential, expires) != Some(expires) {
                report.emit(&Event::CredentialSeen { credential, expires });
            }
        }
        files
    }
}

fn digest(settings: &Settings) -> Digest {
    let contents = settings.secret_files().into_iter().map(|file| {
        // A file that cannot be read is a state of its own, and so is its return.
        read_secret(file).map_or(Digest::of(b""), |s| Digest::of(s.expose_secret().as_bytes()))
    });
    let contents: Vec<String> = contents.map(|digest| digest.to_string()).collect();
    Digest::of(contents.concat().as_bytes())
}
