//! The families of an exposition: what the metrics are, and what they say of themselves.

use std::collections::{BTreeMap, BTreeSet};

/// A family.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// `counter`, `gauge`, `histogram`.
    pub kind: String,
    /// The names of its labels, but for `le`.
    pub labels: BTreeSet<String>,
    /// What it says of itself.
    pub help: String,
}

/// The families of an exposition.
pub fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            help.clone_into(&mut families.entry(name.to_owned()).or_default().help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().kind);
        } else if let Some((series, _)) = line.rsplit_once(' ') {
            let name = series.split('{').next().unwrap();
            let family = ["", "_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|family| families.contains_key(*family));
            let family = family.unwrap_or_else(|| panic!("{name} is of no family"));
            let labels = series.split_once('{').map_or("", |(_, labels)| labels);
            let labels = labels.split("\",").filter_map(|label| label.split_once('='));
            let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le");
            families.get_mut(family).unwrap().labels.extend(labels);
        }
    }
    families
}
