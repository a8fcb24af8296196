//! Facts worth telling that are not errors: skipped members, name clashes, strangers.
//!
//! Made by `decide`; printed by `report`.

use serde::Serialize;

use crate::model::{ObjectId, PolicyName};

/// What was found. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum FindingCode {
    /// A mail address is another object's.
    AddressTaken,
    /// The record names one object id, the anchor another, or the object is not the remembered.
    AnchorChanged,
    /// Two directory objects carry the same anchor.
    AnchorNotUnique,
    /// A directory group that was to be adopted cannot be.
    AdoptionRefused,
    /// A document approves a held set that was approved and used up already.
    ApprovalUsed,
    /// An attribute that a policy adds cannot be written.
    AttributeUnsuitable,
    /// A nested cloud group is not written back itself.
    ChildNotWrittenBack,
    /// A nested cloud group's directory group belongs to somebody else.
    ChildForeign,
    /// Another writer put back a value of ours again and again.
    Contested,
    /// A converted group: its directory group is the object with its SID, untouched.
    ConvertedFromDirectory,
    /// A link leads to no object.
    CounterpartMissing,
    /// A text was cut to what the directory takes.
    Cut,
    /// A device member is left out.
    DeviceNotWrittenBack,
    /// A group that this process wrote is nowhere in the domain.
    DirectoryGroupGone,
    /// A nested on-premises group of domain local scope, which no universal group can hold.
    DomainLocalInUniversal,
    /// Mail attributes are wanted, but the directory was not prepared for Exchange.
    ExchangeNotPrepared,
    /// An expression of a policy fails for this group.
    ExpressionFailed,
    /// An anchor without a record: Entra Connect or Cloud Sync wrote it.
    Foreign,
    /// A group whose membership is hidden in the cloud.
    HiddenMembership,
    /// An id in a policy that no group has.
    IdNotFound,
    /// An impossible name.
    ImpossibleName,
    /// An entry of `keep` that no object answers to.
    KeepNotFound,
    /// A link leads to several objects, or two links disagree.
    LinkAmbiguous,
    /// A principal that had a link has none now, or was never seen without one.
    LinkLost,
    /// The links of users cannot be read: nothing is removed.
    LinksUnreadable,
    /// A group named by id is mastered on-premises.
    MasteredOnPremises,
    /// A member of a type that cannot be written is left out.
    MemberTypeSkipped,
    /// A read was not whole: the group is left as it is.
    MembersUnread,
    /// A name is taken by an object that is not ours, or imitates a privileged one.
    NameTaken,
    /// A user without any link is left out.
    NoCounterpart,
    /// A group with our record that no policy takes.
    Orphaned,
    /// An owned group stands outside the containers.
    OutsideContainers,
    /// A record of another owner or tenant.
    OwnedElsewhere,
    /// Two policies of equal precedence select a group, or its record names another policy.
    PolicyConflict,
    /// An account has this group as its primary group, which forbids a change.
    PrimaryGroupMember,
    /// An owned group carries the marks of a privileged one.
    PrivilegedPath,
    /// A member or attribute the directory refuses.
    Refused,
    /// A role-assignable group is left out.
    RoleAssignable,
    /// More members than the policy allows.
    TooManyMembers,
    /// The tenant does not say what it knows of this group.
    Unknown,
    /// A change set cannot be undone here: somebody changed it since.
    UndoConflict,
    /// A kind of group that cannot be written back.
    UnsupportedGroupKind,
    /// A directory type this version cannot write.
    UnsupportedGroupType,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The policy concerned, if one.
    pub policy: Option<PolicyName>,
    /// The cloud group concerned, if one.
    pub group: Option<ObjectId>,
    /// What was found.
    pub code: FindingCode,
    /// A plain sentence: what it means and what to do.
    pub message: String,
}
