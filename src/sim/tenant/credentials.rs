//! The application's registration: its id, secrets and certificates.
//!
//! Input: nothing but randomness. Output: what an administrator would copy from the portal into
//! files, in working, expired and unregistered form, and the public side the login page checks.

use std::io;
use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use uuid::Uuid;

use super::federation::Federated;

/// One RSA key for every tenant of a test run: making one takes longer than all else here.
static KEY: OnceLock<KeyPair> = OnceLock::new();

/// What the application may show to get a token, and what the tenant has on record.
pub(super) struct Credentials {
    pub(super) client_id: Uuid,
    pub(super) secret: String,
    pub(super) expired_secret: String,
    pub(super) private_key_pem: String,
    pub(super) current: AppCertificate,
    pub(super) expired: AppCertificate,
    /// A certificate of the same key that was never registered.
    pub(super) unregistered: AppCertificate,
}

/// What the tenant accepts of the application now. An administrator adds and withdraws.
pub(super) struct Registered {
    /// Newest last.
    pub(super) secrets: Vec<String>,
    /// Newest last.
    pub(super) certificates: Vec<AppCertificate>,
    pub(super) federated: Vec<Federated>,
}

/// A certificate and the two names an assertion may call it by.
#[derive(Clone)]
pub(super) struct AppCertificate {
    pub(super) pem: String,
    /// The public key as PKCS #1 (RFC 8017 A.1.1).
    pub(super) public_key: Vec<u8>,
    /// SHA-256 of the DER, base64url without padding: `x5t#S256`.
    pub(super) sha256: String,
    /// SHA-1 of the DER, base64url without padding: `x5t`, which older clients send.
    pub(super) sha1: String,
}

impl Credentials {
    /// A fresh registration.
    pub(super) fn new() -> io::Result<Self> {
        let key = key()?;
        Ok(Self {
            client_id: Uuid::new_v4(),
            secret: secret(),
            expired_secret: secret(),
            private_key_pem: key.serialize_pem(),
            current: certificate(key, "writeback", 2100)?,
            expired: certificate(key, "writeback, last year's", 2001)?,
            unregistered: certificate(key, "writeback, never uploaded", 2100)?,
        })
    }
}

impl Registered {
    /// What is registered at first.
    pub(super) fn of(credentials: &Credentials) -> Self {
        Self {
            secrets: vec![credentials.secret.clone()],
            certificates: vec![credentials.current.clone()],
            federated: Vec::new(),
        }
    }

    /// Adds a secret; those before it stay good.
    pub(super) fn add_secret(&mut self) -> String {
        let secret = secret();
        self.secrets.push(secret.clone());
        secret
    }

    /// Adds a certificate with a key of its own; gives both as PEM.
    pub(super) fn add_certificate(&mut self) -> io::Result<(String, String)> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
        let key = key.map_err(io::Error::other)?;
        let certificate = certificate(&key, "writeback, renewed", 2100)?;
        let pem = certificate.pem.clone();
        self.certificates.push(certificate);
        Ok((pem, key.serialize_pem()))
    }

    /// Keeps the newest secret and the newest certificate only.
    pub(super) fn withdraw_older(&mut self) {
        self.secrets.drain(..self.secrets.len().saturating_sub(1));
        self.certificates.drain(..self.certificates.len().saturating_sub(1));
    }
}

/// The key with which every issuer of federated tokens signs here.
pub(super) fn issuer_key() -> io::Result<&'static KeyPair> {
    key()
}

fn key() -> io::Result<&'static KeyPair> {
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let made =
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(io::Error::other)?;
    Ok(KEY.get_or_init(|| made))
}

/// A secret with characters that a form must escape: a client that does not is refused
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
fn secret() -> String {
    format!("+&=%41~{}", Uuid::new_v4().simple())
}

fn certificate(key: &KeyPair, name: &str, last_year: i32) -> io::Result<AppCertificate> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = date_time_ymd(2000, 1, 1);
    parameters.not_after = date_time_ymd(last_year, 12, 31);
    let certificate = parameters.self_signed(key).map_err(io::Error::other)?;
    let hash =
        |algorithm| URL_SAFE_NO_PAD.encode(digest::digest(algorithm, certificate.der().as_ref()));
    Ok(AppCertificate {
        pem: certificate.pem(),
        public_key: key.public_key_raw().to_vec(),
        sha256: hash(&digest::SHA256),
        sha1: hash(&digest::SHA1_FOR_LEGACY_USE_ONLY),
    })
}
