//! What whoever started the daemon hears over its notify socket (sd_notify(3)).

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;
use writeback::sim::domain::{Fault, Order, Where};
use writeback::sim::tenant;

use crate::product::Daemon;
use crate::stage::{Stage, until};
use crate::{intents, large, pass};

/// How long the daemon may be silent.
const SILENCE: Duration = Duration::from_secs(2);

/// A service manager that only listens. The queue of a socket is short: a thread empties it.
struct Listener {
    path: PathBuf,
    heard: Arc<Mutex<Vec<(Instant, String)>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Listener {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (heard, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (kept, end) = (Arc::clone(&heard), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !end.load(Ordering::Relaxed) {
                match socket.recv(&mut buffer) {
                    Ok(length) => {
                        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
                        let kept: &Mutex<Vec<(Instant, String)>> = &kept;
                        kept.lock().unwrap().push((Instant::now(), text));
                    }
                    Err(error) => assert!(
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                        "{error}"
                    ),
                }
            }
        });
        Self { path, heard, ended, thread: Some(thread), _folder: folder }
    }

    /// Starts the daemon under this manager.
    fn start(&self, stage: &Stage) -> Daemon {
        stage.product.daemon_with(|command| {
            command.env("NOTIFY_SOCKET", &self.path);
            command.env("WATCHDOG_USEC", SILENCE.as_micros().to_string());
        })
    }

    /// Every message so far, and when it came.
    fn all(&self) -> Vec<(Instant, String)> {
        self.heard.lock().unwrap().clone()
    }

    /// Messages that hold a text, and when they came.
    fn with(&self, text: &str) -> Vec<(Instant, String)> {
        self.all().into_iter().filter(|(_, message)| message.contains(text)).collect()
    }

    /// Waits for the next message that holds a text, after `count` of them.
    #[track_caller]
    fn hears(&self, text: &str, count: usize) -> (Instant, String) {
        until(&format!("{text} is told: {:?}", self.all()), || self.with(text).len() > count);
        self.with(text)[count].clone()
    }

