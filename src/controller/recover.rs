//! What happened since memory was saved, taken from the journal.
//!
//! Memory comes from `state`, the lines after its head from `journal::read`. Whoever opens both
//! replays them, saves at once, and only then begins a pass. Where lines are missing, or too many
//! stand there, the copy is an older one, and all removals wait.
//!
//! The journal holds everything that a loss could turn into a second removal, a second creation or
//! a repeated mistake. The rest of what a pass learns is learnt again by the next one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::guard::approve::Used;
use crate::defence::stands;
use crate::journal::JournalHead;
use crate::journal::entry::{Body, Content, Entry, IntentEntry};
use crate::journal::read::{HeadFound, Tail};
use crate::model::record::OwnershipRecord;
use crate::model::{
    Approval, AttributeChange, Digest, Memory, ObjectGuid, Outcome, Pause, Spending,
};
use crate::state;

/// The head that a state kept, as the journal knows it; `None` where it is none.
pub fn journal_head(kept: &state::JournalHead) -> Option<JournalHead> {
    Some(JournalHead { sequence: kept.sequence, hash: Digest::parse(&kept.hash)? })
}

/// Whether the state is an older copy, so that nobody knows what was removed since: its head is not
/// in the journal, the lines after it do not hold together, or they tell of more than one pass. A
/// state is saved at the end of each pass: a crash leaves the lines of one.
pub fn is_older(tail: &Tail) -> bool {
    let passes: BTreeSet<Digest> = intents(&tail.entries).map(|intent| intent.plan).collect();
    let known = tail.head == HeadFound::Yes && tail.broken.is_none() && passes.len() <= 1;
    !known && stands("H61")
}

fn intents(entries: &[Entry]) -> impl Iterator<Item = &IntentEntry> {
    entries.iter().filter_map(|entry| match &entry.body {
        Body::Intent(intent) => Some(&**intent),
        Body::Opened(_)
        | Body::Outcome(_)
        | Body::Removed { .. }
        | Body::Approval { .. }
        | Body::ApprovalUsed { .. }
        | Body::Held { .. }
        | Body::Undo { .. }
        | Body::Paused { .. }
        | Body::Resumed { .. } => None,
    })
}

/// Brings memory from the state's head to the end of the journal. Doing it twice changes nothing
/// more. The whole journal may be replayed into an empty memory, where the state is lost.
///
/// | operation | outcome | memory |
/// |---|---|---|
/// | any | not refused, not failed | what it takes away is spent |
/// | add, restore | done, already so | the group is in the inventory, and not deleted; where the |
/// | | | answer named no object: no stranger |
/// | | other | the group may be there: no stranger |
/// | delete | done, already so | the group is deleted, and not in the inventory |
/// | modify of the record | done, already so | put on: in the inventory; taken off: not |
/// | add, modify, restore | done | the values are known as written |
/// | add members | done | the values are known as ours |
/// | modify, rename, members | done, already so | what the group is meant to be is that by now |
///
/// An approval that was journalled holds as far as memory knows its set; a used one is used. What
/// was paused and not resumed since stays paused.
pub fn recover(memory: &mut Memory, tail: &[Entry]) {
    let mut open: BTreeMap<u64, Step<'_>> = BTreeMap::new();
    let mut undo: Option<Undo> = None;
    for entry in tail {
        match &entry.body {
            Body::Intent(intent) => {
                undo = undo.and_then(|undo| undo.goes_on(intent));
                if let Some(undo) = undo {
                    memory.undone.insert(intent.group, undo.changeset);
                }
                if let Some(cut) = open.insert(intent.sequence, Step { at: entry.at, intent }) {
                    cut.end(memory, None);
                }
            }
            Body::Outcome(outcome) => {
                if let Some(step) = open.remove(&outcome.sequence) {
                    step.end(memory, Some(&outcome.result));
                }
            }
            Body::Approval { digest, approved_by, not_after, items: _, place: _ } => {
                let approved_by = approved_by.clone();
                approve(memory, *digest, approved_by, entry.at, *not_after);
            }
            Body::ApprovalUsed { digest } => {
                memory.approvals.remove(digest);
                memory.used_approvals.insert(*digest, entry.at);
            }
            Body::Paused { policy, by } => {
                let pause = Pause { by: by.clone(), at: entry.at };
                memory.pauses.pause(policy.clone(), pause);
            }
            Body::Resumed { policy, by: _ } => {
                memory.pauses.resume(policy.as_ref());
            }
            Body::Undo { changeset } => undo = Some(Undo { changeset: *changeset, plan: None }),
            Body::Opened(_) | Body::Removed { .. } | Body::Held { .. } => {}
        }
    }
    for step in open.into_values() {
        step.end(memory, None);
    }
    memory.spent.sort();
    memory.spent.dedup();
}

/// An undo that was announced: the plan that follows is its own.
#[derive(Clone, Copy)]
struct Undo {
    changeset: Digest,
    plan: Option<Digest>,
}

impl Undo {
    /// The same with its plan, while an intent belongs to it.
    fn goes_on(self, intent: &IntentEntry) -> Option<Self> {
        let plan = self.plan.unwrap_or(intent.plan);
        (plan == intent.plan).then_some(Self { plan: Some(plan), ..self })
    }
}

/// Takes up an approval that memory had not kept yet. Without its set nobody knows what it lets
/// through: then it has to be given again.
fn approve(
    memory: &mut Memory,
    digest: Digest,
    approved_by: String,
    at: Timestamp,
    not_after: Timestamp,
) {
    if Used::find(memory, |used| *used == digest, at).is_some() {
        return;
    }
    if let Some(items) = memory.held.get(&digest) {
        let approval = Approval { items: items.clone(), approved_by, at, not_after };
        memory.approvals.entry(digest).or_insert(approval);
    }
}

