//! The tenant answers, and its answers are not true: no groups, half the members, ids alone, an
//! older replica, links that vanish. And the same where they are true.

use std::sync::Arc;

use fastrand::Rng;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{GroupKind, WorldGroup, random_id};

use crate::estate::{BUDGET, Estate, held_digest, seed, stop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_shows_no_groups_takes_nothing_away() {
    let estate = Estate::written("acc-nogroups").await;
    let before = estate.reading();
    estate.tenant.order(Order::always(Where::Groups, Fault::EmptyAnswer));
    estate.take_out(estate.groups[0], 1);
    let ran = estate.run(&["apply"]).expect(4);
    assert!(ran.stdout.contains("12 unknown"), "{}", ran.stdout);
    let metrics = estate.metrics();
    assert!((metrics["writeback_groups{state=\"unknown\"}"] - 12.0).abs() < 0.1, "{metrics:?}");
    assert_eq!(estate.reading(), before);
    // The lie ends, and what was true of it is done.
    estate.tenant.clear_orders();
    estate.run(&["apply"]).expect(0);
    let after = estate.assert_in_step();
    assert_eq!(after.lost_since(&before).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_are_really_deleted_by_the_dozen_wait_for_a_person() {
    let estate = Estate::written("acc-deleted").await;
    let before = estate.reading();
    for group in &estate.groups[..5] {
        estate.cloud(|cloud| cloud.hard_delete_group(*group));
    }
    let first = estate.run(&["apply"]).expect(0);
    assert!(first.stdout.contains("5 unconfirmed"), "{}", first.stdout);
    let mut daemon = estate.product.daemon();
    let address = daemon.status.clone();
    daemon.until("the deletions are confirmed and held", || {
        let (_, body) = crate::product::get(&address, "/api/v1/status");
        let status: serde_json::Value = serde_json::from_str(&body).ok()?;
        status["plan"]["heldDigest"].as_str().map(str::to_owned)
    });
    stop(daemon);
    let held = estate.held(3, &["GroupsRemoved"]);
    assert_eq!(held.objects("delete").len(), 5);
    assert_eq!(estate.reading(), before);
    let after = estate.approve_exactly(&held);
    assert_eq!(after.0.len(), 7);
    estate.run(&["apply"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_shows_half_the_members_takes_nothing_away() {
    let estate = Estate::written("acc-half").await;
    let before = estate.reading();
    estate.tenant.order(Order::always(Where::Members, Fault::HalfTheMembers));
    let held = estate.held(3, &["MembershipsRemoved", "OneGroup"]);
    let wrong = held.values(&estate.lab, "remove_members", &before);
    assert!(wrong.len() > 100, "{}", wrong.len());
    assert_eq!(estate.reading(), before);
    // The lie ends: nothing is wanted any more of what was held, and a late word lets nothing
    // through.
    estate.tenant.clear_orders();
    estate.run(&["apply", "--approve", &held.digest]).expect(0);
    assert_eq!(estate.reading(), before);
    estate.run(&["apply", "--approve", &held.digest]).expect(1);
    // Now it is true.
    for group in &estate.groups[2..6] {
        let size = estate.tenant.cloud().group(*group).unwrap().members.len();
        estate.take_out(*group, size / 2);
    }
    let held = estate.held(3, &["MembershipsRemoved", "OneGroup"]);
    assert_eq!(held.values(&estate.lab, "remove_members", &before).len(), 5 + 6 + 7 + 8);
    assert_eq!(estate.reading(), before);
    estate.approve_exactly(&held);
    estate.assert_in_step();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_which_only_type_and_id_show_leave_their_groups_alone() {
    let estate = Estate::written("acc-ids").await;
    let before = estate.reading();
    estate.tenant.order(Order::always(Where::Members, Fault::NullWitnesses));
    estate.take_out(estate.groups[3], 2);
    estate.put_in(estate.groups[4], 2);
    let ran = estate.run(&["apply"]).expect(4);
    assert!(ran.stdout.contains("12 unknown"), "{}", ran.stdout);
    let metrics = estate.metrics();
    assert!((metrics["writeback_groups{state=\"unknown\"}"] - 12.0).abs() < 0.1, "{metrics:?}");
    assert_eq!(estate.reading(), before);
    estate.tenant.clear_orders();
    estate.run(&["apply"]).expect(0);
    estate.assert_in_step();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_replica_takes_nothing_away_beyond_the_budget() {
    let estate = Estate::written("acc-replica").await;
    let earlier = estate.tenant.cloud();
    for group in &estate.groups[3..8] {
        estate.put_in(*group, 4);
    }
    let mut late = WorldGroup::new(
        random_id(&mut Rng::with_seed(seed("late"))),
        "Late",
        "acc-late",
        GroupKind::Microsoft365,
    );
    late.members = estate.people[..9].to_vec();
    let late = {
        let id = late.id;
        estate.tenant.edit(|cloud| cloud.create_group(late));
        id
    };
    estate.settle();
    let before = estate.assert_in_step();
    assert!(before.anchored(late).is_some());

    estate.tenant.serve_older(Arc::clone(&earlier));
    // What is wrong with the reading comes before what is held.
    let held = estate.held(4, &["MembershipsRemoved"]);
    assert_eq!(held.values(&estate.lab, "remove_members", &before).len(), 5 * 4);
    assert_eq!(estate.reading(), before);
    estate.tenant.serve_present();
    estate.run(&["apply"]).expect(0);
    assert_eq!(estate.reading(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_vanish_take_nobody_out() {
    let estate = Estate::written("acc-links").await;
    let before = estate.reading();
    let everybody = estate.people.clone();
    estate.tenant.edit(|cloud| cloud.lose_links(everybody.iter().copied()));
    estate.take_out(estate.groups[5], 2);
    let ran = estate.run(&["apply"]).expect(4);
    assert!(ran.stdout.contains("LinksUnreadable"), "{}", ran.stdout);
    assert_eq!(estate.reading(), before);
    // A third of them stays without.
    estate.tenant.edit(|cloud| {
        everybody.iter().skip(15).for_each(|person| cloud.unsay(*person));
    });
    let ran = estate.run(&["apply"]).expect(0);
    assert!(ran.stdout.contains("LinkLost"), "{}", ran.stdout);
    let lost = estate.reading().lost_since(&before);
    assert!(lost.len() <= 2, "{lost:?}");
    assert!(lost.is_subset(&before.values()), "{lost:?}");
    estate.tenant.edit(|cloud| everybody.iter().for_each(|person| cloud.unsay(*person)));
    estate.run(&["apply"]).expect(0);
    estate.assert_in_step();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_passes_of_three_percent_are_one_removal_of_thirty() {
    let estate = Estate::written("acc-drip").await;
    let start = estate.reading();
    let mut codes = Vec::new();
    for pass in 0..10 {
        // Seven of 246, never two of one group: no group loses a quarter.
        for step in 0..7 {
            estate.take_out(estate.groups[(pass + step) % 7 + 5], 1);
        }
        let ran = estate.run(&["apply"]);
        codes.push(ran.code);
        let lost = estate.reading().lost_since(&start).len();
        assert!(lost <= BUDGET, "{lost} memberships are gone after pass {pass}:\n{}", ran.stdout);
    }
    assert_eq!(codes, [0, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
    let held = estate.run(&["apply"]).expect(3);
    assert!(held.stdout.contains(", counted over 24 h"), "{}", held.stdout);
    assert!(held_digest(&held.stdout).is_some());
    let before = estate.reading();
    assert_eq!(before.lost_since(&start).len(), 7);
    let rows = ["MembershipsRemoved", "OneGroup"];
    let held = estate.held(3, &rows);
    assert_eq!(held.values(&estate.lab, "remove_members", &before).len(), 63);
    estate.approve_exactly(&held);
    assert_eq!(estate.assert_in_step().lost_since(&start).len(), 70);
}
