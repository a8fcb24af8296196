//! Who is in a group, who comes and who goes: told when somebody asks for that one group.
//!
//! Comes from the sheet and from what came of the plan since. Goes to `report::page` and
//! `/api/v1/groups/ID`.

use std::collections::BTreeMap;

use crate::model::change::Kind;
use crate::report::groups::View;
use crate::report::groups::sheet::{Group, Line, Part, Person};

/// What a member is to its group. The order is that in which people want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberState {
    /// It would be taken out, and a guard keeps that back.
    RemovalHeld,
    /// It would be added, and a guard keeps that back.
    AdditionHeld,
    /// It is taken out.
    ToBeRemoved,
    /// It is added.
    ToBeAdded,
    /// It is a member in the cloud and does not become one in the directory.
    LeftOut,
    /// It is a member.
    Member,
}

impl MemberState {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::RemovalHeld => "removal_held",
            Self::AdditionHeld => "addition_held",
            Self::ToBeRemoved => "to_be_removed",
            Self::ToBeAdded => "to_be_added",
            Self::LeftOut => "left_out",
            Self::Member => "member",
        }
    }

    /// The words for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::RemovalHeld => "still a member, removal held",
            Self::AdditionHeld => "addition held",
            Self::ToBeRemoved => "to be removed",
            Self::ToBeAdded => "to be added",
            Self::LeftOut => "left out, see findings",
            Self::Member => "member",
        }
    }
}

/// The members of one group.
#[derive(Debug)]
pub struct Members<'v> {
    /// Whoever is told of, what is not ordinary first, then by name.
    pub rows: Vec<(MemberState, &'v Person)>,
    /// Left out and not told of by name.
    pub unnamed: usize,
}

impl View {
    /// How many members the directory group has now; `None` where nobody read them.
    pub fn member_count(&self, group: &Group) -> Option<usize> {
        let moved = |kind: Kind| -> usize {
            let lines = self.sheet().lines_of(group).into_iter();
            lines.filter(|line| self.is_made(line, kind)).map(|line| line.members.len()).sum()
        };
        let (added, removed) = (moved(Kind::AddMembers), moved(Kind::RemoveMembers));
        let read = group.members.as_ref().map(|members| members.len());
        let base = read.or_else(|| (added > 0).then_some(0))?;
        Some((base + added).saturating_sub(removed))
    }

    /// The members of a group. Cost: its members, sorted once.
    pub fn members<'v>(&'v self, group: &Group) -> Members<'v> {
        let mut rows: BTreeMap<u32, MemberState> = BTreeMap::new();
        rows.extend(group.left_out.iter().map(|number| (*number, MemberState::LeftOut)));
        let standing = group.members.iter().flatten();
        rows.extend(standing.map(|number| (*number, MemberState::Member)));
        for line in self.sheet().lines_of(group) {
            let adds = line.kind == Kind::AddMembers;
            let fate = match (adds, line.part == Part::Held) {
                _ if self.is_made(line, line.kind) => adds.then_some(MemberState::Member),
                (true, true) => Some(MemberState::AdditionHeld),
                (true, false) => Some(MemberState::ToBeAdded),
                (false, true) => Some(MemberState::RemovalHeld),
                (false, false) => Some(MemberState::ToBeRemoved),
            };
            for number in &line.members {
                match fate {
                    Some(state) => rows.insert(*number, state),
                    None => rows.remove(number),
                };
            }
        }
        let rows = rows.into_iter();
        let rows = rows.filter_map(|(number, state)| Some((state, self.sheet().person(number)?)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_cached_key(|(state, person)| (*state, person.label.to_lowercase()));
        Members { rows, unnamed: group.left_out_count.saturating_sub(group.left_out.len()) }
    }

    /// Whether a waiting line of this kind was made.
    pub(super) fn is_made(&self, line: &Line, kind: Kind) -> bool {
        line.part == Part::Waiting
            && line.kind == kind
            && self.outcome(line.group, kind).is_some_and(|deed| deed.achieved)
    }
}
