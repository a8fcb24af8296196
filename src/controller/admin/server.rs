//! The daemon's side of the admin socket.
//!
//! Every connection brings one request and gets one answer. Memory and status are answered from
//! what the loop left on the `Desk` after its last pass; everything else goes to the loop through
//! a short queue, and its answer comes back when the pass under way has ended.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::controller::admin::caller::Caller;
use crate::controller::admin::words::{Answer, REQUEST_BYTES_MAX, Request};
use crate::controller::stop::{Halt, Stop};
use crate::model::Memory;
use crate::report::Report;
use crate::report::text::safe;
use crate::state::image::image;

/// Connections at a time: a person or two, and what watches beside them. One more is refused.
pub const CONNECTIONS_MAX: usize = 16;
/// Requests that wait for the end of a pass.
const WAITING_MAX: usize = 8;
/// From connecting to the end of the request line: programs on the same machine need milliseconds.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long the other side may take to read its answer: the memory of a large tenant is some
/// 100 MB.
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(1);
/// How long the end of the daemon waits for answers under way.
const END_WAIT_MAX: Duration = Duration::from_secs(2);
/// After a connection that could not be taken (no file descriptor left): a short rest.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Why nothing is done any more.
const STOPPING: &str = "the daemon is stopping";
/// Only the account of the daemon, and root, may connect at all.
const MODE: u32 = 0o600;

/// Why the admin socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process answers there.
    #[error("serve the admin socket {path} (http.adminSocket): another process serves it")]
    Occupied {
        /// Which path.
        path: PathBuf,
    },
    /// Something else stands there.
    #[error(
        "serve the admin socket {path} (http.adminSocket): what stands there is no socket, and is \
         left alone"
    )]
    NoSocket {
        /// Which path.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("serve the admin socket {path} (http.adminSocket): {source}")]
    Unusable {
        /// Which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A request that waits for the loop.
#[derive(Debug)]
pub struct Call {
    /// What is asked: something that waits.
    pub request: Request,
    /// Who asks.
    pub caller: Caller,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
    /// What keeps passes from writing until this is answered, or nobody will answer it.
    pub halt: Option<Halt>,
}

/// Where the loop leaves what is answered without it.
#[derive(Debug)]
pub struct Desk {
    report: Arc<Report>,
    stop: Arc<Stop>,
    kept: Mutex<Arc<Kept>>,
    strangers: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    memory: Memory,
    at: Option<Timestamp>,
}

impl Desk {
    /// A desk on which the memory lies that the daemon starts with. Who asks for a pause halts the
    /// pass under way by `stop`.
    pub fn new(report: Arc<Report>, memory: Memory, stop: Arc<Stop>) -> Self {
        let kept = Mutex::new(Arc::new(Kept { memory, at: None }));
        Self { report, stop, kept, strangers: AtomicU64::new(0) }
    }

    /// Leaves memory that has changed since the last pass.
    pub fn renew(&self, memory: Memory) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::new(Kept { memory, at: kept.at });
    }

    /// Leaves the memory of a pass that ended at `at`.
    pub fn leave(&self, memory: Memory, at: Timestamp) {
        let kept = Arc::new(Kept { memory, at: Some(at) });
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// How many asked who may not.
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    /// What passes remember, as the last one left it.
    pub fn memory(&self) -> Answer {
        let kept = Arc::clone(&self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        Answer::Memory { image: image(&kept.memory), at: kept.at }
    }

    fn status(&self) -> Answer {
        match serde_json::to_value(self.report.status()) {
            Ok(status) => Answer::Status { status },
            Err(error) => Answer::refused(format!("the status cannot be shown: {error}")),
        }
    }
}

/// The socket while it is served; its file goes when this is closed or dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    /// Device and inode: what another process put there since is left alone.
    identity: Option<(u64, u64)>,
    permits: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Socket {
    /// Serves `path`. The file of a daemon that is gone is replaced: whoever calls this holds the
    /// lock of the state, so that no living daemon of this configuration can own it.
    pub fn serve(
        path: &Path,
        desk: Arc<Desk>,
    ) -> Result<(Self, mpsc::Receiver<Call>), SocketError> {
        let unusable = |source| SocketError::Unusable { path: path.to_owned(), source };
        make_room(path)?;
        let own = Caller::own().map_err(unusable)?.uid;
        let listener = UnixListener::bind(path).map_err(unusable)?;
        // Until then, too, nobody is answered who may not ask.
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(unusable)?;
        let (sender, calls) = mpsc::channel(WAITING_MAX);
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let clerk = Clerk { desk, own, calls: sender, turn: Arc::default() };
        let task = tokio::spawn(accept(listener, clerk, Arc::clone(&permits)));
        let socket = Self { path: path.to_owned(), identity: identity(path), permits, task };
        Ok((socket, calls))
    }

    /// Takes no more requests, and waits a moment for answers under way.
    pub async fn close(self) {
        self.task.abort();
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        // Who does not read his answer in time does without.
        let _late = timeout(END_WAIT_MAX, self.permits.acquire_many(all)).await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // A file that stays is replaced by the next daemon.
            let _left = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Takes away the socket of a daemon that is gone, and nothing else.
fn make_room(path: &Path) -> Result<(), SocketError> {
    let unusable = |source| SocketError::Unusable { path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unusable(error)),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NoSocket { path: path.to_owned() });
    }
    // Two configurations may name one socket; each has its own lock.
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(SocketError::Occupied { path: path.to_owned() });
    }
    fs::remove_file(path).map_err(unusable)
}

/// What a connection is answered with.
#[derive(Clone, Debug)]
struct Clerk {
    desk: Arc<Desk>,
    own: u32,
    calls: mpsc::Sender<Call>,
    /// Whose request is logged and put into the queue.
    turn: Arc<Mutex<()>>,
}

async fn accept(listener: UnixListener, clerk: Clerk, permits: Arc<Semaphore>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => {
                tokio::spawn(clerk.clone().serve(stream, permit));
            }
            Err(_) => turn_away(&stream),
        }
    }
}

