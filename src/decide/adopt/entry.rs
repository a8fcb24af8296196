//! Whether one entry of `spec.adoption` can be followed, and why not.
//!
//! From the entry, the claim of its cloud group and the object it names to a verdict. A refusal is
//! told before anything is written, and says what to do.

use std::collections::BTreeSet;

use crate::decide::buried::{self, Buried};
use crate::decide::claim::{Claim, Claims};
use crate::decide::convert::is_universal;
use crate::decide::holdings::{Holdings, Owned};
use crate::decide::{Inputs, privilege};
use crate::defence::stands;
use crate::model::cloud::Origin;
use crate::model::directory::{DirectPresence, PrincipalClass};
use crate::model::distinguished_name::DnKey;
use crate::model::policy::{Adoption, Mode, Standing};
use crate::model::record::RecordState;
use crate::model::{DirectoryGroup, Dn, ObjectGuid, ObjectId, OwnershipRecord, Principal, Target};

/// `groupType` bits that no group of an administrator carries: created by the system, and the two
/// of Authorization Manager (MS-ADTS 2.2.12).
const NOT_PLAIN: i32 = 0x1 | 0x10 | 0x20;
/// `groupType` of a global group (MS-ADTS 2.2.12).
const GLOBAL: i32 = 0x2;
/// Names in one message.
const NAMES_MAX: usize = 5;

/// What comes of an entry.
pub(super) enum Verdict<'a> {
    /// The object is the group's, by its record.
    Done,
    /// Not now: the policy writes nothing, or not enough is known, and something else says so.
    Waits,
    /// The object is taken up in this pass.
    Taken(Owned<'a>),
    /// It is not, for this reason.
    Refused(String),
}

/// What every entry is judged by.
pub(super) struct Judge<'j, 'a> {
    inputs: &'j Inputs<'a>,
    claims: &'j Claims,
    holdings: &'j Holdings<'a>,
}

impl<'j, 'a> Judge<'j, 'a> {
    pub(super) fn new(
        inputs: &'j Inputs<'a>,
        claims: &'j Claims,
        holdings: &'j Holdings<'a>,
    ) -> Self {
        Self { inputs, claims, holdings }
    }

