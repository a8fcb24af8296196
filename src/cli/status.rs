//! `status`: what the running daemon says of itself, else what its last pass left in the state.
//! `live` asks whether the daemon lives, and takes nothing that was left for an answer.

mod live;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::apply::binding;
use super::{complain, load_settings, say};
use crate::controller::admin::client::ask;
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Request};
use crate::controller::now;
use crate::exit::Exit;
use crate::report::text::safe;
use crate::settings::Settings;
use crate::state::State;

/// The daemon answers from memory; a longer silence means that it is not there. Half of what the
/// health check of the image may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A status is below 1 MiB (see `report::status`); this is room for a larger future.
const BYTES_MAX: usize = 8 << 20;

#[derive(Args)]
#[command(after_help = "\
Ends with 0 when there is a status, of the running daemon or from its state, and with 1 when there \
is none. With --live it ends with 0 when the loop of the running daemon moves, and with 1 when it \
stands still or no daemon answers within 5 s; an invalid configuration ends with 5.")]
pub(super) struct Arguments {
    /// The form of the answer: text or json
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = ["text", "json"])]
    output: String,
    /// Only ask the running daemon whether its loop moves (`/livez` of http.listen), for health
    /// checks
    #[arg(long, conflicts_with = "output")]
    live: bool,
}

pub(super) async fn run(arguments: &Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    if arguments.live {
        return live::run(settings.http.listen).await;
    }
    let address = settings.http.status;
    let (status, remark) = match of_daemon(&settings).await {
        Ok(status) => (status, None),
        Err(why) => {
            let absent = format!(
                "no daemon answers at http://{address}/api/v1/status (http.status): {why}; start \
                 it with `writeback run`"
            );
            match of_state(&settings) {
                Ok(Some(status)) => {
                    let remark = age(&status);
                    (status, Some(remark))
                }
                Ok(None) => {
                    complain(&absent);
                    return Exit::Failed;
                }
                Err(why) => {
                    complain(&absent);
                    complain(&why);
                    return Exit::Failed;
                }
            }
        }
    };
    if arguments.output == "json" {
        say(&format!("{status:#}\n"));
    } else {
        say(&format!("{}{}", remark.unwrap_or_default(), text(&status)));
    }
    Exit::Done
}

