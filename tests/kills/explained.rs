//! What a directory without a log tells of its writes: how often each attribute was written, against
//! what the journal announced.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use writeback::journal::entry::{Content, IntentEntry};

use crate::ground::Ground;
use crate::lab::Entry;

/// attributeIDs as the directory stores them (MS-ADTS 3.1.1.2.6, the default prefix table).
const DESCRIPTION: u32 = 0x0000_000d;
const DISPLAY_NAME: u32 = 0x0002_000d;
const NAME: u32 = 0x0009_0001;

/// Holds that everything that stands in a group of the lab was announced, and as often as it was
/// written. The simulated domain has a log, which says more.
#[track_caller]
pub(crate) fn by_metadata(ground: &Ground, intents: &BTreeMap<u64, IntentEntry>) {
    let Some(lab) = ground.lab() else { return };
    let container = &ground.policy.container;
    let wanted = ["*", "replPropertyMetaData"];
    let entries = lab.search(container, "sub", "(objectClass=group)", &wanted);
    let groups = entries.iter().map(|entry| (entry.dn.clone(), entry.guid()));
    let accounts = ground.accounts.iter().map(|(guid, dn)| (dn.clone(), *guid));
    let guids: BTreeMap<String, Uuid> = groups.chain(accounts).collect();
    for entry in &entries {
        let anchor = entry.text("adminDescription").unwrap();
        let id = anchor.strip_prefix("Group_").unwrap();
        let its = intents.values().filter(|intent| intent.group.to_string() == id);
        explains(entry, &its.collect::<Vec<_>>(), &guids);
    }
}

fn explains(entry: &Entry, its: &[&IntentEntry], guids: &BTreeMap<String, Uuid>) {
    // An Add writes an attribute once; a modify that takes the old value out and puts the new one
    // in counts as two writes of it, a rename as one of the name.
    let sum = |name: &str| -> usize {
        let of = |intent: &&IntentEntry| match &intent.content {
            Content::Created(values) => usize::from(values.iter().any(|(own, _)| *own == *name)),
            Content::Changed(changes) | Content::Restored(changes) => {
                2 * changes.iter().filter(|change| change.name == *name).count()
            }
            Content::MembersAdded(_)
            | Content::MembersRemoved(_)
            | Content::Moved { .. }
            | Content::Deleted(_) => 0,
        };
        its.iter().map(of).sum()
    };
    let named = its
        .iter()
        .filter(|it| matches!(it.content, Content::Created(_) | Content::Moved { .. }))
        .count();
    let versions = versions(&entry.attributes["replPropertyMetaData"][0]);
    for (attribute, announced) in
        [(DISPLAY_NAME, sum("displayName")), (DESCRIPTION, sum("description")), (NAME, named)]
    {
        let written = versions.get(&attribute).copied().unwrap_or(0);
        assert!(
            usize::try_from(written).unwrap() <= announced,
            "{}: attribute {attribute:#x} was written {written} times, announced {announced}",
            entry.dn
        );
    }
    let announced: BTreeSet<String> = its
        .iter()
        .filter_map(|intent| match &intent.content {
            Content::MembersAdded(members) => Some(members),
            Content::Created(_)
            | Content::Changed(_)
            | Content::Restored(_)
            | Content::MembersRemoved(_)
            | Content::Moved { .. }
            | Content::Deleted(_) => None,
        })
        .flatten()
        .map(ToString::to_string)
        .collect();
    for member in entry.texts().get("member").into_iter().flatten() {
        assert!(announced.contains(&guids[member].to_string()), "{}: {member}", entry.dn);
    }
}

/// How often each attribute was written (MS-DRSR 5.164 PROPERTY_META_DATA_VECTOR as stored: a
/// head of 16 octets with the count in its third word, then 48 octets for each attribute).
fn versions(stored: &[u8]) -> BTreeMap<u32, u32> {
    let word = |at: usize| u32::from_le_bytes(stored[at..at + 4].try_into().unwrap());
    let count = usize::try_from(word(8)).unwrap();
    (0..count).map(|number| 16 + number * 48).map(|at| (word(at), word(at + 4))).collect()
}
