//! Distinguished names as Active Directory reads, compares and prints them (RFC 4514, with the
//! forms of RFC 1779 and the references of MS-ADTS 3.1.1.3.1.2.4).
//!
//! Input: names in requests. Output: relative names to walk the tree with, and the text of
//! names in answers. Shares no code with the product.

use uuid::Uuid;

use super::identity;

/// One `attribute=value` pair, value unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rdn {
    /// Naming attribute in upper case, as a domain controller prints it.
    pub(super) attribute: String,
    /// The value itself.
    pub(super) value: String,
}

/// Relative names, the leaf first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dn(pub(super) Vec<Rdn>);

/// What a request may use in place of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// A distinguished name.
    Name(Dn),
    /// `<GUID=…>`.
    Guid(Uuid),
    /// `<SID=…>`.
    Sid(Vec<u8>),
    /// `<WKGUID=…,DC=…>`: 32 digits in upper case and the head of the naming context.
    WellKnown(String, Dn),
}

/// The text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadName;

impl Rdn {
    /// A relative name with an unescaped value.
    pub(super) fn new(attribute: &str, value: &str) -> Self {
        Self { attribute: attribute.to_ascii_uppercase(), value: value.to_owned() }
    }

    /// Reads exactly one relative name.
    pub(super) fn parse(text: &str) -> Result<Self, BadName> {
        let Dn(mut parts) = Dn::parse(text)?;
        match (parts.pop(), parts.is_empty()) {
            (Some(rdn), true) => Ok(rdn),
            _ => Err(BadName),
        }
    }

    /// Equal keys mean equal names.
    pub(super) fn key(&self) -> String {
        format!("{}={}", self.attribute, fold(&self.value))
    }

    /// Escaped as a domain controller prints it.
    pub(super) fn text(&self) -> String {
        format!("{}={}", self.attribute, escape(&self.value))
    }
}

impl Dn {
    /// Reads a name; the empty text is the empty name.
    pub(super) fn parse(text: &str) -> Result<Self, BadName> {
        let mut parts = Vec::new();
        if text.trim_matches(' ').is_empty() {
            return Ok(Self(parts));
        }
        let mut characters = text.chars().peekable();
        loop {
            let (attribute, value, more) = parse_part(&mut characters)?;
            parts.push(Rdn { attribute, value });
            if !more {
                return Ok(Self(parts));
            }
        }
    }

    /// The name below which this one stands; `None` for the empty name.
    pub(super) fn parent(&self) -> Option<Self> {
        self.0.split_first().map(|(_, rest)| Self(rest.to_vec()))
    }

    /// Text in the form of RFC 4514.
    pub(super) fn text(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(Rdn::text).collect();
        parts.join(",")
    }

    /// The DNS name made of the `DC` parts.
    pub(super) fn domain_name(&self) -> String {
        let labels: Vec<&str> = self
            .0
            .iter()
            .filter(|rdn| rdn.attribute == "DC")
            .map(|rdn| rdn.value.as_str())
            .collect();
        labels.join(".")
    }

    /// The relative names above `suffix`, leaf first; `None` when this name is not below it.
    pub(super) fn above(&self, suffix: &Self) -> Option<&[Rdn]> {
        let split = self.0.len().checked_sub(suffix.0.len())?;
        let (leaf, tail) = self.0.split_at_checked(split)?;
        let equal = tail.iter().zip(&suffix.0).all(|(one, two)| one.key() == two.key());
        equal.then_some(leaf)
    }
}

