//! `apply`: one pass, under the lock of the state directory.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::plan::{look, standing};
use super::{at_once, blind, complain, load_settings, new_report, policy_name, progress, say};
use crate::controller::lock::StateLock;
use crate::controller::pass::{Acted, Engine};
use crate::controller::stop::Stop;
use crate::exit::Exit;
use crate::journal::Journal;
use crate::model::{Memory, PolicyName};
use crate::report::text;
use crate::report::text::safe;
use crate::settings::Settings;

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this policy
    #[arg(long, value_name = "NAME", value_parser = policy_name)]
    policy: Option<PolicyName>,
    /// Write only if the plan has this digest, or this reviewed digest
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    #[arg(long, hide = true)]
    approve: Option<String>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    if arguments.approve.is_some() {
        complain("`--approve` is not supported yet");
        return Exit::Usage;
    }
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let (_lock, mut journal) = match claim_state(&settings) {
        Ok(claimed) => claimed,
        Err(exit) => return exit,
    };
    let report = new_report(&settings);
    let mut engine = match Engine::open(settings, report, progress::watcher(), Some(Memory::default())) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let stop = Arc::new(Stop::default());
    stop.listen(at_once);
    let looked = tokio::select! {
        looked = look(&mut engine, arguments.policy.as_ref()) => looked,
        () = stop.heard() => {
            complain("stopped before anything was written");
            return Exit::Failed;
        }
    };
    let (look, invalid) = match looked {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    say(&text::plan(&look.decision, &look.guarded));
    if let Some(expected) = &arguments.expect {
        let found = [look.guarded.digest, look.guarded.reviewed];
        if !found.iter().any(|digest| digest.answers_to(expected)) {
            complain(&format!(
                "the plan is not the expected one ({}): nothing is written; run `writeback plan` \
                 and review it again",
                safe(expected)
            ));
            return Exit::ChangesWait.max(standing(&look)).max(invalid);
        }
    }
    let acted = engine.act(&look, &mut journal, stop.flag()).await;
    say(&format!("\n{}", text::outcomes(&acted.results)));
    let before = standing(&look);
    engine.conclude(look, &acted);
    outcome(&acted).max(before).max(invalid)
}

/// Takes the state directory and opens the journal in it.
pub(super) fn claim_state(settings: &Settings) -> Result<(StateLock, Journal), Exit> {
    let lock = StateLock::take(&settings.state).map_err(|error| {
        complain(&format!("failed to {error}"));
        Exit::Failed
    })?;
    let journal = Journal::open(lock.directory()).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        complain(&format!("failed to {error}: {}", source.unwrap_or_default()));
        Exit::Failed
    })?;
    if journal.open_intents() > 0 {
        complain(&format!(
            "{} announced writes of an earlier run have no outcome in the journal; the directory \
             is read before anything is written",
            journal.open_intents()
        ));
    }
    Ok((lock, journal))
}

fn outcome(acted: &Acted) -> Exit {
    if let Some(error) = &acted.journal {
        complain(&format!("failed to {error}"));
        return Exit::Failed;
    }
    let all_done = acted.results.iter().all(|result| result.outcome.achieved());
    if all_done && !acted.stopped { Exit::Done } else { Exit::Failed }
}
