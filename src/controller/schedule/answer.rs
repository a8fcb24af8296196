//! What the loop does for those who ask over the admin socket, between two passes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use super::Loop;
use crate::controller::admin::approve;
use crate::controller::admin::pause::{self, Word};
use crate::controller::admin::round::{Bench, Told, chain};
use crate::controller::admin::server::Call;
use crate::controller::admin::words::{Answer, Loaded, Request, Round};
use crate::controller::books::Finished;
use crate::controller::now;
use crate::exit::Exit;
use crate::model::{Pause, PolicyName};
use crate::report::events::{Event, Via};

/// What somebody hears, and whether the next pass should start at once.
type Said = (Answer, bool);

impl Loop {
    /// Does what somebody asks, and whatever else was asked meanwhile: of several words the last
    /// one counts before anything is written on the first. Whether a pass should start at once.
    ///
    /// Whoever still waits when the daemon is asked to stop hears that, and nothing is done.
    pub(super) async fn answer_all(&mut self, first: Call) -> bool {
        // As many as there are connections, at most.
        let mut waiting = VecDeque::from([first]);
        let mut wake = false;
        while !self.stop.asked() {
            let calls = self.admin.as_mut().map(|admin| &mut admin.calls);
            waiting.extend(calls.into_iter().flat_map(|calls| {
                std::iter::from_fn(|| calls.try_recv().ok()).collect::<Vec<_>>()
            }));
            let Some(call) = waiting.remove(first_of(&waiting)) else { break };
            wake |= self.answer(call).await;
            self.pulse.beat();
        }
        wake
    }

    async fn answer(&mut self, call: Call) -> bool {
        let Call { request, caller, answer, halt } = call;
        let caller = caller.to_string();
        let (said, wake) = match request {
            Request::Approve { digest, not_after } => {
                let memory = self.engine.memory();
                match approve::judge((memory, &memory.held), &digest, &caller, not_after, now()) {
                    Ok((request, granted)) => {
                        self.engine.request(request);
                        (Answer::Approved(granted), true)
                    }
                    Err(why) => (Answer::refused(why), false),
                }
            }
            Request::Apply(round) => (self.apply(&round, &caller).await, false),
            Request::Reconcile { group } => (self.reconcile(group.as_deref()).await, false),
            Request::Pause { policy } => {
                // What this word cut short goes on, as far as it may.
                (self.set_pause(Word::Pause, policy, caller).0, true)
            }
            Request::Resume { policy } => self.set_pause(Word::Resume, policy, caller),
            Request::Reload {} => self.loaded(),
            Request::Memory {} | Request::Status {} => {
                (Answer::refused("this is answered without the loop"), false)
            }
        };
        // Before the answer: whoever has it may ask for a pass that writes.
        drop(halt);
        // Who went away meanwhile finds it in the status.
        let _gone = answer.send(said);
        wake
    }

    async fn apply(&mut self, round: &Round, caller: &str) -> Answer {
        if let Err(refused) = self.make_ready().await {
            return refused;
        }
        let (mut output, mut complaints) = (String::new(), Vec::new());
        let mut tell = listener(&mut output, &mut complaints);
        let bench = Bench { engine: &mut self.engine, books: &mut self.books, stop: &self.stop };
        let ran = Box::pin(bench.run(round, caller, &mut tell)).await;
        drop(tell);
        self.applied(ran, output, complaints)
    }

    async fn reconcile(&mut self, group: Option<&str>) -> Answer {
        if let Err(refused) = self.make_ready().await {
            return refused;
        }
        let (mut output, mut complaints) = (String::new(), Vec::new());
        let mut tell = listener(&mut output, &mut complaints);
        let bench = Bench { engine: &mut self.engine, books: &mut self.books, stop: &self.stop };
        let ran = Box::pin(bench.reconcile(group, &mut tell)).await;
        drop(tell);
        self.applied(ran, output, complaints)
    }

