//! How the tenant puts an object into JSON.
//!
//! Input: an object of the cloud, the properties asked for, and how much the token may see.
//! Output: a JSON object with exactly those properties and no others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::clock::graph_time;
use super::cloud::{Cloud, Object};
use super::property::{Type, Version, nothing};
use crate::sim::world::{GroupKind, MAIL_DOMAIN, OtherKind, OtherObject, Person, WorldGroup};

/// When everything that was there from the start was made.
pub(super) const CREATED: &str = "2026-01-05T08:00:00Z";

/// The rule of a dynamic group that has none of its own.
const EVERYBODY: &str = "user.accountEnabled -eq true";

/// How much of an object the token may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Everything.
    Full,
    /// A user's basic profile: `User.ReadBasic.All`
    /// (learn.microsoft.com/graph/permissions-reference).
    Basic,
    /// Type and id; every other property is null
    /// (learn.microsoft.com/graph/permissions-overview, limited information returned for
    /// inaccessible member objects).
    Limited,
}

/// The basic profile of a user.
const BASIC: [&str; 7] = [
    "id",
    "displayName",
    "givenName",
    "mail",
    "surname",
    "userPrincipalName",
    "securityIdentifier",
];

/// One object with the selected properties of its own type, or its default ones.
pub(super) fn object(
    cloud: &Cloud,
    object: Object<'_>,
    select: Option<&[String]>,
    version: Version,
    sight: Sight,
) -> Map<String, Value> {
    let kind = Type::of(object);
    let mut map = Map::new();
    let names: Vec<&str> = match select {
        Some(select) => {
            select.iter().map(String::as_str).filter(|name| kind.has(version, name)).collect()
        }
        None => kind.default_properties().to_vec(),
    };
    for name in names {
        let visible = match sight {
            Sight::Full => true,
            Sight::Basic => BASIC.contains(&name),
            Sight::Limited => name == "id",
        };
        let value = if visible { value(cloud, object, name) } else { nothing(name) };
        map.insert(name.to_owned(), value);
    }
    if sight == Sight::Limited {
        map.insert("id".to_owned(), json!(object.id()));
    }
    map
}

/// `#microsoft.graph.user` and the like.
pub(super) fn odata_type(object: Object<'_>) -> String {
    let named = match object {
        Object::Other(OtherObject { kind: OtherKind::Unknown(name), .. }) => name.as_str(),
        Object::Group(_) | Object::Person(_) | Object::Other(_) => Type::of(object).name(),
    };
    format!("#microsoft.graph.{named}")
}

fn value(cloud: &Cloud, object: Object<'_>, name: &str) -> Value {
    if let Some(said) = cloud.said(object.id(), name) {
        return said.clone();
    }
    match (name, object) {
        ("id", _) => json!(object.id()),
        ("securityIdentifier", Object::Group(_) | Object::Person(_)) => {
            json!(cloud_sid(object.id()))
        }
        ("deletedDateTime", _) => cloud.deleted_at(object.id()).map(graph_time).into(),
        (_, Object::Group(group)) => group_value(cloud, group, name),
        (_, Object::Person(person)) => person_value(cloud, person, name),
        (_, Object::Other(other)) => {
            other.properties.get(name).cloned().unwrap_or_else(|| nothing(name))
        }
    }
}

