//! Interesting situations, counted: a run that never met one of them proves less than it says.

use std::collections::BTreeMap;

/// How often each situation was met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sometimes(BTreeMap<&'static str, u64>);

/// What every full run has to meet.
pub(crate) const ALL: [&str; 39] = [
    "a busy domain controller",
    "a connection beyond repair",
    "a crash in a start",
    "a crash in the midst of writing",
    "a crash in the start after a crash",
    "a crash while an approval was open",
    "a crash while something was held",
    "a full disk under the journal",
    "a full disk under the state",
    "a group brought back",
    "a group deleted",
    "a group disabled",
    "a group handed over",
    "a group of another type",
    "a group quarantined",
    "a journal that cannot be written",
    "a look that failed",
    "a lost answer to what was done",
    "a lost answer to what was not done",
    "a lost save, the journal kept",
    "a lost state",
    "a read of the domain that failed",
    "a read of the domain with a gap",
    "a read of the tenant that failed",
    "a read of the tenant with a gap",
    "a refusal",
    "a removal while a read was not whole",
    "a stale look",
    "a stale read of the domain",
    "a stale read of the tenant before a removal",
    "a state behind the journal",
    "a torn line of the journal",
    "a torn save",
    "a window that is closed",
    "an approval that was taken",
    "an approval used up",
    "an intent without an outcome",
    "something held",
    "something held that is not wanted any more",
];

impl Sometimes {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn count_if(&mut self, what: &'static str, met: bool) {
        if met {
            self.count(what);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// What was never met.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        ALL.into_iter().filter(|what| !self.0.contains_key(what)).collect()
    }

    pub(crate) fn print(&self) {
        for (what, count) in &self.0 {
            println!("{count:>9}  {what}");
        }
    }
}
