//! What the product prints and answers between the simulators, against the schemas of plan, status,
//! explanation and groups; `tests/discover` holds discoveries to theirs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writeback::report::groups::state::State;
use writeback::schema::Document;
use writeback::sim::{domain, tenant};

use crate::form::Validator;
use crate::product::{Daemon, get};
use crate::stage::{EVERYTHING, Stage};

#[test]
fn every_plan_is_as_its_schema_says() {
    let validator = Validator::closed(Document::Plan);
    let stage = Stage::small();
    let first = stage.product.run(&["plan", "--output", "json"]).expect(2);
    let first = validator.fits(&first.stdout);
    assert!(first["changes"].as_array().unwrap().len() > 8, "{first:#}");
    stage.product.run(&["apply"]).expect(0);
    // A rename, members, a conversion, a group that leaves, one that is only observed, a hold.
    let finance = stage.id("Finance");
    stage.cloud(|cloud| cloud.rename_group(finance, "Finance & Controlling"));
    stage.empty_nearly("Engineering");
    stage.put_in("Board", &["Ada Lovelace", "Tony Hoare"]);
    stage
        .product
        .policy("everything", &EVERYTHING.replace("mode: Sync", "mode: Sync\n  precedence: 7"));
    let second = stage.product.run(&["plan", "--output", "json"]);
    let second = validator.fits(&second.stdout);
    let kinds: Vec<&str> =
        second["changes"].as_array().unwrap().iter().filter_map(|c| c["kind"].as_str()).collect();
    for kind in ["rename", "add_members", "remove_members"] {
        assert!(kinds.contains(&kind), "{kind}: {second:#}");
    }
    stage.product.policy("everything", &EVERYTHING.replace("mode: Sync", "mode: Observe"));
    let third = stage.product.run(&["plan", "--output", "json"]).expect(0);
    validator.fits(&third.stdout);
}

#[test]
fn a_plan_with_an_unknown_field_or_word_is_not_as_the_schema_says() {
    let validator = Validator::closed(Document::Plan);
    let stage = Stage::small();
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(2);
    let plan = validator.fits(&plan.stdout);
    for (pointer, value) in [
        ("/digest", json!("1")),
        ("/changes/0/kind", json!("invent")),
        ("/changes/0/admission", json!("Maybe")),
        ("/changes/0/content", json!({ "strange": 1 })),
        ("/findings", json!([{ "code": "Strange", "message": "", "policy": null, "group": null }])),
    ] {
        let mut wrong = plan.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(validator.refusal(&wrong).is_some(), "{pointer}");
    }
}

#[test]
fn the_status_of_a_daemon_is_as_its_schema_says() {
    let validator = Validator::closed(Document::Status);
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let status = validator.fits(&daemon.status().to_string());
    assert!(status["lastPass"]["number"].as_u64() >= Some(1), "{status:#}");
    assert!(status["policies"]["everything"]["conditions"][0]["type"].is_string(), "{status:#}");
    stage.empty_nearly("Engineering");
    stage.product.write("policies/broken.yaml", "kind: WritebackPolicy\n");
    daemon.passes(2);
    let status = validator.fits(&daemon.status().to_string());
    assert!(!status["folder"]["mistakes"].as_array().unwrap().is_empty(), "{status:#}");
}

/// What `explain` says of a group, and of a person in it, as its schema says.
#[track_caller]
fn explained(validator: &Validator, stage: &Stage, subject: &[&str], code: i32) -> Value {
    let words = [&["explain", "--output", "json"], subject].concat();
    validator.fits(&stage.product.run(&words).expect(code).stdout)
}

