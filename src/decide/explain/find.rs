//! Which group and which person are meant by a word that somebody types.
//!
//! From ids and names of both sides to one of them, or to those that come near. A name decides
//! nothing here: it only says what is explained.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::decide::explain::Case;
use crate::decide::members::Resolver;
use crate::model::{CloudMember, Complete, Dn, ObjectGuid, ObjectId, Principal};

/// Names that an answer lists: beyond these nobody picks one from a line.
const NEAR_MAX: usize = 5;
/// The longest name that is compared letter by letter: the comparison costs its square.
const COMPARED_CHARACTERS_MAX: usize = 64;

/// What a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// This one.
    One(T),
    /// Any of these, each with its id.
    Several(Vec<String>),
    /// Nothing; these names come near.
    Nothing(Vec<String>),
}

/// A person, or a device, on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// A name for people.
    pub label: String,
    /// Who it is in the tenant.
    pub cloud: Option<ObjectId>,
    /// Its account in the directory.
    pub object: Option<ObjectGuid>,
}

/// The group of an object id, an anchor, a display name, a cn, a DN or a pre-Windows 2000 name.
pub fn find_group(inputs: &Inputs<'_>, text: &str) -> Found<ObjectId> {
    let text = text.trim();
    let listed = inputs.cloud.groups.value();
    if let Some(id) = ObjectId::parse(text).or_else(|| ObjectId::from_any_anchor(text))
        && is_known(inputs, id)
    {
        return Found::One(id);
    }
    let mut names: BTreeSet<(String, ObjectId)> =
        listed.values().map(|group| (group.display_name.clone(), group.id)).collect();
    for group in inputs.directory.groups.value().values() {
        let recorded = group.records.iter().filter_map(|value| Some(value.record.as_ref()?.id));
        let anchor = group.admin_description.as_deref().and_then(ObjectId::from_any_anchor);
        for id in recorded.chain(anchor) {
            let own = [group.dn.leaf(), &group.sam_account_name];
            names.extend(own.map(|name| (name.to_owned(), id)));
            names.insert((group.dn.to_string(), id));
        }
    }
    let show = |id: &ObjectId| match listed.get(id) {
        Some(group) => format!("{:?} ({id})", group.display_name),
        None => id.to_string(),
    };
    choose(text, &names, show)
}

/// Whether anything is known under an id.
fn is_known(inputs: &Inputs<'_>, id: ObjectId) -> bool {
    let recorded = inputs.directory.groups.value().values().any(|group| {
        let anchor = group.admin_description.as_deref().and_then(ObjectId::from_any_anchor);
        let mut records = group.records.iter().filter_map(|value| value.record.as_ref());
        anchor == Some(id) || records.any(|record| record.id == id)
    });
    recorded
        || inputs.cloud.groups.value().contains_key(&id)
        || inputs.cloud.deleted.value().contains(&id)
        || inputs.memory.inventory.contains_key(&id)
        || inputs.memory.deleted.contains_key(&id)
}

/// The person of an object id, a user principal name, a pre-Windows 2000 name (with or without its
/// domain), an objectGUID or a DN. People of the tenant are known by the groups they are in.
pub fn find_person(case: &Case<'_>, text: &str) -> Found<Person> {
    let text = text.trim();
    let crowd = Crowd::new(case);
    if let Some(id) = ObjectId::parse(text) {
        let person = crowd.of_cloud(id).or_else(|| crowd.of_object(ObjectGuid(id.0)));
        return person.map_or_else(|| Found::Nothing(Vec::new()), Found::One);
    }
    let principals = case.inputs.directory.principals.value();
    if let Ok(dn) = Dn::parse(text)
        && let Some(found) = principals.values().find(|p| p.dn.key() == dn.key())
        && let Some(person) = crowd.of_object(found.guid)
    {
        return Found::One(person);
    }
    let name = text.rsplit_once('\\').map_or(text, |(_, name)| name);
    let mut names: BTreeSet<(String, Person)> = BTreeSet::new();
    for member in crowd.members.values().filter(|member| !member.label.is_empty()) {
        names.extend(crowd.of_cloud(member.id).map(|person| (member.label.clone(), person)));
    }
    // Only who comes near: a domain has many.
    for account in principals.values() {
        let Some(own) = &account.sam_account_name else { continue };
        if is_near(name, own) {
            names.extend(crowd.of_object(account.guid).map(|person| (own.clone(), person)));
        }
    }
    choose(name, &names, |person| {
        let id = person.cloud.map(|id| id.to_string());
        let id = id.or_else(|| person.object.map(|guid| guid.to_string()));
        format!("{:?} ({})", person.label, id.unwrap_or_default())
    })
}

/// Everybody that the pass saw.
struct Crowd<'a> {
    case: &'a Case<'a>,
    members: BTreeMap<ObjectId, &'a CloudMember>,
    /// Who leads to an object.
    leaders: BTreeMap<ObjectGuid, ObjectId>,
    resolver: Resolver<'a>,
}

