//! What people say to the daemon while a pass is under way, or beside a request that is refused:
//! nothing that was said is lost by it, and nothing that was refused is done later.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use writeback::controller::now;
use writeback::controller::pass::Engine;
use writeback::report::status::Status;
use writeback::report::{Report, progress};
use writeback::settings::Settings;
use writeback::sim::tenant::{Fault, Order, Tenant, Where};
use writeback::state::image::image;
use writeback::state::{Binding, State};

use crate::product::{Daemon, Product, get};
use crate::stage::{EVERYTHING, Stage, until};
use crate::{condition, intents, large, pass, trickling, waiting};

/// A policy that writes nothing: whether it is paused changes no plan.
const IDLE: &str = "  mode: Observe
  precedence: 200
  selection: { include: [ { displayName: '^nothing is called so$' } ] }
  group: { container: { value: 'OU=Cloud Groups,DC=corp,DC=example', mode: CreateOnly } }";
/// Between the bytes of an answer of some hundred: not all of them come before the product would
/// ask anew, and none is so late that it would.
pub const SLOW: Duration = Duration::from_secs(1);
/// Requests that may wait for the end of a pass.
const WAITING_MAX: usize = 8;

/// A question that the daemon has taken and not answered.
pub struct Asked(BufReader<UnixStream>);

impl Asked {
    /// What the daemon says to it.
    pub fn answer(mut self) -> Value {
        let mut text = String::new();
        self.0.read_line(&mut text).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Asks, and goes on once the daemon has taken the question: no later one is answered before it,
/// but for a pause (`controller::admin::server`).
pub fn ask(stage: &Stage, daemon: &Daemon, request: &Value) -> Asked {
    let taken = || daemon.log().matches("admin request").count();
    let before = taken();
    let mut stream = UnixStream::connect(stage.product.path().join("state/admin.sock")).unwrap();
    writeln!(stream, "{request}").unwrap();
    until("the question is taken", || taken() > before);
    Asked(BufReader::new(stream))
}

/// A pass on request that stands in the middle of reading.
pub struct Slow<'s> {
    asked: Asked,
    tenant: &'s Tenant,
}

impl Slow<'_> {
    /// Lets it read on, and gives what is said of it.
    pub fn answer(self) -> Value {
        self.tenant.clear_orders();
        self.asked.answer()
    }
}

/// A pass on request that reads the members of a group at this pace, and has begun to.
pub fn slow_pass<'s>(stage: &'s Stage, daemon: &Daemon, pace: Duration) -> Slow<'s> {
    let members = Where::MembersOf(stage.id("Board"));
    stage.tenant.order(Order::once(members, Fault::SlowDrip { pause: pace }));
    let asked = ask(stage, daemon, &json!({"ask": "reconcile"}));
    until("it reads", || stage.tenant.open_orders() == 0);
    Slow { asked, tenant: &stage.tenant }
}

/// What the state of a daemon that has ended remembers.
fn remembered(product: &Product) -> Value {
    let settings = Settings::load(&product.path().join("writeback.yaml")).unwrap();
    let binding = Binding { tenant: settings.tenant.id, owner: settings.owner };
    let (_, opened) = State::open(&product.path().join("state"), binding).unwrap();
    serde_json::to_value(image(&opened.memory)).unwrap()
}

/// What makes passes, with what the last one left in the state.
pub fn engine(stage: &Stage) -> Engine {
    let settings = Settings::load(&stage.product.path().join("writeback.yaml")).unwrap();
    let binding = Binding { tenant: settings.tenant.id, owner: settings.owner.clone() };
    let (_, opened) = State::open(&stage.product.path().join("state"), binding).unwrap();
    let status = Status::new(&settings.owner, "writeback.yaml", now());
    let report = Arc::new(Report::new(status));
    let memory = Some(opened.memory);
    let mut engine = Engine::open(settings, report, progress::unwatched(), memory).unwrap();
    engine.load_policies();
    engine
}

/// What is held, by its digest, after everybody but one was taken out of a group.
pub fn held(stage: &Stage, daemon: &Daemon) -> String {
    stage.empty_nearly("All Employees");
    stage.product.run(&["apply"]).expect(3);
    daemon.status()["plan"]["heldDigest"].as_str().unwrap().to_owned()
}

