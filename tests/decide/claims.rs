//! Which policy a group belongs to, and what the state of its policy means for it.

use writeback::decide::plan;
use writeback::model::Policy;
use writeback::model::policy::{Departure, FlagRule, Matcher, Mode};
use writeback::model::record::RecordState;

use crate::check::check;
use crate::observed::Order;
use crate::world::{Listed, World, id, only, record, world};

fn by_q(world: World, group: &str) -> World {
    let value = record(group, "q", RecordState::Active);
    world.directory(group, |found| found.records = vec![value])
}

#[test]
fn the_lowest_precedence_takes_a_group_that_two_policies_select() {
    let world = world().group("sales", &[]).also("q", |p| p.precedence = 1);
    check(&world, "create sales as Group_sales");
    let decision = world.decide(Order::Given);
    let takers: Vec<_> = decision.plan.changes.iter().map(|c| c.policy.to_string()).collect();
    assert!(takers.iter().all(|taker| taker == "q"), "{takers:?}");
}

#[test]
fn equal_precedence_leaves_a_new_group_alone() {
    check(&world().group("sales", &[]).also("q", |_| {}), "! PolicyConflict sales");
}

#[test]
fn equal_precedence_leaves_a_written_group_with_the_policy_of_its_record() {
    let world = world().group("sales", &["ann"]).written("sales", &[]).also("q", |_| {});
    check(&world, "add sales: ann\n! PolicyConflict sales");
}

#[test]
fn a_stronger_policy_takes_a_group_over() {
    let world = world().group("sales", &["ann"]).written("sales", &[]);
    check(&world.clone().also("q", |p| p.precedence = 1), "handover sales: p to q\nadd sales: ann");
    check(&world.also("q", |p| p.precedence = 200), "add sales: ann");
}

#[test]
fn between_equal_numbers_the_policy_of_the_record_keeps_the_group() {
    let world = world().group("sales", &["ann"]).written("sales", &[]).also("q", |_| {});
    check(&world, "add sales: ann\n! PolicyConflict sales");
}

/// A group of `p` that only `q` selects.
fn left_to_q(edit: impl FnOnce(&mut Policy)) -> World {
    world()
        .group("sales", &["ann"])
        .written("sales", &[])
        .policy(|p| p.selection.include = Some(Vec::new()))
        .also("q", edit)
}

#[test]
fn a_group_that_only_another_policy_selects_is_handed_over_and_not_deleted() {
    let world = left_to_q(|_| {}).policy(|p| p.deletion.on_out_of_scope = Departure::Delete);
    check(&world, "handover sales: p to q\nadd sales: ann");
}

#[test]
fn a_policy_that_takes_nothing_now_leaves_the_group_frozen_and_not_deleted() {
    let delete = |p: &mut Policy| p.deletion.on_out_of_scope = Departure::Delete;
    let world = left_to_q(|p| p.suspend = true).policy(delete);
    check(&world, "freeze sales\n! PolicyConflict sales");
    let mut last_good = left_to_q(|_| {}).policy(delete);
    last_good.policies[1].last_good = true;
    check(&last_good, "freeze sales\n! PolicyConflict sales");
    // Nor does a group leave a policy whose file cannot be parsed now.
    let mut kept = left_to_q(|_| {}).policy(delete);
    kept.policies[0].last_good = true;
    check(&kept, "freeze sales\n! PolicyConflict sales");
}

#[test]
fn a_group_that_two_equals_could_take_over_is_frozen() {
    let world = left_to_q(|_| {}).also("r", |_| {});
    check(&world, "freeze sales\n! PolicyConflict sales");
}

#[test]
fn a_group_that_a_stalled_policy_may_select_does_not_leave() {
    let world = left_to_q(|p| {
        p.selection.include = Some(vec![Matcher { member_of: Some(id("control")), ..only(&[]) }]);
        if let Some(entry) = p.selection.include.iter_mut().flatten().next() {
            entry.ids = None;
        }
    });
    let world = world.policy(|p| p.deletion.on_out_of_scope = Departure::Delete);
    check(&world, "stalled q: SelectionUnreadable");
}

#[test]
fn a_suspended_policy_keeps_its_groups_and_writes_nothing() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .group("hr", &[])
        .policy(|p| p.suspend = true)
        .also("q", |p| p.precedence = 200);
    check(&world, "");
}

