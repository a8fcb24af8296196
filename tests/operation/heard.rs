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

/// How long the daemon may be silent. It shows itself four times in it: what is left is for a
/// machine that is busy.
const SILENCE: Duration = Duration::from_secs(10);

/// A service manager that only listens. Its socket is emptied by whoever asks, so that nobody sees
/// less than was told, and by a thread, for its queue is short.
struct Listener {
    path: PathBuf,
    heard: Arc<Mutex<Heard>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// What was told, and when it was heard.
struct Heard {
    socket: UnixDatagram,
    messages: Vec<Message>,
}

/// One message.
#[derive(Clone, Debug)]
struct Message {
    /// How many came before it.
    place: usize,
    /// When it was heard.
    at: Instant,
    text: String,
}

impl Heard {
    /// Takes what is there.
    fn hear(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
                    let place = self.messages.len();
                    self.messages.push(Message { place, at: Instant::now(), text });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("the notify socket: {error}"),
            }
        }
    }
}

impl Listener {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let heard = Arc::new(Mutex::new(Heard { socket, messages: Vec::new() }));
        let ended = Arc::new(AtomicBool::new(false));
        let (kept, end) = (Arc::clone(&heard), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                kept.lock().unwrap().hear();
                thread::park_timeout(Duration::from_millis(20));
            }
        });
        Self { path, heard, ended, thread: Some(thread), _folder: folder }
    }

    /// Starts the daemon under this manager, which lets it be silent for so long.
    fn start(&self, stage: &Stage, silence: Duration) -> Daemon {
        stage.product.daemon_with(|command| {
            command.env("NOTIFY_SOCKET", &self.path);
            command.env("WATCHDOG_USEC", silence.as_micros().to_string());
        })
    }

    /// Every message so far.
    fn all(&self) -> Vec<Message> {
        let mut heard = self.heard.lock().unwrap();
        heard.hear();
        heard.messages.clone()
    }

    /// Messages that hold a text.
    fn with(&self, text: &str) -> Vec<Message> {
        self.all().into_iter().filter(|message| message.text.contains(text)).collect()
    }

    /// Waits for the next message that holds a text, after `count` of them.
    #[track_caller]
    fn hears(&self, text: &str, count: usize) -> Message {
        until(&format!("{text} is told: {:?}", self.all()), || self.with(text).len() > count);
        self.with(text)[count].clone()
    }

    /// The longest time between two signs of life, from the first to `end`.
    fn longest_silence(&self, end: Instant) -> Duration {
        let fed: Vec<_> = self.with("WATCHDOG=1").into_iter().map(|message| message.at).collect();
        let next = fed.iter().copied().skip(1).chain([end]);
        fed.iter().zip(next).map(|(one, next)| next.duration_since(*one)).max().unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // What it died of was told by then.
        let _panic = self.thread.take().unwrap().join();
    }
}

#[test]
fn a_service_manager_hears_of_start_passes_and_end() {
    let stage = Stage::small();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let manager = Listener::new();
    let daemon = manager.start(&stage, SILENCE);
    let ready = manager.hears("READY=1", 0);
    assert!(ready.text.contains("STATUS=the first pass begins\n"), "{ready:?}");
    let ended = manager.hears("STATUS=pass 1 ended", 0);
    assert!(ready.place < ended.place, "it is ready before its first pass ends");
    let status = ended.text;
    assert!(status.starts_with("STATUS=pass 1 ended: Applied, "), "{status}");
    assert!(status.contains("; next pass at 20"), "{status}");
    assert_eq!(status.lines().count(), 1, "{status}");
    // It waits for hours now, and shows all the while that it moves.
    let count = manager.with("WATCHDOG=1").len();
    let last = manager.hears("WATCHDOG=1", count + 2);
    assert!(manager.longest_silence(last.at) < SILENCE, "{:?}", manager.all());
    assert_eq!(pass(&daemon), 1, "showing that it moves is no reason for a pass");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(manager.with("STOPPING=1").len(), 1, "{:?}", manager.all());
    assert_eq!(manager.with("READY=1").len(), 1);
    assert!(manager.with("RELOADING").is_empty());
    // Every line is one that sd_notify(3) knows, and no secret is among them.
    for message in manager.all() {
        stage.keeps_secrets(&message.text);
        for line in message.text.lines() {
            let (word, _) = line.split_once('=').unwrap();
            assert!(["READY", "STATUS", "WATCHDOG", "STOPPING"].contains(&word), "{line}");
        }
    }
}

