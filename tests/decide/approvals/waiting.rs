//! What was let through waits while its policy, or the one that takes the group over, writes
//! nothing.

use writeback::decide::guard::Row;

use super::{HOUR, NONE, digest, held};
use crate::passes::{approve, fleet, pass, restart, stands, words};

#[test]
fn what_was_let_through_waits_while_its_policy_is_suspended() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    let mut world = world.policy(|policy| policy.suspend = true);
    for _ in 0..2 {
        assert_eq!(pass(&mut world).lines, Vec::<String>::new());
        restart(&mut world);
    }
    assert_eq!((world.memory.approvals.len(), world.memory.used_approvals.len()), (1, 0));
    let mut world = world.policy(|policy| policy.suspend = false);
    assert_eq!(pass(&mut world).lines, ["remove sales: u1 u2 u3 u4"]);
    assert!(world.memory.used_approvals.contains_key(&digest(&held)));
}

#[test]
fn groups_that_are_not_there_yet_wait_for_a_suspended_policy_too() {
    let mut world = fleet(60);
    for word in words("new", 20) {
        world = world.group(&word, &[]);
    }
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::Creations, 20, 12)]);
    approve(&mut world, &passed.digest().short(), &passed.held);
    let mut world = world.policy(|policy| policy.suspend = true);
    pass(&mut world);
    let mut world = world.policy(|policy| policy.suspend = false);
    assert_eq!(pass(&mut world).rows(), NONE);
    assert!(words("new", 20).iter().all(|word| stands(&world, word)));
}

#[test]
fn an_approval_that_waits_for_a_suspended_policy_ends_with_its_time() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    let mut world = world.policy(|policy| policy.suspend = true);
    world.now += HOUR;
    pass(&mut world);
    assert_eq!((world.memory.approvals.len(), world.memory.used_approvals.len()), (0, 0));
    let mut world = world.policy(|policy| policy.suspend = false);
    assert_eq!(pass(&mut world).rows(), [(Row::OneGroup, 4, 3)]);
}

#[test]
fn what_is_not_wanted_drops_out_whatever_other_policy_is_suspended() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    let mut world = world.group("sales", &["u0", "u1", "u2", "u3", "u4"]).also("q", |q| {
        q.precedence = 200;
        q.suspend = true;
    });
    pass(&mut world);
    assert!(world.memory.approvals.is_empty());
    assert!(world.memory.used_approvals.contains_key(&digest(&held)));
}

#[test]
fn what_a_suspended_policy_would_take_over_waits_for_it() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    // The file of its policy has another name now.
    let mut world = world.also("q", |q| q.suspend = true);
    let former = world.policies.remove(0);
    pass(&mut world);
    assert_eq!(world.memory.approvals.len(), 1);
    world.policies.insert(0, former);
    let mut world = world.also("q", |q| q.precedence = 200);
    assert_eq!(pass(&mut world).lines, ["remove sales: u1 u2 u3 u4"]);
}
