//! Gathers a sheet from a decision, what the guard said of it and what it was decided on.
//!
//! `judge` says what a group is, and why.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::people::People;
use super::{FINDINGS_KEPT_MAX, Group, HeldSet, LEFT_OUT_KEPT_MAX, Line, Part, Sheet, place};
use crate::decide::Decision;
use crate::decide::guard::{Guarded, Hold};
use crate::model::change::{Change, Kind, MemberReference};
use crate::model::cloud::MemberKind;
use crate::model::policy::{Nested, PolicySet, Standing};
use crate::model::{
    Cause, CloudMember, Complete, Digest, DirectoryGroup, Finding, ObjectGuid, ObjectId, PolicyName,
};
use crate::report::events::Sight;
use crate::report::groups::View;
use crate::report::groups::conditions::{Ground, InForce, Moments, Turned};
use crate::report::text;

pub(super) fn sheet(
    policies: &PolicySet,
    decision: &Decision,
    guarded: &Guarded,
    sight: Sight<'_>,
    before: &View,
) -> Sheet {
    let objects = objects(decision, &sight);
    let groups = objects.iter().map(|(id, guid)| (*guid, *id)).collect();
    let people = People::new(sight.directory.principals.value(), &groups);
    let gathering = Gathering { policies, decision, guarded, sight, objects, before };
    gathering.sheet(people)
}

/// The objects of cloud groups: surely ours first, else what carries their mark.
fn objects(decision: &Decision, sight: &Sight<'_>) -> BTreeMap<ObjectId, ObjectGuid> {
    let mut objects: BTreeMap<ObjectId, ObjectGuid> = BTreeMap::new();
    for group in sight.directory.groups.value().values() {
        let recorded = group.records.iter().filter_map(|value| Some(value.record.as_ref()?.id));
        let anchors = [&group.admin_description, &group.external_id].into_iter().flatten();
        let anchored = anchors.filter_map(|text| ObjectId::from_any_anchor(text));
        for id in recorded.chain(anchored) {
            objects.entry(id).or_insert(group.guid);
        }
    }
    objects.extend(&decision.lessons.inventory);
    objects
}

struct Gathering<'a> {
    policies: &'a PolicySet,
    decision: &'a Decision,
    guarded: &'a Guarded,
    sight: Sight<'a>,
    objects: BTreeMap<ObjectId, ObjectGuid>,
    /// What each group was, and since when.
    before: &'a View,
}

/// The places of one group's lines and findings.
#[derive(Default)]
struct Places {
    lines: Vec<u32>,
    findings: Vec<u32>,
}

impl<'a> Gathering<'a> {
    fn sheet(&self, mut people: People<'_>) -> Sheet {
        let changes = self.changes();
        let lines: Vec<Line> =
            changes.iter().map(|(part, change)| line(*part, change, &mut people)).collect();
        let findings = &self.decision.findings;
        let findings: Vec<Finding> = findings.iter().take(FINDINGS_KEPT_MAX).cloned().collect();
        let mut places = self.places(&lines, &findings);
        let ids: Vec<ObjectId> = places.keys().copied().collect();
        let mut groups: Vec<Group> = Vec::with_capacity(ids.len());
        let mut moments = Moments::default();
        for id in ids {
            let own = places.remove(&id).unwrap_or_default();
            let of = (&*changes, &*lines, &*findings);
            groups.push(self.group(id, own, of, (&mut people, &mut moments)));
        }
        groups.sort_by_cached_key(|group| (group.name.to_lowercase(), group.id));
        let by_id = groups.iter().enumerate().map(|(at, group)| (group.id, place(at))).collect();
        Sheet {
            at: Some(self.sight.at),
            digest: Some(self.guarded.digest),
            reviewed: Some(self.guarded.reviewed),
            held: self.held(),
            held_digest: self.guarded.held.digest(),
            held_refused_until: self.guarded.held.digest().and_then(|digest| self.refused(&digest)),
            findings_total: self.decision.findings.len(),
            groups,
            by_id,
            lines,
            findings,
            people: people.all(),
            moments,
            in_force: InForce::each(self.policies, self.decision),
        }
    }

    /// Every change with what becomes of it, the held ones first.
    fn changes(&self) -> Vec<(Part, &'a Change)> {
        let plan = &self.decision.plan;
        let frozen = plan.changes.iter().filter(|change| change.effect.kind() == Kind::Freeze);
        let lost: BTreeSet<ObjectId> =
            self.guarded.held.changes.iter().filter_map(frozen_group).collect();
        let frozen = frozen.filter(|change| !lost.contains(&change.group));
        let held = self.guarded.held.changes.iter().map(|change| (Part::Held, change));
        let waiting = self.guarded.admitted.changes().iter();
        held.chain(waiting.map(|change| (Part::Waiting, change)))
            .chain(plan.unconfirmed.iter().map(|change| (Part::Unconfirmed, change)))
            .chain(plan.observed.iter().map(|change| (Part::Observed, change)))
            .chain(frozen.map(|change| (Part::Frozen, change)))
            .collect()
    }

