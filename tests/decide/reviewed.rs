//! What was reviewed stays what it was while people come and go, whichever policy is edited; and
//! is another thing as soon as the edit itself does something else.

use writeback::decide::guard::Guarded;
use writeback::model::policy::{
    Devices, HiddenMembership, Keep, KeepReference, MemberBasis, MemberMode, Mode, NamePreset,
    NameSource, Nested, Place, Policy,
};
use writeback::model::{Digest, Leave};

use crate::check::guarded as judged;
use crate::memory::{causes, pass};
use crate::observed::Order;
use crate::world::{Listed, World, id, only, sid, world};

fn guarded(world: &World) -> Guarded {
    judged(world, &world.decide(Order::Given))
}

/// Whether two plans come to the same for whoever reviewed one of them.
fn same_review(one: &World, other: &World) -> bool {
    let (one, other) = (guarded(one), guarded(other));
    assert_ne!(one.digest, other.digest, "the plans do not differ at all");
    one.reviewed == other.reviewed
}

/// A group with a device, which the policy leaves out, and a nested group; passes have made it so.
fn settled() -> World {
    let world = world().policy(|p| p.members.devices = Devices::Skip);
    let mut world = world
        .group("sales", &["ann", "bob", "device:laptop", "group:team"])
        .group("team", &["cid"]);
    // Which object a nested group is that was made with it, the next pass sees.
    pass(&mut world);
    pass(&mut world);
    assert_eq!(causes(&world), [""; 0]);
    world
}

/// A pull request that edits the policy so.
fn edited(world: &World, edit: impl FnOnce(&mut Policy)) -> World {
    world.clone().policy(|p| {
        edit(p);
        p.generation = Digest::of(b"edited");
    })
}

fn other_names(policy: &mut Policy) {
    policy.group.common_name.source = NameSource::Preset(NamePreset::DisplayNameAndId);
}

/// Eve joins.
fn joined(world: &World) -> World {
    world.clone().group("sales", &["ann", "bob", "device:laptop", "group:team", "eve"])
}

#[test]
fn who_joins_while_other_names_are_reviewed_changes_nothing_of_it() {
    let request = edited(&settled(), other_names);
    let merged = joined(&request);
    assert_eq!(
        causes(&merged),
        [
            "rename sales: sales_~sales: policy line 20",
            "rename team: team_~team: policy line 20",
            "add sales: eve: cloud"
        ]
    );
    assert!(same_review(&request, &merged));
    // What the edit does is another thing as soon as it does it to one more group.
    let more = merged.clone().group("more", &[]);
    assert!(!same_review(&merged, &more));
}

#[test]
fn a_rule_about_members_that_is_edited_is_reviewed_with_whom_it_brings() {
    let before = settled();
    let request = edited(&before, |p| p.members.devices = Devices::Include);
    assert_eq!(causes(&request), ["add sales: laptop: policy line 30"]);
    assert!(!same_review(&before, &request));
    // Whoever joins the very groups that the rule concerns is part of it.
    let merged = joined(&request);
    assert_eq!(causes(&merged), ["add sales: eve laptop: policy line 30"]);
    assert!(!same_review(&request, &merged));
}

#[test]
fn each_rule_counts_for_those_that_it_brings_or_takes() {
    let place = Place { file: "p.yaml".to_owned(), line: 31, column: 5 };
    let keep = |line| Keep {
        place: Place { line, ..place.clone() },
        object: KeepReference::Sid(sid("bob")),
    };
    let before = settled();
    let policy = |world: &World| world.policies.first().expect("the policy").policy.clone();
    let basis = |edit: &dyn Fn(&mut Policy)| MemberBasis::of(&policy(&edited(&before, edit)));
    let as_it_was = basis(&|_| ());
    let both: [&dyn Fn(&mut Policy); 6] = [
        &|p| p.members.devices = Devices::Include,
        &|p| p.members.nested = Nested::Flatten,
        &|p| p.members.maximum_security = 10,
        &|p| p.members.maximum_microsoft_365 = 10,
        &|p| p.selection.hidden_membership = HiddenMembership::Write,
        &|p| p.mode = Mode::CreateOnly,
    ];
    for edit in both {
        let then = basis(edit);
        assert_ne!(then.additions, as_it_was.additions);
        assert_ne!(then.removals, as_it_was.removals);
    }
    let of_removals: [&dyn Fn(&mut Policy); 3] =
        [&|p| p.members.mode = MemberMode::AddOnly, &|p| p.members.keep.push(keep(31)), &|p| {
            p.mode = Mode::UpsertOnly;
        }];
    for edit in of_removals {
        let then = basis(edit);
        assert_eq!(then.additions, as_it_was.additions);
        assert_ne!(then.removals, as_it_was.removals);
        let request = edited(&before, edit);
        assert!(same_review(&request, &joined(&request)));
    }
    // Neither the place of an entry counts, nor how often it stands there.
    let once = basis(&|p| p.members.keep.push(keep(31)));
    assert_eq!(once, basis(&|p| p.members.keep.extend([keep(40), keep(41)])));
    let nothing: [&dyn Fn(&mut Policy); 4] =
        [&other_names, &|p| p.members_place = place.clone(), &|p| p.precedence = 7, &|p| {
            p.selection.exclude.push(only(&["nobody"]));
        }];
    for edit in nothing {
        assert_eq!(basis(edit), as_it_was);
    }
}

