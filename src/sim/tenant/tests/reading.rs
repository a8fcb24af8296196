//! Listings, pages, members, deleted items.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::sim::world::{GroupKind, WorldGroup};

fn ids(elements: &[Value]) -> BTreeSet<Uuid> {
    elements.iter().map(|element| element["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn pages_hold_every_group_once() {
    let world = World::generated(5, 50, 250);
    let bench = Bench::new(&world).await;
    let expected: BTreeSet<Uuid> = world.groups.iter().map(|group| group.id).collect();
    for (path, pages) in [
        ("/v1.0/groups", 3),
        ("/v1.0/groups?$top=999&$select=id,displayName", 1),
        ("/v1.0/groups?$select=id&$top=25", 10),
        ("/beta/groups?$select=id,writebackConfiguration&$top=100", 3),
    ] {
        let (groups, counted) = bench.list(path).await;
        assert_eq!((groups.len(), counted), (250, pages), "{path}");
        assert_eq!(ids(&groups), expected, "{path}");
    }
}

#[tokio::test]
async fn only_what_is_selected_is_told() {
    let bench = Bench::small().await;
    let body = bench.json("/v1.0/groups?$select=displayName,id&$top=1").await;
    let names: Vec<&String> = body["value"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["displayName", "id"]);
    let context = body["@odata.context"].as_str().unwrap();
    assert!(context.ends_with("/v1.0/$metadata#groups(displayName,id)"), "{context}");
    let default = bench.json("/v1.0/groups?$top=1").await;
    assert!(default["value"][0].get("mailNickname").is_some());
    assert!(default["value"][0].get("isManagementRestricted").is_none());
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let bench = Bench::small().await;
    let group = bench.group("Finance");
    for (path, status, code) in [
        ("/v1.0/groups?$select=id,colour".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$select=writebackConfiguration".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$top=1000".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$top=0".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$skip=5".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$skiptoken=nonsense".to_owned(), 400, "Request_BadRequest"),
        ("/v1.0/groups?$filter=displayName ne 'x'".to_owned(), 400, "Request_UnsupportedQuery"),
        (
            format!("/v1.0/groups/{group}/members/graph.site?$count=true"),
            400,
            "Request_UnsupportedQuery",
        ),
        (format!("/v1.0/groups/{group}/members/graph.user"), 400, "Request_UnsupportedQuery"),
        (format!("/v1.0/groups/{}", Uuid::nil()), 404, "Request_ResourceNotFound"),
        (format!("/v1.0/groups/{}/members", Uuid::nil()), 404, "Request_ResourceNotFound"),
        (format!("/v1.0/directory/deletedItems/{group}"), 404, "Request_ResourceNotFound"),
        ("/v1.0/users/nobody@corp.example".to_owned(), 404, "Request_ResourceNotFound"),
        ("/v1.0/planets".to_owned(), 400, "Request_BadRequest"),
    ] {
        assert_eq!(bench.refusal(&path).await, (status, code.to_owned()), "{path}");
    }
    let token = bench.token().await;
    let url = format!("{}/v1.0/groups", bench.tenant.graph_url());
    let answer = bench.http.delete(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn answers_and_refusals_carry_the_headers_to_look_them_up_by() {
    let bench = Bench::small().await;
    let token = bench.token().await;
    let url = format!("{}/v1.0/groups?$select=id", bench.tenant.graph_url());
    let request = bench.http.get(url).bearer_auth(token).header("client-request-id", "mine-1");
    let answer = request.send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("client-request-id"), "mine-1");
    assert_eq!(header("x-ms-resource-unit"), "1");
    assert!(header("request-id").parse::<Uuid>().is_ok());
    assert!(header("date").ends_with(" GMT"));
    let missing = bench.get(&format!("/v1.0/groups/{}", Uuid::nil())).await;
    let id = missing.headers()["request-id"].to_str().unwrap().to_owned();
    let body: Value = missing.json().await.unwrap();
    assert_eq!(body["error"]["innerError"]["request-id"], json!(id));
}

#[tokio::test]
async fn the_filter_for_microsoft_365_groups_keeps_those_alone() {
    let bench = Bench::small().await;
    let (groups, _) = bench
        .list("/beta/groups?$filter=groupTypes/any(c:c eq 'Unified')&$select=id,groupTypes")
        .await;
    assert_eq!(groups.len(), 4);
    assert!(
        groups
            .iter()
            .all(|group| { group["groupTypes"].as_array().unwrap().contains(&json!("Unified")) })
    );
}

#[tokio::test]
async fn mixed_members_answer_with_the_properties_of_their_own_type() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    bench.grant(&["Directory.Read.All"]);
    let group = bench.group("Every type");
    let select = "id,userPrincipalName,onPremisesSecurityIdentifier,deviceId,securityEnabled";
    let (members, _) = bench.list(&format!("/v1.0/groups/{group}/members?$select={select}")).await;
    let keys = |kind: &str| -> Vec<String> {
        let wanted = json!(format!("#microsoft.graph.{kind}"));
        let member = members.iter().find(|member| member["@odata.type"] == wanted).unwrap();
        member.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        keys("user"),
        ["@odata.type", "id", "onPremisesSecurityIdentifier", "userPrincipalName"]
    );
    assert_eq!(keys("device"), ["@odata.type", "deviceId", "id", "onPremisesSecurityIdentifier"]);
    assert_eq!(keys("servicePrincipal"), ["@odata.type", "id"]);
    assert_eq!(keys("orgContact"), ["@odata.type", "id"]);
    assert_eq!(keys("agentIdentity"), ["@odata.type", "id"]);
    for cast in ["microsoft.graph.user", "graph.user"] {
        let path = format!("/v1.0/groups/{group}/members/{cast}?$count=true&$select=id");
        let body = bench.json(&path).await;
        assert_eq!(body["@odata.count"], json!(2));
        let one = body["value"][0].as_object().unwrap();
        assert_eq!(one.keys().collect::<Vec<_>>(), ["id"]);
    }
}

#[tokio::test]
async fn a_user_tells_the_account_it_is_linked_to() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let person = world.person("Ada Lovelace").unwrap();
    let link = person.link.clone().unwrap();
    let path = format!(
        "/v1.0/users/{}?$select=onPremisesSecurityIdentifier,onPremisesImmutableId,\
         onPremisesSyncEnabled",
        person.id
    );
    let told = bench.json(&path).await;
    assert_eq!(told["onPremisesSecurityIdentifier"], json!(link.sid));
    assert_eq!(told["onPremisesSyncEnabled"], json!(true));
    // The first field of a GUID is stored with its lowest byte first (MS-DTYP 2.3.4.2).
    let stored = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        told["onPremisesImmutableId"].as_str().unwrap(),
    )
    .unwrap();
    let (first, _, _, tail) = link.guid.as_fields();
    assert_eq!(stored[..4], first.to_le_bytes());
    assert_eq!(stored[8..], *tail);
}

#[tokio::test]
async fn nested_members_are_told_once_and_cycles_end() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    let top = bench.group("Nested top");
    let (direct, _) = bench.list(&format!("/v1.0/groups/{top}/members?$select=id")).await;
    let (all, _) = bench.list(&format!("/v1.0/groups/{top}/transitiveMembers?$select=id")).await;
    assert_eq!((direct.len(), all.len()), (3, 5));
    let cycle = bench.group("Cycle one");
    let (all, _) = bench.list(&format!("/v1.0/groups/{cycle}/transitiveMembers")).await;
    assert!(ids(&all).contains(&cycle));
}