#[test]
fn a_daemon_that_is_stopped_in_a_pass_on_request_forgets_nothing_whatever_waits() {
    let stage = Stage::small();
    stage.product.policy("idle", IDLE);
    let daemon = waiting(&stage);
    stage.product.run(&["pause", "--policy", "idle"]).expect(0);
    until("a pass shows it", || condition(&daemon, "idle", "Stalled")["reason"] == "Suspended");
    held(&stage, &daemon);
    let before = ask(&stage, &daemon, &json!({"ask": "memory"})).answer()["image"].clone();
    assert_eq!(before["inventory"].as_object().unwrap().len(), 8, "{before}");

    let pass = slow_pass(&stage, &daemon, SLOW).asked;
    let waits = [json!({"ask": "pause"}), json!({"ask": "resume", "policy": "idle"})];
    let waits = waits.map(|request| ask(&stage, &daemon, &request));
    daemon.signal("TERM");
    let told = pass.answer();
    assert_eq!(told["complaints"][0], "stopped before anything was written", "{told}");
    for refused in waits.map(Asked::answer) {
        assert_eq!(refused["why"], "the daemon is stopping", "{refused}");
    }
    assert_eq!(daemon.wait(), Some(0));
    assert_eq!(remembered(&stage.product), before);
}

#[test]
fn a_look_that_is_given_up_half_way_leaves_memory_as_it_was() {
    let stage = Stage::written();
    let mut engine = engine(&stage);
    let before = serde_json::to_value(image(engine.memory())).unwrap();
    let members = Where::MembersOf(stage.id("Board"));
    stage.tenant.order(Order::once(members, Fault::SlowDrip { pause: SLOW }));
    let asked = async {
        while stage.tenant.open_orders() > 0 {
            tokio::task::yield_now().await;
        }
    };
    stage.runtime.block_on(async {
        tokio::select! {
            _ = engine.look(None) => panic!("it ended all the same"),
            () = asked => {}
        }
    });
    assert_eq!(serde_json::to_value(image(engine.memory())).unwrap(), before);
    // The next one sees what it would have seen.
    let look = stage.runtime.block_on(engine.look(None)).unwrap();
    assert!(look.guarded.admitted.changes().is_empty());
}

#[test]
fn an_approval_beside_a_pass_that_fails_is_no_approval_for_the_next_one() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let digest = held(&stage, &daemon);
    let unknown = ["apply", "--policy", "payroll", "--expect", &digest, "--approve", &digest];
    stage.product.run(&unknown).expect(5);
    stage.product.run(&["apply"]).expect(3);
    // A side that cannot be read.
    stage.tenant.order(Order::always(Where::Groups, Fault::WrongJson));
    let blind = stage.product.run(&["apply", "--approve", &digest]);
    assert!(blind.stderr.contains("failed to read the tenant"), "{}", blind.stderr);
    stage.tenant.clear_orders();
    stage.product.run(&["apply"]).expect(3);
    assert_eq!(stage.removals(), (0, 0));
    // It was not used up either.
    stage.product.run(&["apply", "--approve", &digest]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn a_refused_apply_takes_back_its_own_approval_and_nobody_elses() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let digest = held(&stage, &daemon);
    let pass = slow_pass(&stage, &daemon, SLOW);
    let approve = ask(&stage, &daemon, &json!({"ask": "approve", "digest": digest}));
    let wrong = json!({"ask": "apply", "approve": digest, "expect": "0123456789abcdef"});
    let wrong = ask(&stage, &daemon, &wrong);
    assert_eq!(pass.answer()["exit"], 3);
    assert_eq!(approve.answer()["answer"], "approved");
    let told = wrong.answer();
    let why = told["complaints"][0].as_str().unwrap();
    assert!(why.starts_with("the plan is not the expected one"), "{told}");
    until("the next pass lets it through", || stage.held() == stage.wanted());
    assert_eq!(stage.removals(), (11, 0));
    let log = daemon.log();
    assert!(!log.contains("approval dropped"), "{log}");
    let journal = stage.product.journal();
    let noted = journal.iter().filter(|line| line["kind"] == "approval").count();
    assert_eq!(noted, 1, "{journal:#?}");
}

#[test]
fn a_pause_for_which_there_is_no_room_lets_nobody_write_whom_an_earlier_one_stops() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.put_in("Finance", &["Grace Hopper"]);
    let pass = slow_pass(&stage, &daemon, SLOW);
    let pause = json!({"ask": "pause"});
    let first = ask(&stage, &daemon, &pause);
    let waits = [(); WAITING_MAX - 1].map(|()| ask(&stage, &daemon, &json!({"ask": "reload"})));
    let refused = ask(&stage, &daemon, &pause).answer();
    assert_eq!(refused["why"], "8 requests wait: try again", "{refused}");
    pass.answer();
    assert_eq!(first.answer()["changed"], true);
    for answer in waits.map(Asked::answer) {
        assert_eq!(answer["answer"], "reloaded", "{answer}");
    }
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn what_is_asked_for_between_two_pauses_writes_nothing_that_the_second_one_stops() {
    let stage = Stage::small();
    stage.product.policy("idle", IDLE);
    let daemon = waiting(&stage);
    stage.put_in("Finance", &["Grace Hopper"]);
    let pass = slow_pass(&stage, &daemon, SLOW);
    let one = ask(&stage, &daemon, &json!({"ask": "pause", "policy": "idle"}));
    let apply = ask(&stage, &daemon, &json!({"ask": "apply"}));
    let all = ask(&stage, &daemon, &json!({"ask": "pause"}));
    pass.answer();
    for pause in [one, all] {
        assert_eq!(pause.answer()["changed"], true);
    }
    // The pause is the last word: the pass is one of a daemon that is paused.
    let told = apply.answer();
    assert_eq!(told["exit"], 0, "{told}");
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    stage.product.run(&["resume"]).expect(0);
    until("it goes on", || stage.held() == stage.wanted());
}

