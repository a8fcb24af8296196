//! The schemas and the reference against the readers: what a schema says is what is read.
//!
//! Input: the types in `writeback::schema`, the readers, the files in `config/`, and what the
//! product prints between the simulators. With `WRITEBACK_BLESS=1` the schemas in `config/schema/`
//! and the tables of `config/README.md` are written anew; without it they must be current.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed unwrap is the failed test"
)]

#[path = "schema/fields.rs"]
mod fields;
#[path = "schema/files.rs"]
mod files;
#[path = "support/form.rs"]
#[cfg_attr(not(feature = "sim"), expect(dead_code, reason = "it is the simulators that print"))]
mod form;
#[cfg(feature = "sim")]
#[path = "schema/outputs.rs"]
mod outputs;
#[cfg(feature = "sim")]
#[path = "support/product.rs"]
#[expect(dead_code, unreachable_pub, reason = "the support serves every story")]
mod product;
#[path = "schema/readers.rs"]
mod readers;
#[path = "schema/spoken.rs"]
mod spoken;
#[cfg(feature = "sim")]
#[path = "support/stage.rs"]
#[expect(dead_code, unreachable_pub, reason = "the support serves every story")]
mod stage;