#[tokio::test]
async fn users_are_listed_and_filtered_by_sync() {
    let mut world = World::generated(5, 300, 0);
    let linked = world.people.iter().filter(|person| person.link.is_some()).count();
    assert!(linked < 300);
    let bench = Bench::new(&world).await;
    let (all, pages) = bench.list("/v1.0/users?$select=id").await;
    assert_eq!((all.len(), pages), (300, 3));
    let filter = "/v1.0/users?$filter=onPremisesSyncEnabled eq true&$select=id&$top=999";
    assert_eq!(bench.list(filter).await.0.len(), linked);
    for person in &mut world.people {
        person.link = None;
    }
    let unsynced = Bench::new(&world).await;
    assert_eq!(unsynced.list(filter).await.0.len(), 0);
    let organization = unsynced.json("/v1.0/organization").await;
    assert_eq!(organization["value"][0]["onPremisesSyncEnabled"], Value::Null);
}

#[tokio::test]
async fn a_group_goes_through_its_life() {
    let bench = Bench::small().await;
    let (tenant, vpn) = (&bench.tenant, bench.group("VPN Users"));
    let admins = bench.group("APP-Payroll-Admins");
    let users = bench.group("APP-Payroll-Users");
    let listed = async |path: &str, id: Uuid| ids(&bench.list(path).await.0).contains(&id);
    let groups = "/v1.0/groups?$select=id";
    let deleted = "/v1.0/directory/deletedItems/microsoft.graph.group?$select=id,deletedDateTime";
    let alias = "/v1.0/directory/deletedItems/graph.group?$select=id";
    let item = format!("/v1.0/directory/deletedItems/{vpn}");

    tenant.edit(|cloud| cloud.soft_delete_group(vpn)).unwrap();
    assert!(!listed(groups, vpn).await);
    assert!(listed(deleted, vpn).await && listed(alias, vpn).await);
    assert_eq!(bench.json(&item).await["@odata.type"], json!("#microsoft.graph.group"));
    assert!(bench.list(deleted).await.0[0]["deletedDateTime"].is_string());

    tenant.edit(|cloud| cloud.restore_group(vpn)).unwrap();
    assert!(listed(groups, vpn).await && !listed(deleted, vpn).await);
    let members = format!("/v1.0/groups/{vpn}/members?$select=id");
    assert_eq!(bench.list(&members).await.0.len(), 6);

    tenant.edit(|cloud| cloud.hard_delete_group(vpn)).unwrap();
    assert!(!listed(groups, vpn).await && !listed(deleted, vpn).await);
    assert_eq!(bench.refusal(&item).await.0, 404);

    let parent = format!("/v1.0/groups/{users}/members?$select=id");
    assert!(listed(&parent, admins).await);
    tenant.edit(|cloud| cloud.soft_delete_group(admins)).unwrap();
    assert!(!listed(&parent, admins).await);
    tenant.edit(|cloud| cloud.restore_group(admins)).unwrap();
    assert!(listed(&parent, admins).await);
    tenant.edit(|cloud| cloud.hard_delete_group(admins)).unwrap();
    assert!(!listed(&parent, admins).await);
    assert_eq!(tenant.edit(|cloud| cloud.restore_group(admins)), Err(NoSuchObject(admins)));
}

