//! A person's word for a held set: taken only if such a set is held, or was by the last pass, and
//! used once. What of it nobody wants any more drops out.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::decide::guard::HeldPlan;
use crate::defence::stands;
use crate::model::approval::{APPROVAL_MAX, Approval, ApprovalRequest};
use crate::model::{Digest, Finding, FindingCode, Item, Memory};

/// How long an approval that is used up keeps others of an equal set out: twice as long as the
/// longest one holds. A document that was taken has ended by then, and so has the pipeline that
/// would say the same again.
pub const USED_KEPT: SignedDuration = SignedDuration::from_hours(48);

/// An approval that is used up, as long as no other of an equal set is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The digest of its set.
    pub digest: Digest,
    /// When it was used up.
    pub at: Timestamp,
    /// From when on an equal set may be approved again.
    pub until: Timestamp,
}

impl Used {
    /// The one whose digest `names` knows; `None` where none was used up, or long enough ago. A
    /// time that has not come yet counts as now: the clock was set back.
    pub fn find(memory: &Memory, names: impl Fn(&Digest) -> bool, now: Timestamp) -> Option<Self> {
        let (digest, at) = memory.used_approvals.iter().find(|(digest, _)| names(digest))?;
        let lasts = now.duration_since(*at) < USED_KEPT && stands("H23");
        let until = at.checked_add(USED_KEPT).unwrap_or(Timestamp::MAX);
        lasts.then_some(Self { digest: *digest, at: *at, until })
    }
}

impl fmt::Display for Used {
    /// What became of it, and until when that counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, until, .. } = self;
        write!(f, "approved and used up at {at}, and an equal set is refused until {until}")
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is taken.
    Granted(Digest, Approval),
    /// No held set has this digest.
    NotHeld,
    /// It was used already.
    Used(Used),
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
    if let Some(used) = Used::find(memory, |digest| request.names(digest), now) {
        return Answer::Used(used);
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
    let granted = each_granted(requests, held, memory, now);
    granted.map(|(_, digest, approval)| (digest, approval)).collect()
}

/// File and line of the documents among the requests that approvals come from.
pub fn places(
    requests: &[ApprovalRequest],
    held: &HeldPlan,
    memory: &Memory,
    now: Timestamp,
) -> BTreeMap<Digest, String> {
    let granted = each_granted(requests, held, memory, now);
    // Of several requests for one set the last is the one that is granted.
    let asked: BTreeMap<_, _> = granted.map(|(request, digest, _)| (digest, request)).collect();
    asked.into_iter().filter_map(|(digest, request)| Some((digest, line(request)?))).collect()
}

fn each_granted<'r>(
    requests: &'r [ApprovalRequest],
    held: &HeldPlan,
    memory: &Memory,
    now: Timestamp,
) -> impl Iterator<Item = (&'r ApprovalRequest, Digest, Approval)> {
    requests.iter().filter_map(move |request| match judge(request, held, memory, now) {
        Answer::Granted(digest, approval) => Some((request, digest, approval)),
        Answer::NotHeld | Answer::Used(_) | Answer::Expired | Answer::Known => None,
    })
}

/// File and line of a request, where a document says it.
fn line(request: &ApprovalRequest) -> Option<String> {
    request.place.as_ref().map(|place| format!("{}:{}", place.file, place.line))
}

/// The documents that name what is held and let nothing of it through, because an equal set was
/// let through already.
pub fn useless(documents: &[ApprovalRequest], held: &HeldPlan) -> Vec<Finding> {
    let finding = |document: &ApprovalRequest| {
        let used = held.used.values().find(|used| document.names(&used.digest))?;
        let (place, short) = (line(document)?, used.digest.short());
        let message = format!(
            "{place} lets nothing through: {short} was {used}; remove the file, and either \
             approve the set anew after that, or raise the limit or undo the cause of the hold"
        );
        Some(Finding { policy: None, group: None, code: FindingCode::ApprovalUsed, message })
    };
    documents.iter().filter_map(finding).collect()
}
