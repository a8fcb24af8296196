//! How many people lose something when a nested group goes: the principals inside it, at any depth.
//!
//! Input: groups by objectGUID. Output: for each that could be counted, how many users, computers
//! and other principals that are no groups are inside it. The domain controller walks the links
//! itself (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, MS-ADTS 3.1.1.3.4.4.3); accounts whose primary
//! group is inside are no values of `member` (MS-SAMR 3.1.1.8.2) and are asked for by their RID.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Attempts, repeated};
use super::connection::Connection;
use super::search::{PAGE_ENTRIES, Search};
use crate::directory::{Directory, DirectoryError};
use crate::model::{Dn, ObjectGuid, Sid};

/// Groups counted at one time: a domain controller may walk seconds through a large one.
const GROUPS_MAX: usize = 200;
/// Primary groups in one filter, 22 octets each.
const PRIMARY_GROUPS_MAX: usize = 100;
/// LDAP_MATCHING_RULE_TRANSITIVE_EVAL.
const IN_CHAIN: &str = "memberOf:1.2.840.113556.1.4.1941:";

impl Directory {
    /// How many principals other than groups are inside each of these groups, at any depth. What
    /// is not in the answer is not known: it is gone, cannot be read, or there was no answer.
    pub async fn inside(&self, groups: &BTreeSet<ObjectGuid>) -> BTreeMap<ObjectGuid, usize> {
        let mut inside = BTreeMap::new();
        for &group in groups.iter().take(GROUPS_MAX) {
            match self.count_inside(group).await {
                Ok(count) => inside.extend(count.map(|count| (group, count))),
                Err(DirectoryError::Refused { .. } | DirectoryError::Unreadable { .. }) => {}
                // Whoever does not answer now does not answer the next question either.
                Err(_) => break,
            }
        }
        inside
    }

    async fn count_inside(&self, group: ObjectGuid) -> Result<Option<usize>, DirectoryError> {
        let base = &self.facts().naming_context;
        Ok(repeated!(self.reading().await?.count_inside(group, base).await))
    }
}

impl Connection {
    /// `None` when the group is not there.
    async fn count_inside(
        &mut self,
        group: ObjectGuid,
        base: &Dn,
    ) -> Result<Option<usize>, DirectoryError> {
        let action = format!("count who is inside {}", group.as_dn());
        let search = Search::object(group.as_dn(), &["objectGUID", "objectSid"]);
        let Some(entry) = self.find_object(&action, &search).await? else { return Ok(None) };
        // A filter takes the name alone for sure, and the name may have changed since it was read.
        let chain = format!("({IN_CHAIN}={})", ldap3::ldap_escape(entry.dn_text()));
        let nested = format!("(&(objectClass=group){chain})");
        let search = Search::subtree(base.to_string(), &nested, &["objectGUID", "objectSid"]);
        let mut primary: BTreeSet<u32> = entry.sid().as_ref().and_then(rid).into_iter().collect();
        self.list(&action, &search, PAGE_ENTRIES, |entries| {
            primary.extend(entries.iter().filter_map(|entry| rid(&entry.sid()?)));
            Ok(())
        })
        .await?;
        let primary: Vec<u32> = primary.into_iter().collect();
        let by_primary = primary.chunks(PRIMARY_GROUPS_MAX).map(|rids| {
            let each: Vec<String> =
                rids.iter().map(|rid| format!("(primaryGroupID={rid})")).collect();
            format!("(|{})", each.concat())
        });
        let mut inside = BTreeSet::new();
        for which in std::iter::once(chain).chain(by_primary) {
            let filter = format!("(&(!(objectClass=group)){which})");
            let search = Search::subtree(base.to_string(), &filter, &["objectGUID"]);
            self.list(&action, &search, PAGE_ENTRIES, |entries| {
                for entry in entries {
                    inside.insert(entry.object_guid()?);
                }
                Ok(())
            })
            .await?;
        }
        Ok(Some(inside.len()))
    }
}

/// The relative identifier by which accounts of this domain name the group as their primary one.
fn rid(sid: &Sid) -> Option<u32> {
    sid.rid().filter(|_| sid.is_domain_account())
}