impl Reference {
    /// Reads a name or one of the alternative forms. The form a DC prints with the extended DN
    /// control, `<GUID=…>;<SID=…>;CN=…`, is read by its first part.
    pub(super) fn parse(text: &str) -> Result<Self, BadName> {
        let Some(inner) = text.strip_prefix('<') else {
            return Dn::parse(text).map(Self::Name);
        };
        let (form, rest) = inner.split_once('>').ok_or(BadName)?;
        if !(rest.is_empty() || rest.starts_with(';')) {
            return Err(BadName);
        }
        let (kind, value) = form.split_once('=').ok_or(BadName)?;
        if kind.eq_ignore_ascii_case("guid") {
            return identity::guid_of(value).map(Self::Guid).ok_or(BadName);
        }
        if kind.eq_ignore_ascii_case("sid") {
            return identity::sid_of(value).map(Self::Sid).ok_or(BadName);
        }
        if kind.eq_ignore_ascii_case("wkguid") {
            let (digits, head) = value.split_once(',').ok_or(BadName)?;
            if digits.len() != 32 || identity::octets_of(digits).is_none() {
                return Err(BadName);
            }
            return Ok(Self::WellKnown(digits.to_ascii_uppercase(), Dn::parse(head)?));
        }
        Err(BadName)
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// One part, and whether a separator followed it.
fn parse_part(characters: &mut Characters<'_>) -> Result<(String, String, bool), BadName> {
    let mut attribute = String::new();
    loop {
        match characters.next() {
            Some('=') => break,
            Some(other) => attribute.push(other),
            None => return Err(BadName),
        }
    }
    let attribute = attribute.trim_matches(' ').to_ascii_uppercase();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if attribute.is_empty() || !attribute.chars().all(legal) {
        return Err(BadName);
    }
    while characters.next_if_eq(&' ').is_some() {}
    let (value, more) = match characters.peek() {
        Some('"') => parse_quoted(characters)?,
        Some('#') => parse_encoded(characters)?,
        Some(_) | None => parse_plain(characters)?,
    };
    // Active Directory has no names with an empty value.
    if value.is_empty() { Err(BadName) } else { Ok((attribute, value, more)) }
}

/// RFC 4514 2.4: escaped characters, hexadecimal pairs; unescaped spaces at the end do not count.
fn parse_plain(characters: &mut Characters<'_>) -> Result<(String, bool), BadName> {
    let mut octets = Vec::new();
    let mut significant = 0;
    let more = loop {
        match characters.next() {
            None => break false,
            Some(',' | ';') => break true,
            // Active Directory has no multi-valued relative names (MS-ADTS 3.1.1.1.4).
            Some('+' | '"' | '<' | '>') => return Err(BadName),
            Some('\\') => {
                push_escaped(characters, &mut octets)?;
                significant = octets.len();
            }
            Some(other) => {
                octets.extend(other.encode_utf8(&mut [0; 4]).as_bytes());
                if other != ' ' {
                    significant = octets.len();
                }
            }
        }
    };
    octets.truncate(significant);
    String::from_utf8(octets).map(|value| (value, more)).map_err(|_| BadName)
}

/// RFC 1779: everything between quotation marks.
fn parse_quoted(characters: &mut Characters<'_>) -> Result<(String, bool), BadName> {
    characters.next();
    let mut octets = Vec::new();
    loop {
        match characters.next() {
            None => return Err(BadName),
            Some('"') => break,
            Some('\\') => push_escaped(characters, &mut octets)?,
            Some(other) => octets.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    while characters.next_if_eq(&' ').is_some() {}
    let more = match characters.next() {
        None => false,
        Some(',' | ';') => true,
        Some(_) => return Err(BadName),
    };
    String::from_utf8(octets).map(|value| (value, more)).map_err(|_| BadName)
}

/// RFC 4514 2.4: `#` and the BER encoding of the value in hexadecimal digits.
fn parse_encoded(characters: &mut Characters<'_>) -> Result<(String, bool), BadName> {
    characters.next();
    let mut digits = String::new();
    let more = loop {
        match characters.next() {
            None => break false,
            Some(',' | ';') => break true,
            Some(other) => digits.push(other),
        }
    };
    let octets = identity::octets_of(digits.trim_matches(' ')).ok_or(BadName)?;
    let element = super::ber::Reader::new(&octets).next().ok_or(BadName)?;
    let value = std::str::from_utf8(element.content).map_err(|_| BadName)?;
    Ok((value.to_owned(), more))
}

/// What follows a backslash: a hexadecimal pair, or the character itself.
fn push_escaped(characters: &mut Characters<'_>, octets: &mut Vec<u8>) -> Result<(), BadName> {
    let first = characters.next().ok_or(BadName)?;
    if let (Some(high), Some(low)) =
        (first.to_digit(16), characters.peek().and_then(|next| next.to_digit(16)))
    {
        characters.next();
        octets.push(u8::try_from(high * 16 + low).map_err(|_| BadName)?);
        return Ok(());
    }
    if !" #=\"+,;<>\\".contains(first) {
        return Err(BadName);
    }
    octets.extend(first.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(())
}

/// As a domain controller prints a value: a backslash before special characters (the equals sign
/// among them), hexadecimal pairs for control characters.
fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (position, character) in value.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => text.extend(['\\', character]),
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            '\0'..='\x1f' => text.extend(control_escape(character)),
            other => text.push(other),
        }
    }
    text
}

/// A backslash and the two digits of a control character.
fn control_escape(character: char) -> [char; 3] {
    let code = u32::from(character);
    let digit = |number| char::from_digit(number, 16).unwrap_or('0').to_ascii_uppercase();
    ['\\', digit(code >> 4), digit(code & 0xf)]
}

/// What two strings that the directory takes for equal have in common: letter case, diacritics
/// and character width do not count (MS-ADTS 6.5: NORM_IGNORECASE, NORM_IGNORENONSPACE,
/// NORM_IGNOREWIDTH). The table covers Latin letters; other scripts differ by case alone here.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).filter_map(base_letter).collect()
}

fn base_letter(character: char) -> Option<char> {
    let base = match character {
        // Combining marks (NORM_IGNORENONSPACE).
        '\u{300}'..='\u{36f}' => return None,
        // Full-width forms (NORM_IGNOREWIDTH).
        '\u{ff01}'..='\u{ff5e}' => {
            return char::from_u32(u32::from(character) - 0xfee0).map(|c| c.to_ascii_lowercase());
        }
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    };
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        Rdn::parse(text).unwrap().value
    }

