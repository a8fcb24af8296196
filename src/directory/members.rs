//! Members of groups, whole or not at all.
//!
//! Input: a connection and groups. Output: for each group its members with their GUIDs, or why
//! they could not be read. Large groups come in ranges, each a search of its own: uSNChanged says
//! whether the group moved meanwhile (MS-ADTS 3.1.1.3.1.3.3).

use std::collections::BTreeMap;

use super::connection::Connection;
use super::entry::{Entry, ExtendedDn, Malformed};
use super::search::Search;
use crate::defence::stands;
use crate::directory::DirectoryError;
use crate::model::directory::DirectoryMember;
use crate::model::{Dn, ObjectGuid};

/// Groups in one page: each brings up to `RANGE_VALUES` members of about 150 octets, 4.5 MB.
const PAGE_GROUPS: i32 = 20;
/// Members asked for at once: MaxValRange (KB315071). A server that gives fewer says so.
const RANGE_VALUES: usize = 1_500;
/// Times a group is read again because it moved between two ranges.
const TRIES_MAX: u32 = 3;
/// Ranges of one group: 15 million members at 1,500 each, beyond the four million that are
/// supported (AD DS maximum limits).
const RANGES_MAX: usize = 10_000;
/// Result code 1: also the answer to a range that starts behind the last value.
const OPERATIONS_ERROR: u32 = 1;

/// The members of one group, or a clause that says why they are not known.
pub(super) type Members = Result<Vec<DirectoryMember>, String>;

/// What one search tells of one group.
#[derive(Debug)]
struct Chunk {
    members: Vec<DirectoryMember>,
    low: usize,
    next: Option<usize>,
    usn: Option<u64>,
}

impl Chunk {
    fn read(entry: &Entry) -> Result<Self, Malformed> {
        let ranged = entry.ranged("member")?;
        let members = ranged.values.iter().map(|value| {
            let text = str::from_utf8(value).ok();
            let parsed = text.map(ExtendedDn::parse);
            let member = parsed.and_then(|parsed| {
                Some(DirectoryMember { guid: parsed.guid?, dn: parsed.dn.to_owned() })
            });
            member.ok_or_else(|| {
                let shown = String::from_utf8_lossy(value);
                Malformed(format!("the member {shown} comes without its GUID"))
            })
        });
        let (low, next) = (ranged.low, ranged.next);
        Ok(Self {
            members: members.collect::<Result<_, _>>()?,
            low,
            next,
            usn: entry.number("uSNChanged"),
        })
    }
}

fn attributes(low: usize) -> [String; 3] {
    let high = low + RANGE_VALUES - 1;
    ["objectGUID".to_owned(), "uSNChanged".to_owned(), format!("member;range={low}-{high}")]
}

fn search(base: String, filter: Option<&str>, low: usize) -> Search {
    let attributes = attributes(low);
    let attributes = attributes.each_ref().map(String::as_str);
    match filter {
        Some(filter) => Search::subtree(base, filter, &attributes),
        None => Search::object(base, &attributes),
    }
    .extended()
}

impl Connection {
    /// The members of every group below `base` that the filter takes: one listing, then the rest
    /// of each large group. `told` hears after each page how many groups came.
    pub(super) async fn list_members(
        &mut self,
        base: &Dn,
        filter: &str,
        told: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<BTreeMap<ObjectGuid, Members>, DirectoryError> {
        let mut begun: BTreeMap<ObjectGuid, Result<Chunk, String>> = BTreeMap::new();
        let search = search(base.to_string(), Some(filter), 0);
        self.list("read the members of groups", &search, PAGE_GROUPS, |entries| {
            told(entries.len());
            for entry in entries {
                let chunk = Chunk::read(&entry).map_err(|Malformed(why)| why);
                begun.insert(entry.object_guid()?, chunk);
            }
            Ok(())
        })
        .await?;
        let mut read = BTreeMap::new();
        for (guid, first) in begun {
            let members = match first {
                Ok(first) => self.rest(guid, first).await?,
                Err(why) => Err(why),
            };
            read.insert(guid, members);
        }
        Ok(read)
    }

    /// The members of one group; `None` when it is not there.
    pub(super) async fn read_members(
        &mut self,
        group: ObjectGuid,
    ) -> Result<Option<(Entry, Members)>, DirectoryError> {
        let action = format!("read the members of {}", group.as_dn());
        let Some(entry) = self.find_object(&action, &search(group.as_dn(), None, 0)).await? else {
            return Ok(None);
        };
        let members = match Chunk::read(&entry) {
            Ok(first) => self.rest(group, first).await?,
            Err(Malformed(why)) => Err(why),
        };
        Ok(Some((entry, members)))
    }

    /// Goes on from the first range to the last; from the start again when the group moved.
    async fn rest(&mut self, group: ObjectGuid, first: Chunk) -> Result<Members, DirectoryError> {
        let mut first = Some(first);
        for _ in 0..TRIES_MAX {
            let start = match first.take() {
                Some(first) => Ok(first),
                None => self.range(group, 0).await,
            };
            let read = match start {
                Ok(start) => self.from(group, start).await,
                Err(unranged) => Err(unranged),
            };
            match read {
                Ok(members) => return Ok(Ok(members)),
                Err(Unranged::Moved) => {}
                Err(Unranged::Malformed(why)) => return Ok(Err(why)),
                Err(Unranged::Failed(error)) => return Err(error),
            }
        }
        Ok(Err(format!("it changed {TRIES_MAX} times while it was read")))
    }

    async fn from(
        &mut self,
        group: ObjectGuid,
        start: Chunk,
    ) -> Result<Vec<DirectoryMember>, Unranged> {
        let malformed = |why: &str| Unranged::Malformed(why.to_owned());
        let Chunk { mut members, low, mut next, usn } = start;
        if low != 0 {
            return Err(malformed("its first range does not start at the first member"));
        }
        if next.is_some() && usn.is_none() {
            return Err(malformed("its uSNChanged cannot be read, so ranges could not be joined"));
        }
        for _ in 0..RANGES_MAX {
            let Some(low) = next.filter(|_| stands("H27")) else { return Ok(members) };
            let chunk = self.range(group, low).await?;
            if chunk.usn != usn {
                return Err(Unranged::Moved);
            }
            if chunk.low != low {
                return Err(malformed("its ranges do not follow each other"));
            }
            members.extend(chunk.members);
            next = chunk.next;
        }
        Err(malformed("its ranges do not end"))
    }

    async fn range(&mut self, group: ObjectGuid, low: usize) -> Result<Chunk, Unranged> {
        let action = format!("read the members of {}", group.as_dn());
        match self.find_object(&action, &search(group.as_dn(), None, low)).await {
            Ok(Some(entry)) => {
                Chunk::read(&entry).map_err(|Malformed(why)| Unranged::Malformed(why))
            }
            Ok(None) => Err(Unranged::Malformed("it was deleted while it was read".to_owned())),
            // The group shrank below the start of the range.
            Err(DirectoryError::Refused { refusal, .. })
                if low > 0 && refusal.code == OPERATIONS_ERROR =>
            {
                Err(Unranged::Moved)
            }
            Err(error) => Err(Unranged::Failed(error)),
        }
    }
}

/// Why a chain of ranges did not come to its end.
enum Unranged {
    Moved,
    Malformed(String),
    Failed(DirectoryError),
}
