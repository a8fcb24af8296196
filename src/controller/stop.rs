//! Stopping: on request, with the operation in flight finished and journalled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A request to stop: the operation in flight is finished, nothing new is begun.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    bell: Notify,
}

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.bell.notify_waiters();
        self.bell.notify_one();
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// The flag that writing looks at between operations.
    pub fn flag(&self) -> &AtomicBool {
        &self.asked
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
