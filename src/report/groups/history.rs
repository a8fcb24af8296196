//! The history of groups from before this process: what the journal tells of earlier runs.
//!
//! Comes from `controller::schedule` once, at the start of a daemon; stands below what this process
//! does. The journal names members by their objectGUID alone: who they are is learnt from the next
//! plan that is told, so that a line reads as it did when it was made.
//!
//! Some of what was told then is in no journal, and is not told again:
//!
//! | told then | told again |
//! |---|---|
//! | when the pass began | when the change was begun |
//! | `2: ada, bob of 40` of a removal | `2: ada, bob` |
//! | `(40 members stay)` of a group out of use | nothing of it |
//! | the name that a member had | the name it has now; its objectGUID where it has none any more |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Book, Deed, HISTORY_MAX};
use crate::decide::Decision;
use crate::decide::conclude::ChangeResult;
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::{CloudGroup, Digest, Dn, ObjectGuid, ObjectId, Outcome, Principal};
use crate::report::Report;
use crate::report::events::Sight;

/// How the cause of an undo begins: it names members by their common name.
const UNDO: &str = "a person: undo of ";

/// One change that an earlier run tried.
#[derive(Clone, Debug)]
pub struct PastDeed {
    /// When it was begun.
    pub at: Timestamp,
    /// The plan it was part of.
    pub plan: Digest,
    /// The change; its members carry no names.
    pub change: Change,
    /// Why it was made, as a plan prints it.
    pub cause: String,
    /// What it led to.
    pub outcome: Outcome,
    /// Members that the directory refused one by one.
    pub set_aside: usize,
}

impl Report {
    /// Takes what earlier runs did, the newest first: it stands below all that this process does.
    /// Members are named by the next plan that is told.
    pub fn recall_history(&self, mut past: Vec<PastDeed>) {
        past.truncate(HISTORY_MAX);
        self.groups.recall(past);
    }
}

impl Book {
    fn recall(&self, past: Vec<PastDeed>) {
        self.put_below(deeds(&past, &Names::default()));
        // Last: whoever finds it here puts the named ones in the place of these.
        *self.unnamed.lock().unwrap_or_else(PoisonError::into_inner) = past;
    }

    /// Names the members of what was recalled, once.
    pub(super) fn name_past(&self, decision: &Decision, sight: &Sight<'_>) {
        let mut unnamed = self.unnamed.lock().unwrap_or_else(PoisonError::into_inner);
        let past = std::mem::take(&mut *unnamed);
        drop(unnamed);
        if !past.is_empty() {
            self.put_below(deeds(&past, &Names::of(decision, sight)));
        }
    }

    fn put_below(&self, mut deeds: Vec<Arc<Deed>>) {
        let mut open = self.open();
        deeds.truncate(HISTORY_MAX.saturating_sub(open.history.len()));
        let old = std::mem::replace(&mut open.past, Arc::new(deeds));
        drop(open);
        drop(old);
    }
}

fn deeds(past: &[PastDeed], names: &Names<'_>) -> Vec<Arc<Deed>> {
    let is_made =
        |deed: &&PastDeed| matches!(deed.change.effect.kind(), Kind::Create | Kind::Restore);
    let made = past.iter().filter(is_made).map(|deed| (deed.plan, deed.change.group)).collect();
    past.iter().map(|deed| Arc::new(deed.told(names, &made))).collect()
}

/// The groups that each plan made or brought back.
type Made = BTreeSet<(Digest, ObjectId)>;

impl PastDeed {
    fn told(&self, names: &Names<'_>, made: &Made) -> Deed {
        let Self { at, plan: _, change, cause, outcome, set_aside } = self;
        let members =
            change.effect.member_part().map(|part| self.members(part.members, names, made));
        let effect = members.map(|members| change.effect.with_members(members));
        let change = match effect {
            Some(effect) => Change { effect, ..change.clone() },
            None => change.clone(),
        };
        let (refused_members, left_out) = (Vec::new(), Vec::new());
        let outcome = outcome.clone();
        let result = ChangeResult { change, outcome, refused_members, left_out };
        let told = Deed::of(&result, *at);
        let text = without_unknown(&result.change.effect, &told.text);
        Deed { text, cause: cause.clone(), set_aside: *set_aside, ..told }
    }

    /// The members by the names that the plan gave them, in its order: who was there before the
    /// groups that were made first.
    fn members(
        &self,
        members: &[MemberReference],
        names: &Names<'_>,
        made: &Made,
    ) -> Vec<MemberReference> {
        let adds = self.change.effect.kind() == Kind::AddMembers;
        let guids = members.iter().filter_map(MemberReference::guid);
        let mut told: Vec<_> = guids
            .map(|guid| {
                let own = names.ours.get(&guid).filter(|_| adds);
                let first = own.filter(|group| made.contains(&(self.plan, **group)));
                if let Some((group, label)) =
                    first.and_then(|group| Some((*group, names.cloud(*group)?)))
                {
                    return MemberReference::Created { group, label };
                }
                let by_common_name = own.is_some() || self.cause.starts_with(UNDO);
                MemberReference::Existing { guid, label: names.domain(guid, by_common_name) }
            })
            .collect();
        told.sort();
        told
    }
}

