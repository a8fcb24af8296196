//! What a hold keeps back, and what goes on beside it: the other policies, who left, who moves
//! between two groups; and that its digest is one and the same in every order.

use jiff::SignedDuration;
use writeback::decide::guard::{Answers, Row};
use writeback::model::ObjectId;
use writeback::model::change::MemberReference;
use writeback::model::policy::{Additions, Creations, Least, OnTrip, Place, Share};

use super::{INSIDE, deletions, shrunk, taken};
use crate::check::{canonical, guarded_only};
use crate::observed::Order;
use crate::passes::{
    count, fleet, hard_delete, known, left, pass, pass_with, spent, strs, weigh, words,
};
use crate::world::{World, id, object, policy_name, record, world};

#[test]
fn a_message_holds_value_limit_place_and_command() {
    let mut world = fleet(10).policy(|p| {
        p.guard.groups_removed = Share { percent: 0, most: 0, most_per_thousand: 0, at_least: 2 };
        let place = Place { file: "p.yaml".to_owned(), line: 44, column: 7 };
        p.guard.places.insert("groupsRemoved", place);
    });
    for word in words("g", 3) {
        hard_delete(&mut world, &word);
    }
    let passed = pass(&mut world);
    let hold = passed.held.holds.first().expect("a hold");
    let expected = format!(
        "3 groups would be removed; the limit is 2 (`spec.guard.groupsRemoved` at p.yaml:44:7); \
         `writeback approve {}` passes it once",
        passed.digest().short()
    );
    assert_eq!(hold.message, expected);
    let default = deletions(4, 0, INSIDE, "p");
    let message = &default.held.holds.first().expect("a hold").message;
    assert!(message.contains("the default of `spec.guard.groupsRemoved`"), "{message}");
}

#[test]
fn a_policy_that_holds_all_holds_all_of_its_own_changes_and_no_others() {
    let tripping = |on_trip| {
        let members = words("u", 10);
        let world = known(
            world()
                .both("sales", &strs(&members))
                .both("hr", &[])
                .both("far", &[])
                .also("q", |q| q.selection.include = Some(vec![crate::world::only(&["far"])]))
                .policy(|p| p.selection.exclude = vec![crate::world::only(&["far"])])
                .policy(|p| p.guard.on_trip = on_trip)
                .directory("far", |group| {
                    let active = writeback::model::record::RecordState::Active;
                    group.records = vec![record("far", "q", active)];
                }),
        );
        let mut world = world.group("sales", &["u0"]).group("hr", &["u1"]).group("far", &["u1"]);
        pass(&mut world).lines
    };
    let removed = "held remove sales: u1 u2 u3 u4 u5 u6 u7 u8 u9";
    assert_eq!(tripping(OnTrip::HoldTripped), ["add hr: u1", "add far: u1", removed]);
    assert_eq!(tripping(OnTrip::HoldPolicy), ["add far: u1", "held add hr: u1", removed]);
}

#[test]
fn a_privileged_path_holds_its_additions_alone_even_where_a_policy_holds_all() {
    let world = known(world().both("sales", &["ann", "bob"]).both("hr", &[]))
        .policy(|p| p.guard.on_trip = OnTrip::HoldPolicy)
        .above("Admins", true, &[])
        .inside("sales", &["Admins"]);
    let mut world = world.group("sales", &["ann", "carl"]).group("hr", &["ann"]);
    let lines = pass(&mut world).lines;
    assert_eq!(lines, ["add hr: ann", "remove sales: bob", "held add sales: carl"]);
}

#[test]
fn who_is_kept_out_of_a_privileged_path_does_not_save_it_from_being_emptied() {
    let world = known(world().both("sales", &["ann", "bob", "carl"]))
        .above("Admins", true, &[])
        .inside("sales", &["Admins"]);
    let mut world = world.group("sales", &["dora"]);
    let rows: Vec<_> = pass(&mut world).rows().into_iter().map(|(row, ..)| row).collect();
    assert_eq!(rows, [Row::ToEmpty, Row::PrivilegedPath]);
    assert_eq!(count(&world, "sales"), 3);
}

#[test]
fn who_moves_between_two_nested_groups_waits_for_the_second() {
    // Two may be added to `b`; `ann` of `a` goes there with two others.
    let world = known(
        world()
            .both("outer", &["group:a", "group:b"])
            .both("a", &["ann", "bob", "carl"])
            .both("b", &["dora"])
            .policy(|p| p.guard.additions = Additions { times: 0, at_least: 2 }),
    );
    let mut moved = world.clone().group("a", &["carl"]).group("b", &["dora", "ann", "eve", "fay"]);
    let lines = pass(&mut moved).lines;
    assert_eq!(lines, ["remove a: bob", "held add b: ann eve fay", "held remove a: ann"]);
    let mut moved = world.group("a", &["carl"]).group("b", &["dora", "ann", "eve"]);
    let lines = pass(&mut moved).lines;
    assert_eq!(lines, ["add b: ann eve", "remove a: ann bob"]);
}

