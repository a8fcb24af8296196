//! Plans as Markdown, fit for a comment on a pull request: headline, both digests, a table of
//! changes, what is held and the command that passes it, and what could not be computed.
//!
//! Names come from people who own groups, and a comment is read by two renderers (GitHub Flavored
//! Markdown and GitLab's) that turn words into mentions, references, links and commands. Whatever
//! comes from outside therefore stands in `<code>` or `<pre>`, where neither looks for any
//! (docs.github.com "Basic writing and formatting syntax"; docs.gitlab.com "GitLab Flavored
//! Markdown"), with every character that could end it or begin something written as an entity.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::decide::Decision;
use crate::decide::guard::Guarded;
use crate::model::change::{Change, Kind};
use crate::model::{Digest, ObjectId, PolicyName};
use crate::report::status::ApprovalStatus;
use crate::report::text::{
    Backdrop, NOT_COMPUTED, PAUSED, freezes, headline, held_since, line, pauses, policy_sets, safe,
};

/// The longest comment in bytes. GitHub takes 65,536 characters and GitLab 1,000,000; a byte is at
/// most a character, and the workflow may put a line before it.
pub const BYTES_MAX: usize = 60_000;
/// The longest text in one cell: names have at most 256 characters, and a table of longer cells is
/// not read. The whole text is in `plan --output text`.
const CELL_CHARACTERS_MAX: usize = 400;
/// What every section but the table of changes may use of a comment.
const SECTION_BYTES_MAX: usize = 9_000;
/// Room for the line that says how much is left out, and the ends of a section.
const REST_BYTES: usize = 400;

/// Whose plan it is: what a workflow finds its own comment by.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The owner name.
    pub owner: &'a str,
    /// The plan is that of one policy.
    pub only: Option<&'a PolicyName>,
}

/// The whole plan as one comment.
///
/// Its first line is `<!-- writeback-plan owner=OWNER policy=NAME|* digest=… reviewed=… -->`, which
/// no renderer shows.
pub fn plan(
    decision: &Decision,
    guarded: &Guarded,
    backdrop: &Backdrop<'_>,
    heading: Heading<'_>,
) -> String {
    let mut comment = opening(decision, guarded, heading);
    comment.push_str(&paused(backdrop));
    let sections = [
        held(guarded, backdrop),
        approved(backdrop),
        stalled(decision),
        unknown(decision),
        findings(decision),
        not_computed(backdrop),
    ];
    // What follows the table is bounded by itself; the table gets what is left.
    let after: usize = sections.iter().map(String::len).sum();
    let room = BYTES_MAX.saturating_sub(comment.len() + after);
    comment.push_str(&changes(decision, guarded, room));
    for section in sections {
        comment.push_str(&section);
    }
    comment
}

fn opening(decision: &Decision, guarded: &Guarded, heading: Heading<'_>) -> String {
    let Heading { owner, only } = heading;
    let policy = only.map_or("*", PolicyName::as_str);
    let (digest, reviewed) = (guarded.digest, guarded.reviewed);
    let counts = headline(decision, guarded);
    let counts = counts.lines().next().unwrap_or_default();
    let of = only.map(|name| format!(", policy {}", code(name.as_str()))).unwrap_or_default();
    format!(
        "<!-- writeback-plan owner={owner} policy={policy} digest={digest} \
         reviewed={reviewed} -->\n\
         ### writeback plan of {}{of}\n\n**{counts}**\n\n\
         | digest of | for `--expect` |\n|---|---|\n\
         | everything that waits | `{digest}` |\n\
         | what was reviewed: changes by policy, removals, renames, moves, conversions | \
         `{reviewed}` |\n",
        code(owner),
    )
}

/// The table of changes: what needs a person's eyes first.
fn changes(decision: &Decision, guarded: &Guarded, room: usize) -> String {
    let plan = &decision.plan;
    let all: [(&str, Vec<&Change>); 5] = [
        ("held", guarded.held.changes.iter().collect()),
        ("waits", guarded.admitted.changes().iter().collect()),
        ("unconfirmed", plan.unconfirmed.iter().collect()),
        ("observed", plan.observed.iter().collect()),
        ("frozen", freezes(decision).collect()),
    ];
    let total: usize = all.iter().map(|(_, changes)| changes.len()).sum();
    if total == 0 {
        return String::new();
    }
    let mut table =
        "\n#### Changes\n\n| | policy | change | cause |\n|---|---|---|---|\n".to_owned();
    let mut shown = 0;
    for (admission, changes) in &all {
        for change in changes {
            let row = row(admission, change);
            if table.len() + row.len() + REST_BYTES > room {
                return table + &rest(total - shown, "changes");
            }
            table.push_str(&row);
            shown += 1;
        }
    }
    table
}

