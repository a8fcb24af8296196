//! Names and places: presets, clashes, look-alikes, swaps, what is left to the administrators.

use writeback::model::policy::{Mode, NamePreset, NameSource, Policy, Upkeep};

use crate::check::{check, lines};
use crate::world::{GROUPS, Listed, World, dn, id, world};

fn friendly(policy: &mut Policy) {
    policy.group.common_name.source = NameSource::Preset(NamePreset::DisplayNameAndId);
    policy.group.sam_account_name.source = NameSource::Preset(NamePreset::DisplayNameAndId);
}

fn left_alone(policy: &mut Policy) {
    policy.group.common_name.mode = Upkeep::CreateOnly;
    policy.group.placement.mode = Upkeep::CreateOnly;
    policy.group.sam_account_name.mode = Upkeep::CreateOnly;
}

/// Renames the directory group by hand.
fn called(world: World, group: &str, name: &str) -> World {
    world.directory(group, |found| found.dn = dn(GROUPS).child(name))
}

fn anchored(word: &str) -> String {
    id(word).anchor()
}

#[test]
fn a_friendly_name_carries_the_tail_of_the_id() {
    let world = world().group("sales", &[]).policy(friendly);
    check(&world, "create sales as sales_~sales");
}

#[test]
fn hostile_display_names_give_names_the_directory_takes() {
    for (name, cn) in [
        ("  West, \"A\" + B  ", "West, \"A\" + B_~sales"),
        ("#1 \\ (all)*", "#1 \\ (all)*_~sales"),
        ("a\u{0}b\nc", "abc_~sales"),
        ("\u{202E}left", "\u{202E}left_~sales"),
    ] {
        let world = world()
            .group("sales", &[])
            .policy(friendly)
            .cloud("sales", |g| g.display_name = name.to_owned());
        assert_eq!(lines(&world).first(), Some(&format!("create sales as {cn}")));
    }
    let long = "\u{1F600}".repeat(256);
    let world =
        world().group("sales", &[]).policy(friendly).cloud("sales", |g| g.display_name = long);
    let cn = format!("{}_~sales", "\u{1F600}".repeat(25));
    assert_eq!(lines(&world).first(), Some(&format!("create sales as {cn}")));
}

#[test]
fn a_display_name_of_nothing_gives_no_group() {
    for nothing in ["", "   ", "\u{0}\u{1}", "\t\r\n"] {
        let world = world()
            .group("sales", &["ann"])
            .policy(friendly)
            .cloud("sales", |group| group.display_name = nothing.to_owned());
        check(&world, "! ImpossibleName sales");
    }
}

#[test]
fn a_written_group_keeps_its_name_when_its_display_name_becomes_nothing() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &[])
        .policy(friendly)
        .cloud("sales", |group| group.display_name = " ".to_owned());
    check(&world, "update sales: displayName\nadd sales: ann\n! ImpossibleName sales");
}

#[test]
fn a_cn_taken_by_another_object_is_told_and_not_written() {
    let world = world().group("sales", &["ann"]).bystander(&anchored("sales"), "other", GROUPS);
    check(&world, "! NameTaken sales");
}

#[test]
fn a_cn_that_differs_in_case_is_taken_too() {
    let name = anchored("sales").to_uppercase();
    let world = world().group("sales", &[]).bystander(&name, "other", GROUPS);
    check(&world, "! NameTaken sales");
}

#[test]
fn a_cn_taken_in_another_container_is_free() {
    let world =
        world().group("sales", &[]).bystander(&anchored("sales"), "other", "DC=corp,DC=example");
    check(&world, "create sales as Group_sales");
}

#[test]
fn a_taken_pre_windows_2000_name_gets_a_suffix_up_to_nine() {
    let mut taken = world().group("sales", &[]).bystander("x1", &anchored("sales"), "DC=example");
    let second = |world: &World| {
        let plan = world.decide(crate::observed::Order::Given).plan;
        let created = plan.changes.first().map(|change| change.effect.clone());
        world.words(&format!("{created:?}"))
    };
    assert!(second(&taken).contains("Group_sales-2\""), "{}", second(&taken));
    for number in 2..=9 {
        let name = format!("{}-{number}", anchored("sales"));
        taken = taken.bystander(&format!("x{number}"), &name, "DC=example");
    }
    check(&taken, "! NameTaken sales");
}

#[test]
fn a_group_keeps_the_suffix_it_holds_when_the_plain_name_is_free() {
    let world = world()
        .both("sales", &[])
        .directory("sales", |g| g.sam_account_name = format!("{}-3", anchored("sales")));
    check(&world, "");
}

#[test]
fn a_look_alike_of_a_privileged_name_is_not_written() {
    let tail = id("sales").tail();
    // Cyrillic letters, a joiner of no width, full-width letters.
    for look_alike in ["аdmins", "ad\u{200D}mins", "ＡＤＭＩＮＳ", "ADMINS", "admlns", "adrnins"]
    {
        let world = world()
            .group("sales", &[])
            .policy(friendly)
            .cloud("sales", |group| group.display_name = look_alike.to_owned())
            .principal(&format!("admins_{tail}"), |p| p.privileged = true);
        check(&world, "! NameTaken sales");
    }
}

