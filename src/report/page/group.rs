//! `/groups/ID`: one group whole: what it is and why, its conditions, the plan line by line,
//! findings, members, history.

use crate::model::condition::{Condition, ConditionKind};
use crate::report::groups::question::{Leaf, Window};
use crate::report::groups::sheet::{Group, Part};
use crate::report::groups::{Deed, View};
use crate::report::page::Shown;
use crate::report::page::frame::{Frame, Tab};
use crate::report::page::html::Html;
use crate::report::page::parts::{
    approve, command, condition_sign, counted, findings, group_link, lines, pager, part_title, sign,
};

/// The page of one group.
pub fn group(shown: Shown<'_>, group: &Group, leaf: Leaf) -> String {
    let view = shown.view;
    let mut main = Html::default();
    main.raw("<h1>").name(&group.name).raw("</h1>\n<p class=\"lead\">");
    let state = view.state(group);
    sign(&mut main, state);
    let reason = view.reason(group);
    main.raw(" ").text(if reason.is_empty() { state.meaning() } else { reason }).raw("</p>\n");
    facts(&mut main, view, group);
    conditions(&mut main, view, group);
    plan(&mut main, view, group);
    told(&mut main, view, group);
    members(&mut main, view, group, leaf);
    history(&mut main, view, group);
    Frame { shown, title: &group.name, tab: Tab::Groups }.around(&main)
}

fn facts(main: &mut Html, view: &View, group: &Group) {
    main.raw("<dl class=\"facts\">");
    let mut fact = |name: &'static str, value: &dyn Fn(&mut Html)| {
        main.raw("<div><dt>").raw(name).raw("</dt><dd>");
        value(main);
        main.raw("</dd></div>");
    };
    fact("Since", &|main| {
        main.time(view.since(group));
    });
    fact("Policy", &|main| {
        match &group.policy {
            Some(policy) => main
                .raw("<a")
                .attribute("href", &format!("/groups?policy={policy}"))
                .raw(">")
                .text(policy.as_str())
                .raw("</a>"),
            None => main.raw("none"),
        };
    });
    fact("Members", &|main| {
        match view.member_count(group) {
            Some(count) => main.shown(count),
            None => main.raw("not read"),
        };
    });
    fact("Id in the tenant", &|main| {
        main.raw("<code>").shown(group.id).raw("</code>");
    });
    if let Some(object) = view.object(group) {
        fact("objectGUID", &|main| {
            main.raw("<code>").shown(object).raw("</code>");
        });
    }
    if let Some(dn) = view.dn(group) {
        fact("In the directory", &|main| {
            main.raw("<code>").name(dn).raw("</code>");
        });
    }
    main.raw("</dl>\n");
}

/// One row for each condition: whether it holds, why, and since when.
fn conditions(main: &mut Html, view: &View, group: &Group) {
    let all = view.conditions(group);
    main.raw("<h2 id=\"conditions\">Conditions</h2>\n");
    let (Some(policy), Some(first)) = (&group.policy, all.first()) else {
        main.raw("<p>None: no policy in force has it.</p>\n");
        return;
    };
    main.raw("<table class=\"conditions\">\n<caption>Under the policy ").text(policy.as_str());
    main.raw(", generation <code>").shown(first.observed_generation.short());
    main.raw("</code></caption>\n<thead><tr><th scope=\"col\">Condition</th>");
    main.raw("<th scope=\"col\">Why, and since when</th></tr></thead>\n<tbody>\n");
    for Condition { kind, status, reason, message, last_transition_time, .. } in &all {
        let (word, reason) = (format!("{kind:?}"), format!("{reason:?}"));
        main.raw("<tr><th scope=\"row\">");
        condition_sign(main, &word, *status, &reason);
        main.raw("</th><td><span class=\"why\">");
        if *status || *kind == ConditionKind::Ready {
            main.text(&reason).raw(": ").text(message).raw(", ");
        }
        main.raw("since ").time(*last_transition_time).raw("</span></td></tr>\n");
    }
    main.raw("</tbody>\n</table>\n");
}

