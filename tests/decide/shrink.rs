//! A selection that loses its groups at once: a typo, a lost flag, an emptied control group.

use jiff::SignedDuration;
use writeback::decide::guard::Row;
use writeback::model::Memory;
use writeback::model::policy::{Departure, Least, Matcher};

use crate::passes::{
    Passed, approve, count, fleet, hard_delete, known, pass, restart, stands, strs, words,
};
use crate::world::{Listed, World, id, object, only, world};

const NONE: Vec<(Row, usize, usize)> = Vec::new();

/// `total` groups, of which the first `lost` are excluded.
fn excluded(total: usize, lost: usize) -> World {
    let lost = words("g", lost);
    fleet(total).policy(|p| p.selection.exclude = vec![only(&strs(&lost))])
}

fn weighed(mut world: World) -> Vec<(Row, usize, usize)> {
    pass(&mut world).rows()
}

fn frozen(passed: &Passed) -> usize {
    passed.held.changes.iter().filter(|change| change.effect.kind().word() == "freeze").count()
}

#[test]
fn a_tenth_of_the_groups_and_always_three_may_leave() {
    assert_eq!(weighed(excluded(20, 3)), NONE);
    assert_eq!(weighed(excluded(20, 4)), [(Row::SelectionShrank, 4, 3)]);
    assert_eq!(weighed(excluded(50, 5)), NONE);
    assert_eq!(weighed(excluded(50, 6)), [(Row::SelectionShrank, 6, 5)]);
    assert_eq!(weighed(excluded(4, 3)), NONE);
}

#[test]
fn a_policy_never_loses_all_of_its_groups_unseen() {
    for count in 1..=4 {
        let rows = weighed(excluded(count, count));
        assert_eq!(rows, [(Row::SelectionShrank, count, (count - 1).min(3))], "{count}");
    }
    let mut world = excluded(3, 3);
    let message = pass(&mut world).held.holds.first().expect("a hold").message.clone();
    assert!(
        message.contains("3 groups would leave the selection, all of this policy"),
        "{message}"
    );
    assert!(message.contains("`writeback approve "), "{message}");
}

#[test]
fn a_group_that_is_frozen_anyway_does_not_make_the_loss_smaller() {
    // The anchor of one of four was rewritten: it is frozen, and leaves with the others.
    let mut world = excluded(4, 4);
    world = world.directory("g3", |group| {
        group.admin_description = Some(id("other").anchor());
        group.external_id = Some(id("other").anchor());
    });
    assert_eq!(weighed(world), [(Row::SelectionShrank, 3, 2)]);
}

#[test]
fn the_limit_is_a_setting() {
    let least = |percent, at_least| {
        let limit = Least { percent, at_least };
        weighed(excluded(20, 3).policy(|p| p.guard.selection = limit))
    };
    assert_eq!(least(0, 2), [(Row::SelectionShrank, 3, 2)]);
    assert_eq!(least(20, 0), NONE);
}

#[test]
fn a_group_that_waits_to_be_let_go_is_nested_nowhere_else() {
    let all = world().both("child", &["ann"]).both("old", &["group:child"]).both("more", &[]);
    let mut world = known(all).flag("child", Listed::Off);
    world = world.policy(|p| p.guard.selection = Least { percent: 0, at_least: 0 });
    world = world.group("more", &["group:child"]);
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::SelectionShrank, 1, 0)]);
    assert_eq!(passed.lines, ["held freeze child"], "neither added here nor taken out there");
}

#[test]
fn lost_flags_are_held() {
    let off = words("g", 20).iter().fold(fleet(20), |world, word| world.flag(word, Listed::Off));
    assert_eq!(weighed(off), [(Row::SelectionShrank, 20, 3)]);
    // Flags that are missing are unknown, not off.
    let missing =
        words("g", 20).iter().fold(fleet(20), |world, word| world.flag(word, Listed::Missing));
    assert_eq!(weighed(missing), NONE);
}

/// Five groups that a control group selects.
fn controlled() -> World {
    let control = id("control");
    let by_control = Matcher { ids: None, member_of: Some(control), ..only(&[]) };
    let mut world = words("g", 5).iter().fold(world(), |world, word| world.both(word, &["ann"]));
    world = world.policy(|p| p.selection.include = Some(vec![by_control]));
    let all = words("g", 5).iter().map(|word| id(word)).collect();
    world.controls.insert(control, Ok(all));
    known(world)
}

#[test]
fn an_emptied_control_group_is_held() {
    let mut world = controlled();
    world.controls.insert(id("control"), Ok([].into()));
    assert_eq!(weighed(world.clone()), [(Row::SelectionShrank, 5, 3)]);
    world.controls.insert(id("control"), Ok([id("g0"), id("g1")].into()));
    assert_eq!(weighed(world), NONE);
}

