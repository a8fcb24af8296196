//! Where plan after plan leads: to quiet, and to the same end however the way there is disturbed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::SignedDuration;
use writeback::model::Memory;
use writeback::model::change::{Change, Kind};
use writeback::model::policy::{Mode, NamePreset, NameSource, Upkeep};

use super::each_world;
use super::stepped::{Fate, pass};
use crate::check::check;
use crate::observed::Order;
use crate::world::{GROUPS, OWNER, World, dn, world};

/// Passes until nothing is left to do: a first look, a deletion that is confirmed, two hours of
/// grace, a restoration and what it uncovers.
const PASSES_MAX: usize = 7;
/// Time from one pass to the next: longer than `confirmAfter`, as long as half the longest grace.
const BETWEEN: SignedDuration = SignedDuration::from_hours(1);
/// Passes in which nothing happens while a grace is waited for.
const QUIET_MAX: usize = 2;

/// What a plan still asks for, but for additions on a privileged path: they wait for a person.
fn lines(world: &World) -> Vec<String> {
    let decision = world.decide(Order::Given);
    let waits = |change: &&Change| {
        change.effect.kind() == Kind::AddMembers && decision.privileged.contains_key(&change.group)
    };
    let open = decision.plan.writes().filter(|change| !waits(change));
    open.map(|change| crate::check::line(world, change)).collect()
}

/// Passes until the plans are empty.
fn settle(world: &mut World, seed: &str) {
    let mut quiet = 0;
    for _ in 0..PASSES_MAX {
        let writes = pass(world, |_, _| Fate::Done, |_, _| {});
        world.now += BETWEEN;
        quiet = if writes { 0 } else { quiet + 1 };
        if quiet > QUIET_MAX {
            return;
        }
    }
    assert_eq!(lines(world), Vec::<String>::new(), "{seed} after {PASSES_MAX} passes");
}

/// What can be seen of the directory, a line for each value.
fn picture(world: &World) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (guid, group) in &world.domain.groups {
        lines.insert(format!("{guid} dn {} sid {:?}", group.dn, group.sid));
        for name in ["groupType", "displayName", "sAMAccountName", "extensionName", "description"]
            .into_iter()
            .chain(["adminDescription", "msDS-ExternalDirectoryObjectId"])
            .chain(group.attributes.keys().map(|name| &**name))
        {
            let values = world.values(*guid, name);
            lines.extend(values.into_iter().map(|value| format!("{guid} {name} {value}")));
        }
        let members = world.domain.members.get(guid).into_iter().flatten();
        lines.extend(members.map(|member| format!("{guid} member {member}")));
    }
    lines.extend(world.domain.deleted.values().map(|group| format!("deleted {group:?}")));
    lines
}

/// What differs between two directories, in words.
fn differences(one: &World, two: &World) -> Vec<String> {
    let (first, second) = (picture(one), picture(two));
    let sides = [("only undisturbed", &first, &second), ("only disturbed", &second, &first)];
    let lines = sides.into_iter().flat_map(|(side, these, those)| {
        these.difference(those).map(move |line| one.words(&format!("  {side}: {line}")))
    });
    lines.collect()
}

#[test]
fn plans_come_to_an_end_and_stay_empty() {
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    let mut longest = 0;
    each_world(|mut world, seed| {
        let mut last = 0;
        for number in 1..=PASSES_MAX {
            let decision = world.decide(Order::Given);
            let changes = decision.plan.changes.clone();
            for change in decision.plan.writes() {
                *written.entry(change.effect.kind().word()).or_default() += 1;
                last = number;
            }
            let results = world.execute(&changes, |_, _| {});
            world.remember(decision, &results);
            world.now += BETWEEN;
        }
        for _ in 0..11 {
            assert_eq!(lines(&world), Vec::<String>::new(), "{seed}");
            let decision = world.decide(Order::Given);
            world.remember(decision, &[]);
            world.now += BETWEEN;
        }
        longest = longest.max(last);
    });
    // The worlds are worth something only if they ask for every kind of change, and wait. Nobody in
    // them adopts or releases a group.
    let nobody_asks = [Kind::Freeze, Kind::Adopt, Kind::Release];
    let kinds: BTreeSet<_> =
        Kind::ALL.into_iter().filter(|kind| !nobody_asks.contains(kind)).map(Kind::word).collect();
    assert_eq!(written.keys().copied().collect::<BTreeSet<_>>(), kinds, "{written:?}");
    assert!((3..PASSES_MAX).contains(&longest), "the last change was in pass {longest}");
}

