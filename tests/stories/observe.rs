//! What the product's readers would tell of a story's two worlds: listings with their witnesses.
//!
//! From tenant and directory to `CloudListing`, `CloudMembers` and `DirectorySnapshot`; and what a
//! look at one object shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use writeback::directory::apply::{Answer, Question, Seen, Sight};
use writeback::model::cloud::{
    CloudMember, Flag, Link, Links, MemberKind, OnPremisesGroupType, Origin, Unread,
};
use writeback::model::complete::{End, Reading};
use writeback::model::directory::{
    Above, DeletedGroup, DirectPresence, DirectoryMember, DomainFacts, PrincipalClass, RecordValue,
};
use writeback::model::policy::Membership;
use writeback::model::{
    AttributeName, CloudGroup, CloudListing, CloudMembers, Complete, DirectoryGroup,
    DirectorySnapshot, GroupKind, ObjectGuid, ObjectId, OwnershipRecord, Principal,
};

use crate::directory::{Class, Directory, Object};
use crate::names::{DOMAIN, GROUPS, PEOPLE, dn, id, tenant_id};
use crate::tenant::{Kind, Life, Tenant, Who};

const MAIL: [&str; 3] = ["mail", "mailNickname", "proxyAddresses"];

fn complete<T>(items: impl IntoIterator<Item = T>, begun: Timestamp) -> Complete<Vec<T>> {
    let mut reading = Reading::begin("story", begun);
    reading.page(items);
    reading.finish(End::NoNextLink)
}

fn unread(reason: &str) -> Unread {
    Unread { reason: reason.to_owned() }
}

/// What may be wrong with a listing of the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// The flags could not be read.
    pub(crate) flagless: bool,
    /// This team is left out of a listing that calls itself whole.
    pub(crate) missing: Option<usize>,
    /// This team is left out of the listing of flags.
    pub(crate) unflagged: Option<usize>,
}

/// The listings of groups, deleted groups and flags.
pub(crate) fn listing(tenant: &Tenant, begun: Timestamp, gaps: Gaps) -> CloudListing {
    let listed: Vec<_> =
        tenant.teams.iter().filter(|(_, team)| team.life == Life::Listed).collect();
    let gap = |which: Option<usize>| which.map(|which| which % listed.len().max(1));
    let missing = gap(gaps.missing);
    let groups = listed.iter().enumerate().filter(|(index, _)| Some(*index) != missing);
    let groups = groups.map(|(_, (word, team))| {
        let (kind, mail) = match team.kind {
            Kind::Security => (GroupKind::Security, None),
            Kind::Unified { .. } => (GroupKind::Microsoft365, Some(format!("{word}@corp.example"))),
        };
        let group = CloudGroup {
            id: id(word),
            display_name: team.name.clone(),
            description: Some(format!("the team {word}")),
            mail_nickname: mail.is_some().then(|| (*word).clone()),
            mail,
            security_enabled: Some(team.kind == Kind::Security),
            visibility: None,
            kind,
            membership: Membership::Assigned,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        };
        (group.id, group)
    });
    let unflagged = gap(gaps.unflagged);
    let flags = listed.iter().enumerate().filter(|(index, _)| Some(*index) != unflagged);
    let flags = flags.map(|(_, (word, team))| {
        let group_type = match team.kind {
            Kind::Unified { secure: true } => Some(OnPremisesGroupType::UniversalSecurity),
            Kind::Unified { secure: false } => Some(OnPremisesGroupType::UniversalDistribution),
            Kind::Security => None,
        };
        (id(word), Flag { is_enabled: team.flag, group_type })
    });
    let flags = complete(flags, begun).map(BTreeMap::from_iter);
    let buried = tenant.teams.iter().filter(|(_, team)| team.life == Life::SoftDeleted);
    CloudListing {
        tenant: tenant_id(),
        groups: complete(groups, begun).map(BTreeMap::from_iter),
        deleted: complete(buried.map(|(word, _)| id(word)), begun).map(BTreeSet::from_iter),
        flags: if gaps.flagless { Err(unread("the flags answered 503")) } else { Ok(flags) },
        controls: BTreeMap::new(),
        new_groups: Ok(true),
    }
}

