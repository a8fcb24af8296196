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
//! SID, and its members are put back. What a restoration brings back, and a name that becomes free
//! only when a group is deleted, is seen by a second look.
//!
//! What nobody heard the end of counts like what was done: where it was not done, today's directory
//! shows what stood before.

mod deeds;

use std::collections::BTreeSet;

use crate::decide::holdings::{self, Owned};
use crate::decide::undo::deeds::{Deeds, Life, Turn, gather, is_multi_valued};
use crate::decide::{Decision, Inputs};
use crate::model::change::{Cause, Change, Effect, Kind, LastSight, MemberReference};
use crate::model::distinguished_name::DnKey;
use crate::model::past::Past;
use crate::model::{AttributeChange, AttributeName, Dn, FindingCode, ObjectGuid, ObjectId, Target};

/// Plans the way back; findings tell what stays as it is.
pub fn undo(inputs: &Inputs<'_>, past: &[Past], what: &str, decision: &mut Decision) {
    let mut way = Vec::new();
    let holdings = holdings::holdings(inputs);
    // What somebody gave us was not made by us.
    let made = |group| holdings.owned.get(&group).filter(|owned| !owned.is_adopted());
    for deeds in gather(past, |group| made(group).map(|owned| owned.group.guid)).values_mut() {
        let owned = holdings.owned.get(&deeds.group);
        let is_it = |o: &&Owned<'_>| o.group.guid == deeds.object && o.frozen.is_none();
        let target = owned.filter(is_it).and_then(|owned| owned.target.as_ref());
        deeds.settle(target.is_some());
        let back = Back { inputs, deeds, target, what };
        match back.changes() {
            Ok((changes, doubts)) => {
                way.extend(changes);
                for doubt in doubts {
                    back.tell(decision, doubt);
                }
            }
            Err(doubt) => back.tell(decision, doubt),
        }
    }
    let (named, rest): (Vec<_>, Vec<_>) =
        way.into_iter().partition(|change| place_taken(change).is_some());
    let (ordered, barred) = in_order(inputs, named);
    let absent: BTreeSet<ObjectId> = barred
        .iter()
        .filter(|change| change.effect.kind() == Kind::Restore)
        .map(|change| change.group)
        .collect();
    for change in barred {
        let place = place_taken(&change).map_or_else(String::new, ToString::to_string);
        let message = format!(
            "{} does not get its former place back: {place} is taken; undo once more when it is \
             free",
            change.target.dn()
        );
        decision.tell(&change.policy, change.group, FindingCode::UndoConflict, message);
    }
    let rest = rest.into_iter().filter(|change| !absent.contains(&change.group));
    decision.plan.changes.extend(ordered.into_iter().chain(rest));
}

/// The name that a change takes.
fn place_taken(change: &Change) -> Option<&Dn> {
    match &change.effect {
        Effect::Rename { to } | Effect::Move { to } => Some(to.dn()),
        Effect::Restore { .. } => Some(change.target.dn()),
        Effect::Create { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => None,
    }
}

/// Puts changes that take names in an order in which each is free when it is taken; those whose
/// name stays taken are the second list.
fn in_order(inputs: &Inputs<'_>, changes: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
    let occupied = inputs.directory.occupied.value();
    let mut freed: BTreeSet<DnKey> = BTreeSet::new();
    let (mut waiting, mut ordered) = (changes, Vec::new());
    loop {
        let is_free = |change: &Change| {
            let Some(key) = place_taken(change).map(Dn::key) else { return true };
            let holder = occupied.get(&key);
            let by_other = holder.is_some_and(|guid| Some(*guid) != change.target.object());
            !by_other || freed.contains(&key)
        };
        let (free, barred): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_free);
        if free.is_empty() {
            return (ordered, barred);
        }
        let leaves = free.iter().filter(|change| change.effect.kind() != Kind::Restore);
        freed.extend(leaves.map(|change| change.target.dn().key()));
        ordered.extend(free);
        waiting = barred;
    }
}

/// The groups that a change set touched.
pub fn groups(past: &[Past]) -> BTreeSet<ObjectId> {
    past.iter().map(|deed| deed.group).collect()
}

/// The way back of one object.
struct Back<'a> {
    inputs: &'a Inputs<'a>,
    deeds: &'a Deeds<'a>,
    /// The object as ours; `None` where it is not.
    target: Option<&'a Target>,
    what: &'a str,
}

