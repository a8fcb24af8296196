//! `undo`: takes a change set back, as far as the directory still is as the change set left it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::apply::{Claimed, Unclaimed, claim_state};
use super::{at_once, blind, complain, load_settings, new_report, pause, progress, say};
use crate::controller::admin::caller::Caller;
use crate::controller::admin::round::{chain, standing};
use crate::controller::books::{Books, finish};
use crate::controller::now;
use crate::controller::pass::{Engine, Look};
use crate::controller::stop::Stop;
use crate::controller::undo::{self, ChangeSet};
use crate::decide::conclude::ChangeResult;
use crate::exit::Exit;
use crate::journal::Note;
use crate::model::approval::APPROVAL_MAX;
use crate::model::{ApprovalRequest, Digest, FindingCode};
use crate::report::text::{self, safe};

/// Looks at the directory, at most: the second one sees what a restoration brought back, the third
/// that nothing is left to do.
const ROUNDS_MAX: usize = 3;

#[derive(Args)]
pub(super) struct Arguments {
    /// The digest of the plan that was applied, or its first 12 digits; `writeback journal show`
    /// lists them
    changeset: String,
    /// Write, if the way back has this digest; without it, it is only shown
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// Let the held set of this digest through
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    if arguments.changeset.len() < Digest::DIGITS_MIN {
        complain("a change set is named by at least 12 digits of its digest");
        return Exit::Usage;
    }
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let directory = settings.state.clone();
    let Claimed { lock: _lock, books, memory, status } = match claim_state(&settings) {
        Ok(claimed) => claimed,
        Err(Unclaimed::Held(error)) => {
            complain(&format!("failed to {error}; stop the daemon, undo, and start it again"));
            return Exit::Failed;
        }
        Err(Unclaimed::Failed(why)) => {
            complain(&why);
            return Exit::Failed;
        }
    };
    let set = match undo::read(&directory, &arguments.changeset) {
        Ok(set) => set,
        Err(error) => {
            complain(&format!("failed to {}", safe(&chain(&error))));
            return Exit::Failed;
        }
    };
    let report = new_report(&settings);
    report.recall_passes(status.as_deref());
    let mut engine = match Engine::open(settings, report, progress::watcher(), Some(memory)) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    engine.load_policies();
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    Box::pin(Way { engine, books, stop, set, arguments }.go()).await
}

struct Way {
    engine: Engine,
    books: Books,
    stop: Arc<Stop>,
    set: ChangeSet,
    arguments: Arguments,
}

