//! `release`: our marks come off directory groups, which stay as they are; shown first, done on
//! the digest.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::adopt::{Asked, claim, form, load_policies, object_guid, object_id};
use super::apply::Claimed;
use super::{blind, complain, load_settings, new_report, progress};
use crate::controller::pass::{Engine, Look};
use crate::decide::adopt::Which;
use crate::exit::Exit;
use crate::model::{ObjectGuid, ObjectId};
use crate::report::text::safe;

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["group", "object", "all"])))]
pub(super) struct Arguments {
    /// The directory group of the cloud group with this object id
    #[arg(long, value_name = "ID", value_parser = object_id)]
    group: Option<ObjectId>,
    /// The directory group with this objectGUID
    #[arg(long, value_name = "GUID", value_parser = object_guid)]
    object: Option<ObjectGuid>,
    /// Every directory group with our record
    #[arg(long)]
    all: bool,
    /// Take the anchors off as well: Entra Connect may import the group again then
    #[arg(long)]
    anchor: bool,
    /// Write, if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// The form of the plan: text or json
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: String,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let Arguments { group, object, all: _, anchor, expect, output } = arguments;
    let as_json = match form(&output) {
        Ok(as_json) => as_json,
        Err(exit) => return exit,
    };
    let which = match (group, object) {
        (Some(group), _) => Which::Group(group),
        (None, Some(object)) => Which::Object(object),
        (None, None) => Which::All,
    };
    let settings = match load_settings(config.as_deref()) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let Claimed { lock: _lock, mut books, memory, status } =
        match claim(&settings, "then start it again") {
            Ok(claimed) => claimed,
            Err(exit) => return exit,
        };
    let report = new_report(&settings);
    report.recall_passes(status.as_deref());
    let mut engine = match Engine::open(settings, report, progress::watcher(), Some(memory)) {
        Ok(engine) => engine,
        Err(why) => return blind(&why),
    };
    if let Err(exit) = load_policies(&mut engine) {
        return exit;
    }
    let look = match engine.look_to_release(which, anchor).await {
        Ok(look) => look,
        Err(why) => return blind(&why),
    };
    if let Err(exit) = may_go(&engine, &look) {
        return exit;
    }
    if anchor {
        complain(
            "note: a policy that still selects one of these cloud groups makes a new directory \
             group for it; take it out of the selection first",
        );
    }
    Asked { expect: expect.as_deref(), command: "release", as_json }
        .settle(&mut engine, &mut books, look)
        .await
}

/// Whether there is something to let go of, and nothing that takes it up again.
fn may_go(engine: &Engine, look: &Look) -> Result<(), Exit> {
    let changes = &look.decision.plan.changes;
    for finding in look.decision.findings.iter().filter(|finding| finding.policy.is_none()) {
        complain(&format!("not released: {}", safe(&finding.message)));
    }
    if changes.is_empty() {
        complain("no directory group that is meant carries a record of this owner and tenant");
        return Err(Exit::Failed);
    }
    let entries = engine.policies().policies.iter().flat_map(|s| &s.policy.adoption);
    let taken_up = entries
        .filter(|entry| changes.iter().any(|change| change.target.object() == Some(entry.object)));
    let places: Vec<String> = taken_up.map(|entry| entry.place.to_string()).collect();
    if places.is_empty() {
        return Ok(());
    }
    complain(&format!(
        "not released: the next pass would adopt it again; take the entry out first ({})",
        safe(&places.join(", "))
    ));
    Err(Exit::Failed)
}
