//! Operations from a seed: good ones, and ones with exactly one fault. Which of two faults a server
//! tells first is its own affair; so there is never a second one.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::lab::{User, child};
use crate::server::Group;

/// groupType values (MS-ADTS 2.2.12).
pub(crate) const UNIVERSAL_SECURITY: i32 = -2_147_483_640;
const UNIVERSAL_DISTRIBUTION: i32 = 8;

/// Names that need every kind of escaping; few, so that they meet again and again.
const NAMES: [&str; 8] = [
    "Alpha",
    "Beta, \"quoted\" + more",
    "#gamma; <delta> ",
    "back\\slash=equals",
    "Zo\u{eb} \u{1f680}",
    "Parentheses (all) * )",
    "Sixty-four characters are the most that a common name can have..",
    "eta",
];

const TEXTS: [&str; 5] = ["plain", "PLAIN", "Zo\u{eb} \u{1f680}", " blanks around ", "a,b+c\\2C"];

const TEXT_ATTRIBUTES: [&str; 5] =
    ["displayName", "description", "info", "adminDescription", "msDS-ExternalDirectoryObjectId"];

/// What the names are drawn from.
pub(crate) struct Pool {
    /// Delegated, delegated from above, not delegated.
    pub(crate) containers: [String; 3],
    /// The users of both directories.
    pub(crate) users: Vec<User>,
    /// DN of the domain.
    pub(crate) base: String,
}

/// One LDAP request.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Add {
        dn: String,
        attributes: Vec<(&'static str, Vec<String>)>,
    },
    Modify {
        dn: String,
        changes: Vec<Change>,
    },
    Rename {
        dn: String,
        to: String,
        keep_old: bool,
        parent: Option<String>,
    },
    Delete {
        dn: String,
    },
    /// A modify of what may be deleted, with or without the control that shows deleted objects.
    Undelete {
        dn: String,
        changes: Vec<Change>,
        shown: bool,
    },
}

/// One change of a modify.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) verb: Verb,
    pub(crate) attribute: &'static str,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Delete,
    Replace,
}

