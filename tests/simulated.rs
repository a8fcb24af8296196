//! The shipped binary between a simulated tenant and a simulated domain, as a user runs it.
//!
//! Each module is one side of its life: the commands, a newcomer's mistakes, bad weather, the
//! daemon, its policy folder. `tests/samba.rs` does the same with a real directory.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::similar_names,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and the support is open to all stories"
)]

#[path = "support/exposition.rs"]
mod exposition;
#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "simulated/admin.rs"]
mod admin;
#[path = "simulated/adoption.rs"]
mod adoption;
#[path = "simulated/commands.rs"]
mod commands;
#[path = "simulated/contested.rs"]
mod contested;
#[path = "simulated/copied.rs"]
mod copied;
#[path = "simulated/daemon.rs"]
mod daemon;
#[path = "simulated/document.rs"]
mod document;
#[path = "simulated/errands.rs"]
mod errands;
#[path = "simulated/faults.rs"]
mod faults;
#[path = "simulated/lost.rs"]
mod lost;
#[path = "simulated/mistakes.rs"]
mod mistakes;
#[path = "simulated/reload.rs"]
mod reload;
#[path = "simulated/undone.rs"]
mod undone;
