//! Twenty thousand groups of fifty members each: every page stays small, and a night on which all
//! of them would be deleted still fits on the first one. A real Chromium pages and searches them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;
use writeback::decide::Decision;
use writeback::decide::guard::{Answers, Scale, guard};
use writeback::model::change::LastSight;
use writeback::model::cloud::{Link, Links, MemberKind, Origin, Unread};
use writeback::model::complete::End;
use writeback::model::directory::{
    DirectoryMember, DomainFacts, PrincipalClass, RecordValue, UNIVERSAL_SECURITY,
};
use writeback::model::memory::Intent;
use writeback::model::policy::{Membership, PolicySet, Standing};
use writeback::model::record::RecordState;
use writeback::model::{
    Cause, Change, CloudGroup, CloudListing, CloudMember, CloudMembers, Complete, Containers,
    Digest, DirectoryGroup, DirectorySnapshot, Dn, Effect, Finding, FindingCode, GroupKind, Memory,
    ObjectGuid, ObjectId, OwnershipRecord, PolicyName, Principal, Reading, TenantId,
};
use writeback::report::Report;
use writeback::report::endpoint::{Served, serve, status};
use writeback::report::events::{Event, Sight};
use writeback::report::status::Status;

use crate::ask::get;
use crate::browser::driven;
use crate::stage::{CONTAINER, EVERYTHING};

const GROUPS: u128 = 20_000;
const MEMBERS: u128 = 50;
const PEOPLE: u128 = 30_000;
/// One group as large as a Microsoft 365 group may be.
const LARGE: u128 = 50_000;

fn group_id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(0x1_0000_0000 + number))
}

fn group_guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0x2_0000_0000 + number))
}

fn person_id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(0x3_0000_0000 + number))
}

fn person_guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(0x4_0000_0000 + number))
}

fn whole<T>(items: impl IntoIterator<Item = T>) -> Complete<Vec<T>> {
    let mut reading = Reading::begin("the tests", Timestamp::UNIX_EPOCH);
    reading.page(items);
    reading.finish(End::NoNextLink)
}

/// Everything that one pass saw and decided.
struct Pass {
    cloud: CloudListing,
    members: CloudMembers,
    directory: DirectorySnapshot,
    memory: Memory,
    decision: Decision,
}

/// Who is in a group: the last of them has no account in the domain.
fn members_of(group: u128) -> Vec<u128> {
    if group == 0 {
        return (0..LARGE).collect();
    }
    (0..=MEMBERS).map(|member| (group * 7 + member * 11) % PEOPLE).collect()
}

fn tenant() -> TenantId {
    TenantId(Uuid::from_u128(1))
}

fn policy() -> PolicyName {
    PolicyName::parse("everything").unwrap()
}

fn cloud_group(number: u128) -> CloudGroup {
    CloudGroup {
        id: group_id(number),
        display_name: format!("Department {number:05} of a name as long as people give them"),
        description: None,
        mail: None,
        mail_nickname: None,
        security_enabled: Some(true),
        visibility: None,
        kind: GroupKind::Security,
        membership: Membership::Assigned,
        hidden_membership: false,
        role_assignable: false,
        origin: Origin::Cloud,
    }
}

fn directory_group(number: u128) -> DirectoryGroup {
    let id = group_id(number);
    let record = OwnershipRecord {
        owner: "corp".to_owned(),
        tenant: tenant(),
        policy: policy(),
        id,
        state: RecordState::Active,
    };
    DirectoryGroup {
        guid: group_guid(number),
        sid: None,
        dn: Dn::parse(CONTAINER).unwrap().child(&format!("Department {number:05}")),
        sam_account_name: format!("Department {number:05}"),
        display_name: None,
        description: None,
        group_type: UNIVERSAL_SECURITY,
        admin_description: Some(id.anchor()),
        external_id: None,
        records: vec![RecordValue { text: record.to_string(), record: Some(record) }],
        adopted: None,
        attributes: BTreeMap::new(),
        parents: Vec::new(),
        class: PrincipalClass::Group,
        critical: false,
        privileged: false,
    }
}

fn principal(number: u128) -> (ObjectGuid, Principal) {
    let guid = person_guid(number);
    let principal = Principal {
        guid,
        sid: None,
        consistency_guid: None,
        class: PrincipalClass::User,
        dn: Dn::parse("OU=People,DC=corp,DC=example").unwrap().child(&format!("Person {number}")),
        sam_account_name: Some(format!("person.{number:05}")),
        group_type: None,
        primary_group: None,
        device_id: None,
        privileged: false,
    };
    (guid, principal)
}

