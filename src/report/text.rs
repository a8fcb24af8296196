//! Plans and outcomes as text: counts first, one line a change, the cause last.
//!
//! Names come from people who own groups: everything printed goes through `safe`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::decide::conclude::ChangeResult;
use crate::decide::guard::{Guarded, Hold};
use crate::decide::{Decision, plan};
use crate::defence::stands;
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::{
    AttributeChange, Digest, Item, Memory, Outcome, OwnershipRecord, Pause, Pauses, PolicyName,
};
use crate::report::status::ApprovalStatus;

/// Members named in one line of a plan; the count of all stands beside them.
const MEMBERS_SHOWN_MAX: usize = 5;

/// A text without control characters and without marks that change the direction of what
/// follows: both are shown as escapes.
pub fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character,
            '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}');
        if (character.is_control() || turns) && stands("H58") {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What a plan was decided with, for those who read it.
#[derive(Clone, Copy, Debug)]
pub struct Backdrop<'a> {
    /// What earlier passes remember.
    pub memory: &'a Memory,
    /// Whether there was any memory to ask.
    pub remembers: bool,
}

/// What is not computed without memory: the word for programs, and what it means.
pub const NOT_COMPUTED: [(&str, &str); 4] = [
    ("RollingWindow", "what was removed in the last 24 hours does not count against the limits"),
    ("Leavers", "who left the tenant is not told from who was taken out, where only memory knows"),
    ("SelectionShrank", "what a selection loses is not compared with what it kept"),
    ("Approvals", "what people approved is not let through"),
];

/// The whole plan.
pub fn plan(decision: &Decision, guarded: &Guarded) -> String {
    whole(decision, guarded, None)
}

/// The whole plan, with what memory says of it: since when things are held, what was approved.
pub fn plan_before(decision: &Decision, guarded: &Guarded, backdrop: &Backdrop<'_>) -> String {
    whole(decision, guarded, Some(backdrop))
}

fn whole(decision: &Decision, guarded: &Guarded, backdrop: Option<&Backdrop<'_>>) -> String {
    let mut text = headline(decision, guarded);
    text.push_str(&held_back(backdrop));
    let admitted = guarded.admitted.changes();
    section(&mut text, "", admitted.iter().chain(freezes(decision)));
    text.push_str(&held(guarded, backdrop));
    text.push_str(&approved(backdrop));
    section(&mut text, "unconfirmed ", decision.plan.unconfirmed.iter());
    section(&mut text, "observed ", decision.plan.observed.iter());
    text.push_str(&remarks(decision));
    if backdrop.is_some_and(|backdrop| !backdrop.remembers) {
        text.push_str("\nnot computed without memory (see --from and --state)\n");
        for (word, meaning) in NOT_COMPUTED {
            let _ = writeln!(text, "  {word}: {meaning}");
        }
    }
    text
}

/// What a pause is of.
pub fn scope(policy: Option<&PolicyName>) -> String {
    policy.map_or_else(|| "everything".to_owned(), |name| format!("policy {name}"))
}

/// Who paused what, and since when.
pub fn pause(policy: Option<&PolicyName>, Pause { by, at }: &Pause) -> String {
    format!("{} is paused by {} since {at}", scope(policy), safe(by))
}

/// What is paused now, and how each of it ends.
pub fn pauses(pauses: &Pauses) -> impl Iterator<Item = String> {
    let line = |policy: Option<&PolicyName>, one: &Pause| {
        let ended_by = policy.map(|name| format!(" --policy {name}")).unwrap_or_default();
        format!("{}; `writeback resume{ended_by}` ends it", pause(policy, one))
    };
    let all = pauses.all.iter().map(move |all| line(None, all));
    all.chain(pauses.policies.iter().map(move |(name, one)| line(Some(name), one)))
}

/// What a plan says while something is paused.
pub const PAUSED: &str = "until then the daemon writes nothing that a paused policy wants";

/// Why what waits goes on to wait.
fn held_back(backdrop: Option<&Backdrop<'_>>) -> String {
    let mut text = String::new();
    for line in backdrop.iter().flat_map(|backdrop| pauses(&backdrop.memory.pauses)) {
        let _ = writeln!(text, "! {line}");
    }
    if !text.is_empty() {
        let _ = writeln!(text, "  {PAUSED}");
    }
    text
}

/// What is kept back, why, since when, and how it is let through once.
fn held(guarded: &Guarded, backdrop: Option<&Backdrop<'_>>) -> String {
    let mut text = String::new();
    let Some(digest) = guarded.held.digest() else { return text };
    let _ = writeln!(text, "\nheld {digest}");
    let sets = policy_sets(guarded);
    if sets.len() > 1 {
        for (policy, digest) in &sets {
            let how = guarded.held.how_to_pass(digest);
            let _ = writeln!(text, "  policy {policy} alone: {digest}; {how}");
        }
    }
    for hold in &guarded.held.holds {
        let since = backdrop.and_then(|backdrop| held_since(hold, guarded, backdrop.memory));
        let since = since.map(|since| format!("; held since {since}")).unwrap_or_default();
        let (row, policy, message) = (hold.row, &hold.policy, safe(&hold.message));
        let _ = writeln!(text, "  ! {row:?} of policy {policy}: {message}{since}");
    }
    section(&mut text, "held ", guarded.held.changes.iter());
    text
}

