//! The groups above ours, at any depth: whoever is in one of ours is in them as well.
//!
//! Input: a connection and groups with their parents. Output: every group above them once, and
//! whether it is protected, for `decide` (never write into a privileged path). Nothing is asked
//! where no group has a parent.

use std::collections::{BTreeMap, VecDeque};

use super::connection::Connection;
use super::entry::{Entry, ExtendedDn, Malformed};
use super::search::Search;
use super::values::{MEMBER_OF, parent};
use crate::defence::stands;
use crate::directory::DirectoryError;
use crate::model::directory::{Above, DomainFacts};
use crate::model::distinguished_name::DnKey;
use crate::model::{DirectoryGroup, Dn, ObjectGuid, Sid};

/// Groups above ours, at most: each is one base search of about a millisecond. A token holds
/// 1,015 groups (AD DS maximum limits), so more than this is no nesting that anybody lives with.
const GROUPS_MAX: usize = 10_000;
/// The aliases of CN=Builtin that AdminSDHolder protects (MS-ADTS 3.1.1.6.1.2): Administrators,
/// Account, Server, Print and Backup Operators, Replicator.
const PROTECTED_ALIASES: [u32; 6] = [544, 548, 549, 550, 551, 552];
/// The groups of a domain that it protects (the same section): Domain Admins, Domain Controllers,
/// Schema Admins, Enterprise Admins, Read-only Domain Controllers, Key Admins, Enterprise Key
/// Admins.
const PROTECTED_GROUPS: [u32; 7] = [512, 516, 518, 519, 521, 526, 527];

/// A group that somebody names as its parent.
struct Named {
    dn: Dn,
    by: ObjectGuid,
}

impl Connection {
    /// Every group above `groups`. Cycles end, because no group is read twice. One that stands in
    /// another domain, or that this account cannot read, is told by what the link to it says.
    pub(super) async fn list_above(
        &mut self,
        groups: &[&DirectoryGroup],
        facts: &DomainFacts,
    ) -> Result<BTreeMap<DnKey, Above>, DirectoryError> {
        let named = groups.iter().flat_map(|group| {
            group.parents.iter().map(|dn| Named { dn: dn.clone(), by: group.guid })
        });
        let mut waiting: VecDeque<Named> = named.collect();
        let mut above = BTreeMap::new();
        while let Some(named) = waiting.pop_front() {
            let key = named.dn.key();
            if above.contains_key(&key) {
                continue;
            }
            if above.len() >= GROUPS_MAX {
                let message = format!(
                    "read the groups above those that are written: there are more than {GROUPS_MAX}"
                );
                return Err(DirectoryError::Unreadable { message });
            }
            let home = named.dn.is_within(&facts.naming_context);
            let read = if home { self.group_above(&named.dn).await? } else { None };
            let found = match read {
                Some(found) => Some(found),
                None => self.linked(&named, home).await?,
            };
            let Some(found) = found else { continue };
            let next = found.parents.iter().map(|dn| Named { dn: dn.clone(), by: found.guid });
            waiting.extend(next);
            above.insert(key, found);
        }
        Ok(above)
    }

