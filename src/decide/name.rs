//! What groups are called: presets, candidates, clashes, look-alikes, swaps.
//!
//! From display names and ids to common names and pre-Windows 2000 names that the directory
//! takes, and to who gets which name when several want one.

use std::collections::{BTreeMap, BTreeSet};

use unicode_security::skeleton;

use crate::defence::stands;
use crate::model::policy::NamePreset;
use crate::model::{CloudGroup, ObjectGuid, ObjectId, Principal};

/// Longest common name, in UTF-16 units (schema attribute `cn`, rangeUpper 64).
pub const CN_UNITS_MAX: usize = 64;
/// Most units of the display name in a `DisplayNameAndId` name, as Microsoft's Cloud Sync has it:
/// 51 + `_` + 12 = 64.
const DISPLAY_NAME_UNITS_MAX: usize = 51;
/// Highest number of a suffix that is tried for a taken pre-Windows 2000 name.
const SUFFIX_MAX: u8 = 9;
/// What `sAMAccountName` must not contain (learn.microsoft.com adschema/a-samaccountname).
const SAM_FORBIDDEN: &str = "\"/\\[]:;|=,+*?<>";

/// Why a group has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is left of it.
    Empty,
    /// It is longer than the directory takes.
    TooLong {
        /// Its length in UTF-16 units.
        units: usize,
        /// The longest name taken.
        units_max: usize,
    },
}

/// The common name of a group by a preset; `None` when nothing of the display name is left.
pub fn common_name(preset: NamePreset, group: &CloudGroup) -> Option<String> {
    match preset {
        NamePreset::GroupId => Some(group.id.anchor()),
        NamePreset::DisplayNameAndId => {
            let name = clean(&group.display_name);
            let cut = cut(&name, DISPLAY_NAME_UNITS_MAX);
            (!cut.is_empty()).then(|| format!("{cut}_{}", group.id.tail()))
        }
    }
}

/// A name without control characters and without blanks at its ends.
pub fn clean(name: &str) -> String {
    let kept: String = name.chars().filter(|character| !character.is_control()).collect();
    kept.trim().to_owned()
}

/// What of a name the directory takes as a pre-Windows 2000 name, which does not end in a dot.
pub fn sam_base(name: &str) -> String {
    let kept: String =
        name.chars().filter(|character| !SAM_FORBIDDEN.contains(*character)).collect();
    clean(&kept).trim_end_matches(['.', ' ']).to_owned()
}

/// The pre-Windows 2000 names a group may have, best first.
pub fn sam_account_names(base: &str) -> Vec<String> {
    let suffixed = (2..=SUFFIX_MAX).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned()).chain(suffixed).collect()
}

/// A name that nobody else has and nobody keeps: where a group waits while two swap names.
pub fn aside(id: ObjectId) -> String {
    format!("writeback-aside-{id}")
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
pub struct Privileged(BTreeMap<String, Vec<Bearer>>);

/// A privileged object with a name.
#[derive(Debug)]
struct Bearer {
    object: ObjectGuid,
    /// The name itself in lower case, where the object is one of ours: who takes that very name
    /// clashes with it, and may have it once it is left.
    clash: Option<String>,
}

impl Privileged {
    /// Takes the common names and pre-Windows 2000 names of the privileged among `principals`;
    /// `ours` are the groups that this pass names.
    pub fn of<'a>(
        principals: impl Iterator<Item = &'a Principal>,
        ours: &BTreeSet<ObjectGuid>,
    ) -> Self {
        let privileged = principals.filter(|principal| principal.privileged);
        let mut shapes: BTreeMap<String, Vec<Bearer>> = BTreeMap::new();
        for principal in privileged {
            let leaf = std::iter::once(principal.dn.leaf());
            for name in leaf.chain(principal.sam_account_name.as_deref()) {
                let clash = ours.contains(&principal.guid).then(|| name.to_lowercase());
                let bearer = Bearer { object: principal.guid, clash };
                shapes.entry(shape(name)).or_default().push(bearer);
            }
        }
        Self(shapes)
    }

    /// Whether `name` cannot be told by eye from that of a privileged object other than `own`.
    pub fn imitated_by(&self, name: &str, own: Option<ObjectGuid>) -> bool {
        let alike = self.0.get(&shape(name));
        let lower = name.to_lowercase();
        let imitates = |bearer: &Bearer| {
            Some(bearer.object) != own && bearer.clash.as_deref() != Some(lower.as_str())
        };
        alike.into_iter().flatten().any(imitates) && stands("H45")
    }
}

