//! A pass over a small world: what both sides would answer, in any order, and what is decided.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use writeback::decide::{Decision, Inputs, decide};
use writeback::model::cloud::Unread;
use writeback::model::complete::{End, Reading};
use writeback::model::directory::{DirectoryMember, DomainFacts};
use writeback::model::policy::PolicySet;
use writeback::model::{
    CloudGroup, CloudListing, CloudMembers, Complete, Containers, DirectoryGroup,
    DirectorySnapshot, ObjectGuid, ObjectId, Principal,
};

use crate::world::{CONFIRM_AFTER, GROUPS, OWNER, World, dn, tenant};

fn complete<T>(items: impl IntoIterator<Item = T>, begun: Timestamp) -> Complete<Vec<T>> {
    let mut reading = Reading::begin("world", begun);
    reading.page(items);
    reading.finish(End::NoNextLink)
}

impl World {
    /// Decides one pass. `order` turns every list whose order must not matter.
    pub(crate) fn decide(&self, order: Order) -> Decision {
        self.look(order, decide)
    }

    /// Hands over what a pass would look at.
    pub(crate) fn look<T>(
        &self,
        order: Order,
        then: impl FnOnce(&Inputs<'_>, &CloudMembers) -> T,
    ) -> T {
        let containers = Containers::new(vec![dn(GROUPS)]);
        let mut policies = self.policies.clone();
        order.turn(&mut policies);
        let policies = PolicySet { policies, ..self.policy_set() };
        let unread = |reason: &String| Unread { reason: reason.clone() };
        let keyed = |groups: Vec<CloudGroup>| groups.into_iter().map(|g| (g.id, g)).collect();
        let cloud = CloudListing {
            tenant: tenant(),
            groups: complete(order.turned(self.groups.values().cloned()), self.now).map(keyed),
            deleted: complete(self.deleted.iter().copied(), self.now)
                .map(|all| all.into_iter().collect()),
            flags: self.flags.as_ref().map_err(unread).map(|flags| {
                let flags = order.turned(flags.iter().map(|(id, flag)| (*id, flag.clone())));
                complete(flags, self.now).map(|all| all.into_iter().collect())
            }),
            controls: self
                .controls
                .iter()
                .map(|(id, members)| {
                    let members = members.as_ref().map_err(unread);
                    let members = members.map(|all| {
                        complete(all.iter().copied(), self.now).map(|all| all.into_iter().collect())
                    });
                    (*id, members)
                })
                .collect(),
            new_groups: self.new_groups.as_ref().copied().map_err(unread),
        };
        let of = self.members.iter().map(|(id, members)| {
            let members = members.as_ref().map_err(unread);
            (*id, members.map(|all| complete(order.turned(all.iter().cloned()), self.now)))
        });
        let members =
            CloudMembers { of: order.turned(of).into_iter().collect(), links: self.links.clone() };
        let directory = self.snapshot(order);
        let inputs = Inputs {
            owner: OWNER,
            containers: &containers,
            policies: &policies,
            cloud: &cloud,
            presence: &self.presence,
            directory: &directory,
            memory: &self.memory,
            confirm_after: CONFIRM_AFTER,
        };
        then(&inputs, &members)
    }

    /// How many accounts are in a group, at any depth.
    pub(crate) fn inside_of(&self, group: ObjectGuid) -> usize {
        let (mut open, mut seen) = (vec![group], BTreeSet::new());
        while let Some(group) = open.pop() {
            let members = self.domain.members.get(&group).into_iter().flatten();
            open.extend(members.filter(|member| seen.insert(**member)));
        }
        seen.iter().filter(|member| !self.domain.members.contains_key(member)).count()
    }

    /// The domain as it is read, in the order it has.
    pub(crate) fn directory_snapshot(&self) -> DirectorySnapshot {
        self.snapshot(Order::Given)
    }

    fn snapshot(&self, order: Order) -> DirectorySnapshot {
        let (groups, others): (Vec<_>, Vec<_>) =
            self.domain.groups.values().partition(|group| is_marked(group));
        let asked: BTreeSet<ObjectGuid> = self
            .policies
            .iter()
            .flat_map(|standing| &standing.policy.adoption)
            .map(|entry| entry.object)
            .collect();
        let named = others.iter().filter(|group| asked.contains(&group.guid));
        let named = named.map(|group| (group.guid, Ok((*group).clone()))).collect();
        let above = self.domain.above.iter().map(|above| (above.dn.key(), above.clone())).collect();
        let as_principals = self.domain.groups.values().map(|group| Principal {
            guid: group.guid,
            sid: group.sid.clone(),
            consistency_guid: None,
            class: group.class,
            dn: group.dn.clone(),
            sam_account_name: Some(group.sam_account_name.clone()),
            group_type: Some(group.group_type),
            primary_group: None,
            device_id: None,
            privileged: group.privileged,
        });
        let principals: Vec<_> =
            as_principals.chain(self.domain.accounts.values().cloned()).collect();
        let container = dn(GROUPS);
        let inside = principals.iter().filter(|p| p.dn.is_within(&container));
        let occupied: Vec<_> = inside.map(|p| (p.dn.key(), p.guid)).collect();
        let members = self.domain.members.iter().map(|(guid, members)| {
            let name = |guid: &ObjectGuid| DirectoryMember { guid: *guid, dn: guid.to_string() };
            let read = match self.domain.unread.get(guid) {
                Some(reason) => Err(Unread { reason: reason.clone() }),
                None => Ok(complete(order.turned(members.iter().map(name)), self.now)
                    .map(|all| all.into_iter().collect())),
            };
            (*guid, read)
        });
        DirectorySnapshot {
            facts: DomainFacts {
                naming_context: dn("DC=corp,DC=example"),
                server: "dc1".to_owned(),
                has_external_id: true,
                exchange_prepared: self.domain.exchange_prepared,
            },
            principals: complete(order.turned(principals), self.now)
                .map(|all| all.into_iter().map(|p| (p.guid, p)).collect()),
            groups: complete(order.turned(groups.into_iter().cloned()), self.now)
                .map(|all| all.into_iter().map(|g| (g.guid, g)).collect()),
            occupied: complete(order.turned(occupied), self.now)
                .map(|all| all.into_iter().collect()),
            named,
            above,
            members: order.turned(members).into_iter().collect(),
            direct: self.domain.direct.clone(),
            addresses: self.addresses(),
            deleted: self.domain.deleted.clone(),
            unsuitable: self.domain.unsuitable.clone(),
            limits: self.domain.limits.clone(),
        }
    }

    /// Who has which mail address: what the world says, and what the groups carry. Nobody asks
    /// where the directory is not prepared for Exchange.
    fn addresses(&self) -> BTreeMap<String, BTreeSet<ObjectGuid>> {
        if !self.domain.exchange_prepared {
            return BTreeMap::new();
        }
        let mut all = self.domain.addresses.clone();
        for group in self.domain.groups.values() {
            let values = ["mail", "proxyAddresses"].map(|name| group.values(name));
            for value in values.into_iter().flatten() {
                let value = value.to_lowercase();
                let address = value.strip_prefix("smtp:").unwrap_or(&value);
                all.entry(address.to_owned()).or_default().insert(group.guid);
            }
        }
        all
    }

    /// The word of an id, or the text with every known id and tail replaced by its word.
    pub(crate) fn words(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (number, word) in &self.names {
            let long = number.to_string();
            text = text.replace(&long, word);
            text = text.replace(&ObjectId(*number).tail(), &format!("~{word}"));
        }
        text
    }
}

/// Whether a group carries a record of anybody's or an anchor: the others are not listed.
fn is_marked(group: &DirectoryGroup) -> bool {
    let anchors = [&group.admin_description, &group.external_id].into_iter().flatten();
    let mut anchors = anchors.filter_map(|text| ObjectId::from_any_anchor(text));
    !group.records.is_empty() || anchors.next().is_some()
}

/// In which order lists are handed over.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// As they are.
    Given,
    /// Shuffled from a seed.
    Shuffled(u64),
}

impl Order {
    fn turn<T>(self, items: &mut [T]) {
        match self {
            Self::Given => {}
            Self::Shuffled(seed) => fastrand::Rng::with_seed(seed).shuffle(items),
        }
    }

    fn turned<T>(self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut items: Vec<_> = items.into_iter().collect();
        self.turn(&mut items);
        items
    }
}
