//! One pass that a person asks for, and what it says: the same beside the daemon and alone.
//!
//! `writeback apply` runs it under the lock of the state, or asks the daemon to; what it tells
//! goes to the terminal of whoever asks.

use jiff::Timestamp;

use crate::controller::admin::approve::judge;
use crate::controller::admin::words::Round;
use crate::controller::books::{Books, Finished, finish};
use crate::controller::now;
use crate::controller::pass::{Acted, Blind, Engine, Look, Sighting};
use crate::controller::schedule::policies_unreadable;
use crate::controller::stop::Stop;
use crate::exit::Exit;
use crate::model::approval::APPROVAL_MAX;
use crate::model::{ApprovalRequest, PolicyName};
use crate::policy::LoadReport;
use crate::report::events::Side;
use crate::report::text::{self, Backdrop, safe};

/// One thing that is told while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Data.
    Output(String),
    /// A line for people.
    Complaint(String),
}

/// Who listens.
pub type Listener<'a> = &'a mut (dyn FnMut(Told) + Send);

/// What a pass is made with.
pub struct Bench<'a> {
    /// What makes it.
    pub engine: &'a mut Engine,
    /// Where it is written down.
    pub books: &'a mut Books,
    /// When to stop.
    pub stop: &'a Stop,
}

impl Bench<'_> {
    /// Makes the pass; `caller` is who asks. The second value is what came of writing and saving,
    /// where it came to that.
    pub async fn run(
        self,
        round: &Round,
        caller: &str,
        tell: Listener<'_>,
    ) -> (Exit, Option<Finished>) {
        let Self { engine, books, stop } = self;
        let own = round.approve.as_ref().map(|digest| ApprovalRequest {
            digest: digest.clone(),
            approved_by: caller.to_owned(),
            not_after: now().checked_add(APPROVAL_MAX).unwrap_or(Timestamp::MAX),
            place: None,
        });
        let begun = now();
        let looked = tokio::select! {
            looked = look_with(engine, round.policy.as_ref(), own, tell) => looked,
            () = stop.heard() => {
                complain(tell, "stopped before anything was written");
                return (Exit::Failed, None);
            }
        };
        let (look, _, invalid) = match looked {
            Ok(looked) => looked,
            Err(unseen) => return give_up((engine, books), unseen, begun, tell),
        };
        let backdrop = Backdrop { memory: engine.memory(), remembers: look.remembers };
        tell(Told::Output(text::plan_before(&look.decision, &look.guarded, &backdrop)));
        let before = standing(&look).max(invalid);
        if let Err((exit, why)) = agree(engine, round, &look) {
            engine.ask_again(&look);
            complain(tell, &why);
            return (exit.max(before), None);
        }
        let finished = finish(engine, books, look, stop).await;
        tell(Told::Output(format!("\n{}", text::outcomes(&finished.acted.results))));
        say_what_waits(&finished.acted, tell);
        if let Some(error) = &finished.acted.journal {
            complain(tell, &format!("failed to {}", chain(error)));
        }
        if let Err(error) = &finished.saved {
            complain(tell, &format!("failed to {}", chain(error)));
        }
        (outcome(&finished).max(before), Some(finished))
    }
}

/// Whether the plan is the one that the person means.
fn agree(engine: &Engine, round: &Round, look: &Look) -> Result<(), (Exit, String)> {
    if let Some(expected) = &round.expect {
        let found = [look.guarded.digest, look.guarded.reviewed];
        if !found.iter().any(|digest| digest.answers_to(expected)) {
            let expected = safe(expected);
            let why = format!(
                "the plan is not the expected one ({expected}): nothing is written; run `writeback \
                 plan` and review it again"
            );
            return Err((Exit::ChangesWait, why));
        }
    }
    let Some(asked) = &round.approve else { return Ok(()) };
    if look.granted.keys().any(|digest| digest.answers_to(asked)) {
        return Ok(());
    }
    let known = (engine.memory(), &look.guarded.held.sets());
    let why = judge(known, asked, "", None, now()).err();
    let why = why.unwrap_or_else(|| format!("`{}` is not held", safe(asked)));
    Err((Exit::Failed, format!("{why}: nothing is written")))
}

/// Why nothing was looked at, with the exit code.
pub(super) struct Unseen {
    exit: Exit,
    /// What could not be read; `None` where somebody asked for what there is not.
    blind: Option<Blind>,
}

