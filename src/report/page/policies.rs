//! The policies in force, as a table of the first page: what is true of each, and why. Comes from
//! the status.

use serde_json::Value;

use crate::report::page::html::Html;
use crate::report::page::parts::{condition_sign, list, moment, number, word};

/// One row for each policy in force: what it is, what is true of it, what it holds.
pub(super) fn policies(main: &mut Html, status: &Value) {
    main.raw("<h2 id=\"policies\">Policies</h2>\n");
    let policies = status.pointer("/policies").and_then(Value::as_object);
    let mut policies = policies.into_iter().flatten().peekable();
    if policies.peek().is_none() {
        main.raw("<p>None is in force.</p>\n");
        return;
    }
    main.raw("<table class=\"policies\">\n<caption>Policies in force</caption>\n<thead><tr>");
    main.raw("<th scope=\"col\">Policy</th><th scope=\"col\">Conditions</th>");
    main.raw("<th scope=\"col\" class=\"wide\">Mode</th>");
    main.raw("<th scope=\"col\" class=\"number\">Groups</th>");
    main.raw("<th scope=\"col\" class=\"wide number\">Memberships</th></tr></thead>\n<tbody>\n");
    for (name, policy) in policies {
        main.raw("<tr><th scope=\"row\"><a");
        main.attribute("href", &format!("/groups?policy={name}")).raw(">").text(name);
        main.raw("</a><p class=\"dn\">").name(word(policy, "/file")).raw("</p></th><td>");
        older(main, policy, status.pointer("/folder/revision"));
        conditions(main, policy);
        main.raw("</td><td class=\"wide\">").text(word(policy, "/mode"));
        main.raw("</td><td class=\"number\">").shown(number(policy, "/groups"));
        main.raw("</td><td class=\"wide number\">").shown(number(policy, "/memberships"));
        main.raw("</td></tr>\n");
    }
    main.raw("</tbody>\n</table>\n");
}

/// Of which revision a policy is, where that is not the one that was last read.
fn older(main: &mut Html, policy: &Value, read: Option<&Value>) {
    let revision = word(policy, "/revision");
    if policy.pointer("/revision") == read {
        return;
    }
    main.raw("<p>in force as it was at revision <code>");
    main.text(if revision.is_empty() { "-" } else { revision }).raw("</code></p>");
}

/// Ready or not, and whatever else is true of a policy.
fn conditions(main: &mut Html, policy: &Value) {
    let mut shown = 0;
    for condition in list(policy, "/conditions") {
        let holds = condition.pointer("/status").and_then(Value::as_bool) == Some(true);
        let kind = word(condition, "/type");
        if !holds && kind != "Ready" {
            continue;
        }
        shown += 1;
        let reason = word(condition, "/reason");
        main.raw("<p>");
        condition_sign(main, kind, holds, reason);
        main.raw(" <span class=\"why\">").text(reason).raw(": ");
        if kind == "Held" {
            // The limits stand above, one by one.
            main.raw("<a href=\"#held\">what is held</a>");
        } else {
            main.text(word(condition, "/message"));
        }
        if let Some(since) = moment(condition, "/lastTransitionTime") {
            main.raw(", since ").time(since);
        }
        main.raw("</span></p>");
    }
    if shown == 0 {
        main.raw("<p>not judged yet</p>");
    }
}
