//! How much may be taken away in a day: every removal counts, but for what came in the same day and
//! what a person let through.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use writeback::model::change::Kind;
use writeback::model::{Item, ObjectGuid};

use super::{DAY, Oracle, recorded};
use crate::directory::{Class, Directory, Object};
use crate::tenant::{Tenant, Who};

/// Something that was taken away.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) at: Timestamp,
    policy: String,
    team: String,
    /// The member; `None` for the group itself.
    member: Option<ObjectGuid>,
    leaver: bool,
}

/// What a policy holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) groups: usize,
    pub(crate) memberships: usize,
    pub(crate) principals: usize,
}

impl Oracle {
    fn is_approved(&mut self, wanted: impl Fn(&Item) -> bool, now: Timestamp) -> bool {
        let open = self.approved.iter().find(|(item, until)| wanted(item) && **until > now);
        // It lets it through once.
        let used = open.map(|(item, _)| item.clone());
        used.is_some_and(|item| self.approved.remove(&item).is_some())
    }

    pub(super) fn take_member(
        &mut self,
        former: &Object,
        member: ObjectGuid,
        (team, policy): (&str, &str),
        (tenant, now): (&Rc<Tenant>, Timestamp),
        who: Option<&Who>,
    ) {
        let (object, value) = (former.guid.to_string(), member.to_string());
        let is_item = |item: &Item| {
            item.kind == Kind::RemoveMembers && item.object == object && item.value == value
        };
        let ours = self.added.get(&(former.guid, member));
        if ours.is_some_and(|at| now.duration_since(*at) < DAY) {
            return;
        }
        if self.is_approved(is_item, now) {
            return;
        }
        let leaver = matches!(who, Some(Who::Person(p)) if tenant.people.get(p) == Some(&false));
        self.taken.push(Taken {
            at: now,
            policy: policy.to_owned(),
            team: team.to_owned(),
            member: Some(member),
            leaver,
        });
        let size = self.size(policy, now);
        let recent = |taken: &&Taken| {
            taken.policy == policy && now.duration_since(taken.at) < DAY && taken.member.is_some()
        };
        let all: Vec<&Taken> = self.taken.iter().filter(recent).collect();
        let spots = |leaver: bool| -> BTreeSet<(&str, Option<ObjectGuid>)> {
            let own = all.iter().filter(|taken| taken.leaver == leaver);
            own.map(|taken| (taken.team.as_str(), taken.member)).collect()
        };
        let values = spots(false);
        let leavers: BTreeSet<_> = spots(true).into_iter().map(|(_, member)| member).collect();
        let of_group = values.iter().filter(|(own, _)| *own == team).count();
        let most = 200.max(size.memberships / 200);
        let limits = [
            ("memberships", values.len(), (size.memberships / 20).min(most).max(5)),
            ("leavers", leavers.len(), (size.principals / 50).max(10)),
            ("members of one group", of_group, ((former.members.len() + of_group) / 4).max(3)),
        ];
        let passed = limits.into_iter().find(|(_, count, limit)| count > limit);
        if let Some((what, count, limit)) = passed {
            self.blame(format!("{team}, {policy}: {count} {what} in a day, {limit} may go"));
        }
    }

    pub(super) fn take_group(
        &mut self,
        guid: ObjectGuid,
        kind: Kind,
        (team, policy): (&str, &str),
        now: Timestamp,
    ) {
        self.removals += 1;
        let object = guid.to_string();
        if self.is_approved(|item| item.kind == kind && item.object == object, now) {
            return;
        }
        let (policy, team) = (policy.to_owned(), team.to_owned());
        self.taken.push(Taken {
            at: now,
            policy: policy.clone(),
            team,
            member: None,
            leaver: false,
        });
        let recent = self.taken.iter().filter(|taken| {
            taken.policy == policy && taken.member.is_none() && now.duration_since(taken.at) < DAY
        });
        let teams: BTreeSet<_> = recent.map(|taken| taken.team.clone()).collect();
        let groups = self.size(&policy, now).groups;
        let limit = (groups / 20).min(10.max(groups / 200)).max(1);
        if teams.len() > limit {
            self.blame(format!("{policy}: groups {teams:?} in a day, {limit} may go"));
        }
    }

    /// The most that a policy held in the last two days.
    fn size(&self, policy: &str, now: Timestamp) -> Size {
        let mut size = Size::default();
        for (_, of) in self.sizes.iter().filter(|(at, _)| now.duration_since(*at) <= DAY + DAY) {
            let own = of.get(policy).copied().unwrap_or_default();
            size.groups = size.groups.max(own.groups);
            size.memberships = size.memberships.max(own.memberships);
            size.principals = size.principals.max(own.principals);
        }
        size
    }
}

/// What each policy holds in the directory.
pub(crate) fn sizes(directory: &Directory, tenant: &Tenant) -> BTreeMap<String, Size> {
    let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
    let mut people: BTreeMap<String, BTreeSet<ObjectGuid>> = BTreeMap::new();
    for one in directory.objects.values().filter(|one| one.class == Class::Group) {
        let Some((_, policy)) = recorded(one, tenant) else { continue };
        let size = sizes.entry(policy.clone()).or_default();
        size.groups += 1;
        size.memberships += one.members.len();
        people.entry(policy).or_default().extend(&one.members);
    }
    for (policy, people) in people {
        sizes.entry(policy).or_default().principals = people.len();
    }
    sizes
}
