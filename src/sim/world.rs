//! What both simulators are filled from: one small company, seen from nowhere.
//!
//! Input: a seed and sizes. Output: plain values with public fields, the same for the same seed,
//! from which `sim::tenant` makes the cloud side and `sim::domain` the directory side. A test
//! lab that has a real directory writes the links its directory gave out into [`Person::link`].

mod facts;
mod generated;
mod objects;
mod small;

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::Value;
use uuid::{Builder, Uuid};

pub use self::facts::{
    DirectorySetting, DirectorySync, ENTRA_P1_PLAN, Licence, ServicePlan, Synchronization,
    TenantFacts,
};
pub use self::objects::DeviceTrust;

/// The SID of the simulated domain, of the form domains have (MS-DTYP 2.4.2.4).
pub const DOMAIN_SID: &str = "S-1-5-21-1004336348-1177238915-682003330";

/// The RID of the first linked account: beyond what a fresh domain gives to its first domain
/// controller, to the groups that come with it and to the first accounts of an administrator.
pub const FIRST_RID: u32 = 2000;

/// The DNS name that user principal names and mail addresses end in (RFC 6761 6.5).
pub const MAIL_DOMAIN: &str = "corp.example";

/// A company: one tenant, its people, groups and other objects.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// The tenant's display name.
    pub tenant_name: String,
    /// Users and guests.
    pub people: Vec<Person>,
    /// Groups of every kind, including those that are never written back.
    pub groups: Vec<WorldGroup>,
    /// Devices, service principals, contacts and objects of types not yet known.
    pub others: Vec<OtherObject>,
    /// What the tenant says of itself.
    pub facts: TenantFacts,
}

/// A user or guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Object id in the tenant.
    pub id: Uuid,
    /// Display name, not unique.
    pub display_name: String,
    /// Sign-in name, unique.
    pub user_principal_name: String,
    /// Account name in the directory, at most 20 characters, unique, ASCII.
    pub sam_account_name: String,
    /// False: the account may not sign in.
    pub account_enabled: bool,
    /// True: invited from another tenant.
    pub guest: bool,
    /// True: [`World::link_all`] gives this person no directory account.
    pub cloud_only: bool,
    /// The directory account. None: cloud-only.
    pub link: Option<Link>,
}

/// What a person's directory account carries and the tenant repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The account's `objectSid`, `S-1-5-21-…`.
    pub sid: String,
    /// The account's `objectGUID`; its 16 bytes as stored are the immutable id.
    pub guid: Uuid,
}

/// A cloud group.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldGroup {
    /// Object id in the tenant.
    pub id: Uuid,
    /// At most 256 characters, not unique.
    pub display_name: String,
    /// Free text.
    pub description: Option<String>,
    /// At most 64 ASCII characters.
    pub mail_nickname: String,
    /// The primary address of a mail-enabled group.
    pub mail: Option<String>,
    /// `proxyAddresses` beside the primary one, which is made from `mail`; with their prefix,
    /// such as `smtp:` or `x500:`.
    pub further_addresses: Vec<String>,
    /// What the tenant calls its kind of content, such as `Confidential`.
    pub classification: Option<String>,
    /// When it was made. None: with the tenant, or when it is added to a running one.
    pub created: Option<Timestamp>,
    /// What makes it a group of its kind.
    pub kind: GroupKind,
    /// True: a rule decides who is a member.
    pub dynamic: bool,
    /// The rule of a dynamic group. None: one that every enabled account fits.
    pub membership_rule: Option<String>,
    /// `Public`, `Private`, `HiddenMembership` or nothing.
    pub visibility: Option<String>,
    /// True: directory roles may be assigned to it.
    pub role_assignable: Option<bool>,
    /// True: mastered on-premises; false: was once; None: never.
    pub on_premises_sync_enabled: Option<bool>,
    /// The SID of its directory twin, where it has or had one.
    pub on_premises_security_identifier: Option<String>,
    /// The writeback flag (`writebackConfiguration.isEnabled`).
    pub writeback_enabled: Option<bool>,
    /// `universalDistributionGroup`, `universalSecurityGroup`,
    /// `universalMailEnabledSecurityGroup` or nothing.
    pub writeback_type: Option<String>,
    /// Direct members: people, groups and others, in any order, each once.
    pub members: Vec<Uuid>,
}

