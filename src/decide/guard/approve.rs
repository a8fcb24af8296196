//! A person's word for a held set: taken only if such a set is held, or was by the last pass, and
//! used once. What of it nobody wants any more drops out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decide::guard::HeldPlan;
use crate::defence::stands;
use crate::model::approval::{APPROVAL_MAX, Approval, ApprovalRequest};
use crate::model::{Digest, Item, Memory};

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is taken.
    Granted(Digest, Approval),
    /// No held set has this digest.
    NotHeld,
    /// It was used already.
    Used,
    /// It has ended, or ends later than an approval may.
    Expired,
    /// It is taken already.
    Known,
}

/// What the approvals that are in force at a time let through.
pub fn in_force(memory: &Memory, now: Timestamp) -> impl Iterator<Item = &Item> {
    let lasting = memory.approvals.values();
    let lasting = lasting.filter(move |approval| approval.not_after > now || !stands("H23"));
    lasting.flat_map(|approval| &approval.items)
}

/// Judges one request against what is held now.
pub fn judge(
    request: &ApprovalRequest,
    held: &HeldPlan,
    memory: &Memory,
    now: Timestamp,
) -> Answer {
    let known = |digest: &&Digest| request.names(digest);
    if memory.used_approvals.keys().any(|digest| known(&digest)) && stands("H23") {
        return Answer::Used;
    }
    if memory.approvals.keys().any(|digest| known(&digest)) {
        return Answer::Known;
    }
    let left = request.not_after.duration_since(now);
    if !left.is_positive() || left > APPROVAL_MAX {
        return Answer::Expired;
    }
    // What the person looked at was held by the last pass; the tenant may have changed since.
    let sets = held.sets();
    let mut sets = sets.iter().chain(&memory.held).filter(|(digest, _)| known(digest));
    let Some((digest, items)) = sets.next() else { return Answer::NotHeld };
    let (digest, items) = (*digest, items.clone());
    let (approved_by, not_after) = (request.approved_by.clone(), request.not_after);
    Answer::Granted(digest, Approval { items, approved_by, at: now, not_after })
}

/// The approvals that requests come to.
pub fn granted(
    requests: &[ApprovalRequest],
    held: &HeldPlan,
    memory: &Memory,
    now: Timestamp,
) -> BTreeMap<Digest, Approval> {
    let answers = requests.iter().map(|request| judge(request, held, memory, now));
    let granted = answers.filter_map(|answer| match answer {
        Answer::Granted(digest, approval) => Some((digest, approval)),
        Answer::NotHeld | Answer::Used | Answer::Expired | Answer::Known => None,
    });
    granted.collect()
}
