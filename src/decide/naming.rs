//! The names and places of all wanted groups.
//!
//! `name` knows how one name is made and how clashes are settled; this file applies it to the
//! groups of a pass, all together, and tells who gets no name.

use std::collections::BTreeMap;

use crate::decide::name::{Privileged, Trouble, Wish, aside, assign};
use crate::decide::wanted::Wanted;
use crate::decide::{Inputs, adopt};
use crate::model::policy::{Mode, Upkeep};
use crate::model::record::RecordState;
use crate::model::{Dn, Finding, FindingCode, ObjectId};

/// What a group is called and where it stands; `None` keeps what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its DN; `None` when its name is taken.
    pub dn: Option<Dn>,
    /// Its pre-Windows 2000 name; `None` when all candidates are taken.
    pub sam: Option<String>,
}

/// Why a group cannot be called what its policy says, whoever else is there.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    /// It has no name, whatever is free.
    Name(Trouble),
    /// The name cannot be told from a privileged one.
    Imitation,
    /// The policy's container lies outside the configured ones.
    Outside,
}

struct Candidates {
    place: Result<Dn, Obstacle>,
    sams: Vec<String>,
}

/// Names all wanted groups together, so that no two get the same and swaps are possible.
pub fn name_all(
    inputs: &Inputs<'_>,
    wanted: &[Wanted<'_>],
    findings: &mut Vec<Finding>,
) -> BTreeMap<ObjectId, Named> {
    let principals = inputs.directory.principals.value();
    let ours = wanted.iter().filter_map(|group| Some(group.existing()?.guid)).collect();
    let privileged = Privileged::of(principals.values(), &ours);
    let candidates: Vec<(&Wanted<'_>, Candidates)> = wanted
        .iter()
        .map(|group| {
            let place = place(inputs, group, &privileged);
            (group, Candidates { place, sams: sams(inputs, group, &privileged) })
        })
        .collect();
    let sam_occupied = principals
        .values()
        .filter_map(|p| Some((p.sam_account_name.as_ref()?.to_lowercase(), p.guid)))
        .collect();
    let placed = assign(
        &wishes(&candidates, |group| group.dn.key(), |all| all.place.iter().map(Dn::key).collect()),
        inputs.directory.occupied.value(),
    );
    let called = assign(
        &wishes(
            &candidates,
            |group| group.sam_account_name.to_lowercase(),
            |all| all.sams.iter().map(|name| name.to_lowercase()).collect(),
        ),
        &sam_occupied,
    );
    candidates
        .into_iter()
        .map(|(group, all)| {
            let id = group.cloud.id;
            let is_placed = placed.get(&id).is_some_and(Option::is_some);
            let chosen = called.get(&id).copied().flatten();
            let named = Named {
                dn: all.place.as_ref().ok().filter(|_| is_placed).cloned(),
                sam: chosen.and_then(|index| all.sams.get(index).cloned()),
            };
            complain(group, &named, &all.place, findings);
            (id, named)
        })
        .collect()
}

fn wishes<Key>(
    candidates: &[(&Wanted<'_>, Candidates)],
    current: impl Fn(&crate::model::DirectoryGroup) -> Key,
    wanted: impl Fn(&Candidates) -> Vec<Key>,
) -> Vec<Wish<ObjectId, Key>> {
    candidates
        .iter()
        .map(|(group, all)| Wish {
            id: group.cloud.id,
            object: group.existing().map(|existing| existing.guid),
            current: group.existing().map(&current),
            candidates: wanted(all),
        })
        .collect()
}

/// Whether a name or place is left to the administrators: always where the group was adopted. A
/// policy that takes a group over names and places it once, like a new one. A name that a pass was
/// interrupted at while it stepped aside is nobody's choice.
fn kept(group: &Wanted<'_>, upkeep: Upkeep, name: &str) -> bool {
    if group.is_adopted() {
        return true;
    }
    (upkeep == Upkeep::CreateOnly || group.policy.mode == Mode::CreateOnly)
        && name != aside(group.cloud.id)
        && !group.is_handed_over()
}

/// Where a group belongs. One that returns from quarantine goes back where new groups go.
fn place(inputs: &Inputs<'_>, group: &Wanted<'_>, privileged: &Privileged) -> Result<Dn, Obstacle> {
    let naming = &group.policy.group;
    if let Some(before) = adopt::former_place(inputs, group) {
        return Ok(before);
    }
    let existing = group.existing();
    let quarantined =
        group.owned.is_some_and(|existing| existing.owned.record.state == RecordState::Quarantined);
    let container = match existing.and_then(|existing| existing.dn.parent()) {
        Some(parent) if kept(group, naming.placement.mode, "") && !quarantined => parent,
        Some(_) | None => group.shape.container.clone().ok_or(Obstacle::Outside)?,
    };
    let own = existing.map(|existing| existing.guid);
    let cn = match existing.map(|existing| existing.dn.leaf()) {
        Some(leaf) if kept(group, naming.common_name.mode, leaf) => leaf.to_owned(),
        Some(_) | None => {
            let cn = group.shape.common_name.clone().map_err(Obstacle::Name)?;
            if privileged.imitated_by(&cn, own) {
                return Err(Obstacle::Imitation);
            }
            cn
        }
    };
    let dn = container.child(&cn);
    if inputs.containers.admit_new(dn.clone()).is_none() {
        return Err(Obstacle::Outside);
    }
    Ok(dn)
}

fn sams(inputs: &Inputs<'_>, group: &Wanted<'_>, privileged: &Privileged) -> Vec<String> {
    if let Some(before) = adopt::former_sam(inputs, group) {
        return vec![before];
    }
    let naming = &group.policy.group.sam_account_name;
    match group.existing() {
        Some(existing) if kept(group, naming.mode, &existing.sam_account_name) => {
            vec![existing.sam_account_name.clone()]
        }
        existing => {
            let own = existing.map(|existing| existing.guid);
            let mut names = group.shape.sam_account_names.clone().unwrap_or_default();
            names.retain(|name| !privileged.imitated_by(name, own));
            names
        }
    }
}

fn complain(
    group: &Wanted<'_>,
    named: &Named,
    place: &Result<Dn, Obstacle>,
    findings: &mut Vec<Finding>,
) {
    let mut tell = |code, message| {
        let policy = Some(group.policy.name.clone());
        findings.push(Finding { policy, group: Some(group.cloud.id), code, message });
    };
    let name = &group.cloud.display_name;
    match place {
        Ok(_) if named.dn.is_some() => {}
        Ok(dn) => {
            let message = format!("{name:?} would be {dn}, which is another object");
            tell(FindingCode::NameTaken, message);
        }
        Err(Obstacle::Name(Trouble::Empty)) => {
            let message = format!("{name:?} leaves nothing to make a common name of");
            tell(FindingCode::ImpossibleName, message);
        }
        Err(Obstacle::Name(Trouble::TooLong { units, units_max })) => {
            let message = format!(
                "the common name of {name:?} would have {units} characters; the directory takes \
                 {units_max}"
            );
            tell(FindingCode::ImpossibleName, message);
        }
        Err(Obstacle::Imitation) => {
            let message = format!("{name:?} gives a name that imitates a privileged object");
            tell(FindingCode::NameTaken, message);
        }
        Err(Obstacle::Outside) => {
            let container = group.shape.container.as_ref().map(ToString::to_string);
            let container = container.unwrap_or_default();
            let message = format!(
                "{name:?} belongs into {container}, which lies outside `directory.containers`"
            );
            tell(FindingCode::OutsideContainers, message);
        }
    }
    if named.sam.is_some() || matches!(place, Err(Obstacle::Name(Trouble::Empty))) {
        return;
    }
    match &group.shape.sam_account_names {
        Ok(_) => {
            let message =
                format!("every pre-Windows 2000 name that {name:?} may have is another object's");
            tell(FindingCode::NameTaken, message);
        }
        Err(Trouble::Empty) => {
            let message = format!("{name:?} leaves nothing to make a pre-Windows 2000 name of");
            tell(FindingCode::ImpossibleName, message);
        }
        Err(Trouble::TooLong { units, units_max }) => {
            let message = format!(
                "the pre-Windows 2000 name of {name:?} would have {units} characters; the \
                 directory takes {units_max}"
            );
            tell(FindingCode::ImpossibleName, message);
        }
    }
}
