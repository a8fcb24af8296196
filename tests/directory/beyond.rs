//! What a pass reads beyond names and members: attributes that policies write, parents, mail
//! addresses, devices, primary groups, and which attributes cannot be written at all.

use writeback::model::directory::PrincipalClass;
use writeback::model::{DeviceId, Dn, Effect, Sid};
use writeback::sim::domain::{DomainOptions, Fault, Order, Where};

use super::{Case, RECORD, change, disable, observe, observe_with, record_of, update};

async fn prepared() -> Case {
    Case::with(DomainOptions { exchange: true, ..DomainOptions::default() }).await
}

#[tokio::test]
async fn the_attributes_that_policies_write_are_read_with_all_their_values() {
    let case = prepared().await;
    let dn = case.own_group("a");
    let bare = case.own_group("bare");
    case.edit(|tree| {
        tree.set(&dn, "info", &["a note"])?;
        tree.set(&dn, "mail", &["a@corp.example"])?;
        tree.set(&dn, "mailNickname", &["a"])?;
        tree.set(&dn, "proxyAddresses", &["SMTP:a@corp.example", "smtp:b@corp.example", "x500:1"])
    });
    let directory = case.open().await;
    assert!(directory.facts().exchange_prepared);
    let snapshot = observe_with(&directory, &[], &["info", "extensionAttribute1"]).await;
    let group = snapshot.groups.value().get(&case.guid(&dn)).unwrap();
    assert_eq!(group.values("info"), ["a note"]);
    assert_eq!(group.values("mail"), ["a@corp.example"]);
    assert_eq!(group.values("mailNickname"), ["a"]);
    let mut addresses = group.values("proxyAddresses").to_vec();
    addresses.sort();
    assert_eq!(addresses, ["SMTP:a@corp.example", "smtp:b@corp.example", "x500:1"]);
    assert_eq!(group.values("extensionAttribute1"), [""; 0]);
    let bare = snapshot.groups.value().get(&case.guid(&bare)).unwrap();
    assert!(bare.attributes.is_empty(), "{:?}", bare.attributes);
    // Nobody asked for it this time.
    let snapshot = observe(&directory).await.unwrap();
    let group = snapshot.groups.value().get(&case.guid(&dn)).unwrap();
    assert!(!group.attributes.contains_key("info"));
}

#[tokio::test]
async fn mail_addresses_name_their_holders_in_lower_case() {
    let case = prepared().await;
    let people = case.people(0..2);
    let (one, two) = (&people[0], &people[1]);
    let contact = case.edit(|tree| tree.add_contact("c", &case.container));
    // No account and no contact: as a public folder is.
    let unit = case.edit(|tree| tree.add_ou("mailbox", &case.container));
    case.edit(|tree| {
        tree.set(one, "mail", &["One@Corp.example"])?;
        tree.set(two, "proxyAddresses", &["SMTP:Two@corp.example", "sip:two@corp.example"])?;
        tree.set(&contact, "proxyAddresses", &["smtp:ONE@corp.example"])?;
        tree.set(&unit, "proxyAddresses", &["smtp:unit@corp.example"])
    });
    let snapshot = observe(&case.open().await).await.unwrap();
    let addresses = &snapshot.addresses;
    let names: Vec<&str> = addresses.keys().map(String::as_str).collect();
    assert_eq!(names, ["one@corp.example", "two@corp.example", "unit@corp.example"]);
    let holders = |name: &str| addresses.get(name).unwrap().clone();
    assert_eq!(holders("one@corp.example"), [case.guid(one), case.guid(&contact)].into());
    assert_eq!(holders("two@corp.example"), [case.guid(two)].into());
    assert_eq!(holders("unit@corp.example"), [case.guid(&unit)].into());
}

#[tokio::test]
async fn an_unprepared_directory_is_not_asked_about_mail() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    case.edit(|tree| tree.set(&dn, "mail", &["a@corp.example"]));
    let snapshot = observe(&case.open().await).await.unwrap();
    assert!(!snapshot.facts.exchange_prepared);
    assert!(snapshot.addresses.is_empty());
    assert!(snapshot.groups.value().get(&case.guid(&dn)).unwrap().attributes.is_empty());
}

#[tokio::test]
async fn parents_of_a_group_are_read_to_the_last_one() {
    let case = Case::new().await;
    let (few, many) = (case.own_group("few"), case.own_group("many"));
    let mut wanted = Vec::new();
    for number in 0..1_600 {
        let parent = case.group(&format!("parent {number}"));
        case.edit(|tree| tree.add_member(&parent, &many));
        if number < 3 {
            case.edit(|tree| tree.add_member(&parent, &few));
        }
        wanted.push(parent);
    }
    wanted.sort();
    let snapshot = observe(&case.open().await).await.unwrap();
    let parents = |dn: &str| {
        let group = snapshot.groups.value().get(&case.guid(dn)).unwrap();
        let mut parents: Vec<String> = group.parents.iter().map(ToString::to_string).collect();
        parents.sort();
        parents
    };
    assert_eq!(parents(&few).len(), 3);
    assert_eq!(parents(&many), wanted);
}

