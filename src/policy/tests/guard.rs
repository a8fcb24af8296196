//! `spec.guard`: what is read, refused and warned about.

use super::*;
use crate::model::policy::{Additions, Creations, Least, OnTrip, Share};

fn guard(fields: &str) -> GuardRules {
    parsed(&spec(&format!("  guard: {{ {fields} }}"))).policy.guard
}

/// The rules without the places.
fn limits(fields: &str) -> GuardRules {
    GuardRules { place: None, places: BTreeMap::new(), ..guard(fields) }
}

#[test]
fn each_limit_is_read_and_leaves_the_others_at_their_defaults() {
    let default = GuardRules::default;
    let share = |percent, most, most_per_thousand, at_least| Share {
        percent,
        most,
        most_per_thousand,
        at_least,
    };
    let least = |percent, at_least| Least { percent, at_least };
    let all = "percent: 7, most: 11, mostPerThousand: 13, atLeast: 2";
    for (fields, expected) in [
        ("onTrip: HoldPolicy", GuardRules { on_trip: OnTrip::HoldPolicy, ..default() }),
        ("onTrip: HoldTripped", default()),
        (
            &format!("groupsRemoved: {{ {all} }}"),
            GuardRules { groups_removed: share(7, 11, 13, 2), ..default() },
        ),
        (
            &format!("membershipsRemoved: {{ {all} }}"),
            GuardRules { memberships_removed: share(7, 11, 13, 2), ..default() },
        ),
        (
            "groupsRemoved: { most: 20 }",
            GuardRules { groups_removed: share(5, 20, 5, 1), ..default() },
        ),
        (
            "membershipsRemoved: { atLeast: 0 }",
            GuardRules { memberships_removed: share(5, 200, 5, 0), ..default() },
        ),
        ("leavers: { percent: 4, atLeast: 20 }", GuardRules { leavers: least(4, 20), ..default() }),
        ("oneGroup: { percent: 50 }", GuardRules { one_group: least(50, 3), ..default() }),
        ("toEmpty: { from: 10 }", GuardRules { to_empty_from: 10, ..default() }),
        ("renames: { atLeast: 5 }", GuardRules { renames: least(10, 5), ..default() }),
        (
            "creations: { most: 50, percent: 1, percentFrom: 2 }",
            GuardRules {
                creations: Creations { most: 50, percent: 1, percent_from: 2 },
                ..default()
            },
        ),
        (
            "additions: { times: 2, atLeast: 3 }",
            GuardRules { additions: Additions { times: 2, at_least: 3 }, ..default() },
        ),
        (
            "selection: { percent: 20, atLeast: 1 }",
            GuardRules { selection: least(20, 1), ..default() },
        ),
        ("groupsRemoved: {}, toEmpty: {}", default()),
    ] {
        assert_eq!(limits(fields), expected, "{fields}");
    }
    assert_eq!(limits(""), default());
}

#[test]
fn each_limit_tells_where_it_is_set() {
    let rules = guard("oneGroup: { percent: 50 }, renames: {}");
    let told = |word| rules.where_set(word);
    assert_eq!(rules.place.as_ref().map(ToString::to_string).as_deref(), Some("p.yaml:8:3"));
    assert_eq!(told("oneGroup"), "`spec.guard.oneGroup` at p.yaml:8:12");
    assert_eq!(told("renames"), "`spec.guard.renames` at p.yaml:8:39");
    assert_eq!(told("leavers"), "the default of `spec.guard.leavers`");
    let default = parsed(GOOD).policy.guard;
    assert_eq!(default.where_set("oneGroup"), "the default of `spec.guard.oneGroup`");
    assert_eq!(default.place, None);
    let every = GuardRules::WORDS.map(|word| format!("{word}: {{}}")).join(", ");
    assert_eq!(guard(&every).places.len(), GuardRules::WORDS.len(), "every word is a field");
}

const WRONG: &[(&str, &str)] = &[
    (
        "  guard: { onTrip: Hold }",
        "8:20: `spec.guard.onTrip` is `Hold`, which is none of its values; \
          the values are HoldTripped, HoldPolicy",
    ),
    (
        "  guard: { groupsRemoved: 10 }",
        "8:27: `spec.guard.groupsRemoved` is not a mapping; write fields as `name: value` below it",
    ),
    (
        "  guard: { groupsRemoved: { percent: 101 } }",
        "8:38: `spec.guard.groupsRemoved.percent` is 101, out of range; use 0 to 100",
    ),
    (
        "  guard: { groupsRemoved: { percent: 5% } }",
        "8:38: `spec.guard.groupsRemoved.percent` is `5%`, not a whole number; \
          write digits without quotes",
    ),
    (
        "  guard: { groupsRemoved: { percent: 0.5 } }",
        "8:38: `spec.guard.groupsRemoved.percent` is `0.5`, not a whole number; \
          write digits without quotes",
    ),
    (
        "  guard: { membershipsRemoved: { mostPerThousand: 1001 } }",
        "8:51: `spec.guard.membershipsRemoved.mostPerThousand` is 1001, out of range; \
          use 0 to 1000",
    ),
    (
        "  guard: { membershipsRemoved: { most: -1 } }",
        "8:40: `spec.guard.membershipsRemoved.most` is -1, out of range; use 0 to 1000000",
    ),
    (
        "  guard: { leavers: { most: 3 } }",
        "8:23: `spec.guard.leavers.most` is not a known field; \
          the fields here are percent, atLeast",
    ),
    (
        "  guard: { toEmpty: { from: 0 } }",
        "8:29: `spec.guard.toEmpty.from` is 0, out of range; use 1 to 1000000",
    ),
    (
        "  guard: { toEmpty: 3 }",
        "8:21: `spec.guard.toEmpty` is not a mapping; write fields as `name: value` below it",
    ),
    (
        "  guard: { creations: { percentForm: 3 } }",
        "8:25: `spec.guard.creations.percentForm` is not a known field; \
          did you mean `percentFrom`?",
    ),
    (
        "  guard: { additions: { times: 1001 } }",
        "8:32: `spec.guard.additions.times` is 1001, out of range; use 0 to 1000",
    ),
    (
        "  guard: { selection: }",
        "8:12: `spec.guard.selection` has no value; give it one, or leave it out",
    ),
    (
        "  guard: { groupRemoved: {} }",
        "8:12: `spec.guard.groupRemoved` is not a known field; did you mean `groupsRemoved`?",
    ),
];

