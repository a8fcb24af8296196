//! Groups of ours from which a way leads up into a protected group: whoever is put in gets its
//! rights.
//!
//! From the groups above ours, at any depth, to the shortest way as a text for people. The guard
//! holds what is added to such a group; what is taken out goes on. Case table: SEMANTICS
//! "Ownership and guards".

use std::collections::{BTreeMap, VecDeque};

use crate::decide::Inputs;
use crate::decide::holdings::Holdings;
use crate::defence::stands;
use crate::model::directory::Above;
use crate::model::distinguished_name::DnKey;
use crate::model::{DirectoryGroup, Dn, Finding, FindingCode, ObjectId};

/// The way from a group into a protected one: `A is in B is in Domain Admins`, or what marks the
/// group itself. `None` where none leads there.
pub fn path(inputs: &Inputs<'_>, group: &DirectoryGroup) -> Option<String> {
    // The index is not worth building for the many that are in no group.
    let may_lead = group.privileged || !group.parents.is_empty();
    may_lead.then(|| Stairs::new(inputs).path(group)).flatten()
}

/// The groups of ours with such a way, each with it.
pub fn paths(inputs: &Inputs<'_>, holdings: &Holdings<'_>) -> BTreeMap<ObjectId, String> {
    let stairs = Stairs::new(inputs);
    let owned = holdings.owned.iter();
    owned.filter_map(|(id, owned)| Some((*id, stairs.path(owned.group)?))).collect()
}

/// One finding for each of them.
pub fn findings<'h>(
    holdings: &'h Holdings<'_>,
    paths: &'h BTreeMap<ObjectId, String>,
) -> impl Iterator<Item = Finding> + 'h {
    paths.iter().filter_map(|(id, path)| {
        let owned = holdings.owned.get(id)?;
        let message = format!(
            "{}: {path}; what would be added to it is held, removals go on; take it out of there",
            owned.group.dn
        );
        let (policy, code) = (Some(owned.record.policy.clone()), FindingCode::PrivilegedPath);
        Some(Finding { policy, group: Some(*id), code, message })
    })
}

/// The way up from every group.
struct Stairs<'a> {
    above: &'a BTreeMap<DnKey, Above>,
    /// Marked groups, which may stand between ours and a protected one.
    marked: BTreeMap<DnKey, &'a DirectoryGroup>,
}

/// One group on the way.
struct Step<'a> {
    name: &'a str,
    parents: Vec<&'a Dn>,
    protected: bool,
}

impl<'a> Stairs<'a> {
    fn new(inputs: &Inputs<'a>) -> Self {
        let groups = inputs.directory.groups.value().values();
        let marked = groups.map(|group| (group.dn.key(), group)).collect();
        Self { above: &inputs.directory.above, marked }
    }

    fn path(&self, group: &DirectoryGroup) -> Option<String> {
        if !stands("H52") {
            return None;
        }
        let own = group.dn.leaf();
        if group.privileged {
            let marks = "adminCount=1, isCriticalSystemObject or a RID below 1000";
            return Some(format!("{own} is privileged itself ({marks})"));
        }
        // Level by level, so that the way is the shortest. Cycles end: no group is taken twice.
        let mut from: BTreeMap<DnKey, Option<DnKey>> = BTreeMap::new();
        let mut open: VecDeque<(DnKey, Option<DnKey>)> =
            group.parents.iter().map(|parent| (parent.key(), None)).collect();
        while let Some((key, below)) = open.pop_front() {
            if from.contains_key(&key) {
                continue;
            }
            from.insert(key.clone(), below);
            let Some(step) = self.step(&key) else { continue };
            if step.protected {
                return Some(format!("{own} is in {}", self.told(&key, &from)));
            }
            open.extend(step.parents.iter().map(|parent| (parent.key(), Some(key.clone()))));
        }
        None
    }

    /// A group by its name: as it was read above ours, and as one with a mark.
    fn step(&self, key: &DnKey) -> Option<Step<'_>> {
        let (above, marked) = (self.above.get(key), self.marked.get(key));
        let name = above.map(|group| group.dn.leaf()).or(marked.map(|group| group.dn.leaf()))?;
        let parents = above.into_iter().flat_map(|group| &group.parents);
        let parents = parents.chain(marked.into_iter().flat_map(|group| &group.parents)).collect();
        let protected = above.is_some_and(|group| group.protected)
            || marked.is_some_and(|group| group.privileged);
        Some(Step { name, parents, protected })
    }

    /// The names on the way to `key`, lowest first.
    fn told(&self, key: &DnKey, from: &BTreeMap<DnKey, Option<DnKey>>) -> String {
        let mut names = Vec::new();
        let mut here = Some(key);
        while let Some(key) = here {
            names.extend(self.step(key).map(|step| step.name));
            here = from.get(key).and_then(Option::as_ref);
        }
        names.reverse();
        names.join(" is in ")
    }
}
