//! What is saved comes back, all of it, and nothing is written twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use writeback::model::Memory;
use writeback::state::image::{self, Image, ImageError};
use writeback::state::{FILE_NAME, Found, JournalHead, Saved, State};

use crate::binding;
use crate::memories::{at, id, memory};

/// Tables of a memory with every field filled: all fields but three, and those three in one.
const TABLES: usize = 24;

#[test]
fn a_memory_with_every_field_filled_comes_back_the_same() {
    let full = memory(3, 800);
    let image = image::image(&full);
    assert_eq!(image.len(), TABLES, "{:?}", image.keys());
    assert!(image.values().all(|rows| !rows.is_empty()));
    assert!(image::memory(&image).unwrap() == full);
    assert_eq!(image::image(&Memory::default()), Image::new());
    assert_eq!(image::memory(&Image::new()).unwrap(), Memory::default());
}

#[test]
fn each_row_of_an_image_is_a_part_of_the_memory() {
    let full = memory(3, 2);
    let image = image::image(&full);
    for (table, rows) in &image {
        for key in rows.keys() {
            let mut less = image.clone();
            less.get_mut(table).unwrap().remove(key);
            assert_ne!(image::memory(&less).unwrap(), full, "row {key} of {table}");
        }
    }
}

#[test]
fn rows_that_do_not_read_are_refused_by_name() {
    let row = |table: &str, key: &str, value: &str| {
        let rows = [(key.to_owned(), value.to_owned())].into();
        image::memory(&[(table.to_owned(), rows)].into())
    };
    let unknown = ImageError::UnknownTable { table: "inventories".to_owned() };
    assert_eq!(row("inventories", "a", "1"), Err(unknown));
    let (id, text) = (id(1).to_string(), "\"00000000-0000-0000-0000-000000000001\"");
    assert!(row("inventory", &id, text).is_ok());
    for (table, key, value) in [
        ("inventory", id.as_str(), "\"x\""),
        ("inventory", id.as_str(), "{"),
        ("inventory", "x", text),
        ("inventory", &id.to_uppercase(), text),
        ("linkless", &id, "false"),
        ("committed", "UPPER", "{\"groups\":1,\"memberships\":1,\"principals\":1}"),
        ("added", &id, "\"2026-01-01T00:00:00Z\""),
        ("held_since", "[]", "\"2026-01-01T00:00:00Z\""),
        ("single", "passages", "1"),
        ("single", "passes", "-1"),
        ("spent", "2026-01-01T00:00:00.000000000Z 000000000", "{}"),
    ] {
        let refused = row(table, key, value).unwrap_err().to_string();
        assert!(refused.contains(table) && refused.contains(key), "{refused}");
    }
}

#[test]
fn what_leaves_the_window_changes_no_other_row() {
    let full = memory(3, 60);
    let before = image::image(&full);
    let mut less = full;
    // The five of the first moment.
    less.spent.drain(..5);
    let after = image::image(&less);
    assert_eq!(before["spent"].len(), after["spent"].len() + 5);
    assert!(after["spent"].iter().all(|(key, value)| before["spent"].get(key) == Some(value)));
}

#[test]
fn what_is_saved_comes_back_with_its_head_status_and_domain() {
    let folder = tempfile::tempdir().unwrap();
    let full = memory(3, 300);
    let head = JournalHead { sequence: 812, hash: "ab".repeat(32) };
    let (mut state, opened) = State::open(folder.path(), binding()).unwrap();
    assert_eq!(opened.status, Found::Fresh { lost: false });
    assert_eq!(opened.memory, Memory::default());
    state.bind_domain("DC=corp,DC=example").unwrap();
    state.save(&full, Some(&head), Some("{\"state\":1}")).unwrap();
    drop(state);
    for _ in 0..2 {
        let (_, opened) = State::open(folder.path(), binding()).unwrap();
        assert_eq!(opened.status, Found::Known);
        assert!(opened.memory == full);
        assert_eq!(opened.journal_head, Some(head.clone()));
        assert_eq!(opened.status_document.as_deref(), Some("{\"state\":1}"));
        assert_eq!(opened.domain.as_deref(), Some("DC=corp,DC=example"));
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn only_rows_that_differ_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, _) = State::open(folder.path(), binding()).unwrap();
    let mut memory = memory(3, 50);
    state.save(&memory, None, Some("{}")).unwrap();
    assert_eq!(state.save(&memory, None, Some("{}")).unwrap(), Saved::Unchanged);
    assert_eq!(state.save(&memory, None, None).unwrap(), Saved::Unchanged);
    memory.passes += 1;
    memory.inventory.pop_first();
    memory.absent_since.insert(id(77_777), at(1));
    assert_eq!(state.save(&memory, None, None).unwrap(), Saved::Written { rows: 3 });
    let head = JournalHead { sequence: 1, hash: "h".to_owned() };
    assert_eq!(state.save(&memory, Some(&head), None).unwrap(), Saved::Written { rows: 1 });
    assert_eq!(state.save(&memory, None, Some("{1}")).unwrap(), Saved::Written { rows: 1 });
    drop(state);
    let (mut state, opened) = State::open(folder.path(), binding()).unwrap();
    assert_eq!(opened.memory, memory);
    assert_eq!(opened.status_document.as_deref(), Some("{1}"));
    assert_eq!(state.save(&opened.memory, Some(&head), Some("{1}")).unwrap(), Saved::Unchanged);
    state.save(&Memory::default(), None, None).unwrap();
    drop(state);
    let (_, opened) = State::open(folder.path(), binding()).unwrap();
    assert_eq!((opened.status, opened.memory), (Found::Known, Memory::default()));
}

#[test]
fn a_state_that_is_gone_beside_a_journal_with_lines_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let lost = || {
        fs::remove_file(folder.path().join(FILE_NAME)).ok();
        let (_, opened) = State::open(folder.path(), binding()).unwrap();
        let Found::Fresh { lost } = opened.status else { panic!("{opened:?}") };
        lost
    };
    assert!(!lost());
    fs::write(folder.path().join("journal.jsonl"), "").unwrap();
    assert!(!lost(), "an empty journal tells of nothing");
    fs::write(folder.path().join("journal.jsonl"), "{}\n").unwrap();
    assert!(lost());
}

#[test]
fn a_reader_sees_the_last_save_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(State::read(folder.path(), &binding()).unwrap(), None);
    assert!(!folder.path().join(FILE_NAME).exists());
    let (mut state, _) = State::open(folder.path(), binding()).unwrap();
    drop(state);
    assert_eq!(State::read(folder.path(), &binding()).unwrap(), None);
    let full = memory(3, 300);
    (state, _) = State::open(folder.path(), binding()).unwrap();
    state.save(&full, None, Some("{}")).unwrap();
    // As a killed daemon leaves it: nothing is closed.
    let bytes = fs::read(folder.path().join(FILE_NAME)).unwrap();
    drop(state);
    for left in [bytes, fs::read(folder.path().join(FILE_NAME)).unwrap()] {
        fs::write(folder.path().join(FILE_NAME), &left).unwrap();
        let opened = State::read(folder.path(), &binding()).unwrap().unwrap();
        assert!(opened.memory == full);
        assert_eq!(opened.status_document.as_deref(), Some("{}"));
        assert!(fs::read(folder.path().join(FILE_NAME)).unwrap() == left);
    }
}
