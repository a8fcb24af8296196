//! Texts of a policy to nouns: names, ids, patterns, distinguished names.
//!
//! Input: one scalar and what the document is read against. Output: the noun, or what is wrong
//! with the text and how to mend it.

use regex::{Regex, RegexBuilder};

use crate::model::policy::{KeepReference, Place, PolicyName};
use crate::model::{Containers, Digest, Dn, ObjectGuid, ObjectId, Sid};
use crate::policy::{APPROVAL_KIND, KIND};
use crate::yaml::{Fields, Mistake, Refusal, Spot, shown};

/// The largest compiled pattern: enough for some hundred alternatives; a nested repetition that
/// would take the memory of the daemon is refused.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of groups in a pattern.
const PATTERN_NESTING_MAX: u32 = 50;

/// What the text of one document is read against.
pub(super) struct Context<'a> {
    pub(super) file: &'a str,
    pub(super) generation: Digest,
    pub(super) containers: Option<&'a Containers>,
    pub(super) warnings: Vec<Mistake>,
}

impl Context<'_> {
    /// A spot in this file, as causes name it.
    pub(super) fn place(&self, spot: Spot) -> Place {
        Place { file: self.file.to_owned(), line: spot.line, column: spot.column }
    }

    /// Notes what is right but deserves a second look.
    pub(super) fn warn(&mut self, spot: Spot, message: impl Into<String>, remedy: &str) {
        self.warnings.push(Mistake::at(spot, message, remedy));
    }

    /// A place for groups: a full name inside the configured containers.
    pub(super) fn container(&self, text: &str) -> Result<Dn, Refusal> {
        let dn = distinguished_name(text, "OU=Cloud Groups,DC=corp,DC=example")?;
        match self.containers {
            Some(containers) if !containers.hold(&dn) => Err(Refusal::new(
                format!("is `{}`, outside the containers of the configuration", shown(text)),
                "use a place inside `directory.containers`, or add it there",
            )),
            Some(_) | None => Ok(dn),
        }
    }
}

fn distinguished_name(text: &str, example: &str) -> Result<Dn, Refusal> {
    Dn::parse(text).map_err(|mistake| {
        Refusal::new(
            format!("is not a distinguished name: {}", shown(&mistake.to_string())),
            format!("write a full name: '{example}'"),
        )
    })
}

/// `kind`; `None` when it is missing or not `own`. Of a document of another kind nothing more is
/// told: to name every field of it as unknown would bury the one message that matters.
pub(super) fn kind(fields: &mut Fields<'_>, own: &'static str) -> Option<&'static str> {
    let kind = fields.needed("kind").and_then(|value| {
        let kind = value.word(&[KIND, APPROVAL_KIND], &[])?;
        if kind != own {
            value.refuse(format!("is `{kind}`, where {own} is meant"), "put it into another file");
        }
        (kind == own).then_some(kind)
    });
    if kind.is_none() && fields.has("kind") {
        fields.waive_rest();
    }
    kind
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

/// An object of the directory that is never taken out: by SID, by objectGUID or by DN.
pub(super) fn kept(text: &str) -> Result<KeepReference, Refusal> {
    if let Some(sid) = text.strip_prefix("sid:") {
        return Sid::parse(sid).map(KeepReference::Sid).ok_or_else(|| {
            Refusal::new(
                format!("is `{}`, not a SID", shown(text)),
                "copy the objectSid of the object: 'sid:S-1-5-21-1111-2222-3333-4444'",
            )
        });
    }
    if let Some(guid) = text.strip_prefix("guid:") {
        return ObjectGuid::parse(guid).map(KeepReference::Guid).ok_or_else(|| {
            Refusal::new(
                format!("is `{}`, not an objectGUID", shown(text)),
                "copy the objectGUID of the object: 'guid:11111111-2222-3333-4444-555555555555'",
            )
        });
    }
    if !text.contains('=') {
        return Err(Refusal::new(
            format!("is `{}`, which names no object", shown(text)),
            "write 'sid:S-1-…', 'guid:…' or a full name: 'CN=svc-backup,DC=corp,DC=example'",
        ));
    }
    distinguished_name(text, "CN=svc-backup,OU=Service,DC=corp,DC=example").map(KeepReference::Dn)
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

/// The objectGUID of a directory group.
pub(super) fn object_guid(text: &str) -> Result<ObjectGuid, Refusal> {
    ObjectGuid::parse(text).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not an objectGUID", shown(text)),
            "copy the objectGUID of the directory group: 11111111-2222-3333-4444-555555555555",
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
        let (what, character) = if matches!(error, regex::Error::CompiledTooBig(_)) {
            ("the pattern becomes too large".to_owned(), None)
        } else {
            pattern_mistake(&error.to_string())
        };
        let refusal = Refusal::new(
            format!("is `{}`, not a pattern: {what}", shown(text)),
            "mend it; docs.rs/regex/1/regex/#syntax lists what is known",
        );
        match character {
            Some(character) => refusal.at(character),
            None => refusal,
        }
    })
}

/// The last line of the message says what, the column of its marks says where. A pattern of
/// several lines is shown with numbered lines instead, and has no one character.
fn pattern_mistake(message: &str) -> (String, Option<usize>) {
    const INDENT: usize = 4;
    let what = message.lines().last().unwrap_or(message).trim_start_matches("error: ");
    let marks = message.lines().find(|line| {
        line.contains('^') && line.chars().all(|character| matches!(character, ' ' | '^'))
    });
    match marks.and_then(|line| line.find('^')).and_then(|column| column.checked_sub(INDENT)) {
        Some(offset) => (format!("{what} at character {}", offset + 1), Some(offset + 1)),
        None => (what.to_owned(), None),
    }
}
