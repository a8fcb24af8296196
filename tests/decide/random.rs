//! The invariants on some hundred random worlds, each from a seed that a failure names.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use writeback::decide::Inventory;
use writeback::decide::guard::{Guarded, guard};
use writeback::model::change::{Change, Effect, MemberReference};
use writeback::model::cloud::{Links, OnPremisesGroupType};
use writeback::model::directory::{PrincipalClass, UNIVERSAL_DISTRIBUTION};
use writeback::model::policy::{
    ContainerRule, Devices, FlagRule, Keep, KeepReference, MemberMode, Mode, NamePreset,
    NameSource, Nested, Place, Policy, Standing, Upkeep,
};
use writeback::model::record::RecordState;
use writeback::model::{DeviceId, ObjectGuid, ObjectId, PolicyName};

use crate::check::canonical;
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, GROUPS, Listed, OWNER, World, dn, id, object, record, world};

const WORLDS: u64 = 250;
const GROUP_COUNT: usize = 12;
const USER_COUNT: usize = 16;

fn each_world(mut look: impl FnMut(World, &str)) {
    for seed in 0..WORLDS {
        look(random(seed), &format!("seed {seed}"));
    }
}

/// Either the first or, one time in `one_in`, the second.
fn rarely<T>(rng: &mut Rng, one_in: u32, often: T, rare: T) -> T {
    if rng.u32(0..one_in) == 0 { rare } else { often }
}

fn members(rng: &mut Rng) -> Vec<String> {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for _ in 0..rng.usize(0..8) {
        let user = rng.usize(0..USER_COUNT);
        words.insert(match rng.u32(0..12) {
            0 => format!("nolink:x{user}"),
            1 => format!("group:g{}", rng.usize(0..GROUP_COUNT)),
            2 => rarely(rng, 3, format!("u{user}"), format!("lost:u{user}")),
            3 => format!("device:d{user}"),
            4 => format!("onprem:o{user}"),
            _ => format!("u{user}"),
        });
    }
    words.into_iter().collect()
}

fn policy(rng: &mut Rng, policy: &mut Policy) {
    let modes =
        [Mode::Sync, Mode::Sync, Mode::Sync, Mode::UpsertOnly, Mode::CreateOnly, Mode::Observe];
    policy.mode = rng.choice(modes).unwrap_or(Mode::Sync);
    policy.suspend = rng.u32(0..12) == 0;
    policy.precedence = rng.u32(1..4);
    let rules = [FlagRule::Honour, FlagRule::RequireTrue, FlagRule::Ignore];
    policy.selection.writeback_flag = rng.choice(rules).unwrap_or(FlagRule::Honour);
    let ids = (0..GROUP_COUNT).filter(|_| rng.bool()).map(|number| id(&format!("g{number}")));
    let entry =
        writeback::model::policy::Matcher { ids: Some(ids.collect()), ..crate::world::only(&[]) };
    policy.selection.include = rng.bool().then(|| vec![entry]);
    member_rules(rng, policy);
    let group = &mut policy.group;
    for naming in [&mut group.common_name, &mut group.sam_account_name] {
        naming.source =
            NameSource::Preset(rarely(rng, 2, NamePreset::GroupId, NamePreset::DisplayNameAndId));
        naming.mode = rarely(rng, 4, Upkeep::Always, Upkeep::CreateOnly);
    }
    group.placement.mode = rarely(rng, 4, Upkeep::Always, Upkeep::CreateOnly);
    if rng.bool() {
        group.placement.rules =
            vec![ContainerRule { when: None, container: dn(&format!("OU=Sub,{GROUPS}")) }];
    }
}

fn member_rules(rng: &mut Rng, policy: &mut Policy) {
    let rules = &mut policy.members;
    rules.mode = rarely(rng, 6, MemberMode::Mirror, MemberMode::AddOnly);
    let nested = [Nested::Keep, Nested::Keep, Nested::Flatten, Nested::Skip];
    rules.nested = rng.choice(nested).unwrap_or(Nested::Keep);
    rules.devices = rarely(rng, 4, Devices::Include, Devices::Skip);
    let place = Place { file: "policy.yaml".to_owned(), line: 30, column: 9 };
    if rng.u32(0..3) == 0 {
        let user = format!("u{}", rng.usize(0..USER_COUNT));
        let object = rarely(rng, 6, object(&user), object("nobody"));
        rules.keep.push(Keep { place, object: KeepReference::Guid(object) });
    }
}

