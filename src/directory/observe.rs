//! Reads the domain whole: principals, groups with a record or an anchor, occupied names, members.
//!
//! Input: a connection, the containers, remembered objects. Output: `DirectorySnapshot` with its
//! witnesses. A `Reading` is finished only after a listing has reached result code 0 without a
//! cookie, or a group its last range.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::connection::Connection;
use super::entry::{Entry, Malformed};
use super::members::Members;
use super::search::{PAGE_ENTRIES, Search};
use crate::directory::DirectoryError;
use crate::model::cloud::Unread;
use crate::model::complete::End;
use crate::model::directory::{
    DirectPresence, DirectoryMember, DomainFacts, PrincipalClass, RecordValue,
};
use crate::model::distinguished_name::DnKey;
use crate::model::{
    AttributeName, Complete, Containers, DeviceId, DirectoryGroup, ObjectGuid, ObjectId,
    OwnershipRecord, Principal, Reading, Sid, record,
};

pub(super) const EXTERNAL_ID: &str = "msDS-ExternalDirectoryObjectId";
/// How Entra Connect marks a group that it wrote back and then took over.
const TAKEN_OVER: &str = "TakenOver_";
/// RIDs below this belong to the domain's own groups and accounts (MS-DTYP 2.4.2.4).
const FIRST_ORDINARY_RID: u32 = 1_000;
/// Everything that can be a member, and everything that has a sAMAccountName.
const PRINCIPALS: &str = "(sAMAccountName=*)(objectClass=contact)(objectClass=msDS-Device)\
                          (objectClass=foreignSecurityPrincipal)";
/// Everything that has a mail address: public folders and dynamic lists are mailboxes too.
const ADDRESSED: &str = "(mail=*)(proxyAddresses=*)";
/// How a mail address starts in proxyAddresses, in any case (MS-OXABREF 2.2.3.23).
const SMTP: &str = "smtp:";

/// What the listing of the whole domain gives.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) principals: Complete<BTreeMap<ObjectGuid, Principal>>,
    pub(super) groups: Complete<BTreeMap<ObjectGuid, DirectoryGroup>>,
    pub(super) addresses: Addresses,
}

/// Who has a mail address, by the address in lower case.
pub(super) type Addresses = BTreeMap<String, BTreeSet<ObjectGuid>>;

/// Told after each page how many entries came.
pub(super) type Progress<'a> = &'a (dyn Fn(usize) + Send + Sync);

/// The members of every group, by the group's GUID.
pub(super) type MembersOf =
    BTreeMap<ObjectGuid, Result<Complete<BTreeSet<DirectoryMember>>, Unread>>;

impl Connection {
    /// Every principal of the domain, the groups among them that carry a mark, with `extras`
    /// beside the standing attributes, and the mail addresses.
    pub(super) async fn list_domain(
        &mut self,
        facts: &DomainFacts,
        extras: &BTreeSet<AttributeName>,
        begun: Timestamp,
        progress: Progress<'_>,
    ) -> Result<Listing, DirectoryError> {
        let mut attributes = attributes(facts);
        let mailboxes = if facts.exchange_prepared { ADDRESSED } else { "" };
        attributes
            .extend(facts.exchange_prepared.then_some(["mail", "proxyAddresses"]).iter().flatten());
        let base = facts.naming_context.to_string();
        let filter = format!("(|{PRINCIPALS}{mailboxes})");
        let search = Search::subtree(base, &filter, &attributes);
        let mut principals = Reading::begin("principals of the domain", begun);
        let mut groups = BTreeMap::new();
        let (mut addresses, mut unfinished) = (Addresses::new(), Vec::new());
        self.list("list the domain", &search, PAGE_ENTRIES, |entries| {
            progress(entries.len());
            for entry in entries {
                let principal = principal(&entry)?;
                groups.extend(marked(&entry, &principal).map(|group| (group.guid, group)));
                let texts = entry.texts("mail").map(str::to_lowercase);
                let proxies = entry.texts("proxyAddresses").filter_map(smtp_address);
                hold(&mut addresses, principal.guid, texts.chain(proxies));
                if entry.is_ranged("proxyAddresses") {
                    unfinished.push(principal.guid);
                }
                principals.page([(principal.guid, principal)]);
            }
            Ok(())
        })
        .await?;
        for guid in unfinished {
            let proxies = self.values_of(guid, "proxyAddresses").await?;
            hold(&mut addresses, guid, proxies.iter().filter_map(|text| smtp_address(text)));
        }
        let mut marked = Reading::begin("groups of the domain", begun);
        self.fill_values(&mut groups, facts, extras, progress).await?;
        marked.page(groups);
        Ok(Listing {
            principals: principals.finish(End::NoCookie).map(BTreeMap::from_iter),
            groups: marked.finish(End::NoCookie).map(BTreeMap::from_iter),
            addresses,
        })
    }

