//! Groups that somebody else made: read by their objectGUID, adopted, released.

use writeback::directory::apply::ChangeResult;
use writeback::model::directory::PrincipalClass;
use writeback::model::{AttributeChange, Containers, Dn, Effect, ObjectGuid, Outcome};
use writeback::sim::domain::{Fault, OperationKind, Order, Where};

use super::lab::Lab;
use super::samba::open;
use super::{
    Case, UNIVERSAL, add, apply, change, id, member_dns, observe, observe_named, record_of, update,
    words,
};

const GLOBAL: i32 = -2_147_483_646;

fn mark(number: u128) -> String {
    format!("writeback-adopted/v1;id={}", id(number))
}

fn value(name: &'static str, before: Option<String>, after: Option<String>) -> AttributeChange {
    AttributeChange { name: name.into(), before, after }
}

fn adoption(number: u128) -> Effect {
    let attributes = vec![
        value("adminDescription", None, Some(id(number).anchor())),
        value("extensionName", None, Some(record_of(number))),
        value("extensionName", None, Some(mark(number))),
    ];
    Effect::Adopt { attributes }
}

fn release(number: u128) -> Effect {
    let attributes = vec![
        value("adminDescription", Some(id(number).anchor()), None),
        value("extensionName", Some(record_of(number)), None),
        value("extensionName", Some(mark(number)), None),
    ];
    Effect::Release { attributes }
}

fn message(result: &ChangeResult) -> &str {
    match &result.outcome {
        Outcome::Failed { message } | Outcome::Refused { message } => message,
        Outcome::Done { .. } | Outcome::AlreadySo { .. } | Outcome::Unknown { .. } => "",
    }
}

#[tokio::test]
async fn a_named_object_is_read_whole_whatever_it_carries() {
    let case = Case::new().await;
    let base = case.domain.base_dn();
    let people = case.people(0..1_600);
    let legacy = case.edit(|tree| tree.add_group("Legacy", &base, "legacy", GLOBAL));
    case.edit(|tree| tree.add_members(&legacy, people.iter().map(String::as_str)));
    case.edit(|tree| tree.set(&legacy, "description", &["by hand"]));
    let parent = case.group("parent");
    case.edit(|tree| tree.add_member(&parent, &legacy));
    let marked = case.own_group("marked");
    let values = [record_of(1), mark(1)];
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    case.edit(|tree| tree.set(&marked, "extensionName", &values));
    let administrators = format!("CN=Administrators,CN=Builtin,{base}");
    let person = people.first().unwrap();
    let gone = ObjectGuid(uuid::Uuid::from_u128(77));
    let guids = [&legacy, &administrators, &marked, person].map(|dn| case.guid(dn));
    let [legacy_guid, builtin_guid, marked_guid, person_guid] = guids;
    let directory = case.open().await;
    let asked = [guids.as_slice(), &[gone]].concat();
    let snapshot = observe_named(&directory, &asked).await;

    let named = |guid: ObjectGuid| snapshot.named.get(&guid).unwrap().as_ref();
    let group = named(legacy_guid).unwrap();
    assert_eq!(group.class, PrincipalClass::Group);
    assert_eq!((group.group_type, group.sam_account_name.as_str()), (GLOBAL, "legacy"));
    assert_eq!(group.description.as_deref(), Some("by hand"));
    assert_eq!((group.critical, group.privileged), (false, false));
    assert!(group.records.is_empty() && group.adopted.is_none());
    assert_eq!(group.parents.iter().map(Dn::to_string).collect::<Vec<_>>(), [parent.as_str()]);
    assert_eq!(member_dns(&snapshot, legacy_guid), case.members(&legacy));
    assert!(snapshot.above.contains_key(&Dn::parse(&parent).unwrap().key()));
    let builtin = named(builtin_guid).unwrap();
    assert!(builtin.critical && builtin.privileged);
    assert_eq!(named(person_guid).unwrap().class, PrincipalClass::User);
    assert!(!snapshot.members.contains_key(&person_guid));
    let reason = &named(gone).unwrap_err().reason;
    assert_eq!(reason, "there is no group with this objectGUID");
    assert!(!snapshot.named.contains_key(&marked_guid), "it is among the others");
    let marked = snapshot.groups.value().get(&marked_guid).unwrap();
    assert_eq!(marked.adopted, Some(mark(1)));
    assert_eq!(marked.records.len(), 1);

    let snapshot = observe(&directory).await.unwrap();
    assert!(snapshot.named.is_empty() && !snapshot.members.contains_key(&legacy_guid));
}

