//! How much the pieces of a plan come to, row by row, over the pass and the rolling window.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::guard::Scale;
use crate::decide::guard::piece::{Class, Piece, members};
use crate::decide::guard::row::{Hold, Row, ends_group, size};
use crate::defence::stands;
use crate::model::change::{Cause, Change, Effect, Kind, MemberReference};
use crate::model::policy::GuardRules;
use crate::model::window::Spend;
use crate::model::{Inventory, ObjectGuid, ObjectId, PolicyName};

/// One count: under a policy, of a row, of one group where the row is about one.
pub(super) type Count = (PolicyName, Row, Option<ObjectId>);

/// What passed its limit, with the pieces it counts.
pub(super) struct Trip {
    pub hold: Hold,
    pub pieces: Vec<usize>,
}

/// Every limit that is passed.
pub(super) fn trips(pieces: &[Piece], scale: &Scale<'_>) -> Vec<Trip> {
    let counted = counted(pieces, scale);
    let judged = counted.into_iter().filter_map(|(count, indices)| {
        let own: Vec<&Piece> = indices.iter().filter_map(|index| pieces.get(*index)).collect();
        let rules = scale.rules(&count.0);
        let (measured, limit, remark) = Tally { scale, rules: &rules, pieces: &own }.judge(&count);
        let hold = || Hold::new(count, (measured, limit), remark, &rules);
        (measured > limit).then(|| Trip { hold: hold(), pieces: indices })
    });
    judged.collect()
}

/// Which pieces each row counts, by their place.
fn counted(pieces: &[Piece], scale: &Scale<'_>) -> BTreeMap<Count, Vec<usize>> {
    let changes = || pieces.iter().map(|piece| &piece.change);
    let with = |kind: Kind| -> BTreeSet<ObjectId> {
        changes().filter(|change| change.effect.kind() == kind).map(|c| c.group).collect()
    };
    let adopted = with(Kind::Adopt);
    // Who is kept out because of a privileged path does not fill the group.
    let comes = |piece: &&Piece| {
        let watched = scale.is_watched(piece.change.group) && piece.class != Class::Approved;
        piece.change.effect.kind() == Kind::AddMembers && !watched
    };
    let filled: BTreeSet<ObjectId> =
        pieces.iter().filter(comes).map(|piece| piece.change.group).collect();
    // What is taken from a group that goes over to another policy counts for both.
    let former: BTreeMap<ObjectId, &PolicyName> = changes()
        .filter_map(|change| {
            let Effect::Handover { from, .. } = &change.effect else { return None };
            Some((change.group, from))
        })
        .collect();
    let mut counted: BTreeMap<Count, Vec<usize>> = BTreeMap::new();
    for (index, piece) in pieces.iter().enumerate() {
        if piece.class == Class::Approved {
            continue;
        }
        let group = piece.change.group;
        let is_new = adopted.contains(&group) || scale.memory.adopting.contains(&group);
        for (row, about) in rows(piece, is_new, filled.contains(&group), scale) {
            let former = former.get(&group).copied().filter(|_| row.removes());
            for policy in former.into_iter().chain([&piece.change.policy]) {
                counted.entry((policy.clone(), row, about)).or_default().push(index);
            }
        }
    }
    counted
}

/// The rows that count a piece. A row about one group names it. A group that gets new members in
/// the same pass, `is_filled`, does not become empty.
fn rows(
    piece: &Piece,
    is_newly_adopted: bool,
    is_filled: bool,
    scale: &Scale<'_>,
) -> Vec<(Row, Option<ObjectId>)> {
    let change = &piece.change;
    let group = Some(change.group);
    let mut rows = Vec::new();
    let asked_for = matches!(change.cause, Cause::Person(_));
    if scale.memory.undone.contains_key(&change.group) && !asked_for {
        rows.push((Row::Undone, group));
    }
    if ends_group(&change.effect) {
        if is_newly_adopted {
            rows.push((Row::AdoptionRemoves, group));
        }
        rows.push((Row::GroupsRemoved, None));
    }
    match &change.effect {
        Effect::RemoveMembers { .. } => {
            if is_newly_adopted {
                rows.push((Row::AdoptionRemoves, group));
            }
            match piece.class {
                Class::Approved | Class::Ours => {}
                Class::Leavers => rows.push((Row::Leavers, None)),
                Class::Counted => {
                    rows.push((Row::MembershipsRemoved, None));
                    rows.push((Row::OneGroup, group));
                    if empties(piece, scale) && !is_filled && stands("H19") {
                        rows.push((Row::ToEmpty, group));
                    }
                }
            }
        }
        Effect::Rename { .. } | Effect::Move { .. } => rows.push((Row::Renames, None)),
        Effect::Create { .. } | Effect::Restore { .. } => rows.push((Row::Creations, None)),
        Effect::AddMembers { of, .. } => {
            if scale.is_watched(change.group) {
                rows.push((Row::PrivilegedPath, group));
            }
            if of.is_some() && stands("H25") {
                rows.push((Row::Additions, group));
            }
        }
        Effect::Convert { .. }
        | Effect::Update { .. }
        | Effect::Handover { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::Delete { .. }
        | Effect::Freeze => {}
    }
    rows
}

/// Whether the whole change leaves nobody in a group that held several members when the window
/// began.
fn empties(piece: &Piece, scale: &Scale<'_>) -> bool {
    let change = &piece.change;
    let (now, before) = (size(change), scale.gone_from(change.group).len());
    piece.whole >= now && now + before >= scale.rules(&change.policy).to_empty_from
}

/// One row of one policy.
struct Tally<'a> {
    scale: &'a Scale<'a>,
    rules: &'a GuardRules,
    pieces: &'a [&'a Piece],
}