/// The digest of what each policy holds.
pub fn policy_sets(guarded: &Guarded) -> BTreeMap<PolicyName, Digest> {
    let policies: BTreeSet<_> = guarded.held.holds.iter().map(|hold| &hold.policy).collect();
    let digest = |policy: &PolicyName| {
        let own = guarded.held.changes.iter().filter(|change| change.policy == *policy);
        let items: BTreeSet<Item> = own.flat_map(plan::items).collect();
        (!items.is_empty()).then(|| (policy.clone(), plan::items_digest(&items)))
    };
    policies.into_iter().filter_map(digest).collect()
}

/// Since when the oldest of what a hold counts is held; `None` where it is held for the first
/// time.
pub fn held_since(hold: &Hold, guarded: &Guarded, memory: &Memory) -> Option<Timestamp> {
    let own = guarded.held.changes.iter().filter(|change| {
        let is_of_group = hold.group.is_none_or(|group| group == change.group);
        change.policy == hold.policy && is_of_group && hold.row.counts(change.effect.kind())
    });
    let since = own.flat_map(plan::items).filter_map(|item| memory.held_since.get(&item).copied());
    since.min()
}

/// What people approved and what it still lets through.
fn approved(backdrop: Option<&Backdrop<'_>>) -> String {
    let approvals = backdrop.map(|backdrop| ApprovalStatus::in_force(backdrop.memory));
    let approvals = approvals.unwrap_or_default();
    if approvals.is_empty() {
        return String::new();
    }
    let mut text = "\napproved\n".to_owned();
    for approval in approvals {
        let kinds: Vec<_> =
            approval.kinds.iter().map(|(k, count)| format!("{count} {k}")).collect();
        let (by, end) = (safe(&approval.approved_by), approval.not_after);
        let _ = writeln!(
            text,
            "  {} by {by} until {end}: {} still pass",
            approval.digest.short(),
            kinds.join(", ")
        );
    }
    text
}

/// The groups that stay as they are while something lasts.
pub fn freezes(decision: &Decision) -> impl Iterator<Item = &Change> {
    decision.plan.changes.iter().filter(|change| change.effect.kind() == Kind::Freeze)
}

/// The counts on one line, and both digests.
pub fn headline(decision: &Decision, guarded: &Guarded) -> String {
    let admitted = guarded.admitted.changes();
    let mut parts: Vec<String> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, admitted.iter().filter(|c| c.effect.kind() == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.word()))
        .collect();
    let others = [
        (guarded.held.changes.len(), "held"),
        (freezes(decision).count(), "frozen"),
        (decision.plan.unconfirmed.len(), "unconfirmed"),
        (decision.plan.observed.len(), "observed"),
        (decision.unknown.len(), "unknown"),
        (decision.findings.len(), "findings"),
    ];
    parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")));
    let waiting = match admitted.len() {
        0 => "nothing waits".to_owned(),
        1 => "1 change waits".to_owned(),
        count => format!("{count} changes wait"),
    };
    let detail = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    format!("{waiting}{detail}\ndigest   {}\nreviewed {}\n", guarded.digest, guarded.reviewed)
}

fn section<'a>(text: &mut String, title: &str, changes: impl Iterator<Item = &'a Change>) {
    let mut by_policy: BTreeMap<&PolicyName, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        by_policy.entry(&change.policy).or_default().push(change);
    }
    for (policy, changes) in by_policy {
        let _ = writeln!(text, "\n{title}policy {policy}");
        for change in changes {
            let _ = writeln!(text, "  {}  [{}]", line(change), safe(&change.cause.to_string()));
        }
    }
}

