//! A deleted directory group comes back as the same object, or a person is asked.

use writeback::model::ObjectGuid;
use writeback::model::directory::{DeletedGroup, DirectPresence, RecordValue};
use writeback::model::record::RecordState;

use crate::check::check;
use crate::world::{Listed, World, id, object, record, world};

/// A wanted group whose directory group was deleted.
fn deleted(word: &str, records: Vec<RecordValue>) -> World {
    world().group(word, &["ann"]).with(|world| {
        world.names.insert(object(word).0, word.to_owned());
        world.domain.deleted.insert(object(word), tombstone(word, records));
    })
}

fn tombstone(word: &str, records: Vec<RecordValue>) -> DeletedGroup {
    DeletedGroup {
        guid: object(word),
        sam_account_name: Some(id(word).anchor()),
        group_type: Some(-2_147_483_640),
        admin_description: None,
        external_id: Some(id(word).anchor()),
        records,
    }
}

const BACK: &str = "restore sales: adminDescription extensionName sAMAccountName";

#[test]
fn a_deleted_group_is_restored_by_its_external_id() {
    check(&deleted("sales", Vec::new()), BACK);
}

#[test]
fn a_deleted_group_is_restored_by_the_remembered_object() {
    let world = deleted("sales", Vec::new()).with(|world| {
        if let Some(group) = world.domain.deleted.get_mut(&object("sales")) {
            group.external_id = None;
        }
    });
    check(&world, "create sales as Group_sales\nfill sales: ann\nactivate sales");
    let marks = "restore sales: adminDescription extensionName msDS-ExternalDirectoryObjectId \
                 sAMAccountName";
    check(&world.clone().remembered("sales", "sales"), marks);
    let by_us = world.with(|world| {
        world.memory.deleted.insert(id("sales"), object("sales"));
    });
    check(&by_us, marks);
}

#[test]
fn a_record_of_somebody_else_is_not_ours_to_bring_back() {
    let mut other = record("sales", "p", RecordState::Active);
    if let Some(record) = &mut other.record {
        record.owner = "somebody".to_owned();
    }
    check(
        &deleted("sales", vec![other]),
        "create sales as Group_sales\nfill sales: ann\nactivate sales",
    );
    check(&deleted("sales", vec![record("sales", "p", RecordState::Active)]), BACK);
}

#[test]
fn several_deleted_objects_with_one_mark_are_in_doubt() {
    let world = deleted("sales", Vec::new()).with(|world| {
        let twin = DeletedGroup { guid: object("twin"), ..tombstone("sales", Vec::new()) };
        world.domain.deleted.insert(object("twin"), twin);
    });
    check(
        &world,
        "held create sales as Group_sales\nheld fill sales: ann\nheld activate sales\n! DirectoryGroupGone sales",
    );
    check(&world.remembered("sales", "sales"), BACK);
}

#[test]
fn what_cannot_be_restored_waits_for_a_person() {
    let world = world().group("sales", &["ann"]).remembered("sales", "sales").with(|world| {
        world.domain.direct.insert(object("sales"), DirectPresence::Absent);
    });
    check(
        &world,
        "held create sales as Group_sales\nheld fill sales: ann\nheld activate sales\n! DirectoryGroupGone sales",
    );
}

#[test]
fn a_parent_nests_a_child_that_this_pass_restores() {
    let world = deleted("sales", Vec::new()).both("all", &["bob"]).with(|world| {
        let child = world.member("group:sales");
        if let Some(Ok(members)) = world.members.get_mut(&id("all")) {
            members.push(child);
        }
    });
    check(&world, &format!("{BACK}\nadd all: +sales"));
}

#[test]
fn a_restored_group_is_filled_by_the_next_pass_and_then_it_is_quiet() {
    let mut world = deleted("sales", Vec::new());
    for _ in 0..2 {
        let decision = world.decide(crate::observed::Order::Given);
        let changes = decision.plan.changes.clone();
        let results = world.execute(&changes, |_, _| {});
        world.remember(decision, &results);
    }
    let expected: ObjectGuid = object("sales");
    assert_eq!(world.memory.inventory.get(&id("sales")), Some(&expected));
    check(&world, "");
}

#[test]
fn a_group_that_is_not_wanted_stays_deleted() {
    check(&deleted("sales", Vec::new()).flag("sales", Listed::Off), "");
    let remembered = deleted("sales", Vec::new()).remembered("sales", "sales");
    check(&remembered.flag("sales", Listed::Off), "");
}
