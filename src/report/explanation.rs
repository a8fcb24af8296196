//! The answer of `explain` as text and as JSON.
//!
//! Names come from people who own groups: everything printed goes through `safe`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::decide::explain::{Explanation, Sentence, Waiting};
use crate::model::condition::Condition;
use crate::report::groups::conditions::told;
use crate::report::json::one;
use crate::report::text::{line, safe};

/// The whole answer, what it comes to first; with the conditions of the group.
pub fn text(explanation: &Explanation, conditions: &[Condition]) -> String {
    let mut text = String::new();
    for sentence in &explanation.summary {
        let _ = writeln!(text, "{}", safe(&sentence.text));
    }
    if !conditions.is_empty() {
        text.push_str("\nconditions\n");
    }
    for told in told(conditions) {
        let _ = writeln!(text, "  {told}");
    }
    if let Some(person) = &explanation.person {
        section(&mut text, &format!("person {}", safe(&person.label)), &person.sentences);
    }
    section(&mut text, "policies, the strongest claim first", &explanation.policies);
    section(&mut text, "name and place", &explanation.name);
    section(&mut text, "directory", &explanation.directory);
    if !explanation.waiting.is_empty() {
        text.push_str("\nchanges\n");
        for waiting in &explanation.waiting {
            let _ = writeln!(text, "{}", change(waiting));
        }
    }
    if !explanation.findings.is_empty() {
        text.push_str("\nfindings\n");
        for finding in &explanation.findings {
            let _ = writeln!(text, "  {:?}: {}", finding.code, safe(&finding.message));
        }
    }
    text
}

fn section(text: &mut String, title: &str, sentences: &[Sentence]) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for sentence in sentences {
        let place = sentence.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
        // Most sentences name their place where it belongs.
        let place = place.filter(|place| !sentence.text.contains(place));
        let place = place.map(|place| format!("  [{}]", safe(&place)));
        let _ = writeln!(text, "  {}{}", safe(&sentence.text), place.unwrap_or_default());
    }
}

fn change(waiting: &Waiting) -> String {
    let Waiting { admission, change, holds, since } = waiting;
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let cause = safe(&change.cause.to_string());
    let word = admission.to_lowercase();
    let mut text = format!("  {word}{since}: {}  [{cause}]", line(change));
    for hold in holds {
        let _ = write!(text, "\n    ! {}", safe(hold));
    }
    text
}

/// The whole answer for programs; with the conditions of the group.
pub fn json(explanation: &Explanation, conditions: &[Condition]) -> Value {
    let Explanation { group, display_name, state, policy, .. } = explanation;
    let waiting = explanation.waiting.iter().map(|waiting| {
        let mut value = one(&waiting.change, waiting.admission);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("holds".to_owned(), json!(waiting.holds));
            fields.insert("heldSince".to_owned(), json!(waiting.since));
        }
        value
    });
    json!({
        "apiVersion": "writeback/v1alpha1",
        "kind": "Explanation",
        "group": group,
        "displayName": display_name,
        "state": state,
        "policy": policy,
        "complete": !explanation.incomplete,
        "conditions": conditions,
        "summary": explanation.summary,
        "policies": explanation.policies,
        "name": explanation.name,
        "directory": explanation.directory,
        "changes": waiting.collect::<Vec<_>>(),
        "findings": explanation.findings,
        "person": explanation.person,
    })
}
