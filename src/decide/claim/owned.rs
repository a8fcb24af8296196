//! Groups with our record: they keep the policy in it, go over to a stronger one, or leave.
//!
//! Case tables: SEMANTICS 3 "Claims" and 7. Of several events only the first of this order counts:
//! hard-deleted, soft-deleted, flag off, out of scope.

use super::{Claim, Claims, Judge, finding};
use crate::decide::depart::{Departing, Readiness};
use crate::decide::holdings::Owned;
use crate::decide::select::{FLAG_UNKNOWN, Verdict, flag_is_on};
use crate::defence::stands;
use crate::model::cloud::Presence;
use crate::model::policy::{Departure, FlagRule, Mode, Standing};
use crate::model::{CloudGroup, FindingCode, Leave, ObjectId, PolicyName};

/// What the other policies make of a group.
enum Rivalry<'a> {
    /// None of them selects it.
    Nobody,
    /// This one takes it over.
    Taker(usize, &'a Standing),
    /// This one selects it, but takes nothing now or has an equal that selects it too.
    Claimant(&'a Standing),
    /// Whether this one selects it is not known.
    Open(&'a Standing, String),
}

impl<'a> Judge<'a> {
    pub(super) fn owned(&self, id: ObjectId, owned: &Owned<'_>, claims: &mut Claims) -> Claim {
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
            Verdict::Selected => self.kept(group, index, standing, claims),
            Verdict::FlagOff => self.leaving(group, index, standing, Ok(Leave::FlagOff), claims),
            Verdict::Unknown(reason, code) => {
                if let Some(code) = code {
                    claims.findings.push(finding(Some(name), id, code, reason.clone()));
                }
                Claim::Unknown(name.clone(), reason)
            }
            Verdict::NotMatched => {
                self.leaving(group, index, standing, self.unmatched(group, standing), claims)
            }
            Verdict::Ineligible(code, message) => {
                claims.findings.push(finding(Some(name), id, code, message));
                self.leaving(group, index, standing, Ok(Leave::Ineligible), claims)
            }
        }
    }

    /// An owned group that its own policy selects: a policy with a lower number takes it over,
    /// one with the same number does not.
    fn kept(
        &self,
        group: &CloudGroup,
        index: usize,
        standing: &Standing,
        claims: &mut Claims,
    ) -> Claim {
        let own = standing.policy.precedence;
        match self.rivalry(group, &standing.policy.name, claims) {
            Rivalry::Taker(taker, rival) if rival.policy.precedence < own => {
                if standing.last_good {
                    Claim::Keep(index)
                } else {
                    Claim::Keep(taker)
                }
            }
            Rivalry::Taker(_, rival) | Rivalry::Claimant(rival)
                if rival.policy.precedence <= own =>
            {
                Self::conflict(group, &standing.policy.name, rival, claims);
                Claim::Keep(index)
            }
            Rivalry::Taker(..) | Rivalry::Claimant(_) | Rivalry::Nobody | Rivalry::Open(..) => {
                Claim::Keep(index)
            }
        }
    }

    /// Why a group leaves that no entry of its policy takes: a flag that is off comes first, and
    /// one that is not listed leaves open which event it is.
    fn unmatched(&self, group: &CloudGroup, standing: &Standing) -> Result<Leave, String> {
        let policy = &standing.policy;
        if policy.selection.writeback_flag == FlagRule::Ignore {
            return Ok(Leave::OutOfScope);
        }
        let grounds = self.grounds(group);
        let flag = grounds.flag.ok_or_else(|| FLAG_UNKNOWN.to_owned())?;
        let off = flag_is_on(policy, group, flag, grounds) == Some(false);
        Ok(if off { Leave::FlagOff } else { Leave::OutOfScope })
    }

    /// An owned group that its own policy does not take any more.
    fn leaving(
        &self,
        group: &CloudGroup,
        index: usize,
        standing: &Standing,
        leave: Result<Leave, String>,
        claims: &mut Claims,
    ) -> Claim {
        let name = &standing.policy.name;
        match self.rivalry(group, name, claims) {
            Rivalry::Taker(taker, _) if !standing.last_good => return Claim::Keep(taker),
            Rivalry::Taker(_, rival) | Rivalry::Claimant(rival) => {
                Self::conflict(group, name, rival, claims);
                return Claim::Leaving(name.clone(), Leave::Elsewhere);
            }
            Rivalry::Open(rival, _) if claims.stalled.contains_key(&rival.policy.name) => {
                return Claim::Idle(name.clone());
            }
            Rivalry::Open(rival, reason) => {
                let message = format!("whether {} selects it: {reason}", rival.policy.name);
                return Claim::Unknown(name.clone(), message);
            }
            Rivalry::Nobody => {}
        }
        let by_policy = matches!(leave, Ok(Leave::OutOfScope | Leave::FlagOff) | Err(_));
        if by_policy && !self.inputs.policies.unparsed.is_empty() {
            // The document that cannot be parsed may select it, whatever its flag says.
            return Claim::Idle(name.clone());
        }
        match leave {
            Ok(leave) => self.depart(group.id, index, standing, leave),
            Err(reason) => Claim::Unknown(name.clone(), reason),
        }
    }

    /// An owned group whose policy is not there any more.
    fn orphan(&self, id: ObjectId, owned: &Owned<'_>, claims: &mut Claims) -> Claim {
        let name = owned.record.policy.clone();
        if !self.inputs.policies.unparsed.is_empty() {
            // The policy may be in the file that cannot be parsed: nothing leaves meanwhile.
            return Claim::Idle(name);
        }
        let group = self.inputs.cloud.groups.value().get(&id);
        let is_there = !self.inputs.cloud.deleted.value().contains(&id);
        if let Some(group) = group.filter(|_| is_there) {
            match self.rivalry(group, &name, claims) {
                Rivalry::Taker(taker, _) => return Claim::Keep(taker),
                Rivalry::Claimant(rival) => Self::conflict(group, &name, rival, claims),
                Rivalry::Nobody | Rivalry::Open(..) => {}
            }
        }
        let message = format!(
            "{} belongs to the policy {name}, which is not there; it stays as it is until another \
             policy selects it",
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
            return self.depart(id, index, standing, Leave::SoftDeleted);
        }
        match self.inputs.presence.get(&id) {
            Some(Presence::Absent) => self.depart(id, index, standing, Leave::HardDeleted),
            Some(Presence::There) => {
                unknown("the listing left the group out, yet a direct read finds it".to_owned())
            }
            Some(Presence::Unread(unread)) => {
                unknown(format!("whether it still exists could not be read: {}", unread.reason))
            }
            None => unknown("whether it still exists was not asked".to_owned()),
        }
    }

    /// What the policy says about a group that leaves it.
    fn depart(&self, id: ObjectId, index: usize, standing: &Standing, leave: Leave) -> Claim {
        let policy = &standing.policy;
        let deletion = &policy.deletion;
        let departure = match leave {
            Leave::HardDeleted => deletion.on_hard_deleted,
            Leave::SoftDeleted => deletion.on_soft_deleted,
            Leave::FlagOff => deletion.on_disabled,
            Leave::OutOfScope => deletion.on_out_of_scope,
            Leave::Ineligible | Leave::Elsewhere | Leave::Orphaned => Departure::Retain,
        };
        // Who removes nothing, and a policy whose file cannot be parsed, lets every group stay.
        if departure == Departure::Retain || policy.mode != Mode::Sync || standing.last_good {
            return Claim::Leaving(policy.name.clone(), leave);
        }
        let mut readiness = self.readiness(id, standing, leave);
        // A process that has just begun deletes nothing: it has seen nothing twice.
        let first = self.inputs.memory.passes == 0 && departure == Departure::Delete;
        if first && readiness == Readiness::Now {
            readiness = Readiness::Unconfirmed;
        }
        Claim::Departing(Departing { policy: index, leave, departure, readiness })
    }

    fn readiness(&self, id: ObjectId, standing: &Standing, leave: Leave) -> Readiness {
        let memory = self.inputs.memory;
        let begun = self.inputs.cloud.groups.begun();
        if leave == Leave::HardDeleted {
            let since = memory.absent_since.get(&id);
            let waited = since.map(|since| begun.duration_since(*since));
            let early = waited.is_none_or(|waited| waited < self.inputs.confirm_after);
            if early && stands("H13") {
                return Readiness::Unconfirmed;
            }
        }
        let grace = standing.policy.deletion.grace;
        let since = memory.left.get(&id).filter(|(event, _)| *event == leave);
        let since = since.map_or(begun, |(_, since)| *since);
        if begun.duration_since(since) >= grace || !stands("H14") {
            return Readiness::Now;
        }
        // A grace is at most a year: the sum stays far inside the range of timestamps.
        Readiness::Grace(since.checked_add(grace).unwrap_or(jiff::Timestamp::MAX))
    }

    /// What the policies but the one in the record make of a group. Those that only observe take
    /// nothing.
    fn rivalry(&self, group: &CloudGroup, keeper: &PolicyName, claims: &Claims) -> Rivalry<'a> {
        let mut best: Option<(usize, &'a Standing)> = None;
        for (index, standing) in self.others(keeper) {
            let policy = &standing.policy;
            if policy.mode == Mode::Observe {
                continue;
            }
            if let Some((_, first)) = best
                && policy.precedence > first.policy.precedence
            {
                break;
            }
            let is_stalled = claims.stalled.contains_key(&policy.name);
            match (self.verdict(standing, group), best) {
                (Verdict::Selected, Some(_)) => return Rivalry::Claimant(standing),
                (Verdict::Selected, None) if is_stalled => {
                    let reason = format!("the policy {} is stalled", policy.name);
                    return Rivalry::Open(standing, reason);
                }
                (Verdict::Selected, None) => best = Some((index, standing)),
                (Verdict::Unknown(reason, _), _) => return Rivalry::Open(standing, reason),
                (Verdict::FlagOff | Verdict::NotMatched | Verdict::Ineligible(..), _) => {}
            }
        }
        match best {
            None => Rivalry::Nobody,
            Some((_, standing)) if standing.policy.suspend || standing.last_good => {
                Rivalry::Claimant(standing)
            }
            Some((index, standing)) => Rivalry::Taker(index, standing),
        }
    }

    /// Tells that `rival` selects a group which stays with the policy of its record.
    fn conflict(group: &CloudGroup, keeper: &PolicyName, rival: &Standing, claims: &mut Claims) {
        let message = format!(
            "{:?} stays with the policy {keeper} of its record, although {} selects it",
            group.display_name, rival.policy.name
        );
        let code = FindingCode::PolicyConflict;
        claims.findings.push(finding(Some(keeper), group.id, code, message));
    }
}
