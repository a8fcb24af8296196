//! What the directory should hold as time goes on: existence, identity, names, attributes and
//! members of every written group after each step, told from the contract (SEMANTICS 4 to 7), the
//! state of the cloud and what stands behind it in the directory. No code of the product.
//!
//! Comes from: the simulated tenant's own state, and a [`Truth`] that whoever made the world knows.
//! Goes to: differences, one readable line each, against objects that an administrator reads.

#[path = "compare.rs"]
mod compare;
#[path = "kinds.rs"]
mod kinds;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use writeback::sim::tenant::Cloud;
use writeback::sim::world::{GroupKind, WorldGroup};

use self::compare::{attribute_lines, member_lines, told};
use self::kinds::{directory_type, is_eligible, is_flagged};
use crate::directory::Object;
use crate::lab::parent_of;
use crate::oracle::{DISTRIBUTION, Flag, SECURITY};

/// Members that Microsoft's plan for group writeback allows a Microsoft 365 group.
const MICROSOFT365_MAXIMUM: usize = 50_000;
/// The same for a security group.
const SECURITY_MAXIMUM: usize = 250_000;

/// A policy with its daemon's configuration, named by `GroupId`, in mode `Sync`, type `FromCloud`,
/// that deletes what is gone for good.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `metadata.name` of the daemon's configuration.
    pub owner: String,
    /// `metadata.name` of the policy.
    pub policy: String,
    /// `selection.writebackFlag`.
    pub flag: Flag,
    /// `deletion.onDisabled` and `deletion.onSoftDeleted`.
    pub leavers: Leavers,
    /// `members.maximum`.
    pub maximum: Option<usize>,
    /// Where groups are created.
    pub container: String,
}

/// What becomes of the directory group when its cloud group is switched off or soft-deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leavers {
    /// It stays as it is.
    Retain,
    /// It is deleted.
    Delete,
}

/// What stands behind the cloud in the directory, as whoever made both knows it.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// objectGUID of what a cloud object leads to and a universal group may hold: people,
    /// computers, devices, universal and global groups.
    pub counterparts: BTreeMap<Uuid, Uuid>,
    /// Cloud groups whose directory group is somebody's primary group.
    pub primary_groups: BTreeSet<Uuid>,
    /// Mail addresses that other objects of the directory have.
    pub taken_addresses: BTreeSet<String>,
    /// Whether the directory was prepared for Exchange.
    pub exchange: bool,
}

/// A directory group as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// What the cloud calls it, for people.
    label: String,
    /// Values by attribute; an empty set where there must be none.
    attributes: BTreeMap<&'static str, BTreeSet<String>>,
    members: BTreeSet<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    /// The object with this objectGUID.
    Object(Uuid),
    /// The directory group of this cloud group.
    Group(Uuid),
}

/// What a cloud group is in this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Written as it stands in the cloud.
    Written,
    /// Left as it is, its nestings ended: switched off or deleted for a time.
    Retained,
    /// Left as it is, nested where it is nested: above its limit.
    Frozen,
    /// Not in the directory.
    Absent,
}

/// What should stand in the directory now.
#[derive(Clone, Debug)]
pub struct Course {
    rules: Rules,
    standing: BTreeMap<Uuid, Wanted>,
    /// objectGUID and SID of each directory group from the first time it was seen: a cloud group
    /// never gets another.
    identities: BTreeMap<Uuid, (Uuid, String)>,
    /// Where each was last seen: its place is set at creation alone.
    places: BTreeMap<Uuid, String>,
}

impl Course {
    /// A directory that holds nothing of ours.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            standing: BTreeMap::new(),
            identities: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// `members.maximum` is another from now on.
    pub fn set_maximum(&mut self, maximum: Option<usize>) {
        self.rules.maximum = maximum;
    }

    /// How many groups should stand.
    pub fn count(&self) -> usize {
        self.standing.len()
    }

    /// Whether a group should stand.
    pub fn stands(&self, id: Uuid) -> bool {
        self.standing.contains_key(&id)
    }

    /// The objectGUID that a cloud group's directory group has, or had.
    pub fn guid(&self, id: Uuid) -> Option<Uuid> {
        Some(self.identities.get(&id)?.0)
    }

