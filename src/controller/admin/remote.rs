//! The memory of a daemon on another machine, read over its API: for plans that are made where no
//! admin socket is, such as on a pull request.
//!
//! Input: the address of its `http.status`. Output: memory, or why there is none. Only over TLS
//! with the roots of the platform, or on this machine; nothing is sent but the request, and no
//! redirect is followed.

use std::error::Error as _;
use std::time::Duration;

use reqwest::redirect;
use url::{Host, Url};

use crate::controller::admin::words::Answer;
use crate::model::Memory;
use crate::report::endpoint::MEMORY_PATH;
use crate::report::text::safe;
use crate::state::image::memory;

/// What is answered from the desk, over a network: the memory of a large tenant is some 100 MB.
const ANSWER_MAX: Duration = Duration::from_mins(2);
/// Ten times the memory of a tenant of a million memberships, as over the admin socket.
const ANSWER_BYTES_MAX: usize = 1 << 30;
/// A machine that is there answers within a second or two.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Why there is no memory. `Display` reads after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none that may be asked.
    #[error("ask the daemon at {address}: {why}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it, and what is right.
        why: &'static str,
    },
    /// It could not be asked, or its answer is none.
    #[error("read the memory of the daemon at {address}: {why}")]
    Unreadable {
        /// As it was asked.
        address: String,
        /// What happened.
        why: String,
    },
}

/// Where to ask, from what a person wrote: the address of the listener, with or without the path.
pub fn address(text: &str) -> Result<Url, RemoteError> {
    let wrong = |why| RemoteError::Address { address: safe(text), why };
    let mut url = Url::parse(text).map_err(|_| wrong("it is no URL; write https://host:port"))?;
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // Never anything else than this machine (RFC 6761 6.3).
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err(wrong("it names no host; write https://host:port")),
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => {
            return Err(wrong(
                "over http:// only the daemon on this machine is asked; put a proxy with TLS \
                 before http.status and write https://",
            ));
        }
        _ => return Err(wrong("write https://host:port, or http://127.0.0.1:port")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        let why = "a command line keeps no secrets: leave the user and the password out";
        return Err(RemoteError::Address { address: "(with a password)".to_owned(), why });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query or a fragment; write https://host:port"));
    }
    if !url.path().ends_with(MEMORY_PATH) {
        let path = format!("{}{MEMORY_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// What the daemon at an address remembers.
pub async fn remembered(text: &str) -> Result<Memory, RemoteError> {
    let url = address(text)?;
    let unreadable = |why: String| RemoteError::Unreadable { address: url.to_string(), why };
    let body = fetch(&url).await.map_err(&unreadable)?;
    let answer = serde_json::from_slice(&body).map_err(|error| {
        unreadable(format!("that is no memory of a daemon: {}", safe(&error.to_string())))
    })?;
    match answer {
        Answer::Memory { image, .. } => memory(&image).map_err(|error| {
            let why = safe(&error.to_string());
            unreadable(format!("{why}: the daemon may be of another version"))
        }),
        Answer::Refused { why } => Err(unreadable(format!("it refuses: {}", safe(&why)))),
        other @ (Answer::Status { .. }
        | Answer::Approved(_)
        | Answer::Applied { .. }
        | Answer::Paused { .. }
        | Answer::Reloaded(_)) => {
            Err(unreadable(format!("it answers something else: {}", word(&other))))
        }
    }
}

fn word(answer: &Answer) -> String {
    let told = serde_json::to_value(answer).unwrap_or_default();
    told.get("answer").map(ToString::to_string).unwrap_or_default()
}

/// The whole body of one answer.
async fn fetch(url: &Url) -> Result<Vec<u8>, String> {
    let mut builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("writeback/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX);
    if url.scheme() == "http" {
        // This machine is not behind a proxy.
        builder = builder.no_proxy();
    }
    let http = builder.build().map_err(|error| chain(&error))?;
    let mut answer = http.get(url.clone()).send().await.map_err(|error| chain(&error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("it answers {status}"));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(format!("its answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// What happened, without the address: it stands before it.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    if text.is_empty() { safe(&error.to_string()) } else { safe(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_over_tls_or_on_this_machine() {
        for (written, asked) in [
            ("https://writeback.example", "https://writeback.example/api/v1/memory"),
            ("https://host.example:8443/wb/", "https://host.example:8443/wb/api/v1/memory"),
            ("https://h.example/api/v1/memory", "https://h.example/api/v1/memory"),
            ("http://127.0.0.1:9465", "http://127.0.0.1:9465/api/v1/memory"),
            ("http://127.9.9.9:1/", "http://127.9.9.9:1/api/v1/memory"),
            ("http://[::1]:9465", "http://[::1]:9465/api/v1/memory"),
            ("http://localhost:9465", "http://localhost:9465/api/v1/memory"),
        ] {
            assert_eq!(address(written).unwrap().as_str(), asked);
        }
    }

    #[test]
    fn an_address_that_gives_anything_away_is_refused() {
        for (written, why) in [
            ("http://writeback.example", "put a proxy with TLS"),
            ("http://10.0.0.1:9465", "put a proxy with TLS"),
            ("http://localhost.evil.example", "put a proxy with TLS"),
            ("https://me:secret@host.example", "keeps no secrets"),
            ("https://host.example/?a=b", "a query"),
            ("ftp://127.0.0.1/", "write https://"),
            ("unix:///run/socket", "names no host"),
            ("://", "is no URL"),
        ] {
            let refused = address(written).unwrap_err().to_string();
            assert!(refused.contains(why), "{written}: {refused}");
            assert!(!refused.contains("secret@"), "{refused}");
        }
    }
}
