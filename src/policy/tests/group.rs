//! `spec.group`: what is read, refused and warned about.

use super::*;
use crate::model::policy::GroupShape;

/// The policy with another `container`.
fn placed(container: &str) -> String {
    GOOD.replacen("{ value: 'OU=Cloud Groups,DC=corp,DC=example' }", container, 1)
}

fn shape(more: &str) -> GroupShape {
    parsed(&spec(more)).policy.group
}

#[test]
fn each_type_and_mail_rule_is_read() {
    for (word, rule) in [
        ("FromCloud", GroupTypeRule::FromCloud),
        ("UniversalDistribution", GroupTypeRule::UniversalDistribution),
        ("UniversalSecurity", GroupTypeRule::UniversalSecurity),
        ("UniversalMailEnabledSecurity", GroupTypeRule::UniversalMailEnabledSecurity),
    ] {
        assert_eq!(shape(&format!("    type: {word}")).group_type, rule);
    }
    assert_eq!(shape("    mail: Never").mail, MailRule::Never);
    assert_eq!(shape("    mail: WhenPrepared").mail, MailRule::WhenPrepared);
}

#[test]
fn places_are_read_in_the_order_of_their_rules() {
    let text = placed(
        "\n      mode: Always\n      rules:\n        - when: group.kind == 'Security'\n          \
         value: 'OU=Security,OU=Cloud Groups,DC=corp,DC=example'\n        - value: \
         'ou=cloud groups,dc=corp,dc=example'",
    );
    let Parsed { policy, warnings } = parsed(&text);
    let placement = policy.group.placement;
    assert_eq!(placement.mode, Upkeep::Always);
    let [security, rest] = placement.rules.as_slice() else { panic!("two rules") };
    let when = security.when.as_ref().unwrap();
    assert_eq!(when.text, "group.kind == 'Security'");
    assert_eq!(when.place.to_string(), "p.yaml:10:17");
    assert_eq!(security.container.leaf(), "Security");
    assert!(rest.when.is_none());
    assert_eq!(rest.container.leaf(), "cloud groups");
    assert!(warnings.is_empty());
}

#[test]
fn names_are_read_as_presets_or_expressions() {
    let read = shape(
        "    commonName: { expression: \"'app-' + group.id\", mode: CreateOnly }\n    \
         samAccountName: { preset: DisplayNameAndId, mode: Always }",
    );
    let NameSource::Expression(expression) = read.common_name.source else {
        panic!("an expression")
    };
    assert_eq!(expression.text, "'app-' + group.id");
    assert_eq!(expression.place.to_string(), "p.yaml:8:31");
    assert_eq!(read.common_name.mode, Upkeep::CreateOnly);
    assert_eq!(preset(&read.sam_account_name), Some(NamePreset::DisplayNameAndId));
    assert_eq!(read.sam_account_name.mode, Upkeep::Always);
}

#[test]
fn further_attributes_are_read_in_their_order() {
    let read = shape(
        "    attributes:\n      - { name: info, expression: \"'of ' + group.mailNickname\" }\n\
              \u{20}     \
         - { name: extensionAttribute1, expression: group.id, mode: CreateOnly }",
    );
    let told: Vec<String> = read
        .attributes
        .iter()
        .map(|one| format!("{} {} {:?} {}", one.place, one.name, one.mode, one.expression.text))
        .collect();
    assert_eq!(
        told,
        [
            "p.yaml:9:9 info Always 'of ' + group.mailNickname",
            "p.yaml:10:9 extensionAttribute1 CreateOnly group.id",
        ]
    );
}

