//! What stands in the way of an undo and of doing again what was undone: the guard and the memory.

use writeback::decide::guard::Row;
use writeback::decide::undo;
use writeback::model::Digest;
use writeback::model::past::{Deed, Past};

use super::{back, done, look};
use crate::passes::{approve, known, pass, strs, words};
use crate::world::{GROUPS, World, dn, id, object, world};

#[test]
fn an_undo_passes_through_the_same_guard() {
    let members = words("u", 40);
    let new = words("n", 40);
    let world = known(world().both("sales", &strs(&members)));
    let all: Vec<_> = members.iter().chain(&new).map(String::as_str).collect();
    let mut world = world.group("sales", &all);
    let past = done(&mut world);
    world.memory.added.clear();
    let (_, guarded) = back(&world, &past);
    assert_eq!(guarded.admitted.changes(), []);
    let rows: Vec<_> = guarded.held.holds.iter().map(|hold| hold.row).collect();
    assert_eq!(rows, [Row::MembershipsRemoved, Row::OneGroup]);
    approve(&mut world, &guarded.held.digest().expect("held").short(), &guarded.held);
    let (decision, guarded) = back(&world, &past);
    assert_eq!(guarded.admitted.changes(), decision.plan.changes);
}

/// `sales` lost ann, and that was undone; the tenant still wants it.
fn undone() -> World {
    let mut world = known(world().both("sales", &["ann", "bob"]).both("hr", &["ann"]));
    world = world.group("sales", &["bob"]);
    let past = done(&mut world);
    assert_eq!(undo::groups(&past), [id("sales")].into());
    look(&mut world, &past);
    world.memory.added.clear();
    world.memory.undone.insert(id("sales"), Digest::of(b"the change set"));
    world
}

#[test]
fn what_would_do_again_what_was_undone_is_held_until_nobody_wants_it() {
    let mut world = undone();
    let passed = pass(&mut world);
    assert_eq!(passed.lines, ["held remove sales: ann"]);
    assert_eq!(passed.rows(), [(Row::Undone, 1, 0)]);
    let mut world = world.group("hr", &["bob"]);
    assert_eq!(pass(&mut world).lines.len(), 3, "other groups go on");
    // Nobody wants it any more: the next time is a new wish.
    let mut world = world.group("sales", &["ann", "bob"]);
    pass(&mut world);
    assert!(world.memory.undone.is_empty());
    let mut world = world.group("sales", &["bob"]);
    assert_eq!(pass(&mut world).lines, ["remove sales: ann"]);
}

#[test]
fn an_approval_does_again_what_was_undone() {
    let mut world = undone();
    let passed = pass(&mut world);
    approve(&mut world, &passed.digest().short(), &passed.held);
    assert_eq!(pass(&mut world).lines, ["remove sales: ann"]);
    pass(&mut world);
    assert!(world.memory.undone.is_empty());
}

#[test]
fn a_policy_that_is_suspended_meanwhile_forgets_no_undo() {
    let mut world = undone().policy(|p| p.suspend = true);
    pass(&mut world);
    pass(&mut world);
    let mut world = world.policy(|p| p.suspend = false);
    assert_eq!(pass(&mut world).lines, ["held remove sales: ann"]);
}

#[test]
fn a_second_undo_is_not_held_by_the_first() {
    let mut world = undone();
    let past = Past {
        at: world.now,
        policy: crate::world::policy_name("p"),
        group: id("sales"),
        object: Some(object("sales")),
        dn: dn(GROUPS).child(&id("sales").anchor()).to_string(),
        deed: Deed::MembersAdded(vec![object("bob")]),
        heard: true,
    };
    let (_, guarded) = back(&world, std::slice::from_ref(&past));
    assert_eq!(guarded.admitted.changes().len(), 1);
    assert_eq!(look(&mut world, &[past]), ["remove sales: bob"]);
}
