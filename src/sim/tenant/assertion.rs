//! The check of a client assertion signed with the application's certificate.
//!
//! Input: the JWT of a token request. Output: accepted, or the refusal the login page gives
//! (learn.microsoft.com/entra/identity-platform/certificate-credentials).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use super::credentials::{AppCertificate, Credentials, Registered};
use super::error::LoginRefusal;

/// Five to ten minutes after `nbf` at most, says the page above.
const LONGEST_LIFE_SECONDS: f64 = 600.0;

/// How far two clocks may be apart. Not documented; five minutes is what Kerberos allows.
const CLOCK_SKEW_SECONDS: f64 = 300.0;

/// Checks certificate, signature, names and time range, in this order.
pub(super) fn check(
    assertion: &str,
    credentials: &Credentials,
    registered: &Registered,
    audience: &str,
    now: Timestamp,
) -> Result<(), LoginRefusal> {
    let malformed = || refused(50027, "JWT token is invalid or malformed.");
    let (message, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
    let header = part(header).ok_or_else(malformed)?;
    let claims = part(claims).ok_or_else(malformed)?;

    let certificate = find_certificate(&header, credentials, registered)?;
    // RS256 is what older clients still send (azure-identity 1.27.0).
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("PS256") => Algorithm::PS256,
        Some("RS256") => Algorithm::RS256,
        _ => {
            return Err(refused(700_027, "The assertion's signing algorithm is not supported."));
        }
    };
    let key = DecodingKey::from_rsa_der(&certificate.public_key);
    let verified =
        crypto::verify(signature.trim_end_matches('='), message.as_bytes(), &key, algorithm);
    if !verified.unwrap_or(false) {
        return Err(refused(
            700_027,
            "Client assertion failed signature validation. [Reason - The key was found, but use \
             of the key to verify the signature failed.]",
        ));
    }
    check_names(&claims, credentials, audience)?;
    check_times(&claims, now)
}

fn find_certificate<'r>(
    header: &Value,
    credentials: &Credentials,
    registered: &'r Registered,
) -> Result<&'r AppCertificate, LoginRefusal> {
    let thumbprint = |name: &str| {
        header.get(name).and_then(Value::as_str).map(|text| text.trim_end_matches('='))
    };
    let (sha256, sha1) = (thumbprint("x5t#S256"), thumbprint("x5t"));
    let named = |certificate: &AppCertificate| {
        sha256 == Some(certificate.sha256.as_str())
            || (sha256.is_none() && sha1 == Some(certificate.sha1.as_str()))
    };
    if let Some(found) = registered.certificates.iter().find(|one| named(one)) {
        return Ok(found);
    }
    let shown = sha256.or(sha1).unwrap_or("none");
    if named(&credentials.expired) {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is expired on \
             application. [Reason - The key used is expired., Thumbprint of key used by client: \
             '{shown}']"
        );
        return Err(refused(700_027, &text));
    }
    let text = format!(
        "The certificate with identifier used to sign the client assertion is not registered on \
         application. [Reason - The key was not found., Thumbprint of key used by client: \
         '{shown}']"
    );
    Err(refused(700_027, &text))
}

fn check_names(
    claims: &Value,
    credentials: &Credentials,
    audience: &str,
) -> Result<(), LoginRefusal> {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let client_id = credentials.client_id.to_string();
    let is_client = |name: &str| claim(name).is_some_and(|id| id.eq_ignore_ascii_case(&client_id));
    if !is_client("iss") || !is_client("sub") {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(refused(700_021, text));
    }
    if claim("aud") != Some(audience) {
        let text = "Client assertion audience claim does not match Realm issuer.";
        return Err(refused(700_023, text));
    }
    if claim("jti").is_none_or(str::is_empty) {
        return Err(refused(50027, "JWT token is invalid or malformed: 'jti' is missing."));
    }
    Ok(())
}

/// Times are seconds and may have a fraction (azure-identity 1.27.0 sends such).
fn check_times(claims: &Value, now: Timestamp) -> Result<(), LoginRefusal> {
    let now = now.as_duration().as_secs_f64();
    let claim = |name: &str| claims.get(name).and_then(Value::as_f64);
    let expires = claim("exp");
    let begins = claim("nbf").or(claim("iat"));
    let in_range = match (begins, expires) {
        (Some(begins), Some(expires)) => {
            begins <= now + CLOCK_SKEW_SECONDS
                && expires >= now - CLOCK_SKEW_SECONDS
                && expires - begins <= LONGEST_LIFE_SECONDS
        }
        _ => false,
    };
    if in_range {
        return Ok(());
    }
    let text = format!(
        "Client assertion is not within its valid time range. Current time: {now:.0}, assertion \
         valid from {begins:?}, expiry time of assertion {expires:?}."
    );
    Err(refused(700_024, &text))
}

pub(super) fn part(text: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

pub(super) fn refused(code: u32, text: &str) -> LoginRefusal {
    LoginRefusal::new("invalid_client", code, text)
}
