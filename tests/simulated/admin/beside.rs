//! `apply` and `plan` beside a daemon and without one; `unseen` is what `apply` tells that could
//! not look.

#[path = "unseen.rs"]
mod unseen;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{a_day_later, held_digest, socket, waiting};
use crate::product::Product;
use crate::stage::{Stage, until};

#[test]
fn apply_beside_the_daemon_is_a_pass_of_the_daemon_with_the_same_words() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let quiet = stage.product.run(&["apply"]).expect(0).stdout;
    assert!(quiet.starts_with("nothing waits"), "{quiet}");
    stage.put_in("Board", &["Ada Lovelace"]);
    let planned = stage.product.run(&["plan"]).expect(2).stdout;
    let wrong = stage.product.run(&["apply", "--expect", "0123456789abcdef"]).expect(2);
    assert!(wrong.stderr.contains("nothing is written"), "{}", wrong.stderr);
    assert!(stage.writes().is_empty());
    let number = || daemon.status()["lastPass"]["number"].as_u64().unwrap();
    let before = number();
    let applied = stage.product.run(&["apply"]).expect(0).stdout;
    assert!(applied.starts_with(&planned), "{planned}\n---\n{applied}");
    assert!(applied.contains("1 of 1 changes done"), "{applied}");
    assert_eq!(stage.held(), stage.wanted());
    assert!(number() > before, "the pass was the daemon's");

    // What is held, what is wrong, and what one pass lets through, as it is alone.
    stage.empty_nearly("All Employees");
    let held = stage.product.run(&["apply"]).expect(3).stdout;
    let digest = held_digest(&daemon).unwrap();
    assert!(held.contains(&digest), "{held}");
    let unknown = stage.product.run(&["apply", "--policy", "payroll"]).expect(5);
    assert!(unknown.stderr.contains("payroll"), "{}", unknown.stderr);
    let wrong = stage.product.run(&["apply", "--approve", "0123456789ab"]).expect(1);
    assert!(wrong.stderr.contains("is not held"), "{}", wrong.stderr);
    assert!(wrong.stderr.contains(&digest[..12]), "{}", wrong.stderr);
    // An approval beside a wrong expectation is no approval for later.
    stage.product.run(&["apply", "--approve", &digest, "--expect", "0123456789ab"]).expect(2);
    stage.product.run(&["apply"]).expect(3);
    assert_eq!(stage.removals(), (0, 0));
    stage.product.run(&["apply", "--approve", &digest[..12]]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    let log = daemon.log();
    assert!(log.contains("admin request") && log.contains("apply --approve"), "{log}");
    stage.keeps_secrets(&log);
    stage.journal_announces_every_write();
}

#[test]
fn apply_alone_lets_the_named_held_set_through() {
    let stage = Stage::written();
    a_day_later(&stage.product);
    stage.empty_nearly("All Employees");
    let held = stage.product.run(&["apply"]).expect(3).stdout;
    let digest = held.lines().find_map(|line| line.strip_prefix("held ")).unwrap().to_owned();
    let wrong = stage.product.run(&["apply", "--approve", "0123456789ab"]).expect(1);
    assert!(wrong.stderr.contains("nothing is written"), "{}", wrong.stderr);
    assert_eq!(stage.removals(), (0, 0));
    stage.product.run(&["apply", "--approve", &digest]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(stage.removals(), (11, 0));
    let again = stage.product.run(&["apply", "--approve", &digest]).expect(1);
    assert!(again.stderr.contains("used"), "{}", again.stderr);
}

#[test]
fn a_plan_remembers_what_the_daemon_remembers() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let board = stage.id("Board");
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    stage.product.run(&["apply"]).expect(0);
    // The daemon has missed the group once; whoever remembers nothing has not.
    until("the second look confirms it", || {
        let plan = stage.product.run(&["plan"]);
        plan.code == 2 && plan.stdout.contains("- delete")
    });
    let path = socket(&stage.product);
    let from = stage.product.run(&["plan", "--from", path.to_str().unwrap()]).expect(2).stdout;
    assert!(from.contains("- delete") && !from.contains("not computed"), "{from}");
    let other = stage.another_product();
    other.policy("everything", crate::stage::EVERYTHING);
    let without = other.run(&["plan"]).expect(0).stdout;
    assert!(without.contains("unconfirmed") && without.contains("not computed"), "{without}");
    let text = other.run(&["plan", "--output", "json"]).expect(0).stdout;
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert!(plan["notComputed"].as_array().unwrap().contains(&json!("RollingWindow")), "{plan:#}");
    let missing = other.run(&["plan", "--from", "nowhere.sock"]).expect(1);
    assert!(missing.stderr.contains("nowhere.sock"), "{}", missing.stderr);
    let missing = other.run(&["plan", "--state", "policies"]).expect(1);
    assert!(missing.stderr.contains("no state"), "{}", missing.stderr);
    other.run(&["plan", "--state", "a", "--from", "b"]).expect(64);
    assert!(!other.path().join("state").exists(), "plan made a state directory");

    // The state that it leaves says the same.
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let files = |product: &Product| -> Vec<(PathBuf, Vec<u8>)> {
        let found = fs::read_dir(product.path().join("state")).unwrap();
        let mut files: Vec<_> = found
            .map(|file| file.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files(&stage.product);
    let configured = stage.product.run(&["plan"]).expect(2).stdout;
    assert!(configured.contains("- delete"), "{configured}");
    let state = stage.product.path().join("state");
    let named = other.run(&["plan", "--state", state.to_str().unwrap()]).expect(2).stdout;
    assert!(named.contains("- delete"), "{named}");
    assert!(files(&stage.product) == before, "plan changed the state");
}
