//! Directory groups that a person gives to cloud groups: they are taken up as they stand.
//!
//! From `spec.adoption` and the claims of a pass to groups that are ours from now on, or to what
//! stands in the way: see `entry`. Nothing is ever taken up by its name. `release` is the way back.

mod entry;
mod release;

use std::collections::{BTreeMap, BTreeSet};

pub use release::{Released, Which, release};

use crate::decide::Inputs;
use crate::decide::adopt::entry::{Judge, Verdict};
use crate::decide::buried::{self, Buried};
use crate::decide::claim::Claims;
use crate::decide::holdings::{Holdings, Owned};
use crate::decide::wanted::Wanted;
use crate::model::change::{AttributeChange, Cause, Effect};
use crate::model::directory::DeletedGroup;
use crate::model::memory::Intent;
use crate::model::record::adopted_mark;
use crate::model::{Dn, Finding, FindingCode, ObjectId};

/// The attributes that say whose a group is.
const MARKS: [&str; 3] = ["adminDescription", "extensionName", "msDS-ExternalDirectoryObjectId"];

/// Whether an attribute is one of those that say whose a group is.
pub fn is_mark(name: &str) -> bool {
    MARKS.contains(&name)
}

/// What comes of the entries of all policies.
#[derive(Debug, Default)]
pub struct Adoptions<'a> {
    /// Groups that this pass takes up, by cloud group.
    pub taken: BTreeMap<ObjectId, Owned<'a>>,
    /// Cloud groups whose object is not taken up, or not yet: none is made in its place.
    pub awaited: BTreeSet<ObjectId>,
    /// What stands in the way.
    pub findings: Vec<Finding>,
}

/// Judges every entry of every policy in force.
pub fn adoptions<'a>(
    inputs: &Inputs<'a>,
    claims: &Claims,
    holdings: &Holdings<'a>,
) -> Adoptions<'a> {
    let judge = Judge::new(inputs, claims, holdings);
    let mut adoptions = Adoptions::default();
    for (index, standing) in inputs.policies.policies.iter().enumerate() {
        for entry in &standing.policy.adoption {
            match judge.verdict(index, standing, entry) {
                Verdict::Done => {}
                Verdict::Waits => {
                    adoptions.awaited.insert(entry.group);
                }
                Verdict::Taken(owned) => {
                    adoptions.taken.insert(entry.group, owned);
                }
                Verdict::Refused(message) => {
                    adoptions.awaited.insert(entry.group);
                    adoptions.findings.push(Finding {
                        policy: Some(standing.policy.name.clone()),
                        group: Some(entry.group),
                        code: FindingCode::AdoptionRefused,
                        message: format!("{message} ({})", entry.place),
                    });
                }
            }
        }
    }
    adoptions
}

impl<'a> Holdings<'a> {
    /// Takes over what comes of the entries.
    pub fn adopt(&mut self, adoptions: Adoptions<'a>) {
        let Adoptions { taken, awaited, findings } = adoptions;
        for (id, owned) in taken {
            let is_it = |guid| guid == owned.group.guid;
            if self.strangers.get(&id).is_some_and(|stranger| is_it(stranger.guid)) {
                self.strangers.remove(&id);
            }
            self.marked.entry(id).or_default().insert(owned.group.guid);
            self.owned.insert(id, owned);
        }
        self.awaited.extend(awaited);
        self.findings.extend(findings);
    }
}

/// The change that makes a group ours: record, mark and anchors, where the entry says so.
pub fn adoption(inputs: &Inputs<'_>, owned: &Owned<'_>) -> Option<(Effect, Cause)> {
    let entry = owned.adoption?;
    let (group, id) = (owned.group, owned.record.id);
    let (anchor, mark) = (Some(id.anchor()), Some(adopted_mark(id)));
    let mut wanted = vec![
        ("adminDescription", group.admin_description.clone(), anchor.clone()),
        ("extensionName", group.adopted.clone(), mark),
        ("extensionName", None, Some(owned.record_text.clone())),
    ];
    if inputs.directory.facts.has_external_id {
        wanted.push(("msDS-ExternalDirectoryObjectId", group.external_id.clone(), anchor));
    }
    let mut attributes: Vec<AttributeChange> = wanted
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| AttributeChange { name: name.into(), before, after })
        .collect();
    attributes.sort();
    Some((Effect::Adopt { attributes }, Cause::Policy(entry.place.clone())))
}

/// The mark that memory keeps of an adopted group, beside what else the group is meant to be:
/// deletion takes it off the object.
pub fn meant_mark(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Option<String> {
    let is_adopted = group.is_adopted() || former(inputs, group).is_some();
    is_adopted.then(|| adopted_mark(group.cloud.id))
}

/// What a deleted group was meant to be that comes back and was adopted.
fn former<'i>(inputs: &'i Inputs<'_>, group: &Wanted<'_>) -> Option<&'i Intent> {
    let id = group.cloud.id;
    let intent = inputs.memory.intents.get(&id).filter(|_| group.owned.is_none())?;
    let is_adopted = intent.attributes.get("extensionName") == Some(&adopted_mark(id));
    (is_adopted && matches!(buried::find(inputs, id), Buried::One(_))).then_some(intent)
}

/// Where such a group stood, as far as it may stand there.
pub fn former_place(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Option<Dn> {
    let place = former(inputs, group)?.attributes.get("distinguishedName")?;
    let place = Dn::parse(place).ok()?;
    inputs.containers.admit_new(place.clone()).map(|_| place)
}

/// The pre-Windows 2000 name of such a group.
pub fn former_sam(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Option<String> {
    former(inputs, group)?.attributes.get("sAMAccountName").cloned()
}

/// The mark of such a group, where deletion took it: with the record, which stands beside it.
pub fn lost_mark(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    deleted: &DeletedGroup,
) -> Option<AttributeChange> {
    former(inputs, group).filter(|_| deleted.records.is_empty())?;
    let after = Some(adopted_mark(group.cloud.id));
    Some(AttributeChange { name: "extensionName".into(), before: None, after })
}
