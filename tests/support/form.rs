//! A document held to its schema.
//!
//! Comes from: `writeback::schema`. Used by whoever sees the product print a document.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use writeback::schema::Document;

/// A compiled schema.
pub(crate) struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    pub(crate) fn of(schema: Value) -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    pub(crate) fn of_document(document: Document) -> Self {
        Self::of(document.schema())
    }

    /// The schema with every object closed: a field that the schema does not tell of is a mistake.
    pub(crate) fn closed(document: Document) -> Self {
        let mut schema = document.schema();
        close(&mut schema);
        Self::of(schema)
    }

    /// Why a value is refused.
    pub(crate) fn refusal(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }

    /// A text as a value, which this accepts.
    #[track_caller]
    pub(crate) fn fits(&self, text: &str) -> Value {
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        if let Some(refusal) = self.refusal(&value) {
            panic!("{refusal}\n{value:#}");
        }
        value
    }
}

fn close(schema: &mut Value) {
    if schema.get("properties").is_some() {
        schema["additionalProperties"] = Value::from(false);
    }
    match schema {
        Value::Object(all) => all.values_mut().for_each(close),
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
