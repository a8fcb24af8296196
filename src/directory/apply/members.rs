//! Adding or removing members of one group, in batches.
//!
//! Input: the members, and answers. Output: one batch after the other. A failed modify changes
//! nothing, so what a refused batch holds is read and sent again without what is so already; if it
//! still fails it is halved, down to the one member that is refused. That one is set aside.

use std::time::Duration;

use super::ending::{Ending, Next, lost_sync};
use super::step::{Answer, Question, Seen, Sight};
use crate::defence::stands;
use crate::directory::outcome::{Reaction, Refusal};
use crate::model::{Containers, ObjectGuid, Operation, Outcome, Target};
use crate::retry::REQUEST;

/// Members set aside before a change is given up. Each costs up to 2 log2(batch) + 1 operations,
/// 20 for 500, so a group whose every member is refused costs some hundred, not thousands; those
/// set aside are remembered, and the next pass goes on behind them.
const REFUSED_MAX: usize = 32;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Add,
    Remove,
}

/// The members of one change on their way.
#[derive(Debug)]
pub(super) struct Batches {
    target: Target,
    direction: Direction,
    /// The next batch stands last.
    waiting: Vec<Batch>,
    batch_values: usize,
    phase: Phase,
    /// Times in a row without an answer that settles a batch.
    tries: u32,
    written: usize,
    already: usize,
    refused: Vec<(ObjectGuid, String)>,
    left_out: Vec<String>,
}

#[derive(Clone, Debug)]
struct Batch {
    members: Vec<ObjectGuid>,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not compared with the group since it was planned.
    Planned,
    /// Read, and nothing of it is so already: a refusal is about one of its members.
    Compared,
}

#[derive(Debug)]
enum Phase {
    Send,
    Wait(Duration),
    Settle(Doubt),
    End(Ending),
}

#[derive(Debug)]
enum Doubt {
    Refused,
    Lost(String),
}

impl Batches {
    pub(super) fn new(
        target: Target,
        direction: Direction,
        members: Vec<ObjectGuid>,
        left_out: Vec<String>,
        batch_values: usize,
    ) -> Self {
        let batch = Batch { members, standing: Standing::Planned };
        let mut batches = Self {
            target,
            direction,
            waiting: vec![batch],
            batch_values,
            phase: Phase::Send,
            tries: 0,
            written: 0,
            already: 0,
            refused: Vec::new(),
            left_out,
        };
        batches.phase = batches.advance();
        batches
    }

    pub(super) fn next(&self, group: ObjectGuid) -> Next {
        match &self.phase {
            Phase::Send => Next::Execute(self.operation()),
            Phase::Wait(delay) => Next::Wait(*delay),
            Phase::Settle(_) => Next::Ask(Question::Members { guid: group }),
            Phase::End(ending) => Next::End(ending.clone()),
        }
    }

    fn operation(&self) -> Operation {
        let members = self.waiting.last().map(|batch| batch.members.clone()).unwrap_or_default();
        let target = self.target.clone();
        match self.direction {
            Direction::Add => Operation::AddMembers { target, members },
            Direction::Remove => Operation::RemoveMembers { target, members },
        }
    }

    pub(super) fn feed(&mut self, answer: Answer, containers: &Containers) {
        let phase = std::mem::replace(&mut self.phase, Phase::Send);
        self.phase = match (phase, answer) {
            (Phase::Send, Answer::Done) => {
                self.written += self.waiting.pop().map_or(0, |batch| batch.members.len());
                self.tries = 0;
                self.advance()
            }
            (Phase::Send, Answer::Lost(message)) if stands("H32") => {
                Phase::Settle(Doubt::Lost(message))
            }
            (Phase::Send, Answer::Busy(message) | Answer::Lost(message)) => self.again(message),
            (Phase::Send, Answer::Refused(refusal)) => self.refused(refusal),
            (Phase::Wait(_), Answer::Waited) => self.advance(),
            (Phase::Settle(doubt), Answer::Seen(Sight::There(seen))) => {
                self.settled(doubt, &seen, containers)
            }
            (Phase::Settle(_), Answer::Seen(Sight::Absent)) => self
                .end(Outcome::Failed { message: "the group is not in the directory".to_owned() }),
            (Phase::Settle(_), Answer::Unseen(message)) => {
                let message = format!("its members could not be read: {message}");
                self.unheard(Outcome::Unknown { message })
            }
            (Phase::End(ending), _) => Phase::End(ending),
            (Phase::Send | Phase::Wait(_) | Phase::Settle(_), _) => Phase::End(lost_sync()),
        };
    }

