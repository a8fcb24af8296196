//! What holds of every plan, whatever the world.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::change::{Change, Effect, Kind, MemberReference};
use writeback::model::cloud::Links;
use writeback::model::directory::PrincipalClass;
use writeback::model::policy::{KeepReference, Nested, Policy, Standing};
use writeback::model::{ObjectGuid, ObjectId, OwnershipRecord, PolicyName};

use super::each_world;
use crate::apply::is_ours;
use crate::check::{canonical, guarded as judged};
use crate::observed::Order;
use crate::world::{GROUPS, OWNER, World, dn, object};

#[test]
fn the_order_of_the_inputs_never_reaches_the_plan() {
    each_world(|world, seed| {
        let told = |order| {
            let decision = world.decide(order);
            let guarded = judged(&world, &decision);
            canonical(&decision, &guarded)
        };
        let given = told(Order::Given);
        for shuffle in 1..4 {
            assert_eq!(told(Order::Shuffled(shuffle)), given, "{seed}");
        }
    });
}

#[test]
fn without_two_whole_reads_no_member_is_removed() {
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::RemoveMembers { .. } = &change.effect else { continue };
            assert!(world.members.get(&change.group).is_some_and(Result::is_ok), "{seed}");
            let guid = change.target.object().expect("only an existing group loses members");
            assert!(!world.domain.unread.contains_key(&guid), "{seed}");
            assert_eq!(world.links, Links::Readable, "{seed}");
        }
    });
}

#[test]
fn no_member_is_added_that_the_directory_would_refuse() {
    let mut refusable = 0;
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::AddMembers { members, .. } = &change.effect else { continue };
            let group = change.target.object().and_then(|guid| world.domain.groups.get(&guid));
            let rid = group.and_then(|group| group.sid.as_ref()?.rid());
            for member in members {
                let MemberReference::Existing { guid, .. } = member else { continue };
                let account = world.domain.accounts.get(guid);
                refusable += usize::from(account.is_some_and(|a| a.class == PrincipalClass::Group));
                let local = account.is_some_and(writeback::model::Principal::is_domain_local);
                let primary = account.and_then(|account| account.primary_group);
                assert!(!local, "{seed}: {change:?}");
                assert!(primary.is_none() || primary != rid, "{seed}: {change:?}");
            }
        }
    });
    assert!(refusable > 0, "no world nests a group of the directory");
}

#[test]
fn what_a_policy_keeps_is_never_taken_out_and_what_it_misses_holds_its_removals() {
    let (mut kept, mut held, mut ended) = (0, 0, 0);
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let missing = |policy: &Policy| {
            let none = object("nobody");
            policy.members.keep.iter().any(|keep| keep.object == KeepReference::Guid(none))
        };
        held += usize::from(world.policies.iter().any(|standing| missing(&standing.policy)));
        for change in decision.plan.writes() {
            let of = |standing: &&Standing| standing.policy.name == change.policy;
            let Some(standing) = world.policies.iter().find(of) else { continue };
            match &change.effect {
                Effect::RemoveMembers { members, .. } => {
                    assert!(!missing(&standing.policy), "{seed}: {change:?}");
                    for keep in &standing.policy.members.keep {
                        kept += 1;
                        let KeepReference::Guid(keep) = keep.object else { continue };
                        let taken = members.iter().any(|member| {
                            matches!(member, MemberReference::Existing { guid, .. } if *guid == keep)
                        });
                        assert!(!taken, "{seed}: {change:?}");
                    }
                }
                Effect::Delete { .. } | Effect::Disable { .. } | Effect::Quarantine { .. } => {
                    ended += 1;
                    assert!(!missing(&standing.policy), "{seed}: {change:?}");
                }
                Effect::Create { .. }
                | Effect::Rename { .. }
                | Effect::Move { .. }
                | Effect::Update { .. }
                | Effect::Convert { .. }
                | Effect::Restore { .. }
                | Effect::Handover { .. }
                | Effect::AddMembers { .. }
                | Effect::Adopt { .. }
                | Effect::Release { .. }
                | Effect::Freeze => {}
            }
        }
    });
    assert!(kept > 0 && held > 0 && ended > 0, "{kept} {held} {ended}");
}

