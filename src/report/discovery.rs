//! What `discover` found, as text and as JSON with the same content.
//!
//! Counts first, then facts, groups, problems by kind with what they mean and what to do, and at
//! the end the recommended way with the text of its policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, json};

use crate::discover::{Code, Discovery, Outlook, Problem, Setting, Value};
use crate::report::text::safe;

/// The whole report as text.
pub fn text(discovery: &Discovery) -> String {
    let mut text = headline(discovery);
    for section in &discovery.sections {
        let _ = writeln!(text, "\n{}", section.title);
        for fact in &section.facts {
            let _ = writeln!(text, "  {}: {}", safe(&fact.name), shown(&fact.value));
        }
    }
    groups(&mut text, &discovery.groups);
    problems(&mut text, &discovery.problems);
    let recommendation = &discovery.recommendation;
    let _ = writeln!(
        text,
        "\nrecommended: {}\n  because {}\n  for the policy folder; begin with `mode: Observe` and \
         read `writeback plan`:",
        recommendation.approach.word(),
        safe(&recommendation.reason)
    );
    for policy in &recommendation.policies {
        let _ = writeln!(text, "\n# {}\n{}", policy.file, policy.text.trim_end());
    }
    text
}

fn headline(discovery: &Discovery) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let mut kinds: Vec<Code> = discovery.problems.iter().map(|problem| problem.code).collect();
    kinds.dedup();
    let kinds = match kinds.len() {
        0 | 1 => String::new(),
        count => format!(" of {count} kinds"),
    };
    let problems = counted(discovery.problems.len(), "problem", "problems");
    let groups = counted(discovery.groups.len(), "Microsoft 365 group", "Microsoft 365 groups");
    let whole =
        if discovery.complete { "everything was read" } else { "not everything could be read" };
    format!("{problems}{kinds}, {groups}; {whole}\n")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Known(None) => "unknown".to_owned(),
        Value::Known(Some(true)) => "yes".to_owned(),
        Value::Known(Some(false)) => "no".to_owned(),
        Value::Number(count) => count.to_string(),
        Value::Text(text) => safe(text),
        Value::List(texts) if texts.is_empty() => "none".to_owned(),
        Value::List(texts) => texts.iter().map(|text| safe(text)).collect::<Vec<_>>().join("; "),
    }
}

fn groups(text: &mut String, groups: &[Outlook]) {
    if groups.is_empty() {
        return;
    }
    text.push_str("\nMicrosoft 365 groups\n");
    for group in groups {
        let setting = match group.setting {
            Setting::Unknown => "writeback unknown",
            Setting::NotSet => "writeback not set",
            Setting::On => "writeback on",
            Setting::Off => "writeback off",
        };
        let kind = group.group_type.as_deref().map(|kind| format!(", {}", safe(kind)));
        let _ = writeln!(
            text,
            "  {} ({}): {setting}{}",
            safe(&group.name),
            group.id,
            kind.unwrap_or_default()
        );
        for policy in &group.policies {
            let _ = writeln!(text, "    {} {}", policy.policy, safe(&policy.what));
        }
    }
}

fn problems(text: &mut String, problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    let mut by_code: BTreeMap<Code, Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_code.entry(problem.code).or_default().push(problem);
    }
    text.push_str("\nproblems\n");
    for (code, problems) in by_code {
        let _ = writeln!(text, "  ! {code} ({})", problems.len());
        if let Some(first) = problems.first() {
            let _ = writeln!(text, "    means: {}\n    do:    {}", first.meaning, first.remedy);
        }
        for problem in problems {
            let policy = problem.policy.as_ref().map(|name| format!(" [{name}]"));
            let _ = writeln!(
                text,
                "    - {}: {}{}",
                safe(&problem.subject),
                safe(&problem.what),
                policy.unwrap_or_default()
            );
        }
    }
}

/// The whole report as JSON.
pub fn json(discovery: &Discovery) -> serde_json::Value {
    let mut sections = Map::new();
    for section in &discovery.sections {
        let facts: Map<String, serde_json::Value> =
            section.facts.iter().map(|fact| (key(&fact.name), json!(fact.value))).collect();
        sections.insert(key(section.title), facts.into());
    }
    json!({
        "apiVersion": "writeback/v1alpha1",
        "kind": "Discovery",
        "complete": discovery.complete,
        "facts": sections,
        "groups": discovery.groups,
        "problems": discovery.problems,
        "recommendation": discovery.recommendation,
    })
}

/// A few words as one: `domain controller` gives `domainController`, and `CA of the tenant`
/// `caOfTheTenant`. A distinguished name stays.
fn key(words: &str) -> String {
    if words.contains('=') {
        return words.to_owned();
    }
    let mut key = String::new();
    let parts = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    for part in parts {
        let mut characters = part.chars();
        let Some(first) = characters.next() else { continue };
        if !key.is_empty() {
            key.push(first.to_ascii_uppercase());
            key.extend(characters);
        } else if part.chars().all(|one| one.is_ascii_uppercase()) {
            key.push_str(&part.to_ascii_lowercase());
        } else {
            key.push(first.to_ascii_lowercase());
            key.extend(characters);
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn a_few_words_make_one_key() {
        assert_eq!(key("domain controllers of the forest"), "domainControllersOfTheForest");
        assert_eq!(key("Microsoft 365 with writeback off"), "microsoft365WithWritebackOff");
        assert_eq!(key("role-assignable"), "roleAssignable");
        assert_eq!(key("CA of the tenant"), "caOfTheTenant");
        assert_eq!(key("OU=A B,DC=x"), "OU=A B,DC=x");
    }
}
