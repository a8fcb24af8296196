//! A state that cannot be saved while the daemon runs, for real: no file may grow beyond its first
//! page (RLIMIT_FSIZE of setrlimit(2)), until one may again.

use std::process::Command;

use serde_json::Value;

use crate::product::{Daemon, get};
use crate::stage::{Stage, until};

/// The page with the header of the state, and nothing behind it.
const FIRST_PAGE: &str = "4096";

/// Bounds the files of a running process; whoever is refused sees EFBIG, for it was started with
/// SIGXFSZ ignored.
fn bound_files(daemon: &Daemon, bytes: &str) {
    let bound = Command::new("prlimit")
        .args(["--pid", &daemon.id().to_string()])
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(bound.unwrap().success());
}

/// The errors of saving in the log.
fn unsaved(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["level"] == "ERROR" && line.to_string().contains("state not saved"))
        .map(|line| line["error"].as_str().unwrap().to_owned())
        .collect()
}

fn counted(daemon: &Daemon) -> u64 {
    let metrics = get(&daemon.metrics, "/metrics").1;
    let series = "writeback_state_write_errors_total ";
    metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap().parse().unwrap()
}

#[test]
fn a_state_that_cannot_be_saved_is_told_and_nothing_is_written_until_it_is() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let mut daemon = stage.product.daemon_with(|command| {
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(stage.product.path());
        *command = deaf;
    });
    daemon.passes(1);
    assert_eq!(get(&daemon.metrics, "/readyz").0, 200);
    assert_eq!((unsaved(&daemon), counted(&daemon)), (Vec::new(), 0));

    bound_files(&daemon, FIRST_PAGE);
    until("a save fails", || !unsaved(&daemon).is_empty());
    let file = stage.product.path().join("state/state.redb");
    for error in unsaved(&daemon) {
        assert!(error.contains(file.to_str().unwrap()), "{error}");
        assert!(error.contains("File too large"), "{error}");
    }
    let (code, why) = get(&daemon.metrics, "/readyz");
    assert!(code == 503 && why.contains("state"), "{code} {why}");
    assert!(counted(&daemon) >= 1);
    let fault = daemon.status()["memory"]["fault"].as_str().unwrap().to_owned();
    assert!(fault.contains("state.redb"), "{fault}");
    let said = stage.product.run(&["status"]).expect(0).stdout;
    assert!(said.contains("! nothing is written: failed to "), "{said}");

    // What waits is not written, however often it is tried.
    stage.domain.clear_operations();
    stage.put_in("Board", &["Ada Lovelace"]);
    let before = unsaved(&daemon).len();
    until("it is tried again", || unsaved(&daemon).len() >= before + 2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let asked = stage.product.run(&["apply"]).expect(1);
    assert!(asked.stderr.contains("nothing is written"), "{}", asked.stderr);
    assert!(stage.writes().is_empty());

    bound_files(&daemon, "unlimited");
    until("it goes on", || stage.held() == stage.wanted());
    assert!(daemon.log().contains("state saved again"), "{}", daemon.log());
    until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
    assert_eq!(daemon.status()["memory"]["fault"], Value::Null);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    // Nothing was lost, set aside or forgotten on the way.
    let left = stage.product.run(&["apply"]).expect(0);
    assert!(left.stdout.starts_with("nothing waits"), "{}", left.stdout);
    assert!(!left.stderr.contains("24 hours"), "{}", left.stderr);
    stage.product.run(&["journal", "verify"]).expect(0);
}
