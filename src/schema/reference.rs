//! The tables of `config/README.md`: every field with its default, its values and its meaning;
//! every code with what to do about it.
//!
//! Input: the schemas and `codes`. Output: the text between the marks
//! `<!-- generated: NAME -->` and `<!-- end -->`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::codes::{CONDITIONS, FINDINGS, GUARD_ROWS, REASONS, RESULTS, Told};
use super::order::fields;
use super::{Document, approval, config, policy};

/// The names of the generated parts.
pub const PARTS: [&str; 9] = [
    "config",
    "policy",
    "approval",
    "not-yet",
    "findings",
    "conditions",
    "reasons",
    "guard",
    "results",
];

/// Fields and values of the contract that are refused by name: document, path, and, for a value,
/// which one.
pub const NOT_YET: &[(Document, &str, Option<&str>)] = &[
    (Document::Config, "directory.domain", None),
    (Document::Config, "directory.startTls", None),
    (Document::Config, "directory.globalCatalog", None),
    (Document::Config, "schedule.flagInterval", None),
];

/// One generated part; `None` for a name that none has.
pub fn part(name: &str) -> Option<String> {
    Some(match name {
        "config" => fields_of(Document::Config),
        "policy" => fields_of(Document::Policy),
        "approval" => fields_of(Document::Approval),
        "not-yet" => not_yet(),
        "findings" => told(["finding", "meaning", "what to do"], FINDINGS),
        "conditions" => told(["condition", "holds when", "what to do"], CONDITIONS),
        "reasons" => told(["reason", "meaning", "what to do"], REASONS),
        "guard" => told(["row", "held when more than the limit", "limit"], GUARD_ROWS),
        "results" => told(["result", "the pass", "counts as"], RESULTS),
        _ => return None,
    })
}

/// The text with every generated part as it is now. A part without its end mark runs to the end
/// of the text.
pub fn renewed(text: &str) -> String {
    const START: &str = "<!-- generated: ";
    const END: &str = "<!-- end -->";
    let mut renewed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        let (name, old) = after.split_once(" -->").unwrap_or((after, ""));
        let (_, next) = old.split_once(END).unwrap_or((old, ""));
        let _ = write!(renewed, "{before}{START}{name} -->\n\n");
        renewed.push_str(&part(name).unwrap_or_default());
        let _ = write!(renewed, "\n{END}");
        rest = next;
    }
    renewed.push_str(rest);
    renewed
}

fn not_yet() -> String {
    let mut table = String::from("| document | field or value |\n|---|---|\n");
    for (document, path, value) in NOT_YET {
        let value = value.map(|value| format!(": {value}")).unwrap_or_default();
        let _ = writeln!(table, "| {} | `{path}{value}` |", document.word());
    }
    table
}

fn told(heads: [&str; 3], all: &[Told]) -> String {
    let [first, second, third] = heads;
    let mut table = format!("| {first} | {second} | {third} |\n|---|---|---|\n");
    for Told { word, meaning, remedy } in all {
        let _ = writeln!(table, "| `{word}` | {} | {} |", cell(meaning), cell(remedy));
    }
    table
}

/// The declared order of the fields of every definition of a document.
fn order(name: &str) -> &'static [&'static str] {
    match name {
        "WritebackPolicy" => fields::<policy::WritebackPolicy>(),
        "PolicyMetadata" => fields::<policy::PolicyMetadata>(),
        "PolicySpec" => fields::<policy::PolicySpec>(),
        "Selection" => fields::<policy::Selection>(),
        "Matcher" => fields::<policy::Matcher>(),
        "Group" => fields::<policy::Group>(),
        "Container" => fields::<policy::Container>(),
        "ContainerRule" => fields::<policy::ContainerRule>(),
        "CommonName" => fields::<policy::CommonName>(),
        "SamAccountName" => fields::<policy::SamAccountName>(),
        "Attribute" => fields::<policy::Attribute>(),
        "Members" => fields::<policy::Members>(),
        "Deletion" => fields::<policy::Deletion>(),
        "Adoption" => fields::<policy::Adoption>(),
        "Guard" => fields::<policy::Guard>(),
        "GroupsRemoved" => fields::<policy::GroupsRemoved>(),
        "MembershipsRemoved" => fields::<policy::MembershipsRemoved>(),
        "Leavers" => fields::<policy::Leavers>(),
        "OneGroup" => fields::<policy::OneGroup>(),
        "ToEmpty" => fields::<policy::ToEmpty>(),
        "Renames" => fields::<policy::Renames>(),
        "Creations" => fields::<policy::Creations>(),
        "Additions" => fields::<policy::Additions>(),
        "SelectionLoss" => fields::<policy::SelectionLoss>(),
        "Approval" => fields::<approval::Approval>(),
        "ApprovalMetadata" => fields::<approval::ApprovalMetadata>(),
        "ApprovalSpec" => fields::<approval::ApprovalSpec>(),
        "DaemonConfiguration" => fields::<config::DaemonConfiguration>(),
        "OwnerMetadata" => fields::<config::OwnerMetadata>(),
        "Tenant" => fields::<config::Tenant>(),
        "Credential" => fields::<config::Credential>(),
        "Certificate" => fields::<config::Certificate>(),
        "ManagedIdentity" => fields::<config::ManagedIdentity>(),
        #[cfg(feature = "kerberos")]
        "KerberosBind" => fields::<config::KerberosBind>(),
        "Directory" => fields::<config::Directory>(),
        "Bind" => fields::<config::Bind>(),
        "SimpleBind" => fields::<config::SimpleBind>(),
        "Policies" => fields::<config::Policies>(),
        "State" => fields::<config::State>(),
        "Schedule" => fields::<config::Schedule>(),
        "Http" => fields::<config::Http>(),
        _ => &[],
    }
}

