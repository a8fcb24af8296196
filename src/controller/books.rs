//! The books: journal and state, in which every pass is written down, and how a pass ends there.
//!
//! `schedule` and `apply` hand over what a look admits. Nothing is written to the directory while
//! the books cannot be kept.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::controller::admin::round::chain;
use crate::controller::now;
use crate::controller::pass::{Acted, Blind, Engine, Look};
use crate::controller::stop::Stop;
use crate::journal::{Journal, JournalError, Note};
use crate::model::Digest;
use crate::report::Report;
use crate::report::events::{Event, Side};
use crate::report::status::Standing;
use crate::retry::Fault;
use crate::state::{Binding, JournalHead, State, StateError};

/// Where passes are written down.
#[derive(Debug)]
pub struct Books {
    /// Where intents and outcomes go.
    pub journal: Journal,
    /// `None` after a save that failed, until it is opened again.
    state: Option<State>,
    directory: PathBuf,
    binding: Binding,
    /// What was saved last is not what stands in memory.
    behind: bool,
    /// The last save failed, and that was told.
    failing: bool,
    /// The last line of the journal that was told.
    told: Option<u64>,
}

impl Books {
    /// Open journal and state of `directory`. `behind`: the journal tells what the state does not
    /// hold yet.
    pub fn new(
        journal: Journal,
        state: State,
        directory: PathBuf,
        binding: Binding,
        behind: bool,
    ) -> Self {
        Self { journal, state: Some(state), directory, binding, behind, failing: false, told: None }
    }

    /// The state, opened again where a save failed.
    fn state(&mut self) -> Result<&mut State, StateError> {
        let state = match self.state.take() {
            Some(state) => state,
            // What stands in it is older than the memory that will be saved.
            None => State::open(&self.directory, self.binding.clone())?.0,
        };
        Ok(self.state.insert(state))
    }

    /// Refuses to go on where the state belongs to another domain.
    fn bind(&mut self, engine: &Engine) -> Result<(), StateError> {
        let domain = engine.domain();
        let state = self.state()?;
        domain.map_or(Ok(()), |domain| state.bind_domain(&domain))
    }

    /// Saves what an earlier pass could not; the fault while that does not work.
    pub fn catch_up(&mut self, engine: &Engine, report: &Report) -> Result<(), Fault> {
        if !self.behind {
            return Ok(());
        }
        self.save(engine, report).map_err(|error| unsaved(&error))
    }

    /// Puts what the engine remembers on disk, with the status as it stands.
    pub fn save(&mut self, engine: &Engine, report: &Report) -> Result<(), StateError> {
        let head = self.journal.head_to_keep();
        report.stand(Standing::of(engine.memory(), Some(head.to_string()), now()));
        let head = JournalHead { sequence: head.sequence, hash: head.hash.to_string() };
        let status = serde_json::to_string(&report.status().saved()).ok();
        self.behind = true;
        let saved = self
            .bind(engine)
            .and_then(|()| self.state()?.save(engine.memory(), Some(&head), status.as_deref()));
        match saved {
            Ok(_) => {
                self.behind = false;
                if std::mem::take(&mut self.failing) {
                    report.emit(&Event::StateSaved);
                }
                // Told once for each growth: where it is kept elsewhere, a cut tail shows.
                if self.told != Some(head.sequence) {
                    self.told = Some(head.sequence);
                    let JournalHead { sequence, hash } = head;
                    report.emit(&Event::JournalAt { sequence, hash });
                }
                Ok(())
            }
            Err(error) => {
                self.state = None;
                self.fail(&error, report);
                Err(error)
            }
        }
    }

    /// Tells why the state cannot be kept, until it can.
    fn fail(&mut self, error: &StateError, report: &Report) {
        self.failing = true;
        report.emit(&Event::StateFailed { message: chain(error) });
    }
}

/// How a pass ended.
#[derive(Debug)]
pub struct Finished {
    /// What writing led to.
    pub acted: Acted,
    /// Whether memory is on disk.
    pub saved: Result<(), StateError>,
}

impl Finished {
    /// What a person must see to before anything more is written.
    pub fn fault(&self) -> Option<Fault> {
        let journal = self.acted.journal.as_ref().map(|error| Fault {
            reason: "journal",
            // A full disk may have room again; what else fails has to be opened anew.
            transient: matches!(error, JournalError::Full { .. }),
            retry_after: None,
            message: error.to_string(),
        });
        journal.or_else(|| self.saved.as_ref().err().map(unsaved))
    }
}

/// A full disk may have room again: the next try comes soon, and grows rarer.
fn unsaved(error: &StateError) -> Fault {
    Fault { reason: "state", transient: true, retry_after: None, message: chain(error) }
}

/// Writes what a look admits, concludes the pass and puts it in the books. Nothing is written
/// where the books cannot be kept, or where they belong to another domain.
pub async fn finish(engine: &mut Engine, books: &mut Books, look: Look, stop: &Stop) -> Finished {
    let report = Arc::clone(&engine.report);
    let bound = match books.bind(engine) {
        // What the journal told, and what an earlier pass could not save: a second crash would
        // leave more in the journal than one pass.
        Ok(()) if books.behind => books.save(engine, &report),
        Ok(()) => Ok(()),
        Err(error) => {
            books.fail(&error, &report);
            Err(error)
        }
    };
    if let Err(error) = bound {
        let blind = Blind { side: Side::State, fault: unsaved(&error) };
        engine.ask_again(&look);
        engine.give_up(&blind, look.begun);
        return Finished { acted: Acted::default(), saved: Err(error) };
    }
    let mut acted = match note_approvals(&look, &mut books.journal) {
        Err(error) => {
            engine.ask_again(&look);
            report.emit(&Event::JournalFailed { message: chain(&error) });
            Acted { journal: Some(error), ..Acted::default() }
        }
        Ok(()) if look.guarded.admitted.changes().is_empty() => Acted::default(),
        Ok(()) => engine.act(&look, &mut books.journal, stop.flag()).await,
    };
    let holds = held(&look, engine);
    let used: BTreeSet<Digest> = engine.memory().used_approvals.keys().copied().collect();
    engine.conclude(look, &acted);
    let used_up = engine.memory().used_approvals.keys().filter(|digest| !used.contains(*digest));
    let notes = used_up.map(|digest| Note::ApprovalUsed { digest: *digest }).chain(holds);
    for note in notes.collect::<Vec<_>>() {
        if acted.journal.is_none()
            && let Err(error) = books.journal.note(note, now())
        {
            report.emit(&Event::JournalFailed { message: chain(&error) });
            acted.journal = Some(error);
        }
    }
    let saved = books.save(engine, &report);
    Finished { acted, saved }
}

/// Journals the approvals that a look took up, before anything is done on their word.
fn note_approvals(look: &Look, journal: &mut Journal) -> Result<(), JournalError> {
    for (digest, approval) in &look.granted {
        let note = Note::Approval {
            digest: *digest,
            approved_by: approval.approved_by.clone(),
            not_after: approval.not_after,
            items: approval.items.len(),
            place: look.places.get(digest).cloned(),
        };
        journal.note(note, now())?;
    }
    Ok(())
}

/// What is to be journalled of a set that is held for the first time.
fn held(look: &Look, engine: &Engine) -> Option<Note> {
    let digest = look.guarded.held.digest()?;
    let is_new = !engine.memory().held.contains_key(&digest);
    let holds = look.guarded.held.holds.iter().map(|hold| hold.message.clone());
    is_new.then(|| Note::Held { digest, holds: holds.collect() })
}
