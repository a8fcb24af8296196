//! Ten thousand random edits: with the head known, none goes unseen.

use std::path::Path;
use std::thread;

use fastrand::Rng;
use writeback::journal::{FILE_NAME, Journal, JournalHead};
use writeback::model::Digest;

use crate::deep::deep;

use super::bench::{self, Files, at, check, files, options, write_on};

const EDITS: u64 = 10_000;
/// Different journals that are edited: plain, torn, begun by an older version, with lines whose
/// retention is over.
const JOURNALS: u64 = 24;
const THREADS: u64 = 2;

#[test]
fn ten_thousand_random_edits_are_all_noticed() {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for base in (0..JOURNALS).filter(|base| base % THREADS == thread) {
                    edit_one_journal(base);
                }
            });
        }
    });
}

/// Edits number `base`, `base + 24`, … are made to journal number `base`.
fn edit_one_journal(base: u64) {
    let folder = bench::folder();
    let head = make(folder.path(), base);
    bench::assert_whole(folder.path(), head);
    let whole = files(folder.path());
    let mut laid = whole.clone();
    for number in (base..deep(EDITS)).step_by(usize::try_from(JOURNALS).unwrap()) {
        let mut rng = Rng::with_seed(number);
        let (mut edited, mut word) = (whole.clone(), "nothing");
        while edited == whole {
            edited.clone_from(&whole);
            word = edit(&mut edited, &mut rng);
        }
        put(folder.path(), &laid, &edited);
        laid.clone_from(&edited);
        let found = check(folder.path(), head);
        // What comes after the head may also be a line that a crash tore: it is told, not judged.
        let told = word == "bytes put in" && found.torn_end.is_some();
        assert!(!found.is_whole() || told, "edit number {number} ({word}) is not seen:\n{found}");
    }
}

/// Writes only the files that differ: ten thousand times all of them would be slow.
fn put(directory: &Path, laid: &Files, files: &Files) {
    for name in laid.keys().filter(|name| !files.contains_key(*name)) {
        std::fs::remove_file(directory.join(name)).unwrap();
    }
    for (name, bytes) in files.iter().filter(|(name, bytes)| laid.get(*name) != Some(bytes)) {
        std::fs::write(directory.join(name), bytes).unwrap();
    }
}

fn make(directory: &Path, base: u64) -> JournalHead {
    let mut rng = Rng::with_seed(base + 1_000_000);
    if base % 4 == 1 {
        let old = "{\"kind\":\"outcome\",\"sequence\":1,\"at\":\"2026-01-01T00:00:00Z\",\
                   \"result\":{\"outcome\":\"Done\"}}\n";
        std::fs::write(directory.join(FILE_NAME), old.repeat(3)).unwrap();
    }
    let rotate = options(rng.u64(3_000..6_000));
    let mut journal = Journal::open(directory, rotate, at(0)).unwrap();
    write_on(&mut journal, &mut rng, 12);
    drop(journal);
    if base % 3 == 1 {
        let path = directory.join(FILE_NAME);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"line\":17,\"previous\":\"00");
        std::fs::write(path, bytes).unwrap();
    }
    // A day later the oldest files are beyond the retention of every fourth journal.
    let later = if base % 4 == 2 { 86_400 * 2 } else { 60 };
    let mut journal = Journal::open(directory, rotate, at(later)).unwrap();
    write_on(&mut journal, &mut rng, 6);
    journal.head()
}

