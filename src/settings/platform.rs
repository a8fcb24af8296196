//! Where this machine gives out tokens of its managed identity.
//!
//! Input: variables that the platform sets, and whether the Azure Arc agent is installed. Output:
//! `IdentityPlace`. The variables are those of
//! learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication and of Microsoft's
//! own clients (azure-identity, MSAL).

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use url::{Host, Url};

/// The Instance Metadata Service of an Azure VM
/// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
const VM_HOST: &str = "http://169.254.169.254";
/// The Azure Arc agent, where its variable is not set.
const ARC_ENDPOINT: &str = "http://localhost:40342/metadata/identity/oauth2/token";
/// There where the Azure Arc agent is installed on Linux.
const ARC_AGENT: &str = "/opt/azcmagent/bin/himds";
/// Where the Azure Arc agent puts the keys of its challenges on Linux; readable for root and the
/// group himds.
const ARC_KEY_FOLDER: &str = "/var/opt/azcmagent/tokens";

/// Where this machine gives out tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdentityPlace {
    /// The metadata service of an Azure VM.
    Vm {
        /// Scheme and host.
        host: Url,
    },
    /// The Azure Arc agent.
    Arc {
        /// The whole address.
        endpoint: Url,
        /// The folder in which the keys of its challenges lie.
        key_folder: PathBuf,
    },
}

/// Chooses by variables and installed agent.
///
/// | variables | place |
/// |---|---|
/// | IDENTITY_ENDPOINT and IMDS_ENDPOINT | Azure Arc |
/// | IDENTITY_ENDPOINT and IDENTITY_HEADER | App Service or Service Fabric: refused |
/// | AZURE_POD_IDENTITY_AUTHORITY_HOST | a metadata service at this address |
/// | none of them, the Arc agent is installed | Azure Arc |
/// | none of them | Azure VM |
pub(super) fn identity_place(
    variable: impl Fn(&str) -> Option<String>,
    exists: impl Fn(&Path) -> bool,
) -> Result<IdentityPlace, String> {
    let set = |name: &'static str| {
        variable(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value))
    };
    let arc = |endpoint: Url| IdentityPlace::Arc { endpoint, key_folder: ARC_KEY_FOLDER.into() };
    let constant = |text: &str| Url::parse(text).expect("a constant address is well-formed");
    if let Some((name, endpoint)) = set("IDENTITY_ENDPOINT") {
        if set("IMDS_ENDPOINT").is_some() {
            return own_address(name, &endpoint).map(arc);
        }
        if set("IDENTITY_HEADER").is_some() {
            return Err("the platform is App Service or Service Fabric (IDENTITY_HEADER is set), \
                        whose identities are not supported; use federatedTokenFile or certificate"
                .to_owned());
        }
    }
    if let Some((name, host)) = set("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
        return own_address(name, &host).map(|host| IdentityPlace::Vm { host });
    }
    Ok(if exists(Path::new(ARC_AGENT)) {
        arc(constant(ARC_ENDPOINT))
    } else {
        IdentityPlace::Vm { host: constant(VM_HOST) }
    })
}

/// Tokens come over plain HTTP, and Arc is shown a key: both stay on this machine, whatever a
/// variable says.
fn own_address(name: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("the variable {name} holds no address"))?;
    let own = match url.host() {
        Some(Host::Domain(host)) => host.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    if own && url.scheme() == "http" {
        return Ok(url);
    }
    Err(format!(
        "the variable {name} leads away from this machine; tokens are taken over http:// from \
         localhost, 127.0.0.0/8, 169.254.0.0/16 or [::1] only"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)], arc_is_installed: bool) -> Result<String, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        identity_place(variable, |_| arc_is_installed).map(|place| match place {
            IdentityPlace::Vm { host } => format!("vm {host}"),
            IdentityPlace::Arc { endpoint, key_folder } => {
                format!("arc {endpoint} {}", key_folder.display())
            }
        })
    }

    #[test]
    fn the_platform_is_told_by_its_variables() {
        const KEYS: &str = "/var/opt/azcmagent/tokens";
        let arc = [("IDENTITY_ENDPOINT", "http://127.0.0.1:4/x"), ("IMDS_ENDPOINT", "http://y")];
        assert_eq!(place(&arc, false).unwrap(), format!("arc http://127.0.0.1:4/x {KEYS}"));
        let pod = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:5")];
        assert_eq!(place(&pod, true).unwrap(), "vm http://127.0.0.1:5/");
        assert_eq!(place(&[], true).unwrap(), format!("arc {ARC_ENDPOINT} {KEYS}"));
        assert_eq!(place(&[], false).unwrap(), "vm http://169.254.169.254/");
        let empty = [("IDENTITY_ENDPOINT", ""), ("IMDS_ENDPOINT", "")];
        assert_eq!(place(&empty, false).unwrap(), "vm http://169.254.169.254/");
    }

    #[test]
    fn a_platform_that_is_not_supported_is_named() {
        let service = [("IDENTITY_ENDPOINT", "http://127.0.0.1:4"), ("IDENTITY_HEADER", "x")];
        assert!(place(&service, false).unwrap_err().contains("App Service"));
    }

    #[test]
    fn no_variable_leads_away_from_this_machine() {
        for wrong in ["http://imds.example", "https://127.0.0.1", "http://10.0.0.1", "nothing", ""]
        {
            let pod = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", wrong)];
            let arc = [("IDENTITY_ENDPOINT", wrong), ("IMDS_ENDPOINT", "http://127.0.0.1")];
            for variables in [&pod[..], &arc] {
                match place(variables, false) {
                    Ok(place) => assert!(wrong.is_empty(), "{place}"),
                    Err(why) => assert!(why.contains("the variable"), "{why}"),
                }
            }
        }
    }
}
