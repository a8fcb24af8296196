//! What several pages share: the sign of a state, lines of a plan, commands, pages of a list.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{Digest, Finding, ObjectId};
use crate::report::groups::View;
use crate::report::groups::question::Window;
use crate::report::groups::sheet::{Line, Part};
use crate::report::groups::state::State;
use crate::report::page::html::Html;

/// A word of the status; empty where there is none.
pub(super) fn word<'v>(status: &'v Value, pointer: &str) -> &'v str {
    status.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number of the status; 0 where there is none.
pub(super) fn number(status: &Value, pointer: &str) -> u64 {
    status.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// A moment of the status.
pub(super) fn moment(status: &Value, pointer: &str) -> Option<Timestamp> {
    word(status, pointer).parse().ok()
}

/// The parts of a list of the status.
pub(super) fn list<'v>(status: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    status.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The sign of a state: a shape and a word, so that nobody needs its colour.
pub(super) fn sign(html: &mut Html, state: State) {
    chip(html, state, state.title());
}

/// The shape and the colour of a state with other words.
pub(super) fn chip(html: &mut Html, state: State, words: &str) {
    html.raw("<span class=\"sign ").raw(state.word()).raw("\">");
    html.raw("<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\" focusable=\"false\">");
    html.raw(shape(state)).raw("</svg>").text(words).raw("</span>");
}

/// The command that lets a held set through, or until when it would be refused.
pub(super) fn approve(html: &mut Html, digest: &Digest, refused_until: Option<Timestamp>) {
    if let Some(until) = refused_until {
        html.raw("<p>An equal set was approved and used up: an approval is refused until ");
        html.time(until).raw("; before that, raise the limit or undo the cause.</p>\n");
    } else {
        command(html, &format!("writeback approve {digest}"));
    }
}

/// The sign of a condition, with its word: what it means for a group, or the groups of a policy.
pub(super) fn condition_sign(html: &mut Html, kind: &str, holds: bool, reason: &str) {
    let state = match (kind, holds, reason) {
        ("Ready", true, _) => State::InStep,
        (_, true, _) | ("Ready", ..) => sign_of(kind, reason),
        _ => State::Idle,
    };
    let words = if holds { kind.to_owned() } else { format!("not {kind}") };
    chip(html, state, &words);
}

fn sign_of(kind: &str, reason: &str) -> State {
    match (kind, reason) {
        ("Held", _) | (_, "GuardTripped") => State::Held,
        (_, "Suspended" | "Observing") => State::Idle,
        ("Drifted", _) | (_, "ChangedByOthers") => State::Drifted,
        (_, "ReadIncomplete") => State::Unknown,
        (_, "ChangesWaiting") => State::Pending,
        (_, "Frozen") => State::Frozen,
        (_, "Foreign") => State::Foreign,
        (_, "NotWritten") => State::NotWritten,
        _ => State::Failed,
    }
}

fn shape(state: State) -> &'static str {
    match state {
        State::Failed => "<path class=\"stroke\" d=\"M3 3l10 10M13 3L3 13\"/>",
        State::Held => "<path d=\"M3 2.5h3.6v11H3zM9.4 2.5H13v11H9.4z\"/>",
        State::Unknown => {
            "<path class=\"stroke\" d=\"M5 5.6c0-4 6.2-4 6.2-.3 0 2.300-3.100 2.300-3.100 5\"/>\
             <circle cx=\"8.100\" cy=\"13.400\" r=\"1.400\"/>"
        }
        State::Drifted => "<path d=\"M8 1l7 7-7 7-7-7z\"/>",
        State::Pending => {
            "<circle class=\"stroke\" cx=\"8\" cy=\"8\" r=\"5.600\"/>\
             <path d=\"M8 2.400a5.600 5.600 0 0 1 0 11.200z\"/>"
        }
        State::Frozen => "<path class=\"stroke\" d=\"M3 3h10v10H3z\"/>",
        State::Foreign => "<path class=\"stroke\" d=\"M8 2.500l6 11H2z\"/>",
        State::Idle => "<path class=\"stroke\" d=\"M2.500 8h11\"/>",
        State::NotWritten => {
            "<circle class=\"stroke\" cx=\"8\" cy=\"8\" r=\"5.600\"/>\
             <path class=\"stroke\" d=\"M4 12l8-8\"/>"
        }
        State::InStep => "<path class=\"stroke\" d=\"M2.500 8.500l3.600 3.600 7.400-8.200\"/>",
        State::Gone => "<circle cx=\"8\" cy=\"8\" r=\"2.400\"/>",
    }
}

