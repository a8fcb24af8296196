//! The changes of earlier runs, put together from the lines of the journal: several operations are
//! one change where they were one, and the end of the journal is enough.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use writeback::journal::changes::{Changes, PastChange};
use writeback::journal::entry::Content;
use writeback::journal::read::{ReadError, newest};
use writeback::journal::{Context, FILE_NAME, Journal, Note};
use writeback::model::{Digest, ObjectGuid, Operation, Outcome};

use super::bench::{at, context, done, folder, guid, id, options, target};

/// More than any journal of these tests.
const ALL: u64 = 1 << 30;

/// A journal, and the time of its next line in milliseconds.
struct Book {
    folder: TempDir,
    journal: Journal,
    clock: i64,
}

impl Book {
    fn new(rotate_bytes: u64) -> Self {
        let folder = folder();
        let journal = Journal::open(folder.path(), options(rotate_bytes), at(0)).unwrap();
        Self { folder, journal, clock: 0 }
    }

    fn wait(&mut self, milliseconds: i64) -> &mut Self {
        self.clock += milliseconds;
        self
    }

    fn now(&self) -> jiff::Timestamp {
        at(0) + jiff::SignedDuration::from_millis(self.clock)
    }

    /// One operation with what came of it, each a hundredth of a second after the line before.
    fn tries(&mut self, operation: &Operation, context: &Context, outcome: &Outcome) -> &mut Self {
        let begun = self.wait(10).now();
        let recorded = self.journal.intend(operation.clone(), context, begun).unwrap();
        let ended = self.wait(10).now();
        self.journal.conclude(&recorded, outcome, ended).unwrap();
        self
    }

    fn adds(&mut self, members: &[u128], outcome: &Outcome) -> &mut Self {
        self.tries(&adding(members), &context(id(1), "a"), outcome)
    }

    fn changes(&self) -> Vec<PastChange> {
        changes(self.folder.path(), ALL, 1_000).0
    }
}

/// The changes in the last bytes, the newest first, and how many places could not be read.
fn changes(directory: &Path, bytes_max: u64, most: usize) -> (Vec<PastChange>, usize) {
    let (mut changes, mut strange) = (Changes::new(most), 0);
    for entry in newest(directory, bytes_max).unwrap() {
        match entry {
            Ok(entry) => changes.take(entry),
            Err(error) => {
                assert!(matches!(error, ReadError::Line { .. }), "{error}");
                strange += 1;
            }
        }
    }
    (changes.newest_first(), strange)
}

fn adding(members: &[u128]) -> Operation {
    let members = members.iter().copied().map(guid).collect();
    Operation::AddMembers { target: target("Finance", Some(guid(1))), members }
}

fn renaming(from: &str, to: &str) -> Operation {
    let there = |name| target(name, Some(guid(1)));
    Operation::ModifyDn { target: there(from), to: there(to) }
}

fn refused() -> Outcome {
    Outcome::Refused { message: "no (result 53)".to_owned() }
}

fn busy() -> Outcome {
    Outcome::Failed { message: "busy (result 51)".to_owned() }
}

/// Members, outcome and members set aside of each change, the newest first.
fn told(changes: &[PastChange]) -> Vec<(Vec<ObjectGuid>, &'static str, usize)> {
    let members = |change: &PastChange| change.intent.content.members().to_vec();
    let told = |change: &PastChange| (members(change), change.outcome.word(), change.set_aside);
    changes.iter().map(told).collect()
}

