//! What earlier passes remember, for the commands that only look: `--from` and `--state`.
//!
//! Input: the two arguments and the configuration. Output: an engine that writes nothing, with the
//! memory of the running daemon, else of the state that it left; with neither, whoever looks says
//! what could not be computed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::apply::binding;
use super::{blind, complain, load_settings, new_report, progress};
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::remote;
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Request};
use crate::controller::pass::Engine;
use crate::exit::Exit;
use crate::model::Memory;
use crate::report::text::safe;
use crate::settings::Settings;
use crate::state::State;
use crate::state::image::memory;

// Where memory comes from. No doc comment: it would become the text of the command that takes it.
#[derive(Args)]
pub(super) struct Source {
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

/// Whoever looks and writes nothing.
pub(super) struct Reader {
    /// It observes and decides.
    pub(super) engine: Engine,
    /// The owner name of the configuration.
    pub(super) owner: String,
}

impl Source {
    /// Whoever looks with what is remembered there. What is wrong has been said where there is
    /// none.
    pub(super) async fn reader(&self, config: Option<&Path>) -> Result<Reader, Exit> {
        if let Some(why) = self.unusable() {
            complain(&why);
            return Err(Exit::Usage);
        }
        let settings = load_settings(config)?;
        let remembered = self.remembered(&settings).await.map_err(|why| {
            complain(&why);
            Exit::Failed
        })?;
        let (owner, report) = (settings.owner.clone(), new_report(&settings));
        let engine = Engine::open(settings, report, progress::watcher(), remembered);
        let engine = engine.map_err(|why| blind(&why))?.only_reading();
        Ok(Reader { engine, owner })
    }

    /// Why `--from` names no daemon that may be asked; `None` where it does.
    fn unusable(&self) -> Option<String> {
        let refused = remote::address(&self.from.as_deref().and_then(url)?).err()?;
        Some(format!("failed to {refused}"))
    }

    /// A source that is named has to answer; of the usual ones the first that does.
    async fn remembered(&self, settings: &Settings) -> Result<Option<Memory>, String> {
        if let Some(url) = self.from.as_deref().and_then(url) {
            let memory = remote::remembered(&url).await;
            return memory.map(Some).map_err(|error| format!("failed to {}", chain(&error)));
        }
        if let Some(socket) = &self.from {
            return of_daemon(socket).await.map(Some).map_err(|(_, why)| why);
        }
        if let Some(directory) = &self.state {
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
}

/// The URL that `--from` names, where it is one.
fn url(text: &Path) -> Option<String> {
    let text = text.to_string_lossy();
    text.contains("://").then(|| text.into_owned())
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
