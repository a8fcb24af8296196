//! Signals in the middle of the work: what SIGTERM, a second one, SIGSTOP and SIGCONT lead to.

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use writeback::sim::domain::{Fault, Order, Where};

use crate::ground::{Ground, Side};
use crate::ledger::Ledger;
use crate::moment::{UNDISTURBED, now, output, start, watched};
use crate::story::{self, Story};

/// Of the first writeback of the story, about fifty operations.
const INTENTS: usize = 8;
/// What ends at once ends within this, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A first writeback that is under way.
struct Work {
    ground: Ground,
    story: Story,
    ledger: Ledger,
}

impl Work {
    fn new(seed: u64) -> Self {
        let world = story::world(seed, 0);
        let story = Story::new(seed, &world);
        Self { ground: Ground::new(Side::Simulated, world), story, ledger: Ledger::new() }
    }

    fn intents(&self) -> usize {
        self.ground.journal_text().matches("\"kind\":\"intent\"").count()
    }

    /// Starts a command and waits until it writes.
    fn begin(&self, arguments: &[&str]) -> Child {
        let mut child = start(&self.ground, arguments);
        let ended = watched(&mut child, UNDISTURBED, || self.intents() >= INTENTS);
        assert_eq!(ended, None, "{}", output(&self.ground));
        child
    }

    /// The rest is done, and nothing twice.
    fn finish(&mut self) {
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

/// SIGTERM in the middle: the operation in flight has its outcome, memory is saved, the rest is
/// left. `apply` says that it did not do what it was asked for.
#[test]
fn a_process_that_is_asked_to_stop_ends_the_operation_in_flight_and_saves() {
    for (arguments, code) in [(["run"], 0), (["apply"], 1)] {
        let mut work = Work::new(2_001);
        let mut child = work.begin(&arguments);
        signal(&child, "TERM");
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
        signal(&child, "TERM");
        thread::park_timeout(Duration::from_millis(300));
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
        signal(&child, "STOP");
        let known = work.intents();
        thread::park_timeout(Duration::from_millis(400));
        assert!(work.intents() <= known + 1, "it works while it is stopped");
        signal(&child, "CONT");
        thread::park_timeout(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", output(&work.ground));
    let wanted = work.story.expected(&work.ground);
    work.ledger.look(&work.ground, &wanted);
    assert_eq!(work.ledger.open(), 0);
    work.finish();
}
