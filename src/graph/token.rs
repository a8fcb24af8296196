//! Tokens: asked for with the client's credential, kept, renewed before they end.
//!
//! Input: the credential's files, read again for every request. Output: a bearer token and the
//! rights inside it. The token is opaque to every decision but two: whose tenant it is for, and
//! what a message or the check of links says about rights. Its signature is Graph's to verify.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

use crate::defence::stands;
use crate::graph::credential::Proof;
use crate::graph::identity::Identity;
use crate::graph::login::Refusal;
use crate::graph::transport::{Answer, Transport};
use crate::graph::trust::{SETTLE_PAUSE, SETTLE_TRIES};
use crate::graph::{Credential, Endpoint, GraphError, TenantOptions};
use crate::model::TenantId;

/// How long before its end a token is renewed; at most a tenth of its life, so that a token of
/// a short life is used at all.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// How soon an early renewal that failed is tried again: the token at hand is still good.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

/// The longest life that is believed: tokens of continuous access evaluation live up to 28 h
/// (learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation).
const LIFE_MAX: Duration = Duration::from_hours(28);

/// How long a refusal stands while the same files would be shown again. A wrong secret is thus
/// tried once a minute, whatever asks; a mended file is tried at once.
const REFUSAL_STANDS: Duration = Duration::from_mins(1);

/// The application rights in a token (`roles`), for messages and checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(BTreeSet<String>);

