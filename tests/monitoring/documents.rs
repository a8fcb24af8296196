//! The catalogue of metrics in `deploy/monitoring/README.md` against what a daemon shows.

use std::collections::BTreeMap;

use crate::families::{Family, families};
use crate::product::get;
use crate::read;
use crate::stage::Stage;

/// The heading that the catalogue stands under.
const HEADING: &str = "## Metrics";

/// The rows of the catalogue: family, type, labels, meaning.
fn catalogue() -> BTreeMap<String, (String, String, String)> {
    let text = read("README.md");
    let (_, section) = text.split_once(HEADING).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut catalogue = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else { panic!("{row}") };
        let name = name.trim_matches('`').to_owned();
        let row = (kind.to_owned(), labels.replace('`', ""), meaning.to_owned());
        assert!(catalogue.insert(name.clone(), row).is_none(), "{name} stands there twice");
    }
    catalogue
}

#[test]
fn every_family_that_a_daemon_shows_is_in_the_catalogue_and_none_besides() {
    let stage = Stage::written();
    stage.empty_nearly("All Employees");
    let mut daemon = stage.product.daemon();
    daemon.passes(2);
    let shown = families(&get(&daemon.metrics, "/metrics").1);
    let catalogue = catalogue();
    let names = |all: Vec<&String>| all.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(shown.keys().collect()), names(catalogue.keys().collect()));
    for (name, Family { kind, labels, help }) in &shown {
        let (told_kind, told_labels, meaning) = &catalogue[name];
        assert_eq!(told_kind, kind, "{name}");
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        assert_eq!(*told_labels, labels.join(", "), "the labels of {name}");
        assert!(meaning.len() >= 10 && !help.is_empty(), "{name}");
    }
}
