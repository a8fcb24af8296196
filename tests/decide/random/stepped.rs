//! A pass through the machine that asks and answers, over a directory that may refuse, fall silent,
//! or outlive the one who writes.

use std::collections::BTreeMap;

use writeback::decide::conclude::ChangeResult;
use writeback::decide::guard::{Answers, Scale, guard};
use writeback::directory::apply::{Answer, Question, Seen, Sight, Step, Stepper};
use writeback::directory::outcome::{Reaction, Refusal};
use writeback::model::change::{Change, Effect};
use writeback::model::{Inventory, Memory, ObjectGuid, Operation, Plan, PolicyName};

use crate::apply::containers;
use crate::observed::Order;
use crate::world::World;

/// Members in one operation: few, so that additions and removals can end in their midst.
const BATCH_VALUES: usize = 2;

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done.
    Done,
    /// The directory does not want it.
    Refused,
    /// It is done, and the answer does not arrive.
    Unheard,
    /// It is not done, and whoever writes stops in good order.
    Stop,
    /// It is done, and whoever writes dies and forgets everything.
    Crash,
}

/// A plan whose removals look small beside what they are taken from: no limit holds them.
fn unlimited(plan: &Plan) -> (Plan, BTreeMap<PolicyName, Inventory>) {
    let mut plan = plan.clone();
    for change in &mut plan.changes {
        if let Effect::RemoveMembers { members, of } = &mut change.effect {
            *of = (*of).max(members.len() * 4 + 4);
        }
    }
    let large = Inventory { groups: 1_000_000, memberships: 1_000_000, principals: 1_000_000 };
    let former = plan.changes.iter().filter_map(|change| match &change.effect {
        Effect::Handover { from, .. } => Some(from),
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => None,
    });
    let all = plan.changes.iter().map(|change| &change.policy).chain(former).cloned();
    let inventory = all.map(|policy| (policy, large)).collect();
    (plan, inventory)
}

/// One pass; whether it had anything to write. `watch` sees the world after each operation.
pub(super) fn pass(
    world: &mut World,
    mut fate: impl FnMut(&Change, &Operation) -> Fate,
    mut watch: impl FnMut(&World, &Change),
) -> bool {
    let decision = world.decide(Order::Given);
    let (plan, inventory) = unlimited(&decision.plan);
    // Nested groups that nobody counts would count as much as they can.
    let inside = decision.asked.nested.iter().map(|guid| (*guid, 1)).collect();
    let (policies, answers) = (world.policy_set(), Answers { inside, ..Answers::default() });
    let scale = Scale::of(&policies, &world.memory, &decision, &answers, world.now);
    let guarded = guard(&plan, &Scale { inventory, ..scale });
    assert!(guarded.held.holds.iter().all(|hold| hold.limit == 0), "{:?}", guarded.held.holds);
    let writes = !guarded.admitted.changes().is_empty();
    let mut stepper = Stepper::new(&guarded.admitted, containers(), BATCH_VALUES);
    while let Some(step) = stepper.next() {
        let answer = match step {
            Step::Wait(_) => Answer::Waited,
            Step::Verify { question, .. } => Answer::Seen(world.sight(&question)),
            Step::Execute { operation, change } => {
                let change = stepper.change(change).expect("it is of this plan").clone();
                let fate = fate(&change, &operation);
                let answer = world.answer(&operation, fate);
                watch(world, &change);
                match fate {
                    Fate::Done | Fate::Refused | Fate::Unheard => {}
                    Fate::Stop => {
                        stepper.stop("it stops");
                        continue;
                    }
                    Fate::Crash => {
                        world.memory = Memory::default();
                        return true;
                    }
                }
                answer
            }
        };
        stepper.feed(answer);
    }
    let results: Vec<_> = stepper
        .results()
        .iter()
        .map(|result| ChangeResult {
            change: stepper.change(result.change).expect("it is of this plan").clone(),
            outcome: result.outcome.clone(),
            refused_members: result.refused_members.clone(),
            left_out: result.left_out.clone(),
        })
        .collect();
    world.remember_held(decision, &guarded.held, &results);
    writes
}

impl World {
    fn answer(&mut self, operation: &Operation, fate: Fate) -> Answer {
        let no = |reaction, message: &str| {
            let message = message.to_owned();
            Answer::Refused(Refusal { code: 50, extended: None, reaction, message })
        };
        let done = match fate {
            Fate::Refused => return no(Reaction::Final, "the right is missing"),
            Fate::Stop => return Answer::Done,
            Fate::Done | Fate::Unheard | Fate::Crash => self.operate(operation),
        };
        match done {
            Ok(()) if fate == Fate::Unheard => Answer::Lost("cut off".to_owned()),
            Ok(()) => Answer::Done,
            Err(message) => no(Reaction::Reread, &message),
        }
    }

    fn sight(&self, question: &Question) -> Sight {
        let (guid, extra) = match question {
            Question::Object { guid, attributes } => (Some(*guid), attributes.as_slice()),
            Question::Members { guid } => (Some(*guid), [].as_slice()),
            Question::Name { dn } => (self.named(dn), [].as_slice()),
        };
        let Some(guid) = guid else { return Sight::Absent };
        let Some(group) = self.domain.groups.get(&guid) else { return self.stranger(guid) };
        let names = Seen::MARKS.into_iter().chain(extra.iter().map(|name| &**name));
        let values = names.map(|name| (name.to_lowercase(), self.values(guid, name)));
        let asked = matches!(question, Question::Members { .. });
        let members = || self.domain.members.get(&guid).cloned().unwrap_or_default();
        Sight::There(Seen {
            guid,
            dn: group.dn.clone(),
            attributes: values.filter(|(_, values)| !values.is_empty()).collect(),
            members: asked.then(members),
        })
    }

    /// What is no group.
    fn stranger(&self, guid: ObjectGuid) -> Sight {
        let Some(account) = self.domain.accounts.get(&guid) else { return Sight::Absent };
        let (dn, attributes) = (account.dn.clone(), BTreeMap::new());
        Sight::There(Seen { guid, dn, attributes, members: None })
    }
}
