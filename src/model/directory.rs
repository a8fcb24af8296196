//! The directory side as one domain controller tells it, with the witnesses of completeness.
//!
//! Made by `directory::observe`; read by `decide`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::distinguished_name::DnKey;
use crate::model::{
    AttributeName, Complete, DeviceId, Dn, ObjectGuid, OwnershipRecord, Sid, cloud::Unread,
};

/// `groupType` of a universal distribution group (MS-ADTS 2.2.12).
pub const UNIVERSAL_DISTRIBUTION: i32 = 8;
/// `groupType` of a universal security group (MS-ADTS 2.2.12).
pub const UNIVERSAL_SECURITY: i32 = -2_147_483_640;

/// An account or other object that can be a member, without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its objectGUID.
    pub guid: ObjectGuid,
    /// Its SID; contacts and devices have none.
    pub sid: Option<Sid>,
    /// `mS-DS-ConsistencyGuid`, when it holds 16 bytes.
    pub consistency_guid: Option<ObjectGuid>,
    /// What it is.
    pub class: PrincipalClass,
    /// Where it is.
    pub dn: Dn,
    /// Its pre-Windows 2000 name.
    pub sam_account_name: Option<String>,
    /// `groupType` of a group.
    pub group_type: Option<i32>,
    /// The RID of the primary group of an account.
    pub primary_group: Option<u32>,
    /// `msDS-DeviceID` of a device that device writeback created.
    pub device_id: Option<DeviceId>,
    /// It carries adminCount=1, isCriticalSystemObject, or a RID below 1000.
    pub privileged: bool,
}

impl Principal {
    /// Whether it is a group of domain local scope (MS-ADTS 2.2.12), which no universal group
    /// can have as a member.
    pub fn is_domain_local(&self) -> bool {
        const DOMAIN_LOCAL: i32 = 4;
        self.group_type.is_some_and(|group_type| group_type & DOMAIN_LOCAL != 0)
    }
}

/// What a directory object is, as far as membership cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalClass {
    /// user or inetOrgPerson (a computer is not counted here)
    User,
    /// computer
    Computer,
    /// group
    Group,
    /// contact
    Contact,
    /// msDS-Device
    Device,
    /// anything else
    Other,
}

/// A directory group that carries our record or an anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// Its objectGUID.
    pub guid: ObjectGuid,
    /// Its SID.
    pub sid: Option<Sid>,
    /// Where it is.
    pub dn: Dn,
    /// `sAMAccountName`
    pub sam_account_name: String,
    /// `displayName`
    pub display_name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `groupType`
    pub group_type: i32,
    /// `adminDescription`, as it stands.
    pub admin_description: Option<String>,
    /// `msDS-ExternalDirectoryObjectId`, as it stands.
    pub external_id: Option<String>,
    /// The values of `extensionName` that start like a record of ours, with their exact text.
    pub records: Vec<RecordValue>,
    /// The value of `extensionName` that starts with `writeback-adopted/v1`, as it stands: the
    /// group was adopted, and keeps name and place.
    pub adopted: Option<String>,
    /// The values of the other attributes that policies write: `mail` and its like, and those
    /// that a policy adds. What has no value is not here.
    pub attributes: BTreeMap<AttributeName, Vec<String>>,
    /// The groups it is a direct member of.
    pub parents: Vec<Dn>,
    /// What it is: a group, unless it was named by its objectGUID and is something else.
    pub class: PrincipalClass,
    /// It carries isCriticalSystemObject.
    pub critical: bool,
    /// It carries adminCount=1, isCriticalSystemObject, or a RID below 1000.
    pub privileged: bool,
}

