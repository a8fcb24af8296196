//! `run`: the daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::apply::{Claimed, Unclaimed, claim_state};
use super::{at_once, blind, complain, load_settings, new_report};
use crate::controller::admin::server::{Desk, Socket, line};
use crate::controller::lock::StateLock;
use crate::controller::notify::{Pulse, Supervisor};
use crate::controller::now;
use crate::controller::pass::Engine;
use crate::controller::schedule::{Admin, Loop};
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::exit::Exit;
use crate::report::Report;
use crate::report::endpoint::{self, Heartbeat, Served};
use crate::report::progress::Watcher;
use crate::settings::{self, Settings};

pub(super) async fn run(config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let Claimed { lock, books, memory, status } = match claim_state(&settings) {
        Ok(claimed) => claimed,
        Err(Unclaimed::Held(error)) => {
            complain(&format!("failed to {error}"));
            return Exit::Failed;
        }
        Err(Unclaimed::Failed(why)) => {
            complain(&why);
            return Exit::Failed;
        }
    };
    let report = new_report(&settings);
    report.recall_passes(status.as_deref());
    let heartbeat = Arc::new(Heartbeat::default());
    let supervisor = Arc::new(Supervisor::new(settings::supervision()));
    let pulse = Pulse::new(Arc::clone(&heartbeat), Arc::clone(&supervisor));
    pulse.beat();
    let saved = Arc::new(AtomicBool::new(true));
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    let triggers = Triggers::watch(&settings.policies);
    let desk = Desk::new(Arc::clone(&report), memory.clone(), Arc::clone(&stop));
    let desk = Arc::new(desk);
    if let Err(exit) = serve(&settings, &heartbeat, &lock, &saved, (&report, &desk)).await {
        return exit;
    }
    let (socket, calls) = match Socket::serve(&settings.admin_socket, Arc::clone(&desk)) {
        Ok(served) => served,
        Err(error) => {
            complain(&format!("failed to {error}"));
            return Exit::Failed;
        }
    };
    let path = settings.admin_socket.display();
    tracing::info!(setting = "http.adminSocket", %path, "listening");
    let (asked, hears) = (Arc::clone(&stop), Arc::clone(&supervisor));
    tokio::spawn(async move {
        // At once: the operation in flight may take a while.
        asked.heard().await;
        hears.stopping();
    });
    let beating = pulse.clone();
    let watcher: Watcher = Arc::new(move |_| beating.beat());
    let interval = settings.schedule.interval;
    let engine = match Engine::open(settings, Arc::clone(&report), watcher, Some(memory)) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let admin = Some(Admin::new(desk, calls));
    let round = Loop { engine, books, report, pulse, stop, triggers, interval, admin, saved };
    Box::pin(round.run()).await;
    socket.close().await;
    drop(lock);
    Exit::Done
}

async fn serve(
    settings: &Settings,
    heartbeat: &Arc<Heartbeat>,
    lock: &StateLock,
    saved: &Arc<AtomicBool>,
    (report, desk): (&Arc<Report>, &Arc<Desk>),
) -> Result<(), Exit> {
    let (probe, saved) = (lock.probe(), Arc::clone(saved));
    let served = Served {
        report: Arc::clone(report),
        heartbeat: Arc::clone(heartbeat),
        now,
        state_writable: Arc::new(move || saved.load(Ordering::Relaxed) && probe()),
    };
    let desk = Arc::clone(desk);
    let memory = endpoint::memory(Arc::new(move || line(&desk.memory())));
    let http = settings.http;
    for (setting, address, router) in [
        ("http.listen", http.listen, endpoint::probes(served.clone())),
        ("http.status", http.status, endpoint::status(served.clone()).merge(memory)),
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
