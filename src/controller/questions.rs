//! What the policies in force make a pass read beyond the listings that every pass needs.
//!
//! From policies to questions; `pass` asks them. What no policy needs is not asked: each question
//! needs a right and a request of its own.

use std::collections::BTreeSet;

use crate::graph::Flags;
use crate::model::policy::{FlagRule, GroupTypeRule, Policy, PolicySet};
use crate::model::{AttributeName, ObjectGuid, ObjectId};

/// What is asked.
pub(super) struct Questions {
    /// The writeback flags.
    pub(super) flags: Flags,
    /// The tenant's default for new groups.
    pub(super) new_groups: bool,
    /// The members of these control groups.
    pub(super) controls: BTreeSet<ObjectId>,
    /// These objects of the directory, which entries of `adoption` name.
    pub(super) named: BTreeSet<ObjectGuid>,
    /// These attributes of directory groups.
    pub(super) extras: BTreeSet<AttributeName>,
}

impl Questions {
    /// What the policies need.
    pub(super) fn of(policies: &PolicySet) -> Self {
        let all = || policies.policies.iter().map(|standing| &standing.policy);
        let rule = |policy: &Policy| policy.selection.writeback_flag;
        let flags = all().any(|policy| {
            rule(policy) != FlagRule::Ignore || policy.group.group_type == GroupTypeRule::FromCloud
        });
        let entries = all().flat_map(|policy| {
            policy.selection.include.iter().flatten().chain(&policy.selection.exclude)
        });
        let extras = all().flat_map(|policy| &policy.group.attributes);
        Self {
            flags: if flags { Flags::Read } else { Flags::Skip },
            new_groups: all().any(|policy| rule(policy) == FlagRule::HonourTenantDefault),
            controls: entries.filter_map(|entry| entry.member_of).collect(),
            named: all().flat_map(|policy| &policy.adoption).map(|entry| entry.object).collect(),
            extras: extras.map(|attribute| attribute.name.clone()).collect(),
        }
    }
}