/// Ends a pass that could not look, as the loop does: it failed, and nobody knows what is in step.
/// `status` says so, where no daemon answers from the state. What was asked amiss is no pass.
pub(super) fn give_up(
    (engine, books): (&mut Engine, &mut Books),
    Unseen { exit, blind }: Unseen,
    begun: Timestamp,
    tell: Listener<'_>,
) -> (Exit, Option<Finished>) {
    let Some(blind) = blind else { return (exit, None) };
    engine.give_up(&blind, begun);
    let saved = books.save(engine, engine.report());
    let failed = saved.as_ref().err().map_or(Exit::Done, |error| {
        complain(tell, &format!("failed to {}", chain(error)));
        Exit::Failed
    });
    (exit.max(failed), Some(Finished { acted: Acted::default(), saved }))
}

/// Loads the policies, says what is wrong with them, and looks. The second value is `Invalid`
/// when a policy file is wrong: the others go on.
pub async fn look(
    engine: &mut Engine,
    only: Option<&PolicyName>,
    tell: Listener<'_>,
) -> Result<(Look, Exit), Exit> {
    let looked = look_with(engine, only, None, tell).await;
    looked.map(|(look, _, invalid)| (look, invalid)).map_err(|unseen| unseen.exit)
}

/// The same with what was seen; `own` is an approval for this look alone.
pub(super) async fn look_with(
    engine: &mut Engine,
    only: Option<&PolicyName>,
    own: Option<ApprovalRequest>,
    tell: Listener<'_>,
) -> Result<(Look, Sighting, Exit), Unseen> {
    let load = engine.load_policies();
    let invalid = mistakes(&load, tell);
    if let (Some(error), None) = (&load.folder_error, load.generation) {
        let blind = Blind { side: Side::Policies, fault: policies_unreadable(error) };
        return Err(Unseen { exit: invalid, blind: Some(blind) });
    }
    if let Some(name) = only
        && !engine.policies().policies.iter().any(|standing| standing.policy.name == *name)
    {
        complain(tell, &format!("there is no policy `{name}` in force"));
        return Err(Unseen { exit: Exit::Invalid, blind: None });
    }
    match engine.look_with(only, own).await {
        Ok((look, seen)) => {
            if let Some(why) = &look.forgotten {
                complain(tell, why);
            }
            Ok((look, seen, invalid))
        }
        Err(why) => {
            complain(tell, &blind(&why));
            Err(Unseen { exit: of_blind(&why).max(invalid), blind: Some(why) })
        }
    }
}

fn mistakes(load: &LoadReport, tell: Listener<'_>) -> Exit {
    for mistake in &load.mistakes {
        complain(tell, &safe(&mistake.to_string()));
    }
    if load.mistakes.is_empty() { Exit::Done } else { Exit::Invalid }
}

/// Says what somebody's word to stop, or to pause, kept from being begun.
pub(super) fn say_what_waits(acted: &Acted, tell: Listener<'_>) {
    let count = acted.waiting;
    if count > 0 {
        complain(tell, &format!("{count} changes were not begun: they wait for a later pass"));
    }
}

fn complain(tell: Listener<'_>, text: &str) {
    tell(Told::Complaint(text.to_owned()));
}

/// Why a side could not be read, as a sentence.
pub fn blind(blind: &Blind) -> String {
    let side = match blind.side {
        Side::Tenant => "the tenant",
        Side::Domain => "the domain",
        Side::Policies => "the policies",
        Side::State => "the state",
    };
    format!("failed to read {side}: {}", safe(&blind.fault.message))
}

/// The exit code for a side that could not be read: what time may mend is an incomplete read,
/// everything else needs a person.
pub fn of_blind(blind: &Blind) -> Exit {
    match blind.side {
        Side::Policies => Exit::Invalid,
        Side::Tenant | Side::Domain if blind.fault.transient => Exit::Incomplete,
        Side::Tenant | Side::Domain | Side::State => Exit::Failed,
    }
}

/// What a look alone says: held, incomplete, or nothing.
pub fn standing(look: &Look) -> Exit {
    let held = if look.guarded.held.holds.is_empty() { Exit::Done } else { Exit::Held };
    let incomplete = if look.decision.incomplete { Exit::Incomplete } else { Exit::Done };
    held.max(incomplete)
}

/// What writing and saving led to.
pub fn outcome(finished: &Finished) -> Exit {
    let Acted { results, journal, stopped, .. } = &finished.acted;
    let all_done = results.iter().all(|result| result.outcome.achieved());
    let written_down = journal.is_none() && finished.saved.is_ok();
    if all_done && !stopped && written_down { Exit::Done } else { Exit::Failed }
}

/// An error with its sources, for one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    safe(&text)
}
