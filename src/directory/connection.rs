//! One connection: opened over TLS, bound, used for one request at a time, given up in time.
//!
//! Input: `DirectoryOptions`. Output: bounded requests for `search` and `client`. Every answer
//! of ldap3 passes through `bounded`, which stops waiting, catches panics and counts.

use std::error::Error;
use std::net::SocketAddrV6;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use url::{Host, Url};

use super::outcome::{Verdict, bind_refusal, classify};
use super::secret::{password, renewed, settled};
use super::tls;
use crate::defence::stands;
use crate::directory::options::{LdapRequest, Observer, TimeLimits};
use crate::directory::{DirectoryError, DirectoryOptions};

/// Requests on one connection: ldap3 0.12 never gives back the ids of finished searches.
const OPERATIONS_MAX: u32 = 10_000;
/// In how many parts of its age a new connection is tried again while the old one lasts: a password
/// that is wrong is shown every quarter of an hour, and four times at most.
const REPLACE_TRIES: u32 = 4;
/// Where LDAP over TLS listens (`ldaps` in IANA's list of services).
const LDAPS_PORT: u16 = 636;
/// Result code 49 (RFC 4511 appendix A).
const INVALID_CREDENTIALS: u32 = 49;
/// Result code 8, strongerAuthRequired.
const STRONGER_AUTH_REQUIRED: u32 = 8;

/// A bound connection. Dropping it closes the socket, and so abandons what the server still does.
pub(super) struct Connection {
    ldap: Ldap,
    driver: JoinHandle<()>,
    opened: Instant,
    replace_at: Option<Instant>,
    operations: u32,
    broken: bool,
    limits: TimeLimits,
    observer: Observer,
    url: String,
}

/// The answer could not be decoded: ldap3 panicked over it.
struct Garbled;

impl Connection {
    /// Connects, checks the certificate, binds.
    pub(super) async fn open(
        options: &DirectoryOptions,
        observer: &Observer,
    ) -> Result<Self, DirectoryError> {
        #[cfg(feature = "kerberos")]
        if options.url.starts_with("ldap://") {
            return Self::sealed(options, observer).await;
        }
        let password = settled(|| password(options)).await?;
        match Self::bound(options, observer, &password).await {
            Err(error @ DirectoryError::BindRefused { .. }) => {
                match renewed(options, &password).await {
                    Some(password) => Self::bound(options, observer, &password).await,
                    None => Err(error),
                }
            }
            other => other,
        }
    }

    async fn bound(
        options: &DirectoryOptions,
        observer: &Observer,
        password: &SecretString,
    ) -> Result<Self, DirectoryError> {
        let mut connection = Self::connect(options, observer).await?;
        connection.bind(options, password.expose_secret()).await?;
        Ok(connection)
    }

    async fn connect(
        options: &DirectoryOptions,
        observer: &Observer,
    ) -> Result<Self, DirectoryError> {
        if !options.url.starts_with("ldaps://") && stands("H57") {
            let message = format!("use {}: only ldaps:// is taken", options.url);
            return Err(DirectoryError::Misconfigured { message });
        }
        let address = address(&options.url);
        let host = address.map(|at| *at.ip());
        let config = settled(|| tls::client_config(options.ca_file.as_deref(), host)).await?;
        let limit = options.limits.connect;
        let settings = LdapConnSettings::new().set_conn_timeout(limit).set_config(config);
        let begun = Instant::now();
        let opened = match address {
            Some(address) => guarded(open_at(settings, address, limit)).await,
            None => guarded(LdapConnAsync::with_settings(settings, &options.url)).await,
        };
        let seconds = begun.elapsed().as_secs_f64();
        let observe = |result| observer(LdapRequest { operation: "connect", result, seconds });
        let (driver, ldap) = match opened {
            Ok(Ok(pair)) => pair,
            Ok(Err(error)) => {
                observe(if matches!(error, LdapError::Timeout { .. }) { "timeout" } else { "cut" });
                return Err(not_connected(error, options));
            }
            Err(Garbled) => {
                observe("garbled");
                let message = format!("use {}: it has no host", options.url);
                return Err(DirectoryError::Misconfigured { message });
            }
        };
        observe("ok");
        Ok(Self::driven(options, observer, driver, ldap))
    }

