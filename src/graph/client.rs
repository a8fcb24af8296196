//! One GET from Graph: with a token, at the pace the tenant asks for, tried again by rule.
//!
//! Input: an endpoint and a URL. Output: one of Graph's JSON shapes, or the [`GraphError`] of the
//! last try. The token leaves this file on its way to the configured origin only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::defence::stands;
use crate::graph::token::{Token, TokenSource};
use crate::graph::transport::{Answer, REQUESTS_IN_FLIGHT_MAX, Transport};
use crate::graph::wire::Failure;
use crate::graph::{Endpoint, GraphError, TenantOptions};
use crate::retry::RETRY_AFTER_MAX;

/// After a wait that all requests shared, they start again spread over this time.
const RESUME_SPREAD: Duration = Duration::from_millis(500);

/// The connection to Graph.
pub(super) struct Client {
    transport: Transport,
    tokens: TokenSource,
    graph: Url,
    in_flight: Semaphore,
    /// Set by a throttled request for all of them: requests sent meanwhile would only count
    /// against the budget (learn.microsoft.com/graph/throttling).
    quiet_until: Mutex<Option<Instant>>,
}

/// What one try led to besides an error.
enum Tried {
    Answered(Answer),
    /// 401: the token is not accepted.
    TokenRejected,
}

impl Client {
    pub(super) fn open(options: TenantOptions) -> Result<Self, GraphError> {
        Ok(Self {
            transport: Transport::open(&options)?,
            graph: options.graph_url.clone(),
            tokens: TokenSource::new(options)?,
            in_flight: Semaphore::new(REQUESTS_IN_FLIGHT_MAX),
            quiet_until: Mutex::default(),
        })
    }

    /// A token that is good now.
    pub(super) async fn token(&self) -> Result<Arc<Token>, GraphError> {
        self.tokens.token(&self.transport, None).await
    }