/// The skeleton of a name (UTS 39 section 4) without regard to case: names that differ in case
/// alone are one name to the directory. The skeleton has the capital I as a small l, so after
/// folding the small i has to join them.
fn shape(name: &str) -> String {
    let visible: String = name.chars().filter(|c| !invisible(*c)).collect();
    let seen: String = skeleton(visible.trim()).collect();
    let folded: String = skeleton(&seen.to_lowercase()).collect();
    folded.replace('i', "l")
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
        let held = wish
            .current
            .as_ref()
            .filter(|key| wish.object.is_none() || occupied.get(*key) == wish.object.as_ref());
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
        let Round { chosen, blocked } = round(&movers, &kept, occupied);
        if blocked.is_empty() {
            answer.extend(chosen.into_iter().map(|(id, index)| (id, Some(index))));
            return answer;
        }
        let (stay, go): (Vec<_>, Vec<_>) =
            movers.into_iter().partition(|wish| blocked.contains(&wish.id));
        kept.extend(stay.iter().filter_map(|wish| wish.current.clone()));
        answer.extend(blocked.into_iter().map(|id| (id, None)));
        movers = go;
    }
}

struct Round<Id> {
    chosen: BTreeMap<Id, usize>,
    blocked: BTreeSet<Id>,
}

/// One attempt, in which every mover is thought to leave the name it holds.
fn round<Id: Ord + Clone, Key: Ord>(
    movers: &[&Wish<Id, Key>],
    kept: &BTreeSet<Key>,
    occupied: &BTreeMap<Key, ObjectGuid>,
) -> Round<Id> {
    let leaving: BTreeSet<&Key> = movers
        .iter()
        .filter_map(|wish| Some((wish.current.as_ref()?, wish.object?)))
        .filter(|(key, object)| occupied.get(*key) == Some(object))
        .map(|(key, _)| key)
        .collect();
    let mut taken: BTreeSet<&Key> = BTreeSet::new();
    let mut round = Round { chosen: BTreeMap::new(), blocked: BTreeSet::new() };
    for wish in movers {
        let free = |key: &Key| {
            !kept.contains(key)
                && !taken.contains(key)
                && (!occupied.contains_key(key) || leaving.contains(key) || !stands("H43"))
        };
        let index = wish.candidates.iter().position(free);
        match index.and_then(|index| Some((index, wish.candidates.get(index)?))) {
            Some((index, key)) => {
                taken.insert(key);
                round.chosen.insert(wish.id.clone(), index);
            }
            None => {
                round.blocked.insert(wish.id.clone());
            }
        }
    }
    round
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
            (None, Some(first)) if !stands("H44") => (*first, Step::Go(*first)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GroupKind;
    use crate::model::cloud::Origin;
    use crate::model::policy::Membership;

    fn group(display_name: &str) -> CloudGroup {
        CloudGroup {
            id: ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap(),
            display_name: display_name.to_owned(),
            description: None,
            mail: None,
            mail_nickname: None,
            security_enabled: None,
            visibility: None,
            kind: GroupKind::Security,
            membership: Membership::Assigned,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        }
    }

    fn object(number: u128) -> ObjectGuid {
        ObjectGuid(uuid::Uuid::from_u128(number))
    }

    /// Wishes of existing groups: number, name held, candidates.
    fn assigned(
        wishes: &[(u128, &str, &[&str])],
        others: &[(&str, u128)],
    ) -> BTreeMap<u128, Option<usize>> {
        let mut occupied: BTreeMap<String, ObjectGuid> =
            others.iter().map(|(name, holder)| ((*name).to_owned(), object(*holder))).collect();
        let wishes: Vec<_> = wishes
            .iter()
            .map(|(number, held, candidates)| {
                let exists = !held.is_empty();
                if exists {
                    occupied.insert((*held).to_owned(), object(*number));
                }
                Wish {
                    id: *number,
                    object: exists.then(|| object(*number)),
                    current: exists.then(|| (*held).to_owned()),
                    candidates: candidates.iter().map(|name| (*name).to_owned()).collect(),
                }
            })
            .collect();
        assign(&wishes, &occupied)
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        for (text, units_max, expected) in [
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc"),
            ("a\u{1F600}b", 2, "a"),
            ("a\u{1F600}b", 3, "a\u{1F600}"),
            ("é", 1, "é"),
            ("\u{1F600}", 0, ""),
        ] {
            assert_eq!(cut(text, units_max), expected, "{text:?} to {units_max}");
        }
    }

    #[test]
    fn presets_make_common_names() {
        let friendly = |name: &str| common_name(NamePreset::DisplayNameAndId, &group(name));
        for (name, expected) in [
            ("Sales", "Sales_456789abcdef"),
            ("  a  b ", "a  b_456789abcdef"),
            ("a\u{7}\u{0}b", "ab_456789abcdef"),
            ("\u{0} a", "a_456789abcdef"),
            ("a_b", "a_b_456789abcdef"),
        ] {
            assert_eq!(friendly(name).as_deref(), Some(expected), "{name:?}");
        }
        for nothing in ["", " ", "\u{0}", "\u{85}\u{9F}\t"] {
            assert_eq!(friendly(nothing), None, "{nothing:?}");
        }
        let id = common_name(NamePreset::GroupId, &group(""));
        assert_eq!(id.as_deref(), Some("Group_01234567-89ab-cdef-0123-456789abcdef"));
    }

    #[test]
    fn no_common_name_is_longer_than_the_schema_allows() {
        for character in ["a", "é", "\u{1F600}", "\u{FFFD}"] {
            let name = common_name(NamePreset::DisplayNameAndId, &group(&character.repeat(256)));
            let units = name.unwrap().encode_utf16().count();
            assert!((63..=CN_UNITS_MAX).contains(&units), "{character:?}: {units}");
        }
    }

    #[test]
    fn a_pre_windows_2000_name_has_nothing_the_directory_refuses() {
        let sams = |name: &str| {
            common_name(NamePreset::DisplayNameAndId, &group(name))
                .map(|name| sam_account_names(&sam_base(&name)))
                .unwrap_or_default()
        };
        let names = sams(&format!("{SAM_FORBIDDEN} .x."));
        assert_eq!(names.first().map(String::as_str), Some(".x._456789abcdef"));
        assert_eq!(names.last().map(String::as_str), Some(".x._456789abcdef-9"));
        assert_eq!(names.len(), 9);
        let nothing = sams("***");
        assert_eq!(nothing.first().map(String::as_str), Some("_456789abcdef"));
        assert!(sams(" ").is_empty());
        for (name, base) in [("x.", "x"), ("x. .", "x"), (" a/b ", "ab"), ("\u{7}", "")] {
            assert_eq!(sam_base(name), base, "{name:?}");
        }
    }

    #[test]
    fn names_are_given_once_and_kept_where_they_may_be() {
        // Held and wanted.
        assert_eq!(assigned(&[(1, "a", &["a"])], &[]), [(1, Some(0))].into());
        // Held, although a better one is free.
        assert_eq!(assigned(&[(1, "b", &["a", "b"])], &[]), [(1, Some(1))].into());
        // Taken by a stranger: the next candidate, or none.
        assert_eq!(assigned(&[(1, "", &["a", "b"])], &[("a", 9)]), [(1, Some(1))].into());
        assert_eq!(assigned(&[(1, "", &["a"])], &[("a", 9)]), [(1, None)].into());
        // Two want one: the lower id gets it.
        let two = assigned(&[(2, "", &["a"]), (1, "", &["a"])], &[]);
        assert_eq!(two, [(1, Some(0)), (2, None)].into());
        // A swap, and a chain from a new group to a free name.
        let swap = assigned(&[(1, "b", &["a"]), (2, "a", &["b"])], &[]);
        assert_eq!(swap, [(1, Some(0)), (2, Some(0))].into());
        let chain = assigned(&[(1, "", &["a"]), (2, "a", &["b"]), (3, "b", &["c"])], &[]);
        assert_eq!(chain, [(1, Some(0)), (2, Some(0)), (3, Some(0))].into());
        // The end of the chain is taken: nobody moves.
        let stuck = assigned(&[(1, "", &["a"]), (2, "a", &["b"])], &[("b", 9)]);
        assert_eq!(stuck, [(1, None), (2, None)].into());
    }

    #[test]
    fn moves_are_ordered_so_that_every_name_is_free() {
        use Step::{Aside, Go};
        assert_eq!(order::<&str>(&[]), []);
        assert_eq!(order(&[("a", "a")]), [Go(0)]);
        assert_eq!(order(&[("a", "b"), ("b", "c")]), [Go(1), Go(0)]);
        assert_eq!(order(&[("a", "b"), ("b", "a")]), [Aside(0), Go(1), Go(0)]);
        let cycle = [("a", "b"), ("b", "c"), ("c", "a")];
        assert_eq!(order(&cycle), [Aside(0), Go(2), Go(1), Go(0)]);
        let two = [("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")];
        assert_eq!(order(&two), [Aside(0), Go(1), Go(0), Aside(2), Go(3), Go(2)]);
    }

    #[test]
    fn look_alikes_have_one_shape() {
        let shape_of = |name| shape(name);
        for alike in [
            "Domain Admins",
            "DOMAIN ADMINS",
            "Dоmаin Аdmins",
            "Domain\u{200B} Adm\u{AD}ins",
            "  Domain Admins ",
            "Ｄｏｍａｉｎ Ａｄｍｉｎｓ",
            "Domain AdmIns",
            "Domain Admlns",
            "Dornain Admins",
        ] {
            assert_eq!(shape_of(alike), shape_of("Domain Admins"), "{alike:?}");
        }
        assert_ne!(shape_of("Domain Users"), shape_of("Domain Admins"));
    }
}
