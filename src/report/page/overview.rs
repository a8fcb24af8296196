//! `/`: whether anybody has to get up, and for what. What is wrong stands first, what is held with
//! the command that passes it, then the groups, the policies, the findings.

use serde_json::Value;

use crate::report::groups::question::Question;
use crate::report::groups::sheet::{Group, HeldSet, Line, Part, Sheet};
use crate::report::groups::state::State;
use crate::report::page::Shown;
use crate::report::page::frame::{Frame, Tab};
use crate::report::page::html::Html;
use crate::report::page::list::{states, table};
use crate::report::page::parts::{
    approve, chip, counted, findings, lines, list, moment, number, word,
};
use crate::report::page::policies::policies;

/// Held lines shown of one policy; the page of the plan has all.
const HELD_SHOWN_MAX: usize = 50;
/// Groups shown that need a look; the list has all.
const GROUPS_SHOWN_MAX: usize = 20;
/// Findings shown; `/api/v1/status` has more, the pages of the groups have theirs.
const FINDINGS_SHOWN_MAX: usize = 50;

/// The first page.
pub fn overview(shown: Shown<'_>) -> String {
    let Shown { status, view } = shown;
    let sheet = view.sheet();
    let mut main = Html::default();
    let (state, verdict) = verdict(shown);
    main.raw("<h1>");
    chip(&mut main, state, &verdict);
    main.raw("</h1>\n");
    facts(&mut main, status);
    trouble(&mut main, status);
    held(&mut main, shown);
    main.raw("<h2 id=\"groups\">Groups</h2>\n");
    states(&mut main, view, &Question::default());
    search(&mut main);
    open(&mut main, shown);
    policies(&mut main, status);
    main.raw("<h2 id=\"findings\">Findings</h2>\n<p>").text(&told(sheet)).raw("</p>\n");
    if sheet.findings_total > 0 {
        findings(&mut main, Some(view), sheet.findings().iter().take(FINDINGS_SHOWN_MAX));
    }
    passes(&mut main, status);
    Frame { shown, title: &verdict, tab: Tab::Overview }.around(&main)
}

/// The one sentence that somebody reads at night.
fn verdict(shown: Shown<'_>) -> (State, String) {
    let Shown { status, view } = shown;
    let sheet = view.sheet();
    let result = word(status, "/lastPass/result");
    let all_paused = status.pointer("/pauses/all").is_some_and(Value::is_object);
    let held = sheet.lines().iter().filter(|line| line.part == Part::Held).count();
    let mistakes = list(status, "/folder/mistakes").count();
    if !word(status, "/memory/fault").is_empty() {
        return (State::Failed, "Nothing is written: the state cannot be saved".to_owned());
    }
    if !word(status, "/fault/side").is_empty() {
        let side = word(status, "/fault/side").to_lowercase();
        return (State::Failed, format!("Nothing is written: the {side} cannot be read"));
    }
    let failed = number(status, "/lastPass/changesFailed");
    match result {
        "" if sheet.held_digest.is_none() => {
            return (State::Pending, "No pass has ended yet".to_owned());
        }
        "Failed" => return (State::Failed, "The last pass failed".to_owned()),
        "ChangesFailed" if failed > 0 => {
            let count = counted(usize::try_from(failed).unwrap_or(usize::MAX), "change");
            return (State::Failed, format!("{count} failed or were refused"));
        }
        _ => {}
    }
    if sheet.held_digest.is_some() {
        let count = counted(held, "change");
        return (State::Held, format!("{count} held, waiting for a person"));
    }
    if mistakes > 0 {
        return (State::Failed, "The policy folder is invalid".to_owned());
    }
    if result == "Incomplete" {
        return (State::Unknown, "Some reads were not whole".to_owned());
    }
    if all_paused {
        return (State::Idle, "Everything is paused: nothing is written".to_owned());
    }
    // Nobody compares what nothing writes: it is not in step, and comes after all that is wrong.
    let open = [State::Unknown, State::Failed, State::Drifted, State::Pending, State::Idle];
    let counts = view.counts();
    let worst = open.into_iter().find(|state| counts.contains_key(state));
    match worst {
        Some(state) => {
            let count = counted(counts.get(&state).copied().unwrap_or_default(), "group");
            (state, format!("{count} {}", state.title()))
        }
        None if writes(status) => (State::InStep, "The directory is in step".to_owned()),
        None => (State::Idle, "No policy writes anything now".to_owned()),
    }
}

/// Whether any policy in force writes: it is neither suspended nor paused, and does not only
/// observe.
fn writes(status: &Value) -> bool {
    let is_paused = |name: &str| {
        let paused = status.pointer("/pauses/policies").and_then(Value::as_object);
        paused.is_some_and(|paused| paused.contains_key(name))
    };
    let policies = status.pointer("/policies").and_then(Value::as_object);
    policies.into_iter().flatten().any(|(name, policy)| {
        let rests = policy.pointer("/suspend").and_then(Value::as_bool) == Some(true);
        !rests && word(policy, "/mode") != "Observe" && !is_paused(name)
    })
}

