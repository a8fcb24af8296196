//! The person who reads what is held, and approves what the tenant really wants.

use jiff::SignedDuration;
use writeback::model::change::{Change, Effect, MemberReference};
use writeback::model::{ApprovalRequest, Digest};

use super::Machine;
use crate::oracle::recorded;
use crate::tenant::{Fate, Who};
use crate::world::object_of;

impl Machine {
    /// A person asks that a held set be let through.
    pub(crate) fn request(&mut self, digest: Digest) {
        let not_after = self.world.now + SignedDuration::from_hours(12);
        let (digest, approved_by) = (digest.to_string(), "somebody".to_owned());
        if let Some(life) = &mut self.life {
            life.requests.push(ApprovalRequest { digest, approved_by, not_after, place: None });
        }
    }

    /// Whether everything of a held set is what the tenant wants, for the person who approves.
    pub(crate) fn is_right(&self, held: &[Change]) -> bool {
        let (tenant, directory) = (&self.world.tenant, &self.world.directory);
        held.iter().all(|change| {
            let Some(team) = tenant.word(change.group) else { return false };
            let fate = tenant.fate_under(team, change.policy.as_str());
            match &change.effect {
                Effect::RemoveMembers { members, .. } => {
                    let Some(wanted) = tenant.wanted(team) else { return false };
                    members.iter().filter_map(MemberReference::guid).all(|guid| {
                        let person = directory.get(guid).map(|one| one.dn.leaf().to_owned());
                        let stays = person.is_some_and(|word| wanted.contains(&Who::Person(word)));
                        let mut teams = wanted.iter().filter_map(|who| match who {
                            Who::Team(child) => object_of(directory, child),
                            Who::Person(_) => None,
                        });
                        !stays && !teams.any(|child| child == guid)
                    })
                }
                Effect::Delete { .. } => fate == Fate::Deleted,
                Effect::Disable { .. } | Effect::Quarantine { .. } => {
                    matches!(fate, Fate::Disabled | Fate::Quarantined)
                }
                // A group that can still be brought back keeps its SID: nobody lets a new one be made.
                Effect::Create { .. } => !directory
                    .graves
                    .values()
                    .any(|grave| recorded(&grave.object, tenant).is_some_and(|(of, _)| of == team)),
                Effect::Freeze => fate != Fate::Kept,
                _ => true,
            }
        })
    }
}
