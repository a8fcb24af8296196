//! Operating the daemon, with the shipped binary between the simulators: what whoever started it
//! hears, signals, pauses, a pass or a reload on request, whether it lives, and what shells and
//! manuals know of it.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/file_limit.rs"]
mod file_limit;
#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

#[path = "operation/asked.rs"]
mod asked;
#[path = "operation/blind.rs"]
mod blind;
#[path = "operation/both_down.rs"]
mod both_down;
#[path = "operation/full_disk.rs"]
mod full_disk;
#[path = "operation/heard.rs"]
mod heard;
#[path = "operation/kept_word.rs"]
mod kept_word;
#[path = "operation/live.rs"]
mod live;
#[path = "operation/moving.rs"]
mod moving;
#[path = "operation/paused.rs"]
mod paused;
#[path = "operation/shells.rs"]
mod shells;
#[path = "operation/unsaved.rs"]
mod unsaved;
#[path = "operation/word.rs"]
mod word;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use product::Daemon;
use serde_json::Value;
use stage::{Stage, until};
use uuid::Uuid;
use writeback::sim::world::{GroupKind, World, WorldGroup};

/// A daemon that has nothing to do, and makes no pass by itself after its first one.
fn waiting(stage: &Stage) -> Daemon {
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let daemon = stage.product.daemon();
    until("the first pass has ended", || daemon.status()["lastPass"]["number"] == 1);
    assert_eq!(stage.held(), stage.wanted());
    stage.domain.clear_operations();
    daemon
}

/// A world whose first writeback takes a while: more than a hundred operations.
fn large() -> Stage {
    let mut world = World::small(7);
    let people: Vec<_> = world.people.iter().map(|person| person.id).take(3).collect();
    world.groups.extend((0..40_u128).map(|number| {
        let (name, nickname) = (format!("Team {number:03}"), format!("team-{number:03}"));
        let id = Uuid::from_u128(0x7ea0_0000 + number);
        let mut group = WorldGroup::new(id, &name, &nickname, GroupKind::Microsoft365);
        group.members.clone_from(&people);
        group
    }));
    let stage = Stage::of(world);
    stage.product.policy("everything", stage::EVERYTHING);
    stage
}

/// Between two writes that the domain takes while somebody waits.
const TRICKLE: Duration = Duration::from_millis(500);

/// Waits for what somebody says, and lets the domain take one write after the other meanwhile: so
/// slowly that a hundred of them are not done before that is said, on a busy machine either.
fn trickling<R>(stage: &Stage, wait: impl FnOnce() -> R) -> R {
    struct Ending<'a>(&'a AtomicBool);
    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let ending = Ending(&ended);
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                stage.domain.set_writes_left(Some(1));
                thread::park_timeout(TRICKLE);
            }
        });
        let said = wait();
        drop(ending);
        said
    })
}

/// How many operations the journal announces.
fn intents(stage: &Stage) -> usize {
    stage.product.journal().iter().filter(|line| line["kind"] == "intent").count()
}

/// A condition of a policy.
fn condition(daemon: &Daemon, policy: &str, kind: &str) -> Value {
    let status = daemon.status();
    let all = status["policies"][policy]["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}

/// The number of the last pass.
fn pass(daemon: &Daemon) -> u64 {
    daemon.status()["lastPass"]["number"].as_u64().unwrap_or(0)
}
