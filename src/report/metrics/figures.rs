//! What a plan, and the sight it was decided on, come to in numbers. Pure; bounded words only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::content::weakens;
use crate::decide::guard::HeldPlan;
use crate::decide::{Decision, plan};
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::cloud::MemberKind;
use crate::model::directory::PrincipalClass;
use crate::model::policy::PolicySet;
use crate::model::record::RecordState;
use crate::model::{Complete, DirectoryGroup, FindingCode, Leave, ObjectGuid, ObjectId, TenantId};
use crate::report::events::Sight;

/// Why groups are frozen: the values of the label `reason`.
pub(super) const FROZEN: [&str; 14] = [
    "hard_deleted",
    "soft_deleted",
    "flag_off",
    "out_of_scope",
    "ineligible",
    "elsewhere",
    "orphaned",
    "contested",
    "too_many_members",
    "unsupported_type",
    "anchor_changed",
    "anchor_not_unique",
    "outside_containers",
    "other",
];
/// Why members are not resolved.
pub(super) const UNRESOLVED: [&str; 3] = ["no_link", "lost", "missing"];
/// Whose groups stand in our way.
pub(super) const FOREIGN: [&str; 2] = ["anchored", "owned_elsewhere"];

/// What is kept back.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub groups: usize,
    pub memberships: usize,
    pub people: usize,
    pub oldest: Option<Timestamp>,
}

/// Groups by what became of them.
#[derive(Debug, Default)]
pub(super) struct Estate {
    /// Groups with our record whose first fill is over.
    pub owned: usize,
    /// Those under policies that write nothing now.
    pub suspended: usize,
    pub disabled: usize,
    pub quarantined: usize,
    /// Groups that nothing is done to, by the reason.
    pub frozen: BTreeMap<ObjectId, &'static str>,
    /// Owned groups that are neither frozen nor unknown.
    pub active: BTreeSet<ObjectId>,
}

impl Held {
    pub(super) fn of(held: &HeldPlan, sight: &Sight<'_>) -> Self {
        let since = |item| sight.memory.held_since.get(&item).copied().unwrap_or(sight.at);
        let items = held.changes.iter().flat_map(plan::items);
        let values = |change: &Change| match &change.effect {
            Effect::RemoveMembers { members, .. } => members.len(),
            Effect::Create { .. }
            | Effect::Rename { .. }
            | Effect::Move { .. }
            | Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Restore { .. }
            | Effect::Handover { .. }
            | Effect::AddMembers { .. }
            | Effect::Disable { .. }
            | Effect::Quarantine { .. }
            | Effect::Delete { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. }
            | Effect::Freeze => 0,
        };
        let ended = held.changes.iter().filter(|change| ends(change)).map(|change| change.group);
        Self {
            groups: ended.collect::<BTreeSet<_>>().len(),
            memberships: held.changes.iter().map(values).sum(),
            people: people(held, sight),
            oldest: items.map(since).min(),
        }
    }
}

/// Whether a change takes a group out of use, or its access from its members.
fn ends(change: &Change) -> bool {
    let kind = change.effect.kind();
    matches!(change.effect, Effect::Convert { from, to } if weakens(from, to)) || kind.ends_use()
}

/// Different principals that go on holding access because a removal is held. Who is inside a nested
/// group counts as far as the group's members were read; one that was not read counts as one.
fn people(held: &HeldPlan, sight: &Sight<'_>) -> usize {
    let members_of = |object: &ObjectGuid| sight.directory.members.get(object)?.as_ref().ok();
    let principals = sight.directory.principals.value();
    let mut open: Vec<ObjectGuid> = Vec::new();
    for change in &held.changes {
        if let Effect::RemoveMembers { members, .. } = &change.effect {
            open.extend(members.iter().filter_map(MemberReference::guid));
        } else if ends(change) {
            let object = change.target.object();
            let members = object.as_ref().and_then(members_of);
            open.extend(members.into_iter().flat_map(Complete::value).map(|m| m.guid));
        }
    }
    let (mut seen, mut people) = (BTreeSet::new(), 0);
    while let Some(guid) = open.pop() {
        if !seen.insert(guid) {
            continue;
        }
        let is_group = principals.get(&guid).is_some_and(|p| p.class == PrincipalClass::Group);
        match members_of(&guid).filter(|_| is_group) {
            Some(members) => open.extend(members.value().iter().map(|member| member.guid)),
            None => people += 1,
        }
    }
    people
}

impl Estate {
    pub(super) fn of(policies: &PolicySet, decision: &Decision, sight: &Sight<'_>) -> Self {
        let suspended = policies.policies.iter().filter(|standing| standing.policy.suspend);
        let suspended = suspended.filter_map(|s| decision.inventory.get(&s.policy.name));
        let frozen = frozen(decision, sight);
        let mut estate = Self {
            owned: decision.inventory.values().map(|held| held.groups).sum(),
            suspended: suspended.map(|held| held.groups).sum(),
            ..Self::default()
        };
        for (id, object) in &decision.lessons.inventory {
            let group = sight.directory.groups.value().get(object);
            let records = group.into_iter().flat_map(|group| &group.records);
            let mut states = records.filter_map(|value| value.record.as_ref());
            let state = states.find(|record| record.id == *id).map(|record| record.state);
            match state {
                Some(RecordState::Disabled) => estate.disabled += 1,
                Some(RecordState::Quarantined) => estate.quarantined += 1,
                Some(RecordState::Active) => {
                    if !frozen.contains_key(id) && !decision.unknown.contains_key(id) {
                        estate.active.insert(*id);
                    }
                }
                Some(RecordState::Filling) | None => {}
            }
        }
        estate.frozen = frozen;
        estate
    }
}

