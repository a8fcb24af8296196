//! Floor 1: the verbs. From what should be and what is to a plan, without touching anything.
//!
//! No socket, no clock, no log; nothing here can fail. The same inputs in any order give the same
//! plan to the byte.
//!
//! `holdings` says whose groups are, `adopt` which a person gives to us, `privilege` which lead
//! into a protected group, `claim` (with `select`, `expression`) which policy a group
//! belongs to, `depart` how its directory group ends, `buried` what of it can be brought back.
//! `wanted` gathers what is needed to write a group, `members` and `nest` who is in it, `shape`
//! and `naming` (with `name`) what it is called, `content`, `convert`, `mail` and `form`
//! what else it holds.
//! `diff` puts the differences together (`rename` orders those of names, `cause` says why), `plan`
//! gives order and digest, `guard` says what may go on, `conclude` what is remembered (`idle` of
//! what nothing is said now), `conditions` what is told, `upward` who in the directory holds
//! written-back groups, `explain` why one group or person is where it is.

pub mod adopt;
pub mod begin;
pub mod buried;
pub mod cause;
pub mod claim;
pub mod conclude;
pub mod conditions;
pub mod content;
pub mod contest;
pub mod convert;
pub mod depart;
pub mod diff;
pub mod explain;
pub mod expression;
pub mod form;
pub mod guard;
pub mod holdings;
pub mod idle;
pub mod mail;
pub mod members;
pub mod name;
pub mod naming;
pub mod nest;
pub mod plan;
pub mod privilege;
pub mod rename;
pub mod select;
pub mod shape;
pub mod undo;
pub mod upward;
pub mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::decide::upward::Parents;
use crate::model::change::{Kind, MemberReference};
use crate::model::cloud::{Links, Presence};
use crate::model::condition::Reason;
use crate::model::directory::PrincipalClass;
use crate::model::memory::{Form, Intent};
use crate::model::policy::PolicySet;
use crate::model::record::RecordState;
use crate::model::{
    Change, CloudListing, CloudMembers, Complete, Containers, DirectorySnapshot, Finding,
    FindingCode, Inventory, Leave, Memory, ObjectGuid, ObjectId, Plan, PolicyName,
};

/// What a pass looks at before it knows whose members it needs.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// `metadata.name` of the daemon configuration: the owner in our records.
    pub owner: &'a str,
    /// Where groups may be written.
    pub containers: &'a Containers,
    /// The policies in force.
    pub policies: &'a PolicySet,
    /// The tenant's groups, deleted groups and flags.
    pub cloud: &'a CloudListing,
    /// What direct reads of missing ids answered.
    pub presence: &'a BTreeMap<ObjectId, Presence>,
    /// The domain.
    pub directory: &'a DirectorySnapshot,
    /// What earlier passes remember.
    pub memory: &'a Memory,
    /// How long a group must be gone before its directory group is deleted.
    pub confirm_after: SignedDuration,
}

/// What a plan has to ask the edges before it can be guarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Cloud principals of values that would be removed, by object: have they left the tenant?
    pub principals: BTreeMap<ObjectGuid, ObjectId>,
    /// Groups among those values: how many principals are inside?
    pub nested: BTreeSet<ObjectGuid>,
}

/// Groups that a selection would lose at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The freezes that wait, one for each group.
    pub lost: Vec<Change>,
    /// How many groups the policy kept when the last pass finished.
    pub of: usize,
    /// How many it may lose.
    pub limit: usize,
}

/// What a pass decided.
#[derive(Debug, Default)]
pub struct Decision {
    /// The changes.
    pub plan: Plan,
    /// What is worth telling, sorted.
    pub findings: Vec<Finding>,
    /// Policies that cannot be acted on.
    pub stalled: BTreeMap<PolicyName, (Reason, String)>,
    /// Groups of which nothing is changed because not enough is known, with the reason.
    pub unknown: BTreeMap<ObjectId, String>,
    /// A read that the plan depends on was not whole.
    pub incomplete: bool,
    /// The policies whose groups are concerned by that.
    pub blind: BTreeSet<PolicyName>,
    /// What each policy holds in the directory.
    pub inventory: BTreeMap<PolicyName, Inventory>,
    /// The groups of the directory that hold written-back groups.
    pub parents: Parents,
    /// What has to be asked before the plan can be guarded.
    pub asked: Asked,
    /// Groups that are protected, or lie in a protected group, with the path.
    pub privileged: BTreeMap<ObjectId, String>,
    /// Groups that selections would lose.
    pub shrunk: BTreeMap<PolicyName, Shrunk>,
    /// Objects that another writer contests, with the attribute.
    pub contested: BTreeMap<ObjectGuid, String>,
    /// What memory takes over when the pass ends.
    pub lessons: Lessons,
}

