//! The credentials that the configuration names, and when each of them ends, where it says so.
//!
//! Input: the files. Output: a [`CredentialState`] each, for metrics and `discover`. What is read
//! of a certificate or token here is told and never trusted: whether it is good is for the other
//! side to say. A client secret, a password and a keytab do not say when they end.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::{Bind, Credential, Settings, read_secret};

/// The largest file of certificates: the whole store of a Linux system has about 250 KiB.
const CERTIFICATES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A credential by its bounded word, with the file that holds it; a managed identity has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialFile {
    /// `client_secret`, `certificate`, `federated_token`, `managed_identity`, `bind_password`,
    /// `keytab`, `directory_ca`, `tenant_ca`.
    pub word: &'static str,
    /// Its file.
    pub file: Option<PathBuf>,
}

/// A credential as it was read just now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialState {
    /// Which one.
    pub credential: CredentialFile,
    /// When it ends, where it says so.
    pub expires: Option<Timestamp>,
}

impl Settings {
    /// Every credential that the configuration names.
    pub fn credentials(&self) -> Vec<CredentialFile> {
        let (word, file) = match &self.tenant.credential {
            Credential::ClientSecretFile(file) => ("client_secret", Some(file)),
            Credential::Certificate { certificate_file, .. } => {
                ("certificate", Some(certificate_file))
            }
            Credential::FederatedTokenFile(file) => ("federated_token", Some(file)),
            Credential::ManagedIdentity { .. } => ("managed_identity", None),
        };
        let bind = match &self.directory.bind {
            Bind::Simple { password_file, .. } => ("bind_password", Some(password_file)),
            #[cfg(feature = "kerberos")]
            Bind::Kerberos { keytab_file, .. } => ("keytab", Some(keytab_file)),
        };
        let named = |(word, file): (&'static str, Option<&PathBuf>)| CredentialFile {
            word,
            file: file.cloned(),
        };
        let trusted =
            [("tenant_ca", &self.tenant.ca_file), ("directory_ca", &self.directory.ca_file)];
        let trusted =
            trusted.into_iter().filter_map(|(word, file)| Some((word, Some(file.as_ref()?))));
        [(word, file), bind].into_iter().chain(trusted).map(named).collect()
    }

    /// Reads every credential that can be read; `now` chooses among several certificates.
    pub fn read_credentials(&self, now: Timestamp) -> Vec<CredentialState> {
        let read = |credential: CredentialFile| {
            let expires = match &credential.file {
                Some(file) => expiry_of(credential.word, file, now).ok()?,
                None => None,
            };
            Some(CredentialState { credential, expires })
        };
        self.credentials().into_iter().filter_map(read).collect()
    }
}

/// A file that cannot be read: whoever needs it says why.
struct Unread;

/// When what a file holds ends, where it says so.
fn expiry_of(word: &str, file: &Path, now: Timestamp) -> Result<Option<Timestamp>, Unread> {
    let text = || read_secret(file).map_err(|_| Unread);
    Ok(match word {
        "certificate" => read_certificates(file)?.first().copied(),
        "tenant_ca" | "directory_ca" => next_end(&read_certificates(file)?, now),
        "federated_token" => token_end(text()?.expose_secret()),
        // It is binary.
        "keytab" if file.is_file() => None,
        "keytab" => return Err(Unread),
        _ => text().map(|_| None)?,
    })
}

/// When each certificate of a PEM file ends.
fn read_certificates(file: &Path) -> Result<Vec<Timestamp>, Unread> {
    let mut pem = Vec::new();
    let read =
        File::open(file).and_then(|file| file.take(CERTIFICATES_BYTES_MAX).read_to_end(&mut pem));
    read.map_err(|_| Unread)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    Ok(certificates.filter_map(|certificate| certificate_end(&certificate)).collect())
}

/// Of several authorities the next to end counts: nobody knows here which one the other side
/// needs. One that has ended already counts only when no other is left, since an old authority
/// may stay in its file for ever.
fn next_end(ends: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let living = ends.iter().copied().filter(|end| *end > now).min();
    living.or_else(|| ends.iter().copied().max())
}