    /// Every name inside the containers.
    pub(super) async fn list_names(
        &mut self,
        containers: &Containers,
        begun: Timestamp,
        progress: Progress<'_>,
    ) -> Result<Complete<BTreeMap<DnKey, ObjectGuid>>, DirectoryError> {
        let mut names = Reading::begin("names in the containers", begun);
        for container in containers.iter() {
            let action = format!("list the container {container}");
            let search = Search::subtree(container.to_string(), "(objectClass=*)", &["objectGUID"]);
            self.list(&action, &search, PAGE_ENTRIES, |entries| {
                progress(entries.len());
                for entry in entries {
                    names.page([(entry.dn()?.key(), entry.object_guid()?)]);
                }
                Ok(())
            })
            .await?;
        }
        Ok(names.finish(End::NoCookie).map(BTreeMap::from_iter))
    }

    /// The members of the given groups. A group whose members cannot be told is told as such.
    pub(super) async fn list_members_of(
        &mut self,
        groups: &BTreeMap<ObjectGuid, DirectoryGroup>,
        facts: &DomainFacts,
        begun: Timestamp,
        progress: Progress<'_>,
    ) -> Result<MembersOf, DirectoryError> {
        let filter = marked_groups(facts);
        let mut read = self.list_members(&facts.naming_context, &filter, progress).await?;
        let mut members = BTreeMap::new();
        for guid in groups.keys() {
            let found = match read.remove(guid) {
                Some(found) => found,
                // Its mark went while the domain was read, or a record starts in another case.
                None => match self.read_members(*guid).await? {
                    Some((_, found)) => found,
                    None => Err("it was deleted while it was read".to_owned()),
                },
            };
            members.insert(*guid, witnessed(found, begun));
        }
        Ok(members)
    }

    /// Whether an object is there, asked by its GUID alone.
    pub(super) async fn presence(
        &mut self,
        object: ObjectGuid,
    ) -> Result<DirectPresence, DirectoryError> {
        let action = format!("look for {}", object.as_dn());
        let search = Search::object(object.as_dn(), &["objectGUID"]);
        Ok(match self.find_object(&action, &search).await? {
            Some(_) => DirectPresence::There,
            None => DirectPresence::Absent,
        })
    }
}

pub(super) fn witnessed(
    found: Members,
    begun: Timestamp,
) -> Result<Complete<BTreeSet<DirectoryMember>>, Unread> {
    let members = found.map_err(|reason| Unread { reason })?;
    let mut reading = Reading::begin("members of a directory group", begun);
    reading.page(members);
    Ok(reading.finish(End::LastRange).map(BTreeSet::from_iter))
}

/// Puts an object among the holders of its addresses.
fn hold(addresses: &mut Addresses, guid: ObjectGuid, own: impl Iterator<Item = String>) {
    for address in own {
        addresses.entry(address).or_default().insert(guid);
    }
}

/// The address in a value of proxyAddresses, in lower case; `None` for those of other kinds.
fn smtp_address(value: &str) -> Option<String> {
    let (kind, address) = value.split_at_checked(SMTP.len())?;
    kind.eq_ignore_ascii_case(SMTP).then(|| address.to_lowercase())
}

/// Groups with a record or an anchor, as a filter.
pub(super) fn marked_groups(facts: &DomainFacts) -> String {
    format!("(&(objectClass=group)(|{}))", marks(facts))
}

/// A record or an anchor: alternatives of a filter.
pub(super) fn marks(facts: &DomainFacts) -> String {
    let record = ldap3::ldap_escape(record::PREFIX);
    let anchors =
        |attribute: &str| format!("({attribute}=Group_*)({attribute}={TAKEN_OVER}Group_*)");
    let external = if facts.has_external_id { anchors(EXTERNAL_ID) } else { String::new() };
    let admin = anchors("adminDescription");
    format!("(extensionName={record}*){admin}{external}")
}

