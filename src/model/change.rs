//! What a pass would change, as values: printable, sortable, hashable.
//!
//! Made by `decide::diff`, admitted by `decide::guard`, executed by `directory::apply`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{AttributeName, ObjectGuid, ObjectId, PolicyName, Target, policy::Place};

/// One change to one directory group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The policy it is made under.
    pub policy: PolicyName,
    /// The cloud group.
    pub group: ObjectId,
    /// A name for people: the directory group's common name.
    pub label: String,
    /// The object it is aimed at.
    pub target: Target,
    /// What is done.
    pub effect: Effect,
    /// Why.
    pub cause: Cause,
}

/// What is done to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A new group, with record and anchor in the Add itself.
    Create {
        /// Attributes beyond the object class, each with its one value, sorted.
        attributes: Vec<(AttributeName, String)>,
    },
    /// A new common name in the same container.
    Rename {
        /// The new place.
        to: Target,
    },
    /// Another container, with the name as it should be there.
    Move {
        /// The new place.
        to: Target,
    },
    /// Single-valued attributes and the ownership record.
    Update {
        /// Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// Another `groupType` for the same object.
    Convert {
        /// The value that stands there.
        from: i32,
        /// The value it gets.
        to: i32,
    },
    /// A deleted group comes back as the same object, its SID kept.
    Restore {
        /// What it gets besides: record, anchors, names that deletion took. Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// The group goes from the policy in its record to the one that makes the change.
    Handover {
        /// The policy in the record.
        from: PolicyName,
        /// The record.
        record: AttributeChange,
    },
    /// Members that are missing.
    AddMembers {
        /// Sorted.
        members: Vec<MemberReference>,
        /// How many values the group holds before; `None` at the first fill of a new group.
        of: Option<usize>,
    },
    /// Members that should not be there.
    RemoveMembers {
        /// Sorted.
        members: Vec<MemberReference>,
        /// How many values the group holds before.
        of: usize,
    },
    /// Out of use: a security group becomes a distribution group, a distribution group loses the
    /// mail attributes it was given; members and SID stay.
    Disable {
        /// How many members it holds.
        members: usize,
        /// `groupType`, mail attributes and record. Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// To the quarantine container, beside [`Effect::Disable`].
    Quarantine {
        /// The new place.
        to: Target,
    },
    /// The group itself.
    Delete {
        /// What goes with it: the journal keeps it for the way back.
        last: LastSight,
    },
    /// Record and anchor are put on a group that somebody else made, because a person said so.
    Adopt {
        /// `extensionName`, the anchors. Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// Our marks are taken off a group; it stays as it is.
    Release {
        /// `extensionName`, and the anchors where asked. Sorted by attribute.
        attributes: Vec<AttributeChange>,
    },
    /// Nothing: the group stays as it is while this lasts.
    Freeze,
}

/// A group as it stood when its deletion was planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LastSight {
    /// The values of the attributes this daemon knows, sorted.
    pub attributes: Vec<(AttributeName, String)>,
    /// Its members, sorted.
    pub members: Vec<ObjectGuid>,
}

/// A value change of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttributeChange {
    /// The attribute's LDAP name.
    pub name: AttributeName,
    /// The value that goes; `None` when there is none.
    pub before: Option<String>,
    /// The value that comes; `None` when it is taken off.
    pub after: Option<String>,
}

/// A member of a directory group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum MemberReference {
    /// An object that is there.
    Existing {
        /// Its objectGUID.
        guid: ObjectGuid,
        /// A name for people.
        label: String,
    },
    /// A group that this same pass creates first.
    Created {
        /// Its cloud group.
        group: ObjectId,
        /// A name for people.
        label: String,
    },
}

impl MemberReference {
    /// Its objectGUID; `None` for a group that this pass creates first.
    pub fn guid(&self) -> Option<ObjectGuid> {
        match self {
            Self::Existing { guid, .. } => Some(*guid),
            Self::Created { .. } => None,
        }
    }

    /// A name for people.
    pub fn label(&self) -> &str {
        match self {
            Self::Existing { label, .. } | Self::Created { label, .. } => label,
        }
    }
}

/// Why a change is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Cause {
    /// A policy file says so.
    Policy(Place),
    /// The cloud says so.
    Cloud(String),
    /// The directory was changed by somebody else.
    Drift(String),
    /// A person asked for it.
    Person(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(place) => write!(f, "policy {}:{}", place.file, place.line),
            Self::Cloud(what) => write!(f, "cloud: {what}"),
            Self::Drift(what) => write!(f, "drift: {what}"),
            Self::Person(what) => write!(f, "a person: {what}"),
        }
    }
}