/// One line without waiting: a busy daemon keeps nobody.
fn turn_away(stream: &UnixStream) {
    let busy = Answer::refused(format!("{CONNECTIONS_MAX} others are asking: try again"));
    // The buffer of a new connection has room for a line; who is gone needs none.
    let _gone = stream.try_write(line(&busy).as_bytes());
}

/// An answer as it is sent: one line of JSON.
pub fn line(answer: &Answer) -> String {
    let mut text = serde_json::to_string(answer).unwrap_or_else(|error| {
        format!(r#"{{"answer":"refused","why":"the answer cannot be written: {error}"}}"#)
    });
    text.push('\n');
    text
}

impl Clerk {
    async fn serve(self, mut stream: UnixStream, _permit: OwnedSemaphorePermit) {
        let answer = self.answer(&mut stream).await;
        let text = line(&answer);
        // Who went away, or does not read, needs no answer.
        let _gone = timeout(ANSWER_WAIT_MAX, stream.write_all(text.as_bytes())).await;
    }

    async fn answer(&self, stream: &mut UnixStream) -> Answer {
        let caller = match Caller::of(stream) {
            Ok(caller) => caller,
            Err(error) => return Answer::refused(format!("nobody knows who asks: {error}")),
        };
        if !caller.may_ask(self.own) {
            self.desk.strangers.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(uid = caller.uid, "admin request of a stranger refused");
            return Answer::refused(format!(
                "{caller} may not ask: only root and the account of the daemon (uid {}) may",
                self.own
            ));
        }
        let request = match read(stream).await {
            Ok(request) => request,
            Err(why) => {
                tracing::info!(uid = caller.uid, why, "admin request not understood");
                return Answer::refused(why);
            }
        };
        if request.waits() {
            return match self.hand_on(request, caller) {
                // It ends with the daemon at the latest.
                Ok(answered) => answered.await.unwrap_or_else(|_| Answer::refused(STOPPING)),
                Err(why) => Answer::refused(why),
            };
        }
        log(&request, &caller);
        match request {
            Request::Memory {} => self.desk.memory(),
            Request::Status {} => self.desk.status(),
            Request::Approve { .. }
            | Request::Apply(_)
            | Request::Pause { .. }
            | Request::Resume { .. }
            | Request::Reconcile { .. }
            | Request::Reload {} => Answer::refused("this waits for the loop"),
        }
    }

    /// Gives a request to the loop, or says why it is not taken. One after the other: the log has
    /// requests in the order in which they wait, and before anything is done on them.
    fn hand_on(
        &self,
        request: Request,
        caller: Caller,
    ) -> Result<oneshot::Receiver<Answer>, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        log(&request, &caller);
        let (answer, answered) = oneshot::channel();
        let is_pause = matches!(request, Request::Pause { .. });
        // The pass under way writes nothing more.
        let halt = is_pause.then(|| self.desk.stop.halt());
        match self.calls.try_send(Call { request, caller, answer, halt }) {
            Ok(()) => Ok(answered),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(format!("{WAITING_MAX} requests wait: try again"))
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(STOPPING.to_owned()),
        }
    }
}

/// Every request that is understood is told, whatever becomes of it.
fn log(request: &Request, caller: &Caller) {
    tracing::info!(uid = caller.uid, asked = safe(&request.to_string()), "admin request");
}

/// Reads one request, or says what is wrong with it.
async fn read(stream: &mut UnixStream) -> Result<Request, String> {
    let limit = u64::try_from(REQUEST_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let mut reader = BufReader::new(stream.take(limit));
    match timeout(REQUEST_WAIT_MAX, reader.read_until(b'\n', &mut text)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(format!("the request cannot be read: {error}")),
        Err(_) => {
            return Err(format!("no whole request came in {} s", REQUEST_WAIT_MAX.as_secs()));
        }
    }
    if text.len() >= REQUEST_BYTES_MAX && text.last() != Some(&b'\n') {
        return Err(format!("a request has at most {REQUEST_BYTES_MAX} bytes"));
    }
    // A message of serde names fields and columns; it never quotes a whole request.
    serde_json::from_slice(&text)
        .map_err(|error| format!("that is no request: {}", safe(&error.to_string())))
}