    /// One group. `None` when it is not there, or cannot be read.
    async fn group_above(&mut self, dn: &Dn) -> Result<Option<Above>, DirectoryError> {
        const ATTRIBUTES: [&str; 4] = ["objectGUID", "objectSid", "adminCount", MEMBER_OF];
        let action = format!("read the group {dn}");
        let search = Search::object(dn.to_string(), &ATTRIBUTES);
        let entry = match self.find_object(&action, &search).await {
            Ok(Some(entry)) => entry,
            Ok(None) | Err(DirectoryError::Refused { .. } | DirectoryError::Unreadable { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let malformed =
            |Malformed(what)| DirectoryError::Unreadable { message: format!("{action}: {what}") };
        let guid = entry.object_guid().map_err(malformed)?;
        let parents = if entry.is_ranged(MEMBER_OF) {
            self.parents_of(guid).await?
        } else {
            entry.texts(MEMBER_OF).map(parent).collect::<Result<_, _>>().map_err(malformed)?
        };
        let sid = entry.sid();
        let protected = entry.number("adminCount") == Some(1) || is_protected(sid.as_ref());
        let protected = protected && stands("H52");
        Ok(Some(Above { dn: dn.clone(), guid, sid, parents, protected }))
    }

    /// A group as the link to it tells it. `None` when nobody names it any more. In our own domain
    /// every group can be read; one that cannot is as good as protected.
    async fn linked(&mut self, named: &Named, home: bool) -> Result<Option<Above>, DirectoryError> {
        let Named { dn, by } = named;
        let action = format!("read what {} is a member of", by.as_dn());
        let unreadable =
            |what: &str| DirectoryError::Unreadable { message: format!("{action}: {what}") };
        let search = Search::object(by.as_dn(), &["objectGUID", MEMBER_OF]).extended();
        let Some(entry) = self.find_object(&action, &search).await? else { return Ok(None) };
        let ranged = entry.ranged(MEMBER_OF).map_err(|Malformed(what)| unreadable(&what))?;
        let Some(link) = link_to(dn, &entry) else {
            return match ranged.next {
                None => Ok(None),
                Some(_) => Err(unreadable(&format!("{dn} cannot be read"))),
            };
        };
        let guid = link.guid.ok_or_else(|| unreadable(&format!("{dn} comes without its GUID")))?;
        let protected = (home || is_protected(link.sid.as_ref())) && stands("H52");
        Ok(Some(Above { dn: dn.clone(), guid, sid: link.sid, parents: Vec::new(), protected }))
    }
}

/// The value of memberOf that leads to a group.
fn link_to<'e>(dn: &Dn, entry: &'e Entry) -> Option<ExtendedDn<'e>> {
    let ranged = entry.ranged(MEMBER_OF).ok()?;
    let texts = ranged.values.iter().filter_map(|value| str::from_utf8(value).ok());
    texts
        .map(ExtendedDn::parse)
        .find(|value| Dn::parse(value.dn).is_ok_and(|value| value.key() == dn.key()))
}

/// Whether AdminSDHolder protects the group with this SID. Not every critical object: nesting in
/// Users or Remote Desktop Users is everyday.
fn is_protected(sid: Option<&Sid>) -> bool {
    let Some((sid, rid)) = sid.and_then(|sid| Some((sid, sid.rid()?))) else { return false };
    if sid.is_domain_account() {
        return PROTECTED_GROUPS.contains(&rid);
    }
    // The domain of the built-in aliases (MS-DTYP 2.4.2.4).
    *sid == builtin(rid) && PROTECTED_ALIASES.contains(&rid)
}

fn builtin(rid: u32) -> Sid {
    Sid::parse(&format!("S-1-5-32-{rid}")).expect("the text of a built-in SID is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protected_groups_are_those_of_adminsdholder_and_no_others() {
        let protected = |text: &str| is_protected(Sid::parse(text).as_ref());
        let domain = "S-1-5-21-1-2-3";
        for rid in [512, 516, 518, 519, 521, 526, 527] {
            assert!(protected(&format!("{domain}-{rid}")), "{rid}");
            assert!(!protected(&format!("S-1-5-32-{rid}")), "{rid}");
        }
        for rid in [544, 548, 549, 550, 551, 552] {
            assert!(protected(&format!("S-1-5-32-{rid}")), "{rid}");
            assert!(!protected(&format!("{domain}-{rid}")), "{rid}");
        }
        // Users, Remote Desktop Users, Domain Users, one of anybody's.
        for text in ["S-1-5-32-545", "S-1-5-32-555"] {
            assert!(!protected(text), "{text}");
        }
        for rid in [513, 520, 1104] {
            assert!(!protected(&format!("{domain}-{rid}")), "{rid}");
        }
        assert!(!is_protected(None));
    }
}
