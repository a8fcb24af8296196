//! Small worlds for the tests of `decide`: a tenant, a domain, policies and memory in a few lines.
//!
//! Everything has a word for a name. `group:`, `nolink:`, `lost:`, `device:`, `onprem:`, `app:` and
//! `blind:` in front of a member's word say what it is; without one it is a user whose SID leads to
//! an account of the same word.

#[path = "world/people.rs"]
mod people;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use writeback::model::cloud::{Flag, Links, Origin, Presence};
use writeback::model::directory::{
    Above, DeletedGroup, DirectPresence, PrincipalClass, RecordValue, UNIVERSAL_SECURITY,
};
use writeback::model::policy::{
    Adoption, ContainerRule, Deletion, FlagRule, GroupShape, GroupTypeRule, GuardRules,
    HiddenMembership, MailRule, Matcher, MemberRules, Membership, Mode, NamePreset, NameSource,
    Naming, Place, Placement, PolicySet, RoleAssignable, Selection, Standing, Upkeep,
};
use writeback::model::record::RecordState;
use writeback::model::{
    AttributeName, CloudGroup, CloudMember, Digest, DirectoryGroup, Dn, GroupKind, Memory,
    ObjectGuid, ObjectId, OwnershipRecord, Policy, PolicyName, Principal, Sid, TenantId,
};

pub(crate) const OWNER: &str = "corp";
pub(crate) const GROUPS: &str = "OU=Groups,DC=corp,DC=example";
const ADMINS: &str = "CN=Users,DC=corp,DC=example";
pub(crate) const CONFIRM_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The domain as it stands.
#[derive(Clone, Default)]
pub(crate) struct Domain {
    pub(crate) accounts: BTreeMap<ObjectGuid, Principal>,
    pub(crate) groups: BTreeMap<ObjectGuid, DirectoryGroup>,
    pub(crate) members: BTreeMap<ObjectGuid, BTreeSet<ObjectGuid>>,
    pub(crate) unread: BTreeMap<ObjectGuid, String>,
    pub(crate) direct: BTreeMap<ObjectGuid, DirectPresence>,
    pub(crate) exchange_prepared: bool,
    pub(crate) addresses: BTreeMap<String, BTreeSet<ObjectGuid>>,
    pub(crate) deleted: BTreeMap<ObjectGuid, DeletedGroup>,
    pub(crate) unsuitable: BTreeMap<AttributeName, String>,
    pub(crate) limits: BTreeMap<AttributeName, usize>,
    /// Groups that are not ours and hold ours, at any depth.
    pub(crate) above: Vec<Above>,
    /// Deleted groups keep everything.
    pub(crate) recycle_bin: bool,
    /// What the recycle bin keeps of deleted groups.
    pub(crate) graves: BTreeMap<ObjectGuid, Grave>,
}

/// A deleted group as it comes back from the recycle bin.
#[derive(Clone)]
pub(crate) struct Grave {
    pub(crate) group: DirectoryGroup,
    pub(crate) members: BTreeSet<ObjectGuid>,
    /// The groups that held it.
    pub(crate) holders: BTreeSet<ObjectGuid>,
}

/// What the flag listing says of a group.
#[derive(Clone, Copy)]
pub(crate) enum Listed {
    On,
    Off,
    Null,
    /// It leaves the group out.
    Missing,
}

/// Everything a pass looks at.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) policies: Vec<Standing>,
    pub(crate) unparsed: Vec<String>,
    pub(crate) groups: BTreeMap<ObjectId, CloudGroup>,
    pub(crate) members: BTreeMap<ObjectId, Result<Vec<CloudMember>, String>>,
    pub(crate) deleted: BTreeSet<ObjectId>,
    pub(crate) flags: Result<BTreeMap<ObjectId, Flag>, String>,
    pub(crate) controls: BTreeMap<ObjectId, Result<BTreeSet<ObjectId>, String>>,
    pub(crate) new_groups: Result<bool, String>,
    pub(crate) presence: BTreeMap<ObjectId, Presence>,
    pub(crate) links: Links,
    pub(crate) domain: Domain,
    pub(crate) memory: Memory,
    pub(crate) now: Timestamp,
    pub(crate) names: BTreeMap<Uuid, String>,
}

/// A number of its own for every word. It starts with the word's first letters, so that numbers
/// sort as words do.
fn number(kind: &str, word: &str) -> Uuid {
    let hash = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let low = format!("{kind}/{word}").bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let letters = word.bytes().chain(std::iter::repeat(0)).take(8);
    let high = letters.fold(0, |sum: u64, byte| (sum << 8) | u64::from(byte));
    Uuid::from_u64_pair(high, low)
}

pub(crate) fn id(word: &str) -> ObjectId {
    ObjectId(number("cloud", word))
}

pub(crate) fn object(word: &str) -> ObjectGuid {
    ObjectGuid(number("object", word))
}

