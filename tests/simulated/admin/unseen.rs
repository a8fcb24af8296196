//! A pass on request that cannot look: it counts as a failed one, as that of the loop does, in the
//! daemon and without one.

use serde_json::{Value, json};
use writeback::sim::tenant::{Fault, Order, Where};

use super::waiting;
use crate::exposition::samples;
use crate::product::get;
use crate::stage::{Stage, until};

/// A side that cannot be read, by its name in the status and in conditions.
const SIDES: [(&str, &str); 2] = [("Tenant", "TenantUnavailable"), ("Domain", "DomainUnavailable")];

/// Shuts a side to whoever comes anew.
fn shut(stage: &Stage, side: &str) {
    if side == "Tenant" {
        stage.tenant.order(Order::always(Where::Groups, Fault::WrongJson));
    } else {
        stage.product.write("bind-password", "none that the domain knows");
    }
}

fn open(stage: &Stage) {
    stage.tenant.clear_orders();
    stage.product.write("bind-password", &stage.domain.service_account().password);
}

fn status(stage: &Stage) -> Value {
    let text = stage.product.run(&["status", "--output", "json"]).expect(0).stdout;
    serde_json::from_str(&text).unwrap()
}

/// Holds that a status tells of a last pass that failed on this side.
#[track_caller]
fn failed(status: &Value, side: &str, reason: &str) {
    assert_eq!(status["lastPass"]["result"], "Failed", "{status:#}");
    assert_eq!(status["lastPasses"][0], status["lastPass"], "{status:#}");
    assert_eq!(status["consecutiveFailures"], 1, "{status:#}");
    assert_eq!(status["fault"]["side"], side, "{status:#}");
    let conditions = status["policies"]["everything"]["conditions"].as_array().unwrap();
    let told: Vec<_> =
        conditions.iter().map(|told| (&told["type"], &told["status"], &told["reason"])).collect();
    let (ready, stalled, reason) = (json!("Ready"), json!("Stalled"), json!(reason));
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(told, [(&ready, &no, &reason), (&stalled, &yes, &reason)], "{status:#}");
}

#[test]
fn an_apply_alone_that_cannot_look_is_a_failed_pass_of_the_status() {
    for (side, reason) in SIDES {
        let stage = Stage::written();
        let before = status(&stage);
        assert_eq!(before["lastPass"]["result"], "Applied", "{before:#}");
        shut(&stage, side);
        // Whoever only looks makes no pass.
        assert_ne!(stage.product.run(&["plan"]).code, 0);
        assert_eq!(status(&stage), before);
        let ran = stage.product.run(&["apply"]);
        assert!(ran.code == 1 || ran.code == 4, "{}: {}", ran.code, ran.stderr);
        assert!(ran.stderr.contains("failed to read the"), "{}", ran.stderr);
        let told = status(&stage);
        failed(&told, side, reason);
        assert_eq!(told["lastPasses"][1], before["lastPass"], "{told:#}");
        assert_eq!(told["lastSuccessAt"], before["lastSuccessAt"], "{told:#}");
        let text = stage.product.run(&["status"]).expect(0).stdout;
        assert!(text.contains(&format!("Ready: no ({reason})")), "{text}");
        // What was asked amiss is no pass.
        stage.product.run(&["apply", "--policy", "payroll"]).expect(5);
        assert_eq!(status(&stage), told);

        open(&stage);
        stage.put_in("Board", &["Ada Lovelace"]);
        stage.product.run(&["apply"]).expect(0);
        assert_eq!((stage.held(), stage.removals()), (stage.wanted(), (0, 0)));
        let told = status(&stage);
        assert_eq!(told["lastPass"]["result"], "Applied", "{told:#}");
        assert_eq!((&told["fault"], &told["consecutiveFailures"]), (&Value::Null, &json!(0)));
        stage.product.run(&["journal", "verify"]).expect(0);
    }
}

#[test]
fn a_first_apply_that_cannot_look_leaves_a_state_that_knows_nothing_yet() {
    let stage = Stage::small();
    shut(&stage, "Domain");
    assert_ne!(stage.product.run(&["apply"]).code, 0);
    failed(&status(&stage), "Domain", "DomainUnavailable");
    open(&stage);
    stage.product.run(&["apply"]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(status(&stage)["memory"]["closedUntil"], Value::Null);
}

#[test]
fn an_apply_without_a_policy_folder_is_a_failed_pass_too() {
    let stage = Stage::small();
    let [folder, aside] = ["policies", "elsewhere"].map(|name| stage.product.path().join(name));
    std::fs::rename(&folder, &aside).unwrap();
    stage.product.run(&["apply"]).expect(5);
    let told = status(&stage);
    assert_eq!(told["lastPass"]["result"], "Failed", "{told:#}");
    assert_eq!(told["fault"]["side"], "Policies", "{told:#}");
    std::fs::rename(&aside, &folder).unwrap();
    stage.product.run(&["apply"]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn a_pass_that_somebody_asks_the_daemon_for_and_that_cannot_look_is_a_failed_one_of_its_own() {
    for ((side, reason), words) in SIDES.into_iter().zip([["apply"], ["reconcile"]]) {
        let stage = Stage::small();
        let daemon = waiting(&stage);
        let count = |series: &str| samples(&get(&daemon.metrics, "/metrics").1)[series];
        let failures = || count("writeback_reconcile_total{result=\"failed\"}");
        let (before, number) =
            (daemon.status(), |status: &Value| status["lastPass"]["number"].as_u64());
        assert!(failures() < 0.5);
        if side == "Tenant" {
            shut(&stage, side);
        } else {
            // The daemon is connected.
            stage.domain.set_busy(true);
        }
        let ran = stage.product.run(&words);
        assert!(ran.code == 1 || ran.code == 4, "{}: {}", ran.code, ran.stderr);
        let told = daemon.status();
        failed(&told, side, reason);
        assert!(number(&told) > number(&before), "{told:#}");
        assert_eq!(told["lastSuccessAt"], before["lastSuccessAt"], "{told:#}");
        assert!(failures() > 0.5 && count("writeback_consecutive_failures") > 0.5);
        let (ready, why) = get(&daemon.metrics, "/readyz");
        assert_eq!(ready, 200, "{why}");
        stage.tenant.clear_orders();
        stage.domain.set_busy(false);
        stage.put_in("Board", &["Ada Lovelace"]);
        stage.product.run(&["apply"]).expect(0);
        until("the status is well again", || daemon.status()["consecutiveFailures"] == 0);
        assert_eq!((stage.held(), &daemon.status()["fault"]), (stage.wanted(), &Value::Null));
    }
}
