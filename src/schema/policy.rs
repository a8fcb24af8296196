//! The policy document as a type: `kind: WritebackPolicy`.
//!
//! The comments are what people read in their editor and in the reference. `policy::document`
//! reads the document; its values are those of `model::policy`. `guard` has the limits.

mod guard;

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{ApiVersion, Condition, Dn, Duration, Id, Name, Pattern, Text, TextExpression};
pub use guard::{
    Additions, Creations, GroupsRemoved, Guard, Leavers, MembershipsRemoved, OneGroup, Renames,
    SelectionLoss, ToEmpty,
};

use crate::model::policy::{
    Departure, Devices, FlagRule, GroupTypeRule, HiddenMembership, MailRule, MemberMode,
    Membership, Mode, NamePreset, Nested, RoleAssignable, SelectableType, Upkeep,
};

/// One rule set: which cloud groups are written back, how they look, and how they end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WritebackPolicy {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: PolicyKind,
    /// What the policy is called.
    pub metadata: PolicyMetadata,
    /// What the policy says.
    pub spec: PolicySpec,
}

/// What the document is.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// A policy.
    WritebackPolicy,
}

/// What the policy is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyMetadata {
    /// Unique in the folder. It stands in the ownership record of every group of the policy:
    /// another name is another policy.
    pub name: Name,
}

/// What the policy says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What the policy may do. Start with Observe and read the plan.
    pub mode: Mode,
    /// `true` keeps the groups of the policy and writes nothing.
    #[schemars(extend("default" = false))]
    pub suspend: Option<bool>,
    /// The lowest number takes a group that several policies select.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 100))]
    pub precedence: Option<u32>,
    /// Which groups. When absent: everything eligible whose flag allows it.
    pub selection: Option<Selection>,
    /// What the groups look like.
    pub group: Group,
    /// Who is in the groups.
    pub members: Option<Members>,
    /// What becomes of the directory group when its cloud group leaves. Acts under `mode: Sync`
    /// alone.
    pub deletion: Option<Deletion>,
    /// Directory groups that cloud groups of the policy take up as they stand: objectGUID, SID,
    /// name and place stay. Each cloud group and each object once, over all policies.
    #[schemars(extend("default" = []))]
    pub adoption: Option<Vec<Adoption>>,
    /// How much may change before a person has to say so.
    pub guard: Option<Guard>,
}

/// Which groups the policy takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// How the writeback flag of the tenant counts (Graph: `writebackConfiguration.isEnabled`).
    #[schemars(extend("default" = "Honour"))]
    pub writeback_flag: Option<FlagRule>,
    /// Groups whose members are hidden in the cloud. In the directory every account can read
    /// members.
    #[schemars(extend("default" = "Skip"))]
    pub hidden_membership: Option<HiddenMembership>,
    /// Groups that can be assigned to roles of the tenant.
    #[schemars(extend("default" = "Skip"))]
    pub role_assignable: Option<RoleAssignable>,
    /// Entries are alternatives; the fields inside one all hold. When absent: everything eligible.
    #[schemars(length(min = 1))]
    pub include: Option<Vec<Matcher>>,
    /// Entries of the same form. What one of them takes out stays out, whatever `include` says.
    #[schemars(extend("default" = []))]
    pub exclude: Option<Vec<Matcher>>,
}

/// One entry: at least one field, and all of them hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Matcher {
    /// The kinds of group. When absent: both.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub types: Option<Vec<SelectableType>>,
    /// How members get in. When absent: either way.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub membership: Option<Vec<Membership>>,
    /// These groups. An id that no group has is a finding.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub ids: Option<Vec<Id>>,
    /// A pattern that is found in the display name. Owners can rename their groups: `validate`
    /// warns.
    pub display_name: Option<Pattern>,
    /// The id of a control group: its direct members are meant. While it is missing or cannot be
    /// read, no group enters or leaves the policy.
    pub member_of: Option<Id>,
    /// A condition over the cloud group. `validate` warns where it reads what owners can change.
    pub expression: Option<Condition>,
}

/// What the groups look like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// The type of Microsoft 365 groups. Security groups are always universal security groups. A
    /// change of type converts the same object.
    #[serde(rename = "type")]
    #[schemars(extend("default" = "FromCloud"))]
    pub group_type: Option<GroupTypeRule>,
    /// Where the groups stand: one place, or rules.
    pub container: Container,
    /// The common name: what the DN starts with, at most 64 characters.
    pub common_name: Option<CommonName>,
    /// The pre-Windows 2000 name. One that is taken gets a suffix from `-2` to `-9`.
    pub sam_account_name: Option<SamAccountName>,
    /// The mail attributes: `mail`, `mailNickname` and the primary address in `proxyAddresses`.
    #[schemars(extend("default" = "WhenPrepared"))]
    pub mail: Option<MailRule>,
    /// Attributes beyond the standard set: single-valued strings of class group; never one that
    /// grants access, holds members, or says whose group it is.
    #[schemars(extend("default" = []))]
    pub attributes: Option<Vec<Attribute>>,
}

/// Where the groups stand: exactly one of `value` and `rules`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["value"] }, { "required": ["rules"] }]))]
pub struct Container {
    /// One place for all groups, inside `directory.containers`.
    pub value: Option<Dn>,
    /// Tried from the first to the last. Each has a condition but the last, which takes the rest.
    #[schemars(length(min = 1), extend(
        "contains" = { "not": { "required": ["when"] } },
        "minContains" = 1,
        "maxContains" = 1,
    ))]
    pub rules: Option<Vec<ContainerRule>>,
    /// Whether the place is kept after creation.
    #[schemars(extend("default" = "CreateOnly"))]
    pub mode: Option<Upkeep>,
}

