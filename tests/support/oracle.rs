//! What the directory should hold, told a second time: from the contract (SEMANTICS 4 to 7), the
//! state of the cloud and a plain description of the policy, without any code of the product.
//!
//! Comes from: a `World` or a `Cloud` of the simulated tenant. Goes to: differences, one readable
//! line each, against groups read from Samba or dumped from the simulated domain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use uuid::Uuid;
use writeback::sim::domain;
use writeback::sim::tenant::Cloud;
use writeback::sim::world::{GroupKind, Person, World, WorldGroup};

/// groupType of a universal distribution group (MS-ADTS 2.2.12).
pub const DISTRIBUTION: i32 = 8;
/// groupType of a universal security group.
pub const SECURITY: i32 = -2_147_483_640;

/// A policy with its daemon's configuration, as far as it decides what is written.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `metadata.name` of the daemon's configuration.
    pub owner: String,
    /// `metadata.name` of the policy.
    pub name: String,
    /// DN of the container.
    pub container: String,
    /// `selection.writebackFlag`.
    pub flag: Flag,
    /// `group.type`.
    pub microsoft365: Type,
    /// `group.commonName.preset`.
    pub common_name: Preset,
    /// `group.samAccountName.preset`.
    pub account_name: Preset,
    /// Whether the schema has msDS-ExternalDirectoryObjectId.
    pub external_id: bool,
    /// Cloud groups whose directory group somebody else wrote.
    pub foreign: BTreeSet<Uuid>,
}

/// How the writeback flag counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Microsoft 365 unless false, security if true.
    Honour,
    /// Only if true.
    RequireTrue,
    /// Not at all.
    Ignore,
}

/// What a Microsoft 365 group becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// What the cloud says, else a distribution group.
    FromCloud,
    /// A universal distribution group.
    UniversalDistribution,
    /// A universal security group.
    UniversalSecurity,
}

/// What a name is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `Group_<id>`.
    GroupId,
    /// `<display name>_<last 12 of the id>`.
    DisplayNameAndId,
}

/// The cloud as the oracle sees it.
#[derive(Clone, Debug)]
pub struct CloudSide<'a> {
    tenant: Uuid,
    groups: Vec<&'a WorldGroup>,
    people: BTreeMap<Uuid, &'a Person>,
}

impl<'a> CloudSide<'a> {
    /// A world nobody has edited.
    pub fn of_world(world: &'a World) -> Self {
        Self {
            tenant: world.tenant_id,
            groups: world.groups.iter().collect(),
            people: world.people.iter().map(|person| (person.id, person)).collect(),
        }
    }

    /// The present state of a tenant.
    pub fn of_cloud(tenant: Uuid, cloud: &'a Cloud) -> Self {
        Self {
            tenant,
            groups: cloud.groups().collect(),
            people: cloud.people().map(|person| (person.id, person)).collect(),
        }
    }
}

/// A directory group as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `cn`.
    pub common_name: String,
    /// DN of what it stands in.
    pub container: String,
    /// Single-valued attributes; `None` where there must be no value.
    pub attributes: BTreeMap<&'static str, Option<String>>,
    /// The one value of `extensionName` that starts with `writeback/`.
    pub record: String,
    /// Who is in it.
    pub members: BTreeSet<Member>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// The account with this objectGUID.
    Account(Uuid),
    /// The directory group of this cloud group.
    Group(Uuid),
    /// Anything else, by its DN: never wanted.
    Stranger(String),
}

/// A directory group as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Distinguished name.
    pub dn: String,
    /// objectGUID.
    pub guid: Uuid,
    /// objectSid, in any form that is the same for the same SID.
    pub sid: String,
    /// Values that are text, by attribute.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Found {
    /// The groups below a container in a dump of the simulated domain.
    pub fn in_dump(dump: &[domain::Entry], container: &str) -> Vec<Self> {
        let below = format!(",{container}");
        let inside = dump.iter().filter(|entry| {
            !entry.deleted && entry.class() == Some("group") && entry.dn.ends_with(&below)
        });
        inside
            .map(|entry| Self {
                dn: entry.dn.clone(),
                guid: entry.guid,
                sid: entry.sid.clone().unwrap_or_default(),
                attributes: entry
                    .attributes
                    .keys()
                    .map(|name| {
                        let texts = entry.texts(name).into_iter().map(str::to_owned).collect();
                        (name.clone(), texts)
                    })
                    .collect(),
            })
            .collect()
    }

    /// The first value of an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.first().map(String::as_str)
    }

    /// The cloud group whose anchor it carries.
    pub fn anchor(&self) -> Option<Uuid> {
        self.text("adminDescription")?.strip_prefix("Group_")?.parse().ok()
    }

    /// Values of an attribute.
    pub fn values(&self, name: &str) -> &[String] {
        self.attributes.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The accounts of a simulated domain: objectGUID and DN of every user.
pub fn accounts_in_dump(dump: &[domain::Entry]) -> BTreeMap<Uuid, String> {
    let users = dump.iter().filter(|entry| !entry.deleted && entry.class() == Some("user"));
    users.map(|entry| (entry.guid, entry.dn.clone())).collect()
}

/// Everything that should be there, by cloud group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The groups.
    pub groups: BTreeMap<Uuid, Wanted>,
}