/// The text without the numbers that no journal has: the change was put together with zeros.
fn without_unknown(effect: &Effect, text: &str) -> String {
    match effect {
        Effect::RemoveMembers { .. } => text.strip_suffix(" of 0").unwrap_or(text).to_owned(),
        Effect::Disable { .. } => match text.rsplit_once(" (0 members stay)") {
            Some((start, end)) => format!("{start}{end}"),
            None => text.to_owned(),
        },
        // Versions without a chain kept nothing of a deleted group.
        Effect::Delete { last } if last.attributes.is_empty() => {
            text.strip_suffix(" (0 members)").unwrap_or(text).to_owned()
        }
        Effect::Delete { .. }
        | Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::Quarantine { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => text.to_owned(),
    }
}

/// What objects are called now.
#[derive(Debug, Default)]
struct Names<'a> {
    principals: Option<&'a BTreeMap<ObjectGuid, Principal>>,
    groups: Option<&'a BTreeMap<ObjectId, CloudGroup>>,
    /// The cloud groups of the objects that are ours.
    ours: BTreeMap<ObjectGuid, ObjectId>,
}

impl<'a> Names<'a> {
    fn of(decision: &Decision, sight: &Sight<'a>) -> Self {
        let ours = decision.lessons.inventory.iter().map(|(group, guid)| (*guid, *group));
        Self {
            principals: Some(sight.directory.principals.value()),
            groups: Some(sight.cloud.groups.value()),
            ours: ours.collect(),
        }
    }

    /// As plans name somebody who is in the domain.
    fn domain(&self, guid: ObjectGuid, by_common_name: bool) -> String {
        let principal = self.principals.and_then(|principals| principals.get(&guid));
        let account = |principal: &Principal| principal.sam_account_name.clone();
        let name = principal.map(|principal| {
            let account = account(principal).filter(|_| !by_common_name);
            account.unwrap_or_else(|| Dn::leaf(&principal.dn).to_owned())
        });
        name.unwrap_or_else(|| guid.to_string())
    }

    /// As plans name a group that they make first.
    fn cloud(&self, group: ObjectId) -> Option<String> {
        Some(self.groups?.get(&group)?.display_name.clone())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{Cause, Containers, PolicyName};
    use crate::report::events::Event;
    use crate::report::groups::View;
    use crate::report::status::Status;

    fn group() -> ObjectId {
        ObjectId(Uuid::from_u128(1))
    }

    fn change(members: Vec<MemberReference>) -> Change {
        let container = Dn::parse("OU=Cloud Groups,DC=corp,DC=example").unwrap();
        let object = ObjectGuid(Uuid::from_u128(2));
        let there = container.child("Finance");
        Change {
            policy: PolicyName::parse("finance").unwrap(),
            group: group(),
            label: "Finance".to_owned(),
            target: Containers::new(vec![container]).admit(object, there).unwrap(),
            effect: Effect::RemoveMembers { members, of: 0 },
            cause: Cause::Person(String::new()),
        }
    }

    fn past(second: i64) -> PastDeed {
        let guid = ObjectGuid(Uuid::from_u128(3));
        PastDeed {
            at: Timestamp::from_second(second).unwrap(),
            plan: Digest::of(b"plan"),
            change: change(vec![MemberReference::Existing { guid, label: String::new() }]),
            cause: "cloud: its members changed".to_owned(),
            outcome: Outcome::Refused { message: "no".to_owned() },
            set_aside: 3,
        }
    }

    fn report() -> Report {
        Report::new(Status::new("corp", "writeback.yaml", Timestamp::UNIX_EPOCH))
    }

    fn made(report: &Report) {
        let (refused_members, left_out) = (Vec::new(), Vec::new());
        let (change, outcome) = (change(Vec::new()), Outcome::Done { object: None });
        let result = ChangeResult { change, outcome, refused_members, left_out };
        report.emit(&Event::ChangeMade(&result));
    }

    #[test]
    fn what_earlier_runs_did_stands_below_what_this_one_does() {
        let report = report();
        made(&report);
        report.recall_history(vec![past(20), past(10)]);
        made(&report);
        let view = report.groups();
        let told: Vec<_> = view.history(group()).into_iter().map(|deed| deed.outcome).collect();
        assert_eq!(told, ["done", "done", "refused", "refused"]);
        let deed = view.history(group())[2];
        // Without a plan nobody knows who it was, and never how many there were.
        let text = "- member  Finance  1: 00000000-0000-0000-0000-000000000003";
        assert_eq!(deed.text, text);
        assert_eq!((deed.at.as_second(), deed.set_aside), (20, 3));
        assert_eq!((&*deed.cause, deed.achieved), ("cloud: its members changed", false));
    }

    #[test]
    fn no_more_than_the_newest_are_kept_of_both_together() {
        let report = report();
        made(&report);
        let second = |number: usize| i64::try_from(number).unwrap();
        report.recall_history((0..HISTORY_MAX + 5).rev().map(|n| past(second(n))).collect());
        for _ in 0..3 {
            made(&report);
        }
        let View { history, past, .. } = report.groups();
        assert_eq!((history.len(), past.len()), (4, HISTORY_MAX - 4));
        let newest = past.first().unwrap().at.as_second();
        assert_eq!(newest, second(HISTORY_MAX + 4));
    }
}
