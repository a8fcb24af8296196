//! A pass over one policy beside the daemon: what is told of the others stays true.

use std::collections::BTreeMap;

use serde_json::Value;
use writeback::sim::world::World;

use crate::ask::get;
use crate::product::Daemon;
use crate::stage::{EVERYTHING, Stage, until};

/// The policy of everything, with this selection and precedence.
fn of(selection: &str) -> String {
    EVERYTHING.replacen("  mode: Sync", &format!("  mode: Sync\n  {selection}"), 1)
}

/// The samples of the metrics that tell how things stand. What counts or times passes grows.
fn standing(daemon: &Daemon) -> BTreeMap<String, String> {
    const TOLD: [&str; 11] = [
        "writeback_groups{",
        "writeback_frozen_groups{",
        "writeback_drift_objects{",
        "writeback_held_changes{",
        "writeback_held_removals{",
        "writeback_held_people",
        "writeback_guard_blocked{",
        "writeback_budget_remaining_ratio{",
        "writeback_plan_operations{",
        "writeback_findings",
        "writeback_members_unresolved{",
    ];
    let body = get(&daemon.metrics, "/metrics").expect(200).body;
    let lines = body.lines().filter(|line| TOLD.iter().any(|told| line.starts_with(told)));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(s, v)| (s.into(), v.into())).collect()
}

/// What the list says of every group.
fn groups(daemon: &Daemon) -> BTreeMap<String, [Value; 3]> {
    let list = get(&daemon.status, "/api/v1/groups?limit=100").expect(200).json();
    let items = list["items"].as_array().unwrap().iter();
    let told = items.map(|item| {
        let told = ["state", "policy", "reason"].map(|field| item[field].clone());
        (item["displayName"].as_str().unwrap().to_owned(), told)
    });
    told.collect()
}

/// The conditions of a policy, and what else its status says.
fn policy(daemon: &Daemon, name: &str) -> Value {
    daemon.status()["policies"][name].clone()
}

#[test]
fn what_a_pass_over_one_policy_does_not_make_is_still_told() {
    let stage = Stage::of(World::small(7));
    stage.product.policy("everything", &of("selection: { exclude: [{ displayName: '^Board$' }] }"));
    let board = "precedence: 50\n  selection: { include: [{ displayName: '^Board$' }] }";
    stage.product.policy("board", &of(board));
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    // One group is held, one is frozen, and one waits for nothing.
    stage.empty_nearly("All Employees");
    let contractors = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(contractors, Some(false), None));
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let daemon = stage.product.daemon();
    until("the first pass has ended", || daemon.status()["lastPass"]["number"] == 1);
    let (metrics, list) = (standing(&daemon), groups(&daemon));
    assert_eq!(list["All Employees"][0], "held");
    assert_eq!(list["Contractors"][0], "frozen");
    assert_eq!(metrics["writeback_groups{state=\"held\"}"], "1");
    assert_eq!(metrics["writeback_held_changes{policy=\"everything\"}"], "1");
    let plan = daemon.status()["plan"].clone();
    let held = |daemon: &Daemon| {
        let sets = daemon.status()["memory"]["heldSets"].as_array().unwrap().clone();
        sets.into_iter().map(|set| set["digest"].clone()).collect::<Vec<_>>()
    };
    // What memory stands on is told once it is saved.
    until("the pass is saved", || !held(&daemon).is_empty());
    let sets = held(&daemon);
    let everything = policy(&daemon, "everything");

    // A pass over the other policy, which has nothing to do.
    stage.product.run(&["apply", "--policy", "board"]).expect(0);
    until("it has ended", || daemon.status()["lastPass"]["number"] == 2);
    assert_eq!(standing(&daemon), metrics);
    assert_eq!(groups(&daemon), list);
    assert_eq!(daemon.status()["plan"], plan);
    assert_eq!(held(&daemon), sets);
    assert_eq!(policy(&daemon, "everything"), everything);
    let words = get(&daemon.status, "/").expect(200).words();
    assert!(words.contains("1 change held, waiting for a person"), "{words}");

    // One that writes: what waits elsewhere is told as waiting, and nothing of it is written.
    stage.put_in("Board", &["Grace Hopper"]);
    stage.put_in("Finance", &["Grace Hopper"]);
    let before = stage.held();
    let done = stage.product.run(&["apply", "--policy", "board"]).expect(0).stdout;
    assert!(done.contains("1 of 1 changes done"), "{done}");
    until("it has ended", || daemon.status()["lastPass"]["number"] == 3);
    let after = groups(&daemon);
    assert_eq!(after["Board"][0], "in_step");
    assert_eq!(after["Finance"][0], "pending");
    let rest = |all: BTreeMap<String, [Value; 3]>| {
        all.into_iter().filter(|(name, _)| name != "Finance").collect::<BTreeMap<_, _>>()
    };
    assert_eq!(rest(after), rest(list));
    let anchor = format!("Group_{}", stage.id("Finance"));
    assert_eq!(stage.held()[&anchor], before[&anchor]);
    let now = standing(&daemon);
    assert_eq!(now["writeback_groups{state=\"pending\"}"], "2");
    assert_eq!(now["writeback_groups{state=\"held\"}"], "1");
    let ready = |name: &str| {
        let conditions = policy(&daemon, name)["conditions"].clone();
        let conditions = conditions.as_array().unwrap().clone();
        conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap()
    };
    assert_eq!(ready("board")["status"], true);
    assert_eq!(ready("everything")["reason"], "GuardTripped");
    let reconciling = policy(&daemon, "everything")["conditions"].clone();
    assert!(reconciling.to_string().contains("2 changes wait"), "{reconciling}");
}
