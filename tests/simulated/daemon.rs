//! The daemon: passes that go on, what it shows, what it writes to its log, how it ends, and what
//! its memory is for.

#![expect(clippy::float_cmp, reason = "metrics count whole things")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::admin::a_day_later;
use crate::product::{Daemon, get};
use crate::stage::{CONTAINER, EVERYTHING, PEOPLE, Stage, until};
use serde_json::Value;
use tokio::time::Instant;
use writeback::report::Report;
use writeback::report::status::Status;
use writeback::sim::domain::{self, OperationKind};
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::World;

/// A daemon between both sides that has nothing to do any more.
fn settled() -> (Stage, Daemon) {
    let stage = Stage::written();
    a_day_later(&stage.product);
    let mut daemon = stage.product.daemon();
    daemon.passes(2);
    stage.domain.clear_operations();
    (stage, daemon)
}

/// The samples of an exposition by series.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// The families that alerts and dashboards may count on.
const FAMILIES: [(&str, &str); 24] = [
    ("writeback_build_info", "gauge"),
    ("writeback_reconcile_total", "counter"),
    ("writeback_reconcile_duration_seconds", "histogram"),
    ("writeback_reconcile_errors_total", "counter"),
    ("writeback_consecutive_failures", "gauge"),
    ("writeback_last_reconcile_timestamp_seconds", "gauge"),
    ("writeback_last_success_timestamp_seconds", "gauge"),
    ("writeback_plan_operations", "gauge"),
    ("writeback_operations_total", "counter"),
    ("writeback_groups", "gauge"),
    ("writeback_findings", "gauge"),
    ("writeback_guard_blocked", "gauge"),
    ("writeback_guard_trips_total", "counter"),
    ("writeback_read_incomplete_total", "counter"),
    ("writeback_policy_load_success", "gauge"),
    ("writeback_policy_load_errors_total", "counter"),
    ("writeback_policy_objects", "gauge"),
    ("writeback_graph_requests_total", "counter"),
    ("writeback_graph_request_duration_seconds", "histogram"),
    ("writeback_graph_throttled_total", "counter"),
    ("writeback_ldap_operations_total", "counter"),
    ("writeback_ldap_operation_duration_seconds", "histogram"),
    ("writeback_ldap_up", "gauge"),
    ("writeback_journal_write_errors_total", "counter"),
];

