//! What the state says of itself: its format, whose it is, how far the journal was, and which stamp
//! stands beside it.
//!
//! One table of the file, which every version reads; `state` compares it with what is asked for.

use std::collections::BTreeMap;

use crate::model::TenantId;
use crate::state::image::{self, Rows};
use crate::state::stamp::Identity;
use crate::state::{Binding, JournalHead, VERSION};

/// The table.
pub(super) const ABOUT: &str = "about";
/// Its row with the stamps of which one stands beside the file.
pub(super) const STAMPS: &str = "stamps";

/// What the state says of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) binding: Binding,
    pub(super) domain: Option<String>,
    pub(super) head: Option<JournalHead>,
    /// One of these stands beside it; none in what an earlier version saved.
    pub(super) stamps: Vec<Identity>,
}

impl About {
    pub(super) fn rows(&self) -> Rows<'static> {
        let rows = BTreeMap::from([
            ("version", Some(VERSION.to_string())),
            ("tenant", Some(self.binding.tenant.to_string())),
            ("owner", Some(self.binding.owner.clone())),
            ("domain", self.domain.clone()),
            ("journal", self.head.as_ref().map(image::json)),
            (STAMPS, (!self.stamps.is_empty()).then(|| image::json(&self.stamps))),
        ]);
        let rows = rows.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Box::new(rows)
    }

    /// What the rows say; the reason where they do not read.
    pub(super) fn read(rows: &BTreeMap<String, String>) -> Result<Self, String> {
        let row = |key: &str| rows.get(key).ok_or_else(|| format!("table {ABOUT} has no {key}"));
        let tenant = TenantId::parse(row("tenant")?).ok_or("the tenant in it is no id")?;
        let head = rows.get("journal").map(|head| serde_json::from_str(head)).transpose();
        let stamps = rows.get(STAMPS).map_or(Ok(Vec::new()), |stamps| serde_json::from_str(stamps));
        Ok(Self {
            binding: Binding { tenant, owner: row("owner")?.clone() },
            domain: rows.get("domain").cloned(),
            head: head.map_err(|error| format!("the journal's head in it: {error}"))?,
            stamps: stamps.map_err(|error| format!("the stamps in it: {error}"))?,
        })
    }
}
