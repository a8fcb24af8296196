//! The door: every request passes here on its way in and out.
//!
//! Input: HTTP requests. Output: what login or Graph answer, dressed in Microsoft's headers, bent
//! by the faults on order, and written down for the test to look at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Response, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{Ask, Endpoint};
use super::change::change;
use super::clock::{Clock, http_date};
use super::cloud::Cloud;
use super::credentials::{Credentials, Registered};
use super::drip;
use super::error::{LoginRefusal, Refusal};
use super::graph::{HiddenAnswer, View};
use super::login::{Issued, Login};
use super::orders::{Fault, Orders};
use super::reply::{Reply, bearer, client_request_id, text};
use super::wire::Cut;

/// A token request is a few kilobytes: the longest part is an assertion.
const LARGEST_FORM_BYTES: usize = 64 * 1024;

/// Earlier states kept for stale replicas. A replica is seconds behind, not more edits than this.
const HISTORY: usize = 64;

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As it was sent; empty without one.
    pub query: String,
    /// The status that was sent. None: the connection ended before an answer.
    pub status: Option<u16>,
    /// Whether there was an `Authorization` header of type Bearer.
    pub had_bearer: bool,
}

/// What all requests of a tenant share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) credentials: Credentials,
    /// `https://127.0.0.1:port`, known once the port is.
    pub(super) base: OnceLock<String>,
    state: Mutex<Desk>,
    /// Held through an edit, so that two edits never start from the same state. Requests do not
    /// wait for it.
    edits: Mutex<()>,
}

/// What changes while the tenant runs.
pub(super) struct Desk {
    pub(super) cloud: Arc<Cloud>,
    /// Earlier states, newest last.
    pub(super) history: VecDeque<Arc<Cloud>>,
    /// The state that listings tell instead of the present one.
    pub(super) older: Option<Arc<Cloud>>,
    pub(super) orders: Orders,
    pub(super) roles: Vec<String>,
    pub(super) tokens: BTreeMap<String, Issued>,
    pub(super) registered: Registered,
    pub(super) lifetime: SignedDuration,
    pub(super) hidden: HiddenAnswer,
    pub(super) seen: Vec<Seen>,
}

impl Desk {
    /// Puts a new state in the place of the present one.
    pub(super) fn put(&mut self, cloud: Cloud) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(std::mem::replace(&mut self.cloud, Arc::new(cloud)));
    }
}

/// Everything goes through one handler: the paths are OData's, which a router cannot read.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = axum::body::to_bytes(body, LARGEST_FORM_BYTES).await.unwrap_or_default();
    let lifted = shared.desk().orders.lifted();
    let (reply, faults) = shared.reply(&parts, &form);
    let lifted = Arc::new(move || shared.desk().orders.lifted() != lifted);
    drip::send(reply.status, reply.headers, reply.body, &faults, &cut, lifted)
}

impl Shared {
    pub(super) fn new(credentials: Credentials, clock: Clock, desk: Desk) -> Self {
        Self {
            clock,
            credentials,
            base: OnceLock::new(),
            state: Mutex::new(desk),
            edits: Mutex::new(()),
        }
    }

    /// The desk. A test that panicked while it held the desk has failed anyway.
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to edit.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn base(&self) -> &str {
        self.base.get().map_or("", String::as_str)
    }

    fn reply(&self, parts: &Parts, form: &[u8]) -> (Reply, Vec<Fault>) {
        let ask = Ask::read(parts.uri.path(), parts.uri.query());
        // A write is an edit: it waits for its turn before it takes the desk, as every edit does.
        let _turn = (parts.method != Method::GET && ask.is_of_graph()).then(|| self.turn());
        let mut desk = self.desk();
        let faults = desk.orders.take(&ask);
        let mut reply = match self.instead(&ask, parts, &faults) {
            Some(reply) => reply,
            None => match &ask.endpoint {
                Endpoint::Token { tenant } => self.token(&mut desk, parts, tenant, form),
                Endpoint::Metadata { tenant } => self.metadata(&desk, tenant),
                Endpoint::Groups
                | Endpoint::Group(_)
                | Endpoint::Members { .. }
                | Endpoint::Reference { .. }
                | Endpoint::DeletedGroups
                | Endpoint::DeletedItem(_)
                | Endpoint::Restore(_)
                | Endpoint::Organization
                | Endpoint::Settings
                | Endpoint::Licences
                | Endpoint::Synchronization(_)
                | Endpoint::Users
                | Endpoint::User(_)
                | Endpoint::Device(_)
                | Endpoint::Nowhere(_) => self.graph(&mut desk, parts, &ask, &faults, form),
            },
        };
        reply.put("date", &http_date(self.clock.now()));
        let reset = faults.contains(&Fault::Reset);
        desk.seen.push(Seen {
            method: parts.method.to_string(),
            path: ask.path,
            query: ask.query.unwrap_or_default(),
            status: (!reset).then_some(reply.status.as_u16()),
            had_bearer: bearer(parts).is_some(),
        });
        (reply, faults)
    }

