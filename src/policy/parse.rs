//! The text of one policy to a `Policy`, or all that is wrong with it.
//!
//! Input: the bytes of a file and, when known, the containers of the configuration. Output: the
//! policy with warnings. The shape is read by `document`; this file turns texts into nouns:
//! names, ids, patterns, distinguished names.

use regex::{Regex, RegexBuilder};

use crate::model::Digest;
use crate::model::policy::{Place, Policy, PolicyName};
use crate::model::{Containers, Dn, ObjectId};
use crate::yaml::{self, ConfigMistake, Mistake, Refusal, Spot, shown};

use super::document;

/// The largest compiled pattern: enough for some hundred alternatives; a nested repetition that
/// would take the memory of the daemon is refused.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of groups in a pattern.
const PATTERN_NESTING_MAX: u32 = 50;

/// A policy and what deserves a second look.
#[derive(Debug)]
pub struct Parsed {
    /// What the file says.
    pub policy: Policy,
    /// What is right but may not be what is wanted.
    pub warnings: Vec<ConfigMistake>,
}

/// What the text of one document is read against.
pub(super) struct Context<'a> {
    file: &'a str,
    pub(super) generation: Digest,
    containers: Option<&'a Containers>,
    pub(super) warnings: Vec<Mistake>,
}

/// Reads one policy file; `file` is its name in messages and causes.
pub fn parse(
    file: &str,
    bytes: &[u8],
    containers: Option<&Containers>,
) -> Result<Parsed, Vec<ConfigMistake>> {
    let generation = Digest::of(bytes);
    let mut context = Context { file, generation, containers, warnings: Vec::new() };
    let policy = yaml::read(bytes, |fields| document::read(fields, &mut context));
    let place = |mistakes: Vec<Mistake>| {
        mistakes.into_iter().map(|mistake| mistake.within(file)).collect::<Vec<_>>()
    };
    match policy {
        Ok(policy) => Ok(Parsed { policy, warnings: place(context.warnings) }),
        Err(mistakes) => Err(place(mistakes)),
    }
}

impl Context<'_> {
    /// A spot in this file, as causes name it.
    pub(super) fn place(&self, spot: Spot) -> Place {
        Place { file: self.file.to_owned(), line: spot.line, column: spot.column }
    }

    /// A place for new groups: a full name inside the configured containers.
    pub(super) fn container(&self, text: &str) -> Result<Dn, Refusal> {
        let dn = Dn::parse(text).map_err(|mistake| {
            Refusal::new(
                format!("is not a distinguished name: {}", shown(&mistake.to_string())),
                "write a full name: 'OU=Cloud Groups,DC=corp,DC=example'",
            )
        })?;
        match self.containers {
            Some(containers) if !containers.hold(&dn) => Err(Refusal::new(
                format!("is `{}`, outside the containers of the configuration", shown(text)),
                "use a place inside `directory.containers`, or add it there",
            )),
            Some(_) | None => Ok(dn),
        }
    }
}

/// `metadata.name`.
pub(super) fn name(text: &str) -> Result<PolicyName, Refusal> {
    PolicyName::parse(text).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not a name", shown(text)),
            "use 1 to 50 characters of a-z, 0-9 and -",
        )
    })
}

/// The id of a cloud group.
pub(super) fn object_id(text: &str) -> Result<ObjectId, Refusal> {
    ObjectId::parse(text).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not an object id", shown(text)),
            "copy the object id of the group: 11111111-2222-3333-4444-555555555555",
        )
    })
}

/// A pattern for display names.
pub(super) fn pattern(text: &str) -> Result<Regex, Refusal> {
    let built = RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES_MAX)
        .nest_limit(PATTERN_NESTING_MAX)
        .build();
    built.map_err(|error| {
        let what = if matches!(error, regex::Error::CompiledTooBig(_)) {
            "the pattern becomes too large".to_owned()
        } else {
            pattern_mistake(&error.to_string())
        };
        Refusal::new(
            format!("is `{}`, not a pattern: {what}", shown(text)),
            "mend it; docs.rs/regex/1/regex/#syntax lists what is known",
        )
    })
}

/// The last line of the message says what, the column of its marks says where.
fn pattern_mistake(message: &str) -> String {
    const INDENT: usize = 4;
    let what = message.lines().last().unwrap_or(message).trim_start_matches("error: ");
    let marks = message.lines().find(|line| {
        line.contains('^') && line.chars().all(|character| matches!(character, ' ' | '^'))
    });
    match marks.and_then(|line| line.find('^')).and_then(|column| column.checked_sub(INDENT)) {
        Some(offset) => format!("{what} at character {}", offset + 1),
        None => what.to_owned(),
    }
}