impl DirectoryGroup {
    /// The values of one of [`DirectoryGroup::attributes`].
    pub fn values(&self, name: &str) -> &[String] {
        self.attributes.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A group that one of ours is a member of, at any depth: whoever is in ours is in it as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Above {
    /// Where it is.
    pub dn: Dn,
    /// Its objectGUID.
    pub guid: ObjectGuid,
    /// Its SID.
    pub sid: Option<Sid>,
    /// The groups it is a direct member of; none where it cannot be read.
    pub parents: Vec<Dn>,
    /// It is one of the groups that AdminSDHolder protects (MS-ADTS 3.1.1.6.1.2), by its
    /// adminCount=1 or its SID; or it stands in this domain and cannot be read, so that nobody
    /// can tell.
    pub protected: bool,
}

/// A deleted group that still carries a mark, or that an earlier pass wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedGroup {
    /// Its objectGUID.
    pub guid: ObjectGuid,
    /// `sAMAccountName`, where deletion left it.
    pub sam_account_name: Option<String>,
    /// `groupType`, where deletion left it.
    pub group_type: Option<i32>,
    /// `adminDescription`, where deletion left it.
    pub admin_description: Option<String>,
    /// `msDS-ExternalDirectoryObjectId`, where deletion left it.
    pub external_id: Option<String>,
    /// The values of `extensionName` that start like a record of ours.
    pub records: Vec<RecordValue>,
}

/// One value of `extensionName` that starts with `writeback/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordValue {
    /// The exact text, needed to delete or replace the value.
    pub text: String,
    /// What it says; `None` when it is no record that this version can read.
    pub record: Option<OwnershipRecord>,
}

/// A value of `member`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryMember {
    /// The member's objectGUID.
    pub guid: ObjectGuid,
    /// The member's DN when it was read, as text, for people.
    pub dn: String,
}

/// What the domain is and can do, read once per connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainFacts {
    /// `defaultNamingContext`
    pub naming_context: Dn,
    /// The domain controller's own name.
    pub server: String,
    /// The schema has `msDS-ExternalDirectoryObjectId`.
    pub has_external_id: bool,
    /// The schema has `mailNickname`: the directory was prepared for Exchange.
    pub exchange_prepared: bool,
}

/// Everything a pass knows of the directory.
#[derive(Debug)]
pub struct DirectorySnapshot {
    /// The domain.
    pub facts: DomainFacts,
    /// Every principal of the domain, by objectGUID.
    pub principals: Complete<BTreeMap<ObjectGuid, Principal>>,
    /// Every group with a record or an anchor in the whole domain, by objectGUID.
    pub groups: Complete<BTreeMap<ObjectGuid, DirectoryGroup>>,
    /// Every name inside the containers, whatever its class.
    pub occupied: Complete<BTreeMap<DnKey, ObjectGuid>>,
    /// Objects that were asked for by their objectGUID and are not in `groups`, or why there is
    /// nothing to tell of one.
    pub named: BTreeMap<ObjectGuid, Result<DirectoryGroup, Unread>>,
    /// Every group above those in `groups` and `named`, at any depth.
    pub above: BTreeMap<DnKey, Above>,
    /// The members of every group in `groups` and `named`.
    pub members: BTreeMap<ObjectGuid, Result<Complete<BTreeSet<DirectoryMember>>, Unread>>,
    /// Remembered objects that the listing did not show, looked up one by one.
    pub direct: BTreeMap<ObjectGuid, DirectPresence>,
    /// Mail addresses in lower case, without `smtp:`, and who has them. Empty where the directory
    /// is not prepared for Exchange: nobody asks then.
    pub addresses: BTreeMap<String, BTreeSet<ObjectGuid>>,
    /// Deleted groups that carry a mark, as far as the account may see them.
    pub deleted: BTreeMap<ObjectGuid, DeletedGroup>,
    /// Attributes that policies add but that cannot be written, with the reason.
    pub unsuitable: BTreeMap<AttributeName, String>,
    /// The longest value, in UTF-16 units, of each attribute that policies add, where the schema
    /// has a limit.
    pub limits: BTreeMap<AttributeName, usize>,
}

impl DirectorySnapshot {
    /// Whether the domain did not show something of a group: its members, its type, or a group that
    /// was asked for by its objectGUID. Cost: one pass over the groups.
    pub fn hides_any(&self) -> bool {
        let listed = self.groups.value().values();
        let named = self.named.values();
        self.members.values().any(Result::is_err)
            || self.named.values().any(Result::is_err)
            || listed.chain(named.flatten()).any(|group| group.group_type == 0)
    }
}

/// What a base search by GUID answered for an object the listing did not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectPresence {
    /// It is there.
    There,
    /// It is deleted and can be restored, as far as can be seen.
    Deleted,
    /// 32 noSuchObject.
    Absent,
}
