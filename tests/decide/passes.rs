//! Whole passes over a small world, as the controller makes them: begin, decide, guard, write what
//! is admitted, conclude with what was spent and added.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use writeback::decide::guard::approve::{Answer, judge};
use writeback::decide::guard::{Answers, Guarded, HeldPlan, Row, Scale, guard};
use writeback::decide::{Decision, begin};
use writeback::model::approval::{Approval, ApprovalRequest};
use writeback::model::change::{Change, Effect, MemberReference};
use writeback::model::cloud::Presence;
use writeback::model::window::{Spend, Spending};
use writeback::model::{Digest, ObjectGuid, Operation};
use writeback::state::image::{image, memory};

use crate::apply::is_ours;
use crate::check::{line, told};
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, World, id, object, policy_name, world};

/// What one pass did and kept back.
pub(crate) struct Passed {
    pub(crate) lines: Vec<String>,
    pub(crate) held: HeldPlan,
}

impl Passed {
    /// The rows that were passed, with what they came to and their limits.
    pub(crate) fn rows(&self) -> Vec<(Row, usize, usize)> {
        self.held.holds.iter().map(|hold| (hold.row, hold.measured, hold.limit)).collect()
    }

    pub(crate) fn digest(&self) -> Digest {
        self.held.digest().expect("something is held")
    }
}

pub(crate) fn words(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

pub(crate) fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// `total` groups in step, `g0` and so on, that a pass has seen.
pub(crate) fn fleet(total: usize) -> World {
    known(words("g", total).iter().fold(world(), |world, word| world.both(word, &[])))
}

/// A group of `size` members, `u0` and so on, beside one of `others`, that a pass has seen.
pub(crate) fn staffed(size: usize, others: usize) -> World {
    let (members, more) = (words("u", size), words("o", others));
    known(world().both("sales", &strs(&members)).both("more", &strs(&more)))
}

/// The world as a daemon knows it that has made one pass over it.
pub(crate) fn known(mut world: World) -> World {
    for group in world.domain.groups.values() {
        let records = group.records.iter().filter_map(|value| value.record.as_ref());
        world.memory.inventory.extend(records.map(|record| (record.id, group.guid)));
    }
    let passed = pass(&mut world);
    assert_eq!(passed.lines, Vec::<String>::new(), "the world is in step");
    world
}

/// What the guard says, where the edges answer so.
pub(crate) fn weigh(world: &World, decision: &Decision, answers: &Answers) -> Guarded {
    let policies = world.policy_set();
    guard(&decision.plan, &Scale::of(&policies, &world.memory, decision, answers, world.now))
}

/// Answers in which these accounts have left the tenant.
pub(crate) fn left(words: &[&str]) -> Answers {
    let leavers = words.iter().map(|word| object(word)).collect();
    Answers { leavers, ..Answers::default() }
}

/// One pass, where the edges answer nothing.
pub(crate) fn pass(world: &mut World) -> Passed {
    pass_with(world, &Answers::default())
}

/// One pass. A minute goes by.
pub(crate) fn pass_with(world: &mut World, answers: &Answers) -> Passed {
    let owned = world.domain.groups.values().flat_map(|group| &group.records);
    let owned: BTreeSet<_> = owned.filter_map(|value| Some(value.record.as_ref()?.id)).collect();
    let now = world.now;
    begin::begin(&owned, &mut world.memory, now);
    let decision = world.decide(Order::Given);
    let guarded = weigh(world, &decision, answers);
    let admitted = guarded.admitted.changes();
    let mut lines: Vec<_> = told(admitted).map(|change| line(world, change)).collect();
    lines.extend(told(&guarded.held.changes).map(|c| format!("held {}", line(world, c))));
    let results = world.execute(admitted, |_, _| {});
    let spends = admitted.iter().flat_map(|change| {
        let spends = guarded.admitted.spends(change, &operation(change));
        let policy = change.policy.clone();
        spends.into_iter().map(move |spend| Spending { at: now, policy: policy.clone(), spend })
    });
    let spent: Vec<_> = spends.collect();
    let added: Vec<_> = admitted.iter().flat_map(added).collect();
    world.remember_spent(decision, &guarded.held, &results, &spent, &added);
    world.now += SignedDuration::from_mins(1);
    Passed { lines, held: guarded.held }
}

/// An operation of the change, as far as it spends anything.
fn operation(change: &Change) -> Operation {
    let target = change.target.clone();
    match &change.effect {
        Effect::RemoveMembers { members, .. } => {
            let members = members.iter().filter_map(MemberReference::guid).collect();
            Operation::RemoveMembers { target, members }
        }
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => Operation::Modify { target, attributes: Vec::new() },
    }
}

fn added(change: &Change) -> Vec<(ObjectGuid, ObjectGuid)> {
    let Effect::AddMembers { members, .. } = &change.effect else { return Vec::new() };
    let group = change.target.object().unwrap_or(ObjectGuid(change.group.0));
    members.iter().filter_map(MemberReference::guid).map(|member| (group, member)).collect()
}

/// A person's word for a digest, an hour long, judged as a daemon judges it.
pub(crate) fn ask(world: &World, digest: &str, held: &HeldPlan) -> Answer {
    ask_until(world, digest, held, world.now + SignedDuration::from_hours(1))
}

pub(crate) fn ask_until(
    world: &World,
    digest: &str,
    held: &HeldPlan,
    not_after: Timestamp,
) -> Answer {
    let (digest, approved_by) = (digest.to_owned(), "ann".to_owned());
    let request = ApprovalRequest { digest, approved_by, not_after, place: None };
    judge(&request, held, &world.memory, world.now)
}

/// The same, taken.
pub(crate) fn approve(world: &mut World, digest: &str, held: &HeldPlan) -> Approval {
    match ask(world, digest, held) {
        Answer::Granted(digest, approval) => {
            world.memory.approvals.insert(digest, approval.clone());
            approval
        }
        other @ (Answer::NotHeld | Answer::Used(_) | Answer::Expired | Answer::Known) => {
            panic!("{other:?}")
        }
    }
}

/// A cloud group is gone for good, and was seen so long enough ago.
pub(crate) fn hard_delete(world: &mut World, word: &str) {
    world.groups.remove(&id(word));
    world.members.remove(&id(word));
    world.presence.insert(id(word), Presence::Absent);
    world.memory.absent_since.insert(id(word), world.now - CONFIRM_AFTER);
}

/// What was taken away so long ago.
pub(crate) fn spent(world: &mut World, ago: SignedDuration, policy: &str, spend: Spend) {
    let at = world.now - ago;
    world.memory.spent.push(Spending { at, policy: policy_name(policy), spend });
}

/// The daemon starts anew with what its state kept.
pub(crate) fn restart(world: &mut World) {
    let kept = image(&world.memory);
    world.memory = memory(&kept).expect("an image of memory reads back");
}

/// How many members the directory group has.
pub(crate) fn count(world: &World, word: &str) -> usize {
    world.domain.members.get(&object(word)).map_or(0, BTreeSet::len)
}

/// Whether the directory group is there, with our record.
pub(crate) fn stands(world: &World, word: &str) -> bool {
    world.domain.groups.values().any(|group| is_ours(group, id(word)))
}

/// How many principals are inside nested groups.
pub(crate) fn inside(all: &[(&str, usize)]) -> Answers {
    let inside: BTreeMap<_, _> = all.iter().map(|(word, count)| (object(word), *count)).collect();
    Answers { inside, ..Answers::default() }
}
