//! Writes: every kind of change, refused, unanswered or delayed.
//!
//! Each test applies changes as the controller does and then asks the domain what stands there.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::{Dn, Effect, MemberReference, Outcome};
use writeback::sim::domain::{Fault, Order, Where};

use super::{
    Case, UNIVERSAL, add, change, create, deletion, id, record_of, references, remove, update,
    words,
};

#[tokio::test]
async fn every_kind_of_change_is_made() {
    let case = Case::new().await;
    let people = case.people(0..1_200);
    let sub = case.edit(|tree| tree.add_ou("Sub", &case.container));
    let (a, b) = (case.own_group("a"), case.own_group_of(2, "b"));
    let c = case.own_group_of(3, "c");
    let renewed = record_of(3).replace("Active", "Disabled");
    let guids = (case.guid(&a), case.guid(&b), case.guid(&c));
    let place = |guid, dn: Dn| case.containers.admit(guid, dn).unwrap();
    let sub = Dn::parse(&sub).unwrap();
    let hostile = " #a,b+c\"d\\e<f>;=(g)* \u{1F600}\u{200F}é ";
    let nested = |n: u128| MemberReference::Created { group: id(n), label: n.to_string() };
    let fill = |members| Effect::AddMembers { members, of: None };
    let new_one = |name: &str| case.containers.admit_new(case.child(name)).unwrap();
    let changes = vec![
        change(1, case.target(&a), Effect::Rename { to: place(guids.0, case.child("swap")) }),
        change(2, case.target(&b), Effect::Rename { to: place(guids.1, case.child("a")) }),
        change(1, case.target(&a), Effect::Rename { to: place(guids.0, case.child("b")) }),
        change(3, case.target(&c), Effect::Move { to: place(guids.2, sub.child("C")) }),
        change(3, case.target(&c), update("description", None, Some("one"))),
        change(3, case.target(&c), update("description", Some("one"), Some("ONE"))),
        change(3, case.target(&c), update("description", Some("ONE"), None)),
        change(3, case.target(&c), update("extensionName", Some(&record_of(3)), Some(&renewed))),
        change(3, case.target(&c), update("sAMAccountName", Some("c"), Some("C"))),
        change(3, case.target(&c), Effect::Convert { from: UNIVERSAL, to: 8 }),
        create(&case, 4, hostile),
        create(&case, 5, "five"),
        change(4, new_one(hostile), fill([references(&case, &people), vec![nested(5)]].concat())),
        change(5, new_one("five"), fill(vec![nested(4)])),
        change(4, new_one(hostile), remove(&case, people.get(..700).unwrap())),
    ];
    let count = changes.len();
    let directory = case.open().await;
    let results = case.apply(&directory, changes).await;
    assert_eq!(words(&results), vec!["done"; count], "{results:?}");
    assert_eq!(case.guid(&case.child("a").to_string()), guids.1);
    assert_eq!(case.guid(&case.child("b").to_string()), guids.0);
    let c = sub.child("C").to_string();
    assert_eq!(case.guid(&c), guids.2);
    assert_eq!(case.values(&c, "groupType"), ["8"]);
    assert_eq!(case.values(&c, "sAMAccountName"), ["C"]);
    assert_eq!(case.values(&c, "description"), [""; 0]);
    let mut records = case.values(&c, "extensionName");
    records.sort();
    assert_eq!(records, ["somebody else's".to_owned(), renewed]);
    let (four, five) = (case.child(hostile).to_string(), case.child("five").to_string());
    let mut wanted: BTreeSet<String> = people.iter().skip(700).cloned().collect();
    wanted.extend(case.members(&four).into_iter().filter(|dn| dn.starts_with("CN=five")));
    assert_eq!(case.members(&four).len(), 501);
    assert_eq!(case.members(&four), wanted);
    assert_eq!(case.members(&five).len(), 1);
    assert_eq!(case.values(&five, "adminDescription"), [id(5).anchor()]);

    let results = case.apply(&directory, vec![change(3, case.target(&c), deletion())]).await;
    assert_eq!(words(&results), ["done"]);
    assert!(!case.domain.edit(|tree| tree.exists(&c)));
}

#[tokio::test]
async fn members_that_a_rule_forbids_are_set_aside_and_the_others_written() {
    let case = Case::new().await;
    let mut people = case.people(0..600);
    let local = case.edit(|tree| {
        tree.add_group("local", &format!("OU=People,{}", tree.base_dn()), "local", -2_147_483_644)
    });
    people.insert(300, local.clone());
    let gone = people.get(10).unwrap().clone();
    let effect = add(&case, &people);
    let guid = case.guid(&gone);
    case.edit(|tree| tree.remove(&gone));
    let dn = case.own_group("a");
    let results = case.apply(&case.open().await, vec![change(1, case.target(&dn), effect)]).await;
    assert_eq!(words(&results), ["done"]);
    let refused: BTreeMap<_, _> =
        results.first().unwrap().refused_members.iter().cloned().collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.get(&case.guid(&local)).unwrap().contains("a local group"), "{refused:?}");
    assert!(refused.get(&guid).unwrap().contains("not in the directory"), "{refused:?}");
    assert_eq!(case.members(&dn).len(), 599);
    assert!(case.domain.counters().writes < 60);
}

