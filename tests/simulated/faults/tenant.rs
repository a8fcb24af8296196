//! The tenant throttles, breaks off, hides or loses its answers.

use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::time::Instant;
use writeback::sim::tenant::{Fault, Order, Where};

use super::{a_day, converges, in_parallel, is_overcome, nothing_is_lost};
use crate::stage::{EVERYTHING, Stage, until};

fn throttled(retry_after: Option<&str>) -> Fault {
    let retry_after = retry_after.map(str::to_owned);
    Fault::Throttled { retry_after, scope: Some("Tenant_Application/Read".to_owned()) }
}

#[test]
fn a_fault_of_the_tenant_that_a_retry_overcomes_changes_nothing() {
    let faults = [
        throttled(Some("0.05")),
        throttled(Some("Sun, 06 Nov 1994 08:49:37 GMT")),
        throttled(None),
        Fault::Unavailable503,
        Fault::GatewayTimeout504,
        Fault::Reset,
        Fault::TruncatedBody,
        Fault::Html200,
        Fault::WrongJson,
        Fault::EmptyPage,
        Fault::Unauthorized401,
        Fault::SlowDrip { pause: Duration::from_micros(50) },
    ];
    let places = [Where::Token, Where::Groups, Where::Flags, Where::DeletedGroups, Where::Members];
    let cases: Vec<_> = places
        .iter()
        .flat_map(|place| faults.iter().map(move |fault| (place.clone(), fault.clone())))
        // No token, no page: these cannot happen there.
        .filter(|(place, fault)| {
            let of_graph = matches!(fault, Fault::EmptyPage | Fault::Unauthorized401);
            *place != Where::Token || !of_graph
        })
        .collect();
    in_parallel(&cases, |stage, _, (place, fault)| {
        let what = format!("{fault:?} on {place:?}");
        stage.tenant.order(Order::once(place.clone(), fault.clone()));
        let ran = stage.product.run(&["apply"]);
        assert_eq!(stage.tenant.open_orders(), 0, "{what} never struck");
        is_overcome(stage, &ran, &what);
        nothing_is_lost(stage, &what);
    });
}

#[test]
fn an_enumeration_whose_page_token_expires_is_started_again() {
    let stage = Stage::written();
    for (day, place) in [Where::Groups, Where::Flags, Where::Members].into_iter().enumerate() {
        a_day(&stage, u32::try_from(day).unwrap());
        stage.tenant.order(Order::once(place.clone(), Fault::EmptyPage));
        stage.tenant.order(Order::once(place.clone(), Fault::ExpiredPageToken));
        let ran = stage.product.run(&["apply"]);
        assert_eq!(stage.tenant.open_orders(), 0);
        is_overcome(&stage, &ran, &format!("an expired page token on {place:?}"));
    }
}

