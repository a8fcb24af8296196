//! Removals that are small each time and large together, and approvals of something else: what a
//! window and a digest are for.

use std::collections::BTreeSet;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use writeback::decide::guard::{Answers, Scale, guard};
use writeback::decide::plan;
use writeback::model::change::{Cause, Effect, Kind, MemberReference};
use writeback::model::{Approval, Change, Inventory, Item, Memory, Plan};

use crate::directory::Class;
use crate::machine::Machine;
use crate::names::{GROUPS, dn, id, policy_name};
use crate::oracle::recorded;
use crate::story::{containers, person, policies};
use crate::tenant::{Kind as TeamKind, Life, Team, Tenant, Who};
use crate::trouble::{Act, Disturbance, Point, Script};
use crate::world::World;

/// What somebody came to who takes a little in each pass.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "it is printed")]
pub(crate) struct Dripped {
    pub(crate) passes_made: usize,
    pub(crate) crashes: usize,
    pub(crate) begun_anew: usize,
    pub(crate) asked: usize,
    pub(crate) removed: usize,
    /// The most that went in any 24 hours, by the directory's own count.
    pub(crate) most_in_a_day: usize,
    pub(crate) limit: usize,
}

const DRIP_TEAMS: usize = 12;
const DRIP_SIZE: usize = 20;

fn world() -> World {
    let mut tenant = Tenant::default();
    let mut directory = crate::directory::Directory::begin();
    let people = dn(crate::names::PEOPLE);
    for number in 0..60 {
        let word = person(number);
        let values = [("sAMAccountName", word.as_str())];
        directory.place(Class::User, people.child(&word), &values);
        tenant.people.insert(word, true);
    }
    for number in 0..DRIP_TEAMS {
        let members = (0..DRIP_SIZE).map(|index| Who::Person(person((number * 7 + index) % 60)));
        let team = Team {
            kind: TeamKind::Security,
            name: format!("Team {number:02}"),
            flag: Some(true),
            life: Life::Listed,
            members: members.collect(),
        };
        tenant.teams.insert(format!("d{number:02}"), team);
    }
    World::new((tenant, directory))
}

/// Takes `share` of a hundred of all memberships in each pass, `minutes` apart, and dies in every
/// `crash`-th pass; nobody approves anything.
pub(crate) fn drip(
    seed: u64,
    passes: usize,
    share: usize,
    minutes: i64,
    crash: usize,
) -> Result<Dripped, String> {
    let mut random = Rng::with_seed(seed);
    let total = DRIP_TEAMS * DRIP_SIZE;
    let mut dripped =
        Dripped { passes_made: passes, limit: (total / 20).max(5), ..Dripped::default() };
    let mut machine = Machine::new(&Script::default());
    machine.world = world();
    machine.round()?;
    // A day later nothing of it is new any more.
    machine.world.pass_time(SignedDuration::from_hours(25));
    machine.round()?;
    let mut log: Vec<(Timestamp, usize)> = Vec::new();
    let mut waits = 0;
    for pass in 1..=passes {
        machine.world.pass_time(SignedDuration::from_mins(minutes - 15));
        let count = total * share / 100;
        machine.world.edit_tenant(|tenant| {
            for _ in 0..count {
                take_one(tenant, &mut random);
            }
        });
        dripped.asked += count;
        if crash > 0 && pass % crash == 0 {
            // Somewhere in the pass: after a write, around a line of the journal, around the save.
            let (point, act) = [
                (Point::Write, Act::StopAfter),
                (Point::Journal, Act::StopBefore),
                (Point::Journal, Act::Torn),
                (Point::Save, Act::StopBefore),
                (Point::Save, Act::Torn),
                (Point::Write, Act::LostDone),
            ][random.usize(0..6)];
            let so_far = machine.gate.passed().get(&point).copied().unwrap_or_default();
            let ahead = if point == Point::Save { 0 } else { random.usize(0..4) };
            let one = Disturbance { act, point, number: so_far + ahead };
            machine.gate = machine.gate.with(&Script::new(seed, [one]));
            dripped.crashes += 1;
        }
        let before = memberships(&machine.world);
        let went = machine.round()?;
        waits = if went.held.is_some() { waits + 1 } else { 0 };
        let gone = before.saturating_sub(memberships(&machine.world));
        dripped.removed += gone;
        let now = machine.world.now;
        log.push((now, gone));
        log.retain(|(at, _)| now.duration_since(*at) < SignedDuration::from_hours(24));
        let day: usize = log.iter().map(|(_, gone)| gone).sum();
        dripped.most_in_a_day = dripped.most_in_a_day.max(day);
        if day > dripped.limit {
            return Err(format!("pass {pass}: {day} memberships in a day: {dripped:?}"));
        }
        if waits >= 3 {
            // It is noticed that nothing goes any more: what waits is taken back, and it begins anew.
            take_back(&mut machine);
            waits = 0;
            dripped.begun_anew += 1;
        }
        if memberships(&machine.world) < total / 3 {
            refill(&mut machine)?;
            log.clear();
        }
    }
    Ok(dripped)
}