#[tokio::test]
async fn edits_are_seen_at_once() {
    let bench = Bench::small().await;
    let tenant = &bench.tenant;
    let (finance, ada) = (bench.group("Finance"), World::small(1).people[0].id);
    let list = WorldGroup::new(Uuid::from_u128(7), "List", "list", GroupKind::DistributionList);
    tenant
        .edit(|cloud| {
            cloud.create_group(list);
            cloud.rename_group(finance, "Money")?;
            cloud.set_flag(finance, Some(false), Some("UniversalSecurityGroup"))?;
            cloud.set_account_enabled(ada, false)?;
            cloud.remove_member(finance, ada)?;
            cloud.say(finance, "description", Value::Null);
            cloud.set_kind(bench.group("Board"), GroupKind::Security)
        })
        .unwrap();
    let group = bench
        .json(&format!(
            "/beta/groups/{finance}?$select=displayName,description,writebackConfiguration"
        ))
        .await;
    assert_eq!(group["displayName"], json!("Money"));
    assert_eq!(group["description"], Value::Null);
    let flag = json!({ "isEnabled": false, "onPremisesGroupType": "UniversalSecurityGroup" });
    assert_eq!(group["writebackConfiguration"], flag);
    let user = bench.json(&format!("/v1.0/users/{ada}?$select=accountEnabled")).await;
    assert_eq!(user["accountEnabled"], json!(false));
    let members = format!("/v1.0/groups/{finance}/members?$select=id");
    assert_eq!(bench.list(&members).await.0.len(), 4);
    assert_eq!(bench.list("/v1.0/groups?$select=id").await.0.len(), 9);
    // A distribution list has no second life.
    tenant.edit(|cloud| cloud.soft_delete_group(Uuid::from_u128(7))).unwrap();
    assert_eq!(bench.list("/v1.0/directory/deletedItems/graph.group").await.0.len(), 0);

    tenant.edit(|cloud| cloud.soft_delete_person(World::small(1).people[1].id)).unwrap();
    assert_eq!(bench.list(&members).await.0.len(), 3);
    tenant.edit(|cloud| cloud.restore_person(World::small(1).people[1].id)).unwrap();
    assert_eq!(bench.list(&members).await.0.len(), 4);
}
