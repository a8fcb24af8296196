//! Counts members that share a fate, so that a group of fifty thousand makes a few findings.
//!
//! From `decide::members` and `decide::nest`, member by member, to one finding for each code and
//! fate, with the number and the first names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::model::{CloudMember, FindingCode};

/// How many names a finding spells out. The rest is a number: findings are for people to read.
const NAMES_MAX: usize = 5;

/// What directories answer to such a nesting (`ERROR_DS_UNIVERSAL_CANT_HAVE_LOCAL_MEMBER`, 8518),
/// and what can be done.
const LOCAL_IN_UNIVERSAL: &str = ". A universal group cannot have a local group as a member. \
                                  Remove it from the cloud group, or change its scope to global \
                                  or universal";

/// Members by what becomes of them.
#[derive(Debug, Default)]
pub struct Tally {
    fates: BTreeMap<(FindingCode, Cow<'static, str>), Fate>,
}

#[derive(Debug, Default)]
struct Fate {
    count: usize,
    first: Vec<String>,
}

impl Tally {
    /// Counts one member. `fate` reads after "members are"; the name is spelt out for the first
    /// few, so that names should come in a lasting order.
    pub fn add(
        &mut self,
        code: FindingCode,
        fate: impl Into<Cow<'static, str>>,
        name: impl fmt::Display,
    ) {
        let fate = self.fates.entry((code, fate.into())).or_default();
        fate.count += 1;
        if fate.first.len() < NAMES_MAX {
            fate.first.push(name.to_string());
        }
    }

    /// One finding for each fate.
    pub fn findings(self) -> impl Iterator<Item = (FindingCode, String)> {
        self.fates.into_iter().map(|((code, phrase), fate)| {
            let members = if fate.count == 1 { "1 member is".into() } else { plural(fate.count) };
            let names = names(&fate.first, fate.count);
            let remedy =
                if code == FindingCode::DomainLocalInUniversal { LOCAL_IN_UNIVERSAL } else { "" };
            (code, format!("{members} {phrase}: {names}{remedy}"))
        })
    }
}

fn plural(count: usize) -> String {
    format!("{count} members are")
}

/// The first names of `count`, and how many more there are.
pub fn names(first: &[String], count: usize) -> String {
    let spelt: Vec<_> = first.iter().take(NAMES_MAX).map(String::as_str).collect();
    let more = count.saturating_sub(spelt.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", spelt.join(", "))
}

/// What people call a member: its label, or its id where it has none.
pub(super) fn name(member: &CloudMember) -> impl fmt::Display + '_ {
    NameOf(member)
}

struct NameOf<'m>(&'m CloudMember);

impl fmt::Display for NameOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(member) = self;
        if member.label.is_empty() { member.id.fmt(f) } else { f.write_str(&member.label) }
    }
}
