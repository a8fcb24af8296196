//! Why a group is or is not written, under which name and by which rule; why a person is or is not
//! in it.
//!
//! From what a pass saw and decided to sentences, each with the place in a policy file that it
//! rests on. Nothing is decided here a second time: `claim` and `select` say what the policies make
//! of the group, `shape` what they call it, `members` who a member is, and the plan what waits.
//! `find` knows which group and which person is meant, `policies` tells of the selection, `place`
//! of name and directory group, `person` of a member, `tree` finds the way to one.

mod find;
mod person;
mod place;
mod policies;
mod tree;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub use find::{Found, Person, find_group, find_person};
pub use person::{Belonging, PersonAnswer};
pub use tree::nested_unread;

use crate::decide::claim::{Claim, Claims, claims};
use crate::decide::guard::Guarded;
use crate::decide::holdings::{Holdings, holdings};
use crate::decide::{Decision, Inputs, adopt, plan};
use crate::model::change::Kind;
use crate::model::cloud::Unread;
use crate::model::policy::{Place, Policy};
use crate::model::{
    Change, CloudGroup, CloudMember, CloudMembers, Complete, Finding, GroupKind, ObjectId,
    PolicyName,
};

/// Direct members of groups, by group.
pub type Direct = BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>>;

/// What a pass saw and decided.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What it looked at.
    pub inputs: &'a Inputs<'a>,
    /// The members that it read.
    pub members: &'a CloudMembers,
    /// Members of further groups, read to explain a person.
    pub nested: &'a Direct,
    /// What it decided.
    pub decision: &'a Decision,
    /// What the guard said.
    pub guarded: &'a Guarded,
}

/// What a group is to this daemon. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum State {
    /// A policy writes it.
    Written,
    /// A policy takes it, and its directory group waits to be made or brought back.
    Awaited,
    /// A policy takes it, but something stands in the way.
    Blocked,
    /// Its directory group stays as it is.
    Frozen,
    /// Its directory group is disabled, quarantined or deleted.
    Ending,
    /// Not enough is known of it.
    Unknown,
    /// Its policy writes nothing now.
    Idle,
    /// An observing policy would take it.
    Observed,
    /// No policy takes it.
    NotWritten,
}

/// A sentence, and the place in a policy file that it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// For people; names in it come from people who own groups.
    pub text: String,
    /// Where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Sentence {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: None }
    }

    fn at(text: impl Into<String>, place: &Place) -> Self {
        Self { text: text.into(), place: Some(place.clone()) }
    }
}

/// A change of the group, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Admitted, Held, Frozen, Unconfirmed or Observed, as in a plan.
    pub admission: &'static str,
    /// The change.
    pub change: Change,
    /// Why it is held.
    pub holds: Vec<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Everything there is to say of a group.
#[derive(Debug)]
pub struct Explanation {
    /// The cloud group.
    pub group: ObjectId,
    /// Its display name, where the tenant lists it.
    pub display_name: Option<String>,
    /// What it is to this daemon.
    pub state: State,
    /// The policy that has it, or would have it.
    pub policy: Option<PolicyName>,
    /// What it comes to.
    pub summary: Vec<Sentence>,
    /// What each policy says, the strongest claim first.
    pub policies: Vec<Sentence>,
    /// What it is called and where it stands, and by which rule.
    pub name: Vec<Sentence>,
    /// Its directory group.
    pub directory: Vec<Sentence>,
    /// What waits.
    pub waiting: Vec<Waiting>,
    /// What was found of it, and of its policy as a whole.
    pub findings: Vec<Finding>,
    /// Why a person is in it or not.
    pub person: Option<PersonAnswer>,
    /// A read that the answer depends on was not whole.
    pub incomplete: bool,
}

/// What is looked at for one group.
struct View<'a> {
    case: Case<'a>,
    id: ObjectId,
    cloud: Option<&'a CloudGroup>,
    holdings: &'a Holdings<'a>,
    claims: &'a Claims,
}

/// Explains a group, and a person in it.
pub fn explain(case: &Case<'_>, id: ObjectId, person: Option<&Person>) -> Explanation {
    let inputs = case.inputs;
    let mut holdings = holdings(inputs);
    let claims = claims(inputs, &holdings);
    holdings.adopt(adopt::adoptions(inputs, &claims, &holdings));
    let cloud = inputs.cloud.groups.value().get(&id);
    let view = View { case: *case, id, cloud, holdings: &holdings, claims: &claims };
    let policy = view.policy();
    let name = policy.as_ref().map(|policy| &policy.name);
    let findings = case.decision.findings.iter().filter(|finding| {
        let of_policy = finding.policy.is_none() || finding.policy.as_ref() == name;
        finding.group == Some(id) || (finding.group.is_none() && of_policy)
    });
    Explanation {
        group: id,
        display_name: cloud.map(|group| group.display_name.clone()),
        state: view.state(),
        policy: name.cloned().or_else(|| view.keeper()),
        summary: view.summary(),
        policies: view.policies(),
        name: policy.map(|policy| view.name(policy)).unwrap_or_default(),
        directory: view.directory(),
        waiting: view.waiting(),
        findings: findings.cloned().collect(),
        person: person.map(|person| view.person(person)),
        incomplete: view.is_unsure(),
    }
}

