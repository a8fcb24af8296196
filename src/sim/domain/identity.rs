//! Security identifiers and object GUIDs as a domain controller reads and writes them.
//!
//! Input: text of `<GUID=…>`, `<SID=…>` and options. Output: octets of `objectGUID` and
//! `objectSid`. Written apart from the product's own code so that a mistake cannot agree with
//! itself.

use uuid::Uuid;

/// Octets of `S-1-…` (MS-DTYP 2.4.2): revision, count, authority big-endian, sub-authorities
/// little-endian. `None` for any other text.
pub(super) fn sid_octets(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('-');
    let prefix = parts.next()?;
    if !prefix.eq_ignore_ascii_case("s") || parts.next()? != "1" {
        return None;
    }
    let authority: u64 = parts.next()?.parse().ok()?;
    let subordinates: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    // MS-DTYP 2.4.2.2: at most 15 sub-authorities.
    if subordinates.len() > 15 || authority >= 1 << 48 {
        return None;
    }
    let mut octets = vec![1, u8::try_from(subordinates.len()).ok()?];
    octets.extend(authority.to_be_bytes().into_iter().skip(2));
    for subordinate in subordinates {
        octets.extend(subordinate.to_le_bytes());
    }
    Some(octets)
}

/// Text of an `objectSid` value; `None` when the octets are no SID.
pub(super) fn sid_text(octets: &[u8]) -> Option<String> {
    let (head, tail) = octets.split_at_checked(8)?;
    let count = usize::from(*head.get(1)?);
    if head.first() != Some(&1) || tail.len() != 4 * count {
        return None;
    }
    let authority = head.iter().skip(2).fold(0_u64, |sum, &octet| (sum << 8) | u64::from(octet));
    let mut text = format!("S-1-{authority}");
    for chunk in tail.chunks_exact(4) {
        let subordinate = u32::from_le_bytes(chunk.try_into().ok()?);
        text.push('-');
        text.push_str(&subordinate.to_string());
    }
    Some(text)
}

/// The last sub-authority: the relative identifier of a principal in its domain.
pub(super) fn relative_identifier(octets: &[u8]) -> Option<u32> {
    octets.last_chunk::<4>().map(|tail| u32::from_le_bytes(*tail))
}

/// Lower-case hexadecimal digits.
pub(super) fn hexadecimal(octets: &[u8]) -> String {
    escaped_octets("", octets)
}

/// The same with a prefix before each octet, as filters (`\xx`) want it.
pub(super) fn escaped_octets(prefix: &str, octets: &[u8]) -> String {
    let parts: Vec<String> = octets.iter().map(|octet| format!("{prefix}{octet:02x}")).collect();
    parts.concat()
}

/// Octets of hexadecimal digits; `None` on an odd count or another character.
pub(super) fn octets_of(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// The GUID in `<GUID=…>`: dashed text, or the 16 octets in the directory's own little-endian
/// order as 32 digits (MS-ADTS 3.1.1.3.1.2.4).
pub(super) fn guid_of(text: &str) -> Option<Uuid> {
    if text.contains('-') {
        return Uuid::try_parse(text).ok();
    }
    let octets: [u8; 16] = octets_of(text)?.try_into().ok()?;
    Some(Uuid::from_bytes_le(octets))
}

/// The SID in `<SID=…>`: `S-1-…` or hexadecimal digits (MS-ADTS 3.1.1.3.1.2.4).
pub(super) fn sid_of(text: &str) -> Option<Vec<u8>> {
    let octets = sid_octets(text).or_else(|| octets_of(text))?;
    sid_text(&octets).is_some().then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_sid_has_the_documented_octets() {
        let octets = sid_octets("S-1-5-21-1-2-3-1104").unwrap();
        assert_eq!(
            hexadecimal(&octets),
            "010500000000000515000000010000000200000003000000\
            50040000"
                .replace(' ', "")
        );
        assert_eq!(sid_text(&octets).as_deref(), Some("S-1-5-21-1-2-3-1104"));
        assert_eq!(relative_identifier(&octets), Some(1104));
    }

    #[test]
    fn digits_of_a_guid_are_in_directory_order() {
        let dashed = guid_of("01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(dashed, guid_of("67452301ab89efcd0123456789abcdef"));
        assert!(dashed.is_some());
        assert_eq!(guid_of("67452301"), None);
    }

    #[test]
    fn what_is_no_sid_is_refused() {
        assert_eq!(sid_octets("S-1"), None);
        assert_eq!(sid_octets("S-1-5-x"), None);
        assert_eq!(sid_of("0102"), None);
    }
}
