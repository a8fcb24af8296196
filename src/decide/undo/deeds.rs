//! What a change set did to each object, all its deeds taken together.
//!
//! From what the journal tells, in its order, to before and after; `undo` turns that round.

use std::collections::BTreeMap;

use crate::model::change::LastSight;
use crate::model::past::{Deed, Past};
use crate::model::record::PREFIX;
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
    /// From where to where it may have come.
    pub moved: Option<(&'p str, Vec<&'p str>)>,
    /// Whether each was a member before, and after; `None` where nobody heard.
    pub members: BTreeMap<ObjectGuid, (bool, Option<bool>)>,
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
    /// Before, and after if its end was not done: nobody heard.
    PerhapsEnded(&'p str, &'p LastSight),
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

/// The deeds of a change set by object. `standing` tells which object of ours stands there as a
/// cloud group: what was made is that one or none.
pub(super) fn gather(
    past: &[Past],
    standing: impl Fn(ObjectId) -> Option<ObjectGuid>,
) -> BTreeMap<ObjectGuid, Deeds<'_>> {
    let mut all: BTreeMap<ObjectGuid, Deeds<'_>> = BTreeMap::new();
    for Past { policy, group, object, dn, deed, heard, at: _ } in past {
        let Some(object) = object.or_else(|| standing(*group)) else { continue };
        let deeds = all.entry(object).or_insert_with(|| Deeds {
            policy,
            group: *group,
            object,
            life: Life::There,
            attributes: BTreeMap::new(),
            moved: None,
            members: BTreeMap::new(),
        });
        deeds.take(dn, deed, *heard);
    }
    all
}

impl<'p> Deeds<'p> {
    fn take(&mut self, dn: &'p str, deed: &'p Deed, heard: bool) {
        match deed {
            Deed::Added { .. } => self.life = Life::Begun,
            Deed::Restored => {
                self.life = match self.life {
                    Life::Ended(dn, last) if !heard => Life::PerhapsEnded(dn, last),
                    Life::PerhapsEnded(..) if !heard => self.life,
                    Life::Ended(..) | Life::PerhapsEnded(..) => Life::There,
                    Life::There | Life::Begun | Life::Passed => Life::Begun,
                }
            }
            Deed::Deleted(last) => {
                self.life = match self.life {
                    Life::There | Life::PerhapsEnded(..) if !heard => Life::PerhapsEnded(dn, last),
                    Life::There | Life::Ended(..) | Life::PerhapsEnded(..) => Life::Ended(dn, last),
                    Life::Begun | Life::Passed => Life::Passed,
                }
            }
            Deed::Moved { to } => {
                let (_, places) = self.moved.get_or_insert((dn, Vec::new()));
                places.retain(|_| !heard);
                places.push(to);
            }
            Deed::Modified { attributes } => {
                for AttributeChange { name, before, after } in attributes {
                    self.turn(name, before.as_deref(), after.as_deref(), heard);
                }
            }
            Deed::MembersAdded(members) => self.members(members, true, heard),
            Deed::MembersRemoved(members) => self.members(members, false, heard),
        }
    }

    fn turn(
        &mut self,
        name: &'p AttributeName,
        before: Option<&'p str>,
        after: Option<&'p str>,
        heard: bool,
    ) {
        let turns = self.attributes.entry(name).or_default();
        let several = is_multi_valued(name);
        let follows =
            |turn: &&mut Turn<'_>| !several || before.is_some() && turn.after.contains(&before);
        match turns.iter_mut().find(follows) {
            Some(turn) => {
                turn.after.retain(|_| !heard);
                turn.after.push(after);
            }
            None => turns.push(Turn { before, after: vec![after] }),
        }
    }

    fn members(&mut self, members: &[ObjectGuid], now: bool, heard: bool) {
        for member in members {
            let (_, after) = self.members.entry(*member).or_insert((!now, Some(!now)));
            *after = if heard || *after == Some(now) { Some(now) } else { None };
        }
    }

    /// Tells by today's directory whether an end that nobody heard of was one.
    pub(super) fn settle(&mut self, is_here: bool) {
        if let Life::PerhapsEnded(dn, last) = self.life {
            self.life = if is_here { Life::There } else { Life::Ended(dn, last) };
        }
    }

    /// Whether the object became ours by the change set.
    pub(super) fn took_it_over(&self) -> bool {
        let of_record = |(name, _): &(&&AttributeName, &Vec<Turn<'_>>)| ***name == "extensionName";
        let turns = self.attributes.iter().filter(of_record).flat_map(|(_, turns)| turns);
        let is_record = |value: &str| value.starts_with(PREFIX);
        turns.into_iter().any(|turn| {
            turn.before.is_none() && turn.after.iter().copied().flatten().any(is_record)
        })
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
            let came = |guid: &&ObjectGuid| self.members.get(*guid).is_some_and(|(was, _)| !was);
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
        let net = self
            .members
            .iter()
            .filter(move |(_, (before, after))| *before == was && *after != Some(was));
        net.map(|(guid, _)| *guid)
    }
}
