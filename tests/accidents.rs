//! Accidents: what happens to a written domain when somebody, or something, is badly wrong.
//!
//! The shipped binary runs between a simulated tenant and a Samba domain controller that can
//! restore deleted groups (WRITEBACK_LAB_SMALL, else WRITEBACK_LAB). Each test has its own
//! organizational unit, tenant, owner and state; what a pass took away is read back with
//! ldapsearch, before and after, and never with code of the product.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/lab.rs"]
mod lab;
#[path = "support/product.rs"]
mod product;
#[path = "support/turn.rs"]
mod turn;

#[path = "accidents/adoption.rs"]
mod adoption;
#[path = "accidents/answers.rs"]
mod answers;
#[path = "accidents/approval.rs"]
mod approval;
#[path = "accidents/estate.rs"]
mod estate;
#[path = "accidents/hostile.rs"]
mod hostile;
#[path = "accidents/privileged.rs"]
mod privileged;
#[path = "accidents/reading.rs"]
mod reading;
#[path = "accidents/selection.rs"]
mod selection;
#[path = "accidents/state.rs"]
mod state;
#[path = "accidents/undone.rs"]
mod undone;
