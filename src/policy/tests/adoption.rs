//! `spec.adoption`: what is read and refused.

use super::*;
use crate::model::policy::{Adoption, Place};
use crate::model::{ObjectGuid, ObjectId};

const FIRST: &str = "group: aaaaaaaa-1111-4222-8333-444444444444, \
                     object: bbbbbbbb-1111-4222-8333-444444444444";
const SECOND: &str = "group: AAAAAAAA-2222-4222-8333-444444444444, \
                      object: BBBBBBBB-2222-4222-8333-444444444444";

#[test]
fn groups_to_adopt_are_read_with_their_places() {
    let text =
        format!("  adoption:\n    - {{ {FIRST} }}\n    - {{ {SECOND}, incumbentOff: true }}");
    let Parsed { policy, warnings } = parsed(&spec(&text));
    let id = |letter: &str, number: &str| {
        format!("{}-{}-4222-8333-444444444444", letter.repeat(8), number.repeat(4))
    };
    let expected = |number, line, incumbent_off| Adoption {
        place: Place { file: "p.yaml".to_owned(), line, column: 7 },
        group: ObjectId::parse(&id("a", number)).unwrap(),
        object: ObjectGuid::parse(&id("b", number)).unwrap(),
        incumbent_off,
    };
    assert_eq!(policy.adoption, [expected("1", 9, false), expected("2", 10, true)]);
    assert_eq!(warnings, []);
    assert!(parsed(&spec("  adoption: []")).policy.adoption.is_empty());
}

#[test]
fn each_wrong_adoption_is_refused_at_its_place() {
    let twice = |group: &str, object: &str| {
        let rest = "1111-4222-8333-444444444444";
        let second = format!("{{ group: {group}-{rest}, object: {object}-{rest} }}");
        spec(&format!("  adoption:\n    - {{ {FIRST} }}\n    - {second}"))
    };
    refused(
        &twice("AAAAAAAA", "cccccccc"),
        &["10:16: `spec.adoption[1].group` is given twice, first on line 9; \
           one directory group for one cloud group: remove one of the two"],
    );
    refused(
        &twice("cccccccc", "bbbbbbbb"),
        &["10:62: `spec.adoption[1].object` is given twice, first on line 9; \
           one directory group for one cloud group: remove one of the two"],
    );
    each_is_refused(&[
        (
            "  adoption: { group: a }",
            "8:13: `spec.adoption` is not a list; write it as `[a, b]` or one `- ` a line",
        ),
        (
            "  adoption: [{ group: finance, object: bbbbbbbb-1111-4222-8333-444444444444 }]",
            "8:23: `spec.adoption[0].group` is `finance`, not an object id; \
             copy the object id of the group: 11111111-2222-3333-4444-555555555555",
        ),
        (
            "  adoption: [{ object: 'CN=a,DC=x', group: bbbbbbbb-1111-4222-8333-444444444444 }]",
            "8:24: `spec.adoption[0].object` is `CN=a,DC=x`, not an objectGUID; copy the \
             objectGUID of the directory group: 11111111-2222-3333-4444-555555555555",
        ),
        (
            "  adoption: [{ group: bbbbbbbb-1111-4222-8333-444444444444 }]",
            "8:14: `spec.adoption[0].object` is missing; add the field `object`",
        ),
        (
            "  adoption: [{ object: bbbbbbbb-1111-4222-8333-444444444444 }]",
            "8:14: `spec.adoption[0].group` is missing; add the field `group`",
        ),
        (
            "  adoption: [{ group: aaaaaaaa-1111-4222-8333-444444444444, \
             object: bbbbbbbb-1111-4222-8333-444444444444, incumbentOff: yes }]",
            "8:121: `spec.adoption[0].incumbentOff` is `yes`, not true or false; \
             write true or false",
        ),
    ]);
}
