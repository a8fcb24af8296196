//! A state that cannot be kept while the daemon runs: because no file may grow beyond its first
//! page, until one may again, and because it is the state of another domain.

use std::fs;

use serde_json::Value;
use writeback::model::Memory;
use writeback::settings::Settings;
use writeback::state::{Binding, State};

use crate::condition;
use crate::file_limit::{FIRST_PAGE, UNBOUND, bound_files, outlive_limits};
use crate::product::{Daemon, get};
use crate::stage::{Stage, until};

/// The errors of saving in the log.
fn unsaved(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["level"] == "ERROR" && line.to_string().contains("state not saved"))
        .map(|line| line["error"].as_str().unwrap().to_owned())
        .collect()
}

fn counted(daemon: &Daemon, series: &str) -> u64 {
    let metrics = get(&daemon.metrics, "/metrics").1;
    let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}

fn saves_failed(daemon: &Daemon) -> u64 {
    counted(daemon, "writeback_state_write_errors_total")
}

/// That the passes end for the state, and neither side is said to have failed.
fn told_as_the_state(daemon: &Daemon) {
    for kind in ["Ready", "Stalled"] {
        let told = condition(daemon, "everything", kind);
        assert_eq!(told["reason"], "StateUnavailable", "{told}");
        assert_eq!(told["status"], kind == "Stalled", "{told}");
        assert!(told["message"].as_str().unwrap().contains("state.redb"), "{told}");
    }
    assert_eq!(daemon.status()["fault"], Value::Null);
    let ended = |side: &str| {
        counted(daemon, &format!("writeback_reconcile_errors_total{{side=\"{side}\"}}"))
    };
    assert!(ended("state") >= 1);
    assert_eq!(["tenant", "domain", "policies"].map(ended), [0; 3]);
    assert_eq!(counted(daemon, "writeback_ldap_up"), 1);
    let metrics = get(&daemon.metrics, "/metrics").1;
    let mut reads = metrics.lines().filter(|line| line.starts_with("writeback_read_incomplete"));
    assert!(reads.all(|line| line.ends_with(" 0")), "{metrics}");
}

#[test]
fn a_state_that_cannot_be_saved_is_told_and_nothing_is_written_until_it_is() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let mut daemon = stage.product.daemon_with(|command| outlive_limits(command, &stage.product));
    daemon.passes(1);
    assert_eq!(get(&daemon.metrics, "/readyz").0, 200);
    assert_eq!((unsaved(&daemon), saves_failed(&daemon)), (Vec::new(), 0));

    bound_files(daemon.id(), FIRST_PAGE);
    until("a save fails", || !unsaved(&daemon).is_empty());
    let file = stage.product.path().join("state/state.redb");
    for error in unsaved(&daemon) {
        assert!(error.contains(file.to_str().unwrap()), "{error}");
        assert!(error.contains("File too large"), "{error}");
    }
    // The log has it before probes have.
    until("it is not ready", || {
        let (code, why) = get(&daemon.metrics, "/readyz");
        code == 503 && why.contains("state")
    });
    assert!(saves_failed(&daemon) >= 1);
    let fault = || daemon.status()["memory"]["fault"].as_str().map(str::to_owned);
    until("the status tells it", || fault().is_some_and(|fault| fault.contains("state.redb")));
    until("people are told", || {
        let said = stage.product.run(&["status"]).expect(0).stdout;
        said.contains("! nothing is written: failed to ")
    });
    until("the condition tells it", || {
        condition(&daemon, "everything", "Stalled")["reason"] == "StateUnavailable"
    });
    told_as_the_state(&daemon);

    // What waits is not written, however often it is tried.
    stage.domain.clear_operations();
    stage.put_in("Board", &["Ada Lovelace"]);
    let before = unsaved(&daemon).len();
    until("it is tried again", || {
        assert!(fault().is_some(), "it is told until it is over");
        unsaved(&daemon).len() >= before + 2
    });
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let asked = stage.product.run(&["apply"]).expect(1);
    assert!(asked.stderr.contains("nothing is written"), "{}", asked.stderr);
    assert!(stage.writes().is_empty());

    bound_files(daemon.id(), UNBOUND);
    until("it goes on", || stage.held() == stage.wanted());
    assert!(daemon.log().contains("state saved again"), "{}", daemon.log());
    until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
    assert_eq!(daemon.status()["memory"]["fault"], Value::Null);
    until("it is in step", || condition(&daemon, "everything", "Ready")["status"] == true);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    // Nothing was lost, set aside or forgotten on the way.
    let left = stage.product.run(&["apply"]).expect(0);
    assert!(left.stdout.starts_with("nothing waits"), "{}", left.stdout);
    assert!(!left.stderr.contains("24 hours"), "{}", left.stderr);
    stage.product.run(&["journal", "verify"]).expect(0);
}

#[test]
fn a_state_of_another_domain_is_told_as_such_and_nothing_is_written() {
    let stage = Stage::small();
    let settings = Settings::load(&stage.product.path().join("writeback.yaml")).unwrap();
    let binding = Binding { tenant: settings.tenant.id, owner: settings.owner };
    let folder = stage.product.path().join("state");
    fs::create_dir(&folder).unwrap();
    let (mut other, _) = State::open(&folder, binding).unwrap();
    other.bind_domain("DC=elsewhere,DC=example").unwrap();
    other.save(&Memory::default(), None, None).unwrap();
    drop(other);
    let daemon = stage.product.daemon();
    until("the condition tells it", || {
        condition(&daemon, "everything", "Stalled")["reason"] == "StateUnavailable"
    });
    told_as_the_state(&daemon);
    assert!(saves_failed(&daemon) >= 1);
    let fault = daemon.status()["memory"]["fault"].as_str().unwrap().to_owned();
    assert!(fault.contains("it belongs to the domain DC=elsewhere,DC=example"), "{fault}");
    assert!(stage.owned().is_empty());
}
