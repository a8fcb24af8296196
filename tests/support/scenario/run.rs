//! Plays a scenario: the world, then pass after pass, each compared with what its files expect.
//!
//! The passes are those of the daemon: one engine lives through all of them, and with it memory.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use writeback::controller::lock::StateLock;
use writeback::controller::now;
use writeback::controller::pass::{Engine, Look};
use writeback::journal::{Journal, Options};
use writeback::model::Memory;
use writeback::report::status::Status;
use writeback::report::{Report, progress, text};
use writeback::sim::tenant::Tenant;

use super::folder::Scenario;
use super::names::Names;
use super::side::{Ground, Side};
use super::steps::{Event, Step};
use super::world::{Entity, Noun};
use super::{build, play, show};
use crate::product::Product;

/// Whether expectations are compared or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// They are compared.
    Compare,
    /// They are written, for a person to read.
    Bless,
}

/// Plays a scenario in one of the directories; gives what is not as it should be.
pub async fn run(scenario: &Scenario, side: &Side, purpose: Purpose) -> Vec<String> {
    let mut ground = side.ground(scenario).await;
    let mut player = Player::enter(scenario, &mut ground).await;
    let mut complaints = Vec::new();
    let mut last = String::new();
    for (number, step) in scenario.steps.iter().enumerate() {
        let Shown { plan, directory, restless } = Box::pin(player.step(step, number == 0)).await;
        let mut expect = |what: &str, found: &str, before: Option<&str>| {
            let file = scenario.expectation(what, number);
            if purpose == Purpose::Bless {
                bless(&file, found, before);
            } else if let Some(difference) = difference(&file, found, before) {
                complaints.push(difference);
            }
        };
        expect("plan", &plan, None);
        // A directory that has no file of its own is as it was.
        expect("directory", &directory, (number > 0).then_some(&last));
        last = directory;
        if let Some(restless) = restless {
            complaints
                .push(format!("after step {} a second look still wants:\n{restless}", number + 1));
        }
    }
    drop(player);
    ground.leave().await;
    complaints
}

/// What a step showed.
struct Shown {
    plan: String,
    directory: String,
    /// What a second look still wants to do.
    restless: Option<String>,
}

struct Player<'a> {
    scenario: &'a Scenario,
    ground: &'a mut Ground,
    names: Names,
    tenant: Tenant,
    rights: Vec<String>,
    product: Product,
    daemon: Option<Daemon>,
}

/// What a process of the daemon holds.
struct Daemon {
    engine: Engine,
    journal: Journal,
    _lock: StateLock,
}

impl<'a> Player<'a> {
    /// Makes the world.
    async fn enter(scenario: &'a Scenario, ground: &'a mut Ground) -> Self {
        let world: Vec<&Entity> = scenario.world.iter().collect();
        let events = scenario.steps.iter().flat_map(|step| &step.events);
        let later = events.filter_map(Event::newcomer);
        let all: Vec<&Entity> = world.iter().copied().chain(later).collect();
        let mut names = Names::new(&all, ground);
        build::in_directory(&world, ground, &mut names).await;
        let cloud = build::tenant_world(&world, &names);
        let tenant = Tenant::start(&cloud).await.unwrap();
        tenant.edit(|cloud| {
            for entity in world.iter().filter(|entity| names.ids.contains_key(&entity.name)) {
                build::say(entity, cloud, &names);
            }
        });
        let mut rights = tenant.roles();
        for entity in world.iter().filter(|entity| entity.noun == Noun::Tenant) {
            rights.extend(entity.texts("with-right").map(str::to_owned));
        }
        tenant.set_roles(rights.clone());
        let product = Product::new(&tenant, &ground.access);
        names.policies = product.path().join("policies").display().to_string();
        let daemon = None;
        let player = Self { scenario, ground, names, tenant, rights, product, daemon };
        if scenario.policies.contains_key("policy.yaml") {
            let file = "policy.yaml".to_owned();
            player.policies(&[(file.clone(), file)]);
        }
        player
    }

    /// Lets a step happen and a pass follow it.
    async fn step(&mut self, step: &Step, first: bool) -> Shown {
        for event in &step.events {
            Box::pin(self.event(event)).await;
        }
        let plan = Box::pin(self.pass()).await.shown;
        let directory = show::directory(self.ground, &mut self.names).await;
        let mut restless = None;
        if step.unsettled.is_none() {
            let second = Box::pin(self.pass()).await;
            restless = (second.wanted > 0).then(|| self.names.calm(&second.shown));
        }
        let plan = self.names.calm(&plan);
        let plan = if first { plan } else { format!("# {}\n{plan}", step.sentence) };
        Shown { plan, directory, restless }
    }

    async fn event(&mut self, event: &Event) {
        match event {
            Event::Cloud(name, verb) => play::in_cloud(name, verb, &self.tenant, &self.names),
            Event::Directory(name, verb) => {
                play::in_directory(name, verb, self.ground, &mut self.names).await;
            }
            Event::Tenant(verb) => {
                play::in_tenant(verb, &self.tenant, &self.rights, &self.names);
            }
            Event::New(entity) => {
                build::in_directory(&[entity], self.ground, &mut self.names).await;
                let names = &self.names;
                self.tenant.edit(|cloud| build::into_cloud(entity, cloud, names));
            }
            Event::Policies(files) => self.policies(files),
            Event::Restart => self.daemon = None,
            Event::Pass => {
                Box::pin(self.pass()).await;
            }
            Event::Time(duration) => Box::pin(self.passes_for(*duration)).await,
        }
    }

