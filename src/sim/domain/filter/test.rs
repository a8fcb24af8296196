//! A filter bound to the directory: names resolved, attributes looked up, values folded once.
//!
//! Input: a `Filter` and the tree. Output: for each object true, false or undefined, with the
//! three-valued logic of RFC 4511 4.5.1.7 (an attribute that the schema does not know makes its
//! part undefined, so that also its negation matches nothing), and, where an index of the tree
//! can answer, the few objects worth looking at.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::access::Way;
use super::super::dn::fold;
use super::super::schema::{Attribute, Origin, Syntax, category_of};
use super::super::tree::{Object, Tree};
use super::{Filter, Substrings};

/// LDAP_MATCHING_RULE_BIT_AND (MS-ADTS 3.1.1.3.4.4.1).
const BIT_AND: &str = "1.2.840.113556.1.4.803";
/// LDAP_MATCHING_RULE_BIT_OR (MS-ADTS 3.1.1.3.4.4.2).
const BIT_OR: &str = "1.2.840.113556.1.4.804";
/// LDAP_MATCHING_RULE_TRANSITIVE_EVAL (MS-ADTS 3.1.1.3.4.4.3).
const CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What an object is held against.
#[derive(Clone, Debug)]
pub(in super::super) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    /// One of these objects.
    OneOf(BTreeSet<Uuid>),
    /// The attribute, a link in either direction, leads to this object.
    LinksTo(&'static Attribute, Uuid),
    /// The category whose folded name this is; computed values are too dear to make for each.
    Category(String),
    /// A value equal to this folded text.
    Text(&'static Attribute, String),
    /// A value of exactly these octets.
    Octets(&'static Attribute, Vec<u8>),
    /// A number that stands in this relation to the given one.
    Number(&'static Attribute, Relation, i64),
    /// A text that stands in this relation to the given folded one.
    Order(&'static Attribute, Relation, String),
    /// Folded pieces in order.
    Pieces(&'static Attribute, FoldedPieces),
    /// Any value.
    Present(&'static Attribute),
    /// Defined, and false for every object.
    Nothing,
    /// Neither true nor false.
    Undefined,
}

/// How a value compares with an asserted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Relation {
    Equal,
    AtLeast,
    AtMost,
    AllBits,
    AnyBit,
}

/// The pieces of a substring assertion, folded.
#[derive(Clone, Debug)]
pub(in super::super) struct FoldedPieces {
    initial: String,
    any: Vec<String>,
    last: String,
}

/// What the indices say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Indexed {
    /// No index helps: look at everything.
    All,
    /// Only these can match.
    Only(BTreeSet<Uuid>),
}

impl Relation {
    fn holds(self, value: i64, asserted: i64) -> bool {
        match self {
            Self::Equal => value == asserted,
            Self::AtLeast => value >= asserted,
            Self::AtMost => value <= asserted,
            Self::AllBits => value & asserted == asserted,
            Self::AnyBit => value & asserted != 0,
        }
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn pieces(substrings: &Substrings) -> Option<FoldedPieces> {
    let one = |piece: &Vec<u8>| text(piece).map(fold);
    let outer = |piece: &Option<Vec<u8>>| piece.as_ref().map_or(Some(String::new()), one);
    Some(FoldedPieces {
        initial: outer(&substrings.initial)?,
        any: substrings.any.iter().map(one).collect::<Option<_>>()?,
        last: outer(&substrings.last)?,
    })
}

impl FoldedPieces {
    fn holds(&self, value: &str) -> bool {
        let Some(mut rest) = value.strip_prefix(self.initial.as_str()) else { return false };
        for piece in &self.any {
            let Some((_, behind)) = rest.split_once(piece.as_str()) else { return false };
            rest = behind;
        }
        rest.ends_with(self.last.as_str())
    }
}

/// Binding to the directory.
impl Test {
    /// Looks up the attributes and resolves the names in a filter.
    pub(in super::super) fn bind(filter: &Filter, tree: &Tree) -> Self {
        let each = |filters: &[Filter]| filters.iter().map(|one| Self::bind(one, tree)).collect();
        match filter {
            Filter::And(filters) => Self::And(each(filters)),
            Filter::Or(filters) => Self::Or(each(filters)),
            Filter::Not(filter) => Self::Not(Box::new(Self::bind(filter, tree))),
            Filter::Equal(name, value) => {
                known(tree, name, |attribute| Self::equal(attribute, value, tree))
            }
            Filter::AtLeast(name, value) => {
                known(tree, name, |attribute| Self::order(attribute, Relation::AtLeast, value))
            }
            Filter::AtMost(name, value) => {
                known(tree, name, |attribute| Self::order(attribute, Relation::AtMost, value))
            }
            Filter::Present(name) => known(tree, name, Self::Present),
            Filter::Substrings(name, substrings) => {
                known(tree, name, |attribute| match (attribute.syntax, pieces(substrings)) {
                    (Syntax::Text, Some(pieces)) => Self::Pieces(attribute, pieces),
                    _ => Self::Undefined,
                })
            }
            Filter::Extensible(rule, name, value) => {
                known(tree, name, |attribute| Self::extensible(rule, attribute, value, tree))
            }
        }
    }

    fn equal(attribute: &'static Attribute, value: &[u8], tree: &Tree) -> Self {
        if attribute.name == "distinguishedName" {
            let found = text(value).and_then(|name| tree.resolve(name).ok());
            return Self::OneOf(found.into_iter().collect());
        }
        if attribute.name == "objectCategory" {
            let Some(value) = text(value) else { return Self::Undefined };
            let name = category_of(value).map(|category| tree.category_name(category));
            return Self::Category(fold(&name.unwrap_or_else(|| value.to_owned())));
        }
        if attribute.is_link() {
            let target = text(value).and_then(|name| tree.resolve(name).ok());
            return target.map_or(Self::Nothing, |target| Self::LinksTo(attribute, target));
        }
        match attribute.syntax {
            Syntax::Text | Syntax::Name | Syntax::Boolean | Syntax::Time => {
                text(value).map_or(Self::Undefined, |text| Self::Text(attribute, fold(text)))
            }
            Syntax::Integer => Self::order(attribute, Relation::Equal, value),
            // A DC takes the text form of a SID in a filter too (MS-ADTS 3.1.1.3.1.3.4).
            Syntax::Sid => {
                let octets = text(value).and_then(super::super::identity::sid_octets);
                Self::Octets(attribute, octets.unwrap_or_else(|| value.to_vec()))
            }
            Syntax::Octets => Self::Octets(attribute, value.to_vec()),
        }
    }

    fn order(attribute: &'static Attribute, relation: Relation, value: &[u8]) -> Self {
        let Some(text) = text(value) else { return Self::Undefined };
        match attribute.syntax {
            Syntax::Integer => text
                .parse()
                .map_or(Self::Undefined, |number| Self::Number(attribute, relation, number)),
            Syntax::Text | Syntax::Time => Self::Order(attribute, relation, fold(text)),
            Syntax::Boolean | Syntax::Octets | Syntax::Sid | Syntax::Name => Self::Undefined,
        }
    }

    fn extensible(rule: &str, attribute: &'static Attribute, value: &[u8], tree: &Tree) -> Self {
        let way = match attribute.name {
            "memberOf" => Some(Way::Down),
            "member" => Some(Way::Up),
            _ => None,
        };
        match (rule, way) {
            (BIT_AND, _) if attribute.syntax == Syntax::Integer => {
                Self::order(attribute, Relation::AllBits, value)
            }
            (BIT_OR, _) if attribute.syntax == Syntax::Integer => {
                Self::order(attribute, Relation::AnyBit, value)
            }
            (CHAIN, Some(way)) => {
                let start = text(value).and_then(|name| tree.resolve(name).ok());
                Self::OneOf(start.map(|start| tree.closure(start, way)).unwrap_or_default())
            }
            ("", _) => Self::equal(attribute, value, tree),
            _ => Self::Undefined,
        }
    }
}

fn known(tree: &Tree, name: &str, bind: impl FnOnce(&'static Attribute) -> Test) -> Test {
    // Options such as `;binary` say nothing about what a value is equal to.
    let name = name.split_once(';').map_or(name, |(name, _)| name);
    let attribute = tree.schema.attribute(name);
    // A constructed attribute is not searchable (MS-ADTS 3.1.1.4.5).
    attribute
        .filter(|attribute| attribute.origin != Origin::Constructed)
        .map_or(Test::Undefined, bind)
}

/// Looking at objects.
impl Test {
    /// Whether the object passes; `None` where the filter is undefined for it.
    pub(in super::super) fn passes(&self, object: &Object, tree: &Tree) -> Option<bool> {
        match self {
            Self::And(tests) => all(tests.iter().map(|test| test.passes(object, tree))),
            Self::Or(tests) => {
                let refuted = tests.iter().map(|test| test.passes(object, tree).map(|yes| !yes));
                all(refuted).map(|none| !none)
            }
            Self::Not(test) => test.passes(object, tree).map(|yes| !yes),
            Self::OneOf(guids) => Some(guids.contains(&object.guid)),
            Self::LinksTo(attribute, target) => Some(links_to(object, attribute, *target)),
            Self::Category(name) => {
                let first = format!("cn={},", fold(object.class.category));
                Some(!object.deleted && name.starts_with(&first))
            }
            Self::Text(attribute, wanted) => Some(any(object, attribute, tree, |value| {
                text(value).is_some_and(|value| same(value, wanted))
            })),
            Self::Octets(attribute, wanted) => {
                Some(any(object, attribute, tree, |value| value == wanted.as_slice()))
            }
            Self::Number(attribute, relation, asserted) => {
                Some(any(object, attribute, tree, |value| {
                    let number = text(value).and_then(|value| value.parse().ok());
                    number.is_some_and(|number| relation.holds(number, *asserted))
                }))
            }
            Self::Order(attribute, relation, asserted) => {
                Some(any(object, attribute, tree, |value| {
                    let value = text(value).map(fold).unwrap_or_default();
                    match relation {
                        Relation::AtMost => value <= *asserted,
                        Relation::AtLeast => value >= *asserted,
                        Relation::Equal | Relation::AllBits | Relation::AnyBit => false,
                    }
                }))
            }
            Self::Pieces(attribute, pieces) => Some(any(object, attribute, tree, |value| {
                text(value).is_some_and(|value| pieces.holds(&fold(value)))
            })),
            Self::Present(attribute) => Some(match attribute.origin {
                Origin::Link => object.targets(attribute.name).next().is_some(),
                Origin::BackLink(forward) => object.sources(forward).next().is_some(),
                Origin::Stored | Origin::System | Origin::Naming | Origin::Constructed => {
                    any(object, attribute, tree, |_| true)
                }
            }),
            Self::Nothing => Some(false),
            Self::Undefined => None,
        }
    }

    /// What the indices of the tree say about this filter.
    pub(in super::super) fn indexed(&self, tree: &Tree) -> Indexed {
        let one = |found: Option<Uuid>| Indexed::Only(found.into_iter().collect());
        match self {
            Self::OneOf(guids) => Indexed::Only(guids.clone()),
            Self::Nothing | Self::Undefined => Indexed::Only(BTreeSet::new()),
            Self::Octets(attribute, value) if attribute.name == "objectGUID" => {
                let guid = Uuid::from_slice_le(value).ok();
                one(guid.filter(|guid| tree.object(*guid).is_some()))
            }
            Self::LinksTo(attribute, target) => {
                let object = tree.object(*target);
                let here = object.into_iter();
                Indexed::Only(match attribute.origin {
                    Origin::BackLink(name) => here.flat_map(|one| one.targets(name)).collect(),
                    Origin::Stored
                    | Origin::System
                    | Origin::Naming
                    | Origin::Link
                    | Origin::Constructed => {
                        here.flat_map(|one| one.sources(attribute.name)).collect()
                    }
                })
            }
            Self::And(tests) => {
                let mut narrowed = tests.iter().map(|test| test.indexed(tree));
                narrowed.find(|indexed| *indexed != Indexed::All).unwrap_or(Indexed::All)
            }
            Self::Or(tests) => {
                let mut sum = BTreeSet::new();
                for test in tests {
                    match test.indexed(tree) {
                        Indexed::All => return Indexed::All,
                        Indexed::Only(guids) => sum.extend(guids),
                    }
                }
                Indexed::Only(sum)
            }
            Self::Text(attribute, folded) => indexed_value(tree, attribute, folded.as_bytes()),
            Self::Octets(attribute, sid) if attribute.name == "objectSid" => {
                with_deleted(tree, tree.by_sid(sid))
            }
            Self::Octets(attribute, value) => indexed_value(tree, attribute, value),
            Self::Not(_)
            | Self::Category(_)
            | Self::Number(..)
            | Self::Order(..)
            | Self::Pieces(..)
            | Self::Present(_) => Indexed::All,
        }
    }
}

fn indexed_value(tree: &Tree, attribute: &Attribute, value: &[u8]) -> Indexed {
    tree.by_value(attribute, value).map_or(Indexed::All, Indexed::Only)
}

/// The index holds living objects; a deleted one keeps its SID as a value.
fn with_deleted(tree: &Tree, living: Option<Uuid>) -> Indexed {
    Indexed::Only(tree.children_of(tree.deleted_objects).chain(living).collect())
}

/// Three-valued conjunction.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sum = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => sum = None,
            Some(true) => {}
        }
    }
    sum
}

/// Compares without a copy where both sides are ASCII, which is nearly always.
fn same(value: &str, folded: &str) -> bool {
    if value.is_ascii() {
        return value.eq_ignore_ascii_case(folded);
    }
    fold(value) == folded
}

fn links_to(object: &Object, attribute: &Attribute, target: Uuid) -> bool {
    let holds = |ends: Option<&BTreeSet<Uuid>>| ends.is_some_and(|ends| ends.contains(&target));
    match attribute.origin {
        Origin::BackLink(forward) => holds(object.backward.get(forward)),
        Origin::Stored | Origin::System | Origin::Naming | Origin::Link | Origin::Constructed => {
            holds(object.forward.get(attribute.name))
        }
    }
}

fn any(object: &Object, attribute: &Attribute, tree: &Tree, test: impl Fn(&[u8]) -> bool) -> bool {
    tree.stored(object, attribute).iter().any(|value| test(value))
}
