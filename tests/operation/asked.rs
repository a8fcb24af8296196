//! A pass, or only the policies read again, on request.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::product::{Daemon, get};
use crate::stage::{EVERYTHING, Stage, until};
use crate::{pass, waiting};

#[test]
fn a_pass_on_request_tells_of_the_group_that_is_asked_for() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let before = pass(&daemon);
    let quiet = stage.product.run(&["reconcile"]).expect(0).stdout;
    assert_eq!(quiet, "0 of 0 changes done\n");
    assert_eq!(pass(&daemon), before + 1);

    stage.put_in("Board", &["Ada Lovelace"]);
    stage.put_in("Finance", &["Ada Lovelace"]);
    let id = stage.id("Board");
    let told = stage.product.run(&["reconcile", "board"]).expect(0).stdout;
    // The whole of it is done, one group is told of.
    assert_eq!(stage.held(), stage.wanted());
    let dn = stage.dn("Board");
    let first = format!("group {id} of policy everything: {dn}\n  + member  ");
    assert!(told.starts_with(&first), "{told}");
    assert!(told.contains("1: ada.lovelace") && told.contains("]: done\n"), "{told}");
    assert!(told.contains("\n  Ready (InStep) "), "{told}");
    assert_eq!(told.matches("+ member").count(), 1, "{told}");

    let anchor = format!("Group_{id}");
    for name in [&id.to_string(), &anchor, &dn, "Board"] {
        let told = stage.product.run(&["reconcile", name]).expect(0).stdout;
        assert!(told.starts_with(&format!("group {id} of policy everything")), "{name}: {told}");
        assert!(told.contains("\n  nothing waits\n"), "{name}: {told}");
    }
    // What is held is told of its group, with the exit code of `apply`.
    stage.empty_nearly("All Employees");
    let told = stage.product.run(&["reconcile", "All Employees"]).expect(3).stdout;
    assert!(told.contains("\n  held: - member"), "{told}");
    assert!(told.contains("\n  Held (GuardTripped) "), "{told}");
    // The others of its policy are as they are.
    let told = stage.product.run(&["reconcile", "Board"]).expect(3).stdout;
    assert!(told.contains("\n  nothing waits\n  Ready (InStep) "), "{told}");
    assert!(!told.contains("Held"), "{told}");
    let told = stage.product.run(&["reconcile"]).expect(3).stdout;
    assert!(told.contains("1 changes are held; `writeback plan` shows them"), "{told}");
    assert_eq!(stage.removals(), (0, 0));
}

#[test]
fn a_group_that_nobody_knows_is_said_to_be_unknown_and_the_pass_is_made() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let before = pass(&daemon);
    stage.put_in("Board", &["Ada Lovelace"]);
    let unknown = stage.product.run(&["reconcile", "Nobody\u{1b}[2J"]).expect(1);
    assert!(unknown.stderr.contains("is called `Nobody\\u{1b}[2J`"), "{}", unknown.stderr);
    assert_eq!(pass(&daemon), before + 1);
    assert_eq!(stage.held(), stage.wanted());
}

/// Publishes a commit as git-sync does: a work tree named by its hash, and one link that is renamed
/// over the old one. The first policy is `everything`, the second `board`.
fn publish(stage: &Stage, version: usize, specs: &[&str]) -> String {
    let root = stage.product.path().join("git");
    let hash = format!("{version:040x}");
    let folder = root.join(".worktrees").join(&hash).join("policies");
    fs::create_dir_all(&folder).unwrap();
    for (name, spec) in ["everything", "board"].into_iter().zip(specs) {
        let text = format!(
            "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: {{ name: {name} }}\n\
             spec:\n{spec}\n"
        );
        fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    }
    symlink(format!(".worktrees/{hash}"), root.join("next")).unwrap();
    fs::rename(root.join("next"), root.join("current")).unwrap();
    hash
}