const WRONG_PLACES: &[(&str, &str)] = &[
    (
        "{ value: 'DC=corp,DC=example' }",
        "7:25: `spec.group.container.value` is `DC=corp,DC=example`, outside the containers of \
          the configuration; use a place inside `directory.containers`, or add it there",
    ),
    (
        "{ value: 'OU=Cloud+Groups,DC=corp,DC=example' }",
        "7:25: `spec.group.container.value` is not a distinguished name: \
          `OU=Cloud+Groups` has a `+` that must be written `\\+`; \
          write a full name: 'OU=Cloud Groups,DC=corp,DC=example'",
    ),
    (
        "{ value: Cloud Groups }",
        "7:25: `spec.group.container.value` is not a distinguished name: \
          the component `Cloud Groups` has no `=`; \
          write a full name: 'OU=Cloud Groups,DC=corp,DC=example'",
    ),
    (
        "{}",
        "7:16: `spec.group.container.value` is missing; add `value`, or `rules` for several places",
    ),
    (
        "{ value: 'OU=Cloud Groups,DC=corp,DC=example', \
          rules: [{ value: 'OU=Cloud Groups,DC=corp,DC=example' }] }",
        "7:63: `spec.group.container.rules` stands beside `value`; keep one of the two",
    ),
    (
        "{ rules: [] }",
        "7:25: `spec.group.container.rules` is an empty list; \
          write a rule, or one place with `value`",
    ),
    (
        "{ rules: [{ when: group.mailEnabled, value: 'OU=Cloud Groups,DC=corp,DC=example' }] }",
        "7:28: `spec.group.container.rules[0].when` stands in the last rule: a group that no \
          rule takes would have no place; add a last rule with `value` alone",
    ),
    (
        "{ rules: [{ value: 'OU=a,OU=Cloud Groups,DC=corp,DC=example' }, \
          { value: 'OU=b,OU=Cloud Groups,DC=corp,DC=example' }] }",
        "7:26: `spec.group.container.rules[0]` has no `when`: the rules after it are never \
          reached; give it a `when`, or move it to the end",
    ),
    (
        "{ rules: [{ when: group.mailEnabled, value: 'OU=A,OU=Cloud Groups,DC=corp,DC=example' }, \
          { when: group.mailEnabled, value: 'OU=B,OU=Cloud Groups,DC=corp,DC=example' }, \
          { value: 'OU=A,OU=Cloud Groups,DC=corp,DC=example' }] }",
        "7:113: `spec.group.container.rules[1].when` is the condition of another rule too, on \
          line 7; remove one of the two: the second is never reached",
    ),
    (
        "{ rules: [{ value: 'OU=Users,DC=corp,DC=example' }] }",
        "7:35: `spec.group.container.rules[0].value` is `OU=Users,DC=corp,DC=example`, outside \
          the containers of the configuration; use a place inside `directory.containers`, or \
          add it there",
    ),
    (
        "{ rules: [{ then: x, value: 'OU=Cloud Groups,DC=corp,DC=example' }] }",
        "7:28: `spec.group.container.rules[0].then` is not a known field; did you mean `when`?",
    ),
];

#[test]
fn each_impossible_place_is_refused_where_it_stands() {
    for (container, line) in WRONG_PLACES {
        refused(&placed(container), &[line]);
    }
}

#[test]
fn without_a_configuration_the_container_is_not_compared() {
    let text = GOOD.replace("OU=Cloud Groups", "OU=Elsewhere");
    assert!(parse("p.yaml", text.as_bytes(), None).is_ok());
}

