//! Nested groups that a policy skips, or flattens to the members inside them.

use writeback::decide::members::flatten_needs;
use writeback::model::cloud::{CloudMembers, Links, MemberKind, Origin, Unread};
use writeback::model::complete::{End, Reading};
use writeback::model::policy::{Devices, HiddenMembership, MemberMode, Nested, Policy};
use writeback::model::{CloudMember, FindingCode};

use crate::check::{check, lines};
use crate::observed::Order;
use crate::world::{World, id, only, world};

fn rule(nested: Nested) -> impl FnOnce(&mut Policy) {
    move |p| p.members.nested = nested
}

#[test]
fn skipped_groups_are_left_out_counted_by_type_and_taken_out() {
    let world = world()
        .group("sales", &["group:hr", "onprem:legacy", "ann"])
        .written("sales", &["group:hr", "onprem:legacy", "ann"])
        .both("hr", &[])
        .policy(rule(Nested::Skip));
    check(&world, "remove sales: hr legacy\n! MemberTypeSkipped sales\n! MemberTypeSkipped sales");
    let add_only = world.policy(|p| p.members.mode = MemberMode::AddOnly);
    check(&add_only, "! MemberTypeSkipped sales\n! MemberTypeSkipped sales");
}

#[test]
fn flattened_groups_give_way_to_their_members() {
    let world = world()
        .group("sales", &["group:hr", "ann"])
        .written("sales", &["group:hr", "ann"])
        .both("hr", &["bob", "ann"])
        .policy(rule(Nested::Flatten));
    check(&world, "add sales: bob\nremove sales: hr");
}

#[test]
fn circles_and_diamonds_are_flattened_once() {
    let world = world()
        .group("a", &["group:b", "group:c"])
        .group("b", &["group:d", "u"])
        .group("c", &["group:d", "v"])
        .group("d", &["group:a", "group:d", "w", "device:pc"])
        .policy(rule(Nested::Flatten))
        .policy(|p| p.selection.include = Some(vec![only(&["a"])]));
    check(&world, "create a as Group_a\nfill a: pc u v w\nactivate a");
}

#[test]
fn on_premises_groups_are_flattened_by_their_cloud_members() {
    let world = world()
        .group("sales", &["onprem:legacy"])
        .group("legacy", &["ann"])
        .cloud("legacy", |legacy| legacy.origin = Origin::OnPremises(None))
        .written("sales", &["onprem:legacy"])
        .policy(rule(Nested::Flatten));
    check(&world, "add sales: ann\nremove sales: legacy");
}

#[test]
fn a_nested_group_that_could_not_be_read_makes_a_flattened_group_unknown() {
    let flat = || {
        world()
            .group("sales", &["group:hr"])
            .written("sales", &["bob"])
            .policy(rule(Nested::Flatten))
            .policy(|p| p.selection.include = Some(vec![only(&["sales"])]))
    };
    check(&flat(), "unknown sales\n! MembersUnread sales");
    let unread = flat().with(|world| {
        world.members.insert(id("hr"), Err("503".to_owned()));
    });
    check(&unread, "unknown sales\n! MembersUnread sales");
    let reasons: Vec<_> = unread.decide(Order::Given).unknown.into_values().collect();
    assert!(reasons.iter().all(|reason| reason.contains("503")), "{reasons:?}");
}

#[test]
fn a_hidden_member_deep_below_makes_a_flattened_group_unknown() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["bob"])
        .group("hr", &["blind:eve"])
        .policy(rule(Nested::Flatten))
        .policy(|p| p.selection.include = Some(vec![only(&["sales"])]));
    check(&world, "unknown sales\n! MembersUnread sales");
}

#[test]
fn a_lost_link_deep_below_holds_the_removals_of_a_flattened_group() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["bob"])
        .group("hr", &["lost:eve", "ann"])
        .policy(rule(Nested::Flatten))
        .policy(|p| p.selection.include = Some(vec![only(&["sales"])]));
    check(&world, "add sales: ann\n! CounterpartMissing sales\n! LinkLost sales");
}

