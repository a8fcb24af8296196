//! Journal and state as the controller keeps them: what is opened at the start, what recovery reads
//! from the journal, what a pass leaves.

use std::path::Path;

use jiff::Timestamp;
use writeback::journal::read::{HeadFound, tail};
use writeback::journal::{Context, Journal, JournalError, JournalHead, Note, Options, Recorded};
use writeback::model::change::Change;
use writeback::model::policy::PolicySet;
use writeback::model::{
    Approval, Digest, Memory, ObjectGuid, Operation, Outcome, Spend, Spending,
};
use writeback::state::{self, Binding, State, StateError};

use crate::disk::{Folder, Platter};
use crate::machine::{Halt, Machine};
use crate::names::{DOMAIN, OWNER, tenant_id};

/// What a start found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) open_intents: u64,
    /// The journal knew more than the state.
    pub(crate) behind: bool,
}

/// The open books.
pub(crate) struct Books {
    pub(crate) journal: Journal,
    /// `None` after a save that failed.
    pub(crate) state: Option<State>,
    /// What was saved last is not what stands in memory.
    pub(crate) behind: bool,
}

pub(crate) fn binding() -> Binding {
    Binding { tenant: tenant_id(), owner: OWNER.to_owned() }
}

impl Books {
    pub(crate) fn save(&mut self, memory: &Memory) -> Result<(), StateError> {
        let head = self.journal.head();
        let head = state::JournalHead { sequence: head.sequence, hash: head.hash.to_string() };
        self.behind = true;
        let Some(state) = &mut self.state else {
            return Err(StateError::Broken { path: "state".into() });
        };
        match state.bind_domain(DOMAIN).and_then(|()| state.save(memory, Some(&head), None)) {
            Ok(_) => {
                self.behind = false;
                Ok(())
            }
            Err(error) => {
                self.state = None;
                Err(error)
            }
        }
    }
}

/// Opens state and journal, and brings memory up to what the journal tells beyond the state.
pub(crate) fn open(machine: &mut Machine, now: Timestamp) -> Result<(Books, Memory, Told), Halt> {
    let folder = machine.folder.path().to_owned();
    let wrong = |what: String| Halt::Wrong(what);
    let opened = State::open_backend(machine.platter.clone(), Path::new("state"), binding());
    let (state, opened) = opened.map_err(|error| wrong(format!("the state: {error:?}")))?;
    let journal = Journal::open(&folder, Options::default(), now);
    let journal = journal.map_err(|error| wrong(format!("the journal: {error:?}")))?;
    let told = Told { open_intents: journal.open_intents(), behind: false };
    let (memory, behind) = recovered(&folder, opened, now).map_err(wrong)?;
    let books = Books { journal, state: Some(state), behind: false };
    Ok((books, memory, Told { behind, ..told }))
}

/// Opens what was closed in good order: nothing is to be recovered.
pub(crate) fn reopen(folder: &Folder, platter: &Platter, now: Timestamp) -> Books {
    let opened = State::open_backend(platter.clone(), Path::new("state"), binding());
    let (state, _) = opened.expect("it was saved");
    let journal = Journal::open(folder.path(), Options::default(), now);
    let journal = journal.expect("it was written");
    Books { journal, state: Some(state), behind: false }
}

/// What a pass tells the journal of an approval that it took up.
pub(crate) fn note(
    journal: &mut Journal,
    digest: &Digest,
    approval: &Approval,
    at: Timestamp,
) -> Result<(), JournalError> {
    let note = Note::Approval {
        digest: *digest,
        approved_by: approval.approved_by.clone(),
        not_after: approval.not_after,
        items: approval.items.len(),
        place: None,
    };
    journal.note(note, at)
}

/// What an operation belongs to.
pub(crate) fn context(
    policies: &PolicySet,
    plan: Digest,
    change: &Change,
    spends: Vec<Spend>,
) -> Context {
    let standing = policies.policies.iter().find(|s| s.policy.name == change.policy);
    Context {
        policy: change.policy.clone(),
        group: change.group,
        cause: change.cause.clone(),
        plan,
        generation: standing.map(|standing| standing.policy.generation),
        file: standing.map(|standing| standing.policy.place.file.clone()),
        revision: None,
        spends,
    }
}

/// What an operation that may have been done took away or added.
pub(crate) fn collect(
    (spent, added): (&mut Vec<Spending>, &mut Vec<(ObjectGuid, ObjectGuid)>),
    change: &Change,
    recorded: &Recorded,
    outcome: &Outcome,
    spends: Vec<Spend>,
    at: Timestamp,
) {
    if matches!(outcome, Outcome::Refused { .. } | Outcome::Failed { .. }) {
        return;
    }
    let policy = || change.policy.clone();
    spent.extend(spends.into_iter().map(|spend| Spending { at, policy: policy(), spend }));
    if let (Operation::AddMembers { target, members }, true) =
        (recorded.operation(), outcome.achieved())
    {
        let group = target.object();
        added.extend(group.into_iter().flat_map(|group| members.iter().map(move |m| (group, *m))));
    }
}

/// STAND-IN until the controller's own recovery is there.
fn recovered(
    folder: &Path,
    opened: state::Opened,
    now: Timestamp,
) -> Result<(Memory, bool), String> {
    use std::collections::BTreeMap;
    use writeback::journal::entry::{Body, Content};
    let mut memory = opened.memory;
    let lost = || now.checked_add(writeback::model::window::WINDOW).ok();
    let head = opened.journal_head.as_ref().and_then(|head| {
        Some(JournalHead { sequence: head.sequence, hash: Digest::parse(&head.hash)? })
    });
    let begin = JournalHead { sequence: 0, hash: Digest::of(b"") };
    let tail = tail(folder, &head.unwrap_or(begin)).map_err(|error| format!("{error:?}"))?;
    if tail.head != HeadFound::Yes || tail.broken.is_some() {
        memory.closed_until = lost();
    }
    let mut intents = BTreeMap::new();
    let mut behind = false;
    for entry in &tail.entries {
        match &entry.body {
            Body::Intent(intent) => {
                behind = true;
                intents.insert(intent.sequence, (entry.at, intent.clone(), None));
            }
            Body::Outcome(outcome) => {
                if let Some(known) = intents.get_mut(&outcome.sequence) {
                    known.2 = Some(outcome.result.clone());
                }
            }
            _ => {}
        }
    }
    for (at, intent, outcome) in intents.into_values() {
        if matches!(outcome, Some(Outcome::Refused { .. } | Outcome::Failed { .. })) {
            continue;
        }
        let policy = || intent.policy.clone();
        let spends = intent.spends.iter();
        memory.spent.extend(spends.map(|spend| Spending { at, policy: policy(), spend: *spend }));
        let done = outcome.is_some_and(|outcome| outcome.achieved());
        match (&intent.content, intent.object) {
            (Content::MembersAdded(members), Some(group)) if done => {
                memory.added.extend(members.iter().map(|member| ((group, *member), at)));
            }
            (Content::Created(_), _) => drop(memory.strangers.insert(intent.group)),
            (Content::Restored(_), Some(object)) => {
                memory.inventory.insert(intent.group, object);
                memory.deleted.remove(&intent.group);
            }
            (Content::Deleted(_), Some(object)) => {
                memory.inventory.remove(&intent.group);
                memory.deleted.insert(intent.group, object);
            }
            _ => {}
        }
    }
    memory.spent.sort();
    Ok((memory, behind))
}
