//! Groups that go: deleted in the tenant or by somebody in the directory, one or many,
//! confirmed or not.

use jiff::Timestamp;
use serde_json::Value;
use writeback::sim::domain::{self, OperationKind};

use super::settled;
use crate::stage::{PEOPLE, Stage, until};

#[test]
fn a_hard_deleted_group_is_deleted_after_a_second_look_and_not_before() {
    let stage = Stage::small();
    stage.product.reconfigure("confirmAfter: 1s", "confirmAfter: 4s");
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    stage.domain.clear_operations();
    let board = stage.id("Board");
    let dn = stage.dn("Board");
    // Soft-deleted: frozen, and taken up again when it comes back.
    stage.cloud(|cloud| cloud.soft_delete_group(board));
    daemon.passes(6);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.cloud(|cloud| cloud.restore_group(board));
    daemon.passes(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    // Both answers to the deletion are lost once: before it is done, and after.
    let on_delete = || domain::Where::Kind(OperationKind::Delete);
    stage.domain.order(domain::Order::new(on_delete(), domain::Fault::CutBefore));
    stage.domain.order(domain::Order::new(on_delete(), domain::Fault::CutAfter).after(1));
    daemon.passes(1);
    // Whichever pass misses it first begins after this.
    let ended = time(&daemon.status()["lastPass"]["endedAt"]);
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    until("the group is deleted", || !stage.domain.edit(|tree| tree.exists(&dn)));
    let journal = stage.product.journal();
    let intent = journal.iter().find(|line| line["operation"] == "delete").unwrap();
    let waited = time(&intent["at"]).duration_since(ended);
    assert!(waited.as_secs() >= 4, "{waited}");
    until("the orders are out", || stage.domain.open_orders() == 0);
    daemon.passes(2);
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(stage.removals(), (0, 1));
    stage.journal_announces_every_write();
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_hard_deleted_group_is_only_unconfirmed_to_the_first_pass_that_misses_it() {
    let stage = Stage::written();
    let board = stage.id("Board");
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    stage.domain.clear_operations();
    for command in ["plan", "apply"] {
        let ran = stage.product.run(&[command]).expect(0);
        assert!(ran.stdout.contains("unconfirmed"), "{}", ran.stdout);
    }
    assert!(stage.writes().is_empty());
    // The next process remembers that it was missed.
    until("a second pass confirms it", || {
        stage.product.run(&["apply"]).expect(0);
        stage.removals() == (0, 1)
    });
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn many_deletions_at_once_are_held() {
    let (stage, mut daemon) = settled();
    let gone = ["Finance", "Engineering", "Board"].map(|name| stage.id(name));
    stage.cloud(|cloud| gone.into_iter().try_for_each(|id| cloud.hard_delete_group(id)));
    until("the deletions are held", || {
        let status = daemon.status();
        let holds = status["plan"]["held"].as_array().cloned().unwrap_or_default();
        holds.iter().any(|hold| hold["row"] == "GroupsRemoved")
    });
    daemon.passes(2);
    assert_eq!(stage.removals().1, 0);
    assert_eq!(stage.owned().len(), 8);
}

#[test]
fn a_group_that_somebody_deletes_in_the_directory_is_held_and_not_made_anew() {
    let (stage, mut daemon) = settled();
    let board = stage.dn("Board");
    stage.domain.edit(|tree| tree.remove(&board)).unwrap();
    until("it is missed", || {
        daemon.status()["plan"]["heldChanges"].as_u64().is_some_and(|n| n > 0)
    });
    daemon.passes(2);
    let status = daemon.status();
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert!(!stage.domain.edit(|tree| tree.exists(&board)));
    assert!(
        status["plan"]["held"].as_array().unwrap().iter().any(|h| h["row"] == "DirectoryGroupGone")
    );
    let finding = status["plan"]["findings"].as_array().unwrap();
    assert!(finding.iter().any(|f| f["code"] == "DirectoryGroupGone"), "{status:#}");
    // The others go on.
    stage.put_in("Engineering", &["Ada Lovelace"]);
    let engineering = format!("Group_{}", stage.id("Engineering"));
    until("the others go on", || stage.held()[&engineering].1.contains("ada.lovelace"));
}

#[test]
fn a_group_moved_out_of_the_containers_is_not_made_again() {
    let (stage, mut daemon) = settled();
    let board = stage.dn("Board");
    let elsewhere = stage.domain.edit(|tree| tree.move_to(&board, PEOPLE)).unwrap();
    // A pass that had seen it where it was may be under way.
    daemon.passes(1);
    stage.put_in("Board", &["Ada Lovelace"]);
    daemon.passes(3);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert!(stage.domain.edit(|tree| tree.exists(&elsewhere)));
    let status = daemon.status().to_string();
    assert!(status.contains("OutsideContainers"), "{status}");
    // The same for one that remembers nothing.
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    stage.product.run(&["apply"]);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}
