//! Bad weather on both sides in the middle of a pass: what is overcome changes nothing, what is not
//! read removes nothing, what is a lie stays within the guards, and the next clean pass converges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::admin::a_day_later;
use crate::product::Ran;
use crate::stage::{EVERYTHING, Stage, until};
use tokio::time::Instant;
use writeback::sim::domain::{self, OperationKind};
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{GroupKind, WorldGroup};

/// What the guards admit in one pass over the small world: five memberships of all, no group.
const MEMBERSHIPS_MAX: usize = 5;

/// One day of work in the cloud and in the directory: every kind of write but a deletion waits
/// afterwards, within the guards. Days differ, so that a stage lives through many of them.
fn a_day(stage: &Stage, day: u32) {
    const OTHERS: [&str; 4] = ["Tony Hoare", "Ken Thompson", "Margaret Hamilton", "Hedy Lamarr"];
    let finance =
        stage.tenant.cloud().groups().find(|group| group.mail_nickname == "finance").unwrap().id;
    stage.cloud(|cloud| cloud.rename_group(finance, &format!("Finance {day}")));
    stage.cloud(|cloud| {
        cloud.change(finance, |group| group.description = Some(format!("Day {day}")))
    });
    let board = stage.id("Board");
    let engineering = stage.id("Engineering");
    let person = stage.person(OTHERS[day as usize % OTHERS.len()]);
    let is_in = stage.tenant.cloud().group(board).unwrap().members.contains(&person);
    let ada = stage.person("Ada Lovelace");
    stage.cloud(|cloud| {
        if is_in { cloud.remove_member(board, person) } else { cloud.add_member(board, person) }
    });
    let ada_is_in = stage.tenant.cloud().group(engineering).unwrap().members.contains(&ada);
    stage.cloud(|cloud| {
        if ada_is_in {
            cloud.remove_member(engineering, ada)
        } else {
            cloud.add_member(engineering, ada)
        }
    });
    let id = uuid::Uuid::from_u128(0xda4_0000 + u128::from(day));
    let (name, nickname) = (format!("Project {day}"), format!("project-{day}"));
    let project = WorldGroup {
        members: vec![person, ada],
        ..WorldGroup::new(id, &name, &nickname, GroupKind::Microsoft365)
    };
    stage.tenant.edit(|cloud| cloud.create_group(project));
    // Somebody renames a group in the directory.
    let contractors = stage.dn("Contractors");
    stage.domain.edit(|tree| tree.rename_to(&contractors, &format!("Helpers {day}"))).unwrap();
}

/// What must hold after any pass, whatever happened in it.
#[track_caller]
fn nothing_is_lost(stage: &Stage, what: &str) {
    let (members, groups) = stage.removals();
    assert!(
        members <= MEMBERSHIPS_MAX && groups == 0,
        "{what}: {members} members, {groups} groups"
    );
    stage.held();
    stage.journal_announces_every_write();
    assert_eq!(stage.domain.counters().member_replacements, 0, "{what}");
}

/// Holds that a pass under a fault ended as if nothing had been.
#[track_caller]
fn is_overcome(stage: &Stage, ran: &Ran, what: &str) {
    assert_eq!(ran.code, 0, "{what}\n{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(stage.held(), stage.wanted(), "{what}\n{}", ran.stdout);
    stage.held();
}

/// Holds that the next clean pass leads where an undisturbed one would have.
#[track_caller]
fn converges(stage: &Stage, what: &str) {
    stage.tenant.clear_orders();
    stage.domain.cancel_orders();
    let ran = stage.product.run(&["apply"]);
    is_overcome(stage, &ran, &format!("the clean pass after {what}"));
    let plan = stage.product.run(&["plan"]);
    assert_eq!(plan.code, 0, "after {what}: {}\n{}", plan.stdout, plan.stderr);
}

/// Runs the cases on a few threads, each with a stage of its own: most of the time is waiting.
fn in_parallel<C: Sync>(cases: &[C], run: impl Fn(&Stage, u32, &C) + Sync) {
    let next = Mutex::new(cases.iter().enumerate());
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let stage = Stage::written();
                loop {
                    let Some((number, case)) = next.lock().unwrap().next() else { return };
                    stage.tenant.clear_orders();
                    stage.domain.cancel_orders();
                    a_day(&stage, u32::try_from(number).unwrap());
                    stage.domain.clear_operations();
                    let _forgotten =
                        std::fs::remove_file(stage.product.path().join("state/journal.jsonl"));
                    run(&stage, u32::try_from(number).unwrap(), case);
                }
            });
        }
    });
}

