//! What can be asked over the admin socket, and what is answered: one JSON line each.
//!
//! | asked | answered |
//! |---|---|
//! | `{"ask":"memory"}` | `{"answer":"memory","image":{…},"at":"…"}` |
//! | `{"ask":"status"}` | `{"answer":"status","status":{…}}` |
//! | `{"ask":"approve","digest":"…","notAfter":"…"}` | `{"answer":"approved", …}` |
//! | `{"ask":"apply","policy":"…","expect":"…","approve":"…"}` | `{"answer":"applied","exit":0,"output":"…","complaints":[…]}` |
//! | `{"ask":"pause","policy":"…"}`, `{"ask":"resume","policy":"…"}` | `{"answer":"paused","changed":true,"pauses":{…}}` |
//! | `{"ask":"reconcile","group":"…"}` | as `apply` |
//! | `{"ask":"reload"}` | `{"answer":"reloaded","changed":true, …}` |
//! | anything else, and whatever is not granted | `{"answer":"refused","why":"…"}` |

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Digest, Pauses, PolicyName};
use crate::state::image::Image;

/// Bytes of a request, its end of line included. The longest one names a policy (50 characters)
/// and two digests (64 each): this is room for ten of them.
pub const REQUEST_BYTES_MAX: usize = 4_096;

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// What the daemon remembers.
    Memory {},
    /// Its status.
    Status {},
    /// Let a held set through, once.
    #[serde(rename_all = "camelCase")]
    Approve {
        /// Its digest, or the first 12 digits or more.
        digest: String,
        /// Until when; as long as an approval may last where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_after: Option<Timestamp>,
    },
    /// Make one pass.
    Apply(Round),
    /// Write nothing until somebody says otherwise: for one policy, or at all.
    Pause {
        /// Which policy; everything where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyName>,
    },
    /// End a pause.
    Resume {
        /// Of which policy; that of everything where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyName>,
    },
    /// Make one pass, and tell of one group.
    Reconcile {
        /// Its object id, its anchor, or a name of it; of all together where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// Read the policies again.
    Reload {},
}

impl Request {
    /// Whether it waits for the end of a pass.
    pub fn waits(&self) -> bool {
        match self {
            Self::Memory {} | Self::Status {} => false,
            Self::Approve { .. }
            | Self::Apply(_)
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Reconcile { .. }
            | Self::Reload {} => true,
        }
    }
}

/// A pass that somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Of this policy alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// Only if the plan has this digest, or this reviewed digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// With the held set of this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
pub enum Answer {
    /// What it remembers.
    Memory {
        /// Table by table, row by row.
        image: Image,
        /// When the last pass ended; null before the first one of this process.
        at: Option<Timestamp>,
    },
    /// Its status.
    Status {
        /// What `/api/v1/status` answers.
        status: Value,
    },
    /// An approval was taken.
    Approved(Granted),
    /// A pass was made.
    Applied {
        /// The exit code of `apply`.
        exit: u8,
        /// What belongs on stdout.
        output: String,
        /// What belongs on stderr, a line each.
        complaints: Vec<String>,
    },
    /// A pause was made or ended.
    Paused {
        /// Whether it was not so already.
        changed: bool,
        /// What is paused now.
        pauses: Pauses,
    },
    /// The policies were read.
    Reloaded(Loaded),
    /// It is not done.
    Refused {
        /// Why, as a sentence.
        why: String,
    },
}

impl Answer {
    /// A refusal.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }
}

/// What reading the policies found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// Whether anything had changed.
    pub changed: bool,
    /// The digest of the folder; null where it cannot be read.
    pub generation: Option<Digest>,
    /// The Git revision that was last read; null outside Git.
    pub revision: Option<String>,
    /// The policies in force.
    pub policies: Vec<PolicyName>,
    /// Of which revision those are whose version in force is of another one.
    #[serde(default)]
    pub other_revisions: BTreeMap<PolicyName, String>,
    /// Everything that is wrong, one line each.
    pub mistakes: Vec<String>,
}

/// An approval that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Granted {
    /// The whole digest of the held set.
    pub digest: Digest,
    /// How much of each kind is in it.
    pub kinds: BTreeMap<String, usize>,
    /// Who said so.
    pub approved_by: String,
    /// When it ends.
    pub not_after: Timestamp,
}

impl fmt::Display for Request {
    /// What the log says of it: the word and what it names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory {} => f.write_str("memory"),
            Self::Status {} => f.write_str("status"),
            Self::Approve { digest, not_after } => {
                write!(f, "approve {digest}")?;
                not_after.map_or(Ok(()), |end| write!(f, " until {end}"))
            }
            Self::Apply(round) => {
                f.write_str("apply")?;
                let policy = round.policy.as_ref().map(PolicyName::as_str);
                let options = [
                    ("policy", policy),
                    ("expect", round.expect.as_deref()),
                    ("approve", round.approve.as_deref()),
                ];
                options.into_iter().try_for_each(|(name, value)| {
                    value.map_or(Ok(()), |value| write!(f, " --{name} {value}"))
                })
            }
            Self::Pause { policy } => write!(f, "pause{}", option(policy.as_ref())),
            Self::Resume { policy } => write!(f, "resume{}", option(policy.as_ref())),
            Self::Reconcile { group } => {
                f.write_str("reconcile")?;
                group.as_ref().map_or(Ok(()), |group| write!(f, " {group}"))
            }
            Self::Reload {} => f.write_str("reload"),
        }
    }
}

fn option(policy: Option<&PolicyName>) -> String {
    policy.map(|name| format!(" --policy {name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_request_reads_as_it_is_written() {
        let round = Round {
            policy: PolicyName::parse("finance"),
            expect: Some("0123456789ab".to_owned()),
            approve: None,
        };
        for request in [
            Request::Memory {},
            Request::Status {},
            Request::Approve { digest: "0123456789ab".to_owned(), not_after: None },
            Request::Apply(Round::default()),
            Request::Apply(round),
            Request::Pause { policy: None },
            Request::Resume { policy: PolicyName::parse("finance") },
            Request::Reconcile { group: Some("Board".to_owned()) },
            Request::Reload {},
        ] {
            let text = serde_json::to_string(&request).unwrap();
            assert_eq!(read(&text), Ok(request), "{text}");
        }
        assert_eq!(read(r#"{"ask":"memory"}"#), Ok(Request::Memory {}));
    }

    #[test]
    fn a_request_with_a_word_too_many_is_refused() {
        for text in [
            r#"{"ask":"memory","of":"finance"}"#,
            r#"{"ask":"apply","polcy":"finance"}"#,
            r#"{"ask":"approve"}"#,
            r#"{"ask":"approve","digest":"0123456789ab","by":"me"}"#,
            r#"{"ask":"apply","policy":"Not A Name"}"#,
            r#"{"ask":"forget"}"#,
            r#"{"ask":"pause","policy":"Not A Name"}"#,
            r#"{"ask":"reload","policy":"finance"}"#,
            "{}",
            "[]",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