    /// A connection that Kerberos has bound and seals.
    #[cfg(feature = "kerberos")]
    async fn sealed(
        options: &DirectoryOptions,
        observer: &Observer,
    ) -> Result<Self, DirectoryError> {
        /// ldap3 is handed a socket; what stands here is neither looked up nor sent.
        const SOCKET: &str = "ldapi:///";
        let begun = Instant::now();
        let opened = super::kerberos::open(options).await;
        let result = match &opened {
            Ok(_) => "ok",
            Err(error) if error.fault().transient => "cut",
            Err(_) => "refused",
        };
        observer(LdapRequest { operation: "bind", result, seconds: begun.elapsed().as_secs_f64() });
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(opened?));
        match guarded(LdapConnAsync::with_settings(settings, SOCKET)).await {
            Ok(Ok((driver, ldap))) => Ok(Self::driven(options, observer, driver, ldap)),
            Ok(Err(error)) => Err(not_connected(error, options)),
            Err(Garbled) => {
                let message = format!("use the connection to {}", options.url);
                Err(DirectoryError::Lost { message, source: None })
            }
        }
    }

    fn driven(
        options: &DirectoryOptions,
        observer: &Observer,
        driver: LdapConnAsync,
        ldap: Ldap,
    ) -> Self {
        Self {
            ldap,
            // What the driver has to say arrives at the requests as well, as a lost answer.
            driver: tokio::spawn(async move { drop(driver.drive().await) }),
            opened: Instant::now(),
            replace_at: None,
            operations: 0,
            broken: false,
            limits: options.limits,
            observer: observer.clone(),
            url: options.url.clone(),
        }
    }

    async fn bind(
        &mut self,
        options: &DirectoryOptions,
        password: &str,
    ) -> Result<(), DirectoryError> {
        let (url, name) = (&options.url, &options.bind_name);
        let limit = self.limits.bind;
        let mut ldap = self.handle();
        let request = async move { ldap.simple_bind(name, password).await };
        let result = self.bounded("bind", limit, request, |result| result.rc).await?;
        let action = format!("bind to {url} as {name}");
        match (result.rc, classify("bind", result.rc, &result.text)) {
            (_, Verdict::Done) => Ok(()),
            (_, Verdict::Busy(why)) => {
                Err(DirectoryError::Busy { message: format!("{action}: {why}") })
            }
            (INVALID_CREDENTIALS, Verdict::Refused(_)) => {
                let (why, file) = (bind_refusal(&result.text), options.password_file.display());
                let message = format!("{action}: {why} (password file {file})");
                Err(DirectoryError::BindRefused { message })
            }
            (STRONGER_AUTH_REQUIRED, Verdict::Refused(refusal)) => {
                let message = format!("{action}: {}", refusal.message);
                Err(DirectoryError::Misconfigured { message })
            }
            (_, Verdict::Refused(refusal)) => {
                let message = format!("{action}: {}", refusal.message);
                Err(DirectoryError::BindRefused { message })
            }
        }
    }

    /// Whether the next request should go over a new connection.
    pub(super) fn is_spent(&self) -> bool {
        let is_old = self.operations >= OPERATIONS_MAX || self.opened.elapsed() >= self.limits.age;
        let is_put_off = self.replace_at.is_some_and(|at| Instant::now() < at) && self.lasts();
        !self.works() || (is_old && !is_put_off)
    }

    fn works(&self) -> bool {
        !self.broken && !self.handle().is_closed()
    }

    /// Whether a spent connection may be used on while none takes its place: it is old, no worse.
    pub(super) fn lasts(&self) -> bool {
        self.works()
            && self.operations < 2 * OPERATIONS_MAX
            && self.opened.elapsed() < 2 * self.limits.age
    }

    /// The same connection, to be replaced after a while.
    pub(super) fn put_off(self) -> Self {
        let mut connection = self;
        connection.replace_at = Some(Instant::now() + connection.limits.age / REPLACE_TRIES);
        connection
    }

    pub(super) fn limits(&self) -> TimeLimits {
        self.limits
    }

    /// A handle for one request.
    pub(super) fn handle(&self) -> Ldap {
        self.ldap.clone()
    }

    /// Runs one request: at most `limit` long, panics caught, counted, told to the observer. After
    /// an error the connection is broken: nobody knows what the server still does on it.
    pub(super) async fn bounded<T>(
        &mut self,
        operation: &'static str,
        limit: Duration,
        request: impl Future<Output = Result<T, LdapError>> + Send,
        code_of: impl Fn(&T) -> u32 + Send,
    ) -> Result<T, DirectoryError> {
        self.operations += 1;
        let begun = Instant::now();
        let patience = if stands("H42") { limit } else { Duration::MAX };
        let answer = tokio::time::timeout(patience, guarded(request)).await;
        let seconds = begun.elapsed().as_secs_f64();
        let url = &self.url;
        let (result, answer) = match answer {
            Ok(Ok(Ok(answer))) => (result_word(code_of(&answer)), Ok(answer)),
            Ok(Ok(Err(error))) => {
                let message = format!("hear from {url} ({operation}): the connection is gone");
                ("cut", Err(DirectoryError::Lost { message, source: Some(source_of(error)) }))
            }
            Ok(Err(Garbled)) => {
                let message = format!("understand the answer of {url} ({operation})");
                ("garbled", Err(DirectoryError::Lost { message, source: None }))
            }
            Err(_) => {
                let seconds = limit.as_secs_f64();
                let message = format!("hear from {url} ({operation}) within {seconds} s");
                ("timeout", Err(DirectoryError::Lost { message, source: None }))
            }
        };
        (self.observer)(LdapRequest { operation, result, seconds });
        self.broken = answer.is_err();
        answer
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The driver would wait for a peer that does not read, and keep the socket open.
        self.driver.abort();
    }
}

