//! Which directory principals a cloud group's members are.
//!
//! From cloud members, the principals of the domain and memory to what a group should hold, what
//! must stay although nothing says so any more, and whether anything may be removed at all.
//! Nothing is ever resolved by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::model::change::MemberReference;
use crate::model::cloud::{Link, Links, MemberKind};
use crate::model::directory::PrincipalClass;
use crate::model::{
    CloudMember, CloudMembers, Complete, FindingCode, ObjectGuid, ObjectId, Principal, Sid,
};

/// Indices over the domain and the tenant that every resolution needs.
#[derive(Debug)]
pub struct Resolver<'a> {
    principals: &'a BTreeMap<ObjectGuid, Principal>,
    by_sid: BTreeMap<&'a Sid, ObjectGuid>,
    by_consistency: BTreeMap<ObjectGuid, Vec<ObjectGuid>>,
    /// Which cloud users lead to one object: more than one is a takeover or a mistake.
    led_by: BTreeMap<ObjectGuid, BTreeSet<ObjectId>>,
    counterparts: &'a BTreeMap<ObjectId, ObjectGuid>,
    linkless: &'a BTreeSet<ObjectId>,
    links: &'a Links,
}

/// What a group's members come to.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Objects that should be members, with a name for people.
    pub present: BTreeMap<ObjectGuid, String>,
    /// Nested cloud groups whose place is not settled yet, with a name for people.
    pub children: BTreeMap<ObjectId, String>,
    /// Nested groups that this pass creates first.
    pub created: BTreeMap<ObjectId, String>,
    /// Objects that stay if they are members, and are not added.
    pub stay: BTreeSet<ObjectGuid>,
    /// Classes of which no value is removed: the cloud has members of that kind, but this
    /// version does not write them.
    pub untouched_classes: BTreeSet<PrincipalClass>,
    /// Nothing is removed, for this reason.
    pub no_removal: Option<String>,
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

enum Counterpart {
    Found(ObjectGuid),
    Missing(String),
    Ambiguous(String),
}

impl<'a> Resolver<'a> {
    /// Builds the indices. Cost: one pass over the principals and over all members read.
    pub fn new(inputs: &Inputs<'a>, cloud: &'a CloudMembers) -> Self {
        let principals = inputs.directory.principals.value();
        let mut by_consistency: BTreeMap<ObjectGuid, Vec<ObjectGuid>> = BTreeMap::new();
        for principal in principals.values() {
            if let Some(consistency) = principal.consistency_guid {
                by_consistency.entry(consistency).or_default().push(principal.guid);
            }
        }
        let by_sid = principals.values().filter_map(|p| Some((p.sid.as_ref()?, p.guid))).collect();
        let mut resolver = Self {
            principals,
            by_sid,
            by_consistency,
            led_by: BTreeMap::new(),
            counterparts: &inputs.memory.counterparts,
            linkless: &inputs.memory.linkless,
            links: &cloud.links,
        };
        for member in cloud.of.values().flatten().flat_map(Complete::value) {
            if let MemberKind::User(link) = &member.kind
                && let Counterpart::Found(guid) = resolver.follow(link)
            {
                resolver.led_by.entry(guid).or_default().insert(member.id);
            }
        }
        resolver
    }

    /// Follows a link that is not empty.
    fn follow(&self, link: &Link) -> Counterpart {
        let by_id = link.immutable_id.map(|id| self.by_immutable_id(id)).unwrap_or_default();
        let found = match (&link.sid, by_id.as_slice()) {
            (Some(sid), others) => match self.by_sid.get(sid) {
                Some(guid) if others.iter().all(|other| other == guid) => *guid,
                Some(guid) => {
                    return Counterpart::Ambiguous(format!(
                        "its SID leads to {guid}, its immutable id elsewhere"
                    ));
                }
                None => return Counterpart::Missing(format!("no object has the SID {sid}")),
            },
            (None, [guid]) => *guid,
            (None, []) if link.malformed => {
                return Counterpart::Missing("its link cannot be decoded".to_owned());
            }
            (None, []) => {
                return Counterpart::Missing("no object has its immutable id".to_owned());
            }
            (None, several) => {
                return Counterpart::Ambiguous(format!(
                    "{} objects have its immutable id",
                    several.len()
                ));
            }
        };
        match self.principals.get(&found).map(|principal| principal.class) {
            Some(PrincipalClass::User) => Counterpart::Found(found),
            _ => Counterpart::Ambiguous(format!("its link leads to {found}, which is no user")),
        }
    }