/// An announced operation.
struct Step<'a> {
    at: Timestamp,
    intent: &'a IntentEntry,
}

impl Step<'_> {
    /// Learns what came of it; `None` where the journal ends before that.
    fn end(&self, memory: &mut Memory, outcome: Option<&Outcome>) {
        match outcome {
            Some(Outcome::Done { object }) => {
                self.spend(memory);
                let object = object.or(self.intent.object);
                self.achieve(memory, object);
                self.wrote(memory, object);
            }
            Some(Outcome::AlreadySo { object }) => {
                self.spend(memory);
                self.achieve(memory, object.or(self.intent.object));
            }
            Some(Outcome::Unknown { .. }) | None => {
                self.spend(memory);
                self.doubt(memory);
            }
            Some(Outcome::Refused { .. } | Outcome::Failed { .. }) => self.doubt(memory),
        }
    }

    fn spend(&self, memory: &mut Memory) {
        let spent = self.intent.spends.iter().map(|spend| Spending {
            at: self.at,
            policy: self.intent.policy.clone(),
            spend: *spend,
        });
        if stands("H21") {
            memory.spent.extend(spent);
        }
    }

    /// The directory is as the operation wanted it.
    fn achieve(&self, memory: &mut Memory, object: Option<ObjectGuid>) {
        let id = self.intent.group;
        match &self.intent.content {
            Content::Created(_) | Content::Restored(_) => {
                memory.deleted.remove(&id);
                memory.unrestorable.remove(&id);
                match object {
                    Some(object) => self.keep(memory, object),
                    // The answer to an Add names no object (RFC 4511 4.7): the next pass that meets
                    // the group learns it, and need not wonder.
                    None => {
                        memory.strangers.insert(id);
                    }
                }
            }
            Content::Deleted(_) => {
                let known = memory.inventory.remove(&id);
                memory.deleted.extend(object.or(known).map(|object| (id, object)));
                memory.intents.remove(&id);
                memory.absent_since.remove(&id);
            }
            Content::Changed(changes) => {
                if let (Some((before, after)), Some(object)) = (record_change(changes), object) {
                    match (before, after) {
                        (true, true) => self.keep(memory, object),
                        // Adopted: nobody has let its first removals through yet.
                        (false, true) => {
                            self.keep(memory, object);
                            memory.adopting.insert(id);
                        }
                        // Released.
                        (true, false) => {
                            memory.inventory.remove(&id);
                            memory.kept.remove(&id);
                            memory.intents.remove(&id);
                            memory.adopting.remove(&id);
                        }
                        (false, false) => {}
                    }
                }
            }
            Content::MembersAdded(_) | Content::MembersRemoved(_) | Content::Moved { .. } => {}
        }
        self.mean(memory);
    }

    /// What the tenant takes back later is not somebody's hand in the directory.
    fn mean(&self, memory: &mut Memory) {
        let Some(intent) = memory.intents.get_mut(&self.intent.group) else { return };
        match &self.intent.content {
            Content::Changed(changes) | Content::Restored(changes) => intent.follow(changes),
            Content::Moved { to, .. } => intent.follow_to(to),
            Content::MembersAdded(members) => intent.follow_members(members, &[]),
            Content::MembersRemoved(members) => intent.follow_members(&[], members),
            Content::Created(_) | Content::Deleted(_) => {}
        }
    }

    fn keep(&self, memory: &mut Memory, object: ObjectGuid) {
        memory.inventory.insert(self.intent.group, object);
        memory.kept.insert(self.intent.group, self.intent.policy.clone());
    }

    /// What this daemon itself put there.
    fn wrote(&self, memory: &mut Memory, object: Option<ObjectGuid>) {
        let Some(object) = object.or_else(|| memory.inventory.get(&self.intent.group).copied())
        else {
            return;
        };
        match &self.intent.content {
            Content::Created(attributes) => {
                let values = attributes.iter().cloned();
                memory.written.extend(values.map(|(name, value)| ((object, name), value)));
            }
            Content::Changed(changes) | Content::Restored(changes) => {
                let values = changes.iter().filter_map(|change| {
                    Some(((object, change.name.clone()), change.after.clone()?))
                });
                memory.written.extend(values);
            }
            Content::MembersAdded(members) => {
                memory.added.extend(members.iter().map(|member| ((object, *member), self.at)));
            }
            Content::MembersRemoved(_) | Content::Moved { .. } | Content::Deleted(_) => {}
        }
    }

    /// The group may be there all the same: the next pass that meets it need not wonder.
    fn doubt(&self, memory: &mut Memory) {
        match &self.intent.content {
            Content::Created(_) | Content::Restored(_) => {
                memory.strangers.insert(self.intent.group);
            }
            Content::Changed(_)
            | Content::MembersAdded(_)
            | Content::MembersRemoved(_)
            | Content::Moved { .. }
            | Content::Deleted(_) => {}
        }
    }
}

/// Whether our record stood there before a change and after it; `None` where it is not touched.
fn record_change(changes: &[AttributeChange]) -> Option<(bool, bool)> {
    let is_record = |value: &Option<String>| {
        value.as_deref().is_some_and(|value| OwnershipRecord::parse(value).is_some())
    };
    // An adopted group has a second value of ours in the same attribute.
    let changes = changes.iter().filter(|change| change.name == "extensionName");
    changes
        .map(|change| (is_record(&change.before), is_record(&change.after)))
        .reduce(|one, other| (one.0 || other.0, one.1 || other.1))
}

#[cfg(test)]
mod tests;