#[test]
fn a_privileged_pre_windows_2000_name_is_not_imitated_either() {
    let tail = id("sales").tail();
    let world = world()
        .group("sales", &[])
        .policy(|p| {
            p.group.sam_account_name.source = NameSource::Preset(NamePreset::DisplayNameAndId);
        })
        .cloud("sales", |group| group.display_name = "аdmins".to_owned())
        .principal("root", |p| {
            p.privileged = true;
            p.sam_account_name = Some(format!("admins_{tail}"));
        });
    // The plain name imitates, the first suffix does not.
    assert!(lines(&world).contains(&"create sales as Group_sales".to_owned()));
}

#[test]
fn a_group_of_ours_that_became_privileged_does_not_imitate_itself() {
    let world = world().both("sales", &[]).directory("sales", |group| group.privileged = true);
    check(&world, "! PrivilegedPath sales");
}

#[test]
fn a_group_renamed_or_moved_by_hand_is_put_back() {
    check(&called(world().both("sales", &[]), "sales", "Other"), "rename sales: Group_sales");
    let moved = world().both("sales", &[]).directory("sales", |group| {
        group.dn = dn(&format!("OU=Sub,{GROUPS}")).child("Other");
    });
    check(&moved, "move sales: Groups/Group_sales");
}

#[test]
fn what_is_left_to_the_administrators_is_left_alone() {
    let world = world().both("sales", &[]).policy(left_alone).directory("sales", |group| {
        group.dn = dn(&format!("OU=Sub,{GROUPS}")).child("Other");
        group.sam_account_name = "other".to_owned();
    });
    check(&world, "");
    check(&world.policy(|p| p.mode = Mode::CreateOnly), "");
}

#[test]
fn a_name_is_kept_where_its_place_is_left_to_the_administrators() {
    let world = world()
        .both("sales", &[])
        .policy(|p| p.group.placement.mode = Upkeep::CreateOnly)
        .directory("sales", |group| group.dn = dn(&format!("OU=Sub,{GROUPS}")).child("Other"));
    check(&world, "rename sales: Group_sales");
}

#[test]
fn a_place_is_kept_where_the_name_is_left_to_the_administrators() {
    let world = world()
        .both("sales", &[])
        .policy(|p| p.group.common_name.mode = Upkeep::CreateOnly)
        .directory("sales", |group| group.dn = dn(&format!("OU=Sub,{GROUPS}")).child("Other"));
    check(&world, "move sales: Groups/Other");
}

#[test]
fn a_cn_that_differs_in_case_only_is_written() {
    let world = called(world().both("sales", &[]), "sales", &anchored("sales").to_uppercase());
    check(&world, "rename sales: Group_sales");
}

#[test]
fn a_container_spelled_otherwise_is_the_same_container() {
    let world = world().both("sales", &[]).directory("sales", |group| {
        group.dn = dn("ou=groups,dc=CORP,dc=Example").child(&anchored("sales"));
    });
    check(&world, "");
}

#[test]
fn two_groups_that_swapped_names_by_hand_swap_back_in_one_pass() {
    let world = called(world().both("a", &[]).both("b", &[]), "a", &anchored("b"));
    let world = called(world, "b", &anchored("a"));
    check(
        &world,
        "rename a: writeback-aside-a
         rename b: Group_b
         rename a: Group_a",
    );
}

#[test]
fn a_cycle_of_three_names_is_undone_in_one_pass() {
    let mut all = world().both("a", &[]).both("b", &[]).both("c", &[]);
    for (group, name) in [("a", "b"), ("b", "c"), ("c", "a")] {
        all = called(all, group, &anchored(name));
    }
    check(
        &all,
        "rename a: writeback-aside-a
         rename b: Group_b
         rename c: Group_c
         rename a: Group_a",
    );
}

#[test]
fn a_chain_of_names_is_undone_from_its_free_end() {
    let world = called(world().both("a", &[]).both("b", &[]), "a", &anchored("b"));
    let world = called(world, "b", "Other");
    check(&world, "rename a: Group_a\nrename b: Group_b");
}

#[test]
fn a_new_group_gets_the_name_that_an_older_one_leaves() {
    let world = called(world().both("a", &[]).group("b", &[]), "a", &anchored("b"));
    check(&world, "rename a: Group_a\ncreate b as Group_b");
}

#[test]
fn a_name_that_a_frozen_group_holds_is_taken() {
    let world =
        called(world().both("a", &[]).both("b", &[]).flag("a", Listed::Null), "a", &anchored("b"));
    let world = called(world, "b", "Other");
    check(&world, "freeze a\n! NameTaken b");
}

#[test]
fn swapped_pre_windows_2000_names_swap_back() {
    let world = world()
        .both("a", &[])
        .both("b", &[])
        .directory("a", |group| group.sam_account_name = anchored("b"))
        .directory("b", |group| group.sam_account_name = anchored("a"));
    check(
        &world,
        "sam a: writeback-aside-a
         sam b: Group_b
         sam a: Group_a",
    );
}

#[test]
fn a_name_that_an_interrupted_swap_left_behind_is_nobodys_choice() {
    let aside = format!("writeback-aside-{}", id("a"));
    let world = called(world().both("a", &[]), "a", &aside)
        .policy(left_alone)
        .directory("a", |group| group.sam_account_name = aside);
    check(&world, "rename a: Group_a\nsam a: Group_a");
}

#[test]
fn a_container_outside_the_configured_ones_is_told_and_nothing_is_written_there() {
    let world = world().group("sales", &[]).both("hr", &["ann"]).policy(|p| {
        for rule in &mut p.group.placement.rules {
            rule.container = dn("OU=Elsewhere,DC=corp,DC=example");
        }
    });
    check(&world, "! OutsideContainers hr\n! OutsideContainers sales");
}
