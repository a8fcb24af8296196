//! The simulated domain controller, asked by a real LDAP client over LDAPS.

mod deleted;
mod forest;
mod large;
mod names;
mod primary;
mod reading;
mod rights;
mod rules;
mod weather;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ldap3::controls::RawControl;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use uuid::Uuid;

use super::*;

const BASE: &str = "DC=corp,DC=example";
const OU: &str = "OU=Cloud Groups,DC=corp,DC=example";
const UNIVERSAL: i32 = -2_147_483_640;
const GLOBAL: i32 = -2_147_483_646;
const LOCAL: i32 = -2_147_483_644;
const DISTRIBUTION: i32 = 8;

/// A domain with one delegated unit and three users.
async fn domain() -> Domain {
    domain_with(DomainOptions::default()).await
}

async fn domain_with(options: DomainOptions) -> Domain {
    let domain = Domain::start(options).await.unwrap();
    domain.edit(|tree| {
        tree.add_ou("Cloud Groups", BASE).unwrap();
        let people = tree.add_ou("People", BASE).unwrap();
        for name in ["alice", "bob", "carol"] {
            tree.add_user(name, &people, name, None, None).unwrap();
        }
    });
    domain.delegate(OU).unwrap();
    domain
}

fn person(name: &str) -> String {
    format!("CN={name},OU=People,{BASE}")
}

fn group(name: &str) -> String {
    format!("CN={name},{OU}")
}

fn settings(ca_pem: &str) -> LdapConnSettings {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    LdapConnSettings::new().set_config(Arc::new(config))
}

async fn connect(domain: &Domain) -> Ldap {
    let (connection, ldap) =
        LdapConnAsync::with_settings(settings(domain.ca_pem()), &domain.url()).await.unwrap();
    ldap3::drive!(connection);
    ldap
}

/// Bound as the administrator.
async fn administrator(domain: &Domain) -> Ldap {
    let mut ldap = connect(domain).await;
    let account = domain.administrator();
    ldap.simple_bind(&account.dn, &account.password).await.unwrap().success().unwrap();
    ldap
}

/// Bound as the account with few rights.
async fn service(domain: &Domain) -> Ldap {
    let mut ldap = connect(domain).await;
    let account = domain.service_account();
    ldap.simple_bind(&account.account_name, &account.password).await.unwrap().success().unwrap();
    ldap
}

/// Result code and Win32 code of an answer.
fn codes(result: &LdapResult) -> Codes {
    let hex: String = result.text.chars().take_while(char::is_ascii_hexdigit).collect();
    (result.rc, hex)
}

/// Result code and Win32 code.
type Codes = (u32, String);

fn refused(code: u32, hex: &str) -> Codes {
    (code, hex.to_owned())
}

fn done() -> Codes {
    (0, String::new())
}

