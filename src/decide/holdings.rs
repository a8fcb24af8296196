//! Whose directory groups are: ours, somebody else's, or in doubt.
//!
//! From the directory snapshot and memory to the groups this daemon may act on. Case table:
//! SEMANTICS "Ownership and guards"; what is in doubt is frozen, never created a second time.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::defence::stands;
use crate::model::policy::Adoption;
use crate::model::{
    DirectoryGroup, Finding, FindingCode, ObjectGuid, ObjectId, OwnershipRecord, Target,
};

/// A group that carries our record, or that this pass gives it.
#[derive(Debug)]
pub struct Owned<'a> {
    /// The group as it stands.
    pub group: &'a DirectoryGroup,
    /// Its record.
    pub record: OwnershipRecord,
    /// The record's exact text.
    pub record_text: String,
    /// What may be aimed at; `None` outside the containers.
    pub target: Option<Target>,
    /// Why nothing of it may be changed.
    pub frozen: Option<FindingCode>,
    /// The entry that gives it to its cloud group in this pass: the record is not there yet.
    pub adoption: Option<&'a Adoption>,
}

impl Owned<'_> {
    /// Whether this is surely the object of its cloud group: what may be remembered. An object in
    /// doubt that were remembered would pass for ours in the next pass.
    pub fn is_certain(&self) -> bool {
        self.adoption.is_none()
            && matches!(self.frozen, None | Some(FindingCode::OutsideContainers))
    }

    /// Whether its name and its place are its administrators': it was adopted. The mark on the
    /// object says so, and no memory that may be lost.
    pub fn is_adopted(&self) -> bool {
        self.adoption.is_some() || self.group.adopted.is_some()
    }
}

/// A directory group with a mark of a cloud group, but without our record for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger {
    /// The object.
    pub guid: ObjectGuid,
    /// Why it is none of ours.
    pub kind: StrangerKind,
}

/// Why an object that carries a mark of a cloud group is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrangerKind {
    /// An anchor without a record.
    Unrecorded,
    /// A record of another owner or tenant, or one that this version cannot read.
    Elsewhere,
    /// Marks of ours that contradict each other.
    Contradictory,
    /// Several objects with the same mark, none of them ours.
    Several,
}

impl StrangerKind {
    /// The finding it makes.
    pub fn code(self) -> FindingCode {
        match self {
            Self::Unrecorded => FindingCode::Foreign,
            Self::Elsewhere => FindingCode::OwnedElsewhere,
            Self::Contradictory => FindingCode::AnchorChanged,
            Self::Several => FindingCode::AnchorNotUnique,
        }
    }

    /// A phrase that reads after "exists as …, ".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Unrecorded => "which carries no record of ours",
            Self::Elsewhere => "which carries the record of another owner",
            Self::Contradictory => "whose marks contradict each other",
            Self::Several => "beside others with the same mark",
        }
    }
}

/// All groups with a record or an anchor, sorted out.
#[derive(Debug, Default)]
pub struct Holdings<'a> {
    /// By the cloud group in the record.
    pub owned: BTreeMap<ObjectId, Owned<'a>>,
    /// Strangers that stand in the way of a cloud group.
    pub strangers: BTreeMap<ObjectId, Stranger>,
    /// Every object that carries a mark of a cloud group, ours or not.
    pub marked: BTreeMap<ObjectId, BTreeSet<ObjectGuid>>,
    /// Cloud groups to which a person gives an object that they do not get, or not yet: nothing is
    /// made in its place.
    pub awaited: BTreeSet<ObjectId>,
    /// What is in doubt.
    pub findings: Vec<Finding>,
}

/// Sorts out every marked group of the domain.
pub fn holdings<'a>(inputs: &Inputs<'a>) -> Holdings<'a> {
    let mut ours: BTreeMap<ObjectId, Vec<Owned<'a>>> = BTreeMap::new();
    let mut holdings = Holdings::default();
    let mut strangers: BTreeMap<ObjectId, Vec<Stranger>> = BTreeMap::new();
    for group in inputs.directory.groups.value().values() {
        let (own, kind) = match mark(inputs, group) {
            Ok((record, text)) => {
                let owned = owned(inputs, group, record, text, &mut holdings.findings);
                ours.entry(record.id).or_default().push(owned);
                (Some(record.id), StrangerKind::Contradictory)
            }
            Err(kind) => (None, kind),
        };
        for id in named_by(group) {
            holdings.marked.entry(id).or_default().insert(group.guid);
            if own != Some(id) {
                strangers.entry(id).or_default().push(Stranger { guid: group.guid, kind });
            }
        }
    }
    for (id, claimants) in ours {
        let strangers = strangers.remove(&id).unwrap_or_default();
        settle(inputs, id, claimants, &strangers, &mut holdings);
    }
    for (id, found) in strangers {
        if let Some(first) = found.first() {
            let kind = if found.len() > 1 { StrangerKind::Several } else { first.kind };
            holdings.strangers.insert(id, Stranger { guid: first.guid, kind });
        }
    }
    holdings
}

