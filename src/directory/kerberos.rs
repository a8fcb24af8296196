//! A connection that begins plain and is sealed by its bind: Kerberos from a keytab (RFC 4752).
//!
//! Input: host and principal of the options; the keytab and the ticket cache come from two
//! variables that the process was started with (KRB5_CLIENT_KTNAME, KRB5CCNAME: MIT Kerberos,
//! "environment variables"). Output: one end of a socket pair that speaks plain LDAP to ldap3; a
//! task at the other end seals what goes out and opens what comes in.
//!
//! ldap3 0.12 has Kerberos of its own, which a daemon cannot live with: it loses every message
//! that stands behind the first one in a sealed buffer while another buffer waits, so a listing
//! with missing entries would look whole; a buffer whose first four bytes come in two pieces ends
//! the connection; and it brings a second crypto provider. Here buffers are opened one after the
//! other and handed on as a stream, which may break messages anywhere (RFC 4422 3.7).

mod message;

use std::fs::File;
use std::io::Read as _;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error as GssError;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use url::Url;

use self::message::{BindAnswer, bind_request, read_answer};
use super::outcome::bind_refusal;
use crate::directory::{DirectoryError, DirectoryOptions};

/// Where LDAP listens (`ldap` in IANA's list of services).
const LDAP_PORT: u16 = 389;
/// Result code 14, saslBindInProgress (RFC 4511 appendix A).
const IN_PROGRESS: u32 = 14;
/// The layer with encryption (RFC 4752 3.1).
const CONFIDENTIALITY: u8 = 4;
/// The largest sealed buffer that this side takes: a page of 500 entries comes in several.
const BUFFER_BYTES_MAX: usize = 0x00FF_FFFF;
/// What sealing may add to a buffer: a header of 16 bytes, confounder, checksum (RFC 4121 4.2.4).
const SEAL_BYTES: usize = 128;
/// What is sealed at once where the server names no limit: 64 KiB, as OpenLDAP does.
const PIECE_BYTES: usize = 64 * 1024;

/// The client's half of the security context; one caller at a time.
type Context = Arc<Mutex<ClientCtx>>;

/// A bound connection: the end for ldap3. The task behind it ends when either side hangs up.
pub(super) async fn open(options: &DirectoryOptions) -> Result<StdUnixStream, DirectoryError> {
    let url = &options.url;
    check_keytab(options)?;
    let address = Url::parse(url)
        .ok()
        .and_then(|url| Some((url.host_str()?.to_owned(), url.port().unwrap_or(LDAP_PORT))));
    let (host, port) = address.ok_or_else(|| DirectoryError::Misconfigured {
        message: format!("use {url}: it has no host; mend directory.servers"),
    })?;
    let (connect, bind) = (options.limits.connect, options.limits.bind);
    let silent = |source| DirectoryError::Unreachable {
        message: format!("connect to {url} (directory.servers)"),
        source,
    };
    let mut stream = match timeout(connect, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(silent(Some(error.into()))),
        Err(_) => return Err(silent(None)),
    };
    let (context, piece) = match timeout(bind, bind_to(&mut stream, &host, options)).await {
        Ok(bound) => bound?,
        Err(_) => return Err(silent(None)),
    };
    let pair = UnixStream::pair().and_then(|(near, far)| Ok((near.into_std()?, far)));
    let (near, far) = pair.map_err(|error| silent(Some(error.into())))?;
    tokio::spawn(relay(stream, far, context, piece));
    Ok(near)
}

/// Says of a file that can be no keytab what is wrong with it, before the library does in words of
/// its own. A keytab begins with 5 (MIT Kerberos, "keytab file format"); its keys are for the
/// library alone.
fn check_keytab(options: &DirectoryOptions) -> Result<(), DirectoryError> {
    let file = &options.password_file;
    let wrong = |what: String| DirectoryError::Misconfigured {
        message: format!("use the keytab {} (directory.bind.kerberos): {what}", file.display()),
    };
    let mut first = [0];
    let read = File::open(file).and_then(|mut file| file.read(&mut first));
    match (read.map_err(|error| wrong(error.to_string()))?, first) {
        (0, _) => Err(wrong("it is empty".to_owned())),
        (_, [5]) => Ok(()),
        (_, _) => Err(wrong("it is no keytab".to_owned())),
    }
}

