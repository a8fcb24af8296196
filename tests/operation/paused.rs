//! Pauses: of everything and of one policy, in the middle of a pass, over a restart and over a lost
//! state.

use std::fs;

use serde_json::Value;

use crate::stage::{EVERYTHING, Stage, until};
use crate::{condition, intents, large, pass, trickling, waiting};

/// The policy `everything`, of one group alone.
fn of(group: &str) -> String {
    let selection =
        format!("  mode: Sync\n  selection: {{ include: [{{ displayName: '^{group}$' }}] }}");
    EVERYTHING.replacen("  mode: Sync", &selection, 1)
}

#[test]
fn a_paused_daemon_looks_on_and_writes_nothing_until_it_is_resumed() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let before = pass(&daemon);
    let said = stage.product.run(&["pause"]).expect(0).stdout;
    assert!(said.starts_with("paused\n  everything is paused by root (uid 0) since 20"), "{said}");
    assert!(said.contains("`writeback resume` ends it"), "{said}");
    until("a pass shows it", || pass(&daemon) > before);
    let stalled = condition(&daemon, "everything", "Stalled");
    assert_eq!(stalled["status"], true, "{stalled}");
    assert_eq!(stalled["reason"], "Suspended", "{stalled}");
    let message = stalled["message"].as_str().unwrap();
    assert!(message.starts_with("paused by root (uid 0) since 20"), "{message}");
    assert!(message.contains("`writeback resume` ends it"), "{message}");
    // Paused twice is paused once, by whoever came first.
    let since = daemon.status()["pauses"]["all"]["at"].clone();
    let again = stage.product.run(&["pause"]).expect(0).stdout;
    assert!(again.starts_with("paused already\n"), "{again}");
    assert_eq!(daemon.status()["pauses"]["all"]["at"], since);

    stage.put_in("Board", &["Ada Lovelace"]);
    stage.product.run(&["reconcile"]).expect(0);
    stage.product.run(&["apply"]).expect(0);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let status = stage.product.run(&["status"]).expect(0).stdout;
    assert!(status.contains("! everything is paused by root (uid 0) since 20"), "{status}");

    let said = stage.product.run(&["resume"]).expect(0).stdout;
    assert_eq!(said, "resumed\n  nothing is paused\n");
    until("it goes on at once", || stage.held() == stage.wanted());
    until("the condition is over", || {
        condition(&daemon, "everything", "Stalled")["status"] == false
    });
    let said = stage.product.run(&["resume"]).expect(0).stdout;
    assert!(said.starts_with("nothing to resume\n"), "{said}");
    let kinds: Vec<_> = stage.product.journal().iter().map(|line| line["kind"].clone()).collect();
    let of = |word: &str| kinds.iter().filter(|kind| **kind == word).count();
    assert_eq!((of("paused"), of("resumed")), (1, 1));
    let shown = stage.product.run(&["journal", "show"]).expect(0).stdout;
    assert!(shown.contains("everything paused by root (uid 0)"), "{shown}");
    assert!(shown.contains("everything resumed by root (uid 0)"), "{shown}");
    stage.product.run(&["journal", "verify"]).expect(0);
}

#[test]
fn a_plan_shows_what_waits_for_the_end_of_a_pause_and_who_paused() {
    let stage = Stage::small();
    let _daemon = waiting(&stage);
    stage.product.run(&["pause"]).expect(0);
    stage.put_in("Board", &["Ada Lovelace"]);
    let said = "! everything is paused by root (uid 0) since 20";
    let why = "until then the daemon writes nothing that a paused policy wants";
    let plan = stage.product.run(&["plan"]).expect(2).stdout;
    assert!(plan.contains("+ member"), "{plan}");
    let (head, changes) = plan.split_once(why).unwrap();
    assert!(head.contains(said) && head.contains("`writeback resume` ends it"), "{plan}");
    assert!(changes.contains("ada.lovelace"), "what a plan cannot do is told first: {plan}");
    let comment = stage.product.run(&["plan", "--output", "markdown"]).expect(2).stdout;
    let (head, changes) = comment.split_once("#### Changes").unwrap();
    assert!(head.contains(why) && head.contains(&said[2..]), "{comment}");
    assert!(changes.contains("ada.lovelace"), "{comment}");
    let document = stage.product.run(&["plan", "--output", "json"]).expect(2).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["pauses"]["all"]["by"], "root (uid 0)", "{document}");
    assert_eq!(document["changes"][0]["admission"], "Admitted", "{document}");

    // What is asked of the daemon is what a paused daemon does.
    let apply = stage.product.run(&["apply"]).expect(0).stdout;
    assert!(apply.contains("nothing waits") && apply.contains(why), "{apply}");
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.product.run(&["resume"]).expect(0);
    until("it goes on", || stage.held() == stage.wanted());
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(0).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["pauses"]["all"], Value::Null, "{plan}");
}

