//! The simulated platform that gives out tokens of a managed identity: the metadata service of an
//! Azure VM, or the Azure Arc agent, on loopback over plain HTTP.
//!
//! Input: where tokens come from, trouble on order, requests. Output: answers in the shape of
//! learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token and
//! learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication. It shares no code
//! with the client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The path of both.
const PATH: &str = "/metadata/identity/oauth2/token";

/// Where tokens come from: `Tenant::tokens_of_machine`.
pub type Tokens = Arc<dyn Fn() -> Value + Send + Sync>;

/// What is wrong with the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every answer has this status.
    Status(u16),
    /// The challenge of the Azure Arc agent names this file.
    KeyAt(PathBuf),
    /// The key of the next challenges is this text.
    KeyOf(String),
    /// The agent's 401 names no file.
    NoChallenge,
    /// The agent forgets the key before it is shown.
    KeyForgotten,
    /// The token's life is told by its end alone.
    NoLife,
    /// The token is empty.
    EmptyToken,
}

/// A running platform. Dropping it ends the server.
pub struct Platform {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    serving: JoinHandle<()>,
}

struct Desk {
    tokens: Tokens,
    /// The folder of keys, for Arc.
    keys: Option<PathBuf>,
    key: Option<(PathBuf, String)>,
    assigned: Vec<Uuid>,
    own: bool,
    trouble: Option<Trouble>,
    seen: Vec<String>,
}

impl Platform {
    /// The metadata service of a VM that has an identity of its own.
    pub async fn vm(tokens: Tokens) -> io::Result<Self> {
        Self::start(tokens, None).await
    }

    /// The Azure Arc agent, which puts its keys into this folder.
    pub async fn arc(tokens: Tokens, keys: PathBuf) -> io::Result<Self> {
        Self::start(tokens, Some(keys)).await
    }

    async fn start(tokens: Tokens, keys: Option<PathBuf>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Mutex::new(Desk {
            tokens,
            keys,
            key: None,
            assigned: Vec::new(),
            own: true,
            trouble: None,
            seen: Vec::new(),
        }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let serving = tokio::spawn(async move {
            // It ends only when its task is aborted; it has no error to report.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, desk, serving })
    }

    /// `http://127.0.0.1:port`: what AZURE_POD_IDENTITY_AUTHORITY_HOST would say.
    pub fn host(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What IDENTITY_ENDPOINT says on a machine with the Azure Arc agent.
    pub fn endpoint(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Assigns an identity beside the machine's own.
    pub fn assign(&self, client_id: Uuid) {
        desk(&self.desk).assigned.push(client_id);
    }

    /// Takes the machine's own identity away.
    pub fn disown(&self) {
        desk(&self.desk).own = false;
    }

    /// Orders trouble, or takes it back.
    pub fn order(&self, trouble: Option<Trouble>) {
        desk(&self.desk).trouble = trouble;
    }

    /// The requests so far: path and query, and ` with key` where one was shown.
    pub fn requests(&self) -> Vec<String> {
        desk(&self.desk).seen.clone()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The desk. A test that panicked while it held the desk has failed anyway.
fn desk(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(shared): State<Arc<Mutex<Desk>>>, request: Request) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    desk(&shared).reply(uri.path(), uri.query().unwrap_or_default(), &headers)
}

impl Desk {
    fn reply(&mut self, path: &str, query: &str, headers: &HeaderMap) -> Response {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let key = text(header::AUTHORIZATION);
        self.seen.push(format!("{path}?{query}{}", if key.is_some() { " with key" } else { "" }));
        if let Some(Trouble::Status(status)) = self.trouble {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
            return refuse(status, "trouble", "The platform is in trouble.");
        }
        let bad = |what: &str| refuse(StatusCode::BAD_REQUEST, "invalid_request", what);
        if path != PATH {
            return refuse(StatusCode::NOT_FOUND, "not_found", "There is nothing here.");
        }
        // The letters of its value count (how-to-use-vm-token), and a proxy gives itself away.
        if headers.get("metadata").is_none_or(|value| value != "true") {
            return bad("Required metadata header not specified");
        }
        if headers.contains_key("x-forwarded-for") {
            return bad("Proxy request");
        }
        let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let field = |name: &str| fields.iter().find(|(one, _)| one == name).map(|(_, value)| value);
        let version = if self.keys.is_some() { "2020-06-01" } else { "2018-02-01" };
        if field("api-version").is_none_or(|given| given != version) {
            return bad("The api-version is not supported");
        }
        if field("resource").is_none_or(|given| given.ends_with("/.default")) {
            return bad("AADSTS500011: The resource principal was not found in the tenant");
        }
        let known = match field("client_id") {
            Some(id) => Uuid::parse_str(id).is_ok_and(|id| self.assigned.contains(&id)),
            None => self.own,
        };
        if !known {
            return bad("Identity not found");
        }
        if self.keys.is_some() && !self.is_shown(key) {
            return self.challenge();
        }
        self.grant()
    }

    /// Whether the key of the last challenge is shown; a key is good once.
    fn is_shown(&mut self, shown: Option<&str>) -> bool {
        let Some(shown) = shown.and_then(|shown| shown.strip_prefix("Basic ")) else {
            return false;
        };
        let forgotten = self.trouble == Some(Trouble::KeyForgotten);
        self.key.take().is_some_and(|(file, key)| {
            // Who removed it before has done the same.
            let _gone = std::fs::remove_file(file);
            key == shown && !forgotten
        })
    }

    fn challenge(&mut self) -> Response {
        let named = match (&self.trouble, &self.keys) {
            (Some(Trouble::NoChallenge), _) | (_, None) => None,
            (Some(Trouble::KeyAt(path)), _) => Some(path.clone()),
            (_, Some(folder)) => {
                let file = folder.join(format!("{}.key", Uuid::new_v4()));
                let key = match &self.trouble {
                    Some(Trouble::KeyOf(key)) => key.clone(),
                    _ => Uuid::new_v4().simple().to_string(),
                };
                if std::fs::write(&file, &key).is_err() {
                    return refuse(StatusCode::INTERNAL_SERVER_ERROR, "keys", "No key is made.");
                }
                self.key = Some((file.clone(), key));
                Some(file)
            }
        };
        let mut response =
            refuse(StatusCode::UNAUTHORIZED, "unauthorized_client", "Missing Basic Authorization");
        let challenge = named.map(|file| format!("Basic realm={}", file.display()));
        if let Some(value) = challenge.and_then(|text| text.try_into().ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }

    /// Numbers are texts here, unlike at the login.
    fn grant(&self) -> Response {
        let mut body = (self.tokens)();
        let seconds = body.get("expires_in").and_then(Value::as_i64).unwrap_or_default();
        let token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let end = issued_at(token) + seconds;
        let number = |number: i64| Value::from(number.to_string());
        if let Some(body) = body.as_object_mut() {
            body.insert("expires_in".to_owned(), number(seconds));
            body.insert("expires_on".to_owned(), number(end));
            body.remove("ext_expires_in");
            match &self.trouble {
                Some(Trouble::NoLife) => {
                    body.remove("expires_in");
                }
                Some(Trouble::EmptyToken) => {
                    body.insert("access_token".to_owned(), Value::from(""));
                }
                _ => {}
            }
        }
        (StatusCode::OK, axum::Json(body)).into_response()
    }
}

/// `iat` of a token.
fn issued_at(token: &str) -> i64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    claims.and_then(|claims| claims.get("iat")?.as_i64()).unwrap_or_default()
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, axum::Json(body)).into_response()
}
