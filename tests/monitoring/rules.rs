//! The rules as Prometheus reads them, with their tests and runbooks.

use std::collections::BTreeSet;
use std::process::Command;

use serde_yaml::Value;

use crate::{read, shipped};

/// The fewest alerts that a platform team is given.
const ALERTS_MIN: usize = 15;
/// What a runbook tells, in this order.
const HEADINGS: [&str; 6] =
    ["Meaning", "Impact", "Who may be locked out", "Diagnosis", "Mitigation", "Undo"];

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The alert, or the series that is recorded.
    pub name: String,
    /// Whether it is an alert.
    pub is_alert: bool,
    /// What it asks.
    pub expression: String,
    /// Everything it says.
    pub whole: Value,
}

/// The rules of a text.
pub fn rules(text: &str) -> Vec<Rule> {
    let document: Value = serde_yaml::from_str(text).unwrap();
    let groups = document["groups"].as_sequence().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_sequence().unwrap());
    rules
        .map(|rule| {
            let alert = rule["alert"].as_str();
            Rule {
                name: alert.or(rule["record"].as_str()).unwrap().to_owned(),
                is_alert: alert.is_some(),
                expression: rule["expr"].as_str().unwrap().to_owned(),
                whole: rule.clone(),
            }
        })
        .collect()
}

/// The names of all alerts.
pub fn alerts() -> BTreeSet<String> {
    rules(&read("alerts.yaml")).into_iter().map(|rule| rule.name).collect()
}

fn promtool(arguments: &[&str]) -> String {
    let ran = Command::new("promtool").args(arguments).current_dir(shipped("")).output();
    let ran = ran.expect("promtool, of Debian's package prometheus, is installed");
    let told = [ran.stdout, ran.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(ran.status.success(), "promtool {arguments:?}:\n{told}");
    told
}

#[test]
fn prometheus_takes_the_rules() {
    promtool(&["check", "rules", "alerts.yaml", "recording.yaml"]);
}

#[test]
fn every_alert_fires_and_clears_at_its_real_times() {
    promtool(&["test", "rules", "alerts.test.yaml"]);
    let tests: Value = serde_yaml::from_str(&read("alerts.test.yaml")).unwrap();
    let checks = tests["tests"].as_sequence().unwrap().iter();
    let checks = checks.flat_map(|test| test["alert_rule_test"].as_sequence().unwrap());
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for check in checks {
        let name = check["alertname"].as_str().unwrap().to_owned();
        let expected = check["exp_alerts"].as_sequence().unwrap();
        if expected.is_empty() {
            silent.insert(name)
        } else {
            fires.insert(name)
        };
    }
    assert_eq!(fires, alerts(), "tests in which an alert fires");
    assert_eq!(silent, alerts(), "tests in which an alert does not fire");
}

#[test]
fn every_alert_says_how_grave_it_is_and_where_to_read_on() {
    let rules = rules(&read("alerts.yaml"));
    assert!(rules.len() >= ALERTS_MIN, "{}", rules.len());
    assert_eq!(rules.len(), alerts().len(), "every alert has a name of its own");
    for rule in rules {
        let (name, whole) = (&rule.name, &rule.whole);
        assert!(name.starts_with("Writeback"), "{name}");
        let severity = whole["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let annotation = |key: &str| {
            let text = whole["annotations"][key].as_str();
            text.unwrap_or_else(|| panic!("{name} has no {key}")).to_owned()
        };
        assert!(!annotation("summary").is_empty() && annotation("description").ends_with('.'));
        let anchor = format!("deploy/monitoring/runbooks.md#{}", name.to_lowercase());
        assert_eq!(annotation("runbook_url"), anchor);
        let dashboard = annotation("dashboard_url");
        let uid = dashboard.strip_prefix("/d/").unwrap();
        let dashboards = crate::dashboards::dashboards();
        assert!(dashboards.iter().any(|one| one.uid == uid), "{name}: {dashboard}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let text = read("runbooks.md");
    let sections: Vec<_> = text.split("\n## ").skip(1).collect();
    let titles: BTreeSet<_> =
        sections.iter().map(|section| section.lines().next().unwrap().to_owned()).collect();
    assert_eq!(titles, alerts());
    for section in sections {
        let title = section.lines().next().unwrap();
        let places: Vec<_> = HEADINGS
            .iter()
            .map(|heading| {
                let found = section.find(&format!("\n**{heading}.**"));
                found.unwrap_or_else(|| panic!("{title} does not tell: {heading}"))
            })
            .collect();
        assert!(places.is_sorted(), "{title} tells it in another order");
    }
}

#[test]
fn alertmanager_routes_every_severity() {
    let example: Value = serde_yaml::from_str(&read("alertmanager.yaml")).unwrap();
    let receivers = example["receivers"].as_sequence().unwrap();
    let receivers: BTreeSet<_> =
        receivers.iter().map(|receiver| receiver["name"].as_str().unwrap()).collect();
    let routes = example["route"]["routes"].as_sequence().unwrap();
    let text = serde_yaml::to_string(routes).unwrap();
    for severity in ["critical", "warning", "info"] {
        assert!(text.contains(&format!("severity=\"{severity}\"")), "{severity} goes nowhere");
    }
    for route in routes {
        let receiver = route["receiver"].as_str().unwrap();
        assert!(receivers.contains(receiver), "{receiver} is nobody");
    }
    for matcher in example["inhibit_rules"].as_sequence().unwrap() {
        let text = serde_yaml::to_string(matcher).unwrap();
        let names = text.split('"').flat_map(|part| part.split('|'));
        for name in names.filter(|name| name.starts_with("Writeback")) {
            assert!(alerts().contains(name), "{name} is no alert");
        }
    }
}