    /// The answer of a fault that takes the place of the true one.
    fn instead(&self, ask: &Ask, parts: &Parts, faults: &[Fault]) -> Option<Reply> {
        let of_login = !ask.is_of_graph();
        let refuse = |status: StatusCode, code: &'static str, text: &str, login_code: u32| {
            if of_login {
                let refusal = LoginRefusal {
                    status,
                    error: "temporarily_unavailable",
                    code: login_code,
                    text: text.to_owned(),
                };
                self.login_refused(&refusal)
            } else {
                self.refused(parts, &Refusal::new(status, code, text))
            }
        };
        faults.iter().find_map(|fault| match fault {
            Fault::Throttled { retry_after, scope } => {
                let text = "This request is throttled. Please try again.";
                let status = StatusCode::TOO_MANY_REQUESTS;
                let mut reply = refuse(status, "TooManyRequests", text, 90055);
                if let Some(wait) = retry_after {
                    reply.put("retry-after", wait);
                }
                if let Some(scope) = scope {
                    reply.put("x-ms-throttle-scope", scope);
                }
                reply.put("x-ms-throttle-information", "ResourceUnitLimitExceeded");
                Some(reply)
            }
            Fault::Unavailable503 => {
                let text = "The service is temporarily unavailable.";
                Some(refuse(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", text, 90033))
            }
            Fault::GatewayTimeout504 => {
                let text = "The gateway waited too long.";
                Some(refuse(StatusCode::GATEWAY_TIMEOUT, "serviceNotAvailable", text, 90033))
            }
            Fault::ExpiredPageToken => {
                let text = "The specified page token value has expired and can no longer be \
                            included in your request.";
                let status = StatusCode::BAD_REQUEST;
                Some(refuse(status, "Directory_ExpiredPageToken", text, 90033))
            }
            Fault::Unauthorized401 => {
                let text = "Access token has expired or is not yet valid.";
                Some(self.refused(parts, &Refusal::unauthenticated(text)))
            }
            Fault::WrongJson => {
                Some(Reply::json(StatusCode::OK, &json!({ "value": { "not": "a list" } })))
            }
            Fault::Html200 => Some(Reply::web_page()),
            Fault::Reset
            | Fault::TruncatedBody
            | Fault::SlowDrip { .. }
            | Fault::EmptyPage
            | Fault::EmptyAnswer
            | Fault::ForeignNextLink(_)
            | Fault::RepeatingNextLink
            | Fault::StaleReplica { .. }
            | Fault::NullWitness(_)
            | Fault::NullWitnesses
            | Fault::HalfTheMembers
            | Fault::OmitFromFlagListing(_)
            | Fault::OmitFromListing(_) => None,
        })
    }

    fn token(&self, desk: &mut Desk, parts: &Parts, tenant: &str, form: &[u8]) -> Reply {
        if parts.method != Method::POST {
            let text = "The endpoint only accepts POST requests.";
            return self.login_refused(&LoginRefusal::new("invalid_request", 900_561, text));
        }
        let now = self.clock.now();
        let authorization = text(&parts.headers, header::AUTHORIZATION);
        let answer = self.login(desk).token(tenant, authorization, form);
        match answer {
            Ok((token, issued, body)) => {
                desk.tokens.retain(|_, issued| issued.expires > now);
                desk.tokens.insert(token, issued);
                Reply::json(StatusCode::OK, &body)
            }
            Err(refusal) => self.login_refused(&refusal),
        }
    }

    /// Issues a token to the machine that the tenant takes for the application, with nothing
    /// shown: what the platform does behind a managed identity.
    pub(super) fn issue_to_machine(&self) -> Value {
        let mut desk = self.desk();
        let (token, issued, body) = self.login(&desk).issue();
        desk.tokens.insert(token, issued);
        body
    }

    fn metadata(&self, desk: &Desk, tenant: &str) -> Reply {
        match self.login(desk).metadata(tenant) {
            Ok(body) => Reply::json(StatusCode::OK, &body),
            Err(refusal) => self.login_refused(&refusal),
        }
    }

    fn login<'a>(&'a self, desk: &'a Desk) -> Login<'a> {
        Login {
            tenant_id: desk.cloud.tenant_id,
            credentials: &self.credentials,
            registered: &desk.registered,
            roles: &desk.roles,
            lifetime: desk.lifetime,
            base: self.base(),
            now: self.clock.now(),
        }
    }

    fn graph(
        &self,
        desk: &mut Desk,
        parts: &Parts,
        ask: &Ask,
        faults: &[Fault],
        body: &[u8],
    ) -> Reply {
        let roles = match self.authenticate(desk, parts) {
            Ok(issued) => issued.roles.clone(),
            Err(refusal) => return self.refused(parts, &refusal),
        };
        if parts.method == Method::GET {
            return self.read(desk, parts, ask, faults, &roles);
        }
        let mut cloud = Cloud::clone(&desk.cloud);
        cloud.set_now(self.clock.now());
        match change(&mut cloud, &roles, &parts.method, ask, body) {
            Ok(()) => {
                desk.put(cloud);
                // Who restores an object is shown it; every other change is answered with nothing
                // (learn.microsoft.com/graph/api/directory-deleteditems-restore).
                if matches!(ask.endpoint, Endpoint::Restore(_)) {
                    return self.read(desk, parts, ask, faults, &roles);
                }
                let mut reply = Reply::empty(StatusCode::NO_CONTENT);
                reply.identify(parts, Uuid::new_v4());
                reply
            }
            Err(refusal) => self.refused(parts, &refusal),
        }
    }

    fn read(
        &self,
        desk: &Desk,
        parts: &Parts,
        ask: &Ask,
        faults: &[Fault],
        roles: &[String],
    ) -> Reply {
        // Casts, like `$count`, need advanced query
        // (learn.microsoft.com/graph/aad-advanced-queries).
        let cast = matches!(ask.endpoint, Endpoint::Members { cast: Some(_), .. });
        let eventual = text(&parts.headers, HeaderName::from_static("consistencylevel"))
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
        if (cast || ask.options.count) && !(eventual && ask.options.count) {
            let text = "The request needs the header 'ConsistencyLevel: eventual' and the \
                        parameter '$count=true'.";
            return self.refused(parts, &Refusal::unsupported_query(text));
        }
        let view = View {
            cloud: replica(desk, ask, faults),
            roles,
            faults,
            hidden: desk.hidden,
            base: self.base(),
        };
        match view.answer(ask) {
            Ok(document) => {
                let mut reply = Reply::document(document);
                reply.identify(parts, Uuid::new_v4());
                reply
            }
            Err(refusal) => self.refused(parts, &refusal),
        }
    }

    fn authenticate<'d>(&self, desk: &'d Desk, parts: &Parts) -> Result<&'d Issued, Refusal> {
        let token =
            bearer(parts).ok_or_else(|| Refusal::unauthenticated("Access token is empty."))?;
        let issued = desk.tokens.get(token).ok_or_else(|| {
            Refusal::unauthenticated("Access token validation failure. Invalid signature.")
        })?;
        if issued.expires <= self.clock.now() {
            let text = "Lifetime validation failed, the token is expired.";
            return Err(Refusal::unauthenticated(text));
        }
        Ok(issued)
    }

    fn refused(&self, parts: &Parts, refusal: &Refusal) -> Reply {
        let request = Uuid::new_v4();
        let client_request = client_request_id(parts, request);
        let body = refusal.body(self.clock.now(), request, &client_request);
        let mut reply = Reply::json(refusal.status, &body);
        reply.headers.extend(refusal.headers.iter().cloned());
        reply.identify(parts, request);
        reply
    }

    fn login_refused(&self, refusal: &LoginRefusal) -> Reply {
        Reply::json(refusal.status, &refusal.body(self.clock.now(), self.base()))
    }
}

/// The state a request looks at: the present one, or one of some edits ago.
fn replica<'d>(desk: &'d Desk, ask: &Ask, faults: &[Fault]) -> &'d Cloud {
    if let Some(older) = desk.older.as_ref().filter(|_| ask.is_listing()) {
        return older;
    }
    let behind = faults.iter().find_map(|fault| {
        if let Fault::StaleReplica { edits } = fault { Some(*edits) } else { None }
    });
    match behind {
        None | Some(0) => &desk.cloud,
        Some(edits) => {
            let place = desk.history.len().saturating_sub(edits);
            desk.history.get(place).unwrap_or(&desk.cloud)
        }
    }
}
