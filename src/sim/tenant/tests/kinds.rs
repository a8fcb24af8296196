//! Groups of every kind and members of every type, and what is told of them.

use serde_json::json;

use super::*;
use crate::sim::world::{
    DOMAIN_SID, DeviceTrust, GroupKind, Link, OtherObject, Person, WorldGroup,
};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn sid(rid: u32) -> String {
    format!("{DOMAIN_SID}-{rid}")
}

fn link(number: u32) -> Link {
    Link { sid: sid(number), guid: id(u128::from(number)) }
}

/// One group with one member of each type; ids are small numbers.
fn every_type() -> World {
    let mut world = World::empty(1, "Kinds");
    let mut ada = Person::new(id(1), "Ada", "ada");
    ada.link = Some(link(2001));
    world.people = vec![ada, Person::new(id(2), "Cloud Only", "cloud.only")];
    world.others = vec![
        OtherObject::computer(id(3), "PC-3", &link(2003)),
        OtherObject::device(id(4), "PC-4", id(104), DeviceTrust::HybridJoined),
        OtherObject::device(id(5), "TABLET-5", id(105), DeviceTrust::Joined),
        OtherObject::device(id(6), "PHONE-6", id(106), DeviceTrust::Registered),
        OtherObject::contact(id(7), "Supplier", "supplier@partner.example"),
        OtherObject::service_principal(id(8), "Robot", id(108)),
        OtherObject::unknown(id(9), "agentIdentity"),
    ];
    let inner = WorldGroup::new(id(10), "Inner", "inner", GroupKind::Security);
    let local = WorldGroup::new(id(11), "Local", "local", GroupKind::Security);
    let mut all = WorldGroup::new(id(12), "All", "all", GroupKind::Security);
    all.members = (1..=11).map(id).collect();
    world.groups = vec![inner, local.mastered_on_premises(&sid(2011)), all];
    world
}

const SELECT: &str = "id,displayName,userPrincipalName,securityEnabled,deviceId,trustType,\
                      onPremisesSecurityIdentifier,onPremisesSyncEnabled";

async fn members(bench: &Bench) -> Vec<Value> {
    bench.list(&format!("/v1.0/groups/{}/members?$select={SELECT}", id(12))).await.0
}

/// The member of this number.
fn one(members: &[Value], number: u128) -> &Value {
    members.iter().find(|member| member["id"] == json!(id(number))).unwrap()
}

#[tokio::test]
async fn each_member_tells_what_its_type_has_and_no_more() {
    let bench = Bench::new(&every_type()).await;
    bench.grant(&["Directory.Read.All"]);
    let members = members(&bench).await;
    assert_eq!(members.len(), 11);
    let device = |number: u128, trust: &str, sid: Option<String>, synced: Option<bool>| {
        json!({ "@odata.type": "#microsoft.graph.device", "id": id(number),
            "displayName": one(&members, number)["displayName"],
            "deviceId": one(&members, number)["deviceId"], "trustType": trust,
            "onPremisesSecurityIdentifier": sid, "onPremisesSyncEnabled": synced })
    };
    assert_eq!(*one(&members, 3), device(3, "ServerAd", Some(sid(2003)), Some(true)));
    assert_eq!(*one(&members, 4), device(4, "ServerAd", None, Some(true)));
    assert_eq!(*one(&members, 5), device(5, "AzureAd", None, None));
    assert_eq!(*one(&members, 6), device(6, "Workplace", None, None));
    assert_eq!(one(&members, 3)["deviceId"], json!(id(2003)));
    let contact = json!({ "@odata.type": "#microsoft.graph.orgContact", "id": id(7),
        "displayName": "Supplier", "onPremisesSyncEnabled": null });
    assert_eq!(*one(&members, 7), contact);
    let robot = json!({ "@odata.type": "#microsoft.graph.servicePrincipal", "id": id(8),
        "displayName": "Robot" });
    assert_eq!(*one(&members, 8), robot);
    let unknown = json!({ "@odata.type": "#microsoft.graph.agentIdentity", "id": id(9) });
    assert_eq!(*one(&members, 9), unknown);
    let local = json!({ "@odata.type": "#microsoft.graph.group", "id": id(11),
        "displayName": "Local", "securityEnabled": true, "onPremisesSyncEnabled": true,
        "onPremisesSecurityIdentifier": sid(2011) });
    assert_eq!(*one(&members, 11), local);
    assert_eq!(one(&members, 2)["onPremisesSecurityIdentifier"], Value::Null);
}

