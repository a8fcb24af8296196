//! The guard over time: every row over one pass and the last 24 hours, at its limit and one beyond;
//! what does not count; what a restart changes; the settings of a policy.

#[path = "window/held.rs"]
mod held;

use jiff::SignedDuration;
use writeback::decide::guard::{Answers, Row};
use writeback::model::Inventory;
use writeback::model::policy::{Additions, Creations, Departure};
use writeback::model::window::Spend;

use crate::passes::{
    Passed, count, fleet, hard_delete, inside, known, pass, pass_with, restart, spent, staffed,
    stands, strs, words,
};
use crate::world::{Listed, World, id, object, policy_name, world};

const INSIDE: SignedDuration = SignedDuration::from_mins(23 * 60 + 59);
const OUTSIDE: SignedDuration = SignedDuration::from_mins(24 * 60 + 1);
const NONE: Vec<(Row, usize, usize)> = Vec::new();

fn taken(group: &str, member: &str) -> Spend {
    Spend::Membership { group: id(group), member: object(member), principals: 1 }
}

/// `deleted` of 60 groups go now, `before` went so long ago under that policy. Three may.
fn deletions(deleted: usize, before: usize, ago: SignedDuration, policy: &str) -> Passed {
    let mut world = fleet(60);
    for number in 0..before {
        spent(&mut world, ago, policy, Spend::Group(id(&format!("gone{number}"))));
    }
    for word in words("g", deleted) {
        hard_delete(&mut world, &word);
    }
    pass(&mut world)
}

/// `sales`, one of two groups with `size` and `others` members, loses its first `removed` ones.
fn shrunk(size: usize, removed: usize, others: usize) -> World {
    let members = words("u", size);
    let kept: Vec<_> = members.iter().skip(removed).map(String::as_str).collect();
    staffed(size, others).group("sales", &kept)
}

#[test]
fn groups_removed_in_the_last_day_count_and_older_ones_do_not() {
    assert_eq!(deletions(1, 2, INSIDE, "p").rows(), NONE);
    assert_eq!(deletions(2, 2, INSIDE, "p").rows(), [(Row::GroupsRemoved, 4, 3)]);
    assert_eq!(deletions(2, 2, OUTSIDE, "p").rows(), NONE);
    assert_eq!(deletions(3, 2, OUTSIDE, "p").rows(), NONE);
    assert_eq!(deletions(4, 0, OUTSIDE, "p").rows(), [(Row::GroupsRemoved, 4, 3)]);
    assert_eq!(deletions(3, 9, INSIDE, "other").rows(), NONE);
}

#[test]
fn a_hold_over_time_says_so() {
    let message = |passed: Passed| passed.held.holds.first().expect("a hold").message.clone();
    assert!(message(deletions(2, 2, INSIDE, "p")).contains("counted over 24 h"));
    assert!(!message(deletions(4, 0, INSIDE, "p")).contains("counted over 24 h"));
}

#[test]
fn memberships_removed_in_the_last_day_count_and_older_ones_do_not() {
    // 60 and 140 memberships: ten may go.
    let weighed = |removed, before: usize, ago, policy: &str| {
        let mut world = shrunk(60, removed, 140);
        for number in 0..before {
            spent(&mut world, ago, policy, taken("elsewhere", &format!("x{number}")));
        }
        pass(&mut world).rows()
    };
    assert_eq!(weighed(4, 6, INSIDE, "p"), NONE);
    assert_eq!(weighed(5, 6, INSIDE, "p"), [(Row::MembershipsRemoved, 11, 10)]);
    assert_eq!(weighed(10, 6, OUTSIDE, "p"), NONE);
    assert_eq!(weighed(10, 6, INSIDE, "other"), NONE);
}

