//! Groups of ours inside protected ones: nobody gets in, whoever should leave does.

use writeback::model::GroupKind;
use writeback::model::directory::UNIVERSAL_DISTRIBUTION;
use writeback::model::record::RecordState;

use crate::check::check;
use crate::observed::Order;
use crate::world::{World, id, record, world};

/// A group of ours that somebody should join and somebody should leave.
fn sales() -> World {
    world().group("sales", &["ann"]).written("sales", &["bob"])
}

/// `Helpers` is in `Domain Admins`, which is protected.
fn admins(world: World) -> World {
    world.above("Helpers", false, &["Domain Admins"]).above("Domain Admins", true, &[]).above(
        "Readers",
        false,
        &[],
    )
}

const HELD: &str = "remove sales: bob\nheld add sales: ann\n! PrivilegedPath sales";

fn way(world: &World, word: &str) -> Option<String> {
    world.decide(Order::Given).privileged.get(&id(word)).cloned()
}

#[test]
fn a_privileged_group_of_ours_gets_nobody_and_still_loses_members() {
    let world = sales().directory("sales", |group| group.privileged = true);
    check(&world, HELD);
    let way = way(&world, "sales").expect("there is one");
    assert!(way.contains("adminCount=1"), "{way}");
}

#[test]
fn a_group_inside_a_protected_one_gets_nobody_at_any_depth() {
    for (parents, told) in [
        (["Domain Admins"].as_slice(), "is in Domain Admins"),
        (&["Helpers"], "is in Helpers is in Domain Admins"),
        (&["Readers", "Helpers"], "is in Helpers is in Domain Admins"),
        (&["Helpers", "Domain Admins"], "is in Domain Admins"),
    ] {
        let world = admins(sales().inside("sales", parents));
        check(&world, HELD);
        let expected = format!("{} {told}", id("sales").anchor());
        assert_eq!(way(&world, "sales"), Some(expected));
    }
}

#[test]
fn a_group_inside_others_gets_what_it_should() {
    let world = admins(sales().inside("sales", &["Readers"]));
    check(&world, "add sales: ann\nremove sales: bob");
    assert_eq!(way(&world, "sales"), None);
}

#[test]
fn the_way_may_lead_through_another_group_of_ours() {
    let world = sales()
        .both("hr", &["group:sales"])
        .with(|world| world.memory.inventory.clear())
        .inside("sales", &["hr"])
        .inside("hr", &["Helpers"]);
    let world = admins(world);
    let told = format!(
        "{} is in {} is in Helpers is in Domain Admins",
        id("sales").anchor(),
        id("hr").anchor()
    );
    assert_eq!(way(&world, "sales"), Some(told));
    check(
        &world,
        "remove sales: bob\nheld add sales: ann\n! PrivilegedPath hr\n! PrivilegedPath sales",
    );
}

#[test]
fn a_cycle_of_groups_ends() {
    let world = sales().inside("sales", &["one"]).above("one", false, &["two"]);
    let world = world.above("two", false, &["one"]);
    check(&world, "add sales: ann\nremove sales: bob");
}

#[test]
fn the_first_fill_of_a_group_inside_a_protected_one_is_held_too() {
    let world = admins(world().group("sales", &["ann"]).written("sales", &[]));
    let world = world.inside("sales", &["Helpers"]).directory("sales", |group| {
        group.records = vec![record("sales", "p", RecordState::Filling)];
    });
    let lines = crate::check::lines(&world);
    assert!(lines.contains(&"held fill sales: ann".to_owned()), "{lines:?}");
}

#[test]
fn nobody_new_comes_in_by_nesting_a_new_group() {
    let world = world().group("sales", &["group:team"]).written("sales", &[]);
    let world = admins(world.group("team", &["ann"]).inside("sales", &["Helpers"]));
    check(
        &world,
        "create team as Group_team
         fill team: ann
         activate team
         held add sales: +team
         ! PrivilegedPath sales",
    );
}

#[test]
fn a_distribution_group_inside_a_protected_one_gets_no_security() {
    let world = admins(world().both("sales", &["ann"]).inside("sales", &["Helpers"]))
        .directory("sales", |group| group.group_type = UNIVERSAL_DISTRIBUTION);
    check(&world, "! PrivilegedPath sales\n! PrivilegedPath sales");
}

#[test]
fn a_security_group_inside_a_protected_one_may_lose_it() {
    let world = admins(world().both("sales", &["ann"]).inside("sales", &["Helpers"]))
        .cloud("sales", |group| group.kind = GroupKind::Microsoft365);
    check(&world, "convert sales: security to distribution\n! PrivilegedPath sales");
}
