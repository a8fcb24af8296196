//! The changes that were tried, put together again from the operations that stand for them.
//!
//! Pure: entries come from `journal::read`, changes go to `controller::schedule`, which tells them
//! as the history of groups after a restart. One change is one operation, several tries of it, or
//! many batches of members: what belongs together is told by the rules of `Open::goes_on`.
//!
//! What a pass learnt by reading is in no line of the journal. Less than the pass itself knew:
//!
//! | what | here |
//! |---|---|
//! | a refused or unheard operation that reading showed to be so already | refused, unknown |
//! | a change that was not tried because of an earlier one | nothing |
//! | members left out because their own group was not created | nothing |
//! | one member alone, refused | refused, and nobody set aside |
//! | how many members a group had before | nothing |

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::entry::{Body, Content, Entry, IntentEntry, OutcomeEntry};
use crate::model::{Digest, Dn, ObjectGuid, ObjectId, Outcome};

/// An operation that was refused is sent again, unchanged and at once, where reading its object
/// showed nothing new. The next pass reads both worlds first, which takes longer.
const AGAIN_AFTER_REFUSAL: SignedDuration = SignedDuration::from_secs(1);
/// One that failed or was not heard of is sent again after at most 4 s (`retry::REQUEST`) and a
/// look at its object.
const AGAIN_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);
/// And at most this often in a row (`retry::REQUEST`).
const TRIES_MAX: usize = 5;
/// What is told where the journal has an intent and no outcome.
const UNHEARD: &str = "the journal has no outcome of it: the daemon ended before, or the line is \
                       lost";

/// One change that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct PastChange {
    /// When its first operation was announced.
    pub at: Timestamp,
    /// The common name that its group had before the pass touched it.
    pub label: String,
    /// Its first operation, with the members of all of them.
    pub intent: IntentEntry,
    /// What came of it, as far as the journal tells.
    pub outcome: Outcome,
    /// Members that were refused one by one.
    pub set_aside: usize,
}

/// Puts changes together, and keeps the newest.
#[derive(Debug)]
pub struct Changes {
    kept: VecDeque<PastChange>,
    most: usize,
    open: Option<Open>,
    /// The common name of a group before a plan, by group, with the plan.
    labels: BTreeMap<ObjectId, (Digest, String)>,
}

impl Changes {
    /// Keeps at most the newest `most`.
    pub fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, open: None, labels: BTreeMap::new() }
    }

    /// Takes the next entry, in the order of the journal.
    pub fn take(&mut self, entry: Entry) {
        let at = entry.at;
        match entry.body {
            Body::Intent(intent) => self.intend(at, *intent),
            Body::Outcome(OutcomeEntry { sequence, result }) => {
                let open = self.open.as_mut().filter(|open| open.last == sequence);
                if let Some(step) = open.and_then(|open| open.steps.last_mut()) {
                    step.outcome = Some(result);
                    step.ended = at;
                }
            }
            // In the middle of a pass, where a file is full.
            Body::Removed { .. } => {}
            // Between two passes, or two runs.
            Body::Opened(_)
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => self.close(),
        }
    }

    /// The changes, the newest first.
    pub fn newest_first(mut self) -> Vec<PastChange> {
        self.close();
        self.kept.into_iter().rev().collect()
    }

    fn intend(&mut self, at: Timestamp, intent: IntentEntry) {
        if let Some(open) = self.open.as_mut().filter(|open| open.goes_on(&intent, at)) {
            open.go_on(&intent, at);
            return;
        }
        self.close();
        let leaf = Dn::parse(&intent.dn).map_or_else(|_| intent.dn.clone(), |dn| dn.leaf().into());
        let (_, label) = self
            .labels
            .entry(intent.group)
            .and_modify(|known| {
                if known.0 != intent.plan {
                    *known = (intent.plan, leaf.clone());
                }
            })
            .or_insert((intent.plan, leaf));
        self.open = Some(Open::new(at, label.clone(), intent));
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.kept.push_back(open.end());
        if self.kept.len() > self.most {
            self.kept.pop_front();
        }
    }
}

/// A change whose operations come one by one.
#[derive(Debug)]
struct Open {
    at: Timestamp,
    label: String,
    first: IntentEntry,
    /// The number of its last operation.
    last: u64,
    steps: Vec<Step>,
    /// How often the last operation was sent.
    tries: usize,
    /// Members of which the directory has said yes or no.
    settled: BTreeSet<ObjectGuid>,
}

/// One operation of it.
#[derive(Debug)]
struct Step {
    /// None for an operation on the group as a whole.
    members: Vec<ObjectGuid>,
    /// `None` while the journal tells none.
    outcome: Option<Outcome>,
    /// When that was known, else when it was announced.
    ended: Timestamp,
}

impl Step {
    fn of(intent: &IntentEntry, at: Timestamp) -> Self {
        Self { members: batch(intent).unwrap_or_default().to_vec(), outcome: None, ended: at }
    }

    fn is_done(&self) -> bool {
        match &self.outcome {
            Some(Outcome::Done { .. } | Outcome::AlreadySo { .. }) => true,
            Some(Outcome::Refused { .. } | Outcome::Failed { .. } | Outcome::Unknown { .. })
            | None => false,
        }
    }