fn facts(main: &mut Html, status: &Value) {
    main.raw("<dl class=\"facts\">");
    if let Some(at) = moment(status, "/lastPass/endedAt") {
        main.raw("<div><dt>Last pass</dt><dd>").time(at).raw("<br>number ");
        main.shown(number(status, "/lastPass/number")).raw(", ");
        main.text(word(status, "/lastPass/result")).raw(", ");
        main.shown(number(status, "/lastPass/changesDone")).raw(" done, ");
        main.shown(number(status, "/lastPass/changesFailed")).raw(" failed</dd></div>");
    }
    for (name, pointer) in [
        ("Next pass", "/nextPassAt"),
        ("Last success", "/lastSuccessAt"),
        ("Running since", "/startedAt"),
    ] {
        if let Some(at) = moment(status, pointer) {
            main.raw("<div><dt>").raw(name).raw("</dt><dd>").time(at).raw("</dd></div>");
        }
    }
    let failures = number(status, "/consecutiveFailures");
    if failures > 0 {
        main.raw("<div><dt>Without success</dt><dd>");
        main.text(&counted(usize::try_from(failures).unwrap_or(usize::MAX), "pass"));
        main.raw(" in a row</dd></div>");
    }
    for (name, pointer) in [
        ("Git revision read", "/folder/revision"),
        ("Policies", "/folder/generation"),
        ("Journal head", "/memory/journalHead"),
    ] {
        let value = word(status, pointer);
        if !value.is_empty() {
            main.raw("<div><dt>").raw(name).raw("</dt><dd><code>").text(value);
            main.raw("</code></dd></div>");
        }
    }
    main.raw("</dl>\n");
}

