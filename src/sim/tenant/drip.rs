//! How the bytes of an answer leave: at once, by half, drop by drop, or not at all.
//!
//! Input: a finished answer and the faults on order. Output: a response whose body does to the
//! connection what bad networks do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use futures_util::stream;
use tokio::time::{Instant, sleep_until};

use super::orders::Fault;
use super::wire::Cut;

/// How often an answer that drips asks whether the rest may come.
const LOOK: Duration = Duration::from_millis(20);

/// Says that the orders were taken back since an answer began.
pub(super) type Lifted = Arc<dyn Fn() -> bool + Send + Sync>;

/// Puts an answer on the wire.
pub(super) fn send(
    status: StatusCode,
    mut headers: HeaderMap,
    body: Vec<u8>,
    faults: &[Fault],
    cut: &Cut,
    lifted: Lifted,
) -> Response<Body> {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if faults.contains(&Fault::Reset) {
        cut.cut();
    }
    let pause = faults
        .iter()
        .find_map(|fault| if let Fault::SlowDrip { pause } = fault { Some(*pause) } else { None });
    let mut response = Response::new(match pause {
        Some(pause) => dripping(body.into(), pause, lifted),
        None if faults.contains(&Fault::TruncatedBody) => truncated(&body),
        None => Body::from(body),
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Half of the bytes, then the end of the connection.
fn truncated(body: &[u8]) -> Body {
    let half = Bytes::copy_from_slice(body.split_at(body.len() / 2).0);
    Body::from_stream(stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // Waiting once lets the half be sent before the connection is given up.
        tokio::task::yield_now().await;
        let error: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
        Some((error, None))
    }))
}

/// One byte after each pause; the rest at once when the orders are taken back.
fn dripping(body: Bytes, pause: Duration, lifted: Lifted) -> Body {
    Body::from_stream(stream::unfold(body, move |mut rest| {
        let lifted = Arc::clone(&lifted);
        async move {
            if rest.is_empty() {
                return None;
            }
            let next = Instant::now() + pause;
            loop {
                sleep_until(next.min(Instant::now() + LOOK)).await;
                if lifted() {
                    let all = rest.split_to(rest.len());
                    return Some((io::Result::Ok(all), rest));
                }
                if Instant::now() >= next {
                    let byte = rest.split_to(1);
                    return Some((io::Result::Ok(byte), rest));
                }
            }
        }
    }))
}