/// The tenant is again as the directory is.
fn take_back(machine: &mut Machine) {
    let directory = machine.world.directory.clone();
    machine.world.edit_tenant(|tenant| {
        for (word, team) in &mut tenant.teams {
            let found = crate::world::object_of(&directory, word);
            let Some(one) = found.and_then(|guid| directory.get(guid)) else { continue };
            let people = one.members.iter().filter_map(|guid| directory.get(*guid));
            team.members = people.map(|one| Who::Person(one.dn.leaf().to_owned())).collect();
        }
    });
}

/// Everybody comes back, and two days pass.
fn refill(machine: &mut Machine) -> Result<(), String> {
    let full = world().tenant;
    machine.world.edit_tenant(|tenant| *tenant = Tenant::clone(&full));
    for _ in 0..3 {
        machine.world.pass_time(SignedDuration::from_hours(25));
        machine.round()?;
    }
    Ok(())
}

fn take_one(tenant: &mut Tenant, random: &mut Rng) {
    let words: Vec<String> = tenant.teams.keys().cloned().collect();
    let team = tenant.team(&words[random.usize(0..words.len())]);
    let members: Vec<Who> = team.members.iter().cloned().collect();
    if members.len() > 4 {
        team.members.remove(&members[random.usize(0..members.len())]);
    }
}

fn memberships(world: &World) -> usize {
    let groups = world.directory.objects.values().filter(|one| one.class == Class::Group);
    let ours = groups.filter(|one| recorded(one, &world.tenant).is_some());
    ours.map(|one| one.members.len()).sum()
}

/// Approves one held set, changes the plan a little, and looks at what gets through: never anything
/// that is not in the set. How many plans were tried, and in how many something got through.
pub(crate) fn mutate_approvals(seed: u64, count: usize) -> Result<(usize, usize), String> {
    let mut random = Rng::with_seed(seed);
    let policies = policies();
    let nothing = (BTreeSet::new(), std::collections::BTreeMap::new());
    let shrunk = std::collections::BTreeMap::new();
    let now = Timestamp::from_second(1_800_000_000).expect("a time of the stories");
    let answers = Answers::default();
    let mut partly = 0;
    for number in 0..count {
        let held = removals(&mut random);
        let weigh = |plan: &Plan, memory: &Memory| {
            let holding = Inventory { groups: 12, memberships: 120, principals: 40 };
            let scale = Scale {
                policies: &policies,
                memory,
                inventory: [(policy_name("base"), holding)].into(),
                answers: &answers,
                nested: &nothing.0,
                privileged: &nothing.1,
                shrunk: &shrunk,
                begun: now,
                only: None,
            };
            guard(plan, &scale)
        };
        let first = weigh(&held, &Memory::default());
        let items: BTreeSet<Item> = first.held.changes.iter().flat_map(plan::items).collect();
        let Some(digest) = first.held.digest() else {
            return Err(format!("plan {number} of seed {seed} is not held"));
        };
        let approval = Approval {
            items: items.clone(),
            approved_by: "somebody".to_owned(),
            at: now,
            not_after: now + SignedDuration::from_hours(1),
        };
        let mut memory = Memory::default();
        memory.approvals.insert(digest, approval);
        let mut mutant = held.clone();
        for _ in 0..random.usize(1..4) {
            change(&mut mutant, &mut random);
        }
        plan::arrange(&mut mutant);
        let second = weigh(&mutant, &memory);
        // What is not in the set may go on only as far as it could without any approval.
        let plain = weigh(&without(&mutant, &items), &Memory::default());
        let free: BTreeSet<Item> = plain.admitted.changes().iter().flat_map(plan::items).collect();
        let through: Vec<Item> = second.admitted.changes().iter().flat_map(plan::items).collect();
        partly += usize::from(!through.is_empty());
        let strange = through.iter().find(|item| !items.contains(item) && !free.contains(item));
        if let Some(strange) = strange {
            return Err(format!("plan {number} of seed {seed}: {strange:?} was never approved"));
        }
    }
    Ok((count, partly))
}

