//! What both sides are and may do before anything is written: the facts that `discover` tells.
//!
//! Made by `graph::readiness` and `directory::readiness`; judged by `discover`. Whatever could not
//! be read says so beside what could.

use std::collections::BTreeSet;

use crate::model::cloud::Unread;
use crate::model::{Dn, ObjectGuid, TenantId};

/// What the tenant is and what the application may do in it.
#[derive(Clone, Debug)]
pub struct TenantReadiness {
    /// The tenant the token was issued for.
    pub tenant: TenantId,
    /// The application rights in the token.
    pub rights: BTreeSet<String>,
    /// What the tenant is called and whether it synchronises.
    pub organization: Result<Organization, Unread>,
    /// Whether Entra ID P1, which group writeback needs, is licensed.
    pub licence: Result<Licence, Unread>,
    /// Whether Microsoft's own writeback is on.
    pub writeback: MicrosoftWriteback,
    /// Whether the tenant writes back new Microsoft 365 groups whose flag is null.
    pub new_groups: Result<bool, Unread>,
}

/// The tenant itself (learn.microsoft.com/graph/api/resources/organization).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its display name.
    pub name: String,
    /// `onPremisesSyncEnabled`: true, false once it was, null never.
    pub synchronises: Option<bool>,
}

/// The licence that group writeback needs, by service plan and never by product: P1 comes inside
/// many bundles (learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// Neither P1 nor P2 is in force.
    Missing,
    /// Entra ID P1.
    P1,
    /// Entra ID P2, which holds P1.
    P2,
}

/// The features of Microsoft's own synchronisation that write into the directory
/// (learn.microsoft.com/graph/api/resources/onpremisesdirectorysynchronizationfeature).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MicrosoftWriteback {
    /// The tenant says; `None` where it says null.
    Told {
        /// `unifiedGroupWritebackEnabled`: Microsoft 365 groups, version 1.
        version_1: Option<bool>,
        /// `groupWriteBackEnabled`: more types, each by its flag, version 2.
        version_2: Option<bool>,
        /// `deviceWritebackEnabled`: registered and joined devices get an object.
        devices: Option<bool>,
    },
    /// The tenant refuses the question, as the list of permissions says it does to every
    /// application: this right would open it.
    Refused {
        /// The right.
        right: &'static str,
    },
    /// No answer came.
    Unread(Unread),
}

impl MicrosoftWriteback {
    /// Whether either version writes groups into the directory.
    ///
    /// | version 1 | version 2 | |
    /// |---|---|---|
    /// | one of them is true | | on |
    /// | false | false | off |
    /// | neither is true, one is null | | unknown |
    /// | refused or unread | | unknown |
    pub fn incumbent(&self) -> Incumbent {
        let unknown = |reason: String| Incumbent::Unknown(Unread { reason });
        match self {
            Self::Told { version_1: Some(true), .. } | Self::Told { version_2: Some(true), .. } => {
                Incumbent::On
            }
            Self::Told { version_1: Some(false), version_2: Some(false), .. } => Incumbent::Off,
            Self::Told { .. } => unknown("the tenant shows its features as null".to_owned()),
            Self::Refused { right } => unknown(format!(
                "the tenant refuses /directory/onPremisesSynchronization (403); the right for it \
                 is {right}"
            )),
            Self::Unread(unread) => Incumbent::Unknown(unread.clone()),
        }
    }
}

/// Whether Microsoft's own group writeback is on. Entra Cloud Sync, which writes groups by jobs
/// of its own, is in none of these features: off says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incumbent {
    /// At least one version is on.
    On,
    /// Both versions are off.
    Off,
    /// The tenant does not say.
    Unknown(Unread),
}

/// What the domain is and what the bind account may do in it.
#[derive(Clone, Debug)]
pub struct DomainReadiness {
    /// The domain controller that answers.
    pub server: String,
    /// It is Samba, which differs in what it can restore.
    pub samba: bool,
    /// `defaultNamingContext`
    pub naming_context: Dn,
    /// `domainFunctionality` (MS-ADTS 6.1.4.4).
    pub domain_level: Option<u32>,
    /// `forestFunctionality` (MS-ADTS 6.1.4.4).
    pub forest_level: Option<u32>,
    /// Host names of the forest's domain controllers, sorted.
    pub controllers: Result<Vec<String>, Unread>,
    /// Naming contexts of the forest's domains, sorted.
    pub domains: Result<Vec<String>, Unread>,
    /// What the schema knows.
    pub schema: Result<SchemaReadiness, Unread>,
    /// Whether the Recycle Bin optional feature is on.
    pub recycle_bin: Result<bool, Unread>,
    /// Every container that was asked about, in the order of the question.
    pub containers: Vec<ContainerReadiness>,
    /// Every group in these containers, by DN.
    pub groups: Result<Vec<GroupRights>, Unread>,
    /// What the account may write outside of them, as far as it was asked.
    pub beyond: Result<Vec<(Dn, EffectiveRights)>, Unread>,
}

/// What the schema knows of what is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaReadiness {
    /// `objectVersion` of the schema naming context: 69 is Windows Server 2012 R2, 87 is 2016, 88
    /// 2019 and 2022, 91 2025.
    pub version: Option<u32>,
    /// Anchor and record attributes that it has.
    pub anchors: BTreeSet<String>,
    /// It has `mailNickname`: the directory was prepared for Exchange.
    pub exchange_prepared: bool,
    /// `rangeUpper` of `ms-Exch-Schema-Version-Pt`: which Exchange prepared it.
    pub exchange_version: Option<u32>,
}

/// One container that policies or the configuration name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerReadiness {
    /// Which one.
    pub dn: Dn,
    /// What was found.
    pub state: ContainerState,
}

/// What was found of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// It lies outside the domain.
    Outside,
    /// It does not exist, or the account may not see it.
    Missing,
    /// It is there, with what the account may do to it.
    There(EffectiveRights),
    /// No answer came.
    Unread(Unread),
}

/// What the asking account may do to one object: the directory works it out for whoever asks
/// (MS-ADTS 3.1.1.4.5.4, 3.1.1.4.5.5, 3.1.1.4.5.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectiveRights {
    /// `allowedChildClassesEffective`: classes it may create below.
    pub child_classes: BTreeSet<String>,
    /// `allowedAttributesEffective`: attributes it may write.
    pub attributes: BTreeSet<String>,
    /// `sDRightsEffective`: owner, group, access list or audit list may be changed.
    pub security: bool,
}

/// What the asking account may do to one existing group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRights {
    /// The group.
    pub guid: ObjectGuid,
    /// Where it is.
    pub dn: Dn,
    /// adminCount is 1: the directory takes delegated rights off it (MS-ADTS 3.1.1.6.1.2).
    pub protected: bool,
    /// What may be done to it.
    pub rights: EffectiveRights,
}
