//! Deleted groups that may be brought back: those with a mark, and those that memory knows.
//!
//! Input: a connection and remembered objects that do not live. Output: what deletion left of each
//! group, as far as the account may see it (MS-ADTS 3.1.1.5.5).
//!
//! Recycled objects cannot be restored, and the control that is sent does not show them. Their
//! attribute `isRecycled` tells nothing: without the Recycle Bin every tombstone carries it, and
//! can be restored all the same (MS-ADA1 2.340).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::connection::Connection;
use super::entry::{Entry, Malformed};
use super::observe::{EXTERNAL_ID, is_anchor, marks, records};
use super::search::{PAGE_ENTRIES, Search};
use crate::directory::DirectoryError;
use crate::model::ObjectGuid;
use crate::model::directory::{DeletedGroup, DomainFacts, RecordValue};

/// Objects named one by one in the filter: 60 octets each, 6 kB. Where more are missed, every
/// deleted group is asked for.
const NAMED_MAX: usize = 100;
/// The answers to an account that may not look into the container: it seems absent (32), or it is
/// refused (50), or the control is (53).
const NOT_FOR_YOU: [u32; 3] = [32, 50, 53];

impl Connection {
    /// The deleted groups with a mark, and those among `missed`: one listing. Nothing, where the
    /// account may not see deleted objects: that is a right few accounts have.
    pub(super) async fn list_deleted(
        &mut self,
        facts: &DomainFacts,
        missed: &BTreeSet<ObjectGuid>,
    ) -> Result<BTreeMap<ObjectGuid, DeletedGroup>, DirectoryError> {
        let mut attributes =
            vec!["objectGUID", "sAMAccountName", "groupType", "adminDescription", "extensionName"];
        attributes.extend(facts.has_external_id.then_some(EXTERNAL_ID));
        // The container has this name in every domain; it cannot be renamed (MS-ADTS 6.1.1.4.2).
        let base = format!("CN=Deleted Objects,{}", facts.naming_context);
        let search = Search::subtree(base, &filter(facts, missed), &attributes).deleted();
        let mut groups = BTreeMap::new();
        let listed = self
            .list("list deleted groups", &search, PAGE_ENTRIES, |entries| {
                for entry in entries {
                    let group = deleted_group(&entry)?;
                    if missed.contains(&group.guid) || is_marked(&group) {
                        groups.insert(group.guid, group);
                    }
                }
                Ok(())
            })
            .await;
        match listed {
            Ok(()) => Ok(groups),
            Err(DirectoryError::Refused { refusal, .. }) if NOT_FOR_YOU.contains(&refusal.code) => {
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error),
        }
    }
}

fn filter(facts: &DomainFacts, missed: &BTreeSet<ObjectGuid>) -> String {
    let which = if missed.len() > NAMED_MAX {
        String::new()
    } else {
        let named: String = missed.iter().map(|guid| named(*guid)).collect();
        format!("(|{}{named})", marks(facts))
    };
    format!("(&(isDeleted=TRUE)(objectClass=group){which})")
}

fn named(guid: ObjectGuid) -> String {
    format!("(objectGUID={})", octets(guid))
}

/// A GUID in a filter: each octet escaped (RFC 4515 3).
pub(super) fn octets(guid: ObjectGuid) -> String {
    guid.0.to_bytes_le().iter().fold(String::new(), |mut text, octet| {
        write!(text, "\\{octet:02x}").expect("a String takes whatever is written");
        text
    })
}

fn deleted_group(entry: &Entry) -> Result<DeletedGroup, Malformed> {
    let text = |name: &str| entry.text(name).map(str::to_owned);
    Ok(DeletedGroup {
        guid: entry.object_guid()?,
        sam_account_name: text("sAMAccountName"),
        group_type: entry.number("groupType"),
        admin_description: text("adminDescription"),
        external_id: text(EXTERNAL_ID),
        records: records(entry).collect::<Vec<RecordValue>>(),
    })
}

fn is_marked(group: &DeletedGroup) -> bool {
    let mut anchors = [&group.admin_description, &group.external_id].into_iter().flatten();
    !group.records.is_empty() || anchors.any(|text| is_anchor(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dn;

    fn facts(has_external_id: bool) -> DomainFacts {
        DomainFacts {
            naming_context: Dn::parse("DC=corp,DC=example").unwrap(),
            server: "dc1.corp.example".to_owned(),
            has_external_id,
            exchange_prepared: false,
        }
    }

    #[test]
    fn the_filter_names_marks_and_missed_objects() {
        let guid = ObjectGuid::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let text = filter(&facts(false), &[guid].into());
        let octets = r"(objectGUID=\67\45\23\01\ab\89\ef\cd\01\23\45\67\89\ab\cd\ef)";
        assert!(text.contains(octets), "{text}");
        assert!(text.contains("(adminDescription=Group_*)"), "{text}");
        assert!(!text.contains(EXTERNAL_ID), "{text}");
        assert!(filter(&facts(true), &BTreeSet::new()).contains(EXTERNAL_ID));
    }

    #[test]
    fn whoever_misses_many_asks_for_every_deleted_group() {
        let many = (0..=NAMED_MAX as u128).map(|n| ObjectGuid(uuid::Uuid::from_u128(n))).collect();
        assert_eq!(filter(&facts(true), &many), "(&(isDeleted=TRUE)(objectClass=group))");
    }
}
