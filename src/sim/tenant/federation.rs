//! Tokens of other issuers that the application trusts: workload identity federation.
//!
//! Input: the assertion of a token request and the federated credentials of the application.
//! Output: accepted, or the refusal of the login page. Issuer, subject and audience are compared
//! letter by letter (learn.microsoft.com/entra/workload-id/workload-identity-federation;
//! reference-breaking-changes of August 2024). The codes are those that people report in
//! Azure/login #482 and #515 and Azure/azure-workload-identity #616 and #1200.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

use super::assertion::{part, refused};
use super::credentials::issuer_key;
use super::error::LoginRefusal;

/// A federated credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Federated {
    issuer: String,
    subject: String,
    audience: String,
}

impl Federated {
    pub(super) fn new(issuer: &str, subject: &str, audience: &str) -> Self {
        let [issuer, subject, audience] = [issuer, subject, audience].map(str::to_owned);
        Self { issuer, subject, audience }
    }
}

/// Whether an assertion comes from another issuer: the application itself is a GUID.
pub(super) fn is_foreign(assertion: &str) -> bool {
    let issuer = assertion.split('.').nth(1).and_then(part);
    let issuer = issuer.and_then(|claims| Some(claims.get("iss")?.as_str()?.contains("://")));
    issuer.unwrap_or(false)
}

/// Checks signature, life and names.
pub(super) fn check(
    assertion: &str,
    trusted: &[Federated],
    now: Timestamp,
) -> Result<(), LoginRefusal> {
    let malformed = || refused(50027, "JWT token is invalid or malformed.");
    let (message, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let claims = message.split('.').nth(1).and_then(part).ok_or_else(malformed)?;
    let key = issuer_key().map_err(|_| malformed())?;
    let key = DecodingKey::from_rsa_der(key.public_key_raw());
    let verified = crypto::verify(signature, message.as_bytes(), &key, Algorithm::RS256);
    if !verified.unwrap_or(false) {
        return Err(refused(700_027, "Client assertion failed signature validation."));
    }
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, subject, audience) = (claim("iss"), claim("sub"), claim("aud"));
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= now.as_second()) {
        return Err(refused(700_024, "Client assertion is not within its valid time range."));
    }
    let unmatched = |code, what: &str, value: &str| {
        let text = format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. \
             Check your federated identity credential Subject, Audience and Issuer against the \
             presented assertion."
        );
        Err(refused(code, &text))
    };
    let of_issuer: Vec<_> = trusted.iter().filter(|one| one.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return unmatched(700_211, "issuer", issuer);
    }
    let of_subject: Vec<_> = of_issuer.iter().filter(|one| one.subject == subject).collect();
    if of_subject.is_empty() {
        let alike = of_issuer.iter().any(|one| one.subject.eq_ignore_ascii_case(subject));
        return unmatched(if alike { 7_002_138 } else { 700_213 }, "subject", subject);
    }
    if of_subject.iter().all(|one| one.audience != audience) {
        return unmatched(700_212, "audience", audience);
    }
    Ok(())
}

/// A signed token.
pub(super) fn token(
    claims: &Federated,
    now: Timestamp,
    life: SignedDuration,
) -> io::Result<String> {
    let end = now.checked_add(life).map_err(io::Error::other)?;
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": "simulated" });
    let begin = now.as_second().min(end.as_second());
    let claims = json!({ "iss": claims.issuer, "sub": claims.subject, "aud": claims.audience,
        "iat": begin, "nbf": begin, "exp": end.as_second() });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encoded(&header), encoded(&claims));
    let key = issuer_key()?.serialize_pem();
    let key = EncodingKey::from_rsa_pem(key.as_bytes()).map_err(io::Error::other)?;
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::RS256);
    Ok(format!("{message}.{}", signature.map_err(io::Error::other)?))
}
