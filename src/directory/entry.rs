//! One search entry, decoded without a chance to panic.
//!
//! Input: the BER structure of a SearchResultEntry (RFC 4511 4.5.2). Output: typed getters for
//! `observe`, `members` and `schema`. Values stay octets until somebody asks for text, so an
//! objectGUID that happens to be valid UTF-8 is read like any other.

use std::collections::BTreeMap;

use ldap3::asn1::StructureTag;

use crate::model::{Dn, ObjectGuid, Sid};

/// `[APPLICATION 4]`, SearchResultEntry.
pub(super) const SEARCH_RESULT_ENTRY: u64 = 4;

/// An entry as it came.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The DN as text; in extended form when the control asked for it.
    dn: String,
    /// Values by attribute description in lower case, options included.
    attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

/// What is wrong with an entry: a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

/// A DN as the extended DN control gives it (MS-ADTS 3.1.1.3.4.1.5).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExtendedDn<'a> {
    pub(super) guid: Option<ObjectGuid>,
    pub(super) sid: Option<Sid>,
    pub(super) dn: &'a str,
}

/// Values of one attribute as far as they came (MS-ADTS 3.1.1.3.1.3.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ranged<'a> {
    pub(super) low: usize,
    pub(super) values: &'a [Vec<u8>],
    /// Where the next range starts; `None` after the last one.
    pub(super) next: Option<usize>,
}

impl Entry {
    pub(super) fn decode(tag: StructureTag) -> Result<Self, Malformed> {
        let malformed = |what: &str| Malformed(what.to_owned());
        let parts = tag
            .match_id(SEARCH_RESULT_ENTRY)
            .and_then(StructureTag::expect_constructed)
            .ok_or_else(|| malformed("a referral came where entries belong"))?;
        let mut parts = parts.into_iter();
        let dn =
            text(parts.next()).ok_or_else(|| malformed("an entry has a DN that is not UTF-8"))?;
        let list = parts
            .next()
            .and_then(StructureTag::expect_constructed)
            .ok_or_else(|| Malformed(format!("{dn} has no list of attributes")))?;
        let attributes = list.into_iter().map(attribute).collect::<Option<BTreeMap<_, _>>>();
        let attributes =
            attributes.ok_or_else(|| Malformed(format!("{dn} has a malformed attribute")))?;
        Ok(Self { dn, attributes })
    }

    /// The DN, without the identifiers of the extended form.
    pub(super) fn dn(&self) -> Result<Dn, Malformed> {
        let plain = ExtendedDn::parse(&self.dn).dn;
        Dn::parse(plain).map_err(|mistake| Malformed(format!("{plain} has a bad DN: {mistake}")))
    }

    /// The DN as it came.
    pub(super) fn dn_text(&self) -> &str {
        &self.dn
    }

    /// The values; empty when there are none.
    pub(super) fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The values that are text.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).iter().filter_map(|value| str::from_utf8(value).ok())
    }

    /// The first value, when it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// The first value as an integer.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Whether the first value is TRUE.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("TRUE")
    }

    /// A value of 16 octets in the directory's order.
    pub(super) fn guid(&self, name: &str) -> Option<ObjectGuid> {
        ObjectGuid::from_directory_bytes(self.values(name).first()?)
    }

    /// The object's own GUID, without which nothing can be said of it.
    pub(super) fn object_guid(&self) -> Result<ObjectGuid, Malformed> {
        self.guid("objectGUID").ok_or_else(|| Malformed(format!("{} has no objectGUID", self.dn)))
    }

    /// The object's SID.
    pub(super) fn sid(&self) -> Option<Sid> {
        Sid::from_bytes(self.values("objectSid").first()?)
    }

    /// Whether more values of the attribute follow than came.
    pub(super) fn is_ranged(&self, name: &str) -> bool {
        let prefix = format!("{};range=", name.to_ascii_lowercase());
        self.attributes.keys().any(|key| key.starts_with(&prefix))
    }

    /// The attribute whole, or the range of it that came. Asked for everything of a large
    /// attribute, Active Directory sends the bare name without values beside the range.
    pub(super) fn ranged(&self, name: &str) -> Result<Ranged<'_>, Malformed> {
        let prefix = format!("{};range=", name.to_ascii_lowercase());
        let found = self
            .attributes
            .iter()
            .find_map(|(key, values)| key.strip_prefix(&prefix).map(|range| (range, values)));
        let Some((range, values)) = found else {
            return Ok(Ranged { low: 0, values: self.values(name), next: None });
        };
        let malformed = || Malformed(format!("{} has the malformed range {range}", self.dn));
        let (low, high) = range.split_once('-').ok_or_else(malformed)?;
        let low = low.parse::<usize>().map_err(|_| malformed())?;
        if high == "*" {
            return Ok(Ranged { low, values, next: None });
        }
        let high = high.parse::<usize>().map_err(|_| malformed())?;
        let next = high.checked_add(1).filter(|next| *next == low + values.len());
        Ok(Ranged { low, values, next: Some(next.ok_or_else(malformed)?) })
    }
}