    /// Every group that is shown, with the places of what is told of it.
    fn places(&self, lines: &[Line], findings: &[Finding]) -> BTreeMap<ObjectId, Places> {
        let mut places: BTreeMap<ObjectId, Places> = BTreeMap::new();
        let lessons = &self.decision.lessons;
        let ours = lessons.inventory.keys().chain(lessons.intents.keys());
        for id in ours.chain(lessons.kept.keys()).chain(self.decision.unknown.keys()) {
            places.entry(*id).or_default();
        }
        for (at, line) in lines.iter().enumerate() {
            places.entry(line.group).or_default().lines.push(place(at));
        }
        for (at, finding) in findings.iter().enumerate() {
            if let Some(id) = finding.group {
                places.entry(id).or_default().findings.push(place(at));
            }
        }
        places
    }

    fn group(
        &self,
        id: ObjectId,
        places: Places,
        (changes, lines, findings): (&[(Part, &Change)], &[Line], &[Finding]),
        (people, moments): (&mut People<'_>, &mut Moments),
    ) -> Group {
        let own_lines: Vec<(&Line, &Change)> = places
            .lines
            .iter()
            .filter_map(|at| Some((lines.get(*at as usize)?, changes.get(*at as usize)?.1)))
            .collect();
        let own_findings: Vec<&Finding> =
            places.findings.iter().filter_map(|at| findings.get(*at as usize)).collect();
        let object = self.objects.get(&id).copied();
        let standing = object.and_then(|guid| self.sight.directory.groups.value().get(&guid));
        let policy = self.policy(id, &own_lines, standing, &own_findings);
        let (state, reason) =
            self.state(id, (&own_lines, &own_findings), standing, policy.as_ref());
        let read = object.and_then(|guid| self.sight.directory.members.get(&guid)?.as_ref().ok());
        let members: Option<Box<[u32]>> =
            read.map(|members| members.value().iter().map(|member| people.value(member)).collect());
        let guids: Vec<ObjectGuid> =
            read.into_iter().flat_map(Complete::value).map(|member| member.guid).collect();
        let left_out = self.left_out(id, &own_lines, &guids, policy.as_ref());
        let left_out_count = left_out.len();
        let left_out = left_out.into_iter().take(LEFT_OUT_KEPT_MAX);
        let left_out = left_out.map(|member| people.cloud(member)).collect();
        let cloud = self.sight.cloud.groups.value().get(&id);
        let name = cloud.map(|cloud| cloud.display_name.as_str()).filter(|name| !name.is_empty());
        let label = own_lines.first().map(|(_, change)| change.label.as_str());
        let leaf = standing.map(|standing| standing.dn.leaf());
        let name = name.or(leaf).or(label).map_or_else(|| id.to_string(), str::to_owned);
        let before = self.before.group(id);
        let same = before.filter(|before| self.before.state(before) == state);
        let ground = Ground::planned(state, own_lines.iter().map(|(line, _)| *line));
        Group {
            id,
            name: name.into(),
            policy,
            state,
            reason: text::safe(&reason).into(),
            since: same.map_or(self.sight.at, |before| self.before.since(before)),
            turned: self.turned(before, &ground, moments),
            dn: standing.map(|standing| standing.dn.to_string().into()),
            object,
            members,
            left_out,
            left_out_count,
            lines: places.lines.into(),
            findings: places.findings.into(),
        }
    }

    /// When each condition became what it is: one that was so before is so since then.
    fn turned(&self, before: Option<&Group>, ground: &Ground, moments: &mut Moments) -> Turned {
        let before = before.map(|before| self.before.stand(before));
        Turned::new(|kind| {
            let same = before.as_ref().filter(|before| before.holds(kind) == ground.holds(kind));
            moments.number(same.map_or(self.sight.at, |before| before.since(kind)))
        })
    }

    fn policy(
        &self,
        id: ObjectId,
        lines: &[(&Line, &Change)],
        standing: Option<&DirectoryGroup>,
        findings: &[&Finding],
    ) -> Option<PolicyName> {
        let of_record = || {
            let mut records = standing?.records.iter().filter_map(|value| value.record.as_ref());
            records.find(|record| record.id == id).map(|record| record.policy.clone())
        };
        let line = lines.first().map(|(line, _)| line.policy.clone());
        let kept = || self.decision.lessons.kept.get(&id).cloned();
        let told = || findings.iter().find_map(|finding| finding.policy.clone());
        line.or_else(kept).or_else(of_record).or_else(told)
    }

    /// The policy of this name.
    fn standing(&self, name: &PolicyName) -> Option<&Standing> {
        self.policies.policies.iter().find(|standing| standing.policy.name == *name)
    }

    /// Cloud members that are neither members in the directory nor on their way there.
    fn left_out(
        &self,
        id: ObjectId,
        lines: &[(&Line, &Change)],
        standing: &[ObjectGuid],
        policy: Option<&PolicyName>,
    ) -> Vec<&'a CloudMember> {
        let Some(Ok(read)) = self.sight.members.of.get(&id) else { return Vec::new() };
        let lessons = &self.decision.lessons;
        let (mut coming, mut created) = (BTreeSet::new(), BTreeSet::new());
        for member in lines.iter().flat_map(|(_, change)| added(change)) {
            match member {
                MemberReference::Existing { guid, .. } => {
                    coming.insert(*guid);
                }
                MemberReference::Created { group, .. } => {
                    created.insert(*group);
                }
            }
        }
        let meant = lessons.intents.get(&id).map(|intent| &*intent.members).unwrap_or_default();
        let object = self.objects.get(&id);
        let refused = object.and_then(|guid| self.sight.memory.refused_members.get(guid));
        let rules = policy.and_then(|name| self.standing(name)).map(|s| &s.policy.members);
        let flattens = rules.is_some_and(|rules| rules.nested == Nested::Flatten);
        let is_in = |member: &&CloudMember| {
            let is_group = matches!(member.kind, MemberKind::Group | MemberKind::DirectoryGroup(_));
            if created.contains(&member.id) || (is_group && flattens) {
                return true;
            }
            let guid = match member.kind {
                MemberKind::Group => lessons.inventory.get(&member.id),
                MemberKind::User(_)
                | MemberKind::DirectoryGroup(_)
                | MemberKind::Device { .. }
                | MemberKind::Other(_)
                | MemberKind::Unreadable(_) => lessons
                    .counterparts
                    .get(&member.id)
                    .or_else(|| self.sight.memory.counterparts.get(&member.id)),
            };
            guid.is_some_and(|guid| {
                let is_refused = refused.is_some_and(|refused| refused.contains_key(guid));
                let is_there = standing.binary_search(guid).is_ok();
                is_there
                    || (!is_refused && (coming.contains(guid) || meant.binary_search(guid).is_ok()))
            })
        };
        read.value().iter().filter(|member| !is_in(member)).collect()
    }

