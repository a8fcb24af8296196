//! The binary is killed in the middle of a first writeback larger than a pass may add later.
//! `tests/kills.rs` kills at every other moment.

use std::fs::{self, File};
use std::process::Child;
use std::time::Duration;

use writeback::sim::world::World;

use crate::gate::Gate;
use crate::stage::{Stage, Upkeep};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_first_writeback_is_finished_by_the_next() {
    let mut world = World::generated(62, 400, 140);
    let stage = Stage::new("interrupted", &mut world, Upkeep::Always).await;
    // Far more groups are left to create than a fifth of those that are there.
    let (written, left) = (80, 30);
    assert!(stage.expected().groups.len() > written + left);
    let gate = Gate::new(&stage.product, stage.lab.setting("LAB_URL"), written);
    let output = stage.product.path().join("output");
    let file = File::create(&output).unwrap();
    let mut child = stage
        .product
        .command(&["apply"])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let alive = lives_until(&mut child, || gate.is_shut());
    assert!(alive, "{}", fs::read_to_string(output).unwrap());
    // SIGKILL, on the process this test has started.
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    assert!(stage.found().len() + left <= stage.expected().groups.len());
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
}

/// Whether the child was still alive when it came true.
fn lives_until(child: &mut Child, mut come_true: impl FnMut() -> bool) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if come_true() {
            return true;
        }
        std::thread::park_timeout(Duration::from_micros(500));
    }
}