    fn refused(&mut self, refusal: Refusal) -> Phase {
        let Some(batch) = self.waiting.last() else { return self.advance() };
        let (alone, standing) = (batch.members.len() <= 1, batch.standing);
        match (refusal.reaction, standing) {
            (Reaction::Reread, Standing::Planned) => Phase::Settle(Doubt::Refused),
            (Reaction::Reread, Standing::Compared) | (Reaction::Rule, _) => self.narrow(refusal),
            (Reaction::Halve, _) if alone => self.again(refusal.message),
            (Reaction::Halve, _) => {
                self.halve();
                // Halving ends by itself, so the wait between is the shortest and not counted.
                REQUEST.delay(2, None, 1.0).map_or_else(|| self.advance(), Phase::Wait)
            }
            (Reaction::Final, _) => self.end(Outcome::Refused { message: refusal.message }),
        }
    }

    /// One of the batch is refused: halve it, or set the last one aside.
    fn narrow(&mut self, refusal: Refusal) -> Phase {
        let Some(batch) = self.waiting.pop() else { return self.advance() };
        if !stands("H46") {
            return self.end(Outcome::Refused { message: refusal.message });
        }
        match batch.members.as_slice() {
            [] => {}
            [member] => self.refused.push((*member, refusal.message)),
            several => {
                let (first, second) = several.split_at(several.len().div_ceil(2));
                for half in [second, first] {
                    let members = half.to_vec();
                    self.waiting.push(Batch { members, standing: Standing::Compared });
                }
            }
        }
        if self.refused.len() >= REFUSED_MAX && !self.waiting.is_empty() {
            let message = format!("the directory refuses {REFUSED_MAX} and more of its members");
            return self.end(Outcome::Refused { message });
        }
        self.advance()
    }

    /// Takes the next batch, cut to the size that is allowed now.
    fn advance(&mut self) -> Phase {
        while self.waiting.last().is_some_and(|batch| batch.members.is_empty()) {
            self.waiting.pop();
        }
        let Some(batch) = self.waiting.last_mut() else {
            let outcome = self.conclude();
            return self.end(outcome);
        };
        if batch.members.len() > self.batch_values {
            let later = batch.members.split_off(self.batch_values);
            let first = Batch { members: std::mem::take(&mut batch.members), ..*batch };
            batch.members = later;
            self.waiting.push(first);
        }
        Phase::Send
    }

    fn halve(&mut self) {
        let length = self.waiting.last().map_or(0, |batch| batch.members.len());
        self.batch_values = self.batch_values.min(length).div_ceil(2).max(1);
    }

    /// A smaller batch after a while, unless it was tried often enough.
    fn again(&mut self, message: String) -> Phase {
        self.tries += 1;
        self.halve();
        match REQUEST.delay(self.tries + 1, None, 1.0) {
            Some(delay) => Phase::Wait(delay),
            None => self.unheard(Outcome::Failed { message }),
        }
    }

    fn settled(&mut self, doubt: Doubt, seen: &Seen, containers: &Containers) -> Phase {
        if containers.admit(seen.guid, seen.dn.clone()).is_none() {
            let message = format!("the group was moved out of the containers, to {}", seen.dn);
            return self.end(Outcome::Failed { message });
        }
        let Some(members) = &seen.members else { return Phase::End(lost_sync()) };
        let Some(batch) = self.waiting.last_mut() else { return self.advance() };
        let before = batch.members.len();
        let direction = self.direction;
        batch.members.retain(|member| match direction {
            Direction::Add => !members.contains(member),
            Direction::Remove => members.contains(member),
        });
        let settled = before - batch.members.len();
        if settled == 0 {
            batch.standing = Standing::Compared;
        }
        let nothing_left = batch.members.is_empty();
        match doubt {
            // What a lost answer stands for was most likely our own write.
            Doubt::Lost(_) => self.written += settled,
            Doubt::Refused => self.already += settled,
        }
        match doubt {
            Doubt::Lost(message) if !nothing_left => self.again(message),
            Doubt::Lost(_) | Doubt::Refused => {
                if nothing_left {
                    self.tries = 0;
                }
                self.advance()
            }
        }
    }

    fn conclude(&self) -> Outcome {
        let object = self.target.object();
        match (self.refused.first(), self.left_out.first()) {
            _ if self.written > 0 => Outcome::Done { object },
            (Some((_, message)), _) | (None, Some(message)) if self.already == 0 => {
                Outcome::Refused { message: message.clone() }
            }
            _ => Outcome::AlreadySo { object },
        }
    }

    fn end(&mut self, outcome: Outcome) -> Phase {
        Phase::End(self.ending(outcome))
    }

    fn unheard(&mut self, outcome: Outcome) -> Phase {
        Phase::End(Ending { unheard: true, ..self.ending(outcome) })
    }

    fn ending(&mut self, outcome: Outcome) -> Ending {
        let (refused, left_out) =
            (std::mem::take(&mut self.refused), std::mem::take(&mut self.left_out));
        Ending { refused, left_out, ..Ending::of(outcome) }
    }

    /// Gives up between two batches.
    pub(super) fn abandon(&mut self, message: String) -> Ending {
        self.ending(Outcome::Failed { message })
    }
}