#[test]
fn groups_of_an_observing_policy_are_written_by_nobody() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .policy(|p| p.mode = Mode::Observe)
        .also("q", |p| p.precedence = 1);
    check(&world, "");
}

#[test]
fn an_observing_policy_does_not_keep_a_group_from_a_weaker_one_that_writes() {
    let world = world()
        .group("sales", &[])
        .policy(|p| p.mode = Mode::Observe)
        .also("q", |p| p.precedence = 200);
    check(&world, "create sales as Group_sales\nobserved create sales as Group_sales");
}

#[test]
fn an_observing_policy_prints_nothing_of_a_group_that_a_stronger_one_takes() {
    let world = world()
        .group("sales", &[])
        .policy(|p| p.mode = Mode::Observe)
        .also("q", |p| p.precedence = 1);
    check(&world, "create sales as Group_sales");
}

#[test]
fn an_observed_plan_nests_the_groups_that_it_would_create() {
    let world =
        world().group("sales", &["group:hr"]).group("hr", &[]).policy(|p| p.mode = Mode::Observe);
    check(
        &world,
        "observed create hr as Group_hr
         observed create sales as Group_sales
         observed fill sales: +hr
         observed activate sales",
    );
}

#[test]
fn an_unknown_flag_under_equal_precedence_leaves_the_group_alone() {
    let ignoring = world()
        .policy(|p| p.selection.writeback_flag = FlagRule::Ignore)
        .group("sales", &[])
        .flag("sales", Listed::Missing);
    check(&ignoring.clone().also("a", |_| {}), "unknown sales");
    check(&ignoring.also("z", |_| {}), "unknown sales");
}

#[test]
fn an_unknown_flag_of_a_weaker_policy_is_of_no_consequence() {
    let world = world()
        .policy(|p| p.selection.writeback_flag = FlagRule::Ignore)
        .group("sales", &[])
        .flag("sales", Listed::Missing)
        .also("q", |p| p.precedence = 200);
    check(&world, "create sales as Group_sales");
}

#[test]
fn a_last_good_policy_creates_nothing_and_repairs_what_it_has() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .group("hr", &[])
        .with(|world| world.policies.iter_mut().for_each(|s| s.last_good = true));
    check(&world, "add sales: ann\nremove sales: bob");
}

#[test]
fn a_last_good_policy_deletes_no_group() {
    let world = world()
        .gone("sales", &[])
        .with(|world| world.policies.iter_mut().for_each(|s| s.last_good = true));
    check(&world, "freeze sales");
}

#[test]
fn a_group_of_a_policy_that_is_not_there_is_an_orphan() {
    let world = world().both("sales", &["ann"]);
    let world = by_q(world.policy(|p| p.selection.exclude = vec![only(&["sales"])]), "sales");
    check(&world, "freeze sales\n! Orphaned sales");
}

#[test]
fn an_orphan_is_handed_over_to_a_policy_that_selects_it() {
    check(&by_q(world().both("sales", &["ann"]), "sales"), "handover sales: q to p");
}

#[test]
fn an_orphan_stays_nested() {
    let world = by_q(
        world()
            .both("hr", &[])
            .group("sales", &["group:hr"])
            .written("sales", &["group:hr"])
            .policy(|p| p.selection.include = Some(vec![only(&["sales"])])),
        "hr",
    );
    check(&world, "freeze hr\n! Orphaned hr");
}

#[test]
fn while_a_document_cannot_be_parsed_nothing_is_an_orphan_or_out_of_scope() {
    let world = by_q(
        world()
            .both("hr", &[])
            .both("it", &[])
            .group("sales", &["group:it"])
            .written("sales", &["group:it"])
            .policy(|p| p.selection.exclude = vec![only(&["it"])])
            .with(|world| world.unparsed.push("broken.yaml".to_owned())),
        "hr",
    );
    check(&world, "");
}

#[test]
fn the_policy_is_in_the_digest_and_the_cause_is_not() {
    let world = world().group("sales", &["ann"]);
    let digest = |world: &World| plan::digest(world.decide(Order::Given).plan.writes());
    let elsewhere = world.clone().policy(|p| p.selection_place.line = 99);
    assert_eq!(digest(&world), digest(&elsewhere));
    let renamed = world.clone().with(|world| world.policies.clear()).also("q", |_| {});
    assert_ne!(digest(&world), digest(&renamed));
}