#[tokio::test]
async fn principals_tell_type_primary_group_and_device() {
    let case = Case::new().await;
    let person = case.people(0..1).remove(0);
    let group = case.group("primary");
    case.edit(|tree| {
        tree.add_member(&group, &person)?;
        tree.set_primary_group(&person, &group)
    });
    let id = uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let device = case.edit(|tree| tree.add_device("a tablet", id, None));
    let snapshot = observe(&case.open().await).await.unwrap();
    let principals = snapshot.principals.value();
    let found = |dn: &str| principals.get(&case.guid(dn)).unwrap();
    let rid = found(&group).sid.as_ref().and_then(Sid::rid);
    assert!(rid.is_some());
    assert_eq!(found(&person).primary_group, rid);
    assert_eq!(found(&person).group_type, None);
    assert_eq!(found(&group).group_type, Some(super::UNIVERSAL));
    assert_eq!(found(&device).class, PrincipalClass::Device);
    assert_eq!(found(&device).device_id, Some(DeviceId(id)));
    assert_eq!(found(&person).device_id, None);
}

#[tokio::test]
async fn attributes_that_cannot_be_written_are_told_with_the_reason() {
    let case = prepared().await;
    let directory = case.open().await;
    let reasons = [
        ("nonsense", "no such attribute"),
        ("memberOf", "only the directory"),
        ("managedBy", "links objects"),
        ("objectSid", "only the directory"),
        ("legacyExchangeDN", "no Unicode string"),
        ("garbageCollPeriod", "no Unicode string"),
        ("proxyAddresses", "several values"),
        ("employeeType", "does not allow it on class group"),
        ("allowedAttributes", "only the directory"),
    ];
    let suitable = ["info", "WWWHOMEPAGE", "extensionAttribute1"];
    let names: Vec<&str> =
        reasons.iter().map(|(name, _)| *name).chain(suitable.iter().copied()).collect();
    for _ in 0..2 {
        let snapshot = observe_with(&directory, &[], &names).await;
        let told = |name: &str| snapshot.unsuitable.get(name).cloned().unwrap_or_default();
        for (name, wanted) in reasons {
            assert!(told(name).contains(wanted), "{name}: {}", told(name));
            assert!(told(name).contains("group.attributes"), "{name}: {}", told(name));
        }
        assert_eq!(snapshot.unsuitable.len(), reasons.len());
    }
    // What was found fit is not looked up again.
    case.domain.clear_operations();
    observe_with(&directory, &[], &suitable).await;
    let before = case.requests_of("search").len();
    observe_with(&directory, &[], &suitable).await;
    let with = case.requests_of("search").len() - before;
    observe(&directory).await.unwrap();
    assert_eq!(case.requests_of("search").len() - before - with, with);
}

#[tokio::test]
async fn the_longest_value_of_an_attribute_is_told_in_every_pass_and_taken() {
    let case = prepared().await;
    let dn = case.group("a");
    let record = record_of(1);
    case.edit(|tree| tree.set(&dn, "extensionName", &[&record]));
    let directory = case.open().await;
    let names = ["info", "telephonenumber", "adminDisplayName", "nonsense", "legacyExchangeDN"];
    for asked in [names.as_slice(), &names, &["info"], &[]] {
        let snapshot = observe_with(&directory, &[], asked).await;
        let limits: Vec<_> = snapshot.limits.iter().map(|(name, max)| (&**name, *max)).collect();
        let all = [("adminDisplayName", 256), ("info", 1_024), ("telephonenumber", 64)];
        let wanted: Vec<_> = all.into_iter().filter(|(name, _)| asked.contains(name)).collect();
        assert_eq!(limits, wanted);
    }
    // A face takes two units.
    for (faces, told) in [(513, "longer or shorter"), (512, "Done")] {
        let value = "\u{1F600}".repeat(faces);
        let effect = update("info", None, Some(&value));
        let results = case.apply(&directory, vec![change(1, case.target(&dn), effect)]).await;
        assert!(format!("{results:?}").contains(told), "{results:?}");
    }
}

#[tokio::test]
async fn a_group_goes_out_of_use_in_one_modify_and_into_quarantine() {
    for fault in [None, Some(Fault::CutBefore), Some(Fault::CutAfter)] {
        let case = prepared().await;
        let dn = case.own_group("a");
        let unit = case.edit(|tree| tree.add_ou("Quarantine", &case.container));
        case.edit(|tree| {
            tree.set(&dn, "mail", &["a@corp.example"])?;
            let addresses = ["SMTP:a@corp.example", "smtp:b@corp.example", "x500:1"];
            tree.set(&dn, "proxyAddresses", &addresses)
        });
        let there = Dn::parse(&unit).unwrap().child("a");
        let to = case.containers.admit(case.guid(&dn), there.clone()).unwrap();
        let changes = vec![
            change(1, case.target(&dn), disable(RECORD)),
            change(1, case.target(&dn), Effect::Quarantine { to }),
        ];
        let directory = case.open().await;
        if let Some(fault) = fault.clone() {
            case.domain.order(Order::new(Where::Write, fault));
        }
        let results = case.apply(&directory, changes).await;
        assert!(results.iter().all(|one| one.outcome.achieved()), "{fault:?} {results:?}");
        if fault.is_none() {
            assert_eq!(case.requests_of("modify"), ["ok"]);
        }
        let there = there.to_string();
        let mut addresses = case.values(&there, "proxyAddresses");
        addresses.sort();
        assert_eq!(addresses, ["SMTP:b@corp.example", "smtp:a@corp.example", "x500:1"]);
        assert_eq!(case.values(&there, "groupType"), ["8"]);
        assert_eq!(case.values(&there, "mail"), [""; 0]);
        let records = case.values(&there, "extensionName");
        assert!(records.contains(&RECORD.replace("Active", "Disabled")), "{records:?}");
        assert!(records.contains(&"somebody else's".to_owned()) && records.len() == 2);
    }
}
