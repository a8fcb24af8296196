//! How the product proves itself, and what it says when it cannot: federated tokens, managed
//! identities, every secret renewed while it runs, and when each of them ends.
//!
//! Each test starts its servers on free loopback ports: the simulated tenant, the simulated
//! platform that gives out tokens of a managed identity, the simulated domain.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "graph/bench.rs"]
mod bench;
#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "credentials/directory.rs"]
mod directory;
#[path = "credentials/ends.rs"]
mod ends;
#[path = "credentials/federated.rs"]
mod federated;
#[path = "credentials/front.rs"]
mod front;
#[path = "credentials/identity.rs"]
mod identity;
#[path = "credentials/renewed.rs"]
mod renewed;
#[path = "credentials/rotated.rs"]
mod rotated;
#[path = "credentials/shipped.rs"]
mod shipped;
#[path = "credentials/woken.rs"]
mod woken;

use writeback::graph::{Credential, Flags, Tenant, TenantOptions};
use writeback::retry::Fault;

use bench::{Bench, at};

/// A client of the bench with another credential.
fn options(bench: &Bench, credential: Credential) -> TenantOptions {
    TenantOptions { credential, ..bench.options() }
}

/// Why nothing can be read with this credential.
async fn fault(bench: &Bench, credential: Credential) -> Fault {
    match Tenant::open(options(bench, credential)) {
        Ok(client) => client.listing(Flags::Read, at()).await.unwrap_err().fault(),
        Err(error) => error.fault(),
    }
}

/// Holds that a mistake is final, told on one line, and named by these words.
#[track_caller]
fn assert_told(fault: &Fault, reason: &str, words: &[&str]) {
    assert_eq!((fault.reason, fault.transient), (reason, false), "{}", fault.message);
    for word in words {
        assert!(fault.message.contains(word), "{word} is not in: {}", fault.message);
    }
    assert!(!fault.message.contains('\n') && !fault.message.contains("eyJ"), "{}", fault.message);
}