impl Way {
    async fn go(mut self) -> Exit {
        if let Some(digest) = self.arguments.approve.clone() {
            let approved_by = Caller::own().map_or_else(|_| "?".to_owned(), |c| c.to_string());
            let not_after = now().checked_add(APPROVAL_MAX).unwrap_or(jiff::Timestamp::MAX);
            let place = None;
            self.engine.request(ApprovalRequest { digest, approved_by, not_after, place });
        }
        let (mut exit, mut held, mut left, mut waits) = (Exit::Done, None, 0, false);
        for round in 0..ROUNDS_MAX {
            let look = match self.engine.look_back(&self.set).await {
                Ok(look) => look,
                Err(why) => return blind(&why).max(exit),
            };
            let told = (held, left);
            (held, left) = (look.guarded.held.digest(), conflicts(&look));
            let shown = if round == 0 { self.show(&look) } else { show_more(&look, told) };
            exit = exit.max(standing(&look));
            if let Err(why) = shown {
                waits = why == Exit::ChangesWait;
                exit = exit.max(why);
                break;
            }
            match self.write(look).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) => {
                    exit = exit.max(failed);
                    break;
                }
            }
        }
        if left > 0 {
            let things = things(left, "thing");
            complain(&format!("{things} of the change set cannot be taken back; see the findings"));
        }
        // What is only shown has not failed yet.
        if left > 0 && !waits { exit.max(Exit::Failed) } else { exit }
    }

    /// Shows the way back; `Err` where nothing is to be written.
    fn show(&self, look: &Look) -> Result<(), Exit> {
        if self.set.undone > 0 {
            complain(&format!(
                "{} of the change set came to nothing: there is nothing to take back of them",
                things(self.set.undone, "operation")
            ));
        }
        if self.set.unheard > 0 {
            complain(&format!(
                "nobody heard how {} of the change set ended: what stands of them is taken back",
                things(self.set.unheard, "operation")
            ));
        }
        say(&text::plan(&look.decision, &look.guarded));
        if look.decision.plan.writes().next().is_none() {
            if conflicts(look) > 0 {
                return Err(Exit::Failed);
            }
            complain("nothing of the change set is left to undo");
            return Err(Exit::Done);
        }
        pause::note(&self.engine.memory().pauses, &look.decision.plan.changes, "undo");
        let digest = look.guarded.digest;
        if self.arguments.expect.as_ref().is_some_and(|expected| digest.answers_to(expected)) {
            return Ok(());
        }
        let other = self.arguments.expect.as_ref().map_or_else(String::new, |expected| {
            format!("the way back is not the expected one ({}): ", safe(expected))
        });
        complain(&format!(
            "{other}nothing is written; `writeback undo {} --expect {}` does this, and holds what \
             would do it again",
            self.set.digest.short(),
            digest.short()
        ));
        Err(Exit::ChangesWait)
    }

    /// Writes what the guard admits; whether something was done, and all of it.
    async fn write(&mut self, look: Look) -> Result<bool, Exit> {
        self.engine.mark_undone(&self.set);
        let note = Note::Undo { changeset: self.set.digest };
        if let Err(error) = self.books.journal.note(note, now()) {
            complain(&format!("failed to {}", chain(&error)));
            return Err(Exit::Failed);
        }
        // On disk before the first write: the next pass must not do again what is undone.
        if let Err(error) = self.books.save(&self.engine, self.engine.report()) {
            complain(&format!("failed to {}", chain(&error)));
            return Err(Exit::Failed);
        }
        let finished = finish(&mut self.engine, &mut self.books, look, &self.stop).await;
        let results = &finished.acted.results;
        self.set.learn(results);
        say(&format!("\n{}", text::outcomes(results)));
        if let Some(fault) = finished.fault() {
            complain(&format!("failed to go on: {}", safe(&fault.message)));
            return Err(Exit::Failed);
        }
        let undone = results.iter().filter(|result| !is_whole(result)).count();
        let undone = undone + finished.acted.waiting;
        if undone > 0 {
            complain(&format!(
                "{} of the way back could not be made; see why above, mend it, and undo once more",
                things(undone, "change")
            ));
        }
        if undone > 0 || finished.acted.stopped {
            return Err(Exit::Failed);
        }
        Ok(!results.is_empty())
    }
}

/// Shows what the way back so far has brought up; `Err` where nothing of it is to be written.
/// `told` is what was held before, and how much could not be taken back.
fn show_more(look: &Look, told: (Option<Digest>, usize)) -> Result<(), Exit> {
    let writes = !look.guarded.admitted.changes().is_empty();
    if writes {
        complain("what was taken back brings up more of it, which is a change set of its own");
    }
    let now = (look.guarded.held.digest(), conflicts(look));
    if writes || now != told && now != (None, 0) {
        say(&format!("\n{}", text::plan(&look.decision, &look.guarded)));
    }
    if writes { Ok(()) } else { Err(Exit::Done) }
}

/// Whether a change was made with everything in it.
fn is_whole(result: &ChangeResult) -> bool {
    let ChangeResult { outcome, refused_members, left_out, change: _ } = result;
    outcome.achieved() && refused_members.is_empty() && left_out.is_empty()
}

/// How many things of the change set cannot be taken back.
fn conflicts(look: &Look) -> usize {
    let findings = look.decision.findings.iter();
    findings.filter(|finding| finding.code == FindingCode::UndoConflict).count()
}

fn things(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
