//! `kind: Approval`: a person's word, in a file, that lets one held set through.
//!
//! Input: the bytes of a file in the policy folder. Output: an `ApprovalRequest`, or all that is
//! wrong with it. Whether it still holds is asked where a clock is: at use, and by `validate`.
//! Such a file never stands for a policy: one that is wrong lets nothing through, and nothing more;
//! one that is gone is gone.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::model::approval::APPROVAL_MAX;
use crate::model::policy::Place;
use crate::model::{ApprovalRequest, Digest};
use crate::yaml::{self, ConfigMistake, Fields, Refusal, escaped, shown};

use super::words::{self, Context};

/// `kind` of an approval.
pub const APPROVAL_KIND: &str = "Approval";

/// The longest name of who approves.
const APPROVED_BY_CHARACTERS_MAX: usize = 200;

/// A moment as RFC 3339 (5.6) writes it, with its offset: nothing is left to guess.
static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$")
        .expect("a constant pattern is well-formed")
});

/// An approval and where it says how long it holds.
#[derive(Debug)]
pub struct ParsedApproval {
    /// What the file says.
    pub request: ApprovalRequest,
    /// Where `spec.notAfter` stands.
    pub not_after: Place,
}

impl ParsedApproval {
    /// What deserves a second look at this time.
    pub(super) fn warning(&self, now: Timestamp) -> Option<ConfigMistake> {
        let left = self.request.not_after.duration_since(now);
        let (message, remedy) = if left <= SignedDuration::ZERO {
            ("`spec.notAfter` is past: the approval lets nothing through", "remove the file")
        } else if left > APPROVAL_MAX {
            (
                "`spec.notAfter` is more than 24 hours ahead: the approval is not taken",
                "write a time within the next 24 hours",
            )
        } else {
            return None;
        };
        let Place { file, line, column } = self.not_after.clone();
        let (message, remedy) = (message.to_owned(), remedy.to_owned());
        Some(ConfigMistake { file, line, column, message, remedy })
    }
}

/// Whether a file says that it is an approval, right or wrong in the rest.
pub(super) fn is_approval(bytes: &[u8]) -> bool {
    yaml::peek(bytes, "kind").as_deref() == Some(APPROVAL_KIND)
}

/// Reads one approval; `file` is its name in messages.
pub fn parse_approval(file: &str, bytes: &[u8]) -> Result<ParsedApproval, Vec<ConfigMistake>> {
    let generation = Digest::of(bytes);
    let context = Context { file, generation, containers: None, warnings: Vec::new() };
    let parsed = yaml::read(bytes, |fields| read(fields, &context));
    parsed.map_err(|mistakes| mistakes.into_iter().map(|one| one.within(file)).collect())
}

fn read(fields: &mut Fields<'_>, context: &Context<'_>) -> Option<ParsedApproval> {
    let version = fields.needed("apiVersion").and_then(|v| v.word(&["writeback/v1alpha1"], &[]));
    let kind = words::kind(fields, APPROVAL_KIND);
    if kind.is_none() && fields.has("kind") {
        return None;
    }
    let place = context.place(fields.spot());
    let name =
        fields.required_child("metadata", |metadata| metadata.needed("name")?.text_as(words::name));
    let parsed = fields.required_child("spec", |spec| {
        let digest = spec.needed("digest").and_then(|value| value.text_as(digits));
        let approved_by = spec.needed("approvedBy").and_then(|value| value.text_as(person));
        let not_after = spec.needed("notAfter");
        let spot = not_after.as_ref().map(|value| context.place(value.spot()));
        let not_after = not_after.and_then(|value| value.text_as(moment));
        let request = ApprovalRequest {
            digest: digest?,
            approved_by: approved_by?,
            not_after: not_after?,
            place: Some(place),
        };
        Some(ParsedApproval { request, not_after: spot? })
    });
    version?;
    kind?;
    name?;
    parsed
}

/// The digest of a held set, or its first digits.
fn digits(text: &str) -> Result<String, Refusal> {
    let valid = (Digest::DIGITS_MIN..=64).contains(&text.len())
        && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    valid.then(|| text.to_ascii_lowercase()).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not the digest of a held set", shown(text)),
            format!(
                "copy the digest that the plan names as held, or at least its first {} digits",
                Digest::DIGITS_MIN
            ),
        )
    })
}

/// Who approves: it is repeated in journals and logs, as one line.
fn person(text: &str) -> Result<String, Refusal> {
    let name = text.trim();
    if escaped(name) != name {
        return Err(Refusal::new(
            format!("is `{}`, with characters that cannot be seen", shown(name)),
            "write a name on one line",
        ));
    }
    let characters = name.chars().count();
    if characters > APPROVED_BY_CHARACTERS_MAX {
        return Err(Refusal::new(
            format!("has {characters} characters, more than {APPROVED_BY_CHARACTERS_MAX}"),
            "write a name, or an address",
        ));
    }
    Ok(name.to_owned())
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    let moment = MOMENT.is_match(text).then(|| text.parse().ok()).flatten();
    moment.ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not a time with its offset", shown(text)),
            "write it as 2026-03-01T17:00:00Z or 2026-03-01T18:00:00+01:00",
        )
    })
}