#[test]
fn what_a_pause_kept_from_being_begun_waits_and_has_not_failed() {
    let stage = large();
    let daemon = waiting(&stage);
    for group in stage.owned().iter().filter_map(|group| group.text("displayName")) {
        let id = stage.id(group);
        stage.cloud(|cloud| cloud.rename_group(id, &format!("{group} (renamed)")));
    }
    let before = intents(&stage);
    stage.domain.set_writes_left(Some(20));
    let apply = ask(&stage, &daemon, &json!({"ask": "apply"}));
    until("one more is announced", || intents(&stage) == before + 21);
    let pause = ask(&stage, &daemon, &json!({"ask": "pause"}));
    let told = trickling(&stage, || apply.answer());
    stage.domain.set_writes_left(None);
    assert_eq!(told["exit"], 1, "{told}");
    // What was begun before has its result: each of these changes is one operation.
    let done = intents(&stage) - before;
    let wanted = format!("{done} of {done} changes done\n");
    assert!(told["output"].as_str().unwrap().contains(&wanted), "{wanted}: {told}");
    let why = told["complaints"][0].as_str().unwrap();
    assert!(why.ends_with("changes were not begun: they wait for a later pass"), "{told}");
    assert_eq!(pause.answer()["changed"], true);
    let log = daemon.log();
    assert!(!log.contains("change not made"), "{log}");
    let metrics = get(&daemon.metrics, "/metrics").1;
    let mut failures = metrics.lines().filter(|line| {
        line.starts_with("writeback_operations_total") && line.contains("result=\"failed\"")
    });
    assert!(failures.all(|line| line.ends_with(" 0")), "{metrics}");
    stage.product.run(&["resume"]).expect(0);
    until("it goes on", || stage.held() == stage.wanted());
    assert!(!daemon.log().contains("change not made"), "{}", daemon.log());
}

#[test]
fn a_policy_that_is_paused_and_suspended_by_its_file_says_both() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.product.run(&["pause", "--policy", "everything"]).expect(0);
    let message = || condition(&daemon, "everything", "Stalled")["message"].clone();
    until("a pass shows it", || message().as_str().is_some_and(|text| text.contains("paused by")));
    assert!(!message().as_str().unwrap().contains("file"), "{}", message());
    let suspended = EVERYTHING.replacen("  mode: Sync", "  mode: Sync\n  suspend: true", 1);
    stage.product.policy("everything", &suspended);
    stage.product.run(&["reconcile"]).expect(0);
    let told = message().as_str().unwrap().to_owned();
    assert!(told.contains("`writeback resume --policy everything` ends it"), "{told}");
    assert!(told.ends_with("; its file suspends it, too"), "{told}");
    stage.product.run(&["resume", "--policy", "everything"]).expect(0);
    until("the file alone suspends it", || {
        message() == "the policy is suspended and writes nothing"
    });
}

#[test]
fn an_id_that_neither_side_knows_is_unknown_and_one_that_no_policy_takes_is_not() {
    let stage = Stage::small();
    let selection = "  mode: Sync\n  selection: { include: [ { displayName: '^Board$' } ] }";
    stage.product.policy("everything", &EVERYTHING.replacen("  mode: Sync", selection, 1));
    stage.product.run(&["apply"]).expect(0);
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let daemon = stage.product.daemon();
    until("the first pass has ended", || pass(&daemon) == 1);
    let untaken = stage.id("Finance").to_string();
    let told = stage.product.run(&["reconcile", &untaken]).expect(0).stdout;
    assert!(told.contains("no policy writes it"), "{told}");
    let nobody = "00000000-0000-0000-0000-0000000000ff";
    for name in [nobody.to_owned(), format!("Group_{nobody}")] {
        let unknown = stage.product.run(&["reconcile", &name]).expect(1);
        let wanted = format!("no group has the object id {nobody}");
        assert!(unknown.stderr.contains(&wanted), "{}", unknown.stderr);
        assert_eq!(unknown.stdout, "");
    }
}