fn throttled(retry_after: Option<&str>) -> Fault {
    let retry_after = retry_after.map(str::to_owned);
    Fault::Throttled { retry_after, scope: Some("Tenant_Application/Read".to_owned()) }
}

/// The undisturbed day is what all others are compared with.
#[test]
fn a_quiet_day_is_done_in_one_pass() {
    let stage = Stage::written();
    a_day(&stage, 1);
    stage.domain.clear_operations();
    let ran = stage.product.run(&["apply"]);
    is_overcome(&stage, &ran, "nothing");
    let kinds: BTreeSet<_> = stage.writes().into_iter().map(|write| write.kind).collect();
    let all = [OperationKind::Add, OperationKind::Modify, OperationKind::ModifyDn];
    assert_eq!(kinds, all.into(), "the day has every kind of write");
    converges(&stage, "nothing");
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
        assert!(took < Duration::from_mins(1), "{what} took {took:?}");
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

#[test]
fn a_stale_replica_deletes_nothing_and_removes_no_more_than_the_guards_admit() {
    let mut cases = Vec::new();
    for edits in [1, 2, 3, 5, 60] {
        for place in [Where::Any, Where::Groups, Where::Members, Where::Flags] {
            cases.push((edits, place));
        }
    }
    in_parallel(&cases, |stage, _, (edits, place)| {
        let what = format!("a replica {edits} edits behind on {place:?}");
        stage.product.run(&["apply"]).expect(0);
        stage.domain.clear_operations();
        let _forgotten = std::fs::remove_file(stage.product.path().join("state/journal.jsonl"));
        stage.tenant.order(Order::always(place.clone(), Fault::StaleReplica { edits: *edits }));
        let ran = stage.product.run(&["apply"]);
        assert!([0, 3, 4].contains(&ran.code), "{what}: {} {}{}", ran.code, ran.stdout, ran.stderr);
        nothing_is_lost(stage, &what);
        converges(stage, &what);
    });
}

#[test]
fn a_well_formed_empty_answer_deletes_nothing_and_removes_no_more_than_the_guards_admit() {
    let stage = Stage::written();
    let groups: Vec<_> = stage.tenant.cloud().groups().map(|group| group.id).collect();
    let mut orders: Vec<Vec<Order>> =
        [Where::Groups, Where::DeletedGroups, Where::Flags, Where::Members]
            .into_iter()
            .map(|place| vec![Order::always(place, Fault::EmptyAnswer)])
            .collect();
    for id in groups {
        orders.push(vec![Order::always(Where::MembersOf(id), Fault::EmptyAnswer)]);
        orders.push(vec![Order::always(Where::Any, Fault::OmitFromListing(id))]);
        orders.push(vec![Order::always(Where::Flags, Fault::OmitFromFlagListing(id))]);
    }
    for orders in orders {
        let what = format!("{orders:?}");
        a_day_later(&stage.product);
        stage.domain.clear_operations();
        for order in orders {
            stage.tenant.order(order);
        }
        let ran = stage.product.run(&["apply"]);
        assert!([0, 3, 4].contains(&ran.code), "{what}: {} {}{}", ran.code, ran.stdout, ran.stderr);
        let (members, deleted) = stage.removals();
        assert!(members <= MEMBERSHIPS_MAX && deleted == 0, "{what}: {members} {deleted}");
        stage.tenant.clear_orders();
        stage.product.run(&["apply"]).expect(0);
        assert_eq!(stage.held(), stage.wanted(), "{what}");
    }
    stage.product.run(&["plan"]).expect(0);
}

/// What becomes of a fault of the domain.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// A retry or a reading overcomes it.
    Overcome,
    /// It ends a change; the others go on.
    Refused,
}

