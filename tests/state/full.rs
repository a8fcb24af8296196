//! A disk that is full or fails, at every call in turn.

use writeback::state::{Found, Saved, State, StateError};

use crate::disk::Disk;
use crate::memories::memory;
use crate::{binding, nowhere};

/// ENOSPC and EIO of Linux (errno(3)).
const ERRORS: [i32; 2] = [28, 5];

fn is_of_the_disk(error: &StateError) -> bool {
    matches!(error, StateError::Unusable { .. } | StateError::Write { .. })
}

#[test]
fn a_disk_that_fails_at_any_call_is_named_and_the_last_save_stays() {
    let memories = [memory(0, 3), memory(1, 12)];
    let all = {
        let disk = Disk::default();
        let (mut state, _) = State::open_backend(disk.clone(), nowhere(), binding()).unwrap();
        state.save(&memories[0], None, None).unwrap();
        state.save(&memories[1], None, None).unwrap();
        disk.calls()
    };
    assert!(all > 20, "only {all} calls");
    let mut failures = 0;
    for error in ERRORS {
        for call in 0..all {
            let disk = Disk::default();
            disk.fail(Some((call, error)));
            let mut kept = None;
            match State::open_backend(disk.clone(), nowhere(), binding()) {
                Err(fault) => {
                    failures += 1;
                    assert!(is_of_the_disk(&fault), "call {call}: {fault:?}");
                }
                Ok((mut state, _)) => {
                    for memory in &memories {
                        match state.save(memory, None, None) {
                            Ok(_) => kept = Some(memory),
                            Err(fault) => {
                                failures += 1;
                                assert!(is_of_the_disk(&fault), "call {call}: {fault:?}");
                                let next = state.save(memory, None, None).unwrap_err();
                                assert!(matches!(next, StateError::Broken { .. }), "{next:?}");
                                break;
                            }
                        }
                    }
                }
            }
            disk.fail(None);
            let opened = State::open_backend(disk, nowhere(), binding());
            let (mut state, opened) = opened.unwrap();
            let flying = kept.map_or(&memories[0], |_| &memories[1]);
            match kept {
                None if opened.status == (Found::Fresh { lost: false }) => {}
                None => assert_eq!(&opened.memory, flying),
                Some(kept) => assert!(opened.memory == *kept || opened.memory == *flying),
            }
            assert_ne!(state.save(&memory(2, 2), None, None).unwrap(), Saved::Unchanged);
        }
    }
    assert!(failures > 40, "only {failures} failures were seen");
}

#[test]
fn a_full_disk_is_told_with_the_file_and_the_reason() {
    let disk = Disk::default();
    let (mut state, _) = State::open_backend(disk.clone(), nowhere(), binding()).unwrap();
    disk.fail(Some((0, ERRORS[0])));
    let fault = state.save(&memory(0, 3), None, None).unwrap_err();
    assert_eq!(fault.to_string(), "write the state memory");
    let source = std::error::Error::source(&fault).unwrap().to_string();
    assert!(source.contains("No space left on device"), "{source}");
}
