//! Deleted groups: which of them are seen, and how they come back.

use writeback::directory::apply::ChangeResult;
use writeback::model::directory::DirectPresence;
use writeback::model::{AttributeChange, Change, Effect, MemberReference, ObjectGuid, Outcome};
use writeback::sim::domain::{DeletedRight, DomainOptions, Fault, Order, Where};

use super::{Case, RECORD, add, change, id, observe, observe_with, words};

const RIGHTS: [DeletedRight; 2] = [DeletedRight::Read, DeletedRight::Reanimate];

impl Case {
    fn trust(&self, rights: &[DeletedRight]) {
        let account = self.domain.service_account().dn.clone();
        for right in rights {
            self.domain.grant_deleted(&account, *right).unwrap();
        }
    }

    fn bury(&self, dn: &str) -> ObjectGuid {
        let guid = self.guid(dn);
        self.edit(|tree| tree.remove(dn));
        guid
    }
}

/// What brings a tombstone back: its marks are gone with the deletion.
fn restore(case: &Case, guid: ObjectGuid, name: &str) -> Change {
    let own = |name: &'static str, value: String| AttributeChange {
        name: name.into(),
        before: None,
        after: Some(value),
    };
    let attributes =
        vec![own("adminDescription", id(1).anchor()), own("extensionName", RECORD.to_owned())];
    let target = case.containers.admit(guid, case.child(name)).unwrap();
    change(1, target, Effect::Restore { attributes })
}

#[tokio::test]
async fn deleted_groups_with_a_mark_or_remembered_are_seen() {
    for recycle_bin in [false, true] {
        let options = DomainOptions { recycle_bin, ..DomainOptions::default() };
        let case = Case::with(options).await;
        let (owned, external) = (case.own_group("owned"), case.group("external"));
        let anchor = id(2).anchor();
        case.edit(|tree| tree.set(&external, "msDS-ExternalDirectoryObjectId", &[&anchor]));
        let (remembered, stranger) = (case.group("remembered"), case.group("stranger"));
        let living = case.guid(&case.own_group("living"));
        let [owned, external, remembered, stranger] =
            [owned, external, remembered, stranger].map(|dn| case.bury(&dn));
        let gone = ObjectGuid(uuid::Uuid::from_u128(77));
        let directory = case.open().await;
        let asked = [remembered, living, gone];

        let snapshot = observe_with(&directory, &asked, &[]).await;
        assert!(snapshot.deleted.is_empty(), "without the right");
        assert_eq!(snapshot.direct.get(&remembered), Some(&DirectPresence::Absent));

        case.trust(&RIGHTS);
        let snapshot = observe_with(&directory, &asked, &[]).await;
        let mut wanted = vec![external, remembered];
        // A tombstone keeps no record.
        wanted.extend(recycle_bin.then_some(owned));
        wanted.sort_unstable();
        let seen: Vec<ObjectGuid> = snapshot.deleted.keys().copied().collect();
        assert_eq!(seen, wanted);
        assert!(!snapshot.deleted.contains_key(&stranger));
        let direct = [(remembered, DirectPresence::Deleted), (gone, DirectPresence::Absent)];
        assert_eq!(snapshot.direct, direct.into());
        let group = snapshot.deleted.get(&external).unwrap();
        assert_eq!(group.external_id.as_deref(), Some(anchor.as_str()));
        assert_eq!(group.sam_account_name.as_deref(), Some("external"));
        assert_eq!(group.group_type, Some(super::UNIVERSAL));
        if let Some(group) = snapshot.deleted.get(&owned) {
            assert_eq!(group.records.first().unwrap().text, RECORD);
        }
    }
}

#[tokio::test]
async fn whoever_misses_many_objects_still_asks_with_one_listing() {
    let case = Case::new().await;
    case.trust(&RIGHTS);
    let buried: Vec<ObjectGuid> =
        (0..120).map(|n| case.bury(&case.group(&format!("g{n}")))).collect();
    let directory = case.open().await;
    let before = case.requests_of("search").len();
    let snapshot = observe_with(&directory, &buried, &[]).await;
    assert_eq!(snapshot.deleted.len(), 120);
    assert!(snapshot.direct.values().all(|presence| *presence == DirectPresence::Deleted));
    assert!(case.requests_of("search").len() - before < 10);
}

