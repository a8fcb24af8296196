//! TLS towards the domain controller: always checked, with our own settings.
//!
//! Input: the CA file, or else the platform's certificates. Output: a rustls configuration, and a
//! sentence for each way in which a certificate can be wrong.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::directory::{DirectoryError, DirectoryOptions};

/// Made anew for every connection, so that a renewed CA file is taken up without a restart.
pub(super) async fn client_config(
    ca_file: Option<&Path>,
) -> Result<Arc<ClientConfig>, DirectoryError> {
    // Named here so that no process-wide default has to be installed first.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3");
    let config = match ca_file {
        Some(path) => builder.with_root_certificates(roots(path).await?).with_no_client_auth(),
        None => builder
            .with_platform_verifier()
            .map_err(|error| DirectoryError::Misconfigured {
                message: format!(
                    "load the platform's CA certificates: {error}; name a file in directory.caFile"
                ),
            })?
            .with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

async fn roots(path: &Path) -> Result<RootCertStore, DirectoryError> {
    let shown = path.display();
    let wrong = |what: String| DirectoryError::Misconfigured {
        message: format!("load directory.caFile {shown}: {what}"),
    };
    let text = tokio::fs::read(path).await.map_err(|error| wrong(error.to_string()))?;
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
