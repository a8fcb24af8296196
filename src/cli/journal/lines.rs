//! What the journal says, in lines for people: operations with what came of them, and who was in a
//! group. From `journal::history` to the terminal.

use std::fmt::Write as _;

use crate::journal::entry::{Body, Content, IntentEntry};
use crate::journal::history::{GroupAt, Membership, Origin, Told};
use crate::model::{ObjectGuid, Outcome};
use crate::report::text::{safe, scope};

/// Members named in one line; the count of all stands before them.
const MEMBERS_SHOWN_MAX: usize = 5;

pub(super) fn listing_text(listed: &[Told]) -> String {
    let mut text = String::new();
    for Told { line, at, body, result } in listed {
        let line = line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        let what = match body {
            Body::Intent(intent) => operation_text(intent, result.as_ref()),
            Body::Opened(opened) => opened.to_string(),
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

pub(super) fn groups_text(found: &[GroupAt]) -> String {
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