fn without(plan: &Plan, items: &BTreeSet<Item>) -> Plan {
    let mut left = plan.clone();
    for change in &mut left.changes {
        let own = plan::items(change);
        if let Effect::RemoveMembers { members, .. } = &mut change.effect {
            let mut open = own.iter().map(|item| !items.contains(item));
            members.retain(|_| open.next().unwrap_or(true));
        }
    }
    left.changes.retain(|change| match &change.effect {
        Effect::RemoveMembers { members, .. } => !members.is_empty(),
        _ => !plan::items(change).iter().all(|item| items.contains(item)),
    });
    left
}

fn guid(number: usize) -> writeback::model::ObjectGuid {
    writeback::model::ObjectGuid(uuid::Uuid::from_u64_pair(7, number as u64))
}

fn removal(group: usize, members: impl IntoIterator<Item = usize>, of: usize) -> Change {
    let target = containers().admit(guid(group), dn(GROUPS).child(&format!("g{group}")));
    let members = members.into_iter().map(|number| MemberReference::Existing {
        guid: guid(1_000 + number),
        label: format!("p{number}"),
    });
    let mut members: Vec<_> = members.collect();
    members.sort();
    members.dedup();
    Change {
        policy: policy_name("base"),
        group: id(&format!("g{group}")),
        label: format!("g{group}"),
        target: target.expect("it is inside"),
        effect: Effect::RemoveMembers { members, of },
        cause: Cause::Cloud("the members changed".to_owned()),
    }
}

fn end(group: usize) -> Change {
    let effect = Effect::Delete { last: writeback::model::change::LastSight::default() };
    Change { effect, ..removal(group, [], 0) }
}

/// A plan that takes more than may go.
fn removals(random: &mut Rng) -> Plan {
    let groups = random.usize(1..4);
    let mut changes: Vec<Change> = (0..groups)
        .map(|group| {
            let from = random.usize(0..10);
            removal(group, from..from + random.usize(6..12), 14)
        })
        .collect();
    if random.bool() {
        changes.extend((5..5 + random.usize(2..4)).map(end));
    }
    let mut plan = Plan { changes, ..Plan::default() };
    plan::arrange(&mut plan);
    plan
}

/// Makes another plan of a plan.
fn change(plan: &mut Plan, random: &mut Rng) {
    let which = random.usize(0..plan.changes.len());
    match random.u32(0..7) {
        0 => drop(plan.changes.remove(which)),
        1 => plan.changes.push(end(random.usize(20..24))),
        2 => plan.changes.push(removal(random.usize(10..14), 0..random.usize(4..9), 12)),
        3 => {
            // The same values, of another object.
            let strange = random.usize(30..34);
            let target = containers().admit(guid(strange), dn(GROUPS).child("other"));
            plan.changes[which].target = target.expect("it is inside");
        }
        4 => {
            let end = end(random.usize(40..44));
            if plan.changes[which].effect.kind() == Kind::RemoveMembers {
                plan.changes[which].effect = end.effect;
            }
        }
        _ => {
            if let Effect::RemoveMembers { members, .. } = &mut plan.changes[which].effect {
                let fresh = random.usize(100..140);
                let label = format!("p{fresh}");
                members.push(MemberReference::Existing { guid: guid(1_000 + fresh), label });
                members.sort();
            }
        }
    }
    if plan.changes.is_empty() {
        plan.changes.push(end(50));
    }
}