pub(crate) fn change(verb: Verb, attribute: &'static str, values: &[&str]) -> Change {
    Change { verb, attribute, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// What is wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The object is not there.
    NoObject,
    /// The DN is none.
    NoName,
    /// The parent is not there.
    NoParent,
    /// The object stands where nothing is delegated.
    NotDelegated,
    /// The attribute is not delegated.
    AttributeNotDelegated,
    /// An add of a user.
    ClassNotDelegated,
    /// The DN is taken.
    NameTaken,
    /// The pre-Windows 2000 name is taken.
    AccountNameTaken,
    /// It has a character that is not allowed.
    AccountNameWrong,
    /// It has 257 characters.
    AccountNameLong,
    /// The last value of an attribute that the class needs is removed.
    NeededRemoved,
    /// A common name of 65 characters.
    NameLong,
    /// Longer than the schema allows.
    TextLong,
    /// A value without a character.
    TextEmpty,
    /// groupType is no number.
    TypeNonsense,
    /// groupType has several scopes.
    TypeSeveral,
    /// groupType has no scope.
    TypeNone,
    /// groupType is that of builtin groups.
    TypeBuiltin,
    /// Two values of a single-valued attribute.
    TwoValues,
    /// Two values of `description`, which the schema would allow.
    TwoDescriptions,
    /// A value is added to a single-valued attribute that has another.
    SecondValue,
    /// A value is added that is there.
    ValueThere,
    /// A value is deleted that is not there.
    ValueAbsent,
    /// An attribute is deleted that is not there.
    AttributeAbsent,
    /// The schema has no such attribute.
    AttributeUnknown,
    /// The attribute is not one of the class.
    AttributeOfOthers,
    /// The directory alone writes the attribute.
    AttributeOfSystem,
    /// The naming attribute.
    AttributeNaming,
    /// A back link.
    AttributeBackLink,
    /// The schema has no such class.
    ClassUnknown,
    /// A member is added that is one.
    MemberThere,
    /// A member is removed that is none.
    MemberAbsent,
    /// A member is added that does not exist.
    MemberUnknown,
    /// The same by GUID.
    MemberUnknownGuid,
    /// A member is removed that does not exist.
    AbsentUnknown,
    /// The same by GUID.
    AbsentUnknownGuid,
    /// A member's DN is none.
    MemberNoName,
    /// The old relative name is to be kept.
    KeepOld,
    /// The new relative name is of another attribute.
    OtherNaming,
    /// The new relative name is none.
    NewNameNone,
    /// The new parent is a group.
    ParentIsGroup,
}

impl Fault {
    /// Faults of adds, of modifies, of member changes, of renames and moves, of deletes.
    const OF: [&'static [Self]; 5] = [
        &[
            Self::NoName,
            Self::NoParent,
            Self::ParentIsGroup,
            Self::NotDelegated,
            Self::ClassNotDelegated,
            Self::NameTaken,
            Self::AccountNameTaken,
            Self::AccountNameWrong,
            Self::AccountNameLong,
            Self::NameLong,
            Self::TextLong,
            Self::TextEmpty,
            Self::TypeNonsense,
            Self::TypeSeveral,
            Self::TypeNone,
            Self::TypeBuiltin,
            Self::TwoValues,
            Self::TwoDescriptions,
            Self::AttributeUnknown,
            Self::AttributeOfOthers,
            Self::AttributeOfSystem,
            Self::ClassUnknown,
            Self::MemberUnknown,
            Self::MemberUnknownGuid,
            Self::MemberNoName,
        ],
        &[
            Self::NoObject,
            Self::NoName,
            Self::NotDelegated,
            Self::AttributeNotDelegated,
            Self::AccountNameTaken,
            Self::AccountNameWrong,
            Self::AccountNameLong,
            Self::NeededRemoved,
            Self::TextLong,
            Self::TextEmpty,
            Self::TypeNonsense,
            Self::TypeSeveral,
            Self::TypeNone,
            Self::TypeBuiltin,
            Self::TwoValues,
            Self::TwoDescriptions,
            Self::SecondValue,
            Self::ValueThere,
            Self::ValueAbsent,
            Self::AttributeAbsent,
            Self::AttributeUnknown,
            Self::AttributeOfOthers,
            Self::AttributeOfSystem,
            Self::AttributeNaming,
            Self::AttributeBackLink,
        ],
        &[
            Self::NoObject,
            Self::NotDelegated,
            Self::MemberThere,
            Self::MemberAbsent,
            Self::MemberUnknown,
            Self::MemberUnknownGuid,
            Self::AbsentUnknown,
            Self::AbsentUnknownGuid,
            Self::MemberNoName,
        ],
        &[
            Self::NoObject,
            Self::NoName,
            Self::NoParent,
            Self::NotDelegated,
            Self::NameTaken,
            Self::NameLong,
            Self::KeepOld,
            Self::OtherNaming,
            Self::NewNameNone,
            Self::ParentIsGroup,
        ],
        &[Self::NoObject, Self::NoName, Self::NotDelegated],
    ];
}

/// A kind of operation: the index of its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Add,
    Modify,
    Member,
    Rename,
    Delete,
}

/// An operation and what is wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) kind: Kind,
    pub(crate) fault: Option<Fault>,
    pub(crate) operation: Operation,
}

impl Operation {
    /// Every name that the operation may have made or changed.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Add { dn, .. }
            | Self::Modify { dn, .. }
            | Self::Delete { dn }
            | Self::Undelete { dn, .. } => vec![dn.clone()],
            Self::Rename { dn, to, parent, .. } => {
                let parent = parent.as_deref().unwrap_or_else(|| crate::lab::parent_of(dn));
                vec![dn.clone(), format!("{to},{parent}")]
            }
        }
    }
}

/// A DN as AD compares it, whatever its escaping.
pub(crate) fn plain(dn: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = dn.as_bytes().iter().copied().peekable();
    let hex = |octet: Option<&u8>| octet.and_then(|octet| char::from(*octet).to_digit(16));
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let Some(first) = rest.next() else { break };
        match (hex(Some(&first)), hex(rest.peek())) {
            (Some(high), Some(low)) => {
                octets.push(u8::try_from(high * 16 + low).unwrap());
                rest.next();
            }
            _ => octets.push(first),
        }
    }
    String::from_utf8_lossy(&octets).to_lowercase()
}

