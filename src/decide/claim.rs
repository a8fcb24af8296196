//! Which policy a group belongs to, and what that means for it in this pass.
//!
//! From listings, policies and memory to one claim for each group. `owned` judges groups with our
//! record, `unowned` those without. Doubt claims nothing: it leaves the group alone.

mod opinion;
mod owned;
mod shrink;
mod unowned;

use std::collections::{BTreeMap, BTreeSet};

pub use opinion::{Opinion, opinions};

use crate::decide::buried::{self, Buried};
use crate::decide::depart::Departing;
use crate::decide::holdings::Holdings;
use crate::decide::select::{Grounds, Verdict, verdict};
use crate::decide::{Inputs, Shrunk};
use crate::model::cloud::Flag;
use crate::model::condition::Reason;
use crate::model::policy::{FlagRule, Standing};
use crate::model::{CloudGroup, Complete, Finding, FindingCode, Leave, ObjectId, PolicyName};

/// What this pass may do about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is written as the policy says; where its record names another policy, it is handed over
    /// first. The number is an index into the policies in force.
    Keep(usize),
    /// It leaves; its directory group stays as it is.
    Leaving(PolicyName, Leave),
    /// It leaves, and its policy says how its directory group ends.
    Departing(Departing),
    /// Not enough is known: nothing of it is changed.
    Unknown(PolicyName, String),
    /// It keeps its policy, which writes nothing of it now: suspended, stalled, observing, or a
    /// document that cannot be parsed may still select it.
    Idle(PolicyName),
}

/// All claims of one pass.
#[derive(Debug, Default)]
pub struct Claims {
    /// Owned groups, and groups that a writing policy takes.
    pub groups: BTreeMap<ObjectId, Claim>,
    /// What observing policies would take.
    pub observed: BTreeMap<ObjectId, usize>,
    /// Policies that cannot be acted on.
    pub stalled: BTreeMap<PolicyName, (Reason, String)>,
    /// What is worth telling.
    pub findings: Vec<Finding>,
    /// A read that the answer depends on was not whole.
    pub incomplete: bool,
    /// Groups that selections would lose: they are kept until a person lets them go.
    pub shrunk: BTreeMap<PolicyName, Shrunk>,
}

impl Claims {
    /// The groups whose members must be read, with the policy that asks for them.
    pub fn members_needed(&self) -> BTreeMap<ObjectId, usize> {
        let kept = self.groups.iter().filter_map(|(id, claim)| match claim {
            Claim::Keep(index) => Some((*id, *index)),
            Claim::Leaving(..) | Claim::Departing(_) | Claim::Unknown(..) | Claim::Idle(_) => None,
        });
        kept.chain(self.observed.iter().map(|(id, index)| (*id, *index))).collect()
    }
}