const WRONG: &[(&str, &str)] = &[
    (
        "    type: UniversalMailEnabled",
        "8:11: `spec.group.type` is `UniversalMailEnabled`, which is none of its values; \
          did you mean `UniversalMailEnabledSecurity`? the values are FromCloud, \
          UniversalDistribution, UniversalSecurity, UniversalMailEnabledSecurity",
    ),
    (
        "    mail: Always",
        "8:11: `spec.group.mail` is `Always`, which is none of its values; \
          the values are WhenPrepared, Never",
    ),
    (
        "    commonName: { preset: GroupId, expression: group.id }",
        "8:36: `spec.group.commonName.expression` stands beside `preset`; keep one of the two",
    ),
    (
        "    samAccountName: { preset: DisplayName }",
        "8:31: `spec.group.samAccountName.preset` is `DisplayName`, which is none of its \
          values; did you mean `DisplayNameAndId`? the values are GroupId, DisplayNameAndId",
    ),
    (
        "    attributes: [{ name: info }]",
        "8:18: `spec.group.attributes[0].expression` is missing; add the field `expression`",
    ),
    (
        "    attributes: [{ expression: group.id }]",
        "8:18: `spec.group.attributes[0].name` is missing; add the field `name`",
    ),
    (
        "    attributes: [{ name: info, expression: group.id, mode: Once }]",
        "8:60: `spec.group.attributes[0].mode` is `Once`, which is none of its values; \
          the values are Always, CreateOnly",
    ),
    (
        "    attributes: [{ name: 'info;binary', expression: group.id }]",
        "8:26: `spec.group.attributes[0].name` is `info;binary`, not the name of an attribute; \
          write its lDAPDisplayName, such as info or extensionAttribute1",
    ),
    (
        "    attributes:\n      - { name: info, expression: group.id }\n      \
         - { name: INFO, expression: group.mail }",
        "10:17: `spec.group.attributes[1].name` is the attribute of another entry too, on \
          line 9; keep one of the two",
    ),
];

#[test]
fn each_wrong_shape_is_refused_at_its_place() {
    each_is_refused(WRONG);
}

const WRONG_EXPRESSIONS: &[(&str, &str)] = &[
    (
        "    commonName: { expression: group.mailEnabled }",
        "8:31: `spec.group.commonName.expression` is wrong at character 1",
    ),
    (
        "    samAccountName: { expression: '''x'' + group.nick' }",
        "8:50: `spec.group.samAccountName.expression` is wrong at character 13",
    ),
    (
        "    attributes: [{ name: info, expression: group.mailEnabled }]",
        "8:44: `spec.group.attributes[0].expression` is wrong at character 1",
    ),
];

#[test]
fn each_wrong_expression_is_refused_at_its_character() {
    each_is_refused_from(WRONG_EXPRESSIONS);
    let rules = "{ rules: [{ when: group.mail, value: 'OU=a,OU=Cloud Groups,DC=corp,DC=example' }, \
        { value: 'OU=Cloud Groups,DC=corp,DC=example' }] }";
    let found = parse("p.yaml", placed(rules).as_bytes(), None).unwrap_err();
    let found = lines(&found).join("\n");
    let start = "p.yaml:7:34: `spec.group.container.rules[0].when` is wrong at character 1: ";
    assert!(found.starts_with(start), "{found}");
}

/// One attribute of each reason, in another case than the schema's.
const NOT_FREE: &[(&str, &str)] = &[
    ("CN", "which is written by its own field; use `commonName` or `samAccountName`"),
    (
        "displayname",
        "which follows the cloud group; change it in the cloud, or use another attribute",
    ),
    ("ExtensionName", "which says whose group it is; use another one"),
    ("msds-externaldirectoryobjectid", "which says whose group it is; use another one"),
    ("ProxyAddresses", "which follows the addresses of the cloud group; use `spec.group.mail`"),
    ("grouptype", "which is written by its own field; use `spec.group.type`"),
    ("Member", "which holds members; change the members in the cloud"),
    ("managedby", "which decides about access; use another one"),
    ("ntsecuritydescriptor", "which decides about access; use another one"),
    ("serviceprincipalname", "which decides about access; use another one"),
    ("msds-allowedtoactonbehalfofotheridentity", "which decides about access; use another one"),
    ("msDS-KeyCredentialLink", "which decides about access; use another one"),
    ("msDS-AzLDAPQuery", "which decides about access; use another one"),
    ("sidhistory", "which is part of an identity; use another one"),
    ("ms-ds-consistencyguid", "which is part of an identity; use another one"),
    ("msSFU30Name", "which is part of an identity; use another one"),
    ("legacyExchangeDN", "by which Exchange delivers mail; use `spec.group.mail`"),
    ("msExchRecipientTypeDetails", "by which Exchange delivers mail; use `spec.group.mail`"),
    ("objectclass", "which the directory or one of its services keeps itself; use another one"),
    ("msDS-ObjectSoa", "which the directory or one of its services keeps itself; use another one"),
    ("isDeleted", "which the directory or one of its services keeps itself; use another one"),
    ("url", "which does not hold one text; use another one"),
];

