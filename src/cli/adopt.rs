//! `adopt`: a cloud group takes up a directory group as it stands; shown first, done on the digest.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::apply::{Claimed, Unclaimed, claim_state};
use super::{
    at_once, blind, complain, load_settings, new_report, pause, policy_name, progress, say,
};
use crate::controller::admin::round::chain;
use crate::controller::adopt::{Answered, Wish};
use crate::controller::books::{Books, finish};
use crate::controller::open_tenant;
use crate::controller::pass::{Engine, Look};
use crate::controller::stop::Stop;
use crate::exit::Exit;
use crate::model::readiness::Incumbent;
use crate::model::{ObjectGuid, ObjectId, PolicyName};
use crate::report::text::{Backdrop, safe};
use crate::report::{Report, json, text};
use crate::settings::Settings;

#[derive(Args)]
pub(super) struct Arguments {
    /// The object id of the cloud group
    #[arg(long, value_name = "ID", value_parser = object_id)]
    group: ObjectId,
    /// The objectGUID of the directory group
    #[arg(long, value_name = "GUID", value_parser = object_guid)]
    object: ObjectGuid,
    /// Under this policy [default: the one that takes the cloud group]
    #[arg(long, value_name = "NAME", value_parser = policy_name)]
    policy: Option<PolicyName>,
    /// Microsoft's own writeback does not write this group any more
    #[arg(long)]
    confirm_incumbent_off: bool,
    /// Write, if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// The form of the plan: text or json
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: String,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let as_json = match form(&arguments.output) {
        Ok(as_json) => as_json,
        Err(exit) => return exit,
    };
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let claimed = match claim(&settings, "or put the entry into `adoption` of the policy") {
        Ok(claimed) => claimed,
        Err(exit) => return exit,
    };
    let report = new_report(&settings);
    let incumbent_off = match incumbent(&settings, &report, &arguments).await {
        Ok(off) => off,
        Err(exit) => return exit,
    };
    let Arguments { group, object, policy, expect, .. } = arguments;
    let wish = Wish { group, object, policy, incumbent_off };
    let Claimed { lock: _lock, mut books, memory, status } = claimed;
    report.recall_passes(status.as_deref());
    let mut engine = match Engine::open(settings, report, progress::watcher(), Some(memory)) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    let look = match answer(&mut engine, &wish).await {
        Ok(look) => look,
        Err(exit) => return exit,
    };
    let after = Asked { expect: expect.as_deref(), command: "adopt", as_json };
    after.settle(&mut engine, &mut books, look).await
}

/// The plan for the wish; else it is said why there is none.
async fn answer(engine: &mut Engine, wish: &Wish) -> Result<Look, Exit> {
    load_policies(engine)?;
    if let Some(name) = &wish.policy
        && !engine.policies().policies.iter().any(|standing| standing.policy.name == *name)
    {
        complain(&format!("there is no policy `{name}` in force"));
        return Err(Exit::Invalid);
    }
    match engine.look_to_adopt(wish).await {
        Ok(Answered::Planned(look)) => Ok(*look),
        Ok(Answered::Done) => {
            say(&format!("{} is the directory group of {} already\n", wish.object, wish.group));
            Err(Exit::Done)
        }
        Ok(Answered::Refused(reasons, incomplete)) => {
            for reason in reasons {
                complain(&format!("not adopted: {}", safe(&reason)));
            }
            Err(if incomplete { Exit::Incomplete.max(Exit::Failed) } else { Exit::Failed })
        }
        Err(why) => Err(blind(&why)),
    }
}

/// Whether nobody else writes the group: a person says so, or the tenant does.
async fn incumbent(
    settings: &Settings,
    report: &Arc<Report>,
    arguments: &Arguments,
) -> Result<bool, Exit> {
    if arguments.confirm_incumbent_off {
        return Ok(true);
    }
    let tenant = open_tenant(settings, report, &progress::watcher()).map_err(|error| {
        complain(&format!("failed to {}", chain(&error)));
        Exit::Failed
    })?;
    let why = match tenant.incumbent().await {
        Incumbent::Off => return Ok(true),
        Incumbent::On => "is on in this tenant".to_owned(),
        Incumbent::Unknown(unread) => {
            format!("may be on, which the tenant does not say ({})", safe(&unread.reason))
        }
    };
    complain(&format!(
        "not adopted: Microsoft's own group writeback {why}; two writers would undo each other's \
         work: turn it off for this group, then say so with `--confirm-incumbent-off`"
    ));
    Err(Exit::Failed)
}

