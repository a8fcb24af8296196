//! A selection that shrinks at once is held: a typo, a lost flag listing or an emptied control
//! group must not let go of what a policy keeps.
//!
//! From claims to claims: the groups that would leave go on as before, and wait for a person.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::claim::{Claim, Claims};
use crate::decide::guard::approve::in_force;
use crate::decide::holdings::Holdings;
use crate::decide::{Inputs, Shrunk};
use crate::defence::stands;
use crate::model::change::{Cause, Change, Effect, Kind};
use crate::model::policy::Mode;
use crate::model::{Leave, ObjectId, PolicyName};

/// Keeps the groups of every policy that would lose all of them, or more than its limit.
pub(super) fn shrink(inputs: &Inputs<'_>, holdings: &Holdings<'_>, claims: &mut Claims) {
    if !stands("H15") {
        return;
    }
    let let_go = let_go(inputs);
    for (index, standing) in inputs.policies.policies.iter().enumerate() {
        let policy = &standing.policy;
        if policy.suspend || policy.mode == Mode::Observe {
            continue;
        }
        let name = &policy.name;
        let kept = inputs.memory.kept.iter().filter(|(_, keeper)| *keeper == name);
        let kept: BTreeSet<ObjectId> = kept.map(|(id, _)| *id).collect();
        let leaving = leaving(claims, holdings, &kept, &let_go);
        let lost: BTreeMap<_, _> = leaving
            .iter()
            .filter_map(|(id, leave)| Some((*id, lost(name, *id, *leave, holdings)?)))
            .collect();
        let stays = kept.iter().any(|id| !leaving.contains_key(id) && stays(claims, *id));
        let limit = policy.guard.selection.of(kept.len());
        if lost.is_empty() || (lost.len() <= limit && stays) {
            continue;
        }
        for id in leaving.keys() {
            claims.groups.insert(*id, Claim::Keep(index));
        }
        let limit = limit.min(lost.len().saturating_sub(1));
        let lost = lost.into_values().collect();
        claims.shrunk.insert(name.clone(), Shrunk { lost, of: kept.len(), limit });
    }
}

/// The objects that a person lets go of.
fn let_go(inputs: &Inputs<'_>) -> BTreeSet<String> {
    let items = in_force(inputs.memory, inputs.cloud.groups.begun());
    let freezes = items.filter(|item| item.kind == Kind::Freeze);
    freezes.map(|item| item.object.clone()).collect()
}

/// Whether a group goes on being somebody's.
fn stays(claims: &Claims, id: ObjectId) -> bool {
    match claims.groups.get(&id) {
        Some(Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_)) => true,
        Some(Claim::Leaving(..) | Claim::Departing(_)) | None => false,
    }
}

/// The groups among `kept` that the selection would let go of now, but for those that a person has
/// let go of. A group that ends because the cloud group ended is not lost by selection.
fn leaving(
    claims: &Claims,
    holdings: &Holdings<'_>,
    kept: &BTreeSet<ObjectId>,
    let_go: &BTreeSet<String>,
) -> BTreeMap<ObjectId, Leave> {
    let leaving = kept.iter().filter_map(|id| {
        let leave = match claims.groups.get(id)? {
            Claim::Leaving(_, leave) => *leave,
            Claim::Departing(departing) => departing.leave,
            Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_) => return None,
        };
        let by_selection = match leave {
            Leave::FlagOff | Leave::OutOfScope => true,
            Leave::HardDeleted
            | Leave::SoftDeleted
            | Leave::Ineligible
            | Leave::Elsewhere
            | Leave::Orphaned => false,
        };
        let owned = holdings.owned.get(id)?;
        (by_selection && !let_go.contains(&owned.group.guid.to_string())).then_some((*id, leave))
    });
    leaving.collect()
}

/// The freeze that waits for a person. One that is frozen already waits for nobody.
fn lost(name: &PolicyName, id: ObjectId, leave: Leave, holdings: &Holdings<'_>) -> Option<Change> {
    let owned = holdings.owned.get(&id).filter(|owned| owned.frozen.is_none())?;
    Some(Change {
        policy: name.clone(),
        group: id,
        label: owned.group.dn.leaf().to_owned(),
        target: owned.target.clone()?,
        effect: Effect::Freeze,
        cause: Cause::Cloud(leave.phrase().to_owned()),
    })
}