#[test]
fn a_read_of_the_tenant_that_stays_unfinished_ends_with_4_and_removes_nothing() {
    let faults = [
        Fault::Unavailable503,
        Fault::Reset,
        Fault::TruncatedBody,
        Fault::Html200,
        Fault::WrongJson,
        Fault::EmptyPage,
        Fault::RepeatingNextLink,
        throttled(Some("0")),
        throttled(Some("86400")),
    ];
    let places = [Where::Groups, Where::DeletedGroups, Where::Flags, Where::Members];
    let cases: Vec<_> = places
        .iter()
        .flat_map(|place| faults.iter().map(move |fault| (place.clone(), fault.clone())))
        .collect();
    in_parallel(&cases, |stage, _, (place, fault)| {
        let what = format!("{fault:?} always on {place:?}");
        let before = stage.portraits();
        stage.tenant.order(Order::always(place.clone(), fault.clone()));
        let begun = Instant::now();
        let ran = stage.product.run(&["apply"]);
        let took = begun.elapsed();
        // Tries and waits have an end; a day, as it is asked for here, is never waited.
        assert!(took < Duration::from_mins(4), "{what} took {took:?}");
        assert_eq!(ran.code, 4, "{what}\n{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(stage.removals(), (0, 0), "{what}");
        match place {
            // Without the listings there is no snapshot, without flags no policy acts.
            Where::Groups | Where::DeletedGroups | Where::Flags => {
                assert_eq!(stage.portraits(), before, "{what}");
                assert!(stage.writes().is_empty(), "{what}");
            }
            Where::Any
            | Where::Token
            | Where::MembersOf(_)
            | Where::Members
            | Where::Users
            | Where::Object(_) => nothing_is_lost(stage, &what),
        }
        converges(stage, &what);
    });
}

#[test]
fn one_group_that_cannot_be_read_stops_no_other() {
    let stage = Stage::written();
    stage.take_out("Finance", &["Ada Lovelace"]);
    stage.take_out("Engineering", &["Grace Hopper"]);
    let finance = stage.id("Finance");
    for fault in [Fault::NullWitness("user".to_owned()), Fault::Html200, Fault::RepeatingNextLink] {
        stage.tenant.order(Order::always(Where::MembersOf(finance), fault.clone()));
        let ran = stage.product.run(&["apply"]).expect(4);
        assert!(ran.stdout.contains(&finance.to_string()), "{}", ran.stdout);
        let held = stage.held();
        assert!(held[&format!("Group_{finance}")].1.contains("ada.lovelace"), "{fault:?}");
        let engineering = &held[&format!("Group_{}", stage.id("Engineering"))].1;
        assert!(!engineering.contains("grace.hopper"), "{fault:?}");
        stage.tenant.clear_orders();
    }
    converges(&stage, "an unreadable group");
}

#[test]
fn without_the_right_to_read_users_no_member_is_removed_anywhere() {
    let stage = Stage::written();
    let before = stage.held();
    stage.take_out("Engineering", &["Grace Hopper"]);
    stage.take_out("Finance", &["Alan Turing"]);
    stage.tenant.set_roles(vec!["Group.Read.All".to_owned(), "GroupMember.Read.All".to_owned()]);
    stage.tenant.revoke_tokens();
    stage.domain.clear_operations();
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(ran.stdout.contains("User.Read.All"), "{}", ran.stdout);
    assert_eq!(stage.removals(), (0, 0));
    assert_eq!(stage.held(), before);
    // Every user shows a link no more, though the right is there: the same.
    stage.tenant.set_roles(
        ["Group.Read.All", "GroupMember.Read.All", "User.Read.All"].map(str::to_owned).to_vec(),
    );
    let people: Vec<_> = stage.tenant.cloud().people().map(|person| person.id).collect();
    for person in &people {
        stage.tenant.edit(|cloud| {
            cloud.say(*person, "onPremisesSecurityIdentifier", serde_json::Value::Null);
            cloud.say(*person, "onPremisesImmutableId", serde_json::Value::Null);
        });
    }
    stage.product.run(&["apply"]).expect(4);
    assert_eq!(stage.removals(), (0, 0));
    for person in &people {
        stage.tenant.edit(|cloud| cloud.unsay(*person));
    }
    converges(&stage, "the links came back");
}

#[test]
fn the_token_is_never_sent_to_another_host() {
    for place in [Where::Groups, Where::DeletedGroups, Where::Flags, Where::Members] {
        let stage = Stage::written();
        stage.take_out("Engineering", &["Grace Hopper"]);
        stage.domain.clear_operations();
        let trap = stage.runtime.block_on(stage.tenant.trap()).unwrap();
        stage.tenant.order(Order::always(place.clone(), Fault::ForeignNextLink(trap.url())));
        let ran = stage.product.run(&["apply"]).expect(4);
        assert_eq!((trap.requests(), trap.authorized_requests()), (0, 0), "{place:?}");
        assert_eq!(stage.removals(), (0, 0), "{place:?}");
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("another host"), "{place:?}: {said}");
        converges(&stage, "a foreign next link");
    }
}

/// Keeps the port of a tenant that does not listen from everybody who takes a free one: it is
/// taken, and nobody answers there. The tenant itself may listen again (socket(7), SO_REUSEADDR).
fn held_port(login_url: &str) -> TcpSocket {
    let address = login_url.trim_start_matches("https://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

#[test]
fn a_tenant_that_comes_and_goes_costs_nothing() {
    let mut stage = Stage::written();
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    let Stage { tenant, runtime, .. } = &mut stage;
    runtime.block_on(tenant.suspend());
    let held = held_port(&stage.tenant.login_url());
    until("a pass fails", || daemon.status()["lastPass"]["result"] == "Failed");
    // None is under way any more that had seen the tenant.
    a_day(&stage, 1);
    stage.domain.clear_operations();
    daemon.passes(1);
    let fault = daemon.status()["fault"]["message"].as_str().unwrap().to_owned();
    assert!(fault.contains("gives no answer"), "{fault}");
    assert!(stage.writes().is_empty());
    let Stage { tenant, runtime, .. } = &mut stage;
    runtime.block_on(tenant.resume()).unwrap();
    drop(held);
    until("it has caught up", || stage.held() == stage.wanted());
    nothing_is_lost(&stage, "a tenant that comes and goes");
    until("the fault is over", || daemon.status()["fault"].is_null());
    drop(daemon);
}

#[test]
fn unreadable_flags_stop_no_policy_that_ignores_them() {
    let stage = Stage::written();
    let spec =
        EVERYTHING.replace("mode: Sync", "mode: Sync\n  selection: { writebackFlag: Ignore }");
    stage.product.policy("everything", &spec);
    stage.tenant.order(Order::always(Where::Flags, Fault::Unavailable503));
    stage.put_in("Board", &["Ada Lovelace"]);
    // The type of Microsoft 365 groups comes from the flag listing, their membership does not: the
    // types are kept, the members follow, and the exit code tells that something was not read.
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(
        stage.held()[&format!("Group_{}", stage.id("Board"))].1.contains("ada.lovelace"),
        "{}",
        ran.stdout
    );
}