/// Takes the state in hand; `instead` is what else can be done beside a running daemon.
pub(super) fn claim(settings: &Settings, instead: &str) -> Result<Claimed, Exit> {
    claim_state(settings).map_err(|unclaimed| {
        match unclaimed {
            Unclaimed::Held(error) => complain(&format!(
                "failed to {error}: stop the daemon while this command runs, {instead}"
            )),
            Unclaimed::Failed(why) => complain(&why),
        }
        Exit::Failed
    })
}

/// Reads the policies. One that is wrong takes no part, and here that may be the one that counts.
pub(super) fn load_policies(engine: &mut Engine) -> Result<(), Exit> {
    let load = engine.load_policies();
    for mistake in &load.mistakes {
        complain(&safe(&mistake.to_string()));
    }
    let is_lost = load.folder_error.is_some() && load.generation.is_none();
    if is_lost || !load.mistakes.is_empty() { Err(Exit::Invalid) } else { Ok(()) }
}

/// What a person asked for beside the plan.
pub(super) struct Asked<'a> {
    /// The digest that the plan must have to be written.
    pub(super) expect: Option<&'a str>,
    /// The command's own name.
    pub(super) command: &'static str,
    /// The plan is shown as JSON.
    pub(super) as_json: bool,
}

impl Asked<'_> {
    /// Shows the plan, and writes it where it is the one that the person means.
    pub(super) async fn settle(self, engine: &mut Engine, books: &mut Books, look: Look) -> Exit {
        let backdrop = Backdrop { memory: engine.memory(), remembers: look.remembers };
        say(&if self.as_json {
            format!("{:#}\n", json::plan(&look.decision, &look.guarded, &backdrop))
        } else {
            text::plan_before(&look.decision, &look.guarded, &backdrop)
        });
        pause::note(&engine.memory().pauses, &look.decision.plan.changes, self.command);
        let found = [look.guarded.digest, look.guarded.reviewed];
        let Some(expected) = self.expect else {
            complain(&format!(
                "nothing is written: repeat `writeback {}` with `--expect {}` to do this",
                self.command,
                look.guarded.digest.short()
            ));
            return Exit::ChangesWait;
        };
        if !found.iter().any(|digest| digest.answers_to(expected)) {
            complain(&format!(
                "the plan is not the expected one ({}): nothing is written; review it again",
                safe(expected)
            ));
            return Exit::ChangesWait;
        }
        let held = !look.guarded.held.holds.is_empty();
        let stop = Stop::default();
        let stop = Arc::new(stop);
        stop.listen(at_once);
        let finished = finish(engine, books, look, &stop).await;
        if !self.as_json {
            say(&format!("\n{}", text::outcomes(&finished.acted.results)));
        }
        let acted = &finished.acted;
        for error in [
            acted.journal.as_ref().map(|e| chain(e)),
            finished.saved.as_ref().err().map(|e| chain(e)),
        ]
        .into_iter()
        .flatten()
        {
            complain(&format!("failed to {error}"));
        }
        let all_done = acted.results.iter().all(|result| result.outcome.achieved());
        let kept = acted.journal.is_none() && finished.saved.is_ok();
        match (all_done && kept && !acted.stopped, held) {
            (false, _) => Exit::Failed,
            (true, true) => Exit::Held,
            (true, false) => Exit::Done,
        }
    }
}

/// Whether the plan is asked for as JSON.
pub(super) fn form(output: &str) -> Result<bool, Exit> {
    match output {
        "text" => Ok(false),
        "json" => Ok(true),
        other => {
            complain(&format!("`--output {}` is none of: text, json", safe(other)));
            Err(Exit::Usage)
        }
    }
}

pub(super) fn object_id(text: &str) -> Result<ObjectId, String> {
    ObjectId::parse(text).ok_or_else(|| "an object id of the tenant, 36 characters".to_owned())
}

pub(super) fn object_guid(text: &str) -> Result<ObjectGuid, String> {
    ObjectGuid::parse(text).ok_or_else(|| "an objectGUID in its dashed form".to_owned())
}
