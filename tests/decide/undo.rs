//! The way back of a change set: three-way against today, in one look or two. `values` holds what
//! goes back value by value, `unheard` what nobody heard the end of, `again` what guards an undo and
//! what was undone.

#[path = "undo/again.rs"]
mod again;
#[path = "undo/unheard.rs"]
mod unheard;
#[path = "undo/values.rs"]
mod values;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use writeback::decide::conclude::{Course, remember_errand};
use writeback::decide::guard::{Answers, Guarded};
use writeback::decide::{Decision, errand, undo};
use writeback::model::change::{Cause, Change, Effect, MemberReference};
use writeback::model::past::{Deed, Past};
use writeback::model::policy::Departure;
use writeback::model::{AttributeChange, FindingCode, ObjectGuid};

use crate::check::{line, lines};
use crate::observed::Order;
use crate::passes::{hard_delete, known, stands, weigh};
use crate::random::each_world;
use crate::world::{GROUPS, Listed, World, dn, id, object, world};

/// What the journal tells of changes that were made, one deed for each.
fn told(world: &World, changes: &[Change]) -> Vec<Past> {
    let deeds = changes.iter().filter_map(|change| {
        let object = change.target.object().unwrap_or(ObjectGuid(change.group.0));
        Some(Past {
            at: world.now,
            policy: change.policy.clone(),
            group: change.group,
            object: Some(object),
            dn: change.target.dn().to_string(),
            deed: deed(change)?,
            heard: true,
        })
    });
    deeds.collect()
}

fn deed(change: &Change) -> Option<Deed> {
    let guids = |members: &[MemberReference]| -> Vec<ObjectGuid> {
        let guid = |member: &MemberReference| match member {
            MemberReference::Existing { guid, .. } => *guid,
            MemberReference::Created { group, .. } => ObjectGuid(group.0),
        };
        members.iter().map(guid).collect()
    };
    Some(match &change.effect {
        Effect::Create { attributes } => Deed::Added { attributes: attributes.clone() },
        Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
            Deed::Moved { to: to.dn().to_string() }
        }
        Effect::Update { attributes }
        | Effect::Disable { attributes, .. }
        | Effect::Adopt { attributes }
        | Effect::Release { attributes } => Deed::Modified { attributes: attributes.clone() },
        Effect::Handover { record, .. } => Deed::Modified { attributes: vec![record.clone()] },
        Effect::Convert { from, to } => {
            let (before, after) = (Some(from.to_string()), Some(to.to_string()));
            let attributes = vec![AttributeChange { name: "groupType".into(), before, after }];
            Deed::Modified { attributes }
        }
        Effect::AddMembers { members, .. } => Deed::MembersAdded(guids(members)),
        Effect::RemoveMembers { members, .. } => Deed::MembersRemoved(guids(members)),
        Effect::Restore { .. } => Deed::Restored,
        Effect::Delete { last } => Deed::Deleted(last.clone()),
        Effect::Freeze => return None,
    })
}

/// Makes every change of a pass, whatever the guard says; what the journal tells of it.
fn done(world: &mut World) -> Vec<Past> {
    let decision = world.decide(Order::Given);
    let changes = decision.plan.changes.clone();
    let past = told(world, &changes);
    let results = world.execute(&changes, |_, _| {});
    world.remember(decision, &results);
    world.now += SignedDuration::from_mins(1);
    past
}

/// The way back, and what the guard says of it.
fn back(world: &World, past: &[Past]) -> (Decision, Guarded) {
    let decision = world.look(Order::Given, |inputs, _| {
        errand(inputs, |inputs, decision| undo::undo(inputs, past, "c0ffee", decision))
    });
    let guarded = weigh(world, &decision, &Answers::default());
    (decision, guarded)
}

/// One look of an undo, with everything it plans.
fn look(world: &mut World, past: &[Past]) -> Vec<String> {
    let (decision, guarded) = back(world, past);
    let changes = decision.plan.changes.clone();
    let mut lines: Vec<_> = changes.iter().map(|change| line(world, change)).collect();
    lines.extend(decision.findings.iter().map(|f| world.words(&format!("! {}", f.message))));
    let results = world.execute(&changes, |_, _| {});
    let course = Course {
        begun: world.now,
        held: &guarded.held,
        results: &results,
        spent: &[],
        added: &[],
        partial: true,
        cut: false,
    };
    remember_errand(&mut world.memory, &decision, &course);
    world.now += SignedDuration::from_mins(1);
    lines
}

