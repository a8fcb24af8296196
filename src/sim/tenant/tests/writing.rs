//! What other tools write over HTTP, and that nobody does without the right.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::sim::world::{GroupKind, WorldGroup};

impl Bench {
    /// Status and error code of a write.
    async fn write(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        let url = format!("{}{path}", self.tenant.graph_url());
        let request = self.http.request(method, url).bearer_auth(self.token().await);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Somebody who is no member of the group.
    fn stranger(&self, group: &str) -> Uuid {
        let cloud = self.tenant.cloud();
        let members = &cloud.group_named(group).unwrap().members;
        cloud.people().find(|person| !members.contains(&person.id)).unwrap().id
    }

    async fn flag(&self, group: Uuid) -> Value {
        let path = format!("/beta/groups/{group}?$select=writebackConfiguration");
        self.json(&path).await["writebackConfiguration"].clone()
    }
}

const WRITER: [&str; 2] = ["Group.ReadWrite.All", "User.Read.All"];

fn done() -> (u16, String) {
    (204, String::new())
}

#[tokio::test]
async fn nothing_is_written_without_the_right() {
    let bench = Bench::small().await;
    let group = bench.group("Finance");
    let path = format!("/v1.0/groups/{group}");
    let denied = (403, "Authorization_RequestDenied".to_owned());
    let name = || Some(json!({ "displayName": "Money" }));
    assert_eq!(bench.write(Method::PATCH, &path, name()).await, denied);
    assert_eq!(bench.write(Method::DELETE, &path, None).await, denied);
    bench.grant(&["GroupMember.ReadWrite.All"]);
    assert_eq!(bench.write(Method::DELETE, &path, None).await, denied);
    assert_eq!(bench.tenant.cloud().group(group).unwrap().display_name, "Finance");
    bench.grant(&WRITER);
    assert_eq!(bench.write(Method::PUT, &path, None).await.0, 405);
    assert_eq!(bench.write(Method::PATCH, &path, name()).await, done());
    assert_eq!(bench.tenant.cloud().group(group).unwrap().display_name, "Money");
}

#[tokio::test]
async fn the_flag_is_written_in_beta_in_any_case_and_its_type_never_cleared() {
    let bench = Bench::small().await;
    bench.grant(&WRITER);
    let group = bench.group("Finance");
    let write = async |version: &str, flag: Value| {
        let body = json!({ "@odata.type": "#microsoft.graph.group",
            "writebackConfiguration": flag });
        bench.write(Method::PATCH, &format!("/{version}/groups/{group}"), Some(body)).await.0
    };
    let set = json!({ "isEnabled": true, "onPremisesGroupType": "UniversalSecurityGroup" });
    assert_eq!(write("v1.0", set.clone()).await, 400);
    assert_eq!(write("beta", set.clone()).await, 204);
    assert_eq!(bench.flag(group).await, set);
    assert_eq!(write("beta", json!({ "onPremisesGroupType": null })).await, 400);
    assert_eq!(write("beta", json!({ "onPremisesGroupType": "teapot" })).await, 400);
    assert_eq!(write("beta", json!({ "isEnabled": "no" })).await, 400);
    assert_eq!(bench.flag(group).await, set);
    for enabled in [json!(false), json!(null), json!(true)] {
        assert_eq!(write("beta", json!({ "isEnabled": enabled })).await, 204);
        let flag = bench.flag(group).await;
        assert_eq!(flag["isEnabled"], enabled);
        assert_eq!(flag["onPremisesGroupType"], json!("UniversalSecurityGroup"));
    }
}

#[tokio::test]
async fn a_group_is_deleted_restored_and_purged() {
    let bench = Bench::small().await;
    bench.grant(&WRITER);
    let group = bench.group("VPN Users");
    let (path, item) =
        (format!("/v1.0/groups/{group}"), format!("/v1.0/directory/deletedItems/{group}"));
    let restore = format!("{item}/restore");
    assert_eq!(bench.write(Method::POST, &restore, None).await.0, 404);
    assert_eq!(bench.write(Method::DELETE, &path, None).await, done());
    assert_eq!(bench.get(&path).await.status(), 404);
    assert_eq!(bench.get(&item).await.status(), 200);
    assert_eq!(bench.write(Method::POST, &restore, None).await, (200, String::new()));
    assert_eq!(bench.get(&path).await.status(), 200);
    assert_eq!(bench.write(Method::DELETE, &item, None).await.0, 404);
    assert_eq!(bench.write(Method::DELETE, &path, None).await, done());
    assert_eq!(bench.write(Method::DELETE, &item, None).await, done());
    assert_eq!(bench.get(&item).await.status(), 404);
    assert_eq!(bench.write(Method::POST, &restore, None).await.0, 404);
}

#[tokio::test]
async fn members_are_added_and_removed_as_their_types_allow() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    bench.grant(&["GroupMember.ReadWrite.All"]);
    let (empty, team) = (bench.group("Empty security"), bench.group("Empty team"));
    let (leaf, person) = (bench.group("Nested leaf"), world.people[0].id);
    let add = async |group: Uuid, member: Uuid| {
        let id = format!("{}/v1.0/directoryObjects/{member}", bench.tenant.graph_url());
        let path = format!("/v1.0/groups/{group}/members/$ref");
        bench.write(Method::POST, &path, Some(json!({ "@odata.id": id }))).await.0
    };
    let remove = async |group: Uuid, member: Uuid| {
        let path = format!("/v1.0/groups/{group}/members/{member}/$ref");
        bench.write(Method::DELETE, &path, None).await.0
    };
    assert_eq!(add(empty, person).await, 204);
    assert_eq!(add(empty, person).await, 400);
    assert_eq!(add(empty, leaf).await, 204);
    assert_eq!(add(empty, world.others[0].id).await, 204);
    assert_eq!(add(empty, team).await, 400);
    assert_eq!(add(team, person).await, 204);
    assert_eq!(add(team, leaf).await, 400);
    assert_eq!(add(team, world.others[0].id).await, 400);
    assert_eq!(add(empty, Uuid::nil()).await, 404);
    for closed in ["On-premises", "By rule", "Newsletter"] {
        let (group, stranger) = (bench.group(closed), bench.stranger(closed));
        assert_eq!(add(group, stranger).await, 400, "{closed}");
    }
    let members = |group: Uuid| bench.tenant.cloud().group(group).unwrap().members.len();
    assert_eq!((members(empty), members(team)), (3, 1));
    assert_eq!(remove(empty, leaf).await, 204);
    assert_eq!(remove(empty, leaf).await, 404);
    assert_eq!(members(empty), 2);
}

