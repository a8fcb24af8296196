//! Random worlds: policies and a tenant. What stands in the directory is drawn by `standing`.

use std::collections::BTreeSet;

use fastrand::Rng;
use jiff::SignedDuration;
use writeback::model::cloud::{Links, OnPremisesGroupType, Presence};
use writeback::model::directory::PrincipalClass;
use writeback::model::policy::{
    Deletion, Departure, Devices, FlagRule, GroupTypeRule, Keep, KeepReference, MailRule, Matcher,
    MemberMode, Mode, NamePreset, NameSource, Nested, Place, Policy, Upkeep,
};
use writeback::model::{DeviceId, Leave};

use super::standing::{standing, swap_names, tombstone};
use super::{GROUP_COUNT, QUARANTINE, USER_COUNT};
use crate::world::{CONFIRM_AFTER, GROUPS, Listed, World, dn, id, object, only, world};

/// Either the first or, one time in `one_in`, the second.
pub(super) fn rarely<T>(rng: &mut Rng, one_in: u32, often: T, rare: T) -> T {
    if rng.u32(0..one_in) == 0 { rare } else { often }
}

/// One of them.
pub(super) fn pick<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    *rng.choice(all).expect("there is one to choose")
}

/// The world of a seed.
pub(super) fn random(seed: u64) -> World {
    let rng = &mut Rng::with_seed(seed);
    let mut all = world().policy(|p| policy(rng, p)).also("q", |p| policy(rng, p));
    all.domain.exchange_prepared = rng.u32(0..4) > 0;
    all.domain.recycle_bin = rng.bool();
    for number in 0..GROUP_COUNT {
        let word = format!("g{number}");
        let cloud = members(rng);
        let cloud: Vec<_> =
            cloud.iter().map(String::as_str).filter(|m| *m != format!("group:{word}")).collect();
        all = tenant(rng, all, &word, &cloud);
        match rng.u32(0..9) {
            0..6 => all = standing(rng, all, &word, &cloud),
            6 | 7 => tombstone(rng, &mut all, &word),
            _ => {}
        }
    }
    swap_names(rng, &mut all);
    disturb(rng, &mut all);
    vary_principals(rng, &mut all);
    // Who is nested was there; who is deleted is in no group.
    let there: BTreeSet<_> = all.domain.groups.keys().chain(all.domain.accounts.keys()).collect();
    for members in all.domain.members.values_mut() {
        members.retain(|member| there.contains(member));
    }
    all
}

fn members(rng: &mut Rng) -> Vec<String> {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for _ in 0..rng.usize(0..8) {
        let user = rng.usize(0..USER_COUNT);
        words.insert(match rng.u32(0..24) {
            0 => format!("nolink:x{user}"),
            1 => format!("lost:u{user}"),
            2..6 => format!("group:g{}", rng.usize(0..GROUP_COUNT)),
            6..8 => format!("device:d{user}"),
            8..10 => format!("onprem:o{user}"),
            _ => format!("u{user}"),
        });
    }
    words.into_iter().collect()
}

fn policy(rng: &mut Rng, policy: &mut Policy) {
    policy.mode = pick(
        rng,
        &[Mode::Sync, Mode::Sync, Mode::Sync, Mode::UpsertOnly, Mode::CreateOnly, Mode::Observe],
    );
    policy.suspend = rng.u32(0..12) == 0;
    policy.precedence = rng.u32(1..4);
    policy.selection.writeback_flag = pick(
        rng,
        &[FlagRule::Honour, FlagRule::HonourTenantDefault, FlagRule::RequireTrue, FlagRule::Ignore],
    );
    let mut ids = BTreeSet::new();
    ids.extend((0..GROUP_COUNT).filter(|_| rng.bool()).map(|number| id(&format!("g{number}"))));
    let by_id = Matcher { ids: Some(ids), ..only(&[]) };
    let by_control = Matcher { ids: None, member_of: Some(id("control")), ..only(&[]) };
    policy.selection.include = match rng.u32(0..6) {
        0..3 => None,
        3 => Some(vec![by_control, by_id]),
        _ => Some(vec![by_id]),
    };
    member_rules(rng, policy);
    deletion(rng, &mut policy.deletion);
    shape(rng, policy);
}

fn shape(rng: &mut Rng, policy: &mut Policy) {
    let group = &mut policy.group;
    let types = [
        GroupTypeRule::FromCloud,
        GroupTypeRule::FromCloud,
        GroupTypeRule::UniversalDistribution,
        GroupTypeRule::UniversalSecurity,
        GroupTypeRule::UniversalMailEnabledSecurity,
    ];
    group.group_type = pick(rng, &types);
    group.mail = rarely(rng, 5, MailRule::WhenPrepared, MailRule::Never);
    for naming in [&mut group.common_name, &mut group.sam_account_name] {
        naming.source =
            NameSource::Preset(rarely(rng, 2, NamePreset::GroupId, NamePreset::DisplayNameAndId));
        naming.mode = rarely(rng, 4, Upkeep::Always, Upkeep::CreateOnly);
    }
    group.placement.mode = rarely(rng, 4, Upkeep::Always, Upkeep::CreateOnly);
    if rng.bool() {
        // The defaults of the contract.
        group.common_name.mode = Upkeep::Always;
        group.sam_account_name.mode = Upkeep::CreateOnly;
        group.placement.mode = Upkeep::CreateOnly;
    }
    if rng.bool() {
        for rule in &mut group.placement.rules {
            rule.container = dn(&format!("OU=Sub,{GROUPS}"));
        }
    }
}

