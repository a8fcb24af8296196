//! What the kills hit.
//!
//! Counted by `round` from what `ledger` finds after each kill.

use std::collections::BTreeMap;
use std::fmt;

/// What rounds are counted under.
pub(crate) const ROUNDS: &str = "rounds";

/// Where in a pass a kill fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hit {
    /// Nothing was left over, and nothing was announced yet.
    BeforeTheFirstIntent,
    /// What an earlier kill left over was not saved yet.
    Recovery,
    /// What an earlier kill left over was saved, and nothing was announced yet.
    AfterRecovery,
    /// The journal ends with an intent.
    BetweenIntentAndOutcome,
    /// The journal ends with an outcome, and more was to be done or saved.
    BetweenOperations,
    /// The file of the state was being written after the last line of the journal.
    DuringSave,
    /// `apply` had saved memory and was about to end.
    AfterSave,
    /// The daemon had saved memory and waited, or looked again.
    BetweenPasses,
}

impl Hit {
    /// Everything that has to be hit.
    pub(crate) const ALL: [Self; 8] = [
        Self::BeforeTheFirstIntent,
        Self::Recovery,
        Self::AfterRecovery,
        Self::BetweenIntentAndOutcome,
        Self::BetweenOperations,
        Self::DuringSave,
        Self::AfterSave,
        Self::BetweenPasses,
    ];
}

/// Counts of one round or of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    hits: BTreeMap<Hit, usize>,
    more: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub(crate) fn hit(&mut self, hit: Hit) {
        *self.hits.entry(hit).or_default() += 1;
    }

    /// Counts something else that is worth knowing.
    pub(crate) fn add(&mut self, what: &'static str, count: usize) {
        *self.more.entry(what).or_default() += count;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (hit, count) in &other.hits {
            *self.hits.entry(*hit).or_default() += count;
        }
        for (what, count) in &other.more {
            self.add(what, *count);
        }
    }

    pub(crate) fn kills(&self) -> usize {
        self.hits.values().sum()
    }

    /// Kills of a process that had begun with what an earlier kill left over, and had announced
    /// nothing yet.
    pub(crate) fn recovering(&self) -> usize {
        [Hit::Recovery, Hit::AfterRecovery].iter().filter_map(|hit| self.hits.get(hit)).sum()
    }

    pub(crate) fn of(&self, what: &str) -> usize {
        self.more.get(what).copied().unwrap_or_default()
    }

    /// What of these was never hit.
    pub(crate) fn missing(&self, of: impl IntoIterator<Item = Hit>) -> Vec<Hit> {
        of.into_iter().filter(|hit| !self.hits.contains_key(hit)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6}  kills", self.kills())?;
        for (hit, count) in &self.hits {
            writeln!(f, "{count:>6}  {hit:?}")?;
        }
        for (what, count) in &self.more {
            writeln!(f, "{count:>6}  {what}")?;
        }
        Ok(())
    }
}