impl Expected {
    /// What one policy in mode `Sync` makes of the cloud in a directory where it was the first to
    /// write. `accounts` are the directory's users: objectGUID and DN.
    pub fn new(cloud: &CloudSide<'_>, policy: &Policy, accounts: &BTreeMap<Uuid, String>) -> Self {
        let written: BTreeMap<Uuid, &WorldGroup> = cloud
            .groups
            .iter()
            .filter(|group| is_eligible(group) && is_flagged(group, policy.flag))
            .filter(|group| !policy.foreign.contains(&group.id))
            .map(|group| (group.id, *group))
            .collect();
        let groups = written
            .values()
            .filter_map(|group| {
                let members = members(cloud, group, &written, accounts);
                Some((group.id, wanted(cloud.tenant, group, policy, members)?))
            })
            .collect();
        Self { groups }
    }

    /// One line for each difference; empty when the directory is as it should be. `found` are the
    /// groups of the containers without those that are nobody's business.
    pub fn differences(&self, found: &[Found], accounts: &BTreeMap<Uuid, String>) -> Vec<String> {
        let mut lines = Vec::new();
        let people: BTreeMap<&str, Uuid> =
            accounts.iter().map(|(guid, dn)| (dn.as_str(), *guid)).collect();
        let anchored: BTreeMap<&str, Uuid> =
            found.iter().filter_map(|group| Some((group.dn.as_str(), group.anchor()?))).collect();
        let mut seen: BTreeMap<Uuid, &Found> = BTreeMap::new();
        for group in found {
            let Some(id) = group.anchor() else {
                lines.push(format!("{}: is there, and carries no anchor", group.dn));
                continue;
            };
            if let Some(other) = seen.insert(id, group) {
                lines.push(format!("{} and {}: both are there for {id}", other.dn, group.dn));
            }
            let Some(wanted) = self.groups.get(&id) else {
                lines.push(format!("{}: is there, and should not be", group.dn));
                continue;
            };
            let members = group.values("member").iter().map(|dn| {
                let group = anchored.get(dn.as_str()).map(|id| Member::Group(*id));
                let account = people.get(dn.as_str()).map(|guid| Member::Account(*guid));
                group.or(account).unwrap_or_else(|| Member::Stranger(dn.clone()))
            });
            compare(wanted, group, &members.collect(), &mut lines);
        }
        for (id, wanted) in self.groups.iter().filter(|(id, _)| !seen.contains_key(id)) {
            lines.push(format!("{id} ({:?}): is not there", wanted.common_name));
        }
        lines
    }
}

/// SEMANTICS 4, the table of kinds: what is never written back, whatever the flag says.
fn is_eligible(group: &WorldGroup) -> bool {
    let kind = match group.kind {
        GroupKind::Microsoft365 | GroupKind::Security => true,
        GroupKind::MailEnabledSecurity
        | GroupKind::DistributionList
        | GroupKind::Unusual { .. } => false,
    };
    let mastered = group.on_premises_sync_enabled == Some(true);
    let converted = group.on_premises_security_identifier.is_some();
    let hidden = group.visibility.as_deref() == Some("HiddenMembership");
    kind && !mastered && !converted && !hidden && group.role_assignable != Some(true)
}

/// SEMANTICS 4, the table of flags.
fn is_flagged(group: &WorldGroup, flag: Flag) -> bool {
    match (flag, &group.kind) {
        (Flag::Ignore, _) => true,
        (Flag::Honour, GroupKind::Microsoft365) => group.writeback_enabled != Some(false),
        (Flag::Honour | Flag::RequireTrue, _) => group.writeback_enabled == Some(true),
    }
}

