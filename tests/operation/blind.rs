//! A side that is down when the daemon starts: whoever looks reads of every policy that it stands
//! still, and why.

use std::fs;

use serde_json::Value;
use writeback::sim::tenant::{Fault, Order, Where};

use crate::condition;
use crate::product::{Daemon, get};
use crate::stage::{EVERYTHING, Stage, until};

/// Waits until a policy is told as stalled for this reason.
#[track_caller]
fn stalls(daemon: &Daemon, policy: &str, reason: &str) {
    until(&format!("{policy} is stalled: {:#}", daemon.status()), || {
        condition(daemon, policy, "Stalled")["status"] == true
    });
    for kind in ["Ready", "Stalled"] {
        let told = condition(daemon, policy, kind);
        assert_eq!(told["status"], kind == "Stalled", "{told}");
        assert_eq!(told["reason"], reason, "{told}");
        assert_ne!(told["message"].as_str().unwrap(), "", "{told}");
    }
}

/// The page and `status` name the policy with this reason.
#[track_caller]
fn told(stage: &Stage, daemon: &Daemon, policy: &str, reason: &str) {
    let (_, page) = get(&daemon.status, "/");
    assert!(page.contains(&format!("/groups?policy={policy}\"")), "{page}");
    assert!(page.contains(reason) && !page.contains("None is in force"), "{page}");
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains(&format!("\npolicy {policy}: ")), "{text}");
    assert!(text.contains(&format!("\n  Stalled: yes ({reason}) ")), "{text}");
}

#[test]
fn policies_that_no_pass_could_look_for_are_told_with_what_stalls_them() {
    let stage = Stage::small();
    stage.domain.set_busy(true);
    let daemon = stage.product.daemon();
    stalls(&daemon, "everything", "DomainUnavailable");
    told(&stage, &daemon, "everything", "DomainUnavailable");
    let policy = |name: &str| daemon.status()["policies"][name].clone();
    assert_eq!(
        (&policy("everything")["mode"], &policy("everything")["groups"]),
        (&"Sync".into(), &0.into())
    );
    until("a second pass fails", || daemon.status()["consecutiveFailures"].as_u64() >= Some(2));
    let (_, page) = get(&daemon.status, "/");
    assert!(page.contains(" passes in a row"), "{page}");
    // The folder is read all the same: what comes is there, and what goes is gone.
    stage.product.run(&["pause"]).expect(0);
    stage.product.policy("second", &EVERYTHING.replacen("mode: Sync", "mode: Observe", 1));
    stalls(&daemon, "second", "DomainUnavailable");
    assert_eq!(
        (&policy("second")["mode"], &policy("second")["suspend"]),
        (&"Observe".into(), &true.into())
    );
    fs::remove_file(stage.product.path().join("policies/second.yaml")).unwrap();
    until("it is in force no more", || policy("second") == Value::Null);
    assert_eq!(condition(&daemon, "everything", "Stalled")["reason"], "DomainUnavailable");
    assert!(stage.writes().is_empty());
    stage.domain.set_busy(false);
    stage.product.run(&["resume"]).expect(0);
    until("it is ready", || condition(&daemon, "everything", "Ready")["status"] == true);
    assert_eq!(condition(&daemon, "everything", "Stalled")["status"], false);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn a_policy_holds_what_it_held_while_nobody_can_look() {
    let stage = Stage::written();
    stage.tenant.order(Order::always(Where::Token, Fault::Unavailable503));
    let daemon = stage.product.daemon();
    stalls(&daemon, "everything", "TenantUnavailable");
    told(&stage, &daemon, "everything", "TenantUnavailable");
    let held = stage.held();
    let policy = daemon.status()["policies"]["everything"].clone();
    let members: usize = held.values().map(|(_, members)| members.len()).sum();
    assert_eq!((&policy["groups"], &policy["memberships"]), (&held.len().into(), &members.into()));
    assert_eq!(daemon.status()["plan"]["digest"], Value::Null, "it did look");
}
