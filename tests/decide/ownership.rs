//! Whose directory groups are: the ownership table, row by row.

use writeback::model::directory::RecordValue;
use writeback::model::record::RecordState;
use writeback::model::{OwnershipRecord, TenantId};

use crate::check::check;
use crate::observed::Order;
use crate::world::{World, dn, id, object, record, tenant, world};

/// A cloud group with a member that its directory group lacks: whoever may write it, would.
fn sales() -> World {
    world().group("sales", &["ann"]).written("sales", &[])
}

fn edited(edit: impl FnOnce(&mut OwnershipRecord)) -> RecordValue {
    let mut record = record("sales", "p", RecordState::Active).record.expect("a record");
    edit(&mut record);
    RecordValue { text: record.to_string(), record: Some(record) }
}

/// A second object with the marks of the group.
fn twin(world: World) -> World {
    world.written("twin", &[]).directory("twin", |group| {
        group.admin_description = Some(id("sales").anchor());
        group.external_id = None;
        group.records = vec![record("sales", "p", RecordState::Active)];
    })
}

#[test]
fn our_record_and_anchor_on_the_remembered_object_is_ours() {
    check(&sales().remembered("sales", "sales"), "add sales: ann");
}

#[test]
fn another_anchor_than_the_record_freezes_the_group() {
    for attribute in ["adminDescription", "msDS-ExternalDirectoryObjectId"] {
        let world = sales().directory("sales", |group| {
            let other = Some(id("hr").anchor());
            if attribute == "adminDescription" {
                group.admin_description = other;
            } else {
                group.external_id = other;
            }
        });
        check(&world, "! AnchorChanged sales");
    }
}

#[test]
fn another_object_than_the_remembered_one_freezes_the_group() {
    check(&sales().remembered("sales", "elsewhere"), "! AnchorChanged sales");
}

#[test]
fn an_object_in_doubt_is_not_remembered() {
    let mut world = sales().remembered("sales", "elsewhere");
    for _ in 0..3 {
        let decision = world.decide(Order::Given);
        world.remember(decision, &[]);
    }
    check(&world, "! AnchorChanged sales");
}

#[test]
fn an_anchor_without_a_record_is_foreign() {
    let world = sales().directory("sales", |group| group.records.clear());
    check(&world, "! Foreign sales");
}

#[test]
fn a_taken_over_anchor_without_a_record_is_foreign() {
    let world = sales().directory("sales", |group| {
        group.records.clear();
        group.external_id = None;
        group.admin_description = Some(format!("TakenOver_{}", id("sales").anchor()));
    });
    check(&world, "! Foreign sales");
}

#[test]
fn a_foreign_group_that_no_policy_takes_is_nobodys_business() {
    let world = world().written("sales", &["ann"]).directory("sales", |g| g.records.clear());
    check(&world, "");
}

#[test]
fn a_group_without_its_anchor_gets_it_back_from_the_record() {
    let world = sales().directory("sales", |group| {
        group.admin_description = None;
        group.external_id = None;
    });
    let anchors = "update sales: adminDescription msDS-ExternalDirectoryObjectId";
    check(&world, &format!("{anchors}\nadd sales: ann"));
}

#[test]
fn a_privileged_object_that_is_not_ours_is_never_written() {
    let world = sales().directory("sales", |group| {
        group.records.clear();
        group.privileged = true;
    });
    check(&world, "! Foreign sales");
}

#[test]
fn a_record_of_another_owner_or_tenant_is_somebody_elses() {
    let others = [
        edited(|record| record.owner = "other".to_owned()),
        edited(|record| record.tenant = TenantId(object("other").0)),
    ];
    for other in others {
        let world = sales().directory("sales", |group| group.records = vec![other]);
        check(&world, "! OwnedElsewhere sales");
    }
    assert_ne!(tenant(), TenantId(object("other").0));
}

#[test]
fn a_record_that_this_version_cannot_read_is_somebody_elses() {
    let text = "writeback/v2;owner=corp".to_owned();
    let world = sales()
        .directory("sales", |group| group.records = vec![RecordValue { text, record: None }]);
    check(&world, "! OwnedElsewhere sales");
}

#[test]
fn two_records_on_one_object_leave_it_alone() {
    let world = sales().directory("sales", |group| {
        group.records.push(edited(|record| record.owner = "other".to_owned()));
    });
    check(&world, "! OwnedElsewhere sales");
    let doubled = sales().directory("sales", |group| {
        group.records.push(record("sales", "p", RecordState::Filling));
    });
    check(&doubled, "! AnchorChanged sales");
}

#[test]
fn one_mark_on_two_objects_freezes_both() {
    check(&twin(sales()), "! AnchorNotUnique sales");
}

#[test]
fn one_mark_on_two_objects_stays_in_doubt_pass_after_pass() {
    let mut world = twin(sales());
    for _ in 0..3 {
        let decision = world.decide(Order::Given);
        world.remember(decision, &[]);
    }
    check(&world, "! AnchorNotUnique sales");
}

#[test]
fn of_two_objects_with_one_mark_the_remembered_one_stays_ours() {
    let world = twin(sales()).remembered("sales", "sales");
    check(&world, "add sales: ann\n! AnchorChanged sales\n! AnchorNotUnique sales");
}

#[test]
fn a_foreign_twin_freezes_our_group_unless_it_is_remembered() {
    let world = twin(sales()).directory("twin", |group| group.records.clear());
    check(&world, "! AnchorNotUnique sales");
    check(&world.remembered("sales", "sales"), "add sales: ann\n! AnchorNotUnique sales");
}

#[test]
fn two_foreign_objects_with_one_anchor_stay_untouched() {
    let world = twin(sales())
        .directory("twin", |group| group.records.clear())
        .directory("sales", |group| group.records.clear());
    check(&world, "! AnchorNotUnique sales");
}

#[test]
fn an_anchor_that_strayed_onto_another_group_of_ours_keeps_that_id_from_being_created() {
    let world = sales().group("hr", &[]).directory("sales", |group| {
        group.external_id = Some(id("hr").anchor());
    });
    check(&world, "! AnchorChanged hr\n! AnchorChanged sales");
}

#[test]
fn a_group_outside_the_containers_is_frozen_and_not_created_again() {
    let world = sales().directory("sales", |group| {
        group.dn = dn("OU=Elsewhere,DC=corp,DC=example").child("Group_sales");
    });
    check(&world, "! OutsideContainers sales");
}

#[test]
fn an_unmarked_group_is_invisible() {
    let world = world().both("sales", &["ann"]).with(|world| {
        world.account("onprem:unmarked");
    });
    check(&world, "");
}
