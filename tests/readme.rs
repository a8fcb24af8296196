//! Every command block of the README is executed: each line of it, in order, between a simulated
//! tenant and a simulated domain.
//!
//! Comes from: the blocks marked `sh` in the documents below. A line that is not in the table of
//! `readme/lines.rs` is a failure: a new line needs somebody who says what stands for it here.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, the lines before it are shown, and no test needs \
              everything of the support"
)]

#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "readme/blocks.rs"]
mod blocks;
#[path = "readme/cluster.rs"]
mod cluster;
#[path = "readme/ground.rs"]
mod ground;
#[path = "readme/lines.rs"]
mod lines;

use ground::Ground;

/// What people copy commands from.
const DOCUMENTS: [&str; 3] = ["README.md", "deploy/README.md", "deploy/kubernetes/README.md"];

#[test]
fn every_command_block_does_what_it_says() {
    let mut executed = 0;
    for document in DOCUMENTS {
        for block in blocks::of(document) {
            // Whoever reads a block may have read no other one.
            let mut ground = Ground::new();
            for line in &block.lines {
                println!("{document}:{}: {line}", block.number);
                lines::execute(&mut ground, line);
                executed += 1;
            }
        }
    }
    assert!(executed >= 14, "{executed} lines");
}
