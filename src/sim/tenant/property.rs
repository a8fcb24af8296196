//! Which properties each type has, which of them come without being asked for, and which are
//! never null.
//!
//! Input: the v1.0 schema (microsoftgraph/msgraph-metadata, schemas/v1.0-Prod.csdl of 2026-08),
//! written down by hand so that a test can hold the answers against that schema. Output: the
//! answer to "may this be selected" and the value of a property the tenant knows nothing about.
//! Which are default properties follows the type's page in learn.microsoft.com/graph/api/resources.

use serde_json::{Value, json};

use super::cloud::Object;
use crate::sim::world::OtherKind;

/// The types whose properties may be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Group,
    User,
    Device,
    ServicePrincipal,
    OrgContact,
    Organization,
    /// What every directory object has; a type not known by name has no more.
    DirectoryObject,
}

/// The version of the API in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `/v1.0`
    V1,
    /// `/beta`
    Beta,
}

const GROUP: &[&str] = &[
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityEnabled",
    "securityIdentifier",
    "theme",
    "uniqueName",
    "visibility",
    "onPremisesProvisioningErrors",
    "serviceProvisioningErrors",
];
const GROUP_SELECTED: &[&str] = &[
    "assignedLabels",
    "assignedLicenses",
    "infoCatalogs",
    "isManagementRestricted",
    "licenseProcessingState",
    "onPremisesExtensionAttributes",
    "organizationId",
];
const USER: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
const USER_SELECTED: &[&str] = &[
    "accountEnabled",
    "ageGroup",
    "assignedLicenses",
    "assignedPlans",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "createdDateTime",
    "creationType",
    "deletedDateTime",
    "department",
    "employeeHireDate",
    "employeeId",
    "employeeType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "faxNumber",
    "identities",
    "imAddresses",
    "isManagementRestricted",
    "isResourceAccount",
    "lastPasswordChangeDateTime",
    "mailNickname",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "postalCode",
    "preferredDataLocation",
    "provisionedPlans",
    "proxyAddresses",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "showInAddressList",
    "signInSessionsValidFromDateTime",
    "state",
    "streetAddress",
    "usageLocation",
    "userType",
];
const DEVICE: &[&str] = &[
    "id",
    "deletedDateTime",
    "accountEnabled",
    "approximateLastSignInDateTime",
    "complianceExpirationDateTime",
    "deviceCategory",
    "deviceId",
    "deviceMetadata",
    "deviceOwnership",
    "deviceVersion",
    "displayName",
    "enrollmentProfileName",
    "enrollmentType",
    "isCompliant",
    "isManaged",
    "isRooted",
    "managementType",
    "manufacturer",
    "mdmAppId",
    "model",
    "onPremisesLastSyncDateTime",
    "onPremisesSyncEnabled",
    "operatingSystem",
    "operatingSystemVersion",
    "physicalIds",
    "profileType",
    "registrationDateTime",
    "systemLabels",
    "trustType",
    "alternativeSecurityIds",
];
/// The SID of a device has to be asked for (msgraph-sdk 1.65.0).
const DEVICE_SELECTED: &[&str] = &["isManagementRestricted", "onPremisesSecurityIdentifier"];
const SERVICE_PRINCIPAL: &[&str] = &[
    "id",
    "deletedDateTime",
    "accountEnabled",
    "alternativeNames",
    "appDescription",
    "appDisplayName",
    "appId",
    "appRoleAssignmentRequired",
    "description",
    "displayName",
    "homepage",
    "loginUrl",
    "logoutUrl",
    "notes",
    "replyUrls",
    "servicePrincipalNames",
    "servicePrincipalType",
    "signInAudience",
    "tags",
];
const ORG_CONTACT: &[&str] = &[
    "id",
    "deletedDateTime",
    "addresses",
    "companyName",
    "department",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickname",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSyncEnabled",
    "phones",
    "proxyAddresses",
    "serviceProvisioningErrors",
    "surname",
];
const ORGANIZATION: &[&str] = &[
    "id",
    "deletedDateTime",
    "assignedPlans",
    "businessPhones",
    "city",
    "country",
    "countryLetterCode",
    "createdDateTime",
    "defaultUsageLocation",
    "displayName",
    "marketingNotificationEmails",
    "onPremisesLastSyncDateTime",
    "onPremisesSyncEnabled",
    "partnerTenantType",
    "postalCode",
    "preferredLanguage",
    "privacyProfile",
    "provisionedPlans",
    "securityComplianceNotificationMails",
    "securityComplianceNotificationPhones",
    "state",
    "street",
    "technicalNotificationMails",
    "tenantType",
    "verifiedDomains",
];
const DIRECTORY_OBJECT: &[&str] = &["id", "deletedDateTime"];

