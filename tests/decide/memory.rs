//! What a pass leaves behind: causes, memory, conditions.

use writeback::decide::conclude::ChangeResult;
use writeback::decide::conditions::after_pass;
use writeback::model::change::Cause;
use writeback::model::condition::{ConditionKind, Reason};
use writeback::model::{Outcome, Policy};

use crate::check::{check, guarded as judged, line};
use crate::observed::Order;
use crate::world::{World, id, object, world};

/// Looks, applies everything, remembers.
pub(crate) fn pass(world: &mut World) {
    let decision = world.decide(Order::Given);
    let changes = decision.plan.changes.clone();
    let results = world.execute(&changes, |_, _| {});
    world.remember(decision, &results);
}

/// The causes of the next pass, as `line: cause`.
pub(crate) fn causes(world: &World) -> Vec<String> {
    let changes = world.decide(Order::Given).plan.changes;
    changes
        .iter()
        .map(|change| {
            let cause = match &change.cause {
                Cause::Policy(place) => format!("policy line {}", place.line),
                Cause::Cloud(_) => "cloud".to_owned(),
                Cause::Drift(_) => "drift".to_owned(),
                Cause::Person(_) => "person".to_owned(),
            };
            format!("{}: {cause}", line(world, change))
        })
        .collect()
}

/// A world that this process has brought into step.
fn settled() -> World {
    let mut world = world().both("sales", &["ann", "bob"]);
    pass(&mut world);
    world
}

fn conditions_of(world: &World, results: &[ChangeResult]) -> Vec<(ConditionKind, bool, Reason)> {
    let decision = world.decide(Order::Given);
    let guarded = judged(world, &decision);
    let policies = world.policy_set();
    let previous = std::collections::BTreeMap::new();
    let all = after_pass(&policies, &decision, &guarded.held, results, &previous, world.now);
    all.into_values().flatten().map(|c| (c.kind, c.status, c.reason)).collect()
}

#[test]
fn what_somebody_changed_in_the_directory_is_drift() {
    let world = settled().directory("sales", |group| {
        group.display_name = Some("by hand".to_owned());
        group.sam_account_name = "by-hand".to_owned();
        group.dn = group.dn.parent().expect("a parent").child("by hand");
    });
    assert_eq!(
        causes(&world),
        [
            "rename sales: Group_sales: drift",
            "sam sales: Group_sales: drift",
            "update sales: displayName: drift"
        ]
    );
}

#[test]
fn members_put_in_or_taken_out_by_hand_are_drift() {
    let world = settled().with(|world| {
        let eve = world.account("eve");
        let members = world.domain.members.entry(object("sales")).or_default();
        members.remove(&object("ann"));
        members.insert(eve);
    });
    assert_eq!(causes(&world), ["add sales: ann: drift", "remove sales: eve: drift"]);
}

#[test]
fn what_changed_in_the_tenant_is_the_clouds_cause() {
    let world = settled().group("sales", &["carl", "bob"]);
    let world = world.cloud("sales", |group| group.display_name = "Sales West".to_owned());
    assert_eq!(
        causes(&world),
        ["update sales: displayName: cloud", "add sales: carl: cloud", "remove sales: ann: cloud"]
    );
}

#[test]
fn a_changed_policy_is_the_cause_of_new_names() {
    let world = settled().policy(|p: &mut Policy| {
        p.group.common_name.source = writeback::model::policy::NameSource::Preset(
            writeback::model::policy::NamePreset::DisplayNameAndId,
        );
        p.generation = writeback::model::Digest::of(b"changed");
    });
    assert_eq!(causes(&world), ["rename sales: sales_~sales: policy line 20"]);
}

#[test]
fn a_new_group_is_the_policys_cause() {
    let expected = [
        "create hr as Group_hr: policy line 10",
        "fill hr: ann: policy line 10",
        "activate hr: policy line 10",
    ];
    assert_eq!(causes(&world().group("hr", &["ann"])), expected);
}

#[test]
fn what_was_never_written_does_not_pass_for_drift() {
    let mut world = world().group("sales", &["ann"]).written("sales", &[]);
    let decision = world.decide(Order::Given);
    world.remember(decision, &[]);
    assert_eq!(causes(&world), ["add sales: ann: cloud"]);
}

#[test]
fn what_failed_or_was_held_is_not_remembered_as_written() {
    let mut failed = world().group("sales", &["ann"]).written("sales", &[]);
    let decision = failed.decide(Order::Given);
    let change = decision.plan.changes.first().cloned().expect("a change");
    let outcome = Outcome::Failed { message: "busy".to_owned() };
    let result =
        ChangeResult { change, outcome, refused_members: Vec::new(), left_out: Vec::new() };
    failed.remember(decision, &[result]);
    assert_eq!(causes(&failed), ["add sales: ann: cloud"]);
}

