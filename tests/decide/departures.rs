//! How a directory group ends: disabled, quarantined, deleted; the grace; the way back.

use jiff::SignedDuration;
use writeback::decide::guard::Row;
use writeback::model::directory::UNIVERSAL_DISTRIBUTION;
use writeback::model::policy::{Deletion, Departure, Mode};
use writeback::model::record::RecordState;
use writeback::model::{AttributeName, Leave};

use crate::check::{check, guarded as judged, lines};
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, Listed, World, dn, id, only, record, sid, world};

const QUARANTINE: &str = "OU=Quarantine,OU=Groups,DC=corp,DC=example";

/// The same end for every event.
fn always(departure: Departure) -> Deletion {
    Deletion {
        on_disabled: departure,
        on_out_of_scope: departure,
        on_soft_deleted: departure,
        on_hard_deleted: departure,
        grace: SignedDuration::ZERO,
        quarantine_container: Some(dn(QUARANTINE)),
    }
}

/// A group whose flag is off.
fn off(departure: Departure) -> World {
    world().both("sales", &["ann"]).flag("sales", Listed::Off).policy(|p| {
        p.deletion = always(departure);
    })
}

/// The same group after each of the four events.
fn after_each_event(departure: Departure) -> [World; 4] {
    let rule = |world: World| world.policy(|p| p.deletion = always(departure));
    [
        off(departure),
        rule(world().both("sales", &["ann"]))
            .policy(|p| p.selection.exclude = vec![only(&["sales"])]),
        rule(world().written("sales", &["ann"])).with(|world| {
            world.deleted.insert(id("sales"));
        }),
        rule(world().gone("sales", &["ann"])).with(|world| {
            world.memory.absent_since.insert(id("sales"), world.now - CONFIRM_AFTER);
        }),
    ]
}

#[test]
fn every_event_ends_a_group_as_its_policy_says() {
    for (departure, expected) in [
        (Departure::Retain, "freeze sales"),
        (Departure::Disable, "disable sales: extensionName groupType"),
        (Departure::Delete, "delete sales"),
    ] {
        for world in after_each_event(departure) {
            check(&world, expected);
        }
    }
    let expected = format!(
        "disable sales: extensionName groupType\nquarantine sales to CN=Group_sales,{QUARANTINE}"
    );
    for world in after_each_event(Departure::Quarantine) {
        check(&world, &expected);
    }
}

#[test]
fn a_hard_deletion_that_was_seen_once_ends_nothing() {
    for (departure, expected) in [
        (Departure::Disable, "unconfirmed disable sales: extensionName groupType"),
        (Departure::Delete, "unconfirmed delete sales"),
    ] {
        let world = world().gone("sales", &["ann"]).policy(|p| p.deletion = always(departure));
        check(&world, expected);
    }
}

#[test]
fn a_distribution_group_keeps_its_type_when_it_is_disabled() {
    let world = off(Departure::Disable)
        .directory("sales", |group| group.group_type = UNIVERSAL_DISTRIBUTION);
    check(&world, "disable sales: extensionName");
}

#[test]
fn an_ended_group_is_frozen() {
    let ended = |departure, state| {
        off(departure).directory("sales", |group| {
            group.group_type = UNIVERSAL_DISTRIBUTION;
            group.records = vec![record("sales", "p", state)];
        })
    };
    check(&ended(Departure::Disable, RecordState::Disabled), "freeze sales");
    check(&ended(Departure::Disable, RecordState::Quarantined), "freeze sales");
    let quarantined = ended(Departure::Quarantine, RecordState::Quarantined)
        .directory("sales", |group| group.dn = dn(QUARANTINE).child("Group_sales"));
    check(&quarantined, "freeze sales");
    // A move that was cut off is made up for; a disabled group goes on to quarantine.
    let cut_off = ended(Departure::Quarantine, RecordState::Quarantined);
    let there = format!("quarantine sales to CN=Group_sales,{QUARANTINE}");
    check(&cut_off, &there);
    let on = format!("disable sales: extensionName\n{there}");
    check(&ended(Departure::Quarantine, RecordState::Disabled), &on);
    check(&ended(Departure::Delete, RecordState::Disabled), "delete sales");
}

#[test]
fn the_grace_is_waited_for_and_starts_with_the_event() {
    let waiting = |since: Option<(Leave, i64)>| {
        off(Departure::Delete).policy(|p| p.deletion.grace = SignedDuration::from_hours(1)).with(
            |world| {
                if let Some((leave, minutes)) = since {
                    let at = world.now - SignedDuration::from_mins(minutes);
                    world.memory.left.insert(id("sales"), (leave, at));
                }
            },
        )
    };
    check(&waiting(None), "freeze sales");
    check(&waiting(Some((Leave::FlagOff, 59))), "freeze sales");
    check(&waiting(Some((Leave::FlagOff, 60))), "delete sales");
    // Another event has a grace of its own.
    check(&waiting(Some((Leave::OutOfScope, 600))), "freeze sales");
}

