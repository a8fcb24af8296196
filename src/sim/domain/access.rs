//! Who may read and write what, in the terms of an access control list but much smaller.
//!
//! Input: the account of a connection and the object it reaches for. Output: yes or no. Reading
//! is open to every authenticated account except for what was hidden from it; writing needs the
//! administrators' rights or a delegation on the organizational unit.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::schema::{Attribute, CLASSES, Class, Origin};
use super::tree::{Object, Tree};

/// Where an object is mastered.
const OBJECT_SOA: &str = "msDS-ObjectSoa";

/// On whose behalf something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// A connection without a bind: sees the rootDSE and nothing else.
    Anonymous,
    /// The directory itself and the tests that edit it.
    System,
    /// An account of the domain.
    Account(Uuid),
}

/// Rights that no attribute of the tree shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    /// Passwords by account.
    pub(super) passwords: BTreeMap<Uuid, String>,
    pub(super) delegations: Vec<Delegation>,
    /// Objects with Deny Delete for everyone ("protect object from accidental deletion").
    pub(super) protected: BTreeSet<Uuid>,
    /// Objects that accounts other than administrators cannot read.
    pub(super) hidden: BTreeSet<Uuid>,
    /// Whether accounts other than administrators were given CN=Deleted Objects (KB892806).
    pub(super) deleted_readable: bool,
    /// Who made an object and so owns it; what is not among them belongs to administrators.
    pub(super) owners: BTreeMap<Uuid, Uuid>,
    /// Rights over deleted objects by account.
    pub(super) deleted: BTreeSet<(Uuid, DeletedRight)>,
    /// AD object enforcement: the accounts that may change objects mastered in the cloud; `None`
    /// while it is off.
    pub(super) enforced: Option<BTreeSet<Uuid>>,
}

/// What an account may be given over deleted objects beyond what administrators have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletedRight {
    /// List contents and read property on CN=Deleted Objects (KB892806). Without it the container
    /// looks empty and what stands in it is not found.
    Read,
    /// The control access right Reanimate-Tombstones on the head of the domain (MS-ADTS
    /// 3.1.1.5.3.7).
    Reanimate,
}

/// What an account may do in a container and below it, as its access control entries would say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Classes whose objects it may create (create-child); `*` for all.
    pub create: Vec<String>,
    /// Classes whose objects it may delete (delete-child); `*` for all.
    pub delete: Vec<String>,
    /// The class of objects the next field is about (inherited object type), or `*` for all
    /// objects, the container itself among them.
    pub class: String,
    /// Attributes it may write (write-property); `*` for all.
    pub write: Vec<String>,
    /// Whether it may change owner and access control lists (write-owner, write-DAC) of the same
    /// objects.
    pub security: bool,
}

impl Rights {
    /// What the documented delegation gives: groups and exactly these of their attributes.
    pub(super) fn over_groups(attributes: &[&str]) -> Self {
        let group = || "group".to_owned();
        Self {
            create: vec![group()],
            delete: vec![group()],
            class: group(),
            write: attributes.iter().map(|name| (*name).to_owned()).collect(),
            security: false,
        }
    }

    /// Full control, as of an account that was given too much.
    pub fn everything() -> Self {
        let all = || "*".to_owned();
        Self {
            create: vec![all()],
            delete: vec![all()],
            class: all(),
            write: vec![all()],
            security: true,
        }
    }
}

/// Rights of one account in one container.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    pub(super) account: Uuid,
    pub(super) container: Uuid,
    pub(super) rights: Rights,
}

impl Delegation {
    /// Whether what is said of objects is said of this one.
    fn reaches(&self, object: &Object) -> bool {
        self.rights.class == "*"
            || (self.rights.class.eq_ignore_ascii_case(object.class.name)
                && object.guid != self.container)
    }
}

/// Whether a list of names has this one, or all.
fn lists(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(name))
}

/// What a group writer needs and no more (facts 8.2: CC and DC for class group on the unit, WP on
/// these attributes of groups below it; Windows asks for `name` on a rename, Samba for `cn` too).
pub(super) const DELEGATED: [&str; 14] = [
    "member",
    "groupType",
    "sAMAccountName",
    "displayName",
    "description",
    "mail",
    "mailNickname",
    "info",
    "adminDescription",
    "proxyAddresses",
    "extensionName",
    "msDS-ExternalDirectoryObjectId",
    "name",
    "cn",
];

