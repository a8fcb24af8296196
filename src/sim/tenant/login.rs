//! The login page: client credentials in, token out.
//!
//! Input: the form of a token request. Output: a token in the shape of a JWT with the claims an
//! application token has, or a refusal with its AADSTS code
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::credentials::{Credentials, Registered};
use super::error::LoginRefusal;
use super::{assertion, federation};

/// The assertion type of RFC 7523 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a token was issued with.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) roles: Vec<String>,
    pub(super) expires: Timestamp,
}

/// What the login page knows.
pub(super) struct Login<'a> {
    pub(super) tenant_id: Uuid,
    pub(super) credentials: &'a Credentials,
    pub(super) registered: &'a Registered,
    pub(super) roles: &'a [String],
    pub(super) lifetime: SignedDuration,
    pub(super) base: &'a str,
    pub(super) now: Timestamp,
}

impl Login<'_> {
    /// Checks a token request and issues a token: its text, what it stands for, and the body.
    pub(super) fn token(
        &self,
        tenant: &str,
        authorization: Option<&str>,
        form: &[u8],
    ) -> Result<(String, Issued, Value), LoginRefusal> {
        self.check_tenant(tenant)?;
        let mut fields: BTreeMap<String, String> =
            url::form_urlencoded::parse(form).into_owned().collect();
        if let Some((id, secret)) = authorization.and_then(basic) {
            fields.insert("client_id".to_owned(), id);
            fields.insert("client_secret".to_owned(), secret);
        }
        match required(&fields, "grant_type")? {
            "client_credentials" => {}
            other => {
                let text = format!("The app requested an unsupported grant type '{other}'.");
                return Err(LoginRefusal::new("unsupported_grant_type", 70003, &text));
            }
        }
        let client_id = required(&fields, "client_id")?;
        if !client_id.eq_ignore_ascii_case(&self.credentials.client_id.to_string()) {
            let text = format!(
                "Application with identifier '{client_id}' was not found in the directory \
                 '{tenant}'. This can happen if the application has not been installed by the \
                 administrator of the tenant."
            );
            return Err(LoginRefusal::new("unauthorized_client", 700_016, &text));
        }
        self.check_scope(required(&fields, "scope")?)?;
        self.check_proof(&fields)?;
        Ok(self.issue())
    }

    /// The OpenID metadata, which MSAL fetches before it asks for a token.
    pub(super) fn metadata(&self, tenant: &str) -> Result<Value, LoginRefusal> {
        self.check_tenant(tenant)?;
        let (base, id) = (self.base, self.tenant_id);
        Ok(json!({
            "token_endpoint": format!("{base}/{id}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{base}/{id}/oauth2/v2.0/authorize"),
            "issuer": format!("{base}/{id}/v2.0"),
            "jwks_uri": format!("{base}/{id}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "subject_types_supported": ["pairwise"],
        }))
    }

    fn check_tenant(&self, tenant: &str) -> Result<(), LoginRefusal> {
        if tenant.eq_ignore_ascii_case(&self.tenant_id.to_string()) {
            return Ok(());
        }
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
             are signing into the correct cloud."
        );
        Err(LoginRefusal::new("invalid_request", 90002, &text))
    }

    fn check_scope(&self, scope: &str) -> Result<(), LoginRefusal> {
        let Some(resource) = scope.strip_suffix("/.default") else {
            let text = format!(
                "The provided value for the input parameter 'scope' is not valid. The scope \
                 '{scope}' does not exist."
            );
            return Err(LoginRefusal::new("invalid_scope", 70011, &text));
        };
        if resource == self.base {
            return Ok(());
        }
        let text = format!("The resource principal named {resource} was not found in the tenant.");
        Err(LoginRefusal::new("invalid_resource", 500_011, &text))
    }

    fn check_proof(&self, fields: &BTreeMap<String, String>) -> Result<(), LoginRefusal> {
        if let Some(assertion) = fields.get("client_assertion") {
            return match required(fields, "client_assertion_type")? {
                ASSERTION_TYPE if federation::is_foreign(assertion) => {
                    federation::check(assertion, &self.registered.federated, self.now)
                }
                ASSERTION_TYPE => {
                    let audience = format!("{}/{}/oauth2/v2.0/token", self.base, self.tenant_id);
                    let (known, registered) = (self.credentials, self.registered);
                    assertion::check(assertion, known, registered, &audience, self.now)
                }
                other => {
                    let text = format!("The assertion type '{other}' is not supported.");
                    Err(LoginRefusal::new("invalid_request", 50027, &text))
                }
            };
        }
        match fields.get("client_secret") {
            Some(secret) if self.registered.secrets.contains(secret) => Ok(()),
            Some(secret) if *secret == self.credentials.expired_secret => {
                let text = format!(
                    "The provided client secret keys for app '{}' are expired.",
                    self.credentials.client_id
                );
                Err(LoginRefusal::new("invalid_client", 7_000_222, &text))
            }
            Some(_) => {
                let text = format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request \
                     is the client secret value, not the client secret ID, for a secret added to \
                     app '{}'.",
                    self.credentials.client_id
                );
                Err(LoginRefusal::new("invalid_client", 7_000_215, &text))
            }
            None => {
                let text = "The request body must contain the following parameter: \
                            'client_assertion' or 'client_secret'.";
                Err(LoginRefusal::new("invalid_client", 7_000_218, text))
            }
        }
    }

    /// Claims as in a real application token (learn.microsoft.com/answers/questions/1603318).
    /// The signature is noise: nobody but the resource may check it.
    pub(super) fn issue(&self) -> (String, Issued, Value) {
        let expires = self.now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let seconds = self.now.as_second();
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "simulated" });
        let claims = json!({
            "aud": self.base,
            "iss": format!("https://sts.windows.net/{}/", self.tenant_id),
            "iat": seconds, "nbf": seconds, "exp": expires.as_second(),
            "appid": self.credentials.client_id, "idtyp": "app",
            "oid": self.credentials.client_id, "roles": self.roles,
            "tid": self.tenant_id, "uti": Uuid::new_v4().simple().to_string(), "ver": "1.0",
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let noise = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
        let token = format!("{}.{}.{noise}", part(&header), part(&claims));
        let expires_in = self.lifetime.as_secs();
        let body = json!({ "token_type": "Bearer", "expires_in": expires_in,
            "ext_expires_in": expires_in, "access_token": token });
        (token, Issued { roles: self.roles.to_vec(), expires }, body)
    }
}

fn required<'f>(fields: &'f BTreeMap<String, String>, name: &str) -> Result<&'f str, LoginRefusal> {
    fields.get(name).map(String::as_str).ok_or_else(|| {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        LoginRefusal::new("invalid_request", 900_144, &text)
    })
}

/// Id and secret by HTTP Basic, each form-encoded first (RFC 6749 2.3.1).
fn basic(authorization: &str) -> Option<(String, String)> {
    let encoded = authorization.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        let pair = format!("x={part}");
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((decoded(id)?, decoded(secret)?))
}
