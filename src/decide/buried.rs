//! Which deleted object is a cloud group's directory group: it is brought back rather than made
//! anew, so that its SID lives.
//!
//! By the remembered objectGUID or by its marks, never by name.

use crate::decide::Inputs;
use crate::model::directory::DeletedGroup;
use crate::model::{ObjectId, OwnershipRecord};

/// What is known of a group's deleted object.
#[derive(Debug, Clone, Copy)]
pub enum Buried<'a> {
    /// Nothing: there is none, or the account may not see it.
    Nothing,
    /// This one.
    One(&'a DeletedGroup),
    /// Several carry its mark, and none of them is remembered.
    Several(usize),
}

/// Looks for the deleted object of a group.
pub fn find<'a>(inputs: &Inputs<'a>, id: ObjectId) -> Buried<'a> {
    let deleted = &inputs.directory.deleted;
    let memory = inputs.memory;
    let remembered = memory.inventory.get(&id).or_else(|| memory.deleted.get(&id));
    if let Some(remembered) = remembered {
        return deleted.get(remembered).map_or(Buried::Nothing, Buried::One);
    }
    let marked: Vec<_> = deleted.values().filter(|group| is_marked(inputs, group, id)).collect();
    match marked.as_slice() {
        [] => Buried::Nothing,
        [one] => Buried::One(one),
        several => Buried::Several(several.len()),
    }
}

/// Whether its marks name the cloud group and nobody else's. A record may be gone with the
/// deletion; one that is there has to be ours.
fn is_marked(inputs: &Inputs<'_>, group: &DeletedGroup, id: ObjectId) -> bool {
    let is_ours = |record: &OwnershipRecord| {
        record.owner == inputs.owner && record.tenant == inputs.cloud.tenant && record.id == id
    };
    let mut anchors = [&group.admin_description, &group.external_id].into_iter().flatten();
    let anchored = anchors.any(|text| ObjectId::from_anchor(text) == Some(id));
    let records = &group.records;
    let ours = records.iter().all(|value| value.record.as_ref().is_some_and(is_ours));
    ours && (anchored || !records.is_empty())
}
