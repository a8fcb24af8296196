//! A bad week in two minutes: everything that an alert is for happens to the real binary between
//! the simulators, and is put right, while a real Prometheus looks on. Hours are seconds: the rules
//! are rendered with their durations divided by 600.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use uuid::Uuid;
use writeback::sim::domain;
use writeback::sim::tenant::{Fault, Order, Where};

use crate::dashboards::{dashboards, with_variables};
use crate::file_limit::{FIRST_PAGE, UNBOUND, bound_files, outlive_limits};
use crate::logs::unanswered;
use crate::product::{Daemon, Product, get};
use crate::prometheus::{Prometheus, now, until};
use crate::rules::{Rule, alerts, rules};
use crate::small_disk::{SMALL_DISK_MIB, Small};
use crate::stage::{CONTAINER, EVERYTHING, Stage};
use crate::template::render;

/// How much shorter the story is than life.
const DIVISOR: u64 = 600;
/// Two weeks, divided, are more.
const CERTIFICATE_LEFT: Duration = Duration::from_mins(20);
/// Where everything happens.
struct Scene {
    stage: Stage,
    /// Another daemon, seldom at work: its policy folder changes without file events.
    slow: Product,
    prometheus: Prometheus,
    /// `instance="…"` of the daemon of the stage, and of the slow one.
    main: String,
    other: String,
    address: String,
    /// When the story began, and what happens now in it: so far back alerts and expressions are
    /// asked for.
    begun: Timestamp,
    happens: Cell<Timestamp>,
    fired: RefCell<BTreeSet<String>>,
    cleared: RefCell<BTreeSet<String>>,
    log: RefCell<String>,
}

/// Two loopback addresses that are free now. A daemon that comes back has to have the same one: for
/// Prometheus another port is another instance.
fn free_addresses() -> [String; 2] {
    // No other test listens on this address. Both are taken at once, so that they are two.
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.66.1:0").unwrap());
    taken.map(|listener| listener.local_addr().unwrap().to_string())
}

fn rules_of_the_story() -> Vec<(&'static str, String)> {
    let name = |name| (name, render(name, DIVISOR));
    vec![name("alerts"), name("recording")]
}

impl Scene {
    fn set() -> (Self, Daemon, Daemon) {
        let stage = Stage::small();
        let (product, tenant) = (&stage.product, &stage.tenant);
        product.write("key.pem", tenant.private_key_pem());
        product.write("certificate.pem", tenant.certificate_pem());
        product.reconfigure(
            "clientSecretFile: client-secret",
            "certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }",
        );
        // Something to pause that nothing depends on.
        product.policy("watching", &EVERYTHING.replace("Sync", "Observe"));
        product.run(&["apply"]).expect(0);
        product.a_day_later();
        let slow = stage.another_product();
        let [address, other] = free_addresses();
        for (product, address) in [(product, &address), (&slow, &other)] {
            product.reconfigure("listen: '127.0.0.1:0'", &format!("listen: '{address}'"));
        }
        slow.reconfigure("metadata: { name: corp }", "metadata: { name: slow }");
        slow.reconfigure("interval: 1s", "interval: 10m");
        slow.policy("watching", &EVERYTHING.replace("Sync", "Observe"));
        fs::create_dir(slow.path().join("elsewhere")).unwrap();
        // One file under two names: what is written under the other is no event in the folder.
        let inside = slow.path().join("policies/watching.yaml");
        fs::hard_link(inside, slow.path().join("elsewhere/watching.yaml")).unwrap();
        let targets = [address.clone(), other.clone()];
        let prometheus = Prometheus::start(&rules_of_the_story(), &targets);
        let instance = |address: &str| format!("instance=\"{address}\"");
        let main = product.daemon_with(|command| outlive_limits(command, product));
        let mut daemons = (main, slow.daemon());
        // What is changed after its first pass it cannot but find.
        let status = daemons.1.status.clone();
        daemons.1.until("the slow one to have read its policies", || {
            let status = serde_json::from_str(&get(&status, "/api/v1/status").1);
            let status: serde_json::Value = status.ok()?;
            status["lastPass"]["number"].as_u64()
        });
        let begun = now();
        let scene = Self {
            begun,
            happens: Cell::new(begun),
            main: instance(&address),
            other: instance(&other),
            address,
            stage,
            slow,
            prometheus,
            fired: RefCell::default(),
            cleared: RefCell::default(),
            log: RefCell::default(),
        };
        (scene, daemons.0, daemons.1)
    }

