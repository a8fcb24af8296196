//! A story from its first pass to its rest, and what is compared then.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use writeback::journal::verify::{KnownHead, verify};

use crate::directory::Class;
use crate::machine::Machine;
use crate::names::id;
use crate::oracle::{portrait, shortfalls};
use crate::sometimes::Sometimes;
use crate::story::{Scene, scenes};
use crate::trouble::{Point, Script};
use crate::world::object_of;

/// Passes of one scene, at most: a disturbed one needs a few more than its changes do.
const ROUNDS_MAX: usize = 14;

/// How a story ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How everything stands, by words.
    pub(crate) portrait: BTreeMap<String, String>,
    /// Writes that changed something, and those that were sent.
    pub(crate) writes: usize,
    pub(crate) sent: usize,
    pub(crate) removals: usize,
    pub(crate) rounds: usize,
    /// How many points of each kind the story passed.
    pub(crate) passed: BTreeMap<Point, usize>,
    /// How many of its disturbances were met.
    pub(crate) met: usize,
    pub(crate) sometimes: Sometimes,
}

/// Tells a story to its end.
pub(crate) fn play(script: &Script, trace: bool) -> Result<Ended, String> {
    let mut machine = Machine::new(script);
    machine.trace = trace;
    let mut rounds = 0;
    for (number, scene) in scenes(script.seed).iter().enumerate() {
        machine.say(&format!("---- scene {number}: {scene:?}"));
        rounds += act(&mut machine, scene).map_err(|what| format!("scene {number}: {what}"))?;
    }
    // Whatever waits for a day has its day, and a person sees to what is held.
    for _ in 0..3 {
        let rest = Scene { hours: 25, deeds: Vec::new(), person: true };
        machine.say("---- rest");
        rounds += act(&mut machine, &rest).map_err(|what| format!("at rest: {what}"))?;
    }
    let before = machine.world.sent;
    let last = machine.round().map_err(|what| format!("at the end: {what}"))?;
    if !last.quiet || machine.world.sent != before {
        return Err(format!("it does not come to rest: {last:?}"));
    }
    end(machine, rounds)
}

/// One scene: what people do, and passes until nothing is left.
fn act(machine: &mut Machine, scene: &Scene) -> Result<usize, String> {
    machine.world.pass_time(SignedDuration::from_hours(scene.hours));
    scene.deeds.iter().for_each(|deed| deed.happen(&mut machine.world));
    let mut approvals = 0;
    let mut held_before = false;
    for round in 1..=ROUNDS_MAX {
        let went = machine.round()?;
        let wanted = went.held.as_ref().filter(|(_, held)| machine.is_right(held));
        let dropped = held_before && went.held.is_none() && approvals == 0 && went.quiet;
        machine.sometimes.count_if("something held that is not wanted any more", dropped);
        held_before |= went.held.is_some();
        if let (Some((digest, _)), true, true) = (wanted, scene.person, approvals < 4) {
            approvals += 1;
            machine.request(*digest);
            continue;
        }
        if went.quiet {
            return Ok(round);
        }
    }
    Ok(ROUNDS_MAX)
}

fn end(mut machine: Machine, rounds: usize) -> Result<Ended, String> {
    let (tenant, directory) = (machine.world.tenant.clone(), machine.world.directory.clone());
    let missing = shortfalls(&directory, &tenant);
    if !missing.is_empty() {
        return Err(format!("at the end: {}", missing.join("; ")));
    }
    let head = machine.life().books.journal.head();
    let checked = verify(machine.folder.path(), Some(&KnownHead::Exact(head)));
    let checked = checked.map_err(|error| format!("the journal: {error:?}"))?;
    if !checked.is_whole() {
        return Err(format!("the journal is not whole: {checked}"));
    }
    let memory = &machine.life.as_ref().expect("it lives").memory;
    let mut portrait = portrait(&directory, &tenant);
    for word in tenant.teams.keys() {
        let known = memory.inventory.get(&id(word)).copied();
        let there = object_of(&directory, word);
        let text = match (known, there) {
            (Some(known), Some(there)) if known == there => "right",
            (Some(_), Some(_)) => "wrong",
            (Some(_), None) => "of a group that is gone",
            (None, Some(_)) => "missing",
            (None, None) => "none",
        };
        portrait.insert(format!("memory of {word}"), text.to_owned());
        let kept = memory.kept.get(&id(word));
        portrait.insert(format!("{word} is kept by"), format!("{kept:?}"));
        let buried = memory.deleted.get(&id(word));
        let right = buried.map(|guid| directory.graves.contains_key(guid));
        portrait.insert(format!("memory of the grave of {word}"), format!("{right:?}"));
    }
    let left = (memory.held.len(), memory.approvals.len(), memory.refused_members.len());
    portrait.insert("held, approved, refused".to_owned(), format!("{left:?}"));
    let count = directory.objects.values().filter(|one| one.class == Class::Group).count();
    portrait.insert("groups".to_owned(), count.to_string());
    let used = !memory.used_approvals.is_empty();
    machine.sometimes.count_if("an approval used up", used);
    Ok(Ended {
        portrait,
        writes: machine.world.writes,
        sent: machine.world.sent,
        removals: machine.world.oracle.removals,
        rounds,
        passed: machine.gate.passed().clone(),
        met: machine.gate.met,
        sometimes: machine.sometimes,
    })
}
