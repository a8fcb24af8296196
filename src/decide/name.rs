//! What groups are called: presets, candidates, clashes, look-alikes, swaps.
//!
//! From display names and ids to common names and pre-Windows 2000 names that the directory
//! takes, and to who gets which name when several want one.

use std::collections::{BTreeMap, BTreeSet};

use unicode_security::skeleton;

use crate::model::policy::NamePreset;
use crate::model::{CloudGroup, ObjectGuid, Principal};

/// Longest common name, in UTF-16 units (schema attribute `cn`, rangeUpper 64).
pub const CN_UNITS_MAX: usize = 64;
/// Most units of the display name in a `DisplayNameAndId` name, as Microsoft's Cloud Sync has it:
/// 51 + `_` + 12 = 64.
const DISPLAY_NAME_UNITS_MAX: usize = 51;
/// Highest number of a suffix that is tried for a taken pre-Windows 2000 name.
const SUFFIX_MAX: u8 = 9;
/// What `sAMAccountName` must not contain (learn.microsoft.com adschema/a-samaccountname).
const SAM_FORBIDDEN: &str = "\"/\\[]:;|=,+*?<>";

/// The common name of a group; `None` when nothing of the display name is left.
pub fn common_name(preset: NamePreset, group: &CloudGroup) -> Option<String> {
    match preset {
        NamePreset::GroupId => Some(group.id.anchor()),
        NamePreset::DisplayNameAndId => {
            let clean: String =
                group.display_name.chars().filter(|character| !character.is_control()).collect();
            let cut = cut(clean.trim(), DISPLAY_NAME_UNITS_MAX);
            (!cut.is_empty()).then(|| format!("{cut}_{}", group.id.tail()))
        }
    }
}

/// The pre-Windows 2000 names a group may have, best first; empty when none is possible.
pub fn sam_account_names(preset: NamePreset, group: &CloudGroup) -> Vec<String> {
    let Some(cn) = common_name(preset, group) else { return Vec::new() };
    let kept: String = cn
        .chars()
        .filter(|character| !SAM_FORBIDDEN.contains(*character) && !character.is_control())
        .collect();
    let base = kept.trim().trim_end_matches('.');
    let suffixed = (2..=SUFFIX_MAX).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned()).chain(suffixed).collect()
}

/// The longest start of `text` within `units_max` UTF-16 units that splits no character.
pub fn cut(text: &str, units_max: usize) -> &str {
    let mut units = 0;
    for (index, character) in text.char_indices() {
        units += character.len_utf16();
        if units > units_max {
            return text.get(..index).unwrap_or(text);
        }
    }
    text
}

/// Names that look like those of privileged objects, by their UTS 39 skeleton.
#[derive(Debug, Default)]
pub struct Privileged(BTreeSet<String>);

impl Privileged {
    /// Takes the common names and pre-Windows 2000 names of the privileged among `principals`.
    pub fn of<'a>(principals: impl Iterator<Item = &'a Principal>) -> Self {
        let privileged = principals.filter(|principal| principal.privileged);
        let names = privileged.flat_map(|principal| {
            let leaf = std::iter::once(principal.dn.leaf().to_owned());
            leaf.chain(principal.sam_account_name.clone())
        });
        Self(names.map(|name| shape(&name)).collect())
    }

    /// Whether `name` cannot be told from a privileged one by eye.
    pub fn imitated_by(&self, name: &str) -> bool {
        self.0.contains(&shape(name))
    }
}

fn shape(name: &str) -> String {
    let visible: String = name.chars().filter(|c| !invisible(*c)).collect();
    let folded: String = skeleton(visible.trim()).collect();
    skeleton(&folded.to_lowercase()).collect()
}

/// Characters without a glyph that a skeleton keeps: joiners, marks of direction, blanks of
/// no width, the soft hyphen.
fn invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// One group's wish for a unique name.
#[derive(Debug)]
pub struct Wish<Id, Key> {
    /// Who wishes.
    pub id: Id,
    /// The object that holds `current`, when the group exists.
    pub object: Option<ObjectGuid>,
    /// The name it holds now.
    pub current: Option<Key>,
    /// The names it may have, best first.
    pub candidates: Vec<Key>,
}