#[test]
fn a_policy_is_paused_alone_and_an_unknown_one_not_at_all() {
    let stage = Stage::of(writeback::sim::world::World::small(7));
    stage.product.policy("board", &of("Board"));
    stage.product.policy("finance", &of("Finance"));
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let daemon = stage.product.daemon();
    until("the first pass has ended", || pass(&daemon) == 1);
    stage.domain.clear_operations();
    for word in ["pause", "resume"] {
        let refused = stage.product.run(&[word, "--policy", "finence"]).expect(1).stderr;
        let wanted = "there is no policy `finence`; in force are board, finance";
        assert!(refused.contains(wanted), "{refused}");
        stage.product.run(&[word, "--policy", "Not A Name"]).expect(64);
    }
    assert_eq!(daemon.status()["pauses"]["policies"], Value::Object(serde_json::Map::new()));
    let said = stage.product.run(&["pause", "--policy", "finance"]).expect(0).stdout;
    assert!(said.contains("policy finance is paused by root (uid 0)"), "{said}");
    assert!(said.contains("`writeback resume --policy finance` ends it"), "{said}");
    for group in ["Board", "Finance"] {
        stage.put_in(group, &["Grace Hopper"]);
    }
    stage.product.run(&["reconcile"]).expect(0);
    let (board, finance) = (stage.dn("Board"), stage.dn("Finance"));
    let written: Vec<_> = stage.writes().into_iter().map(|write| write.dn.to_lowercase()).collect();
    let guid = |dn: &str| stage.domain.edit(|tree| tree.guid_of(dn).unwrap().to_string());
    let concerns = |dn: &str| {
        let (dn, guid) = (dn.to_lowercase(), guid(dn).to_lowercase());
        written.iter().any(|target| target.contains(&dn) || target.contains(&guid))
    };
    assert!(concerns(&board) && !concerns(&finance), "{written:?}");
    assert_eq!(condition(&daemon, "board", "Ready")["status"], true);
    assert_eq!(condition(&daemon, "finance", "Stalled")["reason"], "Suspended");
    // The word for everything does not end what was paused by name.
    stage.product.run(&["pause"]).expect(0);
    let said = stage.product.run(&["resume"]).expect(0).stdout;
    assert!(said.contains("policy finance is paused"), "{said}");
    stage.product.run(&["resume", "--policy", "finance"]).expect(0);
    until("it goes on", || condition(&daemon, "finance", "Ready")["status"] == true);
}

#[test]
fn a_pause_outlives_the_daemon_and_the_loss_of_its_state() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.product.run(&["pause"]).expect(0);
    let pause = daemon.status()["pauses"].clone();
    // Saved at once: nothing else has to happen for it.
    daemon.signal("KILL");
    assert_eq!(daemon.wait(), None);
    stage.put_in("Board", &["Ada Lovelace"]);
    // Without a daemon it holds for `apply`, too, and the status that is left tells it.
    stage.product.run(&["apply"]).expect(0);
    assert!(stage.writes().is_empty());
    let left = stage.product.run(&["status"]).expect(0).stdout;
    assert!(left.starts_with("! no daemon runs"), "{left}");
    assert!(left.contains("! everything is paused by root"), "{left}");
    let daemon = stage.product.daemon();
    until("a pass has ended", || pass(&daemon) == 1);
    assert_eq!(daemon.status()["pauses"], pause);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    // The journal knows it where the state is lost.
    let folder = stage.product.path().join("state");
    for file in fs::read_dir(&folder).unwrap().map(|file| file.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        if !name.starts_with("journal") && name != "lock" {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let daemon = stage.product.daemon();
    until("a pass has ended", || pass(&daemon) == 1);
    let found = daemon.status()["pauses"]["all"].clone();
    assert_eq!(found["by"], pause["all"]["by"], "{found}");
    let moment = |value: &Value| value["at"].as_str().unwrap()[..19].to_owned();
    assert_eq!(moment(&found), moment(&pause["all"]));
    assert!(stage.writes().is_empty());
    stage.product.run(&["resume"]).expect(0);
    until("it goes on", || stage.held() == stage.wanted());
}

#[test]
fn a_pause_ends_the_writing_of_the_pass_under_way() {
    let stage = large();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    stage.domain.set_writes_left(Some(20));
    let daemon = stage.product.daemon();
    until("one more is announced", || intents(&stage) == 21);
    trickling(&stage, || stage.product.run(&["pause"]).expect(0));
    stage.domain.set_writes_left(None);
    let known = intents(&stage);
    assert_ne!(stage.held(), stage.wanted(), "it did everything all the same");
    // The first one ended before the answer.
    until("a pass under the pause has ended", || pass(&daemon) >= 2);
    assert_eq!(intents(&stage), known, "it goes on writing");
    stage.product.run(&["resume"]).expect(0);
    until("it goes on", || condition(&daemon, "everything", "Ready")["status"] == true);
    assert_eq!(stage.held(), stage.wanted());
    stage.journal_announces_every_write();
    // An unknown name may end that writing, but pauses nothing.
    stage.product.run(&["pause", "--policy", "nobody"]).expect(1);
    let before = pass(&daemon);
    let group = stage.owned()[0].text("displayName").unwrap().to_owned();
    let id = stage.id(&group);
    stage.cloud(|cloud| cloud.rename_group(id, "Another name"));
    stage.product.run(&["reconcile"]).expect(0);
    assert!(pass(&daemon) > before);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn a_pause_needs_a_daemon() {
    let stage = Stage::small();
    for word in ["pause", "resume", "reconcile", "reload"] {
        let absent = stage.product.run(&[word]).expect(1);
        assert!(absent.stderr.contains("no daemon answers"), "{}", absent.stderr);
        assert_eq!(absent.stdout, "");
    }
    assert!(!stage.product.path().join("state").exists());
}
