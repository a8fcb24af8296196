//! Every group that a policy claims, that is ours, or of which something is to be told: the value
//! behind the status page and `/api/v1/groups`.
//!
//! Comes from events: `Planned` makes a new [`Sheet`], `ChangeMade` adds what came of its changes.
//! Goes to `report::page` and, as JSON, to programs. `sheet` gathers, `state` names what a group
//! is, `conditions` what is true of it, `members` tells who is in it, `question` picks, `json`
//! prints.
//!
//! A sheet is made outside of any lock and never changed: whoever reads holds it while it reads,
//! and the loop puts the next one in its place.

pub mod conditions;
pub mod history;
pub mod json;
pub mod members;
pub mod question;
pub mod sheet;
pub mod state;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::decide::conclude::ChangeResult;
use crate::model::change::{Effect, Kind};
use crate::model::{ObjectGuid, ObjectId, Outcome};
use crate::report::events::Event;
use crate::report::text;
use history::PastDeed;
use sheet::{Group, Part, Sheet};
use state::State;

/// Changes kept for the history of all groups together: 40 for each of 500 groups that move, at
/// some 400 bytes each. What is older is in the journal.
pub const HISTORY_MAX: usize = 20_000;
/// Changes shown in the history of one group, the newest first.
pub const HISTORY_SHOWN_MAX: usize = 50;

/// One change that was tried.
#[derive(Debug)]
pub struct Deed {
    /// The cloud group.
    pub group: ObjectId,
    /// When the pass that tried it began; where an earlier process tried it, when it was begun.
    pub at: Timestamp,
    /// The kind of the change.
    pub kind: Kind,
    /// The change as `plan` prints it.
    pub text: String,
    /// Why it was made.
    pub cause: String,
    /// A bounded word: what it led to.
    pub outcome: &'static str,
    /// What the directory said, where it did not do it.
    pub message: Option<String>,
    /// Members that the directory refused one by one, and those left out with their own group.
    pub set_aside: usize,
    /// Whether the directory shows it now.
    pub achieved: bool,
    /// The object it was done to, where the directory told.
    object: Option<ObjectGuid>,
    /// Where the group stands since then.
    dn: Option<String>,
}

impl Deed {
    fn of(result: &ChangeResult, at: Timestamp) -> Self {
        let change = &result.change;
        let message = match &result.outcome {
            Outcome::Done { .. } | Outcome::AlreadySo { .. } => None,
            Outcome::Refused { message }
            | Outcome::Failed { message }
            | Outcome::Unknown { message } => Some(message.clone()),
        };
        let object = match &result.outcome {
            Outcome::Done { object } | Outcome::AlreadySo { object } => *object,
            Outcome::Refused { .. } | Outcome::Failed { .. } | Outcome::Unknown { .. } => None,
        };
        let dn = match &change.effect {
            Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
                Some(to.to_string())
            }
            Effect::Create { .. } | Effect::Restore { .. } => Some(change.target.to_string()),
            Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Handover { .. }
            | Effect::AddMembers { .. }
            | Effect::RemoveMembers { .. }
            | Effect::Disable { .. }
            | Effect::Delete { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. }
            | Effect::Freeze => None,
        };
        Self {
            group: change.group,
            at,
            kind: change.effect.kind(),
            text: text::line(change),
            cause: change.cause.to_string(),
            outcome: result.outcome.word(),
            message,
            set_aside: result.refused_members.len() + result.left_out.len(),
            achieved: result.outcome.achieved(),
            object: object.or(change.target.object()),
            dn,
        }
    }
}

/// What came of the changes of the last plan, by group.
type Outcomes = BTreeMap<ObjectId, Vec<Arc<Deed>>>;

/// Keeps the last sheet, what came of it, and the history.
#[derive(Debug, Default)]
pub struct Book {
    open: Mutex<View>,
    /// What earlier processes did, until a plan says what its members are called.
    unnamed: Mutex<Vec<PastDeed>>,
}

/// The groups as they stand. Cheap to take and to keep.
#[derive(Clone, Debug, Default)]
pub struct View {
    sheet: Arc<Sheet>,
    outcomes: Arc<Outcomes>,
    history: Arc<VecDeque<Arc<Deed>>>,
    /// What earlier processes did, the newest first.
    past: Arc<Vec<Arc<Deed>>>,
}

