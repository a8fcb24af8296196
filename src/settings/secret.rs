//! Secrets, by file only.
//!
//! Input: the path of a file that the configuration names. Output: its text, which neither
//! `Debug` nor any message shows. Read again each time: a renewed secret needs no restart.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use secrecy::zeroize::Zeroize as _;

/// The largest secret file: a private key with its chain is below 16 KiB.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret cannot be had; each names the file, none its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is missing, is no file, or may not be read.
    #[error("read the secret file {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it. An empty password would turn a bind into an unauthenticated one
    /// that many servers answer with success (RFC 4513 5.1.2).
    #[error("use the secret file {path}: it is empty")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// It cannot be a secret.
    #[error("use the secret file {path}: it is larger than 64 KiB")]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// It is not text.
    #[error("use the secret file {path}: it is not UTF-8 text")]
    NotText {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads a secret and takes one line end off its end.
pub fn read_secret(path: &Path) -> Result<SecretString, SecretError> {
    let path = path.to_owned();
    let mut bytes = Vec::new();
    let limit = SECRET_BYTES_MAX.saturating_add(1);
    let read = File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    let outcome = match read {
        Err(source) => Err(SecretError::Unreadable { path, source }),
        Ok(count) if u64::try_from(count).is_ok_and(|count| count > SECRET_BYTES_MAX) => {
            Err(SecretError::TooLarge { path })
        }
        Ok(_) => match str::from_utf8(&bytes) {
            Err(_) => Err(SecretError::NotText { path }),
            Ok(text) => match without_line_end(text) {
                "" => Err(SecretError::Empty { path }),
                secret => Ok(SecretString::from(secret)),
            },
        },
    };
    bytes.zeroize();
    outcome
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(content: &[u8]) -> Result<SecretString, SecretError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client-secret");
        fs::write(&path, content).unwrap();
        read_secret(&path)
    }

    #[test]
    fn one_line_end_is_no_part_of_a_secret() {
        let cases: [(&[u8], &str); 5] = [
            (b"s3cret", "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b" s3cret \n\n", " s3cret \n"),
            (b"\xC3\xA9", "é"),
        ];
        for (content, secret) in cases {
            assert_eq!(read(content).unwrap().expose_secret(), secret);
        }
    }

    #[test]
    fn what_can_be_no_secret_is_refused_with_the_file_and_without_the_content() {
        let large = vec![b'x'; 64 * 1024 + 1];
        let cases: [(&[u8], &str); 5] = [
            (b"", "it is empty"),
            (b"\n", "it is empty"),
            (b"\r\n", "it is empty"),
            (&large, "it is larger than 64 KiB"),
            (b"hidden\xFF", "it is not UTF-8 text"),
        ];
        for (content, reason) in cases {
            let error = read(content).unwrap_err().to_string();
            assert!(error.ends_with(reason), "{error}");
            assert!(error.contains("client-secret"), "{error}");
            assert!(!error.contains("hidden"), "{error}");
        }
        assert!(read(&vec![b'x'; 64 * 1024]).is_ok());
    }

    #[test]
    fn a_missing_file_and_a_folder_are_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("none"), folder.path().to_owned()] {
            let error = read_secret(&path).unwrap_err();
            assert!(
                matches!(&error, SecretError::Unreadable { path: named, .. } if *named == path)
            );
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", read(b"s3cret")).contains("s3cret"));
    }
}
