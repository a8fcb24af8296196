//! `/groups`: every group that a policy claims, that is ours, or of which something is to be told;
//! searched and filtered by a plain form.

use serde_json::Value;

use crate::report::groups::View;
use crate::report::groups::question::Question;
use crate::report::groups::sheet::Group;
use crate::report::groups::state::State;
use crate::report::page::Shown;
use crate::report::page::frame::{Frame, Tab};
use crate::report::page::html::Html;
use crate::report::page::parts::{counted, group_link, pager, sign};

/// The page that lists groups.
pub fn groups(shown: Shown<'_>, question: &Question) -> String {
    let view = shown.view;
    let (found, window) = question.pick(view);
    let mut main = Html::default();
    main.raw("<h1>Groups</h1>\n");
    form(&mut main, shown, question);
    states(&mut main, view, question);
    main.raw("<p class=\"found\" role=\"status\">").text(&counted(window.total, "group"));
    main.raw(" found");
    if window.total < view.sheet().groups().len() {
        main.raw(" of ").shown(view.sheet().groups().len());
    }
    main.raw("</p>\n");
    if found.is_empty() {
        let asked = *question != Question::default();
        main.raw(if asked {
            "<p>No group answers to that. <a href=\"/groups\">Show all</a></p>\n"
        } else {
            "<p>No policy claims a group, or no pass has looked yet.</p>\n"
        });
    } else {
        table(&mut main, view, "Groups, by name", &found);
    }
    pager(&mut main, window, "Pages of the list", "/groups", |page| question.query(page));
    Frame { shown, title: "Groups", tab: Tab::Groups }.around(&main)
}

/// A form that works without JavaScript.
fn form(main: &mut Html, shown: Shown<'_>, question: &Question) {
    main.raw("<form class=\"ask\" role=\"search\" aria-label=\"Groups\" action=\"/groups\" ");
    main.raw("method=\"get\">\n");
    for (key, label, text) in
        [("q", "Name, id or DN", &question.text), ("member", "With the member", &question.member)]
    {
        main.raw("<p><label").attribute("for", key).raw(">").raw(label).raw("</label>");
        main.raw(
            "<input type=\"search\" maxlength=\"256\" autocomplete=\"off\" spellcheck=\"false\"",
        );
        main.attribute("id", key).attribute("name", key);
        main.raw(" dir=\"auto\"").attribute("value", text).raw("></p>\n");
    }
    main.raw("<p><label for=\"state\">State</label><select id=\"state\" name=\"state\">");
    option(main, "", "any", question.state.is_none());
    for state in State::ALL {
        option(main, state.word(), state.title(), question.state == Some(state));
    }
    main.raw("</select></p>\n<p><label for=\"policy\">Policy</label>");
    main.raw("<select id=\"policy\" name=\"policy\">");
    option(main, "", "any", question.policy.is_empty());
    let policies = shown.status.pointer("/policies").and_then(Value::as_object);
    let policies: Vec<&String> = policies.into_iter().flatten().map(|(name, _)| name).collect();
    if !question.policy.is_empty() && !policies.iter().any(|name| **name == question.policy) {
        option(main, &question.policy, &question.policy, true);
    }
    for name in policies {
        option(main, name, name, *name == question.policy);
    }
    main.raw("</select></p>\n<p><button type=\"submit\">Show</button></p>\n</form>\n");
}

fn option(main: &mut Html, value: &str, text: &str, selected: bool) {
    main.raw("<option").attribute("value", value);
    if selected {
        main.raw(" selected");
    }
    main.raw(">").text(text).raw("</option>");
}

/// How many groups are in each state, as a way to them.
pub(super) fn states(main: &mut Html, view: &View, question: &Question) {
    main.raw("<nav aria-label=\"Groups by state\"><ul class=\"counts\">");
    let counts = view.counts();
    for (state, count) in &counts {
        let query = Question { state: Some(*state), ..question.clone() }.query(1);
        main.raw("<li><a").attribute("href", &format!("/groups?{query}"));
        if question.state == Some(*state) {
            main.raw(" aria-current=\"true\"");
        }
        main.attribute("title", state.meaning()).raw("><b>").shown(count).raw("</b> ");
        sign(main, *state);
        main.raw("</a></li>");
    }
    main.raw("</ul></nav>\n");
}

/// One row for each group; what a narrow screen has no room for is on the page of the group.
pub(super) fn table(main: &mut Html, view: &View, caption: &'static str, groups: &[&Group]) {
    main.raw("<table class=\"groups\">\n<caption>").raw(caption).raw("</caption>\n<thead><tr>");
    main.raw("<th scope=\"col\">State</th><th scope=\"col\">Group</th>");
    main.raw("<th scope=\"col\" class=\"wide\">Policy</th>");
    main.raw("<th scope=\"col\" class=\"wide number\">Members</th>");
    main.raw("<th scope=\"col\" class=\"wide number\">Findings</th>");
    main.raw("<th scope=\"col\" class=\"wider\">Since</th></tr></thead>\n<tbody>\n");
    for group in groups {
        row(main, view, group);
    }
    main.raw("</tbody>\n</table>\n");
}

fn row(main: &mut Html, view: &View, group: &Group) {
    main.raw("<tr><td>");
    sign(main, view.state(group));
    main.raw("</td><th scope=\"row\">");
    group_link(main, view, group.id);
    let reason = view.reason(group);
    if !reason.is_empty() {
        main.raw("<p class=\"reason\">").text(reason).raw("</p>");
    }
    if let Some(dn) = view.dn(group) {
        main.raw("<p class=\"dn\">").name(dn).raw("</p>");
    }
    main.raw("</th><td class=\"wide\">");
    match &group.policy {
        Some(policy) => main.text(policy.as_str()),
        None => main.raw("<span aria-label=\"none\">–</span>"),
    };
    main.raw("</td><td class=\"wide number\">");
    match view.member_count(group) {
        Some(count) => main.shown(count),
        None => main.raw("<span aria-label=\"not read\">–</span>"),
    };
    main.raw("</td><td class=\"wide number\">").shown(group.finding_count());
    main.raw("</td><td class=\"wider\">").time(view.since(group)).raw("</td></tr>\n");
}
