//! A plan cut into the pieces that a guard judges: what is approved, what does not count, what
//! leavers lose, and the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::guard::Scale;
use crate::decide::guard::approve::in_force;
use crate::decide::plan;
use crate::defence::stands;
use crate::model::change::{Change, Effect, Kind, MemberReference};
use crate::model::window::{Spend, Spending, WINDOW};
use crate::model::{Item, ObjectGuid, ObjectId, PolicyName};

/// What a piece counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A person let it through.
    Approved,
    /// Values that this daemon added less than a day ago.
    Ours,
    /// Values of principals that left the tenant or were disabled there.
    Leavers,
    /// Everything else.
    Counted,
}

/// A part of a change, or all of it: members that count as the same and go to the same groups.
#[derive(Debug)]
pub(super) struct Piece {
    /// The change with the part's members alone.
    pub change: Change,
    /// The change it is a part of, by its place in the plan.
    pub origin: usize,
    /// What it counts as.
    pub class: Class,
    /// How many members the whole change takes out.
    pub whole: usize,
}

/// Cuts the changes; those that write nothing are left out.
pub(super) fn pieces(changes: &[Change], scale: &Scale<'_>) -> Vec<Piece> {
    let approved = scale.approved_items();
    let writes = changes.iter().enumerate();
    let writes = writes.filter(|(_, change)| change.effect != Effect::Freeze);
    let knife = Knife { scale, approved, arriving: arriving(changes) };
    writes.flat_map(|(origin, change)| knife.cut(origin, change)).collect()
}

/// The groups that each member is added to.
fn arriving(changes: &[Change]) -> BTreeMap<ObjectGuid, BTreeSet<ObjectId>> {
    let mut arriving: BTreeMap<ObjectGuid, BTreeSet<ObjectId>> = BTreeMap::new();
    let additions = changes.iter().filter(|change| change.effect.kind() == Kind::AddMembers);
    for change in additions {
        for guid in members(change).iter().filter_map(MemberReference::guid) {
            arriving.entry(guid).or_default().insert(change.group);
        }
    }
    arriving
}

/// What changes are cut by.
struct Knife<'a> {
    scale: &'a Scale<'a>,
    approved: BTreeSet<&'a Item>,
    arriving: BTreeMap<ObjectGuid, BTreeSet<ObjectId>>,
}

impl Knife<'_> {
    fn cut(&self, origin: usize, change: &Change) -> Vec<Piece> {
        let items = plan::items(change);
        let passes = |item: &Item| self.approved.contains(item);
        let Some(part) = change.effect.member_part() else {
            let all = items.iter().all(passes);
            let class = if all { Class::Approved } else { Class::Counted };
            return vec![Piece { change: change.clone(), origin, class, whole: 0 }];
        };
        let members = part.members;
        let whole = if part.kind == Kind::RemoveMembers { members.len() } else { 0 };
        // Who leaves one group for another waits with what he is added to: see `dependents`.
        let mut parts: BTreeMap<(Class, Option<&BTreeSet<ObjectId>>), Vec<_>> = BTreeMap::new();
        for (member, item) in members.iter().zip(&items) {
            let class = match (passes(item), whole) {
                (true, _) => Class::Approved,
                (false, 0) => Class::Counted,
                (false, _) => self.scale.class(change, member),
            };
            let goes_to = member.guid().filter(|_| whole > 0);
            let goes_to = goes_to.and_then(|guid| self.arriving.get(&guid));
            parts.entry((class, goes_to)).or_default().push(member.clone());
        }
        let piece = |((class, _), members)| {
            let change = with_members(change, members);
            Piece { change, origin, class, whole }
        };
        parts.into_iter().map(piece).collect()
    }
}

/// The same change for other members.
fn with_members(change: &Change, members: Vec<MemberReference>) -> Change {
    Change { effect: change.effect.with_members(members), ..change.clone() }
}

/// Puts pieces of the same change together again, in the order of the plan.
pub(super) fn join<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Vec<Change> {
    let mut by_origin: BTreeMap<usize, Change> = BTreeMap::new();
    for piece in pieces {
        let Some(known) = by_origin.get_mut(&piece.origin) else {
            by_origin.insert(piece.origin, piece.change.clone());
            continue;
        };
        let mut all: Vec<MemberReference> = members(known).to_vec();
        all.extend(members(&piece.change).iter().cloned());
        all.sort();
        *known = with_members(known, all);
    }
    by_origin.into_values().collect()
}

