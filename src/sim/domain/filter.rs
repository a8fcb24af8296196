//! Search filters: read from BER with their values as octets, then bound to the directory.
//!
//! Input: the filter element of a search request (RFC 4511 4.5.1.7). Output: a `Test` that an
//! object passes, fails or leaves undefined. Every filter of RFC 4515 works, also with assertion
//! values that are no UTF-8, because `ldap3_proto`'s own filter type is not used.

mod test;

use super::ber::{BOOLEAN, Element, OCTET_STRING, Reader, SEQUENCE};
use super::identity::escaped_octets;

pub(super) use test::{Indexed, Test};

/// Filters may nest this deep; deeper ones are a protocol error. Real ones nest below ten.
const DEPTH_LIMIT: usize = 64;

/// A filter as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// Equality, and approximate match, which a DC treats the same (MS-ADTS 3.1.1.3.1.3.1).
    Equal(String, Vec<u8>),
    Substrings(String, Substrings),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Present(String),
    /// Rule, attribute, value.
    Extensible(String, String, Vec<u8>),
}

/// The pieces of a substring assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Substrings {
    pub(super) initial: Option<Vec<u8>>,
    pub(super) any: Vec<Vec<u8>>,
    pub(super) last: Option<Vec<u8>>,
}

fn string(content: &[u8]) -> Option<String> {
    std::str::from_utf8(content).ok().map(str::to_owned)
}

fn assertion(content: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut parts = Reader::new(content);
    let attribute = string(parts.expect(OCTET_STRING)?)?;
    let value = parts.expect(OCTET_STRING)?.to_vec();
    parts.is_empty().then_some((attribute, value))
}

fn list(content: &[u8], depth: usize) -> Option<Vec<Filter>> {
    let mut parts = Reader::new(content);
    let mut filters = Vec::new();
    while !parts.is_empty() {
        filters.push(Filter::read(parts.next()?, depth)?);
    }
    Some(filters)
}

fn substrings(content: &[u8]) -> Option<Filter> {
    let mut parts = Reader::new(content);
    let attribute = string(parts.expect(OCTET_STRING)?)?;
    let mut pieces = Reader::new(parts.expect(SEQUENCE)?);
    let mut found = Substrings::default();
    while !pieces.is_empty() {
        let piece = pieces.next()?;
        match piece.tag {
            0x80 if found.initial.is_none() => found.initial = Some(piece.content.to_vec()),
            0x81 => found.any.push(piece.content.to_vec()),
            0x82 if found.last.is_none() => found.last = Some(piece.content.to_vec()),
            _ => return None,
        }
    }
    Some(Filter::Substrings(attribute, found))
}

fn extensible(content: &[u8]) -> Option<Filter> {
    let mut parts = Reader::new(content);
    let rule = parts.optional(0x81).map_or(Some(String::new()), string)?;
    let attribute = parts.optional(0x82).map_or(Some(String::new()), string)?;
    let value = parts.expect(0x83)?.to_vec();
    // dnAttributes: Active Directory ignores it (MS-ADTS 3.1.1.3.1.3.1).
    parts.optional(0x84).or_else(|| parts.optional(BOOLEAN));
    Some(Filter::Extensible(rule, attribute, value))
}

impl Filter {
    /// Reads a filter element; `None` when it is malformed.
    pub(super) fn decode(element: Element<'_>) -> Option<Self> {
        Self::read(element, DEPTH_LIMIT)
    }

    fn read(element: Element<'_>, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let content = element.content;
        match element.tag {
            0xa0 => list(content, depth).map(Self::And),
            0xa1 => list(content, depth).map(Self::Or),
            0xa2 => {
                let inner = Self::read(Reader::new(content).next()?, depth)?;
                Some(Self::Not(Box::new(inner)))
            }
            0xa3 | 0xa8 => assertion(content).map(|(name, value)| Self::Equal(name, value)),
            0xa4 => substrings(content),
            0xa5 => assertion(content).map(|(name, value)| Self::AtLeast(name, value)),
            0xa6 => assertion(content).map(|(name, value)| Self::AtMost(name, value)),
            0x87 => string(content).map(Self::Present),
            0xa9 => extensible(content),
            _ => None,
        }
    }

    /// The filter in the form of RFC 4515, for the record of operations.
    pub(super) fn text(&self) -> String {
        let many = |sign: char, filters: &[Self]| {
            let inner: String = filters.iter().map(Self::text).collect();
            format!("({sign}{inner})")
        };
        match self {
            Self::And(filters) => many('&', filters),
            Self::Or(filters) => many('|', filters),
            Self::Not(filter) => format!("(!{})", filter.text()),
            Self::Equal(name, value) => format!("({name}={})", printable(value)),
            Self::AtLeast(name, value) => format!("({name}>={})", printable(value)),
            Self::AtMost(name, value) => format!("({name}<={})", printable(value)),
            Self::Present(name) => format!("({name}=*)"),
            Self::Extensible(rule, name, value) => format!("({name}:{rule}:={})", printable(value)),
            Self::Substrings(name, pieces) => {
                let initial = pieces.initial.as_deref().map(printable).unwrap_or_default();
                let any = pieces.any.iter().flat_map(|one| [printable(one), "*".to_owned()]);
                let any: String = any.collect();
                let last = pieces.last.as_deref().map(printable).unwrap_or_default();
                format!("({name}={initial}*{any}{last})")
            }
        }
    }
}

/// A value as RFC 4515 writes it.
fn printable(value: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(value) else { return escaped_octets("\\", value) };
    text.split_inclusive(['*', '(', ')', '\\', '\0'])
        .flat_map(|piece| match piece.char_indices().next_back() {
            Some((at, '*' | '(' | ')' | '\\' | '\0')) => {
                let head = piece.get(..at).unwrap_or_default().to_owned();
                [head, escaped_octets("\\", piece.as_bytes().get(at..).unwrap_or_default())]
            }
            Some(_) | None => [piece.to_owned(), String::new()],
        })
        .collect()
}
