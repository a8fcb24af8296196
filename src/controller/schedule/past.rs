//! What earlier runs did to the groups, for their history: read from the journal beside the first
//! pass, which it does not delay.
//!
//! From the entries of `journal::read`, put together by `journal::changes`, to changes as a plan
//! has them, for `report::groups`. The kind of a change is told from what it changed and why: the
//! journal knows operations alone. Nothing here decides anything, and nothing waits for it: where
//! the journal cannot be read the history is short, and the log says so.
//!
//! Measured on two busy cores with 200,000 lines (100,000 operations, 113 MB): the last
//! [`BYTES_MAX`] of them give the 20,000 newest changes in 9 s in a build without optimisation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::controller::admin::round::chain;
use crate::controller::stop::Stop;
use crate::journal::changes::{Changes, PastChange};
use crate::journal::entry::{Content, IntentEntry};
use crate::journal::read::{ReadError, newest};
use crate::model::{
    AttributeChange, Cause, Change, Containers, Dn, Effect, Leave, MemberReference, ObjectGuid,
    OwnershipRecord, Target,
};
use crate::report::Report;
use crate::report::groups::HISTORY_MAX;
use crate::report::groups::history::PastDeed;
use crate::report::text::safe;

/// How much of the journal is read, from its end: the 20,000 changes that are kept for all groups
/// ([`HISTORY_MAX`]) take some 1,100 bytes each, intent and outcome together, and lists of members
/// make some of them longer. Where removals of thousands fill it, fewer changes are shown.
const BYTES_MAX: u64 = 32 << 20;

/// What was read.
#[derive(Debug)]
struct Read {
    deeds: Vec<PastDeed>,
    /// Places that are no line of a journal.
    strange: usize,
    first: Option<ReadError>,
}

/// Reads the journal in `directory` up to the line `last`, and tells it: what comes after that line
/// is told when it happens. Returns at once. A daemon that is asked to stop leaves it.
pub(super) fn tell(directory: PathBuf, last: u64, report: Arc<Report>, stop: Arc<Stop>) {
    // Nobody waits for the end of it.
    let _reading = tokio::task::spawn_blocking(move || match read(&directory, last, &stop) {
        Ok(Read { deeds, strange, first }) => {
            report.recall_history(deeds);
            if let Some(first) = first {
                let error = safe(&chain(&first));
                tracing::warn!(
                    places = strange,
                    error,
                    "places of the journal cannot be read: the history of groups is without them"
                );
            }
        }
        Err(error) => {
            let error = safe(&chain(&error));
            tracing::warn!(error, "the journal cannot be read: the history of groups begins now");
        }
    });
}

fn read(directory: &Path, last: u64, stop: &Stop) -> Result<Read, ReadError> {
    let mut changes = Changes::new(HISTORY_MAX);
    let (mut strange, mut first) = (0, None);
    for entry in newest(directory, BYTES_MAX)?.take_while(|_| !stop.asked()) {
        match entry {
            Ok(entry) if entry.line.is_some_and(|line| line > last) => break,
            Ok(entry) => changes.take(entry),
            Err(error) => {
                strange += 1;
                first.get_or_insert(error);
            }
        }
    }
    let deeds = changes.newest_first().into_iter().filter_map(deed).collect();
    Ok(Read { deeds, strange, first })
}

/// The change as its plan had it; `None` where a name in it is no name.
fn deed(past: PastChange) -> Option<PastDeed> {
    let PastChange { at, label, intent, outcome, set_aside } = past;
    let effect = effect(&intent)?;
    let target = target(intent.object, &intent.dn)?;
    let IntentEntry { plan, policy, group, cause, .. } = intent;
    // Told in the words that the journal has.
    let why = Cause::Person(String::new());
    let change = Change { policy, group, label, target, effect, cause: why };
    Some(PastDeed { at, plan, change, cause, outcome, set_aside })
}

/// A place that was written to: for telling, never for writing.
fn target(object: Option<ObjectGuid>, dn: &str) -> Option<Target> {
    let dn = Dn::parse(dn).ok()?;
    let there = Containers::new(vec![dn.parent()?]);
    match object {
        Some(object) => there.admit(object, dn),
        None => there.admit_new(dn),
    }
}

/// What was done.
///
/// | operation | cause | effect |
/// |---|---|---|
/// | another name or place | the group leaves | quarantine |
/// | | other | rename where the container stays, else move |
/// | modify | the group leaves | disable |
/// | of `groupType` alone | other | convert |
/// | that puts the record on, or takes it off | other | adopt, release |
/// | of the record alone, with another policy in it | other | handover |
/// | else | other | update |
/// | any other | any | as it says |
fn effect(intent: &IntentEntry) -> Option<Effect> {
    let members = |guids: &[ObjectGuid]| {
        let nameless =
            |guid: &ObjectGuid| MemberReference::Existing { guid: *guid, label: String::new() };
        guids.iter().map(nameless).collect()
    };
    Some(match &intent.content {
        Content::Created(attributes) => Effect::Create { attributes: attributes.clone() },
        Content::Restored(attributes) => Effect::Restore { attributes: attributes.clone() },
        Content::MembersAdded(guids) => Effect::AddMembers { members: members(guids), of: None },
        Content::MembersRemoved(guids) => Effect::RemoveMembers { members: members(guids), of: 0 },
        Content::Deleted(last) => Effect::Delete { last: last.clone() },
        Content::Changed(attributes) => modified(intent, attributes),
        Content::Moved { from, to } => {
            let to = target(intent.object, to)?;
            let here = Dn::parse(from).ok()?.parent();
            let stays = here.map(|here| here.key()) == to.dn().parent().map(|there| there.key());
            if leaves(intent) {
                Effect::Quarantine { to }
            } else if stays {
                Effect::Rename { to }
            } else {
                Effect::Move { to }
            }
        }
    })
}

fn modified(intent: &IntentEntry, attributes: &[AttributeChange]) -> Effect {
    let all = attributes.to_vec();
    if leaves(intent) {
        return Effect::Disable { members: 0, attributes: all };
    }
    let number = |value: &Option<String>| value.as_deref().and_then(|text| text.parse().ok());
    if let [only] = attributes
        && only.name == "groupType"
        && let (Some(from), Some(to)) = (number(&only.before), number(&only.after))
    {
        return Effect::Convert { from, to };
    }
    let record = |value: Option<&String>| value.and_then(|text| OwnershipRecord::parse(text));
    let before = attributes.iter().find_map(|change| record(change.before.as_ref()));
    let after = attributes.iter().find_map(|change| record(change.after.as_ref()));
    match (before, after, attributes) {
        (None, Some(_), _) => Effect::Adopt { attributes: all },
        (Some(_), None, _) => Effect::Release { attributes: all },
        (Some(before), Some(after), [only]) if before.policy != after.policy => {
            Effect::Handover { from: before.policy, record: only.clone() }
        }
        (Some(_), Some(_), _) | (None, None, _) => Effect::Update { attributes: all },
    }
}

/// Whether the group left its policy: nothing else is done for these reasons.
fn leaves(intent: &IntentEntry) -> bool {
    const LEAVES: [Leave; 7] = [
        Leave::HardDeleted,
        Leave::SoftDeleted,
        Leave::FlagOff,
        Leave::OutOfScope,
        Leave::Ineligible,
        Leave::Elsewhere,
        Leave::Orphaned,
    ];
    let cause = |leave: Leave| Cause::Cloud(leave.phrase().to_owned()).to_string();
    LEAVES.into_iter().any(|leave| cause(leave) == intent.cause)
}

#[cfg(test)]
mod tests;
