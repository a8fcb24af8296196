//! Who left: only those of whom it is certain.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;
use writeback::graph::DEPARTED_ASKED_MAX;
use writeback::model::ObjectId;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{OtherKind, World};

use crate::bench::{Bench, id};

/// A tenant of sixty users, groups of every kind and two devices.
async fn bench() -> (World, Bench) {
    let mut world = World::generated(21, 60, 60);
    world.people.iter_mut().for_each(|person| person.account_enabled = true);
    let bench = Bench::new(&world).await;
    (world, bench)
}

fn some(ids: impl IntoIterator<Item = Uuid>) -> BTreeSet<ObjectId> {
    ids.into_iter().map(id).collect()
}

fn people(world: &World, range: std::ops::Range<usize>) -> Vec<Uuid> {
    let chosen = world.people.get(range).unwrap_or_default();
    chosen.iter().map(|person| person.id).collect()
}

fn throttled() -> Fault {
    Fault::Throttled { retry_after: Some("0".to_owned()), scope: None }
}

/// Direct reads of this object.
fn reads(bench: &Bench, object: Uuid) -> usize {
    bench.asked(&object.to_string())
}

/// Requests with a filter over ids.
fn filters(bench: &Bench) -> usize {
    let requests = bench.tenant.requests();
    requests.iter().filter(|seen| seen.path == "/v1.0/users").count()
}

#[tokio::test]
async fn nobody_left_who_is_there_and_enabled() {
    let (world, bench) = bench().await;
    let asked = some(people(&world, 0..10));
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    // The token and one filter.
    assert_eq!(bench.tenant.requests().len(), 2);
    assert_eq!(filters(&bench), 1);
}

#[tokio::test]
async fn nobody_is_asked_about_where_nobody_is_removed() {
    let (_, bench) = bench().await;
    assert_eq!(bench.client().departed(&BTreeSet::new()).await, BTreeSet::new());
    assert_eq!(bench.tenant.requests(), []);
}

#[tokio::test]
async fn who_was_deleted_left_and_who_was_restored_did_not() {
    let (world, bench) = bench().await;
    let [soft, hard, back] = people(&world, 3..6)[..] else { panic!("three people") };
    bench.tenant.edit(|cloud| {
        cloud.soft_delete_person(soft).unwrap();
        cloud.hard_delete_person(hard).unwrap();
        cloud.soft_delete_person(back).unwrap();
        cloud.restore_person(back).unwrap();
    });
    let left = bench.client().departed(&some(people(&world, 0..15))).await;
    assert_eq!(left, some([soft, hard]));
    // User and deleted item; of the one who is not even there, device and group besides.
    assert_eq!((reads(&bench, soft), reads(&bench, hard), reads(&bench, back)), (2, 4, 0));
    assert_eq!(filters(&bench), 1);
}

#[tokio::test]
async fn who_was_disabled_left_without_another_question() {
    let (world, bench) = bench().await;
    let [off, on] = people(&world, 0..2)[..] else { panic!("two people") };
    bench.tenant.edit(|cloud| {
        cloud.set_account_enabled(off, false).unwrap();
        cloud.set_account_enabled(on, false).unwrap();
        cloud.set_account_enabled(on, true).unwrap();
    });
    let asked = some(people(&world, 0..12));
    assert_eq!(bench.client().departed(&asked).await, some([off]));
    assert_eq!(bench.tenant.requests().len(), 2);
}

#[tokio::test]
async fn sixteen_are_asked_about_in_two_requests() {
    let (world, bench) = bench().await;
    let off = people(&world, 0..16);
    bench.tenant.edit(|cloud| {
        for person in &off {
            cloud.set_account_enabled(*person, false).unwrap();
        }
    });
    assert_eq!(bench.client().departed(&some(off.clone())).await, some(off));
    assert_eq!(filters(&bench), 2);
}

