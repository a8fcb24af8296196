//! One pass as the page shows it: every group with its state, the plan line by line, what is held.
//!
//! Comes from `Event::Planned`, whose snapshots end with the pass: what is needed of them is taken
//! over in a form that is small. Names of members are kept once and numbered; a group of fifty
//! members costs some 200 bytes for them.

mod gather;
mod people;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::decide::Decision;
use crate::decide::guard::Guarded;
use crate::model::change::Kind;
use crate::model::policy::PolicySet;
use crate::model::{Digest, Finding, ObjectGuid, ObjectId, PolicyName};
use crate::report::events::Sight;
use crate::report::groups::View;
use crate::report::groups::conditions::{InForce, Moments, Turned};
use crate::report::groups::state::State;
pub use people::{Person, PersonKind};

/// Findings kept in one sheet; the count of all is beside them. At some 300 bytes each they stay
/// under 16 MB.
pub const FINDINGS_KEPT_MAX: usize = 50_000;
/// Members of one group that are left out and kept by name; the count of all is beside them.
pub const LEFT_OUT_KEPT_MAX: usize = 200;

/// What becomes of a line of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Part {
    /// A guard keeps it back.
    Held,
    /// It is made by this pass, or by the next `apply`.
    Waiting,
    /// It needs a second look before it may be planned.
    Unconfirmed,
    /// A policy that only observes would do it.
    Observed,
    /// The group stays as it is.
    Frozen,
}

impl Part {
    /// All parts, what needs a person first.
    pub const ALL: [Self; 5] =
        [Self::Held, Self::Waiting, Self::Unconfirmed, Self::Observed, Self::Frozen];

    /// The word for programs and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Unconfirmed => "unconfirmed",
            Self::Observed => "observed",
            Self::Frozen => "frozen",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Held => "kept back by a guard until a person lets it through",
            Self::Waiting => "made by the pass that planned it",
            Self::Unconfirmed => "a deletion that needs a second look",
            Self::Observed => "what a policy that only observes would do",
            Self::Frozen => "groups that stay as they are; nothing is written",
        }
    }
}

/// One line of the plan.
#[derive(Debug)]
pub struct Line {
    /// What becomes of it.
    pub part: Part,
    /// The policy it is made under.
    pub policy: PolicyName,
    /// The cloud group.
    pub group: ObjectId,
    /// The kind of the change.
    pub kind: Kind,
    /// The change as `plan` prints it, already without control characters.
    pub text: Box<str>,
    /// Why.
    pub cause: Box<str>,
    /// It repairs what somebody else changed in the directory.
    pub(super) repairs: bool,
    /// Members it adds or takes out, by their numbers.
    pub(super) members: Box<[u32]>,
}

/// One group.
#[derive(Debug)]
pub struct Group {
    /// Its id in the tenant.
    pub id: ObjectId,
    /// Its display name, else its name in the directory, else its id. Unfiltered.
    pub name: Box<str>,
    /// The policy that has it.
    pub policy: Option<PolicyName>,
    /// What it is by the plan alone: see [`View::state`].
    pub state: State,
    /// Why, in a sentence; may be empty.
    pub reason: Box<str>,
    /// Since when, as far as this process saw.
    pub since: Timestamp,
    /// When its conditions turned.
    pub(super) turned: Turned,
    /// Where its directory group stood when it was read.
    pub dn: Option<Box<str>>,
    /// The objectGUID of its directory group when it was read.
    pub object: Option<ObjectGuid>,
    /// Its members in the directory, by their numbers; `None` where they were not read.
    pub(super) members: Option<Box<[u32]>>,
    /// Cloud members that are left out, by their numbers: the first of them.
    pub(super) left_out: Box<[u32]>,
    /// How many are left out.
    pub left_out_count: usize,
    /// Its lines, by their places in the plan.
    lines: Box<[u32]>,
    /// Its findings, by their places among all.
    findings: Box<[u32]>,
}

impl Group {
    /// How many lines of the plan it has.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// How many findings it has.
    pub fn finding_count(&self) -> usize {
        self.findings.len()
    }
}

/// What a guard holds of one policy.
#[derive(Debug)]
pub struct HeldSet {
    /// The policy.
    pub policy: PolicyName,
    /// What an approval names.
    pub digest: Digest,
    /// Until when an approval of it is refused, because an equal set was let through.
    pub refused_until: Option<Timestamp>,
    /// Every limit that was passed, with the time since which what it counts is held; `None` where
    /// it is held for the first time.
    pub holds: Vec<(String, Option<Timestamp>)>,
}

/// One pass as the page shows it.
#[derive(Debug, Default)]
pub struct Sheet {
    /// When the pass began; `None` before the first.
    pub at: Option<Timestamp>,
    /// The digest of the plan.
    pub digest: Option<Digest>,
    /// The digest of what needs a person's eyes.
    pub reviewed: Option<Digest>,
    /// What is held, policy by policy.
    pub held: Vec<HeldSet>,
    /// The digest of everything that is held.
    pub held_digest: Option<Digest>,
    /// Until when an approval of that is refused.
    pub held_refused_until: Option<Timestamp>,
    /// How many findings there are in all.
    pub findings_total: usize,
    /// Sorted by name.
    groups: Vec<Group>,
    by_id: BTreeMap<ObjectId, u32>,
    /// The held ones first, then as they are made.
    lines: Vec<Line>,
    findings: Vec<Finding>,
    people: Vec<Person>,
    /// When conditions turned.
    pub(super) moments: Moments,
    /// The policies that conditions of groups speak of.
    pub(super) in_force: BTreeMap<PolicyName, InForce>,
}

impl Sheet {
    /// Takes over what the page needs of a plan. Cost: one look at every member of every group; no
    /// more than a small part of the reading that came before.
    pub fn new(
        policies: &PolicySet,
        decision: &Decision,
        guarded: &Guarded,
        sight: Sight<'_>,
        before: &View,
    ) -> Self {
        gather::sheet(policies, decision, guarded, sight, before)
    }

    /// All groups, sorted by name.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group of this id.
    pub fn group(&self, id: ObjectId) -> Option<&Group> {
        self.by_id.get(&id).and_then(|place| self.groups.get(*place as usize))
    }

    /// The whole plan, the held part first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines of one group.
    pub fn lines_of(&self, group: &Group) -> Vec<&Line> {
        group.lines.iter().filter_map(|place| self.lines.get(*place as usize)).collect()
    }

    /// The findings, at most [`FINDINGS_KEPT_MAX`].
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings of one group.
    pub fn findings_of(&self, group: &Group) -> Vec<&Finding> {
        group.findings.iter().filter_map(|place| self.findings.get(*place as usize)).collect()
    }

    /// The person of this number.
    pub(super) fn person(&self, number: u32) -> Option<&Person> {
        self.people.get(number as usize)
    }
}

/// A place in a list as a number of four bytes. Lists that long do not fit into memory.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
