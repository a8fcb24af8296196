//! Members of every kind, and primary groups.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, first, holds, id_of, scope_of, type_of};
use super::{Case, Step};
use crate::operation::{Change, Operation, Verb, change, plain};
use crate::server::Group;

/// Whether this is a group for a case of a primary group.
fn suits(case: Case, group: &Group, user: &str, now: &str) -> bool {
    let kind = type_of(group);
    let member = group.get("member").is_some_and(|members| members.contains(user));
    let (security, local) = (kind < 0, scope_of(kind) == 4);
    match case {
        Case::PrimaryDistribution => member && !security && !local,
        Case::PrimaryLocal => member && security && local,
        Case::PrimaryStranger => {
            !member && security && !local && first(group, "sAMAccountName") != now
        }
        _ => member && security && !local,
    }
}

fn one(dn: &str, change: Change) -> Step {
    Step::Send(Operation::Modify { dn: dn.to_owned(), changes: vec![change] })
}

impl Draft<'_> {
    /// Everything that a group of this type may hold and does not.
    pub(super) fn allowed_members(&self, group: &Group, dn: &str, kind: i32) -> Vec<String> {
        let empty = BTreeSet::new();
        let held = group.get("member").unwrap_or(&empty);
        let primary = self.primary_members(group);
        let accounts = self.state.accounts.keys().cloned();
        let groups = self.standing().into_iter();
        let groups = groups.filter(|(_, one)| holds(kind, type_of(one))).map(|(dn, _)| dn);
        let all = accounts.chain(groups);
        all.filter(|one| one != dn && !held.contains(&plain(one)) && !primary.contains(one))
            .collect()
    }

    pub(super) fn members(&mut self, case: Case) -> Option<Step> {
        let add = |values: Vec<String>| Change { verb: Verb::Add, attribute: "member", values };
        let mut all = self.standing();
        self.drawing.rng.shuffle(&mut all);
        for (dn, group) in all {
            let kind = type_of(group);
            let allowed = self.allowed_members(group, &dn, kind);
            let held: Vec<String> = group.get("member").into_iter().flatten().cloned().collect();
            let primary = self.primary_members(group);
            let values = match case {
                Case::AddMembers => self.some(&allowed, 3),
                Case::AddMemberOfScope => {
                    let others = self.standing().into_iter();
                    let others = others.filter(|(_, one)| !holds(kind, type_of(one)));
                    let others: Vec<String> = others.map(|(dn, _)| dn).collect();
                    self.pick(&others).into_iter().filter(|one| *one != dn).collect()
                }
                Case::AddMemberThere => {
                    let there = self.spelt(&held);
                    self.pick(&there).into_iter().collect()
                }
                Case::AddMemberGone => {
                    let gone = self.gone().map(|(id, _)| format!("#guid:{id};"));
                    gone.into_iter().collect()
                }
                Case::RemoveMembers => {
                    let held = self.spelt(&held);
                    self.some(&held, 3)
                }
                _ => self.pick(&primary).into_iter().collect(),
            };
            if values.is_empty() {
                continue;
            }
            if matches!(case, Case::RemoveMembers | Case::RemoveMemberPrimary) {
                let verb = Verb::Delete;
                return Some(one(&dn, Change { verb, attribute: "member", values }));
            }
            return Some(one(&dn, add(values)));
        }
        None
    }

    /// Those of the members whose names need no escaping, or the escaped names.
    fn spelt(&self, members: &[String]) -> Vec<String> {
        let groups: BTreeMap<String, String> =
            self.standing().into_iter().map(|(dn, _)| (plain(&dn), dn)).collect();
        let known = members.iter().filter_map(|member| {
            let account = self.state.accounts.contains_key(member).then(|| member.clone());
            account.or_else(|| groups.get(member).cloned())
        });
        known.collect()
    }

    pub(super) fn primary(&mut self, case: Case) -> Option<Step> {
        let accounts = self.state.accounts.iter();
        let users = accounts.filter(|(_, one)| !first(one, "primaryGroupID").is_empty());
        let users: Vec<(String, String)> =
            users.map(|(dn, one)| (dn.clone(), first(one, "primaryGroupID").to_owned())).collect();
        let primary =
            |user: &str, value: &str| one(user, change(Verb::Replace, "primaryGroupID", &[value]));
        let mut possible = Vec::new();
        for (user, now) in &users {
            let computer = self.state.accounts[user]["objectClass"].contains("computer");
            let start = if computer { "515" } else { "513" };
            match case {
                Case::PrimaryUnknown => possible.push(primary(user, "999999")),
                Case::PrimaryBack if now != start => possible.push(primary(user, start)),
                Case::PrimaryBack => {}
                _ => {
                    let groups = self.state.groups.values();
                    let groups = groups.filter(|group| suits(case, group, user, now));
                    possible.extend(
                        groups.map(|group| primary(user, &format!("#relative:{};", id_of(group)))),
                    );
                }
            }
        }
        self.pick(&possible)
    }
}
