//! Reads: everything of ours and of others, by pages and by ranges, whole or not at all.
//!
//! Each test fills a domain, lets something go wrong on the way, and compares the snapshot with
//! what stands in the domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::Timestamp;
use writeback::directory::apply::{Answer, Question};
use writeback::model::directory::{DirectPresence, PrincipalClass};
use writeback::model::{Dn, ObjectGuid};
use writeback::sim::domain::{Fault, Order, Where};

use super::{Case, RECORD, UNIVERSAL, member_dns, observe};

#[tokio::test]
async fn a_filled_domain_is_read_whole() {
    let case = Case::new().await;
    let people = case.people(0..1_203);
    let mut marked = BTreeMap::new();
    for (name, attribute, value) in [
        ("owned", "extensionName", RECORD),
        ("strange record", "extensionName", "writeback/v9;x"),
        ("anchored", "adminDescription", "Group_01234567-89ab-cdef-0123-456789abcdef"),
        ("upper case", "adminDescription", "GROUP_01234567-89AB-CDEF-0123-456789ABCDEF"),
        ("taken over", "adminDescription", "TakenOver_Group_01234567-89ab-cdef-0123-456789abcdef"),
        (
            "external",
            "msDS-ExternalDirectoryObjectId",
            "Group_01234567-89ab-cdef-0123-456789abcdef",
        ),
    ] {
        let dn = case.group(name);
        case.edit(|tree| tree.set(&dn, attribute, &[value]));
        case.edit(|tree| tree.add_members(&dn, people.iter().take(5).map(String::as_str)));
        marked.insert(case.guid(&dn), dn);
    }
    let unmarked = case.group("unmarked, with (hostile) \\ name*");
    let nearly = case.group("nearly anchored");
    case.edit(|tree| tree.set(&nearly, "adminDescription", &["Group_of friends"]));
    let contact = case.edit(|tree| tree.add_contact("a contact", &case.container));
    let external = people.first().unwrap();
    case.edit(|tree| tree.set_octets(external, "mS-DS-ConsistencyGuid", vec![(0..16).collect()]));

    let directory = case.open().await;
    let gone = ObjectGuid(uuid::Uuid::from_u128(77));
    let ou = case.guid(&case.container);
    let remembered = BTreeSet::from([gone, ou, *marked.keys().next().unwrap()]);
    let told = Mutex::new(Vec::new());
    let snapshot = directory
        .observe(Timestamp::UNIX_EPOCH, &remembered, &BTreeSet::new(), &BTreeSet::new(), &|n| {
            told.lock().unwrap().push(n);
        })
        .await
        .unwrap();

    let facts = directory.facts();
    assert_eq!(facts.naming_context.to_string(), case.domain.base_dn());
    assert!(facts.has_external_id);
    let wanted: BTreeSet<ObjectGuid> = case
        .domain
        .dump()
        .into_iter()
        .filter(|entry| entry.text("sAMAccountName").is_some() || entry.class() == Some("contact"))
        .map(|entry| ObjectGuid(entry.guid))
        .collect();
    let principals = snapshot.principals.value();
    assert_eq!(principals.keys().copied().collect::<BTreeSet<_>>(), wanted);
    let groups = snapshot.groups.value();
    assert_eq!(groups.keys().collect::<Vec<_>>(), marked.keys().collect::<Vec<_>>());
    for (guid, dn) in &marked {
        assert_eq!(groups.get(guid).unwrap().dn.to_string(), *dn);
        assert_eq!(member_dns(&snapshot, *guid), case.members(dn), "{dn}");
    }
    let occupied = snapshot.occupied.value();
    for dn in [&unmarked, &nearly, &contact, &case.container] {
        assert_eq!(occupied.get(&Dn::parse(dn).unwrap().key()), Some(&case.guid(dn)), "{dn}");
    }
    assert_eq!(
        snapshot.direct,
        [(gone, DirectPresence::Absent), (ou, DirectPresence::There)].into()
    );

    let person = principals.get(&case.guid(external)).unwrap();
    assert_eq!(person.class, PrincipalClass::User);
    assert_eq!(person.sam_account_name.as_deref(), Some("p0"));
    assert_eq!(
        person.consistency_guid.unwrap().to_string(),
        "03020100-0504-0706-0809-0a0b0c0d0e0f"
    );
    assert_eq!(
        person.sid.as_ref().unwrap().to_string(),
        case.domain.edit(|tree| tree.sid_of(external)).unwrap()
    );
    assert!(!person.privileged);
    assert_eq!(principals.get(&case.guid(&contact)).unwrap().class, PrincipalClass::Contact);
    let administrators = format!("CN=Administrators,CN=Builtin,{}", case.domain.base_dn());
    assert!(principals.get(&case.guid(&administrators)).unwrap().privileged);
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.len() > 3, "{told:?}");
}

#[tokio::test]
async fn records_are_read_with_their_exact_text_and_those_of_others_left_out() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    case.edit(|tree| tree.set(&dn, "description", &["as it is"]));
    let snapshot = observe(&case.open().await).await.unwrap();
    let group = snapshot.groups.value().get(&case.guid(&dn)).unwrap();
    assert_eq!(group.records.len(), 1);
    assert_eq!(group.records.first().unwrap().text, RECORD);
    assert_eq!(group.records.first().unwrap().record.as_ref().unwrap().owner, "corp");
    assert_eq!(group.description.as_deref(), Some("as it is"));
    assert_eq!(group.group_type, UNIVERSAL);
}