#[test]
fn each_wrong_limit_is_refused_at_its_place() {
    each_is_refused(WRONG);
}

const SMALLER: &str = "write smaller numbers, or leave the field out";
const LARGER: &str = "write larger numbers, unless a person is to approve each of them";

#[test]
fn limits_that_hold_next_to_nothing_are_warned_about() {
    for (fields, told) in [
        (
            "groupsRemoved: { percent: 100, most: 1000 }",
            "groupsRemoved` holds next to nothing: of 1000 groups all may be removed",
        ),
        (
            "groupsRemoved: { atLeast: 1000 }",
            "groupsRemoved` holds next to nothing: of 1000 groups all may be removed",
        ),
        (
            "membershipsRemoved: { percent: 100, mostPerThousand: 1000 }",
            "membershipsRemoved` holds next to nothing: of 1000 memberships all may be removed",
        ),
        (
            "leavers: { percent: 100 }",
            "leavers` holds next to nothing: of 1000 principals all may leave",
        ),
        (
            "oneGroup: { percent: 100 }",
            "oneGroup` holds next to nothing: of 1000 members of one group all may be removed",
        ),
        (
            "toEmpty: { from: 250001 }",
            "toEmpty` holds next to nothing: no group has so many members",
        ),
        (
            "renames: { percent: 100 }",
            "renames` holds next to nothing: of 1000 groups all may be renamed or moved",
        ),
        (
            "creations: { percent: 100, most: 1000 }",
            "creations` holds next to nothing: a policy of 1000 groups may create as many again",
        ),
        (
            "creations: { most: 100000 }",
            "creations` holds next to nothing: a policy without groups may create 100000 or more",
        ),
        (
            "additions: { times: 250 }",
            "additions` holds next to nothing: a group of 1000 members may grow to the largest \
             there is",
        ),
        (
            "selection: { percent: 100 }",
            "selection` holds next to nothing: of 1000 groups all but one may leave the selection",
        ),
    ] {
        let found = lines(&parsed(&spec(&format!("  guard: {{ {fields} }}"))).warnings);
        assert_eq!(found, [format!("p.yaml:8:12: `spec.guard.{told}; {SMALLER}")], "{fields}");
    }
}

#[test]
fn limits_that_hold_everything_are_warned_about() {
    for (fields, told) in [
        (
            "groupsRemoved: { percent: 0, atLeast: 0 }",
            "groupsRemoved` holds every removal of a group",
        ),
        (
            "groupsRemoved: { most: 0, mostPerThousand: 0, atLeast: 0 }",
            "groupsRemoved` holds every removal of a group",
        ),
        (
            "membershipsRemoved: { percent: 0, atLeast: 0 }",
            "membershipsRemoved` holds every removal of a member",
        ),
        ("leavers: { percent: 0, atLeast: 0 }", "leavers` holds every leaver"),
        ("oneGroup: { percent: 0, atLeast: 0 }", "oneGroup` holds every removal of a member"),
        ("renames: { percent: 0, atLeast: 0 }", "renames` holds every rename and move"),
        ("creations: { most: 0 }", "creations` holds every new group"),
        ("creations: { percent: 0 }", "creations` holds every new group"),
        (
            "additions: { times: 0, atLeast: 0 }",
            "additions` holds every new member of a group that was filled before",
        ),
        (
            "selection: { percent: 0, atLeast: 0 }",
            "selection` holds every group that leaves the selection",
        ),
    ] {
        let found = lines(&parsed(&spec(&format!("  guard: {{ {fields} }}"))).warnings);
        assert_eq!(found, [format!("p.yaml:8:12: `spec.guard.{told}; {LARGER}")], "{fields}");
    }
}

#[test]
fn limits_of_removals_where_nothing_is_removed_are_warned_about() {
    let text = spec("  guard: { leavers: { atLeast: 3 }, renames: { atLeast: 3 }, toEmpty: {} }");
    let under = |mode: &str| lines(&parsed(&text.replacen("Sync", mode, 1)).warnings);
    for mode in ["CreateOnly", "UpsertOnly"] {
        let told = |column, word| {
            format!(
                "p.yaml:8:{column}: `spec.guard.{word}` never acts: under `spec.mode` {mode} \
                 nothing is removed; leave the field out, or write `mode: Sync`"
            )
        };
        assert_eq!(under(mode), [told(12, "leavers"), told(62, "toEmpty")]);
    }
    assert_eq!(under("Sync"), [""; 0]);
    assert_eq!(under("Observe"), [""; 0], "it shows what another mode would do");
}

#[test]
fn the_defaults_are_warned_about_nowhere() {
    let every = GuardRules::WORDS.map(|word| format!("{word}: {{}}")).join(", ");
    each_is_warned_about(&[(&format!("  guard: {{ {every} }}"), &[])]);
}
