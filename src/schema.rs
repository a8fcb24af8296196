//! Floor 3: what people may write and what programs may read, as types: the schemas of the
//! documents and the reference of their fields.
//!
//! Input: the types in `policy`, `config`, `plan`, `status`, `explain`, `discover` and `groups`
//! with their comments, and the words in `codes`. Output: JSON Schema 2020-12 for editors and
//! programs, and the tables of `config/README.md`. Nothing is read with these types: documents are
//! read by `policy` and `settings`, which know places and tell every mistake at once.
//! `tests/schema.rs` holds the two to each other, field by field.

pub mod approval;
pub mod codes;
pub mod config;
pub mod discover;
pub mod explain;
pub mod groups;
pub mod order;
pub mod plan;
pub mod policy;
pub mod reference;
pub mod status;
pub mod words;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, json_schema};
use serde_json::Value;

use approval::Approval;
use config::DaemonConfiguration;
use discover::Discovery;
use explain::Explanation;
use groups::{Group, GroupList};
use plan::Plan;
use policy::WritebackPolicy;
use status::Status;

/// The documents that have a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// A policy, as people write it.
    Policy,
    /// An approval, as people write it. It stands in the folder of policies, and its form is part
    /// of their schema.
    Approval,
    /// The daemon configuration, as people write it.
    Config,
    /// A plan, as `plan --output json` prints it.
    Plan,
    /// The status, as `/api/v1/status` answers it.
    Status,
    /// An explanation, as `explain --output json` prints it.
    Explain,
    /// A discovery, as `discover --output json` prints it.
    Discover,
    /// A page of groups, as `/api/v1/groups` answers it.
    Groups,
    /// One group, as `/api/v1/groups/ID` answers it.
    Group,
}

impl Document {
    /// Every document that has a schema of its own.
    pub const ALL: [Self; 8] = [
        Self::Policy,
        Self::Config,
        Self::Plan,
        Self::Status,
        Self::Explain,
        Self::Discover,
        Self::Groups,
        Self::Group,
    ];

    /// Its word: on the command line, in the reference, and for the name of its file in
    /// `config/schema/`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Approval => "approval",
            Self::Config => "config",
            Self::Plan => "plan",
            Self::Status => "status",
            Self::Explain => "explain",
            Self::Discover => "discover",
            Self::Groups => "groups",
            Self::Group => "group",
        }
    }

    /// Its schema: JSON Schema 2020-12 (json-schema.org/draft/2020-12). What people write is
    /// closed: a field that is not known is refused. What programs read is open: later versions
    /// may add fields. That of policies takes approvals, too: both stand in one folder, to which
    /// an editor knows one schema.
    pub fn schema(self) -> Value {
        match self {
            Self::Policy | Self::Approval => in_the_policy_folder().to_value(),
            Self::Config
            | Self::Plan
            | Self::Status
            | Self::Explain
            | Self::Discover
            | Self::Groups
            | Self::Group => self.form(),
        }
    }

    /// The schema of this document alone.
    pub fn form(self) -> Value {
        let root = match self {
            Self::Policy => generator().into_root_schema_for::<WritebackPolicy>(),
            Self::Approval => generator().into_root_schema_for::<Approval>(),
            Self::Config => generator().into_root_schema_for::<DaemonConfiguration>(),
            Self::Plan => printed().into_root_schema_for::<Plan>(),
            Self::Status => printed().into_root_schema_for::<Status>(),
            Self::Explain => printed().into_root_schema_for::<Explanation>(),
            Self::Discover => printed().into_root_schema_for::<Discovery>(),
            Self::Groups => printed().into_root_schema_for::<GroupList>(),
            Self::Group => printed().into_root_schema_for::<Group>(),
        };
        match self {
            Self::Policy | Self::Approval | Self::Config => written(root),
            Self::Plan
            | Self::Status
            | Self::Explain
            | Self::Discover
            | Self::Groups
            | Self::Group => plainly(root),
        }
        .to_value()
    }

    /// Its schema as text.
    pub fn text(self) -> String {
        format!("{:#}\n", self.schema())
    }
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn printed() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

/// What may stand in the folder of policies: an approval where the document says so, else a policy.
fn in_the_policy_folder() -> Schema {
    let mut generator = generator();
    let policy = generator.subschema_for::<WritebackPolicy>();
    let approval = generator.subschema_for::<Approval>();
    written(json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy folder",
        "description": "A document of the policy folder: a policy, or an approval.",
        "if": { "properties": { "kind": { "const": "Approval" } }, "required": ["kind"] },
        "then": approval,
        "else": policy,
        "$defs": generator.take_definitions(true),
    }))
}

fn written(schema: Schema) -> Schema {
    let mut schema = plainly(schema);
    RecursiveTransform(without_null).transform(&mut schema);
    schema
}

fn plainly(mut schema: Schema) -> Schema {
    RecursiveTransform(plain).transform(&mut schema);
    schema
}

/// Takes out what only Rust means: the breaks of comment lines and the widths of numbers.
fn plain(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
}

/// A field that may be absent is an `Option` in the types, but must not be written as `null`.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    let count = choices.len();
    choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
    if choices.len() == count {
        return;
    }
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.insert(key, value);
        }
    }
}
