//! `spec.guard`: how much may change before a person has to say so.
//!
//! Input: its fields. Output: `GuardRules`, and warnings where a limit lets everything pass, lets
//! nothing pass, or counts what never happens.

use std::ops::RangeInclusive;

use crate::model::policy::{Additions, Creations, GuardRules, Least, Share};
use crate::policy::words::Context;
use crate::yaml::Fields;

use super::{Around, choice};

const PERCENT: RangeInclusive<u64> = 0..=100;
const PER_THOUSAND: RangeInclusive<u64> = 0..=1_000;
/// More than a tenant has of anything that is counted.
const COUNT: RangeInclusive<u64> = 0..=1_000_000;
const TIMES: RangeInclusive<u64> = 0..=1_000;
const FROM: RangeInclusive<u64> = 1..=1_000_000;

/// The size of the policy, or of the group, by which a limit is judged.
const MANY: usize = 1_000;
/// The most members a group can have that is written.
const MEMBERS_MAX: usize = 250_000;
/// A first pass that creates so many groups has no limit to speak of.
const FIRST_CREATIONS: usize = 100_000;

/// Reads the section; where it stands is for the caller to say.
pub(super) fn read(
    fields: &mut Fields<'_>,
    around: Around,
    context: &mut Context<'_>,
) -> GuardRules {
    let default = GuardRules::default();
    let places = GuardRules::WORDS
        .into_iter()
        .filter_map(|word| Some((word, context.place(fields.key_spot(word)?))));
    let rules = GuardRules {
        place: None,
        places: places.collect(),
        on_trip: choice(fields, "onTrip", default.on_trip),
        groups_removed: read_share(fields, "groupsRemoved", default.groups_removed),
        memberships_removed: read_share(fields, "membershipsRemoved", default.memberships_removed),
        leavers: read_least(fields, "leavers", default.leavers),
        one_group: read_least(fields, "oneGroup", default.one_group),
        to_empty_from: fields
            .child("toEmpty", |section| Some(number(section, "from", &FROM, default.to_empty_from)))
            .unwrap_or(default.to_empty_from),
        renames: read_least(fields, "renames", default.renames),
        creations: read_creations(fields, default.creations),
        additions: read_additions(fields, default.additions),
        selection: read_least(fields, "selection", default.selection),
    };
    warn(fields, &rules, around, context);
    rules
}

fn number(
    fields: &mut Fields<'_>,
    key: &'static str,
    range: &RangeInclusive<u64>,
    default: usize,
) -> usize {
    let number = fields.value(key).and_then(|value| value.whole(range));
    number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
}

fn read_share(fields: &mut Fields<'_>, key: &'static str, default: Share) -> Share {
    let share = fields.child(key, |section| {
        Some(Share {
            percent: number(section, "percent", &PERCENT, default.percent),
            most: number(section, "most", &COUNT, default.most),
            most_per_thousand: number(
                section,
                "mostPerThousand",
                &PER_THOUSAND,
                default.most_per_thousand,
            ),
            at_least: number(section, "atLeast", &COUNT, default.at_least),
        })
    });
    share.unwrap_or(default)
}

fn read_least(fields: &mut Fields<'_>, key: &'static str, default: Least) -> Least {
    let least = fields.child(key, |section| {
        Some(Least {
            percent: number(section, "percent", &PERCENT, default.percent),
            at_least: number(section, "atLeast", &COUNT, default.at_least),
        })
    });
    least.unwrap_or(default)
}

fn read_creations(fields: &mut Fields<'_>, default: Creations) -> Creations {
    let creations = fields.child("creations", |section| {
        Some(Creations {
            most: number(section, "most", &COUNT, default.most),
            percent: number(section, "percent", &PERCENT, default.percent),
            percent_from: number(section, "percentFrom", &COUNT, default.percent_from),
        })
    });
    creations.unwrap_or(default)
}

