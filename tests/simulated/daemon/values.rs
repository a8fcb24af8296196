//! What a scrape shows of the loop, the folder, the journal and people without an account, against
//! what status and journal tell of the same.

use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::World;

use super::settled;
use crate::admin::waiting;
use crate::exposition::samples;
use crate::product::get;
use crate::stage::{EVERYTHING, Stage, until};

/// A time of the status, as metrics show it.
fn seconds(status: &serde_json::Value) -> f64 {
    let at: jiff::Timestamp = status.as_str().unwrap().parse().unwrap();
    at.as_duration().as_secs_f64()
}

#[test]
fn a_scrape_shows_what_status_and_journal_tell() {
    let mut world = World::small(7);
    let person = world.people.first_mut().unwrap();
    person.cloud_only = true;
    person.link = None;
    let stage = Stage::of(world);
    stage.product.policy("everything", EVERYTHING);
    // No pass is made but those that are asked for.
    let mut daemon = waiting(&stage);
    stage.put_in("Board", &["Alan Turing"]);
    stage.product.run(&["apply"]).expect(0);
    daemon.passed(2);
    let (status, shown) = (daemon.status(), samples(&get(&daemon.metrics, "/metrics").1));
    assert_eq!(shown["writeback_next_reconcile_timestamp_seconds"], seconds(&status["nextPassAt"]));
    assert_eq!(
        shown["writeback_policy_last_load_timestamp_seconds"],
        seconds(&status["folder"]["loadedAt"])
    );
    assert_eq!(shown["workqueue_adds_total{name=\"reconcile\"}"], 2.0);
    assert_eq!(shown["workqueue_retries_total{name=\"reconcile\"}"], 0.0);
    // One person, in several groups.
    assert_eq!(shown["writeback_members_unresolved{reason=\"no_link\"}"], 1.0);
    assert_eq!(shown["writeback_members_unresolved{reason=\"lost\"}"], 0.0);
    assert_eq!(shown["writeback_members_unresolved{reason=\"missing\"}"], 0.0);
    let journal = stage.product.journal();
    let last = journal.last().unwrap();
    let head: Vec<_> =
        shown.iter().filter(|(name, _)| name.starts_with("writeback_journal_head")).collect();
    let name = format!("writeback_journal_head{{hash=\"{}\"}}", last["hash"].as_str().unwrap());
    assert_eq!(head, [(&name, &last["line"].as_f64().unwrap())]);
}

#[test]
fn a_failed_pass_is_made_again_and_counted_so() {
    let (stage, daemon) = settled();
    stage.tenant.order(Order::always(Where::Groups, Fault::Html200));
    until("a pass fails", || daemon.status()["lastPass"]["result"] == "Failed");
    stage.tenant.clear_orders();
    until("a pass is whole again", || daemon.status()["lastPass"]["result"] == "InStep");
    let shown = samples(&get(&daemon.metrics, "/metrics").1);
    let failed = shown["writeback_reconcile_total{result=\"failed\"}"];
    assert!(failed >= 1.0, "{failed}");
    assert_eq!(shown["workqueue_retries_total{name=\"reconcile\"}"], failed);
}
