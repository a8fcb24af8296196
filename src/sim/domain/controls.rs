//! Controls that this domain controller honours (MS-ADTS 3.1.1.3.4.1).
//!
//! Input: the controls of a message. Output: what they ask for, or 12 for a critical one that is
//! not honoured. The rootDSE lists what a real DC lists; of that list VLV, sort, DirSync,
//! notifications and a few others are not built here and answer 12 when critical.

use super::ber::{self, INTEGER, OCTET_STRING, Reader, SEQUENCE};
use super::refusal::Refusal;
use super::search::{Deletion, View};
use super::tree::Extended;
use super::wire::Control;
use super::write::Manner;

const PAGED: &str = "1.2.840.113556.1.4.319";
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
const PERMISSIVE: &str = "1.2.840.113556.1.4.1413";

/// Controls that change nothing here: security descriptor flags, lazy commit, tree delete,
/// verify name, domain scope, search options, show deactivated links.
const HARMLESS: [&str; 7] = [
    "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.619",
    "1.2.840.113556.1.4.805",
    "1.2.840.113556.1.4.1338",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.2065",
];

/// What two published rootDSE listings of DCs at functional level 7 have in common.
pub(super) const SUPPORTED: [&str; 34] = [
    "1.2.840.113556.1.4.319",
    "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.473",
    "1.2.840.113556.1.4.528",
    "1.2.840.113556.1.4.417",
    "1.2.840.113556.1.4.619",
    "1.2.840.113556.1.4.841",
    "1.2.840.113556.1.4.529",
    "1.2.840.113556.1.4.805",
    "1.2.840.113556.1.4.521",
    "1.2.840.113556.1.4.970",
    "1.2.840.113556.1.4.1338",
    "1.2.840.113556.1.4.474",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.1413",
    "2.16.840.1.113730.3.4.9",
    "2.16.840.1.113730.3.4.10",
    "1.2.840.113556.1.4.1504",
    "1.2.840.113556.1.4.1852",
    "1.2.840.113556.1.4.802",
    "1.2.840.113556.1.4.1907",
    "1.2.840.113556.1.4.1948",
    "1.2.840.113556.1.4.1974",
    "1.2.840.113556.1.4.1341",
    "1.2.840.113556.1.4.2026",
    "1.2.840.113556.1.4.2064",
    "1.2.840.113556.1.4.2065",
    "1.2.840.113556.1.4.2066",
    "1.2.840.113556.1.4.2090",
    "1.2.840.113556.1.4.2205",
    "1.2.840.113556.1.4.2204",
    "1.2.840.113556.1.4.2206",
    "1.2.840.113556.1.4.2211",
];

/// A page asked for (RFC 2696).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) size: usize,
    pub(super) cookie: Vec<u8>,
}

/// What the controls of a message ask for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) view: View,
    pub(super) page: Option<Page>,
    pub(super) manner: Manner,
}

fn page(value: &[u8]) -> Option<Page> {
    let mut outer = Reader::new(value);
    let mut parts = Reader::new(outer.expect(SEQUENCE)?);
    let size = usize::try_from(ber::integer(parts.expect(INTEGER)?)?).ok()?;
    let cookie = parts.expect(OCTET_STRING)?.to_vec();
    Some(Page { size, cookie })
}

/// Without a value the control means flag 0.
fn extended(value: Option<&[u8]>) -> Option<Extended> {
    let Some(value) = value else { return Some(Extended::Hexadecimal) };
    let mut outer = Reader::new(value);
    let mut parts = Reader::new(outer.expect(SEQUENCE)?);
    match ber::integer(parts.expect(INTEGER)?)? {
        0 => Some(Extended::Hexadecimal),
        1 => Some(Extended::Text),
        _ => None,
    }
}

impl Asked {
    /// Reads the controls of one message.
    pub(super) fn read(controls: &[Control]) -> Result<Self, Refusal> {
        let mut asked = Self { view: View::default(), page: None, manner: Manner::Strict };
        for control in controls {
            let value = control.value.as_deref();
            match control.oid.as_str() {
                PAGED => {
                    let read = page(value.unwrap_or_default());
                    asked.page = Some(read.ok_or_else(Refusal::protocol)?);
                }
                EXTENDED_DN => {
                    asked.view.extended = Some(extended(value).ok_or_else(Refusal::protocol)?);
                }
                SHOW_DELETED => asked.view.deletion = asked.view.deletion.max(Deletion::Deleted),
                SHOW_RECYCLED => asked.view.deletion = Deletion::Recycled,
                PERMISSIVE => asked.manner = Manner::Permissive,
                oid if HARMLESS.contains(&oid) => {}
                _ if control.critical => return Err(Refusal::critical_extension()),
                _ => {}
            }
        }
        Ok(asked)
    }
}
