//! `spec.members`: who is in a written group.
//!
//! Made by `policy::document`; read by `decide::members` and `decide::nest`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::{Mode, Place, Policy};
use crate::model::{Digest, Dn, ObjectGuid, Sid};

/// Which members a written group gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberRules {
    /// Whether members are taken out.
    pub mode: MemberMode,
    /// What becomes of nested groups.
    pub nested: Nested,
    /// What becomes of devices.
    pub devices: Devices,
    /// Objects that are never taken out.
    pub keep: Vec<Keep>,
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
        Self {
            mode: MemberMode::Mirror,
            nested: Nested::Keep,
            devices: Devices::Include,
            keep: Vec::new(),
            maximum_microsoft_365: Self::MICROSOFT_365_DEFAULT,
            maximum_security: Self::MAXIMUM,
        }
    }
}

/// Whether members are taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum MemberMode {
    /// The directory group holds what the cloud group holds.
    Mirror,
    /// Members are added and never taken out.
    AddOnly,
}

/// What becomes of nested groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Nested {
    /// They are nested in the directory as well.
    Keep,
    /// Their users and devices, at any depth, are written instead.
    Flatten,
    /// They are left out.
    Skip,
}

/// What becomes of devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Devices {
    /// They are members.
    Include,
    /// They are left out.
    Skip,
}

/// An object that is never taken out of the groups of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Where the entry stands.
    pub place: Place,
    /// Which object is meant.
    pub object: KeepReference,
}

/// How an entry of `keep` names its object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeepReference {
    /// `sid:S-1-5-…`
    Sid(Sid),
    /// `guid:…`, its objectGUID
    Guid(ObjectGuid),
    /// A full DN.
    Dn(Dn),
}

impl KeepReference {
    /// One text for each object, however it is written.
    fn canonical(&self) -> String {
        match self {
            Self::Sid(sid) => format!("sid {sid}"),
            Self::Guid(guid) => format!("guid {guid}"),
            Self::Dn(dn) => format!("dn {dn}"),
        }
    }
}

/// What of a policy decides who is in its groups, as digests: whether an edit of the policy can be
/// why a member comes or goes, or whether that was the tenant. Places do not count, nor does
/// anything that decides names, selection, guards or endings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberBasis {
    /// What decides who is put in.
    pub additions: Digest,
    /// What decides who is taken out.
    pub removals: Digest,
}

impl MemberBasis {
    /// What the policy says of members now.
    pub fn of(policy: &Policy) -> Self {
        // Every rule is here: one that is added does not compile until it is counted.
        let MemberRules { mode, nested, devices, keep, maximum_microsoft_365, maximum_security } =
            &policy.members;
        let maximum = (maximum_microsoft_365, maximum_security);
        // Of a hidden group nothing is flattened, unless the selection says so.
        let hidden = policy.selection.hidden_membership;
        let belongs = format!("{nested:?} {devices:?} {maximum:?} {hidden:?}");
        let fills_once = policy.mode == Mode::CreateOnly;
        let mut keep: Vec<String> = keep.iter().map(|entry| entry.object.canonical()).collect();
        keep.sort();
        keep.dedup();
        let stays = format!("{mode:?} {:?} {keep:?}", policy.mode);
        Self {
            additions: Digest::of(format!("{belongs} {fills_once}").as_bytes()),
            removals: Digest::of(format!("{belongs} {stays}").as_bytes()),
        }
    }
}
