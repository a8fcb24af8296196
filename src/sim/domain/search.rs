//! Searches: which objects, and what is shown of each.
//!
//! Input: a search request and the controls that shape it. Output: GUIDs of matches in the order
//! of the tree, and entries for the wire with range retrieval (MS-ADTS 3.1.1.3.1.3.3) and
//! extended names (MS-ADTS 3.1.1.3.4.1.5).

use ldap3_proto::proto::LdapPartialAttribute;
use ldap3_proto::{LdapResultCode, LdapSearchResultEntry};
use uuid::Uuid;

use super::access::{Actor, possible_children};
use super::filter::{Filter, Indexed, Test};
use super::identity;
use super::refusal::Refusal;
use super::schema::{Attribute, Origin, Syntax};
use super::tree::{Extended, Object, Tree};

/// MaxValRange: values of one attribute in one answer (KB315071).
pub(super) const RANGE_LIMIT: usize = 1500;

/// How far below the base a search reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Base,
    OneLevel,
    Subtree,
}

/// A search as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SearchRequest {
    pub(super) base: String,
    pub(super) scope: Scope,
    /// 0: no limit of the client's own.
    pub(super) size_limit: usize,
    pub(super) types_only: bool,
    pub(super) filter: Filter,
    pub(super) attributes: Vec<String>,
}

/// What controls ask of the entries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    pub(super) extended: Option<Extended>,
    pub(super) deletion: Deletion,
}

/// Which objects a request sees beside the living (MS-ADTS 3.1.1.3.4.1.14 and .26).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deletion {
    /// None.
    #[default]
    Hidden,
    /// Tombstones and deleted-objects.
    Deleted,
    /// Recycled-objects too.
    Recycled,
}

/// One attribute of a selection.
#[derive(Clone, Copy, Debug)]
struct Selected {
    attribute: &'static Attribute,
    /// First and last position asked for; the last is `None` for `*`.
    range: Option<(usize, Option<usize>)>,
}

/// `member;range=0-1499` in parts; `Err` on an option that makes no sense.
fn range(options: &str) -> Result<Option<(usize, Option<usize>)>, Refusal> {
    let found = options
        .split(';')
        .find_map(|option| option.to_ascii_lowercase().strip_prefix("range=").map(str::to_owned));
    let Some(text) = found else { return Ok(None) };
    let malformed = || Refusal::conversion(LdapResultCode::InvalidAttributeSyntax);
    let (low, high) = text.split_once('-').ok_or_else(malformed)?;
    let low = low.parse().map_err(|_| malformed())?;
    let high = match high {
        "*" => None,
        number => Some(number.parse().map_err(|_| malformed())?),
    };
    if high.is_some_and(|high: usize| high < low) {
        return Err(malformed());
    }
    Ok(Some((low, high)))
}

fn attribute_values(name: String, vals: Vec<Vec<u8>>) -> LdapPartialAttribute {
    LdapPartialAttribute { atype: name, vals }
}

impl Tree {
    /// Every match, whatever the limits. Refused when the base is not there for this actor.
    pub(super) fn find(
        &self,
        actor: Actor,
        request: &SearchRequest,
        view: View,
    ) -> Result<Vec<Uuid>, Refusal> {
        let base = self.resolve(&request.base)?;
        let visible = |guid: Uuid| self.is_shown(guid, view.deletion) && self.may_see(actor, guid);
        // The container stands openly below the domain; it is its content that is not listed.
        let empty = base == self.deleted_objects && view.deletion != Deletion::Hidden;
        if !visible(base) && !empty {
            let above = self.object(base).and_then(|object| object.parent);
            return Err(Refusal::no_object(&above.map(|p| self.name(p)).unwrap_or_default()));
        }
        let test = Test::bind(&request.filter, self);
        let matches = |guid: &Uuid| {
            let passed = |object: &Object| test.passes(object, self) == Some(true);
            visible(*guid) && self.object(*guid).is_some_and(passed)
        };
        let found = match (request.scope, test.indexed(self)) {
            (Scope::Base, _) => [base].into_iter().filter(matches).collect(),
            (Scope::OneLevel, _) => self.children_of(base).filter(matches).collect(),
            (Scope::Subtree, Indexed::Only(few)) => few
                .into_iter()
                .filter(|guid| self.is_within(*guid, base) && matches(guid))
                .collect(),
            (Scope::Subtree, Indexed::All) => {
                self.subtree(base).into_iter().filter(|guid| matches(guid)).collect()
            }
        };
        Ok(found)
    }

    /// Whether a request that sees so much is about this object at all.
    pub(super) fn is_shown(&self, guid: Uuid, deletion: Deletion) -> bool {
        match self.object(guid) {
            Some(object) if object.deleted => match deletion {
                Deletion::Hidden => false,
                Deletion::Deleted => !self.is_recycled(object),
                Deletion::Recycled => true,
            },
            Some(_) => guid != self.deleted_objects || deletion != Deletion::Hidden,
            None => false,
        }
    }

    /// The object and everything below, parents first.
    pub(super) fn subtree(&self, base: Uuid) -> Vec<Uuid> {
        let mut found = vec![base];
        let mut waiting: Vec<Uuid> = self.children_of(base).collect();
        waiting.reverse();
        while let Some(here) = waiting.pop() {
            found.push(here);
            let at = waiting.len();
            waiting.extend(self.children_of(here));
            if let Some(new) = waiting.get_mut(at..) {
                new.reverse();
            }
        }
        found
    }

