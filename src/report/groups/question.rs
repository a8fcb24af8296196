//! Which groups somebody asks for: the query of `/groups` and `/api/v1/groups`.
//!
//! Comes from the address; goes over the sheet, and gives one page of it.

use std::collections::BTreeSet;

use url::form_urlencoded;

use crate::report::groups::View;
use crate::report::groups::sheet::{Group, Part};
use crate::report::groups::state::State;
use crate::report::text::safe;

/// Groups, members or lines on one page, where nothing else is asked for.
pub const LIMIT_DEFAULT: usize = 100;
/// The most of them on one page: at some 1 KB each, half a megabyte.
pub const LIMIT_MAX: usize = 500;
/// The last page that can be asked for: far behind the end of any list.
const PAGE_MAX: usize = 1_000_000;
/// The longest text searched for, in characters: a DN.
const TEXT_MAX: usize = 256;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Part of a name, an id, a DN or an objectGUID; compared without case.
    pub text: String,
    /// Part of the name of a member; compared without case.
    pub member: String,
    /// The state.
    pub state: Option<State>,
    /// The name of a policy.
    pub policy: String,
    /// Which page, from 1.
    pub page: usize,
    /// How many on a page.
    pub limit: usize,
}

impl Default for Question {
    fn default() -> Self {
        let (text, member, policy) = (String::new(), String::new(), String::new());
        Self { text, member, state: None, policy, page: 1, limit: LIMIT_DEFAULT }
    }
}

/// Which page of the plan, or of the members of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// One part of the plan; all of them where none is named.
    pub part: Option<Part>,
    /// Which page, from 1.
    pub page: usize,
    /// How many on a page.
    pub limit: usize,
}

impl Leaf {
    /// Reads the query of the page of one group.
    pub fn parse(query: &str) -> Result<Self, String> {
        let asked = fields(query, |key| matches!(key, "page" | "limit"), "page and limit")?;
        Self::of(&asked)
    }

    /// Reads the query of the page of the plan.
    pub fn parse_plan(query: &str) -> Result<Self, String> {
        let known = |key: &str| matches!(key, "part" | "page" | "limit");
        Self::of(&fields(query, known, "part, page and limit")?)
    }

    fn of(asked: &[(String, String)]) -> Result<Self, String> {
        let mut leaf = Self { part: None, page: 1, limit: LIMIT_DEFAULT };
        for (key, value) in asked {
            match key.as_str() {
                "page" => leaf.page = number(key, value, PAGE_MAX)?,
                "limit" => leaf.limit = number(key, value, LIMIT_MAX)?,
                _ => {
                    let words: Vec<_> = Part::ALL.into_iter().map(Part::word).collect();
                    let part = Part::ALL.into_iter().find(|part| part.word() == value);
                    let mistake = || format!("`part` is one of {}", words.join(", "));
                    leaf.part = Some(part.ok_or_else(mistake)?);
                }
            }
        }
        Ok(leaf)
    }

    /// The query that asks for another page of the same.
    pub fn query(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(part) = self.part {
            query.append_pair("part", part.word());
        }
        if self.limit != LIMIT_DEFAULT {
            query.append_pair("limit", &self.limit.to_string());
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        query.finish()
    }
}

/// The fields of a query that are not empty: an empty field of a form is one that was left out.
/// `Err`: one is not known, or given twice; nothing is read and ignored.
fn fields(
    query: &str,
    known: impl Fn(&str) -> bool,
    all: &str,
) -> Result<Vec<(String, String)>, String> {
    let mut seen = BTreeSet::new();
    let mut fields = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if !known(&key) {
            return Err(format!("`{key}` is not known here; {all} are"));
        }
        if !seen.insert(key.to_string()) {
            return Err(format!("`{key}` is given twice"));
        }
        if !value.is_empty() {
            fields.push((key.into_owned(), value.into_owned()));
        }
    }
    Ok(fields)
}

fn number(key: &str, value: &str, most: usize) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("`{key}` is a number from 1 to {most}"))
}

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many there are in all.
    pub total: usize,
    /// This page, from 1.
    pub page: usize,
    /// How many pages there are, at least 1.
    pub pages: usize,
    /// How many on a page.
    pub limit: usize,
}

impl Window {
    /// The page that is asked for; the last one where there are fewer.
    pub fn of(total: usize, page: usize, limit: usize) -> Self {
        let pages = total.div_ceil(limit.max(1)).max(1);
        Self { total, page: page.clamp(1, pages), pages, limit }
    }

    /// What of a list is on this page.
    pub fn cut<T>(self, list: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        list.skip((self.page - 1) * self.limit).take(self.limit)
    }
}

