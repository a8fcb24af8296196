//! What a change set did to each object, all its deeds taken together.
//!
//! From what the journal tells, in its order, to before and after; `undo` turns that round.

use std::collections::BTreeMap;

use crate::model::change::LastSight;
use crate::model::past::{Deed, Past};
use crate::model::{AttributeChange, AttributeName, ObjectGuid, ObjectId, PolicyName};

/// Attributes of which a change names one value among several.
const MULTI_VALUED: [&str; 2] = ["extensionName", "proxyAddresses"];

/// What a change set did to one object, from its first deed to its last.
#[derive(Debug)]
pub(super) struct Deeds<'p> {
    pub policy: &'p PolicyName,
    pub group: ObjectId,
    pub object: ObjectGuid,
    pub life: Life<'p>,
    /// The values of each attribute that it turned into others.
    pub attributes: BTreeMap<&'p AttributeName, Vec<Turn<'p>>>,
    /// From where to where.
    pub moved: Option<(&'p str, &'p str)>,
    /// Whether each was a member before and after.
    pub members: BTreeMap<ObjectGuid, (bool, bool)>,
}

/// Whether the object was there before and after.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life<'p> {
    /// Before and after.
    There,
    /// Only after: made, or brought back.
    Begun,
    /// Only before; where it was, and how it was seen last.
    Ended(&'p str, &'p LastSight),
    /// Neither.
    Passed,
}

/// A value of an attribute before, and what may stand there after.
#[derive(Clone, Debug)]
pub(super) struct Turn<'p> {
    pub before: Option<&'p str>,
    pub after: Vec<Option<&'p str>>,
}

/// Whether a change of this attribute names one value among several.
pub(super) fn is_multi_valued(name: &str) -> bool {
    MULTI_VALUED.contains(&name)
}

/// The deeds of a change set by object.
pub(super) fn gather(past: &[Past]) -> BTreeMap<ObjectGuid, Deeds<'_>> {
    let mut all: BTreeMap<ObjectGuid, Deeds<'_>> = BTreeMap::new();
    for Past { policy, group, object, dn, deed, at: _ } in past {
        let deeds = all.entry(*object).or_insert_with(|| Deeds {
            policy,
            group: *group,
            object: *object,
            life: Life::There,
            attributes: BTreeMap::new(),
            moved: None,
            members: BTreeMap::new(),
        });
        deeds.take(dn, deed);
    }
    all
}

impl<'p> Deeds<'p> {
    fn take(&mut self, dn: &'p str, deed: &'p Deed) {
        match deed {
            Deed::Added { .. } => self.life = Life::Begun,
            Deed::Restored => {
                self.life = match self.life {
                    Life::Ended(..) => Life::There,
                    Life::There | Life::Begun | Life::Passed => Life::Begun,
                }
            }
            Deed::Deleted(last) => {
                self.life = match self.life {
                    Life::There | Life::Ended(..) => Life::Ended(dn, last),
                    Life::Begun | Life::Passed => Life::Passed,
                }
            }
            Deed::Moved { to } => {
                let from = self.moved.map_or(dn, |(from, _)| from);
                self.moved = Some((from, to));
            }
            Deed::Modified { attributes } => {
                for AttributeChange { name, before, after } in attributes {
                    self.turn(name, before.as_deref(), after.as_deref());
                }
            }
            Deed::MembersAdded(members) => self.members(members, true),
            Deed::MembersRemoved(members) => self.members(members, false),
        }
    }

    fn turn(&mut self, name: &'p AttributeName, before: Option<&'p str>, after: Option<&'p str>) {
        let turns = self.attributes.entry(name).or_default();
        let several = is_multi_valued(name);
        let follows = |turn: &&mut Turn<'_>| {
            !several || before.is_some() && turn.after.last() == Some(&before)
        };
        match turns.iter_mut().find(follows) {
            Some(turn) => turn.after = vec![after],
            None => turns.push(Turn { before, after: vec![after] }),
        }
    }

    fn members(&mut self, members: &[ObjectGuid], now: bool) {
        for member in members {
            self.members.entry(*member).or_insert((!now, now)).1 = now;
        }
    }

    /// The same with what the deletion took: a group that is restored has lost some of it, or
    /// nothing.
    pub(super) fn turns(&self) -> BTreeMap<&'p AttributeName, Vec<Turn<'p>>> {
        let mut all = self.attributes.clone();
        let Life::Ended(_, last) = self.life else { return all };
        for (name, value) in &last.attributes {
            let turns = all.entry(name).or_default();
            let several = is_multi_valued(name);
            let value = Some(value.as_str());
            let turn = turns.iter_mut().find(|turn| !several || turn.after.last() == Some(&value));
            match turn {
                Some(turn) => turn.after.extend([value, None]),
                None => turns.push(Turn { before: value, after: vec![None] }),
            }
        }
        all
    }

    /// Who was a member before and may have been lost: taken out, or gone with the group.
    pub(super) fn lost_members(&self) -> Vec<ObjectGuid> {
        let mut lost: Vec<_> = self.net(true).collect();
        if let Life::Ended(_, last) = self.life {
            let came = |guid: &&ObjectGuid| self.members.get(*guid) == Some(&(false, true));
            lost.extend(last.members.iter().filter(|guid| !came(guid)));
        }
        lost.sort_unstable();
        lost.dedup();
        lost
    }

    /// Who was put in and was no member before.
    pub(super) fn new_members(&self) -> impl Iterator<Item = ObjectGuid> {
        self.net(false)
    }

    fn net(&self, was: bool) -> impl Iterator<Item = ObjectGuid> {
        let net = self.members.iter().filter(move |(_, state)| **state == (was, !was));
        net.map(|(guid, _)| *guid)
    }
}
