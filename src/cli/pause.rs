//! `pause` and `resume`: let the running daemon write nothing, or nothing of one policy, and let it
//! go on.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::reconcile::unanswered;
use super::{complain, load_settings, policy_name, say};
use crate::controller::admin::client::ask;
use crate::controller::admin::words::{Answer, Request};
use crate::exit::Exit;
use crate::model::{Change, Pauses, PolicyName};
use crate::report::text::{self, safe};

#[derive(Args)]
pub(super) struct Arguments {
    /// Only this policy [default: everything]
    #[arg(long, value_name = "NAME", value_parser = policy_name)]
    policy: Option<PolicyName>,
}

pub(super) async fn pause(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let policy = arguments.policy;
    exchange(Request::Pause { policy }, ["paused", "paused already"], config).await
}

pub(super) async fn resume(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let policy = arguments.policy;
    exchange(Request::Resume { policy }, ["resumed", "nothing to resume"], config).await
}

async fn exchange(request: Request, [done, so]: [&str; 2], config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    match ask(&settings.admin_socket, &request).await {
        Ok(Answer::Paused { changed, pauses }) => {
            say(&format!("{}\n{}", if changed { done } else { so }, text(&pauses)));
            Exit::Done
        }
        Ok(Answer::Refused { why }) => {
            complain(&format!("nothing is changed: {}", safe(&why)));
            Exit::Failed
        }
        other => unanswered(other, "a pause is for a running daemon"),
    }
}

/// Says that these changes are made although their policies are paused: a pause holds what the
/// policies want, and `command` is a person's own word.
pub(super) fn note(pauses: &Pauses, changes: &[Change], command: &str) {
    let policies: BTreeSet<&PolicyName> = changes.iter().map(|change| &change.policy).collect();
    let all = pauses.all.iter().filter(|_| !changes.is_empty()).map(|all| text::pause(None, all));
    let by_name = policies.iter().filter_map(|name| Some((*name, pauses.policies.get(name)?)));
    let told: Vec<String> =
        all.chain(by_name.map(|(name, pause)| text::pause(Some(name), pause))).collect();
    if !told.is_empty() {
        complain(&format!(
            "note: {}: that holds what the policies want; `{command}` is done on your word all \
             the same, and the pause stays",
            told.join(", ")
        ));
    }
}

/// What is paused now, and how each of it ends.
fn text(pauses: &Pauses) -> String {
    if pauses.is_empty() {
        return "  nothing is paused\n".to_owned();
    }
    let lines: Vec<String> = text::pauses(pauses).collect();
    format!("  {}\n", lines.join("\n  "))
}
