//! The journal is cut or gone, or the state with it: each start says what it misses, and a loss is
//! no less a loss after the next save.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::admin::a_day_later;
use crate::stage::Stage;

/// What only an older state is told as.
const OLDER: &str = "older copy than the journal";
/// What is told where nothing at all is remembered.
const FORGOTTEN: &str = "nothing is remembered, and the directory holds groups of this owner";

fn journal(stage: &Stage) -> PathBuf {
    stage.product.path().join("state/journal.jsonl")
}

/// A written domain, and the last line of its journal with the hash.
fn written() -> (Stage, u64, Value) {
    let stage = Stage::written();
    a_day_later(&stage.product);
    stage.product.run(&["journal", "verify"]).expect(0);
    let last = stage.product.journal().pop().unwrap();
    let line = last["line"].as_u64().unwrap();
    (stage, line, last["hash"].clone())
}

/// The heads that the journal itself says were lost.
fn losses(stage: &Stage) -> Vec<Value> {
    let lines = stage.product.journal();
    let opened = lines.iter().filter(|line| line["kind"] == "opened" && !line["lost"].is_null());
    opened.map(|line| line["lost"].clone()).collect()
}

/// A removal waits, a loss was told once, and `verify` tells it from then on: also where no head is
/// known.
#[track_caller]
fn stays_lost(stage: &Stage, lost: &Value, told: &str) {
    let state = stage.product.path().join("state");
    let state = state.to_str().unwrap();
    for arguments in [&["journal", "verify"][..], &["journal", "verify", "--state", state]] {
        let ran = stage.product.run(arguments).expect(1);
        assert!(ran.stdout.contains("NOT WHOLE, 1 problem:"), "{}", ran.stdout);
        assert!(ran.stdout.contains(told), "{}", ran.stdout);
        assert!(ran.stdout.contains("the lines that are there are whole"), "{}", ran.stdout);
    }
    assert_eq!(losses(stage), std::slice::from_ref(lost));
}

#[test]
fn a_journal_that_was_cut_says_so_after_every_later_pass() {
    let (stage, known, hash) = written();
    let text = fs::read_to_string(journal(&stage)).unwrap();
    let kept = known / 2;
    let lines = text.split_inclusive('\n').take(usize::try_from(kept).unwrap());
    fs::write(journal(&stage), lines.collect::<String>()).unwrap();
    let verified = stage.product.run(&["journal", "verify"]).expect(1);
    assert!(verified.stdout.contains("lines were cut off"), "{}", verified.stdout);
    stage.take_out("Engineering", &["Grace Hopper"]);
    let ran = stage.product.run(&["apply"]).expect(3);
    let told =
        format!("the journal ends at line {kept}, the state knows line {known}: lines are lost");
    assert!(ran.stderr.contains(&told) && !ran.stderr.contains(OLDER), "{}", ran.stderr);
    assert!(ran.stderr.contains("wait 24 hours or for an approval"), "{}", ran.stderr);
    let lost = serde_json::json!({ "sequence": known, "hash": hash });
    let told = format!("lines {} to {known} are lost: it ended there", kept + 1);
    stays_lost(&stage, &lost, &told);
    let again = stage.product.run(&["apply"]).expect(3);
    assert!(!again.stderr.contains("the journal"), "{}", again.stderr);
    assert_eq!(stage.removals(), (0, 0));
    // A person lets it go; a state that writes on has not got its lines back.
    let digest = again.stdout.lines().find_map(|line| line.strip_prefix("held ")).unwrap();
    stage.product.run(&["apply", "--approve", digest]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    stays_lost(&stage, &lost, &told);
    let shown = stage.product.run(&["journal", "show"]).expect(0).stdout;
    assert!(shown.contains(&format!("without line {known}, which the state knew")), "{shown}");
}

#[test]
fn a_journal_that_is_gone_is_missed_also_by_a_pass_that_has_nothing_to_do() {
    let (stage, known, hash) = written();
    fs::remove_file(journal(&stage)).unwrap();
    stage.product.run(&["journal", "verify"]).expect(1);
    let ran = stage.product.run(&["apply"]).expect(0);
    let told = format!("the journal is gone, and the state knows line {known} of it");
    assert!(ran.stderr.contains(&told) && !ran.stderr.contains(OLDER), "{}", ran.stderr);
    let lost = serde_json::json!({ "sequence": known, "hash": hash });
    let told = format!("everything up to line {known} is lost: the journal was gone");
    stays_lost(&stage, &lost, &told);
    stage.take_out("Finance", &["Ada Lovelace"]);
    stage.put_in("Board", &["Alan Turing"]);
    let ran = stage.product.run(&["apply"]).expect(3);
    assert!(!ran.stderr.contains("the journal is gone"), "{}", ran.stderr);
    assert_eq!(stage.removals(), (0, 0));
    stays_lost(&stage, &lost, &told);
}

#[test]
fn a_state_that_is_really_older_is_told_as_that_and_loses_no_line() {
    let (stage, ..) = written();
    let state = stage.product.path().join("state/state.redb");
    let older = fs::read(&state).unwrap();
    for (group, person) in [("Engineering", "Grace Hopper"), ("Finance", "Ada Lovelace")] {
        stage.take_out(group, &[person]);
        stage.product.run(&["apply"]).expect(0);
    }
    fs::write(&state, older).unwrap();
    let ran = stage.product.run(&["apply"]).expect(0);
    assert!(ran.stderr.contains(OLDER), "{}", ran.stderr);
    assert_eq!(losses(&stage), [] as [Value; 0]);
    stage.product.run(&["journal", "verify"]).expect(0);
}

#[test]
fn a_start_that_remembers_nothing_over_groups_of_its_own_says_so_once() {
    let stage = Stage::small();
    let first = stage.product.run(&["apply"]).expect(0);
    assert!(!first.stderr.contains(FORGOTTEN), "a first start: {}", first.stderr);
    fs::remove_dir_all(stage.product.path().join("state")).unwrap();
    stage.take_out("Engineering", &["Grace Hopper"]);
    let ran = stage.product.run(&["apply"]).expect(3);
    assert!(ran.stderr.contains(FORGOTTEN), "{}", ran.stderr);
    assert!(ran.stderr.contains("wait 24 hours or for an approval"), "{}", ran.stderr);
    assert_eq!(stage.removals(), (0, 0));
    let again = stage.product.run(&["apply"]).expect(3);
    assert!(!again.stderr.contains(FORGOTTEN), "{}", again.stderr);
}

#[test]
fn a_daemon_that_remembers_nothing_over_groups_of_its_own_says_so_in_its_log() {
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    assert!(!daemon.log().contains(FORGOTTEN), "a first start: {}", daemon.log());
    drop(daemon);
    fs::remove_dir_all(stage.product.path().join("state")).unwrap();
    let mut daemon = stage.product.daemon();
    daemon.passed(2);
    let log = daemon.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(FORGOTTEN)).collect();
    assert_eq!(told.len(), 1, "{log}");
    let line: Value = serde_json::from_str(told[0]).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
}
