//! `discover`: what is there, what is wrong with it, and how to begin; writes nothing anywhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::{complain, load_settings, new_report, progress, say};
use crate::controller::discover::Survey;
use crate::controller::pass::Blind;
use crate::discover::Approach;
use crate::exit::Exit;
use crate::model::Containers;
use crate::model::policy::{PolicySet, Standing};
use crate::policy::{FolderError, PolicyStore, parse};
use crate::report::discovery;
use crate::report::text::safe;
use crate::settings::Settings;

#[derive(Args)]
#[command(after_help = "\
Ends with 0 when everything was read, whatever problems were found; 4 when a read was not whole \
and may be later; 1 when a side cannot be read before somebody mends what the report names; 5 \
when the configuration or a policy is invalid. That the tenant refuses to say whether \
Microsoft's own writeback is on is an answer (MicrosoftWritebackUnknown) and not an unfinished \
read: no application permission is known to open it.")]
pub(super) struct Arguments {
    /// The form of the report: text or json
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

pub(super) async fn run(arguments: &Arguments, config: Option<PathBuf>) -> Exit {
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let (policies, invalid) = policies(&settings);
    let ready = ready(&settings.directory.containers);
    let surveyed = Box::pin(
        Survey {
            settings: &settings,
            policies: &policies,
            ready: &ready,
            report: new_report(&settings),
            watcher: progress::watcher(),
        }
        .look(),
    )
    .await;
    if arguments.output == "json" {
        say(&format!("{:#}\n", discovery::json(&surveyed.discovery)));
    } else {
        say(&discovery::text(&surveyed.discovery));
    }
    let whole = if surveyed.discovery.complete { Exit::Done } else { Exit::Incomplete };
    surveyed.blind.iter().map(blind).fold(whole.max(invalid), Exit::max)
}

/// What time may mend is an incomplete read, everything else needs a person.
fn blind(blind: &Blind) -> Exit {
    if blind.fault.transient { Exit::Incomplete } else { Exit::Failed }
}

/// The policies in force, and `Invalid` when a file is wrong. Whoever begins has no policy yet:
/// a folder that is not there or holds none is no mistake here.
fn policies(settings: &Settings) -> (PolicySet, Exit) {
    let mut store = PolicyStore::new(settings.directory.containers.clone());
    let load = store.load(&settings.policies);
    let none_yet = match &load.folder_error {
        Some(FolderError::Empty { .. }) => true,
        Some(FolderError::Unreadable { source, .. }) => {
            source.kind() == std::io::ErrorKind::NotFound
        }
        Some(FolderError::TooLarge { .. } | FolderError::Restless { .. }) | None => false,
    };
    if none_yet {
        return (PolicySet::default(), Exit::Done);
    }
    for mistake in &load.mistakes {
        complain(&safe(&mistake.to_string()));
    }
    let invalid = if load.mistakes.is_empty() { Exit::Done } else { Exit::Invalid };
    (store.in_force().clone(), invalid)
}

/// The two ready policies for these containers. A container that no policy text can name would
/// leave one out; what is judged then are the policies in force alone.
fn ready(containers: &Containers) -> BTreeMap<Approach, PolicySet> {
    let parsed = |approach: Approach| {
        let texts = approach.policies(containers);
        let parsed = texts
            .iter()
            .filter_map(|ready| parse(ready.file, ready.text.as_bytes(), Some(containers)).ok());
        let standing = parsed.map(|parsed| Standing {
            policy: parsed.policy,
            last_good: false,
            revision: None,
        });
        (
            approach,
            PolicySet { policies: standing.collect(), unparsed: Vec::new(), approvals: Vec::new() },
        )
    };
    Approach::ALL.into_iter().map(parsed).collect()
}
