//! What whoever started the daemon hears of it: ready, what it does, that it still moves, that it
//! reads its policies again, that it stops (sd_notify(3)).
//!
//! The loop of `schedule` says all of it, and nobody else: a daemon whose loop stands still is
//! silent, and is ended by the watchdog (sd_watchdog_enabled(3)). Without a service manager nothing
//! is sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;

use crate::controller::now;
use crate::report::endpoint::Heartbeat;
use crate::report::text::safe;
use crate::settings::Supervision;

/// The loop shows that it moves this many times in the silence that it is allowed;
/// sd_watchdog_enabled(3) recommends half of it, and a machine can be busy.
const FEEDS_IN_SILENCE: u32 = 4;
/// No silence is so short that the loop shows itself more often than this.
const FEED_MIN: Duration = Duration::from_millis(50);
/// Characters of a status line: what `systemctl status` shows in a line or two.
const STATUS_CHARACTERS_MAX: usize = 300;

/// Whoever started this process, as far as it listens.
#[derive(Debug, Default)]
pub struct Supervisor {
    listens: bool,
    /// How often it wants to see that the loop moves.
    feed_after: Option<Duration>,
    fed: Mutex<Option<Instant>>,
    /// It was told that the process stops.
    stopping: AtomicBool,
    /// It did not hear, and that was logged.
    deaf: AtomicBool,
}

impl Supervisor {
    /// Tells what `supervision` found.
    pub fn new(supervision: Supervision) -> Self {
        let feed_after =
            supervision.watchdog.map(|silence| (silence / FEEDS_IN_SILENCE).max(FEED_MIN));
        Self { listens: supervision.listens, feed_after, ..Self::default() }
    }

    /// How often the loop has to show that it moves while it waits; `None` where nobody asks.
    pub fn feed_after(&self) -> Option<Duration> {
        self.feed_after
    }

    /// The daemon runs, and this is what it does.
    pub fn ready(&self, status: &str) {
        self.say(&[NotifyState::Ready, NotifyState::Status(&line(status))]);
    }

    /// What it does now.
    pub fn tell(&self, status: &str) {
        self.say(&[NotifyState::Status(&line(status))]);
    }

    /// The loop moves. Told no more often than it has to be.
    pub fn feed(&self) {
        let Some(feed_after) = self.feed_after else { return };
        let mut fed = self.fed.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        if fed.is_none_or(|last| at.duration_since(last) >= feed_after) {
            *fed = Some(at);
            self.say(&[NotifyState::Watchdog]);
        }
    }

    /// The policies are read again because somebody asked; `ready` ends it. The time tells systemd
    /// from version 253 on which request it answers.
    pub fn reloading(&self) {
        if !self.listens {
            return;
        }
        match NotifyState::monotonic_usec_now() {
            Ok(time) => self.say(&[NotifyState::Reloading, time]),
            Err(_) => self.say(&[NotifyState::Reloading]),
        }
    }

    /// The daemon was asked to stop. Told once.
    pub fn stopping(&self) {
        if !self.stopping.swap(true, Ordering::Relaxed) {
            self.say(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
        }
    }

    fn say(&self, states: &[NotifyState<'_>]) {
        if !self.listens {
            return;
        }
        if let Err(error) = sd_notify::notify(states)
            && !self.deaf.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "the service manager does not hear");
        }
    }
}

/// One line: a line feed would begin another assignment.
fn line(text: &str) -> String {
    safe(text).chars().take(STATUS_CHARACTERS_MAX).collect()
}

/// The beat of the loop, for all who watch it: probes, and whoever started the process.
#[derive(Clone, Debug)]
pub struct Pulse {
    heartbeat: Arc<Heartbeat>,
    supervisor: Arc<Supervisor>,
}

impl Pulse {
    /// A beat that probes see in `heartbeat`.
    pub fn new(heartbeat: Arc<Heartbeat>, supervisor: Arc<Supervisor>) -> Self {
        Self { heartbeat, supervisor }
    }

    /// Whoever started the process.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// The loop moves.
    pub fn beat(&self) {
        self.heartbeat.beat(now());
        self.supervisor.feed();
    }
}
