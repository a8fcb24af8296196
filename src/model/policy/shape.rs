//! `spec.group`: what written groups look like.
//!
//! Made by `policy::document`; read by `decide::naming` and `decide::content`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::Place;
use crate::model::{AttributeName, Dn, Expression};

/// What the written groups look like.
#[derive(Clone, Debug)]
pub struct GroupShape {
    /// The type of Microsoft 365 groups; security groups are always universal security groups.
    pub group_type: GroupTypeRule,
    /// Where they stand.
    pub placement: Placement,
    /// The common name.
    pub common_name: Naming,
    /// The pre-Windows 2000 name.
    pub sam_account_name: Naming,
    /// Whether mail attributes are written.
    pub mail: MailRule,
    /// Attributes beyond the standard set.
    pub attributes: Vec<ExtraAttribute>,
}

/// Where groups stand.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Tried in this order; the last one always holds.
    pub rules: Vec<ContainerRule>,
    /// Whether the place is kept after creation.
    pub mode: Upkeep,
}

/// One place.
#[derive(Clone, Debug)]
pub struct ContainerRule {
    /// Where the rule starts; where there is one place for all, its value.
    pub place: Place,
    /// For which groups; `None` for all that are left.
    pub when: Option<Expression>,
    /// The container.
    pub container: Dn,
}

/// Whether mail attributes are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum MailRule {
    /// For mail-enabled types, where the directory was prepared for Exchange.
    WhenPrepared,
    /// Never.
    Never,
}

/// An attribute beyond the standard set.
#[derive(Clone, Debug)]
pub struct ExtraAttribute {
    /// Where the entry starts.
    pub place: Place,
    /// Its LDAP name.
    pub name: AttributeName,
    /// What it holds; an empty text takes it off.
    pub expression: Expression,
    /// Whether it is kept after creation.
    pub mode: Upkeep,
}

/// The directory type of Microsoft 365 groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum GroupTypeRule {
    /// The cloud's `onPremisesGroupType`, else universal distribution.
    FromCloud,
    /// Always a universal distribution group.
    UniversalDistribution,
    /// Always a universal security group.
    UniversalSecurity,
    /// Always a universal security group with mail attributes.
    UniversalMailEnabledSecurity,
}

/// How a name is made and whether it is kept.
#[derive(Clone, Debug)]
pub struct Naming {
    /// Where it stands: its section, or `spec.group` where that says nothing of it.
    pub place: Place,
    /// From what.
    pub source: NameSource,
    /// Whether it is kept after creation.
    pub mode: Upkeep,
}

/// From what a name is made.
#[derive(Clone, Debug)]
pub enum NameSource {
    /// One of the two presets.
    Preset(NamePreset),
    /// An expression over the cloud group.
    Expression(Expression),
}

/// The two names that need no expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum NamePreset {
    /// `Group_<object id>`.
    GroupId,
    /// Display name, `_`, last 12 characters of the id.
    DisplayNameAndId,
}

/// Whether a name or place is kept after creation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Upkeep {
    /// Set whenever it differs.
    Always,
    /// Set once, then left to the administrators.
    CreateOnly,
}