#[track_caller]
fn assert_told(book: &Book, wanted: &[(&[u128], &'static str, usize)]) {
    let guids = |members: &[u128]| members.iter().copied().map(guid).collect::<Vec<_>>();
    let wanted: Vec<_> =
        wanted.iter().map(|(all, word, aside)| (guids(all), *word, *aside)).collect();
    assert_eq!(told(&book.changes()), wanted);
}

#[test]
fn batches_of_members_are_one_change() {
    let mut book = Book::new(1 << 20);
    book.adds(&[10, 11], &done()).adds(&[12, 13], &done()).adds(&[14], &done());
    assert_told(&book, &[(&[10, 11, 12, 13, 14], "done", 0)]);
    let change = book.changes().remove(0);
    assert_eq!(
        (change.at, change.label.as_str()),
        (at(0) + jiff::SignedDuration::from_millis(10), "Finance")
    );
    assert_eq!(change.intent.cause, "cloud: its members changed");
}

#[test]
fn the_one_bad_member_of_a_batch_is_set_aside_and_the_change_is_done() {
    let mut book = Book::new(1 << 20);
    // Refused, read, sent again as it was, halved, and halved again.
    book.adds(&[10, 11, 12], &refused()).adds(&[10, 11, 12], &refused());
    book.adds(&[10, 11], &refused()).adds(&[10], &done()).adds(&[11], &refused());
    book.adds(&[12], &done()).adds(&[13, 14], &done());
    assert_told(&book, &[(&[10, 11, 12, 13, 14], "done", 1)]);
}

#[test]
fn where_every_member_is_refused_the_change_is() {
    let mut book = Book::new(1 << 20);
    book.adds(&[10, 11], &refused()).adds(&[10], &refused()).adds(&[11], &refused());
    assert_told(&book, &[(&[10, 11], "refused", 2)]);
    assert_eq!(book.changes()[0].outcome, refused());
}

#[test]
fn a_group_that_may_not_be_written_is_refused_whole() {
    let mut book = Book::new(1 << 20);
    book.adds(&[10, 11], &done()).adds(&[12, 13], &refused());
    assert_told(&book, &[(&[10, 11, 12, 13], "refused", 0)]);
}

#[test]
fn tries_of_an_operation_that_nobody_answers_are_one_change() {
    let mut book = Book::new(1 << 20);
    for wait in [0, 500, 1_000, 2_000, 4_000] {
        let (operation, context) = (renaming("Finance", "Money"), context(id(1), "a"));
        book.wait(wait).tries(&operation, &context, &busy());
    }
    // The sixth is another pass's.
    book.tries(&renaming("Finance", "Money"), &context(id(1), "a"), &done());
    let words: Vec<_> = book.changes().iter().map(|change| change.outcome.word()).collect();
    assert_eq!(words, ["done", "failed"]);
}

#[test]
fn a_refusal_in_each_of_several_passes_is_several_changes() {
    let mut book = Book::new(1 << 20);
    for _pass in 0..3 {
        book.wait(60_000).adds(&[10, 11], &refused());
    }
    assert_told(&book, &[(&[10, 11][..], "refused", 0); 3]);
}

#[test]
fn what_another_pass_or_run_tried_is_another_change() {
    let mut book = Book::new(1 << 20);
    book.adds(&[10], &busy());
    let note = Note::Held { digest: Digest::of(b"x"), holds: Vec::new() };
    let now = book.now();
    book.journal.note(note, now).unwrap();
    book.adds(&[10], &busy()).tries(&adding(&[11]), &context(id(2), "a"), &done());
    book.tries(&adding(&[11]), &context(id(2), "b"), &done());
    assert_eq!(book.changes().len(), 4);
    // A crash, and the next run.
    let now = book.wait(10).now();
    let recorded = book.journal.intend(adding(&[12]), &context(id(1), "c"), now).unwrap();
    drop(recorded);
    book.journal = Journal::open(book.folder.path(), options(1 << 20), now).unwrap();
    book.tries(&adding(&[12]), &context(id(1), "c"), &done());
    let changes = book.changes();
    let [newest, cut, ..] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((newest.outcome.word(), cut.outcome.word()), ("done", "unknown"));
    assert_eq!(newest.intent.content, cut.intent.content);
    let Outcome::Unknown { message } = &cut.outcome else { panic!("{cut:?}") };
    assert!(message.contains("the journal has no outcome of it"), "{message}");
}

#[test]
fn a_group_is_called_what_it_was_called_when_its_pass_began() {
    let mut book = Book::new(1 << 20);
    let named = |name| Operation::AddMembers {
        target: target(name, Some(guid(1))),
        members: vec![guid(10)],
    };
    book.tries(&renaming("Finance", "Money"), &context(id(1), "a"), &done());
    book.tries(&named("Money"), &context(id(1), "a"), &done());
    book.tries(&named("Money"), &context(id(1), "b"), &done());
    let labels: Vec<_> = book.changes().into_iter().map(|change| change.label).collect();
    assert_eq!(labels, ["Money", "Finance", "Finance"]);
}

#[test]
fn the_newest_changes_are_found_over_all_files_and_no_more_than_asked_for() {
    let mut book = Book::new(4_000);
    for number in 0..40 {
        let name = format!("Group {number}");
        let operation = renaming(&name, &format!("{name} b"));
        book.tries(&operation, &context(id(number), "a"), &done());
    }
    let whole = book.changes();
    let names = |changes: &[PastChange]| -> Vec<String> {
        changes.iter().map(|change| change.label.clone()).collect()
    };
    let wanted: Vec<_> = (0..40).rev().map(|number| format!("Group {number}")).collect();
    assert_eq!(names(&whole), wanted);
    let files = super::bench::files(book.folder.path());
    assert!(files.len() > 5, "{:?}", files.keys());
    // As many as are asked for.
    assert_eq!(changes(book.folder.path(), ALL, 7).0, whole[..7]);
    // As many as the last bytes hold, wherever they begin: a line that is cut is no fault.
    let bytes: usize = files.values().map(Vec::len).sum();
    let mut counts = Vec::new();
    for bytes_max in (0..u64::try_from(bytes).unwrap() + 500).step_by(211) {
        let (some, strange) = changes(book.folder.path(), bytes_max, 1_000);
        assert_eq!((&some[..], strange), (&whole[..some.len()], 0), "{bytes_max}");
        counts.push(some.len());
    }
    assert!(counts.is_sorted() && counts[0] == 0 && counts.last() == Some(&40), "{counts:?}");
}

#[test]
fn a_damaged_line_costs_its_own_change_alone() {
    let mut book = Book::new(4_000);
    for number in 0..12 {
        let name = format!("Group {number}");
        let operation = renaming(&name, &format!("{name} b"));
        book.tries(&operation, &context(id(number), "a"), &done());
    }
    let whole = book.changes();
    for (name, bytes) in super::bench::files(book.folder.path()) {
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (place, line) in lines.iter().enumerate() {
            let mut harmed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            harmed[place] = line.replacen("at", "At", 1);
            fs::write(book.folder.path().join(&name), harmed.concat()).unwrap();
            let (some, strange) = changes(book.folder.path(), ALL, 1_000);
            // What a crash tore at the very end is passed over; an edit there is told.
            assert_eq!(strange, 1, "{name} {place}");
            let kind = line.split_once("\"kind\":\"").unwrap().1;
            let others = whole.iter().filter(|change| some.contains(change)).count();
            if kind.starts_with("intent") {
                assert_eq!((some.len(), others), (11, 11), "{name} {place}");
            } else if kind.starts_with("outcome") {
                assert_eq!((some.len(), others), (12, 11), "{name} {place}");
                let unknown = some.iter().filter(|change| change.outcome.word() == "unknown");
                assert_eq!(unknown.count(), 1, "{name} {place}");
            } else {
                assert_eq!(some, whole);
            }
        }
        fs::write(book.folder.path().join(&name), &text).unwrap();
    }
}

#[test]
fn a_journal_that_was_cut_anywhere_tells_what_is_left() {
    let mut book = Book::new(1 << 20);
    for number in 0..4 {
        let name = format!("Group {number}");
        let operation = renaming(&name, &format!("{name} b"));
        book.tries(&operation, &context(id(number), "a"), &done());
    }
    let whole = book.changes();
    let path = book.folder.path().join(FILE_NAME);
    let bytes = fs::read(&path).unwrap();
    for end in 0..bytes.len() {
        fs::write(&path, &bytes[..end]).unwrap();
        let (some, strange) = changes(book.folder.path(), ALL, 1_000);
        // What a crash tears is no fault, and before the first line nothing is known to be one.
        assert!(strange == 0 || some.is_empty(), "{end}");
        let known = some.iter().rev().zip(whole.iter().rev());
        for (one, other) in known {
            assert_eq!((one.at, &one.intent), (other.at, &other.intent), "{end}");
        }
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(changes(book.folder.path(), ALL, 1_000), (Vec::new(), 0));
}

#[test]
fn lines_of_versions_without_a_chain_are_changes_too() {
    let folder = folder();
    let digest = Digest::of(b"a");
    let line = |kind: &str, rest: &str| {
        format!("{{\"sequence\":1,\"at\":\"2026-01-01T00:00:00Z\",\"kind\":\"{kind}\",{rest}}}\n")
    };
    let group = id(1);
    let intent = line(
        "intent",
        &format!(
            "\"plan\":\"{digest}\",\"policy\":\"finance\",\"group\":\"{group}\",\"cause\":\"x\",\
             \"operation\":\"modify_dn\",\"dn\":\"CN=Old,DC=corp,DC=example\",\
             \"content\":{{\"to\":\"CN=New,DC=corp,DC=example\"}}"
        ),
    );
    let outcome = line("outcome", "\"result\":{\"outcome\":\"Done\"}");
    fs::write(folder.path().join(FILE_NAME), intent + &outcome).unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    let recorded = journal.intend(adding(&[10]), &context(id(1), "a"), at(1)).unwrap();
    journal.conclude(&recorded, &done(), at(2)).unwrap();
    let (changes, strange) = changes(folder.path(), ALL, 1_000);
    let contents: Vec<_> = changes.iter().map(|change| change.intent.content.clone()).collect();
    let moved = Content::Moved {
        from: "CN=Old,DC=corp,DC=example".to_owned(),
        to: "CN=New,DC=corp,DC=example".to_owned(),
    };
    assert_eq!((contents, strange), (vec![Content::MembersAdded(vec![guid(10)]), moved], 0));
    assert_eq!(changes[1].outcome, done());
}
