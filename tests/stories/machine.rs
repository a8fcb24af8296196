//! One daemon in one thread: the product's own parts, called in the order in which
//! `controller::pass`, `act`, `books` and `schedule` call them, over the world of a story.
//!
//! What the machine adds is the time, the crashes and the lost answers: every effect and every
//! read passes the gate.

#[path = "machine/act.rs"]
mod act;
#[path = "machine/endurance.rs"]
mod endurance;
#[path = "machine/look.rs"]
mod look;
#[path = "machine/person.rs"]
mod person;
#[path = "machine/trace.rs"]
mod trace;

use std::rc::Rc;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use writeback::model::change::{Change, Kind};
use writeback::model::policy::PolicySet;
use writeback::model::{ApprovalRequest, Containers, Digest, Memory};

use crate::books::{self, Books};
use crate::disk::{Folder, Platter};
use crate::sometimes::Sometimes;
use crate::story;
use crate::trouble::{Gate, Script};
use crate::world::World;

/// Members in one operation: few, so that additions and removals can end in their midst.
const BATCH_VALUES: usize = 4;
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_mins(10);
const RESYNC: SignedDuration = SignedDuration::from_hours(6);

/// Why a round ends early.
pub(crate) enum Halt {
    /// The process is dead.
    Died,
    /// Something happened that must never happen.
    Wrong(String),
}

type Living<T> = Result<T, Halt>;

/// The process while it lives.
pub(crate) struct Daemon {
    pub(crate) memory: Memory,
    pub(crate) books: Books,
    /// The journal fails until somebody starts the daemon again.
    broken: bool,
    requests: Vec<ApprovalRequest>,
    resynced: Timestamp,
}

/// How a round went.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Nothing is left to do but what is held.
    pub(crate) quiet: bool,
    /// What is held, with its digest.
    pub(crate) held: Option<(Digest, Vec<Change>)>,
    pub(crate) wrote: usize,
    pub(crate) rows: Vec<String>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a situation of its own")]
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) sometimes: Sometimes,
    pub(crate) policies: Rc<PolicySet>,
    containers: Containers,
    random: Rng,
    pub(crate) folder: Folder,
    pub(crate) platter: Platter,
    pub(crate) life: Option<Daemon>,
    /// How much of what was not synced survives the next crash, of 256.
    share: u8,
    /// The line that a crash tears begins here.
    tear: Option<u64>,
    /// The process died in its start the last time.
    died_starting: bool,
    died_writing: bool,
    died_holding: bool,
    died_approving: bool,
    died_unsaved: bool,
    /// The state was lost in this story.
    is_lost: bool,
    pub(crate) trace: bool,
}

impl Machine {
    pub(crate) fn new(script: &Script) -> Self {
        let mut random = Rng::with_seed(script.seed ^ 0x5702);
        let share = [0, 255, 100][random.usize(0..3)];
        Self {
            world: World::new(story::begin()),
            gate: Gate::new(script),
            sometimes: Sometimes::default(),
            policies: Rc::new(story::policies()),
            containers: story::containers(),
            random,
            folder: Folder::new(),
            platter: Platter::default(),
            life: None,
            share,
            tear: None,
            died_starting: false,
            died_writing: false,
            died_holding: false,
            died_approving: false,
            died_unsaved: false,
            is_lost: false,
            trace: false,
        }
    }

    /// The same machine once more, in a folder of its own, with other things to come. Its journal
    /// is opened anew.
    pub(crate) fn fork(&self, script: &Script) -> Self {
        let (folder, platter) = (self.folder.copy(), self.platter.fork());
        let now = self.world.now;
        let life = self.life.as_ref().map(|life| Daemon {
            memory: life.memory.clone(),
            books: books::reopen(&folder, &platter, now),
            broken: life.broken,
            requests: life.requests.clone(),
            resynced: life.resynced,
        });
        Self {
            world: self.world.clone(),
            gate: self.gate.with(script),
            sometimes: self.sometimes.clone(),
            policies: Rc::clone(&self.policies),
            containers: self.containers.clone(),
            random: self.random.clone(),
            folder,
            platter,
            life,
            tear: None,
            ..*self
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&mut self) {
        self.gate = self.gate.with(&Script::default());
    }

    /// One pass, and the start before it where the process is dead.
    pub(crate) fn round(&mut self) -> Result<Round, String> {
        self.world.pass_time(SignedDuration::from_mins(15));
        match self.live() {
            Ok(round) => self.blamed().map_or(Ok(round), Err),
            Err(Halt::Died) => {
                self.die();
                self.blamed().map_or(Ok(Round::default()), Err)
            }
            Err(Halt::Wrong(what)) => Err(what),
        }
    }

    fn blamed(&mut self) -> Option<String> {
        self.world.oracle.wrong.take()
    }

    fn live(&mut self) -> Living<Round> {
        if self.life.as_ref().is_some_and(|life| life.broken) {
            self.die();
        }
        if self.life.is_none() {
            self.start()?;
        }
        self.pass()
    }

    pub(crate) fn life(&mut self) -> &mut Daemon {
        self.life.as_mut().expect("the process lives")
    }

    fn pass(&mut self) -> Living<Round> {
        if self.life().books.behind && !self.save()? {
            return Ok(Round::default());
        }
        let begun = self.world.now;
        let life = self.life();
        if begun.duration_since(life.resynced) >= RESYNC {
            life.memory.refused_members.clear();
            life.memory.unrestorable.clear();
            life.resynced = begun;
        }
        let Some(look) = self.look(begun)? else { return Ok(Round::default()) };
        self.tell(&look);
        let held = look.guarded.held.digest();
        let held = held.map(|digest| (digest, look.guarded.held.changes.clone()));
        let ends = look.guarded.held.changes.iter();
        let ends = ends.filter(|change| change.effect.kind() == Kind::Freeze);
        self.world.oracle.retain(ends.map(|change| change.group));
        self.died_holding = held.is_some();
        self.died_approving = !self.life().memory.approvals.is_empty();
        let unconfirmed = !look.decision.plan.unconfirmed.is_empty();
        let (wrote, doubtful) = (look.guarded.admitted.changes().len(), look.doubtful);
        let incomplete = look.decision.incomplete;
        // What else a group brought back needs is seen when it stands again.
        let mut admitted = look.guarded.admitted.changes().iter();
        let restores = admitted.any(|change| change.effect.kind() == Kind::Restore);
        let rows = look.guarded.held.holds.iter();
        let rows = rows.map(|hold| format!("{:?} {}", hold.row, hold.message)).collect();
        let finished = self.finish(look)?;
        (self.died_holding, self.died_approving) = (false, false);
        let waits = unconfirmed || doubtful || incomplete || restores || !finished;
        Ok(Round { quiet: !waits, held, wrote, rows })
    }
}
