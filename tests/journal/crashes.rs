//! What a crash can leave on disk: each image opens, keeps what was acknowledged, and is whole.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use writeback::journal::read::{HeadFound, tail};
use writeback::journal::{FILE_NAME, Journal, JournalHead};

use crate::deep::deep;

use super::bench::{
    Files, all, assert_whole, at, context, done, files, folder, id, lay, operation, options,
    write_on,
};

const IMAGES: u64 = 2_500;
const BLOCK: usize = 512;

/// What was on disk before and after an append, and the heads then.
struct Append {
    before: Files,
    after: Files,
    head: JournalHead,
}

fn appends(seed: u64, rotate_bytes: u64) -> Vec<Append> {
    let folder = folder();
    let mut rng = Rng::with_seed(seed);
    let mut journal = Journal::open(folder.path(), options(rotate_bytes), at(0)).unwrap();
    let mut appends = Vec::new();
    for step in 0..6 {
        let (before, head) = (files(folder.path()), journal.head());
        let recorded =
            journal.intend(operation(&mut rng), &context(id(1), "plan"), at(step)).unwrap();
        let between = files(folder.path());
        appends.push(Append { before, after: between.clone(), head });
        let head = journal.head();
        journal.conclude(&recorded, &done(), at(step)).unwrap();
        appends.push(Append { before: between, after: files(folder.path()), head });
    }
    appends
}

/// Opens an image, writes on, opens it again: nothing that was acknowledged is lost, and the chain
/// is whole before and after.
#[track_caller]
fn survives(directory: &Path, acknowledged: JournalHead, what: &str) {
    let known = fs::read(directory.join(FILE_NAME)).map_or(0, |bytes| bytes.len());
    let mut journal = Journal::open(directory, options(1 << 20), at(100)).unwrap();
    let found = tail(directory, &acknowledged).unwrap();
    assert_eq!(found.head, HeadFound::Yes, "{what}: {known} bytes: {found:?}");
    assert_eq!(found.broken, None, "{what}");
    assert_whole(directory, acknowledged);
    write_on(&mut journal, &mut Rng::with_seed(7), 1);
    let head = journal.head();
    drop(journal);
    assert_whole(directory, head);
    let mut journal = Journal::open(directory, options(1 << 20), at(200)).unwrap();
    assert_eq!(journal.head(), head, "{what}");
    write_on(&mut journal, &mut Rng::with_seed(8), 1);
    assert_whole(directory, journal.head());
}

#[test]
fn every_prefix_of_the_line_being_written_is_survived() {
    let folder = folder();
    for append in appends(1, 1 << 20).iter().skip(2).take(2) {
        let (before, after) = (&append.before[FILE_NAME], &append.after[FILE_NAME]);
        for length in before.len()..=after.len() {
            let mut image = append.before.clone();
            image.insert(FILE_NAME.to_owned(), after[..length].to_vec());
            lay(folder.path(), &image);
            survives(folder.path(), append.head, &format!("cut at byte {length}"));
        }
    }
}

#[test]
fn two_and_a_half_thousand_crash_images_are_survived() {
    let folder = folder();
    let mut number = 0;
    while number < deep(IMAGES) {
        for append in appends(number, 1 << 20) {
            let mut rng = Rng::with_seed(number);
            let (before, after) = (&append.before[FILE_NAME], &append.after[FILE_NAME]);
            let mut bytes = after[..rng.usize(before.len()..=after.len())].to_vec();
            let word = harm(&mut bytes, before.len(), &mut rng);
            lay(folder.path(), &Files::from([(FILE_NAME.to_owned(), bytes)]));
            survives(folder.path(), append.head, &format!("image number {number} ({word})"));
            number += 1;
        }
    }
}