/// One place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRule {
    /// For which groups. Absent in the last rule, and only there. `validate` warns where it reads
    /// what owners can change.
    pub when: Option<Condition>,
    /// The place, inside `directory.containers`.
    pub value: Dn,
}

/// The common name: from a preset or an expression, not both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["preset", "expression"] }))]
pub struct CommonName {
    /// One of the two ready names.
    #[schemars(extend("default" = "GroupId"))]
    pub preset: Option<NamePreset>,
    /// A name of your own. Empty or too long: the group has no name, finding `ImpossibleName`.
    pub expression: Option<TextExpression>,
    /// Whether the name is kept after creation.
    #[schemars(extend("default" = "Always"))]
    pub mode: Option<Upkeep>,
}

/// The pre-Windows 2000 name: from a preset or an expression, not both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["preset", "expression"] }))]
pub struct SamAccountName {
    /// One of the two ready names, without the characters that the directory refuses.
    #[schemars(extend("default" = "GroupId"))]
    pub preset: Option<NamePreset>,
    /// A name of your own; the characters that the directory refuses are removed.
    pub expression: Option<TextExpression>,
    /// Whether the name is kept after creation.
    #[schemars(extend("default" = "CreateOnly"))]
    pub mode: Option<Upkeep>,
}

/// An attribute beyond the standard set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// Its LDAP name. The directory's schema decides whether it suits: finding
    /// `AttributeUnsuitable`.
    #[schemars(extend(
        "pattern" = "^[A-Za-z][A-Za-z0-9-]{0,255}$",
        "examples" = ["info"],
    ))]
    pub name: Text,
    /// Its value. An empty text takes the attribute off.
    pub expression: TextExpression,
    /// Whether the value is kept after creation.
    #[schemars(extend("default" = "Always"))]
    pub mode: Option<Upkeep>,
}

/// Who is in the groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Members {
    /// Whether members are taken out.
    #[schemars(extend("default" = "Mirror"))]
    pub mode: Option<MemberMode>,
    /// What becomes of nested groups.
    #[schemars(extend("default" = "Keep"))]
    pub nested: Option<Nested>,
    /// What becomes of devices.
    #[schemars(extend("default" = "Include"))]
    pub devices: Option<Devices>,
    /// Objects of the directory that are never taken out: `sid:…`, `guid:…` or a full DN. While an
    /// entry is not found, the policy removes no member and no group.
    #[schemars(
        inner(regex(pattern = KEPT)),
        extend("default" = [], "examples" = [["sid:S-1-5-21-1111-2222-3333-4444"]]),
    )]
    pub keep: Option<Vec<Text>>,
    /// The most members of a group that is written; a larger one is left as it is. When absent:
    /// 50000 for Microsoft 365 groups and 250000 for security groups; a number given holds for
    /// both.
    #[schemars(range(min = 1, max = 250_000), extend("examples" = [250_000]))]
    pub maximum: Option<u32>,
}

const KEPT: &str = "^(sid:[Ss]-1(-[0-9]+){2,16}\
    |guid:[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\
    |[^:=]+=[\\s\\S]+)$";

/// What becomes of a directory group. Of several events the first of this order counts:
/// hard-deleted, soft-deleted, flag off, out of scope.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "if" = { "anyOf": [
        { "properties": { "onDisabled": { "const": "Quarantine" } }, "required": ["onDisabled"] },
        {
            "properties": { "onOutOfScope": { "const": "Quarantine" } },
            "required": ["onOutOfScope"],
        },
        {
            "properties": { "onSoftDeleted": { "const": "Quarantine" } },
            "required": ["onSoftDeleted"],
        },
        {
            "properties": { "onHardDeleted": { "const": "Quarantine" } },
            "required": ["onHardDeleted"],
        },
    ] },
    "then" = { "required": ["quarantineContainer"] },
    "else" = { "properties": { "quarantineContainer": false } },
))]
pub struct Deletion {
    /// When its writeback flag is switched off.
    #[schemars(extend("default" = "Retain"))]
    pub on_disabled: Option<Departure>,
    /// When no policy selects it any more.
    #[schemars(extend("default" = "Retain"))]
    pub on_out_of_scope: Option<Departure>,
    /// When it is in the tenant's deleted items.
    #[schemars(extend("default" = "Retain"))]
    pub on_soft_deleted: Option<Departure>,
    /// When it is gone for good: two complete listings, `schedule.confirmAfter` apart, the deleted
    /// items and a direct read all lack it.
    #[schemars(extend("default" = "Delete"))]
    pub on_hard_deleted: Option<Departure>,
    /// How long the event has to last before anything but `Retain` is done, at most 365d. It
    /// starts anew when the group comes back meanwhile.
    #[schemars(extend("default" = "0s"))]
    pub grace: Option<Duration>,
    /// Where quarantined groups go, inside `directory.containers`; no new group is created there.
    /// Required where an event says `Quarantine`, refused where none does.
    #[schemars(extend("examples" = ["OU=Quarantine,DC=corp,DC=example"]))]
    pub quarantine_container: Option<Dn>,
}

/// One directory group that a cloud group takes up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adoption {
    /// The object id of the cloud group.
    pub group: Id,
    /// The objectGUID of the directory group.
    #[schemars(extend("examples" = ["5d9a2a0e-7777-4bbb-8ccc-999999999999"]))]
    pub object: Id,
    /// `true` says that Microsoft's own writeback does not write the group any more. Without it an
    /// object with the anchor of that writeback is not taken up.
    #[schemars(extend("default" = false))]
    pub incumbent_off: Option<bool>,
}
