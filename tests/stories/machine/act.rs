//! What a pass writes, as `controller::act` and `books::finish` do: each operation announced, sent,
//! answered or not, and at the end concluded.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use writeback::decide::conclude::{self, ChangeResult, Course};
use writeback::directory::apply::{Answer, Step, Stepper};
use writeback::directory::outcome::{Verdict, classify};
use writeback::journal::{Note, Recorded};
use writeback::model::change::{Change, Kind};
use writeback::model::{ApprovalRequest, Digest, ObjectGuid, Operation, Outcome, Spend, Spending};

use super::look::Look;
use super::trace::line;
use super::{BATCH_VALUES, Halt, Living, Machine};
use crate::books;
use crate::names::OWNER;
use crate::observe;
use crate::trouble::{Act, Point};

/// What writing led to.
#[derive(Debug)]
struct Acted {
    results: Vec<ChangeResult>,
    spent: Vec<Spending>,
    added: Vec<(ObjectGuid, ObjectGuid)>,
    /// It ended early, or something did not go well.
    failed: bool,
    /// It ended early.
    cut: bool,
    /// The journal took every line.
    journalled: bool,
}

impl Default for Acted {
    fn default() -> Self {
        let (results, spent, added) = (Vec::new(), Vec::new(), Vec::new());
        Self { results, spent, added, failed: false, cut: false, journalled: true }
    }
}

impl Machine {
    /// As `books::finish`: writes, concludes, and puts the pass in the books.
    pub(super) fn finish(&mut self, look: Look) -> Living<bool> {
        let mut noted = true;
        for (digest, approval) in &look.granted {
            let note = books::approval(digest, approval);
            noted = self.note(note)?;
            if !noted {
                break;
            }
        }
        if !noted {
            // As `Engine::ask_again`.
            let life = self.life();
            for (digest, approval) in &look.granted {
                life.memory.approvals.remove(digest);
                life.requests.push(ApprovalRequest {
                    digest: digest.to_string(),
                    approved_by: approval.approved_by.clone(),
                    not_after: approval.not_after,
                    place: None,
                });
            }
        }
        let acted =
            if noted { self.act(&look)? } else { Acted { failed: true, ..Acted::default() } };
        let Look { begun, decision, guarded, .. } = look;
        let held = guarded.held.digest();
        let held = held.filter(|digest| !self.life().memory.held.contains_key(digest));
        let holds = guarded.held.holds.iter().map(|hold| hold.message.clone()).collect();
        let held = held.map(|digest| Note::Held { digest, holds });
        let used: BTreeSet<Digest> = self.life().memory.used_approvals.keys().copied().collect();
        let course = Course {
            begun,
            held: &guarded.held,
            results: &acted.results,
            spent: &acted.spent,
            added: &acted.added,
            partial: false,
            cut: acted.cut,
        };
        conclude::remember(&mut self.life().memory, decision, &course);
        let now_used = self.life().memory.used_approvals.keys();
        let now_used = now_used.filter(|digest| !used.contains(*digest));
        let used_up: Vec<Note> =
            now_used.map(|digest| Note::ApprovalUsed { digest: *digest }).collect();
        self.sometimes.count_if("an approval used up", !used_up.is_empty());
        let mut failed = acted.failed;
        let mut writable = acted.journalled && noted;
        for note in used_up.into_iter().chain(held) {
            if writable {
                writable = self.note(note)?;
                failed |= !writable;
            }
        }
        self.died_unsaved = !acted.results.is_empty();
        let saved = self.save()?;
        self.died_unsaved = false;
        Ok(saved && !failed)
    }

    fn note(&mut self, note: Note) -> Living<bool> {
        let at = self.world.now;
        Ok(self.journalled(|journal| journal.note(note, at))?.is_ok())
    }

    fn act(&mut self, look: &Look) -> Living<Acted> {
        let admitted = &look.guarded.admitted;
        let mut acted = Acted::default();
        let mut stepper =
            Stepper::new(admitted, self.containers.clone(), BATCH_VALUES).owned_by(OWNER);
        while let Some(step) = stepper.next() {
            self.died_writing = true;
            match step {
                Step::Wait(delay) => {
                    self.world.pass_time(SignedDuration::try_from(delay).expect("it is short"));
                    stepper.feed(Answer::Waited);
                }
                Step::Verify { question, .. } => {
                    let answer = self.verify(&question)?;
                    stepper.feed(answer);
                }
                Step::Execute { operation, change } => {
                    let change = stepper.change(change).expect("it is of this plan").clone();
                    match self.execute_one(look, operation, &change, &mut acted)? {
                        Ok(answer) => stepper.feed(answer),
                        Err(why) => {
                            (acted.failed, acted.cut) = (true, true);
                            stepper.stop(why);
                        }
                    }
                }
            }
        }
        self.died_writing = false;
        acted.results = stepper
            .results()
            .iter()
            .map(|result| ChangeResult {
                change: stepper.change(result.change).expect("it is of this plan").clone(),
                outcome: result.outcome.clone(),
                refused_members: result.refused_members.clone(),
                left_out: result.left_out.clone(),
            })
            .collect();
        for result in &acted.results {
            if self.trace && !result.outcome.achieved() {
                self.say(&format!("{}: {:?}", line(&result.change), result.outcome));
            }
        }
        acted.failed |= acted.results.iter().any(|result| !result.outcome.achieved());
        Ok(acted)
    }

