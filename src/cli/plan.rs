//! `plan`: observe, decide, guard; writes nothing to the directory.

use std::path::PathBuf;

use clap::Args;

use super::{blind, complain, load_settings, new_report, policy_name, progress, say};
use crate::controller::pass::{Engine, Look};
use crate::exit::Exit;
use crate::model::PolicyName;
use crate::policy::LoadReport;
use crate::report::text::safe;
use crate::report::{json, text};

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
    #[arg(long, hide = true)]
    from: Option<String>,
    #[arg(long, hide = true)]
    state: Option<String>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    for (name, given) in [("--from", &arguments.from), ("--state", &arguments.state)] {
        if given.is_some() {
            complain(&format!("`{name}` is not supported yet"));
            return Exit::Usage;
        }
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
    let report = new_report(&settings);
    let mut engine = match Engine::open(settings, report, progress::watcher(), None) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let (look, invalid) = match look(&mut engine, arguments.policy.as_ref()).await {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    let shown = if as_json {
        format!("{:#}\n", json::plan(&look.decision, &look.guarded))
    } else {
        text::plan(&look.decision, &look.guarded)
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

/// Loads the policies, says what is wrong with them, and looks. The second value is `Invalid`
/// when a policy file is wrong: the others go on.
pub(super) async fn look(
    engine: &mut Engine,
    only: Option<&PolicyName>,
) -> Result<(Look, Exit), Exit> {
    let load = engine.load_policies();
    let invalid = mistakes(&load);
    if load.folder_error.is_some() && load.generation.is_none() {
        return Err(invalid);
    }
    if let Some(name) = only
        && !engine.policies().policies.iter().any(|standing| standing.policy.name == *name)
    {
        complain(&format!("there is no policy `{name}` in force"));
        return Err(Exit::Invalid);
    }
    match engine.look(only).await {
        Ok(look) => Ok((look, invalid)),
        Err(why) => Err(blind(&why).max(invalid)),
    }
}

fn mistakes(load: &LoadReport) -> Exit {
    for mistake in &load.mistakes {
        complain(&safe(&mistake.to_string()));
    }
    if load.mistakes.is_empty() { Exit::Done } else { Exit::Invalid }
}

/// What a look alone says: held, incomplete, or nothing.
pub(super) fn standing(look: &Look) -> Exit {
    let held = if look.guarded.held.holds.is_empty() { Exit::Done } else { Exit::Held };
    let incomplete = if look.decision.incomplete { Exit::Incomplete } else { Exit::Done };
    held.max(incomplete)
}