fn values(group: u128) -> BTreeSet<DirectoryMember> {
    let members = members_of(group).into_iter().take(if group == 0 { 50_000 } else { 50 });
    members
        .map(|number| DirectoryMember {
            guid: person_guid(number),
            dn: format!("CN=Person {number},OU=People,DC=corp,DC=example"),
        })
        .collect()
}

fn cloud_members(group: u128) -> Vec<CloudMember> {
    let member = |number: u128| CloudMember {
        id: person_id(number),
        label: format!("person.{number:05}@corp.example"),
        kind: MemberKind::User(Link::default()),
    };
    members_of(group).into_iter().map(member).collect()
}

/// All of them in step; one in forty has a finding, ten are not known.
fn pass() -> Pass {
    let numbers = || 0..GROUPS;
    let unread = || Unread { reason: "not asked".to_owned() };
    let cloud = CloudListing {
        tenant: tenant(),
        groups: whole(numbers().map(cloud_group))
            .map(|groups| groups.into_iter().map(|group| (group.id, group)).collect()),
        deleted: whole([]).map(|none: Vec<ObjectId>| none.into_iter().collect()),
        flags: Err(unread()),
        controls: BTreeMap::new(),
        new_groups: Err(unread()),
    };
    let read = numbers().map(|number| (group_id(number), Ok(whole(cloud_members(number)))));
    let members = CloudMembers { of: read.collect(), links: Links::Readable };
    let sets = numbers().map(|number| {
        let set = whole(values(number)).map(|values| values.into_iter().collect());
        (group_guid(number), Ok(set))
    });
    let directory = DirectorySnapshot {
        facts: DomainFacts {
            naming_context: Dn::parse("DC=corp,DC=example").unwrap(),
            server: "dc1".to_owned(),
            has_external_id: true,
            exchange_prepared: false,
        },
        principals: whole((0..LARGE).map(principal)).map(|all| all.into_iter().collect()),
        groups: whole(numbers().map(directory_group))
            .map(|groups| groups.into_iter().map(|group| (group.guid, group)).collect()),
        occupied: whole([]).map(|none: Vec<_>| none.into_iter().collect()),
        named: BTreeMap::new(),
        above: BTreeMap::new(),
        members: sets.collect(),
        direct: BTreeMap::new(),
        addresses: BTreeMap::new(),
        deleted: BTreeMap::new(),
        unsuitable: BTreeMap::new(),
        limits: BTreeMap::new(),
    };
    let mut decision = Decision::default();
    let lessons = &mut decision.lessons;
    lessons.counterparts = (0..LARGE).map(|n| (person_id(n), person_guid(n))).collect();
    for number in numbers() {
        let id = group_id(number);
        lessons.inventory.insert(id, group_guid(number));
        lessons.kept.insert(id, policy());
        let generation = Digest::of(b"policy");
        let (attributes, members) = (BTreeMap::new(), Box::default());
        let intent = Intent { generation, member_basis: None, attributes, members };
        lessons.intents.insert(id, intent);
        if number % 40 == 0 {
            decision.findings.push(Finding {
                policy: Some(policy()),
                group: Some(id),
                code: FindingCode::NoCounterpart,
                message: "1 member is left out, without an on-premises account".to_owned(),
            });
        }
        if number % 2_000 == 1 {
            decision.unknown.insert(id, "a page of its members could not be read".to_owned());
        }
    }
    Pass { cloud, members, directory, memory: Memory::default(), decision }
}

/// The policy that has them all, in force.
fn policies() -> PolicySet {
    let text = format!(
        "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: {{ name: everything }}\n\
         spec:\n{EVERYTHING}\n"
    );
    let policy = writeback::policy::parse("everything.yaml", text.as_bytes(), None).unwrap().policy;
    let standing = Standing { policy, last_good: false, revision: None };
    PolicySet { policies: vec![standing], ..PolicySet::default() }
}

