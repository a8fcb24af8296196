//! A directory as its administrator reads and changes it, over LDAPS: the simulated domain and
//! Samba alike.

use std::collections::BTreeMap;

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapResult, Mod, Scope, SearchEntry};
use uuid::Uuid;
use writeback::sim::domain::Domain;

use crate::lab::fixtures::sid_text;
use crate::lab::{Lab, leaf_of, parent_of};
use crate::ldaps::bound;

/// LDAP_SERVER_TREE_DELETE_OID (MS-ADTS 3.1.1.3.4.1.15).
const TREE_DELETE: &str = "1.2.840.113556.1.4.805";
/// entryAlreadyExists (RFC 4511 appendix A).
const ALREADY_THERE: u32 = 68;
/// noSuchObject.
const NOT_THERE: u32 = 32;

/// What an object is known by.
const IDENTITY: [&str; 2] = ["objectGUID", "objectSid"];
/// What is looked at and compared.
pub const SHOWN: [&str; 17] = [
    "objectClass",
    "cn",
    "sAMAccountName",
    "groupType",
    "displayName",
    "description",
    "info",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "wWWHomePage",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "extensionName",
    "adminCount",
    "member",
    "primaryGroupID",
];

/// An object as it stands.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its name.
    pub dn: String,
    /// objectGUID.
    pub guid: Uuid,
    /// objectSid as text.
    pub sid: Option<String>,
    attributes: BTreeMap<String, Vec<String>>,
}

impl Object {
    /// Values of an attribute, sorted.
    pub fn values(&self, name: &str) -> &[String] {
        self.attributes.get(&name.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The first value of an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().map(String::as_str)
    }

    /// Whether it is of this class.
    pub fn is_a(&self, class: &str) -> bool {
        self.values("objectClass").iter().any(|one| one.eq_ignore_ascii_case(class))
    }

    /// The last part of its SID.
    pub fn relative_identifier(&self) -> Option<&str> {
        self.sid.as_deref()?.rsplit('-').next()
    }
}

/// A connection of the administrator; a copy is the same connection.
#[derive(Clone)]
pub struct Directory {
    ldap: Ldap,
    /// The head of the domain.
    pub base: String,
}

impl Directory {
    /// The simulated domain.
    pub async fn simulated(domain: &Domain) -> Self {
        let (url, account) = (domain.url(), domain.administrator());
        let ldap = bound(&url, domain.ca_pem(), &account.account_name, &account.password).await;
        Self { ldap, base: domain.base_dn() }
    }

    /// The domain of a lab.
    pub async fn lab(lab: &Lab) -> Self {
        let (url, ca_pem) = (lab.setting("LAB_URL"), lab.file("LAB_CA"));
        let (name, password) = (lab.setting("LAB_ADMIN_NAME"), lab.file("LAB_ADMIN_PASSWORD_FILE"));
        let ldap = bound(url, &ca_pem, name, &password).await;
        Self { ldap, base: lab.setting("LAB_BASE_DN").to_owned() }
    }

    /// Adds an object.
    pub async fn add(&mut self, dn: &str, class: &str, attributes: &[(&str, &[u8])]) {
        let answer = self.try_add(dn, class, attributes).await;
        done("add", dn, &answer);
    }

    /// Adds an object that may be there already.
    pub async fn ensure(&mut self, dn: &str, class: &str) {
        let answer = self.try_add(dn, class, &[]).await;
        if answer.rc != ALREADY_THERE {
            done("add", dn, &answer);
        }
    }

    async fn try_add(&mut self, dn: &str, class: &str, values: &[(&str, &[u8])]) -> LdapResult {
        let class = [("objectClass", class.as_bytes())];
        let all = class.iter().chain(values);
        let all = all.map(|(name, value)| (name.as_bytes().to_vec(), [value.to_vec()].into()));
        self.ldap.add(dn, all.collect()).await.unwrap()
    }

    /// Gives an attribute exactly these values; none takes it off.
    pub async fn set(&mut self, dn: &str, name: &str, values: &[&[u8]]) {
        let values = values.iter().map(|value| value.to_vec()).collect();
        self.modify(dn, Mod::Replace(name.as_bytes().to_vec(), values)).await;
    }

    /// Adds one value.
    pub async fn add_value(&mut self, dn: &str, name: &str, value: &str) {
        let values = [value.as_bytes().to_vec()].into();
        self.modify(dn, Mod::Add(name.as_bytes().to_vec(), values)).await;
    }

