//! Groups without a directory group: made, brought back, or left to a person.
//!
//! A group that was there before is never made anew while its object lives, and never without a
//! person's word once it is gone: the new one would have a new SID.

use super::Differ;
use crate::decide::buried::{self, Buried};
use crate::decide::content;
use crate::decide::guard::approve::in_force;
use crate::decide::naming::Named;
use crate::decide::wanted::Wanted;
use crate::defence::stands;
use crate::model::change::Kind;
use crate::model::directory::DirectPresence;
use crate::model::{FindingCode, Item, Memory, ObjectGuid, ObjectId};

/// The object that this process knows as the group's, alive or deleted.
fn remembered(memory: &Memory, id: ObjectId) -> Option<ObjectGuid> {
    memory.inventory.get(&id).or_else(|| memory.deleted.get(&id)).copied()
}

/// The object that was a group's before, where there is none now.
enum Former {
    /// There was none.
    None,
    /// It is there, without a mark.
    Living(ObjectGuid),
    /// It is nowhere.
    Gone(ObjectGuid),
    /// The directory refused to bring it back, with its reason.
    Refused(String),
    /// So many deleted ones carry its mark.
    Several(usize),
}

impl Differ<'_, '_> {
    /// Whether this pass makes or brings back the group's directory group.
    pub(super) fn comes_to_be(&self, group: &Wanted<'_>, named: &Named) -> bool {
        let id = group.cloud.id;
        let restored = matches!(buried::find(self.inputs, id), Buried::One(_));
        restored
            || match self.former(id) {
                Former::None => true,
                Former::Living(_) => false,
                Former::Gone(_) | Former::Refused(_) | Former::Several(_) => {
                    self.is_let(group, named)
                }
            }
    }

    /// Whether a person lets the group be made anew, in this place.
    fn is_let(&self, group: &Wanted<'_>, named: &Named) -> bool {
        let Some(place) = content::birthplace(self.inputs, group, named) else { return false };
        let object = group.cloud.id.anchor();
        let item = Item { object, kind: Kind::Create, value: place.dn().to_string() };
        in_force(self.inputs.memory, self.inputs.cloud.groups.begun())
            .any(|let_through| *let_through == item)
    }

    /// Makes the group, or brings it back, or tells why neither.
    pub(super) fn create(&mut self, group: &Wanted<'_>, named: &Named) {
        let id = group.cloud.id;
        let changes = match buried::find(self.inputs, id) {
            Buried::One(deleted) => {
                let restoration = content::restoration(self.inputs, group, named, deleted);
                return self.decision.plan.changes.extend(restoration);
            }
            Buried::Nothing | Buried::Several(_) | Buried::Refused(_) => {
                content::creation(self.inputs, group, named)
            }
        };
        let name = &group.cloud.display_name;
        let gone = "created anew it would have a new SID";
        let (code, message) = match self.former(id) {
            Former::None => return self.decision.plan.changes.extend(changes),
            Former::Gone(_) | Former::Refused(_) | Former::Several(_)
                if self.is_let(group, named) =>
            {
                return self.decision.plan.changes.extend(changes);
            }
            Former::Living(object) => (
                FindingCode::AnchorChanged,
                format!(
                    "the directory group of {name:?} ({object}) has lost its record and anchor; \
                     nothing of it is changed"
                ),
            ),
            Former::Gone(object) => {
                self.decision.plan.gone.extend(changes);
                let message = format!(
                    "the directory group of {name:?} ({object}) is nowhere in the domain and \
                     cannot be restored; {gone}"
                );
                (FindingCode::DirectoryGroupGone, message)
            }
            Former::Refused(reason) => {
                self.decision.plan.gone.extend(changes);
                let message = format!(
                    "the deleted directory group of {name:?} cannot be restored: {reason}; {gone}"
                );
                (FindingCode::DirectoryGroupGone, message)
            }
            Former::Several(count) => {
                self.decision.plan.gone.extend(changes);
                let message = format!(
                    "{count} deleted objects carry the mark of {name:?}: restore the right one by \
                     hand; {gone}"
                );
                (FindingCode::DirectoryGroupGone, message)
            }
        };
        self.decision.tell(&group.policy.name, id, code, message);
    }

    /// What stands in the way of making a group anew.
    fn former(&self, id: ObjectId) -> Former {
        let known = remembered(self.inputs.memory, id);
        match (known, buried::find(self.inputs, id)) {
            (_, Buried::Refused(reason)) => Former::Refused(reason.to_owned()),
            (None, Buried::Several(count)) => Former::Several(count),
            (None, Buried::Nothing | Buried::One(_)) => Former::None,
            (Some(_), _) if !stands("H30") => Former::None,
            (Some(object), _) => match self.inputs.directory.direct.get(&object) {
                Some(DirectPresence::There) => Former::Living(object),
                Some(DirectPresence::Absent | DirectPresence::Deleted) | None => {
                    Former::Gone(object)
                }
            },
        }
    }
}