fn row(admission: &str, change: &Change) -> String {
    let (policy, cause) = (code(change.policy.as_str()), code(&change.cause.to_string()));
    let what = code(&line(change));
    let strong = if is_removal(change) { "**" } else { "" };
    format!("| {strong}{admission}{strong} | {policy} | {what} | {cause} |\n")
}

/// Whether somebody may lose access by it: such a row stands out.
fn is_removal(change: &Change) -> bool {
    match change.effect.kind() {
        Kind::RemoveMembers | Kind::Disable | Kind::Quarantine | Kind::Delete => true,
        Kind::Adopt
        | Kind::Release
        | Kind::Handover
        | Kind::Rename
        | Kind::Move
        | Kind::Update
        | Kind::Convert
        | Kind::Restore
        | Kind::Create
        | Kind::AddMembers
        | Kind::Freeze => false,
    }
}

fn rest(count: usize, what: &str) -> String {
    format!(
        "\n*{count} more {what} are not shown: a comment has no room for them. See the output of \
         `writeback plan` in the log of this job.*\n"
    )
}

/// What is kept back, why, since when, and the command that passes it once.
fn held(guarded: &Guarded, backdrop: &Backdrop<'_>) -> String {
    let Some(digest) = guarded.held.digest() else { return String::new() };
    let holds = guarded.held.holds.iter().map(|hold| {
        let since = held_since(hold, guarded, backdrop.memory);
        let since = since.map(|since| format!("; held since {since}")).unwrap_or_default();
        format!("{:?} of policy {}: {}{since}", hold.row, hold.policy, hold.message)
    });
    let mut text = preformatted("Held", "holds", holds);
    let refused = |digest: &Digest| guarded.held.used.contains_key(digest);
    let _ = if refused(&digest) {
        writeln!(text, "\nThese changes wait: {}.", guarded.held.how_to_pass(&digest))
    } else {
        writeln!(
            text,
            "\nThese changes wait until a person passes them, once:\n\n\
             ```shell\nwriteback approve {}\n```",
            digest.short()
        )
    };
    let sets = policy_sets(guarded);
    if sets.len() > 1 {
        for (policy, digest) in &sets {
            let name = code(policy.as_str());
            let _ = if refused(digest) {
                let how = guarded.held.how_to_pass(digest);
                writeln!(text, "\nOf policy {name} alone: {how}")
            } else {
                writeln!(text, "\nOf policy {name} alone: `{}`", digest.short())
            };
        }
    }
    text
}

fn approved(backdrop: &Backdrop<'_>) -> String {
    let approvals = ApprovalStatus::in_force(backdrop.memory).into_iter().map(|approval| {
        let kinds = approval.kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
        let (kinds, digest) = (kinds.collect::<Vec<_>>().join(", "), approval.digest.short());
        let (by, end) = (approval.approved_by, approval.not_after);
        format!("{digest} by {by} until {end}: {kinds} still pass")
    });
    preformatted("Approved", "approvals", approvals)
}

fn paused(backdrop: &Backdrop<'_>) -> String {
    let title = format!("Paused: {PAUSED}");
    let lines: Vec<_> = pauses(&backdrop.memory.pauses).collect();
    preformatted(&title, "pauses", lines.into_iter())
}

fn stalled(decision: &Decision) -> String {
    let stalled = decision.stalled.iter();
    let lines = stalled.map(|(policy, (reason, why))| format!("{policy}: {reason:?}: {why}"));
    preformatted("Stalled policies", "policies", lines)
}

fn unknown(decision: &Decision) -> String {
    let lines = decision.unknown.iter().map(|(group, why)| format!("{group}: {why}"));
    let title = "Unknown: nothing of these groups is changed";
    preformatted(title, "groups", lines)
}

