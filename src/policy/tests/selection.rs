//! `spec.selection`: what is read, refused and warned about.

use std::collections::BTreeSet;

use super::*;
use crate::model::ObjectId;
use crate::model::policy::{Matcher, Membership, SelectableType, Selection};

const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn selection(more: &str) -> Selection {
    parsed(&spec(more)).policy.selection
}

fn only_entry(fields: &str) -> Matcher {
    let text = format!("  selection: {{ include: [{{ {fields} }}] }}");
    selection(&text).include.unwrap().remove(0)
}

#[test]
fn each_rule_about_flags_and_kinds_is_read() {
    for (word, rule) in [
        ("Honour", FlagRule::Honour),
        ("HonourTenantDefault", FlagRule::HonourTenantDefault),
        ("RequireTrue", FlagRule::RequireTrue),
        ("Ignore", FlagRule::Ignore),
    ] {
        let text = format!("  selection: {{ writebackFlag: {word} }}");
        assert_eq!(selection(&text).writeback_flag, rule);
    }
    let read = selection("  selection: { hiddenMembership: Write, roleAssignable: Include }");
    assert_eq!(read.hidden_membership, HiddenMembership::Write);
    assert_eq!(read.role_assignable, RoleAssignable::Include);
}

#[test]
fn each_condition_of_an_entry_is_read() {
    let id = ObjectId::parse(ID).unwrap();
    let entry = only_entry("types: [Microsoft365, Security], membership: [Dynamic]");
    let types = BTreeSet::from([SelectableType::Microsoft365, SelectableType::Security]);
    assert_eq!(entry.types, Some(types));
    assert_eq!(entry.membership, Some(BTreeSet::from([Membership::Dynamic])));
    assert_eq!(entry.place.to_string(), "p.yaml:8:26");
    assert!(entry.ids.is_none() && entry.display_name.is_none());
    assert!(entry.member_of.is_none() && entry.expression.is_none());
    let entry = only_entry(&format!("ids: [{}], memberOf: {ID}", ID.to_uppercase()));
    assert_eq!(entry.ids, Some(BTreeSet::from([id])));
    assert_eq!(entry.member_of, Some(id));
    let entry = only_entry("displayName: '^APP-', expression: \"group.mail == ''\"");
    assert!(entry.display_name.unwrap().is_match("APP-1"));
    let expression = entry.expression.unwrap();
    assert_eq!(expression.text, "group.mail == ''");
    assert_eq!(expression.place.to_string(), "p.yaml:8:62");
    let read = selection("  selection: { exclude: [{ membership: [Assigned] }] }");
    assert_eq!(read.exclude.len(), 1);
    assert!(read.include.is_none());
}

const NO_CONDITION: &str = "has no condition and would match every group; write one of types, \
    membership, ids, displayName, memberOf or expression, or remove the entry";

#[test]
fn an_entry_without_a_condition_is_refused() {
    for key in ["include", "exclude"] {
        let text = spec(&format!("  selection: {{ {key}: [{{}}] }}"));
        refused(&text, &[&format!("8:26: `spec.selection.{key}[0]` {NO_CONDITION}")]);
    }
}