    /// The longest time between two signs of life, from the first to `end`.
    fn longest_silence(&self, end: Instant) -> Duration {
        let fed: Vec<_> = self.with("WATCHDOG=1").into_iter().map(|(at, _)| at).collect();
        let next = fed.iter().copied().skip(1).chain([end]);
        fed.iter().zip(next).map(|(one, next)| next.duration_since(*one)).max().unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_service_manager_hears_of_start_passes_and_end() {
    let stage = Stage::small();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    let (ready, message) = manager.hears("READY=1", 0);
    assert!(message.contains("STATUS=the first pass begins\n"), "{message}");
    let (ended, status) = manager.hears("STATUS=pass 1 ended", 0);
    assert!(ready < ended, "it is ready before its first pass ends");
    assert!(status.starts_with("STATUS=pass 1 ended: Applied, "), "{status}");
    assert!(status.contains("; next pass at 20"), "{status}");
    assert_eq!(status.lines().count(), 1, "{status}");
    // It waits for hours now, and shows all the while that it moves.
    let count = manager.with("WATCHDOG=1").len();
    let (last, _) = manager.hears("WATCHDOG=1", count + 5);
    assert!(manager.longest_silence(last) < SILENCE);
    assert_eq!(pass(&daemon), 1, "showing that it moves is no reason for a pass");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(manager.with("STOPPING=1").len(), 1, "{:?}", manager.all());
    assert_eq!(manager.with("READY=1").len(), 1);
    assert!(manager.with("RELOADING").is_empty());
    // Every line is one that sd_notify(3) knows, and no secret is among them.
    for (_, message) in manager.all() {
        stage.keeps_secrets(&message);
        for line in message.lines() {
            let (word, _) = line.split_once('=').unwrap();
            assert!(["READY", "STATUS", "WATCHDOG", "STOPPING"].contains(&word), "{line}");
        }
    }
}

#[test]
fn a_long_pass_shows_at_every_step_that_it_moves() {
    let stage = large();
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    let (ready, _) = manager.hears("READY=1", 0);
    // A signal in the middle waits for the end of the pass.
    until("it writes", || intents(&stage) > 0);
    daemon.signal("HUP");
    let (ended, _) = manager.hears("STATUS=pass 1 ended", 0);
    let (reloading, _) = manager.hears("RELOADING=1", 0);
    assert!(reloading >= ended);
    let fed = manager.with("WATCHDOG=1");
    let within = fed.iter().filter(|(at, _)| ready <= *at && *at <= ended).count();
    let wanted = ended.duration_since(ready).as_secs() / SILENCE.as_secs();
    assert!(u64::try_from(within).unwrap() >= wanted, "{within} in {:?}", ended - ready);
    assert!(manager.longest_silence(ended) < SILENCE, "{:?}", manager.longest_silence(ended));
    drop(daemon);
}

#[test]
fn a_wait_that_the_tenant_asks_for_is_no_standing_still() {
    let stage = Stage::small();
    // One listing after the other is refused, each for longer than the daemon may be silent.
    for place in [tenant::Where::Groups, tenant::Where::Members] {
        let quiet = tenant::Fault::Throttled { retry_after: Some("4".to_owned()), scope: None };
        stage.tenant.order(tenant::Order::once(place, quiet));
    }
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    let (ready, _) = manager.hears("READY=1", 0);
    let (ended, _) = manager.hears("STATUS=pass 1 ended: Applied", 0);
    assert!(ended.duration_since(ready) >= SILENCE * 4, "it did not wait");
    assert!(manager.longest_silence(ended) < SILENCE, "{:?}", manager.longest_silence(ended));
    assert_eq!(stage.tenant.open_orders(), 0);
    drop(daemon);
}

#[test]
fn a_loop_that_stands_still_is_silent() {
    let stage = Stage::small();
    // The third write is never answered: the loop waits for it, and nothing else in the daemon may
    // say that it moves.
    stage.domain.order(Order::new(Where::Write, Fault::Stall).after(2));
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    until("an operation is in flight without an answer", || intents(&stage) == 3);
    until("the last sign of life is long ago", || {
        let fed = manager.with("WATCHDOG=1");
        fed.last().unwrap().0.elapsed() > SILENCE * 2
    });
    // Stopping is told at once all the same, and the second word ends it at once.
    daemon.signal("TERM");
    manager.hears("STOPPING=1", 0);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(1));
}

#[test]
fn a_stop_in_the_middle_of_writing_ends_the_operation_in_flight() {
    let stage = large();
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    until("it writes", || intents(&stage) >= 20);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(manager.with("STOPPING=1").len(), 1);
    let journal = stage.product.journal();
    let outcomes = journal.iter().filter(|line| line["kind"] == "outcome").count();
    assert_eq!(outcomes, intents(&stage), "an operation has no outcome");
    assert_ne!(stage.held(), stage.wanted(), "it did everything all the same");
    stage.journal_announces_every_write();
    stage.product.run(&["apply"]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn a_signal_lets_the_policies_be_read_again() {
    let stage = Stage::small();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    // Another name of the same file: what is written through it sends no event to the folder.
    let other = stage.product.path().join("elsewhere");
    fs::create_dir(&other).unwrap();
    fs::hard_link(
        stage.product.path().join("policies/everything.yaml"),
        other.join("everything.yaml"),
    )
    .unwrap();
    let manager = Listener::new();
    let daemon = manager.start(&stage);
    manager.hears("STATUS=pass 1 ended", 0);
    // Nothing has changed: it is read, and that is all.
    daemon.signal("HUP");
    let (_, reloading) = manager.hears("RELOADING=1", 0);
    let (_, ready) = manager.hears("READY=1", 1);
    assert!(ready.contains("STATUS=pass 1 ended"), "{ready}");
    let time = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(time.parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(pass(&daemon), 1);
    let policy = fs::read_to_string(other.join("everything.yaml")).unwrap();
    fs::write(other.join("everything.yaml"), policy.replace("mode: Sync", "mode: Snyc")).unwrap();
    daemon.signal("HUP");
    manager.hears("RELOADING=1", 1);
    let (_, ready) = manager.hears("READY=1", 2);
    assert!(ready.contains("; 1 mistakes in the policies; "), "{ready}");
    until("a pass follows", || pass(&daemon) == 2);
    assert_eq!(stage.removals(), (0, 0));
    fs::write(other.join("everything.yaml"), policy).unwrap();
    daemon.signal("HUP");
    let (_, ready) = manager.hears("READY=1", 3);
    assert!(!ready.contains("mistakes"), "{ready}");
    until("a pass follows", || pass(&daemon) == 3);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}
