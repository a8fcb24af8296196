//! A pass at once, and what it says of one group.
//!
//! The pass is a whole one: what becomes of a group depends on the others (names, nesting, guards).
//! Comes from the admin socket; its text goes to the terminal of whoever asks.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::controller::admin::round::{
    Bench, Listener, Told, give_up, look_with, outcome, say_what_waits, standing,
};
use crate::controller::books::{Finished, finish};
use crate::controller::now;
use crate::controller::pass::{Engine, Look, Sighting};
use crate::exit::Exit;
use crate::model::condition::{Condition, ConditionKind};
use crate::model::{Memory, ObjectId, Outcome};
use crate::report::groups::conditions::told;
use crate::report::text::{self, safe};

/// What a group may be called besides its object id and its anchor.
const NAMES: [&str; 4] = ["displayName", "cn", "sAMAccountName", "distinguishedName"];
/// Groups of one name that a refusal lists.
const NAMED_MAX: usize = 10;

impl Bench<'_> {
    /// Makes the pass, and tells of the group `asked` for, or of all changes. The exit code is that
    /// of `apply`; a group that nobody knows is a failure beside it.
    pub async fn reconcile(
        self,
        asked: Option<&str>,
        tell: Listener<'_>,
    ) -> (Exit, Option<Finished>) {
        let Self { engine, books, stop } = self;
        let begun = now();
        let looked = tokio::select! {
            looked = look_with(engine, None, None, tell) => looked,
            () = stop.heard() => {
                tell(Told::Complaint("stopped before anything was written".to_owned()));
                return (Exit::Failed, None);
            }
        };
        let (look, seen, invalid) = match looked {
            Ok(looked) => looked,
            Err(unseen) => return give_up((engine, books), unseen, begun, tell),
        };
        let mut exit = standing(&look).max(invalid);
        let held = look.guarded.held.changes.len();
        // A pass is made whether or not the group is known: somebody waits for it.
        let found = asked.map(|asked| find(asked, engine.memory(), &look, &seen));
        drop(seen);
        let found = found.map(|found| found.map(|id| (id, decided(&look, id))));
        let finished = finish(engine, books, look, stop).await;
        match found {
            None => tell(Told::Output(of_all(&finished, held))),
            Some(Ok((id, decided))) => {
                let done = done(&finished, id);
                tell(Told::Output(of_group(engine, id, &format!("{done}{decided}"))));
            }
            Some(Err(why)) => {
                tell(Told::Complaint(why));
                exit = exit.max(Exit::Failed);
            }
        }
        say_what_waits(&finished.acted, tell);
        if let Some(fault) = finished.fault() {
            tell(Told::Complaint(format!("failed to {}", safe(&fault.message))));
        }
        (outcome(&finished).max(exit), Some(finished))
    }
}

/// The group that somebody means: one of the tenant's, or one that is or was written.
fn find(asked: &str, memory: &Memory, look: &Look, seen: &Sighting) -> Result<ObjectId, String> {
    if let Some(id) = ObjectId::parse(asked).or_else(|| ObjectId::from_any_anchor(asked)) {
        let is_known = seen.cloud.groups.value().contains_key(&id)
            || memory.inventory.contains_key(&id)
            || memory.deleted.contains_key(&id)
            || look.decision.unknown.contains_key(&id)
            || look.decision.lessons.inventory.contains_key(&id)
            || look.decision.findings.iter().any(|finding| finding.group == Some(id));
        let why = format!("no group has the object id {id}");
        return if is_known { Ok(id) } else { Err(why) };
    }
    let wanted = asked.to_lowercase();
    let intents = memory.intents.iter().chain(&look.decision.lessons.intents);
    let named = intents.filter(|(_, intent)| {
        let mut names = NAMES.iter().filter_map(|name| intent.attributes.get(*name));
        names.any(|name| name.to_lowercase() == wanted)
    });
    let mut found: BTreeSet<ObjectId> = named.map(|(id, _)| *id).collect();
    let changes = look.decision.plan.changes.iter();
    found.extend(changes.filter(|c| c.label.to_lowercase() == wanted).map(|c| c.group));
    let shown = safe(asked);
    match (found.len(), found.first()) {
        (1, Some(id)) => Ok(*id),
        (0, _) | (_, None) => {
            Err(format!("no group that is written is called `{shown}`; name it by its object id"))
        }
        (count, Some(_)) => {
            let ids = found.iter().take(NAMED_MAX).map(ToString::to_string);
            let ids = ids.collect::<Vec<_>>().join(", ");
            Err(format!("{count} groups are called `{shown}`; name one by its object id: {ids}"))
        }
    }
}

