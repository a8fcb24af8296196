//! Files that no save left: flipped bits, rubbish, cuts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use writeback::model::Memory;
use writeback::state::{FILE_NAME, Found, State};

use crate::binding;
use crate::memories::memory;

/// A state of two saves in `folder`, and both memories.
fn two_saves(folder: &Path) -> [Memory; 2] {
    let memories = [memory(0, 20), memory(1, 25)];
    let (mut state, _) = State::open(folder, binding()).unwrap();
    for memory in &memories {
        state.save(memory, None, None).unwrap();
    }
    memories
}

/// What became of a damaged file.
#[derive(Debug, PartialEq)]
enum End {
    /// A whole save was read.
    Whole,
    /// Set aside, and a fresh one began.
    SetAside,
}

/// Opens a state directory that holds `bytes`.
fn open(bytes: &[u8], memories: &[Memory]) -> End {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, bytes).unwrap();
    let (_, opened) = State::open(folder.path(), binding()).unwrap();
    match opened.status {
        Found::Known => {
            assert!(memories.contains(&opened.memory), "half a memory was taken for whole");
            End::Whole
        }
        Found::Fresh { lost } => {
            assert!(!lost && bytes.iter().all(|byte| *byte == 0), "a state was lost silently");
            End::SetAside
        }
        Found::Damaged { set_aside, why } => {
            assert!(!why.is_empty());
            assert_eq!(fs::read(&set_aside).unwrap().len(), bytes.len());
            assert_eq!(opened.memory, Memory::default());
            End::SetAside
        }
    }
}

#[test]
fn flipped_bits_rubbish_and_cuts_are_found_or_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let memories = two_saves(folder.path());
    let bytes = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let mut random = fastrand::Rng::with_seed(67);
    // Where something is: a flip in pages never used proves nothing.
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let (mut whole, mut aside) = (0, 0);
    let mut count = |end| if end == End::Whole { whole += 1 } else { aside += 1 };
    for case in 0..700 {
        let mut damaged = bytes.clone();
        let at = used[random.usize(..used.len())];
        match case {
            // The header, which no checksum of a page covers.
            0..160 => damaged[case * 2] ^= 1 << random.u8(..8),
            160..480 => damaged[at] ^= 1 << random.u8(..8),
            480..600 => {
                let end = (at + random.usize(1..9_000)).min(bytes.len());
                damaged[at..end].fill_with(|| random.u8(..));
            }
            600..650 => damaged.truncate(random.usize(1..bytes.len())),
            650..660 => damaged.truncate(4096 * random.usize(1..bytes.len() / 4096)),
            660..670 => damaged.extend(std::iter::repeat_n(7, random.usize(1..20_000))),
            _ => {
                let page = at / 4096 * 4096;
                let end = (page + 4096).min(bytes.len());
                damaged[page..end].fill(0);
            }
        }
        count(open(&damaged, &memories));
    }
    assert!(aside >= 200 && whole >= 200, "{aside} set aside, {whole} read whole");
}

#[test]
fn what_was_never_a_state_is_set_aside() {
    for rubbish in [&b"{}"[..], &[0xff; 5_000], b"redb", &b"SQLite format 3\0".repeat(400)] {
        assert_eq!(open(rubbish, &[memory(0, 1)]), End::SetAside);
    }
}

#[test]
fn damaged_files_keep_their_own_names_and_the_new_one_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    for number in 1..=3 {
        fs::write(&path, format!("rubbish {number}")).unwrap();
        let (mut state, opened) = State::open(folder.path(), binding()).unwrap();
        let Found::Damaged { set_aside, .. } = opened.status else { panic!("{opened:?}") };
        let name = format!("{FILE_NAME}.damaged-{number}");
        assert_eq!(set_aside, folder.path().join(name));
        assert_eq!(fs::read_to_string(set_aside).unwrap(), format!("rubbish {number}"));
        state.save(&memory(0, number), None, None).unwrap();
        drop(state);
        let (_, opened) = State::open(folder.path(), binding()).unwrap();
        assert_eq!((opened.status, opened.memory), (Found::Known, memory(0, number)));
    }
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}
