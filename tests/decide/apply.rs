//! A directory that takes changes one by one and refuses what Active Directory would refuse.
//!
//! It stands in for the domain where a test needs the world after a plan. `operate`, in
//! `directory`, is the directory; `execute` sends it a plan in which nothing may be refused: every
//! name is free when it is taken, every object is there when it is aimed at, and it carries our
//! record.

#[path = "apply/directory.rs"]
mod directory;

use std::collections::BTreeSet;

use writeback::decide::Decision;
use writeback::decide::conclude::{ChangeResult, Course, remember};
use writeback::decide::guard::HeldPlan;
use writeback::model::change::{AttributeChange, Cause, Change, Effect, MemberReference};
use writeback::model::{
    Containers, DirectoryGroup, ObjectGuid, ObjectId, Operation, Outcome, Spending,
};

use crate::world::{GROUPS, OWNER, World, dn};

/// Where groups may be written.
pub(crate) fn containers() -> Containers {
    Containers::new(vec![dn(GROUPS)])
}

impl World {
    /// Executes changes in their order; `watch` sees the world after each.
    pub(crate) fn execute(
        &mut self,
        changes: &[Change],
        mut watch: impl FnMut(&Self, &Change),
    ) -> Vec<ChangeResult> {
        let mut results = Vec::new();
        for change in changes.iter().filter(|change| change.effect != Effect::Freeze) {
            let object = self.execute_one(change);
            watch(self, change);
            results.push(ChangeResult {
                change: change.clone(),
                outcome: Outcome::Done { object: Some(object) },
                refused_members: Vec::new(),
                left_out: Vec::new(),
            });
        }
        results
    }

    /// Carries memory over the pass.
    pub(crate) fn remember(&mut self, decision: Decision, results: &[ChangeResult]) {
        self.remember_held(decision, &HeldPlan::default(), results);
    }

    /// The same where the guard kept something back.
    pub(crate) fn remember_held(
        &mut self,
        decision: Decision,
        held: &HeldPlan,
        results: &[ChangeResult],
    ) {
        self.remember_spent(decision, held, results, &[], &[]);
    }

    /// The same where something was taken out of the window, and members were added.
    pub(crate) fn remember_spent(
        &mut self,
        decision: Decision,
        held: &HeldPlan,
        results: &[ChangeResult],
        spent: &[Spending],
        added: &[(ObjectGuid, ObjectGuid)],
    ) {
        let (partial, cut) = (false, false);
        let course = Course { begun: self.now, held, results, spent, added, partial, cut };
        remember(&mut self.memory, decision, &course);
    }

    fn execute_one(&mut self, change: &Change) -> ObjectGuid {
        let fresh = matches!(change.effect, Effect::Create { .. } | Effect::Restore { .. });
        let guid = if fresh { ObjectGuid(change.group.0) } else { self.aimed_at(change) };
        let operation = self.operation(change, guid).expect("nothing is done to what is frozen");
        let done = self.operate(&operation);
        assert!(done.is_ok(), "{done:?}: {change:?}");
        operation.target().object().unwrap_or(guid)
    }

    /// The one operation of a change that writes.
    fn operation(&self, change: &Change, guid: ObjectGuid) -> Option<Operation> {
        let target = change.target.clone();
        let here = || {
            let group = self.domain.groups.get(&guid).expect("it is there");
            containers().admit(guid, group.dn.clone()).expect("it is inside")
        };
        let referred = |members: &[MemberReference]| {
            members.iter().map(|member| self.referred(member)).collect::<Vec<_>>()
        };
        Some(match &change.effect {
            Effect::Create { attributes } => {
                Operation::Add { target, attributes: attributes.clone() }
            }
            Effect::Restore { attributes } => {
                Operation::Restore { target, attributes: attributes.clone() }
            }
            Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
                Operation::ModifyDn { target: here(), to: to.clone() }
            }
            Effect::Update { attributes }
            | Effect::Disable { attributes, .. }
            | Effect::Adopt { attributes }
            | Effect::Release { attributes } => {
                Operation::Modify { target: here(), attributes: attributes.clone() }
            }
            Effect::Handover { record, .. } => {
                Operation::Modify { target: here(), attributes: vec![record.clone()] }
            }
            Effect::Convert { from, to } => {
                let (before, after) = (Some(from.to_string()), Some(to.to_string()));
                let attributes = vec![AttributeChange { name: "groupType".into(), before, after }];
                Operation::Modify { target: here(), attributes }
            }
            Effect::AddMembers { members, .. } => {
                let there = self.domain.members.get(&guid);
                let mut missing = referred(members);
                // A group from the recycle bin is in again what it was in; one that a person brings
                // back holds its members again.
                missing.retain(|member| {
                    let asked_for = matches!(change.cause, Cause::Person(_));
                    let back =
                        asked_for || members.iter().all(|known| known.guid() != Some(*member));
                    !(back && there.is_some_and(|there| there.contains(member)))
                });
                Operation::AddMembers { target: here(), members: missing }
            }
            Effect::RemoveMembers { members, of } => {
                let there = self.domain.members.get(&guid).map_or(0, BTreeSet::len);
                assert!(there >= *of, "{of} members before: {change:?}");
                Operation::RemoveMembers { target: here(), members: referred(members) }
            }
            Effect::Delete { last } => Operation::Delete { target: here(), last: last.clone() },
            Effect::Freeze => return None,
        })
    }

    /// The object of a change. It must be there, in the container, and carry our record.
    fn aimed_at(&self, change: &Change) -> ObjectGuid {
        let guid = change.target.object().unwrap_or_else(|| self.created(change.group));
        let group = self.domain.groups.get(&guid);
        let group = group.expect("a change is aimed at an object that is there");
        if matches!(change.effect, Effect::Adopt { .. }) {
            assert!(group.records.is_empty(), "somebody else's: {change:?}");
        } else {
            assert!(is_ours(group, change.group), "no record of ours: {change:?}");
        }
        assert!(group.dn.is_within(&dn(GROUPS)), "outside the containers: {change:?}");
        guid
    }

    fn created(&self, id: ObjectId) -> ObjectGuid {
        let found = self.domain.groups.values().find(|group| is_ours(group, id));
        found.expect("a group is created before it is filled or nested").guid
    }

    fn referred(&self, member: &MemberReference) -> ObjectGuid {
        match member {
            MemberReference::Existing { guid, .. } => *guid,
            MemberReference::Created { group, .. } => self.created(*group),
        }
    }
}

/// Whether the group carries our record for the cloud group, and no other record.
pub(crate) fn is_ours(group: &DirectoryGroup, id: ObjectId) -> bool {
    matches!(group.records.as_slice(), [value]
        if value.record.as_ref().is_some_and(|r| r.owner == OWNER && r.id == id))
}
