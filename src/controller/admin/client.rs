//! The side of the commands: one request to the running daemon, one answer.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::controller::admin::words::{Answer, Request};

/// What is answered without the loop takes no longer, whatever its size.
const ANSWER_MAX: Duration = Duration::from_mins(1);
/// What waits for a pass waits for its reads and writes: a first writeback of a large tenant takes
/// hours.
const PASS_MAX: Duration = Duration::from_hours(24);
/// Ten times the memory of a tenant of a million memberships.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No daemon serves that socket.
    #[error("ask the daemon at {path}: {source}")]
    Absent {
        /// Which socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This account may not connect to it.
    #[error(
        "ask the daemon at {path}: only root and the account of the daemon may; use one of them"
    )]
    Forbidden {
        /// Which socket.
        path: PathBuf,
    },
    /// It went away, or its answer is none.
    #[error("read the answer of the daemon at {path}: {why}")]
    Broken {
        /// Which socket.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

/// Asks the daemon that serves `path`.
pub async fn ask(path: &Path, request: &Request) -> Result<Answer, AskError> {
    let broken = |why: String| AskError::Broken { path: path.to_owned(), why };
    let mut stream = UnixStream::connect(path).await.map_err(|source| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::PermissionDenied {
            AskError::Forbidden { path }
        } else {
            AskError::Absent { path, source }
        }
    })?;
    let mut text = serde_json::to_string(request).map_err(|error| broken(error.to_string()))?;
    text.push('\n');
    // A daemon that refuses to listen has answered already: its answer is read all the same.
    let sent = stream.write_all(text.as_bytes()).await;
    let patience = if request.waits() { PASS_MAX } else { ANSWER_MAX };
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream.take(ANSWER_BYTES_MAX));
    match timeout(patience, reader.read_until(b'\n', &mut answer)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(broken(error.to_string())),
        Err(_) => return Err(broken(format!("none came in {} s", patience.as_secs()))),
    }
    if answer.last() != Some(&b'\n') {
        let why = sent.err().map(|error| error.to_string());
        return Err(broken(why.unwrap_or_else(|| "it ended without one".to_owned())));
    }
    serde_json::from_slice(&answer).map_err(|error| broken(error.to_string()))
}
