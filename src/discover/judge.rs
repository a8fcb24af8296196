//! What a pass would find: `decide` is asked with the policies in force, and once more for each
//! policy that only observes or is suspended, as if it wrote.
//!
//! Where no policy is in force, the recommended one stands in: somebody who begins learns what it
//! would meet. Nothing here is a plan; only findings are taken over.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::claim::{self, Claim};
use crate::decide::holdings::holdings;
use crate::decide::{Decision, Inputs, decide};
use crate::discover::{Code, Estate, Problem, Told, Value, approach, fact, number, text};
use crate::model::cloud::{Links, MemberKind};
use crate::model::policy::{Mode, Nested, Policy, PolicySet, Standing};
use crate::model::{
    CloudListing, CloudMembers, Complete, DirectorySnapshot, Finding, FindingCode, Memory,
    ObjectId, PolicyName,
};

/// The members that have to be read.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    /// Of these groups.
    pub groups: BTreeSet<ObjectId>,
    /// Those of them that are written without nesting: what is nested in them is read as well.
    pub flat: BTreeSet<ObjectId>,
}

/// What becomes of groups that policies select.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// The policy that has each group.
    pub(super) takers: BTreeMap<ObjectId, PolicyName>,
    /// Why a policy does not write a group that it selects.
    pub(super) blocked: BTreeMap<(PolicyName, ObjectId), FindingCode>,
}

/// One question to `decide`.
struct Question {
    policies: PolicySet,
    /// Only what is found of this policy counts.
    only: Option<PolicyName>,
}

/// The policies in force, else the recommended ones.
pub(super) fn considered<'a>(estate: &Estate<'a>) -> &'a PolicySet {
    if !estate.policies.policies.is_empty() {
        return estate.policies;
    }
    let (approach, _) = approach::choose(estate);
    estate.ready.get(&approach).unwrap_or(estate.policies)
}

/// The policies in force, else those of both approaches.
pub(super) fn shown<'a>(estate: &Estate<'a>) -> Vec<&'a Policy> {
    let in_force = estate.policies.policies.as_slice();
    let ready = estate.ready.values().flat_map(|set| &set.policies);
    let all: Vec<&Standing> =
        if in_force.is_empty() { ready.collect() } else { in_force.iter().collect() };
    all.into_iter().map(|standing| &standing.policy).collect()
}

fn both<'a>(estate: &Estate<'a>) -> Option<(&'a CloudListing, &'a DirectorySnapshot)> {
    let cloud = estate.tenant.as_ref().ok()?.listing.ok()?;
    let directory = estate.domain.as_ref().ok()?.snapshot.ok()?;
    Some((cloud, directory))
}

fn questions(estate: &Estate<'_>) -> Vec<Question> {
    let considered = considered(estate);
    let mut questions = vec![Question { policies: considered.clone(), only: None }];
    for standing in &considered.policies {
        let policy = &standing.policy;
        if policy.mode != Mode::Observe && !policy.suspend {
            continue;
        }
        let mode = if policy.mode == Mode::Observe { Mode::Sync } else { policy.mode };
        let policy = Policy { mode, suspend: false, ..policy.clone() };
        let only = Some(policy.name.clone());
        let policies = vec![Standing { policy, last_good: false, revision: None }];
        questions.push(Question {
            policies: PolicySet {
                policies,
                unparsed: considered.unparsed.clone(),
                approvals: Vec::new(),
            },
            only,
        });
    }
    questions
}

