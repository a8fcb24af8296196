//! How the directory group of a cloud group that leaves ends: disabled, quarantined, deleted, or
//! kept while the grace lasts.
//!
//! From a claim to changes; what the directory would refuse is left out and told. Table:
//! SEMANTICS "Life cycle".

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::decide::holdings::Owned;
use crate::decide::wanted::freeze;
use crate::decide::{Decision, Inputs, content, mail};
use crate::model::change::{AttributeChange, Cause, Change, Effect, LastSight};
use crate::model::cloud::{CloudMembers, Links};
use crate::model::directory::{DirectoryMember, UNIVERSAL_DISTRIBUTION};
use crate::model::distinguished_name::DnKey;
use crate::model::policy::{Departure, Policy};
use crate::model::record::RecordState;
use crate::model::{
    AttributeName, FindingCode, Leave, ObjectId, OwnershipRecord, Principal, Target,
};

/// A group that leaves its policy, which says how its directory group ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departing {
    /// The policy, as an index into the policies in force.
    pub policy: usize,
    /// The event.
    pub leave: Leave,
    /// What is done; never `Retain`.
    pub departure: Departure,
    /// When.
    pub readiness: Readiness,
}

/// Whether it is time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Now,
    /// The deletion of the cloud group was not seen twice, `confirmAfter` apart.
    Unconfirmed,
    /// Not before this time.
    Grace(Timestamp),
}

/// Plans the end of a directory group. `taken`: the places that this pass gives away, to which the
/// one in quarantine is added.
pub fn depart(
    inputs: &Inputs<'_>,
    cloud: &CloudMembers,
    (id, departing): (ObjectId, Departing),
    owned: &Owned<'_>,
    taken: &mut BTreeSet<DnKey>,
    decision: &mut Decision,
) {
    let Some(standing) = inputs.policies.policies.get(departing.policy) else { return };
    let policy = &standing.policy;
    if let Readiness::Grace(until) = departing.readiness {
        let word = departing.departure.verb();
        let cause = format!("{}; it is {word} after {until}", departing.leave.phrase());
        return freeze(decision, &policy.name, id, Some(owned), Cause::Cloud(cause));
    }
    if owned.frozen.is_some() {
        return;
    }
    let Some(target) = owned.target.clone() else { return };
    let unread = match inputs.directory.members.get(&owned.group.guid) {
        Some(Ok(members)) => Ok(members.value()),
        Some(Err(unread)) => Err(unread.reason.clone()),
        None => Err("its members were not read".to_owned()),
    };
    let members = match unread {
        Ok(members) => members,
        Err(reason) => {
            decision.tell(&policy.name, id, FindingCode::MembersUnread, reason.clone());
            return decision.unknown(&policy.name, id, reason);
        }
    };
    let leaver = Leaver { inputs, policy, id, owned, target: &target, members, taken };
    let effects = match leaver.effects(departing.departure) {
        Ok(effects) => effects,
        Err((code, message)) => {
            decision.tell(&policy.name, id, code, message);
            Vec::new()
        }
    };
    let cause = Cause::Cloud(departing.leave.phrase().to_owned());
    if effects.is_empty() {
        return freeze(decision, &policy.name, id, Some(owned), cause);
    }
    for effect in &effects {
        if let Effect::Quarantine { to } = effect {
            taken.insert(to.dn().key());
        }
    }
    let changes = effects.into_iter().map(|effect| Change {
        policy: policy.name.clone(),
        group: id,
        label: owned.group.dn.leaf().to_owned(),
        target: target.clone(),
        effect,
        cause: cause.clone(),
    });
    // A tenant that hides links may hide more; and nothing is removed anywhere then.
    let hidden = cloud.links != Links::Readable;
    if departing.readiness == Readiness::Unconfirmed || hidden {
        decision.plan.unconfirmed.extend(changes);
    } else {
        decision.plan.changes.extend(changes);
    }
}

/// Where a quarantined group goes.
enum Place {
    /// It stands there.
    There,
    /// To this place.
    Move(Target),
    /// Nowhere, for this reason: it is disabled where it is.
    Taken(String),
}

struct Leaver<'a> {
    inputs: &'a Inputs<'a>,
    policy: &'a Policy,
    id: ObjectId,
    owned: &'a Owned<'a>,
    target: &'a Target,
    members: &'a BTreeSet<DirectoryMember>,
    taken: &'a BTreeSet<DnKey>,
}