/// Gives every wish at most one of its candidates so that no two hold the same name.
///
/// A group keeps a name it holds while that is among its candidates. A name counts as free when
/// nobody holds it, or when its holder leaves it in this same pass; a holder that gets nothing
/// leaves nothing. The answer maps each wish to the index of its candidate, or to `None`.
/// Cost: quadratic in the number of blocked holders, which is bounded by the clashes.
pub fn assign<Id: Ord + Clone, Key: Ord + Clone>(
    wishes: &[Wish<Id, Key>],
    occupied: &BTreeMap<Key, ObjectGuid>,
) -> BTreeMap<Id, Option<usize>> {
    let mut answer = BTreeMap::new();
    let mut kept: BTreeSet<Key> = BTreeSet::new();
    let mut movers: Vec<&Wish<Id, Key>> = Vec::new();
    for wish in wishes {
        let held = wish.current.as_ref().filter(|key| {
            wish.object.is_none() || occupied.get(*key) == wish.object.as_ref()
        });
        match held.and_then(|key| Some((key, wish.candidates.iter().position(|c| c == key)?))) {
            Some((key, index)) => {
                kept.insert(key.clone());
                answer.insert(wish.id.clone(), Some(index));
            }
            None => movers.push(wish),
        }
    }
    movers.sort_by(|a, b| a.id.cmp(&b.id));
    loop {
        let leaving: BTreeSet<&Key> = movers
            .iter()
            .filter_map(|wish| Some((wish.current.as_ref()?, wish.object?)))
            .filter(|(key, object)| occupied.get(*key) == Some(object))
            .map(|(key, _)| key)
            .collect();
        let mut chosen: BTreeSet<&Key> = BTreeSet::new();
        let mut blocked = Vec::new();
        let mut round = BTreeMap::new();
        for wish in &movers {
            let free = |key: &Key| {
                !kept.contains(key)
                    && !chosen.contains(key)
                    && (!occupied.contains_key(key) || leaving.contains(key))
            };
            match wish.candidates.iter().position(free) {
                Some(index) => {
                    chosen.extend(wish.candidates.get(index));
                    round.insert(wish.id.clone(), Some(index));
                }
                None => blocked.push(wish.id.clone()),
            }
        }
        if blocked.is_empty() {
            answer.extend(round);
            return answer;
        }
        kept.extend(
            movers
                .iter()
                .filter(|wish| blocked.contains(&wish.id))
                .filter_map(|wish| wish.current.clone()),
        );
        movers.retain(|wish| !blocked.contains(&wish.id));
        answer.extend(blocked.into_iter().map(|id| (id, None)));
    }
}

/// One step of a reordering of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The move at this index goes straight to its place.
    Go(usize),
    /// The move at this index first steps aside, to a name nobody wants.
    Aside(usize),
}

/// Orders moves `(from, to)` of unique names so that every name is free when it is taken: chains
/// from their free end, cycles by stepping aside once.
pub fn order<Key: Ord>(moves: &[(Key, Key)]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut pending: BTreeSet<usize> = (0..moves.len()).collect();
    let mut held: BTreeMap<&Key, usize> =
        moves.iter().enumerate().map(|(index, (from, _))| (from, index)).collect();
    while !pending.is_empty() {
        let free = pending.iter().copied().find(|index| {
            moves.get(*index).is_some_and(|(_, to)| held.get(to).is_none_or(|by| by == index))
        });
        let (index, step) = match (free, pending.first()) {
            (Some(index), _) => (index, Step::Go(index)),
            (None, Some(first)) => (*first, Step::Aside(*first)),
            (None, None) => break,
        };
        if let Some((from, _)) = moves.get(index) {
            held.remove(from);
        }
        if matches!(step, Step::Go(_)) {
            pending.remove(&index);
        }
        steps.push(step);
    }
    steps
}
