//! Every secret renewed beside the shipped daemon, under load: changes arrive in the tenant all the
//! while, and all of them are written.
//!
//! A renewal has two halves. First the new one is good, beside the old one where the other side
//! knows two at once, and its file is swapped. Then the old one is refused, and whatever was got
//! with it is taken away, so that the daemon has to show the new one, or check with it. By its own
//! metrics and log no pass fails over either half. At last the old one stands in the file again:
//! a daemon that would not have needed the new one goes on, and the test fails.

#[path = "rotated/directory.rs"]
mod directory;
#[path = "rotated/tenant.rs"]
mod tenant;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, WorldGroup};

use crate::product::{Daemon, get};
use crate::stage::Stage;

/// How often each is renewed.
const ROUNDS: usize = 5;
/// From one change in the tenant to the next: several in each pass.
const PACE: Duration = Duration::from_millis(100);
/// One of so many changes is a new group.
const GROUPS_EVERY: usize = 15;
/// The group that tells of a round; the load is in the others.
const TOLD: &str = "All Employees";

/// One kind of secret, and the side that knows it.
trait Secret {
    /// The new one is good and stands in its file.
    fn give(&mut self, stage: &mut Stage);
    /// The old one is refused, and what was got with it is gone.
    fn take(&mut self, stage: &mut Stage);
    /// How often the daemon has shown one, or checked with one, that was accepted, and how often
    /// one that was not. Most are shown to the login alone.
    fn used(&self, stage: &Stage) -> (usize, usize) {
        tokens(stage)
    }
    /// The first one stands in the file again, and what was got with the last one is gone.
    fn bring_back(&mut self, stage: &mut Stage);
    /// The reason of the fault that follows.
    fn refusal(&self) -> &'static str {
        "credential_refused"
    }
}

/// Puts a file in the place of another, as everything that renews files does.
fn swap(stage: &Stage, name: &str, text: &str) {
    let fresh = stage.product.write(&format!("{name}.new"), text);
    fs::rename(fresh, stage.product.path().join(name)).unwrap();
}

/// Tokens that the login gave out, and refusals of it.
fn tokens(stage: &Stage) -> (usize, usize) {
    let seen = stage.tenant.requests().into_iter();
    let answers: Vec<_> =
        seen.filter(|seen| seen.path.ends_with("/token")).map(|seen| seen.status).collect();
    let given = answers.iter().filter(|status| **status == Some(200)).count();
    (given, answers.len() - given)
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap()
}

/// Ends the load, also where the test fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Changes the tenant until it is to end.
fn load(stage: &Mutex<Stage>, ended: &AtomicBool) {
    let ids: Vec<Uuid> = {
        let cloud = lock(stage).tenant.cloud();
        cloud.groups().filter(|group| group.display_name != TOLD).map(|group| group.id).collect()
    };
    for number in 0.. {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let change = |stage: &Stage| {
            let id = ids[number % ids.len()];
            let words = format!("change {number}");
            stage.cloud(|cloud| cloud.change(id, |group| group.description = Some(words)));
            if number % GROUPS_EVERY == 0 {
                let id = Uuid::from_u128(0x10ad_0000 + number as u128);
                let (name, nickname) = (format!("Project {number}"), format!("project-{number}"));
                let group = WorldGroup::new(id, &name, &nickname, GroupKind::Microsoft365);
                stage.tenant.edit(|cloud| cloud.create_group(group));
            }
        };
        change(&lock(stage));
        thread::park_timeout(PACE);
    }
}

/// Holds that what is said now of a group arrives in the directory.
#[track_caller]
fn arrives(stage: &Mutex<Stage>, daemon: &mut Daemon, words: &str) {
    {
        let stage = lock(stage);
        let id = stage.id(TOLD);
        stage.cloud(|cloud| cloud.change(id, |group| group.description = Some(words.to_owned())));
    }
    let told = |stage: &Stage| {
        let owned = stage.owned();
        let group = owned.iter().find(|entry| entry.text("displayName") == Some(TOLD)).unwrap();
        (group.text("description") == Some(words)).then_some(())
    };
    daemon.until(words, || told(&lock(stage)));
}

/// Holds that every pass so far went well, by the daemon's own metrics and log.
#[track_caller]
fn every_pass_went_well(daemon: &Daemon) {
    let metrics = get(&daemon.metrics, "/metrics").1;
    let count = |series: &str| -> u64 {
        let value = metrics.lines().find_map(|line| line.strip_prefix(series));
        value.unwrap_or_else(|| panic!("{series} is not there")).trim().parse().unwrap()
    };
    for result in ["held", "incomplete", "changes_failed", "failed"] {
        let series = format!("writeback_reconcile_total{{result=\"{result}\"}}");
        assert_eq!(count(&series), 0, "{series}\n{}", daemon.log());
    }
    for side in ["tenant", "domain", "policies"] {
        let series = format!("writeback_reconcile_errors_total{{side=\"{side}\"}}");
        assert_eq!(count(&series), 0, "{series}\n{}", daemon.log());
    }
    assert!(count("writeback_reconcile_total{result=\"applied\"}") >= ROUNDS as u64);
    for line in daemon.log().lines() {
        assert!(!line.contains("\"WARN\"") && !line.contains("\"ERROR\""), "{line}");
    }
}

fn check(stage: Stage, mut secret: impl Secret) {
    let mut daemon = stage.product.daemon();
    let stage = Mutex::new(stage);
    let ended = AtomicBool::new(false);
    daemon.passes(1);
    thread::scope(|scope| {
        let ending = Ending(&ended);
        scope.spawn(|| load(&stage, &ended));
        for round in 1..=ROUNDS {
            secret.give(&mut lock(&stage));
            // Whatever was on its way with the old one has come by then.
            daemon.passes(1);
            let before = secret.used(&lock(&stage)).0;
            secret.take(&mut lock(&stage));
            arrives(&stage, &mut daemon, &format!("round {round}"));
            daemon.passes(1);
            let (used, refused) = secret.used(&lock(&stage));
            assert!(used > before, "nobody needed the new one in round {round}");
            assert_eq!(refused, 0, "{}", daemon.log());
        }
        drop(ending);
    });
    daemon.until("everything is written", || {
        let stage = lock(&stage);
        (stage.held() == stage.wanted()).then_some(())
    });
    daemon.passes(1);
    every_pass_went_well(&daemon);
    secret.bring_back(&mut lock(&stage));
    let address = daemon.status.clone();
    daemon.until("the old one is refused", || {
        let status: Value = serde_json::from_str(&get(&address, "/api/v1/status").1).ok()?;
        (status["fault"]["reason"] == secret.refusal()).then_some(())
    });
}

/// The written small world, whose application proves itself as `credential` says.
fn stage(credential: &str) -> Stage {
    let stage = Stage::written();
    stage.product.reconfigure("clientSecretFile: client-secret", credential);
    stage
}