fn read_additions(fields: &mut Fields<'_>, default: Additions) -> Additions {
    let additions = fields.child("additions", |section| {
        Some(Additions {
            times: number(section, "times", &TIMES, default.times),
            at_least: number(section, "atLeast", &COUNT, default.at_least),
        })
    });
    additions.unwrap_or(default)
}

/// How a limit may be meant otherwise than it is written.
struct Reach {
    word: &'static str,
    /// What it holds.
    counts: &'static str,
    /// What may happen in spite of it, where that is nearly everything.
    open: Option<&'static str>,
    /// Whether it lets nothing pass.
    closed: bool,
    /// Whether it counts something that is taken away.
    removes: bool,
}

impl Reach {
    /// Of what is counted in parts of a policy or group with `MANY` of it.
    fn of(word: &'static str, counts: &'static str, limit: usize, open: &'static str) -> Self {
        let open = (limit >= MANY).then_some(open);
        Self { word, counts, open, closed: limit == 0, removes: false }
    }
}

fn removals(rules: &GuardRules) -> impl Iterator<Item = Reach> {
    let counted = [
        Reach::of(
            "groupsRemoved",
            "removal of a group",
            rules.groups_removed.of(MANY),
            "of 1000 groups all may be removed",
        ),
        Reach::of(
            "membershipsRemoved",
            "removal of a member",
            rules.memberships_removed.of(MANY),
            "of 1000 memberships all may be removed",
        ),
        Reach::of("leavers", "leaver", rules.leavers.of(MANY), "of 1000 principals all may leave"),
        Reach::of(
            "oneGroup",
            "removal of a member",
            rules.one_group.of(MANY),
            "of 1000 members of one group all may be removed",
        ),
        Reach {
            word: "toEmpty",
            counts: "emptied group",
            open: (rules.to_empty_from > MEMBERS_MAX).then_some("no group has so many members"),
            closed: false,
            removes: true,
        },
    ];
    counted.into_iter().map(|reach| Reach { removes: true, ..reach })
}

fn others(rules: &GuardRules) -> [Reach; 4] {
    let (first, next) = (rules.creations.of(0), rules.creations.of(MANY));
    let additions = rules.additions.of(MANY);
    [
        Reach::of(
            "renames",
            "rename and move",
            rules.renames.of(MANY),
            "of 1000 groups all may be renamed or moved",
        ),
        Reach {
            word: "creations",
            counts: "new group",
            open: if first >= FIRST_CREATIONS {
                Some("a policy without groups may create 100000 or more")
            } else {
                (next >= MANY).then_some("a policy of 1000 groups may create as many again")
            },
            closed: first == 0 || next == 0,
            removes: false,
        },
        Reach {
            word: "additions",
            counts: "new member of a group that was filled before",
            open: (additions >= MEMBERS_MAX)
                .then_some("a group of 1000 members may grow to the largest there is"),
            closed: additions == 0,
            removes: false,
        },
        Reach::of(
            "selection",
            "group that leaves the selection",
            rules.selection.of(MANY),
            "of 1000 groups all but one may leave the selection",
        ),
    ]
}

fn warn(fields: &Fields<'_>, rules: &GuardRules, around: Around, context: &mut Context<'_>) {
    let reaches = removals(rules).chain(others(rules));
    for Reach { word, counts, open, closed, removes } in reaches {
        let Some(spot) = fields.key_spot(word) else { continue };
        if let Some(mode) = around.mode_that_only_adds().filter(|_| removes) {
            let message = format!(
                "`spec.guard.{word}` never acts: under `spec.mode` {mode} nothing is removed"
            );
            context.warn(spot, message, "leave the field out, or write `mode: Sync`");
        } else if let Some(open) = open {
            let message = format!("`spec.guard.{word}` holds next to nothing: {open}");
            context.warn(spot, message, "write smaller numbers, or leave the field out");
        } else if closed {
            let message = format!("`spec.guard.{word}` holds every {counts}");
            let remedy = "write larger numbers, unless a person is to approve each of them";
            context.warn(spot, message, remedy);
        }
    }
}