#[test]
fn a_fault_of_the_domain_on_any_kind_of_write_changes_nothing_or_is_told() {
    let faults = [
        (domain::Fault::Busy, Fate::Overcome),
        (domain::Fault::Unavailable, Fate::Overcome),
        (domain::Fault::OperationsError, Fate::Overcome),
        (domain::Fault::AdminLimit, Fate::Overcome),
        (domain::Fault::TimeLimit, Fate::Overcome),
        (domain::Fault::CutBefore, Fate::Overcome),
        (domain::Fault::CutAfter, Fate::Overcome),
        (domain::Fault::Refuse("00002035".to_owned()), Fate::Overcome),
        (domain::Fault::Referral, Fate::Refused),
        (domain::Fault::InsufficientAccess, Fate::Refused),
    ];
    let mut cases = Vec::new();
    for kind in [OperationKind::Add, OperationKind::Modify, OperationKind::ModifyDn] {
        for (fault, fate) in &faults {
            // The day has two renames and several modifications.
            let last = if kind == OperationKind::Modify { 3 } else { 0 };
            cases.extend((0..=last).map(|after| (kind, fault.clone(), *fate, after)));
        }
    }
    in_parallel(&cases, |stage, _, (kind, fault, fate, after)| {
        let what = format!("{fault:?} on {kind:?} number {after}");
        let order = domain::Order::new(domain::Where::Kind(*kind), fault.clone()).after(*after);
        stage.domain.order(order);
        let ran = stage.product.run(&["apply"]);
        assert_eq!(stage.domain.open_orders(), 0, "{what} never struck");
        nothing_is_lost(stage, &what);
        match fate {
            Fate::Overcome => is_overcome(stage, &ran, &what),
            Fate::Refused => {
                assert_eq!(ran.code, 1, "{what}: {}", ran.stdout);
                assert!(ran.stdout.contains("refused: "), "{what}: {}", ran.stdout);
            }
        }
        converges(stage, &what);
    });
}

#[test]
fn a_fault_of_the_domain_on_any_read_removes_nothing() {
    let faults = [
        domain::Fault::Busy,
        domain::Fault::Unavailable,
        domain::Fault::OperationsError,
        domain::Fault::AdminLimit,
        domain::Fault::TimeLimit,
        domain::Fault::SizeLimit,
        domain::Fault::CutBefore,
        domain::Fault::CutAfter,
        domain::Fault::CutMidSearch,
        domain::Fault::InsufficientAccess,
    ];
    let stage = Stage::written();
    stage.product.run(&["plan"]).expect(0);
    let binds = stage.domain.counters().binds;
    assert!(binds > 0);
    stage.domain.clear_operations();
    stage.product.run(&["plan"]).expect(0);
    let searches = u32::try_from(stage.domain.counters().searches).unwrap();
    drop(stage);
    // Every fault meets every other search, every search every other fault.
    let cases: Vec<_> = (0..searches)
        .flat_map(|after| {
            (0..).zip(faults.clone()).map(move |(which, fault)| (after, which, fault))
        })
        .filter(|(after, which, _)| (after + which) % 2 == 0)
        .map(|(after, _, fault)| (after, fault))
        .collect();
    let overcome = Mutex::new(BTreeMap::<String, (usize, usize)>::new());
    in_parallel(&cases, |stage, _, (after, fault)| {
        let what = format!("{fault:?} on search number {after}");
        let order = domain::Order::new(domain::Where::Search, fault.clone()).after(*after);
        stage.domain.order(order);
        let ran = stage.product.run(&["apply"]);
        assert_eq!(stage.domain.open_orders(), 0, "{what} never struck");
        nothing_is_lost(stage, &what);
        let is_fine = ran.code == 0;
        if is_fine {
            is_overcome(stage, &ran, &what);
        } else {
            // It is told, and nothing that was not read has been written.
            assert!(
                [1, 4].contains(&ran.code),
                "{what}: {} {}{}",
                ran.code,
                ran.stdout,
                ran.stderr
            );
            assert!(
                ran.stderr.contains("writeback: failed to read the domain")
                    || ran.code == 4
                    || ran.stdout.contains("failed: "),
                "{what}: {}{}",
                ran.stdout,
                ran.stderr
            );
        }
        let mut overcome = overcome.lock().unwrap();
        let entry = overcome.entry(format!("{fault:?}")).or_default();
        *(if is_fine { &mut entry.0 } else { &mut entry.1 }) += 1;
        drop(overcome);
        converges(stage, &what);
    });
    let overcome = overcome.into_inner().unwrap();
    for passing in
        ["Busy", "Unavailable", "OperationsError", "CutBefore", "CutAfter", "CutMidSearch"]
    {
        assert_eq!(overcome[passing].1, 0, "{passing} is overcome by asking again: {overcome:?}");
    }
}

