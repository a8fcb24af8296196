//! The conditions of groups: the word for a group and its conditions never contradict each other,
//! and each condition stands since the pass that turned it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use writeback::decide::Decision;
use writeback::decide::conclude::ChangeResult;
use writeback::decide::guard::Guarded;
use writeback::model::condition::{Condition, ConditionKind, Reason};
use writeback::model::policy::Mode;
use writeback::model::{Digest, Outcome};
use writeback::report::Report;
use writeback::report::events::{Event, Sight};
use writeback::report::groups::conditions::told;
use writeback::report::groups::sheet::Group;
use writeback::report::groups::state::State;
use writeback::report::groups::{View, json, question};
use writeback::report::status::Status;

use crate::check::guarded;
use crate::observed::Order;
use crate::passes::{hard_delete, known};
use crate::random::each_world;
use crate::world::{Listed, World, id, world};

fn report() -> Report {
    Report::new(Status::new("corp", "writeback.yaml", Timestamp::UNIX_EPOCH))
}

/// Tells what a pass over this world decides.
fn plan(report: &Report, world: &World) -> Guarded {
    let decision = world.decide(Order::Given);
    let guarded = guarded(world, &decision);
    tell(report, world, &decision, &guarded);
    guarded
}

fn tell(report: &Report, world: &World, decision: &Decision, guarded: &Guarded) {
    let (policies, directory) = (world.policy_set(), world.directory_snapshot());
    world.look(Order::Given, |inputs, members| {
        let (at, cloud, memory) = (world.now, inputs.cloud, &world.memory);
        let sight = Sight { at, cloud, members, directory: &directory, memory };
        report.emit(&Event::Planned { policies: &policies, decision, guarded, sight });
    });
}

fn refused() -> Outcome {
    Outcome::Refused { message: "no right to do it".to_owned() }
}

fn done() -> Outcome {
    Outcome::Done { object: None }
}

/// Tells what became of the first changes that wait.
fn make(report: &Report, guarded: &Guarded, outcomes: &[Outcome]) {
    for (change, outcome) in guarded.admitted.changes().iter().zip(outcomes) {
        report.emit(&Event::ChangeMade(&ChangeResult {
            change: change.clone(),
            outcome: outcome.clone(),
            refused_members: Vec::new(),
            left_out: Vec::new(),
        }));
    }
}

fn conditions(report: &Report, word: &str) -> (State, Vec<Condition>) {
    let view = report.groups();
    let group = view.group(id(word)).unwrap_or_else(|| panic!("{word} is told of"));
    (view.state(group), fitting(&view, group))
}

/// The conditions of a group, which are all there and do not contradict its word or each other.
#[track_caller]
fn fitting(view: &View, group: &Group) -> Vec<Condition> {
    let (state, conditions) = (view.state(group), view.conditions(group));
    let kinds: Vec<_> = conditions.iter().map(|condition| condition.kind).collect();
    assert_eq!(kinds, ConditionKind::ALL, "{group:?}");
    let of = |wanted| conditions.iter().find(|told| told.kind == wanted).expect("all are there");
    let holds = |kind| of(kind).status;
    let holding: Vec<_> = kinds.iter().copied().filter(|kind| holds(*kind)).collect();
    let why = of(ConditionKind::Ready).reason;
    let fits = match state {
        State::InStep | State::Gone => holding == [ConditionKind::Ready] && why == Reason::InStep,
        State::Failed => why == Reason::OperationsFailed,
        State::Held => {
            holds(ConditionKind::Held)
                && holds(ConditionKind::Reconciling)
                && why == Reason::GuardTripped
        }
        State::Unknown => why == Reason::ReadIncomplete,
        State::Drifted => {
            holding == [ConditionKind::Reconciling, ConditionKind::Drifted]
                && why == Reason::ChangedByOthers
        }
        State::Pending => holding == [ConditionKind::Reconciling] && why == Reason::ChangesWaiting,
        State::Frozen => holding == [ConditionKind::Stalled] && why == Reason::Frozen,
        State::Foreign => holding == [ConditionKind::Stalled] && why == Reason::Foreign,
        State::Idle | State::NotWritten => {
            holding == [ConditionKind::Stalled] && why == of(ConditionKind::Stalled).reason
        }
    };
    let is_ready = matches!(state, State::InStep | State::Gone);
    assert!(fits && holds(ConditionKind::Ready) == is_ready, "{state:?}: {conditions:#?}");
    for told in &conditions {
        let speaks = told.status || told.kind == ConditionKind::Ready;
        assert!(!speaks || !told.message.is_empty(), "{told:?}");
    }
    conditions
}

