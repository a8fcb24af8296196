//! The tenant client: reads groups, members and flags from Microsoft Graph, and nothing else.
//!
//! Input: [`TenantOptions`] from the settings, then one call per question. Output: the nouns of
//! `model::cloud`, each listing with the witness that it was read whole, or a [`GraphError`]
//! that says what mends it. Nothing in here writes to the tenant, keeps a file or logs.
//!
//! ```text
//! observe, links,   the questions a pass asks                → Complete<…>, Presence, Links
//! departed, settings
//!     pages         next links to the end, or no answer at all
//!     client        one GET: token, pace, retries, statuses
//!     token         client credentials; login, credential     → Token with its Rights
//!     identity      a managed identity, asked of the platform
//!     transport     one HTTP exchange: limits, shape; trust   (the callers of reqwest)
//!     wire          Graph's JSON, as far as it is read
//! ```

mod client;
mod credential;
mod departed;
mod endpoint;
mod error;
mod identity;
mod links;
mod login;
mod observe;
mod pages;
mod readiness;
mod retry_after;
mod settings;
mod token;
mod transport;
mod trust;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::model::TenantId;
use crate::retry::{self, RetryRule};

pub use departed::DEPARTED_ASKED_MAX;
pub use endpoint::Endpoint;
pub use error::GraphError;
pub use identity::IdentityPlace;
pub use observe::Flags;
pub use token::Rights;

/// Reads a secret file: its text without a line end, or plain words why not.
pub type ReadSecret = fn(&Path) -> Result<SecretString, String>;

/// Told of every request that was sent. Called from any thread, must not block.
pub type Observer = Arc<dyn Fn(Request) + Send + Sync>;

/// What the client needs to know of the tenant.
#[derive(Clone)]
pub struct TenantOptions {
    /// `tenant.loginUrl`, for instance `https://login.microsoftonline.com`; https only.
    pub login_url: Url,
    /// `tenant.graphUrl`, for instance `https://graph.microsoft.com`; https only. The token goes
    /// to this origin and to no other.
    pub graph_url: Url,
    /// `tenant.scope`, for instance `https://graph.microsoft.com/.default`.
    pub scope: String,
    /// `tenant.id`.
    pub tenant: TenantId,
    /// `tenant.clientId`.
    pub client_id: Uuid,
    /// `tenant.credential`.
    pub credential: Credential,
    /// `tenant.caFile`: PEM certificates that are trusted besides the platform's own, because a
    /// proxy that opens TLS may stand before one of the two hosts and not before the other.
    /// Read by [`Tenant::open`], and again when a certificate is refused or a token renewed.
    pub ca_file: Option<PathBuf>,
    /// Reads the files of the credential, again for every token.
    pub read_secret: ReadSecret,
    /// The time of day, for the life of assertions and for dates in `Retry-After`.
    pub now: fn() -> Timestamp,
    /// How long anything may take.
    pub patience: Patience,
    /// Told of every request.
    pub observer: Observer,
    /// Told again and again while a wait for the tenant lasts: see [`WAIT_SLICE`].
    pub waiter: Waiter,
}

/// Called while the tenant is left alone, because it asked for that or because a request failed;
/// must not block.
pub type Waiter = Arc<dyn Fn() + Send + Sync>;

/// How often a wait shows that it is one. The tenant may ask for minutes, several times in a row:
/// whoever watches from outside has to tell that from a program that stands still, and the
/// shortest watchdog that anybody sets has a few seconds.
pub const WAIT_SLICE: Duration = Duration::from_secs(1);

/// How the program shows the tenant who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A client secret.
    Secret {
        /// `tenant.credential.clientSecretFile`.
        file: PathBuf,
    },
    /// A certificate with its RSA key.
    Certificate {
        /// `tenant.credential.certificate.certificateFile`, PEM; the first one counts.
        certificate_file: PathBuf,
        /// `tenant.credential.certificate.privateKeyFile`, PEM (PKCS #8 or PKCS #1).
        private_key_file: PathBuf,
    },
    /// A token of another issuer that the application trusts
    /// (learn.microsoft.com/entra/workload-id/workload-identity-federation).
    FederatedToken {
        /// `tenant.credential.federatedTokenFile`; the platform renews it.
        file: PathBuf,
    },
    /// The identity that Azure gives this machine.
    ManagedIdentity {
        /// Where the platform answers.
        place: IdentityPlace,
        /// `tenant.credential.managedIdentity.clientId`.
        client_id: Option<Uuid>,
    },
}

/// How long anything may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest way to an open connection: see [`CONNECT_MAX`].
    pub connect: Duration,
    /// The longest silence on it: see [`READ_MAX`].
    pub read: Duration,
    /// The longest request with its whole answer: see [`TOTAL_MAX`].
    pub total: Duration,
    /// How a request is tried again.
    pub retry: RetryRule,
}

/// Connecting takes three round trips; 10 s leave room for SYN packets sent again after 1, 3
/// and 7 s (RFC 6298 5.5).
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Graph answers within seconds and gives up on its own back end with a 504; half a minute
/// without one byte is a connection that died without a word.
pub const READ_MAX: Duration = Duration::from_secs(30);

/// A page of 999 objects has about 1 MiB: 66 s at 128 kbit/s, and one silence of [`READ_MAX`].
pub const TOTAL_MAX: Duration = Duration::from_secs(100);

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT_MAX, read: READ_MAX, total: TOTAL_MAX, retry: retry::REQUEST }
    }
}

/// One request as it went, for metrics and the log. Retries are requests of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// What was asked: a bounded word such as `members`.
    pub endpoint: &'static str,
    /// What came back.
    pub outcome: RequestOutcome,
    /// From the first byte sent to the last byte read.
    pub seconds: f64,
    /// 429: the tenant asks for a slower pace.
    pub throttled: bool,
}

/// What came back for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// A whole answer with this status.
    Status(u16),
    /// No whole answer: one of [`RequestOutcome::FAILURES`].
    Failed(&'static str),
}

impl RequestOutcome {
    /// Every word of `Failed`, for series that start at zero: no answer, a certificate that is not
    /// trusted, an answer that is cut off or too long.
    pub const FAILURES: [&'static str; 3] = ["unreachable", "untrusted", "unreadable"];
}

/// The tenant, read-only. Cheap to clone; clones share token, connections and pace.
#[derive(Clone)]
pub struct Tenant {
    client: Arc<client::Client>,
}

impl Tenant {
    /// Reads the CA file and makes ready; sends nothing yet.
    pub fn open(options: TenantOptions) -> Result<Self, GraphError> {
        Ok(Self { client: Arc::new(client::Client::open(options)?) })
    }

    /// The rights the token carries. Gets a token when there is none, so this is also the
    /// shortest proof that login, credential and tenant id fit together.
    pub async fn rights(&self) -> Result<Rights, GraphError> {
        Ok(self.client.token().await?.rights.clone())
    }
}
