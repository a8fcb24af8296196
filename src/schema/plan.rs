//! A plan as a type: what `plan --output json` prints, for programs.
//!
//! `report::json` makes the document; a test holds its output to this.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::codes::{FINDINGS, GUARD_ROWS, NOT_COMPUTED, REASONS, choice_of};
use super::status::Pauses;
use super::words::{ApiVersion, Id, Moment, Name, Sha256};
use crate::model::change::Kind;

/// What a pass would change, and what stands in its way.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: PlanKind,
    /// The digest of everything that waits, admitted or held: what `apply --expect` takes.
    pub digest: Sha256,
    /// The digest of what needs a person's eyes: changes whose cause is a policy file, and every
    /// removal, rename, move and conversion. `apply --expect` takes it, too.
    pub reviewed: Sha256,
    /// The digest of the held changes; null when nothing is held.
    pub held_digest: Option<Sha256>,
    /// The digest of what each policy holds, by its name: each can be approved by itself.
    pub held_by_policy: BTreeMap<String, Sha256>,
    /// Whether every reading was whole.
    pub complete: bool,
    /// What was left out because no memory was at hand.
    pub not_computed: Vec<NotComputed>,
    /// Every change: admitted, held, frozen, unconfirmed, observed.
    pub changes: Vec<PlannedChange>,
    /// The limits that were passed.
    pub held: Vec<Hold>,
    /// What people paused: the plan shows what waits for the end of a pause, too.
    pub pauses: Pauses,
    /// Approvals that still let something through.
    pub approvals: Vec<Approval>,
    /// Policies that cannot be acted on.
    pub stalled: Vec<StalledPolicy>,
    /// Groups of which nothing is changed, because not enough is known.
    pub unknown: Vec<UnknownGroup>,
    /// What is worth telling.
    pub findings: Vec<Finding>,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum PlanKind {
    /// A plan.
    Plan,
}

/// One change to one directory group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// The policy it is made under.
    pub policy: Name,
    /// The object id of the cloud group.
    pub group: Id,
    /// The objectGUID of the directory group; null before it is created.
    pub object: Option<Id>,
    /// Where the directory group is, or will be created.
    pub dn: String,
    /// What is done.
    #[schemars(schema_with = "kind")]
    pub kind: String,
    /// With which values; its form depends on the kind.
    pub content: Content,
    /// A name for people.
    pub label: String,
    /// Why: a policy file and line, the cloud, or drift in the directory.
    pub cause: String,
    /// Whether it may be made.
    pub admission: Admission,
    /// The names of the members that are added or removed; their number for a group that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
}

fn kind(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": Kind::ALL.map(Kind::word) })
}

/// The values of a change.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Content {
    /// `create`: each attribute with its value.
    Attributes(Vec<(String, String)>),
    /// `update`, `restore`, `disable`, `adopt`, `release`: each attribute that changes.
    Changes(Vec<AttributeChange>),
    /// `handover`: the ownership record.
    Record(AttributeChange),
    /// `convert`: `groupType` before and after.
    Types(i32, i32),
    /// `add_members`, `remove_members`: objectGUIDs, and anchors of groups that are created first.
    Members(Vec<String>),
    /// `rename`, `move`, `quarantine`: the new DN.
    To(String),
    /// `delete`, `freeze`: none.
    Nothing,
}

/// A value of an attribute, before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AttributeChange {
    /// Its LDAP name.
    pub name: String,
    /// What goes; null when there is none.
    pub before: Option<String>,
    /// What comes; null when it is taken off.
    pub after: Option<String>,
}

/// Whether a change may be made.
#[derive(Debug, Serialize, JsonSchema)]
pub enum Admission {
    /// It waits for `apply` or the daemon.
    Admitted,
    /// A limit of the guard keeps it back.
    Held,
    /// The group stays as it is; nothing is written.
    Frozen,
    /// A removal that needs a second look before it may be planned.
    Unconfirmed,
    /// What a policy in mode Observe would do; it is never made.
    Observed,
}

/// Members of a change.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Members {
    /// Their names.
    Names(Vec<String>),
    /// Their number.
    Count(u64),
}

/// One limit that was passed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What was counted.
    #[schemars(schema_with = "row")]
    pub row: String,
    /// Under which policy.
    pub policy: Name,
    /// In which cloud group, where the row is about one.
    pub group: Option<Id>,
    /// How many.
    pub measured: u64,
    /// How many may pass.
    pub limit: u64,
    /// Value, limit, where it is set, and what passes it once, in a sentence.
    pub message: String,
    /// Since when the oldest of what it counts is held; null where it is new. Told by plans alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
}

/// A word for what was not computed.
#[derive(Debug, Serialize)]
pub struct NotComputed(pub String);

impl JsonSchema for NotComputed {
    fn schema_name() -> Cow<'static, str> {
        "NotComputed".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        choice_of(NOT_COMPUTED)
    }
}

/// An approval that still lets something through.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The digest of the held set that was approved.
    pub digest: Sha256,
    /// By whom.
    pub approved_by: String,
    /// When it was taken.
    pub at: Moment,
    /// When it ends.
    pub not_after: Moment,
    /// How much of each kind of change it still lets through.
    pub kinds: BTreeMap<String, u64>,
}

fn row(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    choice_of(GUARD_ROWS)
}

/// A policy that cannot be acted on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StalledPolicy {
    /// Which one.
    pub policy: Name,
    /// Why, in a word.
    #[schemars(schema_with = "reason")]
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// Why a condition is as it is.
pub(super) fn reason(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    choice_of(REASONS)
}

/// A group of which not enough is known.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnknownGroup {
    /// The object id of the cloud group.
    pub group: Id,
    /// Why.
    pub reason: String,
}

/// A fact worth telling that is no error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// The policy concerned, if one.
    pub policy: Option<Name>,
    /// The object id of the cloud group concerned, if one.
    pub group: Option<Id>,
    /// What was found.
    #[schemars(schema_with = "finding")]
    pub code: String,
    /// What it means and what to do, in a sentence.
    pub message: String,
}

/// What was found.
pub(super) fn finding(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    choice_of(FINDINGS)
}
