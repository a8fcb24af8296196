//! `status --live`: what a health check learns, and that nothing but a daemon whose loop moves
//! passes it.

use std::fs;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpSocket;
use writeback::controller::now;
use writeback::report::Report;
use writeback::report::endpoint::{self, HEARTBEAT_MAX_SECONDS, Heartbeat, Served};
use writeback::report::status::Status;

use crate::product::{Product, Ran, get};
use crate::stage::{Stage, until};
use crate::waiting;

/// Where the tests' configuration listens: on a port that nobody knows before.
const ANYWHERE: &str = "listen: '127.0.0.1:0'";

/// Asks; the answer is one line, on stdout where the daemon lives and else on stderr.
#[track_caller]
fn asked(product: &Product, code: i32) -> String {
    let Ran { stdout, stderr, .. } = product.run(&["status", "--live"]).expect(code);
    let (told, silent) = if code == 0 { (stdout, stderr) } else { (stderr, stdout) };
    assert_eq!((told.lines().count(), silent.as_str()), (1, ""), "{told}");
    told
}

/// Asks until the answer is that it lives: a busy machine may let a health check wait for longer
/// than it does.
#[track_caller]
fn lives(product: &Product) -> String {
    until("it lives", || product.run(&["status", "--live"]).code == 0);
    asked(product, 0)
}

/// Waits until nothing in a stopped process moves any more (proc_pid_stat(5)).
#[track_caller]
fn stands_still(id: u32) {
    let tasks = || fs::read_dir(format!("/proc/{id}/task")).unwrap().map(|task| task.unwrap());
    let is_stopped = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    };
    until("it stands still", || tasks().all(is_stopped));
}

#[test]
fn a_daemon_lives_until_it_stands_still_or_is_gone_whatever_it_left_behind() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let at = &daemon.metrics;
    stage.product.reconfigure(ANYWHERE, &format!("listen: '{at}'"));
    let told = lives(&stage.product);
    let wanted = format!("the daemon lives: http://{at}/livez (http.listen) answers 200 OK\n");
    assert_eq!(told, wanted);
    // A wildcard is asked at loopback, and that of IPv6 on a machine without it, too.
    let port = at.rsplit_once(':').unwrap().1;
    let mut before = format!("listen: '{at}'");
    for wildcard in ["0.0.0.0", "[::]"] {
        let next = format!("listen: '{wildcard}:{port}'");
        stage.product.reconfigure(&before, &next);
        let told = lives(&stage.product);
        assert!(told.contains(&format!("http://{wildcard}:{port}/livez")), "{told}");
        before = next;
    }
    stage.product.reconfigure(&before, &format!("listen: '{at}'"));
    // A process that is there and does nothing does not live, and lives again when it goes on.
    daemon.signal("STOP");
    stands_still(daemon.id());
    let told = asked(&stage.product, 1);
    assert!(told.contains("the daemon stands still") && told.contains("within 5 s"), "{told}");
    daemon.signal("CONT");
    until("it goes on", || get(at, "/livez").0 == 200);
    lives(&stage.product);
    // The state answers for a daemon that is gone: no health check takes that for a sign of life.
    let at = at.clone();
    drop(daemon);
    // Whoever else listens here does so at another port.
    let taken = taken(&at);
    let left = stage.product.run(&["status"]).expect(0).stdout;
    assert!(left.starts_with("! no daemon runs"), "{left}");
    let told = asked(&stage.product, 1);
    assert!(told.contains(&format!("no daemon answers at http://{at}/livez")), "{told}");
    assert!(told.contains("; start it with `writeback run`"), "{told}");
    drop(taken);
}

/// A socket that has an address and listens to nobody. Who has it for a moment is waited for.
fn taken(address: &str) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    until("the address is free", || socket.bind(address.parse().unwrap()).is_ok());
    socket
}

/// Longer after now than the loop may stand still.
fn later() -> Timestamp {
    now() + SignedDuration::from_secs(HEARTBEAT_MAX_SECONDS + 60)
}

#[test]
fn a_daemon_that_says_itself_that_its_loop_stands_still_does_not_live() {
    let stage = Stage::small();
    // The product's own listener with a clock that is ahead: nobody waits for nine minutes.
    let heartbeat = Arc::new(Heartbeat::default());
    heartbeat.beat(now());
    let served = Served {
        report: Arc::new(Report::new(Status::new("corp", "writeback.yaml", now()))),
        heartbeat: Arc::clone(&heartbeat),
        now: later,
        state_writable: Arc::new(|| true),
    };
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let serving = endpoint::serve(anywhere, endpoint::probes(served));
    let at = stage.runtime.block_on(serving).unwrap();
    stage.product.reconfigure(ANYWHERE, &format!("listen: '{at}'"));
    let told = asked(&stage.product, 1);
    assert!(told.contains("the daemon stands still: http://"), "{told}");
    let why = "answers 503 Service Unavailable: the loop has not moved for 6";
    assert!(told.contains(why), "{told}");
    heartbeat.beat(later());
    lives(&stage.product);
}

#[test]
fn what_is_no_daemon_of_ours_or_cannot_be_asked_is_said_with_the_remedy() {
    let stage = Stage::small();
    let told = asked(&stage.product, 1);
    assert!(told.contains("(http.listen): port 0 is another one after each start"), "{told}");
    assert!(told.contains("such as 127.0.0.1:9464"), "{told}");
    // The status server has no such probe.
    let daemon = waiting(&stage);
    stage.product.reconfigure(ANYWHERE, &format!("listen: '{}'", daemon.status));
    let told = asked(&stage.product, 1);
    assert!(told.contains("that is no daemon: http://"), "{told}");
    assert!(told.contains("answers 404 Not Found"), "{told}");
    stage.product.run(&["status", "--live", "--output", "json"]).expect(64);
    stage.product.reconfigure("kind: DaemonConfiguration", "kind: Daemon");
    let wrong = stage.product.run(&["status", "--live"]).expect(5);
    assert!(wrong.stderr.contains("kind"), "{}", wrong.stderr);
}
