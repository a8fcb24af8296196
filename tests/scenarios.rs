//! One scenario for each sentence of the contract and of the plan for group writeback, played on
//! the simulated domain and on Samba against the same expectations.
//!
//! Comes from: the folders of `tests/scenarios`; README.md there has their grammar. `SCENARIO=name`
//! plays those whose name contains it, `WRITEBACK_BLESS=1` writes what they expect, for a person
//! to read. Samba is the lab that `WRITEBACK_LAB_BARE`, else `WRITEBACK_LAB`, names.

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
#[path = "support/ldaps.rs"]
mod ldaps;
#[path = "support/product.rs"]
mod product;
#[path = "support/scenario.rs"]
mod scenario;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use lab::Lab;
use scenario::folder::{self, Scenario};
use scenario::run::{Purpose, run};
use scenario::side::{Need, Samba, Side};

/// Sentences at least.
const SCENARIOS_MIN: usize = 85;
/// More than a few that one side cannot show would mean that a side is not good enough.
const ONE_SIDED_MAX: usize = 8;
/// Scenarios played at once on simulated domains, which share nothing.
const AT_ONCE: usize = 3;

/// A scenario that one side alone can show.
#[derive(Debug)]
struct OneSided {
    /// `simulated` or `samba`.
    side: String,
    /// Why the other cannot.
    reason: String,
}

/// The list of scenarios that one side alone shows, by name.
fn one_sided() -> BTreeMap<String, OneSided> {
    let text = fs::read_to_string(folder::root().join("one-sided.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (side, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            let (name, reason) = rest.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            let found = OneSided { side: side.to_owned(), reason: reason.to_owned() };
            (name.to_owned(), found)
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "who runs the tests says what of them")]
fn told(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The scenarios that a side shows, or those of them that were asked for.
fn scenarios(side: &str) -> Vec<Scenario> {
    let mut all = read();
    let lonely = one_sided();
    all.retain(|scenario| lonely.get(&scenario.name).is_none_or(|one| one.side == side));
    if let Some(wanted) = told("SCENARIO") {
        all.retain(|scenario| scenario.name.contains(&wanted));
    }
    all
}

fn read() -> Vec<Scenario> {
    folder::all().unwrap_or_else(|mistakes| panic!("\n{}\n", mistakes.join("\n")))
}

/// One-sided scenarios of the other side have no expectations that could be written here.
fn purpose() -> Purpose {
    if told("WRITEBACK_BLESS").is_some() { Purpose::Bless } else { Purpose::Compare }
}

/// Plays a scenario in a task of its own, so that one that breaks ends no other.
async fn played(scenario: Scenario, side: Side, purpose: Purpose) -> Option<String> {
    let name = scenario.name.clone();
    let played = tokio::spawn(async move { Box::pin(run(&scenario, &side, purpose)).await });
    let complaints = match played.await {
        Ok(complaints) => complaints,
        Err(broken) => {
            let payload = broken.try_into_panic().ok();
            let text = payload.as_ref().and_then(|payload| payload.downcast_ref::<String>());
            vec![text.cloned().unwrap_or_else(|| "broke off".to_owned())]
        }
    };
    (!complaints.is_empty()).then(|| format!("=== {name}\n{}", complaints.join("\n")))
}

#[track_caller]
fn judge(count: usize, mut failures: Vec<String>) {
    failures.sort();
    assert!(
        failures.is_empty(),
        "\n{}\n{} of {count} scenarios fail\n",
        failures.join("\n\n"),
        failures.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_holds_on_the_simulated_domain() {
    let scenarios = scenarios("simulated");
    let (count, purpose) = (scenarios.len(), purpose());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for scenario in scenarios {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire().await;
            played(scenario, Side::Simulated, purpose).await
        });
    }
    judge(count, running.join_all().await.into_iter().flatten().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_holds_on_samba() {
    let bare = told("WRITEBACK_LAB_BARE").map(|_| "WRITEBACK_LAB_BARE");
    let samba = Arc::new(Samba::of(Lab::named_in(bare.unwrap_or("WRITEBACK_LAB"))).await);
    let mut scenarios = scenarios("samba");
    // What cannot be taken back in a domain is done to it as late as can be.
    scenarios.sort_by_key(Need::of);
    let count = scenarios.len();
    let lonely = one_sided();
    let mut failures = Vec::new();
    for scenario in scenarios {
        // What both sides show is written down from the simulated domain alone.
        let purpose =
            if lonely.contains_key(&scenario.name) { purpose() } else { Purpose::Compare };
        failures.extend(played(scenario, Side::Samba(Arc::clone(&samba)), purpose).await);
    }
    samba.clear().await;
    judge(count, failures);
}

#[test]
fn there_is_a_scenario_for_every_sentence() {
    let scenarios = read();
    assert!(scenarios.len() >= SCENARIOS_MIN, "{} scenarios", scenarios.len());
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for scenario in &scenarios {
        assert!(scenario.name.chars().all(kebab), "{}: not in kebab case", scenario.name);
        let source = ["SEMANTICS ", "plan, "];
        let named = source.iter().any(|start| scenario.shows.starts_with(start));
        assert!(named, "{}: `# shows: {}` names no source", scenario.name, scenario.shows);
    }
}

#[test]
fn the_list_of_one_sided_scenarios_is_short_and_true() {
    let names: Vec<String> = read().into_iter().map(|scenario| scenario.name).collect();
    let lonely = one_sided();
    assert!(lonely.len() <= ONE_SIDED_MAX, "{lonely:#?}");
    for (name, one) in &lonely {
        assert!(names.contains(name), "one-sided.txt: there is no {name}");
        assert!(["simulated", "samba"].contains(&one.side.as_str()), "{name}: {}", one.side);
        assert!(one.reason.split(' ').count() >= 5, "{name}: `{}` is no reason", one.reason);
    }
}

#[test]
fn unknown_words_and_names_are_refused_with_their_place() {
    let world = "user Ada\n  cloud-only\n  cloud-onlyy\nusr Ben\n\nsecurity group Board\n   flag true\n  flag\n  members Ada, Carl\n";
    let mistakes = scenario::world::read("world.txt", world).unwrap_err();
    let starts: Vec<&str> = mistakes.iter().map(|m| m.split(": ").next().unwrap()).collect();
    let expected = ["world.txt:7", "world.txt:3", "world.txt:4", "world.txt:8", "world.txt:9"];
    assert_eq!(starts, expected, "{mistakes:#?}");
    let steps =
        "step One\n  cloud Ada flag true\n  cloud Ada: flagg\n  time soon\nfirst Late\n  new\n";
    let mistakes = scenario::steps::read("steps.txt", steps).unwrap_err();
    assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    assert!(mistakes.iter().all(|mistake| mistake.starts_with("steps.txt:")), "{mistakes:#?}");
}
