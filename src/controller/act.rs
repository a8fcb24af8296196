//! Writing: what the guard admitted, one recorded operation at a time.
//!
//! The step machine of `directory::apply` says what is next; this file records it, sends it, feeds
//! the answer back and tells the outcome.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::controller::now;
use crate::controller::pass::{Acted, Engine, Look};
use crate::decide::conclude::ChangeResult;
use crate::directory::DirectoryError;
use crate::directory::apply::{Answer, BATCH_VALUES_DEFAULT, Step, Stepper};
use crate::journal::{Context, Journal, JournalError};
use crate::model::{Digest, Outcome};
use crate::report::events::Event;
use crate::report::progress::Progress;

impl Engine {
    /// Writes what the guard admitted, one recorded operation at a time. `stop` is looked at
    /// between operations: the one in flight is always finished and journalled.
    pub async fn act(&mut self, look: &Look, journal: &mut Journal, stop: &AtomicBool) -> Acted {
        let mut acted = Acted::default();
        let containers = self.settings.directory.containers.clone();
        let total = look.guarded.admitted.changes().len();
        let mut stepper = Stepper::new(&look.guarded.admitted, containers, BATCH_VALUES_DEFAULT);
        while let Some(step) = stepper.next() {
            if stop.load(Ordering::Relaxed) {
                acted.stopped = true;
                stepper.stop("the program was asked to stop");
            } else {
                match self.step(step, &stepper, look.guarded.digest, journal).await {
                    Ok(Ok(answer)) => stepper.feed(answer),
                    Ok(Err(error)) => stepper.stop(&error.fault().message),
                    Err(error) => {
                        self.report.emit(&Event::JournalFailed { message: chain(&error) });
                        acted.journal = Some(error);
                        stepper.stop("the journal cannot be written");
                    }
                }
            }
            self.tell_results(&stepper, &mut acted, total);
        }
        self.tell_results(&stepper, &mut acted, total);
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
        plan: Digest,
        journal: &mut Journal,
    ) -> Result<Result<Answer, DirectoryError>, JournalError> {
        let Some(directory) = &self.directory else {
            return Ok(Ok(Answer::Busy("the domain controller is not connected".to_owned())));
        };
        match step {
            Step::Execute { operation, change } => {
                let Some(change) = stepper.change(change) else {
                    return Ok(Ok(Answer::Waited));
                };
                let context = Context {
                    policy: change.policy.clone(),
                    group: change.group,
                    cause: change.cause.clone(),
                    plan,
                };
                let recorded = journal.intend(operation, &context, now())?;
                let answer = directory.execute(&recorded).await;
                let outcome = match &answer {
                    Ok(answer) => answer.outcome(),
                    Err(error) => Outcome::Failed { message: error.fault().message },
                };
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

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