const QUIET: Vec<String> = Vec::new();

/// What can be seen of our groups, a line for each value.
fn picture(world: &World) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (guid, group) in &world.domain.groups {
        lines.insert(format!("{guid} dn {}", group.dn));
        let names = ["groupType", "displayName", "sAMAccountName", "extensionName", "description"];
        let names = names.into_iter().chain(["adminDescription", "msDS-ExternalDirectoryObjectId"]);
        for name in names.chain(group.attributes.keys().map(|name| &**name)) {
            let values = world.values(*guid, name);
            lines.extend(values.into_iter().map(|value| format!("{guid} {name} {value}")));
        }
        let members = world.domain.members.get(guid).into_iter().flatten();
        lines.extend(members.map(|member| format!("{guid} member {member}")));
    }
    lines
}

#[test]
fn a_group_that_was_made_is_deleted_again() {
    let mut world = known(world().both("hr", &["ann"])).group("sales", &["ann", "bob"]);
    let before = picture(&world);
    let past = done(&mut world);
    assert_eq!(look(&mut world, &past), ["delete sales"]);
    assert_eq!(picture(&world), before);
    assert_eq!(look(&mut world, &past), QUIET);
}

#[test]
fn a_group_that_was_made_stays_when_somebody_filled_it_since() {
    let mut world = known(world().both("hr", &["ann"])).group("sales", &["ann"]);
    let past = done(&mut world);
    let carl = world.account("carl");
    world.domain.members.entry(ObjectGuid(id("sales").0)).or_default().insert(carl);
    let told = look(&mut world, &past);
    assert_eq!(told.len(), 1);
    assert!(told.concat().contains("holds 1 members that it did not put in"), "{told:?}");
    assert!(stands(&world, "sales"));
}

/// `sales` and a pass that deletes it.
fn deleted(recycle_bin: bool) -> (World, BTreeSet<String>, Vec<Past>) {
    let mut world = known(world().both("sales", &["ann", "bob"]).both("hr", &["ann"]));
    world = world.directory("sales", |group| group.description = Some("old".to_owned()));
    world = world.cloud("sales", |group| group.description = Some("old".to_owned()));
    world.domain.recycle_bin = recycle_bin;
    let before = picture(&world);
    hard_delete(&mut world, "sales");
    let past = done(&mut world);
    assert!(!stands(&world, "sales"));
    (world, before, past)
}

#[test]
fn a_deleted_group_is_restored_as_the_same_object_with_its_members() {
    let (mut world, before, past) = deleted(false);
    let first = look(&mut world, &past);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first.concat().starts_with("restore sales: "), "{first:?}");
    assert_eq!(first.get(1).map(String::as_str), Some("add sales: ann bob"));
    // What the tombstone did not keep is seen by a second look.
    assert_eq!(look(&mut world, &past), ["update sales: description displayName"]);
    assert_eq!(look(&mut world, &past), QUIET);
    assert_eq!(picture(&world), before);
    assert_eq!(world.memory.inventory.get(&id("sales")), Some(&object("sales")));
}

#[test]
fn what_the_recycle_bin_kept_needs_no_second_look() {
    let (mut world, before, past) = deleted(true);
    look(&mut world, &past);
    assert_eq!(look(&mut world, &past), QUIET);
    assert_eq!(picture(&world), before);
}

#[test]
fn a_deleted_object_that_cannot_be_seen_any_more_is_told() {
    let (mut world, _, past) = deleted(false);
    world.domain.deleted.clear();
    let told = look(&mut world, &past);
    assert!(told.concat().contains("cannot be seen any more"), "{told:?}");
    // Which right would help, and what else does.
    assert!(told.concat().contains("Reanimate Tombstones"), "{told:?}");
    assert!(told.concat().contains("or restore it by hand"), "{told:?}");
}