fn random(seed: u64) -> World {
    let rng = &mut Rng::with_seed(seed);
    let mut all = world().policy(|p| policy(rng, p)).also("q", |p| policy(rng, p));
    for number in 0..GROUP_COUNT {
        let word = format!("g{number}");
        let cloud = members(rng);
        let cloud: Vec<_> =
            cloud.iter().map(String::as_str).filter(|m| !m.ends_with(&word)).collect();
        if rng.u32(0..8) > 0 {
            let is_m365 = rng.bool();
            all = if is_m365 { all.m365(&word, &cloud) } else { all.group(&word, &cloud) };
            let flags = [Listed::Null, Listed::On, Listed::On, Listed::Off, Listed::Missing];
            all = all.flag(&word, rng.choice(flags).unwrap_or(Listed::On));
            all = all.cloud(&word, |group| {
                let long = "\u{1F600} west, ".repeat(rng.usize(0..40));
                group.display_name = rarely(rng, 3, format!("{word} team"), long);
            });
        } else if rng.bool() {
            all.deleted.insert(id(&word));
        }
        if rng.u32(0..3) > 0 {
            all = standing(rng, all, &word, &cloud);
        }
    }
    swap_names(rng, &mut all);
    disturb(rng, &mut all);
    vary_principals(rng, &mut all);
    all
}

/// Groups of every scope, devices that are registered only, accounts whose primary group is ours.
fn vary_principals(rng: &mut Rng, world: &mut World) {
    let marked = world.domain.groups.values();
    let marked: Vec<_> = marked.filter_map(|g| Some((g.guid, g.sid.as_ref()?.rid()?))).collect();
    for account in world.domain.accounts.values_mut() {
        if account.class == PrincipalClass::Group {
            account.group_type = rng.choice([Some(8), Some(2), Some(4), None]).flatten();
        } else if account.class == PrincipalClass::Computer && rng.u32(0..4) == 0 {
            account.class = PrincipalClass::Device;
            account.device_id = Some(DeviceId(account.guid.0));
            account.sid = None;
        } else if account.class == PrincipalClass::User
            && rng.u32(0..10) == 0
            && let Some((group, rid)) = rng.choice(&marked)
        {
            account.primary_group = Some(*rid);
            if let Some(members) = world.domain.members.get_mut(group) {
                members.remove(&account.guid);
            }
        }
    }
}

/// A directory group with what may be wrong about one.
fn standing(rng: &mut Rng, world: World, name: &str, cloud: &[&str]) -> World {
    let there: Vec<_> = cloud.iter().copied().filter(|_| rng.u32(0..4) > 0).collect();
    let stray = format!("u{}", rng.usize(0..USER_COUNT));
    let mut there: Vec<_> = there.into_iter().filter(|m| !m.contains("link:")).collect();
    if rng.bool() && !there.contains(&stray.as_str()) {
        there.push(&stray);
    }
    let keeper = rarely(rng, 2, "p", "q");
    let state = rarely(rng, 5, RecordState::Active, RecordState::Filling);
    let world = world.written(name, &there).directory(name, |group| {
        group.records = vec![record(name, keeper, state)];
        group.group_type = rarely(rng, 3, group.group_type, UNIVERSAL_DISTRIBUTION);
        match rng.u32(0..16) {
            0 => group.records.clear(),
            1 => group.admin_description = None,
            2 => group.external_id = Some(id("g0").anchor()),
            3 => group.dn = dn("OU=Elsewhere,DC=corp,DC=example").child(name),
            4 => group.dn = dn(GROUPS).child(&format!("by hand {name}")),
            5 => group.sam_account_name = format!("by-hand-{name}"),
            6 => group.privileged = true,
            7 => group.records = vec![record(name, "nobody", RecordState::Active)],
            8 => group.display_name = None,
            _ => {}
        }
    });
    match rng.u32(0..8) {
        0 => world.remembered(name, name),
        1 => world.remembered(name, "elsewhere"),
        2 if !world.groups.contains_key(&id(name)) => world.with(|world| {
            world.presence.insert(id(name), writeback::model::cloud::Presence::Absent);
            world.memory.absent_since.insert(id(name), world.now - CONFIRM_AFTER);
        }),
        _ => world,
    }
}

