//! One change that is one operation: create, restore, rename, move, update, convert, disable, hand
//! over, adopt, release, delete.
//!
//! Input: an operation, and answers. Output: what to do next, and in the end how it went. After a
//! refusal that contradicts what was read, and after every lost answer, the object is read before
//! anything is sent again.

use std::time::Duration;

use super::accept::record_of;
use super::ending::{Ending, Next, lost_sync};
use super::step::{Answer, Question, Seen, Sight};
use super::value::by_name;
use crate::defence::stands;
use crate::directory::outcome::{Reaction, Refusal};
use crate::model::{
    AttributeChange, AttributeName, Containers, Dn, ObjectGuid, ObjectId, Operation, Outcome,
    Target, record,
};
use crate::retry::REQUEST;

/// An operation on its way.
#[derive(Debug)]
pub(super) struct Single {
    operation: Operation,
    /// The cloud group it is done for.
    group: ObjectId,
    phase: Phase,
    /// Times it was sent without an answer that settles it.
    tries: u32,
    /// It was refused, read, found as it was before, and sent again.
    resent: bool,
}

#[derive(Debug)]
enum Phase {
    Send,
    Wait(Duration),
    /// Read before anything else.
    Settle(Doubt),
    /// Read the new object's GUID.
    ReadBack,
    End(Ending),
}

#[derive(Debug)]
enum Doubt {
    Refused(Refusal),
    Lost(String),
}

/// What a look at the object says about the operation.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It is as the operation wants it.
    So(Option<ObjectGuid>),
    /// It is as it was before: the operation can be sent.
    AsBefore,
    /// Something else holds the name, for good.
    Taken(String),
    /// Somebody changed it; the next pass has to look again.
    Changed(String),
}

impl Single {
    pub(super) fn new(operation: Operation, group: ObjectId) -> Self {
        Self { operation, group, phase: Phase::Send, tries: 0, resent: false }
    }

    pub(super) fn next(&self) -> Next {
        match &self.phase {
            Phase::Send => Next::Execute(self.operation.clone()),
            Phase::Wait(delay) => Next::Wait(*delay),
            Phase::Settle(_) | Phase::ReadBack => Next::Ask(question(&self.operation)),
            Phase::End(ending) => Next::End(ending.clone()),
        }
    }

    pub(super) fn feed(&mut self, answer: Answer, containers: &Containers) {
        let phase = std::mem::replace(&mut self.phase, Phase::Send);
        self.phase = match (phase, answer) {
            (Phase::Send, Answer::Done) => self.done(),
            (Phase::Send, Answer::Lost(message)) if stands("H32") => {
                Phase::Settle(Doubt::Lost(message))
            }
            (Phase::Send, Answer::Busy(message) | Answer::Lost(message)) => self.again(message),
            (Phase::Send, Answer::Refused(refusal)) => self.refused(refusal),
            (Phase::Wait(_), Answer::Waited) => Phase::Send,
            (Phase::Settle(doubt), Answer::Seen(sight)) => {
                let standing = self.standing(&sight, containers);
                self.settled(doubt, standing)
            }
            (Phase::Settle(doubt), Answer::Unseen(message)) => {
                let cause = match doubt {
                    Doubt::Refused(refusal) => refusal.message,
                    Doubt::Lost(cause) => cause,
                };
                let message = format!("{cause}; and looking at it failed: {message}");
                Phase::End(Ending::unheard(Outcome::Unknown { message }))
            }
            (Phase::ReadBack, Answer::Seen(sight)) => {
                Phase::End(self.read_back(&sight, containers))
            }
            (Phase::ReadBack, Answer::Unseen(message)) => {
                let message = format!("it was created, but its GUID could not be read: {message}");
                Phase::End(Ending::unheard(Outcome::Unknown { message }))
            }
            (Phase::End(ending), _) => Phase::End(ending),
            (Phase::Send | Phase::Wait(_) | Phase::Settle(_) | Phase::ReadBack, _) => {
                Phase::End(lost_sync())
            }
        };
    }

