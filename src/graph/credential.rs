//! What is shown to the login: a client secret, an assertion signed by a certificate's key, or a
//! token of another issuer.
//!
//! Input: the files of [`Credential`], read again for every token. Output: form fields.
//! learn.microsoft.com/entra/identity-platform/certificate-credentials is the assertion's shape;
//! a federated token stands in its place as it is
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).

use std::path::Path;

use aws_lc_rs::digest::{self, Digest, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::InconsistentKeys;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::graph::{Credential, GraphError, ReadSecret};

/// The least life the vendor's page gives an assertion ("5 to 10 minutes"), in seconds.
const ASSERTION_SECONDS: i64 = 5 * 60;

/// The longest piece of a claim that is repeated, characters.
const CLAIM_MAX: usize = 150;

/// A credential as read from its files just now.
pub(super) struct Proof {
    kind: ProofKind,
    /// Names the files for people.
    pub(super) files: String,
    /// Tells whether the files changed since; never shown.
    pub(super) fingerprint: Vec<u8>,
}

enum ProofKind {
    Secret(SecretString),
    Certificate {
        thumbprint: String,
        key: EncodingKey,
    },
    Federated(SecretString),
    /// Nothing is shown: the platform knows the machine.
    Platform,
}

impl Proof {
    /// Reads the files.
    pub(super) fn read(
        credential: &Credential,
        read: ReadSecret,
        now: Timestamp,
    ) -> Result<Self, GraphError> {
        match credential {
            Credential::Secret { file } => Self::secret(file, read),
            Credential::Certificate { certificate_file, private_key_file } => {
                Self::certificate(certificate_file, private_key_file, read)
            }
            Credential::FederatedToken { file } => Self::federated(file, read, now),
            Credential::ManagedIdentity { .. } => Ok(Self {
                kind: ProofKind::Platform,
                files: "the managed identity of this machine".to_owned(),
                fingerprint: Vec::new(),
            }),
        }
    }

    fn secret(file: &Path, read: ReadSecret) -> Result<Self, GraphError> {
        let named = setting("clientSecretFile", file);
        let secret = read(file).map_err(|problem| refuse(&named, problem))?;
        if secret.expose_secret().is_empty() {
            return Err(refuse(&named, "the file is empty".to_owned()));
        }
        Ok(Self {
            files: format!("the client secret in {}", file.display()),
            fingerprint: fingerprint(&[&secret]).as_ref().to_vec(),
            kind: ProofKind::Secret(secret),
        })
    }

    fn certificate(
        certificate_file: &Path,
        private_key_file: &Path,
        read: ReadSecret,
    ) -> Result<Self, GraphError> {
        let named = setting("certificate.certificateFile", certificate_file);
        let certificate = read(certificate_file).map_err(|problem| refuse(&named, problem))?;
        let der = CertificateDer::from_pem_slice(certificate.expose_secret().as_bytes())
            .map_err(|_| refuse(&named, "the file holds no certificate in PEM form".to_owned()))?;
        let named = setting("certificate.privateKeyFile", private_key_file);
        let key_text = read(private_key_file).map_err(|problem| refuse(&named, problem))?;
        let key = EncodingKey::from_rsa_pem(key_text.expose_secret().as_bytes()).map_err(|_| {
            refuse(&named, "the file holds no RSA private key in PEM form".to_owned())
        })?;
        if !belong_together(&der, key_text.expose_secret()) {
            let certificate_file = certificate_file.display();
            let problem = format!("the key does not belong to the certificate {certificate_file}");
            return Err(refuse(&named, problem));
        }
        Ok(Self {
            files: format!(
                "the certificate in {} (with the key in {})",
                certificate_file.display(),
                private_key_file.display()
            ),
            fingerprint: fingerprint(&[&certificate, &key_text]).as_ref().to_vec(),
            kind: ProofKind::Certificate {
                thumbprint: URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, &der)),
                key,
            },
        })
    }

    fn federated(file: &Path, read: ReadSecret, now: Timestamp) -> Result<Self, GraphError> {
        let named = setting("federatedTokenFile", file);
        let text = read(file).map_err(|problem| refuse(&named, problem))?;
        let token = SecretString::from(text.expose_secret().trim());
        let claims = federated_claims(token.expose_secret())
            .ok_or_else(|| refuse(&named, "the file holds no token (JWT)".to_owned()))?;
        if claims.exp <= now.as_duration().as_secs_f64() {
            let ended = Timestamp::from_second(whole_seconds(claims.exp)).unwrap_or(now);
            let problem = format!(
                "the token ended at {ended:.0}; does the platform still renew it, and is this \
                 machine's clock right?"
            );
            return Err(refuse(&named, problem));
        }
        Ok(Self {
            files: format!(
                "the token in {} (issuer {}, subject {}, audience {})",
                file.display(),
                quoted(&claims.iss),
                quoted(&claims.sub),
                quoted(&claims.aud.to_string())
            ),
            fingerprint: fingerprint(&[&token]).as_ref().to_vec(),
            kind: ProofKind::Federated(token),
        })
    }

    /// The form fields that prove who asks. `audience` is the address of the token endpoint.
    pub(super) fn fields(
        &self,
        client_id: Uuid,
        audience: &str,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, SecretString)>, GraphError> {
        match &self.kind {
            ProofKind::Secret(secret) => Ok(vec![("client_secret", secret.clone())]),
            ProofKind::Certificate { thumbprint, key } => {
                let assertion = assertion(thumbprint, key, client_id, audience, now)
                    .map_err(|_| refuse(&self.files, "the key cannot sign".to_owned()))?;
                Ok(asserted(SecretString::from(assertion)))
            }
            ProofKind::Federated(token) => Ok(asserted(token.clone())),
            ProofKind::Platform => Ok(Vec::new()),
        }
    }

    /// `text` without what only this credential's owner may know, should the login repeat it.
    pub(super) fn redact(&self, text: &str) -> String {
        match &self.kind {
            ProofKind::Secret(secret) => text.replace(secret.expose_secret(), "[secret]"),
            ProofKind::Federated(token) => text.replace(token.expose_secret(), "[token]"),
            ProofKind::Certificate { .. } | ProofKind::Platform => text.to_owned(),
        }
    }
}

