//! The HTTP endpoints: metrics and probes on one listener, status on another. Read-only.
//!
//! Comes from `report::metrics`, `report::status`, `report::groups` and `report::page`; goes to
//! whoever asks. Only this file and `connections`, which bounds what a connection may take, know
//! the web server.

mod connections;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::ObjectId;
use crate::report::Report;
use crate::report::groups::json;
use crate::report::groups::question::{Leaf, Question};
use crate::report::page::{self, Shown};
use connections::Limits;

/// How old the heartbeat may be: four times the longest silence, and some more. The loop shows that
/// it moves with every answer of either side, and with every second of a wait that the tenant asked
/// for; so the longest silence is one request without an answer, which is a search of 130 s
/// (`directory::TimeLimits`). Nothing outside the process counts: a restart mends neither tenant
/// nor domain, and a tenant that throttles would be asked all over again.
pub const HEARTBEAT_MAX_SECONDS: i64 = 9 * 60;

/// When the loop last showed that it moves; seconds since 1970.
#[derive(Debug, Default)]
pub struct Heartbeat(AtomicI64);

impl Heartbeat {
    /// The loop moves.
    pub fn beat(&self, now: Timestamp) {
        self.0.store(now.as_second(), Ordering::Relaxed);
    }

    fn age_seconds(&self, now: Timestamp) -> i64 {
        now.as_second().saturating_sub(self.0.load(Ordering::Relaxed))
    }
}

/// What the endpoints answer from.
#[derive(Clone)]
pub struct Served {
    /// Metrics and status.
    pub report: Arc<Report>,
    /// The loop's heartbeat.
    pub heartbeat: Arc<Heartbeat>,
    /// The time of day.
    pub now: fn() -> Timestamp,
    /// Whether the state directory takes a write.
    pub state_writable: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// Metrics and probes: `/metrics`, `/livez`, `/readyz`.
pub fn probes(served: Served) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(served)
}

/// Status: the pages for people, `/api/v1/status` and `/api/v1/groups` for programs.
pub fn status(served: Served) -> Router {
    let asset = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", get(overview))
        .route("/groups", get(groups))
        .route("/groups/{id}", get(group))
        .route("/plan", get(plan))
        .route("/assets/page.css", asset("text/css; charset=utf-8", page::CSS))
        .route("/assets/page.js", asset("text/javascript; charset=utf-8", page::JAVASCRIPT))
        .route("/assets/icon.svg", asset("image/svg+xml", page::ICON))
        .route("/api/v1/status", get(api_status))
        .route("/api/v1/groups", get(api_groups))
        .route("/api/v1/groups/{id}", get(api_group))
        .with_state(served)
}

/// Where the memory is served: below the address of `http.status`.
pub const MEMORY_PATH: &str = "/api/v1/memory";
/// Answers of the whole memory under way: each is a copy, of some 100 MB for a large tenant, until
/// its last byte is sent or its reader is gone.
const MEMORIES_MAX: usize = 2;

