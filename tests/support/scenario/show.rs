//! The directory in readable text: every group of a scenario's ground with all that matters of it.
//!
//! What is as it always should be is one word (`anchor`, `record`); what is not stands there as it
//! is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::directory::Object;
use super::names::Names;
use super::side::Ground;

/// Attributes that are shown as they are.
const SHOWN: [&str; 9] = [
    "sAMAccountName",
    "displayName",
    "description",
    "info",
    "wWWHomePage",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "adminCount",
];

/// Reads and shows every group of the ground. `names` learns which objects they are.
pub async fn directory(ground: &mut Ground, names: &mut Names) -> String {
    let mut objects = ground.directory.below(&ground.container.clone()).await;
    objects.extend(ground.directory.below(&ground.outside.clone()).await);
    let devices = format!("CN=RegisteredDevices,{}", ground.directory.base);
    let mut called: BTreeMap<String, String> = BTreeMap::new();
    for object in objects.iter().chain(&ground.directory.below(&devices).await) {
        let known = names.objects.iter().find(|(_, known)| known.guid == object.guid);
        if let Some((name, _)) = known {
            called.insert(object.dn.to_lowercase(), name.clone());
        }
    }
    let mut groups: Vec<(String, Object)> = objects
        .iter()
        .filter(|object| object.is_a("group"))
        .map(|object| (names.calm(&object.dn).trim().to_owned(), object.clone()))
        .collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    learn(names, &groups);
    for (dn, group) in &groups {
        let leaf = dn.split_once(",{").map_or(dn.as_str(), |(leaf, _)| leaf);
        let leaf = leaf.trim_start_matches("CN=").to_owned();
        called.entry(group.dn.to_lowercase()).or_insert(leaf);
    }
    let mut text = String::new();
    for (dn, object) in &groups {
        let number = names.number(object);
        let _ = writeln!(text, "{dn}");
        let kind = kind(object.text("groupType").unwrap_or_default());
        let _ = writeln!(text, "  object {number}, {kind}");
        group(&mut text, object, names, &called);
        for other in &objects {
            let primary = other.text("primaryGroupID");
            if primary.is_some() && primary == object.relative_identifier() {
                let name = called.get(&other.dn.to_lowercase()).unwrap_or(&other.dn);
                let _ = writeln!(text, "  primary group of {name}");
            }
        }
    }
    if text.is_empty() { "no group\n".to_owned() } else { names.calm(&text) }
}

/// Which groups the product wrote: by either anchor.
fn learn(names: &mut Names, groups: &[(String, Object)]) {
    for (_, group) in groups {
        let anchors = ["adminDescription", "msDS-ExternalDirectoryObjectId"];
        let ours = group.values("extensionName").iter().any(|value| value.starts_with("writeback"));
        for anchor in anchors.iter().filter_map(|name| group.text(name)).filter(|_| ours) {
            let id: Option<Uuid> = anchor.strip_prefix("Group_").and_then(|id| id.parse().ok());
            let name = names.ids.iter().find(|(_, known)| Some(**known) == id);
            if let Some(name) = name.map(|(name, _)| name.clone()) {
                names.written.entry(name).or_insert(group.guid);
            }
        }
    }
    let there = |guid: &Uuid| groups.iter().any(|(_, group)| group.guid == *guid);
    names.written.retain(|_, guid| there(guid));
}

fn kind(group_type: &str) -> &str {
    match group_type {
        "8" => "universal distribution",
        "-2147483640" => "universal security",
        "2" => "global distribution",
        "-2147483646" => "global security",
        "4" => "domain local distribution",
        "-2147483644" => "domain local security",
        other => other,
    }
}

fn group(text: &mut String, group: &Object, names: &Names, called: &BTreeMap<String, String>) {
    for name in SHOWN {
        let values = group.values(name);
        // A restored group has a zero where one that was never deleted has nothing.
        let nothing = name == "adminCount" && values == ["0"];
        if !values.is_empty() && !nothing {
            let _ = writeln!(text, "  {name} {}", values.join(", "));
        }
    }
    let (anchor, external) =
        (group.text("adminDescription"), group.text("msDS-ExternalDirectoryObjectId"));
    match (anchor, external) {
        (Some(anchor), Some(external)) if anchor == external => {
            let _ = writeln!(text, "  anchors {anchor}");
        }
        _ => {
            for (name, value) in [("adminDescription", anchor), ("external id", external)] {
                if let Some(value) = value {
                    let _ = writeln!(text, "  {name} {value}");
                }
            }
        }
    }
    for value in group.values("extensionName") {
        let ours = format!("writeback/v1;owner=corp;tenant={};policy=", names.tenant);
        let id = anchor.and_then(|anchor| anchor.strip_prefix("Group_")).unwrap_or_default();
        let record = value
            .strip_prefix(&ours)
            .map(|rest| rest.replace(&format!(";id={id};state="), ", "))
            .filter(|rest| !rest.contains(';'));
        let _ = writeln!(text, "  record {}", record.as_ref().unwrap_or(value));
    }
    let mut members: Vec<String> = group
        .values("member")
        .iter()
        .map(|dn| called.get(&dn.to_lowercase()).unwrap_or(dn).clone())
        .collect();
    if !members.is_empty() {
        members.sort();
        let _ = writeln!(text, "  member {}", members.join(", "));
    }
}
