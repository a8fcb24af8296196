//! Members: which accounts users are, who stays although nothing says so, when nothing is removed.

use writeback::model::change::Effect;
use writeback::model::cloud::{Link, Links, MemberKind};
use writeback::model::directory::PrincipalClass;
use writeback::model::policy::{MemberMode, Mode};
use writeback::model::{FindingCode, ObjectGuid};

use crate::check::{check, lines};
use crate::observed::Order;
use crate::world::{World, id, object, sid, world};

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
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
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
fn other_types_are_left_out_and_counted_by_type() {
    check(&sales(&["app:one", "app:two", "bob"]), "! MemberTypeSkipped sales");
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

/// What the findings of a code say.
fn told(world: &World, code: FindingCode) -> Vec<String> {
    let findings = world.decide(Order::Given).findings;
    findings.into_iter().filter(|found| found.code == code).map(|found| found.message).collect()
}

#[test]
fn many_users_without_an_account_make_one_finding_with_the_first_names() {
    let words: Vec<String> = (0..9).map(|number| format!("nolink:u{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let world = world().both("sales", &[]).group("sales", &words).with(|world| {
        world.memory.linkless = (0..9).map(|number| id(&format!("u{number}"))).collect();
    });
    let said = told(&world, FindingCode::NoCounterpart);
    let expected = "9 members are left out, without an on-premises account: u0, u1, u2, u3, u4 and \
                    4 more";
    assert_eq!(said, [expected]);
}

#[test]
fn objects_that_share_a_sid_are_ambiguous() {
    let world = sales(&["ann"]).principal("twin", |twin| twin.sid = Some(sid("ann")));
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn several_groups_or_devices_of_one_object_are_ambiguous() {
    for kind in ["onprem", "device"] {
        let (one, other) = (format!("{kind}:one"), format!("{kind}:other"));
        let world = sales(&[&one, &other]).with(|world| {
            let members = world.members.get_mut(&id("sales")).and_then(|read| read.as_mut().ok());
            let members = members.expect("they are read");
            let first = members.first().expect("two of them").kind.clone();
            for member in members {
                member.kind = first.clone();
            }
        });
        check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
    }
}

#[test]
fn contacts_and_unknown_types_are_counted_each_for_itself() {
    let world = sales(&["app:one", "bob"]).with(|world| {
        let members = world.members.get_mut(&id("sales")).and_then(|read| read.as_mut().ok());
        let members = members.expect("they are read");
        for (word, kind) in [("x", "orgContact"), ("y", "orgContact"), ("z", "agentIdentity")] {
            let kind = MemberKind::Other(kind.to_owned());
            let label = word.to_owned();
            members.push(writeback::model::CloudMember { id: id(word), label, kind });
        }
    });
    let said = told(&world, FindingCode::MemberTypeSkipped);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said.iter().any(|s| s.starts_with("2 members") && s.contains("orgContact")),
        "{said:?}"
    );
}

#[test]
fn who_only_adds_removes_nobody() {
    let stray = || world().group("sales", &["ann"]).written("sales", &["bob"]);
    check(&stray().policy(|p| p.members.mode = MemberMode::AddOnly), "add sales: ann");
    check(&stray().policy(|p| p.mode = Mode::UpsertOnly), "add sales: ann");
    check(&stray().policy(|p| p.mode = Mode::CreateOnly), "");
}

/// `ann`'s primary group is the directory group of `sales`.
fn primary(world: World) -> World {
    world.principal("ann", |ann| ann.primary_group = sid("sales").rid())
}

#[test]
fn an_account_whose_primary_group_this_is_is_never_added() {
    check(&primary(world().group("sales", &["ann", "carl"]).written("sales", &["carl"])), "");
}

#[test]
fn an_account_whose_primary_group_this_is_cannot_be_taken_out() {
    let world = primary(world().group("sales", &["carl"]).written("sales", &["carl"]));
    check(&world, "! PrimaryGroupMember sales");
    let said = told(&world, FindingCode::PrimaryGroupMember);
    assert!(said.iter().all(|s| s.contains(": ann; give each of them another")), "{said:?}");
    check(&world.clone().policy(|p| p.members.mode = MemberMode::AddOnly), "");
}

#[test]
fn a_primary_member_in_doubt_is_not_told() {
    let world = primary(world().group("sales", &["lost:eve"]).written("sales", &[]));
    check(&world, "! CounterpartMissing sales");
}

#[test]
fn a_quarter_of_a_million_members_are_resolved_in_a_pass() {
    const COUNT: u128 = 250_000;
    let world = world().both("sales", &[]).with(|world| {
        let template = world.member("ann");
        let ann = world.domain.accounts.remove(&object("ann")).expect("made above");
        let numbered = |number: u128| uuid::Uuid::from_u128((1 << 100) + number);
        let mut members = Vec::new();
        for number in 0..COUNT {
            let sid = writeback::model::Sid::parse(&format!("S-1-5-21-7-7-7-{}", 2_000 + number));
            let link = Link { sid: sid.clone(), ..Link::default() };
            let mut account = ann.clone();
            account.guid = ObjectGuid(numbered(number));
            account.sid = sid;
            account.sam_account_name = Some(format!("u{number}"));
            world.domain.accounts.insert(account.guid, account);
            let mut member = template.clone();
            member.id = writeback::model::ObjectId(numbered(number));
            member.kind = MemberKind::User(link);
            members.push(member);
        }
        world.members.insert(id("sales"), Ok(members));
    });
    let decision = world.decide(Order::Given);
    let added = decision.plan.changes.iter().map(|change| {
        let Effect::AddMembers { members, .. } = &change.effect else { return 0 };
        members.len() as u128
    });
    assert_eq!(added.sum::<u128>(), COUNT);
}