/// Whether it is ready and what else holds, each with its reason.
fn short(conditions: &[Condition]) -> String {
    let lines = told(conditions).map(|line| {
        let (word, _) = line.split_once(')').expect("the reason stands in brackets");
        word.replace('(', "")
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// What `sales` is after a plan, and after what became of its first changes.
struct Case {
    world: World,
    outcomes: Vec<Outcome>,
    state: State,
    conditions: &'static str,
}

fn case(world: World, state: State, conditions: &'static str) -> Case {
    Case { world, outcomes: Vec::new(), state, conditions }
}

fn tried(world: World, outcomes: &[Outcome], state: State, conditions: &'static str) -> Case {
    Case { outcomes: outcomes.to_vec(), ..case(world, state, conditions) }
}

fn settled() -> World {
    known(world().both("sales", &["ann"]))
}

fn drifted() -> World {
    settled().directory("sales", |group| group.description = Some("by hand".to_owned()))
}

fn held() -> World {
    let five = ["a", "b", "c", "d", "e"];
    known(world().both("sales", &five)).group("sales", &[])
}

fn deleted() -> World {
    settled().with(|world| hard_delete(world, "sales"))
}

/// One case at least for each state.
fn cases() -> Vec<Case> {
    let new = || world().group("sales", &["ann"]);
    let unread = settled().with(|world| {
        world.members.insert(id("sales"), Err("503".to_owned()));
    });
    let foreign = world().both("sales", &["ann"]).directory("sales", |group| group.records.clear());
    let broken = |world: World| {
        world.with(|world| world.policies.iter_mut().for_each(|s| s.last_good = true))
    };
    let waits = "not Ready ChangesWaiting, Reconciling ChangesWaiting";
    let drifts = "not Ready ChangedByOthers, Reconciling ChangesWaiting, Drifted ChangedByOthers";
    let in_step = "Ready InStep";
    vec![
        case(settled(), State::InStep, in_step),
        case(new(), State::Pending, waits),
        // It is made, its members are not yet.
        tried(new(), &[done()], State::Pending, waits),
        tried(new(), &[done(), done(), done()], State::InStep, in_step),
        tried(
            new(),
            &[refused()],
            State::Failed,
            "not Ready OperationsFailed, Reconciling ChangesWaiting",
        ),
        case(drifted(), State::Drifted, drifts),
        tried(drifted(), &[done()], State::InStep, in_step),
        tried(
            drifted(),
            &[refused()],
            State::Failed,
            "not Ready OperationsFailed, Reconciling ChangesWaiting, Drifted ChangedByOthers",
        ),
        case(
            held(),
            State::Held,
            "not Ready GuardTripped, Reconciling ChangesWaiting, Held GuardTripped",
        ),
        case(unread, State::Unknown, "not Ready ReadIncomplete"),
        case(
            world().both("sales", &["ann"]).flag("sales", Listed::Off),
            State::Frozen,
            "not Ready Frozen, Stalled Frozen",
        ),
        // All that the policy had would leave it: that it stays as it is, is held.
        case(
            settled().flag("sales", Listed::Off),
            State::Held,
            "not Ready GuardTripped, Reconciling ChangesWaiting, Held GuardTripped",
        ),
        case(foreign, State::Foreign, "not Ready Foreign, Stalled Foreign"),
        case(
            settled().policy(|policy| policy.suspend = true),
            State::Idle,
            "not Ready Suspended, Stalled Suspended",
        ),
        case(
            new().policy(|policy| policy.mode = Mode::Observe),
            State::Idle,
            "not Ready Observing, Stalled Observing",
        ),
        case(
            settled().with(|world| world.flags = Err("403".to_owned())),
            State::Idle,
            "not Ready WritebackFlagUnreadable, Stalled WritebackFlagUnreadable",
        ),
        case(
            new().bystander(&id("sales").anchor(), "other", crate::world::GROUPS),
            State::NotWritten,
            "not Ready NotWritten, Stalled NotWritten",
        ),
        case(deleted(), State::Pending, waits),
        tried(deleted(), &[done()], State::Gone, in_step),
        // Its last good version goes on with what stands.
        case(broken(settled()), State::InStep, in_step),
        case(broken(drifted()), State::Drifted, drifts),
    ]
}

#[test]
fn the_word_for_a_group_and_its_conditions_say_the_same_in_every_state() {
    let mut seen = BTreeSet::new();
    for (number, case) in cases().into_iter().enumerate() {
        let report = report();
        let guarded = plan(&report, &case.world);
        make(&report, &guarded, &case.outcomes);
        let (state, conditions) = conditions(&report, "sales");
        assert_eq!((state, &*short(&conditions)), (case.state, case.conditions), "{number}");
        seen.insert(state);
    }
    assert_eq!(seen, BTreeSet::from(State::ALL));
}

#[test]
fn no_random_group_has_a_word_and_conditions_that_contradict_each_other() {
    let mut looked = 0;
    each_world(|world, _| {
        let (report, decision) = (report(), world.decide(Order::Given));
        let guarded = guarded(&world, &decision);
        let count = guarded.admitted.changes().len();
        for (outcome, made) in [(done(), count / 2), (done(), count), (refused(), count)] {
            tell(&report, &world, &decision, &guarded);
            make(&report, &guarded, &vec![outcome; made]);
            let view = report.groups();
            let in_force = |group: &&Group| !view.conditions(group).is_empty();
            for group in view.sheet().groups().iter().filter(in_force) {
                fitting(&view, group);
                looked += 1;
            }
        }
    });
    assert!(looked > 5_000, "{looked}");
}

/// Since when each condition of `sales` is what it is, in minutes after `from`.
fn since(report: &Report, from: Timestamp) -> [i64; 5] {
    let (_, conditions) = conditions(report, "sales");
    let minutes = conditions.iter().map(|told| told.last_transition_time.duration_since(from));
    let minutes: Vec<i64> = minutes.map(|past| past.as_mins()).collect();
    minutes.try_into().expect("five conditions")
}

#[test]
fn a_condition_stands_since_the_pass_that_turned_it() {
    let (report, mut world) = (report(), world().group("sales", &["ann"]));
    let start = world.now;
    let at = |world: &mut World, minutes| world.now = start + SignedDuration::from_mins(minutes);
    plan(&report, &world);
    assert_eq!(since(&report, start), [0; 5]);
    // It waits still.
    at(&mut world, 1);
    let waiting = plan(&report, &world);
    assert_eq!(since(&report, start), [0; 5]);
    // It fails, and is no less ready for it; then it is made, in a later pass.
    make(&report, &waiting, &[refused()]);
    assert_eq!(since(&report, start), [0; 5]);
    at(&mut world, 2);
    let waiting = plan(&report, &world);
    assert_eq!(since(&report, start), [0; 5]);
    make(&report, &waiting, &vec![done(); waiting.admitted.changes().len()]);
    assert_eq!(since(&report, start), [2, 2, 0, 0, 0]);
    // In step it stays, whatever the policy is called.
    let mut world = settled();
    at(&mut world, 3);
    plan(&report, &world);
    world = world.policy(|policy| policy.generation = Digest::of(b"another text"));
    at(&mut world, 4);
    plan(&report, &world);
    assert_eq!(since(&report, start), [2, 2, 0, 0, 0]);
    let (_, told) = conditions(&report, "sales");
    assert!(told.iter().all(|told| told.observed_generation == Digest::of(b"another text")));
    // Somebody changes it, the pass after that puts it right.
    let mut world = drifted();
    at(&mut world, 5);
    plan(&report, &world);
    at(&mut world, 6);
    let repair = plan(&report, &world);
    assert_eq!(since(&report, start), [5, 5, 0, 0, 5]);
    make(&report, &repair, &[done()]);
    assert_eq!(since(&report, start), [6, 6, 0, 0, 6]);
    // A guard holds something, then the policy is suspended.
    let mut world = held();
    at(&mut world, 7);
    plan(&report, &world);
    assert_eq!(since(&report, start), [7, 7, 0, 7, 6]);
    world = world.policy(|policy| policy.suspend = true);
    at(&mut world, 8);
    plan(&report, &world);
    assert_eq!(since(&report, start), [7, 8, 8, 8, 6]);
}

#[test]
fn a_group_that_no_policy_in_force_has_is_without_conditions() {
    let report = report();
    let orphan = settled().with(|world| world.policies.clear()).also("q", |policy| {
        policy.selection.include = Some(Vec::new());
    });
    plan(&report, &orphan);
    let view = report.groups();
    let group = view.group(id("sales")).expect("it is told of");
    assert_eq!(view.state(group), State::Frozen);
    assert_eq!(view.conditions(group), []);
    let whole = json::one(&view, group, question::Leaf { part: None, page: 1, limit: 1 });
    assert_eq!(whole["conditions"], serde_json::json!([]));
    // A policy that comes takes up nothing of what was before: it was true then, too.
    let start = orphan.now;
    let mut back = settled();
    back.now = start + SignedDuration::from_mins(1);
    plan(&report, &back);
    assert_eq!(since(&report, start), [1, 0, 1, 0, 0]);
}

#[test]
fn the_messages_of_a_held_group_say_what_waits_and_which_limit() {
    let report = report();
    plan(&report, &held());
    let (_, conditions) = conditions(&report, "sales");
    let told: Vec<String> = told(&conditions).collect();
    let [ready, reconciling, held] = &*told else { panic!("{told:#?}") };
    assert!(ready.contains("until a person lets them through"), "{ready}");
    assert_eq!(reconciling, "Reconciling (ChangesWaiting) 1 change waits");
    assert!(held.contains("5 members") && held.contains("the limit is"), "{held}");
    // What does not hold says nothing.
    let [_, _, stalled, _, drifted] = &*conditions else { panic!("{conditions:#?}") };
    assert_eq!((&*stalled.message, &*drifted.message), ("", ""));
}
