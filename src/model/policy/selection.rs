//! `spec.selection`: which cloud groups a policy takes.
//!
//! Made by `policy::document`; judged by `decide::select`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::Place;
use crate::model::{Expression, ObjectId};

/// Which groups a policy takes.
#[derive(Clone, Debug)]
pub struct Selection {
    /// How Graph's `writebackConfiguration` counts.
    pub writeback_flag: FlagRule,
    /// Groups whose members are hidden in the cloud.
    pub hidden_membership: HiddenMembership,
    /// Groups that can be assigned to directory roles of the tenant.
    pub role_assignable: RoleAssignable,
    /// Alternatives; `None` when the field is absent: everything eligible.
    pub include: Option<Vec<Matcher>>,
    /// Alternatives that take groups out again.
    pub exclude: Vec<Matcher>,
}

/// How Graph's `writebackConfiguration` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum FlagRule {
    /// Microsoft 365 groups unless `isEnabled` is false; security groups only if it is true.
    Honour,
    /// The same, but null on a Microsoft 365 group without a directory group of ours follows the
    /// tenant's default for new groups.
    HonourTenantDefault,
    /// Only if `isEnabled` is true.
    RequireTrue,
    /// The flag does not count.
    Ignore,
}

/// Groups with `visibility: HiddenMembership`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum HiddenMembership {
    /// Not written: the directory lets every account read members.
    Skip,
    /// Written all the same.
    Write,
}

/// Groups that can be assigned to directory roles of the tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum RoleAssignable {
    /// Not written: whoever changes the directory group would have no say in the tenant, but the
    /// other way round.
    Skip,
    /// Written like any other.
    Include,
}

/// One entry of `include` or `exclude`: all present fields hold.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Where the entry starts.
    pub place: Place,
    /// The kinds; absent means any.
    pub types: Option<BTreeSet<SelectableType>>,
    /// How members get in; absent means any.
    pub membership: Option<BTreeSet<Membership>>,
    /// Object ids; absent means any.
    pub ids: Option<BTreeSet<ObjectId>>,
    /// A pattern that must be found in the display name; absent means any.
    pub display_name: Option<regex::Regex>,
    /// A control group whose direct members are meant; absent means any.
    pub member_of: Option<ObjectId>,
    /// A condition over the cloud group; absent means any.
    pub expression: Option<Expression>,
}

/// The kinds of group that can be written back.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
pub enum SelectableType {
    /// Microsoft 365 group.
    Microsoft365,
    /// Security group without a mailbox.
    Security,
}

/// How members get into a cloud group.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
pub enum Membership {
    /// By hand or by program.
    Assigned,
    /// By the tenant's own rule.
    Dynamic,
}
