//! What each message makes the directory do.
//!
//! Input: a request of a bound or unbound connection. Output: the messages that answer it, and
//! the record of the operation.

use std::collections::VecDeque;

use ldap3_proto::LdapMsg;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapBindResponse, LdapExtendedResponse, LdapModify,
    LdapModifyType, LdapOp, LdapPartialAttribute, LdapResult, OID_WHOAMI,
};
use uuid::Uuid;

use super::super::access::Actor;
use super::super::controls::{Asked, Page};
use super::super::dn::fold;
use super::super::record::{OperationKind, SeenChange, SeenOperation, Verb};
use super::super::refusal::{Refusal, success};
use super::super::search::{Scope, SearchRequest};
use super::super::tree::Tree;
use super::super::wire::{Body, Request};
use super::super::write::Identifiers;
use super::{Answers, Pending, Session, State, Then};

/// MaxPageSize: entries in one answer (KB315071).
pub(in super::super) const PAGE_LIMIT: usize = 1000;

/// MaxResultSetsPerConn: paged searches kept for one connection; the oldest is thrown away
/// (KB315071, events 2898 and 2899).
const PENDING_LIMIT: usize = 10;

/// ACCOUNTDISABLE (MS-ADTS 2.2.16).
const DISABLED: i64 = 0x2;

pub(super) fn search_done(id: i32, result: LdapResult) -> LdapMsg {
    LdapMsg::new(id, LdapOp::SearchResultDone(result))
}

fn bind_answer(id: i32, res: LdapResult) -> LdapMsg {
    LdapMsg::new(id, LdapOp::BindResponse(LdapBindResponse { res, saslcreds: None }))
}

fn extended_answer(id: i32, res: LdapResult, value: Option<Vec<u8>>) -> LdapMsg {
    LdapMsg::new(id, LdapOp::ExtendedResponse(LdapExtendedResponse { res, name: None, value }))
}

/// The answer to a request that is refused as a whole.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum holds requests and answers; the rest cannot be here"
)]
pub(super) fn refused(request: &Request, refusal: Refusal) -> Vec<LdapMsg> {
    let (id, result) = (request.id, refusal.into_result());
    let message = match &request.body {
        Body::Search(_) | Body::BadSearch => search_done(id, result),
        Body::Other(operation) => match operation {
            LdapOp::BindRequest(_) => bind_answer(id, result),
            LdapOp::AddRequest(_) => LdapMsg::new(id, LdapOp::AddResponse(result)),
            LdapOp::ModifyRequest(_) => LdapMsg::new(id, LdapOp::ModifyResponse(result)),
            LdapOp::ModifyDNRequest(_) => LdapMsg::new(id, LdapOp::ModifyDNResponse(result)),
            LdapOp::DelRequest(_) => LdapMsg::new(id, LdapOp::DelResponse(result)),
            LdapOp::CompareRequest(_) => LdapMsg::new(id, LdapOp::CompareResult(result)),
            _ => extended_answer(id, result, None),
        },
    };
    vec![message]
}

fn verb(operation: &LdapModifyType) -> Verb {
    match operation {
        LdapModifyType::Add | LdapModifyType::Increment => Verb::Add,
        LdapModifyType::Delete => Verb::Delete,
        LdapModifyType::Replace => Verb::Replace,
    }
}

fn seen_change(verb: Verb, attribute: &LdapPartialAttribute) -> SeenChange {
    SeenChange { attribute: attribute.atype.clone(), verb, values: attribute.vals.len() }
}

impl Session {
    /// The record of a request, still without its outcome; `None` for what is not counted.
    pub(super) fn seen(&self, request: &Request) -> Option<SeenOperation> {
        let mut changes = Vec::new();
        let mut detail = String::new();
        let (kind, dn) = match &request.body {
            Body::Search(search) => {
                detail = search.filter.text();
                (OperationKind::Search, search.base.clone())
            }
            Body::BadSearch => (OperationKind::Search, String::new()),
            Body::Other(LdapOp::BindRequest(bind)) => (OperationKind::Bind, bind.dn.clone()),
            Body::Other(LdapOp::AddRequest(add)) => {
                changes = add.attributes.iter().map(|one| seen_change(Verb::Add, one)).collect();
                (OperationKind::Add, add.dn.clone())
            }
            Body::Other(LdapOp::ModifyRequest(modify)) => {
                let change =
                    |one: &LdapModify| seen_change(verb(&one.operation), &one.modification);
                changes = modify.changes.iter().map(change).collect();
                (OperationKind::Modify, modify.dn.clone())
            }
            Body::Other(LdapOp::ModifyDNRequest(rename)) => {
                detail = match &rename.new_superior {
                    Some(parent) => format!("{},{parent}", rename.newrdn),
                    None => rename.newrdn.clone(),
                };
                (OperationKind::ModifyDn, rename.dn.clone())
            }
            Body::Other(LdapOp::DelRequest(dn)) => (OperationKind::Delete, dn.clone()),
            Body::Other(LdapOp::ExtendedRequest(_)) => (OperationKind::Extended, String::new()),
            Body::Other(_) => return None,
        };
        Some(SeenOperation {
            connection: self.number,
            account: self.account.clone(),
            kind,
            dn,
            detail,
            changes,
            code: None,
            entries: 0,
            answered: true,
        })
    }

