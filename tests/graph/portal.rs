//! A host that is no tenant: what a proxy, a captive portal or a broken gateway may answer.
//!
//! Input: what to answer to each path. Output: a loopback HTTPS server that a client takes for
//! its tenant, since it hands out tokens too.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;
use uuid::Uuid;
use writeback::sim::tls::{Authority, LOOPBACK_NAMES};

/// The type of Graph's own answers.
pub(crate) const JSON: &str = "application/json; odata.metadata=minimal";

/// What to answer at this address to this path with its query.
pub(crate) type Script = Box<dyn Fn(&Url, &str) -> Line + Send + Sync>;

/// One answer.
pub(crate) struct Line {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) media: &'static str,
    pub(crate) body: String,
}

impl Line {
    /// An answer in the type of Graph's own.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, headers: String::new(), media: JSON, body: body.to_string() }
    }

    /// A web page.
    pub(crate) fn page(status: u16) -> Self {
        let body = "<!doctype html><title>Sign in to the network</title>".to_owned();
        Self { status, headers: String::new(), media: "text/html", body }
    }
}

/// A running portal. Dropping it ends it.
pub(crate) struct Portal {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Portal {
    /// Answers token requests with a token for `tenant`, everything else by the script.
    pub(crate) async fn start(authority: &Authority, tenant: Uuid, script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url: Url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let tls = TlsAcceptor::from(authority.server(&LOOPBACK_NAMES));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (script, log, base) = (Arc::new(script), Arc::clone(&asked), url.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, script, log) = (tls.clone(), Arc::clone(&script), Arc::clone(&log));
                let base = base.clone();
                tokio::spawn(async move {
                    let answer = |path: &str| {
                        if path.ends_with("/oauth2/v2.0/token") {
                            return Line::json(200, &token(tenant));
                        }
                        log.lock().unwrap().push(path.to_owned());
                        script(&base, path)
                    };
                    serve(stream, tls, answer).await
                });
            }
        });
        Self { url, asked, serving }
    }

    /// The paths of the requests that were no token requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request, one answer, end of the connection. A client that hangs up early is its own affair.
async fn serve(stream: TcpStream, tls: TlsAcceptor, answer: impl Fn(&str) -> Line) -> Option<()> {
    let mut stream = tls.accept(stream).await.ok()?;
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let head = loop {
        let count = stream.read(&mut buffer).await.ok()?;
        request.extend_from_slice(buffer.get(..count)?);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").and_then(|length| length.trim().parse().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                break head.to_owned();
            }
        }
        (count > 0).then_some(())?;
    };
    let path = head.split(' ').nth(1)?.to_owned();
    let Line { status, headers, media, body } = answer(&path);
    let length = if headers.contains("content-length") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{headers}{length}content-type: {media}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

fn token(tenant: Uuid) -> serde_json::Value {
    let claims = json!({ "tid": tenant, "roles": ["Group.Read.All", "User.Read.All"] });
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token })
}