impl Leaver<'_> {
    /// What is still to be done; nothing for a group that has ended already. What stands there
    /// counts, not the record alone: a return may have been cut short.
    fn effects(&self, departure: Departure) -> Result<Vec<Effect>, (FindingCode, String)> {
        match departure {
            Departure::Retain => Ok(Vec::new()),
            Departure::Delete => {
                self.is_nobodys_primary_group("deleted")?;
                Ok(vec![Effect::Delete { last: self.last_sight() }])
            }
            Departure::Disable => self.disable(RecordState::Disabled),
            Departure::Quarantine => {
                let place = self.quarantine();
                let state = match place {
                    Place::There | Place::Move(_) => RecordState::Quarantined,
                    Place::Taken(_) => RecordState::Disabled,
                };
                let mut effects = self.disable(state)?;
                match place {
                    Place::Move(to) => effects.push(Effect::Quarantine { to }),
                    Place::Taken(message) if effects.is_empty() => {
                        return Err((FindingCode::NameTaken, message));
                    }
                    Place::There | Place::Taken(_) => {}
                }
                Ok(effects)
            }
        }
    }

    /// What the journal keeps of a group that is deleted.
    fn last_sight(&self) -> LastSight {
        let group = self.owned.group;
        let single = [
            ("adminDescription", &group.admin_description),
            ("msDS-ExternalDirectoryObjectId", &group.external_id),
            ("displayName", &group.display_name),
            ("description", &group.description),
        ];
        let single = single
            .into_iter()
            .filter_map(|(name, value)| Some((AttributeName::from(name), value.clone()?)));
        let records =
            group.records.iter().map(|value| ("extensionName".into(), value.text.clone()));
        let adopted = group.adopted.iter().map(|mark| ("extensionName".into(), mark.clone()));
        let others = group
            .attributes
            .iter()
            .flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())));
        let always = [
            ("sAMAccountName".into(), group.sam_account_name.clone()),
            ("groupType".into(), group.group_type.to_string()),
        ];
        let mut attributes: Vec<_> =
            single.chain(records).chain(adopted).chain(others).chain(always).collect();
        attributes.sort();
        LastSight { attributes, members: self.members.iter().map(|member| member.guid).collect() }
    }

    fn disable(&self, state: RecordState) -> Result<Vec<Effect>, (FindingCode, String)> {
        let record = &self.owned.record;
        // One that stands in quarantine stays so.
        let state = if record.state == RecordState::Quarantined { record.state } else { state };
        let from = self.owned.group.group_type;
        let mut attributes = Vec::new();
        if content::weakens(from, UNIVERSAL_DISTRIBUTION) {
            self.is_nobodys_primary_group("made a distribution group")?;
            attributes.push(AttributeChange {
                name: "groupType".into(),
                before: Some(from.to_string()),
                after: Some(UNIVERSAL_DISTRIBUTION.to_string()),
            });
        }
        let cloud = self.inputs.cloud.groups.value().get(&self.id);
        let (rule, group) = (self.policy.group.mail, self.owned.group);
        attributes.extend(mail::taken_off(self.inputs, rule, self.id, cloud, group));
        if record.state != state {
            let after = OwnershipRecord { state, ..record.clone() };
            attributes.push(AttributeChange {
                name: "extensionName".into(),
                before: Some(self.owned.record_text.clone()),
                after: Some(after.to_string()),
            });
        }
        attributes.sort();
        let members = self.members.len();
        let effect = (!attributes.is_empty()).then_some(Effect::Disable { members, attributes });
        Ok(effect.into_iter().collect())
    }

    /// The place in the quarantine container.
    fn quarantine(&self) -> Place {
        let here = self.target.dn();
        let container = self.policy.deletion.quarantine_container.as_ref();
        let Some(container) = container.filter(|container| !here.is_within(container)) else {
            return Place::There;
        };
        let there = container.child(here.leaf());
        let guid = self.owned.group.guid;
        let holder = self.inputs.directory.occupied.value().get(&there.key());
        let taken = || {
            Place::Taken(format!(
                "{here} is disabled and not quarantined: {there} is another object"
            ))
        };
        if holder.is_some_and(|holder| *holder != guid) || self.taken.contains(&there.key()) {
            return taken();
        }
        self.inputs.containers.admit(guid, there.clone()).map_or_else(taken, Place::Move)
    }

    /// The directory refuses to take the security off a primary group, or to delete it
    /// (MS-SAMR 3.1.1.8.4, ERROR_DS_HAVE_PRIMARY_MEMBERS).
    fn is_nobodys_primary_group(&self, what: &str) -> Result<(), (FindingCode, String)> {
        match content::primary_member(self.inputs, self.owned.group) {
            None => Ok(()),
            Some(Principal { dn, .. }) => {
                let message = format!(
                    "{} is not {what}: it is the primary group of {dn}; give that account another \
                     primary group",
                    self.owned.group.dn
                );
                Err((FindingCode::PrimaryGroupMember, message))
            }
        }
    }
}
