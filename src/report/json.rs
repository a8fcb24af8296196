//! Plans as JSON: the same plan as the text, for programs.

use serde_json::{Value, json};

use crate::decide::guard::{Guarded, Hold};
use crate::decide::{Decision, plan};
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::report::status::ApprovalStatus;
use crate::report::text::{Backdrop, NOT_COMPUTED, held_since, policy_sets};

/// The whole plan, with what memory says of it.
pub fn plan(decision: &Decision, guarded: &Guarded, backdrop: &Backdrop<'_>) -> Value {
    let listed = |admission: &str, changes: &[Change]| -> Vec<Value> {
        changes.iter().map(|change| one(change, admission)).collect()
    };
    let mut changes = listed("Admitted", guarded.admitted.changes());
    changes.extend(listed("Held", &guarded.held.changes));
    let frozen = decision.plan.changes.iter().filter(|c| c.effect.kind() == Kind::Freeze);
    changes.extend(frozen.map(|change| one(change, "Frozen")));
    changes.extend(listed("Unconfirmed", &decision.plan.unconfirmed));
    changes.extend(listed("Observed", &decision.plan.observed));
    let not_computed = NOT_COMPUTED.iter().filter(|_| !backdrop.remembers).map(|(word, _)| word);
    json!({
        "apiVersion": "writeback/v1alpha1",
        "kind": "Plan",
        "digest": guarded.digest,
        "reviewed": guarded.reviewed,
        "heldDigest": guarded.held.digest(),
        "heldByPolicy": policy_sets(guarded),
        "complete": !decision.incomplete,
        "notComputed": not_computed.collect::<Vec<_>>(),
        "changes": changes,
        "held": guarded.held.holds.iter().map(|hold| {
            held(hold, guarded, backdrop)
        }).collect::<Vec<_>>(),
        "pauses": backdrop.memory.pauses,
        "approvals": ApprovalStatus::in_force(backdrop.memory),
        "stalled": decision.stalled.iter().map(|(policy, (reason, message))| json!({
            "policy": policy, "reason": reason, "message": message,
        })).collect::<Vec<_>>(),
        "unknown": decision.unknown.iter().map(|(group, reason)| json!({
            "group": group, "reason": reason,
        })).collect::<Vec<_>>(),
        "findings": decision.findings,
    })
}

/// One hold, with the time since which it lasts; null where it is new.
fn held(hold: &Hold, guarded: &Guarded, backdrop: &Backdrop<'_>) -> Value {
    let mut value = json!(hold);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("since".to_owned(), json!(held_since(hold, guarded, backdrop.memory)));
    }
    value
}

/// One change.
pub fn one(change: &Change, admission: &str) -> Value {
    let mut value = plan::canonical(change);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("label".to_owned(), json!(change.label));
        fields.insert("cause".to_owned(), json!(change.cause.to_string()));
        fields.insert("admission".to_owned(), json!(admission));
        let members = match &change.effect {
            Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
                Some(json!(members.iter().map(MemberReference::label).collect::<Vec<_>>()))
            }
            Effect::Delete { last } => Some(json!(last.members.len())),
            Effect::Disable { members, .. } => Some(json!(members)),
            Effect::Create { .. }
            | Effect::Rename { .. }
            | Effect::Move { .. }
            | Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Restore { .. }
            | Effect::Handover { .. }
            | Effect::Quarantine { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. }
            | Effect::Freeze => None,
        };
        if let Some(members) = members {
            fields.insert("members".to_owned(), members);
        }
    }
    value
}