/// An add of a group without anything particular.
pub(crate) fn plain_group(name: &str, container: &str, kind: i32) -> Operation {
    let attributes = [
        ("objectClass", "group".to_owned()),
        ("sAMAccountName", format!("nesting-{name}")),
        ("groupType", kind.to_string()),
    ];
    let attributes = attributes.map(|(name, value)| (name, vec![value]));
    Operation::Add { dn: child(name, container), attributes: attributes.to_vec() }
}

/// Makes one group a member of another.
pub(crate) fn nest(parent: &str, member: &str, container: &str) -> Operation {
    let changes = vec![change(Verb::Add, "member", &[&child(member, container)])];
    Operation::Modify { dn: child(parent, container), changes }
}

/// A delete.
pub(crate) fn delete(name: &str, container: &str) -> Operation {
    Operation::Delete { dn: child(name, container) }
}

/// A group that is there: its DN, escaped, and its values.
type Standing<'a> = (String, &'a Group);

/// A source of operations.
pub(crate) struct Drawing {
    rng: Rng,
    /// For each kind of operation, the faults that have not had their turn.
    waiting: [Vec<Fault>; 5],
}

impl Drawing {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), waiting: [const { Vec::new() }; 5] }
    }

    /// The next operation on a directory that holds these groups. Not every kind and fault is
    /// possible in every state: then it is drawn again.
    pub(crate) fn operation(&mut self, pool: &Pool, groups: &BTreeMap<String, Group>) -> Drawn {
        loop {
            let kind = match self.rng.u8(..100) {
                0..=29 => Kind::Add,
                30..=59 => Kind::Modify,
                60..=79 => Kind::Member,
                80..=94 => Kind::Rename,
                _ => Kind::Delete,
            };
            let fault = self.rng.bool().then(|| self.next_fault(kind));
            let operation = match kind {
                Kind::Add => self.add(pool, groups, fault),
                Kind::Modify => self.modify(pool, groups, fault),
                Kind::Member => self.member(pool, groups, fault),
                Kind::Rename => self.rename(pool, groups, fault),
                Kind::Delete => {
                    self.target(pool, groups, fault).map(|(dn, _)| Operation::Delete { dn })
                }
            };
            if let Some(operation) = operation {
                return Drawn { kind, fault, operation };
            }
            // Its turn comes when the state allows it.
            self.waiting[kind as usize].extend(fault);
            self.rng.shuffle(&mut self.waiting[kind as usize]);
        }
    }

    /// Every fault has its turn before any comes again.
    fn next_fault(&mut self, kind: Kind) -> Fault {
        let waiting = &mut self.waiting[kind as usize];
        if waiting.is_empty() {
            waiting.extend_from_slice(Fault::OF[kind as usize]);
            self.rng.shuffle(waiting);
        }
        waiting.pop().unwrap()
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        self.rng.choice(from).cloned()
    }

    fn standing<'a>(pool: &Pool, groups: &'a BTreeMap<String, Group>) -> Vec<Standing<'a>> {
        let mut all = Vec::new();
        for container in &pool.containers {
            for (key, group) in groups {
                let dn = child(group["cn"].first().unwrap(), container);
                if plain(&dn) == *key {
                    all.push((dn, group));
                }
            }
        }
        all
    }

    /// A name that nobody has in a delegated container.
    fn free_name(&mut self, pool: &Pool, groups: &BTreeMap<String, Group>) -> Option<String> {
        let containers = &pool.containers[..2];
        let free: Vec<String> = NAMES
            .iter()
            .flat_map(|name| containers.iter().map(|container| child(name, container)))
            .filter(|dn| !groups.contains_key(&plain(dn)))
            .collect();
        self.pick(&free)
    }

    fn free_account_name(&mut self, groups: &BTreeMap<String, Group>) -> String {
        let taken: BTreeSet<String> = groups
            .values()
            .flat_map(|group| &group["sAMAccountName"])
            .map(|n| n.to_lowercase())
            .collect();
        loop {
            let prefix = if self.rng.bool() { "diff" } else { "DIFF" };
            let name = format!("{prefix}-{}", self.rng.u8(..200));
            if !taken.contains(&name.to_lowercase()) {
                return name;
            }
        }
    }

    /// A group to change, or an object that cannot be changed, as the fault asks.
    fn target<'a>(
        &mut self,
        pool: &Pool,
        groups: &'a BTreeMap<String, Group>,
        fault: Option<Fault>,
    ) -> Option<(String, Option<&'a Group>)> {
        let base = &pool.base;
        match fault {
            Some(Fault::NoObject) => self.free_name(pool, groups).map(|dn| (dn, None)),
            Some(Fault::NoName) => Some(("no name at all".to_owned(), None)),
            Some(Fault::NotDelegated) => Some((format!("CN=Domain Guests,CN=Users,{base}"), None)),
            _ => self.pick(&Self::standing(pool, groups)).map(|(dn, group)| (dn, Some(group))),
        }
    }

    fn text(&mut self) -> &'static str {
        TEXTS[self.rng.usize(..TEXTS.len())]
    }

    fn add(
        &mut self,
        pool: &Pool,
        groups: &BTreeMap<String, Group>,
        fault: Option<Fault>,
    ) -> Option<Operation> {
        let free = self.free_name(pool, groups)?;
        let leaf = crate::lab::leaf_of(&free).to_owned();
        let dn = match fault {
            Some(Fault::NoName) => "no name at all".to_owned(),
            Some(Fault::NoParent) => format!("{leaf},OU=Missing,{}", pool.base),
            Some(Fault::ParentIsGroup) => {
                let (parent, _) = self.pick(&Self::standing(pool, groups))?;
                format!("{leaf},{parent}")
            }
            Some(Fault::NotDelegated) => format!("{leaf},{}", pool.containers[2]),
            Some(Fault::NameLong) => child(&"x".repeat(65), &pool.containers[0]),
            Some(Fault::NameTaken) => {
                let (dn, _) = self.pick(&Self::standing(pool, groups))?;
                // Letter case does not make another name.
                if self.one_in(3) { dn.replace("lpha", "LPHA") } else { dn }
            }
            _ => free,
        };
        let mut account_name = self.free_account_name(groups);
        let mut class = "group";
        let kind = if self.one_in(3) { UNIVERSAL_DISTRIBUTION } else { UNIVERSAL_SECURITY };
        let mut kind = kind.to_string();
        let mut attributes: Vec<(&'static str, Vec<String>)> = Vec::new();
        for attribute in TEXT_ATTRIBUTES {
            if self.one_in(3) {
                attributes.push((attribute, vec![self.text().to_owned()]));
            }
        }
        if self.one_in(3) {
            let values = vec!["writeback/v1;x".to_owned(), "another".to_owned()];
            attributes.push(("extensionName", values));
        }
        let mut members = if self.one_in(3) { self.some(pool, groups) } else { Vec::new() };
        attributes.retain(|(name, _)| fault.is_none() || *name != "displayName");
        let display_name: Vec<String> = match fault {
            Some(Fault::TextLong) => vec!["x".repeat(257)],
            Some(Fault::TextEmpty) => vec![String::new()],
            Some(Fault::TwoValues) => vec!["one".to_owned(), "two".to_owned()],
            _ => Vec::new(),
        };
        if !display_name.is_empty() {
            attributes.push(("displayName", display_name));
        }
        match fault {
            Some(Fault::AccountNameTaken) => account_name = self.taken(pool, groups),
            Some(Fault::AccountNameWrong) => "bad*name".clone_into(&mut account_name),
            Some(Fault::AccountNameLong) => account_name = "x".repeat(257),
            Some(Fault::ClassNotDelegated) => class = "user",
            Some(Fault::ClassUnknown) => class = "noSuchClass",
            Some(Fault::AttributeUnknown) => attributes.push(("noSuch", vec!["x".to_owned()])),
            Some(Fault::AttributeOfOthers) => attributes.push(("givenName", vec!["x".to_owned()])),
            Some(Fault::AttributeOfSystem) => {
                attributes.push(("whenCreated", vec!["20250101000000.0Z".to_owned()]));
            }
            Some(Fault::TwoDescriptions) => {
                attributes.retain(|(name, _)| *name != "description");
                attributes.push(("description", vec!["one".to_owned(), "two".to_owned()]));
            }
            Some(fault) => {
                members.extend(bad_member(pool, fault));
                kind = bad_type(fault).map_or(kind, str::to_owned);
            }
            None => {}
        }
        if !members.is_empty() {
            attributes.push(("member", members));
        }
        attributes.push(("objectClass", vec![class.to_owned()]));
        attributes.push(("sAMAccountName", vec![account_name]));
        if class == "group" {
            attributes.push(("groupType", vec![kind]));
        } else {
            attributes.retain(|(name, _)| matches!(*name, "objectClass" | "sAMAccountName"));
        }
        Some(Operation::Add { dn, attributes })
    }

    /// A pre-Windows 2000 name that somebody has.
    fn taken(&mut self, pool: &Pool, groups: &BTreeMap<String, Group>) -> String {
        let names: Vec<&String> =
            groups.values().flat_map(|group| &group["sAMAccountName"]).collect();
        let names: Vec<String> = names.into_iter().map(|name| name.to_uppercase()).collect();
        let other = crate::lab::leaf_of(&pool.users[0].dn)[3..].to_owned();
        self.pick(&names).filter(|_| self.rng.bool()).unwrap_or(other)
    }

    fn modify(
        &mut self,
        pool: &Pool,
        groups: &BTreeMap<String, Group>,
        fault: Option<Fault>,
    ) -> Option<Operation> {
        let (dn, group) = self.target(pool, groups, fault)?;
        let attribute = TEXT_ATTRIBUTES[self.rng.usize(..TEXT_ATTRIBUTES.len())];
        let empty = Group::new();
        let group = group.unwrap_or(&empty);
        let held = |name: &str| group.get(name).and_then(|values| values.first()).cloned();
        let changes = match fault {
            None | Some(Fault::NoObject | Fault::NoName | Fault::NotDelegated) => {
                self.good_changes(group, groups, attribute)
            }
            Some(Fault::AttributeNotDelegated) => {
                vec![change(Verb::Replace, "wWWHomePage", &["https://corp.example"])]
            }
            Some(Fault::AccountNameTaken) => {
                let others: Vec<String> = groups
                    .values()
                    .filter(|other| *other != group)
                    .flat_map(|other| other["sAMAccountName"].clone())
                    .collect();
                let other = self.pick(&others)?;
                vec![change(Verb::Replace, "sAMAccountName", &[&other.to_uppercase()])]
            }
            Some(Fault::AccountNameWrong) => {
                vec![change(Verb::Replace, "sAMAccountName", &["bad*name"])]
            }
            Some(Fault::AccountNameLong) => {
                vec![change(Verb::Replace, "sAMAccountName", &[&"x".repeat(257)])]
            }
            Some(Fault::NeededRemoved) => {
                let needed = if self.rng.bool() { "sAMAccountName" } else { "groupType" };
                vec![change(Verb::Delete, needed, &[])]
            }
            Some(Fault::TextLong) => vec![change(Verb::Replace, "info", &[&"x".repeat(1025)])],
            Some(Fault::TextEmpty) => vec![change(Verb::Replace, attribute, &[""])],
            Some(Fault::TwoValues) => vec![change(Verb::Replace, "info", &["one", "two"])],
            Some(Fault::TwoDescriptions) => {
                vec![change(Verb::Replace, "description", &["one", "two"])]
            }
            Some(Fault::SecondValue) => {
                held("info")?;
                vec![change(Verb::Add, "info", &["a second"])]
            }
            Some(Fault::ValueThere) => {
                vec![change(Verb::Add, "extensionName", &[&held("extensionName")?])]
            }
            Some(Fault::ValueAbsent) => {
                held(attribute)?;
                vec![change(Verb::Delete, attribute, &["never set"])]
            }
            Some(Fault::AttributeAbsent) => {
                (held(attribute).is_none()).then(|| vec![change(Verb::Delete, attribute, &[])])?
            }
            Some(Fault::AttributeUnknown) => vec![change(Verb::Replace, "noSuch", &["x"])],
            Some(Fault::AttributeOfOthers) => vec![change(Verb::Replace, "givenName", &["x"])],
            Some(Fault::AttributeOfSystem) => {
                vec![change(Verb::Replace, "whenCreated", &["20250101000000.0Z"])]
            }
            Some(Fault::AttributeNaming) => vec![change(Verb::Replace, "cn", &["x"])],
            Some(Fault::AttributeBackLink) => {
                vec![change(Verb::Add, "memberOf", &[&pool.users[0].dn])]
            }
            Some(fault) => vec![change(Verb::Replace, "groupType", &[bad_type(fault)?])],
        };
        Some(Operation::Modify { dn, changes })
    }

    /// Changes as the product makes them: old value out, new value in, in one modify.
    fn good_changes(
        &mut self,
        group: &Group,
        groups: &BTreeMap<String, Group>,
        attribute: &'static str,
    ) -> Vec<Change> {
        let swap = |name: &'static str, new: &str| {
            let held = group.get(name).and_then(|values| values.first());
            let old = held.map(|old| change(Verb::Delete, name, &[old]));
            old.into_iter().chain([change(Verb::Add, name, &[new])]).collect::<Vec<_>>()
        };
        match self.rng.u8(..8) {
            0 => swap("groupType", &UNIVERSAL_DISTRIBUTION.to_string()),
            1 => swap("groupType", &UNIVERSAL_SECURITY.to_string()),
            2 => swap("sAMAccountName", &self.free_account_name(groups)),
            3 => vec![change(Verb::Replace, attribute, &[])],
            4 => vec![change(Verb::Replace, "extensionName", &["one", "two", self.text()])],
            5 => vec![change(Verb::Replace, attribute, &[self.text()])],
            _ => swap(attribute, self.text()),
        }
    }

    fn member(
        &mut self,
        pool: &Pool,
        groups: &BTreeMap<String, Group>,
        fault: Option<Fault>,
    ) -> Option<Operation> {
        let (dn, group) = self.target(pool, groups, fault)?;
        let empty = BTreeSet::new();
        let held = group.and_then(|group| group.get("member")).unwrap_or(&empty);
        let users = (0..pool.users.len()).map(|number| pool.users[number].dn.clone());
        let groups = Self::standing(pool, groups).into_iter().map(|(dn, _)| dn);
        let (present, absent): (Vec<String>, Vec<String>) =
            users.chain(groups).filter(|one| *one != dn).partition(|dn| held.contains(&plain(dn)));
        let removes = match fault {
            Some(Fault::MemberAbsent | Fault::AbsentUnknown | Fault::AbsentUnknownGuid) => true,
            Some(_) => false,
            None => self.rng.bool(),
        };
        let mut values = self.forms(pool, if removes { &present } else { &absent });
        match fault {
            Some(Fault::MemberThere) => values.extend(self.pick(&present)),
            Some(Fault::MemberAbsent) => values.extend(self.pick(&absent)),
            Some(fault) => values.extend(bad_member(pool, fault)),
            None => {}
        }
        if values.is_empty() {
            return None;
        }
        let verb = if removes { Verb::Delete } else { Verb::Add };
        let changes = vec![Change { verb, attribute: "member", values }];
        Some(Operation::Modify { dn, changes })
    }

    /// Up to three of these objects, users in any of the forms of a name
    /// (MS-ADTS 3.1.1.3.1.2.4).
    fn forms(&mut self, pool: &Pool, from: &[String]) -> Vec<String> {
        let mut chosen: Vec<String> = from.to_vec();
        self.rng.shuffle(&mut chosen);
        chosen.truncate(self.rng.usize(1..=3));
        for dn in &mut chosen {
            let Some(number) = pool.users.iter().position(|user| user.dn == *dn) else { continue };
            match self.rng.u8(..3) {
                0 => *dn = format!("<GUID={}>", pool.users[number].guid),
                1 => *dn = format!("<SID=#{number}>"),
                _ => {}
            }
        }
        chosen
    }

    fn some(&mut self, pool: &Pool, groups: &BTreeMap<String, Group>) -> Vec<String> {
        let users = pool.users.iter().map(|user| user.dn.clone());
        let groups = Self::standing(pool, groups).into_iter().map(|(dn, _)| dn);
        let all: Vec<String> = users.chain(groups).collect();
        self.forms(pool, &all)
    }

    fn rename(
        &mut self,
        pool: &Pool,
        groups: &BTreeMap<String, Group>,
        fault: Option<Fault>,
    ) -> Option<Operation> {
        let standing = Self::standing(pool, groups);
        let (dn, _) = match fault {
            Some(Fault::NoParent) => self.target(pool, groups, None)?,
            fault => self.target(pool, groups, fault)?,
        };
        let free = self.free_name(pool, groups)?;
        let mut to = crate::lab::leaf_of(&free).to_owned();
        let mut parent = Some(crate::lab::parent_of(&free).to_owned());
        if self.one_in(3) {
            // In its place, or moved under its name.
            let here = crate::lab::parent_of(&dn);
            let there = format!("{to},{here}");
            (!groups.contains_key(&plain(&there))).then_some(())?;
            parent = None;
        }
        match fault {
            Some(Fault::NoName) => parent = None,
            Some(Fault::NoParent) => parent = Some(format!("OU=Missing,{}", pool.base)),
            Some(Fault::NotDelegated) => {
                // A group that is ours goes where nothing is.
                let (own, _) = self.pick(&standing)?;
                let parent = Some(pool.containers[2].clone());
                return Some(Operation::Rename { dn: own, to, keep_old: false, parent });
            }
            Some(Fault::NameTaken) => {
                let others: Vec<String> =
                    standing.iter().map(|(dn, _)| dn.clone()).filter(|one| *one != dn).collect();
                let other = self.pick(&others)?;
                crate::lab::leaf_of(&other).clone_into(&mut to);
                parent = Some(crate::lab::parent_of(&other).to_owned());
            }
            Some(Fault::NameLong) => to = format!("CN={}", "x".repeat(65)),
            Some(Fault::OtherNaming) => "OU=Unit".clone_into(&mut to),
            Some(Fault::NewNameNone) => "nothing".clone_into(&mut to),
            Some(Fault::ParentIsGroup) => {
                let others: Vec<String> =
                    standing.iter().map(|(dn, _)| dn.clone()).filter(|one| *one != dn).collect();
                parent = Some(self.pick(&others)?);
            }
            Some(_) | None => {}
        }
        let keep_old = fault == Some(Fault::KeepOld);
        Some(Operation::Rename { dn, to, keep_old, parent })
    }
}

/// The groupType of a fault that is about one.
fn bad_type(fault: Fault) -> Option<&'static str> {
    let types = [
        (Fault::TypeNonsense, "nonsense"),
        (Fault::TypeSeveral, "10"),
        (Fault::TypeNone, "0"),
        (Fault::TypeBuiltin, "-2147483643"),
    ];
    types.into_iter().find(|(one, _)| *one == fault).map(|(_, value)| value)
}

/// The member of a fault that is about one.
fn bad_member(pool: &Pool, fault: Fault) -> Option<String> {
    let nobody = format!("CN=nobody,OU=People,{}", pool.base);
    let nothing = "<GUID=01234567-89ab-cdef-0123-456789abcdef>";
    let members = [
        (Fault::MemberUnknown, nobody.as_str()),
        (Fault::AbsentUnknown, nobody.as_str()),
        (Fault::MemberUnknownGuid, nothing),
        (Fault::AbsentUnknownGuid, nothing),
        (Fault::MemberNoName, "no name at all"),
    ];
    members.into_iter().find(|(one, _)| *one == fault).map(|(_, value)| value.to_owned())
}
