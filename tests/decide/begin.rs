//! Where memory begins: when the window starts spent, what waits then, and how it opens.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use writeback::decide::begin::begin;
use writeback::decide::conclude::ChangeResult;
use writeback::decide::guard::Row;
use writeback::model::{Memory, ObjectId, Outcome};

use crate::observed::Order;
use crate::passes::{
    approve, count, fleet, hard_delete, known, left, pass, pass_with, restart, staffed, stands,
    words,
};
use crate::world::{Listed, World, id, object, world};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn owned(words: &[&str]) -> BTreeSet<ObjectId> {
    words.iter().map(|word| id(word)).collect()
}

/// Whether the window is closed after a look at these groups of ours.
fn closes(world: &World, groups: &[&str]) -> bool {
    let mut memory = world.memory.clone();
    begin(&owned(groups), &mut memory, world.now);
    memory.closed_until == Some(world.now + DAY)
}

/// The world with a memory that was just made.
fn lost(mut world: World) -> World {
    world.memory = Memory::default();
    world
}

#[test]
fn a_new_memory_over_a_directory_without_groups_of_ours_is_open() {
    assert!(!closes(&lost(world()), &[]));
}

#[test]
fn a_new_memory_over_groups_of_ours_is_closed() {
    assert!(closes(&lost(world()), &["sales"]));
}

#[test]
fn only_a_memory_without_anything_in_it_says_how_many_groups_it_does_not_know() {
    let said = |world: &World, groups: &[&str]| {
        let answer = begin(&owned(groups), &mut world.memory.clone(), world.now);
        answer.map_or(0, std::num::NonZero::get)
    };
    let new = lost(world());
    assert_eq!((said(&new, &[]), said(&new, &["sales", "more"])), (0, 2));
    // An older copy closes too, and was told when it was opened.
    assert_eq!(said(&staffed(3, 3), &["sales", "more", "later"]), 0);
    let mut again = new;
    begin(&owned(&["sales"]), &mut again.memory, again.now);
    assert_eq!(said(&again, &["sales"]), 0);
}

#[test]
fn an_older_copy_of_memory_is_closed() {
    let old = staffed(3, 3);
    assert!(closes(&old, &["sales", "more", "later"]));
}

#[test]
fn a_memory_that_knows_every_group_stays_as_it_is() {
    let all = staffed(3, 3);
    assert!(!closes(&all, &["sales", "more"]));
    assert!(!closes(&all, &["sales"]));
    assert!(!closes(&all, &[]));
    // A day that has begun is not begun again.
    let mut closed = all;
    let until = closed.now + SignedDuration::from_hours(3);
    closed.memory.closed_until = Some(until);
    begin(&owned(&["sales", "more"]), &mut closed.memory, closed.now);
    assert_eq!(closed.memory.closed_until, Some(until));
}

#[test]
fn a_group_that_somebody_brings_back_is_no_stranger() {
    let mut world = staffed(3, 3);
    hard_delete(&mut world, "more");
    pass(&mut world);
    assert!(!stands(&world, "more"));
    assert!(!closes(&world, &["sales", "more"]));
}

/// A pass that creates `new` and hears nothing of it.
fn unheard(mut world: World) -> World {
    let world_before = world.clone();
    let decision = world.decide(Order::Given);
    let changes = decision.plan.changes.clone();
    world.execute(&changes, |_, _| {});
    let unheard = |change| ChangeResult {
        change,
        outcome: Outcome::Unknown { message: "the answer was lost".to_owned() },
        refused_members: Vec::new(),
        left_out: Vec::new(),
    };
    let results: Vec<_> = changes.into_iter().map(unheard).collect();
    world.memory = world_before.memory;
    world.remember(decision, &results);
    world
}

#[test]
fn a_group_that_was_created_without_an_answer_is_no_stranger() {
    let mut world = unheard(staffed(3, 3).group("new", &["u0"]));
    restart(&mut world);
    assert!(!closes(&world, &["sales", "more", "new"]));
    assert!(closes(&world, &["sales", "more", "new", "other"]));
    // Once it is seen it is known, with whatever else there is.
    pass(&mut world);
    pass(&mut world);
    assert_eq!((world.memory.closed_until, world.memory.strangers.len()), (None, 0));
}

