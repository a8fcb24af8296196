//! `plan`: observe, decide, guard; writes nothing anywhere.
//!
//! What earlier passes remember comes from the running daemon, else from the state it left; with
//! neither, the plan says what could not be computed.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::apply::{binding, tell};
use super::{blind, complain, load_settings, new_report, policy_name, progress, say};
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::remote;
use crate::controller::admin::round::{chain, look, standing};
use crate::controller::admin::words::{Answer, Request};
use crate::controller::pass::Engine;
use crate::exit::Exit;
use crate::model::{Memory, PolicyName};
use crate::report::markdown::{self, Heading};
use crate::report::text::{Backdrop, safe};
use crate::report::{json, text};
use crate::settings::Settings;
use crate::state::State;
use crate::state::image::memory;

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this policy
    #[arg(long, value_name = "NAME", value_parser = policy_name)]
    policy: Option<PolicyName>,
    /// The form of the plan; markdown is fit for a comment on a pull request
    #[arg(long, value_name = "FORM", value_enum, default_value = "text")]
    output: Form,
    /// Write the plan to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Remember what the daemon at this admin socket remembers, or the one whose `http.status`
    /// answers at this URL (https, or http on this machine) [default: the socket of the
    /// configuration, where a daemon answers]
    #[arg(long, value_name = "SOCKET|URL", conflicts_with = "state")]
    from: Option<PathBuf>,
    /// Remember what the state in this folder remembers [default: that of the configuration,
    /// where no daemon answers]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// The form of a plan.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
    Markdown,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    if let Some(why) = unusable(arguments.from.as_deref()) {
        complain(&why);
        return Exit::Usage;
    }
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let source = (arguments.from.as_deref(), arguments.state.as_deref());
    let remembered = match remembered(source, &settings).await {
        Ok(remembered) => remembered,
        Err(why) => {
            complain(&why);
            return Exit::Failed;
        }
    };
    let report = new_report(&settings);
    let owner = settings.owner.clone();
    let mut engine = match Engine::open(settings, report, progress::watcher(), remembered) {
        Ok(engine) => engine.only_reading(),
        Err(why) => return blind(&why),
    };
    let looked = look(&mut engine, arguments.policy.as_ref(), &mut tell).await;
    let (look, invalid) = match looked {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    if let Some(why) = engine.lacks().await {
        complain(&format!("a plan needs no more, but apply would fail to {why}"));
    }
    let backdrop = Backdrop { memory: engine.memory(), remembers: look.remembers };
    let (decision, guarded) = (&look.decision, &look.guarded);
    let shown = match arguments.output {
        Form::Text => text::plan_before(decision, guarded, &backdrop),
        Form::Json => format!("{:#}\n", json::plan(decision, guarded, &backdrop)),
        Form::Markdown => {
            let heading = Heading { owner: &owner, only: arguments.policy.as_ref() };
            markdown::plan(decision, guarded, &backdrop, heading)
        }
    };
    match &arguments.out {
        None => say(&shown),
        Some(file) => {
            if let Err(error) = std::fs::write(file, shown) {
                complain(&format!("failed to write {}: {error}", file.display()));
                return Exit::Failed;
            }
        }
    }
    let waits = !look.guarded.admitted.changes().is_empty();
    let waiting = if waits { Exit::ChangesWait } else { Exit::Done };
    waiting.max(standing(&look)).max(invalid)
}

/// Why `--from` names no daemon that may be asked; `None` where it does.
pub(super) fn unusable(from: Option<&Path>) -> Option<String> {
    let refused = remote::address(&from.and_then(url)?).err()?;
    Some(format!("failed to {refused}"))
}

/// The URL that `--from` names, where it is one.
fn url(text: &Path) -> Option<String> {
    let text = text.to_string_lossy();
    text.contains("://").then(|| text.into_owned())
}

/// What earlier passes remember: `--from` and `--state`. A source that is named has to answer; of
/// the usual ones the first that does.
pub(super) async fn remembered(
    (from, state): (Option<&Path>, Option<&Path>),
    settings: &Settings,
) -> Result<Option<Memory>, String> {
    if let Some(url) = from.and_then(url) {
        let memory = remote::remembered(&url).await;
        return memory.map(Some).map_err(|error| format!("failed to {}", chain(&error)));
    }
    if let Some(socket) = from {
        return of_daemon(socket).await.map(Some).map_err(|(_, why)| why);
    }
    if let Some(directory) = state {
        let none = || format!("there is no state in {} (--state)", directory.display());
        return of_state(directory, settings)?.ok_or_else(none).map(Some);
    }
    match of_daemon(&settings.admin_socket).await {
        Ok(memory) => return Ok(Some(memory)),
        Err((true, _)) => {}
        Err((false, why)) => complain(&why),
    }
    // Without memory a plan is still a plan: it says itself what it lacks.
    Ok(of_state(&settings.state, settings).unwrap_or_else(|why| {
        complain(&why);
        None
    }))
}

/// The memory of the daemon at a socket; an error says whether simply no daemon is there.
async fn of_daemon(socket: &Path) -> Result<Memory, (bool, String)> {
    match ask(socket, &Request::Memory {}).await {
        Ok(Answer::Memory { image, .. }) => memory(&image).map_err(|error| {
            (false, format!("failed to {}: the daemon may be of another version", chain(&error)))
        }),
        Ok(Answer::Refused { why }) => {
            Err((false, format!("the daemon at {} refuses: {}", socket.display(), safe(&why))))
        }
        Ok(
            Answer::Status { .. }
            | Answer::Approved(_)
            | Answer::Applied { .. }
            | Answer::Paused { .. }
            | Answer::Reloaded(_),
        ) => Err((false, "the daemon answers something else than it was asked".to_owned())),
        Err(error @ AskError::Absent { .. }) => Err((true, format!("failed to {}", chain(&error)))),
        Err(error @ (AskError::Forbidden { .. } | AskError::Broken { .. })) => {
            Err((false, format!("failed to {}", chain(&error))))
        }
    }
}

/// What stands in the state of a folder; nothing in it is changed.
fn of_state(directory: &Path, settings: &Settings) -> Result<Option<Memory>, String> {
    let opened = State::read(directory, &binding(settings));
    let opened = opened.map_err(|error| format!("failed to {}", chain(&error)))?;
    Ok(opened.map(|opened| opened.memory))
}