impl Tally<'_> {
    /// How much it comes to, how much may pass, and what else is worth saying.
    fn judge(&self, (policy, row, group): &Count) -> (usize, usize, &'static str) {
        let holding = self.scale.inventory.get(policy).copied().unwrap_or_default();
        let limit = self.limit(*row, *group, holding);
        let measured = match row {
            Row::GroupsRemoved => self.groups_removed(policy),
            Row::MembershipsRemoved => self.memberships(policy),
            Row::OneGroup => self.of_one_group(*group).len(),
            Row::Leavers => self.leavers(policy),
            Row::Renames | Row::Creations | Row::DirectoryGroupGone => self.groups().len(),
            Row::ToEmpty => self.pieces.first().map_or(0, |piece| piece.whole),
            Row::Additions | Row::PrivilegedPath => self.values(),
            // A group that loses its security takes access from all its members.
            Row::AdoptionRemoves => self.values().max(self.pieces.len()),
            Row::SelectionShrank | Row::Undone => {
                self.pieces.iter().map(|piece| piece.origin).collect::<BTreeSet<_>>().len()
            }
        };
        if row.removes() && self.scale.is_closed() {
            return (
                measured,
                0,
                "; the state is fresh, was lost or is an older copy, or the journal is not all \
                 there, and every removal waits a day or an approval",
            );
        }
        let over_time = match row {
            Row::GroupsRemoved | Row::MembershipsRemoved | Row::Leavers | Row::OneGroup => {
                measured > self.alone(*row)
            }
            Row::ToEmpty
            | Row::Renames
            | Row::Creations
            | Row::Additions
            | Row::DirectoryGroupGone
            | Row::SelectionShrank
            | Row::PrivilegedPath
            | Row::AdoptionRemoves
            | Row::Undone => false,
        };
        (measured, limit, if over_time { ", counted over 24 h" } else { "" })
    }

    fn limit(&self, row: Row, group: Option<ObjectId>, holding: Inventory) -> usize {
        let rules = self.rules;
        let size = || self.pieces.first().map_or(0, |piece| size(&piece.change));
        match row {
            Row::GroupsRemoved => rules.groups_removed.of(holding.groups),
            Row::MembershipsRemoved => rules.memberships_removed.of(holding.memberships),
            Row::Leavers => rules.leavers.of(holding.principals),
            Row::OneGroup => {
                let gone = group.map_or(0, |group| self.scale.taken_from(group).len());
                rules.one_group.of(size() + gone)
            }
            Row::ToEmpty => size().saturating_sub(1),
            Row::Renames => rules.renames.of(holding.groups),
            Row::Creations => rules.creations.of(holding.groups),
            Row::Additions => rules.additions.of(size()),
            Row::DirectoryGroupGone
            | Row::SelectionShrank
            | Row::PrivilegedPath
            | Row::AdoptionRemoves
            | Row::Undone => 0,
        }
    }

    /// What the pass alone comes to, where a row counts the window too.
    fn alone(&self, row: Row) -> usize {
        match row {
            Row::GroupsRemoved => self.groups().len(),
            Row::MembershipsRemoved => self.spends().values().sum(),
            Row::OneGroup => self.spends().len(),
            Row::Leavers => self.leaving().len(),
            Row::ToEmpty
            | Row::Renames
            | Row::Creations
            | Row::Additions
            | Row::DirectoryGroupGone
            | Row::SelectionShrank
            | Row::PrivilegedPath
            | Row::AdoptionRemoves
            | Row::Undone => 0,
        }
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.pieces.iter().map(|piece| &piece.change)
    }

    fn groups(&self) -> BTreeSet<ObjectId> {
        self.changes().map(|change| change.group).collect()
    }

    fn values(&self) -> usize {
        self.changes().map(|change| members(change).len()).sum()
    }

    fn groups_removed(&self, policy: &PolicyName) -> usize {
        let mut groups = self.groups();
        groups.extend(self.scale.window(policy).filter_map(|spend| match spend {
            Spend::Group(group) => Some(group),
            Spend::Membership { .. } | Spend::Leaver { .. } => None,
        }));
        groups.len()
    }

    /// What the pieces take out, by group and member.
    fn spends(&self) -> BTreeMap<(ObjectId, ObjectGuid), usize> {
        let each = self.changes().flat_map(|change| {
            members(change).iter().filter_map(|member| match self.scale.spend(change, member)? {
                Spend::Membership { group, member, principals } => {
                    Some(((group, member), principals))
                }
                Spend::Group(_) | Spend::Leaver { .. } => None,
            })
        });
        each.collect()
    }

    fn memberships(&self, policy: &PolicyName) -> usize {
        let mut spends = self.scale.spent_memberships(policy);
        spends.extend(self.spends());
        spends.values().sum()
    }

    /// The values that one group loses, under whichever policy. What is inside a nested group is
    /// counted by the policy.
    fn of_one_group(&self, group: Option<ObjectId>) -> BTreeSet<ObjectGuid> {
        let mut gone = group.map(|group| self.scale.taken_from(group)).unwrap_or_default();
        gone.extend(self.spends().into_keys().map(|(_, member)| member));
        gone
    }

    fn leaving(&self) -> BTreeSet<ObjectGuid> {
        self.changes().flat_map(members).filter_map(MemberReference::guid).collect()
    }

    fn leavers(&self, policy: &PolicyName) -> usize {
        let mut all = self.leaving();
        all.extend(self.scale.window(policy).filter_map(|spend| match spend {
            Spend::Leaver { member, .. } => Some(member),
            Spend::Group(_) | Spend::Membership { .. } => None,
        }));
        all.len()
    }
}
