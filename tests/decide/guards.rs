//! The guard: every row at its limit and one beyond, and what is kept back together.

use writeback::decide::conclude::{self, Course};
use writeback::decide::guard::{HeldPlan, Row};
use writeback::model::change::Kind;
use writeback::model::directory::UNIVERSAL_DISTRIBUTION;
use writeback::model::policy::{FlagRule, GroupTypeRule};

use crate::check::{guarded as judged, lines, told};
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, GROUPS, World, dn, id, object, record, world};

fn words(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// How many changes pass and how many are held, and the rows that hold them.
fn weighed(world: &World) -> (usize, usize, Vec<Row>) {
    let decision = world.decide(Order::Given);
    let guarded = judged(world, &decision);
    let rows = guarded.held.holds.iter().map(|hold| hold.row).collect();
    (told(guarded.admitted.changes()).count(), told(&guarded.held.changes).count(), rows)
}

/// `total` groups in step, the first `count` of them gone for good.
fn deleted(total: usize, count: usize) -> World {
    words("g", total).iter().enumerate().fold(world(), |world, (index, word)| {
        if index >= count {
            return world.both(word, &[]);
        }
        world.gone(word, &[]).with(|world| {
            world.memory.absent_since.insert(id(word), world.now - CONFIRM_AFTER);
        })
    })
}

/// One group that would lose `removed` of its `size` members, beside one of `others` members.
fn shrinking(size: usize, removed: usize, others: usize) -> World {
    let (members, more) = (words("u", size), words("o", others));
    let (members, more) = (strs(&members), strs(&more));
    let left: Vec<_> = members.iter().skip(removed).copied().collect();
    world().group("sales", &left).written("sales", &members).both("more", &more)
}

#[test]
fn one_deleted_group_passes_however_few_there_are() {
    assert_eq!(weighed(&deleted(1, 1)), (1, 0, vec![]));
    assert_eq!(weighed(&deleted(2, 2)), (0, 2, vec![Row::GroupsRemoved]));
}

#[test]
fn five_percent_of_the_groups_may_be_deleted() {
    assert_eq!(weighed(&deleted(60, 3)), (3, 0, vec![]));
    assert_eq!(weighed(&deleted(60, 4)), (0, 4, vec![Row::GroupsRemoved]));
}

#[test]
fn a_conversion_to_distribution_counts_as_a_removed_group() {
    let teams = |count| {
        words("t", count)
            .iter()
            .fold(world(), |world, word| world.m365(word, &[]).written(word, &[]))
    };
    assert_eq!(weighed(&teams(1)), (1, 0, vec![]));
    assert_eq!(weighed(&teams(2)), (0, 2, vec![Row::GroupsRemoved]));
    let back = teams(2)
        .policy(|p| p.group.group_type = GroupTypeRule::UniversalSecurity)
        .directory("t0", |group| group.group_type = UNIVERSAL_DISTRIBUTION)
        .directory("t1", |group| group.group_type = UNIVERSAL_DISTRIBUTION);
    assert_eq!(weighed(&back), (2, 0, vec![]));
}

#[test]
fn three_members_of_one_group_may_always_go() {
    assert_eq!(weighed(&shrinking(4, 3, 0)), (1, 0, vec![]));
    assert_eq!(weighed(&shrinking(5, 4, 0)), (0, 1, vec![Row::OneGroup]));
}

#[test]
fn a_quarter_of_one_group_may_go() {
    assert_eq!(weighed(&shrinking(40, 10, 200)), (1, 0, vec![]));
    assert_eq!(weighed(&shrinking(40, 11, 200)), (0, 1, vec![Row::OneGroup]));
}

#[test]
fn a_group_of_three_is_not_emptied_and_one_of_two_may_be() {
    assert_eq!(weighed(&shrinking(2, 2, 0)), (1, 0, vec![]));
    assert_eq!(weighed(&shrinking(3, 3, 0)), (0, 1, vec![Row::ToEmpty]));
}

#[test]
fn a_group_whose_members_are_all_replaced_does_not_become_empty() {
    let world = world().group("sales", &["ann"]).written("sales", &["bob", "carl", "dora"]);
    assert_eq!(weighed(&world), (2, 0, vec![]));
}

#[test]
fn five_memberships_may_always_go_and_five_percent_of_many() {
    assert_eq!(weighed(&shrinking(30, 5, 0)), (1, 0, vec![]));
    assert_eq!(weighed(&shrinking(30, 6, 0)), (0, 1, vec![Row::MembershipsRemoved]));
    assert_eq!(weighed(&shrinking(60, 10, 140)), (1, 0, vec![]));
    assert_eq!(weighed(&shrinking(60, 11, 140)), (0, 1, vec![Row::MembershipsRemoved]));
}

#[test]
fn removals_are_held_and_everything_else_of_the_group_goes_on() {
    let world = shrinking(5, 5, 0).cloud("sales", |g| g.description = Some("new".to_owned()));
    let lines = lines(&world);
    assert_eq!(lines, ["update sales: description", "held remove sales: u0 u1 u2 u3 u4"],);
}

#[test]
fn a_small_group_that_trips_its_own_row_holds_no_other_group() {
    let world = shrinking(5, 4, 95).group("hr", &["ann"]).written("hr", &["bob"]);
    let lines = lines(&world);
    assert_eq!(lines, ["add hr: ann", "remove hr: bob", "held remove sales: u0 u1 u2 u3"]);
}

#[test]
fn fifty_renames_pass_and_fifty_one_are_held_with_what_takes_their_names() {
    let renamed = |count| {
        words("g", count).iter().fold(world(), |world, word| {
            world
                .both(word, &[])
                .directory(word, |g| g.dn = dn(GROUPS).child(&format!("by-hand-{word}")))
        })
    };
    assert_eq!(weighed(&renamed(50)), (50, 0, vec![]));
    assert_eq!(weighed(&renamed(51)), (0, 51, vec![Row::Renames]));
    // A new group wants a name that one of the held renames would have freed.
    let waiting = renamed(51)
        .group("new", &["ann"])
        .group("parent", &["group:new", "ann"])
        .directory("g0", |group| group.dn = dn(GROUPS).child(&id("new").anchor()));
    let lines = lines(&waiting);
    assert!(lines.contains(&"held create new as Group_new".to_owned()), "{lines:?}");
    assert!(lines.contains(&"held fill parent: +new".to_owned()), "{lines:?}");
    assert!(lines.contains(&"fill parent: ann".to_owned()), "{lines:?}");
}

#[test]
fn a_step_aside_is_held_with_the_step_that_it_prepares() {
    // `a` and `b` swapped names; `b` belongs to a policy whose renames are held.
    let by_hand = words("g", 50).iter().fold(world(), |world, word| {
        let name = format!("by-hand-{word}");
        world.both(word, &[]).directory(word, |g| g.dn = dn(GROUPS).child(&name))
    });
    let mut world = by_hand.both("a", &[]).both("b", &[]).also("q", |_| {});
    for (group, name) in [("a", "b"), ("b", "a")] {
        world = world.directory(group, |g| g.dn = dn(GROUPS).child(&id(name).anchor()));
    }
    let world = world.directory("a", |group| {
        group.records = vec![record("a", "q", writeback::model::record::RecordState::Active)];
    });
    let decision = world.decide(Order::Given);
    let guarded = judged(&world, &decision);
    assert_eq!(guarded.admitted.changes(), []);
    assert_eq!(guarded.held.changes.len(), 53);
}

#[test]
fn a_swap_counts_each_group_once() {
    let mut swapped = world();
    for pair in 0..25 {
        let (a, b) = (format!("a{pair}"), format!("b{pair}"));
        swapped = swapped.both(&a, &[]).both(&b, &[]);
        for (group, name) in [(&a, &b), (&b, &a)] {
            let name = id(name).anchor();
            swapped = swapped.directory(group, |g| g.dn = dn(GROUPS).child(&name));
        }
    }
    assert_eq!(weighed(&swapped), (75, 0, vec![]));
}

#[test]
fn five_hundred_creations_pass_and_one_more_holds_all() {
    let new = |count| words("g", count).iter().fold(world(), |world, word| world.group(word, &[]));
    assert_eq!(weighed(&new(500)), (500, 0, vec![]));
    assert_eq!(weighed(&new(501)), (0, 501, vec![Row::Creations]));
}

#[test]
fn from_fifty_groups_on_a_fifth_may_be_new() {
    let growing = |old, new| {
        let world = words("o", old).iter().fold(world(), |world, word| world.both(word, &[]));
        words("n", new).iter().fold(world, |world, word| world.group(word, &[]))
    };
    assert_eq!(weighed(&growing(49, 11)), (11, 0, vec![]));
    assert_eq!(weighed(&growing(50, 10)), (10, 0, vec![]));
    assert_eq!(weighed(&growing(50, 11)), (0, 11, vec![Row::Creations]));
}

#[test]
fn a_held_creation_holds_its_fill_its_nesting_and_what_it_would_replace() {
    // Fifty old groups allow ten new ones; `old0` shall exchange bob for a new group.
    let world = words("o", 50).iter().fold(world(), |world, word| world.both(word, &[]));
    let world = words("n", 11).iter().fold(world, |world, word| world.group(word, &["bob"]));
    let world = world.group("o0", &["group:n0", "ann"]).written("o0", &["bob"]);
    let lines = lines(&world);
    assert!(lines.contains(&"add o0: ann".to_owned()), "{lines:?}");
    for held in [
        "held create n0 as Group_n0",
        "held fill n0: bob",
        "held activate n0",
        "held add o0: +n0",
        "held remove o0: bob",
    ] {
        assert!(lines.contains(&held.to_owned()), "{held} in {lines:?}");
    }
}

#[test]
fn five_thousand_members_may_be_added_to_a_filled_group() {
    let grown = |count| {
        let members = words("u", count);
        world().group("sales", &strs(&members)).written("sales", &[])
    };
    assert_eq!(weighed(&grown(5_000)), (1, 0, vec![]));
    assert_eq!(weighed(&grown(5_001)), (0, 1, vec![Row::Additions]));
    let filling = grown(5_001).directory("sales", |group| {
        group.records = vec![record("sales", "p", writeback::model::record::RecordState::Filling)];
    });
    assert_eq!(weighed(&filling), (2, 0, vec![]));
}

#[test]
fn a_group_that_is_gone_is_always_held() {
    let world = world().group("sales", &["ann"]).remembered("sales", "sales");
    assert_eq!(weighed(&world), (0, 3, vec![Row::DirectoryGroupGone]));
}

#[test]
fn each_policy_is_weighed_by_what_it_holds_itself() {
    let world = words("g", 60)
        .iter()
        .fold(world(), |world, word| world.both(word, &[]))
        .gone("x", &[])
        .gone("y", &[])
        .also("q", |p| p.selection.writeback_flag = FlagRule::RequireTrue)
        .also("q", |p| p.precedence = 200)
        .with(|world| {
            for word in ["x", "y"] {
                world.memory.absent_since.insert(id(word), world.now - CONFIRM_AFTER);
                let group = world.domain.groups.get_mut(&object(word)).expect("it is there");
                let active = writeback::model::record::RecordState::Active;
                group.records = vec![record(word, "q", active)];
            }
        });
    assert_eq!(weighed(&world), (0, 2, vec![Row::GroupsRemoved]));
}

#[test]
fn a_hold_names_value_and_limit() {
    let world = deleted(2, 2);
    let decision = world.decide(Order::Given);
    let guarded = judged(&world, &decision);
    let hold = guarded.held.holds.first().expect("a hold");
    assert_eq!((hold.measured, hold.limit), (2, 1));
    assert!(hold.message.contains("2 groups would be removed"), "{}", hold.message);
    assert!(guarded.held.digest().is_some());
}

#[test]
fn a_large_group_may_grow_tenfold_at_once() {
    let grown = |count| {
        let (old, new) = (words("a", 600), words("u", count));
        let members: Vec<_> = old.iter().chain(&new).cloned().collect();
        world().group("sales", &strs(&members)).written("sales", &strs(&old))
    };
    assert_eq!(weighed(&grown(6_000)), (1, 0, vec![]));
    assert_eq!(weighed(&grown(6_001)), (0, 1, vec![Row::Additions]));
}

#[test]
fn what_a_pass_that_was_cut_short_made_is_no_base_for_percentages() {
    let after = |cut| {
        let mut world = words("n", 300).iter().fold(world(), |world, word| world.group(word, &[]));
        let decision = world.decide(Order::Given);
        let creations = decision.plan.changes.iter().filter(|c| c.effect.kind() == Kind::Create);
        let begun: Vec<_> = creations.take(60).cloned().collect();
        let results = world.execute(&begun, |_, _| {});
        let (begun, held) = (world.now, &HeldPlan::default());
        let (results, partial) = (&*results, false);
        let course = Course { begun, held, results, spent: &[], added: &[], partial, cut };
        conclude::remember(&mut world.memory, decision, &course);
        let (_, held, rows) = weighed(&world);
        (held, rows)
    };
    assert_eq!(after(true), (0, vec![]));
    // Had it ended by itself, 240 more would be an accident.
    assert_eq!(after(false).1, [Row::Creations]);
}

#[test]
fn what_an_interrupted_first_writeback_created_is_no_base_for_percentages() {
    use writeback::model::record::RecordState;
    let world = words("o", 80).iter().fold(world(), |world, word| {
        let filling = record(word, "p", RecordState::Filling);
        world.both(word, &[]).directory(word, |group| group.records = vec![filling])
    });
    let world = words("n", 40).iter().fold(world, |world, word| world.group(word, &[]));
    let (_, held, rows) = weighed(&world);
    assert_eq!((held, rows), (0, vec![]));
}