/// Tells a pass, and serves what comes of it.
fn shown(pass: &Pass) -> (Arc<Report>, tokio::runtime::Runtime, String) {
    let report =
        Arc::new(Report::new(Status::new("corp", "writeback.yaml", Timestamp::UNIX_EPOCH)));
    let (policies, answers) = (policies(), Answers::default());
    let at = Timestamp::UNIX_EPOCH;
    let scale = Scale::of(&policies, &pass.memory, &pass.decision, &answers, at);
    let guarded = guard(&pass.decision.plan, &scale);
    report.emit(&Event::Planned {
        policies: &policies,
        decision: &pass.decision,
        guarded: &guarded,
        sight: Sight {
            at,
            cloud: &pass.cloud,
            members: &pass.members,
            directory: &pass.directory,
            memory: &pass.memory,
        },
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let served = Served {
        report: Arc::clone(&report),
        heartbeat: Arc::default(),
        now: || Timestamp::UNIX_EPOCH,
        state_writable: Arc::new(|| true),
    };
    let address = runtime
        .block_on(serve("127.0.0.1:0".parse().unwrap(), status(served)))
        .unwrap()
        .to_string();
    (report, runtime, address)
}

#[track_caller]
fn small(address: &str, path: &str, bytes_max: usize) -> String {
    let body = get(address, path).expect(200).body;
    assert!(body.len() <= bytes_max, "{path} has {} bytes", body.len());
    body
}

#[test]
fn twenty_thousand_groups_make_small_pages() {
    let (_report, _runtime, at) = shown(&pass());
    let list = get(&at, "/api/v1/groups?limit=1").expect(200).json();
    assert_eq!((&list["total"], &list["pages"]), (&20_000.into(), &20_000.into()));
    assert_eq!(list["states"]["in_step"], 19_990);
    assert_eq!(list["states"]["unknown"], 10);
    small(&at, "/", 100_000);
    small(&at, "/groups", 100_000);
    small(&at, "/groups?page=200", 100_000);
    small(&at, "/groups?limit=500", 400_000);
    small(&at, "/api/v1/groups?limit=500", 400_000);
    small(&at, "/plan", 10_000);
    let of_one = get(&at, &format!("/api/v1/groups/{}", group_id(7))).expect(200).json();
    let conditions = of_one["conditions"].as_array().unwrap();
    assert!(conditions.len() == 5 && conditions[0]["status"] == true, "{of_one:#}");
    // One group of fifty, and one of fifty thousand: as large on the page as any other.
    let one = small(&at, &format!("/groups/{}", group_id(7)), 20_000);
    assert!(
        one.contains("<bdi>person.00060@corp.example</bdi>") || one.contains("left out"),
        "{one}"
    );
    let large = small(&at, &format!("/groups/{}", group_id(0)), 40_000);
    assert!(large.contains("1 to 100 of 50000"), "{large}");
    // From a person to her groups: the large one, and those that the arithmetic above says.
    let hers = get(&at, "/api/v1/groups?member=person.00042&limit=500").expect(200).json();
    let wanted = (0..GROUPS).filter(|group| members_of(*group).contains(&42)).count();
    assert_eq!(hers["total"], wanted);
    let found = get(&at, "/api/v1/groups?q=department%2019999").expect(200).json();
    assert_eq!(found["total"], 1);
}

#[test]
fn a_browser_pages_and_searches_twenty_thousand_groups_without_a_stall() {
    let (_report, _runtime, at) = shown(&pass());
    get(&at, "/groups?limit=501").expect(400);
    let said = driven("lists", &at);
    assert!(said.contains("10 lists without a stall"), "{said}");
}

#[test]
fn a_night_on_which_everything_would_be_deleted_fits_on_the_first_page() {
    let mut pass = pass();
    let containers = Containers::new(vec![Dn::parse(CONTAINER).unwrap()]);
    pass.decision.plan.changes = (0..GROUPS)
        .map(|number| {
            let dn = directory_group(number).dn;
            Change {
                policy: policy(),
                group: group_id(number),
                label: dn.leaf().to_owned(),
                target: containers.admit(group_guid(number), dn).unwrap(),
                effect: Effect::Delete { last: LastSight::default() },
                cause: Cause::Cloud("the group is gone from the tenant".to_owned()),
            }
        })
        .collect();
    let (_report, _runtime, at) = shown(&pass);
    let first = small(&at, "/", 120_000);
    assert!(first.contains("20000 changes held"), "{}", &first[..2_000]);
    assert!(first.contains("19950 more lines"));
    assert_eq!(first.matches("writeback approve ").count(), 1);
    let plan = small(&at, "/plan?part=held&limit=500&page=40", 400_000);
    assert!(plan.contains("Department 19999"));
    let list = get(&at, "/api/v1/groups?state=held&limit=1").expect(200).json();
    assert_eq!(list["total"], 19_990, "ten are not known");
}
