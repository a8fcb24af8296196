//! The command line: one file per command, and the only place that writes to stdout.
//!
//! Data goes to stdout, everything else to stderr; progress bars only to a terminal.

mod adopt;
mod apply;
mod approve;
mod completions;
#[cfg(feature = "sim")]
mod demo;
mod discover;
mod explain;
mod journal;
mod pause;
mod plan;
mod progress;
mod reconcile;
mod release;
mod remembered;
mod run;
mod schema;
mod status;
mod undo;
mod validate;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::controller::now;
use crate::controller::pass::Blind;
use crate::exit::Exit;
use crate::model::PolicyName;
use crate::report::Report;
use crate::report::events::Side;
use crate::report::logs;
use crate::report::status::Status;
use crate::report::text::safe;
use crate::settings::{self, Settings};

/// Reconciles cloud groups from Microsoft Entra into on-premises Active Directory.
#[derive(Parser)]
#[command(name = "writeback", version, max_term_width = 100)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// The daemon configuration [default: config/writeback.yaml, then
    /// /etc/writeback/writeback.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The form of the log on stderr
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Log more; repeat for every request, and for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run a story on a simulated tenant and domain, then keep running
    #[cfg(feature = "sim")]
    Demo(demo::Arguments),
    /// Check configuration and policies, offline
    Validate(validate::Arguments),
    /// Show what is there, what is wrong with it and how to begin; write nothing
    Discover(discover::Arguments),
    /// Show what would be changed; write nothing
    Plan(plan::Arguments),
    /// Say why a group is or is not written, why a person is or is not in it
    Explain(explain::Arguments),
    /// Make one pass
    Apply(apply::Arguments),
    /// Take over a directory group that somebody else made, as it stands
    Adopt(adopt::Arguments),
    /// Let go of directory groups; they stay as they are
    Release(release::Arguments),
    /// Let one held set through, once
    Approve(approve::Arguments),
    /// Let the running daemon write nothing, until `resume`
    Pause(pause::Arguments),
    /// End a pause
    Resume(pause::Arguments),
    /// Let the running daemon make a pass at once
    Reconcile(reconcile::Arguments),
    /// Let the running daemon read its policies again, and say what is wrong with them
    Reload,
    /// Take a change set back
    Undo(undo::Arguments),
    /// Check and read the journal
    Journal(journal::Arguments),
    /// Run the daemon
    Run,
    /// Show the status of the running daemon
    Status(status::Arguments),
    /// Print the form of a document as JSON Schema
    Schema(schema::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Print a page of the manual
    #[command(hide = true)]
    Man(completions::ManArguments),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// Runs one command line.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            // The process ends here either way; there is nobody to tell of a closed stream.
            let _closed = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let format = match line.global.log_format {
        LogFormat::Text => logs::Format::Text,
        LogFormat::Json => logs::Format::Json,
    };
    // A command answers on stdout; the daemon has only its log.
    let told = u8::from(matches!(line.command, Command::Run));
    logs::start(format, line.global.verbose.saturating_add(told));
    let config = line.global.config;
    match line.command {
        #[cfg(feature = "sim")]
        Command::Demo(arguments) => Box::pin(demo::run(arguments)).await,
        Command::Validate(arguments) => validate::run(&arguments, config.as_deref()),
        Command::Discover(arguments) => Box::pin(discover::run(&arguments, config)).await,
        Command::Plan(arguments) => Box::pin(plan::run(arguments, config)).await,
        Command::Explain(arguments) => Box::pin(explain::run(arguments, config)).await,
        Command::Apply(arguments) => Box::pin(apply::run(arguments, config)).await,
        Command::Adopt(arguments) => Box::pin(adopt::run(arguments, config)).await,
        Command::Release(arguments) => Box::pin(release::run(arguments, config)).await,
        Command::Approve(arguments) => approve::run(arguments, config).await,
        Command::Pause(arguments) => pause::pause(arguments, config).await,
        Command::Resume(arguments) => pause::resume(arguments, config).await,
        Command::Reconcile(arguments) => reconcile::run(arguments, config).await,
        Command::Reload => reconcile::reload(config).await,
        Command::Undo(arguments) => Box::pin(undo::run(arguments, config)).await,
        Command::Journal(arguments) => journal::run(arguments, config).await,
        Command::Run => Box::pin(run::run(config)).await,
        Command::Status(arguments) => Box::pin(status::run(&arguments, config)).await,
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Line::command()),
        Command::Man(arguments) => completions::man(&arguments, Line::command()),
        Command::Other(words) => refuse(&words),
    }
}

fn refuse(words: &[OsString]) -> Exit {
    let word = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    complain(&format!("`{word}` is no command; see `writeback --help`"));
    Exit::Usage
}

/// One line of data.
fn say(text: &str) {
    // A reader that went away (`| head`) is no error of ours.
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// One line for people.
fn complain(text: &str) {
    let _gone = writeln!(std::io::stderr(), "writeback: {text}");
}

/// Ends the process after a second signal.
fn at_once() {
    std::process::exit(i32::from(Exit::Failed.code()));
}

/// Reads the configuration or says everything that is wrong with it.
fn load_settings(config: Option<&Path>) -> Result<Settings, Exit> {
    let path = settings::find(config);
    let settings = Settings::load(&path).map_err(|mistakes| {
        for mistake in mistakes {
            complain(&safe(&mistake.to_string()));
        }
        Exit::Invalid
    })?;
    #[cfg(feature = "kerberos")]
    take_keytab(&settings)?;
    Ok(settings)
}

/// The Kerberos library takes the keytab from its environment alone, and a process cannot change
/// its own while others may read it: the program starts again in its own place, once, with the
/// same arguments and process id.
#[cfg(feature = "kerberos")]
fn take_keytab(settings: &Settings) -> Result<(), Exit> {
    use std::os::unix::process::CommandExt as _;
    let Some(variables) = settings::kerberos_variables(settings) else { return Ok(()) };
    let error = match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .envs(variables)
            .exec(),
        Err(error) => error,
    };
    complain(&format!("failed to start again with the keytab: {error}"));
    Err(Exit::Failed)
}

fn new_report(settings: &Settings) -> Arc<Report> {
    let configuration = settings.file.display().to_string();
    Arc::new(Report::new(Status::new(&settings.owner, &configuration, now())))
}

/// Says why a side could not be read, and gives the exit code for it: what time may mend is an
/// incomplete read, everything else needs a person.
fn blind(blind: &Blind) -> Exit {
    let side = match blind.side {
        Side::Tenant => "the tenant",
        Side::Domain => "the domain",
        Side::Policies => "the policies",
        Side::State => "the state",
    };
    complain(&format!("failed to read {side}: {}", safe(&blind.fault.message)));
    match blind.side {
        Side::Policies => Exit::Invalid,
        Side::Tenant | Side::Domain if blind.fault.transient => Exit::Incomplete,
        Side::Tenant | Side::Domain | Side::State => Exit::Failed,
    }
}

fn policy_name(text: &str) -> Result<PolicyName, String> {
    PolicyName::parse(text).ok_or_else(|| "a policy name is [a-z0-9-], at most 50".to_owned())
}
