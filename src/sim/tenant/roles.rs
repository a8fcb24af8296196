//! Which application permissions open which resource, and how much of a member a token shows.
//!
//! Input: the roles in a token. Output: may it, and what does it see. The tables are those of
//! microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json of 2026-08; a
//! test holds them against that file.

use super::ask::Endpoint;
use super::property::Type;
use super::resource::Sight;

const GROUPS: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group.ManageProtection.All",
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
];
const GROUP: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group-NestingSupport.ReadWrite.All",
    "Group-PreferredDataLocation.ReadWrite.All",
    "Group-XTenantIdentitySync.Read.All",
    "Group.ManageProtection.All",
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
];
const MEMBERS: &[&str] = &[
    "Directory.Read.All",
    "Group.Read.All",
    "Group.ReadBasic.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.ReadWrite.All",
];
const USERS: &[&str] = &[
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
    "DeviceManagementApps.Read.All",
    "DeviceManagementApps.ReadWrite.All",
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementManagedDevices.ReadWrite.All",
    "DeviceManagementServiceConfig.Read.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read.All",
    "User.ReadBasic.All",
    "User.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
];
const ORGANIZATION: &[&str] = &[
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementServiceConfig.Read.All",
    "DeviceManagementServiceConfig.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "User.Read.All",
];
const SETTINGS: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupSettings.Read.All",
    "GroupSettings.ReadWrite.All",
];
const LICENCES: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
];
/// The data file lists no application permission for the path, though the role exists (id
/// bb70e231-92dc-4729-aff5-697b3f04be95): whether it opens anything, the world says.
const SYNCHRONIZATION: &[&str] = &["OnPremDirectorySynchronization.Read.All"];
/// learn.microsoft.com/graph/api/group-update, group-delete, directory-deleteditems-restore. The
/// rights that write one property each are left out.
const WRITE: &[&str] = &["Directory.ReadWrite.All", "Group.ReadWrite.All"];
/// learn.microsoft.com/graph/api/group-post-members
const WRITE_MEMBERS: &[&str] =
    &["Directory.ReadWrite.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All"];
/// Not in the data file: learn.microsoft.com/graph/api/directory-deleteditems-list names
/// Group.Read.All as the least one; its writing twin holds it.
const DELETED_GROUPS: &[&str] = &["Group.Read.All", "Group.ReadWrite.All"];

/// Not in the data file either: learn.microsoft.com/graph/api/directory-deleteditems-get names
/// User.Read.All; its writing twin holds it.
const DELETED_USERS: &[&str] = &["User.Read.All", "User.ReadWrite.All"];

/// What lets a token see all of a user.
const USER_IN_FULL: &[&str] =
    &["Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"];
const DEVICE: &[&str] =
    &["Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// learn.microsoft.com/graph/api/serviceprincipal-list
const SERVICE_PRINCIPAL: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"];
/// learn.microsoft.com/graph/api/orgcontact-list
const ORG_CONTACT: &[&str] = &["OrgContact.Read.All", "Directory.Read.All"];
const ANY_DIRECTORY_OBJECT: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];

/// The roles an administrator grants this program: what the tenant starts with.
pub(super) const GRANTED: [&str; 4] =
    ["Device.Read.All", "Group.Read.All", "GroupMember.Read.All", "User.Read.All"];

/// The right that the members of a group of hidden membership need besides
/// (learn.microsoft.com/graph/api/group-list-transitivemembers).
const HIDDEN: &str = "Member.Read.Hidden";

