//! `reconcile` and `reload`: a pass at once, or only the policies read again, by asking the running
//! daemon.

use std::path::PathBuf;

use clap::Args;

use super::apply::of_code;
use super::{complain, load_settings, say};
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Loaded, Request};
use crate::exit::Exit;
use crate::model::PolicyName;
use crate::report::text::safe;

#[derive(Args)]
pub(super) struct Arguments {
    /// Tell of this group: its object id, its anchor, its display name or its name in the directory
    #[arg(value_name = "GROUP")]
    group: Option<String>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let request = Request::Reconcile { group: arguments.group };
    match ask(&settings.admin_socket, &request).await {
        Ok(Answer::Applied { exit, output, complaints }) => {
            say(&output);
            for line in complaints {
                complain(&safe(&line));
            }
            of_code(exit)
        }
        other => unanswered(other, "without one, `writeback apply` makes one pass"),
    }
}

pub(super) async fn reload(config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    match ask(&settings.admin_socket, &Request::Reload {}).await {
        Ok(Answer::Reloaded(loaded)) => {
            say(&text(&loaded));
            for mistake in &loaded.mistakes {
                complain(&safe(mistake));
            }
            if loaded.mistakes.is_empty() { Exit::Done } else { Exit::Invalid }
        }
        other => unanswered(other, "`writeback validate` checks the policies without one"),
    }
}

fn text(loaded: &Loaded) -> String {
    let word = if loaded.changed { "changed" } else { "unchanged" };
    let revision = loaded.revision.as_deref();
    let revision = revision.map(|text| format!(" at revision {}", safe(text))).unwrap_or_default();
    let of = |name: &PolicyName| match loaded.other_revisions.get(name) {
        Some(other) => format!("{name} (revision {})", safe(other)),
        None => name.to_string(),
    };
    let names: Vec<_> = loaded.policies.iter().map(of).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("policies {word}{revision}\n  in force: {names}\n")
}

/// An answer that is none: a refusal, silence, or something else.
pub(super) fn unanswered(answer: Result<Answer, AskError>, without: &str) -> Exit {
    match answer {
        Ok(Answer::Refused { why }) => complain(&format!("the daemon refuses: {}", safe(&why))),
        Ok(
            Answer::Memory { .. }
            | Answer::Status { .. }
            | Answer::Approved(_)
            | Answer::Applied { .. }
            | Answer::Paused { .. }
            | Answer::Reloaded(_),
        ) => complain("the daemon answers something else than it was asked"),
        Err(AskError::Absent { path, source }) => {
            complain(&format!("no daemon answers at {} ({source}): {without}", path.display()));
        }
        Err(error @ (AskError::Forbidden { .. } | AskError::Broken { .. })) => {
            complain(&format!("failed to {}", chain(&error)));
        }
    }
    Exit::Failed
}