#[tokio::test]
async fn witnesses_of_every_type_are_null_without_the_right_to_it() {
    let bench = Bench::new(&every_type()).await;
    let witnesses = async |roles: &[&str]| {
        bench.grant(roles);
        let members = members(&bench).await;
        let seen = |number: u128, name: &str| !one(&members, number)[name].is_null();
        assert!(members.iter().all(|member| member["@odata.type"].is_string()));
        (seen(1, "userPrincipalName"), seen(3, "deviceId"), seen(10, "securityEnabled"))
    };
    assert_eq!(witnesses(&["GroupMember.ReadBasic.All"]).await, (false, false, false));
    assert_eq!(witnesses(&["GroupMember.Read.All"]).await, (false, false, true));
    let devices = ["GroupMember.ReadBasic.All", "Device.Read.All"];
    assert_eq!(witnesses(&devices).await, (false, true, false));
    let all = ["GroupMember.Read.All", "Device.Read.All", "User.Read.All"];
    assert_eq!(witnesses(&all).await, (true, true, true));
    for (kind, expected) in [
        ("user", (false, true, true)),
        ("device", (true, false, true)),
        ("group", (true, true, false)),
    ] {
        bench.tenant.order(Order::once(Where::Members, Fault::NullWitness(kind.to_owned())));
        assert_eq!(witnesses(&all).await, expected, "{kind}");
    }
}

#[tokio::test]
async fn a_group_tells_its_mail_its_rule_and_its_days() {
    let mut world = World::empty(1, "Kinds");
    let mut team = WorldGroup::new(id(1), "Team", "team", GroupKind::Microsoft365);
    team.further_addresses = vec!["smtp:old@corp.example".to_owned(), "x500:/o=corp".to_owned()];
    team.classification = Some("Confidential".to_owned());
    team.created = Some("2025-02-03T04:05:06Z".parse().unwrap());
    team.visibility = Some("Public".to_owned());
    let mut ruled = WorldGroup::new(id(2), "Ruled", "ruled", GroupKind::Security);
    ruled.dynamic = true;
    ruled.membership_rule = Some("(device.trustType -eq \"ServerAd\")".to_owned());
    let mut assignable = WorldGroup::new(id(3), "Holders", "holders", GroupKind::Security);
    assignable.role_assignable = Some(true);
    let list = WorldGroup::new(id(4), "List", "list", GroupKind::DistributionList);
    let mastered = WorldGroup::new(id(5), "Mastered", "mastered", GroupKind::Security);
    let converted = WorldGroup::new(id(6), "Converted", "converted", GroupKind::Security);
    let mastered = mastered.mastered_on_premises(&sid(2100));
    let converted = converted.converted(&sid(2101), Some(false));
    world.groups = vec![team, ruled, assignable, list, mastered, converted];
    let bench = Bench::new(&world).await;
    let groups = bench.list("/v1.0/groups").await.0;
    let team = one(&groups, 1);
    assert_eq!(
        team["proxyAddresses"],
        json!(["SMTP:team@corp.example", "smtp:old@corp.example", "x500:/o=corp"])
    );
    assert_eq!(team["mail"], json!("team@corp.example"));
    assert_eq!(team["mailNickname"], json!("team"));
    assert_eq!(team["classification"], json!("Confidential"));
    assert_eq!(team["createdDateTime"], json!("2025-02-03T04:05:06Z"));
    assert_eq!(team["visibility"], json!("Public"));
    assert_eq!(team["membershipRule"], Value::Null);
    let ruled = one(&groups, 2);
    assert_eq!(ruled["membershipRule"], json!("(device.trustType -eq \"ServerAd\")"));
    assert_eq!(ruled["membershipRuleProcessingState"], json!("On"));
    assert_eq!(ruled["proxyAddresses"], json!([]));
    assert_eq!(one(&groups, 3)["isAssignableToRole"], json!(true));
    let list = one(&groups, 4);
    assert_eq!((&list["mailEnabled"], &list["securityEnabled"]), (&json!(true), &json!(false)));
    let names = |group: &Value| {
        ["SyncEnabled", "SecurityIdentifier", "SamAccountName", "DomainName", "NetBiosName"]
            .map(|name| group[format!("onPremises{name}")].clone())
    };
    let expected =
        [json!(true), json!(sid(2100)), json!("mastered"), json!("corp.example"), json!("CORP")];
    assert_eq!(names(one(&groups, 5)), expected);
    let expected = [json!(false), json!(sid(2101)), json!(null), json!(null), json!(null)];
    assert_eq!(names(one(&groups, 6)), expected);
}

#[tokio::test]
async fn a_conversion_to_the_cloud_keeps_the_sid() {
    let bench = Bench::new(&every_type()).await;
    for told in [Some(false), None] {
        bench.tenant.edit(|cloud| cloud.convert_group(id(11), told)).unwrap();
        let group = bench.json(&format!("/v1.0/groups/{}", id(11))).await;
        assert_eq!(group["onPremisesSyncEnabled"], json!(told));
        assert_eq!(group["onPremisesSecurityIdentifier"], json!(sid(2011)));
    }
}

