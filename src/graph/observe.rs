//! What a pass asks of the tenant: listings, members, and whether one group is there.
//!
//! Input: ids and the time of the pass. Output: the nouns of `model::cloud`, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::defence::stands;
use crate::graph::client::Client;
use crate::graph::transport::REQUESTS_IN_FLIGHT_MAX;
use crate::graph::wire::{
    FLAG_SELECT, Flagged, GROUP_SELECT, Group, Identity, MEMBER_SELECT, Member,
};
use crate::graph::{Endpoint, GraphError, Rights, Tenant, pages};
use crate::model::cloud::{CloudListing, Flag, Presence, Unread};
use crate::model::{CloudGroup, CloudMember, Complete, ObjectId};

/// The largest page of a directory listing (learn.microsoft.com/graph/api/group-list).
const PAGE: usize = 999;

/// The right that reads members of groups of hidden membership
/// (learn.microsoft.com/graph/api/group-list-members).
const HIDDEN_RIGHT: &str = "Member.Read.Hidden";

/// Failed reads of members in a row, each tried as often as the retry rule says, after which the
/// rest is not asked: one for each request in flight, so that no single group can end it.
const FAILURES_IN_A_ROW_MAX: usize = REQUESTS_IN_FLIGHT_MAX;

/// The direct members of one group, or why they are unread.
type Members = Result<Complete<Vec<CloudMember>>, Unread>;

/// The direct members of control groups, or why they are unread.
type Controls = BTreeMap<ObjectId, Result<Complete<BTreeSet<ObjectId>>, Unread>>;

/// Whether the writeback flags are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// A policy asks for them.
    Read,
    /// No policy does: the listing's flags are unread, and nobody misses them.
    Skip,
}

impl Tenant {
    /// Lists groups, deleted groups and flags. Without the first two there is no listing.
    pub async fn listing(&self, flags: Flags, at: Timestamp) -> Result<CloudListing, GraphError> {
        let client = &self.client;
        let tenant = client.token().await?.tenant;
        let groups = list_groups(client, at).await?;
        let deleted = list_deleted(client, at).await?;
        let flags = match flags {
            Flags::Read => list_flags(client, at).await,
            Flags::Skip => Err(Unread { reason: "no policy asks for the flags".to_owned() }),
        };
        let controls = BTreeMap::new();
        let new_groups = Err(Unread { reason: "no policy asks for the default".to_owned() });
        Ok(CloudListing { tenant, groups, deleted, flags, controls, new_groups })
    }