impl<'a> View<'a> {
    /// The policy that writes the group, or would.
    fn policy(&self) -> Option<&'a Policy> {
        let policies = &self.case.inputs.policies.policies;
        let index = match self.claims.groups.get(&self.id) {
            Some(Claim::Keep(index)) => Some(index),
            Some(
                Claim::Leaving(..) | Claim::Departing(_) | Claim::Unknown(..) | Claim::Idle(_),
            ) => None,
            None => self.claims.observed.get(&self.id),
        };
        index.and_then(|index| policies.get(*index)).map(|standing| &standing.policy)
    }

    /// The policy that the group belongs to without being written by it.
    fn keeper(&self) -> Option<PolicyName> {
        match self.claims.groups.get(&self.id)? {
            Claim::Leaving(name, _) | Claim::Unknown(name, _) | Claim::Idle(name) => {
                Some(name.clone())
            }
            Claim::Departing(departing) => {
                let standing = self.case.inputs.policies.policies.get(departing.policy);
                standing.map(|standing| standing.policy.name.clone())
            }
            Claim::Keep(_) => None,
        }
    }

    fn state(&self) -> State {
        let owned = self.holdings.owned.get(&self.id);
        let plans = |kinds: &[Kind]| self.changes().any(|c| kinds.contains(&c.effect.kind()));
        match self.claims.groups.get(&self.id) {
            Some(Claim::Keep(_)) if self.case.decision.unknown.contains_key(&self.id) => {
                State::Unknown
            }
            Some(Claim::Keep(_)) => match owned {
                Some(owned) if owned.frozen.is_some() || plans(&[Kind::Freeze]) => State::Frozen,
                Some(_) => State::Written,
                None if plans(&[Kind::Create, Kind::Restore]) => State::Awaited,
                None => State::Blocked,
            },
            Some(Claim::Departing(_)) if !plans(&[Kind::Freeze]) => State::Ending,
            Some(Claim::Leaving(..) | Claim::Departing(_)) => State::Frozen,
            Some(Claim::Unknown(..)) => State::Unknown,
            Some(Claim::Idle(_)) => State::Idle,
            None if self.claims.observed.contains_key(&self.id) => State::Observed,
            None => State::NotWritten,
        }
    }

    /// Whether a read that the answer depends on was not whole.
    fn is_unsure(&self) -> bool {
        let decision = self.case.decision;
        let policy = self.policy().map(|policy| policy.name.clone()).or_else(|| self.keeper());
        let blind = policy.is_some_and(|name| decision.blind.contains(&name));
        blind || decision.unknown.contains_key(&self.id) || self.state() == State::Unknown
    }

    /// The changes of this group that were decided, written or not.
    fn changes(&self) -> impl Iterator<Item = &'a Change> {
        let (plan, id) = (&self.case.decision.plan, self.id);
        let all = plan.changes.iter().chain(&plan.unconfirmed);
        all.filter(move |change| change.group == id)
    }

    /// What becomes of each change of the group.
    fn waiting(&self) -> Vec<Waiting> {
        let Case { decision, guarded, .. } = self.case;
        let frozen = decision.plan.changes.iter().filter(|c| c.effect.kind() == Kind::Freeze);
        let listed = [
            ("Admitted", guarded.admitted.changes().iter().collect::<Vec<_>>()),
            ("Held", guarded.held.changes.iter().collect()),
            ("Frozen", frozen.collect()),
            ("Unconfirmed", decision.plan.unconfirmed.iter().collect()),
            ("Observed", decision.plan.observed.iter().collect()),
        ];
        let mut waiting = Vec::new();
        for (admission, changes) in listed {
            for change in changes.into_iter().filter(|change| change.group == self.id) {
                let (holds, since) = match admission {
                    "Held" => self.held(change),
                    _ => (Vec::new(), None),
                };
                waiting.push(Waiting { admission, change: change.clone(), holds, since });
            }
        }
        waiting
    }

    /// Why a change is held, and since when the oldest of it is.
    fn held(&self, change: &Change) -> (Vec<String>, Option<Timestamp>) {
        let holds = self.case.guarded.held.holds.iter().filter(|hold| {
            let is_of_group = hold.group.is_none_or(|group| group == change.group);
            hold.policy == change.policy && is_of_group && hold.row.counts(change.effect.kind())
        });
        let since = &self.case.inputs.memory.held_since;
        let since = plan::items(change).into_iter().filter_map(|item| since.get(&item).copied());
        (holds.map(|hold| hold.message.clone()).collect(), since.min())
    }
}

/// A group in words, without its name.
fn noun(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Microsoft365 => "a Microsoft 365 group",
        GroupKind::Security => "a security group",
        GroupKind::MailEnabledSecurity => "a mail-enabled security group",
        GroupKind::DistributionList => "a distribution list",
        GroupKind::Unrecognised => "a group of a kind that this version does not know",
    }
}
