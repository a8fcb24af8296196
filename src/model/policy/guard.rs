//! `spec.guard`: how much of a policy may change before a person has to say so.
//!
//! Made by `policy::document`; read by `decide::guard`. Percentages are of what the policy held
//! when the last pass finished.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::Place;

/// The limits of one policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuardRules {
    /// Where `spec.guard` starts; `None` where the defaults hold.
    pub place: Option<Place>,
    /// Where each limit that was written down stands, by its word in `spec.guard`.
    pub places: BTreeMap<&'static str, Place>,
    /// What is held when a limit is passed.
    pub on_trip: OnTrip,
    /// Groups deleted, disabled, quarantined, or turned from security to distribution.
    pub groups_removed: Share,
    /// Values taken out of `member`.
    pub memberships_removed: Share,
    /// Principals gone from the tenant or disabled there.
    pub leavers: Least,
    /// Values taken out of one group.
    pub one_group: Least,
    /// A group of so many members or more is not emptied.
    pub to_empty_from: usize,
    /// Renames and moves.
    pub renames: Least,
    /// New groups.
    pub creations: Creations,
    /// Members added to one group that was filled before.
    pub additions: Additions,
    /// Groups that a selection loses.
    pub selection: Least,
}

/// min(`percent` % of N, max(`most`, `most_per_thousand` ‰ of N)), at least `at_least`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// Of N.
    pub percent: usize,
    /// A number that a large policy does not pass.
    pub most: usize,
    /// Unless it is so large that this share of N is more.
    pub most_per_thousand: usize,
    /// What a small policy may always do.
    pub at_least: usize,
}

/// `percent` % of N, at least `at_least`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Least {
    /// Of N.
    pub percent: usize,
    /// What may always be done.
    pub at_least: usize,
}

/// `most` in a pass, and where the policy holds `percent_from` groups or more also `percent` %.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Creations {
    /// In a pass.
    pub most: usize,
    /// Of the groups that are there.
    pub percent: usize,
    /// From how many groups on the percentage counts.
    pub percent_from: usize,
}

/// max(`times` × size, `at_least`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Additions {
    /// Of the group's size.
    pub times: usize,
    /// What may always be added.
    pub at_least: usize,
}

/// What is held when a limit is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum OnTrip {
    /// Every change that the limit counts.
    HoldTripped,
    /// Every change of the policy.
    HoldPolicy,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            place: None,
            places: BTreeMap::new(),
            on_trip: OnTrip::HoldTripped,
            groups_removed: Share { percent: 5, most: 10, most_per_thousand: 5, at_least: 1 },
            memberships_removed: Share { percent: 5, most: 200, most_per_thousand: 5, at_least: 5 },
            leavers: Least { percent: 2, at_least: 10 },
            one_group: Least { percent: 25, at_least: 3 },
            to_empty_from: 3,
            renames: Least { percent: 10, at_least: 50 },
            creations: Creations { most: 500, percent: 20, percent_from: 50 },
            additions: Additions { times: 10, at_least: 5_000 },
            selection: Least { percent: 10, at_least: 3 },
        }
    }
}

impl GuardRules {
    /// The words of the limits in `spec.guard`, in the order of the fields.
    pub const WORDS: [&'static str; 9] = [
        "groupsRemoved",
        "membershipsRemoved",
        "leavers",
        "oneGroup",
        "toEmpty",
        "renames",
        "creations",
        "additions",
        "selection",
    ];

    /// Where the limit of this word is set; `None` where its default holds.
    pub fn place_of(&self, word: &str) -> Option<&Place> {
        self.places.get(word)
    }

    /// Where the limit of this word is set, for people: a place in a file, or that it is the
    /// default and how it is named.
    pub fn where_set(&self, word: &str) -> String {
        match self.place_of(word) {
            Some(place) => format!("`spec.guard.{word}` at {place}"),
            None => format!("the default of `spec.guard.{word}`"),
        }
    }
}

impl Share {
    /// The limit for a policy that holds `count`.
    pub fn of(self, count: usize) -> usize {
        let cap = self.most.max(part(count, self.most_per_thousand, 1_000));
        part(count, self.percent, 100).min(cap).max(self.at_least)
    }
}

impl Least {
    /// The limit for `count`.
    pub fn of(self, count: usize) -> usize {
        part(count, self.percent, 100).max(self.at_least)
    }
}

impl Creations {
    /// The limit for a policy that holds `count` groups.
    pub fn of(self, count: usize) -> usize {
        if count < self.percent_from {
            return self.most;
        }
        part(count, self.percent, 100).min(self.most)
    }
}

impl Additions {
    /// The limit for a group of `size` members.
    pub fn of(self, size: usize) -> usize {
        size.saturating_mul(self.times).max(self.at_least)
    }
}

/// `share` out of `whole` parts of `count`, rounded down: for whole numbers "more than" the
/// fraction and "more than" this are the same.
fn part(count: usize, share: usize, whole: usize) -> usize {
    count.saturating_mul(share) / whole
}
