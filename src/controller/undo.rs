//! The way back of a change set: what the journal tells of it, done in reverse, under the same
//! guard as any other change.
//!
//! `cli::undo` asks for it. What would do again what is undone is held until a person lets it
//! through, or nobody wants it any more.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::controller::pass::{Blind, Engine, Look};
use crate::decide::conclude::ChangeResult;
use crate::decide::undo;
use crate::journal::entry::{Body, Content, Entry, IntentEntry};
use crate::journal::read::{ReadError, entries};
use crate::model::change::Kind;
use crate::model::past::{Deed, Past};
use crate::model::{Digest, ObjectGuid, ObjectId, Outcome};

/// The fewest digits of a change set that are taken.
pub const DIGITS_MIN: usize = Digest::DIGITS_MIN;

/// A change set that the journal tells of.
#[derive(Debug)]
pub struct ChangeSet {
    /// The digest of its plan.
    pub digest: Digest,
    /// What it did, and what it may have done; each group's in that order.
    pub past: Vec<Past>,
    /// How many of its operations may have been done: nobody heard.
    pub unheard: usize,
    /// How many were not done.
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

/// Reads a change set from the journal in `directory`. Cost: one read of the journal.
pub fn read(directory: &Path, asked: &str) -> Result<ChangeSet, UndoError> {
    let mut told = Told::default();
    for entry in entries(directory)? {
        told.take(entry?, asked);
    }
    let mut digests: Vec<Digest> = told.announced.values().map(|(_, intent)| intent.plan).collect();
    digests.sort_unstable();
    digests.dedup();
    let digest = match digests.as_slice() {
        [] => return Err(UndoError::Unknown(asked.to_owned())),
        [one] => *one,
        several => return Err(UndoError::Several(asked.to_owned(), several.len())),
    };
    let attempts = told.attempts();
    let count = |fate: Fate| attempts.values().flatten().filter(|one| one.fate == fate).count();
    let (unheard, undone) = (count(Fate::Unheard), count(Fate::Undone));
    let past = attempts.into_values().flatten().filter_map(|attempt| told.past(attempt)).collect();
    Ok(ChangeSet { digest, past, unheard, undone })
}

/// What the journal tells that matters to one change set.
#[derive(Default)]
struct Told {
    /// Its operations, by number.
    announced: BTreeMap<u64, (Timestamp, Box<IntentEntry>)>,
    /// What came of them.
    outcomes: BTreeMap<u64, Outcome>,
    /// The last creation for each group, whoever's it is: of several objects that were made for
    /// one group only the last can be what stands there.
    created: BTreeMap<ObjectId, u64>,
    /// The last restoration of each object, whoever's it is.
    restored: BTreeMap<ObjectGuid, u64>,
}

/// What became of an operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It was not done, or somebody else had done it before: it is not ours to take back.
    Undone,
    /// The answer was lost, or a crash came before it.
    Unheard,
    /// It was done.
    Done,
}

/// An operation, which may have been sent several times.
struct Attempt {
    at: Timestamp,
    /// The number it was sent under last.
    sequence: u64,
    intent: Box<IntentEntry>,
    object: Option<ObjectGuid>,
    fate: Fate,
}

