//! Where memory begins: a state that is new, lost or an older copy does not know what was removed
//! lately, and must not act as if nothing had been.

use std::collections::BTreeSet;
use std::num::NonZero;

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
///
/// Answers with the number of those groups where it closes and nothing at all is remembered: then
/// nobody has told it yet, while a state that was found lost or older was told when it was opened.
pub fn begin(
    owned: &BTreeSet<ObjectId>,
    memory: &mut Memory,
    begun: Timestamp,
) -> Option<NonZero<usize>> {
    let is_new = memory.passes == 0
        && memory.inventory.is_empty()
        && memory.deleted.is_empty()
        && memory.strangers.is_empty();
    let known =
        |id: &ObjectId| memory.inventory.contains_key(id) || memory.deleted.contains_key(id);
    let unknown = owned.iter().filter(|id| !known(id));
    let strangers: BTreeSet<ObjectId> = unknown.copied().collect();
    let closes = !strangers.is_subset(&memory.strangers) && stands("H61");
    if closes {
        memory.closed_until = begun.checked_add(WINDOW).ok();
    }
    memory.strangers = strangers;
    NonZero::new(memory.strangers.len()).filter(|_| closes && is_new)
}