/// What is asked of every principal, and of a group that is named.
pub(super) fn attributes(facts: &DomainFacts) -> Vec<&'static str> {
    const ATTRIBUTES: [&str; 14] = [
        "objectGUID",
        "objectSid",
        "objectClass",
        "sAMAccountName",
        "mS-DS-ConsistencyGuid",
        "groupType",
        "primaryGroupID",
        "msDS-DeviceID",
        "adminCount",
        "isCriticalSystemObject",
        "displayName",
        "description",
        "adminDescription",
        "extensionName",
    ];
    ATTRIBUTES.into_iter().chain(facts.has_external_id.then_some(EXTERNAL_ID)).collect()
}

pub(super) fn principal(entry: &Entry) -> Result<Principal, Malformed> {
    let sid = entry.sid();
    Ok(Principal {
        guid: entry.object_guid()?,
        consistency_guid: entry.guid("mS-DS-ConsistencyGuid"),
        class: class(entry),
        dn: entry.dn()?,
        sam_account_name: entry.text("sAMAccountName").map(str::to_owned),
        group_type: entry.number("groupType"),
        primary_group: entry.number("primaryGroupID"),
        device_id: entry.guid("msDS-DeviceID").map(|id| DeviceId(id.0)),
        privileged: is_privileged(entry, sid.as_ref()),
        sid,
    })
}

fn is_privileged(entry: &Entry, sid: Option<&Sid>) -> bool {
    entry.number("adminCount") == Some(1)
        || entry.is_true("isCriticalSystemObject")
        || sid.and_then(Sid::rid).is_some_and(|rid| rid < FIRST_ORDINARY_RID)
}

/// The most special class first: a computer is a user as well, to the schema.
fn class(entry: &Entry) -> PrincipalClass {
    const CLASSES: [(&str, PrincipalClass); 6] = [
        ("group", PrincipalClass::Group),
        ("computer", PrincipalClass::Computer),
        ("contact", PrincipalClass::Contact),
        ("msDS-Device", PrincipalClass::Device),
        ("inetOrgPerson", PrincipalClass::User),
        ("user", PrincipalClass::User),
    ];
    let is = |name: &str| entry.texts("objectClass").any(|class| class.eq_ignore_ascii_case(name));
    let found = CLASSES.into_iter().find(|(name, _)| is(name));
    found.map_or(PrincipalClass::Other, |(_, class)| class)
}

/// The group, when it carries a record of anybody's or an anchor.
fn marked(entry: &Entry, principal: &Principal) -> Option<DirectoryGroup> {
    if principal.class != PrincipalClass::Group {
        return None;
    }
    let group = group(entry, principal);
    let anchors = [&group.admin_description, &group.external_id].into_iter().flatten();
    let anchored = anchors.into_iter().any(|text| is_anchor(text));
    (anchored || !group.records.is_empty()).then_some(group)
}

/// What one entry tells of a group, or of whatever stands in a group's place.
pub(super) fn group(entry: &Entry, principal: &Principal) -> DirectoryGroup {
    let text = |name: &str| entry.text(name).map(str::to_owned);
    DirectoryGroup {
        guid: principal.guid,
        sid: principal.sid.clone(),
        dn: principal.dn.clone(),
        sam_account_name: principal.sam_account_name.clone().unwrap_or_default(),
        display_name: text("displayName"),
        description: text("description"),
        // 0 is no group type (MS-ADTS 2.2.12): a group that does not show its own is left alone.
        group_type: entry.number("groupType").unwrap_or(0),
        admin_description: text("adminDescription"),
        external_id: text(EXTERNAL_ID),
        records: records(entry).collect::<Vec<RecordValue>>(),
        adopted: entry
            .texts("extensionName")
            .find(|text| starts_with(text, record::ADOPTED))
            .map(str::to_owned),
        attributes: BTreeMap::new(),
        parents: Vec::new(),
        class: principal.class,
        critical: entry.is_true("isCriticalSystemObject"),
        privileged: principal.privileged,
    }
}

pub(super) fn records(entry: &Entry) -> impl Iterator<Item = RecordValue> {
    entry
        .texts("extensionName")
        .filter(|text| is_record(text))
        .map(|text| RecordValue { text: text.to_owned(), record: OwnershipRecord::parse(text) })
}

/// Whether a value starts like a record of any version and owner. As the directory compares:
/// without case.
pub(super) fn is_record(text: &str) -> bool {
    starts_with(text, record::PREFIX)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

pub(super) fn is_anchor(text: &str) -> bool {
    ObjectId::from_any_anchor(text).is_some()
}
