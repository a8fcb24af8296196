//! Prometheus metrics. Labels are bounded words, never a group or member; every series starts at
//! zero. The catalogue is in `deploy/monitoring/README.md`.
//!
//! Comes from events. `passes` counts the loop, `plans` what was decided and done, `folder` what
//! people gave, `edges` both sides, `process` the process. `figures` works out the numbers of one
//! plan, `trace` remembers what waits from one to the next. An event costs what its plan costs; a
//! scrape costs the same for ten groups and for a hundred thousand.

mod edges;
mod figures;
mod folder;
mod make;
mod passes;
mod plans;
mod process;
mod trace;

use jiff::Timestamp;
use prometheus::{Encoder as _, GaugeVec, Opts, Registry, TextEncoder};

use crate::report::events::Event;
use crate::report::metrics::edges::Edges;
use crate::report::metrics::folder::Folder;
use crate::report::metrics::make::Maker;
use crate::report::metrics::passes::Passes;
use crate::report::metrics::plans::Plans;
use crate::report::metrics::process::OwnProcess;

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Passes,
    plans: Plans,
    folder: Folder,
    edges: Edges,
    process: OwnProcess,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, registered and at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        let options = Opts::new("writeback_build_info", "The version that runs.");
        let build = make.keep(GaugeVec::new(options, &["version"]));
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        Self {
            passes: Passes::new(&make),
            plans: Plans::new(&make),
            folder: Folder::new(&make),
            edges: Edges::new(&make),
            process: OwnProcess::new(&make),
            registry,
        }
    }

    /// The exposition text (Prometheus text format 0.0.4) as of the last event.
    pub fn text(&self) -> String {
        let mut buffer = Vec::new();
        // Writing to a vector cannot fail; a family that cannot be encoded is left out.
        let _written = TextEncoder::new().encode(&self.registry.gather(), &mut buffer);
        String::from_utf8_lossy(&buffer).into_owned()
    }

    /// The same at a time: with the ages of what waits, and what the kernel says of the process.
    pub fn text_at(&self, now: Timestamp) -> String {
        self.passes.look_at(now);
        self.plans.look_at(now);
        self.process.seen(now);
        self.process.look();
        self.text()
    }

    /// Takes what an event changes.
    pub fn take(&self, event: &Event<'_>) {
        let Self { passes, plans, folder, edges, process, .. } = self;
        match event {
            Event::PassBegun { at, .. } => {
                process.seen(*at);
                passes.begun(*at);
            }
            Event::Planned { policies, decision, guarded, sight } => {
                edges.looked(!decision.incomplete, sight);
                folder.approvals(&sight.memory.approvals, sight.at);
                plans.planned(policies, decision, guarded, sight);
            }
            Event::ChangeMade(result) => plans.made(result),
            Event::PassEnded(pass) => {
                plans.ended(pass.at);
                passes.ended(pass);
            }
            Event::GraphAnswered { endpoint, code, seconds, throttled } => {
                edges.tenant_answered(endpoint, code, *seconds, *throttled);
            }
            Event::DirectoryAnswered { operation, result, seconds } => {
                edges.domain_answered(operation, result, *seconds);
            }
            Event::PoliciesLoaded { policies, mistakes, at, .. } => {
                process.seen(*at);
                folder.loaded(policies, mistakes.len(), *at);
                plans.loaded(policies);
            }
            Event::Reloaded { via, changed } => {
                passes.idle();
                folder.looked(*via, *changed);
            }
            Event::CredentialSeen { credential, expires } => {
                folder.credential(credential, *expires);
            }
            Event::Paused(pauses) => folder.paused(pauses),
            Event::FaultMet { side, fault } => {
                edges.failed(*side);
                passes.failed(*side, fault);
            }
            Event::JournalAt { sequence, hash } => passes.journal_at(*sequence, hash),
            Event::JournalFailed { .. } => passes.journal_failed(),
            Event::StateFailed { .. } => passes.state_failed(),
            Event::Next { at } => passes.next(*at),
            Event::StateSaved | Event::Stopping => {}
        }
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
fn moment(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Seconds from one time to another, none where the clock was set back.
fn between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