#[test]
fn who_is_taken_out_by_an_edited_rule_goes_by_the_policy_and_who_left_by_the_tenant() {
    let left = settled().group("sales", &["ann", "device:laptop", "group:team"]);
    let named = edited(&left, other_names);
    let removal = |world: &World| causes(world).into_iter().find(|line| line.starts_with("remove"));
    assert_eq!(removal(&named).as_deref(), Some("remove sales: bob: cloud"));
    // Every removal is reviewed, whoever is its cause.
    assert!(!same_review(&edited(&settled(), other_names), &named));
    let flat = edited(&settled(), |p| p.members.nested = Nested::Skip);
    assert_eq!(removal(&flat).as_deref(), Some("remove sales: team: policy line 30"));
    let narrow = edited(&settled(), |p| p.selection.include = Some(vec![only(&["sales"])]));
    let narrow = narrow.with(|world| {
        world.memory.left.insert(id("team"), (Leave::OutOfScope, world.now));
    });
    assert_eq!(removal(&narrow).as_deref(), Some("remove sales: team: policy line 10"));
}

#[test]
fn a_nested_group_that_the_edit_brings_is_the_policys_and_one_that_the_tenant_brings_is_not() {
    let narrow = world().policy(|p| p.selection.exclude.push(only(&["team"])));
    let mut before = narrow.group("sales", &["ann", "group:team"]).group("team", &["cid"]);
    pass(&mut before);
    let request = edited(&before, |p| p.selection.exclude.clear());
    let added = |world: &World| causes(world).into_iter().find(|line| line.starts_with("add"));
    assert_eq!(added(&request).as_deref(), Some("add sales: +team: policy line 10"));
    assert!(!same_review(&before.clone().group("sales", &["eve", "ann", "group:team"]), &request));

    // Under an unchanged text it was the flag.
    let mut before = settled().flag("team", Listed::Off);
    pass(&mut before);
    pass(&mut before);
    let back = before.flag("team", Listed::On);
    assert_eq!(causes(&back), ["add sales: team: cloud"]);
}

#[test]
fn what_waited_for_a_group_out_of_scope_comes_by_the_edit_that_selects_it_again() {
    let mut before = settled().policy(|p| {
        p.selection.exclude.push(only(&["sales"]));
        p.generation = Digest::of(b"without");
    });
    pass(&mut before);
    let waits = joined(&before);
    assert_eq!(causes(&waits), causes(&before));
    let request = edited(&waits, |p| p.selection.exclude.clear());
    assert_eq!(causes(&request), ["add sales: eve: policy line 10"]);
}

#[test]
fn a_memory_of_an_earlier_version_takes_any_edit_for_one_of_the_rules() {
    let mut before = settled();
    for intent in before.memory.intents.values_mut() {
        intent.member_basis = None;
    }
    // Without an edit it was the tenant all the same.
    assert_eq!(causes(&joined(&before)), ["add sales: eve: cloud"]);
    let request = edited(&before, other_names);
    assert!(!same_review(&request, &joined(&request)));
    // One pass later it is known.
    pass(&mut before);
    let request = edited(&before, other_names);
    assert!(same_review(&request, &joined(&request)));
}

#[test]
fn a_text_of_the_tenant_is_the_tenants_whichever_policy_is_edited() {
    let request = edited(&settled(), |p| p.members.devices = Devices::Include);
    let told =
        |world: World| world.cloud("sales", |group| group.description = Some("Sells.".to_owned()));
    let merged = told(request.clone());
    assert!(causes(&merged).contains(&"update sales: description: cloud".to_owned()));
    assert!(same_review(&request, &merged));
}

#[test]
fn a_group_that_changes_hands_keeps_the_cause_of_its_members() {
    let before = settled();
    let request = before.clone().also("q", |q| {
        q.precedence = 1;
        q.members.devices = Devices::Skip;
        q.selection.include = Some(vec![only(&["sales"])]);
    });
    let merged = joined(&request);
    let lines = causes(&merged);
    assert!(lines.contains(&"handover sales: p to q: policy line 10".to_owned()), "{lines:?}");
    assert!(lines.contains(&"add sales: eve: cloud".to_owned()), "{lines:?}");
    assert!(same_review(&request, &merged));
}
