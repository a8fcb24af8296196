//! A world with one of everything that the plan for group writeback names, both ready policies,
//! and a daemon that lives through what happens: after each step the directory equals the
//! oracle's, on the simulated domain and on Samba.
//!
//! Comes from: `config/policies/default-behaviour` and `only-configured`, with another container
//! put in. Samba is the lab that `WRITEBACK_LAB_SMALL`, else `WRITEBACK_LAB`, names, prepared for
//! Exchange and with deleted objects restorable.

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
#[path = "support/oracle/course.rs"]
mod course;
#[path = "everything/daemon.rs"]
mod daemon;
#[path = "support/scenario/directory.rs"]
mod directory;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/ldaps.rs"]
mod ldaps;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/product.rs"]
mod product;

#[path = "everything/binary.rs"]
mod binary;
#[path = "everything/ground.rs"]
mod ground;
#[path = "everything/ready.rs"]
mod ready;
#[path = "everything/sight.rs"]
mod sight;
#[path = "everything/story.rs"]
mod story;
#[path = "everything/world.rs"]
mod world;

use ground::Side;
use ready::Ready;
use story::Story;

/// Passes until one has nothing to do: one that writes, and one more where a deletion is to be
/// made sure of, or where an object that came back is read whole before it is put right.
const PASSES_MAX: usize = 3;

/// Plays the story.
async fn play(side: Side, ready: Ready) {
    let passes = Box::pin(Story::open(side, ready).await.play()).await;
    for (step, count) in passes {
        assert!(count <= PASSES_MAX, "{step}: {count} passes until it is quiet");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_behaviour_holds_for_everything_on_the_simulated_domain() {
    Box::pin(play(Side::Simulated, Ready::DefaultBehaviour)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_configured_is_written_on_the_simulated_domain() {
    Box::pin(play(Side::Simulated, Ready::OnlyConfigured)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_behaviour_holds_for_everything_on_samba() {
    Box::pin(play(Side::Samba, Ready::DefaultBehaviour)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_configured_is_written_on_samba() {
    Box::pin(play(Side::Samba, Ready::OnlyConfigured)).await;
}