/// What a pass saw that the next one should know.
#[derive(Debug, Default)]
pub struct Lessons {
    /// The object of each owned group.
    pub inventory: BTreeMap<ObjectId, ObjectGuid>,
    /// The object each cloud principal led to.
    pub counterparts: BTreeMap<ObjectId, ObjectGuid>,
    /// Users without any link.
    pub linkless: BTreeSet<ObjectId>,
    /// Groups that are gone from every listing and from a direct read.
    pub absent: BTreeSet<ObjectId>,
    /// Groups that left their policy, with the event that counts.
    pub left: BTreeMap<ObjectId, Leave>,
    /// Values that the directory keeps in a form of its own.
    pub forms: BTreeMap<form::Spot, Form>,
    /// What each group is meant to be.
    pub intents: BTreeMap<ObjectId, Intent>,
    /// The policy that keeps each owned group.
    pub kept: BTreeMap<ObjectId, PolicyName>,
    /// The groups of which this pass does not say what should be, as items call them.
    pub idle: BTreeSet<String>,
}

impl Decision {
    fn tell(&mut self, policy: &PolicyName, id: ObjectId, code: FindingCode, message: String) {
        let policy = Some(policy.clone());
        self.findings.push(Finding { policy, group: Some(id), code, message });
    }

    /// Nothing of the group is changed: a read that it depends on was not whole.
    fn unknown(&mut self, policy: &PolicyName, id: ObjectId, reason: String) {
        self.blinded(policy);
        self.unknown.insert(id, reason);
    }

    /// A read that the policy's groups depend on was not whole.
    fn blinded(&mut self, policy: &PolicyName) {
        self.incomplete = true;
        self.blind.insert(policy.clone());
    }
}

/// Decides one pass: claims, members, differences, order.
pub fn decide(inputs: &Inputs<'_>, cloud: &CloudMembers) -> Decision {
    let mut holdings = holdings::holdings(inputs);
    let mut claims = claim::claims(inputs, &holdings);
    // What stood when the last pass finished does not count what this one takes up.
    let inventory = inventory(inputs, &holdings);
    holdings.adopt(adopt::adoptions(inputs, &claims, &holdings));
    let privileged = privilege::paths(inputs, &holdings);
    let stalled = std::mem::take(&mut claims.stalled);
    let mut decision = Decision {
        findings: std::mem::take(&mut claims.findings),
        incomplete: claims.incomplete,
        blind: stalled.keys().cloned().collect(),
        stalled,
        inventory,
        parents: upward::parents(inputs, &holdings, cloud),
        ..Decision::default()
    };
    decision.findings.extend(holdings.findings.iter().cloned());
    decision.findings.extend(privilege::findings(&holdings, &privileged));
    decision.privileged = privileged;
    links(inputs, cloud, &mut decision);
    decision.lessons.kept = kept(inputs, &holdings, &claims);
    decision.lessons.idle = idle::idle(inputs, &holdings, &claims);
    diff::diff(inputs, cloud, &claims, &holdings, &mut decision);
    decision.shrunk = claims.shrunk;
    contest::contest(inputs, &mut decision);
    plan::arrange(&mut decision.plan);
    decision.asked = asked(inputs, &decision.plan);
    decision.findings.sort();
    decision.findings.dedup();
    decision
}