fn group_value(cloud: &Cloud, group: &WorldGroup, name: &str) -> Value {
    let (unified, mail_enabled, security_enabled) = match &group.kind {
        GroupKind::Microsoft365 => (true, true, false),
        GroupKind::Security => (false, false, true),
        GroupKind::MailEnabledSecurity => (false, true, true),
        GroupKind::DistributionList => (false, true, false),
        GroupKind::Unusual { mail_enabled, security_enabled, .. } => {
            (false, *mail_enabled, *security_enabled)
        }
    };
    let mastered = group.on_premises_sync_enabled == Some(true);
    match name {
        "displayName" => json!(group.display_name),
        "description" => json!(group.description),
        "mailNickname" => json!(group.mail_nickname),
        "mail" => json!(group.mail),
        "proxyAddresses" => {
            let primary = group.mail.iter().map(|mail| format!("SMTP:{mail}"));
            json!(primary.chain(group.further_addresses.iter().cloned()).collect::<Vec<_>>())
        }
        "classification" => json!(group.classification),
        "mailEnabled" => json!(mail_enabled),
        "securityEnabled" => json!(security_enabled),
        "groupTypes" => {
            let mut types = match &group.kind {
                GroupKind::Unusual { group_types, .. } => group_types.clone(),
                GroupKind::Microsoft365
                | GroupKind::Security
                | GroupKind::MailEnabledSecurity
                | GroupKind::DistributionList => Vec::new(),
            };
            types.extend(group.dynamic.then(|| "DynamicMembership".to_owned()));
            types.extend(unified.then(|| "Unified".to_owned()));
            json!(types)
        }
        "membershipRule" => {
            let rule = group.membership_rule.as_deref().unwrap_or(EVERYBODY);
            group.dynamic.then_some(rule).into()
        }
        "membershipRuleProcessingState" => group.dynamic.then_some("On").into(),
        "visibility" => json!(group.visibility),
        "isAssignableToRole" => json!(group.role_assignable),
        "onPremisesSyncEnabled" => json!(group.on_premises_sync_enabled),
        "onPremisesSecurityIdentifier" => json!(group.on_premises_security_identifier),
        // Names from the directory are told of groups that sync (msgraph-sdk 1.65.0, Group);
        // what is left of them after a conversion is not documented.
        "onPremisesSamAccountName" => mastered.then_some(group.mail_nickname.as_str()).into(),
        "onPremisesDomainName" => mastered.then_some(MAIL_DOMAIN).into(),
        "onPremisesNetBiosName" => mastered.then(netbios_name).into(),
        "onPremisesLastSyncDateTime" => mastered.then(|| graph_time(cloud.now())).into(),
        "createdDateTime" | "renewedDateTime" => {
            group.created.map_or_else(|| CREATED.to_owned(), graph_time).into()
        }
        "organizationId" => json!(cloud.tenant_id),
        "writebackConfiguration" => json!({
            "isEnabled": group.writeback_enabled,
            "onPremisesGroupType": group.writeback_type,
        }),
        _ => nothing(name),
    }
}

/// The short name of the domain of [`MAIL_DOMAIN`]: its first label, in capitals.
fn netbios_name() -> String {
    MAIL_DOMAIN.split('.').next().unwrap_or_default().to_uppercase()
}

fn person_value(cloud: &Cloud, person: &Person, name: &str) -> Value {
    let link = person.link.as_ref();
    let (given, family) = match person.display_name.split_once(' ') {
        Some((given, family)) => (Some(given), Some(family)),
        None => (None, None),
    };
    match name {
        "displayName" => json!(person.display_name),
        "givenName" => json!(given),
        "surname" => json!(family),
        "userPrincipalName" => json!(person.user_principal_name),
        "mail" => json!(format!("{}@{MAIL_DOMAIN}", person.sam_account_name)),
        "mailNickname" => json!(person.sam_account_name),
        "accountEnabled" => json!(person.account_enabled),
        "userType" => json!(if person.guest { "Guest" } else { "Member" }),
        "externalUserState" => person.guest.then_some("Accepted").into(),
        "createdDateTime" => json!(CREATED),
        // True only for synced users, null for the others (msgraph-sdk 1.65.0, User).
        "onPremisesSyncEnabled" => link.map(|_| true).into(),
        "onPremisesSecurityIdentifier" => json!(link.map(|link| &link.sid)),
        "onPremisesImmutableId" => link.map(|link| immutable_id(link.guid)).into(),
        "onPremisesSamAccountName" => json!(link.map(|_| &person.sam_account_name)),
        "onPremisesUserPrincipalName" => json!(link.map(|_| &person.user_principal_name)),
        "onPremisesDomainName" => link.map(|_| MAIL_DOMAIN).into(),
        "onPremisesLastSyncDateTime" => link.map(|_| graph_time(cloud.now())).into(),
        _ => nothing(name),
    }
}

/// The source anchor of a synced user: the 16 bytes of the directory object's GUID as the
/// directory stores them (MS-DTYP 2.3.4.2), in base64
/// (learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts).
fn immutable_id(guid: Uuid) -> String {
    STANDARD.encode(guid.to_bytes_le())
}

/// The SID the cloud gives its own objects: `S-1-12-1-` and the id's four little-endian words
/// (learn.microsoft.com/entra/identity/devices/assign-local-admin).
fn cloud_sid(id: Uuid) -> String {
    let words = id.to_bytes_le();
    let words = words.chunks_exact(4).map(|word| {
        let word: [u8; 4] = word.try_into().expect("a chunk of four has four bytes");
        u32::from_le_bytes(word).to_string()
    });
    format!("S-1-12-1-{}", words.collect::<Vec<_>>().join("-"))
}