/// Harms the files and says how.
fn edit(files: &mut Files, rng: &mut Rng) -> &'static str {
    let names: Vec<String> = files.keys().cloned().collect();
    let name = rng.choice(&names).unwrap().clone();
    let bytes = files.get_mut(&name).unwrap();
    let place = rng.usize(..bytes.len());
    match rng.u8(0..17) {
        0 => {
            bytes[place] ^= 1 << rng.u8(0..8);
            "a bit turned"
        }
        1 => {
            if bytes[place].is_ascii_digit() {
                bytes[place] = rng.u8(b'0'..=b'9');
            }
            "a digit changed"
        }
        2 => {
            bytes[place] = bytes[place].to_ascii_uppercase();
            "a letter made upper case"
        }
        3 => {
            let end = rng.usize(place..bytes.len()) + 1;
            bytes.drain(place..end);
            "bytes cut out"
        }
        4 => {
            let new: Vec<u8> = (0..rng.usize(1..40)).map(|_| rng.u8(..)).collect();
            let place = rng.usize(..=bytes.len());
            bytes.splice(place..place, new);
            "bytes put in"
        }
        5 => {
            files.get_mut(FILE_NAME).unwrap().truncate(place);
            "the end cut in mid-line"
        }
        6 => {
            files.get_mut(FILE_NAME).unwrap().pop();
            "the last line feed cut"
        }
        7 => {
            files.remove(&name);
            "a file taken away"
        }
        8 => {
            let other = rng.choice(&names).unwrap();
            let (one, two) = (files[&name].clone(), files[other].clone());
            files.insert(name, two);
            files.insert(other.clone(), one);
            "two files exchanged"
        }
        9 => {
            let moved = files.remove(&name).unwrap();
            // Not the name that a crash while it was put aside would have left.
            files.insert(format!("journal-{:020}.jsonl", rng.u64(1_000..1_100)), moved);
            "a file renamed"
        }
        _ => edit_lines(files, rng),
    }
}

/// Harms whole lines of the one text that all files are, and says how.
fn edit_lines(files: &mut Files, rng: &mut Rng) -> &'static str {
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, bytes) in files.iter() {
        let pieces = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.extend(pieces.map(|line| (name.clone(), line.to_vec())));
    }
    // `journal-….jsonl` sorts before `journal.jsonl`: this is the order of the chain.
    let (one, two) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
    let word = match rng.u8(0..8) {
        0 => {
            let (a, b) = (lines[one].1.clone(), lines[two].1.clone());
            lines[one].1 = b;
            lines[two].1 = a;
            "two lines exchanged"
        }
        1 => {
            lines.remove(one);
            "a line taken out"
        }
        2 => {
            let copy = lines[one].clone();
            lines.insert(two, copy);
            "a line doubled"
        }
        3 => {
            let moved = lines.remove(one);
            lines.insert(two.min(lines.len()), moved);
            "a line moved"
        }
        4 => {
            lines.truncate(one.max(1));
            "the end cut at a line's border"
        }
        5 => {
            forge(&mut lines[one].1, None, rng);
            "a line changed with its hash"
        }
        6 => {
            lines.drain(..=one.min(lines.len() - 2));
            "the beginning cut at a line's border"
        }
        _ => {
            let mut previous = None;
            for (place, (_, line)) in lines.iter_mut().enumerate().skip(one) {
                let changes = if place == one { None } else { previous };
                previous = forge(line, changes, rng).or(previous);
            }
            "the chain written anew from a changed line on"
        }
    };
    files.clear();
    for (name, line) in lines {
        files.entry(name).or_default().extend(line);
    }
    word
}

/// Changes a line, or its link, and gives it the hash that fits; answers that hash.
fn forge(line: &mut Vec<u8>, previous: Option<Digest>, rng: &mut Rng) -> Option<Digest> {
    let text = String::from_utf8(line.clone()).ok()?;
    let (body, _) = text.split_once(",\"hash\":\"")?;
    let body = match previous {
        None => {
            let times = rng.usize(1..5);
            body.replace("\"at\":\"20", &format!("\"at\":\"{}", 20 + times))
        }
        Some(previous) => {
            let (before, rest) = body.split_once("\"previous\":\"")?;
            format!("{before}\"previous\":\"{previous}{}", &rest[64..])
        }
    };
    let hash = Digest::of(body.as_bytes());
    *line = format!("{body},\"hash\":\"{hash}\"}}\n").into_bytes();
    Some(hash)
}