type Way = (Vec<Change>, Vec<String>);

impl Back<'_> {
    fn tell(&self, decision: &mut Decision, message: String) {
        let Deeds { policy, group, .. } = self.deeds;
        decision.tell(policy, *group, FindingCode::UndoConflict, message);
    }

    fn changes(&self) -> Result<Way, String> {
        let Some(target) = self.target else { return self.absent() };
        let here = self.members_today()?;
        if matches!(self.deeds.life, Life::Begun | Life::Passed) {
            let others = here.iter().filter(|guid| !self.deeds.members.contains_key(*guid)).count();
            if others > 0 {
                return Err(format!(
                    "{} was made by the change set but holds {others} members that it did not put \
                     in: it stays",
                    target.dn()
                ));
            }
            let last = LastSight { attributes: Vec::new(), members: here.into_iter().collect() };
            return Ok((vec![self.change(target, Effect::Delete { last })], Vec::new()));
        }
        let mut way = (Vec::new(), Vec::new());
        self.place(target, &mut way);
        self.attributes(target, &mut way);
        self.members(target, &here, &mut way);
        Ok(way)
    }

    /// The object is not there as ours: it was deleted, by the change set or by somebody else.
    fn absent(&self) -> Result<Way, String> {
        let object = self.deeds.object;
        let (dn, last) = match self.deeds.life {
            Life::Ended(dn, last) | Life::PerhapsEnded(dn, last) => (dn, last),
            // What is not there any more is undone.
            Life::Begun | Life::Passed => return Ok((Vec::new(), Vec::new())),
            Life::There if self.is_given_back() => return Ok((Vec::new(), Vec::new())),
            Life::There => {
                return Err(format!(
                    "the object {object} of the change set is not there as a group of ours: \
                     nothing of it is undone"
                ));
            }
        };
        let deleted = self.inputs.directory.deleted.get(&object);
        let deleted = deleted.ok_or_else(|| {
            format!(
                "the deleted object {object} ({dn}) cannot be seen any more: it is not restored; \
                 let the bind account read CN=Deleted Objects, grant it Reanimate Tombstones on \
                 the domain (deploy/directory) and undo once more, or restore it by hand"
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
        let mut doubts = Vec::new();
        let (back, doubt) = self.put_back(&target, &self.deeds.lost_members(), 0);
        changes.extend(back);
        doubts.extend(doubt);
        Ok((changes, doubts))
    }

    /// Whether the change set took the object over, and nothing of that stands any more.
    fn is_given_back(&self) -> bool {
        let listed = self.inputs.directory.groups.value().contains_key(&self.deeds.object);
        let turns = self.deeds.turns();
        let mut turns = turns.iter().flat_map(|(name, turns)| turns.iter().map(|t| (*name, t)));
        let is_back = |(name, turn): (_, &Turn<'_>)| {
            let name: &AttributeName = name;
            self.today(name, turn).as_deref() == turn.before
        };
        self.deeds.took_it_over() && (!listed || turns.all(is_back))
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
        let Some((from, places)) = &self.deeds.moved else { return };
        let Ok(from) = Dn::parse(from) else { return };
        if target.dn().key() == from.key() && target.dn().leaf() == from.leaf() {
            return;
        }
        let mut places = places.iter().filter_map(|to| Dn::parse(to).ok());
        if !places.any(|to| to.key() == target.dn().key()) {
            doubts.push(format!("{} was renamed or moved again since", target.dn()));
            return;
        }
        let parent = |dn: &Dn| dn.parent().map(|dn| dn.key());
        let moves = parent(&from) != parent(target.dn());
        match self.inputs.containers.admit(self.deeds.object, from) {
            Some(to) if moves => changes.push(self.change(target, Effect::Move { to })),
            Some(to) => changes.push(self.change(target, Effect::Rename { to })),
            None => doubts.push("its former place lies outside the containers".to_owned()),
        }
    }

    fn attributes(&self, target: &Target, (changes, doubts): &mut Way) {
        let (mut back, mut convert) = (Vec::new(), None);
        let turns = self.deeds.turns();
        for (name, turn) in
            turns.iter().flat_map(|(name, turns)| turns.iter().map(move |t| (*name, t)))
        {
            let today = self.today(name, turn);
            if today.as_deref() == turn.before {
                continue;
            }
            if !turn.after.contains(&today.as_deref()) {
                doubts.push(format!("{name} of {} was changed since: it stays", target.dn()));
                continue;
            }
            match (&**name, turn.before.map(str::parse), today.as_deref().map(str::parse)) {
                ("groupType", Some(Ok(to)), Some(Ok(from))) => {
                    convert = Some(Effect::Convert { from, to });
                }
                ("sAMAccountName", ..) if self.is_taken(turn.before) => {
                    let former = turn.before.unwrap_or_default();
                    doubts.push(format!(
                        "{} does not get {former:?} back as sAMAccountName: it is taken; undo \
                         once more when it is free",
                        target.dn()
                    ));
                }
                // By itself, as names go before everything else.
                ("sAMAccountName", ..) => {
                    let (name, after) = (name.clone(), turn.before.map(str::to_owned));
                    let attributes = vec![AttributeChange { name, before: today, after }];
                    changes.push(self.change(target, Effect::Update { attributes }));
                }
                _ => back.push(AttributeChange {
                    name: name.clone(),
                    before: today,
                    after: turn.before.map(str::to_owned),
                }),
            }
        }
        if !back.is_empty() {
            back.sort();
            changes.push(self.change(target, Effect::Update { attributes: back }));
        }
        changes.extend(convert.map(|effect| self.change(target, effect)));
    }

    /// Whether another object has the pre-Windows 2000 name, which is one's in the whole domain.
    fn is_taken(&self, name: Option<&str>) -> bool {
        let wanted = name.unwrap_or_default().to_lowercase();
        let mut others = self.inputs.directory.principals.value().values();
        others.any(|principal| {
            let known = principal.sam_account_name.as_deref().unwrap_or_default();
            principal.guid != self.deeds.object && known.to_lowercase() == wanted
        })
    }

    /// The value an attribute has today; of several, the one that the change set turned.
    fn today(&self, name: &str, turn: &Turn<'_>) -> Option<String> {
        let group = self.inputs.directory.groups.value().get(&self.deeds.object)?;
        let values: Vec<String> = match name {
            "adminDescription" => group.admin_description.iter().cloned().collect(),
            "msDS-ExternalDirectoryObjectId" => group.external_id.iter().cloned().collect(),
            "displayName" => group.display_name.iter().cloned().collect(),
            "description" => group.description.iter().cloned().collect(),
            "sAMAccountName" => vec![group.sam_account_name.clone()],
            "groupType" => vec![group.group_type.to_string()],
            "extensionName" => {
                let records = group.records.iter().map(|value| value.text.clone());
                records.chain(group.adopted.clone()).collect()
            }
            _ => group.values(name).to_vec(),
        };
        if !is_multi_valued(name) {
            return values.into_iter().next();
        }
        let mut asked = std::iter::once(turn.before).chain(turn.after.iter().copied()).flatten();
        asked.find(|value| values.iter().any(|known| known == value)).map(str::to_owned)
    }

    fn members(&self, target: &Target, here: &BTreeSet<ObjectGuid>, (changes, doubts): &mut Way) {
        let mut missing = self.deeds.lost_members();
        missing.retain(|guid| !here.contains(guid));
        let (back, doubt) = self.put_back(target, &missing, here.len());
        changes.extend(back);
        doubts.extend(doubt);
        let extra = self.deeds.new_members().filter(|guid| here.contains(guid));
        let members: Vec<_> = extra.map(|guid| self.reference(guid)).collect();
        if !members.is_empty() {
            let of = here.len();
            changes.push(self.change(target, Effect::RemoveMembers { members, of }));
        }
    }

    /// Puts members back that are still in the domain, and tells how many are not.
    fn put_back(
        &self,
        target: &Target,
        members: &[ObjectGuid],
        of: usize,
    ) -> (Option<Change>, Option<String>) {
        let known = self.inputs.directory.principals.value();
        let (living, gone): (Vec<_>, Vec<_>) =
            members.iter().partition(|guid| known.contains_key(guid));
        let mut members: Vec<_> =
            living.into_iter().map(|guid: &ObjectGuid| self.reference(*guid)).collect();
        members.sort();
        let doubt = (!gone.is_empty()).then(|| {
            format!(
                "{} former members of {} are not in the domain any more",
                gone.len(),
                target.dn()
            )
        });
        let effect = Effect::AddMembers { members, of: Some(of) };
        let is_empty = matches!(&effect, Effect::AddMembers { members, .. } if members.is_empty());
        ((!is_empty).then(|| self.change(target, effect)), doubt)
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