/// The findings, those first that are about a group this plan changes.
fn findings(decision: &Decision) -> String {
    let changed: BTreeSet<ObjectId> =
        decision.plan.changes.iter().map(|change| change.group).collect();
    let mut findings: Vec<_> = decision.findings.iter().collect();
    findings.sort_by_key(|finding| !finding.group.is_some_and(|group| changed.contains(&group)));
    let lines = findings.iter().map(|finding| format!("{:?}: {}", finding.code, finding.message));
    preformatted("Findings", "findings", lines)
}

fn not_computed(backdrop: &Backdrop<'_>) -> String {
    if backdrop.remembers {
        return String::new();
    }
    let lines = NOT_COMPUTED.iter().map(|(word, meaning)| format!("{word}: {meaning}"));
    preformatted("Not computed without memory (see --from and --state)", "rows", lines)
}

/// A section of lines as they are, as many as it has room for.
fn preformatted(title: &str, noun: &str, lines: impl ExactSizeIterator<Item = String>) -> String {
    let total = lines.len();
    if total == 0 {
        return String::new();
    }
    let mut text = format!("\n#### {title}\n\n<pre>");
    let mut shown = 0;
    for line in lines {
        let line = plain(&line);
        if text.len() + line.len() + REST_BYTES > SECTION_BYTES_MAX {
            break;
        }
        let _ = writeln!(text, "{line}");
        shown += 1;
    }
    text.push_str("</pre>\n");
    if shown < total {
        text.push_str(&rest(total - shown, noun));
    }
    text
}

/// A text from outside as an inline `<code>` element: also in a table, also in a heading.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A text from outside, cut, on one line, without anything that either renderer understands.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let whole = safe(text);
    let mut before = ' ';
    for (index, character) in whole.chars().enumerate() {
        if index == CELL_CHARACTERS_MAX {
            let _ = write!(out, " … ({} more)", whole.chars().count() - index);
            break;
        }
        if means_something(character, before) {
            let _ = write!(out, "&#{};", u32::from(character));
        } else {
            out.push(character);
        }
        before = character;
    }
    out
}

/// Whether a character may begin or end something in either kind of Markdown: emphasis, code,
/// tables, HTML, links, mentions (`@`), references (`#`, `!`, `$`, `%`, `&`, `~`, `^`), emoji and
/// addresses (`:`, and the dot of `www.`). Written as an entity it is a character and nothing else
/// (CommonMark 2.5).
fn means_something(character: char, before: char) -> bool {
    match character {
        '.' => before.eq_ignore_ascii_case(&'w'),
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '~'
        | '&' | '@' | '$' | '%' | '^' | ':' | '"' | '\'' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_anything_to_a_renderer() {
        for (name, shown) in [
            ("a|b", "a&#124;b"),
            ("`x`", "&#96;x&#96;"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("@admins #1 !2", "&#64;admins &#35;1 &#33;2"),
            ("https://evil.example", "https&#58;//evil.example"),
            ("www.evil.example", "www&#46;evil.example"),
            ("a\n/close", "a&#92;u&#123;a&#125;/close"),
            ("</code></pre>", "&#60;/code&#62;&#60;/pre&#62;"),
            ("--> x", "--&#62; x"),
            ("&lt;b&gt;", "&#38;lt;b&#38;gt;"),
            ("\u{202e}x", "&#92;u&#123;202e&#125;x"),
        ] {
            assert_eq!(plain(name), shown);
        }
        assert_eq!(plain("Zoë (HR), Group_1-a").as_str(), "Zoë (HR), Group&#95;1-a");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = plain(&"@".repeat(1_000));
        assert!(shown.ends_with("&#64; … (600 more)"), "{shown}");
        assert_eq!(shown.matches("&#64;").count(), CELL_CHARACTERS_MAX);
    }

    #[test]
    fn a_section_is_bounded_and_says_how_much_it_leaves_out() {
        let lines: Vec<String> = (0..10_000).map(|n| format!("line {n}")).collect();
        let text = preformatted("Findings", "findings", lines.into_iter());
        assert!(text.len() < SECTION_BYTES_MAX, "{}", text.len());
        let shown = text.matches("line ").count();
        assert!(text.contains(&format!("{} more findings", 10_000 - shown)), "{text}");
    }
}