    /// Whether the same is sent again at once, and how long that may take.
    fn again_within(&self) -> Option<SignedDuration> {
        match &self.outcome {
            Some(Outcome::Refused { .. }) => Some(AGAIN_AFTER_REFUSAL),
            Some(Outcome::Failed { .. } | Outcome::Unknown { .. }) => Some(AGAIN_AFTER_FAILURE),
            Some(Outcome::Done { .. } | Outcome::AlreadySo { .. }) | None => None,
        }
    }

    /// The one member that was refused, with the reason.
    fn refused_member(&self) -> Option<(ObjectGuid, &str)> {
        let Some(Outcome::Refused { message }) = &self.outcome else { return None };
        let [member] = self.members.as_slice() else { return None };
        Some((*member, message))
    }
}

/// The members that an operation adds or takes out; `None` where it concerns the group as a whole.
fn batch(intent: &IntentEntry) -> Option<&[ObjectGuid]> {
    match &intent.content {
        Content::MembersAdded(members) | Content::MembersRemoved(members) => Some(members),
        Content::Created(_)
        | Content::Changed(_)
        | Content::Restored(_)
        | Content::Moved { .. }
        | Content::Deleted(_) => None,
    }
}

impl Open {
    fn new(at: Timestamp, label: String, first: IntentEntry) -> Self {
        let (last, steps) = (first.sequence, vec![Step::of(&first, at)]);
        Self { at, label, first, last, steps, tries: 1, settled: BTreeSet::new() }
    }

    /// Whether an operation belongs to this change: it is the next one, of the same group in the
    /// same plan, of the same kind and for the same reason, and
    ///
    /// | the operation before | goes on with |
    /// |---|---|
    /// | any, on members | other members, of which nothing is settled yet |
    /// | refused, failed or not heard of, on members | some of the same members |
    /// | refused, failed or not heard of | the same once more, soon |
    fn goes_on(&self, next: &IntentEntry, at: Timestamp) -> bool {
        let first = &self.first;
        let is_next = next.sequence == self.last.saturating_add(1);
        let is_same = (next.plan, next.group, &next.policy, &next.operation, &next.cause)
            == (first.plan, first.group, &first.policy, &first.operation, &first.cause);
        let Some(last) = self.steps.last().filter(|_| is_next && is_same) else { return false };
        let is_soon =
            last.again_within().is_some_and(|within| at.duration_since(last.ended) < within);
        let again = is_soon && self.tries < TRIES_MAX;
        let Some(members) = batch(next) else {
            return again && next.content == first.content && next.dn == first.dn;
        };
        if members == last.members {
            return again;
        }
        let of_last = |member: &ObjectGuid| last.members.binary_search(member).is_ok();
        if !members.iter().any(of_last) {
            return !members.iter().any(|member| self.is_settled(member));
        }
        members.iter().all(of_last) && !last.is_done()
    }

    fn is_settled(&self, member: &ObjectGuid) -> bool {
        let last = self.steps.last().filter(|last| last.is_done());
        self.settled.contains(member)
            || last.is_some_and(|last| last.members.binary_search(member).is_ok())
    }

    fn go_on(&mut self, next: &IntentEntry, at: Timestamp) {
        let step = Step::of(next, at);
        if let Some(last) = self.steps.last() {
            self.tries = if step.members == last.members { self.tries + 1 } else { 1 };
            if last.is_done() || last.refused_member().is_some() {
                self.settled.extend(&last.members);
            }
        }
        self.last = next.sequence;
        self.steps.push(step);
    }

    fn end(mut self) -> PastChange {
        let members: BTreeSet<ObjectGuid> =
            self.steps.iter().flat_map(|step| step.members.iter().copied()).collect();
        match &mut self.first.content {
            Content::MembersAdded(all) | Content::MembersRemoved(all) => {
                *all = members.into_iter().collect();
            }
            Content::Created(_)
            | Content::Changed(_)
            | Content::Restored(_)
            | Content::Moved { .. }
            | Content::Deleted(_) => {}
        }
        // One operation alone may have been refused for what it is, not for its one member.
        let several = self.steps.len() > 1;
        let refused = self.steps.iter().filter_map(Step::refused_member).filter(|_| several);
        let refused: BTreeMap<ObjectGuid, &str> = refused.collect();
        let (outcome, set_aside) = (self.outcome(&refused), refused.len());
        let Self { at, label, first: intent, .. } = self;
        PastChange { at, label, intent, outcome, set_aside }
    }

    /// What the last operation led to; what was written before counts where the last one was
    /// refused for its one member.
    fn outcome(&self, refused: &BTreeMap<ObjectGuid, &str>) -> Outcome {
        let unheard = || Outcome::Unknown { message: UNHEARD.to_owned() };
        let Some(last) = self.steps.last() else { return unheard() };
        let is_aside =
            last.refused_member().is_some_and(|(member, _)| refused.contains_key(&member));
        if !last.is_done() && !is_aside {
            return last.outcome.clone().unwrap_or_else(unheard);
        }
        let mut done = self.steps.iter().filter_map(|step| step.outcome.as_ref());
        let written = done.clone().find(|outcome| matches!(outcome, Outcome::Done { .. }));
        let already = done.find(|outcome| outcome.achieved());
        let said = self.steps.iter().filter_map(Step::refused_member).map(|(_, message)| message);
        let refused = said.map(|message| Outcome::Refused { message: message.to_owned() }).next();
        written.or(already).cloned().or(refused).unwrap_or_else(unheard)
    }
}
