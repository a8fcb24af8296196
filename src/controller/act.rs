//! Writing: what the guard admitted, one recorded operation at a time.
//!
//! The step machine of `directory::apply` says what is next; this file records it, sends it, feeds
//! the answer back and tells the outcome.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use crate::controller::admin::round::chain;
use crate::controller::now;
use crate::controller::pass::{Acted, Engine, Look};
use crate::decide::conclude::ChangeResult;
use crate::directory::DirectoryError;
use crate::directory::apply::{Answer, BATCH_VALUES_DEFAULT, Step, Stepper};
use crate::journal::{Context, Journal, JournalError};
use crate::model::{Change, Operation, Outcome, Spend, Spending};
use crate::report::events::Event;
use crate::report::progress::Progress;

impl Engine {
    /// Writes what the guard admitted, one recorded operation at a time. `stop` is looked at
    /// between operations: the one in flight is always finished and journalled. What was not begun
    /// by then has no result: nothing was tried, and nothing failed.
    pub async fn act(&mut self, look: &Look, journal: &mut Journal, stop: &AtomicBool) -> Acted {
        let mut acted = Acted::default();
        let containers = self.settings.directory.containers.clone();
        let total = look.guarded.admitted.changes().len();
        let mut stepper = Stepper::new(&look.guarded.admitted, containers, BATCH_VALUES_DEFAULT)
            .owned_by(&self.settings.owner);
        // The last change of which anything was sent.
        let mut begun = None;
        while let Some(step) = stepper.next() {
            // What ended with the last answer.
            self.tell_results(&stepper, &mut acted, total);
            if stop.load(Ordering::Relaxed) {
                acted.stopped = true;
                stepper.stop("the program was asked to stop, or to pause");
                break;
            }
            if let Step::Execute { change, .. } = &step {
                begun = Some(*change);
            }
            match self.step(step, &stepper, look, journal, &mut acted).await {
                Ok(Ok(answer)) => stepper.feed(answer),
                Ok(Err(error)) => {
                    acted.lost = true;
                    stepper.stop(&error.fault().message);
                }
                Err(error) => {
                    self.report.emit(&Event::JournalFailed { message: chain(&error) });
                    acted.journal = Some(error);
                    stepper.stop("the journal cannot be written");
                }
            }
        }
        // Of the one that was cut there is something to tell only if something of it was sent.
        let cut = stepper.results().last().map(|result| result.change);
        if !acted.stopped || cut == begun {
            self.tell_results(&stepper, &mut acted, total);
        }
        acted.waiting = total.saturating_sub(acted.results.len());
        acted.head = Some(journal.head());
        acted
    }

    /// Tells the results that came since the last call.
    fn tell_results(&self, stepper: &Stepper, acted: &mut Acted, total: usize) {
        let known = acted.results.len();
        for fresh in stepper.results().iter().skip(known) {
            let Some(change) = stepper.change(fresh.change) else { continue };
            let result = ChangeResult {
                change: change.clone(),
                outcome: fresh.outcome.clone(),
                refused_members: fresh.refused_members.clone(),
                left_out: fresh.left_out.clone(),
            };
            self.report.emit(&Event::ChangeMade(&result));
            acted.results.push(result);
        }
        (self.watcher)(Progress::Changes(acted.results.len(), total));
    }

    /// Does one step. The outer error is the journal's, the inner one says that no further
    /// operation can succeed.
    async fn step(
        &self,
        step: Step,
        stepper: &Stepper,
        look: &Look,
        journal: &mut Journal,
        acted: &mut Acted,
    ) -> Result<Result<Answer, DirectoryError>, JournalError> {
        let Some(directory) = &self.directory else {
            return Ok(Ok(Answer::Busy("the domain controller is not connected".to_owned())));
        };
        match step {
            Step::Execute { operation, change } => {
                let Some(change) = stepper.change(change) else {
                    return Ok(Ok(Answer::Waited));
                };
                let at = now();
                let context = context(change, &operation, look);
                let recorded = journal.intend(operation, &context, at)?;
                let answer = directory.execute(&recorded).await;
                let outcome = match &answer {
                    Ok(answer) => answer.outcome(),
                    Err(error) => Outcome::Failed { message: error.fault().message },
                };
                acted.count(change, recorded.operation(), &context.spends, &outcome, at);
                journal.conclude(&recorded, &outcome, now())?;
                Ok(answer)
            }
            Step::Verify { question, .. } => Ok(directory.verify(&question).await),
            Step::Wait(delay) => {
                tokio::time::sleep(delay).await;
                Ok(Ok(Answer::Waited))
            }
        }
    }
}

impl Acted {
    /// What an operation takes out of the window, and what it adds that is no loss when it is taken
    /// out again. What nobody heard of counts as done.
    fn count(
        &mut self,
        change: &Change,
        operation: &Operation,
        spends: &[Spend],
        outcome: &Outcome,
        at: Timestamp,
    ) {
        let spent = match outcome {
            Outcome::Done { .. } | Outcome::AlreadySo { .. } | Outcome::Unknown { .. } => spends,
            Outcome::Refused { .. } | Outcome::Failed { .. } => &[],
        };
        let policy = &change.policy;
        let spending = |spend: &Spend| Spending { at, policy: policy.clone(), spend: *spend };
        self.spent.extend(spent.iter().map(spending));
        if let (Operation::AddMembers { target, members }, Outcome::Done { .. }) =
            (operation, outcome)
        {
            let group = target.object();
            self.added.extend(members.iter().filter_map(|member| Some((group?, *member))));
        }
    }
}

/// What the journal says of an operation besides itself.
fn context(change: &Change, operation: &Operation, look: &Look) -> Context {
    let mut policies = look.policies.policies.iter();
    let standing = policies.find(|standing| standing.policy.name == change.policy);
    let policy = standing.map(|standing| &standing.policy);
    Context {
        policy: change.policy.clone(),
        group: change.group,
        cause: change.cause.clone(),
        plan: look.guarded.digest,
        generation: policy.map(|policy| policy.generation),
        file: policy.map(|policy| policy.place.file.clone()),
        revision: standing.and_then(|standing| standing.revision.clone()),
        spends: look.guarded.admitted.spends(change, operation),
    }
}
