//! `approve`: lets one held set through, once, by asking the running daemon.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{complain, load_settings, say};
use crate::controller::admin::approve::counted;
use crate::controller::admin::client::{AskError, ask};
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Request};
use crate::exit::Exit;
use crate::report::text::safe;

#[derive(Args)]
pub(super) struct Arguments {
    /// The digest of the held set, or its first 12 digits or more, as `plan` and `status` show it
    #[arg(value_name = "DIGEST")]
    digest: String,
    /// When the approval ends, at most 24 hours ahead: 2026-03-01T18:00:00Z [default: in 24 hours]
    #[arg(long, value_name = "TIME")]
    not_after: Option<Timestamp>,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let Arguments { digest, not_after } = arguments;
    let asked = ask(&settings.admin_socket, &Request::Approve { digest, not_after }).await;
    match asked {
        Ok(Answer::Approved(granted)) => {
            say(&format!(
                "approved {}\n  {} until {}, by {}\n  the next pass lets it through, once\n",
                granted.digest,
                safe(&counted(&granted.kinds)),
                granted.not_after,
                safe(&granted.approved_by)
            ));
            return Exit::Done;
        }
        Ok(Answer::Refused { why }) => complain(&format!("not approved: {}", safe(&why))),
        Ok(
            Answer::Memory { .. }
            | Answer::Status { .. }
            | Answer::Applied { .. }
            | Answer::Paused { .. }
            | Answer::Reloaded(_),
        ) => {
            complain("the daemon answers something else than it was asked");
        }
        Err(AskError::Absent { path, source }) => complain(&format!(
            "no daemon answers at {} ({source}): an approval is given to a running daemon; \
             without one, `writeback apply --approve DIGEST` makes one pass with it",
            path.display()
        )),
        Err(error @ (AskError::Forbidden { .. } | AskError::Broken { .. })) => {
            complain(&format!("failed to {}", chain(&error)));
        }
    }
    Exit::Failed
}