pub(crate) fn sid(word: &str) -> Sid {
    let (_, low) = number("sid", word).as_u64_pair();
    Sid::parse(&format!("S-1-5-21-1-2-{}-{}", low >> 32, 1000 + low % 1_000_000_000))
        .expect("a SID of a domain account")
}

pub(crate) fn dn(text: &str) -> Dn {
    Dn::parse(text).expect("a DN of the tests")
}

pub(crate) fn policy_name(name: &str) -> PolicyName {
    PolicyName::parse(name).expect("a policy name of the tests")
}

pub(crate) fn tenant() -> TenantId {
    TenantId(number("tenant", "corp"))
}

fn policy(name: &str) -> Policy {
    let place = |line| Place { file: format!("{name}.yaml"), line, column: 1 };
    let name_of = |preset| Naming {
        place: place(20),
        source: NameSource::Preset(preset),
        mode: Upkeep::Always,
    };
    Policy {
        name: policy_name(name),
        place: place(1),
        group_place: place(20),
        selection_place: place(10),
        members_place: place(30),
        generation: Digest::of(name.as_bytes()),
        mode: Mode::Sync,
        suspend: false,
        precedence: 100,
        selection: Selection {
            writeback_flag: FlagRule::Honour,
            hidden_membership: HiddenMembership::Skip,
            role_assignable: RoleAssignable::Skip,
            include: None,
            exclude: Vec::new(),
        },
        group: GroupShape {
            group_type: GroupTypeRule::FromCloud,
            placement: Placement {
                rules: vec![ContainerRule { place: place(20), when: None, container: dn(GROUPS) }],
                mode: Upkeep::Always,
            },
            common_name: name_of(NamePreset::GroupId),
            sam_account_name: name_of(NamePreset::GroupId),
            mail: MailRule::WhenPrepared,
            attributes: Vec::new(),
        },
        members: MemberRules::default(),
        deletion: Deletion::default(),
        adoption: Vec::new(),
        guard: GuardRules::default(),
    }
}

/// An entry of `include` or `exclude` that names groups by id.
pub(crate) fn only(words: &[&str]) -> Matcher {
    Matcher {
        place: Place { file: "policy.yaml".to_owned(), line: 11, column: 1 },
        types: None,
        membership: None,
        ids: Some(words.iter().map(|word| id(word)).collect()),
        display_name: None,
        member_of: None,
        expression: None,
    }
}

/// A world with one policy, `p`, that takes everything.
pub(crate) fn world() -> World {
    World {
        policies: vec![Standing { policy: policy("p"), last_good: false, revision: None }],
        unparsed: Vec::new(),
        groups: BTreeMap::new(),
        members: BTreeMap::new(),
        deleted: BTreeSet::new(),
        flags: Ok(BTreeMap::new()),
        controls: BTreeMap::new(),
        new_groups: Ok(true),
        presence: BTreeMap::new(),
        links: Links::Readable,
        domain: Domain { exchange_prepared: true, ..Domain::default() },
        memory: Memory { passes: 1, ..Memory::default() },
        now: Timestamp::from_second(1_700_000_000).expect("a time of the tests"),
        names: BTreeMap::new(),
    }
}

// What the world holds.
impl World {
    /// A security group whose flag is on.
    pub(crate) fn group(mut self, word: &str, members: &[&str]) -> Self {
        self.name(word);
        let group = CloudGroup {
            id: id(word),
            display_name: word.to_owned(),
            description: None,
            mail: None,
            mail_nickname: None,
            security_enabled: Some(true),
            visibility: None,
            kind: GroupKind::Security,
            membership: Membership::Assigned,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        };
        self.groups.insert(id(word), group);
        let members = members.iter().map(|member| self.member(member)).collect();
        self.members.insert(id(word), Ok(members));
        self.flag(word, Listed::On)
    }

    /// A Microsoft 365 group whose flag is null.
    pub(crate) fn m365(self, word: &str, members: &[&str]) -> Self {
        let group = self.group(word, members).flag(word, Listed::Null);
        group.cloud(word, |group| group.kind = GroupKind::Microsoft365)
    }

    /// The flag of a group.
    pub(crate) fn flag(mut self, word: &str, listed: Listed) -> Self {
        let Ok(flags) = &mut self.flags else { return self };
        let is_enabled = match listed {
            Listed::On => Some(true),
            Listed::Off => Some(false),
            Listed::Null => None,
            Listed::Missing => {
                flags.remove(&id(word));
                return self;
            }
        };
        flags.insert(id(word), Flag { is_enabled, group_type: None });
        self
    }

    pub(crate) fn cloud(mut self, word: &str, edit: impl FnOnce(&mut CloudGroup)) -> Self {
        edit(self.groups.get_mut(&id(word)).expect("the group is in the world"));
        self
    }

    /// Edits the policy `p`.
    pub(crate) fn policy(self, edit: impl FnOnce(&mut Policy)) -> Self {
        self.also("p", edit)
    }

