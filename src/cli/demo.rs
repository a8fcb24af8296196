//! `demo`: the real code against the simulated tenant and domain, scene by scene.
//!
//! Everything it needs it makes itself, in a folder of its own that goes when it ends.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use jiff::SignedDuration;

use super::apply::{Claimed, Unclaimed, claim_state};
use super::{at_once, blind, complain, new_report, say};
use crate::controller::admin::server::{Desk, Socket};
use crate::controller::books::{Books, finish};
use crate::controller::lock::StateLock;
use crate::controller::notify::Pulse;
use crate::controller::now;
use crate::controller::pass::Engine;
use crate::controller::schedule::{Admin, Loop};
use crate::controller::stop::Stop;
use crate::controller::triggers::Triggers;
use crate::exit::Exit;
use crate::report::endpoint::{self, Heartbeat, Served};
use crate::report::progress::unwatched;
use crate::report::text;
use crate::settings::Settings;
use crate::sim::story::{CONTAINER, Scene, Stage};

#[derive(Args)]
pub(super) struct Arguments {
    /// End after the story
    #[arg(long)]
    once: bool,
    /// Where the status is served after the story
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9465")]
    listen: SocketAddr,
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    match Box::pin(play(&arguments)).await {
        Ok(exit) => exit,
        Err(error) => {
            complain(&format!("failed to run the demonstration: {error}"));
            Exit::Failed
        }
    }
}

async fn play(arguments: &Arguments) -> io::Result<Exit> {
    let stage = Stage::build().await?;
    let folder = Folder::make()?;
    write_files(&folder.0, &stage, arguments.listen)?;
    let settings = Settings::load(&folder.0.join("writeback.yaml")).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        io::Error::other(lines.join("; "))
    })?;
    let Claimed { lock, mut books, memory, status } = match claim_state(&settings) {
        Ok(claimed) => claimed,
        Err(Unclaimed::Held(error)) => return Err(io::Error::other(error)),
        Err(Unclaimed::Failed(why)) => return Err(io::Error::other(why)),
    };
    let report = new_report(&settings);
    report.recall_passes(status.as_deref());
    let mut engine =
        match Engine::open(settings.clone(), Arc::clone(&report), unwatched(), Some(memory)) {
            Ok(engine) => engine,
            Err(why) => return Ok(blind(&why)),
        };
    engine.load_policies();
    say(&format!(
        "A simulated tenant and a simulated domain run on this machine; the code between them is \
         the real one.\nConfiguration, policies and journal are in {}.\n",
        folder.0.display()
    ));
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    for (number, scene) in Scene::ALL.into_iter().enumerate() {
        stage.play(scene)?;
        say(&format!("\n--- scene {}: {}\n\n", number + 1, scene.sentence()));
        if let Err(exit) = Box::pin(pass(&mut engine, &mut books, &stop, scene)).await {
            return Ok(exit);
        }
        if stop.asked() {
            return Ok(Exit::Done);
        }
    }
    if arguments.once {
        return Ok(Exit::Done);
    }
    Box::pin(keep_running(engine, books, &settings, &lock, report, stop)).await
}

/// One pass, printed: plan, then outcome.
async fn pass(
    engine: &mut Engine,
    books: &mut Books,
    stop: &Stop,
    scene: Scene,
) -> Result<(), Exit> {
    let begun = now() + SignedDuration::from_hours(scene.hours_later());
    let look = Box::pin(engine.look_at(None, begun)).await.map_err(|why| blind(&why))?;
    say(&text::plan(&look.decision, &look.guarded));
    let finished = finish(engine, books, look, stop).await;
    let results = &finished.acted.results;
    if !results.is_empty() {
        say(&format!("\n{}", text::outcomes(results)));
    }
    let failed = results.iter().any(|result| !result.outcome.achieved());
    if failed || finished.fault().is_some() { Err(Exit::Failed) } else { Ok(()) }
}

