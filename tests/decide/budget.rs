//! How much of each limit is left, and what the metrics say of it.

use writeback::decide::Decision;
use writeback::decide::guard::{Answers, Budget, Guarded, Row, Scale, budgets};
use writeback::model::window::Spend;
use writeback::report::events::{Event, Sight};
use writeback::report::metrics::Metrics;

use crate::observed::Order;
use crate::passes::{fleet, hard_delete, known, left, spent, strs, weigh, words};
use crate::world::{CONFIRM_AFTER, GROUPS, World, dn, id, world};

/// Sixty groups, the first of forty members.
fn estate() -> World {
    let (groups, members) = (words("g", 60), words("u", 40));
    let of = |index| if index == 0 { strs(&members) } else { Vec::new() };
    let both = |world: World, (index, word): (usize, &String)| world.both(word, &of(index));
    known(groups.iter().enumerate().fold(world(), both))
}

fn used(budgets: &[Budget]) -> Vec<(Row, usize, usize)> {
    budgets.iter().map(|budget| (budget.row, budget.used, budget.limit)).collect()
}

fn judged(world: &World, answers: &Answers) -> (Decision, Guarded) {
    let decision = world.decide(Order::Given);
    let guarded = weigh(world, &decision, answers);
    (decision, guarded)
}

/// What is used of each limit.
fn left_of(world: &World, answers: &Answers) -> Vec<(Row, usize, usize)> {
    let (decision, guarded) = judged(world, answers);
    let policies = world.policy_set();
    let scale = Scale::of(&policies, &world.memory, &decision, answers, world.now);
    used(&budgets(&guarded, &scale))
}

/// The series of the metrics after a pass that decided this, by row.
fn shown(world: &World, answers: &Answers) -> Vec<String> {
    let (decision, guarded) = judged(world, answers);
    let (metrics, policies) = (Metrics::new(), world.policy_set());
    let directory = world.directory_snapshot();
    world.look(Order::Given, |inputs, members| {
        let (at, cloud, memory) = (world.now, inputs.cloud, &world.memory);
        let sight = Sight { at, cloud, members, directory: &directory, memory };
        let (policies, decision, guarded) = (&policies, &decision, &guarded);
        metrics.take(&Event::Planned { policies, decision, guarded, sight });
    });
    let text = metrics.text();
    let series = "writeback_budget_remaining_ratio{policy=\"p\",row=\"";
    text.lines().filter_map(|line| Some(line.strip_prefix(series)?.replace("\"}", ""))).collect()
}

#[test]
fn what_is_made_now_and_what_went_in_the_last_day_is_used_and_the_rest_is_left() {
    let mut world = estate();
    assert_eq!(
        left_of(&world, &Answers::default()),
        [
            (Row::GroupsRemoved, 0, 3),
            (Row::MembershipsRemoved, 0, 5),
            (Row::Leavers, 0, 10),
            (Row::Renames, 0, 50),
            (Row::Creations, 0, 12),
        ]
    );
    // One group goes now and one went before; two people are taken out, one of them has left the
    // tenant; one group is put back to its name, three are new.
    hard_delete(&mut world, "g59");
    spent(&mut world, CONFIRM_AFTER, "p", Spend::Group(id("gone")));
    spent(&mut world, CONFIRM_AFTER, "another", Spend::Group(id("gone-too")));
    let staying = words("u", 40);
    let world = world
        .group("g0", &strs(&staying)[2..])
        .directory("g1", |group| group.dn = dn(GROUPS).child("by hand"))
        .group("h0", &[])
        .group("h1", &[])
        .group("h2", &[]);
    let answers = left(&["u1"]);
    assert_eq!(
        left_of(&world, &answers),
        [
            (Row::GroupsRemoved, 2, 3),
            (Row::MembershipsRemoved, 1, 5),
            (Row::Leavers, 1, 10),
            (Row::Renames, 1, 50),
            (Row::Creations, 3, 12),
        ]
    );
    assert_eq!(
        shown(&world, &answers),
        [
            "creations 0.75",
            "groups_removed 0.3333333333333333",
            "leavers 0.9",
            "memberships_removed 0.8",
            "renames 0.98",
        ]
    );
}

#[test]
fn what_is_held_is_not_used_and_a_closed_window_leaves_nothing() {
    let mut world = fleet(60);
    for word in words("g", 4) {
        hard_delete(&mut world, &word);
    }
    let held = left_of(&world, &Answers::default());
    assert_eq!(held.first(), Some(&(Row::GroupsRemoved, 0, 3)));
    world.memory.closed_until = Some(world.now + CONFIRM_AFTER);
    let rows = shown(&world, &Answers::default());
    assert_eq!(
        rows,
        ["creations 1", "groups_removed 0", "leavers 0", "memberships_removed 0", "renames 1",]
    );
}
