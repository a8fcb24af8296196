//! The types against the readers, both ways: what the schema offers is read, what it refuses is
//! refused, what it calls a default is what an absent field means.

use serde_json::{Value, json};
use writeback::schema::Document;
use writeback::schema::reference::NOT_YET;

use crate::fields::{Field, document_with, example, fields, pointer, read, whole};
use crate::form::Validator;

/// The documents that people write.
const WRITTEN: [Document; 3] = [Document::Policy, Document::Approval, Document::Config];

/// Fields that may be absent and have no default of their own: their meaning says what then.
const WITHOUT_DEFAULT: &[&str] = &[
    "spec.deletion.quarantineContainer",
    "spec.group.commonName.expression",
    "spec.group.container.rules",
    "spec.group.container.rules[].when",
    "spec.group.container.value",
    "spec.group.samAccountName.expression",
    "spec.members.maximum",
    "spec.selection.exclude[].displayName",
    "spec.selection.exclude[].expression",
    "spec.selection.exclude[].ids",
    "spec.selection.exclude[].memberOf",
    "spec.selection.exclude[].membership",
    "spec.selection.exclude[].types",
    "spec.selection.include",
    "spec.selection.include[].displayName",
    "spec.selection.include[].expression",
    "spec.selection.include[].ids",
    "spec.selection.include[].memberOf",
    "spec.selection.include[].membership",
    "spec.selection.include[].types",
    "directory.caFile",
    "http.adminSocket",
    "tenant.caFile",
    "tenant.credential.clientSecretFile",
    "tenant.credential.federatedTokenFile",
    "tenant.credential.managedIdentity.clientId",
    "tenant.graphUrl",
    "tenant.loginUrl",
    "tenant.scope",
];

fn each(check: impl Fn(Document, &Field)) {
    for document in WRITTEN {
        for field in fields(document) {
            check(document, &field);
        }
    }
}

fn accepted(document: Document, validator: &Validator, whole: &Value) {
    let text = whole.to_string();
    assert_eq!(validator.refusal(whole), None, "{text}");
    if let Err(mistakes) = read(document, &text) {
        panic!("{mistakes:#?}\n{text}");
    }
}

#[test]
fn every_field_set_to_an_example_is_read() {
    for document in WRITTEN {
        let validator = Validator::of_document(document);
        for field in fields(document) {
            let mut values = vec![example(&field.schema)];
            values.extend(field.schema.get("default").cloned());
            values.extend(field.words().iter().map(|word| field.value_of(word)));
            for key in ["minimum", "maximum"] {
                values.extend(field.schema.get(key).cloned());
            }
            for value in values {
                accepted(document, &validator, &document_with(document, &field, value));
            }
        }
    }
}

#[test]
fn every_field_misspelt_is_refused_with_its_name() {
    let validators = WRITTEN.map(Validator::of_document);
    each(|document, field| {
        let whole = document_with(document, field, example(&field.schema));
        let (key, parent) = field.path.split_last().unwrap();
        let mut wrong = whole.clone();
        let object = wrong.pointer_mut(&pointer(parent)).unwrap().as_object_mut().unwrap();
        let value = object.remove(key).unwrap();
        let last = key.chars().last().unwrap();
        object.insert(format!("{key}{last}"), value);
        let mistakes = read(document, &wrong.to_string()).unwrap_err().join("\n");
        assert!(mistakes.contains(&format!("did you mean `{key}`?")), "{mistakes}\n{wrong}");
        let refused = validators.iter().all(|validator| validator.refusal(&wrong).is_some());
        assert!(refused, "{wrong}");
    });
}

#[test]
fn every_default_is_what_an_absent_field_means() {
    each(|document, field| {
        let Some(default) = field.schema.get("default") else { return };
        let with = document_with(document, field, default.clone());
        let mut without = with.clone();
        let (key, parent) = field.path.split_last().unwrap();
        let object = without.pointer_mut(&pointer(parent)).unwrap().as_object_mut().unwrap();
        object.remove(key).unwrap();
        let meaning = |whole: &Value| read(document, &whole.to_string()).unwrap();
        assert_eq!(meaning(&with), meaning(&without), "{}", field.name());
    });
}

