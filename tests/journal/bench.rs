//! Journals to be harmed: operations, outcomes, notes, and the files as bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;
use writeback::journal::entry::Entry;
use writeback::journal::verify::{KnownHead, Verification, verify};
use writeback::journal::{Context, Journal, JournalHead, Note, Options, read};
use writeback::model::change::LastSight;
use writeback::model::{
    AttributeChange, Cause, Containers, Digest, Dn, ObjectGuid, ObjectId, Operation, Outcome,
    PolicyName, Spend, Target,
};

pub const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A folder in memory where there is one: thousands of journals are synced, and none of them has to
/// outlive the test.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

pub fn id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(0x1d << 96 | number))
}

pub fn guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0x9d << 96 | number))
}

pub fn target(name: &str, object: Option<ObjectGuid>) -> Target {
    let container = Dn::parse(CONTAINER).unwrap();
    let containers = Containers::new(vec![container.clone()]);
    match object {
        Some(object) => containers.admit(object, container.child(name)).unwrap(),
        None => containers.admit_new(container.child(name)).unwrap(),
    }
}

pub fn context(group: ObjectId, plan: &str) -> Context {
    Context {
        policy: PolicyName::parse("finance").unwrap(),
        group,
        cause: Cause::Cloud("its members changed".to_owned()),
        plan: Digest::of(plan.as_bytes()),
        generation: Some(Digest::of(b"policy")),
        file: Some("policies/finance.yaml".to_owned()),
        revision: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        spends: vec![Spend::Group(group)],
    }
}

/// A time that grows by a second with each step.
pub fn at(step: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + step).unwrap()
}

pub fn options(rotate_bytes: u64) -> Options {
    Options { rotate_bytes, retention: SignedDuration::from_hours(24) }
}

pub fn done() -> Outcome {
    Outcome::Done { object: None }
}

/// Any operation.
pub fn operation(rng: &mut Rng) -> Operation {
    let group = rng.u128(0..20);
    let target = target(&format!("Group \"{group}\" \u{e9}\\"), Some(guid(group)));
    let members = (0..rng.usize(1..6)).map(|_| guid(rng.u128(100..200))).collect();
    let changed = AttributeChange {
        name: "displayName".into(),
        before: rng.bool().then(|| "before".to_owned()),
        after: Some(format!("after\n\u{1b}{}", rng.u8(..))),
    };
    match rng.u8(0..7) {
        0 => Operation::Add {
            target: self::target(&format!("Group {group}"), None),
            attributes: vec![("cn".into(), format!("Group {group}"))],
        },
        1 => Operation::Modify { target, attributes: vec![changed] },
        2 => Operation::AddMembers { target, members },
        3 => Operation::RemoveMembers { target, members },
        4 => Operation::ModifyDn {
            target,
            to: self::target(&format!("Other {group}"), Some(guid(group))),
        },
        5 => Operation::Restore { target, attributes: vec![changed] },
        _ => {
            let attributes = vec![("cn".into(), "x".to_owned())];
            Operation::Delete { target, last: LastSight { attributes, members } }
        }
    }
}

pub fn outcome(rng: &mut Rng) -> Outcome {
    match rng.u8(0..5) {
        0 => Outcome::AlreadySo { object: Some(guid(1)) },
        1 => Outcome::Refused { message: "00002035: \"no\"".to_owned() },
        2 => Outcome::Unknown { message: "the answer was lost".to_owned() },
        _ => Outcome::Done { object: Some(guid(2)) },
    }
}

/// Writes `steps` steps: operations with their outcomes, now and then a note.
pub fn write_on(journal: &mut Journal, rng: &mut Rng, steps: i64) {
    for step in 0..steps {
        if rng.u8(0..6) == 0 {
            let digest = Digest::of(&[rng.u8(..)]);
            let note = match rng.u8(0..4) {
                0 => Note::Approval {
                    digest,
                    approved_by: "someone@corp.example".to_owned(),
                    not_after: at(step + 3600),
                    items: 7,
                    place: (step % 2 == 0).then(|| "policies/today.yaml:3".to_owned()),
                },
                1 => Note::ApprovalUsed { digest },
                2 => Note::Held { digest, holds: vec!["removes 40 of 100".to_owned()] },
                _ => Note::Undo { changeset: digest },
            };
            journal.note(note, at(step)).unwrap();
        } else {
            let context = context(id(rng.u128(0..20)), "plan");
            let recorded = journal.intend(operation(rng), &context, at(step)).unwrap();
            journal.conclude(&recorded, &outcome(rng), at(step)).unwrap();
        }
    }
}

/// The journal's files.
pub fn files(directory: &Path) -> Files {
    let mut files = Files::new();
    for item in fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}

/// Makes the directory hold these files and no other.
pub fn lay(directory: &Path, files: &Files) {
    for item in fs::read_dir(directory).unwrap() {
        let item = item.unwrap();
        if !files.contains_key(item.file_name().to_str().unwrap()) {
            fs::remove_file(item.path()).unwrap();
        }
    }
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

pub fn check(directory: &Path, head: JournalHead) -> Verification {
    verify(directory, Some(&KnownHead::Exact(head))).unwrap()
}

#[track_caller]
pub fn assert_whole(directory: &Path, head: JournalHead) {
    let found = check(directory, head);
    assert!(found.is_whole(), "{found}");
    assert_eq!(found.torn_end, None, "{found}");
}

/// Every entry; all of them can be read.
#[track_caller]
pub fn all(directory: &Path) -> Vec<Entry> {
    read::entries(directory).unwrap().map(Result::unwrap).collect()
}