/// Judges every group of the tenant and every owned group.
pub fn claims(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> Claims {
    let mut claims = Claims::default();
    let judge = Judge::new(inputs, holdings, &mut claims);
    for (id, owned) in &holdings.owned {
        let claim = judge.owned(*id, owned, &mut claims);
        claims.incomplete |= matches!(claim, Claim::Unknown(..));
        claims.groups.insert(*id, claim);
    }
    for group in inputs.cloud.groups.value().values() {
        if !holdings.owned.contains_key(&group.id) {
            judge.unowned(group, &mut claims);
        }
    }
    judge.missing_ids(&mut claims);
    shrink::shrink(inputs, holdings, &mut claims);
    claims
}

/// The ids of owned groups that neither listing shows: each needs a direct read.
pub fn absent_ids(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> BTreeSet<ObjectId> {
    let listed = |id: &ObjectId| {
        inputs.cloud.groups.value().contains_key(id) || inputs.cloud.deleted.value().contains(id)
    };
    holdings.owned.keys().filter(|id| !listed(id)).copied().collect()
}

struct Judge<'a> {
    inputs: &'a Inputs<'a>,
    holdings: &'a Holdings<'a>,
    standings: &'a [Standing],
    /// Indices of the policies, the strongest claim first.
    ranking: Vec<usize>,
    flags: Option<&'a BTreeMap<ObjectId, Flag>>,
}

impl<'a> Judge<'a> {
    fn new(inputs: &'a Inputs<'a>, holdings: &'a Holdings<'a>, claims: &mut Claims) -> Self {
        let standings = inputs.policies.policies.as_slice();
        let mut ranking: Vec<_> = standings.iter().enumerate().collect();
        ranking.sort_by_key(|(_, s)| (s.policy.precedence, s.policy.name.clone()));
        let ranking = ranking.into_iter().map(|(index, _)| index).collect();
        for standing in standings {
            if let Some(why) = unreadable(inputs, standing) {
                claims.incomplete = true;
                claims.stalled.insert(standing.policy.name.clone(), why);
            }
        }
        let flags = inputs.cloud.flags.as_ref().ok().map(Complete::value);
        Self { inputs, holdings, standings, ranking, flags }
    }

    fn standing(&self, name: &PolicyName) -> Option<(usize, &'a Standing)> {
        self.standings.iter().enumerate().find(|(_, s)| s.policy.name == *name)
    }

    /// The policies but `keeper`, the strongest claim first.
    fn others(&self, keeper: &PolicyName) -> impl Iterator<Item = (usize, &'a Standing)> {
        let ranked =
            self.ranking.iter().filter_map(|index| Some((*index, self.standings.get(*index)?)));
        ranked.filter(|(_, standing)| standing.policy.name != *keeper)
    }

    fn grounds(&self, group: &CloudGroup) -> Grounds<'a> {
        Grounds {
            flag: self.flags.and_then(|flags| flags.get(&group.id)),
            owned: self.has_object(group.id),
            new_groups: self.inputs.cloud.new_groups.as_ref().ok().copied(),
            controls: &self.inputs.cloud.controls,
        }
    }

    /// Whether the group has, or had, a directory group of ours.
    fn has_object(&self, id: ObjectId) -> bool {
        let memory = self.inputs.memory;
        self.holdings.owned.contains_key(&id)
            || memory.inventory.contains_key(&id)
            || memory.deleted.contains_key(&id)
            || matches!(buried::find(self.inputs, id), Buried::One(_))
    }

    fn verdict(&self, standing: &Standing, group: &CloudGroup) -> Verdict {
        verdict(&standing.policy, group, self.grounds(group))
    }
}

/// Why an input that the selection of a policy rests on cannot be read.
fn unreadable(inputs: &Inputs<'_>, standing: &Standing) -> Option<(Reason, String)> {
    let selection = &standing.policy.selection;
    let rule = selection.writeback_flag;
    if let (Err(unread), true) = (&inputs.cloud.flags, rule != FlagRule::Ignore) {
        return Some((Reason::WritebackFlagUnreadable, unread.reason.clone()));
    }
    if let (Err(unread), FlagRule::HonourTenantDefault) = (&inputs.cloud.new_groups, rule) {
        let message = format!("the tenant's default for new groups: {}", unread.reason);
        return Some((Reason::WritebackFlagUnreadable, message));
    }
    let entries = selection.include.iter().flatten().chain(&selection.exclude);
    let mut controls = entries.filter_map(|entry| Some((entry, entry.member_of?)));
    controls.find_map(|(entry, control)| {
        let why = match inputs.cloud.controls.get(&control) {
            Some(Ok(_)) => return None,
            Some(Err(unread)) => unread.reason.clone(),
            None => "it was not read".to_owned(),
        };
        let message = format!(
            "the control group {control} of {} cannot be read: {why}; no group enters or leaves \
             the policy",
            entry.place
        );
        Some((Reason::SelectionUnreadable, message))
    })
}

fn finding(
    policy: Option<&PolicyName>,
    group: ObjectId,
    code: FindingCode,
    message: String,
) -> Finding {
    Finding { policy: policy.cloned(), group: Some(group), code, message }
}
