//! What a group is, in one word: the same on the page, in its address and in JSON.
//!
//! Comes from a decision, what the guard said of it and what came of its changes. Goes to
//! `report::page` and `/api/v1/groups`.

/// What a group is. The order is that in which people want to know: what is wrong comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A change was tried and the directory does not show it.
    Failed,
    /// A guard keeps changes back.
    Held,
    /// A read was not whole: nothing of it is changed.
    Unknown,
    /// Somebody changed it in the directory: the next pass puts it right.
    Drifted,
    /// Changes wait.
    Pending,
    /// The directory group stays as it is, and updates have stopped.
    Frozen,
    /// Its directory group belongs to somebody else.
    Foreign,
    /// Its policy writes nothing now.
    Idle,
    /// A policy or a finding names it, and it is not written.
    NotWritten,
    /// The directory is as it should be.
    InStep,
    /// Its directory group was deleted or let go of by the last pass.
    Gone,
}

impl State {
    /// All states, in their order.
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::Held,
        Self::Unknown,
        Self::Drifted,
        Self::Pending,
        Self::Frozen,
        Self::Foreign,
        Self::Idle,
        Self::NotWritten,
        Self::InStep,
        Self::Gone,
    ];

    /// The word for programs and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Drifted => "drifted",
            Self::Pending => "pending",
            Self::Frozen => "frozen",
            Self::Foreign => "foreign",
            Self::Idle => "idle",
            Self::NotWritten => "not_written",
            Self::InStep => "in_step",
            Self::Gone => "gone",
        }
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Drifted => "drifted",
            Self::Pending => "pending",
            Self::Frozen => "frozen",
            Self::Foreign => "foreign",
            Self::Idle => "idle",
            Self::NotWritten => "not written",
            Self::InStep => "in step",
            Self::Gone => "gone",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "a change was tried and the directory does not show it",
            Self::Held => "a guard keeps changes back until a person lets them through",
            Self::Unknown => "a read was not whole; nothing of it is changed",
            Self::Drifted => "somebody changed it in the directory; it is put right",
            Self::Pending => "changes wait",
            Self::Frozen => "the directory group stays as it is; updates have stopped",
            Self::Foreign => "the directory group belongs to somebody else",
            Self::Idle => "its policy writes nothing now",
            Self::NotWritten => "named by a policy or a finding, and not written",
            Self::InStep => "the directory is as it should be",
            Self::Gone => "its directory group was deleted or let go of",
        }
    }

    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether somebody may have to look at it.
    pub fn needs_a_look(self) -> bool {
        match self {
            Self::Failed
            | Self::Held
            | Self::Unknown
            | Self::Drifted
            | Self::Pending
            | Self::Frozen
            | Self::Foreign => true,
            Self::Idle | Self::NotWritten | Self::InStep | Self::Gone => false,
        }
    }
}