#[test]
fn a_deleted_group_whose_place_is_taken_is_told_and_comes_back_later() {
    let (mut world, _, past) = deleted(false);
    let mut world_taken = world.clone().bystander(&id("sales").anchor(), "other", GROUPS);
    let told = look(&mut world_taken, &past);
    assert!(told.concat().contains("does not get its former place back"), "{told:?}");
    assert!(!stands(&world_taken, "sales"));
    look(&mut world, &past);
    assert!(stands(&world, "sales"));
}

#[test]
fn what_was_made_and_ended_in_the_same_change_set_leaves_nothing_to_undo() {
    let mut world = known(world().both("hr", &[])).group("sales", &["ann"]);
    world.domain.recycle_bin = true;
    let mut past = done(&mut world);
    hard_delete(&mut world, "sales");
    past.extend(done(&mut world));
    assert!(!stands(&world, "sales"));
    assert_eq!(look(&mut world, &past), QUIET);
}

#[test]
fn what_ended_and_came_back_in_the_same_change_set_stays() {
    let (mut world, _, mut past) = deleted(true);
    let cloud = known(crate::world::world().both("sales", &["ann", "bob"]));
    world.groups = cloud.groups.clone();
    world.members = cloud.members.clone();
    world.flags = cloud.flags.clone();
    world.presence = BTreeMap::new();
    past.extend(done(&mut world));
    assert!(stands(&world, "sales"), "{:?}", lines(&world));
    look(&mut world, &past);
    assert!(stands(&world, "sales"));
}

#[test]
fn a_change_of_an_undo_says_whose_wish_it_is() {
    let mut world = known(world().both("sales", &["ann"])).group("sales", &["bob"]);
    let past = done(&mut world);
    let (decision, _) = back(&world, &past);
    let cause = Cause::Person("undo of c0ffee".to_owned());
    assert!(decision.plan.changes.iter().all(|change| change.cause == cause));
}

#[test]
fn a_disabled_and_quarantined_group_comes_back() {
    let mut world = known(world().both("sales", &["ann"]).both("hr", &[])).policy(|p| {
        p.deletion.on_disabled = Departure::Quarantine;
        p.deletion.quarantine_container = Some(dn(&format!("OU=Quarantine,{GROUPS}")));
    });
    world = world.flag("sales", Listed::Off);
    let before = picture(&world);
    let past = done(&mut world);
    assert_ne!(picture(&world), before);
    look(&mut world, &past);
    assert_eq!(picture(&world), before);
}

#[test]
fn random_change_sets_are_undone_whole_or_told() {
    let (mut whole, mut told, mut kinds) = (0, 0, BTreeSet::new());
    each_world(|mut world, seed| {
        world.domain.recycle_bin = true;
        let before = world.clone();
        let decision = world.decide(Order::Given);
        // A restoration brings more back than its journal line tells.
        let restores = |change: &Change| matches!(change.effect, Effect::Restore { .. });
        if decision.plan.changes.iter().any(restores) {
            return;
        }
        kinds.extend(decision.plan.writes().map(|change| change.effect.kind().word()));
        let past = done(&mut world);
        let mut conflicts = 0;
        for _ in 0..3 {
            conflicts = look(&mut world, &past).iter().filter(|l| l.starts_with('!')).count();
        }
        if conflicts > 0 {
            told += 1;
            let (decision, _) = back(&world, &past);
            let codes = decision.findings.iter().map(|finding| finding.code);
            assert!(codes.into_iter().all(|code| code == FindingCode::UndoConflict), "{seed}");
            return;
        }
        whole += usize::from(!past.is_empty());
        let (was, is) = (picture(&before), picture(&world));
        let lost: Vec<_> = was.difference(&is).map(|line| world.words(line)).collect();
        let new: Vec<_> = is.difference(&was).map(|line| world.words(line)).collect();
        assert!(lost.is_empty() && new.is_empty(), "{seed}: lost {lost:#?} new {new:#?}");
        assert_eq!(back(&world, &past).0.plan.changes, [], "{seed}");
    });
    assert!(whole > 50 && kinds.len() > 8, "{whole} whole, {told} told, {kinds:?}");
}
