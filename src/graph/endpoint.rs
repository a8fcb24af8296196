//! What is asked of the tenant, with the right each question needs.
//!
//! Input: nothing. Output: a bounded word for metrics, a phrase for people, the rights for
//! messages. Rights are those of microsoftgraph/microsoft-graph-devx-content
//! permissions/new/permissions.json of 2026-08; a test holds them against that file.

use std::fmt;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `POST /{tenant}/oauth2/v2.0/token` at the login host.
    Token,
    /// `GET /metadata/identity/oauth2/token` at this machine's platform
    Identity,
    /// `GET /v1.0/groups`
    Groups,
    /// `GET /v1.0/directory/deletedItems/microsoft.graph.group`
    DeletedGroups,
    /// `GET /beta/groups` for `writebackConfiguration`
    Flags,
    /// `GET /v1.0/groups/{id}/members`
    Members,
    /// `GET /v1.0/groups/{id}`
    Group,
    /// `GET /v1.0/organization`
    Organization,
    /// `GET /v1.0/users` for links
    Users,
    /// `GET /v1.0/users` for `accountEnabled`
    Accounts,
    /// `GET /v1.0/users/{id}`
    Account,
    /// `GET /v1.0/devices/{id}`
    Device,
    /// `GET /v1.0/directory/deletedItems/{id}`
    DeletedItem,
    /// `GET /v1.0/groupSettings`
    GroupSettings,
    /// `GET /v1.0/subscribedSkus`
    Licences,
    /// `GET /v1.0/directory/onPremisesSynchronization`
    Synchronization,
}

impl Endpoint {
    /// Every kind, so that metrics can start at zero.
    pub const ALL: [Self; 16] = [
        Self::Token,
        Self::Identity,
        Self::Groups,
        Self::DeletedGroups,
        Self::Flags,
        Self::Members,
        Self::Group,
        Self::Organization,
        Self::Users,
        Self::Accounts,
        Self::Account,
        Self::Device,
        Self::DeletedItem,
        Self::GroupSettings,
        Self::Licences,
        Self::Synchronization,
    ];

    /// A bounded word for labels.
    pub fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Identity => "identity",
            Self::Groups => "groups",
            Self::DeletedGroups => "deleted_groups",
            Self::Flags => "flags",
            Self::Members => "members",
            Self::Group => "group",
            Self::Organization => "organization",
            Self::Users => "users",
            Self::Accounts => "accounts",
            Self::Account => "account",
            Self::Device => "device",
            Self::DeletedItem => "deleted_item",
            Self::GroupSettings => "group_settings",
            Self::Licences => "licences",
            Self::Synchronization => "synchronization",
        }
    }

    /// The application rights of which one is enough, the one to grant first.
    ///
    /// `Group.ReadBasic.All` and `GroupMember.ReadBasic.All` would do for some of these, but
    /// which properties they show is not documented, so they are not what is recommended.
    /// Those of deleted objects are on learn.microsoft.com/graph/api/directory-deleteditems-list
    /// and directory-deleteditems-get; one deleted object is asked for as a user.
    pub fn rights(self) -> &'static [&'static str] {
        match self {
            Self::Token | Self::Identity => &[],
            Self::Groups | Self::Flags | Self::Group | Self::Members => {
                &["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"]
            }
            Self::DeletedGroups => &["Group.Read.All", "Group.ReadWrite.All"],
            Self::Organization => &["Organization.Read.All", "User.Read.All", "Directory.Read.All"],
            Self::Users | Self::Accounts | Self::Account => {
                &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]
            }
            Self::Device => &["Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All"],
            Self::DeletedItem => &["User.Read.All", "User.ReadWrite.All"],
            Self::GroupSettings => {
                &["Group.Read.All", "GroupSettings.Read.All", "Directory.Read.All"]
            }
            Self::Licences => &["Organization.Read.All", "Directory.Read.All"],
            // Only people may ask, says the file; the role exists all the same.
            Self::Synchronization => &["OnPremDirectorySynchronization.Read.All"],
        }
    }

    /// What to look at when the host does not answer at all.
    pub(super) fn silence(self) -> String {
        if self == Self::Identity {
            return "is this machine an Azure VM, or connected to Azure Arc with its agent running? \
                    Else use another credential than tenant.credential.managedIdentity"
                .to_owned();
        }
        format!("check {}, name resolution, proxy and firewall", self.host_setting())
    }

    /// The setting that holds the host of this request.
    pub(super) fn host_setting(self) -> &'static str {
        match self {
            Self::Token => "tenant.loginUrl",
            Self::Identity => "tenant.credential.managedIdentity",
            Self::Groups
            | Self::DeletedGroups
            | Self::Flags
            | Self::Members
            | Self::Group
            | Self::Organization
            | Self::Users
            | Self::Accounts
            | Self::Account
            | Self::Device
            | Self::DeletedItem
            | Self::GroupSettings
            | Self::Licences
            | Self::Synchronization => "tenant.graphUrl",
        }
    }
}

/// Reads after "failed to".
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "get a token",
            Self::Identity => "get a token of this machine's managed identity",
            Self::Groups => "list the groups",
            Self::DeletedGroups => "list the deleted groups",
            Self::Flags => "list the writeback flags",
            Self::Members => "read the members of a group",
            Self::Group => "read one group",
            Self::Organization => "read the organization",
            Self::Users => "look for synchronised users",
            Self::Accounts => "ask which users are enabled",
            Self::Account => "read one user",
            Self::Device => "read one device",
            Self::DeletedItem => "read one deleted object",
            Self::GroupSettings => "read the settings for groups",
            Self::Licences => "list the licences",
            Self::Synchronization => "read the features of Microsoft's synchronisation",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_right_that_is_recommended_opens_its_request() {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/data/graph-permissions.json")).unwrap();
        let documented = |endpoint| match endpoint {
            Endpoint::Groups | Endpoint::Flags => Some("/groups"),
            Endpoint::Members => Some("/groups/{id}/members"),
            Endpoint::Group => Some("/groups/{id}"),
            Endpoint::Organization => Some("/organization"),
            Endpoint::Users | Endpoint::Accounts => Some("/users"),
            Endpoint::Account => Some("/users/{id}"),
            Endpoint::Device => Some("/devices"),
            Endpoint::GroupSettings => Some("/groupsettings"),
            Endpoint::Licences => Some("/subscribedskus"),
            Endpoint::Token
            | Endpoint::Identity
            | Endpoint::DeletedGroups
            | Endpoint::DeletedItem
            | Endpoint::Synchronization => None,
        };
        for (endpoint, path) in
            Endpoint::ALL.into_iter().filter_map(|one| documented(one).map(|path| (one, path)))
        {
            let listed = file["requests"][path]["GET"].as_array().unwrap();
            assert!(!endpoint.rights().is_empty());
            for right in endpoint.rights() {
                assert!(listed.iter().any(|one| one == right), "{right} on {path}");
            }
        }
    }
}
