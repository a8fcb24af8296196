//! Why a person is in a group or not: on both sides, directly or through nested groups, and what a
//! pass makes of it.

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use super::tree::CloudTree;
use super::{Person, Sentence, View, Waiting};
use crate::decide::explain::policies::short;
use crate::decide::members::{Resolved, Resolver, Roster};
use crate::model::change::{Kind, MemberReference};
use crate::model::cloud::MemberKind;
use crate::model::directory::UNIVERSAL_DISTRIBUTION;
use crate::model::policy::{Nested, Policy};
use crate::model::{CloudMember, Complete, FindingCode, ObjectGuid, ObjectId};

/// When access through a group really ends: a ticket is renewed, not read again, for its lifetime
/// of 10 hours (MS-KILE 3.3.1), and a session keeps the token of its logon.
const ACCESS_ENDS: &str = "access ends at the next logon, tickets live up to 10 h";

/// Where a person is. The words are public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Belonging {
    /// In the cloud group and in the directory group, nested groups counted.
    Both,
    /// In the cloud group alone.
    CloudOnly,
    /// In the directory group alone.
    DirectoryOnly,
    /// In neither.
    Neither,
}

/// Why a person is in the group or not.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonAnswer {
    /// A name for people.
    pub label: String,
    /// Who it is in the tenant.
    pub id: Option<ObjectId>,
    /// Its account in the directory.
    pub object: Option<ObjectGuid>,
    /// Where it is.
    pub belonging: Belonging,
    /// Why.
    pub sentences: Vec<Sentence>,
}

/// The way from the cloud group to the person, and the person as a member; `None` where it is not
/// in it.
type InCloud<'a> = Option<(Vec<ObjectId>, &'a CloudMember)>;

