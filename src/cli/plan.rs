//! `plan`: observe, decide, guard; writes nothing anywhere.
//!
//! What earlier passes remember comes by `remembered`; without it, the plan says what could not be
//! computed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::apply::tell;
use super::remembered::{Reader, Source};
use super::{complain, policy_name, say};
use crate::controller::admin::round::{look, standing};
use crate::exit::Exit;
use crate::model::PolicyName;
use crate::report::markdown::{self, Heading};
use crate::report::text::Backdrop;
use crate::report::{json, text};

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
    #[command(flatten)]
    source: Source,
}

/// The form of a plan.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
    Markdown,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let reader = arguments.source.reader(config.as_deref()).await;
    let Reader { mut engine, owner } = match reader {
        Ok(reader) => reader,
        Err(exit) => return exit,
    };
    // What waits for the end of a pause is what a plan is asked for then.
    let pauses = std::mem::take(&mut engine.memory_mut().pauses);
    let looked = look(&mut engine, arguments.policy.as_ref(), &mut tell).await;
    engine.memory_mut().pauses = pauses;
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
