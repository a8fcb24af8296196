//! Which directory principals a cloud group's members are.
//!
//! From cloud members, the principals of the domain and memory to what a group should hold, what
//! must stay although nothing says so any more, and whether anything may be removed at all.
//! `flatten` says whose members count, `links` where a link leads, `keep` what is never taken out.
//! Nothing is ever resolved by name.

mod flatten;
mod keep;
mod links;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

pub use flatten::{Roster, flatten_needs, flatten_roots};
pub use tally::{Tally, names};

use crate::decide::Inputs;
use crate::defence::stands;
use crate::model::change::MemberReference;
use crate::model::cloud::{Links, MemberKind};
use crate::model::policy::Policy;
use crate::model::{
    CloudListing, CloudMember, CloudMembers, Complete, DirectoryGroup, Finding, FindingCode,
    ObjectGuid, ObjectId, PolicyName, Principal,
};
use keep::{Keeps, PrimaryGroups};
use links::{Counterpart, LinkIndex};
use tally::name;

const NO_ACCOUNT: &str = "left out, without an on-premises account";
const STAYS: &str = "in doubt; what they led to before stays a member, nothing new is added";
const HOLDS: &str = "in doubt; nothing is removed from the group in this pass";
const LOCAL: &str = "left out, being of domain local scope";
const SCOPELESS: &str = "not added, being of a scope (groupType) that the directory does not show";
const NO_DEVICE: &str = "left out, having no computer or msDS-Device in the directory";
const DEVICE_STAYS: &str = "not found by device id any more; what they led to before stays";

/// Indices over the domain and the tenant that every resolution needs.
#[derive(Debug)]
pub struct Resolver<'a> {
    listing: &'a CloudListing,
    cloud: &'a CloudMembers,
    principals: &'a BTreeMap<ObjectGuid, Principal>,
    link_index: LinkIndex<'a>,
    /// Objects that several cloud principals lead to, and how many: a takeover or a mistake.
    crowded: BTreeMap<ObjectGuid, usize>,
    keeps: Keeps,
    primary_groups: PrimaryGroups,
    counterparts: &'a BTreeMap<ObjectId, ObjectGuid>,
    linkless: &'a BTreeSet<ObjectId>,
}

/// What a group's members come to.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Objects that should be members, with a name for people.
    pub present: BTreeMap<ObjectGuid, String>,
    /// Nested cloud groups whose place is not settled yet, with a name for people.
    pub children: BTreeMap<ObjectId, String>,
    /// Nested groups that this pass creates or brings back first.
    pub created: BTreeMap<ObjectId, String>,
    /// Objects that stay if they are members, and are not added.
    pub stay: BTreeSet<ObjectGuid>,
    /// Nothing is removed: what kind of doubt it is, and a phrase that reads after a colon.
    pub no_removal: Option<(FindingCode, String)>,
    /// What is worth telling.
    pub findings: Vec<(FindingCode, String)>,
    /// Links that were followed, for memory.
    pub followed: BTreeMap<ObjectId, ObjectGuid>,
    /// Users without any link, for memory.
    pub linkless: BTreeSet<ObjectId>,
}

impl Resolved {
    /// All members a group should have, sorted.
    pub fn references(&self) -> impl Iterator<Item = MemberReference> + '_ {
        let existing = self
            .present
            .iter()
            .map(|(guid, label)| MemberReference::Existing { guid: *guid, label: label.clone() });
        let created = self
            .created
            .iter()
            .map(|(group, label)| MemberReference::Created { group: *group, label: label.clone() });
        existing.chain(created)
    }
}

impl<'a> Resolver<'a> {
    /// Builds the indices. Cost: one pass over the principals and over all members read, and two
    /// words of memory for each index entry.
    pub fn new(inputs: &Inputs<'a>, cloud: &'a CloudMembers) -> Self {
        let principals = inputs.directory.principals.value();
        let link_index = LinkIndex::new(principals);
        let members = cloud.of.values().flatten().flat_map(Complete::value);
        let mut led: Vec<(ObjectGuid, ObjectId)> = members
            .filter_map(|member| match link_index.follow(&member.kind)? {
                Counterpart::Found(guid) => Some((guid, member.id)),
                Counterpart::Missing(_) | Counterpart::Ambiguous(_) => None,
            })
            .collect();
        led.sort_unstable();
        led.dedup();
        let several = led.chunk_by(|(one, _), (other, _)| one == other);
        let several = several.filter(|leaders| leaders.len() > 1);
        let crowded = several.filter_map(|all| Some((all.first()?.0, all.len()))).collect();
        let keeps = Keeps::new(inputs, &link_index);
        Self {
            listing: inputs.cloud,
            cloud,
            principals,
            link_index,
            crowded,
            keeps,
            primary_groups: PrimaryGroups::new(inputs),
            counterparts: &inputs.memory.counterparts,
            linkless: &inputs.memory.linkless,
        }
    }

