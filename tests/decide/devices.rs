//! Devices: which object of the directory each is, and what becomes of those without one.

use writeback::model::cloud::{Link, MemberKind};
use writeback::model::directory::PrincipalClass;
use writeback::model::policy::Devices;
use writeback::model::{DeviceId, ObjectGuid};

use crate::check::check;
use crate::observed::Order;
use crate::world::{World, id, object, sid, world};

/// A group with the device `laptop`, whose directory group holds `bob`.
fn with_device(device_id: Option<ObjectGuid>, link: Link) -> World {
    world().group("sales", &[]).written("sales", &["bob"]).with(|world| {
        let mut laptop = world.member("app:laptop");
        let device_id = device_id.map(|guid| DeviceId(guid.0));
        laptop.kind = MemberKind::Device { device_id, link };
        world.members.insert(id("sales"), Ok(vec![laptop]));
    })
}

fn by_sid(word: &str) -> Link {
    Link { sid: Some(sid(word)), ..Link::default() }
}

fn registered(word: &str, device: ObjectGuid) -> impl FnOnce(&mut World) + '_ {
    move |world| {
        let guid = world.account(word);
        let principal = world.domain.accounts.get_mut(&guid).expect("made above");
        principal.class = PrincipalClass::Device;
        principal.sid = None;
        principal.sam_account_name = None;
        principal.device_id = Some(DeviceId(device.0));
    }
}

const WRITTEN: &str = "add sales: laptop\nremove sales: bob";

#[test]
fn a_hybrid_device_is_the_computer_with_its_device_id() {
    let world = with_device(Some(object("laptop")), Link::default());
    check(&world.principal("device:laptop", |_| ()), WRITTEN);
}

#[test]
fn a_hybrid_device_is_the_computer_with_its_sid() {
    let world = with_device(Some(object("other")), by_sid("laptop"));
    check(&world.principal("device:laptop", |_| ()), WRITTEN);
}

#[test]
fn a_sid_that_no_computer_has_gives_way_to_the_device_id() {
    let world = with_device(Some(object("laptop")), by_sid("nobody"));
    check(&world.principal("device:laptop", |_| ()), WRITTEN);
}

#[test]
fn a_registered_device_is_the_object_that_device_writeback_made() {
    let world = with_device(Some(object("reg")), Link::default());
    check(&world.with(registered("laptop", object("reg"))), WRITTEN);
}

#[test]
fn a_registered_device_may_have_its_device_id_for_its_own() {
    let world = with_device(Some(object("laptop")), Link::default());
    check(&world.with(registered("laptop", object("laptop"))), WRITTEN);
}

#[test]
fn a_computer_comes_before_a_registered_device() {
    let world = with_device(Some(object("laptop")), Link::default())
        .principal("device:laptop", |_| ())
        .with(registered("double", object("laptop")));
    check(&world, WRITTEN);
}

#[test]
fn a_device_without_an_object_is_left_out_and_the_others_are_written() {
    let world = with_device(Some(object("laptop")), Link::default());
    check(&world, "remove sales: bob\n! DeviceNotWrittenBack sales");
    let unreadable_id = with_device(None, Link::default());
    check(&unreadable_id, "remove sales: bob\n! DeviceNotWrittenBack sales");
}

#[test]
fn a_device_that_vanished_leaves_the_object_it_led_to() {
    let world = with_device(Some(object("gone")), by_sid("gone")).with(|world| {
        let old = world.account("device:old");
        world.domain.members.entry(object("sales")).or_default().insert(old);
        world.memory.counterparts.insert(id("laptop"), old);
    });
    check(&world, "remove sales: bob\n! DeviceNotWrittenBack sales");
    let forgotten = world.with(|world| world.memory.counterparts.clear());
    check(&forgotten, "remove sales: bob old\n! DeviceNotWrittenBack sales");
}

#[test]
fn a_computer_that_the_domain_does_not_show_stays_where_the_device_id_names_it() {
    let world = with_device(Some(object("far")), Link::default()).with(|world| {
        world.domain.members.entry(object("sales")).or_default().insert(object("far"));
    });
    check(&world, "remove sales: bob\n! DeviceNotWrittenBack sales");
}

#[test]
fn a_device_that_leads_to_no_computer_is_ambiguous() {
    let account = with_device(Some(object("ann")), Link::default()).principal("ann", |_| ());
    check(&account, "! LinkAmbiguous sales\n! LinkLost sales");
    let account = with_device(Some(object("laptop")), by_sid("ann")).principal("ann", |_| ());
    check(&account, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn a_device_whose_sid_and_id_disagree_is_ambiguous() {
    let world = with_device(Some(object("one")), by_sid("two"))
        .principal("device:one", |_| ())
        .principal("device:two", |_| ());
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn registered_devices_of_one_id_are_ambiguous() {
    let world = with_device(Some(object("reg")), Link::default())
        .with(registered("one", object("reg")))
        .with(registered("two", object("reg")));
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn a_computer_that_no_device_leads_to_is_removed() {
    let world =
        world().group("sales", &["device:laptop"]).written("sales", &["bob", "device:desktop"]);
    check(&world, "add sales: laptop\nremove sales: bob desktop");
}

#[test]
fn a_link_of_a_device_is_remembered() {
    let world = world().group("sales", &["device:laptop"]).written("sales", &[]);
    let followed = world.decide(Order::Given).lessons.counterparts;
    assert_eq!(followed.get(&id("laptop")), Some(&object("laptop")));
}

#[test]
fn skipped_devices_are_left_out_counted_and_taken_out() {
    let world = world()
        .group("sales", &["device:laptop", "device:desktop", "ann"])
        .written("sales", &["device:laptop", "ann"])
        .policy(|p| p.members.devices = Devices::Skip);
    check(&world, "remove sales: laptop\n! MemberTypeSkipped sales");
    let finding = world.decide(Order::Given).findings.pop().expect("a finding");
    assert!(finding.message.starts_with("2 members are left out as devices"), "{finding:?}");
}

#[test]
fn a_device_whose_witness_is_hidden_matters_only_to_those_who_write_devices() {
    let world = world().group("sales", &["ann", "blind:pc"]).written("sales", &["ann"]);
    let world = world.with(|world| {
        for member in world.members.values_mut().flatten().flatten() {
            if member.id == id("pc") {
                member.kind = MemberKind::Unreadable("deviceId");
            }
        }
    });
    check(&world, "unknown sales\n! MembersUnread sales");
    let skipped = world.policy(|p| p.members.devices = Devices::Skip);
    check(&skipped, "! MemberTypeSkipped sales");
}
