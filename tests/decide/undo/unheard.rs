//! Deeds that nobody heard the end of: the answer was lost, or a crash came before it. Where they
//! were done they go back; where they were not, the directory shows what stood before.

use super::{QUIET, deleted, done, look, picture};
use writeback::model::past::{Deed, Past};
use writeback::model::{AttributeChange, ObjectGuid};

use crate::passes::{hard_delete, known, stands};
use crate::world::{GROUPS, World, dn, id, object, world};

fn unheard(mut past: Vec<Past>) -> Vec<Past> {
    for past in &mut past {
        past.heard = false;
    }
    past
}

/// `sales` and a pass that puts `carl` in, takes `ann` out and describes it: the domain before it,
/// the world after it, and what the journal tells without an answer.
fn changed() -> (World, World, Vec<Past>) {
    let describe = |text: &str| Some(text.to_owned());
    let world = known(
        world()
            .both("sales", &["ann", "bob"])
            .cloud("sales", |group| group.description = describe("a"))
            .directory("sales", |group| group.description = describe("a")),
    );
    let mut world = world.group("sales", &["bob", "carl"]);
    world = world.cloud("sales", |group| group.description = describe("b"));
    let before = world.clone();
    let past = unheard(done(&mut world));
    assert_eq!(past.len(), 3, "{past:?}");
    (before, world, past)
}

#[test]
fn what_was_done_and_not_heard_of_goes_back() {
    let (before, mut world, past) = changed();
    let told = look(&mut world, &past);
    assert_eq!(told, ["update sales: description", "add sales: ann", "remove sales: carl"]);
    assert_eq!(picture(&world), picture(&before));
    assert_eq!(look(&mut world, &past), QUIET);
}

#[test]
fn what_was_not_done_and_not_heard_of_is_undone_already() {
    let (mut before, _, past) = changed();
    assert_eq!(look(&mut before, &past), QUIET);
}

#[test]
fn a_second_step_that_may_not_have_been_done_leaves_the_first_to_take_back() {
    for (stands, heard) in [("b", false), ("c", false), ("c", true)] {
        let describe = |text: &str| Some(text.to_owned());
        let mut world = known(world().both("sales", &["ann"]))
            .directory("sales", |group| group.description = describe(stands))
            .directory("sales", |group| group.dn = dn(GROUPS).child(stands));
        let deed = |deed: Deed, from: &str, heard: bool| Past {
            at: world.now,
            policy: crate::world::policy_name("p"),
            group: id("sales"),
            object: Some(object("sales")),
            dn: dn(GROUPS).child(from).to_string(),
            deed,
            heard,
        };
        let modified = |before: &str, after: &str| {
            let (before, after) = (describe(before), describe(after));
            let change = AttributeChange { name: "description".into(), before, after };
            Deed::Modified { attributes: vec![change] }
        };
        let moved = |to: &str| Deed::Moved { to: dn(GROUPS).child(to).to_string() };
        let ann = || vec![object("ann")];
        let past = [
            deed(modified("a", "b"), "a", true),
            deed(modified("b", "c"), "a", heard),
            deed(moved("b"), "a", true),
            deed(moved("c"), "b", heard),
            deed(Deed::MembersAdded(ann()), "c", true),
            deed(Deed::MembersRemoved(ann()), "c", false),
        ];
        let told = look(&mut world, &past);
        let wanted = ["rename sales: a", "update sales: description", "remove sales: ann"];
        assert_eq!(told, wanted, "{stands} {heard}");
    }
}

#[test]
fn a_group_that_was_made_and_not_heard_of_is_found_by_its_record() {
    let before = known(world().both("hr", &["ann"])).group("sales", &[]);
    let mut world = before.clone();
    let mut past = unheard(done(&mut world));
    for past in &mut past {
        past.object = None;
    }
    // The crash came before memory learned anything.
    world.memory.inventory.remove(&id("sales"));
    assert_eq!(look(&mut before.clone(), &past), QUIET, "nothing was made");
    // Somebody gave us another group since: that one nobody made.
    let mut adopted = world.clone();
    let made = adopted.domain.groups.get_mut(&ObjectGuid(id("sales").0)).unwrap();
    made.adopted = Some("writeback-adopted/v1".to_owned());
    assert_eq!(look(&mut adopted, &past), QUIET);
    assert_eq!(look(&mut world, &past), ["delete sales"]);
    assert_eq!(picture(&world), picture(&before));
}

#[test]
fn a_group_that_may_have_been_deleted_comes_back_where_it_was() {
    let (mut world, before, past) = deleted(false);
    let past = unheard(past);
    assert_eq!(look(&mut world, &past).len(), 2);
    assert!(stands(&world, "sales"));
    // Whoever restored it has seen it deleted: what the tombstone lost is put back.
    let past: Vec<_> = past.into_iter().map(|past| Past { heard: true, ..past }).collect();
    assert_eq!(look(&mut world, &past), ["update sales: description displayName"]);
    assert_eq!(picture(&world), before);
}

#[test]
fn a_group_that_was_not_deleted_stays_as_it_is_today() {
    let mut world = known(world().both("sales", &["ann", "bob"]).both("hr", &["ann"]));
    hard_delete(&mut world, "sales");
    let mut after = world.clone();
    let past = unheard(done(&mut after));
    assert!(!stands(&after, "sales"));
    // Since then somebody took a member out: nothing of that is the change set's.
    world.domain.members.entry(object("sales")).or_default().remove(&object("ann"));
    assert_eq!(look(&mut world, &past), QUIET);
}
