//! Everything that can be told, as one closed enum.
//!
//! Emitted by the controller and, through observers, by the edges.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::Decision;
use crate::decide::conclude::ChangeResult;
use crate::decide::guard::Guarded;
use crate::model::condition::Condition;
use crate::model::policy::PolicySet;
use crate::model::{
    CloudListing, CloudMembers, Digest, DirectorySnapshot, Inventory, Memory, Pauses, PolicyName,
};
use crate::retry::Fault;

/// One thing worth telling.
#[derive(Debug)]
pub enum Event<'a> {
    /// A pass starts to look.
    PassBegun {
        /// Its number in this process, from 1.
        number: u64,
        /// When.
        at: Timestamp,
    },
    /// A pass has decided and guarded.
    Planned {
        /// The policies it was decided under.
        policies: &'a PolicySet,
        /// What it decided.
        decision: &'a Decision,
        /// What the guard said.
        guarded: &'a Guarded,
        /// What it was decided on.
        sight: Sight<'a>,
    },
    /// One change was tried.
    ChangeMade(&'a ChangeResult),
    /// A pass is over.
    PassEnded(PassEnd),
    /// The tenant answered a request, or did not.
    GraphAnswered {
        /// A bounded word.
        endpoint: &'static str,
        /// The HTTP status, or a bounded word.
        code: String,
        /// From the first byte sent to the last byte read.
        seconds: f64,
        /// It asked for a slower pace.
        throttled: bool,
    },
    /// The domain answered an operation, or did not.
    DirectoryAnswered {
        /// A bounded word.
        operation: &'static str,
        /// A bounded word.
        result: &'static str,
        /// From the request to its last answer.
        seconds: f64,
    },
    /// The policy folder was read and something had changed.
    PoliciesLoaded {
        /// The digest of the folder; `None` when it could not be read.
        generation: Option<Digest>,
        /// The policies in force.
        policies: &'a PolicySet,
        /// What is wrong, one line each.
        mistakes: &'a [String],
        /// The Git revision that is checked out around the folder, where there is one.
        revision: Option<&'a str>,
        /// What the policies held when a pass last finished, for as long as no pass has looked.
        committed: &'a BTreeMap<PolicyName, Inventory>,
        /// When it was read.
        at: Timestamp,
    },
    /// The policy folder was looked at.
    Reloaded {
        /// What made the daemon look.
        via: Via,
        /// Whether it had changed.
        changed: bool,
    },
    /// Whoever proves itself to a side was read from its file.
    CredentialSeen {
        /// A bounded word: what it is.
        credential: &'static str,
        /// When it ends, where it says so.
        expires: Option<Timestamp>,
    },
    /// What a person paused: everything, or policies.
    Paused(&'a Pauses),
    /// A pass ended early because a side could not be read, or the state not be kept.
    FaultMet {
        /// Which side.
        side: Side,
        /// What happened.
        fault: &'a Fault,
    },
    /// The journal grew, and the state knows how far.
    JournalAt {
        /// The number of its last line.
        sequence: u64,
        /// The hash of that line.
        hash: String,
    },
    /// The journal cannot be written.
    JournalFailed {
        /// Why.
        message: String,
    },
    /// The state cannot be kept, what is remembered is not on disk: nothing is written to the
    /// directory until it is.
    StateFailed {
        /// Why, with the file.
        message: String,
    },
    /// It is on disk again.
    StateSaved,
    /// When the next pass starts.
    Next {
        /// When.
        at: Timestamp,
    },
    /// The daemon was asked to stop.
    Stopping,
}

/// What a plan was decided on, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// When the pass began.
    pub at: Timestamp,
    /// The tenant's listings.
    pub cloud: &'a CloudListing,
    /// The members that were read.
    pub members: &'a CloudMembers,
    /// The domain.
    pub directory: &'a DirectorySnapshot,
    /// What earlier passes remember.
    pub memory: &'a Memory,
}

/// What makes the daemon look at its policy folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A file event.
    Event,
    /// The slow poll beside the events, which some mounts never send.
    Poll,
    /// SIGHUP.
    Signal,
    /// Somebody asked over the admin socket.
    Socket,
    /// A pass began.
    Pass,
}

impl Via {
    /// All of them, for series that start at zero.
    pub const ALL: [Self; 5] = [Self::Event, Self::Poll, Self::Signal, Self::Socket, Self::Pass];

    /// A bounded word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Poll => "poll",
            Self::Signal => "signal",
            Self::Socket => "socket",
            Self::Pass => "pass",
        }
    }
}

/// What a pass cannot do without: the worlds that it reads, and where it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Side {
    /// Microsoft Graph.
    Tenant,
    /// Active Directory.
    Domain,
    /// The policy folder.
    Policies,
    /// What passes remember, on disk.
    State,
}

impl Side {
    /// All sides, for series that start at zero.
    pub const ALL: [Self; 4] = [Self::Tenant, Self::Domain, Self::Policies, Self::State];
    /// Those that a pass reads.
    pub const READ: [Self; 3] = [Self::Tenant, Self::Domain, Self::Policies];

    /// A bounded word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Domain => "domain",
            Self::Policies => "policies",
            Self::State => "state",
        }
    }
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassResult {
    /// The directory is as it should be.
    InStep,
    /// Everything that waited was done.
    Applied,
    /// A guard holds changes; the rest was done.
    Held,
    /// A read was not whole; what could go on went on.
    Incomplete,
    /// Some changes failed or were refused.
    ChangesFailed,
    /// The pass could not look, or the journal or the state could not be written.
    Failed,
}

impl PassResult {
    /// All results, for series that start at zero.
    pub const ALL: [Self; 6] = [
        Self::InStep,
        Self::Applied,
        Self::Held,
        Self::Incomplete,
        Self::ChangesFailed,
        Self::Failed,
    ];

    /// A bounded word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::InStep => "in_step",
            Self::Applied => "applied",
            Self::Held => "held",
            Self::Incomplete => "incomplete",
            Self::ChangesFailed => "changes_failed",
            Self::Failed => "failed",
        }
    }

    /// Whether the pass counts as a success: it saw everything and did all that it may.
    pub fn is_success(self) -> bool {
        match self {
            Self::InStep | Self::Applied | Self::Held => true,
            Self::Incomplete | Self::ChangesFailed | Self::Failed => false,
        }
    }
}

/// A pass that is over.
#[derive(Clone, Debug)]
pub struct PassEnd {
    /// Its number in this process, from 1.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    pub result: PassResult,
    /// Changes that the directory now shows.
    pub changes_done: usize,
    /// Changes that it does not show.
    pub changes_failed: usize,
    /// Changes that a guard holds.
    pub held_changes: usize,
    /// The last line of the journal, as `NUMBER:HASH`, where the pass wrote any.
    pub journal: Option<String>,
    /// The conditions of every policy.
    pub conditions: BTreeMap<PolicyName, Vec<Condition>>,
}

impl PassEnd {
    /// Whether nothing happened that anybody needs to read about.
    pub fn is_quiet(&self) -> bool {
        self.result == PassResult::InStep
    }
}