impl Question {
    /// Reads a query. `Err` says what is wrong with it: nothing is read and ignored.
    pub fn parse(query: &str) -> Result<Self, String> {
        let known =
            |key: &str| matches!(key, "q" | "member" | "policy" | "state" | "page" | "limit");
        let mut question = Self::default();
        for (key, value) in fields(query, known, "q, member, policy, state, page and limit")? {
            question.take(&key, value)?;
        }
        Ok(question)
    }

    fn take(&mut self, key: &str, value: String) -> Result<(), String> {
        if value.chars().count() > TEXT_MAX {
            return Err(format!("`{key}` is longer than {TEXT_MAX} characters"));
        }
        match key {
            "q" => self.text = value,
            "member" => self.member = value,
            "policy" => self.policy = value,
            "page" => self.page = number(key, &value, PAGE_MAX)?,
            "limit" => self.limit = number(key, &value, LIMIT_MAX)?,
            _ => {
                let words: Vec<_> = State::ALL.into_iter().map(State::word).collect();
                let mistake = || format!("`state` is one of {}", words.join(", "));
                self.state = Some(State::parse(&value).ok_or_else(mistake)?);
            }
        }
        Ok(())
    }

    /// The query that asks for another page of the same.
    pub fn query(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, text) in [("q", &self.text), ("member", &self.member), ("policy", &self.policy)] {
            if !text.is_empty() {
                query.append_pair(key, text);
            }
        }
        if let Some(state) = self.state {
            query.append_pair("state", state.word());
        }
        if self.limit != LIMIT_DEFAULT {
            query.append_pair("limit", &self.limit.to_string());
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        query.finish()
    }

    /// The groups that are asked for, and where the page stands among them.
    pub fn pick<'v>(&self, view: &'v View) -> (Vec<&'v Group>, Window) {
        // Names are compared as they are shown: what is copied from the page is found.
        let text = safe(self.text.trim()).to_lowercase();
        let wanted = self.wanted_people(view);
        let fits = |group: &&Group| {
            self.state.is_none_or(|state| view.state(group) == state)
                && (self.policy.is_empty()
                    || group.policy.as_ref().is_some_and(|name| name.as_str() == self.policy))
                && (text.is_empty() || says(group, view, &text))
                && wanted.as_ref().is_none_or(|wanted| has_one_of(group, view, wanted))
        };
        let found: Vec<&Group> = view.sheet().groups().iter().filter(fits).collect();
        let window = Window::of(found.len(), self.page, self.limit);
        (window.cut(found.into_iter()).collect(), window)
    }

    /// Which members are asked for, by their numbers.
    fn wanted_people(&self, view: &View) -> Option<Vec<bool>> {
        let text = safe(self.member.trim()).to_lowercase();
        let people = (0..).map_while(|number| view.sheet().person(number));
        let fits = people.map(|person| shown(&person.label).contains(&text));
        (!text.is_empty()).then(|| fits.collect())
    }
}

fn shown(name: &str) -> String {
    safe(name).to_lowercase()
}

fn says(group: &Group, view: &View, text: &str) -> bool {
    let holds = |whole: &str| shown(whole).contains(text);
    holds(&group.name)
        || view.dn(group).is_some_and(holds)
        || group.id.to_string().contains(text)
        || view.object(group).is_some_and(|guid| guid.to_string().contains(text))
}

fn has_one_of(group: &Group, view: &View, wanted: &[bool]) -> bool {
    let is_wanted = |number: &u32| wanted.get(*number as usize).copied().unwrap_or(false);
    group.members.iter().flatten().any(is_wanted)
        || group.left_out.iter().any(is_wanted)
        || view.sheet().lines_of(group).iter().any(|line| line.members.iter().any(is_wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_comes_back_as_it_was_asked() {
        let asked = "q=a%26b&member=%C3%A9&policy=finance&state=held&limit=7&page=3";
        let question = Question::parse(asked).unwrap();
        assert_eq!(question.text, "a&b");
        assert_eq!(question.state, Some(State::Held));
        assert_eq!(Question::parse(&question.query(3)).unwrap(), question);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (query, name) in [
            ("colour=red", "`colour`"),
            ("state=fine", "`state` is one of failed"),
            ("page=0", "`page`"),
            ("page=-1", "`page`"),
            ("limit=501", "`limit` is a number from 1 to 500"),
            ("q=a&q=b", "`q` is given twice"),
        ] {
            let mistake = Question::parse(query).unwrap_err();
            assert!(mistake.contains(name), "{query}: {mistake}");
        }
        assert_eq!(Question::parse("q=&state=&page=").unwrap(), Question::default());
    }

    #[test]
    fn a_page_behind_the_last_is_the_last() {
        assert_eq!(Window::of(0, 9, 100), Window { total: 0, page: 1, pages: 1, limit: 100 });
        assert_eq!(Window::of(101, 9, 100).page, 2);
        let window = Window::of(5, 2, 2);
        assert_eq!(window.cut([1, 2, 3, 4, 5].into_iter()).collect::<Vec<_>>(), [3, 4]);
    }
}
