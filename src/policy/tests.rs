//! Wrong policies with the words that set them right; each section has a file of its own.

mod adoption;
mod approval;
mod deletion;
mod folder;
mod group;
mod guard;
mod members;
mod selection;

use crate::model::Dn;
use crate::model::policy::{
    Deletion, FlagRule, GroupTypeRule, GuardRules, HiddenMembership, MailRule, MemberRules, Mode,
    NamePreset, NameSource, Naming, RoleAssignable, Upkeep,
};

use super::*;

const GOOD: &str = "\
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: { name: finance }
spec:
  mode: Sync
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example' }
";

fn containers() -> Containers {
    Containers::new(vec![Dn::parse("OU=Cloud Groups,DC=corp,DC=example").unwrap()])
}

fn lines(mistakes: &[ConfigMistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

fn parsed(text: &str) -> Parsed {
    match parse("p.yaml", text.as_bytes(), Some(&containers())) {
        Ok(parsed) => parsed,
        Err(mistakes) => panic!("{text}\n{}", lines(&mistakes).join("\n")),
    }
}

fn refused(text: &str, expected: &[&str]) {
    let found = match parse("p.yaml", text.as_bytes(), Some(&containers())) {
        Ok(_) => panic!("accepted: {text}"),
        Err(mistakes) => lines(&mistakes),
    };
    let expected = expected.iter().map(|line| format!("p.yaml:{line}")).collect::<Vec<_>>();
    assert_eq!(found, expected, "{text}");
}

/// The good policy with further lines of `spec`.
fn spec(more: &str) -> String {
    format!("{GOOD}{more}\n")
}

/// Each row: further lines of `spec`, and the one mistake in them.
fn each_is_refused(rows: &[(&str, &str)]) {
    for (more, line) in rows {
        refused(&spec(more), &[line]);
    }
}

/// Each row: further lines of `spec`, and how the one mistake in them begins: the rest is told by
/// the compiler of expressions and held by its own tests.
fn each_is_refused_from(rows: &[(&str, &str)]) {
    for (more, start) in rows {
        let text = spec(more);
        let found = parse("p.yaml", text.as_bytes(), Some(&containers())).unwrap_err();
        let found = lines(&found);
        let [only] = found.as_slice() else { panic!("{text}\n{found:#?}") };
        assert!(only.starts_with(&format!("p.yaml:{start}: ")), "{text}\n{only}");
    }
}

/// Each row: further lines of `spec`, and the warnings about them.
fn each_is_warned_about(rows: &[(&str, &[&str])]) {
    for (more, expected) in rows {
        let found = lines(&parsed(&spec(more)).warnings);
        let expected = expected.iter().map(|line| format!("p.yaml:{line}")).collect::<Vec<_>>();
        assert_eq!(found, expected, "{more}");
    }
}

fn preset(naming: &Naming) -> Option<NamePreset> {
    match naming.source {
        NameSource::Preset(preset) => Some(preset),
        NameSource::Expression(_) => None,
    }
}

#[test]
fn the_shortest_policy_has_every_default() {
    let Parsed { policy, warnings } = parsed(GOOD);
    assert_eq!(policy.name.as_str(), "finance");
    assert_eq!((policy.mode, policy.suspend, policy.precedence), (Mode::Sync, false, 100));
    assert_eq!(policy.selection.writeback_flag, FlagRule::Honour);
    assert_eq!(policy.selection.hidden_membership, HiddenMembership::Skip);
    assert_eq!(policy.selection.role_assignable, RoleAssignable::Skip);
    assert!(policy.selection.include.is_none() && policy.selection.exclude.is_empty());
    assert_eq!(policy.group.group_type, GroupTypeRule::FromCloud);
    assert_eq!(policy.group.placement.mode, Upkeep::CreateOnly);
    let [only] = policy.group.placement.rules.as_slice() else { panic!("one place is one rule") };
    assert!(only.when.is_none());
    assert_eq!(preset(&policy.group.common_name), Some(NamePreset::GroupId));
    assert_eq!(policy.group.common_name.mode, Upkeep::Always);
    assert_eq!(preset(&policy.group.sam_account_name), Some(NamePreset::GroupId));
    assert_eq!(policy.group.sam_account_name.mode, Upkeep::CreateOnly);
    assert_eq!(policy.group.mail, MailRule::WhenPrepared);
    assert!(policy.group.attributes.is_empty());
    assert_eq!(policy.members, MemberRules::default());
    assert_eq!(policy.deletion, Deletion::default());
    assert_eq!(policy.guard, GuardRules::default());
    assert!(policy.adoption.is_empty());
    assert_eq!(policy.generation, Digest::of(GOOD.as_bytes()));
    assert_eq!(policy.group_place.to_string(), "p.yaml:6:3");
    assert_eq!(policy.selection_place, policy.place);
    assert_eq!(policy.place.to_string(), "p.yaml:1:1");
    assert!(warnings.is_empty());
}

const WRONG_FIELDS: &[(&str, &str)] = &[
    ("  suspend: yes", "8:12: `spec.suspend` is `yes`, not true or false; write true or false"),
    ("  precedence: -1", "8:15: `spec.precedence` is -1, out of range; use 0 to 1000000"),
    ("  precedence: 1000001", "8:15: `spec.precedence` is 1000001, out of range; use 0 to 1000000"),
    (
        "  precedence: low",
        "8:15: `spec.precedence` is `low`, not a whole number; write digits without quotes",
    ),
    ("  slection: {}", "8:3: `spec.slection` is not a known field; did you mean `selection`?"),
    ("  selection:", "8:3: `spec.selection` has no value; give it one, or leave it out"),
    ("  mode: Observe", "8:3: `mode` is given twice, first on line 5; keep one of the two"),
    (
        "status: {}",
        "8:1: `status` is not a known field; \
          the fields here are apiVersion, kind, metadata, spec",
    ),
];

#[test]
fn each_wrong_field_of_the_document_is_refused_at_its_place() {
    each_is_refused(WRONG_FIELDS);
}

const WRONG_PARTS: &[(&str, &str, &str)] = &[
    (
        "mode: Sync",
        "mode: Synk",
        "5:9: `spec.mode` is `Synk`, which is none of its values; \
          did you mean `Sync`? the values are Observe, CreateOnly, UpsertOnly, Sync",
    ),
    ("  mode: Sync\n", "", "5:3: `spec.mode` is missing; add the field `mode`"),
    (
        "name: finance",
        "name: 2026",
        "3:19: `metadata.name` is `2026` without quotes, which is read as a number or a truth \
          value; write it in quotes: '2026'",
    ),
    (
        "name: finance",
        "name: Finance",
        "3:19: `metadata.name` is `Finance`, not a name; \
          use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "name: finance",
        "name: \"fin\\u202Eance\"",
        "3:19: `metadata.name` is `fin\\u{202e}ance`, not a name; \
          use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "WritebackPolicy",
        "Approval",
        "2:7: `kind` is `Approval`, where WritebackPolicy is meant; put it into another file",
    ),
    (
        "WritebackPolicy",
        "DaemonConfiguration",
        "2:7: `kind` is `DaemonConfiguration`, which is none of its values; \
          the values are WritebackPolicy, Approval",
    ),
    (
        "WritebackPolicy",
        "approval",
        "2:7: `kind` is `approval`, which is none of its values; \
          did you mean `Approval`? the values are WritebackPolicy, Approval",
    ),
];

#[test]
fn each_wrong_mode_name_or_kind_is_refused_at_its_place() {
    for (old, new, line) in WRONG_PARTS {
        assert!(GOOD.contains(old), "{old}");
        refused(&GOOD.replacen(old, new, 1), &[line]);
    }
    let long = GOOD.replacen("finance", &"x".repeat(51), 1);
    assert!(parse("p.yaml", long.as_bytes(), None).is_err());
}

#[test]
fn all_mistakes_of_a_policy_come_at_once() {
    refused(
        "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: { nam: x }\nspec:\n  \
         suspend: on\n  members: { maximum: many }\n  deletion: { onDisabled: Quarantin }\n  \
         deletoin: {}\n",
        &[
            "3:11: `metadata.name` is missing; add the field `name`",
            "3:13: `metadata.nam` is not a known field; did you mean `name`?",
            "5:3: `spec.group` is missing; add the field `group`",
            "5:3: `spec.mode` is missing; add the field `mode`",
            "5:12: `spec.suspend` is `on`, not true or false; write true or false",
            "6:23: `spec.members.maximum` is `many`, not a whole number; \
             write digits without quotes",
            "7:27: `spec.deletion.onDisabled` is `Quarantin`, which is none of its values; \
             did you mean `Quarantine`? the values are Retain, Disable, Quarantine, Delete",
            "8:3: `spec.deletoin` is not a known field; did you mean `deletion`?",
        ],
    );
}
