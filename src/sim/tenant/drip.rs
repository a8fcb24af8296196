//! How the bytes of an answer leave: at once, by half, drop by drop, or not at all.
//!
//! Input: a finished answer and the faults on order. Output: a response whose body does to the
//! connection what bad networks do.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use futures_util::stream;

use super::orders::Fault;
use super::wire::Cut;

/// Puts an answer on the wire.
pub(super) fn send(
    status: StatusCode,
    mut headers: HeaderMap,
    body: Vec<u8>,
    faults: &[Fault],
    cut: &Cut,
) -> Response<Body> {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if faults.contains(&Fault::Reset) {
        cut.cut();
    }
    let pause = faults
        .iter()
        .find_map(|fault| if let Fault::SlowDrip { pause } = fault { Some(*pause) } else { None });
    let mut response = Response::new(match pause {
        Some(pause) => dripping(body, pause),
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

/// One byte after each pause.
fn dripping(body: Vec<u8>, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(body.into_iter(), move |mut rest| async move {
        let byte = rest.next()?;
        tokio::time::sleep(pause).await;
        Some((io::Result::Ok(Bytes::from(vec![byte])), rest))
    }))
}
