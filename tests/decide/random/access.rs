//! Who gives whom access, before, while and after a plan is carried out.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use writeback::model::ObjectGuid;
use writeback::model::change::Change;

use super::stepped::{Fate, pass};
use super::{each_world, guarded};
use crate::world::World;

type Reached = BTreeMap<ObjectGuid, BTreeSet<ObjectGuid>>;

/// The accounts to which each group of the domain gives access, at any depth. A distribution group
/// gives none, and none through it: no token holds it (MS-DRSR 4.1.8.3).
fn reached(world: &World) -> Reached {
    let is_secure =
        |guid: &ObjectGuid| world.domain.groups.get(guid).is_some_and(|group| group.group_type < 0);
    let within = |group: &ObjectGuid| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![*group]);
        while let Some(next) = waiting.pop().filter(is_secure) {
            for member in world.domain.members.get(&next).into_iter().flatten() {
                if seen.insert(*member) && is_secure(member) {
                    waiting.push(*member);
                }
            }
        }
        seen.retain(|guid| world.domain.accounts.contains_key(guid));
        seen
    };
    world.domain.members.keys().map(|group| (*group, within(group))).collect()
}

/// Who has lost what they had before and have after.
fn lost(before: &Reached, now: &World, after: &Reached) -> Vec<(ObjectGuid, ObjectGuid)> {
    let now = reached(now);
    let mut lost = Vec::new();
    for (group, entitled) in before {
        let Some(later) = after.get(group) else { continue };
        let has = |user: &&ObjectGuid| now.get(group).is_some_and(|all| all.contains(user));
        let gone = entitled.intersection(later).filter(|user| !has(user));
        lost.extend(gone.map(|user| (*group, *user)));
    }
    lost
}

#[test]
fn who_is_entitled_before_and_after_is_so_all_the_while() {
    let mut looked = 0;
    each_world(|world, seed| {
        let guarded = guarded(&world);
        let changes: &[Change] = guarded.admitted.changes();
        let before = reached(&world);
        let mut end = world.clone();
        end.execute(changes, |_, _| {});
        let after = reached(&end);
        let mut run = world.clone();
        run.execute(changes, |now, change| {
            looked += usize::from(before.values().any(|all| !all.is_empty()));
            let lost = lost(&before, now, &after);
            assert!(lost.is_empty(), "{seed}: {lost:?} after {change:?}");
        });
    });
    assert!(looked > 0, "nobody reaches anything");
}

#[test]
fn what_the_directory_refuses_takes_access_from_nobody_who_is_entitled() {
    let mut refused = 0;
    let mut failures = Vec::new();
    each_world(|world, seed| {
        let before = reached(&world);
        let mut end = world.clone();
        pass(&mut end, |_, _| Fate::Done, |_, _| {});
        let after = reached(&end);
        for round in 0..3 {
            let rng = &mut Rng::with_seed(round);
            let mut run = world.clone();
            let mut known: BTreeMap<String, Fate> = BTreeMap::new();
            let mut worst = None;
            pass(
                &mut run,
                |change, _| {
                    let key = format!("{} {:?}", change.group, change.effect.kind());
                    let mut draw = || if rng.u32(0..4) == 0 { Fate::Refused } else { Fate::Done };
                    let fate = *known.entry(key).or_insert_with(&mut draw);
                    refused += usize::from(fate == Fate::Refused);
                    fate
                },
                |now, change| {
                    let lost = lost(&before, now, &after);
                    if !lost.is_empty() && worst.is_none() {
                        let words = now.words(&format!("{lost:?}"));
                        worst = Some(format!(
                            "{seed} round {round}: {words} after {}",
                            crate::check::line(now, change)
                        ));
                    }
                },
            );
            failures.extend(worst);
        }
    });
    assert!(refused > 0, "nothing was refused");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
