//! Objects that somebody names by their objectGUID, whatever they carry: candidates for adoption.
//!
//! Input: a connection and objectGUIDs. Output: for each what adoption has to know, members too,
//! or why there is nothing to tell.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::connection::Connection;
use super::entry::Malformed;
use super::observe::{MembersOf, attributes, group, principal, witnessed};
use super::search::Search;
use super::values::{Values, names};
use crate::directory::DirectoryError;
use crate::model::cloud::Unread;
use crate::model::directory::{DomainFacts, PrincipalClass};
use crate::model::{AttributeName, DirectoryGroup, ObjectGuid};

/// What was found of each.
pub(super) type NamedGroups = BTreeMap<ObjectGuid, Result<DirectoryGroup, Unread>>;

impl Connection {
    /// Reads each of these objects, and the members of those that are groups.
    pub(super) async fn list_named(
        &mut self,
        objects: &BTreeSet<ObjectGuid>,
        facts: &DomainFacts,
        extras: &BTreeSet<AttributeName>,
        begun: Timestamp,
    ) -> Result<(NamedGroups, MembersOf), DirectoryError> {
        let names = names(facts, extras);
        let (mut groups, mut members) = (NamedGroups::new(), MembersOf::new());
        for &guid in objects {
            let mut found = self.named(guid, facts).await?;
            if let Ok(group) = &mut found {
                let Values { attributes, parents } = self.whole_values(guid, &names).await?;
                (group.attributes, group.parents) = (attributes, parents);
            }
            if found.as_ref().is_ok_and(|group| group.class == PrincipalClass::Group) {
                match self.read_members(guid).await? {
                    Some((_, read)) => drop(members.insert(guid, witnessed(read, begun))),
                    None => found = Err(absent()),
                }
            }
            groups.insert(guid, found);
        }
        Ok((groups, members))
    }

    /// One object, without its large attributes.
    async fn named(
        &mut self,
        guid: ObjectGuid,
        facts: &DomainFacts,
    ) -> Result<Result<DirectoryGroup, Unread>, DirectoryError> {
        let action = format!("read the group {}", guid.as_dn());
        let search = Search::object(guid.as_dn(), &attributes(facts));
        let entry = match self.find_object(&action, &search).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(Err(absent())),
            Err(error @ (DirectoryError::Refused { .. } | DirectoryError::Unreadable { .. })) => {
                return Ok(Err(Unread { reason: error.fault().message }));
            }
            Err(error) => return Err(error),
        };
        let read = principal(&entry).map(|principal| group(&entry, &principal));
        Ok(read.map_err(|Malformed(reason)| Unread { reason }))
    }
}

fn absent() -> Unread {
    Unread { reason: "there is no group with this objectGUID".to_owned() }
}