#[tokio::test]
async fn a_group_is_adopted_in_one_modify_and_then_filled() {
    for (fault, word) in
        [(None, "done"), (Some(Fault::CutBefore), "done"), (Some(Fault::CutAfter), "already_so")]
    {
        let case = Case::new().await;
        let people = case.people(0..3);
        let legacy = case.group("Legacy");
        case.edit(|tree| tree.set(&legacy, "extensionName", &["somebody else's"]));
        let directory = case.open().await;
        if let Some(fault) = fault.clone() {
            case.domain.order(Order::new(Where::Write, fault));
        }
        let target = || case.target(&legacy);
        let changes =
            vec![change(1, target(), adoption(1)), change(1, target(), add(&case, &people))];
        let results = case.apply(&directory, changes).await;
        assert_eq!(words(&results), [word, "done"], "{fault:?} {results:?}");
        let mut values = case.values(&legacy, "extensionName");
        values.sort();
        let mut wanted = ["somebody else's".to_owned(), record_of(1), mark(1)];
        wanted.sort();
        assert_eq!(values, wanted);
        assert_eq!(case.values(&legacy, "adminDescription"), [id(1).anchor()]);
        assert_eq!(case.members(&legacy).len(), 3);
    }
}

#[tokio::test]
async fn what_changed_since_the_plan_is_not_adopted() {
    let case = Case::new().await;
    let base = case.domain.base_dn();
    let person = case.edit(|tree| tree.add_user("Person", &case.container, "person", None, None));
    let (taken, admin, moved) =
        (case.own_group_of(9, "taken"), case.group("admin"), case.group("moved"));
    let targets = [&taken, &admin, &moved, &person].map(|dn| case.target(dn));
    case.edit(|tree| tree.set(&admin, "adminCount", &["1"]));
    case.edit(|tree| tree.move_to(&moved, &base));
    let directory = case.open().await;
    case.domain.clear_operations();
    let adoptions = targets.into_iter().zip(1..).map(|(to, n)| change(n, to, adoption(n)));
    let results = case.apply(&directory, adoptions.collect()).await;
    assert_eq!(words(&results), ["failed"; 4], "{results:?}");
    for (result, told) in
        results.iter().zip(["ownership record", "privileged", "outside the containers", "no group"])
    {
        assert!(message(result).contains(told), "{told}: {result:?}");
    }
    assert!(case.domain.operations().iter().all(|seen| seen.kind == OperationKind::Search));
}

#[tokio::test]
async fn a_released_group_loses_our_values_alone_and_is_let_be() {
    let case = Case::new().await;
    let people = case.people(0..2);
    let own = case.group("own");
    let texts = [record_of(1), mark(1)];
    let values = [texts[0].as_str(), texts[1].as_str(), "somebody else's"];
    case.edit(|tree| tree.set(&own, "extensionName", &values));
    case.edit(|tree| tree.set(&own, "adminDescription", &[&id(1).anchor()]));
    case.edit(|tree| tree.add_members(&own, people.iter().map(String::as_str)));
    let directory = case.open().await;
    let target = || case.target(&own);
    let changes = vec![
        change(1, target(), release(1)),
        change(1, target(), update("description", None, Some("x"))),
    ];
    let results = case.apply(&directory, changes).await;
    assert_eq!(words(&results), ["done", "failed"]);
    assert!(message(results.get(1).unwrap()).contains("let go"), "{results:?}");
    assert_eq!(case.values(&own, "extensionName"), ["somebody else's"]);
    assert_eq!(case.values(&own, "adminDescription"), [""; 0]);
    assert_eq!(case.members(&own).len(), 2);
}

#[tokio::test]
async fn samba_groups_are_named_adopted_and_released() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-adoption");
    let more = [("extensionName", "somebody else's")];
    let dn = lab.add_group(&container, "Legacy", "directory-adoption-legacy", UNIVERSAL, &more);
    let person = &lab.users.first().unwrap().dn;
    lab.add_value(&dn, "member", person);
    let before = lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0);
    let guid = ObjectGuid(before.guid());
    let (directory, containers) = open(&lab, &container).await;
    let snapshot = observe_named(&directory, &[guid]).await;
    let group = snapshot.named.get(&guid).unwrap().as_ref().unwrap();
    assert_eq!((group.class, group.critical), (PrincipalClass::Group, false));
    assert_eq!(member_dns(&snapshot, guid), [person.clone()].into());

    let files = tempfile::tempdir().unwrap();
    let target = |containers: &Containers| containers.admit(guid, Dn::parse(&dn).unwrap()).unwrap();
    let adopt = vec![
        change(1, target(&containers), adoption(1)),
        change(1, target(&containers), update("description", None, Some("ours"))),
    ];
    let results = apply(&directory, &containers, files.path(), adopt).await;
    assert_eq!(words(&results), ["done", "done"], "{results:?}");
    let snapshot = observe_named(&directory, &[guid]).await;
    assert!(snapshot.named.is_empty());
    let group = snapshot.groups.value().get(&guid).unwrap();
    assert_eq!(group.adopted, Some(mark(1)));
    let after = lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0);
    assert_eq!((after.guid(), after.sid()), (before.guid(), before.sid()));

    let let_go = vec![change(1, target(&containers), release(1))];
    let results = apply(&directory, &containers, files.path(), let_go).await;
    assert_eq!(words(&results), ["done"], "{results:?}");
    let texts = lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).texts();
    assert_eq!(texts.get("extensionName").unwrap(), &["somebody else's"]);
    assert!(!texts.contains_key("adminDescription"));
    assert_eq!(texts.get("member").unwrap(), &[person.as_str()]);
}