#[test]
fn every_series_stands_at_zero_before_its_first_event() {
    let report = Report::new(Status::new("corp", "writeback.yaml", jiff::Timestamp::UNIX_EPOCH));
    let text = report.metrics().text();
    for (family, kind) in FAMILIES {
        assert!(text.contains(&format!("# TYPE {family} {kind}\n")), "{family} {kind}:\n{text}");
        assert!(text.contains(&format!("# HELP {family} ")), "{family}");
    }
    for (series, value) in samples(&text) {
        let expected = if series.starts_with("writeback_build_info") { 1.0 } else { 0.0 };
        assert_eq!(value, expected, "{series}");
    }
    // Every word that a label can have is there from the start, for `rate()`.
    let words = |name: &str, label: &str| {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines
            .filter_map(|line| line.split_once(&format!("{label}=\"")))
            .map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let kinds = words("writeback_plan_operations", "op");
    assert!(
        ["create", "delete", "rename", "add_members", "remove_members"]
            .iter()
            .all(|kind| kinds.contains(*kind))
    );
    assert_eq!(words("writeback_operations_total", "op"), kinds);
    assert_eq!(words("writeback_operations_total", "result").len(), 5);
    assert_eq!(
        words("writeback_guard_trips_total", "guard"),
        words("writeback_guard_blocked", "guard")
    );
    assert!(words("writeback_guard_trips_total", "guard").contains("directory_group_gone"));
    assert!(words("writeback_reconcile_total", "result").len() >= 5);
    assert!(words("writeback_graph_requests_total", "endpoint").contains("members"));
    assert!(words("writeback_ldap_operations_total", "op").contains("add_members"));
}

#[test]
fn metrics_move_with_what_happens_and_name_nobody() {
    let read = |daemon: &Daemon| samples(&get(&daemon.metrics, "/metrics").1);
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let first = read(&daemon);
    assert_eq!(first["writeback_operations_total{op=\"create\",result=\"done\"}"], 8.0);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    a_day_later(&stage.product);
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let before = read(&daemon);
    let sum = |all: &BTreeMap<String, f64>, name: &str| -> f64 {
        all.iter().filter(|(series, _)| series.starts_with(name)).map(|(_, value)| value).sum()
    };
    assert_eq!(before["writeback_groups{state=\"owned\"}"], 8.0);
    assert_eq!(before["writeback_ldap_up"], 1.0);
    assert_eq!(before["writeback_policy_load_success"], 1.0);
    assert_eq!(before["writeback_held_changes{policy=\"everything\"}"], 0.0);
    stage.empty_nearly("All Employees");
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.tenant.order(Order::once(
        Where::Groups,
        Fault::Throttled { retry_after: Some("0.01".to_owned()), scope: None },
    ));
    daemon.passes(3);
    let after = read(&daemon);
    let grown = |name: &str| sum(&after, name) - sum(&before, name);
    assert!(grown("writeback_reconcile_total") >= 3.0);
    assert!(grown("writeback_reconcile_duration_seconds_count") >= 3.0);
    assert!(grown("writeback_last_success_timestamp_seconds") > 0.0);
    assert!(grown("writeback_graph_requests_total") > 0.0);
    assert!(grown("writeback_ldap_operations_total") > 0.0);
    assert_eq!(grown("writeback_graph_throttled_total"), 1.0);
    assert_eq!(
        grown("writeback_graph_requests_total{endpoint=\"groups\",code=\"429\"}")
            + grown("writeback_graph_requests_total{code=\"429\",endpoint=\"groups\"}"),
        1.0
    );
    assert_eq!(grown("writeback_operations_total{op=\"add_members\",result=\"done\"}"), 1.0);
    assert_eq!(after["writeback_held_changes{policy=\"everything\"}"], 1.0);
    assert_eq!(after["writeback_guard_blocked{guard=\"one_group\"}"], 1.0);
    assert!(grown("writeback_guard_trips_total{guard=\"one_group\"}") >= 1.0);
    let text = get(&daemon.metrics, "/metrics").1;
    for group in stage.tenant.cloud().groups() {
        assert!(!text.contains(&group.display_name) && !text.contains(&group.id.to_string()));
    }
    for person in stage.tenant.cloud().people() {
        assert!(!text.contains(&person.sam_account_name), "{}", person.sam_account_name);
    }
    stage.keeps_secrets(&text);
}

#[test]
fn a_pass_is_made_every_interval() {
    let (stage, mut daemon) = settled();
    let begun = Instant::now();
    daemon.passes(5);
    let took = begun.elapsed();
    // Five intervals of one second, stretched by a tenth at the most.
    assert!(took > Duration::from_millis(3_900) && took < Duration::from_secs(9), "{took:?}");
    assert!(stage.writes().is_empty());
    let status = daemon.status();
    assert_eq!(status["lastPass"]["result"], "InStep", "{status:#}");
    assert_eq!(status["consecutiveFailures"], 0);
}

#[test]
fn a_quiet_pass_says_nothing_and_a_change_says_one_line() {
    let (stage, mut daemon) = settled();
    let before = daemon.log().lines().count();
    daemon.passes(3);
    assert_eq!(daemon.log().lines().count(), before, "{}", daemon.log());
    let finance = stage.id("Finance");
    stage
        .cloud(|cloud| cloud.change(finance, |group| group.description = Some("Money".to_owned())));
    stage.put_in("Board", &["Ada Lovelace"]);
    daemon.passes(3);
    let log = daemon.log();
    let fresh: Vec<Value> =
        log.lines().skip(before).map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| fresh.iter().filter(|line| line["message"] == message).count();
    // Both edits fall into one pass, or the first into one and the second into the next.
    assert_eq!(of("change made"), 2, "{log}");
    assert!((1..=2).contains(&of("pass ended")), "{log}");
    assert_eq!(fresh.len(), of("change made") + of("pass ended"), "{log}");
    for line in &fresh {
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    }
}

#[test]
fn every_line_of_the_log_is_one_json_object_without_secrets() {
    let mut world = World::small(7);
    world.groups[0].display_name = "Bell \u{7} \u{1b}[31m and \u{202e}turn".to_owned();
    let stage = Stage::of(world);
    stage.product.policy("everything", EVERYTHING);
    stage.product.write("policies/broken.yaml", "spec: [");
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    stage.tenant.order(Order::always(Where::Groups, Fault::Html200));
    stage.domain.set_busy(true);
    until("a pass fails", || daemon.status()["lastPass"]["result"] == "Failed");
    stage.domain.set_busy(false);
    stage.tenant.clear_orders();
    daemon.signal("TERM");
    until("it has ended its log", || daemon.log().contains("stopping"));
    let log = daemon.log();
    for line in log.lines() {
        let parsed: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(parsed["message"].is_string() && parsed["level"].is_string(), "{line}");
        // A key that is there twice is lost on whoever reads it.
        for key in parsed.as_object().unwrap().keys() {
            assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key} in {line}");
        }
        let raw = line.chars().find(|c| c.is_control() || *c == '\u{202e}');
        assert_eq!(raw, None, "{line:?}");
    }
    assert!(log.contains("policies/broken.yaml:2:1: "), "the log says what is wrong where: {log}");
    stage.keeps_secrets(&log);
    assert_eq!(daemon.wait(), Some(0));
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
    let (stage, daemon) = settled();
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
fn the_status_tells_what_is_held_and_why_in_json_and_in_text() {
    let (stage, mut daemon) = settled();
    stage.empty_nearly("All Employees");
    daemon.passes(2);
    let status = daemon.status();
    assert_eq!(status["apiVersion"], "writeback/v1alpha1");
    assert_eq!(status["kind"], "Status");
    assert_eq!(status["owner"], "corp");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["policies"]["everything"]["groups"], 8);
    assert_eq!(status["lastPass"]["result"], "Held");
    let held = condition(&status, "everything", "Held");
    assert_eq!((&held["status"], &held["reason"]), (&Value::Bool(true), &"GuardTripped".into()));
    assert!(held["message"].as_str().unwrap().contains("11 members of one group would be removed"));
    assert_eq!(condition(&status, "everything", "Ready")["status"], false);
    assert_eq!(get(&daemon.metrics, "/readyz").0, 200, "a hold is for people, not for probes");
    assert_eq!(stage.removals(), (0, 0));

    // The command asks where the configuration says.
    stage.product.reconfigure("status: '127.0.0.1:0'", &format!("status: '{}'", daemon.status));
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains("of corp") && text.contains("! held: 11 members"), "{text}");
    assert!(text.contains("policy everything: 8 groups"), "{text}");
    let json = stage.product.run(&["status", "--output", "json"]).expect(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["kind"], "Status");
    stage.keeps_secrets(&json);
    // What was put right is no longer held, and the condition says so.
    let everybody: Vec<_> = stage.tenant.cloud().people().map(|p| p.display_name.clone()).collect();
    let names: Vec<_> = everybody.iter().map(String::as_str).collect();
    stage.put_in("All Employees", &names);
    daemon.passes(2);
    assert_eq!(condition(&daemon.status(), "everything", "Held")["status"], false);
    assert_eq!(condition(&daemon.status(), "everything", "Ready")["status"], true);
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
    for after in [3, 17, 40] {
        let daemon = stage.product.daemon();
        let target = stage.writes().len() + after;
        until("it is in the middle of writing", || stage.writes().len() >= target);
        daemon.signal("TERM");
        assert_eq!(daemon.wait(), Some(0));
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

#[test]
fn a_stop_while_it_reads_or_waits_is_quick() {
    let (stage, daemon) = settled();
    let begun = Instant::now();
    daemon.signal("INT");
    assert_eq!(daemon.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    stage.domain.set_busy(true);
    let daemon = stage.product.daemon();
    stage.domain.clear_operations();
    until("it is told to wait", || !stage.domain.operations().is_empty());
    let begun = Instant::now();
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(stage.writes().is_empty());
}

#[test]
fn a_hard_deleted_group_is_deleted_after_a_second_look_and_not_before() {
    let stage = Stage::small();
    stage.product.reconfigure("confirmAfter: 1s", "confirmAfter: 4s");
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    stage.domain.clear_operations();
    let board = stage.id("Board");
    let dn = stage.dn("Board");
    // Soft-deleted: frozen, and taken up again when it comes back.
    stage.cloud(|cloud| cloud.soft_delete_group(board));
    daemon.passes(6);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.cloud(|cloud| cloud.restore_group(board));
    daemon.passes(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    // Both answers to the deletion are lost once: before it is done, and after.
    let on_delete = || domain::Where::Kind(OperationKind::Delete);
    stage.domain.order(domain::Order::new(on_delete(), domain::Fault::CutBefore));
    stage.domain.order(domain::Order::new(on_delete(), domain::Fault::CutAfter).after(1));
    let begun = Instant::now();
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    until("the group is deleted", || !stage.domain.edit(|tree| tree.exists(&dn)));
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
    until("the orders are out", || stage.domain.open_orders() == 0);
    daemon.passes(2);
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(stage.removals(), (0, 1));
    stage.journal_announces_every_write();
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}

#[test]
fn a_hard_deleted_group_is_only_unconfirmed_to_the_first_pass_that_misses_it() {
    let stage = Stage::written();
    let board = stage.id("Board");
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    stage.domain.clear_operations();
    for command in ["plan", "apply"] {
        let ran = stage.product.run(&[command]).expect(0);
        assert!(ran.stdout.contains("unconfirmed"), "{}", ran.stdout);
    }
    assert!(stage.writes().is_empty());
    // The next process remembers that it was missed.
    until("a second pass confirms it", || {
        stage.product.run(&["apply"]).expect(0);
        stage.removals() == (0, 1)
    });
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn many_deletions_at_once_are_held() {
    let (stage, mut daemon) = settled();
    for name in ["Finance", "Engineering", "Board"] {
        let id = stage.id(name);
        stage.cloud(|cloud| cloud.hard_delete_group(id));
    }
    until("the deletions are held", || {
        let status = daemon.status();
        let holds = status["plan"]["held"].as_array().cloned().unwrap_or_default();
        holds.iter().any(|hold| hold["row"] == "GroupsRemoved")
    });
    daemon.passes(2);
    assert_eq!(stage.removals().1, 0);
    assert_eq!(stage.owned().len(), 8);
}

#[test]
fn a_group_that_somebody_deletes_in_the_directory_is_held_and_not_made_anew() {
    let (stage, mut daemon) = settled();
    let board = stage.dn("Board");
    stage.domain.edit(|tree| tree.remove(&board)).unwrap();
    until("it is missed", || {
        daemon.status()["plan"]["heldChanges"].as_u64().is_some_and(|n| n > 0)
    });
    daemon.passes(2);
    let status = daemon.status();
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert!(!stage.domain.edit(|tree| tree.exists(&board)));
    assert!(
        status["plan"]["held"].as_array().unwrap().iter().any(|h| h["row"] == "DirectoryGroupGone")
    );
    let finding = status["plan"]["findings"].as_array().unwrap();
    assert!(finding.iter().any(|f| f["code"] == "DirectoryGroupGone"), "{status:#}");
    // The others go on.
    stage.put_in("Engineering", &["Ada Lovelace"]);
    let engineering = format!("Group_{}", stage.id("Engineering"));
    until("the others go on", || stage.held()[&engineering].1.contains("ada.lovelace"));
}

#[test]
fn a_group_moved_out_of_the_containers_is_not_made_again() {
    let (stage, mut daemon) = settled();
    let board = stage.dn("Board");
    let elsewhere = stage.domain.edit(|tree| tree.move_to(&board, PEOPLE)).unwrap();
    stage.put_in("Board", &["Ada Lovelace"]);
    daemon.passes(3);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert!(stage.domain.edit(|tree| tree.exists(&elsewhere)));
    let status = daemon.status().to_string();
    assert!(status.contains("OutsideContainers"), "{status}");
    // The same for one that remembers nothing.
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    stage.product.run(&["apply"]);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn no_output_of_the_daemon_holds_a_secret() {
    let (stage, mut daemon) = settled();
    stage.put_in("Board", &["Ada Lovelace"]);
    daemon.passes(2);
    let mut shown = vec![daemon.log(), daemon.status().to_string()];
    for path in ["/metrics", "/livez", "/readyz"] {
        shown.push(get(&daemon.metrics, path).1);
    }
    for file in std::fs::read_dir(stage.product.path().join("state")).unwrap() {
        let path = file.unwrap().path();
        // The admin socket is no file; what it says is held to this in its own tests.
        if path.extension().is_none_or(|extension| extension != "sock") {
            shown.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
        }
    }
    for text in &shown {
        stage.keeps_secrets(text);
    }
    assert!(shown.iter().all(|text| !text.is_empty()));
    // The listeners answer nothing else, and change nothing.
    assert_eq!(get(&daemon.status, "/metrics").0, 404);
    assert_eq!(get(&daemon.metrics, "/api/v1/status").0, 404);
    assert_eq!(get(&daemon.metrics, "/").0, 404);
}
