//! The values of an object's attributes, stored and computed.
//!
//! Input: an object and an attribute of the schema. Output: octets as they go over the wire.
//! Links are named elsewhere, because their text depends on the controls of a request.

use std::borrow::Cow;

use uuid::Uuid;

use super::super::identity;
use super::super::schema::{Attribute, Origin};
use super::{Object, Tree};

/// Seconds since 1970 at which the simulated clock starts: 2026-01-01. The clock moves one
/// second with every update sequence number, so two runs give the same times.
const EPOCH_SECONDS: u64 = 1_767_225_600;

fn owned(text: impl Into<String>) -> Vec<Cow<'static, [u8]>> {
    vec![Cow::Owned(text.into().into_bytes())]
}

/// Generalized time as Active Directory prints it.
pub(in super::super) fn time(usn: u64) -> String {
    timestamp(usn).strftime("%Y%m%d%H%M%S.0Z").to_string()
}

/// The same in the form of XML Schema.
pub(super) fn moment(usn: u64) -> String {
    timestamp(usn).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn timestamp(usn: u64) -> jiff::Timestamp {
    let seconds = i64::try_from(EPOCH_SECONDS + usn).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX)
}

/// The server derives it from the class and groupType (MS-SAMR 3.1.1.8.1; flags in 2.2.1.9).
fn account_type(object: &Object) -> Option<u32> {
    match object.class.name {
        "user" => Some(0x3000_0000),
        "computer" => Some(0x3000_0001),
        "group" => {
            let kind = object.number("groupType")?;
            let local = if kind & 0x4 == 0 { 0x1000_0000 } else { 0x2000_0000 };
            let security = kind & 0x8000_0000 != 0;
            Some(local | u32::from(!security))
        }
        _ => None,
    }
}

impl Tree {
    /// Values of an attribute that is no link and not constructed.
    pub(in super::super) fn stored<'a>(
        &self,
        object: &'a Object,
        attribute: &Attribute,
    ) -> Vec<Cow<'a, [u8]>> {
        let kept = || {
            let values = object.attributes.get(attribute.name).into_iter().flatten();
            values.map(|value| Cow::Borrowed(value.as_slice())).collect()
        };
        // Most attributes of most objects have no value: those are to cost nothing.
        if attribute.origin == Origin::Stored {
            return kept();
        }
        match attribute.name {
            "cn" | "ou" | "dc" if !object.rdn.attribute.eq_ignore_ascii_case(attribute.name) => {
                Vec::new()
            }
            "cn" | "ou" | "dc" | "name" => vec![Cow::Borrowed(object.rdn.value.as_bytes())],
            "distinguishedName" => owned(self.name(object.guid)),
            "objectGUID" => vec![Cow::Owned(object.guid.to_bytes_le().to_vec())],
            "objectSid" => object.sid.iter().map(|sid| Cow::Borrowed(sid.as_slice())).collect(),
            "uSNCreated" => owned(object.created.to_string()),
            "uSNChanged" => owned(object.changed.to_string()),
            "whenCreated" => owned(time(object.created)),
            "whenChanged" => owned(time(object.changed)),
            "instanceType" => owned(if object.parent.is_some() { "4" } else { "5" }),
            // So does the container itself (MS-ADTS 6.1.1.4.2).
            "isDeleted" if object.deleted || object.guid == self.deleted_objects => owned("TRUE"),
            "isDeleted" => Vec::new(),
            "objectClass" => {
                object.class.chain.iter().map(|name| Cow::Borrowed(name.as_bytes())).collect()
            }
            // A tombstone keeps neither (MS-ADTS 3.1.1.5.5.6.1).
            "objectCategory" | "sAMAccountType" if object.is_stripped() => Vec::new(),
            "objectCategory" => owned(self.category_name(object.class.category)),
            "sAMAccountType" => {
                account_type(object).map(|n| owned(n.to_string())).unwrap_or_default()
            }
            // A reference, so it follows the parent (MS-ADTS 3.1.1.1.6); it outlives a restore.
            "lastKnownParent" => {
                let parent = object.last_parent.filter(|parent| self.object(*parent).is_some());
                parent.map(|parent| owned(self.name(parent))).unwrap_or_default()
            }
            _ => kept(),
        }
    }

    /// The name of a class in the schema container.
    pub(in super::super) fn category_name(&self, category: &str) -> String {
        format!("CN={category},CN=Schema,CN=Configuration,{}", self.base.text())
    }

    /// An object as a link value or an entry name; with the extended DN control in one of its
    /// two forms (MS-ADTS 3.1.1.3.4.1.5).
    pub(in super::super) fn reference(&self, guid: Uuid, extended: Option<Extended>) -> String {
        let name = self.name(guid);
        let Some(form) = extended else { return name };
        let sid = self.object(guid).and_then(|object| object.sid.as_deref());
        let (guid, sid) = match form {
            Extended::Hexadecimal => {
                (identity::hexadecimal(&guid.to_bytes_le()), sid.map(identity::hexadecimal))
            }
            Extended::Text => (guid.to_string(), sid.and_then(identity::sid_text)),
        };
        match sid {
            Some(sid) => format!("<GUID={guid}>;<SID={sid}>;{name}"),
            None => format!("<GUID={guid}>;{name}"),
        }
    }
}

/// The two forms of the extended DN control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Extended {
    /// Flag 0, and the control without a value.
    Hexadecimal,
    /// Flag 1: dashed GUID and `S-1-…`.
    Text,
}
