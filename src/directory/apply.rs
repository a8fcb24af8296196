//! Turns admitted changes into operations, one at a time, and learns from each answer.
//!
//! Input: changes in the order of the plan, and `Answer`s. Output: `Step`s for the controller to
//! record and execute, and a `ChangeResult` for each change. Pure: it waits for nobody, knows no
//! socket and no clock, so every order of lost answers can be tested.
//!
//! What it guarantees:
//! - every operation's target was admitted by the containers, at the place where the object was
//!   last seen, by this pass;
//! - an object is looked at before its first operation: it must be there, inside the containers
//!   and still carry our ownership record of its cloud group, or none where it is adopted (see
//!   `accept`);
//! - what builds on a change of the same group that went wrong is not tried (see `trouble`);
//! - a lost answer is settled by reading before anything is sent again;
//! - every retry, halving and bisection has an end.

mod accept;
mod ending;
mod members;
mod single;
pub mod step;
mod trouble;
mod value;

use std::collections::BTreeMap;

use self::ending::{Ending, Next, lost_sync};
use self::members::{Batches, Direction};
use self::single::Single;
pub use self::step::{Answer, Question, Seen, Sight, Step};
use self::trouble::Troubles;
use crate::decide::guard::AdmittedPlan;
use crate::defence::stands;
use crate::model::change::Kind;
use crate::model::{
    AttributeChange, AttributeName, Change, Containers, Dn, Effect, MemberReference, ObjectGuid,
    ObjectId, Operation, Outcome, Target,
};

/// Members in one modify. Half a thousand keeps the audit events of a transaction, two per member,
/// far below the 17,000 at which it is rolled back (facts of event 2866).
pub const BATCH_VALUES_DEFAULT: usize = 500;
/// Members in one modify, at most: the documented ceiling of one transaction (AD DS maximum
/// limits). At 43 octets each, 215 kB: a fifth of the MiB that may be in flight.
pub const BATCH_VALUES_MAX: usize = 5_000;

/// Changes in a row that may end unheard before the rest is given up: the second one shows that
/// it is the domain controller, not the group.
const UNHEARD_MAX: u32 = 2;

/// What came of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeResult {
    /// The change, by its place in the plan.
    pub change: usize,
    /// How it went.
    pub outcome: Outcome,
    /// Members that the directory refuses, each with the reason; the others were written.
    pub refused_members: Vec<(ObjectGuid, String)>,
    /// Members left out because their own group was not created, each with the reason.
    pub left_out: Vec<String>,
}

/// The machine. Ask `next`, do it, `feed` the answer, until `next` is `None`.
#[derive(Debug)]
pub struct Stepper {
    changes: Vec<Change>,
    containers: Containers,
    /// The owner that records must name; every owner's counts where it was not told.
    owner: Option<String>,
    batch_values: usize,
    /// The change that is worked on.
    position: usize,
    work: Option<Work>,
    /// Where objects are, as this pass last saw or put them.
    places: BTreeMap<ObjectGuid, Place>,
    /// Groups of this pass, by cloud group.
    created: BTreeMap<ObjectId, ObjectGuid>,
    troubles: Troubles,
    unheard_in_a_row: u32,
    stopped: Option<String>,
    results: Vec<ChangeResult>,
}

#[derive(Clone, Debug)]
struct Place {
    dn: Dn,
    /// The cloud group whose record it carries.
    group: ObjectId,
    /// Somebody renamed or moved it since the plan was made.
    strayed: bool,
}

#[derive(Debug)]
enum Work {
    /// A first look at the object.
    Look {
        guid: ObjectGuid,
        /// What is asked for beyond the marks.
        attributes: Vec<AttributeName>,
        ending: Option<Ending>,
    },
    Single(Single),
    Members {
        guid: ObjectGuid,
        batches: Batches,
    },
}

impl Stepper {
    /// Takes what the guard admitted, in the order in which it is made. `batch_values` is kept
    /// within 1 and [`BATCH_VALUES_MAX`].
    pub fn new(plan: &AdmittedPlan, containers: Containers, batch_values: usize) -> Self {
        Self::of(plan.changes().to_vec(), containers, batch_values)
    }