    fn done(&self) -> Phase {
        let object = self.operation.target().object();
        match &self.operation {
            Operation::Add { .. } => Phase::ReadBack,
            Operation::ModifyDn { to, .. } | Operation::Restore { target: to, .. } => {
                let place = object.map(|object| (object, to.dn().clone()));
                Phase::End(Ending { place, ..Ending::of(Outcome::Done { object }) })
            }
            Operation::Modify { .. }
            | Operation::AddMembers { .. }
            | Operation::RemoveMembers { .. }
            | Operation::Delete { .. } => Phase::End(Ending::of(Outcome::Done { object })),
        }
    }

    fn refused(&mut self, refusal: Refusal) -> Phase {
        match refusal.reaction {
            Reaction::Reread => Phase::Settle(Doubt::Refused(refusal)),
            // One operation on one object cannot be made smaller: the limit is a passing one.
            Reaction::Halve => self.again(refusal.message),
            Reaction::Rule | Reaction::Final => Phase::End(refuse(refusal.message)),
        }
    }

    /// Sends it again after a while, unless it was tried often enough.
    fn again(&mut self, message: String) -> Phase {
        self.tries += 1;
        // One writer per domain: there is nobody to spread from, so the whole bound is waited.
        match REQUEST.delay(self.tries + 1, None, 1.0) {
            Some(delay) => Phase::Wait(delay),
            None => Phase::End(Ending::unheard(Outcome::Failed { message })),
        }
    }

    fn settled(&mut self, doubt: Doubt, standing: Standing) -> Phase {
        match (standing, doubt) {
            (Standing::So(object), _) => {
                let object = object.or(self.operation.target().object());
                let place = match &self.operation {
                    Operation::Add { target: to, .. }
                    | Operation::Restore { target: to, .. }
                    | Operation::ModifyDn { to, .. } => {
                        object.map(|object| (object, to.dn().clone()))
                    }
                    Operation::Modify { .. }
                    | Operation::AddMembers { .. }
                    | Operation::RemoveMembers { .. }
                    | Operation::Delete { .. } => None,
                };
                Phase::End(Ending { place, ..Ending::of(Outcome::AlreadySo { object }) })
            }
            (Standing::AsBefore, Doubt::Lost(message)) => self.again(message),
            // A deleted object shows nothing that another request could do better.
            (Standing::AsBefore, Doubt::Refused(refusal))
                if self.resent || matches!(self.operation, Operation::Restore { .. }) =>
            {
                Phase::End(refuse(refusal.message))
            }
            (Standing::AsBefore, Doubt::Refused(_)) => {
                self.resent = true;
                Phase::Send
            }
            (Standing::Taken(message), _) => Phase::End(refuse(message)),
            (Standing::Changed(message), _) => Phase::End(Ending::of(Outcome::Failed { message })),
        }
    }

    /// What a look at the object says about the operation.
    fn standing(&self, sight: &Sight, containers: &Containers) -> Standing {
        let seen = match (&self.operation, sight) {
            (Operation::Add { .. } | Operation::Restore { .. }, Sight::Absent) => {
                return Standing::AsBefore;
            }
            (Operation::Delete { .. }, Sight::Absent) => return Standing::So(None),
            (_, Sight::Absent) => {
                return Standing::Changed("the object is not in the directory any more".to_owned());
            }
            (_, Sight::There(seen)) => seen,
        };
        match &self.operation {
            Operation::Add { target, attributes } => created(target, attributes, seen),
            _ if !containers.hold(&seen.dn) => Standing::Changed(format!(
                "the object was moved out of the containers, to {}",
                seen.dn
            )),
            Operation::Modify { attributes, .. } => {
                let changes = by_name(attributes);
                let differing = changes.iter().find(|change| !change.is_after(seen));
                let Some(differing) = differing else { return Standing::So(Some(seen.guid)) };
                if changes.iter().all(|change| change.is_before(seen)) || !stands("H35") {
                    return Standing::AsBefore;
                }
                let name = differing.name;
                Standing::Changed(format!("somebody changed {name} since it was read"))
            }
            Operation::Restore { target, attributes } => {
                restored(target, attributes, seen, self.group)
            }
            Operation::ModifyDn { target, to } => {
                if is_same_place(&seen.dn, to.dn()) {
                    return Standing::So(Some(seen.guid));
                }
                if seen.dn.key() == target.dn().key() {
                    return Standing::AsBefore;
                }
                Standing::Changed(format!("somebody renamed or moved it to {}", seen.dn))
            }
            Operation::Delete { .. }
            | Operation::AddMembers { .. }
            | Operation::RemoveMembers { .. } => Standing::AsBefore,
        }
    }

