//! Every answer held against the published schema: no unknown property, right type.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::sim::world::{
    DeviceTrust, GroupKind, Link, OtherObject, Synchronization, TenantFacts, WorldGroup,
};

/// The schema table: `microsoftgraph/msgraph-metadata schemas/v1.0-Prod.csdl` and what beta adds.
struct Schema(Value);

impl Schema {
    fn read() -> Self {
        let text = include_str!("../../../../tests/data/graph-types.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// Type and nullability of a property, looked for in the type, its bases, and beta.
    fn property(&self, kind: &str, name: &str, beta: bool) -> Option<(String, bool)> {
        let read = |found: &Value| Some((found[0].as_str()?.to_owned(), found[1].as_bool()?));
        if beta && let Some(found) = read(&self.0["beta"][kind]["properties"][name]) {
            return Some(found);
        }
        let declared = &self.0["types"][kind];
        read(&declared["properties"][name])
            .or_else(|| self.property(declared["base"].as_str()?, name, beta))
    }

    fn check(&self, kind: &str, object: &Value, beta: bool) {
        for (name, value) in object.as_object().unwrap() {
            if name.starts_with("@odata.") {
                assert!(value.is_string(), "{kind}.{name}");
                continue;
            }
            let (declared, nullable) = self
                .property(kind, name, beta)
                .unwrap_or_else(|| panic!("{kind} has no property {name}"));
            let fits = (nullable && value.is_null()) || self.fits(&declared, value, beta);
            assert!(fits, "{kind}.{name}: {declared} (nullable {nullable}) is {value}");
        }
    }

    fn fits(&self, declared: &str, value: &Value, beta: bool) -> bool {
        if let Some(inner) =
            declared.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'))
        {
            return value
                .as_array()
                .is_some_and(|elements| elements.iter().all(|one| self.fits(inner, one, beta)));
        }
        match declared {
            "String" => value.is_string(),
            "Boolean" => value.is_boolean(),
            "Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "Guid" => value.as_str().is_some_and(|text| text.parse::<Uuid>().is_ok()),
            "DateTimeOffset" => {
                value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
            }
            known if self.0["types"][known]["enum"].is_array() => {
                self.0["types"][known]["enum"].as_array().unwrap().contains(value)
            }
            complex => {
                assert!(value.is_object(), "{complex}: {value}");
                self.check(complex, value, beta);
                true
            }
        }
    }
}

/// A group with a member of each type the builders make, and one of each new property.
fn plant_every_member_type(world: &mut World) {
    let id = |number: u128| Uuid::from_u128(number);
    let account = Link { sid: "S-1-5-21-1-2-3-4".to_owned(), guid: id(13) };
    let others = [
        OtherObject::computer(id(1), "One", &account),
        OtherObject::device(id(2), "Two", id(12), DeviceTrust::Joined),
        OtherObject::device(id(3), "Three", id(14), DeviceTrust::Registered),
        OtherObject::contact(id(4), "Four", "four@partner.example"),
        OtherObject::service_principal(id(5), "Five", id(15)),
    ];
    let mut group = WorldGroup::new(id(6), "Planted", "planted", GroupKind::Security)
        .mastered_on_premises("S-1-5-21-1-2-3-5");
    group.members = others.iter().map(|other| other.id).collect();
    group.classification = Some("Internal".to_owned());
    group.further_addresses = vec!["smtp:planted@corp.example".to_owned()];
    group.created = Some("2025-01-01T00:00:00Z".parse().unwrap());
    world.others.extend(others);
    world.groups.push(group);
}

/// All names the schema has for a type, so that each of them is asked for.
fn known(kind: property::Type, version: property::Version) -> String {
    let schema = Schema::read();
    let mut names: BTreeSet<String> =
        kind.default_properties().iter().map(|name| (*name).to_owned()).collect();
    for group in [&schema.0["types"][kind.name()], &schema.0["beta"][kind.name()]] {
        let listed = group["properties"].as_object().into_iter().flatten();
        names.extend(listed.map(|(name, _)| name.clone()).filter(|name| kind.has(version, name)));
    }
    names.into_iter().collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn every_answer_keeps_to_the_published_schema() {
    let schema = Schema::read();
    let mut world = World::generated(11, 120, 70);
    world.groups[0].description = None;
    plant_every_member_type(&mut world);
    let bench = Bench::new(&world).await;
    bench.grant(&["Directory.Read.All", "Group.Read.All", "Member.Read.Hidden"]);
    let gone = [bench.group("Empty team"), bench.group("Empty security")];
    bench.tenant.edit(|cloud| gone.map(|id| cloud.soft_delete_group(id).unwrap()));

    let (group, user) = (property::Type::Group, property::Type::User);
    let (v1, beta) = (property::Version::V1, property::Version::Beta);
    let mut checked = 0;
    for (path, kind, is_beta) in [
        ("/v1.0/groups?$top=999".to_owned(), "group", false),
        (format!("/v1.0/groups?$select={}", known(group, v1)), "group", false),
        (format!("/beta/groups?$select={}", known(group, beta)), "group", true),
        ("/v1.0/directory/deletedItems/graph.group".to_owned(), "group", false),
        (format!("/v1.0/users?$select={}", known(user, v1)), "user", false),
        ("/v1.0/users".to_owned(), "user", false),
        ("/v1.0/organization".to_owned(), "organization", false),
    ] {
        let (elements, _) = bench.list(&path).await;
        assert!(!elements.is_empty(), "{path}");
        for element in &elements {
            schema.check(kind, element, is_beta);
        }
        checked += elements.len();
    }
    let all = property::Type::members().map(|kind| known(kind, v1)).join(",");
    for group in &world.groups {
        if gone.contains(&group.id) {
            continue;
        }
        let single = bench.json(&format!("/v1.0/groups/{}", group.id)).await;
        schema.check("group", &single, false);
        for path in [
            format!("/v1.0/groups/{}/members?$top=999", group.id),
            format!("/v1.0/groups/{}/transitiveMembers?$select={all}&$top=999", group.id),
        ] {
            let (members, _) = bench.list(&path).await;
            checked += members.len();
            for member in &members {
                let kind = member["@odata.type"].as_str().unwrap();
                let kind = kind.strip_prefix("#microsoft.graph.").unwrap();
                // A type of tomorrow is in no schema of today: it is a directory object.
                let kind = if kind == "agentIdentity" { "directoryObject" } else { kind };
                schema.check(kind, member, false);
            }
        }
    }
    assert!(checked > 1_000, "{checked}");
    let deleted = bench.json(&format!("/v1.0/directory/deletedItems/{}", gone[0])).await;
    schema.check("group", &deleted, false);
    let person = bench.json(&format!("/v1.0/users/{}", world.people[0].id)).await;
    schema.check("user", &person, false);
}

#[tokio::test]
async fn what_the_tenant_says_of_itself_keeps_to_the_published_schema() {
    let schema = Schema::read();
    let mut world = World::small(1);
    world.facts = TenantFacts::with_writeback_default(Some("False"));
    world.facts.synchronization = Synchronization::readable(true, false);
    world.facts.synchronization.features.insert("userWritebackEnabled".to_owned(), None);
    let bench = Bench::new(&world).await;
    bench.grant(&["Directory.Read.All", "OnPremDirectorySynchronization.Read.All"]);
    let synchronization = "/v1.0/directory/onPremisesSynchronization";
    for (path, kind) in [
        ("/v1.0/groupSettings", "groupSetting"),
        ("/beta/settings", "groupSetting"),
        ("/v1.0/subscribedSkus", "subscribedSku"),
        (synchronization, "onPremisesDirectorySynchronization"),
        ("/v1.0/organization", "organization"),
    ] {
        let (elements, _) = bench.list(path).await;
        assert_eq!(elements.len(), 1, "{path}");
        schema.check(kind, &elements[0], false);
        // Nothing that the schema has is left out.
        for name in schema.0["types"][kind]["properties"].as_object().unwrap().keys() {
            let told = elements[0].get(name).is_some();
            assert!(told || kind == "organization", "{kind} without {name}");
        }
    }
    let features = &bench.list(synchronization).await.0[0]["features"];
    let feature = &schema.0["types"]["onPremisesDirectorySynchronizationFeature"]["properties"];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(features), names(feature));
}

#[tokio::test]
async fn limited_information_keeps_to_the_published_schema() {
    let schema = Schema::read();
    let world = World::generated(11, 60, 60);
    let bench = Bench::new(&world).await;
    bench.grant(&["GroupMember.ReadBasic.All"]);
    let group = bench.group("Every type");
    let all = property::Type::members().map(|kind| known(kind, property::Version::V1)).join(",");
    let (members, _) = bench.list(&format!("/v1.0/groups/{group}/members?$select={all}")).await;
    for member in &members {
        let kind = member["@odata.type"].as_str().unwrap();
        let kind = kind.strip_prefix("#microsoft.graph.").unwrap();
        if kind == "agentIdentity" {
            continue;
        }
        for (name, value) in member.as_object().unwrap() {
            // The last is a flag that the schema forbids to be null.
            let told = ["id", "@odata.type", "appRoleAssignmentRequired"].contains(&name.as_str());
            assert!(told || value.is_null() || *value == json!([]), "{kind}.{name}: {value}");
            assert!(schema.property(kind, name, false).is_some() || told, "{kind}.{name}");
        }
    }
    assert!(members.len() > 5);
}