/// Names exchanged by hand, round and round, among groups that stay.
fn swap_names(rng: &mut Rng, world: &mut World) {
    let mut groups: Vec<ObjectGuid> = world
        .domain
        .groups
        .values()
        .filter(|group| group.dn.is_within(&dn(GROUPS)))
        .filter(|group| !world.presence.keys().any(|id| id.anchor() == group.sam_account_name))
        .map(|group| group.guid)
        .collect();
    rng.shuffle(&mut groups);
    groups.truncate(rng.usize(0..5));
    let names: Vec<_> = groups.iter().filter_map(|guid| world.domain.groups.get(guid)).collect();
    let names: Vec<_> =
        names.into_iter().map(|group| (group.dn.clone(), group.sam_account_name.clone())).collect();
    let round = names.iter().cycle().skip(1);
    for (guid, (dn, sam)) in groups.iter().zip(round) {
        if let Some(group) = world.domain.groups.get_mut(guid) {
            group.dn = dn.clone();
            group.sam_account_name.clone_from(sam);
        }
    }
}

/// What is not read, not known, or not of today.
fn disturb(rng: &mut Rng, world: &mut World) {
    for number in 0..GROUP_COUNT {
        let name = format!("g{number}");
        match rng.u32(0..20) {
            0 => {
                world.members.insert(id(&name), Err("503".to_owned()));
            }
            1 => {
                world.domain.unread.insert(object(&name), "52".to_owned());
            }
            2 => {
                world.memory.counterparts.insert(id("u1"), object("u2"));
            }
            3 => {
                if let Ok(flags) = &mut world.flags {
                    let wanted = OnPremisesGroupType::UniversalSecurity;
                    flags.entry(id(&name)).and_modify(|flag| flag.group_type = Some(wanted));
                }
            }
            _ => {}
        }
    }
    match rng.u32(0..20) {
        0 => world.flags = Err("403".to_owned()),
        1 => world.links = Links::Unreadable { reason: "403".to_owned() },
        2 => world.unparsed.push("broken.yaml".to_owned()),
        3 => world.policies.iter_mut().for_each(|standing| standing.last_good = true),
        _ => {}
    }
}

fn guarded(world: &World) -> Guarded {
    let decision = world.decide(Order::Given);
    guard(&decision.plan, &decision.inventory)
}

#[test]
fn the_order_of_the_inputs_never_reaches_the_plan() {
    each_world(|world, seed| {
        let told = |order| {
            let decision = world.decide(order);
            let guarded = guard(&decision.plan, &decision.inventory);
            canonical(&decision, &guarded)
        };
        let given = told(Order::Given);
        for shuffle in 1..4 {
            assert_eq!(told(Order::Shuffled(shuffle)), given, "{seed}");
        }
    });
}

#[test]
fn after_an_applied_plan_the_next_plan_is_empty() {
    let mut written = BTreeMap::new();
    each_world(|mut world, seed| {
        // A first look, so that memory knows who has no link.
        let look = world.decide(Order::Given);
        world.remember(look, &[]);
        let decision = world.decide(Order::Given);
        let changes = decision.plan.changes.clone();
        let results = world.execute(&changes, |_, _| {});
        for change in decision.plan.writes() {
            *written.entry(change.effect.kind().word()).or_insert(0) += 1;
        }
        world.remember(decision, &results);
        let next = world.decide(Order::Given);
        let left: Vec<_> =
            next.plan.writes().map(|change| crate::check::line(&world, change)).collect();
        assert_eq!(left, Vec::<String>::new(), "{seed}");
    });
    // The worlds are worth something only if they ask for every kind of change.
    let kinds = [
        "add_members",
        "convert",
        "create",
        "delete",
        "handover",
        "move",
        "remove_members",
        "rename",
        "update",
    ];
    assert_eq!(written.keys().copied().collect::<Vec<_>>(), kinds, "{written:?}");
}

