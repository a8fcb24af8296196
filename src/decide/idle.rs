//! Groups of which a pass does not say what should be, because whoever would write them writes
//! nothing now.
//!
//! Comes from the claims; goes to `conclude`: what a person let through of such a group is not what
//! nobody wants any more.

use std::collections::BTreeSet;

use crate::decide::Inputs;
use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::model::{Leave, ObjectId};

/// How the items of an approval call these groups: by the object that each has, had or is to
/// adopt, and by its anchor.
pub fn idle(inputs: &Inputs<'_>, holdings: &Holdings<'_>, claims: &Claims) -> BTreeSet<String> {
    let (memory, policies) = (inputs.memory, &inputs.policies.policies);
    let suspends = policies.iter().any(|standing| standing.policy.suspend);
    let adoptions = || policies.iter().flat_map(|standing| &standing.policy.adoption);
    let waiting = claims.groups.iter().filter(|(_, claim)| waits(claim, suspends));
    let objects = |id: &ObjectId| {
        let owned = holdings.owned.get(id).map(|owned| owned.group.guid);
        let known = [owned, memory.inventory.get(id).copied(), memory.deleted.get(id).copied()];
        let own = adoptions().filter(|adoption| adoption.group == *id);
        known.into_iter().flatten().chain(own.map(|adoption| adoption.object)).collect::<Vec<_>>()
    };
    waiting
        .flat_map(|(id, _)| {
            objects(id).into_iter().map(|guid| guid.to_string()).chain([id.anchor()])
        })
        .collect()
}

/// Whether a group waits for a policy: its own keeps it and writes nothing now, or it would go over
/// to one that may be suspended.
fn waits(claim: &Claim, suspends: bool) -> bool {
    match claim {
        Claim::Idle(_) => true,
        Claim::Leaving(_, Leave::Elsewhere | Leave::Orphaned) => suspends,
        Claim::Keep(_) | Claim::Leaving(..) | Claim::Departing(_) | Claim::Unknown(..) => false,
    }
}
