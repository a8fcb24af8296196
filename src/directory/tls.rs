//! TLS towards the domain controller: always checked, with our own settings.
//!
//! Input: the CA file, or else the platform's certificates. Output: a rustls configuration, and a
//! sentence for each way in which a certificate can be wrong.

use std::error::Error;
use std::io;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use crate::directory::{DirectoryError, DirectoryOptions};

/// Made anew for every connection, so that a renewed CA file is taken up without a restart. With
/// an `address` the certificate has to be for that, whatever name the connection has.
pub(super) fn client_config(
    ca_file: Option<&Path>,
    address: Option<Ipv6Addr>,
) -> Result<Arc<ClientConfig>, DirectoryError> {
    // Named here so that no process-wide default has to be installed first.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let checks = verifier(ca_file, &provider)?;
    let verifier: Arc<dyn ServerCertVerifier> = match address {
        None => checks,
        Some(address) => {
            Arc::new(Addressed { checks, name: ServerName::IpAddress(address.into()) })
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3")
        // The word of rustls for every verifier that is handed over as such: this one checks all.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // No server name goes out for an address (RFC 6066 3).
    config.enable_sni = address.is_none();
    Ok(Arc::new(config))
}

fn verifier(
    ca_file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, DirectoryError> {
    let provider = Arc::clone(provider);
    let Some(path) = ca_file else {
        let verifier = Verifier::new(provider).map_err(|error| DirectoryError::Misconfigured {
            message: format!(
                "load the platform's CA certificates: {error}; name a file in directory.caFile"
            ),
        })?;
        return Ok(Arc::new(verifier));
    };
    let roots = Arc::new(roots(path)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
    Ok(verifier.map_err(|error| DirectoryError::Misconfigured {
        message: format!("load directory.caFile {}: {error}", path.display()),
    })?)
}

/// Checks the certificate against an address. ldap3 0.12 hands rustls the host of the URL with its
/// brackets, `[::1]`, which is no name; so it gets another host, and the address is put back here.
#[derive(Debug)]
struct Addressed {
    checks: Arc<dyn ServerCertVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Addressed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.checks.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }
}

fn roots(path: &Path) -> Result<RootCertStore, DirectoryError> {
    let shown = path.display();
    let wrong = |what: String| DirectoryError::Misconfigured {
        message: format!("load directory.caFile {shown}: {what}"),
    };
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(wrong("it holds no PEM certificate".to_owned()));
    }
    Ok(store)
}

/// The rustls error inside `error`, at whatever depth. An `io::Error` hides what it wraps from
/// `source()`, so it is asked for it.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(here) = next {
        if let Some(found) = here.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match here.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => here.source(),
        };
    }
    None
}

/// What is wrong with the certificate, if that is what `error` tells, and what to mend.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are those of another package")]
pub(super) fn certificate_trouble(
    error: &(dyn Error + 'static),
    options: &DirectoryOptions,
) -> Option<String> {
    let url = &options.url;
    let rustls::Error::InvalidCertificate(wrong) = tls_error(error)? else { return None };
    let why = match wrong {
        CertificateError::UnknownIssuer => match &options.ca_file {
            Some(path) => format!(
                "no certificate in {} signed it; put the CA certificate of the domain into this \
                 file (directory.caFile)",
                path.display()
            ),
            None => "this machine does not know the CA that signed it; name a file with the CA \
                     certificate of the domain in directory.caFile"
                .to_owned(),
        },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired; renew the certificate of the domain controller".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; set the clock of this machine or of the domain controller"
                .to_owned()
        }
        CertificateError::NotValidForName => "it is for another name; write the name that the \
                                              certificate carries in directory.servers"
            .to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "it is for {}; write the name that the certificate carries in directory.servers",
            presented.join(", ")
        ),
        // rustls may add kinds of its own: whatever it is, the text of rustls says it.
        other => format!("{other}; replace the certificate of the domain controller"),
    };
    Some(format!("trust the certificate of {url}: {why}"))
}