impl Told {
    fn take(&mut self, entry: Entry, asked: &str) {
        match entry.body {
            Body::Intent(intent) => {
                if matches!(intent.content, Content::Created(_)) {
                    self.created.insert(intent.group, intent.sequence);
                }
                if let (Content::Restored(_), Some(object)) = (&intent.content, intent.object) {
                    self.restored.insert(object, intent.sequence);
                }
                if intent.plan.answers_to(asked) {
                    self.announced.insert(intent.sequence, (entry.at, intent));
                }
            }
            Body::Outcome(outcome) if self.announced.contains_key(&outcome.sequence) => {
                self.outcomes.insert(outcome.sequence, outcome.result);
            }
            Body::Outcome(_)
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

    /// The operations of each group in their order; what was sent again is one with what was sent
    /// before.
    fn attempts(&mut self) -> BTreeMap<ObjectId, Vec<Attempt>> {
        let mut all: BTreeMap<ObjectId, Vec<Attempt>> = BTreeMap::new();
        for (sequence, (at, intent)) in std::mem::take(&mut self.announced) {
            let (fate, object) = match self.outcomes.get(&sequence) {
                Some(Outcome::Done { object }) => (Fate::Done, *object),
                Some(Outcome::Unknown { .. }) | None => (Fate::Unheard, None),
                Some(
                    Outcome::AlreadySo { .. } | Outcome::Refused { .. } | Outcome::Failed { .. },
                ) => (Fate::Undone, None),
            };
            let attempts = all.entry(intent.group).or_default();
            let same = attempts.iter_mut().find(|before| {
                (&before.intent.content, before.intent.object) == (&intent.content, intent.object)
            });
            match same {
                Some(before) => {
                    before.sequence = sequence;
                    before.fate = before.fate.max(fate);
                    before.object = before.object.or(object);
                }
                None => attempts.push(Attempt {
                    at,
                    sequence,
                    object: object.or(intent.object),
                    intent,
                    fate,
                }),
            }
        }
        for attempts in all.values_mut() {
            name_created(attempts);
        }
        all
    }

    /// What an operation did, or may have done; `None` where it did nothing that stands.
    fn past(&self, attempt: Attempt) -> Option<Past> {
        let Attempt { at, sequence, intent, object, fate } = attempt;
        let mut heard = match fate {
            Fate::Undone => return None,
            Fate::Unheard => false,
            Fate::Done => true,
        };
        let restored = object.and_then(|object| self.restored.get(&object));
        let deed = match intent.content {
            Content::Created(_)
                if object.is_none() && self.created.get(&intent.group) != Some(&sequence) =>
            {
                return None;
            }
            // What was restored later was not restored then.
            Content::Restored(_) if !heard && restored != Some(&sequence) => return None,
            Content::Created(attributes) => Deed::Added { attributes },
            Content::Changed(attributes) => Deed::Modified { attributes },
            Content::Restored(_) => Deed::Restored,
            Content::MembersAdded(members) => Deed::MembersAdded(members),
            Content::MembersRemoved(members) => Deed::MembersRemoved(members),
            Content::Moved { to, .. } => Deed::Moved { to },
            Content::Deleted(last) => {
                // Nothing is restored that was not seen among the deleted objects.
                heard |= restored.is_some_and(|later| *later > sequence);
                Deed::Deleted(last)
            }
        };
        let IntentEntry { policy, group, dn, .. } = *intent;
        Some(Past { at, policy, group, object, dn, deed, heard })
    }
}

/// Tells which object was made: the directory gives out objectGUIDs, and its answer to a creation
/// names none (RFC 4511 4.7), but what was done to the group afterwards does.
fn name_created(attempts: &mut [Attempt]) {
    let is_creation = |one: &Attempt| matches!(one.intent.content, Content::Created(_));
    let mut named = None;
    for attempt in attempts.iter_mut().rev() {
        if is_creation(attempt) {
            attempt.object = attempt.object.or(named.take());
        } else {
            named = attempt.object.or(named);
        }
    }
}

impl ChangeSet {
    /// Learns from what the way back did: what it brought back had been deleted.
    pub fn learn(&mut self, results: &[ChangeResult]) {
        for result in results {
            let is_back = result.outcome.achieved() && result.change.effect.kind() == Kind::Restore;
            let object = result.change.target.object().filter(|_| is_back);
            let deeds = self.past.iter_mut().filter(|past| past.object == object);
            for past in deeds.filter(|past| matches!(past.deed, Deed::Deleted(_))) {
                past.heard |= object.is_some();
            }
        }
    }
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

#[cfg(test)]
mod tests;
