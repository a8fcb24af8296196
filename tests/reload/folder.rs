//! Folders as people and their tools keep them. Every version of a folder has the same files, each
//! with one policy whose precedence is the number of the version.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Files of one version.
pub const FILES: usize = 12;

/// A place for folders; it goes with this.
pub struct Ground(TempDir);

impl Ground {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// A folder in it, made.
    pub fn folder(&self, path: &str) -> PathBuf {
        fs::create_dir_all(self.at(path)).unwrap();
        self.at(path)
    }
}

/// The text of one file of a version.
pub fn text(file: usize, version: u32) -> String {
    format!(
        "apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: {{ name: policy-{file} }}
spec:
  mode: Sync
  precedence: {version}
  group:
    container: {{ value: 'OU=Groups,DC=corp,DC=example', mode: Always }}
    commonName: {{ preset: GroupId }}
    samAccountName: {{ preset: GroupId }}
"
    )
}

/// Writes a version into a folder, file by file, in place.
pub fn write(folder: &Path, version: u32) {
    for file in 0..FILES {
        fs::write(folder.join(format!("{file}.yaml")), text(file, version)).unwrap();
    }
}

/// Puts a version into a folder as `git pull` does: each file is written anew and renamed over the
/// old one.
pub fn pull(folder: &Path, version: u32) {
    for file in 0..FILES {
        let new = folder.join(format!(".{file}.new"));
        fs::write(&new, text(file, version)).unwrap();
        fs::rename(new, folder.join(format!("{file}.yaml"))).unwrap();
    }
}

/// Publishes a version of a ConfigMap volume (kubernetes/pkg/volume/util/atomic_writer.go): a new
/// folder, a new link beside `..data`, one rename; the old folder goes.
pub fn publish_config_map(mount: &Path, version: u32) {
    let folder = format!("..2026_11_22_10_00_{version:02}.123456");
    fs::create_dir_all(mount.join(&folder)).unwrap();
    write(&mount.join(&folder), version);
    let old = fs::read_link(mount.join("..data")).ok();
    symlink(&folder, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    for file in (0..FILES).map(|file| format!("{file}.yaml")) {
        if fs::symlink_metadata(mount.join(&file)).is_err() {
            symlink(Path::new("..data").join(&file), mount.join(&file)).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(mount.join(old)).unwrap();
    }
}

/// The name that git-sync gives to the work tree of a version: the hash of its commit.
pub fn commit(version: u32) -> String {
    format!("{version:08x}{}", "c0ffee00".repeat(4))
}

/// Publishes a version as git-sync does: a work tree named by its commit, with the policies in a
/// folder of it, and one link that is renamed over the old one; the old work tree goes.
pub fn publish_commit(root: &Path, version: u32) {
    let tree = format!(".worktrees/{}", commit(version));
    fs::create_dir_all(root.join(&tree).join("policies")).unwrap();
    write(&root.join(&tree).join("policies"), version);
    let old = fs::read_link(root.join("current")).ok();
    symlink(&tree, root.join("next")).unwrap();
    fs::rename(root.join("next"), root.join("current")).unwrap();
    if let Some(old) = old {
        fs::remove_dir_all(root.join(old)).unwrap();
    }
}
