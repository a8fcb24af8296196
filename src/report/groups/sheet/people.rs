//! Members as the page names them: each kept once, and known by a number.
//!
//! Comes from the principals of the domain and the members of cloud groups; goes into the sheet.

use std::collections::BTreeMap;

use serde::Serialize;

use super::place;
use crate::model::change::MemberReference;
use crate::model::cloud::MemberKind;
use crate::model::directory::{DirectoryMember, PrincipalClass};
use crate::model::{CloudMember, Dn, ObjectGuid, ObjectId, Principal};

/// Somebody, or something, that is a member.
#[derive(Debug)]
pub struct Person {
    /// A name for people. Unfiltered.
    pub label: Box<str>,
    /// What it is.
    pub kind: PersonKind,
    /// Its own cloud group, where it is one of the groups of this sheet.
    pub group: Option<ObjectId>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonKind {
    /// A person's account.
    User,
    /// A computer or a registered device.
    Device,
    /// A group.
    Group,
    /// A contact.
    Contact,
    /// Anything else.
    Other,
}

impl PersonKind {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Device => "device",
            Self::Group => "group",
            Self::Contact => "contact",
            Self::Other => "other",
        }
    }
}

/// Gives numbers to members.
pub(super) struct People<'a> {
    principals: &'a BTreeMap<ObjectGuid, Principal>,
    /// The cloud group of each written directory group.
    groups: &'a BTreeMap<ObjectGuid, ObjectId>,
    of_domain: BTreeMap<ObjectGuid, u32>,
    of_tenant: BTreeMap<ObjectId, u32>,
    known: Vec<Person>,
}

impl<'a> People<'a> {
    pub(super) fn new(
        principals: &'a BTreeMap<ObjectGuid, Principal>,
        groups: &'a BTreeMap<ObjectGuid, ObjectId>,
    ) -> Self {
        let (of_domain, of_tenant) = (BTreeMap::new(), BTreeMap::new());
        Self { principals, groups, of_domain, of_tenant, known: Vec::new() }
    }

    pub(super) fn all(self) -> Vec<Person> {
        self.known
    }

    /// The number of a value of `member`.
    pub(super) fn value(&mut self, member: &DirectoryMember) -> u32 {
        self.of_guid(member.guid, || {
            Dn::parse(&member.dn).map_or_else(|_| member.dn.clone(), |dn| dn.leaf().to_owned())
        })
    }

    /// The number of a member that a change names.
    pub(super) fn reference(&mut self, member: &MemberReference) -> u32 {
        match member {
            MemberReference::Existing { guid, label } => self.of_guid(*guid, || label.clone()),
            MemberReference::Created { group, label } => self.of_cloud(*group, || Person {
                label: label.as_str().into(),
                kind: PersonKind::Group,
                group: Some(*group),
            }),
        }
    }

    /// The number of a cloud member.
    pub(super) fn cloud(&mut self, member: &CloudMember) -> u32 {
        let (kind, group) = match &member.kind {
            MemberKind::User(_) => (PersonKind::User, None),
            MemberKind::Group => (PersonKind::Group, Some(member.id)),
            MemberKind::DirectoryGroup(_) => (PersonKind::Group, None),
            MemberKind::Device { .. } => (PersonKind::Device, None),
            MemberKind::Other(_) | MemberKind::Unreadable(_) => (PersonKind::Other, None),
        };
        self.of_cloud(member.id, || {
            let label =
                if member.label.is_empty() { member.id.to_string() } else { member.label.clone() };
            Person { label: label.into(), kind, group }
        })
    }

    fn of_guid(&mut self, guid: ObjectGuid, label: impl FnOnce() -> String) -> u32 {
        if let Some(number) = self.of_domain.get(&guid) {
            return *number;
        }
        let principal = self.principals.get(&guid);
        let label = match principal {
            Some(principal) => {
                let account = principal.sam_account_name.as_deref();
                account.unwrap_or_else(|| principal.dn.leaf()).to_owned()
            }
            None => label(),
        };
        let group = self.groups.get(&guid).copied();
        let kind = match principal.map(|principal| principal.class) {
            Some(PrincipalClass::User) => PersonKind::User,
            Some(PrincipalClass::Computer | PrincipalClass::Device) => PersonKind::Device,
            Some(PrincipalClass::Group) => PersonKind::Group,
            Some(PrincipalClass::Contact) => PersonKind::Contact,
            None if group.is_some() => PersonKind::Group,
            Some(PrincipalClass::Other) | None => PersonKind::Other,
        };
        let number = place(self.known.len());
        self.known.push(Person { label: label.into(), kind, group });
        self.of_domain.insert(guid, number);
        number
    }

    fn of_cloud(&mut self, id: ObjectId, person: impl FnOnce() -> Person) -> u32 {
        if let Some(number) = self.of_tenant.get(&id) {
            return *number;
        }
        let number = place(self.known.len());
        self.known.push(person());
        self.of_tenant.insert(id, number);
        number
    }
}
