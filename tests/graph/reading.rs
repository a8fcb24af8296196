//! What is read equals what is there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use uuid::Uuid;
use writeback::graph::{Flags, RequestOutcome};
use writeback::model::cloud::{
    Flag, GroupKind, Link, Links, MemberKind, OnPremisesGroupType, Origin, Presence,
};
use writeback::model::complete::End;
use writeback::model::policy::Membership;
use writeback::model::{CloudGroup, CloudMember, DeviceId, ObjectGuid, ObjectId, Sid};
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{self, OtherKind, World, WorldGroup};

use crate::bench::{Bench, Members, all_members, at, id, listing, plain};

fn expected_group(group: &WorldGroup) -> CloudGroup {
    let sid = group.on_premises_security_identifier.as_deref();
    CloudGroup {
        id: id(group.id),
        display_name: group.display_name.clone(),
        description: group.description.clone(),
        mail: group.mail.clone(),
        mail_nickname: Some(group.mail_nickname.clone()),
        security_enabled: Some(security_enabled(&group.kind)),
        visibility: group.visibility.clone(),
        kind: match &group.kind {
            world::GroupKind::Microsoft365 => GroupKind::Microsoft365,
            world::GroupKind::Security => GroupKind::Security,
            world::GroupKind::MailEnabledSecurity => GroupKind::MailEnabledSecurity,
            world::GroupKind::DistributionList => GroupKind::DistributionList,
            world::GroupKind::Unusual { .. } => GroupKind::Unrecognised,
        },
        membership: if group.dynamic { Membership::Dynamic } else { Membership::Assigned },
        hidden_membership: group.visibility.as_deref() == Some("HiddenMembership"),
        role_assignable: group.role_assignable == Some(true),
        origin: match (group.on_premises_sync_enabled, sid) {
            (Some(true), sid) => Origin::OnPremises(sid.and_then(Sid::parse)),
            (_, Some(sid)) => Origin::Converted(Sid::parse(sid).unwrap()),
            (_, None) => Origin::Cloud,
        },
    }
}

fn security_enabled(kind: &world::GroupKind) -> bool {
    match kind {
        world::GroupKind::Security | world::GroupKind::MailEnabledSecurity => true,
        world::GroupKind::Microsoft365 | world::GroupKind::DistributionList => false,
        world::GroupKind::Unusual { security_enabled, .. } => *security_enabled,
    }
}

fn expected_flag(group: &WorldGroup) -> Flag {
    Flag {
        is_enabled: group.writeback_enabled,
        group_type: group.writeback_type.as_deref().map(|text| match text {
            "universalDistributionGroup" => OnPremisesGroupType::UniversalDistribution,
            "universalSecurityGroup" => OnPremisesGroupType::UniversalSecurity,
            "universalMailEnabledSecurityGroup" => {
                OnPremisesGroupType::UniversalMailEnabledSecurity
            }
            other => OnPremisesGroupType::Unrecognised(other.to_owned()),
        }),
    }
}

/// Every object that may be a member, as it should be read.
fn expected_members(world: &World) -> BTreeMap<Uuid, MemberKind> {
    let mut kinds = BTreeMap::new();
    for person in &world.people {
        let link = person.link.as_ref().map_or_else(Link::default, |link| Link {
            sid: Some(Sid::parse(&link.sid).unwrap()),
            immutable_id: Some(ObjectGuid(link.guid)),
            malformed: false,
        });
        kinds.insert(person.id, MemberKind::User(link));
    }
    for group in &world.groups {
        let sid = group.on_premises_security_identifier.as_deref();
        let kind = if sid.is_some() || group.on_premises_sync_enabled == Some(true) {
            let sid = sid.and_then(Sid::parse);
            MemberKind::DirectoryGroup(Link { sid, ..Link::default() })
        } else {
            MemberKind::Group
        };
        kinds.insert(group.id, kind);
    }
    for other in &world.others {
        let named = |name: &str| MemberKind::Other(name.to_owned());
        let kind = match &other.kind {
            OtherKind::Device => {
                let text = |name: &str| other.properties.get(name)?.as_str();
                let sid = text("onPremisesSecurityIdentifier").and_then(Sid::parse);
                MemberKind::Device {
                    device_id: text("deviceId").and_then(DeviceId::parse),
                    link: Link { sid, ..Link::default() },
                }
            }
            OtherKind::ServicePrincipal => named("servicePrincipal"),
            OtherKind::OrgContact => named("orgContact"),
            OtherKind::Unknown(name) => named(name),
        };
        kinds.insert(other.id, kind);
    }
    kinds
}

fn kinds(members: &[CloudMember]) -> BTreeMap<ObjectId, MemberKind> {
    members.iter().map(|member| (member.id, member.kind.clone())).collect()
}

fn count(members: &Members) -> usize {
    members.values().flatten().map(|members| members.value().len()).sum()
}

