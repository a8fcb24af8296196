//! The tenant of a story: teams, their flags and members, people. Plain values, and what should
//! come of them in the directory, written down without a look at the product's own rules.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::ObjectId;

use crate::names::id;

/// What a team is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Security,
    /// Microsoft 365, written as the cloud says: as a security group, else as a distribution group.
    Unified {
        secure: bool,
    },
}

/// Where a team is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Listed,
    SoftDeleted,
    Gone,
}

/// Somebody or something in a team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Person(String),
    Team(String),
}

/// A group of the tenant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Team {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) flag: Option<bool>,
    pub(crate) life: Life,
    pub(crate) members: BTreeSet<Who>,
}

/// The tenant as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) teams: BTreeMap<String, Team>,
    /// Whether somebody is still there.
    pub(crate) people: BTreeMap<String, bool>,
}

/// How the directory group of a team should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Written and kept.
    Kept,
    /// A distribution group that keeps its members.
    Disabled,
    /// The same, in the quarantine.
    Quarantined,
    /// Not there.
    Deleted,
}

/// How the teams of the policy `crew` are called.
const CREW: &str = "Crew";

impl Tenant {
    pub(crate) fn team(&mut self, word: &str) -> &mut Team {
        self.teams.get_mut(word).expect("the team is in the story")
    }

    /// What the two policies of the stories say of a team whose flag is off, or was never on, as of
    /// one that is theirs by its name.
    pub(crate) fn fate(&self, word: &str) -> Fate {
        let crew = self.teams.get(word).is_some_and(|team| team.name.starts_with(CREW));
        self.fate_under(word, if crew { "crew" } else { "base" })
    }

    /// The same for a team whose directory group this policy wrote last: how it ends is for that
    /// policy to say, whatever the team is called by now.
    pub(crate) fn fate_under(&self, word: &str, policy: &str) -> Fate {
        let Some(team) = self.teams.get(word) else { return Fate::Deleted };
        let on = match team.kind {
            Kind::Security => team.flag == Some(true),
            Kind::Unified { .. } => team.flag != Some(false),
        };
        match team.life {
            Life::Gone => Fate::Deleted,
            Life::SoftDeleted => Fate::Quarantined,
            Life::Listed if on => Fate::Kept,
            Life::Listed if policy == "crew" => Fate::Deleted,
            Life::Listed => Fate::Disabled,
        }
    }

    /// Who should be a direct member in the directory; `None` for a team that is not kept.
    pub(crate) fn wanted(&self, word: &str) -> Option<BTreeSet<Who>> {
        if self.fate(word) != Fate::Kept {
            return None;
        }
        let team = self.teams.get(word)?;
        Some(team.members.iter().filter(|who| self.is_there(who)).cloned().collect())
    }

    /// Whether the tenant lists somebody in a team.
    pub(crate) fn lists(&self, word: &str, who: &Who) -> bool {
        self.teams.get(word).is_some_and(|team| team.members.contains(who))
    }

    /// Whether somebody is there to be a member of anything.
    pub(crate) fn is_there(&self, who: &Who) -> bool {
        match who {
            Who::Person(person) => self.people.get(person) == Some(&true),
            Who::Team(child) => self.fate(child) == Fate::Kept,
        }
    }

    /// Who has what a team gives, through nested teams too.
    pub(crate) fn entitled(&self, word: &str) -> BTreeSet<String> {
        let (mut open, mut seen, mut people) =
            (vec![word.to_owned()], BTreeSet::new(), BTreeSet::new());
        while let Some(team) = open.pop() {
            if !seen.insert(team.clone()) {
                continue;
            }
            for who in self.wanted(&team).into_iter().flatten() {
                match who {
                    Who::Person(person) => drop(people.insert(person)),
                    Who::Team(child) => open.push(child),
                }
            }
        }
        people
    }

    /// Somebody leaves the tenant, and with that every team.
    pub(crate) fn leave(&mut self, person: &str) {
        self.people.insert(person.to_owned(), false);
        for team in self.teams.values_mut() {
            team.members.remove(&Who::Person(person.to_owned()));
        }
    }

    /// The word of an id.
    pub(crate) fn word(&self, wanted: ObjectId) -> Option<&str> {
        let words = self.teams.keys().chain(self.people.keys());
        words.map(String::as_str).find(|word| id(word) == wanted)
    }
}
