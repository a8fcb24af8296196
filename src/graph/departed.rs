//! Which principals left: gone from the tenant, or disabled in it.
//!
//! Input: the ids of users and devices whose removal from groups is planned. Output: those that
//! certainly left. Whoever is in doubt did not: a removal that is no leaver's counts against
//! more limits, so that a failed answer can only hold a plan and never let one through.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use crate::graph::client::Client;
use crate::graph::observe::Series;
use crate::graph::pages::Pages;
use crate::graph::transport::REQUESTS_IN_FLIGHT_MAX;
use crate::graph::wire::odata_name;
use crate::graph::{Endpoint, GraphError, Tenant};
use crate::model::ObjectId;
use crate::model::cloud::Presence;

/// The most principals that are asked about: a plan that removes more has to be looked at by a
/// person, whoever they are, and 200 requests a pass are enough.
pub const DEPARTED_ASKED_MAX: usize = 3_000;

/// Ids in one filter: without advanced query `in` takes 15 expressions at most
/// (developer.microsoft.com/graph/known-issues, 13635; microsoft-graph-docs issue 21098). With
/// it the answer would come from an index that lags behind
/// (learn.microsoft.com/graph/aad-advanced-queries).
const IDS_IN_A_FILTER: usize = 15;

/// The most principals missing from the answers that are looked for one by one, at up to four
/// requests each. A plan that is held is asked about again in every pass.
const CONFIRMED_MAX: usize = 500;

const SELECT: &str = "$select=id,accountEnabled";

/// A user or device, as far as it is asked for
/// (learn.microsoft.com/graph/api/resources/user, learn.microsoft.com/graph/api/resources/device).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    id: ObjectId,
    /// `None`: the application may not see it, which says nothing.
    account_enabled: Option<bool>,
}

/// A deleted object; its type is told because the address does not tell it.
#[derive(Debug, Deserialize)]
struct Deleted {
    id: ObjectId,
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
}

/// What a filter told of the ids in it.
#[derive(Default)]
struct Told {
    disabled: BTreeSet<ObjectId>,
    missing: BTreeSet<ObjectId>,
}

/// What one direct read told.
enum Found<T> {
    There(T),
    /// Graph itself says so.
    Absent,
}

impl Tenant {
    /// Which of these users and devices left: their account is disabled, or the tenant has them
    /// no more or only among its deleted items.
    ///
    /// | the filter over users | read by its id | |
    /// |---|---|---|
    /// | shows it, `accountEnabled` false | | left |
    /// | shows it, true or null | | stays |
    /// | leaves it out | a user or device, `accountEnabled` false | left |
    /// | leaves it out | a deleted user or device | left |
    /// | leaves it out | no user, deleted item, device or group | left |
    /// | leaves it out | anything else | stays |
    /// | no answer | | stays |
    ///
    /// An answer that leaves an id out may come from a replica that lags behind
    /// (learn.microsoft.com/graph/api/group-list): who is missing is looked for by id, and only
    /// Graph's own 404 counts. `getByIds` would ask in fewer requests, but wants
    /// `Directory.Read.All` (learn.microsoft.com/graph/api/directoryobject-getbyids). All this
    /// needs `User.Read.All`; without `Device.Read.All` nobody is known to have left of whom the
    /// deleted items say nothing (any more).
    ///
    /// More than [`DEPARTED_ASKED_MAX`] ids: nobody is asked about and nobody left.
    pub async fn departed(&self, asked: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
        if asked.is_empty() || asked.len() > DEPARTED_ASKED_MAX {
            return BTreeSet::new();
        }
        let ids: Vec<ObjectId> = asked.iter().copied().collect();
        let filters = ids.chunks(IDS_IN_A_FILTER).map(|some| some.iter().copied().collect());
        let told = side_by_side(filters, |some: BTreeSet<ObjectId>| {
            let tenant = self.clone();
            async move { told(&tenant.client, &some).await }
        });
        let (mut left, mut missing) = (BTreeSet::new(), BTreeSet::new());
        for told in told.await {
            left.extend(told.disabled);
            missing.extend(told.missing);
        }
        if missing.len() <= CONFIRMED_MAX {
            let confirmed = side_by_side(missing.into_iter(), |id| {
                let tenant = self.clone();
                async move {
                    match tenant.has_left(id).await {
                        Ok(left) => Ok(left.then_some(id)),
                        // The right may be missing for one type alone: the others go on.
                        Err(GraphError::MissingRight { .. }) => Ok(None),
                        Err(error) => Err(error),
                    }
                }
            });
            left.extend(confirmed.await.into_iter().flatten());
        }
        left
    }

