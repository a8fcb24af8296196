//! Which policy a group belongs to, and what that means for it in this pass.
//!
//! A group with our record stays with the policy in the record; one without goes to the policy
//! with the lowest precedence that selects it. Doubt claims nothing: it leaves the group alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::decide::holdings::{Holdings, Owned};
use crate::decide::leave::{Leave, Proof};
use crate::decide::select::{Verdict, flag_is_on, names_by_id, verdict};
use crate::model::cloud::{Flag, Presence};
use crate::model::condition::Reason;
use crate::model::policy::{FlagRule, Mode, OnHardDeleted, Standing};
use crate::model::{CloudGroup, Finding, FindingCode, ObjectId, PolicyName};

/// What this pass may do about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is written as the policy says. The number is an index into the policies in force.
    Keep(usize),
    /// It leaves; its directory group stays as it is.
    Leaving(PolicyName, Leave),
    /// It is gone for good and its directory group is deleted.
    Delete(usize, Proof),
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
}

impl Claims {
    /// The groups whose members must be read.
    pub fn members_needed(&self) -> BTreeSet<ObjectId> {
        let kept = self.groups.iter().filter(|(_, claim)| matches!(claim, Claim::Keep(_)));
        kept.map(|(id, _)| *id).chain(self.observed.keys().copied()).collect()
    }
}

/// Judges every group of the tenant and every owned group.
pub fn claims(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> Claims {
    let mut claims = Claims::default();
    let judge = Judge::new(inputs, &mut claims);
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
    claims
}

/// What is said where the flag listing has no entry for a group: that is never taken as null.
const FLAG_UNKNOWN: &str = "the flag listing left the group out";

/// A policy that selects an unowned group, or may select it once its flag is known.
struct Bid<'a> {
    index: usize,
    standing: &'a Standing,
    sure: bool,
}

struct Judge<'a> {
    inputs: &'a Inputs<'a>,
    standings: &'a [Standing],
    /// Indices of the policies, the strongest claim first.
    ranking: Vec<usize>,
    flags: Option<&'a BTreeMap<ObjectId, Flag>>,
}

impl<'a> Judge<'a> {
    fn new(inputs: &'a Inputs<'a>, claims: &mut Claims) -> Self {
        let standings = inputs.policies.policies.as_slice();
        let mut ranking: Vec<_> = standings.iter().enumerate().collect();
        ranking.sort_by_key(|(_, s)| (s.policy.precedence, s.policy.name.clone()));
        let ranking = ranking.into_iter().map(|(index, _)| index).collect();
        let flags = match &inputs.cloud.flags {
            Ok(flags) => Some(flags.value()),
            Err(unread) => {
                let blind = standings
                    .iter()
                    .filter(|s| s.policy.selection.writeback_flag != FlagRule::Ignore);
                for standing in blind {
                    claims.incomplete = true;
                    let why = (Reason::WritebackFlagUnreadable, unread.reason.clone());
                    claims.stalled.insert(standing.policy.name.clone(), why);
                }
                None
            }
        };
        Self { inputs, standings, ranking, flags }
    }

    fn standing(&self, name: &PolicyName) -> Option<(usize, &'a Standing)> {
        self.standings.iter().enumerate().find(|(_, s)| s.policy.name == *name)
    }

    fn verdict(&self, standing: &Standing, group: &CloudGroup) -> Verdict {
        let flag = self.flags.and_then(|flags| flags.get(&group.id));
        verdict(&standing.policy, group, flag)
    }

    fn owned(&self, id: ObjectId, owned: &Owned<'_>, claims: &mut Claims) -> Claim {
        let name = &owned.record.policy;
        let Some((index, standing)) = self.standing(name) else {
            return self.orphan(id, owned, claims);
        };
        let policy = &standing.policy;
        if policy.suspend || policy.mode == Mode::Observe || claims.stalled.contains_key(name) {
            return Claim::Idle(name.clone());
        }
        let Some(group) = self.inputs.cloud.groups.value().get(&id) else {
            return self.absent(id, index, standing);
        };
        if self.inputs.cloud.deleted.value().contains(&id) {
            let why = "the tenant lists it both as a group and as deleted".to_owned();
            return Claim::Unknown(name.clone(), why);
        }
        match self.verdict(standing, group) {
            Verdict::Selected => {
                let rival = self.rival(group, standing, standing.policy.precedence);
                Self::conflict(group, standing, rival, claims);
                Claim::Keep(index)
            }
            Verdict::FlagOff => self.leaving(group, standing, Leave::FlagOff, claims),
            Verdict::FlagUnknown => Claim::Unknown(name.clone(), FLAG_UNKNOWN.to_owned()),
            Verdict::NotMatched => {
                let flag = self.flags.and_then(|flags| flags.get(&id));
                let off = flag.is_some_and(|flag| !flag_is_on(policy, group, flag));
                let leave = if off { Leave::FlagOff } else { Leave::OutOfScope };
                self.leaving(group, standing, leave, claims)
            }
            Verdict::Ineligible(code, message) => {
                claims.findings.push(finding(Some(name), id, code, message));
                self.leaving(group, standing, Leave::Ineligible, claims)
            }
        }
    }

