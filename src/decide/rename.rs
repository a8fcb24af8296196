//! Renames, moves and new pre-Windows 2000 names, in an order in which every name is free when it
//! is taken; a cycle is broken by one step aside.
//!
//! From the names that `naming` gave to changes on existing groups.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::name::{Step, aside, order};
use crate::decide::naming::Named;
use crate::decide::wanted::Wanted;
use crate::decide::{Inputs, cause};
use crate::model::change::{AttributeChange, Cause, Change, Effect};
use crate::model::{DirectoryGroup, Dn, ObjectId, Target};

/// All changes of names and places.
pub fn name_changes(
    inputs: &Inputs<'_>,
    wanted: &[Wanted<'_>],
    named: &BTreeMap<ObjectId, Named>,
) -> Vec<Change> {
    let mut changes = place_changes(inputs, wanted, named);
    changes.extend(sam_changes(inputs, wanted, named));
    changes
}

/// A group on its way to another name.
struct Move<'w, 'g, T> {
    group: &'w Wanted<'g>,
    existing: &'g DirectoryGroup,
    to: T,
}

impl<T> Move<'_, '_, T> {
    fn change(&self, target: Target, effect: Effect, cause: Cause) -> Change {
        Change {
            policy: self.group.policy.name.clone(),
            group: self.group.cloud.id,
            label: self.existing.dn.leaf().to_owned(),
            target,
            effect,
            cause,
        }
    }
}

fn place_changes(
    inputs: &Inputs<'_>,
    wanted: &[Wanted<'_>],
    named: &BTreeMap<ObjectId, Named>,
) -> Vec<Change> {
    let moves: Vec<Move<'_, '_, &Dn>> = wanted
        .iter()
        .filter_map(|group| {
            let (existing, to) = (group.existing()?, named.get(&group.cloud.id)?.dn.as_ref()?);
            differs(&existing.dn, to).then_some(Move { group, existing, to })
        })
        .collect();
    let keys: Vec<_> = moves.iter().map(|one| (one.existing.dn.key(), one.to.key())).collect();
    let mut stepped: BTreeSet<usize> = BTreeSet::new();
    let mut changes = Vec::new();
    for step in order(&keys) {
        let (Step::Go(index) | Step::Aside(index)) = step;
        let Some(one) = moves.get(index) else { continue };
        let here = &one.existing.dn;
        let Some(beside) = here.parent().map(|parent| parent.child(&aside(one.group.cloud.id)))
        else {
            continue;
        };
        let (from, to) = match step {
            Step::Aside(_) => (here.clone(), beside),
            Step::Go(_) if stepped.contains(&index) => (beside, one.to.clone()),
            Step::Go(_) => (here.clone(), one.to.clone()),
        };
        if matches!(step, Step::Aside(_)) {
            stepped.insert(index);
        }
        let difference = AttributeChange {
            name: "distinguishedName".into(),
            before: Some(here.to_string()),
            after: Some(one.to.to_string()),
        };
        let cause = cause::of_attributes(inputs, one.group, &[difference]);
        let same_container = from.parent().map(|p| p.key()) == to.parent().map(|p| p.key());
        let object = one.existing.guid;
        let admitted = inputs.containers.admit(object, from);
        let Some((target, to)) = admitted.zip(inputs.containers.admit(object, to)) else {
            continue;
        };
        let effect = if same_container { Effect::Rename { to } } else { Effect::Move { to } };
        changes.push(one.change(target, effect, cause));
    }
    changes
}

/// Whether two DNs differ in more than the spelling of their containers. The name itself counts to
/// the letter: a change of case alone is written.
fn differs(from: &Dn, to: &Dn) -> bool {
    from.leaf() != to.leaf() || from.parent().map(|p| p.key()) != to.parent().map(|p| p.key())
}

fn sam_changes(
    inputs: &Inputs<'_>,
    wanted: &[Wanted<'_>],
    named: &BTreeMap<ObjectId, Named>,
) -> Vec<Change> {
    let moves: Vec<Move<'_, '_, &String>> = wanted
        .iter()
        .filter_map(|group| {
            let (existing, to) = (group.existing()?, named.get(&group.cloud.id)?.sam.as_ref()?);
            (existing.sam_account_name != *to).then_some(Move { group, existing, to })
        })
        .collect();
    let keys: Vec<_> = moves
        .iter()
        .map(|one| (one.existing.sam_account_name.to_lowercase(), one.to.to_lowercase()))
        .collect();
    let mut stepped: BTreeSet<usize> = BTreeSet::new();
    let mut changes = Vec::new();
    for step in order(&keys) {
        let (Step::Go(index) | Step::Aside(index)) = step;
        let Some(one) = moves.get(index) else { continue };
        let place = one.existing.dn.clone();
        let Some(target) = inputs.containers.admit(one.existing.guid, place) else { continue };
        let (here, beside) = (one.existing.sam_account_name.clone(), aside(one.group.cloud.id));
        let (before, after) = match step {
            Step::Aside(_) => (here, beside),
            Step::Go(_) if stepped.contains(&index) => (beside, one.to.clone()),
            Step::Go(_) => (here, one.to.clone()),
        };
        if matches!(step, Step::Aside(_)) {
            stepped.insert(index);
        }
        let change = |after: &str| AttributeChange {
            name: "sAMAccountName".into(),
            before: Some(before.clone()),
            after: Some(after.to_owned()),
        };
        let cause = cause::of_attributes(inputs, one.group, &[change(one.to)]);
        let effect = Effect::Update { attributes: vec![change(&after)] };
        changes.push(one.change(target, effect, cause));
    }
    changes
}