/// `exp` of a token (RFC 7519 4.1.4); not verified.
fn token_end(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1)?.trim_end_matches('='));
    let claims: Claims = serde_json::from_slice(&payload.ok()?).ok()?;
    let end = std::time::Duration::try_from_secs_f64(claims.exp).ok()?;
    Timestamp::from_second(i64::try_from(end.as_secs()).ok()?).ok()
}

/// `notAfter` of a certificate (RFC 5280 4.1 and 4.1.2.5). The DER is walked by hand: five fields
/// stand before the one that is wanted, and nothing is decided on it.
///
/// ```text
/// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
///     [0] version OPTIONAL, serialNumber, signature, issuer,
///     validity SEQUENCE { notBefore, notAfter }, … } … }
/// ```
fn certificate_end(der: &[u8]) -> Option<Timestamp> {
    const VERSION: u8 = 0xA0;
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    let (tag, _, after) = element(rest)?;
    if tag == VERSION {
        rest = after;
    }
    for _serial_signature_issuer in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, time, _) = element(not_after)?;
    point_in_time(tag, str::from_utf8(time).ok()?)
}

/// The first element: tag, content, what follows it (ITU-T X.690 8.1). Certificates have tags of
/// one byte and lengths below 4 GiB.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7F => (short, rest),
        long => {
            let count = long - 0x80;
            let (bytes, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// UTCTime `YYMMDDHHMMSSZ`, whose years are 1950 to 2049, or GeneralizedTime `YYYYMMDDHHMMSSZ`
/// (RFC 5280 4.1.2.5.1 and 4.1.2.5.2).
fn point_in_time(tag: u8, text: &str) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let whole = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_of_certificates_are_read_in_both_forms() {
        for (tag, text, expected) in [
            (0x17, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (0x17, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (0x18, "21001231000000Z", Some("2100-12-31T00:00:00Z")),
            (0x17, "4912312359Z", None),
            (0x18, "20261332000000Z", None),
            (0x04, "491231235959Z", None),
        ] {
            assert_eq!(point_in_time(tag, text), expected.map(at), "{text}");
        }
    }

    #[cfg(feature = "sim")]
    #[test]
    fn the_end_of_a_certificate_is_found_and_a_cut_one_has_none() {
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, expected) in [(2031, "2031-05-04T00:00:00Z"), (2060, "2060-05-04T00:00:00Z")] {
            let mut parameters = rcgen::CertificateParams::default();
            parameters.not_after = rcgen::date_time_ymd(year, 5, 4);
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(certificate_end(certificate.der()), Some(at(expected)));
            for length in 0..certificate.der().len() {
                // No cut makes another date of it, and none panics.
                let cut = certificate_end(&certificate.der()[..length]);
                assert!(cut.is_none_or(|end| end == at(expected)));
            }
        }
    }

    #[test]
    fn of_several_authorities_the_next_to_end_counts() {
        let ends = ["2001-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "2028-01-01T00:00:00Z"].map(at);
        assert_eq!(next_end(&ends, at("2026-01-01T00:00:00Z")), Some(ends[2]));
        assert_eq!(next_end(&ends, at("2029-01-01T00:00:00Z")), Some(ends[1]));
        assert_eq!(next_end(&ends, at("2040-01-01T00:00:00Z")), Some(ends[1]));
        assert_eq!(next_end(&[], at("2040-01-01T00:00:00Z")), None);
    }

    #[test]
    fn the_end_of_a_token_is_its_exp() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(token_end(&token(r#"{"exp":1800000000}"#)).unwrap().as_second(), 1_800_000_000);
        assert_eq!(
            token_end(&token(r#"{"exp":1800000000.5}"#)).unwrap().as_second(),
            1_800_000_000
        );
        for wrong in ["", "a.b", "opaque", &token("{}"), &token(r#"{"exp":-1}"#)] {
            assert_eq!(token_end(wrong), None, "{wrong}");
        }
    }
}
