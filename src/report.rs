//! Floor 3: telling. Events come in; metrics, log and status go out.
//!
//! `emit` is the one `match` that feeds them all: adding a metric never edits logic.

pub mod discovery;
pub mod endpoint;
pub mod events;
pub mod explanation;
pub mod groups;
pub mod json;
pub mod logs;
pub mod markdown;
pub mod metrics;
pub mod page;
pub mod progress;
pub mod status;
pub mod text;

use std::sync::{Mutex, PoisonError};

use tracing::{debug, error, info, warn};

use crate::decide::conclude::ChangeResult;
use crate::model::Outcome;
use events::{Event, Side};
use groups::{Book, View};
use metrics::Metrics;
use status::Status;
use text::safe;

/// Where everything that is told goes.
#[derive(Debug)]
pub struct Report {
    metrics: Metrics,
    status: Mutex<Status>,
    groups: Book,
}

impl Report {
    /// Starts telling; all series stand at zero.
    pub fn new(status: Status) -> Self {
        Self { metrics: Metrics::new(), status: Mutex::new(status), groups: Book::default() }
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The status as it stands.
    pub fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The groups as they stand.
    pub fn groups(&self) -> View {
        self.groups.view()
    }

    /// Tells one event to all who listen. The status comes last: whoever has read there that
    /// something happened finds it in log, metrics and groups.
    pub fn emit(&self, event: &Event<'_>) {
        log(event);
        self.metrics.take(event);
        self.groups.take(event);
        self.status.lock().unwrap_or_else(PoisonError::into_inner).take(event);
    }
}

fn log(event: &Event<'_>) {
    match event {
        Event::PassBegun { number, .. } => debug!(pass = number, "pass begun"),
        Event::PassEnded(pass) if pass.is_quiet() => {
            debug!(pass = pass.number, seconds = pass.seconds, "pass ended");
        }
        Event::PassEnded(pass) => info!(
            pass = pass.number,
            result = ?pass.result,
            seconds = pass.seconds,
            changes = pass.changes_done,
            failed = pass.changes_failed,
            held = pass.held_changes,
            journal = pass.journal.as_deref(),
            "pass ended"
        ),
        Event::ChangeMade(result) => log_change(result),
        Event::GraphAnswered { endpoint, code, seconds, .. } => {
            debug!(endpoint, code, seconds, "tenant answered");
        }
        Event::DirectoryAnswered { operation, result, seconds } => {
            debug!(operation, result, seconds, "domain answered");
        }
        Event::PoliciesLoaded { generation, policies, mistakes, revision, .. } => {
            info!(
                generation = generation.map(|digest| digest.short()),
                policies = policies.policies.len(),
                mistakes = mistakes.len(),
                revision,
                "policies loaded"
            );
            for mistake in *mistakes {
                warn!(mistake = safe(mistake).as_str(), "policy refused");
            }
        }
        Event::JournalAt { sequence, hash } => {
            debug!(sequence, hash = hash.as_str(), "journal grew");
        }
        Event::JournalFailed { message } => {
            let error = safe(message);
            error!(error, "journal failed");
        }
        Event::StateFailed { message } => {
            let error = safe(message);
            error!(error, "state not saved, nothing is written to the directory until it is");
        }
        Event::StateSaved => info!("state saved again"),
        Event::Reloaded { via, changed } => {
            debug!(via = via.word(), changed, "policy folder read");
        }
        // A state that cannot be kept was told when the save failed.
        Event::FaultMet { side: Side::State, .. }
        | Event::Planned { .. }
        | Event::Next { .. }
        | Event::CredentialSeen { .. }
        | Event::Paused(_) => {}
        Event::FaultMet { side, fault } => {
            let error = safe(&fault.message);
            warn!(side = side.word(), reason = fault.reason, error, "read failed");
        }
        Event::Stopping => info!("stopping"),
    }
}

/// One line for each change: a warning when the directory does not show it now.
fn log_change(result: &ChangeResult) {
    let change = &result.change;
    let (target, cause) = (safe(&change.target.dn().to_string()), safe(&change.cause.to_string()));
    let error = match &result.outcome {
        Outcome::Done { .. } | Outcome::AlreadySo { .. } => None,
        Outcome::Refused { message }
        | Outcome::Failed { message }
        | Outcome::Unknown { message } => Some(safe(message)),
    };
    macro_rules! told {
        ($level:ident, $message:literal) => {
            $level!(
                policy = change.policy.as_str(),
                kind = change.effect.kind().word(),
                group = %change.group,
                target = target.as_str(),
                cause = cause.as_str(),
                outcome = result.outcome.word(),
                error = error.as_deref(),
                $message
            )
        };
    }
    if error.is_some() { told!(warn, "change not made") } else { told!(info, "change made") }
}
