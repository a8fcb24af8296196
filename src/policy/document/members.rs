//! `spec.members`: who is in a written group.
//!
//! Input: its fields. Output: `MemberRules`, and a warning about what changes nothing.

use std::collections::BTreeMap;

use crate::model::distinguished_name::DnKey;
use crate::model::policy::{Devices, Keep, KeepReference, MemberMode, MemberRules, Nested};
use crate::model::{ObjectGuid, Sid};
use crate::policy::words::{self, Context};
use crate::yaml::{Fields, Value};

use super::{Around, choice};

/// Reads the section.
pub(super) fn read(
    fields: &mut Fields<'_>,
    around: Around,
    context: &mut Context<'_>,
) -> MemberRules {
    let default = MemberRules::default();
    let mode = choice(fields, "mode", MemberMode::Mirror);
    let nested = choice(fields, "nested", Nested::Keep);
    let devices = choice(fields, "devices", Devices::Include);
    let keep = fields.value("keep").map(|value| read_keep(&value, context)).unwrap_or_default();
    let most = u64::try_from(MemberRules::MAXIMUM).unwrap_or(u64::MAX);
    let maximum = fields.value("maximum").and_then(|value| value.whole(&(1..=most)));
    let maximum = maximum.and_then(|maximum| usize::try_from(maximum).ok());
    if let Some(spot) = fields.key_spot("keep").filter(|_| !keep.is_empty()) {
        let never = match (mode, around.mode_that_only_adds()) {
            (_, Some(mode)) => Some(format!("`spec.mode` {mode}")),
            (MemberMode::AddOnly, None) => Some("`spec.members.mode` AddOnly".to_owned()),
            (MemberMode::Mirror, None) => None,
        };
        if let Some(never) = never {
            let message =
                format!("`spec.members.keep` changes nothing: {never} takes no member out");
            context.warn(spot, message, "leave the field out");
        }
    }
    MemberRules {
        mode,
        nested,
        devices,
        keep,
        maximum_microsoft_365: maximum.unwrap_or(default.maximum_microsoft_365),
        maximum_security: maximum.unwrap_or(default.maximum_security),
    }
}

/// What makes two entries of one form the same.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Sid(Sid),
    Guid(ObjectGuid),
    Dn(DnKey),
}

fn read_keep(value: &Value<'_>, context: &Context<'_>) -> Vec<Keep> {
    let mut seen = BTreeMap::new();
    let keep = value.items(|item| {
        let object = item.text_as(words::kept)?;
        let identity = match &object {
            KeepReference::Sid(sid) => Identity::Sid(sid.clone()),
            KeepReference::Guid(guid) => Identity::Guid(*guid),
            KeepReference::Dn(dn) => Identity::Dn(dn.key()),
        };
        if let Some(line) = seen.insert(identity, item.spot().line) {
            item.refuse(format!("is given twice, first on line {line}"), "keep one of the two");
        }
        Some(Keep { place: context.place(item.spot()), object })
    });
    keep.unwrap_or_default()
}
