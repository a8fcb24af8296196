//! What the roles of a token open, and what they show.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_missing_right_is_answered_with_403() {
    let bench = Bench::small().await;
    let group = bench.group("Finance");
    let user = World::small(1).people[0].id;
    let paths = [
        ("/v1.0/groups".to_owned(), "Group.Read.All"),
        ("/beta/groups?$select=id,writebackConfiguration".to_owned(), "GroupMember.Read.All"),
        (format!("/v1.0/groups/{group}"), "GroupMember.Read.All"),
        (format!("/v1.0/groups/{group}/members"), "GroupMember.ReadBasic.All"),
        (format!("/v1.0/groups/{group}/transitiveMembers"), "GroupMember.Read.All"),
        ("/v1.0/directory/deletedItems/graph.group".to_owned(), "Group.Read.All"),
        ("/v1.0/organization".to_owned(), "User.Read.All"),
        ("/v1.0/users".to_owned(), "User.ReadBasic.All"),
        (format!("/v1.0/users/{user}"), "User.Read.All"),
    ];
    for (path, enough) in paths {
        bench.grant(&["Device.Read.All"]);
        let denied = (403, "Authorization_RequestDenied".to_owned());
        assert_eq!(bench.refusal(&path).await, denied, "{path}");
        bench.grant(&[enough]);
        assert_eq!(bench.get(&path).await.status(), 200, "{path} with {enough}");
    }
    bench.grant(&["GroupMember.Read.All", "User.Read.All"]);
    let deleted = "/v1.0/directory/deletedItems/microsoft.graph.group";
    assert_eq!(bench.refusal(deleted).await.0, 403);
}

#[tokio::test]
async fn roles_are_those_of_the_token_and_not_of_the_moment() {
    let bench = Bench::small().await;
    let before = bench.token().await;
    bench.grant(&[]);
    assert_eq!(bench.try_get(&before, "/v1.0/groups").await.unwrap().status(), 200);
    assert_eq!(bench.get("/v1.0/groups").await.status(), 403);
}

#[tokio::test]
async fn without_the_right_to_a_type_its_members_show_type_and_id_alone() {
    let bench = Bench::new(&World::generated(5, 60, 60)).await;
    let group = bench.group("Every type");
    let select = "id,userPrincipalName,onPremisesSecurityIdentifier,deviceId,displayName";
    let path = format!("/v1.0/groups/{group}/members?$select={select}");
    let shown = async |roles: &[&str]| {
        bench.grant(roles);
        let (members, _) = bench.list(&path).await;
        let witness = |kind: &str, name: &str| {
            let kind = json!(format!("#microsoft.graph.{kind}"));
            let mut of_kind = members.iter().filter(|member| member["@odata.type"] == kind);
            assert!(of_kind.clone().all(|member| member["id"].is_string()));
            assert!(of_kind.clone().all(|member| member.get(name).is_some()));
            of_kind.all(|member| !member[name].is_null())
        };
        (
            witness("user", "userPrincipalName"),
            witness("user", "onPremisesSecurityIdentifier"),
            witness("device", "deviceId"),
            witness("orgContact", "displayName"),
        )
    };
    let reader = "GroupMember.Read.All";
    assert_eq!(shown(&[reader]).await, (false, false, false, false));
    assert_eq!(shown(&[reader, "User.Read.All"]).await, (true, true, false, false));
    assert_eq!(shown(&[reader, "User.ReadBasic.All"]).await, (true, false, false, false));
    assert_eq!(shown(&[reader, "Device.Read.All"]).await, (false, false, true, false));
    assert_eq!(shown(&["Directory.Read.All"]).await, (true, true, true, true));
}

#[tokio::test]
async fn a_hidden_membership_needs_its_own_right() {
    let bench = Bench::new(&World::generated(5, 60, 60)).await;
    let path = format!("/v1.0/groups/{}/members", bench.group("Hidden"));
    assert_eq!(bench.refusal(&path).await.0, 403);
    bench.tenant.set_hidden_answer(HiddenAnswer::Empty);
    assert_eq!(bench.json(&path).await["value"], json!([]));
    bench.grant(&["GroupMember.Read.All", "User.Read.All", "Member.Read.Hidden"]);
    assert!(!bench.list(&path).await.0.is_empty());
}
