//! The daemon of the shipped binary while a test looks at it: its listeners, its passes, its log.

use std::io::{ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{PATIENCE, get, keep_secrets};

/// A running daemon; killed when it is dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<Log>>,
    /// What no log may hold.
    secrets: Vec<String>,
    /// `host:port` of metrics and probes.
    pub metrics: String,
    /// `host:port` of the status.
    pub status: String,
}

impl Daemon {
    /// Starts it and waits until it listens everywhere: whoever asks it is answered.
    pub(super) fn start(mut command: Command, secrets: Vec<String>) -> Self {
        let (log, stderr) = Log::open();
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        // It holds the end of the log that belongs to the daemon, which would never be closed.
        drop(command);
        let (metrics, status) = (String::new(), String::new());
        let mut daemon = Self { child, log, secrets, metrics, status };
        daemon.metrics = daemon.listener("http.listen");
        daemon.status = daemon.listener("http.status");
        daemon.listener("http.adminSocket");
        daemon
    }

    fn listener(&mut self, setting: &str) -> String {
        let log = Arc::clone(&self.log);
        self.until(&format!("{setting} is bound"), move || {
            log.lock().unwrap().text().lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let bound = line["address"].as_str().or(line["path"].as_str())?;
                (line["setting"] == setting).then(|| bound.to_owned())
            })
        })
    }

    /// What the daemon wrote to its log so far: what it wrote before it answered is in it.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().text()
    }

    /// Asks again and again until there is an answer; fails with the log when none comes.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "patience is a matter of real time")]
    pub fn until<T>(&mut self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "waiting for: {what}; the daemon {ended:?} said:\n{}",
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// The status as JSON.
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&get(&self.status, "/api/v1/status").1).unwrap()
    }

    /// Waits until `count` passes have ended that began after this was called, and the last one is
    /// written down. As long as no pass has ended, the first one counts whenever it began: a daemon
    /// that makes no other may be waited for by `passed`.
    #[track_caller]
    pub fn passes(&mut self, count: u64) {
        let (status, metrics) = (self.status.clone(), self.metrics.clone());
        let begun = self.until("the daemon to answer", || {
            if Turn::of(&status)?.number == 0 {
                return Some(0);
            }
            let (_, text) = get(&metrics, "/metrics");
            let begun = text.lines().find_map(|line| line.strip_prefix("workqueue_adds_total"))?;
            begun.rsplit(' ').next()?.parse().ok()
        });
        self.passed(begun + count);
    }

    /// Waits until the pass of this number has ended and is written down: memory, journal and log
    /// tell of it.
    #[track_caller]
    pub fn passed(&mut self, number: u64) {
        let status = self.status.clone();
        self.until(&format!("pass {number} to end"), || {
            let turn = Turn::of(&status)?;
            let is_written = turn.number > number || turn.waits;
            (turn.number >= number && is_written).then_some(())
        });
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end and gives the exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
        if !std::thread::panicking() {
            keep_secrets(&self.secrets, &self.log());
        }
    }
}

/// Where the loop of a daemon stands.
struct Turn {
    /// The last pass that ended.
    number: u64,
    /// The loop has said since then when the next one begins: nothing of the last one is left to
    /// do.
    waits: bool,
}

impl Turn {
    /// As the status at this address tells it.
    fn of(address: &str) -> Option<Self> {
        let (_, body) = get(address, "/api/v1/status");
        let status: serde_json::Value = serde_json::from_str(&body).ok()?;
        let number = status["lastPass"]["number"].as_u64().unwrap_or(0);
        let time = |value: &serde_json::Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
        let ended = time(&status["lastPass"]["endedAt"]);
        let waits = ended.is_some() && time(&status["nextPassAt"]) >= ended;
        Some(Self { number, waits })
    }
}

/// The log of a daemon. It is taken from the socket by whoever asks for it, so that nobody sees an
/// older one than the daemon has written, and by a thread, so that the daemon never waits for room.
struct Log {
    ours: UnixStream,
    heard: Vec<u8>,
    ended: bool,
}

impl Log {
    /// The log, and the stderr of who writes it.
    fn open() -> (Arc<Mutex<Self>>, Stdio) {
        let (ours, stderr) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let log = Arc::new(Mutex::new(Self { ours, heard: Vec::new(), ended: false }));
        let listened = Arc::downgrade(&log);
        std::thread::spawn(move || {
            while listened.upgrade().is_some_and(|log| !log.lock().unwrap().hear()) {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        (log, Stdio::from(OwnedFd::from(stderr)))
    }

    /// Takes what is there; whether that was the end.
    fn hear(&mut self) -> bool {
        let mut some = [0; 8192];
        while !self.ended {
            match self.ours.read(&mut some) {
                Ok(length) => {
                    self.heard.extend_from_slice(&some[..length]);
                    self.ended = length == 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the log of the daemon: {error}"),
            }
        }
        self.ended
    }

    /// The whole lines so far.
    fn text(&mut self) -> String {
        self.hear();
        let end = self.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        String::from_utf8_lossy(&self.heard[..end]).into_owned()
    }
}
