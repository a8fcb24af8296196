//! `journal verify` and `journal show`: whether the journal is whole, and what it says.
//!
//! Both only read, beside a running daemon too. The head to check against comes from the daemon,
//! else from the state, else from the command line. `lines` puts what it says into words.

mod lines;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use lines::{groups_text, listing_text};

use super::apply::binding;
use super::{complain, load_settings, say};
use crate::controller::admin::client::ask;
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Request};
use crate::exit::Exit;
use crate::journal::entry::Entry;
use crate::journal::history::{Filter, GroupQuestion, group_at, groups, objects, told};
use crate::journal::read::{ReadError, entries};
use crate::journal::verify::{KnownHead, verify};
use crate::journal::{FILE_NAME, JournalHead};
use crate::model::{Digest, ObjectGuid};
use crate::report::text::safe;
use crate::settings::Settings;
use crate::state::State;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check that nothing was changed, taken out or cut off
    #[command(after_help = "\
Ends with 0 when the journal is whole and 1 when it is not. Lines that were cut off at the end are \
noticed only against a head that was kept elsewhere: that of the running daemon, else of the \
state, else the one given with --head, which the log and the status show.")]
    Verify(VerifyArguments),
    /// Show what was done; with --group and --at, who was in a group then and by which change
    Show(ShowArguments),
}

#[derive(Args)]
struct VerifyArguments {
    /// The folder with the journal [default: that of the configuration]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The head that the journal has to contain: NUMBER:HASH, a hash, or its first 12 digits or
    /// more
    #[arg(long, value_name = "HASH", value_parser = known_head)]
    head: Option<KnownHead>,
}

