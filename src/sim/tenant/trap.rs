//! A stranger's server that a next link may lead to.
//!
//! Input: requests that should never come. Output: whether any came, and whether one brought a
//! token. Its certificate is good, so nothing but the client's own care keeps the token away.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;

use super::wire::Server;
use crate::sim::tls::{Authority, LOOPBACK_NAMES};

/// A running trap. Dropping it ends it.
pub struct Trap {
    server: Server,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    requests: AtomicUsize,
    authorized: AtomicUsize,
}

impl Trap {
    /// Starts a trap whose certificate this authority signed.
    pub async fn start(authority: &Authority) -> io::Result<Self> {
        let count = Arc::new(Count::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&count));
        let server = Server::start(0, authority.server(&LOOPBACK_NAMES), router).await?;
        Ok(Self { server, count })
    }

    /// Its address, for [`Fault::ForeignNextLink`](super::Fault::ForeignNextLink).
    pub fn url(&self) -> String {
        format!("https://{}/v1.0/groups?$skiptoken=trap", self.server.address())
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.count.requests.load(Ordering::Acquire)
    }

    /// How many of them brought an `Authorization` header.
    pub fn authorized_requests(&self) -> usize {
        self.count.authorized.load(Ordering::Acquire)
    }
}

/// An answer that a careless client takes for the last page.
async fn answer(
    State(count): State<Arc<Count>>,
    request: Request,
) -> axum::Json<serde_json::Value> {
    count.requests.fetch_add(1, Ordering::AcqRel);
    if request.headers().contains_key(header::AUTHORIZATION) {
        count.authorized.fetch_add(1, Ordering::AcqRel);
    }
    axum::Json(serde_json::json!({ "value": [] }))
}
