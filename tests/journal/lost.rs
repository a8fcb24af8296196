//! Lines that a state knew are not there any more: what opening finds, keeps and tells.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use writeback::journal::read::{HeadFound, tail};
use writeback::journal::verify::verify;
use writeback::journal::{FILE_NAME, Journal, JournalHead};

use super::bench::{at, check, files, folder, lay, options, write_on};

const LARGE: u64 = 1 << 20;

/// Writes a journal, and gives its head.
fn make(directory: &Path, seed: u64) -> JournalHead {
    let mut journal = Journal::open(directory, options(LARGE), at(0)).unwrap();
    write_on(&mut journal, &mut Rng::with_seed(seed), 12);
    journal.head()
}

/// Opens what was harmed, writes on, and gives what checking says without a head and with the one
/// that is kept now.
#[track_caller]
fn goes_on(directory: &Path, lost: JournalHead) -> String {
    let mut journal =
        Journal::open_without(Some(lost), directory, options(LARGE), at(100)).unwrap();
    assert_eq!(journal.head_to_keep(), journal.head());
    assert_eq!(tail(directory, &lost).unwrap().head, HeadFound::Told, "before anything is written");
    write_on(&mut journal, &mut Rng::with_seed(3), 30);
    assert!(journal.head().sequence > lost.sequence, "the number is given again");
    assert_eq!(tail(directory, &lost).unwrap().head, HeadFound::Told);
    let found = check(directory, journal.head());
    assert_eq!((found.problems_total, found.losses), (1, 1), "{found}");
    let blind = verify(directory, None).unwrap();
    assert_eq!(blind.problems, found.problems);
    assert!(found.to_string().contains("nothing else is wrong"), "{found}");
    found.to_string()
}

#[test]
fn every_cut_is_told_from_the_next_opening_on() {
    let folder = folder();
    let known = make(folder.path(), 1);
    let whole = files(folder.path());
    let bytes = &whole[FILE_NAME];
    let mut rng = Rng::with_seed(2);
    for length in [0, 1].into_iter().chain((0..40).map(|_| rng.usize(..bytes.len() - 1))) {
        let mut cut = whole.clone();
        cut.insert(FILE_NAME.to_owned(), bytes[..length].to_vec());
        lay(folder.path(), &cut);
        let lines = bytes[..length].split(|byte| *byte == b'\n').count() - 1;
        // The last line may lack nothing but its line feed.
        let ends = usize::from(bytes[length] == b'\n') + lines;
        let last = u64::try_from(ends).unwrap();
        let found = tail(folder.path(), &known).unwrap();
        assert_eq!(found.head, HeadFound::Beyond { last }, "cut at byte {length}");
        let told = goes_on(folder.path(), known);
        let wanted = match last {
            0 => format!("everything up to line {} is lost", known.sequence),
            last if last + 1 == known.sequence => format!("line {} is lost", known.sequence),
            last => format!("lines {} to {} are lost", last + 1, known.sequence),
        };
        assert!(told.contains(&wanted), "cut at byte {length}: {told}");
    }
}

#[test]
fn a_journal_that_is_gone_or_another_one_is_told_from_the_next_opening_on() {
    let folder = folder();
    let known = make(folder.path(), 1);
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(tail(folder.path(), &known).unwrap().head, HeadFound::Beyond { last: 0 });
    let told = goes_on(folder.path(), known);
    assert!(told.contains("the journal was gone when it was opened at"), "{told}");
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    let mut other = Journal::open(folder.path(), options(LARGE), at(0)).unwrap();
    write_on(&mut other, &mut Rng::with_seed(9), 30);
    assert!(other.head().sequence > known.sequence);
    drop(other);
    assert_eq!(tail(folder.path(), &known).unwrap().head, HeadFound::Differs);
    let told = goes_on(folder.path(), known);
    assert!(
        told.contains(&format!("line {} is lost, and the lines up to", known.sequence)),
        "{told}"
    );
    assert!(told.contains("it had another line there"), "{told}");
}

#[test]
fn other_harm_is_told_beside_a_loss_and_nothing_is_called_whole() {
    let folder = folder();
    let known = make(folder.path(), 1);
    let path = folder.path().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().take(6).collect();
    fs::write(&path, (kept.join("\n") + "\n").replacen("finance.yaml", "finanCe.yaml", 1)).unwrap();
    drop(Journal::open_without(Some(known), folder.path(), options(LARGE), at(100)).unwrap());
    let found = verify(folder.path(), None).unwrap();
    assert!(found.losses == 1 && found.problems_total > 1, "{found}");
    assert!(!found.to_string().contains("nothing else is wrong"), "{found}");
}