/// What was decided of a group and is not written.
fn decided(look: &Look, id: ObjectId) -> String {
    let mut text = String::new();
    let plan = &look.decision.plan;
    for (word, changes) in [
        ("held", &look.guarded.held.changes),
        ("unconfirmed", &plan.unconfirmed),
        ("observed", &plan.observed),
    ] {
        for change in changes.iter().filter(|change| change.group == id) {
            let cause = safe(&change.cause.to_string());
            let _ = writeln!(text, "  {word}: {}  [{cause}]", text::line(change));
        }
    }
    if let Some(reason) = look.decision.unknown.get(&id) {
        let _ = writeln!(text, "  unknown, nothing of it is changed: {}", safe(reason));
    }
    for finding in look.decision.findings.iter().filter(|finding| finding.group == Some(id)) {
        let _ = writeln!(text, "  {:?}: {}", finding.code, safe(&finding.message));
    }
    text
}

/// What was done to a group.
fn done(finished: &Finished, id: ObjectId) -> String {
    let mut text = String::new();
    for result in finished.acted.results.iter().filter(|result| result.change.group == id) {
        let came = match &result.outcome {
            Outcome::Done { .. } => "done".to_owned(),
            Outcome::AlreadySo { .. } => "was so already".to_owned(),
            Outcome::Refused { message } => format!("refused: {}", safe(message)),
            Outcome::Failed { message } => format!("failed: {}", safe(message)),
            Outcome::Unknown { message } => format!("outcome unknown: {}", safe(message)),
        };
        let cause = safe(&result.change.cause.to_string());
        let _ = writeln!(text, "  {}  [{cause}]: {came}", text::line(&result.change));
        for (member, message) in &result.refused_members {
            let _ = writeln!(text, "    set aside: member {member}: {}", safe(message));
        }
        for message in &result.left_out {
            let _ = writeln!(text, "    left out: {}", safe(message));
        }
    }
    text
}

/// The text for one group: where it is, what came of it, how it stands, what stalls its policy.
fn of_group(engine: &Engine, id: ObjectId, lines: &str) -> String {
    let memory = engine.memory();
    let mut text = format!("group {id}");
    let policy = memory.kept.get(&id);
    if let Some(policy) = policy {
        let _ = write!(text, " of policy {policy}");
    }
    let place = memory.intents.get(&id).and_then(|of| of.attributes.get("distinguishedName"));
    if let Some(place) = place {
        let _ = write!(text, ": {}", safe(place));
    }
    text.push('\n');
    match (lines.is_empty(), policy) {
        (false, _) => text.push_str(lines),
        (true, Some(_)) => text.push_str("  nothing waits\n"),
        (true, None) => text.push_str(
            "  no policy writes it; `writeback explain GROUP` says why, `writeback plan` what is\n",
        ),
    }
    let view = engine.report().groups();
    let own = view.group(id).map(|group| view.conditions(group)).unwrap_or_default();
    for told in told(&own) {
        let _ = writeln!(text, "  {told}");
    }
    // A policy can be stalled and go on with this group: its last good version does.
    let stalled = policy.and_then(|policy| {
        let mut of_policy = engine.conditions().get(policy)?.iter();
        let stalled = of_policy.find(|told| told.kind == ConditionKind::Stalled && told.status)?;
        Some((policy, stalled))
    });
    if let Some((policy, Condition { kind, reason, message, .. })) = stalled {
        let _ = writeln!(text, "  policy {policy}: {kind:?} ({reason:?}) {}", safe(message));
    }
    text
}

/// The text for all groups together.
fn of_all(finished: &Finished, held: usize) -> String {
    let mut text = text::outcomes(&finished.acted.results);
    if held > 0 {
        let _ = writeln!(text, "{held} changes are held; `writeback plan` shows them");
    }
    text
}
