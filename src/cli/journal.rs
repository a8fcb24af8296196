//! `journal verify` and `journal show`: whether the journal is whole, and what it says.
//!
//! Both only read, beside a running daemon too. The head to check against comes from the daemon,
//! else from the state, else from the command line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::apply::binding;
use super::{complain, load_settings, say};
use crate::controller::admin::client::ask;
use crate::controller::admin::round::chain;
use crate::controller::admin::words::{Answer, Request};
use crate::exit::Exit;
use crate::journal::entry::{Body, Content, Entry, IntentEntry};
use crate::journal::history::{
    Filter, GroupAt, GroupQuestion, Membership, Origin, Told, group_at, groups, objects, told,
};
use crate::journal::read::{ReadError, entries};
use crate::journal::verify::{KnownHead, verify};
use crate::journal::{FILE_NAME, JournalHead};
use crate::model::{Digest, ObjectGuid, Outcome};
use crate::report::text::{safe, scope};
use crate::settings::Settings;
use crate::state::State;

/// Members named in one line; the count of all stands before them.
const MEMBERS_SHOWN_MAX: usize = 5;

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
    } else {
        let changeset = arguments.changeset.clone();
        let filter = Filter { groups, members, changeset, until: arguments.at };
        let listed = told(strange.skip(entries(directory)?), &filter);
        say(&if as_json { format!("{:#}\n", json!(listed)) } else { listing_text(&listed) });
    }
    Ok(strange.exit())
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

fn listing_text(listed: &[Told]) -> String {
    let mut text = String::new();
    for Told { line, at, body, result } in listed {
        let line = line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        let what = match body {
            Body::Intent(intent) => operation_text(intent, result.as_ref()),
            Body::Opened(opened) => format!("opened by version {}", opened.version),
            Body::Removed { from } => format!("lines before {from} removed: retention over"),
            Body::Approval { digest, approved_by, not_after, items, place } => {
                let place = place.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
                let digest = digest.short();
                format!("approved {digest} ({items}) by {approved_by}{place} until {not_after}")
            }
            Body::ApprovalUsed { digest } => format!("approval {} used up", digest.short()),
            Body::Held { digest, holds } => {
                format!("held {}: {}", digest.short(), holds.join("; "))
            }
            Body::Undo { changeset } => format!("undo of change set {}", changeset.short()),
            Body::Paused { policy, by } => format!("{} paused by {by}", scope(policy.as_ref())),
            Body::Resumed { policy, by } => format!("{} resumed by {by}", scope(policy.as_ref())),
            Body::Outcome(outcome) => format!("outcome of operation {}", outcome.sequence),
        };
        let _ = writeln!(text, "{at}  {line}  {}", safe(&what));
    }
    text
}

fn operation_text(intent: &IntentEntry, result: Option<&Outcome>) -> String {
    let came = match result {
        None => "no outcome is known".to_owned(),
        Some(Outcome::Done { .. }) => "done".to_owned(),
        Some(Outcome::AlreadySo { .. }) => "was so already".to_owned(),
        Some(Outcome::Refused { message }) => format!("refused: {message}"),
        Some(Outcome::Failed { message }) => format!("failed: {message}"),
        Some(Outcome::Unknown { message }) => format!("outcome unknown: {message}"),
    };
    let file = intent.file.as_ref().map(|file| format!(", file {file}")).unwrap_or_default();
    let revision = intent
        .revision
        .as_ref()
        .map(|revision| format!(", revision {revision}"))
        .unwrap_or_default();
    format!(
        "{}  {}  [{came}]  {}, change set {}, policy {}{file}{revision}",
        intent.dn,
        content_text(&intent.content),
        intent.cause,
        intent.plan.short(),
        intent.policy,
    )
}

fn content_text(content: &Content) -> String {
    let changes = |changes: &[crate::model::AttributeChange]| {
        let quoted = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
        };
        let changes = changes.iter().map(|change| {
            format!("{} {} -> {}", change.name, quoted(&change.before), quoted(&change.after))
        });
        changes.collect::<Vec<_>>().join(", ")
    };
    match content {
        Content::Created(_) => "+ create".to_owned(),
        Content::Changed(attributes) => format!("~ {}", changes(attributes)),
        Content::Restored(attributes) => format!("+ restore {}", changes(attributes)),
        Content::MembersAdded(members) => format!("+ {}", members_text(members)),
        Content::MembersRemoved(members) => format!("- {}", members_text(members)),
        Content::Moved { to, .. } => format!("> {to}"),
        Content::Deleted(last) => format!("- delete, with {}", members_text(&last.members)),
    }
}

fn members_text(members: &[ObjectGuid]) -> String {
    let shown: Vec<String> =
        members.iter().take(MEMBERS_SHOWN_MAX).map(ToString::to_string).collect();
    let more = members.len().saturating_sub(MEMBERS_SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let colon = if shown.is_empty() { "" } else { ": " };
    format!("{} members{colon}{}{more}", members.len(), shown.join(", "))
}

fn groups_text(found: &[GroupAt]) -> String {
    let mut text = String::new();
    for group in found {
        let _ = writeln!(text, "group {} at {}: {}", group.group, group.at, safe(&group.dn));
        if let Some(origin) = &group.created {
            let _ = writeln!(text, "created {}", origin_text(origin));
        }
        if let Some(origin) = &group.deleted {
            let _ = writeln!(text, "deleted before that: {}", origin_text(origin));
        }
        let _ = writeln!(text, "{} members known to the journal", group.members.len());
        for (member, membership) in &group.members {
            let how = match membership {
                Membership::Since(origin) => format!("since {}", origin_text(origin)),
                Membership::NotByUs(origin) => format!(
                    "from before the journal begins, or put in by somebody else; taken out {}",
                    origin_text(origin)
                ),
                Membership::PerhapsSince(origin) => {
                    format!("perhaps since {}; its outcome is not known", origin_text(origin))
                }
                Membership::PerhapsUntil(origin) => {
                    format!("perhaps taken out {}; its outcome is not known", origin_text(origin))
                }
            };
            let _ = writeln!(text, "  {member}  {how}");
        }
        let _ = writeln!(
            text,
            "the journal begins at {}; members from before who stayed, and what others changed in \
             the directory, are not in it",
            group.journal_begins
        );
    }
    text
}

fn origin_text(origin: &Origin) -> String {
    let line = origin.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let file = origin.file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default();
    let text = format!(
        "{} by change set {}{line}, policy {}{file}, {}",
        origin.at,
        origin.changeset.short(),
        origin.policy,
        origin.cause
    );
    safe(&text)
}
