//! One attempt to draw a step: what stands in both directories, and what of it fits.
//!
//! The topics beside this file choose from it; none is drawn that the state does not allow.

use super::Drawing;
use crate::lab::child;
use crate::operation::plain;
use crate::server::Group;
use crate::side::{Places, State};

/// Few, so that they meet again; two need escaping. A semicolon is in none: Samba spells it in
/// another way than a client does, and then denies that a member that came with a restore is one.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "Beta, \"quoted\" + more", "#gamma back\\slash"];

pub(super) const ADDRESSES: [&str; 7] = [
    "SMTP:first@corp.example",
    "smtp:second@corp.example",
    "smtp:third@corp.example",
    "smtp:Zo\u{eb}@corp.example",
    "x500:/o=Corp/ou=Exchange/cn=Recipients/cn=a",
    "SIP:first@corp.example",
    "smtp:fourth@corp.example",
];

/// A group that is there: its DN, escaped, and its values.
type Standing<'a> = (String, &'a Group);

pub(super) fn first<'a>(group: &'a Group, name: &str) -> &'a str {
    group.get(name).and_then(|values| values.first()).map_or("", String::as_str)
}

pub(super) fn id_of(group: &Group) -> &str {
    first(group, "msDS-ExternalDirectoryObjectId")
}

pub(super) fn type_of(group: &Group) -> i32 {
    first(group, "groupType").parse().unwrap()
}

/// The bits of the scope.
pub(super) fn scope_of(group_type: i32) -> i32 {
    group_type & 0xe
}

/// Which groups a group may hold (learn.microsoft.com, "Active Directory security groups").
pub(super) fn holds(parent: i32, member: i32) -> bool {
    match scope_of(parent) {
        2 => scope_of(member) == 2,
        8 => scope_of(member) != 4,
        _ => true,
    }
}

/// One attempt to draw a step of a case.
pub(super) struct Draft<'a> {
    pub(super) drawing: &'a mut Drawing,
    pub(super) places: &'a Places,
    pub(super) state: &'a State,
}

impl<'a> Draft<'a> {
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.drawing.rng.usize(..count)
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        self.drawing.rng.choice(from).cloned()
    }

    /// Between one and so many of these.
    pub(super) fn some<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut from = from.to_vec();
        self.drawing.rng.shuffle(&mut from);
        from.truncate(1 + self.below(most));
        from
    }

    fn containers(&self) -> [String; 2] {
        [self.places.inside.clone(), format!("OU=Sub,{}", self.places.inside)]
    }

    pub(super) fn standing(&self) -> Vec<Standing<'a>> {
        let mut all = Vec::new();
        for container in self.containers() {
            for (key, group) in &self.state.groups {
                let dn = child(first(group, "cn"), &container);
                if plain(&dn) == *key {
                    all.push((dn, group));
                }
            }
        }
        all
    }

    /// A group for which something holds.
    pub(super) fn group_that(&mut self, holds: impl Fn(&Group) -> bool) -> Option<Standing<'a>> {
        let mut all = self.standing();
        all.retain(|(_, group)| holds(group));
        self.pick(&all)
    }

    pub(super) fn free_name(&mut self) -> Option<String> {
        let containers = self.containers();
        let names = NAMES.iter().flat_map(|name| containers.iter().map(|one| child(name, one)));
        let free: Vec<String> =
            names.filter(|dn| !self.state.groups.contains_key(&plain(dn))).collect();
        self.pick(&free)
    }

    /// A deleted group of the delegated container.
    pub(super) fn gone(&mut self) -> Option<(String, &'a Group)> {
        self.gone_that(|_, _| true)
    }

    pub(super) fn gone_that(
        &mut self,
        holds: impl Fn(&Self, &Group) -> bool,
    ) -> Option<(String, &'a Group)> {
        let gone = self.state.gone.iter();
        let gone =
            gone.filter(|(id, group)| !self.drawing.foreign.contains(id) && holds(self, group));
        let gone: Vec<(String, &Group)> = gone.map(|(id, group)| (id.clone(), group)).collect();
        self.pick(&gone)
    }

    pub(super) fn account_name_is_free(&self, name: &str) -> bool {
        let taken = |group: &Group| first(group, "sAMAccountName").eq_ignore_ascii_case(name);
        !self.state.groups.values().any(taken)
    }

    /// Accounts of which the group is the primary group.
    pub(super) fn primary_members(&self, group: &Group) -> Vec<String> {
        let name = first(group, "sAMAccountName");
        let accounts = self.state.accounts.iter();
        accounts
            .filter(|(_, account)| first(account, "primaryGroupID") == name)
            .map(|(dn, _)| dn.clone())
            .collect()
    }

    /// Any letter case but the spelt one, or that one.
    pub(super) fn varied(&mut self, text: &str) -> String {
        match self.below(3) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            _ => text.to_owned(),
        }
    }
}
