//! A client of a directory over LDAPS that is none of ours.
//!
//! Speaks with the ldap3 crate alone: what the product wrote is never read back by its own code.

use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// A connection that trusts these certificates, bound with this name and password.
pub async fn bound(url: &str, ca_pem: &str, name: &str, password: &str) -> Ldap {
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
    ldap.simple_bind(name, password).await.unwrap().success().unwrap();
    ldap
}