/// Every single-valued string that class group may hold in the base schema, and the families that
/// extensions of it are made of.
const FREE: &[&str] = &[
    "adminDisplayName",
    "desktopProfile",
    "displayNamePrintable",
    "info",
    "msDS-PhoneticDisplayName",
    "msDS-cloudExtensionAttribute20",
    "telephoneNumber",
    "wWWHomePage",
    "extensionAttribute15",
    "corp-CostCentre",
];

#[test]
fn attributes_of_identity_access_and_the_standard_set_are_not_free() {
    let text =
        |name: &str| spec(&format!("    attributes: [{{ name: {name}, expression: group.id }}]"));
    for (name, why) in NOT_FREE {
        let found = parse("p.yaml", text(name).as_bytes(), None).unwrap_err();
        let found = lines(&found).join("\n");
        let expected = format!("p.yaml:8:26: `spec.group.attributes[0].name` is `{name}`, {why}");
        assert!(found.starts_with(&expected), "{found}");
    }
    for name in FREE {
        assert_eq!(parsed(&text(name)).policy.group.attributes.len(), 1);
    }
}

const SECURITY_ONLY: &str = "  selection: { include: [{ types: [Security] }] }";

#[test]
fn what_changes_nothing_is_warned_about() {
    let alone = |fields: &str| format!("{fields}\n{SECURITY_ONLY}");
    each_is_warned_about(&[
        (
            &alone("    type: UniversalDistribution"),
            &["8:5: `spec.group.type` changes nothing: the selection takes security groups \
               alone, and those are always universal security groups; leave the field out, or \
               select Microsoft365 groups too"],
        ),
        (
            &alone("    mail: WhenPrepared"),
            &["8:5: `spec.group.mail` changes nothing: the selection takes security groups \
               alone, and those have no mail attributes; leave the field out, or select \
               Microsoft365 groups too"],
        ),
        (&alone("    mail: Never\n    type: FromCloud"), &[]),
        (
            "    type: UniversalSecurity\n    mail: WhenPrepared",
            &["9:5: `spec.group.mail` changes nothing: `type: UniversalSecurity` has no mail \
               attributes; leave the field out, or write `type: UniversalMailEnabledSecurity`"],
        ),
        (
            "    type: UniversalMailEnabledSecurity\n    mail: Never",
            &["9:5: `mail: Never` leaves nothing of a mail-enabled group but its security; \
               leave the field out, or write `type: UniversalSecurity`"],
        ),
        ("    type: UniversalSecurity\n    mail: Never", &[]),
        (
            "    samAccountName: { expression: \"'app'\" }",
            &["8:35: the expression gives every group the same name: it reads nothing of \
               `group`; add a field such as group.mailNickname or group.id"],
        ),
        ("    commonName: { expression: group.mailNickname }", &[]),
    ]);
}

#[test]
fn a_place_that_owners_decide_is_warned_about() {
    let text = placed(
        "{ rules: [{ when: group.visibility == 'Public', value: \
         'OU=a,OU=Cloud Groups,DC=corp,DC=example' }, { value: \
         'OU=Cloud Groups,DC=corp,DC=example' }] }",
    );
    assert_eq!(
        lines(&parsed(&text).warnings),
        ["p.yaml:7:34: `group.visibility` decides where a group stands, and every owner of a \
          group can change it; use group.id, group.kind or group.membership where that matters"]
    );
}

#[test]
fn what_is_always_kept_by_a_policy_that_only_creates_is_warned_about() {
    let text = spec(
        "    commonName: { mode: Always }\n    attributes: [{ name: info, expression: group.id }]",
    );
    let text = text.replacen("mode: Sync", "mode: CreateOnly", 1);
    assert_eq!(
        lines(&parsed(&text).warnings),
        ["p.yaml:8:25: `mode: Always` never acts here: under `spec.mode` CreateOnly a group is \
          set once; write CreateOnly, or choose another `spec.mode`"]
    );
}