/// The one record of ours that a group carries, or what it is instead.
fn mark<'a>(
    inputs: &Inputs<'_>,
    group: &'a DirectoryGroup,
) -> Result<(&'a OwnershipRecord, &'a str), StrangerKind> {
    let is_ours = |record: &&OwnershipRecord| {
        record.owner == inputs.owner && record.tenant == inputs.cloud.tenant
    };
    match group.records.as_slice() {
        [] => Err(StrangerKind::Unrecorded),
        [value] => {
            let record = value.record.as_ref().filter(is_ours);
            record.map(|record| (record, value.text.as_str())).ok_or(StrangerKind::Elsewhere)
        }
        several => {
            let mut records = several.iter().map(|value| value.record.as_ref().filter(is_ours));
            let ours = records.all(|record| record.is_some());
            Err(if ours { StrangerKind::Contradictory } else { StrangerKind::Elsewhere })
        }
    }
}

/// The cloud groups that records and anchors of a group name.
fn named_by(group: &DirectoryGroup) -> BTreeSet<ObjectId> {
    let recorded = group.records.iter().filter_map(|value| Some(value.record.as_ref()?.id));
    anchors(group).chain(recorded).collect()
}

/// The cloud groups that the two anchor attributes name.
fn anchors(group: &DirectoryGroup) -> impl Iterator<Item = ObjectId> + '_ {
    [&group.admin_description, &group.external_id]
        .into_iter()
        .flatten()
        .filter_map(|text| ObjectId::from_any_anchor(text))
}

fn owned<'a>(
    inputs: &Inputs<'_>,
    group: &'a DirectoryGroup,
    record: &OwnershipRecord,
    record_text: &str,
    findings: &mut Vec<Finding>,
) -> Owned<'a> {
    let mut freeze = |code: FindingCode, message: String| {
        let policy = Some(record.policy.clone());
        findings.push(Finding { policy, group: Some(record.id), code, message });
        Some(code)
    };
    let target = inputs.containers.admit(group.guid, group.dn.clone());
    let remembered = inputs.memory.inventory.get(&record.id);
    let mut frozen = None;
    if let Some(other) = anchors(group).find(|id| *id != record.id) {
        frozen = freeze(
            FindingCode::AnchorChanged,
            format!(
                "{} carries the record of {} but the anchor of {other}; nothing of it is changed \
                 until the anchor is put right",
                group.dn, record.id
            ),
        );
    } else if let Some(known) = remembered.filter(|known| **known != group.guid)
        && stands("H38")
    {
        frozen = freeze(
            FindingCode::AnchorChanged,
            format!(
                "{} carries the record of {}, whose object is {known}; nothing of it is changed",
                group.dn, record.id
            ),
        );
    } else if target.is_none() {
        frozen = freeze(
            FindingCode::OutsideContainers,
            format!("{} lies outside the configured containers; move it back", group.dn),
        );
    }
    let (record, record_text) = (record.clone(), record_text.to_owned());
    Owned { group, record, record_text, target, frozen, adoption: None }
}

/// Decides which of several objects with one cloud group's mark is ours.
fn settle<'a>(
    inputs: &Inputs<'_>,
    id: ObjectId,
    mut claimants: Vec<Owned<'a>>,
    strangers: &[Stranger],
    holdings: &mut Holdings<'a>,
) {
    let remembered = inputs.memory.inventory.get(&id);
    let keeper = claimants.iter().position(|owned| Some(&owned.group.guid) == remembered);
    let mut owned = claimants.swap_remove(keeper.unwrap_or(0));
    let mut others: Vec<_> = claimants
        .iter()
        .map(|other| other.group.guid)
        .chain(strangers.iter().map(|stranger| stranger.guid))
        .map(|guid| guid.to_string())
        .collect();
    others.sort();
    if !others.is_empty() {
        let consequence = if keeper.is_some() {
            "the remembered object stays ours"
        } else {
            owned.frozen = stands("H40").then_some(FindingCode::AnchorNotUnique);
            "all are frozen"
        };
        holdings.findings.push(Finding {
            policy: Some(owned.record.policy.clone()),
            group: Some(id),
            code: FindingCode::AnchorNotUnique,
            message: format!(
                "{} and {} carry the same mark; {consequence}",
                owned.group.dn,
                others.join(", ")
            ),
        });
    }
    holdings.owned.insert(id, owned);
}
