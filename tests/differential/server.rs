//! One of the two directories, spoken to with the ldap3 crate alone.

use std::collections::{BTreeMap, BTreeSet};

use ldap3::controls::RawControl;
use ldap3::{Ldap, Mod, Scope, SearchEntry};
use writeback::sim::domain::{Domain, DomainOptions};

use crate::lab::User;
use crate::ldaps::bound;
use crate::operation::{Change, Operation, Verb, plain};

/// What can be compared of a group: values by attribute.
pub(crate) type Group = BTreeMap<String, BTreeSet<String>>;

/// Attributes that both directories keep alike. The server derives sAMAccountType.
const COMPARED: [&str; 12] = [
    "cn",
    "name",
    "sAMAccountName",
    "sAMAccountType",
    "displayName",
    "description",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "extensionName",
    "info",
    "groupType",
    "member",
];

/// LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14).
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// A connection of one account.
pub(crate) struct Server {
    ldap: Ldap,
    /// What stands in operations for the identifiers that each domain gives out itself.
    pub(crate) identifiers: BTreeMap<String, String>,
    /// Diagnostic message of the last answer.
    pub(crate) message: String,
}

/// A simulated domain with the containers and users of the lab.
pub(crate) async fn simulated(name: &str, users: &[User], exchange: bool) -> Domain {
    let options = DomainOptions { exchange, ..DomainOptions::default() };
    let domain = Domain::start(options).await.unwrap();
    let base = domain.base_dn();
    let inside = domain.edit(|tree| {
        let people = tree.add_ou("People", &base).unwrap();
        for (number, user) in (1..).zip(users) {
            let account = format!("p{number:04}");
            let dn = tree.add_user(&account, &people, &account, Some(user.guid), None).unwrap();
            assert_eq!(dn, user.dn);
        }
        tree.add_ou(&format!("{name}-outside"), &base).unwrap();
        let inside = tree.add_ou(name, &base).unwrap();
        tree.add_ou("Sub", &inside).unwrap();
        inside
    });
    domain.delegate(&inside).unwrap();
    domain
}

impl Server {
    pub(crate) async fn connect(
        url: &str,
        ca_pem: &str,
        account: (&str, &str),
        identifiers: BTreeMap<String, String>,
    ) -> Self {
        let ldap = bound(url, ca_pem, account.0, account.1).await;
        Self { ldap, identifiers, message: String::new() }
    }

    /// Sends an operation; its result code.
    pub(crate) async fn send(&mut self, operation: &Operation) -> u32 {
        let answer = match operation {
            Operation::Add { dn, attributes } => {
                let attributes = attributes
                    .iter()
                    .map(|(name, values)| (name.as_bytes().to_vec(), self.values(values).collect()))
                    .collect();
                self.ldap.add(dn, attributes).await
            }
            Operation::Modify { dn, changes } => {
                let changes = changes.iter().map(|change| self.change(change)).collect();
                self.ldap.modify(dn, changes).await
            }
            Operation::Undelete { dn, changes, shown } => {
                let changes = changes.iter().map(|change| self.change(change)).collect();
                let dn = self.identified(dn);
                self.controlled(*shown).modify(&dn, changes).await
            }
            Operation::Rename { dn, to, keep_old, parent } => {
                self.ldap.modifydn(dn, to, !keep_old, parent.as_deref()).await
            }
            Operation::Delete { dn } => {
                let dn = self.identified(dn);
                self.ldap.delete(&dn).await
            }
        };
        let answer = answer.unwrap();
        self.message = answer.text;
        answer.rc
    }

    fn change(&self, change: &Change) -> Mod<Vec<u8>> {
        let name = change.attribute.as_bytes().to_vec();
        let values = self.values(&change.values).collect();
        match change.verb {
            Verb::Add => Mod::Add(name, values),
            Verb::Delete => Mod::Delete(name, values),
            Verb::Replace => Mod::Replace(name, values),
        }
    }

    fn controlled(&mut self, shown: bool) -> &mut Ldap {
        if shown {
            let oid = SHOW_DELETED.to_owned();
            self.ldap.with_controls(RawControl { ctype: oid, crit: true, val: None });
        }
        &mut self.ldap
    }

    /// The octets of values.
    fn values<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = Vec<u8>> + 'a {
        values.iter().map(|value| self.identified(value).into_bytes())
    }

    /// A text with the identifiers that this domain gave out.
    fn identified(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, own) in &self.identifiers {
            if text.contains('#') {
                text = text.replace(name, own);
            }
        }
        text
    }

    /// What a search finds, and its result code.
    pub(crate) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        shown: bool,
    ) -> (u32, Vec<SearchEntry>) {
        let (base, filter) = (self.identified(base), self.identified(filter));
        let attributes = attributes.to_vec();
        let searched = self.controlled(shown).search(&base, scope, &filter, attributes).await;
        let found = searched.unwrap();
        self.message = found.1.text;
        let entries = found.0.into_iter().filter(|entry| !entry.is_ref());
        (found.1.rc, entries.map(SearchEntry::construct).collect())
    }

    /// Every group of a container, by unescaped DN in lower case.
    pub(crate) async fn groups(&mut self, container: &str) -> BTreeMap<String, Group> {
        let (entries, _) = self
            .ldap
            .search(container, Scope::Subtree, "(objectClass=group)", COMPARED)
            .await
            .unwrap()
            .success()
            .unwrap();
        let groups = entries.into_iter().map(|entry| {
            let entry = SearchEntry::construct(entry);
            let spelt = COMPARED.map(|name| (name.to_lowercase(), name));
            let attributes = entry.attrs.into_iter().map(|(name, values)| {
                let name = spelt.iter().find(|(lower, _)| *lower == name.to_lowercase()).unwrap().1;
                let values = values.into_iter();
                let values = if name == "member" {
                    values.map(|dn| plain(&dn)).collect()
                } else {
                    values.collect()
                };
                (name.to_owned(), values)
            });
            (plain(&entry.dn), attributes.collect())
        });
        groups.collect()
    }
}