impl Book {
    /// Takes what an event changes.
    pub fn take(&self, event: &Event<'_>) {
        match event {
            Event::Planned { policies, decision, guarded, sight } => {
                // Nobody but the loop tells events: what is read here is still true below.
                let before = self.view();
                let sheet = Arc::new(Sheet::new(policies, decision, guarded, *sight, &before));
                drop(before);
                self.name_past(decision, sight);
                let mut open = self.open();
                let old = std::mem::replace(&mut open.sheet, sheet);
                open.outcomes = Arc::default();
                drop(open);
                // A large sheet takes a while to go: nobody waits for that.
                drop(old);
            }
            Event::ChangeMade(result) => {
                let mut open = self.open();
                let deed = Arc::new(Deed::of(result, open.sheet.at.unwrap_or_default()));
                let outcomes = Arc::make_mut(&mut open.outcomes);
                outcomes.entry(deed.group).or_default().push(Arc::clone(&deed));
                let history = Arc::make_mut(&mut open.history);
                history.push_front(deed);
                history.truncate(HISTORY_MAX);
                let room = HISTORY_MAX - history.len();
                if open.past.len() > room {
                    Arc::make_mut(&mut open.past).truncate(room);
                }
            }
            Event::PassBegun { .. }
            | Event::PassEnded(_)
            | Event::GraphAnswered { .. }
            | Event::DirectoryAnswered { .. }
            | Event::PoliciesLoaded { .. }
            | Event::Reloaded { .. }
            | Event::CredentialSeen { .. }
            | Event::Paused(_)
            | Event::FaultMet { .. }
            | Event::JournalAt { .. }
            | Event::JournalFailed { .. }
            | Event::StateFailed { .. }
            | Event::StateSaved
            | Event::Next { .. }
            | Event::Stopping => {}
        }
    }

    /// The groups as they stand.
    pub fn view(&self) -> View {
        self.open().clone()
    }

    fn open(&self) -> MutexGuard<'_, View> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// What the last plan was made of.
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// The group of this id.
    pub fn group(&self, id: ObjectId) -> Option<&Group> {
        self.sheet.group(id)
    }

    /// What a group is now: what was decided, and what has come of it since.
    pub fn state(&self, group: &Group) -> State {
        let Some(deeds) = self.outcomes.get(&group.id) else { return group.state };
        if deeds.iter().any(|deed| !deed.achieved) {
            return State::Failed;
        }
        let waits = matches!(group.state, State::Pending | State::Drifted);
        if !waits || !self.is_settled(group, deeds) {
            return group.state;
        }
        if self.has_ended(group) { State::Gone } else { State::InStep }
    }

    /// Why a group is what it is, in a sentence; empty where nothing is to be said.
    pub fn reason<'v>(&'v self, group: &'v Group) -> &'v str {
        let failed = self.deeds(group.id).iter().find(|deed| !deed.achieved);
        if let Some(message) = failed.and_then(|deed| deed.message.as_deref()) {
            return message;
        }
        if self.state(group) == group.state { &group.reason } else { "" }
    }

    /// Since when it is so, as far as this process saw.
    pub fn since(&self, group: &Group) -> Timestamp {
        let at = self.sheet.at.unwrap_or_default();
        if self.state(group) == group.state { group.since } else { at }
    }

    /// The objectGUID of its directory group.
    pub fn object(&self, group: &Group) -> Option<ObjectGuid> {
        let told = self.deeds(group.id).iter().rev().find_map(|deed| deed.object);
        if self.has_ended(group) { None } else { told.or(group.object) }
    }

    /// Where its directory group stands.
    pub fn dn<'v>(&'v self, group: &'v Group) -> Option<&'v str> {
        let mut moved = self.deeds(group.id).iter().rev().filter(|deed| deed.achieved);
        let moved = moved.find_map(|deed| deed.dn.as_deref());
        if self.has_ended(group) { None } else { moved.or(group.dn.as_deref()) }
    }

    /// The newest changes of a group, also those of earlier processes as far as the journal was
    /// read: at most [`HISTORY_SHOWN_MAX`].
    pub fn history(&self, id: ObjectId) -> Vec<&Deed> {
        let own = self.history.iter().chain(&*self.past).filter(|deed| deed.group == id);
        own.take(HISTORY_SHOWN_MAX).map(AsRef::as_ref).collect()
    }

    /// What came of a kind of change in this pass; `None` while it was not tried.
    pub fn outcome(&self, group: ObjectId, kind: Kind) -> Option<&Deed> {
        self.deeds(group).iter().find(|deed| deed.kind == kind).map(AsRef::as_ref)
    }

    /// How many groups are in each state, without those that are in none.
    pub fn counts(&self) -> BTreeMap<State, usize> {
        let mut counts = BTreeMap::new();
        for group in self.sheet.groups() {
            *counts.entry(self.state(group)).or_default() += 1;
        }
        counts
    }

    fn deeds(&self, id: ObjectId) -> &[Arc<Deed>] {
        self.outcomes.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether every change that waited was made.
    fn is_settled(&self, group: &Group, deeds: &[Arc<Deed>]) -> bool {
        let lines = self.sheet.lines_of(group);
        let open = |part: Part| lines.iter().filter(|line| line.part == part).count();
        open(Part::Held) == 0 && open(Part::Unconfirmed) == 0 && deeds.len() >= open(Part::Waiting)
    }

    /// Whether its directory group is deleted or let go of.
    fn has_ended(&self, group: &Group) -> bool {
        let ends =
            |deed: &Arc<Deed>| deed.achieved && matches!(deed.kind, Kind::Delete | Kind::Release);
        self.deeds(group.id).iter().any(ends)
    }
}
