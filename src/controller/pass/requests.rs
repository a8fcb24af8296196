//! Approvals that people asked for and that no look has taken up yet.
//!
//! They come from the admin socket and from the command line; a look takes up those whose set is
//! held, and drops the others.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::controller::pass::{Engine, Look};
use crate::model::{Approval, ApprovalRequest, Digest};

impl Engine {
    /// Takes a person's word for a held set: the next look takes it up, or the next one at all
    /// policies drops it.
    pub fn request(&mut self, request: ApprovalRequest) {
        self.requests.push(request);
    }

    /// Takes back what a look let through, where nothing is done on it: it refused, or its
    /// approvals are not journalled. What waited for a look waits for the next one; what was asked
    /// for with this look alone is over with it; a policy file asks again by itself.
    pub(in crate::controller) fn ask_again(&mut self, look: &Look) {
        for digest in look.granted.keys() {
            self.memory.approvals.remove(digest);
        }
        self.requests.extend(look.taken.iter().cloned());
    }

    /// Remembers what is let through; gives the requests that asked for it. An approval of an equal
    /// set that was used up long enough ago is over: that this one is used up is news then.
    pub(super) fn take_up(&mut self, granted: &BTreeMap<Digest, Approval>) -> Vec<ApprovalRequest> {
        self.memory.used_approvals.retain(|digest, _| !granted.contains_key(digest));
        self.memory.approvals.extend(granted.clone());
        let asks = |request: &mut ApprovalRequest| granted.keys().any(|set| request.names(set));
        self.requests.extract_if(.., asks).collect()
    }

    /// Drops the requests that a look at all policies did not take up. While something is paused,
    /// what was held before may be held again: until then they wait, as long as an approval holds.
    pub(super) fn drop_requests(&mut self, begun: Timestamp) {
        let is_paused = !self.memory.pauses.is_empty();
        let is_over = |request: &mut ApprovalRequest| !is_paused || request.not_after <= begun;
        for ApprovalRequest { digest, approved_by: by, .. } in self.requests.extract_if(.., is_over)
        {
            tracing::warn!(digest, by, "approval dropped: the set is no longer held as it was");
        }
    }
}
