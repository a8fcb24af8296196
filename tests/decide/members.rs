//! Members: who is in a group, who stays although nothing says so, when nothing is removed.

use writeback::model::cloud::{Link, Links, MemberKind};
use writeback::model::directory::PrincipalClass;
use writeback::model::record::RecordState;
use writeback::model::{FindingCode, ObjectGuid};

use crate::check::{check, lines};
use crate::observed::Order;
use crate::world::{Listed, World, id, object, record, sid, world};

/// A group with these cloud members whose directory group holds `bob`.
fn sales(members: &[&str]) -> World {
    world().group("sales", members).written("sales", &["bob"])
}

/// Gives a user of a group another link.
fn linked(world: World, user: &str, link: &Link) -> World {
    world.with(|world| {
        for members in world.members.values_mut().flatten() {
            for member in members.iter_mut().filter(|member| member.id == id(user)) {
                member.kind = MemberKind::User(link.clone());
            }
        }
    })
}

fn immutable(guid: ObjectGuid) -> Link {
    Link { immutable_id: Some(guid), ..Link::default() }
}

#[test]
fn a_user_with_an_account_is_a_member_and_a_stranger_is_removed() {
    check(&sales(&["ann"]), "add sales: ann\nremove sales: bob");
}

#[test]
fn a_member_taken_out_by_hand_is_put_back() {
    check(&world().group("sales", &["ann", "bob"]).written("sales", &["bob"]), "add sales: ann");
}

#[test]
fn without_a_sid_the_immutable_id_leads_to_the_consistency_guid() {
    let world = linked(sales(&["ann"]), "ann", &immutable(object("key")))
        .principal("ann", |p| p.consistency_guid = Some(object("key")));
    check(&world, "add sales: ann\nremove sales: bob");
}

#[test]
fn without_a_consistency_guid_the_immutable_id_is_the_object_guid() {
    check(
        &linked(sales(&["ann"]), "ann", &immutable(object("ann"))),
        "add sales: ann\nremove sales: bob",
    );
}

#[test]
fn an_object_guid_is_not_meant_where_the_object_carries_another_key() {
    let world = linked(sales(&["ann"]), "ann", &immutable(object("ann")))
        .principal("ann", |p| p.consistency_guid = Some(object("key")));
    check(&world, "! CounterpartMissing sales\n! LinkLost sales");
}

#[test]
fn a_user_without_a_link_is_left_out_once_memory_has_seen_it_so() {
    let world = sales(&["nolink:eve"]).with(|world| {
        world.memory.linkless.insert(id("eve"));
    });
    check(&world, "remove sales: bob\n! NoCounterpart sales");
}

#[test]
fn a_user_never_seen_without_a_link_counts_as_a_lost_link() {
    check(&sales(&["nolink:eve", "ann"]), "add sales: ann\n! LinkLost sales\n! LinkLost sales");
}

#[test]
fn a_lost_link_keeps_the_remembered_object() {
    let lost = |word: &str| {
        sales(&[word]).with(|world| {
            world.memory.counterparts.insert(id("bob"), object("bob"));
        })
    };
    check(&lost("nolink:bob"), "! LinkLost sales");
    check(&lost("lost:bob"), "! CounterpartMissing sales");
}

#[test]
fn a_lost_link_of_a_remembered_user_does_not_keep_others() {
    let world =
        world().group("sales", &["nolink:bob"]).written("sales", &["bob", "carl"]).with(|world| {
            world.memory.counterparts.insert(id("bob"), object("bob"));
        });
    check(&world, "remove sales: carl\n! LinkLost sales");
}

#[test]
fn a_link_that_leads_nowhere_keeps_everybody_without_memory() {
    check(&sales(&["lost:eve"]), "! CounterpartMissing sales\n! LinkLost sales");
}

#[test]
fn a_link_that_cannot_be_decoded_leads_nowhere() {
    let bad = Link { malformed: true, ..Link::default() };
    check(&linked(sales(&["ann"]), "ann", &bad), "! CounterpartMissing sales\n! LinkLost sales");
}

