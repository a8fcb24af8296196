//! A certificate authority that lives as long as a test, for both simulators.
//!
//! Input: a name for the authority and the names a server answers under. Output: the authority's
//! certificate as PEM, to be put where an administrator would put a private CA file, and rustls
//! server settings whose certificate that authority signed. The wrong certificates a newcomer
//! meets (expired, of another name, of another authority) are made here too.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The names a loopback server is reached under, as a client writes them into a URL.
pub const LOOPBACK_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// What is wrong, or not, with the certificate a server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Valid now, of the right name, signed by this authority.
    #[default]
    Valid,
    /// Signed by this authority, of the right name, valid through the year 2001 only.
    Expired,
    /// Signed by this authority and valid now, of the name `elsewhere.invalid` (RFC 6761 6.4).
    OtherName,
}

/// A certificate authority with an ECDSA P-256 key of its own. Cloning it keeps the key.
#[derive(Clone)]
pub struct Authority {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
}

impl Authority {
    /// A new authority. Two authorities of one name are different: each has its own key.
    ///
    /// # Panics
    ///
    /// Where the crypto provider cannot make a P-256 key.
    pub fn new(common_name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("the provider makes P-256 keys");
        let issuer = CertifiedIssuer::self_signed(parameters, key)
            .expect("a certificate of fixed parameters can be signed");
        Self { issuer: Arc::new(issuer) }
    }

    /// The authority's certificate, PEM: the content of a `caFile`.
    pub fn ca_pem(&self) -> String {
        self.issuer.pem()
    }

    /// TLS settings of a server that answers under `names` (DNS names or addresses).
    ///
    /// # Panics
    ///
    /// Where a name is not ASCII.
    pub fn server(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.server_with(names, Certificate::Valid)
    }

    /// The same with a certificate that is wrong in the given way.
    ///
    /// # Panics
    ///
    /// Where a name is not ASCII.
    pub fn server_with(&self, names: &[&str], certificate: Certificate) -> Arc<ServerConfig> {
        let names = match certificate {
            Certificate::Valid | Certificate::Expired => names,
            Certificate::OtherName => &["elsewhere.invalid"],
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).expect("server names are ASCII");
        parameters.distinguished_name.push(DnType::CommonName, "simulator");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        match certificate {
            Certificate::Valid | Certificate::OtherName => {}
            Certificate::Expired => {
                parameters.not_before = date_time_ymd(2000, 1, 1);
                parameters.not_after = date_time_ymd(2001, 12, 31);
            }
        }
        let key = KeyPair::generate().expect("the provider makes P-256 keys");
        let leaf = parameters
            .signed_by(&key, &**self.issuer)
            .expect("a certificate of checked parameters can be signed");
        let chain = vec![leaf.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // The provider is named here so that no process-wide default has to be installed first.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key belongs to the certificate");
        Arc::new(settings)
    }
}