impl WorldGroup {
    /// An assigned group without members; what is not said here is absent.
    pub fn new(id: Uuid, display_name: &str, mail_nickname: &str, kind: GroupKind) -> Self {
        let (mail, visibility) = match kind {
            GroupKind::Microsoft365 => (true, Some("Private".to_owned())),
            GroupKind::MailEnabledSecurity | GroupKind::DistributionList => (true, None),
            GroupKind::Security | GroupKind::Unusual { .. } => (false, None),
        };
        Self {
            id,
            display_name: display_name.to_owned(),
            description: None,
            mail_nickname: mail_nickname.to_owned(),
            mail: mail.then(|| format!("{mail_nickname}@{MAIL_DOMAIN}")),
            further_addresses: Vec::new(),
            classification: None,
            created: None,
            kind,
            dynamic: false,
            membership_rule: None,
            visibility,
            role_assignable: None,
            on_premises_sync_enabled: None,
            on_premises_security_identifier: None,
            writeback_enabled: None,
            writeback_type: None,
            members: Vec::new(),
        }
    }
}

/// The kinds of groups a tenant tells apart
/// (learn.microsoft.com/graph/api/resources/groups-overview).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `Unified`, mail-enabled.
    Microsoft365,
    /// Security only.
    Security,
    /// Security and mail, not `Unified`: read-only in the cloud.
    MailEnabledSecurity,
    /// Mail only, not `Unified`: read-only in the cloud.
    DistributionList,
    /// A combination no documentation names, as a tenant of tomorrow may send.
    Unusual {
        /// `groupTypes` as it is sent.
        group_types: Vec<String>,
        /// `mailEnabled`.
        mail_enabled: bool,
        /// `securityEnabled`.
        security_enabled: bool,
    },
}

/// An object that is neither a person nor a group.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherObject {
    /// Object id in the tenant.
    pub id: Uuid,
    /// Its type.
    pub kind: OtherKind,
    /// What the tenant says of it, by property name, without the id.
    pub properties: BTreeMap<String, Value>,
}

/// The types of [`OtherObject`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherKind {
    /// A registered or joined device.
    Device,
    /// An application's identity.
    ServicePrincipal,
    /// A mail contact.
    OrgContact,
    /// A type this program was not told of, by its name without namespace.
    Unknown(String),
}

impl World {
    /// Twelve readable people, all with directory accounts, and eight readable groups:
    /// Microsoft 365, security, nested, dynamic, empty.
    pub fn small(seed: u64) -> Self {
        small::world(seed)
    }

    /// A company of any size. The first groups are one of every special case (hostile names,
    /// cycles, unsupported kinds, one of 3,000 members where there are as many people); the rest
    /// is a random mix.
    pub fn generated(seed: u64, people: usize, groups: usize) -> Self {
        generated::world(seed, people, groups)
    }

    /// Gives every person who is not cloud-only a link into the domain of this SID:
    /// RIDs from [`FIRST_RID`] on in the order of `people`, and a GUID made from the person's id.
    pub fn link_all(&mut self, domain_sid: &str) {
        let linked = self.people.iter_mut().filter(|person| !person.cloud_only);
        for (person, rid) in linked.zip(FIRST_RID..) {
            let (_, low) = person.id.as_u64_pair();
            person.link = Some(Link {
                sid: format!("{domain_sid}-{rid}"),
                guid: random_id(&mut Rng::with_seed(low)),
            });
        }
    }

    /// The first person of this display name.
    pub fn person(&self, display_name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.display_name == display_name)
    }

    /// The first group of this display name.
    pub fn group(&self, display_name: &str) -> Option<&WorldGroup> {
        self.groups.iter().find(|group| group.display_name == display_name)
    }
}

