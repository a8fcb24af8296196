//! One of the two directories, spoken to with the ldap3 crate alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use writeback::sim::domain::{Domain, DomainOptions};

use crate::draw::{Change, Operation, Verb, plain};
use crate::lab::User;

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

/// A connection of the service account.
pub(crate) struct Server {
    ldap: Ldap,
    /// SIDs of the users, which each domain gives out itself.
    sids: Vec<String>,
    container: String,
    /// Diagnostic message of the last answer.
    pub(crate) message: String,
}

/// A simulated domain with the containers and users of the lab.
pub(crate) async fn simulated(name: &str, users: &[User]) -> Domain {
    let domain = Domain::start(DomainOptions::default()).await.unwrap();
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
        sids: Vec<String>,
        container: &str,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let settings = LdapConnSettings::new().set_config(Arc::new(config));
        let (driver, mut ldap) = LdapConnAsync::with_settings(settings, url).await.unwrap();
        tokio::spawn(async move { driver.drive().await });
        ldap.simple_bind(account.0, account.1).await.unwrap().success().unwrap();
        Self { ldap, sids, container: container.to_owned(), message: String::new() }
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
            Operation::Rename { dn, to, keep_old, parent } => {
                self.ldap.modifydn(dn, to, !keep_old, parent.as_deref()).await
            }
            Operation::Delete { dn } => self.ldap.delete(dn).await,
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

    /// The octets of values. `<SID=#3>` stands for the SID that this domain gave its fourth user.
    fn values<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = Vec<u8>> + 'a {
        values.iter().map(|value| {
            let number = value.strip_prefix("<SID=#").and_then(|rest| rest.strip_suffix('>'));
            let sid = number.map(|number| &self.sids[number.parse::<usize>().unwrap()]);
            sid.map_or_else(|| value.clone(), |sid| format!("<SID={sid}>")).into_bytes()
        })
    }

    /// Every group of the container, by unescaped DN in lower case.
    pub(crate) async fn groups(&mut self) -> BTreeMap<String, Group> {
        let (entries, _) = self
            .ldap
            .search(&self.container, Scope::Subtree, "(objectClass=group)", COMPARED)
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
