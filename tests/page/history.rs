//! The history of a group over restarts of the daemon: what was done before is told as it was, and
//! what is done since stands on top of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use writeback::sim::domain::{Fault, OperationKind, Order, Where};

use crate::ask::get;
use crate::product::Daemon;
use crate::stage::{Stage, until};

/// What the cloud calls the group that is renamed.
const BOARD: &str = "The \"Board\" \u{7}";
/// What is told of a change whose outcome the journal does not have.
const UNHEARD: &str =
    "the journal has no outcome of it: the daemon ended before, or the line is lost";

/// The history of every group, the newest first, by display name.
type Histories = BTreeMap<String, Vec<Value>>;

fn histories(daemon: &Daemon) -> Histories {
    let list = get(&daemon.status, "/api/v1/groups?limit=500").expect(200).json();
    let groups = list["items"].as_array().unwrap().iter();
    let history = |group: &Value| {
        let path = format!("/api/v1/groups/{}", group["id"].as_str().unwrap());
        get(&daemon.status, &path).expect(200).json()["history"].as_array().unwrap().clone()
    };
    groups.map(|group| (group["displayName"].as_str().unwrap().into(), history(group))).collect()
}

/// What the journal can carry of a history that this process made: not when the pass began, and not
/// how many members there were before a removal.
fn carried(mut all: Histories) -> Histories {
    for deed in all.values_mut().flatten() {
        deed["at"].take();
        let text = deed["text"].as_str().unwrap().to_owned();
        if deed["kind"] == "remove_members" {
            let cut = text.rsplit_once(" of ").filter(|(_, of)| of.parse::<usize>().is_ok());
            deed["text"] = cut.map_or(text.as_str(), |(start, _)| start).into();
        }
    }
    all
}

/// Waits until the histories are these, and says in what they differ when they never are.
#[track_caller]
fn tells(daemon: &Daemon, wanted: &Histories, told: fn(Histories) -> Histories) {
    let what = "the history is the one from before";
    until(&format!("{what}: {wanted:#?}\n{:#?}", told(histories(daemon))), || {
        told(histories(daemon)) == *wanted
    });
}

fn as_it_is(all: Histories) -> Histories {
    all
}

/// When each operation was announced, by the journal.
fn announced(stage: &Stage) -> Vec<Value> {
    let intents = stage.product.journal().into_iter().filter(|line| line["kind"] == "intent");
    intents.map(|line| line["at"].clone()).collect()
}

/// A stage with a daemon that created, renamed, added, took out and was refused, with the histories
/// as that daemon tells them.
fn lived() -> (Stage, Daemon, Histories) {
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    until("all is written", || stage.held() == stage.wanted());
    daemon.passes(1);
    // One of them is refused, and made by the next pass.
    let board = stage.id("Board");
    stage.product.run(&["pause"]).expect(0);
    let modify = Where::Kind(OperationKind::Modify);
    stage.domain.order(Order::new(modify, Fault::InsufficientAccess).after(2));
    stage.put_in("Contractors", &["Ada Lovelace", "Grace Hopper"]);
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.take_out("Engineering", &["Grace Hopper"]);
    stage.cloud(|cloud| cloud.rename_group(board, BOARD));
    stage.product.run(&["resume"]).expect(0);
    let refused = |all: &Histories| {
        let mut deeds = all.values().flatten();
        deeds.any(|deed| deed["outcome"] == "refused")
    };
    until("one is refused", || refused(&histories(&daemon)));
    until("all is written", || stage.held() == stage.wanted());
    daemon.passes(1);
    let told = histories(&daemon);
    (stage, daemon, told)
}

fn time(deed: &Value) -> jiff::Timestamp {
    deed["at"].as_str().unwrap().parse().unwrap()
}

