//! `writeback discover` through the shipped binary: a clean estate finds nothing, an estate with
//! one planted problem of each kind finds every one and nothing else.
//!
//! Comes from: simulated tenants and domains, and the Samba domain controller that WRITEBACK_LAB
//! names. Every run is read-only: that the domain saw no write is checked with each.

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
#[path = "support/form.rs"]
mod form;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "discover/clean.rs"]
mod clean;
#[path = "discover/planted.rs"]
mod planted;
#[path = "discover/samba.rs"]
mod samba;
#[path = "discover/sides.rs"]
mod sides;
#[path = "discover/told.rs"]
mod told;

use std::collections::BTreeSet;

use serde_json::Value;
use writeback::schema::Document;
use writeback::sim::domain::DomainOptions;
use writeback::sim::tenant;
use writeback::sim::world::{Synchronization, World};

use form::Validator;
use product::Product;
use stage::Stage;

/// The rights that a clean estate has: what every pass needs, and what opens the question whether
/// Microsoft's own writeback is on.
const RIGHTS: [&str; 3] =
    ["Group.Read.All", "OnPremDirectorySynchronization.Read.All", "User.Read.All"];

/// A problem by its word and what it is about.
type Found = (String, String);

/// A domain that is ready for everything.
fn ready_domain() -> DomainOptions {
    DomainOptions { exchange: true, recycle_bin: true, ..DomainOptions::default() }
}

/// A stage on which nothing is wrong and nothing is written yet; no policy.
fn clean_stage() -> Stage {
    let mut world = World::small(7);
    world.facts.synchronization = Synchronization::readable(false, false);
    let stage = Stage::with(world, tenant::Options::default(), ready_domain());
    grant(&stage, &RIGHTS);
    stage
}

fn grant(stage: &Stage, rights: &[&str]) {
    stage.tenant.set_roles(rights.iter().map(|right| (*right).to_owned()).collect());
}

/// What `discover --output json` says, as its schema says, after it ended with this code.
#[track_caller]
fn discovery(product: &Product, code: i32) -> Value {
    let told = product.run(&["discover", "--output", "json"]).expect(code);
    Validator::closed(Document::Discover).fits(&told.stdout)
}

/// The problems by word and subject.
fn problems(discovery: &Value) -> BTreeSet<Found> {
    let all = discovery["problems"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.iter().map(|problem| (text(&problem["code"]), text(&problem["subject"]))).collect()
}

/// Holds that exactly these were found.
#[track_caller]
fn assert_found(discovery: &Value, expected: &[(&str, &str)]) {
    let found = problems(discovery);
    let expected: BTreeSet<Found> =
        expected.iter().map(|(code, subject)| ((*code).into(), (*subject).into())).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "not found: {missing:#?}\nfound besides: {more:#?}\n{:#}",
        discovery["problems"]
    );
}

/// Holds that every problem says what it means and what to do.
#[track_caller]
fn assert_explained(discovery: &Value) {
    for problem in discovery["problems"].as_array().unwrap() {
        for field in ["what", "meaning", "remedy"] {
            assert!(problem[field].as_str().unwrap().len() > 10, "{problem:#}");
        }
    }
}
