//! What a person paused: who said so, and when. Goes into memory, so that a restart keeps it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::PolicyName;

/// A person's word that nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Everything that is paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pauses {
    /// The whole daemon.
    pub all: Option<Pause>,
    /// Single policies. One that is not there any more waits for its return.
    pub policies: BTreeMap<PolicyName, Pause>,
}

impl Pauses {
    /// Whether the groups of this policy are left as they are.
    pub fn cover(&self, policy: &PolicyName) -> bool {
        self.all.is_some() || self.policies.contains_key(policy)
    }

    /// Who keeps this policy from writing: whoever paused it, else whoever paused everything.
    pub fn of(&self, policy: &PolicyName) -> Option<&Pause> {
        self.policies.get(policy).or(self.all.as_ref())
    }

    /// Whether nothing is paused.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.policies.is_empty()
    }

    /// Pauses one policy, or everything. Who came first stays: a second word changes nothing.
    /// Whether it changes anything.
    pub fn pause(&mut self, policy: Option<PolicyName>, pause: Pause) -> bool {
        match policy {
            None if self.all.is_some() => false,
            None => {
                self.all = Some(pause);
                true
            }
            Some(policy) if self.policies.contains_key(&policy) => false,
            Some(policy) => self.policies.insert(policy, pause).is_none(),
        }
    }

    /// Ends the pause of one policy, or that of everything: policies that were paused by name
    /// stay so, on the word of whoever paused them. Whether it changes anything.
    pub fn resume(&mut self, policy: Option<&PolicyName>) -> bool {
        match policy {
            None => self.all.take().is_some(),
            Some(policy) => self.policies.remove(policy).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(name: &str) -> Pause {
        Pause { by: name.to_owned(), at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn who_paused_first_stays_and_ends_alone_what_was_paused_alone() {
        let finance = PolicyName::parse("finance").unwrap();
        let other = PolicyName::parse("other").unwrap();
        let mut pauses = Pauses::default();
        assert!(pauses.pause(Some(finance.clone()), by("ada")));
        assert!(!pauses.pause(Some(finance.clone()), by("bob")));
        assert!(pauses.cover(&finance) && !pauses.cover(&other));
        assert!(pauses.pause(None, by("cy")) && !pauses.pause(None, by("bob")));
        assert_eq!(pauses.of(&finance), Some(&by("ada")));
        assert_eq!(pauses.of(&other), Some(&by("cy")));
        assert!(pauses.resume(None) && !pauses.resume(None));
        assert!(pauses.cover(&finance) && !pauses.cover(&other));
        assert!(!pauses.resume(Some(&other)) && pauses.resume(Some(&finance)));
        assert!(pauses.is_empty());
    }
}