/// A link to the page of a group.
pub(super) fn group_link(html: &mut Html, view: &View, id: ObjectId) {
    html.raw("<a").attribute("href", &format!("/groups/{id}")).raw(">");
    match view.group(id) {
        Some(group) => html.name(&group.name),
        None => html.shown(id),
    };
    html.raw("</a>");
}

/// A command that a person may run, ready to be copied.
pub(super) fn command(html: &mut Html, line: &str) {
    html.raw("<p class=\"command\"><code>").text(line).raw("</code></p>");
}

/// Lines of the plan; with the group where they are those of several.
pub(super) fn lines<'l>(
    html: &mut Html,
    view: Option<&View>,
    lines: impl Iterator<Item = &'l Line>,
) {
    html.raw("<ol class=\"lines\">\n");
    for line in lines {
        html.raw("<li><code class=\"").raw(direction(line)).raw("\">").text(&line.text);
        html.raw("</code> <span class=\"why\">").text(&line.cause);
        html.raw("; policy ").text(line.policy.as_str());
        if let Some(view) = view {
            html.raw("; group ");
            group_link(html, view, line.group);
        }
        html.raw("</span></li>\n");
    }
    html.raw("</ol>\n");
}

/// Whether a line gives, takes, or changes.
fn direction(line: &Line) -> &'static str {
    match line.text.chars().next() {
        Some('+') => "plus",
        Some('-') => "minus",
        Some(_) | None => "other",
    }
}

/// Findings; with the group where they are those of several.
pub(super) fn findings<'f>(
    html: &mut Html,
    view: Option<&View>,
    findings: impl Iterator<Item = &'f Finding>,
) {
    html.raw("<ul class=\"findings\">\n");
    for finding in findings {
        html.raw("<li><strong>").text(&format!("{:?}", finding.code)).raw("</strong> ");
        html.text(&finding.message);
        if let Some(policy) = &finding.policy {
            html.raw(" <span class=\"why\">policy ").text(policy.as_str());
            if let (Some(view), Some(id)) = (view, finding.group) {
                html.raw("; group ");
                group_link(html, view, id);
            }
            html.raw("</span>");
        }
        html.raw("</li>\n");
    }
    html.raw("</ul>\n");
}

/// Where in a list this page stands, and the way to the others. `query` gives the query of another
/// page, `fragment` the place on it.
pub(super) fn pager(
    html: &mut Html,
    window: Window,
    label: &'static str,
    address: &str,
    query: impl Fn(usize) -> String,
) {
    let Window { total, page, pages, limit } = window;
    if pages < 2 {
        return;
    }
    let first = (page - 1) * limit + 1;
    let last = (page * limit).min(total);
    html.raw("<nav class=\"pager\"").attribute("aria-label", label).raw("><p>");
    html.text(&format!("{first} to {last} of {total}")).raw("</p><ul>");
    let ways = [
        (page > 1, 1, "First"),
        (page > 1, page.saturating_sub(1), "Previous"),
        (page < pages, page + 1, "Next"),
        (page < pages, pages, "Last"),
    ];
    for (_, to, name) in ways.into_iter().filter(|(is_open, _, _)| *is_open) {
        let query = query(to);
        let there =
            if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") };
        html.raw("<li><a").attribute("href", &there).raw(">").raw(name).raw("</a></li>");
    }
    html.raw("</ul></nav>\n");
}

/// The heading of a part of the plan.
pub(super) fn part_title(part: Part) -> &'static str {
    match part {
        Part::Held => "Held",
        Part::Waiting => "Waiting",
        Part::Unconfirmed => "Unconfirmed",
        Part::Observed => "Observed",
        Part::Frozen => "Frozen",
    }
}

/// `1 thing`, `2 things`; `1 pass`, `2 passes`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let ending = match (count, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_and_two_passes_are_counted_as_people_write_them() {
        let counts = [0, 1, 2].map(|count| [counted(count, "group"), counted(count, "pass")]);
        let expected = [["0 groups", "0 passes"], ["1 group", "1 pass"], ["2 groups", "2 passes"]];
        assert_eq!(counts, expected);
    }
}
