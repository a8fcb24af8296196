//! What is wrong with a file, where, and what to do about it.
//!
//! Made by the readers of YAML, configuration and policy; printed by `validate` and the logs.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;

/// The most mistakes kept of one file: far more than a person reads, far less than a hostile
/// file of 1 MiB could cause.
const MISTAKES_MAX: usize = 1_000;

/// The most characters of a foreign text that a message repeats.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One mistake in a text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it: a lower-case fragment.
    pub remedy: String,
}

/// One mistake with the file it is in; prints as `file:line:column: message; remedy`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ConfigMistake {
    /// The file, as the user named it, with control characters escaped.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it: a lower-case fragment.
    pub remedy: String,
}

/// Why a value is not accepted; the place is added by who knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong with the value: a fragment that reads after the name of the field.
    pub message: String,
    /// What to do about it: a lower-case fragment.
    pub remedy: String,
    /// The character of the value that is wrong, from 1; `None` for the value as a whole.
    pub character: Option<usize>,
}

impl Refusal {
    /// A refusal of a whole value, from its two parts.
    pub fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into(), character: None }
    }

    /// The same refusal of one character, counted from 1: the place in the file is moved to it
    /// where the value stands on one line. The message names it all the same, for the others.
    #[must_use]
    pub fn at(self, character: usize) -> Self {
        Self { character: Some(character), ..self }
    }
}

impl Mistake {
    /// A mistake at a place.
    pub fn at(spot: Spot, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            line: spot.line,
            column: spot.column,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The same mistake with the file it is in.
    #[must_use]
    pub fn within(self, file: &str) -> ConfigMistake {
        ConfigMistake {
            file: escaped(file),
            line: self.line,
            column: self.column,
            message: self.message,
            remedy: self.remedy,
        }
    }
}

impl ConfigMistake {
    /// A mistake that concerns the whole file: it stands at its first character.
    pub fn of_file(file: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Mistake::at(Spot { line: 1, column: 1 }, message, remedy).within(file)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.line, self.column, self.message, self.remedy)
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, remedy } = self;
        write!(f, "{file}:{line}:{column}: {message}; {remedy}")
    }
}

/// A foreign text as messages repeat it: control and direction characters escaped, cut.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == SHOWN_CHARACTERS_MAX {
            shown.push('…');
            break;
        }
        push_escaped(&mut shown, character);
    }
    shown
}

/// A foreign text whole, control and direction characters escaped: for names of files.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    text.chars().for_each(|character| push_escaped(&mut escaped, character));
    escaped
}

fn push_escaped(text: &mut String, character: char) {
    if character.is_control() || reorders_text(character) {
        text.extend(character.escape_unicode());
    } else {
        text.push(character);
    }
}

/// Whether a character makes a reviewer see another order than the one that is parsed
/// (Unicode TR 9 2.1 and 2.2; CVE-2021-42574).
pub(super) fn reorders_text(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Collects the mistakes of one file while several readers look at it.
#[derive(Default)]
pub(super) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub(super) fn note(&self, mistake: Mistake) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < MISTAKES_MAX {
            kept.push(mistake);
        }
    }

    pub(super) fn has_one_at(&self, spot: Spot) -> bool {
        self.0.borrow().iter().any(|one| (one.line, one.column) == (spot.line, spot.column))
    }

    pub(super) fn into_sorted(self) -> Vec<Mistake> {
        let mut kept = self.0.into_inner();
        let full = kept.len() == MISTAKES_MAX;
        kept.sort();
        if let Some(last) = kept.last_mut().filter(|_| full) {
            last.message.push_str(" (more mistakes may follow)");
        }
        kept
    }
}
