//! Leavers: principals that are gone from the tenant or disabled there. Each counts once, in a row
//! of its own.

use jiff::SignedDuration;
use writeback::decide::guard::Row;
use writeback::model::Inventory;
use writeback::model::policy::Least;
use writeback::model::window::Spend;

use crate::passes::{count, known, left, pass, pass_with, restart, spent, staffed, strs, words};
use crate::world::{World, id, object, policy_name, world};

const INSIDE: SignedDuration = SignedDuration::from_mins(23 * 60 + 59);
const OUTSIDE: SignedDuration = SignedDuration::from_mins(24 * 60 + 1);
const NONE: Vec<(Row, usize, usize)> = Vec::new();

/// Fifty groups with the same thirty members, of whom the first `gone` are in no group any more.
fn everywhere(gone: usize) -> World {
    let members = words("u", 30);
    let kept: Vec<_> = members.iter().skip(gone).map(String::as_str).collect();
    let groups = words("g", 50);
    let world = groups.iter().fold(world(), |world, word| world.both(word, &strs(&members)));
    groups.iter().fold(known(world), |world, word| world.group(word, &kept))
}

#[test]
fn a_leaver_counts_once_though_he_is_in_fifty_groups() {
    let leavers = words("u", 11);
    let mut world = everywhere(10);
    assert_eq!(pass_with(&mut world, &left(&strs(&leavers))).rows(), NONE);
    assert_eq!(count(&world, "g7"), 20);
    let mut world = everywhere(11);
    let passed = pass_with(&mut world, &left(&strs(&leavers)));
    assert_eq!(passed.rows(), [(Row::Leavers, 11, 10)]);
    assert_eq!(passed.held.changes.len(), 50);
}

#[test]
fn who_did_not_leave_is_counted_in_every_group() {
    let mut world = everywhere(10);
    // 5 % of 1,500 memberships.
    assert_eq!(pass(&mut world).rows().first(), Some(&(Row::MembershipsRemoved, 500, 75)));
}

#[test]
fn two_percent_of_the_principals_may_leave() {
    let leaving = |principals, gone: usize| {
        let mut world = everywhere(gone);
        let held = Inventory { groups: 50, memberships: 1_500, principals };
        world.memory.committed.insert(policy_name("p"), held);
        let leavers = words("u", gone);
        pass_with(&mut world, &left(&strs(&leavers))).rows()
    };
    assert_eq!(leaving(600, 12), NONE);
    assert_eq!(leaving(600, 13), [(Row::Leavers, 13, 12)]);
    assert_eq!(leaving(649, 13), [(Row::Leavers, 13, 12)]);
    assert_eq!(leaving(650, 13), NONE);
}

#[test]
fn those_who_left_in_the_last_day_count_once_with_those_of_today() {
    let leaving = |gone: usize, before: &[&str], ago, policy: &str| {
        let mut world = everywhere(gone);
        for word in before {
            let (group, member) = (id("g0"), object(word));
            spent(&mut world, ago, policy, Spend::Leaver { group, member });
        }
        let leavers = words("u", gone);
        pass_with(&mut world, &left(&strs(&leavers))).rows()
    };
    assert_eq!(leaving(8, &["x", "y"], INSIDE, "p"), NONE);
    assert_eq!(leaving(8, &["x", "y", "z"], INSIDE, "p"), [(Row::Leavers, 11, 10)]);
    assert_eq!(leaving(8, &["x", "y", "u0", "u7"], INSIDE, "p"), NONE);
    assert_eq!(leaving(8, &["x", "y", "z"], OUTSIDE, "p"), NONE);
    assert_eq!(leaving(8, &["x", "y", "z"], INSIDE, "other"), NONE);
}

#[test]
fn leavers_of_several_passes_add_up_over_a_restart() {
    let leavers = words("u", 30);
    let mut world = everywhere(0);
    let mut gone = 0;
    for step in 1..=12 {
        let kept: Vec<_> = leavers.iter().skip(step).map(String::as_str).collect();
        world = words("g", 50).iter().fold(world, |world, word| world.group(word, &kept));
        let passed = pass_with(&mut world, &left(&strs(&leavers)));
        gone += usize::from(passed.held.holds.is_empty());
        restart(&mut world);
    }
    assert_eq!((gone, count(&world, "g0")), (10, 20));
}

#[test]
fn leavers_are_in_no_other_row() {
    // Six of ten members: far beyond what one group and the policy may lose.
    let members = words("u", 10);
    let mut world = staffed(10, 0).group("sales", &["u6", "u7", "u8", "u9"]);
    let passed = pass_with(&mut world, &left(&strs(&members)));
    assert_eq!(passed.rows(), NONE);
    // The three others of today are counted without them.
    let mut world = world.group("sales", &["u9"]);
    assert_eq!(pass(&mut world).rows(), NONE);
}

#[test]
fn a_group_of_leavers_alone_may_become_empty() {
    let members = words("u", 4);
    let mut world = staffed(4, 0).group("sales", &[]);
    assert_eq!(pass_with(&mut world, &left(&strs(&members))).rows(), NONE);
    assert_eq!(count(&world, "sales"), 0);
}

#[test]
fn one_who_did_not_leave_keeps_a_group_from_becoming_empty() {
    let mut world = staffed(4, 0).group("sales", &[]);
    let passed = pass_with(&mut world, &left(&["u0", "u1", "u2"]));
    assert_eq!(passed.lines, ["remove sales: u0 u1 u2", "held remove sales: u3"]);
    assert_eq!(passed.rows(), [(Row::ToEmpty, 4, 3)]);
    // What left before makes no small group of it.
    let passed = pass(&mut world);
    assert_eq!(passed.lines, ["held remove sales: u3"]);
    world.now += OUTSIDE;
    assert_eq!(pass(&mut world).rows(), NONE);
}

#[test]
fn the_limit_of_leavers_is_a_setting() {
    let world = everywhere(1).policy(|p| p.guard.leavers = Least { percent: 0, at_least: 0 });
    assert_eq!(pass_with(&mut world.clone(), &left(&["u0"])).rows(), [(Row::Leavers, 1, 0)]);
}