#[test]
fn members_of_hidden_groups_are_not_shown_by_flattening() {
    let world = world()
        .group("sales", &["group:hr"])
        .group("hr", &["ann"])
        .cloud("hr", |hr| hr.hidden_membership = true)
        .policy(rule(Nested::Flatten))
        .policy(|p| p.selection.include = Some(vec![only(&["sales"])]));
    check(&world, "create sales as Group_sales\n! HiddenMembership sales");
    let written = world.policy(|p| p.selection.hidden_membership = HiddenMembership::Write);
    check(&written, "create sales as Group_sales\nfill sales: ann\nactivate sales");
}

#[test]
fn a_soft_deleted_group_gives_no_members_to_a_flattened_one() {
    let world = world()
        .group("sales", &["group:hr", "bob"])
        .written("sales", &["ann", "bob"])
        .policy(rule(Nested::Flatten))
        .with(|world| {
            world.deleted.insert(id("hr"));
        });
    check(&world, "remove sales: ann\n! ChildNotWrittenBack sales");
}

#[test]
fn the_maximum_counts_what_would_be_written() {
    let flat = |maximum: usize| {
        world()
            .group("sales", &["group:a", "group:b"])
            .group("a", &["ann", "bob"])
            .group("b", &["bob", "carl", "group:a"])
            .policy(rule(Nested::Flatten))
            .policy(|p| p.selection.include = Some(vec![only(&["sales"])]))
            .policy(move |p| p.members.maximum_security = maximum)
    };
    let written = "create sales as Group_sales\nfill sales: ann bob carl\nactivate sales";
    check(&flat(3), written);
    check(&flat(2), "! TooManyMembers sales");
    let skipped = world()
        .group("sales", &["group:a", "group:b", "device:pc", "ann"])
        .policy(rule(Nested::Skip))
        .policy(|p| p.members.devices = Devices::Skip)
        .policy(|p| p.members.maximum_security = 1);
    assert!(lines(&skipped).contains(&"fill sales: ann".to_owned()));
}

#[test]
fn what_flattening_still_needs_is_asked_level_by_level_and_once() {
    let read = |world: &mut World, words: &[&str]| {
        let mut reading = Reading::begin("world", world.now);
        reading.page(words.iter().map(|word| world.member(word)).collect::<Vec<CloudMember>>());
        Ok(reading.finish(End::NoNextLink))
    };
    let mut world = world();
    let roots = [id("a")].into();
    let mut cloud = CloudMembers { of: std::collections::BTreeMap::new(), links: Links::Readable };
    assert_eq!(flatten_needs(&cloud.of, &roots), roots);
    cloud.of.insert(id("a"), read(&mut world, &["group:b", "onprem:c", "ann", "group:a"]));
    assert_eq!(flatten_needs(&cloud.of, &roots), [id("b"), id("c")].into());
    cloud.of.insert(id("b"), read(&mut world, &["group:a", "group:d"]));
    cloud.of.insert(id("c"), Err(Unread { reason: "503".to_owned() }));
    assert_eq!(flatten_needs(&cloud.of, &roots), [id("d")].into());
    cloud.of.insert(id("d"), read(&mut world, &["group:b"]));
    assert_eq!(flatten_needs(&cloud.of, &roots), std::collections::BTreeSet::new());
}

#[test]
fn unread_types_of_nested_groups_matter_only_to_those_who_write_them() {
    let world = world().group("sales", &["ann", "blind:hr"]).written("sales", &["bob"]);
    let world = world.with(|world| {
        for member in world.members.values_mut().flatten().flatten() {
            if member.id == id("hr") {
                member.kind = MemberKind::Unreadable("securityEnabled");
            }
        }
    });
    check(&world, "unknown sales\n! MembersUnread sales");
    let skipped = world.policy(rule(Nested::Skip));
    check(&skipped, "add sales: ann\nremove sales: bob\n! MemberTypeSkipped sales");
    let decision = skipped.decide(Order::Given);
    assert!(decision.findings.iter().all(|f| f.code != FindingCode::MembersUnread));
}