/// Groups that nothing is done to. Those that are frozen because of what they carry themselves have
/// a finding and no change.
fn frozen(decision: &Decision, sight: &Sight<'_>) -> BTreeMap<ObjectId, &'static str> {
    let told = told(decision, sight);
    let mut frozen = BTreeMap::new();
    let freezes = decision.plan.changes.iter().filter(|c| c.effect.kind() == Kind::Freeze);
    for change in freezes {
        let contested = change.target.object().filter(|o| decision.contested.contains_key(o));
        let left = decision.lessons.left.get(&change.group).map(|leave| leave_word(*leave));
        let told = told.get(&change.group).copied();
        let reason = contested.map(|_| "contested").or(left).or(told).unwrap_or("other");
        frozen.insert(change.group, reason);
    }
    let owned = |id: &ObjectId| decision.lessons.inventory.contains_key(id);
    for (id, reason) in told {
        let in_itself =
            matches!(reason, "anchor_changed" | "anchor_not_unique" | "outside_containers");
        if in_itself && (owned(&id) || sight.memory.inventory.contains_key(&id)) {
            frozen.insert(id, reason);
        }
    }
    frozen
}

/// What findings say of groups that are left as they are.
const TOLD: [(FindingCode, &str); 5] = [
    (FindingCode::TooManyMembers, "too_many_members"),
    (FindingCode::UnsupportedGroupType, "unsupported_type"),
    (FindingCode::AnchorChanged, "anchor_changed"),
    (FindingCode::AnchorNotUnique, "anchor_not_unique"),
    (FindingCode::OutsideContainers, "outside_containers"),
];

fn told(decision: &Decision, sight: &Sight<'_>) -> BTreeMap<ObjectId, &'static str> {
    let findings = decision.findings.iter().filter_map(|finding| {
        let group = finding.group?;
        let (code, word) = TOLD.into_iter().find(|(code, _)| *code == finding.code)?;
        // The remembered one of several stays ours.
        let remembered = sight.memory.inventory.contains_key(&group);
        (code != FindingCode::AnchorNotUnique || !remembered).then_some((group, word))
    });
    findings.collect()
}

fn leave_word(leave: Leave) -> &'static str {
    match leave {
        Leave::HardDeleted => "hard_deleted",
        Leave::SoftDeleted => "soft_deleted",
        Leave::FlagOff => "flag_off",
        Leave::OutOfScope => "out_of_scope",
        Leave::Ineligible => "ineligible",
        Leave::Elsewhere => "elsewhere",
        Leave::Orphaned => "orphaned",
    }
}

/// What somebody did in the directory, by the change that puts it right: the values of the label
/// `cause`.
pub(super) const DRIFT: [(Kind, &str); 9] = [
    (Kind::Rename, "renamed"),
    (Kind::Move, "moved"),
    (Kind::Update, "attributes"),
    (Kind::Convert, "type"),
    (Kind::AddMembers, "members_taken_out"),
    (Kind::RemoveMembers, "members_put_in"),
    (Kind::Restore, "deleted"),
    (Kind::Create, "deleted_for_good"),
    (Kind::Disable, "enabled"),
];

/// Different users in groups that are written for whom no account was found, by the reason.
pub(super) fn unresolved(decision: &Decision, sight: &Sight<'_>) -> BTreeMap<&'static str, usize> {
    let found = &decision.lessons.counterparts;
    let read = sight.members.of.iter();
    let read = read.filter(|(id, _)| decision.lessons.inventory.contains_key(*id));
    let members = read.filter_map(|(_, members)| members.as_ref().ok());
    let mut missing: BTreeMap<ObjectId, &'static str> = BTreeMap::new();
    for member in members.flat_map(Complete::value) {
        let MemberKind::User(link) = &member.kind else { continue };
        if found.contains_key(&member.id) {
            continue;
        }
        let had_one = sight.memory.counterparts.contains_key(&member.id);
        let reason = match (had_one, link.is_empty()) {
            (true, _) => "lost",
            (false, true) => "no_link",
            (false, false) => "missing",
        };
        missing.insert(member.id, reason);
    }
    let mut by_reason = BTreeMap::new();
    for reason in missing.into_values() {
        *by_reason.entry(reason).or_default() += 1;
    }
    by_reason
}

/// Groups of the domain that carry a mark and are somebody else's, by whose they are. Which owner
/// we are stands in the records of those that are surely ours; one of our own that is in doubt is
/// nobody else's.
pub(super) fn foreign(decision: &Decision, sight: &Sight<'_>) -> [(&'static str, usize); 2] {
    let known = decision.lessons.inventory.values().chain(sight.memory.inventory.values());
    let known: BTreeSet<ObjectGuid> = known.copied().collect();
    let groups = sight.directory.groups.value();
    let records = |group: &'_ DirectoryGroup| -> Vec<(String, TenantId)> {
        let records = group.records.iter().filter_map(|value| value.record.as_ref());
        records.map(|record| (record.owner.clone(), record.tenant)).collect()
    };
    let ours: BTreeSet<_> =
        known.iter().filter_map(|guid| groups.get(guid)).flat_map(records).collect();
    let (mut anchored, mut elsewhere) = (0, 0);
    for group in groups.values().filter(|group| !known.contains(&group.guid)) {
        let anchors = [&group.admin_description, &group.external_id];
        let mut anchors = anchors.into_iter().flatten();
        if !group.records.is_empty() {
            let is_ours = records(group).iter().any(|owner| ours.contains(owner));
            elsewhere += usize::from(!is_ours);
        } else if anchors.any(|text| ObjectId::from_any_anchor(text).is_some()) {
            anchored += 1;
        }
    }
    let [of_others, of_owners] = FOREIGN;
    [(of_others, anchored), (of_owners, elsewhere)]
}
