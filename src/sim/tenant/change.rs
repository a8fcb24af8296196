//! What an administrator's tools write: a few requests that change groups.
//!
//! Input: a request that is no GET, with its body. Output: a changed state of the tenant, or a
//! refusal. The program under test has no right to any of this; independent clients do, and by
//! its absence in [`super::Tenant::requests`] a test sees that the program wrote nothing.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::ask::{Ask, Endpoint};
use super::cloud::{Cloud, Object};
use super::error::Refusal;
use super::property::Version;
use super::roles;
use crate::sim::world::{GroupKind, WorldGroup};

/// What may be written as `onPremisesGroupType`, in any case: Terraform sends
/// `UniversalSecurityGroup` and it works (hashicorp/terraform-provider-azuread).
const DIRECTORY_TYPES: [&str; 3] =
    ["universalDistributionGroup", "universalSecurityGroup", "universalMailEnabledSecurityGroup"];

/// Changes the state as the request says.
pub(super) fn change(
    cloud: &mut Cloud,
    granted: &[String],
    method: &Method,
    ask: &Ask,
    body: &[u8],
) -> Result<(), Refusal> {
    let wanted = match (method.as_str(), &ask.endpoint) {
        ("PATCH", Endpoint::Group(id)) => Wanted::Update(*id),
        ("DELETE", Endpoint::Group(id)) => Wanted::Delete(*id),
        ("POST", Endpoint::Restore(id)) => Wanted::Restore(*id),
        ("DELETE", Endpoint::DeletedItem(id)) => Wanted::Purge(*id),
        ("POST", Endpoint::Reference { group, member: None }) => Wanted::Add(*group),
        ("DELETE", Endpoint::Reference { group, member: Some(member) }) => {
            Wanted::Remove(*group, *member)
        }
        _ => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let text = "Specified HTTP method is not allowed for the request target.";
            return Err(Refusal::new(status, "Request_BadRequest", text));
        }
    };
    let members = matches!(wanted, Wanted::Add(_) | Wanted::Remove(..));
    if !roles::may_write(granted, members) {
        return Err(Refusal::denied());
    }
    let missing = |id: Uuid| move |_| Refusal::not_found(&id.to_string());
    match wanted {
        Wanted::Update(id) => update(cloud, id, ask.version, &read(body)?),
        Wanted::Delete(id) => {
            writable(cloud, id)?;
            cloud.soft_delete_group(id).map_err(missing(id))
        }
        Wanted::Restore(id) => cloud.restore_group(id).map_err(missing(id)),
        Wanted::Purge(id) => match cloud.deleted(id) {
            Some(Object::Group(_)) => cloud.hard_delete_group(id).map_err(missing(id)),
            Some(Object::Person(_) | Object::Other(_)) => Err(Refusal::denied()),
            None => Err(Refusal::not_found(&id.to_string())),
        },
        Wanted::Add(group) => add(cloud, group, &read(body)?),
        Wanted::Remove(group, member) => {
            let there = assigned(cloud, group)?.members.contains(&member);
            let gone = || Refusal::not_found(&member.to_string());
            there.then_some(()).ok_or_else(gone)?;
            cloud.remove_member(group, member).map_err(missing(group))
        }
    }
}

/// What a request wants done.
enum Wanted {
    Update(Uuid),
    Delete(Uuid),
    Restore(Uuid),
    Purge(Uuid),
    Add(Uuid),
    Remove(Uuid, Uuid),
}

fn read(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::bad_request("Unable to read JSON request payload."))
}

/// A living group that this API may change: mail-enabled groups that are not Microsoft 365 ones
/// are read-only here (learn.microsoft.com/graph/api/resources/groups-overview), those mastered
/// on-premises are the sync client's.
fn writable(cloud: &Cloud, id: Uuid) -> Result<&WorldGroup, Refusal> {
    let group = cloud.group(id).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
    if group.on_premises_sync_enabled == Some(true) {
        return Err(Refusal::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync \
             objects or objects currently undergoing migration.",
        ));
    }
    match group.kind {
        GroupKind::Microsoft365 | GroupKind::Security | GroupKind::Unusual { .. } => Ok(group),
        GroupKind::MailEnabledSecurity | GroupKind::DistributionList => Err(Refusal::bad_request(
            "Cannot update a mail-enabled security group or distribution list.",
        )),
    }
}

