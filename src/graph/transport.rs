//! One HTTP exchange: connections, TLS, limits of time and size, and what may be believed.
//!
//! Input: a request. Output: a whole answer, or why there is none. No redirect is followed, no
//! compressed body is accepted, and nothing is tried twice: that is for the callers.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until};
use url::Url;
use uuid::Uuid;

use crate::defence::stands;
use crate::graph::error::certificate_problem;
use crate::graph::trust::Trust;
use crate::graph::{
    Endpoint, GraphError, Observer, Request, RequestOutcome, TenantOptions, WAIT_SLICE, Waiter,
    retry_after,
};
use crate::retry::RetryRule;

/// 999 objects of a page at 32 KiB each; a listing of ours has well under 4 KiB an object.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Requests under way at once. A read of members costs 2 units and takes some 200 ms, so 8 at
/// once cost 800 units in 10 s, a quarter of the smallest budget of 3,500
/// (learn.microsoft.com/graph/throttling-limits).
pub(super) const REQUESTS_IN_FLIGHT_MAX: usize = 8;
/// What Microsoft asks clients to log of an answer (learn.microsoft.com/graph/best-practices).
const REQUEST_ID: &str = "request-id";

/// The longest request id that is repeated in a text: a GUID has 36 characters.
const REQUEST_ID_MAX: usize = 64;

/// The connections to login and Graph.
pub(super) struct Transport {
    trust: Trust,
    observer: Observer,
    waiter: Waiter,
    now: fn() -> Timestamp,
    retry: RetryRule,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// `Content-Type`, for people; JSON or not is [`Answer::is_json`].
    media: String,
    /// Graph's name for this request, where it is one.
    pub(super) request_id: Option<String>,
    /// `WWW-Authenticate`, as it came.
    pub(super) challenge: Option<String>,
    body: Vec<u8>,
}

impl Transport {
    /// Reads the CA file and makes ready.
    pub(super) fn open(options: &TenantOptions) -> Result<Self, GraphError> {
        for (setting, url) in
            [("tenant.loginUrl", &options.login_url), ("tenant.graphUrl", &options.graph_url)]
        {
            if url.scheme() != "https" || url.host_str().is_none() {
                return Err(unusable(setting, "the address has to begin with https://"));
            }
        }
        let trust = Trust::open(options)?;
        let TenantOptions { observer, waiter, now, .. } = options;
        let (observer, waiter) = (observer.clone(), waiter.clone());
        Ok(Self { trust, observer, waiter, now: *now, retry: options.patience.retry })
    }

    /// Which authorities are trusted now, counted from the start.
    pub(super) fn trust(&self) -> u64 {
        self.trust.number()
    }

    /// Takes up a CA file that was renewed; whether others are trusted than those of number
    /// `before`. Connections that are open stay with those who use them.
    pub(super) async fn renew_trust(&self, before: u64) -> bool {
        self.trust.renew(before).await
    }

    /// A GET with the id by which both sides can find it in their logs.
    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.trust.client().get(url).header("client-request-id", Uuid::new_v4().to_string())
    }

    /// A POST with such an id.
    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.trust.client().post(url).header("client-request-id", Uuid::new_v4().to_string())
    }

    /// The time of day.
    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The count of tries of one request.
    pub(super) fn tries(&self) -> Tries {
        Tries { next: 2, rule: self.retry, waiter: self.waiter.clone() }
    }

    /// Waits until then.
    pub(super) async fn rest(&self, until: Instant) {
        rest(until, &self.waiter).await;
    }

    /// Sends the request and reads the whole answer, whatever its status.
    pub(super) async fn exchange(
        &self,
        endpoint: Endpoint,
        request: RequestBuilder,
    ) -> Result<Answer, GraphError> {
        let begun = Instant::now();
        let result = self.send(endpoint, request).await;
        (self.observer)(Request {
            endpoint: endpoint.word(),
            outcome: match &result {
                Ok(answer) => RequestOutcome::Status(answer.status),
                Err(error) => RequestOutcome::Failed(error.word()),
            },
            seconds: begun.elapsed().as_secs_f64(),
            throttled: result.as_ref().is_ok_and(|answer| answer.status == 429),
        });
        result
    }

    async fn send(
        &self,
        endpoint: Endpoint,
        request: RequestBuilder,
    ) -> Result<Answer, GraphError> {
        let response = request.send().await.map_err(|error| failure(endpoint, error))?;
        let status = response.status().as_u16();
        let headers = response.headers();
        let answer = Answer {
            status,
            retry_after: self.wait(headers),
            media: text(headers, &CONTENT_TYPE).unwrap_or("nothing").to_owned(),
            request_id: request_id(headers),
            challenge: text(headers, &WWW_AUTHENTICATE).map(str::to_owned),
            body: Vec::new(),
        };
        let body = body(endpoint, response).await?;
        Ok(Answer { body, ..answer })
    }

    fn wait(&self, headers: &HeaderMap) -> Option<Duration> {
        let sent = text(headers, &DATE).and_then(retry_after::http_date);
        retry_after::parse(text(headers, &RETRY_AFTER)?, sent.unwrap_or_else(|| self.now()))
    }
}