#[test]
fn a_bind_that_fails_for_a_moment_is_tried_again() {
    let stage = Stage::written();
    for (day, fault) in [domain::Fault::Busy, domain::Fault::Unavailable, domain::Fault::CutBefore]
        .into_iter()
        .enumerate()
    {
        a_day(&stage, u32::try_from(day).unwrap());
        // The first bind reads, the second one writes.
        for after in [0, 1] {
            let order = domain::Order::new(domain::Where::Bind, fault.clone());
            stage.domain.order(order.after(after));
        }
        let ran = stage.product.run(&["apply"]);
        is_overcome(&stage, &ran, &format!("{fault:?} on both binds"));
        assert_eq!(stage.domain.open_orders(), 0);
    }
}

#[test]
fn a_mixture_of_faults_from_a_seed_leads_to_the_undisturbed_end() {
    let seeds: Vec<u64> = (1..=40).collect();
    let overcome = Mutex::new(0_usize);
    in_parallel(&seeds, |stage, _, seed| {
        let what = format!("the mixture of seed {seed}");
        stage.tenant.order_mix(*seed, 4);
        stage.domain.order_mix(*seed, 4);
        let ran = stage.product.run(&["apply"]);
        nothing_is_lost(stage, &what);
        assert!(
            [0, 1, 4].contains(&ran.code),
            "{what}: {}\n{}{}",
            ran.code,
            ran.stdout,
            ran.stderr
        );
        if ran.code == 0 {
            *overcome.lock().unwrap() += 1;
            assert_eq!(stage.held(), stage.wanted(), "{what}\n{}", ran.stdout);
        }
        converges(stage, &what);
    });
    let overcome = overcome.into_inner().unwrap();
    assert!(overcome >= 36, "only {overcome} of 40 were overcome by retries");
}

#[test]
fn a_domain_controller_that_is_busy_for_a_while_is_waited_for() {
    let stage = Stage::written();
    a_day(&stage, 1);
    stage.domain.clear_operations();
    stage.domain.set_busy(true);
    thread::scope(|scope| {
        let pass = scope.spawn(|| stage.product.run(&["apply"]));
        until("it was told to wait", || stage.domain.operations().len() >= 2);
        stage.domain.set_busy(false);
        is_overcome(&stage, &pass.join().unwrap(), "a busy domain controller");
    });

    a_day(&stage, 2);
    stage.domain.clear_operations();
    stage.domain.set_busy(true);
    let begun = Instant::now();
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(ran.stderr.contains("busy"), "{}", ran.stderr);
    assert!(stage.writes().is_empty());
    assert!(stage.domain.operations().len() <= 6, "{}", stage.domain.operations().len());
    stage.domain.set_busy(false);
    converges(&stage, "a busy domain controller");
}

#[test]
fn a_read_only_domain_controller_is_named_as_what_it_is() {
    let stage = Stage::written();
    a_day(&stage, 1);
    let before = stage.portraits();
    stage.domain.clear_operations();
    stage.domain.set_read_only(true);
    let ran = stage.product.run(&["apply"]).expect(1);
    assert!(ran.stdout.contains("read-only: name a writable one"), "{}", ran.stdout);
    assert_eq!(stage.portraits(), before);
    assert!(stage.writes().len() <= 12, "{} writes", stage.writes().len());
    stage.domain.set_read_only(false);
    converges(&stage, "a read-only domain controller");
}

#[test]
fn a_deaf_domain_controller_is_told_and_nothing_is_written() {
    let stage = Stage::written();
    a_day(&stage, 1);
    stage.domain.clear_operations();
    stage.domain.set_deaf(true);
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(ran.stderr.contains("ldaps://localhost"), "{}", ran.stderr);
    assert!(stage.domain.operations().is_empty());
    stage.domain.set_deaf(false);
    converges(&stage, "a deaf domain controller");
}