impl View<'_> {
    /// Why the person is in the group or not.
    pub(super) fn person(&self, person: &Person) -> PersonAnswer {
        let tree = CloudTree { case: &self.case };
        let in_cloud: InCloud<'_> = person.cloud.and_then(|id| tree.way(self.id, id));
        let way_down = person.object.and_then(|guid| self.way_down(guid, true));
        let mut told = vec![self.cloud_side(person, &in_cloud, &tree)];
        told.extend(self.link(person, &in_cloud));
        told.push(self.directory_side(person, way_down.as_deref()));
        told.extend(self.ways_between(&in_cloud));
        told.extend(self.left_out(person, &in_cloud, way_down.as_deref()));
        told.extend(self.planned(person));
        let belonging = match (in_cloud.is_some(), way_down.is_some()) {
            (true, true) => Belonging::Both,
            (true, false) => Belonging::CloudOnly,
            (false, true) => Belonging::DirectoryOnly,
            (false, false) => Belonging::Neither,
        };
        let (label, id, object) = (person.label.clone(), person.cloud, person.object);
        PersonAnswer { label, id, object, belonging, sentences: told }
    }

    fn called(&self, id: ObjectId) -> String {
        let group = self.case.inputs.cloud.groups.value().get(&id);
        group.map_or_else(|| id.to_string(), |group| format!("{:?}", group.display_name))
    }

    fn cloud_side(
        &self,
        person: &Person,
        found: &InCloud<'_>,
        tree: &CloudTree<'_, '_>,
    ) -> Sentence {
        let label = &person.label;
        let text = match found {
            Some((path, _)) if path.len() <= 1 => {
                format!("{label} is a direct member of the cloud group.")
            }
            Some((path, _)) => {
                let path: Vec<_> = path.iter().skip(1).map(|id| self.called(*id)).collect();
                format!("{label} is in the cloud group through {}.", path.join(" > "))
            }
            None => match tree.unreadable(self.id) {
                0 => format!("{label} is not in the cloud group, nor in a group nested in it."),
                count => format!(
                    "{label} was not found in the cloud group; the members of {count} of its \
                     groups could not be read."
                ),
            },
        };
        Sentence::new(text)
    }

    /// What the person carries, and where it leads.
    fn link(&self, person: &Person, found: &InCloud<'_>) -> Option<Sentence> {
        let inputs = self.case.inputs;
        let account = person.object.and_then(|guid| {
            inputs.directory.principals.value().get(&guid).map(|account| account.dn.to_string())
        });
        let carried = found.as_ref().map(|(_, member)| match &member.kind {
            MemberKind::User(link) | MemberKind::DirectoryGroup(link) => {
                match (&link.sid, link.immutable_id) {
                    (Some(sid), _) => format!("carries the SID {sid}"),
                    (None, Some(id)) => format!("carries the immutable id of {id}"),
                    (None, None) if link.malformed => "carries a link that is none".to_owned(),
                    (None, None) => "carries no link".to_owned(),
                }
            }
            MemberKind::Device { device_id, .. } => {
                let id = device_id.as_ref().map(|id| id.0.to_string()).unwrap_or_default();
                format!("is a device of id {id}")
            }
            MemberKind::Group => "is a group of the tenant".to_owned(),
            MemberKind::Other(kind) => format!("is of the type {kind}"),
            MemberKind::Unreadable(witness) => format!("hides its `{witness}`"),
        });
        let (label, carried) = (&person.label, carried.unwrap_or_default());
        let text = match (carried.is_empty(), account) {
            (true, Some(dn)) => format!("The account of {label} is {dn}."),
            (true, None) => return None,
            (false, Some(dn)) => format!("{label} {carried}, which leads to {dn}."),
            (false, None) => format!("{label} {carried}, and leads to no account of the domain."),
        };
        Some(Sentence::new(text))
    }

    /// The shortest way from the directory group to an account, by DN: empty for a direct member.
    /// Without `direct`, only through groups nested in it.
    fn way_down(&self, account: ObjectGuid, direct: bool) -> Option<Vec<String>> {
        let directory = self.case.inputs.directory;
        let start = self.holdings.owned.get(&self.id)?.group.guid;
        let mut seen = BTreeSet::from([start]);
        let mut open: VecDeque<(ObjectGuid, Vec<String>)> = VecDeque::from([(start, Vec::new())]);
        while let Some((group, path)) = open.pop_front() {
            let Some(Ok(members)) = directory.members.get(&group) else { continue };
            let counts = direct || !path.is_empty();
            if counts && members.value().iter().any(|member| member.guid == account) {
                return Some(path);
            }
            for member in members.value().iter().filter(|member| seen.insert(member.guid)) {
                let below = path.iter().cloned().chain([member.dn.clone()]).collect();
                open.push_back((member.guid, below));
            }
        }
        None
    }

    fn directory_side(&self, person: &Person, way: Option<&[String]>) -> Sentence {
        let label = &person.label;
        let Some(owned) = self.holdings.owned.get(&self.id) else {
            return Sentence::new("There is no directory group of ours to be in.");
        };
        let dn = &owned.group.dn;
        let primary = person.object.is_some_and(|guid| {
            let resolver = Resolver::new(self.case.inputs, self.case.members);
            resolver.primary_members(owned.group).contains(&guid)
        });
        Sentence::new(match way {
            _ if primary => format!("{dn} is the primary group of {label}: a member by that."),
            _ if person.object.is_none() => {
                format!("Without an account nobody is a member of {dn}.")
            }
            Some([]) => format!("The account is a direct member of {dn}."),
            Some(path) => format!("The account is in {dn} through {}.", path.join(" > ")),
            None => format!("The account is not in {dn}, nor in a group of ours nested in it."),
        })
    }

    /// What becomes of the nested groups on the way, where the policy keeps them as groups.
    fn ways_between(&self, found: &InCloud<'_>) -> Vec<Sentence> {
        let Some((path, _)) = found else { return Vec::new() };
        if path.len() < 2 {
            return Vec::new();
        }
        let Some(policy) = self.policy() else { return Vec::new() };
        let place = &policy.members_place;
        match policy.members.nested {
            Nested::Flatten => {
                let text = format!(
                    "`members.nested: Flatten` ({}) writes the people of nested groups instead.",
                    short(place)
                );
                vec![Sentence::at(text, place)]
            }
            Nested::Skip => {
                let text =
                    format!("`members.nested: Skip` ({}) leaves nested groups out.", short(place));
                vec![Sentence::at(text, place)]
            }
            Nested::Keep => path.windows(2).map(|pair| self.step(pair)).collect(),
        }
    }

    /// Whether one cloud group is nested in another in the directory, too.
    fn step(&self, pair: &[ObjectId]) -> Sentence {
        let [outer, inner] = pair else { return Sentence::new("") };
        let object = |id: &ObjectId| self.holdings.owned.get(id).map(|owned| owned.group.guid);
        let is_nested = match (object(outer), object(inner)) {
            (Some(outer), Some(inner)) => {
                let members = self.case.inputs.directory.members.get(&outer);
                let members = members.and_then(|read| read.as_ref().ok()).map(Complete::value);
                members.is_some_and(|all| all.iter().any(|member| member.guid == inner))
            }
            _ => false,
        };
        let (outer, child) = (self.called(*outer), self.called(*inner));
        Sentence::new(if is_nested {
            format!("The directory group of {child} is nested in that of {outer}.")
        } else if object(inner).is_none() {
            format!("{child} has no directory group of ours, so it is not nested in {outer}.")
        } else {
            format!("The directory group of {child} is not nested in that of {outer}.")
        })
    }

    /// Why somebody who is in the cloud group is left out, or somebody who is not stays in.
    fn left_out(
        &self,
        person: &Person,
        found: &InCloud<'_>,
        way_down: Option<&[String]>,
    ) -> Vec<Sentence> {
        let (Some(policy), Some(read)) = (self.policy(), self.case.members.of.get(&self.id)) else {
            return Vec::new();
        };
        let Ok(witness) = read else { return Vec::new() };
        let resolver = Resolver::new(self.case.inputs, self.case.members);
        let roster = match resolver.roster(policy, self.id, witness.value()) {
            Ok(roster) => roster,
            Err(reason) => {
                return vec![Sentence::new(format!("Who is in it is not known: {reason}."))];
            }
        };
        let is_asked_for = person.cloud.is_some_and(|id| roster.holds(id));
        let fate = match person.cloud.filter(|_| is_asked_for) {
            Some(id) => resolver.resolve(&policy.name, roster.only(id).unwrap_or_default()),
            None => because_of_others(&resolver, policy, person, roster),
        };
        match fate {
            Ok(fate) => self.fate(policy, person, (found, way_down), (&fate, is_asked_for)),
            Err(reason) => vec![Sentence::new(format!("Who is in it is not known: {reason}."))],
        }
    }

    fn fate(
        &self,
        policy: &Policy,
        person: &Person,
        (found, way_down): (&InCloud<'_>, Option<&[String]>),
        (resolved, is_asked_for): (&Resolved, bool),
    ) -> Vec<Sentence> {
        let mut told: Vec<Sentence> = Vec::new();
        for (code, message) in &resolved.findings {
            told.push(Sentence::new(format!("{code:?}: {message}.")));
        }
        let Some(guid) = person.object else { return told };
        let owned = self.holdings.owned.get(&self.id).map(|owned| owned.group.guid);
        let refused = owned
            .and_then(|object| self.case.inputs.memory.refused_members.get(&object)?.get(&guid));
        if let Some(why) = refused {
            told.push(Sentence::new(format!("The directory refused it as a member: {why}.")));
        }
        let is_extra = way_down == Some(&[]) && found.is_none() && !is_asked_for;
        if is_extra && resolved.stay.contains(&guid) {
            let place = &policy.members_place;
            let text = format!("`members.keep` ({}) never takes it out.", short(place));
            told.push(Sentence::at(text, place));
        } else if is_extra && let Some((code, why)) = &resolved.no_removal {
            told.push(Sentence::new(format!("Nothing is removed from it now: {code:?}: {why}.")));
        }
        told
    }

    /// When access through the group ends for somebody who is taken out of it.
    fn end_of_access(&self, account: ObjectGuid) -> String {
        let owned = self.holdings.owned.get(&self.id);
        match self.way_down(account, false) {
            None if owned.is_some_and(|it| it.group.group_type == UNIVERSAL_DISTRIBUTION) => {
                "; it gives no access, mail to it ends at once".to_owned()
            }
            None => format!("; {ACCESS_ENDS}"),
            Some(path) => format!("; access stays, through {}", path.join(" > ")),
        }
    }

    /// What a pass does to the person's membership.
    fn planned(&self, person: &Person) -> Vec<Sentence> {
        let Some(guid) = person.object else { return Vec::new() };
        let concerns =
            |members: &[MemberReference]| members.iter().any(|member| member.guid() == Some(guid));
        let mut told = Vec::new();
        for Waiting { admission, change, holds, since } in self.waiting() {
            let Some(part) = change.effect.member_part() else { continue };
            if !concerns(part.members) {
                continue;
            }
            let removes = part.kind == Kind::RemoveMembers;
            let (verb, end) = if removes {
                ("take it out", self.end_of_access(guid))
            } else {
                ("add it", String::new())
            };
            let cause = &change.cause;
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            told.push(Sentence::new(match admission {
                "Admitted" => format!("The next pass is to {verb} ({cause}){end}."),
                "Held" if holds.is_empty() => {
                    format!("To {verb} ({cause}) is held{since}, with what it belongs to{end}.")
                }
                "Held" => {
                    format!("To {verb} ({cause}) is held{since}: {}{end}.", holds.join("; "))
                }
                other => format!("To {verb} ({cause}) is {}{end}.", other.to_lowercase()),
            }));
        }
        told
    }
}

/// What keeps somebody in whom the cloud group does not hold: the policy, or a doubt about somebody
/// else. What is told of the others besides is none of this person's business.
fn because_of_others<'a>(
    resolver: &Resolver<'a>,
    policy: &Policy,
    person: &Person,
    roster: Roster<'a>,
) -> Result<Resolved, String> {
    let kept = resolver.resolve(&policy.name, Roster::default())?;
    let others = resolver.resolve(&policy.name, roster)?;
    let mut told = Resolved { no_removal: others.no_removal, ..kept };
    let is_led_to = |guid: &ObjectGuid| others.stay.contains(guid) && !told.stay.contains(guid);
    if person.object.is_some_and(|guid| is_led_to(&guid)) {
        let message = "somebody in the cloud group led to this account before and is in doubt now; \
                       it stays";
        told.findings.push((FindingCode::LinkLost, message.to_owned()));
    }
    Ok(told)
}
