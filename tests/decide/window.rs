//! The guard over time: every row over one pass and the last 24 hours, at its limit and one beyond;
//! what does not count; what a restart changes; the settings of a policy.

use jiff::SignedDuration;
use writeback::decide::guard::{Answers, Row};
use writeback::model::change::MemberReference;
use writeback::model::policy::{Additions, Creations, Least, OnTrip, Share};
use writeback::model::policy::{Departure, Place};
use writeback::model::window::Spend;
use writeback::model::{Inventory, ObjectId};

use crate::check::{canonical, guarded_only};
use crate::observed::Order;
use crate::passes::{
    Passed, count, fleet, hard_delete, inside, known, left, pass, pass_with, restart, spent,
    staffed, stands, strs, weigh, words,
};
use crate::world::{Listed, World, id, object, policy_name, record, world};

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
