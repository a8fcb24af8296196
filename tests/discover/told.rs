//! What `discover --output json` prints against its schema, both ways: nothing is printed that
//! the schema does not tell of, and nothing is told of that is never printed.
//!
//! `discovery` holds every report of these tests to the schema; here are the reports that differ
//! most, and what the schema refuses.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use writeback::discover::{CredentialEnd, Estate, discover};
use writeback::model::cloud::{Links, Unread};
use writeback::model::policy::PolicySet;
use writeback::model::{CloudMembers, Containers, TenantId};
use writeback::report::discovery;
use writeback::schema::Document;
use writeback::sim::domain;
use writeback::sim::tenant::{Fault, Order, Where};

use crate::form::Validator;
use crate::planted::planted;
use crate::stage::{EVERYTHING, Stage};
use crate::{clean_stage, discovery as run};

/// Every kind of credential, as the configuration's words have them.
const CREDENTIALS: [&str; 8] = [
    "client_secret",
    "certificate",
    "federated_token",
    "managed_identity",
    "bind_password",
    "keytab",
    "tenant_ca",
    "directory_ca",
];

/// The fields that may be absent.
const MAY_BE_ABSENT: [&str; 21] = [
    "/facts/cloudGroups",
    "/facts/containers",
    "/facts/credentials/bindPassword",
    "/facts/credentials/caOfTheDirectory",
    "/facts/credentials/caOfTheTenant",
    "/facts/credentials/certificate",
    "/facts/credentials/clientSecret",
    "/facts/credentials/federatedToken",
    "/facts/credentials/keytab",
    "/facts/credentials/managedIdentity",
    "/facts/domain/anchorAttributes",
    "/facts/domain/domainControllersOfTheForest",
    "/facts/domain/domainsOfTheForest",
    "/facts/domain/preparedForExchange",
    "/facts/domain/recycleBin",
    "/facts/domain/schemaVersion",
    "/facts/groupsInTheContainers",
    "/facts/policies/noneInForce",
    "/facts/tenant/name",
    "/facts/tenant/synchronisesWithADirectory",
    "/facts/writtenBackGroupsInTheDirectory",
];

/// An estate of which nothing can be read, with every kind of credential.
fn blind_with_every_credential() -> Value {
    let nothing = Unread { reason: "nobody is there".to_owned() };
    let credentials = CREDENTIALS.map(|word| CredentialEnd {
        word,
        file: Some(format!("/etc/writeback/{word}")),
        expires: Some(Timestamp::UNIX_EPOCH),
    });
    let estate = Estate {
        owner: "corp",
        tenant_id: TenantId::parse("11111111-2222-3333-4444-555555555555").unwrap(),
        containers: &Containers::new(Vec::new()),
        policies: &PolicySet::default(),
        ready: &BTreeMap::new(),
        tenant: Err(&nothing),
        domain: Err(&nothing),
        presence: &BTreeMap::new(),
        confirm_after: SignedDuration::ZERO,
        credentials: &credentials,
        now: Timestamp::UNIX_EPOCH,
    };
    let members = CloudMembers { of: BTreeMap::new(), links: Links::Readable };
    discovery::json(&discover(&estate, &members))
}

/// What the command prints of estates of every kind.
fn printed() -> Vec<Value> {
    let stage = clean_stage();
    let mut all = vec![run(&stage.product, 0)];
    stage.product.policy("everything", EVERYTHING);
    stage.product.run(&["apply"]).expect(0);
    all.push(run(&stage.product, 0));
    stage.domain.set_deaf(true);
    all.push(run(&stage.product, 4));
    stage.product.write("client-secret", "wrong");
    all.push(run(&stage.product, 1));
    stage.domain.set_deaf(false);
    all.push(run(&stage.product, 1));
    let (stage, _) = planted();
    all.push(run(&stage.product, 4));
    let barely = run(&barely_read().product, 4);
    let seen = places(&barely);
    for unread in [
        "/facts/cloudGroups",
        "/facts/domain/domainControllersOfTheForest",
        "/facts/domain/domainsOfTheForest",
        "/facts/domain/recycleBin",
        "/facts/tenant/name",
        "/facts/tenant/synchronisesWithADirectory",
    ] {
        assert!(!seen.contains(unread) && MAY_BE_ABSENT.contains(&unread), "{unread}: {barely:#}");
    }
    all.push(barely);
    all
}

/// An estate whose sides are reached and show of themselves what cannot be done without.
fn barely_read() -> Stage {
    let stage = clean_stage();
    stage.tenant.order(Order { nth: 2, ..Order::always(Where::Any, Fault::Html200) });
    let base = stage.domain.base_dn();
    for part in ["CN=Sites", "CN=Partitions"] {
        let on = domain::Where::Object(format!("{part},CN=Configuration,{base}"));
        let refused = domain::Fault::Refuse("00002035".to_owned());
        stage.domain.order(domain::Order::new(on, refused).times(u32::MAX));
    }
    stage
}