    #[test]
    fn every_escape_of_rfc_4514_is_read() {
        assert_eq!(value(r"CN=a\,b\+c\\d\22\3d"), "a,b+c\\d\"=");
        assert_eq!(value(r"cn=\ lead and trail\ "), " lead and trail ");
        assert_eq!(value(r"cn=\#hash"), "#hash");
        assert_eq!(value(r"cn=\20x\20"), " x ");
        assert_eq!(value(r"cn=\E2\9C\93"), "✓");
        assert_eq!(value("cn=  x  "), "x");
        assert_eq!(value("cn=\"a, b\""), "a, b");
        assert_eq!(value("cn=#04024869"), "Hi");
        assert_eq!(value("cn=a=b"), "a=b");
    }

    #[test]
    fn broken_names_are_refused() {
        for text in ["x", "cn=", "=a", "cn=a+ou=b", r"cn=a\", r"cn=\q", "cn=a,", r"cn=\ff", "c n=a"]
        {
            assert_eq!(Dn::parse(text), Err(BadName), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for name in [" a ", "#a", "a,b+c\"d\\e<f>g;h=i", "x\nDEL:y", "\u{200f}😀", "(*)", " ", "#"]
        {
            let rdn = Rdn::new("cn", name);
            assert_eq!(Rdn::parse(&rdn.text()), Ok(rdn.clone()), "{}", rdn.text());
        }
        assert_eq!(Rdn::new("cn", "x\nDEL:y").text(), r"CN=x\0ADEL:y");
        assert_eq!(Rdn::new("cn", "a=b").text(), r"CN=a\=b");
    }

    #[test]
    fn names_compare_without_case_and_diacritics() {
        assert_eq!(fold("JOSÉ Müller"), fold("jose muller"));
        assert_eq!(fold("Jose\u{301}"), fold("jose"));
        assert_eq!(fold("Ａbc"), fold("abc"));
        assert_ne!(fold("абв"), fold("abv"));
    }

    #[test]
    fn references_are_read_in_every_form() {
        let guid = Uuid::try_parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        for text in [
            "<GUID=01234567-89ab-cdef-0123-456789abcdef>",
            "<guid=67452301ab89efcd0123456789abcdef>",
            "<GUID=01234567-89ab-cdef-0123-456789abcdef>;<SID=S-1-5-32-544>;CN=x",
        ] {
            assert_eq!(Reference::parse(text), Ok(Reference::Guid(guid)), "{text}");
        }
        assert!(matches!(Reference::parse("<SID=S-1-5-32-544>"), Ok(Reference::Sid(_))));
        assert_eq!(Reference::parse("<GUID=x>"), Err(BadName));
        assert_eq!(Reference::parse("<WKGUID=x,y>"), Err(BadName));
    }
}
