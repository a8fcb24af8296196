//! The answers of Graph.
//!
//! Input: a request, the state of the tenant it looks at, the roles of its token and the faults
//! of view. Output: a JSON document in Graph's shape, or a refusal.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ask::{Ask, Cast, Endpoint};
use super::cloud::{Cloud, Depth, Object, Reached, is_hidden};
use super::error::Refusal;
use super::orders::Fault;
use super::property::{Type, Version};
use super::resource::{self, Sight};
use super::roles;
use crate::sim::world::{GroupKind, WorldGroup};

/// What a token without `Member.Read.Hidden` gets for the members of a group whose visibility is
/// `HiddenMembership`. Which of the two Graph does is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenAnswer {
    /// 403 `Authorization_RequestDenied`.
    #[default]
    Denied,
    /// A well-formed empty list.
    Empty,
}

/// What an answer is made from.
pub(super) struct View<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) roles: &'a [String],
    pub(super) faults: &'a [Fault],
    pub(super) hidden: HiddenAnswer,
    /// `https://127.0.0.1:port`.
    pub(super) base: &'a str,
}

/// A document to send.
pub(super) struct Document {
    pub(super) body: Map<String, Value>,
    /// What the request costs (learn.microsoft.com/graph/throttling-limits, identity and access).
    pub(super) resource_units: u32,
}

