//! The policy folder as the daemon looks at it, on a real file system: what wakes the loop, and what
//! one load reads. Every case has three changes in a row: a watch that is lost at the first one
//! passes any test with one.
//!
//! `tests/simulated/reload.rs` has the same under the running daemon, `tests/operation.rs` signals
//! and requests.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and writers and patience are matters of real time"
)]

#[path = "reload/folder.rs"]
mod folder;
#[path = "reload/look.rs"]
mod look;

#[path = "reload/events.rs"]
mod events;
#[path = "reload/missed.rs"]
mod missed;
#[path = "reload/settled.rs"]
mod settled;