#[tokio::test]
async fn a_listing_over_several_pages_equals_the_world() {
    let world = World::generated(11, 200, 1_100);
    let bench = Bench::new(&world).await;
    let gone = world.groups.last().unwrap();
    bench.tenant.edit(|cloud| {
        cloud.set_kind(gone.id, world::GroupKind::Security).unwrap();
        cloud.soft_delete_group(gone.id).unwrap();
    });
    let listed = listing(&bench.client()).await;

    let there = || world.groups.iter().filter(|group| group.id != gone.id);
    assert_eq!(listed.tenant.0, world.tenant_id);
    let groups: BTreeMap<_, _> =
        there().map(|group| (id(group.id), expected_group(group))).collect();
    assert_eq!(listed.groups.value(), &groups);
    assert_eq!((listed.groups.end(), listed.groups.begun()), (End::NoNextLink, at()));
    assert_eq!(listed.deleted.value().iter().collect::<Vec<_>>(), [&id(gone.id)]);
    let flags: BTreeMap<_, _> = there().map(|group| (id(group.id), expected_flag(group))).collect();
    assert_eq!(listed.flags.unwrap().value(), &flags);
    assert_eq!(bench.asked("/v1.0/groups"), 2);
    assert_eq!(bench.asked("/beta/groups"), 2);
}

#[tokio::test]
async fn the_members_of_every_group_equal_the_world() {
    let world = World::generated(12, 3_200, 80);
    let bench = Bench::new(&world).await;
    let told = AtomicUsize::new(0);
    let ids = world.groups.iter().map(|group| id(group.id)).collect();
    let client = bench.client();
    let progress = |done: usize, total: usize| {
        assert_eq!(total, world.groups.len());
        assert!(told.swap(done, Ordering::Relaxed) <= done);
    };
    let members = client.members(&ids, &std::iter::empty().collect(), at(), &progress).await;

    assert_eq!(told.into_inner(), world.groups.len());
    let known = expected_members(&world);
    for group in &world.groups {
        let read = members.get(&id(group.id)).unwrap().as_ref().unwrap();
        let expected: BTreeMap<_, _> = group
            .members
            .iter()
            .map(|member| (id(*member), known.get(member).unwrap().clone()))
            .collect();
        assert_eq!(kinds(read.value()), expected, "{}", group.display_name);
        assert_eq!(read.value().len(), expected.len(), "nobody twice");
    }
    let largest = world.groups.iter().max_by_key(|group| group.members.len()).unwrap();
    assert_eq!(bench.asked(&format!("{}/members", largest.id)), 4);
    assert!(count(&members) > 3_000);
}

#[tokio::test]
async fn members_are_named_by_what_people_know_them_by() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let members = all_members(&bench.client(), &world).await;
    let group = world.group("APP-Payroll-Users").unwrap();
    let read = plain(&members).remove(&id(group.id)).unwrap().unwrap();
    let label = |wanted: Uuid| {
        read.iter().find(|member| member.id == id(wanted)).map(|member| member.label.clone())
    };
    let admins = world.group("APP-Payroll-Admins").unwrap();
    assert_eq!(label(admins.id).as_deref(), Some("APP-Payroll-Admins"));
    let person = world.people.iter().find(|person| group.members.contains(&person.id)).unwrap();
    assert_eq!(label(person.id), Some(person.user_principal_name.clone()));
}

#[tokio::test]
async fn flags_that_nobody_needs_are_not_asked_for() {
    let bench = Bench::new(&World::small(1)).await;
    let listed = bench.client().listing(Flags::Skip, at()).await.unwrap();
    assert!(listed.flags.unwrap_err().reason.contains("no policy"));
    assert_eq!(bench.asked("/beta/groups"), 0);
}

#[tokio::test]
async fn a_failed_flag_listing_leaves_the_other_listings_whole() {
    let bench = Bench::new(&World::small(1)).await;
    bench.tenant.order(Order::always(Where::Flags, Fault::Unavailable503));
    let listed = listing(&bench.client()).await;
    assert_eq!(listed.groups.value().len(), 8);
    assert!(listed.flags.unwrap_err().reason.contains("list the writeback flags"));
}

#[tokio::test]
async fn a_group_that_the_flag_listing_leaves_out_has_no_flag() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let left_out = world.group("Finance").unwrap().id;
    bench.tenant.order(Order::always(Where::Flags, Fault::OmitFromFlagListing(left_out)));
    let flags = listing(&bench.client()).await.flags.unwrap();
    assert_eq!(flags.value().len(), 7);
    assert!(!flags.value().contains_key(&id(left_out)));
}

#[tokio::test]
async fn a_direct_read_tells_there_from_absent_and_from_unread() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let client = bench.client();
    let [finance, board] = ["Finance", "Board"].map(|name| world.group(name).unwrap().id);
    assert_eq!(client.presence(id(finance)).await, Presence::There);
    bench.tenant.edit(|cloud| cloud.hard_delete_group(finance).unwrap());
    assert_eq!(client.presence(id(finance)).await, Presence::Absent);
    for fault in [Fault::Unavailable503, Fault::Html200, Fault::Reset, Fault::WrongJson] {
        bench.tenant.clear_orders();
        bench.tenant.order(Order::always(Where::Object(board), fault.clone()));
        let presence = client.presence(id(board)).await;
        assert!(matches!(presence, Presence::Unread(_)), "{fault:?}: {presence:?}");
    }
}

