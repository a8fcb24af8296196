//! What differs between what should be and what is, group by group.
//!
//! From claims, resolved members and names to changes on what we own. A removal is planned only
//! from two witnesses: the cloud's members read whole and the directory's.

use std::collections::BTreeSet;

use crate::decide::claim::{Claim, Claims, Leave};
use crate::decide::holdings::{Holdings, Owned};
use crate::decide::members::{Resolved, Resolver};
use crate::decide::naming::{self, Named};
use crate::decide::{Decision, Inputs};
use crate::model::change::{Cause, Change, Effect, MemberReference};
use crate::model::cloud::{Links, OnPremisesGroupType, Presence};
use crate::model::directory::{DirectPresence, DirectoryMember, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY};
use crate::model::policy::{GroupTypeRule, Mode, Policy, Standing};
use crate::model::{
    CloudGroup, CloudMember, CloudMembers, Complete, Finding, FindingCode, GroupKind, ObjectGuid,
    ObjectId, PolicyName,
};

/// A group that should be written, with all that is needed to say how.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The policy that keeps it.
    pub policy: &'a Policy,
    /// The cloud group.
    pub cloud: &'a CloudGroup,
    /// Its directory group, when there is one.
    pub owned: Option<&'a Owned<'a>>,
    /// Its `groupType`; `None` keeps what is there.
    pub group_type: Option<i32>,
    /// Its members.
    pub resolved: Resolved,
    /// The cloud members the answer rests on.
    pub witness: &'a Complete<Vec<CloudMember>>,
}

/// Works out every change of the pass.
pub fn diff(
    inputs: &Inputs<'_>,
    cloud: &CloudMembers,
    claims: &Claims,
    holdings: &Holdings<'_>,
    decision: &mut Decision,
) {
    let resolver = Resolver::new(inputs, cloud);
    let mut differ = Differ { inputs, cloud, claims, holdings, resolver, decision };
    let mut wanted = Vec::new();
    for (id, claim) in &claims.groups {
        match claim {
            Claim::Keep(index) => wanted.extend(differ.wanted(*id, *index)),
            Claim::Leaving(policy, leave) => differ.leaving(*id, policy, *leave),
            Claim::Delete(index, confirmed) => differ.delete(*id, *index, *confirmed),
            Claim::Unknown(_, reason) => {
                differ.decision.unknown.insert(*id, reason.clone());
            }
            Claim::Idle(_) => {}
        }
    }
    for (id, owned) in &holdings.owned {
        differ.decision.lessons.inventory.insert(*id, owned.group.guid);
    }
    let named = naming::name_all(inputs, &wanted, &mut differ.decision.findings);
    differ.decision.plan.changes.extend(naming::name_changes(inputs, &wanted, &named));
    for group in &wanted {
        if let Some(named) = named.get(&group.cloud.id) {
            differ.group(group, named);
        }
    }
    differ.observe();
}

struct Differ<'a, 'd> {
    inputs: &'a Inputs<'a>,
    cloud: &'a CloudMembers,
    claims: &'a Claims,
    holdings: &'a Holdings<'a>,
    resolver: Resolver<'a>,
    decision: &'d mut Decision,
}

