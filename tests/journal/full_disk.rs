//! A disk without room, for real: a small tmpfs in a mount namespace of its own, which is gone with
//! the process that made it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;
use writeback::journal::entry::Body;
use writeback::journal::{Journal, JournalError, JournalHead, Note, Options};
use writeback::model::{Digest, Outcome};

use super::bench::{all, assert_whole, at, check, context, done, id, operation};

/// Names the small disk to the process that was started on it.
const DISK: &str = "WRITEBACK_SMALL_DISK";
const DISK_BYTES: usize = 512 << 10;

/// Runs the test of that name again, on a small disk of its own; answers the disk to the process
/// that is on it.
#[expect(clippy::disallowed_methods, reason = "the test calls itself, with the disk's place")]
fn on_a_small_disk(name: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size={DISK_BYTES} writeback-test \"${DISK}\" && exec \"$0\" --exact {name}"
    );
    // Everybody may mount in a namespace of their own; where that is switched off, root may.
    let own = ["--user", "--map-root-user", "--mount"];
    let may = Command::new("unshare").args(own).arg("true").status().unwrap().success();
    let output = Command::new("unshare")
        .args(if may { &own[..] } else { &own[2..] })
        .args(["sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(DISK, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}\n{errors}");
    assert!(told.contains("1 passed"), "{told}\n{errors}");
    None
}

/// Takes all room but `left` bytes, to the byte where the file system counts so.
fn fill(disk: &Path, left: usize) {
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    let block = [0xAA; 4096];
    while file.write_all(&block).is_ok() {}
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    file.set_len(u64::try_from(length.saturating_sub(left)).unwrap()).unwrap();
}

#[test]
fn on_a_full_disk_no_operation_is_given_free_and_no_outcome_is_lost() {
    let name = "full_disk::on_a_full_disk_no_operation_is_given_free_and_no_outcome_is_lost";
    let Some(disk) = on_a_small_disk(name) else { return };
    for round in 0..120 {
        let mut rng = Rng::with_seed(round);
        let state = disk.join("state");
        fs::create_dir(&state).unwrap();
        let mut journal = Journal::open(&state, Options::default(), at(0)).unwrap();
        let before = journal.intend(operation(&mut rng), &context(id(1), "p"), at(1)).unwrap();
        journal.conclude(&before, &done(), at(1)).unwrap();
        let mut acknowledged = 1;
        fill(&disk, rng.usize(0..3) * 4096);
        // An outcome as long as outcomes get.
        let long = Outcome::Refused { message: "\u{1b}".repeat(100_000) };
        loop {
            match journal.intend(operation(&mut rng), &context(id(1), "p"), at(2)) {
                Ok(recorded) => {
                    journal.conclude(&recorded, &long, at(3)).unwrap();
                    acknowledged += 1;
                }
                Err(JournalError::Full { .. }) => break,
                Err(error) => panic!("round {round}: {error}"),
            }
        }
        assert_whole(&state, journal.head());
        let outcomes = |state: &Path| {
            all(state).iter().filter(|entry| matches!(entry.body, Body::Outcome(_))).count()
        };
        assert_eq!(outcomes(&state), acknowledged, "round {round}");
        let note = Note::Undo { changeset: Digest::of(b"x") };
        let refused = journal.note(note.clone(), at(4)).unwrap_err();
        assert!(matches!(refused, JournalError::Full { .. }), "{refused:?}");
        assert!(refused.to_string().contains("the disk is full"), "{refused}");
        // A start on the full disk: nothing may be written, nothing is lost.
        let head = journal.head();
        drop(journal);
        let mut journal = Journal::open(&state, Options::default(), at(5)).unwrap();
        let refused = journal.intend(operation(&mut rng), &context(id(1), "p"), at(6));
        assert!(refused.is_err(), "round {round}");
        assert_whole(&state, head);
        // Room again: it goes on by itself.
        fs::remove_file(disk.join("filler")).unwrap();
        let recorded = journal.intend(operation(&mut rng), &context(id(1), "p"), at(7)).unwrap();
        assert_eq!(recorded.sequence(), u64::try_from(acknowledged).unwrap() + 1);
        journal.conclude(&recorded, &long, at(8)).unwrap();
        journal.note(note, at(9)).unwrap();
        assert_whole(&state, journal.head());
        assert_eq!(outcomes(&state), acknowledged + 1);
        fs::remove_dir_all(&state).unwrap();
    }
}

#[test]
fn a_loss_that_finds_no_room_is_missed_by_the_next_start_too() {
    let name = "full_disk::a_loss_that_finds_no_room_is_missed_by_the_next_start_too";
    let Some(disk) = on_a_small_disk(name) else { return };
    let lost = JournalHead { sequence: 7, hash: Digest::of(b"lost") };
    fill(&disk, 0);
    let open = || Journal::open_without(Some(lost), &disk, Options::default(), at(0)).unwrap();
    for start in [open(), open()] {
        assert_eq!((start.head().sequence, start.head_to_keep()), (0, lost));
    }
    let mut journal = open();
    fs::remove_file(disk.join("filler")).unwrap();
    journal.intend(operation(&mut Rng::with_seed(1)), &context(id(1), "p"), at(1)).unwrap();
    assert_eq!(journal.head_to_keep(), journal.head());
    let found = check(&disk, journal.head());
    assert_eq!((found.problems_total, found.losses), (1, 1), "{found}");
}

#[test]
fn an_outcome_whose_reserve_somebody_took_is_written_before_anything_else() {
    let name = "full_disk::an_outcome_whose_reserve_somebody_took_is_written_before_anything_else";
    let Some(disk) = on_a_small_disk(name) else { return };
    let mut rng = Rng::with_seed(1);
    let mut journal = Journal::open(&disk, Options::default(), at(0)).unwrap();
    let recorded = journal.intend(operation(&mut rng), &context(id(1), "p"), at(1)).unwrap();
    fs::remove_file(disk.join("journal.reserve")).unwrap();
    fill(&disk, 0);
    let long = Outcome::Refused { message: "\u{1b}".repeat(4_000) };
    let owed = journal.conclude(&recorded, &long, at(2)).unwrap_err();
    assert!(matches!(owed, JournalError::Full { .. }), "{owed:?}");
    assert_whole(&disk, journal.head());
    let refused = journal.intend(operation(&mut rng), &context(id(1), "p"), at(3)).unwrap_err();
    assert!(matches!(refused, JournalError::Full { .. }), "{refused:?}");
    fs::remove_file(disk.join("filler")).unwrap();
    let next = journal.intend(operation(&mut rng), &context(id(1), "p"), at(4)).unwrap();
    let order: Vec<Option<u64>> = all(&disk).iter().map(|entry| entry.body.operation()).collect();
    assert_eq!(
        order,
        [None, Some(1), Some(1), Some(2)],
        "the outcome comes before the next intent"
    );
    assert_eq!(next.sequence(), 2);
    assert_whole(&disk, journal.head());
}