fn fields_of(document: Document) -> String {
    let root = document.form();
    let title = root.get("title").and_then(Value::as_str).unwrap_or_default();
    let mut table = Table { root: &root, rows: String::new(), seen: Vec::new() };
    table.object("", title, &root);
    format!("| field | default | values | meaning |\n|---|---|---|---|\n{}", table.rows)
}

struct Table<'a> {
    root: &'a Value,
    rows: String,
    /// Definitions that were spelt out, with the path at which they were.
    seen: Vec<(String, String)>,
}

impl<'a> Table<'a> {
    fn object(&mut self, path: &str, name: &str, schema: &'a Value) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let required: Vec<_> = strings(schema.get("required")).collect();
        for key in in_order(properties, order(name)) {
            let Some(property) = properties.get(key) else { continue };
            let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            self.field(&path, property, required.contains(&key));
        }
    }

    fn field(&mut self, path: &str, property: &'a Value, is_required: bool) {
        let (name, target) = self.resolved(property);
        let items = target.get("items").map(|items| self.resolved(items));
        let default = match property.get("default") {
            Some(Value::String(text)) => format!("`{text}`"),
            Some(Value::Array(_)) => "none".to_owned(),
            Some(other) => format!("`{other}`"),
            None if is_required => "required".to_owned(),
            None => "–".to_owned(),
        };
        let is_object = target.get("properties").is_some();
        let values = match items {
            Some((_, items)) => list_of(items),
            None if is_object => String::new(),
            None => values(target),
        };
        let text = |schema: &Value| schema.get("description").and_then(Value::as_str).map(cell);
        let meaning = text(property).or_else(|| text(target)).unwrap_or_default();
        let shown = if is_object { format!("**`{path}`**") } else { format!("`{path}`") };
        let (name, target, path) = match items {
            Some((name, items)) => (name, items, format!("{path}[]")),
            None => (name, target, path.to_owned()),
        };
        let known = self.seen.iter().find(|(seen, _)| *seen == name).cloned();
        let again = known.as_ref().filter(|_| target.get("properties").is_some());
        let meaning = match again {
            Some((_, first)) => format!("{meaning} The fields are those of `{first}`."),
            None => meaning,
        };
        let _ = writeln!(self.rows, "| {shown} | {default} | {values} | {meaning} |");
        if again.is_none() {
            self.seen.push((name.to_owned(), path.clone()));
            self.object(&path, name, target);
        }
    }

    /// What a reference leads to, with its name.
    fn resolved(&self, schema: &'a Value) -> (&'a str, &'a Value) {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
        let target = name.and_then(|name| self.root.get("$defs")?.get(name));
        name.zip(target).unwrap_or(("", schema))
    }
}

fn in_order<'p>(properties: &'p Map<String, Value>, declared: &[&'static str]) -> Vec<&'p str> {
    let mut keys: Vec<&str> = properties.keys().map(String::as_str).collect();
    let place = |key: &&str| declared.iter().position(|one| one == key).unwrap_or(declared.len());
    keys.sort_by_key(place);
    keys
}

fn list_of(items: &Value) -> String {
    if items.get("properties").is_some() {
        return "list".to_owned();
    }
    let each = values(items);
    if each.is_empty() { "list".to_owned() } else { format!("list of: {each}") }
}

/// What may be written: the words of an enum with their meaning, a range, or what the text is.
fn values(schema: &Value) -> String {
    if let Some(words) = schema.get("oneOf").and_then(Value::as_array) {
        if let [only] = words.as_slice() {
            let word = only.get("const").and_then(Value::as_str).unwrap_or_default();
            return format!("`{word}`");
        }
        let words = words.iter().filter_map(|one| {
            let word = one.get("const")?.as_str()?;
            let meaning = one.get("description").and_then(Value::as_str).unwrap_or_default();
            Some(format!("`{word}`: {}", cell(meaning)))
        });
        return words.collect::<Vec<_>>().join("<br>");
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    if let (Some(least), Some(most)) = (number("minimum"), number("maximum")) {
        return format!("{least} to {most}");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("string") => {
            let title = schema.get("title").and_then(Value::as_str);
            title.unwrap_or("text").to_owned()
        }
        _ => String::new(),
    }
}

fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// A text inside a table: one line, bars escaped.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
