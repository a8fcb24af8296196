//! How the application proves itself to the tenant: exactly one way.
//!
//! Input: the fields of `tenant.credential`. Output: `Credential`.

use std::path::Path;

use super::Credential;
use super::document::{guid, read_path};
use crate::yaml::Fields;

/// What is said where none is given.
const REMEDY: &str = "add clientSecretFile, certificate, federatedTokenFile or managedIdentity";
/// The fields, of which one is given.
const WAYS: [&str; 4] =
    ["clientSecretFile", "certificate", "federatedTokenFile", "managedIdentity"];

/// Reads the one credential.
pub(super) fn read(base: &Path, credential: &mut Fields<'_>) -> Option<Credential> {
    let secret = credential.value("clientSecretFile").and_then(|value| read_path(base, &value));
    let certificate = credential.child("certificate", |fields| {
        let certificate = fields.needed("certificateFile").and_then(|v| read_path(base, &v));
        let key = fields.needed("privateKeyFile").and_then(|v| read_path(base, &v));
        Some(Credential::Certificate { certificate_file: certificate?, private_key_file: key? })
    });
    let token = credential.value("federatedTokenFile").and_then(|value| read_path(base, &value));
    let identity = credential.child("managedIdentity", |fields| {
        let client_id = match fields.value("clientId") {
            Some(value) => Some(value.text_as(guid)?),
            None if fields.has("clientId") => return None,
            None => None,
        };
        Some(Credential::ManagedIdentity { client_id })
    });
    let given: Vec<_> = WAYS.into_iter().filter(|key| credential.has(key)).collect();
    match given.as_slice() {
        [] => {
            credential.refuse("clientSecretFile", "is missing", REMEDY);
            None
        }
        [_] => secret
            .map(Credential::ClientSecretFile)
            .or(certificate)
            .or(token.map(Credential::FederatedTokenFile))
            .or(identity),
        [first, second, ..] => {
            let message = format!("stands beside `{first}`; one credential is expected");
            credential.refuse(second, message, "keep exactly one");
            None
        }
    }
}
