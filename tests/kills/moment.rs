//! Starting the product and killing it at a moment.

use std::fs::{self, File};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;

use crate::ground::Ground;

/// A moment that does not come is cut short once a daemon has saved so often since it last wrote to
/// its journal: when it began, after its pass, and after passes with nothing to do.
const SAVES_MAX: usize = 5;
/// The file of the state is at rest for longer between two saves, and not within one.
const BETWEEN_SAVES: Duration = Duration::from_millis(300);
/// Longer than anything takes that is not disturbed.
pub(crate) const UNDISTURBED: Duration = Duration::from_mins(10);
/// How long after its start a process opens its books, on a machine that is not busy.
const OPENING_US: u64 = 60_000;

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// A while after its start, whatever it does.
    Time(Duration),
    /// The domain has seen so many requests of it.
    Requests(usize),
    /// Its journal has grown by so many bytes.
    Bytes(u64),
    /// The file of the state is written, for so long, after the journal was.
    Saving(Duration),
    /// The file of the state is written, for so long, for the first time.
    Opening(Duration),
    /// It is not.
    Never,
}

impl Moment {
    /// Any moment of a pass that takes as long as `pass`.
    pub(crate) fn draw(rng: &mut Rng, pass: Duration, counted: bool) -> Self {
        let longest = u64::try_from(pass.as_micros()).unwrap().max(1);
        match rng.u8(..12) {
            0..=1 => Self::Time(Duration::from_micros(rng.u64(..longest))),
            2..=5 if counted => Self::Requests(rng.usize(1..60)),
            2..=8 => Self::Bytes(rng.u64(1..16_000)),
            9 => Self::Saving(Duration::from_millis(rng.u64(..900))),
            _ => Self::Saving(Duration::from_micros(rng.u64(..12_000))),
        }
    }

    /// A moment at which what an earlier kill left over is still put right.
    pub(crate) fn draw_early(rng: &mut Rng, counted: bool) -> Self {
        match rng.u8(..6) {
            0..=1 => Self::Time(Duration::from_micros(rng.u64(..OPENING_US))),
            2..=3 => Self::Opening(Duration::from_micros(rng.u64(..150_000))),
            4 if counted => Self::Requests(rng.usize(1..25)),
            _ => Self::Opening(Duration::from_micros(rng.u64(..4_000))),
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By the kill.
    Killed,
    /// By itself, with this code, after this while.
    ByItself(i32, Duration),
}

/// What the files of the state looked like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    journal: u64,
    state: Option<SystemTime>,
}

impl Seen {
    fn now(ground: &Ground) -> Self {
        let file = |name: &str| fs::metadata(ground.state_folder().join(name)).ok();
        let journal = file(writeback::journal::FILE_NAME).map_or(0, |found| found.len());
        let state = file(writeback::state::FILE_NAME).and_then(|found| found.modified().ok());
        Self { journal, state }
    }
}

/// Starts a command and kills it at this moment, unless it ends before.
pub(crate) fn kill(ground: &Ground, arguments: &[&str], moment: Moment) -> Ended {
    let (before, requests) = (Seen::now(ground), ground.requests());
    let begun = now();
    let mut child = start(ground, arguments);
    let mut watch = Watch { before, grown: None, met: None };
    let mut rest = Rest { last: before, saved: None, saves: 0 };
    let ended = watched(&mut child, UNDISTURBED, || {
        let seen = Seen::now(ground);
        let comes = match moment {
            Moment::Time(after) => begun.elapsed() >= after,
            Moment::Requests(count) => ground.requests() >= requests + count,
            Moment::Bytes(count) => seen.journal >= before.journal + count,
            Moment::Saving(_) | Moment::Opening(_) => watch.strikes(moment, seen),
            Moment::Never => return false,
        };
        rest.look(seen);
        comes || rest.saves >= SAVES_MAX
    });
    if let Some(code) = ended {
        return Ended::ByItself(code, begun.elapsed());
    }
    // SIGKILL, on the process this test has started.
    child.kill().unwrap();
    let status = child.wait().unwrap();
    status.code().map_or(Ended::Killed, |code| Ended::ByItself(code, begun.elapsed()))
}

/// How often a daemon has saved since it last wrote to its journal.
struct Rest {
    last: Seen,
    /// When the file of the state was last seen to change.
    saved: Option<Instant>,
    saves: usize,
}

impl Rest {
    fn look(&mut self, seen: Seen) {
        if seen.journal > self.last.journal {
            self.saves = 0;
        }
        if seen.state != self.last.state {
            if self.saved.is_none_or(|saved| saved.elapsed() > BETWEEN_SAVES) {
                self.saves += 1;
            }
            self.saved = Some(now());
        }
        self.last = seen;
    }
}

/// Looks at the files while a process runs.
struct Watch {
    before: Seen,
    /// As they were when the journal was last seen to grow.
    grown: Option<Seen>,
    met: Option<Instant>,
}

impl Watch {
    fn strikes(&mut self, moment: Moment, seen: Seen) -> bool {
        let last = self.grown.unwrap_or(self.before);
        if seen.journal > last.journal {
            self.grown = Some(seen);
            self.met = None;
        }
        let (written, delay) = match moment {
            Moment::Saving(delay) => {
                (self.grown.is_some_and(|grown| grown.state != seen.state), delay)
            }
            Moment::Opening(delay) => (self.before.state != seen.state, delay),
            Moment::Time(_) | Moment::Requests(_) | Moment::Bytes(_) | Moment::Never => {
                return false;
            }
        };
        if written && self.met.is_none() {
            self.met = Some(now());
        }
        self.met.is_some_and(|met| met.elapsed() >= delay)
    }
}

/// Starts a command whose output goes to the file `output`.
pub(crate) fn start(ground: &Ground, arguments: &[&str]) -> Child {
    let file = File::create(ground.product.path().join("output")).unwrap();
    let mut command = ground.product.command(arguments);
    command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap()
}

/// What the last command said.
pub(crate) fn output(ground: &Ground) -> String {
    let text = fs::read(ground.product.path().join("output")).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits until it comes true, or until the process ends: then its exit code. Patience ends, too.
pub(crate) fn watched(
    child: &mut Child,
    patience: Duration,
    mut come_true: impl FnMut() -> bool,
) -> Option<i32> {
    let begun = now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        if come_true() || begun.elapsed() > patience {
            return None;
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

#[expect(clippy::disallowed_methods, reason = "the moment of a kill is a matter of real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
