//! Keys of memory as text and back: what stands left of each row.
//!
//! Used by `image`. Nothing but the text that was written reads back: a key in another spelling
//! could name a row a second time.

use crate::model::{AttributeName, Digest, Item, ObjectGuid, ObjectId, PolicyName};

/// Stands between the two halves of a pair; no id holds one, and no attribute name that is asked
/// for.
const BETWEEN: char = ' ';

/// A key of one of memory's tables.
pub(super) trait Key: Ord + Sized {
    /// As text; two different keys never have the same.
    fn text(&self) -> String;

    /// From the text; `None` for any text that is not one of [`Key::text`].
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).filter(|key| key.text() == text)
    }

    /// From text in any spelling that names a key.
    fn parse(text: &str) -> Option<Self>;
}

impl Key for ObjectId {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Key for ObjectGuid {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Key for PolicyName {
    fn text(&self) -> String {
        self.as_str().to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Key for Digest {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Key for (ObjectGuid, AttributeName) {
    fn text(&self) -> String {
        format!("{}{BETWEEN}{}", self.0, self.1)
    }

    fn parse(text: &str) -> Option<Self> {
        let (object, attribute) = text.split_once(BETWEEN)?;
        Some((ObjectGuid::parse(object)?, spot(attribute)?))
    }
}

/// The part of an object that is kept about: an attribute, or one member, as `decide::contest`
/// names it.
fn spot(text: &str) -> Option<AttributeName> {
    let Some(member) = text.strip_prefix("member ") else { return AttributeName::parse(text) };
    ObjectGuid::read(member).map(|_| AttributeName::told(text))
}

impl Key for (ObjectGuid, ObjectGuid) {
    fn text(&self) -> String {
        format!("{}{BETWEEN}{}", self.0, self.1)
    }

    fn parse(text: &str) -> Option<Self> {
        let (group, member) = text.split_once(BETWEEN)?;
        Some((ObjectGuid::parse(group)?, ObjectGuid::parse(member)?))
    }
}

/// An item has free text in it: as JSON, its ends are plain.
impl Key for Item {
    fn text(&self) -> String {
        super::image::json(self)
    }

    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
