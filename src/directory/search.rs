//! Searches: one page, one object, or a listing to its very end.
//!
//! Input: base, scope, filter, attributes. Output: decoded entries. Referrals, a result code
//! other than 0 or a page without its control make an error, never a shorter result.

use ldap3::asn1::{StructureTag, parse_tag};
use ldap3::controls::{MakeCritical as _, PagedResults, RawControl};
use ldap3::{Ldap, LdapError, LdapResult, Scope, SearchOptions};

use super::connection::Connection;
use super::entry::{Entry, Malformed, SEARCH_RESULT_ENTRY};
use super::outcome::{Reaction, Verdict, classify};
use crate::defence::stands;
use crate::directory::DirectoryError;

/// Entries in one page: half of MaxPageSize, 1,000 (KB315071), so that a page of entries of 1 kB
/// stays far below a MiB in the client's unbounded channel.
pub(super) const PAGE_ENTRIES: i32 = 500;
/// Pages of one listing: ten million objects, beyond any domain; a server that never stops
/// handing out cookies ends here.
const PAGES_MAX: usize = 20_000;
/// The time limit in the request, seconds: MaxQueryDuration (KB315071).
const SERVER_TIME_LIMIT: i32 = 120;

/// Paged results (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Extended DN (MS-ADTS 3.1.1.3.4.1.5).
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
/// `SEQUENCE { INTEGER 1 }`: identifiers as text.
const EXTENDED_DN_AS_TEXT: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x01];
/// Show deleted (MS-ADTS 3.1.1.3.4.1.14): tombstones and deleted objects, no recycled ones.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Domain scope (MS-ADTS 3.1.1.3.4.1.4): no references to other naming contexts.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";

/// How DNs come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DnForm {
    Plain,
    /// `<GUID=…>;<SID=…>;CN=…`
    Extended,
}

/// What to search.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: Vec<String>,
    pub(super) form: DnForm,
    /// Deleted objects are wanted as well.
    pub(super) deleted: bool,
}

/// Lets a request see deleted objects.
pub(super) fn show_deleted() -> RawControl {
    RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None }
}

/// How a page is asked for.
#[derive(Clone, Debug)]
struct Paging {
    entries: i32,
    cookie: Vec<u8>,
}

/// One page, as it came.
struct Page {
    entries: Vec<Entry>,
    cookie: Vec<u8>,
}

impl Search {
    /// One object by its DN, or by `<GUID=…>`.
    pub(super) fn object(base: impl Into<String>, attributes: &[&str]) -> Self {
        Self {
            base: base.into(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
            form: DnForm::Plain,
            deleted: false,
        }
    }

    /// Everything below `base` that the filter takes.
    pub(super) fn subtree(base: impl Into<String>, filter: &str, attributes: &[&str]) -> Self {
        Self { scope: Scope::Subtree, filter: filter.to_owned(), ..Self::object(base, attributes) }
    }

    /// The same with identifiers in every DN.
    #[must_use]
    pub(super) fn extended(self) -> Self {
        Self { form: DnForm::Extended, ..self }
    }

    /// The same among deleted objects too.
    #[must_use]
    pub(super) fn deleted(self) -> Self {
        Self { deleted: true, ..self }
    }

    fn controls(&self, paging: Option<&Paging>) -> Vec<RawControl> {
        let control = |oid: &str, value: Option<&[u8]>| RawControl {
            ctype: oid.to_owned(),
            crit: false,
            val: value.map(<[u8]>::to_vec),
        };
        let mut controls = vec![control(DOMAIN_SCOPE, None)];
        if self.form == DnForm::Extended {
            controls.push(control(EXTENDED_DN, Some(&EXTENDED_DN_AS_TEXT)));
        }
        controls.extend(self.deleted.then(show_deleted));
        controls.extend(paging.map(|paging| {
            let Paging { entries: size, cookie } = paging.clone();
            RawControl::from(PagedResults { size, cookie }.critical())
        }));
        controls
    }
}

/// Everything the answer to one request held: entries, and the result.
type Raw = (Vec<StructureTag>, LdapResult);

/// Runs one search request to its result. Decoding happens outside: this may panic.
async fn collect(
    mut ldap: Ldap,
    search: Search,
    controls: Vec<RawControl>,
) -> Result<Raw, LdapError> {
    let Search { base, scope, filter, attributes, form: _, deleted: _ } = search;
    ldap.with_search_options(SearchOptions::new().timelimit(SERVER_TIME_LIMIT));
    ldap.with_controls(controls);
    let mut stream = ldap.streaming_search(&base, scope, &filter, attributes).await?;
    let mut items = Vec::new();
    while let Some(item) = stream.next().await? {
        items.push(item.0);
    }
    Ok((items, stream.finish().await))
}

impl Connection {
    /// One request. Errors name `action`: a fragment that reads after "failed to".
    async fn search_once(
        &mut self,
        action: &str,
        search: &Search,
        paging: Option<&Paging>,
    ) -> Result<Page, DirectoryError> {
        let limit = self.limits().search;
        let request = collect(self.handle(), search.clone(), search.controls(paging));
        let code_of = |(_, result): &Raw| result.rc;
        let (items, result) = self.bounded("search", limit, request, code_of).await?;
        match classify("search", result.rc, &result.text) {
            Verdict::Done => {}
            Verdict::Busy(why) => {
                return Err(DirectoryError::Busy { message: format!("{action}: {why}") });
            }
            Verdict::Refused(refusal) if refusal.reaction == Reaction::Halve && !stands("H28") => {}
            // A limit of time or size: a loaded server passes it sooner than an idle one.
            Verdict::Refused(refusal) if refusal.reaction == Reaction::Halve => {
                let message = format!("{action}: {}", refusal.message);
                return Err(DirectoryError::Busy { message });
            }
            Verdict::Refused(refusal) => {
                return Err(DirectoryError::Refused { action: action.to_owned(), refusal });
            }
        }
        let entries = decoded(items).map_err(|Malformed(what)| unreadable(action, &what))?;
        let cookie = match paging {
            Some(_) => cookie(result).ok_or_else(|| {
                unreadable(action, "an answer does not say whether more pages follow")
            })?,
            None => Vec::new(),
        };
        Ok(Page { entries, cookie })
    }

