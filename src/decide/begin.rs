//! Where memory begins: a state that is new, lost or an older copy does not know what was removed
//! lately, and must not act as if nothing had been.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::defence::stands;
use crate::model::window::WINDOW;
use crate::model::{Memory, ObjectId};

/// Closes the window for a day where the directory holds a group of ours that memory never had.
///
/// | memory | the directory | the window |
/// |---|---|---|
/// | new | holds no group of ours | is open |
/// | new | holds groups of ours | closes: the state was lost, or somebody else's is used |
/// | known | holds a group of ours that memory never had | closes: the state is an older copy |
/// | known | holds what memory knows, or less | stays as it was |
///
/// `owned`: the cloud groups that have a directory group with our record. A group whose creation
/// was not heard of again is no stranger, `Memory::strangers` names it; nor is one that this daemon
/// deleted and somebody brought back.
pub fn begin(owned: &BTreeSet<ObjectId>, memory: &mut Memory, begun: Timestamp) {
    let known =
        |id: &ObjectId| memory.inventory.contains_key(id) || memory.deleted.contains_key(id);
    let unknown = owned.iter().filter(|id| !known(id));
    let strangers: BTreeSet<ObjectId> = unknown.copied().collect();
    if !strangers.is_subset(&memory.strangers) && stands("H61") {
        memory.closed_until = begun.checked_add(WINDOW).ok();
    }
    memory.strangers = strangers;
}
