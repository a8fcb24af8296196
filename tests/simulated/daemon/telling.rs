//! What the daemon tells: metrics, log, status, and no secret in any of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use writeback::report::Report;
use writeback::report::status::Status;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::World;

use super::{condition, settled};
use crate::admin::a_day_later;
use crate::exposition::samples;
use crate::product::{Daemon, get};
use crate::stage::{EVERYTHING, Stage, until};

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
    // With every one of them every result: a first error is a step from 0 to 1, not a birth at 1.
    let codes = "200 400 401 403 404 429 500 502 503 504 unreachable unreadable untrusted";
    let results = "busy cut garbled ok refused timeout";
    for (name, of, label, expected) in [
        ("writeback_graph_requests_total", "endpoint", "code", codes),
        ("writeback_ldap_operations_total", "op", "result", results),
    ] {
        let expected: BTreeSet<_> = expected.split(' ').map(str::to_owned).collect();
        assert_eq!(words(name, label), expected, "{name} by {label}");
        let series = text.lines().filter(|line| line.starts_with(&format!("{name}{{"))).count();
        assert_eq!(series, words(name, of).len() * expected.len(), "{name}");
    }
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
        // The admin socket is no file; what it says is held to this in its own tests. A stamp is
        // empty, and made anew meanwhile.
        let extension = path.extension().unwrap_or_default();
        if extension != "sock" && !extension.to_string_lossy().starts_with("stamp") {
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
