//! The way back of a change set: three-way against today, value by value, in one look or two.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use writeback::decide::conclude::{Course, remember_errand};
use writeback::decide::guard::{Answers, Guarded, Row};
use writeback::decide::{Decision, errand, undo};
use writeback::model::change::{Cause, Change, Effect, MemberReference};
use writeback::model::past::{Deed, Past};
use writeback::model::policy::{Departure, NamePreset, NameSource};
use writeback::model::{AttributeChange, Digest, FindingCode, ObjectGuid};

use crate::check::{line, lines};
use crate::observed::Order;
use crate::passes::{approve, hard_delete, known, pass, stands, strs, weigh, words};
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
            object,
            dn: change.target.dn().to_string(),
            deed: deed(change)?,
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
fn members_go_back_to_where_they_were() {
    let world = known(world().both("sales", &["ann", "bob"]));
    let mut world = world.group("sales", &["bob", "carl"]);
    let before = picture(&world);
    let past = done(&mut world);
    assert_eq!(look(&mut world, &past), ["add sales: ann", "remove sales: carl"]);
    assert_eq!(picture(&world), before);
    assert_eq!(look(&mut world, &past), QUIET);
}

#[test]
fn a_member_who_is_back_already_or_gone_again_is_left_as_he_is() {
    let world = known(world().both("sales", &["ann", "bob", "eve"]));
    let mut world = world.group("sales", &["bob", "carl", "dora"]);
    let past = done(&mut world);
    let members = world.domain.members.entry(object("sales")).or_default();
    members.insert(object("ann"));
    members.remove(&object("dora"));
    assert_eq!(look(&mut world, &past), ["add sales: eve", "remove sales: carl"]);
}

#[test]
fn a_former_member_who_is_not_in_the_domain_any_more_is_told() {
    let world = known(world().both("sales", &["ann", "bob", "eve"]));
    let mut world = world.group("sales", &["bob"]);
    let past = done(&mut world);
    world.domain.accounts.remove(&object("eve"));
    let told = look(&mut world, &past);
    assert_eq!(told.first().map(String::as_str), Some("add sales: ann"));
    assert!(told.concat().contains("1 former members"), "{told:?}");
}

/// A pass that writes another description; today it is this.
fn described(today: Option<&str>) -> Vec<String> {
    let describe = |text: Option<&str>| text.map(str::to_owned);
    let world = known(
        world()
            .both("sales", &[])
            .cloud("sales", |group| group.description = describe(Some("a")))
            .directory("sales", |group| group.description = describe(Some("a"))),
    );
    let mut world = world.cloud("sales", |group| group.description = describe(Some("b")));
    let past = done(&mut world);
    let mut world = world.directory("sales", |group| group.description = describe(today));
    look(&mut world, &past)
}

#[test]
fn a_value_goes_back_only_where_it_stands_as_it_was_left() {
    assert_eq!(described(Some("b")), ["update sales: description"]);
    assert_eq!(described(Some("a")), QUIET);
    for changed in [Some("c"), None] {
        let told = described(changed);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told.concat().contains("description of"), "{told:?}");
        assert!(told.concat().contains("was changed since: it stays"), "{told:?}");
    }
}

