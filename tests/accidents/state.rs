//! The state is deleted between two passes, or put back with its journal as they were: nobody knows
//! any more what was removed already.

use std::fs;
use std::path::Path;

use crate::estate::Estate;

/// Copies state and journal, each over the file of that name where there is one.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// One leaves and two come.
fn ordinary(estate: &Estate) {
    estate.take_out(estate.groups[6], 1);
    estate.put_in(estate.groups[7], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_directory_that_is_deleted_lets_every_removal_wait() {
    let estate = Estate::written("acc-state").await;
    let before = estate.reading();
    fs::remove_dir_all(estate.product.path().join("state")).unwrap();
    ordinary(&estate);
    let held = estate.held(3, &["MembershipsRemoved"]);
    let message = held.plan["held"][0]["message"].as_str().unwrap();
    assert!(message.contains("the state is fresh, was lost or is an older copy"), "{message}");
    let now = estate.reading();
    assert!(now.lost_since(&before).is_empty());
    assert_eq!(before.lost_since(&now).len(), 2, "whoever comes does not wait");
    estate.approve_exactly(&held);
    estate.assert_in_step();
    // The day is not over by one word.
    estate.take_out(estate.groups[8], 1);
    estate.run(&["apply"]).expect(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_deleted_beside_its_journal_is_told_as_lost() {
    let estate = Estate::written("acc-redb").await;
    // A journal of one pass alone may be that of a first pass that was cut off.
    ordinary(&estate);
    estate.settle();
    // The journal still tells what was added today, so that it counts for nothing that it goes:
    // this one somebody else put in.
    let dn = estate.reading().anchored(estate.groups[6]).unwrap().dn.clone();
    estate.lab.add_value(&dn, "member", &estate.lab.users[47].dn);
    let before = estate.reading();
    fs::remove_file(estate.product.path().join("state/state.redb")).unwrap();
    let ran = estate.run(&["apply"]).expect(3);
    assert!(ran.stderr.contains("what was remembered is lost"), "{}", ran.stderr);
    let held = estate.held(3, &["MembershipsRemoved"]);
    assert!(estate.reading().lost_since(&before).is_empty());
    estate.approve_exactly(&held);
    estate.assert_in_step();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_and_a_journal_put_back_together_let_every_removal_wait() {
    let estate = Estate::written("acc-both").await;
    let [state, backup] = ["state", "backup"].map(|name| estate.product.path().join(name));
    copy(&state, &backup);
    // What was removed since then counts, and nobody will know of it.
    ordinary(&estate);
    estate.run(&["apply"]).expect(0);
    copy(&backup, &state);
    let before = estate.reading();
    estate.take_out(estate.groups[8], 1);
    estate.put_in(estate.groups[9], 2);
    let ran = estate.run(&["apply"]).expect(3);
    assert!(ran.stderr.contains("put back from a backup, or moved here"), "{}", ran.stderr);
    let held = estate.held(3, &["MembershipsRemoved"]);
    let now = estate.reading();
    assert!(now.lost_since(&before).is_empty());
    assert_eq!(before.lost_since(&now).len(), 2, "whoever comes does not wait");
    estate.approve_exactly(&held);
    estate.assert_in_step();
}