/// Everything that somebody has to mend, one line each.
fn trouble(main: &mut Html, status: &Value) {
    let mut rows: Vec<(&'static str, String)> = Vec::new();
    let fault = word(status, "/fault/message");
    if !fault.is_empty() {
        rows.push(("Fault", format!("{}: {fault}", word(status, "/fault/side"))));
    }
    let memory = word(status, "/memory/fault");
    if !memory.is_empty() {
        rows.push(("State", format!("nothing is written: failed to {memory}")));
    }
    rows.extend(pauses(status));
    let mistakes = list(status, "/folder/mistakes").filter_map(Value::as_str);
    rows.extend(mistakes.map(|mistake| ("Policy folder", mistake.to_owned())));
    if let Some(until) = moment(status, "/memory/closedUntil") {
        let until = until.strftime("%Y-%m-%d %H:%M:%S UTC");
        let why = "nobody knows what was removed lately: every removal waits until";
        rows.push(("Removals", format!("{why} {until}, or for an approval")));
    }
    if status.pointer("/stopping").and_then(Value::as_bool) == Some(true) {
        rows.push(("Daemon", "it was asked to stop".to_owned()));
    }
    if rows.is_empty() {
        return;
    }
    main.raw("<h2 id=\"trouble\">Needs attention</h2>\n<ul class=\"findings\">\n");
    for (name, message) in rows {
        main.raw("<li><strong>").raw(name).raw("</strong> ").text(&message).raw("</li>\n");
    }
    main.raw("</ul>\n");
}

/// Who paused what, and how it goes on.
fn pauses(status: &Value) -> impl Iterator<Item = (&'static str, String)> {
    let told = |pause: &Value, what: String, how: String| {
        let (by, at) = (word(pause, "/by"), word(pause, "/at"));
        ("Paused", format!("{what} by {by} at {at}: nothing is written; `{how}` goes on"))
    };
    let all = status.pointer("/pauses/all").filter(|pause| pause.is_object());
    let all = all.map(|pause| told(pause, "everything".to_owned(), "writeback resume".to_owned()));
    let policies = status.pointer("/pauses/policies").and_then(Value::as_object);
    let policies = policies.into_iter().flatten().map(move |(name, pause)| {
        told(pause, format!("the policy {name}"), format!("writeback resume --policy {name}"))
    });
    all.into_iter().chain(policies)
}

/// What a guard keeps back, policy by policy, each with the command that passes it once.
fn held(main: &mut Html, shown: Shown<'_>) {
    let sheet = shown.view.sheet();
    let Some(digest) = sheet.held_digest else { return approvals(main, shown.status) };
    main.raw("<section class=\"kept\" aria-labelledby=\"held\">\n<h2 id=\"held\">Held</h2>\n");
    main.raw("<p>Read every line before you let it through. An approval names exactly this set, ");
    main.raw("is used once and ends after 24 hours.</p>\n");
    for set in &sheet.held {
        held_set(main, shown, set);
    }
    if sheet.held.len() > 1 {
        main.raw("<h3>All of it</h3>\n<p>This lets through what every policy holds:</p>\n");
        approve(main, &digest, sheet.held_refused_until);
    }
    main.raw("</section>\n");
    approvals(main, shown.status);
}

fn held_set(main: &mut Html, shown: Shown<'_>, set: &HeldSet) {
    let all = shown.view.sheet().lines().iter();
    let own = all.filter(|line| line.part == Part::Held && line.policy == set.policy);
    let own: Vec<&Line> = own.collect();
    main.raw("<h3>Policy ").text(set.policy.as_str()).raw(": ");
    main.text(&counted(own.len(), "change")).raw("</h3>\n<ul class=\"findings\">\n");
    for (message, since) in &set.holds {
        main.raw("<li>").text(message);
        if let Some(since) = since {
            main.raw(" <span class=\"why\">held since ").time(*since).raw("</span>");
        }
        main.raw("</li>\n");
    }
    main.raw("</ul>\n");
    lines(main, Some(shown.view), own.iter().take(HELD_SHOWN_MAX).copied());
    if own.len() > HELD_SHOWN_MAX {
        main.raw("<p><a href=\"/plan?part=held\">").shown(own.len() - HELD_SHOWN_MAX);
        main.raw(" more lines</a></p>\n");
    }
    main.raw("<p>This lets through once all that is held of the policy ");
    main.text(set.policy.as_str()).raw(":</p>\n");
    approve(main, &set.digest, set.refused_until);
}

/// What people let through and what is not done yet.
fn approvals(main: &mut Html, status: &Value) {
    let mut approvals = list(status, "/memory/approvals").peekable();
    if approvals.peek().is_none() {
        return;
    }
    main.raw("<h2 id=\"approved\">Approved</h2>\n<ul class=\"findings\">\n");
    for approval in approvals {
        main.raw("<li><code>").text(word(approval, "/digest")).raw("</code> by ");
        main.name(word(approval, "/approvedBy"));
        if let Some(end) = moment(approval, "/notAfter") {
            main.raw(", until ").time(end);
        }
        let kinds = approval.pointer("/kinds").and_then(Value::as_object);
        for (kind, count) in kinds.into_iter().flatten() {
            main.raw(", ").shown(count).raw(" ").text(kind);
        }
        main.raw(" still pass</li>\n");
    }
    main.raw("</ul>\n");
}

fn search(main: &mut Html) {
    main.raw("<form class=\"ask\" role=\"search\" aria-label=\"Groups\" action=\"/groups\" ");
    main.raw("method=\"get\">\n<p><label for=\"q\">Name, id or DN</label>");
    main.raw("<input type=\"search\" id=\"q\" name=\"q\" maxlength=\"256\" dir=\"auto\" ");
    main.raw("autocomplete=\"off\" spellcheck=\"false\"></p>\n");
    main.raw("<p><button type=\"submit\">Find</button></p>\n</form>\n");
}

/// The groups that somebody may have to look at, the worst first.
fn open(main: &mut Html, shown: Shown<'_>) {
    let view = shown.view;
    let all = view.sheet().groups().iter();
    let mut open: Vec<&Group> = all.filter(|group| view.state(group).needs_a_look()).collect();
    if open.is_empty() {
        return;
    }
    open.sort_by_key(|group| view.state(group));
    main.raw("<h3>Not in step</h3>\n");
    let first = open.get(..GROUPS_SHOWN_MAX.min(open.len())).unwrap_or_default();
    table(main, view, "Groups that are not in step, the worst first", first);
    if open.len() > GROUPS_SHOWN_MAX {
        main.raw("<p>").shown(open.len() - GROUPS_SHOWN_MAX);
        main.raw(" more: choose a state above.</p>\n");
    }
}

/// The last passes, the newest first.
fn passes(main: &mut Html, status: &Value) {
    let mut passes = list(status, "/lastPasses").peekable();
    if passes.peek().is_none() {
        return;
    }
    main.raw("<h2 id=\"passes\">Passes</h2>\n<table>\n<caption>The last passes, the newest first");
    main.raw("</caption>\n<thead><tr><th scope=\"col\">Ended</th><th scope=\"col\">Result</th>");
    main.raw("<th scope=\"col\" class=\"number\">Done</th>");
    main.raw("<th scope=\"col\" class=\"number\">Failed</th>");
    main.raw("<th scope=\"col\" class=\"number\">Held</th></tr></thead>\n<tbody>\n");
    for pass in passes {
        main.raw("<tr><th scope=\"row\">");
        if let Some(at) = moment(pass, "/endedAt") {
            main.time(at);
        }
        main.raw("</th><td>").text(word(pass, "/result")).raw("</td>");
        for pointer in ["/changesDone", "/changesFailed", "/heldChanges"] {
            main.raw("<td class=\"number\">").shown(number(pass, pointer)).raw("</td>");
        }
        main.raw("</tr>\n");
    }
    main.raw("</tbody>\n</table>\n");
}

fn told(sheet: &Sheet) -> String {
    match sheet.findings_total {
        0 => "None.".to_owned(),
        total if total <= FINDINGS_SHOWN_MAX => counted(total, "finding"),
        total => format!(
            "{total} findings; the first {FINDINGS_SHOWN_MAX} stand here, those of each group on \
             its page"
        ),
    }
}