impl Tree {
    /// Whether the actor is the directory itself or a member, at any depth, of Administrators.
    pub(super) fn is_administrator(&self, actor: Actor) -> bool {
        let account = match actor {
            Actor::System => return true,
            Actor::Anonymous => return false,
            Actor::Account(account) => account,
        };
        let administrators =
            super::identity::sid_octets("S-1-5-32-544").and_then(|sid| self.by_sid(&sid));
        administrators.is_some_and(|group| self.closure(account, Way::Up).contains(&group))
    }

    /// Groups an object is in, or objects a group holds, at any depth; the start is left out
    /// unless a cycle leads back to it.
    pub(super) fn closure(&self, start: Uuid, way: Way) -> BTreeSet<Uuid> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(here) = waiting.pop() {
            let Some(object) = self.object(here) else { continue };
            let next: Vec<Uuid> = match way {
                Way::Up => object.sources("member").collect(),
                Way::Down => object.targets("member").collect(),
            };
            waiting.extend(next.into_iter().filter(|guid| seen.insert(*guid)));
        }
        seen
    }

    /// Whether the actor can read the object at all.
    pub(super) fn may_see(&self, actor: Actor, guid: Uuid) -> bool {
        let gone =
            self.object(guid).is_none_or(|object| object.deleted) || guid == self.deleted_objects;
        if !gone && !self.access.hidden.contains(&guid) {
            return actor != Actor::Anonymous;
        }
        self.is_administrator(actor) || (gone && self.may_read_deleted(actor))
    }

    fn may_read_deleted(&self, actor: Actor) -> bool {
        match actor {
            Actor::Anonymous => false,
            Actor::System => true,
            Actor::Account(account) => {
                self.access.deleted_readable
                    || self.access.deleted.contains(&(account, DeletedRight::Read))
            }
        }
    }

    /// Reanimate-Tombstones on the head of the domain.
    pub(super) fn may_reanimate(&self, actor: Actor) -> bool {
        let given = |account| self.access.deleted.contains(&(account, DeletedRight::Reanimate));
        self.is_administrator(actor) || matches!(actor, Actor::Account(account) if given(account))
    }

    /// Whether AD object enforcement keeps the actor from changing the object, whatever its rights:
    /// one with msDS-ObjectSoa, and the actor is not on the list (learn.microsoft.com/entra
    /// cloud-sync, "Active Directory object enforcement"). Adding and deleting stay allowed.
    pub(super) fn is_enforced(&self, actor: Actor, guid: Uuid) -> bool {
        let Some(allowed) = &self.access.enforced else { return false };
        let listed = match actor {
            Actor::System => true,
            Actor::Anonymous => false,
            Actor::Account(account) => allowed.contains(&account),
        };
        !listed && self.object(guid).is_some_and(|object| object.text(OBJECT_SOA) == Some("Cloud"))
    }

    fn delegations(&self, actor: Actor, guid: Uuid) -> impl Iterator<Item = &Delegation> {
        self.access.delegations.iter().filter(move |delegation| {
            actor == Actor::Account(delegation.account)
                && self.is_within(guid, delegation.container)
        })
    }

    /// Create-child for the class on the parent (MS-ADTS 3.1.1.5.2.1). Attributes given in the
    /// add need no right of their own.
    pub(super) fn may_create(&self, actor: Actor, parent: Uuid, class: &Class) -> bool {
        self.is_administrator(actor)
            || self.delegations(actor, parent).any(|one| lists(&one.rights.create, class.name))
    }

    /// Delete-child on the parent (MS-ADTS 3.1.1.5.5.1), which the delegation gives for groups. A
    /// deny on the object itself stands before it.
    pub(super) fn may_delete(&self, actor: Actor, guid: Uuid) -> bool {
        if self.access.protected.contains(&guid) {
            return actor == Actor::System;
        }
        let Some(object) = self.object(guid) else { return false };
        let Some(parent) = object.parent else { return false };
        self.is_administrator(actor)
            || self
                .delegations(actor, parent)
                .any(|one| lists(&one.rights.delete, object.class.name))
    }

    /// The delegations whose entries for objects reach this one. AdminSDHolder takes inherited
    /// rights off principals with adminCount=1 (MS-ADTS 3.1.1.6.1.2). A deleted object keeps the
    /// security descriptor it inherited where it stood (MS-ADTS 3.1.1.5.5.6.1).
    fn reaching(&self, actor: Actor, guid: Uuid) -> Vec<&Delegation> {
        let Some(object) = self.object(guid) else { return Vec::new() };
        if object.number("adminCount") == Some(1) {
            return Vec::new();
        }
        let place = object.last_parent.filter(|_| object.deleted).unwrap_or(guid);
        self.delegations(actor, place).filter(|one| one.reaches(object)).collect()
    }

    /// Write-property (MS-ADTS 3.1.1.5.3.1).
    pub(super) fn may_write(&self, actor: Actor, guid: Uuid, attribute: &str) -> bool {
        self.is_administrator(actor)
            || self.reaching(actor, guid).iter().any(|one| lists(&one.rights.write, attribute))
    }

    /// sDRightsEffective (MS-ADTS 3.1.1.4.5.4): owner 1, group 2, DACL 4, SACL 8; the last takes
    /// the privilege of administrators.
    pub(super) fn security_rights(&self, actor: Actor, guid: Uuid) -> u8 {
        if self.is_administrator(actor) {
            return 15;
        }
        if self.reaching(actor, guid).iter().any(|one| one.rights.security) {
            return 7;
        }
        let owner = self.access.owners.get(&guid).map(|owner| Actor::Account(*owner));
        // An owner may change the access list, whatever is in it (MS-DTYP 2.5.3.2).
        if owner == Some(actor) { 4 } else { 0 }
    }

    /// allowedChildClassesEffective (MS-ADTS 3.1.1.4.5.5).
    pub(super) fn allowed_child_classes(&self, actor: Actor, guid: Uuid) -> Vec<&'static str> {
        let Some(object) = self.object(guid) else { return Vec::new() };
        let mut names = possible_children(object.class);
        names.retain(|name| {
            super::schema::class_named(name)
                .is_some_and(|class| self.may_create(actor, guid, class))
        });
        names
    }

    /// allowedAttributes (MS-ADTS 3.1.1.4.5.6): what the class of the object may carry.
    pub(super) fn allowed_attributes(&self, object: &Object) -> Vec<&'static str> {
        let carried = |attribute: &&'static Attribute| attribute.is_carried_by(object.class);
        self.schema.attributes().filter(carried).map(|attribute| attribute.name).collect()
    }

    /// allowedAttributesEffective (MS-ADTS 3.1.1.4.5.7): of those, what the actor may write without
    /// back links and constructed ones; attributes that only the system writes are not left out.
    pub(super) fn writable_attributes(&self, actor: Actor, guid: Uuid) -> Vec<&'static str> {
        let Some(object) = self.object(guid) else { return Vec::new() };
        let all = self.is_administrator(actor);
        let reaching = self.reaching(actor, guid);
        let writable = |attribute: &&'static Attribute| {
            let real = match attribute.origin {
                Origin::Stored | Origin::Link | Origin::Naming | Origin::System => true,
                Origin::BackLink(_) | Origin::Constructed => false,
            };
            real && attribute.is_carried_by(object.class)
                && (all || reaching.iter().any(|one| lists(&one.rights.write, attribute.name)))
        };
        self.schema.attributes().filter(writable).map(|attribute| attribute.name).collect()
    }
}

/// allowedChildClasses: structural classes whose objects may stand below one of this class
/// (possibleInferiors, MS-ADTS 3.1.1.4.5.21).
pub(super) fn possible_children(parent: &Class) -> Vec<&'static str> {
    let below = CLASSES.iter().filter(|class| class.parents.contains(&parent.name));
    below.map(|class| class.name).collect()
}

/// Direction of a walk over memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From a member to the groups it is in.
    Up,
    /// From a group to what it holds.
    Down,
}
