//! What is what: the names of a scenario and the ids, objectGUIDs and SIDs behind them.
//!
//! Placeholders of policies and worlds become values, and what a run gives out anew becomes words
//! that are the same in every run and in both directories.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use uuid::Uuid;

use super::directory::Object;
use super::side::Ground;
use super::world::Entity;

/// An object of the directory.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name when it was seen last.
    pub dn: String,
    /// objectGUID.
    pub guid: Uuid,
    /// objectSid as text.
    pub sid: Option<String>,
}

/// All names of one scenario.
#[derive(Debug, Default)]
pub struct Names {
    /// Ids of the tenant.
    pub ids: BTreeMap<String, Uuid>,
    /// Objects that were there before the product came, or were put there by hand.
    pub objects: BTreeMap<String, Known>,
    /// Objects that the product wrote, by the cloud group.
    pub written: BTreeMap<String, Uuid>,
    /// mS-DS-ConsistencyGuid of accounts that have one.
    pub consistency: BTreeMap<String, Uuid>,
    /// deviceId of devices.
    pub devices: BTreeMap<String, Uuid>,
    /// Every group ever seen, in the order of being seen.
    pub groups: Vec<(Uuid, Option<String>)>,
    /// The tenant.
    pub tenant: Uuid,
    /// Where the policies stand.
    pub policies: String,
    container: String,
    outside: String,
    base: String,
}

impl Names {
    /// Gives everything of the tenant an id: nobody's before, sorted as the scenario tells.
    pub fn new(entities: &[&Entity], ground: &Ground) -> Self {
        let ids = (1_u64..).zip(entities).map(|(index, entity)| {
            let random = fastrand::u128(..);
            let text = format!(
                "{index:08x}-{:04x}-4{:03x}-8{:03x}-{index:04x}{:08x}",
                random >> 112,
                (random >> 100) & 0xfff,
                (random >> 88) & 0xfff,
                random & 0xffff_ffff
            );
            (entity.name.clone(), text.parse().expect("the text has the form of a UUID"))
        });
        Self {
            ids: ids.collect(),
            tenant: Uuid::new_v4(),
            container: ground.container.clone(),
            outside: ground.outside.clone(),
            base: ground.directory.base.clone(),
            ..Self::default()
        }
    }

    /// The id of something of the tenant.
    pub fn id(&self, name: &str) -> Uuid {
        *self.ids.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// The object of a name, by its objectGUID.
    pub fn guid(&self, name: &str) -> Option<Uuid> {
        let known = self.objects.get(name).map(|known| known.guid);
        known.or_else(|| self.written.get(name).copied())
    }

    /// Remembers an object under a name.
    pub fn learn(&mut self, name: &str, object: &Object) {
        let known = Known { dn: object.dn.clone(), guid: object.guid, sid: object.sid.clone() };
        self.objects.insert(name.to_owned(), known);
    }

    /// The number of a group, by the order in which groups were first seen. An object keeps its
    /// SID for life.
    pub fn number(&mut self, group: &Object) -> usize {
        let known = self.groups.iter().position(|(guid, _)| *guid == group.guid);
        let index = known.unwrap_or_else(|| {
            self.groups.push((group.guid, group.sid.clone()));
            self.groups.len() - 1
        });
        assert_eq!(self.groups[index].1, group.sid, "{} changed its SID", group.dn);
        index + 1
    }

    /// Puts values into a text: `{container}`, `{outside}`, `{base}`, `{tenant}`, `{id NAME}`,
    /// `{guid NAME}`, `{sid NAME}`, `{dn NAME}`.
    pub fn fill(&self, text: &str) -> String {
        let places = Regex::new(r"\{(container|outside|base|tenant|(id|guid|sid|dn) ([^{}]+))\}");
        let filled = places.unwrap().replace_all(text, |found: &Captures<'_>| match &found[1] {
            "container" => self.container.clone(),
            "outside" => self.outside.clone(),
            "base" => self.base.clone(),
            "tenant" => self.tenant.to_string(),
            _ => self.value(&found[2], &found[3]),
        });
        filled.into_owned()
    }

    fn value(&self, what: &str, name: &str) -> String {
        if what == "id" {
            return self.id(name).to_string();
        }
        if what == "guid" {
            let guid = self.guid(name).unwrap_or_else(|| panic!("{name} is no object yet"));
            return guid.to_string();
        }
        let known = self.objects.get(name).unwrap_or_else(|| panic!("{name} is no object yet"));
        match what {
            "sid" => known.sid.clone().unwrap_or_else(|| panic!("{name} has no SID")),
            _ => known.dn.clone(),
        }
    }

    /// A text with words in the place of everything that is another in each run.
    pub fn calm(&self, text: &str) -> String {
        let mut words: Vec<(String, String)> = vec![
            (self.container.clone(), "{container}".to_owned()),
            (self.outside.clone(), "{outside}".to_owned()),
            (self.tenant.to_string(), "{tenant}".to_owned()),
            (format!("{}/", self.policies), String::new()),
        ];
        for (name, id) in &self.ids {
            let id = id.to_string();
            words.push((id[24..].to_owned(), format!("<{name}>")));
            words.push((id, format!("<{name}>")));
        }
        for (name, known) in &self.objects {
            words.push((known.guid.to_string(), format!("<GUID of {name}>")));
            words.extend(known.sid.clone().map(|sid| (sid, format!("<SID of {name}>"))));
        }
        for (name, device) in &self.devices {
            words.push((device.to_string(), format!("<device {name}>")));
        }
        for (number, (guid, sid)) in (1..).zip(&self.groups) {
            words.push((guid.to_string(), format!("<object {number}>")));
            words.extend(sid.clone().map(|sid| (sid, format!("<SID of object {number}>"))));
        }
        // A word that is part of another one comes after it.
        words.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let text = words.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let text = text.lines().map(in_order).collect::<Vec<_>>().join("\n") + "\n";
        let replace = |text: String, pattern: &str, by: &str| {
            Regex::new(pattern).unwrap().replace_all(&text, by).into_owned()
        };
        let text = replace(text, r"(?m)^(digest   |reviewed )\S+$", "$1<digest>");
        let text = replace(text, r"(?m)^held [0-9a-f]{16,}$", "held <digest>");
        let text = replace(text, "writeback approve [0-9a-f]{12}", "writeback approve <digest>");
        let text = replace(text, r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>");
        replace(text, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>")
    }
}

/// A line of a plan with the members in the order of their names: the plan has them in the order
/// of their objectGUIDs, which each run gives out anew.
fn in_order(line: &str) -> String {
    let members = Regex::new(r"^(  [+-] member  .*?  \d+: )(.*?)((?: of \d+)?  \[.*)$").unwrap();
    members
        .replace(line, |found: &Captures<'_>| {
            let mut names: Vec<&str> = found[2].split(", ").collect();
            names.sort_unstable();
            format!("{}{}{}", &found[1], names.join(", "), &found[3])
        })
        .into_owned()
}
