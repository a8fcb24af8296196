//! Who binds: by name and password inside TLS, or by a key of a keytab.
//!
//! Input: the fields of `directory.bind`. Output: `Bind`. Kerberos needs a C library; a build
//! without it refuses the field by name.

use std::path::Path;

use url::Url;

use super::Bind;
#[cfg(feature = "kerberos")]
use super::document::host_only;
use super::document::read_path;
use crate::yaml::{Fields, Refusal};

/// Reads the one way to bind.
pub(super) fn read(base: &Path, bind: &mut Fields<'_>) -> Option<Bind> {
    let kerberos = read_kerberos(base, bind);
    if bind.has("kerberos") {
        // Asked for, so that it counts as known.
        if bind.value("simple").is_some() {
            let message = "stands beside `kerberos`; one way to bind is expected";
            bind.refuse("simple", message, "keep exactly one");
            return None;
        }
        return kerberos;
    }
    bind.required_child("simple", |simple| {
        let name = simple.needed("name").and_then(|v| v.text().map(str::to_owned));
        let password = simple.needed("passwordFile").and_then(|v| read_path(base, &v));
        Some(Bind::Simple { name: name?, password_file: password? })
    })
}

#[cfg(not(feature = "kerberos"))]
fn read_kerberos(_: &Path, bind: &mut Fields<'_>) -> Option<Bind> {
    const MESSAGE: &str = "is not in this build of writeback";
    const REMEDY: &str = "use `simple`, or build with `cargo build --features kerberos`";
    if bind.value("kerberos").is_some() {
        bind.refuse("kerberos", MESSAGE, REMEDY);
    }
    None
}

#[cfg(feature = "kerberos")]
fn read_kerberos(base: &Path, bind: &mut Fields<'_>) -> Option<Bind> {
    bind.child("kerberos", |kerberos| {
        let keytab = kerberos.needed("keytabFile").and_then(|v| read_path(base, &v));
        let principal = kerberos.needed("principal").and_then(|v| v.text_as(principal));
        Some(Bind::Kerberos { principal: principal?, keytab_file: keytab? })
    })
}

/// `account@REALM`, without the characters that a principal would have to escape.
#[cfg(feature = "kerberos")]
fn principal(text: &str) -> Result<String, Refusal> {
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@\\".contains(c))
    };
    let whole = text.split_once('@').is_some_and(|(name, realm)| plain(name) && plain(realm));
    whole.then(|| text.to_owned()).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not a principal", crate::yaml::shown(text)),
            "write it as svc-writeback@CORP.EXAMPLE",
        )
    })
}

impl Bind {
    /// Whether the bind itself seals the connection, so that TLS has no part in it.
    pub(super) fn seals(&self) -> bool {
        match self {
            Self::Simple { .. } => false,
            #[cfg(feature = "kerberos")]
            Self::Kerberos { .. } => true,
        }
    }
}

/// With Kerberos the connection begins plain and is sealed by the bind: Active Directory refuses
/// a second layer inside TLS (MS-ADTS 5.1.1.1.2).
#[cfg(feature = "kerberos")]
pub(super) fn sealed_server(text: &str) -> Result<Url, Refusal> {
    const EXAMPLE: &str = "ldap://dc1.corp.example";
    let url = host_only(text, "ldap", EXAMPLE)?;
    match url.host_str() {
        Some(host) if host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[') => {
            Ok(url)
        }
        Some(_) | None => Err(Refusal::new(
            format!(
                "is `{}`, an address: Kerberos knows servers by name",
                crate::yaml::shown(text)
            ),
            format!("write it as {EXAMPLE}"),
        )),
    }
}

/// A build without Kerberos never asks.
#[cfg(not(feature = "kerberos"))]
pub(super) fn sealed_server(_: &str) -> Result<Url, Refusal> {
    Err(Refusal::new("needs Kerberos", "use an ldaps:// server"))
}