    /// The members that the policy asks for. `Err`: the group is Unknown, for this reason.
    pub fn roster(
        &self,
        policy: &Policy,
        group: ObjectId,
        direct: &'a [CloudMember],
    ) -> Result<Roster<'a>, String> {
        flatten::roster(self.listing, self.cloud, policy, group, direct)
    }

    /// Resolves the members of one group. `Err`: the group is Unknown, for this reason.
    ///
    /// Nested cloud groups are left in `children`: `nest` settles them.
    pub fn resolve(&self, policy: &PolicyName, roster: Roster<'a>) -> Result<Resolved, String> {
        let mut resolved = Resolved::default();
        if let Links::Unreadable { reason } = &self.cloud.links {
            resolved.no_removal = Some((FindingCode::LinksUnreadable, reason.clone()));
        }
        if let Some(missing) = self.keep_missing(policy) {
            let held = (FindingCode::KeepNotFound, missing.to_owned());
            resolved.no_removal.get_or_insert(held);
        }
        resolved.stay.extend(self.keeps.objects(policy));
        let Roster { members, left_out: mut tally } = roster;
        for member in members {
            match &member.kind {
                MemberKind::User(_) => self.user(member, &mut resolved, &mut tally),
                MemberKind::DirectoryGroup(_) => self.group(member, &mut resolved, &mut tally),
                MemberKind::Device { .. } => self.device(member, &mut resolved, &mut tally),
                MemberKind::Group => {
                    resolved.children.insert(member.id, member.label.clone());
                }
                MemberKind::Other(type_name) => {
                    let fate = format!(
                        "left out, being of a type that no directory group holds ({type_name})"
                    );
                    tally.add(FindingCode::MemberTypeSkipped, fate, name(member));
                }
                MemberKind::Unreadable(witness) => {
                    return Err(format!(
                        "the tenant hides `{witness}` of the member {}: grant {}",
                        member.id,
                        right_to_read(witness)
                    ));
                }
            }
        }
        resolved.findings.extend(tally.findings());
        Ok(resolved)
    }

    fn user(&self, member: &'a CloudMember, resolved: &mut Resolved, tally: &mut Tally) {
        if let Some(counterpart) = self.link_index.follow(&member.kind) {
            if let Some(guid) = self.found(member, counterpart, resolved, tally) {
                resolved.present.insert(guid, self.label(guid));
            }
            return;
        }
        let had_one = self.counterparts.contains_key(&member.id);
        // Without the right to read links everybody seems to have none.
        if !had_one && self.cloud.links == Links::Readable {
            resolved.linkless.insert(member.id);
        }
        if !had_one && (self.linkless.contains(&member.id) || !stands("H50")) {
            tally.add(FindingCode::NoCounterpart, NO_ACCOUNT, name(member));
        } else {
            self.lost(member, resolved, tally);
        }
    }

    fn group(&self, member: &'a CloudMember, resolved: &mut Resolved, tally: &mut Tally) {
        let Some(counterpart) = self.link_index.follow(&member.kind) else {
            return self.lost(member, resolved, tally);
        };
        let Some(guid) = self.found(member, counterpart, resolved, tally) else { return };
        let principal = self.principals.get(&guid);
        let nestable = match principal {
            Some(group) if group.is_domain_local() => {
                Err((FindingCode::DomainLocalInUniversal, LOCAL))
            }
            Some(group) if group.group_type.is_none() => {
                Err((FindingCode::MemberTypeSkipped, SCOPELESS))
            }
            Some(_) | None => Ok(()),
        };
        match nestable {
            Ok(()) => {
                resolved.present.insert(guid, self.label(guid));
            }
            Err((code, fate)) => {
                resolved.stay.insert(guid);
                tally.add(code, fate, self.label(guid));
            }
        }
    }

    /// A device that has no object in the directory is the ordinary case, not a doubt: it holds no
    /// removal. What surely was its object stays all the same.
    fn device(&self, member: &'a CloudMember, resolved: &mut Resolved, tally: &mut Tally) {
        let MemberKind::Device { device_id, .. } = &member.kind else { return };
        match self.link_index.follow(&member.kind) {
            Some(counterpart @ (Counterpart::Found(_) | Counterpart::Ambiguous(_))) => {
                if let Some(guid) = self.found(member, counterpart, resolved, tally) {
                    resolved.present.insert(guid, self.label(guid));
                }
            }
            Some(Counterpart::Missing(_)) | None => {
                // The computer may stand where this account does not see it.
                resolved.stay.extend(device_id.map(|id| ObjectGuid(id.0)));
                let remembered = self.counterparts.get(&member.id);
                let there = remembered.filter(|guid| self.principals.contains_key(guid));
                resolved.stay.extend(there);
                let fate = if there.is_some() { DEVICE_STAYS } else { NO_DEVICE };
                tally.add(FindingCode::DeviceNotWrittenBack, fate, name(member));
            }
        }
    }

    /// The object that a link leads to, unless it is in doubt.
    fn found(
        &self,
        member: &CloudMember,
        counterpart: Counterpart,
        resolved: &mut Resolved,
        tally: &mut Tally,
    ) -> Option<ObjectGuid> {
        let (code, why) = match counterpart {
            Counterpart::Found(guid) => match self.crowded.get(&guid).filter(|_| stands("H47")) {
                None => {
                    resolved.followed.insert(member.id, guid);
                    return Some(guid);
                }
                Some(count) => {
                    resolved.stay.insert(guid);
                    let why = format!("{count} cloud principals lead to {}", self.label(guid));
                    (FindingCode::LinkAmbiguous, why)
                }
            },
            Counterpart::Missing(why) => (FindingCode::CounterpartMissing, why),
            Counterpart::Ambiguous(why) => (FindingCode::LinkAmbiguous, why),
        };
        self.doubt(member, (code, &why), resolved, tally);
        None
    }

    /// The object that a member's link leads to, whatever else speaks against it.
    pub fn object_of(&self, member: &'a CloudMember) -> Option<ObjectGuid> {
        match self.link_index.follow(&member.kind)? {
            Counterpart::Found(guid) => Some(guid),
            Counterpart::Missing(_) | Counterpart::Ambiguous(_) => None,
        }
    }

    fn lost(&self, member: &CloudMember, resolved: &mut Resolved, tally: &mut Tally) {
        let why = (FindingCode::LinkLost, "it carries no link");
        self.doubt(member, why, resolved, tally);
    }

    /// A member whose object is not known for certain: what it led to before stays. Where memory
    /// does not know either, any value of the group may be the one, and all of them stay.
    fn doubt(
        &self,
        member: &CloudMember,
        (code, why): (FindingCode, &str),
        resolved: &mut Resolved,
        tally: &mut Tally,
    ) {
        let name = name(member);
        if let Some(guid) = self.counterparts.get(&member.id) {
            resolved.stay.insert(*guid);
            let led = self.label(*guid);
            tally.add(code, STAYS, format_args!("{name} ({why}; {led} before)"));
            return;
        }
        resolved.no_removal.get_or_insert_with(|| {
            (FindingCode::LinkLost, format!("the object of {name} is not known ({why})"))
        });
        tally.add(code, HOLDS, format_args!("{name} ({why})"));
    }

    /// Why the policy removes nothing, neither members nor groups: an entry of its `members.keep`
    /// that no object answers to. A phrase that names the entry and its place.
    pub fn keep_missing(&self, policy: &PolicyName) -> Option<&str> {
        self.keeps.missing(policy)
    }

    /// One finding for each policy with such an entry.
    pub fn keep_findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.keeps.findings()
    }

    /// The accounts that have a directory group as their primary group: members of it without a
    /// value of `member`, which the directory neither adds nor removes.
    pub fn primary_members(&self, group: &DirectoryGroup) -> BTreeSet<ObjectGuid> {
        self.primary_groups.of(group)
    }

    /// A name for people: the pre-Windows 2000 name, else the common name.
    pub fn label(&self, guid: ObjectGuid) -> String {
        self.principals.get(&guid).map_or_else(
            || guid.to_string(),
            |p| p.sam_account_name.clone().unwrap_or_else(|| p.dn.leaf().to_owned()),
        )
    }
}

/// The least application right that shows a witness property
/// (learn.microsoft.com/graph/permissions-overview, limited information for members).
fn right_to_read(witness: &str) -> &'static str {
    match witness {
        "userPrincipalName" => "User.Read.All",
        "deviceId" => "Device.Read.All",
        _ => "Group.Read.All",
    }
}