#[test]
fn every_field_is_required_or_has_a_default_or_says_what_its_absence_means() {
    let mut without = Vec::new();
    for document in WRITTEN {
        for field in fields(document) {
            let is_object = field.schema.get("properties").is_some();
            let settled = field.is_required || is_object || field.schema.get("default").is_some();
            if !settled {
                without.push(field.name());
            }
            assert!(field.schema.get("description").is_some(), "{}", field.name());
        }
    }
    without.sort_unstable();
    let mut expected = WITHOUT_DEFAULT.to_vec();
    expected.sort_unstable();
    assert_eq!(without, expected);
}

#[test]
fn every_required_field_is_missed() {
    let validators = WRITTEN.map(|document| (document, Validator::of_document(document)));
    each(|document, field| {
        if !field.is_required {
            return;
        }
        let mut wrong = document_with(document, field, example(&field.schema));
        let (key, parent) = field.path.split_last().unwrap();
        wrong.pointer_mut(&pointer(parent)).unwrap().as_object_mut().unwrap().remove(key);
        let mistakes = read(document, &wrong.to_string()).unwrap_err().join("\n");
        assert!(mistakes.contains("is missing"), "{}: {mistakes}", field.name());
        let (_, validator) = validators.iter().find(|(one, _)| *one == document).unwrap();
        assert!(validator.refusal(&wrong).is_some(), "{wrong}");
    });
}

#[test]
fn the_words_of_every_enum_are_those_that_the_reader_knows() {
    let mut enums = 0;
    for document in WRITTEN {
        let validator = Validator::of_document(document);
        for field in fields(document) {
            let words = field.words();
            let Some(first) = words.first() else { continue };
            enums += 1;
            for wrong in [format!("{first}x"), first.to_uppercase(), first.to_lowercase()] {
                if words.contains(&wrong) {
                    continue;
                }
                let whole = document_with(document, &field, field.value_of(&wrong));
                assert!(validator.refusal(&whole).is_some(), "{whole}");
                let mistakes = read(document, &whole.to_string()).unwrap_err();
                let told = ["the values are ", "the one value is "].iter().find_map(|start| {
                    let told = mistakes.iter().find_map(|line| line.split_once(*start));
                    told.map(|(_, words)| words.split(", ").map(str::to_owned).collect())
                });
                let told: Vec<String> = told.unwrap_or_else(|| panic!("{mistakes:#?}"));
                // Of a document of the policy folder nobody knows the kind before it is read.
                let words = match field.name().as_str() {
                    "kind" if document != Document::Config => {
                        vec!["WritebackPolicy".to_owned(), "Approval".to_owned()]
                    }
                    _ => words.clone(),
                };
                assert_eq!(told, words, "{}", field.name());
            }
        }
    }
    assert!(enums > 25, "{enums}");
}

#[test]
fn a_number_outside_its_range_is_refused_by_both() {
    let mut ranges = 0;
    for document in WRITTEN {
        let validator = Validator::of_document(document);
        for field in fields(document) {
            let bound = |key: &str| field.schema.get(key).and_then(Value::as_i64);
            let (Some(least), Some(most)) = (bound("minimum"), bound("maximum")) else { continue };
            ranges += 1;
            for wrong in [least - 1, most + 1] {
                let whole = document_with(document, &field, json!(wrong));
                assert!(validator.refusal(&whole).is_some(), "{whole}");
                let mistakes = read(document, &whole.to_string()).unwrap_err().join("\n");
                assert!(mistakes.contains(&format!("use {least} to {most}")), "{mistakes}");
            }
        }
    }
    assert_eq!(ranges, 24, "precedence, maximum and 22 numbers of the guard");
}

#[test]
fn a_value_of_another_form_is_refused_by_both() {
    let strange = [json!({}), json!([]), json!([{}]), json!(""), json!("  "), json!(-1)];
    for document in WRITTEN {
        let validator = Validator::of_document(document);
        for field in fields(document) {
            for value in &strange {
                let mut whole = document_with(document, &field, example(&field.schema));
                *whole.pointer_mut(&pointer(&field.path)).unwrap() = value.clone();
                if validator.refusal(&whole).is_some() {
                    assert!(read(document, &whole.to_string()).is_err(), "{whole}");
                }
            }
        }
    }
}

