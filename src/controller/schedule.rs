//! The loop: a pass every interval with jitter, sooner when something wakes it, later after a
//! fault; until it is asked to stop. Between passes it answers the admin socket
//! (`schedule::answer`).
//!
//! It alone shows that the daemon moves, to probes and to whoever started it: a loop that stands
//! still is silent.

mod answer;
mod past;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::controller::admin::server::{Call, Desk};
use crate::controller::books::{Books, Finished, finish};
use crate::controller::notify::Pulse;
use crate::controller::now;
use crate::controller::pass::{Blind, Engine};
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::model::Digest;
use crate::policy::{FolderError, LoadReport};
use crate::report::Report;
use crate::report::events::{Event, Side, Via};
use crate::retry::{Fault, PASS};

/// The interval is stretched by up to this share, so that many daemons do not beat in step.
const JITTER: f64 = 0.1;
/// How often an idle loop shows that it moves.
const BEAT: Duration = Duration::from_secs(20);

/// The admin socket, as the loop sees it.
#[derive(Debug)]
pub struct Admin {
    desk: Arc<Desk>,
    calls: mpsc::Receiver<Call>,
}

impl Admin {
    /// Answers what comes through `calls`, and leaves what it knows on `desk`.
    pub fn new(desk: Arc<Desk>, calls: mpsc::Receiver<Call>) -> Self {
        Self { desk, calls }
    }
}

/// The next request of the admin socket, where there is one.
async fn next_call(admin: &mut Option<Admin>) -> Call {
    if let Some(admin) = admin
        && let Some(call) = admin.calls.recv().await
    {
        return call;
    }
    std::future::pending().await
}

/// What the loop runs with.
pub struct Loop {
    /// What makes passes.
    pub engine: Engine,
    /// Where they are written down.
    pub books: Books,
    /// Who is told.
    pub report: Arc<Report>,
    /// Shows that the loop moves.
    pub pulse: Pulse,
    /// When to stop.
    pub stop: Arc<Stop>,
    /// What wakes the loop.
    pub triggers: Triggers,
    /// From the start of one pass to the start of the next.
    pub interval: Duration,
    /// Who may ask between passes.
    pub admin: Option<Admin>,
    /// Whether the last save succeeded, for probes.
    pub saved: Arc<AtomicBool>,
}

impl Loop {
    /// Runs until it is asked to stop.
    pub async fn run(mut self) {
        let mut failures: u32 = 0;
        past::tell(
            self.engine.settings.state.clone(),
            self.books.journal.head().sequence,
            Arc::clone(&self.report),
            Arc::clone(&self.stop),
        );
        self.pulse.supervisor().ready("the first pass begins");
        while !self.stop.asked() {
            let begun = Instant::now();
            self.pulse.beat();
            // Taken before anything is tried with them: one renewed meanwhile is a new one.
            let secrets = self.engine.secrets();
            let ended = Box::pin(self.pass()).await;
            if self.stop.asked() {
                break;
            }
            failures = if ended.is_some() { failures.saturating_add(1) } else { 0 };
            let next = begun + begun.elapsed().max(self.rest(failures, ended.as_ref()));
            self.wait(next, secrets).await;
        }
        self.pulse.supervisor().stopping();
        self.report.emit(&Event::Stopping);
    }

    /// From the start of a pass to the start of the next.
    ///
    /// | the pass | the next one starts |
    /// |---|---|
    /// | ended | after the interval, stretched by some jitter |
    /// | met a fault that time may mend | after a growing delay, at most the interval |
    /// | met a fault that a person must mend | after the longest delay: a refused password that is offered again and again locks its account. A renewed secret file or policy wakes the loop |
    fn rest(&self, failures: u32, fault: Option<&Fault>) -> Duration {
        let interval = self.interval.mul_f64(1.0 + JITTER * fastrand::f64());
        match fault {
            None => interval,
            Some(fault) if !fault.transient => PASS.longest,
            Some(fault) => {
                let next = failures.saturating_add(1);
                let delay = PASS.delay(next, None, fastrand::f64()).unwrap_or(PASS.longest);
                let asked = fault.retry_after.unwrap_or_default();
                delay.min(self.interval.max(PASS.first)).max(asked)
            }
        }
    }

