//! What differs between what should be and what is, group by group.
//!
//! From claims, resolved members and names to changes on what we own. A removal is planned only
//! from two witnesses: the cloud's members read whole and the directory's.

mod creation;

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::cause::Causes;
use crate::decide::claim::{Claim, Claims};
use crate::decide::convert::{Conversion, conversion};
use crate::decide::depart::{Departing, depart};
use crate::decide::holdings::Holdings;
use crate::decide::members::{Resolver, Tally, names};
use crate::decide::naming::{Named, name_all};
use crate::decide::nest::{Nesting, Written};
use crate::decide::wanted::{Existing, Gatherer, Wanted, freeze};
use crate::decide::{Decision, Inputs, content, form, mail, rename};
use crate::model::change::{Cause, Change, Effect, MemberReference};
use crate::model::cloud::Presence;
use crate::model::directory::DirectoryMember;
use crate::model::distinguished_name::DnKey;
use crate::model::policy::{MemberMode, Mode};
use crate::model::record::RecordState;
use crate::model::{
    CloudMember, CloudMembers, Complete, Finding, FindingCode, Leave, ObjectGuid, ObjectId,
    PolicyName,
};

/// Works out every change of the pass.
pub fn diff(
    inputs: &Inputs<'_>,
    cloud: &CloudMembers,
    claims: &Claims,
    holdings: &Holdings<'_>,
    decision: &mut Decision,
) {
    let resolver = Resolver::new(inputs, cloud);
    let causes = Causes::new(inputs, claims, holdings);
    let mut differ =
        Differ { inputs, cloud, claims, holdings, resolver: &resolver, causes: &causes, decision };
    differ.decision.findings.extend(resolver.keep_findings());
    differ.learn();
    let (mut wanted, departing) = differ.judge();
    let named = name_all(inputs, &wanted, &mut differ.decision.findings);
    differ.depart(departing, &named);
    let written = differ.written(&wanted, &named);
    differ.decision.plan.changes.extend(rename::name_changes(inputs, &wanted, &named));
    let nesting = Nesting::new(inputs, claims, holdings, &written);
    for group in &mut wanted {
        nesting.settle(group.cloud.id, &mut group.resolved);
    }
    for group in &wanted {
        if let Some(named) = named.get(&group.cloud.id) {
            differ.group(group, named);
        }
    }
    differ.observe(written);
}

/// What is taken out of a group.
#[derive(Default)]
struct Removals {
    members: Vec<MemberReference>,
    /// Why members that should go are left standing, where some are.
    put_off: Option<(FindingCode, String)>,
}

struct Differ<'a, 'd> {
    inputs: &'a Inputs<'a>,
    cloud: &'a CloudMembers,
    claims: &'a Claims,
    holdings: &'a Holdings<'a>,
    resolver: &'d Resolver<'a>,
    causes: &'d Causes<'a>,
    decision: &'d mut Decision,
}

