//! What marked groups hold in the attributes that policies write, and what they are members of.
//!
//! Input: a connection and the names of attributes. Output: values as text for `observe`, each
//! attribute whole: a large one comes in ranges (MS-ADTS 3.1.1.3.1.3.3).

use std::collections::{BTreeMap, BTreeSet};

use super::connection::Connection;
use super::entry::{Entry, Malformed};
use super::observe::{Progress, marked_groups};
use super::search::{PAGE_ENTRIES, Search};
use crate::directory::DirectoryError;
use crate::model::directory::DomainFacts;
use crate::model::{AttributeName, DirectoryGroup, Dn, ObjectGuid};

/// The attributes of mail, written where the directory is prepared for Exchange.
pub(super) const MAIL: [&str; 3] = ["mail", "mailNickname", "proxyAddresses"];
pub(super) const MEMBER_OF: &str = "memberOf";
/// Ranges of one attribute: 1.5 million values at 1,500 each (MaxValRange, KB315071).
const RANGES_MAX: usize = 1_000;
/// Result code 1: also the answer to a range that starts behind the last value.
const OPERATIONS_ERROR: u32 = 1;

/// What was read of one group.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) attributes: BTreeMap<AttributeName, Vec<String>>,
    pub(super) parents: Vec<Dn>,
}

/// The attributes that are read of groups beside the standing set.
pub(super) fn names(
    facts: &DomainFacts,
    extras: &BTreeSet<AttributeName>,
) -> BTreeSet<AttributeName> {
    let mail = facts.exchange_prepared.then_some(MAIL).into_iter().flatten();
    mail.map(AttributeName::from).chain(extras.iter().cloned()).collect()
}

impl Connection {
    /// Reads the mail attributes, the `extras` and the parents of every marked group into
    /// `groups`: one listing, then the rest of each large attribute.
    pub(super) async fn fill_values(
        &mut self,
        groups: &mut BTreeMap<ObjectGuid, DirectoryGroup>,
        facts: &DomainFacts,
        extras: &BTreeSet<AttributeName>,
        progress: Progress<'_>,
    ) -> Result<(), DirectoryError> {
        let names = names(facts, extras);
        let mut asked: Vec<&str> = vec!["objectGUID", MEMBER_OF];
        asked.extend(names.iter().map(|name| &**name));
        let filter = marked_groups(facts);
        let search = Search::subtree(facts.naming_context.to_string(), &filter, &asked);
        let (mut listed, mut large) = (BTreeMap::new(), Vec::new());
        self.list("read the attributes of groups", &search, PAGE_ENTRIES, |entries| {
            progress(entries.len());
            for entry in entries {
                let guid = entry.object_guid()?;
                if [MEMBER_OF]
                    .into_iter()
                    .chain(names.iter().map(|name| &**name))
                    .any(|name| entry.is_ranged(name))
                {
                    large.push(guid);
                }
                listed.insert(guid, Values::of(&entry, &names)?);
            }
            Ok(())
        })
        .await?;
        // A group whose record starts in another case, or that was marked since, is no part of it.
        let unlisted = groups.keys().filter(|guid| !listed.contains_key(guid)).copied();
        large.extend(unlisted);
        for guid in large {
            let values = self.whole_values(guid, &names).await?;
            listed.insert(guid, values);
        }
        for (guid, group) in groups {
            if let Some(Values { attributes, parents }) = listed.remove(guid) {
                (group.attributes, group.parents) = (attributes, parents);
            }
        }
        Ok(())
    }

    /// The same of one group, with the rest of what is large. Nothing, when it is gone.
    pub(super) async fn whole_values(
        &mut self,
        group: ObjectGuid,
        names: &BTreeSet<AttributeName>,
    ) -> Result<Values, DirectoryError> {
        let mut attributes = BTreeMap::new();
        for name in names {
            let values = self.values_of(group, name).await?;
            if !values.is_empty() {
                attributes.insert(name.clone(), values);
            }
        }
        let parents = self.parents_of(group).await?;
        Ok(Values { attributes, parents })
    }

    /// The groups that an object is a direct member of. None, when it is gone.
    pub(super) async fn parents_of(
        &mut self,
        object: ObjectGuid,
    ) -> Result<Vec<Dn>, DirectoryError> {
        let parents = self.values_of(object, MEMBER_OF).await?;
        let parents = parents.iter().map(|text| parent(text)).collect::<Result<_, _>>();
        parents.map_err(|Malformed(what)| DirectoryError::Unreadable {
            message: format!("read the attributes of {}: {what}", object.as_dn()),
        })
    }

    /// Every value of one attribute that is text. The ranges are separate searches: what changes
    /// between them shows in the next pass.
    pub(super) async fn values_of(
        &mut self,
        object: ObjectGuid,
        name: &str,
    ) -> Result<Vec<String>, DirectoryError> {
        let action = format!("read {name} of {}", object.as_dn());
        let unreadable =
            |what: &str| DirectoryError::Unreadable { message: format!("{action}: {what}") };
        let mut values = Vec::new();
        let mut next = Some(0);
        for _ in 0..RANGES_MAX {
            let Some(low) = next else { return Ok(values) };
            let asked = match low {
                0 => name.to_owned(),
                low => format!("{name};range={low}-*"),
            };
            let search = Search::object(object.as_dn(), &["objectGUID", &asked]);
            let entry = match self.find_object(&action, &search).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(Vec::new()),
                // There are fewer values now than there were.
                Err(DirectoryError::Refused { refusal, .. })
                    if low > 0 && refusal.code == OPERATIONS_ERROR =>
                {
                    return Ok(values);
                }
                Err(error) => return Err(error),
            };
            let chunk = entry.ranged(name).map_err(|Malformed(what)| unreadable(&what))?;
            if chunk.low != low {
                return Err(unreadable("its ranges do not follow each other"));
            }
            let texts = chunk.values.iter().filter_map(|value| str::from_utf8(value).ok());
            values.extend(texts.map(str::to_owned));
            next = chunk.next;
        }
        Err(unreadable("its ranges do not end"))
    }
}

impl Values {
    fn of(entry: &Entry, names: &BTreeSet<AttributeName>) -> Result<Self, Malformed> {
        let values = names.iter().map(|name| {
            let texts: Vec<String> = entry.texts(name).map(str::to_owned).collect();
            (name.clone(), texts)
        });
        let attributes = values.filter(|(_, texts)| !texts.is_empty()).collect();
        let parents = entry.texts(MEMBER_OF).map(parent).collect::<Result<_, _>>()?;
        Ok(Self { attributes, parents })
    }
}

pub(super) fn parent(text: &str) -> Result<Dn, Malformed> {
    Dn::parse(text).map_err(|mistake| Malformed(format!("a member of {text}: {mistake}")))
}
