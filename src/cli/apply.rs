//! `apply`: one pass, under the lock of the state directory; beside a running daemon a request to
//! it, with the same output and exit code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::SignedDuration;

use super::{at_once, blind, complain, load_settings, new_report, policy_name, progress, say};
use crate::controller::admin::caller::Caller;
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::round::{Bench, Told, chain};
use crate::controller::admin::words::{Answer, Request, Round};
use crate::controller::books::Books;
use crate::controller::lock::{LockError, StateLock};
use crate::controller::now;
use crate::controller::pass::Engine;
use crate::controller::recall::{Recalled, recall};
use crate::controller::stop::Stop;
use crate::exit::Exit;
use crate::journal::{Journal, Options};
use crate::model::{Memory, PolicyName};
use crate::report::text::safe;
use crate::settings::Settings;
use crate::state::{Binding, State};

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this policy
    #[arg(long, value_name = "NAME", value_parser = policy_name)]
    policy: Option<PolicyName>,
    /// Write only if the plan has this digest, or this reviewed digest
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// Let the held set of this digest through: what this pass or the last one holds
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let Arguments { policy, expect, approve } = arguments;
    let round = Round { policy, expect, approve };
    match claim_state(&settings) {
        Ok(claimed) => Box::pin(alone(settings, claimed, &round)).await,
        Err(Unclaimed::Held(error)) => beside(&settings.admin_socket, round, &error).await,
        Err(Unclaimed::Failed(why)) => {
            complain(&why);
            Exit::Failed
        }
    }
}

/// The pass in this process.
async fn alone(settings: Settings, claimed: Claimed, round: &Round) -> Exit {
    let Claimed { lock: _lock, mut books, memory, status } = claimed;
    let report = new_report(&settings);
    report.recall_passes(status.as_deref());
    let mut engine = match Engine::open(settings, report, progress::watcher(), Some(memory)) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let caller = match Caller::own() {
        Ok(caller) => caller.to_string(),
        Err(error) => {
            complain(&format!("failed to learn which account this is: {error}"));
            return Exit::Failed;
        }
    };
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    let bench = Bench { engine: &mut engine, books: &mut books, stop: &stop };
    let (exit, _) = bench.run(round, &caller, &mut tell).await;
    exit
}

/// Prints what a pass tells while it runs.
pub(super) fn tell(told: Told) {
    match told {
        Told::Output(text) => say(&text),
        Told::Complaint(line) => complain(&line),
    }
}

/// The pass in the daemon that holds the state.
async fn beside(socket: &Path, round: Round, held: &LockError) -> Exit {
    match ask(socket, &Request::Apply(round)).await {
        Ok(Answer::Applied { exit, output, complaints }) => {
            say(&output);
            for line in complaints {
                complain(&safe(&line));
            }
            of_code(exit)
        }
        Ok(Answer::Refused { why }) => {
            complain(&format!("the daemon refuses: {}", safe(&why)));
            Exit::Failed
        }
        Ok(
            Answer::Memory { .. }
            | Answer::Status { .. }
            | Answer::Approved(_)
            | Answer::Paused { .. }
            | Answer::Reloaded(_),
        ) => {
            complain("the daemon answers something else than it was asked");
            Exit::Failed
        }
        Err(AskError::Absent { .. }) => {
            complain(&format!("failed to {held}"));
            Exit::Failed
        }
        Err(error @ (AskError::Forbidden { .. } | AskError::Broken { .. })) => {
            complain(&format!("failed to {held}"));
            complain(&format!("failed to {}", chain(&error)));
            Exit::Failed
        }
    }
}

/// The exit of a code that the daemon answers.
pub(super) fn of_code(code: u8) -> Exit {
    const ALL: [Exit; 7] = [
        Exit::Done,
        Exit::ChangesWait,
        Exit::Held,
        Exit::Incomplete,
        Exit::Failed,
        Exit::Invalid,
        Exit::Usage,
    ];
    ALL.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::Failed)
}

/// The state directory in this process's hands.
pub(super) struct Claimed {
    /// One writer at a time.
    pub(super) lock: StateLock,
    /// Journal and state.
    pub(super) books: Books,
    /// What earlier passes remember.
    pub(super) memory: Memory,
    /// The status that the last process left.
    pub(super) status: Option<String>,
}

/// Why it is not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unclaimed {
    /// Another process has it.
    #[error(transparent)]
    Held(LockError),
    /// It cannot be used; a whole sentence.
    #[error("{0}")]
    Failed(String),
}

/// Takes the state directory, opens journal and state in it, and says what they were found like.
pub(super) fn claim_state(settings: &Settings) -> Result<Claimed, Unclaimed> {
    let failed = |error: &dyn std::error::Error| Unclaimed::Failed(sentence(error));
    let lock = StateLock::take(&settings.state).map_err(|error| match error {
        LockError::Held { .. } => Unclaimed::Held(error),
        LockError::Unusable { .. } => failed(&error),
    })?;
    let directory = lock.directory().to_owned();
    let binding = binding(settings);
    let (state, opened) =
        State::open(&directory, binding.clone()).map_err(|error| failed(&error))?;
    let retention = SignedDuration::try_from(settings.journal_retention);
    let retention = retention.unwrap_or(SignedDuration::MAX);
    let options = Options { retention, ..Options::default() };
    let status = opened.status_document.clone();
    let recalled = recall(&directory, opened, now()).map_err(|error| failed(&error))?;
    let Recalled { memory, is_news, warning, lost } = recalled;
    let journal = Journal::open_without(lost, &directory, options, now());
    let journal = journal.map_err(|error| failed(&error))?;
    if journal.open_intents() > 0 {
        complain(&format!(
            "{} announced writes of an earlier run have no outcome in the journal; the directory \
             is read before anything is written",
            journal.open_intents()
        ));
    }
    if let Some(warning) = &warning {
        complain(&safe(warning));
    }
    let books = Books::new(journal, state, directory, binding, is_news);
    Ok(Claimed { lock, books, memory, status })
}

/// Whose state a configuration means.
pub(super) fn binding(settings: &Settings) -> Binding {
    Binding { tenant: settings.tenant.id, owner: settings.owner.clone() }
}

fn sentence(error: &dyn std::error::Error) -> String {
    format!("failed to {}", chain(error))
}