#[tokio::test]
async fn a_group_of_more_members_than_one_answer_holds_is_read_by_ranges() {
    let case = Case::new().await;
    let people = case.people(0..3_100);
    for (name, count) in [("a", 1_499), ("b", 1_500), ("c", 1_501), ("d", 3_000), ("e", 3_100)] {
        let dn = case.own_group(name);
        case.edit(|tree| tree.add_members(&dn, people.iter().take(count).map(String::as_str)));
    }
    let empty = case.own_group("empty");
    let snapshot = observe(&case.open().await).await.unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let dn = case.child(name).to_string();
        assert_eq!(member_dns(&snapshot, case.guid(&dn)), case.members(&dn), "{name}");
    }
    assert_eq!(member_dns(&snapshot, case.guid(&empty)), BTreeSet::new());
}

#[tokio::test]
async fn a_group_that_changes_between_two_ranges_is_read_again() {
    let case = Case::new().await;
    let people = case.people(0..1_700);
    let dn = case.own_group("a");
    case.edit(|tree| tree.add_members(&dn, people.iter().take(1_600).map(String::as_str)));
    // Pages are told in the order of the reads; the members of groups come after the four of the
    // domain, the attributes of groups and the container, and the ranges of a large group after
    // them.
    for shrink in [false, true] {
        let directory = case.open().await;
        let pages = std::sync::atomic::AtomicUsize::new(0);
        let edit = |_| {
            if pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 6 {
                return;
            }
            let members = case.members(&dn);
            case.edit(|tree| {
                if !shrink {
                    let mut absent = people.iter().filter(|person| !members.contains(*person));
                    return absent.next().map_or(Ok(()), |person| tree.add_member(&dn, person));
                }
                let surplus = members.len().saturating_sub(600);
                members.iter().take(surplus).try_for_each(|person| tree.remove_member(&dn, person))
            });
        };
        let snapshot = directory
            .observe(
                Timestamp::UNIX_EPOCH,
                &BTreeSet::new(),
                &BTreeSet::new(),
                &BTreeSet::new(),
                &edit,
            )
            .await;
        assert_eq!(member_dns(&snapshot.unwrap(), case.guid(&dn)), case.members(&dn));
    }
}

#[tokio::test]
async fn a_fault_overcome_by_asking_again_changes_nothing() {
    let case = Case::new().await;
    let people = case.people(0..1_100);
    let dn = case.own_group("a");
    case.edit(|tree| tree.add_members(&dn, people.iter().map(String::as_str)));
    let directory = case.open().await;
    let calm = observe(&directory).await.unwrap();
    for fault in [Fault::Busy, Fault::CutBefore, Fault::CutMidSearch, Fault::TimeLimit] {
        for after in [0, 1, 3, 4] {
            case.domain.order(Order::new(Where::Search, fault.clone()).after(after));
            let snapshot = observe(&directory).await.unwrap();
            assert_eq!(case.domain.open_orders(), 0);
            assert_eq!(snapshot.principals.value(), calm.principals.value());
            assert_eq!(snapshot.groups.value(), calm.groups.value());
            assert_eq!(snapshot.occupied.value(), calm.occupied.value());
            let guid = case.guid(&dn);
            assert_eq!(member_dns(&snapshot, guid), member_dns(&calm, guid));
        }
    }
}

#[tokio::test]
async fn a_read_that_stays_unfinished_gives_no_snapshot() {
    let case = Case::new().await.impatient();
    case.people(0..600);
    let directory = case.open().await;
    for (fault, reason, transient) in [
        (Fault::Referral, "directory_refused", false),
        (Fault::InsufficientAccess, "directory_refused", false),
        (Fault::SizeLimit, "directory_busy", true),
        (Fault::Stall, "connection_lost", true),
    ] {
        // The second page: the first came whole.
        case.domain.order(Order::new(Where::Search, fault.clone()).after(1).times(50));
        let found = observe(&directory).await.unwrap_err().fault();
        assert_eq!((found.reason, found.transient), (reason, transient), "{fault:?}");
        case.domain.cancel_orders();
    }
    observe(&directory).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again() {
    let case = Case::new().await;
    let directory = case.open().await;
    for _ in 0..3 {
        case.domain.order(Order::new(Where::Search, Fault::CutAfter));
        observe(&directory).await.unwrap();
    }
    assert_eq!(case.requests_of("bind"), ["ok"; 4]);
    assert_eq!(case.requests_of("connect"), ["ok"; 4]);
}

#[tokio::test]
async fn a_connection_is_replaced_before_it_grows_old() {
    let case = Case::new().await;
    let directory = case.open().await;
    let question = Question::Object { guid: case.guid(&case.container), attributes: Vec::new() };
    for _ in 0..10_000 {
        assert!(matches!(directory.verify(&question).await.unwrap(), Answer::Seen(_)));
    }
    assert_eq!(case.requests_of("bind"), ["ok"; 2]);
    assert!(case.requests_of("search").iter().all(|result| *result == "ok"));
}
