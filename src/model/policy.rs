//! What a policy means after it has been parsed: no text, no absent fields, nothing to re-check.
//!
//! Made by `policy::parse` from a document; read by `decide`.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Dn, ObjectId};

/// `metadata.name` of a policy: `[a-z0-9-]`, 1 to 50 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct PolicyName(String);

impl PolicyName {
    /// The longest name: it must fit into the ownership record beside the rest.
    pub const CHARACTERS_MAX: usize = 50;

    /// `None` unless the text is a valid name.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=Self::CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        valid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a file: what a cause or an error points at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One declared rule set.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name, unique in the folder.
    pub name: PolicyName,
    /// Where the document starts.
    pub place: Place,
    /// Where `spec.group` starts: the cause of names, places and types.
    pub group_place: Place,
    /// Where `spec.selection` starts, or the document's own place.
    pub selection_place: Place,
    /// Digest of the document's text.
    pub generation: Digest,
    /// What it may do.
    pub mode: Mode,
    /// Keeps its groups and writes nothing.
    pub suspend: bool,
    /// The lowest number claims a group that several policies select.
    pub precedence: u32,
    /// Which groups.
    pub selection: Selection,
    /// What the groups look like.
    pub group: GroupShape,
    /// Which members they get.
    pub members: MemberRules,
    /// What happens when a cloud group is gone for good.
    pub on_hard_deleted: OnHardDeleted,
}

/// What a policy may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Mode {
    /// Writes nothing and takes no group; prints what it would take.
    Observe,
    /// Creates groups and fills them once.
    CreateOnly,
    /// Creates and updates; never removes a group or a member.
    UpsertOnly,
    /// Does all.
    Sync,
}

/// Which groups a policy takes.
#[derive(Clone, Debug)]
pub struct Selection {
    /// How Graph's `writebackConfiguration` counts.
    pub writeback_flag: FlagRule,
    /// Groups whose members are hidden in the cloud.
    pub hidden_membership: HiddenMembership,
    /// Alternatives; `None` when the field is absent: everything eligible.
    pub include: Option<Vec<Matcher>>,
    /// Alternatives that take groups out again.
    pub exclude: Vec<Matcher>,
}

/// How Graph's `writebackConfiguration` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FlagRule {
    /// Microsoft 365 groups unless `isEnabled` is false; security groups only if it is true.
    Honour,
    /// Only if `isEnabled` is true.
    RequireTrue,
    /// The flag does not count.
    Ignore,
}

/// Groups with `visibility: HiddenMembership`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HiddenMembership {
    /// Not written: the directory lets every account read members.
    Skip,
    /// Written all the same.
    Write,
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
}

/// The kinds of group that can be written back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SelectableType {
    /// Microsoft 365 group.
    Microsoft365,
    /// Security group without a mailbox.
    Security,
}

/// How members get into a cloud group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Membership {
    /// By hand or by program.
    Assigned,
    /// By the tenant's own rule.
    Dynamic,
}

/// What the written groups look like.
#[derive(Clone, Debug)]
pub struct GroupShape {
    /// The type of Microsoft 365 groups; security groups are always universal security groups.
    pub group_type: GroupTypeRule,
    /// Where they are created.
    pub container: Dn,
    /// Whether the place is kept after creation.
    pub container_mode: Upkeep,
    /// The common name.
    pub common_name: Naming,
    /// The pre-Windows 2000 name.
    pub sam_account_name: Naming,
}

/// The directory type of Microsoft 365 groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GroupTypeRule {
    /// The cloud's `onPremisesGroupType`, else universal distribution.
    FromCloud,
    /// Always a universal distribution group.
    UniversalDistribution,
    /// Always a universal security group.
    UniversalSecurity,
}

/// How a name is made and whether it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Naming {
    /// From what.
    pub preset: NamePreset,
    /// Whether it is kept after creation.
    pub mode: Upkeep,
}

/// From what a name is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NamePreset {
    /// `Group_<object id>`.
    GroupId,
    /// Display name, `_`, last 12 characters of the id.
    DisplayNameAndId,
}

/// Whether a name or place is kept after creation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Upkeep {
    /// Set whenever it differs.
    Always,
    /// Set once, then left to the administrators.
    CreateOnly,
}

/// Which members a written group gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberRules {
    /// The most members a Microsoft 365 group may have to be written.
    pub maximum_microsoft_365: usize,
    /// The most members a security group may have to be written.
    pub maximum_security: usize,
}

impl MemberRules {
    /// Microsoft's own limit for Microsoft 365 groups, and our default.
    pub const MICROSOFT_365_DEFAULT: usize = 50_000;
    /// Microsoft's own limit for security groups, our default and the most that can be set.
    pub const MAXIMUM: usize = 250_000;
}

impl Default for MemberRules {
    fn default() -> Self {
        Self { maximum_microsoft_365: Self::MICROSOFT_365_DEFAULT, maximum_security: Self::MAXIMUM }
    }
}

/// What happens to the directory group of a cloud group that is gone for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OnHardDeleted {
    /// It stays as it is, frozen.
    Retain,
    /// It is deleted once the deletion is confirmed.
    Delete,
}

/// What is known of the policy folder as a whole in one pass.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// The policies in force, by name.
    pub policies: Vec<Standing>,
    /// Documents that have no parsed version at all: while there is one, no group is out of
    /// scope and no group is an orphan.
    pub unparsed: Vec<String>,
}

/// A policy in force.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it says.
    pub policy: Policy,
    /// Whether the file now cannot be read or parsed: such a policy goes on
    /// with names, members and repairs, but creates and deletes no group.
    pub last_good: bool,
}
