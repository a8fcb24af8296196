//! One round: a tenant, a directory with nothing in it, and so many kills between which the tenant
//! goes on changing; ended twice, in the middle and at the end, by runs that nobody disturbs.

use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::ground::{Ground, Side};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::moment::{Ended, Moment, kill, now, output};
use crate::story::{self, Story};
use crate::tally::{Hit, ROUNDS, Tally};
use crate::turn::turn;

/// Kills in the first writeback.
const FIRST: usize = 3;
/// How often a process may end by itself before a kill: then too little is to be done.
const UNDISTURBED_MAX: usize = 60;
/// Passes that an undisturbed end may take: a deleted group goes in the second one.
const PASSES_MAX: usize = 6;
/// As the configuration says: `confirmAfter: 1s`.
const CONFIRM_AFTER: Duration = Duration::from_millis(1_400);

/// A round while it is played.
struct Round {
    ground: Ground,
    story: Story,
    ledger: Ledger,
    rng: Rng,
    tally: Tally,
    /// How long an undisturbed pass takes.
    pass: Duration,
    /// The last process was killed and left something over.
    left_over: bool,
    /// A process was started since the directory was in step.
    begun: bool,
    /// The last kill strikes a daemon that waits.
    waits: bool,
    trail: Vec<String>,
}

/// Plays a round; panics where something does not hold.
pub(crate) fn play(side: Side, seed: u64, kills: usize) -> Tally {
    // Deleted objects of earlier rounds carry their ids. The factor keeps what comes of two seeds
    // apart.
    let turns = if side == Side::Samba { turn(&Lab::prepared(), "kills") } else { 0 };
    let salt = turns.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let world = story::world(seed, salt);
    let story = Story::new(seed ^ salt, &world);
    let mut round = Round {
        ground: Ground::new(side, world),
        story,
        ledger: Ledger::new(),
        rng: Rng::with_seed(seed),
        tally: Tally::default(),
        pass: Duration::from_secs(1),
        left_over: false,
        begun: true,
        waits: side == Side::Samba || seed.is_multiple_of(2),
        trail: vec![format!("{side:?}, seed {seed}")],
    };
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round.play(kills)));
    if let Err(cause) = played {
        eprintln!("{}", round.trail.join("\n"));
        std::panic::resume_unwind(cause);
    }
    round.tally.add(ROUNDS, 1);
    round.tally.add("operations announced", round.ledger.operations());
    round.tally.add("intents without an outcome", round.ledger.open());
    round.tally.add("removals in the window", round.ledger.removed);
    round.tally.add("torn ends", round.ledger.torn);
    round.tally.add("changes taken for repairs", round.ledger.mistaken);
    round.tally
}

impl Round {
    fn play(&mut self, kills: usize) {
        self.strike(FIRST.min(kills));
        self.end();
        self.ground.a_day_later();
        self.begun = !self.waits;
        self.story.turn(&self.ground);
        self.story.stir(&self.ground, 4);
        self.strike(kills - FIRST.min(kills));
        self.end();
    }

    /// Kills so often. Where a process ends by itself the tenant changes.
    fn strike(&mut self, kills: usize) {
        let (mut struck, mut undisturbed) = (0, 0);
        while struck < kills {
            let to_come = if kills > FIRST { kills - struck } else { usize::MAX };
            let (arguments, moment) = self.draw(to_come);
            if let Some(hit) = self.run(arguments, moment) {
                self.tally.hit(hit);
                struck += 1;
                if self.rng.u8(..3) == 0 {
                    self.story.stir(&self.ground, 1);
                }
            } else {
                undisturbed += 1;
                assert!(undisturbed < UNDISTURBED_MAX, "too little work between two kills");
                self.story.stir(&self.ground, 3);
            }
        }
    }

    /// What is started next, and when it is killed, with so many kills to come. The last ones strike
    /// where chance seldom does: while memory is saved, and while the daemon waits.
    fn draw(&mut self, to_come: usize) -> (&'static [&'static str], Moment) {
        let counted = self.ground.domain().is_some();
        match to_come {
            1 if self.waits => {
                self.story.stir(&self.ground, 1);
                (&["run"], Moment::Saving(Duration::from_millis(self.rng.u64(200..900))))
            }
            1 => self.while_saving(),
            2 if self.waits => self.while_saving(),
            _ => {
                let arguments: &[&str] = if self.rng.u8(..5) < 3 { &["apply"] } else { &["run"] };
                // How long the start of a process takes is the machine's: where kills in it are few,
                // more are aimed at it.
                let few = 2 * self.tally.recovering() < self.tally.kills();
                let early = self.left_over && (self.rng.u8(..6) < 5 || few);
                let moment = if early || !self.begun {
                    Moment::draw_early(&mut self.rng, counted)
                } else {
                    Moment::draw(&mut self.rng, self.pass, counted)
                };
                (arguments, moment)
            }
        }
    }

    fn while_saving(&mut self) -> (&'static [&'static str], Moment) {
        self.story.stir(&self.ground, 1);
        (&["apply"], Moment::Saving(Duration::from_micros(self.rng.u64(..5_000))))
    }

    /// One process; what the kill hit, unless it ended by itself.
    fn run(&mut self, arguments: &[&str], moment: Moment) -> Option<Hit> {
        let wanted = self.story.expected(&self.ground);
        let ended = kill(&self.ground, arguments, moment);
        let mut hit = self.ledger.look(&self.ground, &wanted);
        if hit == Hit::AfterSave && arguments == ["run"] {
            hit = Hit::BetweenPasses;
        }
        self.begun = true;
        self.trail.push(format!("{arguments:?} {moment:?}: {ended:?}, {hit:?}"));
        match ended {
            Ended::Killed => {
                self.left_over = self.ledger.is_behind();
                self.tally.add(if arguments == ["run"] { "of `run`" } else { "of `apply`" }, 1);
                Some(hit)
            }
            Ended::ByItself(code, took) => {
                assert_eq!(code, 0, "{}", output(&self.ground));
                self.left_over = false;
                self.pass = took;
                None
            }
        }
    }

    /// Nobody disturbs it any more: it does everything, and then nothing.
    fn end(&mut self) {
        let wanted = self.story.expected(&self.ground);
        for pass in 0.. {
            assert!(pass < PASSES_MAX, "not in step after {pass} undisturbed passes");
            let begun = now();
            let known = self.ledger.operations();
            let ended = kill(&self.ground, &["apply"], Moment::Never);
            let hit = self.ledger.look(&self.ground, &wanted);
            self.trail.push(format!("undisturbed: {ended:?}, {hit:?}"));
            let Ended::ByItself(0, took) = ended else {
                panic!("{ended:?}\n{}", output(&self.ground))
            };
            self.pass = took;
            let quiet = self.ledger.operations() == known;
            let found = self.ground.found();
            if quiet && wanted.differences(&found, &self.ground.accounts).is_empty() {
                break;
            }
            // A group that was deleted in the tenant is looked for once more.
            if wanted.groups.len() < found.len() {
                thread::park_timeout(CONFIRM_AFTER.saturating_sub(begun.elapsed()));
            }
        }
        self.left_over = false;
        self.ledger.settled(&self.ground, &wanted);
        self.ground.product.run(&["plan"]).expect(0);
        let status = self.ground.product.run(&["status", "--output", "json"]).expect(0);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
        assert!(status["memory"]["closedUntil"].is_null(), "{status:#}");
        assert!(!status["memory"]["journalHead"].is_null(), "{status:#}");
        self.story.settled();
    }
}