impl<'a> Crowd<'a> {
    fn new(case: &'a Case<'a>) -> Self {
        let resolver = Resolver::new(case.inputs, case.members);
        let read = case.members.of.values().chain(case.nested.values()).flatten();
        let members: BTreeMap<_, _> =
            read.flat_map(Complete::value).map(|member| (member.id, member)).collect();
        let remembered = case.inputs.memory.counterparts.iter().map(|(id, guid)| (*guid, *id));
        let mut leaders: BTreeMap<ObjectGuid, ObjectId> = remembered.collect();
        let led =
            members.values().filter_map(|member| Some((resolver.object_of(member)?, member.id)));
        leaders.extend(led);
        Self { case, members, leaders, resolver }
    }

    fn of_cloud(&self, id: ObjectId) -> Option<Person> {
        let memory = self.case.inputs.memory;
        let member = self.members.get(&id);
        let led = member.and_then(|member| self.resolver.object_of(member));
        let object = led.or_else(|| memory.counterparts.get(&id).copied());
        if member.is_none() && object.is_none() && !memory.linkless.contains(&id) {
            return None;
        }
        let label = member.map(|member| member.label.clone()).filter(|label| !label.is_empty());
        let label = label.or_else(|| object.map(|guid| self.resolver.label(guid)));
        Some(Person { label: label.unwrap_or_else(|| id.to_string()), cloud: Some(id), object })
    }

    fn of_object(&self, guid: ObjectGuid) -> Option<Person> {
        let principal: &Principal = self.case.inputs.directory.principals.value().get(&guid)?;
        if let Some(person) = self.leaders.get(&guid).and_then(|id| self.of_cloud(*id)) {
            return Some(Person { object: Some(guid), ..person });
        }
        Some(Person { label: self.resolver.label(principal.guid), cloud: None, object: Some(guid) })
    }
}

/// The one that a name means: letter by letter, else without regard to case.
fn choose<T: Clone + Ord>(
    text: &str,
    names: &BTreeSet<(String, T)>,
    show: impl Fn(&T) -> String,
) -> Found<T> {
    let with = |fits: &dyn Fn(&str) -> bool| -> BTreeSet<&T> {
        names.iter().filter(|(name, _)| fits(name)).map(|(_, it)| it).collect()
    };
    let lower = text.to_lowercase();
    let mut meant = with(&|name| name == text);
    if meant.is_empty() {
        meant = with(&|name| name.to_lowercase() == lower);
    }
    let mut all = meant.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Found::One((*one).clone()),
        (Some(_), Some(_)) => {
            Found::Several(meant.iter().take(NEAR_MAX * 2).map(|it| show(it)).collect())
        }
        (None, _) => {
            let near = with(&|name| is_near(text, name));
            Found::Nothing(near.iter().take(NEAR_MAX).map(|it| show(it)).collect())
        }
    }
}

/// Whether a name is a slip of the pen away: it holds the other, or differs in a letter of four.
fn is_near(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    if text == name {
        return true;
    }
    if text.chars().count() >= 3 && name.contains(&text) {
        return true;
    }
    let (one, other): (Vec<char>, Vec<char>) = (text.chars().collect(), name.chars().collect());
    let longer = one.len().max(other.len());
    let allowed = (longer / 4).min(3);
    longer <= COMPARED_CHARACTERS_MAX
        && one.len().abs_diff(other.len()) <= allowed
        && distance(&one, &other) <= allowed
}

/// How many letters have to be changed, added or left out (Levenshtein's distance).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.iter().enumerate() {
        let mut next = vec![index + 1];
        for (b, above) in other.iter().zip(row.windows(2)) {
            let [corner, over] = above else { continue };
            let left = next.last().copied().unwrap_or_default();
            let changed = corner + usize::from(a != b);
            next.push(changed.min(over + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        for (text, name, near) in [
            ("Finnance", "Finance", true),
            ("finance", "FINANCE", true),
            ("Fin", "Finance", true),
            ("Finance", "Fiannce", false),
            ("Engineering", "Enginering", true),
            ("HR", "IT", false),
            ("Sales", "Legal", false),
        ] {
            assert_eq!(is_near(text, name), near, "{text} {name}");
        }
    }

    #[test]
    fn a_name_that_two_have_means_neither() {
        let names = BTreeSet::from([("a".to_owned(), 1), ("a".to_owned(), 2), ("A".to_owned(), 3)]);
        let show = |it: &i32| it.to_string();
        assert_eq!(choose("a", &names, show), Found::Several(vec!["1".into(), "2".into()]));
        assert_eq!(choose("A", &names, show), Found::One(3));
        assert_eq!(choose("b", &names, show), Found::Nothing(Vec::new()));
    }
}