#[tokio::test]
async fn refusals_end_in_one_sentence_that_says_what_to_mend() {
    let case = Case::new().await;
    let stranger = case.group("stranger");
    let taken = case.edit(|tree| tree.add_user("u", &case.container, "g2", None, None));
    let own = case.own_group_of(3, "own");
    let protected = case.own_group_of(4, "protected");
    case.edit(|tree| tree.protect(&protected));
    let delegated = ["member", "displayName"];
    let directory = case.open().await;
    let results = case
        .apply(
            &directory,
            vec![
                create(&case, 1, "Stranger"),
                create(&case, 2, "two"),
                change(
                    3,
                    case.target(&own),
                    Effect::Rename {
                        to: case.containers.admit(case.guid(&own), case.child("stranger")).unwrap(),
                    },
                ),
                change(3, case.target(&own), update("displayName", None, Some(&"x".repeat(257)))),
                change(4, case.target(&protected), deletion()),
            ],
        )
        .await;
    case.domain.revoke();
    case.domain.delegate_attributes(&case.container, &delegated).unwrap();
    let denied = vec![change(3, case.target(&own), update("description", None, Some("x")))];
    let results = [results, case.apply(&directory, denied).await].concat();
    let said: Vec<&str> = results
        .iter()
        .map(|result| {
            let Outcome::Refused { message } = &result.outcome else { panic!("{result:?}") };
            message.as_str()
        })
        .collect();
    for (said, wanted) in said.iter().zip([
        "not ours",
        "sAMAccountName is taken",
        "name is taken",
        "longer or shorter",
        "may not delete",
        "may not write these attributes",
    ]) {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!(said.len(), 6);
    assert!(case.domain.edit(|tree| tree.exists(&stranger) && tree.exists(&taken)));
}

#[tokio::test]
async fn an_answer_lost_before_or_after_any_write_reaches_the_same_end() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for after in 0..6 {
            let case = Case::new().await;
            let people = case.people(0..20);
            let (a, old) = (case.own_group("a"), case.own_group_of(2, "old"));
            let to = case.containers.admit(case.guid(&a), case.child("b")).unwrap();
            let nested = MemberReference::Created { group: id(3), label: "three".to_owned() };
            let members = [references(&case, &people), vec![nested]].concat();
            let changes = vec![
                change(1, case.target(&a), Effect::Rename { to }),
                change(1, case.target(&a), update("description", None, Some("x"))),
                create(&case, 3, "three"),
                change(1, case.target(&a), Effect::AddMembers { members, of: Some(0) }),
                change(1, case.target(&a), remove(&case, people.get(..5).unwrap())),
                change(2, case.target(&old), deletion()),
            ];
            let directory = case.open().await;
            case.domain.order(Order::new(Where::Write, fault.clone()).after(after));
            let results = case.apply(&directory, changes).await;
            assert_eq!(case.domain.open_orders(), 0, "{fault:?} {after}");
            assert!(results.iter().all(|r| r.outcome.achieved()), "{fault:?} {after} {results:?}");
            let b = case.child("b").to_string();
            let mut wanted: BTreeSet<String> = people.iter().skip(5).cloned().collect();
            wanted.insert(case.child("three").to_string());
            assert_eq!(case.members(&b), wanted, "{fault:?} {after}");
            assert_eq!(case.values(&b, "description"), ["x"]);
            assert!(!case.domain.edit(|tree| tree.exists(&old)));
        }
    }
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for() {
    let case = Case::new().await.impatient();
    let people = case.people(0..300);
    let dn = case.own_group("a");
    let directory = case.open().await;
    for fault in
        [Fault::Busy, Fault::Unavailable, Fault::OperationsError, Fault::AdminLimit, Fault::Stall]
    {
        case.domain.order(Order::new(Where::Write, fault.clone()).times(2));
        let effects = vec![
            change(1, case.target(&dn), add(&case, &people)),
            change(1, case.target(&dn), remove(&case, &people)),
        ];
        let results = case.apply(&directory, effects).await;
        assert_eq!(words(&results), ["done", "done"], "{fault:?}");
        assert_eq!(case.domain.open_orders(), 0);
    }
}

#[tokio::test]
async fn a_read_only_domain_controller_is_named_as_such() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    case.domain.set_read_only(true);
    let update = change(1, case.target(&dn), update("description", None, Some("x")));
    let results = case.apply(&case.open().await, vec![update]).await;
    let outcome = format!("{:?}", results.first().unwrap().outcome);
    assert!(outcome.contains("read-only"), "{outcome}");
}