impl View<'_> {
    /// The answer to one GET.
    pub(super) fn answer(&self, ask: &Ask) -> Result<Document, Refusal> {
        if let Endpoint::Nowhere(path) = &ask.endpoint {
            let message = format!("Resource not found for the segment '{path}'.");
            return Err(Refusal::bad_request(&message));
        }
        if !roles::may(self.roles, &ask.endpoint) {
            return Err(Refusal::denied());
        }
        if let Some(option) = &ask.options.unknown {
            let message = format!("'{option}' is not supported by the service.");
            return Err(Refusal::bad_request(&message));
        }
        let body = match &ask.endpoint {
            Endpoint::Groups => self.groups(ask),
            Endpoint::Group(id) => {
                let group = self.cloud.group(*id).map(Object::Group);
                self.single(ask, group, &id.to_string(), Type::Group)
            }
            Endpoint::Members { group, transitive, cast } => {
                self.members(ask, *group, *transitive, *cast)
            }
            Endpoint::DeletedGroups => self.deleted_groups(ask),
            Endpoint::DeletedItem(id) => self.deleted_item(ask, *id),
            Endpoint::Restore(id) => {
                let group = self.cloud.group(*id).map(Object::Group);
                self.single(ask, group, &id.to_string(), Type::DirectoryObject)
            }
            Endpoint::Organization => self.organization(ask),
            Endpoint::Settings => self.settings(ask),
            Endpoint::Licences => self.licences(ask),
            Endpoint::Synchronization(id) => self.synchronization(ask, *id),
            Endpoint::Users => self.users(ask),
            Endpoint::User(id) => self.user(ask, id),
            Endpoint::Device(id) => self.device(ask, *id),
            Endpoint::Token { .. }
            | Endpoint::Metadata { .. }
            | Endpoint::Reference { .. }
            | Endpoint::Nowhere(_) => {
                return Err(Refusal::not_found(&ask.path));
            }
        }?;
        Ok(Document { body, resource_units: resource_units(ask) })
    }

    fn groups(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_select(ask, &[Type::Group])?;
        let unified_only = match ask.options.filter.as_deref() {
            None => false,
            Some(filter) if is_unified_filter(filter) => true,
            Some(filter) => return Err(unknown_filter(filter)),
        };
        let chosen = |after: Option<Uuid>| {
            let groups = self.cloud.groups_after(after);
            groups.filter(move |object| !unified_only || is_unified(*object))
        };
        self.page(ask, chosen, "groups", &[Type::Group])
    }

    fn deleted_groups(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_select(ask, &[Type::Group])?;
        if let Some(filter) = &ask.options.filter {
            return Err(unknown_filter(filter));
        }
        let deleted = |after: Option<Uuid>| self.cloud.deleted_groups_after(after);
        self.page(ask, deleted, "groups", &[Type::Group])
    }

    fn members(
        &self,
        ask: &Ask,
        id: Uuid,
        transitive: bool,
        cast: Option<Cast>,
    ) -> Result<Map<String, Value>, Refusal> {
        let to = match cast {
            None => None,
            Some(Cast::To(kind)) => Some(kind),
            Some(Cast::Unsupported) => {
                let message = "Unsupported cast: the type is not a supported member type.";
                return Err(Refusal::unsupported_query(message));
            }
        };
        let types = to.map_or(Type::members().to_vec(), |kind| vec![kind]);
        check_select(ask, &types)?;
        if let Some(filter) = &ask.options.filter {
            return Err(unknown_filter(filter));
        }
        let group = self.cloud.group(id).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
        let reached;
        let ids: &[Uuid] = if is_hidden(group) && !roles::may_see_hidden(self.roles) {
            self.refuse_hidden()?;
            &[]
        } else if transitive {
            reached = self.reached(group)?;
            &reached.ids
        } else {
            &group.members
        };
        let chosen = |after: Option<Uuid>| {
            let members = self.cloud.living_after(ids, after);
            let of_type =
                move |object: &Object<'_>| to.is_none_or(|kind| Type::of(*object) == kind);
            members.filter(of_type).filter(|object| self.is_in_half(ids, object.id()))
        };
        let set = to.map_or("directoryObjects", Type::entity_set);
        self.page(ask, chosen, set, &types)
    }

    /// Whether a member is told: every second one is not, where half of them is on order.
    fn is_in_half(&self, ids: &[Uuid], id: Uuid) -> bool {
        let halved = self.faults.contains(&Fault::HalfTheMembers);
        !halved || ids.binary_search(&id).is_ok_and(|place| place % 2 == 0)
    }

    /// What is shown of hidden members without the right: a refusal, or nothing.
    fn refuse_hidden(&self) -> Result<(), Refusal> {
        match self.hidden {
            HiddenAnswer::Denied => Err(Refusal::denied()),
            HiddenAnswer::Empty => Ok(()),
        }
    }

    /// Members at any depth. What a listing does that meets a hidden group on its way is not
    /// documented: it does what a listing of that group does.
    fn reached(&self, group: &WorldGroup) -> Result<Arc<Reached>, Refusal> {
        let may = roles::may_see_hidden(self.roles);
        let depth = if may { Depth::Everything } else { Depth::NotHidden };
        let reached = self.cloud.transitive(group, depth);
        if reached.met_hidden {
            self.refuse_hidden()?;
        }
        Ok(reached)
    }

    pub(super) fn single(
        &self,
        ask: &Ask,
        object: Option<Object<'_>>,
        id: &str,
        declared: Type,
    ) -> Result<Map<String, Value>, Refusal> {
        let object = object.ok_or_else(|| Refusal::not_found(id))?;
        let kind = Type::of(object);
        check_select(ask, &[kind])?;
        let mut body = Map::new();
        let context = self.context(ask, declared.entity_set());
        body.insert("@odata.context".into(), json!(format!("{context}/$entity")));
        // The type is told where the address does not tell it.
        if declared == Type::DirectoryObject {
            body.insert("@odata.type".into(), json!(resource::odata_type(object)));
        }
        let select = ask.options.select.as_deref();
        let sight = self.sight(kind);
        body.extend(resource::object(self.cloud, object, select, ask.version, sight));
        Ok(body)
    }

    /// One page of objects that come in the order of their ids, from after one of them on. Only
    /// the first page tells how many there are (learn.microsoft.com/graph/aad-advanced-queries,
    /// query parameter limitations).
    pub(super) fn page<'o, I: Iterator<Item = Object<'o>>>(
        &self,
        ask: &Ask,
        objects: impl Fn(Option<Uuid>) -> I,
        entity_set: &str,
        types: &[Type],
    ) -> Result<Map<String, Value>, Refusal> {
        let size = ask.page_size()?;
        let after = ask.position()?;
        let shown = |object: &Object<'_>| !self.omits(ask, object.id());
        let mut rest = objects(after).filter(shown);
        let page: Vec<Object<'_>> = rest.by_ref().take(size).collect();
        let mixed = types.len() > 1;
        let value: Vec<_> = page.iter().map(|object| self.element(ask, *object, mixed)).collect();
        let mut body = Map::new();
        body.insert("@odata.context".into(), json!(self.context(ask, entity_set)));
        if ask.options.count && !ask.continues() {
            body.insert("@odata.count".into(), json!(objects(None).filter(shown).count()));
        }
        if rest.next().is_some() {
            let last = page.last().map(|object| object.id());
            body.insert("@odata.nextLink".into(), json!(ask.next_link(self.base, last)));
        }
        body.insert("value".into(), json!(value));
        self.bend(ask, &mut body, after);
        Ok(body)
    }

    fn element(&self, ask: &Ask, object: Object<'_>, mixed: bool) -> Map<String, Value> {
        let mut element = Map::new();
        if mixed {
            element.insert("@odata.type".into(), json!(resource::odata_type(object)));
        }
        let select = ask.options.select.as_deref();
        let sight = self.sight(Type::of(object));
        element.extend(resource::object(self.cloud, object, select, ask.version, sight));
        element
    }

    fn sight(&self, kind: Type) -> Sight {
        let unseen = |fault: &Fault| {
            *fault == Fault::NullWitnesses
                || matches!(fault, Fault::NullWitness(name) if name == kind.name())
        };
        if self.faults.iter().any(unseen) { Sight::Limited } else { roles::sight(self.roles, kind) }
    }

    fn omits(&self, ask: &Ask, id: Uuid) -> bool {
        let flags = ask.asks_for_flags();
        self.faults.iter().any(|fault| {
            *fault == Fault::OmitFromListing(id)
                || (flags && *fault == Fault::OmitFromFlagListing(id))
        })
    }

    /// The faults that lie in a page itself.
    fn bend(&self, ask: &Ask, body: &mut Map<String, Value>, after: Option<Uuid>) {
        let next = "@odata.nextLink";
        for fault in self.faults {
            if matches!(fault, Fault::EmptyPage | Fault::EmptyAnswer) {
                body.insert("value".into(), json!([]));
            }
            if matches!(fault, Fault::EmptyPage | Fault::RepeatingNextLink) {
                body.insert(next.into(), json!(ask.next_link(self.base, after)));
            } else if let Fault::ForeignNextLink(url) = fault {
                body.insert(next.into(), json!(url));
            } else if *fault == Fault::EmptyAnswer {
                body.remove(next);
            }
        }
    }

    pub(super) fn context(&self, ask: &Ask, entity_set: &str) -> String {
        let version = match ask.version {
            Version::V1 => "v1.0",
            Version::Beta => "beta",
        };
        let select = ask.options.select.as_ref();
        let selected = select.map(|names| format!("({})", names.join(","))).unwrap_or_default();
        format!("{}/{version}/$metadata#{entity_set}{selected}", self.base)
    }
}

