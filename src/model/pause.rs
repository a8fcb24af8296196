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

    /// Whether nothing is paused.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.policies.is_empty()
    }
}
