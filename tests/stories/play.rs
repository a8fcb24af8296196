//! A story from its first pass to its rest, and what is compared then.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use writeback::journal::verify::{KnownHead, verify};

use crate::machine::Machine;
use crate::names::id;
use crate::oracle::portrait::{NAME_TAKEN, portrait, shortfalls};
use crate::sometimes::Sometimes;
use crate::story::{Scene, scenes};
use crate::tenant::Fate;
use crate::trouble::{Point, Script};
use crate::world::object_of;

/// Passes of one scene, at most: a disturbed one needs a few more than its changes do.
const ROUNDS_MAX: usize = 14;

/// How a story ended.
#[derive(Clone, Debug)]
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

/// The undisturbed story of a seed, and the machine as it stands before each scene: a disturbed
/// story is the same up to the scene of its first disturbance.
pub(crate) struct Stage {
    seed: u64,
    scenes: Vec<Scene>,
    before: Vec<(BTreeMap<Point, usize>, Machine)>,
    pub(crate) undisturbed: Ended,
}

impl Stage {
    /// `trace`: it is told aloud.
    pub(crate) fn new(seed: u64, trace: bool) -> Result<Self, String> {
        let script = Script::new(seed, []);
        let scenes = scenes(seed);
        let mut machine = Machine::new(&script);
        let (mut before, mut rounds) = (Vec::new(), 0);
        for (number, scene) in scenes.iter().enumerate() {
            let next = machine.fork(&script);
            before.push((machine.gate.passed().clone(), machine));
            machine = next;
            machine.trace = trace;
            machine.say(&format!("---- scene {number}: {scene:?}"));
            rounds += act(&mut machine, scene, false)
                .map_err(|what| format!("seed {seed}, scene {number}: {what}"))?;
        }
        let before_rest = machine.fork(&script);
        machine.trace = false;
        before.push((machine.gate.passed().clone(), machine));
        let passed = before_rest.gate.passed().clone();
        let undisturbed =
            rest(before_rest, rounds).map_err(|what| format!("seed {seed}: {what}"))?;
        let undisturbed = Ended { passed, ..undisturbed };
        Ok(Self { seed, scenes, before, undisturbed })
    }

    /// Tells a disturbed story to its end, and compares it with the undisturbed one.
    pub(crate) fn play(&self, script: &Script, trace: bool) -> Result<Ended, String> {
        assert_eq!(self.seed, script.seed, "a stage is set for one seed");
        // The last scene before which none of the disturbances can have been met.
        let ahead = |passed: &BTreeMap<Point, usize>| {
            let number = |point| passed.get(point).copied().unwrap_or_default();
            script.disturbances.iter().all(|one| one.number >= number(&one.point))
        };
        let first = self.before.iter().rposition(|(passed, _)| ahead(passed)).unwrap_or(0);
        let mut machine = self.before[first].1.fork(script);
        machine.trace = trace;
        let mut rounds = 0;
        for (number, scene) in self.scenes.iter().enumerate().skip(first) {
            machine.say(&format!("---- scene {number}: {scene:?}"));
            rounds += act(&mut machine, scene, false)
                .map_err(|what| format!("scene {number}: {what}"))?;
        }
        let passed = machine.gate.passed().clone();
        let ended = Ended { passed, ..rest(machine, rounds)? };
        self.compare(script, &ended)?;
        Ok(ended)
    }

    fn compare(&self, script: &Script, ended: &Ended) -> Result<(), String> {
        let (here, there) = (&ended.portrait, &self.undisturbed.portrait);
        let keys = here.keys().chain(there.keys());
        let taken = Some(NAME_TAKEN);
        let differs = |key: &&String| {
            let (is, should) = (here.get(*key), there.get(*key));
            is != should && !([is, should].iter().any(|place| place.map(String::as_str) == taken))
        };
        let different = keys.filter(differs).map(|key| {
            format!("{key}:\n  is     {:?}\n  not    {:?}", here.get(key), there.get(key))
        });
        let different: Vec<String> = different.collect();
        if !different.is_empty() {
            return Err(format!("it ends otherwise:\n{}", different.join("\n")));
        }
        // A stale read may take back what three changes gave, and that comes once more.
        let met = script.disturbances.len();
        let bounds = [
            ("writes that change something", ended.writes, self.undisturbed.writes + 12 * met),
            ("writes sent", ended.sent, self.undisturbed.sent + 24 * met),
        ];
        for (what, count, bound) in bounds {
            if count > bound {
                return Err(format!("{count} {what}, at most {bound} are expected"));
            }
        }
        Ok(())
    }
}

/// The trouble is over. Whatever waits for a day has its day, and a person sees to what is held.
fn rest(mut machine: Machine, mut rounds: usize) -> Result<Ended, String> {
    machine.heal();
    for _ in 0..4 {
        let rest = Scene { hours: 25, deeds: Vec::new(), person: true };
        machine.say("---- rest");
        rounds += act(&mut machine, &rest, true).map_err(|what| format!("at rest: {what}"))?;
        if machine.life.as_ref().is_some_and(|life| life.memory.held.is_empty()) {
            break;
        }
    }
    let before = machine.world.sent;
    let last = machine.round().map_err(|what| format!("at the end: {what}"))?;
    if !last.quiet || last.wrote > 0 || machine.world.sent != before {
        return Err(format!("it does not come to rest: {last:?}"));
    }
    end(machine, rounds)
}

/// One scene: what people do, and passes until nothing is left; `still`: until one writes nothing.
fn act(machine: &mut Machine, scene: &Scene, still: bool) -> Result<usize, String> {
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
        if went.quiet && !(still && went.wrote > 0) {
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
        // A group that is out of use stays as it was when it went: what was not repaired before is
        // not repaired after. `shortfalls` has looked at it.
        if tenant.fate(word) != Fate::Kept {
            portrait.remove(word);
            portrait.remove(&format!("deleted {word}"));
            portrait.remove(&format!("place of {word}"));
            continue;
        }
        let known = memory.inventory.get(&id(word)).copied();
        let is_right = known.is_some() && known == object_of(&directory, word);
        portrait.insert(format!("memory of {word}"), is_right.to_string());
        let kept = memory.kept.get(&id(word));
        portrait.insert(format!("{word} is kept by"), format!("{kept:?}"));
    }
    let left = (memory.held.len(), memory.approvals.len(), memory.refused_members.len());
    portrait.insert("held, approved, refused".to_owned(), format!("{left:?}"));
    Ok(Ended {
        portrait,
        writes: machine.world.writes,
        sent: machine.world.sent,
        removals: machine.world.oracle.removals,
        rounds,
        passed: BTreeMap::new(),
        met: machine.gate.met,
        sometimes: machine.sometimes,
    })
}