/// One change without its cause.
pub fn line(change: &Change) -> String {
    let label = safe(&change.label);
    match &change.effect {
        Effect::Create { attributes } => {
            let group_type = attributes
                .iter()
                .find(|(name, _)| *name == "groupType")
                .map_or("", |(_, value)| type_word(value));
            format!("+ create  {} ({group_type})", safe(&change.target.to_string()))
        }
        Effect::Rename { to } => format!("~ rename  {label} -> {}", safe(to.dn().leaf())),
        Effect::Move { to } => format!("~ move    {label} -> {}", safe(&to.to_string())),
        Effect::Update { attributes } if is_record(attributes) => {
            let states: Vec<_> = attributes.iter().map(record_states).collect();
            format!("~ record  {label}  {}", states.join(", "))
        }
        Effect::Update { attributes } => {
            let shown: Vec<_> = attributes
                .iter()
                .map(|a| {
                    let value = |text: &Option<String>| match text {
                        Some(text) => format!("{text:?}"),
                        None => "nothing".to_owned(),
                    };
                    safe(&format!("{}: {} -> {}", a.name, value(&a.before), value(&a.after)))
                })
                .collect();
            format!("~ update  {label}  {}", shown.join(", "))
        }
        Effect::Convert { from, to } => {
            let (from, to) = (from.to_string(), to.to_string());
            format!("~ convert {label}  {} -> {}", type_word(&from), type_word(&to))
        }
        Effect::Restore { .. } => {
            format!("+ restore {} (the same SID)", safe(&change.target.to_string()))
        }
        Effect::Handover { from, .. } => {
            format!("~ handover {label}  {from} -> {}", change.policy)
        }
        Effect::Disable { members, attributes } => {
            let detail = if ends_access(attributes) { ACCESS_ENDS } else { "mail ends" };
            format!("- disable {label} ({members} members stay)  {detail}")
        }
        Effect::Quarantine { to } => {
            format!("- quarantine {label} -> {}", safe(&to.to_string()))
        }
        Effect::AddMembers { members, .. } => {
            format!("+ member  {label}  {}", members_text(members))
        }
        Effect::RemoveMembers { members, of } => {
            format!("- member  {label}  {} of {of}", members_text(members))
        }
        Effect::Delete { last } => {
            format!("- delete  {label} ({} members)", last.members.len())
        }
        Effect::Adopt { .. } => format!("~ adopt   {label} (the same object and SID)"),
        Effect::Release { .. } => format!("~ release {label} (the group stays as it is)"),
        Effect::Freeze => format!("= freeze  {label}"),
    }
}

/// When access through a group that stops being a security group really ends
/// (MS-KILE 3.3.1: a ticket is renewed, not read again, for its lifetime of 10 hours).
const ACCESS_ENDS: &str = "access ends at each next logon, tickets live up to 10 h; Deny entries \
                           stop applying";

fn ends_access(attributes: &[AttributeChange]) -> bool {
    attributes.iter().any(|attribute| attribute.name == "groupType")
}

fn is_record(attributes: &[AttributeChange]) -> bool {
    attributes.iter().all(|attribute| attribute.name == "extensionName")
}

/// What of the ownership record changes: its state; the whole text where it cannot be read.
fn record_states(attribute: &AttributeChange) -> String {
    let state = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        let record = OwnershipRecord::parse(text);
        record.map_or_else(|| safe(text), |record| record.state.word().to_owned())
    };
    format!("{} -> {}", state(&attribute.before), state(&attribute.after))
}

fn type_word(value: &str) -> &str {
    match value {
        "8" => "universal distribution",
        "-2147483640" => "universal security",
        other => other,
    }
}

fn members_text(members: &[MemberReference]) -> String {
    let named: Vec<_> =
        members.iter().take(MEMBERS_SHOWN_MAX).map(|member| safe(member.label())).collect();
    let more = members.len().saturating_sub(named.len());
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    format!("{}: {}{more}", members.len(), named.join(", "))
}

/// What is not known, what is stalled, what was found.
fn remarks(decision: &Decision) -> String {
    let mut text = String::new();
    if !decision.stalled.is_empty() {
        text.push_str("\nstalled\n");
        for (policy, (reason, message)) in &decision.stalled {
            let _ = writeln!(text, "  {policy}: {reason:?}: {}", safe(message));
        }
    }
    if !decision.unknown.is_empty() {
        text.push_str("\nunknown (nothing of these groups is changed)\n");
        for (group, reason) in &decision.unknown {
            let _ = writeln!(text, "  {group}: {}", safe(reason));
        }
    }
    if !decision.findings.is_empty() {
        text.push_str("\nfindings\n");
        for finding in &decision.findings {
            let _ = writeln!(text, "  {:?}: {}", finding.code, safe(&finding.message));
        }
    }
    text
}

/// What the changes of a pass led to: the failures line by line, the rest counted.
pub fn outcomes(results: &[ChangeResult]) -> String {
    let done = results.iter().filter(|result| result.outcome.achieved()).count();
    let mut text = format!("{done} of {} changes done\n", results.len());
    for result in results {
        let why = match &result.outcome {
            Outcome::Done { .. } | Outcome::AlreadySo { .. } => None,
            Outcome::Refused { message } => Some(("refused", message)),
            Outcome::Failed { message } => Some(("failed", message)),
            Outcome::Unknown { message } => Some(("unknown", message)),
        };
        if let Some((word, message)) = why {
            let _ = writeln!(text, "  {word}: {}: {}", line(&result.change), safe(message));
        }
        for (member, message) in &result.refused_members {
            let _ = writeln!(text, "  set aside: member {member}: {}", safe(message));
        }
        for message in &result.left_out {
            let _ = writeln!(text, "  left out: {}", safe(message));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn no_name_moves_the_cursor_or_turns_the_line() {
        assert_eq!(safe("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d");
        assert_eq!(safe("Zoë (HR), \"x\""), "Zoë (HR), \"x\"");
    }
}
