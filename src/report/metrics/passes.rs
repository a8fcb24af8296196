//! The loop: how passes go, the queue they stand in, and the journal they are written down in.
//!
//! The loop is a queue with one key: a pass is added when something asks for it, waits until the
//! loop takes it up, and is worked on until it ends. The families `workqueue_*` are named as
//! controller-runtime names them, so that panels and habits from there apply.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::report::events::{PassEnd, PassResult, Side};
use crate::report::metrics::make::Maker;
use crate::report::metrics::{between, moment};
use crate::retry::Fault;

/// The loop.
#[derive(Debug)]
pub(super) struct Passes {
    total: IntCounterVec,
    seconds: Histogram,
    errors: IntCounterVec,
    terminal: IntCounter,
    noops: IntCounter,
    consecutive_failures: IntGauge,
    last: Gauge,
    last_success: Gauge,
    next: Gauge,
    journal_errors: IntCounter,
    journal_head: IntGaugeVec,
    state_errors: IntCounter,
    queue: Queue,
}

/// The loop as a queue.
#[derive(Debug)]
struct Queue {
    depth: Gauge,
    adds: IntCounter,
    waits: Histogram,
    work: Histogram,
    unfinished: Gauge,
    longest: Gauge,
    retries: IntCounter,
    turn: Mutex<Turn>,
}

/// Where the one key stands.
#[derive(Debug, Default)]
struct Turn {
    /// When the next pass is due.
    due: Option<Timestamp>,
    /// When the pass began that has not ended.
    running: Option<Timestamp>,
}

impl Passes {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let passes = Self {
            total: make.counters("reconcile_total", "Passes, by result.", &["result"]),
            seconds: make.seconds("reconcile_duration_seconds", "How long passes take."),
            errors: make.counters(
                "reconcile_errors_total",
                "Passes that ended early, by the side that failed, or the state.",
                &["side"],
            ),
            terminal: make.counter(
                "terminal_errors_total",
                "Passes that ended early for a reason that time does not mend.",
            ),
            noops: make.counter("noop_runs_total", "Passes that found everything as it should be."),
            consecutive_failures: make
                .gauge("consecutive_failures", "Passes without success since the last success."),
            last: make.moment("last_reconcile_timestamp_seconds", "When the last pass ended."),
            last_success: make
                .moment("last_success_timestamp_seconds", "When the last successful pass ended."),
            next: make.moment("next_reconcile_timestamp_seconds", "When the next pass is due."),
            journal_errors: make.counter(
                "journal_write_errors_total",
                "Journal records that could not be put on disk.",
            ),
            journal_head: make.gauges(
                "journal_head",
                "The number of the journal's last line, by its hash: one series, for whoever \
                 checks later that nothing was cut off.",
                "hash",
            ),
            state_errors: make.counter(
                "state_write_errors_total",
                "Saves of the state that failed; nothing is written until one succeeds.",
            ),
            queue: Queue::new(make),
        };
        for result in PassResult::ALL {
            passes.total.with_label_values(&[result.word()]);
        }
        for side in Side::ALL {
            passes.errors.with_label_values(&[side.word()]);
        }
        passes
    }

    pub(super) fn begun(&self, at: Timestamp) {
        self.queue.begun(at);
    }

    pub(super) fn ended(&self, pass: &PassEnd) {
        self.total.with_label_values(&[pass.result.word()]).inc();
        self.seconds.observe(pass.seconds);
        self.last.set(moment(pass.at));
        self.noops.inc_by(u64::from(pass.result == PassResult::InStep));
        if pass.result.is_success() {
            self.last_success.set(moment(pass.at));
            self.consecutive_failures.set(0);
        } else {
            self.consecutive_failures.inc();
        }
        self.queue.ended(pass);
    }

    pub(super) fn failed(&self, side: Side, fault: &Fault) {
        self.errors.with_label_values(&[side.word()]).inc();
        self.terminal.inc_by(u64::from(!fault.transient));
    }

    /// The loop waits until then.
    pub(super) fn next(&self, at: Timestamp) {
        self.next.set(moment(at));
        let mut turn = self.queue.turn();
        turn.due = Some(at);
        turn.running = None;
    }

    /// The loop does something that it does between passes alone: a look that ended without
    /// writing is over.
    pub(super) fn idle(&self) {
        self.queue.turn().running = None;
    }

    pub(super) fn journal_at(&self, sequence: u64, hash: &str) {
        self.journal_head.reset();
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        self.journal_head.with_label_values(&[hash]).set(sequence);
    }

    pub(super) fn journal_failed(&self) {
        self.journal_errors.inc();
    }

    pub(super) fn state_failed(&self) {
        self.state_errors.inc();
    }

    /// Brings what grows with time up to `now`.
    pub(super) fn look_at(&self, now: Timestamp) {
        self.queue.look_at(now);
    }
}

impl Queue {
    fn new(make: &Maker<'_>) -> Self {
        Self {
            depth: make.queue_gauge("depth", "Whether a pass is due and was not begun."),
            adds: make.queue_counter("adds_total", "Passes that were asked for."),
            waits: make.queue_seconds(
                "queue_duration_seconds",
                "How long passes wait from the time they are due.",
            ),
            work: make.queue_seconds("work_duration_seconds", "How long passes take."),
            unfinished: make.queue_gauge(
                "unfinished_work_seconds",
                "How long the pass that has not ended runs already.",
            ),
            longest: make.queue_gauge(
                "longest_running_processor_seconds",
                "The same: there is one processor.",
            ),
            retries: make.queue_counter(
                "retries_total",
                "Passes that are made again because the one before failed.",
            ),
            turn: Mutex::default(),
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self, at: Timestamp) {
        let mut turn = self.turn();
        self.adds.inc();
        // One that is woken before its time has not waited; the first of all was due at once.
        let due = turn.due.take().unwrap_or(at);
        self.waits.observe(between(due, at));
        turn.running = Some(at);
    }

    fn ended(&self, pass: &PassEnd) {
        self.turn().running = None;
        self.work.observe(pass.seconds);
        self.retries.inc_by(u64::from(pass.result == PassResult::Failed));
    }

    fn look_at(&self, now: Timestamp) {
        let turn = self.turn();
        let overdue = turn.running.is_none() && turn.due.is_some_and(|due| due < now);
        self.depth.set(f64::from(u8::from(overdue)));
        let runs = turn.running.map_or(0.0, |since| between(since, now));
        self.unfinished.set(runs);
        self.longest.set(runs);
    }
}