/// An id of the shape of RFC 9562 version 4 from the given source of randomness.
pub fn random_id(rng: &mut Rng) -> Uuid {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_world() {
        assert_eq!(World::small(7), World::small(7));
        assert_eq!(World::generated(7, 400, 80), World::generated(7, 400, 80));
        assert_ne!(World::generated(7, 400, 80), World::generated(8, 400, 80));
    }

    #[test]
    fn the_small_world_has_the_promised_kinds() {
        let world = World::small(1);
        assert_eq!((world.people.len(), world.groups.len()), (12, 8));
        assert!(world.people.iter().all(|person| person.link.is_some()));
        let ids: BTreeSet<Uuid> = world.groups.iter().map(|group| group.id).collect();
        let nested = |group: &WorldGroup| group.members.iter().any(|id| ids.contains(id));
        assert!(world.groups.iter().any(nested));
        assert!(world.groups.iter().any(|group| group.dynamic));
        assert!(world.groups.iter().any(|group| group.members.is_empty()));
        assert!(world.groups.iter().any(|group| group.kind == GroupKind::Security));
        assert!(world.groups.iter().any(|group| group.kind == GroupKind::Microsoft365));
    }

    #[test]
    fn a_generated_world_holds_together_at_any_size() {
        for (people, groups) in [(0, 0), (0, 3), (1, 1), (5, 100), (400, 80), (3_200, 90)] {
            let world = World::generated(3, people, groups);
            assert_eq!((world.people.len(), world.groups.len()), (people, groups));
            let mut known: BTreeSet<Uuid> = world.people.iter().map(|person| person.id).collect();
            known.extend(world.groups.iter().map(|group| group.id));
            known.extend(world.others.iter().map(|other| other.id));
            assert_eq!(known.len(), people + groups + world.others.len());
            for group in &world.groups {
                let distinct: BTreeSet<&Uuid> = group.members.iter().collect();
                assert_eq!(distinct.len(), group.members.len(), "{}", group.display_name);
                assert!(group.members.iter().all(|id| known.contains(id) && *id != group.id));
                assert!(group.display_name.chars().count() <= 256);
            }
            let accounts: BTreeSet<&str> =
                world.people.iter().map(|person| person.sam_account_name.as_str()).collect();
            assert_eq!(accounts.len(), people);
        }
    }

    #[test]
    fn a_generated_world_of_eighty_groups_has_every_special_case() {
        let world = World::generated(3, 3_200, 80);
        let has = |check: &dyn Fn(&WorldGroup) -> bool| world.groups.iter().any(check);
        for part in [",", "+", "\"", "\\", "#", "(", "*", "\u{1f680}", "\u{200f}"] {
            assert!(has(&|group| group.display_name.contains(part)), "{part}");
        }
        assert!(has(&|group| group.display_name.starts_with(' ')));
        assert!(has(&|group| group.display_name.ends_with(' ')));
        assert!(has(&|group| group.display_name.chars().count() == 256));
        assert!(has(&|group| group.members.len() == 3_000));
        assert!(has(&|group| group.members.is_empty()));
        assert!(has(&|group| group.dynamic && group.kind == GroupKind::Microsoft365));
        assert!(has(&|group| group.dynamic && group.kind == GroupKind::Security));
        assert!(has(&|group| group.kind == GroupKind::DistributionList));
        assert!(has(&|group| group.kind == GroupKind::MailEnabledSecurity));
        assert!(has(&|group| group.on_premises_sync_enabled == Some(true)));
        assert!(has(&|group| group.visibility.as_deref() == Some("HiddenMembership")));
        assert!(has(&|group| group.role_assignable == Some(true)));
        assert!(has(&|group| group.writeback_enabled == Some(false)));
        let inside = |outer: &WorldGroup, inner: &WorldGroup| outer.members.contains(&inner.id);
        assert!(has(&|one| has(&|two| inside(one, two) && inside(two, one))), "a cycle");
        assert!(world.people.iter().any(|person| person.link.is_none()));
    }

    #[test]
    fn links_follow_the_domain_they_are_made_for() {
        let mut world = World::small(1);
        let guid = world.people.first().and_then(|person| person.link.clone()).unwrap().guid;
        world.link_all("S-1-5-21-1-2-3");
        let link = world.people.first().and_then(|person| person.link.clone()).unwrap();
        assert_eq!(link, Link { sid: "S-1-5-21-1-2-3-2000".into(), guid });
        let sids: BTreeSet<String> =
            world.people.iter().filter_map(|person| person.link.clone()).map(|l| l.sid).collect();
        assert_eq!(sids.len(), world.people.len());
    }
}
