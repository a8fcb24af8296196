//! The dashboards as Grafana reads them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{read, shipped};

/// One dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// Its name in addresses.
    pub uid: String,
    /// What its panels ask Prometheus.
    pub expressions: Vec<String>,
    /// What its panels ask the log store.
    pub log_queries: Vec<String>,
    /// All of it.
    whole: Value,
}

/// All shipped dashboards.
pub fn dashboards() -> Vec<Dashboard> {
    let mut files: Vec<_> =
        std::fs::read_dir(shipped("dashboards")).unwrap().map(|entry| entry.unwrap()).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    let dashboards = files.iter().map(|file| {
        let name = file.file_name().into_string().unwrap();
        let whole: Value = serde_json::from_str(&read(&format!("dashboards/{name}"))).unwrap();
        let uid = whole["uid"].as_str().unwrap().to_owned();
        assert_eq!(name, format!("{}.json", uid.strip_prefix("writeback-").unwrap()));
        let (mut expressions, mut log_queries) = (Vec::new(), Vec::new());
        for panel in whole["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expression = target["expr"].as_str().unwrap().to_owned();
                match target["datasource"]["type"].as_str().unwrap() {
                    "prometheus" => expressions.push(expression),
                    "loki" => log_queries.push(expression),
                    other => panic!("{name} asks {other}"),
                }
            }
        }
        for annotation in whole["annotations"]["list"].as_array().into_iter().flatten() {
            expressions.push(annotation["expr"].as_str().unwrap().to_owned());
        }
        Dashboard { uid, expressions, log_queries, whole }
    });
    dashboards.collect()
}

/// An expression with the variables of a dashboard as they stand for one instance.
pub fn with_variables(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "5s")
        .replace("$job", "writeback")
        .replace("$instance", ".*")
}

#[test]
fn there_are_three_dashboards_and_every_panel_asks_something() {
    let dashboards = dashboards();
    let uids: Vec<_> = dashboards.iter().map(|one| one.uid.as_str()).collect();
    assert_eq!(uids, ["writeback-audit", "writeback-internals", "writeback-overview"]);
    for dashboard in &dashboards {
        let panels = dashboard.whole["panels"].as_array().unwrap();
        let mut ids = BTreeSet::new();
        for panel in panels {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's");
            if !["row", "text"].contains(&panel["type"].as_str().unwrap()) {
                assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title} asks nothing");
                let told = panel["description"].as_str().unwrap_or_default();
                assert!(told.len() > 10, "{title} does not say what it shows");
            }
        }
    }
}

#[test]
fn panels_do_not_lie_on_each_other() {
    for dashboard in dashboards() {
        let mut cells = BTreeSet::new();
        for panel in dashboard.whole["panels"].as_array().unwrap() {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{}: {}", dashboard.uid, panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(cells.insert((x, y)), "{}: {}", dashboard.uid, panel["title"]);
                }
            }
        }
    }
}
