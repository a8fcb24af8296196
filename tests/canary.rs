//! No secret ever comes out: canaries stand where the secrets are, the shipped binary runs well and
//! badly with each credential, and everything that it says or leaves behind is searched for them.
//!
//! Comes from: simulated tenants and domains, whose secrets are the canaries. Searched are stdout
//! and stderr at the highest verbosity in both forms of the log, plans, metrics, status, pages, the
//! answers of the admin socket, what the machine shows of the process, and every octet of state and
//! journal.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "canary/arc.rs"]
mod arc;
#[path = "canary/cage.rs"]
mod cage;
#[path = "canary/ear.rs"]
mod ear;
#[path = "canary/keytab.rs"]
mod keytab;
#[path = "canary/mistaken.rs"]
mod mistaken;
#[path = "canary/well.rs"]
mod well;