impl<'a> Differ<'a, '_> {
    /// Which objects are surely those of their cloud groups.
    fn learn(&mut self) {
        let certain = self.holdings.owned.iter().filter(|(_, owned)| owned.is_certain());
        let known = certain.map(|(id, owned)| (*id, owned.group.guid));
        self.decision.lessons.inventory.extend(known);
    }

    /// Acts on the claims that change nothing, and gathers the groups to write and those that end.
    fn judge(&mut self) -> (Vec<Wanted<'a>>, Vec<(ObjectId, Departing)>) {
        let (mut wanted, mut ending) = (Vec::new(), Vec::new());
        for (id, claim) in &self.claims.groups {
            match claim {
                Claim::Keep(index) => wanted.extend(self.gatherer().wanted(*id, *index)),
                Claim::Leaving(policy, leave) => self.leaving(*id, policy, *leave),
                Claim::Departing(departing) => ending.push((*id, *departing)),
                Claim::Unknown(policy, reason) => {
                    self.decision.unknown(policy, *id, reason.clone());
                }
                Claim::Idle(_) => {}
            }
        }
        (wanted, ending)
    }

    /// Ends groups. In quarantine they may stand in each other's way, and in that of groups which
    /// stay there.
    fn depart(&mut self, ending: Vec<(ObjectId, Departing)>, named: &BTreeMap<ObjectId, Named>) {
        let mut taken = named.values().filter_map(|named| Some(named.dn.as_ref()?.key())).collect();
        for (id, departing) in ending {
            self.departing(id, departing, &mut taken);
        }
    }

    fn gatherer(&mut self) -> Gatherer<'a, '_> {
        Gatherer {
            inputs: self.inputs,
            cloud: self.cloud,
            holdings: self.holdings,
            resolver: self.resolver,
            decision: self.decision,
        }
    }

    /// The groups that this pass writes: who is nested must be among them.
    fn written(&self, wanted: &[Wanted<'_>], named: &BTreeMap<ObjectId, Named>) -> Written {
        let mut written = Written::default();
        for group in wanted {
            let id = group.cloud.id;
            match (group.existing(), named.get(&id)) {
                (Some(existing), _) => {
                    let label = existing.dn.leaf().to_owned();
                    written.kept.insert(id, (existing.guid, label));
                }
                (None, Some(named))
                    if self.comes_to_be(group, named)
                        && content::birthplace(self.inputs, group, named).is_some() =>
                {
                    written.created.insert(id);
                }
                (None, _) => {}
            }
        }
        written
    }

    fn leaving(&mut self, id: ObjectId, policy: &PolicyName, leave: Leave) {
        self.left(id, leave);
        let owned = self.holdings.owned.get(&id);
        freeze(self.decision, policy, id, owned, Cause::Cloud(leave.phrase().to_owned()));
    }

    fn departing(&mut self, id: ObjectId, departing: Departing, taken: &mut BTreeSet<DnKey>) {
        self.left(id, departing.leave);
        let Some(owned) = self.holdings.owned.get(&id) else { return };
        let standing = self.inputs.policies.policies.get(departing.policy);
        let missing = standing.and_then(|standing| {
            let name = &standing.policy.name;
            Some((name, self.resolver.keep_missing(name)?))
        });
        let Some((policy, missing)) = missing else {
            return depart(self.inputs, self.cloud, (id, departing), owned, taken, self.decision);
        };
        let (leave, word) = (departing.leave.phrase(), departing.departure.verb());
        let cause = Cause::Cloud(format!("{leave}; it is not {word}: {missing}"));
        freeze(self.decision, policy, id, Some(owned), cause);
    }

    /// What memory takes over of a group that leaves.
    fn left(&mut self, id: ObjectId, leave: Leave) {
        self.decision.lessons.left.insert(id, leave);
        if self.inputs.presence.get(&id) == Some(&Presence::Absent) {
            self.decision.lessons.absent.insert(id);
        }
    }

    fn group(&mut self, group: &Wanted<'_>, named: &Named) {
        let (policy, id) = (&group.policy.name, group.cloud.id);
        let told = group.resolved.findings.iter().cloned();
        let told = told.chain(content::cuts(group)).chain(content::unsuitable(self.inputs, group));
        for (code, message) in told {
            self.decision.tell(policy, id, code, message);
        }
        match mail::finding(self.inputs, group) {
            Some((code @ FindingCode::ExchangeNotPrepared, message)) => {
                let policy = Some(policy.clone());
                self.decision.findings.push(Finding { policy, group: None, code, message });
            }
            Some((code, message)) => self.decision.tell(policy, id, code, message),
            None => {}
        }
        let lessons = &mut self.decision.lessons;
        lessons.counterparts.extend(&group.resolved.followed);
        lessons.linkless.extend(&group.resolved.linkless);
        lessons.intents.insert(id, content::intent(self.inputs, group, named));
        match group.owned {
            None => self.create(group, named),
            Some(existing) => self.update(group, existing, named),
        }
    }

    fn update(&mut self, group: &Wanted<'_>, existing: Existing<'_>, named: &Named) {
        let Existing { owned, members } = existing;
        let Some(target) = &owned.target else { return };
        let added = self.additions(group, existing);
        let Removals { members: removed, put_off } = self.removals(group, group.witness, members);
        let primary = self.resolver.primary_members(owned.group);
        let standing = members.value().iter().map(|member| member.guid).chain(primary);
        self.intend(group.cloud.id, standing, &removed);
        let conversion = conversion(self.inputs, group, owned, put_off.as_ref());
        if let Conversion::Withheld(code, message) = &conversion {
            self.decision.tell(&group.policy.name, group.cloud.id, *code, message.clone());
        }
        self.intend_type(group.cloud.id, owned.group.group_type, &conversion);
        let mut effects = content::updates(self.inputs, group, (owned, named), &conversion);
        self.learn_forms(owned.group.guid, &mut effects);
        if !added.is_empty() {
            let cause = self.causes.of_additions(group, &added);
            let filled = owned.record.state != RecordState::Filling;
            let of = filled.then_some(members.value().len());
            effects.push((Effect::AddMembers { members: added, of }, cause));
        }
        if !removed.is_empty() {
            let cause = self.causes.of_removals(group, &removed);
            let of = members.value().len();
            effects.push((Effect::RemoveMembers { members: removed, of }, cause));
        }
        self.decision.plan.changes.extend(effects.into_iter().map(|(effect, cause)| Change {
            policy: group.policy.name.clone(),
            group: group.cloud.id,
            label: owned.group.dn.leaf().to_owned(),
            target: target.clone(),
            effect,
            cause,
        }));
    }

    /// Members that are left standing were not put in by somebody: the intent holds them, or their
    /// removal by a later pass would be told as drift.
    fn intend(
        &mut self,
        id: ObjectId,
        standing: impl Iterator<Item = ObjectGuid>,
        removed: &[MemberReference],
    ) {
        let Some(intent) = self.decision.lessons.intents.get_mut(&id) else { return };
        let gone: BTreeSet<ObjectGuid> = removed.iter().filter_map(MemberReference::guid).collect();
        let mut members: BTreeSet<ObjectGuid> = intent.members.iter().copied().collect();
        members.extend(standing.filter(|guid| !gone.contains(guid)));
        intent.members = members.into_iter().collect();
    }

    /// A type that is left as it is was not changed by somebody.
    fn intend_type(&mut self, id: ObjectId, standing: i32, conversion: &Conversion) {
        let Some(intent) = self.decision.lessons.intents.get_mut(&id) else { return };
        match conversion {
            Conversion::To(_) => {}
            Conversion::None | Conversion::Withheld(..) => {
                intent.attributes.insert("groupType".into(), standing.to_string());
            }
        }
    }

    /// Leaves out what the directory would keep in a form of its own once more.
    fn learn_forms(&mut self, object: ObjectGuid, effects: &mut Vec<(Effect, Cause)>) {
        let forms = &mut self.decision.lessons.forms;
        effects.retain_mut(|(effect, _)| {
            let Effect::Update { attributes } = effect else { return true };
            attributes.retain(|change| match form::learnt(self.inputs, object, change) {
                Some((spot, form)) => {
                    forms.insert(spot, form);
                    false
                }
                None => true,
            });
            !attributes.is_empty()
        });
    }

    fn additions(&mut self, group: &Wanted<'_>, existing: Existing<'_>) -> Vec<MemberReference> {
        let Existing { owned, members } = existing;
        let (name, id) = (&group.policy.name, group.cloud.id);
        if group.policy.mode == Mode::CreateOnly && owned.record.state != RecordState::Filling {
            return Vec::new();
        }
        let mut there: BTreeSet<ObjectGuid> = members.value().iter().map(|m| m.guid).collect();
        there.extend(self.resolver.primary_members(owned.group));
        let refused = self.inputs.memory.refused_members.get(&owned.group.guid);
        let (mut missing, mut tally) = (Vec::new(), Tally::default());
        for member in group.resolved.references() {
            let MemberReference::Existing { guid, label } = &member else {
                missing.push(member);
                continue;
            };
            if there.contains(guid) {
                continue;
            }
            if let Some(why) = refused.and_then(|refused| refused.get(guid)) {
                tally.add(FindingCode::Refused, "not added", format_args!("{label} ({why})"));
                continue;
            }
            missing.push(member);
        }
        for (code, message) in tally.findings() {
            self.decision.tell(name, id, code, message);
        }
        missing
    }

    /// The values to remove, from two complete reads: what the cloud holds and what stands there.
    fn removals(
        &mut self,
        group: &Wanted<'_>,
        _cloud: &Complete<Vec<CloudMember>>,
        directory: &Complete<BTreeSet<DirectoryMember>>,
    ) -> Removals {
        if group.policy.mode != Mode::Sync || group.policy.members.mode == MemberMode::AddOnly {
            return Removals::default();
        }
        let (name, id, resolved) = (&group.policy.name, group.cloud.id, &group.resolved);
        let goes = |guid: &ObjectGuid| {
            !resolved.present.contains_key(guid) && !resolved.stay.contains(guid)
        };
        let guids: BTreeSet<_> = directory.value().iter().map(|member| member.guid).collect();
        let members: Vec<_> = guids
            .into_iter()
            .filter(goes)
            .map(|guid| MemberReference::Existing { guid, label: self.resolver.label(guid) })
            .collect();
        let Some((code, why)) = &resolved.no_removal else {
            let primary = group.existing().map(|standing| self.resolver.primary_members(standing));
            let stuck: Vec<_> = primary.into_iter().flatten().filter(goes).collect();
            if !stuck.is_empty() {
                let message = self.stuck(group, &stuck);
                self.decision.tell(name, id, FindingCode::PrimaryGroupMember, message);
            }
            return Removals { members, put_off: None };
        };
        let put_off = (!members.is_empty()).then(|| (*code, why.clone()));
        // What `keep` does not find is told once for the policy.
        if !members.is_empty() && *code != FindingCode::KeepNotFound {
            let count = members.len();
            let what = if count == 1 { "member is" } else { "members are" };
            let message = format!("{count} {what} not removed: {why}");
            self.decision.tell(name, id, *code, message);
        }
        Removals { members: Vec::new(), put_off }
    }

    /// Accounts that the cloud group does not have, but of which this is the primary group.
    fn stuck(&self, group: &Wanted<'_>, accounts: &[ObjectGuid]) -> String {
        let labels: Vec<_> = accounts.iter().map(|guid| self.resolver.label(*guid)).collect();
        format!(
            "{:?} is the primary group of accounts that the cloud group does not have, and cannot \
             lose them: {}; give each of them another primary group",
            group.cloud.display_name,
            names(&labels, labels.len())
        )
    }

    /// What becomes of a group that an observing policy would adopt.
    fn observe_adoption(&mut self, group: &Wanted<'_>, existing: Existing<'_>, named: &Named) {
        let first = self.decision.plan.changes.len();
        self.update(group, existing, named);
        let changes = self.decision.plan.changes.split_off(first);
        self.decision.plan.observed.extend(changes);
    }

    /// What observing policies would do. Their groups take no names away from others.
    fn observe(&mut self, mut written: Written) {
        let mut wanted = Vec::new();
        for (id, index) in &self.claims.observed {
            wanted.extend(self.gatherer().wanted(*id, *index));
        }
        let named = name_all(self.inputs, &wanted, &mut self.decision.findings);
        written.created.extend(self.written(&wanted, &named).created);
        let nesting = Nesting::new(self.inputs, self.claims, self.holdings, &written);
        for group in &mut wanted {
            nesting.settle(group.cloud.id, &mut group.resolved);
            match (named.get(&group.cloud.id), group.owned) {
                (Some(named), None) => {
                    let changes = content::creation(self.inputs, group, named);
                    self.decision.plan.observed.extend(changes);
                }
                (Some(named), Some(existing)) => self.observe_adoption(group, existing, named),
                (None, _) => {}
            }
        }
    }
}
