//! Users and devices, asked for by a filter or by id.
//!
//! Input: a request and the state of the tenant it looks at. Output: a JSON document in Graph's
//! shape, or a refusal.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::ask::Ask;
use super::cloud::Object;
use super::error::Refusal;
use super::graph::{View, check_select, unknown_filter};
use super::property::Type;
use super::roles;
use crate::sim::world::OtherKind;

/// What `in` takes without advanced query (developer.microsoft.com/graph/known-issues, 13635).
const EXPRESSIONS_MAX: usize = 15;

/// Which users a listing shows.
enum Chosen {
    All,
    Synced,
    /// Sorted.
    Ids(Vec<Uuid>),
}

impl View<'_> {
    /// `GET /users`. Of filters it knows two, neither of which needs advanced query
    /// (learn.microsoft.com/graph/aad-advanced-queries; learn.microsoft.com/graph/api/resources/
    /// user, `id`): `onPremisesSyncEnabled eq true` and `id in ('…', …)`.
    pub(super) fn users(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_select(ask, &[Type::User])?;
        let chosen = match ask.options.filter.as_deref() {
            None => Chosen::All,
            Some("onPremisesSyncEnabled eq true") => Chosen::Synced,
            Some(filter) => Chosen::Ids(ids_in(filter, ask.options.count)?),
        };
        if let Chosen::Ids(ids) = chosen {
            let people = |after| {
                let living = self.cloud.living_after(&ids, after);
                living.filter(|object| matches!(object, Object::Person(_)))
            };
            return self.page(ask, people, "users", &[Type::User]);
        }
        let synced_only = matches!(chosen, Chosen::Synced);
        let people = |after| {
            let people = self.cloud.people_after(after);
            let people = people.filter(move |person| !synced_only || person.link.is_some());
            people.map(Object::Person)
        };
        self.page(ask, people, "users", &[Type::User])
    }

    /// `GET /users/{id | userPrincipalName}`; a soft-deleted user is not found here
    /// (learn.microsoft.com/graph/api/user-delete).
    pub(super) fn user(&self, ask: &Ask, id: &str) -> Result<Map<String, Value>, Refusal> {
        let person = self.cloud.people().find(|person| {
            person.id.to_string().eq_ignore_ascii_case(id)
                || person.user_principal_name.eq_ignore_ascii_case(id)
        });
        self.single(ask, person.map(Object::Person), id, Type::User)
    }

    /// `GET /devices/{id}` (learn.microsoft.com/graph/api/device-get).
    pub(super) fn device(&self, ask: &Ask, id: Uuid) -> Result<Map<String, Value>, Refusal> {
        let device = self.cloud.other(id).filter(|other| other.kind == OtherKind::Device);
        self.single(ask, device.map(Object::Other), &id.to_string(), Type::Device)
    }

    /// `GET /directory/deletedItems/{id}`: each type needs a right of its own
    /// (learn.microsoft.com/graph/api/directory-deleteditems-get).
    pub(super) fn deleted_item(&self, ask: &Ask, id: Uuid) -> Result<Map<String, Value>, Refusal> {
        let object = self.cloud.deleted(id);
        if object.is_some_and(|object| !roles::may_see_deleted(self.roles, Type::of(object))) {
            return Err(Refusal::denied());
        }
        self.single(ask, object, &id.to_string(), Type::DirectoryObject)
    }
}

/// The ids of `id in ('…', '…')`, sorted. The text of the refusal of too many is that of
/// microsoft-graph-docs issue 21098; its code is not documented.
fn ids_in(filter: &str, advanced: bool) -> Result<Vec<Uuid>, Refusal> {
    let list = filter.strip_prefix("id in (").and_then(|rest| rest.strip_suffix(')'));
    let list = list.ok_or_else(|| unknown_filter(filter))?;
    let id = |text: &str| {
        let quoted = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        quoted.parse::<Uuid>().ok()
    };
    let ids: Option<Vec<Uuid>> = list.split(',').map(id).collect();
    let mut ids = ids.ok_or_else(|| Refusal::bad_request("Invalid filter clause"))?;
    if ids.len() > EXPRESSIONS_MAX && !advanced {
        return Err(Refusal::unsupported_query(&format!(
            "Too many child clauses specified in search filter expression containing 'OR' \
             operators: {}. Max allowed: {EXPRESSIONS_MAX}",
            ids.len()
        )));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
