//! Distinguished names: parsed once at the door, compared as the directory compares them,
//! written with the escapes of RFC 4514.
//!
//! Input: configuration and directory entries. Output: targets, bases and labels.

use std::fmt;

use crate::defence::stands;

/// A distinguished name of single-valued RDNs, leaf first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rdn {
    attribute: String,
    value: String,
}

/// A form of a DN in which two spellings of one object are equal: attribute types and values
/// in lower case. The directory folds further (accents); uniqueness is therefore decided by it
/// alone, this key only foresees the answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct DnKey(String);

/// Why a text is not a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnMistake {
    /// The text is empty.
    #[error("a distinguished name is expected, such as OU=Groups,DC=corp,DC=example")]
    Empty,
    /// A component has no `=`.
    #[error("the component `{0}` has no `=`")]
    NoEquals(String),
    /// An attribute type or a value is missing.
    #[error("the component `{0}` has an empty side")]
    EmptySide(String),
    /// A backslash is followed by neither a special character nor two hexadecimal digits.
    #[error("`{0}` has an escape that is none")]
    BadEscape(String),
    /// A character that must be escaped stands bare.
    #[error("`{0}` has a `{1}` that must be written `\\{1}`")]
    Bare(String, char),
}

impl Dn {
    /// Parses the string form of RFC 4514. Multi-valued RDNs (`a=b+c=d`) and `#` hex values are
    /// refused: Active Directory has none.
    pub fn parse(text: &str) -> Result<Self, DnMistake> {
        if text.trim().is_empty() {
            return Err(DnMistake::Empty);
        }
        let rdns =
            split_unescaped(text).iter().map(|part| parse_rdn(part)).collect::<Result<_, _>>()?;
        Ok(Self { rdns })
    }

    /// The name of a child with the RDN `CN=<cn>` below this one.
    #[must_use]
    pub fn child(&self, cn: &str) -> Self {
        let own = Rdn { attribute: "CN".to_owned(), value: cn.to_owned() };
        Self { rdns: std::iter::once(own).chain(self.rdns.iter().cloned()).collect() }
    }

    /// Everything but the first component; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.rdns.split_first()?;
        (!rest.is_empty()).then(|| Self { rdns: rest.to_vec() })
    }

    /// The unescaped value of the first component.
    pub fn leaf(&self) -> &str {
        self.rdns.first().map_or("", |rdn| rdn.value.as_str())
    }

    /// The first component as a request carries it, escaped: `CN=Sales\2c West`.
    pub fn rdn(&self) -> String {
        self.rdns.first().map(ToString::to_string).unwrap_or_default()
    }

    /// The comparison form.
    pub fn key(&self) -> DnKey {
        DnKey(self.rdns.iter().map(Rdn::key).collect::<Vec<_>>().join("\u{0}"))
    }

    /// Whether this is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        let Some(skip) = self.rdns.len().checked_sub(ancestor.rdns.len()) else { return false };
        !ancestor.rdns.is_empty()
            && self.rdns.iter().skip(skip).zip(&ancestor.rdns).all(|(a, b)| a.key() == b.key())
    }
}

impl Rdn {
    fn key(&self) -> String {
        format!("{}={}", self.attribute.to_lowercase(), self.value.to_lowercase())
    }
}

fn split_unescaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

fn parse_rdn(part: &str) -> Result<Rdn, DnMistake> {
    let (attribute, value) =
        part.split_once('=').ok_or_else(|| DnMistake::NoEquals(part.to_owned()))?;
    let attribute = attribute.trim();
    let value = unescape(trim_unescaped(value), part)?;
    if attribute.is_empty() || value.is_empty() {
        return Err(DnMistake::EmptySide(part.to_owned()));
    }
    Ok(Rdn { attribute: attribute.to_owned(), value })
}

/// Blanks around a value are no part of it unless the last one is escaped.
fn trim_unescaped(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.chars().rev().take_while(|c| *c == '\\').count();
    if backslashes % 2 == 1 && trimmed.len() < value.len() {
        value.get(..=trimmed.len()).unwrap_or(value)
    } else {
        trimmed
    }
}

fn unescape(value: &str, part: &str) -> Result<String, DnMistake> {
    let bad = || DnMistake::BadEscape(part.to_owned());
    if value.starts_with('#') {
        return Err(DnMistake::Bare(part.to_owned(), '#'));
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            if matches!(character, '"' | '+' | ';' | '<' | '>') {
                return Err(DnMistake::Bare(part.to_owned(), character));
            }
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let first = characters.next().ok_or_else(bad)?;
        if let Some(high) = first.to_digit(16) {
            let low = characters.next().and_then(|c| c.to_digit(16)).ok_or_else(bad)?;
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
        // The question mark is none of RFC 4514's, but Samba's library escapes it in answers.
        } else if " \"#+,;<=>\\?".contains(first) {
            bytes.push(u8::try_from(u32::from(first)).map_err(|_| bad())?);
        } else {
            return Err(bad());
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

impl fmt::Display for Rdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.attribute)?;
        let last = self.value.chars().count().saturating_sub(1);
        for (index, character) in self.value.chars().enumerate() {
            let edge = (index == 0 && matches!(character, ' ' | '#'))
                || (index == last && character == ' ');
            let special = matches!(character, '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\');
            if (edge || special) && stands("H55") {
                write!(f, "\\{character}")?;
            } else if character.is_ascii_control() {
                write!(f, "\\{:02X}", u32::from(character))?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            rdn.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn hostile_names_survive_writing_and_reading() {
        for name in [
            "a,b",
            "a+b",
            "a\"b",
            "a\\b",
            "#a",
            " a ",
            "  ",
            "a=b",
            "<a;b>",
            "(a)*",
            "\u{1F600}",
            "a\u{200F}b",
            "a\nb",
            "\\ ",
            "x\\",
            " #",
        ] {
            let written = dn("OU=Groups,DC=corp,DC=example").child(name);
            let read = dn(&written.to_string());
            assert_eq!(read, written, "{written}");
            assert_eq!(read.leaf(), name);
            assert_eq!(read.parent().unwrap(), dn("OU=Groups,DC=corp,DC=example"));
        }
    }

    #[test]
    fn hex_pairs_and_plain_escapes_read_alike() {
        assert_eq!(dn("CN=a\\2cb,DC=x"), dn("CN=a\\,b,DC=x"));
        assert_eq!(dn("CN=\\C3\\A9,DC=x").leaf(), "é");
        assert_eq!(dn("CN=a\\?b,DC=x"), dn("CN=a?b,DC=x"));
    }

    #[test]
    fn comparison_ignores_case_and_blanks_around_components() {
        assert_eq!(dn("cn=Sales, dc=Corp").key(), dn("CN=sales,DC=corp").key());
        assert_ne!(dn("CN=a,DC=b").key(), dn("CN=a,OU=b").key());
    }

    #[test]
    fn lying_below_needs_whole_components() {
        let container = dn("OU=Groups,DC=corp,DC=example");
        assert!(dn("CN=x,ou=groups,DC=CORP,dc=example").is_within(&container));
        assert!(container.is_within(&container));
        assert!(!dn("CN=x,OU=More Groups,DC=corp,DC=example").is_within(&container));
        assert!(!dn("CN=x\\,OU=Groups,DC=corp,DC=example").is_within(&container));
        assert!(!dn("DC=example").is_within(&container));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", " ", "Groups", "=x", "CN=", "CN=a+OU=b", "CN=a\\", "CN=a\\zz", "CN=a<b"] {
            assert!(Dn::parse(text).is_err(), "{text}");
        }
    }
}