/// The members of the teams that are asked for; those of one of them may be missing.
pub(crate) fn members(
    tenant: &Tenant,
    people: &Directory,
    asked: &BTreeSet<ObjectId>,
    begun: Timestamp,
    missing: Option<usize>,
) -> CloudMembers {
    let missing = missing.map(|which| which % asked.len().max(1));
    let accounts = accounts(people);
    let member = |who: &Who| match who {
        Who::Person(person) => {
            let account = accounts.get(person.as_str()).and_then(|guid| people.get(*guid));
            let sid = account.and_then(|one| one.sid.clone());
            let kind = MemberKind::User(Link { sid, ..Link::default() });
            CloudMember { id: id(person), label: person.clone(), kind }
        }
        Who::Team(team) => {
            CloudMember { id: id(team), label: team.clone(), kind: MemberKind::Group }
        }
    };
    let words: BTreeMap<ObjectId, &str> =
        tenant.teams.keys().map(|word| (id(word), word.as_str())).collect();
    let of = asked.iter().enumerate().map(|(index, group)| {
        let team = words.get(group).and_then(|word| tenant.teams.get(*word));
        let read = match team {
            Some(team) if Some(index) != missing => {
                // Nobody who has left the tenant, and no team that is gone, is listed as a member.
                let there = |who: &&Who| match who {
                    Who::Person(person) => tenant.people.get(person) == Some(&true),
                    Who::Team(child) => {
                        tenant.teams.get(child).is_some_and(|team| team.life == Life::Listed)
                    }
                };
                Ok(complete(team.members.iter().filter(there).map(member), begun))
            }
            Some(_) => Err(unread("the second page answered 503")),
            None => Err(unread("the group answered 404")),
        };
        (*group, read)
    });
    CloudMembers { of: of.collect(), links: Links::Readable }
}

/// The domain, read whole. `gap`: the members of this group could not be read.
pub(crate) fn snapshot(
    directory: &Directory,
    remembered: &BTreeSet<ObjectGuid>,
    begun: Timestamp,
    gap: Option<usize>,
) -> DirectorySnapshot {
    let objects = || directory.objects.values().map(AsRef::as_ref);
    let living = objects().filter(|one| one.class != Class::Container);
    let principals = living.map(|one| (one.guid, principal(one)));
    let parents = parents(directory);
    let groups: BTreeMap<ObjectGuid, DirectoryGroup> = objects()
        .filter(|one| one.class == Class::Group && is_marked(one))
        .map(|one| (one.guid, group(directory, one, &parents)))
        .collect();
    let containers = dn(GROUPS);
    let occupied = objects().filter(|one| one.dn.is_within(&containers));
    let occupied = occupied.map(|one| (one.dn.key(), one.guid));
    let deleted: BTreeMap<ObjectGuid, DeletedGroup> =
        directory.graves.iter().map(|(guid, grave)| (*guid, buried(&grave.object))).collect();
    let direct = remembered.iter().filter(|guid| !directory.objects.contains_key(guid));
    let direct = direct.map(|guid| {
        let there = deleted.contains_key(guid);
        (*guid, if there { DirectPresence::Deleted } else { DirectPresence::Absent })
    });
    let gap = gap.map(|which| which % groups.len().max(1));
    let members = groups.keys().enumerate().map(|(index, guid)| {
        let read = if Some(index) == gap {
            Err(unread("a range of member was cut off"))
        } else {
            let own = directory.get(*guid).into_iter().flat_map(|one| &one.members);
            let own = own.map(|guid| DirectoryMember { guid: *guid, dn: guid.to_string() });
            Ok(complete(own, begun).map(BTreeSet::from_iter))
        };
        (*guid, read)
    });
    DirectorySnapshot {
        facts: facts(),
        principals: complete(principals, begun).map(BTreeMap::from_iter),
        occupied: complete(occupied, begun).map(BTreeMap::from_iter),
        named: BTreeMap::new(),
        above: above(directory, groups.keys().copied().collect(), &parents),
        members: members.collect(),
        groups: complete(groups, begun).map(BTreeMap::from_iter),
        direct: direct.collect(),
        addresses: addresses(directory),
        deleted,
        unsuitable: BTreeMap::new(),
        limits: BTreeMap::new(),
    }
}

fn facts() -> DomainFacts {
    DomainFacts {
        naming_context: dn(DOMAIN),
        server: "dc1.corp.example".to_owned(),
        has_external_id: true,
        exchange_prepared: true,
    }
}

fn principal(one: &Object) -> Principal {
    Principal {
        guid: one.guid,
        sid: one.sid.clone(),
        consistency_guid: None,
        class: match one.class {
            Class::User => PrincipalClass::User,
            Class::Group => PrincipalClass::Group,
            Class::Container => PrincipalClass::Other,
        },
        dn: one.dn.clone(),
        sam_account_name: one.value("sAMAccountName").map(str::to_owned),
        group_type: one.value("groupType").and_then(|text| text.parse().ok()),
        primary_group: None,
        device_id: None,
        privileged: one.is_privileged(),
    }
}

pub(crate) fn is_marked(one: &Object) -> bool {
    let anchors = ["adminDescription", "msDS-ExternalDirectoryObjectId"];
    let anchored = anchors.iter().filter_map(|name| one.value(name));
    anchored.into_iter().any(|text| text.starts_with("Group_")) || records(one).next().is_some()
}

fn records(one: &Object) -> impl Iterator<Item = RecordValue> {
    let own = one.values("extensionName").iter().filter(|text| text.starts_with("writeback/"));
    own.map(|text| RecordValue { text: text.clone(), record: OwnershipRecord::parse(text) })
}

type Parents = BTreeMap<ObjectGuid, Vec<ObjectGuid>>;

