//! Gathers what is needed to write a group, or finds out why it is left alone in this pass.
//!
//! From a claim to a [`Wanted`]: both sides read whole, a type this version writes, members within
//! the limit. Whatever is missing leaves the group exactly as it is.

use std::collections::BTreeSet;

use crate::decide::holdings::{Holdings, Owned};
use crate::decide::members::{Resolved, Resolver};
use crate::decide::shape::{Shape, shape};
use crate::decide::{Decision, Inputs};
use crate::defence::stands;
use crate::model::change::{Cause, Change, Effect};
use crate::model::cloud::OnPremisesGroupType;
use crate::model::directory::{DirectoryMember, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY};
use crate::model::policy::{GroupTypeRule, Policy, Standing};
use crate::model::record::RecordState;
use crate::model::{
    CloudGroup, CloudMember, CloudMembers, Complete, DirectoryGroup, FindingCode, GroupKind,
    ObjectId, PolicyName,
};

/// A group that is written, with all that is needed to say how.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The policy that keeps it.
    pub policy: &'a Policy,
    /// The policy is the last good version of a file that cannot be parsed now.
    pub last_good: bool,
    /// The cloud group.
    pub cloud: &'a CloudGroup,
    /// Its directory group, when there is one.
    pub owned: Option<Existing<'a>>,
    /// What its policy makes of it: container, names, extra attributes.
    pub shape: Shape,
    /// Its type; `None` keeps what is there.
    pub written_type: Option<WrittenType>,
    /// Its members.
    pub resolved: Resolved,
    /// The cloud members the answer rests on.
    pub witness: &'a Complete<Vec<CloudMember>>,
}

/// What kind of directory group is written; the scope is always universal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenType {
    /// Receives mail, gives no access.
    Distribution,
    /// Gives access.
    Security,
    /// Both.
    MailEnabledSecurity,
}

impl WrittenType {
    /// The value of `groupType`.
    pub fn group_type(self) -> i32 {
        match self {
            Self::Distribution => UNIVERSAL_DISTRIBUTION,
            Self::Security | Self::MailEnabledSecurity => UNIVERSAL_SECURITY,
        }
    }

    /// Whether it carries mail attributes.
    pub fn has_mail(self) -> bool {
        match self {
            Self::Distribution | Self::MailEnabledSecurity => true,
            Self::Security => false,
        }
    }
}

impl<'a> Wanted<'a> {
    /// The value of `groupType` it should have; `None` keeps what is there.
    pub fn group_type(&self) -> Option<i32> {
        self.written_type.map(WrittenType::group_type)
    }

    /// Whether it was disabled or quarantined and is wanted again.
    pub fn returns(&self) -> bool {
        self.owned.is_some_and(|existing| match existing.owned.record.state {
            RecordState::Disabled | RecordState::Quarantined => true,
            RecordState::Filling | RecordState::Active => false,
        })
    }

    /// Whether its name and its place are left to its administrators: it was adopted.
    pub fn is_adopted(&self) -> bool {
        self.owned.is_some_and(|existing| existing.owned.is_adopted())
    }

    /// Whether its record names another policy than the one that writes it.
    pub fn is_handed_over(&self) -> bool {
        self.owned.is_some_and(|existing| existing.owned.record.policy != self.policy.name)
    }

    /// Its directory group as it stands, when there is one.
    pub fn existing(&self) -> Option<&'a DirectoryGroup> {
        self.owned.map(|existing| existing.owned.group)
    }
}

/// A directory group of ours that may be changed, with its members.
#[derive(Debug, Clone, Copy)]
pub struct Existing<'a> {
    /// The group and its record.
    pub owned: &'a Owned<'a>,
    /// Its members, read whole.
    pub members: &'a Complete<BTreeSet<DirectoryMember>>,
}

/// Gathers groups, and tells what stands in the way of those that are left alone.
#[derive(Debug)]
pub struct Gatherer<'a, 'd> {
    /// The inputs of the pass.
    pub inputs: &'a Inputs<'a>,
    /// The members that were read.
    pub cloud: &'a CloudMembers,
    /// Whose directory groups are.
    pub holdings: &'a Holdings<'a>,
    /// Which principals members are.
    pub resolver: &'d Resolver<'a>,
    /// Where findings, freezes and unknown groups go.
    pub decision: &'d mut Decision,
}

