//! The last passes, the newest first: what was done when, also by a process that is gone.
//!
//! Comes from the ends of passes, and from the status that the last process left in the state.

use std::collections::VecDeque;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::Report;
use crate::report::events::{PassEnd, PassResult};

/// Passes that are kept. A person looks back over the last ones; the journal has them all.
pub(super) const PASSES_MAX: usize = 20;

/// A pass that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PassStatus {
    pub(super) number: u64,
    ended_at: Timestamp,
    seconds: f64,
    pub(super) result: PassResult,
    pub(super) changes_done: usize,
    pub(super) changes_failed: usize,
    held_changes: usize,
}

impl PassStatus {
    /// A pass as it ended.
    pub(super) fn of(pass: &PassEnd) -> Self {
        Self {
            number: pass.number,
            ended_at: pass.at,
            seconds: pass.seconds,
            result: pass.result,
            changes_done: pass.changes_done,
            changes_failed: pass.changes_failed,
            held_changes: pass.held_changes,
        }
    }

    /// It in one line.
    pub(super) fn sentence(&self) -> String {
        let Self { number, result, changes_done, changes_failed, held_changes, .. } = self;
        format!(
            "pass {number} ended: {result:?}, {changes_done} changes done, {changes_failed} \
             failed, {held_changes} held"
        )
    }
}

/// The last passes, the newest first.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Passes(VecDeque<PassStatus>);

impl Passes {
    /// Adds the newest.
    pub(super) fn push(&mut self, pass: PassStatus) {
        self.0.push_front(pass);
        self.0.truncate(PASSES_MAX);
    }

    /// Those that a saved status tells of. What is not understood, such as a status of another
    /// version, tells of none: nothing depends on it.
    fn of_document(status: &Value) -> Self {
        let passes = status.get("lastPasses").and_then(Value::as_array).into_iter().flatten();
        let read = passes.filter_map(|pass| PassStatus::deserialize(pass).ok());
        Self(read.take(PASSES_MAX).collect())
    }
}

impl Report {
    /// Takes up the passes of an earlier process, from the status that it left. When one last saw
    /// and did everything is true whatever the first pass of this process comes to.
    pub fn recall_passes(&self, document: Option<&str>) {
        if let Some(document) = document {
            let left: Value = serde_json::from_str(document).unwrap_or_default();
            let succeeded = left.get("lastSuccessAt").and_then(Value::as_str);
            let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            status.recall_passes(Passes::of_document(&left));
            status.last_success_at = succeeded.and_then(|at| at.parse().ok());
        }
    }
}
