//! A state that was put back or moved: all its files are as they were, and it is told all the same.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use redb::{Database, TableDefinition};
use writeback::model::Memory;
use writeback::state::stamp::FILE_NAME as STAMP_NAME;
use writeback::state::{FILE_NAME, Found, State};

use crate::binding;
use crate::memories::memory;

const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");

/// Puts a memory into the state of a folder.
fn save(folder: &Path, memory: &Memory) {
    State::open(folder, binding()).unwrap().0.save(memory, None, None).unwrap();
}

/// Whether the state of a folder is told to be a copy. It is known in any case.
#[track_caller]
fn is_copy(folder: &Path) -> bool {
    let (_, opened) = State::open(folder, binding()).unwrap();
    assert_eq!(opened.status, Found::Known);
    opened.is_copy
}

/// The folder of a state with one save in it, and a backup of everything in it, made then; one more
/// save came after that.
fn backed_up() -> [tempfile::TempDir; 2] {
    let [folder, backup] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    save(folder.path(), &memory(0, 5));
    copy(folder.path(), backup.path());
    save(folder.path(), &memory(1, 5));
    assert!(!is_copy(folder.path()));
    [folder, backup]
}

/// Copies every file; one that is there is written over, and stays the same file.
fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_backup_that_is_put_back_file_over_file_is_told() {
    let [folder, backup] = backed_up();
    let before = inode(&folder.path().join(FILE_NAME));
    copy(backup.path(), folder.path());
    assert_eq!(inode(&folder.path().join(FILE_NAME)), before, "it is the same file");
    assert!(is_copy(folder.path()));
}

#[test]
fn a_backup_that_is_put_back_as_new_files_is_told() {
    let [folder, backup] = backed_up();
    for file in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    copy(backup.path(), folder.path());
    assert!(is_copy(folder.path()));
}

#[test]
fn a_state_that_is_put_back_without_its_stamp_is_told() {
    let [folder, backup] = backed_up();
    fs::copy(backup.path().join(FILE_NAME), folder.path().join(FILE_NAME)).unwrap();
    assert!(is_copy(folder.path()));
    fs::remove_file(folder.path().join(STAMP_NAME)).unwrap();
    assert!(is_copy(folder.path()));
}

#[test]
fn a_state_that_is_moved_to_another_place_is_told() {
    let [folder, _backup] = backed_up();
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder.path(), elsewhere.path());
    assert!(is_copy(elsewhere.path()));
    assert!(!is_copy(folder.path()));
}

#[test]
fn a_copy_is_told_until_a_save_makes_it_the_state_of_this_place() {
    let [folder, backup] = backed_up();
    copy(backup.path(), folder.path());
    assert!(is_copy(folder.path()));
    assert!(is_copy(folder.path()), "nobody saved what was told");
    // The same memory, so that no other row differs.
    save(folder.path(), &memory(0, 5));
    assert!(!is_copy(folder.path()));
    save(folder.path(), &memory(2, 5));
    assert!(!is_copy(folder.path()));
}

#[test]
fn a_state_that_stands_where_it_was_saved_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    fs::create_dir(&first).unwrap();
    let (_, opened) = State::open(&first, binding()).unwrap();
    assert!(!opened.is_copy, "nothing was saved yet");
    for round in 0..5 {
        save(&first, &memory(round, 5));
        assert!(!is_copy(&first), "round {round}");
    }
    // The same files under another name.
    let second = folder.path().join("second");
    fs::rename(&first, &second).unwrap();
    assert!(!is_copy(&second));
}

#[test]
fn what_takes_the_place_of_a_damaged_or_lost_state_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &memory(0, 5));
    fs::write(folder.path().join(FILE_NAME), "rubbish").unwrap();
    let (mut state, opened) = State::open(folder.path(), binding()).unwrap();
    assert!(matches!(opened.status, Found::Damaged { .. }) && !opened.is_copy, "{opened:?}");
    state.save(&memory(1, 5), None, None).unwrap();
    drop(state);
    assert!(!is_copy(folder.path()));
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    let (_, opened) = State::open(folder.path(), binding()).unwrap();
    assert!(!opened.is_copy, "it is fresh");
    save(folder.path(), &memory(2, 5));
    assert!(!is_copy(folder.path()));
}

#[test]
fn a_state_of_an_earlier_version_gets_its_stamp_and_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &memory(0, 5));
    let database = Database::open(folder.path().join(FILE_NAME)).unwrap();
    let writing = database.begin_write().unwrap();
    assert!(writing.open_table(ABOUT).unwrap().remove("stamps").unwrap().is_some());
    writing.commit().unwrap();
    drop(database);
    fs::remove_file(folder.path().join(STAMP_NAME)).unwrap();
    assert!(!is_copy(folder.path()));
    assert!(!folder.path().join(STAMP_NAME).exists(), "nothing was saved");
    save(folder.path(), &memory(0, 5));
    assert!(folder.path().join(STAMP_NAME).exists());
    assert!(!is_copy(folder.path()));
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder.path(), elsewhere.path());
    assert!(is_copy(elsewhere.path()));
}

#[test]
fn a_reader_of_a_copy_is_not_told_and_changes_nothing() {
    let [folder, backup] = backed_up();
    copy(backup.path(), folder.path());
    let files = || {
        [FILE_NAME, STAMP_NAME].map(|name| {
            let path = folder.path().join(name);
            (inode(&path), fs::read(&path).unwrap())
        })
    };
    let before = files();
    let opened = State::read(folder.path(), &binding()).unwrap().unwrap();
    assert!(!opened.is_copy && opened.memory == memory(0, 5));
    assert!(files() == before);
    assert!(is_copy(folder.path()), "whoever writes is told");
}
