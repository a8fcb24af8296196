//! What `deploy/monitoring` ships, held to what the daemon shows: rules, their render, dashboards,
//! runbooks and the catalogue of metrics; and a story in which a real Prometheus scrapes the real
//! binary between the simulators until every alert has fired and cleared.
//!
//! Comes from: `deploy/monitoring`, and Debian's `prometheus` with `promtool`, which `tests/run`
//! installs. With `WRITEBACK_BLESS=1` the rules are rendered anew from their templates.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/exposition.rs"]
mod exposition;
#[path = "support/file_limit.rs"]
mod file_limit;
#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "monitoring/cost.rs"]
mod cost;
#[path = "monitoring/dashboards.rs"]
mod dashboards;
#[path = "monitoring/documents.rs"]
mod documents;
#[path = "monitoring/families.rs"]
mod families;
#[path = "monitoring/logs.rs"]
mod logs;
#[path = "monitoring/prometheus.rs"]
mod prometheus;
#[path = "monitoring/rules.rs"]
mod rules;
#[path = "monitoring/small_disk.rs"]
mod small_disk;
#[path = "monitoring/story.rs"]
mod story;
#[path = "monitoring/template.rs"]
mod template;

use std::path::PathBuf;

/// A file or folder of `deploy/monitoring`.
fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring").join(name)
}

/// The text of a shipped file.
fn read(name: &str) -> String {
    let path = shipped(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