#[test]
fn every_explanation_is_as_its_schema_says() {
    let validator = Validator::closed(Document::Explain);
    let stage = Stage::small();
    let mut states = BTreeSet::new();
    let mut of = |subject: &[&str], code| {
        let told = explained(&validator, &stage, subject, code);
        states.insert(told["state"].as_str().unwrap().to_owned());
        told
    };
    let awaited = of(&["Finance"], 0);
    assert_eq!(awaited["person"], Value::Null);
    assert!(awaited["policies"][0]["place"]["line"].is_u64(), "{awaited:#}");
    stage.product.run(&["apply"]).expect(0);
    let both = of(&["Finance", "ada.lovelace"], 0);
    assert_eq!(both["person"]["belonging"], "Both", "{both:#}");
    let neither = of(&["Finance", "mallory"], 0);
    assert_eq!(neither["person"]["id"], Value::Null, "{neither:#}");
    // Held since the last pass, frozen, not known whole, only observed, and nobody's.
    stage.product.a_day_later();
    stage.empty_nearly("Engineering");
    let contractors = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(contractors, Some(false), None));
    stage.product.run(&["apply"]).expect(3);
    let held = of(&["Engineering", "ken.thompson"], 0);
    assert_eq!(held["changes"][0]["admission"], "Held", "{held:#}");
    assert!(held["changes"][0]["heldSince"].is_string(), "{held:#}");
    assert!(!held["changes"][0]["holds"].as_array().unwrap().is_empty(), "{held:#}");
    of(&["Contractors"], 0);
    let board = stage.id("Board");
    let fault = tenant::Fault::Html200;
    stage.tenant.order(tenant::Order::always(tenant::Where::MembersOf(board), fault));
    assert_eq!(of(&["Board"], 4)["complete"], false);
    let exclude = "  mode: Sync\n  selection: { exclude: [{ displayName: '^VPN ' }] }";
    stage.product.policy("everything", &EVERYTHING.replacen("  mode: Sync", exclude, 1));
    of(&["VPN Users"], 4);
    let expected = ["Awaited", "Frozen", "Unknown", "Written"].map(str::to_owned);
    assert!(states.is_superset(&BTreeSet::from(expected)), "{states:?}");
}

#[test]
fn an_explanation_with_an_unknown_field_or_word_is_not_as_the_schema_says() {
    let validator = Validator::closed(Document::Explain);
    let stage = Stage::small();
    let told = explained(&validator, &stage, &["Finance", "ada.lovelace"], 0);
    for (pointer, value) in [
        ("/kind", json!("Plan")),
        ("/group", json!("Finance")),
        ("/state", json!("written")),
        ("/policy", json!({})),
        ("/summary/0", json!("a sentence")),
        ("/conditions/0/type", json!("Fine")),
        ("/conditions/0/status", json!("True")),
        ("/policies/0/place", json!({ "file": "everything.yaml" })),
        ("/changes/0/kind", json!("invent")),
        ("/changes/0/heldSince", json!("yesterday")),
        ("/changes/0/holds", Value::Null),
        ("/person/belonging", json!("Somewhere")),
        ("/person/sentences", json!([{ "text": "", "strange": 1 }])),
    ] {
        let mut wrong = told.clone();
        *wrong.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}: {told:#}")) = value;
        assert!(validator.refusal(&wrong).is_some(), "{pointer}");
    }
}

/// A daemon that has made two passes, and makes none while it is asked.
fn two_passes(stage: &Stage) -> Daemon {
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let daemon = stage.product.daemon();
    // It waits for the end of the first one.
    let ran = stage.product.run(&["reconcile"]);
    assert!(ran.stdout.contains(" changes done"), "{ran:?}");
    daemon
}

/// Every page of the groups, and every group whole, as their schemas say.
#[track_caller]
fn groups(daemon: &Daemon) -> (Value, Vec<Value>) {
    let (list, one) = (Validator::closed(Document::Groups), Validator::closed(Document::Group));
    let asked = |validator: &Validator, path: &str| {
        let (code, body) = get(&daemon.status, path);
        assert_eq!(code, 200, "{path}: {body}");
        validator.fits(&body)
    };
    asked(&list, "/api/v1/groups?q=nobody-is-called-so");
    asked(&list, "/api/v1/groups?limit=2&page=2");
    let all = asked(&list, "/api/v1/groups?limit=500");
    let items = all["items"].as_array().unwrap().clone();
    let whole = items.iter().map(|item| {
        let path = format!("/api/v1/groups/{}", item["id"].as_str().unwrap());
        asked(&one, &format!("{path}?limit=1&page=2"));
        let whole = asked(&one, &path);
        // What the list tells of a group, the group tells, too.
        for (name, value) in item.as_object().unwrap() {
            assert_eq!(&whole[name], value, "{name}: {whole:#}");
        }
        whole
    });
    let whole = whole.collect();
    (all, whole)
}

