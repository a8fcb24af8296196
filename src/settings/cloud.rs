//! Where a tenant is reached: the clouds that Microsoft names, and one of one's own.
//!
//! Input: the fields of `tenant`. Output: `Cloud`.

use url::Url;

use super::Cloud;
use super::document::host_only;
use crate::yaml::{Fields, Refusal, shown};

/// The word for hosts that the configuration names itself.
const CUSTOM: &str = "Custom";
/// Every word of `tenant.cloud`.
const WORDS: [&str; 5] = ["Global", "UsGovernment", "UsGovernmentDod", "China", CUSTOM];
/// What stands beside `cloud: Custom`.
const OWN: [&str; 3] = ["loginUrl", "graphUrl", "scope"];

/// Login and Graph of a cloud: Graph hosts from learn.microsoft.com/graph/deployments, logins from
/// learn.microsoft.com/entra/identity-platform/authentication-national-cloud. A token of one cloud
/// opens nothing in another.
///
/// | cloud | login | Graph |
/// |---|---|---|
/// | Global, with GCC | login.microsoftonline.com | graph.microsoft.com |
/// | UsGovernment (L4, GCC High) | login.microsoftonline.us | graph.microsoft.us |
/// | UsGovernmentDod (L5) | login.microsoftonline.us | dod-graph.microsoft.us |
/// | China (21Vianet) | login.partner.microsoftonline.cn | microsoftgraph.chinacloudapi.cn |
fn hosts(cloud: &str) -> Option<(&'static str, &'static str)> {
    Some(match cloud {
        "Global" => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        "UsGovernment" => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "UsGovernmentDod" => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        "China" => {
            ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn")
        }
        _ => return None,
    })
}

/// Reads `cloud` and what belongs to it.
pub(super) fn read(tenant: &mut Fields<'_>) -> Option<Cloud> {
    let named = match tenant.value("cloud") {
        Some(value) => value.word(&WORDS, &[]),
        None if tenant.has("cloud") => None,
        None => Some("Global"),
    };
    if named == Some(CUSTOM) {
        let login_url = tenant.needed("loginUrl").and_then(|value| value.text_as(https_host));
        let graph_url = tenant.needed("graphUrl").and_then(|value| value.text_as(https_host));
        let scope = tenant.needed("scope").and_then(|value| value.text_as(default_scope));
        return Some(Cloud { login_url: login_url?, graph_url: graph_url?, scope: scope? });
    }
    for key in OWN {
        if tenant.value(key).is_some() && named.is_some() {
            tenant.refuse(key, "is only for `cloud: Custom`", "leave it out, or set the cloud");
        }
    }
    named_cloud(named?)
}

/// A cloud by its word; its scope is its Graph host and `/.default`
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
fn named_cloud(word: &str) -> Option<Cloud> {
    let url = |text: &str| Url::parse(text).expect("a constant address is well-formed");
    let (login, graph) = hosts(word)?;
    Some(Cloud { login_url: url(login), graph_url: url(graph), scope: format!("{graph}/.default") })
}

fn https_host(text: &str) -> Result<Url, Refusal> {
    host_only(text, "https", "https://graph.example")
}

/// The client credentials flow takes only `.default`
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
fn default_scope(text: &str) -> Result<String, Refusal> {
    let valid =
        text.ends_with("/.default") && Url::parse(text).is_ok_and(|u| u.scheme() == "https");
    valid.then(|| text.to_owned()).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not a scope", shown(text)),
            "write https://<Graph host>/.default",
        )
    })
}