#[test]
fn what_is_not_ours_is_as_it_was_when_all_is_done() {
    let mut looked = 0;
    each_world(|mut world, seed| {
        let before = world.clone();
        settle(&mut world, seed);
        for (guid, group) in &before.domain.groups {
            let ours = group
                .records
                .iter()
                .any(|value| value.record.as_ref().is_some_and(|record| record.owner == OWNER));
            if ours && group.dn.is_within(&dn(GROUPS)) {
                continue;
            }
            looked += 1;
            assert_eq!(world.domain.groups.get(guid), Some(group), "{seed}");
            let (was, is) = (&before.domain.members[guid], &world.domain.members[guid]);
            // Only what lives no more, or lives again, is no member any more, or is one again.
            let differ = was.symmetric_difference(is);
            let other: Vec<_> = differ
                .filter(|member| before.is_there(**member) == world.is_there(**member))
                .collect();
            assert!(other.is_empty(), "{seed}: {other:?}");
        }
        assert_eq!(world.domain.accounts, before.domain.accounts, "{seed}");
    });
    assert!(looked > 0, "everything is ours");
}

#[test]
fn whoever_stops_anywhere_and_starts_again_comes_to_the_same_end() {
    let mut stopped = 0;
    let mut failures = Vec::new();
    each_world(|mut world, seed| {
        let rng = &mut Rng::with_seed(world.domain.groups.len() as u64);
        let forgets = rng.bool();
        if forgets {
            // What it knew before it began it cannot know when it begins again.
            world.memory = Memory::default();
        }
        let mut undisturbed = world.clone();
        settle(&mut undisturbed, seed);
        let mut operations = 0;
        pass(
            &mut world.clone(),
            |_, _| {
                operations += 1;
                Fate::Done
            },
            |_, _| {},
        );
        for _ in 0..3.min(operations) {
            let last = rng.usize(0..operations);
            let mut run = world.clone();
            let mut count = 0;
            pass(
                &mut run,
                |_, _| {
                    count += 1;
                    match (count > last, forgets) {
                        (true, true) => Fate::Crash,
                        (true, false) => Fate::Stop,
                        (false, _) => Fate::Done,
                    }
                },
                |_, _| {},
            );
            stopped += 1;
            settle(&mut run, &format!("{seed}, stopped after {last} operations"));
            let all = differences(&undisturbed, &run);
            if !all.is_empty() {
                failures.push(format!("{seed}, {forgets}, after {last}:\n{}", all.join("\n")));
            }
        }
    });
    assert!(stopped > 0, "no plan was cut short");
    assert!(failures.is_empty(), "{} of {stopped}\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn once_the_directory_refuses_no_more_the_end_is_the_same() {
    let (mut refused, mut unheard) = (0, 0);
    let mut failures = Vec::new();
    each_world(|world, seed| {
        let mut undisturbed = world.clone();
        settle(&mut undisturbed, seed);
        let rng = &mut Rng::with_seed(world.domain.groups.len() as u64);
        let mut run = world.clone();
        for _ in 0..3 {
            pass(
                &mut run,
                |_, _| match rng.u32(0..8) {
                    0 => {
                        refused += 1;
                        Fate::Refused
                    }
                    1 => {
                        unheard += 1;
                        Fate::Unheard
                    }
                    _ => Fate::Done,
                },
                |_, _| {},
            );
            run.now += BETWEEN;
        }
        // What was refused is tried again from time to time.
        run.memory.refused_members.clear();
        run.memory.unrestorable = world.memory.unrestorable.clone();
        settle(&mut run, &format!("{seed}, after refusals"));
        let all = differences(&undisturbed, &run);
        if !all.is_empty() {
            failures.push(format!("{seed}:\n{}", all.join("\n")));
        }
    });
    assert!(refused > 0 && unheard > 0, "{refused} {unheard}");
    assert!(failures.is_empty(), "{}\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_first_fill_that_the_directory_refuses_is_made_up_for() {
    let mut world = world().group("sales", &["ann"]).policy(|p| p.mode = Mode::CreateOnly);
    let fate = |kind| if kind == Kind::AddMembers { Fate::Refused } else { Fate::Done };
    pass(&mut world, |change, _| fate(change.effect.kind()), |_, _| {});
    world.memory.refused_members.clear();
    check(&world, "fill sales: ann\nactivate sales");
}

#[test]
fn a_group_goes_over_to_another_policy_only_with_its_new_names() {
    let mut world = world().both("sales", &[]).also("q", |q| {
        q.precedence = 1;
        let naming = &mut q.group.sam_account_name;
        naming.source = NameSource::Preset(NamePreset::DisplayNameAndId);
        naming.mode = Upkeep::CreateOnly;
    });
    let fate = |kind| if kind == Kind::Update { Fate::Refused } else { Fate::Done };
    pass(&mut world, |change, _| fate(change.effect.kind()), |_, _| {});
    check(&world, "sam sales: sales_~sales\nhandover sales: p to q");
}