/// The revisions that the metrics say are in force.
fn in_force(daemon: &Daemon) -> Vec<String> {
    let metrics = get(&daemon.metrics, "/metrics").1;
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("writeback_policy_info{"));
    let revision =
        |line: &str| line.strip_prefix("revision=\"")?.strip_suffix("\"} 1").map(str::to_owned);
    lines.map(|line| revision(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

#[test]
fn the_revision_of_the_policies_shows_and_moves_with_each_commit() {
    let stage = Stage::small();
    fs::create_dir(stage.product.path().join("git")).unwrap();
    let first = publish(&stage, 0xa1, &[EVERYTHING]);
    stage.product.reconfigure("path: policies", "path: git/current/policies");
    let daemon = waiting(&stage);
    let folder = || daemon.status()["folder"].clone();
    assert_eq!(folder()["revision"], first.as_str());
    assert_eq!(in_force(&daemon), [first.as_str()]);
    let loaded = folder()["loadedAt"].clone();
    assert!(loaded.as_str().unwrap().starts_with("20"), "{loaded}");
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains(&format!("policies of revision {first} read 20")), "{text}");
    // A commit that changes no policy is a commit all the same, and no reason for a pass.
    let second = publish(&stage, 0xa2, &[EVERYTHING]);
    until("the second commit shows", || folder()["revision"] == second.as_str());
    assert_eq!(in_force(&daemon), [second.as_str()]);
    assert_eq!(pass(&daemon), 1);
    // What is written is journalled with the commit that says so.
    let spec = EVERYTHING.replacen("mode: Sync", "mode: UpsertOnly", 1);
    let third = publish(&stage, 0xa3, &[&spec]);
    until("a pass follows", || pass(&daemon) == 2);
    assert_eq!(folder()["revision"], third.as_str());
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.product.run(&["reconcile"]).expect(0);
    let journal = stage.product.journal();
    let intent = journal.iter().rfind(|line| line["kind"] == "intent").unwrap();
    assert_eq!(intent["revision"], third.as_str(), "{intent}");
    // A broken commit is the revision that was read; what it breaks stays as it was.
    let broken = publish(&stage, 0xa4, &["  mode: Snyc"]);
    let told = stage.product.run(&["reload"]).expect(5);
    assert!(told.stdout.contains(&format!("at revision {broken}\n")), "{}", told.stdout);
    let kept = format!("  in force: everything (revision {third})\n");
    assert!(told.stdout.contains(&kept), "{}", told.stdout);
    assert!(told.stderr.contains("everything.yaml:5:"), "{}", told.stderr);
    assert_eq!(stage.removals(), (0, 0));
}

#[test]
fn what_a_broken_commit_leaves_in_force_is_of_the_revision_that_was_good() {
    let stage = Stage::small();
    fs::create_dir(stage.product.path().join("git")).unwrap();
    let only = "precedence: 50\n  selection: { include: [{ displayName: '^Board$' }] }";
    let board = EVERYTHING.replacen("  mode: Sync", &format!("  mode: Sync\n  {only}"), 1);
    let good = publish(&stage, 0xb1, &[EVERYTHING, &board]);
    stage.product.reconfigure("path: policies", "path: git/current/policies");
    let daemon = waiting(&stage);
    let of = |name: &str| daemon.status()["policies"][name]["revision"].clone();
    assert_eq!(["everything", "board"].map(of), [good.as_str(), good.as_str()]);
    assert_eq!(in_force(&daemon), [good.as_str()]);
    let older = format!("in force as it was at revision {good}");
    assert!(!stage.product.run(&["status"]).expect(0).stdout.contains(&older));

    let broken = publish(&stage, 0xb2, &[EVERYTHING, "  mode: Snyc"]);
    until("the broken commit shows", || daemon.status()["folder"]["revision"] == broken.as_str());
    assert_eq!(["everything", "board"].map(of), [broken.as_str(), good.as_str()]);
    assert_eq!(in_force(&daemon), [good.as_str(), broken.as_str()]);
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains(&format!("policies of revision {broken} read 20")), "{text}");
    assert_eq!(text.matches("in force as it was").count(), 1, "{text}");
    let line = format!("mode Sync\n  {older}; revision {broken} was read last\n");
    let (_, of_board) = text.split_once("\npolicy board: ").unwrap();
    assert!(of_board.split_once(&line).is_some_and(|(counts, _)| !counts.contains('\n')), "{text}");
    let (_, page) = get(&daemon.status, "/");
    assert!(page.contains(&format!("<dt>Git revision read</dt><dd><code>{broken}<")), "{page}");
    let older = format!("in force as it was at revision <code>{good}<");
    assert_eq!(page.matches(&older).count(), 1, "{page}");
    assert_eq!(page.matches("in force as it was").count(), 1, "{page}");
    let told = stage.product.run(&["reload"]).expect(5).stdout;
    assert!(told.contains(&format!("  in force: board (revision {good}), everything\n")), "{told}");

    // What is written under the last good version is journalled with its revision.
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.put_in("Contractors", &["Ada Lovelace"]);
    stage.product.run(&["reconcile"]);
    assert_eq!(stage.held(), stage.wanted());
    let journal = stage.product.journal();
    let last = |policy: &str| {
        let mut intents = journal.iter().filter(|line| line["kind"] == "intent");
        intents.rfind(|line| line["policy"] == policy).unwrap()["revision"].clone()
    };
    assert_eq!(["everything", "board"].map(last), [broken.as_str(), good.as_str()]);

    let mended = publish(&stage, 0xb3, &[EVERYTHING, &board]);
    until("the mended commit shows", || daemon.status()["folder"]["revision"] == mended.as_str());
    assert_eq!(["everything", "board"].map(of), [mended.as_str(), mended.as_str()]);
    assert_eq!(in_force(&daemon), [mended.as_str()]);
    let (_, page) = get(&daemon.status, "/");
    assert!(!page.contains("in force as it was"), "{page}");
}

