//! The cloud side as Graph tells it, with the witnesses of how completely it was read.
//!
//! Made by `graph::observe`; read by `decide`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::policy::Membership;
use crate::model::{Complete, DeviceId, ObjectGuid, ObjectId, Sid, TenantId};

/// A group in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudGroup {
    /// Its object id.
    pub id: ObjectId,
    /// Its display name, unfiltered: up to 256 characters of anything.
    pub display_name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its mail address.
    pub mail: Option<String>,
    /// The part of the address that its owners choose.
    pub mail_nickname: Option<String>,
    /// `securityEnabled`; `None` where the token may not see it.
    pub security_enabled: Option<bool>,
    /// `visibility`, as it came.
    pub visibility: Option<String>,
    /// What kind of group it is.
    pub kind: GroupKind,
    /// How members get in.
    pub membership: Membership,
    /// `visibility` is `HiddenMembership`.
    pub hidden_membership: bool,
    /// It can be assigned to directory roles of the tenant.
    pub role_assignable: bool,
    /// Its relation to the directory before any writeback.
    pub origin: Origin,
}

/// The kind of a cloud group, by `groupTypes`, `mailEnabled` and `securityEnabled`
/// (learn.microsoft.com/graph/api/resources/groups-overview).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// `groupTypes` has `Unified`.
    Microsoft365,
    /// Security-enabled, not mail-enabled.
    Security,
    /// Mail-enabled and security-enabled.
    MailEnabledSecurity,
    /// Mail-enabled only.
    DistributionList,
    /// Anything else: no guess is made.
    Unrecognised,
}

/// Where a cloud group is mastered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Born in the cloud.
    Cloud,
    /// `onPremisesSyncEnabled` is true: the directory masters it, as the object with this SID.
    OnPremises(Option<Sid>),
    /// It carries the SID of a directory group but is no longer synchronised from there.
    Converted(Sid),
    /// It carries an on-premises SID that is none.
    ConvertedUnreadable,
}

/// Graph beta's `writebackConfiguration` of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flag {
    /// `isEnabled`; null is `None`.
    pub is_enabled: Option<bool>,
    /// `onPremisesGroupType`; null is `None`.
    pub group_type: Option<OnPremisesGroupType>,
}

/// Values of `onPremisesGroupType`, compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnPremisesGroupType {
    /// `universalDistributionGroup`
    UniversalDistribution,
    /// `universalSecurityGroup`
    UniversalSecurity,
    /// `universalMailEnabledSecurityGroup`
    UniversalMailEnabledSecurity,
    /// A value this version does not know; the text as it came.
    Unrecognised(String),
}

/// A direct member of a cloud group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudMember {
    /// Its object id.
    pub id: ObjectId,
    /// A name for people: user principal name, display name, or empty.
    pub label: String,
    /// What it is and what it carries.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A user or guest with the links it carries.
    User(Link),
    /// A group of the tenant that carries no on-premises SID.
    Group,
    /// A group that the directory masters, or once did, with the SID it carries.
    DirectoryGroup(Link),
    /// A device.
    Device {
        /// Its registration id, which equals the objectGUID of a hybrid-joined computer; `None`
        /// when it is no GUID.
        device_id: Option<DeviceId>,
        /// The SID it carries, if any.
        link: Link,
    },
    /// Any other type, by the last part of `@odata.type`.
    Other(String),
    /// A type that can have a counterpart, but whose witness property came as null: the right
    /// to read it is missing. Never taken as a member without a link.
    Unreadable(&'static str),
}

/// What a cloud principal carries that names its directory principal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// `onPremisesSecurityIdentifier`.
    pub sid: Option<Sid>,
    /// `onPremisesImmutableId`, decoded from base64 to the 16 bytes of a GUID.
    pub immutable_id: Option<ObjectGuid>,
    /// A link text is there but cannot be decoded.
    pub malformed: bool,
}

impl Link {
    /// Whether the principal carries nothing that names a directory object.
    pub fn is_empty(&self) -> bool {
        self.sid.is_none() && self.immutable_id.is_none() && !self.malformed
    }
}

/// Why something could not be read whole: text for people, already without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Plain text that reads after "because".
    pub reason: String,
}

/// The listings that decide which groups matter, read before any members.
#[derive(Debug)]
pub struct CloudListing {
    /// The tenant the token was issued for.
    pub tenant: TenantId,
    /// All groups.
    pub groups: Complete<BTreeMap<ObjectId, CloudGroup>>,
    /// Soft-deleted groups.
    pub deleted: Complete<BTreeSet<ObjectId>>,
    /// The writeback flags.
    pub flags: Result<Complete<BTreeMap<ObjectId, Flag>>, Unread>,
    /// The direct members of every control group that a policy names.
    pub controls: BTreeMap<ObjectId, Result<Complete<BTreeSet<ObjectId>>, Unread>>,
    /// Whether the tenant writes back new Microsoft 365 groups whose flag is null.
    pub new_groups: Result<bool, Unread>,
}

/// The members that a pass asked for.
#[derive(Debug)]
pub struct CloudMembers {
    /// Direct members of every group that was asked for; a group that is not here was not.
    pub of: BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>>,
    /// Whether the links of users can be read at all.
    pub links: Links,
}

/// What a direct read of one id answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there, although the listing left it out.
    There,
    /// 404: no such object.
    Absent,
    /// No clear answer.
    Unread(Unread),
}

/// Whether the links of users can be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// They can.
    Readable,
    /// They cannot: nothing is removed anywhere.
    Unreadable {
        /// The right that is missing, or what the tenant showed instead.
        reason: String,
    },
}