fn deletion(rng: &mut Rng, deletion: &mut Deletion) {
    let all = [Departure::Retain, Departure::Disable, Departure::Quarantine, Departure::Delete];
    let events = [
        &mut deletion.on_disabled,
        &mut deletion.on_out_of_scope,
        &mut deletion.on_soft_deleted,
        &mut deletion.on_hard_deleted,
    ];
    for event in events {
        *event = pick(rng, &all);
    }
    let quarantines = [
        deletion.on_disabled,
        deletion.on_out_of_scope,
        deletion.on_soft_deleted,
        deletion.on_hard_deleted,
    ]
    .contains(&Departure::Quarantine);
    deletion.quarantine_container = (quarantines || rng.bool()).then(|| dn(QUARANTINE));
    deletion.grace = SignedDuration::from_hours(pick(rng, &[0, 0, 0, 1, 2]));
}

fn member_rules(rng: &mut Rng, policy: &mut Policy) {
    let rules = &mut policy.members;
    rules.mode = rarely(rng, 6, MemberMode::Mirror, MemberMode::AddOnly);
    rules.nested = pick(rng, &[Nested::Keep, Nested::Keep, Nested::Flatten, Nested::Skip]);
    rules.devices = rarely(rng, 4, Devices::Include, Devices::Skip);
    let place = Place { file: "policy.yaml".to_owned(), line: 30, column: 9 };
    if rng.u32(0..3) == 0 {
        let user = format!("u{}", rng.usize(0..USER_COUNT));
        let object = rarely(rng, 6, object(&user), object("nobody"));
        rules.keep.push(Keep { place, object: KeepReference::Guid(object) });
    }
}

/// A cloud group, or what is left of one.
fn tenant(rng: &mut Rng, mut all: World, word: &str, members: &[&str]) -> World {
    if rng.u32(0..6) > 0 {
        let is_m365 = rng.bool();
        all = if is_m365 { all.m365(word, members) } else { all.group(word, members) };
        let flags = [Listed::Null, Listed::On, Listed::On, Listed::Off, Listed::Missing];
        all = all.flag(word, pick(rng, &flags));
        return all.cloud(word, |group| {
            let long = "\u{1F600} west, ".repeat(rng.usize(0..40));
            group.display_name = rarely(rng, 3, format!("{word} team"), long);
            if is_m365 {
                group.mail = Some(rarely(rng, 8, format!("{word}@corp.example"), String::new()));
                group.mail_nickname = rarely(rng, 8, Some(word.to_owned()), None);
            }
        });
    }
    let (seen, now) = (rng.bool(), all.now);
    match rng.u32(0..5) {
        0 | 1 => {
            all.deleted.insert(id(word));
        }
        2 | 3 => {
            all.presence.insert(id(word), Presence::Absent);
            if seen {
                all.memory.absent_since.insert(id(word), now - CONFIRM_AFTER);
                all.memory.left.insert(id(word), (Leave::HardDeleted, now - CONFIRM_AFTER));
            }
        }
        _ => {}
    }
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

/// What is not read, not known, or not of today.
fn disturb(rng: &mut Rng, world: &mut World) {
    for number in 0..GROUP_COUNT {
        let name = format!("g{number}");
        match rng.u32(0..24) {
            0 => {
                world.members.insert(id(&name), Err("503".to_owned()));
            }
            1 if world.domain.groups.contains_key(&object(&name)) => {
                world.domain.unread.insert(object(&name), "52".to_owned());
            }
            2 => {
                world.memory.counterparts.insert(id("u1"), object("u2"));
            }
            3 => {
                let since = world.now - SignedDuration::from_hours(3);
                world.memory.left.insert(id(&name), (Leave::FlagOff, since));
            }
            4..8 => {
                let wanted = pick(rng, &[0, 1, 2]);
                let wanted = match wanted {
                    0 => OnPremisesGroupType::UniversalSecurity,
                    1 => OnPremisesGroupType::UniversalMailEnabledSecurity,
                    _ => OnPremisesGroupType::Unrecognised("unheard of".to_owned()),
                };
                if let Ok(flags) = &mut world.flags {
                    flags.entry(id(&name)).and_modify(|flag| flag.group_type = Some(wanted));
                }
            }
            _ => {}
        }
    }
    let control = (0..GROUP_COUNT).filter(|_| rng.bool()).map(|number| id(&format!("g{number}")));
    let control = control.collect();
    let control = rarely(rng, 4, Ok(control), Err("403".to_owned()));
    world.controls.insert(id("control"), control);
    let default = rng.bool();
    world.new_groups = rarely(rng, 8, Ok(default), Err("403".to_owned()));
    match rng.u32(0..24) {
        0 => world.flags = Err("403".to_owned()),
        1 => world.links = Links::Unreadable { reason: "403".to_owned() },
        2 => world.unparsed.push("broken.yaml".to_owned()),
        3 => world.policies.iter_mut().for_each(|standing| standing.last_good = true),
        4 => world.memory.passes = 0,
        _ => {}
    }
}
