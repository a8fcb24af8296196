//! When a load happens: after the writer rests, and never of two generations.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use writeback::controller::triggers::Rhythm;
use writeback::report::events::Via;

use crate::folder::{FILES, Ground, commit, publish_commit, publish_config_map, text, write};
use crate::look::{Eyes, NO_POLL};

/// Between two files of a slow checkout.
const PACE: Duration = Duration::from_millis(350);
/// When the folder is read: so long after the last event that no busy machine makes a pause of a
/// writer, and before all of a slow checkout is there, counted from the first one.
const PATIENT: Rhythm =
    Rhythm { poll: NO_POLL, gather: Duration::from_secs(4), gather_max: Duration::from_mins(1) };

/// Writes a version file by file, slowly.
fn check_out_slowly(folder: &Path, version: u32) {
    for file in 0..FILES {
        fs::write(folder.join(format!("{file}.yaml")), text(file, version)).unwrap();
        thread::park_timeout(PACE);
    }
}

#[test]
fn a_slow_checkout_is_read_once_when_it_is_done() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    let mut eyes = Eyes::at(&folder, PATIENT);
    assert!(PACE * u32::try_from(FILES).unwrap() > PATIENT.gather);
    for version in 1..=3 {
        thread::scope(|threads| {
            threads.spawn(|| check_out_slowly(&folder, version));
            assert_eq!(eyes.due(), Via::Event);
            eyes.load();
            assert_eq!(eyes.versions(), BTreeSet::from([version]));
        });
    }
}

#[test]
fn a_pass_that_begins_in_the_middle_of_a_checkout_waits_for_its_end() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    let mut eyes = Eyes::at(&folder, PATIENT);
    assert!(!eyes.settle(), "a folder that rests is waited for");
    thread::scope(|threads| {
        threads.spawn(|| check_out_slowly(&folder, 1));
        // The pass begins once something was written, and that was told.
        while !eyes.settle() {
            thread::yield_now();
        }
        eyes.load();
        assert_eq!(eyes.versions(), BTreeSet::from([1]));
    });
    assert!(!eyes.settle(), "nothing came since");
}

#[test]
fn a_writer_that_never_rests_is_not_waited_for_without_end() {
    let ground = Ground::new();
    let folder = ground.folder("policies");
    write(&folder, 0);
    let rhythm = Rhythm { gather_max: PATIENT.gather * 2, ..PATIENT };
    let mut eyes = Eyes::at(&folder, rhythm);
    let begun = Instant::now();
    let read = AtomicBool::new(false);
    thread::scope(|threads| {
        let _ended = Ended(&read);
        threads.spawn(|| {
            while !read.load(Ordering::Relaxed) {
                fs::write(folder.join("notes.txt"), "again").unwrap();
                thread::park_timeout(Duration::from_millis(20));
            }
        });
        assert_eq!(eyes.due(), Via::Event);
        assert!(begun.elapsed() >= rhythm.gather_max, "{:?}", begun.elapsed());
    });
}

/// Ends what waits for it, also where the test fails.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Publishes versions as fast as it can while the folder is loaded again and again: no load has
/// files of two of them.
fn never_mixed(
    folder: &Path,
    publish: impl Fn(u32) + Sync,
    revision: impl Fn(u32) -> Option<String>,
) {
    publish(0);
    let mut eyes = Eyes::on(folder, NO_POLL);
    let mut seen = BTreeSet::new();
    thread::scope(|threads| {
        let writer = threads.spawn(|| (1..80).for_each(&publish));
        loop {
            let is_last = writer.is_finished();
            let load = eyes.load();
            // One that never rested while it was read tells nothing: all stays as it was.
            let versions = eyes.versions();
            assert_eq!(versions.len(), 1, "one load has the generations {versions:?}");
            assert_eq!(eyes.count(), FILES);
            let version = *versions.first().unwrap();
            if load.folder_error.is_none() && load.mistakes.is_empty() {
                assert_eq!(load.revision, revision(version), "of another generation");
            }
            seen.insert(version);
            if is_last {
                break;
            }
        }
    });
    assert!(seen.contains(&79), "{seen:?}");
}

#[test]
fn a_load_in_the_middle_of_swaps_of_a_config_map_never_mixes_two() {
    let ground = Ground::new();
    let mount = ground.folder("mount");
    never_mixed(&mount, |version| publish_config_map(&mount, version), |_| None);
}

#[test]
fn a_load_in_the_middle_of_swaps_of_git_sync_never_mixes_two() {
    let ground = Ground::new();
    let root = ground.folder("git");
    let folder = root.join("current/policies");
    never_mixed(&folder, |version| publish_commit(&root, version), |version| Some(commit(version)));
}
