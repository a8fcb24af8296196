//! Which commit the policy folder stands at: read from the repository's own files, so that no Git
//! has to be installed beside the daemon.
//!
//! gitrepository-layout(5): `HEAD` names a ref or a commit; a ref is a file below the directory
//! that is shared by all work trees, or a line of `packed-refs`; in a linked work tree `.git` is a
//! file that names the directory.
//!
//! git-sync checks a commit out into a folder that is named after it, and lets a link lead there
//! (kubernetes/git-sync, README, "--link"). The repository behind that work tree is named by a path
//! of the container it runs in, and is often not to be found here: the name says enough.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The longest of these files that is read: 1 MiB holds about 15,000 packed refs.
const BYTES_MAX: u64 = 1 << 20;
/// How many folders up the repository is looked for.
const DEPTH_MAX: usize = 16;

/// The commit that is checked out around `folder`; `None` outside a repository, and where its
/// files cannot be read.
pub(super) fn revision(folder: &Path) -> Option<String> {
    // Links as git-sync makes them are followed first: the commit is that of the linked tree.
    let folder = fs::canonicalize(folder).ok()?;
    folder.ancestors().take(DEPTH_MAX).find_map(|folder| {
        let repository = git_directory(folder);
        let is_root = repository.is_some();
        let named = || folder.file_name()?.to_str().and_then(commit);
        match repository.and_then(|repository| checked_out(&repository)).or_else(named) {
            // The root of a work tree says all there is to say: what lies above is another story.
            None if is_root => Some(None),
            None => None,
            found => Some(found),
        }
    })?
}

/// The commit that a repository, or a work tree of it, has checked out.
fn checked_out(repository: &Path) -> Option<String> {
    let head = read(&repository.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ").map(str::trim) else { return commit(&head) };
    let shared = read(&repository.join("commondir"))
        .map_or_else(|| repository.to_owned(), |common| repository.join(common.trim()));
    let loose = read(&shared.join(name)).and_then(|text| commit(&text));
    loose.or_else(|| {
        let packed = read(&shared.join("packed-refs"))?;
        let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(_, known)| *known == name).and_then(|(hash, _)| commit(hash))
    })
}

fn git_directory(folder: &Path) -> Option<PathBuf> {
    let here = folder.join(".git");
    if here.is_dir() {
        return Some(here);
    }
    let text = read(&here)?;
    Some(folder.join(text.strip_prefix("gitdir: ")?.trim()))
}

/// Only regular files, and no more of them than the limit: opening a pipe would wait for a writer
/// without end, and what a link to a device leads to has none.
fn read(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    let is_small = u64::try_from(text.len()).is_ok_and(|bytes| bytes <= BYTES_MAX);
    is_small.then_some(text)
}

/// A commit's hash: 40 or 64 hexadecimal digits.
fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef01234567";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/policies")).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn told(files: &[(&str, &str)]) -> Option<String> {
        revision(&tree(files).path().join("config/policies"))
    }

    #[test]
    fn the_commit_is_read_from_loose_and_packed_refs_and_from_a_detached_head() {
        let head = (".git/HEAD", "ref: refs/heads/main\n");
        let loose = (".git/refs/heads/main", "0123456789abcdef0123456789abcdef01234567\n");
        assert_eq!(told(&[head, loose]).as_deref(), Some(ONE));
        let packed = "# pack-refs with: peeled\n0123456789abcdef0123456789abcdef01234567 \
                      refs/heads/main\n";
        assert_eq!(told(&[head, (".git/packed-refs", packed)]).as_deref(), Some(ONE));
        assert_eq!(told(&[(".git/HEAD", ONE)]).as_deref(), Some(ONE));
    }

    #[test]
    fn a_linked_work_tree_leads_to_the_refs_of_its_repository() {
        let files = [
            (".git", "gitdir: store/worktrees/one\n"),
            ("store/worktrees/one/HEAD", "ref: refs/heads/main\n"),
            ("store/worktrees/one/commondir", "../..\n"),
            ("store/refs/heads/main", ONE),
        ];
        assert_eq!(told(&files).as_deref(), Some(ONE));
    }

    #[test]
    fn the_folder_that_git_sync_names_after_a_commit_tells_it() {
        let synced = |git: Option<&str>| {
            let tree = tree(&[(".git/HEAD", "0123456789abcdef0123456789abcdef00000000\n")]);
            let work_tree = tree.path().join(".worktrees").join(ONE);
            fs::create_dir_all(work_tree.join("policies")).unwrap();
            if let Some(text) = git {
                fs::write(work_tree.join(".git"), text).unwrap();
            }
            std::os::unix::fs::symlink(&work_tree, tree.path().join("current")).unwrap();
            revision(&tree.path().join("current/policies"))
        };
        assert_eq!(synced(None).as_deref(), Some(ONE));
        // A path of another container.
        assert_eq!(synced(Some("gitdir: /nowhere/.git/worktrees/one\n")).as_deref(), Some(ONE));
    }

    #[test]
    fn a_work_tree_without_its_repository_is_not_taken_for_the_one_above() {
        let files = [(".git/HEAD", ONE), ("config/.git", "gitdir: /nowhere/.git\n")];
        assert_eq!(told(&files), None);
    }

    /// What `revision` says of the folder, as long as it says anything within a while.
    fn told_in_time(tree: &tempfile::TempDir) -> Option<String> {
        let folder = tree.path().join("config/policies");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(revision(&folder)));
        told.recv_timeout(std::time::Duration::from_secs(20)).expect("it reads without end")
    }

    #[test]
    fn a_pipe_or_a_device_in_the_place_of_a_file_holds_nobody_up() {
        for name in [".git", "config/.git", ".git/HEAD", ".git/refs/heads/main"] {
            let tree = tree(&[]);
            let place = tree.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            if name.starts_with(".git/refs") {
                fs::write(tree.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
            }
            let made = std::process::Command::new("mkfifo").arg(&place).status().unwrap();
            assert!(made.success());
            assert_eq!(told_in_time(&tree), None, "{name}");
            fs::remove_file(&place).unwrap();
            std::os::unix::fs::symlink("/dev/zero", &place).unwrap();
            assert_eq!(told_in_time(&tree), None, "{name}");
        }
    }

    #[test]
    fn a_file_longer_than_such_files_are_is_not_read() {
        let long = format!("{ONE}\n").repeat(30_000);
        assert_eq!(told(&[(".git/HEAD", &long)]), None);
    }

    #[test]
    fn a_folder_outside_a_repository_has_no_revision() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[(".git/HEAD", "ref: refs/heads/none\n")]), None);
        assert_eq!(told(&[(".git/HEAD", "nonsense")]), None);
    }
}
