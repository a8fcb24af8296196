//! Who gives whom access, before, while and after a plan is carried out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use writeback::model::change::{Change, Kind};
use writeback::model::directory::UNIVERSAL_DISTRIBUTION;
use writeback::model::{ObjectGuid, ObjectId};

use super::stepped::{Fate, pass};
use super::{each_world, guarded};
use crate::apply::is_ours;
use crate::check::check;
use crate::world::{World, object, world};

type Reached = BTreeMap<ObjectGuid, BTreeSet<ObjectGuid>>;

/// The accounts to which each group of the domain gives access, at any depth. A distribution group
/// gives none, and none through it: no token holds it (the security bit of `groupType`, MS-ADTS
/// 2.2.12).
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

/// The groups of which something was refused, other than that they are created, and the accounts
/// that each would give access to in the end. What comes back from the recycle bin has members.
fn troubled(end: &World, after: &Reached, refused: &[Change]) -> Reached {
    let changes = refused
        .iter()
        .filter(|change| !matches!(change.effect.kind(), Kind::Create | Kind::Restore));
    let objects = changes.filter_map(|change| {
        let groups = end.domain.groups.values();
        groups.clone().find(|group| is_ours(group, change.group)).map(|group| group.guid)
    });
    objects.filter_map(|guid| Some((guid, after.get(&guid)?.clone()))).collect()
}

/// Access through a nested group is that group's to give: where the directory refuses to change it,
/// the group around knows nothing of it. What a group knows is its own changes, and whether the
/// groups that are nested in it were created.
#[test]
fn what_the_directory_refuses_takes_access_from_nobody_who_is_entitled() {
    let mut count = 0;
    each_world(|world, seed| {
        let before = reached(&world);
        let mut end = world.clone();
        pass(&mut end, |_, _| Fate::Done, |_, _| {});
        let after = reached(&end);
        for round in 0..2 {
            let rng = &mut Rng::with_seed(round);
            let refused = RefCell::new(Vec::new());
            let mut known: BTreeMap<(ObjectId, Kind), Fate> = BTreeMap::new();
            pass(
                &mut world.clone(),
                |change, _| {
                    let mut draw = || if rng.u32(0..4) == 0 { Fate::Refused } else { Fate::Done };
                    let fate = known.entry((change.group, change.effect.kind()));
                    let fate = *fate.or_insert_with(&mut draw);
                    if fate == Fate::Refused {
                        count += 1;
                        refused.borrow_mut().push(change.clone());
                    }
                    fate
                },
                |now, change| {
                    let mut lost = lost(&before, now, &after);
                    if lost.is_empty() {
                        return;
                    }
                    let troubled = troubled(&end, &after, &refused.borrow());
                    lost.retain(|(group, user)| {
                        let mut others = troubled.iter().filter(|(other, _)| *other != group);
                        !others.any(|(_, users)| users.contains(user))
                    });
                    let told = now.words(&format!("{lost:?} after {change:?}"));
                    assert!(lost.is_empty(), "{seed}, round {round}: {told}");
                },
            );
        }
    });
    assert!(count > 0, "nothing was refused");
}

#[test]
fn who_gets_access_otherwise_has_it_before_a_nested_group_gives_none_any_more() {
    let world = world()
        .m365("team", &["ann"])
        .written("team", &["ann"])
        .group("all", &["ann", "group:team"])
        .written("all", &["group:team"]);
    check(&world, "add all: ann\nconvert team: security to distribution");
}

#[test]
fn who_gets_access_through_a_nested_group_keeps_his_own_until_it_gives_it() {
    let world = world()
        .both("team", &["ann"])
        .directory("team", |group| group.group_type = UNIVERSAL_DISTRIBUTION)
        .group("all", &["group:team"])
        .written("all", &["ann", "group:team"]);
    check(&world, "convert team: distribution to security\nremove all: ann");
    // Those who left the nested group are out of it before.
    let left = world.with(|world| {
        let bob = world.account("bob");
        world.domain.members.entry(object("team")).or_default().insert(bob);
    });
    check(&left, "remove team: bob\nconvert team: distribution to security\nremove all: ann");
}
