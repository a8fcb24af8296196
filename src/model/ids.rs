//! Identifiers of both worlds, each with its own type so that none is taken for another.
//!
//! They come from Graph answers, directory attributes and configuration, and go everywhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! guid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Parses the dashed text form; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::parse_str(text).ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

guid_newtype! {
    /// The `id` of an object in the tenant.
    ObjectId
}
guid_newtype! {
    /// The tenant's own id.
    TenantId
}
guid_newtype! {
    /// The `deviceId` of a device in the tenant.
    DeviceId
}
guid_newtype! {
    /// The `objectGUID` of an object in the domain: never changes, survives rename and move.
    ObjectGuid
}

impl ObjectId {
    /// The anchor of a group written back for this id: `Group_<object id>`.
    pub fn anchor(self) -> String {
        format!("Group_{self}")
    }

    /// The id inside an anchor (`Group_<object id>`, compared without case).
    pub fn from_anchor(anchor: &str) -> Option<Self> {
        let (prefix, id) = anchor.split_at_checked(6)?;
        prefix.eq_ignore_ascii_case("Group_").then(|| Self::parse(id)).flatten()
    }

    /// The id inside an anchor, also one that Entra Connect has marked as taken over
    /// (`TakenOver_Group_<object id>`); compared without case, as the directory does.
    pub fn from_any_anchor(text: &str) -> Option<Self> {
        const TAKEN_OVER: &str = "TakenOver_";
        let bare = match text.split_at_checked(TAKEN_OVER.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(TAKEN_OVER) => rest,
            Some(_) | None => text,
        };
        Self::from_anchor(bare)
    }

    /// The last 12 characters of the dashed form, used inside names.
    pub fn tail(self) -> String {
        self.to_string().chars().skip(24).collect()
    }
}

impl ObjectGuid {
    /// From the 16 bytes as the directory stores them: three little-endian fields, then eight
    /// bytes as they are (MS-DTYP 2.3.4).
    pub fn from_directory_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 16]>::try_from(bytes).ok().map(|raw| Self(Uuid::from_bytes_le(raw)))
    }

    /// The DN form that names an object by its GUID (MS-ADTS 3.1.1.3.1.2.4).
    pub fn as_dn(self) -> String {
        format!("<GUID={self}>")
    }
}

/// A security identifier, `S-1-…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    sub_authorities: Box<[u32]>,
}

impl Sid {
    /// Most sub-authorities a SID can carry (MS-DTYP 2.4.2).
    const SUB_AUTHORITIES_MAX: usize = 15;

    /// From the binary form: revision, count, six big-endian bytes, then little-endian words.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, tail) = bytes.split_at_checked(8)?;
        let (&[1, count], authority) = head.split_first_chunk::<2>()? else { return None };
        let count = usize::from(count);
        if count > Self::SUB_AUTHORITIES_MAX || tail.len() != count * 4 {
            return None;
        }
        let authority = authority.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let sub_authorities = tail
            .chunks_exact(4)
            .filter_map(|word| <[u8; 4]>::try_from(word).ok().map(u32::from_le_bytes))
            .collect();
        Some(Self { authority, sub_authorities })
    }

    /// From the text form `S-1-<authority>-<sub>-…`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        if !parts.next()?.eq_ignore_ascii_case("S") || parts.next()? != "1" {
            return None;
        }
        let authority = parts.next()?.parse().ok()?;
        let sub_authorities = parts.map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
        (!sub_authorities.is_empty() && sub_authorities.len() <= Self::SUB_AUTHORITIES_MAX)
            .then(|| Self { authority, sub_authorities: sub_authorities.into() })
    }

    /// The relative identifier: the last sub-authority.
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities.last().copied()
    }

    /// Whether this is an account of a domain (`S-1-5-21-…`) rather than a well-known SID.
    pub fn is_domain_account(&self) -> bool {
        self.authority == 5 && self.sub_authorities.first() == Some(&21)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub_authorities.iter().try_for_each(|sub| write!(f, "-{sub}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_reads_the_same_from_bytes_and_text() {
        let bytes = [
            1, 5, 0, 0, 0, 0, 0, 5, 0x15, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x50, 4, 0,
            0,
        ];
        let sid = Sid::from_bytes(&bytes).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-21-1-2-3-1104");
        assert_eq!(Sid::parse("S-1-5-21-1-2-3-1104"), Some(sid.clone()));
        assert_eq!(sid.rid(), Some(1104));
    }

    #[test]
    fn a_cut_or_overlong_sid_is_refused() {
        assert_eq!(Sid::from_bytes(&[1, 2, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0]), None);
        assert_eq!(Sid::from_bytes(&[]), None);
        assert_eq!(Sid::parse("S-1-5"), None);
        assert_eq!(Sid::parse("S-1-5-x"), None);
    }

    #[test]
    fn a_guid_reads_the_directory_byte_order() {
        let bytes = [
            0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
            0xcd, 0xef,
        ];
        let guid = ObjectGuid::from_directory_bytes(&bytes).unwrap();
        assert_eq!(guid.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    }

    #[test]
    fn an_anchor_is_read_without_case_and_only_with_a_dashed_id() {
        let id = ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        assert_eq!(ObjectId::from_anchor(&id.anchor()), Some(id));
        assert_eq!(ObjectId::from_anchor(&id.anchor().to_uppercase()), Some(id));
        assert_eq!(ObjectId::from_anchor("Group_0123456789abcdef0123456789abcdef"), None);
        assert_eq!(ObjectId::from_anchor("User_x"), None);
        assert_eq!(id.tail(), "456789abcdef");
    }
}