#[test]
fn without_two_whole_reads_no_member_is_removed() {
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::RemoveMembers { .. } = &change.effect else { continue };
            assert!(world.members.get(&change.group).is_some_and(Result::is_ok), "{seed}");
            let guid = change.target.object().expect("only an existing group loses members");
            assert!(!world.domain.unread.contains_key(&guid), "{seed}");
            assert_eq!(world.links, Links::Readable, "{seed}");
        }
    });
}

#[test]
fn no_member_is_added_that_the_directory_would_refuse() {
    let mut refusable = 0;
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::AddMembers { members, .. } = &change.effect else { continue };
            let group = change.target.object().and_then(|guid| world.domain.groups.get(&guid));
            let rid = group.and_then(|group| group.sid.as_ref()?.rid());
            for member in members {
                let MemberReference::Existing { guid, .. } = member else { continue };
                let account = world.domain.accounts.get(guid);
                refusable += usize::from(account.is_some_and(|a| a.class == PrincipalClass::Group));
                let local = account.is_some_and(writeback::model::Principal::is_domain_local);
                let primary = account.and_then(|account| account.primary_group);
                assert!(!local, "{seed}: {change:?}");
                assert!(primary.is_none() || primary != rid, "{seed}: {change:?}");
            }
        }
    });
    assert!(refusable > 0, "no world nests a group of the directory");
}

#[test]
fn what_a_policy_keeps_is_never_taken_out_and_what_it_misses_holds_its_removals() {
    let (mut kept, mut held) = (0, 0);
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let missing = |policy: &Policy| {
            let none = object("nobody");
            policy.members.keep.iter().any(|keep| keep.object == KeepReference::Guid(none))
        };
        held += usize::from(world.policies.iter().any(|standing| missing(&standing.policy)));
        for change in decision.plan.writes() {
            let of = |standing: &&Standing| standing.policy.name == change.policy;
            let Some(standing) = world.policies.iter().find(of) else { continue };
            match &change.effect {
                Effect::RemoveMembers { members, .. } => {
                    assert!(!missing(&standing.policy), "{seed}: {change:?}");
                    for keep in &standing.policy.members.keep {
                        kept += 1;
                        let KeepReference::Guid(keep) = keep.object else { continue };
                        let taken = members.iter().any(|member| {
                            matches!(member, MemberReference::Existing { guid, .. } if *guid == keep)
                        });
                        assert!(!taken, "{seed}: {change:?}");
                    }
                }
                Effect::Delete { .. } | Effect::Disable { .. } | Effect::Quarantine { .. } => {
                    assert!(!missing(&standing.policy), "{seed}: {change:?}");
                }
                Effect::Create { .. }
                | Effect::Rename { .. }
                | Effect::Move { .. }
                | Effect::Update { .. }
                | Effect::Convert { .. }
                | Effect::Restore { .. }
                | Effect::Handover { .. }
                | Effect::AddMembers { .. }
                | Effect::Freeze => {}
            }
        }
    });
    assert!(kept > 0 && held > 0, "{kept} {held}");
}

#[test]
fn where_groups_are_flattened_or_skipped_none_is_added() {
    let mut looked = 0;
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::AddMembers { members, .. } = &change.effect else { continue };
            let of = |standing: &&Standing| standing.policy.name == change.policy;
            let standing = world.policies.iter().find(of);
            if standing.is_none_or(|standing| standing.policy.members.nested == Nested::Keep) {
                continue;
            }
            looked += 1;
            let users = members.iter().all(|member| match member {
                MemberReference::Existing { guid, .. } => {
                    let account = world.domain.accounts.get(guid);
                    account.is_some_and(|account| account.class != PrincipalClass::Group)
                }
                MemberReference::Created { .. } => false,
            });
            assert!(users, "{seed}: {change:?}");
        }
    });
    assert!(looked > 0);
}

