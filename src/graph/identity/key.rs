//! The key file of an Azure Arc challenge.
//!
//! Input: the header of the agent's 401, the folder of its keys. Output: the header that shows the
//! key. Whoever listens in the agent's place could name any file of this machine and be shown it:
//! only a small file directly in the agent's folder is read, as MSAL does it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path};

use reqwest::header::HeaderValue;
use secrecy::SecretString;
use secrecy::zeroize::Zeroize as _;

use crate::graph::GraphError;
use crate::graph::token::shown_as;

/// The largest key that is shown; MSAL's own limit.
const KEY_BYTES_MAX: u64 = 4096;
/// The longest part of a foreign path that is repeated, characters.
const PATH_MAX: usize = 120;

/// The header that shows the key which the challenge names.
pub(super) fn shown(challenge: Option<&str>, folder: &Path) -> Result<HeaderValue, GraphError> {
    let named = challenge.and_then(realm).ok_or_else(|| {
        refused(
            "the Azure Arc agent asks for a key and names no file (WWW-Authenticate: Basic \
             realm=FILE); does another program listen at its address?"
                .to_owned(),
        )
    })?;
    let path = Path::new(named);
    let plain: String = named.chars().filter(|c| !c.is_control()).take(PATH_MAX).collect();
    if !lies_in(path, folder) {
        return Err(refused(format!(
            "the key file {plain} lies outside {} and is not read; does another program listen \
             in the place of the Azure Arc agent?",
            folder.display()
        )));
    }
    let key = read(path).map_err(|problem| GraphError::Configuration {
        setting: format!("the key file {plain} of the Azure Arc agent"),
        problem,
    })?;
    shown_as("Basic", &key)
        .ok_or_else(|| refused(format!("the key file {plain} holds no key in one line")))
}

/// The file of `Basic realm=FILE`, with or without quotes.
fn realm(challenge: &str) -> Option<&str> {
    let (scheme, rest) = challenge.trim().split_once(' ')?;
    let (name, value) = rest.trim().split_once('=')?;
    let basic = scheme.eq_ignore_ascii_case("Basic") && name.trim().eq_ignore_ascii_case("realm");
    let value = value.trim().trim_matches('"');
    (basic && !value.is_empty()).then_some(value)
}

/// Whether it is a file with the ending `key` directly in the folder, without any detour.
fn lies_in(path: &Path, folder: &Path) -> bool {
    path.is_absolute()
        && path.parent() == Some(folder)
        && path.extension().is_some_and(|ending| ending == "key")
        && path.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir))
}

fn read(path: &Path) -> Result<SecretString, String> {
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::PermissionDenied {
            "this account may not read it; add the account to the group himds (usermod --append \
             --groups himds ACCOUNT) and start writeback again"
                .to_owned()
        } else {
            error.to_string()
        }
    };
    let seen = fs::symlink_metadata(path).map_err(unreadable)?;
    if !seen.is_file() {
        return Err("it is no regular file and is not read".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable);
    let key = read.and_then(|_| key_of(&bytes));
    bytes.zeroize();
    key
}

fn key_of(bytes: &[u8]) -> Result<SecretString, String> {
    if bytes.len() as u64 > KEY_BYTES_MAX {
        return Err(format!("it is larger than {KEY_BYTES_MAX} bytes and is not shown"));
    }
    match str::from_utf8(bytes).map(str::trim) {
        Err(_) => Err("it is not UTF-8 text and is not shown".to_owned()),
        Ok("") => Err("it is empty".to_owned()),
        Ok(key) => Ok(SecretString::from(key)),
    }
}

fn refused(advice: String) -> GraphError {
    GraphError::Refused { code: None, advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_directly_in_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a.key");
        fs::write(&inside, "the-key\n").unwrap();
        let outside = tempfile::tempdir().unwrap();
        let elsewhere = outside.path().join("a.key");
        fs::write(&elsewhere, "s3cret").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("link.key")).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("large.key"), "x".repeat(4097)).unwrap();
        fs::write(folder.path().join("whole.key"), "x".repeat(4096)).unwrap();
        fs::write(folder.path().join("empty.key"), "\n").unwrap();
        fs::write(folder.path().join("lines.key"), "a\nb").unwrap();
        fs::write(folder.path().join("binary.key"), b"s3cret\xFF").unwrap();
        let shown = |path: &str| {
            let challenge = format!("Basic realm={path}");
            let header = super::shown(Some(&challenge), folder.path());
            header.map(|one| one.to_str().unwrap().to_owned()).map_err(|why| why.to_string())
        };
        let at = |name: &str| format!("{}/{name}", folder.path().display());
        assert_eq!(shown(&at("a.key")).unwrap(), "Basic the-key");
        assert!(shown(&at("whole.key")).is_ok());
        for (path, why) in [
            (elsewhere.display().to_string(), "outside"),
            (at("../a.key"), "outside"),
            (at("sub/../a.key"), "outside"),
            (at("./../../etc/x.key"), "outside"),
            (at("a.txt"), "outside"),
            ("a.key".to_owned(), "outside"),
            (at("link.key"), "no regular file"),
            (at("large.key"), "larger than 4096 bytes"),
            (at("empty.key"), "it is empty"),
            (at("binary.key"), "not UTF-8 text"),
            (at("lines.key"), "no key in one line"),
            (at("none.key"), "No such file"),
        ] {
            let told = shown(&path).unwrap_err();
            assert!(told.contains(why) && !told.contains("s3cret"), "{path}: {told}");
        }
    }

    #[test]
    fn neither_the_key_nor_its_header_prints_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.key");
        fs::write(&file, "s3cret\n").unwrap();
        let challenge = format!("Basic realm={}", file.display());
        let header = super::shown(Some(&challenge), folder.path()).unwrap();
        let told = format!("{:?} {header:?}", read(&file).unwrap());
        assert!(!told.contains("s3cret"), "{told}");
    }

    #[test]
    fn a_challenge_names_its_file_in_one_form() {
        assert_eq!(realm("Basic realm=/a/b.key"), Some("/a/b.key"));
        assert_eq!(realm(" basic Realm=\"/a/b.key\" "), Some("/a/b.key"));
        for wrong in ["", "Basic", "Basic realm=", "Bearer realm=/a", "Basic file=/a"] {
            assert_eq!(realm(wrong), None, "{wrong}");
        }
    }
}