#[derive(Args)]
struct ShowArguments {
    /// The folder with the journal [default: that of the configuration]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Only this group: its id in the tenant, its objectGUID, its DN, or its common name
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only changes of this member: its objectGUID; a group also by name
    #[arg(long, value_name = "MEMBER")]
    member: Option<String>,
    /// Only what was until then: 2026-03-01T18:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Only this change set: the digest of its plan, or its first 12 digits or more
    #[arg(long, value_name = "DIGEST", value_parser = changeset)]
    changeset: Option<String>,
    /// The form of the answer: text or json
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

fn known_head(text: &str) -> Result<KnownHead, String> {
    KnownHead::parse(text).ok_or_else(|| "a head is NUMBER:HASH or 12 to 64 digits".to_owned())
}

fn changeset(text: &str) -> Result<String, String> {
    let digits = (Digest::DIGITS_MIN..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| text.to_owned()).ok_or_else(|| "a digest has 12 to 64 digits".to_owned())
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    match arguments.command {
        Command::Verify(arguments) => check(arguments, config.as_deref()).await,
        Command::Show(arguments) => show(&arguments, config.as_deref()),
    }
}

async fn check(arguments: VerifyArguments, config: Option<&Path>) -> Exit {
    let VerifyArguments { state, mut head } = arguments;
    let directory = match state {
        Some(directory) => directory,
        None => match load_settings(config) {
            Ok(settings) => {
                if head.is_none() {
                    head = kept_head(&settings).await;
                }
                settings.state
            }
            Err(exit) => return exit,
        },
    };
    match verify(&directory, head.as_ref()) {
        Ok(found) if found.files == 0 => nothing(&directory),
        Ok(found) => {
            say(&safe_lines(&found.to_string()));
            if found.is_whole() { Exit::Done } else { Exit::Failed }
        }
        Err(error) => failed(&error),
    }
}

/// The head that the daemon tells, else the one its last pass left in the state.
async fn kept_head(settings: &Settings) -> Option<KnownHead> {
    if let Ok(Answer::Status { status }) = ask(&settings.admin_socket, &Request::Status {}).await {
        let told = status.pointer("/memory/journalHead").and_then(Value::as_str);
        if let Some(head) = told.and_then(KnownHead::parse) {
            return Some(head);
        }
    }
    match State::read(&settings.state, &binding(settings)) {
        Ok(opened) => opened.and_then(|opened| opened.journal_head).and_then(|head| {
            let hash = Digest::parse(&head.hash)?;
            Some(KnownHead::Exact(JournalHead { sequence: head.sequence, hash }))
        }),
        Err(error) => {
            complain(&format!("the state tells no head: failed to {}", safe(&chain(&error))));
            None
        }
    }
}

fn nothing(directory: &Path) -> Exit {
    let path = directory.join(FILE_NAME);
    complain(&format!("there is no journal: {} is missing", safe(&path.display().to_string())));
    Exit::Failed
}

fn failed(error: &ReadError) -> Exit {
    complain(&format!("failed to {}", safe(&chain(error))));
    Exit::Failed
}

/// Each line made safe on its own.
fn safe_lines(text: &str) -> String {
    text.lines().fold(String::new(), |mut shown, line| {
        let _ = writeln!(shown, "{}", safe(line));
        shown
    })
}

fn show(arguments: &ShowArguments, config: Option<&Path>) -> Exit {
    let directory = match &arguments.state {
        Some(directory) => directory.clone(),
        None => match load_settings(config) {
            Ok(settings) => settings.state,
            Err(exit) => return exit,
        },
    };
    match answer(arguments, &directory) {
        Ok(exit) => exit,
        Err(error) => failed(&error),
    }
}

fn answer(arguments: &ShowArguments, directory: &Path) -> Result<Exit, ReadError> {
    let mut strange = Strange::default();
    let asked = arguments.group.as_deref().map(GroupQuestion::new);
    let groups = match &asked {
        Some(question) => Some(groups(strange.skip(entries(directory)?), question)),
        None => None,
    };
    if groups.as_ref().is_some_and(BTreeSet::is_empty) {
        complain("the journal knows no such group: give its id in the tenant or its objectGUID");
        return Ok(Exit::Failed);
    }
    let members = match &arguments.member {
        Some(member) => Some(named_members(member, directory)?),
        None => None,
    };
    if members.as_ref().is_some_and(BTreeSet::is_empty) {
        complain(
            "the journal knows members by objectGUID, and only its own groups by name: give the \
             objectGUID",
        );
        return Ok(Exit::Failed);
    }
    let as_json = arguments.output == "json";
    strange = Strange::default();
    if let (Some(groups), Some(at), None) = (&groups, arguments.at, &arguments.changeset) {
        let mut found = Vec::new();
        for group in groups {
            strange = Strange::default();
            found.extend(group_at(strange.skip(entries(directory)?), *group, at));
        }
        if let Some(asked) = &members {
            for group in &mut found {
                group.members.retain(|member, _| asked.contains(member));
            }
        }
        say(&if as_json { format!("{:#}\n", json!(found)) } else { groups_text(&found) });
        note_silence(found.is_empty(), directory);
    } else {
        let changeset = arguments.changeset.clone();
        let filter = Filter { groups, members, changeset, until: arguments.at };
        let listed = told(strange.skip(entries(directory)?), &filter);
        say(&if as_json { format!("{:#}\n", json!(listed)) } else { listing_text(&listed) });
        note_silence(listed.is_empty(), directory);
    }
    Ok(strange.exit())
}

/// Says why nothing is shown.
fn note_silence(is_silent: bool, directory: &Path) {
    if !is_silent {
        return;
    }
    match entries(directory).map(|mut entries| entries.next().is_some()) {
        Ok(true) => complain("nothing in the journal is what was asked for"),
        Ok(false) | Err(_) => complain(&format!(
            "the journal in {} is empty: nothing was written yet",
            safe(&directory.display().to_string())
        )),
    }
}

fn named_members(member: &str, directory: &Path) -> Result<BTreeSet<ObjectGuid>, ReadError> {
    if let Some(guid) = ObjectGuid::parse(member.trim()) {
        return Ok(BTreeSet::from([guid]));
    }
    let all = entries(directory)?.filter_map(Result::ok);
    Ok(objects(all, &GroupQuestion::new(member)))
}

/// What could not be read on the way.
#[derive(Default)]
struct Strange {
    count: usize,
    first: Option<ReadError>,
}

impl Strange {
    /// The entries that can be read.
    fn skip(
        &mut self,
        entries: impl Iterator<Item = Result<Entry, ReadError>>,
    ) -> impl Iterator<Item = Entry> {
        entries.filter_map(|entry| {
            entry
                .map_err(|error| {
                    self.count += 1;
                    self.first.get_or_insert(error);
                })
                .ok()
        })
    }

    fn exit(self) -> Exit {
        let Some(first) = self.first else { return Exit::Done };
        complain(&format!(
            "{} places of the journal cannot be read and are left out; the first: failed to {}; \
             check it with `writeback journal verify`",
            self.count,
            safe(&chain(&first))
        ));
        Exit::Failed
    }
}