#[test]
fn what_one_group_lost_in_the_last_day_counts_under_whichever_policy() {
    // 40 members: ten of them may go; with those that went, 25 % of 46 and of 47.
    let weighed = |removed, before: usize, ago, policy: &str| {
        let mut world = shrunk(40, removed, 400);
        for number in 0..before {
            spent(&mut world, ago, policy, taken("sales", &format!("x{number}")));
        }
        pass(&mut world).rows()
    };
    assert_eq!(weighed(10, 0, INSIDE, "p"), NONE);
    assert_eq!(weighed(5, 6, INSIDE, "p"), NONE);
    assert_eq!(weighed(6, 6, INSIDE, "p"), [(Row::OneGroup, 12, 11)]);
    assert_eq!(weighed(6, 6, INSIDE, "former"), [(Row::OneGroup, 12, 11)]);
    assert_eq!(weighed(6, 6, OUTSIDE, "p"), NONE);
}

#[test]
fn a_group_that_is_emptied_in_small_steps_is_held_before_the_last() {
    let mut world = staffed(4, 300);
    let mut left = 4;
    for kept in [&["u0", "u1", "u2"][..], &["u0", "u1"], &["u0"], &[]] {
        world = world.group("sales", kept);
        let held = !pass(&mut world).held.holds.is_empty();
        left = count(&world, "sales");
        assert_eq!(held, kept.is_empty(), "{kept:?}");
    }
    assert_eq!(left, 1);
    // A day later it is a group of one.
    world.now += OUTSIDE;
    assert_eq!(pass(&mut world).rows(), NONE);
    assert_eq!(count(&world, "sales"), 0);
}

#[test]
fn a_value_that_goes_twice_in_a_day_counts_once() {
    let mut world = shrunk(60, 10, 140);
    for number in 0..10 {
        spent(&mut world, INSIDE, "p", taken("sales", &format!("u{number}")));
    }
    assert_eq!(pass(&mut world).rows(), NONE);
    let mut world = shrunk(60, 10, 140);
    spent(&mut world, INSIDE, "p", taken("more", "u0"));
    assert_eq!(pass(&mut world).rows(), [(Row::MembershipsRemoved, 11, 10)]);
}

#[test]
fn a_group_that_ends_twice_in_a_day_counts_once() {
    let mut world = fleet(60);
    for word in ["g0", "g1", "g2"] {
        spent(&mut world, INSIDE, "p", Spend::Group(id(word)));
        hard_delete(&mut world, word);
    }
    assert_eq!(pass(&mut world).rows(), NONE);
}

/// One more group goes every hour for a day; how many went by then.
fn dripped(mut each: impl FnMut(&mut World)) -> usize {
    let mut world = fleet(60);
    for hour in 0..24 {
        hard_delete(&mut world, &format!("g{hour}"));
        each(&mut world);
        pass(&mut world);
        world.now += SignedDuration::from_mins(58);
    }
    60 - words("g", 60).iter().filter(|word| stands(&world, word)).count()
}

#[test]
fn many_small_removals_come_to_no_more_than_one_large_one() {
    // Three of 60 may go at once; after two, 58 are left.
    assert_eq!(dripped(|_| {}), 2);
}

#[test]
fn a_restart_between_any_two_passes_changes_nothing() {
    assert_eq!(dripped(restart), 2);
    let mut world = shrunk(60, 5, 140);
    spent(&mut world, INSIDE, "p", taken("sales", "x"));
    let mut again = world.clone();
    restart(&mut again);
    assert_eq!(again.memory, world.memory);
    let (one, two) = (pass(&mut world), pass(&mut again));
    assert_eq!((one.lines, one.held.digest()), (two.lines, two.held.digest()));
    assert_eq!(world.memory, again.memory);
}

