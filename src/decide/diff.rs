//! What differs between what should be and what is, group by group.
//!
//! From claims, resolved members and names to changes on what we own. A removal is planned only
//! from two witnesses: the cloud's members read whole and the directory's.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::decide::leave::{Leave, Proof};
use crate::decide::members::Resolver;
use crate::decide::naming::{Named, name_all};
use crate::decide::nest::{Nesting, Written};
use crate::decide::wanted::{Existing, Gatherer, Wanted, freeze};
use crate::decide::{Decision, Inputs, cause, content, rename};
use crate::model::change::{Cause, Change, Effect, MemberReference};
use crate::model::cloud::{Links, Presence};
use crate::model::directory::{DirectPresence, DirectoryMember};
use crate::model::policy::Mode;
use crate::model::record::RecordState;
use crate::model::{
    CloudMember, CloudMembers, Complete, FindingCode, ObjectGuid, ObjectId, PolicyName,
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
    let mut differ = Differ { inputs, cloud, claims, holdings, resolver: &resolver, decision };
    differ.learn();
    let mut wanted = differ.judge();
    let named = name_all(inputs, &wanted, &mut differ.decision.findings);
    let written = differ.written(&wanted, &named);
    differ.decision.plan.changes.extend(rename::name_changes(inputs, &wanted, &named));
    let nesting = Nesting { inputs, claims, holdings, written: &written };
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

struct Differ<'a, 'd> {
    inputs: &'a Inputs<'a>,
    cloud: &'a CloudMembers,
    claims: &'a Claims,
    holdings: &'a Holdings<'a>,
    resolver: &'d Resolver<'a>,
    decision: &'d mut Decision,
}

impl<'a> Differ<'a, '_> {
    /// Which objects are surely those of their cloud groups.
    fn learn(&mut self) {
        let certain = self.holdings.owned.iter().filter(|(_, owned)| owned.is_certain());
        let known = certain.map(|(id, owned)| (*id, owned.group.guid));
        self.decision.lessons.inventory.extend(known);
    }

    /// Acts on every claim that changes nothing but existence, and gathers the groups to write.
    fn judge(&mut self) -> Vec<Wanted<'a>> {
        let mut wanted = Vec::new();
        for (id, claim) in &self.claims.groups {
            match claim {
                Claim::Keep(index) => wanted.extend(self.gatherer().wanted(*id, *index)),
                Claim::Leaving(policy, leave) => self.leaving(*id, policy, *leave),
                Claim::Delete(index, proof) => self.delete(*id, *index, *proof),
                Claim::Unknown(policy, reason) => {
                    self.decision.unknown(policy, *id, reason.clone());
                }
                Claim::Idle(_) => {}
            }
        }
        wanted
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
            let is_new = !self.inputs.memory.inventory.contains_key(&id);
            match (group.existing(), named.get(&id)) {
                (Some(existing), _) => {
                    let label = existing.dn.leaf().to_owned();
                    written.kept.insert(id, (existing.guid, label));
                }
                (None, Some(named))
                    if is_new && content::birthplace(self.inputs, group, named).is_some() =>
                {
                    written.created.insert(id);
                }
                (None, _) => {}
            }
        }
        written
    }

    fn leaving(&mut self, id: ObjectId, policy: &PolicyName, leave: Leave) {
        if self.inputs.presence.get(&id) == Some(&Presence::Absent) {
            self.decision.lessons.absent.insert(id);
        }
        let owned = self.holdings.owned.get(&id);
        freeze(self.decision, policy, id, owned, Cause::Cloud(leave.phrase().to_owned()));
    }

    fn delete(&mut self, id: ObjectId, index: usize, proof: Proof) {
        self.decision.lessons.absent.insert(id);
        let Some(standing) = self.inputs.policies.policies.get(index) else { return };
        let policy = &standing.policy.name;
        let Some(owned) = self.holdings.owned.get(&id).filter(|o| o.frozen.is_none()) else {
            return;
        };
        let Some(target) = owned.target.clone() else { return };
        let unread = match self.inputs.directory.members.get(&owned.group.guid) {
            Some(Ok(members)) => Ok(members.value().len()),
            Some(Err(unread)) => Err(unread.reason.clone()),
            None => Err("its members were not read".to_owned()),
        };
        let members = match unread {
            Ok(members) => members,
            Err(reason) => return self.decision.unknown(policy, id, reason),
        };
        let change = Change {
            policy: policy.clone(),
            group: id,
            label: owned.group.dn.leaf().to_owned(),
            target,
            effect: Effect::Delete { members },
            cause: Cause::Cloud(Leave::HardDeleted.phrase().to_owned()),
        };
        let plan = &mut self.decision.plan;
        match (proof, &self.cloud.links) {
            (Proof::Confirmed, Links::Readable) => plan.changes.push(change),
            // A tenant that hides links may hide groups.
            (Proof::Once, _) | (_, Links::Unreadable { .. }) => plan.unconfirmed.push(change),
        }
    }

    fn group(&mut self, group: &Wanted<'_>, named: &Named) {
        let (policy, id) = (&group.policy.name, group.cloud.id);
        for (code, message) in group.resolved.findings.iter().cloned().chain(content::cuts(group)) {
            self.decision.tell(policy, id, code, message);
        }
        let lessons = &mut self.decision.lessons;
        lessons.counterparts.extend(&group.resolved.followed);
        lessons.linkless.extend(&group.resolved.linkless);
        lessons.intents.insert(id, content::intent(self.inputs, group, named));
        match group.owned {
            None => self.create(group, named),
            Some(existing) => self.update(group, existing),
        }
    }

    fn create(&mut self, group: &Wanted<'_>, named: &Named) {
        let changes = content::creation(self.inputs, group, named);
        let id = group.cloud.id;
        let Some(remembered) = self.inputs.memory.inventory.get(&id) else {
            self.decision.plan.changes.extend(changes);
            return;
        };
        let name = &group.cloud.display_name;
        let (code, message) = match self.inputs.directory.direct.get(remembered) {
            Some(DirectPresence::There) => (
                FindingCode::AnchorChanged,
                format!(
                    "the directory group of {name:?} ({remembered}) has lost its record and \
                     anchor; nothing of it is changed"
                ),
            ),
            Some(DirectPresence::Absent) | None => {
                self.decision.plan.gone.extend(changes);
                let message = format!(
                    "the directory group of {name:?} ({remembered}) is nowhere in the domain; \
                     created anew it would have a new SID"
                );
                (FindingCode::DirectoryGroupGone, message)
            }
        };
        self.decision.tell(&group.policy.name, id, code, message);
    }

    fn update(&mut self, group: &Wanted<'_>, existing: Existing<'_>) {
        let Existing { owned, members } = existing;
        let Some(target) = &owned.target else { return };
        let memory = self.inputs.memory;
        let added = self.additions(group, existing);
        let removed = self.removals(group, group.witness, members);
        let mut effects = content::updates(self.inputs, group, owned);
        if !added.is_empty() {
            let cause = cause::of_additions(memory, group, &added);
            let filled = owned.record.state != RecordState::Filling;
            let of = filled.then_some(members.value().len());
            effects.push((Effect::AddMembers { members: added, of }, cause));
        }
        if !removed.is_empty() {
            let cause = cause::of_removals(memory, group, &removed);
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

    fn additions(&mut self, group: &Wanted<'_>, existing: Existing<'_>) -> Vec<MemberReference> {
        let Existing { owned, members } = existing;
        let (name, id) = (&group.policy.name, group.cloud.id);
        if group.policy.mode == Mode::CreateOnly && owned.record.state != RecordState::Filling {
            return Vec::new();
        }
        let there: BTreeSet<ObjectGuid> = members.value().iter().map(|m| m.guid).collect();
        let refused = self.inputs.memory.refused_members.get(&owned.group.guid);
        let mut missing = Vec::new();
        for member in group.resolved.references() {
            let MemberReference::Existing { guid, label } = &member else {
                missing.push(member);
                continue;
            };
            if there.contains(guid) {
                continue;
            }
            if let Some(why) = refused.and_then(|refused| refused.get(guid)) {
                let message = format!("{label} is not added: {why}");
                self.decision.tell(name, id, FindingCode::Refused, message);
                continue;
            }
            missing.push(member);
        }
        if owned.group.privileged && !missing.is_empty() {
            let message = format!(
                "{} carries the marks of a privileged group: {} additions are held, removals go on",
                owned.group.dn,
                missing.len()
            );
            self.decision.tell(name, id, FindingCode::PrivilegedPath, message);
            return Vec::new();
        }
        missing
    }

    /// The values to remove, from two complete reads: what the cloud holds and what stands there.
    fn removals(
        &mut self,
        group: &Wanted<'_>,
        _cloud: &Complete<Vec<CloudMember>>,
        directory: &Complete<BTreeSet<DirectoryMember>>,
    ) -> Vec<MemberReference> {
        if group.policy.mode != Mode::Sync {
            return Vec::new();
        }
        let resolved = &group.resolved;
        let guids: BTreeSet<_> = directory.value().iter().map(|member| member.guid).collect();
        let members: Vec<_> = guids
            .into_iter()
            .filter(|guid| {
                !resolved.present.contains_key(guid)
                    && !resolved.stay.contains(guid)
                    && !self.resolver.is_untouched(*guid, &resolved.untouched_classes)
            })
            .map(|guid| MemberReference::Existing { guid, label: self.resolver.label(guid) })
            .collect();
        match &resolved.no_removal {
            Some(why) if !members.is_empty() => {
                let code = match self.cloud.links {
                    Links::Readable => FindingCode::LinkLost,
                    Links::Unreadable { .. } => FindingCode::LinksUnreadable,
                };
                let message = format!("{} members are not removed: {why}", members.len());
                self.decision.tell(&group.policy.name, group.cloud.id, code, message);
                Vec::new()
            }
            Some(_) | None => members,
        }
    }

    /// What observing policies would do. Their groups take no names away from others.
    fn observe(&mut self, mut written: Written) {
        let mut wanted = Vec::new();
        for (id, index) in &self.claims.observed {
            wanted.extend(self.gatherer().wanted(*id, *index));
        }
        let named = name_all(self.inputs, &wanted, &mut self.decision.findings);
        written.created.extend(self.written(&wanted, &named).created);
        let nesting = Nesting {
            inputs: self.inputs,
            claims: self.claims,
            holdings: self.holdings,
            written: &written,
        };
        for group in &mut wanted {
            nesting.settle(group.cloud.id, &mut group.resolved);
            if let Some(named) = named.get(&group.cloud.id) {
                let changes = content::creation(self.inputs, group, named);
                self.decision.plan.observed.extend(changes);
            }
        }
    }
}
