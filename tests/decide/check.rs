//! What a pass decided, in short lines, and the one comparison of all cases.
//!
//! `create sales as Group_sales`, `fill sales: ann`, `activate sales`, `add`, `remove`, `rename`,
//! `move`, `sam`, `update`, `convert`, `adopt`, `delete`, `freeze`. In front of them `held` for what the
//! guard keeps back, `observed`, `unconfirmed`. A new group without members is created and
//! activated; one word says both. Then `unknown sales`, `stalled p: Reason`, and
//! `! Code sales` for findings.

use writeback::decide::convert::is_universal;
use writeback::decide::guard::{Answers, Guarded, Scale, guard};
use writeback::decide::{Decision, plan};
use writeback::model::PolicyName;
use writeback::model::change::{Change, Effect, Kind, MemberReference};

use crate::observed::Order;
use crate::world::World;

/// Compares the decision of one pass with the expected lines. The order of changes counts; the
/// lines about them come first.
pub(crate) fn check(world: &World, expected: &str) {
    let expected: Vec<_> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines(world).join("\n"), expected.join("\n"));
}

/// What the guard says of a decision. The domain tells how many are inside a nested group, the
/// tenant that nobody has left.
pub(crate) fn guarded(world: &World, decision: &Decision) -> Guarded {
    let inside = decision.asked.nested.iter().map(|group| (*group, world.inside_of(*group)));
    let answers = Answers { inside: inside.collect(), ..Answers::default() };
    let policies = world.policy_set();
    guard(&decision.plan, &Scale::of(&policies, &world.memory, decision, &answers, world.now))
}

/// The same where the changes of one policy alone are made.
pub(crate) fn guarded_only(world: &World, decision: &Decision, only: &PolicyName) -> Guarded {
    let (policies, answers) = (world.policy_set(), Answers::default());
    let scale = Scale::of(&policies, &world.memory, decision, &answers, world.now);
    guard(&decision.plan, &scale.only(Some(only)))
}

pub(crate) fn lines(world: &World) -> Vec<String> {
    let decision = world.decide(Order::Given);
    let guarded = guarded(world, &decision);
    let mut lines: Vec<String> = Vec::new();
    let mut section = |word: &str, changes: &[Change]| {
        lines.extend(told(changes).map(|change| format!("{word}{}", line(world, change))));
    };
    section("", guarded.admitted.changes());
    section("held ", &guarded.held.changes);
    let frozen: Vec<_> =
        decision.plan.changes.iter().filter(|c| c.effect == Effect::Freeze).cloned().collect();
    section("", &frozen);
    section("observed ", &decision.plan.observed);
    section("unconfirmed ", &decision.plan.unconfirmed);
    lines.extend(decision.unknown.keys().map(|id| format!("unknown {}", word(world, id))));
    lines
        .extend(decision.stalled.iter().map(|(name, (why, _))| format!("stalled {name}: {why:?}")));
    lines.extend(decision.findings.iter().map(|finding| {
        let subject = finding.group.map_or_else(|| "*".to_owned(), |id| word(world, &id));
        format!("! {:?} {subject}", finding.code)
    }));
    lines
}

/// The changes without the activation of new groups that have no members to wait for.
pub(crate) fn told(changes: &[Change]) -> impl Iterator<Item = &Change> {
    let of = move |group, wanted: Kind| {
        changes.iter().any(|change| change.group == group && change.effect.kind() == wanted)
    };
    changes.iter().filter(move |change| {
        let Effect::Update { attributes } = &change.effect else { return true };
        let record = attributes.iter().all(|attribute| attribute.name == "extensionName");
        !record || !of(change.group, Kind::Create) || of(change.group, Kind::AddMembers)
    })
}

fn word(world: &World, id: &impl ToString) -> String {
    world.words(&id.to_string())
}

/// One change in a few words.
pub(crate) fn line(world: &World, change: &Change) -> String {
    let group = word(world, &change.group);
    let content = match &change.effect {
        Effect::Create { .. } => format!("create {group} as {}", change.target.dn().leaf()),
        Effect::Rename { to } => format!("rename {group}: {}", to.dn().leaf()),
        Effect::Move { to } => {
            let parent = to.dn().parent().map(|parent| parent.leaf().to_owned());
            format!("move {group}: {}/{}", parent.unwrap_or_default(), to.dn().leaf())
        }
        Effect::Update { attributes } => match attributes.as_slice() {
            [one] if one.name == "extensionName" => format!("activate {group}"),
            [one] if one.name == "sAMAccountName" => {
                format!("sam {group}: {}", one.after.as_deref().unwrap_or_default())
            }
            several => {
                let names: Vec<&str> = several.iter().map(|change| &*change.name).collect();
                format!("update {group}: {}", names.join(" "))
            }
        },
        Effect::Convert { from, to } => {
            format!("convert {group}: {} to {}", kind(*from), kind(*to))
        }
        Effect::AddMembers { members, of } => {
            let verb = if of.is_none() { "fill" } else { "add" };
            format!("{verb} {group}: {}", references(world, members))
        }
        Effect::RemoveMembers { members, .. } => {
            format!("remove {group}: {}", references(world, members))
        }
        Effect::Restore { attributes } => {
            let names: Vec<&str> = attributes.iter().map(|change| &*change.name).collect();
            format!("restore {group}: {}", names.join(" "))
        }
        Effect::Handover { from, .. } => format!("handover {group}: {from} to {}", change.policy),
        Effect::Disable { attributes, .. } => {
            let names: Vec<&str> = attributes.iter().map(|change| &*change.name).collect();
            format!("disable {group}: {}", names.join(" "))
        }
        Effect::Quarantine { to } => format!("quarantine {group} to {}", to.dn()),
        Effect::Delete { .. } => format!("delete {group}"),
        Effect::Adopt { .. } => format!("adopt {group}: {}", change.target.dn().leaf()),
        Effect::Release { attributes } => {
            let names: Vec<&str> = attributes.iter().map(|change| &*change.name).collect();
            format!("release {group}: {}", names.join(" "))
        }
        Effect::Freeze => format!("freeze {group}"),
    };
    world.words(&content)
}

fn kind(group_type: i32) -> &'static str {
    match (is_universal(group_type), group_type < 0) {
        (true, true) => "security",
        (true, false) => "distribution",
        (false, true) => "narrow security",
        (false, false) => "narrow distribution",
    }
}

/// The words of members in alphabetical order; groups of this pass with a plus in front.
fn references(world: &World, members: &[MemberReference]) -> String {
    let mut words: Vec<_> = members
        .iter()
        .map(|member| match member {
            MemberReference::Existing { guid, .. } => word(world, guid),
            MemberReference::Created { group, .. } => format!("+{}", word(world, group)),
        })
        .collect();
    words.sort();
    words.join(" ")
}

/// The canonical form of everything a pass decided.
pub(crate) fn canonical(decision: &Decision, guarded: &Guarded) -> Vec<String> {
    let plan = &decision.plan;
    [&plan.changes, &plan.observed, &plan.gone, &plan.unconfirmed]
        .into_iter()
        .flatten()
        .map(|change| format!("{} {}", plan::canonical(change), change.cause))
        .chain(decision.findings.iter().map(|finding| format!("{finding:?}")))
        .chain(guarded.held.holds.iter().map(|hold| hold.message.clone()))
        .chain([format!("{:?} {:?}", guarded.digest, guarded.reviewed)])
        .collect()
}