#[test]
fn percentages_are_of_what_stood_when_the_last_pass_finished() {
    let deleted = |world: &mut World, count| {
        for word in words("g", count) {
            hard_delete(world, &word);
        }
        pass(world).rows()
    };
    // Somebody deleted 40 of 60 groups by hand since: three of the 60 may go, one of the 20 might.
    let mut world = fleet(60);
    for word in words("g", 60).iter().skip(20) {
        world.domain.groups.remove(&object(word));
        world.domain.members.remove(&object(word));
        world.groups.remove(&id(word));
        world.memory.inventory.remove(&id(word));
    }
    assert_eq!(deleted(&mut world.clone(), 3), NONE);
    pass(&mut world);
    assert_eq!(deleted(&mut world, 2), [(Row::GroupsRemoved, 2, 1)]);
    // 40 appeared since: they are no base before a pass has finished with them.
    let mut world = fleet(20);
    for word in words("h", 40) {
        world = world.both(&word, &[]).remembered(&word, &word);
    }
    assert_eq!(deleted(&mut world, 2), [(Row::GroupsRemoved, 2, 1)]);
}

#[test]
fn what_a_pass_finished_with_is_the_base_of_the_next() {
    let mut world = staffed(10, 10).group("new", &["u0", "u1"]);
    pass(&mut world);
    let all = Inventory { groups: 3, memberships: 22, principals: 20 };
    assert_eq!(world.memory.committed.get(&policy_name("p")), Some(&all));
    hard_delete(&mut world, "more");
    pass(&mut world);
    let left = Inventory { groups: 2, memberships: 12, principals: 20 };
    assert_eq!(world.memory.committed.get(&policy_name("p")), Some(&left));
}

#[test]
fn a_small_group_is_never_emptied_and_a_small_policy_never_loses_all() {
    let kept_to_limits = |world: &World, size: usize| {
        let left = count(world, "sales");
        assert!(left > 0 || size < 3, "{size} members are all gone");
        assert!(size - left <= 3.max(size / 4), "{left} of {size} are left");
    };
    for size in 1..=20 {
        for removed in 0..=size {
            let mut world = shrunk(size, removed, 60);
            pass(&mut world);
            kept_to_limits(&world, size);
        }
        // One by one.
        let mut world = staffed(size, 60);
        for step in 0..=size {
            let members = words("u", size);
            let kept: Vec<_> = members.iter().skip(step).map(String::as_str).collect();
            world = world.group("sales", &kept);
            pass(&mut world);
            kept_to_limits(&world, size);
        }
        for deleted in 0..=size {
            let mut world = fleet(size);
            for word in words("g", deleted) {
                hard_delete(&mut world, &word);
            }
            pass(&mut world);
            let left = words("g", size).iter().filter(|word| stands(&world, word)).count();
            assert!(size - left <= 1, "{deleted} of {size} groups");
        }
    }
}

#[test]
fn values_that_were_added_less_than_a_day_ago_go_freely() {
    let taken_back = |ago: SignedDuration| {
        let mut world = shrunk(10, 10, 100);
        let at = world.now - ago;
        for word in words("u", 10) {
            world.memory.added.insert((object("sales"), object(&word)), at);
        }
        pass(&mut world).rows()
    };
    assert_eq!(taken_back(INSIDE), NONE);
    let held = [(Row::MembershipsRemoved, 10, 5), (Row::OneGroup, 10, 3), (Row::ToEmpty, 10, 9)];
    assert_eq!(taken_back(OUTSIDE), held);
    assert_eq!(taken_back(SignedDuration::from_hours(-2)), held, "the clock was set back");
}

#[test]
fn what_a_pass_adds_by_mistake_the_next_takes_back() {
    let extra = words("x", 50);
    let mut all = strs(&extra);
    all.extend(["u0", "u1", "u2", "u3"]);
    let mut world = staffed(4, 0).group("sales", &all);
    assert_eq!(pass(&mut world).rows(), NONE);
    restart(&mut world);
    let mut world = world.group("sales", &["u0", "u1", "u2", "u3"]);
    assert_eq!(pass(&mut world).rows(), NONE);
    assert_eq!(count(&world, "sales"), 4);
    assert_eq!(world.memory.spent, []);
}