#[test]
fn who_moves_to_a_group_that_is_not_made_yet_waits_for_it() {
    let world = known(world().both("a", &["ann", "bob"]))
        .policy(|p| p.guard.creations = Creations { most: 0, percent: 0, percent_from: 1 });
    let mut world = world.group("a", &["bob"]).group("b", &["ann"]);
    let lines = pass(&mut world).lines;
    assert!(lines.contains(&"held remove a: ann".to_owned()), "{lines:?}");
    assert_eq!(count(&world, "a"), 2);
}

#[test]
fn who_moves_to_a_privileged_path_is_removed_all_the_same() {
    let world = known(world().both("a", &["ann", "bob"]).both("b", &[]))
        .above("Admins", true, &[])
        .inside("b", &["Admins"]);
    let mut world = world.group("a", &["bob"]).group("b", &["ann"]);
    assert_eq!(pass(&mut world).lines, ["remove a: ann", "held add b: ann"]);
}

#[test]
fn leavers_go_on_while_the_rest_of_the_same_change_is_held() {
    let mut world = shrunk(10, 6, 300);
    let passed = pass_with(&mut world, &left(&["u1", "u4"]));
    assert_eq!(passed.lines, ["remove sales: u1 u4", "held remove sales: u0 u2 u3 u5"]);
    let held = passed.held.changes.first().expect("what is held");
    let writeback::model::change::Effect::RemoveMembers { members, of } = &held.effect else {
        panic!("{held:?}")
    };
    assert_eq!((members.len(), *of), (4, 10));
    assert!(members.is_sorted(), "{members:?}");
    assert!(members.iter().all(|member| matches!(member, MemberReference::Existing { .. })));
}

#[test]
fn pieces_of_a_change_that_goes_on_are_one_change_again() {
    // Leavers, values of ours and others, none held: one change, sorted.
    let mut world = shrunk(40, 6, 400);
    let now = world.now;
    world.memory.added.insert((object("sales"), object("u3")), now);
    let decision = world.decide(Order::Given);
    let guarded = weigh(&world, &decision, &left(&["u1", "u4"]));
    assert_eq!(guarded.admitted.changes(), decision.plan.changes);
}

#[test]
fn neither_order_nor_memory_reaches_the_digests_in_another_way() {
    let mut world = shrunk(20, 12, 30).group("hr", &["u0", "u1"]);
    for word in ["g1", "g2", "g3", "g4"] {
        world = world.gone(word, &[]).remembered(word, word).with(|world| {
            hard_delete(world, word);
        });
    }
    for number in 0..3 {
        spent(&mut world, INSIDE, "p", taken("sales", &format!("x{number}")));
    }
    let (answers, decision) = (left(&["u2", "u3"]), world.decide(Order::Given));
    let guarded = weigh(&world, &decision, &answers);
    let (some, more) = (guarded.held.digest(), canonical(&decision, &guarded));
    let some_item = guarded.held.sets().into_values().flatten().next().expect("an item");
    let with = |world: &mut World| {
        let items = [some_item.clone()].into();
        let (at, not_after) = (world.now, world.now + SignedDuration::from_hours(1));
        let approved_by = "ann".to_owned();
        let approval = writeback::model::Approval { items, approved_by, at, not_after };
        world.memory.approvals.insert(writeback::model::Digest::of(b"a"), approval);
    };
    let mut approved = world.clone();
    with(&mut approved);
    let told = |world: &World, order| {
        let decision = world.decide(order);
        let guarded = weigh(world, &decision, &answers);
        (guarded.held.digest(), canonical(&decision, &guarded))
    };
    let approved_told = told(&approved, Order::Given);
    assert_ne!(approved_told.0, some);
    for seed in 0..20 {
        assert_eq!(told(&world, Order::Shuffled(seed)), (some, more.clone()), "{seed}");
        assert_eq!(told(&approved, Order::Shuffled(seed)), approved_told, "{seed}");
    }
}

#[test]
fn the_changes_of_one_policy_wait_for_what_another_would_have_added() {
    // `ann` goes from a group of `p` to one of `q`; only `p` is asked for.
    let world = known(
        world()
            .both("a", &["ann", "bob"])
            .both("b", &[])
            .also("q", |q| q.selection.include = Some(vec![crate::world::only(&["b"])]))
            .policy(|p| p.selection.exclude = vec![crate::world::only(&["b"])])
            .directory("b", |group| {
                let active = writeback::model::record::RecordState::Active;
                group.records = vec![record("b", "q", active)];
            }),
    );
    let world = world.group("a", &["bob"]).group("b", &["ann"]);
    let decision = world.decide(Order::Given);
    let one = guarded_only(&world, &decision, &policy_name("p"));
    assert_eq!(one.admitted.changes(), []);
    let held: Vec<ObjectId> = one.held.changes.iter().map(|change| change.group).collect();
    assert_eq!(held, [id("a")]);
    assert_eq!(weigh(&world, &decision, &Answers::default()).admitted.changes().len(), 2);
}

#[test]
fn a_setting_of_zero_holds_everything_its_row_counts() {
    let world = shrunk(40, 1, 400).policy(|p| {
        p.guard.one_group = Least { percent: 0, at_least: 0 };
    });
    assert_eq!(pass(&mut world.clone()).rows(), [(Row::OneGroup, 1, 0)]);
}
