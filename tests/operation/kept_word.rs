//! An approval that was given before a pause: a pass that may not write neither uses nor drops it,
//! and the first one that may lets through what it names.

use jiff::SignedDuration;
use serde_json::{Value, json};
use writeback::controller::now;
use writeback::model::{ApprovalRequest, Pause};

use crate::product::Daemon;
use crate::stage::{Stage, until};
use crate::waiting;
use crate::word::{SLOW, ask, engine, held, slow_pass};

fn of_kind(stage: &Stage, kind: &str) -> usize {
    stage.product.journal().iter().filter(|line| line["kind"] == kind).count()
}

/// The digests of the approvals that still let something through.
fn approved(daemon: &Daemon) -> Vec<Value> {
    let approvals = daemon.status()["memory"]["approvals"].as_array().unwrap().clone();
    approvals.into_iter().map(|approval| approval["digest"].clone()).collect()
}

/// Approves what is held, pauses as `policy` says before any pass can take that up, lets two passes
/// look on, and ends the pause.
fn check(policy: Option<&str>) {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let digest = held(&stage, &daemon);
    let pass = slow_pass(&stage, &daemon, SLOW);
    let approve = ask(&stage, &daemon, &json!({"ask": "approve", "digest": digest}));
    let pause = ask(&stage, &daemon, &json!({"ask": "pause", "policy": policy}));
    assert_eq!(pass.answer()["exit"], 3);
    assert_eq!(approve.answer()["answer"], "approved");
    assert_eq!(pause.answer()["changed"], true);
    for _ in 0..2 {
        stage.product.run(&["reconcile"]).expect(0);
    }
    assert_eq!(stage.removals(), (0, 0));
    assert_eq!(approved(&daemon), [digest.as_str()]);
    assert_eq!((of_kind(&stage, "approval"), of_kind(&stage, "approvalUsed")), (1, 0));

    let mut resume = vec!["resume"];
    resume.extend(policy.into_iter().flat_map(|name| ["--policy", name]));
    stage.product.run(&resume).expect(0);
    until("it is let through", || stage.held() == stage.wanted());
    assert_eq!(stage.removals(), (11, 0));
    until("it is used up", || of_kind(&stage, "approvalUsed") == 1);
    assert_eq!(of_kind(&stage, "approval"), 1);
    let log = daemon.log();
    assert!(!log.contains("approval dropped"), "{log}");
}

#[test]
fn an_approval_waits_for_the_end_of_a_pause_of_everything() {
    check(None);
}

#[test]
fn an_approval_waits_for_the_end_of_a_pause_of_its_policy() {
    check(Some("everything"));
}

#[test]
fn what_is_approved_with_a_paused_apply_is_let_through_after_the_pause() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let digest = held(&stage, &daemon);
    let pass = slow_pass(&stage, &daemon, SLOW);
    let pause = ask(&stage, &daemon, &json!({"ask": "pause"}));
    let apply = ask(&stage, &daemon, &json!({"ask": "apply", "approve": digest}));
    assert_eq!(pass.answer()["exit"], 3);
    assert_eq!(pause.answer()["changed"], true);
    let told = apply.answer();
    assert_eq!(told["exit"], 0, "{told}");
    assert_eq!(stage.removals(), (0, 0));
    stage.product.run(&["resume"]).expect(0);
    until("it is let through", || stage.held() == stage.wanted());
    assert_eq!(stage.removals(), (11, 0));
}

#[test]
fn an_approval_that_no_look_could_take_up_waits_while_it_is_paused_and_ends_with_its_time() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.empty_nearly("All Employees");
    let mut engine = engine(&stage);
    let look = stage.runtime.block_on(engine.look(None)).unwrap();
    let digest = look.guarded.held.digest().unwrap();
    let hour = SignedDuration::from_hours(1);
    let (digest_text, by, not_after) = (digest.to_string(), "ann".to_owned(), now() + hour);
    let pause = Pause { by: by.clone(), at: now() };
    // What was held is known from no pass: nobody finds the set while nothing is planned.
    engine.memory_mut().pauses.pause(None, pause.clone());
    let request = ApprovalRequest { digest: digest_text, approved_by: by, not_after, place: None };
    engine.request(request.clone());
    let paused = stage.runtime.block_on(engine.look(None)).unwrap();
    assert!(paused.granted.is_empty(), "{:?}", paused.granted);
    engine.memory_mut().pauses.resume(None);
    let resumed = stage.runtime.block_on(engine.look(None)).unwrap();
    assert!(resumed.granted.contains_key(&digest), "{:?}", resumed.granted);

    engine.memory_mut().approvals.clear();
    engine.request(request);
    engine.memory_mut().pauses.pause(None, pause);
    stage.runtime.block_on(engine.look_at(None, not_after)).unwrap();
    engine.memory_mut().pauses.resume(None);
    let late = stage.runtime.block_on(engine.look(None)).unwrap();
    assert!(late.granted.is_empty(), "{:?}", late.granted);
}