    /// One pass; the fault that ended it early, if one did.
    async fn pass(&mut self) -> Option<Fault> {
        let begun = now();
        if let Err(fault) = self.catch_up() {
            return Some(self.give_up(Blind { side: Side::State, fault }, begun));
        }
        let stop = Arc::clone(&self.stop);
        let settled = tokio::select! {
            settled = self.triggers.settle() => settled,
            () = stop.heard() => return None,
        };
        let begun = now();
        let load = self.engine.load_policies_by(if settled { Via::Event } else { Via::Pass });
        if let (Some(error), None) = (&load.folder_error, load.generation) {
            let fault = policies_unreadable(error);
            return Some(self.give_up(Blind { side: Side::Policies, fault }, begun));
        }
        let looked = tokio::select! {
            looked = self.engine.look(None) => looked,
            // Reading changes nothing: it is simply left.
            () = stop.heard() => return None,
        };
        let look = match looked {
            Ok(look) => look,
            Err(blind) => return Some(self.give_up(blind, begun)),
        };
        self.pulse.beat();
        let finished = finish(&mut self.engine, &mut self.books, look, &self.stop).await;
        self.ended(&finished)
    }

    /// Saves what an earlier pass could not: until it is on disk nothing is written to the
    /// directory.
    fn catch_up(&mut self) -> Result<(), Fault> {
        let caught_up = self.books.catch_up(&self.engine, &self.report);
        self.saved.store(caught_up.is_ok(), Ordering::Relaxed);
        caught_up
    }

    /// Leaves a pass where others find it; the fault in it, if there is one.
    fn ended(&mut self, finished: &Finished) -> Option<Fault> {
        self.saved.store(finished.saved.is_ok(), Ordering::Relaxed);
        if let Some(admin) = &self.admin {
            admin.desk.leave(self.engine.memory().clone(), now());
        }
        finished.fault()
    }

    fn give_up(&mut self, blind: Blind, begun: Timestamp) -> Fault {
        self.engine.give_up(&blind, begun);
        blind.fault
    }

    async fn wait(&mut self, next: Instant, secrets: Digest) {
        let left = next.saturating_duration_since(Instant::now());
        let at: Timestamp = now() + SignedDuration::try_from(left).unwrap_or_default();
        self.report.emit(&Event::Next { at });
        self.pulse.supervisor().tell(&self.report.status().headline());
        let every = self.pulse.supervisor().feed_after().map_or(BEAT, |feed| feed.min(BEAT));
        let mut beat = Instant::now() + every;
        loop {
            tokio::select! {
                // After a long pass the next one is due at once: whoever asked meanwhile comes
                // first, and once, so that nobody's questions keep it from beginning.
                biased;
                () = self.stop.heard() => return,
                call = next_call(&mut self.admin) => {
                    if self.answer_all(call).await || Instant::now() >= next {
                        return;
                    }
                }
                via = self.triggers.due() => {
                    if self.reload(via).changed {
                        return;
                    }
                }
                () = sleep_until(next) => return,
                () = sleep_until(beat) => {
                    beat = Instant::now() + every;
                    if self.engine.secrets() != secrets {
                        return;
                    }
                }
            }
            self.pulse.beat();
        }
    }

    /// Reads the policies again between two passes.
    fn reload(&mut self, via: Via) -> LoadReport {
        // Whoever sent the signal waits for the end of it.
        let is_asked = via == Via::Signal;
        if is_asked {
            self.pulse.supervisor().reloading();
        }
        let load = self.engine.load_policies_by(via);
        if is_asked {
            self.pulse.supervisor().ready(&self.report.status().headline());
            let (changed, mistakes) = (load.changed, load.mistakes.len());
            tracing::info!(changed, mistakes, "policies read on a signal");
        }
        if via == Via::Poll && load.changed && self.triggers.hears() {
            tracing::warn!("policies changed and no event told it: this folder has the poll alone");
        }
        load
    }
}

/// The fault of a policy folder that has never been read: nothing is desired, nothing is removed.
pub(in crate::controller) fn policies_unreadable(error: &FolderError) -> Fault {
    Fault {
        reason: "policies_unreadable",
        transient: true,
        retry_after: None,
        message: error.to_string(),
    }
}