#[test]
fn the_groups_of_a_daemon_are_as_their_schemas_say() {
    let stage = Stage::small();
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    stage.empty_nearly("Engineering");
    let contractors = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(contractors, Some(false), None));
    // The daemon writes one group and cannot write the other.
    stage.put_in("Board", &["Tony Hoare"]);
    let refused = domain::Fault::Refuse("00002035".to_owned());
    stage.put_in("Finance", &["Tony Hoare"]);
    let dn = stage.dn("Finance");
    let object = stage.domain.edit(|tree| tree.guid_of(&dn).unwrap());
    for name in [dn, format!("<GUID={object}>")] {
        let on = domain::Where::Object(name);
        stage.domain.order(domain::Order::new(on, refused.clone()).times(u32::MAX));
    }
    let daemon = two_passes(&stage);
    let (list, whole) = groups(&daemon);
    let states: Vec<&String> = list["states"].as_object().unwrap().keys().collect();
    let mut words = State::ALL.map(State::word);
    words.sort_unstable();
    assert_eq!(states, words);
    let of = |name: &str| whole.iter().find(|one| one["displayName"] == name).unwrap();
    assert_eq!(of("Engineering")["state"], "held", "{:#}", of("Engineering"));
    assert_eq!(of("Engineering")["changes"][0]["part"], "held");
    assert_eq!(of("Contractors")["state"], "frozen");
    assert_eq!(of("Contractors")["conditions"][2]["reason"], "Frozen");
    assert_eq!(of("Finance")["conditions"][0]["reason"], "OperationsFailed");
    assert_eq!(of("Board")["history"][0]["outcome"], "done", "{:#}", of("Board"));
    let failed = &of("Finance")["history"][0];
    assert!(failed["message"].is_string(), "{:#}", of("Finance"));
    let members = whole.iter().flat_map(|one| one["members"]["items"].as_array().unwrap());
    let members: BTreeSet<String> =
        members.flat_map(|one| [one["kind"].to_string(), one["state"].to_string()]).collect();
    let wanted = ["user", "group", "member", "removal_held"].map(|word| format!("\"{word}\""));
    assert!(members.is_superset(&BTreeSet::from(wanted)), "{members:?}");
}

#[test]
fn a_group_with_an_unknown_field_or_word_is_not_as_the_schema_says() {
    let (list, one) = (Validator::closed(Document::Groups), Validator::closed(Document::Group));
    let stage = Stage::small();
    let daemon = two_passes(&stage);
    let (all, whole) = groups(&daemon);
    let full = |group: &&Value| {
        ["/history/0", "/members/items/0"].iter().all(|part| group.pointer(part).is_some())
    };
    let whole = whole.iter().find(full).unwrap();
    assert!(list.refusal(whole).is_some() && one.refusal(&all).is_some());
    let refused = |validator: &Validator, told: &Value, pointer: &str, value: Value| {
        let mut wrong = told.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[key] = value;
        assert!(validator.refusal(&wrong).is_some(), "{pointer}");
    };
    for (pointer, value) in [
        ("/kind", json!("Group")),
        ("/at", json!("yesterday")),
        ("/states", json!([])),
        ("/total", json!("all")),
        ("/strange", json!(1)),
    ] {
        refused(&list, &all, pointer, value);
    }
    for (pointer, value) in [
        ("/kind", json!("GroupList")),
        ("/id", json!("Finance")),
        ("/state", json!("InStep")),
        ("/memberCount", json!(-1)),
        ("/conditions/0/type", json!("Fine")),
        ("/conditions/0/reason", json!("Because")),
        ("/conditions/0/lastTransitionTime", Value::Null),
        ("/changes", json!([{ "part": "maybe", "kind": "create", "text": "", "cause": "" }])),
        ("/members/leftOutUnnamed", Value::Null),
        ("/strange", json!(1)),
    ] {
        refused(&one, whole, pointer, value);
    }
    for (parent, key, value) in [
        ("/members/items/0", "state", json!("welcome")),
        ("/members/items/0", "kind", json!("robot")),
        ("/history/0", "outcome", json!("perhaps")),
        ("/history/0", "strange", json!(1)),
    ] {
        let mut wrong = whole.clone();
        wrong.pointer_mut(parent).unwrap()[key] = value;
        assert!(one.refusal(&wrong).is_some(), "{parent}/{key}");
    }
}
