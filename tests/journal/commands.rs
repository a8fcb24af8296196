//! `journal verify` and `journal show` as a user runs them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fastrand::Rng;
use serde_json::Value;
use writeback::journal::{FILE_NAME, Journal, Note, Options};
use writeback::model::{Digest, Operation};

use super::bench::{assert_whole, at, context, done, guid, id, target, write_on};

fn writeback(words: &[&str], state: &Path) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_writeback"))
        .arg("journal")
        .args(words)
        .arg("--state")
        .arg(state)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn filled(directory: &Path) -> Journal {
    let mut journal = Journal::open(directory, Options::default(), at(0)).unwrap();
    for (members, plan, step) in [(&[1, 2][..], "one", 10), (&[3], "two", 20)] {
        let members = members.iter().map(|member| guid(*member)).collect();
        let target = target("Sales\u{202e}", Some(guid(50)));
        let operation = Operation::AddMembers { target, members };
        let recorded = journal.intend(operation, &context(id(1), plan), at(step)).unwrap();
        journal.conclude(&recorded, &done(), at(step)).unwrap();
    }
    journal
}

#[test]
fn verify_ends_with_zero_or_one_and_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let journal = filled(folder.path());
    let head = journal.head().to_string();
    let (code, told, _) = writeback(&["verify"], folder.path());
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("the journal is whole: 5 lines in 1 files"), "{told}");
    assert!(told.contains("no head was given") && told.contains(&head), "{told}");
    let (code, told, _) = writeback(&["verify", "--head", &head], folder.path());
    assert!(code == 0 && !told.contains("no head was given"), "{told}");
    let path = folder.path().join(FILE_NAME);
    let whole = fs::read_to_string(&path).unwrap();
    let cut: Vec<&str> = whole.lines().take(3).collect();
    fs::write(&path, cut.join("\n") + "\n").unwrap();
    assert_eq!(writeback(&["verify"], folder.path()).0, 0, "only a head tells of the cut");
    let (code, told, _) = writeback(&["verify", "--head", &head], folder.path());
    assert!(code == 1 && told.contains("lines were cut off"), "{told}");
    fs::write(&path, whole.replace("finance.yaml", "finanCe.yaml")).unwrap();
    let (code, told, _) = writeback(&["verify"], folder.path());
    assert!(code == 1 && told.contains("! journal.jsonl: byte "), "{told}");
    let (code, _, told) = writeback(&["verify", "--head", "12"], folder.path());
    assert!(code == 64 && told.contains("a head is"), "{told}");
    let empty = tempfile::tempdir().unwrap();
    let (code, _, told) = writeback(&["verify"], empty.path());
    assert!(code == 1 && told.contains("there is no journal"), "{told}");
}

#[test]
fn show_answers_who_was_in_a_group_and_which_change_put_them_there() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let group = id(1).to_string();
    let time = at(15).to_string();
    let (code, told, _) = writeback(&["show", "--group", &group, "--at", &time], folder.path());
    assert_eq!(code, 0);
    let by = Digest::of(b"one").short();
    for number in [1, 2] {
        let line = told.lines().find(|line| line.contains(&guid(number).to_string())).unwrap();
        assert!(line.contains(&format!("by change set {by}, line 2, policy finance")), "{line}");
        assert!(line.contains("cloud: its members changed"), "{line}");
    }
    assert!(!told.contains(&guid(3).to_string()), "{told}");
    assert!(!told.contains('\u{202e}') && told.contains("\\u{202e}"), "{told}");
    let words = ["show", "--group", &guid(50).to_string(), "--at", &at(20).to_string()];
    let (_, told, _) = writeback(&[&words[..], &["--output", "json"]].concat(), folder.path());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[0]["members"].as_object().unwrap().len(), 3, "{told:#}");
    let since = &told[0]["members"][guid(3).to_string()]["since"];
    assert_eq!(since["changeset"], Digest::of(b"two").to_string());
}

#[test]
fn show_lists_what_was_done_by_group_member_change_set_and_time() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let lines = |words: &[&str]| {
        let (code, told, complaint) = writeback(&[&["show"], words].concat(), folder.path());
        assert_eq!(code, 0, "{complaint}");
        told.lines().count()
    };
    assert_eq!(lines(&[]), 3);
    assert_eq!(lines(&["--group", &id(1).to_string()]), 2);
    assert_eq!(lines(&["--member", &guid(3).to_string()]), 1);
    assert_eq!(lines(&["--changeset", &Digest::of(b"one").short()]), 1);
    assert_eq!(lines(&["--at", &at(15).to_string()]), 2);
    let (code, _, told) = writeback(&["show", "--group", "Marketing"], folder.path());
    assert!(code == 1 && told.contains("knows no such group"), "{told}");
    let (code, _, told) = writeback(&["show", "--member", "Ada"], folder.path());
    assert!(code == 1 && told.contains("give the objectGUID"), "{told}");
}

#[test]
fn show_tells_who_approved_what_and_in_which_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default(), at(0)).unwrap();
    let digest = Digest::of(b"held");
    for place in [None, Some("policies/today.yaml:3".to_owned())] {
        let (approved_by, not_after) = ("Ada".to_owned(), at(60));
        let note = Note::Approval { digest, approved_by, not_after, items: 7, place };
        journal.note(note, at(10)).unwrap();
    }
    assert_whole(folder.path(), journal.head());
    drop(journal);
    let (code, told, complaint) = writeback(&["show"], folder.path());
    assert_eq!((code, complaint.as_str()), (0, ""));
    for by in ["Ada", "Ada in policies/today.yaml:3"] {
        let line = format!("approved {} (7) by {by} until {}", digest.short(), at(60));
        assert!(told.lines().any(|told| told.ends_with(&line)), "{line}: {told}");
    }
    let (_, told, _) = writeback(&["show", "--output", "json"], folder.path());
    let told: Value = serde_json::from_str(&told).unwrap();
    // Whoever wrote no place, as earlier versions did, has none.
    assert_eq!(told[1].get("place"), None, "{told:#}");
    assert_eq!(told[2]["place"], "policies/today.yaml:3", "{told:#}");
}

#[test]
fn show_leaves_out_what_cannot_be_read_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = filled(folder.path());
    write_on(&mut journal, &mut Rng::with_seed(1), 5);
    let path = folder.path().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("\"two\"", "\"too\"", 1).replacen("\"line\":3", "\"line\":4", 1),
    )
    .unwrap();
    let (code, told, complaint) = writeback(&["show"], folder.path());
    assert_eq!(code, 1);
    assert!(told.lines().count() > 4, "{told}");
    assert!(complaint.contains("1 places of the journal cannot be read"), "{complaint}");
}

#[test]
fn show_says_why_there_is_nothing_to_show() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, why) = writeback(&["show"], folder.path());
    assert!(code == 0 && told.is_empty(), "{told}");
    let place = folder.path().display();
    assert_eq!(
        why.trim_end(),
        format!("writeback: the journal in {place} is empty: nothing was written yet")
    );
    drop(filled(folder.path()));
    let none = Digest::of(b"none").short();
    let (code, told, why) = writeback(&["show", "--changeset", &none], folder.path());
    assert!(code == 0 && told.is_empty(), "{told}");
    assert!(why.contains("nothing in the journal is what was asked for"), "{why}");
    let (_, told, why) = writeback(&["show"], folder.path());
    assert!(!told.is_empty() && why.is_empty(), "{why}");
}
