//! The loop: a pass every interval with jitter, sooner when something wakes it, later after a
//! fault; until it is asked to stop.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep_until};

use crate::controller::now;
use crate::controller::pass::{Acted, Blind, Engine};
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::journal::Journal;
use crate::model::Digest;
use crate::policy::FolderError;
use crate::report::Report;
use crate::report::endpoint::Heartbeat;
use crate::report::events::{Event, Side};
use crate::retry::{Fault, PASS};

/// The interval is stretched by up to this share, so that many daemons do not beat in step.
const JITTER: f64 = 0.1;
/// How often an idle loop shows that it moves.
const BEAT: Duration = Duration::from_secs(20);

/// What the loop runs with.
pub struct Loop {
    /// What makes passes.
    pub engine: Engine,
    /// Where intents and outcomes go.
    pub journal: Journal,
    /// Who is told.
    pub report: Arc<Report>,
    /// Shows that the loop moves.
    pub heartbeat: Arc<Heartbeat>,
    /// When to stop.
    pub stop: Arc<Stop>,
    /// What wakes the loop.
    pub triggers: Triggers,
    /// From the start of one pass to the start of the next.
    pub interval: Duration,
}

impl Loop {
    /// Runs until it is asked to stop.
    pub async fn run(mut self) {
        let mut failures: u32 = 0;
        while !self.stop.asked() {
            let begun = Instant::now();
            self.heartbeat.beat(now());
            // Taken before anything is tried with them: one renewed meanwhile is a new one.
            let secrets = self.engine.secrets();
            let ended = self.pass().await;
            if self.stop.asked() {
                break;
            }
            failures = if ended.is_some() { failures.saturating_add(1) } else { 0 };
            let next = begun + begun.elapsed().max(self.pause(failures, ended.as_ref()));
            self.wait(next, secrets).await;
        }
        self.report.emit(&Event::Stopping);
    }

    /// From the start of a pass to the start of the next.
    ///
    /// | the pass | the next one starts |
    /// |---|---|
    /// | ended | after the interval, stretched by some jitter |
    /// | met a fault that time may mend | after a growing delay, at most the interval |
    /// | met a fault that a person must mend | after the longest delay: a refused password that is offered again and again locks its account. A renewed secret file or policy wakes the loop |
    fn pause(&self, failures: u32, fault: Option<&Fault>) -> Duration {
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
        let load = self.engine.load_policies();
        if let (Some(error), None) = (&load.folder_error, load.generation) {
            let fault = policies_unreadable(error);
            return Some(self.give_up(Blind { side: Side::Policies, fault }, begun));
        }
        let stop = Arc::clone(&self.stop);
        let looked = tokio::select! {
            looked = self.engine.look(None) => looked,
            // Reading changes nothing: it is simply left.
            () = stop.heard() => return None,
        };
        let look = match looked {
            Ok(look) => look,
            Err(blind) => return Some(self.give_up(blind, begun)),
        };
        self.heartbeat.beat(now());
        let acted = if look.guarded.admitted.changes().is_empty() {
            Acted::default()
        } else {
            self.engine.act(&look, &mut self.journal, self.stop.flag()).await
        };
        let journal = acted.journal.as_ref().map(|error| Fault {
            reason: "journal",
            transient: false,
            retry_after: None,
            message: error.to_string(),
        });
        self.engine.conclude(look, &acted);
        journal
    }

    fn give_up(&mut self, blind: Blind, begun: Timestamp) -> Fault {
        self.engine.give_up(&blind, begun);
        blind.fault
    }

    async fn wait(&mut self, next: Instant, secrets: Digest) {
        let left = next.saturating_duration_since(Instant::now());
        let at: Timestamp = now() + SignedDuration::try_from(left).unwrap_or_default();
        self.report.emit(&Event::Next { at });
        let mut beat = Instant::now() + BEAT;
        loop {
            tokio::select! {
                () = self.stop.heard() => return,
                () = sleep_until(next) => return,
                () = sleep_until(beat) => {
                    beat = Instant::now() + BEAT;
                    if self.engine.secrets() != secrets {
                        return;
                    }
                }
                () = self.triggers.due() => {
                    if self.engine.load_policies().changed {
                        return;
                    }
                }
            }
            self.heartbeat.beat(now());
        }
    }
}

/// The fault of a policy folder that has never been read: nothing is desired, nothing is removed.
fn policies_unreadable(error: &FolderError) -> Fault {
    Fault {
        reason: "policies_unreadable",
        transient: true,
        retry_after: None,
        message: error.to_string(),
    }
}