    /// One entry as the request and its controls want to see it.
    pub(super) fn entry(
        &self,
        actor: Actor,
        guid: Uuid,
        request: &SearchRequest,
        view: View,
    ) -> Result<LdapSearchResultEntry, Refusal> {
        let mut attributes = Vec::new();
        if let Some(object) = self.object(guid) {
            for selected in self.selection(&request.attributes)? {
                attributes.extend(self.shown(actor, object, selected, view)?);
            }
        }
        if request.types_only {
            for attribute in &mut attributes {
                attribute.vals.clear();
            }
        }
        Ok(LdapSearchResultEntry { dn: self.reference(guid, view.extended), attributes })
    }

    fn selection(&self, wanted: &[String]) -> Result<Vec<Selected>, Refusal> {
        let mut selection = Vec::new();
        let everything = wanted.is_empty() || wanted.iter().any(|name| name == "*");
        for name in wanted {
            let (name, options) = name.split_once(';').unwrap_or((name, ""));
            // `1.1` and what the schema does not know ask for nothing (RFC 4511 4.5.1.8).
            let Some(attribute) = self.schema.attribute(name) else { continue };
            selection.push(Selected { attribute, range: range(options)? });
        }
        if everything {
            let listed: Vec<&str> = selection.iter().map(|one| one.attribute.name).collect();
            let others = self
                .schema
                .attributes()
                .filter(|one| one.origin != Origin::Constructed && !listed.contains(&one.name))
                .map(|attribute| Selected { attribute, range: None });
            let others: Vec<Selected> = others.collect();
            selection.extend(others);
        }
        Ok(selection)
    }

    /// The attribute as it goes into the entry: absent, whole, or a range with its empty twin.
    fn shown(
        &self,
        actor: Actor,
        object: &Object,
        selected: Selected,
        view: View,
    ) -> Result<Vec<LdapPartialAttribute>, Refusal> {
        let Selected { attribute, range } = selected;
        let name = attribute.name;
        let ends = match attribute.origin {
            Origin::Link => object.forward.get(name),
            Origin::BackLink(forward) => object.backward.get(forward),
            Origin::Constructed => {
                return Ok(some(name, self.constructed(actor, object, name)));
            }
            Origin::Stored | Origin::System | Origin::Naming => {
                let values = self.stored(object, attribute).into_iter().map(|value| {
                    if attribute.syntax == Syntax::Name {
                        return self.extended_value(&value, view.extended);
                    }
                    value.into_owned()
                });
                return Ok(some(name, values.collect()));
            }
        };
        let count = ends.map_or(0, std::collections::BTreeSet::len);
        let (low, high) = range.unwrap_or((0, None));
        if count == 0 && low == 0 {
            return Ok(Vec::new());
        }
        if low >= count {
            return Err(Refusal::range_past_end());
        }
        let last = high.map_or(count - 1, |high| high.min(count - 1)).min(low + RANGE_LIMIT - 1);
        let values = ends.into_iter().flatten().skip(low).take(last - low + 1);
        let values = values.map(|guid| self.reference(*guid, view.extended).into_bytes()).collect();
        if range.is_none() && last == count - 1 {
            return Ok(some(name, values));
        }
        let end = if last == count - 1 { "*".to_owned() } else { last.to_string() };
        let ranged = attribute_values(format!("{name};range={low}-{end}"), values);
        // Asked without a range: the bare attribute is there too, without values.
        let bare = range.is_none().then(|| attribute_values(name.to_owned(), Vec::new()));
        Ok(bare.into_iter().chain([ranged]).collect())
    }

    /// A name kept as text, with the identifiers of its object where the control wants them.
    fn extended_value(&self, value: &[u8], extended: Option<Extended>) -> Vec<u8> {
        let found = std::str::from_utf8(value).ok().and_then(|name| self.resolve(name).ok());
        match (extended, found) {
            (Some(form), Some(guid)) => self.reference(guid, Some(form)).into_bytes(),
            _ => value.to_vec(),
        }
    }

    fn constructed(&self, actor: Actor, object: &Object, name: &str) -> Vec<Vec<u8>> {
        let octets =
            |names: Vec<&str>| names.into_iter().map(|one| one.as_bytes().to_vec()).collect();
        match name {
            "allowedChildClassesEffective" => {
                octets(self.allowed_child_classes(actor, object.guid))
            }
            "allowedAttributesEffective" => octets(self.writable_attributes(actor, object.guid)),
            "allowedAttributes" => octets(self.allowed_attributes(object)),
            "allowedChildClasses" => octets(possible_children(object.class)),
            "sDRightsEffective" => {
                vec![self.security_rights(actor, object.guid).to_string().into_bytes()]
            }
            "primaryGroupToken" if object.class.name == "group" => {
                let rid = object.sid.as_deref().and_then(identity::relative_identifier);
                rid.map(|rid| rid.to_string().into_bytes()).into_iter().collect()
            }
            "msDS-ReplAttributeMetaData" => self.attribute_stamps(object),
            "msDS-ReplValueMetaData" => self.value_stamps(object),
            "canonicalName" => vec![self.canonical_name(object).into_bytes()],
            _ => Vec::new(),
        }
    }

    /// `corp.example/Groups/Sales` (MS-ADTS 3.1.1.4.5.4).
    fn canonical_name(&self, object: &Object) -> String {
        let mut parts = Vec::new();
        let mut next = Some(object);
        while let Some(here) = next {
            match here.parent {
                Some(_) => parts.push(here.rdn.value.replace('/', "\\/")),
                None => parts.push(self.base.domain_name()),
            }
            next = here.parent.and_then(|parent| self.object(parent));
        }
        parts.reverse();
        if parts.len() == 1 {
            parts.push(String::new());
        }
        parts.join("/")
    }
}

fn some(name: &str, values: Vec<Vec<u8>>) -> Vec<LdapPartialAttribute> {
    if values.is_empty() { Vec::new() } else { vec![attribute_values(name.to_owned(), values)] }
}
