//! The connections of a listener: how many at once, and how long each may take.
//!
//! Comes from a listener and from what answers (`report::endpoint`); goes to whoever connects.
//! Whoever reaches a port can connect and stay silent, or ask and not read the answer: nobody may
//! use up by that what passes need, which are files to open and memory.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// The head of a request, bytes: the longest question has well under 8 KiB.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a listener rests that could not accept: no file is free until another is closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// What connections of one listener may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Open at once.
    pub(super) connections_max: usize,
    /// From the end of one answer, or from the start, to the end of the next request's head.
    pub(super) head: Duration,
    /// The age from which no further request is taken.
    pub(super) age: Duration,
    /// The longest answer that is under way then.
    pub(super) answer: Duration,
}

impl Default for Limits {
    /// Connections: a scraper, two probes and eight browsers, which open six each; both listeners
    /// together have an eighth of the 1,024 files that a process may open by default. Head: two
    /// scrapes at the usual 15 s come over one connection. Age: five minutes cost a scraper one new
    /// connection in twenty. Answer: as long as `plan --from` waits for the memory.
    fn default() -> Self {
        Self {
            connections_max: 64,
            head: Duration::from_secs(30),
            age: Duration::from_mins(5),
            answer: Duration::from_mins(2),
        }
    }
}

/// Serves `router` for ever. Where all connections are taken the oldest makes place: probes are
/// answered however many others stay.
pub(super) async fn accept(listener: TcpListener, router: Router, limits: Limits) {
    let mut open: VecDeque<JoinHandle<()>> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= limits.connections_max
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(converse(stream, router.clone(), limits)));
    }
}

/// Answers one request after the other.
async fn converse(stream: TcpStream, router: Router, limits: Limits) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_BYTES_MAX);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    // However a connection ends, it was the other side's: there is nobody to tell.
    if timeout(limits.age, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _cut = timeout(limits.answer, connection).await;
    }
}