#[test]
fn one_value_among_several_is_told_from_the_others() {
    let world = known(world().both("sales", &[]));
    let object = object("sales");
    let address = |before: &str, after: &str| {
        let of = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        AttributeChange { name: "proxyAddresses".into(), before: of(before), after: of(after) }
    };
    let modified = vec![address("SMTP:a@x", "SMTP:b@x"), address("", "smtp:a@x")];
    let past = Past {
        at: world.now,
        policy: crate::world::policy_name("p"),
        group: id("sales"),
        object,
        dn: dn(GROUPS).child(&id("sales").anchor()).to_string(),
        deed: Deed::Modified { attributes: modified },
    };
    let with = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        world.clone().directory("sales", |group| {
            group.attributes.insert("proxyAddresses".into(), values);
        })
    };
    let mut after = with(&["smtp:other@x", "SMTP:b@x", "smtp:a@x"]);
    assert_eq!(
        look(&mut after, std::slice::from_ref(&past)),
        ["update sales: proxyAddresses proxyAddresses"]
    );
    let values: BTreeSet<_> = after.values(object, "proxyAddresses").into_iter().collect();
    assert_eq!(values, BTreeSet::from(["smtp:other@x".to_owned(), "SMTP:a@x".to_owned()]));
    // Somebody gave it another primary address since.
    let told = look(&mut with(&["SMTP:c@x", "smtp:a@x"]), std::slice::from_ref(&past));
    assert_eq!(told.first().map(String::as_str), Some("update sales: proxyAddresses"));
    assert!(told.concat().contains("was changed since"), "{told:?}");
}

#[test]
fn several_changes_of_one_value_are_undone_to_the_first() {
    let world = known(world().both("sales", &["ann"]));
    let mut all = Vec::new();
    let mut world = world;
    let before = picture(&world);
    for (text, members) in [("a", &["ann", "bob"][..]), ("b", &["bob"]), ("c", &["bob", "ann"])] {
        world = world.group("sales", members);
        world = world.cloud("sales", |group| group.description = Some(text.to_owned()));
        all.extend(done(&mut world));
    }
    look(&mut world, &all);
    assert_eq!(picture(&world), before);
}

#[test]
fn a_type_goes_back_by_conversion() {
    let mut world = known(world().both("team", &["ann"])).cloud("team", |group| {
        group.kind = writeback::model::GroupKind::Microsoft365;
    });
    let before = picture(&world);
    let past = done(&mut world);
    assert_ne!(picture(&world), before);
    let told = look(&mut world, &past);
    assert!(told.contains(&"convert team: distribution to security".to_owned()), "{told:?}");
    assert_eq!(picture(&world), before);
}

#[test]
fn names_go_back_in_an_order_in_which_each_is_free() {
    // `c` left its name, `b` took it, `a` took that of `b`.
    let mut world = known(world().both("a", &[]).both("b", &[]).both("c", &[]));
    for (word, name) in [("a", "one"), ("b", "two"), ("c", "three")] {
        world = world.directory(word, |group| group.dn = dn(GROUPS).child(name));
    }
    let before = picture(&world);
    let place = |name: &str| dn(GROUPS).child(name).to_string();
    let step = |word: &str, from: &str, to: &str| Past {
        at: world.now,
        policy: crate::world::policy_name("p"),
        group: id(word),
        object: object(word),
        dn: place(from),
        deed: Deed::Moved { to: place(to) },
    };
    let past = [step("c", "three", "four"), step("b", "two", "three"), step("a", "one", "two")];
    for (word, name) in [("a", "two"), ("b", "three"), ("c", "four")] {
        world = world.directory(word, |group| group.dn = dn(GROUPS).child(name));
    }
    let told = look(&mut world, &past);
    assert_eq!(told, ["rename a: one", "rename b: two", "rename c: three"]);
    assert_eq!(picture(&world), before);
}

#[test]
fn names_that_were_swapped_are_told_not_tried() {
    let mut world = known(world().both("a", &[]).both("b", &[]));
    for (word, name) in [("a", "b"), ("b", "a")] {
        world = world.directory(word, |group| group.dn = dn(GROUPS).child(&id(name).anchor()));
    }
    let past = done(&mut world);
    assert_eq!(past.len(), 3);
    let told = look(&mut world, &past);
    assert_eq!(told.iter().filter(|line| line.contains("former place")).count(), 2, "{told:?}");
}