    /// An owned group that its own policy does not take any more.
    fn leaving(
        &self,
        group: &CloudGroup,
        standing: &Standing,
        leave: Leave,
        claims: &mut Claims,
    ) -> Claim {
        let name = &standing.policy.name;
        let rival = self.rival(group, standing, u32::MAX);
        if rival.is_some() {
            Self::conflict(group, standing, rival, claims);
            return Claim::Leaving(name.clone(), Leave::Elsewhere);
        }
        if leave == Leave::OutOfScope && !self.inputs.policies.unparsed.is_empty() {
            // The document that cannot be parsed may select it.
            return Claim::Idle(name.clone());
        }
        Claim::Leaving(name.clone(), leave)
    }

    fn orphan(&self, id: ObjectId, owned: &Owned<'_>, claims: &mut Claims) -> Claim {
        let name = owned.record.policy.clone();
        if !self.inputs.policies.unparsed.is_empty() {
            // The policy may be in the file that cannot be parsed: nothing leaves meanwhile.
            return Claim::Idle(name);
        }
        let message = format!(
            "{} belongs to the policy {name}, which is not there; it stays as it is",
            owned.group.dn
        );
        claims.findings.push(finding(Some(&name), id, FindingCode::Orphaned, message));
        Claim::Leaving(name, Leave::Orphaned)
    }

    /// An owned group that the listing of groups does not show.
    fn absent(&self, id: ObjectId, index: usize, standing: &Standing) -> Claim {
        let policy = &standing.policy;
        let unknown = |why: String| Claim::Unknown(policy.name.clone(), why);
        if self.inputs.cloud.deleted.value().contains(&id) {
            return Claim::Leaving(policy.name.clone(), Leave::SoftDeleted);
        }
        let deletes = policy.on_hard_deleted == OnHardDeleted::Delete
            && policy.mode == Mode::Sync
            && !standing.last_good;
        match self.inputs.presence.get(&id) {
            Some(Presence::Absent) if deletes => Claim::Delete(index, self.proof(id)),
            Some(Presence::Absent) => Claim::Leaving(policy.name.clone(), Leave::HardDeleted),
            Some(Presence::There) => {
                unknown("the listing left the group out, yet a direct read finds it".to_owned())
            }
            Some(Presence::Unread(unread)) => {
                unknown(format!("whether it still exists could not be read: {}", unread.reason))
            }
            None => unknown("whether it still exists was not asked".to_owned()),
        }
    }

    fn proof(&self, id: ObjectId) -> Proof {
        let since = self.inputs.memory.absent_since.get(&id);
        let waited = since.map(|since| self.inputs.cloud.groups.begun().duration_since(*since));
        match waited {
            Some(waited) if waited >= self.inputs.confirm_after => Proof::Confirmed,
            Some(_) | None => Proof::Once,
        }
    }

