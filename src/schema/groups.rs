//! Groups as types: what `/api/v1/groups` and `/api/v1/groups/ID` answer, for programs.
//!
//! `report::groups` makes the documents; a test holds its output to this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::Finding;
use super::status::Condition;
use super::words::{ApiVersion, Id, Moment, Name};
use crate::model::Outcome;
use crate::model::change::Kind;

/// One page of the groups that a query asks for.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupList {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: GroupListKind,
    /// When the pass began that this is of; null before the first plan.
    pub at: Option<Moment>,
    /// How many groups are in each state, whatever was asked for; every state is there.
    pub states: BTreeMap<String, u64>,
    /// How many groups are asked for.
    pub total: u64,
    /// Which page of them this is, from 1.
    pub page: u64,
    /// How many pages there are, at least 1.
    pub pages: u64,
    /// How many groups are on a page at most.
    pub limit: u64,
    /// The groups of this page, sorted by name.
    pub items: Vec<GroupBrief>,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum GroupListKind {
    /// A page of groups.
    GroupList,
}

/// One group whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: GroupKind,
    /// When the pass began that this is of; null before the first plan.
    pub at: Option<Moment>,
    /// What the list tells of it, too.
    #[serde(flatten)]
    pub brief: GroupBrief,
    /// What is true of it: Ready, Reconciling, Stalled, Held, Drifted. None where no policy in
    /// force has it.
    pub conditions: Vec<Condition>,
    /// Its lines of the plan.
    pub changes: Vec<PlanLine>,
    /// What is worth telling of it.
    pub findings: Vec<Finding>,
    /// What the daemon did to it, the newest first: at most 50, also from before its last start as
    /// far as the end of the journal has it. What is older is in the journal.
    pub history: Vec<Deed>,
    /// Who is in it, who comes and who goes.
    pub members: MemberList,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum GroupKind {
    /// A group.
    Group,
}

/// One group in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupBrief {
    /// Its object id in the tenant.
    pub id: Id,
    /// Its display name, else its name in the directory, else its id. It comes from people who own
    /// groups.
    pub display_name: String,
    /// The policy that has it; null where none does.
    pub policy: Option<Name>,
    /// What it is.
    pub state: GroupState,
    /// Why, in a sentence; may be empty.
    pub reason: String,
    /// Since when, as far as this process saw.
    pub since: Moment,
    /// Where its directory group stands; null where there is none.
    pub dn: Option<String>,
    /// The objectGUID of its directory group; null where there is none.
    pub object_guid: Option<Id>,
    /// How many members the directory group has; null where they were not read.
    pub member_count: Option<u64>,
    /// How many findings it has.
    pub finding_count: u64,
    /// How many lines of the plan it has.
    pub change_count: u64,
}

/// What a group is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// A change was tried and the directory does not show it.
    Failed,
    /// A guard keeps changes back until a person lets them through.
    Held,
    /// A read was not whole; nothing of it is changed.
    Unknown,
    /// Somebody changed it in the directory; it is put right.
    Drifted,
    /// Changes wait.
    Pending,
    /// The directory group stays as it is; updates have stopped.
    Frozen,
    /// The directory group belongs to somebody else.
    Foreign,
    /// Its policy writes nothing now.
    Idle,
    /// Named by a policy or a finding, and not written.
    NotWritten,
    /// The directory is as it should be.
    InStep,
    /// Its directory group was deleted or let go of.
    Gone,
}

/// One line of the plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanLine {
    /// What becomes of it.
    pub part: PlanPart,
    /// What is done.
    #[schemars(schema_with = "kind")]
    pub kind: String,
    /// The change as `plan` prints it.
    pub text: String,
    /// Why: a policy file and line, the cloud, or drift in the directory.
    pub cause: String,
}

fn kind(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": Kind::ALL.map(Kind::word) })
}

/// What becomes of a line of the plan.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanPart {
    /// A guard keeps it back until a person lets it through.
    Held,
    /// It is made by the pass that planned it, or by the next `apply`.
    Waiting,
    /// A removal that needs a second look before it may be planned.
    Unconfirmed,
    /// What a policy that only observes would do.
    Observed,
    /// The group stays as it is; nothing is written.
    Frozen,
}

/// One change that was tried.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// When the pass that tried it began; of a change from before the last start, when it was
    /// announced.
    pub at: Moment,
    /// What was done.
    #[schemars(schema_with = "kind")]
    pub kind: String,
    /// The change as `plan` prints it; of a change from before the last start without how many
    /// members there were.
    pub text: String,
    /// Why it was made.
    pub cause: String,
    /// What it led to.
    #[schemars(schema_with = "outcome")]
    pub outcome: String,
    /// What the directory said where it did not do it; null where it did.
    pub message: Option<String>,
    /// Members that the directory refused one by one, and those left out with their own group.
    pub set_aside: u64,
}

fn outcome(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": Outcome::WORDS })
}

/// One page of the members of a group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberList {
    /// How many members are told of by name.
    pub total: u64,
    /// Which page of them this is, from 1.
    pub page: u64,
    /// How many pages there are, at least 1.
    pub pages: u64,
    /// How many members are on a page at most.
    pub limit: u64,
    /// Members of the cloud group that are left out and not told of by name.
    pub left_out_unnamed: u64,
    /// The members of this page: what is not ordinary first, then by name.
    pub items: Vec<Member>,
}

/// One member of a group.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Member {
    /// A name for people.
    pub name: String,
    /// What it is.
    pub kind: MemberKind,
    /// What it is to the group.
    pub state: MemberState,
    /// The object id of its own cloud group, where it is a group that is told of here.
    pub group: Option<Id>,
}

/// What a member is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A person's account.
    User,
    /// A computer or a registered device.
    Device,
    /// A group.
    Group,
    /// A contact.
    Contact,
    /// Anything else.
    Other,
}

/// What a member is to its group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// It would be taken out, and a guard keeps that back.
    RemovalHeld,
    /// It would be added, and a guard keeps that back.
    AdditionHeld,
    /// It is taken out.
    ToBeRemoved,
    /// It is added.
    ToBeAdded,
    /// It is a member in the cloud and does not become one in the directory.
    LeftOut,
    /// It is a member.
    Member,
}
