//! Random worlds: what stands in the directory, and what was deleted there.

use std::collections::BTreeSet;

use fastrand::Rng;
use writeback::model::cloud::Presence;
use writeback::model::directory::{
    DeletedGroup, DirectPresence, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY,
};
use writeback::model::record::RecordState;
use writeback::model::{AttributeName, DirectoryGroup, ObjectGuid};

use super::draw::{pick, rarely};
use super::{GROUP_COUNT, QUARANTINE, USER_COUNT};
use crate::world::{CONFIRM_AFTER, GROUPS, Grave, World, dn, id, object, record};

/// A directory group with what may be wrong about one.
pub(super) fn standing(rng: &mut Rng, world: World, name: &str, cloud: &[&str]) -> World {
    let there: Vec<_> = cloud.iter().copied().filter(|_| rng.u32(0..4) > 0).collect();
    let mut there: Vec<_> = there.into_iter().filter(|m| !m.contains("link:")).collect();
    let stray = format!("u{}", rng.usize(0..USER_COUNT));
    let nested = format!("group:g{}", rng.usize(0..GROUP_COUNT));
    for (stray, one_in) in [(&stray, 2), (&nested, 6)] {
        if rng.u32(0..one_in) == 0 && !there.contains(&stray.as_str()) {
            there.push(stray);
        }
    }
    let keeper = rarely(rng, 2, "p", "q");
    let states = [
        RecordState::Active,
        RecordState::Active,
        RecordState::Active,
        RecordState::Filling,
        RecordState::Disabled,
        RecordState::Quarantined,
    ];
    let state = pick(rng, &states);
    let world = world.written(name, &there).directory(name, |group| {
        group.records = vec![record(name, keeper, state)];
        match state {
            RecordState::Active | RecordState::Filling => {
                group.group_type = rarely(rng, 3, group.group_type, UNIVERSAL_DISTRIBUTION);
            }
            // What was cut short may have left it secure.
            RecordState::Disabled | RecordState::Quarantined => {
                group.group_type = rarely(rng, 4, UNIVERSAL_DISTRIBUTION, group.group_type);
            }
        }
        let quarantined = match state {
            RecordState::Quarantined => rng.u32(0..4) > 0,
            RecordState::Disabled => rng.u32(0..6) == 0,
            RecordState::Active | RecordState::Filling => rng.u32(0..30) == 0,
        };
        if quarantined {
            group.dn = dn(QUARANTINE).child(group.dn.leaf());
        }
        odds(rng, name, group);
    });
    let mut world = with_mail(rng, world, name);
    match rng.u32(0..8) {
        0 => world = world.remembered(name, name),
        1 => world = world.remembered(name, "elsewhere"),
        2 if !world.groups.contains_key(&id(name)) => {
            world.presence.insert(id(name), Presence::Absent);
            world.memory.absent_since.insert(id(name), world.now - CONFIRM_AFTER);
        }
        _ => {}
    }
    world
}

/// What somebody's hand, or another owner, makes of a group.
fn odds(rng: &mut Rng, name: &str, group: &mut DirectoryGroup) {
    match rng.u32(0..18) {
        0 => group.records.clear(),
        1 => group.admin_description = None,
        2 => group.external_id = Some(id("g0").anchor()),
        3 => group.dn = dn("OU=Elsewhere,DC=corp,DC=example").child(name),
        4 => {
            let here = group.dn.parent().expect("it stands in a container");
            group.dn = here.child(&format!("by hand {name}"));
        }
        5 => group.sam_account_name = format!("by-hand-{name}"),
        6 => group.privileged = true,
        7 => group.records = vec![record(name, "nobody", RecordState::Active)],
        8 => group.display_name = None,
        9 => {
            for value in &mut group.records {
                let record = value.record.as_mut().expect("it is ours");
                "somebody".clone_into(&mut record.owner);
                value.text = record.to_string();
            }
        }
        10 => group.group_type = rarely(rng, 2, 0, 2),
        _ => {}
    }
}

