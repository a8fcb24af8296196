//! Who may read and write what, in the terms of an access control list but much smaller.
//!
//! Input: the account of a connection and the object it reaches for. Output: yes or no. Reading
//! is open to every authenticated account except for what was hidden from it; writing needs the
//! administrators' rights or a delegation on the organizational unit.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::schema::{Attribute, Class, Origin};
use super::tree::Tree;

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
}

/// Create and delete groups in a subtree, and write these of their attributes.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    pub(super) account: Uuid,
    pub(super) container: Uuid,
    /// Lower-case names.
    pub(super) attributes: BTreeSet<String>,
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
        self.is_administrator(actor)
            || (gone && self.access.deleted_readable && actor != Actor::Anonymous)
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
            || (class.name == "group" && self.delegations(actor, parent).next().is_some())
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
            || (object.class.name == "group" && self.delegations(actor, parent).next().is_some())
    }

    /// Write-property (MS-ADTS 3.1.1.5.3.1). AdminSDHolder takes inherited rights off groups with
    /// adminCount=1 (MS-ADTS 3.1.1.6.1.2), so a delegation does not reach them.
    pub(super) fn may_write(&self, actor: Actor, guid: Uuid, attribute: &str) -> bool {
        if self.is_administrator(actor) {
            return true;
        }
        let Some(object) = self.object(guid) else { return false };
        let Some(parent) = object.parent else { return false };
        if object.class.name != "group" || object.number("adminCount") == Some(1) {
            return false;
        }
        let wanted = attribute.to_ascii_lowercase();
        // Inherit-only: the entries on the unit count for what stands below it.
        self.delegations(actor, parent).any(|delegation| delegation.attributes.contains(&wanted))
    }

    /// allowedChildClassesEffective (MS-ADTS 3.1.1.4.5.5).
    pub(super) fn allowed_child_classes(&self, actor: Actor, guid: Uuid) -> Vec<&'static str> {
        const CREATED: [&str; 6] =
            ["computer", "contact", "container", "group", "organizationalUnit", "user"];
        let holds = self.object(guid).is_some_and(|object| {
            matches!(object.class.name, "organizationalUnit" | "container" | "domainDNS")
        });
        let allowed = |name: &&'static str| {
            super::schema::class_named(name)
                .is_some_and(|class| self.may_create(actor, guid, class))
        };
        CREATED.into_iter().filter(|_| holds).filter(allowed).collect()
    }

    /// allowedAttributesEffective (MS-ADTS 3.1.1.4.5.7).
    pub(super) fn allowed_attributes(&self, actor: Actor, guid: Uuid) -> Vec<&'static str> {
        let writable = |attribute: &&'static Attribute| match attribute.origin {
            Origin::Stored | Origin::Link | Origin::Naming => {
                self.may_write(actor, guid, attribute.name)
            }
            Origin::System | Origin::BackLink(_) | Origin::Constructed => false,
        };
        self.schema.attributes().filter(writable).map(|attribute| attribute.name).collect()
    }
}

/// Direction of a walk over memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From a member to the groups it is in.
    Up,
    /// From a group to what it holds.
    Down,
}
