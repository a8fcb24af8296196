//! What the lines of the journal tell: which write each announced, what was removed, and how far
//! they are ahead of the state.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::SystemTime;

use writeback::journal::entry::{Body, Content, IntentEntry};
use writeback::journal::read::entries;
use writeback::model::{Outcome, Spending};
use writeback::sim::domain::{OperationKind, SeenOperation};

use crate::ground::Ground;

/// Whether the intent stands for this write.
pub(super) fn announces(intent: &IntentEntry, write: &SeenOperation) -> bool {
    let kind = match &intent.content {
        Content::Created(_) => OperationKind::Add,
        Content::Changed(_)
        | Content::Restored(_)
        | Content::MembersAdded(_)
        | Content::MembersRemoved(_) => OperationKind::Modify,
        Content::Moved { .. } => OperationKind::ModifyDn,
        Content::Deleted(_) => OperationKind::Delete,
    };
    let target = write.dn.to_lowercase();
    let object = intent.object.map(|object| object.to_string().to_lowercase());
    let named = target.contains(&intent.dn.to_lowercase())
        || object.is_some_and(|object| target.contains(&object));
    kind == write.kind && named
}

/// What the journal tells of removals: what was refused or failed took nothing away, what nobody
/// heard of counts.
pub(super) fn told(ground: &Ground) -> BTreeSet<Spending> {
    let mut told: BTreeMap<u64, Vec<Spending>> = BTreeMap::new();
    for entry in entries(&ground.state_folder()).unwrap() {
        let entry = entry.unwrap();
        match entry.body {
            Body::Intent(intent) => {
                let spending = |spend: &_| Spending {
                    at: entry.at,
                    policy: intent.policy.clone(),
                    spend: *spend,
                };
                told.insert(intent.sequence, intent.spends.iter().map(spending).collect());
            }
            Body::Outcome(outcome) => match outcome.result {
                Outcome::Refused { .. } | Outcome::Failed { .. } => {
                    told.remove(&outcome.sequence);
                }
                Outcome::Done { .. } | Outcome::AlreadySo { .. } | Outcome::Unknown { .. } => {}
            },
            Body::Opened(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => {}
        }
    }
    told.into_values().flatten().collect()
}

/// The number of the journal's last line.
pub(super) fn entries_head(ground: &Ground) -> u64 {
    if ground.journal_text().is_empty() {
        return 0;
    }
    let lines = entries(&ground.state_folder()).unwrap();
    lines.filter_map(|entry| entry.unwrap().line).last().unwrap_or_default()
}

/// The file of the state was written after the last line of the journal: the save that stands at
/// the end of a pass had begun.
pub(super) fn is_being_saved(ground: &Ground) -> bool {
    let written = |name: &str| -> Option<SystemTime> {
        fs::metadata(ground.state_folder().join(name)).ok()?.modified().ok()
    };
    written(writeback::state::FILE_NAME) > written(writeback::journal::FILE_NAME)
}