#[tokio::test]
async fn a_group_that_went_away_meanwhile_is_unread_and_not_empty() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let gone = world.group("Finance").unwrap().id;
    bench.tenant.edit(|cloud| cloud.soft_delete_group(gone).unwrap());
    let members = all_members(&bench.client(), &world).await;
    let (read, unread): (Vec<_>, Vec<_>) = members.values().partition(|result| result.is_ok());
    assert_eq!((read.len(), unread.len()), (7, 1));
    assert!(
        members.get(&id(gone)).unwrap().as_ref().unwrap_err().reason.contains("no such object")
    );
}

#[tokio::test]
async fn links_are_judged_by_what_was_read_before_anything_more_is_asked() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    let client = bench.client();
    let members = all_members(&client, &world).await;
    assert_eq!(client.links(&members).await, Links::Readable);
    assert_eq!((bench.asked("/organization"), bench.asked("/users")), (0, 0));
    assert_eq!(client.links(&Members::new()).await, Links::Readable);
    assert_eq!((bench.asked("/organization"), bench.asked("/users")), (1, 1));
}

#[tokio::test]
async fn a_tenant_that_does_not_synchronise_has_no_links_to_show() {
    let mut world = World::small(1);
    world.people.iter_mut().for_each(|person| person.link = None);
    let bench = Bench::new(&world).await;
    let client = bench.client();
    let members = all_members(&client, &world).await;
    assert_eq!(client.links(&members).await, Links::Readable);
}

#[tokio::test]
async fn a_tenant_that_synchronises_and_shows_no_link_is_not_believed() {
    let world = World::small(1);
    let bench = Bench::new(&world).await;
    bench.tenant.edit(|cloud| {
        for person in &world.people {
            cloud.say(person.id, "onPremisesSecurityIdentifier", serde_json::Value::Null);
            cloud.say(person.id, "onPremisesImmutableId", serde_json::Value::Null);
        }
    });
    let client = bench.client();
    let members = all_members(&client, &world).await;
    assert!(members.values().all(Result::is_ok));
    let Links::Unreadable { reason } = client.links(&members).await else { panic!("readable") };
    assert!(reason.contains("no user in it shows a link"), "{reason}");
}

#[tokio::test]
async fn the_observer_is_told_of_every_request() {
    let bench = Bench::new(&World::small(1)).await;
    let throttled = Fault::Throttled { retry_after: Some("0".to_owned()), scope: None };
    bench.tenant.order(Order::once(Where::Groups, throttled));
    bench.tenant.order(Order::once(Where::DeletedGroups, Fault::Reset));
    listing(&bench.client()).await;
    let told: Vec<_> =
        bench.sent().iter().map(|sent| (sent.endpoint, sent.outcome, sent.throttled)).collect();
    let status = RequestOutcome::Status;
    assert_eq!(
        told,
        [
            ("token", status(200), false),
            ("groups", status(429), true),
            ("groups", status(200), false),
            ("deleted_groups", RequestOutcome::Failed("unreachable"), false),
            ("deleted_groups", status(200), false),
            ("flags", status(200), false),
        ]
    );
    assert!(bench.sent().iter().all(|sent| sent.seconds > 0.0 && sent.seconds < 60.0));
}

#[tokio::test]
async fn the_members_of_control_groups_are_read_and_a_missing_one_says_so() {
    let world = World::generated(12, 60, 200);
    let bench = Bench::new(&world).await;
    let control = world.groups.iter().find(|group| !group.members.is_empty()).unwrap();
    let nobody = ObjectId(Uuid::from_u128(7));
    let tenant = bench.client();
    let listed = tenant.listing(Flags::Skip, at()).await.unwrap();
    let asked = [id(control.id), nobody].into();
    let read = tenant.controls(&asked, listed.groups.value(), at()).await;
    let members: std::collections::BTreeSet<_> =
        control.members.iter().map(|member| id(*member)).collect();
    assert_eq!(read[&id(control.id)].as_ref().unwrap().value(), &members);
    let why = &read[&nobody].as_ref().unwrap_err().reason;
    assert_eq!(why, "no group of the tenant has this id");
}

#[tokio::test]
async fn the_default_for_new_groups_is_the_tenants_setting() {
    for (facts, expected) in [
        (world::TenantFacts::default(), true),
        (world::TenantFacts::with_writeback_default(None), true),
        (world::TenantFacts::with_writeback_default(Some("True")), true),
        (world::TenantFacts::with_writeback_default(Some("false")), false),
    ] {
        let mut world = World::generated(13, 5, 10);
        world.facts = facts;
        let bench = Bench::new(&world).await;
        assert_eq!(bench.client().new_groups(at()).await.unwrap(), expected);
    }
}
