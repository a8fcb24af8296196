//! A selection that shrinks at once is held: a typo, a lost flag listing or an emptied control group
//! must not let go of what a policy keeps.
//!
//! From claims to claims: the groups that would leave go on as before, and wait for a person.

use std::collections::BTreeMap;

use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::decide::{Inputs, Shrunk};
use crate::defence::stands;
use crate::model::change::{Cause, Change, Effect, Kind};
use crate::model::policy::{Mode, Standing};
use crate::model::{Leave, ObjectId};

/// Keeps the groups of every policy that would lose all of them, or more than its limit.
pub(super) fn shrink(inputs: &Inputs<'_>, holdings: &Holdings<'_>, claims: &mut Claims) {
    if !stands("H15") {
        return;
    }
    for (index, standing) in inputs.policies.policies.iter().enumerate() {
        let policy = &standing.policy;
        if policy.suspend || policy.mode == Mode::Observe {
            continue;
        }
        let of = inputs.memory.kept.values().filter(|name| **name == policy.name).count();
        let limit = policy.guard.selection.of(of);
        let lost = lost(inputs, holdings, claims, standing);
        let too_many = lost.len() > limit || lost.len() == of;
        if lost.is_empty() || !too_many {
            continue;
        }
        for id in lost.keys() {
            claims.groups.insert(*id, Claim::Keep(index));
        }
        let limit = limit.min(of.saturating_sub(1));
        let lost = lost.into_values().collect();
        claims.shrunk.insert(policy.name.clone(), Shrunk { lost, of, limit });
    }
}

/// The groups that the policy kept when the last pass finished and would let go of now, but for
/// those that a person has let go of.
fn lost(
    inputs: &Inputs<'_>,
    holdings: &Holdings<'_>,
    claims: &Claims,
    standing: &Standing,
) -> BTreeMap<ObjectId, Change> {
    let name = &standing.policy.name;
    let kept = inputs.memory.kept.iter().filter(|(_, policy)| *policy == name);
    let lost = kept.filter_map(|(id, _)| {
        let leave = match claims.groups.get(id)? {
            Claim::Leaving(_, leave) => *leave,
            Claim::Departing(departing) => departing.leave,
            Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_) => return None,
        };
        let by_selection = matches!(leave, Leave::FlagOff | Leave::OutOfScope);
        let owned =
            holdings.owned.get(id).filter(|owned| by_selection && owned.frozen.is_none())?;
        let target = owned.target.clone()?;
        let object = owned.group.guid.to_string();
        let in_force = inputs.memory.approvals.values();
        let mut in_force = in_force.filter(|a| a.not_after > inputs.cloud.groups.begun());
        let is_approved = in_force.any(|approval| {
            let freezes = approval.items.iter().filter(|item| item.kind == Kind::Freeze);
            freezes.into_iter().any(|item| item.object == object)
        });
        let change = Change {
            policy: name.clone(),
            group: *id,
            label: owned.group.dn.leaf().to_owned(),
            target,
            effect: Effect::Freeze,
            cause: Cause::Cloud(leave.phrase().to_owned()),
        };
        (!is_approved).then_some((*id, change))
    });
    lost.collect()
}
