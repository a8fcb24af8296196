//! `run`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;

use super::apply::claim_state;
use super::{at_once, blind, complain, load_settings, new_report};
use crate::controller::lock::StateLock;
use crate::controller::now;
use crate::controller::pass::Engine;
use crate::controller::schedule::Loop;
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::exit::Exit;
use crate::model::Memory;
use crate::report::Report;
use crate::report::endpoint::{self, Heartbeat, Served};
use crate::report::progress::Watcher;
use crate::settings::Settings;

pub(super) async fn run(config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let (lock, journal) = match claim_state(&settings) {
        Ok(claimed) => claimed,
        Err(exit) => return exit,
    };
    let report = new_report(&settings);
    let heartbeat = Arc::new(Heartbeat::default());
    heartbeat.beat(now());
    if let Err(exit) = serve(&settings, &report, &heartbeat, &lock).await {
        return exit;
    }
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    let beating = Arc::clone(&heartbeat);
    let watcher: Watcher = Arc::new(move |_| beating.beat(now()));
    let triggers = Triggers::watch(&settings.policies);
    let interval = settings.schedule.interval;
    let engine = match Engine::open(settings, Arc::clone(&report), watcher, Some(Memory::default())) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    Box::pin(Loop { engine, journal, report, heartbeat, stop, triggers, interval }.run()).await;
    drop(lock);
    Exit::Done
}

async fn serve(
    settings: &Settings,
    report: &Arc<Report>,
    heartbeat: &Arc<Heartbeat>,
    lock: &StateLock,
) -> Result<(), Exit> {
    let served = Served {
        report: Arc::clone(report),
        heartbeat: Arc::clone(heartbeat),
        now,
        state_writable: Arc::new(lock.probe()),
    };
    let http = settings.http;
    for (setting, address, router) in [
        ("http.listen", http.listen, endpoint::probes(served.clone())),
        ("http.status", http.status, endpoint::status(served.clone())),
    ] {
        match endpoint::serve(address, router).await {
            Ok(bound) => tracing::info!(setting, address = %bound, "listening"),
            Err(error) => {
                complain(&format!("failed to listen on {address} ({setting}): {error}"));
                return Err(Exit::Failed);
            }
        }
    }
    Ok(())
}