    fn held(&self) -> Vec<HeldSet> {
        let holds = &self.guarded.held.holds;
        let sets = text::policy_sets(self.guarded).into_iter().map(|(policy, digest)| {
            let own = holds.iter().filter(|hold| hold.policy == policy);
            let told = own.map(|hold| {
                let since = text::held_since(hold, self.guarded, self.sight.memory);
                (text::safe(limit(hold)), since)
            });
            let refused_until = self.refused(&digest);
            HeldSet { refused_until, holds: told.collect(), policy, digest }
        });
        sets.collect()
    }

    /// Until when an approval of a held set is refused.
    fn refused(&self, digest: &Digest) -> Option<Timestamp> {
        self.guarded.held.used.get(digest).map(|used| used.until)
    }
}

/// The sentence of a hold without the command that passes it, which stands beside it by itself.
fn limit(hold: &Hold) -> &str {
    hold.message.split_once("; `writeback approve ").map_or(&hold.message, |(limit, _)| limit)
}

fn frozen_group(change: &Change) -> Option<ObjectId> {
    (change.effect.kind() == Kind::Freeze).then_some(change.group)
}

fn added(change: &Change) -> &[MemberReference] {
    let part = change.effect.member_part().filter(|part| part.kind == Kind::AddMembers);
    part.map_or(&[], |part| part.members)
}

fn line(part: Part, change: &Change, people: &mut People<'_>) -> Line {
    let members = change.effect.member_part().map_or(&[] as &[_], |part| part.members);
    Line {
        part,
        policy: change.policy.clone(),
        group: change.group,
        kind: change.effect.kind(),
        text: text::line(change).into(),
        cause: text::safe(&change.cause.to_string()).into(),
        repairs: matches!(change.cause, Cause::Drift(_)),
        members: members.iter().map(|member| people.reference(member)).collect(),
    }
}
