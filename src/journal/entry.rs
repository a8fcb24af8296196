//! What stands in one line of the journal, as types: the same for writing and for reading.
//!
//! Filled by `journal` from operations and outcomes; read by `journal::read` for whoever rebuilds
//! memory, undoes a change set or shows what happened.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chain::JournalHead;
use crate::model::change::{AttributeChange, LastSight};
use crate::model::{
    AttributeName, Digest, ObjectGuid, ObjectId, Operation, Outcome, PolicyName, Spend,
};

/// One line that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number; `None` for lines of versions that wrote no chain.
    pub line: Option<u64>,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
}

/// What a line says, by its member `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Body {
    /// The journal was opened for writing.
    Opened(Opened),
    /// An operation is about to be sent.
    Intent(Box<IntentEntry>),
    /// What came of an announced operation.
    Outcome(OutcomeEntry),
    /// Lines before `from` are removed because they are older than the retention.
    Removed {
        /// The first line that is kept.
        from: u64,
    },
    /// Somebody let a held set through.
    Approval {
        /// The digest of the held set.
        digest: Digest,
        /// Who.
        approved_by: String,
        /// When it ends.
        not_after: Timestamp,
        /// How many things the set holds.
        items: usize,
        /// File and line, where a document says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// An approval is used up.
    ApprovalUsed {
        /// The digest of the held set.
        digest: Digest,
    },
    /// A held set was seen for the first time.
    Held {
        /// Its digest.
        digest: Digest,
        /// The messages of its holds.
        holds: Vec<String>,
    },
    /// What follows undoes a change set.
    Undo {
        /// The digest of the plan that is undone.
        changeset: Digest,
    },
    /// Somebody paused one policy, or everything.
    Paused {
        /// Which policy; `None` for everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyName>,
        /// Who.
        by: String,
    },
    /// Somebody ended a pause.
    Resumed {
        /// Which policy; `None` for everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyName>,
        /// Who.
        by: String,
    },
}

impl Body {
    /// The word in the member `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Intent(_) => "intent",
            Self::Outcome(_) => "outcome",
            Self::Removed { .. } => "removed",
            Self::Approval { .. } => "approval",
            Self::ApprovalUsed { .. } => "approvalUsed",
            Self::Held { .. } => "held",
            Self::Undo { .. } => "undo",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
        }
    }

    /// The operation that is announced, where one is.
    pub fn into_intent(self) -> Option<IntentEntry> {
        match self {
            Self::Intent(intent) => Some(*intent),
            Self::Opened(_)
            | Self::Outcome(_)
            | Self::Removed { .. }
            | Self::Approval { .. }
            | Self::ApprovalUsed { .. }
            | Self::Held { .. }
            | Self::Undo { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. } => None,
        }
    }

    /// The number of the operation that is announced or concluded.
    pub fn operation(&self) -> Option<u64> {
        match self {
            Self::Intent(intent) => Some(intent.sequence),
            Self::Outcome(outcome) => Some(outcome.sequence),
            Self::Opened(_)
            | Self::Removed { .. }
            | Self::Approval { .. }
            | Self::ApprovalUsed { .. }
            | Self::Held { .. }
            | Self::Undo { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. } => None,
        }
    }
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// The version of the program.
    pub version: String,
    /// The state of the journal's end.
    pub found: End,
    /// The bytes between the line before and this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Torn>,
    /// The line that the state knew as the last, where the journal was without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<JournalHead>,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "opened by version {}", self.version)?;
        match self.lost {
            Some(lost) => write!(f, ", without line {}, which the state knew", lost.sequence),
            None => Ok(()),
        }
    }
}

/// In which state opening found the end of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// There was no journal.
    New,
    /// It ends with a whole line.
    Whole,
    /// A crash tore the line that was being written; nothing had been done for it.
    Torn,
    /// It ends with lines that no crash leaves: somebody edited them.
    Altered,
}

/// Bytes that are no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Torn {
    /// How many, the line feed that ends them included.
    pub bytes: u64,
    /// The SHA-256 digest of them.
    pub hash: Digest,
}

