//! Addresses of mail: several values at once, in any letter case.

use std::collections::BTreeSet;

use super::draft::{ADDRESSES, Draft};
use super::{Case, Step};
use crate::operation::{Change, Operation, Verb, change};

impl Draft<'_> {
    pub(super) fn mail(&mut self, case: Case) -> Option<Step> {
        let (dn, group) = self.group_that(|_| true)?;
        let held: Vec<String> =
            group.get("proxyAddresses").into_iter().flatten().cloned().collect();
        let folded: BTreeSet<String> = held.iter().map(|one| one.to_lowercase()).collect();
        let absent = ADDRESSES.iter().filter(|one| !folded.contains(&one.to_lowercase()));
        let absent: Vec<String> = absent.map(|one| (*one).to_owned()).collect();
        let name = "proxyAddresses";
        let several = |verb, values: Vec<String>| Change { verb, attribute: name, values };
        let changes = match case {
            Case::Mail => {
                let mut out = if held.is_empty() { Vec::new() } else { self.some(&held, 3) };
                for value in &mut out {
                    *value = self.varied(value);
                }
                let new = if absent.is_empty() { Vec::new() } else { self.some(&absent, 3) };
                let together = self.below(2) == 0;
                let mut changes = Vec::new();
                for (verb, values) in [(Verb::Delete, out), (Verb::Add, new)] {
                    if together && !values.is_empty() {
                        changes.push(several(verb, values));
                    } else {
                        changes.extend(values.into_iter().map(|one| several(verb, vec![one])));
                    }
                }
                changes
            }
            Case::MailLetters => {
                let value = self.pick(&held)?;
                let other = self.varied(&value);
                vec![several(Verb::Delete, vec![value]), several(Verb::Add, vec![other])]
            }
            Case::MailThere => {
                let value = self.pick(&held)?;
                vec![several(Verb::Add, vec![self.varied(&value)])]
            }
            Case::MailAbsent => {
                let value = self.pick(&absent).filter(|_| !held.is_empty())?;
                vec![several(Verb::Delete, vec![value])]
            }
            Case::MailTwice => {
                let value = self.pick(&absent)?;
                vec![several(Verb::Add, vec![value.to_uppercase(), value.to_lowercase()])]
            }
            Case::MailReplace => {
                vec![several(Verb::Replace, self.some(&ADDRESSES.map(str::to_owned), 5))]
            }
            Case::MailReplaceTwice => {
                let value = ADDRESSES[self.below(ADDRESSES.len())];
                vec![several(Verb::Replace, vec![value.to_uppercase(), value.to_lowercase()])]
            }
            Case::MailAgain => {
                let value = self.pick(&held)?;
                vec![several(Verb::Add, vec![value.clone()]), several(Verb::Delete, vec![value])]
            }
            Case::MailLong => {
                vec![several(Verb::Replace, vec![format!("smtp:{}", "x".repeat(1119))])]
            }
            Case::MailAll => vec![several(Verb::Replace, Vec::new())],
            Case::MailText => {
                let name = if self.below(2) == 0 { "mail" } else { "mailNickname" };
                let old = group.get(name).and_then(|values| values.first());
                let old = old.map(|old| change(Verb::Delete, name, &[&self.varied(old)]));
                let new = ["first", "FIRST", "Zo\u{eb}"][self.below(3)];
                old.into_iter().chain([change(Verb::Add, name, &[new])]).collect()
            }
            Case::NicknameLong => {
                vec![change(Verb::Replace, "mailNickname", &[&"x".repeat(65)])]
            }
            Case::NicknameTwo => vec![change(Verb::Replace, "mailNickname", &["one", "two"])],
            _ => vec![change(Verb::Replace, "mailNickname", &[""])],
        };
        let changes = (!changes.is_empty()).then_some(changes)?;
        Some(Step::Send(Operation::Modify { dn, changes }))
    }
}