    /// Every entry of a search that needs no paging: a base search, or one of few results.
    pub(super) async fn find(
        &mut self,
        action: &str,
        search: &Search,
    ) -> Result<Vec<Entry>, DirectoryError> {
        Ok(self.search_once(action, search, None).await?.entries)
    }

    /// One object; `None` for 32 noSuchObject.
    pub(super) async fn find_object(
        &mut self,
        action: &str,
        search: &Search,
    ) -> Result<Option<Entry>, DirectoryError> {
        match self.find(action, search).await {
            Ok(entries) => match <[Entry; 1]>::try_from(entries) {
                Ok([entry]) => Ok(Some(entry)),
                // The object is there, but this account may not see it: no claim either way.
                Err(_) => Err(unreadable(action, "the object is there but cannot be seen")),
            },
            Err(DirectoryError::Refused { refusal, .. }) if refusal.code == NO_SUCH_OBJECT => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a listing page by page, handing each to `take`; returns only after result code 0
    /// without a cookie.
    pub(super) async fn list(
        &mut self,
        action: &str,
        search: &Search,
        page_entries: i32,
        mut take: impl FnMut(Vec<Entry>) -> Result<(), Malformed> + Send,
    ) -> Result<(), DirectoryError> {
        let mut paging = Paging { entries: page_entries, cookie: Vec::new() };
        for _ in 0..PAGES_MAX {
            let page = self.search_once(action, search, Some(&paging)).await?;
            take(page.entries).map_err(|Malformed(what)| unreadable(action, &what))?;
            if page.cookie.is_empty() || !stands("H28") {
                return Ok(());
            }
            paging.cookie = page.cookie;
        }
        Err(unreadable(action, "the pages do not end"))
    }
}

/// What came, as entries. A reference to another server stands for a part that was not searched.
fn decoded(items: Vec<StructureTag>) -> Result<Vec<Entry>, Malformed> {
    let kept = |item: &StructureTag| item.id == SEARCH_RESULT_ENTRY || stands("H29");
    items.into_iter().filter(kept).map(Entry::decode).collect()
}

/// The cookie of a page, read without the package's own parser, which panics on a malformed value.
/// `None` when the control is missing or is none: then nobody knows whether the page is the last.
fn cookie(result: LdapResult) -> Option<Vec<u8>> {
    let control = result.ctrls.into_iter().find(|control| control.1.ctype == PAGED_RESULTS)?;
    let (_, tag) = parse_tag(&control.1.val?).ok()?;
    tag.expect_constructed()?.into_iter().nth(1)?.expect_primitive()
}

/// Result code 32 (RFC 4511 appendix A).
pub(super) const NO_SUCH_OBJECT: u32 = 32;

fn unreadable(action: &str, what: &str) -> DirectoryError {
    DirectoryError::Unreadable { message: format!("{action}: {what}") }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;

    #[test]
    fn a_search_that_refers_elsewhere_is_not_whole() {
        let part = |class, id, payload| StructureTag { class, id, payload };
        let octets = |text: &str| part(TagClass::Universal, 4, PL::P(text.into()));
        let list = || part(TagClass::Universal, 16, PL::C(Vec::new()));
        let entry = || {
            let parts = PL::C(vec![octets("CN=a,DC=x"), list()]);
            part(TagClass::Application, SEARCH_RESULT_ENTRY, parts)
        };
        // SearchResultReference (RFC 4511 4.5.3).
        let reference = PL::C(vec![octets("ldap://b.x/DC=b,DC=x")]);
        let reference = part(TagClass::Application, 19, reference);
        assert_eq!(decoded(vec![entry(), entry()]).unwrap().len(), 2);
        assert!(decoded(vec![entry(), reference, entry()]).is_err());
    }
}