/// The groups that hold each object.
fn parents(directory: &Directory) -> Parents {
    let mut parents = Parents::new();
    for holder in directory.objects.values() {
        for member in &holder.members {
            parents.entry(*member).or_default().push(holder.guid);
        }
    }
    parents
}

fn group(directory: &Directory, one: &Object, parents: &Parents) -> DirectoryGroup {
    let text = |name: &str| one.value(name).map(str::to_owned);
    let mail = MAIL.into_iter().filter(|name| !one.values(name).is_empty());
    DirectoryGroup {
        guid: one.guid,
        sid: one.sid.clone(),
        dn: one.dn.clone(),
        sam_account_name: text("sAMAccountName").unwrap_or_default(),
        display_name: text("displayName"),
        description: text("description"),
        group_type: one.value("groupType").and_then(|text| text.parse().ok()).unwrap_or(0),
        admin_description: text("adminDescription"),
        external_id: text("msDS-ExternalDirectoryObjectId"),
        records: records(one).collect(),
        adopted: None,
        attributes: mail
            .map(|name| (AttributeName::from(name), one.values(name).to_vec()))
            .collect(),
        parents: holders(directory, one.guid, parents),
        class: PrincipalClass::Group,
        critical: false,
        privileged: one.is_privileged(),
    }
}

fn holders(
    directory: &Directory,
    guid: ObjectGuid,
    parents: &Parents,
) -> Vec<writeback::model::Dn> {
    let own = parents.get(&guid).into_iter().flatten();
    own.filter_map(|holder| Some(directory.get(*holder)?.dn.clone())).collect()
}

/// Every group above these, at any depth.
fn above(
    directory: &Directory,
    mut open: Vec<ObjectGuid>,
    parents: &Parents,
) -> BTreeMap<writeback::model::distinguished_name::DnKey, Above> {
    let (mut above, mut seen) = (BTreeMap::new(), BTreeSet::new());
    while let Some(guid) = open.pop() {
        for holder in parents.get(&guid).into_iter().flatten() {
            let Some(one) = directory.get(*holder).filter(|_| seen.insert(*holder)) else {
                continue;
            };
            let told = Above {
                dn: one.dn.clone(),
                guid: *holder,
                sid: one.sid.clone(),
                parents: holders(directory, *holder, parents),
                protected: one.is_privileged(),
            };
            above.insert(one.dn.key(), told);
            open.push(*holder);
        }
    }
    above
}

fn buried(one: &Object) -> DeletedGroup {
    let text = |name: &str| one.value(name).map(str::to_owned);
    DeletedGroup {
        guid: one.guid,
        sam_account_name: text("sAMAccountName"),
        group_type: one.value("groupType").and_then(|text| text.parse().ok()),
        admin_description: text("adminDescription"),
        external_id: text("msDS-ExternalDirectoryObjectId"),
        records: records(one).collect(),
    }
}

fn addresses(directory: &Directory) -> BTreeMap<String, BTreeSet<ObjectGuid>> {
    let mut all: BTreeMap<String, BTreeSet<ObjectGuid>> = BTreeMap::new();
    for one in directory.objects.values() {
        let proxies = one.values("proxyAddresses").iter();
        let proxies = proxies
            .filter_map(|value| value.to_lowercase().strip_prefix("smtp:").map(str::to_owned));
        for address in one.values("mail").iter().map(|text| text.to_lowercase()).chain(proxies) {
            all.entry(address).or_default().insert(one.guid);
        }
    }
    all
}

/// What a look at one object shows.
pub(crate) fn look(directory: &Directory, question: &Question) -> Answer {
    let (found, asked, whole) = match question {
        Question::Object { guid, attributes } => {
            (directory.get(*guid), attributes.as_slice(), false)
        }
        Question::Members { guid } => (directory.get(*guid), [].as_slice(), true),
        Question::Name { dn } => (directory.named(dn), [].as_slice(), false),
    };
    let Some(one) = found else { return Answer::Seen(Sight::Absent) };
    let names = Seen::MARKS.into_iter().chain(asked.iter().map(|name| &**name));
    let values = names.map(|name| (name.to_lowercase(), one.values(name).to_vec()));
    Answer::Seen(Sight::There(Seen {
        guid: one.guid,
        dn: one.dn.clone(),
        attributes: values.filter(|(_, values)| !values.is_empty()).collect(),
        members: whole.then(|| one.members.clone()),
    }))
}

/// The accounts of all people.
pub(crate) fn accounts(directory: &Directory) -> BTreeMap<&str, ObjectGuid> {
    let users = directory.objects.values().filter(|one| one.class == Class::User);
    users.map(|one| (one.dn.leaf(), one.guid)).collect()
}

/// The account of a person.
pub(crate) fn account(directory: &Directory, person: &str) -> Option<ObjectGuid> {
    directory.named(&dn(PEOPLE).child(person)).map(|one| one.guid)
}
