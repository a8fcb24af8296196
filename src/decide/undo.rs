//! Turns a change set round: what it did is taken back where the directory still is as it left it.
//!
//! From the deeds that the journal tells and the directory of today to a plan that goes through the
//! same guard as any other. Three-way, value by value:
//!
//! | before the change set | after it | today | undone by |
//! |---|---|---|---|
//! | a | b | b | a |
//! | a | b | a | nothing: it is undone already |
//! | a | b | anything else | nothing: somebody changed it since, finding |
//!
//! A group that the change set made is deleted again; one that it deleted is restored, with its
//! SID, and its members are put back. What a restoration brings back is seen by a second look.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::{Decision, Inputs, holdings};
use crate::model::change::{Cause, Change, Effect, LastSight, MemberReference};
use crate::model::past::{Deed, Past};
use crate::model::{
    AttributeChange, AttributeName, Dn, FindingCode, ObjectGuid, ObjectId, PolicyName, Target,
};

/// What a change set did to one object, from its first deed to its last.
#[derive(Debug)]
struct Deeds<'p> {
    policy: &'p PolicyName,
    group: ObjectId,
    object: ObjectGuid,
    made: bool,
    restored: bool,
    deleted: Option<(&'p str, &'p LastSight)>,
    /// Before and after, for each attribute.
    attributes: BTreeMap<&'p AttributeName, (Option<&'p str>, Option<&'p str>)>,
    /// From where to where.
    moved: Option<(&'p str, &'p str)>,
    /// Whether each was a member before and after.
    members: BTreeMap<ObjectGuid, (bool, bool)>,
}

/// Plans the way back; findings tell what stays as it is.
pub fn undo(inputs: &Inputs<'_>, past: &[Past], what: &str, decision: &mut Decision) {
    for deeds in gather(past).values() {
        let back = Back { inputs, deeds, what };
        match back.changes() {
            Ok((changes, doubts)) => {
                decision.plan.changes.extend(changes);
                for doubt in doubts {
                    back.tell(decision, doubt);
                }
            }
            Err(doubt) => back.tell(decision, doubt),
        }
    }
}

/// The groups that a change set touched.
pub fn groups(past: &[Past]) -> BTreeSet<ObjectId> {
    past.iter().map(|deed| deed.group).collect()
}

fn gather(past: &[Past]) -> BTreeMap<ObjectGuid, Deeds<'_>> {
    let mut all: BTreeMap<ObjectGuid, Deeds<'_>> = BTreeMap::new();
    for Past { policy, group, object, dn, deed, at: _ } in past {
        let deeds = all.entry(*object).or_insert_with(|| Deeds {
            policy,
            group: *group,
            object: *object,
            made: false,
            restored: false,
            deleted: None,
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
            Deed::Added { .. } => self.made = true,
            Deed::Restored => self.restored = true,
            Deed::Deleted(last) => self.deleted = Some((dn, last)),
            Deed::Moved { to } => {
                let from = self.moved.map_or(dn, |(from, _)| from);
                self.moved = Some((from, to));
            }
            Deed::Modified { attributes } => {
                for AttributeChange { name, before, after } in attributes {
                    let first = self.attributes.get(name).map(|(first, _)| *first);
                    let first = first.unwrap_or(before.as_deref());
                    self.attributes.insert(name, (first, after.as_deref()));
                }
            }
            Deed::MembersAdded(members) => self.members(members, true),
            Deed::MembersRemoved(members) => self.members(members, false),
        }
    }

    fn members(&mut self, members: &[ObjectGuid], now: bool) {
        for member in members {
            self.members.entry(*member).or_insert((!now, now)).1 = now;
        }
    }
}

/// The way back of one object.
struct Back<'a> {
    inputs: &'a Inputs<'a>,
    deeds: &'a Deeds<'a>,
    what: &'a str,
}

type Way = (Vec<Change>, Vec<String>);

