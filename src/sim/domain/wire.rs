//! Octets to requests and answers to octets.
//!
//! Input: the decrypted stream of a connection. Output: requests with their controls. Searches
//! are read here, octet-true; every other operation by `ldap3_proto`, which also writes all
//! answers. Controls are read here for all of them, so that a value that library does not expect
//! cannot end the connection.

use std::io;

use ldap3_proto::{LdapCodec, LdapMsg, proto::LdapOp};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::ber::{
    self, BOOLEAN, ENUMERATED, Element, Frame, INTEGER, OCTET_STRING, Reader, SEQUENCE,
};
use super::filter::Filter;
use super::search::{Scope, SearchRequest};

/// MaxReceiveBuffer: a longer request ends the connection (KB315071).
const REQUEST_LIMIT_BYTES: usize = 10_485_760;

/// Limit of the library's decoder, above the one that counts.
const CODEC_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// [APPLICATION 3] SearchRequest.
const SEARCH_REQUEST: u8 = 0x63;

/// A control as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: Option<Vec<u8>>,
}

/// What a message asks for.
#[derive(Debug)]
pub(super) enum Body {
    Search(SearchRequest),
    /// A search whose filter or selection is malformed; the connection goes on.
    BadSearch,
    Other(LdapOp),
}

/// A message.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: i32,
    pub(super) body: Body,
    pub(super) controls: Vec<Control>,
}

/// The codec of a connection.
pub(super) struct Wire {
    library: LdapCodec,
}

impl Default for Wire {
    fn default() -> Self {
        Self { library: LdapCodec::new(Some(CODEC_LIMIT_BYTES), None) }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the message is not LDAP")
}

fn text(content: &[u8]) -> Option<String> {
    std::str::from_utf8(content).ok().map(str::to_owned)
}

/// SearchRequest of RFC 4511 4.5.1.
fn search(content: &[u8]) -> Option<SearchRequest> {
    let mut parts = Reader::new(content);
    let base = text(parts.expect(OCTET_STRING)?)?;
    let scope = match ber::integer(parts.expect(ENUMERATED)?)? {
        0 => Scope::Base,
        1 => Scope::OneLevel,
        2 => Scope::Subtree,
        _ => return None,
    };
    parts.expect(ENUMERATED)?;
    let size_limit = usize::try_from(ber::integer(parts.expect(INTEGER)?)?).ok()?;
    parts.expect(INTEGER)?;
    let types_only = parts.expect(BOOLEAN)?.first().is_some_and(|&octet| octet != 0);
    let filter = Filter::decode(parts.next()?)?;
    let mut names = Reader::new(parts.expect(SEQUENCE)?);
    let mut attributes = Vec::new();
    while !names.is_empty() {
        attributes.push(text(names.expect(OCTET_STRING)?)?);
    }
    Some(SearchRequest { base, scope, size_limit, types_only, filter, attributes })
}

/// Controls of RFC 4511 4.1.11.
fn controls(content: &[u8]) -> Option<Vec<Control>> {
    let mut all = Reader::new(content);
    let mut found = Vec::new();
    while !all.is_empty() {
        let mut parts = Reader::new(all.expect(SEQUENCE)?);
        let oid = text(parts.expect(OCTET_STRING)?)?;
        let critical = parts.optional(BOOLEAN).and_then(|octets| octets.first().copied());
        let value = parts.optional(OCTET_STRING).map(<[u8]>::to_vec);
        found.push(Control { oid, critical: critical.is_some_and(|octet| octet != 0), value });
    }
    Some(found)
}

impl Wire {
    fn request(&mut self, message: &[u8]) -> io::Result<Request> {
        let mut outer = Reader::new(message);
        let mut parts = Reader::new(outer.expect(SEQUENCE).ok_or_else(malformed)?);
        let number: Element<'_> = parts.next().ok_or_else(malformed)?;
        let id = ber::integer(number.content).and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(malformed)?;
        let operation = parts.next().ok_or_else(malformed)?;
        let controls = match parts.optional(0xa0) {
            Some(content) => controls(content).ok_or_else(malformed)?,
            None => Vec::new(),
        };
        if operation.tag == SEARCH_REQUEST {
            let body = search(operation.content).map_or(Body::BadSearch, Body::Search);
            return Ok(Request { id, body, controls });
        }
        let bare = ber::constructed(SEQUENCE, &[number.whole, operation.whole]);
        let message = self.library.decode(&mut BytesMut::from(bare.as_slice()))?;
        let message = message.ok_or_else(malformed)?;
        Ok(Request { id, body: Body::Other(message.op), controls })
    }
}

impl Decoder for Wire {
    type Item = Request;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Request>> {
        let length = match ber::frame(buffer) {
            Frame::Incomplete => return Ok(None),
            Frame::Malformed => return Err(malformed()),
            Frame::Complete(length) => length,
        };
        if length > REQUEST_LIMIT_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
        }
        if buffer.len() < length {
            buffer.reserve(length - buffer.len());
            return Ok(None);
        }
        let message = buffer.split_to(length);
        self.request(&message).map(Some)
    }
}

impl Encoder<LdapMsg> for Wire {
    type Error = io::Error;

    fn encode(&mut self, message: LdapMsg, buffer: &mut BytesMut) -> io::Result<()> {
        self.library.encode(message, buffer)
    }
}
