//! Questions to the journal: what was done, and who was in a group at a time and by which change.
//!
//! Pure: entries come in from `journal::read`, answers go to `cli::journal`. What others changed in
//! the directory is in no journal; where an answer rests on that, it says so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::entry::{Body, Content, Entry, IntentEntry};
use crate::model::{Digest, Dn, ObjectGuid, ObjectId, Outcome, PolicyName};

/// The group that somebody asks for: its id in the tenant, its objectGUID, its DN at any time, or
/// its common name at any time.
#[derive(Clone, Debug)]
pub struct GroupQuestion(String);

impl GroupQuestion {
    /// Takes what a person typed.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Whether an operation is aimed at it. Names compare as the directory compares them.
    fn names(&self, intent: &IntentEntry) -> bool {
        let asked = &self.0;
        if let Some(id) = ObjectId::parse(asked) {
            return intent.group == id || intent.object.is_some_and(|object| object.0 == id.0);
        }
        let mut names = vec![intent.dn.as_str()];
        if let Content::Moved { to, .. } = &intent.content {
            names.push(to);
        }
        let names = names.into_iter().filter_map(|name| Dn::parse(name).ok());
        let dn = Dn::parse(asked).ok();
        names.into_iter().any(|name| {
            let same = dn.as_ref().is_some_and(|dn| dn.key() == name.key());
            same || name.leaf().to_lowercase() == asked.to_lowercase()
        })
    }
}

/// The cloud groups that a question means. Several, where a name was given to one group after
/// another.
pub fn groups(
    entries: impl Iterator<Item = Entry>,
    question: &GroupQuestion,
) -> BTreeSet<ObjectId> {
    let intents = entries.filter_map(|entry| entry.body.into_intent());
    intents.filter(|intent| question.names(intent)).map(|intent| intent.group).collect()
}

/// The objects of the groups that a question means: a group can be a member too.
pub fn objects(
    entries: impl Iterator<Item = Entry>,
    question: &GroupQuestion,
) -> BTreeSet<ObjectGuid> {
    let (mut found, mut created) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        match entry.body {
            Body::Intent(intent) if question.names(&intent) => {
                found.extend(intent.object);
                created.insert(intent.sequence);
            }
            Body::Outcome(outcome) if created.contains(&outcome.sequence) => {
                if let Outcome::Done { object } | Outcome::AlreadySo { object } = outcome.result {
                    found.extend(object);
                }
            }
            Body::Intent(_)
            | Body::Outcome(_)
            | Body::Opened(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => {}
        }
    }
    found
}

/// What is asked for; what is absent asks for everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only operations on these groups.
    pub groups: Option<BTreeSet<ObjectId>>,
    /// Only operations that add or remove one of these members, or that delete a group with them.
    pub members: Option<BTreeSet<ObjectGuid>>,
    /// Only operations of this change set: the digest of its plan, or its first digits.
    pub changeset: Option<String>,
    /// Only what was written until then.
    pub until: Option<Timestamp>,
}

/// An entry with what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The number of its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// When it was written.
    pub at: Timestamp,
    /// What it says; outcomes stand with their operation.
    #[serde(flatten)]
    pub body: Body,
    /// What came of the operation; `None` for what is none, and where a crash came between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
}

/// The entries that answer a filter, in the order of the journal.
pub fn told(entries: impl Iterator<Item = Entry>, filter: &Filter) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for Entry { line, at, body } in entries {
        if filter.until.is_some_and(|until| at > until) {
            continue;
        }
        if let Body::Outcome(outcome) = body {
            let place = places.get(&outcome.sequence).and_then(|place| told.get_mut(*place));
            if let Some(told) = place {
                told.result = Some(outcome.result);
            }
        } else if filter.takes(&body) {
            if let Some(sequence) = body.operation() {
                places.insert(sequence, told.len());
            }
            told.push(Told { line, at, body, result: None });
        }
    }
    told
}

impl Filter {
    fn takes(&self, body: &Body) -> bool {
        let digest =
            |digest: &Digest| self.changeset.as_ref().is_none_or(|asked| digest.answers_to(asked));
        let special = self.groups.is_some() || self.members.is_some();
        match body {
            Body::Intent(intent) => {
                digest(&intent.plan)
                    && self.groups.as_ref().is_none_or(|groups| groups.contains(&intent.group))
                    && self.members.as_ref().is_none_or(|asked| {
                        intent.content.members().iter().any(|member| asked.contains(member))
                    })
            }
            Body::Undo { changeset } => !special && digest(changeset),
            Body::Approval { digest: held, .. }
            | Body::ApprovalUsed { digest: held }
            | Body::Held { digest: held, .. } => !special && digest(held),
            Body::Opened(_) | Body::Removed { .. } | Body::Paused { .. } | Body::Resumed { .. } => {
                !special && self.changeset.is_none()
            }
            Body::Outcome(_) => false,
        }
    }
}

impl Content {
    /// The members that come, go, or were in a group that goes.
    pub fn members(&self) -> &[ObjectGuid] {
        match self {
            Self::MembersAdded(members) | Self::MembersRemoved(members) => members,
            Self::Deleted(last) => &last.members,
            Self::Created(_) | Self::Changed(_) | Self::Restored(_) | Self::Moved { .. } => &[],
        }
    }
}

/// One change of the journal: what put somebody where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// When its outcome was known.
    pub at: Timestamp,
    /// The line that announced it.
    pub line: Option<u64>,
    /// The number of the operation.
    pub sequence: u64,
    /// The change set: the digest of the plan.
    pub changeset: Digest,
    /// The policy.
    pub policy: PolicyName,
    /// Its file.
    pub file: Option<String>,
    /// The Git revision at which it was read.
    pub revision: Option<String>,
    /// Why.
    pub cause: String,
}