/// The kind of a change: a word for plans, metrics and journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// See [`Effect::Adopt`].
    Adopt,
    /// See [`Effect::Release`].
    Release,
    /// See [`Effect::Handover`].
    Handover,
    /// See [`Effect::Rename`].
    Rename,
    /// See [`Effect::Move`].
    Move,
    /// See [`Effect::Update`].
    Update,
    /// See [`Effect::Convert`].
    Convert,
    /// See [`Effect::Restore`].
    Restore,
    /// See [`Effect::Create`].
    Create,
    /// See [`Effect::AddMembers`].
    AddMembers,
    /// See [`Effect::RemoveMembers`].
    RemoveMembers,
    /// See [`Effect::Disable`].
    Disable,
    /// See [`Effect::Quarantine`].
    Quarantine,
    /// See [`Effect::Delete`].
    Delete,
    /// See [`Effect::Freeze`].
    Freeze,
}

impl Kind {
    /// All kinds, in the order in which plans count them and metrics list them. The order in which
    /// a pass makes changes is that of `decide::plan`.
    pub const ALL: [Self; 15] = [
        Self::Adopt,
        Self::Release,
        Self::Handover,
        Self::Rename,
        Self::Move,
        Self::Update,
        Self::Convert,
        Self::Restore,
        Self::Create,
        Self::AddMembers,
        Self::RemoveMembers,
        Self::Disable,
        Self::Quarantine,
        Self::Delete,
        Self::Freeze,
    ];

    /// Whether the directory group is of no use after it.
    pub fn ends_use(self) -> bool {
        match self {
            Self::Disable | Self::Quarantine | Self::Delete => true,
            Self::Adopt
            | Self::Release
            | Self::Handover
            | Self::Rename
            | Self::Move
            | Self::Update
            | Self::Convert
            | Self::Restore
            | Self::Create
            | Self::AddMembers
            | Self::RemoveMembers
            | Self::Freeze => false,
        }
    }

    /// The word for plans, metrics and journals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Release => "release",
            Self::Handover => "handover",
            Self::Rename => "rename",
            Self::Move => "move",
            Self::Update => "update",
            Self::Convert => "convert",
            Self::Restore => "restore",
            Self::Create => "create",
            Self::AddMembers => "add_members",
            Self::RemoveMembers => "remove_members",
            Self::Disable => "disable",
            Self::Quarantine => "quarantine",
            Self::Delete => "delete",
            Self::Freeze => "freeze",
        }
    }
}

/// What an effect does to single members.
#[derive(Clone, Copy, Debug)]
pub struct MemberPart<'a> {
    /// [`Kind::AddMembers`] or [`Kind::RemoveMembers`].
    pub kind: Kind,
    /// Who.
    pub members: &'a [MemberReference],
    /// How many values the group holds before; `None` at a first fill.
    pub of: Option<usize>,
}

impl Effect {
    /// What it does to single members; `None` for whatever concerns the group as a whole.
    pub fn member_part(&self) -> Option<MemberPart<'_>> {
        let kind = self.kind();
        match self {
            Self::AddMembers { members, of } => Some(MemberPart { kind, members, of: *of }),
            Self::RemoveMembers { members, of } => {
                Some(MemberPart { kind, members, of: Some(*of) })
            }
            Self::Create { .. }
            | Self::Rename { .. }
            | Self::Move { .. }
            | Self::Update { .. }
            | Self::Convert { .. }
            | Self::Restore { .. }
            | Self::Handover { .. }
            | Self::Disable { .. }
            | Self::Quarantine { .. }
            | Self::Delete { .. }
            | Self::Adopt { .. }
            | Self::Release { .. }
            | Self::Freeze => None,
        }
    }

    /// The same effect for other members; itself where it concerns the group as a whole.
    #[must_use]
    pub fn with_members(&self, members: Vec<MemberReference>) -> Self {
        match self.member_part() {
            Some(MemberPart { kind: Kind::AddMembers, of, .. }) => Self::AddMembers { members, of },
            Some(MemberPart { of, .. }) => {
                Self::RemoveMembers { members, of: of.unwrap_or_default() }
            }
            None => self.clone(),
        }
    }

    /// The kind of this effect.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Create { .. } => Kind::Create,
            Self::Rename { .. } => Kind::Rename,
            Self::Move { .. } => Kind::Move,
            Self::Update { .. } => Kind::Update,
            Self::Convert { .. } => Kind::Convert,
            Self::AddMembers { .. } => Kind::AddMembers,
            Self::RemoveMembers { .. } => Kind::RemoveMembers,
            Self::Restore { .. } => Kind::Restore,
            Self::Handover { .. } => Kind::Handover,
            Self::Disable { .. } => Kind::Disable,
            Self::Quarantine { .. } => Kind::Quarantine,
            Self::Delete { .. } => Kind::Delete,
            Self::Adopt { .. } => Kind::Adopt,
            Self::Release { .. } => Kind::Release,
            Self::Freeze => Kind::Freeze,
        }
    }
}
