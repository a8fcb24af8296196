//! Values of a group that go back: each only where it stands as the change left it.

use std::collections::BTreeSet;

use writeback::model::AttributeChange;
use writeback::model::past::{Deed, Past};
use writeback::model::policy::{NamePreset, NameSource};

use super::{QUIET, done, look, picture};
use crate::passes::known;
use crate::world::{GROUPS, dn, id, object, world};

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
        object: Some(object),
        dn: dn(GROUPS).child(&id("sales").anchor()).to_string(),
        deed: Deed::Modified { attributes: modified },
        heard: true,
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
        object: Some(object(word)),
        dn: place(from),
        deed: Deed::Moved { to: place(to) },
        heard: true,
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
fn a_group_that_the_change_set_took_over_and_gave_back_leaves_nothing_to_undo() {
    let mut world = known(world().both("sales", &[])).directory("sales", |group| {
        group.records.clear();
        (group.admin_description, group.external_id) = (None, None);
    });
    let past = |name: &'static str, after: &str| {
        let after = Some(after.to_owned());
        let attributes = vec![AttributeChange { name: name.into(), before: None, after }];
        [Past {
            at: world.now,
            policy: crate::world::policy_name("p"),
            group: id("sales"),
            object: Some(object("sales")),
            dn: dn(GROUPS).child("sales").to_string(),
            deed: Deed::Modified { attributes },
            heard: true,
        }]
    };
    let (adopted, changed) = (past("extensionName", "writeback/v1;x"), past("description", "x"));
    assert_eq!(look(&mut world, &adopted), QUIET);
    let told = look(&mut world, &changed);
    assert!(told.concat().contains("is not there as a group of ours"), "{told:?}");
}
