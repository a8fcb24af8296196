//! Stopping: on request, with the operation in flight finished and journalled. The whole daemon, or
//! the writing of the pass under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A request to stop: the operation in flight is finished, nothing new is begun.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    /// Nothing more is written.
    halted: AtomicBool,
    /// How many halt it. Whoever changes `halted` holds this.
    halts: Mutex<usize>,
    bell: Notify,
}

/// Keeps passes from writing until it is dropped; each of several does.
#[derive(Debug)]
pub struct Halt(Arc<Stop>);

impl Drop for Halt {
    fn drop(&mut self) {
        let mut halts = self.0.halts();
        *halts = halts.saturating_sub(1);
        let halted = *halts > 0 || self.0.asked();
        self.0.halted.store(halted, Ordering::SeqCst);
    }
}

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        let halts = self.halts();
        self.asked.store(true, Ordering::SeqCst);
        self.halted.store(true, Ordering::SeqCst);
        drop(halts);
        self.bell.notify_waiters();
        self.bell.notify_one();
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Asks that passes write nothing more until the answer is dropped: somebody pauses them.
    #[must_use]
    pub fn halt(self: &Arc<Self>) -> Halt {
        let mut halts = self.halts();
        *halts += 1;
        self.halted.store(true, Ordering::SeqCst);
        Halt(Arc::clone(self))
    }

    fn halts(&self) -> MutexGuard<'_, usize> {
        self.halts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flag that writing looks at between operations.
    pub fn flag(&self) -> &AtomicBool {
        &self.halted
    }

    /// Resolves when somebody asks.
    pub async fn heard(&self) {
        while !self.asked() {
            self.bell.notified().await;
        }
    }

    /// Lets SIGTERM and SIGINT ask. A second one calls `at_once`, which ends the process: as safe
    /// as a crash, for every write is announced in the journal and settled by reading.
    pub fn listen(self: &Arc<Self>, at_once: fn()) {
        let (terminate, interrupt) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else { return };
        let stop = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if stop.asked() {
                    at_once();
                }
                stop.ask();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_write_again_when_nobody_halts_them_any_more() {
        let stop = Arc::new(Stop::default());
        let halted = || stop.flag().load(Ordering::SeqCst);
        let (one, other) = (stop.halt(), stop.halt());
        drop(other);
        assert!(halted(), "the first one is still there");
        drop(one);
        assert!(!halted() && !stop.asked());
    }

    #[test]
    fn who_was_asked_to_stop_stays_so_whatever_ends() {
        let stop = Arc::new(Stop::default());
        let before = stop.halt();
        stop.ask();
        let after = stop.halt();
        drop((before, after));
        assert!(stop.flag().load(Ordering::SeqCst) && stop.asked());
    }
}
