//! The status as a type: what `/api/v1/status` answers and `status --output json` prints.
//!
//! `report::status` makes the document; a test holds its output to this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::{Approval, Finding, Hold};
use super::words::{ApiVersion, Id, Moment, Name, Sha256};
use crate::model::policy::Mode;

/// What the daemon says of itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: StatusKind,
    /// The version of the program.
    pub version: String,
    /// The owner name.
    pub owner: Name,
    /// The configuration file.
    pub configuration: String,
    /// When the daemon started.
    pub started_at: Moment,
    /// Every policy in force, by name.
    pub policies: BTreeMap<String, PolicyStatus>,
    /// The policy folder.
    pub folder: FolderStatus,
    /// What people paused.
    pub pauses: Pauses,
    /// The last pass that ended; null before the first.
    pub last_pass: Option<PassStatus>,
    /// The last 20 passes, the newest first; those of an earlier process among them.
    pub last_passes: Vec<PassStatus>,
    /// When a pass last saw everything and did all that it may.
    pub last_success_at: Option<Moment>,
    /// Passes without success since then.
    pub consecutive_failures: u64,
    /// When the next pass starts.
    pub next_pass_at: Option<Moment>,
    /// Why the last pass could not look; null when it could.
    pub fault: Option<FaultStatus>,
    /// What the last pass found.
    pub plan: PlanStatus,
    /// What memory stands on after the last pass.
    pub memory: MemoryStatus,
    /// Whether a daemon runs: false in what is left after it.
    pub running: bool,
    /// Whether the daemon was asked to stop.
    pub stopping: bool,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum StatusKind {
    /// A status.
    Status,
}

/// One policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// The file it stands in.
    pub file: String,
    /// What it may do.
    pub mode: Mode,
    /// Whether it is suspended.
    pub suspend: bool,
    /// The digest of its text.
    pub generation: Sha256,
    /// The Git revision at which the version in force was read; null outside Git.
    pub revision: Option<String>,
    /// The groups it holds in the directory, as the last pass saw it that could look.
    pub groups: u64,
    /// Their memberships.
    pub memberships: u64,
    /// What is true of it.
    pub conditions: Vec<Condition>,
}

/// What is true of a policy or a group, why, and since when.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it speaks of.
    #[serde(rename = "type")]
    #[schemars(schema_with = "condition")]
    pub kind: String,
    /// Whether it holds.
    pub status: bool,
    /// Why, in a word.
    #[schemars(schema_with = "super::plan::reason")]
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Since when `status` is what it is, as far as this process saw.
    pub last_transition_time: Moment,
    /// The digest of the text of the policy that it speaks of.
    pub observed_generation: Sha256,
}

fn condition(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::codes::choice_of(super::codes::CONDITIONS)
}

/// What people paused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pauses {
    /// Everything; null where it is not paused.
    pub all: Option<Pause>,
    /// Single policies, by name.
    pub policies: BTreeMap<String, Pause>,
}

/// A person's word that nothing is written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pause {
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// The policy folder.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FolderStatus {
    /// The digest of all files; null while the folder cannot be read.
    pub generation: Option<Sha256>,
    /// The Git revision that was last read; null outside Git. What is in force may be older: each
    /// policy says of which revision it is.
    pub revision: Option<String>,
    /// When something new was last read; null before the first time.
    pub loaded_at: Option<Moment>,
    /// Everything that is wrong, one line each: `file:line:column: message; remedy`.
    pub mistakes: Vec<String>,
}

/// A pass that ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PassStatus {
    /// Its number in this process, from 1.
    pub number: u64,
    /// When it ended.
    pub ended_at: Moment,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    #[schemars(schema_with = "result")]
    pub result: String,
    /// Changes that the directory now shows.
    pub changes_done: u64,
    /// Changes that it does not show.
    pub changes_failed: u64,
    /// Changes that a guard kept back.
    pub held_changes: u64,
}

fn result(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::codes::choice_of(super::codes::RESULTS)
}

/// Why a pass could not look.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FaultStatus {
    /// What could not be read.
    #[schemars(schema_with = "side")]
    pub side: String,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

fn side(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::codes::choice_of(super::codes::SIDES)
}

/// What the last pass found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// The digest of everything that waited; null before the first pass.
    pub digest: Option<Sha256>,
    /// How many changes of each kind the guard admitted.
    pub waiting: BTreeMap<String, u64>,
    /// The limits that were passed.
    pub held: Vec<Hold>,
    /// How many changes are held.
    pub held_changes: u64,
    /// The digest of the held changes; null when nothing is held.
    pub held_digest: Option<Sha256>,
    /// Groups of which not enough is known, by object id, with the reason.
    pub unknown: BTreeMap<String, String>,
    /// How many findings there are.
    pub findings_total: u64,
    /// The first 1,000 of them.
    pub findings: Vec<Finding>,
    /// Groups of the directory that hold written-back groups.
    pub parents: Parents,
}

/// What memory stands on.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStatus {
    /// Finished passes behind it.
    pub passes: u64,
    /// Until when every removal waits, because nobody knows what was removed lately; null where
    /// that is known.
    pub closed_until: Option<Moment>,
    /// What is held, by the digests that a person may approve.
    pub held_sets: Vec<HeldSet>,
    /// Approvals that still let something through.
    pub approvals: Vec<Approval>,
    /// The last line of the journal, its number and its hash; null before the first.
    pub journal_head: Option<String>,
    /// Why memory could not be put on disk; null where it is there.
    pub fault: Option<String>,
}

/// A set of held changes that can be approved.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldSet {
    /// Its digest: what `writeback approve` takes.
    pub digest: Sha256,
    /// Since when the oldest of it is held; null where it is new.
    pub since: Option<Moment>,
    /// Until when an approval of it is refused, because an equal set was let through; null where
    /// it is not.
    pub refused_until: Option<Moment>,
    /// How much of each kind of change it holds.
    pub kinds: BTreeMap<String, u64>,
}

/// Groups of the directory that hold written-back groups, by the object id of the cloud group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Parents(pub BTreeMap<String, Vec<Parent>>);

/// A group of the directory that holds a written-back group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// Where it is.
    pub dn: String,
    /// The object id of the tenant's group that is read from it; null where it is not synchronised.
    pub cloud_group: Option<Id>,
    /// Whether the tenant shows the nesting; null where that is not known.
    pub nested_in_cloud: Option<bool>,
}
