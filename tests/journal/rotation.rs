//! Files put aside and removed: the chain goes on, and a missing file shows.

use std::fs;

use fastrand::Rng;
use jiff::SignedDuration;
use writeback::journal::entry::{Body, Content, End};
use writeback::journal::read::{HeadFound, tail};
use writeback::journal::verify::{KnownHead, verify};
use writeback::journal::{FILE_NAME, Journal, JournalHead, Note, Options};
use writeback::model::change::LastSight;
use writeback::model::{Digest, Operation};

use super::bench::{
    all, assert_whole, at, check, context, done, files, guid, id, operation, options, target,
    write_on,
};

const DAY: i64 = 86_400;

#[test]
fn a_full_file_is_put_aside_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(1);
    let mut journal = Journal::open(folder.path(), options(2_000), at(0)).unwrap();
    write_on(&mut journal, &mut rng, 30);
    let head = journal.head();
    let found = files(folder.path());
    assert!(found.len() > 5, "{:?}", found.keys());
    for (name, bytes) in found.iter().filter(|(name, _)| *name != FILE_NAME) {
        assert!(bytes.len() >= 2_000, "{name} is full");
    }
    assert_whole(folder.path(), head);
    let lines: Vec<u64> = all(folder.path()).iter().filter_map(|entry| entry.line).collect();
    assert_eq!(lines, (1..=head.sequence).collect::<Vec<_>>());
}

#[test]
fn no_operation_is_given_free_before_its_intent_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    for number in 1..5 {
        let operation = operation(&mut Rng::with_seed(number));
        let content = Content::of(&operation);
        let recorded = journal.intend(operation, &context(id(1), "a"), at(1)).unwrap();
        let Some(Body::Intent(intent)) = all(folder.path()).pop().map(|entry| entry.body) else {
            panic!("the last line is the intent");
        };
        assert_eq!((intent.sequence, intent.content), (recorded.sequence(), content));
        assert_eq!(intent.dn, recorded.operation().target().to_string());
        assert_eq!(intent.generation, Some(Digest::of(b"policy")));
        assert_eq!(intent.spends, context(id(1), "a").spends);
        journal.conclude(&recorded, &done(), at(1)).unwrap();
    }
}

#[test]
fn the_deletion_of_the_largest_group_is_one_line_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    let members = (0..250_000).map(guid).collect();
    let last = LastSight { attributes: vec![("cn".into(), "All".to_owned())], members };
    let operation = Operation::Delete { target: target("All", Some(guid(1))), last: last.clone() };
    let recorded = journal.intend(operation, &context(id(1), "a"), at(1)).unwrap();
    journal.conclude(&recorded, &done(), at(1)).unwrap();
    journal.note(Note::Undo { changeset: Digest::of(b"x") }, at(2)).unwrap();
    let head = journal.head();
    drop(journal);
    let journal = Journal::open(folder.path(), options(1 << 20), at(3)).unwrap();
    assert_eq!((journal.head(), files(folder.path()).len()), (head, 2));
    assert_whole(folder.path(), head);
    let contents = all(folder.path()).into_iter().filter_map(|entry| {
        let Body::Intent(intent) = entry.body else { return None };
        Some(intent.content)
    });
    assert_eq!(contents.collect::<Vec<_>>(), [Content::Deleted(last)]);
}

#[test]
fn numbers_go_on_after_a_restart_also_behind_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(2);
    let mut journal = Journal::open(folder.path(), options(1), at(0)).unwrap();
    let first = journal.intend(operation(&mut rng), &context(id(1), "a"), at(1)).unwrap();
    journal.conclude(&first, &done(), at(1)).unwrap();
    drop(journal);
    let name = format!("journal-{:020}.jsonl", 2);
    fs::rename(folder.path().join(FILE_NAME), folder.path().join(name)).unwrap();
    fs::write(folder.path().join(FILE_NAME), "").unwrap();
    let mut journal = Journal::open(folder.path(), options(1), at(2)).unwrap();
    assert_eq!(journal.open_intents(), 0);
    let second = journal.intend(operation(&mut rng), &context(id(1), "a"), at(3)).unwrap();
    assert_eq!(second.sequence(), first.sequence() + 1);
    assert_whole(folder.path(), journal.head());
}

#[test]
fn an_intent_without_an_outcome_is_open_until_a_later_run_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(3);
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    let concluded = journal.intend(operation(&mut rng), &context(id(1), "a"), at(1)).unwrap();
    journal.conclude(&concluded, &done(), at(1)).unwrap();
    journal.intend(operation(&mut rng), &context(id(1), "a"), at(2)).unwrap();
    drop(journal);
    for restart in 3..5 {
        let journal = Journal::open(folder.path(), options(1), at(restart)).unwrap();
        assert_eq!(journal.open_intents(), 1, "nobody has looked at the directory since");
    }
    let mut journal = Journal::open(folder.path(), options(1), at(6)).unwrap();
    let later = journal.intend(operation(&mut rng), &context(id(1), "b"), at(7)).unwrap();
    assert_eq!(later.sequence(), 3);
    journal.conclude(&later, &done(), at(7)).unwrap();
    drop(journal);
    assert_eq!(Journal::open(folder.path(), options(1), at(8)).unwrap().open_intents(), 0);
}

