//! The HTTP endpoints: metrics and probes on one listener, status on another. Read-only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::report::Report;

/// How old the heartbeat may be: three times the longest single wait inside a pass, which is a
/// Retry-After of 3 minutes. Nothing outside the process counts: a restart mends neither tenant
/// nor domain.
pub const HEARTBEAT_MAX_SECONDS: i64 = 3 * 180;

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

/// Status: `/api/v1/status`.
pub fn status(served: Served) -> Router {
    Router::new().route("/api/v1/status", get(api_status)).with_state(served)
}

/// Where the memory is served: below the address of `http.status`.
pub const MEMORY_PATH: &str = "/api/v1/memory";
/// Answers of the whole memory under way: each is a copy, of some 100 MB for a large tenant.
const MEMORIES_MAX: usize = 2;

/// Tells the memory as one JSON document; called on a thread that may take its time.
pub type TellMemory = Arc<dyn Fn() -> String + Send + Sync>;

/// The memory, for plans that are made elsewhere (`plan --from URL`): `/api/v1/memory`. It holds
/// ids and GUIDs of the estate and belongs behind the listener of the status only.
pub fn memory(tell: TellMemory) -> Router {
    let state = (tell, Arc::new(Semaphore::new(MEMORIES_MAX)));
    Router::new().route(MEMORY_PATH, get(api_memory)).with_state(state)
}

async fn api_memory(State((tell, turns)): State<(TellMemory, Arc<Semaphore>)>) -> Response {
    let Ok(_turn) = turns.try_acquire() else {
        let text = "others are asking: try again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    match tokio::task::spawn_blocking(move || tell()).await {
        Ok(text) => {
            let headers =
                [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Binds `address` and serves `router` until the task is dropped. Returns the address it got.
pub async fn serve(address: SocketAddr, router: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(bound)
}

async fn metrics(State(served): State<Served>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], served.report.metrics().text()).into_response()
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
