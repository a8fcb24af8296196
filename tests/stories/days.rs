//! Ordinary days: people come and go, teams change, groups are renamed, a policy arrives. Nothing
//! of it needs an approval.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::SignedDuration;
use writeback::model::policy::{PolicySet, Standing};
use writeback::policy::parse;

use crate::machine::{Machine, Round};
use crate::story::containers;
use crate::tenant::{Kind, Life, Team, Tenant, Who};
use crate::trouble::Script;
use crate::world::World;

/// People of the tenant.
const PEOPLE: usize = 2_000;
/// Teams that are written from the first day on.
const TEAMS: usize = 240;
/// Groups of the policy that arrives later.
const ARRIVING: usize = 300;
const DAYS: usize = 30;
/// Passes of one day: one every four hours.
const PASSES: i64 = 6;

/// What happened, and how often something was held.
#[derive(Debug, Default)]
pub(crate) struct Month {
    pub(crate) holds: Vec<String>,
    pub(crate) left: usize,
    pub(crate) renamed: usize,
    pub(crate) exchanged: usize,
    pub(crate) arrived: usize,
    pub(crate) writes: usize,
    pub(crate) removals: usize,
    pub(crate) passes: usize,
}

fn policy(name: &str, pattern: &str, precedence: u32) -> Standing {
    let text = format!(
        "
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: {{ name: {name} }}
spec:
  mode: Sync
  precedence: {precedence}
  selection:
    include:
      - displayName: '{pattern}'
  group:
    container: {{ value: 'OU=Groups,DC=corp,DC=example', mode: Always }}
    commonName: {{ expression: group.displayName, mode: Always }}
"
    );
    let parsed = parse(&format!("{name}.yaml"), text.as_bytes(), Some(&containers()));
    Standing { policy: parsed.expect("a right policy").policy, last_good: false, revision: None }
}

fn policies(arrived: bool) -> PolicySet {
    let mut policies = vec![policy("teams", "^Team", 100)];
    if arrived {
        policies.push(policy("projects", "^Project", 50));
    }
    PolicySet { policies, ..PolicySet::default() }
}

fn someone(random: &mut Rng) -> String {
    format!("p{:04}", random.usize(0..PEOPLE))
}

fn begin(random: &mut Rng) -> World {
    let (mut tenant, mut directory) = (Tenant::default(), crate::directory::Directory::begin());
    let people = crate::names::dn(crate::names::PEOPLE);
    for number in 0..PEOPLE {
        let word = format!("p{number:04}");
        let values = [("sAMAccountName", word.as_str())];
        directory.place(crate::directory::Class::User, people.child(&word), &values);
        tenant.people.insert(word, true);
    }
    let mut place = |word: String, name: String, kind: Kind, size: usize, random: &mut Rng| {
        let members = (0..size).map(|_| Who::Person(someone(random))).collect();
        let team = Team { kind, name, flag: Some(true), life: Life::Listed, members };
        tenant.teams.insert(word, team);
    };
    for number in 0..TEAMS {
        let kind = if number % 3 == 0 { Kind::Unified { secure: false } } else { Kind::Security };
        let size = random.usize(4..22);
        place(format!("t{number:03}"), format!("Team {number:03}"), kind, size, random);
    }
    for number in 0..ARRIVING {
        let size = random.usize(3..12);
        let name = format!("Project {number:03}");
        place(format!("j{number:03}"), name, Kind::Security, size, random);
    }
    World::new((tenant, directory))
}

/// A tenth of the teams exchange a tenth of their members, at least one.
fn exchange(world: &mut World, random: &mut Rng, month: &mut Month) {
    let words: Vec<String> = world.tenant.teams.keys().cloned().collect();
    let there: BTreeSet<String> = world
        .tenant
        .people
        .iter()
        .filter(|(_, there)| **there)
        .map(|(word, _)| word.clone())
        .collect();
    let mut exchanged = 0;
    world.edit_tenant(|tenant| {
        for word in words {
            if random.usize(0..10) != 0 {
                continue;
            }
            let team = tenant.team(&word);
            let mut members: Vec<Who> = team.members.iter().cloned().collect();
            random.shuffle(&mut members);
            for gone in members.iter().take((members.len() / 10).max(1)) {
                let new = someone(random);
                if there.contains(&new) {
                    team.members.remove(gone);
                    team.members.insert(Who::Person(new));
                    exchanged += 1;
                }
            }
        }
    });
    month.exchanged += exchanged;
}

/// Lives through a month.
pub(crate) fn live(seed: u64) -> Result<Month, String> {
    let mut random = Rng::with_seed(seed);
    let mut month = Month::default();
    let mut machine = Machine::new(&Script::new(seed, []));
    machine.world = begin(&mut random);
    machine.policies = policies(false).into();
    // The first writeback is no ordinary day.
    take(machine.round()?, &mut month, "the first writeback");
    for day in 1..=DAYS {
        for pass in 0..PASSES {
            let world = &mut machine.world;
            world
                .pass_time(SignedDuration::from_hours(24 / PASSES) - SignedDuration::from_mins(15));
            match (day, pass) {
                // One per cent of all people leave within the month, now and then one.
                (_, 1) if day % 3 == 0 => leave(world, &mut random, 2, &mut month),
                // And one day as many at once.
                (12, 2) => leave(world, &mut random, PEOPLE / 100, &mut month),
                (17, 1) => rename(world, 40, &mut month),
                (20, 1) => {
                    machine.policies = policies(true).into();
                    month.arrived = ARRIVING;
                }
                (_, 3) => exchange(world, &mut random, &mut month),
                _ => {}
            }
            let went = machine.round()?;
            take(went, &mut month, &format!("day {day}, pass {pass}"));
        }
    }
    let (tenant, directory) = (machine.world.tenant.clone(), machine.world.directory.clone());
    let missing: BTreeMap<usize, String> =
        crate::oracle::portrait::shortfalls(&directory, &tenant).into_iter().enumerate().collect();
    if !missing.is_empty() {
        return Err(format!("{} groups are not as they should be: {missing:?}", missing.len()));
    }
    month.writes = machine.world.writes;
    month.removals = machine.world.oracle.removals;
    Ok(month)
}

fn take(went: Round, month: &mut Month, when: &str) {
    month.passes += 1;
    month.holds.extend(went.rows.into_iter().map(|row| format!("{when}: {row}")));
}

fn leave(world: &mut World, random: &mut Rng, count: usize, month: &mut Month) {
    world.edit_tenant(|tenant| {
        for _ in 0..count {
            tenant.leave(&someone(random));
        }
    });
    month.left += count;
}

fn rename(world: &mut World, count: usize, month: &mut Month) {
    world.edit_tenant(|tenant| {
        let teams = tenant.teams.values_mut().filter(|team| team.name.starts_with("Team"));
        for team in teams.take(count) {
            team.name.push_str(" renamed");
        }
    });
    month.renamed += count;
}
