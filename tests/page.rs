//! The status page of the shipped binary: what it says over HTTP, what it refuses, names that mean
//! harm, many groups, and the page in a real browser.
//!
//! Comes from: the daemon between a simulated tenant and a simulated domain. `browser` and `many`
//! need Chromium and axe-core, which `tests/run` installs; pictures go to `target/page/shots`.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and the support is open to all stories"
)]

#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "page/ask.rs"]
mod ask;
#[path = "page/browser.rs"]
mod browser;
#[path = "page/estate.rs"]
mod estate;
#[path = "page/history.rs"]
mod history;
#[path = "page/http.rs"]
mod http;
#[path = "page/idle.rs"]
mod idle;
#[path = "page/many.rs"]
mod many;
#[path = "page/names.rs"]
mod names;
#[path = "page/partial.rs"]
mod partial;
