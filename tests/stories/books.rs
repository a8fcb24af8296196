//! Journal and state as the controller keeps them: what is opened at the start, what recovery reads
//! from the journal, what a pass leaves.

use std::path::Path;

use jiff::Timestamp;
use writeback::controller::recall::{Recalled, recall};
use writeback::journal::{Context, Journal, Note, Options, Recorded};
use writeback::model::change::Change;
use writeback::model::policy::PolicySet;
use writeback::model::{Approval, Digest, Memory, ObjectGuid, Operation, Outcome, Spend, Spending};
use writeback::state::{self, Binding, Found, State, StateError};

use crate::disk::{Folder, Platter};
use crate::machine::{Halt, Machine};
use crate::names::{DOMAIN, OWNER, tenant_id};

/// What a start found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) open_intents: u64,
    /// The journal knew more than the state.
    pub(crate) is_news: bool,
    /// Why removals wait, where they do.
    pub(crate) warning: Option<String>,
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
    // As `State::open` tells a state that is gone from one that never was.
    let had_journal = machine.folder.length() > 0;
    let opened = State::open_backend(machine.platter.clone(), Path::new("state"), binding());
    let (state, mut opened) = opened.map_err(|error| wrong(format!("the state: {error:?}")))?;
    if let Found::Fresh { lost } = &mut opened.status {
        *lost = had_journal;
    }
    let journal = Journal::open(&folder, Options::default(), now);
    let journal = journal.map_err(|error| wrong(format!("the journal: {error:?}")))?;
    let open_intents = journal.open_intents();
    let recalled = recall(&folder, opened, now);
    let Recalled { memory, is_news, warning, .. } =
        recalled.map_err(|error| wrong(format!("the journal: {error:?}")))?;
    let books = Books { journal, state: Some(state), behind: is_news };
    Ok((books, memory, Told { open_intents, is_news, warning }))
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
pub(crate) fn approval(digest: &Digest, approval: &Approval) -> Note {
    Note::Approval {
        digest: *digest,
        approved_by: approval.approved_by.clone(),
        not_after: approval.not_after,
        items: approval.items.len(),
        place: None,
    }
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
    if let (Operation::AddMembers { target, members }, Outcome::Done { .. }) =
        (recorded.operation(), outcome)
    {
        let group = target.object();
        added.extend(group.into_iter().flat_map(|group| members.iter().map(move |m| (group, *m))));
    }
}