/// Mail attributes: right, wrong, half, of another spelling; addresses that others have.
fn with_mail(rng: &mut Rng, mut world: World, name: &str) -> World {
    let address = format!("{name}@corp.example");
    let mut put = |attribute: &'static str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let group = world.domain.groups.get_mut(&object(name)).expect("it was written");
        group.attributes.insert(AttributeName::from(attribute), values);
    };
    let (primary, other) = (format!("SMTP:{address}"), format!("SMTP:old-{address}"));
    match rng.u32(0..10) {
        0..2 => {
            put("mail", &[&address]);
            put("mailNickname", &[name]);
            put("proxyAddresses", &[&primary, "smtp:by-hand@corp.example"]);
        }
        2 => put("mail", &["by-hand@corp.example"]),
        3 => put("proxyAddresses", &[&other, &primary.to_lowercase()]),
        4 => {
            put("mailNickname", &["by-hand"]);
            put("proxyAddresses", &[&primary.to_lowercase(), "X400:c=us"]);
        }
        5 => {
            let holder = object(&format!("u{}", rng.usize(0..USER_COUNT)));
            world.domain.addresses.insert(address, [holder].into());
        }
        _ => {}
    }
    world
}

/// A deleted directory group: as a tombstone or whole, remembered or not, ours or another's.
pub(super) fn tombstone(rng: &mut Rng, world: &mut World, name: &str) {
    world.names.insert(object(name).0, name.to_owned());
    let state = pick(rng, &[RecordState::Active, RecordState::Filling, RecordState::Disabled]);
    let mut group = DeletedGroup {
        guid: object(name),
        sam_account_name: Some(id(name).anchor()),
        group_type: Some(pick(rng, &[UNIVERSAL_SECURITY, UNIVERSAL_DISTRIBUTION])),
        admin_description: None,
        external_id: rarely(rng, 4, Some(id(name).anchor()), None),
        records: Vec::new(),
    };
    if world.domain.recycle_bin {
        group.admin_description = Some(id(name).anchor());
        group.external_id = Some(id(name).anchor());
        group.records = vec![record(name, pick(rng, &["p", "q"]), state)];
    }
    match rng.u32(0..10) {
        0 => {
            let mut other = record(name, "p", RecordState::Active);
            let record = other.record.as_mut().expect("it is one");
            "somebody".clone_into(&mut record.owner);
            other.text = record.to_string();
            group.records = vec![other];
        }
        // Microsoft's writeback left it so.
        1 => {
            group.admin_description = Some(id(name).anchor());
            group.records.clear();
        }
        2 => {
            let twin = object(&format!("twin of {name}"));
            world.domain.deleted.insert(twin, DeletedGroup { guid: twin, ..group.clone() });
        }
        3 => group.records.push(record(name, "p", RecordState::Disabled)),
        _ => {}
    }
    match rng.u32(0..6) {
        0 | 1 => drop(world.memory.inventory.insert(id(name), object(name))),
        2 => drop(world.memory.deleted.insert(id(name), object(name))),
        3 => {
            // Another object is remembered, and it is there or nowhere.
            world.memory.inventory.insert(id(name), object("elsewhere"));
            if rng.bool() {
                world.domain.direct.insert(object("elsewhere"), DirectPresence::There);
            }
        }
        4 if rng.bool() => {
            world.memory.unrestorable.insert(id(name), "the right is missing".to_owned());
        }
        _ => {}
    }
    if world.domain.recycle_bin {
        bury(rng, world, name, &group);
    }
    world.domain.deleted.insert(object(name), group);
}

/// What the recycle bin keeps of it: its members too, and what it was in.
fn bury(rng: &mut Rng, world: &mut World, name: &str, deleted: &DeletedGroup) {
    let mut draw = |count: usize, word: &str| -> BTreeSet<ObjectGuid> {
        (0..rng.usize(0..4)).map(|_| object(&format!("{word}{}", rng.usize(0..count)))).collect()
    };
    let (members, holders) = (draw(USER_COUNT, "u"), draw(GROUP_COUNT, "g"));
    let shape = crate::world::world().written(name, &[]).domain.groups;
    let shape = shape.into_values().next().expect("it was written");
    let group = DirectoryGroup {
        group_type: deleted.group_type.unwrap_or(UNIVERSAL_SECURITY),
        admin_description: deleted.admin_description.clone(),
        external_id: deleted.external_id.clone(),
        records: deleted.records.clone(),
        ..shape
    };
    world.domain.graves.insert(deleted.guid, Grave { group, members, holders });
}

/// Names exchanged by hand, round and round, among groups that stay.
pub(super) fn swap_names(rng: &mut Rng, world: &mut World) {
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