fn attribute(tag: StructureTag) -> Option<(String, Vec<Vec<u8>>)> {
    let mut parts = tag.expect_constructed()?.into_iter();
    let name = text(parts.next())?.to_ascii_lowercase();
    let values = parts.next()?.expect_constructed()?;
    let values = values.into_iter().map(StructureTag::expect_primitive).collect::<Option<_>>()?;
    Some((name, values))
}

fn text(tag: Option<StructureTag>) -> Option<String> {
    String::from_utf8(tag?.expect_primitive()?).ok()
}

impl<'a> ExtendedDn<'a> {
    /// Reads `<GUID=…>;<SID=…>;CN=…`; a plain DN has no identifiers.
    pub(super) fn parse(text: &'a str) -> Self {
        let (mut guid, mut sid) = (None, None);
        let mut rest = text;
        while let Some((part, after)) = rest.strip_prefix('<').and_then(|r| r.split_once(">;")) {
            if let Some(value) = part.strip_prefix("GUID=") {
                guid = ObjectGuid::parse(value);
            } else if let Some(value) = part.strip_prefix("SID=") {
                sid = Sid::parse(value);
            }
            rest = after;
        }
        Self { guid, sid, dn: rest }
    }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;

    fn octets(value: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(value.to_vec()) }
    }

    fn list(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload: PL::C(parts) }
    }

    fn entry(dn: &[u8], attributes: &[(&str, &[&[u8]])]) -> Result<Entry, Malformed> {
        let attributes = attributes.iter().map(|(name, values)| {
            let values = values.iter().map(|value| octets(value)).collect();
            list(16, vec![octets(name.as_bytes()), list(17, values)])
        });
        Entry::decode(list(4, vec![octets(dn), list(16, attributes.collect())]))
    }

    #[test]
    fn a_dn_that_is_not_utf8_is_an_error_and_no_panic() {
        assert!(entry(b"CN=\xff,DC=x", &[]).is_err());
        assert!(Entry::decode(octets(b"x")).is_err());
        assert!(Entry::decode(list(4, vec![])).is_err());
        assert!(Entry::decode(list(4, vec![octets(b"CN=a,DC=x")])).is_err());
        assert!(
            Entry::decode(list(4, vec![octets(b"DC=x"), list(16, vec![octets(b"x")])])).is_err()
        );
    }

    #[test]
    fn octets_that_happen_to_be_text_read_like_any_others() {
        let entry = entry(b"CN=a,DC=x", &[("OBJECTguid", &[b"0123456789abcdef"])]).unwrap();
        assert_eq!(
            entry.object_guid().unwrap().to_string(),
            "33323130-3534-3736-3839-616263646566"
        );
    }

    #[test]
    fn ranges_say_where_to_go_on() {
        let whole = entry(b"DC=x", &[("member", &[b"a", b"b"])]).unwrap();
        assert_eq!(whole.ranged("member").unwrap().next, None);
        let first =
            entry(b"DC=x", &[("member", &[]), ("member;range=0-1", &[b"a", b"b"])]).unwrap();
        let first = first.ranged("member").unwrap();
        assert_eq!((first.low, first.values.len(), first.next), (0, 2, Some(2)));
        let last = entry(b"DC=x", &[("Member;Range=2-*", &[b"c"])]).unwrap();
        let last = last.ranged("member").unwrap();
        assert_eq!((last.low, last.next), (2, None));
        assert_eq!(entry(b"DC=x", &[]).unwrap().ranged("member").unwrap().values.len(), 0);
    }

    #[test]
    fn a_range_that_does_not_count_right_is_malformed() {
        for name in ["member;range=0-5", "member;range=x-*", "member;range=0"] {
            let entry = entry(b"DC=x", &[(name, &[b"a"])]).unwrap();
            assert!(entry.ranged("member").is_err(), "{name}");
        }
    }

    #[test]
    fn extended_names_give_their_identifiers() {
        let guid = ObjectGuid::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let text = format!("<GUID={guid}>;<SID=S-1-5-21-1-2-3-4>;CN=a\\>;b,DC=x");
        let sid = Sid::parse("S-1-5-21-1-2-3-4");
        let wanted = ExtendedDn { guid: Some(guid), sid, dn: "CN=a\\>;b,DC=x" };
        assert_eq!(ExtendedDn::parse(&text), wanted);
        assert_eq!(ExtendedDn::parse("CN=a,DC=x").guid, None);
        assert_eq!(ExtendedDn::parse(&format!("<GUID={guid}>;CN=a,DC=x")).guid, Some(guid));
    }
}