#[test]
fn where_groups_are_flattened_or_skipped_none_is_added() {
    let mut looked = 0;
    each_world(|world, seed| {
        for change in world.decide(Order::Given).plan.changes {
            let Effect::AddMembers { members, .. } = &change.effect else { continue };
            let of = |standing: &&Standing| standing.policy.name == change.policy;
            let standing = world.policies.iter().find(of);
            if standing.is_none_or(|standing| standing.policy.members.nested == Nested::Keep) {
                continue;
            }
            looked += 1;
            let users = members.iter().all(|member| match member {
                MemberReference::Existing { guid, .. } => {
                    let account = world.domain.accounts.get(guid);
                    account.is_some_and(|account| account.class != PrincipalClass::Group)
                }
                MemberReference::Created { .. } => false,
            });
            assert!(users, "{seed}: {change:?}");
        }
    });
    assert!(looked > 0);
}

/// Whether a deleted object is that of the group beyond doubt: it carries our record and no other,
/// or it is remembered, or deletion left of its marks what it leaves of ours.
fn is_ours_to_restore(world: &World, guid: ObjectGuid, id: ObjectId) -> bool {
    let Some(group) = world.domain.deleted.get(&guid) else { return false };
    let is_ours = |record: &OwnershipRecord| record.owner == OWNER && record.id == id;
    match group.records.as_slice() {
        [value] => value.record.as_ref().is_some_and(is_ours),
        [] => {
            let memory = &world.memory;
            let known = memory.inventory.get(&id).or_else(|| memory.deleted.get(&id));
            let stripped = group.admin_description.is_none();
            known.map_or_else(
                || stripped && group.external_id == Some(id.anchor()),
                |known| *known == guid,
            )
        }
        _ => false,
    }
}

#[test]
fn no_change_is_aimed_at_what_is_not_ours_or_outside_the_containers() {
    let container = dn(GROUPS);
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let plan = &decision.plan;
        let created: BTreeSet<ObjectId> = [&plan.changes, &plan.observed, &plan.gone]
            .into_iter()
            .flatten()
            .filter(|change| matches!(change.effect, Effect::Create { .. }))
            .map(|change| change.group)
            .collect();
        let all = [&plan.changes, &plan.observed, &plan.gone, &plan.unconfirmed];
        for change in all.into_iter().flatten() {
            assert!(change.target.dn().is_within(&container), "{seed} {change:?}");
            if let Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } =
                &change.effect
            {
                assert!(to.dn().is_within(&container), "{seed} {change:?}");
                assert_eq!(to.object(), change.target.object(), "{seed} {change:?}");
            }
            let Some(guid) = change.target.object() else {
                assert!(created.contains(&change.group), "{seed} {change:?}");
                continue;
            };
            let ours = if change.effect.kind() == Kind::Restore {
                is_ours_to_restore(&world, guid, change.group)
            } else {
                world.domain.groups.get(&guid).is_some_and(|g| is_ours(g, change.group))
            };
            assert!(ours, "{seed} {change:?}");
        }
    });
}

/// Whether the table of the guard counts it as the removal of a group.
fn is_group_removed(change: &Change) -> bool {
    match &change.effect {
        Effect::Delete { .. } | Effect::Disable { .. } | Effect::Quarantine { .. } => true,
        Effect::Convert { from, to } => *from < 0 && *to > 0,
        Effect::Create { .. }
        | Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => false,
    }
}

#[test]
fn admitted_removals_stay_within_the_limits() {
    let mut held = 0;
    each_world(|world, seed| {
        let decision = world.decide(Order::Given);
        let guarded = judged(&world, &decision);
        held += guarded.held.changes.len();
        let mut groups = BTreeMap::new();
        let mut values: BTreeMap<PolicyName, usize> = BTreeMap::new();
        for change in guarded.admitted.changes() {
            if is_group_removed(change) {
                let all: &mut BTreeSet<_> = groups.entry(change.policy.clone()).or_default();
                all.insert(change.group);
            }
            if let Effect::RemoveMembers { members, of } = &change.effect {
                *values.entry(change.policy.clone()).or_default() += members.len();
                let part = members.len() * 4 <= *of || members.len() <= 3;
                assert!(part, "{seed}: {} of {of}", members.len());
            }
        }
        let holds =
            |policy: &PolicyName| decision.inventory.get(policy).copied().unwrap_or_default();
        for (policy, all) in groups {
            let count = all.len();
            assert!(count <= 1 || count * 20 <= holds(&policy).groups, "{seed}: {count}");
        }
        for (policy, count) in values {
            assert!(count <= 5 || count * 20 <= holds(&policy).memberships, "{seed}: {count}");
        }
    });
    assert!(held > 0, "no world tripped a limit");
}