    /// An address of Graph: `path` begins with the version, `query` is not yet encoded.
    pub(super) fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.graph.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url.set_query(Some(query));
        url
    }

    /// Reads one answer, trying again while that can help.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        url: &Url,
    ) -> Result<T, GraphError> {
        self.check_origin(endpoint, url)?;
        let mut tries = self.transport.tries();
        let mut token = self.token().await?;
        let mut renewed = false;
        loop {
            let trust = self.transport.trust();
            let error = match self.attempt(endpoint, url, &token).await {
                Ok(Tried::Answered(answer)) => match answer.json(endpoint) {
                    Ok(shape) => return Ok(shape),
                    Err(error) => error,
                },
                Ok(Tried::TokenRejected) if !renewed => {
                    renewed = true;
                    token = self.tokens.token(&self.transport, Some(&token)).await?;
                    continue;
                }
                Ok(Tried::TokenRejected) => return Err(twice_rejected()),
                Err(GraphError::Untrusted { .. }) if self.transport.renew_trust(trust).await => {
                    continue;
                }
                Err(error) => error,
            };
            tries.wait_after(error).await?;
            token = self.token().await?;
        }
    }

    /// The token goes to the configured origin and nowhere else, whatever a next link says.
    fn check_origin(&self, endpoint: Endpoint, url: &Url) -> Result<(), GraphError> {
        if url.origin() == self.graph.origin() || !stands("H16") {
            return Ok(());
        }
        let host = url.host_str().unwrap_or(url.scheme()).to_owned();
        Err(GraphError::ForeignNextLink { endpoint, host })
    }

    async fn attempt(
        &self,
        endpoint: Endpoint,
        url: &Url,
        token: &Token,
    ) -> Result<Tried, GraphError> {
        let turn = self.in_flight.acquire().await.expect("the semaphore is never closed");
        self.keep_pace(endpoint).await?;
        let request = self
            .transport
            .get(url.clone())
            .header(AUTHORIZATION, token.header()?)
            .header(ACCEPT, "application/json")
            // A background reader gives way to people
            // (learn.microsoft.com/graph/throttling-limits).
            .header("x-ms-throttle-priority", "Low");
        let answer = self.transport.exchange(endpoint, request).await?;
        drop(turn);
        self.judge(endpoint, answer, token)
    }

    fn judge(
        &self,
        endpoint: Endpoint,
        answer: Answer,
        token: &Token,
    ) -> Result<Tried, GraphError> {
        let (status, retry_after) = (answer.status, answer.retry_after);
        if status == 200 {
            return Ok(Tried::Answered(answer));
        }
        // What does not have Graph's shape was not said by Graph: a proxy's 404 proves nothing.
        let failure = answer.json::<Failure>(endpoint).ok().map(|failure| failure.error);
        let is = |code: &str| failure.as_ref().is_some_and(|failure| failure.is(code));
        Err(match status {
            401 => return Ok(Tried::TokenRejected),
            429 => {
                self.ask_for_quiet(retry_after);
                GraphError::Throttled { endpoint, retry_after }
            }
            500 | 502..=504 => GraphError::Unavailable { endpoint, status, retry_after },
            400 if is("Directory_ExpiredPageToken") => GraphError::ExpiredPage { endpoint },
            403 if failure.is_some() => missing_right(endpoint, token),
            404 if is("Request_ResourceNotFound") || is("Directory_ObjectNotFound") => {
                GraphError::NotFound { endpoint }
            }
            300..=399 => GraphError::Unreadable {
                endpoint,
                problem: format!(
                    "the answer points elsewhere (status {status}) and is not followed; does a \
                     portal or proxy stand between?"
                ),
            },
            _ => {
                let code = failure.map_or("without Graph's error shape".to_owned(), |failure| {
                    let code: String =
                        failure.code.chars().filter(|c| !c.is_control()).take(80).collect();
                    format!("and code {code}")
                });
                let id = answer.request_id.unwrap_or_else(|| "none".to_owned());
                let detail = format!("{code} (request-id {id})");
                GraphError::Unexpected { endpoint, status, detail }
            }
        })
    }

    /// Waits out what a throttled request was told, once: how often a request is tried in all
    /// is for the caller to bound.
    async fn keep_pace(&self, endpoint: Endpoint) -> Result<(), GraphError> {
        let Some(until) = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner) else {
            return Ok(());
        };
        let left = until.saturating_duration_since(Instant::now());
        if left > RETRY_AFTER_MAX {
            return Err(GraphError::Throttled { endpoint, retry_after: Some(left) });
        }
        if !left.is_zero() {
            self.transport.rest(until + RESUME_SPREAD.mul_f64(fastrand::f64())).await;
        }
        Ok(())
    }

    fn ask_for_quiet(&self, retry_after: Option<Duration>) {
        let wait = retry_after.filter(|_| stands("H03"));
        let Some(until) = wait.and_then(|wait| Instant::now().checked_add(wait)) else {
            return;
        };
        let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |known| known.max(until)));
    }
}

fn twice_rejected() -> GraphError {
    GraphError::Refused {
        code: None,
        advice: "Graph rejects a token that is new; check tenant.graphUrl, tenant.scope and this \
                 machine's clock"
            .to_owned(),
    }
}

fn missing_right(endpoint: Endpoint, token: &Token) -> GraphError {
    let rights = endpoint.rights();
    let right = rights.first().copied().unwrap_or_default();
    let others = rights.get(1..).unwrap_or_default().join(" or ");
    let advice = if token.rights.has_any(rights) {
        format!(
            "Graph refuses although the token carries a right that should do ({right} or \
             {others}); was it granted to another application, or is the application restricted?"
        )
    } else {
        format!(
            "the application lacks the right {right} ({others} do as well); grant it as an \
             application permission and give admin consent"
        )
    };
    GraphError::MissingRight { endpoint, right, advice }
}