#[tokio::test]
async fn a_write_is_seen_by_a_stale_replica_one_edit_later() {
    let bench = Bench::small().await;
    bench.grant(&WRITER);
    let group = bench.group("Finance");
    let path = format!("/v1.0/groups/{group}");
    let name = Some(json!({ "displayName": "Money" }));
    assert_eq!(bench.write(Method::PATCH, &path, name).await, done());
    bench.tenant.order(Order::once(Where::Object(group), Fault::StaleReplica { edits: 1 }));
    assert_eq!(bench.json(&path).await["displayName"], json!("Finance"));
    assert_eq!(bench.json(&path).await["displayName"], json!("Money"));
}

#[tokio::test]
async fn what_is_read_only_in_the_cloud_stays_as_it_is() {
    let mut world = World::empty(1, "Read-only");
    world.groups = vec![
        WorldGroup::new(Uuid::from_u128(1), "List", "list", GroupKind::DistributionList),
        WorldGroup::new(Uuid::from_u128(2), "Mail", "mail", GroupKind::MailEnabledSecurity),
        WorldGroup::new(Uuid::from_u128(3), "Mastered", "mastered", GroupKind::Security)
            .mastered_on_premises("S-1-5-21-1-2-3-4"),
    ];
    let bench = Bench::new(&world).await;
    bench.grant(&WRITER);
    for group in &world.groups {
        let path = format!("/beta/groups/{}", group.id);
        let flag = json!({ "writebackConfiguration": { "isEnabled": true } });
        assert_eq!(bench.write(Method::PATCH, &path, Some(flag)).await.0, 400);
        assert_eq!(bench.write(Method::DELETE, &path, None).await.0, 400);
    }
    assert_eq!(bench.tenant.cloud().groups().count(), 3);
}
