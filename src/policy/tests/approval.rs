//! `kind: Approval`: what is read, refused, and warned about at which time.

use jiff::{Timestamp, ToSpan as _};

use super::*;

pub(super) const APPROVAL: &str = "\
apiVersion: writeback/v1alpha1
kind: Approval
metadata: { name: chg0042 }
spec:
  digest: 3f1c0a77e9b24d55
  approvedBy: Ada Lovelace
  notAfter: 2026-03-01T17:00:00Z
";

fn read(text: &str) -> ParsedApproval {
    match parse_approval("a.yaml", text.as_bytes()) {
        Ok(parsed) => parsed,
        Err(mistakes) => panic!("{text}\n{}", lines(&mistakes).join("\n")),
    }
}

fn with(old: &str, new: &str) -> String {
    assert!(APPROVAL.contains(old), "{old}");
    APPROVAL.replacen(old, new, 1)
}

#[test]
fn an_approval_is_read_with_its_place() {
    let ParsedApproval { request, not_after } = read(APPROVAL);
    assert_eq!(request.digest, "3f1c0a77e9b24d55");
    assert_eq!(request.approved_by, "Ada Lovelace");
    assert_eq!(request.not_after, "2026-03-01T17:00:00Z".parse().unwrap());
    assert_eq!(request.place.unwrap().to_string(), "a.yaml:1:1");
    assert_eq!(not_after.to_string(), "a.yaml:7:13");
}

#[test]
fn digests_and_times_are_read_in_every_form_they_are_printed_in() {
    let whole = Digest::of(b"held").to_string();
    let digest = |text: &str| read(&with("3f1c0a77e9b24d55", text)).request.digest;
    assert_eq!(digest(&format!("'{whole}'")), whole);
    assert_eq!(digest(&format!("'{}'", whole.to_uppercase())), whole);
    assert_eq!(digest("'123456789012'"), "123456789012");
    let time = |text: &str| read(&with("2026-03-01T17:00:00Z", text)).request.not_after;
    let expected: Timestamp = "2026-03-01T17:00:00Z".parse().unwrap();
    for text in ["2026-03-01T18:00:00+01:00", "'2026-03-01T17:00:00.000Z'"] {
        assert_eq!(time(text), expected, "{text}");
    }
    let long = "x".repeat(200);
    assert_eq!(read(&with("Ada Lovelace", &long)).request.approved_by, long);
    assert_eq!(read(&with("Ada Lovelace", "' Ada '")).request.approved_by, "Ada");
}

const WRONG: &[(&str, &str, &str)] = &[
    (
        "kind: Approval",
        "kind: WritebackPolicy",
        "2:7: `kind` is `WritebackPolicy`, where Approval is meant; put it into another file",
    ),
    (
        "name: chg0042",
        "name: CHG0042",
        "3:19: `metadata.name` is `CHG0042`, not a name; use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "3f1c0a77e9b24d55",
        "3f1c0a77e9b",
        "5:11: `spec.digest` is `3f1c0a77e9b`, not the digest of a held set; \
         copy the digest that the plan names as held, or at least its first 12 digits",
    ),
    (
        "3f1c0a77e9b24d55",
        "3f1c0a77e9b24d5g",
        "5:11: `spec.digest` is `3f1c0a77e9b24d5g`, not the digest of a held set; \
         copy the digest that the plan names as held, or at least its first 12 digits",
    ),
    (
        "3f1c0a77e9b24d55",
        "123456789012",
        "5:11: `spec.digest` is `123456789012` without quotes, which is read as a number or a \
         truth value; write it in quotes: '123456789012'",
    ),
    ("  digest: 3f1c0a77e9b24d55\n", "", "5:3: `spec.digest` is missing; add the field `digest`"),
    (
        "Ada Lovelace",
        "'  '",
        "6:15: `spec.approvedBy` is empty; \
         write a value, or leave the field out where it has a default",
    ),
    (
        "Ada Lovelace",
        "\"Ada\\nLovelace\"",
        "6:15: `spec.approvedBy` is `Ada\\u{a}Lovelace`, with characters that cannot be seen; \
         write a name on one line",
    ),
    (
        "Ada Lovelace",
        "\"Ada \\u202EecalevoL\"",
        "6:15: `spec.approvedBy` is `Ada \\u{202e}ecalevoL`, with characters that cannot be seen; \
         write a name on one line",
    ),
    (
        "2026-03-01T17:00:00Z",
        "24h",
        "7:13: `spec.notAfter` is `24h`, not a time with its offset; \
         write it as 2026-03-01T17:00:00Z or 2026-03-01T18:00:00+01:00",
    ),
    (
        "2026-03-01T17:00:00Z",
        "2026-03-01T17:00:00",
        "7:13: `spec.notAfter` is `2026-03-01T17:00:00`, not a time with its offset; \
         write it as 2026-03-01T17:00:00Z or 2026-03-01T18:00:00+01:00",
    ),
    (
        "2026-03-01T17:00:00Z",
        "2026-02-30T17:00:00Z",
        "7:13: `spec.notAfter` is `2026-02-30T17:00:00Z`, not a time with its offset; \
         write it as 2026-03-01T17:00:00Z or 2026-03-01T18:00:00+01:00",
    ),
    (
        "  notAfter: 2026-03-01T17:00:00Z\n",
        "",
        "5:3: `spec.notAfter` is missing; add the field `notAfter`",
    ),
    (
        "approvedBy",
        "approvedby",
        "6:3: `spec.approvedby` is not a known field; did you mean `approvedBy`?",
    ),
];

#[test]
fn each_wrong_approval_is_refused_at_its_place() {
    for (old, new, line) in WRONG {
        let found = lines(&parse_approval("a.yaml", with(old, new).as_bytes()).unwrap_err());
        assert!(found.contains(&format!("a.yaml:{line}")), "{new}\n{found:#?}");
    }
    let long = with("Ada Lovelace", &"x".repeat(201));
    assert_eq!(
        lines(&parse_approval("a.yaml", long.as_bytes()).unwrap_err()),
        ["a.yaml:6:15: `spec.approvedBy` has 201 characters, more than 200; \
          write a name, or an address"]
    );
}

#[test]
fn an_approval_that_is_past_or_too_far_ahead_is_warned_about() {
    let parsed = read(APPROVAL);
    let ends = parsed.request.not_after;
    let told = |now| parsed.warning(now).map(|warning| warning.to_string());
    let past = "a.yaml:7:13: `spec.notAfter` is past: the approval lets nothing through; \
                remove the file";
    let ahead = "a.yaml:7:13: `spec.notAfter` is more than 24 hours ahead: the approval is not \
                 taken; write a time within the next 24 hours";
    assert_eq!(told(ends).as_deref(), Some(past));
    assert_eq!(told(ends + 400.hours()).as_deref(), Some(past));
    assert_eq!(told(ends - 1.second()), None);
    assert_eq!(told(ends - 24.hours()), None);
    assert_eq!(told(ends - 24.hours() - 1.second()).as_deref(), Some(ahead));
}