#[test]
fn a_policy_typo_is_held_whatever_should_become_of_its_groups() {
    for departure in [Departure::Retain, Departure::Disable, Departure::Delete] {
        let typo = Matcher { display_name: None, ..only(&["nothing"]) };
        let mut world = fleet(5).policy(|p| {
            p.selection.include = Some(vec![typo.clone()]);
            p.deletion.on_out_of_scope = departure;
        });
        let passed = pass(&mut world);
        assert_eq!(passed.rows(), [(Row::SelectionShrank, 5, 3)], "{departure:?}");
        assert_eq!(frozen(&passed), 5);
        assert!(words("g", 5).iter().all(|word| stands(&world, word)));
    }
}

#[test]
fn lost_groups_go_on_being_updated_meanwhile() {
    let world = controlled();
    let mut world = world.with(|world| {
        world.controls.insert(id("control"), Ok([].into()));
    });
    pass(&mut world);
    restart(&mut world);
    let mut world = world.group("g2", &["ann", "bob"]).cloud("g3", |group| {
        group.description = Some("new".to_owned());
    });
    let lines = pass(&mut world).lines;
    assert!(lines.contains(&"add g2: bob".to_owned()), "{lines:?}");
    assert!(lines.contains(&"update g3: description".to_owned()), "{lines:?}");
    let mut world = world.group("g2", &["bob"]);
    pass(&mut world);
    assert_eq!(count(&world, "g2"), 1);
}

#[test]
fn a_hold_lasts_until_the_selection_is_whole_again() {
    let mut world = excluded(5, 5);
    for _ in 0..30 {
        assert_eq!(pass(&mut world).rows(), [(Row::SelectionShrank, 5, 3)]);
        world.now += SignedDuration::from_hours(2);
        restart(&mut world);
    }
    let mut world = world.policy(|p| p.selection.exclude = Vec::new());
    assert_eq!(pass(&mut world).rows(), NONE);
    assert!(world.memory.held.is_empty());
}

#[test]
fn an_approval_lets_the_groups_leave_and_no_later_ones() {
    let mut world = excluded(20, 5);
    let passed = pass(&mut world);
    approve(&mut world, &passed.digest().short(), &passed.held);
    restart(&mut world);
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), NONE);
    assert!(world.memory.approvals.is_empty());
    assert_eq!(world.memory.kept.len(), 15);
    // They are frozen now.
    let mut world = world.group("g0", &["ann"]);
    assert_eq!(pass(&mut world).lines, Vec::<String>::new());
    let more = words("g", 9);
    let mut world = world.policy(|p| p.selection.exclude = vec![only(&strs(&more))]);
    assert_eq!(pass(&mut world).rows(), [(Row::SelectionShrank, 4, 3)]);
}

#[test]
fn groups_that_leave_beside_approved_ones_are_weighed_alone() {
    let leave = |also: usize| {
        let mut world = excluded(20, 5);
        let passed = pass(&mut world);
        approve(&mut world, &passed.digest().short(), &passed.held);
        let more = words("g", 5 + also);
        weighed(world.policy(|p| p.selection.exclude = vec![only(&strs(&more))]))
    };
    assert_eq!(leave(3), NONE);
    assert_eq!(leave(4), [(Row::SelectionShrank, 4, 3)]);
}

#[test]
fn the_last_group_does_not_leave_beside_approved_ones() {
    let mut world = excluded(5, 4);
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::SelectionShrank, 4, 3)]);
    approve(&mut world, &passed.digest().short(), &passed.held);
    let all = words("g", 5);
    let world = world.policy(|p| p.selection.exclude = vec![only(&strs(&all))]);
    assert_eq!(weighed(world), [(Row::SelectionShrank, 1, 0)]);
}

#[test]
fn groups_that_end_in_the_tenant_are_not_lost_by_selection() {
    let mut world = fleet(60);
    for word in words("g", 3) {
        hard_delete(&mut world, &word);
    }
    assert_eq!(weighed(world), NONE);
    let mut world = fleet(10);
    for word in words("g", 9) {
        world.groups.remove(&id(&word));
        world.deleted.insert(id(&word));
    }
    assert_eq!(weighed(world), NONE);
}

#[test]
fn groups_that_another_policy_takes_are_not_lost() {
    let all = words("g", 10);
    let world = excluded(10, 10).also("q", |q| {
        q.selection.include = Some(vec![only(&strs(&all))]);
    });
    assert_eq!(weighed(world), NONE);
}

#[test]
fn without_memory_nothing_is_held_and_groups_are_only_frozen() {
    let mut world = excluded(5, 5);
    world.memory = Memory::default();
    let passed = pass(&mut world);
    assert_eq!((passed.rows(), passed.lines), (NONE, vec![]));
    assert!(words("g", 5).iter().all(|word| world.domain.groups.contains_key(&object(word))));
}

#[test]
fn a_suspended_policy_loses_nothing() {
    let mut world = excluded(5, 5).policy(|p| p.suspend = true);
    assert_eq!(pass(&mut world).rows(), NONE);
    assert_eq!(world.memory.kept.len(), 5);
    let mut world = world.policy(|p| p.suspend = false);
    assert_eq!(pass(&mut world).rows(), [(Row::SelectionShrank, 5, 3)]);
}