/// The places of all fields of a document; those of every item of a list as one.
fn places(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), value)];
    while let Some((at, value)) = open.pop() {
        match value {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (format!("{at}/{key}"), value));
                let fields: Vec<_> = fields.collect();
                found.extend(fields.iter().map(|(at, _)| at.clone()));
                open.extend(fields);
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (format!("{at}/*"), item))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// The same of what a schema tells of; what is of one form or another is of both.
fn told(schema: &Value, root: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        told(root.pointer(reference.trim_start_matches('#')).unwrap(), root, at, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        told(choice, root, at, found);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        told(property, root, &at, found);
        found.insert(at);
    }
    if schema["items"].is_object() {
        told(&schema["items"], root, &format!("{at}/*"), found);
    }
}

#[test]
fn every_discovery_is_as_its_schema_says() {
    let blind = blind_with_every_credential();
    Validator::closed(Document::Discover).fits(&blind.to_string());
    let mut seen: BTreeSet<String> = printed().iter().chain([&blind]).flat_map(places).collect();
    // Containers stand by their names.
    seen.retain(|place| !place.starts_with("/facts/containers/"));
    let schema = Document::Discover.schema();
    let mut known = BTreeSet::new();
    told(&schema, &schema, "", &mut known);
    assert_eq!(seen, known, "what is printed and what the schema tells of");
}

/// Every object of a document, as a JSON pointer, with the place that it has in all of them.
fn objects(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), String::new(), value)];
    while let Some((pointer, place, value)) = open.pop() {
        match value {
            Value::Object(fields) => {
                let below = |(key, value): (&String, _)| {
                    let escaped = key.replace('~', "~0").replace('/', "~1");
                    (format!("{pointer}/{escaped}"), format!("{place}/{key}"), value)
                };
                open.extend(fields.iter().map(below));
                found.push((pointer, place));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(index, item)| {
                    (format!("{pointer}/{index}"), format!("{place}/*"), item)
                }));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

#[test]
fn a_discovery_with_a_field_too_few_or_too_many_is_not_as_the_schema_says() {
    let validator = Validator::closed(Document::Discover);
    let (planted, _) = planted();
    let whole = run(&planted.product, 4);
    let mut absent = BTreeSet::new();
    for whole in [whole, run(&clean_stage().product, 0), blind_with_every_credential()] {
        for (pointer, place) in objects(&whole) {
            // Each container stands by its name.
            if place == "/facts/containers" {
                continue;
            }
            let without = |key: Option<&String>| {
                let mut wrong = whole.clone();
                let object = wrong.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
                match key {
                    Some(key) => object.remove(key),
                    None => object.insert("strange".to_owned(), json!(1)),
                };
                validator.refusal(&wrong)
            };
            assert!(without(None).is_some(), "{pointer}: a field that nobody knows");
            for key in whole.pointer(&pointer).unwrap().as_object().unwrap().keys() {
                if without(Some(key)).is_none() {
                    absent.insert(format!("{place}/{key}"));
                }
            }
        }
    }
    assert_eq!(absent, MAY_BE_ABSENT.map(str::to_owned).into(), "the fields that may be absent");
}

#[test]
fn a_discovery_with_an_unknown_word_or_form_is_not_as_the_schema_says() {
    let validator = Validator::closed(Document::Discover);
    let (planted, _) = planted();
    let found = run(&planted.product, 4);
    for (pointer, value) in [
        ("/apiVersion", json!("writeback/v1")),
        ("/kind", json!("Plan")),
        ("/complete", Value::Null),
        ("/facts/tenant", json!({ "reached": true })),
        ("/facts/tenant/reached", json!(false)),
        ("/facts/tenant/id", json!("corp.example")),
        ("/facts/tenant/licence", json!("Entra ID P3")),
        ("/facts/tenant/grantedRights", json!([1])),
        ("/facts/cloudGroups/all", json!(-1)),
        ("/facts/domain/reached", Value::Null),
        ("/facts/domain/product", json!("Samba 4")),
        ("/facts/containers", json!({ "OU=Cloud Groups,DC=corp,DC=example": "full" })),
        ("/facts/policies/inForce", json!(["Not A Name"])),
        ("/groups/0/id", json!("Finance")),
        ("/groups/0/setting", json!("on")),
        ("/groups/0/groupType", json!(4)),
        ("/groups/0/policies/0/verdict", json!("Maybe")),
        ("/problems/0/code", json!("Strange")),
        ("/problems/0/code", json!(["Foreign"])),
        ("/problems/0/policy", json!({})),
        ("/problems/0/meaning", Value::Null),
        ("/recommendation/approach", json!("both")),
        ("/recommendation/policies/0/text", json!({})),
    ] {
        let mut wrong = found.clone();
        *wrong.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}: {found:#}")) = value;
        assert!(validator.refusal(&wrong).is_some(), "{pointer}");
    }
}
