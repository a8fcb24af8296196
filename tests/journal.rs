//! The journal on disk: edited, torn by crashes, without room, put aside, and asked.
//!
//! Each test writes journals of its own with the product's writer, harms the files, and looks at
//! what opening, checking and reading make of them. Everything random comes from a number that a
//! failure prints.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and the bench is open to all stories"
)]

#[path = "journal/bench.rs"]
mod bench;
#[path = "journal/changes.rs"]
mod changes;
#[path = "journal/commands.rs"]
mod commands;
#[path = "journal/crashes.rs"]
mod crashes;
#[path = "support/deep.rs"]
mod deep;
#[path = "journal/edits.rs"]
mod edits;
#[path = "journal/full_disk.rs"]
mod full_disk;
#[path = "journal/lost.rs"]
mod lost;
#[path = "journal/questions.rs"]
mod questions;
#[path = "journal/rotation.rs"]
mod rotation;
