//! What no event tells: only the poll beside the events sees it.

use std::fs;
use std::time::Duration;

use writeback::report::events::Via;

use crate::folder::{FILES, Ground, write};
use crate::look::Eyes;

#[test]
fn three_changes_without_any_event_are_found_by_the_poll() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    // The files have a second name each. What is written through it changes them, and events go to
    // watchers of the other folder: as with a subPath mount, and with most network file systems.
    let elsewhere = ground.folder("elsewhere");
    for file in (0..FILES).map(|file| format!("{file}.yaml")) {
        fs::hard_link(folder.join(&file), elsewhere.join(&file)).unwrap();
    }
    let mut eyes = Eyes::on(&folder, Duration::from_millis(700));
    for version in 1..=3 {
        write(&elsewhere, version);
        assert_eq!(eyes.sees_version(version), Via::Poll, "version {version}");
    }
    assert!(eyes.triggers.hears(), "a missed event is no reason to expect none");
}

#[test]
fn a_folder_that_comes_into_being_is_seen_wherever_its_way_ended() {
    let ground = Ground::new();
    let folder = ground.at("one/two/policies");
    let mut eyes = Eyes::on(&folder, crate::look::NO_POLL);
    assert_eq!(eyes.count(), 0);
    fs::create_dir_all(&folder).unwrap();
    write(&folder, 1);
    assert_eq!(eyes.sees_version(1), Via::Event);
}
