//! Tokens of a managed identity: the platform knows this machine, nothing secret is configured.
//!
//! Input: where the platform answers (from the settings, which read its variables). Output: what
//! it granted, or a sentence that says what is missing. Requests go over plain HTTP to this
//! machine only, through no proxy (learn.microsoft.com/entra/identity/
//! managed-identities-azure-resources/how-to-use-vm-token; learn.microsoft.com/azure/azure-arc/
//! servers/managed-identity-authentication). `key` reads the file of an Azure Arc challenge.

mod key;

use std::path::PathBuf;

use jiff::Timestamp;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::graph::token::{Granted, secret};
use crate::graph::transport::{Answer, Transport};
use crate::graph::{Endpoint, GraphError, TenantOptions};

/// The version of the metadata service of a VM that gives out tokens.
const VM_VERSION: &str = "2018-02-01";
/// That of the Azure Arc agent.
const ARC_VERSION: &str = "2020-06-01";
/// The longest piece of the platform's own text that is repeated, characters.
const QUOTE_MAX: usize = 200;

/// Where the platform answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityPlace {
    /// The metadata service of an Azure VM.
    Vm {
        /// Scheme and host, for instance `http://169.254.169.254`.
        host: Url,
    },
    /// The Azure Arc agent, which asks back for a key that only accounts of its group can read.
    Arc {
        /// The whole address, for instance
        /// `http://localhost:40342/metadata/identity/oauth2/token`.
        endpoint: Url,
        /// The one folder whose keys are shown to it: `/var/opt/azcmagent/tokens`.
        key_folder: PathBuf,
    },
}

/// One managed identity.
pub(super) struct Identity {
    place: IdentityPlace,
    client_id: Option<Uuid>,
    resource: String,
    http: reqwest::Client,
}

impl Identity {
    /// Makes ready; sends nothing yet.
    pub(super) fn new(
        place: &IdentityPlace,
        client_id: Option<Uuid>,
        options: &TenantOptions,
    ) -> Result<Self, GraphError> {
        if matches!(place, IdentityPlace::Arc { .. }) && client_id.is_some() {
            return Err(GraphError::Configuration {
                setting: "tenant.credential.managedIdentity.clientId".to_owned(),
                problem: "this machine is connected to Azure Arc, which knows only the identity \
                          of the machine itself; leave clientId out"
                    .to_owned(),
            });
        }
        let patience = options.patience;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(patience.connect)
            .read_timeout(patience.read)
            .timeout(patience.total)
            .build();
        let http = http.map_err(|error| GraphError::Configuration {
            setting: "tenant.credential.managedIdentity".to_owned(),
            problem: error.to_string(),
        })?;
        // The platform is asked for a resource, the login for a scope of it.
        let resource = options.scope.trim_end_matches("/.default").to_owned();
        Ok(Self { place: place.clone(), client_id, resource, http })
    }

    /// Asks once, with the key where the platform asks back for one.
    pub(super) async fn ask(&self, transport: &Transport) -> Result<Granted, GraphError> {
        let answer = transport.exchange(Endpoint::Identity, self.request()).await?;
        let answer = match (&self.place, answer.status) {
            (IdentityPlace::Arc { key_folder, .. }, 401) => {
                let challenge = answer.challenge.as_deref();
                let shown = key::shown(challenge, key_folder)?;
                let request = self.request().header(AUTHORIZATION, shown);
                transport.exchange(Endpoint::Identity, request).await?
            }
            (IdentityPlace::Arc { .. } | IdentityPlace::Vm { .. }, _) => answer,
        };
        match answer.status {
            200 => granted(&answer, transport.now()),
            status => Err(self.refusal(&answer, status)),
        }
    }

    fn request(&self) -> RequestBuilder {
        let (mut url, version) = match &self.place {
            IdentityPlace::Vm { host } => {
                let mut url = host.clone();
                let base = url.path().trim_end_matches('/').to_owned();
                url.set_path(&format!("{base}/metadata/identity/oauth2/token"));
                (url, VM_VERSION)
            }
            IdentityPlace::Arc { endpoint, .. } => (endpoint.clone(), ARC_VERSION),
        };
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", &self.resource);
        if let Some(client_id) = self.client_id {
            url.query_pairs_mut().append_pair("client_id", &client_id.to_string());
        }
        // Without this header the platform takes the request for one that a web page forged.
        self.http.get(url).header("Metadata", "true")
    }

    /// 404, 410 and 429 pass (the metadata service starts or is renewed), and so does 5xx; the
    /// others need a person.
    fn refusal(&self, answer: &Answer, status: u16) -> GraphError {
        let endpoint = Endpoint::Identity;
        let retry_after = answer.retry_after;
        let said = said(answer);
        let advice = match status {
            429 => return GraphError::Throttled { endpoint, retry_after },
            404 | 410 | 500..=599 => {
                return GraphError::Unavailable { endpoint, status, retry_after };
            }
            400 => match self.client_id {
                Some(id) => format!(
                    "this machine has no identity with the client id {id}; assign it to the VM, \
                     or mend tenant.credential.managedIdentity.clientId"
                ),
                None => "this machine has no identity of its own; turn on its system-assigned \
                         identity, or name an assigned one in \
                         tenant.credential.managedIdentity.clientId"
                    .to_owned(),
            },
            401 => "the Azure Arc agent does not accept the key that it asked for; restart the \
                    agent (azcmagent), and see that its clock is right"
                .to_owned(),
            403 => "the platform does not let this program use the identity; is it connected \
                    (azcmagent show), and may it reach the platform without a proxy?"
                .to_owned(),
            _ => format!("the platform refuses to give out a token (status {status})"),
        };
        GraphError::Refused { code: None, advice: format!("{advice}{said}") }
    }
}

/// What the platform says of its refusal, on one line.
fn said(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Failure {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let Ok(Failure { error, error_description }) = answer.json(Endpoint::Identity) else {
        return String::new();
    };
    let text = format!("{error}: {error_description}");
    let line: String = text.chars().filter(|c| !c.is_control()).take(QUOTE_MAX).collect();
    format!(" (the platform says: {line})")
}

/// What the platform answers: numbers are strings, and `expires_in` may be missing.
#[derive(Deserialize)]
struct Answered {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    expires_on: Value,
}

fn granted(answer: &Answer, now: Timestamp) -> Result<Granted, GraphError> {
    let answered: Answered = answer.json(Endpoint::Identity)?;
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let left = || Some(number(&answered.expires_on)?.saturating_sub(now.as_second()));
    let seconds = number(&answered.expires_in).or_else(left);
    let seconds = seconds.and_then(|seconds: i64| u64::try_from(seconds).ok());
    let expires_in = seconds.ok_or_else(|| GraphError::Unreadable {
        endpoint: Endpoint::Identity,
        problem: "the platform does not say how long its token lives".to_owned(),
    })?;
    if answered.access_token.expose_secret().is_empty() {
        let problem = "the platform gave out an empty token".to_owned();
        return Err(GraphError::Unreadable { endpoint: Endpoint::Identity, problem });
    }
    let token_type = answered.token_type.unwrap_or_else(|| "Bearer".to_owned());
    Ok(Granted { token_type, expires_in, access_token: answered.access_token })
}