    /// Judges an entry of the policy with this index.
    pub(super) fn verdict(
        &self,
        index: usize,
        standing: &'a Standing,
        entry: &'a Adoption,
    ) -> Verdict<'a> {
        if let Some(owned) = self.holdings.owned.get(&entry.group) {
            let other = &owned.group.dn;
            return if owned.group.guid == entry.object {
                Verdict::Done
            } else {
                Verdict::Refused(format!(
                    "the cloud group {} has the directory group {other} already; release that one \
                     first, or take the entry out",
                    entry.group
                ))
            };
        }
        let policy = &standing.policy;
        if policy.suspend || standing.last_good {
            return Verdict::Waits;
        }
        match self.claimant(entry.group) {
            Ok(Some(claimant)) if claimant == index => {}
            Ok(Some(claimant)) => {
                let other = self.inputs.policies.policies.get(claimant);
                let other = other.map(|other| other.policy.name.to_string()).unwrap_or_default();
                return Verdict::Refused(format!(
                    "the cloud group {} is the policy {other}'s: move the entry there",
                    entry.group
                ));
            }
            Ok(None) => return Verdict::Waits,
            Err(message) => return Verdict::Refused(message),
        }
        if self.is_gone(entry) {
            return Verdict::Done;
        }
        match self.object(entry).and_then(|group| Ok((group, self.suits(entry, group)?))) {
            Ok((group, target)) => Verdict::Taken(self.taken(standing, entry, group, target)),
            Err(message) => Verdict::Refused(message),
        }
    }

    /// The policy that the cloud group belongs to, as an index; `None` while that is open.
    fn claimant(&self, id: ObjectId) -> Result<Option<usize>, String> {
        match self.claims.groups.get(&id) {
            Some(Claim::Keep(index)) => return Ok(Some(*index)),
            Some(
                Claim::Idle(_) | Claim::Unknown(..) | Claim::Leaving(..) | Claim::Departing(_),
            ) => return Ok(None),
            None => {}
        }
        if let Some(index) = self.claims.observed.get(&id) {
            return Ok(Some(*index));
        }
        let cloud = self.inputs.cloud;
        Err(if cloud.groups.value().contains_key(&id) {
            format!("no policy takes the cloud group {id}: turn its writeback flag on or select it")
        } else if cloud.deleted.value().contains(&id) {
            format!("the cloud group {id} is deleted: restore it or take the entry out")
        } else {
            format!("no group of the tenant has the id {id}")
        })
    }

    /// Whether the object was the group's before and is deleted: it is brought back like any other.
    fn is_gone(&self, entry: &Adoption) -> bool {
        let Inputs { memory, directory, .. } = self.inputs;
        let there = directory.groups.value().contains_key(&entry.object)
            || matches!(directory.named.get(&entry.object), Some(Ok(_)));
        let known = memory.inventory.get(&entry.group).or_else(|| memory.deleted.get(&entry.group));
        let buried = match buried::find(self.inputs, entry.group) {
            Buried::One(deleted) => Some(&deleted.guid),
            Buried::Nothing | Buried::Several(_) | Buried::Refused(_) => None,
        };
        !there && [known, buried].contains(&Some(&entry.object))
    }

    /// The group that the entry names.
    fn object(&self, entry: &Adoption) -> Result<&'a DirectoryGroup, String> {
        let directory = self.inputs.directory;
        if let Some(group) = directory.groups.value().get(&entry.object) {
            return Ok(group);
        }
        match directory.named.get(&entry.object) {
            Some(Ok(group)) => Ok(group),
            Some(Err(unread)) => {
                Err(format!("{} cannot be adopted: {}", entry.object, unread.reason))
            }
            None => Err(format!("{} was not read; it is no group of this domain", entry.object)),
        }
    }

    /// Whether nothing stands in the way. The order is that of severity.
    fn suits(&self, entry: &Adoption, group: &DirectoryGroup) -> Result<Target, String> {
        let dn = &group.dn;
        if group.class != PrincipalClass::Group {
            return Err(format!("{dn} is no group"));
        }
        if let Some(why) = self.protected(group)
            && stands("H52")
        {
            return Err(format!("{dn} is never written: {why}"));
        }
        let target = self.inputs.containers.admit(group.guid, dn.clone()).ok_or_else(|| {
            format!("{dn} lies outside `directory.containers`; move it there first")
        })?;
        self.unrivalled(entry)?;
        if stands("H51") {
            self.unclaimed(entry, group)?;
        }
        self.counterpart(entry, group)?;
        let same = |other: &&Adoption| (other.group, other.object) == (entry.group, entry.object);
        let mut confirmed = self.entries().filter(same).map(|other| other.incumbent_off);
        if !confirmed.any(|off| off) && anchors(group).next().is_some() {
            return Err(format!(
                "{dn} was written by Microsoft's writeback: turn that off for this group, then \
                 confirm it with `incumbentOff: true` in the entry, or with `adopt \
                 --confirm-incumbent-off`"
            ));
        }
        self.legal(group)?;
        Ok(target)
    }

    /// Why a group is one that nobody writes: marks of its own, or a protected group above it.
    fn protected(&self, group: &DirectoryGroup) -> Option<String> {
        let seen = self.inputs.directory.principals.value().get(&group.guid);
        let sid = group.sid.as_ref();
        if group.privileged || group.critical || seen.is_some_and(|seen| seen.privileged) {
            return Some(
                "it carries adminCount=1, isCriticalSystemObject or a RID below 1000".into(),
            );
        }
        if sid.is_some_and(|sid| !sid.is_domain_account()) || group.group_type & NOT_PLAIN != 0 {
            return Some("it belongs to the system".to_owned());
        }
        privilege::path(self.inputs, group)
    }

    /// All entries.
    fn entries(&self) -> impl Iterator<Item = &Adoption> {
        self.inputs.policies.policies.iter().flat_map(|standing| &standing.policy.adoption)
    }

    /// Whether no other entry names the same group or the same object, and the cloud group has no
    /// other object that lives or can be brought back.
    fn unrivalled(&self, entry: &Adoption) -> Result<(), String> {
        let is_rival =
            |other: &&Adoption| (other.group == entry.group) != (other.object == entry.object);
        if let Some(other) = self.entries().find(is_rival) {
            return Err(format!(
                "the entry at {} gives {} to {}: one directory group for one cloud group",
                other.place, other.object, other.group
            ));
        }
        let marked = self.holdings.marked.get(&entry.group).into_iter().flatten();
        let others: Vec<_> = marked.filter(|guid| **guid != entry.object).collect();
        if let Some(other) = others.first() {
            return Err(format!(
                "{other} carries the mark of the cloud group {} as well: take it off one of them",
                entry.group
            ));
        }
        let memory = self.inputs.memory;
        let known = memory.inventory.get(&entry.group).or_else(|| memory.deleted.get(&entry.group));
        let Some(known) = known.filter(|known| **known != entry.object) else { return Ok(()) };
        let lives = self.inputs.directory.direct.get(known) == Some(&DirectPresence::There);
        if lives || matches!(buried::find(self.inputs, entry.group), Buried::One(_)) {
            return Err(format!(
                "the directory group of {} was {known}, which is there or can be brought back",
                entry.group
            ));
        }
        Ok(())
    }

    /// Whether the object is nobody's: no record, and no anchor but this group's.
    fn unclaimed(&self, entry: &Adoption, group: &DirectoryGroup) -> Result<(), String> {
        let dn = &group.dn;
        let ours = |record: &OwnershipRecord| {
            record.owner == self.inputs.owner && record.tenant == self.inputs.cloud.tenant
        };
        if let Some(value) = group.records.first() {
            return Err(match &value.record {
                Some(record) if ours(record) => format!(
                    "{dn} is the directory group of {} already; release it there first",
                    record.id
                ),
                Some(_) | None => format!(
                    "{dn} carries the record of another owner ({}); have it released there",
                    value.text
                ),
            });
        }
        match anchors(group).find(|id| *id != entry.group) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{dn} carries the anchor of another cloud group, {other}; it can be adopted for \
                 that one alone"
            )),
        }
    }

    /// Whether the object is the one that a converted group came from, and none that the tenant
    /// reads from the directory as another group: that one would follow itself.
    fn counterpart(&self, entry: &Adoption, group: &DirectoryGroup) -> Result<(), String> {
        let groups = self.inputs.cloud.groups.value();
        if let Some(Origin::Converted(sid)) = groups.get(&entry.group).map(|cloud| &cloud.origin)
            && group.sid.as_ref() != Some(sid)
        {
            return Err(format!(
                "the cloud group {} was converted from the object with the SID {sid}, and {} is \
                 another one",
                entry.group, group.dn
            ));
        }
        let reads = |origin: &Origin| match origin {
            Origin::OnPremises(sid) => sid.is_some() && sid.as_ref() == group.sid.as_ref(),
            Origin::Converted(sid) => Some(sid) == group.sid.as_ref(),
            Origin::Cloud | Origin::ConvertedUnreadable => false,
        };
        match groups.values().find(|cloud| cloud.id != entry.group && reads(&cloud.origin)) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{} is in the tenant as {:?} ({}); take it out of the synchronisation first",
                group.dn, other.display_name, other.id
            )),
        }
    }

    /// Whether the directory lets the group become universal (learn.microsoft.com, Active
    /// Directory security groups, "Group scope"; MS-SAMR 3.1.1.8.4). Members that cannot be read
    /// leave that open: nothing of the group is changed then.
    fn legal(&self, group: &DirectoryGroup) -> Result<(), String> {
        let dn = &group.dn;
        if group.group_type == 0 || is_universal(group.group_type) {
            return Ok(());
        }
        if group.group_type & GLOBAL != 0 {
            let parents = self.global_parents(&group.parents);
            return if parents.is_empty() {
                Ok(())
            } else {
                Err(format!(
                    "{dn} is a global group in another one, and cannot become universal: take it \
                     out of {}",
                    names(parents)
                ))
            };
        }
        let members = self.inputs.directory.members.get(&group.guid);
        let Some(Ok(members)) = members else { return Ok(()) };
        let members = self.unfit(members.value().iter().map(|member| member.guid));
        if members.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{dn} is a domain local group and cannot become universal with domain local groups or \
             principals of another forest in it: take out {}",
            names(members)
        ))
    }

    fn global_parents(&self, parents: &[Dn]) -> Vec<String> {
        let keys: BTreeSet<DnKey> = parents.iter().map(Dn::key).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        let all = self.inputs.directory.principals.value().values();
        let is_global = |parent: &&Principal| {
            // One whose scope cannot be seen may be global.
            let scope = parent.group_type.filter(|group_type| *group_type != 0);
            parent.class == PrincipalClass::Group
                && scope.is_none_or(|group_type| group_type & GLOBAL != 0)
        };
        let parents = all.filter(is_global).filter(|parent| keys.contains(&parent.dn.key()));
        parents.map(|parent| parent.dn.to_string()).collect()
    }

    /// Members that no universal group can have.
    fn unfit(&self, members: impl Iterator<Item = ObjectGuid>) -> Vec<String> {
        let directory = self.inputs.directory;
        let foreign = directory.facts.naming_context.child("ForeignSecurityPrincipals");
        let unfit = members.filter_map(|guid| {
            let member = directory.principals.value().get(&guid)?;
            let is_unfit = member.is_domain_local() || member.dn.is_within(&foreign);
            is_unfit.then(|| member.dn.to_string())
        });
        unfit.collect()
    }

    fn taken(
        &self,
        standing: &Standing,
        entry: &'a Adoption,
        group: &'a DirectoryGroup,
        target: Target,
    ) -> Owned<'a> {
        debug_assert!(standing.policy.mode == Mode::Observe || !standing.policy.suspend);
        let record = OwnershipRecord {
            owner: self.inputs.owner.to_owned(),
            tenant: self.inputs.cloud.tenant,
            policy: standing.policy.name.clone(),
            id: entry.group,
            state: RecordState::Active,
        };
        Owned {
            group,
            record_text: record.to_string(),
            record,
            target: Some(target),
            frozen: None,
            adoption: Some(entry),
        }
    }
}

/// The cloud groups that the anchors of a group name.
fn anchors(group: &DirectoryGroup) -> impl Iterator<Item = ObjectId> + '_ {
    let texts = [&group.admin_description, &group.external_id].into_iter().flatten();
    texts.filter_map(|text| ObjectId::from_any_anchor(text))
}

/// The first of some names, and how many there are beside them.
fn names(mut all: Vec<String>) -> String {
    all.sort();
    let more = all.len().saturating_sub(NAMES_MAX);
    all.truncate(NAMES_MAX);
    let named = all.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
