//! Cloud groups that were converted from the directory: each adopts the object that it was.

use writeback::model::Memory;
use writeback::model::cloud::Origin;

use super::{ADOPTED, alike, pass, refused};
use crate::check::check;
use crate::world::{World, sid};

/// A cloud group that was converted from the group `old`.
fn converted(world: World) -> World {
    world.cloud("sales", |group| group.origin = Origin::Converted(sid("old")))
}

#[test]
fn a_converted_group_is_untouched_until_its_own_object_is_adopted() {
    let world = converted(alike());
    check(
        &world.clone().policy(|policy| policy.adoption.clear()),
        "! ConvertedFromDirectory sales",
    );
    check(&world, ADOPTED);
}

#[test]
fn a_converted_group_adopts_no_other_object() {
    let world = converted(alike()).directory("old", |group| group.sid = Some(sid("other")));
    refused(&world, "is another one");
}

#[test]
fn a_converted_group_that_is_ours_by_its_record_stays_ours() {
    let mut world = converted(alike());
    pass(&mut world);
    world.memory = Memory { passes: 1, ..Memory::default() };
    world.policies[0].policy.adoption.clear();
    check(&world, "");
}

#[test]
fn a_group_that_the_tenant_reads_from_the_directory_follows_no_other() {
    let mirror = |origin: Origin| {
        alike().group("mirror", &[]).cloud("mirror", |group| group.origin = origin)
    };
    refused(&mirror(Origin::OnPremises(Some(sid("old")))), "mirror");
    let world = mirror(Origin::Converted(sid("old")));
    check(&world, "! ConvertedFromDirectory mirror\n! AdoptionRefused sales");
}