#[test]
fn sid_and_immutable_id_that_disagree_are_ambiguous() {
    let both = Link { sid: Some(sid("ann")), ..immutable(object("carl")) };
    let world = linked(sales(&["ann", "carl"]), "ann", &both);
    check(&world, "add sales: carl\n! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn several_objects_with_one_key_are_ambiguous() {
    let world = linked(sales(&["ann"]), "ann", &immutable(object("key")))
        .principal("ann", |p| p.consistency_guid = Some(object("key")))
        .principal("carl", |p| p.consistency_guid = Some(object("key")));
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn several_users_of_one_object_are_ambiguous() {
    let by_sid = Link { sid: Some(sid("ann")), ..Link::default() };
    let world = linked(sales(&["ann", "carl"]), "carl", &by_sid);
    check(&world, "! LinkAmbiguous sales\n! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn a_link_that_leads_to_no_user_is_ambiguous() {
    let world = sales(&["ann"]).principal("ann", |p| p.class = PrincipalClass::Contact);
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn a_member_whose_witness_is_hidden_makes_its_group_unknown() {
    check(&sales(&["ann", "blind:eve"]), "unknown sales\n! MembersUnread sales");
}

#[test]
fn members_that_could_not_be_read_leave_their_group_alone_and_no_other() {
    let world = sales(&["ann"]).group("hr", &["ann"]).written("hr", &[]).with(|world| {
        world.members.insert(id("sales"), Err("503".to_owned()));
    });
    check(&world, "add hr: ann\nunknown sales\n! MembersUnread sales");
}

#[test]
fn directory_members_that_could_not_be_read_leave_even_the_name_alone() {
    let world = sales(&["ann"])
        .directory("sales", |group| {
            group.dn = crate::world::dn(crate::world::GROUPS).child("Other");
        })
        .with(|world| {
            world.domain.unread.insert(object("sales"), "52".to_owned());
        });
    check(&world, "unknown sales\n! MembersUnread sales");
}

#[test]
fn while_links_are_unreadable_nothing_is_removed_anywhere() {
    let world = sales(&["ann"]).with(|world| {
        world.links = Links::Unreadable { reason: "User.Read.All is missing".to_owned() };
    });
    check(&world, "add sales: ann\n! LinksUnreadable *\n! LinksUnreadable sales");
    assert!(world.decide(Order::Given).incomplete);
}

#[test]
fn while_links_are_unreadable_nobody_is_remembered_as_having_none() {
    let mut world = sales(&["nolink:bob"]).with(|world| {
        world.links = Links::Unreadable { reason: "User.Read.All is missing".to_owned() };
    });
    let decision = world.decide(Order::Given);
    world.remember(decision, &[]);
    world.links = Links::Readable;
    check(&world, "! LinkLost sales\n! LinkLost sales");
}

#[test]
fn an_on_premises_group_is_not_added_and_no_group_is_removed() {
    let world =
        world().group("sales", &["onprem:legacy"]).written("sales", &["bob", "onprem:other"]);
    check(&world, "remove sales: bob\n! OnPremisesGroupSkipped sales");
}

#[test]
fn a_device_is_not_added_and_no_computer_is_removed() {
    let world =
        world().group("sales", &["device:laptop"]).written("sales", &["bob", "device:desktop"]);
    check(&world, "remove sales: bob\n! DeviceNotWrittenBack sales");
}

#[test]
fn a_value_that_the_domain_does_not_show_may_be_of_any_class() {
    let ghost = |members: &[&str]| {
        world().group("sales", members).written("sales", &[]).with(|world| {
            world.domain.members.entry(object("sales")).or_default().insert(object("ghost"));
        })
    };
    check(&ghost(&["onprem:legacy"]), "! OnPremisesGroupSkipped sales");
    let plain = ghost(&[]);
    assert_eq!(lines(&plain).len(), 1, "{:?}", lines(&plain));
}

#[test]
fn other_types_are_left_out_and_counted_by_type() {
    check(&sales(&["app:one", "app:two", "bob"]), "! MemberTypeSkipped sales");
}

#[test]
fn a_nested_group_that_is_written_is_a_member() {
    let world = world().group("sales", &["group:hr"]).written("sales", &[]).both("hr", &[]);
    check(&world, "add sales: hr");
}

#[test]
fn a_new_nested_group_is_created_first() {
    let world = world().group("a", &["group:b"]).written("a", &[]).group("b", &[]);
    check(&world, "create b as Group_b\nadd a: +b");
}

#[test]
fn groups_nested_in_a_circle_are_written_as_they_are() {
    check(
        &world().group("a", &["group:b"]).group("b", &["group:a"]),
        "create a as Group_a
         create b as Group_b
         fill a: +b
         fill b: +a
         activate a
         activate b",
    );
}

#[test]
fn a_group_is_not_made_a_member_of_itself() {
    check(
        &world().both("a", &[]).with(|world| {
            let own = world.member("group:a");
            world.members.insert(id("a"), Ok(vec![own]));
        }),
        "! MemberTypeSkipped a",
    );
}

#[test]
fn a_nested_group_that_leaves_is_taken_out() {
    let nested = || world().group("sales", &["group:hr"]).written("sales", &["group:hr"]);
    let off = nested().both("hr", &[]).flag("hr", Listed::Off);
    check(&off, "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_that_nobody_writes_is_told() {
    let world = world().group("sales", &["group:hr"]).group("hr", &[]).flag("hr", Listed::Null);
    check(&world, "create sales as Group_sales\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_that_is_unknown_stays_and_is_not_added() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr"])
        .group("it", &["group:hr"])
        .written("it", &[])
        .both("hr", &[])
        .with(|world| {
            world.members.insert(id("hr"), Err("503".to_owned()));
        });
    check(&world, "unknown hr\n! MembersUnread hr");
}

#[test]
fn a_nested_group_whose_name_is_taken_is_not_waited_for() {
    let world = world().group("sales", &["group:hr", "ann"]).group("hr", &[]).bystander(
        &id("hr").anchor(),
        "other",
        crate::world::GROUPS,
    );
    check(
        &world,
        "create sales as Group_sales
         fill sales: ann
         activate sales
         ! NameTaken hr
         ! ChildNotWrittenBack sales",
    );
}

#[test]
fn a_foreign_nested_group_stays_and_is_not_added() {
    let foreign = |members: &[&str]| {
        world()
            .group("sales", &["group:hr"])
            .written("sales", members)
            .both("hr", &[])
            .directory("hr", |group| group.records.clear())
    };
    check(&foreign(&["group:hr"]), "! Foreign hr\n! ChildForeign sales");
    check(&foreign(&[]), "! Foreign hr\n! ChildForeign sales");
}

#[test]
fn a_nested_group_in_doubt_stays_whichever_object_is_meant() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr", "group:twin"])
        .both("hr", &[])
        .written("twin", &[])
        .directory("twin", |group| {
            group.admin_description = Some(id("hr").anchor());
            group.external_id = None;
            group.records = vec![record("hr", "p", RecordState::Active)];
        });
    check(&world, "! AnchorNotUnique hr");
}

#[test]
fn a_nested_group_in_doubt_stays_even_when_its_flag_is_off() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr"])
        .both("hr", &[])
        .flag("hr", Listed::Off)
        .directory("hr", |group| group.external_id = Some(id("it").anchor()));
    check(&world, "! AnchorChanged hr");
}

#[test]
fn a_group_above_the_limit_is_frozen_and_told_with_both_numbers() {
    let world = world()
        .group("sales", &["ann", "bob", "carl"])
        .written("sales", &["dora"])
        .policy(|p| p.members.maximum_security = 2);
    check(&world, "freeze sales\n! TooManyMembers sales");
    let decision = world.decide(Order::Given);
    let told = decision.findings.iter().find(|f| f.code == FindingCode::TooManyMembers);
    assert!(told.is_some_and(|f| f.message.contains("3 members, the maximum is 2")), "{told:?}");
}

#[test]
fn a_member_that_pages_show_twice_counts_once() {
    let world = world().group("sales", &["ann", "ann"]).policy(|p| p.members.maximum_security = 1);
    assert!(lines(&world).contains(&"fill sales: ann".to_owned()));
}

#[test]
fn a_member_that_the_directory_refused_is_not_tried_again() {
    let world = world().group("sales", &["ann", "bob"]).written("sales", &[]).with(|world| {
        let refused = [(object("ann"), "no such object".to_owned())];
        world.memory.refused_members.insert(object("sales"), refused.into());
    });
    check(&world, "add sales: bob\n! Refused sales");
}

#[test]
fn a_member_the_tenant_hides_leaves_its_group_alone_and_names_the_right_to_grant() {
    let world = world().group("sales", &["blind:ann"]).written("sales", &["bob"]);
    let decision = world.decide(crate::observed::Order::Given);
    assert_eq!(decision.plan.writes().count(), 0);
    let reasons: Vec<_> = decision.unknown.values().collect();
    assert!(reasons.iter().any(|reason| reason.contains("grant User.Read.All")), "{reasons:?}");
}