    /// From here on a record counts as ours only when it names this owner as well.
    #[must_use]
    pub fn owned_by(self, owner: &str) -> Self {
        Self { owner: Some(owner.to_owned()), ..self }
    }

    fn of(changes: Vec<Change>, containers: Containers, batch_values: usize) -> Self {
        let most = if stands("H34") { BATCH_VALUES_MAX } else { usize::MAX };
        Self {
            changes,
            containers,
            owner: None,
            batch_values: batch_values.clamp(1, most),
            position: 0,
            work: None,
            places: BTreeMap::new(),
            created: BTreeMap::new(),
            troubles: Troubles::default(),
            unheard_in_a_row: 0,
            stopped: None,
            results: Vec::new(),
        }
    }

    /// What to do next; the same step until an answer is fed. `None` when every change has its
    /// result.
    #[expect(clippy::should_implement_trait, reason = "an iterator takes no answers in between")]
    pub fn next(&mut self) -> Option<Step> {
        while let Some(change) = self.changes.get(self.position) {
            let next = match &self.work {
                Some(work) => work.next(),
                None => match self.begin(change) {
                    Ok(work) => {
                        let next = work.next();
                        self.work = Some(work);
                        next
                    }
                    Err(ending) => Next::End(*ending),
                },
            };
            let change = self.position;
            match next {
                Next::Execute(operation) => return Some(Step::Execute { operation, change }),
                Next::Ask(question) => return Some(Step::Verify { question, change }),
                Next::Wait(delay) => return Some(Step::Wait(delay)),
                Next::End(ending) => self.conclude(ending),
            }
        }
        None
    }

    /// Takes the answer to the last step.
    pub fn feed(&mut self, answer: Answer) {
        match &mut self.work {
            None => {}
            Some(Work::Single(single)) => single.feed(answer, &self.containers),
            Some(Work::Members { batches, .. }) => batches.feed(answer, &self.containers),
            Some(Work::Look { guid, .. }) => {
                let guid = *guid;
                self.looked(guid, answer);
            }
        }
    }

    /// Gives up what is left, between two steps: each change without a result fails with
    /// `message`. An operation whose answer was not fed is left to the next pass.
    pub fn stop(&mut self, message: &str) {
        if let Some(mut work) = self.work.take() {
            let ending = match &mut work {
                Work::Members { batches, .. } => batches.abandon(message.to_owned()),
                Work::Look { .. } | Work::Single(_) => Ending::failed(message),
            };
            self.conclude(ending);
        }
        self.stopped = Some(message.to_owned());
    }

    /// The results so far, in the order of the changes.
    pub fn results(&self) -> &[ChangeResult] {
        &self.results
    }

    /// The change of a step or result.
    pub fn change(&self, index: usize) -> Option<&Change> {
        self.changes.get(index)
    }

    /// The groups that this pass created or found created, by cloud group.
    pub fn created(&self) -> &BTreeMap<ObjectId, ObjectGuid> {
        &self.created
    }

    fn begin(&self, change: &Change) -> Result<Work, Box<Ending>> {
        if let Some(message) = &self.stopped {
            return Err(Ending::failed(message).into());
        }
        if let Some(message) = self.troubles.forbid(change) {
            return Err(Ending::forbidden(message).into());
        }
        if change.effect == Effect::Freeze {
            let object = change.target.object();
            return Err(Ending::of(Outcome::AlreadySo { object }).into());
        }
        if let Effect::Create { attributes } = &change.effect {
            let (target, attributes) = (change.target.clone(), attributes.clone());
            return Ok(one_operation(change, Operation::Add { target, attributes }));
        }
        if let Effect::Restore { attributes } = &change.effect {
            let (target, attributes) = (change.target.clone(), attributes.clone());
            return Ok(one_operation(change, Operation::Restore { target, attributes }));
        }
        let guid = change.target.object().or_else(|| self.created.get(&change.group).copied());
        let guid = guid.ok_or_else(|| Ending::failed("the group was not created in this pass"))?;
        let place = self.places.get(&guid).filter(|place| place.group == change.group);
        let Some(place) = place else {
            let attributes = accept::asked_for(&change.effect);
            return Ok(Work::Look { guid, attributes, ending: None });
        };
        let target = self.containers.admit(guid, place.dn.clone()).ok_or_else(|| outside(place))?;
        self.work_on(change, guid, target, place)
    }