impl Answer {
    /// Whether the body says of itself that it is JSON.
    pub(super) fn is_json(&self) -> bool {
        let media = self.media.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("application/json")
    }

    /// The body as one of Graph's shapes.
    pub(super) fn json<T: DeserializeOwned>(&self, endpoint: Endpoint) -> Result<T, GraphError> {
        let unreadable = |problem: String| GraphError::Unreadable { endpoint, problem };
        if !self.is_json() && stands("H04") {
            let media: String = self.media.chars().take(60).filter(|c| !c.is_control()).collect();
            return Err(unreadable(format!(
                "the answer is {media} instead of JSON; does a portal or proxy stand between?"
            )));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            unreadable(if error.is_eof() {
                "the answer is cut off".to_owned()
            } else {
                format!("the answer is not what Graph documents (column {})", error.column())
            })
        })
    }
}

/// The tries of one request.
pub(super) struct Tries {
    next: u32,
    rule: RetryRule,
    waiter: Waiter,
}

impl Tries {
    /// Waits until the request may be sent again, or gives the error back for good.
    pub(super) async fn wait_after(&mut self, error: GraphError) -> Result<(), GraphError> {
        if !error.is_worth_repeating() {
            return Err(error);
        }
        match self.rule.delay(self.next, error.retry_after(), fastrand::f64()) {
            Some(delay) => rest(Instant::now() + delay, &self.waiter).await,
            None => return Err(error),
        }
        self.next = self.next.saturating_add(1);
        Ok(())
    }
}

/// Waits until then, and shows all the while that it only waits.
async fn rest(until: Instant, waiter: &Waiter) {
    loop {
        let next = until.min(Instant::now() + WAIT_SLICE);
        sleep_until(next).await;
        waiter();
        if next == until {
            return;
        }
    }
}

/// Reads the body up to the limit. A body shorter than its `Content-Length` is an error below us.
async fn body(endpoint: Endpoint, mut response: Response) -> Result<Vec<u8>, GraphError> {
    let too_long = || GraphError::Unreadable {
        endpoint,
        problem: format!("the answer is longer than {BODY_BYTES_MAX} bytes"),
    };
    let announced = response.content_length();
    if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) && stands("H17") {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(endpoint, error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    if announced.is_some_and(|bytes| bytes != body.len() as u64) {
        return Err(GraphError::Unreadable {
            endpoint,
            problem: "the answer is cut off".to_owned(),
        });
    }
    Ok(body)
}

fn failure(endpoint: Endpoint, error: reqwest::Error) -> GraphError {
    let host = error.url().and_then(Url::host_str).unwrap_or("the host").to_owned();
    // Next links carry page tokens that no log needs.
    let error = error.without_url();
    match certificate_problem(endpoint, &error) {
        Some(problem) => GraphError::Untrusted { endpoint, host, problem, source: error.into() },
        None if !error.is_timeout() && (error.is_decode() || error.is_body()) => {
            GraphError::Unreadable { endpoint, problem: format!("the answer of {host} is cut off") }
        }
        None => GraphError::Unreachable { endpoint, host, source: error.into() },
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && text.len() <= REQUEST_ID_MAX).then(|| text.to_owned())
}

pub(super) fn unusable(setting: &str, problem: &str) -> GraphError {
    GraphError::Configuration { setting: setting.to_owned(), problem: problem.to_owned() }
}