    /// Edits a policy, a new one if there is none of that name.
    pub(crate) fn also(mut self, name: &str, edit: impl FnOnce(&mut Policy)) -> Self {
        if !self.policies.iter().any(|standing| standing.policy.name.as_str() == name) {
            self.policies.push(Standing { policy: policy(name), last_good: false, revision: None });
        }
        let named = self.policies.iter_mut().find(|s| s.policy.name.as_str() == name);
        edit(&mut named.expect("it is there now").policy);
        self
    }

    pub(crate) fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    /// The directory group that policy `p` would have written for the cloud group, filled.
    pub(crate) fn written(mut self, word: &str, members: &[&str]) -> Self {
        self.name(word);
        let cloud = id(word);
        let group = DirectoryGroup {
            guid: object(word),
            sid: Some(sid(word)),
            dn: dn(GROUPS).child(&cloud.anchor()),
            sam_account_name: cloud.anchor(),
            display_name: Some(word.to_owned()),
            description: None,
            group_type: UNIVERSAL_SECURITY,
            admin_description: Some(cloud.anchor()),
            external_id: Some(cloud.anchor()),
            records: vec![record(word, "p", RecordState::Active)],
            adopted: None,
            attributes: BTreeMap::new(),
            parents: Vec::new(),
            class: PrincipalClass::Group,
            critical: false,
            privileged: false,
        };
        self.domain.groups.insert(group.guid, group);
        let members = members.iter().map(|member| self.account(member)).collect();
        self.domain.members.insert(object(word), members);
        self
    }

    /// A universal security group that administrators made, without any mark.
    pub(crate) fn standing(self, word: &str, members: &[&str]) -> Self {
        self.written(word, members).directory(word, |group| {
            group.dn = dn(GROUPS).child(word);
            word.clone_into(&mut group.sam_account_name);
            group.admin_description = None;
            group.external_id = None;
            group.records.clear();
        })
    }

    /// An entry of policy `p` that gives an object to a cloud group.
    pub(crate) fn adoption(self, group: &str, given: &str) -> Self {
        self.policy(|policy| policy.adoption.push(adoption(group, given)))
    }

    /// Where the group of that word stands: a directory group of this world, or an administrators'.
    fn hall(&self, word: &str) -> Dn {
        let ours = self.domain.groups.get(&object(word));
        ours.map_or_else(|| dn(ADMINS).child(word), |group| group.dn.clone())
    }

    /// Puts a directory group into others.
    pub(crate) fn inside(self, word: &str, parents: &[&str]) -> Self {
        let parents = parents.iter().map(|parent| self.hall(parent)).collect();
        self.directory(word, |group| group.parents = parents)
    }

    /// A group of the administrators above ours, and the groups that it is in.
    pub(crate) fn above(mut self, word: &str, protected: bool, parents: &[&str]) -> Self {
        let (sid, parents) = (Some(sid(word)), parents.iter().map(|p| self.hall(p)).collect());
        let (dn, guid) = (self.hall(word), object(word));
        self.domain.above.push(Above { dn, guid, sid, parents, protected });
        self
    }

    /// What is known of the policy folder.
    pub(crate) fn policy_set(&self) -> PolicySet {
        let (policies, unparsed) = (self.policies.clone(), self.unparsed.clone());
        PolicySet { policies, unparsed, approvals: Vec::new() }
    }

    pub(crate) fn directory(mut self, word: &str, edit: impl FnOnce(&mut DirectoryGroup)) -> Self {
        edit(self.domain.groups.get_mut(&object(word)).expect("the group is in the domain"));
        self
    }

    /// A group of cloud and directory in step.
    pub(crate) fn both(self, word: &str, members: &[&str]) -> Self {
        self.group(word, members).written(word, members)
    }

    /// A cloud group that is gone, its directory group left.
    pub(crate) fn gone(self, word: &str, members: &[&str]) -> Self {
        self.written(word, members).with(|world| {
            world.presence.insert(id(word), Presence::Absent);
        })
    }

    /// An object that this daemon has seen as, or written to, the group.
    pub(crate) fn remembered(self, word: &str, as_object: &str) -> Self {
        self.with(|world| {
            world.name(word);
            world.memory.inventory.insert(id(word), object(as_object));
        })
    }

    fn name(&mut self, word: &str) {
        self.names.insert(id(word).0, word.to_owned());
        self.names.insert(object(word).0, word.to_owned());
    }
}

/// An entry of `spec.adoption`.
pub(crate) fn adoption(group: &str, given: &str) -> Adoption {
    let place = Place { file: "p.yaml".to_owned(), line: 40, column: 5 };
    Adoption { place, group: id(group), object: object(given), incumbent_off: false }
}

/// A record of ours as the directory holds it.
pub(crate) fn record(word: &str, policy: &str, state: RecordState) -> RecordValue {
    let record = OwnershipRecord {
        owner: OWNER.to_owned(),
        tenant: tenant(),
        policy: policy_name(policy),
        id: id(word),
        state,
    };
    RecordValue { text: record.to_string(), record: Some(record) }
}