#[tokio::test]
async fn a_group_created_later_says_when() {
    let bench = Bench::small().await;
    bench.tenant.shift_clock(SignedDuration::from_hours(48));
    let young = WorldGroup::new(id(1), "Young", "young", GroupKind::Security);
    bench.tenant.edit(|cloud| cloud.create_group(young.clone()));
    let created = async |name: &str| {
        let group = bench.json(&format!("/v1.0/groups/{}", bench.group(name))).await;
        group["createdDateTime"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
    };
    assert!(created("Young").await > created("Finance").await);
}

#[tokio::test]
async fn a_hidden_group_inside_another_hides_its_members_there_too() {
    let mut world = every_type();
    let mut hidden = WorldGroup::new(id(20), "Hidden", "hidden", GroupKind::Microsoft365);
    hidden.visibility = Some("HiddenMembership".to_owned());
    hidden.members = vec![id(2)];
    let mut outer = WorldGroup::new(id(21), "Outer", "outer", GroupKind::Security);
    outer.members = vec![id(1), id(20)];
    world.groups.extend([hidden, outer]);
    let bench = Bench::new(&world).await;
    let path = |group: u128, which: &str| format!("/v1.0/groups/{}/{which}?$select=id", id(group));
    // That it is a member is no secret.
    assert_eq!(bench.list(&path(21, "members")).await.0.len(), 2);
    assert_eq!(bench.refusal(&path(21, "transitiveMembers")).await.0, 403);
    assert_eq!(bench.refusal(&path(20, "members")).await.0, 403);
    bench.tenant.set_hidden_answer(HiddenAnswer::Empty);
    assert_eq!(bench.list(&path(21, "transitiveMembers")).await.0.len(), 2);
    assert_eq!(bench.list(&path(20, "members")).await.0.len(), 0);
    bench.grant(&["GroupMember.Read.All", "Member.Read.Hidden"]);
    assert_eq!(bench.list(&path(21, "transitiveMembers")).await.0.len(), 3);
    assert_eq!(bench.list(&path(20, "members")).await.0.len(), 1);
}

#[tokio::test]
async fn a_deleted_child_is_gone_at_every_depth_until_it_is_restored() {
    let world = World::generated(5, 60, 60);
    let bench = Bench::new(&world).await;
    let (top, middle) = (bench.group("Nested top"), bench.group("Nested middle"));
    let path = format!("/v1.0/groups/{top}/transitiveMembers?$select=id");
    assert_eq!(bench.list(&path).await.0.len(), 5);
    bench.tenant.edit(|cloud| cloud.soft_delete_group(middle)).unwrap();
    assert_eq!(bench.list(&path).await.0.len(), 2);
    let inside = format!("/v1.0/groups/{middle}/members");
    assert_eq!(bench.refusal(&inside).await.0, 404);
    bench.tenant.edit(|cloud| cloud.restore_group(middle)).unwrap();
    assert_eq!(bench.list(&path).await.0.len(), 5);
}

#[tokio::test]
async fn what_can_be_restored_follows_kind_origin_and_tenant() {
    let mut world = World::empty(1, "Kinds");
    let unified = GroupKind::Unusual {
        group_types: vec!["Unified".to_owned()],
        mail_enabled: true,
        security_enabled: true,
    };
    let group = |number: u128, kind: GroupKind| WorldGroup::new(id(number), "One", "one", kind);
    world.groups = vec![
        group(1, GroupKind::Microsoft365),
        group(2, GroupKind::Security),
        group(3, GroupKind::MailEnabledSecurity),
        group(4, GroupKind::Security).mastered_on_premises(&sid(2100)),
        group(5, unified),
    ];
    for (restorable, expected) in [(true, vec![1, 2, 5]), (false, vec![1, 5])] {
        world.facts.security_groups_restorable = restorable;
        let bench = Bench::new(&world).await;
        bench.tenant.edit(|cloud| {
            for number in 1..=5 {
                cloud.soft_delete_group(id(number)).unwrap();
            }
        });
        let deleted = bench.list("/v1.0/directory/deletedItems/graph.group?$select=id").await.0;
        let ids: Vec<Value> = deleted.iter().map(|group| group["id"].clone()).collect();
        let expected: Vec<Value> = expected.into_iter().map(|number| json!(id(number))).collect();
        assert_eq!(ids, expected);
        // After 30 days nothing is left.
        bench.tenant.shift_clock(SignedDuration::from_hours(29 * 24));
        bench.tenant.edit(Cloud::purge);
        assert_eq!(bench.tenant.cloud().deleted_groups().count(), expected.len());
        bench.tenant.shift_clock(SignedDuration::from_hours(25));
        bench.tenant.edit(Cloud::purge);
        assert_eq!(bench.tenant.cloud().deleted_groups().count(), 0);
    }
}

#[tokio::test]
async fn devices_change_and_go() {
    let bench = Bench::new(&every_type()).await;
    bench.grant(&["Directory.Read.All"]);
    bench
        .tenant
        .edit(|cloud| {
            cloud.hard_delete_other(id(5))?;
            cloud.change_other(id(6), |other| {
                *other = other.clone().with("trustType", json!("AzureAd"));
            })
        })
        .unwrap();
    let members = members(&bench).await;
    assert_eq!(members.len(), 10);
    assert_eq!(one(&members, 6)["trustType"], json!("AzureAd"));
    assert!(bench.tenant.cloud().other(id(5)).is_none());
}
