//! A collection from its first page to its last, or not at all.
//!
//! Input: the address of the first page. Output: every element with the witness that no page was
//! missed. Graph pages may be empty and still go on, may repeat objects, and may forget where an
//! enumeration was (learn.microsoft.com/graph/paging).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use crate::defence::stands;
use crate::graph::client::Client;
use crate::graph::wire::Page;
use crate::graph::{Endpoint, GraphError};
use crate::model::complete::{Complete, End, Reading};

/// Pages of one enumeration: a million objects, more than a tenant's default quota, in pages of
/// 100, which is what Graph gives where it does not heed `$top`.
const PAGES_MAX: usize = 10_000;

/// Empty pages in a row: documented to happen, never seen to last.
const EMPTY_PAGES_MAX: usize = 100;

/// Objects of one enumeration: the same million.
const OBJECTS_MAX: usize = 1_000_000;

/// How often an enumeration whose place was forgotten starts again.
const RESTARTS_MAX: usize = 3;

/// Reads a whole collection. Nothing of it is given out before its end.
pub(super) async fn whole<T: DeserializeOwned>(
    client: &Client,
    endpoint: Endpoint,
    first: Url,
    at: Timestamp,
) -> Result<Complete<Vec<T>>, GraphError> {
    for _ in 0..RESTARTS_MAX {
        match enumerate(client, endpoint, first.clone(), at).await {
            Err(GraphError::ExpiredPage { .. }) if stands("H08") => {}
            result => return result,
        }
    }
    enumerate(client, endpoint, first, at).await
}

async fn enumerate<T: DeserializeOwned>(
    client: &Client,
    endpoint: Endpoint,
    first: Url,
    at: Timestamp,
) -> Result<Complete<Vec<T>>, GraphError> {
    let mut reading = Reading::begin(endpoint.word(), at);
    let mut pages = Pages::new(client, endpoint, first);
    while let Some(objects) = pages.turn().await.or_else(broken)? {
        reading.page(objects);
        if reading.len() > OBJECTS_MAX {
            let problem = format!("more than {OBJECTS_MAX} objects came");
            return Err(GraphError::Endless { endpoint, problem });
        }
    }
    Ok(reading.finish(End::NoNextLink))
}

/// What breaks off has no end, however much of it came.
fn broken<T>(error: GraphError) -> Result<Option<T>, GraphError> {
    if stands("H02") { Err(error) } else { Ok(None) }
}

/// The pages of one enumeration, one after the other.
pub(super) struct Pages<'a> {
    client: &'a Client,
    endpoint: Endpoint,
    next: Option<Url>,
    asked: BTreeSet<Url>,
    empty_in_a_row: usize,
}

impl<'a> Pages<'a> {
    pub(super) fn new(client: &'a Client, endpoint: Endpoint, first: Url) -> Self {
        Self { client, endpoint, next: Some(first), asked: BTreeSet::new(), empty_in_a_row: 0 }
    }

    /// The objects of the next page; `None` after the last.
    pub(super) async fn turn<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, GraphError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        let page: Page<T> = self.client.get(self.endpoint, &url).await?;
        self.asked.insert(url);
        self.empty_in_a_row = if page.value.is_empty() { self.empty_in_a_row + 1 } else { 0 };
        let is_last = page.value.is_empty() && !stands("H01");
        if let Some(link) = page.next_link.filter(|_| !is_last) {
            self.next = Some(self.follow(&link)?);
        }
        Ok(Some(page.value))
    }

    fn follow(&self, link: &str) -> Result<Url, GraphError> {
        let endpoint = self.endpoint;
        let url = Url::parse(link).map_err(|_| GraphError::Unreadable {
            endpoint,
            problem: "the link to the next page is no address".to_owned(),
        })?;
        let problem = if self.asked.contains(&url) {
            "a page names a page before it as the next one".to_owned()
        } else if self.asked.len() >= PAGES_MAX {
            format!("more than {PAGES_MAX} pages came")
        } else if self.empty_in_a_row >= EMPTY_PAGES_MAX && stands("H09") {
            format!("more than {EMPTY_PAGES_MAX} empty pages came in a row")
        } else {
            return Ok(url);
        };
        Err(GraphError::Endless { endpoint, problem })
    }
}
