//! The shipped binary between a simulated tenant (HTTPS) and a Samba domain controller (LDAPS), as
//! the least-privilege account.
//!
//! Comes from: the lab that `tests/run` starts (WRITEBACK_LAB). Each test has its own
//! organizational unit, tenant and owner name, so that all run in one domain at once; what is in
//! the directory is read back with ldapsearch and compared with an oracle that knows no code of
//! the product.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/access.rs"]
mod access;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/product.rs"]
mod product;

#[path = "samba/drift.rs"]
mod drift;
#[path = "kills/gate.rs"]
mod gate;
#[path = "samba/kill.rs"]
mod kill;
#[path = "samba/life.rs"]
mod life;
#[path = "samba/rights.rs"]
mod rights;
#[path = "samba/stage.rs"]
mod stage;
#[path = "samba/whole.rs"]
mod whole;
