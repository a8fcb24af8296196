//! Answers that are well formed and untrue: stale, empty, or without an object that is there.

use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{GroupKind, WorldGroup};

use super::{MEMBERSHIPS_MAX, converges, in_parallel, nothing_is_lost};
use crate::admin::{a_day_later, waiting};
use crate::stage::Stage;

#[test]
fn a_stale_replica_deletes_nothing_and_removes_no_more_than_the_guards_admit() {
    let mut cases = Vec::new();
    for edits in [1, 2, 3, 5, 60] {
        for place in [Where::Any, Where::Groups, Where::Members, Where::Flags] {
            cases.push((edits, place));
        }
    }
    in_parallel(&cases, |stage, _, (edits, place)| {
        let what = format!("a replica {edits} edits behind on {place:?}");
        stage.product.run(&["apply"]).expect(0);
        stage.domain.clear_operations();
        let _forgotten = std::fs::remove_file(stage.product.path().join("state/journal.jsonl"));
        stage.tenant.order(Order::always(place.clone(), Fault::StaleReplica { edits: *edits }));
        let ran = stage.product.run(&["apply"]);
        assert!([0, 3, 4].contains(&ran.code), "{what}: {} {}{}", ran.code, ran.stdout, ran.stderr);
        nothing_is_lost(stage, &what);
        converges(stage, &what);
    });
}

#[test]
fn a_well_formed_empty_answer_deletes_nothing_and_removes_no_more_than_the_guards_admit() {
    let stage = Stage::written();
    let groups: Vec<_> = stage.tenant.cloud().groups().map(|group| group.id).collect();
    let mut orders: Vec<Vec<Order>> =
        [Where::Groups, Where::DeletedGroups, Where::Flags, Where::Members]
            .into_iter()
            .map(|place| vec![Order::always(place, Fault::EmptyAnswer)])
            .collect();
    for id in groups {
        orders.push(vec![Order::always(Where::MembersOf(id), Fault::EmptyAnswer)]);
        orders.push(vec![Order::always(Where::Any, Fault::OmitFromListing(id))]);
        orders.push(vec![Order::always(Where::Flags, Fault::OmitFromFlagListing(id))]);
    }
    for orders in orders {
        let what = format!("{orders:?}");
        a_day_later(&stage.product);
        stage.domain.clear_operations();
        for order in orders {
            stage.tenant.order(order);
        }
        let ran = stage.product.run(&["apply"]);
        assert!([0, 3, 4].contains(&ran.code), "{what}: {} {}{}", ran.code, ran.stdout, ran.stderr);
        let (members, deleted) = stage.removals();
        assert!(members <= MEMBERSHIPS_MAX && deleted == 0, "{what}: {members} {deleted}");
        stage.tenant.clear_orders();
        stage.product.run(&["apply"]).expect(0);
        assert_eq!(stage.held(), stage.wanted(), "{what}");
    }
    stage.product.run(&["plan"]).expect(0);
}

#[test]
fn a_group_that_is_hidden_is_not_made_a_second_time() {
    let stage = Stage::written();
    let finance = stage.dn("Finance");
    stage.domain.hide(&finance).unwrap();
    let before = stage.portraits();
    stage.domain.clear_operations();
    let ran = stage.product.run(&["apply"]);
    assert!(ran.code != 0, "{}", ran.stdout);
    assert_eq!(stage.portraits(), before, "{}", ran.stdout);
    stage.domain.unhide();
    converges(&stage, "a hidden group");
}

#[test]
fn a_lagging_replica_is_held_by_a_daemon_that_remembers() {
    let stage = Stage::small();
    // It makes a pass when it is asked, and none that sees a part of them hidden.
    let daemon = waiting(&stage);
    let pass = |code| drop(stage.product.run(&["apply"]).expect(code));
    let before = stage.portraits();
    for entry in stage.owned() {
        stage.domain.hide(&entry.dn).unwrap();
    }
    (0..3).for_each(|_| pass(3));
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let status = daemon.status();
    let holds = status["plan"]["held"].as_array().unwrap();
    assert!(holds.iter().any(|hold| hold["row"] == "DirectoryGroupGone"), "{status:#}");
    stage.domain.unhide();
    (0..2).for_each(|_| pass(0));
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.portraits(), before);
    assert_eq!(daemon.status()["plan"]["heldChanges"], 0, "{:#}", daemon.status());
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}

#[test]
fn a_replica_that_has_never_heard_of_a_group_deletes_it_in_no_daemon() {
    let stage = Stage::small();
    stage.product.reconfigure("confirmAfter: 1s", "confirmAfter: 10m");
    let id = uuid::Uuid::from_u128(0xfe11);
    let young = WorldGroup::new(id, "Young", "young", GroupKind::Microsoft365);
    stage.tenant.edit(|cloud| cloud.create_group(young));
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    stage.domain.clear_operations();
    stage.tenant.order(Order::always(Where::Any, Fault::StaleReplica { edits: 1 }));
    daemon.passes(4);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.tenant.clear_orders();
    daemon.passes(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}
