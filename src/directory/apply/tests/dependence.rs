//! What builds on a change of the same group that went wrong: removals on additions, a record on
//! what it tells, a type on who had to leave.

use super::world::{World, world};
use super::*;

/// The record of a group that is out of use becomes that of one in use.
fn reactivation(number: u128, state: &str) -> Effect {
    let before = record(number).replace("Active", state);
    update("extensionName", Some(&before), Some(&record(number)))
}

/// A world of one group, 1, with a record of that state and with one member, 5.
fn one_group(state: &str) -> World {
    let mut world = world(&[(1, "a", &[5])]);
    world.set(1, "extensionName", &[&record(1).replace("Active", state)]);
    world
}

/// An update of the group of [`one_group`] that the directory refuses.
fn refused_update(world: &mut World) -> Effect {
    world.set(1, "description", &["X"]);
    world.refused.push("description");
    update("description", Some("X"), Some("y"))
}

const TO_SECURITY: Effect = Effect::Convert { from: 8, to: -2_147_483_640 };

#[test]
fn nobody_is_taken_out_of_a_group_that_refuses_its_additions() {
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([7]), remove([5])]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert!(message(&results, 1).starts_with("nobody is taken out before"), "{results:?}");
    assert!(message(&results, 1).contains("a local group"), "the reason is told: {results:?}");
    assert_eq!(world.members(1), [5]);
}

#[test]
fn nobody_is_taken_out_while_a_nested_group_is_missing_beside_members_that_were_added() {
    let mut world = one_group("Active");
    let nested = MemberReference::Created { group: id(9), label: "new".to_owned() };
    let members = [existing([6]), vec![nested]].concat();
    let additions = Effect::AddMembers { members, of: Some(1) };
    let results =
        world.run(of_one([additions, remove([5]), update("description", None, Some("x"))]));
    assert_eq!(words(&results), ["done", "failed", "done"]);
    assert!(message(&results, 1).contains("new: its group was not created"), "{results:?}");
    assert_eq!(world.members(1), [5, 6]);
}

#[test]
fn a_member_refused_beside_others_does_not_stop_the_removals() {
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([6, 7]), remove([5])]));
    assert_eq!(words(&results), ["done", "done"]);
    assert_eq!(results.first().unwrap().refused_members.len(), 1);
    assert_eq!(world.members(1), [6]);
}

#[test]
fn additions_to_one_group_do_not_concern_the_removals_of_another() {
    let mut world = world(&[(1, "a", &[]), (2, "b", &[5])]);
    world.forbidden.insert(guid(7));
    let results = world
        .run(vec![change(1, target(1, "a"), add([7])), change(2, target(2, "b"), remove([5]))]);
    assert_eq!(words(&results), ["refused", "done"]);
}

#[test]
fn a_group_is_in_use_again_only_when_nothing_of_it_was_refused() {
    for state in ["Disabled", "Quarantined"] {
        let mut world = one_group(state);
        let update = refused_update(&mut world);
        let results = world.run(of_one([update, add([6]), reactivation(1, state)]));
        assert_eq!(words(&results), ["refused", "done", "failed"], "{state}");
        assert!(message(&results, 2).starts_with("it is recorded as in use again only when"));
        assert_eq!(world.values(1, "extensionName"), [record(1).replace("Active", state)]);

        let mut world = one_group(state);
        let results = world.run(of_one([add([6]), remove([5]), reactivation(1, state)]));
        assert_eq!(words(&results), ["done"; 3], "{state}");
        assert_eq!(world.values(1, "extensionName"), [record(1)]);
    }
}

