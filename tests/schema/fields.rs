//! Walks the schema of a document: every field, and a document that has it.

use std::path::Path;

use serde_json::{Map, Value, json};
use writeback::policy;
use writeback::schema::Document;
use writeback::settings::Settings;

/// One field of a document.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Keys; `[]` is the item of a list.
    pub(crate) path: Vec<String>,
    /// Its schema, references resolved.
    pub(crate) schema: Value,
    /// Whether it must be there.
    pub(crate) is_required: bool,
}

impl Field {
    /// The path as people write it.
    pub(crate) fn name(&self) -> String {
        self.path.join(".").replace(".[]", "[]")
    }

    /// The words of an enum, or of a list of them.
    pub(crate) fn words(&self) -> Vec<String> {
        let items = self.schema.get("items").unwrap_or(&self.schema);
        let words = items.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        words.filter_map(|one| Some(one.get("const")?.as_str()?.to_owned())).collect()
    }

    /// A word as the value of the field: a list of it where it is a list.
    pub(crate) fn value_of(&self, word: &str) -> Value {
        if self.schema.get("items").is_some() { json!([word]) } else { json!(word) }
    }
}

/// The schema with every reference resolved.
fn resolved(schema: &Value, root: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            let mut all = reference.map_or_else(Map::new, |reference| {
                let target = root.pointer(reference.trim_start_matches('#')).unwrap();
                resolved(target, root).as_object().unwrap().clone()
            });
            let own = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "$ref" | "$defs"));
            all.extend(own.map(|(key, value)| (key.clone(), resolved(value, root))));
            Value::Object(all)
        }
        Value::Array(items) => items.iter().map(|item| resolved(item, root)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// The form of a document without references.
pub(crate) fn whole(document: Document) -> Value {
    let root = document.form();
    resolved(&root, &root)
}

/// Every field of a document, parents first.
pub(crate) fn fields(document: Document) -> Vec<Field> {
    let mut found = Vec::new();
    collect(&whole(document), &mut Vec::new(), &mut found);
    let least = if document == Document::Approval { 7 } else { 20 };
    assert!(found.len() > least, "{document:?}");
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Field>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required = schema.get("required").cloned().unwrap_or_default();
    for (key, property) in properties {
        path.push(key.clone());
        let is_required =
            required.as_array().is_some_and(|all| all.contains(&Value::from(key.as_str())));
        found.push(Field { path: path.clone(), schema: property.clone(), is_required });
        collect(property, path, found);
        if let Some(items) = property.get("items") {
            path.push("[]".to_owned());
            collect(items, path, found);
            path.pop();
        }
        path.pop();
    }
}

/// A value that the schema describes: its constant, its example, or what it needs at least.
pub(crate) fn example(schema: &Value) -> Value {
    if let Some(value) = schema.get("const").or_else(|| schema.pointer("/examples/0")) {
        return value.clone();
    }
    if let Some(words) = schema.get("oneOf").filter(|words| words[0].get("const").is_some()) {
        return words[0]["const"].clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let properties = &schema["properties"];
            let mut keys: Vec<&str> = required(schema).collect();
            if keys.is_empty() && schema.get("minProperties").is_some() {
                keys.extend(properties.as_object().unwrap().keys().map(String::as_str).next());
            }
            keys.into_iter().map(|key| (key.to_owned(), example(&properties[key]))).collect()
        }
        Some("array") => json!([example(&schema["items"])]),
        Some("boolean") => json!(true),
        Some("integer") => schema["minimum"].clone(),
        Some("string") => json!("text"),
        other => panic!("no example for {other:?}: {schema}"),
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let all = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str)
}

/// A document that is right and has this value at this field.
pub(crate) fn document_with(document: Document, field: &Field, value: Value) -> Value {
    let mut whole = build(&whole(document), &field.path, value);
    match document {
        Document::Policy => complete_policy(&mut whole),
        Document::Config => complete_configuration(&mut whole),
        Document::Approval
        | Document::Plan
        | Document::Status
        | Document::Explain
        | Document::Discover
        | Document::Groups
        | Document::Group => {}
    }
    whole
}

fn build(schema: &Value, path: &[String], value: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return value };
    if key == "[]" {
        return json!([build(&schema["items"], rest, value)]);
    }
    let properties = &schema["properties"];
    let needed = required(schema).filter(|needed| needed != key);
    let mut all: Map<String, Value> =
        needed.map(|needed| (needed.to_owned(), example(&properties[needed]))).collect();
    all.insert(key.clone(), build(&properties[key], rest, value));
    Value::Object(all)
}

/// Puts beside a field what must stand beside it.
fn complete_policy(policy: &mut Value) {
    let place = "OU=Cloud Groups,DC=corp,DC=example";
    let Some(spec) = policy.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(container) = spec.get_mut("group").and_then(|group| group.get_mut("container")) {
        if container.get("value").is_none() && container.get("rules").is_none() {
            container["value"] = json!(place);
        }
        if let Some(rules) = container.get_mut("rules").and_then(Value::as_array_mut)
            && rules.iter().all(|rule| rule.get("when").is_some())
        {
            rules.push(json!({ "value": place }));
        }
    }
    if let Some(deletion) = spec.get_mut("deletion").and_then(Value::as_object_mut) {
        let quarantines = deletion.values().any(|value| value == "Quarantine");
        if quarantines {
            deletion.insert("quarantineContainer".into(), json!("OU=Q,DC=corp,DC=example"));
        } else if deletion.contains_key("quarantineContainer") {
            deletion.insert("onDisabled".into(), json!("Quarantine"));
        }
    }
}

fn complete_configuration(configuration: &mut Value) {
    let own = ["loginUrl", "graphUrl", "scope"];
    let Some(tenant) = configuration.get_mut("tenant").and_then(Value::as_object_mut) else {
        return;
    };
    if tenant.get("cloud") == Some(&json!("Custom")) || own.iter().any(|k| tenant.contains_key(*k))
    {
        tenant.insert("cloud".into(), json!("Custom"));
        for (key, text) in own.into_iter().zip([
            "https://login.example",
            "https://graph.example",
            "https://graph.example/.default",
        ]) {
            tenant.entry(key).or_insert(json!(text));
        }
    }
}

/// Where a field is in a document, as a JSON pointer.
pub(crate) fn pointer(path: &[String]) -> String {
    path.iter().map(|key| if key == "[]" { "/0".to_owned() } else { format!("/{key}") }).collect()
}

/// What the reader makes of a document: what it means without the places, or its mistakes.
pub(crate) fn read(document: Document, text: &str) -> Result<String, Vec<String>> {
    let lines = |mistakes: Vec<writeback::settings::ConfigMistake>| {
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let meaning = match document {
        Document::Policy => {
            let parsed = policy::parse("p.yaml", text.as_bytes(), None);
            format!("{:?}", parsed.map_err(lines)?.policy)
        }
        Document::Approval => {
            let parsed = policy::parse_approval("p.yaml", text.as_bytes());
            format!("{:?}", parsed.map_err(lines)?)
        }
        Document::Config => {
            let settings = Settings::parse(Path::new("writeback.yaml"), text.as_bytes());
            format!("{:?}", settings.map_err(lines)?)
        }
        Document::Plan
        | Document::Status
        | Document::Explain
        | Document::Discover
        | Document::Groups
        | Document::Group => panic!("nobody reads a {document:?}"),
    };
    let places = regex::Regex::new(r"line: \d+, column: \d+|generation: Digest\([0-9a-f]+\)");
    Ok(places.unwrap().replace_all(&meaning, "_").into_owned())
}
