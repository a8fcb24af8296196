//! What the client is told: where the domain controller is, who binds, whom to trust, how long to
//! wait, and whom to tell about requests.
//!
//! Input: `settings`. Output: read by `client`, `connection` and `tls`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

/// How to reach one domain controller.
#[derive(Clone)]
pub struct DirectoryOptions {
    /// `ldaps://host` or `ldaps://host:port`; the host is checked against the certificate.
    pub url: String,
    /// `DOMAIN\account`, a user principal name, or a DN.
    pub bind_name: String,
    /// The file that holds the password; read again for every connection.
    pub password_file: PathBuf,
    /// Reads a secret file; the error is text for people.
    pub read_secret: fn(&Path) -> Result<SecretString, String>,
    /// PEM certificates to trust instead of those of the platform.
    pub ca_file: Option<PathBuf>,
    /// How long anything may take.
    pub limits: TimeLimits,
}

impl fmt::Debug for DirectoryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryOptions")
            .field("url", &self.url)
            .field("bind_name", &self.bind_name)
            .finish_non_exhaustive()
    }
}

/// How long each kind of request may take, as a whole.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// TCP and TLS together.
    pub connect: Duration,
    /// The bind.
    pub bind: Duration,
    /// One search, or one page of it.
    pub search: Duration,
    /// One write.
    pub write: Duration,
    /// The age of a connection that is replaced; while it cannot be, it lasts twice as long.
    pub age: Duration,
}

impl Default for TimeLimits {
    /// Connect: three lost SYNs (1 s, 2 s, 4 s apart) and a slow handshake fit into 10 s. Bind: a
    /// domain controller may ask another one for the password, 15 s. Search: the server itself
    /// gives up after MaxQueryDuration, 120 s (KB315071); 10 s more leave room for its answer.
    /// Write: 5,000 members take under 2 s on Samba; thirty times that is a stall. Age: a domain
    /// controller that was demoted or moved, and a renewed password, are noticed within the hour.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            bind: Duration::from_secs(15),
            search: Duration::from_secs(130),
            write: Duration::from_mins(1),
            age: Duration::from_hours(1),
        }
    }
}

/// One request to the domain controller, for metrics.
#[derive(Clone, Copy, Debug)]
pub struct LdapRequest {
    /// One of [`LdapRequest::OPERATIONS`].
    pub operation: &'static str,
    /// One of [`LdapRequest::RESULTS`].
    pub result: &'static str,
    /// How long it took.
    pub seconds: f64,
}

impl LdapRequest {
    /// Every word of `operation`, for series that start at zero.
    pub const OPERATIONS: [&'static str; 10] = [
        "connect",
        "bind",
        "search",
        "add",
        "modify",
        "add_members",
        "remove_members",
        "modify_dn",
        "restore",
        "delete",
    ];
    /// Every word of `result`: result code 0, busy or unavailable, any other code, no answer in
    /// time, the connection gone, an answer that makes no sense.
    pub const RESULTS: [&'static str; 6] = ["ok", "busy", "refused", "timeout", "cut", "garbled"];
}

/// Called after every request; must not block.
pub type Observer = Arc<dyn Fn(LdapRequest) + Send + Sync>;
