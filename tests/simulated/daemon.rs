//! The daemon: passes that go on, what disturbs them, and how it ends. `telling` is what it shows
//! and writes to its log, `values` the numbers of a scrape, `departure` what its memory is for.

#![expect(clippy::float_cmp, reason = "metrics count whole things")]

#[path = "daemon/departure.rs"]
mod departure;
#[path = "daemon/telling.rs"]
mod telling;
#[path = "daemon/values.rs"]
mod values;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use writeback::sim::domain;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::World;

use crate::admin::{a_day_later, waiting};
use crate::exposition::samples;
use crate::product::{Daemon, get};
use crate::stage::{CONTAINER, EVERYTHING, PEOPLE, Stage, until};

/// A daemon between both sides that has nothing to do any more.
fn settled() -> (Stage, Daemon) {
    let stage = Stage::written();
    a_day_later(&stage.product);
    let mut daemon = stage.product.daemon();
    daemon.passes(2);
    stage.domain.clear_operations();
    (stage, daemon)
}

#[test]
fn a_pass_is_made_every_interval() {
    let (stage, mut daemon) = settled();
    daemon.passes(5);
    assert!(stage.writes().is_empty());
    let status = daemon.status();
    // The newest first.
    let passes = status["lastPasses"].as_array().unwrap();
    let begins: Vec<f64> = passes.iter().take(6).map(began).collect();
    let gaps: Vec<f64> = begins.windows(2).map(|two| two[0] - two[1]).collect();
    // Five intervals of one second. A pass that was slow to begin is nearer to the next one: what
    // the first of them was late is missing in the sum.
    assert!(gaps.len() == 5 && gaps.iter().sum::<f64>() > 3.0, "{gaps:?}");
    // On a busy machine each may come late; none of them waits for the default of a minute.
    assert!(gaps.iter().any(|gap| *gap < 10.0), "{gaps:?}");
    assert_eq!(status["lastPass"]["result"], "InStep", "{status:#}");
    assert_eq!(status["consecutiveFailures"], 0);
}

/// When a pass began, in seconds since 1970.
fn began(pass: &Value) -> f64 {
    let ended: jiff::Timestamp = pass["endedAt"].as_str().unwrap().parse().unwrap();
    ended.as_duration().as_secs_f64() - pass["seconds"].as_f64().unwrap()
}

#[test]
fn a_broken_policy_makes_it_unready_and_stops_nothing_else() {
    let (stage, mut daemon) = settled();
    assert_eq!(get(&daemon.metrics, "/livez"), (200, "ok\n".to_owned()));
    assert_eq!(get(&daemon.metrics, "/readyz"), (200, "ok\n".to_owned()));
    stage.product.write("policies/broken.yaml", "apiVersion: writeback/v1alpha1\nkind: Nonsense\n");
    until("it is unready", || get(&daemon.metrics, "/readyz").0 == 503);
    let (_, text) = get(&daemon.metrics, "/readyz");
    assert!(text.contains("policies/broken.yaml:2:7: "), "{text}");
    assert_eq!(get(&daemon.metrics, "/livez").0, 200, "a restart mends no policy");
    let status = daemon.status();
    assert!(status["folder"]["mistakes"][0].as_str().unwrap().contains("broken.yaml:2:7"));
    // The other policy goes on, also with what the cloud asks of it.
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.take_out("Engineering", &["Grace Hopper"]);
    until("the good policy goes on", || stage.held() == stage.wanted());
    std::fs::remove_file(stage.product.path().join("policies/broken.yaml")).unwrap();
    until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
    let metrics = samples(&get(&daemon.metrics, "/metrics").1);
    assert!(metrics["writeback_policy_load_errors_total"] >= 1.0);
    assert_eq!(metrics["writeback_policy_load_success"], 1.0);
    daemon.passes(1);
}

#[test]
fn a_state_directory_that_cannot_be_written_makes_it_unready() {
    let stage = Stage::small();
    // No pass meets the directory while it is away: what it cannot save it would tell, too.
    let daemon = waiting(&stage);
    assert_eq!(get(&daemon.metrics, "/readyz").0, 200);
    let folder = stage.product.path().join("state");
    std::fs::rename(&folder, stage.product.path().join("away")).unwrap();
    let (code, text) = get(&daemon.metrics, "/readyz");
    assert_eq!(code, 503);
    assert!(text.contains("state"), "{text}");
    std::fs::rename(stage.product.path().join("away"), &folder).unwrap();
    assert_eq!(get(&daemon.metrics, "/readyz").0, 200);
}

#[test]
fn one_bad_group_stops_no_other() {
    let (stage, mut daemon) = settled();
    let finance = stage.id("Finance");
    stage
        .tenant
        .order(Order::always(Where::MembersOf(finance), Fault::NullWitness("user".to_owned())));
    let dn = stage.dn("Contractors");
    stage.domain.order(
        domain::Order::new(
            domain::Where::Object(format!(
                "<GUID={}>",
                stage.domain.edit(|tree| tree.guid_of(&dn)).unwrap()
            )),
            domain::Fault::InsufficientAccess,
        )
        .times(1_000),
    );
    stage.take_out("Finance", &["Ada Lovelace"]);
    stage.put_in("Contractors", &["Ada Lovelace"]);
    stage.put_in("Board", &["Ada Lovelace"]);
    let board = format!("Group_{}", stage.id("Board"));
    until("the good group is written", || stage.held()[&board].1.contains("ada.lovelace"));
    daemon.passes(2);
    assert!(stage.held()[&format!("Group_{finance}")].1.contains("ada.lovelace"));
    let status = daemon.status();
    assert!(status["plan"]["unknown"][finance.to_string()].is_string(), "{status:#}");
    let ready = condition(&status, "everything", "Ready");
    assert_eq!(ready["status"], false, "{status:#}");
    assert_eq!(daemon.status()["stopping"], false);
    stage.tenant.clear_orders();
    stage.domain.cancel_orders();
    until("both are put right", || stage.held() == stage.wanted());
    daemon.passes(2);
    assert_eq!(condition(&daemon.status(), "everything", "Ready")["status"], true);
}

