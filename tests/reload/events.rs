//! What events tell: each case without any poll.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use writeback::policy::FolderError;
use writeback::report::events::Via;

use crate::folder::{Ground, commit, publish_commit, publish_config_map, pull, text, write};
use crate::look::{Eyes, NO_POLL};

/// Three changes of a folder that holds version 0, each of which is seen by an event.
#[track_caller]
fn three_are_seen(folder: &Path, mut change: impl FnMut(u32)) {
    let mut eyes = Eyes::on(folder, NO_POLL);
    assert_eq!(eyes.versions(), BTreeSet::from([0]));
    assert!(eyes.triggers.hears());
    for version in 1..=3 {
        change(version);
        assert_eq!(eyes.sees_version(version), Via::Event, "version {version}");
        assert_eq!(eyes.last_good(), 0);
    }
}

#[test]
fn three_swaps_of_a_config_map() {
    let ground = Ground::new();
    let mount = ground.folder("mount");
    publish_config_map(&mount, 0);
    three_are_seen(&mount, |version| publish_config_map(&mount, version));
}

#[test]
fn three_swaps_of_a_config_map_behind_a_link() {
    let ground = Ground::new();
    let mount = ground.folder("volumes/mount");
    publish_config_map(&mount, 0);
    symlink("volumes/mount", ground.at("policies")).unwrap();
    three_are_seen(&ground.at("policies"), |version| publish_config_map(&mount, version));
}

#[test]
fn three_swaps_of_a_git_sync_link_above_the_folder() {
    let ground = Ground::new();
    let root = ground.folder("git");
    publish_commit(&root, 0);
    three_are_seen(&root.join("current/policies"), |version| publish_commit(&root, version));
}

#[test]
fn three_swaps_of_a_git_sync_link_behind_a_link() {
    let ground = Ground::new();
    let root = ground.folder("git");
    publish_commit(&root, 0);
    let etc = ground.folder("etc");
    symlink(root.join("current/policies"), etc.join("policies")).unwrap();
    three_are_seen(&etc.join("policies"), |version| publish_commit(&root, version));
}

#[test]
fn three_swaps_of_a_link_that_is_the_folder() {
    let ground = Ground::new();
    let swap = |version: u32| {
        write(&ground.folder(&format!("tree-{version}")), version);
        symlink(format!("tree-{version}"), ground.at("next")).unwrap();
        fs::rename(ground.at("next"), ground.at("policies")).unwrap();
    };
    swap(0);
    three_are_seen(&ground.at("policies"), swap);
}

#[test]
fn three_pulls_in_place() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    pull(&folder, 0);
    three_are_seen(&folder, |version| pull(&folder, version));
}

#[test]
fn three_times_every_file_written_in_place() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    three_are_seen(&folder, |version| write(&folder, version));
}

#[test]
fn three_times_another_folder_of_the_same_name() {
    let ground = Ground::new();
    let folder = ground.folder("checkout/policies");
    write(&folder, 0);
    // Its watch dies with it each time, once with all that it stands in.
    three_are_seen(&folder, |version| {
        let gone = if version == 2 { ground.at("checkout") } else { folder.clone() };
        fs::remove_dir_all(gone).unwrap();
        fs::create_dir_all(&folder).unwrap();
        write(&folder, version);
    });
}

#[test]
fn three_commits_have_the_revision_of_what_was_read() {
    let ground = Ground::new();
    let root = ground.folder("git");
    publish_commit(&root, 0);
    let mut eyes = Eyes::on(&root.join("current/policies"), NO_POLL);
    for version in 1..=3 {
        publish_commit(&root, version);
        let (_, load) = eyes.sees();
        assert_eq!(load.revision, Some(commit(version)));
    }
}

#[test]
fn a_folder_that_goes_and_comes_is_told_both_times() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    let mut eyes = Eyes::on(&folder, NO_POLL);
    let all = eyes.count();
    for round in 1..=3 {
        fs::rename(&folder, ground.at("aside")).unwrap();
        assert_eq!(eyes.due(), Via::Event);
        let load = eyes.load();
        let lost = matches!(load.folder_error, Some(FolderError::Unreadable { .. }));
        assert!(lost, "{:?}", load.folder_error);
        assert_eq!((eyes.count(), eyes.last_good()), (all, all), "round {round}");
        fs::create_dir(&folder).unwrap();
        assert_eq!(eyes.due(), Via::Event);
        let empty = matches!(eyes.load().folder_error, Some(FolderError::Empty { .. }));
        assert!(empty && eyes.last_good() == all, "round {round}");
        fs::remove_dir(&folder).unwrap();
        fs::rename(ground.at("aside"), &folder).unwrap();
        assert_eq!(eyes.due(), Via::Event);
        assert!(eyes.load().folder_error.is_none());
        assert_eq!((eyes.count(), eyes.last_good()), (all, 0), "round {round}");
    }
}

#[test]
fn a_file_that_is_half_written_keeps_its_last_good_version() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    let mut eyes = Eyes::on(&folder, NO_POLL);
    let all = eyes.count();
    for version in 1..=3 {
        let whole = text(0, version);
        let half = whole.get(..whole.find("container").unwrap()).unwrap();
        fs::write(folder.join("0.yaml"), half).unwrap();
        let (_, load) = eyes.sees();
        assert_eq!(load.mistakes.len(), 1, "{:?}", load.mistakes);
        assert_eq!((eyes.count(), eyes.last_good()), (all, 1));
        fs::write(folder.join("0.yaml"), whole).unwrap();
        let (_, load) = eyes.sees();
        assert!(load.mistakes.is_empty(), "{:?}", load.mistakes);
        assert_eq!((eyes.count(), eyes.last_good()), (all, 0));
        assert!(eyes.versions().contains(&version));
    }
}