async fn bind_to(
    stream: &mut TcpStream,
    host: &str,
    options: &DirectoryOptions,
) -> Result<(Context, usize), DirectoryError> {
    let principal = options.bind_name.clone();
    let host = host.to_owned();
    // The library reads files and asks the KDC, and blocks meanwhile.
    let begun = blocking(move || begin(&principal, &host)).await;
    let (context, token) = begun.map_err(|why| kerberos_refused(options, &why))?;
    let context = Arc::new(Mutex::new(context));
    let answer = ask(stream, options, 1, Some(&token)).await?;
    let shown = going_on(options, &answer)?;
    let (theirs, mine) = (shown.to_vec(), Arc::clone(&context));
    let step = blocking(move || {
        let token = lock(&mine).step(Some(&theirs), None).map_err(|why| why.to_string())?;
        Ok(token.map(|token| token.to_vec()))
    });
    let token = step.await.map_err(|why| kerberos_refused(options, &why))?;
    let answer = ask(stream, options, 2, token.as_deref()).await?;
    let offered = going_on(options, &answer)?;
    let (reply, piece) = choose_layer(&context, offered)
        .map_err(|why| DirectoryError::BindRefused { message: action(options, &why) })?;
    let answer = ask(stream, options, 3, Some(&reply)).await?;
    if answer.code != 0 {
        return Err(refused(options, &answer));
    }
    Ok((context, piece))
}

/// Gets tickets and makes the first token.
fn begin(principal: &str, host: &str) -> Result<(ClientCtx, Vec<u8>), String> {
    let told = |error: GssError| error.to_string();
    let realm = principal.split_once('@').map(|(_, realm)| realm).unwrap_or_default();
    let name = Name::new(principal.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL)).map_err(told)?;
    let mut mechanisms = OidSet::new().map_err(told)?;
    mechanisms.add(&GSS_MECH_KRB5).map_err(told)?;
    let credential =
        Cred::acquire(Some(&name), None, CredUsage::Initiate, Some(&mechanisms)).map_err(told)?;
    // As a principal, not as a service on a host: no DNS may put another name in its place.
    let service = format!("ldap/{host}@{realm}");
    let service = Name::new(service.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL)).map_err(told)?;
    let flags = CtxFlags::GSS_C_MUTUAL_FLAG
        | CtxFlags::GSS_C_REPLAY_FLAG
        | CtxFlags::GSS_C_SEQUENCE_FLAG
        | CtxFlags::GSS_C_INTEG_FLAG
        | CtxFlags::GSS_C_CONF_FLAG;
    let mut context = ClientCtx::new(Some(credential), service, flags, Some(&GSS_MECH_KRB5));
    let token = context.step(None, None).map_err(told)?;
    Ok((context, token.map(|token| token.to_vec()).unwrap_or_default()))
}

/// Answers the server's offer of layers: encryption, or nothing. Gives the reply and how much may
/// be sealed at once.
fn choose_layer(context: &Context, offered: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let mut context = lock(context);
    let told = |error: GssError| error.to_string();
    let offer = context.unwrap(offered).map_err(told)?;
    let [layers, high, middle, low] = *offer else {
        return Err("the server's offer of security layers makes no sense".to_owned());
    };
    let flags = context.flags().map_err(told)?;
    if layers & CONFIDENTIALITY == 0 || !flags.contains(CtxFlags::GSS_C_CONF_FLAG) {
        return Err("the server offers no encryption, and nothing is sent without".to_owned());
    }
    let [_, most @ ..] = u32::try_from(BUFFER_BYTES_MAX).unwrap_or(u32::MAX).to_be_bytes();
    let reply = [&[CONFIDENTIALITY][..], &most].concat();
    let reply = context.wrap(false, &reply).map_err(told)?.to_vec();
    let theirs = usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(0);
    let piece = match theirs.saturating_sub(SEAL_BYTES) {
        0 => PIECE_BYTES,
        limit => limit.min(PIECE_BYTES),
    };
    Ok((reply, piece))
}

