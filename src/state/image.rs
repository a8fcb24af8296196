//! Memory as text, and back: rows of JSON in named tables.
//!
//! The state keeps it, the admin socket hands it to `plan`, tests compare it. Every field of
//! memory is in it: one that is added does not compile until it is kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Memory, Pauses, Spending};
use crate::state::key::Key;

/// Table, key, value as JSON. A table without rows is left out.
pub type Image = BTreeMap<String, BTreeMap<String, String>>;

/// The rows of one table, by rising key.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = (String, String)> + 'a>;

/// What stands beside the key of a set's row.
const PRESENT: &str = "true";

/// Why rows are not memory. None of it is left out silently: half a memory is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A table that this version does not have.
    #[error("read memory: there is no table {table}")]
    UnknownTable {
        /// Its name.
        table: String,
    },
    /// A row that does not read.
    #[error("read memory: row {key} of table {table}: {why}")]
    Unreadable {
        /// Which table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

/// All of memory, as rows.
pub fn image(memory: &Memory) -> Image {
    let tables = rows(memory).into_iter();
    let tables = tables.map(|(table, rows)| (table.to_owned(), rows.collect::<BTreeMap<_, _>>()));
    tables.filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Memory from all its rows.
pub fn memory(image: &Image) -> Result<Memory, ImageError> {
    let nothing = Memory::default();
    let known = rows(&nothing);
    if let Some(table) = image.keys().find(|table| !known.contains_key(table.as_str())) {
        return Err(ImageError::UnknownTable { table: table.clone() });
    }
    let [begun, closed_until, passes, paused] = single(image)?;
    Ok(Memory {
        inventory: map(image, "inventory")?,
        absent_since: map(image, "absent_since")?,
        left: map(image, "left")?,
        kept: map(image, "kept")?,
        deleted: map(image, "deleted")?,
        counterparts: map(image, "counterparts")?,
        linkless: set(image, "linkless")?,
        refused_members: map(image, "refused_members")?,
        unrestorable: map(image, "unrestorable")?,
        intents: map(image, "intents")?,
        written: map(image, "written")?,
        forms: map(image, "forms")?,
        committed: map(image, "committed")?,
        spent: spent(image)?,
        closed_until: optional("closed_until", closed_until)?,
        strangers: set(image, "strangers")?,
        added: map(image, "added")?,
        held: map(image, "held")?,
        held_since: map(image, "held_since")?,
        approvals: map(image, "approvals")?,
        used_approvals: map(image, "used_approvals")?,
        reversals: map(image, "reversals")?,
        adopting: set(image, "adopting")?,
        undone: map(image, "undone")?,
        begun: optional("begun", begun)?,
        passes: optional("passes", passes)?.unwrap_or_default(),
        pauses: optional("pauses", paused)?.unwrap_or_default(),
    })
}

/// The rows of every table, also of those without any. Values are made as they are asked for: at
/// no time does a second memory stand beside the first.
pub(super) fn rows(memory: &Memory) -> BTreeMap<&'static str, Rows<'_>> {
    let Memory {
        inventory,
        absent_since,
        left,
        kept,
        deleted,
        counterparts,
        linkless,
        refused_members,
        unrestorable,
        intents,
        written,
        forms,
        committed,
        spent,
        closed_until,
        strangers,
        added,
        held,
        held_since,
        approvals,
        used_approvals,
        reversals,
        adopting,
        undone,
        begun,
        passes,
        pauses,
    } = memory;
    BTreeMap::from([
        ("inventory", map_rows(inventory)),
        ("absent_since", map_rows(absent_since)),
        ("left", map_rows(left)),
        ("kept", map_rows(kept)),
        ("deleted", map_rows(deleted)),
        ("counterparts", map_rows(counterparts)),
        ("linkless", set_rows(linkless)),
        ("refused_members", map_rows(refused_members)),
        ("unrestorable", map_rows(unrestorable)),
        ("intents", map_rows(intents)),
        ("written", map_rows(written)),
        ("forms", map_rows(forms)),
        ("committed", map_rows(committed)),
        ("spent", spent_rows(spent)),
        ("strangers", set_rows(strangers)),
        ("added", map_rows(added)),
        ("held", map_rows(held)),
        ("held_since", map_rows(held_since)),
        ("approvals", map_rows(approvals)),
        ("used_approvals", map_rows(used_approvals)),
        ("reversals", map_rows(reversals)),
        ("adopting", set_rows(adopting)),
        ("undone", map_rows(undone)),
        (SINGLE, single_rows((*begun, *closed_until, *passes), pauses)),
    ])
}

/// The table of the fields that are one value each.
const SINGLE: &str = "single";

fn single_rows(
    (begun, closed_until, passes): (Option<Timestamp>, Option<Timestamp>, u64),
    paused: &Pauses,
) -> Rows<'static> {
    let rows = [
        begun.map(|at| ("begun", json(&at))),
        closed_until.map(|at| ("closed_until", json(&at))),
        (passes > 0).then(|| ("passes", json(&passes))),
        (!paused.is_empty()).then(|| ("pauses", json(paused))),
    ];
    Box::new(rows.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)))
}