impl Back<'_> {
    fn tell(&self, decision: &mut Decision, message: String) {
        let Deeds { policy, group, .. } = self.deeds;
        decision.tell(policy, *group, FindingCode::UndoConflict, message);
    }

    fn changes(&self) -> Result<Way, String> {
        let object = self.deeds.object;
        let owned = holdings::holdings(self.inputs).owned.remove(&self.deeds.group);
        let owned = owned.filter(|owned| owned.group.guid == object && owned.frozen.is_none());
        let Some(target) = owned.as_ref().and_then(|owned| owned.target.clone()) else {
            return self.absent();
        };
        let here = self.members_today()?;
        if self.deeds.made || self.deeds.restored {
            let others = here.iter().filter(|guid| !self.deeds.members.contains_key(*guid)).count();
            if others > 0 {
                return Err(format!(
                    "{} was made by the change set but holds {others} members that it did not put \
                     in: it stays",
                    target.dn()
                ));
            }
            let last = LastSight { attributes: Vec::new(), members: here.into_iter().collect() };
            return Ok((vec![self.change(&target, Effect::Delete { last })], Vec::new()));
        }
        let mut way = (Vec::new(), Vec::new());
        self.place(&target, &mut way);
        self.attributes(&target, &mut way);
        self.members(&target, &here, &mut way);
        Ok(way)
    }

    /// The object is not there as ours: it was deleted, by the change set or by somebody else.
    fn absent(&self) -> Result<Way, String> {
        let object = self.deeds.object;
        let Some((dn, last)) = self.deeds.deleted else {
            if self.deeds.made {
                // What is not there any more is undone.
                return Ok((Vec::new(), Vec::new()));
            }
            return Err(format!(
                "the object {object} of the change set is not there as a group of ours: nothing of \
                 it is undone"
            ));
        };
        let deleted = self.inputs.directory.deleted.get(&object);
        let deleted = deleted.ok_or_else(|| {
            format!(
                "the deleted object {object} ({dn}) cannot be seen any more: it is not restored"
            )
        })?;
        let place = Dn::parse(dn).ok().and_then(|dn| self.inputs.containers.admit(object, dn));
        let target = place.ok_or_else(|| format!("{dn} lies outside the containers"))?;
        let marks = ["adminDescription", "extensionName", "msDS-ExternalDirectoryObjectId"];
        let stands = |name: &str| match name {
            "adminDescription" => deleted.admin_description.clone(),
            "msDS-ExternalDirectoryObjectId" => deleted.external_id.clone(),
            "extensionName" => deleted.records.first().map(|value| value.text.clone()),
            _ => deleted.sam_account_name.clone(),
        };
        // The pre-Windows 2000 name is sent even when it stays: see `content::restoration`.
        let wanted = last
            .attributes
            .iter()
            .filter(|(name, _)| marks.contains(&&**name) || *name == "sAMAccountName");
        let attributes = wanted.filter_map(|(name, value)| {
            let before = stands(name);
            let is_new = before.as_deref() != Some(value.as_str()) || *name == "sAMAccountName";
            let after = Some(value.clone());
            is_new.then(|| AttributeChange { name: name.clone(), before, after })
        });
        let attributes = attributes.collect();
        let mut changes = vec![self.change(&target, Effect::Restore { attributes })];
        changes.extend(self.put_back(&target, &last.members, 0));
        Ok((changes, Vec::new()))
    }

    fn members_today(&self) -> Result<BTreeSet<ObjectGuid>, String> {
        let members = self.inputs.directory.members.get(&self.deeds.object);
        match members {
            Some(Ok(members)) => Ok(members.value().iter().map(|member| member.guid).collect()),
            Some(Err(unread)) => Err(format!("its members cannot be read: {}", unread.reason)),
            None => Err("its members were not read".to_owned()),
        }
    }

    fn place(&self, target: &Target, (changes, doubts): &mut Way) {
        let Some((from, to)) = self.deeds.moved else { return };
        let (Ok(from), Ok(to)) = (Dn::parse(from), Dn::parse(to)) else { return };
        if target.dn().key() == from.key() && target.dn().leaf() == from.leaf() {
            return;
        }
        if target.dn().key() != to.key() {
            doubts.push(format!("{} was renamed or moved again since", target.dn()));
            return;
        }
        let moves = from.parent().map(|dn| dn.key()) != to.parent().map(|dn| dn.key());
        match self.inputs.containers.admit(self.deeds.object, from) {
            Some(to) if moves => changes.push(self.change(target, Effect::Move { to })),
            Some(to) => changes.push(self.change(target, Effect::Rename { to })),
            None => doubts.push("its former place lies outside the containers".to_owned()),
        }
    }

    fn attributes(&self, target: &Target, (changes, doubts): &mut Way) {
        let mut wanted = self.deeds.attributes.clone();
        // A restored group: what deletion took and the restoration did not bring back.
        let lost = self.deeds.deleted.into_iter().flat_map(|(_, last)| &last.attributes);
        wanted.extend(lost.map(|(name, value)| (name, (Some(value.as_str()), None))));
        let (mut back, mut convert) = (Vec::new(), None);
        for (name, (before, after)) in wanted {
            let today = self.today(name, before);
            if today.as_deref() == before {
                continue;
            }
            if today.as_deref() != after {
                doubts.push(format!("{name} of {} was changed since: it stays", target.dn()));
                continue;
            }
            match (&**name, before.map(str::parse), today.as_deref().map(str::parse)) {
                ("groupType", Some(Ok(to)), Some(Ok(from))) => {
                    convert = Some(Effect::Convert { from, to });
                }
                _ => back.push(AttributeChange {
                    name: name.clone(),
                    before: today,
                    after: before.map(str::to_owned),
                }),
            }
        }
        if !back.is_empty() {
            back.sort();
            changes.push(self.change(target, Effect::Update { attributes: back }));
        }
        changes.extend(convert.map(|effect| self.change(target, effect)));
    }

    /// The value an attribute has today; of several, the one that is asked about.
    fn today(&self, name: &str, before: Option<&str>) -> Option<String> {
        let group = self.inputs.directory.groups.value().get(&self.deeds.object)?;
        let one = |values: Vec<String>| {
            let known = values.iter().find(|value| Some(value.as_str()) == before).cloned();
            known.or_else(|| values.into_iter().next())
        };
        match name {
            "adminDescription" => group.admin_description.clone(),
            "msDS-ExternalDirectoryObjectId" => group.external_id.clone(),
            "displayName" => group.display_name.clone(),
            "description" => group.description.clone(),
            "sAMAccountName" => Some(group.sam_account_name.clone()),
            "groupType" => Some(group.group_type.to_string()),
            "extensionName" => one(group.records.iter().map(|value| value.text.clone()).collect()),
            _ => one(group.values(name).to_vec()),
        }
    }

    fn members(&self, target: &Target, here: &BTreeSet<ObjectGuid>, (changes, _): &mut Way) {
        let differs = |was: bool| {
            let net = self.deeds.members.iter().filter(move |(_, state)| **state == (was, !was));
            net.map(|(guid, _)| *guid)
        };
        let mut missing: Vec<_> = differs(true).filter(|guid| !here.contains(guid)).collect();
        let last = self.deeds.deleted.into_iter().flat_map(|(_, last)| &last.members);
        missing.extend(last.filter(|guid| !here.contains(guid)));
        missing.sort_unstable();
        missing.dedup();
        changes.extend(self.put_back(target, &missing, here.len()));
        let extra = differs(false).filter(|guid| here.contains(guid));
        let members: Vec<_> = extra.map(|guid| self.reference(guid)).collect();
        if !members.is_empty() {
            let of = here.len();
            changes.push(self.change(target, Effect::RemoveMembers { members, of }));
        }
    }

    /// Puts members back that are still in the domain.
    fn put_back(&self, target: &Target, members: &[ObjectGuid], of: usize) -> Option<Change> {
        let known = self.inputs.directory.principals.value();
        let living = members.iter().filter(|guid| known.contains_key(guid));
        let members: Vec<_> = living.map(|guid| self.reference(*guid)).collect();
        let effect = Effect::AddMembers { members, of: Some(of) };
        let is_empty = matches!(&effect, Effect::AddMembers { members, .. } if members.is_empty());
        (!is_empty).then(|| self.change(target, effect))
    }

    fn reference(&self, guid: ObjectGuid) -> MemberReference {
        let principal = self.inputs.directory.principals.value().get(&guid);
        let label = principal.map_or_else(|| guid.to_string(), |p| p.dn.leaf().to_owned());
        MemberReference::Existing { guid, label }
    }

    fn change(&self, target: &Target, effect: Effect) -> Change {
        Change {
            policy: self.deeds.policy.clone(),
            group: self.deeds.group,
            label: target.dn().leaf().to_owned(),
            target: target.clone(),
            effect,
            cause: Cause::Person(format!("undo of {}", self.what)),
        }
    }
}
