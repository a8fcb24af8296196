//! Operations from a seed: good ones, and ones with exactly one fault. Which of two faults a server
//! tells first is its own affair; so there is never a second one.

#[path = "draw/changes.rs"]
mod changes;
#[path = "draw/fault.rs"]
pub(crate) mod fault;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::lab::{User, child};
use crate::operation::{Operation, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY, plain};
use crate::server::Group;
use fault::{Fault, bad_member, bad_type};

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