#[tokio::test]
async fn devices_leave_as_users_do_and_groups_never() {
    let (world, bench) = bench().await;
    let devices: Vec<Uuid> = world
        .others
        .iter()
        .filter(|other| other.kind == OtherKind::Device)
        .map(|other| other.id)
        .collect();
    let [gone, off, ..] = devices[..] else { panic!("two devices") };
    let [kept, deleted] = [0, 1].map(|place| {
        let mut groups = world.groups.iter().filter(|group| {
            group.kind == writeback::sim::world::GroupKind::Microsoft365
                && group.on_premises_sync_enabled.is_none()
        });
        groups.nth(place).unwrap().id
    });
    let person = people(&world, 0..1)[0];
    let asked = some([gone, off, kept, deleted, person]);
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    bench.tenant.edit(|cloud| {
        cloud.hard_delete_other(gone).unwrap();
        let disable = json!(false);
        cloud
            .change_other(off, |it| it.properties.insert("accountEnabled".into(), disable))
            .unwrap();
        cloud.soft_delete_group(deleted).unwrap();
        cloud.set_account_enabled(person, false).unwrap();
    });
    assert_eq!(bench.client().departed(&asked).await, some([gone, off, person]));
}

#[tokio::test]
async fn a_living_user_whom_a_stale_answer_leaves_out_did_not_leave() {
    let (world, bench) = bench().await;
    let [there, off, gone] = people(&world, 0..3)[..] else { panic!("three people") };
    bench.tenant.edit(|cloud| {
        cloud.set_account_enabled(off, false).unwrap();
        cloud.soft_delete_person(gone).unwrap();
    });
    for left_out in [there, off] {
        bench.tenant.order(Order::always(Where::Users, Fault::OmitFromListing(left_out)));
    }
    let asked = some(people(&world, 0..15));
    assert_eq!(bench.client().departed(&asked).await, some([off, gone]));
    assert_eq!(reads(&bench, there), 1);
    bench.tenant.clear_orders();
    bench.tenant.order(Order::always(Where::Users, Fault::EmptyAnswer));
    assert_eq!(bench.client().departed(&asked).await, some([off, gone]));
}

#[tokio::test]
async fn a_user_of_today_whom_an_older_replica_does_not_know_yet_did_not_leave() {
    let (world, bench) = bench().await;
    let [new, gone] = people(&world, 0..2)[..] else { panic!("two people") };
    let person = world.people[0].clone();
    bench.tenant.edit(|cloud| cloud.hard_delete_person(new).unwrap());
    let earlier = bench.tenant.cloud();
    bench.tenant.edit(|cloud| {
        cloud.create_person(person);
        cloud.soft_delete_person(gone).unwrap();
    });
    bench.tenant.serve_older(earlier);
    let asked = some([new, gone]);
    // The older replica shows the one as living who is gone: that only counts more.
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    bench.tenant.serve_present();
    assert_eq!(bench.client().departed(&asked).await, some([gone]));
}

#[tokio::test]
async fn a_failure_that_is_overcome_changes_nothing() {
    let (world, bench) = bench().await;
    let [off, gone] = people(&world, 0..2)[..] else { panic!("two people") };
    bench.tenant.edit(|cloud| {
        cloud.set_account_enabled(off, false).unwrap();
        cloud.soft_delete_person(gone).unwrap();
    });
    let asked = some(people(&world, 0..20));
    for fault in [throttled(), Fault::Unavailable503, Fault::Reset, Fault::Html200] {
        for place in [Where::Users, Where::Object(gone)] {
            bench.tenant.clear_orders();
            bench.tenant.order(Order::once(place.clone(), fault.clone()));
            let left = bench.client().departed(&asked).await;
            assert_eq!(left, some([off, gone]), "{fault:?} on {place:?}");
            assert_eq!(bench.tenant.open_orders(), 0, "{fault:?} on {place:?} was not met");
        }
    }
}