type Attributes = Vec<(&'static str, Vec<String>)>;

fn group_attributes(account_name: &str, kind: i32) -> Attributes {
    vec![
        ("objectClass", vec!["group".to_owned()]),
        ("sAMAccountName", vec![account_name.to_owned()]),
        ("groupType", vec![kind.to_string()]),
    ]
}

async fn add(ldap: &mut Ldap, dn: &str, attributes: Attributes) -> Codes {
    let attributes = attributes
        .into_iter()
        .map(|(name, values)| (name.to_owned(), values.into_iter().collect()))
        .collect();
    codes(&ldap.add(dn, attributes).await.unwrap())
}

async fn add_group(ldap: &mut Ldap, name: &str, kind: i32) -> Codes {
    add(ldap, &group(name), group_attributes(name, kind)).await
}

#[derive(Clone, Copy)]
enum How {
    Add,
    Delete,
    Replace,
}

async fn modify(ldap: &mut Ldap, dn: &str, how: How, name: &str, values: &[&str]) -> Codes {
    codes(&ldap.modify(dn, vec![modification(how, name, values)]).await.unwrap())
}

fn modification(how: How, name: &str, values: &[&str]) -> Mod<String> {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    match how {
        How::Add => Mod::Add(name.to_owned(), values),
        How::Delete => Mod::Delete(name.to_owned(), values),
        How::Replace => Mod::Replace(name.to_owned(), values),
    }
}

async fn search(
    ldap: &mut Ldap,
    base: &str,
    scope: Scope,
    filter: &str,
    attributes: &[&str],
) -> (Vec<SearchEntry>, Codes) {
    let result = ldap.search(base, scope, filter, attributes.to_vec()).await.unwrap();
    let entries = result.0.into_iter().map(SearchEntry::construct).collect();
    (entries, codes(&result.1))
}

/// Names found below the base of the domain, without the domain's own part, sorted.
async fn found(ldap: &mut Ldap, filter: &str) -> Vec<String> {
    let (entries, result) = search(ldap, BASE, Scope::Subtree, filter, &["1.1"]).await;
    assert_eq!(result, done(), "{filter}");
    let mut names: Vec<String> =
        entries.into_iter().map(|entry| entry.dn.replace(&format!(",{BASE}"), "")).collect();
    names.sort();
    names
}

/// All textual values of one object.
async fn object(ldap: &mut Ldap, dn: &str, attributes: &[&str]) -> BTreeMap<String, Vec<String>> {
    let (entries, result) = search(ldap, dn, Scope::Base, "(objectClass=*)", attributes).await;
    assert_eq!(result, done(), "{dn}");
    entries.into_iter().flat_map(|entry| entry.attrs).collect()
}

fn control(oid: &str, value: Option<Vec<u8>>) -> RawControl {
    RawControl { ctype: oid.to_owned(), crit: true, val: value }
}

const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
const PERMISSIVE: &str = "1.2.840.113556.1.4.1413";

#[tokio::test]
async fn a_fresh_domain_looks_like_a_new_forest() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let admins = object(&mut ldap, &format!("CN=Domain Admins,CN=Users,{BASE}"), &["*"]).await;
    assert_eq!(admins.get("adminCount").unwrap(), &["1"]);
    assert_eq!(admins.get("isCriticalSystemObject").unwrap(), &["TRUE"]);
    assert_eq!(admins.get("sAMAccountType").unwrap(), &["268435456"]);
    assert_eq!(admins.get("memberOf").unwrap(), &[format!("CN=Administrators,CN=Builtin,{BASE}")]);
    let version =
        object(&mut ldap, &format!("CN=Schema,CN=Configuration,{BASE}"), &["objectVersion"]).await;
    assert_eq!(version.get("objectVersion").unwrap(), &["88"]);
    let sid = domain.edit(|tree| tree.sid_of(&format!("CN=Domain Admins,CN=Users,{BASE}")));
    assert_eq!(sid, Some(format!("{}-512", domain.domain_sid())));
    for place in ["CN=Computers", "CN=System", "CN=ForeignSecurityPrincipals"] {
        assert!(domain.edit(|tree| tree.exists(&format!("{place},{BASE}"))), "{place}");
    }
}

#[tokio::test]
async fn the_same_seed_makes_the_same_domain() {
    let (one, two) = (domain().await, domain().await);
    assert_eq!(one.dump(), two.dump());
    let other = domain_with(DomainOptions { seed: 2, ..DomainOptions::default() }).await;
    assert_ne!(one.domain_sid(), other.domain_sid());
}

#[tokio::test]
async fn a_client_without_the_authority_refuses_the_server() {
    let (domain, other) = (domain().await, domain().await);
    let wrong = settings(other.ca_pem());
    let result = LdapConnAsync::with_settings(wrong, &domain.url()).await;
    assert!(result.is_err());
    assert_eq!(domain.counters(), Counters::default());
}

#[tokio::test]
async fn certificates_can_be_wrong_on_order() {
    for certificate in [Certificate::Expired, Certificate::OtherName] {
        let domain = domain_with(DomainOptions { certificate, ..DomainOptions::default() }).await;
        let result = LdapConnAsync::with_settings(settings(domain.ca_pem()), &domain.url()).await;
        assert!(result.is_err(), "{certificate:?}");
    }
}

#[tokio::test]
async fn twenty_thousand_objects_and_fifty_thousand_members_are_bearable() {
    let domain = domain().await;
    let people = format!("OU=People,{BASE}");
    domain.edit(|tree| {
        tree.add_group("everybody", OU, "everybody", UNIVERSAL).unwrap();
        for number in 0..50_000 {
            let name = format!("person {number:05}");
            let dn = tree.add_user(&name, &people, &format!("p{number}"), None, None).unwrap();
            tree.add_member(&group("everybody"), &dn).unwrap();
        }
    });
    let mut ldap = service(&domain).await;
    let mut members = 0;
    let mut low = 0;
    loop {
        let wanted = format!("member;range={low}-*");
        let values = object(&mut ldap, &group("everybody"), &[wanted.as_str()]).await;
        let (name, chunk) = values.into_iter().next().unwrap();
        members += chunk.len();
        low = members;
        if name.ends_with("-*") {
            break;
        }
    }
    assert_eq!(members, 50_000);
    let (everybody, first) = (group("everybody"), format!("CN=person 00001,{people}"));
    let result = modify(&mut ldap, &everybody, How::Delete, "member", &[&first]).await;
    assert_eq!(result, done());
}