/// The status of the running daemon: over the admin socket, or, for accounts that may not use it,
/// where it is served to everybody on this machine.
async fn of_daemon(settings: &Settings) -> Result<Value, String> {
    if let Ok(Answer::Status { status }) = ask(&settings.admin_socket, &Request::Status {}).await {
        return Ok(status);
    }
    let asked = timeout(ANSWER_MAX, get(&[settings.http.status], "/api/v1/status")).await;
    let (status, body) = asked.unwrap_or_else(|_| Err("it does not answer in time".to_owned()))?;
    if !status.is_success() {
        return Err(format!("it answers {status}"));
    }
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

/// What the last pass left in the state.
fn of_state(settings: &Settings) -> Result<Option<Value>, String> {
    let opened = State::read(&settings.state, &binding(settings))
        .map_err(|error| format!("failed to {}", chain(&error)))?;
    let Some(document) = opened.and_then(|opened| opened.status_document) else { return Ok(None) };
    let mut status: Value = serde_json::from_str(&document)
        .map_err(|error| format!("failed to read the status in the state: {error}"))?;
    if let Some(fields) = status.as_object_mut() {
        fields.insert("running".to_owned(), Value::Bool(false));
    }
    Ok(Some(status))
}

/// Says that no daemon runs, and how old what follows is.
fn age(status: &Value) -> String {
    let ended = status.pointer("/lastPass/endedAt").and_then(Value::as_str);
    let ended = ended.and_then(|text| text.parse::<Timestamp>().ok());
    let age = ended.map_or_else(
        || "of unknown age".to_owned(),
        |ended| {
            // Whole seconds: nobody asks for more.
            let age = SignedDuration::from_secs(now().duration_since(ended).as_secs());
            format!("{age:#} old")
        },
    );
    format!("! no daemon runs: this is the status after the last pass, {age}\n")
}

/// What the first of these addresses that is there answers: its status code and its body.
async fn get(addresses: &[SocketAddr], path: &str) -> Result<(StatusCode, Bytes), String> {
    let plain = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(addresses).await.map_err(|error| plain(&error))?;
    let host = stream.peer_addr().map_err(|error| plain(&error))?.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| plain(&error))?;
    tokio::spawn(connection);
    let request = hyper::Request::get(path)
        .header("host", host)
        .body(Empty::<Bytes>::new())
        .map_err(|error| plain(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| plain(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), BYTES_MAX);
    let bytes = body.collect().await.map_err(|error| plain(&error))?.to_bytes();
    Ok((status, bytes))
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
    if !at("/folder/loadedAt").is_null() {
        let revision = at("/folder/revision").as_str();
        let revision = revision.map(|text| format!(" of revision {}", safe(text)));
        let revision = revision.unwrap_or_default();
        lines.push(format!("policies{revision} read {}", word(at("/folder/loadedAt"))));
    }
    lines.extend(paused(at("/pauses")));
    for mistake in list(at("/folder/mistakes")) {
        lines.push(format!("! {}", word(mistake)));
    }
    for hold in list(at("/plan/held")) {
        lines.push(format!("! held: {}", word(field(hold, "message"))));
    }
    lines.extend(standing(at("/memory")));
    for (name, policy) in at("/policies").as_object().into_iter().flatten() {
        lines.push(format!(
            "policy {}: {} groups, {} memberships, mode {}",
            safe(name),
            word(field(policy, "groups")),
            word(field(policy, "memberships")),
            word(field(policy, "mode")),
        ));
        lines.extend(older(policy, at("/folder/revision")));
        lines.extend(list(field(policy, "conditions")).map(condition));
    }
    for (group, reason) in at("/plan/unknown").as_object().into_iter().flatten() {
        let (group, reason) = (safe(group), word(reason));
        lines.push(format!("  {group} is left as it is, not enough being known of it: {reason}"));
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
    lines.extend(passes(at("/lastPasses")));
    lines.push(format!("{} findings", word(at("/plan/findingsTotal"))));
    for finding in list(at("/plan/findings")) {
        let (code, message) = (word(field(finding, "code")), word(field(finding, "message")));
        lines.push(format!("  {code}: {message}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Of which revision a policy in force is, where that is not the one that was last read.
fn older(policy: &Value, read: &Value) -> Option<String> {
    // What an earlier version left in the state does not say it.
    let revision = policy.get("revision").filter(|revision| *revision != read)?;
    let (revision, read) = (word(revision), word(read));
    Some(format!("  in force as it was at revision {revision}; revision {read} was read last"))
}

/// What is paused, by whom, and how it ends.
fn paused(pauses: &Value) -> Vec<String> {
    let line = |what: &str, pause: &Value, ended_by: &str| {
        let (by, at) = (word(field(pause, "by")), word(field(pause, "at")));
        format!("! {what} is paused by {by} since {at}; `writeback resume{ended_by}` ends it")
    };
    let all = Some(field(pauses, "all")).filter(|all| !all.is_null());
    let all = all.map(|all| line("everything", all, ""));
    let policies =
        field(pauses, "policies").as_object().into_iter().flatten().map(|(name, one)| {
            let name = safe(name);
            line(&format!("policy {name}"), one, &format!(" --policy {name}"))
        });
    all.into_iter().chain(policies).collect()
}

/// One condition of a policy: what it is, why, and since when. Why matters where it holds, and of
/// `Ready` always.
fn condition(condition: &Value) -> String {
    let holds = field(condition, "status") == &Value::Bool(true);
    let kind = word(field(condition, "type"));
    let since = word(field(condition, "lastTransitionTime"));
    if !holds && kind != "Ready" {
        return format!("  {kind}: no, since {since}");
    }
    let state = if holds { "yes" } else { "no" };
    let (reason, message) = (word(field(condition, "reason")), word(field(condition, "message")));
    format!("  {kind}: {state} ({reason}) {message}, since {since}")
}

/// The last passes, the newest first.
fn passes(passes: &Value) -> Vec<String> {
    let mut lines: Vec<String> = list(passes)
        .map(|pass| {
            let [ended, result, done, failed, held] =
                ["endedAt", "result", "changesDone", "changesFailed", "heldChanges"]
                    .map(|name| word(field(pass, name)));
            format!("  {ended} {result}: {done} changes done, {failed} failed, {held} held")
        })
        .collect();
    if !lines.is_empty() {
        lines.insert(0, "last passes".to_owned());
    }
    lines
}

/// What memory stands on: what can be approved, what is approved, what is wrong with it.
fn standing(memory: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let counted = |set: &Value| {
        let kinds = field(set, "kinds").as_object().into_iter().flatten();
        let parts = kinds.map(|(kind, count)| format!("{} {}", word(count), safe(kind)));
        parts.collect::<Vec<_>>().join(", ")
    };
    for set in list(field(memory, "heldSets")) {
        let (digest, since) = (word(field(set, "digest")), word(field(set, "since")));
        let kinds = counted(set);
        let until = field(set, "refusedUntil");
        let how = if until.is_null() {
            format!("`writeback approve {digest}` passes it once")
        } else {
            format!("`writeback approve {digest}` is refused until {}", word(until))
        };
        lines.push(format!("! held since {since}: {kinds}; {how}"));
    }
    for approval in list(field(memory, "approvals")) {
        let (digest, by) = (word(field(approval, "digest")), word(field(approval, "approvedBy")));
        let (end, kinds) = (word(field(approval, "notAfter")), counted(approval));
        lines.push(format!("approved {digest} by {by} until {end}: {kinds} still pass"));
    }
    if !field(memory, "closedUntil").is_null() {
        let end = word(field(memory, "closedUntil"));
        lines.push(format!("! all removals wait until {end}, or for an approval"));
    }
    if !field(memory, "fault").is_null() {
        let fault = word(field(memory, "fault"));
        lines.push(format!("! nothing is written: failed to {fault}"));
    }
    if !field(memory, "journalHead").is_null() {
        lines.push(format!("journal head {}", word(field(memory, "journalHead"))));
    }
    lines
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
