//! Another writer that puts values back: counted, then left alone for a day.

use jiff::SignedDuration;
use writeback::decide::contest::REVERSALS_MAX;
use writeback::model::FindingCode;
use writeback::model::change::Cause;

use crate::check::lines;
use crate::observed::Order;
use crate::passes::{known, pass, restart};
use crate::world::{World, dn, id, object, world};

/// `sales` with ann and bob, and `hr`, as a daemon keeps them.
fn kept() -> World {
    known(world().both("sales", &["ann", "bob"]).both("hr", &["ann"]))
}

/// Somebody takes ann out.
fn take_out(world: &mut World) {
    world.domain.members.entry(object("sales")).or_default().remove(&object("ann"));
}

/// Somebody takes ann out again and again; what the passes did.
fn fought(world: &mut World, times: usize) -> Vec<Vec<String>> {
    let round = |_| {
        take_out(world);
        pass(world).lines
    };
    (0..times).map(round).collect()
}

#[test]
fn a_member_that_is_taken_out_again_and_again_is_put_back_three_times() {
    let mut world = kept();
    let told = fought(&mut world, 5);
    let back = vec!["add sales: ann".to_owned()];
    let quiet = Vec::new();
    assert_eq!(told, [back.clone(), back.clone(), back, quiet.clone(), quiet]);
    assert_eq!(REVERSALS_MAX, 3);
    assert_eq!(lines(&world), ["freeze sales", "! Contested sales"]);
}

#[test]
fn the_finding_names_what_is_contested() {
    let mut world = kept();
    fought(&mut world, 4);
    let decision = world.decide(Order::Given);
    let finding = decision.findings.iter().find(|f| f.code == FindingCode::Contested);
    let finding = finding.expect("it is told");
    assert_eq!(finding.group, Some(id("sales")));
    let spot = format!("member {}", object("ann"));
    assert!(finding.message.contains(&spot), "{}", finding.message);
    assert_eq!(decision.contested.get(&object("sales")), Some(&spot));
}

#[test]
fn a_restart_does_not_begin_to_count_anew() {
    let mut world = kept();
    for _ in 0..3 {
        take_out(&mut world);
        assert_eq!(pass(&mut world).lines.len(), 1);
        restart(&mut world);
    }
    take_out(&mut world);
    assert_eq!(pass(&mut world).lines, Vec::<String>::new());
}

#[test]
fn everything_of_the_object_is_left_alone_and_other_objects_go_on() {
    let mut world = kept();
    fought(&mut world, 4);
    let mut world = world
        .group("sales", &["ann", "bob", "carl"])
        .cloud("sales", |group| group.description = Some("new".to_owned()))
        .group("hr", &["ann", "bob"]);
    assert_eq!(pass(&mut world).lines, ["add hr: bob"]);
}

#[test]
fn a_contest_ends_after_a_day() {
    let mut world = kept();
    fought(&mut world, 4);
    let last = world.memory.reversals.values().next().expect("it is counted").last;
    world.now = last + SignedDuration::from_mins(24 * 60 - 1);
    assert_eq!(pass(&mut world).lines, Vec::<String>::new());
    world.now = last + SignedDuration::from_hours(24);
    assert_eq!(pass(&mut world).lines, ["add sales: ann"]);
    let told = fought(&mut world, 3);
    assert_eq!(told.iter().filter(|lines| !lines.is_empty()).count(), 2);
}

#[test]
fn what_the_tenant_wanted_meanwhile_is_no_repair_afterwards() {
    let mut world = kept();
    fought(&mut world, 4);
    let mut world = world.group("sales", &["ann", "bob", "carl"]);
    pass(&mut world);
    world.now += SignedDuration::from_hours(25);
    let decision = world.decide(Order::Given);
    let cause = decision.plan.writes().map(|change| &change.cause).next().expect("a change");
    assert!(matches!(cause, Cause::Cloud(_)), "{cause:?}");
}

#[test]
fn reversals_far_apart_are_no_contest() {
    let mut world = kept();
    for _ in 0..6 {
        take_out(&mut world);
        assert_eq!(pass(&mut world).lines, ["add sales: ann"]);
        world.now += SignedDuration::from_hours(25);
    }
}

#[test]
fn different_values_of_one_group_are_counted_apart() {
    let mut world = kept();
    for round in 0..5 {
        let gone = if round % 2 == 0 { "ann" } else { "bob" };
        world.domain.members.entry(object("sales")).or_default().remove(&object(gone));
        assert_eq!(pass(&mut world).lines, [format!("add sales: {gone}")], "{round}");
    }
}

#[test]
fn names_texts_and_types_are_contested_too() {
    type Spoil = fn(&mut World);
    let spoils: [(&str, Spoil); 4] = [
        ("rename", |world| {
            *world = world.clone().directory("sales", |group| {
                group.dn = dn(crate::world::GROUPS).child("by hand");
            });
        }),
        ("update", |world| {
            *world = world.clone().directory("sales", |group| {
                group.display_name = Some("by hand".to_owned());
            });
        }),
        ("convert", |world| {
            *world = world.clone().directory("sales", |group| {
                group.group_type = writeback::model::directory::UNIVERSAL_DISTRIBUTION;
            });
        }),
        ("remove", |world| {
            let carl = world.account("carl");
            world.domain.members.entry(object("sales")).or_default().insert(carl);
        }),
    ];
    for (word, spoil) in spoils {
        let mut world = kept();
        let mut repairs = 0;
        for _ in 0..6 {
            spoil(&mut world);
            let lines = pass(&mut world).lines;
            repairs += usize::from(lines.iter().any(|line| line.starts_with(word)));
        }
        assert_eq!(repairs, 3, "{word}");
    }
}

#[test]
fn changes_that_the_tenant_asks_for_are_no_reversals() {
    let mut world = kept();
    for round in 0..6 {
        let members: &[&str] = if round % 2 == 0 { &["bob"] } else { &["ann", "bob"] };
        world = world.group("sales", members);
        assert_eq!(pass(&mut world).lines.len(), 1, "{round}");
    }
    assert!(world.memory.reversals.is_empty(), "{:?}", world.memory.reversals);
}