/// The same where people, and not a rule, decide who is in it.
fn assigned(cloud: &Cloud, id: Uuid) -> Result<&WorldGroup, Refusal> {
    let group = writable(cloud, id)?;
    if group.dynamic {
        return Err(Refusal::bad_request("The group has a dynamic membership rule."));
    }
    Ok(group)
}

/// Every property is understood before the first is changed.
fn update(
    cloud: &mut Cloud,
    id: Uuid,
    version: Version,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    let mut group = writable(cloud, id)?.clone();
    for (name, value) in body.iter().filter(|(name, _)| !name.starts_with('@')) {
        let text = || text_or_null(name, value);
        match (name.as_str(), version) {
            ("displayName", _) => {
                group.display_name = text()?
                    .filter(|text| !text.is_empty())
                    .ok_or_else(|| invalid("displayName"))?;
            }
            ("description", _) => group.description = text()?,
            ("classification", _) => group.classification = text()?,
            ("mailNickname", _) => {
                group.mail_nickname = text()?.ok_or_else(|| invalid("mailNickname"))?;
            }
            ("writebackConfiguration", Version::Beta) => flag(&mut group, value)?,
            _ => return Err(invalid(name)),
        }
    }
    cloud.change(id, |old| *old = group).map_err(|_| Refusal::not_found(&id.to_string()))
}

/// A type that is set cannot be set back to null (microsoftgraph/msgraph-metadata issue 332).
fn flag(group: &mut WorldGroup, value: &Value) -> Result<(), Refusal> {
    let name = "writebackConfiguration";
    let parts = value.as_object().ok_or_else(|| invalid(name))?;
    for (part, value) in parts.iter().filter(|(part, _)| !part.starts_with('@')) {
        match (part.as_str(), value) {
            ("isEnabled", Value::Bool(enabled)) => group.writeback_enabled = Some(*enabled),
            ("isEnabled", Value::Null) => group.writeback_enabled = None,
            ("onPremisesGroupType", Value::String(text)) => {
                if !DIRECTORY_TYPES.iter().any(|known| known.eq_ignore_ascii_case(text)) {
                    return Err(invalid(part));
                }
                group.writeback_type = Some(text.clone());
            }
            ("onPremisesGroupType", Value::Null) if group.writeback_type.is_none() => {}
            _ => return Err(invalid(part)),
        }
    }
    Ok(())
}

/// `{"@odata.id": "…/directoryObjects/{id}"}` (learn.microsoft.com/graph/api/group-post-members).
/// Who may be a member is that page's table: Microsoft 365 groups hold users, security groups
/// hold everything but Microsoft 365 groups.
fn add(cloud: &mut Cloud, id: Uuid, body: &Map<String, Value>) -> Result<(), Refusal> {
    let reference = body.get("@odata.id").and_then(Value::as_str).unwrap_or_default();
    let member = reference.rsplit('/').next().and_then(|id| id.parse::<Uuid>().ok());
    let member = member.ok_or_else(|| invalid("@odata.id"))?;
    let group = assigned(cloud, id)?;
    if group.members.contains(&member) {
        return Err(Refusal::bad_request(
            "One or more added object references already exist for the following modified \
             properties: 'members'.",
        ));
    }
    let object = cloud.living(member).ok_or_else(|| Refusal::not_found(&member.to_string()))?;
    let fits = match object {
        Object::Person(_) => true,
        Object::Group(inner) => is_security(group) && is_security(inner),
        Object::Other(_) => is_security(group),
    };
    if !fits {
        return Err(invalid("members"));
    }
    cloud.add_member(id, member).map_err(|_| Refusal::not_found(&id.to_string()))
}

fn is_security(group: &WorldGroup) -> bool {
    match group.kind {
        GroupKind::Security | GroupKind::MailEnabledSecurity => true,
        GroupKind::Microsoft365 | GroupKind::DistributionList | GroupKind::Unusual { .. } => false,
    }
}

fn text_or_null(name: &str, value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(invalid(name))
        }
    }
}

fn invalid(name: &str) -> Refusal {
    Refusal::bad_request(&format!("Invalid value specified for property '{name}' of resource."))
}
