//! The part of the Windows Server schema that this domain knows: attributes, classes, syntaxes.
//!
//! Input: which extensions the forest has. Output: what the other rooms ask about an attribute or
//! a class, and what the objects of the schema container say.

mod attributes;
mod classes;

use std::collections::BTreeMap;

pub(super) use classes::{CLASSES, Class, category_of, class_named};

/// How values of an attribute are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// String(Unicode) 2.5.5.12, String(Object-Identifier) 2.5.5.2 and their like.
    Text,
    /// Integer 2.5.5.9 and LargeInteger 2.5.5.16.
    Integer,
    /// Boolean 2.5.5.8.
    Boolean,
    /// String(Octet) 2.5.5.10.
    Octets,
    /// String(Sid) 2.5.5.17.
    Sid,
    /// String(Generalized-Time) 2.5.5.11.
    Time,
    /// Object(DS-DN) 2.5.5.1 kept as text.
    Name,
}

/// Where values of an attribute come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Clients write it.
    Stored,
    /// The directory writes it and keeps it.
    System,
    /// Part of the relative name.
    Naming,
    /// A forward link of this attribute.
    Link,
    /// The way back of the named forward link.
    BackLink(&'static str),
    /// Made when asked for, and only then (MS-ADTS 3.1.1.4.5).
    Constructed,
}

/// Every class may carry the attribute.
pub(super) const EVERY: &[&str] = &["top"];

/// fATTINDEX (MS-ADTS 2.2.10): searches for a value are quick.
const INDEXED: u8 = 0x1;
/// fPRESERVEONDELETE (MS-ADTS 2.2.10).
const PRESERVED: u8 = 0x8;

/// What a tombstone keeps beside the attributes with fPRESERVEONDELETE (MS-ADTS 3.1.1.5.5.6.1), as
/// far as this schema knows them.
const RETAINED: [&str; 12] = [
    "dNSHostName",
    "groupType",
    "instanceType",
    "lDAPDisplayName",
    "legacyExchangeDN",
    "nCName",
    "sAMAccountName",
    "sIDHistory",
    "subClassOf",
    "systemFlags",
    "userAccountControl",
    "attributeSyntax",
];

/// One attributeSchema object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    /// lDAPDisplayName, spelt as the schema spells it.
    pub(super) name: &'static str,
    pub(super) syntax: Syntax,
    pub(super) origin: Origin,
    /// Structural classes whose objects may carry it; `top` stands for all.
    pub(super) classes: &'static [&'static str],
    pub(super) single: bool,
    /// rangeLower: UTF-16 units of a text, octets, or the least number (MS-ADTS 3.1.1.2.3).
    pub(super) lower: Option<usize>,
    /// rangeUpper, counted likewise.
    pub(super) upper: Option<usize>,
    /// searchFlags (MS-ADTS 2.2.10).
    pub(super) search_flags: u8,
    /// linkID: even for a forward link, one more for its way back (MS-ADTS 3.1.1.1.6).
    pub(super) link: Option<u16>,
    /// attributeSyntax and oMSyntax where they are not the usual ones of `syntax`.
    wire: Option<(&'static str, u8)>,
}

const fn attribute(
    name: &'static str,
    syntax: Syntax,
    origin: Origin,
    classes: &'static [&'static str],
) -> Attribute {
    Attribute {
        name,
        syntax,
        origin,
        classes,
        single: true,
        lower: None,
        upper: None,
        search_flags: 0,
        link: None,
        wire: None,
    }
}

impl Attribute {
    const fn many(mut self) -> Self {
        self.single = false;
        self
    }

    const fn range(self, lower: usize, upper: usize) -> Self {
        self.at_least(lower).at_most(upper)
    }

    const fn at_least(mut self, lower: usize) -> Self {
        self.lower = Some(lower);
        self
    }

    const fn at_most(mut self, upper: usize) -> Self {
        self.upper = Some(upper);
        self
    }

    const fn flags(mut self, search_flags: u8) -> Self {
        self.search_flags = search_flags;
        self
    }

    const fn linked(mut self, identifier: u16) -> Self {
        self.link = Some(identifier);
        self
    }

    const fn wire(mut self, oid: &'static str, om_syntax: u8) -> Self {
        self.wire = Some((oid, om_syntax));
        self
    }

    /// Whether values are object references.
    pub(super) fn is_link(&self) -> bool {
        matches!(self.origin, Origin::Link | Origin::BackLink(_))
    }

    /// Whether an object of this class may have it.
    pub(super) fn is_carried_by(&self, class: &Class) -> bool {
        self.classes == EVERY || self.classes.contains(&class.name)
    }

    /// Whether a tombstone keeps it.
    pub(super) fn is_kept(&self) -> bool {
        self.search_flags & PRESERVED != 0 || RETAINED.contains(&self.name)
    }

    /// Whether the directory keeps an index over its values.
    pub(super) fn is_indexed(&self) -> bool {
        self.search_flags & INDEXED != 0 && matches!(self.syntax, Syntax::Text | Syntax::Octets)
    }

    /// attributeSyntax and oMSyntax (MS-ADTS 3.1.1.2.2.2).
    pub(super) fn wire_syntax(&self) -> (&'static str, u8) {
        self.wire.unwrap_or(match self.syntax {
            Syntax::Text => ("2.5.5.12", 64),
            Syntax::Integer => ("2.5.5.9", 2),
            Syntax::Boolean => ("2.5.5.8", 1),
            Syntax::Octets => ("2.5.5.10", 4),
            Syntax::Sid => ("2.5.5.17", 4),
            Syntax::Time => ("2.5.5.11", 24),
            Syntax::Name => ("2.5.5.1", 127),
        })
    }
}

/// The attributes of one forest, by lower-case name.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    attributes: BTreeMap<String, &'static Attribute>,
}

impl Schema {
    /// The base schema, with or without Exchange's part and the additions of Server 2016.
    pub(super) fn new(exchange: bool, external_id: bool) -> Self {
        let recent = ["msDS-ExternalDirectoryObjectId", "msDS-ObjectSoa"];
        let added = if exchange { attributes::EXCHANGE } else { &[] };
        let attributes = attributes::BASE
            .iter()
            .chain(added)
            .filter(|attribute| external_id || !recent.contains(&attribute.name))
            .map(|attribute| (attribute.name.to_ascii_lowercase(), attribute))
            .collect();
        Self { attributes }
    }

    /// The attribute of this name; letter case does not count (RFC 4512 2.5).
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.get(&name.to_ascii_lowercase()).copied()
    }

    /// Every attribute.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &'static Attribute> + '_ {
        self.attributes.values().copied()
    }
}