    /// The daemon goes on passing, as it does while time goes by. The pass that has something to
    /// write is left to the one that is shown.
    async fn passes_for(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            let mut daemon = self.take_daemon();
            let quiet = daemon.quiet_pass().await;
            self.daemon = Some(daemon);
            if !quiet {
                return;
            }
        }
    }

    /// Puts these files, and no others, into the policy folder.
    fn policies(&self, files: &[(String, String)]) {
        let folder = self.product.path().join("policies");
        for entry in fs::read_dir(&folder).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (own, called) in files {
            let text = self.names.fill(&self.scenario.policies[own]);
            fs::write(folder.join(called), text).unwrap();
        }
    }

    /// The daemon that runs, or a new one that remembers nothing.
    fn take_daemon(&mut self) -> Daemon {
        self.daemon.take().unwrap_or_else(|| Daemon::start(&self.product))
    }

    /// One pass of the daemon, as `apply` prints it.
    async fn pass(&mut self) -> Passed {
        let mut daemon = self.take_daemon();
        let passed = daemon.pass().await;
        self.daemon = Some(daemon);
        passed
    }
}

/// What a pass printed, and how many changes it was for.
struct Passed {
    shown: String,
    wanted: usize,
}

impl Daemon {
    fn start(product: &Product) -> Self {
        let file = product.path().join("writeback.yaml");
        let mut settings = writeback::settings::Settings::load(&file)
            .unwrap_or_else(|mistakes| panic!("the configuration is wrong: {mistakes:?}"));
        // The next listing confirms: what time does to it has tests of its own.
        settings.schedule.confirm_after = Duration::ZERO;
        let lock = StateLock::take(&settings.state).unwrap();
        let journal = Journal::open(lock.directory(), Options::default(), now()).unwrap();
        let status = Status::new(&settings.owner, "writeback.yaml", Timestamp::UNIX_EPOCH);
        let report = Arc::new(Report::new(status));
        let engine = Engine::open(settings, report, progress::unwatched(), Some(Memory::default()))
            .unwrap_or_else(|blind| panic!("the engine does not open: {blind:?}"));
        Self { engine, journal, _lock: lock }
    }

    async fn pass(&mut self) -> Passed {
        let load = self.engine.load_policies();
        let mut shown = String::new();
        for mistake in &load.mistakes {
            let _ = writeln!(shown, "mistake: {mistake}");
        }
        // A day goes by: what was added just now could be taken out without a guard.
        self.engine.memory_mut().added.clear();
        let look = match self.engine.look(None).await {
            Ok(look) => look,
            Err(blind) => {
                let shown = format!("{:?} unread: {}\n", blind.side, blind.fault.message);
                return Passed { shown, wanted: 0 };
            }
        };
        shown.push_str(&text::plan(&look.decision, &look.guarded));
        let wanted = look.guarded.admitted.changes().len();
        shown.push_str(&self.act(look).await);
        Passed { shown, wanted }
    }

    /// A pass that is given up when it has something to write; whether it had nothing.
    async fn quiet_pass(&mut self) -> bool {
        let look = self.engine.look(None).await.unwrap_or_else(|blind| panic!("{blind:?}"));
        let quiet = look.guarded.admitted.changes().is_empty();
        if quiet {
            self.act(look).await;
        }
        quiet
    }

    /// Writes, concludes, and gives what did not go as planned.
    async fn act(&mut self, look: Look) -> String {
        let stop = AtomicBool::new(false);
        let acted = Box::pin(self.engine.act(&look, &mut self.journal, &stop)).await;
        let outcomes = text::outcomes(&acted.results);
        let troubles = outcomes.lines().count() > 1;
        self.engine.conclude(look, &acted);
        if troubles { format!("\n{outcomes}") } else { String::new() }
    }
}

/// Writes an expectation; one that says what stood there before is left out.
fn bless(file: &Path, found: &str, before: Option<&str>) {
    if before == Some(found) {
        // It may never have been there.
        let _gone = fs::remove_file(file);
    } else {
        fs::write(file, found).unwrap();
    }
}

/// How a text differs from its file, or from what stood there before where there is no file.
fn difference(file: &Path, found: &str, before: Option<&str>) -> Option<String> {
    let wanted = match (fs::read_to_string(file), before) {
        (Ok(wanted), _) => wanted,
        (Err(_), Some(before)) => before.to_owned(),
        (Err(_), None) => String::new(),
    };
    if wanted == found {
        return None;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Some(format!("{name} (- expected, + found)\n{}", lines_apart(&wanted, found)))
}

/// Two texts line by line: what both have stands in, what one has is marked.
fn lines_apart(wanted: &str, found: &str) -> String {
    let (wanted, found): (Vec<&str>, Vec<&str>) =
        (wanted.lines().collect(), found.lines().collect());
    // The length of the longest common part from each pair of places on.
    let mut common = vec![vec![0_usize; found.len() + 1]; wanted.len() + 1];
    for w in (0..wanted.len()).rev() {
        for f in (0..found.len()).rev() {
            common[w][f] = if wanted[w] == found[f] {
                common[w + 1][f + 1] + 1
            } else {
                common[w + 1][f].max(common[w][f + 1])
            };
        }
    }
    let (mut w, mut f, mut text) = (0, 0, String::new());
    while w < wanted.len() || f < found.len() {
        let (mark, line) = if w < wanted.len() && f < found.len() && wanted[w] == found[f] {
            (w, f) = (w + 1, f + 1);
            (' ', wanted[w - 1])
        } else if f == found.len() || (w < wanted.len() && common[w + 1][f] >= common[w][f + 1]) {
            w += 1;
            ('-', wanted[w - 1])
        } else {
            f += 1;
            ('+', found[f - 1])
        };
        let _ = writeln!(text, "    {mark} {line}");
    }
    text
}