fn with_inputs<T>(
    estate: &Estate<'_>,
    policies: &PolicySet,
    memory: &Memory,
    then: impl FnOnce(&Inputs<'_>) -> T,
) -> Option<T> {
    let (cloud, directory) = both(estate)?;
    Some(then(&Inputs {
        owner: estate.owner,
        containers: estate.containers,
        policies,
        cloud,
        presence: estate.presence,
        directory,
        memory,
        confirm_after: estate.confirm_after,
    }))
}

/// The cloud groups that have a directory group of ours.
pub(super) fn owned(estate: &Estate<'_>) -> BTreeSet<ObjectId> {
    let memory = Memory::default();
    let owned = with_inputs(estate, estate.policies, &memory, |inputs| {
        holdings(inputs).owned.into_keys().collect()
    });
    owned.unwrap_or_default()
}

pub(super) fn absent(estate: &Estate<'_>) -> BTreeSet<ObjectId> {
    let memory = Memory::default();
    let absent = with_inputs(estate, estate.policies, &memory, |inputs| {
        claim::absent_ids(inputs, &holdings(inputs))
    });
    absent.unwrap_or_default()
}

pub(super) fn needed(estate: &Estate<'_>) -> Needed {
    let memory = Memory::default();
    let mut needed = Needed::default();
    for Question { policies, .. } in questions(estate) {
        let members = with_inputs(estate, &policies, &memory, |inputs| {
            claim::claims(inputs, &holdings(inputs)).members_needed()
        });
        for (id, index) in members.unwrap_or_default() {
            needed.groups.insert(id);
            let standing = policies.policies.get(index);
            if standing.is_some_and(|one| one.policy.members.nested == Nested::Flatten) {
                needed.flat.insert(id);
            }
        }
    }
    needed
}

pub(super) fn tell(estate: &Estate<'_>, members: &CloudMembers, told: &mut Told) -> Judged {
    facts(estate, told);
    let mut judged = Judged { takers: takers(estate), ..Judged::default() };
    let memory = Memory { linkless: linkless(members), ..Memory::default() };
    for Question { policies, only } in questions(estate) {
        let decision = with_inputs(estate, &policies, &memory, |inputs| decide(inputs, members));
        let Some(decision) = decision else { break };
        told.incomplete |= decision.incomplete;
        take(estate, &decision, only.as_ref(), told);
        let findings = decision.findings.into_iter().filter(|finding| stops(finding.code));
        judged.blocked.extend(
            findings.filter_map(|finding| Some(((finding.policy?, finding.group?), finding.code))),
        );
    }
    judged
}

/// Which policy has which group, by the policies in force alone: what only observes has none.
fn takers(estate: &Estate<'_>) -> BTreeMap<ObjectId, PolicyName> {
    let memory = Memory::default();
    let takers = with_inputs(estate, estate.policies, &memory, |inputs| {
        let claims = claim::claims(inputs, &holdings(inputs));
        let taken = claims.groups.into_iter().filter_map(|(id, claim)| match claim {
            Claim::Keep(index) => {
                Some((id, inputs.policies.policies.get(index)?.policy.name.clone()))
            }
            Claim::Leaving(name, _) | Claim::Unknown(name, _) | Claim::Idle(name) => {
                Some((id, name))
            }
            Claim::Departing(departing) => {
                Some((id, inputs.policies.policies.get(departing.policy)?.policy.name.clone()))
            }
        });
        taken.collect()
    });
    takers.unwrap_or_default()
}

/// Whether a finding of a group keeps the whole group from being written.
fn stops(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::AnchorChanged
            | FindingCode::AnchorNotUnique
            | FindingCode::ExpressionFailed
            | FindingCode::Foreign
            | FindingCode::ImpossibleName
            | FindingCode::MembersUnread
            | FindingCode::NameTaken
            | FindingCode::OutsideContainers
            | FindingCode::OwnedElsewhere
            | FindingCode::PolicyConflict
            | FindingCode::TooManyMembers
            | FindingCode::UnsupportedGroupType
    )
}

fn facts(estate: &Estate<'_>, told: &mut Told) {
    let names = |set: &PolicySet| {
        set.policies.iter().map(|standing| standing.policy.name.to_string()).collect()
    };
    let mut facts = vec![
        fact("in force", Value::List(names(estate.policies))),
        fact("that cannot be parsed", number(estate.policies.unparsed.len())),
    ];
    if estate.policies.policies.is_empty() {
        let (approach, _) = approach::choose(estate);
        let what = format!("the recommended one ({}) is judged instead", approach.word());
        facts.push(fact("none in force", text(what)));
    }
    told.section("policies", facts);
}

/// Every user that shows no link in this complete read: for a pass that knows nothing of earlier
/// ones that is a lost link, but here nothing is removed and the plain truth is what counts.
fn linkless(members: &CloudMembers) -> BTreeSet<ObjectId> {
    if members.links != Links::Readable {
        return BTreeSet::new();
    }
    let all = members.of.values().flatten().flat_map(Complete::value);
    let bare = all.filter(|member| matches!(&member.kind, MemberKind::User(l) if l.is_empty()));
    bare.map(|member| member.id).collect()
}

/// Whether the surveys tell it better, for every group and not only for selected ones.
fn is_surveyed(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::UnsupportedGroupKind
            | FindingCode::ConvertedFromDirectory
            | FindingCode::HiddenMembership
            | FindingCode::Foreign
            | FindingCode::OwnedElsewhere
    )
}

/// Takes over what one decision found.
fn take(estate: &Estate<'_>, decision: &Decision, only: Option<&PolicyName>, told: &mut Told) {
    let counts = |finding: &&Finding| match only {
        None => true,
        // Asked alone, a policy seems to leave the groups of all others without one.
        Some(name) => {
            finding.policy.as_ref() == Some(name)
                && !matches!(finding.code, FindingCode::Orphaned | FindingCode::PolicyConflict)
        }
    };
    let mut spoken_of: BTreeSet<ObjectId> = BTreeSet::new();
    for finding in decision.findings.iter().filter(counts) {
        spoken_of.extend(finding.group);
        if is_surveyed(finding.code) {
            continue;
        }
        let subject = match (finding.group, &finding.policy) {
            (Some(id), _) => name(estate, id),
            (None, Some(policy)) => policy.to_string(),
            (None, None) => "tenant".to_owned(),
        };
        let problem = Problem::finding(finding.code, subject, &finding.message);
        told.problem(match &finding.policy {
            Some(policy) => problem.of_policy(policy),
            None => problem,
        });
    }
    for (policy, (_, message)) in &decision.stalled {
        let problem = Problem::new(Code::PolicyStalled, policy.as_str(), message);
        told.problem(problem.of_policy(policy));
    }
    let silent: BTreeMap<_, _> =
        decision.unknown.iter().filter(|(id, _)| !spoken_of.contains(id)).collect();
    for (id, reason) in silent {
        told.problem(Problem::finding(FindingCode::Unknown, name(estate, *id), reason));
    }
}

/// A group's display name, else its id.
fn name(estate: &Estate<'_>, id: ObjectId) -> String {
    let listing = estate.tenant.as_ref().ok().and_then(|side| side.listing.ok());
    let group = listing.and_then(|listing| listing.groups.value().get(&id));
    group.map_or_else(|| id.to_string(), |group| group.display_name.clone())
}