const WRONG: &[(&str, &str)] = &[
    (
        "  selection: { writebackFlag: Honor }",
        "8:31: `spec.selection.writebackFlag` is `Honor`, which is none of its values; did you \
          mean `Honour`? the values are Honour, HonourTenantDefault, RequireTrue, Ignore",
    ),
    (
        "  selection: { roleAssignable: Write }",
        "8:32: `spec.selection.roleAssignable` is `Write`, which is none of its values; \
          the values are Skip, Include",
    ),
    (
        "  selection: { hiddenMembership: Include }",
        "8:34: `spec.selection.hiddenMembership` is `Include`, which is none of its values; \
          the values are Skip, Write",
    ),
    (
        "  selection: { include: [] }",
        "8:25: `spec.selection.include` is an empty list; \
          leave `include` out to take everything eligible, or write an entry",
    ),
    (
        "  selection: { include: }",
        "8:16: `spec.selection.include` has no value; give it one, or leave it out",
    ),
    (
        "  selection: { include: [{ types: [] }] }",
        "8:35: `spec.selection.include[0].types` is an empty list; \
          leave it out to match any, or write a value",
    ),
    (
        "  selection: { include: [{ types: [Securty] }] }",
        "8:36: `spec.selection.include[0].types[0]` is `Securty`, which is none of its values; \
          did you mean `Security`? the values are Microsoft365, Security",
    ),
    (
        "  selection: { include: [{ types: Security }] }",
        "8:35: `spec.selection.include[0].types` is not a list; \
          write it as `[a, b]` or one `- ` a line",
    ),
    (
        "  selection: { include: [{ membership: [Assigned, Assigned] }] }",
        "8:51: `spec.selection.include[0].membership[1]` is given twice; keep one of the two",
    ),
    (
        "  selection: { include: [{ ids: [finance] }] }",
        "8:34: `spec.selection.include[0].ids[0]` is `finance`, not an object id; \
          copy the object id of the group: 11111111-2222-3333-4444-555555555555",
    ),
    (
        "  selection: { include: [{ displayName: '(APP' }] }",
        "8:42: `spec.selection.include[0].displayName` is `(APP`, not a pattern: \
          unclosed group at character 1; \
          mend it; docs.rs/regex/1/regex/#syntax lists what is known",
    ),
    (
        "  selection: { include: [{ displayName: \"\\x5E(?<APP\" }] }",
        "8:52: `spec.selection.include[0].displayName` is `^(?<APP`, not a pattern: \
          unclosed capture group name at character 8; \
          mend it; docs.rs/regex/1/regex/#syntax lists what is known",
    ),
    (
        "  selection: { include: [{ displayName: 'a{1000}{1000}' }] }",
        "8:41: `spec.selection.include[0].displayName` is `a{1000}{1000}`, not a pattern: \
          the pattern becomes too large; \
          mend it; docs.rs/regex/1/regex/#syntax lists what is known",
    ),
    (
        "  selection: { include: [{ displayName: '' }] }",
        "8:41: `spec.selection.include[0].displayName` is empty; \
          write a value, or leave the field out where it has a default",
    ),
    (
        "  selection: { include: [{ memberOf: finance }] }",
        "8:38: `spec.selection.include[0].memberOf` is `finance`, not an object id; \
          copy the object id of the group: 11111111-2222-3333-4444-555555555555",
    ),
    (
        "  selection: { include: [{ memberOf: [01234567-89ab-cdef-0123-456789abcdef] }] }",
        "8:38: `spec.selection.include[0].memberOf` is a list, not a single value; \
          write one value",
    ),
    (
        "  selection: { exclude: [{ memberof: 01234567-89ab-cdef-0123-456789abcdef, ids: \
          [01234567-89ab-cdef-0123-456789abcdef] }] }",
        "8:28: `spec.selection.exclude[0].memberof` is not a known field; \
          did you mean `memberOf`?",
    ),
    (
        "  selection: { exclude: [{ expression: true }] }",
        "8:40: `spec.selection.exclude[0].expression` is `true` without quotes, which is read \
          as a number or a truth value; write it in quotes: 'true'",
    ),
];

#[test]
fn each_wrong_selection_is_refused_at_its_place() {
    each_is_refused(WRONG);
}