impl Rights {
    /// Whether one of these rights is there.
    pub fn has_any(&self, rights: &[&str]) -> bool {
        rights.iter().any(|right| self.0.contains(*right))
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A token as long as it is used.
pub(super) struct Token {
    bearer: SecretString,
    /// What it allows.
    pub(super) rights: Rights,
    /// Whose tenant it is for.
    pub(super) tenant: TenantId,
    ends: Instant,
}

impl Token {
    /// The header that shows it.
    pub(super) fn header(&self) -> Result<HeaderValue, GraphError> {
        shown_as("Bearer", &self.bearer).ok_or_else(|| strange("no header can hold"))
    }
}

/// A secret as `Authorization` shows it (RFC 9110 11.6.2), where it can be; marked so that no
/// debug text prints it.
pub(super) fn shown_as(scheme: &str, secret: &SecretString) -> Option<HeaderValue> {
    let mut text = format!("{scheme} {}", secret.expose_secret());
    let value = HeaderValue::from_str(&text);
    text.zeroize();
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Where tokens come from. One request at a time, however many ask.
pub(super) struct TokenSource {
    options: TenantOptions,
    endpoint: Url,
    /// In the place of the login, where the platform knows this machine.
    identity: Option<Identity>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Token>>,
    renew_at: Option<Instant>,
    refused: Option<Refused>,
    /// When files were last waited for.
    waited: Option<Instant>,
}

struct Refused {
    fingerprint: Vec<u8>,
    until: Instant,
    code: Option<u32>,
    advice: String,
}

impl TokenSource {
    /// A source that has not asked yet.
    pub(super) fn new(options: TenantOptions) -> Result<Self, GraphError> {
        let mut endpoint = options.login_url.clone();
        let base = endpoint.path().trim_end_matches('/').to_owned();
        endpoint.set_path(&format!("{base}/{}/oauth2/v2.0/token", options.tenant));
        let identity = match &options.credential {
            Credential::ManagedIdentity { place, client_id } => {
                Some(Identity::new(place, *client_id, &options)?)
            }
            Credential::Secret { .. }
            | Credential::Certificate { .. }
            | Credential::FederatedToken { .. } => None,
        };
        Ok(Self { options, endpoint, identity, state: Mutex::default() })
    }

    /// A token that is good now. `rejected` is one that Graph did not accept: it is not given
    /// out again.
    pub(super) async fn token(
        &self,
        transport: &Transport,
        rejected: Option<&Arc<Token>>,
    ) -> Result<Arc<Token>, GraphError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let usable = state.current.clone().filter(|token| {
            now < token.ends && !rejected.is_some_and(|one| Arc::ptr_eq(one, token))
        });
        if let Some(token) = &usable
            && state.renew_at.is_some_and(|at| now < at)
        {
            return Ok(token.clone());
        }
        let proof = match self.read(transport) {
            Err(_) if usable.is_none() => Box::pin(self.read_settled(transport, &mut state)).await,
            read => read,
        };
        let renewed = match proof {
            Ok(proof) => Box::pin(self.renew(transport, &mut state, proof)).await,
            Err(error) => Err(error),
        };
        match (renewed, usable) {
            (Err(_), Some(token)) => {
                // The old one lasts a while yet: nobody has to notice.
                state.renew_at = Some(Instant::now() + RENEW_AGAIN);
                Ok(token)
            }
            (result, _) => result,
        }
    }

    /// Reads the credential as it is now.
    fn read(&self, transport: &Transport) -> Result<Proof, GraphError> {
        Proof::read(&self.options.credential, self.options.read_secret, transport.now())
    }

    /// Reads a credential that could not be used just now: whoever renews it may be writing it,
    /// and a certificate and its key are two files. Waits at most once a minute, so that a file
    /// that stays wrong holds nobody up.
    async fn read_settled(
        &self,
        transport: &Transport,
        state: &mut State,
    ) -> Result<Proof, GraphError> {
        let now = Instant::now();
        if state.waited.is_none_or(|waited| now >= waited + REFUSAL_STANDS) {
            state.waited = Some(now);
            for _ in 0..SETTLE_TRIES {
                sleep(SETTLE_PAUSE).await;
                if let Ok(proof) = self.read(transport) {
                    return Ok(proof);
                }
            }
        }
        self.read(transport)
    }

    async fn renew(
        &self,
        transport: &Transport,
        state: &mut State,
        proof: Proof,
    ) -> Result<Arc<Token>, GraphError> {
        if let Some(refused) = &state.refused
            && refused.fingerprint == proof.fingerprint
            && Instant::now() < refused.until
        {
            return Err(GraphError::Refused { code: refused.code, advice: refused.advice.clone() });
        }
        state.refused = None;
        transport.renew_trust(transport.trust()).await;
        match self.ask(transport, &proof).await {
            Ok((token, life)) => {
                let token = Arc::new(token);
                state.renew_at = Some(token.ends.checked_sub(margin(life)).unwrap_or(token.ends));
                state.current = Some(token.clone());
                Ok(token)
            }
            Err(GraphError::Refused { code, advice }) => {
                state.refused = Some(Refused {
                    fingerprint: proof.fingerprint,
                    until: Instant::now() + REFUSAL_STANDS,
                    code,
                    advice: advice.clone(),
                });
                Err(GraphError::Refused { code, advice })
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(
        &self,
        transport: &Transport,
        proof: &Proof,
    ) -> Result<(Token, Duration), GraphError> {
        let mut tries = transport.tries();
        loop {
            let trust = transport.trust();
            match self.ask_once(transport, proof).await {
                Err(GraphError::Untrusted { .. }) if transport.renew_trust(trust).await => {}
                Err(error) => tries.wait_after(error).await?,
                Ok(found) => return Ok(found),
            }
        }
    }

    async fn ask_once(
        &self,
        transport: &Transport,
        proof: &Proof,
    ) -> Result<(Token, Duration), GraphError> {
        let begun = Instant::now();
        if let Some(identity) = &self.identity {
            return self.accept(identity.ask(transport).await?, begun);
        }
        let client_id = self.options.client_id;
        let shown = proof.fields(client_id, self.endpoint.as_str(), transport.now())?;
        let client_id = client_id.to_string();
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("scope", self.options.scope.as_str()),
        ];
        form.extend(shown.iter().map(|(name, value)| (*name, value.expose_secret())));
        let request = transport.post(self.endpoint.clone()).form(&form);
        let begun = Instant::now();
        let answer = transport.exchange(Endpoint::Token, request).await?;
        match answer.status {
            200 => self.accept(answer.json(Endpoint::Token)?, begun),
            status => Err(refusal(&answer, status, proof)),
        }
    }

    fn accept(&self, granted: Granted, begun: Instant) -> Result<(Token, Duration), GraphError> {
        if !granted.token_type.eq_ignore_ascii_case("Bearer") {
            return Err(strange("that is no bearer token"));
        }
        let life = Duration::from_secs(granted.expires_in).min(LIFE_MAX);
        let claims = claims(granted.access_token.expose_secret())
            .ok_or_else(|| strange("that names no tenant"))?;
        if claims.tid != self.options.tenant && stands("H12") {
            let configured = self.options.tenant;
            return Err(GraphError::WrongTenant { issued: claims.tid, configured });
        }
        if self.identity.is_some() && claims.appid.is_some_and(|id| id != self.options.client_id) {
            return Err(another_identity(claims.appid.unwrap_or_default(), self.options.client_id));
        }
        let token = Token {
            bearer: granted.access_token,
            rights: Rights(claims.roles),
            tenant: claims.tid,
            // Counted from before the request: the token is older than its answer.
            ends: begun + life,
        };
        // A token that no header can carry is found here, not at every request.
        token.header()?;
        Ok((token, life))
    }
}

/// How long before its end a token of this life is renewed.
fn margin(life: Duration) -> Duration {
    RENEW_BEFORE.min(life / 10)
}

/// What the login grants.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) token_type: String,
    /// Seconds.
    pub(super) expires_in: u64,
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: SecretString,
}

/// Reads a text that nothing prints.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// What is read of a token's payload (RFC 7519 3): never verified, never a ground to trust.
#[derive(Debug, Deserialize, PartialEq)]
struct Claims {
    tid: TenantId,
    /// The application that it was issued to.
    #[serde(default)]
    appid: Option<Uuid>,
    #[serde(default)]
    roles: BTreeSet<String>,
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn refusal(answer: &Answer, status: u16, proof: &Proof) -> GraphError {
    let endpoint = Endpoint::Token;
    let said = answer.json::<Refusal>(endpoint);
    let transient = said.as_ref().is_ok_and(Refusal::is_transient);
    match (status, said) {
        (429, _) => GraphError::Throttled { endpoint, retry_after: answer.retry_after },
        (500..=599, _) => {
            GraphError::Unavailable { endpoint, status, retry_after: answer.retry_after }
        }
        (_, Ok(_)) if transient => {
            GraphError::Unavailable { endpoint, status, retry_after: answer.retry_after }
        }
        (_, Ok(said)) => GraphError::Refused {
            code: said.code(),
            advice: proof.redact(&said.advice(&proof.files)),
        },
        // A portal or proxy: no word of the login's own.
        (_, Err(error)) => error,
    }
}

/// The rights are those of whoever the platform says this machine is: that has to be who is meant.
fn another_identity(issued: Uuid, configured: Uuid) -> GraphError {
    GraphError::Configuration {
        setting: "tenant.clientId".to_owned(),
        problem: format!(
            "the managed identity of this machine has the client id {issued}, and tenant.clientId \
             is {configured}; write the identity's id there, or name another assigned identity in \
             tenant.credential.managedIdentity.clientId"
        ),
    }
}

fn strange(what: &str) -> GraphError {
    GraphError::Unreadable {
        endpoint: Endpoint::Token,
        problem: format!("the login gave out a token {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn tenant_and_roles_are_read_from_the_payload() {
        let token = jwt(&format!(r#"{{"tid":"{TENANT}","roles":["User.Read.All"],"ver":"1.0"}}"#));
        let claims = claims(&token).unwrap();
        assert_eq!(claims.tid.to_string(), TENANT);
        let rights = Rights(claims.roles);
        assert!(rights.has_any(&["Group.Read.All", "User.Read.All"]));
        assert!(!rights.has_any(&["User.Read"]) && !rights.has_any(&[]));
    }

    #[test]
    fn a_token_is_renewed_before_it_ends_however_short_it_lives() {
        assert_eq!(margin(Duration::from_secs(3599)), Duration::from_mins(5));
        assert_eq!(margin(Duration::from_mins(1)), Duration::from_secs(6));
        assert_eq!(margin(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_token_without_roles_has_no_rights() {
        let claims = claims(&jwt(&format!(r#"{{"tid":"{TENANT}"}}"#))).unwrap();
        assert!(claims.roles.is_empty());
    }

    #[test]
    fn a_token_that_cannot_be_read_names_no_tenant() {
        for token in ["", "opaque", "a.b.c", &jwt("{}"), &jwt(r#"{"tid":"x"}"#)] {
            assert_eq!(claims(token), None, "{token}");
        }
    }
}