#[test]
fn a_group_whose_way_out_of_quarantine_is_refused_stays_recorded_as_quarantined() {
    let mut world = world(&[(1, "a", &[]), (2, "B", &[])]);
    let before = record(1).replace("Active", "Quarantined");
    world.set(1, "extensionName", &[&before]);
    let to = target(1, "b");
    let results = world.run(of_one([Effect::Move { to }, reactivation(1, "Quarantined")]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert_eq!(world.values(1, "extensionName"), [before]);
}

#[test]
fn a_change_that_was_not_tried_holds_the_record_back_as_well() {
    let mut world = one_group("Disabled");
    let nested = MemberReference::Created { group: id(9), label: "new".to_owned() };
    let additions = Effect::AddMembers { members: vec![nested], of: Some(1) };
    let results = world.run(of_one([additions, remove([5]), reactivation(1, "Disabled")]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
}

#[test]
fn a_new_group_is_recorded_as_filled_only_when_its_members_are_in_it() {
    let mut world = one_group("Filling");
    let update = refused_update(&mut world);
    world.forbidden.insert(guid(7));
    let changes = of_one([update, add([7]), remove([5]), reactivation(1, "Filling")]);
    let results = world.run(changes);
    assert_eq!(words(&results), ["refused", "refused", "failed", "failed"]);
    let standing = record(1).replace("Active", "Filling");
    assert_eq!(world.values(1, "extensionName"), [standing]);
}

#[test]
fn a_record_changed_beside_other_attributes_waits_for_nothing() {
    let mut world = one_group("Disabled");
    let update = refused_update(&mut world);
    let Effect::Update { mut attributes } = reactivation(1, "Disabled") else { panic!("a record") };
    let (name, after) = ("info".into(), Some("x".to_owned()));
    attributes.push(AttributeChange { name, before: None, after });
    let results = world.run(of_one([update, Effect::Update { attributes }]));
    assert_eq!(words(&results), ["refused", "done"]);
}

#[test]
fn a_group_becomes_a_security_group_only_without_those_who_had_to_leave() {
    let denied = |world: &mut World| {
        world.refused.push("member");
        world.run(of_one([remove([5]), TO_SECURITY]))
    };
    let mut world = one_group("Active");
    let results = denied(&mut world);
    assert_eq!(words(&results), ["refused", "failed"]);
    assert!(message(&results, 1).starts_with("it becomes a security group only when"));
    assert_eq!(world.values(1, "groupType"), ["8"]);

    // Removals that were not tried leave the members as well.
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([7]), remove([5]), TO_SECURITY]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.values(1, "groupType"), ["8"]);

    for members in [&[5_u128][..], &[]] {
        let mut world = one_group("Active");
        world.objects.get_mut(&guid(1)).unwrap().members =
            members.iter().copied().map(guid).collect();
        let results = world.run(of_one([remove([5]), TO_SECURITY]));
        assert!(results.iter().all(|result| result.outcome.achieved()), "{results:?}");
        assert_eq!(world.values(1, "groupType"), ["-2147483640"]);
    }
}

#[test]
fn a_group_loses_its_security_whatever_becomes_of_its_removals() {
    let mut world = one_group("Active");
    world.set(1, "groupType", &["-2147483640"]);
    world.refused.push("member");
    let weaker = Effect::Convert { from: -2_147_483_640, to: 8 };
    let results = world.run(of_one([remove([5]), weaker]));
    assert_eq!(words(&results), ["refused", "done"]);
    assert_eq!(world.values(1, "groupType"), ["8"]);
}

#[test]
fn a_group_that_cannot_be_disabled_is_not_moved_into_quarantine() {
    let mut world = world(&[(8, "unused", &[103])]);
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x"]);
    world.refused.push("groupType");
    let results = world.run(vec![
        change(8, target(8, "unused"), disable(8)),
        change(8, target(8, "unused"), Effect::Quarantine { to: target(8, "out of use") }),
        change(8, target(8, "unused"), deletion()),
    ]);
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.objects.get(&guid(8)).unwrap().dn, dn("unused"));
}

#[test]
fn a_group_keeps_its_policy_while_its_name_or_place_is_refused() {
    let to = || target(1, "b");
    for naming in [Effect::Rename { to: to() }, Effect::Move { to: to() }] {
        let mut world = world(&[(1, "a", &[]), (2, "B", &[])]);
        let results = world.run(of_one([naming, handover(1), add([6])]));
        assert_eq!(words(&results), ["refused", "failed", "done"]);
        assert!(message(&results, 1).starts_with("a group changes its policy together with"));
        assert_eq!(world.values(1, "extensionName"), ["other".to_owned(), record(1)]);
    }
    let mut world = world(&[(1, "a", &[])]);
    let rename = change(1, target(1, "a"), Effect::Rename { to: to() });
    let results = world.run(vec![rename, change(1, to(), handover(1))]);
    assert_eq!(words(&results), ["done", "done"]);
}

#[test]
fn nothing_is_tried_for_a_group_that_did_not_come_to_be() {
    for number in [5, 7] {
        let mut world = world(&[(1, "S", &[])]);
        world.bury(7, "gone");
        let first = match number {
            5 => create(5, "s"),
            _ => change(7, target(7, "s"), restore(7)),
        };
        let at = first.target.clone();
        let effects = [
            Effect::Rename { to: target(number, "b") },
            handover(number),
            update("description", None, Some("x")),
            TO_SECURITY,
            add([6]),
            remove([6]),
            reactivation(number, "Filling"),
            disable(number),
            deletion(),
        ];
        let later = effects.into_iter().map(|effect| change(number, at.clone(), effect));
        let results = world.run([first].into_iter().chain(later).collect());
        assert_eq!(words(&results).first(), Some(&"refused"));
        assert!(words(&results).iter().skip(1).all(|word| *word == "failed"), "{results:?}");
        assert_eq!(world.operations.len(), 1);
    }
}

#[test]
fn a_failure_after_a_refused_name_stops_the_group_as_any_other_does() {
    let mut world = world(&[(1, "a", &[5]), (2, "B", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(of_one([Effect::Rename { to: target(1, "b") }, mine, add([6])]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.members(1), [5]);
}