#[test]
fn a_created_group_is_remembered_by_its_object() {
    let mut world = world().group("sales", &["ann"]);
    pass(&mut world);
    let known = world.memory.inventory.get(&id("sales")).copied();
    let created = world.domain.groups.keys().next().copied();
    assert!(known.is_some() && known == created, "{known:?} {created:?}");
    check(&world, "");
    world.domain.groups.clear();
    world.domain.members.clear();
    check(
        &world,
        "held create sales as Group_sales
         held fill sales: ann
         held activate sales
         ! DirectoryGroupGone sales",
    );
}

#[test]
fn a_deleted_group_is_forgotten() {
    let mut world = world().gone("sales", &["ann"]);
    let first = world.decide(Order::Given);
    world.remember(first, &[]);
    world.now += crate::world::CONFIRM_AFTER;
    pass(&mut world);
    assert!(world.domain.groups.is_empty());
    assert!(world.memory.inventory.is_empty() && world.memory.absent_since.is_empty());
    check(&world, "");
}

#[test]
fn a_refused_member_is_remembered_for_its_group() {
    let mut world = world().group("sales", &["ann", "bob"]).written("sales", &[]);
    let decision = world.decide(Order::Given);
    let change = decision.plan.changes.first().cloned().expect("a change");
    let result = ChangeResult {
        change,
        outcome: Outcome::Done { object: None },
        refused_members: vec![(object("ann"), "no".to_owned())],
        left_out: Vec::new(),
    };
    world.remember(decision, &[result]);
    check(&world, "add sales: bob\n! Refused sales");
}

#[test]
fn losing_memory_brings_no_removal_that_memory_would_not() {
    let mut world = world().group("sales", &["nolink:eve"]).written("sales", &["bob"]);
    pass(&mut world);
    check(&world, "remove sales: bob\n! NoCounterpart sales");
    world.memory = writeback::model::Memory::default();
    check(&world, "! LinkLost sales\n! LinkLost sales");
}

#[test]
fn a_policy_in_step_is_ready() {
    let all = conditions_of(&settled(), &[]);
    assert!(all.contains(&(ConditionKind::Ready, true, Reason::InStep)), "{all:?}");
    assert_eq!(all.iter().filter(|(_, status, _)| *status).count(), 1, "{all:?}");
}

#[test]
fn waiting_changes_are_reconciling_and_held_ones_held() {
    let all = conditions_of(&world().group("sales", &["ann"]), &[]);
    assert!(all.contains(&(ConditionKind::Reconciling, true, Reason::ChangesWaiting)), "{all:?}");
    let members = ["a", "b", "c", "d", "e"];
    let all = conditions_of(&world().group("sales", &[]).written("sales", &members), &[]);
    assert!(all.contains(&(ConditionKind::Held, true, Reason::GuardTripped)), "{all:?}");
    assert!(all.contains(&(ConditionKind::Ready, false, Reason::GuardTripped)), "{all:?}");
}

#[test]
fn an_incomplete_read_concerns_its_own_policy_only() {
    let world = world().both("sales", &[]).also("q", |p| p.precedence = 200).with(|world| {
        world.members.insert(id("sales"), Err("503".to_owned()));
    });
    let all = conditions_of(&world, &[]);
    let ready: Vec<_> = all.iter().filter(|(kind, ..)| *kind == ConditionKind::Ready).collect();
    assert_eq!(
        ready,
        [
            &(ConditionKind::Ready, false, Reason::ReadIncomplete),
            &(ConditionKind::Ready, true, Reason::InStep)
        ]
    );
}

#[test]
fn a_form_that_the_directory_gives_a_value_is_remembered_as_equal() {
    let keeps_its_own_form = |world: World| {
        world.directory("sales", |group| group.description = Some(" Two  Words ".to_owned()))
    };
    let mut world = world()
        .both("sales", &["ann"])
        .cloud("sales", |group| group.description = Some("two words".to_owned()));
    pass(&mut world);
    let mut world = keeps_its_own_form(world);
    for _ in 0..3 {
        check(&world, "");
        pass(&mut world);
    }
    // Another value is written, and the same form that somebody makes later is drift.
    let changed = world.cloud("sales", |group| group.description = Some("three words".to_owned()));
    check(&changed, "update sales: description");
    let mut late = self::world()
        .both("sales", &["ann"])
        .cloud("sales", |group| group.description = Some("two words".to_owned()));
    pass(&mut late);
    pass(&mut late);
    check(&keeps_its_own_form(late), "update sales: description");
}