    /// The strongest policy but `keeper` that writes, selects the group, and has no higher
    /// precedence number than `weakest`.
    fn rival(&self, group: &CloudGroup, keeper: &Standing, weakest: u32) -> Option<&'a Standing> {
        self.ranking.iter().filter_map(|other| self.standings.get(*other)).find(|standing| {
            let policy = &standing.policy;
            policy.name != keeper.policy.name
                && policy.mode != Mode::Observe
                && policy.precedence <= weakest
                && self.verdict(standing, group) == Verdict::Selected
        })
    }

    /// Tells that `rival` selects a group which its record gives to `keeper`.
    fn conflict(
        group: &CloudGroup,
        keeper: &Standing,
        rival: Option<&Standing>,
        claims: &mut Claims,
    ) {
        let Some(rival) = rival else { return };
        let message = format!(
            "{:?} stays with the policy {} of its record, although {} selects it",
            group.display_name, keeper.policy.name, rival.policy.name
        );
        let code = FindingCode::PolicyConflict;
        claims.findings.push(finding(Some(&keeper.policy.name), group.id, code, message));
    }

    /// A cloud group without a directory group of ours.
    fn unowned(&self, group: &CloudGroup, claims: &mut Claims) {
        if self.inputs.cloud.deleted.value().contains(&group.id) {
            return;
        }
        let mut bids: Vec<Bid<'a>> = Vec::new();
        for index in &self.ranking {
            let Some(standing) = self.standings.get(*index) else { continue };
            let policy = &standing.policy;
            match self.verdict(standing, group) {
                Verdict::Selected => bids.push(Bid { index: *index, standing, sure: true }),
                Verdict::FlagUnknown => bids.push(Bid { index: *index, standing, sure: false }),
                Verdict::FlagOff | Verdict::NotMatched => {}
                Verdict::Ineligible(code, message) => {
                    let quiet =
                        code == FindingCode::MasteredOnPremises && !names_by_id(policy, group);
                    if !quiet {
                        claims.findings.push(finding(Some(&policy.name), group.id, code, message));
                    }
                }
            }
        }
        bids.retain(|bid| {
            bid.standing.policy.mode != Mode::Observe || !bid.standing.policy.suspend
        });
        if let Some(first) = bids.first()
            && first.standing.policy.mode == Mode::Observe
            && first.sure
        {
            claims.observed.insert(group.id, first.index);
        }
        bids.retain(|bid| bid.standing.policy.mode != Mode::Observe);
        Self::take(group, &bids, claims);
    }

    /// Gives an unowned group to the strongest of the policies that select it.
    fn take(group: &CloudGroup, bids: &[Bid<'_>], claims: &mut Claims) {
        let Some(first) = bids.first() else { return };
        let (policy, name) = (&first.standing.policy, &first.standing.policy.name);
        let equal = |bid: &&Bid<'_>| bid.standing.policy.precedence == policy.precedence;
        let equals: Vec<_> = bids.iter().take_while(equal).collect();
        if let Some(unsure) = equals.iter().find(|bid| !bid.sure) {
            let claim = if claims.stalled.contains_key(&unsure.standing.policy.name) {
                Claim::Idle(name.clone())
            } else {
                claims.incomplete = true;
                Claim::Unknown(name.clone(), FLAG_UNKNOWN.to_owned())
            };
            claims.groups.insert(group.id, claim);
            return;
        }
        if let Some(second) = equals.get(1) {
            let message = format!(
                "{:?} is selected by {name} and {} with equal precedence; it is left alone until \
                 one of them has a lower number",
                group.display_name, second.standing.policy.name
            );
            let code = FindingCode::PolicyConflict;
            claims.findings.push(finding(Some(name), group.id, code, message));
            return;
        }
        let claim = if policy.suspend || claims.stalled.contains_key(name) {
            Claim::Idle(name.clone())
        } else {
            Claim::Keep(first.index)
        };
        claims.groups.insert(group.id, claim);
    }

    fn missing_ids(&self, claims: &mut Claims) {
        for standing in self.standings {
            let policy = &standing.policy;
            let entries = policy.selection.include.iter().flatten();
            for id in entries.filter_map(|entry| entry.ids.as_ref()).flatten() {
                let known = self.inputs.cloud.groups.value().contains_key(id)
                    || self.inputs.cloud.deleted.value().contains(id);
                if !known {
                    let message =
                        format!("the policy names {id}, which no group of the tenant has");
                    let code = FindingCode::IdNotFound;
                    claims.findings.push(finding(Some(&policy.name), *id, code, message));
                }
            }
        }
    }
}

/// The ids of owned groups that neither listing shows: each needs a direct read.
pub fn absent_ids(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> BTreeSet<ObjectId> {
    let listed = |id: &ObjectId| {
        inputs.cloud.groups.value().contains_key(id) || inputs.cloud.deleted.value().contains(id)
    };
    holdings.owned.keys().filter(|id| !listed(id)).copied().collect()
}

fn finding(
    policy: Option<&PolicyName>,
    group: ObjectId,
    code: FindingCode,
    message: String,
) -> Finding {
    Finding { policy: policy.cloned(), group: Some(group), code, message }
}
