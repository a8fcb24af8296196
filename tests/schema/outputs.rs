//! What the product prints between the simulators, against the schemas of plan and status.

use serde_json::{Value, json};
use writeback::schema::Document;

use crate::fields::Validator;
use crate::stage::{EVERYTHING, Stage};

/// The schema with every object closed: a field that the schema does not tell of is a mistake.
fn closed(document: Document) -> Validator {
    fn close(schema: &mut Value) {
        if schema.get("properties").is_some() {
            schema["additionalProperties"] = json!(false);
        }
        match schema {
            Value::Object(all) => all.values_mut().for_each(close),
            Value::Array(all) => all.iter_mut().for_each(close),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = document.schema();
    close(&mut schema);
    Validator::of(schema)
}

#[track_caller]
fn fits(validator: &Validator, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    if let Some(refusal) = validator.refusal(&value) {
        panic!("{refusal}\n{value:#}");
    }
    value
}

#[test]
fn every_plan_is_as_its_schema_says() {
    let validator = closed(Document::Plan);
    let stage = Stage::small();
    let first = stage.product.run(&["plan", "--output", "json"]).expect(2);
    let first = fits(&validator, &first.stdout);
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
    let second = fits(&validator, &second.stdout);
    let kinds: Vec<&str> =
        second["changes"].as_array().unwrap().iter().filter_map(|c| c["kind"].as_str()).collect();
    for kind in ["rename", "add_members", "remove_members"] {
        assert!(kinds.contains(&kind), "{kind}: {second:#}");
    }
    stage.product.policy("everything", &EVERYTHING.replace("mode: Sync", "mode: Observe"));
    let third = stage.product.run(&["plan", "--output", "json"]).expect(0);
    fits(&validator, &third.stdout);
}

#[test]
fn a_plan_with_an_unknown_field_or_word_is_not_as_the_schema_says() {
    let validator = closed(Document::Plan);
    let stage = Stage::small();
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(2);
    let plan = fits(&validator, &plan.stdout);
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
    let validator = closed(Document::Status);
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let status = fits(&validator, &daemon.status().to_string());
    assert!(status["lastPass"]["number"].as_u64() >= Some(1), "{status:#}");
    assert!(status["policies"]["everything"]["conditions"][0]["type"].is_string(), "{status:#}");
    stage.empty_nearly("Engineering");
    stage.product.write("policies/broken.yaml", "kind: WritebackPolicy\n");
    daemon.passes(2);
    let status = fits(&validator, &daemon.status().to_string());
    assert!(!status["folder"]["mistakes"].as_array().unwrap().is_empty(), "{status:#}");
}