impl<'a> Gatherer<'a, '_> {
    /// Gathers what is needed to write the group; `None` when it is left alone.
    pub fn wanted(&mut self, id: ObjectId, index: usize) -> Option<Wanted<'a>> {
        let standing = self.inputs.policies.policies.get(index)?;
        let policy = &standing.policy;
        let cloud = self.inputs.cloud.groups.value().get(&id)?;
        let owned = match self.holdings.owned.get(&id) {
            Some(owned) => Some(self.existing(id, &policy.name, owned)?),
            None if self.may_create(standing, cloud) => None,
            None => return None,
        };
        let witness = match self.cloud.of.get(&id) {
            Some(Ok(witness)) => witness,
            Some(Err(unread)) => return self.blind(&policy.name, id, unread.reason.clone()),
            None => return self.blind(&policy.name, id, "its members were not read".to_owned()),
        };
        let standing_group = owned.map(|existing| existing.owned);
        let roster = match self.resolver.roster(policy, id, witness.value()) {
            Ok(roster) => roster,
            Err(reason) => return self.blind(&policy.name, id, reason),
        };
        self.within_limit(policy, cloud, standing_group, roster.count()).then_some(())?;
        let written_type = self.group_type(policy, cloud, standing_group).ok()?;
        let resolved = match self.resolver.resolve(&policy.name, roster) {
            Ok(resolved) => resolved,
            Err(reason) => return self.blind(&policy.name, id, reason),
        };
        let shape = match shape(policy, cloud) {
            Ok(shape) => shape,
            Err(reason) => {
                let code = FindingCode::ExpressionFailed;
                self.decision.tell(&policy.name, id, code, reason.clone());
                self.decision.unknown(&policy.name, id, reason);
                return None;
            }
        };
        let last_good = standing.last_good;
        Some(Wanted { policy, last_good, cloud, owned, shape, written_type, resolved, witness })
    }

    /// Leaves a group alone because a read was not whole.
    fn blind<T>(&mut self, policy: &PolicyName, id: ObjectId, reason: String) -> Option<T> {
        self.decision.tell(policy, id, FindingCode::MembersUnread, reason.clone());
        self.decision.unknown(policy, id, reason);
        None
    }

    /// A directory group that may be changed; `None` when it is frozen or its members are unread.
    fn existing(
        &mut self,
        id: ObjectId,
        policy: &PolicyName,
        owned: &'a Owned<'a>,
    ) -> Option<Existing<'a>> {
        if owned.frozen.is_some() {
            return None;
        }
        if owned.group.group_type == 0 {
            let reason = "the directory does not show its groupType".to_owned();
            return self.blind(policy, id, reason);
        }
        match self.inputs.directory.members.get(&owned.group.guid) {
            Some(Ok(members)) => Some(Existing { owned, members }),
            Some(Err(unread)) => self.blind(policy, id, unread.reason.clone()),
            None => self.blind(policy, id, "its members were not read".to_owned()),
        }
    }

    /// Whether nothing stands in the way of a new directory group.
    fn may_create(&mut self, standing: &Standing, cloud: &CloudGroup) -> bool {
        if self.holdings.awaited.contains(&cloud.id) {
            return false;
        }
        if let Some(stranger) = self.holdings.strangers.get(&cloud.id)
            && stands("H51")
        {
            let message = format!(
                "{:?} exists in the directory as {}, {}; it stays untouched",
                cloud.display_name,
                stranger.guid,
                stranger.kind.phrase()
            );
            let code = stranger.kind.code();
            self.decision.tell(&standing.policy.name, cloud.id, code, message);
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
        self.decision.tell(&policy.name, cloud.id, FindingCode::TooManyMembers, message);
        freeze(self.decision, &policy.name, cloud.id, owned, Cause::Cloud(why));
        false
    }

    /// The type a group should have. `Err`: it is left alone.
    fn group_type(
        &mut self,
        policy: &Policy,
        cloud: &CloudGroup,
        owned: Option<&Owned<'_>>,
    ) -> Result<Option<WrittenType>, ()> {
        if cloud.kind == GroupKind::Security {
            return Ok(Some(WrittenType::Security));
        }
        match policy.group.group_type {
            GroupTypeRule::UniversalDistribution => return Ok(Some(WrittenType::Distribution)),
            GroupTypeRule::UniversalSecurity => return Ok(Some(WrittenType::Security)),
            GroupTypeRule::UniversalMailEnabledSecurity => {
                return Ok(Some(WrittenType::MailEnabledSecurity));
            }
            GroupTypeRule::FromCloud => {}
        }
        let flags = self.inputs.cloud.flags.as_ref().ok().map(Complete::value);
        let Some(flag) = flags.and_then(|flags| flags.get(&cloud.id)) else {
            if owned.is_some() {
                self.decision.blinded(&policy.name);
                return Ok(None);
            }
            let reason = "the type the tenant wants for it is not known".to_owned();
            self.decision.unknown(&policy.name, cloud.id, reason);
            return Err(());
        };
        let other = match &flag.group_type {
            None | Some(OnPremisesGroupType::UniversalDistribution) => {
                return Ok(Some(WrittenType::Distribution));
            }
            Some(OnPremisesGroupType::UniversalSecurity) => return Ok(Some(WrittenType::Security)),
            Some(OnPremisesGroupType::UniversalMailEnabledSecurity) => {
                return Ok(Some(WrittenType::MailEnabledSecurity));
            }
            Some(OnPremisesGroupType::Unrecognised(other)) => other,
        };
        let why = format!("the tenant wants the type {other:?}, which this version does not know");
        let message = format!("{:?}: {why}", cloud.display_name);
        self.decision.tell(&policy.name, cloud.id, FindingCode::UnsupportedGroupType, message);
        freeze(self.decision, &policy.name, cloud.id, owned, Cause::Cloud(why));
        Err(())
    }
}

/// Shows that a directory group stays as it is. One in doubt has a finding instead.
pub fn freeze(
    decision: &mut Decision,
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
        decision.plan.changes.push(change);
    }
}