#[tokio::test]
async fn a_deleted_group_comes_back_as_the_same_object_and_is_filled_and_nested() {
    let case = Case::new().await;
    case.trust(&RIGHTS);
    let people = case.people(0..5);
    let parent = case.own_group_of(2, "parent");
    let dn = case.own_group("a");
    let sid = case.domain.edit(|tree| tree.sid_of(&dn));
    let guid = case.bury(&dn);
    let nested = MemberReference::Created { group: id(1), label: "b".to_owned() };
    let target = case.containers.admit(guid, case.child("b")).unwrap();
    let directory = case.open().await;
    let changes = vec![
        restore(&case, guid, "b"),
        change(1, target.clone(), add(&case, &people)),
        change(2, case.target(&parent), Effect::AddMembers { members: vec![nested], of: Some(0) }),
    ];
    let results = case.apply(&directory, changes).await;
    assert_eq!(words(&results), ["done"; 3], "{results:?}");
    let b = case.child("b").to_string();
    assert_eq!(case.guid(&b), guid);
    assert_eq!(case.domain.edit(|tree| tree.sid_of(&b)), sid);
    assert_eq!(case.values(&b, "extensionName"), [RECORD]);
    assert_eq!(case.members(&b).len(), 5);
    assert_eq!(case.members(&parent), [b].into());
    let snapshot = observe(&directory).await.unwrap();
    assert!(snapshot.groups.value().contains_key(&guid) && snapshot.deleted.is_empty());
}

#[tokio::test]
async fn a_restoration_whose_answer_is_lost_is_settled_by_reading() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let case = Case::new().await;
        case.trust(&RIGHTS);
        let guid = case.bury(&case.own_group("a"));
        let directory = case.open().await;
        case.domain.order(Order::new(Where::Write, fault.clone()));
        let results = case.apply(&directory, vec![restore(&case, guid, "a")]).await;
        assert_eq!(case.domain.open_orders(), 0);
        assert!(results.iter().all(|result| result.outcome.achieved()), "{fault:?} {results:?}");
        assert_eq!(case.guid(&case.child("a").to_string()), guid);
    }
}

#[tokio::test]
async fn a_refused_restoration_says_what_to_mend() {
    let said = |results: &[ChangeResult]| {
        let Outcome::Refused { message } = &results.first().unwrap().outcome else {
            panic!("{results:?}")
        };
        message.clone()
    };
    let case = Case::new().await;
    let guid = case.bury(&case.own_group("a"));
    let directory = case.open().await;
    let once = async |name: &str| {
        let results = case.apply(&directory, vec![restore(&case, guid, name)]).await;
        said(&results)
    };
    let message = once("a").await;
    assert!(message.contains("CN=Deleted Objects"), "{message}");
    case.trust(&[DeletedRight::Read]);
    let message = once("a").await;
    assert!(message.contains("Reanimate Tombstones"), "{message}");
    case.trust(&[DeletedRight::Reanimate]);
    case.group("taken");
    let message = once("Taken").await;
    assert!(message.contains("taken in its container"), "{message}");
    let parent = format!("OU=People,{}", case.domain.base_dn());
    let thief = case.edit(|tree| tree.add_user("thief", &parent, "a", None, None));
    let message = once("a").await;
    assert!(message.contains("sAMAccountName"), "{message}");
    case.edit(|tree| tree.remove(&thief));
    case.edit(|tree| tree.purge(guid.0));
    let message = once("a").await;
    assert!(message.contains("recycled"), "{message}");
}

#[tokio::test]
async fn a_group_that_somebody_restored_by_hand_is_left_to_the_next_pass() {
    let case = Case::new().await;
    case.trust(&RIGHTS);
    let dn = case.own_group("a");
    let guid = case.bury(&dn);
    case.edit(|tree| tree.restore(guid.0, &dn));
    let directory = case.open().await;
    let results = case.apply(&directory, vec![restore(&case, guid, "a")]).await;
    assert_eq!(words(&results), ["failed"], "{results:?}");
    assert_eq!(case.values(&dn, "extensionName"), [""; 0]);
}
