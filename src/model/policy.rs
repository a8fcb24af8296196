//! What a policy means after it has been parsed: no text, no absent fields, nothing to re-check.
//!
//! Made by `policy::parse` from a document; read by `decide`. `selection` says which groups,
//! `shape` what they look like, `members` who is in them, `deletion` how they end.

mod adoption;
mod deletion;
mod guard;
mod members;
mod selection;
mod shape;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ApprovalRequest, Digest};
pub use adoption::Adoption;
pub use deletion::{Deletion, Departure};
pub use guard::{Additions, Creations, GuardRules, Least, OnTrip, Share};
pub use members::{Devices, Keep, KeepReference, MemberBasis, MemberMode, MemberRules, Nested};
pub use selection::{
    FlagRule, HiddenMembership, Matcher, Membership, RoleAssignable, SelectableType, Selection,
};
pub use shape::{
    ContainerRule, ExtraAttribute, GroupShape, GroupTypeRule, MailRule, NamePreset, NameSource,
    Naming, Placement, Upkeep,
};

/// `metadata.name` of a policy: `[a-z0-9-]`, 1 to 50 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

impl TryFrom<String> for PolicyName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a policy name is [a-z0-9-], at most 50 characters")
    }
}

impl From<PolicyName> for String {
    fn from(name: PolicyName) -> Self {
        name.0
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
    /// Where `spec.members` starts, or the document's own place.
    pub members_place: Place,
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
    /// What happens to the directory group of a cloud group that leaves.
    pub deletion: Deletion,
    /// Directory groups that its cloud groups take up.
    pub adoption: Vec<Adoption>,
    /// How much may change before a person has to say so.
    pub guard: GuardRules,
}

/// What a policy may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
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

/// What is known of the policy folder as a whole in one pass.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// The policies in force, by name.
    pub policies: Vec<Standing>,
    /// Documents that have no parsed version at all: while there is one, no group is out of
    /// scope and no group is an orphan.
    pub unparsed: Vec<String>,
    /// What documents of the folder approve.
    pub approvals: Vec<ApprovalRequest>,
}

/// A policy in force.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it says.
    pub policy: Policy,
    /// Whether the file now cannot be read or parsed: such a policy goes on
    /// with names, members and repairs, but creates and deletes no group.
    pub last_good: bool,
    /// The Git revision at which it was last read; `None` outside Git.
    pub revision: Option<String>,
}