#[tokio::test]
async fn nobody_left_of_whom_no_certain_answer_came() {
    let (world, bench) = bench().await;
    let [off, gone] = people(&world, 0..2)[..] else { panic!("two people") };
    bench.tenant.edit(|cloud| {
        cloud.set_account_enabled(off, false).unwrap();
        cloud.soft_delete_person(gone).unwrap();
    });
    let asked = some(people(&world, 0..10));
    let wrong =
        [throttled(), Fault::Unavailable503, Fault::Reset, Fault::Html200, Fault::WrongJson];
    for fault in wrong {
        bench.tenant.clear_orders();
        bench.tenant.order(Order::always(Where::Users, fault.clone()));
        assert_eq!(bench.client().departed(&asked).await, BTreeSet::new(), "{fault:?}");
        bench.tenant.clear_orders();
        bench.tenant.order(Order::always(Where::Object(gone), fault.clone()));
        assert_eq!(bench.client().departed(&asked).await, some([off]), "{fault:?}");
    }
}

#[tokio::test]
async fn a_tenant_that_fails_again_and_again_is_left_alone() {
    let (_, bench) = bench().await;
    bench.tenant.order(Order::always(Where::Users, Fault::Unavailable503));
    let asked = some((1..=DEPARTED_ASKED_MAX as u128).map(Uuid::from_u128));
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    // Eight failures in a row with seven more on their way, five tries each.
    assert!(filters(&bench) <= 15 * 5, "{}", filters(&bench));
}

#[tokio::test]
async fn so_many_are_asked_about_and_not_more() {
    let (world, bench) = bench().await;
    let off = people(&world, 0..1)[0];
    bench.tenant.edit(|cloud| cloud.set_account_enabled(off, false).unwrap());
    let strangers = |count: usize| (1..=count as u128).map(Uuid::from_u128);
    let client = bench.client();
    let mut asked = some(strangers(DEPARTED_ASKED_MAX));
    asked.insert(id(off));
    assert_eq!(client.departed(&asked).await, BTreeSet::new());
    assert_eq!(bench.tenant.requests(), []);
    // More are missing than are looked for one by one: the disabled one is known all the same.
    let mut asked = some(strangers(501));
    asked.insert(id(off));
    assert_eq!(client.departed(&asked).await, some([off]));
    assert_eq!(bench.tenant.requests().len(), 1 + 34);
    // At the bound each of them is.
    let asked = some(strangers(500));
    assert_eq!(client.departed(&asked).await, asked);
}

#[tokio::test]
async fn without_the_right_to_see_it_nobody_counts_as_disabled() {
    let (world, bench) = bench().await;
    let [off, gone] = people(&world, 0..2)[..] else { panic!("two people") };
    bench.tenant.edit(|cloud| {
        cloud.set_account_enabled(off, false).unwrap();
        cloud.soft_delete_person(gone).unwrap();
    });
    let grant = |roles: &[&str]| {
        bench.tenant.set_roles(roles.iter().map(|role| (*role).to_owned()).collect());
    };
    let asked = some([off, gone]);
    grant(&["Group.Read.All", "User.ReadBasic.All"]);
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    grant(&["Group.Read.All"]);
    assert_eq!(bench.client().departed(&asked).await, BTreeSet::new());
    grant(&["Group.Read.All", "User.Read.All"]);
    assert_eq!(bench.client().departed(&asked).await, some([off, gone]));
}

#[tokio::test]
async fn without_the_right_to_devices_deleted_items_still_tell_who_left() {
    let (world, bench) = bench().await;
    let mut everybody = people(&world, 0..40);
    everybody.sort_unstable();
    let (hard, soft) = everybody.split_at(20);
    bench.tenant.edit(|cloud| {
        for (gone, deleted) in hard.iter().zip(soft) {
            cloud.hard_delete_person(*gone).unwrap();
            cloud.soft_delete_person(*deleted).unwrap();
        }
    });
    bench.tenant.set_roles(vec!["Group.Read.All".to_owned(), "User.Read.All".to_owned()]);
    let left = bench.client().departed(&some(everybody.clone())).await;
    assert_eq!(left, some(soft.iter().copied()));
}
