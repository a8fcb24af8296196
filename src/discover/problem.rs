//! What stands in the way of a good writeback, in a closed set of words.
//!
//! Made by the other files of this room; printed by `report::discovery`. A word that `plan` and
//! `status` know as a finding is the same word here.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::discover::advice::{self, Advice};
use crate::model::{FindingCode, PolicyName};

/// What is wrong. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
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
    /// What a pass would tell as well.
    Finding(FindingCode),
}

impl Code {
    /// The public word.
    pub fn word(self) -> String {
        match self {
            Self::Finding(code) => format!("{code:?}"),
            Self::TenantUnavailable
            | Self::DomainUnavailable
            | Self::ReadIncomplete
            | Self::RightMissing
            | Self::RightExcess
            | Self::CredentialEnds
            | Self::LicenceMissing
            | Self::MicrosoftWritebackOn
            | Self::MicrosoftWritebackUnknown
            | Self::ContainerMissing
            | Self::ContainerOutsideDomain
            | Self::DirectoryRightMissing
            | Self::DirectoryRightExcess
            | Self::AnchorAttributeMissing
            | Self::SeveralDomains
            | Self::RecycleBinOff
            | Self::RecycleBinRefusesRestores
            | Self::PolicyStalled => format!("{self:?}"),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One problem, with what it means and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub code: Code,
    /// With what: a right, a container, a group.
    pub subject: String,
    /// The policy concerned, if one.
    pub policy: Option<PolicyName>,
    /// What was seen: a plain sentence.
    pub what: String,
    /// What follows from it.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Problem {
    /// A problem of no policy.
    pub(super) fn new(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        let Advice { meaning, remedy } = advice::of(code);
        let (subject, what) = (subject.into(), what.into());
        Self { code, subject, policy: None, what, meaning, remedy }
    }

    /// The same under the word of a finding.
    pub(super) fn finding(
        code: FindingCode,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Code::Finding(code), subject, what)
    }

    /// The same problem, of this policy.
    pub(super) fn of_policy(self, policy: &PolicyName) -> Self {
        Self { policy: Some(policy.clone()), ..self }
    }
}
