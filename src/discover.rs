//! Floor 1: what is there before anything is written, what is wrong with it, and how to begin.
//!
//! From the readiness of both sides, their listings and the policies to a [`Discovery`]: facts by
//! section, one line for each Microsoft 365 group, problems with their remedies, and the approach
//! it recommends. Pure like `decide`, which it asks what a pass would find; either side may be
//! missing, the other one is told all the same.
//!
//! `credentials` tells when each ends, `tenant` and `domain` tell their sides, `groups` surveys the
//! tenant's groups, `foreign` whose the marked groups of the directory are, `judge` asks `decide`,
//! `approach` recommends; `problem` and `advice` hold the words.

mod advice;
mod approach;
mod credentials;
mod domain;
mod foreign;
mod groups;
mod judge;
mod problem;
mod tenant;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::cloud::{Presence, Unread};
use crate::model::policy::PolicySet;
use crate::model::readiness::{DomainReadiness, TenantReadiness};
use crate::model::{
    CloudListing, CloudMembers, Containers, DirectorySnapshot, Dn, ObjectId, PolicyName, TenantId,
};

pub use approach::{Approach, ReadyPolicy};
pub use judge::Needed;
pub use problem::{Code, Problem};

/// Everything that was read.
#[derive(Clone, Copy, Debug)]
pub struct Estate<'a> {
    /// `metadata.name` of the daemon configuration.
    pub owner: &'a str,
    /// `tenant.id` of the daemon configuration.
    pub tenant_id: TenantId,
    /// `directory.containers`.
    pub containers: &'a Containers,
    /// The policies in force; empty where there is none yet.
    pub policies: &'a PolicySet,
    /// The two ready policies, parsed for these containers.
    pub ready: &'a BTreeMap<Approach, PolicySet>,
    /// The cloud side, or why nothing of it is known.
    pub tenant: Result<TenantSide<'a>, &'a Unread>,
    /// The directory side, or why nothing of it is known.
    pub domain: Result<DomainSide<'a>, &'a Unread>,
    /// What direct reads of missing ids answered.
    pub presence: &'a BTreeMap<ObjectId, Presence>,
    /// How long a group must be gone before its directory group is deleted.
    pub confirm_after: SignedDuration,
    /// Every credential that the configuration names and that could be read.
    pub credentials: &'a [CredentialEnd],
    /// When it is looked at.
    pub now: Timestamp,
}

/// A credential and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialEnd {
    /// A bounded word, such as `client_secret`.
    pub word: &'static str,
    /// The file that holds it, where one does.
    pub file: Option<String>,
    /// When it ends, where it says so.
    pub expires: Option<Timestamp>,
}

/// The cloud side.
#[derive(Clone, Copy, Debug)]
pub struct TenantSide<'a> {
    /// What it is and what the application may do.
    pub readiness: &'a TenantReadiness,
    /// Its groups, or why they are unread.
    pub listing: Result<&'a CloudListing, &'a Unread>,
}

/// The directory side.
#[derive(Clone, Copy, Debug)]
pub struct DomainSide<'a> {
    /// What it is and what the account may do.
    pub readiness: &'a DomainReadiness,
    /// Its objects, or why they are unread.
    pub snapshot: Result<&'a DirectorySnapshot, &'a Unread>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// Everything was read that was asked for.
    pub complete: bool,
    /// Facts, in a fixed order.
    pub sections: Vec<Section>,
    /// Every Microsoft 365 group that is born in the cloud, by name.
    pub groups: Vec<Outlook>,
    /// What stands in the way, sorted.
    pub problems: Vec<Problem>,
    /// How to begin.
    pub recommendation: Recommendation,
}

/// Facts of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// A few words.
    pub title: &'static str,
    /// In a fixed order.
    pub facts: Vec<Fact>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// A few words.
    pub name: String,
    /// What is so.
    pub value: Value,
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes, no, or not known.
    Known(Option<bool>),
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