/// The members a change adds or takes out; none for any other.
pub(super) fn members(change: &Change) -> &[MemberReference] {
    change.effect.member_part().map_or(&[], |part| part.members)
}

/// What inside a nested group counts where nobody could tell: the most that a group may hold.
const INSIDE_UNKNOWN: usize = 250_000;

impl Scale<'_> {
    /// What an approval that is in force lets through.
    fn approved_items(&self) -> BTreeSet<&Item> {
        in_force(self.memory, self.begun).collect()
    }

    fn class(&self, change: &Change, member: &MemberReference) -> Class {
        let Some(guid) = member.guid() else { return Class::Counted };
        let added = change.target.object().and_then(|object| {
            let added = self.memory.added.get(&(object, guid))?;
            // A time that has not come yet proves nothing: the clock was set back.
            let age = self.begun.duration_since(*added);
            Some(!age.is_negative() && age < WINDOW)
        });
        if added == Some(true) {
            Class::Ours
        } else if self.answers.leavers.contains(&guid) {
            Class::Leavers
        } else {
            Class::Counted
        }
    }

    /// What taking a member out of a group spends; `None` where it does not count.
    pub(super) fn spend(&self, change: &Change, member: &MemberReference) -> Option<Spend> {
        let (group, guid) = (change.group, member.guid()?);
        match self.class(change, member) {
            Class::Approved | Class::Ours => None,
            Class::Leavers => Some(Spend::Leaver { group, member: guid }),
            Class::Counted => {
                let principals = self.principals(guid);
                Some(Spend::Membership { group, member: guid, principals })
            }
        }
    }

    /// How many principals lose a group when this one is taken out of it.
    fn principals(&self, member: ObjectGuid) -> usize {
        if !self.nested.contains(&member) || !stands("H19") {
            return 1;
        }
        self.answers.inside.get(&member).copied().unwrap_or(INSIDE_UNKNOWN).max(1)
    }

    /// Values taken out of groups in the window, by group and member, under one policy.
    pub(super) fn spent_memberships(
        &self,
        policy: &PolicyName,
    ) -> BTreeMap<(ObjectId, ObjectGuid), usize> {
        let spent = self.window(policy).filter_map(|spend| match spend {
            Spend::Membership { group, member, principals } => Some(((group, member), principals)),
            Spend::Group(_) | Spend::Leaver { .. } => None,
        });
        spent.collect()
    }

    /// Values taken out of one group in the window, but for those of leavers, under whichever
    /// policy: a group that goes over to another takes its losses along.
    pub(super) fn taken_from(&self, group: ObjectId) -> BTreeSet<ObjectGuid> {
        let taken = self.spent().filter_map(|spent| match spent.spend {
            Spend::Membership { group: from, member, .. } if from == group => Some(member),
            Spend::Membership { .. } | Spend::Group(_) | Spend::Leaver { .. } => None,
        });
        taken.collect()
    }

    /// The same with those of leavers.
    pub(super) fn gone_from(&self, group: ObjectId) -> BTreeSet<ObjectGuid> {
        let left = self.spent().filter_map(|spent| match spent.spend {
            Spend::Leaver { group: from, member } if from == group => Some(member),
            Spend::Membership { .. } | Spend::Group(_) | Spend::Leaver { .. } => None,
        });
        left.chain(self.taken_from(group)).collect()
    }

    /// What was spent in the window under one policy.
    pub(super) fn window<'s>(&'s self, policy: &'s PolicyName) -> impl Iterator<Item = Spend> + 's {
        self.spent().filter(move |spent| spent.policy == *policy).map(|spent| spent.spend)
    }

    fn spent(&self) -> impl Iterator<Item = &Spending> {
        let inside = |at| self.begun.duration_since(at) < WINDOW && stands("H21");
        self.memory.spent.iter().filter(move |spent| inside(spent.at))
    }

    /// Whether additions to the group wait because of a privileged path.
    pub(super) fn is_watched(&self, group: ObjectId) -> bool {
        self.privileged.contains_key(&group) && stands("H52")
    }
}
