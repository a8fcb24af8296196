//! Whether an approval that somebody asks for can be taken, by what the last pass held.
//!
//! The next pass has the last word: it takes the approval only if it holds that very set.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::controller::admin::words::Granted;
use crate::decide::guard::approve::Used;
use crate::model::approval::APPROVAL_MAX;
use crate::model::{ApprovalRequest, Digest, Item, Memory};
use crate::report::text::safe;

/// Held sets that a refusal names: beyond these nobody picks one from a line.
const NAMED_MAX: usize = 10;

/// The held sets that a person may approve, by digest.
pub type HeldSets = BTreeMap<Digest, BTreeSet<Item>>;

/// The request to hand on and what it lets through, or why not.
pub fn judge(
    (memory, held): (&Memory, &HeldSets),
    asked: &str,
    approved_by: &str,
    not_after: Option<Timestamp>,
    now: Timestamp,
) -> Result<(ApprovalRequest, Granted), String> {
    let longest = now.checked_add(APPROVAL_MAX).unwrap_or(Timestamp::MAX);
    let not_after = not_after.unwrap_or(longest);
    if not_after <= now {
        return Err(format!("the approval would end before it begins ({not_after})"));
    }
    if not_after > longest {
        return Err(format!("an approval holds at most 24 hours: until {longest}"));
    }
    let named = |digest: &&Digest| digest.answers_to(asked);
    if let Some((digest, approval)) = memory.approvals.iter().find(|(digest, _)| named(digest)) {
        return Err(format!(
            "{} is approved already, by {}, until {}",
            digest.short(),
            approval.approved_by,
            approval.not_after
        ));
    }
    if let Some(used) = Used::find(memory, |digest| named(&digest), now) {
        return Err(format!(
            "an approval passes a held set once: {} was {used}; approve it after that, or raise \
             the limit or undo the cause of the hold",
            used.digest.short()
        ));
    }
    let mut sets = held.iter().filter(|(digest, _)| named(digest));
    match (sets.next(), sets.next()) {
        (None, _) => Err(not_held(held, asked)),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("`{}` is the start of two: {one} and {other}", safe(asked)))
        }
        (Some((digest, items)), None) => {
            let approved_by = approved_by.to_owned();
            let granted = Granted {
                digest: *digest,
                kinds: kinds(items),
                approved_by: approved_by.clone(),
                not_after,
            };
            let digest = digest.to_string();
            Ok((ApprovalRequest { digest, approved_by, not_after, place: None }, granted))
        }
    }
}

/// How much of each kind a set holds.
pub fn kinds(items: &BTreeSet<Item>) -> BTreeMap<String, usize> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        *kinds.entry(item.kind.word().to_owned()).or_default() += 1;
    }
    kinds
}

/// Says that no set of this digest is held, and which are.
fn not_held(held: &HeldSets, asked: &str) -> String {
    let asked = safe(asked);
    let short = if asked.len() < Digest::DIGITS_MIN {
        format!(" (at least {} digits are needed)", Digest::DIGITS_MIN)
    } else {
        String::new()
    };
    if held.is_empty() {
        return format!("`{asked}` is not held{short}: nothing is");
    }
    let of_set = |(digest, items): (&Digest, &BTreeSet<Item>)| {
        format!("{} ({})", digest.short(), counted(&kinds(items)))
    };
    let named: Vec<_> = held.iter().take(NAMED_MAX).map(of_set).collect();
    let more = held.len().saturating_sub(named.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("`{asked}` is not held{short}; held are {}{more}", named.join(", "))
}

/// Counts for people: `11 remove-members, 1 delete`.
pub fn counted(kinds: &BTreeMap<String, usize>) -> String {
    let parts = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    parts.collect::<Vec<_>>().join(", ")
}