    /// Something happens from now on.
    fn happens(&self) {
        self.happens.set(now());
    }

    #[track_caller]
    fn fires_at(&self, instance: &str, alert: &str) {
        self.fires_while(instance, alert, || ());
    }

    /// Waits until an alert fires for what happens, doing something again and again. Some fire for
    /// seconds: one that has fired and cleared meanwhile has fired.
    #[track_caller]
    fn fires_while(&self, instance: &str, alert: &str, mut act: impl FnMut()) {
        until(&format!("{alert} fires"), || {
            act();
            self.prometheus.fired(alert, instance, self.happens.get())
        });
        self.fired.borrow_mut().insert(alert.to_owned());
    }

    /// The same for what happened at the start of the story.
    #[track_caller]
    fn fired_at(&self, instance: &str, alert: &str) {
        until(&format!("{alert} has fired"), || self.prometheus.fired(alert, instance, self.begun));
        self.fired.borrow_mut().insert(alert.to_owned());
    }

    #[track_caller]
    fn clears_at(&self, instance: &str, alert: &str) {
        until(&format!("{alert} clears"), || !self.prometheus.fires(alert, instance));
        self.cleared.borrow_mut().insert(alert.to_owned());
    }

    #[track_caller]
    fn fire(&self, alerts: &[&str]) {
        for alert in alerts {
            self.fires_at(&self.main, alert);
        }
    }

    #[track_caller]
    fn clear(&self, alerts: &[&str]) {
        for alert in alerts {
            self.clears_at(&self.main, alert);
        }
    }

    /// The `<GUID=…>` name by which the product writes a group.
    fn by_guid(&self, group: &str) -> domain::Where {
        let dn = self.stage.dn(group);
        let guid = self.stage.domain.edit(|tree| tree.guid_of(&dn)).unwrap();
        domain::Where::Object(format!("<GUID={guid}>"))
    }

    /// Wakes the loop: a policy with another text is another generation.
    fn touch(&self, remark: &str) {
        let text = format!("{}\n    # {remark}", EVERYTHING.replace("Sync", "Observe"));
        self.stage.product.policy("watching", &text);
    }
}

#[test]
fn every_alert_fires_and_clears_and_every_expression_says_something() {
    let (scene, daemon, slow) = Scene::set();
    quiet(&scene);
    let missed = "WritebackReloadMissed";
    let elsewhere = scene.slow.path().join("elsewhere/watching.yaml");
    let text = fs::read_to_string(&elsewhere).unwrap();
    fs::write(&elsewhere, format!("{text}# changed\n")).unwrap();
    hold(&scene);
    policies(&scene);
    surroundings(&scene);
    groups(&scene);
    decide_on_the_hold(&scene);
    scene.fired_at(&scene.other, missed);
    scene.clears_at(&scene.other, missed);
    reads(&scene);
    domain_down(&scene);
    credential(&scene);
    budget(&scene);
    unsaved(&scene, &daemon);
    scene.log.borrow_mut().push_str(&daemon.log());
    let daemon = restarts(&scene, daemon);
    scene.log.borrow_mut().push_str(&daemon.log());
    let full = disk(&scene, daemon);
    absent(&scene, full, slow);

    assert_eq!(*scene.fired.borrow(), alerts(), "alerts that fired");
    assert_eq!(*scene.cleared.borrow(), alerts(), "alerts that cleared");
    assert_eq!(scene.prometheus.broken_rules(), Vec::<String>::new());
    let silent = silent_expressions(&scene);
    assert!(silent.is_empty(), "these never said anything:\n{}", silent.join("\n"));
    let folder = scene.stage.product.path();
    let mut journal = fs::read_to_string(folder.join("state/journal.jsonl")).unwrap();
    journal.push_str(&fs::read_to_string(folder.join("last-journal.jsonl")).unwrap());
    let silent = unanswered(&journal, &scene.log.borrow());
    assert!(silent.is_empty(), "no line answers these:\n{}", silent.join("\n"));
}