/// An assertion in the place of a secret (RFC 7523 2.2).
fn asserted(assertion: SecretString) -> Vec<(&'static str, SecretString)> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    vec![("client_assertion_type", SecretString::from(kind)), ("client_assertion", assertion)]
}

/// Whether the key is that of the certificate. Renewing a certificate writes two files: between
/// the two, nothing is signed that the login would have to refuse. What cannot be compared is left
/// to the login.
fn belong_together(certificate: &CertificateDer<'static>, key: &str) -> bool {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else { return true };
    let Ok(key) = provider.key_provider.load_private_key(key) else { return true };
    let pair = CertifiedKey::new(vec![certificate.clone()], key).keys_match();
    !matches!(pair, Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)))
}

/// What is read of a federated token's payload (RFC 7519 4.1), for messages: the login verifies.
#[derive(Deserialize)]
struct FederatedClaims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    /// A text, or a list of texts.
    #[serde(default)]
    aud: serde_json::Value,
    exp: f64,
}

fn federated_claims(token: &str) -> Option<FederatedClaims> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A claim for people: on one line, not endless.
fn quoted(claim: &str) -> String {
    claim.trim_matches('"').chars().filter(|c| !c.is_control()).take(CLAIM_MAX).collect()
}

/// The whole seconds of a time that may have a fraction; one beyond all years is at their end.
fn whole_seconds(seconds: f64) -> i64 {
    let duration = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: Uuid,
    sub: Uuid,
    jti: Uuid,
    nbf: i64,
    iat: i64,
    exp: i64,
}

fn assertion(
    thumbprint: &str,
    key: &EncodingKey,
    client_id: Uuid,
    audience: &str,
    now: Timestamp,
) -> jsonwebtoken::errors::Result<String> {
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(thumbprint.to_owned());
    let now = now.as_second();
    let claims = Claims {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4(),
        nbf: now,
        iat: now,
        exp: now.saturating_add(ASSERTION_SECONDS),
    };
    jsonwebtoken::encode(&header, &claims, key)
}

fn fingerprint(secrets: &[&SecretString]) -> Digest {
    let mut context = digest::Context::new(&SHA256);
    for secret in secrets {
        context.update(secret.expose_secret().as_bytes());
        context.update(&[0]);
    }
    context.finish()
}

fn setting(field: &str, file: &Path) -> String {
    format!("tenant.credential.{field} ({})", file.display())
}

fn refuse(setting: &str, problem: String) -> GraphError {
    GraphError::Configuration { setting: setting.to_owned(), problem }
}

#[cfg(test)]
#[cfg(feature = "sim")]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
    use serde_json::Value;

    use super::*;

    fn read(path: &Path) -> Result<SecretString, String> {
        std::fs::read_to_string(path).map(SecretString::from).map_err(|error| error.to_string())
    }

    fn at() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn part(assertion: &str, number: usize) -> Value {
        let text = assertion.split('.').nth(number).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn an_assertion_has_the_documented_shape() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let (certificate_file, private_key_file) =
            (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&private_key_file, key.serialize_pem()).unwrap();
        let credential = Credential::Certificate { certificate_file, private_key_file };
        let proof = Proof::read(&credential, read, at()).unwrap();
        let now = at();
        let audience = "https://login.example/t/oauth2/v2.0/token";
        let fields = proof.fields(Uuid::nil(), audience, now).unwrap();

        let assertion = fields.last().unwrap().1.expose_secret();
        let (header, claims) = (part(assertion, 0), part(assertion, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&"PS256".into(), &"JWT".into()));
        let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, certificate.der()));
        assert_eq!(header["x5t#S256"], Value::from(thumbprint));
        assert!(header.get("x5t").is_none());
        assert_eq!(claims["aud"], Value::from(audience));
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&claims["sub"], &Uuid::nil().to_string().into())
        );
        assert_eq!(
            (&claims["nbf"], &claims["iat"]),
            (&1_800_000_000.into(), &1_800_000_000.into())
        );
        assert_eq!(claims["exp"], Value::from(1_800_000_300));
        let again = proof.fields(Uuid::nil(), audience, now).unwrap();
        assert_ne!(part(again.last().unwrap().1.expose_secret(), 1)["jti"], claims["jti"]);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let refused = |credential: &Credential| {
            Proof::read(credential, read, at()).err().map(|error| error.to_string()).unwrap()
        };
        let missing = refused(&Credential::Secret { file: file.clone() });
        assert!(missing.starts_with("use tenant.credential.clientSecretFile"), "{missing}");
        std::fs::write(&file, "no certificate").unwrap();
        let text = refused(&Credential::Certificate {
            certificate_file: file.clone(),
            private_key_file: file,
        });
        assert!(
            text.contains("certificateFile") && text.contains("no certificate in PEM"),
            "{text}"
        );
    }

    #[test]
    fn a_secret_the_login_repeats_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "hunter2").unwrap();
        let proof = Proof::read(&Credential::Secret { file }, read, at()).unwrap();
        assert_eq!(proof.redact("invalid: hunter2!"), "invalid: [secret]!");
    }
}