/// A property that none of the types has is refused before anything is read.
pub(super) fn check_select(ask: &Ask, types: &[Type]) -> Result<(), Refusal> {
    for name in ask.options.select.iter().flatten() {
        if !types.iter().any(|kind| kind.has(ask.version, name)) {
            let shown = match types {
                [one] => one.name(),
                _ => Type::DirectoryObject.name(),
            };
            return Err(no_such_property(name, shown));
        }
    }
    Ok(())
}

/// A property was asked for that the type does not have.
pub(super) fn no_such_property(name: &str, type_name: &str) -> Refusal {
    Refusal::bad_request(&format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
         'microsoft.graph.{type_name}'."
    ))
}

/// `groupTypes/any(c:c eq 'Unified')` with any name for the variable; it works without advanced
/// query (learn.microsoft.com/graph/api/group-list).
fn is_unified_filter(filter: &str) -> bool {
    let inner = filter.strip_prefix("groupTypes/any(").and_then(|rest| rest.strip_suffix(")"));
    let Some((variable, condition)) = inner.and_then(|inner| inner.split_once(':')) else {
        return false;
    };
    condition.trim().strip_prefix(variable.trim()).map(str::trim) == Some("eq 'Unified'")
}

fn is_unified(object: Object<'_>) -> bool {
    match object {
        Object::Group(group) => match &group.kind {
            GroupKind::Microsoft365 => true,
            GroupKind::Unusual { group_types, .. } => {
                group_types.iter().any(|one| one == "Unified")
            }
            GroupKind::Security | GroupKind::MailEnabledSecurity | GroupKind::DistributionList => {
                false
            }
        },
        Object::Person(_) | Object::Other(_) => false,
    }
}

pub(super) fn unknown_filter(filter: &str) -> Refusal {
    Refusal::unsupported_query(&format!("Unsupported Query: the filter '{filter}' is not known."))
}

/// Base cost of the request, less one for `$select` and for a `$top` below 20, at least 1.
fn resource_units(ask: &Ask) -> u32 {
    let base: u32 = match &ask.endpoint {
        Endpoint::Members { transitive: false, .. } | Endpoint::Licences => 3,
        Endpoint::Members { transitive: true, .. } => 5,
        Endpoint::Users => 2,
        Endpoint::Token { .. }
        | Endpoint::Metadata { .. }
        | Endpoint::Groups
        | Endpoint::Group(_)
        | Endpoint::DeletedGroups
        | Endpoint::DeletedItem(_)
        | Endpoint::Restore(_)
        | Endpoint::Reference { .. }
        | Endpoint::Organization
        | Endpoint::Settings
        | Endpoint::Synchronization(_)
        | Endpoint::User(_)
        | Endpoint::Device(_)
        | Endpoint::Nowhere(_) => 1,
    };
    let selected = u32::from(ask.options.select.is_some());
    let small = ask.options.top.as_ref().and_then(|top| top.parse::<u32>().ok());
    let small = u32::from(small.is_some_and(|top| top < 20));
    base.saturating_sub(selected).saturating_sub(small).max(1)
}
