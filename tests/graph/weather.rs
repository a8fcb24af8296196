//! Bad weather: what is overcome leaves no trace, what is not overcome is not believed.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpSocket;
use tokio::time::Instant;
use writeback::graph::{Flags, GraphError, Patience, Tenant, TenantOptions};
use writeback::model::cloud::MemberKind;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::World;

use crate::bench::{
    Bench, QUICK, all_members, at, id, is_unreadable, listing, now, plain, summary,
};

fn throttled(retry_after: Option<&str>) -> Fault {
    Fault::Throttled { retry_after: retry_after.map(str::to_owned), scope: None }
}

async fn groups_error(bench: &Bench) -> GraphError {
    bench.client().listing(Flags::Skip, at()).await.unwrap_err()
}

#[tokio::test]
async fn a_fault_overcome_by_trying_again_changes_nothing() {
    let world = World::small(2);
    let bench = Bench::new(&world).await;
    let clean = (
        summary(&listing(&bench.client()).await),
        plain(&all_members(&bench.client(), &world).await),
    );
    let past = http_date(SignedDuration::from_secs(-5));
    for fault in [
        throttled(None),
        throttled(Some("0.02")),
        throttled(Some(&past)),
        Fault::Unavailable503,
        Fault::GatewayTimeout504,
        Fault::Reset,
        Fault::TruncatedBody,
        Fault::Html200,
        Fault::WrongJson,
        Fault::EmptyPage,
        Fault::Unauthorized401,
    ] {
        for place in [Where::Groups, Where::DeletedGroups, Where::Flags, Where::Members] {
            bench.tenant.clear_orders();
            bench.tenant.order(Order { on: place.clone(), nth: 1, times: 1, what: fault.clone() });
            let client = bench.client();
            let read =
                (summary(&listing(&client).await), plain(&all_members(&client, &world).await));
            assert_eq!(bench.tenant.open_orders(), 0, "{fault:?} on {place:?} was not met");
            assert!(read == clean, "{fault:?} on {place:?}");
        }
    }
}

#[tokio::test]
async fn the_login_may_stumble_too() {
    let bench = Bench::new(&World::small(2)).await;
    for fault in [
        throttled(Some("0.02")),
        Fault::Unavailable503,
        Fault::Reset,
        Fault::TruncatedBody,
        Fault::Html200,
        Fault::WrongJson,
    ] {
        bench.tenant.order(Order { on: Where::Token, nth: 1, times: 2, what: fault.clone() });
        let result = bench.client().rights().await;
        assert!(result.is_ok(), "{fault:?}: {result:?}");
        assert_eq!(bench.tenant.open_orders(), 0);
    }
}

#[tokio::test]
async fn a_mix_of_faults_from_any_seed_is_overcome() {
    let world = World::generated(5, 300, 60);
    let bench = Bench::new(&world).await;
    let clean = (
        summary(&listing(&bench.client()).await),
        plain(&all_members(&bench.client(), &world).await),
    );
    for seed in 0..6 {
        bench.tenant.order_mix(seed, 8);
        let client = bench.client();
        let read = (summary(&listing(&client).await), plain(&all_members(&client, &world).await));
        assert!(read == clean, "seed {seed}");
        bench.tenant.clear_orders();
    }
}

#[tokio::test]
async fn no_request_goes_out_before_the_time_the_tenant_asked_for() {
    let bench = Bench::new(&World::small(2)).await;
    let client = bench.client();
    client.rights().await.unwrap();
    bench.tenant.order(Order::once(Where::Groups, throttled(Some("0.3"))));
    let begun = Instant::now();
    listing(&client).await;
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    // A date has whole seconds.
    let until = now().checked_add(SignedDuration::from_secs(3)).unwrap();
    let until = until.round(jiff::Unit::Second).unwrap();
    bench.tenant.order(Order::once(Where::Groups, throttled(Some(&date(until)))));
    listing(&client).await;
    assert!(now() >= until, "{until}");
}

#[tokio::test]
async fn one_throttled_request_quiets_all_of_them() {
    let world = World::generated(5, 100, 200);
    let bench = Bench::new(&world).await;
    let client = bench.client();
    client.rights().await.unwrap();
    let hours = throttled(Some("7200"));
    bench.tenant.order(Order { on: Where::Members, nth: 1, times: 1, what: hours });
    let members = all_members(&client, &world).await;
    let unread = members.values().filter_map(|read| read.as_ref().err());
    assert!(unread.clone().count() > 100);
    assert!(unread.clone().all(|unread| unread.reason.contains("throttles")));
    // Those that were on their way when the answer came, and none after it.
    let sent = bench.sent();
    let later = sent.iter().skip_while(|sent| !sent.throttled).skip(1).count();
    assert!(later <= 7, "{later} of {}", bench.asked("/members"));
    let error = client.listing(Flags::Skip, at()).await.unwrap_err();
    assert_eq!(error.fault().reason, "throttled");
    assert!(error.fault().retry_after > Some(Duration::from_secs(7000)));
}

