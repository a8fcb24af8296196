//! What may go wrong in a story, and where: every effect and every read has a number.
//!
//! Written as people write it: `stop-after=write:41`. A story is its seed and its disturbances, and
//! nothing else: the same text gives the same story to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A kind of effect or read; each is numbered from 0 through the whole story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// An LDAP write.
    Write,
    /// A line of the journal.
    Journal,
    /// A save of the state.
    Save,
    /// The start: state, journal, what the journal tells beyond the state.
    Open,
    /// The listings of the tenant.
    Tenant,
    /// The members of teams.
    Members,
    /// The direct read of an id.
    Presence,
    /// The snapshot of the domain.
    Directory,
    /// A look at one object.
    Verify,
    /// The questions before the guard.
    Questions,
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// The process dies before it.
    StopBefore,
    /// The process dies right after it.
    StopAfter,
    /// The process dies in it: a line or a save is on disk in part.
    Torn,
    /// The write is done, and the answer does not arrive.
    LostDone,
    /// The write is not done, and no answer arrives.
    LostUndone,
    /// The domain controller is busy.
    Busy,
    /// The domain controller says no for good.
    Refused,
    /// The connection is beyond repair for this pass.
    Failed,
    /// The disk is full.
    Full,
    /// The disk fails.
    Broken,
    /// The read shows the world as it was so many changes ago.
    Stale(usize),
    /// The read fails.
    Incomplete,
    /// A part of the read fails, or a listing leaves something out without saying so.
    Partial(usize),
    /// The state file is gone when the process starts again.
    Lost,
}

/// One disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Disturbance {
    pub(crate) act: Act,
    pub(crate) point: Point,
    pub(crate) number: usize,
}

impl Point {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Write, "write"),
        (Self::Journal, "journal"),
        (Self::Save, "save"),
        (Self::Open, "open"),
        (Self::Tenant, "tenant"),
        (Self::Members, "members"),
        (Self::Presence, "presence"),
        (Self::Directory, "directory"),
        (Self::Verify, "verify"),
        (Self::Questions, "questions"),
    ];

    /// What can happen at such a point.
    pub(crate) fn acts(self) -> &'static [Act] {
        match self {
            Self::Write => &[
                Act::StopBefore,
                Act::StopAfter,
                Act::LostDone,
                Act::LostUndone,
                Act::Busy,
                Act::Refused,
                Act::Failed,
            ],
            Self::Journal => &[Act::StopBefore, Act::StopAfter, Act::Torn, Act::Full, Act::Broken],
            Self::Save => &[Act::StopBefore, Act::StopAfter, Act::Torn, Act::Full],
            Self::Open => &[Act::StopBefore, Act::StopAfter, Act::Lost],
            Self::Tenant => &[
                Act::StopBefore,
                Act::Stale(1),
                Act::Stale(2),
                Act::Stale(3),
                Act::Incomplete,
                Act::Partial(0),
                Act::Partial(1),
                Act::Partial(2),
            ],
            Self::Members => &[
                Act::Stale(1),
                Act::Stale(2),
                Act::Stale(3),
                Act::Incomplete,
                Act::Partial(1),
                Act::Partial(6),
            ],
            Self::Presence | Self::Questions => &[Act::StopBefore, Act::Incomplete],
            Self::Directory => &[
                Act::StopBefore,
                Act::Stale(1),
                Act::Stale(2),
                Act::Stale(3),
                Act::Incomplete,
                Act::Partial(0),
                Act::Partial(3),
            ],
            Self::Verify => {
                &[Act::StopBefore, Act::Stale(1), Act::Stale(2), Act::Stale(3), Act::Incomplete]
            }
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopBefore => f.write_str("stop-before"),
            Self::StopAfter => f.write_str("stop-after"),
            Self::Torn => f.write_str("torn"),
            Self::LostDone => f.write_str("lost-done"),
            Self::LostUndone => f.write_str("lost-undone"),
            Self::Busy => f.write_str("busy"),
            Self::Refused => f.write_str("refused"),
            Self::Failed => f.write_str("failed"),
            Self::Full => f.write_str("full"),
            Self::Broken => f.write_str("broken"),
            Self::Incomplete => f.write_str("incomplete"),
            Self::Lost => f.write_str("lost"),
            Self::Stale(steps) => write!(f, "stale{steps}"),
            Self::Partial(which) => write!(f, "partial{which}"),
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Point::ALL.iter().find(|(point, _)| *point == self.point);
        write!(f, "{}={}:{}", self.act, word.map_or("", |(_, word)| word), self.number)
    }
}

impl FromStr for Disturbance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: a disturbance is written like stop-after=write:41");
        let (act, place) = text.split_once('=').ok_or_else(wrong)?;
        let (word, number) = place.split_once(':').ok_or_else(wrong)?;
        let point = Point::ALL.iter().find(|(_, known)| *known == word).ok_or_else(wrong)?.0;
        let number = number.parse().map_err(|_| wrong())?;
        let plain = [
            Act::StopBefore,
            Act::StopAfter,
            Act::Torn,
            Act::LostDone,
            Act::LostUndone,
            Act::Busy,
            Act::Refused,
            Act::Failed,
            Act::Full,
            Act::Broken,
            Act::Incomplete,
            Act::Lost,
        ];
        let counted = |word: &str| act.strip_prefix(word).and_then(|text| text.parse().ok());
        let act = plain
            .into_iter()
            .find(|known| known.to_string() == act)
            .or_else(|| counted("stale").map(Act::Stale))
            .or_else(|| counted("partial").map(Act::Partial))
            .ok_or_else(wrong)?;
        Ok(Self { act, point, number })
    }
}

/// A story and what goes wrong in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) disturbances: BTreeSet<Disturbance>,
}

impl Script {
    pub(crate) fn new(seed: u64, disturbances: impl IntoIterator<Item = Disturbance>) -> Self {
        Self { seed, disturbances: disturbances.into_iter().collect() }
    }

    /// The one command that tells the story again.
    pub(crate) fn command(&self) -> String {
        format!("STORY='{self}' cargo test --test stories one_story_ends_well -- --nocapture")
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={}", self.seed)?;
        self.disturbances.iter().try_for_each(|one| write!(f, " {one}"))
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let seed = words.next().and_then(|word| word.strip_prefix("seed="));
        let seed = seed.and_then(|seed| seed.parse().ok()).ok_or("a story begins with seed=N")?;
        let disturbances = words.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { seed, disturbances })
    }
}

/// Counts the points that a story passes, and says what happens there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    planned: BTreeMap<(Point, usize), Act>,
    passed: BTreeMap<Point, usize>,
    /// How many disturbances were met.
    pub(crate) met: usize,
}

impl Gate {
    pub(crate) fn new(script: &Script) -> Self {
        let planned = script.disturbances.iter();
        let planned = planned.map(|one| ((one.point, one.number), one.act)).collect();
        Self { planned, ..Self::default() }
    }

    /// The same place, with other things to come.
    pub(crate) fn with(&self, script: &Script) -> Self {
        Self { passed: self.passed.clone(), met: self.met, ..Self::new(script) }
    }

    /// Passes a point.
    pub(crate) fn pass(&mut self, point: Point) -> Option<Act> {
        let number = self.passed.entry(point).or_default();
        let act = self.planned.get(&(point, *number)).copied();
        *number += 1;
        self.met += usize::from(act.is_some());
        act
    }

    /// How many points of each kind were passed.
    pub(crate) fn passed(&self) -> &BTreeMap<Point, usize> {
        &self.passed
    }
}