/// SEMANTICS 6: linked people that are in the directory, and groups that are written too.
fn members(
    cloud: &CloudSide<'_>,
    group: &WorldGroup,
    written: &BTreeMap<Uuid, &WorldGroup>,
    accounts: &BTreeMap<Uuid, String>,
) -> BTreeSet<Member> {
    let member = |id: &Uuid| {
        if written.contains_key(id) {
            return Some(Member::Group(*id));
        }
        let link = cloud.people.get(id)?.link.as_ref()?;
        accounts.contains_key(&link.guid).then_some(Member::Account(link.guid))
    };
    group.members.iter().filter_map(member).collect()
}

/// SEMANTICS 5. `None`: the group cannot have a name.
fn wanted(
    tenant: Uuid,
    group: &WorldGroup,
    policy: &Policy,
    members: BTreeSet<Member>,
) -> Option<Wanted> {
    let anchor = format!("Group_{}", group.id);
    let account_name = name(policy.account_name, group)?
        .chars()
        .filter(|character| !"\"/\\[]:;|=,+*?<>".contains(*character))
        .collect::<String>();
    let record = format!(
        "writeback/v1;owner={};tenant={tenant};policy={};id={};state=Active",
        policy.owner, policy.name, group.id
    );
    let attributes = BTreeMap::from([
        ("sAMAccountName", Some(account_name)),
        ("displayName", text(Some(&group.display_name), 256)),
        ("description", text(group.description.as_deref(), 1024)),
        ("adminDescription", Some(anchor.clone())),
        ("msDS-ExternalDirectoryObjectId", policy.external_id.then_some(anchor)),
        ("groupType", Some(group_type(group, policy.microsoft365).to_string())),
        ("mail", None),
        ("proxyAddresses", None),
    ]);
    let common_name = name(policy.common_name, group)?;
    Some(Wanted { common_name, container: policy.container.clone(), attributes, record, members })
}

fn name(preset: Preset, group: &WorldGroup) -> Option<String> {
    let id = group.id.to_string();
    match preset {
        Preset::GroupId => Some(format!("Group_{id}")),
        Preset::DisplayNameAndId => {
            let visible: String =
                group.display_name.chars().filter(|character| !character.is_control()).collect();
            let start = first_units(visible.trim(), 51);
            (!start.is_empty()).then(|| format!("{start}_{}", &id[id.len() - 12..]))
        }
    }
}

/// The longest start of whole characters within so many UTF-16 units.
fn first_units(text: &str, units: usize) -> String {
    let mut kept = String::new();
    for character in text.chars() {
        if kept.encode_utf16().count() + character.len_utf16() > units {
            break;
        }
        kept.push(character);
    }
    kept
}

/// A directory string of nothing but blanks is no value.
fn text(value: Option<&str>, units: usize) -> Option<String> {
    value.map(|value| first_units(value, units)).filter(|value| !value.trim().is_empty())
}

fn group_type(group: &WorldGroup, rule: Type) -> i32 {
    match (&group.kind, rule, group.writeback_type.as_deref()) {
        (GroupKind::Security, _, _)
        | (_, Type::UniversalSecurity, _)
        | (_, Type::FromCloud, Some("universalSecurityGroup")) => SECURITY,
        (_, Type::UniversalDistribution | Type::FromCloud, _) => DISTRIBUTION,
    }
}

fn compare(wanted: &Wanted, found: &Found, members: &BTreeSet<Member>, lines: &mut Vec<String>) {
    let dn = &found.dn;
    let mut differ = |what: &str, found: Option<&str>, wanted: Option<&str>| {
        if found != wanted {
            lines.push(format!("{dn}: {what} is {found:?}, should be {wanted:?}"));
        }
    };
    differ("cn", found.text("cn"), Some(&wanted.common_name));
    let below = dn.strip_suffix(&wanted.container).and_then(|rest| rest.strip_suffix(','));
    // The rest is one relative name when every comma in it is escaped.
    let leaf = below.filter(|rest| !rest.replace("\\\\", "").replace("\\,", "").contains(','));
    differ("container", leaf.map(|_| "right"), Some("right"));
    for (name, value) in &wanted.attributes {
        differ(name, found.text(name), value.as_deref());
    }
    let records: Vec<&String> = found
        .values("extensionName")
        .iter()
        .filter(|value| value.starts_with("writeback/"))
        .collect();
    if records != [&wanted.record] {
        lines.push(format!("{dn}: the record is {records:?}, should be {:?}", wanted.record));
    }
    if *members != wanted.members {
        let mut line = format!("{dn}: members");
        for (word, one, other) in
            [("missing", &wanted.members, members), ("too many", members, &wanted.members)]
        {
            let some: Vec<_> = one.difference(other).collect();
            if let Some(first) = some.first() {
                let _ = write!(line, ", {} {word} such as {first:?}", some.len());
            }
        }
        lines.push(line);
    }
}