/// A daemon with nothing to do raises no alarm.
fn quiet(scene: &Scene) {
    let passes = format!("writeback_noop_runs_total{{{}}} >= 4", scene.main);
    until("passes are scraped", || !scene.prometheus.query(&passes).is_empty());
    let firing = scene.prometheus.firing();
    let of_main = firing.iter().filter(|alert| alert.contains(&scene.address));
    assert_eq!(of_main.count(), 0, "{firing:?}");
}

/// A department is emptied. Nobody decides for a long time.
fn hold(scene: &Scene) {
    scene.happens();
    scene.stage.empty_nearly("All Employees");
    scene.fire(&["WritebackHeld"]);
    let people = format!("writeback_held_people{{{}}} == 11", scene.main);
    until("eleven people are behind it", || !scene.prometheus.query(&people).is_empty());
}

fn decide_on_the_hold(scene: &Scene) {
    scene.happens();
    scene.fire(&["WritebackHeldLong"]);
    let status = scene.stage.product.run(&["status"]);
    let digest = status.stdout.split("writeback approve ").nth(1).unwrap();
    let digest: String = digest.chars().take_while(char::is_ascii_alphanumeric).collect();
    scene.stage.product.run(&["approve", &digest]).expect(0);
    scene.clear(&["WritebackHeldLong", "WritebackHeld"]);
}

/// A broken policy is pushed and mended; somebody pauses one and forgets it.
fn policies(scene: &Scene) {
    scene.happens();
    let product = &scene.stage.product;
    product.run(&["pause", "--policy", "watching"]).expect(0);
    let broken = product.write("policies/broken.yaml", "kind: Nonsense\n");
    scene.fire(&["WritebackPolicyInvalid"]);
    fs::remove_file(broken).unwrap();
    scene.clear(&["WritebackPolicyInvalid"]);
}

/// A group of ours gets into the administrators; Graph slows us down; one pass takes for ever.
fn surroundings(scene: &Scene) {
    let (stage, finance) = (&scene.stage, scene.stage.dn("Finance"));
    let administrators = format!("CN=Domain Admins,CN=Users,{}", stage.domain.base_dn());
    // A global group holds no universal one; Administrators does.
    let builtin = format!("CN=Administrators,CN=Builtin,{}", stage.domain.base_dn());
    scene.happens();
    let protected = [administrators, builtin]
        .into_iter()
        .find(|dn| stage.domain.edit(|tree| tree.add_member(dn, &finance)).is_ok());
    let protected = protected.unwrap();
    scene.fire(&["WritebackPrivilegedPath"]);
    stage.domain.edit(|tree| tree.remove_member(&protected, &finance)).unwrap();
    scene.clear(&["WritebackPrivilegedPath"]);

    let throttled = |retry_after: &str| Fault::Throttled {
        retry_after: Some(retry_after.to_owned()),
        scope: None,
    };
    for (alert, retry_after) in [("WritebackGraphThrottled", "0.01"), ("WritebackQueueStuck", "6")]
    {
        scene.happens();
        scene.fires_while(&scene.main, alert, || {
            if stage.tenant.open_orders() == 0 {
                stage.tenant.order(Order::once(Where::Groups, throttled(retry_after)));
            }
        });
        stage.tenant.clear_orders();
        scene.clear(&[alert]);
    }
}