/// The daemon shows itself no more often than this where it may be silent for four times as long.
const FEED: Duration = Duration::from_millis(50);

#[test]
fn a_long_pass_shows_at_every_step_that_it_moves() {
    let stage = large();
    let manager = Listener::new();
    stage.domain.set_writes_left(Some(0));
    let daemon = manager.start(&stage, FEED * 4);
    manager.hears("READY=1", 0);
    // A signal in the middle waits for the end of the pass.
    until("it writes", || intents(&stage) == 1);
    daemon.signal("HUP");
    // Whatever else shows it: each answer does.
    for step in 1..=10 {
        until("the next one is in flight", || intents(&stage) == step);
        let fed = || manager.with("WATCHDOG=1");
        until("a sign of life is due", || fed().last().unwrap().at.elapsed() > FEED);
        let count = fed().len();
        stage.domain.set_writes_left(Some(1));
        manager.hears("WATCHDOG=1", count);
    }
    stage.domain.set_writes_left(None);
    let ended = manager.hears("STATUS=pass 1 ended", 0);
    let reloading = manager.hears("RELOADING=1", 0);
    assert!(reloading.place > ended.place);
    drop(daemon);
}

/// Longer than the daemon may be silent, seconds.
const WAIT: &str = "12";

#[test]
fn a_wait_that_the_tenant_asks_for_is_no_standing_still() {
    let stage = Stage::small();
    // One listing after the other is refused, each for longer than the daemon may be silent.
    for place in [tenant::Where::Groups, tenant::Where::Members] {
        let quiet = tenant::Fault::Throttled { retry_after: Some(WAIT.to_owned()), scope: None };
        stage.tenant.order(tenant::Order::once(place, quiet));
    }
    let manager = Listener::new();
    let daemon = manager.start(&stage, SILENCE);
    let ready = manager.hears("READY=1", 0);
    let ended = manager.hears("STATUS=pass 1 ended: Applied", 0);
    assert!(ended.at.duration_since(ready.at) >= SILENCE * 2, "it did not wait");
    assert!(manager.longest_silence(ended.at) < SILENCE, "{:?}", manager.all());
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
    let daemon = manager.start(&stage, SILENCE / 5);
    until("an operation is in flight without an answer", || intents(&stage) == 3);
    until("the last sign of life is long ago", || {
        let fed = manager.with("WATCHDOG=1");
        fed.last().unwrap().at.elapsed() > SILENCE
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
    stage.domain.set_writes_left(Some(20));
    let daemon = manager.start(&stage, SILENCE);
    until("one more is in flight", || intents(&stage) == 21);
    daemon.signal("TERM");
    manager.hears("STOPPING=1", 0);
    stage.domain.set_writes_left(None);
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(intents(&stage), 21, "it goes on writing");
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
    let daemon = manager.start(&stage, SILENCE);
    manager.hears("STATUS=pass 1 ended", 0);
    // Nothing has changed: it is read, and that is all.
    daemon.signal("HUP");
    let reloading = manager.hears("RELOADING=1", 0).text;
    let ready = manager.hears("READY=1", 1).text;
    assert!(ready.contains("STATUS=pass 1 ended"), "{ready}");
    let time = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(time.parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(pass(&daemon), 1);
    let policy = fs::read_to_string(other.join("everything.yaml")).unwrap();
    fs::write(other.join("everything.yaml"), policy.replace("mode: Sync", "mode: Snyc")).unwrap();
    daemon.signal("HUP");
    manager.hears("RELOADING=1", 1);
    let ready = manager.hears("READY=1", 2).text;
    assert!(ready.contains("; 1 mistakes in the policies; "), "{ready}");
    // The poll beside the events may have been first, and have woken one more.
    until("a pass follows", || pass(&daemon) >= 2);
    assert_eq!(stage.removals(), (0, 0));
    let before = pass(&daemon);
    fs::write(other.join("everything.yaml"), policy).unwrap();
    daemon.signal("HUP");
    let ready = manager.hears("READY=1", 3).text;
    assert!(!ready.contains("mistakes"), "{ready}");
    until("a pass follows", || pass(&daemon) > before);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}
