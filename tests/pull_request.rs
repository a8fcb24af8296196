//! Policies by pull request, with the shipped binary between the simulators: the plan as a comment,
//! the daemon's memory over its API, the digest from review to merge, and the workflow files of
//! `deploy/` with every block of them run.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "a failed unwrap is the failed test, and the support is open to all stories"
)]

#[path = "pull_request/comment.rs"]
mod comment;
#[path = "pull_request/files.rs"]
mod files;
#[path = "pull_request/merge.rs"]
mod merge;
#[path = "support/product.rs"]
mod product;
#[path = "pull_request/runner.rs"]
mod runner;
#[path = "support/stage.rs"]
mod stage;

/// The first line of a comment, as a workflow reads it: its two digests.
fn digests(comment: &str) -> (String, String) {
    let first = comment.lines().next().unwrap();
    let word = |name: &str| {
        let (_, rest) = first.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{first}"));
        rest.split(' ').next().unwrap().to_owned()
    };
    assert!(first.starts_with("<!-- writeback-plan owner=corp policy="), "{first}");
    assert!(first.ends_with(" -->"), "{first}");
    (word("digest"), word("reviewed"))
}