#[test]
fn files_beyond_the_retention_are_removed_and_the_chain_says_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(4);
    let mut journal = Journal::open(folder.path(), options(2_000), at(0)).unwrap();
    write_on(&mut journal, &mut rng, 30);
    drop(journal);
    let before = files(folder.path()).len();
    let journal = Journal::open(folder.path(), options(2_000), at(2 * DAY)).unwrap();
    let head = journal.head();
    assert!(files(folder.path()).len() < before);
    assert_whole(folder.path(), head);
    let found = check(folder.path(), head);
    let (first, _) = found.first.unwrap();
    assert!(first > 1);
    assert!(found.to_string().contains(&format!("begins with line {first}")), "{found}");
    let told =
        all(folder.path()).into_iter().any(|entry| entry.body == Body::Removed { from: first });
    assert!(told, "the chain itself says what was removed");
    // The same without such a line is somebody's deed.
    let oldest = files(folder.path()).into_keys().next().unwrap();
    fs::remove_file(folder.path().join(oldest)).unwrap();
    let found = check(folder.path(), head);
    assert!(found.to_string().contains("no line says that their retention was over"), "{found}");
}

#[test]
fn a_removal_that_a_crash_undid_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(5);
    let mut journal = Journal::open(folder.path(), options(2_000), at(0)).unwrap();
    write_on(&mut journal, &mut rng, 20);
    drop(journal);
    let before = files(folder.path());
    drop(Journal::open(folder.path(), options(2_000), at(2 * DAY)).unwrap());
    let after = files(folder.path());
    for (name, bytes) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let found = verify(folder.path(), None).unwrap();
    assert!(found.is_whole(), "{found}");
    let journal = Journal::open(folder.path(), options(2_000), at(2 * DAY + 1)).unwrap();
    assert_eq!(files(folder.path()).len(), after.len());
    assert_whole(folder.path(), journal.head());
}

#[test]
fn lines_of_a_version_without_a_chain_are_read_and_bound_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let guid = "00000000-0000-0000-0000-0000000000aa";
    let digest = Digest::of(b"plan");
    let line = |sequence: u64, operation: &str, content: &str| {
        format!(
            "{{\"at\":\"2026-01-01T00:00:00Z\",\"cause\":\"cloud: x\",\"content\":{content},\
             \"dn\":\"CN=a,OU=b,DC=c\",\"group\":\"{guid}\",\"kind\":\"intent\",\"object\":\"{guid}\",\
             \"operation\":\"{operation}\",\"plan\":\"{digest}\",\"policy\":\"finance\",\
             \"sequence\":{sequence}}}\n"
        )
    };
    let mut old = line(1, "add", "{\"attributes\":[[\"cn\",\"a\"]]}");
    old += "{\"kind\":\"intent\",\"seq\n";
    old +=
        &line(2, "modify", "{\"attributes\":[{\"name\":\"cn\",\"before\":\"a\",\"after\":\"b\"}]}");
    old += &line(3, "add_members", &format!("{{\"members\":[\"{guid}\"]}}"));
    old += &line(4, "modify_dn", "{\"to\":\"CN=b,OU=b,DC=c\"}");
    old += &line(5, "delete", "null");
    old += "{\"kind\":\"outcome\",\"sequence\":5,\"at\":\"2026-01-01T00:00:00Z\",\
            \"result\":{\"outcome\":\"Done\"}}";
    fs::write(folder.path().join(FILE_NAME), &old).unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    assert_eq!(journal.open_intents(), 4);
    drop(journal);
    journal = Journal::open(folder.path(), options(1 << 20), at(1)).unwrap();
    let next = journal.intend(operation(&mut Rng::new()), &context(id(1), "p"), at(2)).unwrap();
    assert_eq!(next.sequence(), 6);
    let found = check(folder.path(), journal.head());
    assert!(found.is_whole(), "{found}");
    assert!(found.to_string().contains("7 lines of an earlier version stand before"), "{found}");
    let read: Vec<_> = writeback::journal::read::entries(folder.path()).unwrap().collect();
    let old: Vec<_> = read.iter().flatten().filter(|entry| entry.line.is_none()).collect();
    assert_eq!((read.len(), old.len()), (10, 6), "{read:#?}");
    let path = folder.path().join(FILE_NAME);
    let edited = fs::read_to_string(&path).unwrap().replacen("finance", "Finance", 1);
    fs::write(&path, edited).unwrap();
    let found = check(folder.path(), journal.head());
    assert!(found.to_string().contains("before the chain begins were changed"), "{found}");
}