/// At a field a value that is wrong there, by what the schema alone can say.
const WRONG: &[(Document, &str, &str)] = &[
    (Document::Policy, "metadata.name", r#""Finance""#),
    (Document::Policy, "metadata.name", r#""a.b""#),
    (Document::Policy, "spec.selection.include", "[]"),
    (Document::Policy, "spec.selection.include", "[{}]"),
    (Document::Policy, "spec.selection.exclude", "[{}]"),
    (Document::Policy, "spec.selection.include[].types", "[]"),
    (Document::Policy, "spec.selection.include[].types", r#"["Security", "Security"]"#),
    (Document::Policy, "spec.selection.include[].membership", r#"["Dynamic", "Dynamic"]"#),
    (Document::Policy, "spec.selection.include[].ids", r#"["finance"]"#),
    (Document::Policy, "spec.selection.include[].ids", "[]"),
    (Document::Policy, "spec.selection.include[].memberOf", r#""finance""#),
    (Document::Policy, "spec.group.container", "{}"),
    (
        Document::Policy,
        "spec.group.container",
        r#"{ "value": "OU=a,DC=x", "rules": [{ "value": "OU=a,DC=x" }] }"#,
    ),
    (Document::Policy, "spec.group.container", r#"{ "rules": [] }"#),
    (
        Document::Policy,
        "spec.group.container",
        r#"{ "rules": [{ "value": "OU=a,DC=x" }, { "value": "OU=b,DC=x" }] }"#,
    ),
    (
        Document::Policy,
        "spec.group.commonName",
        r#"{ "preset": "GroupId", "expression": "group.id" }"#,
    ),
    (
        Document::Policy,
        "spec.group.samAccountName",
        r#"{ "preset": "GroupId", "expression": "group.id" }"#,
    ),
    (Document::Policy, "spec.group.attributes[].name", r#""1st""#),
    (Document::Policy, "spec.members.keep", r#"["svc-backup"]"#),
    (Document::Policy, "spec.members.keep", r#"["sid:S-1-5"]"#),
    (Document::Policy, "spec.members.keep", r#"["guid:1"]"#),
    (Document::Policy, "spec.deletion.grace", r#""1 day""#),
    (Document::Policy, "spec.deletion.grace", r#""1h30m""#),
    (Document::Policy, "spec.adoption[].group", r#""finance""#),
    (Document::Policy, "spec.adoption[].object", r#""CN=finance,DC=x""#),
    (Document::Policy, "spec.adoption", r#"[{ "group": "0c0ffee0-1111-4222-8333-444444444444" }]"#),
    (Document::Policy, "spec.guard.groupsRemoved", "5"),
    (Document::Policy, "spec.guard.toEmpty", r#"{ "percent": 5 }"#),
    (Document::Approval, "spec.digest", r#""3f1c0a77e9b""#),
    (Document::Approval, "spec.digest", r#""not hexadecimal""#),
    (Document::Approval, "spec.notAfter", r#""24h""#),
    (Document::Approval, "spec.notAfter", r#""2026-03-01T17:00:00""#),
    (Document::Approval, "spec.notAfter", r#""2026-02-30T17:00:00Z""#),
    (Document::Config, "state.journalRetention", r#""1y""#),
    (Document::Config, "tenant.id", r#""corp.example""#),
    (Document::Config, "tenant.credential", "{}"),
    (
        Document::Config,
        "tenant.credential",
        r#"{ "clientSecretFile": "a", "certificate": { "certificateFile": "b", "privateKeyFile": "c" } }"#,
    ),
    (Document::Config, "directory.servers", "[]"),
    (Document::Config, "directory.servers", r#"["ldaps://a", "ldaps://b"]"#),
    (Document::Config, "directory.servers", r#"["ldap://a"]"#),
    (Document::Config, "directory.containers", "[]"),
    (Document::Config, "http.listen", r#""localhost""#),
    (Document::Config, "schedule.interval", "60"),
];

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    for (document, name, value) in WRONG {
        let field = fields(*document).into_iter().find(|field| field.name() == *name);
        let field = field.unwrap_or_else(|| panic!("no field {name}"));
        let value: Value = serde_json::from_str(value).unwrap();
        let mut wrong = document_with(*document, &field, example(&field.schema));
        *wrong.pointer_mut(&pointer(&field.path)).unwrap() = value;
        let validator = Validator::of_document(*document);
        assert!(validator.refusal(&wrong).is_some(), "the schema accepts {wrong}");
        assert!(read(*document, &wrong.to_string()).is_err(), "the reader accepts {wrong}");
    }
}

#[test]
fn what_needs_company_is_refused_without_it() {
    let remove = |document, name: &str, value: Value, company: &str| {
        let all = fields(document);
        let field = all.iter().find(|field| field.name() == name).unwrap();
        let mut wrong = document_with(document, field, value);
        let (parent, key) = company.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        assert!(Validator::of_document(document).refusal(&wrong).is_some(), "{wrong}");
        assert!(read(document, &wrong.to_string()).is_err(), "{wrong}");
    };
    for event in ["onDisabled", "onOutOfScope", "onSoftDeleted", "onHardDeleted"] {
        let name = format!("spec.deletion.{event}");
        let company = "/spec/deletion/quarantineContainer";
        remove(Document::Policy, &name, json!("Quarantine"), company);
    }
    let quarantine = "spec.deletion.quarantineContainer";
    let place = json!("OU=Q,DC=corp,DC=example");
    remove(Document::Policy, quarantine, place, "/spec/deletion/onDisabled");
    for own in ["loginUrl", "graphUrl", "scope", "cloud"] {
        let company = format!("/tenant/{own}");
        remove(Document::Config, "tenant.cloud", json!("Custom"), &company);
    }
}

#[test]
fn what_is_not_built_is_refused_by_name_and_offered_nowhere() {
    for (document, path, word) in NOT_YET {
        let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
        let all = fields(*document);
        let mut wrong = match all.iter().find(|field| field.name() == parent) {
            Some(field) => document_with(*document, field, example(&field.schema)),
            None => document_with(*document, &all[0], example(&all[0].schema)),
        };
        let at = pointer(&parent.split('.').map(str::to_owned).collect::<Vec<_>>());
        let at = if parent.is_empty() { "" } else { &at };
        let object = wrong.pointer_mut(at).unwrap().as_object_mut().unwrap();
        object.insert(key.to_owned(), word.map_or(json!("text"), Value::from));
        let mistakes = read(*document, &wrong.to_string()).unwrap_err().join("\n");
        assert!(mistakes.contains("is not supported yet"), "{path}: {mistakes}");
        assert!(Validator::of_document(*document).refusal(&wrong).is_some(), "{wrong}");
    }
}

#[test]
fn the_schema_of_policies_takes_approvals_and_mixes_neither_with_the_other() {
    let validator = Validator::of_document(Document::Policy);
    let example = |document| {
        let all = fields(document);
        document_with(document, &all[0], example(&all[0].schema))
    };
    let (policy, approval) = (example(Document::Policy), example(Document::Approval));
    assert_eq!(validator.refusal(&policy), None);
    assert_eq!(validator.refusal(&approval), None);
    for (mut wrong, kind) in [(policy, "Approval"), (approval, "WritebackPolicy")] {
        wrong["kind"] = json!(kind);
        assert!(validator.refusal(&wrong).is_some(), "{wrong}");
    }
    assert!(validator.refusal(&json!({})).is_some());
    assert_eq!(Document::Policy.schema(), Document::Approval.schema());
}

#[test]
fn the_longest_name_of_who_approves_is_that_of_the_reader() {
    let field = fields(Document::Approval).into_iter().find(|f| f.name() == "spec.approvedBy");
    let field = field.unwrap();
    let validator = Validator::of_document(Document::Approval);
    for (length, fits) in [(200, true), (201, false)] {
        let whole = document_with(Document::Approval, &field, json!("x".repeat(length)));
        assert_eq!(validator.refusal(&whole).is_none(), fits);
        assert_eq!(read(Document::Approval, &whole.to_string()).is_ok(), fits);
    }
}

#[test]
fn every_mapping_is_closed() {
    fn closed(schema: &Value) {
        if schema.get("properties").is_some() && schema.get("type").is_some() {
            assert_eq!(schema["additionalProperties"], json!(false), "{schema}");
        }
        match schema {
            Value::Object(all) => all.values().for_each(closed),
            Value::Array(all) => all.iter().for_each(closed),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for document in WRITTEN {
        closed(&whole(document));
        let text = document.text();
        assert!(!text.contains("\"null\""), "what people write has no null");
    }
}