/// The lines of the plan, the held ones first with the command that passes them.
fn plan(main: &mut Html, view: &View, group: &Group) {
    let sheet = view.sheet();
    let own = sheet.lines_of(group);
    main.raw("<h2 id=\"plan\">Plan</h2>\n");
    if own.is_empty() {
        main.raw("<p>Nothing is to be done.</p>\n");
    }
    for part in Part::ALL {
        let of_part: Vec<_> = own.iter().filter(|line| line.part == part).copied().collect();
        let Some(first) = of_part.first() else { continue };
        main.raw("<h3>").raw(part_title(part)).raw("</h3>\n<p>").raw(part.meaning()).raw("</p>\n");
        lines(main, None, of_part.iter().copied());
        let set = sheet.held.iter().find(|set| set.policy == first.policy);
        if let (Part::Held, Some(set)) = (part, set) {
            main.raw("<p>This lets through once all that is held of the policy ");
            main.text(set.policy.as_str()).raw(", see <a href=\"/#held\">the overview</a>:</p>");
            approve(main, &set.digest, set.refused_until);
        }
    }
}

fn told(main: &mut Html, view: &View, group: &Group) {
    let own = view.sheet().findings_of(group);
    main.raw("<h2 id=\"findings\">Findings</h2>\n");
    if own.is_empty() {
        main.raw("<p>None.</p>\n");
    } else {
        findings(main, None, own.into_iter());
    }
}

fn members(main: &mut Html, view: &View, group: &Group, leaf: Leaf) {
    let members = view.members(group);
    let window = Window::of(members.rows.len(), leaf.page, leaf.limit);
    main.raw("<h2 id=\"members\">Members</h2>\n");
    if members.rows.is_empty() {
        main.raw("<p>None, or they were not read.</p>\n");
        return;
    }
    main.raw("<table class=\"members\">\n<caption>");
    main.text(&counted(members.rows.len(), "member")).raw(", what changes first</caption>\n");
    main.raw("<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Kind</th>");
    main.raw("<th scope=\"col\">State</th></tr></thead>\n<tbody>\n");
    for (state, person) in window.cut(members.rows.iter()) {
        main.raw("<tr class=\"").raw(state.word()).raw("\"><th scope=\"row\">");
        match person.group {
            Some(id) if view.group(id).is_some() => group_link(main, view, id),
            Some(_) | None => {
                main.name(&person.label);
            }
        }
        main.raw("</th><td>").raw(person.kind.word()).raw("</td><td>").raw(state.title());
        main.raw("</td></tr>\n");
    }
    main.raw("</tbody>\n</table>\n");
    if members.unnamed > 0 {
        main.raw("<p>").shown(members.unnamed).raw(" more are left out.</p>\n");
    }
    let address = format!("/groups/{}", group.id);
    pager(main, window, "Pages of the members", &address, |page| leaf.query(page) + "#members");
}

fn history(main: &mut Html, view: &View, group: &Group) {
    let deeds = view.history(group.id);
    main.raw("<h2 id=\"history\">History</h2>\n");
    if deeds.is_empty() {
        main.raw("<p>Nothing was done to it, as far back as the page looks.</p>\n");
    } else {
        main.raw("<ol class=\"lines\">\n");
        for deed in deeds {
            told_deed(main, deed);
        }
        main.raw("</ol>\n");
    }
    main.raw(
        "<p>The newest changes, also from before the last start, where the end of the journal ",
    );
    main.raw("has them. All that the journal keeps; and by which rule it is what it is:</p>");
    command(main, &format!("writeback journal show --group {}", group.id));
    command(main, &format!("writeback explain {}", group.id));
}

fn told_deed(main: &mut Html, deed: &Deed) {
    main.raw("<li>").time(deed.at).raw(" <strong>").raw(deed.outcome).raw("</strong> ");
    main.raw("<code>").text(&deed.text).raw("</code> <span class=\"why\">").text(&deed.cause);
    main.raw("</span>");
    if let Some(message) = &deed.message {
        main.raw("<p class=\"reason\">").text(message).raw("</p>");
    }
    if deed.set_aside > 0 {
        main.raw("<p class=\"reason\">").text(&counted(deed.set_aside, "member"));
        main.raw(" set aside</p>");
    }
    main.raw("</li>\n");
}