/// A copy of the memory, with the turn of whoever asked for it: both end together.
struct Copied {
    text: String,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Copied {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Tells the memory as one JSON document; called on a thread that may take its time.
pub type TellMemory = Arc<dyn Fn() -> String + Send + Sync>;

/// The memory, for plans that are made elsewhere (`plan --from URL`): `/api/v1/memory`. It holds
/// ids and GUIDs of the estate and belongs behind the listener of the status only.
pub fn memory(tell: TellMemory) -> Router {
    let state = (tell, Arc::new(Semaphore::new(MEMORIES_MAX)));
    Router::new().route(MEMORY_PATH, get(api_memory)).with_state(state)
}

async fn api_memory(State((tell, turns)): State<(TellMemory, Arc<Semaphore>)>) -> Response {
    let Ok(turn) = turns.try_acquire_owned() else {
        let text = "others are asking: try again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    match tokio::task::spawn_blocking(move || Copied { text: tell(), _turn: turn }).await {
        Ok(copied) => {
            let headers =
                [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, Bytes::from_owner(copied)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Binds `address` and serves `router` until the task is dropped. Returns the address it got.
pub async fn serve(address: SocketAddr, router: Router) -> std::io::Result<SocketAddr> {
    serve_within(address, router, Limits::default()).await
}

async fn serve_within(
    address: SocketAddr,
    router: Router,
    limits: Limits,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = router.layer(from_fn_with_state(bound, guard));
    tokio::spawn(connections::accept(listener, router, limits));
    Ok(bound)
}

/// What a browser may load for a page: our own style, script and sign, and nothing from elsewhere;
/// nobody may frame it (w3.org/TR/CSP3).
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                              img-src 'self'; form-action 'self'; base-uri 'none'; \
                              frame-ancestors 'none'";

/// Answers only those who ask for this machine by its own name, where it listens for this machine
/// alone: a page from elsewhere whose name was made to lead here would read what it wants (DNS
/// rebinding). Metrics and probes name nobody, and are asked for by whatever name.
async fn guard(State(bound): State<SocketAddr>, request: Request, next: Next) -> Response {
    let open = ["/metrics", "/livez", "/readyz"].contains(&request.uri().path());
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let of_target = request.uri().authority().map(Authority::as_str);
    let is_own = of_target.or(host).is_some_and(is_this_machine);
    if bound.ip().is_loopback() && !open && !is_own {
        let text = format!("this listener answers for {bound} and localhost only\n");
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Whether a `Host` names this machine: `localhost`, or a loopback address, with any port, since a
/// tunnel may end at another one.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A page, made on a thread that may take its time.
async fn shown(served: Served, make: impl FnOnce(Shown<'_>) -> Made + Send + 'static) -> Response {
    let answer = tokio::task::spawn_blocking(move || {
        let status = serde_json::to_value(served.report.status()).unwrap_or_default();
        let view = served.report.groups();
        make(Shown { status: &status, view: &view })
    });
    match answer.await {
        Ok((code, Answer::Page(text))) => (code, Html(text)).into_response(),
        Ok((code, Answer::Json(value))) => (code, axum::Json(value)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

enum Answer {
    Page(String),
    Json(Value),
}

type Made = (StatusCode, Answer);

fn page_of(text: String) -> Made {
    (StatusCode::OK, Answer::Page(text))
}

fn bad_page(shown: Shown<'_>, why: &str) -> Made {
    let text = page::refusal(shown, "That cannot be asked", why);
    (StatusCode::BAD_REQUEST, Answer::Page(text))
}

fn no_page(shown: Shown<'_>) -> Made {
    let why = "No group of this id is claimed, owned or told of.";
    (StatusCode::NOT_FOUND, Answer::Page(page::refusal(shown, "No such group", why)))
}

fn wrong(code: StatusCode, why: &str) -> Made {
    (code, Answer::Json(serde_json::json!({ "error": why })))
}

async fn overview(State(served): State<Served>) -> Response {
    shown(served, |shown| page_of(page::overview(shown))).await
}

async fn groups(State(served): State<Served>, RawQuery(query): RawQuery) -> Response {
    shown(served, move |shown| match Question::parse(&query.unwrap_or_default()) {
        Ok(question) => page_of(page::groups(shown, &question)),
        Err(why) => bad_page(shown, &why),
    })
    .await
}

async fn group(
    State(served): State<Served>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    shown(served, move |shown| {
        let found = ObjectId::parse(&id).and_then(|id| shown.view.group(id));
        match (found, Leaf::parse(&query.unwrap_or_default())) {
            (Some(group), Ok(leaf)) => page_of(page::group(shown, group, leaf)),
            (Some(_), Err(why)) => bad_page(shown, &why),
            (None, _) => no_page(shown),
        }
    })
    .await
}

async fn plan(State(served): State<Served>, RawQuery(query): RawQuery) -> Response {
    shown(served, move |shown| match Leaf::parse_plan(&query.unwrap_or_default()) {
        Ok(leaf) => page_of(page::plan(shown, leaf)),
        Err(why) => bad_page(shown, &why),
    })
    .await
}

async fn api_groups(State(served): State<Served>, RawQuery(query): RawQuery) -> Response {
    shown(served, move |shown| match Question::parse(&query.unwrap_or_default()) {
        Ok(question) => (StatusCode::OK, Answer::Json(json::list(shown.view, &question))),
        Err(why) => wrong(StatusCode::BAD_REQUEST, &why),
    })
    .await
}

async fn api_group(
    State(served): State<Served>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    shown(served, move |shown| {
        let found = ObjectId::parse(&id).and_then(|id| shown.view.group(id));
        match (found, Leaf::parse(&query.unwrap_or_default())) {
            (Some(group), Ok(leaf)) => {
                (StatusCode::OK, Answer::Json(json::one(shown.view, group, leaf)))
            }
            (Some(_), Err(why)) => wrong(StatusCode::BAD_REQUEST, &why),
            (None, _) => wrong(StatusCode::NOT_FOUND, "no group of this id is known"),
        }
    })
    .await
}

async fn metrics(State(served): State<Served>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = served.report.metrics().text_at((served.now)());
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn livez(State(served): State<Served>) -> Response {
    let age = served.heartbeat.age_seconds((served.now)());
    if age <= HEARTBEAT_MAX_SECONDS {
        return (StatusCode::OK, "ok\n").into_response();
    }
    let text = format!("the loop has not moved for {age} s\n");
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn readyz(State(served): State<Served>) -> Response {
    let status = served.report.status();
    if !(served.state_writable)() {
        let text = "the state directory cannot be written\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    if status.is_ready() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    let mut text = String::from("not ready\n");
    for mistake in status.mistakes() {
        text.push_str(mistake);
        text.push('\n');
    }
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn api_status(State(served): State<Served>) -> Response {
    axum::Json(served.report.status()).into_response()
}

#[cfg(test)]
mod tests;