    /// Goes on to the present state of the cloud.
    pub fn advance(&mut self, tenant: Uuid, cloud: &Cloud, truth: &Truth) {
        let deleted: BTreeSet<Uuid> = cloud.deleted_groups().map(|group| group.id).collect();
        let known: BTreeSet<Uuid> =
            self.standing.keys().copied().chain(cloud.groups().map(|group| group.id)).collect();
        let fates: BTreeMap<Uuid, Fate> =
            known.iter().map(|id| (*id, self.fate(*id, cloud, &deleted))).collect();
        let mut standing = BTreeMap::new();
        for (id, fate) in &fates {
            let before = self.standing.get(id);
            let wanted = match fate {
                Fate::Absent => None,
                Fate::Retained | Fate::Frozen => before.cloned(),
                Fate::Written => {
                    let group = cloud.group(*id).expect("what is written is in the cloud");
                    let members = Self::members(group, before, &fates, truth);
                    Some(self.wanted(tenant, group, before, members, truth))
                }
            };
            standing.extend(wanted.map(|wanted| (*id, wanted)));
        }
        // The directory itself takes a deleted object out of every group, frozen ones too, and no
        // return of the object puts it back.
        let stands: BTreeSet<Uuid> = standing.keys().copied().collect();
        for wanted in standing.values_mut() {
            wanted.members.retain(|member| match member {
                Member::Object(_) => true,
                Member::Group(id) => stands.contains(id),
            });
        }
        self.places.retain(|id, _| stands.contains(id));
        self.standing = standing;
    }

    /// Somebody deletes directory groups by hand: those that nobody writes lose them as members
    /// for good.
    pub fn deleted_by_hand(&mut self, ids: &[Uuid]) {
        for wanted in self.standing.values_mut() {
            wanted.members.retain(|member| match member {
                Member::Object(_) => true,
                Member::Group(id) => !ids.contains(id),
            });
        }
    }

    /// SEMANTICS 7, and 4 for the limit. Of several events the first of its order alone counts.
    fn fate(&self, id: Uuid, cloud: &Cloud, deleted: &BTreeSet<Uuid>) -> Fate {
        let stands = self.standing.contains_key(&id);
        let leaver = match self.rules.leavers {
            Leavers::Retain if stands => Fate::Retained,
            Leavers::Retain | Leavers::Delete => Fate::Absent,
        };
        let Some(group) = cloud.group(id) else {
            return if deleted.contains(&id) { leaver } else { Fate::Absent };
        };
        if !is_eligible(group) {
            return Fate::Absent;
        }
        if !is_flagged(group, self.rules.flag) {
            return leaver;
        }
        if group.members.len() <= self.maximum(group) {
            Fate::Written
        } else if stands {
            Fate::Frozen
        } else {
            Fate::Absent
        }
    }

    fn maximum(&self, group: &WorldGroup) -> usize {
        self.rules.maximum.unwrap_or(match group.kind {
            GroupKind::Microsoft365 => MICROSOFT365_MAXIMUM,
            GroupKind::Security
            | GroupKind::MailEnabledSecurity
            | GroupKind::DistributionList
            | GroupKind::Unusual { .. } => SECURITY_MAXIMUM,
        })
    }

    /// SEMANTICS 6.
    fn members(
        group: &WorldGroup,
        before: Option<&Wanted>,
        fates: &BTreeMap<Uuid, Fate>,
        truth: &Truth,
    ) -> BTreeSet<Member> {
        let was_nested =
            |id: Uuid| before.is_some_and(|before| before.members.contains(&Member::Group(id)));
        let member = |id: &Uuid| {
            if let Some(guid) = truth.counterparts.get(id) {
                return Some(Member::Object(*guid));
            }
            match fates.get(id)? {
                Fate::Written => Some(Member::Group(*id)),
                Fate::Frozen if was_nested(*id) => Some(Member::Group(*id)),
                Fate::Frozen | Fate::Retained | Fate::Absent => None,
            }
        };
        group.members.iter().filter_map(member).collect()
    }

