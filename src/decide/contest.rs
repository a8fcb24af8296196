//! Values of ours that somebody else puts back again and again: the object is left alone before
//! two writers wear it out.
//!
//! From what memory counted to freezes and findings; `conclude` counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::{Decision, Inputs};
use crate::defence::stands;
use crate::model::change::{Cause, Change, Effect, MemberReference};
use crate::model::window::WINDOW;
use crate::model::{AttributeName, Finding, FindingCode, Memory, ObjectGuid};

/// How often a value of ours may be put back before its object is left alone.
pub const REVERSALS_MAX: u32 = 3;

/// The part of an object that a reversal is about: an attribute, or one member.
pub type Spot = (ObjectGuid, AttributeName);

/// The spots at which a change repairs what somebody else changed.
pub fn repaired(change: &Change) -> Vec<Spot> {
    let (Cause::Drift(_), Some(object)) = (&change.cause, change.target.object()) else {
        return Vec::new();
    };
    let spot = |name: &str| vec![(object, AttributeName::told(name))];
    match &change.effect {
        Effect::Update { attributes } => {
            attributes.iter().map(|attribute| (object, attribute.name.clone())).collect()
        }
        Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
            let guids = members.iter().filter_map(MemberReference::guid);
            guids.map(|guid| (object, AttributeName::told(&format!("member {guid}")))).collect()
        }
        Effect::Convert { .. } => spot("groupType"),
        Effect::Rename { .. } | Effect::Move { .. } => spot("name"),
        Effect::Create { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => Vec::new(),
    }
}

/// The objects that are contested at a time, each with the spot that is.
fn contested(memory: &Memory, now: Timestamp) -> BTreeMap<ObjectGuid, &AttributeName> {
    let lasting = memory.reversals.iter().filter(|(_, reversals)| {
        reversals.count >= REVERSALS_MAX && now.duration_since(reversals.last) < WINDOW
    });
    lasting.map(|((object, name), _)| (*object, name)).collect()
}

/// Freezes what is contested: nothing of the object is changed for a day after the last reversal.
pub fn contest(inputs: &Inputs<'_>, decision: &mut Decision) {
    let now = inputs.cloud.groups.begun();
    let contested = contested(inputs.memory, now);
    if contested.is_empty() || !stands("H72") {
        return;
    }
    let mut frozen = BTreeSet::new();
    let mut kept = Vec::new();
    for change in std::mem::take(&mut decision.plan.changes) {
        let object = change.target.object();
        let spot = object.and_then(|guid| Some((guid, *contested.get(&guid)?)));
        let Some((object, name)) = spot else {
            kept.push(change);
            continue;
        };
        if !frozen.insert(object) {
            continue;
        }
        let message = format!(
            "{} of {} was put back by somebody else {REVERSALS_MAX} times or more; nothing of the \
             group is changed for a day: find the other writer",
            &**name, change.label
        );
        decision.findings.push(Finding {
            policy: Some(change.policy.clone()),
            group: Some(change.group),
            code: FindingCode::Contested,
            message,
        });
        decision.contested.insert(object, name.to_string());
        let cause = Cause::Drift("another writer contests it".to_owned());
        kept.push(Change { effect: Effect::Freeze, cause, ..change });
    }
    decision.plan.changes = kept;
}
