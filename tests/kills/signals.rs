//! Signals in the middle of the work: what SIGTERM, a second one, SIGSTOP and SIGCONT lead to.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use writeback::sim::domain::{Fault, Order, Where};

use crate::gate::Gate;
use crate::ground::{Ground, Side};
use crate::ledger::Ledger;
use crate::moment::{UNDISTURBED, now, output, start, watched};
use crate::story::{self, Story};

/// Of the first writeback of the story, about fifty operations.
const INTENTS: usize = 8;
/// What ends at once ends within this: the limit of a write that gets no answer, which the first
/// request to stop waits for, is twice as long.
const AT_ONCE: Duration = Duration::from_secs(30);
/// How often in a row all threads of a process have to be seen at rest.
const LOOKS: usize = 5;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A first writeback that is under way.
struct Work {
    ground: Ground,
    /// Shuts in the middle of it.
    gate: Gate,
    story: Story,
    ledger: Ledger,
}

impl Work {
    fn new(seed: u64) -> Self {
        let world = story::world(seed, 0);
        let story = Story::new(seed, &world);
        let ground = Ground::new(Side::Simulated, world);
        let url = ground.domain().unwrap().url();
        let gate = Gate::new(&ground.product, &url, INTENTS);
        Self { ground, gate, story, ledger: Ledger::new() }
    }

    /// Starts a command and waits until it is in the middle of its work, with an operation that is
    /// announced and not sent.
    fn begin(&self, arguments: &[&str]) -> Child {
        let mut child = start(&self.ground, arguments);
        self.goes_on(&mut child);
        child
    }

    /// Waits until it stands at the gate.
    fn goes_on(&self, child: &mut Child) {
        let ended = watched(child, UNDISTURBED, || self.gate.is_shut());
        assert_eq!(ended, None, "{}", output(&self.ground));
        assert!(self.gate.is_shut(), "it announces no more: {}", output(&self.ground));
    }

    /// The rest is done, and nothing twice.
    fn finish(&mut self) {
        self.gate.open();
        let wanted = self.story.expected(&self.ground);
        self.ledger.look(&self.ground, &wanted);
        let mut child = start(&self.ground, &["apply"]);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{}", output(&self.ground));
        self.ledger.look(&self.ground, &wanted);
        self.ledger.settled(&self.ground, &wanted);
        self.ground.product.run(&["plan"]).expect(0);
    }
}

/// A signal by its name, for a process this test has started.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
    assert!(sent.unwrap().success());
}

/// The states of all threads of a process (proc(5), field 3 of stat; the second field is a name in
/// parentheses), and whether SIGTERM still waits for it (`ShdPnd` of status).
fn looked_at(child: &Child) -> (Vec<char>, bool) {
    let folder = format!("/proc/{}", child.id());
    let threads = fs::read_dir(format!("{folder}/task")).unwrap();
    let state = |stat: String| stat.rsplit_once(") ")?.1.chars().next();
    let states = threads.filter_map(|thread| {
        // A thread may have ended since.
        let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
        state(stat)
    });
    let states = states.collect();
    let told = fs::read_to_string(format!("{folder}/status")).unwrap();
    let waiting = told.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    let waiting = u64::from_str_radix(waiting.trim(), 16).unwrap();
    // The bit of signal 15.
    (states, waiting & (1 << 14) != 0)
}

/// Waits until a process that waits for an answer has taken up the signals that were sent to it: none
/// is pending, and whoever was woken by one is at rest again.
fn takes_up(child: &mut Child) {
    let mut looks = 0;
    // One that ends all the same is judged by whoever asks for its code.
    while looks < LOOKS && child.try_wait().unwrap().is_none() {
        let (states, waiting) = looked_at(child);
        let at_rest = !waiting && states.iter().all(|state| *state == 'S');
        looks = if at_rest { looks + 1 } else { 0 };
        thread::park_timeout(LOOK);
    }
}

/// Waits until every thread of a process stands still.
fn stands_still(child: &mut Child) {
    while child.try_wait().unwrap().is_none()
        && !looked_at(child).0.iter().all(|state| *state == 'T')
    {
        thread::park_timeout(LOOK);
    }
}

/// SIGTERM in the middle: the operation in flight has its outcome, memory is saved, the rest is
/// left. `apply` says that it did not do what it was asked for.
#[test]
fn a_process_that_is_asked_to_stop_ends_the_operation_in_flight_and_saves() {
    for (arguments, code) in [(["run"], 0), (["apply"], 1)] {
        let mut work = Work::new(2_001);
        let mut child = work.begin(&arguments);
        signal(&child, "TERM");
        takes_up(&mut child);
        work.gate.open();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{}", output(&work.ground));
        let wanted = work.story.expected(&work.ground);
        let differences = wanted.differences(&work.ground.found(), &work.ground.accounts);
        assert!(!differences.is_empty(), "{arguments:?}: it did everything all the same");
        work.ledger.look(&work.ground, &wanted);
        assert_eq!(work.ledger.open(), 0, "{arguments:?}: an outcome is missing");
        assert!(!work.ledger.is_behind(), "{arguments:?}: memory was not saved");
        work.finish();
    }
}

/// The operation in flight gets no answer: the first SIGTERM waits for it, the second does not.
#[test]
fn a_second_request_to_stop_ends_the_process_at_once() {
    for arguments in [["run"], ["apply"]] {
        let mut work = Work::new(2_002);
        let domain = work.ground.domain().unwrap();
        let after = u32::try_from(INTENTS).unwrap() - 1;
        domain.order(Order::new(Where::Write, Fault::Stall).after(after));
        let mut child = work.begin(&arguments);
        work.gate.open();
        let stalled = watched(&mut child, UNDISTURBED, || domain.open_orders() == 0);
        assert_eq!((stalled, domain.open_orders()), (None, 0), "{}", output(&work.ground));
        signal(&child, "TERM");
        takes_up(&mut child);
        assert_eq!(child.try_wait().unwrap(), None, "the operation in flight is not waited for");
        let begun = now();
        signal(&child, "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(1), "{}", output(&work.ground));
        assert!(begun.elapsed() < AT_ONCE, "it took {:?}", begun.elapsed());
        work.finish();
        assert_eq!(work.ledger.open(), 1, "one operation was in flight");
    }
}

/// A machine that is paused: the process goes on where it was, and writes nothing twice.
#[test]
fn a_process_that_was_paused_goes_on_where_it_was() {
    let mut work = Work::new(2_003);
    let mut child = work.begin(&["apply"]);
    for _ in 0..3 {
        work.goes_on(&mut child);
        signal(&child, "STOP");
        stands_still(&mut child);
        let known = work.gate.intents();
        // Its answer comes while it stands still.
        work.gate.open_for(INTENTS);
        thread::park_timeout(Duration::from_millis(400));
        assert_eq!(work.gate.intents(), known, "it works while it is stopped");
        signal(&child, "CONT");
    }
    work.gate.open();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", output(&work.ground));
    let wanted = work.story.expected(&work.ground);
    work.ledger.look(&work.ground, &wanted);
    assert_eq!(work.ledger.open(), 0);
    work.finish();
}