    /// Records one operation, sends it, and records what came of it.
    fn execute_one(
        &mut self,
        look: &Look,
        operation: Operation,
        change: &Change,
        acted: &mut Acted,
    ) -> Living<Result<Answer, &'static str>> {
        let spends: Vec<Spend> = look.guarded.admitted.spends(change, &operation);
        self.held_stays_held(look, change, &operation)?;
        let context = books::context(&self.policies, look.guarded.digest, change, spends.clone());
        let at = self.world.now;
        let recorded = self.journalled(|journal| journal.intend(operation, &context, at))?;
        let Ok(recorded) = recorded else {
            acted.journalled = false;
            return Ok(Err("the journal cannot be written"));
        };
        self.world.pass_time(SignedDuration::from_secs(1));
        let answer = self.execute(&recorded)?;
        let outcome = match &answer {
            Ok(answer) => answer.outcome(),
            Err(why) => Outcome::Failed { message: (*why).to_owned() },
        };
        books::collect(acted_parts(acted), change, &recorded, &outcome, spends, at);
        let at = self.world.now;
        let concluded = self.journalled(|journal| journal.conclude(&recorded, &outcome, at))?;
        if concluded.is_err() {
            acted.journalled = false;
            return Ok(Err("the journal cannot be written"));
        }
        Ok(answer)
    }

    /// Nothing that is held, and nothing that was held and is not approved, is written.
    fn held_stays_held(&self, look: &Look, change: &Change, operation: &Operation) -> Living<()> {
        let Operation::RemoveMembers { target, members } = operation else { return Ok(()) };
        let held: BTreeSet<_> = look.guarded.held.sets().into_values().flatten().collect();
        for member in members {
            let item = writeback::model::Item {
                object: target.object().expect("it is there").to_string(),
                kind: Kind::RemoveMembers,
                value: member.to_string(),
            };
            if held.contains(&item) {
                let what = format!("{member} of {} is held and written", change.label);
                return Err(Halt::Wrong(what));
            }
            let memory = &self.life.as_ref().expect("it lives").memory;
            let mut letting =
                memory.approvals.iter().filter(|(_, one)| one.items.contains(&item)).peekable();
            if letting.peek().is_some()
                && !letting.any(|(digest, _)| self.folder.tells_of_approval(digest))
            {
                let what = format!("{member} of {} goes on a word not journalled", change.label);
                return Err(Halt::Wrong(what));
            }
        }
        Ok(())
    }

    fn execute(&mut self, recorded: &Recorded) -> Living<Result<Answer, &'static str>> {
        let operation = recorded.operation();
        let refuse = |code, text: &str| match classify(operation.word(), code, text) {
            Verdict::Done => Answer::Done,
            Verdict::Busy(message) => Answer::Busy(message),
            Verdict::Refused(refusal) => Answer::Refused(refusal),
        };
        let act = self.gate.pass(Point::Write);
        match act {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::LostUndone) => {
                self.sometimes.count("a lost answer to what was not done");
                return Ok(Ok(Answer::Lost("the connection was cut".to_owned())));
            }
            Some(Act::Busy) => {
                self.sometimes.count("a busy domain controller");
                return Ok(Ok(refuse(51, "0000200E: ")));
            }
            Some(Act::Refused) => {
                self.sometimes.count("a refusal");
                return Ok(Ok(refuse(50, "00002098: ")));
            }
            Some(Act::Failed) => {
                self.sometimes.count("a connection beyond repair");
                return Ok(Err("the password is refused"));
            }
            _ => {}
        }
        self.is_announced(recorded)?;
        let done = self.world.write(operation);
        if self.trace {
            self.say(&format!("write {} {}: {done:?}", operation.word(), operation.target()));
        }
        if let Some(what) = self.blamed() {
            return Err(Halt::Wrong(what));
        }
        match act {
            Some(Act::StopAfter) => Err(Halt::Died),
            Some(Act::LostDone) => {
                self.sometimes.count_if("a lost answer to what was done", done.is_ok());
                Ok(Ok(Answer::Lost("the connection was cut".to_owned())))
            }
            _ => Ok(Ok(done.map_or_else(|(code, text)| refuse(code, text), |()| Answer::Done))),
        }
    }

    /// The intent is in the file before the write.
    fn is_announced(&self, recorded: &Recorded) -> Living<()> {
        let lines = self.folder.last_lines(4 << 10);
        let announced = lines.iter().any(|line| {
            line.get("kind").and_then(|kind| kind.as_str()) == Some("intent")
                && line.get("sequence").and_then(serde_json::Value::as_u64)
                    == Some(recorded.sequence())
        });
        if announced {
            return Ok(());
        }
        Err(Halt::Wrong(format!("operation {} has no intent on disk", recorded.sequence())))
    }

    fn verify(&mut self, question: &writeback::directory::apply::Question) -> Living<Answer> {
        Ok(match self.gate.pass(Point::Verify) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Stale(steps)) => {
                self.sometimes.count("a stale look");
                observe::look(&self.world.directory_before(steps), question)
            }
            Some(Act::Incomplete) => {
                self.sometimes.count("a look that failed");
                Answer::Unseen("the connection was cut".to_owned())
            }
            _ => observe::look(&self.world.directory, question),
        })
    }
}

fn acted_parts(acted: &mut Acted) -> (&mut Vec<Spending>, &mut Vec<(ObjectGuid, ObjectGuid)>) {
    (&mut acted.spent, &mut acted.added)
}
