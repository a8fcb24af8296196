//! How an object of the directory differs from what it should be, one readable line each.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::directory::Object;
use crate::lab::leaf_of;

/// A group for people.
pub(super) fn told(object: &Object) -> String {
    format!("{:?} ({})", object.text("displayName").unwrap_or_default(), leaf_of(&object.dn))
}

/// Attributes that are not as they should be.
pub(super) fn attribute_lines(
    wanted: &BTreeMap<&'static str, BTreeSet<String>>,
    object: &Object,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, wanted) in wanted {
        let found: BTreeSet<String> = object.values(name).iter().cloned().collect();
        if found != *wanted {
            let object = told(object);
            lines.push(format!("{object}: {name} is {found:?}, should be {wanted:?}"));
        }
    }
    lines
}

/// Members that are missing or too many. An account whose primary group a group is counts as its member (MS-ADTS 3.1.1.1.8: it is no
/// value of `member`).
pub(super) fn member_lines(
    wanted: &BTreeSet<Uuid>,
    object: &Object,
    objects: &[Object],
    by_dn: &BTreeMap<String, &Object>,
) -> Vec<String> {
    let own = object.relative_identifier();
    let primary = objects.iter().filter(|one| own.is_some() && one.text("primaryGroupID") == own);
    let mut lines = Vec::new();
    let mut found: BTreeSet<Uuid> = primary.map(|account| account.guid).collect();
    for dn in object.values("member") {
        match by_dn.get(&dn.to_lowercase()) {
            Some(member) => {
                found.insert(member.guid);
            }
            None => lines.push(format!("{}: holds the stranger {dn}", told(object))),
        }
    }
    let name = |guid: &Uuid| {
        let member = objects.iter().find(|one| one.guid == *guid);
        member.map_or_else(|| guid.to_string(), |one| format!("{} {}", leaf_of(&one.dn), told(one)))
    };
    for guid in wanted.difference(&found) {
        lines.push(format!("{}: lacks the member {}", told(object), name(guid)));
    }
    for guid in found.difference(wanted) {
        lines.push(format!("{}: should not hold {}", told(object), name(guid)));
    }
    lines
}