#[tokio::test]
async fn a_request_is_tried_so_often_and_not_more() {
    let bench = Bench::new(&World::small(2)).await;
    for (fault, word) in [
        (throttled(None), "throttled"),
        (Fault::Unavailable503, "unavailable"),
        (Fault::Reset, "unreachable"),
        (Fault::TruncatedBody, "unreadable"),
        (Fault::Html200, "unreadable"),
        (Fault::WrongJson, "unreadable"),
    ] {
        bench.tenant.clear_orders();
        bench.tenant.clear_requests();
        bench.tenant.order(Order::always(Where::Groups, fault));
        let fault = groups_error(&bench).await.fault();
        assert_eq!((fault.reason, fault.transient), (word, true), "{}", fault.message);
        assert_eq!(bench.asked("/v1.0/groups"), 5);
    }
}

#[tokio::test]
async fn members_that_fail_again_and_again_are_left_alone() {
    let world = World::generated(5, 100, 80);
    let bench = Bench::new(&world).await;
    bench.tenant.order(Order::always(Where::Members, Fault::Unavailable503));
    let members = all_members(&bench.client(), &world).await;
    assert_eq!(members.len(), 80);
    assert!(members.values().all(Result::is_err));
    // Eight failures in a row with seven more on their way, five tries each.
    assert!(bench.asked("/members") <= 15 * 5, "{}", bench.asked("/members"));
}

#[tokio::test]
async fn one_group_that_cannot_be_read_stops_no_other() {
    let world = World::generated(5, 100, 80);
    // The first one that is asked: what a failure stops comes after it. One that is tried again and
    // again, and one that is a failure at once.
    let peopled = world.groups.iter().filter(|group| group.members.len() > 2);
    let bad = peopled.map(|group| group.id).min().unwrap();
    for fault in [Fault::TruncatedBody, Fault::RepeatingNextLink] {
        let bench = Bench::new(&world).await;
        bench.tenant.order(Order::always(Where::MembersOf(bad), fault));
        let members = all_members(&bench.client(), &world).await;
        let unread: Vec<_> = members.iter().filter(|(_, read)| read.is_err()).collect();
        assert_eq!(unread.len(), 1);
        assert_eq!(unread.first().unwrap().0, &id(bad));
    }
}

