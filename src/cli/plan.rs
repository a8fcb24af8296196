//! `plan`: observe, decide, guard; writes nothing anywhere.
//!
//! What earlier passes remember comes from the running daemon, else from the state it left; with
//! neither, the plan says what could not be computed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::apply::{binding, tell};
use super::{blind, complain, load_settings, new_report, policy_name, progress, say};
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::round::{chain, look, standing};
use crate::controller::admin::words::{Answer, Request};
use crate::controller::pass::Engine;
use crate::exit::Exit;
use crate::model::{Memory, PolicyName};
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
    /// The form of the plan: text or json
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: String,
    /// Write the plan to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Remember what the daemon at this admin socket remembers [default: that of the
    /// configuration, where a daemon answers]
    #[arg(long, value_name = "SOCKET", conflicts_with = "state")]
    from: Option<PathBuf>,
    /// Remember what the state in this folder remembers [default: that of the configuration,
    /// where no daemon answers]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    if arguments.from.as_ref().is_some_and(|from| from.to_string_lossy().contains("://")) {
        complain("`--from` with a URL is not supported yet: name the admin socket of the daemon");
        return Exit::Usage;
    }
    let as_json = match arguments.output.as_str() {
        "text" => false,
        "json" => true,
        "markdown" => {
            complain("`--output markdown` is not supported yet");
            return Exit::Usage;
        }
        other => {
            complain(&format!("`--output {}` is none of: text, json", safe(other)));
            return Exit::Usage;
        }
    };
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let remembered = match remembered(&arguments, &settings).await {
        Ok(remembered) => remembered,
        Err(why) => {
            complain(&why);
            return Exit::Failed;
        }
    };
    let report = new_report(&settings);
    let mut engine = match Engine::open(settings, report, progress::watcher(), remembered) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let looked = look(&mut engine, arguments.policy.as_ref(), &mut tell).await;
    let (look, invalid) = match looked {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    let backdrop = Backdrop { memory: engine.memory(), remembers: look.remembers };
    let shown = if as_json {
        format!("{:#}\n", json::plan(&look.decision, &look.guarded, &backdrop))
    } else {
        text::plan_before(&look.decision, &look.guarded, &backdrop)
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

/// What earlier passes remember. A source that is named has to answer; of the usual ones the first
/// that does.
async fn remembered(arguments: &Arguments, settings: &Settings) -> Result<Option<Memory>, String> {
    if let Some(socket) = &arguments.from {
        return of_daemon(socket).await.map(Some).map_err(|(_, why)| why);
    }
    if let Some(directory) = &arguments.state {
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
        Ok(Answer::Status { .. } | Answer::Approved(_) | Answer::Applied { .. }) => {
            Err((false, "the daemon answers something else than it was asked".to_owned()))
        }
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
