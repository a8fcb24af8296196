//! Typed reading, field by field.
//!
//! Input: positioned nodes. Output: what the caller asks for; every mistake is noted with its
//! place and reading goes on. A mapping is read inside a closure, and what the closure did not
//! ask for is reported as unknown when it returns: a field cannot be forgotten in silence.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::duration;
use super::mistake::{Mistake, Mistakes, Refusal, Spot, shown};
use super::scalar::{self, Looks};
use super::tree::{Entry, Kind, Node, Scalar};
use crate::defence::stands;

/// One mapping while it is read.
pub struct Fields<'a> {
    spot: Spot,
    path: String,
    entries: &'a [Entry],
    known: Vec<&'static str>,
    rest_waived: bool,
    mistakes: &'a Mistakes,
}

/// One value and how messages name it.
pub struct Value<'a> {
    node: &'a Node,
    /// Where a mistake about an empty value stands: the key, since nothing else is there.
    key_spot: Spot,
    path: String,
    mistakes: &'a Mistakes,
}

impl<'a> Fields<'a> {
    /// Where the mapping starts.
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// Where the key of a field stands; `None` when it is absent.
    pub fn key_spot(&self, key: &str) -> Option<Spot> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.spot)
    }

    /// Whether a field is there at all, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.key_spot(key).is_some()
    }

    /// A field that may be absent. One without a value is a mistake: absent means default, and
    /// an empty value leaves open what is meant.
    pub fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let path = self.path_of(key);
        let value =
            Value { node: &entry.value, key_spot: entry.spot, path, mistakes: self.mistakes };
        value.is_given().then_some(value)
    }

    /// A field that must be there.
    pub fn needed(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.has(key) {
            self.note(
                self.spot,
                format!("`{}` is missing", self.path_of(key)),
                format!("add the field `{key}`"),
            );
        }
        self.value(key)
    }

    /// A scalar that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        self.needed(key)?.scalar()
    }

    /// A scalar, or its default when the field is absent.
    pub fn or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.value(key).and_then(|value| value.scalar()).unwrap_or(default)
    }

    /// A mapping that may be absent.
    pub fn child<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        self.value(key)?.fields(read)
    }

    /// A mapping that reads as an empty one when it is absent, so that defaults have one home.
    pub fn child_or_empty<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.has(key) {
            return self.child(key, read);
        }
        self.known.push(key);
        let mut empty = Fields {
            spot: self.spot,
            path: self.path_of(key),
            entries: &[],
            known: Vec::new(),
            rest_waived: false,
            mistakes: self.mistakes,
        };
        read(&mut empty)
    }

    /// A mapping that must be there.
    pub fn required_child<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        self.needed(key)?.fields(read)
    }

    /// A list that may be absent; entries with a mistake are left out of the answer.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(Value<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.value(key)?.items(read)
    }

    /// A field of the contract that is not built yet: refused by name when it is there.
    pub fn not_yet(&mut self, key: &'static str, remedy: &str) {
        self.known.push(key);
        if let Some(spot) = self.key_spot(key) {
            self.note(spot, format!("`{}` is not supported yet", self.path_of(key)), remedy);
        }
    }

    /// Notes a mistake about a field, or about the mapping when the field is absent.
    pub fn refuse(&self, key: &str, message: impl Display, remedy: impl Into<String>) {
        let spot = self.key_spot(key).unwrap_or(self.spot);
        self.note(spot, format!("`{}` {message}", self.path_of(key)), remedy);
    }

    /// The rest is not looked at: the document is of another kind, and to name every field of
    /// it as unknown would bury the one message that matters.
    pub fn waive_rest(&mut self) {
        self.rest_waived = true;
    }

    fn finish(self) {
        if self.rest_waived || !stands("H60") {
            return;
        }
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let near = scalar::nearest(&entry.key, self.known.iter().copied());
            let remedy = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.known.is_empty() => "no field is known here".to_owned(),
                None => format!("the fields here are {}", self.known.join(", ")),
            };
            let path = self.path_of(&shown(&entry.key));
            self.note(entry.spot, format!("`{path}` is not a known field"), remedy);
        }
    }

    fn note(&self, spot: Spot, message: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.note(Mistake::at(spot, message, remedy));
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'a> Value<'a> {
    pub(super) fn of_root(node: &'a Node, mistakes: &'a Mistakes) -> Self {
        Self { node, key_spot: node.spot, path: String::new(), mistakes }
    }

    /// Where the value starts.
    pub fn spot(&self) -> Spot {
        self.node.spot
    }

    /// Notes a mistake about this value; the message reads after its name.
    pub fn refuse(&self, message: impl Display, remedy: impl Into<String>) {
        self.note(self.spot(), message, remedy);
    }

    /// The value as `T`: text, a truth value, a whole number, or an enum of plain words.
    pub fn scalar<T: DeserializeOwned>(&self) -> Option<T> {
        self.accept(scalar::read(self.as_scalar()?))
    }

    /// The value of an enum; `not_yet` are values of the contract that are not built yet.
    pub fn choice<T: DeserializeOwned>(&self, not_yet: &[&str]) -> Option<T> {
        let text = self.as_scalar()?.text.as_str();
        if not_yet.contains(&text) {
            self.refuse_not_yet(text, &scalar::words_of::<T>());
            return None;
        }
        self.scalar()
    }

    /// One of a few fixed words; `not_yet` are words of the contract that are not built yet.
    pub fn word(&self, accepted: &[&'static str], not_yet: &[&str]) -> Option<&'static str> {
        let text = self.as_scalar()?.text.as_str();
        if let Some(word) = accepted.iter().find(|word| **word == text) {
            return Some(word);
        }
        if not_yet.contains(&text) {
            self.refuse_not_yet(text, accepted);
        } else {
            let message = format!("is `{}`, which is none of its values", shown(text));
            self.refuse(message, scalar::one_of(accepted, text));
        }
        None
    }

    /// A text that is not blank.
    pub fn text(&self) -> Option<&'a str> {
        let scalar = self.as_scalar()?;
        self.accept(scalar::read::<String>(scalar))?;
        if scalar.text.trim().is_empty() {
            self.refuse("is empty", "write a value, or leave the field out where it has a default");
            return None;
        }
        Some(scalar.text.as_str())
    }

    /// A text that is not blank, turned into something better.
    pub fn text_as<T>(&self, parse: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<T> {
        self.accept(parse(self.text()?))
    }

    /// A whole number inside a range.
    pub fn whole(&self, range: &RangeInclusive<u64>) -> Option<u64> {
        let scalar = self.as_scalar()?;
        let outside = || {
            let message = format!("is {}, out of range", shown(&scalar.text));
            Refusal::new(message, format!("use {} to {}", range.start(), range.end()))
        };
        if scalar.plain && scalar::is_decimal(&scalar.text) {
            let number = scalar.text.parse().ok().filter(|number| range.contains(number));
            return self.accept(number.ok_or_else(outside));
        }
        self.accept(scalar::read::<u64>(scalar))
    }

    /// A duration inside a range: one whole number and one unit, `30s`, `10m`, `6h`, `1d`.
    pub fn duration(&self, range: &RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.as_scalar()?.text.as_str();
        let Some(duration) = duration::parse(text) else {
            let message = format!("is `{}`, not a duration", shown(text));
            self.refuse(message, "write one whole number and one unit: 30s, 10m, 6h or 1d");
            return None;
        };
        if !range.contains(&duration) {
            let (least, most) = (duration::print(*range.start()), duration::print(*range.end()));
            self.refuse(format!("is {text}, out of range"), format!("use {least} to {most}"));
            return None;
        }
        Some(duration)
    }

    /// The value as a mapping; what `read` does not ask for is reported as unknown.
    pub fn fields<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
        let entries = match &self.node.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar(_) | Kind::List(_) => {
                self.refuse("is not a mapping", "write fields as `name: value` below it");
                return None;
            }
            Kind::Refused => return None,
        };
        let mut fields = Fields {
            spot: self.spot(),
            path: self.path.clone(),
            entries,
            known: Vec::new(),
            rest_waived: false,
            mistakes: self.mistakes,
        };
        let value = read(&mut fields);
        fields.finish();
        value
    }

    /// The value as a list; entries with a mistake are left out of the answer.
    pub fn items<T>(&self, mut read: impl FnMut(Value<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items = match &self.node.kind {
            Kind::List(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => {
                self.refuse("is not a list", "write it as `[a, b]` or one `- ` a line");
                return None;
            }
            Kind::Refused => return None,
        };
        let values = items.iter().enumerate().map(|(index, node)| Value {
            node,
            key_spot: node.spot,
            path: format!("{}[{index}]", self.path),
            mistakes: self.mistakes,
        });
        Some(values.filter(Value::is_given).filter_map(&mut read).collect())
    }

    /// The value as a list that is not empty.
    pub fn some_items<T>(
        &self,
        remedy: &str,
        read: impl FnMut(Value<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        if matches!(&self.node.kind, Kind::List(items) if items.is_empty()) {
            self.refuse("is an empty list", remedy);
            return None;
        }
        self.items(read)
    }

    fn is_given(&self) -> bool {
        match &self.node.kind {
            Kind::Scalar(scalar) if scalar::looks(scalar) == Looks::Nothing => {
                self.note(self.key_spot, "has no value", "give it one, or leave it out");
                false
            }
            Kind::Refused => false,
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => true,
        }
    }

    fn as_scalar(&self) -> Option<&'a Scalar> {
        match &self.node.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) => {
                self.refuse("is a list, not a single value", "write one value");
                None
            }
            Kind::Map(_) => {
                self.refuse("is a mapping, not a single value", "write one value");
                None
            }
            Kind::Refused => None,
        }
    }

    fn accept<T>(&self, answer: Result<T, Refusal>) -> Option<T> {
        let note = |refusal: Refusal| {
            let spot = refusal.character.map_or(self.spot(), |character| self.spot_of(character));
            self.note(spot, refusal.message, refusal.remedy);
        };
        answer.map_err(note).ok()
    }

    /// Where a character of a scalar stands, counted from 1; over several lines, the scalar.
    fn spot_of(&self, character: usize) -> Spot {
        let Spot { line, column } = self.spot();
        let offset = match &self.node.kind {
            Kind::Scalar(scalar) => scalar.written.offset(character),
            Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
        };
        Spot { line, column: column + offset.unwrap_or_default() }
    }

    fn refuse_not_yet<S: AsRef<str>>(&self, text: &str, accepted: &[S]) {
        self.refuse(format!("`{text}` is not supported yet"), scalar::one_of(accepted, ""));
    }

    fn note(&self, spot: Spot, message: impl Display, remedy: impl Into<String>) {
        let message = match self.path.as_str() {
            "" => format!("the document {message}"),
            path => format!("`{path}` {message}"),
        };
        self.mistakes.note(Mistake::at(spot, message, remedy));
    }
}
