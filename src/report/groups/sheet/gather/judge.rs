//! What a group is, and why.
//!
//! | a group with | is |
//! |---|---|
//! | a read that was not whole | unknown |
//! | a held line | held |
//! | a waiting line that repairs what somebody changed | drifted |
//! | any other waiting line, or a deletion that needs a second look | pending |
//! | a frozen line, or an object of ours in doubt | frozen |
//! | an object, and a meaning under a policy | in step |
//! | an object that belongs to somebody else | foreign |
//! | an object of ours and no meaning, or what an observing policy would do | idle |
//! | findings and nothing else | not written |

use super::{Gathering, limit};
use crate::decide::guard::Hold;
use crate::model::policy::Mode;
use crate::model::{Cause, Change, DirectoryGroup, Finding, FindingCode, ObjectId, PolicyName};
use crate::report::groups::sheet::{Line, Part};
use crate::report::groups::state::State;

/// Findings of an object of ours that nobody may change now.
const IN_DOUBT: [FindingCode; 4] = [
    FindingCode::AnchorChanged,
    FindingCode::AnchorNotUnique,
    FindingCode::OutsideContainers,
    FindingCode::Orphaned,
];

impl Gathering<'_> {
    /// What a group is, and why: the table above.
    pub(super) fn state(
        &self,
        id: ObjectId,
        (lines, findings): (&[(&Line, &Change)], &[&Finding]),
        standing: Option<&DirectoryGroup>,
        policy: Option<&PolicyName>,
    ) -> (State, String) {
        if let Some(reason) = self.decision.unknown.get(&id) {
            return (State::Unknown, reason.clone());
        }
        let of = |part: Part| lines.iter().filter(move |(line, _)| line.part == part);
        let held: Vec<&Line> = of(Part::Held).map(|(line, _)| *line).collect();
        if !held.is_empty() {
            return (State::Held, self.why_held(id, &held));
        }
        let causes = || of(Part::Waiting).map(|(_, change)| &change.cause);
        let drift = causes().find(|cause| matches!(cause, Cause::Drift(_)));
        if let Some(cause) = drift {
            return (State::Drifted, cause.to_string());
        }
        if let Some(cause) = causes().next() {
            return (State::Pending, cause.to_string());
        }
        if let Some((_, change)) = of(Part::Unconfirmed).next() {
            return (State::Pending, format!("{}; it needs a second look", change.cause));
        }
        if let Some((_, change)) = of(Part::Frozen).next() {
            return (State::Frozen, change.cause.to_string());
        }
        let told = |codes: &[FindingCode]| {
            let found = findings.iter().find(|finding| codes.contains(&finding.code));
            found.map(|finding| finding.message.clone())
        };
        let means = self.decision.lessons.intents.contains_key(&id);
        if standing.is_some() && means {
            return (State::InStep, String::new());
        }
        if let Some(why) = told(&[FindingCode::Foreign, FindingCode::OwnedElsewhere]) {
            return (State::Foreign, why);
        }
        if let (Some(why), true) = (told(&IN_DOUBT), standing.is_some()) {
            return (State::Frozen, why);
        }
        if self.decision.lessons.inventory.contains_key(&id) || of(Part::Observed).count() > 0 {
            return (State::Idle, self.why_idle(policy));
        }
        let first = findings.first().map(|finding| finding.message.clone());
        (State::NotWritten, first.unwrap_or_default())
    }

    /// The limits that keep lines of a group back.
    fn why_held(&self, id: ObjectId, lines: &[&Line]) -> String {
        let concerns = |hold: &&Hold| {
            let mut own = lines.iter().filter(|line| line.policy == hold.policy);
            hold.group.is_none_or(|group| group == id) && own.any(|line| hold.row.counts(line.kind))
        };
        let holds = self.guarded.held.holds.iter().filter(concerns);
        let messages: Vec<&str> = holds.map(limit).collect();
        if messages.is_empty() {
            return "it builds on a change that is held".to_owned();
        }
        messages.join("; ")
    }

    fn why_idle(&self, policy: Option<&PolicyName>) -> String {
        let Some(name) = policy else { return "no policy has it".to_owned() };
        if let Some((reason, message)) = self.decision.stalled.get(name) {
            return format!("the policy {name} is stalled: {reason:?}: {message}");
        }
        match self.standing(name) {
            Some(standing) if standing.policy.suspend => {
                format!("the policy {name} is suspended or paused and writes nothing")
            }
            Some(standing) if standing.policy.mode == Mode::Observe => {
                format!("the policy {name} only observes")
            }
            Some(_) => format!("the policy {name} wrote nothing of it in this pass"),
            None => format!("the policy {name} is not there, or cannot be read"),
        }
    }
}
