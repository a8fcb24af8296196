//! Which deleted object is a cloud group's directory group: it is brought back rather than made
//! anew, so that its SID lives.
//!
//! By the remembered objectGUID or by its marks, never by name.

use crate::decide::Inputs;
use crate::defence::stands;
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
    /// The directory refused to bring it back, with its reason.
    Refused(&'a str),
}

/// Looks for the deleted object of a group.
pub fn find<'a>(inputs: &Inputs<'a>, id: ObjectId) -> Buried<'a> {
    if !stands("H39") {
        return Buried::Nothing;
    }
    let deleted = &inputs.directory.deleted;
    let memory = inputs.memory;
    if let Some(reason) = memory.unrestorable.get(&id) {
        return Buried::Refused(reason);
    }
    let remembered = memory.inventory.get(&id).or_else(|| memory.deleted.get(&id));
    if let Some(remembered) = remembered {
        let known = deleted.get(remembered).filter(|group| records(inputs, group, id).is_some());
        return known.map_or(Buried::Nothing, Buried::One);
    }
    let marked: Vec<_> = deleted.values().filter(|group| is_marked(inputs, group, id)).collect();
    match marked.as_slice() {
        [] => Buried::Nothing,
        [one] => Buried::One(one),
        several => Buried::Several(several.len()),
    }
}

/// How many records of ours for the cloud group it carries: none or one. `None`: somebody else's
/// is there, or several, and it is not ours to bring back.
fn records(inputs: &Inputs<'_>, group: &DeletedGroup, id: ObjectId) -> Option<usize> {
    let is_ours = |record: &OwnershipRecord| {
        record.owner == inputs.owner && record.tenant == inputs.cloud.tenant && record.id == id
    };
    let all = &group.records;
    let ours = all.iter().all(|value| value.record.as_ref().is_some_and(is_ours));
    (ours && all.len() <= 1).then_some(all.len())
}

/// Whether its marks say that it is ours. Deletion takes the record and `adminDescription` and
/// leaves the external id (MS-ADTS 3.1.1.5.5.6.1): what has kept `adminDescription` without a
/// record never had one, and is Entra Connect's or Cloud Sync's.
fn is_marked(inputs: &Inputs<'_>, group: &DeletedGroup, id: ObjectId) -> bool {
    match records(inputs, group, id) {
        None => false,
        Some(0) => {
            let anchor = group.external_id.as_deref().and_then(ObjectId::from_anchor);
            anchor == Some(id) && group.admin_description.is_none()
        }
        Some(_) => true,
    }
}