/// The writeback setting of a group as the cloud shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Setting {
    /// The listing of flags does not show the group.
    Unknown,
    /// `isEnabled` is null.
    NotSet,
    /// `isEnabled` is true.
    On,
    /// `isEnabled` is false.
    Off,
}

/// One Microsoft 365 group and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Its display name.
    pub name: String,
    /// Its id.
    pub id: ObjectId,
    /// Its writeback setting.
    pub setting: Setting,
    /// `onPremisesGroupType` as it came; `None` for null.
    pub group_type: Option<String>,
    /// What each policy would do; those of the two approaches where no policy is in force.
    pub policies: Vec<PolicyOutlook>,
}

/// What one policy would do with one group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyOutlook {
    /// The policy.
    pub policy: PolicyName,
    /// In one word.
    pub verdict: OutlookVerdict,
    /// In a clause that reads after the policy's name.
    pub what: String,
}

/// What a policy would do with a group, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum OutlookVerdict {
    /// It is written.
    Written,
    /// It is selected, but something stands in the way: a problem of the group tells what.
    Blocked,
    /// It is selected, but another policy has it.
    TakenByAnother,
    /// Its writeback setting keeps it out.
    FlagOff,
    /// The selection does not take it.
    NotSelected,
    /// It can never be written.
    Never,
    /// Not enough is known.
    Unknown,
}

/// How to begin.
#[derive(Clone, Debug, Serialize)]
pub struct Recommendation {
    /// Which of the two ways.
    pub approach: Approach,
    /// Why.
    pub reason: String,
    /// The policy files for it, with the estate's own container.
    pub policies: Vec<ReadyPolicy>,
}

/// What the files of this room add to.
#[derive(Debug, Default)]
struct Told {
    sections: Vec<Section>,
    problems: Vec<Problem>,
    incomplete: bool,
}

impl Told {
    fn section(&mut self, title: &'static str, facts: Vec<Fact>) {
        self.sections.push(Section { title, facts });
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Something could not be read.
    fn unread(&mut self, what: &str, unread: &Unread) {
        self.incomplete = true;
        self.problem(Problem::new(Code::ReadIncomplete, what, &unread.reason));
    }
}

fn fact(name: impl Into<String>, value: Value) -> Fact {
    Fact { name: name.into(), value }
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn number(count: usize) -> Value {
    Value::Number(u64::try_from(count).unwrap_or(u64::MAX))
}

/// The containers to ask the directory about: the configured ones, and those that policies name.
pub fn containers_named(containers: &Containers, policies: &PolicySet) -> Vec<Dn> {
    let mut named: Vec<Dn> = containers.iter().cloned().collect();
    for standing in &policies.policies {
        let policy = &standing.policy;
        let placed = policy.group.placement.rules.iter().map(|rule| &rule.container);
        named.extend(placed.chain(&policy.deletion.quarantine_container).cloned());
    }
    let mut seen = BTreeSet::new();
    named.retain(|dn| seen.insert(dn.key()));
    named
}

/// The members that have to be read.
pub fn needed(estate: &Estate<'_>) -> Needed {
    judge::needed(estate)
}

/// The owned groups that no listing shows: each needs a direct read.
pub fn absent(estate: &Estate<'_>) -> BTreeSet<ObjectId> {
    judge::absent(estate)
}

/// Puts everything together.
pub fn discover(estate: &Estate<'_>, members: &CloudMembers) -> Discovery {
    let mut told = Told::default();
    credentials::tell(estate, &mut told);
    tenant::tell(estate, members, &mut told);
    groups::tell(estate, &mut told);
    domain::tell(estate, &mut told);
    foreign::tell(estate, &mut told);
    let judged = judge::tell(estate, members, &mut told);
    let Told { sections, mut problems, incomplete } = told;
    problems.sort();
    problems.dedup();
    Discovery {
        complete: !incomplete,
        sections,
        groups: groups::outlooks(estate, &judged),
        problems,
        recommendation: approach::recommend(estate),
    }
}