/// Tears what was not synced yet.
fn harm(bytes: &mut Vec<u8>, synced: usize, rng: &mut Rng) -> &'static str {
    let blocks: Vec<usize> =
        (synced..bytes.len()).filter(|at| at % BLOCK == 0 || *at == synced).collect();
    let Some(block) = rng.choice(&blocks).copied() else { return "nothing written" };
    let end = ((block / BLOCK + 1) * BLOCK).min(bytes.len());
    match rng.u8(0..4) {
        0 => "cut",
        1 => {
            bytes[block..end].fill(0);
            "a block of zeros"
        }
        2 => {
            bytes[block..end].iter_mut().for_each(|byte| *byte = rng.u8(..));
            "a block of something else"
        }
        _ => {
            bytes[block..end].fill(b'\n');
            bytes.resize(synced.max(bytes.len()), 0);
            "a block of line feeds"
        }
    }
}

#[test]
fn a_crash_while_recovering_from_a_crash_is_survived() {
    let folder = folder();
    for (number, append) in (0..).zip(appends(3, 1 << 20)) {
        let mut rng = Rng::with_seed(number);
        let after = &append.after[FILE_NAME];
        let mut torn = append.before[FILE_NAME].clone();
        let rest = &after[torn.len()..];
        torn.extend_from_slice(&rest[..rng.usize(1..rest.len() - 1)]);
        lay(folder.path(), &Files::from([(FILE_NAME.to_owned(), torn.clone())]));
        drop(Journal::open(folder.path(), options(1 << 20), at(50)).unwrap());
        let opened = fs::read(folder.path().join(FILE_NAME)).unwrap();
        for length in torn.len()..=opened.len() {
            let image = opened[..length].to_vec();
            lay(folder.path(), &Files::from([(FILE_NAME.to_owned(), image)]));
            survives(folder.path(), append.head, &format!("{number}, opening cut at {length}"));
        }
    }
}

#[test]
fn a_crash_at_each_step_of_putting_a_file_aside_is_survived() {
    let folder = folder();
    let turns: Vec<Append> = appends(5, 2_000)
        .into_iter()
        .filter(|append| append.after.len() > append.before.len())
        .collect();
    assert!(turns.len() > 1, "the story puts files aside");
    for append in turns {
        let aside = append.after.keys().rev().find(|name| !append.before.contains_key(*name));
        let aside = aside.unwrap().clone();
        // Before anything; with the new file under its first name; after the first rename; after
        // the second; with a part of the first line of the new file.
        lay(folder.path(), &append.before);
        survives(folder.path(), append.head, "before");
        lay(folder.path(), &append.before);
        fs::write(folder.path().join("journal.next"), "").unwrap();
        survives(folder.path(), append.head, "with the new file made");
        let mut renamed = append.after.clone();
        renamed.remove(FILE_NAME);
        assert_eq!(renamed[&aside], append.before[FILE_NAME]);
        lay(folder.path(), &renamed);
        fs::write(folder.path().join("journal.next"), "").unwrap();
        survives(folder.path(), append.head, "between the renames");
        let line = append.after[FILE_NAME].clone();
        for length in 0..=line.len() {
            let mut image = append.after.clone();
            image.insert(FILE_NAME.to_owned(), line[..length].to_vec());
            lay(folder.path(), &image);
            survives(folder.path(), append.head, &format!("{length} bytes of the new file"));
        }
    }
}

#[test]
fn what_a_crash_tore_is_told_and_no_entry_is_made_of_it() {
    let folder = folder();
    let append = appends(4, 1 << 20).remove(2);
    let (before, after) = (&append.before[FILE_NAME], &append.after[FILE_NAME]);
    let length = usize::midpoint(before.len(), after.len());
    let image = after[..length].to_vec();
    lay(folder.path(), &Files::from([(FILE_NAME.to_owned(), image)]));
    let unopened = super::bench::check(folder.path(), append.head);
    assert!(unopened.is_whole(), "{unopened}");
    assert!(unopened.torn_end.is_some(), "{unopened}");
    let count = all_but_the_end(folder.path());
    drop(Journal::open(folder.path(), options(1 << 20), at(9)).unwrap());
    assert_eq!(all(folder.path()).len(), count + 1);
    let found = super::bench::check(folder.path(), append.head);
    assert_eq!(found.torn.len(), 1, "{found}");
    assert!(found.is_whole(), "{found}");
}

fn all_but_the_end(directory: &Path) -> usize {
    writeback::journal::read::entries(directory).unwrap().flatten().count()
}