#[test]
fn the_clock_is_reset_when_the_group_comes_back() {
    let mut world = off(Departure::Delete);
    let decision = world.decide(Order::Given);
    world.remember(decision, &[]);
    assert_eq!(world.memory.left.get(&id("sales")), Some(&(Leave::FlagOff, world.now)));
    let mut back = world.flag("sales", Listed::On);
    let decision = back.decide(Order::Given);
    back.remember(decision, &[]);
    assert_eq!(back.memory.left.get(&id("sales")), None);
}

#[test]
fn who_removes_nothing_ends_no_group() {
    for mode in [Mode::CreateOnly, Mode::UpsertOnly] {
        check(&off(Departure::Delete).policy(|p| p.mode = mode), "freeze sales");
    }
    let mut last_good = off(Departure::Disable);
    last_good.policies[0].last_good = true;
    check(&last_good, "freeze sales");
}

#[test]
fn a_group_that_comes_back_is_what_it_was() {
    let ended = |state| {
        world().both("sales", &["ann"]).directory("sales", |group| {
            group.group_type = UNIVERSAL_DISTRIBUTION;
            group.records = vec![record("sales", "p", state)];
        })
    };
    let restored = "convert sales: distribution to security\nactivate sales";
    check(&ended(RecordState::Disabled), restored);
    let quarantined = ended(RecordState::Quarantined)
        .directory("sales", |group| group.dn = dn(QUARANTINE).child("Group_sales"))
        .policy(|p| p.group.placement.mode = writeback::model::policy::Upkeep::CreateOnly);
    check(&quarantined, &format!("move sales: Groups/Group_sales\n{restored}"));
}

#[test]
fn somebodys_primary_group_is_neither_disabled_nor_deleted() {
    let rid = sid("sales").rid();
    for departure in [Departure::Disable, Departure::Quarantine, Departure::Delete] {
        let world = off(departure).principal("carl", |carl| carl.primary_group = rid);
        check(&world, "freeze sales\n! PrimaryGroupMember sales");
    }
}

#[test]
fn a_disabled_group_loses_the_mail_attributes_it_was_given() {
    let value = |name: &'static str, values: &[&str]| {
        (AttributeName::from(name), values.iter().map(|value| (*value).to_owned()).collect())
    };
    let world = off(Departure::Disable)
        .cloud("sales", |group| {
            group.mail = Some("sales@corp.example".to_owned());
            group.mail_nickname = Some("sales".to_owned());
        })
        .directory("sales", |group| {
            group.attributes = [
                value("mail", &["sales@corp.example"]),
                value("mailNickname", &["by-hand"]),
                value("proxyAddresses", &["SMTP:sales@corp.example", "smtp:old@corp.example"]),
            ]
            .into();
        });
    check(&world, "disable sales: extensionName groupType mail proxyAddresses");
}

#[test]
fn ended_groups_count_as_groups_removed() {
    let mut world = world().policy(|p| p.deletion = always(Departure::Quarantine));
    for number in 0..21 {
        world = world.both(&format!("g{number}"), &["ann"]);
    }
    let one = world.clone().flag("g0", Listed::Off);
    let decision = one.decide(Order::Given);
    assert!(judged(&one, &decision).held.holds.is_empty());
    let two = world.flag("g0", Listed::Off).flag("g1", Listed::Off);
    let decision = two.decide(Order::Given);
    let held = judged(&two, &decision).held;
    assert_eq!(
        held.holds.iter().map(|hold| (hold.row, hold.measured)).collect::<Vec<_>>(),
        [(Row::GroupsRemoved, 2)]
    );
    assert_eq!(held.changes.len(), 4);
    assert!(lines(&two).iter().any(|line| line.starts_with("held quarantine")));
}

#[test]
fn two_groups_of_one_name_do_not_meet_in_quarantine() {
    let twins = ["a", "b"].into_iter().fold(world(), |world, word| {
        world.both(word, &[]).flag(word, Listed::Off).directory(word, |group| {
            group.dn = dn(&format!("OU={word},OU=Groups,DC=corp,DC=example")).child("twin");
        })
    });
    let mut world = twins.policy(|p| p.deletion = always(Departure::Quarantine));
    check(
        &world,
        &format!(
            "held disable a: extensionName groupType
             held disable b: extensionName groupType
             held quarantine a to CN=twin,{QUARANTINE}"
        ),
    );
    for _ in 0..2 {
        let decision = world.decide(Order::Given);
        let changes = decision.plan.changes.clone();
        let results = world.execute(&changes, |_, _| {});
        world.remember(decision, &results);
    }
    check(&world, "freeze a\nfreeze b\n! NameTaken b");
}

#[test]
fn security_stays_what_it_was_until_the_event() {
    check(&off(Departure::Disable).flag("sales", Listed::On), "");
    let waits = off(Departure::Disable).policy(|p| p.deletion.grace = SignedDuration::from_mins(1));
    check(&waits, "freeze sales");
}