/// Whether these roles open this resource.
pub(super) fn may(roles: &[String], endpoint: &Endpoint) -> bool {
    let needed = match endpoint {
        Endpoint::Groups => GROUPS,
        Endpoint::Group(_) => GROUP,
        Endpoint::Members { .. } => MEMBERS,
        Endpoint::DeletedGroups => DELETED_GROUPS,
        Endpoint::DeletedItem(_) => {
            return has_any(roles, DELETED_GROUPS) || has_any(roles, DELETED_USERS);
        }
        Endpoint::Restore(_) => WRITE,
        Endpoint::Reference { .. } => WRITE_MEMBERS,
        Endpoint::Organization => ORGANIZATION,
        Endpoint::Settings => SETTINGS,
        Endpoint::Licences => LICENCES,
        Endpoint::Synchronization(_) => SYNCHRONIZATION,
        Endpoint::Users | Endpoint::User(_) => USERS,
        Endpoint::Device(_) => DEVICE,
        Endpoint::Token { .. } | Endpoint::Metadata { .. } | Endpoint::Nowhere(_) => return true,
    };
    has_any(roles, needed)
}

/// Whether these roles show a deleted item of this type, where deleted items are opened at all.
pub(super) fn may_see_deleted(roles: &[String], kind: Type) -> bool {
    has_any(roles, if kind == Type::User { DELETED_USERS } else { DELETED_GROUPS })
}

/// Whether these roles change groups, or members of groups.
pub(super) fn may_write(roles: &[String], members: bool) -> bool {
    has_any(roles, if members { WRITE_MEMBERS } else { WRITE })
}

/// Whether these roles show the members of a group of hidden membership.
pub(super) fn may_see_hidden(roles: &[String]) -> bool {
    has_any(roles, &[HIDDEN])
}

/// How much of an object of this type these roles show.
pub(super) fn sight(roles: &[String], kind: Type) -> Sight {
    let in_full = match kind {
        Type::Group => GROUP,
        Type::User => USER_IN_FULL,
        Type::Device => DEVICE,
        Type::ServicePrincipal => SERVICE_PRINCIPAL,
        Type::OrgContact => ORG_CONTACT,
        Type::Organization => ORGANIZATION,
        Type::DirectoryObject => ANY_DIRECTORY_OBJECT,
    };
    if has_any(roles, in_full) {
        Sight::Full
    } else if kind == Type::User && has_any(roles, USERS) {
        Sight::Basic
    } else {
        Sight::Limited
    }
}

fn has_any(roles: &[String], needed: &[&str]) -> bool {
    roles.iter().any(|role| needed.contains(&role.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_tables_are_those_of_the_permissions_file() {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/data/graph-permissions.json"))
                .unwrap();
        let requests = file["requests"].as_object().unwrap();
        let every: BTreeSet<&str> = requests
            .values()
            .filter_map(|methods| methods["GET"].as_array())
            .flatten()
            .map(|role| role.as_str().unwrap())
            .collect();
        let group = Uuid::nil();
        let members = |transitive| Endpoint::Members { group, transitive, cast: None };
        let asked = [
            ("/groups", Endpoint::Groups),
            ("/groups/{id}", Endpoint::Group(group)),
            ("/groups/{id}/members", members(false)),
            ("/groups/{id}/transitivemembers", members(true)),
            ("/users", Endpoint::Users),
            ("/users/{id}", Endpoint::User("someone".to_owned())),
            ("/organization", Endpoint::Organization),
            ("/groupsettings", Endpoint::Settings),
            ("/settings", Endpoint::Settings),
            ("/subscribedskus", Endpoint::Licences),
        ];
        for (path, endpoint) in asked {
            let listed: BTreeSet<&str> = requests[path]["GET"]
                .as_array()
                .unwrap()
                .iter()
                .map(|role| role.as_str().unwrap())
                .collect();
            for role in &every {
                let opens = may(&[(*role).to_owned()], &endpoint);
                assert_eq!(opens, listed.contains(role), "{role} on {path}");
            }
        }
        assert!(requests["/directory/onpremisessynchronization"]["GET"].is_null());
        for role in &every {
            assert!(!may(&[(*role).to_owned()], &Endpoint::Synchronization(None)), "{role}");
        }
        let writes = requests["/groups/{id}"]["PATCH"].as_array().unwrap();
        assert!(WRITE.iter().all(|role| writes.contains(&Value::from(*role))));
    }
}
