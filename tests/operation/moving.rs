//! What shows that the loop moves: every request that is answered, whichever side answers it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use uuid::Uuid;
use writeback::controller::{connect_directory, connect_to_read, now, open_tenant};
use writeback::graph::Flags;
use writeback::model::ObjectId;
use writeback::report::Report;
use writeback::report::progress::{Progress, Watcher};
use writeback::report::status::Status;
use writeback::settings::Settings;

use crate::stage::Stage;

/// How many requests of either side the metrics count.
fn counted(report: &Report) -> usize {
    let text = report.metrics().text();
    let counts = text.lines().filter(|line| {
        line.starts_with("writeback_graph_requests_total{")
            || line.starts_with("writeback_ldap_operations_total{")
    });
    counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap()).sum()
}

#[test]
fn every_answer_of_either_side_shows_that_the_loop_moves() {
    let stage = Stage::small();
    let settings = Settings::load(&stage.product.path().join("writeback.yaml")).unwrap();
    let report = Arc::new(Report::new(Status::new("corp", "writeback.yaml", now())));
    let moved = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&moved);
    let watcher: Watcher = Arc::new(move |progress| {
        let count = usize::from(progress == Progress::Moving);
        counter.fetch_add(count, Ordering::Relaxed);
    });
    stage.runtime.block_on(async {
        let tenant = open_tenant(&settings, &report, &watcher).unwrap();
        tenant.listing(Flags::Read, now()).await.unwrap();
        // What tells no progress of its own: one group after the other, asked for by its id.
        for number in 0..5 {
            tenant.presence(ObjectId(Uuid::from_u128(number))).await;
        }
        let asked = counted(&report);
        assert!(asked >= 9, "a token, three listings, five groups: {asked}");
        assert_eq!(moved.load(Ordering::Relaxed), asked);
        let directory = connect_directory(&settings, &report, &watcher).await.unwrap();
        drop(directory);
        let containers = settings.directory.containers.clone();
        drop(connect_to_read(&settings, containers, &report, &watcher).await.unwrap());
        assert!(counted(&report) > asked);
        assert_eq!(moved.load(Ordering::Relaxed), counted(&report));
    });
}