    /// Reads the direct members of each group. One group's failure is its own; but when reads
    /// fail again and again the rest is left unread without being asked.
    ///
    /// `hidden`: those of the ids whose membership is hidden. `progress` is told how many of how
    /// many are through.
    pub async fn members(
        &self,
        ids: &BTreeSet<ObjectId>,
        hidden: &BTreeSet<ObjectId>,
        at: Timestamp,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> BTreeMap<ObjectId, Members> {
        let mut found: BTreeMap<ObjectId, Members> = BTreeMap::new();
        let shut = match self.rights().await {
            Ok(rights) => shut(hidden, &rights),
            Err(error) => Some(error.unread()),
        };
        if let Some(unread) = shut {
            found.extend(ids.intersection(hidden).map(|id| (*id, Err(unread.clone()))));
        }
        progress(found.len(), ids.len());
        let asked: Vec<ObjectId> =
            ids.iter().filter(|id| !found.contains_key(id)).copied().collect();
        let mut waiting = asked.iter().copied();
        let mut reads = JoinSet::new();
        let mut series = Series::default();
        loop {
            while reads.len() < REQUESTS_IN_FLIGHT_MAX && !series.is_over() {
                let Some(id) = waiting.next() else { break };
                let client = self.client.clone();
                reads.spawn(async move { (id, list_members(&client, id, at).await) });
            }
            let Some(done) = reads.join_next().await else { break };
            // A read that broke inside is missing below, which leaves its group unread.
            let Ok((id, result)) = done else { continue };
            series.note(&result);
            found.insert(id, result.map_err(|error| error.unread()));
            progress(found.len(), ids.len());
        }
        let unread = series.stopped.unwrap_or_else(|| Unread {
            reason: "reading its members ended before its time".to_owned(),
        });
        for id in asked {
            found.entry(id).or_insert_with(|| Err(unread.clone()));
        }
        progress(found.len(), ids.len());
        found
    }

    /// Reads the direct members of control groups. One that no group of the listing is, or that
    /// cannot be read, says so.
    pub async fn controls(
        &self,
        ids: &BTreeSet<ObjectId>,
        groups: &BTreeMap<ObjectId, CloudGroup>,
        at: Timestamp,
    ) -> Controls {
        let there: BTreeSet<ObjectId> =
            ids.iter().filter(|id| groups.contains_key(id)).copied().collect();
        let is_hidden = |id: &&ObjectId| groups.get(id).is_some_and(|g| g.hidden_membership);
        let hidden = there.iter().filter(is_hidden).copied().collect();
        let mut read = self.members(&there, &hidden, at, &|_, _| {}).await;
        let missing = || Unread { reason: "no group of the tenant has this id".to_owned() };
        let answer = |id: &ObjectId| {
            let members = read.remove(id).unwrap_or_else(|| Err(missing()))?;
            Ok(members.map(|members| members.into_iter().map(|member| member.id).collect()))
        };
        ids.iter().copied().zip(ids.iter().map(answer)).collect()
    }

    /// Asks for one group by its id. Only Graph's own word counts as absence.
    pub async fn presence(&self, id: ObjectId) -> Presence {
        let url = self.client.url(&format!("v1.0/groups/{id}"), "$select=id");
        match self.client.get::<Identity>(Endpoint::Group, &url).await {
            Ok(found) if found.id == id => Presence::There,
            Ok(found) => Presence::Unread(Unread {
                reason: format!("the tenant answered with another group ({})", found.id),
            }),
            Err(GraphError::NotFound { .. }) => Presence::Absent,
            Err(_) if !stands("H11") => Presence::Absent,
            Err(error) => Presence::Unread(error.unread()),
        }
    }
}

/// How a series of reads goes.
#[derive(Default)]
pub(super) struct Series {
    failures_in_a_row: usize,
    stopped: Option<Unread>,
}

impl Series {
    /// Nothing more is to be asked.
    pub(super) fn is_over(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) fn note<T>(&mut self, result: &Result<T, GraphError>) {
        match result {
            // A group that is gone was answered: the tenant is well.
            Ok(_) | Err(GraphError::NotFound { .. }) => self.failures_in_a_row = 0,
            Err(error) => {
                self.failures_in_a_row += 1;
                let failures_max = if stands("H74") { FAILURES_IN_A_ROW_MAX } else { 1 };
                if error.concerns_everything() || self.failures_in_a_row >= failures_max {
                    let reason = format!("it was not asked after {}", error.unread().reason);
                    self.stopped.get_or_insert(Unread { reason });
                }
            }
        }
    }
}

/// Why members of hidden groups are not asked for. What comes without the right, an empty list
/// or a refusal, is not documented; an empty list would read as "no members".
fn shut(hidden: &BTreeSet<ObjectId>, rights: &Rights) -> Option<Unread> {
    let shut = !hidden.is_empty() && !rights.has_any(&[HIDDEN_RIGHT]) && stands("H10");
    shut.then(|| Unread {
        reason: format!(
            "its membership is hidden and the application lacks the right {HIDDEN_RIGHT}; grant \
             it as an application permission and give admin consent"
        ),
    })
}

async fn list_groups(
    client: &Client,
    at: Timestamp,
) -> Result<Complete<BTreeMap<ObjectId, CloudGroup>>, GraphError> {
    let url = client.url("v1.0/groups", &format!("$select={GROUP_SELECT}&$top={PAGE}"));
    let listed = pages::whole::<Group>(client, Endpoint::Groups, url, at).await?;
    Ok(listed
        .map(|groups| groups.into_iter().map(Group::read).map(|group| (group.id, group)).collect()))
}

async fn list_deleted(
    client: &Client,
    at: Timestamp,
) -> Result<Complete<BTreeSet<ObjectId>>, GraphError> {
    let path = "v1.0/directory/deletedItems/microsoft.graph.group";
    let url = client.url(path, &format!("$select=id&$top={PAGE}"));
    let listed = pages::whole::<Identity>(client, Endpoint::DeletedGroups, url, at).await?;
    Ok(listed.map(|groups| groups.into_iter().map(|group| group.id).collect()))
}

/// A group whose answer does not speak of the flag is left out: it is unknown, not null. Where
/// no answer does, the cloud does not have the property.
async fn list_flags(
    client: &Client,
    at: Timestamp,
) -> Result<Complete<BTreeMap<ObjectId, Flag>>, Unread> {
    let url = client.url("beta/groups", &format!("$select={FLAG_SELECT}&$top={PAGE}"));
    let listed = pages::whole::<Flagged>(client, Endpoint::Flags, url, at).await;
    let listed = listed.map_err(|error| error.unread())?;
    let count = listed.value().len();
    let flags: Complete<BTreeMap<ObjectId, Flag>> = listed.map(|groups| {
        groups.into_iter().filter_map(|group| Some((group.id, group.read()?))).collect()
    });
    if count > 0 && flags.value().is_empty() {
        return Err(Unread {
            reason: "no group in Graph's answer has a writebackConfiguration; this cloud does \
                     not offer it"
                .to_owned(),
        });
    }
    Ok(flags)
}

async fn list_members(
    client: &Client,
    id: ObjectId,
    at: Timestamp,
) -> Result<Complete<Vec<CloudMember>>, GraphError> {
    let query = format!("$select={MEMBER_SELECT}&$top={PAGE}");
    let url = client.url(&format!("v1.0/groups/{id}/members"), &query);
    let listed = pages::whole::<Member>(client, Endpoint::Members, url, at).await?;
    Ok(listed.map(|members| {
        if !stands("H06") {
            return members.into_iter().map(Member::read).collect();
        }
        let members = members.into_iter().map(|member| (member.id, member.read()));
        // An object that comes twice was moved between pages while they were read: once is enough.
        members.collect::<BTreeMap<_, _>>().into_values().collect()
    }))
}
