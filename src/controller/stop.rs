//! Stopping: on request, with the operation in flight finished and journalled. The whole daemon, or
//! the writing of the pass under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A request to stop: the operation in flight is finished, nothing new is begun.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    /// Nothing more is written.
    halted: AtomicBool,
    bell: Notify,
}

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.halted.store(true, Ordering::SeqCst);
        self.bell.notify_waiters();
        self.bell.notify_one();
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Asks that the pass under way writes nothing more: somebody pauses it.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::SeqCst);
    }

    /// Lets passes write again, unless somebody asked to stop.
    pub fn go_on(&self) {
        self.halted.store(false, Ordering::SeqCst);
        // `ask` says `asked` first: whichever of the two comes last sees it.
        if self.asked() {
            self.halted.store(true, Ordering::SeqCst);
        }
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
