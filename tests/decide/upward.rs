//! The groups of the directory that hold written-back groups, and whether the tenant shows it.

use writeback::decide::upward::Parent;
use writeback::model::cloud::Origin;

use crate::check::check;
use crate::observed::Order;
use crate::world::{GROUPS, World, dn, id, sid, world};

/// `sales` is written back and nested in `everybody`, a group of the directory.
fn nested() -> World {
    world()
        .both("sales", &["ann"])
        .principal("onprem:everybody", |_| {})
        .directory("sales", |group| group.parents = vec![dn(EVERYBODY)])
}

const EVERYBODY: &str = "CN=everybody,OU=People,DC=corp,DC=example";

/// The tenant's own picture of `everybody`, with these members.
fn synchronised(world: World, members: &[&str]) -> World {
    world
        .group("everybody", members)
        .cloud("everybody", |group| group.origin = Origin::OnPremises(Some(sid("everybody"))))
}

fn parents(world: &World) -> Vec<Parent> {
    world.decide(Order::Given).parents.remove(&id("sales")).unwrap_or_default()
}

fn parent(cloud_group: Option<&str>, nested_in_cloud: Option<bool>) -> Vec<Parent> {
    let cloud_group = cloud_group.map(id);
    vec![Parent { dn: EVERYBODY.to_owned(), cloud_group, nested_in_cloud }]
}

#[test]
fn a_parent_that_is_not_synchronised_is_told_as_such() {
    assert_eq!(parents(&nested()), parent(None, None));
}

#[test]
fn a_synchronised_parent_shows_the_nesting_or_does_not() {
    let shown = synchronised(nested(), &["group:sales"]);
    assert_eq!(parents(&shown), parent(Some("everybody"), Some(true)));
    let hidden = synchronised(nested(), &["ann"]);
    assert_eq!(parents(&hidden), parent(Some("everybody"), Some(false)));
    let unread = hidden.with(|world| {
        world.members.insert(id("everybody"), Err("the tenant is down".to_owned()));
    });
    assert_eq!(parents(&unread), parent(Some("everybody"), None));
}

#[test]
fn a_parent_that_we_write_ourselves_is_none_of_them() {
    let world = nested().both("all", &["group:sales"]);
    let all = world.domain.groups[&crate::world::object("all")].dn.clone();
    let world = world.directory("sales", |group| group.parents = vec![all]);
    assert_eq!(parents(&world), []);
}

/// The parent carries the marks of its own cloud group, as Entra Connect leaves them, and holds
/// what the cloud group does not.
#[test]
fn a_parent_is_never_changed() {
    let marked = synchronised(nested(), &["ann"])
        .written("everybody", &["group:sales", "bob"])
        .directory("everybody", |group| {
            group.dn = dn(GROUPS).child("everybody");
            group.records.clear();
        })
        .directory("sales", |group| group.parents = vec![dn(GROUPS).child("everybody")]);
    check(&marked, "");
    // Not even where the tenant masters it.
    let ours = marked.cloud("everybody", |group| group.origin = Origin::Cloud);
    check(&ours, "! Foreign everybody");
}