/// The values of [`single_rows`], in the same order.
fn single(image: &Image) -> Result<[Option<&String>; 4], ImageError> {
    let names = ["begun", "closed_until", "passes", "pauses"];
    let table = image.get(SINGLE);
    if let Some(key) =
        table.into_iter().flat_map(BTreeMap::keys).find(|key| !names.contains(&key.as_str()))
    {
        return Err(unreadable(SINGLE, key, "no such row"));
    }
    Ok(names.map(|name| table.and_then(|table| table.get(name))))
}

fn optional<V: DeserializeOwned>(
    key: &str,
    json: Option<&String>,
) -> Result<Option<V>, ImageError> {
    json.map(|json| value(SINGLE, key, json)).transpose()
}

fn map_rows<K: Key, V: Serialize>(map: &BTreeMap<K, V>) -> Rows<'_> {
    let mut rows: Vec<(String, &V)> = map.iter().map(|(key, value)| (key.text(), value)).collect();
    // Not every key sorts as its text does.
    rows.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Box::new(rows.into_iter().map(|(key, value)| (key, json(value))))
}

fn map<K: Key, V: DeserializeOwned>(
    image: &Image,
    table: &'static str,
) -> Result<BTreeMap<K, V>, ImageError> {
    let rows = image.get(table).into_iter().flatten();
    rows.map(|(text, json)| Ok((key(table, text)?, value(table, text, json)?))).collect()
}

fn set_rows<K: Key>(set: &BTreeSet<K>) -> Rows<'_> {
    let mut rows: Vec<String> = set.iter().map(Key::text).collect();
    rows.sort_unstable();
    Box::new(rows.into_iter().map(|key| (key, PRESENT.to_owned())))
}

fn set<K: Key>(image: &Image, table: &'static str) -> Result<BTreeSet<K>, ImageError> {
    let rows = image.get(table).into_iter().flatten();
    rows.map(|(text, json)| {
        if json == PRESENT { key(table, text) } else { Err(unreadable(table, text, "not a set")) }
    })
    .collect()
}

/// The key of a spending: its time in a form that sorts, and its place among those of that time.
/// What leaves the window at one end changes no row at the other.
fn spending_key(at: Timestamp, place: usize) -> String {
    format!("{at:.9} {place:09}")
}

fn spent_rows(spent: &[Spending]) -> Rows<'_> {
    let mut spent: Vec<&Spending> = spent.iter().collect();
    spent.sort_by_key(|spending| spending.at);
    let runs = spent.chunk_by(|one, other| one.at == other.at);
    let rows: Vec<(String, &Spending)> = runs
        .flat_map(|run| run.iter().enumerate())
        .map(|(place, spending)| (spending_key(spending.at, place), *spending))
        .collect();
    Box::new(rows.into_iter().map(|(key, spending)| (key, json(spending))))
}

fn spent(image: &Image) -> Result<Vec<Spending>, ImageError> {
    let rows = image.get("spent").into_iter().flatten();
    rows.map(|(key, json)| {
        let spending: Spending = value("spent", key, json)?;
        let at = format!("{:.9} ", spending.at);
        if key.starts_with(&at) {
            Ok(spending)
        } else {
            Err(unreadable("spent", key, "not its key"))
        }
    })
    .collect()
}

fn key<K: Key>(table: &'static str, text: &str) -> Result<K, ImageError> {
    K::read(text).ok_or_else(|| unreadable(table, text, "not a key of this table"))
}

fn value<V: DeserializeOwned>(table: &'static str, key: &str, json: &str) -> Result<V, ImageError> {
    serde_json::from_str(json).map_err(|error| unreadable(table, key, &error.to_string()))
}

fn unreadable(table: &'static str, key: &str, why: &str) -> ImageError {
    ImageError::Unreadable { table, key: key.to_owned(), why: why.to_owned() }
}

/// A value of memory as JSON.
pub(super) fn json<V: Serialize>(value: &V) -> String {
    serde_json::to_string(value).expect("memory is made of texts, numbers, lists and maps by text")
}
