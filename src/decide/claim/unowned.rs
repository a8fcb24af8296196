//! Groups without a directory group of ours: the strongest policy that selects one takes it.
//!
//! Between equal numbers none does: nothing says who should.

use super::{Claim, Claims, Judge, finding};
use crate::decide::select::{Verdict, names_by_id};
use crate::model::policy::{Mode, Standing};
use crate::model::{CloudGroup, FindingCode};

/// A policy that selects an unowned group, or may select it.
struct Bid<'a> {
    index: usize,
    standing: &'a Standing,
    /// Why it is not known whether it does.
    doubt: Option<String>,
}

impl<'a> Judge<'a> {
    /// A cloud group without a directory group of ours.
    pub(super) fn unowned(&self, group: &CloudGroup, claims: &mut Claims) {
        if self.inputs.cloud.deleted.value().contains(&group.id) {
            return;
        }
        let mut bids: Vec<Bid<'a>> = Vec::new();
        for index in &self.ranking {
            let Some(standing) = self.standings.get(*index) else { continue };
            let policy = &standing.policy;
            match self.verdict(standing, group) {
                Verdict::Selected => bids.push(Bid { index: *index, standing, doubt: None }),
                Verdict::Unknown(reason, code) => {
                    if let Some(code) = code {
                        let told = finding(Some(&policy.name), group.id, code, reason.clone());
                        claims.findings.push(told);
                    }
                    bids.push(Bid { index: *index, standing, doubt: Some(reason) });
                }
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
            && first.doubt.is_none()
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
        let unsure = equals.iter().find_map(|bid| Some((bid, bid.doubt.as_ref()?)));
        if let Some((unsure, reason)) = unsure {
            let claim = if claims.stalled.contains_key(&unsure.standing.policy.name) {
                Claim::Idle(name.clone())
            } else {
                claims.incomplete = true;
                Claim::Unknown(name.clone(), reason.clone())
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

    pub(super) fn missing_ids(&self, claims: &mut Claims) {
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