fn condition<'v>(status: &'v Value, policy: &str, kind: &str) -> &'v Value {
    let all = status["policies"][policy]["conditions"].as_array();
    let all = all.unwrap_or_else(|| panic!("{status:#}"));
    all.iter().find(|condition| condition["type"] == kind).unwrap()
}

#[test]
fn what_somebody_changes_in_the_directory_is_put_right_on_the_same_objects() {
    let stage = Stage::small();
    let inside = stage.domain.edit(|tree| tree.add_ou("Inside", CONTAINER)).unwrap();
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    let before = stage.portraits();
    let objects =
        |stage: &Stage| stage.owned().iter().map(|entry| entry.guid).collect::<BTreeSet<_>>();
    let guids = objects(&stage);
    let (board, finance) = (stage.dn("Board"), stage.dn("Finance"));
    let (engineering, vpn) = (stage.dn("Engineering"), stage.dn("VPN Users"));
    stage
        .domain
        .edit(|tree| {
            let mallory = tree.child_dn("Mallory", PEOPLE)?;
            let ada = tree.child_dn("Ada Lovelace", PEOPLE)?;
            tree.add_member(&engineering, &mallory)?;
            tree.remove_member(&finance, &ada)?;
            tree.rename_to(&board, "The Board")?;
            tree.move_to(&vpn, &inside)
        })
        .unwrap();
    until("all is as it was", || stage.portraits() == before);
    assert_eq!(objects(&stage), guids);
    daemon.passes(2);
    let status = daemon.status();
    assert_eq!(status["lastPass"]["result"], "InStep", "{status:#}");
}

#[test]
fn a_stop_in_the_middle_of_an_apply_ends_well_and_the_next_start_finishes() {
    let mut world = World::generated(11, 120, 60);
    world.groups.retain(|group| group.display_name.len() < 60);
    let stage = Stage::of(world);
    let spec =
        EVERYTHING.replace("mode: Sync", "mode: Sync\n  selection: { writebackFlag: Ignore }");
    stage.product.policy("everything", &spec);
    for after in [3_u32, 17, 40] {
        let target = stage.writes().len() + after as usize;
        // However late the signal comes, there is something left to write.
        let busy = domain::Order::new(domain::Where::Write, domain::Fault::Busy);
        stage.domain.order(busy.after(after + 8).times(u32::MAX));
        let daemon = stage.product.daemon();
        until("it is in the middle of writing", || stage.writes().len() >= target);
        daemon.signal("TERM");
        assert_eq!(daemon.wait(), Some(0));
        stage.domain.cancel_orders();
        let journal = stage.product.journal();
        let count = |kind: &str| journal.iter().filter(|line| line["kind"] == kind).count();
        assert_eq!(count("intent"), count("outcome"), "every intent has its outcome");
        assert!(count("intent") >= stage.writes().len());
        stage.journal_announces_every_write();
    }
    let written = stage.writes().len();
    let ran = stage.product.run(&["apply"]);
    assert!(stage.writes().len() > written, "the stop came too late to show anything");
    assert!([0, 4].contains(&ran.code), "{}{}", ran.stdout, ran.stderr);
    let after = stage.portraits();
    stage.held();
    stage.journal_announces_every_write();
    stage.domain.clear_operations();
    let again = stage.product.run(&["apply"]);
    assert_eq!(again.code, ran.code, "{}", again.stdout);
    assert!(stage.writes().is_empty(), "{}", again.stdout);
    assert_eq!(stage.portraits(), after);
    // An undisturbed run leads to the same end.
    let mut world = World::generated(11, 120, 60);
    world.groups.retain(|group| group.display_name.len() < 60);
    let other = Stage::of(world);
    other.product.policy("everything", &spec);
    other.product.run(&["apply"]);
    assert_eq!(other.portraits(), after);
}

/// Ends a daemon by a signal, long before the end of what it waits for.
#[track_caller]
fn ends_at_once(daemon: Daemon, signal: &str) {
    let begun = Instant::now();
    daemon.signal(signal);
    assert_eq!(daemon.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

#[test]
fn a_stop_while_it_reads_or_waits_is_quick() {
    let stage = Stage::small();
    // The next pass begins in six hours.
    ends_at_once(waiting(&stage), "INT");
    // A search without an answer is waited for two minutes.
    stage.domain.order(domain::Order::new(domain::Where::Search, domain::Fault::Stall).after(3));
    let daemon = stage.product.daemon();
    until("it reads the domain", || stage.domain.open_orders() == 0);
    ends_at_once(daemon, "TERM");
    // A tenant that throttles is left alone as long as it asks for.
    let fault = Fault::Throttled { retry_after: Some("170".to_owned()), scope: None };
    stage.tenant.order(Order::once(Where::Groups, fault));
    let daemon = stage.product.daemon();
    until("it is told to wait", || stage.tenant.open_orders() == 0);
    ends_at_once(daemon, "TERM");
    assert!(stage.writes().is_empty());
}