#[test]
fn what_was_edited_while_nobody_ran_is_not_taken_for_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    write_on(&mut journal, &mut Rng::with_seed(6), 3);
    drop(journal);
    let path = folder.path().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    let edited = text.replace(last, &last.replace("\"at\":\"2027", "\"at\":\"2028"));
    assert_ne!(text, edited);
    fs::write(&path, edited).unwrap();
    let journal = Journal::open(folder.path(), options(1 << 20), at(5)).unwrap();
    let opened = all_opened(folder.path()).pop();
    assert_eq!(opened, Some(End::Altered));
    let found = check(folder.path(), journal.head());
    assert!(!found.is_whole(), "{found}");
    assert!(found.to_string().contains("no crash leaves them so"), "{found}");
}

#[test]
fn a_run_that_writes_nothing_leaves_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    assert_eq!(files(folder.path())[FILE_NAME], b"");
    let nothing = journal.head();
    assert_eq!(nothing, JournalHead::before_the_first());
    assert_whole(folder.path(), nothing);
    assert_eq!(tail(folder.path(), &nothing).unwrap().head, HeadFound::Yes);
    drop(journal);
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(1)).unwrap();
    write_on(&mut journal, &mut Rng::with_seed(1), 1);
    let head = journal.head();
    drop(journal);
    assert_eq!(Journal::open(folder.path(), options(1 << 20), at(2)).unwrap().head(), head);
    assert_eq!(all_opened(folder.path()), [End::Whole]);
    for known in [nothing, head] {
        assert_whole(folder.path(), known);
        assert_eq!(tail(folder.path(), &known).unwrap().head, HeadFound::Yes);
    }
}

fn all_opened(directory: &std::path::Path) -> Vec<End> {
    let entries = writeback::journal::read::entries(directory).unwrap().flatten();
    let opened = entries.filter_map(|entry| {
        let Body::Opened(opened) = entry.body else { return None };
        Some(opened.found)
    });
    opened.collect()
}

#[test]
fn a_kept_head_finds_what_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(8);
    let mut journal = Journal::open(folder.path(), options(2_000), at(0)).unwrap();
    let mut heads = Vec::new();
    for _ in 0..20 {
        write_on(&mut journal, &mut rng, 1);
        heads.push(journal.head());
    }
    let last = journal.head();
    for head in &heads {
        let tail = tail(folder.path(), head).unwrap();
        assert_eq!((tail.head, tail.broken), (HeadFound::Yes, None));
        let lines: Vec<u64> = tail.entries.iter().filter_map(|entry| entry.line).collect();
        assert_eq!(lines, (head.sequence + 1..=last.sequence).collect::<Vec<_>>());
    }
    let mut beyond = last;
    beyond.sequence += 1;
    assert_eq!(
        tail(folder.path(), &beyond).unwrap().head,
        HeadFound::Beyond { last: last.sequence }
    );
    let mut differs = heads[3];
    differs.hash = Digest::of(b"another");
    let found = tail(folder.path(), &differs).unwrap();
    assert_eq!((found.head, found.entries.len()), (HeadFound::Differs, 0));
    drop(journal);
    drop(Journal::open(folder.path(), options(2_000), at(2 * DAY)).unwrap());
    assert_eq!(tail(folder.path(), &heads[0]).unwrap().head, HeadFound::Removed);
}

#[test]
fn a_broken_chain_ends_what_comes_after_a_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), options(1 << 20), at(0)).unwrap();
    write_on(&mut journal, &mut Rng::with_seed(8), 1);
    let head = journal.head();
    write_on(&mut journal, &mut Rng::with_seed(9), 6);
    let path = folder.path().join(FILE_NAME);
    let mut lines: Vec<String> =
        fs::read_to_string(&path).unwrap().lines().map(ToOwned::to_owned).collect();
    lines.remove(usize::try_from(head.sequence).unwrap() + 3);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let found = tail(folder.path(), &head).unwrap();
    assert_eq!((found.head, found.entries.len()), (HeadFound::Yes, 3));
    assert!(found.broken.unwrap().contains("does not follow"));
}

#[test]
fn a_head_is_known_by_number_and_hash_by_hash_or_by_its_first_digits() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default(), at(0)).unwrap();
    write_on(&mut journal, &mut Rng::with_seed(10), 3);
    let head = journal.head();
    let hash = head.hash.to_string();
    for text in [head.to_string(), hash.clone(), hash[..12].to_owned(), hash.to_uppercase()] {
        let known = KnownHead::parse(&text).unwrap();
        assert!(verify(folder.path(), Some(&known)).unwrap().is_whole(), "{text}");
    }
    for text in ["", "12", "head", "1:2", "0123456789ag"] {
        assert_eq!(KnownHead::parse(text), None, "{text}");
    }
    let other = KnownHead::parse("000000000000").unwrap();
    let found = verify(folder.path(), Some(&other)).unwrap();
    assert!(found.to_string().contains("is not in the journal"), "{found}");
    let unknown = verify(folder.path(), None).unwrap();
    assert!(unknown.to_string().contains("cannot be noticed"), "{unknown}");
    assert_eq!(Options::default().retention, SignedDuration::from_hours(24 * 400));
}
