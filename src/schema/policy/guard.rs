//! `spec.guard` as a type: every limit with its default.
//!
//! `policy::document` reads the section; the values are those of `model::policy::GuardRules`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::policy::OnTrip;

/// How much may change before a person has to say so. Percentages are of what the policy held when
/// the last pass finished: of its groups, of their memberships, of one group's members.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guard {
    /// What is held when a limit is passed.
    #[schemars(extend("default" = "HoldTripped"))]
    pub on_trip: Option<OnTrip>,
    /// Groups deleted, disabled, quarantined, or turned from security to distribution, in a pass
    /// and in 24 hours.
    pub groups_removed: Option<GroupsRemoved>,
    /// Members removed over all groups, in a pass and in 24 hours.
    pub memberships_removed: Option<MembershipsRemoved>,
    /// People and devices gone from the tenant or disabled there, in a pass and in 24 hours. Each
    /// counts once, and in no other row.
    pub leavers: Option<Leavers>,
    /// Members removed from one group, in a pass and in 24 hours.
    pub one_group: Option<OneGroup>,
    /// Groups that would lose all their members.
    pub to_empty: Option<ToEmpty>,
    /// Renames and moves in a pass.
    pub renames: Option<Renames>,
    /// New groups in a pass.
    pub creations: Option<Creations>,
    /// Members added in a pass to one group that was filled before.
    pub additions: Option<Additions>,
    /// Groups that the selection loses in a pass. To lose all of them is always held.
    pub selection: Option<SelectionLoss>,
}

/// Groups removed: min(`percent` %, max(`most`, `mostPerThousand` ‰)),
/// and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupsRemoved {
    /// Of the groups.
    #[schemars(range(min = 0, max = 100), extend("default" = 5))]
    pub percent: Option<u32>,
    /// A number that a large policy does not pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 10))]
    pub most: Option<u32>,
    /// Unless this share of it is more.
    #[schemars(range(min = 0, max = 1_000), extend("default" = 5))]
    pub most_per_thousand: Option<u32>,
    /// What a small policy may always do.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 1))]
    pub at_least: Option<u32>,
}

/// Members removed: min(`percent` %, max(`most`, `mostPerThousand` ‰)),
/// and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MembershipsRemoved {
    /// Of the memberships.
    #[schemars(range(min = 0, max = 100), extend("default" = 5))]
    pub percent: Option<u32>,
    /// A number that a large policy does not pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 200))]
    pub most: Option<u32>,
    /// Unless this share of it is more.
    #[schemars(range(min = 0, max = 1_000), extend("default" = 5))]
    pub most_per_thousand: Option<u32>,
    /// What a small policy may always do.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 5))]
    pub at_least: Option<u32>,
}

/// Leavers: `percent` %, and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leavers {
    /// Of the principals.
    #[schemars(range(min = 0, max = 100), extend("default" = 2))]
    pub percent: Option<u32>,
    /// What may always pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 10))]
    pub at_least: Option<u32>,
}

/// Members of one group: `percent` %, and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OneGroup {
    /// Of its members.
    #[schemars(range(min = 0, max = 100), extend("default" = 25))]
    pub percent: Option<u32>,
    /// What may always pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 3))]
    pub at_least: Option<u32>,
}

/// Groups that would lose all their members.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToEmpty {
    /// A group of so many members or more is not emptied, unless all of them are leavers.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 3))]
    pub from: Option<u32>,
}

/// Renames and moves: `percent` %, and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Renames {
    /// Of the groups.
    #[schemars(range(min = 0, max = 100), extend("default" = 10))]
    pub percent: Option<u32>,
    /// What may always pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 50))]
    pub at_least: Option<u32>,
}

/// New groups: `most`, and from `percentFrom` groups on also `percent` %.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Creations {
    /// In a pass, whatever the policy holds.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 500))]
    pub most: Option<u32>,
    /// Of the groups that are there.
    #[schemars(range(min = 0, max = 100), extend("default" = 20))]
    pub percent: Option<u32>,
    /// From how many groups on the percentage counts, too.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 50))]
    pub percent_from: Option<u32>,
}

/// New members of one group: max(`times` times its size, `atLeast`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Additions {
    /// Of the group's size.
    #[schemars(range(min = 0, max = 1_000), extend("default" = 10))]
    pub times: Option<u32>,
    /// What may always pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 5_000))]
    pub at_least: Option<u32>,
}

/// Groups that leave the selection: `percent` %, and at least `atLeast` may pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectionLoss {
    /// Of the groups.
    #[schemars(range(min = 0, max = 100), extend("default" = 10))]
    pub percent: Option<u32>,
    /// What may always pass.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 3))]
    pub at_least: Option<u32>,
}