    fn read_back(&self, sight: &Sight, containers: &Containers) -> Ending {
        let (target, object) = match self.standing(sight, containers) {
            Standing::So(object) => (self.operation.target(), object),
            Standing::AsBefore | Standing::Taken(_) | Standing::Changed(_) => {
                let message = "it was created, but reading shows something else under its name";
                return Ending::of(Outcome::Unknown { message: message.to_owned() });
            }
        };
        let place = object.map(|object| (object, target.dn().clone()));
        Ending { place, ..Ending::of(Outcome::Done { object }) }
    }
}

fn refuse(message: String) -> Ending {
    Ending::of(Outcome::Refused { message })
}

/// What to look at to know what became of an operation.
fn question(operation: &Operation) -> Question {
    let by = |target: &Target, attributes: Vec<AttributeName>| match target.object() {
        Some(guid) => Question::Object { guid, attributes },
        None => Question::Name { dn: target.dn().clone() },
    };
    match operation {
        Operation::Add { target, .. } => Question::Name { dn: target.dn().clone() },
        Operation::Modify { target, attributes } | Operation::Restore { target, attributes } => {
            by(target, attributes.iter().map(|change| change.name.clone()).collect())
        }
        Operation::ModifyDn { target, .. }
        | Operation::Delete { target, .. }
        | Operation::AddMembers { target, .. }
        | Operation::RemoveMembers { target, .. } => by(target, Vec::new()),
    }
}

/// Whether the object under the new name is the one that was to be added: the same anchor and the
/// same record. A record alone could be copied; the anchor alone Entra Connect writes as well.
fn created(target: &Target, attributes: &[(AttributeName, String)], seen: &Seen) -> Standing {
    let ours = Seen::MARKS.iter().all(|mark| {
        let mut wanted = attributes.iter().filter(|(name, _)| *name == **mark);
        wanted.all(|(_, value)| seen.values(mark).contains(value))
    });
    let marked = attributes.iter().any(|(_, value)| value.starts_with(record::PREFIX));
    if ours && marked {
        return Standing::So(Some(seen.guid));
    }
    Standing::Taken(format!(
        "the name {} is taken in its container by an object that is not ours, {}",
        target.dn().leaf(),
        seen.guid
    ))
}

/// Whether the living object is the one that was to be brought back, as it was to be. Whoever else
/// restored it did not give it our record: then it is nobody's until the next pass has read it.
fn restored(
    target: &Target,
    attributes: &[AttributeChange],
    seen: &Seen,
    group: ObjectId,
) -> Standing {
    let recorded = record_of(seen, group, None).is_some();
    let complete = by_name(attributes).iter().all(|change| change.is_after(seen));
    if recorded && complete && is_same_place(&seen.dn, target.dn()) {
        return Standing::So(Some(seen.guid));
    }
    Standing::Changed(format!("somebody restored it, as {}", seen.dn))
}

/// The same container and, byte for byte, the same name.
fn is_same_place(one: &Dn, two: &Dn) -> bool {
    one.key() == two.key() && one.leaf() == two.leaf()
}
