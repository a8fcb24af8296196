//! State and journal put back together, from one backup: they agree with each other, and nobody
//! knows what was removed since. Also where they were moved on purpose.

use std::fs;
use std::path::{Path, PathBuf};

use crate::admin::a_day_later;
use crate::stage::Stage;

/// What whoever starts is told.
const TOLD: &str = "put back from a backup, or moved here";

fn state(stage: &Stage) -> PathBuf {
    stage.product.path().join("state")
}

/// Copies the state and the journal, each over the file of that name where there is one.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// A written domain, a backup of the books, and what was removed since.
fn backed_up() -> (Stage, PathBuf) {
    let stage = Stage::written();
    a_day_later(&stage.product);
    let backup = stage.product.path().join("backup");
    copy(&state(&stage), &backup);
    stage.take_out("Engineering", &["Grace Hopper"]);
    let ran = stage.product.run(&["apply"]).expect(0);
    assert!(!ran.stderr.contains(TOLD), "{}", ran.stderr);
    assert_eq!(stage.removals(), (1, 0));
    (stage, backup)
}

/// A removal waits, and whoever comes does not, until a person lets it go.
#[track_caller]
fn removals_wait(stage: &Stage) {
    stage.take_out("Finance", &["Ada Lovelace"]);
    stage.put_in("Board", &["Alan Turing"]);
    let ran = stage.product.run(&["apply"]).expect(3);
    assert!(ran.stderr.contains(TOLD), "{}", ran.stderr);
    assert!(ran.stderr.contains("wait 24 hours or for an approval"), "{}", ran.stderr);
    assert!(ran.stderr.contains("also where it was moved on purpose"), "{}", ran.stderr);
    assert_eq!(stage.removals(), (1, 0), "{}", ran.stdout);
    assert!(stage.held().values().any(|(name, members)| name == "Board" && members.len() == 1));
    // It is the state of this place now; what it does not know it does not know.
    let again = stage.product.run(&["apply"]).expect(3);
    assert!(!again.stderr.contains(TOLD), "{}", again.stderr);
    let digest = again.stdout.lines().find_map(|line| line.strip_prefix("held ")).unwrap();
    assert_eq!(stage.removals(), (1, 0));
    stage.product.run(&["apply", "--approve", digest]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    stage.product.run(&["journal", "verify"]).expect(0);
}

#[test]
fn a_state_and_a_journal_that_are_put_back_over_the_others_let_every_removal_wait() {
    let (stage, backup) = backed_up();
    copy(&backup, &state(&stage));
    removals_wait(&stage);
}

#[test]
fn a_folder_that_is_put_back_as_a_whole_lets_every_removal_wait() {
    let (stage, backup) = backed_up();
    fs::remove_dir_all(state(&stage)).unwrap();
    copy(&backup, &state(&stage));
    removals_wait(&stage);
}

#[test]
fn a_folder_that_is_moved_on_purpose_is_told_and_lets_every_removal_wait() {
    let (stage, _) = backed_up();
    // The last state there is, on another disk.
    let elsewhere = stage.product.path().join("elsewhere");
    copy(&state(&stage), &elsewhere);
    stage.product.reconfigure("state: { path: state }", "state: { path: elsewhere }");
    // Looking changes nothing, and tells nothing.
    let look = stage.product.run(&["plan"]).expect(0);
    assert!(!look.stderr.contains(TOLD), "{}", look.stderr);
    let ran = stage.product.run(&["apply"]).expect(0);
    assert!(ran.stderr.contains(TOLD), "{}", ran.stderr);
    let status = stage.product.run(&["status"]).expect(0).stdout;
    assert!(status.contains("all removals wait until "), "{status}");
    stage.take_out("Finance", &["Ada Lovelace"]);
    stage.product.run(&["apply"]).expect(3);
    assert_eq!(stage.removals(), (1, 0));
}

#[test]
fn a_folder_that_only_gets_another_name_is_no_copy() {
    let (stage, _) = backed_up();
    fs::rename(state(&stage), stage.product.path().join("renamed")).unwrap();
    stage.product.reconfigure("state: { path: state }", "state: { path: renamed }");
    stage.take_out("Finance", &["Ada Lovelace"]);
    let ran = stage.product.run(&["apply"]).expect(0);
    assert!(!ran.stderr.contains(TOLD), "{}", ran.stderr);
    assert_eq!(stage.held(), stage.wanted());
}
