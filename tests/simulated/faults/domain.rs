//! The domain controller is busy, silent, read-only, or cuts the connection at any read
//! and any write.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use writeback::sim::domain::{self, OperationKind};

use super::{a_day, converges, in_parallel, is_overcome, nothing_is_lost};
use crate::stage::Stage;

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
fn a_domain_controller_that_is_busy_for_a_while_is_waited_for() {
    let stage = Stage::written();
    a_day(&stage, 1);
    // All but the last of the tries there are.
    stage.domain.order(domain::Order::new(domain::Where::Any, domain::Fault::Busy).times(4));
    let ran = stage.product.run(&["apply"]);
    is_overcome(&stage, &ran, "a busy domain controller");
    assert_eq!(stage.domain.open_orders(), 0);

    a_day(&stage, 2);
    stage.domain.clear_operations();
    stage.domain.set_busy(true);
    let begun = Instant::now();
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
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
            assert!((59..120).contains(&took), "{took} s");
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
            assert!((14..55).contains(&took), "{took} s");
            is_overcome(&other, &ran, "a bind without an answer");
        });
    });
}
