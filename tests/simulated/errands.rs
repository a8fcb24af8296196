//! Errands while a person has paused the daemon: a pause holds what policies want. What a person
//! asks for by name goes on, unless a policy would write because of it.

use serde_json::Value;

use crate::stage::{CONTAINER, EVERYTHING, Stage, until};

/// `groupType` of a universal security group (MS-ADTS 2.2.12).
const UNIVERSAL_SECURITY: i32 = -2_147_483_640;

/// Everything is written, and a person pauses this much of it; then the daemon is stopped.
fn paused(stage: &Stage, pause: &[&str]) {
    stage.product.run(&["apply"]).expect(0);
    let daemon = stage.product.daemon();
    until("a pass has ended", || daemon.status()["lastPass"]["number"].as_u64() > Some(0));
    stage.product.run(pause).expect(0);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    stage.domain.clear_operations();
}

/// Ends the pause, and lets the daemon make a pass.
fn resume(stage: &Stage, words: &[&str]) {
    let daemon = stage.product.daemon();
    stage.product.run(words).expect(0);
    let number = || daemon.status()["lastPass"]["number"].as_u64();
    let before = number();
    until("a pass without the pause has ended", || number() > before.map(|number| number + 1));
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

fn digest(text: &str) -> String {
    let plan: Value = serde_json::from_str(text).unwrap_or_else(|why| panic!("{why} in\n{text}"));
    plan["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_paused_group_is_let_go_of_on_a_persons_word_and_the_pause_stays() {
    let stage = Stage::small();
    paused(&stage, &["pause"]);
    let group = stage.id("Finance").to_string();
    let away = ["release", "--group", &group];
    let shown = stage.product.run(&[&away[..], &["--output", "json"]].concat()).expect(2);
    let note = "note: everything is paused by root (uid 0) since 20";
    assert!(shown.stderr.contains(note), "{}", shown.stderr);
    assert!(shown.stderr.contains("`release` is done on your word"), "{}", shown.stderr);
    let shown = digest(&shown.stdout);
    let before = stage.owned().len();
    let done = stage.product.run(&[&away[..], &["--expect", &shown]].concat()).expect(0);
    assert!(done.stderr.contains("the pause stays"), "{}", done.stderr);
    assert_eq!(stage.owned().len(), before - 1);
    // It stands still, as it was said.
    stage.domain.clear_operations();
    stage.put_in("Board", &["Ada Lovelace"]);
    let held = stage.product.run(&["apply"]).expect(0);
    assert!(!held.stderr.contains("note:"), "{}", held.stderr);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let status = stage.product.run(&["status"]).expect(0).stdout;
    assert!(status.contains("everything is paused by root"), "{status}");
}

#[test]
fn a_change_set_is_undone_under_a_pause_and_not_done_again_after_it() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.put_in("Board", &["Ada Lovelace"]);
    let before = stage.held();
    paused(&stage, &["pause", "--policy", "everything"]);
    let written = stage.held();
    assert_ne!(written, before);
    let mut intents = stage.product.journal().into_iter().filter(|line| line["kind"] == "intent");
    let set = intents.next_back().unwrap()["plan"].as_str().unwrap()[..12].to_owned();
    let shown = stage.product.run(&["undo", &set]).expect(2);
    let note = "note: policy everything is paused by root (uid 0) since 20";
    assert!(shown.stderr.contains(note), "{}", shown.stderr);
    let digest = shown.stdout.lines().find_map(|line| line.strip_prefix("digest   ")).unwrap();
    stage.product.run(&["undo", &set, "--expect", digest]).expect(0);
    assert_eq!(stage.held(), before);
    // Neither the pause nor its end does it again: it waits for a person.
    stage.product.run(&["apply"]).expect(0);
    resume(&stage, &["resume", "--policy", "everything"]);
    assert_eq!(stage.held(), before);
    let plan = stage.product.run(&["plan", "--state", "state"]).expect(3).stdout;
    assert!(plan.contains("Undone"), "{plan}");
}

#[test]
fn nothing_is_adopted_by_a_policy_that_is_paused_and_the_answer_says_by_whom() {
    let stage = Stage::of(writeback::sim::world::World::small(7));
    let but_finance = "  mode: Sync\n  selection: { exclude: [{ displayName: '^Finance$' }] }";
    stage.product.policy("everything", &EVERYTHING.replacen("  mode: Sync", but_finance, 1));
    stage.domain.edit(|tree| {
        tree.add_group("Old Finance", CONTAINER, "old-finance", UNIVERSAL_SECURITY).unwrap();
    });
    paused(&stage, &["pause", "--policy", "everything"]);
    stage.product.policy("everything", EVERYTHING);
    let old = stage.domain.dump().into_iter().find(|entry| entry.dn.starts_with("CN=Old Finance,"));
    let (group, object) = (stage.id("Finance").to_string(), old.unwrap().guid.to_string());
    let wish = ["adopt", "--group", &group, "--object", &object, "--confirm-incumbent-off"];
    let refused = stage.product.run(&wish).expect(1);
    let why = "not adopted: policy everything is paused by root (uid 0) since 20";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    let ends = "`writeback resume --policy everything`, while the daemon runs, ends it";
    assert!(refused.stderr.contains(ends), "{}", refused.stderr);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}