#[test]
fn a_group_that_is_hidden_is_not_made_a_second_time() {
    let stage = Stage::written();
    let finance = stage.dn("Finance");
    stage.domain.hide(&finance).unwrap();
    let before = stage.portraits();
    stage.domain.clear_operations();
    let ran = stage.product.run(&["apply"]);
    assert!(ran.code != 0, "{}", ran.stdout);
    assert_eq!(stage.portraits(), before, "{}", ran.stdout);
    stage.domain.unhide();
    converges(&stage, "a hidden group");
}

#[test]
fn a_lagging_replica_is_held_by_a_daemon_that_remembers() {
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    let before = stage.portraits();
    for entry in stage.owned() {
        stage.domain.hide(&entry.dn).unwrap();
    }
    stage.domain.clear_operations();
    daemon.passes(3);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    let status = daemon.status();
    let holds = status["plan"]["held"].as_array().unwrap();
    assert!(holds.iter().any(|hold| hold["row"] == "DirectoryGroupGone"), "{status:#}");
    stage.domain.unhide();
    daemon.passes(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.portraits(), before);
    assert_eq!(daemon.status()["plan"]["heldChanges"], 0, "{:#}", daemon.status());
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}

#[test]
fn a_replica_that_has_never_heard_of_a_group_deletes_it_in_no_daemon() {
    let stage = Stage::small();
    stage.product.reconfigure("confirmAfter: 1s", "confirmAfter: 10m");
    let id = uuid::Uuid::from_u128(0xfe11);
    let young = WorldGroup::new(id, "Young", "young", GroupKind::Microsoft365);
    stage.tenant.edit(|cloud| cloud.create_group(young));
    let mut daemon = stage.product.daemon();
    daemon.until("the groups are written", || (stage.held() == stage.wanted()).then_some(()));
    daemon.passes(1);
    stage.domain.clear_operations();
    stage.tenant.order(Order::always(Where::Any, Fault::StaleReplica { edits: 1 }));
    daemon.passes(4);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.tenant.clear_orders();
    daemon.passes(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(daemon.status()["lastPass"]["result"], "InStep");
}

#[test]
fn no_answer_at_all_is_ended_by_the_time_limit() {
    let stage = Stage::written();
    let other = Stage::written();
    for stage in [&stage, &other] {
        a_day(stage, 1);
        stage.domain.clear_operations();
    }
    thread::scope(|scope| {
        // A write that is never answered: one minute, then it is looked at and sent again.
        scope.spawn(|| {
            let place = domain::Where::Kind(OperationKind::Modify);
            stage.domain.order(domain::Order::new(place, domain::Fault::Stall));
            let begun = Instant::now();
            let ran = stage.product.run(&["apply"]);
            let took = begun.elapsed().as_secs();
            assert!((59..80).contains(&took), "{took} s");
            is_overcome(&stage, &ran, "a write without an answer");
            nothing_is_lost(&stage, "a write without an answer");
        });
        // A bind that is never answered: a quarter of a minute, then it is sent again.
        scope.spawn(|| {
            let place = domain::Where::Bind;
            other.domain.order(domain::Order::new(place, domain::Fault::Stall));
            let begun = Instant::now();
            let ran = other.product.run(&["apply"]);
            let took = begun.elapsed().as_secs();
            assert!((14..40).contains(&took), "{took} s");
            is_overcome(&other, &ran, "a bind without an answer");
        });
    });
}

#[test]
fn a_tenant_that_comes_and_goes_costs_nothing() {
    let mut stage = Stage::written();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let Stage { tenant, runtime, .. } = &mut stage;
    runtime.block_on(tenant.suspend());
    a_day(&stage, 1);
    stage.domain.clear_operations();
    until("a pass fails", || daemon.status()["lastPass"]["result"] == "Failed");
    let fault = daemon.status()["fault"]["message"].as_str().unwrap().to_owned();
    assert!(fault.contains("gives no answer"), "{fault}");
    assert!(stage.writes().is_empty());
    let Stage { tenant, runtime, .. } = &mut stage;
    runtime.block_on(tenant.resume()).unwrap();
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
