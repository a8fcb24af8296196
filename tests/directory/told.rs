//! What the directory tells for people: who wrote a value last, and why a change is refused where
//! objects are mastered elsewhere.

use writeback::model::{Effect, ObjectGuid, Outcome};

use super::lab::Lab;
use super::samba::open;
use super::{Case, RECORD, UNIVERSAL, add, change, deletion, update, words};

#[tokio::test]
async fn the_last_write_of_a_value_is_told_with_version_time_and_domain_controller() {
    let case = Case::new().await;
    let people = case.people(0..2);
    let own = case.own_group("own");
    let guid = case.guid(&own);
    let directory = case.open().await;
    for text in ["one", "two", "three"] {
        case.edit(|tree| tree.set(&own, "description", &[text]));
    }
    let told = directory.last_writer(guid, "DESCRIPTION").await.unwrap();
    assert!(told.starts_with("version 3, last written 2026-01-01T"), "{told}");
    let base = case.domain.base_dn();
    let server = format!(
        "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,\
         {base}"
    );
    assert!(told.ends_with(&format!(" on {server}")), "{told}");
    case.edit(|tree| tree.set(&own, "description", &[]));
    let told = directory.last_writer(guid, "description").await.unwrap();
    assert!(told.starts_with("version 4, "), "a value that is gone was written too: {told}");
    let moved = case.edit(|tree| tree.rename_to(&own, "renamed"));
    let told = directory.last_writer(guid, "name").await.unwrap();
    assert!(told.starts_with("version 2, "), "{told}");

    let told = directory.last_writer(guid, "member").await.unwrap();
    assert!(told.contains("the object was last changed 2026-01-01T"), "{told}");
    let [one, two] = people.as_slice() else { panic!("two people") };
    for person in [one, two] {
        case.edit(|tree| tree.add_member(&moved, person));
    }
    let told = directory.last_writer(guid, "member").await.unwrap();
    assert!(told.starts_with(&format!("{two}: version 1, ")), "{told}");
    case.edit(|tree| tree.remove_member(&moved, one));
    let told = directory.last_writer(guid, "member").await.unwrap();
    assert!(told.starts_with(&format!("{one}: version 2, ")), "{told}");

    let gone = ObjectGuid(uuid::Uuid::from_u128(77));
    assert_eq!(directory.last_writer(gone, "description").await, None);
}

#[tokio::test]
async fn samba_tells_the_last_write_from_its_own_stamps() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-told");
    let more = [("extensionName", RECORD), ("description", "one")];
    let dn = lab.add_group(&container, "own", "directory-told-own", UNIVERSAL, &more);
    let guid = ObjectGuid(lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).guid());
    let (directory, _) = open(&lab, &container).await;
    let told = directory.last_writer(guid, "description").await.unwrap();
    assert!(told.starts_with("version 1, last written 20"), "{told}");
    lab.replace_value(&dn, "description", "two");
    let told = directory.last_writer(guid, "description").await.unwrap();
    assert!(told.starts_with("version 2, last written 20"), "{told}");
    assert!(told.contains(" on CN=NTDS Settings,CN=DC1,"), "{told}");
    // Values of links carry their own stamps, which Samba shows nobody.
    lab.add_value(&dn, "member", &lab.users.first().unwrap().dn);
    let told = directory.last_writer(guid, "member").await.unwrap();
    assert!(told.starts_with("the object was last changed 20"), "{told}");
}

#[tokio::test]
async fn a_change_that_enforcement_refuses_is_told_with_the_list_to_mend() {
    let case = Case::new().await;
    let people = case.people(0..2);
    let account = case.domain.service_account().dn.clone();
    let marked = case.own_group("marked");
    let free = case.own_group_of(2, "free");
    let third = case.own_group_of(3, "third");
    case.edit(|tree| tree.add_member(&third, people.first().unwrap()));
    for dn in [&marked, &third] {
        case.edit(|tree| tree.set(dn, "msDS-ObjectSoa", &["Cloud"]));
    }
    case.domain.enforce(&[]).unwrap();
    let directory = case.open().await;
    let to = case.containers.admit(case.guid(&marked), case.child("renamed")).unwrap();
    let refused = [
        change(1, case.target(&marked), Effect::Rename { to }),
        change(1, case.target(&marked), update("description", None, Some("x"))),
        change(3, case.target(&third), add(&case, people.get(1..).unwrap())),
    ];
    for one in refused {
        case.domain.clear_operations();
        let results = case.apply(&directory, vec![one]).await;
        let [result] = results.as_slice() else { panic!("one result: {results:?}") };
        let Outcome::Refused { message } = &result.outcome else { panic!("{result:?}") };
        for wanted in ["msDS-ObjectSoa", "CN=SOA-Policies", "msDS-Settings"] {
            assert!(message.contains(wanted), "{message}");
        }
        assert_eq!(case.domain.counters().writes, 1, "what would be refused again is sent once");
    }
    // Whoever is on no list may still delete, and change everything else.
    let others = vec![
        change(2, case.target(&free), update("description", None, Some("x"))),
        change(3, case.target(&third), deletion()),
    ];
    let results = case.apply(&directory, others).await;
    assert_eq!(words(&results), ["done", "done"], "{results:?}");
    case.domain.enforce(&[&account]).unwrap();
    let listed = vec![change(1, case.target(&marked), update("description", None, Some("x")))];
    assert_eq!(words(&case.apply(&directory, listed).await), ["done"]);
}