    /// Whether an object that a filter left out has left, by reading it directly.
    async fn has_left(&self, id: ObjectId) -> Result<bool, GraphError> {
        let client = &self.client;
        let user = format!("v1.0/users/{id}");
        if let Found::There(account) = account(client, Endpoint::Account, &user, id).await? {
            return Ok(account.account_enabled == Some(false));
        }
        let deleted = format!("v1.0/directory/deletedItems/{id}");
        let deleted =
            direct::<Deleted>(client, Endpoint::DeletedItem, &deleted, "$select=id").await?;
        if let Found::There(deleted) = deleted {
            let name = deleted.odata_type.as_deref().map(odata_name).unwrap_or_default();
            let counts = ["user", "device"].iter().any(|kind| name.eq_ignore_ascii_case(kind));
            return Ok(counts && deleted.id == id);
        }
        let device = format!("v1.0/devices/{id}");
        if let Found::There(account) = account(client, Endpoint::Device, &device, id).await? {
            return Ok(account.account_enabled == Some(false));
        }
        // A nested group is nobody who left.
        Ok(self.presence(id).await == Presence::Absent)
    }
}

/// Asks about some users at once. An answer that speaks of anybody else did not heed the
/// question, and says nothing of those it leaves out.
async fn told(client: &Client, ids: &BTreeSet<ObjectId>) -> Result<Told, GraphError> {
    let endpoint = Endpoint::Accounts;
    let quoted: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let query = format!("$filter=id in ({})&{SELECT}", quoted.join(","));
    let mut pages = Pages::new(client, endpoint, client.url("v1.0/users", &query));
    let mut told = Told { missing: ids.clone(), ..Told::default() };
    while let Some(accounts) = pages.turn::<Account>().await? {
        for account in accounts {
            if !ids.contains(&account.id) {
                return Err(other(endpoint, account.id));
            }
            told.missing.remove(&account.id);
            if account.account_enabled == Some(false) {
                told.disabled.insert(account.id);
            }
        }
    }
    Ok(told)
}

async fn account(
    client: &Client,
    endpoint: Endpoint,
    path: &str,
    id: ObjectId,
) -> Result<Found<Account>, GraphError> {
    match direct::<Account>(client, endpoint, path, SELECT).await? {
        Found::There(account) if account.id != id => Err(other(endpoint, account.id)),
        found @ (Found::There(_) | Found::Absent) => Ok(found),
    }
}

async fn direct<T: DeserializeOwned>(
    client: &Client,
    endpoint: Endpoint,
    path: &str,
    query: &str,
) -> Result<Found<T>, GraphError> {
    match client.get::<T>(endpoint, &client.url(path, query)).await {
        Ok(found) => Ok(Found::There(found)),
        Err(GraphError::NotFound { .. }) => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}

fn other(endpoint: Endpoint, id: ObjectId) -> GraphError {
    let problem = format!("the answer is about another object ({id})");
    GraphError::Unreadable { endpoint, problem }
}

/// Asks several questions at once and gives the answers that came. When questions fail again and
/// again the rest is not asked.
async fn side_by_side<I, T, F>(
    mut questions: impl Iterator<Item = I>,
    ask: impl Fn(I) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, GraphError>> + Send + 'static,
{
    let mut answers = Vec::new();
    let mut asking = JoinSet::new();
    let mut series = Series::default();
    loop {
        while asking.len() < REQUESTS_IN_FLIGHT_MAX && !series.is_over() {
            let Some(question) = questions.next() else { break };
            asking.spawn(ask(question));
        }
        let Some(done) = asking.join_next().await else { break };
        // A question that broke inside is one without an answer.
        let Ok(result) = done else { continue };
        series.note(&result);
        answers.extend(result);
    }
    answers
}
