//! What a guard counts: the rows of SEMANTICS "Ownership and guards", and those that hold what a
//! person has to see.

use serde::Serialize;

use crate::decide::content::weakens;
use crate::model::change::{Change, Effect, Kind};
use crate::model::policy::GuardRules;
use crate::model::{ObjectId, PolicyName};

/// What a guard counts. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Row {
    /// Groups deleted, disabled, quarantined, or turned from security to distribution.
    GroupsRemoved,
    /// Values taken out of `member`, over all groups of a policy.
    MembershipsRemoved,
    /// Principals gone from the tenant or disabled there.
    Leavers,
    /// Values taken out of one group.
    OneGroup,
    /// A group of several members that would lose them all.
    ToEmpty,
    /// Renames and moves.
    Renames,
    /// New groups, and groups brought back.
    Creations,
    /// Values added to one group that was filled before.
    Additions,
    /// A group this daemon wrote that is nowhere in the domain.
    DirectoryGroupGone,
    /// Groups that a selection would lose.
    SelectionShrank,
    /// Additions to a group that is, or lies in, a protected one.
    PrivilegedPath,
    /// The first removals from a group that was adopted.
    AdoptionRemoves,
    /// Whatever would do again what a person has undone.
    Undone,
}

impl Row {
    /// All rows, for series that start at zero.
    pub const ALL: [Self; 13] = [
        Self::GroupsRemoved,
        Self::MembershipsRemoved,
        Self::Leavers,
        Self::OneGroup,
        Self::ToEmpty,
        Self::Renames,
        Self::Creations,
        Self::Additions,
        Self::DirectoryGroupGone,
        Self::SelectionShrank,
        Self::PrivilegedPath,
        Self::AdoptionRemoves,
        Self::Undone,
    ];

    /// A bounded word for metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::GroupsRemoved => "groups_removed",
            Self::MembershipsRemoved => "memberships_removed",
            Self::Leavers => "leavers",
            Self::OneGroup => "one_group",
            Self::ToEmpty => "to_empty",
            Self::Renames => "renames",
            Self::Creations => "creations",
            Self::Additions => "additions",
            Self::DirectoryGroupGone => "directory_group_gone",
            Self::SelectionShrank => "selection_shrank",
            Self::PrivilegedPath => "privileged_path",
            Self::AdoptionRemoves => "adoption_removes",
            Self::Undone => "undone",
        }
    }

    /// Whether it can count a change of this kind.
    pub fn counts(self, kind: Kind) -> bool {
        match self {
            Self::GroupsRemoved => {
                matches!(kind, Kind::Delete | Kind::Disable | Kind::Quarantine | Kind::Convert)
            }
            Self::MembershipsRemoved
            | Self::Leavers
            | Self::OneGroup
            | Self::ToEmpty
            | Self::AdoptionRemoves => kind == Kind::RemoveMembers,
            Self::Renames => matches!(kind, Kind::Rename | Kind::Move),
            Self::Creations | Self::DirectoryGroupGone => {
                matches!(kind, Kind::Create | Kind::Restore)
            }
            Self::Additions | Self::PrivilegedPath => kind == Kind::AddMembers,
            Self::SelectionShrank => kind == Kind::Freeze,
            Self::Undone => true,
        }
    }

    /// Whether it counts what is taken away from a policy as a whole.
    pub(super) fn removes(self) -> bool {
        match self {
            Self::GroupsRemoved | Self::MembershipsRemoved | Self::Leavers => true,
            Self::OneGroup
            | Self::ToEmpty
            | Self::Renames
            | Self::Creations
            | Self::Additions
            | Self::DirectoryGroupGone
            | Self::SelectionShrank
            | Self::PrivilegedPath
            | Self::AdoptionRemoves
            | Self::Undone => false,
        }
    }

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::GroupsRemoved => "groups would be removed",
            Self::MembershipsRemoved => "memberships would be removed",
            Self::Leavers => "principals that left the tenant would lose memberships",
            Self::OneGroup => "members of one group would be removed",
            Self::ToEmpty => "members would be removed, leaving the group empty",
            Self::Renames => "groups would be renamed or moved",
            Self::Creations => "groups would be created",
            Self::Additions => "members would be added to one group",
            Self::DirectoryGroupGone => "groups are nowhere in the domain and would get a new SID",
            Self::SelectionShrank => "groups would leave the selection",
            Self::PrivilegedPath => "members would be added on a privileged path",
            Self::AdoptionRemoves => "members would be removed from a group that was just adopted",
            Self::Undone => "changes would do again what was undone",
        }
    }

    /// The setting of `spec.guard` that gives the limit; `None` where none does.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Self::GroupsRemoved => Some("groupsRemoved"),
            Self::MembershipsRemoved => Some("membershipsRemoved"),
            Self::Leavers => Some("leavers"),
            Self::OneGroup => Some("oneGroup"),
            Self::ToEmpty => Some("toEmpty"),
            Self::Renames => Some("renames"),
            Self::Creations => Some("creations"),
            Self::Additions => Some("additions"),
            Self::SelectionShrank => Some("selection"),
            Self::DirectoryGroupGone
            | Self::PrivilegedPath
            | Self::AdoptionRemoves
            | Self::Undone => None,
        }
    }
}

/// One limit that was passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// What was counted.
    pub row: Row,
    /// Under which policy.
    pub policy: PolicyName,
    /// In which group, where the row is about one.
    pub group: Option<ObjectId>,
    /// How many.
    pub measured: usize,
    /// How many may pass.
    pub limit: usize,
    /// A plain sentence with value, limit, where it is set, and the command that passes it once.
    pub message: String,
}

impl Hold {
    pub(super) fn new(
        (policy, row, group): (PolicyName, Row, Option<ObjectId>),
        (measured, limit): (usize, usize),
        remark: &str,
        rules: &GuardRules,
    ) -> Self {
        let of_group = group.map(|id| format!(" (cloud group {id})")).unwrap_or_default();
        let set = row.setting().map_or_else(|| "always".to_owned(), |word| rules.where_set(word));
        let message =
            format!("{measured} {}{of_group}{remark}; the limit is {limit} ({set})", row.noun());
        Self { row, policy, group, measured, limit, message }
    }

    /// Says how the held set is let through once; where that is refused for now, what else helps.
    pub(super) fn say_how_to_pass(&mut self, how: &str, is_refused: bool) {
        self.message.push_str("; ");
        self.message.push_str(how);
        if is_refused {
            let limit = if self.row.setting().is_some() { "raise the limit or " } else { "" };
            self.message.push_str("; before that, ");
            self.message.push_str(limit);
            self.message.push_str("undo the cause");
        }
    }
}

/// Whether a change takes a whole group out of use.
pub(super) fn ends_group(effect: &Effect) -> bool {
    match effect {
        Effect::Delete { .. } | Effect::Disable { .. } | Effect::Quarantine { .. } => true,
        Effect::Convert { from, to } => weakens(*from, *to),
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => false,
    }
}

/// How many values of `member` a group holds before the change, where the change says so.
pub(super) fn size(change: &Change) -> usize {
    change.effect.member_part().and_then(|part| part.of).unwrap_or_default()
}