/// Decides an errand: a plan that a person asks for, not a policy. `plan` puts the changes in.
pub fn errand(inputs: &Inputs<'_>, plan: impl FnOnce(&Inputs<'_>, &mut Decision)) -> Decision {
    let holdings = holdings::holdings(inputs);
    let privileged = privilege::paths(inputs, &holdings);
    let inventory = inventory(inputs, &holdings);
    let mut decision = Decision { inventory, privileged, ..Decision::default() };
    plan(inputs, &mut decision);
    plan::arrange(&mut decision.plan);
    decision.asked = asked(inputs, &decision.plan);
    decision.findings.sort();
    decision.findings.dedup();
    decision
}

/// The policy of every owned group that is written or waits; what leaves is not kept any more.
fn kept(
    inputs: &Inputs<'_>,
    holdings: &holdings::Holdings<'_>,
    claims: &claim::Claims,
) -> BTreeMap<ObjectId, PolicyName> {
    let policies = &inputs.policies.policies;
    let owned = claims.groups.iter().filter(|(id, _)| holdings.owned.contains_key(id));
    let kept = owned.filter_map(|(id, claim)| {
        let name = match claim {
            claim::Claim::Keep(index) => &policies.get(*index)?.policy.name,
            // Nothing is known that would take it out.
            claim::Claim::Unknown(..) | claim::Claim::Idle(_) => inputs.memory.kept.get(id)?,
            claim::Claim::Leaving(..) | claim::Claim::Departing(_) => return None,
        };
        Some((*id, name.clone()))
    });
    kept.collect()
}

/// What the guard has to know about the values that a plan takes out.
fn asked(inputs: &Inputs<'_>, plan: &Plan) -> Asked {
    let mut asked = Asked::default();
    let parts = plan.changes.iter().filter_map(|change| change.effect.member_part());
    let removed = parts.filter(|part| part.kind == Kind::RemoveMembers).map(|part| part.members);
    let removed: BTreeSet<_> = removed.flatten().filter_map(MemberReference::guid).collect();
    let principals = inputs.directory.principals.value();
    let is_group = |guid: &&ObjectGuid| {
        principals.get(*guid).is_none_or(|principal| principal.class == PrincipalClass::Group)
    };
    asked.nested = removed.iter().filter(is_group).copied().collect();
    let led = inputs.memory.counterparts.iter().filter(|(_, guid)| removed.contains(*guid));
    asked.principals = led.map(|(id, guid)| (*guid, *id)).collect();
    asked
}

/// Unreadable links concern every policy: nothing is removed anywhere, and that must show.
fn links(inputs: &Inputs<'_>, cloud: &CloudMembers, decision: &mut Decision) {
    let Links::Unreadable { reason } = &cloud.links else { return };
    decision.incomplete = true;
    decision.blind.extend(inputs.policies.policies.iter().map(|s| s.policy.name.clone()));
    decision.findings.push(Finding {
        policy: None,
        group: None,
        code: FindingCode::LinksUnreadable,
        message: format!("the links of users cannot be read: {reason}; nothing is removed"),
    });
}

/// What stood when the last pass finished: groups whose first fill was cut short are not part of
/// it, or an interrupted first writeback would be held for what it still has to do.
fn inventory(
    inputs: &Inputs<'_>,
    holdings: &holdings::Holdings<'_>,
) -> BTreeMap<PolicyName, Inventory> {
    let mut inventory: BTreeMap<PolicyName, Inventory> = BTreeMap::new();
    let mut principals: BTreeMap<PolicyName, Vec<ObjectGuid>> = BTreeMap::new();
    let filled = |owned: &&holdings::Owned<'_>| owned.record.state != RecordState::Filling;
    for owned in holdings.owned.values().filter(filled) {
        let entry = inventory.entry(owned.record.policy.clone()).or_default();
        let members = inputs.directory.members.get(&owned.group.guid);
        let members = members.and_then(|read| read.as_ref().ok());
        entry.groups += 1;
        entry.memberships += members.map_or(0, |read| read.value().len());
        let guids = members.into_iter().flat_map(Complete::value).map(|member| member.guid);
        principals.entry(owned.record.policy.clone()).or_default().extend(guids);
    }
    for (name, mut guids) in principals {
        guids.sort_unstable();
        guids.dedup();
        inventory.entry(name).or_default().principals = guids.len();
    }
    inventory
}