    /// Removes one value.
    pub async fn remove_value(&mut self, dn: &str, name: &str, value: &str) {
        let values = [value.as_bytes().to_vec()].into();
        self.modify(dn, Mod::Delete(name.as_bytes().to_vec(), values)).await;
    }

    async fn modify(&mut self, dn: &str, change: Mod<Vec<u8>>) {
        let what = format!("{change:?}");
        let answer = self.ldap.modify(dn, vec![change]).await.unwrap();
        done(&what, dn, &answer);
    }

    /// Gives an object this DN.
    pub async fn rename(&mut self, dn: &str, to: &str) {
        let parent = (parent_of(dn) != parent_of(to)).then(|| parent_of(to));
        let answer = self.ldap.modifydn(dn, leaf_of(to), true, parent).await.unwrap();
        done("rename", dn, &answer);
    }

    /// Deletes an object.
    pub async fn delete(&mut self, dn: &str) {
        let answer = self.ldap.delete(dn).await.unwrap();
        done("delete", dn, &answer);
    }

    /// Deletes an object with everything below it; what is not there is as good as deleted.
    pub async fn delete_tree(&mut self, dn: &str) {
        let control = RawControl { ctype: TREE_DELETE.to_owned(), crit: true, val: None };
        let answer = self.ldap.with_controls(vec![control]).delete(dn).await.unwrap();
        if answer.rc != NOT_THERE {
            done("delete", dn, &answer);
        }
    }

    /// Every object below a name, itself among them.
    pub async fn below(&mut self, dn: &str) -> Vec<Object> {
        self.search(dn, Scope::Subtree, "(objectClass=*)").await
    }

    /// The object of this objectGUID.
    pub async fn object(&mut self, guid: Uuid) -> Option<Object> {
        let octets = guid.to_bytes_le().map(|octet| format!("\\{octet:02x}")).concat();
        let base = self.base.clone();
        self.search(&base, Scope::Subtree, &format!("(objectGUID={octets})")).await.pop()
    }

    /// The object of this name.
    pub async fn named(&mut self, dn: &str) -> Object {
        let found = self.search(dn, Scope::Base, "(objectClass=*)").await.pop();
        found.unwrap_or_else(|| panic!("{dn} is not there"))
    }

    /// Whether the schema has an attribute.
    pub async fn has_attribute(&mut self, name: &str) -> bool {
        let schema = format!("CN=Schema,CN=Configuration,{}", self.base);
        let filter = format!("(&(objectClass=attributeSchema)(lDAPDisplayName={name}))");
        let answer = self.ldap.search(&schema, Scope::Subtree, &filter, vec!["1.1"]).await;
        !answer.unwrap().success().unwrap().0.is_empty()
    }

    async fn search(&mut self, base: &str, scope: Scope, filter: &str) -> Vec<Object> {
        let attributes = [&IDENTITY[..], &SHOWN].concat();
        let answer = self.ldap.search(base, scope, filter, attributes).await.unwrap();
        let (entries, _) =
            answer.success().unwrap_or_else(|error| panic!("search {base} {filter}: {error}"));
        let entries = entries.into_iter().filter(|entry| !entry.is_ref());
        let mut found: Vec<Object> =
            entries.map(|entry| object(SearchEntry::construct(entry))).collect();
        found.sort_by(|a, b| a.dn.cmp(&b.dn));
        found
    }
}

fn done(what: &str, dn: &str, answer: &LdapResult) {
    assert!(answer.rc == 0, "{what} {dn}: {} {}", answer.rc, answer.text);
}

fn object(entry: SearchEntry) -> Object {
    let octets = |name: &str| -> Option<Vec<u8>> {
        // Octets that happen to be text come among the texts.
        let binary = entry.bin_attrs.get(name).and_then(|values| values.first().cloned());
        let text = || Some(entry.attrs.get(name)?.first()?.clone().into_bytes());
        binary.or_else(text)
    };
    let guid = octets("objectGUID").expect("every object has an objectGUID");
    let guid = Uuid::from_bytes_le(guid.as_slice().try_into().unwrap());
    let sid = octets("objectSid").map(|octets| sid_text(&octets));
    let attributes = entry.attrs.into_iter().map(|(name, mut values)| {
        values.sort();
        (name.to_lowercase(), values)
    });
    Object { dn: entry.dn, guid, sid, attributes: attributes.collect() }
}