fn stop(daemon: Daemon) {
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

fn journal(stage: &Stage) -> PathBuf {
    stage.product.path().join("state/journal.jsonl")
}

/// Where a full file is put that begins with the first line.
fn aside(stage: &Stage) -> PathBuf {
    stage.product.path().join("state/journal-00000000000000000001.jsonl")
}

/// The histories as the journal tells them, from a daemon that made none of it.
fn recalled() -> (Stage, Histories) {
    let (stage, daemon, lived) = lived();
    stop(daemon);
    let daemon = stage.product.daemon();
    tells(&daemon, &carried(lived), carried);
    let told = histories(&daemon);
    stop(daemon);
    (stage, told)
}

#[test]
fn a_restart_and_a_crash_leave_the_history_as_it_was() {
    let (stage, daemon, lived) = lived();
    let all = || lived.values().flatten();
    for kind in ["create", "rename", "update", "add_members", "remove_members"] {
        assert!(all().any(|deed| deed["kind"] == kind), "{kind}: {lived:#?}");
    }
    stop(daemon);
    let daemon = stage.product.daemon();
    tells(&daemon, &carried(lived.clone()), carried);
    let told = histories(&daemon);
    // Each stands at the time at which the journal announced it, which is after its pass began.
    let announced = announced(&stage);
    for (now, then) in told.values().flatten().zip(all()) {
        assert!(announced.contains(&now["at"]), "{now:#}");
        assert!(time(now) >= time(then), "{now:#}{then:#}");
    }
    let removed = told["Engineering"].iter().find(|deed| deed["kind"] == "remove_members");
    assert!(removed.unwrap()["text"].as_str().unwrap().ends_with("1: grace.hopper"));
    let board = get(&daemon.status, &format!("/groups/{}", stage.id(BOARD))).expect(200).words();
    assert!(board.contains("~ rename  Board_") && board.contains("refused"), "{board}");
    // Killed.
    drop(daemon);
    let daemon = stage.product.daemon();
    tells(&daemon, &told, as_it_is);
}

#[test]
fn files_put_aside_count_and_what_is_done_since_stands_on_top() {
    let (stage, told) = recalled();
    fs::rename(journal(&stage), aside(&stage)).unwrap();
    let daemon = stage.product.daemon();
    tells(&daemon, &told, as_it_is);
    stage.put_in("VPN Users", &["Ada Lovelace"]);
    let newest = |all: &Histories| all["VPN Users"][0]["text"].as_str().unwrap().to_owned();
    let is_there = |all: &Histories| newest(all).ends_with("  1: ada.lovelace");
    until("it is told", || is_there(&histories(&daemon)));
    let mut now = histories(&daemon);
    let mut wanted = carried(now.clone());
    now.get_mut("VPN Users").unwrap().remove(0);
    assert_eq!(now, told);
    stop(daemon);
    // Both files are read.
    let daemon = stage.product.daemon();
    tells(&daemon, &wanted, carried);
    stop(daemon);
    fs::remove_file(aside(&stage)).unwrap();
    for (group, history) in &mut wanted {
        history.retain(|deed| {
            group == "VPN Users" && deed["text"].as_str().unwrap().contains("1: ada")
        });
    }
    let daemon = stage.product.daemon();
    tells(&daemon, &wanted, carried);
}

#[test]
fn a_damaged_line_costs_its_own_change_alone_and_the_log_tells() {
    let (stage, mut told) = recalled();
    let lines = stage.product.journal();
    let creation = |name: &str| {
        let is_it = |line: &&Value| {
            line["operation"] == "add" && line["dn"].as_str().unwrap().starts_with(name)
        };
        lines.iter().find(is_it).unwrap()
    };
    let intent = creation("CN=Contractors_");
    let outcome = &creation("CN=VPN Users_")["sequence"];
    let is_outcome = |line: &&Value| line["kind"] == "outcome" && line["sequence"] == *outcome;
    let outcome = lines.iter().find(is_outcome).unwrap();
    let mut text = fs::read_to_string(journal(&stage)).unwrap();
    for harmed in [intent, outcome] {
        let start = format!("{{\"line\":{},", harmed["line"]);
        assert_eq!(text.matches(&start).count(), 1, "{start}");
        text = text.replace(&start, &start.replace("line", "lime"));
    }
    fs::write(journal(&stage), text).unwrap();
    told.get_mut("Contractors").unwrap().retain(|deed| deed["kind"] != "create");
    let history = told.get_mut("VPN Users").unwrap();
    let unknown = history.iter_mut().find(|deed| deed["kind"] == "create").unwrap();
    unknown["outcome"] = "unknown".into();
    unknown["message"] = UNHEARD.into();
    let daemon = stage.product.daemon();
    tells(&daemon, &told, as_it_is);
    until("the log tells it", || {
        let log = daemon.log();
        let line = log.lines().find(|line| line.contains("places of the journal cannot be read"));
        line.is_some_and(|line| {
            line.contains("\"places\":2") && line.contains("no line of a journal")
        })
    });
}

#[test]
fn what_a_crash_cut_off_is_told_as_unknown_below_what_settled_it() {
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    until("all is written", || stage.held() == stage.wanted());
    daemon.passes(1);
    stage.domain.order(Order::new(Where::Write, Fault::Stall));
    stage.put_in("VPN Users", &["Ada Lovelace"]);
    until("it is written without an answer", || stage.domain.open_orders() == 0);
    drop(daemon);
    let daemon = stage.product.daemon();
    // Nothing is told of a group before the first plan.
    let two = |all: &Histories| {
        all.get("VPN Users").into_iter().flatten().take(2).cloned().collect::<Vec<_>>()
    };
    let outcomes =
        |all: &Histories| two(all).iter().map(|d| d["outcome"].clone()).collect::<Vec<_>>();
    let wanted = [Value::from("done"), "unknown".into()];
    until("both are told", || outcomes(&histories(&daemon)) == wanted);
    // Who she is, is known from the plan that was told first or from the next one.
    let is_same =
        |all: &Histories| matches!(&*two(all), [one, other] if one["text"] == other["text"]);
    until("both name her", || is_same(&histories(&daemon)));
    let [made, cut] = <[Value; 2]>::try_from(two(&histories(&daemon))).unwrap();
    assert!(made["text"].as_str().unwrap().ends_with("  1: ada.lovelace"), "{made:#}");
    assert_eq!((&made["kind"], &made["cause"]), (&cut["kind"], &cut["cause"]));
    assert_eq!((&made["message"], &cut["message"]), (&Value::Null, &UNHEARD.into()));
}
