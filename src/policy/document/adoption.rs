//! `spec.adoption`: directory groups that cloud groups take up as they stand.
//!
//! Input: the list. Output: its entries, each with its place. That two policies adopt the same is
//! told by `policy::judge`, which sees all files.

use std::collections::BTreeMap;

use crate::model::policy::Adoption;
use crate::policy::words::{self, Context};
use crate::yaml::{Fields, Refusal, Value};

/// Reads the list.
pub(super) fn read(spec: &mut Fields<'_>, context: &Context<'_>) -> Vec<Adoption> {
    let mut groups = BTreeMap::new();
    let mut objects = BTreeMap::new();
    let list = spec.list("adoption", |entry| {
        entry.fields(|fields| {
            let group = once(fields.needed("group"), &mut groups, words::object_id);
            let object = once(fields.needed("object"), &mut objects, words::object_guid);
            let incumbent_off = fields.or("incumbentOff", false);
            let place = context.place(entry.spot());
            Some(Adoption { place, group: group?, object: object?, incumbent_off })
        })
    });
    list.unwrap_or_default()
}

/// An id that no entry before this one has; `seen` keeps the lines.
fn once<T: Ord + Copy>(
    value: Option<Value<'_>>,
    seen: &mut BTreeMap<T, usize>,
    parse: impl FnOnce(&str) -> Result<T, Refusal>,
) -> Option<T> {
    let value = value?;
    let id = value.text_as(parse)?;
    if let Some(line) = seen.insert(id, value.spot().line) {
        value.refuse(
            format!("is given twice, first on line {line}"),
            "one directory group for one cloud group: remove one of the two",
        );
        return None;
    }
    Some(id)
}