    /// A pass that somebody asks for begins where any other would.
    async fn make_ready(&mut self) -> Result<(), Answer> {
        self.catch_up().map_err(|fault| {
            Answer::refused(format!("failed to {}: nothing is written", fault.message))
        })?;
        tokio::select! {
            _ = self.triggers.settle() => Ok(()),
            () = self.stop.heard() => Err(Answer::refused("the daemon is stopping")),
        }
    }

    fn applied(
        &mut self,
        (exit, finished): (Exit, Option<Finished>),
        output: String,
        complaints: Vec<String>,
    ) -> Answer {
        if let Some(finished) = finished {
            self.ended(&finished);
        }
        Answer::Applied { exit: exit.code(), output, complaints }
    }

    /// A pause holds once it is in the journal: a crash after that finds it there.
    fn set_pause(&mut self, word: Word, policy: Option<PolicyName>, by: String) -> Said {
        let policies = self.engine.policies().policies.iter();
        let known: BTreeSet<_> = policies.map(|standing| standing.policy.name.clone()).collect();
        let at = now();
        let pauses = &self.engine.memory().pauses;
        let (pauses, note) = match pause::judge(pauses, &known, (word, policy), Pause { by, at }) {
            Ok(Some(changed)) => changed,
            Ok(None) => return (Answer::Paused { changed: false, pauses: pauses.clone() }, false),
            Err(why) => return (Answer::refused(why), false),
        };
        if let Err(error) = self.books.journal.note(note, at) {
            let message = chain(&error);
            self.report.emit(&Event::JournalFailed { message: message.clone() });
            return (Answer::refused(format!("failed to {message}: nothing is changed")), false);
        }
        self.engine.memory_mut().pauses = pauses.clone();
        self.report.emit(&Event::Paused(&pauses));
        // Where it fails it is told there, and tried again before anything is written.
        let saved = self.books.save(&self.engine, &self.report);
        self.saved.store(saved.is_ok(), Ordering::Relaxed);
        if let Some(admin) = &self.admin {
            admin.desk.renew(self.engine.memory().clone());
        }
        (Answer::Paused { changed: true, pauses }, true)
    }

    fn loaded(&mut self) -> Said {
        let load = self.reload(Via::Socket);
        let policies = self.engine.policies().policies.iter();
        let read = self.engine.revision();
        let other = policies.clone().filter_map(|standing| {
            let revision = standing.revision.clone();
            let other = revision.filter(|revision| Some(revision.as_str()) != read)?;
            Some((standing.policy.name.clone(), other))
        });
        let loaded = Loaded {
            changed: load.changed,
            generation: load.generation.filter(|_| load.folder_error.is_none()),
            revision: read.map(str::to_owned),
            other_revisions: other.collect(),
            policies: policies.map(|standing| standing.policy.name.clone()).collect(),
            mistakes: load.mistakes.iter().map(ToString::to_string).collect(),
        };
        (Answer::Reloaded(loaded), load.changed)
    }
}

/// Who is answered first: whoever pauses, and before that what was said of pauses earlier; a pass
/// that was asked for before is then one of a daemon that is paused.
fn first_of(waiting: &VecDeque<Call>) -> usize {
    let is_pause = |call: &Call| matches!(call.request, Request::Pause { .. });
    if !waiting.iter().any(is_pause) {
        return 0;
    }
    let is_word =
        |call: &Call| matches!(call.request, Request::Pause { .. } | Request::Resume { .. });
    waiting.iter().position(is_word).unwrap_or(0)
}

/// Gathers what a pass tells, for a terminal on the other side of the socket.
fn listener<'a>(
    output: &'a mut String,
    complaints: &'a mut Vec<String>,
) -> impl FnMut(Told) + Send + 'a {
    move |told| match told {
        Told::Output(text) => output.push_str(&text),
        Told::Complaint(line) => complaints.push(line),
    }
}