    /// SEMANTICS 5.
    fn wanted(
        &self,
        tenant: Uuid,
        group: &WorldGroup,
        before: Option<&Wanted>,
        members: BTreeSet<Member>,
        truth: &Truth,
    ) -> Wanted {
        let name = format!("Group_{}", group.id);
        let (mut kind, has_mail) = directory_type(group);
        let stood = before.and_then(|before| before.attributes["groupType"].first());
        if kind == DISTRIBUTION
            && truth.primary_groups.contains(&group.id)
            && stood == Some(&SECURITY.to_string())
        {
            // The directory forbids it, so it is left out.
            kind = SECURITY;
        }
        let address = group.mail.as_ref().filter(|address| {
            has_mail && truth.exchange && !truth.taken_addresses.contains(*address)
        });
        let nickname = address.map(|_| group.mail_nickname.clone());
        let record = format!(
            "writeback/v1;owner={};tenant={tenant};policy={};id={};state=Active",
            self.rules.owner, self.rules.policy, group.id
        );
        let one = |value: String| BTreeSet::from([value]);
        let text = |value: Option<&String>| value.cloned().into_iter().collect();
        let attributes = BTreeMap::from([
            ("cn", one(name.clone())),
            ("sAMAccountName", one(name.clone())),
            ("displayName", one(group.display_name.clone())),
            ("description", text(group.description.as_ref())),
            ("adminDescription", one(name.clone())),
            ("msDS-ExternalDirectoryObjectId", one(name)),
            ("groupType", one(kind.to_string())),
            ("mail", text(address)),
            ("mailNickname", text(nickname.as_ref())),
            ("proxyAddresses", address.map(|mail| format!("SMTP:{mail}")).into_iter().collect()),
            ("extensionName", one(record)),
            ("info", BTreeSet::new()),
        ]);
        Wanted { label: group.display_name.clone(), attributes, members }
    }

    /// One line for each difference; empty when the directory is as it should be. `objects` is
    /// everything of the directory that may be a member; `others` are objects of the container
    /// that are none of the product's business.
    pub fn differences(&mut self, objects: &[Object], others: &BTreeSet<Uuid>) -> Vec<String> {
        let mut lines = Vec::new();
        let inside = format!(",{}", self.rules.container.to_lowercase());
        let groups = objects.iter().filter(|object| {
            object.is_a("group")
                && object.dn.to_lowercase().ends_with(&inside)
                && !others.contains(&object.guid)
        });
        let mut found: BTreeMap<Uuid, &Object> = BTreeMap::new();
        for object in groups {
            let anchor =
                object.text("adminDescription").and_then(|text| text.strip_prefix("Group_"));
            let id = anchor.and_then(|id| id.parse::<Uuid>().ok());
            match id.filter(|id| self.standing.contains_key(id)) {
                None => lines.push(format!("{}: is there, and should not be", told(object))),
                Some(id) => {
                    if let Some(other) = found.insert(id, object) {
                        lines.push(format!("{} and {}: two of one", told(other), told(object)));
                    }
                }
            }
        }
        for (id, wanted) in &self.standing {
            match found.get(id) {
                None => lines.push(format!("{:?} ({id}): is not there", wanted.label)),
                Some(object) => lines.extend(self.identity(*id, object)),
            }
        }
        for (id, object) in &found {
            self.identities
                .entry(*id)
                .or_insert_with(|| (object.guid, object.sid.clone().unwrap_or_default()));
            let place = parent_of(&object.dn).to_lowercase();
            let meant =
                self.places.entry(*id).or_insert_with(|| self.rules.container.to_lowercase());
            if place != *meant {
                lines.push(format!("{}: stands below {place}, should below {meant}", told(object)));
            }
        }
        let by_dn: BTreeMap<String, &Object> =
            objects.iter().map(|object| (object.dn.to_lowercase(), object)).collect();
        for (id, object) in found {
            let wanted = &self.standing[&id];
            lines.extend(attribute_lines(&wanted.attributes, object));
            let members = self.member_guids(wanted);
            lines.extend(member_lines(&members, object, objects, &by_dn));
        }
        lines
    }

    fn identity(&self, id: Uuid, object: &Object) -> Option<String> {
        let (guid, sid) = self.identities.get(&id)?;
        let same = object.guid == *guid && object.sid.as_ref() == Some(sid);
        (!same).then(|| {
            format!(
                "{}: is {} {:?}, should be {guid} {sid} as before",
                told(object),
                object.guid,
                object.sid
            )
        })
    }

    fn member_guids(&self, wanted: &Wanted) -> BTreeSet<Uuid> {
        let guid = |member: &Member| match member {
            Member::Object(guid) => Some(*guid),
            // A group that was never seen is told as missing.
            Member::Group(id) => Some(self.identities.get(id)?.0),
        };
        wanted.members.iter().filter_map(guid).collect()
    }
}
