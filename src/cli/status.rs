//! `status`: what the running daemon says of itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{complain, load_settings, say};
use crate::exit::Exit;
use crate::report::text::safe;

/// The daemon answers from memory; a longer silence means that it is not there.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A status is below 1 MiB (see `report::status`); this is room for a larger future.
const BYTES_MAX: usize = 8 << 20;

#[derive(Args)]
pub(super) struct Arguments {
    /// The form of the answer: text or json
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

pub(super) async fn run(arguments: &Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let address = settings.http.status;
    let answer = match timeout(ANSWER_MAX, ask(address)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => return absent(address, &why),
        Err(_) => return absent(address, "it does not answer in time"),
    };
    if arguments.output == "json" {
        say(&format!("{answer:#}\n"));
    } else {
        say(&text(&answer));
    }
    Exit::Done
}

fn absent(address: SocketAddr, why: &str) -> Exit {
    complain(&format!(
        "no daemon answers at http://{address}/api/v1/status (http.status): {why}; start it with \
         `writeback run`"
    ));
    Exit::Failed
}

async fn ask(address: SocketAddr) -> Result<Value, String> {
    let plain = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(|error| plain(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| plain(&error))?;
    tokio::spawn(connection);
    let request = hyper::Request::get("/api/v1/status")
        .header("host", address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| plain(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| plain(&error))?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), BYTES_MAX);
    let bytes = body.collect().await.map_err(|error| plain(&error))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| plain(&error))
}

/// The status for people: what is wrong first.
fn text(status: &Value) -> String {
    let at = |pointer: &str| status.pointer(pointer).unwrap_or(&Value::Null);
    let mut lines = vec![format!("writeback {} of {}", word(at("/version")), word(at("/owner")))];
    let pass = at("/lastPass");
    if pass.is_null() {
        lines.push("no pass has ended yet".to_owned());
    } else {
        lines.push(format!(
            "pass {} ended {}: {} ({} changes done, {} failed)",
            word(field(pass, "number")),
            word(field(pass, "endedAt")),
            word(field(pass, "result")),
            word(field(pass, "changesDone")),
            word(field(pass, "changesFailed")),
        ));
    }
    if !at("/fault").is_null() {
        lines.push(format!("! {}: {}", word(at("/fault/side")), word(at("/fault/message"))));
    }
    for mistake in list(at("/folder/mistakes")) {
        lines.push(format!("! {}", word(mistake)));
    }
    for hold in list(at("/plan/held")) {
        lines.push(format!("! held: {}", word(field(hold, "message"))));
    }
    for (name, policy) in at("/policies").as_object().into_iter().flatten() {
        lines.push(format!(
            "policy {}: {} groups, {} memberships, mode {}",
            safe(name),
            word(field(policy, "groups")),
            word(field(policy, "memberships")),
            word(field(policy, "mode")),
        ));
        for condition in list(field(policy, "conditions")) {
            let holds = field(condition, "status") == &Value::Bool(true);
            let kind = word(field(condition, "type"));
            if holds || kind == "Ready" {
                let state = if holds { "yes" } else { "no" };
                let reason = word(field(condition, "reason"));
                let message = word(field(condition, "message"));
                lines.push(format!("  {kind}: {state} ({reason}) {message}"));
            }
        }
    }
    for (group, parents) in at("/plan/parents").as_object().into_iter().flatten() {
        for parent in list(parents) {
            let shown = match field(parent, "nestedInCloud").as_bool() {
                Some(true) => "the tenant shows the nesting",
                Some(false) => "the tenant does not show the nesting: nest the cloud group there",
                None if field(parent, "cloudGroup").is_null() => "which is not synchronised",
                None => "whether the tenant shows the nesting is not known",
            };
            let (group, dn) = (safe(group), word(field(parent, "dn")));
            lines.push(format!("  {group} is nested in {dn}: {shown}"));
        }
    }
    lines.push(format!("{} findings", word(at("/plan/findingsTotal"))));
    for finding in list(at("/plan/findings")) {
        let (code, message) = (word(field(finding, "code")), word(field(finding, "message")));
        lines.push(format!("  {code}: {message}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => safe(text),
        Value::Null => "-".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
