//! The shipped binary is killed, again and again, at every kind of moment, and has to end where it
//! would have ended undisturbed.
//!
//! Comes from: a simulated tenant whose groups go on changing, and a directory: a simulated domain
//! for each round, or the lab that `tests/run` starts (WRITEBACK_LAB_SMALL). `story` changes the
//! tenant and says what should be there, `moment` kills, `ledger` looks at the journal, the state
//! and the directory after each kill, `tally` counts what the kills hit. A round that fails is
//! printed as the command that plays it again.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, what the kills hit is told, and the support is \
              open to all stories"
)]

#[path = "support/access.rs"]
mod access;
#[path = "support/deep.rs"]
mod deep;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/product.rs"]
mod product;
#[path = "support/turn.rs"]
mod turn;

#[path = "kills/explained.rs"]
mod explained;
#[path = "kills/full_disk.rs"]
mod full_disk;
#[path = "kills/gate.rs"]
mod gate;
#[path = "kills/ground.rs"]
mod ground;
#[path = "kills/ledger.rs"]
mod ledger;
#[path = "kills/moment.rs"]
mod moment;
#[path = "kills/round.rs"]
mod round;
#[path = "kills/signals.rs"]
mod signals;
#[path = "kills/story.rs"]
mod story;
#[path = "kills/tally.rs"]
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use deep::deep;
use ground::Side;
use tally::{Hit, ROUNDS, Tally};

/// 300 kills against the simulated domain, each round from a directory with nothing in it.
const SIMULATED: Campaign = Campaign { side: Side::Simulated, rounds: 30, kills: 10, threads: 2 };
/// 60 kills against Samba: one organizational unit, so one round after the other.
const SAMBA: Campaign = Campaign { side: Side::Samba, rounds: 4, kills: 15, threads: 1 };
/// At least every third kill strikes while the one before is still recovered from.
const RECOVERY_SHARE: usize = 3;
/// Where the kills fall is chance, and on a busy machine another one: what was not hit in all rounds
/// is looked for in more of them, up to so many times as many.
const ROUNDS_TIMES_MAX: u64 = 4;

/// Rounds of kills.
#[derive(Clone, Copy)]
struct Campaign {
    side: Side,
    rounds: u64,
    kills: usize,
    threads: usize,
}

impl Campaign {
    /// Plays every round, and more while something was not hit; says how to play those again that
    /// failed.
    fn play(self) -> Tally {
        let begun = moment::now();
        let (next, failed) = (AtomicU64::new(1), Mutex::new(Vec::new()));
        let tally = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        let enough = seed > self.rounds()
                            && (seed > self.rounds() * ROUNDS_TIMES_MAX
                                || self.lacks(&tally.lock().unwrap()).is_empty());
                        if enough || !failed.lock().unwrap().is_empty() {
                            return;
                        }
                        let play = || round::play(self.side, seed, self.kills);
                        match catch_unwind(AssertUnwindSafe(play)) {
                            Ok(counted) => tally.lock().unwrap().merge(&counted),
                            Err(_) => failed.lock().unwrap().push(command(self.side, seed)),
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_empty(), "play it again with:\n{}", failed.join("\n"));
        let tally = tally.into_inner().unwrap();
        println!("{} rounds in {:?}", tally.of(ROUNDS), begun.elapsed());
        tally
    }

    /// At least so many rounds.
    fn rounds(self) -> u64 {
        deep(self.rounds)
    }

    /// What the kills have not hit yet, or too seldom.
    fn lacks(self, tally: &Tally) -> Vec<Hit> {
        // A round beside Samba is slow, and so are its answers: what lasts some milliseconds beside
        // them is missed by few rounds.
        let short = [Hit::AfterRecovery, Hit::BetweenOperations, Hit::DuringSave, Hit::AfterSave];
        let certain = |hit: &Hit| self.side == Side::Simulated || !short.contains(hit);
        let mut lacks = tally.missing(Hit::ALL.into_iter().filter(certain));
        if tally.recovering() * RECOVERY_SHARE < tally.kills() {
            lacks.push(Hit::Recovery);
        }
        lacks
    }

    fn check(self, tally: &Tally) {
        println!("{tally}");
        let rounds = tally.of(ROUNDS);
        assert!(rounds as u64 >= self.rounds(), "{rounds} rounds");
        assert_eq!(tally.kills(), rounds * self.kills);
        let lacks = self.lacks(tally);
        assert!(lacks.is_empty(), "no kill hit, or too few: {lacks:?}\n{tally}");
    }
}

fn command(side: Side, seed: u64) -> String {
    format!(
        "KILLS='{}:{seed}' cargo test --test kills one_round_ends_well -- --nocapture",
        side.word()
    )
}

/// Plays one round aloud: `KILLS=simulated:7`.
#[test]
#[expect(clippy::disallowed_methods, reason = "the one round is named by the environment")]
fn one_round_ends_well() {
    let text = std::env::var("KILLS").unwrap_or_else(|_| "simulated:1000".to_owned());
    let (side, seed) = text.split_once(':').expect("a round is written simulated:7");
    let campaign = [SIMULATED, SAMBA].into_iter().find(|one| one.side.word() == side).unwrap();
    let tally = round::play(campaign.side, seed.parse().unwrap(), campaign.kills);
    println!("{tally}");
    assert_eq!(tally.kills(), campaign.kills);
}

#[test]
fn three_hundred_kills_beside_a_simulated_domain_lose_nothing() {
    SIMULATED.check(&SIMULATED.play());
}

#[test]
fn sixty_kills_beside_samba_lose_nothing() {
    SAMBA.check(&SAMBA.play());
}