#[test]
fn a_nested_group_counts_whoever_is_inside() {
    let nesting = || known(world().both("sales", &["onprem:staff", "a", "b", "c"]));
    let out = |answers: &Answers| {
        let mut world = nesting().group("sales", &["a", "b", "c"]);
        let passed = pass_with(&mut world, answers);
        (passed.rows(), world.memory.spent.first().map(|spent| spent.spend))
    };
    let spend = |principals| {
        let (group, member) = (id("sales"), object("staff"));
        Some(Spend::Membership { group, member, principals })
    };
    assert_eq!(out(&inside(&[("staff", 5)])), (vec![], spend(5)));
    let held = vec![(Row::MembershipsRemoved, 6, 5)];
    assert_eq!(out(&inside(&[("staff", 6)])), (held, None));
    let unknown = vec![(Row::MembershipsRemoved, 250_000, 5)];
    assert_eq!(out(&Answers::default()), (unknown, None));
    // An empty one is a value all the same.
    assert_eq!(out(&inside(&[("staff", 0)])), (vec![], spend(1)));
}

#[test]
fn a_handover_counts_for_the_policy_that_loses_and_the_one_that_takes() {
    let members = words("u", 30);
    let kept: Vec<_> = members.iter().skip(6).map(String::as_str).collect();
    let taken_over = |p: usize, q: usize| {
        let mut world = staffed(30, 0).group("sales", &kept).also("q", |q| {
            q.precedence = 50;
            q.selection.include = Some(vec![crate::world::only(&["sales"])]);
        });
        for (name, memberships) in [("p", p), ("q", q)] {
            let holding = Inventory { groups: 9, memberships, principals: 9 };
            world.memory.committed.insert(policy_name(name), holding);
        }
        let passed = pass(&mut world);
        let policies = passed.held.holds.iter().map(|h| h.policy.to_string());
        policies.collect::<Vec<_>>()
    };
    assert_eq!(taken_over(1_000, 1_000), Vec::<String>::new());
    assert_eq!(taken_over(30, 1_000), ["p"]);
    assert_eq!(taken_over(1_000, 30), ["q"]);
    assert_eq!(taken_over(30, 30), ["p", "q"]);
}

#[test]
fn ended_groups_are_counted_however_they_end() {
    let two = |departure| {
        let world = fleet(10).policy(|p| p.deletion.on_disabled = departure);
        let world = world.policy(|p| {
            p.deletion.quarantine_container =
                Some(crate::world::dn("OU=Quarantine,OU=Groups,DC=corp,DC=example"));
        });
        let mut world = world.flag("g0", Listed::Off).flag("g1", Listed::Off);
        pass(&mut world).rows()
    };
    for departure in [Departure::Delete, Departure::Disable, Departure::Quarantine] {
        assert_eq!(two(departure), [(Row::GroupsRemoved, 2, 1)], "{departure:?}");
    }
}

#[test]
fn additions_and_creations_keep_to_the_limits_of_their_policy() {
    let grown = |count: usize| {
        let members = words("n", count);
        let mut all = strs(&members);
        all.extend(["u0", "u1"]);
        let world =
            staffed(2, 0).policy(|p| p.guard.additions = Additions { times: 2, at_least: 3 });
        pass(&mut world.group("sales", &all)).rows()
    };
    assert_eq!(grown(4), NONE);
    assert_eq!(grown(5), [(Row::Additions, 5, 4)]);
    let made = |count: usize| {
        let creations = Creations { most: 3, percent: 50, percent_from: 10 };
        let world = fleet(10).policy(|p| p.guard.creations = creations);
        let mut world = words("n", count).iter().fold(world, |world, word| world.group(word, &[]));
        pass(&mut world).rows()
    };
    assert_eq!(made(3), NONE);
    assert_eq!(made(4), [(Row::Creations, 4, 3)]);
}
