//! The loop: a pass every interval with jitter, sooner when something wakes it, later after a
//! fault; until it is asked to stop. Between passes it answers the admin socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::controller::admin::approve;
use crate::controller::admin::round::{Bench, Told};
use crate::controller::admin::server::{Call, Desk};
use crate::controller::admin::words::{Answer, Request, Round};
use crate::controller::books::{Books, Finished, finish};
use crate::controller::now;
use crate::controller::pass::{Blind, Engine, Look};
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::model::{ApprovalRequest, Digest};
use crate::policy::FolderError;
use crate::report::Report;
use crate::report::endpoint::Heartbeat;
use crate::report::events::{Event, Side};
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
    /// Approvals that no look has taken up yet.
    waiting: Vec<ApprovalRequest>,
}

impl Admin {
    /// Answers what comes through `calls`, and leaves what it knows on `desk`.
    pub fn new(desk: Arc<Desk>, calls: mpsc::Receiver<Call>) -> Self {
        Self { desk, calls, waiting: Vec::new() }
    }

    /// Says which approvals a look did not take up: what they name is no longer held.
    fn settle(&mut self, look: &Look) {
        for request in self.waiting.drain(..) {
            if !look.granted.keys().any(|digest| request.names(digest)) {
                let (digest, by) = (request.digest, request.approved_by);
                tracing::warn!(digest, by, "approval dropped: the set is no longer held as it was");
            }
        }
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
    pub heartbeat: Arc<Heartbeat>,
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
        if let Err(fault) = self.catch_up() {
            return Some(fault);
        }
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
        if let Some(admin) = &mut self.admin {
            admin.settle(&look);
        }
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
                call = next_call(&mut self.admin) => {
                    if self.answer(call).await {
                        return;
                    }
                }
            }
            self.heartbeat.beat(now());
        }
    }

    /// Does what somebody asks; whether the next pass should start at once.
    async fn answer(&mut self, call: Call) -> bool {
        let Call { request, caller, answer } = call;
        let caller = caller.to_string();
        let (said, wake) = match request {
            Request::Approve { digest, not_after } => {
                let memory = self.engine.memory();
                match approve::judge((memory, &memory.held), &digest, &caller, not_after, now()) {
                    Ok((request, granted)) => {
                        if let Some(admin) = &mut self.admin {
                            admin.waiting.push(request.clone());
                        }
                        self.engine.request(request);
                        (Answer::Approved(granted), true)
                    }
                    Err(why) => (Answer::refused(why), false),
                }
            }
            Request::Apply(round) => (self.apply(&round, &caller).await, false),
            Request::Memory {} | Request::Status {} => {
                (Answer::refused("this is answered without the loop"), false)
            }
        };
        // Who went away meanwhile finds it in the status.
        let _gone = answer.send(said);
        wake
    }

    async fn apply(&mut self, round: &Round, caller: &str) -> Answer {
        if let Err(fault) = self.catch_up() {
            return Answer::refused(format!("failed to {}: nothing is written", fault.message));
        }
        let (mut output, mut complaints) = (String::new(), Vec::new());
        let mut tell = |told| match told {
            Told::Output(text) => output.push_str(&text),
            Told::Complaint(line) => complaints.push(line),
        };
        let bench = Bench { engine: &mut self.engine, books: &mut self.books, stop: &self.stop };
        let (exit, finished) = Box::pin(bench.run(round, caller, &mut tell)).await;
        if let Some(finished) = finished {
            self.ended(&finished);
        }
        Answer::Applied { exit: exit.code(), output, complaints }
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
