//! One connection: messages in, answers out, faults in between.
//!
//! Input: a TLS stream and the state that all connections share. Output: answers in the order of
//! the requests. A connection holds the state only while it works on one message, never while it
//! waits for its client, so a client that vanishes hurts nobody.

mod act;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::proto::{LdapExtendedResponse, LdapOp, LdapResult};
use ldap3_proto::{LdapMsg, LdapResultCode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Framed;
use uuid::Uuid;

use super::access::Actor;
use super::fault::{Fault, Faults};
use super::record::SeenOperation;
use super::refusal::Refusal;
use super::tree::Tree;
use super::wire::{Request, Wire};

/// Notice of disconnection (RFC 4511 4.4.1).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// What every connection works on.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tree: Tree,
    pub(super) faults: Faults,
    pub(super) operations: Vec<SeenOperation>,
    pub(super) switches: Switches,
}

/// States of the server that last until they are lifted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Switches {
    /// Everything ends with 51.
    pub(super) busy: bool,
    /// Writes end with a referral, as on a read-only DC.
    pub(super) read_only: bool,
    /// Connections are closed as soon as they are made.
    pub(super) deaf: bool,
    /// How many more writes are taken; those that come later wait. None: all.
    pub(super) writes_left: Option<u32>,
}

/// How often a write that waits asks whether it is its turn.
const TURN_PAUSE: Duration = Duration::from_millis(5);

/// Locks the state; a test that failed while it held the lock must not hide behind poison.
pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What becomes of the connection after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    Close,
}

/// Answers to one message.
struct Answers {
    messages: Vec<LdapMsg>,
    then: Then,
}

/// Search results that wait for the client to ask for the next page.
#[derive(Debug)]
struct Pending {
    rest: VecDeque<Uuid>,
}

/// One connection.
pub(super) struct Session {
    number: u64,
    actor: Actor,
    account: String,
    pages: BTreeMap<u64, Pending>,
    next_cookie: u64,
}

impl Session {
    /// A connection that has not bound yet.
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            actor: Actor::Anonymous,
            account: String::new(),
            pages: BTreeMap::new(),
            next_cookie: 1,
        }
    }

    /// Serves the stream to its end.
    pub(super) async fn serve<S>(mut self, stream: S, state: Arc<Mutex<State>>) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut framed = Framed::new(stream, Wire::default());
        while let Some(request) = framed.next().await {
            let Ok(request) = request else {
                framed.send(notice_of_disconnection()).await?;
                return Ok(());
            };
            while !self.has_turn(&request, &mut lock(&state).switches) {
                tokio::time::sleep(TURN_PAUSE).await;
            }
            let answers = self.answer(request, &mut lock(&state));
            for message in answers.messages {
                framed.feed(message).await?;
            }
            framed.flush().await?;
            if answers.then == Then::Close {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether a message is worked on now; a write that is takes one turn of those that are left.
    fn has_turn(&self, request: &Request, switches: &mut Switches) -> bool {
        let Some(left) = &mut switches.writes_left else { return true };
        if self.seen(request).is_none_or(|seen| !seen.kind.is_write()) {
            return true;
        }
        let is_next = *left > 0;
        *left = left.saturating_sub(1);
        is_next
    }

    /// Works on one message, with the fault that was ordered for it.
    fn answer(&mut self, request: Request, state: &mut State) -> Answers {
        let id = request.id;
        let Some(mut seen) = self.seen(&request) else {
            return Self::answer_uncounted(&request);
        };
        // An order waits while everything is busy.
        let fault =
            if state.switches.busy { None } else { state.faults.strike(seen.kind, &seen.dn) };
        if matches!(fault, Some(Fault::CutBefore | Fault::Stall)) {
            seen.answered = false;
            state.operations.push(seen);
            let then = if fault == Some(Fault::Stall) { Then::GoOn } else { Then::Close };
            return Answers { messages: Vec::new(), then };
        }
        let domain = state.tree.base.domain_name();
        let refusal = fault.as_ref().and_then(|fault| fault.refusal(&domain, &seen.dn));
        let refusal = refusal.or_else(|| {
            let read_only = state.switches.read_only && seen.kind.is_write();
            let busy = state.switches.busy.then(Refusal::busy);
            busy.or_else(|| read_only.then(|| Refusal::referral(&domain, &seen.dn)))
        });
        // Searches run into a limit on their way; everything else is refused before it starts.
        let halved =
            matches!(fault, Some(Fault::SizeLimit | Fault::TimeLimit | Fault::CutMidSearch));
        let is_search = seen.kind == super::record::OperationKind::Search;
        let mut messages = match refusal.as_ref().filter(|_| !(halved && is_search)) {
            Some(refusal) => act::refused(&request, refusal.clone()),
            None => self.act(request, state, &mut seen),
        };
        if halved && is_search {
            messages.truncate(messages.len() / 2);
            seen.entries = messages.len();
            messages.extend(refusal.map(|refusal| act::search_done(id, refusal.into_result())));
        }
        let cut = matches!(fault, Some(Fault::CutAfter | Fault::CutMidSearch));
        seen.code = messages.last().and_then(|last| code_of(&last.op));
        if fault == Some(Fault::CutAfter) {
            messages.clear();
        }
        seen.answered = !cut;
        state.operations.push(seen);
        Answers { messages, then: if cut { Then::Close } else { Then::GoOn } }
    }
}

/// The result code of an answer that ends an operation.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum holds requests and answers; the rest cannot be here"
)]
fn code_of(operation: &LdapOp) -> Option<u32> {
    let result: &LdapResult = match operation {
        LdapOp::BindResponse(response) => &response.res,
        LdapOp::ExtendedResponse(response) => &response.res,
        LdapOp::SearchResultDone(result)
        | LdapOp::ModifyResponse(result)
        | LdapOp::AddResponse(result)
        | LdapOp::DelResponse(result)
        | LdapOp::ModifyDNResponse(result)
        | LdapOp::CompareResult(result) => result,
        _ => return None,
    };
    u32::try_from(result.code.clone() as i64).ok()
}

fn notice_of_disconnection() -> LdapMsg {
    let res =
        LdapResult { code: LdapResultCode::ProtocolError, ..Refusal::protocol().into_result() };
    let name = Some(NOTICE_OF_DISCONNECTION.to_owned());
    LdapMsg::new(0, LdapOp::ExtendedResponse(LdapExtendedResponse { res, name, value: None }))
}
