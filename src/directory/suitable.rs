//! Whether an attribute that a policy adds can be written to a group, and how long it may be.
//!
//! Input: names of attributes, the schema, and a group that tells what groups may carry. Output:
//! for each name the longest value, or a clause that says why it cannot be written and what to do.

use std::collections::{BTreeMap, BTreeSet};

use ldap3::ldap_escape;

use super::connection::Connection;
use super::entry::Entry;
use super::search::Search;
use crate::directory::DirectoryError;
use crate::model::{AttributeName, ObjectGuid};

/// String(Unicode) (MS-ADTS 3.1.1.2.2.2). The other syntaxes of strings are left out: teletex
/// (2.5.5.4), printable and IA5 (2.5.5.5) hold no letters beyond their tables, so a name from the
/// cloud would come back as something else in every pass; 2.5.5.3 and 2.5.5.6 hold codes.
const UNICODE_STRING: &str = "2.5.5.12";
/// `systemFlags` bit of constructed attributes (MS-ADTS 2.2.10).
const CONSTRUCTED: i64 = 0x4;

const REMEDY: &str = "choose another attribute in group.attributes, such as info";

/// The longest value that the schema allows, in UTF-16 units, or why the attribute cannot be
/// written at all.
pub(super) type Suits = Result<Option<usize>, String>;

impl Connection {
    /// Whether each of `names` can be written: one look into the schema, one at `group`, any group
    /// of the domain.
    pub(super) async fn suits(
        &mut self,
        schema: &str,
        names: &BTreeSet<AttributeName>,
        group: Option<ObjectGuid>,
    ) -> Result<BTreeMap<AttributeName, Suits>, DirectoryError> {
        const ASKED: [&str; 8] = [
            "lDAPDisplayName",
            "attributeSyntax",
            "isSingleValued",
            "systemOnly",
            "systemFlags",
            "linkID",
            "isDefunct",
            "rangeUpper",
        ];
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asked = names.iter().map(|name| format!("(lDAPDisplayName={})", ldap_escape(&**name)));
        let asked: Vec<String> = asked.collect();
        let filter = format!("(&(objectClass=attributeSchema)(|{}))", asked.concat());
        let search = Search::subtree(schema, &filter, &ASKED);
        let found = self.find("read the schema", &search).await?;
        let known: BTreeMap<String, Entry> = found
            .into_iter()
            .filter_map(|entry| Some((entry.text("lDAPDisplayName")?.to_lowercase(), entry)))
            .collect();
        let allowed = match group {
            Some(group) => self.allowed_attributes(group).await?,
            None => None,
        };
        let judged = names.iter().map(|name| {
            let entry = known.get(&name.to_lowercase());
            let objection = objection(name, entry, allowed.as_ref());
            (name.clone(), objection.map_or_else(|| Ok(longest(entry)), Err))
        });
        Ok(judged.collect())
    }

    /// `allowedAttributes` (MS-ADTS 3.1.1.4.5.4): what the class of the object, its superclasses
    /// and its auxiliary classes may carry, in lower case, whoever asks.
    async fn allowed_attributes(
        &mut self,
        group: ObjectGuid,
    ) -> Result<Option<BTreeSet<String>>, DirectoryError> {
        let action = format!("read which attributes {} may carry", group.as_dn());
        let search = Search::object(group.as_dn(), &["allowedAttributes"]);
        let entry = self.find_object(&action, &search).await?.unwrap_or_default();
        let names: BTreeSet<String> =
            entry.texts("allowedAttributes").map(str::to_lowercase).collect();
        Ok(Some(names).filter(|names| !names.is_empty()))
    }
}

/// The longest value of a Unicode string, in UTF-16 units (MS-ADTS 3.1.1.2.3, rangeUpper).
fn longest(entry: Option<&Entry>) -> Option<usize> {
    entry?.number("rangeUpper")
}

/// Why an attribute cannot be written to a group; `None` when it can.
fn objection(
    name: &str,
    entry: Option<&Entry>,
    allowed: Option<&BTreeSet<String>>,
) -> Option<String> {
    let Some(entry) = entry.filter(|entry| !entry.is_true("isDefunct")) else {
        return Some(format!(
            "the schema of the domain has no such attribute; mend the name in group.attributes, \
             or extend the schema with {name}"
        ));
    };
    let flags: i64 = entry.number("systemFlags").unwrap_or(0);
    let why = if entry.is_true("systemOnly") {
        "only the directory itself writes it"
    } else if flags & CONSTRUCTED != 0 {
        "the directory computes it and stores nothing"
    } else if !entry.values("linkID").is_empty() {
        "it links objects and holds no text"
    } else if entry.text("attributeSyntax") != Some(UNICODE_STRING) {
        "it is no Unicode string"
    } else if !entry.is_true("isSingleValued") {
        "it holds several values"
    } else {
        let Some(allowed) = allowed else {
            return Some(
                "no group of the domain tells which attributes a group may carry; let the bind \
                 account read the groups of the domain"
                    .to_owned(),
            );
        };
        if allowed.contains(&name.to_lowercase()) {
            return None;
        }
        "the schema does not allow it on class group"
    };
    Some(format!("{why}; {REMEDY}"))
}