#[tokio::test]
async fn a_next_link_to_another_host_is_refused_and_never_requested() {
    let world = World::small(2);
    let bench = Bench::new(&world).await;
    let trap = bench.tenant.trap().await.unwrap();
    let lured = |place| Order::once(place, Fault::ForeignNextLink(trap.url()));
    bench.tenant.order(lured(Where::Groups));
    let error = groups_error(&bench).await;
    assert!(matches!(error, GraphError::ForeignNextLink { .. }), "{error}");
    let finance = world.group("Finance").unwrap().id;
    bench.tenant.order(lured(Where::MembersOf(finance)));
    let members = all_members(&bench.client(), &world).await;
    let unread = members.get(&id(finance)).unwrap().as_ref().unwrap_err();
    assert!(unread.reason.contains("gets no token"), "{}", unread.reason);
    assert_eq!((trap.requests(), bench.tenant.open_orders()), (0, 0));
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_is_not_turned_for_ever() {
    let bench = Bench::new(&World::small(2)).await;
    bench.tenant.order(Order::always(Where::Groups, Fault::RepeatingNextLink));
    let error = groups_error(&bench).await;
    assert!(matches!(error, GraphError::Endless { .. }), "{error}");
    assert!(bench.asked("/v1.0/groups") <= 2);
}

#[tokio::test]
async fn empty_pages_without_end_are_not_turned_for_ever() {
    let bench = Bench::new(&World::small(2)).await;
    bench.tenant.order(Order::always(Where::Groups, Fault::EmptyPage));
    let error = groups_error(&bench).await;
    assert!(matches!(error, GraphError::Endless { .. }), "{error}");
    assert!(bench.asked("/v1.0/groups") <= 101);
}

#[tokio::test]
async fn an_expired_page_token_starts_the_enumeration_again_and_not_for_ever() {
    let world = World::generated(5, 3_200, 30);
    let bench = Bench::new(&world).await;
    let clean = plain(&all_members(&bench.client(), &world).await);
    let large = world.groups.iter().max_by_key(|group| group.members.len()).unwrap().id;
    let path = format!("{large}/members");
    bench.tenant.clear_requests();
    bench.tenant.order(Order::once(Where::MembersOf(large), Fault::ExpiredPageToken));
    assert!(plain(&all_members(&bench.client(), &world).await) == clean);
    // The first page, the failed second, then all four.
    assert_eq!(bench.asked(&path), 6);

    bench.tenant.clear_requests();
    bench.tenant.order(Order::always(Where::MembersOf(large), Fault::ExpiredPageToken));
    let members = all_members(&bench.client(), &world).await;
    assert!(members.get(&id(large)).unwrap().is_err());
    assert_eq!(bench.asked(&path), 8, "four beginnings of two pages");
}

#[tokio::test]
async fn a_stale_replica_tells_an_older_truth_until_the_next_look() {
    let world = World::small(2);
    let bench = Bench::new(&world).await;
    let board = world.group("Board").unwrap().id;
    let client = bench.client();
    bench.tenant.edit(|cloud| cloud.rename_group(board, "Directors").unwrap());
    bench.tenant.order(Order::once(Where::Groups, Fault::StaleReplica { edits: 1 }));
    let mut names = Vec::new();
    for _ in 0..2 {
        let listed = listing(&client).await;
        names.push(listed.groups.value().get(&id(board)).unwrap().display_name.clone());
    }
    assert_eq!(names, ["Board", "Directors"]);
}

#[tokio::test]
async fn a_member_without_its_witness_is_unreadable() {
    let world = World::small(2);
    let bench = Bench::new(&world).await;
    for (kind, witness) in [("user", "userPrincipalName"), ("group", "securityEnabled")] {
        bench.tenant.clear_orders();
        bench.tenant.order(Order::always(Where::Members, Fault::NullWitness(kind.to_owned())));
        let members = plain(&all_members(&bench.client(), &world).await);
        let payroll = world.group("APP-Payroll-Users").unwrap().id;
        let read = members.get(&id(payroll)).unwrap().as_ref().unwrap();
        let unreadable: Vec<_> = read.iter().filter(|member| is_unreadable(member)).collect();
        assert_eq!(unreadable.len(), if kind == "user" { read.len() - 1 } else { 1 });
        assert!(unreadable.iter().all(|one| one.kind == MemberKind::Unreadable(witness)));
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_cut_by_the_total_time() {
    let bench = Bench::new(&World::small(2)).await;
    // A byte now and then: the whole answer would take a quarter of an hour.
    let drip = Fault::SlowDrip { pause: Duration::from_millis(200) };
    bench.tenant.order(Order::always(Where::Groups, drip));
    let mut retry = QUICK;
    retry.tries_max = 2;
    // What does not drip comes within that on a busy machine, too.
    let patience = Patience { total: Duration::from_secs(3), retry, ..Patience::default() };
    let client = Tenant::open(TenantOptions { patience, ..bench.options() }).unwrap();
    let begun = Instant::now();
    let error = client.listing(Flags::Skip, at()).await.unwrap_err();
    assert!(error.fault().transient, "{error}");
    assert!(begun.elapsed() < Duration::from_mins(2));
    assert_eq!(bench.asked("/v1.0/groups"), 2);
}

#[tokio::test]
async fn a_tenant_that_is_down_is_unreachable_and_comes_back() {
    let mut bench = Bench::new(&World::small(2)).await;
    let client = bench.client();
    let before = summary(&listing(&client).await);
    let address = bench.tenant.login_url().trim_start_matches("https://").parse().unwrap();
    bench.tenant.suspend().await;
    // Nobody else is given its port meanwhile; it may listen there again itself (socket(7)).
    let held = TcpSocket::new_v4().unwrap();
    held.set_reuseaddr(true).unwrap();
    held.bind(address).unwrap();
    let fault = client.listing(Flags::Read, at()).await.unwrap_err().fault();
    assert_eq!((fault.reason, fault.transient), ("unreachable", true));
    assert!(fault.message.contains("tenant.graphUrl"), "{}", fault.message);
    bench.tenant.resume().await.unwrap();
    drop(held);
    assert!(summary(&listing(&client).await) == before);
}

#[tokio::test]
async fn a_token_that_ended_early_is_replaced_once() {
    let bench = Bench::new(&World::small(2)).await;
    let client = bench.client();
    listing(&client).await;
    bench.tenant.revoke_tokens();
    listing(&client).await;
    assert_eq!(bench.asked("/token"), 2);
    bench.tenant.order(Order::always(Where::Groups, Fault::Unauthorized401));
    bench.tenant.clear_requests();
    let fault = client.listing(Flags::Skip, at()).await.unwrap_err().fault();
    assert_eq!((fault.reason, fault.transient), ("credential_refused", false));
    assert_eq!((bench.asked("/v1.0/groups"), bench.asked("/token")), (2, 1));
}

fn http_date(from_now: SignedDuration) -> String {
    date(now().checked_add(from_now).unwrap())
}

fn date(time: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}