/// Groups that cannot be written, were changed by hand, or are somebody else's.
fn groups(scene: &Scene) {
    scene.happens();
    let stage = &scene.stage;
    for group in ["Finance", "Board"] {
        let refuse = domain::Order::new(scene.by_guid(group), domain::Fault::InsufficientAccess);
        stage.domain.order(refuse.times(1_000));
    }
    let finance = stage.id("Finance");
    let money = |group: &mut writeback::sim::world::WorldGroup| {
        group.description = Some("Money".to_owned());
    };
    stage.cloud(|cloud| cloud.change(finance, money));
    let (board, contractors) = (stage.dn("Board"), stage.dn("Contractors"));
    let anchor = format!("Group_{}", stage.id("Contractors"));
    let strange = format!("Group_{}", Uuid::from_u128(7));
    let foreign = stage.domain.edit(|tree| {
        tree.set(&board, "description", &["By hand"])?;
        tree.set(&contractors, "adminDescription", &[&strange])?;
        let foreign =
            tree.add_group("Of Cloud Sync", CONTAINER, "of-cloud-sync", -2_147_483_640)?;
        tree.set(&foreign, "adminDescription", &[&format!("Group_{}", Uuid::from_u128(8))])?;
        Ok::<_, domain::Refusal>(foreign)
    });
    let foreign = foreign.unwrap();
    scene.fire(&[
        "WritebackGroupsFailed",
        "WritebackConsecutiveFailures",
        "WritebackForeignOwner",
        "WritebackGroupsFrozen",
        "WritebackDriftOld",
        "WritebackPausedTooLong",
    ]);
    scene.happens();
    stage.product.run(&["resume", "--policy", "watching"]).expect(0);
    stage.domain.cancel_orders();
    let mended = stage.domain.edit(|tree| {
        tree.set(&contractors, "adminDescription", &[&anchor])?;
        tree.remove(&foreign)
    });
    mended.unwrap();
    // What waited is made now, and late.
    scene.fire(&["WritebackPropagationSlow"]);
    scene.clear(&[
        "WritebackGroupsFailed",
        "WritebackConsecutiveFailures",
        "WritebackForeignOwner",
        "WritebackGroupsFrozen",
        "WritebackDriftOld",
        "WritebackPausedTooLong",
        "WritebackPropagationSlow",
    ]);
}

/// The members of one group cannot be read, pass after pass.
fn reads(scene: &Scene) {
    scene.happens();
    let (tenant, finance) = (&scene.stage.tenant, scene.stage.id("Finance"));
    let blind = Fault::NullWitness("user".to_owned());
    tenant.order(Order::always(Where::MembersOf(finance), blind));
    scene.fire(&["WritebackReadIncomplete", "WritebackStalled"]);
    tenant.clear_orders();
    scene.clear(&["WritebackReadIncomplete", "WritebackStalled"]);
}

fn domain_down(scene: &Scene) {
    scene.happens();
    scene.stage.domain.set_busy(true);
    scene.fire(&["WritebackLdapDown"]);
    scene.stage.domain.set_busy(false);
    scene.clear(&["WritebackLdapDown"]);
}

/// A new certificate is put in place that nobody registered, and that ends soon.
#[expect(clippy::disallowed_methods, reason = "certificates end in real time")]
fn credential(scene: &Scene) {
    let (product, tenant) = (&scene.stage.product, &scene.stage.tenant);
    let key = KeyPair::from_pem_and_sign_algo(tenant.private_key_pem(), &PKCS_RSA_SHA256).unwrap();
    let mut parameters = CertificateParams::default();
    let end = jiff::Timestamp::now() + CERTIFICATE_LEFT;
    parameters.not_after = std::time::SystemTime::from(end).into();
    let soon = parameters.self_signed(&key).unwrap();
    scene.happens();
    product.write("certificate.pem", &soon.pem());
    // The token at hand is good for an hour; the tenant ends it sooner.
    tenant.revoke_tokens();
    scene.touch("renewed");
    scene.fire(&["WritebackTerminalError", "WritebackCredentialExpiring"]);
    product.write("certificate.pem", tenant.certificate_pem());
    scene.touch("put back");
    scene.clear(&["WritebackCredentialExpiring", "WritebackTerminalError"]);
}