const WRONG_EXPRESSIONS: &[(&str, &str)] = &[
    (
        "  selection: { include: [{ expression: group.mailNickname }] }",
        "8:40: `spec.selection.include[0].expression` is wrong at character 1",
    ),
    (
        "  selection: { include: [{ expression: group.nickname == 'a' }] }",
        "8:46: `spec.selection.include[0].expression` is wrong at character 7",
    ),
    (
        "  selection: { include: [{ expression: 'group.mail == ''a'' && group.kind' }] }",
        "8:64: `spec.selection.include[0].expression` is wrong at character 22",
    ),
    (
        "  selection: { exclude: [{ expression: \"group.mail == '\\x41' && group.kin == ''\" }] }",
        "8:71: `spec.selection.exclude[0].expression` is wrong at character 28",
    ),
    (
        "  selection:\n    include:\n      - expression: |\n          group.mail == '' &&\n\
         \u{20}         group.kin == ''",
        "11:11: `spec.selection.include[0].expression` is wrong at line 2, character 7 of the \
         expression",
    ),
    (
        "  selection: { include: [{ expression: 'group.mail ==' }] }",
        "8:54: `spec.selection.include[0].expression` is wrong at character 14",
    ),
];

#[test]
fn each_wrong_expression_is_refused_at_its_character() {
    each_is_refused_from(WRONG_EXPRESSIONS);
}

const TAKES_EVERYTHING: &str =
    "`spec.selection` takes every eligible group of the tenant, whatever its flag says";

#[test]
fn a_selection_of_everything_is_warned_about() {
    let absent = format!(
        "8:3: {TAKES_EVERYTHING}; add `include`, or keep the flag with `writebackFlag: Honour`"
    );
    let entry = format!(
        "8:50: {TAKES_EVERYTHING}; narrow this entry, or keep the flag with `writebackFlag: Honour`"
    );
    each_is_warned_about(&[
        ("  selection: { writebackFlag: Ignore }", &[&absent]),
        (
            "  selection: { writebackFlag: Ignore, include: \
              [ { types: [Security, Microsoft365] }] }",
            &[&entry],
        ),
        (
            "  selection: { writebackFlag: Ignore, include: \
              [ { membership: [Assigned, Dynamic] }] }",
            &[&entry],
        ),
        ("  selection: { writebackFlag: Ignore, include: [{ types: [Security] }] }", &[]),
        ("  selection: { include: [{ types: [Security, Microsoft365] }] }", &[]),
    ]);
}

const OWNERS: &[(&str, &[&str])] = &[
    (
        "  selection: { include: [{ displayName: '^A' }] }",
        &["8:41: `displayName` decides which groups are written, and every owner of a group \
           can change it; use ids or memberOf where that matters"],
    ),
    (
        "  selection: { exclude: [{ expression: \"group.mailNickname.startsWith('a')\" }] }",
        &["8:40: `group.mailNickname` decides which groups are written, and every owner of a \
           group can change it; use ids or memberOf where that matters"],
    ),
    (
        "  selection: { include: [{ expression: group.displayName == group.description }] }",
        &["8:40: `group.description` and `group.displayName` decide which groups are written, \
           and every owner of a group can change them; use ids or memberOf where that matters"],
    ),
    ("  selection: { include: [{ expression: group.kind == 'Security' }] }", &[]),
    (
        "  selection: { exclude: [{ expression: 1 < 2 }] }",
        &["8:40: the condition is the same for every group: it reads nothing of `group`; \
           name a field such as group.mailNickname, or leave the condition out"],
    ),
    (
        "  selection:\n    include: [{ ids: [01234567-89ab-cdef-0123-456789abcdef] }]\n    \
         exclude: [{ ids: [01234567-89ab-cdef-0123-456789abcdef] }]",
        &["9:15: 01234567-89ab-cdef-0123-456789abcdef is taken out again by `exclude`; \
           remove it from one of the two"],
    ),
    (
        "  selection:\n    include: [{ ids: [01234567-89ab-cdef-0123-456789abcdef] }]\n    \
         exclude: [{ types: [Security], ids: [01234567-89ab-cdef-0123-456789abcdef] }]",
        &[],
    ),
];

#[test]
fn what_owners_or_nobody_can_change_is_warned_about() {
    each_is_warned_about(OWNERS);
}
