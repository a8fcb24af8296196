//! Groups that are added, deleted and converted.

use super::draft::{ADDRESSES, Draft, first, holds, scope_of, type_of};
use super::{Case, Step, TYPES};
use crate::operation::{Operation, Verb, change, plain};
use crate::server::Group;

impl Draft<'_> {
    pub(super) fn group(&mut self, case: Case) -> Option<Step> {
        match case {
            Case::Add | Case::AddAddressTwice => self.add(case).map(Step::Send),
            Case::Delete | Case::DeletePrimary => {
                let mut all = self.standing();
                let primary = case == Case::DeletePrimary;
                all.retain(|(_, group)| self.primary_members(group).is_empty() != primary);
                self.pick(&all).map(|(dn, _)| Step::Send(Operation::Delete { dn }))
            }
            _ => self.conversion(case),
        }
    }

    fn add(&mut self, case: Case) -> Option<Operation> {
        let dn = self.free_name()?;
        self.drawing.added += 1;
        let number = self.drawing.added;
        let kind = TYPES[self.below(TYPES.len())];
        // Now and then the one of a deleted group, which may come back.
        let once = self.gone().map(|(_, group)| first(group, "sAMAccountName").to_owned());
        let once = once.filter(|name| self.account_name_is_free(name));
        let account_name = once.filter(|_| self.below(2) == 0);
        let account_name = account_name.unwrap_or_else(|| format!("life-{number}"));
        let mut attributes: Vec<(&'static str, Vec<String>)> = vec![
            ("objectClass", vec!["group".to_owned()]),
            ("sAMAccountName", vec![account_name]),
            ("groupType", vec![kind.to_string()]),
            ("msDS-ExternalDirectoryObjectId", vec![format!("{}{number}", self.places.prefix)]),
        ];
        for (name, value) in [
            ("displayName", "Zo\u{eb}"),
            ("description", "text"),
            ("adminDescription", "Group_1"),
            ("info", "more text"),
            ("mail", "first@corp.example"),
            ("mailNickname", "first"),
            ("extensionName", "writeback/v1;x"),
        ] {
            if self.below(2) == 0 {
                attributes.push((name, vec![value.to_owned()]));
            }
        }
        let mut addresses = self.some(&ADDRESSES.map(str::to_owned), 4);
        if case == Case::AddAddressTwice {
            addresses.push(addresses[0].to_uppercase());
            addresses.push(addresses[0].to_lowercase());
            addresses.swap_remove(0);
        }
        attributes.push(("proxyAddresses", addresses));
        if self.below(3) == 0 && case == Case::Add {
            let members = self.allowed_members(&Group::new(), &dn, kind);
            let members = self.some(&members, 3);
            attributes.push(("member", members));
        }
        Some(Operation::Add { dn, attributes })
    }

    /// Whether members and parents allow the type.
    fn nesting_allows(&self, dn: &str, group: &Group, kind: i32) -> bool {
        let type_named = |dn: &String| self.state.groups.get(dn).map(type_of);
        let end = |name: &str| group.get(name).into_iter().flatten().filter_map(type_named);
        let own = plain(dn);
        // A group that holds itself.
        let itself = group.get("member").is_some_and(|members| members.contains(&own));
        !itself
            && end("member").all(|member| holds(kind, member))
            && end("memberOf").all(|parent| holds(parent, kind))
    }

    fn conversion(&mut self, case: Case) -> Option<Step> {
        let mut possible = Vec::new();
        for (dn, group) in self.standing() {
            let (before, primary) = (type_of(group), !self.primary_members(group).is_empty());
            for kind in TYPES {
                let across = scope_of(before) | scope_of(kind) == 6;
                let nested =
                    scope_of(before) != scope_of(kind) && !self.nesting_allows(&dn, group, kind);
                let disarmed = primary && before < 0 && kind > 0;
                let local = primary && scope_of(kind) == 4;
                let found = match (across, nested, disarmed, local) {
                    (false, false, false, false) => Case::Convert,
                    (true, _, false, false) => Case::ConvertAcross,
                    (false, true, false, false) => Case::ConvertNested,
                    (false, false, true, _) => Case::ConvertPrimary,
                    (false, false, false, true) => Case::ConvertPrimaryLocal,
                    _ => continue,
                };
                if found == case && before != kind {
                    possible.push((dn.clone(), before, kind));
                }
            }
            if case == Case::ConvertBuiltin {
                possible.push((dn, before, -2_147_483_643));
            }
        }
        let (dn, before, kind) = self.pick(&possible)?;
        let (before, kind) = (before.to_string(), kind.to_string());
        let changes = if self.below(2) == 0 {
            vec![change(Verb::Replace, "groupType", &[&kind])]
        } else {
            let old = change(Verb::Delete, "groupType", &[&before]);
            vec![old, change(Verb::Add, "groupType", &[&kind])]
        };
        Some(Step::Send(Operation::Modify { dn, changes }))
    }
}
