//! Bad weather on both sides in the middle of a pass: what is overcome changes nothing, what is not
//! read removes nothing, what is a lie stays within the guards, and the next clean pass converges.

#[path = "faults/domain.rs"]
mod domain;
#[path = "faults/replica.rs"]
mod replica;
#[path = "faults/tenant.rs"]
mod tenant;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use writeback::sim::domain::OperationKind;
use writeback::sim::world::{GroupKind, WorldGroup};

use crate::product::Ran;
use crate::stage::Stage;

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
/// Which of them a stage lives through, one after the other, does not depend on which is done
/// first.
fn in_parallel<C: Sync>(cases: &[C], run: impl Fn(&Stage, u32, &C) + Sync) {
    const THREADS: usize = 5;
    let run = &run;
    thread::scope(|scope| {
        for first in 0..THREADS {
            scope.spawn(move || {
                let stage = Stage::written();
                for (number, case) in cases.iter().enumerate().skip(first).step_by(THREADS) {
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
