//! An explanation as a type: what `explain --output json` prints, for programs.
//!
//! `report::explanation` makes the document; a test holds its output to this.

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{Finding, PlannedChange};
use super::status::Condition;
use super::words::{ApiVersion, Id, Moment, Name};

/// Why a group is written or not, and why a person is in it or not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: ExplanationKind,
    /// The object id of the cloud group.
    pub group: Id,
    /// Its display name; null where the tenant does not list it.
    pub display_name: Option<String>,
    /// What it is to this daemon.
    pub state: ExplainedState,
    /// The policy that has it, or would have it; null where none does.
    pub policy: Option<Name>,
    /// Whether every reading that the answer depends on was whole.
    pub complete: bool,
    /// What is true of it: Ready, Reconciling, Stalled, Held, Drifted, each since this look. None
    /// where no policy in force has it.
    pub conditions: Vec<Condition>,
    /// What it comes to.
    pub summary: Vec<Sentence>,
    /// What each policy says, the strongest claim first.
    pub policies: Vec<Sentence>,
    /// What it is called and where it stands, and by which rule.
    pub name: Vec<Sentence>,
    /// Its directory group.
    pub directory: Vec<Sentence>,
    /// Every change of it: admitted, held, frozen, unconfirmed, observed.
    pub changes: Vec<ExplainedChange>,
    /// What is worth telling of it, and of its policy as a whole.
    pub findings: Vec<Finding>,
    /// Why the person is in it or not; null where nobody was asked for.
    pub person: Option<ExplainedPerson>,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum ExplanationKind {
    /// An explanation.
    Explanation,
}

/// What a group is to this daemon.
#[derive(Debug, Serialize, JsonSchema)]
pub enum ExplainedState {
    /// A policy writes it.
    Written,
    /// A policy takes it, and its directory group waits to be made or brought back.
    Awaited,
    /// A policy takes it, but something stands in the way.
    Blocked,
    /// Its directory group stays as it is.
    Frozen,
    /// Its directory group is disabled, quarantined or deleted.
    Ending,
    /// Not enough is known of it.
    Unknown,
    /// Its policy writes nothing now.
    Idle,
    /// An observing policy would take it.
    Observed,
    /// No policy takes it.
    NotWritten,
}

/// A sentence, and what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sentence {
    /// For people; names in it come from people who own groups.
    pub text: String,
    /// The place in a policy file that says so, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Place {
    /// The file, as the configuration names it.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// A change of the group, and what becomes of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedChange {
    /// The change, as a plan has it.
    #[serde(flatten)]
    pub change: PlannedChange,
    /// Why it is held, each in a sentence; empty where it is not.
    pub holds: Vec<String>,
    /// Since when it is held; null where it is not, or is held for the first time.
    pub held_since: Option<Moment>,
}

/// Why a person is in the group or not.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedPerson {
    /// A name for people.
    pub label: String,
    /// The object id in the tenant; null where nobody there is known to be meant.
    pub id: Option<Id>,
    /// The objectGUID of the account in the directory; null where none is known.
    pub object: Option<Id>,
    /// Where the person is.
    pub belonging: Belonging,
    /// Why.
    pub sentences: Vec<Sentence>,
}

/// Where a person is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum Belonging {
    /// In the cloud group and in the directory group, nested groups counted.
    Both,
    /// In the cloud group alone.
    CloudOnly,
    /// In the directory group alone.
    DirectoryOnly,
    /// In neither.
    Neither,
}
