//! A light reader of BER (X.690), just enough for an LDAP message.
//!
//! It exists because `ldap3_proto` keeps assertion values of filters as `String`: a filter such
//! as `(objectGUID=\67\45\23…)`, whose bytes are no UTF-8, is lost there and takes the connection
//! with it. Input: the bytes of one message. Output: tags and contents, nothing interpreted.

/// One tag-length-value triple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Class, form and number in one octet: LDAP needs no tag number above 30 (RFC 4511 5.1).
    pub(super) tag: u8,
    /// The content octets.
    pub(super) content: &'a [u8],
    /// Header and content, for passing an element on unread.
    pub(super) whole: &'a [u8],
}

/// Walks the elements of a constructed value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// What is known of the first message in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// More octets are needed.
    Incomplete,
    /// These octets can never become a message.
    Malformed,
    /// The message takes this many octets, header included.
    Complete(usize),
}

/// SEQUENCE, constructed.
pub(super) const SEQUENCE: u8 = 0x30;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// BOOLEAN.
pub(super) const BOOLEAN: u8 = 0x01;
/// ENUMERATED.
pub(super) const ENUMERATED: u8 = 0x0a;

/// Length of a header and of the content behind it; `None` while octets are missing.
fn header(bytes: &[u8]) -> Option<Result<(usize, usize), ()>> {
    let length = usize::from(*bytes.get(1)?);
    if length < 0x80 {
        return Some(Ok((2, length)));
    }
    let octets = length & 0x7f;
    // RFC 4511 5.1 forbids the indefinite form; four octets already cover 4 GiB.
    if octets == 0 || octets > 4 {
        return Some(Err(()));
    }
    let tail = bytes.get(2..2 + octets)?;
    let length = tail.iter().fold(0_usize, |sum, &octet| (sum << 8) | usize::from(octet));
    Some(Ok((2 + octets, length)))
}

/// How much of `buffer` the first message takes.
pub(super) fn frame(buffer: &[u8]) -> Frame {
    match buffer.first() {
        None => return Frame::Incomplete,
        Some(&SEQUENCE) => {}
        Some(_) => return Frame::Malformed,
    }
    match header(buffer) {
        None => Frame::Incomplete,
        Some(Err(())) => Frame::Malformed,
        Some(Ok((head, content))) => Frame::Complete(head + content),
    }
}

/// The two's complement number in `content`, at most eight octets.
pub(super) fn integer(content: &[u8]) -> Option<i64> {
    let first = *content.first()?;
    if content.len() > 8 {
        return None;
    }
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Some(content.iter().fold(start, |sum, &octet| (sum << 8) | i64::from(octet)))
}

/// A constructed element with the given parts, each already encoded.
pub(super) fn constructed(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    let octets = length.to_be_bytes();
    if length < 0x80 {
        bytes.extend(octets.last());
    } else {
        let significant: Vec<u8> = octets.into_iter().skip_while(|&octet| octet == 0).collect();
        let count = u8::try_from(significant.len()).expect("a length has at most eight octets");
        bytes.push(0x80 | count);
        bytes.extend(significant);
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

impl<'a> Reader<'a> {
    /// Reads the elements in `content`.
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }

    /// The next element, whatever its tag; `None` at the end and on a broken element.
    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let tag = *self.rest.first()?;
        let (head, length) = header(self.rest)?.ok()?;
        let (whole, rest) = self.rest.split_at_checked(head + length)?;
        self.rest = rest;
        Some(Element { tag, content: whole.get(head..)?, whole })
    }

    /// The content of the next element, which has to carry `tag`.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let element = self.next()?;
        (element.tag == tag).then_some(element.content)
    }

    /// The content of the next element if it carries `tag`; otherwise nothing is consumed.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let content = ahead.expect(tag)?;
        *self = ahead;
        Some(content)
    }

    /// Whether every octet was read.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_incomplete_until_its_last_octet() {
        let message = constructed(SEQUENCE, &[&[0_u8; 300]]);
        assert_eq!(frame(&message), Frame::Complete(304));
        assert_eq!(frame(&[0x30, 0x82, 0x01]), Frame::Incomplete);
        assert_eq!(frame(&[0x42, 0x00]), Frame::Malformed);
    }

    #[test]
    fn negative_integers_keep_their_sign() {
        assert_eq!(integer(&[0x80, 0, 0, 0x08]), Some(-2_147_483_640));
        assert_eq!(integer(&[0x00, 0xff]), Some(255));
        assert_eq!(integer(&[]), None);
    }
}
