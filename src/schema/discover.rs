//! A discovery as a type: what `discover --output json` prints, for programs.
//!
//! `report::discovery` makes the document; a test holds its output to this. A fact that could not
//! be read is absent, or null where the side was reached and does not say; a problem tells why.
//! `facts` holds what is so.

pub mod facts;

use schemars::JsonSchema;
use serde::Serialize;

use super::words::{ApiVersion, Id, Name};
use facts::Facts;

/// What is there before anything is written, what is wrong with it, and how to begin.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: DiscoveryKind,
    /// Whether everything was read that was asked for.
    pub complete: bool,
    /// What is so.
    pub facts: Facts,
    /// Every Microsoft 365 group that is born in the cloud, sorted by name.
    pub groups: Vec<Outlook>,
    /// What stands in the way, sorted.
    pub problems: Vec<Problem>,
    /// How to begin.
    pub recommendation: Recommendation,
}

/// What the document is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum DiscoveryKind {
    /// A discovery.
    Discovery,
}

/// One Microsoft 365 group and what becomes of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Its display name.
    pub name: String,
    /// Its object id.
    pub id: Id,
    /// Its writeback setting.
    pub setting: Setting,
    /// `onPremisesGroupType` as it came; null where it is null or not known.
    pub group_type: Option<String>,
    /// What each policy would do with it; those of the two approaches where none is in force.
    pub policies: Vec<PolicyOutlook>,
}

/// The writeback setting of a group.
#[derive(Debug, Serialize, JsonSchema)]
pub enum Setting {
    /// It could not be read.
    Unknown,
    /// `isEnabled` is null.
    NotSet,
    /// `isEnabled` is true.
    On,
    /// `isEnabled` is false.
    Off,
}

/// What one policy would do with one group.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyOutlook {
    /// The policy.
    pub policy: Name,
    /// In one word.
    pub verdict: OutlookVerdict,
    /// In a clause that reads after the policy's name.
    pub what: String,
}

/// What a policy would do with a group, in one word.
#[derive(Debug, Serialize, JsonSchema)]
pub enum OutlookVerdict {
    /// It is written.
    Written,
    /// It is selected, but something stands in the way: a problem of the group tells what.
    Blocked,
    /// It is selected, but another policy has it.
    TakenByAnother,
    /// Its writeback setting keeps it out.
    FlagOff,
    /// The selection does not take it.
    NotSelected,
    /// It can never be written.
    Never,
    /// Not enough is known.
    Unknown,
}

/// Something that stands in the way of a good writeback.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// What is wrong.
    pub code: ProblemCode,
    /// With what: a right, a container, a group.
    pub subject: String,
    /// The policy concerned; null where it is none.
    pub policy: Option<Name>,
    /// What was seen, in a sentence; names in it come from people who own groups.
    pub what: String,
    /// What follows from it.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
}

/// What is wrong.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ProblemCode {
    /// What is wrong with a side, a right or a container.
    Estate(EstateProblem),
    /// What a plan or the status would tell as a finding.
    #[schemars(schema_with = "super::plan::finding")]
    Finding(String),
}

/// What is wrong with a side, a right or a container.
#[derive(Debug, Serialize, JsonSchema)]
pub enum EstateProblem {
    /// Nothing of the tenant can be read.
    TenantUnavailable,
    /// Nothing of the domain can be read.
    DomainUnavailable,
    /// One thing could not be read.
    ReadIncomplete,
    /// The application lacks a right.
    RightMissing,
    /// The application has a right that nothing needs.
    RightExcess,
    /// A credential has ended or ends soon.
    CredentialEnds,
    /// Entra ID P1 is not in force.
    LicenceMissing,
    /// Microsoft's own writeback is on.
    MicrosoftWritebackOn,
    /// Whether Microsoft's own writeback is on cannot be read.
    MicrosoftWritebackUnknown,
    /// A container does not exist.
    ContainerMissing,
    /// A container lies in no part of the domain.
    ContainerOutsideDomain,
    /// The bind account lacks a right.
    DirectoryRightMissing,
    /// The bind account has a right that nothing needs.
    DirectoryRightExcess,
    /// The schema lacks an attribute that holds an anchor.
    AnchorAttributeMissing,
    /// The forest has more domains than the one that is read.
    SeveralDomains,
    /// Deleted groups come back without what they held.
    RecycleBinOff,
    /// A domain controller that refuses every restoration while the bin is on.
    RecycleBinRefusesRestores,
    /// A policy cannot be acted on.
    PolicyStalled,
}

/// How to begin.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recommendation {
    /// Which of the two ways.
    pub approach: Approach,
    /// Why.
    pub reason: String,
    /// The files for the policy folder, with the first container of the configuration.
    pub policies: Vec<ReadyPolicy>,
}

/// The two ways to begin.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approach {
    /// Every Microsoft 365 group, as a distribution group; nothing deleted before hard deletion.
    DefaultBehaviour,
    /// Only groups that are configured; deleted when they are disabled or deleted.
    OnlyConfigured,
}

/// A policy file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReadyPolicy {
    /// Its name in the policy folder.
    pub file: String,
    /// What it says.
    pub text: String,
}
