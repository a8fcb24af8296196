//! The groups of the tenant below one of them, and the way to a member.
//!
//! From the members that were read, by the pass and beside it, to paths; and before that to the
//! groups whose members are still to be read.

use std::collections::{BTreeSet, VecDeque};

use super::{Case, Direct};
use crate::model::cloud::MemberKind;
use crate::model::{CloudMember, ObjectId};

/// The groups below a group whose members nobody has read yet: read them into `nested` and ask
/// again until the answer is empty.
pub fn nested_unread(case: &Case<'_>, group: ObjectId) -> BTreeSet<ObjectId> {
    let mut unread = BTreeSet::new();
    let tree = CloudTree { case };
    tree.walk(group, |id, _| {
        if tree.members(id).is_none() {
            unread.insert(id);
        }
        false
    });
    unread
}

/// The groups of the tenant and their members, as far as they were read.
pub(super) struct CloudTree<'c, 'a> {
    pub(super) case: &'c Case<'a>,
}

impl<'a> CloudTree<'_, 'a> {
    /// The direct members of a group; `None` where nobody asked for them.
    fn members(&self, id: ObjectId) -> Option<Result<&'a [CloudMember], &'a str>> {
        let of = |all: &'a Direct| all.get(&id);
        let read = of(&self.case.members.of).or_else(|| of(self.case.nested))?;
        Some(match read {
            Ok(members) => Ok(members.value().as_slice()),
            Err(unread) => Err(unread.reason.as_str()),
        })
    }

    /// Meets the group and every group below it, the nearest first, until `enough` says so; the
    /// way there stands beside each.
    fn walk(&self, group: ObjectId, mut enough: impl FnMut(ObjectId, &[ObjectId]) -> bool) {
        let mut seen = BTreeSet::from([group]);
        let mut open: VecDeque<Vec<ObjectId>> = VecDeque::from([vec![group]]);
        while let Some(path) = open.pop_front() {
            let Some(id) = path.last().copied() else { continue };
            if enough(id, &path) {
                return;
            }
            let Some(Ok(members)) = self.members(id) else { continue };
            let groups = members.iter().filter(|member| match &member.kind {
                MemberKind::Group | MemberKind::DirectoryGroup(_) => true,
                MemberKind::User(_)
                | MemberKind::Device { .. }
                | MemberKind::Other(_)
                | MemberKind::Unreadable(_) => false,
            });
            for nested in groups.filter(|nested| seen.insert(nested.id)) {
                open.push_back(path.iter().copied().chain([nested.id]).collect());
            }
        }
    }

    /// The shortest way from a group to a member, and the member.
    pub(super) fn way(
        &self,
        group: ObjectId,
        person: ObjectId,
    ) -> Option<(Vec<ObjectId>, &'a CloudMember)> {
        let mut found = None;
        self.walk(group, |id, path| {
            let members = self.members(id).and_then(Result::ok).unwrap_or_default();
            let member = members.iter().find(|member| member.id == person);
            found = member.map(|member| (path.to_vec(), member));
            found.is_some()
        });
        found
    }

    /// Groups below a group whose members could not be read.
    pub(super) fn unreadable(&self, group: ObjectId) -> usize {
        let mut count = 0;
        self.walk(group, |id, _| {
            count += usize::from(!matches!(self.members(id), Some(Ok(_))));
            false
        });
        count
    }
}
