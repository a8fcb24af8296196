//! The way back of a change set: what the journal tells of it, done in reverse, under the same
//! guard as any other change.
//!
//! `cli::undo` asks for it. What would do again what is undone is held until a person lets it
//! through, or nobody wants it any more.

use std::collections::BTreeMap;
use std::path::Path;

use crate::controller::pass::{Blind, Engine, Look};
use crate::decide::undo;
use crate::journal::entry::{Body, Content, IntentEntry};
use crate::journal::read::{ReadError, entries};
use crate::model::past::{Deed, Past};
use crate::model::{Digest, ObjectGuid, ObjectId, Outcome};

/// The fewest digits of a change set that are taken.
pub const DIGITS_MIN: usize = Digest::DIGITS_MIN;

/// A change set that the journal tells of.
#[derive(Debug)]
pub struct ChangeSet {
    /// The digest of its plan.
    pub digest: Digest,
    /// What it did, in that order.
    pub past: Vec<Past>,
    /// How many of its operations were not done, or nobody knows whether they were.
    pub undone: usize,
}

/// Why a change set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The journal cannot be read.
    #[error("read the journal")]
    Journal(#[from] ReadError),
    /// No change set has this digest.
    #[error(
        "find the change set {0}: the journal tells of none; `writeback journal show` lists them"
    )]
    Unknown(String),
    /// Several have.
    #[error("tell which change set {0} is: {1} begin so; give more digits")]
    Several(String, usize),
}

/// Reads a change set from the journal in `directory`. `inventory` tells which object a group is
/// that it created: the directory gives out objectGUIDs, and the journal's line stands before that.
/// Cost: one read of the journal.
pub fn read(
    directory: &Path,
    asked: &str,
    inventory: &BTreeMap<ObjectId, ObjectGuid>,
) -> Result<ChangeSet, UndoError> {
    let mut created: BTreeMap<ObjectId, u64> = BTreeMap::new();
    let mut announced: BTreeMap<u64, (jiff::Timestamp, Box<IntentEntry>)> = BTreeMap::new();
    let mut outcomes: BTreeMap<u64, Outcome> = BTreeMap::new();
    for entry in entries(directory)? {
        let entry = entry?;
        if let Body::Intent(intent) = &entry.body
            && matches!(intent.content, Content::Created(_))
        {
            created.insert(intent.group, intent.sequence);
        }
        match entry.body {
            Body::Intent(intent) if intent.plan.answers_to(asked) => {
                announced.insert(intent.sequence, (entry.at, intent));
            }
            Body::Outcome(outcome) if announced.contains_key(&outcome.sequence) => {
                outcomes.insert(outcome.sequence, outcome.result);
            }
            Body::Intent(_)
            | Body::Outcome(_)
            | Body::Opened(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => {}
        }
    }
    let mut digests: Vec<Digest> = announced.values().map(|(_, intent)| intent.plan).collect();
    digests.sort_unstable();
    digests.dedup();
    let digest = match digests.as_slice() {
        [] => return Err(UndoError::Unknown(asked.to_owned())),
        [one] => *one,
        several => return Err(UndoError::Several(asked.to_owned(), several.len())),
    };
    let count = announced.len();
    let deeds = announced.into_values().filter_map(|(at, mut intent)| {
        let outcome = outcomes.get(&intent.sequence)?;
        // Of several objects made for one group, the inventory has the last.
        if created.get(&intent.group) == Some(&intent.sequence) {
            intent.object = inventory.get(&intent.group).copied();
        }
        past(at, *intent, outcome)
    });
    let past: Vec<Past> = deeds.collect();
    let undone = count - past.len();
    Ok(ChangeSet { digest, past, undone })
}

/// What an operation did; `None` where it did nothing that is known.
fn past(at: jiff::Timestamp, intent: IntentEntry, outcome: &Outcome) -> Option<Past> {
    let object: ObjectGuid = match outcome {
        Outcome::Done { object } => object.or(intent.object)?,
        // Somebody else had done it before: it is not ours to take back.
        Outcome::AlreadySo { .. }
        | Outcome::Refused { .. }
        | Outcome::Failed { .. }
        | Outcome::Unknown { .. } => return None,
    };
    let deed = match intent.content {
        Content::Created(attributes) => Deed::Added { attributes },
        Content::Changed(attributes) => Deed::Modified { attributes },
        Content::Restored(_) => Deed::Restored,
        Content::MembersAdded(members) => Deed::MembersAdded(members),
        Content::MembersRemoved(members) => Deed::MembersRemoved(members),
        Content::Moved { to, .. } => Deed::Moved { to },
        Content::Deleted(last) => Deed::Deleted(last),
    };
    let IntentEntry { policy, group, dn, .. } = intent;
    Some(Past { at, policy, group, object, dn, deed })
}

impl Engine {
    /// Looks at both worlds and plans the way back.
    pub async fn look_back(&mut self, set: &ChangeSet) -> Result<Look, Blind> {
        let what = set.digest.short();
        let past = &set.past;
        self.look_for(move |inputs, decision| undo::undo(inputs, past, &what, decision)).await
    }

    /// Whatever would do the change set again is held from now on.
    pub fn mark_undone(&mut self, set: &ChangeSet) {
        let groups = undo::groups(&set.past).into_iter().map(|group| (group, set.digest));
        self.memory_mut().undone.extend(groups);
    }
}
