//! `validate`: configuration and policies, offline; every mistake with its place and remedy.

use std::path::{Path, PathBuf};

use clap::Args;

use super::say;
use crate::controller::now;
use crate::exit::Exit;
use crate::policy::{Validation, validate};
use crate::report::text::safe;
use crate::settings::{self, Settings, is_configuration};

#[derive(Args)]
pub(super) struct Arguments {
    /// Policy files, folders of policies or daemon configurations [default: the configuration
    /// and the folder it names]
    paths: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>) -> Exit {
    let mut lines = Vec::new();
    let mut checked = 0;
    let validation = if arguments.paths.is_empty() {
        let path = settings::find(config);
        match Settings::load(&path) {
            Ok(settings) => {
                checked += 1;
                let folder = settings.policies.clone();
                validate(&[folder], Some(&settings.directory.containers), now())
            }
            Err(mistakes) => {
                lines.extend(mistakes.iter().map(ToString::to_string));
                Validation::default()
            }
        }
    } else {
        let (configurations, policies): (Vec<PathBuf>, Vec<PathBuf>) =
            arguments.paths.iter().cloned().partition(|path| is_configuration(path));
        for path in configurations {
            match Settings::load(&path) {
                Ok(_) => checked += 1,
                Err(mistakes) => lines.extend(mistakes.iter().map(ToString::to_string)),
            }
        }
        validate(&policies, None, now())
    };
    lines.extend(validation.mistakes.iter().map(ToString::to_string));
    let mistakes = lines.len();
    lines.extend(validation.warnings.iter().map(|warning| format!("{warning} (warning)")));
    let valid = validation.policies.len() + validation.approvals + checked;
    lines.push(format!(
        "{valid} documents are valid, {mistakes} mistakes, {} warnings",
        validation.warnings.len()
    ));
    for line in &lines {
        say(&format!("{}\n", safe(line)));
    }
    if mistakes == 0 { Exit::Done } else { Exit::Invalid }
}