#[test]
fn a_group_that_was_moved_again_stays_where_it_is() {
    let mut world = known(world().both("sales", &[])).policy(|p| {
        p.group.common_name.source = NameSource::Preset(NamePreset::DisplayNameAndId);
    });
    let past = done(&mut world);
    let mut world = world.directory("sales", |group| group.dn = dn(GROUPS).child("by hand"));
    let told = look(&mut world, &past);
    assert!(told.concat().contains("was renamed or moved again since"), "{told:?}");
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
fn an_undo_passes_through_the_same_guard() {
    let members = words("u", 40);
    let new = words("n", 40);
    let world = known(world().both("sales", &strs(&members)));
    let all: Vec<_> = members.iter().chain(&new).map(String::as_str).collect();
    let mut world = world.group("sales", &all);
    let past = done(&mut world);
    world.memory.added.clear();
    let (_, guarded) = back(&world, &past);
    assert_eq!(guarded.admitted.changes(), []);
    let rows: Vec<_> = guarded.held.holds.iter().map(|hold| hold.row).collect();
    assert_eq!(rows, [Row::MembershipsRemoved, Row::OneGroup]);
    approve(&mut world, &guarded.held.digest().expect("held").short(), &guarded.held);
    let (decision, guarded) = back(&world, &past);
    assert_eq!(guarded.admitted.changes(), decision.plan.changes);
}

#[test]
fn a_change_of_an_undo_says_whose_wish_it_is() {
    let mut world = known(world().both("sales", &["ann"])).group("sales", &["bob"]);
    let past = done(&mut world);
    let (decision, _) = back(&world, &past);
    let cause = Cause::Person("undo of c0ffee".to_owned());
    assert!(decision.plan.changes.iter().all(|change| change.cause == cause));
}

/// `sales` lost ann, and that was undone; the tenant still wants it.
fn undone() -> World {
    let mut world = known(world().both("sales", &["ann", "bob"]).both("hr", &["ann"]));
    world = world.group("sales", &["bob"]);
    let past = done(&mut world);
    assert_eq!(undo::groups(&past), [id("sales")].into());
    look(&mut world, &past);
    world.memory.added.clear();
    world.memory.undone.insert(id("sales"), Digest::of(b"the change set"));
    world
}

#[test]
fn what_would_do_again_what_was_undone_is_held_until_nobody_wants_it() {
    let mut world = undone();
    let passed = pass(&mut world);
    assert_eq!(passed.lines, ["held remove sales: ann"]);
    assert_eq!(passed.rows(), [(Row::Undone, 1, 0)]);
    let mut world = world.group("hr", &["bob"]);
    assert_eq!(pass(&mut world).lines.len(), 3, "other groups go on");
    // Nobody wants it any more: the next time is a new wish.
    let mut world = world.group("sales", &["ann", "bob"]);
    pass(&mut world);
    assert!(world.memory.undone.is_empty());
    let mut world = world.group("sales", &["bob"]);
    assert_eq!(pass(&mut world).lines, ["remove sales: ann"]);
}

#[test]
fn an_approval_does_again_what_was_undone() {
    let mut world = undone();
    let passed = pass(&mut world);
    approve(&mut world, &passed.digest().short(), &passed.held);
    assert_eq!(pass(&mut world).lines, ["remove sales: ann"]);
    pass(&mut world);
    assert!(world.memory.undone.is_empty());
}

#[test]
fn a_policy_that_is_suspended_meanwhile_forgets_no_undo() {
    let mut world = undone().policy(|p| p.suspend = true);
    pass(&mut world);
    pass(&mut world);
    let mut world = world.policy(|p| p.suspend = false);
    assert_eq!(pass(&mut world).lines, ["held remove sales: ann"]);
}

#[test]
fn a_second_undo_is_not_held_by_the_first() {
    let mut world = undone();
    let past = Past {
        at: world.now,
        policy: crate::world::policy_name("p"),
        group: id("sales"),
        object: object("sales"),
        dn: dn(GROUPS).child(&id("sales").anchor()).to_string(),
        deed: Deed::MembersAdded(vec![object("bob")]),
    };
    let (_, guarded) = back(&world, std::slice::from_ref(&past));
    assert_eq!(guarded.admitted.changes().len(), 1);
    assert_eq!(look(&mut world, &[past]), ["remove sales: bob"]);
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
