//! Users and devices by filter and by id, and accidents that meet all of them.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::sim::world::OtherKind;

fn filter(ids: &[Uuid]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!("/v1.0/users?$select=id,accountEnabled&$filter=id in ({})", quoted.join(", "))
}

fn ids(elements: &[Value]) -> BTreeSet<Uuid> {
    elements.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn users_are_filtered_by_fifteen_ids_and_not_by_sixteen() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    let people: Vec<Uuid> = world.people.iter().map(|person| person.id).take(14).collect();
    let mut asked = people.clone();
    // A group is no user, and is left out without a word.
    asked.push(bench.group("Every type"));
    let (found, _) = bench.list(&filter(&asked)).await;
    assert_eq!(ids(&found), people.iter().copied().collect());
    assert!(found.iter().all(|one| one["accountEnabled"].is_boolean()));
    asked.push(Uuid::nil());
    let refused = (400, "Request_UnsupportedQuery".to_owned());
    assert_eq!(bench.refusal(&filter(&asked)).await, refused);
    assert_eq!(bench.list(&format!("{}&$count=true", filter(&asked))).await.0.len(), 14);
    let odd = "/v1.0/users?$filter=id in (ada)";
    assert_eq!(bench.refusal(odd).await, (400, "Request_BadRequest".to_owned()));
}

#[tokio::test]
async fn a_deleted_user_is_found_among_the_deleted_items_alone() {
    let bench = Bench::small().await;
    let [ada, grace] = [0, 1].map(|place| World::small(1).people[place].id);
    bench
        .tenant
        .edit(|cloud| {
            cloud.soft_delete_person(ada)?;
            cloud.set_account_enabled(grace, false)
        })
        .unwrap();
    let (found, _) = bench.list(&filter(&[ada, grace])).await;
    assert_eq!(found, [json!({ "id": grace, "accountEnabled": false })]);
    let missing = (404, "Request_ResourceNotFound".to_owned());
    assert_eq!(bench.refusal(&format!("/v1.0/users/{ada}")).await, missing);
    let item = format!("/v1.0/directory/deletedItems/{ada}?$select=id");
    assert_eq!(bench.json(&item).await["@odata.type"], json!("#microsoft.graph.user"));
    bench.grant(&["Group.Read.All"]);
    assert_eq!(bench.refusal(&item).await.0, 403);
    bench.grant(&["User.Read.All"]);
    bench.tenant.edit(|cloud| cloud.restore_person(ada)).unwrap();
    assert_eq!(bench.refusal(&item).await, missing);
    assert_eq!(bench.json(&format!("/v1.0/users/{ada}")).await["id"], json!(ada));
}

#[tokio::test]
async fn a_device_is_asked_for_by_its_id_and_with_its_right() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    let other = |kind: OtherKind| world.others.iter().find(|one| one.kind == kind).unwrap().id;
    let path = |id: Uuid| format!("/v1.0/devices/{id}?$select=id,accountEnabled");
    let device = path(other(OtherKind::Device));
    assert_eq!(bench.json(&device).await["accountEnabled"], json!(true));
    for id in [other(OtherKind::ServicePrincipal), world.people[0].id] {
        assert_eq!(bench.refusal(&path(id)).await.0, 404);
    }
    bench.grant(&["User.Read.All", "Group.Read.All"]);
    assert_eq!(bench.refusal(&device).await.0, 403);
}

#[tokio::test]
async fn half_the_members_of_every_group_can_be_left_out() {
    let bench = Bench::small().await;
    let group = bench.tenant.cloud().group_named("APP-Payroll-Users").unwrap().clone();
    let path = format!("/v1.0/groups/{}/members?$select=id&$top=2", group.id);
    bench.tenant.order(Order::always(Where::Members, Fault::HalfTheMembers));
    let half: BTreeSet<Uuid> = group.members.iter().step_by(2).copied().collect();
    assert!(half.len() < group.members.len());
    // The same half on however many pages.
    assert_eq!(ids(&bench.list(&path).await.0), half);
    bench.tenant.clear_orders();
    assert_eq!(bench.list(&path).await.0.len(), group.members.len());
}

#[tokio::test]
async fn members_of_every_type_can_be_left_with_type_and_id() {
    let bench = Bench::new(&World::generated(5, 60, 60)).await;
    let select = "id,userPrincipalName,securityEnabled,deviceId,displayName";
    let path = format!("/v1.0/groups/{}/members?$select={select}", bench.group("Every type"));
    let (whole, _) = bench.list(&path).await;
    bench.tenant.order(Order::always(Where::Members, Fault::NullWitnesses));
    let (bare, _) = bench.list(&path).await;
    assert_eq!(ids(&bare), ids(&whole));
    for member in &bare {
        let told = member.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let told: BTreeSet<&str> = told.map(|(name, _)| name.as_str()).collect();
        assert_eq!(told, BTreeSet::from(["@odata.type", "id"]));
    }
}

#[tokio::test]
async fn an_older_replica_serves_every_listing_until_told_otherwise() {
    let bench = Bench::small().await;
    let (finance, board) = (bench.group("Finance"), bench.group("Board"));
    let ada = World::small(1).people[0].id;
    let earlier = bench.tenant.cloud();
    bench
        .tenant
        .edit(|cloud| {
            cloud.hard_delete_group(board)?;
            cloud.remove_member(finance, ada)?;
            cloud.soft_delete_person(ada)
        })
        .unwrap();
    let members = format!("/v1.0/groups/{finance}/members?$select=id");
    let sizes = async || {
        let mut sizes = Vec::new();
        for path in ["/v1.0/groups?$select=id", &members, "/v1.0/users?$select=id"] {
            sizes.push(bench.list(path).await.0.len());
        }
        sizes
    };
    let today = sizes().await;
    bench.tenant.serve_older(earlier);
    // However many edits follow, and they are still made to the present state.
    for round in 0..70 {
        bench.tenant.edit(|cloud| cloud.rename_group(finance, &format!("F{round}"))).unwrap();
    }
    assert_eq!(sizes().await, today.iter().map(|size| size + 1).collect::<Vec<_>>());
    assert_eq!(bench.refusal(&format!("/v1.0/groups/{board}")).await.0, 404);
    assert_eq!(bench.refusal(&format!("/v1.0/users/{ada}")).await.0, 404);
    bench.tenant.serve_present();
    assert_eq!(sizes().await, today);
}

#[tokio::test]
async fn links_can_vanish_and_come_back() {
    let bench = Bench::small().await;
    let world = World::small(1);
    let linked = "/v1.0/users?$filter=onPremisesSyncEnabled eq true\
                  &$select=onPremisesSecurityIdentifier,onPremisesImmutableId";
    let shown = async || {
        let (users, _) = bench.list(linked).await;
        let link = |user: &&Value| user.as_object().unwrap().values().any(Value::is_string);
        (users.len(), users.iter().filter(link).count())
    };
    let (all, whole) = shown().await;
    assert!(all > 2 && all == whole);
    let linked = world.people.iter().filter(|person| person.link.is_some());
    let lost: Vec<Uuid> = linked.map(|person| person.id).take(2).collect();
    bench.tenant.edit(|cloud| cloud.lose_links(lost.clone()));
    assert_eq!(shown().await, (all, all - 2));
    bench.tenant.edit(|cloud| lost.iter().for_each(|id| cloud.unsay(*id)));
    assert_eq!(shown().await, (all, all));
}