/// How somebody came to be in a group at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Membership {
    /// This change put them there.
    Since(Origin),
    /// They were in, and no change of the journal put them there: they were in before it begins,
    /// or somebody else put them there. The change is the one that met them.
    NotByUs(Origin),
    /// This change was to put them there, and what came of it is not known.
    PerhapsSince(Origin),
    /// This change was to take them out, and what came of it is not known.
    PerhapsUntil(Origin),
}

/// A group at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupAt {
    /// The cloud group.
    pub group: ObjectId,
    /// Where it stood.
    pub dn: String,
    /// The moment that is asked for.
    pub at: Timestamp,
    /// Where the journal begins: memberships from before are not known unless they ended later.
    pub journal_begins: Timestamp,
    /// The change that created it, where the journal knows.
    pub created: Option<Origin>,
    /// The change that deleted it before that moment.
    pub deleted: Option<Origin>,
    /// Who was in it.
    pub members: BTreeMap<ObjectGuid, Membership>,
}

/// Who was in a group at a time; `None` when the journal never wrote to it.
pub fn group_at(
    entries: impl Iterator<Item = Entry>,
    group: ObjectId,
    at: Timestamp,
) -> Option<GroupAt> {
    let (mut begins, mut events) = (None, BTreeMap::new());
    for entry in entries {
        begins = begins.or(Some(entry.at));
        match entry.body {
            Body::Intent(intent) if intent.group == group => {
                events.insert(intent.sequence, Event::new(entry.at, entry.line, *intent));
            }
            Body::Outcome(outcome) => {
                if let Some(event) = events.get_mut(&outcome.sequence) {
                    event.origin.at = entry.at;
                    event.effect = Effect::of(&outcome.result);
                }
            }
            Body::Intent(_)
            | Body::Opened(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => {}
        }
    }
    let dn = events.values().next().map(|event| event.dn.clone())?;
    let mut found = GroupAt {
        group,
        dn,
        at,
        journal_begins: begins?,
        created: None,
        deleted: None,
        members: BTreeMap::new(),
    };
    let (until, after): (Vec<_>, Vec<_>) =
        events.into_values().partition(|event| event.origin.at <= at);
    for event in until {
        found.take(event);
    }
    found.look_back(&after);
    Some(found)
}

/// An operation of the journal with what came of it.
struct Event {
    origin: Origin,
    dn: String,
    content: Content,
    effect: Effect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Made,
    AlreadySo,
    None,
    Unknown,
}

impl Effect {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done { .. } => Self::Made,
            Outcome::AlreadySo { .. } => Self::AlreadySo,
            Outcome::Refused { .. } | Outcome::Failed { .. } => Self::None,
            Outcome::Unknown { .. } => Self::Unknown,
        }
    }
}

impl Event {
    fn new(at: Timestamp, line: Option<u64>, intent: IntentEntry) -> Self {
        let origin = Origin {
            at,
            line,
            sequence: intent.sequence,
            changeset: intent.plan,
            policy: intent.policy,
            file: intent.file,
            revision: intent.revision,
            cause: intent.cause,
        };
        Self { origin, dn: intent.dn, content: intent.content, effect: Effect::Unknown }
    }
}

impl GroupAt {
    /// Takes what happened before the moment.
    fn take(&mut self, event: Event) {
        let Event { origin, dn, content, effect } = event;
        if effect == Effect::None {
            return;
        }
        let sure = effect != Effect::Unknown;
        self.dn = dn;
        match content {
            Content::Created(_) if sure => {
                self.created = Some(origin);
                self.deleted = None;
                self.members.clear();
            }
            Content::Deleted(_) if sure => self.deleted = Some(origin),
            Content::Restored(_) if sure => self.deleted = None,
            Content::Moved { to, .. } if sure => self.dn = to,
            Content::MembersAdded(members) => {
                for member in members {
                    let membership = if sure {
                        Membership::Since(origin.clone())
                    } else {
                        Membership::PerhapsSince(origin.clone())
                    };
                    if effect == Effect::Made {
                        self.members.insert(member, membership);
                    } else {
                        self.members.entry(member).or_insert(membership);
                    }
                }
            }
            Content::MembersRemoved(members) => {
                for member in members {
                    if sure {
                        self.members.remove(&member);
                    } else {
                        self.members.insert(member, Membership::PerhapsUntil(origin.clone()));
                    }
                }
            }
            Content::Created(_)
            | Content::Deleted(_)
            | Content::Restored(_)
            | Content::Moved { .. }
            | Content::Changed(_) => {}
        }
    }

    /// Who was taken out after the moment without having been put in after it was in already.
    fn look_back(&mut self, after: &[Event]) {
        let mut settled = BTreeSet::new();
        for Event { origin, content, effect, .. } in after {
            if *effect == Effect::Unknown || *effect == Effect::None {
                continue;
            }
            match content {
                Content::MembersRemoved(_) | Content::Deleted(_) => {
                    for member in content.members().iter().filter(|_| *effect == Effect::Made) {
                        if settled.insert(*member) && self.deleted.is_none() {
                            let met = || Membership::NotByUs(origin.clone());
                            self.members.entry(*member).or_insert_with(met);
                        }
                    }
                }
                Content::MembersAdded(members) => settled.extend(members),
                // What was in an object that did not stand yet says nothing.
                Content::Created(_) | Content::Restored(_) => return,
                Content::Changed(_) | Content::Moved { .. } => {}
            }
        }
    }
}