/// Properties of collection type. Those the schema calls nullable are sent as an empty list too,
/// which a client may not tell apart from null.
const COLLECTIONS: &[&str] = &[
    "addresses",
    "alternativeNames",
    "alternativeSecurityIds",
    "assignedLabels",
    "assignedLicenses",
    "assignedPlans",
    "businessPhones",
    "groupTypes",
    "identities",
    "imAddresses",
    "infoCatalogs",
    "marketingNotificationEmails",
    "onPremisesProvisioningErrors",
    "otherMails",
    "phones",
    "physicalIds",
    "provisionedPlans",
    "proxyAddresses",
    "replyUrls",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityComplianceNotificationMails",
    "securityComplianceNotificationPhones",
    "servicePrincipalNames",
    "serviceProvisioningErrors",
    "systemLabels",
    "tags",
    "technicalNotificationMails",
    "verifiedDomains",
];

impl Type {
    /// The type of a directory object.
    pub(super) fn of(object: Object<'_>) -> Self {
        match object {
            Object::Group(_) => Self::Group,
            Object::Person(_) => Self::User,
            Object::Other(other) => match other.kind {
                OtherKind::Device => Self::Device,
                OtherKind::ServicePrincipal => Self::ServicePrincipal,
                OtherKind::OrgContact => Self::OrgContact,
                OtherKind::Unknown(_) => Self::DirectoryObject,
            },
        }
    }

    /// What comes without `$select`.
    pub(super) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Group => GROUP,
            Self::User => USER,
            Self::Device => DEVICE,
            Self::ServicePrincipal => SERVICE_PRINCIPAL,
            Self::OrgContact => ORG_CONTACT,
            Self::Organization => ORGANIZATION,
            Self::DirectoryObject => DIRECTORY_OBJECT,
        }
    }

    /// Whether the type has a property of this name. `writebackConfiguration` is in beta only
    /// (learn.microsoft.com/graph/api/resources/groupwritebackconfiguration?view=graph-rest-beta).
    pub(super) fn has(self, version: Version, name: &str) -> bool {
        let selected = match self {
            Self::Group => GROUP_SELECTED,
            Self::User => USER_SELECTED,
            Self::Device => DEVICE_SELECTED,
            Self::ServicePrincipal
            | Self::OrgContact
            | Self::Organization
            | Self::DirectoryObject => &[],
        };
        let beta =
            self == Self::Group && version == Version::Beta && name == "writebackConfiguration";
        beta || self.default_properties().contains(&name) || selected.contains(&name)
    }

    /// The name in `$metadata`, for the type's cast and `@odata.type`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
            Self::Device => "device",
            Self::ServicePrincipal => "servicePrincipal",
            Self::OrgContact => "orgContact",
            Self::Organization => "organization",
            Self::DirectoryObject => "directoryObject",
        }
    }

    /// The entity set, for `@odata.context`.
    pub(super) fn entity_set(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::User => "users",
            Self::Device => "devices",
            Self::ServicePrincipal => "servicePrincipals",
            Self::OrgContact => "contacts",
            Self::Organization => "organization",
            Self::DirectoryObject => "directoryObjects",
        }
    }

    /// The types that a group may hold.
    pub(super) fn members() -> [Self; 6] {
        [
            Self::Group,
            Self::User,
            Self::Device,
            Self::ServicePrincipal,
            Self::OrgContact,
            Self::DirectoryObject,
        ]
    }
}

/// What is sent for a property nothing is known of: null, no elements, or, for the one flag here
/// that is never null, false.
pub(super) fn nothing(name: &str) -> Value {
    if COLLECTIONS.contains(&name) {
        json!([])
    } else if name == "appRoleAssignmentRequired" {
        json!(false)
    } else {
        Value::Null
    }
}
