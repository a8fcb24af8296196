//! `pause` and `resume`: let the running daemon write nothing, or nothing of one policy, and let it
//! go on.

use std::path::PathBuf;

use clap::Args;

use super::reconcile::unanswered;
use super::{complain, load_settings, policy_name, say};
use crate::controller::admin::client::ask;
use crate::controller::admin::words::{Answer, Request};
use crate::exit::Exit;
use crate::model::{Pause, Pauses, PolicyName};
use crate::report::text::safe;

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

/// What is paused now, and how each of it ends.
fn text(pauses: &Pauses) -> String {
    if pauses.is_empty() {
        return "  nothing is paused\n".to_owned();
    }
    let line = |what: &str, Pause { by, at }: &Pause, ended_by: &str| {
        let by = safe(by);
        format!("  {what} is paused by {by} since {at}; `writeback resume{ended_by}` ends it\n")
    };
    let all = pauses.all.iter().map(|all| line("everything", all, ""));
    let policies = pauses
        .policies
        .iter()
        .map(|(name, pause)| line(&format!("policy {name}"), pause, &format!(" --policy {name}")));
    all.chain(policies).collect()
}
