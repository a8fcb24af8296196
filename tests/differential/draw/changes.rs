//! Changes of groups that stand: of their values and of their members.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Fault, bad_member, bad_type};
use super::{Drawing, Pool, TEXT_ATTRIBUTES};
use crate::operation::{
    Change, Operation, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY, Verb, change, plain,
};
use crate::server::Group;

impl Drawing {
    pub(super) fn modify(
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

    pub(super) fn member(
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

    pub(super) fn some(&mut self, pool: &Pool, groups: &BTreeMap<String, Group>) -> Vec<String> {
        let users = pool.users.iter().map(|user| user.dn.clone());
        let groups = Self::standing(pool, groups).into_iter().map(|(dn, _)| dn);
        let all: Vec<String> = users.chain(groups).collect();
        self.forms(pool, &all)
    }
}