impl<'a> Differ<'a, '_> {
    fn tell(&mut self, policy: &PolicyName, id: ObjectId, code: FindingCode, message: String) {
        let policy = Some(policy.clone());
        self.decision.findings.push(Finding { policy, group: Some(id), code, message });
    }

    fn unknown(&mut self, id: ObjectId, reason: String) {
        self.decision.incomplete = true;
        self.decision.unknown.insert(id, reason);
    }

    /// Gathers what is needed to write a group; `None` when it is left alone.
    fn wanted(&mut self, id: ObjectId, index: usize) -> Option<Wanted<'a>> {
        let standing = self.inputs.policies.policies.get(index)?;
        let policy = &standing.policy;
        let cloud = self.inputs.cloud.groups.value().get(&id)?;
        let owned = self.holdings.owned.get(&id);
        if owned.is_some_and(|owned| owned.frozen.is_some()) {
            return None;
        }
        if owned.is_none() && !self.may_create(standing, cloud) {
            return None;
        }
        let witness = match self.cloud.of.get(&id) {
            Some(Ok(witness)) => witness,
            Some(Err(unread)) => {
                let reason = unread.reason.clone();
                self.tell(&policy.name, id, FindingCode::MembersUnread, reason.clone());
                self.unknown(id, reason);
                return None;
            }
            None => {
                self.unknown(id, "its members were not read".to_owned());
                return None;
            }
        };
        self.within_limit(policy, cloud, owned, witness.value().len()).then_some(())?;
        let group_type = self.group_type(policy, cloud, owned).ok()?;
        let resolved =
            self.resolver.resolve(self.inputs, witness.value(), self.claims, self.holdings);
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(reason) => {
                self.tell(&policy.name, id, FindingCode::MembersUnread, reason.clone());
                self.unknown(id, reason);
                return None;
            }
        };
        Some(Wanted { policy, cloud, owned, group_type, resolved, witness })
    }

    /// Whether nothing stands in the way of a new directory group.
    fn may_create(&mut self, standing: &Standing, cloud: &CloudGroup) -> bool {
        let name = &standing.policy.name;
        if let Some(stranger) = self.holdings.strangers.get(&cloud.id) {
            let message = format!(
                "{:?} exists in the directory as {}, which does not carry our record; it stays \
                 untouched until it is adopted",
                cloud.display_name, stranger.guid
            );
            self.tell(name, cloud.id, stranger.code, message);
            return false;
        }
        !standing.last_good
    }

    fn within_limit(
        &mut self,
        policy: &Policy,
        cloud: &CloudGroup,
        owned: Option<&Owned<'_>>,
        count: usize,
    ) -> bool {
        let maximum = match cloud.kind {
            GroupKind::Microsoft365 => policy.members.maximum_microsoft_365,
            GroupKind::Security
            | GroupKind::MailEnabledSecurity
            | GroupKind::DistributionList
            | GroupKind::Unrecognised => policy.members.maximum_security,
        };
        if count <= maximum {
            return true;
        }
        let why = format!("{count} members, the maximum is {maximum}");
        let message = format!("{:?} has {why}", cloud.display_name);
        self.tell(&policy.name, cloud.id, FindingCode::TooManyMembers, message);
        self.freeze(&policy.name, cloud.id, owned, Cause::Cloud(why));
        false
    }

    /// The `groupType` a group should have. `Err`: it is left alone.
    fn group_type(
        &mut self,
        policy: &Policy,
        cloud: &CloudGroup,
        owned: Option<&Owned<'_>>,
    ) -> Result<Option<i32>, ()> {
        if cloud.kind == GroupKind::Security {
            return Ok(Some(UNIVERSAL_SECURITY));
        }
        match policy.group.group_type {
            GroupTypeRule::UniversalDistribution => return Ok(Some(UNIVERSAL_DISTRIBUTION)),
            GroupTypeRule::UniversalSecurity => return Ok(Some(UNIVERSAL_SECURITY)),
            GroupTypeRule::FromCloud => {}
        }
        let flags = self.inputs.cloud.flags.as_ref().ok().map(Complete::value);
        let Some(flag) = flags.and_then(|flags| flags.get(&cloud.id)) else {
            if owned.is_some() {
                return Ok(None);
            }
            self.unknown(cloud.id, "the type the tenant wants for it is not known".to_owned());
            return Err(());
        };
        let unsupported = match &flag.group_type {
            None | Some(OnPremisesGroupType::UniversalDistribution) => {
                return Ok(Some(UNIVERSAL_DISTRIBUTION));
            }
            Some(OnPremisesGroupType::UniversalSecurity) => return Ok(Some(UNIVERSAL_SECURITY)),
            Some(OnPremisesGroupType::UniversalMailEnabledSecurity) => {
                "universalMailEnabledSecurityGroup"
            }
            Some(OnPremisesGroupType::Unrecognised(other)) => other,
        };
        let why = format!("the tenant wants the type {unsupported:?}, which is not supported yet");
        let message = format!("{:?}: {why}", cloud.display_name);
        self.tell(&policy.name, cloud.id, FindingCode::UnsupportedGroupType, message);
        self.freeze(&policy.name, cloud.id, owned, Cause::Cloud(why));
        Err(())
    }

    fn leaving(&mut self, id: ObjectId, policy: &PolicyName, leave: Leave) {
        if self.inputs.presence.get(&id) == Some(&Presence::Absent) {
            self.decision.lessons.absent.insert(id);
        }
        let owned = self.holdings.owned.get(&id);
        self.freeze(policy, id, owned, Cause::Cloud(leave.phrase().to_owned()));
    }

    fn freeze(
        &mut self,
        policy: &PolicyName,
        group: ObjectId,
        owned: Option<&Owned<'_>>,
        cause: Cause,
    ) {
        let Some(owned) = owned.filter(|owned| owned.frozen.is_none()) else { return };
        if let Some(target) = owned.target.clone() {
            let label = owned.group.dn.leaf().to_owned();
            let effect = Effect::Freeze;
            let change = Change { policy: policy.clone(), group, label, target, effect, cause };
            self.decision.plan.changes.push(change);
        }
    }

    fn delete(&mut self, id: ObjectId, index: usize, confirmed: bool) {
        self.decision.lessons.absent.insert(id);
        let Some(standing) = self.inputs.policies.policies.get(index) else { return };
        let Some(owned) = self.holdings.owned.get(&id).filter(|o| o.frozen.is_none()) else {
            return;
        };
        let Some(target) = owned.target.clone() else { return };
        let members = match self.inputs.directory.members.get(&owned.group.guid) {
            Some(Ok(members)) => members.value().len(),
            Some(Err(unread)) => return self.unknown(id, unread.reason.clone()),
            None => return self.unknown(id, "its members were not read".to_owned()),
        };
        let change = Change {
            policy: standing.policy.name.clone(),
            group: id,
            label: owned.group.dn.leaf().to_owned(),
            target,
            effect: Effect::Delete { members },
            cause: Cause::Cloud(Leave::HardDeleted.phrase().to_owned()),
        };
        let blind = matches!(self.cloud.links, Links::Unreadable { .. });
        let plan = &mut self.decision.plan;
        if confirmed && !blind { &mut plan.changes } else { &mut plan.unconfirmed }.push(change);
    }

    fn group(&mut self, group: &Wanted<'_>, named: &Named) {
        for (code, message) in &group.resolved.findings {
            self.tell(&group.policy.name, group.cloud.id, *code, message.clone());
        }
        let lessons = &mut self.decision.lessons;
        lessons.counterparts.extend(&group.resolved.followed);
        lessons.linkless.extend(&group.resolved.linkless);
        let intent = naming::intent(group, named);
        match group.owned {
            None => self.create(group, named),
            Some(owned) => self.update(group, owned),
        }
        self.decision.lessons.intents.insert(group.cloud.id, intent);
    }

    fn create(&mut self, group: &Wanted<'_>, named: &Named) {
        let changes = naming::creation(self.inputs, group, named);
        let id = group.cloud.id;
        let Some(remembered) = self.inputs.memory.inventory.get(&id) else {
            self.decision.plan.changes.extend(changes);
            return;
        };
        let (code, message) = match self.inputs.directory.direct.get(remembered) {
            Some(DirectPresence::There) => (
                FindingCode::AnchorChanged,
                format!("{remembered} has lost its record and anchor; nothing of it is changed"),
            ),
            Some(DirectPresence::Absent) | None => {
                self.decision.plan.gone.extend(changes);
                let message = format!(
                    "the directory group of {:?} ({remembered}) is nowhere in the domain; \
                     created anew it would have a new SID",
                    group.cloud.display_name
                );
                (FindingCode::DirectoryGroupGone, message)
            }
        };
        self.tell(&group.policy.name, id, code, message);
    }

    fn update(&mut self, group: &Wanted<'_>, owned: &Owned<'_>) {
        let id = group.cloud.id;
        let Some(target) = owned.target.clone() else { return };
        let observed = match self.inputs.directory.members.get(&owned.group.guid) {
            Some(Ok(observed)) => observed,
            Some(Err(unread)) => return self.unknown(id, unread.reason.clone()),
            None => return self.unknown(id, "its members were not read".to_owned()),
        };
        let adds = self.additions(group, owned, observed.value());
        let removes = self.removals(group, group.witness, observed);
        let changes = naming::updates(self.inputs, group, owned, &target);
        self.decision.plan.changes.extend(changes);
        let previous = self.inputs.memory.intents.get(&id);
        let change = |effect, cause| Change {
            policy: group.policy.name.clone(),
            group: id,
            label: owned.group.dn.leaf().to_owned(),
            target: target.clone(),
            effect,
            cause,
        };
        let meant = |reference: &MemberReference| match reference {
            MemberReference::Existing { guid, .. } => {
                previous.is_some_and(|intent| intent.members.binary_search(guid).is_ok())
            }
            MemberReference::Created { .. } => false,
        };
        let filling = naming::is_filling(owned);
        if !adds.is_empty() {
            let drift = adds.iter().all(meant);
            let cause = naming::member_cause(group, drift, "members were taken out");
            let effect = Effect::AddMembers { members: adds, first_fill: filling };
            self.decision.plan.changes.push(change(effect, cause));
        }
        if !removes.is_empty() {
            let drift = previous.is_some() && !removes.iter().any(meant);
            let cause = naming::member_cause(group, drift, "members were put in");
            let effect = Effect::RemoveMembers { members: removes, of: observed.value().len() };
            self.decision.plan.changes.push(change(effect, cause));
        }
    }

    fn additions(
        &mut self,
        group: &Wanted<'_>,
        owned: &Owned<'_>,
        observed: &BTreeSet<DirectoryMember>,
    ) -> Vec<MemberReference> {
        let name = &group.policy.name;
        let id = group.cloud.id;
        if group.policy.mode == Mode::CreateOnly && !naming::is_filling(owned) {
            return Vec::new();
        }
        let there: BTreeSet<ObjectGuid> = observed.iter().map(|member| member.guid).collect();
        let refused = self.inputs.memory.refused_members.get(&owned.group.guid);
        for (guid, why) in refused.into_iter().flatten() {
            let message = format!("{} is not added: {why}", self.resolver.label(*guid));
            self.tell(name, id, FindingCode::Refused, message);
        }
        let members: Vec<_> = naming::references(&group.resolved)
            .filter(|reference| match reference {
                MemberReference::Existing { guid, .. } => {
                    !there.contains(guid) && !refused.is_some_and(|r| r.contains_key(guid))
                }
                MemberReference::Created { .. } => true,
            })
            .collect();
        if owned.group.privileged && !members.is_empty() {
            let message = format!(
                "{} carries the marks of a privileged group: {} additions are held, removals go on",
                owned.group.dn,
                members.len()
            );
            self.tell(name, id, FindingCode::PrivilegedPath, message);
            return Vec::new();
        }
        members
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
        let members: Vec<_> = directory
            .value()
            .iter()
            .map(|member| member.guid)
            .filter(|guid| {
                !resolved.present.contains_key(guid)
                    && !resolved.stay.contains(guid)
                    && !resolved.untouched_classes.contains(&self.resolver.class(*guid))
            })
            .map(|guid| MemberReference::Existing { guid, label: self.resolver.label(guid) })
            .collect();
        match &resolved.no_removal {
            Some(why) if !members.is_empty() => {
                let message = format!("{} members are not removed: {why}", members.len());
                self.tell(
                    &group.policy.name,
                    group.cloud.id,
                    FindingCode::LinksUnreadable,
                    message,
                );
                Vec::new()
            }
            _ => members,
        }
    }

    /// What observing policies would do. Their groups take no names away from others.
    fn observe(&mut self) {
        let observed: Vec<_> = self
            .claims
            .observed
            .iter()
            .filter(|(id, _)| !self.claims.groups.contains_key(id))
            .map(|(id, index)| (*id, *index))
            .collect();
        let wanted: Vec<_> =
            observed.into_iter().filter_map(|(id, index)| self.wanted(id, index)).collect();
        let named = naming::name_all(self.inputs, &wanted, &mut self.decision.findings);
        for group in &wanted {
            if let Some(named) = named.get(&group.cloud.id) {
                let changes = naming::creation(self.inputs, group, named);
                self.decision.plan.observed.extend(changes);
            }
        }
    }
}