    fn work_on(
        &self,
        change: &Change,
        guid: ObjectGuid,
        target: Target,
        place: &Place,
    ) -> Result<Work, Box<Ending>> {
        let single = |operation| Ok(one_operation(change, operation));
        match &change.effect {
            Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
                let to = self.containers.admit(guid, to.dn().clone());
                let to = to.ok_or_else(|| outside(place))?;
                if to.dn().key() == place.dn.key() && to.dn().leaf() == place.dn.leaf() {
                    return Err(Ending::of(Outcome::AlreadySo { object: Some(guid) }).into());
                }
                if place.strayed {
                    let message = format!("somebody renamed or moved it to {}", place.dn);
                    return Err(Ending::failed(message).into());
                }
                single(Operation::ModifyDn { target, to })
            }
            Effect::Update { attributes }
            | Effect::Disable { attributes, .. }
            | Effect::Adopt { attributes }
            | Effect::Release { attributes } => {
                single(Operation::Modify { target, attributes: attributes.clone() })
            }
            Effect::Handover { record, .. } => {
                single(Operation::Modify { target, attributes: vec![record.clone()] })
            }
            Effect::Convert { from, to } => {
                let (before, after) = (Some(from.to_string()), Some(to.to_string()));
                let name = "groupType".into();
                let attributes = vec![AttributeChange { name, before, after }];
                single(Operation::Modify { target, attributes })
            }
            Effect::Delete { last } => single(Operation::Delete { target, last: last.clone() }),
            Effect::AddMembers { members, .. } => {
                Ok(self.batches(guid, target, Direction::Add, members))
            }
            Effect::RemoveMembers { members, .. } => {
                Ok(self.batches(guid, target, Direction::Remove, members))
            }
            Effect::Create { .. } | Effect::Restore { .. } | Effect::Freeze => {
                Err(lost_sync().into())
            }
        }
    }

    fn batches(
        &self,
        guid: ObjectGuid,
        target: Target,
        direction: Direction,
        members: &[MemberReference],
    ) -> Work {
        let (mut values, mut left_out) = (Vec::new(), Vec::new());
        for member in members {
            match member {
                MemberReference::Existing { guid, .. } => values.push(*guid),
                MemberReference::Created { group, label } => match self.created.get(group) {
                    Some(guid) => values.push(*guid),
                    None => left_out.push(format!("{label}: its group was not created")),
                },
            }
        }
        values.sort_unstable();
        values.dedup();
        let batches = Batches::new(target, direction, values, left_out, self.batch_values);
        Work::Members { guid, batches }
    }

    fn conclude(&mut self, ending: Ending) {
        let Some(change) = self.changes.get(self.position) else { return };
        self.troubles.note(change, &ending);
        let Ending { outcome, refused, left_out, place, unheard, forbidden: _ } = ending;
        let group = change.group;
        if let Some((guid, dn)) = place {
            self.places.insert(guid, Place { dn, group, strayed: false });
            if matches!(change.effect.kind(), Kind::Create | Kind::Restore) {
                self.created.insert(group, guid);
            }
        }
        self.unheard_in_a_row = if unheard { self.unheard_in_a_row + 1 } else { 0 };
        if self.unheard_in_a_row >= UNHEARD_MAX && stands("H24") {
            self.stopped.get_or_insert_with(|| "the domain controller does not answer".to_owned());
        }
        self.results.push(ChangeResult {
            change: self.position,
            outcome,
            refused_members: refused,
            left_out,
        });
        self.position += 1;
        self.work = None;
    }
}

impl Work {
    fn next(&self) -> Next {
        match self {
            Self::Look { ending: Some(ending), .. } => Next::End(ending.clone()),
            Self::Look { guid, attributes, ending: None } => {
                Next::Ask(Question::Object { guid: *guid, attributes: attributes.clone() })
            }
            Self::Single(single) => single.next(),
            Self::Members { guid, batches } => batches.next(*guid),
        }
    }
}

fn one_operation(change: &Change, operation: Operation) -> Work {
    Work::Single(Single::new(operation, change.group))
}

fn outside(place: &Place) -> Ending {
    Ending::failed(format!("{} lies outside the containers", place.dn))
}

#[cfg(test)]
mod tests;