    fn by_immutable_id(&self, id: ObjectGuid) -> Vec<ObjectGuid> {
        let mut found = self.by_consistency.get(&id).cloned().unwrap_or_default();
        // An object whose consistency GUID says otherwise is not meant by its objectGUID.
        let own = self.principals.get(&id).filter(|p| p.consistency_guid.is_none());
        found.extend(own.map(|principal| principal.guid));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Resolves the members of one group. `Err`: the group is Unknown, for this reason.
    ///
    /// Nested cloud groups are left in `children`: `nest` settles them.
    pub fn resolve(&self, members: &[CloudMember]) -> Result<Resolved, String> {
        // Pages that shift while they are read can show a member twice, in any order.
        let mut members: Vec<&CloudMember> = members.iter().collect();
        members.sort_by_key(|member| member.id);
        members.dedup();
        let mut resolved = Resolved::default();
        if let Links::Unreadable { reason } = self.links {
            resolved.no_removal = Some(reason.clone());
        }
        let mut skipped: BTreeMap<(FindingCode, String), usize> = BTreeMap::new();
        for member in members {
            match &member.kind {
                MemberKind::User(link) => self.user(member, link, &mut resolved),
                MemberKind::Group { on_premises: true } => {
                    resolved.untouched_classes.insert(PrincipalClass::Group);
                    let what = (FindingCode::OnPremisesGroupSkipped, "on-premises group".into());
                    *skipped.entry(what).or_default() += 1;
                }
                MemberKind::Group { on_premises: false } => {
                    resolved.children.insert(member.id, member.label.clone());
                }
                MemberKind::Device => {
                    resolved.untouched_classes.extend([
                        PrincipalClass::Computer,
                        PrincipalClass::Device,
                        PrincipalClass::Other,
                    ]);
                    let what = (FindingCode::DeviceNotWrittenBack, "device".into());
                    *skipped.entry(what).or_default() += 1;
                }
                MemberKind::Other(type_name) => {
                    let what = (FindingCode::MemberTypeSkipped, type_name.clone());
                    *skipped.entry(what).or_default() += 1;
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
        for ((code, what), count) in skipped {
            let message = format!("{count} members of type {what} are left out");
            resolved.findings.push((code, message));
        }
        Ok(resolved)
    }

    fn user(&self, member: &CloudMember, link: &Link, resolved: &mut Resolved) {
        let remembered = self.counterparts.get(&member.id).copied();
        let (code, why) = if link.is_empty() {
            if remembered.is_none() {
                // Without the right to read links everybody seems to have none.
                if *self.links == Links::Readable {
                    resolved.linkless.insert(member.id);
                }
                if self.linkless.contains(&member.id) {
                    let message =
                        format!("{} has no on-premises account and is left out", member.label);
                    resolved.findings.push((FindingCode::NoCounterpart, message));
                    return;
                }
            }
            (FindingCode::LinkLost, "it carries no link".to_owned())
        } else {
            match self.follow(link) {
                Counterpart::Found(guid) => {
                    let users = self.led_by.get(&guid).map_or(0, BTreeSet::len);
                    if users <= 1 {
                        resolved.followed.insert(member.id, guid);
                        resolved.present.insert(guid, self.label(guid));
                        return;
                    }
                    let why = format!("{users} cloud users lead to {}", self.label(guid));
                    resolved.stay.insert(guid);
                    (FindingCode::LinkAmbiguous, why)
                }
                Counterpart::Missing(why) => (FindingCode::CounterpartMissing, why),
                Counterpart::Ambiguous(why) => (FindingCode::LinkAmbiguous, why),
            }
        };
        let consequence = if let Some(guid) = remembered {
            resolved.stay.insert(guid);
            format!("{} stays a member", self.label(guid))
        } else {
            let why = format!("the account of {} is not known", member.label);
            resolved.no_removal.get_or_insert(why);
            "nothing is removed from the group in this pass".to_owned()
        };
        resolved.findings.push((code, format!("{}: {why}; {consequence}", member.label)));
    }

    /// A name for people: the pre-Windows 2000 name, else the common name.
    pub fn label(&self, guid: ObjectGuid) -> String {
        self.principals.get(&guid).map_or_else(
            || guid.to_string(),
            |p| p.sam_account_name.clone().unwrap_or_else(|| p.dn.leaf().to_owned()),
        )
    }

    /// Whether a value is of a class of which nothing is removed. An object that the domain does
    /// not show may be of any class.
    pub fn is_untouched(&self, guid: ObjectGuid, classes: &BTreeSet<PrincipalClass>) -> bool {
        match self.principals.get(&guid) {
            Some(principal) => classes.contains(&principal.class),
            None => !classes.is_empty(),
        }
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