#[test]
fn a_reload_on_request_says_what_is_in_force_and_what_is_wrong() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let same = stage.product.run(&["reload"]).expect(0).stdout;
    assert_eq!(same, "policies unchanged\n  in force: everything\n");
    assert_eq!(pass(&daemon), 1);
    let folder = stage.product.path().join("policies");
    fs::rename(&folder, stage.product.path().join("aside")).unwrap();
    let gone = stage.product.run(&["reload"]).expect(5);
    assert!(gone.stderr.contains("the policy folder cannot be read"), "{}", gone.stderr);
    assert!(gone.stdout.contains("  in force: everything\n"), "{}", gone.stdout);
    until("the condition tells it, hours before the next pass", || {
        crate::condition(&daemon, "everything", "Stalled")["reason"] == "PolicyInvalid"
    });
    assert_eq!(daemon.status()["folder"]["generation"], Value::Null);
    fs::rename(stage.product.path().join("aside"), &folder).unwrap();
    until("the condition is over", || {
        crate::condition(&daemon, "everything", "Stalled")["status"] == false
    });
    stage.product.run(&["reload"]).expect(0);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn what_no_event_tells_is_found_by_the_poll_and_logged() {
    let stage = Stage::small();
    // A subPath mount and some network file systems are like this: the file changes under a name of
    // which nobody is told.
    let elsewhere = stage.product.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let file = stage.product.path().join("policies/everything.yaml");
    fs::hard_link(&file, elsewhere.join("everything.yaml")).unwrap();
    let daemon = waiting(&stage);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(elsewhere.join("everything.yaml"), text.replacen("Sync", "UpsertOnly", 1)).unwrap();
    until("the poll finds it", || {
        daemon.status()["policies"]["everything"]["mode"] == "UpsertOnly"
    });
    // The word on who told comes after the policies themselves.
    until("the log tells it", || daemon.log().contains("no event told it"));
}
