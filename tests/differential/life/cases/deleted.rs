//! Groups that are deleted: how they come back, and who finds them.

use std::collections::BTreeSet;

use ldap3::Scope;

use super::draft::{ADDRESSES, Draft, first, id_of, scope_of, type_of};
use super::{Case, Step, TYPES};
use crate::operation::{Change, Operation, Verb, change};
use crate::server::Group;
use crate::side::Look;

/// The request that restores a deleted object (MS-ADTS 3.1.1.5.3.7), and what else it changes.
fn undelete(id: &str, to: &str, others: Vec<Change>) -> Operation {
    let mut changes = vec![
        change(Verb::Delete, "isDeleted", &[]),
        change(Verb::Replace, "distinguishedName", &[to]),
    ];
    changes.extend(others);
    Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
}

impl Draft<'_> {
    /// A free account name for a restored group: its own, or a new one.
    fn account_name_for(&mut self, group: &Group) -> Change {
        let own = first(group, "sAMAccountName").to_owned();
        self.drawing.added += 1;
        let new = format!("life-{}", self.drawing.added);
        let keeps = self.account_name_is_free(&own) && self.below(2) == 0;
        change(Verb::Replace, "sAMAccountName", &[if keeps { &own } else { &new }])
    }

    pub(super) fn deleted(&mut self, case: Case) -> Option<Step> {
        if case == Case::UndeleteForeign {
            let foreign = self.drawing.foreign.clone();
            let (id, to) = (self.pick(&foreign)?, self.free_name()?);
            return Some(Step::Send(undelete(&id, &to, Vec::new())));
        }
        if case == Case::UndeleteAgain {
            let living: BTreeSet<&str> = self.state.groups.values().map(id_of).collect();
            let again = self.drawing.restored.iter().filter(|id| living.contains(id.as_str()));
            let again: Vec<String> = again.cloned().collect();
            let (id, to) = (self.pick(&again)?, self.free_name()?);
            return Some(Step::Send(undelete(&id, &to, Vec::new())));
        }
        let (id, group) = self.gone()?;
        let to = self.free_name()?;
        let name = self.account_name_for(group);
        let leaf = crate::lab::leaf_of(&to).to_owned();
        let operation = match case {
            Case::Undelete => {
                let mut others = vec![name];
                others.extend(self.restored_values(group));
                self.drawing.restored.insert(id.clone());
                undelete(&id, &to, others)
            }
            Case::UndeleteConverted => {
                self.drawing.restored.insert(id.clone());
                let kind = match type_of(group) {
                    kind if scope_of(kind) == 8 => TYPES[self.below(TYPES.len())],
                    kind => kind ^ i32::MIN,
                };
                undelete(
                    &id,
                    &to,
                    vec![name, change(Verb::Replace, "groupType", &[&kind.to_string()])],
                )
            }
            Case::UndeleteNameTaken => {
                let (taken, _) = self.group_that(|_| true)?;
                undelete(&id, &self.varied(&taken), vec![name])
            }
            Case::UndeleteAccountNameTaken => {
                let (_, other) = self.group_that(|_| true)?;
                let taken = self.varied(first(other, "sAMAccountName"));
                undelete(&id, &to, vec![change(Verb::Replace, "sAMAccountName", &[&taken])])
            }
            Case::UndeleteAccountNameKept | Case::UndeleteAccountNameLost => {
                let lost = case == Case::UndeleteAccountNameLost;
                let (id, _) = self.gone_that(|draft, group| {
                    draft.account_name_is_free(first(group, "sAMAccountName")) != lost
                })?;
                if !lost {
                    self.drawing.restored.insert(id.clone());
                }
                undelete(&id, &to, Vec::new())
            }
            Case::UndeleteNoParent => {
                undelete(&id, &format!("{leaf},OU=Missing,{}", self.places.base), vec![name])
            }
            Case::UndeleteNotDelegated => {
                undelete(&id, &format!("{leaf},{}", self.places.outside), vec![name])
            }
            Case::UndeleteBelowGroup => {
                let (parent, _) = self.group_that(|_| true)?;
                undelete(&id, &format!("{leaf},{parent}"), vec![name])
            }
            Case::UndeleteNoName => undelete(&id, "no name at all", vec![name]),
            Case::UndeleteStranger => undelete(&id, &to, vec![name]),
            Case::UndeleteAttribute => {
                let page = change(Verb::Replace, "wWWHomePage", &["https://corp.example"]);
                undelete(&id, &to, vec![name, page])
            }
            Case::UndeleteMemberUnknown => {
                let nobody = format!("CN=nobody,OU=People,{}", self.places.base);
                undelete(&id, &to, vec![name, change(Verb::Add, "member", &[&nobody])])
            }
            Case::UndeleteLiving => {
                let (dn, _) = self.group_that(|_| true)?;
                let Operation::Undelete { changes, .. } = undelete(&id, &to, Vec::new()) else {
                    return None;
                };
                Operation::Undelete { dn, changes, shown: true }
            }
            Case::UndeleteHidden => {
                let Operation::Undelete { dn, changes, .. } = undelete(&id, &to, vec![name]) else {
                    return None;
                };
                Operation::Undelete { dn, changes, shown: false }
            }
            Case::UndeleteNameless => {
                let changes = vec![change(Verb::Delete, "isDeleted", &[])];
                Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
            }
            Case::ChangeGone => {
                let changes = vec![change(Verb::Replace, "info", &["x"])];
                Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
            }
            _ => Operation::Delete { dn: format!("#gone:{id};") },
        };
        Some(Step::Send(operation))
    }

    /// What comes back with a group in the same request.
    fn restored_values(&mut self, group: &Group) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, value) in [
            ("displayName", "back"),
            ("adminDescription", "Group_1"),
            ("mail", "first@corp.example"),
            ("mailNickname", "back"),
        ] {
            if self.below(2) == 0 {
                changes.push(change(Verb::Replace, name, &[value]));
            }
        }
        if self.below(2) == 0 {
            changes.push(change(Verb::Replace, "extensionName", &["writeback/v1;x", "another"]));
        }
        if self.below(2) == 0 {
            let addresses = self.some(&ADDRESSES, 3);
            changes.push(change(Verb::Add, "proxyAddresses", &addresses));
        }
        if self.below(2) == 0 {
            let members = self.allowed_members(&Group::new(), "", type_of(group));
            let members = self.some(&members, 3);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            changes.push(change(Verb::Add, "member", &members));
        }
        changes
    }

    pub(super) fn search(&mut self, case: Case) -> Option<Step> {
        let gone = self.gone().map(|(id, _)| id);
        let living = self.group_that(|_| true).map(|(_, group)| id_of(group).to_owned());
        let id = if self.below(4) == 0 { living.or(gone) } else { gone.or(living) }?;
        let filter = match self.below(3) {
            0 => format!("(objectGUID=#octets:{id};)"),
            1 => format!("(msDS-ExternalDirectoryObjectId={})", id.to_uppercase()),
            _ => format!("(&(objectClass=group)(msDS-ExternalDirectoryObjectId={id}))"),
        };
        let (base, scope) = match self.below(3) {
            0 => (self.places.base.clone(), Scope::Subtree),
            1 => (format!("CN=Deleted Objects,{}", self.places.base), Scope::OneLevel),
            _ => (format!("#guid:{id};"), Scope::Base),
        };
        Some(Step::Look(Look { base, scope, filter, shown: case != Case::FindHidden }))
    }
}
