//! The daemon in this process: one engine that lives through all passes, and with it memory, and a
//! clock of its own, so that nothing waits for time to go by.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::{SignedDuration, Timestamp};
use writeback::controller::lock::StateLock;
use writeback::controller::now;
use writeback::controller::pass::Engine;
use writeback::journal::{Journal, Options};
use writeback::model::{Finding, Memory};
use writeback::report::status::Status;
use writeback::report::{Report, progress, text};
use writeback::settings::Settings;

use crate::product::Product;

/// Between two passes: longer than `confirmAfter`, and than the window of the guard.
const BETWEEN: SignedDuration = SignedDuration::from_hours(25);

/// A daemon.
pub struct Daemon {
    engine: Engine,
    journal: Journal,
    clock: Option<Timestamp>,
    _lock: StateLock,
}

/// What a pass came to.
#[derive(Debug)]
pub struct Passed {
    /// How many changes it made.
    pub changes: usize,
    /// How many groups are gone, but not surely.
    pub unconfirmed: usize,
    /// Whatever is not as it should be: a read cut short, a hold, a change that failed.
    pub troubles: Vec<String>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The plan as `plan` prints it.
    pub plan: String,
}

impl Passed {
    /// Whether nothing was left to do.
    pub fn is_quiet(&self) -> bool {
        self.changes == 0 && self.unconfirmed == 0 && self.troubles.is_empty()
    }
}

impl Daemon {
    /// Starts in a product's folder.
    pub fn start(product: &Product) -> Self {
        let file = product.path().join("writeback.yaml");
        let settings = Settings::load(&file)
            .unwrap_or_else(|mistakes| panic!("the configuration is wrong: {mistakes:?}"));
        let lock = StateLock::take(&settings.state).unwrap();
        let journal = Journal::open(lock.directory(), Options::default(), now()).unwrap();
        let status = Status::new(&settings.owner, "writeback.yaml", Timestamp::UNIX_EPOCH);
        let report = Arc::new(Report::new(status));
        let engine = Engine::open(settings, report, progress::unwatched(), Some(Memory::default()))
            .unwrap_or_else(|blind| panic!("the engine does not open: {blind:?}"));
        Self { engine, journal, clock: None, _lock: lock }
    }

    /// One pass.
    pub async fn pass(&mut self) -> Passed {
        let load = self.engine.load_policies();
        assert!(load.mistakes.is_empty(), "the policies are wrong: {:?}", load.mistakes);
        let looked = match self.clock {
            None => self.engine.look(None).await,
            Some(time) => self.engine.look_at(None, time).await,
        };
        let look = looked.unwrap_or_else(|blind| panic!("the pass sees nothing: {blind:?}"));
        self.clock = Some(look.begun + BETWEEN);
        let plan = text::plan(&look.decision, &look.guarded);
        let mut troubles: Vec<String> =
            look.guarded.held.holds.iter().map(|hold| format!("held: {}", hold.message)).collect();
        if look.decision.incomplete {
            troubles.push(format!("incomplete: {:?}", look.decision.unknown));
        }
        let unconfirmed = look.decision.plan.unconfirmed.len();
        let findings = look.decision.findings.clone();
        let stop = AtomicBool::new(false);
        let acted = Box::pin(self.engine.act(&look, &mut self.journal, &stop)).await;
        let outcomes = text::outcomes(&acted.results);
        if outcomes.lines().count() > 1 {
            troubles.push(outcomes);
        }
        let changes = acted.results.len();
        self.engine.conclude(look, &acted);
        Passed { changes, unconfirmed, troubles, findings, plan }
    }

    /// Passes until one is quiet; gives all of them, the quiet one last.
    pub async fn settle(&mut self, most: usize) -> Vec<Passed> {
        let mut passes = Vec::new();
        while passes.len() < most {
            passes.push(self.pass().await);
            if passes.last().is_some_and(Passed::is_quiet) {
                break;
            }
        }
        passes
    }
}