#[test]
fn an_adoption_that_was_not_heard_of_is_no_stranger() {
    let world = known(world().both("sales", &["u0"]))
        .group("hr", &["u0"])
        .standing("old", &["u0"])
        .adoption("hr", "old");
    let world = unheard(world);
    assert!(world.memory.strangers.contains(&id("hr")), "{:?}", world.memory.strangers);
    assert!(!closes(&world, &["sales", "hr"]));
}

#[test]
fn a_lost_memory_holds_every_removal_and_nothing_else() {
    let world = staffed(40, 400).both("gone", &[]).policy(|p| {
        p.deletion.on_disabled = writeback::model::policy::Departure::Disable;
    });
    let members = words("u", 40);
    let kept: Vec<_> = members.iter().skip(2).map(String::as_str).chain(["new"]).collect();
    let world = world.group("sales", &kept).group("hr", &["u0"]).flag("gone", Listed::Off);
    let mut world = lost(world);
    let passed = pass_with(&mut world, &left(&["u1"]));
    assert_eq!(
        passed.lines,
        [
            "create hr as Group_hr",
            "fill hr: u0",
            "add sales: new",
            "activate hr",
            "held remove sales: u0 u1",
            "held disable gone: extensionName groupType",
        ]
    );
    let rows = [(Row::GroupsRemoved, 1, 0), (Row::MembershipsRemoved, 1, 0), (Row::Leavers, 1, 0)];
    assert_eq!(passed.rows(), rows);
    let message = &passed.held.holds.first().expect("a hold").message;
    assert!(message.contains("every removal waits a day or an approval"), "{message}");
}

/// One member of forty goes, and nobody remembers anything.
fn forgotten() -> World {
    let members = words("u", 40);
    let kept: Vec<_> = members.iter().skip(1).map(String::as_str).collect();
    lost(staffed(40, 400).group("sales", &kept))
}

#[test]
fn a_closed_window_opens_after_a_day() {
    let mut world = forgotten();
    assert_eq!(pass(&mut world).rows(), [(Row::MembershipsRemoved, 1, 0)]);
    let until = world.memory.closed_until.expect("it is closed");
    world.now = until - SignedDuration::from_secs(1);
    restart(&mut world);
    assert_eq!(pass(&mut world).rows().len(), 1);
    world.now = until;
    assert_eq!(pass(&mut world).rows(), []);
    assert_eq!((count(&world, "sales"), world.memory.closed_until), (39, None));
}

#[test]
fn passes_meanwhile_do_not_put_the_day_off() {
    let mut world = forgotten();
    pass(&mut world);
    let until = world.memory.closed_until;
    for _ in 0..5 {
        world.now += SignedDuration::from_hours(2);
        pass(&mut world);
        assert_eq!(world.memory.closed_until, until);
    }
}

#[test]
fn an_approval_passes_a_closed_window() {
    let mut world = forgotten();
    let passed = pass(&mut world);
    let digest = passed.digest().short();
    approve(&mut world, &digest, &passed.held);
    assert_eq!(pass(&mut world).rows(), []);
    assert_eq!(count(&world, "sales"), 39);
}

#[test]
fn a_lost_memory_lets_go_of_no_group_but_freezes_it() {
    let world = fleet(5);
    let world = words("g", 5).iter().fold(world, |world, word| world.flag(word, Listed::Off));
    let mut world = lost(world);
    let passed = pass(&mut world);
    assert_eq!((passed.lines, passed.held.holds), (vec![], vec![]));
    let frozen = world.decide(Order::Given).plan.changes;
    assert_eq!(frozen.len(), 5);
    assert!(words("g", 5).iter().all(|word| stands(&world, word)));
}

#[test]
fn a_lost_memory_deletes_nothing_before_a_day_and_two_looks() {
    let mut world = fleet(5);
    hard_delete(&mut world, "g0");
    let mut world = lost(world);
    for _ in 0..20 {
        pass(&mut world);
        assert!(stands(&world, "g0"));
        world.now += SignedDuration::from_hours(1);
    }
    world.now += SignedDuration::from_hours(5);
    pass(&mut world);
    assert!(!stands(&world, "g0"));
    let known = world.memory.deleted.get(&id("g0"));
    assert_eq!(known, Some(&object("g0")));
}