async fn keep_running(
    engine: Engine,
    books: Books,
    settings: &Settings,
    lock: &StateLock,
    report: Arc<crate::report::Report>,
    stop: Arc<Stop>,
) -> io::Result<Exit> {
    let heartbeat = Arc::new(Heartbeat::default());
    let saved = Arc::new(AtomicBool::new(true));
    let (probe, kept) = (lock.probe(), Arc::clone(&saved));
    let served = Served {
        report: Arc::clone(&report),
        heartbeat: Arc::clone(&heartbeat),
        now,
        state_writable: Arc::new(move || kept.load(Ordering::Relaxed) && probe()),
    };
    let router = endpoint::probes(served.clone()).merge(endpoint::status(served));
    let address = endpoint::serve(settings.http.status, router).await?;
    say("\nThe story is told; the daemon keeps running. End it with Ctrl-C.\n");
    say(&format!("  page     http://{address}/\n"));
    say(&format!("  status   http://{address}/api/v1/status\n"));
    say(&format!("  metrics  http://{address}/metrics\n"));
    let desk = Desk::new(Arc::clone(&report), engine.memory().clone(), Arc::clone(&stop));
    let desk = Arc::new(desk);
    let served = Socket::serve(&settings.admin_socket, Arc::clone(&desk));
    let (socket, calls) = served.map_err(io::Error::other)?;
    let admin = Some(Admin::new(desk, calls));
    let triggers = Triggers::watch(&settings.policies);
    let interval = settings.schedule.interval;
    let pulse = Pulse::new(heartbeat, Arc::default());
    let round = Loop { engine, books, report, pulse, stop, triggers, interval, admin, saved };
    Box::pin(round.run()).await;
    socket.close().await;
    Ok(Exit::Done)
}

/// A folder of this process's own; it goes with the demonstration.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("writeback-demo-{}", std::process::id()));
        std::fs::create_dir_all(path.join("policies"))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for temporary files, where it does no harm.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// Configuration, policy, secrets and certificates, as a newcomer would write them.
fn write_files(folder: &Path, stage: &Stage, listen: SocketAddr) -> io::Result<()> {
    let (tenant, domain) = (&stage.tenant, &stage.domain);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text);
    write("client-secret", tenant.client_secret())?;
    write("bind-password", &domain.service_account().password)?;
    write("tenant-ca.pem", &tenant.ca_pem())?;
    write("domain-ca.pem", domain.ca_pem())?;
    write(
        "writeback.yaml",
        &format!(
            "apiVersion: writeback/v1alpha1
kind: DaemonConfiguration
metadata: {{ name: demo }}
tenant:
  id: {tenant_id}
  cloud: Custom
  loginUrl: {login}
  graphUrl: {graph}
  scope: {scope}
  clientId: {client}
  credential:
    clientSecretFile: client-secret
  caFile: tenant-ca.pem
directory:
  servers: ['{server}']
  bind: {{ simple: {{ name: '{account}', passwordFile: bind-password }} }}
  caFile: domain-ca.pem
  containers: ['{CONTAINER}']
policies: {{ path: policies }}
state: {{ path: state }}
schedule: {{ interval: 15s }}
http: {{ listen: 127.0.0.1:9464, status: '{listen}' }}
",
            tenant_id = tenant.tenant_id(),
            login = tenant.login_url(),
            graph = tenant.graph_url(),
            scope = tenant.scope(),
            client = tenant.client_id(),
            server = domain.url(),
            account = domain.service_account().account_name,
        ),
    )?;
    write(
        "policies/everything.yaml",
        &format!(
            "apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: {{ name: everything }}
spec:
  mode: Sync
  group:
    container: {{ value: '{CONTAINER}', mode: Always }}
    commonName: {{ preset: DisplayNameAndId }}
    samAccountName: {{ preset: DisplayNameAndId, mode: Always }}
"
        ),
    )
}