/// The address of a URL whose host is one of IPv6.
fn address(url: &str) -> Option<SocketAddrV6> {
    let url = Url::parse(url).ok()?;
    let Some(Host::Ipv6(host)) = url.host() else { return None };
    Some(SocketAddrV6::new(host, url.port().unwrap_or(LDAPS_PORT), 0, 0))
}

/// Connects to an address that ldap3 cannot be told: see `tls`, which checks the certificate
/// against it.
async fn open_at(
    settings: LdapConnSettings,
    address: SocketAddrV6,
    limit: Duration,
) -> Result<(LdapConnAsync, Ldap), LdapError> {
    /// A name that nothing has (RFC 6761 6.4); it is neither looked up nor sent.
    const NOBODY: &str = "ldaps://address.invalid";
    let begun = Instant::now();
    let stream = tokio::time::timeout(limit, TcpStream::connect(address)).await??.into_std()?;
    let left = limit.saturating_sub(begun.elapsed());
    let settings = settings.set_conn_timeout(left).set_std_stream(StdStream::Tcp(stream));
    LdapConnAsync::with_settings(settings, NOBODY).await
}

/// Polls a future; a panic inside it becomes an answer. Used only around requests of ldap3, whose
/// state is a channel and a connection that is then given up: nothing half-changed is seen again.
async fn guarded<F: Future>(future: F) -> Result<F::Output, Garbled> {
    let mut future = pin!(future);
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Garbled)),
        }
    })
    .await
}

fn result_word(code: u32) -> &'static str {
    match code {
        0 => "ok",
        51 | 52 => "busy",
        _ => "refused",
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are those of another package")]
fn not_connected(error: LdapError, options: &DirectoryOptions) -> DirectoryError {
    let url = &options.url;
    if let Some(message) = tls::certificate_trouble(&error, options) {
        return DirectoryError::Untrusted { message, source: Some(source_of(error)) };
    }
    match error {
        LdapError::Timeout { .. } => {
            let seconds = options.limits.connect.as_secs_f64();
            let message = format!("connect to {url} (directory.servers) within {seconds} s");
            DirectoryError::Unreachable { message, source: None }
        }
        LdapError::UrlParsing { .. } | LdapError::UnknownScheme(_) | LdapError::DNSName { .. } => {
            let message = format!("use {url}: {error}; mend directory.servers");
            DirectoryError::Misconfigured { message }
        }
        other => {
            let message = format!("connect to {url} (directory.servers)");
            DirectoryError::Unreachable { message, source: Some(source_of(other)) }
        }
    }
}

/// The cause below an error of ldap3; its own variants may hold whole requests, with the password
/// of a bind in them, and go no further than this.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are those of another package")]
fn source_of(error: LdapError) -> Box<dyn Error + Send + Sync> {
    match error {
        LdapError::Io { source } => Box::new(source),
        LdapError::Rustls { source } => Box::new(source),
        LdapError::OpSend { .. } => "the connection is closed".into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_over_an_answer_becomes_an_error() {
        let answer = guarded(async { panic!("an answer that makes no sense") });
        assert!(answer.await.is_err());
        assert!(matches!(guarded(async { 7 }).await, Ok(7)));
    }
}
