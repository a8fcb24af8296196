//! A group at the limit: 250,000 members, read in pages of 999.

use std::collections::BTreeSet;

use super::*;
use crate::sim::world::{DOMAIN_SID, GroupKind, WorldGroup};

/// What a cloud security group may have that is written back
/// (Microsoft's plan for group writeback).
const LIMIT: usize = 250_000;

fn at_the_limit() -> World {
    let mut world = World::empty(1, "Large");
    let mut inner = WorldGroup::new(Uuid::from_u128(1), "Inner", "inner", GroupKind::Security);
    inner.members = world.add_crowd(LIMIT, Some(DOMAIN_SID));
    let mut outer = WorldGroup::new(Uuid::from_u128(2), "Outer", "outer", GroupKind::Security);
    outer.members = vec![inner.id];
    world.groups = vec![inner, outer];
    world
}

#[tokio::test]
async fn a_quarter_of_a_million_members_come_once_each() {
    let world = at_the_limit();
    let bench = Bench::new(&world).await;
    let inner = bench.group("Inner");
    // An edit of another group shares what it does not change.
    bench.tenant.edit(|cloud| cloud.rename_group(Uuid::from_u128(2), "Renamed")).unwrap();
    let path = format!("/v1.0/groups/{inner}/members?$select=id&$top=999");
    let (members, pages) = bench.list(&path).await;
    assert_eq!((members.len(), pages), (LIMIT, 251));
    let ids: BTreeSet<&str> = members.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), LIMIT);
    // Every page through a parent is one walk, and the count is told once.
    let outer = Uuid::from_u128(2);
    let path = format!("/v1.0/groups/{outer}/transitiveMembers?$select=id&$top=999&$count=true");
    let first = bench.json(&path).await;
    assert_eq!(first["@odata.count"], serde_json::json!(LIMIT + 1));
    let second = bench.json(first["@odata.nextLink"].as_str().unwrap()).await;
    assert!(second.get("@odata.count").is_none());
    assert_eq!(second["value"].as_array().unwrap().len(), 999);
}
