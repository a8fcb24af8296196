//! A daemon that writes nothing does not say that the directory is in step.

use crate::ask::get;
use crate::product::Daemon;
use crate::stage::{EVERYTHING, Stage, until};

/// The first words of the page, and of its tab.
#[track_caller]
fn verdict(daemon: &Daemon) -> String {
    let body = get(&daemon.status, "/").expect(200).body;
    let between = |begin: &str, end: &str| {
        let (_, rest) = body.split_once(begin).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let (heading, title) = (between("<h1>", "</h1>"), between("<title>", "</title>"));
    let is_in_step = |text: &str| text.contains("The directory is in step");
    assert_eq!(is_in_step(&heading), is_in_step(&title), "{heading} {title}");
    heading
}

/// The page after a pass that began after this.
#[track_caller]
fn says(daemon: &Daemon, wanted: &str) {
    until(&format!("{wanted:?} is said: {}", verdict(daemon)), || verdict(daemon).contains(wanted));
    // The next pass says so, too.
    let number = || daemon.status()["lastPass"]["number"].as_u64().unwrap();
    let before = number();
    until("two more passes end", || number() >= before + 2);
    let said = verdict(daemon);
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_daemon_that_writes_nothing_does_not_say_that_the_directory_is_in_step() {
    let stage = Stage::small();
    let daemon = stage.product.daemon();
    says(&daemon, "The directory is in step");
    stage.product.run(&["pause"]).expect(0);
    says(&daemon, "Everything is paused: nothing is written");
    stage.put_in("Board", &["Ada Lovelace"]);
    says(&daemon, "Everything is paused: nothing is written");
    stage.product.run(&["resume"]).expect(0);
    says(&daemon, "The directory is in step");
    stage.product.run(&["pause", "--policy", "everything"]).expect(0);
    says(&daemon, " idle");
    stage.product.run(&["resume", "--policy", "everything"]).expect(0);
    says(&daemon, "The directory is in step");
    let suspended = EVERYTHING.replacen("  mode: Sync", "  mode: Sync\n  suspend: true", 1);
    stage.product.policy("everything", &suspended);
    says(&daemon, " idle");
    // Nothing stands in the directory yet, and nobody writes it.
    let stage = Stage::small();
    stage.product.policy("everything", &suspended);
    let daemon = stage.product.daemon();
    says(&daemon, "No policy writes anything now");
}
