//! `spec.members`: what is read, refused and warned about.

use super::*;
use crate::model::policy::{Devices, KeepReference, MemberMode, Nested};

fn members(fields: &str) -> MemberRules {
    parsed(&spec(&format!("  members: {{ {fields} }}"))).policy.members
}

#[test]
fn each_rule_about_members_is_read() {
    assert_eq!(members("mode: AddOnly").mode, MemberMode::AddOnly);
    assert_eq!(members("mode: Mirror").mode, MemberMode::Mirror);
    assert_eq!(members("nested: Keep").nested, Nested::Keep);
    assert_eq!(members("nested: Flatten").nested, Nested::Flatten);
    assert_eq!(members("nested: Skip").nested, Nested::Skip);
    assert_eq!(members("devices: Skip").devices, Devices::Skip);
    assert_eq!(members("devices: Include").devices, Devices::Include);
    let read = members("maximum: 70000");
    assert_eq!((read.maximum_microsoft_365, read.maximum_security), (70_000, 70_000));
    assert_eq!(members("keep: []"), MemberRules::default());
}

#[test]
fn objects_to_keep_are_read_with_their_places() {
    let read = members(
        "keep: ['sid:S-1-5-21-1-2-3-1104', guid:01234567-89AB-cdef-0123-456789abcdef, \
         'CN=svc\\, backup,OU=Service,DC=corp,DC=example']",
    );
    let told: Vec<String> = read
        .keep
        .iter()
        .map(|keep| match &keep.object {
            KeepReference::Sid(sid) => format!("{} {sid}", keep.place),
            KeepReference::Guid(guid) => format!("{} {guid}", keep.place),
            KeepReference::Dn(dn) => format!("{} {}", keep.place, dn.leaf()),
        })
        .collect();
    assert_eq!(
        told,
        [
            "p.yaml:8:21 S-1-5-21-1-2-3-1104",
            "p.yaml:8:48 01234567-89ab-cdef-0123-456789abcdef",
            "p.yaml:8:91 svc, backup",
        ]
    );
}

const WRONG: &[(&str, &str)] = &[
    (
        "  members: { mode: AddOnyl }",
        "8:20: `spec.members.mode` is `AddOnyl`, which is none of its values; \
          did you mean `AddOnly`? the values are Mirror, AddOnly",
    ),
    (
        "  members: { nested: Flat }",
        "8:22: `spec.members.nested` is `Flat`, which is none of its values; \
          the values are Keep, Flatten, Skip",
    ),
    (
        "  members: { devices: Keep }",
        "8:23: `spec.members.devices` is `Keep`, which is none of its values; \
          the values are Include, Skip",
    ),
    (
        "  members: { keep: 'sid:S-1-5-32-544' }",
        "8:20: `spec.members.keep` is not a list; write it as `[a, b]` or one `- ` a line",
    ),
    (
        "  members: { keep: ['sid:S-2-5-21'] }",
        "8:21: `spec.members.keep[0]` is `sid:S-2-5-21`, not a SID; \
          copy the objectSid of the object: 'sid:S-1-5-21-1111-2222-3333-4444'",
    ),
    (
        "  members: { keep: ['guid:1'] }",
        "8:21: `spec.members.keep[0]` is `guid:1`, not an objectGUID; copy the objectGUID of \
          the object: 'guid:11111111-2222-3333-4444-555555555555'",
    ),
    (
        "  members: { keep: [svc-backup] }",
        "8:21: `spec.members.keep[0]` is `svc-backup`, which names no object; \
          write 'sid:S-1-…', 'guid:…' or a full name: 'CN=svc-backup,DC=corp,DC=example'",
    ),
    (
        "  members: { keep: ['CN=,DC=corp'] }",
        "8:21: `spec.members.keep[0]` is not a distinguished name: \
          the component `CN=` has an empty side; \
          write a full name: 'CN=svc-backup,OU=Service,DC=corp,DC=example'",
    ),
    (
        "  members:\n    keep:\n      - 'CN=svc,DC=corp,DC=example'\n      - \
         'cn=SVC,dc=corp,dc=example'",
        "11:9: `spec.members.keep[1]` is given twice, first on line 10; keep one of the two",
    ),
    (
        "  members: { keep: ['sid:S-1-5-21-1', 'sid:s-1-5-21-1'] }",
        "8:39: `spec.members.keep[1]` is given twice, first on line 8; keep one of the two",
    ),
    (
        "  members: { maximum: 0 }",
        "8:23: `spec.members.maximum` is 0, out of range; use 1 to 250000",
    ),
    (
        "  members: { maximum: 250001 }",
        "8:23: `spec.members.maximum` is 250001, out of range; use 1 to 250000",
    ),
];

#[test]
fn each_wrong_rule_about_members_is_refused_at_its_place() {
    each_is_refused(WRONG);
}

#[test]
fn objects_to_keep_where_nothing_is_taken_out_are_warned_about() {
    let keep = "  members: { keep: ['sid:S-1-5-21-1'] }";
    each_is_warned_about(&[
        (keep, &[]),
        (
            "  members: { mode: AddOnly, keep: ['sid:S-1-5-21-1'] }",
            &["8:29: `spec.members.keep` changes nothing: `spec.members.mode` AddOnly takes no \
               member out; leave the field out"],
        ),
    ]);
    let text = spec(keep).replacen("mode: Sync", "mode: UpsertOnly", 1);
    assert_eq!(
        lines(&parsed(&text).warnings),
        ["p.yaml:8:14: `spec.members.keep` changes nothing: `spec.mode` UpsertOnly takes no \
          member out; leave the field out"]
    );
}
