//! What is so on both sides before anything is written, as types: the facts of a discovery.
//!
//! `discover` makes them, each of a few words, and `report::discovery` makes one word of those; a
//! test holds what it prints to this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::schema::words::{Id, Name};

/// What is so, by what it is about.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Every credential that the configuration names and that could be read.
    pub credentials: CredentialFacts,
    /// The tenant.
    pub tenant: TenantSide,
    /// How many groups the tenant has; absent where they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_groups: Option<CloudGroupFacts>,
    /// The domain.
    pub domain: DomainSide,
    /// The state of each container that the configuration or a policy names, by its DN; absent
    /// where the domain was not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<BTreeMap<String, ContainerState>>,
    /// The groups in the containers; absent where they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups_in_the_containers: Option<ContainerGroupFacts>,
    /// The groups that carry the mark of a writeback; absent where they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_back_groups_in_the_directory: Option<WrittenGroupFacts>,
    /// The policies.
    pub policies: PolicyFacts,
}

/// Each credential: its file, and when it ends. Absent where the configuration names none.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialFacts {
    /// The client secret of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The certificate of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The token of another issuer that the application trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federated_token: Option<String>,
    /// The identity that Azure gives the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<String>,
    /// The password of the account that binds to the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_password: Option<String>,
    /// The keytab of that account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keytab: Option<String>,
    /// The authorities that the hosts of the tenant are trusted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_of_the_tenant: Option<String>,
    /// The authorities that the domain controllers are trusted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_of_the_directory: Option<String>,
}

/// A side that could not be read at all.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unreached {
    /// Always false; a problem tells why.
    #[schemars(extend("const" = false))]
    pub reached: bool,
}

/// The tenant, or that it could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum TenantSide {
    /// What it says.
    Reached(TenantFacts),
    /// Nothing of it is known.
    Unreached(Unreached),
}

/// What a tenant says that was reached.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantFacts {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub reached: bool,
    /// Its id.
    pub id: Id,
    /// The name of the organization; absent where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether a directory is synchronised into it; absent where that could not be read.
    #[serde(rename = "synchronisesWithADirectory", skip_serializing_if = "Option::is_none")]
    pub synchronises: Option<bool>,
    /// The licence for group writeback that is in force.
    pub licence: Licence,
    /// Whether Microsoft's own writeback of the first version is on; null where it is not known.
    pub microsoft_writeback_version1: Option<bool>,
    /// Whether Microsoft's own writeback of the second version is on; null where it is not known.
    pub microsoft_writeback_version2: Option<bool>,
    /// Whether devices are written back; null where it is not known.
    pub microsoft_device_writeback: Option<bool>,
    /// Whether new groups are written back by default; null where it is not known.
    pub new_microsoft365_groups_are_written_back: Option<bool>,
    /// The rights that the application has.
    pub granted_rights: Vec<String>,
    /// The rights that it needs, by the policies and by what is in the groups they take.
    pub needed_rights: Vec<String>,
}

/// The licence for group writeback.
#[derive(Debug, Serialize, JsonSchema)]
pub enum Licence {
    /// P1 is in force.
    #[serde(rename = "Entra ID P1")]
    P1,
    /// P2 is in force, which holds P1.
    #[serde(rename = "Entra ID P2")]
    P2,
    /// None is.
    #[serde(rename = "neither Entra ID P1 nor P2")]
    Missing,
    /// It could not be read.
    #[serde(rename = "unknown")]
    Unknown,
}

/// How many groups the tenant has of each kind; a group may be of several.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudGroupFacts {
    /// Of any kind.
    pub all: u64,
    /// Microsoft 365 groups that are born in the cloud.
    pub microsoft365: u64,
    /// Of these, those whose writeback setting is null.
    pub microsoft365_with_writeback_not_set: u64,
    /// Of these, those whose writeback setting is true.
    pub microsoft365_with_writeback_on: u64,
    /// Of these, those whose writeback setting is false.
    pub microsoft365_with_writeback_off: u64,
    /// Of these, those whose writeback setting is not known.
    pub microsoft365_with_writeback_unknown: u64,
    /// Security groups that are born in the cloud.
    pub security: u64,
    /// Of these, those whose writeback setting is true.
    pub security_with_writeback_on: u64,
    /// Of dynamic membership.
    pub dynamic: u64,
    /// To which roles of the tenant can be assigned.
    pub role_assignable: u64,
    /// Whose members are hidden.
    pub of_hidden_membership: u64,
    /// Born in the cloud and neither Microsoft 365 nor security groups.
    pub of_a_kind_that_is_never_written: u64,
    /// Groups of the directory whose source of authority was moved to the cloud.
    pub converted_from_the_directory: u64,
    /// Groups of the directory.
    pub mastered_on_premises: u64,
    /// Deleted, and not yet for good.
    pub deleted_and_restorable: u64,
}

/// The domain, or that it could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DomainSide {
    /// What it says.
    Reached(Box<DomainFacts>),
    /// Nothing of it is known.
    Unreached(Unreached),
}

/// What a domain says that was reached.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainFacts {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub reached: bool,
    /// The DNS name of the domain controller that was asked.
    pub domain_controller: String,
    /// Whose domain controller it is.
    pub product: DirectoryProduct,
    /// The DN of the domain.
    pub domain: String,
    /// The name of the functional level of the domain, or `unknown`.
    pub domain_functional_level: String,
    /// The name of the functional level of the forest, or `unknown`.
    pub forest_functional_level: String,
    /// Their DNS names; absent where they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_controllers_of_the_forest: Option<Vec<String>>,
    /// Their DNs; absent where they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains_of_the_forest: Option<Vec<String>>,
    /// The version of the schema, with its name where it has one; absent where the schema could
    /// not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
    /// `no`, or `yes` with the version; absent where the schema could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepared_for_exchange: Option<String>,
    /// The attributes of the schema that can hold an anchor; absent where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_attributes: Option<Vec<String>>,
    /// Whether the recycle bin is on; absent where that could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recycle_bin: Option<bool>,
}

/// Whose domain controller it is.
#[derive(Debug, Serialize, JsonSchema)]
pub enum DirectoryProduct {
    /// Samba.
    Samba,
    /// Microsoft's.
    #[serde(rename = "Windows Server")]
    WindowsServer,
}

/// The state of a container.
#[derive(Debug, Serialize, JsonSchema)]
pub enum ContainerState {
    /// It is there, and the account may create groups in it.
    #[serde(rename = "there, groups can be created")]
    Creates,
    /// It is there, and the account may not create groups in it.
    #[serde(rename = "there, groups cannot be created")]
    CreatesNot,
    /// It does not exist, or the account may not see it.
    #[serde(rename = "missing")]
    Missing,
    /// It does not lie in the domain.
    #[serde(rename = "outside the domain")]
    Outside,
    /// It could not be read.
    #[serde(rename = "unknown")]
    Unknown,
}

/// The groups in the containers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContainerGroupFacts {
    /// How many, whoever wrote them.
    pub all: u64,
}

/// The groups that carry the mark of a writeback.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WrittenGroupFacts {
    /// Those that this owner wrote.
    pub ours: u64,
    /// Those that another owner or another product wrote.
    pub of_others: u64,
}

/// The policies.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyFacts {
    /// Those in force, by name.
    pub in_force: Vec<Name>,
    /// How many files are wrong.
    pub that_cannot_be_parsed: u64,
    /// What is judged instead; absent where a policy is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub none_in_force: Option<String>,
}