/// An operation as it was announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentEntry {
    /// The operation's number.
    pub sequence: u64,
    /// The digest of the plan it is part of: the change set's name.
    pub plan: Digest,
    /// The policy it is made under.
    pub policy: PolicyName,
    /// The digest of that policy's document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Digest>,
    /// The policy's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The Git revision at which that file was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The cloud group.
    pub group: ObjectId,
    /// Why, in plain text.
    pub cause: String,
    /// The operation's word.
    pub operation: String,
    /// Where its object is, or comes to stand.
    pub dn: String,
    /// Its object; `None` for an object that is created.
    #[serde(default)]
    pub object: Option<ObjectGuid>,
    /// What changes.
    pub content: Content,
    /// What it takes away, as the guard counts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spends: Vec<Spend>,
}

/// What an operation changes, with the values before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// A new group with these attributes.
    Created(Vec<(AttributeName, String)>),
    /// Attribute values before and after.
    Changed(Vec<AttributeChange>),
    /// A deleted group comes back, with these attribute values.
    Restored(Vec<AttributeChange>),
    /// Values of `member` that come.
    MembersAdded(Vec<ObjectGuid>),
    /// Values of `member` that go.
    MembersRemoved(Vec<ObjectGuid>),
    /// Another name, another place, or both.
    Moved {
        /// The DN before.
        from: String,
        /// The DN after.
        to: String,
    },
    /// The group goes, as it stood.
    Deleted(#[serde(with = "LastSightText")] LastSight),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LastSight")]
struct LastSightText {
    attributes: Vec<(AttributeName, String)>,
    members: Vec<ObjectGuid>,
}

impl Content {
    /// What an operation changes.
    pub fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Add { attributes, .. } => Self::Created(attributes.clone()),
            Operation::Modify { attributes, .. } => Self::Changed(attributes.clone()),
            Operation::Restore { attributes, .. } => Self::Restored(attributes.clone()),
            Operation::AddMembers { members, .. } => Self::MembersAdded(members.clone()),
            Operation::RemoveMembers { members, .. } => Self::MembersRemoved(members.clone()),
            Operation::ModifyDn { target, to } => {
                Self::Moved { from: target.to_string(), to: to.to_string() }
            }
            Operation::Delete { last, .. } => Self::Deleted(last.clone()),
        }
    }
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeEntry {
    /// The operation's number: that of its intent.
    pub sequence: u64,
    /// What came of it.
    pub result: Outcome,
}

impl Entry {
    /// Reads a line whose hash has been checked; the text says what is wrong with it.
    pub(super) fn parse(line: u64, at: Timestamp, text: &[u8]) -> Result<Self, String> {
        let body = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        Ok(Self { line: Some(line), at, body })
    }

    /// Reads a line as versions without a chain wrote it: no number, no hash, and contents that are
    /// told apart by the operation's word. `None` for anything else.
    pub(super) fn before_the_chain(text: &[u8]) -> Option<Self> {
        let mut line: Value = serde_json::from_slice(text).ok()?;
        let members = line.as_object_mut()?;
        if members.contains_key("hash") || members.contains_key("line") {
            return None;
        }
        let at = serde_json::from_value(members.get("at")?.clone()).ok()?;
        if let Some(word) = members.get("operation").and_then(Value::as_str) {
            let content = members.get("content").cloned().unwrap_or_default();
            let inside = |name: &str| content.get(name).cloned().unwrap_or_default();
            let from = members.get("dn").cloned().unwrap_or_default();
            let content = match word {
                "add" => json!({ "created": inside("attributes") }),
                "modify" => json!({ "changed": inside("attributes") }),
                "restore" => json!({ "restored": inside("attributes") }),
                "add_members" => json!({ "membersAdded": inside("members") }),
                "remove_members" => json!({ "membersRemoved": inside("members") }),
                "modify_dn" => json!({ "moved": { "from": from, "to": inside("to") } }),
                _ => json!({ "deleted": { "attributes": [], "members": [] } }),
            };
            members.insert("content".to_owned(), content);
        }
        Some(Self { line: None, at, body: serde_json::from_value(line).ok()? })
    }
}