/// People leave groups one by one, until a policy has nothing left of its limit; then the limit is
/// set to what this policy needs.
fn budget(scene: &Scene) {
    let stage = &scene.stage;
    let cloud = stage.tenant.cloud();
    let mut leaving = Vec::new();
    for group in cloud.groups() {
        let people = group.members.iter().filter(|id| cloud.person(**id).is_some());
        let some = people.clone().count().saturating_sub(1).min(2);
        leaving.extend(people.take(some).map(|person| (group.id, *person)));
    }
    scene.happens();
    // One group gets another name, which the directory refuses at first.
    let rename = domain::Where::Kind(domain::OperationKind::ModifyDn);
    stage.domain.order(domain::Order::new(rename, domain::Fault::InsufficientAccess));
    let vpn = stage.id("VPN Users");
    stage.cloud(|cloud| cloud.rename_group(vpn, "Remote Users"));
    // So many may go in a day.
    assert!(leaving.len() >= 5, "{leaving:?}");
    stage.cloud(|cloud| {
        let mut leaving = leaving.into_iter().take(5);
        leaving.try_for_each(|(group, person)| cloud.remove_member(group, person))
    });
    scene.fire(&["WritebackBudgetLow"]);
    for (row, left) in [("memberships_removed", 0), ("groups_removed", 1)] {
        let labels = format!("{},policy=\"everything\",row=\"{row}\"", scene.main);
        let left = format!("writeback_budget_remaining_ratio{{{labels}}} == {left}");
        until(&left, || !scene.prometheus.query(&left).is_empty());
    }
    let guard = "  guard: { membershipsRemoved: { atLeast: 1000 }, oneGroup: { atLeast: 1000 }, \
                 groupsRemoved: { atLeast: 10 } }";
    stage.product.policy("everything", &format!("{EVERYTHING}\n{guard}"));
    scene.clear(&["WritebackBudgetLow"]);
}

/// What it remembers cannot be put on disk, until it can.
fn unsaved(scene: &Scene, daemon: &Daemon) {
    scene.happens();
    bound_files(daemon.id(), FIRST_PAGE);
    scene.fire(&["WritebackStateFailing"]);
    bound_files(daemon.id(), UNBOUND);
    scene.clear(&["WritebackStateFailing"]);
}

/// It dies and comes back, again and again.
fn restarts(scene: &Scene, daemon: Daemon) -> Daemon {
    scene.happens();
    let mut daemon = Some(daemon);
    let begun = || {
        let begun =
            scene.prometheus.query(&format!("process_start_time_seconds{{{}}}", scene.main));
        begun.first().map(|sample| sample["value"][1].clone())
    };
    // Two starts are enough where they and the scrapes after them fall into six seconds.
    scene.fires_while(&scene.main, "WritebackRestarting", || {
        let before = begun();
        drop(daemon.take());
        daemon = Some(scene.stage.product.daemon());
        until("its new life is scraped", || begun().is_some_and(|now| Some(now) != before));
    });
    scene.clear(&["WritebackRestarting"]);
    daemon.unwrap()
}

/// The disk of its state has no room, and then has some.
fn disk(scene: &Scene, daemon: Daemon) -> Small {
    let stage = &scene.stage;
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let small = Small::start(&stage.product);
    until("it is ready", || get(&scene.address, "/readyz").0 == 200);
    scene.happens();
    let filler = small.path("state/filler");
    // More than there is room for: what fits in stays.
    fs::write(&filler, vec![0; SMALL_DISK_MIB << 20]).unwrap_err();
    let finance = stage.id("Finance");
    // The last page of the file has room for some lines.
    let mut letters = ('a'..='z').cycle();
    scene.fires_while(&scene.main, "WritebackJournalFailing", || {
        let text = letters.next().unwrap().to_string().repeat(1_000);
        stage.cloud(|cloud| cloud.change(finance, |group| group.description = Some(text)));
    });
    fs::remove_file(&filler).unwrap();
    scene.clear(&["WritebackJournalFailing"]);
    small.keep();
    small
}

/// Nothing answers any more, until somebody starts it.
fn absent(scene: &Scene, full: Small, slow: Daemon) {
    scene.happens();
    drop(full);
    drop(slow);
    scene.fires_at("severity=\"critical\"", "WritebackAbsent");
    let _daemon = scene.slow.daemon();
    scene.clears_at("severity=\"critical\"", "WritebackAbsent");
}

/// Expressions of rules and dashboards that never said anything.
fn silent_expressions(scene: &Scene) -> Vec<String> {
    let mut expressions = Vec::new();
    for (_, text) in rules_of_the_story() {
        expressions.extend(rules(&text).into_iter().map(|Rule { expression, .. }| expression));
    }
    for dashboard in dashboards() {
        let own = dashboard.expressions.iter().map(|expression| with_variables(expression));
        expressions.extend(own);
    }
    assert!(expressions.len() > 80, "{}", expressions.len());
    expressions.retain(|expression| !scene.prometheus.ever_said(expression, scene.begun));
    expressions
}
