//! The approval document as a type: `kind: Approval`.
//!
//! The comments are what people read in their editor and in the reference. `policy::approval`
//! reads the document.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{ApiVersion, HeldDigest, Moment, Name, Text};

/// A person's word that lets one held set through, once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: ApprovalKind,
    /// What the approval is called.
    pub metadata: ApprovalMetadata,
    /// What is let through.
    pub spec: ApprovalSpec,
}

/// What the document is.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum ApprovalKind {
    /// An approval.
    Approval,
}

/// What the approval is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalMetadata {
    /// A name for people, such as that of the change or ticket.
    pub name: Name,
}

/// What is let through.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalSpec {
    /// The digest of the held set as the plan, the status and the alert print it, or its first
    /// digits, 12 at least. In quotes where it has decimal digits alone.
    pub digest: HeldDigest,
    /// Who says so, at most 200 characters; the journal repeats it.
    #[schemars(length(max = 200), extend("examples" = ["Ada Lovelace, CHG0042"]))]
    pub approved_by: Text,
    /// When the approval ends, whatever of the set is open then; at most 24 hours ahead when it is
    /// taken.
    pub not_after: Moment,
}
