//! Release: the marks that are taken off, and the group that stays as it is.

use writeback::decide::adopt::{Which, release};

use super::{alike, pass};
use crate::apply::containers;
use crate::check::check;
use crate::world::{OWNER, World, dn, id, object, tenant, world};

/// The lines of what `release` would do.
fn released(world: &World, which: Which, anchor: bool) -> (Vec<String>, Vec<String>) {
    let directory = world.directory_snapshot();
    let owner = (OWNER, tenant());
    let released = release(&directory, &containers(), owner, which, anchor);
    let changes = released.plan.changes.iter();
    (changes.map(|change| crate::check::line(world, change)).collect(), released.refused)
}

#[test]
fn release_takes_our_marks_off_and_the_anchors_only_when_asked() {
    let mut world = alike();
    pass(&mut world);
    let (lines, refused) = released(&world, Which::Group(id("sales")), false);
    assert_eq!(
        (lines, refused.len()),
        (vec!["release sales: extensionName extensionName".into()], 0)
    );
    let (lines, _) = released(&world, Which::Object(object("old")), true);
    let all = "release sales: adminDescription extensionName extensionName \
               msDS-ExternalDirectoryObjectId";
    assert_eq!(lines, [all]);
}

#[test]
fn release_leaves_the_group_as_it_is() {
    let mut world = alike();
    pass(&mut world);
    let before = (world.domain.groups[&object("old")].clone(), world.domain.members.clone());
    let directory = world.directory_snapshot();
    let plan = release(&directory, &containers(), (OWNER, tenant()), Which::All, true).plan;
    let results = world.execute(&plan.changes, |_, _| {});
    assert!(results.iter().all(|result| result.outcome.achieved()));
    let after = &world.domain.groups[&object("old")];
    assert!(
        after.records.is_empty() && after.adopted.is_none() && after.admin_description.is_none()
    );
    assert_eq!((&after.dn, after.group_type), (&before.0.dn, before.0.group_type));
    assert_eq!(world.domain.members, before.1);
}

#[test]
fn what_was_released_is_foreign_and_not_made_again() {
    let mut world = world().both("sales", &["ann"]);
    let directory = world.directory_snapshot();
    let plan = release(&directory, &containers(), (OWNER, tenant()), Which::All, false).plan;
    world.execute(&plan.changes, |_, _| {});
    check(&world, "! Foreign sales");
}

#[test]
fn release_means_those_with_our_record_alone() {
    let world = world().both("sales", &[]).both("hr", &[]).directory("hr", |group| {
        for value in &mut group.records {
            let record = value.record.as_mut().expect("it is ours");
            "other".clone_into(&mut record.owner);
        }
    });
    assert_eq!(released(&world, Which::All, false).0, ["release sales: extensionName"]);
    assert_eq!(released(&world, Which::Group(id("hr")), false).0, Vec::<String>::new());
}

#[test]
fn release_writes_nothing_outside_the_containers() {
    let world = world().both("sales", &[]).directory("sales", |group| {
        group.dn = dn("OU=Elsewhere,DC=corp,DC=example").child("sales");
    });
    let (lines, refused) = released(&world, Which::All, true);
    assert!(lines.is_empty() && refused.len() == 1, "{lines:?} {refused:?}");
}
