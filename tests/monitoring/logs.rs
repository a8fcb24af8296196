//! The queries of the dashboard *audit*, asked of the lines that the story left: what Loki would
//! find with its `json` stage.

use serde_json::Value;

use crate::dashboards::dashboards;

/// Queries of logs that no line of the journal or of the log answers.
pub fn unanswered(journal: &str, log: &str) -> Vec<String> {
    let lines = |text: &str| -> Vec<Value> {
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let (journal, log) = (lines(journal), lines(log));
    let queries = dashboards().into_iter().flat_map(|dashboard| dashboard.log_queries);
    let silent = queries.filter(|query| {
        let stream = if query.starts_with("{app=\"writeback-journal\"} | json") {
            &journal
        } else {
            assert!(query.starts_with("{app=\"writeback\"} | json"), "{query}");
            &log
        };
        !stream.iter().any(|line| answers(line, query))
    });
    silent.collect()
}

/// Whether a line passes the label filters of a query, as Loki's `json` names the labels.
fn answers(line: &Value, query: &str) -> bool {
    query.split(" | ").skip(2).all(|filter| {
        let (start, pattern) = filter.split_once('"').unwrap();
        let pattern = pattern.strip_suffix('"').unwrap();
        let operator = start.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let label = start.strip_suffix(operator).unwrap();
        let value = line.pointer(&format!("/{}", label.replace('_', "/")));
        let value = value.and_then(Value::as_str).unwrap_or_default();
        let matches = || regex::Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(value);
        match operator {
            "=" => value == pattern,
            "=~" => matches(),
            "!~" => !matches(),
            other => panic!("{query}: {other}"),
        }
    })
}
