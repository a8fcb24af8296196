//! The state: what a save puts on disk, what a crash or a failing disk leaves of it, and whom it
//! is refused to.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and the support is open to all of them"
)]

#[path = "state/copies.rs"]
mod copies;
#[path = "state/crash.rs"]
mod crash;
#[path = "state/damage.rs"]
mod damage;
#[path = "state/disk.rs"]
mod disk;
#[path = "state/full.rs"]
mod full;
#[path = "state/keep.rs"]
mod keep;
#[path = "state/memories.rs"]
mod memories;
#[path = "state/refuse.rs"]
mod refuse;

use std::path::Path;

use writeback::model::TenantId;
use writeback::state::Binding;

/// The name of a storage without a file.
fn nowhere() -> &'static Path {
    Path::new("memory")
}

fn binding() -> Binding {
    let tenant = TenantId::parse("11111111-2222-3333-4444-555555555555").unwrap();
    Binding { tenant, owner: "corp".to_owned() }
}