    /// Unbind, abandon, and operations that this server does not know.
    pub(super) fn answer_uncounted(request: &Request) -> Answers {
        let then = match &request.body {
            Body::Other(LdapOp::UnbindRequest) => Then::Close,
            // An answer is complete before the next message is read: nothing is left to abandon.
            Body::Other(LdapOp::AbandonRequest(_)) => Then::GoOn,
            Body::Other(LdapOp::CompareRequest(_)) => {
                let messages = refused(request, Refusal::unwilling("00002035"));
                return Answers { messages, then: Then::GoOn };
            }
            Body::Other(_) | Body::Search(_) | Body::BadSearch => {
                let messages = vec![super::notice_of_disconnection()];
                return Answers { messages, then: Then::Close };
            }
        };
        Answers { messages: Vec::new(), then }
    }

    /// Does what the request says.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum holds requests and answers; the rest cannot be here"
    )]
    pub(super) fn act(
        &mut self,
        request: Request,
        state: &mut State,
        seen: &mut SeenOperation,
    ) -> Vec<LdapMsg> {
        let asked = match Asked::read(&request.controls) {
            Ok(asked) => asked,
            Err(refusal) => return refused(&request, refusal),
        };
        let id = request.id;
        let actor = self.actor;
        let tree = &mut state.tree;
        if seen.kind.is_write() && actor == Actor::Anonymous {
            return refused(&request, Refusal::not_bound());
        }
        let outcome = |result: Result<Uuid, Refusal>| match result {
            Ok(_) => success(),
            Err(refusal) => refusal.into_result(),
        };
        let operation = match request.body {
            Body::BadSearch => return vec![search_done(id, Refusal::protocol().into_result())],
            Body::Search(search) => {
                let messages = self.search(id, &search, &asked, tree);
                seen.entries = messages.len().saturating_sub(1);
                return messages;
            }
            Body::Other(operation) => operation,
        };
        let answer = match operation {
            LdapOp::BindRequest(bind) => return vec![bind_answer(id, self.bind(&bind, tree))],
            LdapOp::AddRequest(add) => {
                let made = tree.add(actor, &add.dn, &add.attributes, Identifiers::default());
                LdapOp::AddResponse(outcome(made))
            }
            LdapOp::ModifyRequest(modify) => {
                let done = match tree.deleted_target(actor, &modify.dn, asked.view.deletion) {
                    Some(gone) => tree.undelete(actor, gone, &modify.changes, asked.manner),
                    None => tree.modify(actor, &modify.dn, &modify.changes, asked.manner),
                };
                LdapOp::ModifyResponse(outcome(done))
            }
            LdapOp::ModifyDNRequest(rename) => {
                let done = match tree.deleted_target(actor, &rename.dn, asked.view.deletion) {
                    Some(_) => Err(Refusal::unwilling("00002077")),
                    None => tree.rename(actor, &rename),
                };
                LdapOp::ModifyDNResponse(outcome(done))
            }
            LdapOp::DelRequest(dn) => {
                let done = match tree.deleted_target(actor, &dn, asked.view.deletion) {
                    Some(_) => Err(Refusal::unwilling("00002077")),
                    None => tree.delete(actor, &dn),
                };
                LdapOp::DelResponse(outcome(done))
            }
            LdapOp::ExtendedRequest(extended) => {
                return vec![self.extended(id, &extended.name)];
            }
            _ => return vec![super::notice_of_disconnection()],
        };
        vec![LdapMsg::new(id, answer)]
    }

    fn extended(&self, id: i32, name: &str) -> LdapMsg {
        if name != OID_WHOAMI {
            return extended_answer(id, Refusal::protocol().into_result(), None);
        }
        // MS-ADTS 3.1.1.3.4.2: `u:` and the account name; empty before a bind.
        let text = match self.actor {
            Actor::Anonymous => String::new(),
            Actor::System | Actor::Account(_) => format!("u:{}", self.account),
        };
        extended_answer(id, success(), Some(text.into_bytes()))
    }

    /// Simple bind. As in RFC 4511 4.2.1, a bind that fails leaves the connection anonymous.
    fn bind(&mut self, bind: &LdapBindRequest, tree: &Tree) -> LdapResult {
        self.actor = Actor::Anonymous;
        self.account.clear();
        if bind.version != 3 && bind.version != 2 {
            return Refusal::protocol().into_result();
        }
        let LdapBindCred::Simple(password) = &bind.cred else {
            return Refusal::mechanism().into_result();
        };
        // Name and no password: an unauthenticated bind succeeds and is anonymous
        // (RFC 4513 5.1.2; MS-ADTS 5.1.1.1.1).
        if password.is_empty() {
            return success();
        }
        // An unknown name answers like a wrong password.
        let found = tree.account_named(&bind.dn);
        let Some(account) = found.filter(|guid| tree.access.passwords.get(guid) == Some(password))
        else {
            return Refusal::credentials("52e").into_result();
        };
        let object = tree.object(account);
        let control = object.and_then(|object| object.number("userAccountControl"));
        if control.is_some_and(|control| control & DISABLED != 0) {
            return Refusal::credentials("533").into_result();
        }
        let name = object.and_then(|object| object.text("sAMAccountName")).unwrap_or_default();
        self.account = format!("{}\\{name}", tree.netbios);
        self.actor = Actor::Account(account);
        success()
    }

    fn search(
        &mut self,
        id: i32,
        search: &SearchRequest,
        asked: &Asked,
        tree: &Tree,
    ) -> Vec<LdapMsg> {
        match self.entries(id, search, asked, tree) {
            Ok(messages) => messages,
            Err(refusal) => vec![search_done(id, refusal.into_result())],
        }
    }

    fn entries(
        &mut self,
        id: i32,
        search: &SearchRequest,
        asked: &Asked,
        tree: &Tree,
    ) -> Result<Vec<LdapMsg>, Refusal> {
        if search.base.is_empty() && search.scope == Scope::Base {
            let root = LdapOp::SearchResultEntry(tree.root(&search.attributes));
            return Ok(vec![LdapMsg::new(id, root), search_done(id, success())]);
        }
        if self.actor == Actor::Anonymous {
            return Err(Refusal::not_bound());
        }
        let mut found = match asked.page.as_ref().filter(|page| !page.cookie.is_empty()) {
            Some(page) => self.resumed(page)?,
            None => VecDeque::from(tree.find(self.actor, search, asked.view)?),
        };
        let limit = |size: usize| if size == 0 { usize::MAX } else { size };
        let page_size = asked.page.as_ref().map_or(PAGE_LIMIT, |page| page.size.min(PAGE_LIMIT));
        // Between two pages an object may have gone.
        let here = |guid: &Uuid| {
            tree.is_shown(*guid, asked.view.deletion) && tree.may_see(self.actor, *guid)
        };
        let mut page = Vec::new();
        while page.len() < page_size
            && let Some(guid) = found.pop_front()
        {
            page.extend(Some(guid).filter(here));
        }
        let rest = found;
        let over_client_limit = page.len() > limit(search.size_limit);
        page.truncate(limit(search.size_limit));
        let mut messages = Vec::with_capacity(page.len() + 1);
        for guid in page {
            let entry = tree.entry(self.actor, guid, search, asked.view)?;
            messages.push(LdapMsg::new(id, LdapOp::SearchResultEntry(entry)));
        }
        let cut = over_client_limit || (asked.page.is_none() && !rest.is_empty());
        let result = if cut { Refusal::size_limit().into_result() } else { success() };
        let mut done = search_done(id, result);
        if asked.page.is_some() {
            let cookie = if rest.is_empty() { Vec::new() } else { self.keep(rest) };
            done.ctrl.push(LdapControl::SimplePagedResults { size: 0, cookie });
        }
        messages.push(done);
        Ok(messages)
    }

    /// What an earlier page left over; 12 for a cookie of another connection,
    /// of a search that was thrown away, or that was used before.
    fn resumed(&mut self, page: &Page) -> Result<VecDeque<Uuid>, Refusal> {
        let cookie = page.cookie.as_slice().try_into().map(u64::from_be_bytes);
        let pending = cookie.ok().and_then(|cookie| self.pages.remove(&cookie));
        let pending = pending.ok_or_else(Refusal::critical_extension)?;
        // Size 0 gives the search up (RFC 2696 3).
        if page.size == 0 {
            return Ok(VecDeque::new());
        }
        Ok(pending.rest)
    }

    fn keep(&mut self, rest: VecDeque<Uuid>) -> Vec<u8> {
        let cookie = self.next_cookie;
        self.next_cookie += 1;
        self.pages.insert(cookie, Pending { rest });
        if self.pages.len() > PENDING_LIMIT {
            self.pages.pop_first();
        }
        cookie.to_be_bytes().to_vec()
    }
}

impl Tree {
    /// The account of a simple bind: by DN, `DOMAIN\name` or `name@domain`
    /// (MS-ADTS 5.1.1.1.1).
    pub(in super::super) fn account_named(&self, name: &str) -> Option<Uuid> {
        if let Some((domain, account)) = name.split_once('\\')
            && !domain.contains('=')
        {
            let ours = fold(domain) == fold(&self.netbios)
                || fold(domain) == fold(&self.base.domain_name());
            return self.by_account_name(account).filter(|_| ours);
        }
        if name.contains('=') {
            return self.resolve(name).ok();
        }
        let (account, domain) = name.split_once('@')?;
        let explicit = self.access.passwords.keys().copied().find(|guid| {
            let object = self.object(*guid);
            object
                .and_then(|one| one.text("userPrincipalName"))
                .is_some_and(|upn| fold(upn) == fold(name))
        });
        let implicit = || {
            let ours = fold(domain) == fold(&self.base.domain_name());
            self.by_account_name(account).filter(|_| ours)
        };
        explicit.or_else(implicit)
    }
}