#[test]
fn no_change_is_aimed_at_what_is_not_ours_or_outside_the_containers() {
    let container = dn(GROUPS);
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let plan = &decision.plan;
        let created: BTreeSet<ObjectId> = [&plan.changes, &plan.observed, &plan.gone]
            .into_iter()
            .flatten()
            .filter(|change| matches!(change.effect, Effect::Create { .. }))
            .map(|change| change.group)
            .collect();
        let all = [&plan.changes, &plan.observed, &plan.gone, &plan.unconfirmed];
        for change in all.into_iter().flatten() {
            assert!(change.target.dn().is_within(&container), "{seed} {change:?}");
            if let Effect::Rename { to } | Effect::Move { to } = &change.effect {
                assert!(to.dn().is_within(&container), "{seed} {change:?}");
                assert_eq!(to.object(), change.target.object(), "{seed} {change:?}");
            }
            let Some(guid) = change.target.object() else {
                assert!(created.contains(&change.group), "{seed} {change:?}");
                continue;
            };
            let group = world.domain.groups.get(&guid);
            let owner = group.and_then(|group| match group.records.as_slice() {
                [value] => value.record.as_ref(),
                _ => None,
            });
            let ours = owner.is_some_and(|r| r.owner == OWNER && r.id == change.group);
            assert!(ours, "{seed} {change:?}");
        }
    });
}

#[test]
fn admitted_removals_stay_within_the_limits() {
    let mut held = 0;
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let guarded = guard(&decision.plan, &decision.inventory);
        held += guarded.held.changes.len();
        let (mut groups, mut values): (BTreeMap<PolicyName, usize>, BTreeMap<_, usize>) =
            Default::default();
        for change in guarded.admitted.changes() {
            match &change.effect {
                Effect::Delete { .. } | Effect::Disable { .. } => {
                    *groups.entry(change.policy.clone()).or_default() += 1;
                }
                Effect::Convert { from, to } if *from < 0 && *to > 0 => {
                    *groups.entry(change.policy.clone()).or_default() += 1;
                }
                Effect::RemoveMembers { members, of } => {
                    *values.entry(change.policy.clone()).or_default() += members.len();
                    let part = members.len() * 4 <= *of || members.len() <= 3;
                    assert!(part, "{seed}: {} of {of}", members.len());
                }
                Effect::Create { .. }
                | Effect::Rename { .. }
                | Effect::Move { .. }
                | Effect::Update { .. }
                | Effect::Convert { .. }
                | Effect::Restore { .. }
                | Effect::Handover { .. }
                | Effect::Quarantine { .. }
                | Effect::AddMembers { .. }
                | Effect::Freeze => {}
            }
        }
        let holds = |policy: &PolicyName| {
            decision.inventory.get(policy).copied().unwrap_or(Inventory::default())
        };
        for (policy, count) in groups {
            assert!(count <= 1 || count * 20 <= holds(&policy).groups, "{seed}: {count}");
        }
        for (policy, count) in values {
            assert!(count <= 5 || count * 20 <= holds(&policy).memberships, "{seed}: {count}");
        }
    });
    assert!(held > 0, "no world tripped a limit");
}

/// The accounts that are members of each group of the domain, at any depth.
fn reached(world: &World) -> BTreeMap<ObjectGuid, BTreeSet<ObjectGuid>> {
    let within = |group: &ObjectGuid| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![*group]);
        while let Some(next) = waiting.pop() {
            for member in world.domain.members.get(&next).into_iter().flatten() {
                if seen.insert(*member) {
                    waiting.push(*member);
                }
            }
        }
        seen.retain(|guid| world.domain.accounts.contains_key(guid));
        seen
    };
    world.domain.members.keys().map(|group| (*group, within(group))).collect()
}

#[test]
fn who_is_entitled_before_and_after_is_so_all_the_while() {
    each_world(|world, seed| {
        let guarded = guarded(&world);
        let changes: &[Change] = guarded.admitted.changes();
        let before = reached(&world);
        let mut end = world.clone();
        end.execute(changes, |_, _| {});
        let after = reached(&end);
        let mut run = world.clone();
        run.execute(changes, |now, change| {
            let now = reached(now);
            for (group, entitled) in &before {
                let Some(later) = after.get(group) else { continue };
                let lost: Vec<_> = entitled
                    .intersection(later)
                    .filter(|user| !now.get(group).is_some_and(|all| all.contains(user)))
                    .collect();
                assert!(lost.is_empty(), "{seed}: {lost:?} after {change:?}");
            }
        });
    });
}