/// Carries bytes both ways until one side hangs up. Whatever goes wrong ends the connection, and
/// the requests on it are lost, as with any other connection.
async fn relay(stream: TcpStream, near: UnixStream, context: Context, piece: usize) {
    let (far_read, far_write) = tokio::io::split(stream);
    let (near_read, near_write) = tokio::io::split(near);
    tokio::select! {
        ended = seal(near_read, far_write, &context, piece) => drop(ended),
        ended = unseal(far_read, near_write, &context) => drop(ended),
    }
}

async fn seal(
    mut plain: ReadHalf<UnixStream>,
    mut sealed: WriteHalf<TcpStream>,
    context: &Context,
    piece: usize,
) -> std::io::Result<()> {
    let mut buffer = vec![0; piece];
    loop {
        let count = plain.read(&mut buffer).await?;
        let Some(text) = buffer.get(..count).filter(|text| !text.is_empty()) else {
            return Ok(());
        };
        let token = lock(context).wrap(true, text).map_err(std::io::Error::other)?.to_vec();
        let length = u32::try_from(token.len()).map_err(std::io::Error::other)?;
        sealed.write_all(&length.to_be_bytes()).await?;
        sealed.write_all(&token).await?;
    }
}

async fn unseal(
    mut sealed: ReadHalf<TcpStream>,
    mut plain: WriteHalf<UnixStream>,
    context: &Context,
) -> std::io::Result<()> {
    loop {
        let length = usize::try_from(sealed.read_u32().await?).map_err(std::io::Error::other)?;
        if length > BUFFER_BYTES_MAX {
            return Err(std::io::Error::other("a sealed buffer is larger than was agreed"));
        }
        let mut token = vec![0; length];
        sealed.read_exact(&mut token).await?;
        let text = lock(context).unwrap(&token).map_err(std::io::Error::other)?.to_vec();
        plain.write_all(&text).await?;
    }
}

async fn ask(
    stream: &mut TcpStream,
    options: &DirectoryOptions,
    id: u8,
    token: Option<&[u8]>,
) -> Result<BindAnswer, DirectoryError> {
    let asked = async {
        stream.write_all(&bind_request(id, token)).await?;
        read_answer(stream).await
    };
    asked.await.map_err(|error| DirectoryError::Lost {
        message: format!("hear from {} (bind)", options.url),
        source: Some(error.into()),
    })
}

/// What the server shows in an answer that is not the last one.
fn going_on<'a>(
    options: &DirectoryOptions,
    answer: &'a BindAnswer,
) -> Result<&'a [u8], DirectoryError> {
    match &answer.token {
        Some(token) if answer.code == IN_PROGRESS => Ok(token),
        Some(_) | None => Err(refused(options, answer)),
    }
}

fn refused(options: &DirectoryOptions, answer: &BindAnswer) -> DirectoryError {
    let why = format!("{} (result code {})", bind_refusal(&answer.text), answer.code);
    DirectoryError::BindRefused { message: action(options, &why) }
}

/// What Kerberos says; a KDC that cannot be reached may be later.
fn kerberos_refused(options: &DirectoryOptions, why: &str) -> DirectoryError {
    let why: String = why.chars().filter(|letter| !letter.is_control()).collect();
    let message = action(options, &why);
    if why.contains("Cannot contact any KDC") || why.contains("Cannot find KDC") {
        let message = format!("{message}; see that krb5.conf or DNS names the realm's KDCs");
        return DirectoryError::Unreachable { message, source: None };
    }
    DirectoryError::BindRefused { message }
}

fn action(options: &DirectoryOptions, why: &str) -> String {
    let DirectoryOptions { url, bind_name, password_file, .. } = options;
    format!("bind to {url} as {bind_name}: {why} (keytab {})", password_file.display())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("the Kerberos library gave up".to_owned()))
}

/// The context. A caller that panicked while it held it has lost its connection.
fn lock(context: &Context) -> std::sync::MutexGuard<'_, ClientCtx> {
    context.lock().unwrap_or_else(PoisonError::into_inner)
}
